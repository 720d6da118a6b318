// Package naming is the registry: which services there are, which instances applications registered of them, who
// wants to know, and what each is to be told.
//
// What a client published lives as long as the client: a gRPC connection, or an ip:port that sends heartbeats. Persistent
// instances, descriptions of services and what operators laid over instances are durable: commands of the journal, decided by
// State.
//
// # Locks
//
// In this order: a service, the shard that finds it, a session, then one of the leaves (State, the wheel, the lists of what is
// due and of what is owed, the history, the queue of events). Notifiers and the functions of Config are called under none.
package naming

import (
	"cmp"
	"strconv"
	"strings"

	"nacre/server/resource"
)

// Key names a service.
type Key = resource.ServiceKey

// InstanceID names an instance within its service.
type InstanceID struct {
	IP      string
	Port    int
	Cluster string
}

// Compare orders instances by address, port and cluster.
func (i InstanceID) Compare(o InstanceID) int {
	return cmp.Or(strings.Compare(i.IP, o.IP), cmp.Compare(i.Port, o.Port), strings.Compare(i.Cluster, o.Cluster))
}

// String returns ip:port, and the cluster where it is not the default one, for people.
func (i InstanceID) String() string {
	s := i.IP + ":" + strconv.Itoa(i.Port)
	if i.Cluster != resource.DefaultCluster {
		s += " (" + i.Cluster + ")"
	}
	return s
}

// IDForm says how the instanceId that clients see is made.
type IDForm uint8

// The forms of an instanceId. All but IDNone and IDGiven are ip#port#cluster#group@@service and differ in the cluster.
const (
	// IDNone is an instance without one, IDGiven one that is told in ID.
	IDNone IDForm = iota
	IDGiven
	// IDSimple has the cluster's name, IDNull the word null where the client named none, IDBlank nothing.
	IDSimple
	IDNull
	IDBlank
)

// Instance is what was registered of one, or with an operator's overrides what is shown of it. Those that the
// registry returns are shared and never changed.
type Instance struct {
	IP string
	// Cluster is never empty in what the registry returns.
	Cluster  string
	Metadata Metadata
	// ID is of IDGiven.
	ID     string
	Weight float64
	// Port is 0 to 65535.
	Port             int
	IDForm           IDForm
	Healthy, Enabled bool
	// Ephemeral is set by the registry: it follows from how the instance is registered.
	Ephemeral bool
}

// Of returns the instance's name within its service.
func (i *Instance) Of() InstanceID { return InstanceID{IP: i.IP, Port: i.Port, Cluster: i.Cluster} }

// AppendID appends the instanceId that clients of service k see; nothing when there is none.
func (i *Instance) AppendID(dst []byte, k Key) []byte {
	switch i.IDForm {
	case IDNone:
		return dst
	case IDGiven:
		return append(dst, i.ID...)
	}
	dst = append(append(dst, i.IP...), '#')
	dst = append(strconv.AppendInt(dst, int64(i.Port), 10), '#')
	switch i.IDForm {
	case IDSimple:
		dst = append(dst, i.Cluster...)
	case IDNull:
		dst = append(dst, "null"...)
	}
	dst = append(append(dst, '#'), k.Group...)
	return append(append(dst, resource.GroupSeparator...), k.Name...)
}

// same reports whether no client sees a difference between the two.
func (i *Instance) same(o *Instance) bool {
	return i == o || i.IP == o.IP && i.Port == o.Port && i.Cluster == o.Cluster && i.Weight == o.Weight && i.Healthy == o.Healthy &&
		i.Enabled == o.Enabled && i.Ephemeral == o.Ephemeral && i.IDForm == o.IDForm && i.ID == o.ID && i.Metadata.equal(o.Metadata)
}

// Actor is who asks for a change.
type Actor struct {
	// User is the one that logged in, IP the address that asked, Client the id of the client where one did.
	User, IP, Client string
}

// String returns who it was in words.
func (a Actor) String() string {
	switch {
	case a.User != "" && a.IP != "":
		return a.User + " (" + a.IP + ")"
	case a.User != "":
		return a.User
	case a.Client != "":
		return a.Client
	}
	return a.IP
}
