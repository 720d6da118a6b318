package server

import (
	"context"
	"slices"
	"time"

	"nacre/server/cluster"
	"nacre/server/fault"
	"nacre/server/view"
	"nacre/web/api/wire"
	"nacre/web/console"
)

// wireCluster is what the APIs of Nacos know of members.
func (s *Server) wireCluster() wire.Cluster {
	if s.cluster == nil {
		return alone{s}
	}
	return several{s}
}

// operator changes who is in the cluster, nil for a node that runs alone.
func (s *Server) operator() console.Operator {
	if s.cluster == nil || s.node == nil {
		return nil
	}
	return s.node
}

// several is the cluster of a node that is one of many.
type several struct{ *Server }

var _ wire.Cluster = several{}

// Members implements wire.Cluster.
func (s several) Members() []wire.Member {
	all, voters, term := s.cluster.members.All(), s.voters(), s.stats().Term
	leaderID, leader := s.leader(), ""
	var raftMembers []string
	for _, m := range all {
		if slices.Contains(voters, m.ID) {
			raftMembers = append(raftMembers, m.RaftAddr())
		}
		if m.ID != "" && m.ID == leaderID {
			leader = m.RaftAddr()
		}
	}
	list := make([]wire.Member, len(all))
	for i, m := range all {
		list[i] = wire.Member{
			IP: m.Host, Port: m.Port, RaftPort: m.RaftPort, State: string(m.State), Version: m.Version, SeenMs: max(m.Seen.UnixMilli(), 0),
			Leader: leader, RaftMembers: raftMembers, Term: term, Meta: map[string]any{"nodeId": m.ID},
		}
	}
	if i := slices.IndexFunc(all, func(m cluster.Member) bool { return m.Self }); i > 0 {
		own := list[i]
		list = slices.Insert(slices.Delete(list, i, i+1), 0, own)
	}
	return list
}

// voters are the ids of the raft group's members, as far as this node knows; none on MySQL.
func (s *Server) voters() []string {
	if s.node == nil {
		return nil
	}
	return s.node.Voters()
}

// errNoRaft answers what is asked of a raft group that is not there.
var errNoRaft = fault.New(fault.Invalid, "with storage in MySQL there is no raft group: nobody leads, and a node that is gone is forgotten by itself")

// raftWait is how long what an operator asks of the raft group may take.
const raftWait = 10 * time.Second

// Raft implements wire.Cluster.
func (s several) Raft(ctx context.Context, command, address string) error {
	if s.node == nil {
		return errNoRaft
	}
	id := ""
	for _, m := range s.cluster.members.All() {
		if address == m.Addr() || address == m.RaftAddr() || address == m.ID && m.ID != "" {
			id = m.ID
		}
	}
	if id == "" {
		return fault.New(fault.NotFound, "there is no member %s that was ever reached", address)
	}
	ctx, cancel := context.WithTimeout(ctx, raftWait)
	defer cancel()
	if command == wire.RaftTransfer {
		return s.node.Transfer(ctx, id)
	}
	return s.node.Remove(ctx, id, false)
}

// SwitchLookup implements wire.Cluster. Everything that is set is looked at, always, so there is nothing to switch.
func (s several) SwitchLookup(kind string) error {
	setting, value := "cluster-conf", s.settings.ClusterConf
	if kind == "address-server" {
		setting, value = kind, s.settings.AddressServer
	}
	if value == "" {
		return fault.New(fault.Invalid, "this node has no %s set", setting)
	}
	return nil
}

// nodeName is how people call this node, "" for one that runs alone.
func (s *Server) nodeName() string {
	if s.cluster == nil {
		return ""
	}
	return s.nodes.This().Name
}

// raftView adds to how this node is what it knows of the others.
func (s *Server) raftView(n *view.Node) {
	if s.cluster == nil {
		return
	}
	n.HTTPAddr, n.LeaderID, n.Voters = s.nodeName(), s.leader(), s.voters()
	if n.Leader = n.LeaderID == n.ID; !n.Leader || s.node == nil {
		return
	}
	for _, x := range s.node.Servers() { // of the leader it does not ask anybody
		n.Servers = append(n.Servers, view.ServerState{ID: x.ID, Voter: x.Voter, Match: x.LastIndex, ContactMs: x.ContactMs})
	}
}
