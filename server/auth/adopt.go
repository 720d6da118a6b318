package auth

import (
	"context"
	"slices"

	"nacre/server/auth/authpb"
	"nacre/server/fault"
	"nacre/server/journal"
)

// Adopt takes users of another server over as they are, with the hashes of their passwords. Who is there and differs stays
// unless replace is true; sessions go on. Call CheckRow for each before. What it answers is in the order given.
func (s *Service) Adopt(ctx context.Context, by Actor, users []*User, replace bool) ([]journal.Adopted, error) {
	m := &authpb.Adopt{Replace: replace, Actor: actor(by)}
	for _, u := range users {
		m.Users = append(m.Users, &authpb.Adopt_User{Name: u.Name, Hash: u.Hash, Roles: u.Roles, CreatedMs: u.CreatedMs, ModifiedMs: u.ModifiedMs})
	}
	out, err := s.submit(ctx, KindAdopt, m)
	return out.Adopted, err
}

// CheckRow returns a fault when a user of another server can't be taken over.
func (s *Service) CheckRow(u *User) error {
	switch {
	case u.Name == "" || u.Hash == "":
		return fault.New(fault.Invalid, "a user needs a name and the hash of a password")
	case len(u.Name) > 256 || len(u.Hash) > 512 || len(u.Roles) > 1000:
		return fault.New(fault.Invalid, "the user's name, hash or list of roles is too long")
	}
	return nil
}

// Check returns the user whose name and password these are, and opens no session. Faults as of Login.
func (s *Service) Check(ctx context.Context, name, password, ip string) (*User, error) {
	return s.verify(ctx, name, password, ip)
}

func (s *State) adopt(m *authpb.Adopt) (out Outcome, changes []journal.Change) {
	for _, a := range m.Users {
		u := &User{Name: a.Name, Hash: a.Hash, Roles: a.Roles, CreatedMs: a.CreatedMs, ModifiedMs: a.ModifiedMs}
		before := s.users[u.Name]
		became := journal.Adopts(before != nil, before != nil && before.like(u), m.Replace)
		out.Adopted = append(out.Adopted, became)
		if became == journal.AdoptedNew || became == journal.AdoptedReplaced {
			s.users[u.Name] = u
			changes = append(changes, UserChange{Before: before, After: u})
		}
	}
	return out, changes
}

// like reports whether o may do the same with the same password.
func (u *User) like(o *User) bool {
	return u.Hash == o.Hash && slices.Equal(slices.Sorted(slices.Values(u.Roles)), slices.Sorted(slices.Values(o.Roles)))
}
