package naming

import (
	"context"
	"errors"
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"nacre/server/clock"
	"nacre/server/fault"
	"nacre/server/fuzzy"
	"nacre/server/journal"
)

// Config is what a Registry works with. Zero values mean the defaults.
type Config struct {
	Clock clock.Clock
	// Node is the id of this node, which owns the clients that are connected to it.
	Node string
	// Delay is how long after a service's first change its subscribers are told; what changes meanwhile goes out as
	// one. Default 100 ms.
	Delay time.Duration
	// EmptyAfter is how long a service that nobody described stays without instances. Default 60 s.
	EmptyAfter time.Duration
	// OverrideKept is how long what an operator laid over an instance stays while that is not there; see Tidy. Default 7 days.
	OverrideKept time.Duration
	// NoExpiry keeps instances whose heartbeats stopped: they become unhealthy and stay.
	NoExpiry bool
	// SubmitTimeout is how long a write to the journal may take. Default 10 s.
	SubmitTimeout time.Duration

	// MaxInstances is how many instances there may be in all (default 1,000,000), MaxPerService in one service (100,000).
	MaxInstances, MaxPerService int64
	// MaxServices is how many services there may be. Default 200,000.
	MaxServices int64
	// MaxPublished is how many services one client may register instances of, MaxSubscribed how many it may subscribe to. Default 10,000.
	MaxPublished, MaxSubscribed int
	// MaxSubscriptions bounds the pairs of client and service. Default 5,000,000: about a GB at the most.
	MaxSubscriptions int64
	// MaxMetadata is the most characters in keys and values of an instance's or a service's metadata. Default 1024.
	MaxMetadata int
	// MaxOverrides is how many instances may have overrides. Default 100,000.
	MaxOverrides int64
	// MaxHistories is of how many instances it is kept what happened to them, the gone ones included. Default 50,000.
	MaxHistories int

	// Events, when not nil, is told what happens. Calls come one at a time, in order, perhaps under load: it must not block.
	Events func(Event)
	// PersistentChanged, when not nil, is told of each persistent instance that came (before is nil), changed or went (after is nil),
	// on the goroutine that applies: it must not block.
	PersistentChanged func(before, after *Persistent)
	// ClusterChanged, when not nil, is told of each cluster whose description changed, in the same way.
	ClusterChanged func(k Key, cluster string)
	// Acked, when not nil, is told how long after a push the client acknowledged it. It must not block.
	Acked func(time.Duration)
}

func (c Config) withDefaults() Config {
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	or(&c.Delay, 100*time.Millisecond)
	or(&c.EmptyAfter, time.Minute)
	or(&c.OverrideKept, 7*24*time.Hour)
	or(&c.SubmitTimeout, 10*time.Second)
	or(&c.MaxInstances, 1_000_000)
	or(&c.MaxPerService, 100_000)
	or(&c.MaxServices, 200_000)
	or(&c.MaxPublished, 10_000)
	or(&c.MaxSubscribed, 10_000)
	or(&c.MaxSubscriptions, 5_000_000)
	or(&c.MaxMetadata, 1024)
	or(&c.MaxOverrides, 100_000)
	or(&c.MaxHistories, 50_000)
	return c
}

func or[T int | int64 | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}

const shardCount = 256

// Registry knows all services and their clients. It is safe for concurrent use.
type Registry struct {
	cfg      Config
	state    *State
	journal  journal.Journal
	interner *interner
	seed     maphash.Seed
	epoch    time.Time
	// incarnation is of the clients of this run; it grows from run to run.
	incarnation uint64

	services [shardCount]serviceShard
	sessions [shardCount]sessionShard // by id
	addrs    [shardCount]addrShard    // by address

	dirty    dirtyList
	wheel    wheel
	owing    owing
	history  history
	events   eventQueue
	names    names
	fuzzy    *fuzzy.Index[Key]
	switches switches
	wake     chan struct{}
	// fresh is the time before which no heartbeat counts as missed, on the registry's own time.
	fresh atomic.Int64
	// floor is the highest lastRefMs of services that were forgotten: one of the same name goes on above it.
	floor atomic.Int64

	// loading is, while a row is loaded, when that was changed last, in ms since 1970.
	loading atomic.Int64

	self   atomic.Pointer[string]
	copies Copies
	owners Owners // nil on a node that stands alone
	// revisions counts changes of what clients of this node published.
	revisions atomic.Uint64

	counts counters
}

// counters are figures; see Stats.
type counters struct {
	services, instances, subscriptions, copies             atomic.Int64
	clients                                                [4]atomic.Int64 // by their kind
	pushes, acks, repeated                                 atomic.Uint64
	ackMs                                                  atomic.Uint64 // from pushes to their acknowledgements, together
	settled                                                atomic.Uint64 // how many those are
	slowestMs                                              atomic.Int64
	registered, deregistered, beaten, unhealthies, expired atomic.Uint64
}

// acked counts an acknowledgement that came so many ms after the push.
func (c *counters) acked(ms int64) {
	c.ackMs.Add(uint64(ms))
	c.settled.Add(1)
	for {
		most := c.slowestMs.Load()
		if ms <= most || c.slowestMs.CompareAndSwap(most, ms) {
			return
		}
	}
}

type serviceShard struct {
	mu sync.RWMutex
	m  map[Key]*service
}

type sessionShard struct {
	mu sync.RWMutex
	m  map[string]*Session
}

type addrShard struct {
	mu sync.RWMutex
	m  map[clientAddr]*Session
}

// clientAddr names a client without a connection.
type clientAddr struct {
	addr
	ephemeral bool
}

// New returns an empty registry and the state that it serves. The caller loads the state, hands it the decided commands,
// calls Use before the first write, and runs Run.
func New(c Config) (*Registry, *State) {
	r := &Registry{cfg: c.withDefaults(), state: NewState(), interner: newInterner(), fuzzy: fuzzy.NewIndex[Key](), seed: maphash.MakeSeed(), epoch: clock.Mono(), wake: make(chan struct{}, 1)}
	r.fuzzy.Repeats = true // Nacos' client for Java takes removals in a first difference for services that it knows already
	r.incarnation = uint64(r.wall())<<16 | rand.Uint64()&0xffff
	for i := range shardCount {
		r.services[i].m = make(map[Key]*service)
		r.sessions[i].m = make(map[string]*Session)
		r.addrs[i].m = make(map[clientAddr]*Session)
	}
	r.self.Store(&r.cfg.Node)
	r.copies.init(r)
	r.wheel.init(r.mono(), r.nudge)
	r.history.init(r.cfg.MaxHistories)
	r.switches.set(nil)
	r.state.watch = r.persisted
	return r, r.state
}

// Use connects the registry to where its commands go. Call it once, before serving.
func (r *Registry) Use(j journal.Journal) { r.journal = j }

// MaxMetadata is the most characters in keys and values of an instance's or a service's metadata.
func (r *Registry) MaxMetadata() int { return r.cfg.MaxMetadata }

// State returns what is durable.
func (r *Registry) State() *State { return r.state }

// mono is the registry's own time, in nanoseconds since New, for what is due.
func (r *Registry) mono() int64 { return int64(clock.Mono().Sub(r.epoch)) }

func (r *Registry) wall() int64 { return clock.Millis(r.cfg.Clock) }

func (r *Registry) shard(k *Key) *serviceShard {
	return &r.services[maphash.Comparable(r.seed, *k)%shardCount]
}

// find returns the service of k, nil when there is none. It is not locked, and may be gone.
func (r *Registry) find(k *Key) *service {
	sh := r.shard(k)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.m[*k]
}

// lock returns the service of k locked, nil when there is none.
func (r *Registry) lock(k *Key) *service {
	for {
		s := r.find(k)
		if s == nil {
			return nil
		}
		if s.mu.Lock(); !s.gone {
			return s
		}
		s.mu.Unlock() // whoever dropped it is about to take it out of the shard, or has
	}
}

// open returns the service of k locked, made when there is none. always makes it whatever the limit.
func (r *Registry) open(k *Key, always bool) (*service, error) {
	for {
		if s := r.lock(k); s != nil {
			return s, nil
		}
		if n := r.counts.services.Add(1); n > r.cfg.MaxServices && !always {
			r.counts.services.Add(-1)
			return nil, fault.New(fault.Limited, "there are %d services, the most that may be (setting max-services)", n-1).WithCode(CodeLimit)
		}
		s := &service{registry: r, key: r.interner.key(*k), lastRefMs: r.floor.Load()}
		s.mu.Lock()
		sh := r.shard(k)
		sh.mu.Lock()
		if sh.m[*k] == nil {
			sh.m[s.key] = s
			sh.mu.Unlock()
			// A change of the state from now on finds s and waits for its lock.
			described, overrides := r.state.snapshot(s.key)
			s.overrides = overrides
			if s.describe(described); described != nil {
				s.exists = true
				r.names.changed()
			}
			return s, nil
		}
		sh.mu.Unlock()
		s.mu.Unlock()
		r.counts.services.Add(-1)
	}
}

// settle unlocks a service, and lets go of one that holds nothing. What happened is told after it.
func (r *Registry) settle(s *service) {
	if !s.gone && !s.exists && len(s.sorted) == 0 && len(s.subs) == 0 && s.described == nil {
		s.drop()
	}
	s.mu.Unlock()
	r.events.flush(r)
}

// errOutcome is the error of a journal that answers with another domain's outcome.
var errOutcome = errors.New("the journal answered a command of services with another domain's outcome")

func (r *Registry) submit(ctx context.Context, kind journal.Kind, m proto.Message) (Outcome, error) {
	body, err := proto.Marshal(m)
	if err != nil {
		return Outcome{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.cfg.SubmitTimeout)
	defer cancel()
	res, err := r.journal.Submit(ctx, journal.Command{Kind: kind, Body: body})
	if err != nil {
		return Outcome{}, err
	}
	out, ok := res.Outcome.(Outcome)
	if !ok {
		return Outcome{}, errOutcome
	}
	return out, out.Err()
}
