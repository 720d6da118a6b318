package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"nacre/e2e/torture/check"
	"nacre/e2e/torture/history"
	"nacre/e2e/torture/lab"
	"nacre/e2e/torture/load"
	"nacre/e2e/torture/nemesis"
)

const (
	// leastAcks is how many writes a second must be acknowledged before the first fault; else the episode does not count.
	leastAcks = 200
	// warmUp is how long an episode may take to get there.
	warmUp = 15 * time.Second
	// rest is how long nodes, listeners and subscribers may take, when all is quiet, to be of one mind.
	rest = 12 * time.Second
)

// episode is one run of a cluster.
type episode struct {
	*options
	spaces bool
	seed   uint64
	faults []string
	bug    string
	points string // failpoints of all nodes
}

// outcome is what came of an episode.
type outcome struct {
	history *history.History
	result  *check.Result
	file    string
	acks    int
	void    string // why it does not count
	err     error
}

func (e *episode) say(format string, args ...any) {
	fmt.Printf("seed %d: "+format+"\n", append([]any{e.seed}, args...)...)
}

func (e *episode) run() (o outcome) {
	name := fmt.Sprintf("seed-%d", e.seed)
	if e.bug != "" {
		name += "-" + filepath.Base(e.bug)
	}
	dir := filepath.Join(e.out, name)
	if o.err = os.MkdirAll(dir, 0o755); o.err != nil {
		return o
	}
	o.file = filepath.Join(dir, "history.jsonl")
	rec, err := history.NewRecorder(o.file)
	if err != nil {
		o.err = err
		return o
	}
	r := history.Run{Seed: e.seed, Nodes: e.nodes, Faults: e.faults, Bug: e.bug, Seconds: int(e.duration.Seconds())}
	for i := range load.Hot + 20 {
		r.Keys = append(r.Keys, fmt.Sprint("k", i))
	}
	for i := 0; i < 4 && e.naming; i++ {
		r.Services = append(r.Services, fmt.Sprint("s", i))
	}
	rec.Record(history.Entry{Run: &r})
	rnd := rand.New(rand.NewPCG(e.seed, 42))
	o.void, o.err = e.work(dir, rec, &r, rnd)
	o.acks = rec.Acks()
	h, err := rec.Close()
	if o.err == nil {
		o.err = err
	}
	if o.err == nil && o.void == "" {
		o.history, o.result = h, check.Run(h, check.Default)
	}
	return o
}

// work starts nodes and clients, does the faults, and takes down what is there in the end.
func (e *episode) work(dir string, rec *history.Recorder, r *history.Run, rnd *rand.Rand) (void string, err error) {
	net, err := e.network(rnd)
	if err != nil {
		return "", err
	}
	l, err := lab.New(net, e.nodes, lab.Config{Binary: e.binary, Dir: dir, Small: e.spaces && nemesis.NeedsSmall(e.faults), Points: e.points})
	if err != nil {
		net.Close()
		return "", err
	}
	defer l.Close()
	for _, id := range l.IDs() {
		if err := l.Node(id).Start(); err != nil {
			return "", err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, id := range l.IDs() {
		if err := l.Node(id).WaitReady(ctx); err != nil {
			return "", err
		}
	}
	clients := load.Config{Keys: r.Keys, Services: r.Services, Writers: 10, Adders: 5, Listeners: 2 * e.nodes}
	if e.naming {
		clients.Publishers, clients.Beaters, clients.Watchers = 12, 4, e.nodes
	}
	w := load.Start(l, rec, clients)
	defer w.End()
	rate, ok := warm(rec)
	if !ok {
		return fmt.Sprintf("only %d writes a second were acknowledged before the first fault, %d are needed", rate, leastAcks), nil
	}
	e.say("%d writes/s before the first fault; faults %v", rate, e.faults)
	begin := time.Now()
	n := &nemesis.Nemesis{Lab: l, World: w, Rec: rec, Rnd: rnd, Say: e.say}
	for _, f := range e.faults {
		n.Do(context.Background(), f)
		time.Sleep(time.Second + time.Duration(rnd.IntN(1000))*time.Millisecond)
	}
	time.Sleep(max(0, e.duration-time.Since(begin)))
	w.Pause()
	n.Well(context.Background())
	quiet, done := context.WithTimeout(context.Background(), rest)
	defer done()
	if err := w.Look(quiet); err != nil {
		rec.Record(history.Entry{Broken: &history.Broken{What: err.Error(), At: rec.Now()}})
	}
	return "", nil
}

func (e *episode) network(rnd *rand.Rand) (*lab.Network, error) {
	port := 8848
	if !e.spaces {
		port = 20_000 + rnd.IntN(8)*2_500 + os.Getpid()%100
	}
	return lab.NewNetwork(e.spaces, port)
}

// warm waits until enough writes are acknowledged in a second, for two seconds.
func warm(rec *history.Recorder) (rate int, ok bool) {
	const look = 2 * time.Second
	for begin := time.Now(); time.Since(begin) < warmUp; {
		before, from := rec.Acks(), time.Now()
		time.Sleep(look)
		rate = int(float64(rec.Acks()-before) / time.Since(from).Seconds())
		if rate >= leastAcks {
			return rate, true
		}
	}
	return rate, false
}

// report words what was found and returns the exit code.
func report(h *history.History, r *check.Result, out io.Writer) int {
	counts := map[string]int{}
	var end int64
	for _, o := range h.Ops {
		counts[o.Outcome]++
		end = max(end, o.Return)
	}
	fmt.Fprintf(out, "seed %d: %d operations in %.0f s: %d done, %d whose condition did not hold, %d refused, %d in doubt; %d in linearizability checks\n",
		h.Run.Seed, len(h.Ops), float64(end)/1e9, counts[history.OK], counts[history.No], counts[history.Refused], counts[history.Unknown], r.Checked)
	fmt.Fprintf(out, "seed %d: %d changes told to listeners, %d samples of services, %d steps of instances; local reads at most %v behind; longest time without an acknowledgement %v\n",
		h.Run.Seed, len(h.Told), len(h.Samples), len(h.Lives), r.Stalest.Round(time.Millisecond), pauseOf(h).Round(time.Millisecond))
	for _, v := range r.Violations {
		fmt.Fprintf(out, "seed %d: VIOLATION %s\n", h.Run.Seed, v)
	}
	for _, key := range r.Undecided {
		fmt.Fprintf(out, "seed %d: UNDECIDED: no order of the operations on %s was found in time, nor that there is none\n", h.Run.Seed, key)
	}
	if len(r.Violations)+len(r.Undecided) > 0 {
		return 1
	}
	return 0
}

// pauseOf returns the longest time in which no write was acknowledged.
func pauseOf(h *history.History) time.Duration {
	var at []int64
	for _, o := range h.Ops {
		if o.Writes() && o.Outcome == history.OK {
			at = append(at, o.Return)
		}
	}
	slices.Sort(at)
	var longest int64
	for i := 1; i < len(at); i++ {
		longest = max(longest, at[i]-at[i-1])
	}
	return time.Duration(longest)
}
