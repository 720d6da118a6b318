package conn

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// Stalls: a write that makes no progress for that long ends the connection. The deadline is armed
// only when the one that stands is too near, so that most writes don't touch a timer.
const (
	stall      = 30 * time.Second
	armedAhead = 60 * time.Second
	slowest    = 16 << 10 // bytes a second that a reader must take
)

// writeBuffer is the size in bytes of what the servers gather an answer in. Of a larger one they write what fills it, then the rest.
const writeBuffer = 4 << 10

// piece is a full write buffer whose bytes have not been sent.
type piece struct {
	bytes  [writeBuffer]byte
	unsent []byte // of bytes
	both   [2][]byte
	vector net.Buffers // of both
}

var pieces = sync.Pool{New: func() any { return new(piece) }}

// handle runs the server's handler, and notes whether what it answers will be written in one go.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	s.cfg.Handler(ctx)
	if c, ok := Of(ctx); ok {
		c.whole = !ctx.Response.IsBodyStream() && !ctx.Hijacked()
	}
}

// Write writes all of p. A client that takes nothing for half a minute, or takes p more slowly than
// 16 KiB/s, loses the connection. What a server writes on a connection that leaves it is dropped.
//
// The first part of a large answer is held until the rest comes, at most until the server reads again: both leave with one
// system call, and the client wakes up once.
func (c *Conn) Write(p []byte) (int, error) {
	if c.leave != leaveNot {
		return len(p), nil
	}
	if c.own {
		return c.tcp.Write(p)
	}
	if c.whole && c.held == nil && len(p) == writeBuffer {
		c.hold(p)
		return len(p), nil
	}
	return c.write(p)
}

// write writes what is held, and all of p.
func (c *Conn) write(p []byte) (done int, err error) {
	size := len(p)
	if c.held != nil {
		size += len(c.held.unsent)
	}
	now := c.srv.now()
	last := now + int64(stall) + int64(size)*int64(time.Second)/slowest
	for now <= last {
		if c.writeArmed-now < int64(stall) {
			c.writeArmed = now + int64(armedAhead)
			if err = c.tcp.SetWriteDeadline(c.srv.at(c.writeArmed)); err != nil {
				break
			}
		}
		var n int
		n, err = c.send(p[done:])
		done += n
		if err == nil || n == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		now = c.srv.now()
	}
	if err != nil {
		c.held = nil
	}
	return done, err
}

// send writes what is held and p, until the write deadline, and returns how much of p was written.
func (c *Conn) send(p []byte) (int, error) {
	h := c.held
	if h == nil {
		return c.tcp.Write(p)
	}
	h.both = [2][]byte{h.unsent, p}
	h.vector = h.both[:]
	n, err := h.vector.WriteTo(c.tcp)
	ofHeld := min(int(n), len(h.unsent))
	h.unsent = h.unsent[ofHeld:]
	h.both, h.vector = [2][]byte{}, nil
	if len(h.unsent) == 0 {
		c.held = nil
		pieces.Put(h)
	}
	return int(n) - ofHeld, err
}

// hold keeps p, of writeBuffer bytes, until the next write.
func (c *Conn) hold(p []byte) {
	h := pieces.Get().(*piece)
	copy(h.bytes[:], p)
	h.unsent = h.bytes[:]
	c.held = h
}

// sendHeld writes what is held when nothing came after it.
func (c *Conn) sendHeld() error {
	if c.held == nil {
		return nil
	}
	_, err := c.write(nil)
	return err
}
