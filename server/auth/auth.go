// Package auth is the domain of who may enter: users, and the sessions in which they work.
//
// Users and sessions are commands of the journal, so that a restart logs nobody out. Neither holds
// a secret: a password is kept as its bcrypt hash, a session's token as its SHA-256.
package auth

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"nacre/server/fault"
	"nacre/server/journal"
)

// RoleAdmin is the role of who may do everything, under Nacos' name for it.
const RoleAdmin = "ROLE_ADMIN"

// User is one who may log in. It is immutable.
type User struct {
	Name string
	// Hash is of the password, by bcrypt.
	Hash                  string
	Roles                 []string
	CreatedMs, ModifiedMs int64
}

// Is reports whether u has the role.
func (u *User) Is(role string) bool { return slices.Contains(u.Roles, role) }

// Session is the time from a login to a logout. It is immutable.
type Session struct {
	// ID is the SHA-256 of the token in hex: it tells sessions apart, but opens none.
	ID              string
	User, IP, Agent string
	CreatedMs       int64
	// ExpiresMs is when it ends unless it is used before.
	ExpiresMs int64
}

// Actor is who changes something.
type Actor struct {
	User, IP string
	// Session is the id of the session that it acts in; "" when it has none.
	Session string
}

// UserChange is a change of a user's row; Before is nil when it is new, After when it is gone.
type UserChange struct{ Before, After *User }

// Table implements journal.Change.
func (UserChange) Table() string { return "users" }

// SessionChange is a change of a session's row; Before is nil when it is new, After when it ended.
type SessionChange struct{ Before, After *Session }

// Table implements journal.Change.
func (SessionChange) Table() string { return "nacre_session" }

// Outcome is what was decided of a command. It implements journal.Outcome.
type Outcome struct {
	// Fault says why the command was refused.
	Fault *fault.Error
	// Ended is how many sessions the command ended.
	Ended int
	// Adopted is what became of users of another server, in their order.
	Adopted []journal.Adopted
}

// Err implements journal.Outcome.
func (o Outcome) Err() error {
	if o.Fault == nil {
		return nil
	}
	return o.Fault
}

// held is a session with what only memory knows of it.
type held struct {
	*Session
	seenMs atomic.Int64 // when it was used last
}

// State holds all users and sessions in memory and decides commands on them. One goroutine writes;
// reading is for any, at any time.
type State struct {
	mu       sync.RWMutex
	users    map[string]*User
	sessions map[string]*held
	others   int64 // sessions that a state of what a group touches does not hold
}

// NewState returns an empty state.
func NewState() *State {
	return &State{users: make(map[string]*User), sessions: make(map[string]*held)}
}

// LoadUser puts a user in place as it was stored.
func (s *State) LoadUser(u *User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[u.Name] = u
}

// LoadSession puts a session in place as it was stored.
func (s *State) LoadSession(n *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(n)
}

// put holds a session as it is now. The caller holds mu.
func (s *State) put(n *Session) {
	h := &held{Session: n}
	if before := s.sessions[n.ID]; before != nil {
		h.seenMs.Store(before.seenMs.Load())
	}
	s.sessions[n.ID] = h
}

// Replace makes s hold exactly what from holds; from must not be used afterwards.
func (s *State) Replace(from *State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, h := range from.sessions {
		if before := s.sessions[id]; before != nil {
			h.seenMs.Store(before.seenMs.Load())
		}
	}
	s.users, s.sessions = from.users, from.sessions
}

// User returns a user, nil when there is none of this name.
func (s *State) User(name string) *User {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.users[name]
}

// Users returns all users by name.
func (s *State) Users() []*User {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.SortedFunc(maps.Values(s.users), func(a, b *User) int { return strings.Compare(a.Name, b.Name) })
}

// Sessions returns the sessions of a user, or of all when user is "", the oldest first. Those that
// ended by age and were not swept yet are among them.
func (s *State) Sessions(user string) []*Session {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.sessionsOf(user)
}

func (s *State) sessionsOf(user string) []*Session {
	var found []*Session
	for _, h := range s.sessions {
		if user == "" || h.User == user {
			found = append(found, h.Session)
		}
	}
	slices.SortFunc(found, func(a, b *Session) int {
		return cmp.Or(cmp.Compare(a.CreatedMs, b.CreatedMs), strings.Compare(a.ID, b.ID))
	})
	return found
}

// enter returns the session and its user at a time, and notes that it was used then.
func (s *State) enter(id []byte, nowMs int64) (*User, *Session, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h := s.sessions[string(id)]
	if h == nil || h.ExpiresMs <= nowMs {
		return nil, nil, false
	}
	u := s.users[h.User]
	if u == nil {
		return nil, nil, false
	}
	h.seenMs.Store(nowMs)
	return u, h.Session, true
}

// lastSeen returns when a session was used last as far as this process knows, in ms since 1970.
func (s *State) lastSeen(id string) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h := s.sessions[id]
	if h == nil {
		return 0
	}
	return max(h.seenMs.Load(), h.CreatedMs)
}

// userOf returns whose session has this id, "" when there is none.
func (s *State) userOf(id string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if h := s.sessions[id]; h != nil {
		return h.User
	}
	return ""
}

// empty reports whether there is no user.
func (s *State) empty() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.users) == 0
}

// Codes of faults that pages tell apart.
const (
	CodeSetUp    fault.Code = "setUpDone"     // Conflict: there is a user already; the one-time link is used up
	CodeToken    fault.Code = "setUpToken"    // Denied: the link is not the right one
	CodeLogin    fault.Code = "login"         // Denied: unknown user or wrong password
	CodeLocked   fault.Code = "loginLocked"   // Limited: too many failures; see RetryAfter
	CodeBusy     fault.Code = "loginBusy"     // Limited: too many logins at once
	CodePassword fault.Code = "passwordBad"   // Invalid: the new password
	CodeName     fault.Code = "userNameBad"   // Invalid: the name
	CodeChanged  fault.Code = "passwordStale" // Conflict: the password was changed meanwhile
)

// The kinds of commands of this package. Numbers are never used again.
const (
	KindAddFirst    = journal.KindAuth + 0
	KindSetPassword = journal.KindAuth + 1
	KindOpen        = journal.KindAuth + 2
	KindExtend      = journal.KindAuth + 3
	KindEnd         = journal.KindAuth + 4
	KindEndAll      = journal.KindAuth + 5
	KindSweep       = journal.KindAuth + 6
	KindAdopt       = journal.KindAuth + 7
)

// Owns reports whether kind is a command of this package.
func Owns(kind journal.Kind) bool { return kind >= KindAddFirst && kind <= KindAdopt }
