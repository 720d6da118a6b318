package v2

import (
	"encoding/json"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"nacre/web/api/wire"
)

// registerLoader adds what operators spread clients over nodes with. These answers have no envelope, and those that
// change something are GETs, as in Nacos.
func (a *api) registerLoader(rt wire.Router) {
	for path, one := range map[string]struct {
		method string
		handle handler
	}{
		"current": {"GET", a.connections}, "cluster": {"GET", a.loads}, "reloadCurrent": {"POST", a.reload},
		"smartReloadCluster": {"POST", a.balance}, "reloadClient": {"POST", a.reloadClient},
	} {
		rt.Add("/nacos/v2/core/loader/"+path, wire.Method{Name: fiber.MethodGet,
			Handler: rt.Gate(wire.ForAdmins, one.method+" /v3/admin/core/loader/"+path, a.serve(one.handle))})
	}
}

func (a *api) connections(c *fiber.Ctx, _ *wire.Params) error {
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, a.Connections())
}

type loads struct {
	Detail       []nodeLoad `json:"detail"`
	MemberCount  int        `json:"memberCount"`
	MetricsCount int        `json:"metricsCount"`
	Completed    bool       `json:"completed"`
	Max          int        `json:"max"`
	Min          int        `json:"min"`
	Avg          int        `json:"avg"`
	// Threshold is written with a fraction, as a Java double.
	Threshold json.Number `json:"threshold"`
	Total     int         `json:"total"`
}

type nodeLoad struct {
	Address string   `json:"address"`
	Metric  loadText `json:"metric"`
}

type loadText struct {
	Load        string `json:"load"`
	SDKConCount string `json:"sdkConCount"`
	CPU         string `json:"cpu"`
	ConCount    string `json:"conCount"`
}

func (a *api) loads(c *fiber.Ctx, _ *wire.Params) error {
	list, members := a.NodeLoads(wire.Context(c))
	out := loads{Detail: make([]nodeLoad, len(list)), MemberCount: members, MetricsCount: len(list), Completed: members == len(list)}
	for i, n := range list {
		out.Detail[i] = nodeLoad{n.Address, loadText{n.Load, strconv.Itoa(n.SDKs), n.CPU, strconv.Itoa(n.Connections)}}
	}
	out.Max, out.Min, out.Avg, out.Total = wire.LoadSpan(list)
	out.Threshold = json.Number(wire.LoadLimit(out.Avg))
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, out)
}

func (a *api) reload(c *fiber.Ctx, p *wire.Params) error {
	if !p.Has("count") {
		return missing("count", "Integer")
	}
	if err := a.Reload(p); err != nil {
		return err
	}
	return wire.SendText(c, fiber.StatusOK, wire.Text, "success")
}

// balance sends clients from nodes that have more than their share to others.
func (a *api) balance(c *fiber.Ctx, p *wire.Params) error {
	word, err := a.Balance(wire.Context(c), p)
	if err != nil {
		return err
	}
	return wire.SendText(c, fiber.StatusOK, wire.Text, word)
}

func (a *api) reloadClient(c *fiber.Ctx, p *wire.Params) error {
	id := p.Text("connectionId")
	if !p.Has("connectionId") {
		return missing("connectionId", "String")
	}
	if err := a.ReloadClient(p, id); err != nil {
		return err
	}
	return wire.SendText(c, fiber.StatusOK, wire.Text, "success")
}
