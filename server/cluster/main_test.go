package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nacre/server/cluster/link"
	"nacre/server/rpc/peer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testKey = "a key that is long enough"

// group is a raft group without raft: nodes that are joined to one hold its cluster id.
type group struct {
	mu      sync.Mutex
	fresh   bool
	id      string
	voters  []string
	begun   int
	world   *world
	refuses error
}

func (g *group) Fresh() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.fresh
}

func (g *group) ClusterID() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.id
}

func (g *group) Bootstrap(id string, voters []string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.id, g.voters, g.fresh, g.begun = id, voters, false, g.begun+1
	return nil
}

func (g *group) Adopt(id string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.id = id
	return nil
}

func (g *group) Join(_ context.Context, id string) error {
	if g.refuses != nil {
		return g.refuses
	}
	other := g.world.node(id).group
	other.mu.Lock()
	defer other.mu.Unlock()
	other.fresh = false
	return nil
}

// world is the nodes of a test.
type world struct {
	mu    sync.Mutex
	nodes []*node
}

func (w *world) node(id string) *node {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.nodes, func(n *node) bool { return n.id == id && !n.stopped })
	return w.nodes[i]
}

// node is a member with real sockets and a group that is none.
type node struct {
	id      string
	conf    string // the path of its cluster.conf
	dir     string
	members *Members
	former  *Former
	group   *group
	said    *logBuffer
	entry   string
	stopped bool
	stop    func()
	kill    func()
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// options change a node.
type options struct {
	key, cluster, dir string
	size              int
}

// start runs a node until the test ends. Who is listed is said by list.
func (w *world) start(t *testing.T, id string, o options) *node {
	t.Helper()
	if o.key == "" {
		o.key = testKey
	}
	if o.dir == "" {
		o.dir = t.TempDir()
	}
	n := &node{id: id, dir: o.dir, conf: filepath.Join(o.dir, "cluster.conf"), said: &logBuffer{}}
	n.group = &group{fresh: o.cluster == "", id: o.cluster, world: w}
	to := slog.New(slog.NewTextHandler(io.MultiWriter(n.said, t.Output()), &slog.HandlerOptions{Level: slog.LevelInfo}))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	l, err := link.New(link.Config{Key: []byte(o.key), Log: to,
		Self: func() link.Identity { return link.Identity{Node: id, Cluster: n.group.ClusterID()} }})
	if err != nil {
		t.Fatal(err)
	}
	peers := peer.New(peer.Config{Link: l, Log: to, AddressOf: func(id string) (string, bool) { return n.members.PeerAddr(id) }})
	n.members, err = New(Config{
		Self:    Member{ID: id, Host: "127.0.0.1", Port: port, GRPCPort: port, PeerPort: port, RaftPort: port, Version: "1"},
		Cluster: n.group.ClusterID, Peers: peers, Gossip: "127.0.0.1:0", Key: []byte(o.key), Log: to, Dir: o.dir,
		Lookup: NewLookup(LookupConfig{File: n.conf}),
	})
	if err != nil {
		t.Fatal(err)
	}
	n.entry = fmt.Sprintf("127.0.0.1:%d?peer_port=%d", port, port)
	n.former = NewFormer(n.members, n.group, o.size)
	for _, handlers := range []map[string]Handler{n.members.Handlers(), n.former.Handlers()} {
		for method, h := range handlers {
			peers.Handle(method, h)
		}
	}
	w.mu.Lock()
	w.nodes = append(w.nodes, n)
	w.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = peers.Serve(l.Listen(ln)) })
	all.Go(func() {
		if err := n.members.Run(ctx); err != nil {
			t.Errorf("members of %s: %v", id, err)
		}
	})
	all.Go(func() {
		if err := n.former.Run(ctx); err != nil {
			t.Errorf("forming of %s: %v", id, err)
		}
	})
	n.members.SetUp(true, "")
	end := func(leave bool) func() {
		return func() {
			w.mu.Lock()
			was := n.stopped
			n.stopped = true
			w.mu.Unlock()
			if was {
				return
			}
			if !leave {
				_ = n.members.Close() // gossip is gone, and took no leave
			}
			cancel()
			peers.Close()
			all.Wait()
		}
	}
	n.stop, n.kill = end(true), end(false)
	t.Cleanup(n.stop)
	return n
}

// list writes the cluster.conf of every node.
func list(t *testing.T, who []*node, entries ...*node) {
	t.Helper()
	var text strings.Builder
	text.WriteString("# members\n")
	for _, n := range entries {
		text.WriteString(n.entry + "\n")
	}
	for _, n := range who {
		if err := os.WriteFile(n.conf, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// eventually waits until check finds nothing wrong.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

// sees says whether a node sees the others in these states.
func (n *node) sees(want map[string]State) error {
	got := map[string]State{}
	for _, m := range n.members.All() {
		if !m.Self {
			got[m.ID] = m.State
		}
	}
	for id, state := range want {
		if got[id] != state {
			return fmt.Errorf("%s sees %v, want %v", n.id, got, want)
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%s sees %v, want %v", n.id, got, want)
	}
	return nil
}

func all(checks ...error) error { return errors.Join(checks...) }
