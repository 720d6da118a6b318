// Package live serves the change feed over WebSocket at /ws/feed, for pages. It is the only one that knows the
// WebSocket library.
//
// The server sends JSON messages: hello {epoch, first, last, next}, events {events, next}, gap {missed, next}; next is the number
// to come back with (?since=), epoch another one after each start of the server. A reader whose filter selects little gets
// at {next} from time to time. A client may send filter {namespace, kinds, text}, pause and resume; what happens during
// a pause is sent after it, and counted during it: held {count, more}. Namespace, kind and text may stand in the address as well.
package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/websocket/v2"

	"nacre/server/clock"
	"nacre/server/fault"
	"nacre/server/feed"
	"nacre/web/site"
)

// Path is where the feed is.
const Path = "/ws/feed"

// Close codes, besides 1001 when the server stops (RFC 6455 §7.4).
const (
	// CloseInvalid is for messages and filters that are not what the feed takes.
	CloseInvalid = 4000
	// CloseEnded is for a reader that may not read any more.
	CloseEnded = 4001
	// CloseSlow is for a reader that does not take what it is sent.
	CloseSlow = 4008
)

// Config are limits, for tests; zero values mean the defaults.
type Config struct {
	// Unread is how many bytes may be on their way to a reader without a sign that it takes them. Default 256 KiB: what
	// fits into the buffers of a connection, so that the words of farewell get through.
	Unread int
	// Patience is how long a reader that has so much unread may take. Default 15 s.
	Patience time.Duration
	// PingEvery is how often a silent connection is looked after. Default 20 s.
	PingEvery time.Duration
}

// Deps is what the feed needs.
type Deps struct {
	Feed *feed.Feed
	Log  *slog.Logger
	// Permit refuses a reader, before the upgrade, by an error; nil permits all. What it returns, unless nil, says later whether
	// the reader still may: it is asked before anything is sent, and must not block.
	Permit func(*fiber.Ctx) (still func() bool, err error)
	// Draining ends when the server stops.
	Draining context.Context
	Config   Config
}

// Where what Permit returned, and the connection, are kept over the upgrade.
const localStill, localConn = "still", "conn"

const (
	writeWait = 10 * time.Second
	// closeWait is how long a close may take that the client does not answer.
	closeWait = time.Second
	maxBatch  = 200
	// maxMessage is the size in bytes of the largest message of a client.
	maxMessage = 4 << 10
	// maxMessages is how many messages a client may send in a second.
	maxMessages = 20
)

// Register adds the feed to r.
func Register(r fiber.Router, d Deps) {
	set := func(p *time.Duration, v time.Duration) {
		if *p <= 0 {
			*p = v
		}
	}
	set(&d.Config.Patience, 15*time.Second)
	set(&d.Config.PingEvery, 20*time.Second)
	if d.Log == nil {
		d.Log = slog.Default()
	}
	if d.Config.Unread <= 0 {
		d.Config.Unread = 256 << 10
	}
	upgrade := websocket.New(func(c *websocket.Conn) { d.serve(c) }, websocket.Config{WriteBufferSize: 4 << 10})
	r.Get(Path, d.enter, upgrade)
}

// enter checks who comes, before the upgrade.
func (d *Deps) enter(c *fiber.Ctx) error {
	if !websocket.IsWebSocketUpgrade(c) {
		c.Set(fiber.HeaderUpgrade, "websocket")
		return refuse(c, fiber.StatusUpgradeRequired, "this is a WebSocket; scripts read GET /nacre/v1/feed")
	}
	if !site.OwnOrigin(&c.Request().Header) {
		return refuse(c, fiber.StatusForbidden, "pages of "+strconv.Quote(clip(c.Get(fiber.HeaderOrigin)))+" may not read the feed of this server")
	}
	if d.Permit != nil {
		still, err := d.Permit(c)
		if err != nil {
			return refuse(c, fiber.StatusForbidden, fault.TextOf(err))
		}
		c.Locals(localStill, still)
	}
	if d.Draining.Err() != nil {
		return refuse(c, fiber.StatusServiceUnavailable, "the server is stopping")
	}
	if _, _, err := parse(c.Query); err != nil {
		return refuse(c, fiber.StatusBadRequest, fault.TextOf(err))
	}
	if d.Feed.Full() {
		return refuse(c, fiber.StatusServiceUnavailable, "too many read the feed")
	}
	c.Locals(localConn, c.Context().Conn())
	if err := c.Next(); err != nil {
		return refuse(c, fiber.StatusBadRequest, "the upgrade to WebSocket failed: a header of the handshake is missing or wrong")
	}
	return nil
}

func refuse(c *fiber.Ctx, status int, text string) error {
	return c.Status(status).SendString(text + "\n")
}

// clip shortens a text to what fits into a close message.
func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), 100)], "") }

// parse reads the filter and the number to go on from.
func parse(query func(key string, fallback ...string) string) (feed.Filter, *uint64, error) {
	f, err := feed.ParseFilter(query("namespace"), query("kind"), query("text"))
	if err != nil {
		return feed.Filter{}, nil, err
	}
	text := query("since")
	if text == "" {
		return f, nil, nil
	}
	since, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return feed.Filter{}, nil, fault.New(fault.Invalid, "since is %.40q, it must be the number of an event", text)
	}
	return f, &since, nil
}

// wish is a message of a client.
type wish struct {
	Type      string `json:"type"`
	Namespace string `json:"namespace"`
	Kinds     string `json:"kinds"`
	Text      string `json:"text"`
}

// message is one of the server's.
type message struct {
	Type   string       `json:"type"`
	Epoch  uint64       `json:"epoch,omitempty"`
	First  uint64       `json:"first,omitempty"`
	Last   uint64       `json:"last,omitempty"`
	Events []feed.Event `json:"events,omitempty"`
	Next   uint64       `json:"next,omitempty"`
	Missed uint64       `json:"missed,omitempty"`
	Count  int          `json:"count,omitempty"`
	More   bool         `json:"more,omitempty"`
}

// farewell ends a connection with a code and a reason.
type farewell struct {
	code   int
	reason string
}

// Error returns the reason.
func (f farewell) Error() string { return f.reason }

// reader is one connection.
type reader struct {
	*Deps
	conn   *websocket.Conn
	ctx    context.Context
	filter feed.Filter
	at     uint64
	told   uint64 // the number that the client knows to come back with
	still  func() bool
	paused bool
	held   held
	wishes chan wish
	pongs  chan int64
	ended  chan struct{} // closed when nothing is read any more
	err    error         // why; to be read after ended
	sent   int64         // bytes in all
	taken  int64         // how many of them the reader took for sure
}

func (d *Deps) serve(c *websocket.Conn) {
	defer func() {
		if p := recover(); p != nil { // nobody above would stop it from ending the process
			d.Log.Error("the live feed panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	leave, err := d.Feed.Enter()
	if err != nil { // others came between the check and here
		_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseTryAgainLater, fault.TextOf(err)), clock.Mono().Add(time.Second))
		return
	}
	defer leave()
	ctx, cancel := context.WithCancel(d.Draining)
	defer cancel()
	filter, since, err := parse(c.Query)
	if err != nil {
		return // enter has refused it
	}
	r := &reader{Deps: d, conn: c, ctx: ctx, filter: filter, at: d.Feed.Last(), wishes: make(chan wish), pongs: make(chan int64, 1), ended: make(chan struct{})}
	if since != nil {
		r.at = *since
		if r.at == 0 {
			r.at = d.Feed.First() - 1
		}
	}
	r.still, _ = c.Locals(localStill).(func() bool)
	go func() {
		defer close(r.ended)
		r.err = r.receive()
	}()
	err = r.write()
	cancel()
	var bye farewell
	switch {
	case d.Draining.Err() != nil:
		r.finish()
		bye = farewell{websocket.CloseGoingAway, "the server is stopping"}
	case errors.As(err, &bye):
	default:
		bye = farewell{websocket.CloseNormalClosure, ""}
	}
	_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(bye.code, bye.reason), clock.Mono().Add(time.Second))
	r.leave() // the library closes the connection when this function returns
}

// receive reads what the client sends until the connection ends. It runs beside write.
func (r *reader) receive() (err error) {
	defer func() {
		if p := recover(); p != nil { // the library panics when one reads on after an error
			err = errors.New("reading went on after an error")
		}
	}()
	r.conn.SetReadLimit(maxMessage)
	r.alive()
	r.conn.SetPongHandler(func(text string) error {
		r.alive()
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			select {
			case <-r.pongs: // an older one
			default:
			}
			r.pongs <- n
		}
		return nil
	})
	window, n := clock.Mono(), 0
	for {
		_, b, err := r.conn.ReadMessage()
		if err != nil {
			return err
		}
		r.alive()
		if now := clock.Mono(); now.Sub(window) > time.Second {
			window, n = now, 0
		}
		if n++; n > maxMessages {
			return farewell{CloseInvalid, "too many messages: 20 a second are taken"}
		}
		w, err := readWish(b)
		if err != nil {
			return err
		}
		select {
		case r.wishes <- w:
		case <-r.ctx.Done():
			return nil
		}
	}
}

// alive gives the client time until its next sign of life. Only receive calls it: a deadline is for who reads.
func (r *reader) alive() { _ = r.conn.SetReadDeadline(clock.Mono().Add(3 * r.Config.PingEvery)) }

// leave gives the client a moment to answer the close: a connection that is closed before may lose it.
func (r *reader) leave() {
	late := time.NewTimer(closeWait)
	defer late.Stop()
	select {
	case <-r.ended:
	case <-late.C:
		if c, ok := r.conn.Locals(localConn).(interface{ CloseRead() error }); ok {
			_ = c.CloseRead() // also when the client is gone: then it has ended
		}
		<-r.ended
	}
}

// CheckMessage returns why a client's message would end its connection, nil when it is taken.
func CheckMessage(b []byte) error {
	w, err := readWish(b)
	if err == nil && w.Type == "filter" {
		_, err = feed.ParseFilter(w.Namespace, w.Kinds, w.Text)
	}
	return err
}

func readWish(b []byte) (wish, error) {
	var w wish
	if err := json.Unmarshal(b, &w); err != nil {
		return w, farewell{CloseInvalid, "a message is not a JSON object with type, namespace, kinds and text"}
	}
	switch w.Type {
	case "filter", "pause", "resume":
		return w, nil
	}
	return w, farewell{CloseInvalid, "a message's type must be filter, pause or resume"}
}

// write sends until the connection is to end, and returns why.
func (r *reader) write() error {
	if err := r.send(message{Type: "hello", Epoch: r.Feed.Epoch(), First: r.Feed.First(), Last: r.Feed.Last(), Next: r.at}); err != nil {
		return err
	}
	r.told = r.at
	news := make(chan struct{}, 1)
	ping := time.NewTicker(r.Config.PingEvery)
	defer ping.Stop()
	r.held.tick = time.NewTicker(tellHeldEvery)
	r.held.tick.Stop()
	defer r.held.tick.Stop()
	ctx, stop := context.WithCancel(r.ctx)
	waiting := make(chan struct{})
	go r.wait(ctx, r.at, news, waiting)
	defer func() { stop(); <-waiting }()
	for {
		select {
		case <-r.ctx.Done():
			return nil
		case <-r.ended:
			return r.err
		case w := <-r.wishes:
			if err := r.apply(w); err != nil {
				return err
			}
		case n := <-r.pongs:
			r.taken = max(r.taken, min(n, r.sent))
		case <-ping.C:
			if err := r.place(); err != nil {
				return err
			}
			if err := r.ping(); err != nil {
				return err
			}
		case <-r.held.tick.C:
			if err := r.tellHeld(); err != nil {
				return err
			}
		case <-news:
		}
		if err := r.may(); err != nil {
			return err
		}
		if r.paused {
			continue
		}
		if err := r.catchUp(); err != nil {
			return err
		}
	}
}

// may returns why the reader may not read any more.
func (r *reader) may() error {
	if r.still != nil && !r.still() {
		return farewell{CloseEnded, "the session has ended"}
	}
	return nil
}

// wait says each time that there is news.
func (r *reader) wait(ctx context.Context, at uint64, news chan<- struct{}, done chan<- struct{}) {
	defer close(done)
	for r.Feed.Wait(ctx, at) == nil {
		at = r.Feed.Last() // before it is said: what comes later is said again
		select {
		case news <- struct{}{}:
		case <-ctx.Done():
			return
		}
	}
}

func (r *reader) apply(w wish) error {
	switch w.Type {
	case "pause":
		r.pause(true)
	case "resume":
		r.pause(false)
	case "filter":
		f, err := feed.ParseFilter(w.Namespace, w.Kinds, w.Text)
		if err != nil {
			return farewell{CloseInvalid, clip(fault.TextOf(err))}
		}
		r.filter = f
		r.pause(r.paused)
	}
	return nil
}

// catchUp sends all that there is.
func (r *reader) catchUp() error {
	for r.ctx.Err() == nil && !r.paused {
		if err := r.may(); err != nil {
			return err
		}
		b := r.Feed.Since(r.at, &r.filter, maxBatch)
		if b.Missed > 0 {
			if err := r.send(message{Type: "gap", Missed: b.Missed, Next: b.Next}); err != nil {
				return err
			}
			r.told = b.Next
		}
		if len(b.Events) > 0 {
			if err := r.send(message{Type: "events", Events: b.Events, Next: b.Next}); err != nil {
				return err
			}
			r.told = b.Next
			if err := r.ping(); err != nil {
				return err
			}
		}
		if b.Next == r.at && b.Missed == 0 {
			return nil
		}
		r.at = b.Next
		if err := r.room(); err != nil {
			return err
		}
	}
	return nil
}

// place tells a reader who was sent nothing of late where it is: it would come back with a number that is not held any more.
func (r *reader) place() error {
	if r.at == r.told {
		return nil
	}
	r.told = r.at
	return r.send(message{Type: "at", Next: r.at})
}

// finish tells a reader that keeps up what happened until the server stopped.
func (r *reader) finish() {
	if r.paused || r.may() != nil || r.sent-r.taken > int64(r.Config.Unread)/2 {
		return
	}
	if b := r.Feed.Since(r.at, &r.filter, maxBatch); len(b.Events) > 0 && b.Missed == 0 {
		_ = r.send(message{Type: "events", Events: b.Events, Next: b.Next}) // what follows fails, too, and is the end
	}
}

// room waits until the reader has taken enough of what it was sent.
func (r *reader) room() error {
	if r.sent-r.taken <= int64(r.Config.Unread) {
		return nil
	}
	late := time.NewTimer(r.Config.Patience)
	defer late.Stop()
	for r.sent-r.taken > int64(r.Config.Unread) {
		select {
		case n := <-r.pongs:
			r.taken = max(r.taken, min(n, r.sent))
		case w := <-r.wishes:
			if err := r.apply(w); err != nil {
				return err
			}
		case <-r.ended:
			return r.err
		case <-r.ctx.Done():
			return nil
		case <-late.C:
			r.Feed.CutOff()
			return farewell{CloseSlow, "too slow: come back with since, or with a narrower filter"}
		}
	}
	return nil
}

// ping asks for a sign that all that was sent so far was taken.
func (r *reader) ping() error {
	return r.conn.WriteControl(websocket.PingMessage, strconv.AppendInt(nil, r.sent, 10), clock.Mono().Add(writeWait))
}

func (r *reader) send(m message) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := r.conn.SetWriteDeadline(clock.Mono().Add(writeWait)); err != nil {
		return err
	}
	r.sent += int64(len(b))
	err = r.conn.WriteMessage(websocket.TextMessage, b)
	if errors.Is(err, os.ErrDeadlineExceeded) { // it is too late to say so: a part of the message is on its way
		r.Feed.CutOff()
	}
	return err
}
