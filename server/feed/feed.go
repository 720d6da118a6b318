// Package feed is the change feed of a node: what happened, in order, each event with a number, kept in a
// bounded ring, so that a reader who was away goes on from the last number that it has.
package feed

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"nacre/server/clock"
	"nacre/server/fault"
)

// Kind is what an event tells.
type Kind string

// The kinds of events.
const (
	ConfigPublished Kind = "config.published"
	ConfigRemoved   Kind = "config.removed"
	// GrayStarted is a variant for some clients, GrayChanged its new content, GrayEnded its end.
	GrayStarted Kind = "gray.started"
	GrayChanged Kind = "gray.changed"
	GrayEnded   Kind = "gray.ended"
	// ConfigInSync says that everybody who listens has what was published.
	ConfigInSync    Kind = "config.inSync"
	ClientConnected Kind = "client.connected"
	ClientGone      Kind = "client.gone"
	// ClientBehind is a client that did not confirm a change within a second, ClientLooping one that asks again and
	// again with a wrong md5, ClientInSync one of which either was said and that has it now.
	ClientBehind  Kind = "client.behind"
	ClientLooping Kind = "client.looping"
	ClientInSync  Kind = "client.inSync"
	ServerState   Kind = "server.state"
	// NamespaceCreated, NamespaceChanged and NamespaceRemoved have the name in Text.
	NamespaceCreated Kind = "namespace.created"
	NamespaceChanged Kind = "namespace.changed"
	NamespaceRemoved Kind = "namespace.removed"

	// ServiceAppeared is a service that has its first instance, ServiceGone one that lost its last. ServiceDescribed is one whose
	// description changed, ServiceRemoved one that somebody took away.
	ServiceAppeared  Kind = "service.appeared"
	ServiceGone      Kind = "service.gone"
	ServiceDescribed Kind = "service.described"
	ServiceRemoved   Kind = "service.removed"
	// InstanceUp is one that came or became healthy, InstanceDown one that became unhealthy, InstanceOverridden one that an
	// operator laid something over.
	InstanceUp         Kind = "instance.up"
	InstanceDown       Kind = "instance.down"
	InstanceChanged    Kind = "instance.changed"
	InstanceRemoved    Kind = "instance.removed"
	InstanceOverridden Kind = "instance.overridden"
)

// Kinds are all of them.
var Kinds = []Kind{
	ConfigPublished, ConfigRemoved, GrayStarted, GrayChanged, GrayEnded, ConfigInSync,
	ClientConnected, ClientGone, ClientBehind, ClientLooping, ClientInSync, ServerState,
	NamespaceCreated, NamespaceChanged, NamespaceRemoved,
	ServiceAppeared, ServiceGone, ServiceDescribed, ServiceRemoved,
	InstanceUp, InstanceDown, InstanceChanged, InstanceRemoved, InstanceOverridden,
}

// Event is something that happened. Fields that do not matter to its kind are zero.
type Event struct {
	// Seq is the event's number: one more than that of the event before.
	Seq uint64 `json:"seq"`
	// AtMs is when it happened, in ms since 1970.
	AtMs int64 `json:"atMs"`
	Kind Kind  `json:"kind"`

	Namespace string `json:"namespace,omitempty"`
	Group     string `json:"group,omitempty"`
	DataID    string `json:"dataId,omitempty"`
	Revision  uint64 `json:"revision,omitempty"`
	MD5       string `json:"md5,omitempty"`
	// Gray is the name of a variant.
	Gray string `json:"gray,omitempty"`

	Service string `json:"service,omitempty"`
	// Instance is address:port of an instance, Cluster its cluster.
	Instance string `json:"instance,omitempty"`
	Cluster  string `json:"cluster,omitempty"`

	// Node is the address of the node that it happened on, "" for what happens on all of a cluster, or where there is one node.
	Node string `json:"node,omitempty"`

	// User and IP are those of who did it.
	User string `json:"user,omitempty"`
	IP   string `json:"ip,omitempty"`

	ClientID string `json:"clientId,omitempty"`
	ClientIP string `json:"clientIp,omitempty"`
	App      string `json:"app,omitempty"`
	SDK      string `json:"sdk,omitempty"`

	// InSync of Listeners have what was published.
	InSync    int `json:"inSync,omitempty"`
	Listeners int `json:"listeners,omitempty"`
	// Text says in words what the other fields do not.
	Text string `json:"text,omitempty"`

	taken bool
}

// Taken reports whether the event was taken over from another node.
func (e *Event) Taken() bool { return e.taken }

// size is what an event costs in memory, roughly, in bytes.
func (e *Event) size() int {
	return 320 + len(e.Namespace) + len(e.Group) + len(e.DataID) + len(e.Gray) + len(e.User) + len(e.IP) + len(e.ClientID) +
		len(e.ClientIP) + len(e.App) + len(e.SDK) + len(e.Service) + len(e.Instance) + len(e.Cluster) + len(e.Node) + len(e.Text)
}

// Filter selects events. Zero values select all.
type Filter struct {
	// Namespace selects what is about configurations and clients of one namespace, and the state of the server.
	Namespace string
	// Kinds select by kind, or by what stands before its dot: "config" is all of configurations.
	Kinds []string
	// Text stands in dataId, group, variant, user, application, address or words, in whatever case.
	Text string

	lower string
}

// Limits on a filter.
const (
	maxFilterText  = 256
	maxFilterKinds = 32
)

// ParseFilter makes a filter of what a reader asks for; kinds is a comma list. Faults: Invalid.
func ParseFilter(namespace, kinds, text string) (Filter, error) {
	f := Filter{Namespace: strings.TrimSpace(namespace), Text: strings.TrimSpace(text)}
	f.lower = strings.ToLower(f.Text)
	if len(f.Text) > maxFilterText || len(f.Namespace) > maxFilterText {
		return Filter{}, fault.New(fault.Invalid, "a filter may have %d bytes of text at the most", maxFilterText)
	}
	for k := range strings.SplitSeq(kinds, ",") {
		if k = strings.TrimSpace(k); k == "" {
			continue
		}
		if !known(k) {
			return Filter{}, fault.New(fault.Invalid, "the kind %.40q is not known; there are config, gray, client, server, namespace, service, instance, and %s", k, join(Kinds))
		}
		if f.Kinds = append(f.Kinds, k); len(f.Kinds) > maxFilterKinds {
			return Filter{}, fault.New(fault.Invalid, "a filter may name %d kinds at the most", maxFilterKinds)
		}
	}
	return f, nil
}

func join(kinds []Kind) string {
	var b strings.Builder
	for i, k := range kinds {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(k))
	}
	return b.String()
}

func known(kind string) bool {
	for _, k := range Kinds {
		if kindIs(k, kind) {
			return true
		}
	}
	return false
}

func kindIs(k Kind, want string) bool {
	group, _, _ := strings.Cut(string(k), ".")
	return string(k) == want || group == want
}

// Selects reports whether e is for a reader with this filter.
func (f *Filter) Selects(e *Event) bool {
	if f.Namespace != "" && e.Namespace != f.Namespace && e.Kind != ServerState {
		return false
	}
	if len(f.Kinds) > 0 {
		found := false
		for _, k := range f.Kinds {
			if found = kindIs(e.Kind, k); found {
				break
			}
		}
		if !found {
			return false
		}
	}
	if f.lower == "" {
		return true
	}
	for _, s := range [...]string{e.DataID, e.Group, e.Gray, e.User, e.IP, e.App, e.ClientIP, e.ClientID, e.Service, e.Instance, e.Cluster, e.Node, e.Text} {
		if strings.Contains(strings.ToLower(s), f.lower) {
			return true
		}
	}
	return false
}

// Bounds of the ring.
const (
	DefaultEvents = 65_536
	maxBytes      = 48 << 20
)

// Feed holds the newest events. It is safe for concurrent use.
type Feed struct {
	clock   clock.Clock
	open    atomic.Bool
	opened  atomic.Int64 // in ms since 1970
	readers readers

	size int

	// mu is held by readers only while they copy pointers: Append runs where entries of the log are applied.
	mu    sync.RWMutex
	ring  []*Event // grows up to size; the event with number n is at n % len
	first uint64   // the number of the oldest event that is held
	next  uint64   // of the event that comes next
	start uint64   // of the first event of this process
	bytes int
	wake  chan struct{} // closed and replaced when something is appended
	idle  bool          // nobody took wake since
}

// New returns a feed that keeps size events, or fewer where they are large. Numbers begin at the clock's ms × 1000, so
// that those of a process are above all of the one before it. It is closed until Open.
func New(c clock.Clock, size int) *Feed {
	if size <= 0 {
		size = DefaultEvents
	}
	first := uint64(clock.Millis(c)) * 1000
	return &Feed{clock: c, size: size, first: first, next: first, start: first, wake: make(chan struct{}), idle: true}
}

// Open makes the feed take events: what a start reads back from its journal is no news.
func (f *Feed) Open() {
	f.opened.Store(clock.Millis(f.clock))
	f.open.Store(true)
}

// Age returns for how many ms the feed has been open, and whether it is.
func (f *Feed) Age() (ms int64, open bool) {
	if !f.open.Load() {
		return 0, false
	}
	return max(clock.Millis(f.clock)-f.opened.Load(), 0), true
}

// Append gives e its number and time and adds it. It never waits for a reader. Before Open it does nothing.
func (f *Feed) Append(e Event) {
	e.AtMs = clock.Millis(f.clock)
	f.add(e)
}

// Take is Append for what happened elsewhere, and has its time.
func (f *Feed) Take(e Event) {
	e.taken = true
	f.add(e)
}

func (f *Feed) add(e Event) {
	if !f.open.Load() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	e.Seq = f.next
	f.makeRoom()
	*f.at(e.Seq) = &e
	f.next++
	for f.bytes += e.size(); f.bytes > maxBytes && f.next-f.first > 1; {
		f.drop()
	}
	if !f.idle {
		close(f.wake)
		f.wake, f.idle = make(chan struct{}), true
	}
}

func (f *Feed) at(seq uint64) **Event { return &f.ring[seq%uint64(len(f.ring))] }

// makeRoom lets one more event in: the ring grows, or the oldest is dropped.
func (f *Feed) makeRoom() {
	held := f.next - f.first
	switch {
	case held < uint64(len(f.ring)):
	case held == uint64(f.size):
		f.drop()
	default:
		old := f.ring
		f.ring = make([]*Event, min(max(2*len(old), 256), f.size))
		for seq := f.first; seq < f.next; seq++ {
			*f.at(seq) = old[seq%uint64(len(old))]
		}
	}
}

func (f *Feed) drop() {
	oldest := f.at(f.first)
	f.bytes -= (*oldest).size()
	*oldest = nil
	f.first++
}

// Batch is what a reader gets at once.
type Batch struct {
	Events []Event
	// Next is the number to go on from: that of the last event that was looked at, selected or not.
	Next uint64
	// Missed is how many events after the number asked for are not held any more. When the number is not of this process,
	// it is how many of this process are not, and 1 at least: how many came before them nobody knows.
	Missed uint64
}

// looked bounds how many events one Since goes through.
const looked = 2048

// Since returns events after number after that fl selects, at most most. When it returns none and Next is Last's, there
// are no more.
func (f *Feed) Since(after uint64, fl *Filter, most int) Batch {
	b, events := f.copy(after)
	for _, e := range events {
		if len(b.Events) >= most {
			break
		}
		if fl.Selects(e) {
			b.Events = append(b.Events, *e)
		}
		b.Next = e.Seq
	}
	return b
}

// copy returns the events to look at, which nobody changes any more, and what of the batch is known before.
func (f *Feed) copy(after uint64) (Batch, []*Event) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	b := Batch{Next: after}
	switch {
	case after >= f.next || after < f.start-1: // of another process, with a later clock, or an earlier one
		b.Missed, b.Next = max(f.first-f.start, 1), f.first-1
	case after < f.first-1:
		b.Missed, b.Next = f.first-1-after, f.first-1
	}
	events := make([]*Event, min(f.next-1-b.Next, looked))
	for i := range events {
		events[i] = *f.at(b.Next + 1 + uint64(i))
	}
	return b, events
}

// Before returns the number after which everything comes that happened here in the last ms, as far as it is held.
func (f *Feed) Before(ms int64) uint64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	from := clock.Millis(f.clock) - ms
	at := f.next - 1
	for ; at >= f.first; at-- {
		if e := *f.at(at); !e.taken && e.AtMs < from {
			break
		}
	}
	return at
}

// Epoch returns the number of the first event of this process, which tells processes apart.
func (f *Feed) Epoch() uint64 { return f.start }

// First and Last return the numbers of the oldest and the newest event that is held; Last is one below First when there is none.
func (f *Feed) First() uint64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.first
}

// Last returns the number of the newest event.
func (f *Feed) Last() uint64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.next - 1
}

// Count returns how many events were appended since the start.
func (f *Feed) Count() uint64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.next - f.start
}

// gather is how long Wait waits on when it had to wait, so that what happens together is told together.
const gather = 5 * time.Millisecond

// Wait returns nil when Since has something to tell after number after, or ctx's error when ctx ends first.
func (f *Feed) Wait(ctx context.Context, after uint64) error {
	f.mu.Lock()
	if after != f.next-1 {
		f.mu.Unlock()
		return nil
	}
	wake := f.wake
	f.idle = false
	f.mu.Unlock()
	select {
	case <-wake:
	case <-ctx.Done():
		return ctx.Err()
	}
	more := time.NewTimer(gather)
	defer more.Stop()
	select {
	case <-more.C:
	case <-ctx.Done(): // there is something all the same
	}
	return nil
}

// Latest returns the newest events that fl selects, oldest first, at most most, as a Batch to go on from.
func (f *Feed) Latest(fl *Filter, most int) Batch {
	f.mu.RLock()
	first, next := f.first, f.next
	f.mu.RUnlock()
	b := Batch{Next: next - 1}
	for end := next; end > first && len(b.Events) < most; {
		from := max(end-min(end, looked), first)
		_, events := f.copy(from - 1)
		for i := len(events) - 1; i >= 0 && len(b.Events) < most; i-- {
			if e := events[i]; e.Seq < end && fl.Selects(e) {
				b.Events = append(b.Events, *e)
			}
		}
		end = from
	}
	slices.Reverse(b.Events)
	return b
}
