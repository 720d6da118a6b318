package v3

import (
	"strconv"

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
	all, sdks := a.Loads()
	load, cpu := a.Machine.Load()
	return wire.OK(c, loads{
		Detail:      []nodeLoad{{a.Info.Address, sdks, all, load, cpu}},
		MemberCount: 1, MetricsCount: 1, Completed: true, Max: sdks, Min: sdks, Avg: sdks, Threshold: strconv.FormatFloat(float64(sdks)*1.1, 'f', 1, 64), Total: sdks,
	})
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

// balance has nothing to do while there is one node.
func (a *api) balance(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, "Ok") }

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
