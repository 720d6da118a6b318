package goldengrpc

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/rpc"
	"nacre/server/servertest"
)

func TestWhatClientsSaidToNacosIsAnsweredTheSame(t *testing.T) {
	for _, name := range []string{"raw", "java3", "java2", "go", "python"} {
		t.Run(name, func(t *testing.T) {
			newReplay(t, name, servertest.Start(t).GRPC).run(nil)
		})
		t.Run(name+" on the port of HTTP", func(t *testing.T) {
			newReplay(t, name, strings.TrimPrefix(servertest.Start(t).URL, "http://")).run(nil)
		})
	}
}

// TestTranscriptsWithLogins counts what waits for logins.
func TestTranscriptsWithLogins(t *testing.T) {
	for _, name := range []string{"java3-auth", "raw-auth"} {
		t.Logf("%s: left out %d records of auth", name, len(load(t, name)))
	}
}

// TestAServerThatIsStarting replays what was said to a server before it was ready.
func TestAServerThatIsStarting(t *testing.T) {
	var ready atomic.Bool
	addr := starting(t, &ready)
	newReplay(t, "starting", addr).run(func(rest []record) {
		if ready.Load() || rest[0].Call != "unary" || !rest[0].fromClient() {
			return
		}
		for _, x := range rest { // the server became ready before the first check that it answered
			if x.Conn == rest[0].Conn && x.Stream == rest[0].Stream && !x.fromClient() {
				ready.Store(x.Type == "ServerCheckResponse")
				return
			}
		}
	})
	if !ready.Load() {
		t.Error("the server never became ready")
	}
}

// starting runs a gRPC server without anything behind it, which is ready when ready says so.
func starting(t *testing.T, ready *atomic.Bool) (addr string) {
	configs, state := config.New(clock.System{}, config.Options{})
	ledger := delivery.New(delivery.Config{Clock: clock.System{}, Item: state.Get, Revision: state.Revision})
	s := rpc.New(rpc.Config{
		Configs: configs, Ledger: ledger, Clock: clock.System{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Ready: func() error {
			if !ready.Load() {
				return errors.New("the server is starting")
			}
			return nil
		},
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	go func() { done <- s.Serve(ln) }()
	go func() { done <- s.Run(context.Background()) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	return ln.Addr().String()
}
