package auth

import "nacre/server/journal"

// Take makes s follow a change of a user or a session that was decided elsewhere. After is the row as it is. For the
// applying goroutine.
func (s *State) Take(c journal.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch c := c.(type) {
	case UserChange:
		if c.After != nil {
			s.users[c.After.Name] = c.After
		} else {
			delete(s.users, c.Before.Name)
		}
	case SessionChange:
		if c.After != nil {
			s.put(c.After)
		} else {
			delete(s.sessions, c.Before.ID)
		}
	}
}
