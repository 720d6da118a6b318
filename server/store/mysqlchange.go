package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"nacre/server/auth"
	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/draft"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/naming"
)

// The change log says which rows changed at which revision, so that nodes follow each other: a row of
// nacre_change for each group, or several where it is large.

const (
	// keysInPart is how many keys one row of the log holds at most.
	keysInPart = 4096
	// A change is kept for an hour, unless so many revisions came later: who is further behind loads everything anew.
	changesKept   = time.Hour
	revisionsKept = 1 << 20
	// Old changes are dropped with every so manyth group, or after a while, at most so many at a time.
	trimGroups = 256
	trimAfter  = time.Minute
	trimAtOnce = 1000
)

// ErrTrimmed says that changes after a revision are not all kept any more: everything must be loaded anew.
var ErrTrimmed = errors.New("changes since that revision are not kept any more")

// The kinds of rows in the change log beside those of the registry.
const (
	kindEntry     = "config"
	kindGray      = "gray"
	kindCapacity  = "quota"
	kindNamespace = "namespace"
	kindUser      = "user"
	kindSession   = "session"
	kindDraft     = "draft"
)

// rowKey names a row: its kind and the parts of its key, those that a kind does not have empty.
type rowKey [5]string

func (k rowKey) config() config.Key {
	return config.Key{Namespace: k[1], Group: k[2], DataID: k[3]}
}

func (k rowKey) draft() draftRef {
	return draftRef{k[1], config.Key{Namespace: k[2], Group: k[3], DataID: k[4]}}
}

func (k rowKey) registry() *registryRow {
	return &registryRow{kind: k[0], key: naming.Key{Namespace: k[1], Group: k[2], Name: k[3]}, name: k[4]}
}

// keyOfChange returns the key of the row that c changes; ok is false for history, which memory does not hold.
func keyOfChange(c journal.Change) (k rowKey, ok bool, err error) {
	switch c := c.(type) {
	case config.HistoryAdded, config.HistoryTrimmed:
		return k, false, nil
	case config.EntryChange:
		of := cmp.Or(c.After, c.Before).Key
		return rowKey{kindEntry, of.Namespace, of.Group, of.DataID}, true, nil
	case config.GrayChange:
		of := cmp.Or(c.After, c.Before)
		return rowKey{kindGray, of.Key.Namespace, of.Key.Group, of.Key.DataID, of.Name}, true, nil
	case config.CapacityChange:
		return rowKey{kindCapacity, c.After.Namespace, c.After.Group}, true, nil
	case namespace.Change:
		return rowKey{kindNamespace, cmp.Or(c.After, c.Before).ID}, true, nil
	case auth.UserChange:
		return rowKey{kindUser, cmp.Or(c.After, c.Before).Name}, true, nil
	case auth.SessionChange:
		return rowKey{kindSession, cmp.Or(c.After, c.Before).ID}, true, nil
	case draft.Change:
		of := cmp.Or(c.AfterInfo, c.Before)
		return rowKey{kindDraft, of.User, of.Key.Namespace, of.Key.Group, of.Key.DataID}, true, nil
	}
	before, after, ok, err := rowsOfChange(c)
	if !ok || err != nil {
		return k, ok, errors.Join(err, fmt.Errorf("the change log does not know a change of kind %T (%s)", c, c.Table()))
	}
	of := cmp.Or(after, before)
	return rowKey{of.kind, of.key.Namespace, of.key.Group, of.key.Name, of.name}, true, nil
}

// logChanges writes the keys of what the transaction changed, each once, and raises the counter.
func (t *transaction) logChanges(node string) error {
	var keys []rowKey
	seen := make(map[rowKey]struct{}, len(t.changes))
	for _, c := range t.changes {
		k, ok, err := keyOfChange(c)
		if err != nil {
			return err
		}
		if _, again := seen[k]; ok && !again {
			seen[k] = struct{}{}
			keys = append(keys, k)
		}
	}
	for part := 0; part == 0 || len(keys) > 0; part++ {
		n := min(len(keys), keysInPart)
		body, err := json.Marshal(keys[:n])
		if err != nil {
			return err
		}
		err = t.tx.Exec("INSERT INTO nacre_change (revision, part, before_revision, node, attempt, changed_at, changed_keys) VALUES (?, ?, ?, ?, ?, UNIX_TIMESTAMP(), ?)",
			t.revision, part, t.counted, node, t.attempt, body).Error
		if err != nil {
			return err
		}
		keys = keys[n:]
	}
	return t.tx.Exec("UPDATE nacre_revision SET revision = ?, instances = ?, services = ?, overrides = ? WHERE id = 1",
		t.revision, t.totals.Instances, t.totals.Services, t.totals.Overrides).Error
}

// trim drops old changes now and then. The caller holds writing.
func (m *MySQL) trim(t *transaction) error {
	m.sinceTrim++
	if now := clock.Mono(); m.sinceTrim < trimGroups && now.Sub(m.trimmed) < trimAfter {
		return nil
	} else {
		m.sinceTrim, m.trimmed = 0, now
	}
	err := t.tx.Exec("DELETE FROM nacre_change WHERE changed_at < UNIX_TIMESTAMP() - ? ORDER BY changed_at LIMIT ?", int64(changesKept/time.Second), trimAtOnce).Error
	if err != nil || t.counted <= revisionsKept {
		return err
	}
	return t.tx.Exec("DELETE FROM nacre_change WHERE revision < ? ORDER BY revision, part LIMIT ?", t.counted-revisionsKept, trimAtOnce).Error
}

// Revision returns the number of the last change in the database. Faults: Unavailable, with
// CodeOtherDatabase when this is not the database that was opened, or an older state of it.
func (m *MySQL) Revision(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, m.opts.ReadTimeout)
	defer cancel()
	seen := m.seen.Load()
	c, err := m.readCounter(m.db.WithContext(ctx), seen, false)
	if err != nil {
		return 0, m.readFault(ctx, err)
	}
	m.saw(c.Revision)
	return c.Revision, nil
}

// Tail returns what changed after a revision, in the order in which it changed last, each row once and as it is now, and
// the revision up to which that is: of whole groups, until there are max rows. A row that is there
// stands in After, Before is nil; of one that is gone Before has its key alone. Of a draft AfterInfo is
// whole, and After without its text. ErrTrimmed says that the changes are not kept any more. Faults as of Revision.
func (m *MySQL) Tail(ctx context.Context, after uint64, max int) (changes []journal.Change, revision uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, m.opts.ReadTimeout)
	defer cancel()
	err = m.snapshot(ctx, func(t *transaction) error {
		var keys []rowKey
		if keys, revision, err = t.keysAfter(after, max); err != nil {
			return err
		}
		changes, err = t.present(keys)
		return err
	})
	if err != nil {
		return nil, after, m.readFault(ctx, err)
	}
	return changes, revision, nil
}

// keysAfter returns which rows changed after a revision.
func (t *transaction) keysAfter(after uint64, max int) (keys []rowKey, revision uint64, err error) {
	revision = after
	at := make(map[rowKey]int)
	total := 0
	for revision < t.counted && total < max {
		var groups []struct {
			Revision, BeforeRevision uint64
			Part                     int
			ChangedKeys              []byte
		}
		// The parts of one group are read together, whatever the limit cuts off.
		err := t.tx.Raw("SELECT revision, part, before_revision, changed_keys FROM nacre_change WHERE revision > ? AND revision <= "+
			"(SELECT MAX(revision) FROM (SELECT revision FROM nacre_change WHERE revision > ? ORDER BY revision LIMIT 16) AS next) ORDER BY revision, part",
			revision, revision).Scan(&groups).Error
		if err != nil {
			return nil, after, err
		}
		if len(groups) == 0 {
			return nil, after, ErrTrimmed
		}
		for _, g := range groups {
			if g.Part == 0 {
				if g.BeforeRevision != revision {
					return nil, after, ErrTrimmed
				}
				if total >= max {
					break
				}
				revision = g.Revision
			} else if g.Revision != revision {
				return nil, after, ErrTrimmed // its first part is gone
			}
			var of []rowKey
			if err := json.Unmarshal(g.ChangedKeys, &of); err != nil {
				return nil, after, fmt.Errorf("row %d of nacre_change: %w", g.Revision, err)
			}
			for _, k := range of {
				at[k] = total
				keys = append(keys, k)
				total++
			}
		}
	}
	// Of a row that changed more than once the last place counts.
	last := keys[:0]
	for i, k := range keys {
		if at[k] == i {
			last = append(last, k)
		}
	}
	return last, revision, nil
}

// present returns the rows with these keys as they are now.
func (t *transaction) present(keys []rowKey) ([]journal.Change, error) {
	need := newTouches()
	for _, k := range keys {
		switch k[0] {
		case kindEntry, kindGray:
			need.keys[k.config()] = struct{}{}
		case kindCapacity:
			need.capacities[capacityRef{k[1], k[2]}] = struct{}{}
		case kindNamespace:
			need.namespaces[k[1]] = struct{}{}
		case kindUser:
			include(&need.people.users, k[1])
		case kindSession:
			include(&need.people.sessions, k[1])
		case kindDraft:
			include(&need.people.drafts, k.draft())
		default:
			include(&need.registry.rows, string(k.registry().rowID()))
		}
	}
	h, err := t.load(need)
	if err != nil {
		return nil, err
	}
	registry := make(map[rowKey]journal.Change)
	for _, c := range h.naming.Rows() {
		k, _, err := keyOfChange(c)
		if err != nil {
			return nil, err
		}
		registry[k] = c
	}
	var changes []journal.Change
	for _, k := range keys {
		c, err := h.change(k, registry)
		if err != nil {
			return nil, err
		}
		if c != nil {
			changes = append(changes, c)
		}
	}
	return changes, nil
}

// change returns what the row with this key is now.
func (h *held) change(k rowKey, registry map[rowKey]journal.Change) (journal.Change, error) {
	switch k[0] {
	case kindEntry:
		if it := h.configs.Get(k.config()); it != nil && it.Formal != nil {
			return config.EntryChange{After: it.Formal}, nil
		}
		return config.EntryChange{Before: &config.Entry{Key: k.config()}}, nil
	case kindGray:
		if it := h.configs.Get(k.config()); it != nil {
			for _, g := range it.Grays {
				if g.Name == k[4] {
					return config.GrayChange{After: g}, nil
				}
			}
		}
		return config.GrayChange{Before: &config.Gray{Key: k.config(), Name: k[4]}}, nil
	case kindCapacity:
		if c := h.configs.Capacity(k[1], k[2]); c != nil {
			return config.CapacityChange{After: c}, nil
		}
		return nil, nil // no command takes one away
	case kindNamespace:
		if n := h.namespaces.Get(k[1]); n != nil {
			return namespace.Change{After: n}, nil
		}
		return namespace.Change{Before: &namespace.Namespace{ID: k[1]}}, nil
	case kindUser:
		if u := h.users.User(k[1]); u != nil {
			return auth.UserChange{After: u}, nil
		}
		return auth.UserChange{Before: &auth.User{Name: k[1]}}, nil
	case kindSession:
		if n := h.users.Session(k[1]); n != nil {
			return auth.SessionChange{After: n}, nil
		}
		return auth.SessionChange{Before: &auth.Session{ID: k[1]}}, nil
	case kindDraft:
		of := k.draft()
		if i := h.drafts.Get(of.user, of.key); i != nil {
			d := &draft.Draft{User: i.User, Key: i.Key, Version: i.Version, SavedMs: i.SavedMs, BaseRevision: i.BaseRevision, BaseMD5: i.BaseMD5}
			return draft.Change{After: d, AfterInfo: i}, nil
		}
		return draft.Change{Before: &draft.Info{User: of.user, Key: of.key}}, nil
	}
	if c := registry[k]; c != nil {
		return c, nil
	}
	return goneFromRegistry(k.registry())
}
