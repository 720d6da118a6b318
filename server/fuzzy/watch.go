package fuzzy

import (
	"slices"
	"sync"
)

// Watch is one pattern that one client watches.
//
// What it is yet to tell is bounded: a key that goes back to what the client knows is forgotten, so there are no more than
// the keys that match and those that the client was told of, MaxMatches each.
type Watch[K Name] struct {
	Pattern Pattern

	index  *Index[K]
	group  *group[K]
	notify func()

	mu      sync.Mutex
	first   []Message[K] // of the first difference, the one that is being told included
	pending map[K]news
	order   []K // the keys of pending
	flying  *Message[K]
	ended   bool
}

// news is the state of a key that the client is yet to be told.
type news struct {
	exists bool
	// sure says that the client knows the opposite. It may know either when what it was told before was not acknowledged.
	sure bool
}

// Sync is the kind of a message of the first difference, as it stands on the wire; "" for a change.
type Sync string

// The kinds of messages of the first difference.
const (
	SyncInit   Sync = "FUZZY_WATCH_INIT_NOTIFY"
	SyncDiff   Sync = "FUZZY_WATCH_DIFF_SYNC_NOTIFY"
	SyncFinish Sync = "FINISH_FUZZY_WATCH_INIT_NOTIFY"
)

// Change is a name that is there, or is not there any more.
type Change[K Name] struct {
	Key    K
	Exists bool
}

// Message is what a client is to be told at once.
type Message[K Name] struct {
	Sync Sync
	// Changes are one for a change, up to BatchSize for a first difference, none for its end.
	Changes []Change[K]
	// Batch of Batches counts the messages of a first difference, from 1; 0 at its end.
	Batch, Batches int
}

// begin fixes the messages of the first difference.
func (w *Watch[K]) begin(diff []Change[K], initial bool) {
	kind := SyncDiff
	if initial {
		kind = SyncInit
	}
	batches := (len(diff) + BatchSize - 1) / BatchSize
	for i := range batches {
		w.first = append(w.first, Message[K]{Sync: kind, Changes: diff[i*BatchSize : min((i+1)*BatchSize, len(diff))], Batch: i + 1, Batches: batches})
	}
	if initial {
		w.first = append(w.first, Message[K]{Sync: SyncFinish})
	}
}

// repeat has removals told once more after the first difference.
func (w *Watch[K]) repeat(gone []Change[K]) {
	if len(gone) == 0 {
		return
	}
	w.pending = make(map[K]news, len(gone))
	for _, c := range gone {
		w.pending[c.Key] = news{}
		w.order = append(w.order, c.Key)
	}
}

// mark notes the state of a key, and reports whether that is worth a notice.
func (w *Watch[K]) mark(k K, exists bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return false
	}
	n, held := w.pending[k]
	switch {
	case held && n.exists == exists:
		return false
	case held && n.sure: // the client knows it like this
		delete(w.pending, k)
		w.unorder(k)
		return false
	case held:
		w.pending[k] = news{exists: exists}
		return true
	}
	if w.pending == nil {
		w.pending = make(map[K]news)
	}
	w.pending[k] = news{exists: exists, sure: true}
	w.order = append(w.order, k)
	return true
}

func (w *Watch[K]) unorder(k K) {
	if i := slices.Index(w.order, k); i >= 0 {
		w.order = slices.Delete(w.order, i, i+1)
	}
}

// Next returns what the client is to be told now, and takes it as being told until Done; false when there is nothing, or
// something is being told.
func (w *Watch[K]) Next() (Message[K], bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.flying != nil || w.ended:
		return Message[K]{}, false
	case len(w.first) > 0:
		w.flying = &w.first[0]
	case len(w.order) > 0:
		k := w.order[0]
		w.flying = &Message[K]{Changes: []Change[K]{{k, w.pending[k].exists}}}
		w.order = w.order[1:]
		delete(w.pending, k)
	default:
		w.first, w.order, w.pending = nil, nil, nil // what they took is given back
		return Message[K]{}, false
	}
	return *w.flying, true
}

// Done says what came of the message that Next returned: told, or to be told again, unless what it says is no longer true.
func (w *Watch[K]) Done(ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.flying
	if w.flying = nil; m == nil || w.ended {
		return
	}
	switch {
	case m.Sync != "" && ok:
		w.first = w.first[1:]
	case m.Sync == "" && !ok:
		k, exists := m.Changes[0].Key, m.Changes[0].Exists
		if newer, held := w.pending[k]; held {
			exists = newer.exists
			w.unorder(k)
		}
		if w.pending == nil {
			w.pending = make(map[K]news)
		}
		w.pending[k] = news{exists: exists}
		w.order = slices.Insert(w.order, 0, k) // first, so that there is one of which it is not sure
	}
}

// Cancel ends the watch. It may be called more than once.
func (w *Watch[K]) Cancel() {
	w.mu.Lock()
	ended := w.ended
	w.ended, w.first, w.pending, w.order = true, nil, nil, nil
	w.mu.Unlock()
	if ended {
		return
	}
	w.group.remove(w)
	w.index.leave(w.group)
}
