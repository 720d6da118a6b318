package check

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"nacre/e2e/torture/history"
)

func keysOf[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// acked returns the acknowledged changes with a known revision, in the order of their calls.
func (b *book) acked() []*history.Op {
	var out []*history.Op
	for _, o := range b.Ops {
		if o.Writes() && o.Outcome == history.OK && o.Revision > 0 {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(x, y *history.Op) int { return int(x.Call - y.Call) })
	return out
}

// order checks that revisions go with time, over all keys, and that none is given twice.
func order(b *book) (bad []string) {
	ops := b.acked()
	taken := map[uint64]*history.Op{}
	for _, o := range ops {
		if other := taken[o.Revision]; other != nil {
			bad = append(bad, fmt.Sprintf("%s and %s have one revision", describe(other), describe(o)))
		}
		taken[o.Revision] = o
	}
	byReturn := slices.SortedFunc(slices.Values(ops), func(x, y *history.Op) int { return int(x.Return - y.Return) })
	var newest *history.Op
	i := 0
	for _, o := range ops {
		for ; i < len(byReturn) && byReturn[i].Return < o.Call; i++ {
			if newest == nil || byReturn[i].Revision > newest.Revision {
				newest = byReturn[i]
			}
		}
		if newest != nil && o.Revision < newest.Revision {
			bad = append(bad, fmt.Sprintf("%s was called after %s was answered, and has an older revision", describe(o), describe(newest)))
		}
	}
	return bad
}

// reads returns the local reads that found something, in the order of their calls.
func (b *book) reads() []*history.Op {
	var out []*history.Op
	for _, o := range b.Ops {
		if o.Kind == history.Local && o.Outcome == history.OK && o.Revision > 0 {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(x, y *history.Op) int { return int(x.Call - y.Call) })
	return out
}

// monotonic checks that what one client reads of a key on one connection never gets older.
func monotonic(b *book) (bad []string) {
	type session struct {
		client, node, session int
		key                   string
	}
	last := map[session]*history.Op{}
	for _, o := range b.reads() {
		if !b.sent[o.Key+"\x00"+o.Value] {
			bad = append(bad, describe(o)+" is of a value that was never written to it")
		}
		s := session{o.Client, o.Node, o.Session, o.Key}
		if before := last[s]; before != nil && o.Revision < before.Revision {
			bad = append(bad, fmt.Sprintf("%s came after %s", describe(o), describe(before)))
		}
		last[s] = o
	}
	return bad
}

// ownWrites checks that a node which acknowledged a change shows it, or a newer one, from then on.
func ownWrites(b *book) (bad []string) {
	type place struct {
		node, start int
		key         string
	}
	acked := map[place][]*history.Op{}
	for _, o := range b.acked() {
		p := place{o.Node, o.Start, o.Key}
		acked[p] = append(acked[p], o)
	}
	for _, ops := range acked {
		slices.SortFunc(ops, func(x, y *history.Op) int { return int(x.Return - y.Return) })
	}
	for _, o := range b.reads() {
		var newest *history.Op
		for _, a := range acked[place{o.Node, o.Start, o.Key}] {
			if a.Return >= o.Call {
				break
			}
			if newest == nil || a.Revision > newest.Revision {
				newest = a
			}
		}
		if newest != nil && o.Revision < newest.Revision {
			bad = append(bad, fmt.Sprintf("%s does not see %s", describe(o), describe(newest)))
		}
	}
	return bad
}

// stale checks how far local reads are behind while nothing is wrong.
func stale(b *book) (bad []string) {
	acked := map[string][]*history.Op{}
	for _, o := range b.acked() {
		acked[o.Key] = append(acked[o.Key], o)
	}
	for _, o := range b.reads() {
		if b.disturbed(o.Call, o.Return) {
			continue
		}
		for _, a := range acked[o.Key] {
			if a.Return >= o.Call {
				continue
			}
			if a.Revision > o.Revision {
				behind := time.Duration(o.Call - a.Return)
				b.stalest = max(b.stalest, behind)
				if behind > b.limits.Stale {
					bad = append(bad, fmt.Sprintf("%s does not see %s, acknowledged %v before", describe(o), describe(a), behind))
					break
				}
			}
		}
	}
	return bad
}

// minority checks that nothing is acknowledged, nor strongly read, on a node that has no majority.
func minority(b *book) (bad []string) {
	for _, f := range b.Faults {
		for _, o := range b.Ops {
			if o.Outcome == history.OK && o.Kind != history.Local && slices.Contains(f.Cut, o.Node) && o.Call > f.CutFrom && o.Return < f.CutUntil {
				bad = append(bad, fmt.Sprintf("%s was acknowledged though the node was cut off (%s)", describe(o), f.Name))
			}
		}
	}
	return bad
}

// refused checks that a node without a majority refuses writes in time.
func refused(b *book) (bad []string) {
	for _, f := range b.Faults {
		for _, o := range b.Ops {
			// A leader that was cut off just now has entries under way.
			from := f.CutFrom + int64(3*time.Second)
			if o.Writes() && slices.Contains(f.Cut, o.Node) && o.Call > from && o.Return < f.CutUntil && time.Duration(o.Return-o.Call) > b.limits.Refuse {
				bad = append(bad, fmt.Sprintf("%s took %v without a majority (%s)", describe(o), time.Duration(o.Return-o.Call), f.Name))
			}
		}
	}
	return bad
}

// durable checks that no acknowledgement is faster than the fsyncs of a majority.
func durable(b *book) (bad []string) {
	for _, f := range b.Faults {
		if f.Delay == 0 {
			continue
		}
		for _, o := range b.Ops {
			if o.Writes() && o.Outcome == history.OK && o.Call > f.CutFrom && o.Return < f.CutUntil && o.Return-o.Call < f.Delay {
				bad = append(bad, fmt.Sprintf("%s was acknowledged after %v while each fsync took %v", describe(o), time.Duration(o.Return-o.Call), time.Duration(f.Delay)))
			}
		}
	}
	return bad
}
