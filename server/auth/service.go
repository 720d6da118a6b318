package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"nacre/server/auth/authpb"
	"nacre/server/clock"
	"nacre/server/fault"
	"nacre/server/journal"
)

const (
	// maxLife is how long a session lives however much it is used.
	maxLife = 7 * 24 * time.Hour
	// maxOfUser and maxOfAll are how many sessions there may be; beyond them the oldest end.
	maxOfUser = 50
	maxOfAll  = 10_000
	// maxAgent is how many bytes of a browser's name are kept.
	maxAgent = 256
	// extendEvery is the shortest time between two commands that extend one session.
	extendEvery = 10 * time.Minute
	// maxBatch is how many sessions one command extends or sweeps.
	maxBatch = 1000
)

// Options are the settings of a Service; zero values mean the defaults.
type Options struct {
	// SessionIdle is how long a session lives unused. Default 12 h, at most 7 days.
	SessionIdle time.Duration
	// SubmitTimeout is how long a write may take. Default 10 s.
	SubmitTimeout time.Duration
}

// Service is what edges call. It is safe for concurrent use.
type Service struct {
	state   *State
	journal journal.Journal
	clock   clock.Clock
	opts    Options
	setUp   string
	byName  *guard
	byIP    *guard
	hashing gate
}

// New returns a service and the state it serves. The state is empty: the caller loads it, hands it
// the decided commands, and calls Use before the first write.
func New(c clock.Clock, o Options) (*Service, *State) {
	if o.SessionIdle <= 0 {
		o.SessionIdle = 12 * time.Hour
	}
	o.SessionIdle = min(o.SessionIdle, maxLife)
	if o.SubmitTimeout <= 0 {
		o.SubmitTimeout = 10 * time.Second
	}
	s := &Service{
		state: NewState(), clock: c, opts: o, setUp: rand.Text(),
		byName: newGuard(5), byIP: newGuard(20), hashing: newGate(),
	}
	return s, s.state
}

// Use connects the service to where its commands go. Call it once, before serving.
func (s *Service) Use(j journal.Journal) { s.journal = j }

// NeedsSetUp reports whether there is no user yet.
func (s *Service) NeedsSetUp() bool { return s.state.empty() }

// SetUpToken returns the secret of the one-time link at which the first administrator is made, ""
// when there is a user. Each process has its own.
func (s *Service) SetUpToken() string {
	if !s.NeedsSetUp() {
		return ""
	}
	return s.setUp
}

// SetUp makes the first administrator and logs it in. Faults: Conflict (CodeSetUp) when the link was
// used, Denied (CodeToken) for a wrong one, Invalid for a bad name or password.
func (s *Service) SetUp(ctx context.Context, token, name, password, ip, agent string) (string, error) {
	if err := s.CheckSetUp(token); err != nil {
		return "", err
	}
	session, n := s.newSession(name, ip, agent)
	if err := s.addFirst(ctx, name, password, n); err != nil {
		return "", err
	}
	return session, nil
}

// CheckSetUp returns the fault that SetUp would answer to this link, nil when it is the right one.
func (s *Service) CheckSetUp(token string) error {
	if !s.NeedsSetUp() {
		return fault.New(fault.Conflict, "this link was used: the server has its administrator already; log in instead").WithCode(CodeSetUp)
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(s.setUp)) != 1 {
		return fault.New(fault.Denied, "this is not the link of this start of the server; the present one stands in its log").WithCode(CodeToken)
	}
	return nil
}

// AddFirst makes the first administrator without a link, and does nothing when there is any user.
// Faults: Invalid for a bad name or password.
func (s *Service) AddFirst(ctx context.Context, name, password string) (created bool, err error) {
	if !s.NeedsSetUp() {
		return false, nil
	}
	err = s.addFirst(ctx, name, password, nil)
	if fault.CodeOf(err) == CodeSetUp {
		return false, nil // another one was faster
	}
	return err == nil, err
}

func (s *Service) addFirst(ctx context.Context, name, password string, n *authpb.Session) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := CheckPassword(name, password); err != nil {
		return err
	}
	hash, err := s.hashing.hash(ctx, password)
	if err != nil {
		return err
	}
	_, err = s.submit(ctx, KindAddFirst, &authpb.AddFirst{Name: name, Hash: hash, Roles: []string{RoleAdmin}, AtMs: clock.Millis(s.clock), Session: n})
	return err
}

// Login opens a session and returns its token, which is nowhere else. Unknown users and wrong
// passwords answer the same fault, Denied (CodeLogin), after the same time. After 5 failures a name,
// known or not, after 20 an address is locked: Limited (CodeLocked), see RetryAfter. Limited
// (CodeBusy) when too many log in at once.
func (s *Service) Login(ctx context.Context, name, password, ip, agent string) (string, error) {
	u, err := s.verify(ctx, name, password, ip)
	if err != nil {
		return "", err
	}
	token, n := s.newSession(name, ip, agent)
	_, err = s.submit(ctx, KindOpen, &authpb.Open{Session: n, IfHash: u.Hash, MaxUser: maxOfUser, MaxAll: maxOfAll})
	if err != nil {
		return "", err
	}
	return token, nil
}

// verify returns the user whose name and password these are.
func (s *Service) verify(ctx context.Context, name, password, ip string) (_ *User, err error) {
	now := s.clock.Now()
	endIP, err := s.byIP.begin(network(ip), now) // the first: an address that may not try must not push names out of the other's memory
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := resultOf(err); r != passed { // who has one account must not clear what it did to others
			endIP(r)
		} else {
			endIP(unknown)
		}
	}()
	endName, err := s.byName.begin(name, now)
	if err != nil {
		return nil, err
	}
	defer func() { endName(resultOf(err)) }()
	u := s.state.User(name)
	hash := dummyHash
	if u != nil {
		hash = u.Hash
	}
	same, err := s.hashing.same(ctx, hash, password)
	if err != nil {
		return nil, err
	}
	if !same || u == nil {
		return nil, wrongLogin()
	}
	return u, nil
}

func wrongLogin() *fault.Error {
	return fault.New(fault.Denied, "the user name or the password is wrong").WithCode(CodeLogin)
}

// newSession returns a token and the session that it opens.
func (s *Service) newSession(user, ip, agent string) (string, *authpb.Session) {
	token, now := rand.Text(), clock.Millis(s.clock)
	agent = strings.ToValidUTF8(agent[:min(len(agent), maxAgent)], "")
	return token, &authpb.Session{Id: IDOf(token), User: user, Ip: ip, Agent: agent, CreatedMs: now, ExpiresMs: now + s.opts.SessionIdle.Milliseconds()}
}

// IDOf returns the id of the session that a token opens.
func IDOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Enter returns the user and the session that a token opens, and notes that it was used. It reads
// memory only; a session that ended is not found.
func (s *Service) Enter(token string) (*User, *Session, bool) {
	sum := sha256.Sum256([]byte(token))
	var id [2 * sha256.Size]byte
	hex.Encode(id[:], sum[:])
	return s.state.enter(id[:], clock.Millis(s.clock))
}

// User returns a user, nil when there is none of this name.
func (s *Service) User(name string) *User { return s.state.User(name) }

// Logout ends the session that a token opens; it is no fault when there is none.
func (s *Service) Logout(ctx context.Context, token string) error {
	user, n, ok := s.Enter(token)
	if !ok {
		return nil
	}
	_, err := s.end(ctx, Actor{User: user.Name, IP: n.IP}, n.ID)
	return err
}

// EndSession ends a session of by's own, or of anybody when by is an administrator; false when there
// is no such session.
func (s *Service) EndSession(ctx context.Context, by Actor, id string) (bool, error) {
	if user := s.state.userOf(id); user == "" || user != by.User && !s.isAdmin(by) {
		return false, nil
	}
	return s.end(ctx, by, id)
}

func (s *Service) end(ctx context.Context, by Actor, id string) (bool, error) {
	out, err := s.submit(ctx, KindEnd, &authpb.End{Id: id, Actor: actor(by)})
	return out.Ended > 0, err
}

// EndSessions ends all sessions of a user but the one with the id except, and returns how many they
// were. Fault: Denied when user is another one than by, who is no administrator.
func (s *Service) EndSessions(ctx context.Context, by Actor, user, except string) (int, error) {
	if by.User != user && !s.isAdmin(by) {
		return 0, fault.New(fault.Denied, "only an administrator may end the sessions of another user")
	}
	if s.state.User(user) == nil {
		return 0, nil
	}
	out, err := s.submit(ctx, KindEndAll, &authpb.EndAll{User: user, Except: strings.ToValidUTF8(except, ""), Actor: actor(by)})
	return out.Ended, err
}

func (s *Service) isAdmin(by Actor) bool {
	u := s.state.User(by.User)
	return u != nil && u.Is(RoleAdmin)
}

// Sessions returns the sessions of a user that have not ended, the newest first.
func (s *Service) Sessions(user string) []Session {
	if user == "" {
		return nil
	}
	var found []Session
	now := clock.Millis(s.clock)
	for _, n := range slices.Backward(s.state.Sessions(user)) {
		if n.ExpiresMs > now {
			found = append(found, *n)
		}
	}
	return found
}

// LastSeen returns when a session was used last, in ms since 1970: since the start of this process,
// else when it was opened. 0 when there is none.
func (s *Service) LastSeen(id string) int64 { return s.state.lastSeen(id) }

// ChangePassword sets a user's password and ends its sessions but by.Session. Faults: Denied
// (CodeLogin) when old is wrong, Limited as of Login, Invalid (CodePassword) for a bad new one,
// Conflict (CodeChanged) when it was changed meanwhile.
func (s *Service) ChangePassword(ctx context.Context, by Actor, name, old, new string) error {
	if by.User != name {
		return fault.New(fault.Denied, "only %q may change this password", name)
	}
	u, err := s.verify(ctx, name, old, by.IP)
	if err != nil {
		return err
	}
	if new == old {
		return fault.New(fault.Invalid, "the new password is the old one; choose another").WithCode(CodePassword)
	}
	if err := CheckPassword(name, new); err != nil {
		return err
	}
	hash, err := s.hashing.hash(ctx, new)
	if err != nil {
		return err
	}
	_, err = s.submit(ctx, KindSetPassword, &authpb.SetPassword{
		Name: name, Hash: hash, IfHash: u.Hash, Keep: strings.ToValidUTF8(by.Session, ""), AtMs: clock.Millis(s.clock), Actor: actor(by),
	})
	return err
}

// Run extends the sessions that are used and sweeps those that ended by age, until ctx ends. It
// calls failed with what could not be written, which is tried again.
func (s *Service) Run(ctx context.Context, failed func(error)) error {
	t := time.NewTicker(min(time.Minute, s.extendEvery()))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		if err := s.keep(ctx); err != nil && ctx.Err() == nil {
			failed(err)
		}
	}
}

func (s *Service) extendEvery() time.Duration { return min(extendEvery, s.opts.SessionIdle/10) }

// keep submits what Run must do now.
func (s *Service) keep(ctx context.Context) error {
	now := clock.Millis(s.clock)
	var extend authpb.Extend
	ended := false
	for _, n := range s.state.Sessions("") {
		if n.ExpiresMs <= now {
			ended = true
			continue
		}
		until := min(s.state.lastSeen(n.ID)+s.opts.SessionIdle.Milliseconds(), n.CreatedMs+maxLife.Milliseconds())
		later := until - n.ExpiresMs
		if len(extend.Sessions) < maxBatch && later >= s.extendEvery().Milliseconds() {
			extend.Sessions = append(extend.Sessions, &authpb.Session{Id: n.ID, ExpiresMs: until})
		}
	}
	var errs []error
	if len(extend.Sessions) > 0 {
		_, err := s.submit(ctx, KindExtend, &extend)
		errs = append(errs, err)
	}
	if ended {
		_, err := s.submit(ctx, KindSweep, &authpb.Sweep{AtMs: now, Limit: maxBatch})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func actor(by Actor) *authpb.Actor { return &authpb.Actor{User: by.User, Ip: by.IP} }

func (s *Service) submit(ctx context.Context, kind journal.Kind, m proto.Message) (Outcome, error) {
	body, err := proto.Marshal(m)
	if err != nil {
		return Outcome{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.SubmitTimeout)
	defer cancel()
	res, err := s.journal.Submit(ctx, journal.Command{Kind: kind, Body: body})
	if err != nil {
		return Outcome{}, err
	}
	out, ok := res.Outcome.(Outcome)
	if !ok {
		return Outcome{}, errors.New("the journal answered a command of users with another domain's outcome")
	}
	return out, out.Err()
}
