package v1

import (
	"slices"

	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
	"nacre/web/api/wire"
)

// registerCluster adds what operators, and the console of 2.x, ask of members.
func (a *api) registerCluster(rt wire.Router) {
	const at = "/nacos/v1/core/cluster"
	on := func(class wire.Class, use string, h handler) fiber.Handler { return a.serve(gate(rt, class, use, h)) }
	get := func(h fiber.Handler) wire.Method { return wire.Method{Name: fiber.MethodGet, Handler: h} }
	post := func(h fiber.Handler) wire.Method { return wire.Method{Name: fiber.MethodPost, Handler: h} }
	rt.Add(at+"/nodes", get(on(wire.ForConsole, "GET /v3/admin/core/cluster/node/list", a.members)))
	rt.Add(at+"/simple/nodes", get(on(wire.ForAdmins, "GET /v3/admin/core/cluster/node/list", a.addresses)))
	rt.Add(at+"/self", get(on(wire.ForAdmins, "GET /v3/admin/core/cluster/node/self", a.self)))
	rt.Add(at+"/health", get(on(wire.ForAdmins, "GET /v3/admin/core/cluster/node/self", a.selfState)))
	rt.Add(at+"/switch/lookup", post(on(wire.ForAdmins, "PUT /v3/admin/core/cluster/lookup", a.switchLookup)))
	rt.Add(at+"/server/leave", post(on(wire.ForAdmins, "", a.leave)))
	rt.Add(at+"/report", post(rt.Inner()))
	rt.Add("/nacos/v1/core/ops/raft", post(on(wire.ForAdmins, "POST /v3/admin/core/ops/raft", a.raft)))
	rt.Add("/nacos/v1/core/ops/idInfo", get(on(wire.ForAdmins, "GET /v3/admin/core/ops/ids", a.ids)))
}

func (a *api) members(c *fiber.Ctx, p *wire.Params) error {
	list, err := a.MemberBodies(p.Text("keyword"), "")
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, wire.Rest("", list))
}

func (a *api) addresses(c *fiber.Ctx, _ *wire.Params) error {
	return sendJSON(c, fiber.StatusOK, wire.Rest("", a.Addresses()))
}

func (a *api) self(c *fiber.Ctx, _ *wire.Params) error {
	return sendJSON(c, fiber.StatusOK, wire.Rest("", a.SelfBody()))
}

func (a *api) selfState(c *fiber.Ctx, _ *wire.Params) error {
	return sendJSON(c, fiber.StatusOK, wire.Rest("", a.SelfState()))
}

func (a *api) switchLookup(c *fiber.Ctx, p *wire.Params) error {
	if err := a.SwitchLookup(p.Text("type")); err != nil {
		text := fault.TextOf(err)
		if r := wire.RefusalOf(err); r.Text != "" {
			text = r.Text
		}
		return sendJSON(c, fiber.StatusOK, wire.RestOf(500, text, nil))
	}
	return sendJSON(c, fiber.StatusOK, wire.Rest("", nil))
}

// leave is refused, as in Nacos: a node leaves when it stops, and is removed by an operator of the raft group.
func (a *api) leave(c *fiber.Ctx, _ *wire.Params) error {
	return sendJSON(c, fiber.StatusOK, wire.RestOf(405, "/v1/core/cluster/server/leave API not allow to use temporarily.", nil))
}

func (a *api) raft(c *fiber.Ctx, _ *wire.Params) error {
	return sendJSON(c, fiber.StatusOK, a.OperateRaft(wire.Context(c), slices.Clone(c.Body())))
}

func (a *api) ids(c *fiber.Ctx, _ *wire.Params) error {
	return sendJSON(c, fiber.StatusOK, wire.Rest("", a.IDsByName()))
}
