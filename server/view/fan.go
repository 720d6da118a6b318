// Package view answers for a whole cluster what each node knows of its own: who listens, who is connected, how it is.
//
// Every node is asked at the same time, over the connections that nodes have with each other, and has two seconds. What
// comes back says of each row which node it is of. A node that does not answer is named, never left out in silence.
package view

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"nacre/server/fault"
)

// Peers carry a question to another node. Faults: Unavailable when it can't be reached.
type Peers interface {
	Call(ctx context.Context, to, method string, body []byte) ([]byte, error)
}

// Member is a node that is asked: its id, and its address, by which people know it.
type Member struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

const (
	// patience is how long a node may take to answer.
	patience = 2 * time.Second
	// impatience is how long one may take that did not answer the last time: pages are read anew every second or so.
	impatience = 300 * time.Millisecond
	// askedAtOnce is how many nodes are asked at the same time for one answer.
	askedAtOnce = 16
)

// Fan asks nodes. Its zero value has this node alone.
type Fan struct {
	// Self is this node; Others returns the members that are to be asked besides, and must not block. Others is nil for a node
	// that runs alone.
	Self   func() Member
	Others func() []Member
	Peers  Peers

	mu     sync.Mutex
	silent map[string]bool // did not answer in time the last time
}

// Question is one that any node can answer. Here answers it on this one; it must not block for long.
type Question[Q, A any] struct {
	Method string
	Here   func(ctx context.Context, q Q) (A, error)
}

// Handler is how a node answers another one.
type Handler func(ctx context.Context, from string, body []byte) ([]byte, error)

// Serve is the question's Handler.
func (q *Question[Q, A]) Serve(ctx context.Context, _ string, body []byte) ([]byte, error) {
	var in Q
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "a question of another node can't be read; it runs another version")
	}
	a, err := q.Here(ctx, in)
	if err != nil {
		return nil, err
	}
	return json.Marshal(a)
}

// Answer is what a node says, or why it says nothing.
type Answer[A any] struct {
	Member
	// Here says that it is of this node.
	Here  bool
	Value A
	Err   error
}

// others returns who else is asked, by name.
func (f *Fan) others() []Member {
	if f.Others == nil {
		return nil
	}
	list := slices.Clone(f.Others())
	slices.SortFunc(list, func(a, b Member) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return list
}

// Alone reports whether there is nobody else to ask.
func (f *Fan) Alone() bool { return f.Others == nil || len(f.Others()) == 0 }

func (f *Fan) self() Member {
	if f.Self == nil {
		return Member{}
	}
	return f.Self()
}

// Ask asks all nodes. This node's answer is the first, then come the others by name. It returns after two seconds at the most.
func Ask[Q, A any](ctx context.Context, f *Fan, q *Question[Q, A], in Q) []Answer[A] {
	others := f.others()
	out := make([]Answer[A], 1+len(others))
	out[0] = Answer[A]{Member: f.self(), Here: true}
	var all sync.WaitGroup
	if len(others) > 0 {
		body, err := json.Marshal(in)
		room := make(chan struct{}, askedAtOnce)
		for i, m := range others {
			a := &out[1+i]
			a.Member = m
			if a.Err = err; err != nil {
				continue
			}
			all.Go(func() {
				room <- struct{}{} // each that is before this one ends in time
				defer func() { <-room }()
				a.Value, a.Err = call[A](ctx, f, m.ID, q.Method, body)
			})
		}
	}
	out[0].Value, out[0].Err = q.Here(ctx, in)
	all.Wait()
	return out
}

// AskOne asks the node of that id, this one for "". Faults: NotFound when there is no such node, Unavailable.
func AskOne[Q, A any](ctx context.Context, f *Fan, q *Question[Q, A], id string, in Q) (A, error) {
	if id == "" || id == f.self().ID {
		return q.Here(ctx, in)
	}
	var none A
	if !slices.ContainsFunc(f.others(), func(m Member) bool { return m.ID == id }) {
		return none, fault.New(fault.NotFound, "there is no node %s in this cluster", id)
	}
	body, err := json.Marshal(in)
	if err != nil {
		return none, err
	}
	return call[A](ctx, f, id, q.Method, body)
}

func call[A any](ctx context.Context, f *Fan, id, method string, body []byte) (A, error) {
	return callWithin[A](ctx, f, id, method, body, f.patienceFor(id))
}

func callWithin[A any](ctx context.Context, f *Fan, id, method string, body []byte, most time.Duration) (a A, err error) {
	wait, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	answer, err := f.Peers.Call(wait, id, method, body)
	if ctx.Err() == nil {
		f.heard(id, wait.Err() == nil)
	}
	if err != nil {
		if wait.Err() != nil {
			err = fault.Wrap(fault.Unavailable, err, "it did not answer in time")
		}
		return a, err
	}
	if err = json.Unmarshal(answer, &a); err != nil {
		return a, fault.Wrap(fault.Unavailable, err, "its answer can't be read; it runs another version")
	}
	return a, nil
}

func (f *Fan) patienceFor(id string) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.silent[id] {
		return impatience
	}
	return patience
}

func (f *Fan) heard(id string, inTime bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if inTime {
		delete(f.silent, id)
		return
	}
	if f.silent == nil {
		f.silent = make(map[string]bool)
	}
	f.silent[id] = true
}

// Absent is a node that did not answer, and why, in words.
type Absent struct {
	Member
	Why string `json:"why"`
}

// absent returns those that did not answer.
func absent[A any](answers []Answer[A]) (list []Absent) {
	for i := range answers {
		if a := &answers[i]; a.Err != nil {
			list = append(list, Absent{a.Member, fault.TextOf(a.Err)})
		}
	}
	return list
}

// nothing is what a question has to say that needs no more than its name.
type nothing struct{}
