package naming

import (
	"maps"
	"slices"

	"nacre/server/fault"
	"nacre/server/naming/namingpb"
)

func keyOf(k *namingpb.Key) Key {
	return Key{Namespace: k.GetNamespace(), Group: k.GetGroup(), Name: k.GetName()}
}

func keyPB(k Key) *namingpb.Key {
	return &namingpb.Key{Namespace: k.Namespace, Group: k.Group, Name: k.Name}
}

func idOf(of *namingpb.Of) InstanceID {
	return InstanceID{IP: of.GetIp(), Port: int(of.GetPort()), Cluster: of.GetCluster()}
}

func idPB(id InstanceID) *namingpb.Of {
	return &namingpb.Of{Ip: id.IP, Port: int32(id.Port), Cluster: id.Cluster}
}

func pairsOf(pairs []*namingpb.Pair) Metadata {
	if len(pairs) == 0 {
		return nil
	}
	m := make(Metadata, len(pairs))
	for i, p := range pairs {
		m[i] = Pair{p.GetKey(), p.GetValue()}
	}
	return m.normal()
}

func pairsPB(m Metadata) []*namingpb.Pair {
	pairs := make([]*namingpb.Pair, 0, len(m))
	for _, p := range m.normal() {
		pairs = append(pairs, &namingpb.Pair{Key: p.Key, Value: p.Value})
	}
	return pairs
}

// instanceOf returns a persistent instance as a command has it.
func instanceOf(i *namingpb.Instance) Instance {
	return Instance{
		IP: i.GetOf().GetIp(), Port: int(i.GetOf().GetPort()), Cluster: i.GetOf().GetCluster(), Weight: i.GetWeight(), Healthy: i.GetHealthy(),
		Enabled: i.GetEnabled(), Metadata: pairsOf(i.GetMetadata()), ID: i.GetId(), IDForm: IDForm(i.GetIdForm()),
	}
}

func instancePB(i *Instance) *namingpb.Instance {
	return &namingpb.Instance{
		Of: idPB(i.Of()), Weight: i.Weight, Healthy: i.Healthy, Enabled: i.Enabled, Metadata: pairsPB(i.Metadata), Id: i.ID, IdForm: uint32(i.IDForm),
	}
}

func (a Actor) pb() *namingpb.Actor {
	return &namingpb.Actor{User: a.User, Ip: a.IP, Client: a.Client}
}

// sorted returns the values of m in the order of their keys.
func sorted[V any](m map[string]V) []V {
	out := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

func sortedOverrides(m map[InstanceID]*Override) []*Override {
	return slices.SortedFunc(maps.Values(m), func(a, b *Override) int { return a.Of.Compare(b.Of) })
}

// wrongKind is the refusal of an instance of the other kind than its service holds; the words are Nacos'.
func wrongKind(k Key, ephemeral bool) *fault.Error {
	is, other := "persistent", "ephemeral"
	if ephemeral {
		is, other = other, is
	}
	return fault.New(fault.Invalid, "Current service %s is %s service, can't register %s instance.", k.Grouped(), is, other).WithCode(CodeKind)
}

func notEmpty(k Key) *fault.Error {
	return fault.New(fault.Invalid, "Service %s is not empty, can't be delete. Please unregister instance first", k.Grouped()).WithCode(CodeServiceNotEmpty)
}
