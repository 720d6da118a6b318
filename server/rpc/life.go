package rpc

import (
	"context"
	"sync"
	"time"

	"nacre/server/rpc/payload"
)

// look looks after all connections until ctx ends: questions that were not answered in time, clients that give no
// sign of life, and those that never introduced themselves.
func (s *Server) look(ctx context.Context) {
	t := time.NewTicker(tick)
	defer t.Stop()
	last := s.mono()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		now := s.mono()
		links := s.snapshot()
		for _, l := range links {
			if c := l.registered.Load(); c != nil {
				c.expire(now)
			}
		}
		if now-last >= int64(scanEvery) {
			last = now
			s.scan(links, now)
		}
	}
}

func (s *Server) snapshot() []*link {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*link, 0, len(s.links))
	for l := range s.links {
		out = append(out, l)
	}
	return out
}

// scan asks silent clients for a sign of life and closes the connections of those that give none. Each client's own
// answer decides, whatever others do meanwhile.
func (s *Server) scan(links []*link, now int64) {
	for _, l := range links {
		c := l.registered.Load()
		quiet := now - l.active.Load()
		if l.stands(now - int64(standsFor)) {
			l.hangUp()
			continue
		}
		if c == nil {
			if quiet >= int64(setupTimeout) {
				l.hangUp()
			}
			continue
		}
		if since := c.unreadSince(); since != 0 && now-since >= int64(unreadFor) {
			s.drop(c, "it did not read what it was sent for 5 minutes")
			continue
		}
		if quiet < int64(silentFor) || c.detecting.Swap(true) {
			continue
		}
		id := s.nextID()
		b := append(requestBody(id), `,"module":"internal"}`...)
		since := l.active.Load()
		heard := func(ok bool) {
			c.detecting.Store(false)
			if !ok && c.link.active.Load() == since {
				s.drop(c, "it gave no sign of life")
			}
		}
		if !c.ask(id, payload.Encode("ClientDetectionRequest", "", b), detectTimeout, heard) {
			heard(false)
		}
	}
}

func (s *Server) drop(c *Conn, why string) {
	if !c.Open() {
		return
	}
	s.silent.Add(1)
	s.cfg.Log.Info("a gRPC client was dropped", "client", c.Client.ID, "app", c.Client.App, "why", why)
	c.end()
	c.close()
}

// resetAll asks all clients to go to another server, and waits until they went, or ctx ends.
func (s *Server) resetAll(ctx context.Context) {
	var asked sync.WaitGroup
	for _, c := range s.Conns() {
		asked.Add(1)
		c.Reset("", "", func(bool) { asked.Done() })
	}
	all := make(chan struct{})
	go func() { asked.Wait(); close(all) }()
	// Shutdown stops gRPC afterwards, which settles what is not answered, so the goroutine ends.
	limit := time.NewTimer(shutdownWait)
	defer limit.Stop()
	select {
	case <-all:
	case <-ctx.Done():
	case <-limit.C:
	}
}

// shutdownWait is how long clients have to acknowledge that they are to go, before their connections are closed.
const shutdownWait = time.Second

// Reload asks surplus SDK clients to go to another server, so that keep of them stay; ip "" leaves the
// choice to them. It returns how many were asked.
func (s *Server) Reload(keep int, ip, port string) int {
	surplus := int(s.sdks.Load()) - keep
	n := 0
	for _, c := range s.Conns() {
		if n >= surplus {
			break
		}
		if c.sdk {
			c.Reset(ip, port, nil)
			n++
		}
	}
	return n
}
