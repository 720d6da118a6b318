package v2

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"nacre/server/naming"
	"nacre/server/resource"
	"nacre/web/api/wire"
)

// maxServices bounds a page of names of services, maxInstances one of instances.
const (
	maxServices  = 500
	maxInstances = 10_000
)

// describe makes a handler of what is done with the service of a form.
func (a *api) describe(do func(context.Context, naming.Actor, naming.Service) error) handler {
	return done(func(c *fiber.Ctx, p *wire.Params) error {
		d, err := a.ServiceForm(p)
		if err != nil {
			return err
		}
		return do(wire.Context(c), a.NamingActor(c, p), d)
	})
}

func (a *api) removeService(c *fiber.Ctx, p *wire.Params) error {
	k, err := p.ServiceArgument()
	if err != nil {
		return err
	}
	if err := a.Naming.RemoveService(wire.Context(c), a.NamingActor(c, p), k); err != nil {
		return err
	}
	return wire.OK(c, "ok")
}

func (a *api) service(c *fiber.Ctx, p *wire.Params) error {
	k, err := p.ServiceArgument()
	if err != nil {
		return err
	}
	s, ok := a.Naming.Summary(k)
	if !ok {
		return wire.Refuse(fiber.StatusBadRequest, wire.ServiceNotExist, "service not found, namespace: "+k.Namespace+", serviceName: "+k.Grouped())
	}
	return wire.OK(c, a.ServiceDetailOf(&s, false))
}

// serviceNames is a page of names.
type serviceNames struct {
	Count    int      `json:"count"`
	Services []string `json:"services"`
}

func (a *api) services(c *fiber.Ctx, p *wire.Params) error {
	page, err := p.NumberField("pageNo", 1)
	if err != nil {
		return err
	}
	size, err := p.NumberField("pageSize", 20)
	if err != nil {
		return err
	}
	found, total := a.Naming.Services(wire.Namespace(p.Field("namespaceId", "")), p.Field("groupName", resource.DefaultGroup), page, min(size, maxServices))
	if found == nil {
		found = []string{}
	}
	return wire.OK(c, serviceNames{total, found})
}

// catalogInstances answers with the instances of a service, perhaps only those that are, or are not, healthy or enabled.
func (a *api) catalogInstances(c *fiber.Ctx, p *wire.Params) error {
	k, err := p.ServiceArgument()
	if err != nil {
		return err
	}
	var numbers [2]int
	for i, name := range [...]string{"pageNo", "pageSize"} {
		if !p.Has(name) {
			return missing(name, "int")
		}
		if numbers[i], err = p.NumberField(name, 1); err != nil {
			return err
		}
	}
	list := a.Naming.Instances(k, "")
	for _, one := range [...]struct {
		name string
		of   func(*naming.Instance) bool
	}{
		{"healthyOnly", func(i *naming.Instance) bool { return i.Healthy }}, {"enabledOnly", func(i *naming.Instance) bool { return i.Enabled }},
	} {
		if p.Field(one.name, "") == "" {
			continue
		}
		want, err := p.TruthField(one.name, false)
		if err != nil {
			return err
		}
		var chosen []*naming.Instance
		for _, i := range list {
			if one.of(i) == want {
				chosen = append(chosen, i)
			}
		}
		list = chosen
	}
	out := struct {
		Instances *wire.Instances `json:"instances,omitempty"`
		Count     int             `json:"count"`
	}{Count: len(list)}
	if page := wire.PageOfList(list, numbers[0], min(numbers[1], maxInstances)); len(page) > 0 {
		out.Instances = &wire.Instances{Key: k, List: page}
	}
	return wire.OK(c, out)
}

func (a *api) clients(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, a.ClientIDs()) }

// clientNamed returns the client that a request names.
func (a *api) clientNamed(p *wire.Params) (naming.ClientState, error) {
	id, ok := p.Get("clientId")
	if !ok {
		return naming.ClientState{}, missing("clientId", "String")
	}
	return a.ClientOf(id)
}

func (a *api) client(c *fiber.Ctx, p *wire.Params) error {
	state, err := a.clientNamed(p)
	if err != nil {
		return err
	}
	return wire.OK(c, wire.ClientInfoOf(&state))
}

// published is an instance that a client registered.
type published struct {
	Namespace   string      `json:"namespace"`
	Group       string      `json:"group"`
	ServiceName string      `json:"serviceName"`
	Instance    publication `json:"registeredInstance"`
}

type publication struct {
	ClientID string `json:"clientId,omitempty"`
	IP       string `json:"ip"`
	Port     int    `json:"port"`
	Cluster  string `json:"cluster"`
}

func (a *api) published(c *fiber.Ctx, p *wire.Params) error {
	state, err := a.clientNamed(p)
	if err != nil {
		return err
	}
	out := []published{}
	for _, one := range state.Published {
		for _, i := range one.Instances {
			out = append(out, published{one.Key.Namespace, one.Key.Group, one.Key.Name, publication{IP: i.IP, Port: i.Port, Cluster: i.Cluster}})
		}
	}
	return wire.OK(c, out)
}

// subscription is a service that a client subscribes to.
type subscription struct {
	Namespace   string         `json:"namespace"`
	Group       string         `json:"group"`
	ServiceName string         `json:"serviceName"`
	Subscriber  subscriberInfo `json:"subscriberInfo"`
}

type subscriberInfo struct {
	App   string `json:"app"`
	Agent string `json:"agent"`
	Addr  string `json:"addr"`
}

func (a *api) subscribed(c *fiber.Ctx, p *wire.Params) error {
	state, err := a.clientNamed(p)
	if err != nil {
		return err
	}
	_, _, address := wire.SubscriberOf(&state.Client)
	out := []subscription{}
	for _, one := range state.Subscribed {
		out = append(out, subscription{one.Key.Namespace, one.Key.Group, one.Key.Name, subscriberInfo{state.App, state.SDK, address}})
	}
	return wire.OK(c, out)
}

// publishers answers with who registered instances of a service. Nacos shows none unless ip and port are given.
func (a *api) publishers(c *fiber.Ctx, p *wire.Params) error {
	k, want, err := p.Chosen(p.ServiceArgument())
	if err != nil {
		return err
	}
	out := []publication{}
	for _, one := range a.Naming.Publishers(k) {
		for _, i := range one.Instances {
			if want.Fits(i.IP, i.Port) {
				out = append(out, publication{one.Client.ID, i.IP, i.Port, i.Cluster})
			}
		}
	}
	return wire.OK(c, out)
}

// listener is a client that subscribes to a service.
type listener struct {
	ClientID string `json:"clientId"`
	IP       string `json:"ip"`
	Port     int    `json:"port"`
}

func (a *api) subscribers(c *fiber.Ctx, p *wire.Params) error {
	k, want, err := p.Chosen(p.ServiceArgument())
	if err != nil {
		return err
	}
	out := []listener{}
	subscribers, _ := a.Nodes.Subscribers(wire.Context(c), k)
	for _, s := range subscribers {
		if ip, port, _ := wire.SubscriberOf(&s.Client); want.Fits(ip, port) {
			out = append(out, listener{s.Client.ID, ip, port})
		}
	}
	return wire.OK(c, out)
}
