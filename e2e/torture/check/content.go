package check

import (
	"fmt"
	"slices"
	"strings"

	"nacre/e2e/torture/history"
)

// lost checks that each node holds in the end what was acknowledged, and nothing that nobody sent.
func lost(b *book) (bad []string) {
	newest := map[string]*history.Op{} // the acknowledged change of each key with the greatest revision
	doubtful := map[string]bool{}      // keys on which something may have happened after it
	for _, o := range b.acked() {
		if n := newest[o.Key]; n == nil || o.Revision > n.Revision {
			newest[o.Key] = o
		}
	}
	for _, o := range b.Ops {
		if n := newest[o.Key]; o.Writes() && n != nil && (o.Outcome == history.Unknown && o.Return > n.Call || o.Outcome == history.OK && o.Revision == 0 && o.Return > n.Call) {
			doubtful[o.Key] = true
		}
	}
	for _, f := range b.Finals {
		for _, o := range b.Ops {
			if o.Kind != history.Add {
				continue
			}
			held, ok := f.Configs[o.Key]
			switch {
			case o.Outcome == history.OK && !ok:
				bad = append(bad, fmt.Sprintf("node %d does not have %s, which was acknowledged: %s", f.Node, o.Key, describe(o)))
			case ok && held.MD5 != history.MD5(o.Value):
				bad = append(bad, fmt.Sprintf("node %d has another content of %s than was sent: %s", f.Node, o.Key, describe(o)))
			case ok && o.Outcome == history.Refused:
				bad = append(bad, fmt.Sprintf("node %d has %s, which was refused (%s): %s", f.Node, o.Key, o.Text, describe(o)))
			}
		}
		for _, key := range slices.Sorted(keysOf(newest)) {
			o := newest[key]
			held, ok := f.Configs[key]
			switch {
			case ok && held.Revision < o.Revision:
				bad = append(bad, fmt.Sprintf("node %d has revision %d of %s, acknowledged was %s", f.Node, held.Revision, key, describe(o)))
			case doubtful[key]:
			case !ok && o.Kind != history.Remove:
				bad = append(bad, fmt.Sprintf("node %d does not have %s, acknowledged was %s", f.Node, key, describe(o)))
			case ok && held.MD5 != history.MD5(o.Value):
				bad = append(bad, fmt.Sprintf("node %d has another content of %s than %s", f.Node, key, describe(o)))
			}
		}
		registers := map[string]bool{}
		for _, k := range b.Run.Keys {
			registers[k] = true
		}
		for _, key := range slices.Sorted(keysOf(f.Configs)) {
			if value := b.value[f.Configs[key].MD5]; registers[key] && !b.sent[key+"\x00"+value] {
				bad = append(bad, fmt.Sprintf("node %d has a content of %s that nobody sent", f.Node, key))
			}
		}
	}
	return bad
}

// same checks that all nodes hold the same in the end.
func same(b *book) (bad []string) {
	if len(b.Finals) == 0 {
		return nil
	}
	one := b.Finals[0]
	for _, f := range b.Finals[1:] {
		for _, key := range both(one.Configs, f.Configs) {
			if x, y := one.Configs[key], f.Configs[key]; x != y {
				bad = append(bad, fmt.Sprintf("%s is %+v on node %d and %+v on node %d", key, x, one.Node, y, f.Node))
			}
		}
		for _, service := range both(one.Instances, f.Instances) {
			if x, y := one.Instances[service], f.Instances[service]; !slices.Equal(x, y) {
				bad = append(bad, fmt.Sprintf("%s has the instances %s on node %d and %s on node %d", service, strings.Join(x, " "), one.Node, strings.Join(y, " "), f.Node))
			}
		}
	}
	pasts := map[string]*history.Past{}
	for _, p := range b.Pasts {
		first := pasts[p.Key]
		if first == nil {
			pasts[p.Key] = p
		} else if !slices.Equal(first.Versions, p.Versions) {
			bad = append(bad, fmt.Sprintf("the history of %s has %d rows on node %d and %d on node %d, or they differ", p.Key, len(first.Versions), first.Node, len(p.Versions), p.Node))
		}
	}
	return bad
}

// both returns the keys of two maps in their order.
func both[V any](x, y map[string]V) []string {
	return slices.Compact(slices.Sorted(func(yield func(string) bool) {
		for k := range x {
			if !yield(k) {
				return
			}
		}
		for k := range y {
			if !yield(k) {
				return
			}
		}
	}))
}

// past checks that the history has each acknowledged change exactly once, with who made it, and nothing that nobody did.
func past(b *book) (bad []string) {
	for _, p := range b.Pasts {
		rows := map[string]int{}         // md5 → how many rows made it
		removals := map[uint64]bool{}    // revisions
		made := map[string]*history.Op{} // md5 → operation
		found := map[uint64]string{}     // revision → md5
		last := ^uint64(0)
		for _, o := range b.Ops {
			if o.Key == p.Key && o.Writes() && o.Value != "" {
				made[history.MD5(o.Value)] = o
			}
		}
		for _, v := range p.Versions {
			if v.Revision >= last {
				bad = append(bad, fmt.Sprintf("the history of %s on node %d has revision %d after %d", p.Key, p.Node, v.Revision, last))
			}
			last = v.Revision
			if v.Operator == "" {
				bad = append(bad, fmt.Sprintf("revision %d of %s on node %d has no operator", v.Revision, p.Key, p.Node))
			}
			if v.Op == "D" {
				removals[v.Revision] = true
				continue
			}
			found[v.Revision] = v.MD5
			rows[v.MD5]++
			o := made[v.MD5]
			switch {
			case o == nil:
				bad = append(bad, fmt.Sprintf("revision %d of %s on node %d is of a content that nobody sent", v.Revision, p.Key, p.Node))
			case rows[v.MD5] == 2:
				bad = append(bad, fmt.Sprintf("the history of %s on node %d has twice: %s", p.Key, p.Node, describe(o)))
			case o.Outcome == history.Refused || o.Outcome == history.No:
				bad = append(bad, fmt.Sprintf("the history of %s on node %d has what was refused (%s): %s", p.Key, p.Node, o.Text, describe(o)))
			}
		}
		for _, o := range b.Ops {
			if o.Key != p.Key || !o.Writes() || o.Outcome != history.OK {
				continue
			}
			if o.Kind == history.Remove {
				if !removals[o.Revision] {
					bad = append(bad, fmt.Sprintf("the history of %s on node %d does not have: %s", p.Key, p.Node, describe(o)))
				}
			} else if sum := history.MD5(o.Value); rows[sum] == 0 || o.Revision > 0 && found[o.Revision] != sum {
				bad = append(bad, fmt.Sprintf("the history of %s on node %d does not have: %s", p.Key, p.Node, describe(o)))
			}
		}
	}
	return bad
}

// listeners checks what listeners were told: only what was written, never older after newer on one connection, and in the end,
// in time, what is there.
func listeners(b *book) (bad []string) {
	if len(b.Finals) == 0 {
		return nil
	}
	final := b.Finals[0]
	type place struct {
		listener int
		key      string
	}
	last := map[place]*history.Told{}
	newest := map[place]*history.Told{} // with a value, on the present connection
	for _, t := range b.Told {
		p := place{t.Listener, t.Key}
		last[p] = t
		if t.Value == "" {
			continue
		}
		if !b.sent[t.Key+"\x00"+t.Value] {
			bad = append(bad, fmt.Sprintf("listener %d was told of %s of %s, which nobody wrote", t.Listener, t.Value, t.Key))
		}
		if n := newest[p]; n != nil && n.Session == t.Session && b.revision[t.Value] > 0 && b.revision[t.Value] < b.revision[n.Value] {
			bad = append(bad, fmt.Sprintf("listener %d on node %d was told at %s of %s of %s (revision %d) after %s (revision %d)",
				t.Listener, t.Node, at(t.At), t.Value, t.Key, b.revision[t.Value], n.Value, b.revision[n.Value]))
		}
		newest[p] = t
	}
	changed := map[string]int64{}
	for _, o := range b.Ops {
		if o.Writes() && o.Outcome == history.OK {
			changed[o.Key] = max(changed[o.Key], o.Return)
		}
	}
	for p, t := range last {
		due := max(changed[p.key], b.lastFault(b.end)) + int64(b.limits.Told)
		switch {
		case history.MD5(t.Value) != final.Configs[p.key].MD5:
			bad = append(bad, fmt.Sprintf("listener %d on node %d still has %q of %s since %s, not revision %d that is there", p.listener, t.Node, t.Value, p.key, at(t.At), final.Configs[p.key].Revision))
		case t.At > due:
			bad = append(bad, fmt.Sprintf("listener %d on node %d learned of the last value of %s at %s only, it was due at %s", p.listener, t.Node, p.key, at(t.At), at(due)))
		}
	}
	slices.Sort(bad)
	return bad
}
