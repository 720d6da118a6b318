package v1

import (
	"fmt"
	"io"
	"log/slog"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"nacre/server/clock"
	"nacre/server/naming"
	"nacre/web/api/wire"
)

// BenchmarkNaming measures what clients call all the time.
func BenchmarkNaming(b *testing.B) {
	registry, _ := naming.New(naming.Config{Clock: clock.System{}})
	app := fiber.New(fiber.Config{DisableStartupMessage: true, Immutable: true})
	Register(app, Deps{Deps: wire.Deps{
		Naming: registry, Clock: clock.System{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), ClientIP: func(c *fiber.Ctx) string { return c.IP() },
		Switches: wire.Switches{Clients: true, Admins: true, Console: true},
	}})
	handle := app.Handler()
	const who = "serviceName=DEFAULT_GROUP%40%40orders&groupName=DEFAULT_GROUP&namespaceId=public&"
	full := who + "beat=%7B%22port%22%3A8080%2C%22ip%22%3A%2210.0.0.1%22%2C%22weight%22%3A1.0%2C%22serviceName%22%3A%22DEFAULT_GROUP%40%40orders%22%2C%22cluster%22%3A%22DEFAULT%22%2C" +
		"%22metadata%22%3A%7B%22zone%22%3A%22a%22%7D%2C%22scheduled%22%3Afalse%2C%22period%22%3A5000%2C%22stopped%22%3Afalse%7D"
	for n := range 100 {
		i := naming.Instance{IP: fmt.Sprintf("10.1.0.%d", n), Port: 80, Weight: 1, Healthy: true, Enabled: true, IDForm: naming.IDSimple}
		if err := registry.RegisterHTTP(naming.Actor{}, naming.Key{Namespace: "public", Group: "DEFAULT_GROUP", Name: "hundred"}, i); err != nil {
			b.Fatal(err)
		}
	}
	for _, bench := range []struct{ name, method, url string }{
		{"register", "POST", "/nacos/v1/ns/instance?" + who + "ip=10.0.0.1&port=8080&clusterName=DEFAULT&weight=1.0&enable=true&healthy=true&ephemeral=true&metadata=%7B%22zone%22%3A%22a%22%7D"},
		{"beat", "PUT", "/nacos/v1/ns/instance/beat?" + who + "ip=10.0.0.1&port=8080&clusterName=DEFAULT"},
		{"beat full", "PUT", "/nacos/v1/ns/instance/beat?" + full},
		{"list of 1", "GET", "/nacos/v1/ns/instance/list?" + who + "clusters=&udpPort=0&healthyOnly=false"},
		{"list of 100", "GET", "/nacos/v1/ns/instance/list?serviceName=hundred&healthyOnly=false"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			ctx := new(fasthttp.RequestCtx)
			for b.Loop() {
				ctx.Request.Reset()
				ctx.Response.Reset()
				ctx.Request.Header.SetMethod(bench.method)
				ctx.Request.SetRequestURI(bench.url)
				handle(ctx)
			}
			if ctx.Response.StatusCode() != fiber.StatusOK {
				b.Fatalf("%s", ctx.Response.Body())
			}
		})
	}
}
