package link

import (
	"errors"
	"net"
	"sync"

	"nacre/server/clock"
)

// Listener hands out connections of nodes whose hello was accepted. Each that comes in greets on its
// own, so that one that says nothing holds up nobody.
type Listener struct {
	net.Listener
	link  *Link
	ready chan *Conn
	done  chan struct{}
	err   error // why accepting ended, once ready is closed
	once  sync.Once

	mu   sync.Mutex
	half map[net.Conn]struct{} // in their handshake
}

// Listen makes a Listener of ln, which it owns from now on.
func (l *Link) Listen(ln net.Listener) *Listener {
	s := &Listener{Listener: ln, link: l, ready: make(chan *Conn), done: make(chan struct{}), half: make(map[net.Conn]struct{})}
	go s.run() // ends with ln, and Close waits for it by way of ready
	return s
}

func (s *Listener) run() {
	var greeting sync.WaitGroup
	slots := make(chan struct{}, halfOpen)
	for {
		nc, err := s.Listener.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				s.link.cfg.Log.Warn("nodes can't connect any more", "error", err)
			}
			s.err = err
			break
		}
		select {
		case slots <- struct{}{}:
		case <-s.done:
			_ = nc.Close()
			continue
		}
		greeting.Go(func() {
			defer func() { <-slots }()
			s.greet(nc)
		})
	}
	greeting.Wait()
	close(s.ready)
}

func (s *Listener) greet(nc net.Conn) {
	if !s.hold(nc) {
		_ = nc.Close()
		return
	}
	c, err := s.link.accept(nc)
	s.mu.Lock()
	delete(s.half, nc)
	s.mu.Unlock()
	if err != nil {
		_ = nc.Close()
		var why *refusal
		if text := s.link.explain(err); text != "" && !(errors.As(err, &why) && why.self) {
			s.link.say("a node that connected was refused", nc.RemoteAddr().String(), text)
		}
		return
	}
	select {
	case s.ready <- c:
	case <-s.done:
		_ = c.Close()
	}
}

// hold remembers a connection that greets, so that Close can end it; false after Close.
func (s *Listener) hold(nc net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
		return false
	default:
	}
	s.half[nc] = struct{}{}
	return true
}

// Accept implements net.Listener; what it returns is a *Conn.
func (s *Listener) Accept() (net.Conn, error) {
	c, ok := <-s.ready
	if !ok {
		return nil, s.err
	}
	return c, nil
}

// Close implements net.Listener. Connections that were handed out stay open. It waits for those that greet.
func (s *Listener) Close() (err error) {
	s.once.Do(func() {
		err = s.Listener.Close()
		s.mu.Lock()
		close(s.done)
		for nc := range s.half {
			_ = nc.SetDeadline(clock.Mono())
		}
		s.mu.Unlock()
	})
	for c := range s.ready { // until run has ended
		_ = c.Close()
	}
	return err
}
