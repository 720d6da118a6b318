package distro

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nacre/server/naming"
	"nacre/server/resource"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// grid is nodes that call each other through memory, by which messages may be lost, late, doubled and in another order.
type grid struct {
	t       testing.TB
	mu      sync.Mutex
	random  *rand.Rand
	nodes   map[string]*node
	order   []string
	cut     map[[2]string]bool // from, to
	loss    float64            // of messages, and of answers
	doubled float64
	delay   time.Duration // at the most
	largest int
	calls   int
	late    sync.WaitGroup
}

// node is one of them. It sees as up what see says.
type node struct {
	*naming.Registry
	grid    *grid
	id      string
	sync    *Sync
	up      bool
	alive   map[string]bool
	changed chan struct{}
	stop    func()
}

func newGrid(t testing.TB, ids ...string) *grid {
	g := &grid{t: t, random: rand.New(rand.NewPCG(1, 2)), nodes: make(map[string]*node), cut: make(map[[2]string]bool), delay: time.Millisecond, order: ids}
	return g
}

// start starts a node, anew when it was there. Others see it at once.
func (g *grid) start(id string) *node {
	g.t.Helper()
	n := &node{grid: g, id: id, up: true, alive: make(map[string]bool), changed: make(chan struct{}, 1)}
	n.Registry, _ = naming.New(naming.Config{Node: id})
	n.sync = New(Config{Source: n.Copies(), Clients: n.Registry, Peers: n, Members: n, Log: slog.New(slog.DiscardHandler)})
	n.UseOwners(n.sync)
	g.mu.Lock()
	for _, o := range g.nodes {
		if o.up && o.id != id {
			n.alive[o.id], o.alive[id] = true, true
			o.nudge()
		}
	}
	g.nodes[id] = n
	g.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = n.Run(ctx) })
	all.Go(func() { _ = n.sync.Run(ctx) })
	n.stop = func() { cancel(); all.Wait() }
	return n
}

func (g *grid) startAll() {
	for _, id := range g.order {
		g.start(id)
	}
}

// kill ends a node at once. Nobody is told.
func (g *grid) kill(id string) {
	g.mu.Lock()
	n := g.nodes[id]
	n.up = false
	g.mu.Unlock()
	n.stop()
}

// end ends all nodes.
func (g *grid) end() {
	for _, n := range g.nodes {
		if n.up {
			g.kill(n.id)
		}
	}
	g.late.Wait()
}

// see has nodes see whether others are up.
func (g *grid) see(id string, up bool, by ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, name := range by {
		n := g.nodes[name]
		if n.alive[id] != up {
			n.alive[id] = up
			n.nudge()
		}
	}
}

// split cuts the nodes into two parts, or with no part joins them. No node notices before see says so.
func (g *grid) split(part ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.cut)
	for _, a := range g.order {
		for _, b := range g.order {
			if len(part) > 0 && slices.Contains(part, a) != slices.Contains(part, b) {
				g.cut[[2]string{a, b}] = true
			}
		}
	}
}

func (n *node) nudge() {
	select {
	case n.changed <- struct{}{}:
	default:
	}
}

// Self, Alive, Owner and Changed make a node its own Members.
func (n *node) Self() string { return n.id }

func (n *node) Alive() (list []string) {
	n.grid.mu.Lock()
	defer n.grid.mu.Unlock()
	for id, up := range n.alive {
		if up {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return list
}

func (n *node) Owner(key string) (best string) {
	var most uint64
	for _, id := range append(n.Alive(), n.id) {
		if h := hashOf(id + key); best == "" || h > most {
			best, most = id, h
		}
	}
	return best
}

func (n *node) Changed() <-chan struct{} { return n.changed }

var errLost = errors.New("no answer")

// Call makes a node its own Peers.
func (n *node) Call(ctx context.Context, to, method string, body []byte) ([]byte, error) {
	g := n.grid
	if !g.way(ctx, n.id, to) {
		<-ctx.Done()
		return nil, errLost
	}
	g.mu.Lock()
	g.calls++
	g.largest = max(g.largest, len(body))
	other := g.nodes[to]
	again := g.random.Float64() < g.doubled
	g.mu.Unlock()
	answer := func(ctx context.Context) ([]byte, error) {
		g.mu.Lock()
		up := other != nil && other.up
		g.mu.Unlock()
		if !up {
			return nil, fmt.Errorf("node %s: connection refused", to)
		}
		return other.sync.Handlers()[method](ctx, n.id, slices.Clone(body))
	}
	if again {
		g.late.Go(func() {
			time.Sleep(g.some(3 * time.Second))
			_, _ = answer(context.Background())
		})
	}
	b, err := answer(ctx)
	g.mu.Lock()
	g.largest = max(g.largest, len(b))
	g.mu.Unlock()
	if !g.way(ctx, to, n.id) {
		<-ctx.Done()
		return nil, errLost
	}
	return b, err
}

// way lets a message take its time; it reports whether it arrives.
func (g *grid) way(ctx context.Context, from, to string) bool {
	if !pause(ctx, g.some(0)) {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.cut[[2]string{from, to}] && g.random.Float64() >= g.loss
}

// some returns a time of at most most, 0 for the delay of messages.
func (g *grid) some(most time.Duration) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	most = cmp.Or(most, g.delay)
	return time.Duration(g.random.Int64N(int64(most)) + 1)
}

func (g *grid) pick(n int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.random.IntN(n)
}

func (g *grid) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls
}

func key(name string) naming.Key {
	return naming.Key{Namespace: "public", Group: resource.DefaultGroup, Name: name}
}

func at(port int) naming.Instance {
	return naming.Instance{IP: "10.0.0.1", Port: port, Weight: 1, Healthy: true, Enabled: true}
}

func (n *node) connect(id string) *naming.Session {
	return n.Open(naming.Client{ID: id, IP: "10.0.0.1"}, nil)
}

func (n *node) register(s *naming.Session, k naming.Key, port int) {
	n.grid.t.Helper()
	if err := s.Register(k, at(port)); err != nil {
		n.grid.t.Fatal(err)
	}
}

// ports returns what a node shows of a service as text.
func (n *node) ports(k naming.Key) string {
	var b strings.Builder
	for _, h := range n.Lookup(k, naming.Query{}).Hosts {
		fmt.Fprint(&b, h.Port)
		if !h.Healthy {
			b.WriteByte('-')
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// want checks what the nodes that are up show of a service.
func (g *grid) want(k naming.Key, want string) {
	g.t.Helper()
	for _, id := range g.order {
		if n := g.nodes[id]; n.up {
			if got := n.ports(k); got != want {
				g.t.Errorf("node %s shows %q, want %q", id, got, want)
			}
		}
	}
}
