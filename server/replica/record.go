package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/hashicorp/raft"
)

// The names of the buckets in raft.db.
var (
	logBucket    = []byte("log")    // (index, part) → log record
	stableBucket = []byte("stable") // raft's term and vote, and what this package keeps beside them
	tailBucket   = []byte("tail")   // one record: what the other two must hold
	tailKey      = []byte("tail")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A log entry is kept in parts of at most partPayload bytes: bbolt rewrites up to four neighbours of
// a record that it adds, which with entries of hundreds of KiB would write each of them four times.
// The size makes a leaf of two records fill its pages of 4 KiB.
const (
	recordVersion = 1
	recordHeader  = 40
	recordKey     = 10
	leafPages     = 4
	partPayload   = (leafPages*4096-16)/2 - 16 - recordKey - recordHeader
	maxParts      = 1<<16 - 1
	// maxEntry is the largest entry the log takes.
	maxEntry = maxParts * partPayload
)

// The layout of a log record, little endian:
//
//	0  version u8     1  raft type u8   2  part u16       4  CRC32C u32 of all the rest
//	8  index u64      16 term u64       24 appended at, ns since 1970, i64, 0: unknown
//	32 parts u16      34 zero u16       36 length of the extensions u32
//	40 payload: this part of data followed by extensions
type record struct {
	kind       uint8
	part       uint16
	parts      uint16
	index      uint64
	term       uint64
	appended   int64
	extensions uint32
	payload    []byte
}

var errRecord = errors.New("record does not match its checksum")

func recordCRC(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:4], castagnoli), castagnoli, b[8:])
}

// partsOf returns how many records an entry of size bytes takes.
func partsOf(size int) int { return max(1, (size+partPayload-1)/partPayload) }

// appendRecords appends to buf the records of l, one after the other, and returns it. All but the
// last have the length recordHeader+partPayload.
func appendRecords(buf []byte, l *raft.Log) []byte {
	size := len(l.Data) + len(l.Extensions)
	parts := partsOf(size)
	var appended int64
	if !l.AppendedAt.IsZero() {
		appended = l.AppendedAt.UnixNano()
	}
	for part := range parts {
		start := len(buf)
		buf = append(buf, recordVersion, uint8(l.Type))
		buf = binary.LittleEndian.AppendUint16(buf, uint16(part))
		buf = binary.LittleEndian.AppendUint32(buf, 0)
		buf = binary.LittleEndian.AppendUint64(buf, l.Index)
		buf = binary.LittleEndian.AppendUint64(buf, l.Term)
		buf = binary.LittleEndian.AppendUint64(buf, uint64(appended))
		buf = binary.LittleEndian.AppendUint16(buf, uint16(parts))
		buf = binary.LittleEndian.AppendUint16(buf, 0)
		buf = binary.LittleEndian.AppendUint32(buf, uint32(len(l.Extensions)))
		from, to := part*partPayload, min(size, (part+1)*partPayload)
		if from < len(l.Data) {
			buf = append(buf, l.Data[from:min(to, len(l.Data))]...)
		}
		if to > len(l.Data) {
			buf = append(buf, l.Extensions[max(from-len(l.Data), 0):to-len(l.Data)]...)
		}
		rec := buf[start:]
		binary.LittleEndian.PutUint32(rec[4:], recordCRC(rec))
	}
	return buf
}

// parseRecord reads a log record and checks it against its key and its checksum. The payload aliases b.
func parseRecord(key, b []byte) (record, error) {
	if len(key) != recordKey {
		return record{}, fmt.Errorf("log key has %d bytes instead of %d", len(key), recordKey)
	}
	if len(b) < recordHeader || binary.LittleEndian.Uint32(b[4:]) != recordCRC(b) {
		return record{}, errRecord
	}
	if b[0] != recordVersion {
		return record{}, fmt.Errorf("log record has version %d, this program knows %d; a newer one wrote it", b[0], recordVersion)
	}
	r := record{
		kind:       b[1],
		part:       binary.LittleEndian.Uint16(b[2:]),
		index:      binary.LittleEndian.Uint64(b[8:]),
		term:       binary.LittleEndian.Uint64(b[16:]),
		appended:   int64(binary.LittleEndian.Uint64(b[24:])),
		parts:      binary.LittleEndian.Uint16(b[32:]),
		extensions: binary.LittleEndian.Uint32(b[36:]),
		payload:    b[recordHeader:],
	}
	if index, part := splitKey(key); index != r.index || part != r.part {
		return record{}, fmt.Errorf("log record of entry %d part %d stands under the key of entry %d part %d", r.index, r.part, index, part)
	}
	return r, nil
}

// logKey returns the key of a part of an entry; keys sort as entries do.
func logKey(index uint64, part uint16) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint64(make([]byte, 0, recordKey), index), part)
}

func splitKey(key []byte) (index uint64, part uint16) {
	return binary.BigEndian.Uint64(key), binary.BigEndian.Uint16(key[8:])
}

// fill sets l from its first record; data collects the payloads of all parts, extensions at the end.
func (r *record) fill(l *raft.Log, data []byte) error {
	if int(r.extensions) > len(data) {
		return fmt.Errorf("entry %d says it has %d bytes of extensions and has %d bytes in all", r.index, r.extensions, len(data))
	}
	split := len(data) - int(r.extensions)
	*l = raft.Log{Index: r.index, Term: r.term, Type: raft.LogType(r.kind), Data: data[:split:split]}
	if r.extensions > 0 {
		l.Extensions = data[split:]
	}
	if r.appended != 0 {
		l.AppendedAt = time.Unix(0, r.appended)
	}
	return nil
}

// tail says what raft.db holds. It is written in every transaction and compared at open with what is
// found: a lost page, a stale page or a page count that flipped can't take entries away unseen.
type tail struct {
	tx          uint64 // bbolt's number of the transaction that wrote it
	first, last uint64 // indexes of the first and last entry, 0 when there is none
	records     uint64 // of all entries
	bytes       uint64 // of all records
	sum         uint64 // wrapping sum of the records' checksums
	stable      uint64 // values in the stable bucket
	stableSum   uint64 // wrapping sum of their checksums
}

const (
	tailVersion = 1
	tailSize    = 8 + 8*8
)

func (t *tail) encode() []byte {
	b := make([]byte, 8, tailSize)
	b[0] = tailVersion
	for _, v := range [...]uint64{t.tx, t.first, t.last, t.records, t.bytes, t.sum, t.stable, t.stableSum} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	binary.LittleEndian.PutUint32(b[4:], recordCRC(b))
	return b
}

func parseTail(b []byte) (tail, error) {
	if len(b) != tailSize || binary.LittleEndian.Uint32(b[4:]) != recordCRC(b) {
		return tail{}, errRecord
	}
	if b[0] != tailVersion {
		return tail{}, fmt.Errorf("tail record has version %d, this program knows %d; a newer one wrote it", b[0], tailVersion)
	}
	var v [8]uint64
	for i := range v {
		v[i] = binary.LittleEndian.Uint64(b[8+8*i:])
	}
	return tail{tx: v[0], first: v[1], last: v[2], records: v[3], bytes: v[4], sum: v[5], stable: v[6], stableSum: v[7]}, nil
}

// A stable value: version u8, three zero bytes, CRC32C u32 of key and all the rest, value.
const stableHeader = 8

func stableCRC(key, b []byte) uint32 {
	return crc32.Update(recordCRC(b), castagnoli, key)
}

func encodeStable(key, value []byte) []byte {
	b := make([]byte, stableHeader, stableHeader+len(value))
	b[0] = recordVersion
	b = append(b, value...)
	binary.LittleEndian.PutUint32(b[4:], stableCRC(key, b))
	return b
}

func parseStable(key, b []byte) (value []byte, crc uint32, err error) {
	if len(b) < stableHeader {
		return nil, 0, errRecord
	}
	crc = binary.LittleEndian.Uint32(b[4:])
	if crc != stableCRC(key, b) {
		return nil, 0, errRecord
	}
	if b[0] != recordVersion {
		return nil, 0, fmt.Errorf("value %q has version %d, this program knows %d; a newer one wrote it", key, b[0], recordVersion)
	}
	return b[stableHeader:], crc, nil
}
