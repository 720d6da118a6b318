package auth

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"nacre/server/auth/authpb"
	"nacre/server/fault"
	"nacre/server/journal"
)

func decode(cmd journal.Command) (proto.Message, error) {
	var m proto.Message
	switch cmd.Kind {
	case KindAddFirst:
		m = &authpb.AddFirst{}
	case KindSetPassword:
		m = &authpb.SetPassword{}
	case KindOpen:
		m = &authpb.Open{}
	case KindExtend:
		m = &authpb.Extend{}
	case KindEnd:
		m = &authpb.End{}
	case KindEndAll:
		m = &authpb.EndAll{}
	case KindSweep:
		m = &authpb.Sweep{}
	case KindAdopt:
		m = &authpb.Adopt{}
	default:
		return nil, fmt.Errorf("command kind %d is not one of users and sessions", cmd.Kind)
	}
	if err := proto.Unmarshal(cmd.Body, m); err != nil {
		return nil, fmt.Errorf("command of kind %d: %w", cmd.Kind, err)
	}
	return m, nil
}

// Decide decides cmd on what is held, applies the decision and returns it with the rows that change.
func (s *State) Decide(cmd journal.Command) (Outcome, []journal.Change, error) {
	m, err := decode(cmd)
	if err != nil {
		return Outcome{}, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m := m.(type) {
	case *authpb.AddFirst:
		out, changes := s.addFirst(m)
		return out, changes, nil
	case *authpb.SetPassword:
		out, changes := s.setPassword(m)
		return out, changes, nil
	case *authpb.Open:
		out, changes := s.open(m)
		return out, changes, nil
	case *authpb.Extend:
		return Outcome{}, s.extend(m), nil
	case *authpb.End:
		return s.endIf(1, func(n *Session) bool { return n.ID == m.Id })
	case *authpb.EndAll:
		return s.endIf(0, func(n *Session) bool { return n.User == m.User && n.ID != m.Except })
	case *authpb.Adopt:
		out, changes := s.adopt(m)
		return out, changes, nil
	case *authpb.Sweep:
		return s.endIf(int(m.Limit), func(n *Session) bool { return n.ExpiresMs <= m.AtMs })
	}
	return Outcome{}, nil, nil
}

func (s *State) addFirst(m *authpb.AddFirst) (Outcome, []journal.Change) {
	if len(s.users) > 0 {
		return Outcome{Fault: fault.New(fault.Conflict, "this server has its administrator already; log in instead").WithCode(CodeSetUp)}, nil
	}
	u := &User{Name: m.Name, Hash: m.Hash, Roles: m.Roles, CreatedMs: m.AtMs, ModifiedMs: m.AtMs}
	s.users[u.Name] = u
	changes := []journal.Change{UserChange{After: u}}
	if m.Session != nil {
		n := sessionOf(m.Session)
		changes = append(changes, s.change(n))
	}
	return Outcome{}, changes
}

func (s *State) setPassword(m *authpb.SetPassword) (Outcome, []journal.Change) {
	before := s.users[m.Name]
	switch {
	case before == nil:
		return Outcome{Fault: fault.New(fault.NotFound, "there is no user %q", m.Name)}, nil
	case before.Hash != m.IfHash:
		return Outcome{Fault: fault.New(fault.Conflict, "the password was changed meanwhile; log in with the new one").WithCode(CodeChanged)}, nil
	}
	after := *before
	after.Hash, after.ModifiedMs = m.Hash, m.AtMs
	s.users[m.Name] = &after
	out, ended, _ := s.endIf(0, func(n *Session) bool { return n.User == m.Name && n.ID != m.Keep })
	return out, append([]journal.Change{UserChange{Before: before, After: &after}}, ended...)
}

func (s *State) open(m *authpb.Open) (Outcome, []journal.Change) {
	n := sessionOf(m.Session)
	if u := s.users[n.User]; u == nil || u.Hash != m.IfHash {
		return Outcome{Fault: wrongLogin()}, nil
	}
	var out Outcome
	var changes []journal.Change
	drop := func(user string, most int64) {
		if most <= 0 || int64(len(s.sessions))+s.others < most {
			return
		}
		oldest := s.sessionsOf(user)
		for _, o := range oldest[:max(0, int64(len(oldest))-most+1)] {
			delete(s.sessions, o.ID)
			changes = append(changes, SessionChange{Before: o})
			out.Ended++
		}
	}
	drop(n.User, m.MaxUser)
	drop("", m.MaxAll)
	return out, append(changes, s.change(n))
}

func (s *State) extend(m *authpb.Extend) (changes []journal.Change) {
	for _, e := range m.Sessions {
		h := s.sessions[e.Id]
		if h == nil || h.ExpiresMs >= e.ExpiresMs {
			continue // ended, or another one was faster
		}
		after := *h.Session
		after.ExpiresMs = e.ExpiresMs
		changes = append(changes, s.change(&after))
	}
	return changes
}

// change holds a session as it is now and returns the change of its row.
func (s *State) change(after *Session) SessionChange {
	c := SessionChange{After: after}
	if h := s.sessions[after.ID]; h != nil {
		c.Before = h.Session
	}
	s.put(after)
	return c
}

// endIf ends the sessions that ends says, the oldest first, at most so many unless most is 0.
func (s *State) endIf(most int, ends func(*Session) bool) (out Outcome, changes []journal.Change, _ error) {
	for _, n := range s.sessionsOf("") {
		if !ends(n) {
			continue
		}
		delete(s.sessions, n.ID)
		changes = append(changes, SessionChange{Before: n})
		out.Ended++
		if out.Ended == most {
			break
		}
	}
	return out, changes, nil
}

func sessionOf(m *authpb.Session) *Session {
	return &Session{
		ID: m.GetId(), User: m.GetUser(), IP: m.GetIp(), Agent: m.GetAgent(), CreatedMs: m.GetCreatedMs(), ExpiresMs: m.GetExpiresMs(),
	}
}
