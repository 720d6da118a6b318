// Package v3 is Nacos' HTTP API of version 3.1: for clients, for administration and for the console.
//
// Answers are those of Nacos 3.1, save for its faults (a number that does not parse answers 400, an
// unknown history row 404). The console's paths answer here, too, as this server has one port.
package v3

import (
	"github.com/gofiber/fiber/v2"

	"nacre/web/api/wire"
)

// Deps is what the API needs.
type Deps struct{ wire.Deps }

type api struct {
	Deps
	answers answers
}

// Register adds the routes to r, whose paths begin with /nacos.
func Register(r fiber.Router, d Deps) {
	a := &api{Deps: d}
	router := wire.Router{Fiber: r, Clock: d.Clock, Strong: d.Strong}
	get := func(h handler) wire.Method { return wire.Method{Name: fiber.MethodGet, Handler: a.enveloped(h)} }
	post := func(h handler) wire.Method { return wire.Method{Name: fiber.MethodPost, Handler: a.enveloped(h)} }
	put := func(h handler) wire.Method { return wire.Method{Name: fiber.MethodPut, Handler: a.enveloped(h)} }
	del := func(h handler) wire.Method { return wire.Method{Name: fiber.MethodDelete, Handler: a.enveloped(h)} }

	router.Add("/nacos/v3/client/cs/config", wire.Method{Name: fiber.MethodGet, Handler: a.clientGet})

	for _, at := range []struct {
		prefix string
		side   side
	}{{"/nacos/v3/admin/cs", admin}, {"/nacos/v3/console/cs", console}} {
		p, s := at.prefix, at.side
		router.Add(p+"/config", del(a.removeConfig), get(s.of(a.getConfig)), post(a.publishConfig))
		router.Add(p+"/config/list", get(s.of(a.listConfigs)))
		router.Add(p+"/config/listener", get(a.listenersOfConfig))
		router.Add(p+"/config/beta", del(a.removeBeta), get(s.of(a.getBeta)))
		router.Add(p+"/config/import", post(s.of(a.importConfigs)))
		router.Add(p+"/config/clone", post(s.of(a.cloneConfigs)))
		router.Add(p+"/history", get(a.historyRow))
		router.Add(p+"/history/list", get(a.listHistory))
		router.Add(p+"/history/previous", get(a.previousHistory))
		router.Add(p+"/history/configs", get(a.historyConfigs))
	}
	router.Add("/nacos/v3/admin/cs/config/batch", del(a.removeConfigs))
	router.Add("/nacos/v3/admin/cs/config/export", get(a.exportConfigs))
	router.Add("/nacos/v3/admin/cs/listener", get(a.listenersOfAddress))
	router.Add("/nacos/v3/admin/cs/capacity", get(a.getCapacity), post(a.setCapacity))
	router.Add("/nacos/v3/admin/cs/ops/localCache", post(a.localCache))
	router.Add("/nacos/v3/admin/cs/ops/log", put(a.setLogLevel))
	router.Add("/nacos/v3/admin/cs/ops/derby", get(a.derby))
	router.Add("/nacos/v3/admin/cs/ops/derby/import", post(a.derbyImport))
	router.Add("/nacos/v3/admin/cs/metrics/cluster", get(a.clientMetrics))
	router.Add("/nacos/v3/admin/cs/metrics/ip", get(a.clientMetrics))

	router.Add("/nacos/v3/console/cs/config/batchDelete", del(a.removeConfigs))
	router.Add("/nacos/v3/console/cs/config/searchDetail", get(admin.of(a.listConfigs)))
	router.Add("/nacos/v3/console/cs/config/listener/ip", get(a.listenersOfAddress))
	router.Add("/nacos/v3/console/cs/config/export2", get(a.exportConfigs))

	for prefix, s := range map[string]side{"/nacos/v3/admin/core/namespace": admin, "/nacos/v3/console/core/namespace": console} {
		router.Add(prefix, del(a.removeNamespace), get(s.of(a.getNamespace)), post(s.of(a.createNamespace)), put(s.of(a.updateNamespace)))
		router.Add(prefix+"/list", get(a.listNamespaces))
	}
	router.Add("/nacos/v3/admin/core/namespace/check", get(a.countNamespace))
	router.Add("/nacos/v3/console/core/namespace/exist", get(a.namespaceExists))

	router.Add("/nacos/v3/admin/core/loader/current", get(a.connections))
	router.Add("/nacos/v3/admin/core/loader/cluster", get(a.loads))
	router.Add("/nacos/v3/admin/core/loader/reloadCurrent", post(a.reload))
	router.Add("/nacos/v3/admin/core/loader/smartReloadCluster", post(a.balance))
	router.Add("/nacos/v3/admin/core/loader/reloadClient", post(a.reloadClient))
	router.Add("/nacos/v3/admin/core/state", get(a.adminState))
	router.Add("/nacos/v3/admin/core/state/liveness", get(a.liveness))
	router.Add("/nacos/v3/admin/core/state/readiness", get(a.readiness))
	router.Add("/nacos/v3/console/server/state", get(a.consoleState))
	router.Add("/nacos/v3/console/server/announcement", get(a.announcement))
	router.Add("/nacos/v3/console/server/guide", get(a.guide))
	router.Add("/nacos/v3/console/health/liveness", get(a.liveness))
	router.Add("/nacos/v3/console/health/readiness", get(a.readiness))
	router.Add("/nacos/actuator/health", get(a.actuator))
	a.registerCluster(router)
	if d.Naming != nil {
		a.registerNaming(router)
	}
}

// side tells the two spellings of the API apart, where they differ.
type side bool

const (
	admin   side = false
	console side = true
)

// handler serves a request of which the parameters are read. What it returns is answered in the envelope.
type handler func(c *fiber.Ctx, p *wire.Params) error

// of makes a handler of a function that also asks which side it serves.
func (s side) of(f func(*fiber.Ctx, *wire.Params, side) error) handler {
	return func(c *fiber.Ctx, p *wire.Params) error { return f(c, p, s) }
}

// enveloped returns a Fiber handler that reads the parameters for h and answers its failures.
func (a *api) enveloped(h handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		p := wire.ParamsOf(c)
		defer p.Release()
		err := h(c, p)
		if err == nil {
			return nil
		}
		return wire.Fail(c, a.Log, err)
	}
}

// check makes the parameter check of the configurations' paths.
func check(p *wire.Params) error {
	if text := p.CheckConfig(); text != "" {
		return wire.CheckFailure(text)
	}
	return nil
}
