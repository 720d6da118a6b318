package naming

import "sync"

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
	// Detail says in words what the other fields do not; By is who did it.
	Detail, By string
}

// maxEvents bounds the events that wait while Config.Events takes others. More are dropped, but not those that Config.Appeared is told
// of: a name that appears and goes between two hand-outs is told of once for each.
const maxEvents = 65_536

// eventQueue takes events under any lock and hands them out under none, in their order.
type eventQueue struct {
	mu   sync.Mutex
	list []Event
	busy bool // somebody hands out
}

func (q *eventQueue) add(r *Registry, e Event) {
	if r.cfg.Events == nil && (r.cfg.Appeared == nil || e.Kind > ServiceGone) {
		return
	}
	e.AtMs = r.wall()
	q.mu.Lock()
	if len(q.list) < maxEvents || e.Kind <= ServiceGone && r.cfg.Appeared != nil {
		q.list = append(q.list, e)
	}
	q.mu.Unlock()
}

// flush hands out what is there, unless somebody does already. The queue is as long as what is added in the meantime.
func (q *eventQueue) flush(r *Registry) {
	if r.cfg.Events == nil && r.cfg.Appeared == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.busy {
		return
	}
	q.busy = true
	for len(q.list) > 0 {
		list := q.list
		q.list = nil
		q.mu.Unlock()
		for _, e := range list {
			if r.cfg.Appeared != nil && e.Kind <= ServiceGone {
				r.cfg.Appeared(e.Key, e.Kind == ServiceAppeared)
			}
			if r.cfg.Events != nil {
				r.cfg.Events(e)
			}
		}
		q.mu.Lock()
	}
	q.busy = false
}
