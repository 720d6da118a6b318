// Package distro keeps copies of each node's clients on the other nodes of a cluster.
//
// Each node tells the others what changed of the clients that it owns, and compares every few seconds what it knows of theirs with
// what they know. What was lost, doubled or late on the way is made good by the comparison.
package distro

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"nacre/server/fault"
	"nacre/server/naming"
	"nacre/server/naming/namingpb"
)

// Peers calls other nodes.
type Peers interface {
	// Call has a node answer a method. It returns when ctx ends at the latest.
	Call(ctx context.Context, to, method string, body []byte) ([]byte, error)
}

// Handler answers a call of another node.
type Handler = func(ctx context.Context, from string, body []byte) ([]byte, error)

// Members says who the nodes are. Its methods do not block.
type Members interface {
	// Self returns the id of this node, Alive those of the others that are there, or were a moment ago.
	Self() string
	Alive() []string
	// Owner returns the node that is to own a key, the same on all nodes that see the same ones up; "" while none is.
	Owner(key string) string
	// Changed returns a channel that has a value after any of that changed.
	Changed() <-chan struct{}
}

// Source is what is copied. naming.Copies is one, and says what its methods mean.
type Source interface {
	Wake() <-chan struct{}
	Changed() []naming.Change
	Incarnation() uint64
	Known(node string, incarnation uint64) (naming.Known, bool)
	Encode(node string, incarnation uint64, of naming.Change, most int) [][]byte
	Merge(b []byte) error
	Verified(node string, incarnation, asOf uint64, covered func(id string) bool, listed []naming.Version)
	Complete(node string, incarnation, asOf uint64)
	Holders() []naming.Holder
	Lost(node string, left time.Duration)
	Seen(node string, incarnation uint64)
	Expire()
	Settle(alive func(node string) bool) (taken, left int)
}

// Answerer answers what clients without a connection ask of the node that owns them. naming.Registry is one.
type Answerer interface {
	Answer(*namingpb.Asked) *namingpb.Answered
}

// Config is what a Sync works with. Zero durations mean the defaults.
type Config struct {
	Source  Source
	Clients Answerer
	Peers   Peers
	Members Members
	Log     *slog.Logger

	// Delay is how long after the first change others go with it. Default 50 ms.
	Delay time.Duration
	// Every is how often what is known is compared. Default 5 s.
	Every time.Duration
	// Timeout bounds a call, and Retry is the time after one that failed. Defaults 3 s, 1 s.
	Timeout, Retry time.Duration
	// LoadTime is how long a start waits for a peer that is up and does not answer. Default 10 s.
	LoadTime time.Duration
	// MaxBytes bounds a message, but for a few hundred bytes around it. Default 900 KiB.
	MaxBytes int
}

func (c Config) withDefaults() Config {
	or(&c.Delay, 50*time.Millisecond)
	or(&c.Every, 5*time.Second)
	or(&c.Timeout, 3*time.Second)
	or(&c.Retry, time.Second)
	or(&c.LoadTime, 10*time.Second)
	or(&c.MaxBytes, 900<<10)
	return c
}

func or[T int | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}

// The methods that nodes call of each other.
const (
	methodSync    = "distro/sync"
	methodCompare = "distro/compare"
	methodFetch   = "distro/fetch"
	methodHolders = "distro/holders"
	methodAsk     = "distro/ask"
)

// lookEvery is how often it is looked who is down and what is over, settleEvery who is to own which client.
const (
	lookEvery   = time.Second
	settleEvery = 2 * time.Second
)

// Sync keeps the copies of one node. It is safe for concurrent use.
type Sync struct {
	cfg    Config
	loaded atomic.Bool
	ended  atomic.Bool
	ready  chan struct{}

	mu    sync.Mutex
	peers map[string]*peer
	mute  map[string]time.Time // nodes that did not answer a client, until when they are not asked
}

// New returns a Sync; Run must run, and Handlers be called, before other nodes are.
func New(c Config) *Sync {
	return &Sync{cfg: c.withDefaults(), ready: make(chan struct{}), peers: make(map[string]*peer), mute: make(map[string]time.Time)}
}

// Handlers returns what other nodes call, by method.
func (s *Sync) Handlers() map[string]Handler {
	return map[string]Handler{
		methodSync: s.handleSync, methodAsk: s.handleAsk,
		methodCompare: s.untilEnd(s.handleCompare), methodFetch: s.untilEnd(s.handleFetch), methodHolders: s.untilEnd(s.handleHolders),
	}
}

// untilEnd refuses calls to a node that stops.
func (s *Sync) untilEnd(h Handler) Handler {
	return func(ctx context.Context, from string, body []byte) ([]byte, error) {
		if s.ended.Load() {
			return nil, fault.New(fault.Unavailable, "node %s stops", s.cfg.Members.Self())
		}
		return h(ctx, from, body)
	}
}

// Loaded reports whether this node knows what the others did when it started.
func (s *Sync) Loaded() bool { return s.loaded.Load() }

// Ready returns a channel that is closed when Loaded is true.
func (s *Sync) Ready() <-chan struct{} { return s.ready }

// Run takes up what the other nodes know, and keeps all copies until ctx ends. From then on this node says nothing of its clients, who go as
// it stops: the others keep them for naming.Grace, in which those that go on come to another node. It is called once.
func (s *Sync) Run(ctx context.Context) error {
	defer s.ended.Store(true)
	s.load(ctx)
	if ctx.Err() != nil {
		return nil
	}
	s.loaded.Store(true)
	close(s.ready)
	var all sync.WaitGroup
	defer all.Wait()
	defer s.each(func(p *peer) { p.stop() })
	look, settle := time.NewTicker(lookEvery), time.NewTicker(settleEvery)
	defer look.Stop()
	defer settle.Stop()
	s.look(ctx, &all)
	s.settle()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.cfg.Source.Wake():
			changed := s.cfg.Source.Changed()
			s.each(func(p *peer) { p.owe(changed) })
		case <-s.cfg.Members.Changed():
			s.look(ctx, &all)
			s.settle()
		case <-look.C:
			s.look(ctx, &all)
		case <-settle.C:
			s.settle()
		}
	}
}

func (s *Sync) each(f func(*peer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.peers {
		f(p)
	}
}

// alive reports whether another node is up.
func (s *Sync) alive() map[string]bool {
	list := make(map[string]bool)
	for _, id := range s.cfg.Members.Alive() {
		list[id] = id != s.cfg.Members.Self()
	}
	return list
}

// look follows who is up: it begins to tell those that came, and lets the clients of those that went expire.
func (s *Sync) look(ctx context.Context, all *sync.WaitGroup) {
	alive := s.alive()
	s.mu.Lock()
	for id, p := range s.peers {
		if !alive[id] {
			p.stop()
			delete(s.peers, id)
		}
	}
	for id, is := range alive {
		if is && s.peers[id] == nil {
			p := newPeer(ctx, s, id)
			s.peers[id] = p
			all.Go(p.send)
			all.Go(p.verify)
		}
	}
	s.mu.Unlock()
	for _, h := range s.cfg.Source.Holders() {
		if h.Left == 0 && !alive[h.Node] {
			s.cfg.Log.Info("a node is gone: its clients are kept for a while, as they may come to another", "node", h.Node, "clients", h.Clients, "for", naming.Grace)
			s.cfg.Source.Lost(h.Node, naming.Grace)
		}
	}
	s.cfg.Source.Expire()
}

func (s *Sync) settle() {
	alive := s.alive()
	if taken, left := s.cfg.Source.Settle(func(node string) bool { return alive[node] }); taken+left > 0 {
		s.cfg.Log.Info("clients that send heartbeats changed their node", "taken over", taken, "handed over", left)
	}
}

// call calls a node, within Timeout.
func (s *Sync) call(ctx context.Context, to, method string, ask, answer proto.Message) error {
	body, err := proto.Marshal(ask)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	b, err := s.cfg.Peers.Call(ctx, to, method, body)
	if err != nil || answer == nil {
		return err
	}
	return proto.Unmarshal(b, answer)
}
