package delivery

import (
	"hash/maphash"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"nacre/server/config"
)

// Poller is what is known of a client that polls: it has no id, and a connection only while it waits.
type Poller struct {
	// IP is its address, Port that of its socket. The ledger keeps IP.
	IP   string
	Port uint16
	// App, SDK, Tag and Tenant are as those of a Client.
	App, SDK, Tag, Tenant string
}

const (
	// goneAfter is how long a client may be away after its last poll was answered, leftAfter after it closed its connection.
	goneAfter, leftAfter = 60 * time.Second, 10 * time.Second
	// mostKinds bounds the different (app, SDK, tag, tenant) of pollers that are kept once for all.
	mostKinds = 10_000
	// compareSlots is how many free slots are looked through for one that has a key in common.
	compareSlots = 64
)

// pollPrefix begins the ids of clients that poll.
const pollPrefix = "poll_"

// Slot is a client that polls, from one poll to the next. A poll takes the slot that its client had
// before: one with the same address, application, library and tag that is away, the same port or the same keys
// preferred.
type Slot struct {
	Session
	waiter      Waiter // of the poll that waits; guarded by the session
	number      uint64
	connectedMs int64
	ident, set  uint64
	port        uint16    // written with the table and the session locked
	free        *freeSlot // guarded by the table, as ident and set
}

// freeSlot is what is known of a slot while no poll uses it.
type freeSlot struct {
	at               int // in the list of free ones
	prevSet, nextSet *Slot
	until            int64 // on the ledger's own time
}

type slotTable struct {
	ledger *Ledger
	mu     sync.Mutex
	last   uint64 // number of the newest slot
	kinds  map[Poller]*Client
	free   []*Slot
	byPort map[portKey]*Slot
	bySet  map[setKey]*Slot // the first of a chain
}

type (
	portKey struct {
		ident uint64
		port  uint16
	}
	setKey struct{ ident, set uint64 }
)

func (t *slotTable) init(l *Ledger) {
	t.ledger, t.last = l, uint64(l.wall())*1000
	t.kinds, t.byPort, t.bySet = make(map[Poller]*Client), make(map[portKey]*Slot), make(map[setKey]*Slot)
}

// Waiter is a poll that waits. Fire is called once, on the applying goroutine, when a key that it listens for changed: it
// must not block.
type Waiter interface{ Fire(key config.Key) }

// Poll says what a client that polls has now, and returns its slot and the places in ws of what it sees with another
// md5. The poll may be answered then, or Wait; the caller calls Done when it has ended. Faults: Limited when too
// many listen.
func (l *Ledger) Poll(p Poller, ws []Watch) (slot *Slot, changed []int, err error) {
	ident := maphash.Comparable(l.seed, Poller{IP: p.IP, App: p.App, SDK: p.SDK, Tag: p.Tag, Tenant: p.Tenant})
	set := uint64(0)
	for i := range ws {
		set += maphash.Comparable(l.seed, ws[i].Key)
	}
	s, made := l.slots.take(p, ident, set, ws)
	if made {
		l.all.add(&s.Session)
		l.events.add(l, Event{Kind: ClientConnected, Client: s.describe()})
	}
	for i := range ws {
		differs, err := s.listen(ws[i].Key, ws[i].MD5, 0)
		if err != nil {
			s.Close()
			return nil, nil, err
		}
		if differs {
			changed = append(changed, i)
		}
	}
	if len(s.entries) > len(ws) {
		s.only(ws)
	}
	l.events.flush(l)
	return s, changed, nil
}

// only ends listening for all keys that are not in ws.
func (s *Slot) only(ws []Watch) {
	kept := make(map[config.Key]struct{}, len(ws))
	for i := range ws {
		kept[ws[i].Key] = struct{}{}
	}
	var gone []config.Key
	s.mu.Lock()
	for _, e := range s.entries {
		if _, ok := kept[e.topic.key]; !ok {
			gone = append(gone, e.topic.key)
		}
	}
	s.mu.Unlock()
	s.Unlisten(gone)
}

// Wait makes the poll wait: w is told of the first change since Poll. When there was one already it is not, and the keys
// that changed are returned.
func (s *Slot) Wait(w Waiter) (changed []config.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := s.sent.head; e != nil; e = e.next {
		changed = append(changed, e.topic.key)
	}
	if len(changed) == 0 {
		s.waiter = w
		s.ledger.waiting.Add(1)
		s.ledger.waitingKeys.Add(int64(len(s.entries)))
	}
	return changed
}

// stopWaiting returns who waited, nil for nobody. The session is locked.
func (s *Slot) stopWaiting() (w Waiter) {
	if w, s.waiter = s.waiter, nil; w != nil {
		s.ledger.waiting.Add(-1)
		s.ledger.waitingKeys.Add(-int64(len(s.entries)))
	}
	return w
}

// fire tells the poll that waits, if one does, that k changed.
func (s *Slot) fire(k config.Key) {
	s.mu.Lock()
	w := s.stopWaiting()
	s.mu.Unlock()
	if w != nil {
		w.Fire(k)
	}
}

// Waiting returns how many polls wait, and for how many keys in all.
func (l *Ledger) Waiting() (polls, keys int64) { return l.waiting.Load(), l.waitingKeys.Load() }

// Done says that the poll has ended; left, that the client closed its connection while it waited. The slot
// must not be used afterwards.
func (s *Slot) Done(left bool) {
	s.mu.Lock()
	s.polling = false
	s.stopWaiting()
	s.mu.Unlock()
	away := goneAfter
	if left {
		away = leftAfter
	}
	s.ledger.slots.put(s, s.ledger.mono()+int64(away))
	s.ledger.nudge()
}

// take returns a slot for a poll, and whether it is a new one.
func (t *slotTable) take(p Poller, ident, set uint64, ws []Watch) (s *Slot, made bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s = t.byPort[portKey{ident, p.Port}]
	if s == nil {
		s = t.bySet[setKey{ident, set}]
	}
	if s == nil && len(t.free) <= compareSlots {
		for _, x := range t.free {
			if x.ident == ident && x.listensForAny(ws) {
				s = x
				break
			}
		}
	}
	if made = s == nil; made {
		t.last++
		s = &Slot{number: t.last, connectedMs: t.ledger.wall(), ident: ident}
		s.Session = Session{ledger: t.ledger, client: t.kind(p), ip: p.IP, slot: s}
	} else {
		t.unfree(s)
	}
	s.set = set
	s.mu.Lock()
	s.port, s.polling = p.Port, true
	s.mu.Unlock()
	return s, made
}

// kind returns what slots of one application share.
func (t *slotTable) kind(p Poller) *Client {
	key := Poller{App: p.App, SDK: p.SDK, Tag: p.Tag, Tenant: p.Tenant}
	if c := t.kinds[key]; c != nil {
		return c
	}
	key = Poller{App: strings.Clone(p.App), SDK: strings.Clone(p.SDK), Tag: strings.Clone(p.Tag), Tenant: strings.Clone(p.Tenant)}
	c := &Client{Transport: HTTP, App: key.App, SDK: key.SDK, Tag: key.Tag, Tenant: key.Tenant}
	if len(t.kinds) >= mostKinds {
		clear(t.kinds) // slots keep what they have
	}
	t.kinds[key] = c
	return c
}

// listensForAny reports whether s listens for one of the first keys of ws.
func (s *Slot) listensForAny(ws []Watch) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries[:min(len(s.entries), compareSlots)] {
		if slices.ContainsFunc(ws[:min(len(ws), compareSlots)], func(w Watch) bool { return w.Key == e.topic.key }) {
			return true
		}
	}
	return false
}

// put makes s one that the next poll of its client may take.
func (t *slotTable) put(s *Slot, until int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.free = &freeSlot{at: len(t.free), until: until}
	t.free = append(t.free, s)
	t.byPort[portKey{s.ident, s.port}] = s
	key := setKey{s.ident, s.set}
	if first := t.bySet[key]; first != nil {
		s.free.nextSet, first.free.prevSet = first, s
	}
	t.bySet[key] = s
}

// unfree takes s out of the free ones.
func (t *slotTable) unfree(s *Slot) {
	f := s.free
	s.free = nil
	last := len(t.free) - 1
	t.free[f.at] = t.free[last]
	if f.at != last {
		t.free[f.at].free.at = f.at
	}
	t.free[last] = nil
	t.free = t.free[:last]
	if k := (portKey{s.ident, s.port}); t.byPort[k] == s {
		delete(t.byPort, k)
	}
	if f.nextSet != nil {
		f.nextSet.free.prevSet = f.prevSet
	}
	switch key := (setKey{s.ident, s.set}); {
	case f.prevSet != nil:
		f.prevSet.free.nextSet = f.nextSet
	case f.nextSet != nil:
		t.bySet[key] = f.nextSet
	default:
		delete(t.bySet, key)
	}
	if last == 0 && cap(t.free) > 1024 { // maps do not shrink
		t.free, t.byPort, t.bySet = nil, make(map[portKey]*Slot), make(map[setKey]*Slot)
	}
}

func (t *slotTable) empty() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.free) == 0
}

// expire forgets the clients that are away for too long.
func (t *slotTable) expire(now int64) {
	var gone []*Slot
	t.mu.Lock()
	for i := len(t.free) - 1; i >= 0; i-- {
		if s := t.free[i]; s.free.until <= now {
			t.unfree(s)
			gone = append(gone, s)
		}
	}
	t.mu.Unlock()
	for _, s := range gone {
		s.Close()
	}
}

// describe returns what is known of the client.
func (s *Session) describe() Client {
	c := *s.client
	if s.slot != nil {
		c.ID = pollPrefix + strconv.FormatUint(s.slot.number, 10)
		c.IP, c.ConnectedMs = s.ip, s.slot.connectedMs
		c.Remote = net.JoinHostPort(s.ip, strconv.Itoa(int(s.slot.port)))
	}
	return c
}
