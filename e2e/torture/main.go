// Command torture runs a cluster of real nodes under load while machines fail, and checks what clients saw.
//
// Each episode starts nodes in network namespaces of their own, lets clients work until they are quick enough,
// does some faults, lets all come to rest, and looks for what must not be: see package check. The seed decides
// on faults, victims and lengths, not on the timing of threads.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"nacre/e2e/torture/check"
	"nacre/e2e/torture/history"
	"nacre/e2e/torture/lab"
	"nacre/e2e/torture/nemesis"
)

// options are what the command line says.
type options struct {
	seeds    []uint64
	nodes    int
	faults   []string
	each     int
	duration time.Duration
	binary   string
	out      string
	keep     bool
	naming   bool
	bugs     string
}

func main() {
	code, inner, why := lab.Enter()
	if inner {
		code = run(why)
	}
	os.Exit(code)
}

func run(noSpaces string) int {
	var o options
	seed := flag.String("seed", "1", "seeds, as in 7 or 1-10")
	flag.IntVar(&o.nodes, "nodes", 3, "how many nodes")
	faults := flag.String("faults", "", "faults to do, in this order, with commas between them; default: those that the seed picks")
	flag.IntVar(&o.each, "each", 3, "how many faults a seed picks")
	flag.DurationVar(&o.duration, "duration", 25*time.Second, "how long there is load from the first fault on, at least")
	replay := flag.String("replay", "", "do what a history did: its seed, its faults, its bug")
	recheck := flag.String("check", "", "check a history again and run nothing")
	flag.StringVar(&o.binary, "binary", "", "the program under test; default: it is built with failpoints")
	flag.StringVar(&o.out, "out", filepath.Join(os.TempDir(), "nacre-torture"), "folder for histories, logs and reports")
	flag.BoolVar(&o.keep, "keep", false, "keep the folders of episodes in which nothing was found, too")
	flag.BoolVar(&o.naming, "naming", true, "with clients of the registry")
	flag.StringVar(&o.bugs, "bugs", "", "run with bugs put in on purpose, each of which must be found: all, or names with commas between them")
	list := flag.Bool("list", false, "list faults and bugs")
	flag.Parse()

	switch {
	case *list:
		fmt.Println(strings.Join(nemesis.Describe(), "\n"))
		for _, b := range bugs {
			fmt.Printf("%-26s %s\n", b.name, b.what)
		}
		return 0
	case *recheck != "":
		h, err := history.Read(*recheck)
		if err != nil {
			return fail(err)
		}
		return report(h, check.Run(h, check.Default), os.Stdout)
	}
	if *faults != "" {
		o.faults = strings.Split(*faults, ",")
	}
	var err error
	if o.seeds, err = parseSeeds(*seed); err != nil {
		return fail(err)
	}
	bug := ""
	if *replay != "" {
		h, err := history.Read(*replay)
		if err != nil {
			return fail(err)
		}
		o.seeds, o.nodes, o.faults, o.duration = []uint64{h.Run.Seed}, h.Run.Nodes, h.Run.Faults, time.Duration(h.Run.Seconds)*time.Second
		bug = h.Run.Bug
	}
	for _, f := range o.faults {
		if !nemesis.Known(f) {
			return fail(fmt.Errorf("there is no fault %q; --list lists them", f))
		}
	}
	if noSpaces != "" {
		fmt.Printf("*** NO NAMESPACES: %s.\n*** Nodes run on addresses of the loopback interface: no partition and no full disk is tested.\n", noSpaces)
	}
	if err := o.build(); err != nil {
		return fail(err)
	}
	o.out = filepath.Join(o.out, strconv.Itoa(os.Getpid()))
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return fail(err)
	}
	if o.bugs != "" {
		return o.findBugs(noSpaces == "")
	}
	return o.episodes(noSpaces == "", bug)
}

// smallLog lets nodes trim their logs, and send snapshots, within seconds.
const smallLog = "replica/small-log=error"

// episodes runs one episode a seed and sums them up.
func (o *options) episodes(spaces bool, inject string) int {
	can, not := nemesis.Names(o.nodes, spaces)
	for name, why := range not {
		fmt.Printf("not tested: %s, as %s\n", name, why)
	}
	var sum struct{ found, void, acks, ops, faults int }
	begin := time.Now()
	for _, seed := range o.seeds {
		e := &episode{options: o, spaces: spaces, seed: seed, bug: inject, faults: o.faults}
		if seed%2 == 0 { // in each other one the log is trimmed all the time
			e.points = smallLog
		}
		if i := slices.IndexFunc(bugs, func(b bug) bool { return b.name == inject }); i >= 0 {
			e.points = bugs[i].points()
		}
		if len(e.faults) == 0 {
			e.faults = pick(can, seed, o.each)
		}
		r := e.run()
		sum.acks += r.acks
		switch {
		case r.err != nil:
			fmt.Println("torture:", r.err)
			sum.found++
			continue
		case r.void != "":
			fmt.Println("VOID:", r.void)
			sum.void++
			continue
		}
		sum.ops += r.result.Checked
		sum.faults += len(r.history.Faults)
		if code := report(r.history, r.result, os.Stdout); code != 0 {
			sum.found++
			fmt.Printf("again with: make torture ARGS='--replay %s'\n", r.file)
		} else if !o.keep {
			_ = os.RemoveAll(filepath.Dir(r.file))
		}
	}
	fmt.Printf("\n%d episodes in %.0f s: %d faults, %d writes acknowledged, %d operations in linearizability checks; %d with violations, %d void\n",
		len(o.seeds), time.Since(begin).Seconds(), sum.faults, sum.acks, sum.ops, sum.found, sum.void)
	switch {
	case sum.found > 0:
		return 1
	case sum.void > 0:
		return 3
	}
	return 0
}

// pick returns the faults of a seed: neighbouring seeds share none until all had their turn.
func pick(names []string, seed uint64, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = names[(int(seed)*n+i*7)%len(names)]
	}
	return slices.Compact(out)
}

func parseSeeds(text string) ([]uint64, error) {
	low, high, ranged := strings.Cut(text, "-")
	from, err := strconv.ParseUint(low, 10, 32)
	if err != nil || !ranged {
		return []uint64{from}, err
	}
	to, err := strconv.ParseUint(high, 10, 32)
	var out []uint64
	for s := from; s <= to; s++ {
		out = append(out, s)
	}
	if len(out) == 0 {
		err = errors.Join(err, fmt.Errorf("%q are no seeds", text))
	}
	return out, err
}

// build makes the program under test.
func (o *options) build() error {
	if o.binary != "" {
		path, err := filepath.Abs(o.binary)
		o.binary = path
		return err
	}
	dir, err := os.MkdirTemp("", "nacre-torture-bin")
	if err != nil {
		return err
	}
	o.binary = filepath.Join(dir, "nacre")
	cmd := exec.Command("go", "build", "-tags", "failpoint", "-o", o.binary, "nacre")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "torture:", err)
	return 2
}
