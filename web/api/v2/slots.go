package v2

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/web/api/wire"
)

// Searches in contents read much: as in Nacos few run at once, few wait for that, and not for long.
const (
	searchesAtOnce   = 2
	searchesInQueue  = 4
	searchQueueLimit = 8 * time.Second
)

// slots bounds how many searches run and how many wait.
type slots struct {
	running chan struct{}
	waiting atomic.Int64
}

func newSlots() *slots { return &slots{running: make(chan struct{}, searchesAtOnce)} }

// take waits for a slot, for at most limit; give it back with done. It fails at once when too many
// wait already.
func (s *slots) take(ctx context.Context, limit time.Duration) (done func(), err error) {
	done = func() { <-s.running }
	select {
	case s.running <- struct{}{}:
		return done, nil
	default:
	}
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > searchesInQueue {
		return nil, errTooManySearches
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case s.running <- struct{}{}:
		return done, nil
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil, errTooManySearches
}

var errTooManySearches = wire.Refuse(fiber.StatusServiceUnavailable, wire.ServerError, "server limit match.")
