package v1

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
	"nacre/server/naming"
	"nacre/server/resource"
	"nacre/web/api/wire"
)

// maxServices bounds a page of services, maxInstances one of instances.
const (
	maxServices  = 10_000
	maxInstances = 10_000
)

// boundService returns the service of a request that Spring binds, which says otherwise that it is missing.
func boundService(p *wire.Params) (naming.Key, error) {
	if !p.Has("serviceName") {
		return naming.Key{}, said("Parameter 'serviceName' is missing")
	}
	return serviceKey(p)
}

// describe returns what a request says of a service.
func (a *api) describe(p *wire.Params, k naming.Key, threshold string) (naming.Service, error) {
	d := naming.Service{Key: k}
	var err error
	if d.ProtectThreshold, err = strconv.ParseFloat(threshold, 32); err != nil {
		return d, notNumber("protectThreshold", threshold)
	}
	if d.Metadata, err = a.Metadata(optional(p, "metadata", "")); err != nil {
		return d, err
	}
	d.Selector, err = wire.SelectorOf(optional(p, "selector", ""))
	return d, err
}

func (a *api) createService(c *fiber.Ctx, p *wire.Params) error {
	k, err := boundService(p)
	if err != nil {
		return err
	}
	d, err := a.describe(p, k, optional(p, "protectThreshold", "0"))
	if err != nil {
		return err
	}
	if err := a.Naming.CreateService(wire.Context(c), a.NamingActor(c, p), d); err != nil {
		return err
	}
	return sendOK(c)
}

func (a *api) updateService(c *fiber.Ctx, p *wire.Params) error {
	k, err := serviceKey(p)
	if err != nil {
		return err
	}
	threshold, err := needed(p, "protectThreshold")
	if err != nil {
		return err
	}
	d, err := a.describe(p, k, threshold)
	if err != nil {
		return err
	}
	if err := a.Naming.UpdateService(wire.Context(c), a.NamingActor(c, p), d); err != nil {
		return err
	}
	return sendOK(c)
}

func (a *api) removeService(c *fiber.Ctx, p *wire.Params) error {
	k, err := boundService(p)
	if err != nil {
		return err
	}
	if err := a.Naming.RemoveService(wire.Context(c), a.NamingActor(c, p), k); err != nil {
		return err
	}
	return sendOK(c)
}

// clusterInfo is a cluster in the answer about its service.
type clusterInfo struct {
	Name          string            `json:"name"`
	HealthChecker map[string]any    `json:"healthChecker"`
	Metadata      map[string]string `json:"metadata"`
}

// serviceInfo is a service in the answer about it.
type serviceInfo struct {
	NamespaceID      string            `json:"namespaceId,omitempty"`
	GroupName        string            `json:"groupName"`
	Name             string            `json:"name"`
	ProtectThreshold json.Number       `json:"protectThreshold"`
	Metadata         map[string]string `json:"metadata"`
	Selector         wire.Selector     `json:"selector"`
}

func serviceInfoOf(d *naming.Service) serviceInfo {
	return serviceInfo{
		GroupName: d.Key.Group, Name: d.Key.Name, ProtectThreshold: wire.Threshold(d.ProtectThreshold),
		Metadata: d.Metadata.Map(), Selector: wire.SelectorShown(d.Selector),
	}
}

func (a *api) service(c *fiber.Ctx, p *wire.Params) error {
	k, err := boundService(p)
	if err != nil {
		return err
	}
	s, ok := a.Naming.Summary(k)
	if !ok {
		return said("service not found, namespace: " + k.Namespace + ", serviceName: " + k.Grouped())
	}
	d := a.Described(&s)
	out := struct {
		serviceInfo
		Clusters []clusterInfo `json:"clusters"`
	}{serviceInfoOf(&d), []clusterInfo{}}
	out.NamespaceID = k.Namespace
	for _, one := range a.Naming.Clusters(k) {
		out.Clusters = append(out.Clusters, clusterInfo{one.Name, wire.CheckerShown(one.Checker), one.Metadata.Map()})
	}
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, out)
}

// doms is a page of names.
type doms struct {
	Count int      `json:"count"`
	Doms  []string `json:"doms"`
}

func (a *api) services(c *fiber.Ctx, p *wire.Params) error {
	var numbers [2]int
	for i, name := range []string{"pageNo", "pageSize"} {
		text, err := needed(p, name)
		if err != nil {
			return err
		}
		numbers[i] = lenientNumber(text)
	}
	namespace := wire.Namespace(optional(p, "namespaceId", ""))
	found, total := a.Naming.Services(namespace, optional(p, "groupName", resource.DefaultGroup), numbers[0], min(numbers[1], maxServices))
	if found == nil {
		found = []string{}
	}
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, doms{total, found})
}

// serviceNames answers with the names that match an expression, by namespace. It is under both names that Nacos had for it.
func (a *api) serviceNames(c *fiber.Ctx, p *wire.Params) error {
	expr, err := wire.Pattern(p.Text("expr"))
	if err != nil {
		return err
	}
	namespaces := []string{optional(p, "namespaceId", "")}
	if namespaces[0] == "" {
		namespaces = a.namespaceIDs()
	}
	found, count := make(map[string][]string), 0
	for _, ns := range namespaces {
		list, _ := a.Naming.Catalog(naming.Filter{Namespace: ns}, 1, maxServices)
		names := []string{}
		for _, s := range list {
			if name := s.Key.Grouped(); expr.MatchString(name) {
				names = append(names, name)
			}
		}
		found[strings.Clone(ns)] = names
		count += len(names)
	}
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, map[string]any{"META-INF/services": found, "services": found, "count": count})
}

// namespaceIDs returns the default namespace, those that were made, and those that only services are in.
func (a *api) namespaceIDs() []string {
	seen := map[string]bool{resource.DefaultNamespace: true}
	ids := []string{resource.DefaultNamespace}
	add := func(id string) {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	if a.Namespaces != nil {
		for _, n := range a.Namespaces.All() {
			add(n.ID)
		}
	}
	a.Naming.Each(func(k naming.Key) bool { add(k.Namespace); return true })
	return ids
}

// subscriber is who wants to know of a service.
type subscriber struct {
	AddrStr     string `json:"addrStr"`
	Agent       string `json:"agent"`
	App         string `json:"app"`
	IP          string `json:"ip"`
	Port        int    `json:"port"`
	NamespaceID string `json:"namespaceId"`
	ServiceName string `json:"serviceName"`
	Cluster     string `json:"cluster"`
}

// subscribers answers with who wants to know of a service, or of others with the names in theirs.
func (a *api) subscribers(c *fiber.Ctx, p *wire.Params) error {
	k, err := serviceKey(p)
	if err != nil {
		return err
	}
	all := a.subscribersOf(c, nil, k)
	like, _ := a.Naming.Catalog(naming.Filter{Namespace: k.Namespace, Group: k.Group, Name: k.Name}, 1, maxServices)
	for _, s := range like {
		if s.Subscribers > 0 && s.Key != k && strings.Contains(s.Key.Group, k.Group) && strings.Contains(s.Key.Name, k.Name) {
			all = a.subscribersOf(c, all, s.Key)
		}
	}
	page, size := lenientNumber(optional(p, "pageNo", "1")), lenientNumber(optional(p, "pageSize", "1000"))
	out := struct {
		Subscribers []subscriber `json:"subscribers"`
		Count       int          `json:"count"`
	}{wire.PageOfList(all, page, size), len(all)}
	if out.Subscribers == nil {
		out.Subscribers = []subscriber{}
	}
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, out)
}

func (a *api) subscribersOf(c *fiber.Ctx, list []subscriber, k naming.Key) []subscriber {
	subscribers, _ := a.Nodes.Subscribers(wire.Context(c), k)
	for _, s := range subscribers {
		ip, port, address := wire.SubscriberOf(&s.Client)
		list = append(list, subscriber{address, s.Client.SDK, s.Client.App, ip, port, k.Namespace, k.Grouped(), s.Clusters})
	}
	return list
}

func selectorTypes(c *fiber.Ctx, _ *wire.Params) error {
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, wire.Rest("", wire.SelectorTypes))
}

// pageNumbers returns pageNo and pageSize, which must be there.
func pageNumbers(p *wire.Params) (page, size int, err error) {
	for _, one := range [...]struct {
		name string
		to   *int
	}{{"pageNo", &page}, {"pageSize", &size}} {
		text := optional(p, one.name, "")
		if text == "" {
			return 0, 0, said("Parameter '" + one.name + "' is missing")
		}
		if *one.to, err = wholeNumber(text); err != nil {
			return 0, 0, err
		}
	}
	return page, size, nil
}

func (a *api) catalogServices(c *fiber.Ctx, p *wire.Params) error {
	page, size, err := pageNumbers(p)
	if err != nil {
		return err
	}
	q := wire.CatalogQuery{
		Namespace: wire.Namespace(optional(p, "namespaceId", "")), Group: optional(p, "groupNameParam", ""), Name: optional(p, "serviceNameParam", ""),
		HideEmpty: yes(optional(p, "hasIpCount", "")),
	}
	detailed := yes(optional(p, "withInstances", ""))
	if detailed {
		q.HideEmpty = false
	}
	found, total, err := a.Catalog(q, page, min(size, maxServices))
	if err != nil {
		return err
	}
	if detailed {
		list := make([]wire.ServiceDetail, 0, len(found))
		for i := range found {
			list = append(list, a.ServiceDetailOf(&found[i], true))
		}
		return wire.SendJSON(c, fiber.StatusOK, wire.JSON, list)
	}
	views := make([]wire.ServiceView, 0, len(found))
	for i := range found {
		views = append(views, wire.ServiceViewOf(&found[i]))
	}
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, map[string]any{"count": total, "serviceList": views})
}

// catalogCluster is a cluster in the catalog.
type catalogCluster struct {
	ServiceName      string            `json:"serviceName"`
	Name             string            `json:"name"`
	HealthChecker    map[string]any    `json:"healthChecker"`
	DefaultPort      int               `json:"defaultPort"`
	DefaultCheckPort int               `json:"defaultCheckPort"`
	UseIPPort4Check  bool              `json:"useIpPort4Check"`
	Metadata         map[string]string `json:"metadata"`
}

// notFound is the failure of a catalog's handler that does not find a service or one of its clusters.
func notFound(text string) error { return &failure{status: fiber.StatusNotFound, text: text} }

func (a *api) catalogService(c *fiber.Ctx, p *wire.Params) error {
	k, err := serviceKey(p)
	if err != nil {
		return err
	}
	s, ok := a.Naming.Summary(k)
	if !ok {
		return notFound("service " + k.Grouped() + " is not found!")
	}
	d := a.Described(&s)
	out := struct {
		Service  serviceInfo      `json:"service"`
		Clusters []catalogCluster `json:"clusters"`
	}{serviceInfoOf(&d), []catalogCluster{}}
	for _, one := range a.Naming.Clusters(k) {
		out.Clusters = append(out.Clusters, catalogCluster{
			k.Grouped(), one.Name, wire.CheckerShown(one.Checker), wire.DefaultPort, one.CheckPort, one.UseInstancePort, one.Metadata.Map(),
		})
	}
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, out)
}

func (a *api) catalogInstances(c *fiber.Ctx, p *wire.Params) error {
	k, err := boundService(p)
	if err != nil {
		return err
	}
	cluster := optional(p, "clusterName", "")
	if cluster == "" {
		return said("Parameter 'clusterName' is missing")
	}
	page, size, err := pageNumbers(p)
	if err != nil {
		return err
	}
	list, err := a.InstancesOf(k, cluster)
	if err != nil {
		return err
	}
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, map[string]any{
		"list": wire.Instances{Key: k, List: wire.PageOfList(list, page, min(size, maxInstances))}, "count": len(list),
	})
}

func (a *api) setCluster(c *fiber.Ctx, p *wire.Params) error {
	var texts [4]string
	for i, name := range []string{"clusterName", "checkPort", "useInstancePort4Check", "healthChecker"} {
		var err error
		if texts[i], err = needed(p, name); err != nil {
			return err
		}
	}
	k, err := serviceKey(p)
	if err != nil {
		return err
	}
	cluster := naming.Cluster{Key: k, Name: texts[0], CheckPort: lenientNumber(texts[1]), UseInstancePort: yes(texts[2])}
	if cluster.Checker, err = a.CheckerOf(k, cluster.Name, texts[3]); err != nil {
		return err
	}
	if cluster.Metadata, err = a.Metadata(optional(p, "metadata", "")); err != nil {
		return err
	}
	err = a.Naming.SetCluster(wire.Context(c), a.NamingActor(c, p), cluster)
	if fault.CodeOf(err) == naming.CodeServiceAbsent {
		return said("service not found groupName: " + k.Group + ",serviceName: " + k.Name)
	}
	if err != nil {
		return err
	}
	return sendOK(c)
}

// setHealth says whether a persistent instance is healthy that nobody probes.
func (a *api) setHealth(c *fiber.Ctx, p *wire.Params) error {
	word := optional(p, "healthy", optional(p, "valid", ""))
	if word == "" {
		return said("Param 'healthy' is required.")
	}
	k, err := serviceKey(p)
	if err != nil {
		return err
	}
	id := naming.InstanceID{Cluster: clusterOf(p)}
	if id.IP, id.Port, err = address(p); err != nil {
		return err
	}
	if err := a.SetHealth(c, p, k, id, yes(word)); err != nil {
		return err
	}
	return sendOK(c)
}

func (a *api) hello(c *fiber.Ctx, _ *wire.Params) error {
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, map[string]string{
		"msg": fmt.Sprintf("Hello! I am Nacos-Naming and healthy! total services: %d, local port:%d", a.Naming.Stats().Services, a.Info.Port),
	})
}

func checkers(c *fiber.Ctx, _ *wire.Params) error {
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, wire.Checkers)
}
