// Package park holds long polls that wait, outside their handlers.
//
// A poll that hangs in its handler costs a goroutine and the buffers of a request. A parked one costs its
// connection and a Poll: the handler has returned, and the connection belongs to the Parker until the
// poll is answered. Then it goes back to the server, so the client may keep using it.
//
// # How a listener uses it
//
// A Poll is the delivery.Waiter of a slot in the ledger, so it is made before:
//
//	slot, changed, err := ledger.Poll(poller, watches)
//	if err != nil || len(changed) > 0 {
//		return answer(changed, err) // after slot.Done
//	}
//	poll := parker.New(func(key resource.ConfigKey) []byte { return encode(key, forms) })
//	if changed := slot.Wait(poll); len(changed) > 0 {
//		return answer(changed, nil) // the Poll is just forgotten
//	}
//	return parker.Park(c.Context(), poll, hold, func() { slot.Done(poll.Left()) })
//
// Fire may be called between Wait and Park, or while the connection is being taken over: the poll is
// then answered as soon as it is parked. Exactly one of a change, the end of the hold time, a drain and the
// client's leaving ends a poll; the function given to Park is called once then, also when Park
// returns an error. After Park returned nil the handler must return nil without touching the response.
//
// # Who runs what
//
// Fire only queues. A few writers encode and write, without waiting for a client: one whose socket is full goes to
// a goroutine at the side with a time limit. One goroutine watches the hold times. A client that goes
// away is noticed by the connection's server at once.
package park

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"nacre/server/clock"
	"nacre/server/fault"
	"nacre/server/resource"
	"nacre/web/conn"
)

// Header is what stands in Nacos' answer to a long poll, beside length and date.
const Header = "Content-Type: application/json;charset=UTF-8\r\n" +
	"Cache-Control: no-cache, no-store, max-age=0, must-revalidate\r\n" +
	"Pragma: no-cache\r\nExpires: 0\r\n"

// Config says how polls are held. The zero value has the defaults.
type Config struct {
	// MaxWaiting is how many polls may wait at once; default 100,000.
	MaxWaiting int
	// Writers is how many goroutines write answers; default one a processor, at most 4.
	Writers int
	// SlowWrite is how long an answer may take that a client does not read at once; default 5 s.
	SlowWrite time.Duration
	// MaxSlow is how many such answers may be under way; further connections are closed. Default 64.
	MaxSlow int
	// Header are the header lines of answers, each with its line end; default Header.
	Header string
	Log    *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.MaxWaiting <= 0 {
		c.MaxWaiting = 100_000
	}
	if c.Writers <= 0 {
		c.Writers = min(runtime.GOMAXPROCS(0), 4)
	}
	if c.SlowWrite <= 0 {
		c.SlowWrite = 5 * time.Second
	}
	if c.MaxSlow <= 0 {
		c.MaxSlow = 64
	}
	if c.Header == "" {
		c.Header = Header
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// Parker holds polls. Its methods are safe for concurrent use.
type Parker struct {
	cfg   Config
	epoch time.Time

	waiting atomic.Int64
	slow    chan struct{}
	stop    chan struct{}
	wake    chan struct{} // the earliest hold time changed
	group   sync.WaitGroup

	// mu and the lock of queue are never held together.
	mu       sync.Mutex // guards the rest, and at, state and key of polls until they are queued
	draining bool
	holds    holds

	queue queue

	answered, timedOut, gone, refused, slowly, dropped atomic.Int64
}

// Stats are figures for metrics.
type Stats struct {
	// Waiting is the number of polls that wait now.
	Waiting int64
	// Answered counts polls that ended by a change, TimedOut by their hold time or a drain, Gone by the
	// client's leaving, Refused those beyond the limit.
	Answered, TimedOut, Gone, Refused int64
	// Slow counts answers that a client didn't take at once, Dropped those it did not take at all.
	Slow, Dropped int64
}

// New returns a Parker with its goroutines; Close ends them.
func New(cfg Config) *Parker {
	cfg = cfg.withDefaults()
	p := &Parker{cfg: cfg, epoch: clock.Mono(), slow: make(chan struct{}, cfg.MaxSlow),
		stop: make(chan struct{}), wake: make(chan struct{}, 1)}
	p.queue.init()
	for range cfg.Writers {
		p.group.Go(p.write)
	}
	p.group.Go(p.watchHolds)
	return p
}

// The states of a poll.
const (
	fresh   uint8 = iota // made, not parked
	fired                // told of a change before it was parked
	holding              // waits
	told                 // queued, to be answered with its key
	over                 // queued, to be answered with nothing
	ended
)

// Poll is one long poll. It is made by Parker.New.
type Poll struct {
	parker *Parker
	conn   *conn.Conn
	encode func(resource.ConfigKey) []byte
	onEnd  func()
	key    resource.ConfigKey
	until  int64 // on the parker's epoch
	at     int32 // place in holds plus 1, 0 when not there
	state  uint8
	close  bool // the client wants the connection closed
}

// New returns a poll that may be fired before it is parked. encode makes the body of its
// answer from the key that changed; it is called at most once, by a writer.
func (p *Parker) New(encode func(resource.ConfigKey) []byte) *Poll {
	return &Poll{parker: p, encode: encode}
}

// Fire answers the poll with key, at once or as soon as it is parked. It never waits for a client and may be
// called by anybody; calls after the first, and those after the end of the poll, do nothing.
func (q *Poll) Fire(key resource.ConfigKey) {
	p := q.parker
	p.mu.Lock()
	push := q.state == holding
	switch q.state {
	case fresh:
		q.key, q.state = key, fired
	case holding:
		q.key, q.state = key, told
	}
	p.mu.Unlock()
	if push {
		p.queue.push(q)
	}
}

// Park ends the handling of ctx and makes its client wait until q is fired, but for no longer than
// hold; it is then answered with an empty body. onEnd is called once when the poll has
// ended, however it ended, and must not block. While a drain goes on the answer is empty and comes at once.
// Faults: Unavailable when too many wait, Internal when ctx is not on a connection of package conn.
func (p *Parker) Park(ctx *fasthttp.RequestCtx, q *Poll, hold time.Duration, onEnd func()) error {
	if n := p.waiting.Add(1); n > int64(p.cfg.MaxWaiting) {
		p.waiting.Add(-1)
		p.refused.Add(1)
		onEnd()
		return fault.New(fault.Unavailable, "%d long polls wait already, more are not taken", p.cfg.MaxWaiting)
	}
	c, ok := conn.Of(ctx)
	if !ok {
		p.waiting.Add(-1)
		onEnd()
		return errors.New("a long poll on a connection that cannot be parked")
	}
	q.conn, q.onEnd = c, onEnd
	q.close = ctx.Request.Header.ConnectionClose() || !ctx.Request.Header.IsHTTP11()
	q.until = p.now() + int64(hold)
	conn.Detach(ctx, q)
	return nil
}

// Taken is called when the connection has left its server.
func (q *Poll) Taken() {
	p := q.parker
	p.mu.Lock()
	first := false
	switch {
	case q.state == fired:
		q.state = told
	case p.draining:
		q.state = over
	default:
		q.state = holding
		first = p.holds.add(q)
	}
	push := q.state != holding
	p.mu.Unlock()
	if push {
		p.queue.push(q)
	} else if first {
		p.wakeUp()
	}
}

// Gone is called when the client went away.
func (q *Poll) Gone() {
	p := q.parker
	p.mu.Lock()
	ours := q.state <= holding
	if ours {
		q.state = ended
		p.holds.remove(q)
	}
	p.mu.Unlock()
	if ours {
		p.gone.Add(1)
		p.end(q)
		q.conn.Abort()
	}
}

// Left reports, once the poll has ended, whether its client went away while it waited.
func (q *Poll) Left() bool {
	q.parker.mu.Lock()
	defer q.parker.mu.Unlock()
	return q.state == ended
}

func (p *Parker) end(q *Poll) {
	p.waiting.Add(-1)
	q.onEnd()
}

// write answers polls until Close.
func (p *Parker) write() {
	w := conn.NewWriter()
	var batch []*Poll
	var buf []byte
	for {
		batch = p.queue.take(batch[:0])
		if len(batch) == 0 {
			return
		}
		p.mu.Lock()
		draining := p.draining
		for _, q := range batch {
			p.holds.remove(q)
		}
		p.mu.Unlock()
		for i, q := range batch {
			buf = p.answer(w, q, buf[:0], q.close || draining)
			batch[i] = nil
		}
		if cap(buf) > 64<<10 {
			buf = nil
		}
	}
}

// answer writes q's answer, composed in buf, and gives the connection back, or closes it when shut.
func (p *Parker) answer(w *conn.Writer, q *Poll, buf []byte, shut bool) []byte {
	var body []byte
	if q.state == told {
		p.answered.Add(1)
		body = q.encode(q.key)
	} else {
		p.timedOut.Add(1)
	}
	c := q.conn
	buf = append(buf, "HTTP/1.1 200 OK\r\nDate: "...)
	buf = fasthttp.AppendHTTPDate(buf, clock.Mono())
	buf = append(buf, "\r\n"...)
	buf = append(buf, p.cfg.Header...)
	if shut {
		buf = append(buf, "Connection: close\r\n"...)
	}
	buf = append(buf, "Content-Length: "...)
	buf = strconv.AppendInt(buf, int64(len(body)), 10)
	buf = append(buf, "\r\n\r\n"...)
	buf = append(buf, body...)
	n, err := w.TryWrite(c, buf)
	p.end(q)
	switch {
	case err != nil:
		p.dropped.Add(1)
		c.Abort()
	case n < len(buf):
		p.writeSlowly(c, append([]byte(nil), buf[n:]...), shut)
	default:
		leave(c, shut)
	}
	return buf
}

// leave gives a connection back, or closes it.
func leave(c *conn.Conn, shut bool) {
	if shut {
		c.Abort()
	} else {
		c.Resume()
	}
}

// writeSlowly writes the rest of an answer at the side.
func (p *Parker) writeSlowly(c *conn.Conn, rest []byte, shut bool) {
	p.slowly.Add(1)
	select {
	case p.slow <- struct{}{}:
	default:
		p.dropped.Add(1)
		c.Abort()
		return
	}
	p.group.Go(func() {
		defer func() { <-p.slow }()
		if err := c.WriteWithin(rest, p.cfg.SlowWrite); err != nil {
			p.dropped.Add(1)
			c.Abort()
			return
		}
		leave(c, shut)
	})
}

// watchHolds ends polls whose hold time is over.
func (p *Parker) watchHolds() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var due []*Poll
	for {
		p.mu.Lock()
		now := p.now()
		next := int64(time.Hour)
		for len(p.holds) > 0 {
			first := p.holds[0]
			if first.until > now {
				next = first.until - now
				break
			}
			p.holds.remove(first)
			if first.state == holding {
				first.state = over
				due = append(due, first)
			}
		}
		p.mu.Unlock()
		for i, q := range due {
			p.queue.push(q)
			due[i] = nil
		}
		due = due[:0]
		timer.Reset(time.Duration(next))
		select {
		case <-timer.C:
		case <-p.wake:
		case <-p.stop:
			return
		}
	}
}

func (p *Parker) wakeUp() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Waiting returns how many polls wait.
func (p *Parker) Waiting() int64 { return p.waiting.Load() }

// Stats returns the present figures.
func (p *Parker) Stats() Stats {
	return Stats{Waiting: p.waiting.Load(), Answered: p.answered.Load(), TimedOut: p.timedOut.Load(), Gone: p.gone.Load(),
		Refused: p.refused.Load(), Slow: p.slowly.Load(), Dropped: p.dropped.Load()}
}

// Drain answers every poll that waits, and those that come from now on at once, with nothing changed, and
// waits until that is done or ctx ends.
func (p *Parker) Drain(ctx context.Context) error {
	var list []*Poll
	p.mu.Lock()
	p.draining = true
	for _, q := range p.holds {
		if q.state == holding {
			q.state = over
			list = append(list, q)
		}
	}
	p.mu.Unlock()
	for _, q := range list {
		p.queue.push(q)
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for n := p.waiting.Load(); n > 0; n = p.waiting.Load() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d long polls were not answered: %w", n, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// Close ends the goroutines, those at the side after at most Config.SlowWrite. Polls that still wait are
// forgotten: Drain comes before.
func (p *Parker) Close() {
	close(p.stop)
	p.queue.close()
	p.group.Wait()
}

func (p *Parker) now() int64 { return int64(clock.Mono().Sub(p.epoch)) }

var _ conn.Owner = (*Poll)(nil)
