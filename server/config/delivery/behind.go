package delivery

// BehindSince returns how many clients are behind with anything since ms or longer, in ms since 1970.
func (l *Ledger) BehindSince(ms int64) (clients int) {
	for _, s := range l.owing.snapshot(nil) {
		if s.behindSince(ms) {
			clients++
		}
	}
	return clients
}

func (s *Session) behindSince(ms int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, list := range []*list{&s.ready, &s.sent} {
		for e := list.head; e != nil; e = e.next {
			if e.flags&behind != 0 && e.sinceMs <= ms {
				return true
			}
		}
	}
	return false
}
