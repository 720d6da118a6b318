package wire

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/naming"
)

// Selector is a selector in answers.
type Selector struct {
	Type        string   `json:"type"`
	Expression  string   `json:"expression,omitempty"`
	Labels      []string `json:"labels,omitempty"`
	ContextType string   `json:"contextType"`
}

// SelectorShown returns s for an answer.
func SelectorShown(s naming.Selector) Selector {
	if s.Type != naming.SelectorLabel {
		return Selector{Type: naming.SelectorNone, ContextType: "NONE"}
	}
	labels, _ := s.Labels() // checked when it was set
	return Selector{Type: s.Type, Expression: s.Expression, Labels: labels, ContextType: "CMDB"}
}

// SelectorTypes are the types that there are.
var SelectorTypes = []string{"label", "none"}

// CheckerShown returns the health checker of a cluster for an answer. Passwords are not shown.
func CheckerShown(x naming.Checker) map[string]any {
	out := map[string]any{"type": x.Type}
	switch x.Type {
	case naming.CheckHTTP:
		out["path"], out["headers"], out["expectedResponseCode"] = x.Path, x.Headers, x.Expected
	case naming.CheckMySQL:
		out["user"], out["pwd"], out["cmd"] = x.User, "", x.Command
		if x.Password != "" {
			out["pwd"] = hiddenPassword
		}
	}
	return out
}

// Checkers are the health checkers that there are, with their fields.
var Checkers = map[string]any{
	"TCP": map[string]any{}, "HTTP": map[string]any{"path": "", "headers": "", "expectedResponseCode": 200},
	"MYSQL": map[string]any{"user": nil, "pwd": nil, "cmd": nil}, "NONE": map[string]any{},
}

// Described returns what is described of a service, with what holds where nothing is.
func (d *Deps) Described(s *naming.Summary) naming.Service {
	if s.Described != nil {
		return *s.Described
	}
	return naming.Service{Key: s.Key, Ephemeral: s.Ephemeral}
}

// Threshold returns a protection threshold as Java writes a float.
func Threshold(f float64) json.Number {
	return json.Number(appendDecimal(nil, shortest32(f)))
}

// shortest32 returns the number whose text is the shortest that reads back as the same float of 32 bits.
func shortest32(f float64) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', -1, 32), 64)
	if err != nil || math.IsInf(short, 0) {
		return f
	}
	return short
}

// ServiceView is a service in a catalog.
type ServiceView struct {
	Name                 string `json:"name"`
	GroupName            string `json:"groupName"`
	ClusterCount         int    `json:"clusterCount"`
	IPCount              int    `json:"ipCount"`
	HealthyInstanceCount int    `json:"healthyInstanceCount"`
	TriggerFlag          string `json:"triggerFlag"`
}

// ServiceViewOf returns s as a catalog shows it.
func ServiceViewOf(s *naming.Summary) ServiceView {
	threshold := 0.0
	if s.Described != nil {
		threshold = s.Described.ProtectThreshold
	}
	triggered := s.Instances > 0 && float64(s.Healthy)/float64(s.Instances) <= threshold
	return ServiceView{
		Name: s.Key.Name, GroupName: s.Key.Group, ClusterCount: s.Clusters, IPCount: s.Instances, HealthyInstanceCount: s.Healthy,
		TriggerFlag: strconv.FormatBool(triggered),
	}
}

// plain is a text of which a regular expression matches nothing that has not the text in it.
var plain = regexp.MustCompile(`^[\w.:/@-]*$`)

// CatalogQuery says which services a catalog shows.
type CatalogQuery struct {
	Namespace, Group, Name string
	HideEmpty              bool
}

// Catalog returns a page of services. Group and name are parts of the names, in whatever case, or regular expressions that match
// a part; Refusal 400 for one that is none.
func (d *Deps) Catalog(q CatalogQuery, page, size int) (found []naming.Summary, total int, err error) {
	f := naming.Filter{Namespace: q.Namespace, HasInstances: q.HideEmpty}
	if plain.MatchString(q.Group) && plain.MatchString(q.Name) {
		f.Group, f.Name = q.Group, q.Name
		found, total = d.Naming.Catalog(f, page, size)
		return found, total, nil
	}
	group, err := Pattern(q.Group)
	if err != nil {
		return nil, 0, err
	}
	name, err := Pattern(q.Name)
	if err != nil {
		return nil, 0, err
	}
	all, _ := d.Naming.Catalog(f, 1, math.MaxInt)
	all = slices.DeleteFunc(all, func(s naming.Summary) bool { return !group.MatchString(s.Key.Group) || !name.MatchString(s.Key.Name) })
	return PageOfList(all, page, size), len(all), nil
}

// maxPattern is the most bytes of an expression.
const maxPattern = 1024

// Pattern returns a regular expression that matches a part of a name. Refusal 400 for one that is none.
func Pattern(expr string) (*regexp.Regexp, error) {
	if len(expr) > maxPattern {
		return nil, invalid(fmt.Sprintf("the expression has %d bytes, at most %d are allowed", len(expr), maxPattern))
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, invalid(err.Error())
	}
	return re, nil
}

// PageOfList returns a page of a list. page counts from 1; what is less means the first.
func PageOfList[T any](all []T, page, size int) []T {
	if size <= 0 {
		return nil
	}
	page = max(page, 1) - 1
	if page > len(all)/size {
		return nil
	}
	from := page * size
	return all[from:min(from+min(size, len(all)), len(all))]
}

// PageFor returns the page of items already cut out of total.
func PageFor[T any](items []T, total, page, size int) Page[T] {
	if items == nil {
		items = []T{}
	}
	return Page[T]{TotalCount: total, PageNumber: page, PagesAvailable: (total + size - 1) / size, PageItems: items}
}

// SubscriberOf returns address and port of a subscriber as Nacos shows them: those of connections have no port.
func SubscriberOf(c *naming.Client) (ip string, port int, address string) {
	if c.Kind == naming.Connection {
		return c.IP, 0, c.IP
	}
	return c.IP, c.Port, c.IP + ":" + strconv.Itoa(c.Port)
}

// ClientIDs returns the ids of all clients.
func (d *Deps) ClientIDs() []string {
	all, _ := d.Naming.Clients("", 1, math.MaxInt)
	ids := make([]string, len(all))
	for i := range all {
		ids[i] = all[i].ID
	}
	return ids
}

// ClientOf returns a client, or the refusal that says that there is none.
func (d *Deps) ClientOf(id string) (naming.ClientState, error) {
	c, ok := d.Naming.ClientOf(id)
	if !ok {
		return c, Refuse(fiber.StatusNotFound, ResourceNotFound, "clientId [ "+id+" ] not exist")
	}
	return c, nil
}

// ClientInfo is a client in the answers of v2 and v3.
type ClientInfo struct {
	ClientID        string  `json:"clientId"`
	Ephemeral       bool    `json:"ephemeral"`
	LastUpdatedTime int64   `json:"lastUpdatedTime"`
	ClientType      string  `json:"clientType"`
	ConnectType     *string `json:"connectType"`
	AppName         *string `json:"appName"`
	Version         *string `json:"version"`
	ClientIP        *string `json:"clientIp"`
	ClientPort      int     `json:"clientPort"`
}

// ClientInfoOf returns c as v2 and v3 show it.
func ClientInfoOf(c *naming.ClientState) ClientInfo {
	out := ClientInfo{ClientID: c.ID, Ephemeral: c.Kind != naming.Lasting, LastUpdatedTime: c.SeenMs, ClientType: "ipPort"}
	if c.Kind == naming.Connection {
		grpc := "GRPC"
		out.ClientType, out.ConnectType = "connection", &grpc
		out.AppName, out.Version, out.ClientIP = &c.App, &c.SDK, &c.IP
		if i := strings.LastIndexByte(c.Remote, ':'); i >= 0 {
			out.ClientPort, _ = strconv.Atoi(c.Remote[i+1:]) // 0 when it has none
		}
	}
	return out
}

// NamingStatus returns the state of the server as naming shows it.
func (d *Deps) NamingStatus() string {
	if s := d.Naming.Switches().OverriddenServerStatus; s != "" {
		return s
	}
	if d.Ready != nil && d.Ready() != nil {
		return "DOWN"
	}
	return "UP"
}

// Metrics are the figures of naming. Fields that a version does not have are nil there.
type Metrics struct {
	Status                     string       `json:"status"`
	ServiceCount               *int64       `json:"serviceCount,omitempty"`
	InstanceCount              *int64       `json:"instanceCount,omitempty"`
	SubscribeCount             *int64       `json:"subscribeCount,omitempty"`
	ResponsibleInstanceCount   *int64       `json:"responsibleInstanceCount,omitempty"`
	ClientCount                *int64       `json:"clientCount,omitempty"`
	ConnectionBasedClientCount *int64       `json:"connectionBasedClientCount,omitempty"`
	EphemeralIPPortClientCount *int64       `json:"ephemeralIpPortClientCount,omitempty"`
	PersistentIPPortClients    *int64       `json:"persistentIpPortClientCount,omitempty"`
	ResponsibleClientCount     *int64       `json:"responsibleClientCount,omitempty"`
	CPU                        *json.Number `json:"cpu,omitempty"`
	Load                       *json.Number `json:"load,omitempty"`
	Mem                        *json.Number `json:"mem,omitempty"`
}

// NamingMetrics returns the figures, those of the machine with machine, the state alone with onlyStatus.
func (d *Deps) NamingMetrics(onlyStatus, machine bool) Metrics {
	m := Metrics{Status: d.NamingStatus()}
	if onlyStatus {
		return m
	}
	s := d.Naming.Stats()
	ephemeral := s.BeatClients + s.Datagrams
	clients := s.Connections + ephemeral + s.LastingClients
	m.ServiceCount, m.InstanceCount, m.SubscribeCount = &s.Services, &s.Instances, &s.Subscriptions
	m.ClientCount, m.ConnectionBasedClientCount, m.ResponsibleClientCount = &clients, &s.Connections, &clients
	m.EphemeralIPPortClientCount, m.PersistentIPPortClients = &ephemeral, &s.LastingClients
	if machine && d.Machine != nil {
		load, cpu := d.Machine.Load()
		m.Load, m.CPU, m.Mem = ptr(json.Number(load)), ptr(json.Number(cpu)), ptr(memoryUsed())
	}
	return m
}

func ptr[T any](v T) *T { return &v }

// memoryUsed returns the share of the machine's memory that is used, -1 where the system does not say.
func memoryUsed() json.Number {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return "-1"
	}
	var total, available float64
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		switch n, _ := strconv.ParseFloat(f[1], 64); f[0] {
		case "MemTotal:":
			total = n
		case "MemAvailable:":
			available = n
		}
	}
	if total == 0 {
		return "-1"
	}
	return json.Number(strconv.FormatFloat(1-available/total, 'f', 4, 64))
}
