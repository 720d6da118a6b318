package delivery

import (
	"hash/maphash"
	"sync"
)

// slotTTLMs is for how many ms after its last poll a client that polls is remembered. SDKs poll again at once; one
// that could not reach the server waits two seconds.
const slotTTLMs = 15_000

// Slot is a client that polls. It has no connection that says who it is: whoever polls from the same address,
// with the same application, library and tag, for the same keys, may be the same client, and takes a slot in
// which nobody polls now, that of the same socket before others. So the number of slots is that of clients, whichever is which.
type Slot struct {
	session  *Session
	identity uint64

	// Guarded by the table.
	parked bool
	leftMs int64
	next   *Slot // in its identity's list
}

// slotTable holds the slots by identity.
type slotTable struct {
	mu   sync.Mutex
	byID map[uint64]*Slot
	seq  int64
}

func (t *slotTable) init(firstID int64) { t.byID, t.seq = make(map[uint64]*Slot), firstID }

// busy reports whether a poll waits, or has just been answered, in the slot.
func (s *Slot) busy() bool {
	t := &s.session.ledger.slots
	t.mu.Lock()
	defer t.mu.Unlock()
	return s.parked
}

// Poll notes that a client polls for ws, with the md5s that it has. Call Done when the poll is over: answered,
// timed out, or its client gone. Faults: Limited when too many listen.
func (l *Ledger) Poll(c Client, ws []Watch) (*Slot, error) {
	slot, made := l.slots.take(l, &c, ws)
	s := slot.session
	if made {
		l.all.add(s)
		l.events.add(l, Event{Kind: ClientConnected, Client: c})
	} else if s.remote() != c.Remote {
		s.moved(&c)
	}
	_, err := s.Listen(ws)
	if err != nil {
		slot.Done()
		return nil, err
	}
	l.events.flush(l)
	return slot, nil
}

func (s *Session) remote() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client.Remote
}

// moved notes that the client polls through another socket now.
func (s *Session) moved(c *Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &s.ledger.slots
	t.mu.Lock()
	defer t.mu.Unlock()
	c.ID, c.Transport, c.ConnectedMs = s.client.ID, HTTP, s.client.ConnectedMs
	s.client = c
}

// take returns a free slot for the client, or a new one.
func (t *slotTable) take(l *Ledger, c *Client, ws []Watch) (slot *Slot, made bool) {
	id := l.identity(c, ws)
	now := l.wall()
	t.mu.Lock()
	defer t.mu.Unlock()
	var free *Slot
	for s := t.byID[id]; s != nil; s = s.next {
		if s.parked {
			continue
		}
		if free == nil {
			free = s
		}
		if s.session.client.Remote == c.Remote { // written with the table locked, see moved
			free = s
			break
		}
	}
	if free != nil {
		free.parked = true
		return free, false
	}
	t.seq++
	c.ID, c.Transport, c.ConnectedMs = "http_"+c.Remote+"_"+itoa(t.seq), HTTP, now
	slot = &Slot{identity: id, parked: true, next: t.byID[id]}
	slot.session = &Session{ledger: l, client: c, ip: c.IP, slot: slot}
	t.byID[id] = slot
	return slot, true
}

// identity is the same for clients that can't be told apart.
func (l *Ledger) identity(c *Client, ws []Watch) uint64 {
	var h maphash.Hash
	h.SetSeed(l.seed)
	for _, s := range [...]string{c.IP, c.App, c.SDK, c.Tag} {
		h.WriteString(s)
		h.WriteByte(0)
	}
	id := h.Sum64()
	for i := range ws {
		id += maphash.Comparable(l.seed, ws[i].Key) // in whatever order
	}
	return id
}

// Done says that the poll is over. The slot must not be used afterwards.
func (s *Slot) Done() {
	l := s.session.ledger
	now := l.wall()
	l.slots.mu.Lock()
	s.parked, s.leftMs = false, now
	l.slots.mu.Unlock()
}

// sweep closes the sessions of those who did not poll again.
func (t *slotTable) sweep(l *Ledger) {
	before := l.wall() - slotTTLMs
	var gone []*Session
	t.mu.Lock()
	for id, head := range t.byID {
		var kept *Slot
		for s := head; s != nil; {
			next := s.next
			if !s.parked && s.leftMs <= before {
				gone = append(gone, s.session)
			} else {
				s.next, kept = kept, s
			}
			s = next
		}
		if kept == nil {
			delete(t.byID, id)
		} else {
			t.byID[id] = kept
		}
	}
	t.mu.Unlock()
	for _, s := range gone {
		s.Close()
	}
}
