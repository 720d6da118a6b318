package conn

import (
	"fmt"
	"os"
	"sync"
	"syscall"
)

// Soft limit on requests that woken connections handle at once, so that thousands which wake together
// use the buffers of a few after one another. It only delays: a slow one never blocks the others.
const softLimit = 256

// waiter holds connections that wait without a goroutine and a buffer: those without a request, and
// those that an Owner has. It is one epoll instance, itself waited for by Go's poller, so that no
// thread is blocked. Each connection is armed for one event at a time.
type waiter struct {
	srv  *Server
	file *os.File
	raw  syscall.RawConn
	fd   int

	mu    sync.Mutex // guards all below and, of each Conn, since and owner
	table []*Conn    // by file descriptor
	gen   int32
}

const (
	wantBytes = syscall.EPOLLIN | syscall.EPOLLRDHUP | syscall.EPOLLONESHOT
	wantEnd   = syscall.EPOLLRDHUP | syscall.EPOLLONESHOT
	isEnd     = syscall.EPOLLRDHUP | syscall.EPOLLHUP | syscall.EPOLLERR
)

func newWaiter(s *Server) (*waiter, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		_ = syscall.Close(fd)
		return nil, fmt.Errorf("epoll: %w", err)
	}
	w := &waiter{srv: s, fd: fd, file: os.NewFile(uintptr(fd), "epoll")}
	if w.raw, err = w.file.SyscallConn(); err != nil {
		_ = w.file.Close()
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return w, nil
}

// add takes in a new connection, which then waits for its first bytes.
func (w *waiter) add(c *Conn) error {
	raw, err := c.tcp.SyscallConn()
	if err != nil {
		return err
	}
	if err := raw.Control(func(fd uintptr) { c.fd = int32(fd) }); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gen++
	c.gen = w.gen
	c.since = w.second()
	for int(c.fd) >= len(w.table) {
		w.table = append(w.table, nil)
	}
	w.table[c.fd] = c
	return w.control(syscall.EPOLL_CTL_ADD, c, wantBytes)
}

// wait makes a connection that is in phase waiting be served when bytes arrive.
func (w *waiter) wait(c *Conn) {
	w.mu.Lock()
	c.since = w.second()
	w.arm(c, wantBytes)
	w.mu.Unlock()
}

// watch makes o be told when the client goes away. The connection is armed for bytes too, so that Resume
// has nothing left to do; that counts also when Resume was faster, while o then has it no more.
func (w *waiter) watch(c *Conn, o Owner, turn uint32) {
	w.mu.Lock()
	if c.turn == turn {
		c.owner = o
	}
	w.arm(c, wantBytes)
	w.mu.Unlock()
}

// turn returns what watch is given to know whether the connection was given back since.
func (w *waiter) turn(c *Conn) uint32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return c.turn
}

// stamp notes that c begins to wait and has no owner any more.
func (w *waiter) stamp(c *Conn) {
	w.mu.Lock()
	c.since, c.owner = w.second(), nil
	c.turn++
	w.mu.Unlock()
}

// forget is called before a connection's socket is closed, and after its phase became closed.
func (w *waiter) forget(c *Conn) {
	w.mu.Lock()
	if int(c.fd) < len(w.table) && w.table[c.fd] == c {
		w.table[c.fd] = nil
	}
	c.owner = nil
	w.mu.Unlock()
}

// arm is called with mu held: a connection that isn't closed then has its descriptor still.
func (w *waiter) arm(c *Conn, events uint32) {
	if c.phase.Load() != closed {
		// The descriptor is open and known to this instance, so the kernel has no reason to refuse.
		_ = w.control(syscall.EPOLL_CTL_MOD, c, events)
	}
}

func (w *waiter) control(op int, c *Conn, events uint32) error {
	ev := syscall.EpollEvent{Events: events, Fd: c.fd, Pad: c.gen}
	return syscall.EpollCtl(w.fd, op, int(c.fd), &ev)
}

func (w *waiter) second() uint32 { return uint32(w.srv.now() / 1e9) }

// run hands on what happens until close is called.
func (w *waiter) run() {
	events := make([]syscall.EpollEvent, 128)
	happened := make([]happening, 0, len(events))
	n := 0
	poll := func(uintptr) bool {
		for {
			var err error
			if n, err = syscall.EpollWait(w.fd, events, 0); err != syscall.EINTR {
				return n != 0 || err != nil
			}
		}
	}
	for {
		if err := w.raw.Read(poll); err != nil || n < 0 {
			return // closed
		}
		happened = happened[:0]
		w.mu.Lock()
		for _, ev := range events[:n] {
			if int(ev.Fd) < len(w.table) {
				if c := w.table[ev.Fd]; c != nil && c.gen == ev.Pad {
					happened = append(happened, happening{c, c.owner, ev.Events&isEnd != 0})
				}
			}
		}
		w.mu.Unlock()
		for i, h := range happened {
			w.handle(h)
			happened[i] = happening{}
		}
		w.srv.ease()
	}
}

type happening struct {
	c     *Conn
	owner Owner
	end   bool
}

func (w *waiter) handle(h happening) {
	c := h.c
	if c.phase.CompareAndSwap(waiting, serving) {
		w.srv.dispatch(c)
		return
	}
	if h.end {
		if p := c.phase.Load(); h.owner != nil && (p == parked || p == parkedReady) {
			h.owner.Gone()
		}
		return
	}
	if c.phase.CompareAndSwap(parked, parkedReady) {
		w.mu.Lock()
		w.arm(c, wantEnd)
		w.mu.Unlock()
		return
	}
	// Resumed in between, or served, in which case there is nothing to do.
	if c.phase.CompareAndSwap(waiting, serving) {
		w.srv.dispatch(c)
	}
}

// sweep closes the connections that waited for longer than the idle time, or all that wait.
func (w *waiter) sweep(all bool) {
	var old []*Conn
	w.mu.Lock()
	now, limit := w.second(), uint32(w.srv.cfg.IdleTimeout.Seconds())
	for _, c := range w.table {
		if c != nil && (all || now-c.since > limit) && c.phase.Load() == waiting {
			old = append(old, c)
		}
	}
	w.mu.Unlock()
	for _, c := range old {
		if c.phase.CompareAndSwap(waiting, serving) {
			c.shut()
		}
	}
}

func (w *waiter) close() { _ = w.file.Close() }
