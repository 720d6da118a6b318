package v1

import (
	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"nacre/server/fault"
	"nacre/server/namespace"
	"nacre/server/resource"
	"nacre/web/api/wire"
)

func (a *api) registerConsole(rt wire.Router) {
	on := func(use string, h handler) handler { return gate(rt, wire.ForConsole, use, consoleChecked(h)) }
	rt.Add("/nacos/v1/console/namespaces",
		wire.Method{Name: fiber.MethodGet, Handler: a.serve(choose(on("GET /v3/console/core/namespace/list", a.namespaces),
			form{"show", "all", on("GET /v3/console/core/namespace", a.namespace)},
			form{"checkNamespaceIdExist", "true", on("GET /v3/console/core/namespace/exist", a.namespaceExists)}))},
		wire.Method{Name: fiber.MethodPost, Handler: a.serve(on("POST /v3/console/core/namespace", a.createNamespace))},
		wire.Method{Name: fiber.MethodPut, Handler: a.serve(on("PUT /v3/console/core/namespace", a.updateNamespace))},
		wire.Method{Name: fiber.MethodDelete, Handler: a.serve(on("DELETE /v3/console/core/namespace", a.removeNamespace))})
	for path, h := range map[string]handler{
		"/server/state": a.state, "/server/announcement": nothing, "/server/guide": nothing,
		"/health/liveness": liveness, "/health/readiness": a.readiness,
	} {
		rt.Add("/nacos/v1/console"+path, wire.Method{Name: fiber.MethodGet, Handler: a.serve(on("GET /v3/console"+path, h))})
	}
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

// required returns a parameter that the console's handlers can't do without. Its absence is a 500 in
// Nacos.
func required(p *wire.Params, name string) (string, error) {
	v, ok := p.Get(name)
	if !ok {
		return "", caused(fiber.StatusInternalServerError, "Required request parameter '"+name+"' for method parameter type String is not present")
	}
	return v, nil
}

func sendBool(c *fiber.Ctx, yes bool) error { return sendJSON(c, fiber.StatusOK, yes) }

func (a *api) namespaces(c *fiber.Ctx, _ *wire.Params) error {
	return sendJSON(c, fiber.StatusOK, wire.Rest("", a.LegacyNamespaces()))
}

func (a *api) namespace(c *fiber.Ctx, p *wire.Params) error {
	id, err := required(p, "namespaceId")
	if err != nil {
		return err
	}
	if wire.LegacyNamespace(id) == resource.DefaultNamespace {
		return sendJSON(c, fiber.StatusOK, a.DefaultNamespaceInfo(wire.LegacyTenant(resource.DefaultNamespace)))
	}
	n := a.Namespaces.Get(id)
	if n == nil {
		return caused(fiber.StatusInternalServerError, "namespaceId [ "+id+" ] not exist")
	}
	return sendJSON(c, fiber.StatusOK, a.NamespaceInfoOf(n, wire.NamespaceTypeLegacyCustom))
}

func (a *api) namespaceExists(c *fiber.Ctx, p *wire.Params) error {
	id, err := required(p, "customNamespaceId")
	if err != nil {
		return err
	}
	return sendBool(c, !wire.Blank(id) && a.Namespaces.Exists(id))
}

// createNamespace makes a namespace; an id that is taken is answered with false.
func (a *api) createNamespace(c *fiber.Ctx, p *wire.Params) error {
	id, err := required(p, "customNamespaceId")
	if err != nil {
		return err
	}
	name, err := required(p, "namespaceName")
	if err != nil {
		return err
	}
	if wire.Blank(id) {
		id = uuid.NewString()
	}
	err = a.Namespaces.Create(wire.Context(c), namespace.Actor(a.Actor(c, p)), id, name, p.Text("namespaceDesc"))
	switch fault.KindOf(err) {
	case fault.Conflict, fault.Invalid:
		return sendBool(c, false)
	}
	if err != nil {
		return err
	}
	return sendBool(c, true)
}

// updateNamespace changes name and description; that there is no such namespace is no failure.
func (a *api) updateNamespace(c *fiber.Ctx, p *wire.Params) error {
	id, err := required(p, "namespace")
	if err != nil {
		return err
	}
	name, err := required(p, "namespaceShowName")
	if err != nil {
		return err
	}
	_, err = a.Namespaces.Update(wire.Context(c), namespace.Actor(a.Actor(c, p)), id, name, p.Text("namespaceDesc"))
	if fault.KindOf(err) == fault.Invalid {
		return sendBool(c, false)
	}
	if err != nil {
		return err
	}
	return sendBool(c, true)
}

// removeNamespace takes a namespace away, not what is in it.
func (a *api) removeNamespace(c *fiber.Ctx, p *wire.Params) error {
	id, err := required(p, "namespaceId")
	if err != nil {
		return err
	}
	if _, err := a.Namespaces.Remove(wire.Context(c), namespace.Actor(a.Actor(c, p)), id); err != nil {
		return err
	}
	return sendBool(c, true)
}

// state answers with what the old console asks for at its start.
func (a *api) state(c *fiber.Ctx, _ *wire.Params) error {
	return sendJSON(c, fiber.StatusOK, a.Info.State())
}

// nothing answers that there is no announcement and no guide.
func nothing(c *fiber.Ctx, _ *wire.Params) error {
	return sendJSON(c, fiber.StatusOK, wire.Rest("", nil))
}

func liveness(c *fiber.Ctx, _ *wire.Params) error { return sendText(c, fiber.StatusOK, "OK") }

func (a *api) readiness(c *fiber.Ctx, _ *wire.Params) error {
	if err := a.Ready(); err != nil {
		return sendText(c, fiber.StatusServiceUnavailable, fault.TextOf(err))
	}
	return sendText(c, fiber.StatusOK, "OK")
}
