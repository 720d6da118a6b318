// Package v1 is the first version of Nacos' HTTP API, which SDKs up to 1.x, scripts and the console
// of 2.x speak: /nacos/v1/cs and the console's namespaces, state and health.
//
// Where versions of Nacos differ it answers as 2.5 does. Answers are compared byte by byte by
// clients, so texts and content types are part of the protocol here, odd as they are.
package v1

import (
	"github.com/gofiber/fiber/v2"

	"nacre/web/api/wire"
	"nacre/web/park"
)

// Deps is what the handlers work on.
type Deps struct {
	wire.Deps
	// Park holds long polls.
	Park *park.Parker
}

// api is the set of handlers.
type api struct{ Deps }

// Register adds the routes to r, whose paths begin with /nacos.
func Register(r fiber.Router, d Deps) {
	a := &api{d}
	rt := wire.Router{Fiber: r, Clock: d.Clock, Switches: d.Switches, Strong: d.Strong}
	a.registerConfigs(rt)
	a.registerHistory(rt)
	a.registerOps(rt)
	a.registerConsole(rt)
	a.registerCluster(rt)
	if d.Naming != nil {
		a.registerNaming(rt)
	}
}

// handler answers a request whose parameters are parsed, or returns an error that fail words.
type handler func(*fiber.Ctx, *wire.Params) error

// serve makes a Fiber handler.
func (a *api) serve(h handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		p := wire.ParamsOf(c)
		defer p.Release()
		if err := h(c, p); err != nil {
			return a.fail(c, err)
		}
		return nil
	}
}

// gate is h, or the answer 410 where class is switched off; use names what is to be used instead.
func gate(rt wire.Router, class wire.Class, use string, h handler) handler {
	if gone := rt.Gone(class, use); gone != nil {
		return func(c *fiber.Ctx, _ *wire.Params) error { return gone(c) }
	}
	return h
}

// checked is h after the parameter check of configurations.
func checked(h handler) handler {
	return func(c *fiber.Ctx, p *wire.Params) error {
		if text := p.CheckConfig(); text != "" {
			return wire.SendCheckFailure(c, text)
		}
		return h(c, p)
	}
}

func (a *api) registerConfigs(rt wire.Router) {
	open := func(use string, h handler) handler { return gate(rt, wire.ForClients, use, h) }
	console := func(use string, h handler) handler { return gate(rt, wire.ForConsole, use, h) }
	rt.Add("/nacos/v1/cs/configs",
		wire.Method{Name: fiber.MethodGet, Handler: a.serve(choose(open("GET /v3/client/cs/config", checked(a.get)),
			form{"search", "accurate", console("GET /v3/console/cs/config/list", a.search)},
			form{"search", "blur", console("GET /v3/console/cs/config/list", a.search)},
			form{"show", "all", console("GET /v3/console/cs/config", checked(a.show))},
			form{"beta", "true", console("GET /v3/console/cs/config/beta", checked(a.queryBeta))},
			form{"export", "true", console("GET /v3/console/cs/config/export", a.export)},
			form{"exportV2", "true", console("GET /v3/console/cs/config/export2", a.export)}))},
		wire.Method{Name: fiber.MethodPost, Handler: a.serve(choose(open("POST /v3/admin/cs/config", checked(a.publish)),
			form{"import", "true", console("GET /v3/console/cs/config/import", checked(a.importZip))},
			form{"clone", "true", console("GET /v3/console/cs/config/clone", checked(a.clone))}))},
		wire.Method{Name: fiber.MethodDelete, Handler: a.serve(choose(open("DELETE /v3/admin/cs/config", checked(a.remove)),
			form{"delType", "ids", console("GET /v3/console/cs/config/batchDelete", checked(a.removeIDs))},
			form{"beta", "true", console("DELETE /v3/console/cs/config/beta", checked(a.stopBeta))}))})
	rt.Add("/nacos/v1/cs/configs/listener",
		wire.Method{Name: fiber.MethodPost, Handler: a.serve(open("", a.listen))},
		wire.Method{Name: fiber.MethodGet, Handler: a.serve(console("GET /v3/console/cs/config/listener", checked(a.listeners)))})
	rt.Add("/nacos/v1/cs/configs/catalog",
		wire.Method{Name: fiber.MethodGet, Handler: a.serve(gate(rt, wire.ForAdmins, "GET /v3/admin/cs/config", checked(a.catalog)))})
}

// form is a pair in a request that chooses another handler for its path and method.
type form struct {
	name, value string
	handler     handler
}

// choose is the handler of the first of forms whose pair a request has, else plain.
func choose(plain handler, forms ...form) handler {
	return func(c *fiber.Ctx, p *wire.Params) error {
		for i := range forms {
			if f := &forms[i]; p.Is(f.name, f.value) {
				return f.handler(c, p)
			}
		}
		return plain(c, p)
	}
}
