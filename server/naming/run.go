package naming

import (
	"context"
	"sync"
	"time"
)

const (
	// tick is how exactly timers of heartbeats come in their time, scanEvery how exactly repetitions do.
	tick      = 500 * time.Millisecond
	scanEvery = 250 * time.Millisecond
	// stallAfter is how late Run may be before heartbeats count as not heard rather than not sent.
	stallAfter = 2 * time.Second
	sweepEvery = time.Minute
)

// Run tells subscribers of changes, and again where they did not confirm them, counts missed heartbeats and cleans what is empty,
// until ctx ends. It is called once. While nothing is to be done it sleeps.
func (r *Registry) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	w := work{registry: r, sweep: r.mono() + int64(sweepEvery)}
	for {
		now := r.mono()
		next := min(w.tell(now), w.turn(now), w.remind(now), w.forget(now))
		r.events.flush(r)
		timer.Reset(time.Duration(max(next-r.mono(), 0)))
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-r.wake:
		}
	}
}

// nudge wakes Run when it may sleep.
func (r *Registry) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// work is what Run does. Each part returns when it is to be called again.
type work struct {
	registry                *Registry
	turned, reminded, sweep int64
	services                []*service
	sessions                []*Session
	timers                  []*timer
}

const never = int64(1) << 62

// tell tells the subscribers of services that changed long enough ago.
func (w *work) tell(now int64) int64 {
	if !w.registry.switches.get().PushEnabled {
		return never // it is kept what is to be told, until the switch changes
	}
	var next int64
	w.services, next = w.registry.dirty.take(w.services[:0], now-int64(w.registry.cfg.Delay))
	for i, s := range w.services {
		w.sessions = s.tell(w.sessions[:0])
		for n, c := range w.sessions {
			c.notifier.Owed()
			w.sessions[n] = nil
		}
		w.services[i] = nil
	}
	if next == never {
		return never
	}
	return next + int64(w.registry.cfg.Delay)
}

// turn lets pass the timers that are due.
func (w *work) turn(now int64) int64 {
	r := w.registry
	if r.wheel.idle() {
		w.turned = 0
		return never
	}
	if w.turned != 0 && now < w.turned+int64(tick) {
		return w.turned + int64(tick)
	}
	if w.turned != 0 && now-w.turned > int64(tick+stallAfter) {
		r.fresh.Store(now)
	}
	w.turned = now
	w.timers = r.wheel.due(w.timers[:0], now)
	for i, t := range w.timers {
		t.pass(r, now)
		w.timers[i] = nil
	}
	return now + int64(tick)
}

// remind makes due what clients did not confirm.
func (w *work) remind(now int64) int64 {
	r := w.registry
	if r.owing.empty() {
		return never
	}
	if now < w.reminded+int64(scanEvery) {
		return w.reminded + int64(scanEvery)
	}
	w.reminded = now
	w.sessions = r.owing.snapshot(w.sessions[:0])
	for i, c := range w.sessions {
		if c.overdue(now) && c.notifier != nil {
			c.notifier.Owed()
		}
		w.sessions[i] = nil
	}
	return now + int64(scanEvery)
}

// forget drops what was kept long enough of instances that are gone.
func (w *work) forget(now int64) int64 {
	if now >= w.sweep {
		w.sweep = now + int64(sweepEvery)
		w.registry.history.sweep(w.registry.wall() - goneKept.Milliseconds())
	}
	return w.sweep
}

// pass is called when a timer is due.
func (t *timer) pass(r *Registry, now int64) {
	if t.pub != nil {
		r.missed(t.pub, now)
		return
	}
	s := t.service
	s.mu.Lock()
	if s.drain == t {
		s.sink()
	}
	if s.timer == t {
		if wait := s.clean(now); wait > 0 {
			s.timer = t
			r.wheel.set(t, now+wait)
		}
	}
	r.settle(s)
}

// dirtyList are the services whose subscribers are to be told, those that changed first first.
type dirtyList struct {
	mu   sync.Mutex
	list []dirtyService
}

type dirtyService struct {
	service *service
	since   int64
}

func (d *dirtyList) add(s *service) {
	d.mu.Lock()
	d.list = append(d.list, dirtyService{s, s.registry.mono()})
	first := len(d.list) == 1
	d.mu.Unlock()
	if first {
		s.registry.nudge()
	}
}

// take moves those that changed at until or before to dst. It returns since when the first that stays is dirty.
func (d *dirtyList) take(dst []*service, until int64) ([]*service, int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for n < len(d.list) && d.list[n].since <= until {
		dst = append(dst, d.list[n].service)
		n++
	}
	if n > 0 {
		rest := copy(d.list, d.list[n:])
		clear(d.list[rest:])
		d.list = d.list[:rest]
	}
	if len(d.list) == 0 {
		return dst, never
	}
	return dst, d.list[0].since
}

// owing holds the sessions that are owed something, in no order.
type owing struct {
	mu   sync.Mutex
	list []*Session
}

// add wakes Run when c is the first.
func (o *owing) add(c *Session) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.owingAt == 0 {
		o.list = append(o.list, c)
		if c.owingAt = int32(len(o.list)); c.owingAt == 1 {
			c.registry.nudge()
		}
	}
}

func (o *owing) remove(c *Session) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.owingAt == 0 {
		return
	}
	last := o.list[len(o.list)-1]
	o.list[c.owingAt-1] = last
	last.owingAt = c.owingAt
	o.list[len(o.list)-1] = nil
	o.list = o.list[:len(o.list)-1]
	c.owingAt = 0
	if cap(o.list) > 16_384 && len(o.list) < cap(o.list)/4 {
		o.list = append(make([]*Session, 0, 2*len(o.list)), o.list...)
	}
}

func (o *owing) empty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.list) == 0
}

func (o *owing) snapshot(dst []*Session) []*Session {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append(dst, o.list...)
}
