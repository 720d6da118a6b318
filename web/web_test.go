package web

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
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.uber.org/goleak"

	"nacre/server/clock"
	"nacre/server/fault"
	"nacre/server/resource"
	"nacre/server/settings"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// logs is a slog output that tests read.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type rig struct {
	*Server
	addr string
	logs *logs
	done chan error

	entered atomic.Bool // a handler waits for the end
}

func start(t testing.TB, change func(*Config)) *rig {
	t.Helper()
	r := &rig{logs: &logs{}, done: make(chan error, 1)}
	cfg := Config{Settings: settings.Default(), Log: slog.New(slog.NewTextHandler(r.logs, nil)),
		Clock: clock.NewFixed(time.UnixMilli(1700000000123))}
	cfg.Settings.DrainTimeout = 3 * time.Second
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Server = s
	app := s.App()
	app.Get("/nacos/v1/cs/configs", func(c *fiber.Ctx) error { return c.SendString("content") })
	app.Post("/nacos/v1/cs/configs", func(c *fiber.Ctx) error { return c.SendString(fmt.Sprint(len(c.Body()))) })
	app.Delete("/nacos/v1/cs/configs", func(c *fiber.Ctx) error { return c.SendString("true") })
	app.Get("/nacos/v1/ns/instance/list", func(c *fiber.Ctx) error { return c.SendString("{}") })
	app.Get("/own", func(c *fiber.Ctx) error {
		c.Set("Cache-Control", "max-age=5")
		return c.SendString("own")
	})
	app.Get("/panics", func(*fiber.Ctx) error { panic("oh") })
	app.Get("/fault/:kind", func(c *fiber.Ctx) error {
		switch c.Params("kind") {
		case "notFound":
			return fault.New(fault.NotFound, "it is not there")
		case "limited":
			return fault.New(fault.Limited, "enough")
		case "fiber":
			return fiber.NewError(410, "gone for good")
		}
		return errors.New("the disk's secret path")
	})
	app.Get("/waits", func(c *fiber.Ctx) error {
		r.entered.Store(true)
		<-s.draining.Done()
		return c.SendString(fmt.Sprint(s.NotReady()))
	})
	app.Post("/form", func(c *fiber.Ctx) error { return c.SendString(c.FormValue("last")) })
	app.Get("/ip", func(c *fiber.Ctx) error { return c.SendString(s.ClientIP(c)) })
	app.Post("/nacos/v1/cs/configs/listener", func(c *fiber.Ctx) error {
		q := s.Parker().New(func(k resource.ConfigKey) []byte { return []byte(k.DataID) })
		return s.Parker().Park(c.Context(), q, 30*time.Second, func() {})
	})
	ln, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = ln.Addr().String()
	go func() { r.done <- s.Serve(ln) }()
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return r
}

func (r *rig) do(t testing.TB, method, path string, body io.Reader, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+r.addr+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

const triple = "no-cache, no-store, max-age=0, must-revalidate|no-cache|0"

func TestWhatNoHandlerAnswersIsAnsweredAsTheContainerDoes(t *testing.T) {
	r := start(t, nil)
	for _, x := range []struct {
		method, path string
		status       int
		message      string
		allow, kind  string
	}{
		{"GET", "/nacos/nope", 404, "No endpoint GET /nacos/nope.", "", "application/json"},
		{"GET", "/nacos/nope?a=b", 404, "No endpoint GET /nacos/nope.", "", "application/json"},
		{"GET", "/nacos/v1/cs/nope", 404, "No endpoint GET /nacos/v1/cs/nope.", "", "application/json;charset=UTF-8"},
		{"GET", "/nacos/v1/cs/configs/", 404, "No endpoint GET /nacos/v1/cs/configs/.", "", "application/json;charset=UTF-8"},
		{"GET", "/nacos/V1/cs/configs", 404, "No endpoint GET /nacos/V1/cs/configs.", "", "application/json"},
		{"PUT", "/nacos/v1/cs/configs", 405, "Method 'PUT' is not supported.", "GET, POST, DELETE", "application/json;charset=UTF-8"},
		{"GET", "/nacos/v1/ns/nope", 501, "no such api:GET:/nacos/v1/ns/nope", "", "application/json"},
		{"POST", "/nacos/v1/ns/instance/list", 501, "no such api:POST:/nacos/v1/ns/instance/list", "", "application/json"},
		{"GET", "/fault/notFound", 404, "it is not there", "", "application/json"},
		{"GET", "/fault/limited", 429, "enough", "", "application/json"},
		{"GET", "/fault/fiber", 410, "gone for good", "", "application/json"},
		{"GET", "/fault/other", 500, "internal error", "", "application/json"},
		{"GET", "/panics", 500, "internal error", "", "application/json"},
	} {
		t.Run(x.method+" "+x.path, func(t *testing.T) {
			resp, body := r.do(t, x.method, x.path, nil)
			var p page
			if err := json.Unmarshal([]byte(body), &p); err != nil {
				t.Fatalf("%v in %q", err, body)
			}
			path, _, _ := strings.Cut(x.path, "?")
			want := page{"2023-11-14T22:13:20.123+00:00", x.status, p.Error, x.message, path}
			if p != want || resp.StatusCode != x.status || p.Error != http.StatusText(x.status) {
				t.Errorf("got %d %+v", resp.StatusCode, p)
			}
			if a := resp.Header.Get("Allow"); a != x.allow {
				t.Errorf("Allow: %q", a)
			}
			if k := resp.Header.Get("Content-Type"); k != x.kind {
				t.Errorf("Content-Type: %q", k)
			}
			if s := resp.Header.Get("Server"); s != "" {
				t.Errorf("Server: %q", s)
			}
		})
	}
	log := r.logs.String()
	if !strings.Contains(log, "a request panicked") || !strings.Contains(log, "secret path") || !strings.Contains(log, "web_test.go") {
		t.Errorf("log: %s", log)
	}
}

func TestHeadAndOptionsOnAPathThatHasGet(t *testing.T) {
	r := start(t, nil)
	resp, body := r.do(t, "HEAD", "/nacos/v1/cs/configs", nil)
	if resp.StatusCode != 200 || body != "" || resp.ContentLength != 7 {
		t.Errorf("HEAD: %d %q %d", resp.StatusCode, body, resp.ContentLength)
	}
	resp, body = r.do(t, "OPTIONS", "/nacos/v1/cs/configs", nil)
	if allow := resp.Header.Get("Allow"); resp.StatusCode != 200 || body != "" || allow != "GET,HEAD,POST,DELETE,OPTIONS" {
		t.Errorf("OPTIONS: %d %q %q", resp.StatusCode, body, allow)
	}
}

func TestNacosPathsForbidCachingAndOthersDoAsTheyLike(t *testing.T) {
	r := start(t, nil)
	for path, want := range map[string]string{"/nacos/v1/cs/configs": triple, "/nacos/nope": triple, "/own": "max-age=5||"} {
		resp, _ := r.do(t, "GET", path, nil)
		h := resp.Header
		if got := h.Get("Cache-Control") + "|" + h.Get("Pragma") + "|" + h.Get("Expires"); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestABodyMayBeAsLargeAsTheLimitAndNoLarger(t *testing.T) {
	r := start(t, func(c *Config) { c.Settings.MaxConfigSize, c.Settings.ImportMaxZip = 2<<20, 1<<20 })
	limit := 7 << 20
	if got := r.cfg.Settings.BodyLimit(); got != limit {
		t.Fatalf("limit %d", got)
	}
	for range 30 { // the room for large bodies is given back each time
		if resp, body := r.do(t, "POST", "/nacos/v1/cs/configs", bytes.NewReader(make([]byte, limit))); resp.StatusCode != 200 || body != fmt.Sprint(limit) {
			t.Fatalf("%d %q", resp.StatusCode, body)
		}
	}
	if resp, body := r.do(t, "POST", "/nacos/v1/cs/configs", io.LimitReader(zeros{}, int64(limit))); resp.StatusCode != 200 {
		t.Fatalf("in chunks: %d %q", resp.StatusCode, body)
	}
	for name, body := range map[string]io.Reader{
		"the body has 7340033 bytes, the limit is 7340032 (max-config-size is 2097152)":                bytes.NewReader(make([]byte, limit+1)),
		"the body has more than 7340032 bytes, which is the limit (max-config-size is 2097152)":        io.LimitReader(zeros{}, int64(limit)+1),
		"the body has 94371840 bytes, the limit is 7340032 (max-config-size is 2097152)":               bytes.NewReader(make([]byte, 90<<20)),
		"the body has more than 7340032 bytes, which is the limit (max-config-size is 2097152)|expect": io.LimitReader(zeros{}, int64(limit)+1),
	} {
		want, expect, _ := strings.Cut(name, "|")
		var headers []string
		if expect != "" {
			headers = []string{"Expect", "100-continue"}
		}
		resp, got := r.do(t, "POST", "/nacos/v1/cs/configs", body, headers...)
		var p page
		_ = json.Unmarshal([]byte(got), &p)
		if resp.StatusCode != 413 || p.Message != want || p.Path != "/nacos/v1/cs/configs" {
			t.Errorf("%s: got %d %q", name, resp.StatusCode, got)
		}
	}
	c, br := dial(t, r.addr)
	fmt.Fprintf(c, "POST /nacos/v1/cs/configs HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", limit+1)
	if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 413 {
		t.Errorf("a client that asked first got %v, %v", resp, err)
	}
	if n := r.uploads.n.Load(); n != 0 {
		t.Errorf("%d bodies are still accounted for", n)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestLargeBodiesThatStopHalfWayGiveTheirRoomBack(t *testing.T) {
	r := start(t, nil)
	for range 3 {
		c, _ := dial(t, r.addr)
		fmt.Fprintf(c, "POST /nacos/v1/cs/configs HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", 20<<20)
		_, _ = c.Write(make([]byte, 1<<20))
		eventually(t, func() error {
			if r.uploads.n.Load() != 1 {
				return errors.New("not accounted for")
			}
			return nil
		})
		c.Close()
		eventually(t, func() error {
			if r.uploads.n.Load() != 0 {
				return errors.New("still accounted for")
			}
			return nil
		})
	}
}

func TestHeadsAreLimitedBy431ThatNamesTheLimit(t *testing.T) {
	r := start(t, nil)
	if resp, body := r.do(t, "GET", "/nacos/v1/cs/configs?content="+strings.Repeat("x", 500<<10), nil); resp.StatusCode != 200 || body != "content" {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
	if resp, body := r.do(t, "GET", "/nacos/v1/cs/configs?content="+strings.Repeat("x", 600<<10), nil); resp.StatusCode != 431 || !strings.Contains(body, "524288 bytes") {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
	c, br := dial(t, r.addr)
	_, _ = io.WriteString(c, "nonsense\r\n\r\n")
	if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 400 {
		t.Errorf("nonsense: %v %v", resp, err)
	}
}

func TestHealthIsToldInWords(t *testing.T) {
	var reasons atomic.Pointer[[]string]
	reasons.Store(&[]string{"no leader is known", "configurations are being loaded"})
	r := start(t, func(c *Config) {
		c.Ready = func() []string { return *reasons.Load() }
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "up 1\n") })
	})
	if resp, body := r.do(t, "GET", "/readyz", nil); resp.StatusCode != 503 || body != "not ready\n- no leader is known\n- configurations are being loaded\n" {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
	reasons.Store(&[]string{})
	for path, want := range map[string]string{"/readyz": "ready\n", "/livez": "ok\n", "/metrics": "up 1\n"} {
		if resp, body := r.do(t, "GET", path, nil); resp.StatusCode != 200 || body != want {
			t.Errorf("%s: %d %q", path, resp.StatusCode, body)
		}
	}
}

func TestTheClientsAddressIsTheProxysWordOnlyForTrustedOnes(t *testing.T) {
	r := start(t, nil)
	if _, body := r.do(t, "GET", "/ip", nil, "X-Forwarded-For", "1.2.3.4"); body != "127.0.0.1" {
		t.Errorf("got %s", body)
	}
	r = start(t, func(c *Config) { c.Settings.TrustedProxies = []string{"127.0.0.0/8"} })
	if _, body := r.do(t, "GET", "/ip", nil, "X-Forwarded-For", "1.2.3.4"); body != "1.2.3.4" {
		t.Errorf("got %s", body)
	}
}

func TestTheAccessLogIsSampledPreferringErrorsAndSaysWhatItLeftOut(t *testing.T) {
	var b logs
	a := newAccessLog(slog.New(slog.NewTextHandler(&b, nil)), settings.AccessSampled, 10)
	at := time.Unix(1000, 0)
	count := func(n, status int) (shown int) {
		for range n {
			if a.wants(at, status) {
				shown++
			}
		}
		return shown
	}
	if n := count(100, 200); n != 5 {
		t.Errorf("%d good ones shown", n)
	}
	if n := count(100, 500); n != 5 {
		t.Errorf("%d bad ones shown", n)
	}
	at = at.Add(time.Second)
	if n := count(100, 404); n != 10 {
		t.Errorf("%d bad ones shown", n)
	}
	if log := b.String(); !strings.Contains(log, "count=190") || strings.Count(log, "\n") != 1 {
		t.Errorf("log: %s", log)
	}
	a.flush()
	if log := b.String(); !strings.Contains(log, "count=90") || a.total.Load() != 280 {
		t.Errorf("log: %s", log)
	}
	for mode, want := range map[string]bool{settings.AccessOn: true, settings.AccessOff: false} {
		if got := newAccessLog(slog.Default(), mode, 0).wants(at, 500); got != want {
			t.Errorf("%s: %v", mode, got)
		}
	}
}

func TestRequestsAreLoggedWithoutTheirQueryAndCounted(t *testing.T) {
	var mu sync.Mutex
	counted := map[string]int{}
	r := start(t, func(c *Config) {
		c.Settings.AccessLog = settings.AccessOn
		c.Count = func(kind string, status int) {
			mu.Lock()
			counted[fmt.Sprint(kind, " ", status)]++
			mu.Unlock()
		}
	})
	r.do(t, "GET", "/nacos/v1/cs/configs?accessToken=secret", nil)
	r.do(t, "GET", "/nacos/v3/nope", nil)
	eventually(t, func() error {
		log := r.logs.String()
		if !strings.Contains(log, "path=/nacos/v1/cs/configs status=200") || !strings.Contains(log, "path=/nacos/v3/nope status=404") || strings.Contains(log, "secret") {
			return errors.New(log)
		}
		return nil
	})
	mu.Lock()
	defer mu.Unlock()
	if got := fmt.Sprint(counted); got != "map[v1 200:1 v3 404:1]" {
		t.Errorf("counted %s", got)
	}
}

func TestShutdownAnswersPollsWithinASecondAndLeavesNothing(t *testing.T) {
	r := start(t, nil)
	type client struct {
		c  net.Conn
		br *bufio.Reader
	}
	var polls []client
	for range 200 {
		c, br := dial(t, r.addr)
		_, _ = io.WriteString(c, "POST /nacos/v1/cs/configs/listener HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
		polls = append(polls, client{c, br})
	}
	idle, _ := dial(t, r.addr)
	waits, waitsR := dial(t, r.addr)
	_, _ = io.WriteString(waits, "GET /waits HTTP/1.1\r\nHost: h\r\n\r\n")
	eventually(t, func() error {
		if n := r.Parker().Waiting(); n != 200 || !r.entered.Load() {
			return fmt.Errorf("%d wait", n)
		}
		return nil
	})
	begin := time.Now()
	if err := r.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := <-r.done; err != nil {
		t.Fatal(err)
	}
	for _, p := range polls {
		resp, err := http.ReadResponse(p.br, nil)
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 || len(b) != 0 {
			t.Fatalf("%d %q", resp.StatusCode, b)
		}
	}
	resp, err := http.ReadResponse(waitsR, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(resp.Body); string(b) != "[the server is stopping]" || !resp.Close {
		t.Errorf("%q, closed: %v", b, resp.Close)
	}
	if _, err := idle.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("idle connection: %v", err)
	}
	if d := time.Since(begin); d > time.Second {
		t.Errorf("took %v", d)
	}
	if _, err := net.Dial("tcp", r.addr); err == nil {
		t.Error("still listening")
	}
	if st := r.Stats(); st.Conns.Open != 0 || st.Parked != 200 || st.Polls.TimedOut != 200 {
		t.Errorf("%+v", st)
	}
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

func TestABrowserUsesTheAPIForNoOtherSite(t *testing.T) {
	r := start(t, nil)
	for _, x := range []struct {
		name, method, path string
		header             []string
		status             int
	}{
		{"a program publishes", "POST", "/nacos/v1/cs/configs", nil, 200},
		{"a page of this server publishes", "POST", "/nacos/v1/cs/configs", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"a form of another site publishes", "POST", "/nacos/v1/cs/configs", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 403},
		{"a script of another port publishes", "POST", "/nacos/v1/cs/configs", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		{"a form of another site without Sec-Fetch", "POST", "/nacos/v1/cs/configs", []string{"Origin", "http://evil.example"}, 403},
		{"a page without a name publishes", "POST", "/nacos/v1/cs/configs", []string{"Origin", "null"}, 403},
		{"a page of this server without Sec-Fetch", "POST", "/nacos/v1/cs/configs", []string{"Origin", "http://" + r.addr}, 200},
		{"another site deletes", "DELETE", "/nacos/v1/cs/configs", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors"}, 403},
		{"another site asks what it may", "OPTIONS", "/nacos/v1/cs/configs", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors"}, 403},
		{"a script element of another site reads", "GET", "/nacos/v1/cs/configs", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "script"}, 403},
		{"a person follows a link", "GET", "/nacos/v1/cs/configs", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 200},
		{"a page that is no API decides itself", "GET", "/own", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, 200},
	} {
		t.Run(x.name, func(t *testing.T) {
			resp, body := r.do(t, x.method, x.path, nil, x.header...)
			if resp.StatusCode != x.status || x.status == 403 && !strings.Contains(body, "another site") {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
			if resp.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("other sites may read the answer")
			}
		})
	}
}

func TestPagesTakeNoMorePairsThanAnybodyNeeds(t *testing.T) {
	r := start(t, nil)
	many, few := strings.Repeat("a&", 10_001), strings.Repeat("a&", 9_999)
	for _, x := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
	}{
		{"a form of many fields", "POST", "/form", many, []string{"Content-Type", "application/x-www-form-urlencoded"}, 400},
		{"a form of fewer", "POST", "/form", few + "last=x", []string{"Content-Type", "application/x-www-form-urlencoded"}, 200},
		{"a form of one large field", "POST", "/form", "last=" + strings.Repeat("%26", 100_000), []string{"Content-Type", "application/x-www-form-urlencoded"}, 200},
		{"a long query", "GET", "/own?" + many, "", nil, 400},
		{"many cookies", "GET", "/own", "", []string{"Cookie", strings.Repeat("a;", 10_001)}, 400},
		{"a body that is no form", "POST", "/form", many, []string{"Content-Type", "text/plain"}, 200},
	} {
		t.Run(x.name, func(t *testing.T) {
			if resp, body := r.do(t, x.method, x.path, strings.NewReader(x.body), x.header...); resp.StatusCode != x.status {
				t.Errorf("%d %.200s", resp.StatusCode, body)
			}
		})
	}
}
