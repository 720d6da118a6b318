package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"nacre/server/clock"
	"nacre/server/failpoint"
	"nacre/server/fault"
	"nacre/server/journal"
)

const (
	// retryPause is how long a group waits before it is tried again that was surely not written.
	retryPause = 20 * time.Millisecond
	// maxForwarded is how many groups of other nodes may be on their way through this one. A node has
	// one group on its way, so this is the bound of a caller that errs. The log keeps at least as many
	// entries as can be in it without a majority; see trailing.
	maxForwarded = 32
)

// refusal says that a group was surely not written, and why. It may be tried again.
type refusal struct{ why error }

func (r *refusal) Error() string { return r.why.Error() }

// commit makes a group durable on a majority, through whoever leads, and returns when it is applied
// on this node. It is tried again only when it is sure that it was not written and will not be.
func (n *Node) commit(ctx context.Context, r *raft.Raft, group []journal.Command) ([]journal.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.ConfirmTimeout)
	defer cancel()
	begin := clock.Mono()
	var why error
	for {
		turned, pause := n.turned.wait(), time.Duration(0)
		term := r.CurrentTerm() // before the leader: one of a later term refuses
		if leader := n.leaderOf(r); leader != "" {
			results, err := n.attempt(ctx, r, leader, term, group)
			var no *refusal
			if !errors.As(err, &no) {
				return results, err
			}
			why, turned, pause = no.why, nil, retryPause
		}
		left := n.cfg.EnqueueTimeout - elapsed(begin)
		if left <= 0 {
			return nil, n.notWritten(why)
		}
		if pause == 0 || pause > left {
			pause = min(left, watchPause)
		}
		wait := time.NewTimer(pause)
		select {
		case <-turned:
		case <-wait.C:
		case <-ctx.Done():
		case <-n.done:
		}
		wait.Stop()
		if ctx.Err() != nil {
			return nil, n.notWritten(errors.Join(why, ctx.Err()))
		}
		select {
		case <-n.done:
			return nil, fault.New(fault.Unavailable, "the server is stopping; try another node, or again when it is back")
		default:
		}
	}
}

// leaderOf returns the id of who leads, as this node knows it.
func (n *Node) leaderOf(r *raft.Raft) string {
	if r.State() == raft.Leader {
		return n.id
	}
	if _, id := r.LeaderWithID(); string(id) != n.id {
		return string(id)
	}
	return ""
}

// notWritten is the fault for a group that was surely not written.
func (n *Node) notWritten(why error) error {
	if errors.Is(why, errNoRoom) {
		return n.explain(why)
	}
	return fault.Wrap(fault.Unavailable, why, "%s; nothing was written, try again in a moment", n.noLeader())
}

// noLeader says in words why there is no leader, as far as this node can tell.
func (n *Node) noLeader() string {
	if n.Fresh() {
		return "this node belongs to no cluster yet"
	}
	voters := 0
	for _, s := range n.configuration() {
		if s.Suffrage == raft.Voter {
			voters++
		}
	}
	return fmt.Sprintf("there is no leader to take writes: %d of the %d voting nodes must reach each other", voters/2+1, voters)
}

// attempt sends a group on its way once, for the given term only. It returns a *refusal when the
// group is surely not in the log and can't come there any more.
func (n *Node) attempt(ctx context.Context, r *raft.Raft, leader string, term uint64, group []journal.Command) ([]journal.Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g := n.waits.add(term)
	defer n.waits.drop(g)
	entry := journal.EncodeEntry(g.origin, group)
	sent := make(chan error, 1)
	if leader == n.id {
		go func() { _, err := n.propose(r, entry); sent <- err }() // ends with raft's answer, or with raft
	} else {
		go func() { sent <- n.forward(ctx, leader, entry) }() // ends with ctx
	}
	var why error
	for {
		moved := n.fsm.moved.wait()
		late := n.fsm.term.Load() > term
		select {
		case <-g.done:
			switch {
			case g.skipped:
				return nil, unknown(errors.New("a snapshot was received in the meantime"))
			case g.void:
				return nil, &refusal{errors.New("the lead had passed on")}
			}
			return g.results, nil
		default:
		}
		if late {
			return nil, &refusal{errors.Join(errors.New("the lead passed on before the write was in the log"), why)}
		}
		select {
		case <-g.done:
		case <-moved:
		case err := <-sent:
			var no *refusal
			if errors.As(err, &no) {
				return nil, err
			}
			if err != nil && failpoint.Inject("bug/retry-in-doubt") != nil {
				return nil, &refusal{err}
			}
			why, sent = err, nil // on its way, or unknown: what is applied tells
		case <-ctx.Done():
			return nil, unknown(errors.Join(why, ctx.Err()))
		case <-n.done:
			return nil, unknown(errors.Join(why, raft.ErrRaftShutdown))
		}
	}
}

// propose puts an entry into this node's log as the leader, and returns its index when it is applied.
// An error that is no *refusal leaves open what becomes of it.
func (n *Node) propose(r *raft.Raft, entry []byte) (index uint64, err error) {
	future := r.Apply(entry, proposeTimeout)
	if err = future.Error(); err == nil {
		err, _ = future.Response().(error)
		return future.Index(), err
	}
	if errors.Is(err, errNoRoom) || errors.Is(err, raft.ErrNotLeader) || errors.Is(err, raft.ErrLeadershipTransferInProgress) ||
		errors.Is(err, raft.ErrEnqueueTimeout) {
		return 0, &refusal{err}
	}
	return 0, err
}

// accepted is the answer of a leader to a forwarded group.
type accepted struct {
	Index uint64 `json:"index,omitempty"`
	Term  uint64 `json:"term,omitempty"`
	// Refused says why it was surely not written.
	Refused string `json:"refused,omitempty"`
}

// forward has the leader put an entry into the log.
func (n *Node) forward(ctx context.Context, leader string, entry []byte) error {
	b, err := n.cfg.Cluster.Peers.Call(ctx, leader, methodApply, entry)
	if err != nil {
		return err
	}
	var a accepted
	if err := json.Unmarshal(b, &a); err != nil {
		return err
	}
	if a.Refused != "" {
		return &refusal{errors.New(a.Refused)}
	}
	n.learn(ctx, leader, a.Index, a.Term)
	return nil
}

// serveApply puts an entry of another node into the log, and answers when it is committed.
func (n *Node) serveApply(ctx context.Context, from string, body []byte) ([]byte, error) {
	origin, _, err := journal.DecodeOrigin(body)
	if err != nil || origin.Node != from || origin.Term == 0 {
		return nil, fault.New(fault.Invalid, "node %s sent an entry that is not its own", from)
	}
	refused := func(format string, args ...any) ([]byte, error) {
		return json.Marshal(accepted{Refused: fmt.Sprintf(format, args...)})
	}
	r := n.raft.Load()
	if r == nil || r.State() != raft.Leader || r.CurrentTerm() != origin.Term {
		return refused("node %s does not lead, or no longer in term %d", n.id, origin.Term)
	}
	select {
	case n.forwarded <- struct{}{}:
	default:
		return refused("%d groups of other nodes are on their way already", maxForwarded)
	}
	var index uint64
	answer := make(chan error, 1)
	go func() { // ends with raft's answer, or with raft
		defer func() { <-n.forwarded }()
		var err error
		index, err = n.propose(r, body)
		answer <- err
	}()
	select {
	case err = <-answer:
	case <-ctx.Done():
		return nil, unknown(ctx.Err())
	}
	var no *refusal
	switch {
	case errors.As(err, &no):
		return refused("%v", no.why)
	case err != nil:
		return nil, unknown(err)
	}
	return json.Marshal(accepted{Index: index, Term: origin.Term})
}

// learn lets raft hear of what the leader of a term said it has committed, as soon as the log is that
// far. Raft would hear it with the next entry, or some milliseconds later.
func (n *Node) learn(ctx context.Context, leader string, index, term uint64) {
	r := n.raft.Load()
	for {
		stored := n.log.stored.wait()
		if n.log.tail.Load().last >= index {
			break
		}
		select {
		case <-stored:
		case <-ctx.Done():
			return
		}
	}
	if r.CommitIndex() >= index {
		return
	}
	// An entry of the leader's own term is committed with all before it; raft checks that it has the same.
	_ = n.net.say(ctx, raft.RPC{
		Command: &raft.AppendEntriesRequest{
			RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(leader), Addr: []byte(leader)},
			Term:      term, Leader: []byte(leader), PrevLogEntry: index, PrevLogTerm: term, LeaderCommitIndex: index,
		},
		RespChan: make(chan raft.RPCResponse, 1),
	})
}
