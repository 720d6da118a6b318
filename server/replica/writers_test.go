package replica

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"nacre/server/clock"
	"nacre/server/fault"
)

var testClock = clock.System{}

// writers publish on all members without end, and keep what was acknowledged.
type writers struct {
	c    *testCluster
	next atomic.Uint64
	stop chan struct{}
	wg   sync.WaitGroup

	mu           sync.Mutex
	acknowledged map[uint64]bool
	unknown      int
	on           map[*member]bool
}

// write starts four writers on each of the members.
func (c *testCluster) write(members ...*member) *writers {
	w := &writers{c: c, stop: make(chan struct{}), acknowledged: map[uint64]bool{}, on: map[*member]bool{}}
	c.t.Cleanup(func() { w.end() })
	w.next.Store(1 << 20)
	w.add(members...)
	return w
}

// add starts writers on those members that have none yet.
func (w *writers) add(members ...*member) {
	for _, m := range members {
		if w.on[m] {
			continue
		}
		w.on[m] = true
		for range 4 {
			w.wg.Go(func() { w.run(m) })
		}
	}
}

func (w *writers) run(m *member) {
	for {
		select {
		case <-w.stop:
			return
		case <-m.leaving:
			return
		default:
		}
		id := w.next.Add(1)
		_, err := m.group.Submit(context.Background(), command(id, int(id%3000)))
		w.mu.Lock()
		switch {
		case err == nil:
			w.acknowledged[id] = true
		case fault.KindOf(err) == fault.Unavailable:
			w.unknown++
		default:
			w.c.t.Errorf("command %d: %v", id, err)
		}
		w.mu.Unlock()
	}
}

// more returns a check that so many more commands were acknowledged than now.
func (w *writers) more(count int) func() error {
	w.mu.Lock()
	want := len(w.acknowledged) + count
	w.mu.Unlock()
	return func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.acknowledged) < want {
			return fmt.Errorf("%d commands are acknowledged, %d are wanted", len(w.acknowledged), want)
		}
		return nil
	}
}

// end stops the writers and returns what was acknowledged.
func (w *writers) end() map[uint64]bool {
	w.mu.Lock()
	select {
	case <-w.stop:
	default:
		close(w.stop)
	}
	w.mu.Unlock()
	w.wg.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acknowledged
}

func (w *writers) failed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unknown
}
