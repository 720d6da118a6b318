package external

import (
	"context"
	"encoding/binary"
	"time"

	"golang.org/x/sync/errgroup"

	"nacre/server/cluster"
	"nacre/server/fault"
)

// Peers calls the Handlers of other nodes on the same database.
type Peers interface {
	Call(ctx context.Context, to, method string, body []byte) ([]byte, error)
}

// methodChanged tells another node that the counter moved.
const methodChanged = "external/changed"

// notifyTimeout is how long a node is waited for that is told; it finds the change by itself as late as tailEvery.
const notifyTimeout = 300 * time.Millisecond

// UsePeers has the node tell others of what it commits: those whose ids others returns. Call it before Run.
func (n *Node) UsePeers(p Peers, others func() []string) { n.peers, n.others = p, others }

// Handlers are what other nodes may call, by the name of the method.
func (n *Node) Handlers() map[string]cluster.Handler {
	return map[string]cluster.Handler{methodChanged: n.serveChanged}
}

func (n *Node) serveChanged(_ context.Context, _ string, body []byte) ([]byte, error) {
	revision, size := binary.Uvarint(body)
	if size <= 0 {
		return nil, fault.New(fault.Invalid, "the revision can't be read")
	}
	if revision > n.State().Revision {
		ring(n.wake)
	}
	return nil, nil
}

// ring wakes who waits for a channel with room for one.
func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

// notify tells others of what was committed until ctx ends; what is committed while they are told goes out as one.
func (n *Node) notify(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.changed:
		}
		if n.peers == nil {
			continue
		}
		body := binary.AppendUvarint(nil, n.State().Revision)
		limit, cancel := context.WithTimeout(ctx, notifyTimeout)
		var all errgroup.Group
		for _, id := range n.others() {
			all.Go(func() error {
				_, err := n.peers.Call(limit, id, methodChanged, body)
				return err
			})
		}
		_ = all.Wait() // who was not reached asks by itself
		cancel()
	}
}

// ClusterID is the id of the database that the node belongs to, "" while it was never reached: who has the same are one cluster.
func (n *Node) ClusterID() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state.ID
}
