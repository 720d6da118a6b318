package rpc

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"nacre/server/clock"
	"nacre/server/rpc/rpctest"
)

// serving runs a server over memory on a free port until the test ends.
func serving(t testing.TB, changes ...func(*Config)) (*Server, string) {
	t.Helper()
	cfg := inMemory(t).cfg
	for _, change := range changes {
		change(&cfg)
	}
	s := New(cfg)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := s.Serve(ln); err != nil {
			t.Error(err)
		}
	})
	all.Go(func() { _ = s.Run(ctx) })
	all.Go(func() { _ = cfg.Ledger.Run(ctx) })
	t.Cleanup(func() {
		end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(end); err != nil {
			t.Error(err)
		}
		stop()
		all.Wait()
	})
	return s, ln.Addr().String()
}

// guest is a client of a test with what it was sent.
type guest struct {
	*rpctest.Client
	t    testing.TB
	sent chan rpctest.Message
}

// meet connects a client; mute ones acknowledge nothing.
func meet(t testing.TB, addr string, mute bool, o rpctest.Options) *guest {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	p := &guest{t: t, sent: make(chan rpctest.Message, 5000)}
	if o.Push == nil {
		o.Push = func(m rpctest.Message) bool { p.sent <- m; return !mute }
	}
	c, err := rpctest.Dial(ctx, addr, o)
	if err != nil {
		t.Fatal(err)
	}
	p.Client = c
	t.Cleanup(c.Close)
	return p
}

func (p *guest) call(typ, body string) rpctest.Message {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	m, err := p.Call(ctx, typ, []byte(body))
	if err != nil {
		p.t.Fatalf("%s: %v", typ, err)
	}
	return m
}

// next waits for a message of the server of this type.
func (p *guest) next(typ string) rpctest.Message {
	p.t.Helper()
	for limit := time.After(5 * time.Second); ; {
		select {
		case m := <-p.sent:
			if m.Type == typ {
				return m
			}
		case <-limit:
			p.t.Fatalf("no %s came within 5 s", typ)
		}
	}
}

// over waits for the end of the client's stream and returns why it ended.
func (p *guest) over() error {
	p.t.Helper()
	select {
	case <-p.Ended():
		return p.Err()
	case <-time.After(5 * time.Second):
		p.t.Fatal("the stream did not end within 5 s")
		return nil
	}
}

// lookAhead looks through the connections as if d had passed since the clients' last signs of life.
func lookAhead(s *Server, d time.Duration) {
	now := s.mono() + int64(d)
	links := s.snapshot()
	for _, l := range links {
		if c := l.registered.Load(); c != nil {
			c.expire(now)
		}
	}
	s.scan(links, now)
}

// until waits for a condition that says what is still wrong.
func until(t testing.TB, what func() error) {
	t.Helper()
	for end := clock.Mono().Add(5 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		err := what()
		if err == nil {
			return
		}
		if clock.Mono().After(end) {
			t.Fatal(err)
		}
	}
}

func registered(t testing.TB, s *Server, n int64) {
	t.Helper()
	until(t, func() error {
		if got := s.Stats().Registered; got != n {
			return fmt.Errorf("%d clients are registered, not %d", got, n)
		}
		return nil
	})
}

func setupWith(abilities any, labels map[string]string) map[string]any {
	set := map[string]any{"clientVersion": "Nacos-Go-Client:v2.3.5", "tenant": "", "labels": labels}
	if abilities != nil {
		set["abilityTable"] = abilities
	}
	return set
}

var sdk = map[string]string{"source": "sdk", "module": "config"}
