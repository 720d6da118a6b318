// Package conn serves HTTP connections with fasthttp, and lets them wait without what a request needs.
//
// A connection is a Conn. While a request is read and handled it has a goroutine and buffers; without a
// request it lies in an epoll set and costs about a kilobyte. Three more things happen to connections:
//
//   - A head of more than 16 KiB is rare, a buffer for it large: the server notices that its buffer is full,
//     and the connection goes, with the bytes read so far, to a second server with large
//     buffers, of which only some run at once. After the answer it comes back.
//   - A handler may take the connection away from the server (Detach) and give it back later
//     (Conn.Resume): package park does so with long polls.
//   - A connection that begins with the preface of HTTP/2 is handed to another handler.
//
// All of them work by one trick: Conn.Read says io.EOF, upon which fasthttp gives up the connection
// and closes it, and Conn.Close does something else.
package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"nacre/server/clock"
)

// Config says how connections are served. Handler and ErrorHandler are required.
type Config struct {
	Handler fasthttp.RequestHandler
	// ErrorHandler answers a request that could not be read. It begins with Conn.HandOver.
	ErrorHandler func(ctx *fasthttp.RequestCtx, err error)
	// HeaderReceived and ExpectHandler are those of fasthttp.Server; nil for none.
	HeaderReceived func(*fasthttp.RequestHeader) fasthttp.RequestConfig
	ExpectHandler  func(*fasthttp.RequestCtx) int
	// HTTP2 gets connections that speak HTTP/2; nil refuses them with 505.
	HTTP2 func(net.Conn)
	Log   *slog.Logger

	// HeadBuffer is the size in bytes of the read buffer of a connection with a request; default 16 KiB.
	HeadBuffer int
	// MaxHead is the size in bytes of the largest request head; default 512 KiB.
	MaxHead int
	// MaxLargeHeads is how many requests with a head above HeadBuffer are served at once; default 64.
	MaxLargeHeads int
	// MaxBody is the size in bytes of the largest body; default 4 MiB.
	MaxBody int
	// HeadTimeout is how long a request's head and a small body may take, from the first byte; default 10 s.
	HeadTimeout time.Duration
	// Stall is how long a body that has more time than this may stand still; default 12 s.
	Stall time.Duration
	// GiveBack is after how long without a request a connection gives back goroutine and buffers; default 5 s.
	GiveBack time.Duration
	// IdleTimeout is after how long without a request a connection is closed; default 75 s.
	IdleTimeout time.Duration
}

func (c Config) withDefaults() Config {
	set := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	set(&c.HeadBuffer, 16<<10)
	set(&c.MaxHead, 512<<10)
	set(&c.MaxLargeHeads, 64)
	set(&c.MaxBody, 4<<20)
	span := func(p *time.Duration, v time.Duration) {
		if *p <= 0 {
			*p = v
		}
	}
	span(&c.HeadTimeout, 10*time.Second)
	span(&c.Stall, 12*time.Second)
	span(&c.GiveBack, 5*time.Second)
	span(&c.IdleTimeout, 75*time.Second)
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// Idle workers keep their grown stacks for the next request; more than idleWorkers, or longer than
// idleWorker, would be waste.
const (
	idleWorkers = 64
	idleWorker  = 10 * time.Second

	lingerTime  = 3 * time.Second
	lingerBytes = 64 << 20
	lingerConns = 64
)

// Server accepts and serves connections. All its methods are safe for concurrent use.
type Server struct {
	cfg        Config
	epoch      time.Time
	headBuffer int
	small      *fasthttp.Server
	large      *fasthttp.Server
	waiter     *waiter

	draining atomic.Bool
	active   atomic.Int64 // connections that have a goroutine
	idle     atomic.Int64 // workers without a connection
	jobs     chan *Conn
	eased    chan struct{}
	stop     chan struct{}
	large64  chan struct{}
	lingers  chan struct{}

	workers sync.WaitGroup // goroutines that serve
	taking  sync.WaitGroup // connections between Detach and their owner
	loops   sync.WaitGroup // accept, waiter, sweeper

	mu    sync.Mutex
	conns map[*Conn]struct{}
	ln    net.Listener
	began bool // Shutdown was called
	ended bool // no goroutine may start any more

	accepted, refusedHeads, largeHeads atomic.Int64
}

// Stats are figures for metrics.
type Stats struct {
	// Open is the number of connections, Active how many of them have a goroutine.
	Open, Active int64
	// Accepted counts connections, LargeHeads requests served by the server with large buffers, RefusedHeads
	// those that it was too busy for.
	Accepted, LargeHeads, RefusedHeads int64
}

// New returns a server that does nothing yet. The error is one of the operating system.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	s := &Server{
		cfg: cfg, epoch: clock.Mono(), headBuffer: cfg.HeadBuffer,
		jobs: make(chan *Conn), eased: make(chan struct{}, 1), stop: make(chan struct{}),
		large64: make(chan struct{}, cfg.MaxLargeHeads), lingers: make(chan struct{}, lingerConns),
		conns: make(map[*Conn]struct{}),
	}
	s.small = s.server(cfg.HeadBuffer)
	s.large = s.server(cfg.MaxHead)
	var err error
	s.waiter, err = newWaiter(s)
	return s, err
}

func (s *Server) server(buffer int) *fasthttp.Server {
	return &fasthttp.Server{
		Handler:               s.handle,
		ErrorHandler:          s.cfg.ErrorHandler,
		HeaderReceived:        s.cfg.HeaderReceived,
		ExpectHandler:         s.cfg.ExpectHandler,
		ConnState:             connState,
		ReadBufferSize:        buffer,
		WriteBufferSize:       writeBuffer,
		ReadTimeout:           s.cfg.HeadTimeout,
		IdleTimeout:           s.cfg.GiveBack,
		MaxRequestBodySize:    s.cfg.MaxBody,
		NoDefaultServerHeader: true,
		SecureErrorLogMessage: true,
		Logger:                quiet{},
		Concurrency:           1 << 30,
	}
}

// quiet drops what fasthttp says about single connections: clients that go away, mostly.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

// connState learns from fasthttp where in a request a connection is.
func connState(nc net.Conn, state fasthttp.ConnState) {
	switch state {
	case fasthttp.StateActive:
		nc.(*Conn).idle = false
	case fasthttp.StateIdle:
		c := nc.(*Conn)
		c.idle = true
		c.full = nil
	}
}

// Serve accepts connections from ln, a TCP listener, until Shutdown, which may have come before. It may be called once.
func (s *Server) Serve(ln net.Listener) error {
	s.mu.Lock()
	if began := s.began; began || s.ln != nil {
		s.mu.Unlock()
		_ = ln.Close()
		if began {
			return nil
		}
		return errors.New("server was started before")
	}
	s.ln = ln
	s.loops.Add(3)
	s.mu.Unlock()
	go func() {
		defer s.loops.Done()
		s.waiter.run()
	}()
	go func() {
		defer s.loops.Done()
		s.sweep()
	}()
	defer s.loops.Done()
	return s.accept(ln)
}

func (s *Server) accept(ln net.Listener) error {
	var logged time.Time
	for {
		nc, err := ln.Accept()
		if err != nil {
			if s.draining.Load() || errors.Is(err, net.ErrClosed) {
				return nil
			}
			// Out of descriptors, or a connection that died in the queue: others may still get through.
			if now := clock.Mono(); now.Sub(logged) > 10*time.Second {
				logged = now
				s.cfg.Log.Error("a connection could not be accepted", "error", err)
			}
			select {
			case <-s.stop:
				return nil
			case <-time.After(20 * time.Millisecond):
			}
			continue
		}
		tcp, ok := nc.(*net.TCPConn)
		if !ok {
			_ = nc.Close()
			return fmt.Errorf("a %T is no TCP connection", nc)
		}
		s.accepted.Add(1)
		c := &Conn{tcp: tcp, srv: s, idle: true, fd: -1}
		c.phase.Store(waiting)
		s.mu.Lock()
		s.conns[c] = struct{}{}
		s.mu.Unlock()
		if err := s.waiter.add(c); err != nil || s.draining.Load() {
			c.shut()
		}
	}
}

func (s *Server) sweep() {
	tick := time.NewTicker(max(s.cfg.IdleTimeout/15, 10*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			s.waiter.sweep(false)
		}
	}
}

// wait puts a connection that its server gave up into the waiter.
func (s *Server) wait(c *Conn) {
	if len(c.prefix) > 0 {
		s.dispatch(c)
		return
	}
	if c.phase.CompareAndSwap(serving, waiting) {
		s.waiter.wait(c)
		if s.draining.Load() {
			s.waiter.sweep(true)
		}
	}
}

// forget is called by Conn.shut alone.
func (s *Server) forget(c *Conn) {
	s.waiter.forget(c)
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}

// dispatch serves a connection in phase serving on a goroutine of its own.
func (s *Server) dispatch(c *Conn) {
	s.active.Add(1)
	select {
	case s.jobs <- c:
		return
	default:
	}
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		s.active.Add(-1)
		c.shut()
		return
	}
	s.workers.Add(1)
	s.mu.Unlock()
	go s.work(c)
}

func (s *Server) work(c *Conn) {
	defer s.workers.Done()
	var timer *time.Timer
	for {
		s.serve(c)
		if s.active.Add(-1) < softLimit {
			select {
			case s.eased <- struct{}{}:
			default:
			}
		}
		if s.idle.Add(1) > idleWorkers {
			s.idle.Add(-1)
			return
		}
		if timer == nil {
			timer = time.NewTimer(idleWorker)
			defer timer.Stop()
		} else {
			timer.Reset(idleWorker)
		}
		c = nil
		select {
		case c = <-s.jobs:
		case <-timer.C:
		case <-s.stop:
		}
		s.idle.Add(-1)
		if c == nil {
			return
		}
	}
}

func (s *Server) serve(c *Conn) {
	if !c.big {
		_ = s.small.ServeConn(c)
		return
	}
	select {
	case s.large64 <- struct{}{}:
	default:
		s.refusedHeads.Add(1)
		c.big, c.prefix, c.linger = false, nil, true
		answer(c, "503 Service Unavailable", fmt.Sprintf("too many requests with heads above %d bytes at once, try again\n", s.headBuffer))
		return
	}
	s.largeHeads.Add(1)
	_ = s.large.ServeConn(c)
	<-s.large64
}

// serveHTTP2 hands over a connection whose preface has been read; it is read again from the prefix.
func (s *Server) serveHTTP2(c *Conn) {
	c.preface = decided
	if s.cfg.HTTP2 != nil {
		_ = c.tcp.SetDeadline(time.Time{})
		first := c.prefix
		c.prefix = nil
		s.cfg.HTTP2(&handed{TCPConn: c.tcp, c: c, first: first})
		return
	}
	c.prefix, c.linger = nil, true
	answer(c, "505 HTTP Version Not Supported", "HTTP/2 is not served on this port, use HTTP/1.1\n")
}

// handed is a connection that another handler serves; Shutdown closes it in the end.
type handed struct {
	*net.TCPConn
	c     *Conn
	first []byte
}

// Unread returns what was read before, which Read does not return any more then.
func (h *handed) Unread() []byte {
	first := h.first
	h.first = nil
	return first
}

// Read returns what was read before, then what arrives.
func (h *handed) Read(p []byte) (int, error) {
	if len(h.first) == 0 {
		return h.TCPConn.Read(p)
	}
	n := copy(p, h.first)
	h.first = h.first[n:]
	return n, nil
}

// Close closes the connection.
func (h *handed) Close() error {
	h.c.shut()
	return nil
}

// answer writes a text and closes.
func answer(c *Conn, status, text string) {
	_, _ = fmt.Fprintf(c, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n\r\n%s", status, len(text), text)
	_ = c.Close()
}

// lingerOn closes the writing side and reads on for a moment: closed at once, a socket with unread bytes
// resets the connection, and the client would never see why.
func (s *Server) lingerOn(c *Conn) {
	select {
	case s.lingers <- struct{}{}:
	default:
		c.shut()
		return
	}
	defer func() { <-s.lingers; c.shut() }()
	if c.tcp.CloseWrite() != nil || c.tcp.SetReadDeadline(s.at(s.now()+int64(lingerTime))) != nil {
		return
	}
	buf := make([]byte, 32<<10)
	for read := 0; read < lingerBytes && !s.draining.Load(); {
		n, err := c.tcp.Read(buf)
		if err != nil {
			return
		}
		read += n
	}
}

// ease waits a moment where more woken connections are served than the soft limit.
func (s *Server) ease() {
	if s.active.Load() < softLimit {
		return
	}
	select {
	case <-s.eased:
	default:
	}
	t := time.NewTimer(2 * time.Millisecond)
	defer t.Stop()
	for s.active.Load() >= softLimit {
		select {
		case <-s.eased:
		case <-t.C:
			return
		}
	}
}

// Draining says that Shutdown was called: answers should close their connection.
func (s *Server) Draining() bool { return s.draining.Load() }

// Stats returns the present figures.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	open := len(s.conns)
	s.mu.Unlock()
	return Stats{Open: int64(open), Active: s.active.Load(), Accepted: s.accepted.Load(),
		LargeHeads: s.largeHeads.Load(), RefusedHeads: s.refusedHeads.Load()}
}

// Shutdown stops accepting, closes the connections without a request, lets requests under way end
// until ctx does, and then closes every connection. Owners should have resumed theirs before. It returns
// ctx's error when requests were cut off, and nil otherwise, a second call nil at once; all goroutines have ended in any case, save for
// handlers that ignore that their connection is closed: those it waits for.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	s.mu.Lock()
	if s.began {
		s.mu.Unlock()
		return nil
	}
	s.began = true
	if s.ln != nil {
		_ = s.ln.Close()
	}
	list := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		list = append(list, c)
	}
	s.mu.Unlock()
	s.waiter.sweep(true)
	for _, c := range list {
		if c.phase.Load() == serving {
			_ = c.tcp.SetReadDeadline(s.epoch) // wakes those that wait for a request
		}
	}
	err := s.drain(ctx)
	s.mu.Lock()
	s.ended = true
	clear(list)
	list = list[:0]
	for c := range s.conns {
		list = append(list, c)
	}
	s.mu.Unlock()
	for _, c := range list {
		c.shut()
	}
	close(s.stop)
	s.workers.Wait()
	s.taking.Wait()
	s.waiter.close()
	s.loops.Wait()
	return err
}

// drain waits until no connection is served.
func (s *Server) drain(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for s.active.Load() > 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d requests were cut off: %w", s.active.Load(), ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

var _ net.Conn = (*Conn)(nil)
var _ io.ReadWriteCloser = (*Conn)(nil)
