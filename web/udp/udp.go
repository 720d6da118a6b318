// Package udp tells clients of Nacos 1.x of changes of services: they ask for lists over HTTP, name a UDP port with it, and are
// sent what changes before they ask again.
//
// A datagram goes to where the request came from: a client can't have the answers sent to somebody else, unless the operator
// believes what clients claim. Nothing depends on a datagram: clients ask again every ten seconds anyway.
package udp

import (
	"compress/gzip"
	"container/list"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"nacre/server/clock"
	"nacre/server/naming"
	"nacre/web/api/wire"
)

const (
	// maxClients is how many addresses are told. Others are not refused: they ask again.
	maxClients = 100_000
	// leastPort is the lowest port that is sent to: behind those below it are services, not clients.
	leastPort = 1024
	// sweepEvery is how often it is looked for clients that don't ask any more.
	sweepEvery = time.Second
	// atOnce is how many views are taken of a client at a time.
	atOnce = 16
	// pause is waited after a failure to receive.
	pause = 100 * time.Millisecond
)

// Config is what a Pusher works with.
type Config struct {
	Registry *naming.Registry
	Log      *slog.Logger
	// Claimed sends to the addresses that clients claim rather than to those that they ask from.
	Claimed bool
}

// Pusher tells clients over UDP. Its methods are safe for concurrent use.
//
// Lock order: mu, then the registry's.
type Pusher struct {
	registry *naming.Registry
	log      *slog.Logger
	claimed  bool
	epoch    time.Time
	wake     chan struct{}

	mu      sync.Mutex
	clients map[netip.AddrPort]*client
	asked   list.List // of *subscription; who asked longest ago comes first
	owed    []*client // who is to be told something, each once

	// Of the goroutine that sends.
	pushes []naming.Push
	zip    *gzip.Writer
}

// client is one address that is told. Its Pusher's mu guards it.
type client struct {
	pusher  *Pusher
	at      netip.AddrPort
	session *naming.Session
	most    int // the most bytes of a datagram that it reads
	subs    map[naming.Key]*subscription
	told    map[uint64]*subscription // by the number of the datagram that it is to acknowledge
	owed    bool                     // it is in the list of those that are to be told
}

// subscription is one service that a client asks for.
type subscription struct {
	client *client
	key    naming.Key
	asked  time.Duration // since the Pusher's epoch
	at     *list.Element
	view   *naming.View // told last, in the datagram of that number
	number uint64
}

// New returns a Pusher that tells nobody before Serve.
func New(c Config) *Pusher {
	return &Pusher{
		registry: c.Registry, log: c.Log, claimed: c.Claimed, epoch: clock.Mono(), wake: make(chan struct{}, 1),
		clients: make(map[netip.AddrPort]*client),
	}
}

// Listen returns a socket on a free port of the host that a server listens on.
func Listen(server *net.TCPAddr) (*net.UDPConn, error) {
	return net.ListenUDP("udp", &net.UDPAddr{IP: server.IP, Zone: server.Zone})
}

// Subscribed notes that a client asked for a service, which it has just been answered: it is told of changes from now on, for
// as long as it keeps asking. It keeps no text that it is given.
func (p *Pusher) Subscribed(from wire.Asker, k naming.Key, clusters string) {
	at, ok := p.target(&from)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.clients[at]
	if c == nil {
		if len(p.clients) >= maxClients {
			return
		}
		c = p.open(at, &from)
	}
	s := c.subs[k]
	if s == nil || !c.session.Subscribes(k, clusters) {
		// Those that may not be told find out for themselves, like those beyond maxClients.
		if v, err := c.session.Subscribe(k.Clone(), clusters); err != nil {
			p.log.Debug("a client is not told of changes over UDP", "client", c.at, "service", k, "why", err)
			if s == nil {
				c.closeIfIdle()
			} else {
				s.drop()
			}
			return
		} else if s == nil {
			s = &subscription{client: c, key: v.Key}
			s.at = p.asked.PushBack(s)
			c.subs[s.key] = s
		}
	}
	c.session.Heard()
	s.asked = clock.Mono().Sub(p.epoch)
	p.asked.MoveToBack(s.at)
}

// target returns where a client is told.
func (p *Pusher) target(from *wire.Asker) (netip.AddrPort, bool) {
	text := from.Source
	if p.claimed && from.Claimed != "" {
		text = from.Claimed
	}
	ip, err := netip.ParseAddr(text)
	if err != nil || from.Port < leastPort || from.Port > 65535 || ip.IsUnspecified() || ip.IsMulticast() || ip == broadcast {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(from.Port)), true
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// open returns a new client. The caller holds p.mu.
func (p *Pusher) open(at netip.AddrPort, from *wire.Asker) *client {
	c := &client{pusher: p, at: at, most: maxDatagram, subs: make(map[naming.Key]*subscription), told: make(map[uint64]*subscription)}
	if strings.HasPrefix(from.Agent, "Nacos-Go-Client") {
		c.most = maxDatagramOfGo
	}
	claimed := from.Claimed
	if claimed == "" {
		claimed = at.Addr().String()
	}
	c.session = p.registry.Open(naming.Client{
		ID: at.String() + "#udp", Kind: naming.Datagram, IP: strings.Clone(claimed), Port: int(at.Port()), Remote: at.String(), SDK: strings.Clone(from.Agent),
	}, c)
	p.clients[at] = c
	return c
}

// Owed implements naming.Notifier.
func (c *client) Owed() {
	p := c.pusher
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.owed {
		return
	}
	c.owed = true
	p.owed = append(p.owed, c)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// drop ends a subscription, and with the last one its client. The caller holds p.mu.
func (s *subscription) drop() {
	c := s.client
	c.pusher.asked.Remove(s.at)
	delete(c.subs, s.key)
	delete(c.told, s.number)
	c.session.Unsubscribe(s.key)
	c.closeIfIdle()
}

// closeIfIdle lets a client go that subscribes to nothing. The caller holds p.mu.
func (c *client) closeIfIdle() {
	if len(c.subs) == 0 {
		delete(c.pusher.clients, c.at)
		c.session.Close("it does not ask any more")
	}
}

// Serve tells clients, through conn, until ctx ends. It closes conn.
func (p *Pusher) Serve(ctx context.Context, conn *net.UDPConn) error {
	run, ctx := errgroup.WithContext(ctx)
	run.Go(func() error {
		<-ctx.Done()
		return conn.Close()
	})
	run.Go(func() error {
		p.receive(ctx, conn)
		return nil
	})
	run.Go(func() error {
		p.tell(ctx, conn)
		return nil
	})
	return run.Wait()
}

// tell sends what clients are owed, and lets go of those that don't ask any more.
func (p *Pusher) tell(ctx context.Context, conn *net.UDPConn) {
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
			p.sweep()
		case <-p.wake:
		}
		p.mu.Lock()
		owed := p.owed
		p.owed = nil
		for _, c := range owed {
			c.owed = false
		}
		p.mu.Unlock()
		for _, c := range owed {
			if ctx.Err() != nil {
				return
			}
			p.send(conn, c)
		}
	}
}

// sweep drops subscriptions that were not asked for again: those of clients that missed a whole round.
func (p *Pusher) sweep() {
	round := time.Duration(p.registry.Switches().DefaultPushCacheMs) * time.Millisecond
	p.mu.Lock()
	defer p.mu.Unlock()
	before := clock.Mono().Sub(p.epoch) - 2*round
	for e := p.asked.Front(); e != nil; e = p.asked.Front() {
		s := e.Value.(*subscription)
		if s.asked >= before {
			return
		}
		s.drop()
	}
}

// send tells a client all that it is owed.
func (p *Pusher) send(conn *net.UDPConn, c *client) {
	for {
		p.pushes = c.session.Take(p.pushes[:0], atOnce)
		for i := range p.pushes {
			v := p.pushes[i].View
			number, packet := p.datagram(v)
			switch {
			case len(packet) == 0 || len(packet) > c.most:
				p.log.Debug("a view is too large for a datagram", "client", c.at, "service", v.Key, "instances", len(v.Hosts))
				c.session.Forgo(v)
			case p.expect(c, v, number):
				if _, err := conn.WriteToUDPAddrPort(packet, c.at); err != nil && !errors.Is(err, net.ErrClosed) {
					p.log.Debug("a datagram could not be sent", "client", c.at, "error", err) // it is sent again, as if it were lost
				}
			}
			p.pushes[i] = naming.Push{}
		}
		if len(p.pushes) < atOnce {
			return
		}
	}
}

// expect notes, before a datagram is sent, which number its acknowledgement will have. It reports false where the client does
// not want to know any more.
func (p *Pusher) expect(c *client, v *naming.View, number uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := c.subs[v.Key]
	if s == nil {
		return false
	}
	delete(c.told, s.number)
	s.view, s.number = v, number
	c.told[number] = s
	return true
}

// receive takes acknowledgements.
func (p *Pusher) receive(ctx context.Context, conn *net.UDPConn) {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err == nil {
			p.acked(from, buf[:n])
			continue
		}
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		p.log.Debug("no datagram could be received", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// acked takes a datagram from outside. What is no acknowledgement of what was sent there is ignored.
func (p *Pusher) acked(from netip.AddrPort, b []byte) {
	p.mu.Lock()
	c := p.clients[netip.AddrPortFrom(from.Addr().Unmap(), from.Port())]
	p.mu.Unlock()
	if c == nil { // a stranger; its words are not even read
		return
	}
	number, ok := readAck(b)
	if !ok {
		return
	}
	p.mu.Lock()
	s := c.told[number]
	var v *naming.View
	if s != nil {
		v, s.view, s.number = s.view, nil, 0
		delete(c.told, number)
	}
	p.mu.Unlock()
	if v != nil {
		c.session.Acked(v)
	}
}
