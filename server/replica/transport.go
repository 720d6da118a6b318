package replica

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"nacre/server/clock"
)

const (
	// dialTimeout bounds the making of a connection; a node that is gone is asked again soon, maybe
	// under another address by then.
	dialTimeout = time.Second
	// ioTimeout bounds one message of raft's with its answer.
	ioTimeout = 5 * time.Second
	// pooledConns is how many connections are kept for each node.
	pooledConns = 3
)

// Stream carries raft's connections: it listens for those of other nodes, and dials theirs. Who
// speaks over it must have been authenticated.
type Stream interface {
	net.Listener
	// Dial connects to raft on the node with that id, wherever it is now, and never to another one: what that
	// answers would count for the wrong voter.
	Dial(id string, timeout time.Duration) (net.Conn, error)
}

// Peers calls other nodes. Bodies are at most MaxBody bytes long.
type Peers interface {
	// Call returns what the handler of method on the node to answers. A *fault.Error of the handler's
	// comes out as one. Without an answer the fault is Unavailable, and the call may have had its effect.
	Call(ctx context.Context, to, method string, body []byte) ([]byte, error)
}

// MaxBody is the size that bodies of calls to "replica/apply" can have: a group of commands.
const MaxBody = 64 << 20

// Handler answers calls of other nodes. from is the authenticated id of the caller; the handler keeps body.
type Handler = func(ctx context.Context, from string, body []byte) ([]byte, error)

// transport is raft's over a Stream. In raft's eyes a node's address is its id, in the log, in votes
// and in what it says to others; where a node is, AddressOf knows when a connection is made.
type transport struct {
	*raft.NetworkTransport
	node   *Node
	stream *stream
	rpcs   chan raft.RPC
	stop   chan struct{}
	once   sync.Once

	lostMu sync.Mutex
	lost   map[raft.ServerID]bool // who did not answer last
	found  bell                   // rings when one of them answered
}

var (
	_ raft.Transport             = (*transport)(nil)
	_ raft.WithClose             = (*transport)(nil)
	_ raft.WithPreVote           = (*transport)(nil)
	_ raft.ServerAddressProvider = (*Node)(nil)
)

func (n *Node) newTransport(log *logger) *transport {
	s := &stream{Stream: n.cfg.Cluster.Stream, open: map[net.Conn]bool{}}
	t := &transport{node: n, stream: s, rpcs: make(chan raft.RPC), stop: make(chan struct{}), lost: map[raft.ServerID]bool{}}
	t.NetworkTransport = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		ServerAddressProvider: n, Logger: log, Stream: s, MaxPool: pooledConns, Timeout: ioTimeout,
	})
	return t
}

// ServerAddr implements raft.ServerAddressProvider: a stream dials ids.
func (n *Node) ServerAddr(id raft.ServerID) (raft.ServerAddress, error) {
	return raft.ServerAddress(id), nil
}

// run passes on what other nodes send, until the transport is closed.
func (t *transport) run() {
	for {
		select {
		case rpc := <-t.NetworkTransport.Consumer():
			select {
			case t.rpcs <- rpc:
			case <-t.stop:
				return
			}
		case <-t.stop:
			return
		}
	}
}

// say lets this node's raft hear what the leader told it by another way.
func (t *transport) say(ctx context.Context, rpc raft.RPC) error {
	select {
	case t.rpcs <- rpc:
		return nil
	case <-t.stop:
		return raft.ErrRaftShutdown
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Consumer implements raft.Transport.
func (t *transport) Consumer() <-chan raft.RPC { return t.rpcs }

// LocalAddr implements raft.Transport.
func (t *transport) LocalAddr() raft.ServerAddress { return raft.ServerAddress(t.node.id) }

// EncodePeer implements raft.Transport.
func (t *transport) EncodePeer(id raft.ServerID, _ raft.ServerAddress) []byte { return []byte(id) }

// InstallSnapshot implements raft.Transport; see transfer.go.

// AppendEntries implements raft.Transport. To a node that does not answer only heartbeats go out, and
// entries wait until it answers one. Else raft would try to send them ever more rarely, at last every
// ten seconds, and a node that is back would hear nothing for as long.
func (t *transport) AppendEntries(id raft.ServerID, to raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	if beat := len(args.Entries) == 0 && args.PrevLogEntry == 0 && args.LeaderCommitIndex == 0; !beat {
		t.awaitAnswer(id, args.Term)
	}
	err := t.NetworkTransport.AppendEntries(id, to, args, resp)
	t.lostMu.Lock()
	was := t.lost[id]
	t.lost[id] = err != nil
	t.lostMu.Unlock()
	if was && err == nil {
		t.found.ring()
	}
	return err
}

// awaitAnswer waits while a node does not answer, as long as it is a member and this one leads in term.
func (t *transport) awaitAnswer(id raft.ServerID, term uint64) {
	for {
		found := t.found.wait()
		t.lostMu.Lock()
		lost := t.lost[id]
		t.lostMu.Unlock()
		r := t.node.raft.Load()
		if !lost || r == nil || r.State() != raft.Leader || r.CurrentTerm() != term {
			return
		}
		if _, member := suffrage(t.node.configuration(), string(id)); !member {
			return
		}
		again := time.NewTimer(watchPause)
		select {
		case <-found:
		case <-again.C:
		case <-t.stop:
			again.Stop()
			return
		}
		again.Stop()
	}
}

// hangUp ends all connections, so that nothing waits for an answer on one.
func (t *transport) hangUp() {
	t.once.Do(func() {
		close(t.stop)
		t.stream.closeAll()
	})
}

// Close implements raft.WithClose.
func (t *transport) Close() error {
	t.hangUp()
	err := t.NetworkTransport.Close()
	t.NetworkTransport.CloseStreams()
	return err
}

// stream keeps account of its connections.
type stream struct {
	Stream
	mu     sync.Mutex // guards what follows
	open   map[net.Conn]bool
	closed bool
}

func (s *stream) Accept() (net.Conn, error) {
	c, err := s.Stream.Accept()
	if err != nil {
		return nil, err
	}
	return s.keep(c)
}

// Dial connects to a node.
func (s *stream) Dial(id raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	c, err := s.Stream.Dial(string(id), min(timeout, dialTimeout))
	if err != nil {
		return nil, err
	}
	return s.keep(c)
}

func (s *stream) keep(c net.Conn) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	k := &conn{Conn: c, s: s}
	s.open[k] = true
	return k, nil
}

func (s *stream) closeAll() {
	s.mu.Lock()
	s.closed = true
	open := s.open
	s.open = map[net.Conn]bool{}
	s.mu.Unlock()
	for c := range open {
		_ = c.Close()
	}
}

type conn struct {
	net.Conn
	s *stream
}

func (c *conn) Close() error {
	c.s.mu.Lock()
	delete(c.s.open, c)
	c.s.mu.Unlock()
	return c.Conn.Close()
}

// elapsed is the time since start for limits, which no shifted clock may move.
func elapsed(start time.Time) time.Duration { return clock.Mono().Sub(start) }
