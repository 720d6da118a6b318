package delivery

import (
	"context"
	"time"
)

const (
	// scanEvery is how exactly a repetition comes in its time.
	scanEvery = 250 * time.Millisecond
	// behindAfter is how long a client may be behind before it is said; startAfter for one that just began to listen.
	behindAfterMs, startAfterMs = 1_000, 10_000
	// loopGapMs is the longest time between two listens of a loop, loopCount how many make one: three within a minute. It is
	// over when the client did not listen for loopEndMs.
	loopGapMs, loopCount, loopEndMs = 30_000, 3, 60_000
)

// Run tells clients again that did not confirm a change, says who is behind, and forgets clients that poll no
// more, until ctx ends. It is called once. While nobody is owed anything and no poll is away it sleeps.
func (l *Ledger) Run(ctx context.Context) error {
	defer close(l.ended)
	timer := time.NewTimer(scanEvery)
	defer timer.Stop()
	var batch []*Session
	for {
		batch = l.scan(batch)
		idle := l.owing.empty() && l.slots.empty()
		var tick <-chan time.Time
		if !idle {
			timer.Reset(scanEvery)
			tick = timer.C
		}
		wake := l.wake
		if !idle {
			wake = nil // it looks again anyway
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick:
		case <-wake:
		}
	}
}

// scan looks once at all that is owed and at all polls that are away. It returns batch, emptied, for the next time.
func (l *Ledger) scan(batch []*Session) []*Session {
	now, wall := l.mono(), l.wall()
	batch = l.owing.snapshot(batch[:0])
	for i, s := range batch {
		if s.overdue(now, wall) {
			s.notifier.Owed()
		}
		batch[i] = nil
	}
	l.slots.expire(now)
	l.events.flush(l)
	if cap(batch) > 1024 && len(batch) < cap(batch)/4 {
		return nil
	}
	return batch[:0]
}

// overdue makes due what was told too long ago, and says what is behind for long. It reports whether there is
// something to take.
func (s *Session) overdue(now, wall int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	for e := s.ready.head; e != nil; e = e.next {
		s.report(e, wall)
	}
	var next *entry
	for e := s.sent.head; e != nil; e = next {
		next = e.next
		s.report(e, wall)
		if s.notifier != nil && e.due <= now {
			s.sent.remove(e)
			e.flags |= ready
			s.ready.push(e)
		}
	}
	return s.ready.head != nil
}

func (s *Session) report(e *entry, wall int64) {
	after := int64(startAfterMs)
	if e.flags&settled != 0 {
		after = behindAfterMs
	}
	if e.flags&reported != 0 || wall-e.sinceMs < after {
		return
	}
	e.flags |= reported
	kind := ClientBehind
	if e.loops >= loopCount {
		kind = ClientLooping
	}
	s.ledger.events.add(s.ledger, Event{Kind: kind, Client: s.describe(), Key: e.topic.key, Revision: e.revision, MD5: e.md5})
}
