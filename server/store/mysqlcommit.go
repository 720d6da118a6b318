package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"nacre/server/auth"
	"nacre/server/config"
	"nacre/server/draft"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/naming"
)

const (
	maxAttempts  = 6
	firstBackoff = 5 * time.Millisecond
	maxBackoff   = 200 * time.Millisecond
	// rollbackTime is how long undoing may take before the connection is dropped instead.
	rollbackTime = time.Second
)

// Commit implements journal.Committer: it decides and writes the group in one transaction. A group
// that the database undid, for a deadlock or a lost connection, is tried again within the write
// timeout. A command whose values the tables can't hold is refused by its own outcome, the others
// are committed. Faults: Unavailable, whose text says whether the group may have taken effect.
func (m *MySQL) Commit(ctx context.Context, group []journal.Command) ([]journal.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, m.opts.WriteTimeout)
	defer cancel()
	select {
	case m.writing <- struct{}{}: // two at a time would only wait for each other on the counter row
		defer func() { <-m.writing }()
	case <-ctx.Done():
		return nil, m.writeFault(ctx.Err())
	}
	return m.commit(ctx, group)
}

// commit halves a group that holds a value which the tables refuse until it is found.
func (m *MySQL) commit(ctx context.Context, group []journal.Command) ([]journal.Result, error) {
	results, err := m.try(ctx, func(t *transaction) error { return t.commit(group, m.opts.Node) })
	if c := causeOf(err); err == nil || c != causeData && c != causeDuplicate {
		return results, m.writeFault(err)
	}
	results = nil
	if len(group) == 1 {
		m.opts.Log.Warn("the database refuses a write", "database", m.name, "command", group[0].Kind, "error", err)
		outcome, err := refusal(group[0], m.writeFault(err))
		return []journal.Result{{Outcome: outcome}}, err
	}
	for _, half := range [][]journal.Command{group[:len(group)/2], group[len(group)/2:]} {
		part, err := m.commit(ctx, half)
		if err != nil {
			// What the first half did stands; its callers are to hear of it.
			if part, err = refusals(half, err); err != nil {
				return nil, err
			}
		}
		results = append(results, part...)
	}
	return results, nil
}

// refusal returns the outcome that a command has when the database refused it.
func refusal(cmd journal.Command, err error) (journal.Outcome, error) {
	f := fault.Wrap(fault.KindOf(err), err, "%s", fault.TextOf(err)).WithCode(fault.CodeOf(err))
	switch {
	case config.Owns(cmd.Kind):
		return config.Outcome{Fault: f}, nil
	case namespace.Owns(cmd.Kind):
		return namespace.Outcome{Fault: f}, nil
	case auth.Owns(cmd.Kind):
		return auth.Outcome{Fault: f}, nil
	case draft.Owns(cmd.Kind):
		return draft.Outcome{Fault: f}, nil
	case naming.Owns(cmd.Kind):
		return naming.Outcome{Fault: f}, nil
	}
	return nil, err
}

func refusals(group []journal.Command, err error) ([]journal.Result, error) {
	results := make([]journal.Result, len(group))
	for i, cmd := range group {
		outcome, err := refusal(cmd, err)
		if err != nil {
			return nil, err
		}
		results[i].Outcome = outcome
	}
	return results, nil
}

// try makes attempts while the database undoes them and ctx lasts. Its error is the database's own.
func (m *MySQL) try(ctx context.Context, work func(*transaction) error) ([]journal.Result, error) {
	backoff := firstBackoff
	for attempt := 1; ; attempt++ {
		results, err := m.transact(ctx, work)
		c := causeOf(err)
		if err == nil || fault.KindOf(err) != fault.Internal || c == causeOther || c == causeData || attempt == maxAttempts || ctx.Err() != nil {
			return results, err
		}
		if c == causeDuplicate && attempt > 2 {
			return results, err // nobody's insert crossed ours: the table takes two names for one
		}
		m.opts.Log.Debug("a transaction is tried again", "database", m.name, "attempt", attempt, "error", err)
		timer := time.NewTimer(backoff)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		}
		backoff *= 2
	}
}

// transact makes one attempt. An error means that nothing was written, unless it is a fault already.
func (m *MySQL) transact(ctx context.Context, work func(*transaction) error) ([]journal.Result, error) {
	seen := m.seen.Load()
	tx, done, err := m.session(ctx)
	if err != nil {
		return nil, err
	}
	broken := true
	defer func() { done(broken) }()
	if err := tx.Exec("START TRANSACTION").Error; err != nil {
		return nil, err
	}
	c, err := m.readCounter(tx, seen, true)
	if err != nil {
		broken = m.rollback(ctx, tx) != nil || causeOf(err) == causeReadOnly
		return nil, err
	}
	t := c.transaction(tx, m.batchBytes, false)
	if err = work(t); err == nil && t.changed() {
		err = m.trim(t)
	}
	if err == nil {
		err = ctx.Err() // from here on a deadline leaves the outcome unknown
	}
	if err != nil || !t.changed() {
		broken = m.rollback(ctx, tx) != nil || causeOf(err) == causeReadOnly
		return t.results, err
	}
	if err := tx.Exec("COMMIT").Error; err != nil {
		if c := causeOf(err); c == causeBusy || c == causeDuplicate {
			broken = m.rollback(ctx, tx) != nil
			return nil, err // a cluster's certification undid it
		}
		if happened, failed := m.find(ctx, t); failed != nil {
			return nil, m.unknown(err)
		} else if !happened {
			return nil, err
		}
	} else {
		broken = false
	}
	m.saw(t.revision)
	if m.opts.Committed != nil {
		m.opts.Committed(t.counted, t.revision, t.changes)
	}
	return t.results, nil
}

// find asks until ctx ends whether a transaction took effect whose COMMIT was not confirmed.
func (m *MySQL) find(ctx context.Context, t *transaction) (happened bool, err error) {
	backoff := firstBackoff
	for {
		if happened, err = m.happened(ctx, t); err == nil || fault.KindOf(err) != fault.Internal || causeOf(err) != causeLost && causeOf(err) != causeBusy {
			return happened, err
		}
		timer := time.NewTimer(backoff)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false, err
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

func (m *MySQL) rollback(ctx context.Context, tx *gorm.DB) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
	defer cancel()
	return tx.WithContext(ctx).Exec("ROLLBACK").Error
}

// transaction is one attempt to commit a group.
type transaction struct {
	tx         *gorm.DB
	batchBytes int
	// reads says that nothing is decided: rows are not locked.
	reads bool
	// attempt names this attempt in the change log.
	attempt []byte

	// counted is the last revision of others, revision that of the group.
	counted, revision uint64
	// tenant is where new rows of the default namespace go.
	tenant  string
	totals  naming.Totals
	held    *held
	changes []journal.Change
	results []journal.Result
}

func (t *transaction) changed() bool { return len(t.changes) > 0 }

// commit decides the group and writes what changes.
func (t *transaction) commit(group []journal.Command, node string) error {
	if err := t.decide(group); err != nil || !t.changed() {
		return err
	}
	return t.write(node)
}

// decide loads and locks what the group touches, and decides it. The counter's lock, which is held, makes the
// order of commits the order of revisions.
func (t *transaction) decide(group []journal.Command) error {
	need, err := touchesOf(group)
	if err != nil {
		return err
	}
	if t.held, err = t.load(need); err != nil {
		return err
	}
	t.held.configs.SetCounters(config.Counters{Revision: t.counted})
	for _, cmd := range group {
		outcome, changes, err := t.held.decide(cmd)
		if err != nil {
			return err
		}
		t.results = append(t.results, journal.Result{Outcome: outcome})
		t.changes = append(t.changes, changes...)
	}
	t.totals = t.held.naming.Totals()
	t.revision = t.held.configs.Revision()
	if t.changed() && t.revision == t.counted {
		t.revision++ // nodes follow any change by the counter
	}
	for i := range t.results {
		t.results[i].Index = t.revision
	}
	return nil
}

// write writes what was decided, and fills the ids that the database gave into changes and results.
func (t *transaction) write(node string) error {
	w := newSQLWriter(t)
	for _, c := range t.changes {
		if err := w.add(c); err != nil {
			return err
		}
	}
	if err := w.flush(); err != nil {
		return err
	}
	for i, r := range t.results {
		if o, ok := r.Outcome.(config.Outcome); ok {
			w.fill(&o)
			t.results[i].Outcome = o
		}
	}
	return t.logChanges(node)
}

// held is what a group is decided on.
type held struct {
	configs    *config.State
	namespaces *namespace.State
	users      *auth.State
	drafts     *draft.State
	naming     *naming.State
	// rows are those of formal contents and variants in the database; a key of the default namespace may have two.
	rows  map[config.Key][]rowRef
	grays map[grayKey][]rowRef
}

// rowRef is a row by its id, and the tenant_id that it has.
type rowRef struct {
	id     int64
	tenant string
}

type grayKey struct {
	config.Key
	name string
}

func (h *held) decide(cmd journal.Command) (journal.Outcome, []journal.Change, error) {
	switch {
	case config.Owns(cmd.Kind):
		return h.configs.Decide(cmd)
	case namespace.Owns(cmd.Kind):
		return h.namespaces.Decide(cmd)
	case auth.Owns(cmd.Kind):
		return h.users.Decide(cmd)
	case draft.Owns(cmd.Kind):
		return h.drafts.Decide(cmd)
	case naming.Owns(cmd.Kind):
		return h.naming.Decide(cmd)
	}
	return nil, nil, fmt.Errorf("command kind %d is not known; a newer version wrote it", cmd.Kind)
}
