package v3

import (
	"sync/atomic"

	"nacre/server/config"
)

// Bounds of the answers kept: how many, how large each, and how large together.
const (
	answerSlots  = 1 << 13
	answerBytes  = 16 << 10
	answersBytes = 32 << 20
)

// answers keeps encoded answers of configurations that are read again and again, so that escaping is
// done once a revision. An answer is kept when its configuration is read a second time with no other
// between that has the same slot: a walk through many more configurations than there are slots
// leaves what is kept alone. Nothing is ever stale: an answer counts only for the very entry that it was made of.
type answers struct {
	slots [answerSlots]struct {
		held atomic.Pointer[answer]
		seen atomic.Uint64 // revision that was last read and not kept
	}
	bytes atomic.Int64
}

type answer struct {
	of   *config.Entry
	body []byte // never changed
}

// get returns the answer for e, nil when none is kept. keep says that it should be, after put.
func (a *answers) get(e *config.Entry) (body []byte, keep bool) {
	s := &a.slots[e.Revision%answerSlots]
	if h := s.held.Load(); h != nil && h.of == e {
		return h.body, false
	}
	if len(e.Content) > answerBytes {
		return nil, false
	}
	if s.seen.Load() == e.Revision {
		return nil, true
	}
	s.seen.Store(e.Revision)
	return nil, false
}

// put keeps body, which must not change any more, as the answer for e, unless the bounds forbid it.
func (a *answers) put(e *config.Entry, body []byte) {
	s := &a.slots[e.Revision%answerSlots]
	before := s.held.Load()
	grows := int64(len(body))
	if before != nil {
		grows -= int64(len(before.body))
	}
	if len(body) > answerBytes || a.bytes.Load()+grows > answersBytes {
		return
	}
	if s.held.CompareAndSwap(before, &answer{e, body}) {
		a.bytes.Add(grows)
	}
}
