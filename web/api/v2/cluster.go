package v2

import (
	"slices"

	"github.com/gofiber/fiber/v2"

	"nacre/web/api/wire"
)

// registerCluster adds what operators ask of members.
func (a *api) registerCluster(rt wire.Router) {
	const at = "/nacos/v2/core/cluster"
	on := func(method, use string, h handler) wire.Method {
		return wire.Method{Name: method, Handler: rt.Gate(wire.ForAdmins, use, a.serve(h))}
	}
	rt.Add(at+"/node/self", on(fiber.MethodGet, "GET /v3/admin/core/cluster/node/self", a.self))
	rt.Add(at+"/node/list",
		on(fiber.MethodGet, "GET {contextPath:nacos}/v3/admin/core/cluster/node/list", a.members),
		on(fiber.MethodPut, "PUT /v3/admin/core/cluster/node/list", a.describeMembers))
	rt.Add(at+"/node/self/health", on(fiber.MethodGet, "GET /v3/admin/core/cluster/node/self", a.selfState))
	rt.Add(at+"/lookup", on(fiber.MethodPut, "PUT /v3/admin/core/cluster/lookup", a.switchLookup))
	rt.Add(at+"/nodes", on(fiber.MethodDelete, "", a.leave))
	rt.Add("/nacos/v2/core/ops/raft", on(fiber.MethodPost, "POST /v3/admin/core/ops/raft", a.raft))
	rt.Add("/nacos/v2/core/ops/ids", on(fiber.MethodGet, "GET /v3/admin/core/ops/ids", a.ids))
}

func (a *api) self(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, a.SelfBody()) }

func (a *api) selfState(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, a.SelfState()) }

func (a *api) members(c *fiber.Ctx, p *wire.Params) error {
	list, err := a.MemberBodies(p.Text("address"), p.Text("state"))
	if err != nil {
		return err
	}
	return wire.OK(c, list)
}

func (a *api) describeMembers(c *fiber.Ctx, _ *wire.Params) error {
	if err := a.CheckMembers(slices.Clone(c.Body())); err != nil {
		return err
	}
	return wire.OK(c, true)
}

func (a *api) switchLookup(c *fiber.Ctx, p *wire.Params) error {
	if !p.Has("type") {
		return missing("type", "String")
	}
	if err := a.SwitchLookup(p.Text("type")); err != nil {
		return err
	}
	return wire.OK(c, true)
}

// leave is refused, as in Nacos: a node leaves when it stops, and is removed by an operator of the raft group.
func (a *api) leave(c *fiber.Ctx, _ *wire.Params) error {
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, wire.RestOf(405, "DELETE /v2/core/cluster/nodes API not allow to use temporarily.", nil))
}

// raft and ids answer in the envelope of v1, as in Nacos.
func (a *api) raft(c *fiber.Ctx, _ *wire.Params) error {
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, a.OperateRaft(wire.Context(c), slices.Clone(c.Body())))
}

func (a *api) ids(c *fiber.Ctx, _ *wire.Params) error {
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, wire.Rest("", a.IDList()))
}
