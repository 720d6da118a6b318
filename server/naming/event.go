package naming

import (
	"sync"

	"nacre/server/fuzzy"
)

// EventKind is what an Event tells.
type EventKind uint8

// The kinds of events.
const (
	// ServiceAppeared is a service that has its first instance, ServiceGone one that lost its last.
	ServiceAppeared EventKind = iota
	ServiceGone
	// InstanceUp is one that came, or became healthy; InstanceDown one that came as unhealthy, or became so.
	InstanceUp
	InstanceDown
	InstanceChanged
	InstanceRemoved
	// InstanceOverridden is one that an operator laid something over, or took it away.
	InstanceOverridden
	// ServiceDescribed is one whose description changed or went, ServiceRemoved one that somebody took away.
	ServiceDescribed
	ServiceRemoved
)

// Event is something that a person wants to know.
type Event struct {
	AtMs int64
	Kind EventKind
	Key  Key
	// Of and what follows it are of an instance, as it is shown.
	Of               InstanceID
	Healthy, Enabled bool
	Weight           float64
	// Node is the one that owns the client of an instance; "" where that says nothing.
	Node string
	// Detail says in words what the other fields do not; By is who did it.
	Detail, By string
}

// maxEvents bounds the events that wait while Config.Events takes others. More are dropped, but not those of services, which fuzzy watches
// depend on.
const maxEvents = 65_536

// maxSpare is how many events a list has room for that is used again.
const maxSpare = 256

// eventQueue takes events under any lock and hands them out under none, in their order.
type eventQueue struct {
	mu    sync.Mutex
	list  []Event
	spare []Event // empty, the next list
	busy  bool    // somebody hands out
}

func (q *eventQueue) add(r *Registry, e Event) {
	ofService := e.Kind <= ServiceGone
	if (r.cfg.Events == nil || r.loading.Load() != 0) && !ofService {
		return
	}
	e.AtMs = r.wall()
	q.mu.Lock()
	if len(q.list) < maxEvents || ofService {
		q.list = append(q.list, e)
	}
	q.mu.Unlock()
}

// flush hands out what is there, unless somebody does already. The queue is as long as what is added in the meantime.
func (q *eventQueue) flush(r *Registry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.busy || len(q.list) == 0 {
		return
	}
	q.busy = true
	for len(q.list) > 0 {
		list := q.list
		q.list, q.spare = q.spare, nil
		q.mu.Unlock()
		for _, e := range list {
			if e.Kind <= ServiceGone {
				r.fuzzy.Changed(e.Key, e.Kind == ServiceAppeared)
			}
			if r.cfg.Events != nil && !(e.Kind == ServiceAppeared && r.loading.Load() != 0) {
				r.cfg.Events(e)
			}
		}
		q.mu.Lock()
		if cap(list) <= maxSpare {
			clear(list)
			q.spare = list[:0]
		}
	}
	q.busy = false
}

// Watch begins a watch of the services of a pattern that have instances; see fuzzy.Index.
func (r *Registry) Watch(p fuzzy.Pattern, known []Key, initial bool, notify func()) (w *fuzzy.Watch[Key], over bool, err error) {
	return r.fuzzy.Watch(p, known, initial, r.Each, notify)
}
