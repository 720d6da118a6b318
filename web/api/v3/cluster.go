package v3

import (
	"slices"

	"github.com/gofiber/fiber/v2"

	"nacre/web/api/wire"
)

func (a *api) registerCluster(router wire.Router) {
	on := func(method string, h handler) wire.Method { return wire.Method{Name: method, Handler: a.enveloped(h)} }
	const at = "/nacos/v3/admin/core"
	router.Add(at+"/cluster/node/self", on(fiber.MethodGet, a.self))
	router.Add(at+"/cluster/node/self/health", on(fiber.MethodGet, a.selfState))
	router.Add(at+"/cluster/node/list", on(fiber.MethodGet, a.members), on(fiber.MethodPut, a.describeMembers))
	router.Add(at+"/cluster/lookup", on(fiber.MethodPut, a.switchLookup))
	router.Add(at+"/ops/raft", on(fiber.MethodPost, a.raft))
	router.Add(at+"/ops/ids", on(fiber.MethodGet, a.ids))
	router.Add(at+"/ops/log", on(fiber.MethodPut, a.setLogLevel))
	router.Add("/nacos/v3/console/core/cluster/nodes", on(fiber.MethodGet, a.consoleMembers))
}

func (a *api) self(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, a.SelfBody()) }

func (a *api) selfState(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, a.SelfState()) }

func (a *api) members(c *fiber.Ctx, p *wire.Params) error {
	return a.sendMembers(c, p.Text("address"), p.Text("state"))
}

func (a *api) consoleMembers(c *fiber.Ctx, p *wire.Params) error {
	return a.sendMembers(c, p.Text("keyword"), "")
}

func (a *api) sendMembers(c *fiber.Ctx, address, state string) error {
	list, err := a.MemberBodies(address, state)
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
	kind, err := argument(p, "type")
	if err != nil {
		return err
	}
	if err := a.SwitchLookup(kind); err != nil {
		return err
	}
	return wire.OK(c, true)
}

// raft answers a refusal with status 200 and the text as the message, as Nacos does.
func (a *api) raft(c *fiber.Ctx, _ *wire.Params) error {
	r := a.OperateRaft(wire.Context(c), slices.Clone(c.Body()))
	if r.Message != nil {
		return wire.SendJSON(c, fiber.StatusOK, wire.JSON, wire.Result{Code: wire.ServerError, Message: *r.Message})
	}
	return wire.OK(c, nil)
}

func (a *api) ids(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, a.IDList()) }
