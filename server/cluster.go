package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"nacre/server/cluster"
	"nacre/server/cluster/link"
	"nacre/server/distro"
	"nacre/server/fault"
	"nacre/server/naming"
	"nacre/server/release"
	"nacre/server/replica"
	"nacre/server/rpc/peer"
	"nacre/server/settings"
	"nacre/server/view"
	"nacre/web"
)

// membership is what a server has that is one of a cluster: its connections to the others, and what it knows of them.
type membership struct {
	key     []byte
	lookup  *cluster.Lookup
	link    *link.Link
	peers   *peer.Server
	peerLn  net.Listener
	raft    *raftStream
	members *cluster.Members
	former  *cluster.Former // nil, as raft, on MySQL: who has the same database is a member
	distro  *distro.Sync
	gossip  string // where to gossip
}

// openCluster listens for other nodes, and makes what connects this one with them. Nobody is accepted before Run.
func (s *Server) openCluster() (err error) {
	n := &membership{}
	s.cluster = n
	if n.key, err = s.settings.Key(); err != nil {
		return err
	}
	if n.key == nil {
		s.opts.Log.Warn("anybody who reaches the ports for other nodes can join the cluster, as --insecure allows it without a cluster key")
	}
	list := cluster.LookupConfig{File: s.settings.ClusterConf, URL: s.settings.AddressServer}
	for _, text := range s.settings.Members {
		e, err := cluster.ParseEntry(text)
		if err != nil {
			return &settings.Error{Setting: "members", Value: text, Want: err.Error()}
		}
		list.List = append(list.List, e)
	}
	n.lookup = cluster.NewLookup(list)
	n.link, err = link.New(link.Config{Key: n.key, Clock: s.opts.Clock, Log: s.opts.Log,
		Self: func() link.Identity { return link.Identity{Node: s.keeper.ID(), Cluster: s.keeper.ClusterID()} }})
	if err != nil {
		return err
	}
	n.peers = peer.New(peer.Config{Link: n.link, Log: s.opts.Log,
		AddressOf: func(id string) (string, bool) { return n.members.PeerAddr(id) }})
	peerAddr, raftAddr, gossipAddr := s.settings.NodeAddrs(s.port)
	if n.peerLn, err = web.Listen(peerAddr); err != nil {
		return fmt.Errorf("%w; that is where other nodes look for this one, another address can be set with peer-addr", err)
	}
	n.gossip = gossipAddr
	if s.settings.Storage == settings.StorageMySQL {
		return nil // no raft
	}
	ln, err := web.Listen(raftAddr)
	if err != nil {
		return fmt.Errorf("%w; another address for raft can be set with raft-addr", err)
	}
	n.raft = &raftStream{Listener: ln, link: n.link, members: func() *cluster.Members { return n.members }}
	n.raft.accepting = sync.OnceValue(func() *link.Listener { return n.link.Listen(ln) })
	return nil
}

// replicaCluster is what the journal needs of the other nodes, nil where there are none.
func (s *Server) replicaCluster() *replica.Cluster {
	if s.cluster == nil {
		return nil
	}
	return &replica.Cluster{
		Stream: s.cluster.raft, Peers: s.cluster.peers,
		AddressOf: func(id string) (string, bool) { return s.cluster.members.RaftAddr(id) },
	}
}

// meetCluster begins to gossip, now that the node's id is known, and registers what other nodes may call.
func (s *Server) meetCluster() (err error) {
	n := s.cluster
	port := func(ln net.Listener) int { return ln.Addr().(*net.TCPAddr).Port }
	host, guessed := s.settings.AdvertiseAddr, false
	if host == "" {
		host, _, _ = net.SplitHostPort(s.settings.HTTPAddr)
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host, guessed = cluster.LocalHost(), true
		}
	}
	self := cluster.Member{ID: s.keeper.ID(), Host: host, Port: s.port, GRPCPort: port(s.grpc), PeerPort: port(n.peerLn), Version: release.Version}
	if n.raft != nil {
		self.RaftPort = port(n.raft)
	}
	n.members, err = cluster.New(cluster.Config{
		Self:        self,
		HostGuessed: guessed, Cluster: s.keeper.ClusterID, Lookup: n.lookup, Peers: n.peers, Gossip: n.gossip, Key: n.key,
		Dir: s.settings.DataDir, Clock: s.opts.Clock, Log: s.opts.Log,
	})
	if err != nil {
		return err
	}
	handlers := []map[string]cluster.Handler{n.members.Handlers()}
	if s.node != nil {
		n.former = cluster.NewFormer(n.members, s.node, s.settings.ClusterSize)
		handlers = append(handlers, n.former.Handlers(), s.node.Handlers())
	} else {
		s.mysql.UsePeers(n.peers, s.others)
		handlers = append(handlers, s.mysql.Handlers())
	}
	s.naming.UseNode(s.keeper.ID())
	n.distro = distro.New(distro.Config{Source: s.naming.Copies(), Clients: s.naming, Peers: n.peers, Members: distro.MembersOf(n.members), Log: s.opts.Log})
	s.naming.UseOwners(n.distro)
	for _, some := range append(handlers, n.distro.Handlers()) {
		for method, h := range some {
			n.peers.Handle(method, h)
		}
	}
	for method, h := range s.nodes.Handlers() {
		n.peers.Handle(method, peer.Handler(h))
	}
	s.nodes.Peers = n.peers
	s.nodes.Self = func() view.Member { return view.Member{ID: s.keeper.ID(), Name: n.members.Self().Addr()} }
	s.nodes.Others = func() []view.Member {
		var others []view.Member
		for _, m := range n.members.All() {
			if m.ID != "" && !m.Self {
				others = append(others, view.Member{ID: m.ID, Name: m.Addr()})
			}
		}
		return others
	}
	return nil
}

// runCluster answers other nodes and keeps in touch with them until ctx ends.
func (s *Server) runCluster(ctx context.Context) error {
	n := s.cluster
	if n == nil {
		<-ctx.Done()
		return nil
	}
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return n.peers.Serve(n.link.Listen(n.peerLn)) })
	all.Go(func() error {
		defer n.peers.Close()
		return n.members.Run(ctx)
	})
	if n.former != nil {
		all.Go(func() error { return n.former.Run(ctx) })
	}
	return all.Wait()
}

// copyClients keeps the copies of clients that nodes have of each other, until ctx ends. It begins when the node has come into its cluster, or
// was given the time to.
func (s *Server) copyClients(ctx context.Context) error {
	if s.cluster == nil {
		return nil
	}
	wait, cancel := context.WithTimeout(ctx, readyWait)
	_ = s.keeper.WaitReady(wait) // with no leader, too, nodes tell each other of clients
	cancel()
	return s.cluster.distro.Run(ctx)
}

// waitForClients returns when this node knows the clients that the others do, or ctx has ended.
func (s *Server) waitForClients(ctx context.Context) {
	if s.cluster == nil {
		return
	}
	select {
	case <-ctx.Done():
	case <-s.cluster.distro.Ready():
	}
}

// tellCluster says to the others whether this node takes requests, until ctx ends.
func (s *Server) tellCluster(ctx context.Context) error {
	if s.cluster == nil {
		return nil
	}
	s.waitForClients(ctx)
	if s.keeper.WaitReady(ctx) == nil {
		s.welcome(ctx)
		s.cluster.members.SetUp(true, "")
	}
	<-ctx.Done()
	s.cluster.members.SetUp(false, "it is stopping")
	return nil
}

func (n *membership) close() error {
	if n == nil {
		return nil
	}
	var errs []error
	if n.peerLn != nil {
		errs = append(errs, ignoreClosed(n.peerLn.Close()))
	}
	if n.raft != nil {
		errs = append(errs, ignoreClosed(n.raft.Close()))
	}
	if n.members != nil {
		errs = append(errs, n.members.Close())
	}
	if n.peers != nil {
		n.peers.Close()
	}
	return errors.Join(errs...)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// waiting is why a node of a cluster belongs to none yet, nil when it does.
func (n *membership) waiting() error {
	if n == nil {
		return nil
	}
	if n.former != nil && n.former.Waiting() != "" {
		return fault.New(fault.Unavailable, "%s", n.former.Waiting())
	}
	if !n.distro.Loaded() {
		return fault.New(fault.Unavailable, "the clients that other nodes know are not loaded yet")
	}
	return nil
}

// raftStream carries raft's connections over package link.
type raftStream struct {
	net.Listener // listens from the start; who comes waits until raft accepts
	link         *link.Link
	members      func() *cluster.Members
	accepting    func() *link.Listener
}

// Accept implements net.Listener.
func (r *raftStream) Accept() (net.Conn, error) { return r.accepting().Accept() }

// Close implements net.Listener.
func (r *raftStream) Close() error { return r.accepting().Close() }

// Dial connects to the raft of the node whose id that is, and to no other that is at its address now: what one
// answers must never count for another.
func (r *raftStream) Dial(id string, timeout time.Duration) (net.Conn, error) {
	addr, ok := r.members().RaftAddr(id)
	if !ok {
		return nil, fmt.Errorf("where node %s is, is not known", id)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	c, err := r.link.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	if c.Peer() != id {
		return nil, errors.Join(fmt.Errorf("node %s is at %s, where node %s was", c.Peer(), addr, id), c.Close())
	}
	return c, nil
}

// Members returns what the server knows of the nodes of its cluster, nil where it is alone.
func (s *Server) Members() *cluster.Members {
	if s.cluster == nil {
		return nil
	}
	return s.cluster.members
}

// Entry returns how a list of members names this node.
func (s *Server) Entry() string {
	self := s.cluster.members.Self()
	return fmt.Sprintf("%s?peer_port=%d", self.Addr(), self.PeerPort)
}

// whileLeading runs what one node does for all, on the node that leads, until ctx ends. f is run anew each time that
// this node comes to lead.
func (s *Server) whileLeading(ctx context.Context, f func(context.Context) error) error {
	if s.keeper.WaitReady(ctx) != nil {
		return nil // it stops, or never took a write
	}
	if s.cluster == nil {
		return f(ctx)
	}
	tick := time.NewTicker(leadEvery)
	defer tick.Stop()
	for {
		if s.Leads() {
			if err := s.lead(ctx, tick.C, f); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// leadEvery is how often a node looks whether it leads.
const leadEvery = time.Second

// Leads says whether this node leads; a node alone does.
func (s *Server) Leads() bool { return s.cluster == nil || s.leader() == s.keeper.ID() }

// duties is the key whose owner does on MySQL, where nobody leads, what one node does for all.
const duties = "nacre/duties"

// leader is the id of the node that does what one does for all, "" while there is none.
func (s *Server) leader() string {
	if s.node != nil {
		return s.node.Leader()
	}
	return s.cluster.members.Owner(duties)
}

// others are the ids of the other nodes that take requests.
func (s *Server) others() (ids []string) {
	for _, m := range s.cluster.members.All() {
		if m.ID != "" && !m.Self && (m.State == cluster.Up || m.State == cluster.Suspicious) {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

func (s *Server) lead(ctx context.Context, tick <-chan time.Time, f func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	for {
		select {
		case err := <-ended:
			return err
		case <-tick:
			if !s.Leads() {
				stop()
				return <-ended
			}
		}
	}
}

// probed is the registry as probes see it: only the node that leads makes them.
type probed struct {
	*naming.Registry
	leads func() bool
}

// Switches are those of the registry, with health checks off where another node leads.
func (p probed) Switches() *naming.Switches {
	sw := p.Registry.Switches()
	if sw.HealthCheckEnabled && !p.leads() {
		off := *sw
		off.HealthCheckEnabled = false
		return &off
	}
	return sw
}
