package naming

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
)

// beat is what is known of the heartbeats of a publication. Its service guards timer and times, whose value is read by any.
type beat struct {
	timer timer
	last  atomic.Int64 // when it was heard, on the registry's own time
	sick  atomic.Bool  // the instance is unhealthy
	times atomic.Pointer[Beats]
}

func newBeat(p *publication) *beat {
	b := &beat{timer: timer{pub: p}}
	b.times.Store(&DefaultBeats)
	return b
}

// beaten notes that a heartbeat was heard.
func (p *publication) beaten() { p.beat.last.Store(p.service.registry.mono()) }

// heard notes that another node heard the client, which this one is to own.
func (p *publication) heard() {
	p.beaten()
	if p.beat.sick.Load() {
		p.service.registry.recovered(p)
	}
}

// follow sets the timer by what is published now. The caller holds the service's lock.
func (p *publication) follow() {
	if p.gone || len(p.entries) == 0 {
		return
	}
	e, b, r := p.entries[0], p.beat, p.service.registry
	times := &DefaultBeats
	if own := BeatsOf(e.shown.Metadata); own != DefaultBeats {
		times = &own
	}
	b.times.Store(times)
	b.sick.Store(!e.own.Healthy)
	wait := times.DeleteMs
	if e.own.Healthy && (times.TimeoutMs < wait || r.cfg.NoExpiry) {
		wait = times.TimeoutMs
	} else if r.cfg.NoExpiry {
		r.wheel.remove(&b.timer)
		return
	}
	r.wheel.set(&b.timer, max(b.last.Load(), r.fresh.Load())+wait*int64(time.Millisecond))
}

// missed looks whether heartbeats of p are missing, when its timer is due.
func (r *Registry) missed(p *publication, now int64) {
	s := p.service
	s.mu.Lock()
	defer r.settle(s)
	if p.gone || len(p.entries) == 0 {
		return
	}
	e, times := p.entries[0], p.beat.times.Load()
	silent := (now - max(p.beat.last.Load(), r.fresh.Load())) / int64(time.Millisecond)
	switch {
	case silent >= times.DeleteMs && !r.cfg.NoExpiry:
		r.counts.expired.Add(1)
		s.forsake(p.session, fmt.Sprintf("no heartbeat for %s", seconds(silent)), p.session.client.ID)
		return
	case silent >= times.TimeoutMs && e.own.Healthy:
		r.counts.unhealthies.Add(1)
		s.setHealth(e, false, fmt.Sprintf("no heartbeat for %s", seconds(silent)), p.session.client.ID)
		s.changed()
	}
	p.follow()
}

func seconds(ms int64) string {
	return strconv.FormatFloat(float64(ms/100)/10, 'f', -1, 64) + " s"
}

// setHealth makes an instance healthy or not. The caller holds s.mu, and calls changed.
func (s *service) setHealth(e *entry, healthy bool, why, by string) {
	own := *e.own
	own.Healthy = healthy
	s.replace(e, &own)
	c := e.pub.session
	c.mu.Lock()
	c.touch("")
	c.mu.Unlock()
	if s.other(e.own) != e {
		return // another node hears it
	}
	what, kind := Unhealthy, InstanceDown
	if healthy {
		what, kind = Healthy, InstanceUp
	}
	s.note(e.own, what, why, by)
	s.event(kind, e, why, by)
}

// leave parts with a client without a connection that publishes nothing.
func (c *Session) leave() {
	c.mu.Lock()
	gone := len(c.pubs.list) == 0 && !c.closed
	if gone {
		c.closed = true
	}
	c.mu.Unlock()
	if gone {
		c.registry.part(c)
	}
}

// recovered makes an instance healthy that is heard again.
func (r *Registry) recovered(p *publication) {
	s := p.service
	s.mu.Lock()
	defer r.settle(s)
	if p.gone || len(p.entries) == 0 || p.entries[0].own.Healthy {
		return
	}
	s.setHealth(p.entries[0], true, "a heartbeat was heard again", p.session.client.ID)
	s.changed()
	p.follow()
}

// BeginAnew starts the clocks of all heartbeats anew: what was not heard until now does not count, as after this node took over
// clients of another.
func (r *Registry) BeginAnew() { r.fresh.Store(r.mono()) }
