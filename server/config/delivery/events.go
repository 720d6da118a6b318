package delivery

import (
	"sync"

	"nacre/server/config"
)

// Kind is what an Event tells.
type Kind uint8

// The kinds of events.
const (
	// ClientConnected and ClientGone are about a client, the others about a configuration, too.
	ClientConnected Kind = iota
	ClientGone
	// ClientBehind says that a client did not confirm a change within a second or so, ClientLooping that it asks again and
	// again with a wrong md5, ClientInSync that one of which either was said has what it is to see.
	ClientBehind
	ClientLooping
	ClientInSync
	// ConfigInSync says that everybody who listens has what was changed.
	ConfigInSync
)

// Event is something that a person wants to know.
type Event struct {
	Kind   Kind
	Client Client
	Key    config.Key
	// Revision is of what the client is to see. MD5 is what it has; of ConfigInSync, the formal content's.
	Revision uint64
	MD5      string
	// InSync of Listeners have it; of ConfigInSync.
	InSync, Listeners int
}

// maxEvents bounds the events that wait while Config.Events takes others; more are dropped.
const maxEvents = 65_536

// eventQueue takes events under any lock and hands them out under none, in their order.
type eventQueue struct {
	mu   sync.Mutex
	list []Event
	busy bool // somebody hands out
}

func (q *eventQueue) add(l *Ledger, e Event) {
	if l.cfg.Events == nil {
		return
	}
	q.mu.Lock()
	if len(q.list) < maxEvents {
		q.list = append(q.list, e)
	}
	q.mu.Unlock()
}

// flush hands out what is there, unless somebody does already. The queue is as long as what is added in the meantime.
func (q *eventQueue) flush(l *Ledger) {
	if l.cfg.Events == nil {
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
			l.cfg.Events(e)
		}
		q.mu.Lock()
	}
	q.busy = false
}
