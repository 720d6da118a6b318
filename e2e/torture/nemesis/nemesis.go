// Package nemesis does to nodes what happens to machines: it kills, stops, cuts off, fills and damages them.
package nemesis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"time"

	"nacre/e2e/torture/history"
	"nacre/e2e/torture/lab"
	"nacre/e2e/torture/load"
)

// Nemesis does faults, one after the other.
type Nemesis struct {
	Lab   *lab.Lab
	World *load.World
	Rec   *history.Recorder
	// Rnd decides on whom and for how long; from one seed come the same decisions, not the same timing.
	Rnd *rand.Rand
	// Say is told what is done.
	Say func(format string, args ...any)
}

// kind is a kind of fault.
type kind struct {
	name   string
	what   string
	nodes  int  // that are needed at least
	spaces bool // needs namespaces
	small  bool // needs a file system that can be filled
	strace bool
	do     func(*Nemesis, *history.Fault) error
}

var kinds = []kind{
	{name: "kill", what: "SIGKILL, and a start soon after", do: (*Nemesis).kill},
	{name: "pause", what: "SIGSTOP for some seconds", do: (*Nemesis).pause},
	{name: "clock", what: "a node's clock jumps by an hour, back or forth", do: (*Nemesis).clock},
	{name: "exit", what: "the process ends right after a write of its log", do: (*Nemesis).exit},
	{name: "disk-full", what: "no room on the data's file system for some seconds", small: true, do: (*Nemesis).diskFull},
	{name: "fsync-error", what: "fsync answers EIO from some time on", do: (*Nemesis).fsyncError},
	{name: "fsync-slow", what: "each fsync of a majority takes longer", strace: true, do: (*Nemesis).fsyncSlow},
	{name: "torn-tail", what: "killed, and the last bytes of the database's log are not there", do: (*Nemesis).tornTail},
	{name: "bit-flip", what: "killed, and one bit of raft.db is another", do: (*Nemesis).bitFlip},
	{name: "old-copy", what: "killed, and an older copy is put back", do: (*Nemesis).oldCopy},
	{name: "restart", what: "SIGTERM and a start, of each node in turn", do: (*Nemesis).restart},
	{name: "kill-all", what: "SIGKILL of all nodes at once", nodes: 2, do: (*Nemesis).killAll},
	{name: "partition", what: "a node's cable is drawn", nodes: 3, spaces: true, do: (*Nemesis).partition},
	{name: "pair", what: "two nodes lose what they send to each other", nodes: 3, spaces: true, do: (*Nemesis).pair},
	{name: "one-way", what: "what one node sends to another is lost", nodes: 3, spaces: true, do: (*Nemesis).oneWay},
	{name: "blackhole", what: "a node's packets to all others fail at once", nodes: 3, spaces: true, do: (*Nemesis).blackhole},
	{name: "address", what: "a node comes back with another address", nodes: 3, do: (*Nemesis).address},
	{name: "all-addresses", what: "all nodes come back with other addresses", nodes: 3, do: (*Nemesis).allAddresses},
	{name: "wipe", what: "killed, and its data folder is empty", nodes: 3, do: (*Nemesis).wipe},
	{name: "replace", what: "a node is taken out and another takes its place", nodes: 3, do: (*Nemesis).replace},
}

// Names returns the faults that can be done to so many nodes, with or without namespaces, and those that can't with the reason.
func Names(nodes int, spaces bool) (can []string, not map[string]string) {
	not = map[string]string{}
	_, err := exec.LookPath("strace")
	for _, k := range kinds {
		switch {
		case k.nodes > nodes:
			not[k.name] = fmt.Sprintf("it needs %d nodes", k.nodes)
		case (k.spaces || k.small) && !spaces:
			not[k.name] = "it needs namespaces"
		case k.strace && err != nil:
			not[k.name] = "strace is not installed"
		default:
			can = append(can, k.name)
		}
	}
	return can, not
}

// Describe returns a line for each kind of fault.
func Describe() []string {
	var out []string
	for _, k := range kinds {
		out = append(out, fmt.Sprintf("%-14s %s", k.name, k.what))
	}
	return out
}

// NeedsSmall reports whether one of the faults needs file systems that can be filled.
func NeedsSmall(names []string) bool {
	return slices.ContainsFunc(kinds, func(k kind) bool { return k.small && slices.Contains(names, k.name) })
}

// Known reports whether there is such a fault.
func Known(name string) bool {
	return slices.ContainsFunc(kinds, func(k kind) bool { return k.name == name })
}

// recovery is how long nodes may take to be ready, and to take writes, after a fault.
const recovery = 30 * time.Second

// Do does one fault and returns when all nodes are well again, or have been given up.
func (n *Nemesis) Do(ctx context.Context, name string) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	if i < 0 {
		n.broken("there is no fault %s", name)
		return
	}
	f := &history.Fault{Name: name, Begin: n.Rec.Now()}
	if err := kinds[i].do(n, f); err != nil {
		n.broken("%s: %v", name, err)
	}
	healed := n.Rec.Now()
	n.Well(ctx)
	f.End = n.Rec.Now()
	n.Rec.Record(history.Entry{Fault: f})
	n.Say("%-12s nodes %v, %s; well again %.1f s after it ended", f.Name, f.Nodes, f.Text, float64(f.End-healed)/1e9)
}

// Well waits until all nodes are ready and take writes.
func (n *Nemesis) Well(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, recovery)
	defer cancel()
	for _, id := range n.Lab.IDs() {
		node := n.Lab.Node(id)
		err := node.WaitReady(ctx)
		if errors.Is(err, lab.ErrEnded) {
			n.broken("%v", err) // once; what comes after is of interest, too
			_ = node.Start()
			err = node.WaitReady(ctx)
		}
		if err != nil {
			n.broken("%v", err)
			continue
		}
		for {
			err := n.World.Written(ctx, id)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				n.broken("%v after it was ready", err)
				break
			}
			sleep(100 * time.Millisecond)
		}
	}
}

func (n *Nemesis) broken(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	n.Say("BROKEN: %s", text)
	n.Rec.Record(history.Entry{Broken: &history.Broken{What: text, At: n.Rec.Now()}})
}

// pick returns one node.
func (n *Nemesis) pick(f *history.Fault) *lab.Node {
	ids := n.Lab.IDs()
	id := ids[n.Rnd.IntN(len(ids))]
	f.Nodes = append(f.Nodes, id)
	return n.Lab.Node(id)
}

// others are the nodes but for one.
func (n *Nemesis) others(id int) []int {
	return slices.DeleteFunc(n.Lab.IDs(), func(x int) bool { return x == id })
}

// cut says that the nodes have no majority from now on.
func (n *Nemesis) cut(f *history.Fault, ids ...int) { f.Cut, f.CutFrom = ids, n.Rec.Now() }

// seconds returns a time between two numbers of seconds.
func (n *Nemesis) seconds(least, most float64) time.Duration {
	return time.Duration((least + n.Rnd.Float64()*(most-least)) * float64(time.Second))
}

func sleep(d time.Duration) { time.Sleep(d) }

func within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

// ended waits until a node that must end has ended.
func ended(node *lab.Node, d time.Duration) error {
	ctx, cancel := within(d)
	defer cancel()
	if _, late := node.Ended(ctx); late != nil {
		return errors.New("the process did not end")
	}
	return nil
}
