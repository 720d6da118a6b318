package goldengrpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nacre/server/clock"
	"nacre/server/rpc/rpctest"
)

// Limits of waiting, and from when on a push may be a repetition: the replaying client does not ask anew after each
// push, as SDKs do, so that Nacre goes on telling it.
const (
	callLimit  = 10 * time.Second
	pushLimit  = 8 * time.Second // services are told again after 6 s
	repetition = 900 * time.Millisecond
)

// replay is one transcript on its way.
type replay struct {
	t     *testing.T
	name  string
	addr  string
	conns map[int]*conn
	// oversize is how many bytes a message may have.
	oversize int

	answers, pushes, acks, events, repeated, between int
	excepted                                         map[string]int
	left                                             map[string]int // records by why they were left out
}

// conn is one connection of the client.
type conn struct {
	*rpctest.Client
	halfClosed bool
	ids        map[string]string // of a push as it was recorded: as it came
	parts      map[string]string // of a push as it was recorded: why it is left out
	told       map[string]time.Time
	last       map[string]*record // what was recorded last of each

	mu    sync.Mutex
	queue []rpctest.Message
	wake  chan struct{}
}

func (c *conn) push(m rpctest.Message) bool {
	c.mu.Lock()
	c.queue = append(c.queue, m)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return false // the transcript acknowledges
}

// take returns the first push that is like want, and takes it out.
func (c *conn) take(want *record) (rpctest.Message, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, m := range c.queue {
		if m.Type == want.Type && subject(m.Body) == subject(want.Body) {
			c.queue = slices.Delete(c.queue, i, i+1)
			return m, true
		}
	}
	return rpctest.Message{}, false
}

func now() time.Time { return clock.System{}.Now() }

func newReplay(t *testing.T, name, addr string) *replay {
	r := &replay{
		t: t, name: name, addr: addr, conns: map[int]*conn{}, oversize: 10 << 20,
		excepted: map[string]int{}, left: map[string]int{},
	}
	t.Cleanup(func() {
		for _, c := range r.conns {
			c.Close()
		}
	})
	return r
}

// conn returns connection n, which is made when it is needed first.
func (r *replay) conn(n int) *conn {
	if c := r.conns[n]; c != nil {
		return c
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), callLimit)
	defer cancel()
	c := &conn{ids: map[string]string{}, parts: map[string]string{}, told: map[string]time.Time{}, last: map[string]*record{}, wake: make(chan struct{}, 1)}
	var err error
	if c.Client, err = rpctest.Dial(ctx, r.addr, rpctest.Options{NoSetup: true, IP: "10.1.2.3", Push: c.push}); err != nil {
		r.t.Fatalf("connection %d: %v", n, err)
	}
	r.conns[n] = c
	return c
}

// run replays all of a transcript; before is called before each record.
func (r *replay) run(before func(rest []record)) {
	list := load(r.t, r.name)
	step := ""
	for i := range list {
		if before != nil {
			before(list[i:])
		}
		rec := &list[i]
		if rec.Step != "" {
			step = rec.Step
			continue
		}
		switch {
		case rec.Event != "":
			r.event(rec, step)
		case rec.Call == "unary" && rec.fromClient():
			r.call(rec, list[i+1:], step)
		case rec.Call == "unary": // compared when it was asked for
		case rec.fromClient():
			r.say(rec, step)
		default:
			r.await(rec, step)
		}
	}
	r.leftOver()
	r.report(len(list))
}

// call sends a unary request and compares the answer.
func (r *replay) call(rec *record, rest []record, step string) {
	if p := part(rec.Type); p != "" {
		r.left[p] += 2
		return
	}
	at := slices.IndexFunc(rest, func(x record) bool {
		return x.Conn == rec.Conn && x.Stream == rec.Stream && x.Call == "unary" && !x.fromClient()
	})
	if at < 0 {
		r.t.Errorf("%s: %s on connection %d, stream %d has no answer", step, rec.Type, rec.Conn, rec.Stream)
		return
	}
	c := r.conn(rec.Conn)
	ctx, cancel := context.WithTimeout(r.t.Context(), callLimit)
	defer cancel()
	id := fmt.Sprintf("%s %d/%d", r.name, rec.Conn, rec.Stream)
	got, err := c.CallWith(ctx, rec.Type, rec.Headers, body(rec))
	for err == nil && slow[id] && len(differences(&rest[at], got, c.ConnectionID)) > 0 {
		<-time.After(50 * time.Millisecond)
		got, err = c.CallWith(ctx, rec.Type, rec.Headers, body(rec))
	}
	if err != nil {
		r.t.Errorf("%s: %s: %v", step, rec.Type, err)
		return
	}
	r.answers++
	if c.ConnectionID == "" {
		c.ConnectionID = got.Text("connectionId") // it was not told before, as the server was starting
	}
	r.compare(&rest[at], id, got, c, step)
}

// body returns what a client's message has for a body.
func body(rec *record) []byte {
	if rec.Raw != "" {
		return []byte(rec.Raw)
	}
	return append([]byte{}, rec.Body...) // nil would be marshalled
}

func (r *replay) compare(want *record, id string, got rpctest.Message, c *conn, step string) {
	want = r.expected(want, id)
	if d := differences(want, got, c.ConnectionID); len(d) > 0 {
		r.t.Errorf("%s (%s): %s\n got %s\nwant %s %s", step, id, strings.Join(d, "; "), got, want.Type, want.Body)
	}
}

// expected returns what is to come in the place of a record.
func (r *replay) expected(want *record, id string) *record {
	e, ok := exceptions[id]
	if !ok {
		return want
	}
	changed := object(want.Body)
	e.apply(changed)
	copied := *want
	copied.Body, _ = json.Marshal(changed)
	r.excepted[id]++
	return &copied
}

// say sends what the client writes to its stream.
func (r *replay) say(rec *record, step string) {
	c := r.conn(rec.Conn)
	b := body(rec)
	if id := rec.field("requestId"); id != "" && strings.HasSuffix(rec.Type, "Response") {
		if why := c.parts[id]; why != "" {
			r.left[why]++
			return
		}
		if came, ok := c.ids[id]; ok {
			b = bytes.Replace(b, []byte(`"requestId":"`+id+`"`), []byte(`"requestId":"`+came+`"`), 1)
		}
		r.acks++
	}
	if err := c.SendAs(rec.Type, rec.Headers, b); err != nil {
		r.t.Errorf("%s: %s on the stream of connection %d: %v", step, rec.Type, rec.Conn, err)
		return
	}
	if rec.Type == "ConnectionSetupRequest" && object(rec.Body)["abilityTable"] == nil {
		r.registered(c, step) // nothing tells; SDKs wait a while
	}
}

// registered waits until the server has read the introduction of a client that it does not acknowledge.
func (r *replay) registered(c *conn, step string) {
	ctx, cancel := context.WithTimeout(r.t.Context(), callLimit)
	defer cancel()
	for {
		m, err := c.Call(ctx, "HealthCheckRequest", struct{}{})
		if err != nil {
			r.t.Fatalf("%s: the client was not registered: %v", step, err)
		}
		if m.Int("errorCode") != 301 {
			return
		}
	}
}

// await waits for a push and compares it.
func (r *replay) await(rec *record, step string) {
	id := rec.field("requestId")
	why := part(rec.Type)
	switch rec.Type {
	case "ClientDetectionRequest":
		why = "20 s of silence"
	case "ConnectResetRequest":
		why = "an operator's wish to move a connection"
	}
	c := r.conn(rec.Conn)
	of := fmt.Sprintf("%s %d#%s", r.name, rec.Conn, id)
	if w := unsaid[of]; w != "" {
		why = w
	}
	if why != "" {
		r.left[why]++
		c.parts[id] = why
		return
	}
	want := r.expected(rec, of)
	limit := time.NewTimer(pushLimit)
	defer limit.Stop()
	var wrong []string
	for {
		if m, ok := c.take(rec); ok {
			d := differences(want, m, c.ConnectionID)
			if rec.Type == "NotifySubscriberRequest" && len(d) > 0 { // what is merged depends on the time: the state is to be told in the end
				r.between++
				wrong = append(d, m.String())
				r.acknowledge(c, m)
				continue
			}
			r.pushes++
			c.ids[id] = m.Text("requestId")
			c.told[keyOf(m)] = now()
			c.last[keyOf(m)] = want
			if len(d) > 0 {
				r.t.Errorf("%s (%s): %s\n got %s\nwant %s %s", step, of, strings.Join(d, "; "), m, want.Type, want.Body)
			}
			return
		}
		select {
		case <-c.wake:
		case <-limit.C:
			r.t.Errorf("%s (%s): connection %d was not told: %s %s\nbut %s", step, of, rec.Conn, want.Type, want.Body, strings.Join(wrong, "; "))
			return
		}
	}
}

// acknowledge confirms a push that the transcript does not have.
func (r *replay) acknowledge(c *conn, m rpctest.Message) {
	body := []byte(`{"resultCode":200,"requestId":"` + m.Text("requestId") + `"}`)
	if err := c.SendAs("NotifySubscriberResponse", nil, body); err != nil {
		r.t.Error(err)
	}
}

// keyOf says what a push is about.
func keyOf(m rpctest.Message) string { return m.Type + " " + subject(m.Body) }

// subject names what a push is about, as its fields say it.
func subject(body []byte) string {
	m := object(body)
	if info, ok := m["serviceInfo"].(map[string]any); ok {
		return fmt.Sprint(info["groupName"], "@@", info["name"])
	}
	var parts []string
	for _, name := range []string{"groupKey", "serviceKey", "groupKeyPattern", "dataId", "group"} {
		if text, ok := m[name].(string); ok {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, " ")
}

// event does what the client did to its transport, and waits for what the server did.
func (r *replay) event(rec *record, step string) {
	switch {
	case rec.Event == "tcp open":
		r.conn(rec.Conn)
	case rec.Event == "stream open":
		if err := r.conn(rec.Conn).Open(); err != nil {
			r.t.Fatalf("%s: the stream of connection %d: %v", step, rec.Conn, err)
		}
	case rec.Event == "half close" && rec.fromClient():
		c := r.conn(rec.Conn)
		c.halfClosed = true
		if err := c.CloseSend(); err != nil {
			r.t.Errorf("%s: %v", step, err)
		}
	case strings.HasPrefix(rec.Event, "grpc-status 0"):
		c := r.conn(rec.Conn)
		if !c.halfClosed && r.name != "starting" {
			r.left["20 s of silence"]++
			return
		}
		select {
		case <-c.Ended():
			if err := c.Err(); !errors.Is(err, io.EOF) {
				r.t.Errorf("%s: the stream of connection %d ended with %v, want status 0", step, rec.Conn, err)
			}
		case <-time.After(callLimit):
			r.t.Errorf("%s: the stream of connection %d did not end", step, rec.Conn)
		}
	case strings.HasPrefix(rec.Event, "grpc-status 8"):
		r.tooLarge(r.conn(rec.Conn), step)
	case rec.Event == "tcp close", strings.HasPrefix(rec.Event, "RST_STREAM") && rec.fromClient():
		r.conn(rec.Conn).Close()
	case strings.HasPrefix(rec.Event, "GOAWAY"): // the connection closes, which is an event of its own
	default:
		r.t.Errorf("%s: an event that is not known: %s", step, rec.Event)
	}
	r.events++
}

// tooLarge sends a request above the limit, which the transcript leaves out.
func (r *replay) tooLarge(c *conn, step string) {
	ctx, cancel := context.WithTimeout(r.t.Context(), callLimit)
	defer cancel()
	b := `{"dataId":"large","group":"G","content":"` + strings.Repeat("x", r.oversize) + `"}`
	if m, err := c.Call(ctx, "ConfigPublishRequest", []byte(b)); !rpctest.TooLarge(err) {
		r.t.Errorf("%s: %v, %v, want the status RESOURCE_EXHAUSTED", step, err, m.Type)
	}
}

// leftOver looks at the pushes that nobody waited for: all may be repetitions, and no others.
func (r *replay) leftOver() {
	for n, c := range r.conns {
		c.mu.Lock()
		for _, m := range c.queue {
			told, ok := c.told[keyOf(m)]
			switch {
			case untold[fmt.Sprintf("%s %d %s", r.name, n, keyOf(m))]:
			case m.Type == "NotifySubscriberRequest" && c.last[keyOf(m)] != nil && len(differences(c.last[keyOf(m)], m, c.ConnectionID)) == 0:
				r.repeated++ // the last that was recorded
			case ok && m.Type != "NotifySubscriberRequest" && clock.Since(clock.System{}, told) >= repetition, m.Type == "ClientDetectionRequest":
				r.repeated++
			default:
				r.t.Errorf("connection %d was told what nobody was: %s", n, m)
			}
		}
		c.mu.Unlock()
	}
}

func (r *replay) report(records int) {
	for id := range exceptions {
		if strings.HasPrefix(id, r.name+" ") && r.excepted[id] == 0 {
			r.t.Errorf("the exception %s was not used", id)
		}
	}
	if r.answers == 0 {
		r.t.Error("nothing was replayed")
	}
	r.t.Logf("%s: %d records; compared %d answers and %d pushes, %d of them excepted; %d acknowledgements, %d events, %d repetitions, %d states between",
		r.name, records, r.answers, r.pushes, len(r.excepted), r.acks, r.events, r.repeated, r.between)
	for _, why := range slices.Sorted(maps.Keys(r.left)) {
		r.t.Logf("%s: left out %d records of %s", r.name, r.left[why], why)
	}
}
