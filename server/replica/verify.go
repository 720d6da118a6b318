package replica

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// The file format of bbolt, as far as reading it needs. Integers are in the machine's byte order.
const (
	boltMagic       = 0xED0CDAED
	boltVersion     = 2
	boltBranch      = 0x01
	boltLeaf        = 0x02
	boltMeta        = 0x04
	boltBucketEntry = 0x01
	boltNoFreelist  = ^uint64(0)
	pageHeader      = 16
	branchElement   = 16
	leafElement     = 16
	bucketHeader    = 16
	maxDepth        = 32
)

var order = binary.NativeEndian

// held is what verify found in a sound file.
type held struct {
	tail   tail
	stable map[string][]byte
}

// verify reads a whole raft.db by itself, before bbolt maps it, and returns what it holds, or a
// *CorruptError.
//
// bbolt can't be asked: it checks no value and hardly any page, ends the process on a page that is
// out of place (panics in goroutines of its own, a SIGBUS beyond the end of a file cut short), and
// when the newer of its two meta pages is damaged it silently goes back one transaction, which was
// acknowledged. So every page that can be reached is parsed as strictly as bbolt writes it, every
// record is checked against its checksum, and the sum of all against the tail record.
//
// Which states a crash can leave, and which are damage:
//
//   - A transaction writes its pages to places that the previous one does not use, fsyncs, then
//     writes one meta page over the older of the two, fsyncs, and only then is acknowledged. A crash
//     before the meta page leaves pages nobody refers to, torn or whole: the file is read as of the
//     transaction before. That is the torn tail, and nothing acknowledged is in it.
//   - The meta page's content is 80 bytes at the start of a page and so within one sector, which a
//     disk writes whole or not at all. Both meta pages are therefore valid at any moment, one
//     transaction apart. One that is not valid is damage, and the file is refused: were it the
//     newer one, going back to the older would lose what was acknowledged.
//   - The file is made under another name and renamed when complete, so it is never half made.
//   - The file only grows, before the meta page that needs the room. A file shorter than its meta
//     page says is damage; what follows the last used page means nothing.
//
// visit, when not nil, is called for every log record in order with the entry's index and its size.
func verify(file string, r io.ReaderAt, size int64, visit func(index uint64, bytes int)) (held, error) {
	s := &scan{file: file, r: r, size: size, visit: visit}
	h, err := s.run()
	if err != nil {
		var c *CorruptError
		if !errors.As(err, &c) {
			err = fmt.Errorf("%s: %w", file, err)
		}
		return held{}, err
	}
	return h, nil
}

type scan struct {
	file     string
	r        io.ReaderAt
	size     int64
	visit    func(index uint64, bytes int)
	pageSize int64
	pages    uint64 // pages in use: those with a lower number
	seen     []uint64
	bufs     [maxDepth][]byte
	log      logScan
}

type logScan struct {
	tail        tail
	parts, part uint16
	kind        uint8
	term        uint64
}

type metaPage struct {
	pageSize uint32
	root     uint64
	freelist uint64
	pages    uint64
	tx       uint64
}

func (s *scan) damage(offset int64, format string, args ...any) error {
	return &CorruptError{File: s.file, Offset: offset, What: fmt.Sprintf(format, args...)}
}

func (s *scan) run() (held, error) {
	live, err := s.meta()
	if err != nil {
		return held{}, err
	}
	s.pages = live.pages
	s.seen = make([]uint64, live.pages/64+1)
	buckets := map[string]bucketAt{}
	err = s.tree(live.root, 0, nil, nil, boltBucketEntry, func(key, value []byte, at int64) error {
		b, err := s.bucket(value, at)
		buckets[string(key)] = b
		return err
	})
	if err != nil {
		return held{}, err
	}
	rootAt := int64(live.root) * s.pageSize
	for _, name := range [][]byte{logBucket, stableBucket, tailBucket} {
		if _, ok := buckets[string(name)]; !ok {
			return held{}, s.damage(rootAt, "the part %q is missing", name)
		}
	}
	if len(buckets) != 3 {
		return held{}, s.damage(rootAt, "there are %d parts instead of 3", len(buckets))
	}
	var want *tail
	err = s.walk(buckets[string(tailBucket)], func(key, value []byte, at int64) error {
		t, err := parseTail(value)
		if err != nil || want != nil || !bytes.Equal(key, tailKey) {
			return s.damage(at, "tail record: %v", orUnknown(err))
		}
		want = &t
		return nil
	})
	if err != nil {
		return held{}, err
	}
	if want == nil {
		return held{}, s.damage(rootAt, "the tail record is missing")
	}
	if want.tx != live.tx {
		return held{}, s.damage(rootAt, "the tail record is of transaction %d, the newest is %d", want.tx, live.tx)
	}
	if err := s.walk(buckets[string(logBucket)], s.record); err != nil {
		return held{}, err
	}
	if s.log.parts != 0 && s.log.part+1 != s.log.parts {
		return held{}, s.damage(rootAt, "entry %d ends after part %d of %d", s.log.tail.last, s.log.part+1, s.log.parts)
	}
	stable := map[string][]byte{}
	err = s.walk(buckets[string(stableBucket)], func(key, value []byte, at int64) error {
		v, crc, err := parseStable(key, value)
		if err != nil {
			return s.damage(at, "value %q: %v", key, err)
		}
		stable[string(key)] = bytes.Clone(v)
		s.log.tail.stable++
		s.log.tail.stableSum += uint64(crc)
		return nil
	})
	if err != nil {
		return held{}, err
	}
	s.log.tail.tx = live.tx
	if got := s.log.tail; got != *want {
		return held{}, s.damage(rootAt, "it holds entries %d to %d in %d records of %d bytes (sum %x) and %d values (sum %x), "+
			"and should hold entries %d to %d in %d records of %d bytes (sum %x) and %d values (sum %x)",
			got.first, got.last, got.records, got.bytes, got.sum, got.stable, got.stableSum,
			want.first, want.last, want.records, want.bytes, want.sum, want.stable, want.stableSum)
	}
	return held{tail: *want, stable: stable}, nil
}

func orUnknown(err error) error {
	if err == nil {
		return errors.New("unknown record")
	}
	return err
}

// meta reads both meta pages and returns the newer one.
func (s *scan) meta() (metaPage, error) {
	zero, err := s.metaAt(0, 0)
	if err != nil {
		return metaPage{}, err
	}
	s.pageSize = int64(zero.pageSize)
	one, err := s.metaAt(s.pageSize, 1)
	if err != nil {
		return metaPage{}, err
	}
	if one.pageSize != zero.pageSize {
		return metaPage{}, s.damage(s.pageSize, "the meta pages speak of pages of %d and %d bytes", zero.pageSize, one.pageSize)
	}
	live, at := zero, int64(0)
	if one.tx > zero.tx {
		live, at = one, s.pageSize
	}
	if zero.tx+one.tx+1 != 2*live.tx {
		return metaPage{}, s.damage(at, "the meta pages are of transactions %d and %d, which are not neighbours", zero.tx, one.tx)
	}
	switch {
	case live.pages < 4 || live.pages > uint64(s.size/s.pageSize):
		return metaPage{}, s.damage(s.size, "the file ends here, and has %d pages of %d bytes in use: it was cut short", live.pages, s.pageSize)
	case live.freelist != boltNoFreelist:
		return metaPage{}, s.damage(at, "the meta page refers to a list of free pages, which is never written")
	}
	return live, nil
}

func (s *scan) metaAt(offset int64, id uint64) (metaPage, error) {
	var b [80]byte
	if n, err := s.r.ReadAt(b[:], offset); n < len(b) {
		if err == io.EOF {
			return metaPage{}, s.damage(offset, "the file ends before meta page %d", id)
		}
		return metaPage{}, err
	}
	h := fnv.New64a()
	h.Write(b[16:72])
	switch {
	case order.Uint32(b[16:]) != boltMagic:
		return metaPage{}, s.damage(offset+16, "meta page %d has no mark of a meta page", id)
	case order.Uint32(b[20:]) != boltVersion:
		return metaPage{}, s.damage(offset+20, "meta page %d has version %d instead of %d", id, order.Uint32(b[20:]), boltVersion)
	case order.Uint64(b[72:]) != h.Sum64():
		return metaPage{}, s.damage(offset, "meta page %d does not match its checksum", id)
	}
	m := metaPage{
		pageSize: order.Uint32(b[24:]),
		root:     order.Uint64(b[32:]),
		freelist: order.Uint64(b[48:]),
		pages:    order.Uint64(b[56:]),
		tx:       order.Uint64(b[64:]),
	}
	switch {
	case m.pageSize < 1024 || m.pageSize > 1<<20 || m.pageSize&(m.pageSize-1) != 0:
		return metaPage{}, s.damage(offset, "meta page %d speaks of pages of %d bytes", id, m.pageSize)
	case order.Uint64(b[:]) != id || order.Uint16(b[8:]) != boltMeta || m.tx%2 != id:
		return metaPage{}, s.damage(offset, "meta page %d is that of another place (number %d, transaction %d)", id, order.Uint64(b[:]), m.tx)
	}
	return m, nil
}

// page returns a page with what overflows from it, in the buffer for depth, and its offset.
func (s *scan) page(id uint64, depth int) ([]byte, int64, error) {
	at := int64(id) * s.pageSize
	switch {
	case id < 2 || id >= s.pages:
		return nil, 0, s.damage(0, "page %d is referred to, and pages 2 to %d are in use", id, s.pages-1)
	case depth >= maxDepth:
		return nil, 0, s.damage(at, "the tree is more than %d pages deep", maxDepth)
	}
	b, err := s.read(s.bufs[depth], at, 0, s.pageSize)
	if err != nil {
		return nil, 0, err
	}
	flags, overflow := order.Uint16(b[8:]), order.Uint32(b[12:])
	switch {
	case order.Uint64(b) != id:
		return nil, 0, s.damage(at, "page %d calls itself %d", id, order.Uint64(b))
	case flags != boltBranch && flags != boltLeaf:
		return nil, 0, s.damage(at, "page %d is of unknown kind %#x", id, flags)
	case uint64(overflow) >= s.pages-id:
		return nil, 0, s.damage(at, "page %d goes on for %d pages, beyond the last of %d", id, overflow, s.pages)
	}
	for n := id; n <= id+uint64(overflow); n++ {
		if s.seen[n/64]&(1<<(n%64)) != 0 {
			return nil, 0, s.damage(at, "page %d is used twice", n)
		}
		s.seen[n/64] |= 1 << (n % 64)
	}
	if overflow > 0 {
		if b, err = s.read(b, at, s.pageSize, (int64(overflow)+1)*s.pageSize); err != nil {
			return nil, 0, err
		}
	}
	s.bufs[depth] = b
	return b, at, nil
}

// read fills b[from:to] with what stands there in the page at offset at.
func (s *scan) read(b []byte, at, from, to int64) ([]byte, error) {
	if int64(cap(b)) < to {
		b = append(make([]byte, 0, to), b[:min(int64(len(b)), from)]...)
	}
	b = b[:to]
	if n, err := s.r.ReadAt(b[from:], at+from); int64(n) < to-from {
		if err == io.EOF {
			return nil, s.damage(at+from+int64(n), "the file ends within a page in use")
		}
		return nil, fmt.Errorf("reading at byte %d: %w", at+from+int64(n), err)
	}
	return b, nil
}

// tree walks the pages under root, whose keys are at least low and below high, and calls each for
// every element with the offset of its value. Each element must have exactly the given flags.
func (s *scan) tree(root uint64, depth int, low, high []byte, flags uint32, each func(key, value []byte, at int64) error) error {
	b, at, err := s.page(root, depth)
	if err != nil {
		return err
	}
	used, err := s.elements(b, at, low, high, func(key, value []byte, elem []byte, next func() []byte, off int64) error {
		if value == nil {
			child := order.Uint64(elem[8:])
			upper := next()
			if upper == nil {
				upper = high
			}
			return s.tree(child, depth+1, key, upper, flags, each)
		}
		if f := order.Uint32(elem); f != flags {
			return s.damage(at, "an element of page %d has the flags %#x instead of %#x", root, f, flags)
		}
		return each(key, value, off)
	})
	if err != nil {
		return err
	}
	if need := (int64(used) + s.pageSize - 1) / s.pageSize * s.pageSize; need != int64(len(b)) {
		return s.damage(at, "page %d takes %d bytes and needs %d", root, len(b), need)
	}
	return nil
}

// elements parses the page b, which stands at offset at of the file, and returns how many bytes are
// in use. For a branch each is called with a nil value and a function that returns the next key.
func (s *scan) elements(b []byte, at int64, low, high []byte,
	each func(key, value, elem []byte, next func() []byte, off int64) error) (int, error) {
	leaf := order.Uint16(b[8:]) == boltLeaf
	count := int(order.Uint16(b[10:]))
	size := branchElement
	if leaf {
		size = leafElement
	}
	if count == 0 && !leaf {
		return 0, s.damage(at, "a branch page is empty")
	}
	pos := pageHeader + count*size
	if pos > len(b) {
		return 0, s.damage(at, "a page of %d bytes says it has %d elements", len(b), count)
	}
	// keyAt returns key and value of an element that must start at pos, and where they end.
	keyAt := func(i, pos int) (key, value []byte, end int, ok bool) {
		start := pageHeader + i*size
		elem := b[start : start+size]
		var from, klen, vlen uint64
		if leaf {
			from, klen, vlen = uint64(order.Uint32(elem[4:])), uint64(order.Uint32(elem[8:])), uint64(order.Uint32(elem[12:]))
		} else {
			from, klen = uint64(order.Uint32(elem)), uint64(order.Uint32(elem[4:]))
		}
		if uint64(start)+from != uint64(pos) || klen == 0 || klen+vlen > uint64(len(b)-pos) {
			return nil, nil, 0, false
		}
		end = pos + int(klen+vlen)
		key = b[pos : pos+int(klen)]
		if leaf {
			value = b[pos+int(klen) : end : end]
		}
		return key, value, end, true
	}
	previous := low
	for i := range count {
		key, value, end, ok := keyAt(i, pos)
		if !ok {
			return 0, s.damage(at+int64(pageHeader+i*size), "element %d of a page does not lie where it must", i)
		}
		if c := bytes.Compare(previous, key); c > 0 || c == 0 && i > 0 || high != nil && bytes.Compare(key, high) >= 0 {
			return 0, s.damage(at+int64(pos), "the key of element %d of a page is out of order", i)
		}
		next := func() []byte {
			if i+1 == count {
				return nil
			}
			if k, _, _, ok := keyAt(i+1, end); ok {
				return k
			}
			return []byte{} // below every key: the child is refused, as this page would be
		}
		start := pageHeader + i*size
		if err := each(key, value, b[start:start+size], next, at+int64(pos+len(key))); err != nil {
			return 0, err
		}
		previous, pos = key, end
	}
	return pos, nil
}

// bucketAt is a bucket: the root of its tree, or its only page, which stands within the parent.
type bucketAt struct {
	root   uint64
	inline []byte
	at     int64
}

func (s *scan) bucket(value []byte, at int64) (bucketAt, error) {
	if len(value) < bucketHeader {
		return bucketAt{}, s.damage(at, "a part's head is cut short")
	}
	b := bucketAt{root: order.Uint64(value), at: at + bucketHeader}
	if b.root != 0 {
		if len(value) != bucketHeader {
			return bucketAt{}, s.damage(at, "a part's head has %d bytes instead of %d", len(value), bucketHeader)
		}
		return b, nil
	}
	page := value[bucketHeader:]
	if len(page) < pageHeader || order.Uint64(page) != 0 || order.Uint16(page[8:]) != boltLeaf || order.Uint32(page[12:]) != 0 {
		return bucketAt{}, s.damage(at, "a page within a page is not as it must be")
	}
	b.inline = bytes.Clone(page)
	return b, nil
}

// walk calls each for every element of b in the order of the keys.
func (s *scan) walk(b bucketAt, each func(key, value []byte, at int64) error) error {
	if b.root != 0 {
		return s.tree(b.root, 0, nil, nil, 0, each)
	}
	used, err := s.elements(b.inline, b.at, nil, nil, func(key, value, elem []byte, _ func() []byte, off int64) error {
		if f := order.Uint32(elem); f != 0 {
			return s.damage(b.at, "an element has the flags %#x", f)
		}
		return each(key, value, off)
	})
	if err == nil && used != len(b.inline) {
		err = s.damage(b.at, "a page within a page takes %d bytes and needs %d", len(b.inline), used)
	}
	return err
}

// record checks that a log record follows the one before.
func (s *scan) record(key, value []byte, at int64) error {
	r, err := parseRecord(key, value)
	if err != nil {
		return s.damage(at, "%v", err)
	}
	l := &s.log
	switch {
	case r.parts == 0 || r.part >= r.parts:
		return s.damage(at, "entry %d has part %d of %d", r.index, r.part+1, r.parts)
	case l.parts != 0 && l.part+1 < l.parts: // within an entry
		if r.index != l.tail.last || r.part != l.part+1 || r.parts != l.parts || r.term != l.term || r.kind != l.kind {
			return s.damage(at, "part %d of entry %d is followed by part %d of entry %d", l.part+1, l.tail.last, r.part+1, r.index)
		}
	case r.part != 0 || r.index == 0 || l.parts != 0 && r.index != l.tail.last+1:
		return s.damage(at, "entry %d is followed by part %d of entry %d", l.tail.last, r.part+1, r.index)
	case r.term < l.term:
		return s.damage(at, "entry %d is of term %d, the one before of term %d", r.index, r.term, l.term)
	}
	if l.parts == 0 {
		l.tail.first = r.index
	}
	l.tail.last, l.part, l.parts, l.term, l.kind = r.index, r.part, r.parts, r.term, r.kind
	l.tail.records++
	l.tail.bytes += uint64(len(value))
	l.tail.sum += uint64(binary.LittleEndian.Uint32(value[4:]))
	if s.visit != nil {
		s.visit(r.index, len(value))
	}
	return nil
}
