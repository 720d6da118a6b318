package v3

import (
	"encoding/json"

	"github.com/gofiber/fiber/v2"

	"nacre/server/naming"
	"nacre/web/api/wire"
)

// describe makes a handler that creates a service, or describes one anew.
func (a *api) describe(create bool) handler {
	return func(c *fiber.Ctx, p *wire.Params) error {
		d, err := a.ServiceForm(p)
		if err != nil {
			return err
		}
		do := a.Naming.UpdateService
		if create {
			do = a.Naming.CreateService
		}
		if err := do(wire.Context(c), a.NamingActor(c, p), d); err != nil {
			return err
		}
		return wire.OK(c, "ok")
	}
}

func (a *api) removeService(c *fiber.Ctx, p *wire.Params) error {
	k, err := p.ServiceField()
	if err != nil {
		return err
	}
	if err := a.Naming.RemoveService(wire.Context(c), a.NamingActor(c, p), k); err != nil {
		return err
	}
	return wire.OK(c, "ok")
}

// serviceDetail is a service with its clusters. In lists what is nil is null.
type serviceDetail struct {
	NamespaceID      *string                  `json:"namespaceId"`
	ServiceName      string                   `json:"serviceName"`
	GroupName        string                   `json:"groupName"`
	ClusterMap       map[string]clusterDetail `json:"clusterMap"`
	Metadata         map[string]string        `json:"metadata"`
	ProtectThreshold json.Number              `json:"protectThreshold"`
	Selector         *wire.Selector           `json:"selector"`
	Ephemeral        *bool                    `json:"ephemeral"`
}

type clusterDetail struct {
	ClusterName     *string           `json:"clusterName"`
	HealthChecker   map[string]any    `json:"healthChecker"`
	CheckPort       int               `json:"healthyCheckPort"`
	UseInstancePort bool              `json:"useInstancePortForCheck"`
	Metadata        map[string]string `json:"metadata"`
	Hosts           *wire.Instances   `json:"hosts"`
}

func (a *api) service(c *fiber.Ctx, p *wire.Params, s side) error {
	k, err := p.ServiceField()
	if err != nil {
		return err
	}
	found, ok := a.Naming.Summary(k)
	switch {
	case !ok && s == console:
		return wire.Refuse(fiber.StatusNotFound, wire.ServerError, "service "+k.Grouped()+" is not found!")
	case !ok:
		return wire.Refuse(fiber.StatusBadRequest, wire.ServiceNotExist, "service not found, namespace: "+k.Namespace+", serviceName: "+k.Grouped())
	}
	d := a.Described(&found)
	selector := wire.SelectorShown(d.Selector)
	out := serviceDetail{
		NamespaceID: &k.Namespace, ServiceName: k.Name, GroupName: k.Group, ClusterMap: map[string]clusterDetail{}, Metadata: d.Metadata.Map(),
		ProtectThreshold: wire.Threshold(d.ProtectThreshold), Selector: &selector, Ephemeral: &found.Ephemeral,
	}
	for _, one := range a.Naming.Clusters(k) {
		out.ClusterMap[one.Name] = clusterDetail{
			ClusterName: &one.Name, HealthChecker: wire.CheckerShown(one.Checker), CheckPort: one.CheckPort, UseInstancePort: one.UseInstancePort,
			Metadata: one.Metadata.Map(),
		}
	}
	return wire.OK(c, out)
}

// listed is a service with its instances in a list, where Nacos says little else of it.
func (a *api) listedService(s *naming.Summary) serviceDetail {
	d := a.Described(s)
	out := serviceDetail{
		ServiceName: s.Key.Name, GroupName: s.Key.Group, ClusterMap: map[string]clusterDetail{}, Metadata: d.Metadata.Map(), ProtectThreshold: "0.0",
	}
	for _, i := range a.Naming.Instances(s.Key, "") {
		cluster, ok := out.ClusterMap[i.Cluster]
		if !ok {
			cluster = clusterDetail{CheckPort: wire.DefaultPort, UseInstancePort: true, Hosts: &wire.Instances{Key: s.Key}}
			out.ClusterMap[i.Cluster] = cluster
		}
		cluster.Hosts.List = append(cluster.Hosts.List, i)
	}
	return out
}

func (a *api) services(c *fiber.Ctx, p *wire.Params) error {
	no, size, err := page(p)
	if err != nil {
		return err
	}
	size = min(size, maxPageSize)
	q := wire.CatalogQuery{
		Namespace: wire.Namespace(p.Text("namespaceId")), Group: p.Field("groupNameParam", ""), Name: p.Field("serviceNameParam", ""),
		HideEmpty: truth(p, "ignoreEmptyService"),
	}
	detailed := truth(p, "withInstances")
	if detailed {
		q.HideEmpty = false
	}
	found, total, err := a.Catalog(q, no, size)
	if err != nil {
		return err
	}
	if detailed {
		list := make([]serviceDetail, 0, len(found))
		for i := range found {
			list = append(list, a.listedService(&found[i]))
		}
		return wire.OK(c, wire.PageFor(list, total, no, size))
	}
	views := make([]wire.ServiceView, 0, len(found))
	for i := range found {
		views = append(views, wire.ServiceViewOf(&found[i]))
	}
	return wire.OK(c, wire.PageFor(views, total, no, size))
}

// subscriber is who wants to know of a service.
type subscriber struct {
	NamespaceID string `json:"namespaceId"`
	GroupName   string `json:"groupName"`
	ServiceName string `json:"serviceName"`
	IP          string `json:"ip"`
	Port        int    `json:"port"`
	Agent       string `json:"agent"`
	AppName     string `json:"appName"`
}

func (a *api) subscribers(c *fiber.Ctx, p *wire.Params) error {
	k, err := p.ServiceField()
	if err != nil {
		return err
	}
	no, size, err := page(p)
	if err != nil {
		return err
	}
	all, _ := a.Nodes.Subscribers(wire.Context(c), k)
	var out []subscriber
	for _, s := range wire.PageOfList(all, no, size) {
		ip, port, _ := wire.SubscriberOf(&s.Client)
		out = append(out, subscriber{k.Namespace, k.Group, k.Name, ip, port, s.Client.SDK, s.Client.App})
	}
	return wire.OK(c, wire.PageFor(out, len(all), no, size))
}

func selectorTypes(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, wire.SelectorTypes) }

func (a *api) clients(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, a.ClientIDs()) }

// clientNamed returns the client that a request names.
func (a *api) clientNamed(p *wire.Params) (naming.ClientState, error) {
	id, err := argument(p, "clientId")
	if err != nil {
		return naming.ClientState{}, err
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

// clientService is a service that a client registered an instance of, or subscribes to.
type clientService struct {
	NamespaceID string      `json:"namespaceId"`
	GroupName   string      `json:"groupName"`
	ServiceName string      `json:"serviceName"`
	Publisher   *publisher  `json:"publisherInfo"`
	Subscriber  *subscribes `json:"subscriberInfo"`
}

type publisher struct {
	ClientID    *string `json:"clientId"`
	IP          string  `json:"ip"`
	Port        int     `json:"port"`
	ClusterName string  `json:"clusterName"`
}

type subscribes struct {
	ClientID *string `json:"clientId"`
	AppName  string  `json:"appName"`
	Agent    string  `json:"agent"`
	Address  string  `json:"address"`
}

func (a *api) published(c *fiber.Ctx, p *wire.Params) error {
	state, err := a.clientNamed(p)
	if err != nil {
		return err
	}
	out := []clientService{}
	for _, one := range state.Published {
		for _, i := range one.Instances {
			out = append(out, clientService{one.Key.Namespace, one.Key.Group, one.Key.Name, &publisher{nil, i.IP, i.Port, i.Cluster}, nil})
		}
	}
	return wire.OK(c, out)
}

func (a *api) subscribed(c *fiber.Ctx, p *wire.Params) error {
	state, err := a.clientNamed(p)
	if err != nil {
		return err
	}
	_, _, address := wire.SubscriberOf(&state.Client)
	out := []clientService{}
	for _, one := range state.Subscribed {
		out = append(out, clientService{one.Key.Namespace, one.Key.Group, one.Key.Name, nil, &subscribes{nil, state.App, state.SDK, address}})
	}
	return wire.OK(c, out)
}

func (a *api) publishers(c *fiber.Ctx, p *wire.Params) error {
	k, want, err := p.Chosen(p.ServiceField())
	if err != nil {
		return err
	}
	out := []publisher{}
	for _, one := range a.Naming.Publishers(k) {
		for _, i := range one.Instances {
			if want.Fits(i.IP, i.Port) {
				out = append(out, publisher{&one.Client.ID, i.IP, i.Port, i.Cluster})
			}
		}
	}
	return wire.OK(c, out)
}

func (a *api) listeners(c *fiber.Ctx, p *wire.Params) error {
	k, want, err := p.Chosen(p.ServiceField())
	if err != nil {
		return err
	}
	out := []subscribes{}
	subscribers, _ := a.Nodes.Subscribers(wire.Context(c), k)
	for _, s := range subscribers {
		if ip, port, address := wire.SubscriberOf(&s.Client); want.Fits(ip, port) {
			out = append(out, subscribes{&s.Client.ID, s.Client.App, s.Client.SDK, address})
		}
	}
	return wire.OK(c, out)
}

// responsible answers which server looks after an instance: this one, which takes whatever it is sent.
func (a *api) responsible(c *fiber.Ctx, p *wire.Params) error {
	for _, name := range []string{"ip", "port"} {
		if _, err := argument(p, name); err != nil {
			return err
		}
	}
	return wire.OK(c, map[string]string{"responsibleServer": a.Info.Address})
}
