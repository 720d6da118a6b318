package probe

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"nacre/server/store/mariadbtest"
)

func TestMain(m *testing.M) {
	code := mariadbtest.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			println(err.Error())
			code = 1
		}
	}
	os.Exit(code)
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// nobody returns an address at which nobody listens.
func nobody(t *testing.T) string {
	ln := listen(t)
	ln.Close()
	return ln.Addr().String()
}

func prober(t *testing.T) *Prober {
	p := New()
	t.Cleanup(p.Close)
	return p
}

func TestTCPAsksForAConnection(t *testing.T) {
	p := prober(t)
	if r := p.Ask(t.Context(), Checker{Type: TCP}, listen(t).Addr().String()); !r.OK {
		t.Errorf("somebody listens: %+v", r)
	}
	if r := p.Ask(t.Context(), Checker{Type: TCP}, nobody(t)); r.OK || !r.Certain || r.Text != "connection refused" {
		t.Errorf("nobody listens: %+v", r)
	}
	if r := p.Ask(t.Context(), Checker{Type: TCP}, "no port"); r.OK {
		t.Errorf("no address: %+v", r)
	}
}

func TestNoneIsAlwaysWell(t *testing.T) {
	for _, typ := range []string{None, "", "SPI"} {
		if r := prober(t).Ask(t.Context(), Checker{Type: typ}, nobody(t)); !r.OK {
			t.Errorf("%q: %+v", typ, r)
		}
	}
}

func TestHTTPLooksAtTheStatus(t *testing.T) {
	var seen *http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r
		switch r.URL.Path {
		case "/slow":
			select {
			case <-r.Context().Done():
			case <-time.After(10 * time.Second):
			}
		case "/busy":
			w.WriteHeader(503)
		case "/elsewhere":
			http.Redirect(w, r, "/", 302)
		case "/gone":
			w.WriteHeader(404)
		case "/made":
			w.WriteHeader(201)
		}
	}))
	defer s.Close()
	at := strings.TrimPrefix(s.URL, "http://")
	p := prober(t)
	for name, c := range map[string]struct {
		checker     Checker
		ok, certain bool
	}{
		"200":                           {Checker{Path: "/"}, true, false},
		"a path without a slash":        {Checker{Path: "x"}, true, false},
		"503 may pass":                  {Checker{Path: "/busy"}, false, false},
		"302 is not followed":           {Checker{Path: "/elsewhere"}, false, false},
		"404 is certain":                {Checker{Path: "/gone"}, false, true},
		"what is expected":              {Checker{Path: "/made", Code: 201}, true, false},
		"503 when it is expected":       {Checker{Path: "/busy", Code: 503}, true, false},
		"200 where another is expected": {Checker{Path: "/", Code: 204}, false, true},
		"no answer in time":             {Checker{Path: "/slow"}, false, false},
		"a path that is none":           {Checker{Path: "/%zz"}, false, true},
	} {
		c.checker.Type = HTTP
		if r := p.Ask(t.Context(), c.checker, at); r.OK != c.ok || r.Certain != c.certain || r.Text == "" || r.Took <= 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	p.Ask(t.Context(), Checker{Type: HTTP, Path: "/h", Headers: "X-A: b|Host:shop.example|:|c"}, at)
	if seen.Header.Get("X-A") != "b" || seen.Host != "shop.example" {
		t.Errorf("headers arrived as %v, host %s", seen.Header, seen.Host)
	}
	if r := p.Ask(t.Context(), Checker{Type: HTTP}, nobody(t)); r.OK || !r.Certain {
		t.Errorf("nobody listens: %+v", r)
	}
}

func TestGRPCAsksTheHealthService(t *testing.T) {
	ln := listen(t)
	s := grpc.NewServer()
	h := health.NewServer()
	grpc_health_v1.RegisterHealthServer(s, h)
	h.SetServingStatus("shop", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	go func() { _ = s.Serve(ln) }()
	defer s.Stop()
	p := prober(t)
	at := ln.Addr().String()
	if r := p.Ask(t.Context(), Checker{Type: GRPC}, at); !r.OK {
		t.Errorf("the server: %+v", r)
	}
	if r := p.Ask(t.Context(), Checker{Type: GRPC, Service: "shop"}, at); r.OK || !r.Certain || r.Text != "NOT_SERVING" {
		t.Errorf("a service that does not serve: %+v", r)
	}
	if r := p.Ask(t.Context(), Checker{Type: GRPC, Service: "nobody"}, at); r.OK || !r.Certain {
		t.Errorf("an unknown service: %+v", r)
	}
	if r := p.Ask(t.Context(), Checker{Type: GRPC}, nobody(t)); r.OK || !r.Certain {
		t.Errorf("nobody listens: %+v", r)
	}
	silent := listen(t)
	if r := p.Ask(t.Context(), Checker{Type: GRPC}, silent.Addr().String()); r.OK || r.Certain {
		t.Errorf("somebody who says nothing: %+v", r)
	}
}

func TestMySQLRunsTheCommand(t *testing.T) {
	server := mariadbtest.Shared(t)
	cfg, err := mysql.ParseDSN(server.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	c := Checker{Type: MySQL, User: cfg.User, Password: cfg.Passwd}
	p := prober(t)
	for command, want := range map[string]Result{
		"select 1":    {OK: true},
		readOnly:      {OK: true},
		"select nope": {Certain: true},
	} {
		c.Command = command
		if r := p.Ask(t.Context(), c, cfg.Addr); r.OK != want.OK || r.Certain != want.Certain {
			t.Errorf("%s: %+v", command, r)
		}
	}
	c.Command, c.Password = "select 1", "wrong"
	if r := p.Ask(t.Context(), c, cfg.Addr); r.OK || !r.Certain {
		t.Errorf("a wrong password: %+v", r)
	}
	if r := p.Ask(t.Context(), c, nobody(t)); r.OK || !r.Certain {
		t.Errorf("nobody listens: %+v", r)
	}
	if r := p.Ask(t.Context(), c, listen(t).Addr().String()); r.OK || r.Certain {
		t.Errorf("somebody who says nothing: %+v", r)
	}
}
