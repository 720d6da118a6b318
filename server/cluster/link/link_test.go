package link

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nacre/server/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// log keeps what was logged.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func node(t *testing.T, key, id, cluster string) (*Link, *log) {
	t.Helper()
	said := &log{}
	cfg := Config{Self: func() Identity { return Identity{Node: id, Cluster: cluster} }, Log: slog.New(slog.NewTextHandler(said, nil))}
	if key != "" {
		cfg.Key = []byte(key)
	}
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l, said
}

// listen accepts for l until the test ends; what comes in is answered with the peer's id.
func listen(t *testing.T, l *Link) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := l.Listen(ln)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := s.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, c.(*Conn).Peer())
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-ended
	})
	return ln.Addr().String()
}

const (
	key   = "a key that is long enough"
	other = "another key, long enough, too"
)

func TestNodesOfOneClusterConnect(t *testing.T) {
	for name, c := range map[string]struct{ key, mine, theirs string }{
		"with a key":                    {key, "c1", "c1"},
		"without a key":                 {"", "c1", "c1"},
		"one that has no cluster yet":   {key, "", "c1"},
		"one whose peer has none yet":   {key, "c1", ""},
		"two that have no cluster yet":  {key, "", ""},
		"without a key and no clusters": {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := node(t, c.key, "n1", c.theirs)
			client, _ := node(t, c.key, "n2", c.mine)
			conn, err := client.Dial(t.Context(), listen(t, server))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if conn.Peer() != "n1" || conn.Cluster() != c.theirs {
				t.Errorf("the dialing side sees node %q of cluster %q", conn.Peer(), conn.Cluster())
			}
			if b, err := io.ReadAll(conn); err != nil || string(b) != "n2" {
				t.Errorf("the accepting side saw node %q (%v)", b, err)
			}
		})
	}
}

func TestARefusedNodeIsNamedInBothLogs(t *testing.T) {
	for name, c := range map[string]struct {
		myKey, theirKey, mine, theirs string
		here, there                   string // what each log says
	}{
		"another key":           {key, other, "c1", "c1", "another cluster key", "cluster keys differ"},
		"another cluster":       {key, key, "c1", "c2", "node n2 belongs to cluster c1, node n1 to cluster c2", "node n2 belongs to cluster c1, node n1 to cluster c2"},
		"only they have a key":  {"", key, "c1", "c1", "it has a cluster key, and this node has none", "speaks no TLS"},
		"only we have a key":    {key, "", "c1", "c1", "speaks no TLS", "says no hello"},
		"clusters without keys": {"", "", "c1", "c2", "node n2 belongs to cluster c1", "node n2 belongs to cluster c1"},
	} {
		t.Run(name, func(t *testing.T) {
			server, there := node(t, c.theirKey, "n1", c.theirs)
			client, here := node(t, c.myKey, "n2", c.mine)
			addr := listen(t, server)
			for range 3 { // it is said once only
				conn, err := client.Dial(t.Context(), addr)
				if err == nil {
					conn.Close()
					t.Fatal("the connection was made")
				}
				if fault.KindOf(err) != fault.Denied || !strings.Contains(fault.TextOf(err), c.here) {
					t.Fatalf("the error is %v", err)
				}
			}
			eventually(t, func() string { return there.String() }, c.there)
			if n := strings.Count(here.String(), "\n"); n != 1 || !strings.Contains(here.String(), c.here) {
				t.Errorf("the dialing side's log has %d lines:\n%s", n, here)
			}
			if n := strings.Count(there.String(), "\n"); n != 1 {
				t.Errorf("the accepting side's log has %d lines:\n%s", n, there)
			}
		})
	}
}

func eventually(t *testing.T, get func() string, want string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if strings.Contains(get(), want) {
			return
		}
	}
	t.Fatalf("%q does not contain %q", get(), want)
}

func TestACopiedFolderIsRefused(t *testing.T) {
	server, _ := node(t, key, "n1", "c1")
	client, _ := node(t, key, "n1", "c1")
	_, err := client.Dial(t.Context(), listen(t, server))
	if fault.KindOf(err) != fault.Denied || errors.Is(err, ErrSelf) || !strings.Contains(err.Error(), "data folder was copied") {
		t.Fatalf("got %v", err)
	}
}

func TestANodeKnowsItsOwnAddress(t *testing.T) {
	l, said := node(t, key, "n1", "")
	if _, err := l.Dial(t.Context(), listen(t, l)); !errors.Is(err, ErrSelf) {
		t.Fatalf("got %v", err)
	}
	if said.String() != "" {
		t.Errorf("the log says %s", said)
	}
}

func TestOneThatSaysNothingHoldsUpNobody(t *testing.T) {
	server, _ := node(t, key, "n1", "c1")
	addr := listen(t, server)
	for range 20 {
		silent, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
	}
	client, _ := node(t, key, "n2", "c1")
	conn, err := client.Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestDialEndsWithItsContext(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // accepts nothing
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, _ := node(t, key, "n2", "c1")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Dial(ctx, ln.Addr().String()); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("got %v", err)
	}
}

func TestOneThatHangsUpIsNotRefused(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	for _, k := range []string{key, ""} {
		client, said := node(t, k, "n2", "c1")
		if _, err := client.Dial(t.Context(), ln.Addr().String()); fault.KindOf(err) != fault.Unavailable || said.String() != "" {
			t.Errorf("got %v, and the log says %s", err, said)
		}
	}
}

func TestAShortKeyIsRefused(t *testing.T) {
	if _, err := New(Config{Key: []byte("fifteen letters")}); err == nil {
		t.Fatal("it was taken")
	}
}

// FuzzHello reads what strangers may send.
func FuzzHello(f *testing.F) {
	var b bytes.Buffer
	_ = writeHello(&b, hello{Version: version, Node: "n1", Run: "r"})
	f.Add(b.Bytes())
	f.Add([]byte("nacr\xff\xff{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := readHello(bytes.NewReader(b)); err == nil && h.Node == "" {
			t.Fatal("a hello without a node was taken")
		}
	})
}
