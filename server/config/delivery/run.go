package delivery

import (
	"context"
	"time"
)

const (
	// checkEvery is how often what is owed is looked at.
	checkEvery = 250 * time.Millisecond
	// sweepEvery is how often clients that poll and did not come back are looked for.
	sweepEvery = 5 * time.Second
	// behindMs is for how many ms a client may be behind before that is worth a word.
	behindMs = 1000
	// loopGapMs is how far apart in ms listens with the same wrong md5 may be to count as a loop, loopCount how many make one.
	loopGapMs = 60_000
	loopCount = 3
)

// Run tells clients again of what they did not confirm, says who stays behind, and forgets clients that no
// longer poll, until ctx ends.
func (l *Ledger) Run(ctx context.Context) error {
	check := time.NewTimer(checkEvery)
	defer check.Stop()
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	var owed []*Session
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-sweep.C:
			l.slots.sweep(l)
		case <-l.wake: // something is owed, perhaps the first
			check.Reset(checkEvery)
			continue
		case <-check.C:
			owed = l.check(owed[:0])
			if len(owed) > 0 {
				check.Reset(checkEvery)
			}
			clear(owed)
		}
		l.events.flush(l)
	}
}

// check goes through all sessions that are owed something, and returns them.
func (l *Ledger) check(owed []*Session) []*Session {
	owed = l.owing.snapshot(owed)
	mono, wall := l.mono(), l.wall()
	for _, s := range owed {
		if s.again(mono, wall) {
			s.notifier.Owed()
		}
	}
	return owed
}

// again makes ready what is due again, and reports whether there is anything to take.
func (s *Session) again(mono, wall int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var next *entry
	for e := s.sent.head; e != nil; e = next {
		next = e.next
		s.report(e, wall)
		if s.notifier != nil && mono >= e.due {
			s.unlink(e)
			e.flags |= ready
			s.ready.push(e)
		}
	}
	for e := s.ready.head; e != nil; e = e.next {
		s.report(e, wall)
	}
	return s.ready.head != nil && s.notifier != nil
}

// report says that a client stays behind, once until it is in sync again.
func (s *Session) report(e *entry, wall int64) {
	l := s.ledger
	if e.flags&reported != 0 || wall-e.sinceMs < behindMs {
		return
	}
	e.flags |= reported
	kind := ClientBehind
	if e.loops >= loopCount {
		kind = ClientLooping
	}
	l.events.add(l, Event{Kind: kind, Client: s.describe(), Key: e.topic.key, Revision: e.revision})
}
