package park

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"

	"nacre/server/fault"
	"nacre/server/resource"
	"nacre/web/conn"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

var key = resource.ConfigKey{Namespace: "public", Group: "g", DataID: "d"}

// rig is a server whose every request is a long poll, held for the time in the query, and fired by test.
type rig struct {
	*Parker
	srv   *conn.Server
	addr  string
	early atomic.Bool // fire before parking
	size  atomic.Int64
	mu    sync.Mutex
	polls []*Poll
	ended atomic.Int64
}

func newRig(t testing.TB, cfg Config) *rig {
	t.Helper()
	r := &rig{Parker: New(cfg)}
	s, err := conn.New(conn.Config{Handler: r.handle, ErrorHandler: func(ctx *fasthttp.RequestCtx, err error) { ctx.Error(err.Error(), 400) }})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.srv, r.addr = s, ln.Addr().String()
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := r.Drain(ctx); err != nil {
			t.Errorf("drain: %v", err)
		}
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		r.Close()
		<-done
	})
	return r
}

func (r *rig) handle(ctx *fasthttp.RequestCtx) {
	hold, err := time.ParseDuration(string(ctx.QueryArgs().Peek("hold")))
	if err != nil {
		ctx.Error(err.Error(), 400)
		return
	}
	q := r.New(func(k resource.ConfigKey) []byte { return []byte(k.DataID + strings.Repeat("x", int(r.size.Load()))) })
	if r.early.Load() {
		q.Fire(key)
		q.Fire(key)
	}
	r.mu.Lock()
	r.polls = append(r.polls, q)
	r.mu.Unlock()
	if err := r.Park(ctx, q, hold, func() { r.ended.Add(1) }); err != nil {
		ctx.Error(fault.TextOf(err), 503)
	}
}

func (r *rig) fire() int {
	r.mu.Lock()
	list := r.polls
	r.polls = nil
	r.mu.Unlock()
	for _, q := range list {
		q.Fire(key)
	}
	return len(list)
}

func (r *rig) holdingNow() int {
	r.Parker.mu.Lock()
	defer r.Parker.mu.Unlock()
	return len(r.holds)
}

func (r *rig) awaitHolding(t testing.TB, n int) {
	t.Helper()
	eventually(t, func() error {
		if got := r.holdingNow(); got != n {
			return fmt.Errorf("%d polls wait, want %d", got, n)
		}
		return nil
	})
}

// awaitEnded waits for the ends, which come after the answers.
func (r *rig) awaitEnded(t testing.TB, n int64) {
	t.Helper()
	eventually(t, func() error {
		if got := r.ended.Load(); got != n {
			return fmt.Errorf("%d polls ended, want %d", got, n)
		}
		return nil
	})
}

func dial(t testing.TB, addr string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, bufio.NewReaderSize(c, 1024)
}

func poll(hold time.Duration, headers string) string {
	return "POST /?hold=" + hold.String() + " HTTP/1.1\r\nHost: h\r\n" + headers + "Content-Length: 0\r\n\r\n"
}

func read(r *bufio.Reader) (*http.Response, string, error) {
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return nil, "", err
	}
	b, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	return resp, string(b), err
}

func mustRead(t testing.TB, r *bufio.Reader, status int, body string) *http.Response {
	t.Helper()
	resp, got, err := read(r)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != status || got != body {
		t.Fatalf("got %d %q, want %d %q", resp.StatusCode, got, status, body)
	}
	return resp
}

func eventually(t testing.TB, check func() error) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestAPollIsAnsweredByAChangeAndTheConnectionPollsAgain(t *testing.T) {
	r := newRig(t, Config{})
	c, br := dial(t, r.addr)
	for range 50 {
		_, _ = io.WriteString(c, poll(time.Minute, ""))
		r.awaitHolding(t, 1)
		r.fire()
		resp := mustRead(t, br, 200, "d")
		for name, want := range map[string]string{"Content-Type": "application/json;charset=UTF-8", "Pragma": "no-cache", "Expires": "0",
			"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate"} {
			if got := resp.Header.Get(name); got != want {
				t.Fatalf("%s: %q", name, got)
			}
		}
		if resp.Header.Get("Date") == "" {
			t.Fatal("no date")
		}
	}
	r.awaitEnded(t, 50)
	if s := r.Stats(); s.Answered != 50 || s.Waiting != 0 {
		t.Fatalf("%+v", s)
	}
}

func TestAPollThatIsFiredBeforeItIsParkedIsAnswered(t *testing.T) {
	r := newRig(t, Config{})
	r.early.Store(true)
	c, br := dial(t, r.addr)
	for range 50 {
		_, _ = io.WriteString(c, poll(time.Minute, ""))
		mustRead(t, br, 200, "d")
	}
	r.awaitEnded(t, 50)
}

func TestAPollEndsEmptyAfterItsHoldTime(t *testing.T) {
	r := newRig(t, Config{})
	c, br := dial(t, r.addr)
	long, longR := dial(t, r.addr)
	_, _ = io.WriteString(long, poll(300*time.Millisecond, ""))
	r.awaitHolding(t, 1)
	start := time.Now()
	_, _ = io.WriteString(c, poll(100*time.Millisecond, ""))
	mustRead(t, br, 200, "")
	if d := time.Since(start); d < 100*time.Millisecond || d > 250*time.Millisecond {
		t.Fatalf("after %v", d)
	}
	mustRead(t, longR, 200, "")
	_, _ = io.WriteString(c, poll(time.Millisecond, ""))
	mustRead(t, br, 200, "")
}

func TestRequestsThatAreSentWhileAPollWaitsAreAnsweredAfterIt(t *testing.T) {
	r := newRig(t, Config{})
	for _, pieces := range []bool{false, true} {
		c, br := dial(t, r.addr)
		_, _ = io.WriteString(c, poll(time.Minute, ""))
		if pieces {
			r.awaitHolding(t, 1)
		}
		_, _ = io.WriteString(c, poll(time.Millisecond, "")+poll(time.Millisecond, ""))
		r.awaitHolding(t, 1)
		r.fire()
		for _, want := range []string{"d", "", ""} {
			mustRead(t, br, 200, want)
		}
		// And it is still noticed when such a client goes.
		_, _ = io.WriteString(c, poll(time.Minute, ""))
		r.awaitHolding(t, 1)
		_, _ = io.WriteString(c, poll(time.Minute, ""))
		c.Close()
		r.awaitHolding(t, 0)
	}
}

func TestAClientThatWantsItsConnectionClosedGetsThat(t *testing.T) {
	r := newRig(t, Config{})
	for _, req := range []string{
		poll(time.Minute, "Connection: close\r\n"),
		strings.Replace(poll(time.Minute, ""), "HTTP/1.1", "HTTP/1.0", 1),
	} {
		c, br := dial(t, r.addr)
		_, _ = io.WriteString(c, req)
		r.awaitHolding(t, 1)
		r.fire()
		if resp := mustRead(t, br, 200, "d"); !resp.Close {
			t.Fatal("not announced")
		}
		if _, err := br.ReadByte(); err != io.EOF {
			t.Fatalf("still open: %v", err)
		}
	}
}

func TestAClientThatGoesAwayFreesItsPoll(t *testing.T) {
	r := newRig(t, Config{})
	var list []net.Conn
	for range 50 {
		c, _ := dial(t, r.addr)
		_, _ = io.WriteString(c, poll(time.Minute, ""))
		list = append(list, c)
	}
	r.awaitHolding(t, 50)
	for i, c := range list {
		if i%2 == 0 {
			_ = c.(*net.TCPConn).SetLinger(0) // a reset
		}
		c.Close()
	}
	r.awaitHolding(t, 0)
	eventually(t, func() error {
		if s := r.Stats(); s.Gone != 50 || r.ended.Load() != 50 || r.srv.Stats().Open != 0 {
			return fmt.Errorf("%+v, ended %d, open %d", s, r.ended.Load(), r.srv.Stats().Open)
		}
		return nil
	})
	r.fire() // too late
}

func TestPollsBeyondTheLimitAreRefused(t *testing.T) {
	r := newRig(t, Config{MaxWaiting: 2})
	for range 2 {
		c, _ := dial(t, r.addr)
		_, _ = io.WriteString(c, poll(time.Minute, ""))
	}
	r.awaitHolding(t, 2)
	c, br := dial(t, r.addr)
	_, _ = io.WriteString(c, poll(time.Minute, ""))
	mustRead(t, br, 503, "2 long polls wait already, more are not taken")
	r.fire()
	r.awaitHolding(t, 0)
	_, _ = io.WriteString(c, poll(time.Millisecond, ""))
	mustRead(t, br, 200, "")
	r.awaitEnded(t, 4)
}

func TestAClientThatReadsNothingDelaysNobody(t *testing.T) {
	r := newRig(t, Config{SlowWrite: 300 * time.Millisecond, MaxSlow: 4, Writers: 1})
	r.size.Store(20 << 20) // more than a socket takes
	for range 8 {
		c, _ := dial(t, r.addr)
		_, _ = io.WriteString(c, poll(time.Minute, ""))
	}
	r.awaitHolding(t, 8)
	r.fire()
	eventually(t, func() error {
		if n := r.Stats().Slow; n != 8 {
			return fmt.Errorf("%d are slow", n)
		}
		return nil
	})
	r.size.Store(0)
	c, br := dial(t, r.addr)
	start := time.Now()
	_, _ = io.WriteString(c, poll(time.Minute, ""))
	r.awaitHolding(t, 1)
	r.fire()
	mustRead(t, br, 200, "d")
	if d := time.Since(start); d > 250*time.Millisecond {
		t.Errorf("answered after %v", d)
	}
	eventually(t, func() error {
		if s := r.Stats(); s.Slow != 8 || s.Dropped != 8 {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
	// One that does read gets all of it.
	r.size.Store(20 << 20)
	_, _ = io.WriteString(c, poll(time.Minute, ""))
	r.awaitHolding(t, 1)
	r.fire()
	_, body, err := read(br)
	if err != nil || len(body) != 20<<20+1 {
		t.Fatalf("%d bytes, %v", len(body), err)
	}
	r.size.Store(0)
	_, _ = io.WriteString(c, poll(time.Millisecond, ""))
	mustRead(t, br, 200, "")
}

func TestADrainAnswersAllAtOnceAndNewOnesToo(t *testing.T) {
	r := newRig(t, Config{})
	type client struct {
		c  net.Conn
		br *bufio.Reader
	}
	var list []client
	for range 500 {
		c, br := dial(t, r.addr)
		_, _ = io.WriteString(c, poll(time.Minute, ""))
		list = append(list, client{c, br})
	}
	r.awaitHolding(t, 500)
	late, lateR := dial(t, r.addr)
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := r.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	for _, x := range list {
		if resp := mustRead(t, x.br, 200, ""); !resp.Close {
			t.Fatal("connection would be kept")
		}
	}
	if d := time.Since(start); d > time.Second {
		t.Fatalf("took %v", d)
	}
	_, _ = io.WriteString(late, poll(time.Minute, ""))
	mustRead(t, lateR, 200, "")
}

// Two thousand clients poll again and again while changes, ends of hold times and goodbyes mix.
func TestThousandsOfClientsPollAgainAndAgain(t *testing.T) {
	r := newRig(t, Config{})
	const clients, rounds = 2000, 4
	var wg sync.WaitGroup
	var got, empty atomic.Int64
	errs := make(chan error, clients)
	for i := range clients {
		wg.Go(func() {
			c, err := net.Dial("tcp", r.addr)
			if err != nil {
				errs <- err
				return
			}
			defer c.Close()
			br := bufio.NewReaderSize(c, 512)
			for round := range rounds {
				hold := time.Minute
				if (i+round)%5 == 0 {
					hold = time.Duration(1+i%20) * time.Millisecond
				}
				_, _ = io.WriteString(c, poll(hold, ""))
				resp, body, err := read(br)
				switch {
				case err != nil:
					errs <- err
					return
				case resp.StatusCode != 200 || body != "d" && body != "":
					errs <- fmt.Errorf("%d %q", resp.StatusCode, body)
					return
				case body == "":
					empty.Add(1)
				default:
					got.Add(1)
				}
				if (i+round)%97 == 0 {
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for firing := true; firing; {
		select {
		case <-done:
			firing = false
		case err := <-errs:
			t.Fatal(err)
		case <-time.After(3 * time.Millisecond):
			r.fire()
		}
	}
	if got.Load() == 0 || empty.Load() == 0 {
		t.Fatalf("%d told, %d ended", got.Load(), empty.Load())
	}
	r.fire()
	eventually(t, func() error {
		if s := r.Stats(); s.Waiting != 0 || s.Answered+s.TimedOut+s.Gone != r.ended.Load() {
			return fmt.Errorf("%+v, ended %d", s, r.ended.Load())
		}
		return nil
	})
}

func TestPollsAreHeldInOrderOfTheirEnd(t *testing.T) {
	var h holds
	var list []*Poll
	for i := range 1000 {
		q := &Poll{until: int64(i * 7919 % 1000)}
		list = append(list, q)
		h.add(q)
	}
	for i, q := range list {
		if i%3 == 0 {
			h.remove(q)
			h.remove(q)
		}
	}
	last, n := int64(-1), 0
	for ; len(h) > 0; n++ {
		q := h[0]
		if q.until < last {
			t.Fatalf("%d after %d", q.until, last)
		}
		last = q.until
		h.remove(q)
	}
	if n != 666 {
		t.Fatalf("%d left", n)
	}
}

func TestAPollOnAnotherConnectionIsAnErrorAndEnded(t *testing.T) {
	p := New(Config{})
	defer p.Close()
	n := 0
	err := p.Park(&fasthttp.RequestCtx{}, p.New(nil), time.Second, func() { n++ })
	if err == nil || n != 1 || p.Waiting() != 0 {
		t.Fatal(err, n, p.Waiting())
	}
	if errors.As(err, new(*fault.Error)) {
		t.Fatal("is no fault of the client")
	}
}

// BenchmarkParkAndAnswer polls on one connection; client and server allocations count.
func BenchmarkParkAndAnswer(b *testing.B) {
	r := newRig(b, Config{})
	r.early.Store(true)
	c, _ := dial(b, r.addr)
	req := []byte(poll(time.Minute, ""))
	buf := make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = c.Write(req)
		if _, err := c.Read(buf); err != nil {
			b.Fatal(err)
		}
		r.mu.Lock()
		r.polls = r.polls[:0]
		r.mu.Unlock()
	}
}

// BenchmarkMemoryPerWaitingPoll reports what a parked poll costs in heap and stacks.
func BenchmarkMemoryPerWaitingPoll(b *testing.B) {
	const n = 5000
	for b.Loop() {
		r := newRig(b, Config{})
		conns := make([]net.Conn, n)
		for i := range conns {
			conns[i], _ = dial(b, r.addr)
		}
		_ = r.fire()
		eventually(b, func() error {
			if r.srv.Stats().Open != n {
				return errors.New("not all accepted")
			}
			return nil
		})
		before := memory()
		req := []byte(poll(time.Minute, ""))
		for _, c := range conns {
			_, _ = c.Write(req)
		}
		r.awaitHolding(b, n)
		after := memory()
		b.ReportMetric((after-before)/n, "B/poll")
		r.mu.Lock()
		r.polls = nil
		r.mu.Unlock()
		for _, c := range conns {
			c.Close()
		}
		r.awaitHolding(b, 0)
	}
}

func memory() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse + m.StackInuse)
}
