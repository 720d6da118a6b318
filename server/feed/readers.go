package feed

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"nacre/server/fault"
)

// mostReaders is how many may read a feed at once: each has a connection, a goroutine and buffers.
const mostReaders = 500

// readers counts who reads.
type readers struct {
	now atomic.Int64
	cut atomic.Uint64
}

// Enter counts a reader in; leave, which may be called more than once, counts it out. Faults: Limited when there
// are too many.
func (f *Feed) Enter() (leave func(), err error) {
	if n := f.readers.now.Add(1); n > mostReaders {
		f.readers.now.Add(-1)
		return nil, fault.New(fault.Limited, "%d readers have the feed open, no more can", mostReaders)
	}
	var once sync.Once
	return func() { once.Do(func() { f.readers.now.Add(-1) }) }, nil
}

// Full reports whether no more readers can enter.
func (f *Feed) Full() bool { return f.readers.now.Load() >= mostReaders }

// Drained waits until nobody reads any more, or ctx ends.
func (f *Feed) Drained(ctx context.Context) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for f.readers.now.Load() > 0 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// CutOff counts a reader that was cut off because it was too slow.
func (f *Feed) CutOff() { f.readers.cut.Add(1) }

// Readers returns how many read now, and how many were cut off since the start.
func (f *Feed) Readers() (now int64, cut uint64) { return f.readers.now.Load(), f.readers.cut.Load() }
