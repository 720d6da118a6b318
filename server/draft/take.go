package draft

// Take makes s follow a change that was decided elsewhere, of which AfterInfo alone is read. For the applying goroutine.
func (s *State) Take(c Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.AfterInfo != nil {
		s.put(c.AfterInfo)
	} else if held := s.byUser[c.Before.User][c.Before.Key]; held != nil {
		s.drop(held)
	}
}
