package rpc

import (
	"context"
	"runtime"
	"sync"
	"time"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/naming"
	"nacre/server/rpc/payload"
)

// ackTimeout is how long a client has to acknowledge a push (grpc.md §3).
const ackTimeout = 3 * time.Second

// pushBatch is how many pushes one client gets before the next client's turn.
const pushBatch = 16

// mostNotify is about how many bytes a push has. Those with longer names may not fit, and are tried again later.
const mostNotify = 512

// pusher sends what the ledger owes. Connections with something to take stand in one queue, each at most once, so the
// queue is bounded by the connections; a few workers go through it.
type pusher struct {
	srv  *Server
	wake chan struct{}

	mu    sync.Mutex
	queue []*Conn
}

func newPusher(s *Server) *pusher { return &pusher{srv: s, wake: make(chan struct{}, pushWorkers())} }

func pushWorkers() int { return max(2, runtime.GOMAXPROCS(0)) }

// add queues c. It does not wait.
func (p *pusher) add(c *Conn) {
	if c.queued.Swap(true) {
		return
	}
	p.mu.Lock()
	p.queue = append(p.queue, c)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// take moves up to most queued connections to dst.
func (p *pusher) take(dst []*Conn, most int) []*Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := min(most, len(p.queue))
	dst = append(dst, p.queue[:n]...)
	clear(p.queue[:n])
	if p.queue = p.queue[n:]; len(p.queue) == 0 {
		p.queue = nil
	}
	return dst
}

// work sends pushes until ctx ends.
func (p *pusher) work(ctx context.Context) {
	w := worker{srv: p.srv}
	var conns []*Conn
	for {
		if conns = p.take(conns[:0], 64); len(conns) == 0 {
			select {
			case <-ctx.Done():
				return
			case <-p.wake:
			}
			continue
		}
		for i, c := range conns {
			c.queued.Store(false) // before Take: what comes after is not missed
			if w.push(c) {
				p.add(c)
			}
			conns[i] = nil
		}
	}
}

// worker is one goroutine that sends pushes.
type worker struct {
	srv   *Server
	batch []delivery.Push
	memo  [8]notify // what was encoded last, by turns
	turn  int

	services []naming.Push
	infos    [4]told // what was encoded of services last, by turns
	infoTurn int
}

// notify is an encoded ConfigChangeNotifyRequest; all who are told of one change get the same bytes.
type notify struct {
	key      config.Key
	revision uint64
	spelling uint8
	id       uint64
	b        []byte
}

// push sends c what is due, and reports whether more is.
func (w *worker) push(c *Conn) (more bool) {
	if !c.room() {
		return false // queued again when it has read what it was sent; until then all of it stays due
	}
	w.srv.configWatching.push(w.srv, c)
	w.srv.serviceWatching.push(w.srv, c)
	w.batch = c.Session.Take(w.batch[:0], pushBatch)
	for _, p := range w.batch {
		n := w.encoded(p)
		key, revision := p.Key, p.Revision
		if !c.ask(n.id, n.b, ackTimeout, func(ok bool) {
			if ok {
				c.Session.Acked(key, revision)
			} else {
				c.Session.Refused(key, revision)
			}
		}) {
			c.Session.Refused(key, revision) // it does not read; the ledger tries again
		}
	}
	more = len(w.batch) == pushBatch
	if c.naming != nil {
		more = w.pushServices(c) || more
	}
	return more
}

// encoded returns the request that tells of p.
func (w *worker) encoded(p delivery.Push) *notify {
	spelling := p.Spelling
	if spelling == tenantBlank {
		spelling = tenantAbsent // Nacos 3 leaves a blank one out
	}
	for i := range w.memo {
		if n := &w.memo[i]; n.b != nil && n.revision == p.Revision && n.spelling == spelling && n.key == p.Key {
			return n
		}
	}
	n := &w.memo[w.turn%len(w.memo)]
	w.turn++
	*n = notify{key: p.Key, revision: p.Revision, spelling: spelling, id: w.srv.nextID()}
	b := append(requestBody(n.id), `,"dataId":`...)
	b = payload.AppendString(b, p.Key.DataID)
	b = append(b, `,"group":`...)
	b = payload.AppendString(b, p.Key.Group)
	if spelling == tenantGiven {
		b = append(b, `,"tenant":`...)
		b = payload.AppendString(b, p.Key.Namespace)
	}
	n.b = payload.Encode("ConfigChangeNotifyRequest", "", append(b, `,"module":"config"}`...))
	return n
}
