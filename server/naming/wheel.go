package naming

import "sync"

// wheelSlots is how many ticks the wheel knows apart; what is due later is looked at once each turn.
const wheelSlots = 128

// timer is something that is due at a time: a publication's next heartbeat, or a service's end, or its next step of a drain. The wheel
// guards prev, next, at and slot.
type timer struct {
	pub        *publication
	service    *service
	drain      bool
	prev, next *timer
	at         int64 // on the registry's own time
	slot       int32 // plus 1; 0 when it is not set
}

// wheel holds timers. To set one, to move it or to take it out is O(1), and so is each tick for those that are not due, but for
// those that are due more than a turn later.
type wheel struct {
	mu    sync.Mutex
	slots [wheelSlots]*timer // heads of lists
	count int
	// passed is the last tick that was looked at.
	passed int64
	nudge  func()
}

func (w *wheel) init(now int64, nudge func()) { w.passed, w.nudge = now/int64(tick), nudge }

func (w *wheel) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count == 0
}

// set makes t due at a time, whether it was set or not.
func (w *wheel) set(t *timer, at int64) {
	w.mu.Lock()
	if t.slot != 0 {
		w.unlink(t)
	}
	t.at = at
	w.link(t)
	first := w.count == 1
	w.mu.Unlock()
	if first {
		w.nudge()
	}
}

func (w *wheel) remove(t *timer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.slot != 0 {
		w.unlink(t)
	}
}

func (w *wheel) link(t *timer) {
	// Due at the first tick at or after its time, which is not past, and within one turn.
	n := min(max((t.at+int64(tick)-1)/int64(tick), w.passed+1), w.passed+wheelSlots-1)
	slot := n % wheelSlots
	t.slot = int32(slot) + 1
	t.prev, t.next = nil, w.slots[slot]
	if t.next != nil {
		t.next.prev = t
	}
	w.slots[slot] = t
	w.count++
}

func (w *wheel) unlink(t *timer) {
	if t.prev == nil {
		w.slots[t.slot-1] = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	}
	t.prev, t.next, t.slot = nil, nil, 0
	w.count--
}

// due takes out the timers whose time has come, and appends them to dst.
func (w *wheel) due(dst []*timer, now int64) []*timer {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := now / int64(tick)
	from := max(w.passed+1, last-wheelSlots+1)
	w.passed = max(w.passed, last)
	var early []*timer
	for n := from; n <= last; n++ {
		for t := w.slots[n%wheelSlots]; t != nil; t = w.slots[n%wheelSlots] {
			w.unlink(t)
			if t.at <= now {
				dst = append(dst, t)
			} else {
				early = append(early, t)
			}
		}
	}
	for _, t := range early {
		w.link(t)
	}
	return dst
}
