package v2

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/naming"
	"nacre/server/resource"
	"nacre/web/api/wire"
)

var everyMethod = []string{fiber.MethodGet, fiber.MethodPost, fiber.MethodPut, fiber.MethodDelete, fiber.MethodPatch}

func (a *api) registerNaming(rt wire.Router) {
	on := func(method, use string, h handler) wire.Method {
		class := wire.ForAdmins
		if strings.Contains(use, "/v3/console/") {
			class = wire.ForConsole
		}
		return wire.Method{Name: method, Handler: rt.Gate(class, use, a.served(h))}
	}
	every := func(use string, h handler) []wire.Method {
		methods := make([]wire.Method, 0, len(everyMethod))
		for _, m := range everyMethod {
			methods = append(methods, on(m, use, h))
		}
		return methods
	}
	const ns, admin = "/nacos/v2/ns", " /v3/admin/ns"
	rt.Add(ns+"/instance",
		on("POST", "POST"+admin+"/instance", a.change(a.Register)), on("PUT", "PUT"+admin+"/instance", a.change(a.UpdateInstance)),
		on("DELETE", "DELETE"+admin+"/instance", a.change(a.Deregister)), on("PATCH", "PUT"+admin+"/instance/partial", a.patchInstance),
		on("GET", "GET"+admin+"/instance", a.instance))
	rt.Add(ns+"/instance/list", on("GET", "GET"+admin+"/instance/list", a.instances))
	rt.Add(ns+"/instance/beat", on("PUT", "", a.beat))
	rt.Add(ns+"/instance/metadata/batch",
		on("PUT", "PUT"+admin+"/instance/metadata/batch", a.changeMetadata(false)),
		on("DELETE", "DELETE"+admin+"/instance/metadata/batch", a.changeMetadata(true)))
	rt.Add(ns+"/instance/statuses/:key", every("", a.statuses)...)
	rt.Add(ns+"/service",
		on("POST", "POST"+admin+"/service", a.describe(a.Naming.CreateService)), on("PUT", "PUT"+admin+"/service", a.describe(a.Naming.UpdateService)),
		on("DELETE", "DELETE"+admin+"/service", a.removeService), on("GET", "GET"+admin+"/service", a.service))
	rt.Add(ns+"/service/list", on("GET", "GET"+admin+"/service/list", a.services))
	for _, path := range []string{"/health", "/health/instance"} {
		rt.Add(ns+path, on("PUT", "PUT"+admin+"/health/instance", done(a.UpdateHealth)))
	}
	for _, ops := range []string{ns + "/operator", ns + "/ops"} {
		rt.Add(ops+"/metrics", on("GET", "GET"+admin+"/ops/metrics", a.metrics))
		rt.Add(ops+"/switches", on("GET", "GET"+admin+"/ops/switches", a.switches), on("PUT", "PUT"+admin+"/ops/switches", done(a.UpdateSwitch)))
	}
	rt.Add(ns+"/catalog/instances", every("GET /v3/console/ns/instance/list", a.catalogInstances)...)
	for path, h := range map[string]handler{
		"/list": a.clients, "": a.client, "/publish/list": a.published, "/subscribe/list": a.subscribed,
		"/service/publisher/list": a.publishers, "/service/subscriber/list": a.subscribers,
	} {
		rt.Add(ns+"/client"+path, on("GET", "GET"+admin+"/client"+path, h))
	}
}

// served makes a Fiber handler of one of naming's: the parameter check, and failures of the registry in the envelope.
func (a *api) served(h handler) fiber.Handler {
	return a.serve(func(c *fiber.Ctx, p *wire.Params) error {
		if text := p.CheckNaming(); text != "" {
			return wire.SendCheckFailure(c, text)
		}
		return wire.NamingRefusal(h(c, p))
	})
}

// done makes a handler that answers ok of what was done.
func done(do handler) handler {
	return func(c *fiber.Ctx, p *wire.Params) error {
		if err := do(c, p); err != nil {
			return err
		}
		return wire.OK(c, "ok")
	}
}

// change makes a handler of what is done with the instance of a form.
func (a *api) change(do func(*fiber.Ctx, *wire.Params, *wire.InstanceForm) error) handler {
	return done(func(c *fiber.Ctx, p *wire.Params) error {
		var f wire.InstanceForm
		if err := a.InstanceForm(p, &f, a.Naming.Switches().DefaultInstanceEphemeral); err != nil {
			return err
		}
		return do(c, p, &f)
	})
}

// groupedKey returns the service of a request that has no group but in the name.
func groupedKey(p *wire.Params) (naming.Key, error) {
	name, ok := p.View("serviceName")
	if !ok {
		return naming.Key{}, missing("serviceName", "String")
	}
	if !strings.Contains(name, resource.GroupSeparator) {
		return naming.Key{}, invalid(wire.NotGrouped)
	}
	return p.KeyOf(name)
}

// patchInstance answers without an envelope.
func (a *api) patchInstance(c *fiber.Ctx, p *wire.Params) error {
	for _, one := range [...]struct{ name, kind string }{
		{"serviceName", "String"}, {"ip", "String"}, {"port", "Integer"}, {"weight", "Double"}, {"enabled", "Boolean"}, {"metadata", "String"},
	} {
		if !p.Has(one.name) {
			return missing(one.name, one.kind)
		}
	}
	k, err := groupedKey(p)
	if err != nil {
		return err
	}
	id := naming.InstanceID{IP: p.Field("ip", ""), Cluster: p.Field("cluster", resource.DefaultCluster)}
	if id.Port, err = p.NumberField("port", 0); err != nil {
		return err
	}
	patch, err := a.PatchForm(p)
	if err != nil {
		return err
	}
	if err := a.PatchInstance(c, p, k, id, patch); err != nil {
		return err
	}
	return wire.SendText(c, fiber.StatusOK, wire.Text, "ok")
}

// instanceDetail is an instance in the answer about it alone.
type instanceDetail struct {
	ServiceName string            `json:"serviceName"`
	IP          string            `json:"ip"`
	Port        int               `json:"port"`
	ClusterName string            `json:"clusterName"`
	Weight      json.Number       `json:"weight"`
	Healthy     bool              `json:"healthy"`
	InstanceID  *string           `json:"instanceId"`
	Metadata    map[string]string `json:"metadata"`
}

func (a *api) instance(c *fiber.Ctx, p *wire.Params) error {
	k, err := p.ServiceArgument()
	if err != nil {
		return err
	}
	for _, one := range [...]struct{ name, kind string }{{"ip", "String"}, {"port", "Integer"}} {
		if !p.Has(one.name) {
			return missing(one.name, one.kind)
		}
	}
	id, err := p.IDField()
	if err != nil {
		return err
	}
	i, err := a.Found(k, id)
	if err != nil {
		return err
	}
	return wire.OK(c, instanceDetail{
		ServiceName: k.Grouped(), IP: i.IP, Port: i.Port, ClusterName: i.Cluster, Weight: wire.Decimal(i.Weight), Healthy: i.Healthy,
		InstanceID: wire.NullText(string(i.AppendID(nil, k))), Metadata: i.Metadata.Map(),
	})
}

func (a *api) instances(c *fiber.Ctx, p *wire.Params) error {
	k, err := p.ServiceArgument()
	if err != nil {
		return err
	}
	healthyOnly, err := p.TruthField("healthyOnly", false)
	if err != nil {
		return err
	}
	port, err := p.NumberField("port", 0)
	if err != nil {
		return err
	}
	clusters := p.Field("clusterName", "")
	a.Subscribe(c, p.Field("ip", ""), port, k, clusters)
	return a.SendView(c, a.Naming.Lookup(k, naming.Query{Clusters: clusters, HealthyOnly: healthyOnly}), true)
}

// beat answers without an envelope.
func (a *api) beat(c *fiber.Ctx, p *wire.Params) error {
	k, err := groupedKey(p)
	if err != nil {
		return err
	}
	h := wire.Heartbeat{Key: k, IP: p.Field("ip", ""), Cluster: p.Field("clusterName", resource.DefaultCluster), Full: p.Field("beat", "")}
	if h.Port, err = p.NumberField("port", 0); err != nil {
		return err
	}
	beaten, err := a.Beat(c, p, h)
	if err != nil {
		return err
	}
	return a.SendBeaten(c, beaten)
}

func (a *api) changeMetadata(drop bool) handler {
	return func(c *fiber.Ctx, p *wire.Params) error {
		updated, err := a.UpdateMetadata(c, p, drop)
		if err != nil {
			return err
		}
		return wire.OK(c, updated)
	}
}

// statuses answers without an envelope.
func (a *api) statuses(c *fiber.Ctx, _ *wire.Params) error {
	key, err := url.PathUnescape(c.Params("key"))
	if err != nil {
		key = c.Params("key")
	}
	ips, bad := a.Statuses(key)
	if bad != "" {
		return invalid(bad)
	}
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, ips)
}

func (a *api) metrics(c *fiber.Ctx, p *wire.Params) error {
	only, err := p.TruthField("onlyStatus", true)
	if err != nil {
		return err
	}
	return wire.OK(c, a.NamingMetrics(only, true))
}

func (a *api) switches(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, a.NamingSwitches()) }
