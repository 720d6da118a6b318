package replica

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"nacre/server/fault"
)

// Cluster is what a node needs to be one of many.
type Cluster struct {
	// Stream carries raft's own connections. Run closes it.
	Stream Stream
	// AddressOf returns the raft address at which a node is now.
	AddressOf func(id string) (address string, ok bool)
	// Peers calls the Handlers of other nodes.
	Peers Peers
}

func (c *Cluster) validate() error {
	if c.Stream == nil || c.AddressOf == nil || c.Peers == nil {
		return errors.New("replica: a field of Config.Cluster is nil")
	}
	return nil
}

// The methods that nodes call on each other.
const (
	methodApply    = "replica/apply"
	methodIndex    = "replica/index"
	methodTerm     = "replica/term"
	methodState    = "replica/state"
	methodSeen     = "replica/seen"
	methodSnapshot = "replica/snapshot"
	methodJoin     = "replica/join"
	methodRemove   = "replica/remove"
	methodTransfer = "replica/transfer"
	methodServers  = "replica/servers"
)

const (
	// A follower looks every heartbeatTimeout to twice that whether it has heard from the leader within
	// it, and else stands for election; a leader that does not reach a majority for leaseTimeout steps down. Heartbeats go out
	// ten times as often, apart from all that writes to a disk.
	heartbeatTimeout = 500 * time.Millisecond
	leaseTimeout     = 500 * time.Millisecond
	// commitTimeout is how long followers may not know what was committed, when nothing follows it.
	commitTimeout = 15 * time.Millisecond
	// proposeTimeout is how long raft's main loop may be busy when a group is handed to it.
	proposeTimeout = time.Second
	// askTimeout bounds a question to another node that it answers from memory.
	askTimeout = time.Second
	// watchPause is after how long a state is looked at again that should have been told of.
	watchPause = 50 * time.Millisecond
	// changeTimeout bounds a change of the members.
	changeTimeout = 5 * time.Second
)

// keyCluster is where the cluster's id is kept in the stable store.
var keyCluster = []byte("nacre/cluster")

// clustered is the part of a Node that only one of many has.
type clustered struct {
	waits     *waits
	net       *transport
	turned    bell          // rings when who leads may have changed
	forwarded chan struct{} // has an element for each group of another node on its way
	started   chan struct{} // closed when raft runs

	roundsMu sync.Mutex
	round    *round        // the next one; nil: nobody waits
	asked    chan struct{} // has an element when there is one

	peers    peers
	incoming incoming
	sent     atomic.Uint64 // snapshots to other nodes, to number them
}

func (n *Node) openCluster() error {
	var run [8]byte
	_, _ = rand.Read(run[:]) // never fails
	n.waits = newWaits(n.id, binary.LittleEndian.Uint64(run[:]))
	n.fsm.waits = n.waits
	n.log.recent.limit = recentBytes
	n.forwarded = make(chan struct{}, maxForwarded)
	n.started = make(chan struct{})
	n.asked = make(chan struct{}, 1)
	n.peers.seen = map[string]uint64{}
	n.peers.known = map[string]peer{}
	n.peers.addresses = map[string]string{}
	switch fresh, id := n.Fresh(), n.ClusterID(); {
	case fresh && id != "":
		// Its bootstrap was cut short, and nobody has heard of that id; or it was not joined yet, and asks again.
		return n.log.Set(keyCluster, nil)
	case fresh || id != "":
		return nil
	}
	// It was a group of one until now, or its first start in a cluster was cut short.
	return n.log.Set(keyCluster, []byte(newClusterID()))
}

func newClusterID() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	return hex.EncodeToString(raw[:])
}

// Handlers returns what other nodes may call on this one, by method.
func (n *Node) Handlers() map[string]Handler {
	return map[string]Handler{
		methodApply:    n.serveApply,
		methodIndex:    n.serveIndex,
		methodTerm:     n.serveTerm,
		methodState:    n.serveState,
		methodSeen:     n.serveSeen,
		methodSnapshot: n.serveSnapshot,
		methodJoin:     n.serveJoin,
		methodRemove:   n.serveRemove,
		methodTransfer: n.serveTransfer,
		methodServers:  n.serveServers,
	}
}

// Fresh reports whether the node has no members yet: it must Bootstrap, or be joined by a cluster.
func (n *Node) Fresh() bool {
	return n.log.tail.Load().last == 0 && n.snaps.mark() == nil
}

// ClusterID returns the id of the cluster that the node belongs to; "" when none is known.
func (n *Node) ClusterID() string {
	b, _ := n.log.Get(keyCluster) // it is read at open
	return string(b)
}

// Adopt tells a fresh node which cluster it is about to join. It fails with fault.Conflict when the
// node belongs to another one.
func (n *Node) Adopt(clusterID string) error {
	switch held := n.ClusterID(); {
	case clusterID == "":
		return fault.New(fault.Invalid, "the id of a cluster is empty")
	case held == clusterID:
		return nil
	case held != "" && !n.Fresh():
		return fault.New(fault.Conflict, "node %s belongs to cluster %s, not to %s", n.id, held, clusterID)
	}
	return n.log.Set(keyCluster, []byte(clusterID))
}

// Bootstrap makes a cluster of the given nodes, all voting; this one must be among them. It is called
// on one of them, when it and all others are fresh and running. fault.Conflict: it is not fresh.
func (n *Node) Bootstrap(clusterID string, voters []string) error {
	var members raft.Configuration
	for _, id := range voters {
		members.Servers = append(members.Servers, server(id, raft.Voter))
	}
	if clusterID == "" {
		return fault.New(fault.Invalid, "the id of a cluster is empty")
	}
	if n.cfg.Cluster == nil {
		return fault.New(fault.Conflict, "node %s is no node of a cluster", n.id)
	}
	select {
	case <-n.started:
	default:
		return fault.New(fault.Unavailable, "node %s is starting", n.id)
	}
	if !n.Fresh() {
		return fault.New(fault.Conflict, "node %s belongs to cluster %s already", n.id, n.ClusterID())
	}
	if err := n.log.Set(keyCluster, []byte(clusterID)); err != nil {
		return err
	}
	if err := n.raft.Load().BootstrapCluster(members).Error(); err != nil {
		if errors.Is(err, raft.ErrCantBootstrap) {
			return fault.Wrap(fault.Conflict, err, "node %s has taken part in a cluster already; wait until that one joins it", n.id)
		}
		return err
	}
	n.turned.ring()
	return nil
}

func server(id string, s raft.ServerSuffrage) raft.Server {
	return raft.Server{Suffrage: s, ID: raft.ServerID(id), Address: raft.ServerAddress(id)}
}

// RecoverSingle makes the node of a data folder the only one of a new cluster, with all that is in
// its log: when a majority of the others is lost for good. No other process may run on the folder.
// What the others acknowledged and this node never received is lost, and none of them may come back
// with its data: they have to join anew with empty folders. It returns the id of the new cluster.
func RecoverSingle(cfg Config) (clusterID string, err error) {
	cfg.Cluster = nil
	n, err := New(cfg)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if n.Fresh() {
		return "", fault.New(fault.Conflict, "%s holds nothing to recover", cfg.Dir)
	}
	last, term := n.log.tail.Load().last, uint64(0)
	if m := n.snaps.mark(); m != nil {
		last, term = max(last, m.Index), m.Term
	}
	held, err := n.log.GetUint64(keyTerm)
	if err != nil {
		return "", err
	}
	// The new id first: should this end between the two, the node is only kept away from the others.
	clusterID = newClusterID()
	if err := n.log.Set(keyCluster, []byte(clusterID)); err != nil {
		return "", err
	}
	alone := raft.Configuration{Servers: []raft.Server{server(n.id, raft.Voter)}}
	return clusterID, n.log.StoreLog(&raft.Log{
		Index: last + 1, Term: max(term, held), Type: raft.LogConfiguration,
		Data: raft.EncodeConfiguration(alone), AppendedAt: n.cfg.Clock.Now(),
	})
}
