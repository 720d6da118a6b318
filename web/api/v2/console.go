package v2

import (
	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"nacre/server/fault"
	"nacre/server/namespace"
	"nacre/server/resource"
	"nacre/web/api/wire"
)

func (a *api) registerConsole(rt wire.Router) {
	on := func(use string, h handler) fiber.Handler {
		return rt.Gate(wire.ForConsole, use, a.serve(consoleChecked(h)))
	}
	rt.Add("/nacos/v2/console/namespace/list", wire.Method{Name: fiber.MethodGet, Handler: on("GET /v3/console/core/namespace/list", a.namespaces)})
	rt.Add("/nacos/v2/console/namespace",
		wire.Method{Name: fiber.MethodGet, Handler: on("GET /v3/console/core/namespace", a.namespace)},
		wire.Method{Name: fiber.MethodPost, Handler: on("POST /v3/console/core/namespace", a.createNamespace)},
		wire.Method{Name: fiber.MethodPut, Handler: on("PUT /v3/console/core/namespace", a.updateNamespace)},
		wire.Method{Name: fiber.MethodDelete, Handler: on("DELETE /v3/console/core/namespace", a.removeNamespace)})
	rt.Add("/nacos/v2/console/health/liveness", wire.Method{Name: fiber.MethodGet, Handler: on("GET /v3/console/health/liveness", liveness)})
	rt.Add("/nacos/v2/console/health/readiness", wire.Method{Name: fiber.MethodGet, Handler: on("GET /v3/console/health/readiness", a.readiness)})
}

// consoleChecked is h after the parameter check of the console.
func consoleChecked(h handler) handler {
	return func(c *fiber.Ctx, p *wire.Params) error {
		if text := p.CheckConsole(); text != "" {
			return wire.SendCheckFailure(c, text)
		}
		return h(c, p)
	}
}

func (a *api) namespaces(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, a.LegacyNamespaces()) }

func (a *api) namespace(c *fiber.Ctx, p *wire.Params) error {
	id, ok := p.Get("namespaceId")
	if !ok {
		return missing("namespaceId", "String")
	}
	if wire.LegacyNamespace(id) == resource.DefaultNamespace {
		return wire.OK(c, a.DefaultNamespaceInfo(wire.LegacyTenant(resource.DefaultNamespace)))
	}
	n := a.Namespaces.Get(id)
	if n == nil {
		return wire.Refuse(fiber.StatusNotFound, wire.NamespaceNotExist, "namespaceId [ "+id+" ] not exist")
	}
	return wire.OK(c, a.NamespaceInfoOf(n, wire.NamespaceTypeLegacyCustom))
}

// fields returns the id and the name in a form about a namespace.
func fields(p *wire.Params) (id, name string, err error) {
	if name = p.Text("namespaceName"); wire.Blank(name) {
		return "", "", wire.Missing("required parameter 'namespaceName' is missing")
	}
	if !p.Has("namespaceId") {
		return "", "", wire.Missing("required parameter 'namespaceId' is missing")
	}
	return p.Text("namespaceId"), name, nil
}

func (a *api) createNamespace(c *fiber.Ctx, p *wire.Params) error {
	id, name, err := fields(p)
	if err != nil {
		return err
	}
	if wire.Blank(id) {
		id = uuid.NewString()
	}
	err = a.Namespaces.Create(wire.Context(c), namespace.Actor(a.Actor(c, p)), id, name, p.Text("namespaceDesc"))
	if err != nil && fault.KindOf(err) == fault.Conflict {
		return wire.Refuse(fiber.StatusBadRequest, wire.IllegalNamespace, "the namespaceId is existed, namespaceId: "+id)
	}
	if err != nil {
		return err
	}
	return wire.OK(c, true)
}

// updateNamespace changes name and description; that there is no such namespace is no failure.
func (a *api) updateNamespace(c *fiber.Ctx, p *wire.Params) error {
	id, name, err := fields(p)
	if err != nil {
		return err
	}
	if _, err := a.Namespaces.Update(wire.Context(c), namespace.Actor(a.Actor(c, p)), id, name, p.Text("namespaceDesc")); err != nil {
		return err
	}
	return wire.OK(c, true)
}

// removeNamespace takes a namespace away, not what is in it.
func (a *api) removeNamespace(c *fiber.Ctx, p *wire.Params) error {
	id, ok := p.Get("namespaceId")
	if !ok {
		return missing("namespaceId", "String")
	}
	if _, err := a.Namespaces.Remove(wire.Context(c), namespace.Actor(a.Actor(c, p)), id); err != nil {
		return err
	}
	return wire.OK(c, true)
}

func liveness(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, "ok") }

func (a *api) readiness(c *fiber.Ctx, _ *wire.Params) error {
	if err := a.Ready(); err != nil {
		return wire.Refuse(fiber.StatusServiceUnavailable, wire.ServerError, fault.TextOf(err))
	}
	return wire.OK(c, "ok")
}
