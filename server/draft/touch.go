package draft

import (
	"nacre/server/draft/draftpb"
	"nacre/server/journal"
	"nacre/server/resource"
)

// Touched is what must be held for deciding a command.
type Touched struct {
	// User and Key name a draft; Key is zero for none.
	User string
	Key  resource.ConfigKey
	// Counted says that the number of the user's drafts and the size of all count, All that each draft does.
	Counted, All bool
}

// Touches returns what must be held for deciding cmd, for a store that loads it on demand.
func Touches(cmd journal.Command) (Touched, error) {
	m, err := decode(cmd)
	if err != nil {
		return Touched{}, err
	}
	switch m := m.(type) {
	case *draftpb.Save:
		return Touched{User: m.Of.GetUser(), Key: keyOf(m.Of), Counted: true}, nil
	case *draftpb.Drop:
		return Touched{User: m.Of.GetUser(), Key: keyOf(m.Of)}, nil
	}
	return Touched{All: true}, nil
}

// SetTotals tells a state that holds only what a group touches how large all drafts are, and how many each user has
// who saves one.
func (s *State) SetTotals(bytes int64, ofUser map[string]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes = bytes
	s.others = make(map[string]int64, len(ofUser))
	for user, n := range ofUser {
		s.others[user] = n - int64(len(s.byUser[user]))
	}
}
