package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"nacre/server/journal"
)

func small(c *Config) {
	c.SnapshotBytes = 256 << 10
	c.TrailingEntries = 4
	c.TrailingBytes = 1 << 20
}

// eventually polls until check returns nil.
func eventually(t testing.TB, check func() error) {
	t.Helper()
	within(t, 10*time.Second, check)
}

// within polls until check returns nil, at most for as long as limit.
func within(t testing.TB, limit time.Duration, check func() error) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(err)
		}
	}
}

func TestTheLogIsTrimmedUnderLoadAndANodeStartsFromWhatIsLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	next := uint64(0)
	for round := range 3 {
		n := start(t, dir, small)
		equal(t, n.ledger.applied(), 0, next)
		n.publish(t, next, next+400, 4096)
		next += 400
		eventually(t, func() error {
			if s := n.Stats(); s.SnapshotIndex == 0 || s.FirstIndex <= 1 || s.LogBytes > 800<<10 {
				return fmt.Errorf("round %d: the log is not trimmed: %+v", round, s)
			}
			return nil
		})
		s := n.Stats()
		n.ledger.mu.Lock()
		durable := n.ledger.durable
		n.ledger.mu.Unlock()
		if s.FirstIndex > durable+1 {
			t.Errorf("the log begins with entry %d, and the image is durable up to %d only", s.FirstIndex, durable)
		}
		n.stop()
	}
	equal(t, start(t, dir, small).ledger.applied(), 0, next)
}

func TestAnEntryThatTheImageHoldsIsNotAppliedTwice(t *testing.T) {
	dir := t.TempDir()
	n := start(t, dir, nil)
	n.publish(t, 0, 50, 10)
	if _, err := n.ledger.Sync(context.Background(), n.AppliedIndex()); err != nil {
		t.Fatal(err)
	}
	n.publish(t, 50, 60, 10)
	n.stop()
	n = start(t, dir, nil) // loads 50 from the image, replays 10
	if got := len(n.ledger.rows); got != 60 {
		t.Errorf("the image holds %d rows", got)
	}
	equal(t, n.ledger.applied(), 0, 60)
}

func TestFilesThatDontBelongTogetherAreRefused(t *testing.T) {
	t.Parallel()
	build := func(t *testing.T) (dir string, early map[string][]byte) {
		dir, early = t.TempDir(), map[string][]byte{}
		for round := range 2 {
			n := start(t, dir, small)
			n.publish(t, uint64(round)*200, uint64(round)*200+200, 4096)
			eventually(t, func() error {
				if s := n.Stats(); s.FirstIndex < uint64(round)*200+100 {
					return fmt.Errorf("not trimmed: %+v", s)
				}
				return nil
			})
			n.stop()
			if round == 0 {
				for _, name := range []string{logFile, "image.json"} {
					b, err := os.ReadFile(filepath.Join(dir, name))
					if err != nil {
						t.Fatal(err)
					}
					early[name] = b
				}
			}
		}
		return dir, early
	}
	for name, spoil := range map[string]func(dir string, early map[string][]byte) error{
		"an older log is put back": func(d string, e map[string][]byte) error {
			return os.WriteFile(filepath.Join(d, logFile), e[logFile], 0o600)
		},
		"the log is lost": func(d string, _ map[string][]byte) error { return os.Remove(filepath.Join(d, logFile)) },
		"an older image is put back": func(d string, e map[string][]byte) error {
			return os.WriteFile(filepath.Join(d, "image.json"), e["image.json"], 0o600)
		},
		"the image is lost": func(d string, _ map[string][]byte) error { return os.Remove(filepath.Join(d, "image.json")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, early := build(t)
			if err := spoil(dir, early); err != nil {
				t.Fatal(err)
			}
			n, err := New(testConfig(t, dir, openLedger(t, filepath.Join(dir, "image.json"))))
			var state *StateError
			if !errors.As(err, &state) || state.Dir != dir {
				t.Errorf("it gives %v", err)
			}
			if err == nil {
				n.Close()
			}
		})
	}
}

func TestAnImageThatIsLostBeforeAnythingWasTrimmedIsMadeAgainFromTheLog(t *testing.T) {
	dir := t.TempDir()
	n := start(t, dir, func(c *Config) { c.Image.(*ledger).lag = 10 })
	n.publish(t, 0, 100, 10)
	n.stop()
	if err := os.Remove(filepath.Join(dir, "image.json")); err != nil {
		t.Fatal(err)
	}
	equal(t, start(t, dir, nil).ledger.applied(), 0, 100)
}

func TestAnOutOfDateAgreementIsFound(t *testing.T) {
	at := func(first, last uint64) *tail { return &tail{first: first, last: last} }
	for _, tt := range []struct {
		name  string
		tail  *tail
		mark  *mark
		image uint64
		ok    bool
	}{
		{"a new folder", at(0, 0), nil, 0, true},
		{"nothing trimmed, the image behind", at(1, 9), nil, 4, true},
		{"nothing trimmed, the image lost", at(1, 9), nil, 0, true},
		{"the image beyond the log", at(1, 9), nil, 10, false},
		{"trimmed to the image", at(8, 9), &mark{Index: 7, Image: 7}, 7, true},
		{"trimmed, entries that change nothing between", at(8, 9), &mark{Index: 7, Image: 5}, 5, true},
		{"trimmed beyond the image", at(9, 9), &mark{Index: 7, Image: 7}, 7, false},
		{"the image older than at the snapshot", at(5, 9), &mark{Index: 7, Image: 7}, 6, false},
		{"a log without its beginning", at(5, 9), nil, 9, false},
		{"all trimmed", at(0, 0), &mark{Index: 9, Image: 9}, 9, true},
		{"a received snapshot beyond its index", at(0, 0), &mark{Index: 9, Image: 12}, 12, true},
		{"the image beyond a received snapshot", at(0, 0), &mark{Index: 9, Image: 12}, 13, false},
	} {
		if err := agree("/data", tt.tail, tt.mark, tt.image); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// snapshotOf returns a snapshot of a node that holds the commands 0..count-1, as it would be sent.
func snapshotOf(t *testing.T, count uint64) (*raft.SnapshotMeta, []byte) {
	t.Helper()
	n := start(t, t.TempDir(), nil)
	n.publish(t, 0, count, 100)
	future := n.raft.Load().Snapshot()
	if err := future.Error(); err != nil {
		t.Fatal(err)
	}
	meta, r, err := future.Open()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	if meta.Size != int64(len(b)) {
		t.Errorf("the snapshot says it has %d bytes, and has %d", meta.Size, len(b))
	}
	if left, _ := os.ReadDir(n.snaps.dir); len(left) != 0 {
		t.Errorf("the copy was left behind: %v", left)
	}
	return meta, b
}

func TestASnapshotThatIsReceivedReplacesTheImageAndMemory(t *testing.T) {
	meta, b := snapshotOf(t, 500)
	dir := t.TempDir()
	reloads := 0
	n := start(t, dir, func(c *Config) { c.Reload = func() error { reloads++; return nil } })
	n.publish(t, 9000, 9010, 100)
	if err := n.raft.Load().Restore(meta, bytes.NewReader(b), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if reloads != 1 {
		t.Errorf("memory was loaded anew %d times", reloads)
	}
	equal(t, n.ledger.applied(), 0, 500)
	n.publish(t, 500, 550, 100)
	n.stop()
	n = start(t, dir, nil)
	equal(t, n.ledger.applied(), 0, 550)
	if left, _ := os.ReadDir(n.snaps.dir); len(left) != 0 {
		t.Errorf("files were left behind: %v", left)
	}
}

func TestASnapshotReceivedJustBeforeACrashIsPutInPlaceAtStart(t *testing.T) {
	meta, b := snapshotOf(t, 500)
	dir := t.TempDir()
	n := start(t, dir, nil)
	n.publish(t, 9000, 9010, 100)
	n.stop()
	l := n.ledger
	n.Node = mustNew(t, testConfig(t, dir, l))
	sink, err := n.snaps.Create(1, meta.Index, meta.Term, meta.Configuration, meta.ConfigurationIndex, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(sink, bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(sink.Close(), n.Close()); err != nil {
		t.Fatal(err)
	}
	reloaded := false
	cfg := testConfig(t, dir, l)
	cfg.Reload = func() error { reloaded = true; return nil }
	again := mustNew(t, cfg)
	equal(t, l.applied(), 0, 500)
	if last, _ := again.log.LastIndex(); !reloaded || last != 0 || again.AppliedIndex() != l.Written() {
		t.Errorf("memory loaded anew: %v; the log ends with %d; applied up to %d of %d", reloaded, last, again.AppliedIndex(), l.Written())
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	// The members in the snapshot are another node's, so that no leader is found; the data is whole.
	l = openLedger(t, filepath.Join(dir, "image.json"))
	again = mustNew(t, testConfig(t, dir, l))
	equal(t, l.applied(), 0, 500)
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustNew(t *testing.T, cfg Config) *Node {
	t.Helper()
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestADamagedSnapshotIsNotTaken(t *testing.T) {
	meta, b := snapshotOf(t, 50)
	dir := t.TempDir()
	n := mustNew(t, testConfig(t, dir, openLedger(t, filepath.Join(dir, "image.json"))))
	defer n.Close()
	for name, spoil := range map[string]func([]byte) []byte{
		"a bit of the head":   func(b []byte) []byte { b[20] ^= 1; return b },
		"a bit of the mark":   func(b []byte) []byte { b[2] ^= 1; return b },
		"a bit of the image":  func(b []byte) []byte { b[100] ^= 1; return b },
		"a bit of the end":    func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"its end is missing":  func(b []byte) []byte { return b[:len(b)-10] },
		"it is a single byte": func(b []byte) []byte { return b[:1] },
	} {
		t.Run(name, func(t *testing.T) {
			sink, err := n.snaps.Create(1, meta.Index, meta.Term, meta.Configuration, meta.ConfigurationIndex, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := sink.Write(spoil(slices.Clone(b))); err != nil {
				t.Fatal(err)
			}
			var damage *CorruptError
			if err := sink.Close(); !errors.As(err, &damage) {
				t.Errorf("it was taken: %v", err)
			}
			if n.snaps.mark() != nil {
				t.Error("a mark was kept")
			}
			if left, _ := os.ReadDir(n.snaps.dir); len(left) != 0 {
				t.Errorf("files were left behind: %v", left)
			}
		})
	}
}

func TestAGroupThatCantBeDecodedEndsTheNode(t *testing.T) {
	dir := t.TempDir()
	died := make(chan error, 1)
	l := openLedger(t, filepath.Join(dir, "image.json"))
	cfg := testConfig(t, dir, l)
	cfg.Fatal = func(err error) { died <- err }
	f := &fsm{applier: l, image: l, fail: cfg.Fatal}
	if err, ok := f.Apply(&raft.Log{Index: 3, Data: []byte{99}}).(error); !ok {
		t.Errorf("the answer is %v", err)
	}
	if err := <-died; err == nil {
		t.Error("it did not end")
	}
	good := journal.EncodeEntry(journal.Origin{}, []journal.Command{command(1, 8)})
	if err, ok := f.Apply(&raft.Log{Index: 4, Data: good}).(error); !ok || len(l.applied()) != 0 {
		t.Errorf("something was applied after it: %v %v", err, l.applied())
	}
}

func TestASnapshotThatWasBeingSentWhenTheProcessEndedDoesNotHinderTheNextStart(t *testing.T) {
	dir := t.TempDir()
	n := start(t, dir, nil)
	n.publish(t, 0, 10, 100)
	n.snapshot(n.raft.Load())
	if _, _, err := n.snaps.Open(n.snaps.mark().ID); err != nil { // never closed, as in a crash
		t.Fatal(err)
	}
	n.stop()
	n = start(t, dir, nil)
	equal(t, n.ledger.applied(), 0, 10)
	if left, err := os.ReadDir(filepath.Join(dir, snapshotDir)); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
