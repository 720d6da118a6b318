package server

import (
	"context"
	"strings"

	"nacre/server/cluster"
	"nacre/server/fault"
	"nacre/web/api/nacre"
)

// operated is the cluster as its operators see it.
type operated struct{ *Server }

var _ nacre.Cluster = operated{}

// ClusterState returns how the cluster is, for tests that look behind the edges.
func (s *Server) ClusterState() nacre.ClusterState { return operated{s}.State() }

// State implements nacre.Cluster.
func (o operated) State() nacre.ClusterState {
	st := nacre.ClusterState{ID: o.keeper.ClusterID(), Self: o.keeper.ID(), Leader: o.leader(), Members: []nacre.ClusterMember{}}
	if err := o.Ready(); err != nil {
		st.Waiting = fault.TextOf(err)
	}
	at := map[string]int{}
	for _, m := range o.cluster.members.All() {
		if m.ID != "" {
			at[m.ID] = len(st.Members)
		}
		st.Members = append(st.Members, nacre.ClusterMember{
			ID: m.ID, Address: m.Addr(), GRPCPort: m.GRPCPort, PeerPort: m.PeerPort, RaftPort: m.RaftPort, GossipPort: m.GossipPort, Version: m.Version,
			State: string(m.State), Why: m.Why, Listed: m.Listed, Role: "none", ContactMs: -1,
		})
	}
	if o.node == nil {
		for i := range st.Members {
			st.Members[i].Role = "member"
		}
		return st
	}
	if o.node.Fresh() {
		return st
	}
	for _, s := range o.node.Servers() {
		i, known := at[s.ID]
		if !known { // it belongs to the group, and nobody knows where it is
			i = len(st.Members)
			st.Members = append(st.Members, nacre.ClusterMember{ID: s.ID, State: "DOWN", Why: "it was not seen since this node started"})
		}
		m := &st.Members[i]
		m.Lag, m.ContactMs, m.Role = s.Lag, s.ContactMs, "learner"
		if s.Voter {
			m.Role = "voter"
			st.Voters++
			if s.Reached {
				st.Reached++
			}
		}
		if s.Leader {
			m.Role = "leader"
		}
	}
	st.Needed = st.Voters/2 + 1
	return st
}

// Remove implements nacre.Cluster.
func (o operated) Remove(ctx context.Context, member string, force bool) error {
	id, err := o.find(member)
	if err != nil {
		return err
	}
	if o.node == nil {
		for _, m := range o.cluster.members.All() {
			if m.ID == id && m.State != cluster.Down {
				return fault.New(fault.Conflict, "node %s is running; stop it first", id)
			}
		}
		o.cluster.members.Forget(id)
		return nil
	}
	if err := o.node.Remove(ctx, id, force); err != nil {
		return err
	}
	o.cluster.members.Forget(id)
	return nil
}

// Transfer implements nacre.Cluster.
func (o operated) Transfer(ctx context.Context, member string) error {
	if o.node == nil {
		return errNoRaft
	}
	if member == "" {
		return o.node.Transfer(ctx, "")
	}
	id, err := o.find(member)
	if err != nil {
		return err
	}
	return o.node.Transfer(ctx, id)
}

// find returns the id of the member that is named by its id, the begin of it, or its address.
func (o operated) find(name string) (string, error) {
	var found []string
	for _, m := range o.State().Members {
		if m.ID != "" && (m.ID == name || m.Address == name || len(name) >= 4 && strings.HasPrefix(m.ID, name)) {
			found = append(found, m.ID)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fault.New(fault.NotFound, "no member has the id or the address %s", name)
	}
	return "", fault.New(fault.Conflict, "%d members are called %s: %s; say the id", len(found), name, strings.Join(found, ", "))
}
