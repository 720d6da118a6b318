package delivery

import (
	"strings"
	"sync"
	"time"

	"nacre/server/config"
	"nacre/server/fault"
)

// Watch is a key together with what the client says that it has of it.
type Watch struct {
	Key config.Key
	MD5 string
	// NoMD5 says that the client sent none at all: it is answered that a missing configuration changed.
	NoMD5 bool
	// Spelling is handed back in a Push: how the client wrote the key's namespace.
	Spelling uint8
}

// Push is a change that a client is to be told of.
type Push struct {
	Key      config.Key
	Revision uint64
	Spelling uint8
	// Attempt counts from 1 how often the client was told of this revision.
	Attempt int
}

// How long the ledger waits for a listen with the right md5 before it tells a client again.
const (
	firstWait = time.Second
	eagerWait = 5 * time.Second
	maxWait   = 30 * time.Second
	// patientFrom is the number of times from which a client is told each maxWait only.
	patientFrom = 14
	// ackWait is how long a push may be under way; its sender says Acked or Refused before.
	ackWait = 10 * time.Second
	// askedWait is given to a client that was told in the answer to its own listen, to read and to listen again. Most do so at once; those
	// that wait for the next push (Python's SDK) are told again before anybody would call them behind.
	askedWait = 700 * time.Millisecond
)

// Flags of an entry.
const (
	behind   uint8 = 1 << iota // not known to have what it is to see
	told                       // was told of a change since its last listen, so what it has is not known
	ready                      // stands in its session's list of what is due; with behind alone in that of what was sent
	settled                    // was in sync at least once
	reported                   // was said to be behind
)

// entry is one client that listens for one key. Its session guards it, but for at, which the topic's shard does.
type entry struct {
	topic      *topic
	session    *Session
	prev, next *entry // in the session's list
	md5        string // what the client said that it has
	revision   uint64 // that is owed
	due        int64  // when to tell it again, on the ledger's own time

	pushedMs, ackedMs, listenedMs, sinceMs int64

	at       int32
	attempt  uint16
	loops    uint8 // how often in a row it listened with the same wrong md5
	spelling uint8
	flags    uint8
}

// list is a list of entries, linked through them.
type list struct{ head, tail *entry }

func (l *list) push(e *entry) {
	e.prev, e.next = l.tail, nil
	if l.tail == nil {
		l.head = e
	} else {
		l.tail.next = e
	}
	l.tail = e
}

func (l *list) remove(e *entry) {
	if e.prev == nil {
		l.head = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		l.tail = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.prev, e.next = nil, nil
}

// indexFrom is the number of listenings from which a session finds them by a map.
const indexFrom = 16

// Session is what one client listens for. Its methods are safe for concurrent use.
type Session struct {
	ledger   *Ledger
	client   *Client
	ip       string
	notifier Notifier // nil when the client polls
	slot     *Slot    // nil when it does not

	mu      sync.Mutex
	entries []*entry
	index   map[*topic]int32 // where they stand; nil for few
	ready   list             // to be told
	sent    list             // told, not confirmed

	at      int32 // in the ledger's list of all; guarded there
	owingAt int32 // in the ledger's list of those that are owed something, plus 1; guarded there
	closed  bool
	polling bool // a poll of it is being answered or waits
}

func (s *Session) sees() config.Client { return config.Client{IP: s.ip, Tag: s.client.Tag} }

func (s *Session) find(t *topic) (int, *entry) {
	if s.index != nil {
		if i, ok := s.index[t]; ok {
			return int(i), s.entries[i]
		}
		return -1, nil
	}
	for i, e := range s.entries {
		if e.topic == t {
			return i, e
		}
	}
	return -1, nil
}

func (s *Session) add(e *entry) {
	s.entries = append(s.entries, e)
	switch n := len(s.entries); {
	case s.index != nil:
		s.index[e.topic] = int32(n - 1)
	case n > indexFrom:
		s.index = make(map[*topic]int32, 2*n)
		for i, x := range s.entries {
			s.index[x.topic] = int32(i)
		}
	}
}

func (s *Session) drop(i int) {
	last := len(s.entries) - 1
	if s.index != nil {
		delete(s.index, s.entries[i].topic)
		if i != last {
			s.index[s.entries[last].topic] = int32(i)
		}
	}
	s.entries[i] = s.entries[last]
	s.entries[last] = nil
	s.entries = s.entries[:last]
}

// Listen says what the client has now, and begins to listen for those keys that it did not listen for. It
// returns the places in ws of what the client sees with another md5 than it has; no change can be missed between
// that and the next push. Faults: Limited when too many listen, Unavailable after Close.
func (s *Session) Listen(ws []Watch) (changed []int, err error) {
	for i := range ws {
		w := &ws[i]
		differs, err := s.listen(w.Key, w.MD5, w.Spelling)
		if err != nil {
			return changed, err
		}
		if differs || w.NoMD5 {
			changed = append(changed, i)
		}
	}
	s.ledger.events.flush(s.ledger)
	return changed, nil
}

func (s *Session) listen(k config.Key, md5 string, spelling uint8) (differs bool, err error) {
	l := s.ledger
	sh, hash := l.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	t := sh.open(l, hash, k)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, e := s.find(t)
	if e == nil || s.closed {
		if e, err = s.begin(t); err != nil {
			if len(t.list) == 0 {
				sh.drop(hash, t)
			}
			return false, err
		}
	}
	e.spelling = spelling
	return s.heard(e, md5, t.item.MD5For(s.sees())), nil
}

// begin makes s listen for t.
func (s *Session) begin(t *topic) (*entry, error) {
	l := s.ledger
	if s.closed {
		return nil, fault.New(fault.Unavailable, "the client is gone")
	}
	if n := l.listenings.Add(1); n > l.cfg.MaxListenings {
		l.listenings.Add(-1)
		return nil, l.tooMany(n - 1)
	}
	e := &entry{topic: t, session: s, at: int32(len(t.list))}
	t.list = append(t.list, e)
	s.add(e)
	return e, nil
}

// heard notes that the client has md5 where it is to see want.
func (s *Session) heard(e *entry, md5, want string) (differs bool) {
	t, now := e.topic, s.ledger.wall()
	last := e.listenedMs
	e.listenedMs = now
	if md5 == want {
		e.md5 = want // shared with the state
		s.settle(e)
		e.loops, e.flags = 0, e.flags&^(told|reported)|settled
		return false
	}
	if same := e.md5 == clip(md5); same && e.revision == t.revision && e.flags&told != 0 && now-last < loopGapMs {
		if e.loops < 255 {
			e.loops++
		}
	} else {
		e.loops = 1
		if !same {
			e.md5 = strings.Clone(clip(md5))
		}
	}
	if e.revision != t.revision || e.flags&behind == 0 {
		e.attempt = 0
	}
	s.owe(e, t.revision, now)
	s.wait(e, askedAfter(e.attempt))
	return true
}

// clip bounds what is kept of a client's md5; one that is longer can't be right anyway.
func clip(md5 string) string { return md5[:min(len(md5), 64)] }

// owe makes e due, for the first time of a revision.
func (s *Session) owe(e *entry, revision uint64, nowMs int64) {
	l := s.ledger
	if e.flags&behind == 0 {
		e.flags |= behind
		e.sinceMs = nowMs
		e.topic.behind++
		l.behind.Add(1)
		l.owing.add(s)
	} else {
		s.unlink(e)
	}
	if e.revision != revision {
		e.revision, e.attempt = revision, 0
	}
	if s.notifier == nil { // a poll was told by what changed it, or comes and asks
		if s.polling {
			e.flags |= told
			e.pushedMs = nowMs
		}
		s.sent.push(e)
		return
	}
	e.flags |= ready
	s.ready.push(e)
}

// wait makes e, which is behind and was told, due again after d.
func (s *Session) wait(e *entry, d time.Duration) {
	s.unlink(e)
	e.flags |= told
	s.sent.push(e)
	e.due = s.ledger.mono() + int64(d)
}

func (s *Session) unlink(e *entry) {
	if e.flags&ready != 0 {
		e.flags &^= ready
		s.ready.remove(e)
	} else {
		s.sent.remove(e)
	}
}

// settle makes e owed nothing. The shard of its topic is locked.
func (s *Session) settle(e *entry) {
	if e.flags&behind == 0 {
		return
	}
	s.forget(e)
	t := e.topic
	t.behind--
	s.ledger.behind.Add(-1)
	if e.flags&reported != 0 {
		e.flags &^= reported
		s.ledger.events.add(s.ledger, Event{Kind: ClientInSync, Client: s.describe(), Key: t.key, Revision: e.revision, MD5: e.md5})
	}
	if t.behind == 0 {
		s.ledger.synced(t)
	}
}

// forget takes e out of the lists of what is owed.
func (s *Session) forget(e *entry) {
	s.unlink(e)
	e.flags &^= behind
	if s.ready.head == nil && s.sent.head == nil {
		s.ledger.owing.remove(s)
	}
}

// Unlisten ends listening for keys.
func (s *Session) Unlisten(keys []config.Key) {
	l := s.ledger
	for _, k := range keys {
		sh, hash := l.shard(k)
		sh.mu.Lock()
		if t := sh.find(hash, k); t != nil {
			s.mu.Lock()
			i, e := s.find(t)
			if s.closed {
				e = nil // Close takes it away
			}
			was := false
			if e != nil {
				if was = e.flags&behind != 0; was {
					s.forget(e)
				}
				s.drop(i)
			}
			s.mu.Unlock()
			if e != nil {
				sh.remove(l, hash, e, was)
			}
		}
		sh.mu.Unlock()
	}
	l.events.flush(l)
}

// Take appends to dst at most most changes that the client is to be told of now, and takes them as told: Acked or
// Refused is to be called for each. When it appends none, nothing is due.
func (s *Session) Take(dst []Push, most int) []Push {
	l := s.ledger
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.ready.head == nil {
		return dst
	}
	now := l.wall()
	for ; most > 0 && s.ready.head != nil; most-- {
		e := s.ready.head
		if e.attempt < 1<<16-1 {
			e.attempt++
		}
		e.pushedMs = now
		s.wait(e, ackWait)
		l.pushes.Add(1)
		if e.attempt > 1 {
			l.repeated.Add(1)
		}
		dst = append(dst, Push{Key: e.topic.key, Revision: e.revision, Spelling: e.spelling, Attempt: int(e.attempt)})
	}
	return dst
}

// Acked says that the client acknowledged a push.
func (s *Session) Acked(k config.Key, revision uint64) { s.answered(k, revision, true) }

// Refused says that the client refused a push, did not answer it in time, or could not be sent it.
func (s *Session) Refused(k config.Key, revision uint64) { s.answered(k, revision, false) }

func (s *Session) answered(k config.Key, revision uint64, ok bool) {
	l := s.ledger
	sh, hash := l.shard(k)
	sh.mu.Lock()
	t := sh.find(hash, k)
	sh.mu.Unlock()
	if ok {
		l.acks.Add(1)
	}
	if t == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, e := s.find(t)
	if e == nil || s.closed {
		return
	}
	if ok {
		e.ackedMs = l.wall()
		if l.cfg.Acked != nil && e.revision == revision {
			l.cfg.Acked(time.Duration(max(e.ackedMs-e.pushedMs, 0)) * time.Millisecond)
		}
	}
	if e.flags&(behind|ready) == behind && e.revision == revision && s.notifier != nil {
		e.due = l.mono() + int64(waitAfter(e.attempt))
	}
}

// askedAfter is waitAfter for a client that was told for the n-th time and has listened since, with the old md5.
func askedAfter(n uint16) time.Duration {
	if n <= 1 {
		return askedWait
	}
	return waitAfter(n)
}

// waitAfter returns how long to wait after a client was told for the n-th time: 1 s, 2 s, 4 s, and 5 s for about a minute, as there are
// SDKs that acknowledge and then, by a race of their own, do not listen; after that 30 s.
func waitAfter(n uint16) time.Duration {
	if n > patientFrom {
		return maxWait
	}
	return min(firstWait<<max(int(n)-1, 0), eagerWait)
}

// Close ends the session: the client is gone.
func (s *Session) Close() {
	l := s.ledger
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	l.owing.remove(s)
	s.mu.Unlock()
	// Nobody adds or changes entries of a closed session.
	for _, e := range s.entries {
		sh, hash := l.shard(e.topic.key)
		sh.mu.Lock()
		sh.remove(l, hash, e, e.flags&behind != 0)
		sh.mu.Unlock()
	}
	s.mu.Lock()
	s.entries, s.index, s.ready, s.sent = nil, nil, list{}, list{}
	s.mu.Unlock()
	l.all.remove(s)
	l.events.add(l, Event{Kind: ClientGone, Client: s.describe()})
	l.events.flush(l)
}
