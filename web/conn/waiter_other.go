//go:build !linux

package conn

import (
	"sync"
	"time"
)

const softLimit = 256

// waiter holds connections that wait. Where there is no epoll each has a small goroutine that reads one byte.
type waiter struct {
	srv *Server

	mu      sync.Mutex // guards all below and, of each Conn, since and owner
	waiters map[*Conn]bool
	group   sync.WaitGroup
	stop    chan struct{}
}

func newWaiter(s *Server) (*waiter, error) {
	return &waiter{srv: s, waiters: make(map[*Conn]bool), stop: make(chan struct{})}, nil
}

func (w *waiter) add(c *Conn) error {
	w.wait(c)
	return nil
}

func (w *waiter) wait(c *Conn) {
	w.mu.Lock()
	c.since = w.second()
	w.mu.Unlock()
	w.read(c)
}

func (w *waiter) watch(c *Conn, o Owner, turn uint32) {
	w.mu.Lock()
	if c.turn == turn {
		c.owner = o
	}
	w.mu.Unlock()
	w.read(c)
}

func (w *waiter) turn(c *Conn) uint32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return c.turn
}

func (w *waiter) stamp(c *Conn) {
	w.mu.Lock()
	c.since, c.owner = w.second(), nil
	c.turn++
	w.mu.Unlock()
}

func (w *waiter) forget(c *Conn) {
	w.mu.Lock()
	c.owner = nil
	w.mu.Unlock()
}

// read waits for a byte, unless that is done already or there is one.
func (w *waiter) read(c *Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiters[c] || c.phase.Load() == closed || len(c.prefix) > 0 {
		return
	}
	w.waiters[c] = true
	w.group.Go(func() {
		_ = c.tcp.SetReadDeadline(time.Time{})
		var b [1]byte
		n, err := c.tcp.Read(b[:])
		w.mu.Lock()
		delete(w.waiters, c)
		owner := c.owner
		w.mu.Unlock()
		if n > 0 {
			c.prefix = append(c.prefix, b[0])
		}
		c.readArmed = 0
		switch p := c.phase.Load(); {
		case c.phase.CompareAndSwap(waiting, serving):
			w.srv.dispatch(c)
		case err != nil && owner != nil && (p == parked || p == parkedReady):
			owner.Gone()
		case c.phase.CompareAndSwap(parked, parkedReady):
		case c.phase.CompareAndSwap(waiting, serving):
			w.srv.dispatch(c)
		}
	})
}

func (w *waiter) second() uint32 { return uint32(w.srv.now() / 1e9) }

func (w *waiter) run() { <-w.stop }

func (w *waiter) sweep(all bool) {
	var old []*Conn
	w.mu.Lock()
	now, limit := w.second(), uint32(w.srv.cfg.IdleTimeout.Seconds())
	for c := range w.waiters {
		if (all || now-c.since > limit) && c.phase.Load() == waiting {
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

func (w *waiter) close() {
	close(w.stop)
	w.group.Wait()
}
