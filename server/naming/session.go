package naming

import (
	"slices"
	"time"

	"nacre/server/failpoint"
	"nacre/server/fault"
)

// Notifier is told that its session has something to Take. Owed is called on the registry's goroutine, perhaps once more
// while the session is closed: it must not block, and must make sure that Take is called soon.
type Notifier interface{ Owed() }

// Push is what a client is to be told: what its service looks like now.
type Push struct {
	View *View
	// Attempt counts from 1 how often the client was told of this view.
	Attempt int
}

// How long a push may be without an acknowledgement, and how long after a refusal it is told again. A client over UDP is told
// datagramTries times at the most: it asks for itself every ten seconds.
const (
	ackWait       = 5 * time.Second
	refusedWait   = time.Second
	datagramWait  = 2 * time.Second
	datagramTries = 3
)

// subscription is one client that wants to know of one service. Its session guards it, but for at, which the service
// does. clusters and told change under both.
type subscription struct {
	service    *service
	session    *Session
	prev, next *subscription // in the session's list
	clusters   string
	view       *View  // that the client is to be told; nil when it was told all
	told       uint64 // the revision of the view that the client was told last
	due        int64  // when to tell it again, on the registry's own time

	pushedMs, ackedMs, sinceMs int64

	at      int32
	attempt uint16
	ready   bool // stands in the list of what is due, else, with a view, in that of what was sent
}

func (x *subscription) serviceKey() *Key { return &x.service.key }

// list is a list of subscriptions, linked through them.
type list struct{ head, tail *subscription }

func (l *list) push(x *subscription) {
	x.prev, x.next = l.tail, nil
	if l.tail == nil {
		l.head = x
	} else {
		l.tail.next = x
	}
	l.tail = x
}

func (l *list) remove(x *subscription) {
	if x.prev == nil {
		l.head = x.next
	} else {
		x.prev.next = x.next
	}
	if x.next == nil {
		l.tail = x.prev
	} else {
		x.next.prev = x.prev
	}
	x.prev, x.next = nil, nil
}

// Subscribe returns what the client sees of a service, enabled instances of those clusters, and tells it of each change from
// then on. Once subscribed, other clusters take the place of the ones before. Faults: Invalid, Limited, Unavailable after Close.
func (c *Session) Subscribe(k Key, clusters string) (*View, error) {
	if err := checkKey(&k); err != nil {
		return nil, err
	}
	if n := len(clusters); n > maxClusterList {
		return nil, fault.New(fault.Invalid, "the list of clusters has %d characters, at most %d are allowed", n, maxClusterList).WithCode(CodeCluster)
	}
	r := c.registry
	s, err := r.open(&k, false)
	if err != nil {
		return nil, err
	}
	defer r.settle(s)
	v := s.view(asked{clusters: clusters, labels: s.labels(c.client.Labels)})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, fault.New(fault.Unavailable, "the client is gone").WithCode(CodeGone)
	}
	x, held := c.subs.find(&k)
	if !held {
		if n := len(c.subs.list); n >= r.cfg.MaxSubscribed {
			return nil, fault.New(fault.Limited, "client %s subscribes to %d services, the most that are allowed (setting max-subscriptions-per-client)", c.client.ID, n).WithCode(CodeLimit)
		}
		if n := r.counts.subscriptions.Add(1); n > r.cfg.MaxSubscriptions {
			r.counts.subscriptions.Add(-1)
			return nil, fault.New(fault.Limited, "there are %d subscriptions, the most that are allowed (setting max-subscriptions)", n-1).WithCode(CodeLimit)
		}
		x = &subscription{service: s, session: c, at: int32(len(s.subs)), sinceMs: r.wall()}
		s.subs = append(s.subs, x)
		c.subs.add(x)
	}
	x.clusters = v.Clusters
	c.confirm(x)
	x.told, x.attempt = v.Revision, 0
	return v, nil
}

// Subscribes reports whether the client subscribes to those clusters of a service.
func (c *Session) Subscribes(k Key, clusters string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	x, held := c.subs.find(&k)
	return held && x.clusters == clusters
}

// untold is the revision of no view.
const untold = ^uint64(0)

// Repeat has a subscribed client told in a push, too, what Subscribe returned, or what it is by then: clients of Java that
// connected anew subscribe again without reading the answer.
func (c *Session) Repeat(k Key) {
	s := c.registry.lock(&k)
	if s == nil {
		return
	}
	defer c.registry.settle(s)
	c.mu.Lock()
	x, held := c.subs.find(&k)
	if held {
		x.told = untold
	}
	c.mu.Unlock()
	if held && !s.dirty {
		s.dirty = true
		s.registry.dirty.add(s)
	}
}

// Unsubscribe ends a subscription; it reports whether there was one.
func (c *Session) Unsubscribe(k Key) bool {
	s := c.registry.lock(&k)
	if s == nil {
		return false
	}
	defer c.registry.settle(s)
	c.mu.Lock()
	x, held := c.subs.find(&k)
	if held {
		c.confirm(x)
		c.subs.remove(&k)
	}
	c.mu.Unlock()
	if held {
		s.unsubscribe(x)
	}
	return held
}

// unsubscribe takes out a subscription that is no longer its session's. The caller holds s.mu.
func (s *service) unsubscribe(x *subscription) {
	last := len(s.subs) - 1
	s.subs[x.at] = s.subs[last]
	s.subs[x.at].at = x.at
	s.subs[last] = nil
	s.subs = s.subs[:last]
	if cap(s.subs) > 64 && last < cap(s.subs)/4 {
		s.subs = slices.Clone(s.subs)
	}
	s.registry.counts.subscriptions.Add(-1)
}

// owe makes v what the client is to be told, and reports whether it is not told already. The caller holds both locks.
func (c *Session) owe(x *subscription, v *View) bool {
	switch {
	case x.view == nil && x.told == v.Revision, x.view != nil && x.view.Revision == v.Revision:
		return false
	case x.view == nil:
		c.registry.owing.add(c)
	case x.ready:
		x.view, x.attempt = v, 0
		return false // it was notified, and takes the later one
	default:
		c.sent.remove(x)
	}
	x.view, x.attempt, x.ready = v, 0, true
	c.ready.push(x)
	return true
}

// confirm makes x owed nothing. The caller holds c.mu.
func (c *Session) confirm(x *subscription) {
	if x.view == nil {
		return
	}
	if x.ready {
		c.ready.remove(x)
	} else {
		c.sent.remove(x)
	}
	x.view, x.ready = nil, false
	if c.ready.head == nil && c.sent.head == nil {
		c.registry.owing.remove(c)
	}
}

// Take appends to dst at most most views that the client is to be told of now, and takes them as told: Acked or
// Refused is to be called for each. When it appends none, nothing is due.
func (c *Session) Take(dst []Push, most int) []Push {
	r := c.registry
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ready.head == nil {
		return dst
	}
	now, wall := r.mono(), r.wall()
	wait := ackWait
	if c.client.Kind == Datagram {
		wait = datagramWait
	}
	for ; most > 0 && c.ready.head != nil; most-- {
		x := c.ready.head
		c.ready.remove(x)
		x.ready = false
		c.sent.push(x)
		x.due, x.pushedMs, x.told = now+int64(wait), wall, x.view.Revision
		if x.attempt < 1<<16-1 {
			x.attempt++
		}
		r.counts.pushes.Add(1)
		if x.attempt > 1 {
			r.counts.repeated.Add(1)
		}
		dst = append(dst, Push{View: x.view, Attempt: int(x.attempt)})
	}
	return dst
}

// Acked says that the client acknowledged a push.
func (c *Session) Acked(v *View) { c.answered(v, true) }

// Refused says that the client refused a push, did not answer it in time, or could not be sent it: it is told again, after a
// second, what there is to be told then.
func (c *Session) Refused(v *View) { c.answered(v, false) }

// Forgo says that the client can't be told of a view: there is nothing to be told then until the next change.
func (c *Session) Forgo(v *View) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if x, held := c.subs.find(&v.Key); held && x.view == v {
		c.confirm(x)
	}
}

func (c *Session) answered(v *View, ok bool) {
	r := c.registry
	if ok {
		r.counts.acks.Add(1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	x, held := c.subs.find(&v.Key)
	if !held || x.view != v || x.ready {
		return // something newer is to be told
	}
	if !ok {
		x.due = r.mono() + int64(refusedWait)
		return
	}
	x.ackedMs = r.wall()
	took := max(x.ackedMs-x.pushedMs, 0)
	r.counts.acked(took)
	if r.cfg.Acked != nil {
		r.cfg.Acked(time.Duration(took) * time.Millisecond)
	}
	c.confirm(x)
}

// overdue makes due what was told too long ago. It reports whether there is something to take.
func (c *Session) overdue(now int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	var next *subscription
	for x := c.sent.head; x != nil; x = next {
		next = x.next
		switch {
		case x.due > now:
		case c.client.Kind == Datagram && x.attempt >= datagramTries:
			c.confirm(x)
		default:
			c.sent.remove(x)
			x.ready = true
			c.ready.push(x)
		}
	}
	return c.ready.head != nil
}

// tell computes what the subscribers of s see now, and appends the sessions that have something to take to tell.
func (s *service) tell(tell []*Session) []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty = false
	if s.gone {
		return tell
	}
	var last *View
	for _, x := range s.subs {
		c := x.session
		if last == nil || len(s.selector) > 0 || last.Clusters != x.clusters {
			last = s.view(asked{clusters: x.clusters, labels: s.labels(c.client.Labels)})
		}
		c.mu.Lock()
		if failpoint.Inject("bug/dropped-update") == nil && c.notifier != nil && !c.closed && c.owe(x, last) {
			tell = append(tell, c)
		}
		c.mu.Unlock()
	}
	return tell
}
