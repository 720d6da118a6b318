package v1_test

import (
	"log/slog"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/resource"
	v1 "nacre/web/api/v1"
	"nacre/web/api/wire"
)

// serve runs a handler on one request over and over.
func serve(b *testing.B, app *fiber.App, uri string, want int) {
	h := app.Handler()
	var ctx fasthttp.RequestCtx
	var req fasthttp.Request
	req.SetRequestURI(uri)
	b.ReportAllocs()
	for b.Loop() {
		ctx.Init(&req, nil, nil)
		h(&ctx)
		if got := ctx.Response.StatusCode(); got != want {
			b.Fatalf("status %d", got)
		}
		ctx.Response.Reset()
	}
}

// BenchmarkGet is a read through the handler, against a bare handler that returns the same bytes and
// headers.
func BenchmarkGet(b *testing.B) {
	content := make([]byte, 1024)
	for i := range content {
		content[i] = 'x'
	}
	const uri = "http://127.0.0.1:8848/nacos/v1/cs/configs?dataId=app-1.yaml&group=DEFAULT_GROUP&tenant=dev"
	b.Run("v1", func(b *testing.B) {
		configs, state := config.New(clock.System{}, config.Options{})
		state.LoadEntry(&config.Entry{
			Key: resource.ConfigKey{Namespace: "dev", Group: "DEFAULT_GROUP", DataID: "app-1.yaml"}, Content: content, MD5: config.MD5(content), Type: "yaml",
		})
		app := fiber.New(fiber.Config{Immutable: true, StrictRouting: true, CaseSensitive: true})
		v1.Register(app, v1.Deps{Deps: wire.Deps{
			Configs: configs, Clock: clock.System{}, Log: slog.Default(), Switches: wire.Switches{Clients: true, Admins: true, Console: true},
			ClientIP: func(*fiber.Ctx) string { return "127.0.0.1" },
		}})
		serve(b, app, uri, fiber.StatusOK)
	})
	b.Run("bare", func(b *testing.B) {
		app := fiber.New(fiber.Config{Immutable: true, StrictRouting: true, CaseSensitive: true})
		app.Get("/nacos/v1/cs/configs", func(c *fiber.Ctx) error {
			c.Set("Config-Type", "yaml")
			c.Set("Content-MD5", "d41d8cd98f00b204e9800998ecf8427e")
			c.Set("Cache-Control", "no-cache,no-store")
			c.Set("Pragma", "no-cache")
			c.Set("Expires", "Thu, 01 Jan 1970 00:00:00 GMT")
			c.Set("Last-Modified", "Thu, 01 Jan 1970 00:00:00 GMT")
			c.Set("Encrypted-Data-Key", "")
			c.Set("Content-Type", "text/plain;charset=UTF-8")
			return c.Send(content)
		})
		serve(b, app, uri, fiber.StatusOK)
	})
}
