package nacre

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
	"nacre/server/naming"
	"nacre/server/resource"
	"nacre/web/api/wire"
)

// serviceIn are the parameters that name one service.
type serviceIn struct {
	Namespace string `query:"namespace" doc:"id of the namespace; without it, the default one" example:"dev"`
	Group     string `query:"group" default:"DEFAULT_GROUP" doc:"the group" example:"DEFAULT_GROUP"`
	Service   string `query:"service" required:"true" doc:"the name within the group" example:"orders"`
}

func (in *serviceIn) serviceKey() naming.Key {
	return naming.Key{Namespace: wire.Namespace(in.Namespace), Group: in.Group, Name: in.Service}
}

// instanceIn are the parameters that name one instance of a service.
type instanceIn struct {
	serviceIn
	IP      string `query:"ip" required:"true" doc:"the instance's address" example:"10.0.0.7"`
	Port    int    `query:"port" required:"true" min:"0" max:"65535" doc:"its port" example:"8080"`
	Cluster string `query:"cluster" default:"DEFAULT" doc:"its cluster" example:"DEFAULT"`
}

func (in *instanceIn) instanceID() naming.InstanceID {
	return naming.InstanceID{IP: in.IP, Port: in.Port, Cluster: in.Cluster}
}

func noService(k naming.Key) error { return fault.New(fault.NotFound, "there is no service %s", k) }

func noInstance(k naming.Key, id naming.InstanceID) error {
	return fault.New(fault.NotFound, "the service %s has no instance %s", k, id)
}

type servicesIn struct {
	Namespace    string `query:"namespace" doc:"id of the namespace; without it, the default one" example:"dev"`
	Group        string `query:"group" doc:"text that the group has somewhere, in whatever case"`
	Name         string `query:"name" doc:"text that the name has somewhere, in whatever case" example:"order"`
	Address      string `query:"address" doc:"only those with an instance of this address, or address:port" example:"10.0.0.7"`
	HasInstances bool   `query:"hasInstances" doc:"only those that have instances"`
	Unhealthy    bool   `query:"unhealthy" doc:"only those that have an unhealthy instance"`
	pageIn
}

// serviceRow is a service in a list.
type serviceRow struct {
	Namespace   string `json:"namespace"`
	Group       string `json:"group"`
	Service     string `json:"service"`
	Ephemeral   bool   `json:"ephemeral" doc:"whether its instances live as long as their clients; false: until somebody takes them away"`
	Clusters    int    `json:"clusters" doc:"how many its instances are in"`
	Instances   int    `json:"instances"`
	Healthy     int    `json:"healthy"`
	Disabled    int    `json:"disabled" doc:"that no application sees"`
	Overridden  int    `json:"overridden" doc:"that an operator laid something over"`
	Subscribers int    `json:"subscribers" doc:"clients that are told of changes"`
	Protected   bool   `json:"protected" doc:"so few are healthy that applications are shown all as healthy"`
	Revision    uint64 `json:"revision" doc:"grows with each change of the service; not that of configurations"`
	ChangedMs   int64  `json:"changedMs"`
}

type servicePage struct {
	Total    int          `json:"total"`
	Page     int          `json:"page"`
	Pages    int          `json:"pages"`
	Services []serviceRow `json:"services"`
}

func (a *api) services(_ *fiber.Ctx, in *servicesIn) (*servicePage, error) {
	found, total := a.Naming.Catalog(naming.Filter{
		Namespace: wire.Namespace(in.Namespace), Group: in.Group, Name: in.Name, Address: in.Address, HasInstances: in.HasInstances, Unhealthy: in.Unhealthy,
	}, in.Page, in.Size)
	out := &servicePage{Total: total, Page: in.Page, Pages: pagesOf(total, in.Size), Services: make([]serviceRow, len(found))}
	for i := range found {
		out.Services[i] = serviceRowOf(&found[i])
	}
	return out, nil
}

func serviceRowOf(s *naming.Summary) serviceRow {
	return serviceRow{
		Namespace: s.Key.Namespace, Group: s.Key.Group, Service: s.Key.Name, Ephemeral: s.Ephemeral, Clusters: s.Clusters, Instances: s.Instances,
		Healthy: s.Healthy, Disabled: s.Disabled, Overridden: s.Overridden, Subscribers: s.Subscribers, Protected: s.Protected,
		Revision: s.Revision, ChangedMs: s.ChangedMs,
	}
}

// clusterBody is a cluster and how its persistent instances are probed.
type clusterBody struct {
	Name      string            `json:"name"`
	Check     string            `json:"check" doc:"how persistent instances are probed: TCP, HTTP, MYSQL, GRPC or NONE"`
	CheckPort int               `json:"checkPort" doc:"where they are probed; 0 for the instance's port"`
	Metadata  map[string]string `json:"metadata"`
}

type serviceDetail struct {
	serviceRow
	Described        bool              `json:"described" doc:"whether somebody described it; such a service stays without instances"`
	ProtectThreshold float64           `json:"protectThreshold" doc:"the share of healthy instances from which downwards all are shown as healthy"`
	Selector         string            `json:"selector" doc:"expression that chooses by labels what a client sees; empty for none"`
	Metadata         map[string]string `json:"metadata"`
	ModifiedBy       string            `json:"modifiedBy" doc:"who described it last"`
	ModifiedMs       int64             `json:"modifiedMs" doc:"when, 0 for never"`
	ClusterList      []clusterBody     `json:"clusterList"`
}

func (a *api) service(_ *fiber.Ctx, in *serviceIn) (*serviceDetail, error) {
	k := in.serviceKey()
	s, ok := a.Naming.Summary(k)
	if !ok {
		return nil, noService(k)
	}
	out := &serviceDetail{serviceRow: serviceRowOf(&s), Metadata: map[string]string{}, ClusterList: []clusterBody{}}
	if d := s.Described; d != nil {
		out.Described, out.ProtectThreshold, out.Metadata = true, d.ProtectThreshold, d.Metadata.Map()
		out.Selector, out.ModifiedBy, out.ModifiedMs = d.Selector.Expression, d.User, d.ModifiedMs
	}
	for _, c := range a.Naming.Clusters(k) {
		b := clusterBody{Name: c.Name, Check: c.Checker.Type, CheckPort: c.CheckPort, Metadata: c.Metadata.Map()}
		if c.UseInstancePort {
			b.CheckPort = 0
		}
		out.ClusterList = append(out.ClusterList, b)
	}
	return out, nil
}

// instanceBody is an instance.
type instanceBody struct {
	IP        string            `json:"ip"`
	Port      int               `json:"port"`
	Cluster   string            `json:"cluster"`
	Weight    float64           `json:"weight" doc:"0 to 10000; applications choose one of twice the weight twice as often, and none of 0"`
	Healthy   bool              `json:"healthy"`
	Enabled   bool              `json:"enabled" doc:"false: no application sees it"`
	Ephemeral bool              `json:"ephemeral" doc:"whether it lives as long as its client"`
	Metadata  map[string]string `json:"metadata"`
	Override  *overrideBody     `json:"override,omitempty" doc:"what an operator laid over it; what stands beside is so already"`
}

func (a *api) instanceOf(i *naming.Instance, o *naming.Override) instanceBody {
	b := instanceBody{
		IP: i.IP, Port: i.Port, Cluster: i.Cluster, Weight: i.Weight, Healthy: i.Healthy, Enabled: i.Enabled, Ephemeral: i.Ephemeral, Metadata: i.Metadata.Map(),
	}
	if o != nil {
		over := a.overrideOf(o)
		b.Override = &over
	}
	return b
}

type instancesIn struct {
	serviceIn
	Clusters []string `query:"clusters" max:"100" doc:"only those of these clusters" example:"DEFAULT"`
	Healthy  bool     `query:"healthy" doc:"only the healthy ones"`
	Enabled  bool     `query:"enabled" doc:"only the enabled ones, and protected as applications see them"`
	pageIn
}

type instancePage struct {
	Namespace string         `json:"namespace"`
	Group     string         `json:"group"`
	Service   string         `json:"service"`
	Protected bool           `json:"protected" doc:"so few are healthy that all are shown so; with enabled alone"`
	Total     int            `json:"total"`
	Page      int            `json:"page"`
	Pages     int            `json:"pages"`
	Instances []instanceBody `json:"instances" doc:"by address, port and cluster"`
}

func (a *api) instances(_ *fiber.Ctx, in *instancesIn) (*instancePage, error) {
	k := in.serviceKey()
	for _, c := range in.Clusters {
		if err := resource.CheckCluster(c); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "%s", err.Error())
		}
	}
	v := a.Naming.Lookup(k, naming.Query{Clusters: strings.Join(in.Clusters, ","), HealthyOnly: in.Healthy, Disabled: !in.Enabled})
	if !v.Exists {
		return nil, noService(k)
	}
	total := len(v.Hosts)
	out := &instancePage{
		Namespace: k.Namespace, Group: k.Group, Service: k.Name, Protected: v.Protected,
		Total: total, Page: in.Page, Pages: pagesOf(total, in.Size), Instances: []instanceBody{},
	}
	for _, i := range wire.PageOfList(v.Hosts, in.Page, in.Size) {
		out.Instances = append(out.Instances, a.instanceOf(i, a.Naming.State().Override(k, i.Of())))
	}
	return out, nil
}

// noteBody is something that happened to an instance.
type noteBody struct {
	AtMs   int64  `json:"atMs"`
	What   string `json:"what" enum:"registered,reregistered,unhealthy,healthy,removed,probed,overridden,uncovered" doc:"probed: what a probe saw; overridden: what an operator laid over it; uncovered: that this was taken away"`
	Detail string `json:"detail" doc:"in words, what the kind does not say"`
	By     string `json:"by" doc:"the client, person or address that did it"`
}

// whyBody is how an instance came to be as it is.
type whyBody struct {
	Shown      *instanceBody `json:"shown" doc:"as applications see it, null when it is not there"`
	Registered *instanceBody `json:"registered" doc:"as its client registered it"`
	ClientID   string        `json:"clientId" doc:"of who registered it, empty when it is not there"`
	SinceMs    int64         `json:"sinceMs" doc:"since when that client is in the service"`
	LastBeatMs int64         `json:"lastBeatMs" doc:"of its last heartbeat, 0 where it lives without"`
	GoneMs     int64         `json:"goneMs" doc:"when it went, 0 while it is there"`
	Override   *overrideBody `json:"override"`
	Others     []string      `json:"others" doc:"clients that registered the same address, port and cluster, too"`
	Events     []noteBody    `json:"events" doc:"the last that happened to it, oldest first"`
}

type eventsIn struct{ instanceIn }

func (a *api) events(_ *fiber.Ctx, in *eventsIn) (*whyBody, error) {
	k, id := in.serviceKey(), in.instanceID()
	w := a.Naming.Why(k, id)
	if w.Shown == nil && w.Override == nil && len(w.Notes) == 0 {
		return nil, noInstance(k, id)
	}
	out := &whyBody{
		ClientID: w.ClientID, SinceMs: w.SinceMs, LastBeatMs: w.LastBeatMs, GoneMs: w.GoneMs, Others: notNil(w.Others), Events: make([]noteBody, len(w.Notes)),
	}
	if w.Shown != nil {
		shown, own := a.instanceOf(w.Shown, nil), a.instanceOf(w.Own, nil)
		out.Shown, out.Registered = &shown, &own
	}
	if w.Override != nil {
		o := a.overrideOf(w.Override)
		out.Override = &o
	}
	for i, n := range w.Notes {
		out.Events[i] = noteBody{AtMs: n.AtMs, What: n.What.String(), Detail: n.Detail, By: n.By}
	}
	return out, nil
}
