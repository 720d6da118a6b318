package naming

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"nacre/server/fault"
	"nacre/server/resource"
)

// Persistent is an instance that lives until somebody takes it away. It is immutable. Its row is found by key, address and
// port: of the same two there is one in a service.
type Persistent struct {
	Key Key
	// Instance has in Healthy what was found last.
	Instance Instance
	// User and IP are those of who registered it last.
	User, IP              string
	CreatedMs, ModifiedMs int64
}

// Service is what is held of a service that somebody described. It is immutable. Its row is found by key.
type Service struct {
	Key Key
	// Ephemeral says which kind of instances it holds.
	Ephemeral        bool
	ProtectThreshold float64
	Metadata         Metadata
	Selector         Selector
	User, IP         string
	CreatedMs        int64
	ModifiedMs       int64
}

// Cluster is what is held of a part of a service. It is immutable. Its row is found by key and name.
type Cluster struct {
	Key             Key
	Name            string
	CheckPort       int
	UseInstancePort bool
	Checker         Checker
	Metadata        Metadata
	ModifiedMs      int64
}

// Kinds of checkers.
const (
	CheckTCP   = "TCP"
	CheckHTTP  = "HTTP"
	CheckMySQL = "MYSQL"
	CheckGRPC  = "GRPC"
	CheckNone  = "NONE"
)

// Checker says how persistent instances of a cluster are probed. Fields that its type does not use are zero.
type Checker struct {
	Type string
	// Path, Headers (name:value|name:value) and Expected, a status, are of CheckHTTP.
	Path, Headers string
	Expected      int
	// User, Password and Command are of CheckMySQL.
	User, Password, Command string
}

// DefaultClusterOf returns the cluster that nobody described: TCP to each instance's own port.
func DefaultClusterOf(k Key, name string) *Cluster {
	return &Cluster{Key: k, Name: name, CheckPort: 80, UseInstancePort: true, Checker: Checker{Type: CheckTCP}}
}

// Switch is the value of a setting of the whole registry that differs from the default. Its row is found by entry.
type Switch struct {
	Entry, Value string
	User, IP     string
	AtMs         int64
}

// The changes of rows: Before is nil when the row is new, After when it is gone.
type (
	// InstanceChange is one of a persistent instance.
	InstanceChange struct{ Before, After *Persistent }
	// ServiceChange is one of a service's description.
	ServiceChange struct{ Before, After *Service }
	// ClusterChange is one of a cluster's description.
	ClusterChange struct{ Before, After *Cluster }
	// OverrideChange is one of what lies over an instance.
	OverrideChange struct{ Before, After *Override }
	// SwitchChange is one of a switch.
	SwitchChange struct{ Before, After *Switch }
)

// Table implements journal.Change.
func (InstanceChange) Table() string { return "nacre_instance" }

// Table implements journal.Change.
func (ServiceChange) Table() string { return "nacre_service" }

// Table implements journal.Change.
func (ClusterChange) Table() string { return "nacre_service_cluster" }

// Table implements journal.Change.
func (OverrideChange) Table() string { return "nacre_instance_override" }

// Table implements journal.Change.
func (SwitchChange) Table() string { return "nacre_switch" }

// SelectorNone and SelectorLabel are the kinds of selectors.
const (
	SelectorNone  = "none"
	SelectorLabel = "label"
)

// Selector chooses the instances of a service that a client sees. A label selector names labels: a client that has all of them
// sees the instances whose metadata has the same values, and all where there is none or where it lacks one.
type Selector struct {
	// Type is SelectorNone, or "" for the same, or SelectorLabel.
	Type string
	// Expression is of SelectorLabel: CONSUMER.label.A = PROVIDER.label.A & CONSUMER.label.B = PROVIDER.label.B
	Expression string
}

// maxLabels bounds the labels of a selector.
const maxLabels = 16

// Labels returns the labels that a selector names, sorted. Faults: Invalid with CodeSelector.
func (s Selector) Labels() ([]string, error) {
	switch s.Type {
	case "", SelectorNone:
		return nil, nil
	case SelectorLabel:
	default:
		return nil, fault.New(fault.Invalid, "there is no selector of type %q; none and label are there", s.Type).WithCode(CodeSelector)
	}
	var labels []string
	for part := range strings.SplitSeq(s.Expression, "&") {
		left, right, ok := strings.Cut(part, "=")
		left, okLeft := strings.CutPrefix(strings.TrimSpace(left), "CONSUMER.label.")
		right, okRight := strings.CutPrefix(strings.TrimSpace(right), "PROVIDER.label.")
		if !ok || !okLeft || !okRight || left == "" || left != right {
			return nil, fault.New(fault.Invalid, "the expression %.200q of the label selector is not of the form CONSUMER.label.A = PROVIDER.label.A & …", s.Expression).WithCode(CodeSelector)
		}
		labels = append(labels, left)
	}
	slices.Sort(labels)
	if labels = slices.Compact(labels); len(labels) > maxLabels {
		return nil, fault.New(fault.Limited, "the label selector names %d labels, at most %d may be", len(labels), maxLabels).WithCode(CodeSelector)
	}
	return labels, nil
}

// checkService returns a fault when a description can't be.
func checkService(s *Service, maxMetadata int) error {
	if err := resource.CheckServiceKey(s.Key); err != nil {
		return badName(err)
	}
	if math.IsNaN(s.ProtectThreshold) || math.IsInf(s.ProtectThreshold, 0) {
		return fault.New(fault.Invalid, "the protection threshold is no number").WithCode(CodeWeight)
	}
	if err := CheckMetadata(s.Metadata, maxMetadata); err != nil {
		return err
	}
	_, err := s.Selector.Labels()
	return err
}

// addr is an address with its port.
type addr struct {
	ip   string
	port int
}

func (a addr) compare(b addr) int {
	return cmp.Or(strings.Compare(a.ip, b.ip), cmp.Compare(a.port, b.port))
}

func (a addr) id(ephemeral bool) string {
	return a.ip + ":" + strconv.Itoa(a.port) + "#" + strconv.FormatBool(ephemeral)
}
