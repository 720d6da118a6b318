package live

import "time"

const (
	// tellHeldEvery is how often a reader that paused is told how much waits for it, where that changed.
	tellHeldEvery = 250 * time.Millisecond
	// maxHeld is up to where it is counted.
	maxHeld = 1000
)

// held counts what waits for a reader that paused.
type held struct {
	tick  *time.Ticker // stopped while the reader does not pause
	seen  uint64       // the number up to which it is counted
	count int
	told  int
}

// pause begins a pause, or ends it. It counts from anew.
func (r *reader) pause(on bool) {
	r.paused = on
	r.held.seen, r.held.count, r.held.told = r.at, 0, 0
	if on {
		r.held.tick.Reset(tellHeldEvery)
	} else {
		r.held.tick.Stop()
	}
}

// tellHeld tells how much waits, unless that was told already.
func (r *reader) tellHeld() error {
	h := &r.held
	for h.count < maxHeld {
		b := r.Feed.Since(h.seen, &r.filter, maxBatch)
		h.count += len(b.Events)
		if b.Next == h.seen {
			break
		}
		h.seen = b.Next
	}
	if h.count == h.told {
		return nil
	}
	h.told = h.count
	return r.send(message{Type: "held", Count: min(h.count, maxHeld), More: h.count > maxHeld})
}
