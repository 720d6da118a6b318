package namespace

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"nacre/server/clock"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/namespace/namespacepb"
	"nacre/server/resource"
)

// Limits in characters, and the characters that Nacos forbids in a show name (http.md §4).
const (
	MaxName      = 256
	MaxDesc      = 256
	badNameChars = "@#$%^&*"
)

// Options are the settings of a Service; zero values mean the defaults.
type Options struct {
	// MaxCount is how many namespaces may be created; 0 means 100,000.
	MaxCount int64
	// SubmitTimeout is how long a write may take. Default 10 s.
	SubmitTimeout time.Duration
	// Happened, when not nil, is called for each namespace that was created, changed or removed, on the
	// applying goroutine: it must not block.
	Happened func(Happening)
}

// Actor is who asks for a change.
type Actor struct {
	User string
	IP   string
}

func (a Actor) pb() *namespacepb.Actor { return &namespacepb.Actor{User: a.User, Ip: a.IP} }

// Service is what edges call. It is safe for concurrent use.
type Service struct {
	state   *State
	journal journal.Journal
	clock   clock.Clock
	opts    Options
}

// New returns a service and the state it serves. The state is empty: the caller loads it, hands it
// the decided commands, and calls Use before the first write.
func New(c clock.Clock, o Options) (*Service, *State) {
	if o.MaxCount <= 0 {
		o.MaxCount = 100_000
	}
	if o.SubmitTimeout <= 0 {
		o.SubmitTimeout = 10 * time.Second
	}
	s := &Service{state: NewState(), clock: c, opts: o}
	s.state.happened = o.Happened
	return s, s.state
}

// Use connects the service to where its commands go. Call it once, before serving.
func (s *Service) Use(j journal.Journal) { s.journal = j }

// All returns the created namespaces in the order of their creation; the default one is not among them.
func (s *Service) All() []*Namespace { return s.state.All() }

// Get returns a created namespace, nil when there is none with this id.
func (s *Service) Get(id string) *Namespace { return s.state.Get(id) }

// Len returns how many were created.
func (s *Service) Len() int { return s.state.Len() }

// Exists reports whether id names the default namespace or a created one.
func (s *Service) Exists(id string) bool {
	return id == resource.DefaultNamespace || s.state.Get(id) != nil
}

// Create makes a namespace. Faults: Invalid for an illegal id, name or description, Conflict
// (CodeExists) when the id is taken or the default one's, Limited when there are too many.
func (s *Service) Create(ctx context.Context, by Actor, id, name, desc string) error {
	if id == "" {
		return fault.New(fault.Invalid, "the namespace id is blank").WithCode(CodeIllegal)
	}
	if err := checkID(id); err != nil {
		return err
	}
	if err := checkTexts(name, desc); err != nil {
		return err
	}
	if id == resource.DefaultNamespace {
		return fault.New(fault.Conflict, "namespaceId [%s] already exist.", id).WithCode(CodeExists)
	}
	_, err := s.submit(ctx, KindCreate, &namespacepb.Create{Id: id, Name: name, Desc: desc, AtMs: clock.Millis(s.clock), MaxCount: s.opts.MaxCount, Actor: by.pb()})
	return err
}

// Update changes name and description; existed is false when there is no such namespace, which is no fault.
func (s *Service) Update(ctx context.Context, by Actor, id, name, desc string) (existed bool, err error) {
	if err := checkID(id); err != nil {
		return false, err
	}
	if err := checkTexts(name, desc); err != nil {
		return false, err
	}
	out, err := s.submit(ctx, KindUpdate, &namespacepb.Update{Id: id, Name: name, Desc: desc, AtMs: clock.Millis(s.clock), Actor: by.pb()})
	return out.Existed, err
}

// Remove takes a namespace away, not what is in it; existed is false when there was none, which is no fault.
func (s *Service) Remove(ctx context.Context, by Actor, id string) (existed bool, err error) {
	if !utf8.ValidString(id) {
		return false, nil // none can be called so
	}
	out, err := s.submit(ctx, KindRemove, &namespacepb.Remove{Id: id, Actor: by.pb(), AtMs: clock.Millis(s.clock)})
	return out.Existed, err
}

func checkID(id string) error {
	if err := resource.CheckNamespace(id); err != nil {
		return fault.Wrap(fault.Invalid, err, "%s", err.Error()).WithCode(CodeIllegal)
	}
	return nil
}

func checkTexts(name, desc string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return fault.New(fault.Invalid, "the namespace name is blank").WithCode(CodeIllegalName)
	case strings.ContainsAny(name, badNameChars):
		return fault.New(fault.Invalid, "the namespace name %q has one of the characters %s, which are not allowed", name, badNameChars).WithCode(CodeIllegalName)
	case utf8.RuneCountInString(name) > MaxName:
		return fault.New(fault.Invalid, "the namespace name has %d characters, at most %d are allowed", utf8.RuneCountInString(name), MaxName).WithCode(CodeIllegalName)
	case utf8.RuneCountInString(desc) > MaxDesc:
		return fault.New(fault.Invalid, "the namespace description has %d characters, at most %d are allowed", utf8.RuneCountInString(desc), MaxDesc).WithCode(CodeIllegalName)
	case !utf8.ValidString(name) || !utf8.ValidString(desc):
		return fault.New(fault.Invalid, "the namespace name or description is not UTF-8").WithCode(CodeIllegalName)
	}
	return nil
}

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
		return Outcome{}, errors.New("the journal answered a command of namespaces with another domain's outcome")
	}
	return out, out.Err()
}
