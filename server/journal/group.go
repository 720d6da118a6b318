package journal

import (
	"context"
	"sync"
	"sync/atomic"

	"nacre/server/fault"
)

// Committer makes one group of commands durable, applies it on this node and returns one result for
// each. One call is under way at a time.
type Committer interface {
	Commit(ctx context.Context, group []Command) ([]Result, error)
}

// GroupConfig bounds a Group. The zero value means the defaults.
type GroupConfig struct {
	// MaxCommands is how many commands one group holds at most. Default 1024.
	MaxCommands int
	// MaxBytes is the size of the bodies in one group, above which no further command joins it. Default 4 MiB.
	MaxBytes int
	// MaxWaiting is how many commands may wait for their group; more are refused. Default 16384.
	MaxWaiting int
	// MaxWaitingBytes is the size of the bodies that may wait. Default 256 MiB.
	MaxWaitingBytes int
	// OnGroup, when set, is told how many commands each committed group had.
	OnGroup func(commands int)
}

func (c GroupConfig) withDefaults() GroupConfig {
	if c.MaxCommands <= 0 {
		c.MaxCommands = 1024
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = 4 << 20
	}
	if c.MaxWaiting <= 0 {
		c.MaxWaiting = 16384
	}
	if c.MaxWaitingBytes <= 0 {
		c.MaxWaitingBytes = 256 << 20
	}
	return c
}

// Group is the Journal that gathers commands into groups. Run must be running.
type Group struct {
	to  Committer
	cfg GroupConfig

	mu      sync.Mutex // guards what follows; held for moments only
	waiting []*wait
	bytes   int
	closed  bool
	wake    chan struct{}

	groups, commands atomic.Uint64
}

var _ Journal = (*Group)(nil)

type wait struct {
	cmd    Command
	result Result
	err    error
	done   chan struct{}
}

// NewGroup returns a journal that commits through to.
func NewGroup(to Committer, cfg GroupConfig) *Group {
	return &Group{to: to, cfg: cfg.withDefaults(), wake: make(chan struct{}, 1)}
}

// Stats returns how many groups and how many commands were committed since the start.
func (g *Group) Stats() (groups, commands uint64) { return g.groups.Load(), g.commands.Load() }

// Waiting returns how many commands wait for their group now.
func (g *Group) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

// Submit implements Journal. It blocks until the command's group is committed or ctx ends.
func (g *Group) Submit(ctx context.Context, cmd Command) (Result, error) {
	w := &wait{cmd: cmd, done: make(chan struct{})}
	if err := g.enqueue(w); err != nil {
		return Result{}, err
	}
	select {
	case <-w.done:
		return w.result, w.err
	case <-ctx.Done():
		return Result{}, fault.Wrap(fault.Unavailable, ctx.Err(),
			"the write was not confirmed in time; whether it took effect is not known, read before trying again")
	}
}

func (g *Group) enqueue(w *wait) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed:
		return fault.New(fault.Unavailable, "the server is stopping; try another node, or again when it is back")
	case len(g.waiting) >= g.cfg.MaxWaiting:
		return fault.New(fault.Limited, "%d writes are waiting already, the most that may; try again later", len(g.waiting))
	case g.bytes > 0 && g.bytes+len(w.cmd.Body) > g.cfg.MaxWaitingBytes:
		return fault.New(fault.Limited, "%d bytes of writes are waiting already, at most %d may; try again later", g.bytes, g.cfg.MaxWaitingBytes)
	}
	g.waiting = append(g.waiting, w)
	g.bytes += len(w.cmd.Body)
	if len(g.waiting) == 1 {
		select {
		case g.wake <- struct{}{}:
		default:
		}
	}
	return nil
}

// Run commits groups until ctx ends; then it commits what is already waiting, and refuses the rest.
func (g *Group) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			g.drain()
			return nil
		case <-g.wake:
			// A stop is not put off by those who go on submitting.
			for ctx.Err() == nil && g.commitNext(ctx) {
			}
		}
	}
}

func (g *Group) drain() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	// What waits was accepted while the server ran: its callers get an answer.
	for g.commitNext(context.Background()) {
	}
}

func (g *Group) commitNext(ctx context.Context) bool {
	batch := g.take()
	if len(batch) == 0 {
		return false
	}
	group := make([]Command, len(batch))
	for i, w := range batch {
		group[i] = w.cmd
	}
	results, err := g.to.Commit(context.WithoutCancel(ctx), group)
	if err == nil && len(results) != len(batch) {
		err = fault.New(fault.Internal, "%d results for %d commands", len(results), len(batch))
	}
	if err == nil {
		g.groups.Add(1)
		g.commands.Add(uint64(len(batch)))
		if g.cfg.OnGroup != nil {
			g.cfg.OnGroup(len(batch))
		}
	}
	for i, w := range batch {
		if w.err = err; err == nil {
			w.result = results[i]
		}
		close(w.done)
	}
	return true
}

func (g *Group) take() []*wait {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, size := 0, 0
	for n < len(g.waiting) && n < g.cfg.MaxCommands {
		body := len(g.waiting[n].cmd.Body)
		if n > 0 && size+body > g.cfg.MaxBytes {
			break
		}
		size += body
		n++
	}
	batch := g.waiting[:n:n]
	if rest := g.waiting[n:]; len(rest) > 0 {
		g.waiting = append(make([]*wait, 0, max(len(rest), 64)), rest...)
	} else {
		g.waiting = nil
	}
	g.bytes -= size
	return batch
}
