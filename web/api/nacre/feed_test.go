package nacre_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/feed"
	"nacre/server/servertest"
)

// sent is one server-sent event.
type sent struct {
	id   uint64
	name string
	data string
}

// event returns what the data say.
func (s sent) event(t *testing.T) feed.Event {
	t.Helper()
	var e feed.Event
	if err := json.Unmarshal([]byte(s.data), &e); err != nil || e.Seq != s.id || string(e.Kind) != s.name {
		t.Fatalf("%+v: %v", s, err)
	}
	return e
}

// follower reads the feed of a server.
type follower struct {
	t    *testing.T
	body io.Closer
	in   *bufio.Reader
	// at is where the stream was when it began.
	at uint64
}

func follow(t *testing.T, url, query string, header ...string) *follower {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/nacre/v1/feed"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	f := &follower{t: t, body: res.Body, in: bufio.NewReader(res.Body)}
	f.at = f.next().id
	return f
}

// next returns the next event, one without data included.
func (f *follower) next() sent {
	f.t.Helper()
	s, err := f.read()
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

func (f *follower) read() (sent, error) {
	var s sent
	for {
		line, err := f.in.ReadString('\n')
		if err != nil {
			return s, err
		}
		line = strings.TrimSuffix(line, "\n")
		field, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "":
			return s, nil
		case field == "id":
			if s.id, err = strconv.ParseUint(value, 10, 64); err != nil {
				return s, err
			}
		case field == "event":
			s.name = value
		case field == "data":
			s.data = value
		}
	}
}

func put(t *testing.T, s *servertest.Server, query, content string) {
	t.Helper()
	if status, body := call(t, "PUT", s.URL+"/nacre/v1/config?"+query, `{"content":`+strconv.Quote(content)+`}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
}

func TestTheFeedTellsWhatHappens(t *testing.T) {
	s := servertest.Start(t)
	f := follow(t, s.URL, "?kind=config,gray,client")
	put(t, s, "dataId=a&operator=alice", "x")
	key := config.Key{Namespace: "public", Group: "DEFAULT_GROUP", DataID: "a"}
	client := s.Delivery().Open(delivery.Client{ID: "c1", Transport: delivery.GRPC, IP: "10.0.0.9", App: "shop"}, deaf{})
	if _, err := client.Listen([]delivery.Watch{{Key: key, MD5: s.Configs().Item(key).MD5For(config.Client{})}}); err != nil {
		t.Fatal(err)
	}
	client.Close()
	if status, body := call(t, "PUT", s.URL+"/nacre/v1/config?dataId=a", `{"content":"y","gray":{"ips":"1.1.1.1"}}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := call(t, "PUT", s.URL+"/nacre/v1/config?dataId=a", `{"content":"z","gray":{"ips":"1.1.1.1"}}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	call(t, "DELETE", s.URL+"/nacre/v1/config?dataId=a&gray=beta", "")
	call(t, "DELETE", s.URL+"/nacre/v1/config?dataId=a", "")
	for i, want := range []feed.Event{
		{Kind: feed.ConfigPublished, Namespace: "public", Group: "DEFAULT_GROUP", DataID: "a", MD5: "9dd4e461268c8034f5c8564e155c67a6", User: "alice", IP: "127.0.0.1"},
		{Kind: feed.ClientConnected, ClientID: "c1", ClientIP: "10.0.0.9", App: "shop"},
		{Kind: feed.ClientGone, ClientID: "c1", ClientIP: "10.0.0.9", App: "shop"},
		{Kind: feed.GrayStarted, Namespace: "public", Group: "DEFAULT_GROUP", DataID: "a", Gray: "beta", MD5: "415290769594460e2e485922904f345d", IP: "127.0.0.1"},
		{Kind: feed.GrayChanged, Namespace: "public", Group: "DEFAULT_GROUP", DataID: "a", Gray: "beta", MD5: "fbade9e36a3f36d3d676c1b808451dd7", IP: "127.0.0.1"},
		{Kind: feed.GrayEnded, Namespace: "public", Group: "DEFAULT_GROUP", DataID: "a", Gray: "beta", IP: "127.0.0.1"},
		{Kind: feed.ConfigRemoved, Namespace: "public", Group: "DEFAULT_GROUP", DataID: "a", IP: "127.0.0.1"},
	} {
		got := f.next().event(t)
		if got.AtMs == 0 || strings.HasPrefix(string(got.Kind), "config") && got.Revision == 0 {
			t.Errorf("%+v", got)
		}
		want.Seq, want.AtMs, want.Revision = got.Seq, got.AtMs, got.Revision
		if got != want {
			t.Errorf("event %d is\n%+v, want\n%+v", i, got, want)
		}
	}
}

func TestTenThousandEventsOfTheFeedComeOnceEachAcrossConnections(t *testing.T) {
	s := servertest.Start(t)
	const n = 10_000
	f := follow(t, s.URL, "?kind=config")
	at := f.at
	done := make(chan error, 1)
	go func() {
		for i := 0; i < n; i += 100 {
			drafts := make([]config.Draft, 100)
			for j := range drafts {
				drafts[j] = config.Draft{Key: config.Key{Namespace: "public", Group: "g", DataID: fmt.Sprint(i + j)}, Content: []byte("x")}
			}
			if _, err := s.Configs().PublishMany(t.Context(), config.Actor{}, drafts, config.Overwrite); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	seen := make(map[string]bool, n)
	for conns := 0; len(seen) < n; conns++ {
		for range 700 {
			e, err := f.read()
			if err != nil {
				t.Fatal(err)
			}
			if e.data == "" {
				continue
			}
			ev := e.event(t)
			if seen[ev.DataID] || ev.Seq <= at {
				t.Fatalf("%+v after %d came twice", ev, at)
			}
			seen[ev.DataID], at = true, ev.Seq
			if len(seen) == n {
				break
			}
		}
		f.body.Close()
		switch from := strconv.FormatUint(at, 10); conns % 2 { // as a script, or as a browser that comes back
		case 0:
			f = follow(t, s.URL, "?kind=config&since="+from)
		default:
			f = follow(t, s.URL, "?kind=config&since=0", "Last-Event-ID", from)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestTheFeedSaysNothingOfWhatWasBeforeAStart(t *testing.T) {
	dir := t.TempDir()
	s := servertest.Start(t, servertest.InDir(dir))
	for i := range 20 {
		put(t, s, "dataId=a"+strconv.Itoa(i), "x")
	}
	f := follow(t, s.URL, "?since=0")
	if e := f.next().event(t); e.Kind != feed.ServerState || e.Text != "ready" {
		t.Errorf("the first event is %+v", e)
	}
	last := uint64(0)
	for range 20 {
		last = f.next().id
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if e := f.next().event(t); e.Kind != feed.ServerState || e.Text != "stopping" {
		t.Errorf("in the end came %+v", e)
	}
	if rest, err := f.read(); err != io.EOF {
		t.Errorf("a server that stops ends the stream with %v after %+v", err, rest)
	}

	s = servertest.Start(t, servertest.InDir(dir))
	f = follow(t, s.URL, "?since="+strconv.FormatUint(last, 10))
	if e := f.next(); e.name != "gap" || e.data != `{"missed":1}` {
		t.Errorf("after a start a reader is told %+v", e)
	}
	if e := f.next().event(t); e.Kind != feed.ServerState || e.Text != "ready" || e.Seq <= last+1 {
		t.Errorf("the first event after a start is %+v, the last before was %d", e, last)
	}
	put(t, s, "dataId=b", "x")
	if e := f.next().event(t); e.DataID != "b" {
		t.Errorf("then came %+v", e)
	}
}

func TestTheFeedRefusesWhatItDoesNotKnow(t *testing.T) {
	s := servertest.Start(t)
	for query, part := range map[string]string{
		"?since=x": "since", "?since=-1": "since", "?kind=confg": "confg", "?kinds=config": "kinds", "?text=" + strings.Repeat("x", 300): "text",
	} {
		if status, body := call(t, "GET", s.URL+"/nacre/v1/feed"+query, ""); status != http.StatusBadRequest || !strings.Contains(string(body), part) {
			t.Errorf("%s: %d %s", query, status, body)
		}
	}
}

func TestTheFeedTellsOfAClientThatFallsBehindAndCatchesUp(t *testing.T) {
	s := servertest.Start(t)
	put(t, s, "dataId=a", "x")
	key := config.Key{Namespace: "public", Group: "DEFAULT_GROUP", DataID: "a"}
	md5 := func() string { return s.Configs().Item(key).MD5For(config.Client{}) }
	client := s.Delivery().Open(delivery.Client{ID: "c1", Transport: delivery.GRPC, IP: "10.0.0.9", App: "shop"}, deaf{})
	defer client.Close()
	listen := func() {
		if _, err := client.Listen([]delivery.Watch{{Key: key, MD5: md5()}}); err != nil {
			t.Fatal(err)
		}
	}
	listen()
	f := follow(t, s.URL, "?kind=client.behind,client.inSync,config.inSync&text=a")
	put(t, s, "dataId=a", "y")
	pushes := client.Take(nil, 10)
	if len(pushes) != 1 {
		t.Fatalf("%+v", pushes)
	}
	if e := f.next().event(t); e.Kind != feed.ClientBehind || e.ClientID != "c1" || e.DataID != "a" || e.App != "shop" {
		t.Fatalf("%+v", e)
	}
	client.Acked(key, pushes[0].Revision)
	listen()
	told := map[feed.Kind]feed.Event{}
	for range 2 {
		e := f.next().event(t)
		told[e.Kind] = e
	}
	if e := told[feed.ClientInSync]; e.ClientID != "c1" || e.MD5 != md5() {
		t.Errorf("%+v", told)
	}
	if e := told[feed.ConfigInSync]; e.InSync != 1 || e.Listeners != 1 || e.MD5 != md5() {
		t.Errorf("%+v", told)
	}
}

func TestAReaderOfTheFeedThatIsStuckDoesNotHoldUpTheStop(t *testing.T) {
	s := servertest.Start(t)
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
	if _, err := io.WriteString(c, "GET /nacre/v1/feed HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	for i := range 200 { // more than the buffers of a connection hold
		drafts := make([]config.Draft, 100)
		for j := range drafts {
			drafts[j] = config.Draft{Key: config.Key{Namespace: "public", Group: strings.Repeat("g", 100), DataID: fmt.Sprintf("%s.%d.%d", strings.Repeat("d", 200), i, j)}, Content: []byte("x")}
		}
		if _, err := s.Configs().PublishMany(t.Context(), config.Actor{}, drafts, config.Overwrite); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	if err := s.Stop(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}
