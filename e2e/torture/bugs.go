package main

import (
	"fmt"
	"strings"
)

// bug is an error that is in the program behind a failpoint, to see that it is found.
type bug struct {
	name   string // of the failpoint
	what   string
	action string
	nodes  int
	faults []string
	// breaks are the invariants one of which must be found broken.
	breaks []string
}

var bugs = []bug{}

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
			mine.nodes = b.nodes
			e := &episode{options: &mine, spaces: spaces, seed: o.seeds[0] + attempt, faults: b.faults, bug: b.name,
				env: []string{"NACRE_FAILPOINTS=" + b.name + "=" + b.action}}
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
