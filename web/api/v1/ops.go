package v1

import (
	"errors"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/fault"
	"nacre/web/api/wire"
)

func (a *api) registerOps(rt wire.Router) {
	admin := func(use string, h handler) fiber.Handler { return a.serve(gate(rt, wire.ForAdmins, use, checked(h))) }
	rt.Add("/nacos/v1/cs/listener", wire.Method{Name: fiber.MethodGet,
		Handler: a.serve(gate(rt, wire.ForConsole, "GET /v3/console/cs/config/listener/ip", checked(a.listenersOf)))})
	rt.Add("/nacos/v1/cs/capacity",
		wire.Method{Name: fiber.MethodGet, Handler: admin("GET /v3/admin/cs/capacity", a.capacity)},
		wire.Method{Name: fiber.MethodPost, Handler: admin("POST /v3/admin/cs/capacity", a.setCapacity)})
	rt.Add("/nacos/v1/cs/health", wire.Method{Name: fiber.MethodGet, Handler: admin("", a.health)})
	rt.Add("/nacos/v1/cs/ops/localCache", wire.Method{Name: fiber.MethodPost, Handler: admin("POST /v3/admin/cs/ops/localCache", localCache)})
	rt.Add("/nacos/v1/cs/ops/log", wire.Method{Name: fiber.MethodPut, Handler: admin("PUT /v3/admin/cs/ops/log", a.setLogLevel)})
	rt.Add("/nacos/v1/cs/ops/derby", wire.Method{Name: fiber.MethodGet, Handler: admin("GET /v3/admin/cs/ops/derby", notDerby)})
	rt.Add("/nacos/v1/cs/ops/data/removal", wire.Method{Name: fiber.MethodPost, Handler: admin("POST /v3/admin/cs/ops/derby/import", notDerby)})
	rt.Add("/nacos/v1/cs/metrics/cluster", wire.Method{Name: fiber.MethodGet, Handler: admin("GET /v3/admin/cs/metrics/cluster", a.clientMetrics)})
	rt.Add("/nacos/v1/cs/metrics/current", wire.Method{Name: fiber.MethodGet, Handler: admin("GET /v3/admin/cs/metrics/ip", a.clientMetrics)})
	for _, path := range []string{"configWatchers", "watcherConfigs", "dataChange"} {
		rt.Add("/nacos/v1/cs/communication/"+path, wire.Method{Name: fiber.MethodGet, Handler: rt.Inner()})
	}
}

// listening is the answer of both listener queries; the misspelling is Nacos'.
type listening struct {
	CollectStatus int               `json:"collectStatus"`
	Status        map[string]string `json:"lisentersGroupkeyStatus"`
}

// listeners answers with the addresses that wait for a configuration and the md5 that each has.
func (a *api) listeners(c *fiber.Ctx, p *wire.Params) error {
	k, err := key(p)
	if err != nil {
		return err
	}
	if k.Group == "" {
		k.Group = "DEFAULT_GROUP"
	}
	out := listening{CollectStatus: fiber.StatusOK, Status: map[string]string{}}
	for _, l := range slices.Backward(a.Nodes.OfConfig(wire.Context(c), k)) { // of one address, who is behind is shown
		if !l.Connected {
			continue
		}
		out.Status[l.Client.IP] = l.MD5
	}
	return sendJSON(c, fiber.StatusOK, out)
}

// listenersOf answers with what the clients at an address wait for. Unless all is asked for, it is
// what waits in a namespace whose id has the given text in it, or in the default one.
func (a *api) listenersOf(c *fiber.Ctx, p *wire.Params) error {
	ip, ok := p.Get("ip")
	if !ok {
		return missing("ip")
	}
	tenant, all := p.Text("tenant"), strings.EqualFold(p.Text("all"), "true")
	out := listening{CollectStatus: fiber.StatusOK, Status: map[string]string{}}
	for _, l := range a.Nodes.OfIP(wire.Context(c), ip) {
		if !l.Connected {
			continue
		}
		shown := wire.LegacyTenant(l.Key.Namespace)
		if all || shown == "" || !wire.Blank(tenant) && strings.Contains(shown, tenant) {
			out.Status[wire.GroupKey(l.Key.DataID, l.Key.Group, shown)] = l.MD5
		}
	}
	return sendJSON(c, fiber.StatusOK, out)
}

// clientMetrics answers with what the clients at an address say that they hold of a configuration.
func (a *api) clientMetrics(c *fiber.Ctx, p *wire.Params) error {
	ip, ok := p.Get("ip")
	if !ok {
		return missing("ip")
	}
	for _, name := range []string{"dataId", "group"} { // they are not required, and yet refused when they are absent
		if !p.Has(name) {
			return caused(fiber.StatusBadRequest, "invalid "+name+" : null")
		}
	}
	k, err := checkedKey(p)
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, a.ClientMetrics(wire.Context(c), ip, k))
}

// health says whether configurations can be served.
func (a *api) health(c *fiber.Ctx, _ *wire.Params) error {
	if err := a.Ready(); err != nil {
		return sendText(c, fiber.StatusServiceUnavailable, "DOWN:"+fault.TextOf(err))
	}
	return sendText(c, fiber.StatusOK, "UP")
}

// localCache answers that the cache was read anew: memory is never behind what is stored.
func localCache(c *fiber.Ctx, _ *wire.Params) error { return sendText(c, fiber.StatusOK, "200") }

// setLogLevel changes the level of the whole log: there are no modules with levels of their own.
func (a *api) setLogLevel(c *fiber.Ctx, p *wire.Params) error {
	for _, name := range []string{"logName", "logLevel"} {
		if !p.Has(name) {
			return missing(name)
		}
	}
	if err := a.SetLogLevel(p.Text("logLevel")); err != nil {
		return err
	}
	return sendText(c, fiber.StatusOK, "200")
}

// notDerby refuses SQL and data files, for which this server has no door.
func notDerby(c *fiber.Ctx, _ *wire.Params) error {
	return sendJSON(c, fiber.StatusOK, wire.RestOf(500, "The current storage mode is not Derby", nil))
}

// capacityRow is a quota row; 0 is replaced by what holds.
type capacityRow struct {
	ID           string  `json:"id"`
	Quota        int64   `json:"quota"`
	Usage        int64   `json:"usage"`
	MaxSize      int64   `json:"maxSize"`
	MaxAggrCount int64   `json:"maxAggrCount"`
	MaxAggrSize  int64   `json:"maxAggrSize"`
	GmtCreate    *string `json:"gmtCreate"`
	GmtModified  *string `json:"gmtModified"`
	Tenant       *string `json:"tenant,omitempty"`
	Group        *string `json:"group,omitempty"`
}

const capacityKeyMissing = "The parameter group and tenant cannot be empty at the same time"

// capacityOf returns which quota row a request is about: field is the parameter that names it.
func capacityOf(p *wire.Params) (field, name, namespace, group string, ok bool) {
	if tenant := p.Text("tenant"); !wire.Blank(tenant) {
		return "tenant", tenant, wire.LegacyNamespace(tenant), "", true
	}
	if g := p.Text("group"); !wire.Blank(g) {
		return "group", g, "", g, true
	}
	return "", "", "", "", false
}

func (a *api) capacity(c *fiber.Ctx, p *wire.Params) error {
	_, _, namespace, group, ok := capacityOf(p)
	if !ok {
		return sendJSON(c, fiber.StatusBadRequest, wire.RestOf(400, capacityKeyMissing, nil))
	}
	use, err := a.Configs.Capacity(wire.Context(c), a.Actor(c, p), namespace, group)
	if err != nil {
		return err
	}
	row := capacityRow{
		ID: wire.ID(use.ID), Usage: use.Usage, Quota: or(use.Quota, int64(a.Info.QuotaGroup)), MaxSize: or(use.MaxSize, a.Info.QuotaMaxSize),
		MaxAggrCount: or(use.MaxAggrCount, wire.MaxAggrCount), MaxAggrSize: or(use.MaxAggrSize, wire.MaxAggrSize),
	}
	if namespace != "" {
		shown := wire.LegacyTenant(namespace)
		row.Tenant = &shown
		row.Quota = or(use.Capacity.Quota, int64(a.Info.QuotaNamespace))
	} else {
		row.Group = &group
	}
	return sendJSON(c, fiber.StatusOK, wire.Rest("", row))
}

func or(n, byDefault int64) int64 {
	if n == 0 {
		return byDefault
	}
	return n
}

func (a *api) setCapacity(c *fiber.Ctx, p *wire.Params) error {
	field, name, namespace, group, ok := capacityOf(p)
	if !ok {
		return sendJSON(c, fiber.StatusBadRequest, wire.RestOf(400, capacityKeyMissing, false))
	}
	var limits config.CapacityLimits
	given := false
	for name, to := range map[string]**int64{
		"quota": &limits.Quota, "maxSize": &limits.MaxSize, "maxAggrCount": &limits.MaxAggrCount, "maxAggrSize": &limits.MaxAggrSize,
	} {
		if text, _ := p.View(name); wire.Blank(text) {
			continue
		}
		n, err := number(p, name)
		if err != nil {
			return err
		}
		given, *to = true, ptr(int64(n))
	}
	if !given {
		return sendJSON(c, fiber.StatusBadRequest,
			wire.RestOf(400, "The parameters quota, maxSize, maxAggrCount, maxAggrSize cannot be empty at the same time", false))
	}
	if err := a.Configs.SetCapacity(wire.Context(c), a.Actor(c, p), namespace, group, limits); err != nil {
		var f *fault.Error
		if errors.As(err, &f) && f.Kind == fault.Invalid {
			return sendJSON(c, fiber.StatusBadRequest, wire.RestOf(400, f.Text, false))
		}
		return err
	}
	return sendJSON(c, fiber.StatusOK, wire.Rest("successfully updated the capacity information configuration of "+field+" to "+name, true))
}

func ptr[T any](v T) *T { return &v }
