package delivery

import "sync"

// owing holds the sessions that are owed something, in no order.
type owing struct {
	mu   sync.Mutex
	list []*Session
}

// add wakes Run when s is the first.
func (o *owing) add(s *Session) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s.owingAt == 0 {
		o.list = append(o.list, s)
		if s.owingAt = int32(len(o.list)); s.owingAt == 1 {
			s.ledger.nudge()
		}
	}
}

func (o *owing) remove(s *Session) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s.owingAt == 0 {
		return
	}
	last := o.list[len(o.list)-1]
	o.list[s.owingAt-1] = last
	last.owingAt = s.owingAt
	o.list[len(o.list)-1] = nil
	o.list = o.list[:len(o.list)-1]
	s.owingAt = 0
	if cap(o.list) > 256 && len(o.list) < cap(o.list)/4 {
		o.list = append(make([]*Session, 0, 2*len(o.list)), o.list...)
	}
}

func (o *owing) empty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.list) == 0
}

func (o *owing) snapshot(dst []*Session) []*Session {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append(dst, o.list...)
}
