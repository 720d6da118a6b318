package replica

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nacre/server/journal"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		runChild(dir)
	}
	goleak.VerifyTestMain(m)
}

const kindTest journal.Kind = 999

type outcome struct{}

func (outcome) Err() error { return nil }

// change says that the image must hold the command with this number.
type change struct{ id uint64 }

func (change) Table() string { return "test" }

// ledger is an applier and an image in one: both note the numbers of the commands, in order. The
// image keeps them in a file, written behind, as of the last Sync or every so many writes.
type ledger struct {
	path string
	// lag is how many writes the file is behind at most without a Sync. 0: only Sync writes it.
	lag int

	mu      sync.Mutex
	memory  []uint64 // what was applied
	index   uint64   // of the last write
	rows    []uint64 // what the image holds
	behind  int
	durable uint64
	syncs   int
	syncErr error
}

type ledgerFile struct {
	Index uint64
	Rows  []uint64
}

func openLedger(t testing.TB, path string) *ledger {
	t.Helper()
	l := &ledger{path: path}
	if err := l.load(); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *ledger) load() error {
	b, err := os.ReadFile(l.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var f ledgerFile
	if err := errors.Join(err, json.Unmarshal(b, &f)); err != nil {
		return err
	}
	l.index, l.durable, l.rows = f.Index, f.Index, f.Rows
	l.memory = append([]uint64(nil), f.Rows...)
	return nil
}

func (l *ledger) Apply(index uint64, group []journal.Command) ([]journal.Result, []journal.Change, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var results []journal.Result
	var changes []journal.Change
	for _, c := range group {
		if c.Kind != kindTest || len(c.Body) < 8 {
			return nil, nil, fmt.Errorf("entry %d holds kind %d", index, c.Kind)
		}
		id := binary.BigEndian.Uint64(c.Body)
		l.memory = append(l.memory, id)
		results = append(results, journal.Result{Index: index, Outcome: outcome{}})
		changes = append(changes, change{id})
	}
	return results, changes, nil
}

func (l *ledger) Write(index uint64, changes []journal.Change) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if index <= l.index {
		return fmt.Errorf("entry %d after %d", index, l.index)
	}
	l.index = index
	for _, c := range changes {
		l.rows = append(l.rows, c.(change).id)
	}
	if l.behind++; l.lag > 0 && l.behind >= l.lag {
		return l.save(l.path)
	}
	return nil
}

func (l *ledger) save(path string) error {
	b, err := json.Marshal(ledgerFile{l.index, l.rows})
	if err != nil {
		return err
	}
	l.behind, l.durable = 0, l.index
	return writeFile(path, b)
}

func (l *ledger) Written() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.index
}

func (l *ledger) Sync(_ context.Context, index uint64) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if index > l.index {
		return 0, fmt.Errorf("entry %d was never written, %d is the last", index, l.index)
	}
	l.syncs++
	if l.syncErr != nil {
		return 0, l.syncErr
	}
	return l.index, l.save(l.path)
}

func (l *ledger) Copy(_ context.Context, path string) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := json.Marshal(ledgerFile{l.index, l.rows})
	return l.index, errors.Join(err, writeFile(path, b))
}

func (l *ledger) Replace(_ context.Context, path string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := writeFile(l.path, b); err != nil {
		return err
	}
	return l.load()
}

// applied returns a copy of what memory holds.
func (l *ledger) applied() []uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]uint64(nil), l.memory...)
}

func command(id uint64, size int) journal.Command {
	return journal.Command{Kind: kindTest, Body: binary.BigEndian.AppendUint64(make([]byte, 0, max(size, 8)), id)[:max(size, 8)]}
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// running is a node with its ledger, and a group of commands before it.
type running struct {
	*Node
	ledger *ledger
	group  *journal.Group
	stop   func()
}

func testConfig(t testing.TB, dir string, l *ledger) Config {
	return Config{Dir: dir, Image: l, Applier: l, Reload: func() error { return nil }, Logger: quiet(),
		Fatal: func(err error) { panic(fmt.Sprintf("the node died: %v", err)) }}
}

// start runs a node on dir until the test ends or stop is called.
func start(t testing.TB, dir string, adjust func(*Config)) *running {
	t.Helper()
	l := openLedger(t, filepath.Join(dir, "image.json"))
	cfg := testConfig(t, dir, l)
	if adjust != nil {
		adjust(&cfg)
	}
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Node: n, ledger: l, group: journal.NewGroup(n, journal.GroupConfig{})}
	ctx, cancel := context.WithCancel(context.Background())
	groupCtx, stopGroup := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	groupDone := make(chan struct{})
	wg.Go(func() {
		if err := n.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	go func() { defer close(groupDone); _ = r.group.Run(groupCtx) }()
	r.stop = sync.OnceFunc(func() {
		stopGroup()
		<-groupDone
		cancel()
		wg.Wait()
		if err := n.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	t.Cleanup(r.stop)
	wait, done := context.WithTimeout(context.Background(), 10*time.Second)
	defer done()
	if err := n.WaitReady(wait); err != nil {
		t.Fatal(err)
	}
	return r
}

// fewer is how often a test repeats what it does: with -short, as where the race detector makes all of
// it slow, a quarter.
func fewer(times int) int {
	if testing.Short() {
		return times / 4
	}
	return times
}

// publish submits commands with the numbers from..to-1 and fails the test on an error.
func (r *running) publish(t testing.TB, from, to uint64, size int) {
	t.Helper()
	for id := from; id < to; id++ {
		if _, err := r.group.Submit(context.Background(), command(id, size)); err != nil {
			t.Fatal(err)
		}
	}
}

func equal(t testing.TB, got []uint64, from, to uint64) {
	t.Helper()
	if uint64(len(got)) != to-from {
		t.Fatalf("%d commands were applied instead of %d", len(got), to-from)
	}
	for i, id := range got {
		if id != from+uint64(i) {
			t.Fatalf("command %d was applied at place %d instead of %d", id, i, from+uint64(i))
		}
	}
}
