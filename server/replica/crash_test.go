package replica

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"nacre/server/journal"
)

const childDir, childFirst = "NACRE_REPLICA_CHILD", "NACRE_REPLICA_FIRST"

// runChild is a node in a process of its own: it publishes without end and writes the number of each
// command that was acknowledged as a line to standard output.
func runChild(dir string) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	first, err := strconv.ParseUint(os.Getenv(childFirst), 10, 64)
	if err != nil {
		fail(err)
	}
	l := &ledger{path: filepath.Join(dir, "image.json"), lag: 7}
	if err := l.load(); err != nil {
		fail(err)
	}
	n, err := New(Config{Dir: dir, Image: l, Applier: l, Logger: quiet(), Fatal: fail, SnapshotBytes: 300 << 10, TrailingEntries: 2})
	if err != nil {
		fail(err)
	}
	if at, err := strconv.ParseInt(os.Getenv(childFault), 10, 64); err == nil {
		n.failWrite(at, syscall.EIO)
	}
	ctx := context.Background()
	go func() { fail(n.Run(ctx)) }()
	if err := n.WaitReady(ctx); err != nil {
		fail(err)
	}
	group := journal.NewGroup(n, journal.GroupConfig{})
	go func() { _ = group.Run(ctx) }()
	const workers = 8
	for w := range uint64(workers) {
		go func() {
			for id := first + w; ; id += workers {
				if _, err := group.Submit(ctx, command(id, int(id*id%9000))); err != nil {
					fail(err)
				}
				_, _ = os.Stdout.WriteString(strconv.FormatUint(id, 10) + "\n")
			}
		}()
	}
	select {}
}

// crash runs a child on dir and lets it end by itself, or kills it when it has acknowledged as many
// commands as kill says. It returns the numbers that were acknowledged, and what it said at the end.
func crash(t *testing.T, dir string, first uint64, kill int, env ...string) (acknowledged []uint64, said string) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(append(os.Environ(), childDir+"="+dir, childFirst+"="+strconv.FormatUint(first, 10)), env...)
	var stderr strings.Builder
	child.Stderr = &stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	limit := time.AfterFunc(20*time.Second, func() { _ = child.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		id, err := strconv.ParseUint(lines.Text(), 10, 64)
		if err != nil {
			break // the last line is cut
		}
		if acknowledged = append(acknowledged, id); len(acknowledged) == kill {
			_ = child.Process.Kill()
		}
	}
	_ = child.Wait()
	if !limit.Stop() {
		t.Fatalf("the child did not end; it acknowledged %d commands", len(acknowledged))
	}
	return acknowledged, stderr.String()
}

// survivors opens the folder again and returns what it holds, of which none may be there twice and
// no acknowledged one missing.
func survivors(t *testing.T, dir string, acknowledged map[uint64]bool) (last uint64) {
	t.Helper()
	n := start(t, dir, func(c *Config) { c.SnapshotBytes = 300 << 10; c.TrailingEntries = 2 })
	seen := map[uint64]bool{}
	for _, id := range n.ledger.applied() {
		if seen[id] {
			t.Fatalf("command %d was applied twice", id)
		}
		seen[id] = true
		last = max(last, id)
	}
	for id := range acknowledged {
		if !seen[id] {
			t.Fatalf("command %d was acknowledged and is lost; %d are there", id, len(seen))
		}
	}
	if rows := len(n.ledger.rows); rows != len(seen) {
		t.Fatalf("the image holds %d rows, memory %d", rows, len(seen))
	}
	n.stop()
	return last
}

func TestNothingAcknowledgedIsLostWhenTheProcessIsKilled(t *testing.T) {
	t.Parallel()
	dir, acknowledged, last, rounds := t.TempDir(), map[uint64]bool{}, uint64(0), fewer(60)
	r := rand.New(rand.NewPCG(3, 4))
	for range rounds {
		ids, said := crash(t, dir, last+1, 1+r.IntN(400))
		if said != "" {
			t.Fatalf("the child says: %s", said)
		}
		for _, id := range ids {
			acknowledged[id] = true
		}
		last = survivors(t, dir, acknowledged)
	}
	t.Logf("%d kills, %d commands acknowledged, up to number %d", rounds, len(acknowledged), last)
}
