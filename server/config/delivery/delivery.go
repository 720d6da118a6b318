// Package delivery is the ledger of who listens for which configuration, what each has of it, and what
// each is still owed.
//
// A change stays owed to a listener until it was told of it and its next listen shows the md5 that it
// is to see; until then it is told again and again, ever more rarely. What is owed is the latest state
// alone, once for each client and key, so the ledger's memory is bounded by what is listened for.
//
// # Locks
//
// In this order: a shard of topics or the free slots, a session, then one of the leaves (the list of sessions that
// are owed something, the list of all sessions, the queue of events). Notifiers, Waiters and Config.Events
// are called under none.
package delivery

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/failpoint"
	"nacre/server/fault"
)

// Transports of clients.
const (
	GRPC = "grpc"
	HTTP = "http"
)

// Client is who listens. It is not changed after it was given to the ledger.
type Client struct {
	// ID names the client on this node for as long as it is connected.
	ID string
	// Transport is GRPC or HTTP.
	Transport string
	// IP is the address that the client claims, which variants match; Remote is its socket's, with the port.
	IP, Remote string
	// App, SDK and Tag are the application's name, the client library with its version, and the tag that variants match.
	App, SDK, Tag string
	// Tenant is the namespace that the client says it works in, as it spells it.
	Tenant string
	Labels map[string]string
	// ConnectedMs is when it came, in ms since 1970.
	ConnectedMs int64
}

// Notifier is told that its session has something to Take. Owed is called on the applying or the
// ledger's goroutine, perhaps once more while the session is closed: it must not block, and must make sure that Take
// is called soon.
type Notifier interface{ Owed() }

// Config is what a Ledger works with.
type Config struct {
	Clock clock.Clock
	// Item returns what is held of a key now, nil for nothing; it must not block.
	Item func(config.Key) *config.Item
	// Revision returns the revision of the last change; it must not block.
	Revision func() uint64
	// Events, when not nil, is told what a person wants to know. It must not block; calls come one at a time, in order.
	Events func(Event)
	// Acked, when not nil, is told how long after a push, to the ms, the client acknowledged it. It must not block.
	Acked func(time.Duration)
	// MaxListenings bounds the pairs of client and key. Default 5,000,000: about a GB at the most.
	MaxListenings int64
}

// Ledger knows who listens for what on this node. It is safe for concurrent use.
type Ledger struct {
	cfg    Config
	seed   maphash.Seed
	epoch  time.Time
	shards [shardCount]shard

	all     roster
	owing   owing
	slots   slotTable
	events  eventQueue
	scratch atomic.Pointer[[]*Session]
	wake    chan struct{}
	ended   chan struct{} // closed when Run ends

	listenings, behind     atomic.Int64
	waiting, waitingKeys   atomic.Int64
	pushes, acks, repeated atomic.Uint64
}

// New returns an empty ledger. Its Changed is to be called for every change, and Run must run.
func New(c Config) *Ledger {
	if c.MaxListenings <= 0 {
		c.MaxListenings = 5_000_000
	}
	l := &Ledger{cfg: c, seed: maphash.MakeSeed(), epoch: clock.Mono(), wake: make(chan struct{}, 1), ended: make(chan struct{})}
	for i := range l.shards {
		l.shards[i].topics = make(map[uint64]*topic)
	}
	l.slots.init(l)
	return l
}

// mono is the ledger's own time, in nanoseconds since New, for what is due.
func (l *Ledger) mono() int64 { return int64(clock.Mono().Sub(l.epoch)) }

func (l *Ledger) wall() int64 { return clock.Millis(l.cfg.Clock) }

// Open returns the session of a client that was connected. n is told when there is something to Take.
func (l *Ledger) Open(c Client, n Notifier) *Session {
	s := &Session{ledger: l, client: &c, ip: c.IP, notifier: n}
	l.all.add(s)
	l.events.add(l, Event{Kind: ClientConnected, Client: c})
	l.events.flush(l)
	return s
}

// Changed marks what a change of k means for everybody who listens for it: config.Options.Changed. It runs on
// the applying goroutine and does not block.
func (l *Ledger) Changed(k config.Key, _, after *config.Item) {
	sh, hash := l.shard(k)
	sh.mu.Lock()
	t := sh.find(hash, k)
	if t == nil {
		sh.mu.Unlock()
		return
	}
	tell := l.scratch.Swap(nil)
	if tell == nil {
		tell = new([]*Session)
	}
	*tell = l.mark(t, after, (*tell)[:0])
	if t.behind == 0 {
		l.synced(t)
	}
	sh.mu.Unlock()
	for i, s := range *tell {
		if s.slot != nil {
			s.slot.fire(k)
		} else {
			s.notifier.Owed()
		}
		(*tell)[i] = nil
	}
	l.scratch.Store(tell)
	l.events.flush(l)
}

// mark notes in every listening of t what its client is to see now, and appends the sessions that have
// something to take or a poll that waits. The shard is locked.
func (l *Ledger) mark(t *topic, after *config.Item, tell []*Session) []*Session {
	revision := max(l.cfg.Revision(), newest(after))
	known := revision > t.revision // else a restored state, whose numbers say nothing
	t.item, t.revision, t.announce = after, max(revision, t.revision), false
	now := l.wall()
	t.changedMs, t.syncedMs = now, 0
	want, same := after.MD5For(config.Client{}), after == nil || len(after.Grays) == 0
	for _, e := range t.list {
		s := e.session
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			continue
		}
		if !same {
			want = after.MD5For(s.sees())
		}
		e.loops = 0
		switch {
		case e.flags&behind == 0 && e.md5 == want:
		case e.flags&(behind|told) == behind && e.md5 == want:
			s.settle(e)
		case known && e.flags&told != 0 && e.revision >= revision: // its last listen saw this change already
		case failpoint.Inject("bug/dropped-push") != nil:
		default:
			s.owe(e, t.revision, now)
			if s.notifier != nil || s.slot.waiter != nil {
				tell = append(tell, s)
			}
		}
		s.mu.Unlock()
	}
	t.announce = true
	return tell
}

// newest returns the highest revision in an item.
func newest(i *config.Item) uint64 {
	if i == nil {
		return 0
	}
	rev := uint64(0)
	if i.Formal != nil {
		rev = i.Formal.Revision
	}
	for _, g := range i.Grays {
		rev = max(rev, g.Revision)
	}
	return rev
}

// nudge wakes Run when it sleeps because nothing is owed.
func (l *Ledger) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// WaitSync waits until nobody who listens for k is behind, or ctx or Run ends, and returns how many of how many have
// what they are to see. It counts the listeners of the moment it returns.
func (l *Ledger) WaitSync(ctx context.Context, k config.Key) (inSync, listeners int) {
	sh, hash := l.shard(k)
	for stop := false; ; {
		sh.mu.Lock()
		t := sh.find(hash, k)
		if t == nil {
			sh.mu.Unlock()
			return 0, 0
		}
		listeners, inSync = len(t.list), len(t.list)-t.behind
		if t.behind == 0 || stop || ctx.Err() != nil {
			sh.mu.Unlock()
			return inSync, listeners
		}
		if t.waiters == nil {
			t.waiters = make(chan struct{})
		}
		done := t.waiters
		sh.mu.Unlock()
		select {
		case <-done:
		case <-ctx.Done():
		case <-l.ended:
			stop = true
		}
	}
}

func (l *Ledger) tooMany(held int64) error {
	return fault.New(fault.Limited, "%d keys are listened for already, at most %d may be", held, l.cfg.MaxListenings)
}

// roster holds every session, in no order.
type roster struct {
	mu   sync.RWMutex
	list []*Session
}

func (r *roster) add(s *Session) {
	r.mu.Lock()
	s.at = int32(len(r.list))
	r.list = append(r.list, s)
	r.mu.Unlock()
}

func (r *roster) remove(s *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.list) - 1
	r.list[s.at] = r.list[last]
	r.list[s.at].at = s.at
	r.list[last] = nil
	r.list = r.list[:last]
	if cap(r.list) > 256 && last < cap(r.list)/4 {
		r.list = append(make([]*Session, 0, last*2), r.list...)
	}
}

// snapshot returns all sessions of this moment.
func (r *roster) snapshot() []*Session {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return append([]*Session(nil), r.list...)
}
