package wire

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/naming"
)

// DefaultPort is what Nacos shows as the port of a cluster's instances; it means nothing.
const DefaultPort = 80

// ServiceDetail is a service with its clusters in the answers of v1 and v2.
type ServiceDetail struct {
	Namespace        string                   `json:"namespace"`
	ServiceName      string                   `json:"serviceName"`
	GroupName        string                   `json:"groupName"`
	ClusterMap       map[string]ClusterDetail `json:"clusterMap"`
	Metadata         map[string]string        `json:"metadata"`
	ProtectThreshold json.Number              `json:"protectThreshold"`
	Selector         Selector                 `json:"selector"`
	Ephemeral        bool                     `json:"ephemeral"`
}

// ClusterDetail is a cluster in a ServiceDetail.
type ClusterDetail struct {
	ClusterName   string            `json:"clusterName"`
	HealthChecker map[string]any    `json:"healthChecker"`
	Metadata      map[string]string `json:"metadata"`
	Hosts         []HostDetail      `json:"hosts"`
}

// HostDetail is an instance in a ClusterDetail.
type HostDetail struct {
	Valid    bool              `json:"valid"`
	Metadata map[string]string `json:"metadata"`
	Port     int               `json:"port"`
	IP       string            `json:"ip"`
	Weight   json.Number       `json:"weight"`
	Enabled  bool              `json:"enabled"`
}

// ServiceDetailOf returns s as v1 and v2 show it, with its instances or without.
func (d *Deps) ServiceDetailOf(s *naming.Summary, instances bool) ServiceDetail {
	x := d.Described(s)
	out := ServiceDetail{
		Namespace: s.Key.Namespace, ServiceName: s.Key.Name, GroupName: s.Key.Group, ClusterMap: map[string]ClusterDetail{},
		Metadata: x.Metadata.Map(), ProtectThreshold: Threshold(x.ProtectThreshold), Selector: SelectorShown(x.Selector), Ephemeral: s.Ephemeral,
	}
	for _, one := range d.Naming.Clusters(s.Key) {
		cluster := ClusterDetail{ClusterName: one.Name, HealthChecker: CheckerShown(one.Checker), Metadata: one.Metadata.Map()}
		if instances {
			cluster.Hosts = []HostDetail{}
			for _, i := range d.Naming.Instances(s.Key, one.Name) {
				cluster.Hosts = append(cluster.Hosts, HostDetail{i.Healthy, i.Metadata.Map(), i.Port, i.IP, Decimal(i.Weight), i.Enabled})
			}
		}
		out.ClusterMap[one.Name] = cluster
	}
	return out
}

// InstancesOf returns all instances of a cluster of a service, or the refusal that says which of the two is not there.
func (d *Deps) InstancesOf(k naming.Key, cluster string) ([]*naming.Instance, error) {
	if !d.Naming.Exists(k) {
		return nil, Refuse(fiber.StatusNotFound, ServerError, "service "+k.Grouped()+" is not found!")
	}
	list := d.Naming.Instances(k, cluster)
	if len(list) == 0 {
		for _, one := range d.Naming.Clusters(k) {
			if one.Name == cluster {
				return nil, nil
			}
		}
		return nil, Refuse(fiber.StatusNotFound, ServerError, "cluster "+cluster+" is not found!")
	}
	return list, nil
}

// SetHealth says whether a persistent instance is healthy, where nobody probes it.
func (d *Deps) SetHealth(c *fiber.Ctx, p *Params, k naming.Key, id naming.InstanceID, healthy bool) error {
	if d.Naming.State().Cluster(k, id.Cluster).Checker.Type != naming.CheckNone {
		return Refuse(fiber.StatusBadRequest, ServerError, "health check is still working, service: "+k.Grouped()+", cluster: "+id.Cluster)
	}
	return d.Naming.SetHealth(Context(c), d.NamingActor(c, p), k, id, healthy)
}

// Addresses are those of a service, each with whether it is healthy.
type Addresses struct {
	IPs []string `json:"ips"`
}

// Statuses returns the addresses of the service that key names, namespace##group@@name or group@@name. bad is what is wrong with
// the key.
func (d *Deps) Statuses(key string) (out Addresses, bad string) {
	namespace, service, ok := strings.Cut(key, "##")
	if !ok {
		namespace, service = "", key
	}
	if !strings.Contains(service, "@@") {
		return out, NotGrouped
	}
	k, bad := GroupedKey(namespace, "", service)
	if bad != "" {
		return out, bad
	}
	out.IPs = []string{}
	for _, i := range d.Naming.Instances(k, "") {
		out.IPs = append(out.IPs, i.IP+":"+strconv.Itoa(i.Port)+"_"+strconv.FormatBool(i.Healthy))
	}
	return out, ""
}
