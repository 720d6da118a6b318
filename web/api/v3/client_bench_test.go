package v3

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/journal"
	"nacre/web/api/wire"
)

// memory is a journal that decides at once.
type memory struct{ state *config.State }

func (m memory) Submit(_ context.Context, cmd journal.Command) (journal.Result, error) {
	out, _, err := m.state.Decide(cmd)
	return journal.Result{Outcome: out}, err
}

// BenchmarkClientGet compares the hot path with a bare handler that answers the same bytes.
func BenchmarkClientGet(b *testing.B) {
	s, state := config.New(clock.System{}, config.Options{})
	s.Use(memory{state}, nil)
	content := strings.Repeat("server:\n  port: 8080\n  name: shop-0123456789-abcdefghij\n", 19)[:1024]
	if _, err := s.Publish(b.Context(), config.Actor{}, config.Draft{Key: config.Key{Namespace: "public", Group: "DEFAULT_GROUP", DataID: "app.yaml"}, Content: []byte(content), Type: "yaml"}); err != nil {
		b.Fatal(err)
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true, Immutable: true})
	Register(app, Deps{Deps: wire.Deps{
		Configs: s, Clock: clock.System{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		ClientIP: func(c *fiber.Ctx) string { return c.IP() },
	}})
	answer := serve(app, "/nacos/v3/client/cs/config?dataId=app.yaml&groupName=DEFAULT_GROUP", new(fasthttp.RequestCtx))
	if !bytes.Contains(answer, []byte(`"contentType":"yaml"`)) {
		b.Fatalf("got %s", answer)
	}
	answer = bytes.Clone(answer)
	app.Get("/bare", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
		return c.Send(answer)
	})
	for _, bench := range []struct{ name, url string }{
		{"v3", "/nacos/v3/client/cs/config?dataId=app.yaml&groupName=DEFAULT_GROUP"},
		{"bare", "/bare?dataId=app.yaml&groupName=DEFAULT_GROUP"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			ctx := new(fasthttp.RequestCtx)
			for b.Loop() {
				serve(app, bench.url, ctx)
			}
		})
	}
}

func serve(app *fiber.App, url string, ctx *fasthttp.RequestCtx) []byte {
	ctx.Request.Reset()
	ctx.Response.Reset()
	ctx.Request.Header.SetMethod(fiber.MethodGet)
	ctx.Request.SetRequestURI(url)
	app.Handler()(ctx)
	return ctx.Response.Body()
}
