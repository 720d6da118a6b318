package v3_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"nacre/server/clock"
	"nacre/server/journal"
	"nacre/server/naming"
	"nacre/server/view"
	v1 "nacre/web/api/v1"
	v2 "nacre/web/api/v2"
	v3 "nacre/web/api/v3"
	"nacre/web/api/wire"
)

// memory is a journal that decides at once.
type memory struct{ state *naming.State }

func (m memory) Submit(_ context.Context, cmd journal.Command) (journal.Result, error) {
	out, _, err := m.state.Decide(cmd)
	return journal.Result{Outcome: out}, err
}

// FuzzNaming sends any parameters to any path of naming: no answer says that something is wrong with the server, and what is
// labelled as JSON is JSON.
func FuzzNaming(f *testing.F) {
	registry, state := naming.New(naming.Config{Clock: clock.System{}, MaxInstances: 1000, MaxServices: 1000})
	registry.Use(memory{state})
	deps := wire.Deps{
		Naming: registry, Nodes: view.New(view.Config{Naming: registry}), Clock: clock.System{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), ClientIP: func(c *fiber.Ctx) string { return c.IP() },
		Switches: wire.Switches{Clients: true, Admins: true, Console: true}, Machine: new(wire.Machine),
		Subscribed: func(wire.Asker, naming.Key, string) {}, SetLogLevel: func(string) error { return nil },
	}
	app := fiber.New(fiber.Config{CaseSensitive: true, StrictRouting: true, Immutable: true})
	v1.Register(app, v1.Deps{Deps: deps})
	v2.Register(app, v2.Deps{Deps: deps})
	v3.Register(app, v3.Deps{Deps: deps})
	var paths []string
	for _, routes := range app.Stack() {
		for _, r := range routes {
			if r.Method == fiber.MethodGet && strings.Contains(r.Path, "/ns/") {
				paths = append(paths, r.Path)
			}
		}
	}
	if len(paths) < 50 {
		f.Fatalf("only %d paths", len(paths))
	}
	methods := []string{"GET", "POST", "PUT", "DELETE", "PATCH"}
	instance := "serviceName=s&ip=10.0.0.1&port=80&groupName=g&namespaceId=n&clusterName=c&weight=1&enabled=true&healthy=true&metadata=a%3Db"
	for _, seed := range []string{
		instance, "serviceName=g%40%40s&pageNo=1&pageSize=2", "serviceName=s&protectThreshold=0.5&selector=%7B%22type%22%3A%22none%22%7D&metadata=%7B%22a%22%3A1%7D", "entry=check&value=true&debug=true",
		"serviceName=s&beat=%7B%22ip%22%3A%2210.0.0.1%22%2C%22port%22%3A80%7D", instance + "&checkPort=80&useInstancePort4Check=true&healthChecker=%7B%22type%22%3A%22HTTP%22%7D", "clientId=x",
		"serviceNameParam=%5B&groupNameParam=x&pageNo=1&pageSize=1&withInstances=true&hasIpCount=true", "key=n%23%23g%40%40s", instance + "&ephemeral=false", "serviceName=s&metadata=a%3Db&instances=%5B%5D",
		"serviceName=s&pageNo=-2147483648&pageSize=2147483647", "entry=overriddenServerStatus&value=READ_ONLY&debug=true", "entry=overriddenServerStatus&value=null&debug=true", "serviceName=%ff&ip=%ff&metadata=%ff%3D%ff",
	} {
		for path := range 8 {
			f.Add(uint8(path*13), uint8(path), seed, path%2 == 0)
		}
	}
	handle := app.Handler()
	f.Fuzz(func(t *testing.T, path, method uint8, form string, inQuery bool) {
		var ctx fasthttp.RequestCtx
		ctx.Request.Header.SetMethod(methods[int(method)%len(methods)])
		uri := strings.Replace(paths[int(path)%len(paths)], ":key", "g@@s", 1)
		if inQuery {
			ctx.Request.SetRequestURI(uri)
			ctx.Request.URI().SetQueryString(form)
		} else {
			ctx.Request.SetRequestURI(uri)
			ctx.Request.Header.SetContentType("application/x-www-form-urlencoded")
			ctx.Request.SetBodyString(form)
		}
		ctx.Request.Header.Set("User-Agent", "Nacos-Java-Client:v1.4.8")
		handle(&ctx)
		r := &ctx.Response
		if r.StatusCode() == fiber.StatusInternalServerError {
			t.Fatalf("%s %s %q: %d %s", ctx.Method(), uri, form, r.StatusCode(), r.Body())
		}
		if strings.HasPrefix(string(r.Header.ContentType()), "application/json") && len(r.Body()) > 0 && !json.Valid(r.Body()) {
			t.Fatalf("%s %s %q: %q is no JSON", ctx.Method(), uri, form, r.Body())
		}
	})
}
