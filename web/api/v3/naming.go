package v3

import (
	"encoding/json"
	"slices"

	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
	"nacre/server/naming"
	"nacre/server/resource"
	"nacre/web/api/wire"
)

// registerNaming adds the paths of services and instances.
func (a *api) registerNaming(router wire.Router) {
	on := func(method string, h handler) wire.Method { return wire.Method{Name: method, Handler: a.served(h)} }
	const client, adm, cons = "/nacos/v3/client/ns", "/nacos/v3/admin/ns", "/nacos/v3/console/ns"
	router.Add(client+"/instance", on("POST", a.registerOrBeat), on("DELETE", a.change(a.Deregister)))
	router.Add(client+"/instance/list", on("GET", a.hosts))

	for prefix, s := range map[string]side{adm: admin, cons: console} {
		router.Add(prefix+"/service", on("POST", a.describe(true)), on("PUT", a.describe(false)), on("DELETE", a.removeService), on("GET", s.of(a.service)))
		router.Add(prefix+"/service/list", on("GET", a.services))
		router.Add(prefix+"/service/subscribers", on("GET", a.subscribers))
		router.Add(prefix+"/service/selector/types", on("GET", selectorTypes))
	}
	router.Add(adm+"/cluster", on("PUT", a.setCluster))
	router.Add(cons+"/service/cluster", on("PUT", a.setCluster))

	router.Add(adm+"/instance",
		on("POST", a.change(a.Register)), on("PUT", a.change(a.UpdateInstance)), on("DELETE", a.change(a.Deregister)), on("GET", a.instance))
	router.Add(adm+"/instance/partial", on("PUT", a.patchInstance))
	router.Add(adm+"/instance/metadata/batch", on("PUT", a.changeMetadata(false)), on("DELETE", a.changeMetadata(true)))
	router.Add(adm+"/instance/list", on("GET", a.listInstances))
	router.Add(cons+"/instance", on("PUT", a.updateAsConsole))
	router.Add(cons+"/instance/list", on("GET", a.pageInstances), on("POST", a.pageInstances), on("PUT", a.pageInstances), on("DELETE", a.pageInstances), on("PATCH", a.pageInstances))

	router.Add(adm+"/health/instance", on("PUT", ok(a.UpdateHealth)))
	router.Add(adm+"/health/checkers", on("GET", checkers))
	router.Add(adm+"/ops/switches", on("GET", a.switches), on("PUT", ok(a.UpdateSwitch)))
	router.Add(adm+"/ops/metrics", on("GET", a.metrics))
	router.Add(adm+"/ops/log", on("PUT", ok(a.logLevel)))
	for path, h := range map[string]handler{
		"": a.client, "/list": a.clients, "/publish/list": a.published, "/subscribe/list": a.subscribed,
		"/service/publisher/list": a.publishers, "/service/subscriber/list": a.listeners, "/distro": a.responsible,
	} {
		router.Add(adm+"/client"+path, on("GET", h))
	}
}

// served makes a Fiber handler of one of naming's: the parameter check, and failures of the registry in the envelope.
func (a *api) served(h handler) fiber.Handler {
	return a.enveloped(func(c *fiber.Ctx, p *wire.Params) error {
		if text := p.CheckNaming(); text != "" {
			return wire.SendCheckFailure(c, text)
		}
		return wire.NamingRefusal(h(c, p))
	})
}

// ok makes a handler that answers ok of what was done.
func ok(do handler) handler {
	return func(c *fiber.Ctx, p *wire.Params) error {
		if err := do(c, p); err != nil {
			return err
		}
		return wire.OK(c, "ok")
	}
}

// change makes a handler of what is done with the instance of a form.
func (a *api) change(do func(*fiber.Ctx, *wire.Params, *wire.InstanceForm) error) handler {
	return ok(func(c *fiber.Ctx, p *wire.Params) error {
		var f wire.InstanceForm
		if err := a.InstanceForm(p, &f, a.Naming.Switches().DefaultInstanceEphemeral); err != nil {
			return err
		}
		return do(c, p, &f)
	})
}

// updateAsConsole takes an instance for a persistent one where the form does not say.
func (a *api) updateAsConsole(c *fiber.Ctx, p *wire.Params) error {
	var f wire.InstanceForm
	if err := a.InstanceForm(p, &f, false); err != nil {
		return err
	}
	if err := a.UpdateInstance(c, p, &f); err != nil {
		return err
	}
	return wire.OK(c, "ok")
}

// registerOrBeat registers an instance or, with heartBeat=true, notes a heartbeat of it. One that is not known is to be
// registered by its client, which the code of the answer tells it.
func (a *api) registerOrBeat(c *fiber.Ctx, p *wire.Params) error {
	beats, err := p.TruthField("heartBeat", false)
	if err != nil {
		return err
	}
	var f wire.InstanceForm
	if err := a.InstanceForm(p, &f, a.Naming.Switches().DefaultInstanceEphemeral); err != nil {
		return err
	}
	if !beats {
		if err := a.Register(c, p, &f); err != nil {
			return err
		}
		return wire.OK(c, "ok")
	}
	beaten, err := a.Naming.Beat(naming.Actor{}, f.Key, f.Instance, false)
	switch {
	case err != nil:
		return err
	case !beaten.Known:
		return wire.SendJSON(c, fiber.StatusOK, wire.JSON, wire.Result{Code: wire.InstanceNotFound, Message: wire.InstanceNotFound.Text()})
	}
	return wire.OK(c, "ok")
}

// hosts answers with what a client is to see of a service: the cluster DEFAULT, unless it names others.
func (a *api) hosts(c *fiber.Ctx, p *wire.Params) error {
	k, err := p.ServiceField()
	if err != nil {
		return err
	}
	return wire.SendHosts(c, a.Naming.Lookup(k, naming.Query{Clusters: p.Field("clusterName", resource.DefaultCluster)}))
}

func (a *api) instance(c *fiber.Ctx, p *wire.Params) error {
	k, err := p.ServiceField()
	if err != nil {
		return err
	}
	id, err := p.IDField()
	if err != nil {
		return err
	}
	i, err := a.Found(k, id)
	if err != nil {
		return err
	}
	return wire.OK(c, json.RawMessage(wire.AppendInstance(nil, k, i)))
}

func (a *api) patchInstance(c *fiber.Ctx, p *wire.Params) error {
	k, err := p.ServiceField()
	if err != nil {
		return err
	}
	id, err := p.IDField()
	if err != nil {
		return err
	}
	patch, err := a.PatchForm(p)
	if err != nil {
		return err
	}
	if err := a.PatchInstance(c, p, k, id, patch); err != nil {
		return err
	}
	return wire.OK(c, "ok")
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

// ofCluster returns all instances of the cluster of a service that a form names.
func (a *api) ofCluster(p *wire.Params) (naming.Key, []*naming.Instance, error) {
	k, err := p.ServiceField()
	if err != nil {
		return k, nil, err
	}
	list, err := a.InstancesOf(k, p.Field("clusterName", resource.DefaultCluster))
	return k, list, err
}

func (a *api) listInstances(c *fiber.Ctx, p *wire.Params) error {
	healthyOnly, err := p.TruthField("healthyOnly", false)
	if err != nil {
		return err
	}
	k, list, err := a.ofCluster(p)
	if err != nil {
		return err
	}
	if healthyOnly {
		list = slices.DeleteFunc(slices.Clone(list), func(i *naming.Instance) bool { return !i.Healthy })
	}
	return wire.OK(c, wire.Instances{Key: k, List: list})
}

func (a *api) pageInstances(c *fiber.Ctx, p *wire.Params) error {
	no, size, err := page(p)
	if err != nil {
		return err
	}
	k, list, err := a.ofCluster(p)
	if err != nil {
		return err
	}
	size = min(size, maxPageSize)
	return wire.OK(c, instancePage{len(list), no, (len(list) + size - 1) / size, wire.Instances{Key: k, List: wire.PageOfList(list, no, size)}})
}

// instancePage is a page of instances.
type instancePage struct {
	TotalCount     int            `json:"totalCount"`
	PageNumber     int            `json:"pageNumber"`
	PagesAvailable int            `json:"pagesAvailable"`
	PageItems      wire.Instances `json:"pageItems"`
}

// setCluster describes a cluster of a service.
func (a *api) setCluster(c *fiber.Ctx, p *wire.Params) error {
	for _, one := range [...]struct{ name, kind string }{
		{"serviceName", "String"}, {"clusterName", "String"}, {"checkPort", "Integer"}, {"useInstancePort4Check", "Boolean"}, {"healthChecker", "String"},
	} {
		if p.Field(one.name, "") == "" {
			return wire.MissingField(one.name, one.kind)
		}
	}
	k, err := p.ServiceField()
	if err != nil {
		return err
	}
	x := naming.Cluster{Key: k, Name: p.Field("clusterName", "")}
	if x.CheckPort, err = p.NumberField("checkPort", 0); err != nil {
		return err
	}
	if x.UseInstancePort, err = p.TruthField("useInstancePort4Check", true); err != nil {
		return err
	}
	if x.Checker, err = a.CheckerOf(k, x.Name, p.Field("healthChecker", "")); err != nil {
		return err
	}
	if x.Metadata, err = a.Metadata(p.Field("metadata", "")); err != nil {
		return err
	}
	err = a.Naming.SetCluster(wire.Context(c), a.NamingActor(c, p), x)
	if fault.CodeOf(err) == naming.CodeServiceAbsent {
		return wire.Refuse(fiber.StatusBadRequest, wire.ServerError, "service not found groupName: "+k.Group+",serviceName: "+k.Name)
	}
	if err != nil {
		return err
	}
	return wire.OK(c, "ok")
}

func checkers(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, wire.Checkers) }

func (a *api) switches(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, a.NamingSwitches()) }

func (a *api) metrics(c *fiber.Ctx, p *wire.Params) error {
	only, err := p.TruthField("onlyStatus", true)
	if err != nil {
		return err
	}
	return wire.OK(c, a.NamingMetrics(only, false))
}

// logLevel changes the level of the whole log, as there are no modules with levels of their own.
func (a *api) logLevel(_ *fiber.Ctx, p *wire.Params) error {
	if _, err := argument(p, "logName"); err != nil {
		return err
	}
	level, err := argument(p, "logLevel")
	if err != nil {
		return err
	}
	return a.SetLogLevel(level)
}
