package distro

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"nacre/server/clock"
	"nacre/server/distro/distropb"
	"nacre/server/naming"
)

// maxOwed bounds the clients that one node is to be told of. With more, it is told of none: it asks when it compares.
const maxOwed = 100_000

// peer is another node that is up.
type peer struct {
	sync *Sync
	id   string
	ctx  context.Context
	stop context.CancelFunc
	wake chan struct{}

	mu    sync.Mutex
	owed  map[string]string // clients that it is to be told of, with why they are gone
	state PeerState
}

// PeerState is how well another node is in step with this one.
type PeerState struct {
	Node string
	// Owed counts the clients that it is to be told of.
	Owed int
	// Sent is when it was told of changes last, Compared when this node last had all that it knows; zero for never.
	Sent, Compared time.Time
	// Repaired counts the clients that a comparison brought.
	Repaired int
	// Failure is why it can't be told, or compared with, now; "" when it can.
	Failure string
}

func newPeer(ctx context.Context, s *Sync, id string) *peer {
	p := &peer{sync: s, id: id, wake: make(chan struct{}, 1), owed: make(map[string]string), state: PeerState{Node: id}}
	p.ctx, p.stop = context.WithCancel(ctx)
	return p
}

// States returns how well the nodes that are up are in step, by their ids.
func (s *Sync) States() (list []PeerState) {
	s.each(func(p *peer) {
		p.mu.Lock()
		x := p.state
		x.Owed = len(p.owed)
		p.mu.Unlock()
		list = append(list, x)
	})
	slices.SortFunc(list, func(a, b PeerState) int { return cmp.Compare(a.Node, b.Node) })
	return list
}

// owe has the node told of clients.
func (p *peer) owe(changed []naming.Change) {
	if len(changed) == 0 {
		return
	}
	p.mu.Lock()
	for _, c := range changed {
		if _, owed := p.owed[c.ID]; !owed || c.Why != "" {
			p.owed[c.ID] = c.Why
		}
	}
	if len(p.owed) > maxOwed {
		clear(p.owed)
	}
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *peer) take() []naming.Change {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]naming.Change, 0, len(p.owed))
	for id, why := range p.owed {
		list = append(list, naming.Change{ID: id, Why: why})
	}
	clear(p.owed)
	return list
}

// send tells the node what changed, until it is stopped. One message is under way at a time.
func (p *peer) send() {
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-p.wake:
		}
		if !pause(p.ctx, p.sync.cfg.Delay) { // changes within it go as one
			return
		}
		changed := p.take()
		err := p.tell(changed)
		if p.ctx.Err() != nil {
			return
		}
		p.note(err, func(s *PeerState, now time.Time) { s.Sent = now })
		if err == nil {
			continue
		}
		p.owe(changed)
		if !pause(p.ctx, p.sync.cfg.Retry) {
			return
		}
	}
}

// tell sends what is to be said of clients, in messages of at most MaxBytes.
func (p *peer) tell(changed []naming.Change) error {
	s := p.sync
	chunk, size := new(distropb.Chunk), 0
	flush := func() error {
		if size == 0 {
			return nil
		}
		err := s.call(p.ctx, p.id, methodSync, chunk, nil)
		chunk, size = new(distropb.Chunk), 0
		return err
	}
	for _, c := range changed {
		for _, b := range s.cfg.Source.Encode(s.cfg.Members.Self(), s.cfg.Source.Incarnation(), c, s.cfg.MaxBytes) {
			if size > 0 && size+len(b) > s.cfg.MaxBytes {
				if err := flush(); err != nil {
					return err
				}
			}
			chunk.Copies = append(chunk.Copies, b)
			size += len(b) + perCopy
		}
	}
	return flush()
}

// perCopy is what stands around a copy in a message.
const perCopy = 8

// note keeps how a call ended, and says so in the log when that is another way than before.
func (p *peer) note(err error, well func(s *PeerState, now time.Time)) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	p.mu.Lock()
	before := p.state.Failure
	if p.state.Failure = text; err == nil {
		well(&p.state, clock.Mono())
	}
	p.mu.Unlock()
	switch log := p.sync.cfg.Log; {
	case before == "" && err != nil:
		log.Warn("a node can't be told of clients, or asked for its own", "node", p.id, "err", err)
	case before != "" && err == nil:
		log.Info("a node is told of clients, and asked for its own, again", "node", p.id)
	}
}

// verify compares what is known of the node's clients with what it knows, at once and then every few seconds, until it is stopped. When
// the node can't be asked, another one is that knows of it.
func (p *peer) verify() {
	s := p.sync
	for {
		repaired, err := s.compare(p.ctx, p.id, p.id, 0)
		if p.ctx.Err() != nil {
			return
		}
		p.note(err, func(x *PeerState, now time.Time) { x.Compared = now })
		if err != nil {
			repaired += p.compareElsewhere()
		}
		if repaired > 0 {
			p.mu.Lock()
			p.state.Repaired += repaired
			p.mu.Unlock()
		}
		if !pause(p.ctx, s.cfg.Every) {
			return
		}
	}
}

// compareElsewhere asks a third node for the clients of one that can't be reached from here.
func (p *peer) compareElsewhere() (repaired int) {
	s := p.sync
	for _, other := range s.cfg.Members.Alive() {
		if other == p.id || other == s.cfg.Members.Self() {
			continue
		}
		n, err := s.compare(p.ctx, other, p.id, 0)
		repaired += n
		if err == nil {
			break
		}
	}
	return repaired
}

// pause waits, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
