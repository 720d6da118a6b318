package check

import (
	"fmt"
	"slices"
	"time"

	"nacre/e2e/torture/history"
)

// life is all that is known of one instance.
type life struct {
	instance, service string
	up, end           int64  // end is 0 while it lives
	how               string // it ended
	beats             bool
	nodes             []int // that its client was connected to
}

func (b *book) lives() map[string]*life {
	out := map[string]*life{}
	for _, l := range b.Lives {
		x := out[l.Instance]
		if x == nil {
			x = &life{instance: l.Instance, service: l.Service, up: l.At, beats: l.Beats}
			out[l.Instance] = x
		}
		if l.What == history.Up {
			x.nodes = append(x.nodes, l.Node)
		} else if x.end == 0 {
			x.end, x.how = l.At, l.What
		}
	}
	return out
}

// live checks that a node which says it is ready shows each instance whose client lives.
func live(b *book) (bad []string) {
	type place struct {
		node, start int
		service     string
	}
	samples := map[place][]*history.Sample{}
	for _, s := range b.Samples {
		if s.Subscriber == 0 {
			p := place{s.Node, s.Start, s.Service}
			samples[p] = append(samples[p], s)
		}
	}
	for _, list := range samples {
		slices.SortFunc(list, func(x, y *history.Sample) int { return int(x.Call - y.Call) })
	}
	cut := func(node int, at int64) bool {
		return slices.ContainsFunc(b.Faults, func(f *history.Fault) bool {
			return slices.Contains(f.Cut, node) && at >= f.CutFrom && at <= f.End+int64(b.limits.Settle)
		})
	}
	for _, x := range b.lives() {
		for p, list := range samples {
			if p.service != x.service {
				continue
			}
			from := int64(-1) // the first of the samples in a row that miss it
			for _, s := range list {
				if s.Call < x.up || x.end > 0 && s.Return > x.end || cut(p.node, s.Call) {
					from = -1
					continue
				}
				if slices.Contains(s.Present, x.instance) {
					from = -1
					continue
				}
				if from < 0 {
					from = s.Call
				}
				gap, limit := time.Duration(s.Call-from), b.limits.Gap
				if b.disturbed(from, s.Call) {
					limit = b.limits.GapInFault
				}
				if gap > limit {
					bad = append(bad, fmt.Sprintf("instance %s of %s, registered on nodes %v since %s, is missing on node %d from %s for more than %v", x.instance, x.service, x.nodes, at(x.up), p.node, at(from), limit))
					break
				}
			}
		}
	}
	slices.Sort(bad)
	return bad
}

// dead checks that instances of dead clients are not shown for long.
func dead(b *book) (bad []string) {
	lives := b.lives()
	told := map[string]bool{}
	for _, s := range b.Samples {
		if s.Subscriber > 0 {
			continue
		}
		for _, name := range s.Present {
			x := lives[name]
			if x == nil || x.end == 0 || s.Call < x.end {
				continue
			}
			limit := b.limits.Crashed
			switch {
			case x.beats && x.how != history.Left:
				limit = b.limits.Beats
			case x.how == history.Silent:
				limit = b.limits.Quiet
			}
			since := x.end
			if last := b.lastFault(s.Call); last > x.end {
				since = last // a node that was away begins its clocks anew
			}
			if time.Duration(s.Call-since) > limit && !told[name] {
				told[name] = true
				bad = append(bad, fmt.Sprintf("instance %s of %s is dead since %s (%s), and node %d still shows it at %s", name, x.service, at(x.end), x.how, s.Node, at(s.Call)))
			}
		}
	}
	// What subscribers were told last must be what is there.
	if len(b.Finals) == 0 {
		return bad
	}
	type place struct {
		subscriber int
		service    string
	}
	last := map[place]*history.Sample{}
	for _, s := range b.Samples {
		if s.Subscriber > 0 && s.Return <= b.Finals[0].At {
			last[place{s.Subscriber, s.Service}] = s
		}
	}
	for p, s := range last {
		if want := b.Finals[0].Instances[p.service]; !slices.Equal(want, s.Present) {
			bad = append(bad, fmt.Sprintf("subscriber %d on node %d was told last, at %s, that %s has %v, there are %v", p.subscriber, s.Node, at(s.Return), p.service, s.Present, want))
		}
	}
	return bad
}
