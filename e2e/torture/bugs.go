package main

import (
	"fmt"
	"strings"
	"time"
)

// bug is an error that is in the program behind a failpoint, to see that it is found.
type bug struct {
	name   string // of the failpoint
	what   string
	action string
	nodes  int
	faults []string
	least  time.Duration // how long there must be load
	// breaks are the invariants one of which must be found broken.
	breaks []string
}

var bugs = []bug{
	{"bug/ack-before-fsync", "the log is written without fsync", "error", 1, []string{"fsync-slow"}, 0, []string{"P1"}},
	{"bug/apply-by-time", "a change with an older time than what is held is dropped", "error", 1, []string{"clock", "clock"}, 0, []string{"I1", "I2", "I8"}},
	{"bug/blind-cas", "conditions of changes are not looked at", "error", 1, []string{"pause"}, 0, []string{"I2 linearizable"}},
	{"bug/memory-not-changed", "a change is written, and memory keeps what it had", "error%100", 1, []string{"pause"}, 0, []string{"I1", "I2", "I3", "I8"}},
	{"bug/index-without-content", "the database notes an entry of the journal and not what it changed", "error%50", 1, []string{"kill", "kill"}, 0, []string{"I1", "I2", "I8", "harness"}},
	{"bug/refused-but-done", "a change is refused with the words that nothing was written, and is there", "error%50", 1, []string{"pause"}, 0, []string{"I1", "I8"}},
	{"bug/done-twice", "a change is made twice", "error%50", 1, []string{"pause"}, 0, []string{"I8"}},
	{"bug/nameless-history", "history does not say who made a change", "error%50", 1, []string{"pause"}, 0, []string{"I8"}},
	{"bug/dropped-push", "a listener is not told of a change", "error%3", 1, []string{"pause"}, 0, []string{"I4"}},
	{"bug/lingering-instance", "the instances of a connection that ended stay", "error%2", 1, []string{"pause"}, 0, []string{"I6"}},
	{"bug/deaf-to-heartbeats", "heartbeats are answered and not noted", "error", 1, []string{"clock"}, 25 * time.Second, []string{"I5"}},
	{"bug/stale-strong-read", "a strong read is answered from memory", "error", 3, []string{"pair", "partition"}, 0, []string{"I2 linearizable", "I9"}},
	{"bug/lease-read", "a leader takes it for granted that it still leads", "error", 3, []string{"partition", "blackhole", "partition", "blackhole"}, 0, []string{"I2 linearizable", "I9"}},
	{"bug/retry-in-doubt", "a write that may be in the log is written again", "error", 3, []string{"kill", "kill", "kill", "kill", "kill"}, 0, []string{"I1", "I2", "I8"}},
	{"bug/snapshot-without-wake", "listeners are not told of what a snapshot brought", "error", 3, []string{"partition", "partition", "partition"}, 0, []string{"I4"}},
	{"bug/dropped-update", "a subscriber is not told of a change", "error%3", 1, []string{"pause"}, 0, []string{"I6"}},
}

// points are the failpoints of its nodes.
func (b *bug) points() string { return b.name + "=" + b.action + "," + smallLog }

// findBugs runs episodes with each bug until it is found.
func (o *options) findBugs(spaces bool) int {
	missed := 0
	var table strings.Builder
	for _, b := range bugs {
		if o.bugs != "all" && !strings.Contains(","+o.bugs+",", ","+b.name+",") {
			continue
		}
		line := "NOT FOUND"
		for attempt := range uint64(3) {
			mine := *o
			mine.nodes, mine.duration = b.nodes, max(o.duration, b.least)
			e := &episode{options: &mine, spaces: spaces, seed: o.seeds[0] + attempt, faults: b.faults, bug: b.name,
				points: b.points()}
			r := e.run()
			if r.err != nil || r.void != "" {
				line = fmt.Sprintf("NOT FOUND: %v %s", r.err, r.void)
				continue
			}
			if v := b.found(r); v != "" {
				line = fmt.Sprintf("found by seed %d: %.160s", e.seed, v)
				break
			}
		}
		if strings.HasPrefix(line, "NOT") {
			missed++
		}
		fmt.Fprintf(&table, "%-26s %s\n", b.name, line)
		fmt.Printf("%-26s %s\n", b.name, line)
	}
	fmt.Printf("\nbugs put in on purpose:\n%s", table.String())
	if missed > 0 {
		return 1
	}
	return 0
}

// found returns the violation that shows the bug, "" when there is none.
func (b *bug) found(r outcome) string {
	for _, v := range r.result.Violations {
		for _, name := range b.breaks {
			if strings.HasPrefix(v.Invariant, name) {
				return v.String()
			}
		}
	}
	return ""
}
