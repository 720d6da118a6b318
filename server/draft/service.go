package draft

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"nacre/server/clock"
	"nacre/server/draft/draftpb"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/resource"
)

const (
	// maxOfUser is how many drafts a user may have, maxBytes how large all may be together.
	maxOfUser = 100
	maxBytes  = 64 << 20
	// maxAttribute is how many bytes an attribute of a draft may have.
	maxAttribute = 32 << 10
	// maxAge is how long a draft is kept that nobody saves.
	maxAge = 30 * 24 * time.Hour
	// sweepEvery is how often old drafts are looked for, sweepBatch how many one command drops.
	sweepEvery = time.Hour
	sweepBatch = 1000
)

// Options are the settings of a Service; zero values mean the defaults.
type Options struct {
	// MaxContent is the largest content in bytes. Default 10 MiB.
	MaxContent int
	// SubmitTimeout is how long a write may take. Default 10 s.
	SubmitTimeout time.Duration
}

// Contents reads what drafts hold.
type Contents interface {
	// Draft returns a user's draft of a key, nil when there is none. It sees all that was applied before
	// the call, and blocks for that.
	Draft(ctx context.Context, user string, key resource.ConfigKey) (*Draft, error)
}

// Service is what edges call. It is safe for concurrent use.
type Service struct {
	state    *State
	journal  journal.Journal
	contents Contents
	clock    clock.Clock
	opts     Options
}

// New returns a service and the state it serves. The state is empty: the caller loads it, hands it
// the decided commands, and calls Use before the first call.
func New(c clock.Clock, o Options) (*Service, *State) {
	if o.MaxContent <= 0 {
		o.MaxContent = 10 << 20
	}
	if o.SubmitTimeout <= 0 {
		o.SubmitTimeout = 10 * time.Second
	}
	s := &Service{state: NewState(), clock: c, opts: o}
	return s, s.state
}

// Use connects the service to where its commands go and its contents are. Call it once, before serving.
func (s *Service) Use(j journal.Journal, c Contents) { s.journal, s.contents = j, c }

// Save keeps d in the place of the draft that has the version ifVersion, 0 for none, and returns the
// version that it has now. Version and SavedMs of d are not read. Faults: Conflict (CodeStale) when
// another version is held, Limited when it is too large or there are too many, Invalid for text that
// is not UTF-8 or a name that is none.
func (s *Service) Save(ctx context.Context, d Draft, ifVersion uint64) (version uint64, err error) {
	if err := s.check(&d); err != nil {
		return 0, err
	}
	digest := d.Digest()
	held := s.state.Get(d.User, d.Key)
	if held != nil && held.Version == ifVersion && held.Digest == digest && held.BaseRevision == d.BaseRevision && held.BaseMD5 == d.BaseMD5 {
		return ifVersion, nil // nothing to write
	}
	out, err := s.submit(ctx, KindSave, &draftpb.Save{
		Of: of(d.User, d.Key), Content: d.Content, Type: d.Type, Desc: d.Desc, AppName: d.AppName, Tags: d.Tags,
		BaseRevision: d.BaseRevision, BaseMd5: d.BaseMD5, Digest: digest, IfVersion: ifVersion, AtMs: clock.Millis(s.clock),
		MaxUser: maxOfUser, MaxBytes: maxBytes,
	})
	return out.Version, err
}

func (s *Service) check(d *Draft) error {
	if d.User == "" || !utf8.ValidString(d.User) {
		return fault.New(fault.Invalid, "a draft belongs to a user")
	}
	if err := resource.CheckKey(d.Key); err != nil {
		return fault.Wrap(fault.Invalid, err, "%s", err.Error())
	}
	if len(d.Content) > s.opts.MaxContent {
		return fault.New(fault.Limited, "the text has %d bytes, at most %d can be kept (setting max-config-size)", len(d.Content), s.opts.MaxContent)
	}
	for _, a := range []struct{ name, text string }{
		{"type", d.Type}, {"description", d.Desc}, {"application", d.AppName}, {"list of tags", d.Tags}, {"digest", d.BaseMD5},
	} {
		switch {
		case !utf8.ValidString(a.text):
			return fault.New(fault.Invalid, "the %s is not UTF-8", a.name)
		case len(a.text) > maxAttribute:
			return fault.New(fault.Limited, "the %s has %d bytes, at most %d can be kept", a.name, len(a.text), maxAttribute)
		}
	}
	return nil
}

// Get returns a user's draft of a key with its content, nil when there is none. It waits for the
// database to hold what was saved.
func (s *Service) Get(ctx context.Context, user string, key resource.ConfigKey) (*Draft, error) {
	if s.state.Get(user, key) == nil {
		return nil, nil
	}
	return s.contents.Draft(ctx, user, key)
}

// Drop lets go of a user's draft of a key; it is no fault when there is none.
func (s *Service) Drop(ctx context.Context, user string, key resource.ConfigKey) error {
	if s.state.Get(user, key) == nil {
		return nil
	}
	_, err := s.submit(ctx, KindDrop, &draftpb.Drop{Of: of(user, key)})
	return err
}

// Of returns a user's drafts, those saved last first.
func (s *Service) Of(user string) []Info { return values(s.state.Of(user)) }

// Editing returns all drafts of a key, those saved last first.
func (s *Service) Editing(key resource.ConfigKey) []Info { return values(s.state.Editing(key)) }

func values(found []*Info) []Info {
	list := make([]Info, len(found))
	for n, i := range found {
		list[n] = *i
	}
	return list
}

// Run drops drafts that nobody saved for 30 days, until ctx ends. It calls failed with what could
// not be written, which is tried again.
func (s *Service) Run(ctx context.Context, failed func(error)) error {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
			failed(err)
		}
	}
}

func (s *Service) sweep(ctx context.Context) error {
	before := clock.Millis(s.clock) - maxAge.Milliseconds()
	for _, i := range s.state.All() {
		if i.SavedMs < before {
			_, err := s.submit(ctx, KindSweep, &draftpb.Sweep{BeforeMs: before, Limit: sweepBatch})
			return err
		}
	}
	return nil
}

func of(user string, k resource.ConfigKey) *draftpb.Of {
	return &draftpb.Of{User: user, Namespace: k.Namespace, Group: k.Group, DataId: k.DataID}
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
		return Outcome{}, errors.New("the journal answered a command of drafts with another domain's outcome")
	}
	return out, out.Err()
}
