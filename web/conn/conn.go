package conn

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"nacre/server/clock"
)

// The phases of a connection: who has it.
const (
	serving     uint32 = iota // a goroutine that runs one of the servers
	waiting                   // the waiter, until bytes arrive
	parked                    // an Owner, after Detach
	parkedReady               // an Owner; bytes arrived meanwhile
	closed
)

// What becomes of a connection when its server closes it.
type leave uint8

const (
	leaveNot     leave = iota // it is closed
	leaveIdle                 // it waits without a goroutine
	leaveHead                 // the server with large buffers takes over
	leavePreface              // it speaks HTTP/2
	leaveDetach               // an Owner takes it
)

// h2 is what an HTTP/2 connection begins with. No method of HTTP/1 is named PRI.
const h2 = "PRI * HTTP/2.0\r\n"

const decided = uint8(len(h2) + 1)

// Conn is a client's connection as the servers of this package see it. It is a net.Conn whose Close
// may hand it over instead: to the waiter, to the server for large heads, or to an Owner.
//
// The fields below phase belong to whoever has the connection.
type Conn struct {
	tcp   *net.TCPConn
	srv   *Server
	fd    int32
	gen   int32
	phase atomic.Uint32
	since uint32 // second, on the server's epoch, at which it began to wait; guarded by the waiter
	owner Owner  // who is told when the client goes away; guarded by the waiter
	turn  uint32 // grows with each Resume; guarded by the waiter

	leave   leave
	preface uint8 // bytes of h2 seen so far, decided once it is not one
	idle    bool  // no byte of the next request has been read
	big     bool  // served by the server with large buffers
	linger  bool  // closed only after the client has read the last answer
	own     bool  // the user of a hijacked connection set a write deadline
	whole   bool  // the answer under way lies in memory with all its body

	readBy, readArmed, writeArmed int64 // on the server's epoch; 0 none
	patient                       bool  // readBy is so far away that standing still is noticed before it

	prefix []byte // what was read too early, to be read first
	base   []byte // the buffer that the server's bufio.Reader reads into
	full   []byte // its content when it was full without the end of a head
	held   *piece // the begin of an answer, which waits for what follows it
	next   Owner  // who gets the connection when it leaves by Detach
	peer   string
}

// Of returns the connection that ctx is served on.
func Of(ctx *fasthttp.RequestCtx) (*Conn, bool) {
	c, ok := ctx.Conn().(*Conn)
	return c, ok
}

// PeerIP returns the address of the other end, without its port. It is made once a connection.
func (c *Conn) PeerIP() string {
	if c.peer == "" {
		if a, ok := c.tcp.RemoteAddr().(*net.TCPAddr); ok {
			c.peer = a.AddrPort().Addr().Unmap().String()
		}
	}
	return c.peer
}

// Linger makes the connection stay half open for a moment after its last answer, so that a client
// which is still sending gets to read why it was refused. For use in handlers.
func (c *Conn) Linger() { c.linger = true }

// Read reads for the server. It returns io.EOF without having read anything where the connection is
// to leave that server.
func (c *Conn) Read(p []byte) (int, error) {
	if c.leave != leaveNot {
		return 0, io.EOF
	}
	if err := c.sendHeld(); err != nil {
		return 0, err
	}
	if len(c.prefix) > 0 {
		n := copy(p, c.prefix)
		if c.prefix = c.prefix[n:]; len(c.prefix) == 0 {
			c.prefix = nil
		}
		return c.seen(p, n)
	}
	if c.idle {
		if c.srv.draining.Load() {
			return 0, io.EOF
		}
		if c.big {
			c.leave = leaveIdle
			return 0, io.EOF
		}
	}
	for {
		if c.patient {
			if err := c.armStall(); err != nil {
				return 0, err
			}
		}
		n, err := c.tcp.Read(p)
		if n == len(p) || c.preface != decided {
			if n > 0 {
				return c.seen(p, n)
			}
		}
		if n > 0 {
			if len(p) == c.srv.headBuffer && (c.base == nil || &c.base[0] != &p[0]) {
				c.base = p
			}
			return n, nil
		}
		if err == io.EOF && !c.idle {
			return 0, io.ErrUnexpectedEOF // upon io.EOF between two chunks fasthttp leaves without a word, also to the ErrorHandler
		}
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if now := c.srv.now(); c.patient && now >= c.readArmed {
			return 0, err
		} else if c.readBy != 0 && now >= c.readBy {
			if c.idle {
				c.leave = leaveIdle
				return 0, io.EOF
			}
			return 0, err
		}
		// The timer that stood was nearer than the deadline that counts, or drain woke us.
		if err := c.armRead(); err != nil {
			return 0, err
		}
		if c.idle && c.srv.draining.Load() {
			return 0, io.EOF
		}
	}
}

// seen looks at n bytes just read into p, in the two cases that matter: the beginning of a
// connection, and a buffer that got full.
func (c *Conn) seen(p []byte, n int) (int, error) {
	if c.preface != decided {
		want := h2[c.preface:]
		m := min(n, len(want))
		switch {
		case string(p[:m]) != want[:m]:
			c.preface = decided
		case m == len(want):
			c.prefix = append([]byte(h2), p[m:n]...)
			c.leave = leavePreface
			return 0, io.EOF
		default:
			c.preface += uint8(m)
		}
	}
	size := c.srv.headBuffer
	if len(p) == size {
		c.base = p
	}
	if n < len(p) || c.big || len(p) > size {
		return n, nil
	}
	// p was the free rest of a bufio.Reader's buffer, which always moves what is unread to its start.
	c.full = nil
	if free := len(p); len(c.base) == size && &c.base[size-free] == &p[0] && !bytes.Contains(c.base, []byte("\r\n\r\n")) {
		c.full = bytes.Clone(c.base)
	}
	return n, nil
}

// HandOver passes the connection to the server with large buffers, when what the present one could
// not hold was the head of a request. It is for the ErrorHandler alone; false says that the head is too large
// for any.
func (c *Conn) HandOver(ctx *fasthttp.RequestCtx) bool {
	// A head that was read has been forgotten again unless what is too long is a trailer after chunks.
	if c.big || len(c.full) == 0 || ctx.Request.Header.ContentLength() == -1 {
		return false
	}
	c.leave = leaveHead
	return true
}

// Close closes the connection, or hands it over where that was decided.
func (c *Conn) Close() error {
	why := c.leave
	_ = c.sendHeld()
	if c.next != nil && why != leaveDetach {
		c.srv.lost(c)
	}
	c.leave, c.base, c.idle = leaveNot, nil, true
	full := c.full
	c.full = nil
	if why != leaveHead {
		c.big = false
	}
	switch {
	case why == leaveDetach:
		c.srv.park(c)
	case why == leavePreface:
		c.srv.serveHTTP2(c)
	case c.srv.draining.Load() && why != leaveHead:
		c.shut()
	case why == leaveIdle:
		c.srv.wait(c)
	case why == leaveHead:
		c.prefix, c.big = full, true
		c.srv.dispatch(c)
	case c.linger:
		c.srv.lingerOn(c)
	default:
		c.shut()
	}
	return nil
}

// shut closes the socket, whoever has the connection.
func (c *Conn) shut() {
	if c.phase.Swap(closed) == closed {
		return
	}
	c.srv.forget(c)
	_ = c.tcp.Close()
}

// LocalAddr returns the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.tcp.LocalAddr() }

// RemoteAddr returns the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.tcp.RemoteAddr() }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline sets until when Read may wait. The timer is touched only when the one that stands
// is later: one that is nearer is renewed when it fires.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.readBy = 0
	if !t.IsZero() {
		c.readBy = int64(t.Sub(c.srv.epoch))
	}
	c.patient = c.readBy-c.srv.now() > int64(c.srv.cfg.Stall)
	if c.readArmed != 0 && (c.readBy == 0 || c.readArmed <= c.readBy) || c.readArmed == c.readBy {
		return nil
	}
	return c.armRead()
}

// armStall sets the timer to the nearer of the deadline and the time that a body may stand still.
func (c *Conn) armStall() error {
	c.readArmed = min(c.readBy, c.srv.now()+int64(c.srv.cfg.Stall))
	return c.tcp.SetReadDeadline(c.srv.at(c.readArmed))
}

func (c *Conn) armRead() error {
	c.readArmed = c.readBy
	if c.readBy == 0 {
		return c.tcp.SetReadDeadline(time.Time{})
	}
	return c.tcp.SetReadDeadline(c.srv.at(c.readBy))
}

// SetWriteDeadline sets until when Write may wait; the zero time returns to the rules of Write.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() && !c.own {
		return nil
	}
	c.own, c.writeArmed = !t.IsZero(), 0
	return c.tcp.SetWriteDeadline(t)
}

// Hurry ends a write that is under way when the client has not taken it within d. Unlike the other methods it may be
// called by anybody; it is for answers that have no end, when the server stops.
func (c *Conn) Hurry(d time.Duration) {
	_ = c.tcp.SetWriteDeadline(c.srv.at(c.srv.now() + int64(d)))
}

// CloseRead ends a read that is under way, and all later ones. As Hurry it may be called by anybody.
func (c *Conn) CloseRead() error { return c.tcp.CloseRead() }

// now returns the time on the server's epoch.
func (s *Server) now() int64 { return int64(clock.Mono().Sub(s.epoch)) }

// at returns the time that stands for t on the server's epoch.
func (s *Server) at(t int64) time.Time { return s.epoch.Add(time.Duration(t)) }
