// Package rpc serves the gRPC interface of Nacos to SDKs: connections, requests about configurations, and
// pushes that are confirmed. It is the only package that knows gRPC.
//
// A link is a TCP connection; a Conn is a link whose client introduced itself. Requests are handled on the
// goroutines of gRPC; pushes are sent by a few workers, and never wait for a client: what one does not read
// is bounded, and stays owed in the ledger of package delivery.
package rpc

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/fuzzy"
	"nacre/server/naming"
	"nacre/server/rpc/payload"
)

// Limits bound what clients may take. Zero values mean the defaults.
type Limits struct {
	// Message is the size in bytes of the largest message from a client. Default 10 MiB, as in Nacos.
	Message int
	// Connections is how many may be open at once. Default 50,000.
	Connections int
	// PerIP is how many of them may come from one address; 0 is no limit.
	PerIP int
	// Rate is how many requests a second one connection may send; 0 is no limit.
	Rate int
}

// Config is what a Server works with. Configs, Ledger, Fuzzy, Clock, Log and Ready are required.
type Config struct {
	Configs *config.Service
	Ledger  *delivery.Ledger
	Fuzzy   *fuzzy.Index[config.Key]
	Naming  *naming.Registry
	Clock   clock.Clock
	Log     *slog.Logger
	// Ready returns nil when requests may be answered.
	Ready  func() error
	Limits Limits
	// Count, when not nil, is told of each read of a configuration.
	Count interface{ Inc() }
}

// Times of a connection's life (grpc.md §3).
const (
	scanEvery     = 3 * time.Second  // how often connections are looked through
	silentFor     = 20 * time.Second // without a sign of life for that long a client is asked for one
	detectTimeout = 5 * time.Second  // how long it has to answer
	resetTimeout  = 3 * time.Second  // how long a client has to acknowledge that it is to go
	unreadFor     = 5 * time.Minute  // how long a client may leave its stream unread
	standsFor     = 30 * time.Second // how long a large message may stay without more of it coming
	setupTimeout  = 30 * time.Second // how long a connection may stay without introducing itself
	tick          = 500 * time.Millisecond
)

// handler answers a request of one type from a connection whose client introduced itself. The message is
// valid until it returns.
type handler func(ctx context.Context, c *Conn, m *payload.Message) reply

// Server is the gRPC side of a node. All its methods are safe for concurrent use.
type Server struct {
	cfg      Config
	epoch    time.Time
	grpc     *grpc.Server
	handlers map[string]handler
	sniffed  *handedListener
	pushes   *pusher
	bodies   *bodyCache

	configWatching  *watching[config.Key]
	serviceWatching *watching[naming.Key]

	stopping atomic.Bool
	ids      atomic.Uint64

	mu    sync.Mutex
	links map[*link]struct{}
	perIP map[string]int

	sdks                               atomic.Int64
	accepted, refused, requests, wrong atomic.Uint64
	silent                             atomic.Uint64
	unfinished                         atomic.Int64 // bytes of messages that wait for their rest or are worked on
}

// New returns a server that does nothing yet.
func New(cfg Config) *Server {
	set := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	set(&cfg.Limits.Message, 10<<20)
	set(&cfg.Limits.Connections, 50_000)
	s := &Server{
		cfg: cfg, epoch: clock.Mono(), handlers: make(map[string]handler), links: make(map[*link]struct{}),
		perIP: make(map[string]int), sniffed: newHandedListener(), bodies: newBodyCache(),
	}
	s.grpc = grpc.NewServer(
		grpc.Creds(linker{s}),
		grpc.ForceServerCodecV2(codec{}),
		grpc.MaxRecvMsgSize(cfg.Limits.Message),
		grpc.MaxSendMsgSize(1<<31-1),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.SharedWriteBuffer(true),
		grpc.ReadBufferSize(0), // a link borrows its buffer
		grpc.WriteBufferSize(writeBuffer),
		grpc.StaticStreamWindowSize(window),
		grpc.StaticConnWindowSize(2*window),
		grpc.MaxHeaderListSize(64<<10),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.ConnectionTimeout(10*time.Second),
		// SDKs ping every minute, Go's also without a call (grpc.md §1).
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 2 * time.Hour, Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
	)
	s.grpc.RegisterService(&grpc.ServiceDesc{
		ServiceName: "Request", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "request", Handler: s.unary}},
	}, nil)
	s.grpc.RegisterService(&grpc.ServiceDesc{
		ServiceName: "BiRequestStream", HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{StreamName: "requestBiStream", Handler: s.stream, ServerStreams: true, ClientStreams: true}},
	}, nil)
	s.pushes = newPusher(s)
	s.handlers["HealthCheckRequest"] = healthCheck
	registerConfigs(s)
	registerFuzzy(s)
	registerNaming(s)
	return s
}

const (
	// streamWorkers are goroutines with grown stacks that handle calls; more calls at once get new ones. Clients' streams
	// keep the workers that they met, so with many clients every call gets a new one; 256 workers made no difference
	// that could be measured with 64 clients.
	streamWorkers = 32
	// writeBuffer is how much of answers is written at once. Each connection that writes borrows twice as much, and
	// a change makes thousands write at the same time.
	writeBuffer = 8 << 10
	// window is how many bytes of one call a client may send before they are read, twice as many of all calls.
	// Fixed, it saves the pings by which gRPC would estimate it, a third of all packets of a silent client.
	window = 256 << 10
	// maxStreams is how many calls one connection may have under way; clients keep more to themselves until one ends.
	maxStreams = 256
)

// Serve accepts connections from ln, which it closes in the end, until Shutdown.
func (s *Server) Serve(ln net.Listener) error {
	err := s.grpc.Serve(ln)
	if errors.Is(err, grpc.ErrServerStopped) || errors.Is(err, net.ErrClosed) && s.stopping.Load() {
		return nil
	}
	return err
}

// Handle serves a connection that another listener accepted and that speaks HTTP/2. It returns at once;
// before Run and after Shutdown it closes the connection.
func (s *Server) Handle(nc net.Conn) { s.sniffed.hand(nc) }

// Run looks after connections, sends pushes and serves those of Handle until Shutdown. It ends after
// ctx, too, but closes no connection then.
func (s *Server) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	for range pushWorkers() {
		all.Go(func() { s.pushes.work(ctx) })
	}
	all.Go(func() { s.look(ctx) })
	ended := make(chan error, 1)
	all.Go(func() { ended <- s.Serve(s.sniffed) })
	select {
	case <-ctx.Done():
		_ = s.sniffed.Close()
	case err := <-ended:
		stop()
		all.Wait()
		return err
	}
	all.Wait()
	return nil
}

// Shutdown tells every client to connect to another server, waits until they went or ctx ends, and
// closes everything. A second call returns nil at once.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.stopping.Swap(true) {
		return nil
	}
	s.sniffed.refuse()
	s.resetAll(ctx)
	s.grpc.Stop()
	return nil
}

func (s *Server) mono() int64 { return int64(clock.Mono().Sub(s.epoch)) }

// nextID returns the number of a request to a client: one counter for all, as in Nacos.
func (s *Server) nextID() uint64 { return s.ids.Add(1) }

// came takes account of a new connection, false when there are too many.
func (s *Server) came(l *link) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	lim := s.cfg.Limits
	// A few more than may register, so that those can be told in the protocol's own words; see Server.admit.
	if len(s.links) >= lim.Connections+lim.Connections/10+100 {
		s.refused.Add(1)
		return false
	}
	s.links[l] = struct{}{}
	s.accepted.Add(1)
	return true
}

// gone forgets a connection that is over.
func (s *Server) gone(l *link) {
	s.mu.Lock()
	_, known := s.links[l]
	delete(s.links, l)
	s.mu.Unlock()
	if !known {
		return
	}
	if c := l.registered.Load(); c != nil {
		c.end()
	}
}

// admit counts a client's registration, and says why it is refused.
func (s *Server) admit(c *Conn) string {
	if !c.sdk {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	lim := s.cfg.Limits
	if n := int(s.sdks.Load()); n >= lim.Connections {
		return "there are " + itoa(n) + " connections, at most " + itoa(lim.Connections) + " may be (setting grpc-max-connections)"
	}
	if n := s.perIP[c.Client.IP]; lim.PerIP > 0 && n >= lim.PerIP {
		return "there are " + itoa(n) + " connections from " + c.Client.IP + ", at most " + itoa(lim.PerIP) + " may be (setting grpc-max-connections-per-ip)"
	}
	s.sdks.Add(1)
	s.perIP[c.Client.IP]++
	return ""
}

func (s *Server) leave(c *Conn) {
	if !c.sdk {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sdks.Add(-1)
	if s.perIP[c.Client.IP]--; s.perIP[c.Client.IP] <= 0 {
		delete(s.perIP, c.Client.IP)
	}
}

// Stats are figures for metrics.
type Stats struct {
	// Open are connections, Registered those whose client introduced itself.
	Open, Registered int64
	// Accepted counts connections, Refused those above a limit, Silent those closed for giving no sign of life.
	Accepted, Refused, Silent uint64
	// Requests counts unary requests, Wrong those that were answered with an error.
	Requests, Wrong uint64
}

// Stats returns the figures of this moment.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	open := int64(len(s.links))
	registered := int64(0)
	for l := range s.links {
		if l.registered.Load() != nil {
			registered++
		}
	}
	s.mu.Unlock()
	return Stats{
		Open: open, Registered: registered, Accepted: s.accepted.Load(), Refused: s.refused.Load(), Silent: s.silent.Load(),
		Requests: s.requests.Load(), Wrong: s.wrong.Load(),
	}
}

// Conns returns the connections whose clients introduced themselves, in no order.
func (s *Server) Conns() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Conn, 0, len(s.links))
	for l := range s.links {
		if c := l.registered.Load(); c != nil {
			out = append(out, c)
		}
	}
	return out
}

// Conn returns the registered connection of that id, nil when there is none.
func (s *Server) Conn(id string) *Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.links {
		if l.id == id {
			return l.registered.Load()
		}
	}
	return nil
}
