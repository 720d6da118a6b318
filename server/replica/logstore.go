package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"nacre/server/clock"
	"nacre/server/failpoint"
)

const (
	logFile = "raft.db"
	// growStep is by how much the file grows. The room is written with zeros: fsync of a page that
	// has its place on disk costs a tenth of one that must be given a place.
	growStep  = 16 << 20
	firstGrow = 4 << 20
	// Room that must be left in the file before a transaction: adding entries leaves some to the
	// small transactions (a vote, a trim), so that those go through on a full disk.
	roomForEntries = 1 << 20
	roomForOthers  = 256 << 10
	// mmapSize is address space, not memory: while the file is smaller, bbolt needs not map it anew.
	mmapSize = 1 << 30
	// trimRecords bounds how many records one transaction deletes; writes wait for it.
	trimRecords = 1024
	// keepBuffer is the largest buffer kept for the next write.
	keepBuffer = 8 << 20
)

// logStore is raft's log and stable store in one bbolt file, each record with a checksum and the
// whole with a tail record. What it returns without an error is on disk. An error of a write ends
// the node (fail), as nobody knows what the disk holds after it; only a full disk is survived, since
// room is made before a transaction begins.
//
// It is safe for concurrent use: writes are serial, reads don't wait for them.
type logStore struct {
	path  string
	clock clock.Clock
	// fail ends the process. When it returns, as in tests, the store refuses all further writes.
	fail func(error)
	// onSync, when not nil, is told how long each durable write took, its fsyncs included.
	onSync func(time.Duration)
	// commit ends a transaction; tests put faults in here.
	commit func(*bbolt.Tx) error
	// extend gives the file room up to size bytes; tests put faults in here.
	extend func(f *os.File, from, size int64) error

	mu     sync.Mutex // one writer at a time; held over a transaction
	closed bool
	db     *bbolt.DB
	file   *os.File // a second handle, to make room
	size   int64    // of the file
	buf    []byte

	tail    atomic.Pointer[tail] // as of the last durable write
	dead    atomic.Pointer[error]
	durable atomic.Uint64 // index up to which the image needs the log no longer
	since   atomic.Uint64 // bytes of records stored since the last snapshot
	grew    chan struct{} // has an element when since grew; capacity 1
	stored  bell          // rings when entries were stored
	recent  recent        // keeps none in a group of one

	syncs, writes, syncNanos atomic.Uint64

	values sync.Map // string → []byte: the stable store, all of it
}

var (
	_ raft.LogStore          = (*logStore)(nil)
	_ raft.StableStore       = (*logStore)(nil)
	_ raft.MonotonicLogStore = (*logStore)(nil)
)

var (
	errNoRoom = errors.New("no room on the disk for the log")
	errClosed = errors.New("the log is closed")
)

type logOptions struct {
	clock  clock.Clock
	fail   func(error)
	onSync func(time.Duration)
	// visit is called for each record found at open.
	visit func(index uint64, bytes int)
}

// openLog opens the log in dir, or makes an empty one. It reads all of it and returns a
// *CorruptError when it is damaged.
func openLog(dir string, o logOptions) (*logStore, error) {
	path := filepath.Join(dir, logFile)
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := createLog(path); err != nil {
			return nil, fmt.Errorf("making %s: %w", path, err)
		}
	}
	s := &logStore{path: path, clock: o.clock, fail: o.fail, onSync: o.onSync, grew: make(chan struct{}, 1),
		commit: (*bbolt.Tx).Commit, extend: writeZeros}
	var err error
	if s.file, err = os.OpenFile(path, os.O_RDWR, 0); err != nil {
		return nil, err
	}
	info, err := s.file.Stat()
	if err != nil {
		s.file.Close()
		return nil, err
	}
	s.size = info.Size()
	h, err := verify(path, s.file, s.size, o.visit)
	if err != nil {
		s.file.Close()
		return nil, err
	}
	for k, v := range h.stable {
		s.values.Store(k, v)
	}
	s.tail.Store(&h.tail)
	if err := s.guard(func() (err error) { s.db, err = bbolt.Open(path, 0o600, boltOptions()); return err }); err != nil {
		s.file.Close()
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	return s, nil
}

func boltOptions() *bbolt.Options {
	return &bbolt.Options{
		Timeout:         time.Second, // the data folder's lock is held already
		NoFreelistSync:  true,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: mmapSize,
		NoSync:          failpoint.Inject("bug/ack-before-fsync") != nil,
	}
}

// createLog makes an empty log under another name and moves it to path when it is complete and durable.
func createLog(path string) (err error) {
	fresh := path + ".new"
	defer func() {
		if err != nil {
			_ = os.Remove(fresh)
		}
	}()
	db, err := bbolt.Open(fresh, 0o600, boltOptions())
	if err != nil {
		return err
	}
	for range 2 { // so that both meta pages are of transactions of ours
		err := db.Update(func(tx *bbolt.Tx) error {
			for _, name := range [][]byte{logBucket, stableBucket, tailBucket} {
				if _, err := tx.CreateBucketIfNotExists(name); err != nil {
					return err
				}
			}
			t := tail{tx: uint64(tx.ID())}
			return tx.Bucket(tailBucket).Put(tailKey, t.encode())
		})
		if err != nil {
			_ = db.Close()
			return err
		}
	}
	var used int64
	err = db.View(func(tx *bbolt.Tx) error { used = tx.Size(); return nil })
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	f, err := os.OpenFile(fresh, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	// bbolt has made the file longer with a hole, which is no room: a full disk would be noticed in the midst of a transaction.
	err = f.Truncate(used)
	if err == nil {
		err = writeZeros(f, used, firstGrow)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// writeZeros writes zeros from offset from up to size and makes them durable.
func writeZeros(f *os.File, from, size int64) error {
	zeros := make([]byte, 1<<20)
	for from < size {
		n, err := f.WriteAt(zeros[:min(size-from, int64(len(zeros)))], from)
		if err != nil {
			return err
		}
		from += int64(n)
	}
	return f.Sync()
}

// guard runs f, which uses bbolt, and turns a panic of bbolt's and a page that can't be read (bbolt
// maps the file) into an error.
func (s *logStore) guard(f func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(old)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s can't be read: %v; %s", s.path, r, remedy)
		}
	}()
	return f()
}

// Close closes the file. Calls that follow, or are under way as raft's own for its metrics may be, fail.
func (s *logStore) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil || s.closed {
		return nil
	}
	s.closed = true
	s.dead.CompareAndSwap(nil, &errClosed) // first, so that nobody takes the closed file for damage
	return errors.Join(s.db.Close(), s.file.Close())
}

// IsMonotonic says that entries must follow one another without a gap.
func (s *logStore) IsMonotonic() bool { return true }

// FirstIndex returns the index of the first entry, 0 when there is none.
func (s *logStore) FirstIndex() (uint64, error) { return s.tail.Load().first, nil }

// LastIndex returns the index of the last entry, 0 when there is none.
func (s *logStore) LastIndex() (uint64, error) { return s.tail.Load().last, nil }

// bytes returns the size of all records.
func (s *logStore) bytes() uint64 { return s.tail.Load().bytes }

// GetLog reads an entry into l. Damage ends the node.
func (s *logStore) GetLog(index uint64, l *raft.Log) error {
	if t := s.tail.Load(); index < t.first || index > t.last || t.first == 0 {
		return raft.ErrLogNotFound
	}
	if s.recent.get(index, l) {
		return nil
	}
	err := s.guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error { return s.get(tx, index, l) })
	})
	if err != nil && !errors.Is(err, raft.ErrLogNotFound) {
		s.die(err)
	}
	return err
}

func (s *logStore) get(tx *bbolt.Tx, index uint64, l *raft.Log) error {
	key := logKey(index, 0)
	c := tx.Bucket(logBucket).Cursor()
	k, v := c.Seek(key)
	if k == nil || string(k) != string(key) {
		return raft.ErrLogNotFound // trimmed in this moment
	}
	first, err := parseRecord(k, v)
	if err != nil {
		return s.damagedEntry(index, err)
	}
	data := make([]byte, 0, (int(first.parts)-1)*partPayload+len(first.payload))
	data = append(data, first.payload...)
	for part := uint16(1); part < first.parts; part++ {
		k, v := c.Next()
		r, err := parseRecord(k, v)
		if err == nil && (r.index != index || r.part != part || r.term != first.term) {
			err = fmt.Errorf("part %d of entry %d follows part %d", r.part+1, r.index, part)
		}
		if err != nil {
			return s.damagedEntry(index, err)
		}
		data = append(data, r.payload...)
	}
	if err := first.fill(l, data); err != nil {
		return s.damagedEntry(index, err)
	}
	return nil
}

func (s *logStore) damagedEntry(index uint64, err error) error {
	return fmt.Errorf("%s is damaged at entry %d: %w; %s", s.path, index, err, remedy)
}

// die ends the node: after this no write succeeds.
func (s *logStore) die(err error) {
	if s.dead.CompareAndSwap(nil, &err) && s.fail != nil {
		s.fail(err)
	}
}

// update runs change in a transaction with the tail that it is to leave, and makes it durable.
// The caller holds mu. room is about how many bytes must be left in the file for it.
func (s *logStore) update(room int, change func(tx *bbolt.Tx, t *tail) error) error {
	if dead := s.dead.Load(); dead != nil {
		return *dead
	}
	if err := s.makeRoom(int64(room)); err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	start := s.clock.Now()
	t := *s.tail.Load()
	err := s.guard(func() error {
		tx, err := s.db.Begin(true)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // after a commit it does nothing
		t.tx = uint64(tx.ID())
		tx.Bucket(logBucket).FillPercent = 1 // entries are only added at the end
		if err := change(tx, &t); err != nil {
			return err
		}
		if err := tx.Bucket(tailBucket).Put(tailKey, t.encode()); err != nil {
			return err
		}
		return s.commit(tx)
	})
	if err != nil {
		// What is on disk is unknown now, and an fsync that failed once may not be asked again.
		err = fmt.Errorf("writing %s: %w", s.path, err)
		s.die(err)
		return err
	}
	s.tail.Store(&t)
	took := clock.Since(s.clock, start)
	s.syncs.Add(2) // bbolt's: pages, then the meta page
	s.writes.Add(1)
	s.syncNanos.Add(uint64(max(took, 0)))
	if s.onSync != nil {
		s.onSync(took)
	}
	return nil
}

// makeRoom sees to it that a transaction finds room within the file as it is, even if bbolt can use
// none of its free pages. An error leaves all as it was.
func (s *logStore) makeRoom(need int64) error {
	page := int64(s.db.Info().PageSize)
	var used int64
	if err := s.db.View(func(tx *bbolt.Tx) error { used = tx.Size(); return nil }); err != nil {
		return err
	}
	if used+need <= s.size {
		return nil
	}
	info, err := s.file.Stat() // bbolt may have grown it: what lies within is bbolt's
	if err != nil {
		return err
	}
	s.size = info.Size()
	for _, more := range [...]int64{growStep, 0} {
		size := (used + need + more + page - 1) / page * page
		if size <= s.size {
			return nil
		}
		if err = s.extend(s.file, s.size, size); err == nil {
			s.size = size
			s.syncs.Add(1)
			return nil
		}
		if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
			s.die(fmt.Errorf("writing %s: %w", s.path, err))
			return err
		}
	}
	return fmt.Errorf("%w: %w", errNoRoom, err)
}

// StoreLog stores one entry.
func (s *logStore) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs stores entries that follow the last one, and returns when they are on disk.
func (s *logStore) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	if err := failpoint.Inject("replica/before-log-write"); err != nil {
		s.die(err)
		return err
	}
	s.mu.Lock()
	err := s.storeLogs(logs)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if err := failpoint.Inject("replica/after-log-write"); err != nil {
		s.die(err)
		return err
	}
	s.recent.add(logs)
	s.stored.ring()
	select {
	case s.grew <- struct{}{}:
	default:
	}
	return nil
}

func (s *logStore) storeLogs(logs []*raft.Log) error {
	next := s.tail.Load().last + 1
	if next == 1 {
		next = logs[0].Index // an empty log starts anywhere
	}
	size := 0
	for i, l := range logs {
		n := len(l.Data) + len(l.Extensions)
		if l.Index != next+uint64(i) {
			return fmt.Errorf("entry %d can't follow entry %d in the log", l.Index, next+uint64(i)-1)
		}
		if n > maxEntry {
			return fmt.Errorf("entry %d has %d bytes, more than the %d that the log takes", l.Index, n, maxEntry)
		}
		size += n + partsOf(n)*(recordHeader+recordKey+leafElement)
	}
	before := s.tail.Load().bytes
	err := s.update(size+size/4+roomForEntries, func(tx *bbolt.Tx, t *tail) error {
		b := tx.Bucket(logBucket)
		if cap(s.buf) < size {
			s.buf = make([]byte, 0, size)
		}
		buf := s.buf[:0]
		for _, l := range logs {
			start := len(buf)
			buf = appendRecords(buf, l)
			recs := buf[start:]
			for part := uint16(0); len(recs) > 0; part++ {
				rec := recs[:min(len(recs), recordHeader+partPayload)]
				recs = recs[len(rec):]
				if err := b.Put(logKey(l.Index, part), rec); err != nil {
					return err
				}
				t.records++
				t.bytes += uint64(len(rec))
				t.sum += uint64(binary.LittleEndian.Uint32(rec[4:]))
			}
		}
		if t.first == 0 {
			t.first = logs[0].Index
		}
		t.last = logs[len(logs)-1].Index
		return nil
	})
	if cap(s.buf) > keepBuffer {
		s.buf = nil
	}
	if err == nil {
		s.since.Add(s.tail.Load().bytes - before)
	}
	return err
}

// setDurable says that the image holds everything up to index durably: that much may be trimmed.
func (s *logStore) setDurable(index uint64) {
	for {
		old := s.durable.Load()
		if old >= index || s.durable.CompareAndSwap(old, index) {
			return
		}
	}
}

// DeleteRange deletes the entries from low to high, at the begin or the end of the log. From the
// begin it deletes nothing that the image does not hold durably. It works in small transactions,
// between which writes go on; after each of them the log is without a gap.
func (s *logStore) DeleteRange(low, high uint64) error {
	t := s.tail.Load()
	if t.first == 0 || high < t.first || low > t.last || low > high {
		return nil
	}
	durable := s.durable.Load()
	if fromBegin := low <= t.first && (high < t.last || low <= durable); fromBegin {
		if err := failpoint.Inject("replica/before-log-trim"); err != nil {
			return err
		}
		for high = min(high, durable); ; {
			done, err := s.deleteSome(func(t *tail) (uint64, uint64) { return t.first, min(high, t.last) }, false)
			if done || err != nil {
				return err
			}
		}
	}
	if high < t.last {
		return fmt.Errorf("entries %d to %d are in the middle of the log", low, high)
	}
	s.recent.forget()
	for {
		done, err := s.deleteSome(func(t *tail) (uint64, uint64) { return max(low, t.first), t.last }, true)
		if done || err != nil {
			return err
		}
	}
}

// deleteSome deletes some entries of the range that which names, from its end if backwards, and says
// whether none is left of it.
func (s *logStore) deleteSome(which func(*tail) (low, high uint64), backwards bool) (done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.tail.Load()
	low, high := which(now)
	if now.first == 0 || low > high {
		return true, nil
	}
	err = s.update(roomForOthers, func(tx *bbolt.Tx, t *tail) error {
		b := tx.Bucket(logBucket)
		c := b.Cursor()
		keys := make([]byte, 0, trimRecords*recordKey)
		step, from := c.Next, func() ([]byte, []byte) { return c.Seek(logKey(low, 0)) }
		if backwards {
			step, from = c.Prev, c.Last
		}
		edge := uint64(0) // the last entry of which records are deleted
		for k, v := from(); k != nil; k, v = step() {
			index, _ := splitKey(k)
			// Only whole entries, as many as it takes to reach the bound.
			if index < low || index > high || index != edge && len(keys) >= trimRecords*recordKey {
				break
			}
			edge = index
			keys = append(keys, k...)
			t.records--
			t.bytes -= uint64(len(v))
			t.sum -= uint64(binary.LittleEndian.Uint32(v[4:]))
		}
		for ; len(keys) > 0; keys = keys[recordKey:] {
			if err := b.Delete(keys[:recordKey]); err != nil {
				return err
			}
		}
		switch {
		case t.records == 0:
			t.first, t.last = 0, 0
		case backwards:
			t.last = edge - 1
		default:
			t.first = edge + 1
		}
		done = edge == high && !backwards || edge == low && backwards
		return nil
	})
	return done, err
}

// dropPages gives back the memory of the file's pages that were read through bbolt's map of it. They
// stay in the system's cache; this only keeps them from counting as the process' memory.
func (s *logStore) dropPages() {
	_ = s.db.View(func(tx *bbolt.Tx) error { // within a transaction the map stays where it is
		data := (*byte)(unsafe.Add(unsafe.Pointer(nil), s.db.Info().Data))
		return unix.Madvise(unsafe.Slice(data, tx.Size()), unix.MADV_DONTNEED)
	})
}
