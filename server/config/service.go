package config

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"nacre/server/clock"
	"nacre/server/config/configpb"
	"nacre/server/failpoint"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/resource"
)

// Actor is who asks for a change; history and audit keep it. Every changing function takes one.
type Actor struct {
	User string
	IP   string
}

// GrayDraft makes a Draft one of a variant.
type GrayDraft struct {
	Name string
	Rule Rule
}

// Draft is what somebody wants a configuration to become. Nil and not-given fields mean what a
// missing parameter means in Nacos: AppName and Tags stay, the others become null.
type Draft struct {
	Key              Key
	Content          []byte
	Type             string
	AppName          *string
	TagsGiven        bool
	Tags             []string
	Desc             *string
	Use              *string
	Effect           *string
	Schema           *string
	EncryptedDataKey string
	// CASMD5, when not empty, is the md5 that the held content must have.
	CASMD5 string
	// IfRevision, when not 0, is the revision that what is held must have; unlike with CASMD5, nothing held is a conflict.
	IfRevision uint64
	Gray       *GrayDraft
	// Note says why; history keeps it.
	Note Note
}

// IfPresent says what a publish of many does with configurations that exist.
type IfPresent = configpb.IfPresent

// The three policies of Nacos' import.
const (
	Overwrite = configpb.IfPresent_UPDATE
	Skip      = configpb.IfPresent_SKIP
	Abort     = configpb.IfPresent_ABORT
)

// Limits on attributes, in characters, and on their number, as Nacos has them (http.md §4).
const (
	MaxTags      = 5
	MaxTagLength = 64
	MaxDesc      = 128
	MaxAppName   = 128
	maxUse       = 32
	maxEffect    = 32
	maxType      = 32
	maxSchema    = 32768
	maxGrays     = 10
)

// Options are the settings of a Service; zero values mean the defaults.
type Options struct {
	// MaxContent is the size of a content in bytes. Default 10 MiB.
	MaxContent int
	// SubmitTimeout is how long a write may take. Default 10 s.
	SubmitTimeout time.Duration
	// Retention is how long history is kept; 0 keeps it for 30 days.
	Retention time.Duration
	// Quota holds the default quotas and whether any is enforced.
	Quota Quota
	// Changed are called, in their order, for each key of which any client sees another md5 than before, after
	// readers can see it. They run on the applying goroutine and must not block.
	Changed []func(key Key, before, after *Item)
	// Happened, when not nil, is called for each publish and removal, on the applying goroutine: it must not block.
	Happened func(Happening)
}

// Quota is what a namespace, a group of the default namespace and the cluster may hold when no
// capacity row says otherwise. Check switches enforcement on.
type Quota struct {
	Check     bool
	Cluster   int64
	Group     int64
	Namespace int64
	MaxSize   int64
}

// Service is what edges call to read and change configurations. It is safe for concurrent use.
type Service struct {
	Queries
	state   *State
	journal journal.Journal
	clock   clock.Clock
	opts    Options
	quota   *configpb.Quota

	published, removed, refused, failed atomic.Uint64
}

// New returns a service and the state it serves. The state is empty: the caller loads it, hands it
// the decided commands, and calls Use before the first write or query.
func New(c clock.Clock, o Options) (*Service, *State) {
	if o.MaxContent <= 0 {
		o.MaxContent = 10 << 20
	}
	if o.SubmitTimeout <= 0 {
		o.SubmitTimeout = 10 * time.Second
	}
	if o.Retention <= 0 {
		o.Retention = 30 * 24 * time.Hour
	}
	s := &Service{clock: c, opts: o}
	if q := o.Quota; q.Check {
		s.quota = &configpb.Quota{Check: true, Cluster: q.Cluster, Group: q.Group, Namespace: q.Namespace, MaxSize: q.MaxSize}
	}
	s.state = NewState(func(k Key, before, after *Item) {
		for _, f := range o.Changed {
			f(k, before, after)
		}
	})
	s.state.happened = o.Happened
	return s, s.state
}

// Use connects the service to where its commands go and its queries come from. Call it once, before serving.
func (s *Service) Use(j journal.Journal, q Queries) { s.journal, s.Queries = j, q }

// MaxContent returns the largest size of a content, in bytes.
func (s *Service) MaxContent() int { return s.opts.MaxContent }

// Item returns what is held of a key, nil when nothing is.
func (s *Service) Item(k Key) *Item { return s.state.Get(k) }

// Each calls f for every item, in no order, until it returns false.
func (s *Service) Each(f func(Key, *Item) bool) { s.state.Each(f) }

// EachName calls f for the key of every formal configuration, in no order, until it returns false.
func (s *Service) EachName(f func(Key) bool) {
	s.state.Each(func(k Key, i *Item) bool { return i.Formal == nil || f(k) })
}

// Appeared returns an Options.Changed that tells f of formal configurations which are there from now on, or no longer are.
func Appeared(f func(k Key, exists bool)) func(k Key, before, after *Item) {
	return func(k Key, before, after *Item) {
		exists := after != nil && after.Formal != nil
		if exists != (before != nil && before.Formal != nil) {
			f(k, exists)
		}
	}
}

// Stats returns what is held, counted.
func (s *Service) Stats() Stats { return s.state.Stats() }

// CountIn returns how many formal configurations a namespace has.
func (s *Service) CountIn(namespace string) int64 { return s.state.CountIn(namespace) }

// Revision returns the revision of the last change.
func (s *Service) Revision() uint64 { return s.state.Revision() }

// WriteStats counts what became of commands since the start.
type WriteStats struct {
	Published, Removed uint64
	// Refused were decided against or invalid, Failed have an unknown end.
	Refused, Failed uint64
}

// WriteStats returns the counts since the start.
func (s *Service) WriteStats() WriteStats {
	return WriteStats{Published: s.published.Load(), Removed: s.removed.Load(), Refused: s.refused.Load(), Failed: s.failed.Load()}
}

// Variant is what one client sees of a configuration. Content must not be changed.
type Variant struct {
	Content          []byte
	MD5              string
	Type             string
	EncryptedDataKey string
	ModifiedMs       int64
	Revision         uint64
	// Gray is the variant that was chosen, nil for the formal content.
	Gray *Gray
}

// Read returns what c sees of k. It takes memory only and does not block.
func (s *Service) Read(k Key, c Client) (Variant, bool) {
	it := s.state.Get(k)
	if it == nil {
		return Variant{}, false
	}
	if len(it.Grays) > 0 {
		if g := it.Match(c); g != nil {
			return Variant{
				Content: g.Content, MD5: g.MD5, Type: it.formalType(), EncryptedDataKey: g.EncryptedDataKey,
				ModifiedMs: g.ModifiedMs, Revision: g.Revision, Gray: g,
			}, true
		}
	}
	e := it.Formal
	if e == nil {
		return Variant{}, false
	}
	return Variant{
		Content: e.Content, MD5: e.MD5, Type: e.Type, EncryptedDataKey: e.EncryptedDataKey,
		ModifiedMs: e.ModifiedMs, Revision: e.Revision,
	}, true
}

func (i *Item) formalType() string {
	if i.Formal == nil {
		return TypeText
	}
	return i.Formal.Type
}

// TypeText is the type of a configuration whose publisher named none that is known.
const TypeText = "text"

// KnownType returns t when Nacos knows it as a type of configuration, else TypeText.
func KnownType(t string) string {
	switch t {
	case "properties", "xml", "json", "text", "html", "yaml", "toml", "unset":
		return t
	}
	return TypeText
}

// MD5 returns the digest of content in the form that clients compare: lower-case hex.
func MD5(content []byte) string {
	sum := md5.Sum(content)
	return hex.EncodeToString(sum[:])
}

// Publish makes d's key hold what d says. Faults: Invalid, Limited (CodeTooLarge, quotas), Conflict
// (CodeCAS), Unavailable. It blocks until the change is durable and can be read here.
func (s *Service) Publish(ctx context.Context, by Actor, d Draft) (Outcome, error) {
	p, err := s.command(by, &d)
	if err != nil {
		s.refused.Add(1)
		return Outcome{}, err
	}
	out, err := s.submit(ctx, KindPublish, p)
	if err == nil {
		s.published.Add(1)
	}
	return out, err
}

// PublishMany publishes drafts in their order as one command: all of them are decided together, and
// no other change comes between. With Abort the first that exists ends it. The outcomes are the
// drafts', a refusal of one included. Keep the contents of one call within about a MiB.
func (s *Service) PublishMany(ctx context.Context, by Actor, drafts []Draft, policy IfPresent) ([]Outcome, error) {
	m := &configpb.PublishMany{IfPresent: policy, Items: make([]*configpb.Publish, 0, len(drafts))}
	for i := range drafts {
		p, err := s.command(by, &drafts[i])
		if err != nil {
			s.refused.Add(1)
			return nil, err
		}
		m.Items = append(m.Items, p)
	}
	out, err := s.submit(ctx, KindPublishMany, m)
	if err != nil {
		return nil, err
	}
	for _, o := range out.Items {
		if o.Revision > 0 {
			s.published.Add(1)
		}
	}
	return out.Items, nil
}

// Check returns the fault that Publish would return for d whatever is held now; nil when there is none.
func (s *Service) Check(d Draft) error { return s.check(&d) }

func (s *Service) command(by Actor, d *Draft) (*configpb.Publish, error) {
	if err := s.check(d); err != nil {
		return nil, err
	}
	p := &configpb.Publish{
		Key: keyPB(d.Key), Content: d.Content, Md5: MD5(d.Content), Actor: by.pb(), AtMs: clock.Millis(s.clock), CasMd5: d.CASMD5, IfRevision: d.IfRevision, Quota: s.quota, Note: d.Note.pb(),
		Attributes: &configpb.Attributes{
			Type: KnownType(d.Type), AppName: d.AppName, TagsGiven: d.TagsGiven, Tags: distinct(d.Tags),
			Desc: d.Desc, Use: d.Use, Effect: d.Effect, Schema: d.Schema, EncryptedDataKey: d.EncryptedDataKey,
		},
	}
	if g := d.Gray; g != nil {
		p.Gray = &configpb.Gray{Name: g.Name, Type: g.Rule.Type, Version: g.Rule.Version, Expr: g.Rule.Expr, Priority: g.Rule.Priority, MaxPerConfig: maxGrays}
	}
	return p, nil
}

// distinct returns tags with each one once: a tag is on a configuration or it is not.
func distinct(tags []string) []string {
	for i, t := range tags {
		if slices.Contains(tags[:i], t) {
			out := slices.Clone(tags[:i])
			for _, t := range tags[i+1:] {
				if !slices.Contains(out, t) {
					out = append(out, t)
				}
			}
			return out
		}
	}
	return tags
}

func (a Actor) pb() *configpb.Actor { return &configpb.Actor{User: a.User, Ip: a.IP} }

func keyPB(k Key) *configpb.Key {
	return &configpb.Key{Namespace: k.Namespace, Group: k.Group, DataId: k.DataID}
}

func (s *Service) check(d *Draft) error {
	if err := checkKey(d.Key); err != nil {
		return err
	}
	switch {
	case len(d.Content) > s.opts.MaxContent:
		return fault.New(fault.Limited, "the content of %s has %d bytes, at most %d are allowed (setting max-config-size)",
			d.Key.DataID, len(d.Content), s.opts.MaxContent).WithCode(CodeTooLarge)
	case blank(d.Content):
		return fault.New(fault.Invalid, "content is blank : %s", "").WithCode(CodeBlank)
	case !utf8.Valid(d.Content):
		return fault.New(fault.Invalid, "the content is not UTF-8: byte %d is not part of a character", badByte(d.Content)).WithCode(CodeEncoding)
	}
	if err := d.checkAttributes(); err != nil {
		return err
	}
	if err := d.Note.check(); err != nil {
		return err
	}
	return d.checkGray()
}

func checkKey(k Key) error {
	if err := resource.CheckKey(k); err != nil {
		return fault.Wrap(fault.Invalid, err, "%s", err.Error()).WithCode(CodeName)
	}
	return nil
}

func blank(b []byte) bool {
	for _, c := range b {
		if c > ' ' {
			return false
		}
	}
	return true
}

func badByte(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}

func (d *Draft) checkAttributes() error {
	if len(d.Tags) > MaxTags {
		return attributeFault("there are %d config_tags, at most %d are allowed", len(d.Tags), MaxTags)
	}
	for _, t := range d.Tags {
		if n := utf8.RuneCountInString(t); n > MaxTagLength {
			return attributeFault("a config tag has %d characters, at most %d are allowed", n, MaxTagLength)
		}
	}
	for _, a := range []struct {
		name  string
		value *string
		most  int
	}{{"desc", d.Desc, MaxDesc}, {"use", d.Use, maxUse}, {"effect", d.Effect, maxEffect}, {"type", &d.Type, maxType}, {"schema", d.Schema, maxSchema}, {"appName", d.AppName, MaxAppName}} {
		if a.value == nil || len(*a.value) <= a.most {
			continue
		}
		if n := utf8.RuneCountInString(*a.value); n > a.most {
			return attributeFault("%s has %d characters, at most %d are allowed", a.name, n, a.most)
		}
	}
	return nil
}

func attributeFault(format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).WithCode(CodeAttribute)
}

func (d *Draft) checkGray() error {
	g := d.Gray
	if g == nil {
		return nil
	}
	if g.Rule.Version != RuleVersion || g.Rule.Type != RuleBeta && g.Rule.Type != RuleTag {
		return fault.New(fault.Invalid, "gray rule type %q version %q is not known; beta and tag of version %s are", g.Rule.Type, g.Rule.Version, RuleVersion).WithCode(CodeGrayRule)
	}
	if strings.TrimSpace(g.Name) == "" || len(g.Name) > 128 {
		return fault.New(fault.Invalid, "the gray name has %d characters, 1 to 128 are allowed", len(g.Name))
	}
	if strings.TrimSpace(g.Rule.Expr) == "" {
		return fault.New(fault.Invalid, "the gray rule has no expression").WithCode(CodeGrayRuleFormat)
	}
	if g.Rule.Type == RuleTag {
		if len(g.Rule.Expr) > resource.MaxTag {
			return fault.New(fault.Invalid, "too long tag, over %d", resource.MaxTag).WithCode(CodeTag)
		}
		if resource.CheckName(resource.FieldGroup, g.Rule.Expr) != nil {
			return fault.New(fault.Invalid, "invalid tag : %s", g.Rule.Expr).WithCode(CodeTag)
		}
	}
	return nil
}

// Codes of faults in what was handed in.
const (
	CodeName      fault.Code = "name"      // wraps a *resource.Violation
	CodeBlank     fault.Code = "blank"     // content is blank
	CodeEncoding  fault.Code = "encoding"  // content is not UTF-8
	CodeAttribute fault.Code = "attribute" // a tag, desc, use, effect, type or schema is too long or too many
	CodeTag       fault.Code = "tag"       // an illegal gray tag
	CodeNote      fault.Code = "note"      // a comment that is too long or not plain
)

// Remove takes away the variant grayName of k or, when that is empty, the formal content and every
// variant; note says why. Removing what is absent is no fault: Outcome.Existed tells.
func (s *Service) Remove(ctx context.Context, by Actor, k Key, grayName string, note Note) (Outcome, error) {
	if err := checkKey(k); err != nil {
		return Outcome{}, err
	}
	if err := checkGrayName(grayName); err != nil {
		return Outcome{}, err
	}
	if err := note.check(); err != nil {
		return Outcome{}, err
	}
	out, err := s.submit(ctx, KindRemove, &configpb.Remove{Key: keyPB(k), GrayName: grayName, Actor: by.pb(), AtMs: clock.Millis(s.clock), Note: note.pb()})
	if err == nil && out.Revision > 0 {
		s.removed.Add(1)
	}
	return out, err
}

// checkGrayName refuses the name of a variant that no command can hold.
func checkGrayName(name string) error {
	if !utf8.ValidString(name) {
		return fault.New(fault.Invalid, "the name of the variant is not UTF-8")
	}
	return nil
}

// RemoveIDs takes away the configurations with these row ids and returns how many there were; note says why.
func (s *Service) RemoveIDs(ctx context.Context, by Actor, ids []int64, note Note) (int, error) {
	if err := note.check(); err != nil {
		return 0, err
	}
	const chunk = 500
	n := 0
	for len(ids) > 0 {
		part := ids[:min(chunk, len(ids))]
		ids = ids[len(part):]
		page, err := s.List(ctx, Filter{IDs: part, PageNo: 1, PageSize: len(part)})
		if err != nil {
			return n, err
		}
		m := &configpb.RemoveMany{}
		for _, e := range page.Items {
			m.Items = append(m.Items, &configpb.Remove{Key: keyPB(e.Key), Id: e.ID, Actor: by.pb(), AtMs: clock.Millis(s.clock), Note: note.pb()})
		}
		if len(m.Items) == 0 {
			continue
		}
		out, err := s.submit(ctx, KindRemoveMany, m)
		if err != nil {
			return n, err
		}
		for _, o := range out.Items {
			if o.Existed {
				n++
				s.removed.Add(1)
			}
		}
	}
	return n, nil
}

// DefaultQuota returns the quotas that hold where a capacity row says 0.
func (s *Service) DefaultQuota() Quota { return s.opts.Quota }

func (s *Service) submit(ctx context.Context, kind journal.Kind, m proto.Message) (Outcome, error) {
	body, err := proto.Marshal(m)
	if err != nil {
		return Outcome{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.SubmitTimeout)
	defer cancel()
	if failpoint.Inject("bug/done-twice") != nil {
		_, _ = s.journal.Submit(ctx, journal.Command{Kind: kind, Body: body})
	}
	res, err := s.journal.Submit(ctx, journal.Command{Kind: kind, Body: body})
	if failpoint.Inject("bug/refused-but-done") != nil {
		err = fault.New(fault.Unavailable, "the journal was busy; nothing was written")
	}
	if err != nil {
		s.failed.Add(1)
		return Outcome{}, err
	}
	out, ok := res.Outcome.(Outcome)
	if !ok {
		return Outcome{}, errors.New("the journal answered a command of configurations with another domain's outcome")
	}
	if err := out.Err(); err != nil {
		s.refused.Add(1)
		return out, err
	}
	return out, nil
}

// RunRetention removes history that is older than the retention, a thousand rows at a time, until
// ctx ends. Only the node that leads calls it.
func (s *Service) RunRetention(ctx context.Context, every time.Duration, log func(error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := s.TrimHistory(ctx); err != nil && ctx.Err() == nil {
			log(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// TrimHistory removes all history that is older than the retention now.
func (s *Service) TrimHistory(ctx context.Context) error {
	before := s.clock.Now().Add(-s.opts.Retention).UnixMilli()
	for {
		oldest, err := s.HistoryOldest(ctx)
		if err != nil || oldest == 0 || oldest >= before {
			return err
		}
		if _, err := s.submit(ctx, KindTrimHistory, &configpb.TrimHistory{BeforeMs: before, Limit: 1000}); err != nil {
			return err
		}
	}
}
