package server

import (
	"context"
	"net"
	"strconv"

	"nacre/server/clock"
	"nacre/server/fault"
	"nacre/server/metrics/series"
	"nacre/server/release"
	"nacre/server/view"
	"nacre/web/api/wire"
)

// views makes what answers for all nodes.
func (s *Server) views() *view.Nodes {
	n := view.New(view.Config{
		Ledger: s.ledger, Naming: s.naming, Feed: s.feed, Clock: s.opts.Clock, Log: s.opts.Log,
		Sums: s.configs.Sums, Node: s.nodeView, Skew: s.settings.RebalanceSkew,
		Series: func(span string, names []string) (series.Table, error) { return s.series.Read(span, names...) },
		Load:   s.nodeLoad, Keep: func(keep int, ip, port string) { s.rpc.Reload(keep, ip, port) },
	})
	n.Self = func() view.Member { return view.Member{ID: s.keeper.ID(), Name: s.Addr()} }
	return n
}

// nodeLoad is how busy this node is.
func (s *Server) nodeLoad() view.Load {
	l := view.Load{Address: s.nodes.This().Name}
	for _, c := range s.rpc.Conns() {
		l.Connections++
		if c.SDK() {
			l.SDKs++
		}
	}
	l.Load, l.CPU = s.load.Load()
	return l
}

// alone is the cluster of a node that has no other: one member, with nobody to hand over to.
type alone struct{ *Server }

var _ wire.Cluster = alone{}

// Members implements wire.Cluster.
func (a alone) Members() []wire.Member {
	host, _, err := net.SplitHostPort(a.Addr())
	if err != nil {
		host = a.Addr()
	}
	raftPort := a.port - 1000 // nothing listens there: Nacos' console shows it
	m := wire.Member{
		IP: host, Port: a.port, RaftPort: raftPort, State: "UP", Version: release.Version, SeenMs: clock.Millis(a.opts.Clock), Term: a.stats().Term,
		RaftMembers: []string{net.JoinHostPort(host, strconv.Itoa(raftPort))},
	}
	if a.stats().State == "leader" {
		m.Leader = m.RaftMembers[0]
	}
	return []wire.Member{m}
}

var errAlone = fault.New(fault.Invalid, "this node runs alone; there is no other to hand over to, nor to remove")

// Raft implements wire.Cluster.
func (a alone) Raft(context.Context, string, string) error { return errAlone }

// SwitchLookup implements wire.Cluster.
func (a alone) SwitchLookup(string) error {
	return fault.New(fault.Invalid, "this node runs alone; it looks for no members")
}
