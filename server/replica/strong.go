package replica

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/hashicorp/raft"

	"nacre/server/failpoint"
	"nacre/server/fault"
)

// Strong returns when this node has applied everything that was acknowledged, on any node, before the
// call: what is read from memory then is not stale. It fails with fault.Unavailable when there is no
// leader or a majority can't be asked.
//
// The leader asks a majority of the voters whether they know of a later term than its own. It does
// not believe a clock, nor an answer to a question that was asked before the read began, which is
// what may lie in the socket of a process that was stopped for a while.
func (n *Node) Strong(ctx context.Context) error {
	r := n.raft.Load()
	if r == nil {
		return fault.New(fault.Unavailable, "the server is starting; try again in a moment")
	}
	if n.cfg.Cluster == nil || failpoint.Inject("bug/stale-strong-read") != nil {
		return nil // what was acknowledged was applied here
	}
	ctx, cancel := context.WithTimeout(ctx, n.cfg.ConfirmTimeout)
	defer cancel()
	index, err := n.nextRound(ctx)
	if err != nil {
		return err
	}
	for {
		moved := n.fsm.moved.wait()
		if n.fsm.applied.Load() >= index {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fault.Wrap(fault.Unavailable, ctx.Err(), "this node has not caught up with the leader yet; try again in a moment")
		}
	}
}

// round is one question for the index that reads must see; all reads that began before it share it.
type round struct {
	done  chan struct{}
	index uint64
	err   error
}

func (n *Node) nextRound(ctx context.Context) (uint64, error) {
	n.roundsMu.Lock()
	if n.round == nil {
		n.round = &round{done: make(chan struct{})}
		n.asked <- struct{}{} // has room: there is at most one round that was not begun
	}
	next := n.round
	n.roundsMu.Unlock()
	select {
	case <-next.done:
		return next.index, next.err
	case <-ctx.Done():
		return 0, fault.Wrap(fault.Unavailable, ctx.Err(), "%s", n.noLeader())
	case <-n.done:
		return 0, fault.New(fault.Unavailable, "the server is stopping; try another node")
	}
}

// ask runs the rounds until ctx ends.
func (n *Node) ask(ctx context.Context, r *raft.Raft) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.asked:
		}
		n.roundsMu.Lock()
		now := n.round
		n.round = nil // who comes from here on needs the next one
		n.roundsMu.Unlock()
		limit, cancel := context.WithTimeout(ctx, n.cfg.ConfirmTimeout)
		now.index, now.err = n.readIndex(limit, r)
		cancel()
		close(now.done)
	}
}

// readIndex returns an index of which everything is part that was acknowledged before.
func (n *Node) readIndex(ctx context.Context, r *raft.Raft) (uint64, error) {
	var why error
	for {
		turned, moved := n.turned.wait(), n.fsm.moved.wait()
		leader := n.leaderOf(r)
		var index uint64
		switch {
		case leader == n.id:
			index, _, why = n.confirm(ctx, r)
		case leader != "":
			index, why = n.askLeader(ctx, leader)
		}
		if leader != "" && why == nil {
			return index, nil
		}
		retry := time.NewTimer(watchPause)
		select {
		case <-turned:
		case <-moved:
		case <-retry.C:
		case <-ctx.Done():
			retry.Stop()
			return 0, fault.Wrap(fault.Unavailable, errors.Join(why, ctx.Err()), "%s", n.noLeader())
		}
		retry.Stop()
	}
}

func (n *Node) askLeader(ctx context.Context, leader string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	b, err := n.cfg.Cluster.Peers.Call(ctx, leader, methodIndex, nil)
	if err != nil {
		return 0, err
	}
	var a accepted
	if err := json.Unmarshal(b, &a); err != nil {
		return 0, err
	}
	n.learn(ctx, leader, a.Index, a.Term)
	return a.Index, nil
}

// serveIndex answers a follower's question.
func (n *Node) serveIndex(ctx context.Context, _ string, _ []byte) ([]byte, error) {
	r := n.raft.Load()
	if r == nil {
		return nil, fault.New(fault.Unavailable, "the node is starting")
	}
	index, term, err := n.confirm(ctx, r)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "node %s can't say how far reads must be: %v", n.id, err)
	}
	return json.Marshal(accepted{Index: index, Term: term})
}

var errNotLeader = errors.New("it does not lead")

// confirm returns the commit index of this leader, after a majority has said, asked after that, that
// it knows no later term: so nobody else can have committed anything before.
func (n *Node) confirm(ctx context.Context, r *raft.Raft) (index, term uint64, err error) {
	if r.State() != raft.Leader {
		return 0, 0, errNotLeader
	}
	term = r.CurrentTerm()
	if n.fsm.term.Load() != term {
		return 0, 0, errors.New("it has committed nothing in its term yet")
	}
	index = r.CommitIndex()
	var others []string
	need, voters := 0, 0
	for _, s := range n.configuration() {
		if s.Suffrage != raft.Voter {
			continue
		}
		voters++
		if string(s.ID) == n.id {
			need-- // this node's own
		} else {
			others = append(others, string(s.ID))
		}
	}
	need += voters/2 + 1
	if failpoint.Inject("bug/lease-read") != nil {
		need = 0
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	answers := make(chan error, len(others))
	for _, id := range others {
		go func() { answers <- n.knowsNoLater(ctx, id, term) }() // ends with ctx
	}
	for range others {
		if need <= 0 {
			break
		}
		if err := <-answers; err == nil {
			need--
		}
	}
	switch {
	case need > 0:
		return 0, 0, errors.New("a majority can't be reached")
	case r.State() != raft.Leader || r.CurrentTerm() != term:
		return 0, 0, errNotLeader
	}
	return index, term, nil
}

func (n *Node) knowsNoLater(ctx context.Context, id string, term uint64) error {
	b, err := n.cfg.Cluster.Peers.Call(ctx, id, methodTerm, nil)
	if err != nil {
		return err
	}
	var a accepted
	if err := json.Unmarshal(b, &a); err != nil {
		return err
	}
	if a.Term > term {
		return errNotLeader
	}
	return nil
}

// serveTerm tells this node's term, which is never lower than one it has voted in.
func (n *Node) serveTerm(context.Context, string, []byte) ([]byte, error) {
	r := n.raft.Load()
	if r == nil {
		return nil, fault.New(fault.Unavailable, "the node is starting")
	}
	return json.Marshal(accepted{Term: r.CurrentTerm()})
}
