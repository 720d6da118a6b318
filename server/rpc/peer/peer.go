// Package peer calls functions of other nodes, and answers their calls: one gRPC connection to each
// node, over package link, which says who is at the other end. Bodies are bytes; a fault arrives as
// the fault that it was.
package peer

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/keepalive"
	grpcpeer "google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"nacre/server/cluster/link"
	"nacre/server/fault"
)

// NotSent is the code of a fault.Unavailable for a call that certainly did not reach the other node.
const NotSent fault.Code = "notSent"

// DefaultMaxMessage is the size of the largest body, as Config.MaxMessage.
const DefaultMaxMessage = 64 << 20

// Handler answers a call of the node from. It must not keep body. An error that is no fault.Error is
// logged here and comes out as "internal error" there.
type Handler func(ctx context.Context, from string, body []byte) ([]byte, error)

// Config is what a Server needs. Link and AddressOf are required.
type Config struct {
	Link *link.Link
	// AddressOf tells where the peer RPC of a node is at the moment.
	AddressOf func(id string) (addr string, ok bool)
	// MaxMessage is the size of the largest body. Default DefaultMaxMessage.
	MaxMessage int
	Log        *slog.Logger // default: slog.Default
}

// Server is this node's end of all peer connections. Handle comes first, then Serve; Call may be used at any time.
type Server struct {
	cfg      Config
	services map[string]*grpc.ServiceDesc
	grpc     *grpc.Server

	mu     sync.Mutex
	pool   map[string]*connection // by node id
	closed bool
}

type connection struct {
	addr string
	*grpc.ClientConn
}

const (
	window     = 1 << 20
	maxStreams = 4096 // calls under way that one node may have here
)

// New makes a Server that does nothing yet.
func New(cfg Config) *Server {
	if cfg.MaxMessage <= 0 {
		cfg.MaxMessage = DefaultMaxMessage
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Server{
		cfg: cfg, services: make(map[string]*grpc.ServiceDesc), pool: make(map[string]*connection),
		grpc: grpc.NewServer(
			grpc.Creds(serverCredentials{}),
			grpc.ForceServerCodecV2(codec{}),
			grpc.MaxRecvMsgSize(cfg.MaxMessage), grpc.MaxSendMsgSize(math.MaxInt32),
			grpc.StaticStreamWindowSize(window), grpc.StaticConnWindowSize(4*window),
			grpc.MaxConcurrentStreams(maxStreams),
			grpc.ConnectionTimeout(10*time.Second),
			grpc.KeepaliveParams(keepalive.ServerParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		),
	}
}

// Handle has h answer calls of a method, which is called "area/name". It is called before Serve.
func (s *Server) Handle(method string, h Handler) {
	area, name, ok := strings.Cut(method, "/")
	if !ok {
		panic("peer: a method is called area/name, not " + method)
	}
	d := s.services[area]
	if d == nil {
		d = &grpc.ServiceDesc{ServiceName: area, HandlerType: (*any)(nil)}
		s.services[area] = d
	}
	d.Methods = append(d.Methods, grpc.MethodDesc{MethodName: name, Handler: s.handler(method, h)})
}

func (s *Server) handler(method string, h Handler) grpc.MethodHandler {
	return func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		var body []byte
		if err := decode(&body); err != nil {
			return nil, err
		}
		p, _ := grpcpeer.FromContext(ctx)
		from := p.AuthInfo.(caller).id
		out, err := s.guarded(ctx, method, h, from, body)
		if err != nil {
			return nil, s.encode(method, from, err)
		}
		return &out, nil
	}
}

// guarded calls h, whose panic ends the call and not the node.
func (s *Server) guarded(ctx context.Context, method string, h Handler, from string, body []byte) (out []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			s.cfg.Log.Error("a call of another node panicked", "method", method, "from", from, "panic", r)
			out, err = nil, fault.New(fault.Internal, "internal error")
		}
	}()
	return h(ctx, from, body)
}

// wireFault is how a fault travels: as the message of a status with code Aborted.
type wireFault struct {
	Kind fault.Kind `json:"kind"`
	Code fault.Code `json:"code,omitempty"`
	Text string     `json:"text"`
}

func (s *Server) encode(method, from string, err error) error {
	var f *fault.Error
	switch {
	case errors.As(err, &f):
		b, _ := json.Marshal(wireFault{f.Kind, f.Code, f.Text})
		return status.Error(codes.Aborted, string(b))
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, err.Error())
	}
	s.cfg.Log.Warn("a call of another node could not be answered", "method", method, "from", from, "error", err)
	return status.Error(codes.Internal, "internal error")
}

// Serve answers what comes from ln, which hands out connections of package link, until Close.
func (s *Server) Serve(ln *link.Listener) error {
	for _, d := range s.services {
		s.grpc.RegisterService(d, nil)
	}
	err := s.grpc.Serve(ln)
	if errors.Is(err, grpc.ErrServerStopped) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Call has the node to answer. It fails with fault.Unavailable when that node can't be reached or
// does not answer before ctx ends; where it certainly got nothing, the fault has the code NotSent. What the other
// node's handler answers as a fault.Error comes out as that.
func (s *Server) Call(ctx context.Context, to, method string, body []byte) ([]byte, error) {
	c, err := s.connection(to)
	if err != nil {
		return nil, err
	}
	if c.GetState() == connectivity.TransientFailure {
		return nil, fault.New(fault.Unavailable, "node %s can't be reached at %s", to, c.addr).WithCode(NotSent)
	}
	return s.invoke(ctx, c.ClientConn, to, c.addr, method, body)
}

func (s *Server) invoke(ctx context.Context, c *grpc.ClientConn, to, addr, method string, body []byte) (out []byte, err error) {
	if err := c.Invoke(ctx, "/"+method, &body, &out); err != nil {
		return nil, decode(err, to, addr)
	}
	return out, nil
}

// decode makes of a status what the other node's handler returned, or a fault that says what became of the call.
func decode(err error, to, addr string) error {
	st := status.Convert(err)
	switch st.Code() {
	case codes.Aborted:
		var w wireFault
		if json.Unmarshal([]byte(st.Message()), &w) == nil {
			return fault.New(w.Kind, "%s", w.Text).WithCode(w.Code)
		}
	case codes.Canceled:
		return fault.Wrap(fault.Unavailable, context.Canceled, "the call of node %s at %s was given up", to, addr)
	case codes.DeadlineExceeded:
		return fault.Wrap(fault.Unavailable, context.DeadlineExceeded, "node %s at %s did not answer in time", to, addr)
	case codes.Unavailable:
		return fault.Wrap(fault.Unavailable, err, "node %s can't be reached at %s", to, addr)
	case codes.ResourceExhausted:
		return fault.Wrap(fault.Limited, err, "the message is too large for node %s", to)
	}
	return fault.Wrap(fault.Internal, err, "node %s at %s answered with an internal error", to, addr)
}

// Ask calls whatever node is at addr, over a connection of its own, and says which one answered.
func (s *Server) Ask(ctx context.Context, addr, method string, body []byte) (from string, out []byte, err error) {
	nc, err := s.cfg.Link.Dial(ctx, addr)
	if err != nil {
		return "", nil, err
	}
	from = nc.Peer()
	given := make(chan net.Conn, 1)
	given <- nc
	c, err := s.client("", func(context.Context, string) (net.Conn, error) {
		select {
		case nc := <-given:
			return nc, nil
		default:
			return nil, errors.New("the connection was lost")
		}
	})
	if err != nil {
		_ = nc.Close()
		return "", nil, err
	}
	defer func() {
		_ = c.Close()
		_ = nc.Close()
	}()
	out, err = s.invoke(ctx, c, from, addr, method, body)
	return from, out, err
}

// connection returns the one to a node, anew where its address changed.
func (s *Server) connection(to string) (*connection, error) {
	addr, ok := s.cfg.AddressOf(to)
	if !ok {
		return nil, fault.New(fault.Unavailable, "node %s is not known here", to).WithCode(NotSent)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fault.New(fault.Unavailable, "the server is stopping").WithCode(NotSent)
	}
	old := s.pool[to]
	if old != nil && old.addr == addr {
		return old, nil
	}
	c, err := s.client(to, func(ctx context.Context, _ string) (net.Conn, error) {
		nc, err := s.cfg.Link.Dial(ctx, addr)
		if err != nil {
			return nil, err
		}
		if nc.Peer() != to {
			_ = nc.Close()
			return nil, errors.New("node " + nc.Peer() + " is there")
		}
		return nc, nil
	})
	if err != nil {
		return nil, err
	}
	fresh := &connection{addr, c}
	s.pool[to] = fresh
	if old != nil {
		_ = old.Close()
	}
	return fresh, nil
}

func (s *Server) client(to string, dial func(context.Context, string) (net.Conn, error)) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+to,
		grpc.WithContextDialer(dial),
		grpc.WithTransportCredentials(clientCredentials{}),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(codec{}), grpc.MaxCallRecvMsgSize(s.cfg.MaxMessage), grpc.MaxCallSendMsgSize(math.MaxInt32)),
		grpc.WithStaticStreamWindowSize(window), grpc.WithStaticConnWindowSize(4*window),
		grpc.WithDisableServiceConfig(), grpc.WithNoProxy(),
		// A node that was away is found again soon: nobody else wants these ports.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.5, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: 2 * time.Second,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second, PermitWithoutStream: true}),
		grpc.WithIdleTimeout(0),
	)
}

// Forget closes the connection to a node that is no member any more.
func (s *Server) Forget(id string) {
	s.mu.Lock()
	c := s.pool[id]
	delete(s.pool, id)
	s.mu.Unlock()
	if c != nil {
		_ = c.Close()
	}
}

// Close ends every connection and Serve; calls under way end with fault.Unavailable.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	pool := s.pool
	s.pool = nil
	s.mu.Unlock()
	for _, c := range pool {
		_ = c.Close()
	}
	s.grpc.Stop()
}
