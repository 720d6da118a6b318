// Package web is the HTTP side of the server: the Fiber app, the connections under it, what all paths
// have in common, and the end.
//
// What is common lies around the app and not in middleware: panics, access log, counters, the
// cache headers of Nacos' paths, answers to what no route takes, limits on what is read. The packages
// under web/api register the routes.
package web

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"nacre/server/clock"
	"nacre/server/settings"
	"nacre/web/clientip"
	"nacre/web/conn"
	"nacre/web/park"
	"nacre/web/site"
)

// Config is what the web side needs. All may be nil but Settings must be valid.
type Config struct {
	// Settings are those of the server: BodyLimit, LongPollMaxWaiting, TrustedProxies, AccessLog,
	// AccessLogRate, DrainTimeout count here.
	Settings settings.Settings
	Clock    clock.Clock
	Log      *slog.Logger
	// Ready says in words why the server is not ready; none means it is. It must not block.
	Ready func() []string
	// Metrics serves /metrics; nil leaves the path out.
	Metrics http.Handler
	// Count is told every answer, by kind of path ("v1", "v2", "v3", "nacos", "nacre", "other") and status. It must
	// not block.
	Count func(kind string, status int)
	// PollHeader are the header lines of answers to parked polls; "" for those of package park.
	PollHeader string
	// HTTP2 gets connections that begin with HTTP/2's preface; nil refuses them.
	HTTP2 func(net.Conn)
	// Leaving is called when Draining has ended, and waits until those who read streams and sockets have had their last
	// words, or ctx ends; nil where there are none.
	Leaving func(ctx context.Context)
}

// farewell is how long the last words may take.
const farewell = 2 * time.Second

// Server is the HTTP server. Routes are registered on App between New and Serve.
type Server struct {
	cfg     Config
	app     *fiber.App
	handler fasthttp.RequestHandler
	conns   *conn.Server
	parker  *park.Parker
	proxies clientip.Proxies
	access  *accessLog
	uploads *uploads
	parked  atomic.Int64

	draining context.Context
	drain    context.CancelFunc
	stopping atomic.Bool
	build    sync.Once
}

// New returns a server that listens nowhere yet. Shutdown must be called in the end also when Serve
// never was.
func New(cfg Config) (*Server, error) {
	if cfg.Clock == nil {
		cfg.Clock = clock.System{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	proxies, err := clientip.Parse(cfg.Settings.TrustedProxies)
	if err != nil {
		return nil, fmt.Errorf("trusted-proxies: %w", err)
	}
	s := &Server{
		cfg: cfg, proxies: proxies,
		access:  newAccessLog(cfg.Log, cfg.Settings.AccessLog, cfg.Settings.AccessLogRate),
		uploads: newUploads(int64(cfg.Settings.BodyLimit())),
	}
	s.draining, s.drain = context.WithCancel(context.Background())
	s.app = fiber.New(fiber.Config{
		AppName:               "nacre",
		BodyLimit:             cfg.Settings.BodyLimit(),
		CaseSensitive:         true,
		StrictRouting:         true,
		Immutable:             true,
		Network:               fiber.NetworkTCP,
		DisableStartupMessage: true,
		ErrorHandler:          s.onError,
	})
	s.health()
	s.conns, err = conn.New(conn.Config{
		Handler: s.handle, ErrorHandler: s.onUnreadable,
		HeaderReceived: s.uploads.received, ExpectHandler: s.onExpect,
		HTTP2: cfg.HTTP2, Log: cfg.Log, MaxBody: cfg.Settings.BodyLimit(), MaxHead: maxHead,
	})
	if err != nil {
		return nil, err
	}
	s.parker = park.New(park.Config{MaxWaiting: cfg.Settings.LongPollMaxWaiting, Header: cfg.PollHeader, Log: cfg.Log})
	return s, nil
}

// App returns the Fiber app to register routes on, before Serve.
func (s *Server) App() *fiber.App { return s.app }

// Parker returns who holds long polls.
func (s *Server) Parker() *park.Parker { return s.parker }

// Draining ends when the server begins to stop: handlers that wait end their answers then.
func (s *Server) Draining() context.Context { return s.draining }

// ClientIP returns the address a request comes from, as package clientip has it. The string may be kept.
func (s *Server) ClientIP(c *fiber.Ctx) string { return s.proxies.Of(c) }

// Listen opens a TCP listener on addr, host:port.
func Listen(addr string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", addr, err)
	}
	return ln, nil
}

// Serve serves connections from ln, a TCP listener that it closes in the end, until Shutdown.
func (s *Server) Serve(ln net.Listener) error {
	s.routes()
	return s.conns.Serve(ln)
}

// routes fixes what App holds.
func (s *Server) routes() { s.build.Do(func() { s.handler = s.app.Handler() }) }

// Shutdown stops: it says not ready, answers every waiting poll with nothing changed, stops
// accepting, lets requests under way end until ctx or the drain timeout does, and closes all connections, those that
// were taken over too. The error tells what was cut off. A second call returns nil at once.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.stopping.Swap(true) {
		return nil
	}
	if d := s.cfg.Settings.DrainTimeout; d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	s.drain()
	pollErr := s.parker.Drain(ctx)
	if s.cfg.Leaving != nil { // connections that were taken over are closed below, whoever uses them
		words, done := context.WithTimeout(ctx, farewell)
		s.cfg.Leaving(words)
		done()
	}
	err := s.conns.Shutdown(ctx)
	s.parker.Close()
	s.access.flush()
	if err == nil {
		err = pollErr
	}
	return err
}

// handle is around every request.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	defer s.recovered(ctx)
	family := familyOf(ctx.Path())
	if family != familyOther {
		noCache(&ctx.Response.Header)
	}
	// Bodies are taken as they are, as Tomcat does: Fiber and fasthttp would unpack one, however large it becomes.
	ctx.Request.Header.Del(fiber.HeaderContentEncoding)
	switch {
	case family != familyOther && !site.Harmless(&ctx.Request.Header):
		s.container(ctx, fiber.StatusForbidden, "a browser sent this for a page of another site")
	case family == familyOther && overfull(ctx):
		s.container(ctx, fiber.StatusBadRequest, "the request has too many parameters")
	default:
		s.handler(ctx)
	}
	if s.stopping.Load() {
		ctx.SetConnectionClose()
	}
	s.uploads.release(ctx)
	s.account(ctx, family)
}

// noCache sets the headers that Nacos' framework sets on every answer; handlers replace them where the
// protocol says so.
func noCache(h *fasthttp.ResponseHeader) {
	h.SetCanonical(headerCacheControl, valueNoCache)
	h.SetCanonical(headerPragma, valuePragma)
	h.SetCanonical(headerExpires, valueExpires)
}

var (
	headerCacheControl = []byte(fiber.HeaderCacheControl)
	headerPragma       = []byte(fiber.HeaderPragma)
	headerExpires      = []byte(fiber.HeaderExpires)
	valueNoCache       = []byte("no-cache, no-store, max-age=0, must-revalidate")
	valuePragma        = []byte("no-cache")
	valueExpires       = []byte("0")
)

// recovered makes a panic a logged 500.
func (s *Server) recovered(ctx *fasthttp.RequestCtx) {
	p := recover()
	if p == nil {
		return
	}
	s.cfg.Log.Error("a request panicked", "method", string(ctx.Method()), "path", string(ctx.Path()),
		"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	ctx.Response.Reset()
	s.container(ctx, fiber.StatusInternalServerError, "internal error")
	s.uploads.release(ctx)
	s.account(ctx, familyOf(ctx.Path()))
}

// account counts and logs a request that was answered, or parked.
func (s *Server) account(ctx *fasthttp.RequestCtx, family family) {
	status := ctx.Response.StatusCode()
	if ctx.Hijacked() {
		s.parked.Add(1) // answered later, if at all
	} else if s.cfg.Count != nil {
		s.cfg.Count(familyNames[family], status)
	}
	if began := ctx.Time(); s.access.wants(began, status) {
		took := time.Duration(0)
		if !began.IsZero() {
			took = clock.Mono().Sub(began)
		}
		s.access.write(ctx, status, took)
	}
}

// health registers the paths that say how the server is.
func (s *Server) health() {
	s.app.Get("/livez", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderCacheControl, "no-store")
		return c.SendString("ok\n")
	})
	s.app.Get("/readyz", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderCacheControl, "no-store")
		reasons := s.NotReady()
		if len(reasons) == 0 {
			return c.SendString("ready\n")
		}
		c.Status(fiber.StatusServiceUnavailable)
		text := "not ready\n"
		for _, r := range reasons {
			text += "- " + r + "\n"
		}
		return c.SendString(text)
	})
	if s.cfg.Metrics != nil {
		s.app.Get("/metrics", serveHTTP(s.cfg.Metrics))
	}
}

// NotReady says in words why the server is not ready, for Nacos' readiness paths too; none: it is ready.
func (s *Server) NotReady() []string {
	if s.draining.Err() != nil {
		return []string{"the server is stopping"}
	}
	if s.cfg.Ready == nil {
		return nil
	}
	return s.cfg.Ready()
}

// Stats are the web side's figures for metrics.
type Stats struct {
	Conns conn.Stats
	Polls park.Stats
	// Parked counts requests that became waiting polls, AccessLogDropped lines that the access log left out.
	Parked, AccessLogDropped int64
}

// Stats returns the present figures.
func (s *Server) Stats() Stats {
	return Stats{Conns: s.conns.Stats(), Polls: s.parker.Stats(), Parked: s.parked.Load(), AccessLogDropped: s.access.total.Load()}
}

// readTimeout bounds a request by its size: clients send at 128 KiB/s or faster.
func readTimeout(size int64) time.Duration {
	return 15*time.Second + time.Duration(size)*time.Second/(128<<10)
}
