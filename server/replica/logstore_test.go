package replica

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"nacre/server/clock"
)

func testLogOptions(t testing.TB) logOptions {
	return logOptions{clock: clock.System{}, fail: func(err error) { t.Errorf("the log ends the node: %v", err) }}
}

func newLog(t testing.TB, dir string) *logStore {
	t.Helper()
	s, err := openLog(dir, testLogOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// fastDir is a folder in memory where there is one: for tests that open and write files thousands of
// times and are not about durability.
func fastDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "nacre-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// entry makes an entry whose content follows from its index and term.
func entry(index, term uint64, size, extensions int) *raft.Log {
	r := rand.New(rand.NewPCG(index, term))
	b := make([]byte, size+extensions)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	l := &raft.Log{Index: index, Term: term, Type: raft.LogCommand, Data: b[:size:size], AppendedAt: time.Unix(int64(index), 5)}
	if extensions > 0 {
		l.Extensions = b[size:]
	}
	return l
}

func sameEntry(a, b *raft.Log) error {
	if a.Index != b.Index || a.Term != b.Term || a.Type != b.Type || !a.AppendedAt.Equal(b.AppendedAt) ||
		!bytes.Equal(a.Data, b.Data) || !bytes.Equal(a.Extensions, b.Extensions) {
		return fmt.Errorf("entry %d of term %d with %d+%d bytes came back as entry %d of term %d with %d+%d bytes",
			b.Index, b.Term, len(b.Data), len(b.Extensions), a.Index, a.Term, len(a.Data), len(a.Extensions))
	}
	return nil
}

// sameLog says how what s holds differs from the entries from first on.
func sameLog(s *logStore, first uint64, want []*raft.Log) error {
	gotFirst, _ := s.FirstIndex()
	gotLast, _ := s.LastIndex()
	if len(want) == 0 {
		if gotFirst != 0 || gotLast != 0 {
			return fmt.Errorf("the log holds %d to %d instead of nothing", gotFirst, gotLast)
		}
		return nil
	}
	if gotFirst != first || gotLast != first+uint64(len(want))-1 {
		return fmt.Errorf("the log holds %d to %d instead of %d to %d", gotFirst, gotLast, first, first+uint64(len(want))-1)
	}
	for _, w := range want {
		var l raft.Log
		if err := s.GetLog(w.Index, &l); err != nil {
			return err
		}
		if err := sameEntry(&l, w); err != nil {
			return err
		}
	}
	return nil
}

func TestEntriesOfAllSizesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	dir := fastDir(t)
	s := newLog(t, dir)
	var want []*raft.Log
	sizes := []int{0, 1, partPayload - 1, partPayload, partPayload + 1, 2 * partPayload, 100_000, 12 << 20}
	for i, size := range sizes {
		for _, extensions := range []int{0, 1, partPayload + 7} {
			want = append(want, entry(uint64(len(want)+1), uint64(i+1), size, extensions))
		}
	}
	want[0].AppendedAt = time.Time{}
	want[1].Type = raft.LogConfiguration
	if err := s.StoreLogs(want); err != nil {
		t.Fatal(err)
	}
	if err := sameLog(s, 1, want); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := sameLog(newLog(t, dir), 1, want); err != nil {
		t.Errorf("after opening it again: %v", err)
	}
}

func TestEntriesMustFollowOneAnother(t *testing.T) {
	s := newLog(t, fastDir(t))
	if err := s.StoreLog(entry(7, 1, 10, 0)); err != nil {
		t.Fatalf("an empty log refuses to start at 7: %v", err)
	}
	for _, index := range []uint64{6, 7, 9} {
		if err := s.StoreLog(entry(index, 1, 10, 0)); err == nil {
			t.Errorf("entry %d was taken after entry 7", index)
		}
	}
	var l raft.Log
	for _, index := range []uint64{0, 6, 8} {
		if err := s.GetLog(index, &l); !errors.Is(err, raft.ErrLogNotFound) {
			t.Errorf("entry %d: %v", index, err)
		}
	}
}

func TestNothingIsTrimmedThatTheImageDoesNotHoldDurably(t *testing.T) {
	s := newLog(t, fastDir(t))
	var all []*raft.Log
	for i := range uint64(100) {
		all = append(all, entry(i+1, 1, 3*partPayload, 0))
	}
	if err := s.StoreLogs(all); err != nil {
		t.Fatal(err)
	}
	for _, durable := range []uint64{0, 40, 30, 100} {
		s.setDurable(durable)
		if err := s.DeleteRange(1, 90); err != nil {
			t.Fatal(err)
		}
		begin := min(s.durable.Load(), 90) + 1
		if err := sameLog(s, begin, all[begin-1:]); err != nil {
			t.Errorf("durable up to %d: %v", durable, err)
		}
	}
	if err := s.DeleteRange(95, 97); err == nil {
		t.Error("entries were deleted in the middle")
	}
}

// TestTheLogBehavesAsAListOfEntries compares random operations with a plain slice, and opens the file
// again, and so checks it, at random moments.
func TestTheLogBehavesAsAListOfEntries(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		dir, err := os.MkdirTemp(fastDir(t), "")
		if err != nil {
			r.Fatal(err)
		}
		s, err := openLog(dir, testLogOptions(t))
		if err != nil {
			r.Fatal(err)
		}
		defer func() { s.Close() }()
		var want []*raft.Log
		first, term := uint64(1), uint64(1)
		stable := map[string]uint64{}
		r.Repeat(map[string]func(*rapid.T){
			"": func(r *rapid.T) {
				if err := sameLog(s, first, want); err != nil {
					r.Fatal(err)
				}
				for k, v := range stable {
					if got, err := s.GetUint64([]byte(k)); got != v || err != nil {
						r.Fatalf("value %q is %d (%v) instead of %d", k, got, err, v)
					}
				}
			},
			"append": func(r *rapid.T) {
				var logs []*raft.Log
				for range rapid.IntRange(1, 20).Draw(r, "count") {
					term += rapid.Uint64Range(0, 1).Draw(r, "term")
					size := rapid.OneOf(rapid.IntRange(0, 300), rapid.IntRange(0, 5*partPayload)).Draw(r, "size")
					logs = append(logs, entry(first+uint64(len(want)+len(logs)), term, size, rapid.IntRange(0, 1).Draw(r, "ext")))
				}
				if err := s.StoreLogs(logs); err != nil {
					r.Fatal(err)
				}
				want = append(want, logs...)
			},
			"trim": func(r *rapid.T) {
				n := rapid.IntRange(0, len(want)).Draw(r, "count")
				s.setDurable(first + uint64(n) - 1)
				if err := s.DeleteRange(first, first+uint64(n)-1); err != nil {
					r.Fatal(err)
				}
				want, first = want[n:], first+uint64(n)
			},
			"cut": func(r *rapid.T) {
				// As raft does on a follower: what is cut was not applied, so the image does not hold it.
				n := rapid.IntRange(0, len(want)).Draw(r, "count")
				last := first + uint64(len(want)) - 1
				if n == 0 || last-uint64(n) < s.durable.Load() {
					return
				}
				if err := s.DeleteRange(last-uint64(n)+1, last); err != nil {
					r.Fatal(err)
				}
				want = want[:len(want)-n]
				term++
			},
			"set": func(r *rapid.T) {
				k := rapid.SampledFrom([]string{"CurrentTerm", "LastVoteTerm", "x"}).Draw(r, "key")
				v := rapid.Uint64().Draw(r, "value")
				if err := s.SetUint64([]byte(k), v); err != nil {
					r.Fatal(err)
				}
				stable[k] = v
			},
			"open again": func(r *rapid.T) {
				if err := s.Close(); err != nil {
					r.Fatal(err)
				}
				durable := s.durable.Load()
				if s, err = openLog(dir, testLogOptions(t)); err != nil {
					r.Fatal(err)
				}
				s.setDurable(durable)
			},
		})
	})
}

func TestAFailedWriteEndsTheNodeAndIsNeverTriedAgain(t *testing.T) {
	dir := fastDir(t)
	o := testLogOptions(t)
	var causes []error
	o.fail = func(err error) { causes = append(causes, err) }
	s, err := openLog(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.StoreLog(entry(1, 1, 10, 0)); err != nil {
		t.Fatal(err)
	}
	tried := 0
	s.commit = func(*bbolt.Tx) error { tried++; return syscall.EIO }
	if err := s.StoreLog(entry(2, 1, 10, 0)); !errors.Is(err, syscall.EIO) {
		t.Errorf("the failed write says %v", err)
	}
	s.commit = func(tx *bbolt.Tx) error { tried++; return tx.Commit() }
	for name, write := range map[string]func() error{
		"an entry": func() error { return s.StoreLog(entry(2, 1, 10, 0)) },
		"a vote":   func() error { return s.SetUint64([]byte("CurrentTerm"), 3) },
		"a trim":   func() error { s.setDurable(1); return s.DeleteRange(1, 1) },
	} {
		if err := write(); !errors.Is(err, syscall.EIO) {
			t.Errorf("after it, %s says %v", name, err)
		}
	}
	if tried != 1 || len(causes) != 1 || !strings.Contains(causes[0].Error(), s.path) {
		t.Errorf("%d writes were tried, the node was ended by %v", tried, causes)
	}
	if last, _ := s.LastIndex(); last != 1 {
		t.Errorf("the last entry is %d", last)
	}
}

func TestAPanicOfBboltEndsTheNode(t *testing.T) {
	o := testLogOptions(t)
	var cause error
	o.fail = func(err error) { cause = err }
	s, err := openLog(fastDir(t), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.commit = func(*bbolt.Tx) error { panic("page 7 already freed") }
	if err := s.StoreLog(entry(1, 1, 10, 0)); err == nil || cause == nil {
		t.Errorf("StoreLog says %v, the node was ended by %v", err, cause)
	}
}

func TestAFullDiskRefusesEntriesAndKeepsTheRestGoing(t *testing.T) {
	s := newLog(t, fastDir(t))
	full := true
	s.extend = func(f *os.File, from, size int64) error {
		if full {
			return syscall.ENOSPC
		}
		return writeZeros(f, from, size)
	}
	next := uint64(1)
	var err error
	for ; err == nil && next < 1000; next++ {
		err = s.StoreLog(entry(next, 1, 100_000, 0))
	}
	if !errors.Is(err, errNoRoom) {
		t.Fatalf("%d entries of 100,000 bytes went in; then: %v", next-1, err)
	}
	next--
	for range 100 {
		if err := s.SetUint64([]byte("CurrentTerm"), next); err != nil {
			t.Fatalf("a vote on a full disk: %v", err)
		}
	}
	s.setDurable(next / 2)
	if err := s.DeleteRange(1, next/2); err != nil {
		t.Fatalf("a trim on a full disk: %v", err)
	}
	full = false
	for range 100 {
		if err := s.StoreLog(entry(next, 1, 100_000, 0)); err != nil {
			t.Fatalf("when there is room again: %v", err)
		}
		next++
	}
}

func TestReadersAndATrimDontDisturbAWriter(t *testing.T) {
	t.Parallel()
	s := newLog(t, fastDir(t))
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				first, _ := s.FirstIndex()
				last, _ := s.LastIndex()
				if first == 0 {
					continue
				}
				var l raft.Log
				index := first + rand.Uint64N(last-first+1)
				if err := s.GetLog(index, &l); err != nil && !errors.Is(err, raft.ErrLogNotFound) {
					t.Error(err)
					return
				}
			}
		})
	}
	trim := make(chan uint64, 1)
	wg.Go(func() {
		for upTo := range trim {
			s.setDurable(upTo)
			if err := s.DeleteRange(0, upTo); err != nil {
				t.Error(err)
			}
			s.dropPages()
		}
	})
	for i := uint64(1); i <= 2000; i++ {
		if err := s.StoreLog(entry(i, 1, int(i%7)*3000, 0)); err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 {
			select {
			case trim <- i - 50:
			default:
			}
		}
	}
	close(trim)
	close(stop)
	wg.Wait()
	first, _ := s.FirstIndex()
	var want []*raft.Log
	for i := first; i <= 2000; i++ {
		want = append(want, entry(i, 1, int(i%7)*3000, 0))
	}
	if err := sameLog(s, first, want); err != nil || first == 1 {
		t.Errorf("the log begins with %d: %v", first, err)
	}
}

func TestAHalfMadeLogFileIsMadeAnew(t *testing.T) {
	dir := fastDir(t)
	if err := os.WriteFile(filepath.Join(dir, logFile+".new"), make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := newLog(t, dir).StoreLog(entry(1, 1, 10, 0)); err != nil {
		t.Error(err)
	}
}

func TestRecentEntriesAreThoseOfTheLog(t *testing.T) {
	s := newLog(t, t.TempDir())
	s.recent.limit = 1000
	check := func(want map[uint64]string, held int) {
		t.Helper()
		for index, data := range want {
			var l raft.Log
			if err := s.GetLog(index, &l); err != nil || l.Index != index || string(l.Data) != data {
				t.Errorf("entry %d is %d %q, %v", index, l.Index, l.Data, err)
			}
		}
		if got := len(s.recent.logs); got != held {
			t.Errorf("%d entries are held, not %d", got, held)
		}
	}
	store := func(first uint64, data ...string) {
		t.Helper()
		var logs []*raft.Log
		for i, d := range data {
			logs = append(logs, &raft.Log{Index: first + uint64(i), Term: 1, Data: []byte(d)})
		}
		if err := s.StoreLogs(logs); err != nil {
			t.Fatal(err)
		}
	}
	store(1, "a", "b", "c")
	check(map[uint64]string{1: "a", 2: "b", 3: "c"}, 3)
	if err := s.DeleteRange(2, 3); err != nil { // a new leader says otherwise
		t.Fatal(err)
	}
	if err := s.GetLog(2, &raft.Log{}); !errors.Is(err, raft.ErrLogNotFound) {
		t.Errorf("an entry that was deleted gives %v", err)
	}
	store(2, "d")
	check(map[uint64]string{1: "a", 2: "d"}, 1)
	big := strings.Repeat("x", 600)
	store(3, big, big, "e")
	check(map[uint64]string{1: "a", 2: "d", 3: big, 4: big, 5: "e"}, 2)
	store(6, strings.Repeat("y", 2000))
	check(map[uint64]string{5: "e", 6: strings.Repeat("y", 2000)}, 0)
}
