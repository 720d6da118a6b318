package replica

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"nacre/server/clock"
	"nacre/server/fault"
)

const (
	// stewardPause is how often the leader looks after the members.
	stewardPause = 500 * time.Millisecond
	// reachedWithin is how old the last answer of a node may be that counts as reached.
	reachedWithin = 2 * time.Second
	// steadyFor is how long a node must have been reached without a gap before it gets a vote.
	steadyFor = 2 * time.Second
	// promoteLag is how many entries its log may be behind then.
	promoteLag = 200
	// goneAfter is how long a node must not have been reached that is removed because another one is at
	// its address.
	goneAfter = 10 * time.Second
)

// peerState is what a node says of itself to the leader.
type peerState struct {
	Last    uint64 `json:"last"`    // index of its log
	Applied uint64 `json:"applied"` // in memory
	Writes  uint64 `json:"writes"`  // the number of its log's last durable write
}

// peer is what this node knows of another one.
type peer struct {
	state  peerState
	at     time.Time // of its last answer
	steady time.Time // since when all were answered
	asked  time.Time // since when it has been looked after; it was not reached since when at is zero
}

// peers is what this node knows of the others.
type peers struct {
	mu    sync.Mutex
	known map[string]peer
	// addresses are the last ones at which members were known to be.
	addresses map[string]string
	// seen are the highest numbers of durable writes that nodes, this one too, were heard to have
	// done. One that has done fewer was put back from an older copy: it has forgotten what it
	// acknowledged and whom it voted for.
	seen map[string]uint64
}

func (p *peers) get(id string) (peer, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.known[id]
	return known, ok && !known.at.IsZero()
}

// merge keeps the higher of what was known and is told.
func (p *peers) merge(seen map[string]uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, writes := range seen {
		p.seen[id] = max(p.seen[id], writes)
	}
}

// stewardship is what the leader tells the others while it asks for their state.
type stewardship struct {
	Seen map[string]uint64 `json:"seen"`
}

// serveState tells the leader how far this node is.
func (n *Node) serveState(_ context.Context, _ string, body []byte) ([]byte, error) {
	var s stewardship
	if err := json.Unmarshal(body, &s); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "not a question for the state")
	}
	n.peers.merge(s.Seen)
	t := n.log.tail.Load()
	if seen := s.Seen[n.id]; seen > t.tx {
		// Nobody who knew was reached when this node started.
		err := n.older(seen, t.tx)
		n.cfg.Fatal(err)
		return nil, fault.Wrap(fault.Conflict, err, "%v", err)
	}
	return json.Marshal(peerState{Last: t.last, Applied: n.AppliedIndex(), Writes: t.tx})
}

// serveSeen tells a node that starts what was seen of it.
func (n *Node) serveSeen(_ context.Context, from string, _ []byte) ([]byte, error) {
	n.peers.mu.Lock()
	defer n.peers.mu.Unlock()
	return json.Marshal(peerState{Writes: n.peers.seen[from]})
}

// checkNotOlder asks the other members, before raft starts, whether they have seen this node's log
// further than it is. It says so only of those that answer in time.
func (n *Node) checkNotOlder(ctx context.Context, members []raft.Server) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	answers := make(chan uint64, len(members))
	for _, s := range members {
		go func() { // ends with ctx
			var p peerState
			if string(s.ID) != n.id {
				if b, err := n.cfg.Cluster.Peers.Call(ctx, string(s.ID), methodSeen, nil); err == nil {
					_ = json.Unmarshal(b, &p) // what is not understood is nothing known
				}
			}
			answers <- p.Writes
		}()
	}
	have := n.log.tail.Load().tx
	for range members {
		if seen := <-answers; seen > have {
			return n.older(seen, have)
		}
	}
	return nil
}

func (n *Node) older(seen, have uint64) *StateError {
	return &StateError{Dir: n.cfg.Dir, What: fmt.Sprintf("%s has done %d durable writes, and another node of the cluster "+
		"has seen it do %d; an older copy was put back, or it was lost, and with it what the node has acknowledged since", logFile, have, seen)}
}

// steward looks after the members while this node leads, until ctx ends.
func (n *Node) steward(ctx context.Context, r *raft.Raft) {
	tick := time.NewTicker(stewardPause)
	defer tick.Stop()
	led := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n.noteAddresses()
		leads := r.State() == raft.Leader
		if leads != led {
			n.peers.mu.Lock()
			n.peers.known = map[string]peer{}
			n.peers.mu.Unlock()
			led = leads
		}
		if leads {
			n.visit(ctx)
			n.promote(ctx, r)
			n.cleanUp(ctx, r)
		}
	}
}

// visit asks all members for their state and tells them what was seen of each.
func (n *Node) visit(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	n.peers.merge(map[string]uint64{n.id: n.log.tail.Load().tx})
	n.peers.mu.Lock()
	body, err := json.Marshal(stewardship{Seen: n.peers.seen})
	n.peers.mu.Unlock()
	if err != nil {
		return
	}
	var all sync.WaitGroup
	for _, s := range n.configuration() {
		if id := string(s.ID); id != n.id {
			all.Go(func() { n.visitOne(ctx, id, body) })
		}
	}
	all.Wait()
}

func (n *Node) visitOne(ctx context.Context, id string, body []byte) {
	var state peerState
	b, err := n.cfg.Cluster.Peers.Call(ctx, id, methodState, body)
	if err == nil {
		err = json.Unmarshal(b, &state)
	}
	now := clock.Mono()
	n.peers.mu.Lock()
	defer n.peers.mu.Unlock()
	p, ok := n.peers.known[id]
	if !ok {
		p.asked = now
	}
	if err != nil {
		p.steady = time.Time{}
		n.peers.known[id] = p
		return
	}
	if p.at = now; p.steady.IsZero() {
		p.steady = now
	}
	p.state = state
	n.peers.known[id] = p
	n.peers.seen[id] = max(n.peers.seen[id], state.Writes)
}

// promote gives a vote to a node that has caught up and was reached for a while.
func (n *Node) promote(ctx context.Context, r *raft.Raft) {
	last := n.log.tail.Load().last
	for _, s := range n.configuration() {
		if s.Suffrage == raft.Voter {
			continue
		}
		p, ok := n.peers.get(string(s.ID))
		if !ok || p.steady.IsZero() || elapsed(p.steady) < steadyFor || p.state.Last+promoteLag < last || p.state.Applied+promoteLag < last {
			continue
		}
		n.cfg.Logger.Info("a node has caught up and gets a vote", "joining", string(s.ID), "index", p.state.Last)
		ctx, cancel := context.WithTimeout(ctx, changeTimeout)
		err := n.changed(ctx, r.AddVoter(s.ID, s.Address, 0, changeTimeout))
		cancel()
		if err != nil {
			n.cfg.Logger.Warn("a node could not be given a vote", "joining", string(s.ID), "error", err)
		}
		return // one change at a time
	}
}

// noteAddresses keeps where the members are, for when one is known no longer.
func (n *Node) noteAddresses() {
	for _, s := range n.configuration() {
		if address, ok := n.cfg.Cluster.AddressOf(string(s.ID)); ok {
			n.peers.mu.Lock()
			n.peers.addresses[string(s.ID)] = address
			n.peers.mu.Unlock()
		}
	}
}

// addressOf returns where a member is, or was last.
func (n *Node) addressOf(id string) string {
	n.peers.mu.Lock()
	defer n.peers.mu.Unlock()
	return n.peers.addresses[id]
}

// cleanUp removes a node whose place another one has taken: for some time it was not reached, and a
// member that is reached has its address now, as when its data was wiped. One that is only down stays.
func (n *Node) cleanUp(ctx context.Context, r *raft.Raft) {
	members := n.configuration()
	taken := map[string]bool{} // addresses of members that are reached
	for _, s := range members {
		if p, ok := n.peers.get(string(s.ID)); string(s.ID) == n.id || ok && elapsed(p.at) < reachedWithin {
			if address, ok := n.cfg.Cluster.AddressOf(string(s.ID)); ok {
				taken[address] = true
			}
		}
	}
	for _, s := range members {
		id := string(s.ID)
		n.peers.mu.Lock()
		p, ok := n.peers.known[id]
		n.peers.mu.Unlock()
		since := p.at
		if since.IsZero() {
			since = p.asked
		}
		if id == n.id || !ok || elapsed(since) < goneAfter {
			continue
		}
		if !taken[n.addressOf(id)] {
			continue
		}
		if s.Suffrage == raft.Voter && n.removable(members, id) != nil {
			continue
		}
		n.cfg.Logger.Info("another node has taken the place of one that is gone, which is removed", "removed", id, "unreached", elapsed(since).Round(time.Second))
		ctx, cancel := context.WithTimeout(ctx, changeTimeout)
		err := n.changed(ctx, r.RemoveServer(s.ID, 0, changeTimeout))
		cancel()
		if err != nil {
			n.cfg.Logger.Warn("a node that is gone could not be removed", "removed", id, "error", err)
		}
		return // one change at a time
	}
}
