package server

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// gcRoom is how much the heap may grow beyond what lives before it is collected.
	gcRoom = 32 << 20
	// Bounds on the same in percent of what lives: a small heap is not collected all the time, a large
	// one may have a fifth more.
	gcLeast, gcMost = 20, 400
	gcEvery         = time.Second
)

// tuneMemory keeps the garbage collector's room constant rather than proportional, until ctx ends:
// what lives here is contents, mostly, which cost little to collect around, and doubling them would
// be waste. An operator who sets GOGC decides himself.
func tuneMemory(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	set := 100
	defer debug.SetGCPercent(set)
	tick := time.NewTicker(gcEvery)
	defer tick.Stop()
	for {
		metrics.Read(live)
		if p := gcPercent(live[0].Value.Uint64()); p != set {
			debug.SetGCPercent(p)
			set = p
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// gcPercent returns the room in percent for a heap of which so many bytes live. It moves in steps, as
// each change stops the program for a moment.
func gcPercent(live uint64) int {
	p := int(100 * gcRoom / max(live, 1<<20))
	p -= p % 5
	return min(max(p, gcLeast), gcMost)
}
