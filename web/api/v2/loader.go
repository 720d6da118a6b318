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
	all, sdks := a.Loads()
	load, cpu := a.Machine.Load()
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, loads{
		Detail:      []nodeLoad{{a.Info.Address, loadText{load, strconv.Itoa(sdks), cpu, strconv.Itoa(all)}}},
		MemberCount: 1, MetricsCount: 1, Completed: true, Max: sdks, Min: sdks, Avg: sdks, Threshold: json.Number(strconv.FormatFloat(float64(sdks)*1.1, 'f', 1, 64)), Total: sdks,
	})
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

// balance has nothing to do while there is one node.
func (a *api) balance(c *fiber.Ctx, _ *wire.Params) error {
	return wire.SendText(c, fiber.StatusOK, wire.Text, "Ok")
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
