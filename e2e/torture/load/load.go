package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"nacre/e2e/torture/history"
	"nacre/e2e/torture/lab"
)

// Hot is how many registers are changed all the time. The others are changed once in a while, so that a change of which somebody
// was not told is not hidden by the next one.
const Hot = 10

// Config says how much load there is.
type Config struct {
	Keys       []string // of the registers, more than Hot
	Services   []string
	Writers    int // clients of registers
	Adders     int // clients that add
	Listeners  int // gRPC listeners, and half as many that poll
	Publishers int // gRPC clients with one instance each
	Beaters    int // clients with one instance that lives by HTTP heartbeats
	Watchers   int // subscribers of all services
}

// World is a cluster with its clients.
type World struct {
	lab   *lab.Lab
	rec   *history.Recorder
	cfg   Config
	nodes atomic.Pointer[[]int] // that clients know
	told  sync.Map              // tellee → what it knows: an md5, or addresses

	clients  atomic.Int64
	values   atomic.Int64
	address  atomic.Int64
	writing  sync.WaitGroup // clients that end with the load
	watching sync.WaitGroup // clients that stay until the end
	stop     context.CancelFunc
	end      context.CancelFunc
	life     context.Context
}

// tellee is one who listens for a key, or subscribes to a service.
type tellee struct {
	client  int
	service bool
	name    string
}

// Start starts all clients. Writers work until Pause, the others until End.
func Start(l *lab.Lab, rec *history.Recorder, cfg Config) *World {
	w := &World{lab: l, rec: rec, cfg: cfg}
	w.Know(l.IDs())
	writing, stop := context.WithCancel(context.Background())
	life, end := context.WithCancel(context.Background())
	w.stop, w.end, w.life = stop, end, life
	for i := range cfg.Writers {
		c := w.client()
		c.home = i
		w.writing.Go(func() { c.registers(writing) })
	}
	for i := range cfg.Adders {
		c := w.client()
		c.home = i
		w.writing.Go(func() { c.adds(writing) })
	}
	for i := range cfg.Listeners {
		c := w.client()
		c.home = i
		w.watching.Go(func() { c.listens(life) })
		if i%2 == 0 {
			c := w.client()
			c.home = i / 2
			w.watching.Go(func() { c.polls(life) })
		}
	}
	for i := range cfg.Publishers {
		c := w.client()
		c.home = i
		w.watching.Go(func() { c.publishes(life, writing, cfg.Services[i%len(cfg.Services)]) })
	}
	for i := range cfg.Beaters {
		c := w.client()
		c.home = i
		dies := i%4 == 0
		w.watching.Go(func() { c.beats(life, cfg.Services[i%len(cfg.Services)], dies) })
	}
	for i := range cfg.Watchers {
		c := w.client()
		c.home = i
		w.watching.Go(func() { c.subscribes(life, i+1) })
	}
	for i := range l.IDs() {
		c := w.client()
		c.home = i
		w.watching.Go(func() { c.samples(life) })
	}
	return w
}

// Know tells the clients which nodes there are.
func (w *World) Know(ids []int) {
	ids = slices.Clone(ids)
	w.nodes.Store(&ids)
}

// Pause ends the clients that write, and churn among those that register, and waits until they have ended.
func (w *World) Pause() {
	w.stop()
	w.writing.Wait()
}

// End ends all clients and waits.
func (w *World) End() {
	w.stop()
	w.end()
	w.writing.Wait()
	w.watching.Wait()
}

// client is one client; one goroutine has it.
type client struct {
	w        *World
	id, home int
	rnd      *rand.Rand
	apis     map[int]*api
	sessions map[int]int
}

func (w *World) client() *client {
	id := int(w.clients.Add(1))
	return &client{w: w, id: id, rnd: rand.New(rand.NewPCG(uint64(id), 7)), apis: map[int]*api{}, sessions: map[int]int{}}
}

func (c *client) nodes() []int { return *c.w.nodes.Load() }

// anyNode returns one of the nodes, most often the client's own: else all would soon wait for one that is stopped.
func (c *client) anyNode() int {
	ids := c.nodes()
	if c.rnd.IntN(10) > 0 {
		return c.nth(0)
	}
	return ids[c.rnd.IntN(len(ids))]
}

// nth returns the node that is the client's i-th choice.
func (c *client) nth(i int) int {
	ids := c.nodes()
	return ids[(c.home+i)%len(ids)]
}

func (c *client) api(node int) *api {
	if c.apis[node] == nil {
		c.apis[node] = newAPI(c.w.lab.URL(node), len(c.nodes()) > 1)
	}
	return c.apis[node]
}

func (c *client) value() string { return fmt.Sprintf("c%d.%d", c.id, c.w.values.Add(1)) }

// op does one operation and records it.
func (c *client) op(node int, o *history.Op, do func(*api) answer) {
	n := c.w.lab.Node(node)
	if n == nil {
		return
	}
	o.Client, o.Node, o.Start, o.Session = c.id, node, n.Starts(), c.sessions[node]
	o.Call = c.w.rec.Now()
	r := do(c.api(node))
	o.Return = c.w.rec.Now()
	if r.broken() {
		c.sessions[node]++
	}
	if !o.Writes() && o.Outcome != history.OK {
		return // a read that read nothing says nothing
	}
	c.w.rec.Record(history.Entry{Op: o})
}

// known is what a client last heard of a key.
type known struct {
	value    string
	revision uint64
}

// registers changes and reads the registers on all nodes.
func (c *client) registers(ctx context.Context) {
	last := map[string]known{}
	for ctx.Err() == nil {
		node, key := c.anyNode(), c.w.cfg.Keys[c.rnd.IntN(Hot)]
		if c.rnd.IntN(40) == 0 {
			key = c.w.cfg.Keys[Hot+c.rnd.IntN(len(c.w.cfg.Keys)-Hot)]
		}
		o := &history.Op{Key: key}
		k := last[key]
		by := func(a *api) answer { return a.write(context.Background(), o) }
		switch d := c.rnd.IntN(100); {
		case d < 35:
			o.Kind, o.Value = history.Put, c.value()
		case d < 50 && k.revision > 0:
			o.Kind, o.Value, o.Expect = history.CAS, c.value(), k.revision
		case d < 56 && k.value != "":
			o.Kind, o.Value, o.ExpectMD5 = history.CAS, c.value(), history.MD5(k.value)
			by = func(a *api) answer { return a.nacos(context.Background(), o, 1) }
		case d < 60:
			o.Kind, o.Value = history.Create, c.value()
		case d < 64:
			o.Kind = history.Remove
			by = func(a *api) answer { return a.remove(context.Background(), o) }
		case d < 86:
			o.Kind = history.Strong
			by = func(a *api) answer { return a.read(context.Background(), o) }
		default:
			o.Kind = history.Local
			by = func(a *api) answer { return a.read(context.Background(), o) }
		}
		c.op(node, o, by)
		switch o.Outcome {
		case history.OK:
			last[key] = known{o.Value, o.Revision}
		case history.No:
			delete(last, key)
		case history.Refused, history.Unknown:
			pause(ctx, 100*time.Millisecond)
		}
		pause(ctx, time.Duration(10+c.rnd.IntN(15))*time.Millisecond)
	}
}

// adds publishes keys that nobody else touches, by all of Nacos' interfaces.
func (c *client) adds(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		o := &history.Op{Kind: history.Add, Key: fmt.Sprintf("set.%d.%d", c.id, i), Value: c.value()}
		version := 1 + i%3
		c.op(c.anyNode(), o, func(a *api) answer { return a.nacos(context.Background(), o, version) })
		if o.Outcome != history.OK {
			pause(ctx, 100*time.Millisecond)
		}
		pause(ctx, time.Duration(4+c.rnd.IntN(6))*time.Millisecond)
	}
}

// Look reads on each node all that is there, and strongly each register. It is called when nobody writes any more, and waits until
// ctx ends for all nodes, listeners and subscribers to be of one mind; then it takes down what is there.
func (w *World) Look(ctx context.Context) error {
	finals, err := w.finals(ctx)
	for err == nil && ctx.Err() == nil && !w.agreed(finals) {
		pause(ctx, 300*time.Millisecond)
		var next []*history.Final
		if next, err = w.finals(context.Background()); err == nil {
			finals = next
		}
	}
	if err != nil {
		return err
	}
	for _, f := range finals {
		f.At = w.rec.Now() // what anybody was told until now is of this state
		w.rec.Record(history.Entry{Final: f})
	}
	return w.inDepth(context.Background())
}

// finals are what the nodes have now.
func (w *World) finals(ctx context.Context) ([]*history.Final, error) {
	var out []*history.Final
	for _, node := range w.lab.IDs() {
		a := newAPI(w.lab.URL(node), false)
		f := &history.Final{Node: node, Instances: map[string][]string{}}
		var err error
		if f.Configs, err = a.configs(ctx); err != nil {
			return nil, fmt.Errorf("node %d: %w", node, err)
		}
		for _, s := range w.cfg.Services {
			if f.Instances[s], err = a.instances(ctx, s); err != nil {
				return nil, fmt.Errorf("node %d: %w", node, err)
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// agreed reports whether all nodes have the same, and all who listen know it.
func (w *World) agreed(finals []*history.Final) bool {
	one := finals[0]
	for _, f := range finals[1:] {
		if !maps.Equal(one.Configs, f.Configs) || !maps.EqualFunc(one.Instances, f.Instances, slices.Equal) {
			return false
		}
	}
	agreed := true
	w.told.Range(func(k, v any) bool {
		t := k.(tellee)
		if t.service {
			agreed = slices.Equal(v.([]string), one.Instances[t.name])
		} else {
			agreed = v == one.Configs[t.name].MD5
		}
		return agreed
	})
	return agreed
}

// inDepth reads registers strongly on each node, and their histories.
func (w *World) inDepth(ctx context.Context) error {
	for _, node := range w.lab.IDs() {
		c := w.client()
		for _, key := range w.cfg.Keys {
			o := &history.Op{Kind: history.Strong, Key: key}
			c.op(node, o, func(a *api) answer { return a.read(ctx, o) })
			if o.Outcome != history.OK {
				return fmt.Errorf("node %d does not answer a strong read in the end: %s", node, o.Text)
			}
		}
		for _, key := range w.cfg.Keys {
			versions, err := c.api(node).versions(ctx, key)
			if err != nil {
				return fmt.Errorf("node %d: %w", node, err)
			}
			w.rec.Record(history.Entry{Past: &history.Past{Node: node, Key: key, Versions: versions}})
		}
	}
	return nil
}

// Written returns nil when a write on the node is acknowledged.
func (w *World) Written(ctx context.Context, node int) error {
	c := w.client()
	o := &history.Op{Kind: history.Add, Key: fmt.Sprintf("probe.%d", c.id), Value: c.value()}
	c.op(node, o, func(a *api) answer { return a.nacos(ctx, o, 1) })
	if o.Outcome != history.OK {
		return fmt.Errorf("node %d does not take a write: %s %s", node, o.Outcome, o.Text)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// hosts reads the addresses of a service's healthy instances.
func hosts(body []byte) ([]string, error) {
	var info struct {
		Hosts []struct {
			IP      string
			Port    int
			Healthy bool
		}
	}
	if err := json.Unmarshal(body, &info); err != nil {
		return nil, errors.Join(err, errors.New(string(body)))
	}
	out := make([]string, 0, len(info.Hosts))
	for _, h := range info.Hosts {
		if h.Healthy {
			out = append(out, fmt.Sprintf("%s:%d", h.IP, h.Port))
		}
	}
	slices.Sort(out)
	return out, nil
}
