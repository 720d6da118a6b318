package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nacre/server/fault"
)

// network connects the nodes of a test: real sockets for raft, calls by function for the rest. A link
// that is cut in one direction holds back what is sent, as TCP does over a cable that is pulled.
type network struct {
	mu    sync.Mutex
	where map[string]string // id → raft address
	up    map[string]map[string]Handler
	cuts  map[[2]string]bool
	// calls counts those that were begun, by method.
	calls map[string]int
	// on, when set, is asked before a call reaches its handler, and after it with the answer.
	on func(from, to, method string, answered bool) error
	// big is the largest body seen.
	big atomic.Int64
}

func newNetwork() *network {
	return &network{where: map[string]string{}, up: map[string]map[string]Handler{}, cuts: map[[2]string]bool{}, calls: map[string]int{}}
}

// cut cuts or heals the direction from one node to another.
func (w *network) cut(from, to string, off bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cuts[[2]string{from, to}] = off
}

// isolate cuts or heals all that goes from and to a node.
func (w *network) isolate(id string, off bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for other := range w.where {
		w.cuts[[2]string{id, other}], w.cuts[[2]string{other, id}] = off, off
	}
}

func (w *network) isCut(from, to string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cuts[[2]string{from, to}]
}

// hold waits while the direction is cut, at most until stop says so.
func (w *network) hold(from, to string, stop func() error) error {
	for w.isCut(from, to) {
		if err := stop(); err != nil {
			return err
		}
		time.Sleep(2 * time.Millisecond)
	}
	return nil
}

func (w *network) addressOf(id string) (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	address, ok := w.where[id]
	return address, ok
}

func (w *network) count(method string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[method]
}

// callsOf are one node's Peers.
type callsOf struct {
	w  *network
	id string
}

func (c callsOf) Call(ctx context.Context, to, method string, body []byte) ([]byte, error) {
	stop := func() error {
		if ctx.Err() != nil {
			return fault.Wrap(fault.Unavailable, ctx.Err(), "node %s does not answer", to)
		}
		return nil
	}
	if err := c.w.hold(c.id, to, stop); err != nil {
		return nil, err
	}
	c.w.mu.Lock()
	handler, on := c.w.up[to][method], c.w.on
	c.w.calls[method]++
	c.w.mu.Unlock()
	c.w.big.Store(max(c.w.big.Load(), int64(len(body))))
	if handler == nil {
		return nil, fault.New(fault.Unavailable, "node %s is not there", to)
	}
	if on != nil {
		if err := on(c.id, to, method, false); err != nil {
			return nil, err
		}
	}
	b, err := handler(ctx, c.id, append([]byte(nil), body...))
	if on != nil {
		if err := on(c.id, to, method, true); err != nil {
			return nil, err
		}
	}
	if err := c.w.hold(to, c.id, stop); err != nil {
		return nil, err
	}
	return b, err
}

// testStream is one node's Stream. Whoever dials says its id first.
type testStream struct {
	net.Listener
	w  *network
	id string
}

const testID = 32

func (w *network) listen(t testing.TB, id string) *testStream {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return &testStream{l, w, id}
}

func (s *testStream) Accept() (net.Conn, error) {
	for {
		c, err := s.Listener.Accept()
		if err != nil {
			return nil, err
		}
		hello := make([]byte, testID)
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := io.ReadFull(c, hello); err != nil {
			_ = c.Close()
			continue
		}
		_ = c.SetReadDeadline(time.Time{})
		return &testConn{Conn: c, w: s.w, from: s.id, to: string(hello)}, nil
	}
}

func (s *testStream) Dial(to string, timeout time.Duration) (net.Conn, error) {
	address, known := s.w.addressOf(to)
	if !known {
		return nil, fmt.Errorf("where %s is, is not known", to)
	}
	limit := time.Now().Add(timeout)
	stop := func() error {
		if time.Now().After(limit) {
			return fmt.Errorf("dialling %s: %w", address, os.ErrDeadlineExceeded)
		}
		return nil
	}
	if err := errors.Join(s.w.hold(s.id, to, stop), s.w.hold(to, s.id, stop)); err != nil {
		return nil, err
	}
	c, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		return nil, err
	}
	if _, err := c.Write([]byte(s.id)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &testConn{Conn: c, w: s.w, from: s.id, to: to}, nil
}

type testConn struct {
	net.Conn
	w        *network
	from, to string
	closed   atomic.Bool
	deadline atomic.Int64 // of writes
}

func (c *testConn) Write(b []byte) (int, error) {
	err := c.w.hold(c.from, c.to, func() error {
		if c.closed.Load() {
			return net.ErrClosed
		}
		if d := c.deadline.Load(); d != 0 && time.Now().UnixNano() > d {
			return os.ErrDeadlineExceeded
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *testConn) SetDeadline(t time.Time) error {
	c.deadline.Store(t.UnixNano())
	return c.Conn.SetDeadline(t)
}

func (c *testConn) SetWriteDeadline(t time.Time) error {
	c.deadline.Store(t.UnixNano())
	return c.Conn.SetWriteDeadline(t)
}

func (c *testConn) Close() error {
	c.closed.Store(true)
	return c.Conn.Close()
}
