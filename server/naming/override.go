package naming

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Override is what an operator laid over an instance, whoever registers it. It is immutable. Its row is found by key,
// address, port and cluster.
type Override struct {
	Key Key
	Of  InstanceID
	// Enabled and Weight count where they are not nil.
	Enabled *bool
	Weight  *float64
	// Metadata is laid over what is registered.
	Metadata Metadata
	// Drain takes the instance out of service; the zero value does not.
	Drain Drain
	// User, IP and AtMs are of the last change.
	User, IP string
	AtMs     int64
}

// Drain lets the weight sink to nothing between FromMs and UntilMs, and takes the instance offline at OfflineMs, in ms since 1970.
type Drain struct{ FromMs, UntilMs, OfflineMs int64 }

// drainSteps is in how many steps the weight sinks.
const drainSteps = 20

// share returns what is left of the weight, whether the instance is offline, and when that changes next; 0 for never.
func (d Drain) share(nowMs int64) (left float64, offline bool, nextMs int64) {
	switch {
	case d == Drain{}:
		return 1, false, 0
	case nowMs >= d.OfflineMs:
		return 0, true, 0
	case nowMs >= d.UntilMs:
		return 0, false, d.OfflineMs
	case nowMs < d.FromMs:
		return 1, false, d.FromMs
	}
	step := max((d.UntilMs-d.FromMs)/drainSteps, 1)
	n := (nowMs-d.FromMs)/step + 1 // the first step is taken at once
	return max(1-float64(n)/drainSteps, 0), false, min(d.FromMs+n*step, d.UntilMs)
}

func (o *Override) empty() bool {
	return o.Enabled == nil && o.Weight == nil && len(o.Metadata) == 0 && o.Drain == Drain{}
}

// over returns what is shown of i at a time, in ms since 1970.
func (o *Override) over(i *Instance, nowMs int64) *Instance {
	if o == nil {
		return i
	}
	c := *i
	if o.Enabled != nil {
		c.Enabled = *o.Enabled
	}
	if o.Weight != nil {
		c.Weight = *o.Weight
	}
	if left, offline, _ := o.Drain.share(nowMs); left < 1 {
		c.Weight = math.Round(c.Weight*left*1e4) / 1e4
		c.Enabled = c.Enabled && !offline
	}
	c.Metadata = o.Metadata.Over(i.Metadata)
	if c.same(i) {
		return i
	}
	return &c
}

// String says in words what is laid over the instance.
func (o *Override) String() string {
	text := ""
	say := func(s string) {
		if text != "" {
			text += ", "
		}
		text += s
	}
	if o.Enabled != nil {
		if *o.Enabled {
			say("online")
		} else {
			say("offline")
		}
	}
	if o.Weight != nil {
		say("weight " + strconv.FormatFloat(*o.Weight, 'g', -1, 64))
	}
	if n := len(o.Metadata); n > 0 {
		say(fmt.Sprintf("%d keys of metadata", n))
	}
	if d := o.Drain; d != (Drain{}) {
		say("drained within " + seconds(d.UntilMs-d.FromMs) + ", offline " + seconds(d.OfflineMs-d.UntilMs) + " later")
	}
	return text
}

// cover returns what is shown of an instance now, and follows what lies over it in time.
func (s *service) cover(i *Instance) *Instance {
	o := s.overrides[i.Of()]
	if o == nil {
		return i
	}
	now := s.registry.wall()
	s.wait(o, now)
	return o.over(i, now)
}

// wait sets the timer of the next step of a drain. The caller holds s.mu.
func (s *service) wait(o *Override, nowMs int64) {
	_, _, next := o.Drain.share(nowMs)
	if next == 0 {
		return
	}
	r := s.registry
	at := r.mono() + (next-nowMs)*int64(time.Millisecond)
	if s.drain == nil {
		s.drain = &timer{service: s, drain: true}
	} else if s.drain.slot != 0 && s.drain.at <= at {
		return
	}
	r.wheel.set(s.drain, at)
}

// sink takes the next step of all drains.
func (s *service) sink() {
	s.drain = nil
	changed := false
	for _, e := range s.sorted {
		o := s.overrides[e.own.Of()]
		if o == nil || (o.Drain == Drain{}) {
			continue
		}
		before := e.shown
		if e.shown = s.cover(e.own); before.same(e.shown) {
			continue
		}
		changed = true
		if before.Enabled && !e.shown.Enabled {
			by := Actor{User: o.User, IP: o.IP}.String()
			s.note(e.own, Overridden, "drained: offline", by)
			s.event(InstanceOverridden, e, "drained: offline", by)
		}
	}
	if changed {
		s.changed()
	}
}
