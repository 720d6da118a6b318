package v2

import (
	"strconv"
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
	any := func(use string, h handler) []wire.Method {
		methods := make([]wire.Method, 0, len(everyMethod))
		for _, m := range everyMethod {
			methods = append(methods, on(m, use, h))
		}
		return methods
	}
	const ns, admin = "/nacos/v2/ns", " /v3/admin/ns"
	rt.Add(ns+"/instance",
		on("POST", "POST"+admin+"/instance", a.registerInstance), on("PUT", "PUT"+admin+"/instance", a.updateInstance),
		on("DELETE", "DELETE"+admin+"/instance", a.deregisterInstance), on("PATCH", "PUT"+admin+"/instance/partial", a.patchInstance),
		on("GET", "GET"+admin+"/instance", a.instance))
	rt.Add(ns+"/instance/list", on("GET", "GET"+admin+"/instance/list", a.instances))
	rt.Add(ns+"/instance/beat", on("PUT", "", a.beat))
	rt.Add(ns+"/instance/metadata/batch",
		on("PUT", "PUT"+admin+"/instance/metadata/batch", a.putMetadata), on("DELETE", "DELETE"+admin+"/instance/metadata/batch", a.deleteMetadata))
	rt.Add(ns+"/instance/statuses/:key", any("", a.statuses)...)
	rt.Add(ns+"/service",
		on("POST", "POST"+admin+"/service", a.createService), on("PUT", "PUT"+admin+"/service", a.updateService),
		on("DELETE", "DELETE"+admin+"/service", a.removeService), on("GET", "GET"+admin+"/service", a.service))
	rt.Add(ns+"/service/list", on("GET", "GET"+admin+"/service/list", a.services))
	for _, path := range []string{"/health", "/health/instance"} {
		rt.Add(ns+path, on("PUT", "PUT"+admin+"/health/instance", a.setHealth))
	}
	for _, ops := range []string{ns + "/operator", ns + "/ops"} {
		rt.Add(ops+"/metrics", on("GET", "GET"+admin+"/ops/metrics", a.metrics))
		rt.Add(ops+"/switches", on("GET", "GET"+admin+"/ops/switches", a.switches), on("PUT", "PUT"+admin+"/ops/switches", a.setSwitch))
	}
	rt.Add(ns+"/catalog/instances", any("GET /v3/console/ns/instance/list", a.catalogInstances)...)
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

// formText returns a field of a form, byDefault when it is blank or not there. The string is good until the handler returns.
func formText(p *wire.Params, name, byDefault string) string {
	v, _ := p.View(name)
	if wire.Blank(v) {
		return byDefault
	}
	return v
}

// missingOf is the refusal of a form without a field of that type.
func missingOf(name, kind string) error {
	return wire.Missing("Required parameter '" + name + "' type " + kind + " is not present")
}

// formKey returns the service that a form names. Its strings are good until the handler returns.
func formKey(p *wire.Params) (naming.Key, error) {
	name := formText(p, "serviceName", "")
	if name == "" {
		return naming.Key{}, missingField("serviceName")
	}
	return keyNamed(p, name)
}

// namedKey is formKey where the parameters are taken by name.
func namedKey(p *wire.Params) (naming.Key, error) {
	name, ok := p.View("serviceName")
	if !ok {
		return naming.Key{}, missing("serviceName", "String")
	}
	return keyNamed(p, name)
}

func keyNamed(p *wire.Params, name string) (naming.Key, error) {
	k, bad := wire.GroupedKey(formText(p, "namespaceId", ""), formText(p, "groupName", ""), name)
	if bad != "" {
		return k, invalid(bad)
	}
	return k, nil
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
	return keyNamed(p, name)
}

// truth returns a field that is yes or no.
func truth(p *wire.Params, name string, byDefault bool) (bool, error) {
	word := formText(p, name, "")
	if word == "" {
		return byDefault, nil
	}
	yes, known := wire.Truth(word)
	if !known {
		return false, invalid("Parameter '" + name + "' is neither true nor false: \"" + word + "\"")
	}
	return yes, nil
}

func weight(text string) (float64, error) {
	w, bad := wire.Weight(text)
	switch bad {
	case "":
		return w, nil
	case wire.WeightRange:
		return 0, wire.Refuse(fiber.StatusBadRequest, wire.WeightError, bad)
	}
	return 0, invalid("Parameter 'weight' is not a number: \"" + text + "\"")
}

// address returns ip and port of a form.
func address(p *wire.Params) (ip string, port int, err error) {
	if ip = formText(p, "ip", ""); ip == "" {
		return "", 0, missingField("ip")
	}
	if formText(p, "port", "") == "" {
		return "", 0, missingOf("port", "Integer")
	}
	port, err = number(p, "port", 0)
	return ip, port, err
}

// instanceForm returns what a form says of an instance.
func (a *api) instanceForm(p *wire.Params, f *wire.InstanceForm) (err error) {
	if f.Key, err = formKey(p); err != nil {
		return err
	}
	i := &f.Instance
	if i.IP, i.Port, err = address(p); err != nil {
		return err
	}
	i.Cluster = formText(p, "clusterName", resource.DefaultCluster)
	if i.Healthy, err = truth(p, "healthy", true); err != nil {
		return err
	}
	if i.Enabled, err = truth(p, "enabled", true); err != nil {
		return err
	}
	if f.Ephemeral, err = truth(p, "ephemeral", a.Naming.Switches().DefaultInstanceEphemeral); err != nil {
		return err
	}
	if i.Weight, err = weight(formText(p, "weight", "1")); err != nil {
		return err
	}
	i.Metadata, err = a.Metadata(formText(p, "metadata", ""))
	return err
}

// done is the answer to what was done.
func done(c *fiber.Ctx) error { return wire.OK(c, "ok") }

// change makes a handler of what is done with the instance of a form.
func (a *api) change(c *fiber.Ctx, p *wire.Params, do func(*fiber.Ctx, *wire.Params, *wire.InstanceForm) error) error {
	var f wire.InstanceForm
	if err := a.instanceForm(p, &f); err != nil {
		return err
	}
	if err := do(c, p, &f); err != nil {
		return err
	}
	return done(c)
}

func (a *api) registerInstance(c *fiber.Ctx, p *wire.Params) error { return a.change(c, p, a.Register) }
func (a *api) deregisterInstance(c *fiber.Ctx, p *wire.Params) error {
	return a.change(c, p, a.Deregister)
}
func (a *api) updateInstance(c *fiber.Ctx, p *wire.Params) error {
	return a.change(c, p, a.UpdateInstance)
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
	id := naming.InstanceID{IP: formText(p, "ip", ""), Cluster: formText(p, "cluster", resource.DefaultCluster)}
	if id.Port, err = number(p, "port", 0); err != nil {
		return err
	}
	var patch naming.Patch
	if text := formText(p, "metadata", ""); text != "" {
		patch.ReplaceMetadata = true
		if patch.Metadata, err = a.Metadata(text); err != nil {
			return err
		}
	}
	if text := formText(p, "weight", ""); text != "" {
		w, err := weight(text)
		if err != nil {
			return err
		}
		patch.Weight = &w
	}
	if formText(p, "enabled", "") != "" {
		enabled, err := truth(p, "enabled", true)
		if err != nil {
			return err
		}
		patch.Enabled = &enabled
	}
	if err := a.PatchInstance(c, p, k, id, patch); err != nil {
		return err
	}
	return wire.SendText(c, fiber.StatusOK, wire.Text, "ok")
}

// namedAddress is address where the parameters are taken by name.
func namedAddress(p *wire.Params) (ip string, port int, err error) {
	for _, one := range [...]struct{ name, kind string }{{"ip", "String"}, {"port", "Integer"}} {
		if !p.Has(one.name) {
			return "", 0, missing(one.name, one.kind)
		}
	}
	port, err = number(p, "port", 0)
	return formText(p, "ip", ""), port, err
}

// instanceDetail is an instance in the answer about it alone.
type instanceDetail struct {
	ServiceName string            `json:"serviceName"`
	IP          string            `json:"ip"`
	Port        int               `json:"port"`
	ClusterName string            `json:"clusterName"`
	Weight      any               `json:"weight"`
	Healthy     bool              `json:"healthy"`
	InstanceID  *string           `json:"instanceId"`
	Metadata    map[string]string `json:"metadata"`
}

func (a *api) instance(c *fiber.Ctx, p *wire.Params) error {
	k, err := namedKey(p)
	if err != nil {
		return err
	}
	id := naming.InstanceID{Cluster: formText(p, "clusterName", resource.DefaultCluster)}
	if id.IP, id.Port, err = namedAddress(p); err != nil {
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
	k, err := namedKey(p)
	if err != nil {
		return err
	}
	healthyOnly, err := truth(p, "healthyOnly", false)
	if err != nil {
		return err
	}
	port, err := number(p, "port", 0)
	if err != nil {
		return err
	}
	clusters := formText(p, "clusterName", "")
	a.Subscribe(c, formText(p, "ip", ""), port, k, clusters)
	a.CountRead()
	return a.SendView(c, a.Naming.Lookup(k, naming.Query{Clusters: clusters, HealthyOnly: healthyOnly}), true)
}

// beat answers without an envelope.
func (a *api) beat(c *fiber.Ctx, p *wire.Params) error {
	k, err := groupedKey(p)
	if err != nil {
		return err
	}
	h := wire.Heartbeat{Key: k, IP: formText(p, "ip", ""), Cluster: formText(p, "clusterName", resource.DefaultCluster), Full: formText(p, "beat", "")}
	if h.Port, err = number(p, "port", 0); err != nil {
		return err
	}
	beaten, err := a.Beat(c, p, h)
	if err != nil {
		return err
	}
	return a.SendBeaten(c, beaten)
}

func (a *api) putMetadata(c *fiber.Ctx, p *wire.Params) error    { return a.changeMetadata(c, p, false) }
func (a *api) deleteMetadata(c *fiber.Ctx, p *wire.Params) error { return a.changeMetadata(c, p, true) }

func (a *api) changeMetadata(c *fiber.Ctx, p *wire.Params, drop bool) error {
	k, err := formKey(p)
	if err != nil {
		return err
	}
	text := formText(p, "metadata", "")
	if text == "" {
		return missingField("metadata")
	}
	m, err := a.Metadata(text)
	if err != nil {
		return err
	}
	list, err := a.ChangeMetadata(c, p, k, formText(p, "instances", ""), m, drop)
	if err != nil {
		return err
	}
	return wire.OK(c, wire.Updated{Updated: list})
}

// statuses answers without an envelope.
func (a *api) statuses(c *fiber.Ctx, _ *wire.Params) error {
	ips, bad := a.Statuses(unescaped(c.Params("key")))
	if bad != "" {
		return invalid(bad)
	}
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, ips)
}

func (a *api) setHealth(c *fiber.Ctx, p *wire.Params) error {
	if formText(p, "healthy", "") == "" {
		return missingOf("healthy", "Boolean")
	}
	healthy, err := truth(p, "healthy", true)
	if err != nil {
		return err
	}
	k, err := formKey(p)
	if err != nil {
		return err
	}
	id := naming.InstanceID{Cluster: formText(p, "clusterName", resource.DefaultCluster)}
	if id.IP, id.Port, err = address(p); err != nil {
		return err
	}
	if err := a.SetHealth(c, p, k, id, healthy); err != nil {
		return err
	}
	return done(c)
}

func (a *api) metrics(c *fiber.Ctx, p *wire.Params) error {
	only, err := truth(p, "onlyStatus", true)
	if err != nil {
		return err
	}
	return wire.OK(c, a.NamingMetrics(only, true))
}

func (a *api) switches(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, a.NamingSwitches()) }

func (a *api) setSwitch(c *fiber.Ctx, p *wire.Params) error {
	for _, name := range []string{"entry", "value"} {
		if formText(p, name, "") == "" {
			return missingField(name)
		}
	}
	here, err := truth(p, "debug", false)
	if err != nil {
		return err
	}
	if err := a.Naming.SetSwitch(wire.Context(c), a.NamingActor(c, p), p.Text("entry"), p.Text("value"), here); err != nil {
		return err
	}
	return done(c)
}

// describe returns what a form says of a service.
func (a *api) describe(p *wire.Params) (d naming.Service, err error) {
	if d.Key, err = formKey(p); err != nil {
		return d, err
	}
	threshold := formText(p, "protectThreshold", "0")
	if d.ProtectThreshold, err = strconv.ParseFloat(threshold, 32); err != nil {
		return d, invalid("Parameter 'protectThreshold' is not a number: \"" + threshold + "\"")
	}
	if d.Ephemeral, err = truth(p, "ephemeral", false); err != nil {
		return d, err
	}
	if d.Metadata, err = a.Metadata(formText(p, "metadata", "")); err != nil {
		return d, err
	}
	d.Selector, err = wire.SelectorOf(formText(p, "selector", ""))
	return d, err
}

func (a *api) createService(c *fiber.Ctx, p *wire.Params) error {
	d, err := a.describe(p)
	if err != nil {
		return err
	}
	if err := a.Naming.CreateService(wire.Context(c), a.NamingActor(c, p), d); err != nil {
		return err
	}
	return done(c)
}

func (a *api) updateService(c *fiber.Ctx, p *wire.Params) error {
	d, err := a.describe(p)
	if err != nil {
		return err
	}
	if err := a.Naming.UpdateService(wire.Context(c), a.NamingActor(c, p), d); err != nil {
		return err
	}
	return done(c)
}

func (a *api) removeService(c *fiber.Ctx, p *wire.Params) error {
	k, err := namedKey(p)
	if err != nil {
		return err
	}
	if err := a.Naming.RemoveService(wire.Context(c), a.NamingActor(c, p), k); err != nil {
		return err
	}
	return done(c)
}
