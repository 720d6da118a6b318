package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"nacre/server/failpoint"
	"nacre/server/journal"
)

// Image is the database that is written behind the answers. Calls of Write, Sync and Replace come
// from one goroutine at a time, except that Sync and Copy may run beside Write.
type Image interface {
	// Write hands over what the group at index changed; in order. It returns at once unless the
	// writer is far behind, then it waits. An error is fatal for the node.
	Write(index uint64, changes []journal.Change) error
	// Written returns the highest index that queries can see.
	Written() uint64
	// Sync makes everything up to index durable in the database file and returns the index that is
	// durable, at least index.
	Sync(ctx context.Context, index uint64) (uint64, error)
	// Copy writes a consistent copy of the database to the new file path and returns the index it holds.
	Copy(ctx context.Context, path string) (uint64, error)
	// Replace puts the copy at path, checked first, durably in the place of the database.
	Replace(ctx context.Context, path string) error
}

// fsm is a thin shell around the applier and the image. raft calls it from one goroutine.
type fsm struct {
	applier journal.Applier
	image   Image
	reload  func() error
	snaps   *snapshots
	log     *logStore
	// fail ends the process; should it return, nothing more is applied.
	fail func(error)
	// waits are this node's groups on their way; nil in a group of one.
	waits *waits

	applied atomic.Uint64 // highest index applied in memory and handed to the image
	term    atomic.Uint64 // of the last entry applied since the start
	moved   bell          // rings when one of the two grew
	dead    error
}

var (
	_ raft.FSM                = (*fsm)(nil)
	_ raft.ConfigurationStore = (*fsm)(nil)
)

var errStopped = errors.New("the node has stopped")

// Apply applies a group of commands. The response is []journal.Result, or an error.
func (f *fsm) Apply(l *raft.Log) any {
	if f.dead != nil {
		return errStopped
	}
	if l.Index <= f.applied.Load() {
		return nil // memory was loaded from an image that holds it
	}
	results, err := f.apply(l)
	if err != nil {
		f.die(err)
		return errStopped
	}
	return results
}

func (f *fsm) apply(l *raft.Log) ([]journal.Result, error) {
	origin, group, err := journal.DecodeEntry(l.Data)
	if err != nil {
		return nil, fmt.Errorf("journal entry %d: %w", l.Index, err)
	}
	var results []journal.Result
	var changes []journal.Change
	void := origin.Term != 0 && origin.Term != l.Term
	if !void && len(group) > 0 {
		if results, changes, err = f.applier.Apply(l.Index, group); err != nil {
			return nil, err
		}
	}
	if err := f.write(l.Index, changes); err != nil {
		return nil, err
	}
	if f.waits != nil {
		// First the answer, then the term: who sees the term and no answer knows that there will be none.
		f.waits.arrived(origin, results, void)
		f.term.Store(l.Term)
	}
	f.moved.ring()
	return results, nil
}

func (f *fsm) write(index uint64, changes []journal.Change) error {
	if err := failpoint.Inject("replica/before-image-write"); err != nil {
		return err
	}
	if failpoint.Inject("bug/index-without-content") != nil {
		changes = nil
	}
	if err := f.image.Write(index, changes); err != nil {
		return fmt.Errorf("writing entry %d to the image: %w", index, err)
	}
	f.applied.Store(index)
	return nil
}

func (f *fsm) die(err error) {
	if f.dead == nil {
		f.dead = err
		f.fail(err)
	}
}

// StoreConfiguration hears of the members as of index. They are kept by raft; the image only learns
// that it is that far.
func (f *fsm) StoreConfiguration(index uint64, _ raft.Configuration) {
	if f.dead != nil || index <= f.applied.Load() {
		return
	}
	if err := f.write(index, nil); err != nil {
		f.die(err)
		return
	}
	f.moved.ring()
}

// Snapshot notes how far the image must be durable; Persist waits until it is.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) {
	if f.dead != nil {
		return nil, errStopped
	}
	return &snapshot{f: f, index: f.applied.Load()}, nil
}

type snapshot struct {
	f     *fsm
	index uint64
}

// Persist makes the image durable; the sink then keeps a mark of it.
func (s *snapshot) Persist(to raft.SnapshotSink) error {
	out, ok := to.(*sink)
	if !ok {
		return fmt.Errorf("a snapshot can't be kept in a %T", to)
	}
	durable, err := s.f.image.Sync(s.f.snaps.ctx, s.index)
	if err != nil {
		err = fmt.Errorf("making the image durable up to entry %d: %w", s.index, err)
		if s.f.snaps.ctx.Err() == nil {
			s.f.fail(err) // a failed fsync is not tried again
		}
		return err
	}
	if durable < s.index {
		return fmt.Errorf("the image is durable up to entry %d only, %d was asked for", durable, s.index)
	}
	if err := failpoint.Inject("replica/mid-snapshot"); err != nil {
		return err
	}
	out.image = durable
	if err := out.Close(); err != nil {
		return err
	}
	s.f.log.setDurable(durable)
	return nil
}

// Release does nothing: a snapshot holds nothing.
func (s *snapshot) Release() {}

// Restore puts a snapshot that was received in the place of the image, and has memory loaded from it.
func (f *fsm) Restore(from io.ReadCloser) error {
	if w, ok := from.(raft.ReadCloserWrapper); ok {
		from = w.WrappedReadCloser()
	}
	r, ok := from.(*reader)
	if !ok || !r.mark.Received {
		return fmt.Errorf("a snapshot can't be restored from a %T", from)
	}
	err := f.replace(r.mark)
	if err != nil {
		// Memory and image may be of different snapshots now.
		f.die(err)
	}
	return err
}

// replace puts the received snapshot m in the place of the image.
func (f *fsm) replace(m mark) error {
	if err := f.snaps.install(f.image, m); err != nil {
		return fmt.Errorf("putting the snapshot of entry %d in the image's place: %w", m.Index, err)
	}
	if f.reload != nil {
		if err := f.reload(); err != nil {
			return fmt.Errorf("loading the snapshot of entry %d: %w", m.Index, err)
		}
	}
	f.applied.Store(m.Image)
	f.log.setDurable(max(m.Image, m.Index))
	if f.waits != nil {
		f.waits.skipped() // the image may hold them, without their answers
	}
	f.moved.ring()
	return nil
}
