package live_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"nacre/server/config"
	"nacre/server/feed"
	"nacre/server/servertest"
	"nacre/web/live"
)

// dialServer connects to a whole server.
func dialServer(t *testing.T, s *servertest.Server, query string) *websocket.Conn {
	t.Helper()
	r := &rig{addr: strings.TrimPrefix(s.URL, "http://")}
	return r.dial(t, query)
}

func publish(t *testing.T, s *servertest.Server, dataID string) {
	t.Helper()
	key := config.Key{Namespace: "public", Group: "DEFAULT_GROUP", DataID: dataID}
	if _, err := s.Configs().Publish(t.Context(), config.Actor{User: "alice", IP: "10.0.0.7"}, config.Draft{Key: key, Content: []byte("x")}); err != nil {
		t.Fatal(err)
	}
}

func TestAServerTellsItsPublishesAndItsStop(t *testing.T) {
	s := servertest.Start(t)
	all, configs := dialServer(t, s, "?since=0"), dialServer(t, s, "?kind=config")
	if m := read(t, all); len(m.Events) != 1 || m.Events[0].Kind != feed.ServerState || m.Events[0].Text != "ready" {
		t.Fatalf("%+v", m)
	}
	for i := range 3 {
		publish(t, s, fmt.Sprint(i))
		for _, c := range []*websocket.Conn{all, configs} {
			m := read(t, c)
			if len(m.Events) != 1 || m.Events[0].DataID != fmt.Sprint(i) || m.Events[0].User != "alice" || m.Next != m.Events[0].Seq {
				t.Fatalf("%+v", m)
			}
		}
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop() }()
	if m := read(t, all); len(m.Events) != 1 || m.Events[0].Text != "stopping" {
		t.Fatalf("in the end came %+v", m)
	}
	closed(t, all, websocket.CloseGoingAway, "stopping")
	closed(t, configs, websocket.CloseGoingAway, "stopping")
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestAReaderThatIsGoneDoesNotHoldUpTheStop(t *testing.T) {
	s := servertest.Start(t)
	for range 20 {
		c := dialServer(t, s, "?since=0")
		if err := c.UnderlyingConn().Close(); err != nil {
			t.Fatal(err)
		}
	}
	stuck := dialServer(t, s, "") // never reads again
	for i := range 500 {
		publish(t, s, strings.Repeat("x", 200)+fmt.Sprint(i))
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	stuck.Close()
}

func TestTheHandshakeOfAServerIsChecked(t *testing.T) {
	s := servertest.Start(t)
	host := strings.TrimPrefix(s.URL, "http://")
	_, res, err := websocket.DefaultDialer.Dial("ws://"+host+live.Path, http.Header{"Origin": {"https://evil.example"}})
	if err == nil || res == nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another host: %v %+v", err, res)
	}
	c, _, err := websocket.DefaultDialer.Dial("ws://"+host+live.Path, http.Header{"Origin": {s.URL}})
	if err != nil {
		t.Fatalf("a page of this host: %v", err)
	}
	c.Close()
	for name, header := range map[string]string{
		"no key":            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
		"an old version":    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
		"no upgrade at all": "",
	} {
		if line := raw(t, host, "GET "+live.Path+" HTTP/1.1\r\nHost: x\r\n"+header+"\r\n"); !strings.HasPrefix(line, "HTTP/1.1 4") {
			t.Errorf("%s: %q", name, line)
		}
	}
}

// FuzzBytes sends what is no WebSocket over an upgraded connection, as a client might.
func FuzzBytes(f *testing.F) {
	f.Add([]byte("\x81\x85\x00\x00\x00\x00{\"a\":"))
	f.Add([]byte("\x88\x80\x00\x00\x00\x00"))
	f.Add([]byte("\x8a\x83\x00\x00\x00\x00999"))
	f.Add([]byte("\x09\xff\xff"))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := start(t, 10)
		c := r.dial(t, "")
		if _, err := c.UnderlyingConn().Write(b); err != nil {
			t.Fatal(err)
		}
		c.Close()
		waitFor(t, func() bool { now, _ := r.feed.Readers(); return now == 0 })
	})
}

// raw sends a request and returns the first line of the answer.
func raw(t *testing.T, host, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line
}
