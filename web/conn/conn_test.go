package conn

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// fasthttp's clock for the Date header lives as long as the process.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// echo answers with the length of the head's header X and of the body.
func echo(ctx *fasthttp.RequestCtx) {
	if string(ctx.Path()) == "/slow" {
		time.Sleep(50 * time.Millisecond)
	}
	fmt.Fprintf(ctx, "x=%d body=%d %s", len(ctx.Request.Header.Peek("X")), len(ctx.PostBody()), ctx.Path())
}

func onError(ctx *fasthttp.RequestCtx, err error) {
	c, _ := Of(ctx)
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.As(err, &small):
		if c.HandOver(ctx) {
			return
		}
		c.Linger()
		ctx.Error("head too large", fasthttp.StatusRequestHeaderFieldsTooLarge)
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		c.Linger()
		ctx.Error("body too large", fasthttp.StatusRequestEntityTooLarge)
	case errors.Is(err, os.ErrDeadlineExceeded):
		ctx.Error("too slow", fasthttp.StatusRequestTimeout)
	default:
		ctx.Error(err.Error(), fasthttp.StatusBadRequest)
	}
}

type running struct {
	*Server
	addr string
}

func start(t testing.TB, change func(*Config)) running {
	t.Helper()
	cfg := Config{Handler: echo, ErrorHandler: onError}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return running{s, ln.Addr().String()}
}

func dial(t testing.TB, addr string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c, bufio.NewReader(c)
}

// head returns a request of exactly size bytes.
func head(path string, size int) (string, int) {
	frame := "GET " + path + " HTTP/1.1\r\nHost: h\r\nX: \r\n\r\n"
	n := size - len(frame)
	return strings.Replace(frame, "X: ", "X: "+strings.Repeat("x", n), 1), n
}

func answerOf(t testing.TB, r *bufio.Reader) (int, string) {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode, string(b)
}

func TestHeadsOfManySizesAreServedHoweverTheyArrive(t *testing.T) {
	s := start(t, nil)
	sizes := []int{1 << 10, 16281, 16383, 16384, 16385, 17 << 10, 100 << 10, 500 << 10, 512<<10 - 1}
	ways := map[string]func(t *testing.T, c net.Conn, b string){
		"in one piece": func(t *testing.T, c net.Conn, b string) { _, _ = io.WriteString(c, b) },
		"in dribbles": func(t *testing.T, c net.Conn, b string) {
			for step := max(len(b)/40, 1); len(b) > 0; {
				n := min(step, len(b))
				_, _ = io.WriteString(c, b[:n])
				b = b[n:]
				time.Sleep(300 * time.Microsecond)
			}
		},
		"byte by byte at the start": func(t *testing.T, c net.Conn, b string) {
			for i := range 30 {
				_, _ = io.WriteString(c, b[i:i+1])
			}
			_, _ = io.WriteString(c, b[30:])
		},
	}
	for name, send := range ways {
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				c, r := dial(t, s.addr)
				small, ns := head("/a", 100)
				big, nb := head("/b", size)
				// On a fresh connection, after a small one, and pipelined with small ones around it.
				for range 2 {
					send(t, c, big)
					if code, body := answerOf(t, r); code != 200 || body != fmt.Sprintf("x=%d body=0 /b", nb) {
						t.Fatalf("got %d %q", code, body)
					}
					send(t, c, small)
					if code, body := answerOf(t, r); code != 200 || body != fmt.Sprintf("x=%d body=0 /a", ns) {
						t.Fatalf("got %d %q", code, body)
					}
				}
				go send(t, c, small+big+small+small)
				for i, want := range []string{
					fmt.Sprintf("x=%d body=0 /a", ns), fmt.Sprintf("x=%d body=0 /b", nb),
					fmt.Sprintf("x=%d body=0 /a", ns), fmt.Sprintf("x=%d body=0 /a", ns),
				} {
					if code, body := answerOf(t, r); code != 200 || body != want {
						t.Fatalf("pipelined answer %d: got %d %q, want %q", i, code, body, want)
					}
				}
			})
		}
	}
	if st := s.Stats(); st.LargeHeads == 0 || st.RefusedHeads != 0 {
		t.Fatalf("stats: %+v", st)
	}
}

func TestALargeHeadMayHaveABodyAndFollowOne(t *testing.T) {
	s := start(t, nil)
	c, r := dial(t, s.addr)
	for _, body := range []int{1, 16 << 10, 20 << 10, 300 << 10} {
		for _, x := range []int{10, 20 << 10} {
			req := fmt.Sprintf("POST /p HTTP/1.1\r\nHost: h\r\nX: %s\r\nContent-Length: %d\r\n\r\n%s",
				strings.Repeat("x", x), body, strings.Repeat("b", body))
			go func() { _, _ = io.WriteString(c, req+req) }()
			for range 2 {
				if code, got := answerOf(t, r); code != 200 || got != fmt.Sprintf("x=%d body=%d /p", x, body) {
					t.Fatalf("x=%d body=%d: got %d %q", x, body, code, got)
				}
			}
		}
	}
}

func TestAHeadAboveTheLimitIsRefusedWith431(t *testing.T) {
	s := start(t, nil)
	for _, size := range []int{512<<10 + 1, 600 << 10, 3 << 20} {
		c, r := dial(t, s.addr)
		big, _ := head("/b", size)
		go func() { _, _ = io.WriteString(c, big) }()
		if code, body := answerOf(t, r); code != 431 || body != "head too large" {
			t.Fatalf("%d: got %d %q", size, code, body)
		}
		if _, err := r.ReadByte(); err != io.EOF {
			t.Fatalf("%d: connection still open: %v", size, err)
		}
	}
}

func TestABodyAboveTheLimitIsRefusedThoughTheClientSendsOn(t *testing.T) {
	s := start(t, func(c *Config) { c.MaxBody = 1 << 20 })
	c, r := dial(t, s.addr)
	fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", 20<<20)
	go func() { _, _ = c.Write(make([]byte, 20<<20)) }()
	if code, body := answerOf(t, r); code != 413 || body != "body too large" {
		t.Fatalf("got %d %q", code, body)
	}
}

func TestTooManyLargeHeadsAtOnceAreRefusedWith503(t *testing.T) {
	release := make(chan struct{})
	s := start(t, func(c *Config) {
		c.MaxLargeHeads = 2
		c.Handler = func(ctx *fasthttp.RequestCtx) {
			if string(ctx.Path()) == "/b" {
				<-release
			}
			echo(ctx)
		}
	})
	big, _ := head("/b", 20<<10)
	codes := make(chan int, 3)
	for range 3 {
		c, r := dial(t, s.addr)
		_, _ = io.WriteString(c, big)
		go func() {
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				codes <- 0
				return
			}
			codes <- resp.StatusCode
		}()
	}
	if code := <-codes; code != 503 {
		t.Fatalf("got %d first", code)
	}
	close(release)
	for range 2 {
		if code := <-codes; code != 200 {
			t.Fatalf("got %d", code)
		}
	}
}

func TestHTTP2IsRefusedOrHandedOverWithItsPreface(t *testing.T) {
	preface := "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nframes"
	send := func(c net.Conn, pieces bool) {
		for i := 0; pieces && i < len(preface); i++ {
			_, _ = io.WriteString(c, preface[i:i+1])
			time.Sleep(200 * time.Microsecond)
		}
		if !pieces {
			_, _ = io.WriteString(c, preface)
		}
	}
	for _, pieces := range []bool{false, true} {
		s := start(t, nil)
		c, r := dial(t, s.addr)
		send(c, pieces)
		if code, _ := answerOf(t, r); code != 505 {
			t.Fatalf("pieces %v: got %d", pieces, code)
		}
		got := make(chan string, 1)
		s = start(t, func(cfg *Config) {
			cfg.HTTP2 = func(c net.Conn) {
				b := make([]byte, len(preface))
				_, _ = io.ReadFull(c, b)
				got <- string(b)
				_, _ = io.WriteString(c, "hello")
				c.Close()
			}
		})
		c, r = dial(t, s.addr)
		send(c, pieces)
		if g := <-got; g != preface {
			t.Fatalf("pieces %v: handler read %q", pieces, g)
		}
		if b, _ := io.ReadAll(r); string(b) != "hello" {
			t.Fatalf("client read %q", b)
		}
	}
}

func TestAnIdleConnectionIsGivenUpAndServedAgainAndInTheEndClosed(t *testing.T) {
	s := start(t, func(c *Config) { c.GiveBack = 20 * time.Millisecond; c.IdleTimeout = 2 * time.Second })
	c, r := dial(t, s.addr)
	req, n := head("/a", 200)
	for range 3 {
		_, _ = io.WriteString(c, req)
		if code, body := answerOf(t, r); code != 200 || body != fmt.Sprintf("x=%d body=0 /a", n) {
			t.Fatalf("got %d %q", code, body)
		}
		eventually(t, func() error {
			if a := s.Stats().Active; a != 0 {
				return fmt.Errorf("%d connections still have a goroutine", a)
			}
			return nil
		})
	}
	if _, err := r.ReadByte(); err != io.EOF {
		t.Fatalf("not closed: %v", err)
	}
}

func TestShutdownLetsARequestEndAndClosesTheRest(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s, err := New(Config{ErrorHandler: onError, Handler: func(ctx *fasthttp.RequestCtx) {
		if string(ctx.Path()) == "/wait" {
			close(entered)
			<-release
		}
		echo(ctx)
	}})
	if err != nil {
		t.Fatal(err)
	}
	ln, _ := net.Listen("tcp", "127.0.0.1:0")
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	fresh, _ := dial(t, ln.Addr().String())
	kept, keptR := dial(t, ln.Addr().String())
	req, _ := head("/a", 100)
	_, _ = io.WriteString(kept, req)
	answerOf(t, keptR)
	busy, busyR := dial(t, ln.Addr().String())
	req, _ = head("/wait", 100)
	_, _ = io.WriteString(busy, req)
	<-entered
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(context.Background()) }()
	for name, c := range map[string]net.Conn{"fresh": fresh, "kept": kept} {
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Fatalf("%s: %v", name, err)
		}
	}
	close(release)
	if code, _ := answerOf(t, busyR); code != 200 {
		t.Fatalf("got %d", code)
	}
	if err := <-down; err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
}

func TestShutdownCutsOffWhatDoesNotEnd(t *testing.T) {
	s, err := New(Config{ErrorHandler: onError, Handler: echo})
	if err != nil {
		t.Fatal(err)
	}
	ln, _ := net.Listen("tcp", "127.0.0.1:0")
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	c, r := dial(t, ln.Addr().String())
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf")
	eventually(t, func() error {
		if s.Stats().Active != 1 {
			return errors.New("not being served")
		}
		return nil
	})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("shutdown: %v", err)
	}
	if b, _ := io.ReadAll(r); bytes.HasPrefix(b, []byte("HTTP/1.1 200")) {
		t.Fatalf("answered %q", b)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
}

func TestAHeadThatDribblesTooSlowlyIsEndedWith408(t *testing.T) {
	s := start(t, func(c *Config) { c.HeadTimeout = 60 * time.Millisecond })
	c, r := dial(t, s.addr)
	begin := time.Now()
	go func() {
		for range 200 {
			if _, err := io.WriteString(c, "GET / HTTP/1.1\r\n"[:1]); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	if code, _ := answerOf(t, r); code != 408 {
		t.Fatalf("got %d", code)
	}
	if d := time.Since(begin); d > time.Second {
		t.Fatalf("after %v", d)
	}
}

func TestATrailerThatIsTooLargeIsNoHead(t *testing.T) {
	s := start(t, nil)
	c, r := dial(t, s.addr)
	go func() {
		_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: "+strings.Repeat("x", 40<<10)+"\r\n\r\n")
	}()
	if code, _ := answerOf(t, r); code != 431 && code != 400 {
		t.Fatalf("got %d", code)
	}
}

func TestAHijackedConnectionIsClosedByItsHandlersEndOrByShutdown(t *testing.T) {
	s := start(t, func(c *Config) {
		c.Handler = func(ctx *fasthttp.RequestCtx) {
			ctx.Hijack(func(c net.Conn) {
				b := make([]byte, 1)
				for {
					if _, err := c.Read(b); err != nil || b[0] == 'q' {
						return
					}
					_, _ = c.Write(b)
				}
			})
		}
	})
	var conns []net.Conn
	for range 2 {
		c, r := dial(t, s.addr)
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		if code, _ := answerOf(t, r); code != 200 {
			t.Fatalf("got %d", code)
		}
		_, _ = io.WriteString(c, "x")
		if b, err := r.ReadByte(); b != 'x' || err != nil {
			t.Fatal(b, err)
		}
		conns = append(conns, c)
	}
	_, _ = io.WriteString(conns[0], "q")
	if _, err := conns[0].Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("not closed by its end: %v", err)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := conns[1].Read(make([]byte, 1)); err == nil {
		t.Fatal("not closed by shutdown")
	}
}

type taker struct {
	c    *Conn
	gone atomic.Int32
	got  chan struct{}
}

func (o *taker) Taken() { close(o.got) }
func (o *taker) Gone()  { o.gone.Add(1) }

func TestADetachedConnectionIsAnsweredByItsOwnerAndServedAgain(t *testing.T) {
	owners := make(chan *taker, 100)
	s := start(t, func(c *Config) {
		c.Handler = func(ctx *fasthttp.RequestCtx) {
			if string(ctx.Path()) != "/park" {
				echo(ctx)
				return
			}
			o := &taker{got: make(chan struct{})}
			o.c, _ = Of(ctx)
			Detach(ctx, o)
			owners <- o
		}
	})
	park, _ := head("/park", 100)
	after, n := head("/a", 300)
	big, nb := head("/b", 100<<10)
	want, wantBig := fmt.Sprintf("x=%d body=0 /a", n), fmt.Sprintf("x=%d body=0 /b", nb)
	w := NewWriter()
	const resp = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	for _, early := range []bool{false, true} {
		c, r := dial(t, s.addr)
		for range 20 {
			send := park
			if early {
				send += after + big
			}
			go func() { _, _ = io.WriteString(c, send) }()
			o := <-owners
			<-o.got
			if m, err := w.TryWrite(o.c, []byte(resp)); m != len(resp) || err != nil {
				t.Fatal(m, err)
			}
			o.c.Resume()
			if _, body := answerOf(t, r); body != "ok" {
				t.Fatalf("got %q", body)
			}
			if !early {
				go func() { _, _ = io.WriteString(c, after+big) }()
			}
			if _, body := answerOf(t, r); body != want {
				t.Fatalf("got %q", body)
			}
			if _, body := answerOf(t, r); body != wantBig {
				t.Fatalf("got %q", body)
			}
		}
	}
	c, _ := dial(t, s.addr)
	_, _ = io.WriteString(c, park)
	o := <-owners
	<-o.got
	c.Close()
	eventually(t, func() error {
		if o.gone.Load() == 0 {
			return errors.New("owner was not told that the client went away")
		}
		return nil
	})
	o.c.Abort()
}

func TestManyConnectionsAtOnceAreServed(t *testing.T) {
	s := start(t, nil)
	var wg sync.WaitGroup
	for range 300 {
		wg.Go(func() {
			c, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			r := bufio.NewReader(c)
			for _, size := range []int{100, 17 << 10, 300} {
				req, n := head("/a", size)
				_, _ = io.WriteString(c, req)
				resp, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Error(err)
					return
				}
				b, _ := io.ReadAll(resp.Body)
				if resp.StatusCode != 503 && string(b) != fmt.Sprintf("x=%d body=0 /a", n) {
					t.Errorf("got %d %q", resp.StatusCode, b)
				}
				if resp.StatusCode == 503 {
					return
				}
			}
		})
	}
	wg.Wait()
}

func eventually(t testing.TB, check func() error) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
