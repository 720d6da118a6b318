package rpc

import (
	"net"
	"strconv"
	"sync"
)

// handedListener is a listener of connections that another one accepted.
type handedListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once

	mu     sync.RWMutex
	closed bool
}

// handedBacklog is how many handed connections may wait to be accepted.
const handedBacklog = 128

func newHandedListener() *handedListener {
	return &handedListener{conns: make(chan net.Conn, handedBacklog), done: make(chan struct{})}
}

// hand passes nc to who accepts, or closes it when nobody will.
func (h *handedListener) hand(nc net.Conn) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.closed {
		_ = nc.Close()
		return
	}
	select {
	case h.conns <- nc:
	case <-h.done:
		_ = nc.Close()
	}
}

// refuse makes hand close what it is given from now on.
func (h *handedListener) refuse() {
	h.once.Do(func() { close(h.done) })
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	for {
		select {
		case nc := <-h.conns:
			_ = nc.Close()
		default:
			return
		}
	}
}

// Accept implements net.Listener.
func (h *handedListener) Accept() (net.Conn, error) {
	select {
	case nc := <-h.conns:
		return nc, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handedListener) Close() error {
	h.refuse()
	return nil
}

// Addr implements net.Listener.
func (h *handedListener) Addr() net.Addr { return handedAddr{} }

type handedAddr struct{}

func (handedAddr) Network() string { return "handed" }
func (handedAddr) String() string  { return "handed" }

func itoa(n int) string { return strconv.Itoa(n) }
