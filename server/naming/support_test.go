package naming

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"nacre/server/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// direct is a journal that decides at once.
type direct struct {
	mu    sync.Mutex
	state *State
	log   []journal.Command
	rows  []journal.Change
}

func (d *direct) Submit(_ context.Context, cmd journal.Command) (journal.Result, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out, changes, err := d.state.Decide(cmd)
	d.log, d.rows = append(d.log, cmd), append(d.rows, changes...)
	return journal.Result{Index: uint64(len(d.log)), Outcome: out}, err
}

// world is a registry with its journal, and what it told of.
type world struct {
	*Registry
	t       tester
	journal *direct

	mu       sync.Mutex
	events   []Event
	appeared map[Key]bool
}

// tester is what tests and properties have in common.
type tester interface {
	Helper()
	Fatal(...any)
	Errorf(string, ...any)
}

func newWorld(t tester, c Config) *world {
	w := &world{t: t, appeared: make(map[Key]bool)}
	c.Events = func(e Event) {
		w.mu.Lock()
		w.events = append(w.events, e)
		if e.Kind <= ServiceGone {
			w.appeared[e.Key] = e.Kind == ServiceAppeared
		}
		w.mu.Unlock()
	}
	r, state := New(c)
	w.Registry, w.journal = r, &direct{state: state}
	r.Use(w.journal)
	return w
}

// run runs the registry; the function returned ends it.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.Run(ctx)
	}()
	return func() { cancel(); <-done }
}

// told returns the kinds of the events since the last call that are about an instance or service.
func (w *world) told() (kinds []EventKind) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		kinds = append(kinds, e.Kind)
	}
	w.events = nil
	return kinds
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// owed counts how often it was told.
type owed struct{ n atomic.Int64 }

func (o *owed) Owed() { o.n.Add(1) }

func key(name string) Key { return Key{Namespace: "public", Group: "DEFAULT_GROUP", Name: name} }

// at is a healthy instance of a port.
func at(port int) Instance {
	return Instance{IP: "10.0.0.1", Port: port, Weight: 1, Healthy: true, Enabled: true}
}

var alice = Actor{User: "alice", IP: "10.9.9.9"}

func (w *world) connect(id string) (*Session, *owed) {
	n := &owed{}
	return w.Open(Client{ID: id, IP: "10.0.0.1", SDK: "Nacos-Java-Client:v2.3.2"}, n), n
}

// ports returns what a view shows as text: each port, with what is not usual of it.
func ports(v *View) string {
	text := ""
	for _, h := range v.Hosts {
		text += fmt.Sprint(h.Port)
		if !h.Healthy {
			text += "-"
		}
		if !h.Enabled {
			text += "x"
		}
		text += " "
	}
	if v.Protected {
		text += "!"
	}
	return text
}

func (w *world) see(k Key, q Query, want string) {
	w.t.Helper()
	if got := ports(w.Lookup(k, q)); got != want {
		w.t.Errorf("%s shows %q, want %q", k, got, want)
	}
}
