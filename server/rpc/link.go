package rpc

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/credentials"

	"nacre/server/clock"
)

// link is one TCP connection with HTTP/2 on it. It is what ties unary calls and the stream of a client
// together: nothing in a call names its connection (grpc.md §3). gRPC hands it back as the AuthInfo of
// each call's peer.
//
// As a net.Conn it reads through a buffer that it borrows only while bytes are there, so that a silent
// connection holds none.
type link struct {
	net.Conn
	srv *Server
	// ID is <ms since 1970>_<ip>_<port>, as Nacos names connections.
	id     string
	remote string
	ip     string // of remote

	registered atomic.Pointer[Conn]
	closing    sync.Once
	answers    atomic.Int64 // bytes of large answers that gRPC holds, as they are not sent yet
	active     atomic.Int64 // when the client last gave a sign of life, in nanoseconds of Server.mono

	// For the goroutine that reads.
	raw    syscall.RawConn
	unread []byte // read by whoever had the connection before
	buf    *[readSize]byte
	r, w   int
	want   []byte // where a read goes that needs no buffer
	got    int
	err    error
	step   func(fd uintptr) bool
	intake intake
}

// readSize is the size of a read buffer: several requests, and small ones whole.
const readSize = 8 << 10

var readBuffers = sync.Pool{New: func() any { return new([readSize]byte) }}

// unreader is a connection of which something was read already.
type unreader interface {
	// Unread returns those bytes, once.
	Unread() []byte
}

func (s *Server) newLink(nc net.Conn) *link {
	l := &link{Conn: nc, srv: s, remote: nc.RemoteAddr().String()}
	host, port, err := net.SplitHostPort(l.remote)
	if err != nil {
		host, port = l.remote, "0"
	}
	l.ip = host
	l.id = strconv.FormatInt(clock.Millis(s.cfg.Clock), 10) + "_" + host + "_" + port
	if u, ok := nc.(unreader); ok {
		l.unread = u.Unread()
	}
	if c, ok := nc.(syscall.Conn); ok {
		if raw, err := c.SyscallConn(); err == nil {
			l.raw, l.step = raw, l.readNow
		}
	}
	l.intake.preface = len(http2.ClientPreface)
	l.active.Store(s.mono())
	return l
}

// Read implements net.Conn.
func (l *link) Read(p []byte) (int, error) {
	n, err := l.read(p)
	if n > 0 {
		if bad := l.received(p[:n]); bad != nil {
			return 0, bad
		}
	}
	return n, err
}

func (l *link) read(p []byte) (int, error) {
	if len(l.unread) > 0 {
		n := copy(p, l.unread)
		l.unread = l.unread[n:]
		return n, nil
	}
	if l.raw == nil {
		return l.Conn.Read(p)
	}
	if l.r < l.w {
		return l.take(p), nil
	}
	l.want, l.got, l.err = nil, 0, nil
	if len(p) >= readSize {
		l.want = p
	}
	err := l.raw.Read(l.step)
	l.want = nil
	switch {
	case err != nil:
		return 0, err
	case l.err != nil:
		return 0, &net.OpError{Op: "read", Net: "tcp", Source: l.LocalAddr(), Addr: l.RemoteAddr(), Err: l.err}
	case l.got == 0:
		return 0, io.EOF
	case l.buf == nil:
		return l.got, nil
	}
	l.r, l.w = 0, l.got
	return l.take(p), nil
}

// take hands out what is buffered, and gives the buffer back with the last of it.
func (l *link) take(p []byte) int {
	n := copy(p, l.buf[l.r:l.w])
	if l.r += n; l.r == l.w {
		readBuffers.Put(l.buf)
		l.buf = nil
	}
	return n
}

// readNow reads once; false says that there is nothing to read yet.
func (l *link) readNow(fd uintptr) bool {
	p := l.want
	var buf *[readSize]byte
	if p == nil {
		buf = readBuffers.Get().(*[readSize]byte)
		p = buf[:]
	}
	for {
		n, err := syscall.Read(int(fd), p)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			if buf != nil {
				readBuffers.Put(buf)
			}
			return false
		case err != nil || n <= 0:
			if buf != nil {
				readBuffers.Put(buf)
			}
			l.err = err
			return true
		}
		l.buf, l.got = buf, n
		return true
	}
}

// Close implements net.Conn. gRPC calls it when the connection is over, whoever ended it.
func (l *link) Close() error {
	err := net.ErrClosed
	l.closing.Do(func() {
		err = l.Conn.Close()
		l.release()
		l.srv.gone(l)
	})
	return err
}

// hangUp ends the connection from this side: what was sent is delivered, and the rest is over within a moment.
func (l *link) hangUp() {
	if c, ok := l.Conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
	// gRPC reads on until the client closes its side, or the time is over.
	_ = l.Conn.SetReadDeadline(clock.Mono().Add(hangUpTime))
}

// AuthType implements credentials.AuthInfo.
func (l *link) AuthType() string { return "none" }

// seen notes a sign of life.
func (l *link) seen() { l.active.Store(l.srv.mono()) }

// linker is the transport credential of the server: it encrypts nothing, and ties each connection to its link.
type linker struct{ srv *Server }

// ServerHandshake implements credentials.TransportCredentials.
func (c linker) ServerHandshake(nc net.Conn) (net.Conn, credentials.AuthInfo, error) {
	l := c.srv.newLink(nc)
	if !c.srv.came(l) {
		return nil, nil, errors.New("too many connections")
	}
	return l, l, nil
}

// ClientHandshake implements credentials.TransportCredentials; there is no client.
func (c linker) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("this side only serves")
}

// Info implements credentials.TransportCredentials.
func (c linker) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "insecure"}
}

// Clone implements credentials.TransportCredentials.
func (c linker) Clone() credentials.TransportCredentials { return c }

// OverrideServerName implements credentials.TransportCredentials.
func (c linker) OverrideServerName(string) error { return nil }

const hangUpTime = time.Second
