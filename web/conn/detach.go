package conn

import (
	"io"
	"net"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// Owner has a connection between Detach and Resume or Abort.
type Owner interface {
	// Taken is called once, when the connection has left its server. From then on TryWrite, Write,
	// Resume and Abort may be called, by one goroutine at a time. It must not block.
	Taken()
	// Gone is called when the client has closed its end, possibly while another goroutine uses the
	// connection; without Taken before when it did so too early. It must not block.
	Gone()
}

// Detach makes the connection that ctx is served on leave the server when the handler has returned:
// nothing is answered, buffers and goroutine are freed, and o has it. What the client has sent beyond the request
// is kept for later. False when ctx is not served on a connection of this package.
func Detach(ctx *fasthttp.RequestCtx, o Owner) bool {
	c, ok := Of(ctx)
	if !ok {
		return false
	}
	c.next = o
	c.srv.taking.Add(1)
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(takeOver)
	return true
}

// takeOver runs after the server flushed what it had to write; it closes the connection afterwards.
func takeOver(nc net.Conn) {
	c := nc.(interface{ UnsafeConn() net.Conn }).UnsafeConn().(*Conn)
	c.leave = leaveDetach
	// The server's reader may hold bytes beyond the request; behind them c says EOF now.
	var rest [512]byte
	var early []byte
	for {
		n, err := nc.Read(rest[:])
		early = append(early, rest[:n]...)
		if err != nil {
			break
		}
	}
	// Bytes that were not given to the reader yet come after those it had.
	if len(early) > 0 {
		c.prefix = append(early, c.prefix...)
	}
}

// park gives the connection to its owner.
func (s *Server) park(c *Conn) {
	defer s.taking.Done()
	if c.writeArmed != 0 {
		c.writeArmed, c.own = 0, false
		_ = c.tcp.SetWriteDeadline(time.Time{})
	}
	o := c.next
	c.next = nil
	if !c.phase.CompareAndSwap(serving, parked) {
		o.Taken() // closed meanwhile; the owner finds out by writing
		return
	}
	turn := s.waiter.turn(c)
	o.Taken() // from here on it may have answered, and the next owner may have come
	s.waiter.watch(c, o, turn)
}

// lost tells an owner that it does not get its connection: writing what was owed before failed.
func (s *Server) lost(c *Conn) {
	defer s.taking.Done()
	o := c.next
	c.next = nil
	o.Gone()
}

// Resume gives the connection back to the server: at once when bytes of the next request are
// there, else when they arrive. The owner must not use it afterwards.
func (c *Conn) Resume() {
	if c.srv.draining.Load() {
		c.shut()
		return
	}
	c.srv.waiter.stamp(c)
	if len(c.prefix) > 0 {
		if c.phase.CompareAndSwap(parked, serving) || c.phase.CompareAndSwap(parkedReady, serving) {
			c.srv.dispatch(c)
		}
		return
	}
	if c.phase.CompareAndSwap(parked, waiting) {
		// It is watched already. A drain that began meanwhile may have missed it.
		if c.srv.draining.Load() {
			c.shut()
		}
		return
	}
	if c.phase.CompareAndSwap(parkedReady, serving) {
		c.srv.dispatch(c)
	}
}

// Abort closes the connection.
func (c *Conn) Abort() { c.shut() }

// Writer writes to parked connections without waiting. It is not for concurrent use.
type Writer struct {
	b     []byte
	n     int
	err   error
	write func(fd uintptr) bool
}

// NewWriter returns a Writer.
func NewWriter() *Writer {
	w := &Writer{}
	w.write = func(fd uintptr) bool {
		for {
			w.n, w.err = syscall.Write(int(fd), w.b)
			if w.err != syscall.EINTR {
				return true
			}
		}
	}
	return w
}

// TryWrite writes as much of b as c's socket takes at once and returns how much that was. A full
// socket is no error.
func (w *Writer) TryWrite(c *Conn, b []byte) (int, error) {
	raw, err := c.tcp.SyscallConn()
	if err != nil {
		return 0, err
	}
	w.b, w.n, w.err = b, 0, nil
	err = raw.Write(w.write)
	n := max(w.n, 0)
	w.b = nil
	switch {
	case err != nil:
		return 0, err
	case w.err == syscall.EAGAIN:
		return 0, nil
	case w.err != nil:
		return 0, w.err
	}
	return n, nil
}

// WriteWithin writes all of b to a parked connection, waiting for at most d.
func (c *Conn) WriteWithin(b []byte, d time.Duration) error {
	if err := c.tcp.SetWriteDeadline(c.srv.at(c.srv.now() + int64(d))); err != nil {
		return err
	}
	n, err := c.tcp.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err == nil {
		err = c.tcp.SetWriteDeadline(time.Time{})
	}
	return err
}
