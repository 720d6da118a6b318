package replica

import (
	"sync"

	"nacre/server/journal"
)

// bell wakes all who wait for it. The zero value is ready.
type bell struct {
	mu sync.Mutex
	ch chan struct{} // nil: nobody waits
}

// wait returns what is closed when the bell rings next; to be called before looking at what changes.
func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}

// waits are this node's groups that are on their way through the log of the cluster. One ends when
// this node applies the entry with its origin.
type waits struct {
	node string
	run  uint64

	mu   sync.Mutex
	seq  uint64
	open map[uint64]*waiting
}

type waiting struct {
	origin journal.Origin
	done   chan struct{} // closed when one of the following is set
	// results are what was decided; void says that the entry came in a term that it was not for, and
	// skipped that it may be part of a snapshot that was received.
	results       []journal.Result
	void, skipped bool
}

func newWaits(node string, run uint64) *waits {
	return &waits{node: node, run: run, open: map[uint64]*waiting{}}
}

// add begins to wait for a group that is for the given term.
func (w *waits) add(term uint64) *waiting {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seq++
	g := &waiting{origin: journal.Origin{Node: w.node, Run: w.run, Seq: w.seq, Term: term}, done: make(chan struct{})}
	w.open[w.seq] = g
	return g
}

// drop ends the waiting for g.
func (w *waits) drop(g *waiting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, g.origin.Seq)
}

func (w *waits) arrived(o journal.Origin, results []journal.Result, void bool) {
	if o.Node != w.node || o.Run != w.run {
		return
	}
	w.mu.Lock()
	g := w.open[o.Seq]
	delete(w.open, o.Seq)
	w.mu.Unlock()
	if g != nil {
		g.results, g.void = results, void
		close(g.done)
	}
}

// skipped ends all: what became of them can't be known any more.
func (w *waits) skipped() {
	w.mu.Lock()
	open := w.open
	w.open = map[uint64]*waiting{}
	w.mu.Unlock()
	for _, g := range open {
		g.skipped = true
		close(g.done)
	}
}
