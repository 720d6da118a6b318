package rpc

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/naming"
	"nacre/server/rpc/payload"
)

// unreadMost is how many bytes of requests to a client may be on their way without a sign that it reads
// them. It is below what gRPC queues for one stream, so that sending never waits.
const unreadMost = 48 << 10

// unreadLittle is how many bytes on their way are as good as none: SDKs of Java never answer a SetupAckRequest.
const unreadLittle = 4 << 10

// Conn is a connection whose client introduced itself.
type Conn struct {
	// Client is who it is; it is not changed.
	Client delivery.Client
	// Session is what it listens for.
	Session *delivery.Session
	// naming is what it registered and subscribed to, nil for a connection that is not of naming; labels are its own, sorted.
	naming *naming.Session
	labels naming.Metadata

	link   *link
	srv    *Server
	sdk    bool // it calls itself an SDK: these are limited and may be asked to go elsewhere
	noTag  bool // its SDK takes the tag in an answer for a truth value, and cannot read one that is a text
	stream grpc.ServerStream
	limit  *rate.Limiter // nil when requests are not limited
	closed sync.Once

	queued    atomic.Bool // stands in the queue of those with something to push
	detecting atomic.Bool // was asked for a sign of life

	// configs and services are the patterns of names that it watches.
	configs  patterns[config.Key]
	services patterns[naming.Key]

	mu      sync.Mutex // guards what follows, but for waiting
	ended   bool
	asked   map[uint64]*question
	sent    int64        // bytes of requests sent in all
	read    int64        // how many of them the client has read for sure
	unread  int64        // when it had unreadMost bytes before it first; 0 when it reads
	late    int          // questions in asked that nobody waits for any more
	held    bool         // has pushes to take, which wait for it to read
	waiting atomic.Int32 // questions that somebody waits for

	sending sync.Mutex // one at a time writes to the stream
}

// question is a request to the client that was sent.
type question struct {
	mark int64 // what Conn.sent was after it
	by   int64 // when it is too late for an answer
	done func(ok bool)
	body func(body []byte) // told of the answer before done; nil when it does not matter
}

func (c *Conn) sees() config.Client { return config.Client{IP: c.Client.IP, Tag: c.Client.Tag} }

// SDK reports whether the client calls itself an SDK. The others, servers and tools, are not limited nor asked to go.
func (c *Conn) SDK() bool { return c.sdk }

// LastActiveMs returns when the client last gave a sign of life, in ms since 1970.
func (c *Conn) LastActiveMs() int64 {
	ago := time.Duration(c.srv.mono() - c.link.active.Load())
	return clock.Millis(c.srv.cfg.Clock) - ago.Milliseconds()
}

// Open reports whether the connection is still there.
func (c *Conn) Open() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.ended
}

// ask sends a request that carries the number id, and has done called once, with true when the client
// answers with success, with false when it refuses, does not answer within timeout, or is gone. It does not
// wait. It returns false, without done having been or going to be called, when the client does
// not read what it is sent, or is gone.
func (c *Conn) ask(id uint64, encoded []byte, timeout time.Duration, done func(ok bool)) bool {
	return c.askFor(id, encoded, timeout, nil, done)
}

// askFor is ask with a function that is given the body of a good answer, which is valid until it returns.
func (c *Conn) askFor(id uint64, encoded []byte, timeout time.Duration, body func([]byte), done func(ok bool)) bool {
	before, err := c.send(id, encoded, timeout, body, done)
	if before != nil {
		before(false) // asked again before it answered
	}
	if err != nil && err != errUnread {
		c.answered(id, false, nil)
	}
	return err != errUnread
}

// errUnread says that nothing was sent, as the client does not read, or is gone.
var errUnread = errors.New("the client does not read what it is sent")

// send writes a question, and returns who waited for the answer to one of the same number. No lock is held when
// it returns, so that whoever is told may ask again.
func (c *Conn) send(id uint64, encoded []byte, timeout time.Duration, body func([]byte), done func(ok bool)) (before func(bool), err error) {
	c.sending.Lock()
	defer c.sending.Unlock()
	now := c.srv.mono()
	c.mu.Lock()
	if !c.fits(len(encoded), now) {
		c.mu.Unlock()
		return nil, errUnread
	}
	c.sent += int64(len(encoded))
	if c.asked == nil {
		c.asked = make(map[uint64]*question, 1)
	}
	if q := c.asked[id]; q != nil {
		if before = q.done; before == nil {
			c.late--
		}
	}
	c.asked[id] = &question{mark: c.sent, by: now + int64(timeout), done: done, body: body}
	if before == nil {
		c.waiting.Add(1)
	}
	c.mu.Unlock()
	return before, c.stream.SendMsg(&outgoing{b: encoded})
}

// tell writes what is not answered, unless the client does not read.
func (c *Conn) tell(encoded []byte) {
	c.sending.Lock()
	defer c.sending.Unlock()
	c.mu.Lock()
	fits := c.fits(len(encoded), c.srv.mono())
	if fits {
		c.sent += int64(len(encoded))
	}
	c.mu.Unlock()
	if fits {
		_ = c.stream.SendMsg(&outgoing{b: encoded}) // fails only when the stream is over
	}
}

// fits reports, with mu held, whether so many bytes more can be sent without waiting for the client.
func (c *Conn) fits(size int, now int64) bool {
	if c.ended {
		return false
	}
	// One message alone may be as large as it is: gRPC takes it when next to nothing else waits.
	if unread := c.sent - c.read; unread <= unreadLittle || unread+int64(size) <= unreadMost {
		return true
	}
	if c.unread == 0 {
		c.unread = now
	}
	return false
}

// room reports whether a push may be taken for the client. When not, it is queued once it has read.
func (c *Conn) room() bool {
	now := c.srv.mono()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = !c.fits(mostNotify*pushBatch, now) && !c.ended
	return !c.held && !c.ended
}

// answered settles a question.
func (c *Conn) answered(id uint64, ok bool, body []byte) {
	c.mu.Lock()
	q := c.asked[id]
	if q == nil {
		c.mu.Unlock()
		return
	}
	delete(c.asked, id)
	if q.done != nil {
		c.waiting.Add(-1)
	} else {
		c.late--
	}
	resume := false
	if q.mark > c.read {
		c.read, c.unread = q.mark, 0
		resume, c.held = c.held, false
		c.forget()
	}
	c.mu.Unlock()
	if resume {
		c.srv.pushes.add(c)
	}
	if q.done != nil {
		if q.body != nil && ok {
			q.body(body)
		}
		q.done(ok)
	}
}

// forget drops, with mu held, the questions that nobody waits for and that tell nothing any more: the
// client read what came after them.
func (c *Conn) forget() {
	if c.late == 0 {
		return
	}
	for id, q := range c.asked {
		if q.done == nil && q.mark <= c.read {
			delete(c.asked, id)
			c.late--
		}
	}
}

// expire settles the questions that were not answered in time. They are remembered without their asker, as
// a late answer still tells that the client reads.
func (c *Conn) expire(now int64) {
	if c.waiting.Load() == 0 {
		return
	}
	var late []func(bool)
	c.mu.Lock()
	for _, q := range c.asked {
		if q.done != nil && now >= q.by {
			late = append(late, q.done)
			q.done = nil
			c.waiting.Add(-1)
			c.late++
		}
	}
	c.forget()
	c.mu.Unlock()
	for _, done := range late {
		done(false)
	}
}

// unreadSince returns since when the client has left too much unread, 0 when it reads.
func (c *Conn) unreadSince() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unread
}

// end forgets a client whose stream is over, and all that hangs on it.
func (c *Conn) end() {
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return
	}
	c.ended = true
	asked := c.asked
	c.asked = nil
	c.mu.Unlock()
	c.link.registered.CompareAndSwap(c, nil)
	c.srv.leave(c)
	for _, q := range asked {
		if q.done != nil {
			q.done(false)
		}
	}
	c.configs.end()
	c.services.end()
	if c.naming != nil {
		c.naming.Close("the connection ended")
	}
	if c.Session != nil {
		c.Session.Close()
	}
}

// close ends the connection from our side. What was sent is delivered before.
func (c *Conn) close() { c.closed.Do(c.link.hangUp) }

// Owed implements delivery.Notifier.
func (c *Conn) Owed() { c.srv.pushes.add(c) }

// Reset asks the client to connect elsewhere: to the server whose main port is at ip:port, or, when ip is
// "", to the next one that it knows. Clients of Java connect anew before they leave. done, which may be nil, is
// told whether the client agreed.
func (c *Conn) Reset(ip, port string, done func(ok bool)) {
	if done == nil {
		done = func(bool) {}
	}
	id := c.srv.nextID()
	b := append(requestBody(id), `,"module":"internal"`...)
	if ip != "" {
		b = append(b, `,"serverIp":`...)
		b = payload.AppendString(b, ip)
		b = append(b, `,"serverPort":`...)
		b = payload.AppendString(b, port)
	}
	b = append(b, '}')
	if !c.ask(id, payload.Encode("ConnectResetRequest", "", b), resetTimeout, done) {
		done(false)
	}
}
