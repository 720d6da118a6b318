package live_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/gofiber/fiber/v2"

	"nacre/server/feed"
	"nacre/web/live"
)

func TestAReaderThatPausedIsToldHowMuchWaits(t *testing.T) {
	r := start(t, 5000)
	c := r.dial(t, "?kind=config")
	say := func(w map[string]string) {
		t.Helper()
		if err := c.WriteJSON(w); err != nil {
			t.Fatal(err)
		}
	}
	happen := func(n int, k feed.Kind) {
		for range n {
			r.feed.Append(feed.Event{Kind: k, Namespace: "public"})
		}
	}
	held := func(count int, more bool) {
		t.Helper()
		for {
			m := read(t, c)
			if m.Type != "held" {
				t.Fatalf("got %+v in a pause", m)
			}
			if m.Count == count && m.More == more {
				return
			}
		}
	}
	say(map[string]string{"type": "pause"})
	for m := (message{}); m.Type != "held"; m = read(t, c) { // until then it was not taken
		happen(1, feed.ConfigPublished)
	}
	happen(5, feed.ClientGone)
	happen(7, feed.ConfigPublished)
	held(8, false)
	say(map[string]string{"type": "filter", "kinds": "client"}) // counts from anew
	held(5, false)
	happen(1200, feed.ClientGone)
	held(1000, true)
	say(map[string]string{"type": "resume"})
	for got := 0; got < 1205; {
		m := read(t, c)
		if got += len(m.Events); m.Type != "events" {
			t.Fatalf("got %+v after the pause", m)
		}
	}
}

func TestAReaderWhoMayNoLongerReadIsSentNothingMore(t *testing.T) {
	var may atomic.Bool
	may.Store(true)
	r := start(t, 100, func(d *live.Deps) {
		d.Permit = func(*fiber.Ctx) (func() bool, error) { return may.Load, nil }
	})
	c := r.dial(t, "")
	r.feed.Append(feed.Event{Kind: feed.ServerState})
	if m := read(t, c); len(m.Events) != 1 {
		t.Fatalf("%+v", m)
	}
	may.Store(false)
	r.feed.Append(feed.Event{Kind: feed.ServerState})
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	var bye *websocket.CloseError
	if _, b, err := c.ReadMessage(); !errors.As(err, &bye) || bye.Code != live.CloseEnded {
		t.Errorf("it was sent %s, %v", b, err)
	}
}
