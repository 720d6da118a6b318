package delivery

import (
	"slices"
	"strings"

	"nacre/server/config"
)

// Where selects who listens for a configuration. Zero values select all.
type Where struct {
	// State selects one state, NotInSync all but InSync, Gray those that see a variant.
	State           State
	NotInSync, Gray bool
	// Text stands in the id, address, application, library, tenant or a label (name=value), in whatever case.
	Text string
}

// Listeners are those who listen for one configuration.
type Listeners struct {
	// Rows are a page of those selected: that are behind first, then by client. Total counts all selected.
	Rows  []Listening
	Total int
	// All counts those not selected, too.
	All Standing
	// Revision is the newest that they are to see. ChangedMs is when that was decided here, SyncedMs when all who listened
	// had it, in ms since 1970; 0 for not, as where nobody listened then.
	Revision            uint64
	ChangedMs, SyncedMs int64
	// BehindMs is since when the one is behind that is so for longest, 0 when none is.
	BehindMs int64
}

// Listeners returns those who listen for k, page of them that w selects. page counts from 1.
func (l *Ledger) Listeners(k config.Key, w Where, page, size int) Listeners {
	type standingEntry struct {
		*entry
		inSync bool
	}
	w.Text = strings.ToLower(strings.TrimSpace(w.Text))
	var out Listeners
	var chosen []standingEntry
	wall := l.wall()
	sh, hash := l.shard(k)
	sh.mu.Lock()
	t := sh.find(hash, k)
	if t == nil {
		sh.mu.Unlock()
		return out
	}
	out.Revision, out.ChangedMs, out.SyncedMs = t.revision, t.changedMs, t.syncedMs
	if w == (Where{}) {
		chosen = make([]standingEntry, 0, len(t.list))
	}
	for _, e := range t.list {
		e.session.mu.Lock()
		st := e.state(wall)
		if w.selects(e, st) {
			chosen = append(chosen, standingEntry{e, st == InSync})
		}
		if st != InSync && (out.BehindMs == 0 || e.sinceMs < out.BehindMs) {
			out.BehindMs = e.sinceMs
		}
		e.session.mu.Unlock()
		out.All.count(st)
	}
	sh.mu.Unlock() // the rest takes its time, which those who change the key must not wait for
	slices.SortFunc(chosen, func(a, b standingEntry) int {
		if a.inSync != b.inSync {
			if b.inSync {
				return -1
			}
			return 1
		}
		return compareSessions(a.session, b.session)
	})
	out.Total = len(chosen)
	from := min(max(page-1, 0)*size, out.Total)
	for _, e := range chosen[from:min(from+size, out.Total)] {
		if x, ok := l.listening(e.entry); ok {
			out.Rows = append(out.Rows, x)
		}
	}
	return out
}

// selects reports whether e, which stands so, is meant. The shard of its topic and its session are locked; w.Text is lower case.
func (w *Where) selects(e *entry, st State) bool {
	switch {
	case w.State != "" && w.State != st, w.NotInSync && st == InSync:
		return false
	case w.Gray && (e.topic.item == nil || e.topic.item.Match(e.session.sees()) == nil):
		return false
	case w.Text == "":
		return true
	}
	c := e.session.describe()
	return c.contains(w.Text)
}

// Again tells those who listen for k and are behind once more, now, or of them the client of that id alone. It returns how
// many are told; those that poll are not: they ask by themselves.
func (l *Ledger) Again(k config.Key, id string) int {
	var tell []*Session
	sh, hash := l.shard(k)
	sh.mu.Lock()
	if t := sh.find(hash, k); t != nil {
		for _, e := range t.list {
			s := e.session
			if s.notifier == nil || id != "" && s.client.ID != id {
				continue
			}
			s.mu.Lock()
			if e.flags&behind != 0 && !s.closed {
				s.unlink(e)
				e.flags |= ready
				s.ready.push(e)
				tell = append(tell, s)
			}
			s.mu.Unlock()
		}
	}
	sh.mu.Unlock()
	for _, s := range tell {
		s.notifier.Owed()
	}
	return len(tell)
}
