package web

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"

	"nacre/server/settings"
	"nacre/web/conn"
)

// family is a kind of paths, for counting.
type family uint8

const (
	familyOther family = iota
	familyV1
	familyV2
	familyV3
	familyNacos // below /nacos, but of no version
	familyOwn
	families
)

var familyNames = [families]string{"other", "v1", "v2", "v3", "nacos", "nacre"}

func familyOf(path []byte) family {
	rest, ok := bytes.CutPrefix(path, []byte("/nacos/"))
	if !ok {
		if bytes.HasPrefix(path, []byte("/nacre/")) {
			return familyOwn
		}
		return familyOther
	}
	if len(rest) > 2 && rest[0] == 'v' && rest[2] == '/' && rest[1] >= '1' && rest[1] <= '3' {
		return familyV1 + family(rest[1]-'1')
	}
	return familyNacos
}

// accessLog writes a line for requests, for at most rate of them a second where it samples. Half of
// those are kept for errors. What it left out it says in the next second.
type accessLog struct {
	log     *slog.Logger
	every   bool
	rate    int64
	plain   int64 // of rate, for answers that are no errors
	second  atomic.Int64
	shown   atomic.Int64 // in that second
	dropped atomic.Int64 // since the last word on it
	total   atomic.Int64
}

func newAccessLog(log *slog.Logger, mode string, rate int) *accessLog {
	a := &accessLog{log: log}
	switch mode {
	case settings.AccessOn:
		a.every = true
	case settings.AccessSampled:
		a.rate = max(int64(rate), 0)
		a.plain = (a.rate + 1) / 2
	}
	return a
}

// wants says whether a request that began at t is to be logged.
func (a *accessLog) wants(t time.Time, status int) bool {
	if a.every || a.rate == 0 {
		return a.every
	}
	if now := t.Unix(); now > a.second.Load() {
		if last := a.second.Swap(now); last < now {
			a.shown.Store(0)
			a.flush()
		}
	}
	limit := a.plain
	if status >= 400 {
		limit = a.rate
	}
	if a.shown.Load() < limit && a.shown.Add(1) <= limit {
		return true
	}
	a.dropped.Add(1)
	a.total.Add(1)
	return false
}

// flush says how many requests were left out.
func (a *accessLog) flush() {
	if n := a.dropped.Swap(0); n > 0 {
		a.log.Info("requests not shown", "count", n)
	}
}

// write logs a request without its query, which may hold tokens and contents.
func (a *accessLog) write(ctx *fasthttp.RequestCtx, status int, took time.Duration) {
	peer := ""
	if c, ok := conn.Of(ctx); ok {
		peer = c.PeerIP()
	}
	attrs := []slog.Attr{slog.String("method", string(ctx.Method())), slog.String("path", string(ctx.Path())),
		slog.Int("status", status), slog.Duration("took", took.Round(time.Microsecond)), slog.String("peer", peer)}
	if via := ctx.Request.Header.Peek(fiber.HeaderXForwardedFor); len(via) > 0 {
		attrs = append(attrs, slog.String("forwarded", string(via)))
	}
	if ctx.Hijacked() {
		attrs = append(attrs, slog.Bool("waits", true))
	}
	a.log.LogAttrs(context.Background(), slog.LevelInfo, "request", attrs...)
}

// serveHTTP serves a handler of net/http.
func serveHTTP(h http.Handler) fiber.Handler {
	fast := fasthttpadaptor.NewFastHTTPHandler(h)
	return func(c *fiber.Ctx) error {
		fast(c.Context())
		return nil
	}
}
