package replica

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/hashicorp/raft"

	"nacre/server/clock"
)

// The keys of our own in the stable store, beside raft's.
var (
	keyNodeID = []byte("nacre/node")
	keyMark   = []byte("nacre/snapshot")
)

const snapshotDir = "snapshots"

// mark is what is kept of a snapshot. The state itself is the image; a copy of it is made when a
// snapshot is to be sent. The mark stands in the stable store, so that it has a checksum and can't
// be lost apart from the log.
type mark struct {
	ID            string `json:"id"`
	Index         uint64 `json:"index"`
	Term          uint64 `json:"term"`
	Configuration []byte `json:"configuration"` // as raft encodes it
	ConfigIndex   uint64 `json:"configIndex"`
	// Image is the index that the image held durably, or that a received copy holds. It can be below
	// Index, by entries that change nothing, and above it.
	Image uint64 `json:"image"`
	// AtMs is when it was begun on this node, in ms since 1970; 0 in marks of before it was kept.
	AtMs int64 `json:"at,omitempty"`
	// Received says that the state is in the file of this name, and not yet in the image.
	Received bool `json:"received,omitempty"`
}

func (m *mark) meta(size int64) *raft.SnapshotMeta {
	return &raft.SnapshotMeta{
		Version: raft.SnapshotVersionMax, ID: m.ID, Index: m.Index, Term: m.Term,
		Configuration: raft.DecodeConfiguration(m.Configuration), ConfigurationIndex: m.ConfigIndex, Size: size,
	}
}

// snapshots implements raft.SnapshotStore over the image: it keeps the mark of the last snapshot.
type snapshots struct {
	dir   string // for copies that are sent or received
	log   *logStore
	image Image
	// ctx ends with the node: long calls to the image stop.
	ctx context.Context

	mu   sync.Mutex // guards last
	last *mark      // nil: none
}

var _ raft.SnapshotStore = (*snapshots)(nil)

// openSnapshots reads the last mark and removes what a crash left behind.
func openSnapshots(dir string, log *logStore, image Image) (*snapshots, error) {
	s := &snapshots{dir: filepath.Join(dir, snapshotDir), log: log, image: image, ctx: context.Background()}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	b, err := log.Get(keyMark)
	if err != nil {
		return nil, err
	}
	if len(b) > 0 {
		s.last = &mark{}
		if err := json.Unmarshal(b, s.last); err != nil {
			return nil, fmt.Errorf("the mark of the last snapshot: %w", err)
		}
	}
	files, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if s.last != nil && s.last.Received && f.Name() == s.last.ID {
			continue
		}
		// What was on its way to another node is a folder with a copy in it.
		if err := os.RemoveAll(filepath.Join(s.dir, f.Name())); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *snapshots) keep(m mark) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := s.log.Set(keyMark, b); err != nil {
		return err
	}
	s.mu.Lock()
	s.last = &m
	s.mu.Unlock()
	return nil
}

// mark returns the last snapshot's, nil when there is none.
func (s *snapshots) mark() *mark {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// Create begins a snapshot: one of this node, when it is closed without a byte written to it, else
// one that a leader sends.
func (s *snapshots) Create(_ raft.SnapshotVersion, index, term uint64, configuration raft.Configuration,
	configIndex uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	return &sink{s: s, mark: mark{
		ID: fmt.Sprintf("%d-%d", term, index), Index: index, Term: term,
		Configuration: raft.EncodeConfiguration(configuration), ConfigIndex: configIndex, AtMs: clock.Millis(s.log.clock),
	}}, nil
}

// List returns the last snapshot.
func (s *snapshots) List() ([]*raft.SnapshotMeta, error) {
	if m := s.mark(); m != nil {
		return []*raft.SnapshotMeta{m.meta(0)}, nil
	}
	return nil, nil
}

// Open returns the snapshot's content: the file as it was received, or a copy of the image as it is
// now, which may be further than the snapshot; whoever restores it skips what it holds already.
func (s *snapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	m := s.mark()
	if m == nil || m.ID != id {
		return nil, nil, fmt.Errorf("there is no snapshot %s any more", id)
	}
	if m.Received {
		f, err := os.Open(filepath.Join(s.dir, m.ID))
		if err != nil {
			return nil, nil, err
		}
		info, err := f.Stat()
		if err != nil {
			return nil, nil, errors.Join(err, f.Close())
		}
		return m.meta(info.Size()), &reader{Reader: f, close: f.Close, mark: *m}, nil
	}
	return s.copy(*m)
}

func (s *snapshots) copy(m mark) (*raft.SnapshotMeta, io.ReadCloser, error) {
	tmp, err := os.MkdirTemp(s.dir, "send-")
	if err != nil {
		return nil, nil, err
	}
	path := filepath.Join(tmp, "image")
	f, size, index, err := func() (*os.File, int64, uint64, error) {
		index, err := s.image.Copy(s.ctx, path)
		if err != nil {
			return nil, 0, 0, err
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, 0, 0, err
		}
		info, err := f.Stat()
		if err != nil {
			return nil, 0, 0, errors.Join(err, f.Close())
		}
		return f, info.Size(), index, nil
	}()
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(tmp))
	}
	sum := crc32.New(castagnoli)
	return m.meta(frameHead + size + frameEnd), &reader{
		Reader: io.MultiReader(
			bytes.NewReader(encodeFrame(index, size)),
			io.TeeReader(io.LimitReader(f, size), sum),
			&lazy{func() []byte { return binary.LittleEndian.AppendUint32(nil, sum.Sum32()) }, nil},
		),
		close: func() error { return errors.Join(f.Close(), os.RemoveAll(tmp)) },
		mark:  m,
	}, nil
}

// reader is an open snapshot.
type reader struct {
	io.Reader
	close func() error
	mark  mark
}

// Close ends the reading and removes the copy that was made for it.
func (r *reader) Close() error { return r.close() }

// lazy reads what make returns when the first byte is asked for.
type lazy struct {
	make func() []byte
	r    *bytes.Reader
}

func (l *lazy) Read(b []byte) (int, error) {
	if l.r == nil {
		l.r = bytes.NewReader(l.make())
	}
	return l.r.Read(b)
}

// A snapshot on its way is a frame: "NACRESNP", version u32, CRC32C u32 of the rest of the head, the
// image's index u64, the size of the copy u64, the copy, its CRC32C u32; all little endian.
const (
	frameMagic   = "NACRESNP"
	frameVersion = 1
	frameHead    = 32
	frameEnd     = 4
)

func encodeFrame(index uint64, size int64) []byte {
	b := append(make([]byte, 0, frameHead), frameMagic...)
	b = binary.LittleEndian.AppendUint32(b, frameVersion)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint64(b, index)
	b = binary.LittleEndian.AppendUint64(b, uint64(size))
	binary.LittleEndian.PutUint32(b[12:], crc32.Checksum(b[16:], castagnoli))
	return b
}

// checkFrame reads a whole frame and returns the index of the image in it.
func checkFrame(name string, f io.ReaderAt, total int64) (index uint64, err error) {
	damage := func(at int64, what string) error { return &CorruptError{File: name, Offset: at, What: what} }
	head := make([]byte, frameHead)
	if n, err := f.ReadAt(head, 0); n < frameHead {
		return 0, errors.Join(damage(int64(n), "the snapshot's head is cut short"), err)
	}
	switch {
	case string(head[:8]) != frameMagic || binary.LittleEndian.Uint32(head[8:]) != frameVersion:
		return 0, damage(0, "it is no snapshot that this version knows")
	case binary.LittleEndian.Uint32(head[12:]) != crc32.Checksum(head[16:], castagnoli):
		return 0, damage(12, "the snapshot's head does not match its checksum")
	}
	size := binary.LittleEndian.Uint64(head[24:])
	if total < frameHead+frameEnd || size != uint64(total-frameHead-frameEnd) {
		return 0, damage(total, fmt.Sprintf("the snapshot has %d bytes, and says that its image has %d", total, size))
	}
	sum := crc32.New(castagnoli)
	if _, err := io.Copy(sum, io.NewSectionReader(f, frameHead, int64(size))); err != nil {
		return 0, err
	}
	end := make([]byte, frameEnd)
	if _, err := f.ReadAt(end, frameHead+int64(size)); err != nil && err != io.EOF {
		return 0, err
	}
	if binary.LittleEndian.Uint32(end) != sum.Sum32() {
		return 0, damage(frameHead, "the snapshot's image does not match its checksum")
	}
	return binary.LittleEndian.Uint64(head[16:]), nil
}

// install puts the image of a received snapshot in the place of image, and notes that it is there.
// It can be done again after a crash.
func (s *snapshots) install(image Image, m mark) error {
	path := filepath.Join(s.dir, m.ID)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err := checkFrame(path, f, info.Size()); err != nil {
		return err
	}
	plain := path + ".image"
	if err := writeFrom(plain, io.NewSectionReader(f, frameHead, info.Size()-frameHead-frameEnd)); err != nil {
		return err
	}
	defer os.Remove(plain)
	if err := image.Replace(s.ctx, plain); err != nil {
		return err
	}
	if got := image.Written(); got != m.Image {
		return fmt.Errorf("the image holds entry %d afterwards, and should hold %d", got, m.Image)
	}
	m.Received = false
	if err := s.keep(m); err != nil {
		return err
	}
	return os.Remove(path)
}

func writeFrom(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Sync(), f.Close())
}

// sink takes a snapshot.
type sink struct {
	s     *snapshots
	mark  mark
	image uint64 // of a snapshot of this node: what the image holds durably

	f      *os.File // of a snapshot that is received; nil until its first byte
	closed bool
}

// ID returns the snapshot's name.
func (k *sink) ID() string { return k.mark.ID }

// Write takes a part of a snapshot that a leader sends.
func (k *sink) Write(b []byte) (n int, err error) {
	if k.f == nil {
		if k.f, err = os.CreateTemp(k.s.dir, "receive-"); err != nil {
			return 0, err
		}
	}
	return k.f.Write(b)
}

// Close checks what was received, makes it durable and keeps the mark of it.
func (k *sink) Close() error {
	if k.closed {
		return nil
	}
	k.closed = true
	if k.f == nil {
		k.mark.Image = k.image
		return k.s.keep(k.mark)
	}
	err := k.receive()
	if err != nil {
		_ = os.Remove(k.f.Name())
	}
	return err
}

func (k *sink) receive() error {
	name := k.f.Name()
	size, err := k.f.Seek(0, io.SeekEnd)
	if err == nil {
		k.mark.Image, err = checkFrame(name, k.f, size)
	}
	if err := errors.Join(err, k.f.Sync(), k.f.Close()); err != nil {
		return err
	}
	if err := os.Rename(name, filepath.Join(k.s.dir, k.mark.ID)); err != nil {
		return err
	}
	if err := syncDir(k.s.dir); err != nil {
		return err
	}
	k.mark.Received = true
	return k.s.keep(k.mark)
}

// Cancel throws away what was taken.
func (k *sink) Cancel() error {
	if k.closed {
		return nil
	}
	k.closed = true
	if k.f == nil {
		return nil
	}
	return errors.Join(k.f.Close(), os.Remove(k.f.Name()))
}
