package rpc

import (
	"context"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/journal"
	"nacre/server/rpc/payload"
)

// memory is a journal that decides at once and keeps nothing.
type memory struct {
	mu    sync.Mutex
	state *config.State
}

// Submit implements journal.Journal.
func (m *memory) Submit(_ context.Context, cmd journal.Command) (journal.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out, _, err := m.state.Decide(cmd)
	return journal.Result{Outcome: out}, err
}

// inMemory returns a server over nothing but memory, which neither listens nor runs.
func inMemory(tb testing.TB) *Server {
	tb.Helper()
	m := &memory{}
	ledger := delivery.New(delivery.Config{
		Clock: clock.System{},
		Item:  func(k config.Key) *config.Item { return m.state.Get(k) }, Revision: func() uint64 { return m.state.Revision() },
	})
	configs, state := config.New(clock.System{}, config.Options{Changed: []func(config.Key, *config.Item, *config.Item){ledger.Changed}})
	m.state = state
	configs.Use(m, nil)
	return New(Config{
		Configs: configs, Ledger: ledger, Clock: clock.System{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Ready: func() error { return nil },
	})
}

// sink is a stream that takes everything.
type sink struct {
	grpc.ServerStream
	last []byte
}

func (s *sink) SendMsg(m any) error {
	s.last = m.(*outgoing).b
	return nil
}

// attached returns a connection that has no socket, of a client that introduced itself.
func attached(s *Server, ip string) (*link, *Conn) {
	l := &link{srv: s, id: "1_" + ip + "_5", remote: ip + ":5", ip: ip}
	c := &Conn{srv: s, link: l, sdk: true, stream: &sink{}, Client: delivery.Client{ID: l.id, Transport: delivery.GRPC, IP: ip}}
	c.Session = s.cfg.Ledger.Open(c.Client, c)
	l.registered.Store(c)
	return l, c
}

func request(typ, body string) *payload.Message {
	m, err := payload.Decode(payload.Encode(typ, "10.1.2.3", []byte(body)))
	if err != nil {
		panic(err)
	}
	return &m
}

// serve has s answer on a port of the loopback interface until the test ends.
func serve(tb testing.TB, s *Server) (addr string) {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	done := make(chan error, 2)
	go func() { done <- s.Serve(ln) }()
	go func() { done <- s.Run(context.Background()) }()
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			tb.Error(err)
		}
		for range 2 {
			if err := <-done; err != nil {
				tb.Error(err)
			}
		}
	})
	return ln.Addr().String()
}
