package replica

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"
)

// sample is a log file with what it must yield.
type sample struct {
	name   string
	file   []byte
	stale  []byte // the file some transactions earlier
	live   []int64
	first  uint64
	want   []*raft.Log
	stable map[string][]byte
}

// samples are logs of different shapes: as new; small entries, trimmed, with pages no longer used;
// entries of many parts; and one that is deep enough to have branch pages above branch pages.
func samples(t testing.TB) []sample {
	return []sample{
		makeSample(t, "an empty log", 0, nil, 0),
		makeSample(t, "small entries, trimmed", 300, func(i uint64) int { return int(i*7) % 400 }, 180),
		makeSample(t, "entries of many parts", 30, func(i uint64) int { return int(i%3) * 2 * partPayload }, 9),
		makeSample(t, "a deep tree", 400, func(i uint64) int { return 1900 }, 20),
	}
}

func makeSample(t testing.TB, name string, entries uint64, size func(uint64) int, trim uint64) sample {
	t.Helper()
	dir := fastDir(t)
	s := newLog(t, dir)
	c := sample{name: name, first: trim + 1, stable: map[string][]byte{}}
	set := func(k string, v []byte) {
		if err := s.Set([]byte(k), v); err != nil {
			t.Fatal(err)
		}
		c.stable[k] = v
	}
	set("CurrentTerm", binary.BigEndian.AppendUint64(nil, 7))
	set("LastVoteCand", []byte("a node's id"))
	snap := func() []byte { return usedPages(t, s) }
	for i := uint64(1); i <= entries; i += 10 {
		var logs []*raft.Log
		for j := i; j < i+10; j++ {
			logs = append(logs, entry(j, 1+j/50, size(j), int(j%2)))
		}
		if err := s.StoreLogs(logs); err != nil {
			t.Fatal(err)
		}
		c.want = append(c.want, logs...)
		if i+10 == trim || i+40 >= entries && c.stale == nil {
			s.setDurable(trim)
			if err := s.DeleteRange(1, trim); err != nil {
				t.Fatal(err)
			}
			c.stale = snap()
		}
	}
	if entries == 0 {
		c.first = 1
		c.stale = snap()
	}
	set("CurrentTerm", binary.BigEndian.AppendUint64(nil, 8))
	c.want = c.want[trim:]
	c.file = snap()
	sc := &scan{file: s.path, r: bytes.NewReader(c.file), size: int64(len(c.file))}
	if _, err := sc.run(); err != nil {
		t.Fatal(err)
	}
	for n := range int64(sc.pages) {
		if n < 2 || sc.seen[n/64]&(1<<(n%64)) != 0 {
			c.live = append(c.live, n*sc.pageSize)
		}
	}
	return c
}

// usedPages returns the log's file without the room after its last page in use.
func usedPages(t testing.TB, s *logStore) []byte {
	t.Helper()
	b, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.db.View(func(tx *bbolt.Tx) error { b = b[:tx.Size()]; return nil })
	return b
}

// check opens the mutated file b: it must be refused with the file's name and a place in it, or hold
// everything, and then work.
func (c *sample) check(dir string, b []byte) (refused bool, err error) {
	path := filepath.Join(dir, logFile)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return false, err
	}
	var failed error
	o := logOptions{clock: testLogOptions(nil).clock, fail: func(err error) { failed = err }}
	s, err := openLog(dir, o)
	if err != nil {
		var damage *CorruptError
		if !errors.As(err, &damage) || damage.File != path || damage.Offset < 0 || damage.What == "" {
			return true, fmt.Errorf("refused without saying where: %w", err)
		}
		return true, nil
	}
	defer s.Close()
	s.extend = func(f *os.File, _, size int64) error { return f.Truncate(size) } // quicker
	if err := sameLog(s, c.first, c.want); err != nil {
		return false, err
	}
	got := map[string][]byte{}
	s.values.Range(func(k, v any) bool { got[k.(string)] = v.([]byte); return true })
	if !maps.EqualFunc(got, c.stable, bytes.Equal) {
		return false, fmt.Errorf("the stable store holds %q instead of %q", got, c.stable)
	}
	// What was accepted must go on working: pages that count as free are written to.
	next := c.first + uint64(len(c.want))
	for i := range uint64(3) {
		if err := s.StoreLog(entry(next+i, 100, 20_000, 0)); err != nil {
			return false, err
		}
	}
	s.setDurable(next)
	if err := s.DeleteRange(c.first, next); err != nil {
		return false, err
	}
	want := []*raft.Log{entry(next+1, 100, 20_000, 0), entry(next+2, 100, 20_000, 0)}
	return false, errors.Join(sameLog(s, next+1, want), failed)
}

// mutate returns a damaged copy of the file and says what was done.
func (c *sample) mutate(r *rand.Rand) ([]byte, string) {
	b := slices.Clone(c.file)
	page := func() int64 {
		if r.IntN(3) > 0 {
			return c.live[r.IntN(len(c.live))]
		}
		return int64(r.IntN(len(b)/4096)) * 4096
	}
	at := func() int { // mostly where the structure is
		p := page()
		switch r.IntN(3) {
		case 0:
			return int(p) + r.IntN(16)
		case 1:
			return int(p) + r.IntN(128)
		}
		return int(p) + r.IntN(4096)
	}
	switch kind := r.IntN(12); kind {
	case 0, 1, 2:
		n := at()
		b[n] ^= 1 << r.IntN(8)
		return b, fmt.Sprintf("a bit flipped at %d", n)
	case 3:
		n := at()
		run := b[n:min(n+1+r.IntN(64), len(b))]
		for i := range run {
			run[i] = byte(r.Uint32())
		}
		return b, fmt.Sprintf("%d random bytes at %d", len(run), n)
	case 4:
		p := page()
		clear(b[p : p+4096])
		return b, fmt.Sprintf("page %d zeroed", p/4096)
	case 5:
		p := page() + int64(r.IntN(8))*512
		clear(b[p : p+512])
		return b, fmt.Sprintf("sector at %d zeroed", p)
	case 6:
		n := r.IntN(len(b))
		return b[:n], fmt.Sprintf("cut to %d of %d", n, len(b))
	case 7:
		p, q := page(), page()
		copy(b[p:p+4096], c.file[q:q+4096])
		copy(b[q:q+4096], c.file[p:p+4096])
		return b, fmt.Sprintf("pages %d and %d swapped", p/4096, q/4096)
	case 8:
		n := r.IntN(len(b))
		return append(b, b[n:]...), fmt.Sprintf("the last %d bytes doubled", len(b)-n)
	case 9:
		p := page()
		// A meta page that went back is the same as a crash just before it was written. No other page
		// can tell them apart, only the image, which then holds more than the log (see agree).
		if p < 2*4096 || p+4096 > int64(len(c.stale)) {
			return c.mutate(r)
		}
		copy(b[p:p+4096], c.stale[p:])
		return b, fmt.Sprintf("page %d as it was earlier", p/4096)
	case 10: // a plausible number in the place of another
		n := at() &^ 3
		binary.LittleEndian.PutUint32(b[n:], r.Uint32N(uint32(len(b)/4096)+3))
		return b, fmt.Sprintf("a small number at %d", n)
	default:
		n, m := r.IntN(len(b)), 1+r.IntN(5000)
		if r.IntN(2) == 0 {
			return slices.Delete(b, n, min(n+m, len(b))), fmt.Sprintf("%d bytes at %d taken out", m, n)
		}
		return slices.Insert(b, n, make([]byte, m)...), fmt.Sprintf("%d bytes put in at %d", m, n)
	}
}

func TestAMutilatedLogIsRefusedOrWhole(t *testing.T) {
	t.Parallel()
	each := fewer(3000)
	for _, c := range samples(t) {
		t.Run(c.name, func(t *testing.T) {
			var wg sync.WaitGroup
			var mu sync.Mutex
			refused, workers := 0, runtime.GOMAXPROCS(0)
			for w := range workers {
				dir := fastDir(t)
				wg.Go(func() {
					r := rand.New(rand.NewPCG(uint64(w), 1))
					for range each / workers {
						b, what := c.mutate(r)
						no, err := c.check(dir, b)
						if err != nil {
							t.Errorf("%s: %v", what, err)
							return
						}
						if no {
							mu.Lock()
							refused++
							mu.Unlock()
						}
					}
				})
			}
			wg.Wait()
			t.Logf("%d bytes, %d pages of %d live: %d of %d refused, the rest whole", len(c.file), len(c.live), len(c.file)/4096, refused, each)
		})
	}
}

// TestEveryBitOfALivePageMatters flips each bit of a small file once, in memory: the check alone must
// refuse it or find the same.
func TestEveryBitOfALivePageMatters(t *testing.T) {
	t.Parallel()
	c := makeSample(t, "small", 20, func(i uint64) int { return int(i) * 5 }, 10)
	whole, err := verify("x", bytes.NewReader(c.file), int64(len(c.file)), nil)
	if err != nil {
		t.Fatal(err)
	}
	b := slices.Clone(c.file)
	refused := 0
	for _, page := range c.live {
		for n := page; n < page+4096; n++ {
			for bit := range 8 {
				b[n] ^= 1 << bit
				got, err := verify("x", bytes.NewReader(b), int64(len(b)), nil)
				switch {
				case err != nil:
					refused++
				case got.tail != whole.tail || !maps.EqualFunc(got.stable, whole.stable, bytes.Equal):
					t.Fatalf("bit %d of byte %d flipped: it holds %+v instead of %+v", bit, n, got.tail, whole.tail)
				}
				b[n] ^= 1 << bit
			}
		}
	}
	t.Logf("%d of %d flips refused, the others change nothing that is read", refused, len(c.live)*4096*8)
}

// TestAWriteThatACrashTearsIsAsIfItHadNotBegun takes a file before and after each of many
// transactions and puts between them what a crash can leave: any sectors of the new pages, the file
// grown or not, and the new meta page only when all else is there.
func TestAWriteThatACrashTearsIsAsIfItHadNotBegun(t *testing.T) {
	t.Parallel()
	dir := fastDir(t)
	s := newLog(t, dir)
	r := rand.New(rand.NewPCG(1, 2))
	c := sample{first: 1, stable: map[string][]byte{}}
	before := usedPages(t, s)
	torn := fastDir(t)
	for round := range fewer(120) {
		was := c
		was.want, was.stable = slices.Clone(c.want), maps.Clone(c.stable)
		next := c.first + uint64(len(c.want))
		switch {
		case round%7 == 5:
			v := []byte{byte(round)}
			if err := s.Set([]byte("vote"), v); err != nil {
				t.Fatal(err)
			}
			c.stable["vote"] = v
		case round%11 == 10:
			s.setDurable(next - 5)
			if err := s.DeleteRange(c.first, next-5); err != nil {
				t.Fatal(err)
			}
			c.want, c.first = c.want[next-4-c.first:], next-4
		default:
			var logs []*raft.Log
			for i := range uint64(1 + r.IntN(5)) {
				logs = append(logs, entry(next+i, 1, r.IntN(30_000), 0))
			}
			if err := s.StoreLogs(logs); err != nil {
				t.Fatal(err)
			}
			c.want = append(c.want, logs...)
		}
		after := usedPages(t, s)
		for range 8 {
			b := slices.Clone(before)
			if len(after) > len(b) && r.IntN(2) == 0 {
				b = append(b, make([]byte, len(after)-len(b))...)
			}
			share := r.IntN(101)
			for at := 2 * 4096; at < len(after); at += 512 {
				if !bytes.Equal(b[min(at, len(b)):min(at+512, len(b))], after[at:at+512]) && r.IntN(100) < share {
					if at+512 > len(b) {
						b = append(b, make([]byte, at+512-len(b))...)
					}
					copy(b[at:], after[at:at+512])
				}
			}
			if refused, err := was.check(torn, b); refused || err != nil {
				t.Fatalf("round %d, %d%% of the pages written: refused: %v, %v", round, share, refused, err)
			}
		}
		if refused, err := c.check(torn, after); refused || err != nil {
			t.Fatalf("round %d, all written: refused: %v, %v", round, refused, err)
		}
		before = after
	}
}

func TestRefusalsNameThePlaceAndTheRemedy(t *testing.T) {
	c := makeSample(t, "small", 40, func(i uint64) int { return 100 }, 0)
	zero := int64(0)
	if order.Uint64(c.file[64:]) < order.Uint64(c.file[4096+64:]) {
		zero = 4096
	}
	tests := []struct {
		name   string
		change func(b []byte) []byte
		offset int64
		what   string
	}{
		{"the newer meta page is damaged", func(b []byte) []byte { b[zero+64]++; return b }, zero, "checksum"},
		{"the older meta page is damaged", func(b []byte) []byte { b[4096-zero+64]++; return b }, 4096 - zero, "checksum"},
		{"the newer meta page is that of the transaction before", func(b []byte) []byte {
			copy(b[zero:zero+4096], b[4096-zero:])
			return b
		}, zero, "another place"},
		{"the file is cut short", func(b []byte) []byte { return b[:len(b)-1] }, int64(len(c.file) - 1), "cut short"},
		{"the file is empty", func(b []byte) []byte { return nil }, 0, "ends before meta page"},
		{"an entry's content is damaged", func(b []byte) []byte {
			i := bytes.Index(b, entry(33, 1, 100, 1).Data)
			b[i+3] ^= 4
			return b
		}, -1, "checksum"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := tt.change(slices.Clone(c.file))
			_, err := verify("/data/raft.db", bytes.NewReader(b), int64(len(b)), nil)
			var damage *CorruptError
			if !errors.As(err, &damage) {
				t.Fatalf("it says %v", err)
			}
			if tt.offset >= 0 && damage.Offset != tt.offset {
				t.Errorf("the offset is %d instead of %d", damage.Offset, tt.offset)
			}
			for _, part := range []string{"/data/raft.db", tt.what, "backup"} {
				if !bytes.Contains([]byte(err.Error()), []byte(part)) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
}

func FuzzVerify(f *testing.F) {
	c := makeSample(f, "small", 20, func(i uint64) int { return int(i) * 5 }, 10)
	for _, at := range c.live {
		f.Add(uint32(at), slices.Clone(c.file[at:at+32]))
	}
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		b := slices.Clone(c.file)
		copy(b[int(at)%len(b):], patch)
		_, _ = verify("x", bytes.NewReader(b), int64(len(b)), nil)
	})
}

func FuzzParseRecord(f *testing.F) {
	l := entry(5, 2, 30, 3)
	f.Add(logKey(5, 0), appendRecords(nil, l))
	f.Fuzz(func(t *testing.T, key, b []byte) {
		r, err := parseRecord(key, b)
		if err != nil {
			return
		}
		var got raft.Log
		if r.fill(&got, r.payload) == nil && r.parts == 1 && !bytes.Equal(appendRecords(nil, &got)[recordHeader:], b[recordHeader:]) {
			t.Errorf("%+v does not come back", got)
		}
	})
}
