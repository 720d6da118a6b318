package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"

	"nacre/server/cluster/link"
)

const (
	// probeEvery is how often a node asks another whether it is alive, each in turn.
	probeEvery = 500 * time.Millisecond
	// probeTime is how long an answer may take before others are asked to try.
	probeTime = 300 * time.Millisecond
	// leaveTime is how long taking leave may take.
	leaveTime = time.Second
)

// gossip is this node's part in memberlist. Its methods for memberlist run under memberlist's locks, and take
// that of Members; so no method of memberlist may be called under the lock of Members.
type gossip struct {
	m    *Members
	list *memberlist.Memberlist
	meta atomic.Pointer[[]byte]
	// closed says that there is nobody to take leave of any more.
	closed atomic.Bool
}

// gossipName is a process of a node: a node that starts again is another name, so that its new address is no conflict.
func gossipName(id, run string) string { return id + "." + run }

func newGossip(m *Members) (*gossip, error) {
	host, portText, err := net.SplitHostPort(m.cfg.Gossip)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, err
	}
	bind, err := resolve(host)
	if err != nil {
		return nil, err
	}
	g := &gossip{m: m}
	logger := log.New(logWriter{m.cfg.Log}, "", 0)
	transport, err := memberlist.NewNetTransport(&memberlist.NetTransportConfig{BindAddrs: []string{bind}, BindPort: port, Logger: logger})
	for range 10 {
		if err == nil || port != 0 {
			break // a free port of TCP need not be one of UDP
		}
		transport, err = memberlist.NewNetTransport(&memberlist.NetTransportConfig{BindAddrs: []string{bind}, Logger: logger})
	}
	if err != nil {
		return nil, fmt.Errorf("gossip can't listen on %s: %w", m.cfg.Gossip, err)
	}
	m.self.GossipPort = transport.GetAutoBindPort()
	advertise, err := resolve(m.self.Host)
	if err != nil {
		return nil, errors.Join(err, transport.Shutdown())
	}
	c := memberlist.DefaultLANConfig()
	c.Name = gossipName(m.self.ID, m.self.Run)
	c.Transport, c.BindAddr, c.BindPort = transport, bind, m.self.GossipPort
	c.AdvertiseAddr, c.AdvertisePort = advertise, m.self.GossipPort
	c.ProbeInterval, c.ProbeTimeout = probeEvery, probeTime
	c.TCPTimeout = 3 * time.Second
	c.GossipInterval = 100 * time.Millisecond
	c.PushPullInterval = 10 * time.Second
	c.Delegate, c.Events, c.Alive, c.Ping = g, g, g, g
	c.Logger = logger
	c.DNSConfigPath = "/dev/null" // addresses come resolved
	if m.cfg.Key != nil {
		if c.SecretKey, err = link.Derive(m.cfg.Key, "gossip 1"); err != nil {
			return nil, errors.Join(err, transport.Shutdown())
		}
	}
	if err := g.set(m.self.wire()); err != nil {
		return nil, errors.Join(err, transport.Shutdown())
	}
	if g.list, err = memberlist.Create(c); err != nil {
		return nil, errors.Join(err, transport.Shutdown())
	}
	return g, nil
}

// resolve returns an IP address of host; "" stands for all of this machine's.
func resolve(host string) (string, error) {
	if host == "" {
		return "0.0.0.0", nil
	}
	if ip := net.ParseIP(host); ip != nil {
		return host, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return "", fmt.Errorf("the address of %q is not known: %w", host, err)
	}
	return addrs[0], nil
}

// set makes w what this node tells of itself, and says whether that fits.
func (g *gossip) set(w wireMember) error {
	b, err := json.Marshal(w)
	if err == nil && len(b) > memberlist.MetaMaxSize {
		err = fmt.Errorf("what this node tells of itself has %d bytes, at most %d can be told", len(b), memberlist.MetaMaxSize)
	}
	if err == nil {
		g.meta.Store(&b)
	}
	return err
}

// announce tells the others what is new of this node.
func (g *gossip) announce(w wireMember) {
	before := *g.meta.Load()
	if err := g.set(w); err != nil {
		g.m.cfg.Log.Error("other nodes can't be told of this one", "error", err)
		return
	}
	if string(before) == string(*g.meta.Load()) {
		return
	}
	if err := g.list.UpdateNode(leaveTime); err != nil {
		g.m.cfg.Log.Debug("telling other nodes takes long", "error", err)
	}
}

// join meets the node at addr, and learns from it who else is there.
func (g *gossip) join(addr string) error {
	_, err := g.list.Join([]string{addr})
	return err
}

// leave tells the others that this node goes, and ends.
func (g *gossip) leave() error {
	if g.closed.Load() {
		return nil
	}
	if err := g.list.Leave(leaveTime); err != nil {
		g.m.cfg.Log.Debug("taking leave of other nodes", "error", err)
	}
	return g.close()
}

func (g *gossip) close() error {
	g.closed.Store(true)
	return g.list.Shutdown()
}

// patience is how long a member may be silent before it is suspicious.
func (m *Members) patience() time.Duration {
	return max(1500*time.Millisecond, time.Duration(3*len(m.alive))*probeEvery)
}

var (
	_ memberlist.Delegate      = (*gossip)(nil)
	_ memberlist.EventDelegate = (*gossip)(nil)
	_ memberlist.AliveDelegate = (*gossip)(nil)
	_ memberlist.PingDelegate  = (*gossip)(nil)
)

// NodeMeta implements memberlist.Delegate.
func (g *gossip) NodeMeta(int) []byte { return *g.meta.Load() }

// NotifyMsg implements memberlist.Delegate; nothing but members is gossiped.
func (g *gossip) NotifyMsg([]byte) {}

// GetBroadcasts implements memberlist.Delegate.
func (g *gossip) GetBroadcasts(int, int) [][]byte { return nil }

// LocalState implements memberlist.Delegate.
func (g *gossip) LocalState(bool) []byte { return nil }

// MergeRemoteState implements memberlist.Delegate.
func (g *gossip) MergeRemoteState([]byte, bool) {}

// NotifyAlive implements memberlist.AliveDelegate: a node of another cluster is none of ours.
func (g *gossip) NotifyAlive(n *memberlist.Node) error {
	w, err := parseMember(n.Meta)
	if err != nil {
		return err
	}
	g.m.mu.Lock()
	defer g.m.mu.Unlock()
	if !g.m.ours(w) {
		return errors.New("it belongs to another cluster")
	}
	return nil
}

// NotifyJoin implements memberlist.EventDelegate.
func (g *gossip) NotifyJoin(n *memberlist.Node) {
	if w, err := parseMember(n.Meta); err == nil {
		g.m.came(n.Name, w)
		g.m.poke()
	}
}

// NotifyUpdate implements memberlist.EventDelegate.
func (g *gossip) NotifyUpdate(n *memberlist.Node) { g.NotifyJoin(n) }

// NotifyLeave implements memberlist.EventDelegate.
func (g *gossip) NotifyLeave(n *memberlist.Node) {
	g.m.went(n.Name)
	g.m.poke()
}

// AckPayload implements memberlist.PingDelegate.
func (g *gossip) AckPayload() []byte { return nil }

// NotifyPingComplete implements memberlist.PingDelegate.
func (g *gossip) NotifyPingComplete(n *memberlist.Node, _ time.Duration, _ []byte) {
	g.m.answered(n.Name)
}

// logWriter writes what memberlist logs; all of it is its daily life, since Members say what matters.
type logWriter struct{ to *slog.Logger }

// Write implements io.Writer.
func (w logWriter) Write(p []byte) (int, error) {
	w.to.Debug(strings.TrimSpace(string(p)))
	return len(p), nil
}
