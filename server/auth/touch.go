package auth

import (
	"nacre/server/auth/authpb"
	"nacre/server/journal"
)

// Touched is what must be held for deciding a command.
type Touched struct {
	// Users are names of users; AnyUser says that it counts whether there is one at all.
	Users   []string
	AnyUser bool
	// Sessions are ids, SessionsOf names of users all of whose sessions count.
	Sessions, SessionsOf []string
	// AllSessions says that each session counts, MaxSessions, when it isn't 0, that they do once there are so many.
	AllSessions bool
	MaxSessions int64
}

// Touches returns what must be held for deciding cmd, for a store that loads it on demand.
func Touches(cmd journal.Command) (t Touched, err error) {
	m, err := decode(cmd)
	if err != nil {
		return t, err
	}
	switch m := m.(type) {
	case *authpb.AddFirst:
		t.Users, t.AnyUser = []string{m.Name}, true
		if m.Session != nil {
			t.Sessions = []string{m.Session.Id}
		}
	case *authpb.SetPassword:
		t.Users, t.SessionsOf = []string{m.Name}, []string{m.Name}
	case *authpb.Open:
		t.Users, t.SessionsOf = []string{m.Session.GetUser()}, []string{m.Session.GetUser()}
		t.Sessions, t.MaxSessions = []string{m.Session.GetId()}, m.MaxAll
	case *authpb.Extend:
		for _, n := range m.Sessions {
			t.Sessions = append(t.Sessions, n.Id)
		}
	case *authpb.End:
		t.Sessions = []string{m.Id}
	case *authpb.EndAll:
		t.SessionsOf = []string{m.User}
	case *authpb.Adopt:
		for _, u := range m.Users {
			t.Users = append(t.Users, u.Name)
		}
	case *authpb.Sweep:
		t.AllSessions = true
	}
	return t, nil
}

// SetOtherSessions tells a state that holds only what a group touches how many sessions there are beside.
func (s *State) SetOtherSessions(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.others = n
}

// Session returns a session, nil when there is none of this id.
func (s *State) Session(id string) *Session {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if h := s.sessions[id]; h != nil {
		return h.Session
	}
	return nil
}
