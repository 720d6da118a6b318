package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.uber.org/goleak"

	"nacre/server/clock"
	"nacre/server/feed"
	"nacre/web/api/nacre"
	"nacre/web/api/wire"
)

// happenings is the real feed behind the real API on a port of its own.
type happenings struct {
	*feed.Feed
	addr string
}

func newHappenings(t *testing.T, size int) *happenings {
	t.Helper()
	h := &happenings{Feed: feed.New(clock.System{}, size)}
	h.Open()
	h.addr = h.serve(t)
	return h
}

// serve opens one more port for the feed, until the test ends.
func (h *happenings) serve(t *testing.T) string {
	t.Helper()
	draining, drain := context.WithCancel(context.Background())
	app := fiber.New(fiber.Config{Immutable: true, DisableStartupMessage: true})
	nacre.Register(app, nacre.Deps{Deps: wire.Deps{Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)}, Feed: h.Feed, Draining: draining})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- app.Listener(l) }()
	t.Cleanup(func() {
		drain()
		if err := app.ShutdownWithTimeout(5 * time.Second); err != nil {
			t.Error(err)
		}
		<-done
	})
	return l.Addr().String()
}

// breaking passes connections on to addr and cuts each after some bytes of the answers, in the midst of a line.
func breaking(t *testing.T, addr string, after int64) (string, func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	cuts := 0
	group.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer from.Close()
				to, err := net.Dial("tcp", addr)
				if err != nil {
					t.Error(err)
					return
				}
				defer to.Close()
				group.Go(func() { _, _ = io.Copy(to, from); to.Close() })
				if n, _ := io.CopyN(from, to, after); n == after {
					mu.Lock()
					cuts++
					mu.Unlock()
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); group.Wait() })
	return l.Addr().String(), func() int {
		mu.Lock()
		defer mu.Unlock()
		return cuts
	}
}

// lines is an output that says when it has enough of them.
type lines struct {
	mu   sync.Mutex
	b    bytes.Buffer
	n    int
	want int
	full chan struct{}
}

func newLines(want int) *lines { return &lines{want: want, full: make(chan struct{})} }

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n += bytes.Count(p, []byte("\n"))
	if l.want > 0 && l.n >= l.want {
		close(l.full)
		l.want = 0
	}
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// watched runs the command until it printed so many lines, and what it said on standard error.
func watched(t *testing.T, want int, c WatchCmd, begun func()) (stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, errOut := newLines(want), newLines(0)
	if c.pace == (watchPace{}) {
		c.pace = watchPace{first: time.Millisecond, most: 10 * time.Millisecond, silence: 30 * time.Second}
	}
	done := make(chan error, 1)
	go func() { done <- c.Run(&Env{Stdout: out, Stderr: errOut, ctx: ctx}) }()
	if begun != nil {
		begun()
	}
	select {
	case <-out.full:
	case err := <-done:
		t.Fatalf("it ended with %v; stderr:\n%s", err, errOut)
	case <-time.After(30 * time.Second):
		t.Fatalf("%d lines after 30 s; stderr:\n%s", out.n, errOut)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("interrupted, it ended with %v", err)
	}
	return out.String(), errOut.String()
}

func TestWatchPrintsEachOfTenThousandEventsOnceAcrossBrokenConnections(t *testing.T) {
	const n = 10_000
	h := newHappenings(t, 0)
	addr, cuts := breaking(t, h.addr, 150_001)
	start := h.Last()
	out, _ := watched(t, n, WatchCmd{Since: strconv.FormatUint(start, 10), JSON: true, serverFlags: serverFlags{Server: "http://" + addr}}, func() {
		for i := range n {
			h.Append(feed.Event{Kind: feed.ConfigPublished, Namespace: "public", Group: "DEFAULT_GROUP", DataID: fmt.Sprint(i)})
		}
	})
	i := 0
	for line := range strings.Lines(out) {
		var e feed.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.DataID != fmt.Sprint(i) || e.Seq != start+1+uint64(i) {
			t.Fatalf("event %d is %s, number %d", i, e.DataID, e.Seq-start)
		}
		i++
	}
	if i != n || cuts() < 5 {
		t.Errorf("%d events across %d cuts", i, cuts())
	}
}

func TestWatchPrintsPeopleALine(t *testing.T) {
	h := newHappenings(t, 0)
	for _, e := range []feed.Event{
		{Kind: feed.ConfigPublished, Namespace: "dev", Group: "g", DataID: "app.yaml", Revision: 42, User: "alice", IP: "10.0.0.7", Gray: ""},
		{Kind: feed.GrayStarted, Namespace: "dev", Group: "g", DataID: "app.yaml", Gray: "beta", Revision: 43},
		{Kind: feed.ConfigInSync, Namespace: "dev", Group: "g", DataID: "app.yaml", InSync: 14, Listeners: 14},
		{Kind: feed.ClientBehind, ClientID: "17_10.0.0.9_5", App: "shop\x1b[31m", Namespace: "dev", Group: "g", DataID: "app.yaml"},
		{Kind: feed.ServerState, Text: "ready"},
	} {
		h.Append(e)
	}
	out, stderr := watched(t, 5, WatchCmd{Since: "0", serverFlags: serverFlags{Server: "http://" + h.addr}}, nil)
	got := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	for i, want := range []string{
		"config.published  dev/g/app.yaml  revision 42  by alice  from 10.0.0.7",
		"gray.started      dev/g/app.yaml  variant beta  revision 43",
		"config.inSync     dev/g/app.yaml  14 of 14 have it",
		"client.behind     dev/g/app.yaml  client 17_10.0.0.9_5  of shop\uFFFD[31m",
		"server.state      ready",
	} {
		if !strings.HasSuffix(got[i], "  "+want) {
			t.Errorf("line %d is %q, want %q", i, got[i], want)
		}
	}
	if want := fmt.Sprintf("to go on from here: --since %d\n", h.Last()); stderr != want {
		t.Errorf("stderr is %q, want %q", stderr, want)
	}
}

func TestWatchFiltersOnTheServerAndSaysWhatIsMissing(t *testing.T) {
	h := newHappenings(t, 10)
	begin := h.Last()
	for i := range 30 {
		h.Append(feed.Event{Kind: feed.ConfigPublished, Namespace: []string{"dev", "prod"}[i%2], Group: "g", DataID: fmt.Sprint("App", i)})
		h.Append(feed.Event{Kind: feed.ClientConnected, Namespace: "dev", ClientID: "app"})
	}
	since := strconv.FormatUint(begin, 10)
	server := serverFlags{Server: "http://" + h.addr}
	out, stderr := watched(t, 1, WatchCmd{Since: since, Namespace: "dev", Kind: "config", Text: "aPP28", serverFlags: server}, nil)
	if !strings.Contains(out, "dev/g/App28") || strings.Count(out, "\n") != 1 {
		t.Errorf("stdout:\n%s", out)
	}
	if !strings.Contains(stderr, "events are missing here, 50 or more") {
		t.Errorf("stderr:\n%s", stderr)
	}
	out, _ = watched(t, 2, WatchCmd{Since: since, Text: "aPP28", JSON: true, serverFlags: server}, nil)
	if !strings.HasPrefix(out, `{"kind":"gap","missed":50}`) {
		t.Errorf("stdout with --json:\n%s", out)
	}
}

// The number of the beginning came with the first connection, so what happened before the second is not missed.
func TestWatchGivesUpOnASilentServerAndMissesNothing(t *testing.T) {
	h := newHappenings(t, 0)
	stuck, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	defer group.Wait()
	defer stuck.Close()
	group.Go(func() { // the first connection gets a head and then nothing, the next ones the feed
		first, err := stuck.Accept()
		if err != nil {
			return
		}
		defer first.Close()
		if _, err := http.ReadRequest(bufio.NewReader(first)); err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(first, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid: "+strconv.FormatUint(h.Last(), 10)+"\n\n")
		second, err := stuck.Accept()
		if err != nil {
			return
		}
		defer second.Close()
		h.Append(feed.Event{Kind: feed.ServerState, Text: "there"})
		to, err := net.Dial("tcp", h.addr)
		if err != nil {
			return
		}
		defer to.Close()
		group.Go(func() { _, _ = io.Copy(to, second); to.Close() })
		_, _ = io.Copy(second, to)
	})
	c := WatchCmd{serverFlags: serverFlags{Server: "http://" + stuck.Addr().String()}, pace: watchPace{first: time.Millisecond, most: time.Millisecond, silence: 200 * time.Millisecond}}
	out, stderr := watched(t, 1, c, nil)
	if !strings.Contains(out, "there") || !strings.Contains(stderr, "trying again") {
		t.Errorf("stdout:\n%s\nstderr:\n%s", out, stderr)
	}
}

func TestWatchEndsWhereItIsNoUseToGoOn(t *testing.T) {
	h := newHappenings(t, 0)
	for _, tc := range []struct {
		name   string
		args   []string
		code   int
		stderr string
	}{
		{"no server", []string{"--server", "http://127.0.0.1:1"}, ExitFail, "can't be reached"},
		{"a number that is none", []string{"--since", "x"}, ExitUsage, `--since is "x"`},
		{"an unknown kind", []string{"--kind", "confg"}, ExitUsage, "confg"},
		{"an unknown kind among others", []string{"--kind", "config,confg"}, ExitUsage, "confg"},
		{"another server", []string{"--server", "http://" + h.addr + "/nacos"}, ExitFail, "is not Nacre"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, _, stderr := run(t, nil, nil, append([]string{"watch"}, tc.args...)...)
			if code != tc.code || !strings.Contains(stderr, tc.stderr) {
				t.Errorf("exit %d, stderr:\n%s", code, stderr)
			}
		})
	}
	t.Run("enough events", func(t *testing.T) {
		for range 5 {
			h.Append(feed.Event{Kind: feed.ServerState, Text: "ready"})
		}
		code, out, stderr := run(t, nil, nil, "watch", "--server", "http://"+h.addr, "--since", "0", "--count", "3")
		if code != ExitOK || strings.Count(out, "\n") != 3 || !strings.Contains(stderr, fmt.Sprint("--since ", h.First()+2)) {
			t.Errorf("exit %d\n%s\n%s", code, out, stderr)
		}
	})
	t.Run("nobody takes the output", func(t *testing.T) {
		h.Append(feed.Event{Kind: feed.ServerState, Text: "ready"})
		c := WatchCmd{Since: "0", serverFlags: serverFlags{Server: "http://" + h.addr}}
		err := c.Run(&Env{Stdout: closedPipe{}, Stderr: io.Discard, ctx: t.Context()})
		if !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("it ended with %v", err)
		}
	})
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func FuzzServerSentEvents(f *testing.F) {
	f.Add([]byte("retry: 1000\n\nid: 5\nevent: a\ndata: x\ndata:y\r\n\n: z\n\nid:6\n\n"))
	f.Add([]byte("data\n\nid: \x00\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := newSSEReader(bytes.NewReader(b), func() {})
		for {
			e, err := r.next()
			if err != nil {
				return
			}
			if strings.ContainsAny(e.ID, "\n\x00") || strings.Contains(e.Name, "\n") {
				t.Fatalf("%q", e)
			}
		}
	})
}

func TestServerSentEventsAreRead(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r := newSSEReader(strings.NewReader("retry: 1\n\n: c\nid: 5\nevent: a\ndata: x\ndata:y\r\n\nid: 6\n\ndata: z\n\ndata: cut"), func() {})
	for _, want := range []serverSent{{"5", "a", "x\ny"}, {"6", "", ""}, {"6", "", "z"}} {
		if got, err := r.next(); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if _, err := r.next(); err != io.EOF {
		t.Errorf("an event that is cut off ended with %v", err)
	}
	r = newSSEReader(strings.NewReader("data: "+strings.Repeat("x", 2*maxSSE)), func() {})
	if _, err := r.next(); err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("a long line ended with %v", err)
	}
}
