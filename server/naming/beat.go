package naming

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"nacre/server/failpoint"
	"nacre/server/fault"
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
	c := *e.own
	c.Healthy = healthy
	e.own = &c
	e.shown = s.cover(e.own)
	what, kind := Unhealthy, InstanceDown
	if healthy {
		what, kind = Healthy, InstanceUp
	}
	s.note(e.own, what, why, by)
	s.event(kind, e.shown, why, by)
}

// RegisterHTTP registers an instance that lives by heartbeats, the first of which this is. It replaces what this address
// and port registered of the service before. Faults: Invalid, Limited.
func (r *Registry) RegisterHTTP(by Actor, k Key, i Instance) error {
	own, err := r.adopt(i, true)
	if err != nil {
		return err
	}
	for {
		c := r.come(clientAddr{addr{own.IP, own.Port}, true})
		own.IP = c.client.IP // shared
		err := c.publish(k, []*Instance{own}, by.String())
		if fault.CodeOf(err) != CodeGone {
			if err != nil {
				c.leave()
			}
			return err
		}
	}
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

// DeregisterHTTP takes away what an address and port registered of a service to live by heartbeats, whatever its cluster, as Nacos
// does. It reports whether there was anything.
func (r *Registry) DeregisterHTTP(by Actor, k Key, ip string, port int) bool {
	c := r.at(clientAddr{addr{ip, port}, true})
	return c != nil && c.withdraw(k, "deregistered", by.String())
}

// Beaten is the answer to a heartbeat.
type Beaten struct {
	// Known says that the instance was there, or was registered by this heartbeat. If not, its client is to register it.
	Known bool
	// IntervalMs is after how long the next heartbeat is to come.
	IntervalMs int64
}

// Beat notes a heartbeat of an instance. Of one that is not known, a full heartbeat, with all that is registered of it, registers it; a
// light one has address and port alone. Faults: those of RegisterHTTP, of a full heartbeat.
func (r *Registry) Beat(by Actor, k Key, i Instance, full bool) (Beaten, error) {
	out := Beaten{IntervalMs: r.switches.get().ClientBeatInterval}
	c := r.at(clientAddr{addr{i.IP, i.Port}, true})
	var p *publication
	held := false
	if c != nil {
		c.mu.Lock()
		p, held = c.pubs.find(&k)
		c.mu.Unlock()
	}
	if !held {
		if !full {
			return out, nil
		}
		if err := r.RegisterHTTP(by, k, i); err != nil {
			return out, err
		}
		out.Known = true
		if v, ok := i.Metadata.normal().Get(BeatIntervalKey); ok && v != "" {
			out.IntervalMs = BeatsOf(i.Metadata.normal()).IntervalMs
		}
		return out, nil
	}
	r.counts.beaten.Add(1)
	if failpoint.Inject("bug/deaf-to-heartbeats") == nil {
		p.beaten()
	}
	c.Heard()
	if p.beat.sick.Load() {
		r.recovered(p)
	}
	if times := p.beat.times.Load(); times != &DefaultBeats {
		out.IntervalMs = times.IntervalMs
	}
	out.Known = true
	return out, nil
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
