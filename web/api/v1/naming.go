package v1

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/naming"
	"nacre/server/resource"
	"nacre/web/api/wire"
)

// everyMethod are the methods of paths that take any.
var everyMethod = []string{fiber.MethodGet, fiber.MethodPost, fiber.MethodPut, fiber.MethodDelete, fiber.MethodPatch}

func (a *api) registerNaming(rt wire.Router) {
	rt.NoMethod = func(c *fiber.Ctx) error { return wire.SendNotFound(c, a.Clock) }
	on := func(method string, class wire.Class, use string, h handler) wire.Method {
		return wire.Method{Name: method, Handler: rt.Gate(class, use, a.served(h))}
	}
	every := func(class wire.Class, use string, h handler) []wire.Method {
		methods := make([]wire.Method, 0, len(everyMethod))
		for _, m := range everyMethod {
			methods = append(methods, on(m, class, use, h))
		}
		return methods
	}
	const ns = "/nacos/v1/ns"
	rt.Add(ns+"/instance",
		on("POST", wire.ForClients, "POST /v3/client/ns/instance", a.registerInstance),
		on("DELETE", wire.ForClients, "DELETE /v3/client/ns/instance", a.deregisterInstance),
		on("PUT", wire.ForAdmins, "PUT /v3/admin/ns/instance", a.updateInstance),
		on("PATCH", wire.ForAdmins, "PUT /v3/admin/ns/instance/partial", a.patchInstance),
		on("GET", wire.ForAdmins, "GET /v3/admin/ns/instance", a.instance))
	rt.Add(ns+"/instance/list", on("GET", wire.ForClients, "GET /v3/client/ns/instance/list", a.instances))
	rt.Add(ns+"/instance/beat", on("PUT", wire.ForClients, "POST /v3/client/ns/instance", a.beat))
	rt.Add(ns+"/instance/metadata/batch",
		on("PUT", wire.ForAdmins, "PUT /v3/admin/ns/instance/metadata/batch", a.putMetadata),
		on("DELETE", wire.ForAdmins, "DELETE /v3/admin/ns/instance/metadata/batch", a.deleteMetadata))
	rt.Add(ns+"/instance/statuses", every(wire.ForAdmins, "", a.statuses)...)
	rt.Add(ns+"/service",
		on("POST", wire.ForAdmins, "POST /v3/admin/ns/service", a.createService),
		on("PUT", wire.ForAdmins, "PUT /v3/admin/ns/service", a.updateService),
		on("DELETE", wire.ForAdmins, "DELETE /v3/admin/ns/service", a.removeService),
		on("GET", wire.ForAdmins, "GET /v3/admin/ns/service", a.service))
	rt.Add(ns+"/service/list", on("GET", wire.ForClients, "GET /v3/admin/ns/service/list", a.services))
	rt.Add(ns+"/service/names", every(wire.ForAdmins, "", a.serviceNames)...)
	rt.Add(ns+"/service/subscribers", on("GET", wire.ForAdmins, "GET /v3/admin/ns/service/subscribers", a.subscribers))
	rt.Add(ns+"/service/selector/types", on("GET", wire.ForAdmins, "GET /v3/admin/ns/service/selector/types", selectorTypes))
	rt.Add(ns+"/catalog/services", on("GET", wire.ForConsole, "GET /v3/console/ns/service/list", a.catalogServices))
	rt.Add(ns+"/catalog/service", on("GET", wire.ForConsole, "GET /v3/console/ns/service", a.catalogService))
	rt.Add(ns+"/catalog/instances", every(wire.ForConsole, "GET /v3/console/ns/instance/list", a.catalogInstances)...)
	rt.Add(ns+"/cluster", on("PUT", wire.ForConsole, "PUT /v3/console/ns/service/cluster", a.setCluster))
	for _, path := range []string{"/health", "/health/instance"} {
		rt.Add(ns+path, on("PUT", wire.ForAdmins, "PUT /v3/admin/health/instance", a.setHealth))
	}
	rt.Add(ns+"/health/server", every(wire.ForAdmins, "", a.hello)...)
	rt.Add(ns+"/health/checkers", on("GET", wire.ForAdmins, "GET /v3/admin/health/checkers", checkers))
	for _, ops := range []string{ns + "/operator", ns + "/ops"} {
		rt.Add(ops+"/metrics", on("GET", wire.ForClients, "GET /v3/admin/ns/ops/metrics", a.metrics))
		rt.Add(ops+"/switches",
			on("GET", wire.ForAdmins, "GET /v3/admin/ns/ops/switches", a.switches),
			on("PUT", wire.ForAdmins, "PUT /v3/admin/ns/ops/switches", a.setSwitch))
		rt.Add(ops+"/log", on("PUT", wire.ForAdmins, "PUT /v3/admin/ns/ops/log", a.setNamingLogLevel))
		rt.Add(ops+"/push/state", every(wire.ForAdmins, "", a.pushState)...)
		rt.Add(ops+"/distro/client", on("GET", wire.ForAdmins, "GET /v3/admin/ns/client/distro", a.responsible))
	}
}

// served makes a Fiber handler of one of naming's: URLs that are closed, the state that the server is to show, the parameter check, and failures
// in naming's words.
func (a *api) served(h handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if status := a.limited(c); status != 0 {
			return wire.SendRaw(c, status, wire.Text, nil)
		}
		if status := a.Naming.Switches().OverriddenServerStatus; status != "" && !a.open(c, status) {
			return wire.SendText(c, fiber.StatusServiceUnavailable, wire.Text, "server is "+status+"now, please try again later!")
		}
		p := wire.ParamsOf(c)
		defer p.Release()
		if text := p.CheckNaming(); text != "" {
			return wire.SendCheckFailure(c, text)
		}
		if err := h(c, p); err != nil {
			return a.failNaming(c, err)
		}
		return nil
	}
}

// open reports whether a server of that state answers a request. What operators do is always answered: the way back.
func (a *api) open(c *fiber.Ctx, status string) bool {
	reads := c.Method() == fiber.MethodGet || c.Method() == fiber.MethodHead
	return status == "UP" || status == "WRITE_ONLY" && !reads || status == "READ_ONLY" && reads || operates(c)
}

// operates reports whether a request is one of operators, who must not lock themselves out.
func operates(c *fiber.Ctx) bool {
	return strings.HasPrefix(c.Path(), "/nacos/v1/ns/operator/") || strings.HasPrefix(c.Path(), "/nacos/v1/ns/ops/")
}

// limited returns the status that a URL is closed with, 0 when it is not.
func (a *api) limited(c *fiber.Ctx) int {
	for _, l := range a.Naming.Switches().Limited {
		if strings.HasPrefix(string(c.Context().RequestURI()), l.URL) && !operates(c) {
			return l.Status
		}
	}
	return 0
}

func (a *api) failNaming(c *fiber.Ctx, err error) error {
	var f *failure
	if errors.As(err, &f) {
		if f.container {
			return wire.SendContainerError(c, a.Clock, f.status, f.text)
		}
		return wire.SendText(c, f.status, wire.Text, f.text)
	}
	err = wire.NamingRefusal(err)
	var check wire.CheckFailure
	if errors.As(err, &check) {
		return wire.SendCheckFailure(c, string(check))
	}
	wire.LogInternal(c, a.Log, err)
	r := wire.RefusalOf(err)
	if r.Status == fiber.StatusInternalServerError {
		return wire.SendText(c, r.Status, wire.Text, "caused: "+r.Text+";")
	}
	return wire.SendText(c, r.Status, wire.Text, r.Text)
}

// sendOK answers as clients compare it. Java's asks for a page, and is told that it has one.
func sendOK(c *fiber.Ctx) error {
	if accept := c.Context().Request.Header.Peek(fiber.HeaderAccept); len(accept) > 8 && string(accept[:9]) == "text/html" {
		return wire.SendText(c, fiber.StatusOK, "text/html;charset=UTF-8", "ok")
	}
	return wire.SendText(c, fiber.StatusOK, wire.Text, "ok")
}

func said(text string) error { return &failure{status: fiber.StatusBadRequest, text: text} }

// optional returns a parameter without blanks around it, byDefault when it is blank or not there. The string is good until the
// handler returns.
func optional(p *wire.Params, name, byDefault string) string {
	v, _ := p.First(name)
	if v = strings.TrimSpace(v); v == "" {
		return byDefault
	}
	return v
}

// needed is optional for a parameter that must be there.
func needed(p *wire.Params, name string) (string, error) {
	v := optional(p, name, "")
	if v == "" {
		return "", said("Param '" + name + "' is required.")
	}
	return v, nil
}

func wholeNumber(text string) (int, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, said("For input string: \"" + text + "\"")
	}
	return int(n), nil
}

// lenientNumber reads a number as Nacos does where it takes 0 for what is none.
func lenientNumber(text string) int {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0
	}
	return int(n)
}

// serviceKey returns the service that a request names. Its strings are good until the handler returns.
func serviceKey(p *wire.Params) (naming.Key, error) {
	name := optional(p, "serviceName", "")
	if name == "" {
		return naming.Key{}, said("Param 'serviceName' is required.")
	}
	k, bad := wire.GroupedKey(optional(p, "namespaceId", ""), optional(p, "groupName", ""), name)
	if bad != "" {
		return k, &failure{status: fiber.StatusBadRequest, container: true, text: "Service name filter error,caused: " + bad + ";"}
	}
	return k, nil
}

// clusterOf returns the cluster that a request names.
func clusterOf(p *wire.Params) string {
	return optional(p, "clusterName", optional(p, "cluster", resource.DefaultCluster))
}

// address returns the ip and the port of a request.
func address(p *wire.Params) (ip string, port int, err error) {
	if ip, err = needed(p, "ip"); err != nil {
		return "", 0, err
	}
	text, err := needed(p, "port")
	if err != nil {
		return "", 0, err
	}
	port, err = wholeNumber(text)
	return ip, port, err
}

func yes(word string) bool {
	yes, _ := wire.Truth(word)
	return yes
}

// instanceForm returns what a request says of an instance; f is the caller's, so that it need not be allocated.
func (a *api) instanceForm(p *wire.Params, f *wire.InstanceForm) (err error) {
	if err = a.identity(p, f); err != nil {
		return err
	}
	i := &f.Instance
	i.Healthy = yes(optional(p, "healthy", "true"))
	weight, bad := wire.Weight(optional(p, "weight", "1"))
	if bad != "" {
		return said(bad)
	}
	i.Weight, i.Cluster = weight, clusterOf(p)
	i.Enabled = yes(optional(p, "enabled", optional(p, "enable", "true")))
	i.Metadata, err = a.Metadata(optional(p, "metadata", ""))
	return err
}

// identity returns which instance a request names.
func (a *api) identity(p *wire.Params, f *wire.InstanceForm) (err error) {
	if f.Key, err = serviceKey(p); err != nil {
		return err
	}
	if f.Instance.IP, f.Instance.Port, err = address(p); err != nil {
		return err
	}
	word := optional(p, "ephemeral", "")
	f.Ephemeral = yes(word) || word == "" && a.Naming.Switches().DefaultInstanceEphemeral
	return nil
}

func (a *api) registerInstance(c *fiber.Ctx, p *wire.Params) error {
	var f wire.InstanceForm
	if err := a.instanceForm(p, &f); err != nil {
		return err
	}
	a.Identify(&f)
	if err := a.Register(c, p, &f); err != nil {
		return err
	}
	return sendOK(c)
}

func (a *api) deregisterInstance(c *fiber.Ctx, p *wire.Params) error {
	var f wire.InstanceForm
	if err := a.identity(p, &f); err != nil {
		return err
	}
	if err := a.Deregister(c, p, &f); err != nil {
		return err
	}
	return sendOK(c)
}

func (a *api) updateInstance(c *fiber.Ctx, p *wire.Params) error {
	var f wire.InstanceForm
	if err := a.instanceForm(p, &f); err != nil {
		return err
	}
	if err := a.UpdateInstance(c, p, &f); err != nil {
		return err
	}
	return sendOK(c)
}

// patchInstance changes what the request has of weight, enabled and metadata.
func (a *api) patchInstance(c *fiber.Ctx, p *wire.Params) error {
	k, err := serviceKey(p)
	if err != nil {
		return err
	}
	id := naming.InstanceID{Cluster: clusterOf(p)}
	if id.IP, id.Port, err = address(p); err != nil {
		return err
	}
	var patch naming.Patch
	if text := optional(p, "metadata", ""); text != "" {
		patch.ReplaceMetadata = true
		if patch.Metadata, err = a.Metadata(text); err != nil {
			return err
		}
	}
	if text := optional(p, "weight", ""); text != "" {
		w, bad := wire.Weight(text)
		if bad != "" {
			return said(bad)
		}
		patch.Weight = &w
	}
	if word := optional(p, "enabled", ""); word != "" {
		enabled := yes(word)
		patch.Enabled = &enabled
	}
	if err := a.PatchInstance(c, p, k, id, patch); err != nil {
		return err
	}
	return sendOK(c)
}

// instanceDetail is an instance in the answer about it alone.
type instanceDetail struct {
	Service     string            `json:"service"`
	IP          string            `json:"ip"`
	Port        int               `json:"port"`
	ClusterName string            `json:"clusterName"`
	Weight      json.Number       `json:"weight"`
	Healthy     bool              `json:"healthy"`
	InstanceID  *string           `json:"instanceId"`
	Metadata    map[string]string `json:"metadata"`
}

func (a *api) instance(c *fiber.Ctx, p *wire.Params) error {
	k, err := serviceKey(p)
	if err != nil {
		return err
	}
	id := naming.InstanceID{Cluster: optional(p, "clusterName", resource.DefaultCluster)}
	if id.IP, id.Port, err = address(p); err != nil {
		return err
	}
	i, err := a.Found(k, id)
	if err != nil {
		return err
	}
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, instanceDetail{
		Service: k.Grouped(), IP: i.IP, Port: i.Port, ClusterName: i.Cluster, Weight: wire.Decimal(i.Weight), Healthy: i.Healthy,
		InstanceID: wire.NullText(string(i.AppendID(nil, k))), Metadata: i.Metadata.Map(),
	})
}

// instances answers with what a client is to see of a service, and takes the client for a subscriber where it names a port.
func (a *api) instances(c *fiber.Ctx, p *wire.Params) error {
	k, err := serviceKey(p)
	if err != nil {
		return err
	}
	clusters := optional(p, "clusters", "")
	port := 0
	if text := optional(p, "udpPort", ""); text != "" {
		if port, err = wholeNumber(text); err != nil {
			return err
		}
	}
	if port > 0 {
		a.Subscribe(c, optional(p, "clientIP", ""), port, k, clusters)
	}
	healthyOnly := strings.EqualFold(optional(p, "healthyOnly", ""), "true")
	return a.SendView(c, a.Naming.Lookup(k, naming.Query{Clusters: clusters, HealthyOnly: healthyOnly}), false)
}

func (a *api) beat(c *fiber.Ctx, p *wire.Params) error {
	k, err := serviceKey(p)
	if err != nil {
		return err
	}
	h := wire.Heartbeat{Key: k, IP: optional(p, "ip", ""), Cluster: optional(p, "clusterName", resource.DefaultCluster), Full: optional(p, "beat", "")}
	if text := optional(p, "port", ""); text != "" {
		if h.Port, err = wholeNumber(text); err != nil {
			return err
		}
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
	k, err := serviceKey(p)
	if err != nil {
		return err
	}
	text, err := needed(p, "metadata")
	if err != nil {
		return err
	}
	m, err := a.Metadata(text)
	if err != nil {
		return err
	}
	done, err := a.ChangeMetadata(c, p, k, optional(p, "instances", ""), m, drop)
	if err != nil {
		return err
	}
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, wire.Updated{Updated: done})
}

// statuses answers with the addresses of a service and whether each is healthy.
func (a *api) statuses(c *fiber.Ctx, p *wire.Params) error {
	key, ok := p.First("key")
	if !ok {
		return said("Parameter 'key' is missing")
	}
	ips, bad := a.Statuses(key)
	if bad != "" {
		return said(bad)
	}
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, ips)
}

func (a *api) metrics(c *fiber.Ctx, p *wire.Params) error {
	only := strings.EqualFold(optional(p, "onlyStatus", "true"), "true")
	m := a.NamingMetrics(only, true)
	m.ResponsibleInstanceCount = m.InstanceCount
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, m)
}

func (a *api) switches(c *fiber.Ctx, _ *wire.Params) error {
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, a.NamingSwitches())
}

func (a *api) setSwitch(c *fiber.Ctx, p *wire.Params) error {
	for _, name := range []string{"entry", "value"} {
		if !p.Has(name) {
			return said("Parameter '" + name + "' is missing")
		}
	}
	here := strings.EqualFold(optional(p, "debug", ""), "true")
	if err := a.SetSwitch(c, p, here); err != nil {
		return err
	}
	return sendOK(c)
}

func (a *api) setNamingLogLevel(c *fiber.Ctx, p *wire.Params) error {
	for _, name := range []string{"logName", "logLevel"} {
		if !p.Has(name) {
			return said("Parameter '" + name + "' is missing")
		}
	}
	if err := a.SetLogLevel(p.Text("logLevel")); err != nil {
		return err
	}
	return sendOK(c)
}

// pushes are figures of pushes.
type pushes struct {
	Succeed uint64  `json:"succeed"`
	Total   uint64  `json:"total"`
	Ratio   float64 `json:"ratio"`
	Detail  *costs  `json:"detail,omitempty"`
	Reset   bool    `json:"reset"`
}

// costs are how many ms it took until a push was acknowledged, -1 before the first one was.
type costs struct {
	Average int64 `json:"avgPushCost"`
	Most    int64 `json:"maxPushCost"`
}

// pushState answers how many pushes were confirmed. Figures are never reset.
func (a *api) pushState(c *fiber.Ctx, p *wire.Params) error {
	s := a.Naming.Stats()
	out := pushes{Succeed: s.Acks, Total: s.Pushes}
	if s.Pushes > 0 {
		out.Ratio = math.Round(float64(s.Acks)/float64(s.Pushes)*1e4) / 1e4
	}
	if yes(optional(p, "detail", "")) {
		out.Detail = &costs{s.MeanAckMs, s.SlowestAckMs}
	}
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, out)
}

// responsible answers which server looks after an instance: this one, which takes whatever it is sent.
func (a *api) responsible(c *fiber.Ctx, p *wire.Params) error {
	for _, name := range []string{"ip", "port"} {
		if !p.Has(name) {
			return said("Parameter '" + name + "' is missing")
		}
	}
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, map[string]string{"responsibleServer": a.Info.Address})
}
