package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nacre/server/cluster/link"
	"nacre/server/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// nodes are a set of nodes that know each other's addresses.
type nodes struct {
	mu    sync.Mutex
	addrs map[string]string
}

func (n *nodes) addr(id string) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a, ok := n.addrs[id]
	return a, ok
}

func (n *nodes) move(id, addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.addrs == nil {
		n.addrs = make(map[string]string)
	}
	n.addrs[id] = addr
}

// start runs a node that answers handlers until stop is called, which the test's end does too.
func (n *nodes) start(t testing.TB, id string, handlers map[string]Handler) (s *Server, stop func()) {
	t.Helper()
	l, err := link.New(link.Config{Key: []byte("a key that is long enough"), Self: func() link.Identity { return link.Identity{Node: id} }})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.move(id, ln.Addr().String())
	s = New(Config{Link: l, AddressOf: n.addr, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	for method, h := range handlers {
		s.Handle(method, h)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l.Listen(ln)) }()
	stop = sync.OnceFunc(func() {
		s.Close()
		if err := <-ended; err != nil {
			t.Errorf("serving ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return s, stop
}

func echo(_ context.Context, from string, body []byte) ([]byte, error) {
	return append([]byte(from+" "), body...), nil
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestACallIsAnswered(t *testing.T) {
	var n nodes
	a, _ := n.start(t, "a", nil)
	n.start(t, "b", map[string]Handler{"test/echo": echo, "test/other": nil, "view/echo": echo})
	large := bytes.Repeat([]byte("x"), 11<<20)
	for _, body := range [][]byte{nil, []byte("body"), large} {
		out, err := a.Call(within(t), "b", "test/echo", body)
		if err != nil || !bytes.Equal(out, append([]byte("a "), body...)) {
			t.Fatalf("got %d bytes, %v", len(out), err)
		}
	}
	addr, _ := n.addr("b")
	from, out, err := a.Ask(within(t), addr, "view/echo", []byte("you"))
	if err != nil || from != "b" || string(out) != "a you" {
		t.Fatalf("asked: %q from %q, %v", out, from, err)
	}
}

func TestErrorsComeBackAsTheyAre(t *testing.T) {
	var n nodes
	a, _ := n.start(t, "a", nil)
	n.start(t, "b", map[string]Handler{
		"test/conflict": func(context.Context, string, []byte) ([]byte, error) {
			return nil, fmt.Errorf("wrapped: %w", fault.New(fault.Conflict, "ein Satz – mit Strichen").WithCode("some"))
		},
		"test/secret": func(context.Context, string, []byte) ([]byte, error) { return nil, errors.New("a secret") },
		"test/panic":  func(context.Context, string, []byte) ([]byte, error) { panic("oh") },
		"test/slow": func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	})
	_, err := a.Call(within(t), "b", "test/conflict", nil)
	if fault.KindOf(err) != fault.Conflict || fault.TextOf(err) != "ein Satz – mit Strichen" || fault.CodeOf(err) != "some" {
		t.Errorf("a fault came as %v", err)
	}
	for _, method := range []string{"test/secret", "test/panic", "test/none"} {
		if _, err := a.Call(within(t), "b", method, nil); fault.KindOf(err) != fault.Internal || bytes.Contains([]byte(err.Error()), []byte("secret")) {
			t.Errorf("%s came as %v", method, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := a.Call(ctx, "b", "test/slow", nil); fault.KindOf(err) != fault.Unavailable || !errors.Is(err, context.DeadlineExceeded) || fault.CodeOf(err) == NotSent {
		t.Errorf("a slow call ended with %v", err)
	}
}

func TestWhoCannotBeReachedIsUnavailable(t *testing.T) {
	var n nodes
	a, _ := n.start(t, "a", nil)
	if _, err := a.Call(within(t), "b", "test/echo", nil); fault.KindOf(err) != fault.Unavailable || fault.CodeOf(err) != NotSent {
		t.Fatalf("an unknown node: %v", err)
	}
	_, stop := n.start(t, "b", map[string]Handler{"test/echo": echo})
	if _, err := a.Call(within(t), "b", "test/echo", nil); err != nil {
		t.Fatal(err)
	}
	stop()
	if _, err := a.Call(within(t), "b", "test/echo", nil); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("a node that is gone: %v", err)
	}
	n.move("c", n.addrs["a"])
	if _, err := a.Call(within(t), "c", "test/echo", nil); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("another node is at its address: %v", err)
	}
}

func TestANodeIsFoundAtItsNewAddress(t *testing.T) {
	var n nodes
	a, _ := n.start(t, "a", nil)
	handlers := map[string]Handler{"test/echo": echo}
	_, stop := n.start(t, "b", handlers)
	if _, err := a.Call(within(t), "b", "test/echo", nil); err != nil {
		t.Fatal(err)
	}
	stop()
	n.start(t, "b", handlers)
	if _, err := a.Call(within(t), "b", "test/echo", nil); err != nil {
		t.Fatal(err)
	}
}

func TestANodeThatComesBackIsCalledAgain(t *testing.T) {
	var n nodes
	a, _ := n.start(t, "a", nil)
	n.start(t, "c", map[string]Handler{"test/echo": echo})
	a.Forget("c")
	if _, err := a.Call(within(t), "c", "test/echo", nil); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkCall(b *testing.B) {
	var n nodes
	a, _ := n.start(b, "a", nil)
	n.start(b, "b", map[string]Handler{"test/echo": echo})
	body := bytes.Repeat([]byte("x"), 1024)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := a.Call(context.Background(), "b", "test/echo", body); err != nil {
				b.Fatal(err)
			}
		}
	})
}
