package replica

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hashicorp/raft"

	"nacre/server/fault"
)

// ServerState is what the leader knows of one member.
type ServerState struct {
	ID     string `json:"id"`
	Voter  bool   `json:"voter"`
	Leader bool   `json:"leader,omitempty"`
	// Reached says that the member answered lately; what follows is as of then.
	Reached bool `json:"reached"`
	// LastIndex is that of its log, Applied how far its memory is, Lag how many entries its log is behind the leader's.
	LastIndex uint64 `json:"lastIndex,omitempty"`
	Applied   uint64 `json:"applied,omitempty"`
	Lag       uint64 `json:"lag,omitempty"`
	// ContactMs is how long ago it answered, -1 for not since this node leads.
	ContactMs int64 `json:"contactMs"`
}

// configuration returns the members as this node knows them.
func (n *Node) configuration() []raft.Server {
	r := n.raft.Load()
	if r == nil {
		return nil
	}
	future := r.GetConfiguration()
	if future.Error() != nil { // it has no way to fail
		return nil
	}
	return future.Configuration().Servers
}

func suffrage(servers []raft.Server, id string) (s raft.ServerSuffrage, ok bool) {
	for _, server := range servers {
		if string(server.ID) == id {
			return server.Suffrage, true
		}
	}
	return 0, false
}

// Leader returns the id of the node that leads, "" when none is known.
func (n *Node) Leader() string {
	if r := n.raft.Load(); r != nil {
		return n.leaderOf(r)
	}
	return ""
}

// Servers returns the members as the leader knows them; without one, or when it does not answer
// within a second, those that this node knows, of which none counts as reached.
func (n *Node) Servers() []ServerState {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	leader := n.Leader()
	if leader == n.id {
		return n.servers()
	}
	if leader != "" {
		var states []ServerState
		if b, err := n.cfg.Cluster.Peers.Call(ctx, leader, methodServers, nil); err == nil && json.Unmarshal(b, &states) == nil {
			return states
		}
	}
	var states []ServerState
	for _, s := range n.configuration() {
		state := ServerState{ID: string(s.ID), Voter: s.Suffrage == raft.Voter, ContactMs: -1}
		if state.ID == n.id {
			state.LastIndex, state.Applied = n.log.tail.Load().last, n.AppliedIndex()
		}
		states = append(states, state)
	}
	return states
}

func (n *Node) servers() []ServerState {
	var states []ServerState
	last := n.log.tail.Load().last
	for _, s := range n.configuration() {
		state := ServerState{ID: string(s.ID), Voter: s.Suffrage == raft.Voter, ContactMs: -1}
		if state.ID == n.id {
			state.Leader, state.Reached, state.LastIndex, state.Applied, state.ContactMs = true, true, last, n.AppliedIndex(), 0
		} else if p, ok := n.peers.get(state.ID); ok {
			since := elapsed(p.at)
			state.Reached, state.ContactMs = since < reachedWithin, since.Milliseconds()
			state.LastIndex, state.Applied = p.state.Last, p.state.Applied
			state.Lag = last - min(last, p.state.Last)
		}
		states = append(states, state)
	}
	return states
}

func (n *Node) serveServers(context.Context, string, []byte) ([]byte, error) {
	return json.Marshal(n.servers())
}

// change is what a node asks the leader to do about a member.
type memberChange struct {
	ID    string `json:"id"`
	Force bool   `json:"force,omitempty"`
}

// onLeader has the leader do what change says: local when that is this node.
func (n *Node) onLeader(ctx context.Context, method string, c memberChange, local func(context.Context, *raft.Raft, memberChange) error) error {
	if n.cfg.Cluster == nil {
		return fault.New(fault.Conflict, "this node is a group of its own; it has no other members")
	}
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	r, err := n.running()
	if err != nil {
		return err
	}
	for {
		turned := n.turned.wait()
		switch leader := n.leaderOf(r); leader {
		case "":
		case n.id:
			return local(ctx, r, c)
		default:
			b, err := json.Marshal(c)
			if err != nil {
				return err
			}
			_, err = n.cfg.Cluster.Peers.Call(ctx, leader, method, b)
			return err
		}
		retry := time.NewTimer(watchPause)
		select {
		case <-turned:
		case <-retry.C:
		case <-ctx.Done():
			retry.Stop()
			return fault.Wrap(fault.Unavailable, ctx.Err(), "%s", n.noLeader())
		}
		retry.Stop()
	}
}

func (n *Node) running() (*raft.Raft, error) {
	if r := n.raft.Load(); r != nil {
		return r, nil
	}
	return nil, fault.New(fault.Unavailable, "the server is starting; try again in a moment")
}

func (n *Node) served(ctx context.Context, body []byte, local func(context.Context, *raft.Raft, memberChange) error) ([]byte, error) {
	var c memberChange
	if err := json.Unmarshal(body, &c); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "not a change of the members")
	}
	r, err := n.running()
	if err != nil {
		return nil, err
	}
	if r.State() != raft.Leader {
		return nil, fault.New(fault.Unavailable, "node %s does not lead any more; try again in a moment", n.id)
	}
	return nil, local(ctx, r, c)
}

func (n *Node) serveJoin(ctx context.Context, _ string, body []byte) ([]byte, error) {
	return n.served(ctx, body, n.join)
}

func (n *Node) serveRemove(ctx context.Context, _ string, body []byte) ([]byte, error) {
	return n.served(ctx, body, n.remove)
}

func (n *Node) serveTransfer(ctx context.Context, _ string, body []byte) ([]byte, error) {
	return n.served(ctx, body, n.transfer)
}

// Join makes the node id a member, without a vote until its log has caught up and it has been
// reached for some seconds; the leader then gives it one. Joining a member again does nothing.
func (n *Node) Join(ctx context.Context, id string) error {
	return n.onLeader(ctx, methodJoin, memberChange{ID: id}, n.join)
}

func (n *Node) join(ctx context.Context, r *raft.Raft, c memberChange) error {
	if c.ID == "" {
		return fault.New(fault.Invalid, "the id of the node that is to join is empty")
	}
	if _, ok := suffrage(n.configuration(), c.ID); ok {
		return nil
	}
	n.cfg.Logger.Info("a node joins", "joining", c.ID)
	return n.changed(ctx, r.AddNonvoter(raft.ServerID(c.ID), raft.ServerAddress(c.ID), 0, changeTimeout))
}

// changed waits for a change of the members.
func (n *Node) changed(ctx context.Context, future raft.Future) error {
	answer := make(chan error, 1)
	go func() { answer <- future.Error() }() // ends with raft's answer, or with raft
	select {
	case err := <-answer:
		n.turned.ring()
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "the members could not be changed: %v", err)
		}
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, ctx.Err(), "it is not known yet whether the members were changed; look before trying again")
	}
}

// Remove takes the node id out of the members. Unless force is set it fails with fault.Conflict when
// of the voters that are left no majority can be reached. A leader that is to remove itself hands over first.
func (n *Node) Remove(ctx context.Context, id string, force bool) error {
	return n.onLeader(ctx, methodRemove, memberChange{ID: id, Force: force}, n.remove)
}

func (n *Node) remove(ctx context.Context, r *raft.Raft, c memberChange) error {
	members := n.configuration()
	s, ok := suffrage(members, c.ID)
	if !ok {
		return fault.New(fault.NotFound, "no member has the id %s", c.ID)
	}
	if err := n.removable(members, c.ID); err != nil && !c.Force {
		return err
	}
	if len(members) == 1 {
		return fault.New(fault.Conflict, "node %s is the only one; a cluster can't be without nodes", c.ID)
	}
	if c.ID == n.id && s == raft.Voter {
		if err := n.transfer(ctx, r, memberChange{}); err != nil {
			return err
		}
		return n.onLeader(ctx, methodRemove, c, func(context.Context, *raft.Raft, memberChange) error {
			return fault.New(fault.Unavailable, "node %s leads again; try again in a moment", n.id)
		})
	}
	n.cfg.Logger.Info("a node is removed", "removed", c.ID, "forced", c.Force)
	return n.changed(ctx, r.RemoveServer(raft.ServerID(c.ID), 0, changeTimeout))
}

// removable says why members would not be able to go on without the node id.
func (n *Node) removable(members []raft.Server, id string) error {
	left, reached := 0, 0
	for _, s := range members {
		if s.Suffrage != raft.Voter || string(s.ID) == id {
			continue
		}
		left++
		if p, ok := n.peers.get(string(s.ID)); string(s.ID) == n.id || ok && elapsed(p.at) < reachedWithin {
			reached++
		}
	}
	if need := left/2 + 1; reached < need {
		return fault.New(fault.Conflict, "without node %s there are %d voting nodes, of which %d must be reached and %d are: the cluster would stand still", id, left, need, reached)
	}
	return nil
}

// Transfer hands the lead to the node to, or when that is "" to one that is reached and has caught up.
func (n *Node) Transfer(ctx context.Context, to string) error {
	return n.onLeader(ctx, methodTransfer, memberChange{ID: to}, n.transfer)
}

func (n *Node) transfer(ctx context.Context, r *raft.Raft, c memberChange) error {
	to := c.ID
	if to == "" {
		to = n.successor()
	}
	switch s, ok := suffrage(n.configuration(), to); {
	case to == "":
		return fault.New(fault.Conflict, "no other voting node is reached that could lead")
	case to == n.id:
		return nil
	case !ok:
		return fault.New(fault.NotFound, "no member has the id %s", to)
	case s != raft.Voter:
		return fault.New(fault.Conflict, "node %s has no vote yet and can't lead", to)
	}
	n.cfg.Logger.Info("handing over the lead", "to", to)
	if err := n.changed(ctx, r.LeadershipTransferToServer(raft.ServerID(to), raft.ServerAddress(to))); err != nil {
		return err
	}
	for {
		turned := n.turned.wait()
		if leader := n.leaderOf(r); leader != "" && leader != n.id {
			return nil
		}
		retry := time.NewTimer(watchPause)
		select {
		case <-turned:
		case <-retry.C:
		case <-ctx.Done():
			retry.Stop()
			return fault.Wrap(fault.Unavailable, ctx.Err(), "the lead was handed over and no new leader is known yet")
		}
		retry.Stop()
	}
}

// successor returns the voter that is reached and has the longest log.
func (n *Node) successor() (id string) {
	var most uint64
	for _, s := range n.configuration() {
		if s.Suffrage != raft.Voter || string(s.ID) == n.id {
			continue
		}
		if p, ok := n.peers.get(string(s.ID)); ok && elapsed(p.at) < reachedWithin && p.state.Last >= most {
			id, most = string(s.ID), p.state.Last
		}
	}
	return id
}
