package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/gofiber/fiber/v2"
	"go.uber.org/goleak"

	"nacre/server/clock"
	"nacre/server/feed"
	"nacre/web/live"
)

// The rig's server is fasthttp's own, which looks after its workers every ten seconds and writes the date every second.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

type rig struct {
	feed *feed.Feed
	addr string
	stop context.CancelFunc
}

// start serves the feed on a port of its own, with Fiber alone.
func start(t *testing.T, size int, change ...func(*live.Deps)) *rig {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &rig{feed: feed.New(clock.System{}, size), stop: stop}
	r.feed.Open()
	d := live.Deps{Feed: r.feed, Draining: ctx}
	for _, f := range change {
		f(&d)
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true, Immutable: true})
	live.Register(app, d)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = ln.Addr().String()
	done := make(chan error, 1)
	go func() { done <- app.Listener(ln) }()
	t.Cleanup(func() {
		stop()
		if err := app.ShutdownWithTimeout(5 * time.Second); err != nil {
			t.Error(err)
		}
		<-done
	})
	return r
}

type message struct {
	Type        string
	First, Last uint64
	Events      []feed.Event
	Next        uint64
	Missed      uint64
	Count       int
	More        bool
}

func (r *rig) dial(t *testing.T, query string) *websocket.Conn {
	t.Helper()
	c, res, err := websocket.DefaultDialer.Dial("ws://"+r.addr+live.Path+query, nil)
	if err != nil {
		t.Fatalf("%v %+v", err, res)
	}
	t.Cleanup(func() { c.Close() })
	if m := read(t, c); m.Type != "hello" {
		t.Fatalf("%+v", m)
	}
	return c
}

func read(t *testing.T, c *websocket.Conn) message {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	var m message
	if err := c.ReadJSON(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

func closed(t *testing.T, c *websocket.Conn, code int, reason string) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		_, _, err := c.ReadMessage()
		if err == nil {
			continue
		}
		var bye *websocket.CloseError
		if !errors.As(err, &bye) || bye.Code != code || !strings.Contains(bye.Text, reason) {
			t.Fatalf("the connection ended with %v, want %d and %q", err, code, reason)
		}
		return
	}
}

func TestTenThousandEventsAcrossReconnectsComeExactlyOnce(t *testing.T) {
	r := start(t, 1<<16)
	const events = 10_000
	first := r.feed.Last() + 1
	go func() {
		for i := range events {
			r.feed.Append(feed.Event{Kind: feed.ConfigPublished, DataID: fmt.Sprint(i)})
			if i%100 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
	}()
	at := first - 1
	for conns := 0; at < first+events-1; conns++ {
		c := r.dial(t, fmt.Sprintf("?since=%d", at))
		for range 5 { // messages, then the connection is lost
			m := read(t, c)
			if m.Type != "events" {
				t.Fatalf("%+v", m)
			}
			for _, e := range m.Events {
				if at++; e.Seq != at || e.DataID != fmt.Sprint(at-first) {
					t.Fatalf("got event %d (%s), want %d", e.Seq, e.DataID, at)
				}
			}
			if at == first+events-1 {
				if conns < 3 {
					t.Errorf("only %d connections", conns)
				}
				return
			}
		}
		c.Close()
	}
}

func TestTheServerFilters(t *testing.T) {
	r := start(t, 100)
	c := r.dial(t, "?namespace=dev&kind=config&text=shop")
	for _, e := range []feed.Event{
		{Kind: feed.ConfigPublished, Namespace: "public", DataID: "shop"}, {Kind: feed.ClientGone, Namespace: "dev", App: "shop"},
		{Kind: feed.ConfigPublished, Namespace: "dev", DataID: "other"}, {Kind: feed.ConfigPublished, Namespace: "dev", DataID: "Shop.yml"},
	} {
		r.feed.Append(e)
	}
	if m := read(t, c); len(m.Events) != 1 || m.Events[0].DataID != "Shop.yml" || m.Next != r.feed.Last() {
		t.Fatalf("%+v", m)
	}
	if err := c.WriteJSON(map[string]string{"type": "filter", "kinds": "client"}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { // until the filter counts
		for ctx.Err() == nil {
			r.feed.Append(feed.Event{Kind: feed.ClientConnected})
			time.Sleep(5 * time.Millisecond)
		}
	}()
	if m := read(t, c); m.Events[0].Kind != feed.ClientConnected {
		t.Fatalf("%+v", m)
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it took too long")
		}
	}
}

func TestAPauseHoldsBackAndLosesNothing(t *testing.T) {
	r := start(t, 100)
	c := r.dial(t, "")
	say := func(what string) {
		if err := c.WriteJSON(map[string]string{"type": what}); err != nil {
			t.Fatal(err)
		}
	}
	say("pause")
	time.Sleep(50 * time.Millisecond)
	for range 10 {
		r.feed.Append(feed.Event{Kind: feed.ServerState})
	}
	say("resume")
	got := 0
	for got < 10 {
		got += len(read(t, c).Events)
	}
}

func TestWhoCameTooLateIsToldHowManyAreMissing(t *testing.T) {
	r := start(t, 10)
	at := r.feed.Last()
	for range 25 {
		r.feed.Append(feed.Event{Kind: feed.ServerState})
	}
	c := r.dial(t, fmt.Sprintf("?since=%d", at))
	if m := read(t, c); m.Type != "gap" || m.Missed != 15 {
		t.Fatalf("%+v", m)
	}
	if m := read(t, c); len(m.Events) != 10 || m.Events[0].Seq != at+16 {
		t.Fatalf("%+v", m)
	}
}

func TestAReaderWhoseFilterSelectsNothingIsToldWhereItIs(t *testing.T) {
	r := start(t, 10, func(d *live.Deps) { d.Config = live.Config{PingEvery: 250 * time.Millisecond} })
	c := r.dial(t, "?kind=config")
	at := uint64(0)
	for range 5 { // more in all than are held
		for range 5 {
			r.feed.Append(feed.Event{Kind: feed.ServerState})
		}
		for at < r.feed.Last() { // it may be said on the way, too
			m := read(t, c)
			if m.Type != "at" || m.Next <= at {
				t.Fatalf("%+v after %d", m, at)
			}
			at = m.Next
		}
	}
	c.Close()
	c = r.dial(t, fmt.Sprintf("?kind=config&since=%d", at))
	r.feed.Append(feed.Event{Kind: feed.ConfigPublished})
	if m := read(t, c); m.Type != "events" || m.Events[0].Seq != at+1 {
		t.Errorf("back with %d, the reader got %+v", at, m)
	}
}

func TestASlowReaderIsCutWithACodeThatSaysSo(t *testing.T) {
	r := start(t, 1<<16, func(d *live.Deps) { d.Config = live.Config{Unread: 64 << 10, Patience: 300 * time.Millisecond} })
	c := r.dial(t, "")
	other := r.dial(t, "?text=last")
	for range 5000 {
		r.feed.Append(feed.Event{Kind: feed.ConfigPublished, DataID: strings.Repeat("x", 200)})
	}
	waitFor(t, func() bool { _, cut := r.feed.Readers(); return cut == 1 })
	closed(t, c, live.CloseSlow, "too slow")
	waitFor(t, func() bool { now, _ := r.feed.Readers(); return now == 1 })
	r.feed.Append(feed.Event{Kind: feed.ServerState, Text: "last"})
	if m := read(t, other); m.Events[0].Text != "last" {
		t.Errorf("the other reader got %+v", m)
	}
}

func TestTheServersStopIsSaid(t *testing.T) {
	r := start(t, 10)
	c := r.dial(t, "")
	r.stop()
	closed(t, c, websocket.CloseGoingAway, "stopping")
	waitFor(t, func() bool { now, _ := r.feed.Readers(); return now == 0 })
}

func TestWhatIsNotTakenIsRefusedBeforeTheUpgrade(t *testing.T) {
	r := start(t, 10, func(d *live.Deps) {
		d.Permit = func(c *fiber.Ctx) (func() bool, error) {
			if c.Get("X-Token") == "bad" {
				return nil, errors.New("no")
			}
			return nil, nil
		}
	})
	for _, tc := range []struct {
		name, query string
		header      http.Header
		status      int
	}{
		{"a page of another host", "", http.Header{"Origin": {"http://evil.example"}}, 403},
		{"an origin that is none", "", http.Header{"Origin": {"null"}}, 403},
		{"a reader without permission", "", http.Header{"X-Token": {"bad"}}, 403},
		{"an unknown kind", "?kind=confg", nil, 400},
		{"a number that is none", "?since=x", nil, 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, res, err := websocket.DefaultDialer.Dial("ws://"+r.addr+live.Path+tc.query, tc.header)
			if err == nil || res == nil || res.StatusCode != tc.status {
				t.Fatalf("%v %+v", err, res)
			}
		})
	}
	c, _, err := websocket.DefaultDialer.Dial("ws://"+r.addr+live.Path, http.Header{"Origin": {"http://" + r.addr}})
	if err != nil {
		t.Fatalf("a page of this host: %v", err)
	}
	c.Close()
	if res, err := http.Get("http://" + r.addr + live.Path); err != nil || res.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("%v %v", res, err)
	} else {
		res.Body.Close()
		http.DefaultClient.CloseIdleConnections()
	}
	waitFor(t, func() bool { now, _ := r.feed.Readers(); return now == 0 })
}

func TestReadersAreBounded(t *testing.T) {
	r := start(t, 10)
	var leave []func()
	for !r.feed.Full() {
		l, err := r.feed.Enter()
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	if _, res, err := websocket.DefaultDialer.Dial("ws://"+r.addr+live.Path, nil); err == nil || res == nil || res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one too many: %v %+v", err, res)
	}
	leave[0]()
	r.dial(t, "").Close()
	for _, l := range leave {
		l()
	}
	waitFor(t, func() bool { now, _ := r.feed.Readers(); return now == 0 })
}

func TestBadMessagesEndTheConnectionWithAReason(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON": "{", "an unknown type": `{"type":"x"}`, "an unknown kind": `{"type":"filter","kinds":"x"}`, "a list": `[]`,
		"an unknown kind in other letters": `{"type":"filter","kinds":"` + strings.Repeat("ж", 90) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, 10).dial(t, "")
			if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
				t.Fatal(err)
			}
			closed(t, c, live.CloseInvalid, "")
		})
	}
	t.Run("too many", func(t *testing.T) {
		c := start(t, 10).dial(t, "")
		for range 50 {
			if c.WriteMessage(websocket.TextMessage, []byte(`{"type":"pause"}`)) != nil {
				break
			}
		}
		closed(t, c, live.CloseInvalid, "too many")
	})
	t.Run("a huge one", func(t *testing.T) {
		c := start(t, 10).dial(t, "")
		_ = c.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("x", 1<<20)))
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, _, err := c.ReadMessage(); err == nil {
			t.Error("it was taken")
		}
	})
}

func FuzzMessages(f *testing.F) {
	f.Add([]byte(`{"type":"filter","namespace":"dev","kinds":"config","text":"x"}`))
	f.Add([]byte(`{"type":"pause"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := live.CheckMessage(b); err == nil && !json.Valid(b) {
			t.Errorf("%q is taken", b)
		}
	})
}
