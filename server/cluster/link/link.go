// Package link makes the connections between the nodes of a cluster: both sides prove that they have
// the cluster key, then say in a hello who they are, and one that does not belong here is refused with
// a sentence that stands in both logs.
//
// From the key a certificate authority is derived, the same on every node; each node makes itself a
// certificate of it at start, in memory. TLS 1.3, both sides verify. Without a key (--insecure) the
// same hello goes over plain TCP.
package link

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"nacre/server/clock"
	"nacre/server/fault"
)

const (
	// helloTime is how long a handshake and the hellos may take.
	helloTime = 5 * time.Second
	// halfOpen is how many connections may be in their handshake at once; more wait in the kernel.
	halfOpen = 128
	// sayEvery is how often the log says the same of the same node.
	sayEvery = 30 * time.Second
)

// Identity is who a node is.
type Identity struct {
	// Node is its id.
	Node string
	// Cluster is the id of its cluster, "" while it belongs to none.
	Cluster string
}

// Config is what a Link needs; Self is required.
type Config struct {
	// Key is the cluster key; nil for plain TCP.
	Key []byte
	// Self tells who this node is at the moment.
	Self  func() Identity
	Log   *slog.Logger // default: slog.Default
	Clock clock.Clock  // default: the machine's
}

// Link connects this node with others. It is safe for concurrent use.
type Link struct {
	cfg            Config
	run            string // tells this process from another with the same data
	client, server *tls.Config

	mu   sync.Mutex
	said map[string]time.Time // when which sentence was logged last
}

// New makes a Link. It fails where the key is too short.
func New(cfg Config) (*Link, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.System{}
	}
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails
	l := &Link{cfg: cfg, run: hex.EncodeToString(raw[:]), said: make(map[string]time.Time)}
	if cfg.Key == nil {
		return l, nil
	}
	var err error
	l.client, l.server, err = tlsConfigs(cfg.Key)
	return l, err
}

// ErrSelf is why Dial refuses an address that is this very process'.
var ErrSelf = errors.New("this is the node's own address")

// Conn is a connection to a node whose hello was accepted.
type Conn struct {
	net.Conn
	peer Identity
}

// Peer returns the other node's id.
func (c *Conn) Peer() string { return c.peer.Node }

// Cluster returns the id of the other node's cluster when it connected, "" where it had none.
func (c *Conn) Cluster() string { return c.peer.Cluster }

// Dial connects to the node at addr. Where that refuses, or is refused, the fault is Denied, its text
// says why, and so does the log. ErrSelf is in the error's chain where addr is this process' own.
func (l *Link) Dial(ctx context.Context, addr string) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, helloTime)
	defer cancel()
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "no node can be reached at %s", addr)
	}
	c, err := l.greet(ctx, nc)
	if err != nil {
		_ = nc.Close()
		return nil, l.refused(addr, err)
	}
	return c, nil
}

// refused says in words why the node at addr is none to talk to.
func (l *Link) refused(addr string, err error) error {
	why := l.explain(err)
	if why == "" {
		return fault.Wrap(fault.Unavailable, err, "the node at %s does not answer", addr)
	}
	if !errors.Is(err, ErrSelf) {
		l.say("a node can't be connected to", addr, why)
	}
	return fault.Wrap(fault.Denied, err, "the node at %s: %s", addr, why)
}

// greet is the dialing side of a new connection.
func (l *Link) greet(ctx context.Context, nc net.Conn) (*Conn, error) {
	raw := nc // nc is another one soon
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(clock.Mono()) })
	defer stop()
	limitUnsent(nc)
	if l.client != nil {
		t := tls.Client(nc, l.client)
		if err := t.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		nc = t
	}
	me := l.cfg.Self()
	if err := writeHello(nc, hello{Version: version, Node: me.Node, Cluster: me.Cluster, Run: l.run}); err != nil {
		return nil, err
	}
	h, err := readHello(nc)
	if err != nil {
		return nil, err
	}
	if h.Refused != "" {
		return nil, &refusal{text: h.Refused, self: h.Run == l.run}
	}
	if why := l.unfit(h); why != nil {
		return nil, why
	}
	if !stop() {
		return nil, ctx.Err()
	}
	return &Conn{Conn: nc, peer: Identity{Node: h.Node, Cluster: h.Cluster}}, nil
}

// accept is the other side's greet.
func (l *Link) accept(nc net.Conn) (*Conn, error) {
	_ = nc.SetDeadline(clock.Mono().Add(helloTime))
	limitUnsent(nc)
	me := l.cfg.Self()
	answer := hello{Version: version, Node: me.Node, Cluster: me.Cluster, Run: l.run}
	if l.server != nil {
		t := tls.Server(nc, l.server)
		if err := t.Handshake(); err != nil {
			var record tls.RecordHeaderError
			if errors.As(err, &record) && record.Conn != nil {
				answer.Refused = "it has a cluster key, and this node has none"
				_ = writeHello(nc, answer) // in plain text, as the other side can read it
			}
			return nil, err
		}
		nc = t
	}
	h, err := readHello(nc)
	if errors.Is(err, errNoHello) {
		answer.Refused = "what came is no hello"
		_ = writeHello(nc, answer) // so that one that speaks TLS notices
	}
	if err != nil {
		return nil, err
	}
	why := l.unfit(h)
	if why != nil {
		answer.Refused = why.text
	}
	if err := writeHello(nc, answer); err != nil {
		return nil, err
	}
	if why != nil {
		return nil, why
	}
	if err := nc.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	return &Conn{Conn: nc, peer: Identity{Node: h.Node, Cluster: h.Cluster}}, nil
}

// refusal is why a hello was not accepted, by this side or the other.
type refusal struct {
	text string
	self bool
}

func (r *refusal) Error() string { return r.text }

// Is makes a connection to oneself ErrSelf.
func (r *refusal) Is(err error) bool { return r.self && err == ErrSelf }

// unfit says why the node of that hello is none to talk to, nil when it is one.
func (l *Link) unfit(h hello) *refusal {
	me := l.cfg.Self()
	switch {
	case h.Version != version:
		return &refusal{text: fmt.Sprintf("node %s speaks version %d of the protocol between nodes, node %s speaks %d", h.Node, h.Version, me.Node, version)}
	case h.Run == l.run:
		return &refusal{text: ErrSelf.Error(), self: true}
	case h.Node == me.Node:
		return &refusal{text: fmt.Sprintf("two nodes have the id %s: a data folder was copied; give one of them an empty folder", h.Node)}
	case h.Cluster != "" && me.Cluster != "" && h.Cluster != me.Cluster:
		return &refusal{text: fmt.Sprintf("node %s belongs to cluster %s, node %s to cluster %s", h.Node, h.Cluster, me.Node, me.Cluster)}
	}
	return nil
}

// explain returns the sentence for what went wrong between two nodes, "" where it is no more than a lost connection.
func (l *Link) explain(err error) string {
	var (
		why    *refusal
		verify *tls.CertificateVerificationError
		alert  tls.AlertError
		record tls.RecordHeaderError
		remote *net.OpError
	)
	switch {
	case errors.As(err, &why):
		return why.text
	case errors.As(err, &verify), errors.Is(err, errForeign):
		return "it has another cluster key"
	case errors.As(err, &alert), errors.As(err, &remote) && remote.Op == "remote error":
		return "it refuses this node's certificate: the cluster keys differ"
	case errors.As(err, &record):
		return "it speaks no TLS: it has no cluster key and this node has one, or it is no node of Nacre"
	case errors.Is(err, errNoHello):
		return "it says no hello: it has a cluster key and this node has none, or it is no node of Nacre"
	}
	return ""
}

// say logs a sentence, the same one about the same host once in a while only.
func (l *Link) say(what, addr, why string) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	now := clock.Mono()
	l.mu.Lock()
	last, known := l.said[what+host+why]
	skip := known && now.Sub(last) < sayEvery
	if !skip {
		if len(l.said) >= 1000 { // bounded, whoever connects
			clear(l.said)
		}
		l.said[what+host+why] = now
	}
	l.mu.Unlock()
	if !skip {
		l.cfg.Log.Warn(what, "addr", addr, "why", why)
	}
}
