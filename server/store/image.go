package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"nacre/server/clock"
	"nacre/server/fault"
	"nacre/server/journal"
)

// errClosed is what becomes of work for an image that was closed.
var errClosed = fault.New(fault.Unavailable, "the database is closed, as the server is stopping")

// Image is the SQLite database of an embedded node, written behind its memory.
//
// Write takes what each journal group changed, in order; one goroutine writes the groups in large
// transactions, each with the index that it reaches. What a crash takes from the image is in the
// log, from which it is written again. Everything may be called from any goroutine, but Write,
// Replace and Close only one at a time.
//
// Lock order: gate, checkpoints, mu.
type Image struct {
	queries
	cfg Config

	gate        sync.RWMutex // held for reading while files are used by queries; Replace takes it
	files       *files       // writer belongs to the writing goroutine, checkpoint to who holds checkpoints
	checkpoints sync.Mutex
	slots       chan struct{} // one for each query under way
	heavy       chan struct{} // one for each of them that reads contents
	due         chan struct{} // tells the checkpointing goroutine that the log is long
	jobs        chan job      // for the writing goroutine
	wake        chan struct{} // something is queued
	hurry       chan struct{} // somebody waits for what is queued
	failed      chan struct{} // closed when err is set
	stop        chan struct{}
	done        sync.WaitGroup

	mu       sync.Mutex // guards what follows; held for moments only
	space    sync.Cond
	queue    []group
	behind   int       // bytes not yet written, those being written included
	oldest   time.Time // when the oldest of them came; zero when there are none
	came     []time.Time
	handed   uint64 // last index that came
	written  uint64
	advanced chan struct{} // closed when written grows
	err      error
	closed   bool
	stats    Stats
}

// Stats counts what an Image did since it was opened.
type Stats struct {
	// Transactions and Groups are what was written, Bytes the size of its contents.
	Transactions, Groups, Bytes uint64
	// Checkpoints is how often the write-ahead log was moved into the file.
	Checkpoints uint64
	// BehindGroups and BehindBytes are what is not written yet.
	BehindGroups, BehindBytes uint64
}

type job struct {
	do   func(*writer) error
	done chan error
}

// Open opens the image at cfg.Path, makes it when there is none, and starts its goroutines; Close
// stops them. Errors: *CorruptError when the file is damaged, *NewerError when a later version wrote it.
func Open(ctx context.Context, cfg Config) (*Image, error) {
	cfg = cfg.withDefaults()
	f, err := openFiles(ctx, cfg)
	if err != nil {
		return nil, err
	}
	i := &Image{
		cfg: cfg, files: f, slots: make(chan struct{}, cfg.MaxQueries), heavy: make(chan struct{}, (cfg.Readers+1)/2), due: make(chan struct{}, 1), jobs: make(chan job),
		wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1), failed: make(chan struct{}), stop: make(chan struct{}),
		advanced: make(chan struct{}), handed: f.writer.meta.index, written: f.writer.meta.index,
	}
	i.queries = queries{i.session}
	i.space.L = &i.mu
	i.done.Go(i.write)
	i.done.Go(i.checkpointWhenDue)
	return i, nil
}

// Close writes what is queued, moves the write-ahead log into the file and closes it.
func (i *Image) Close() error {
	i.mu.Lock()
	if i.closed {
		i.mu.Unlock()
		return nil
	}
	i.closed = true
	i.space.Broadcast()
	i.mu.Unlock()
	close(i.stop)
	i.done.Wait()
	i.gate.Lock()
	defer i.gate.Unlock()
	i.checkpoints.Lock()
	defer i.checkpoints.Unlock()
	err := i.Err()
	if err == nil {
		_, err = i.files.writer.checkpoint()
	}
	err = errors.Join(err, i.files.close())
	i.files = &files{}
	return err
}

// Write implements replica.Image: it hands over what the group at index changed. It returns at once
// unless the writer is further behind than the Config allows; then it waits. An error means that
// nothing can be written any more: the node must stop.
func (i *Image) Write(index uint64, changes []journal.Change) error {
	g := group{index: index, changes: changes}
	for _, c := range changes {
		g.bytes += sizeOf(c)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for i.err == nil && !i.closed && i.late() {
		i.space.Wait()
	}
	switch {
	case i.err != nil:
		return i.err
	case i.closed:
		return errClosed
	case index <= i.handed:
		return fmt.Errorf("the image was handed group %d after group %d", index, i.handed)
	}
	now := clock.System{}.Now()
	if i.oldest.IsZero() {
		i.oldest = now
	}
	i.queue, i.came = append(i.queue, g), append(i.came, now)
	i.behind += g.bytes
	i.handed = index
	if len(i.queue) == 1 {
		signal(i.wake)
	}
	if i.behind >= i.cfg.MaxBehindBytes/2 {
		signal(i.hurry)
	}
	return nil
}

// late reports whether Write must wait. The caller holds mu.
func (i *Image) late() bool {
	if i.oldest.IsZero() {
		return false
	}
	return i.behind >= i.cfg.MaxBehindBytes || clock.Since(clock.System{}, i.oldest) > i.cfg.MaxBehind
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Written implements replica.Image: the highest index that queries can see.
func (i *Image) Written() uint64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.written
}

// Failed is closed when the image can't be written any more; Err says why. The node must stop then.
func (i *Image) Failed() <-chan struct{} { return i.failed }

// Err returns why the image can't be written any more, nil while it can.
func (i *Image) Err() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.err
}

// Stats returns what the image did since it was opened.
func (i *Image) Stats() Stats {
	i.mu.Lock()
	defer i.mu.Unlock()
	s := i.stats
	s.BehindGroups, s.BehindBytes = uint64(len(i.queue)), uint64(i.behind)
	return s
}

// WaitFor implements replica.Image: it blocks until queries can see what the group at index changed, and hurries the writer.
func (i *Image) WaitFor(ctx context.Context, index uint64) error {
	for {
		i.mu.Lock()
		written, err, advanced, closed := i.written, i.err, i.advanced, i.closed
		i.mu.Unlock()
		switch {
		case written >= index:
			return nil
		case err != nil:
			return err
		case closed:
			return errClosed
		}
		signal(i.hurry)
		select {
		case <-advanced:
		case <-i.failed:
		case <-i.stop:
			// What is queued is written yet.
			i.done.Wait()
		case <-ctx.Done():
			return fault.Wrap(fault.Unavailable, ctx.Err(), "the database did not reach the present state in time")
		}
	}
}

// waitForHanded waits until queries see all that was handed over before the call.
func (i *Image) waitForHanded(ctx context.Context) error {
	i.mu.Lock()
	handed := i.handed
	i.mu.Unlock()
	return i.WaitFor(ctx, handed)
}

func (i *Image) fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil {
		return
	}
	i.err = fmt.Errorf("write the database %s: %w", i.cfg.Path, damage(i.cfg.Path, err))
	close(i.failed)
	i.space.Broadcast()
}

// write is the writing goroutine: it works until the image is closed or a write fails.
func (i *Image) write() {
	for {
		select {
		case j := <-i.jobs:
			j.done <- j.do(i.files.writer)
			continue
		case <-i.wake:
		case <-i.stop:
		}
		i.gather()
		i.writeNext()
		if i.Err() != nil {
			i.refuseJobs()
			return
		}
		select {
		case <-i.stop:
			for i.writeNext() {
			}
			return
		default:
		}
	}
}

// refuseJobs answers jobs after a failure, until the image is closed.
func (i *Image) refuseJobs() {
	for {
		select {
		case j := <-i.jobs:
			j.done <- i.Err()
		case <-i.stop:
			return
		}
	}
}

// gather waits while more groups may join the transaction: until the first is Gather old, somebody
// waits for it, or it is large.
func (i *Image) gather() {
	i.mu.Lock()
	oldest := i.oldest
	i.mu.Unlock()
	left := i.cfg.Gather - clock.Since(clock.System{}, oldest)
	if left <= 0 || oldest.IsZero() {
		return
	}
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case <-t.C:
	case <-i.hurry:
	case <-i.stop:
	}
}

// writeNext writes what is queued in one transaction and reports whether it wrote anything.
func (i *Image) writeNext() bool {
	i.mu.Lock()
	groups, came := i.queue, i.came
	i.queue, i.came = nil, nil
	i.mu.Unlock()
	if len(groups) == 0 || i.Err() != nil {
		return false
	}
	if err := i.writeWhenRoom(groups); err != nil {
		i.fail(err)
		return false
	}
	bytes := 0
	for _, g := range groups {
		bytes += g.bytes
	}
	i.mu.Lock()
	i.written = groups[len(groups)-1].index
	i.behind -= bytes
	i.oldest = time.Time{}
	more := len(i.queue) > 0
	if more {
		i.oldest = i.came[0]
	} else {
		clear(groups)
		i.queue, i.came = groups[:0], came[:0]
	}
	i.stats.Transactions++
	i.stats.Groups += uint64(len(groups))
	i.stats.Bytes += uint64(bytes)
	close(i.advanced)
	i.advanced = make(chan struct{})
	i.space.Broadcast()
	i.mu.Unlock()
	if more {
		signal(i.wake)
	}
	if pages, err := i.files.writer.behind(); err != nil {
		i.fail(err)
	} else if pages > i.cfg.CheckpointPages {
		signal(i.due)
	}
	return true
}

// roomEvery is how often it is tried again to write to a full disk.
const roomEvery = 250 * time.Millisecond

// writeWhenRoom writes groups in one transaction, and on a full disk again and again until there is room or the image is closed.
// Meanwhile Write waits, once it is far enough behind; what is not written yet is in the log.
func (i *Image) writeWhenRoom(groups []group) error {
	for full := false; ; full = true {
		err := i.files.writer.write(groups)
		if !isFull(err) {
			if full && err == nil {
				i.cfg.Log.Info("the disk of the database has room again")
			}
			return err
		}
		if !full {
			i.cfg.Log.Error("the disk of the database is full: nothing more is written until it has room", "file", i.cfg.Path)
		}
		if !i.later() {
			return err
		}
	}
}

// later waits for a moment and reports whether the image is still open.
func (i *Image) later() bool {
	t := time.NewTimer(roomEvery)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-i.stop:
		return false
	}
}

// onWriter runs do on the writing goroutine, between transactions.
func (i *Image) onWriter(ctx context.Context, do func(*writer) error) error {
	j := job{do: do, done: make(chan error, 1)}
	select {
	case i.jobs <- j:
		return <-j.done
	case <-i.stop:
		return errClosed
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, ctx.Err(), "the database was busy for too long")
	}
}

// checkpointWhenDue moves the write-ahead log into the file whenever it has become long.
func (i *Image) checkpointWhenDue() {
	for {
		select {
		case <-i.due:
		case <-i.stop:
			return
		}
		_, _, err := i.checkpoint(context.Background())
		switch {
		case isFull(err):
			if i.later() {
				signal(i.due)
			}
		case err != nil && !errors.Is(err, errClosed):
			i.fail(err)
		}
	}
}

// checkpoint moves the write-ahead log into the file, most of it beside the writer and only what
// came meanwhile with the writer waiting. It returns the index that the file then holds durably,
// and whether it got so far: a reader may hold it up.
func (i *Image) checkpoint(ctx context.Context) (index uint64, done bool, err error) {
	i.checkpoints.Lock()
	defer i.checkpoints.Unlock()
	if i.files.checkpoint == nil {
		return 0, false, errClosed
	}
	if _, err := i.files.checkpoint.checkpoint(); err != nil {
		return 0, false, err
	}
	err = i.onWriter(ctx, func(w *writer) (err error) {
		index = w.meta.index
		done, err = w.checkpoint()
		return err
	})
	i.mu.Lock()
	i.stats.Checkpoints++
	i.mu.Unlock()
	return index, done, err
}

// Sync implements replica.Image: it makes everything up to index durable in the database file, by
// itself and without its write-ahead log, and returns the index that is. A failed fsync ends the image.
func (i *Image) Sync(ctx context.Context, index uint64) (uint64, error) {
	if err := i.WaitFor(ctx, index); err != nil {
		return 0, err
	}
	for {
		durable, done, err := i.checkpoint(ctx)
		switch {
		case isFull(err): // again when there may be room
		case err != nil && fault.KindOf(err) == fault.Internal:
			i.fail(err)
			return 0, i.Err()
		case err != nil:
			return 0, err
		case done && durable >= index:
			return durable, nil
		}
		t := time.NewTimer(20 * time.Millisecond) // a reader needs the log yet
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return 0, fault.Wrap(fault.Unavailable, ctx.Err(), "a long query kept the database from becoming durable in time")
		}
	}
}
