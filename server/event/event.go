// Package event carries facts between the parts of one node.
//
// A Topic belongs to the package that states its fact. Publish never waits for a subscriber, so a
// topic may be published to while a raft entry is applied. A subscription coalesces by key: its
// memory is bounded by the keys alive, and the last state of each is never lost.
package event

import "sync"

// Topic is a fact of type E that subscribers learn of. The zero value is ready for use.
type Topic[E any] struct {
	mu   sync.RWMutex
	subs map[subscriber[E]]struct{}
}

type subscriber[E any] interface{ offer(E) }

// Publish hands e to every subscription and returns at once.
func (t *Topic[E]) Publish(e E) {
	t.mu.RLock()
	for s := range t.subs {
		s.offer(e)
	}
	t.mu.RUnlock()
}

func (t *Topic[E]) add(s subscriber[E]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.subs == nil {
		t.subs = make(map[subscriber[E]]struct{})
	}
	t.subs[s] = struct{}{}
}

func (t *Topic[E]) remove(s subscriber[E]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.subs, s)
}

// Sub is one reader of a topic. Use Wake and Drain from one goroutine; Close from any, once.
type Sub[K comparable, E any] struct {
	topic *Topic[E]
	key   func(E) K
	wake  chan struct{}

	mu    sync.Mutex
	order []K
	last  map[K]E
}

// Subscribe returns a subscription that keeps, for each key, the last event since the last Drain.
func Subscribe[K comparable, E any](t *Topic[E], key func(E) K) *Sub[K, E] {
	s := &Sub[K, E]{topic: t, key: key, wake: make(chan struct{}, 1), last: make(map[K]E)}
	t.add(s)
	return s
}

func (s *Sub[K, E]) offer(e E) {
	k := s.key(e)
	s.mu.Lock()
	if _, held := s.last[k]; !held {
		s.order = append(s.order, k)
	}
	s.last[k] = e
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Wake returns a channel that has a value when something is to be drained.
func (s *Sub[K, E]) Wake() <-chan struct{} { return s.wake }

// Drain returns what gathered since the last call, in the order in which each key first changed.
func (s *Sub[K, E]) Drain() []E {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) == 0 {
		return nil
	}
	out := make([]E, len(s.order))
	for i, k := range s.order {
		out[i] = s.last[k]
	}
	clear(s.last)
	s.order = s.order[:0]
	return out
}

// Close ends the subscription; what was not drained is dropped.
func (s *Sub[K, E]) Close() { s.topic.remove(s) }
