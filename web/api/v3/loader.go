package v3

import (
	"github.com/gofiber/fiber/v2"

	"nacre/web/api/wire"
)

func (a *api) connections(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, a.Connections()) }

type loads struct {
	Detail       []nodeLoad `json:"detail"`
	MemberCount  int        `json:"memberCount"`
	MetricsCount int        `json:"metricsCount"`
	Completed    bool       `json:"completed"`
	Max          int        `json:"max"`
	Min          int        `json:"min"`
	Avg          int        `json:"avg"`
	Threshold    string     `json:"threshold"`
	Total        int        `json:"total"`
}

type nodeLoad struct {
	Address     string `json:"address"`
	SDKConCount int    `json:"sdkConCount"`
	ConCount    int    `json:"conCount"`
	Load        string `json:"load"`
	CPU         string `json:"cpu"`
}

func (a *api) loads(c *fiber.Ctx, _ *wire.Params) error {
	list, members := a.NodeLoads(wire.Context(c))
	out := loads{Detail: make([]nodeLoad, len(list)), MemberCount: members, MetricsCount: len(list), Completed: members == len(list)}
	for i, n := range list {
		out.Detail[i] = nodeLoad{n.Address, n.SDKs, n.Connections, n.Load, n.CPU}
	}
	out.Max, out.Min, out.Avg, out.Total = wire.LoadSpan(list)
	out.Threshold = wire.LoadLimit(out.Avg)
	return wire.OK(c, out)
}

// reload asks surplus clients to go to another server.
func (a *api) reload(c *fiber.Ctx, p *wire.Params) error {
	if _, err := argument(p, "count"); err != nil {
		return err
	}
	if err := a.Reload(p); err != nil {
		return err
	}
	return wire.OK(c, "success")
}

// balance sends clients from nodes that have more than their share to others.
func (a *api) balance(c *fiber.Ctx, p *wire.Params) error {
	word, err := a.Balance(wire.Context(c), p)
	if err != nil {
		return err
	}
	return wire.OK(c, word)
}

func (a *api) reloadClient(c *fiber.Ctx, p *wire.Params) error {
	id, err := argument(p, "connectionId")
	if err != nil {
		return err
	}
	if err := a.ReloadClient(p, id); err != nil {
		return err
	}
	return wire.OK(c, "success")
}
