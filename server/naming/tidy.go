package naming

import (
	"context"
	"time"

	"nacre/server/naming/namingpb"
)

const (
	tidyEvery = time.Hour
	// sweepAtOnce is how many overrides one command drops at the most.
	sweepAtOnce = 1000
)

// Tidy drops overrides of instances that were not there for Config.OverrideKept, until ctx ends: addresses of containers come
// and go, and nobody clears what lay over them. It is run beside Run, on the node that writes. The time begins anew
// with each start.
func (r *Registry) Tidy(ctx context.Context) error {
	ticker := time.NewTicker(tidyEvery)
	defer ticker.Stop()
	absent := make(map[instanceName]int64)
	for {
		for r.tidy(ctx, absent) == sweepAtOnce && ctx.Err() == nil {
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// tidy drops overrides once, and returns how many. absent has since when which instance is not there, on the registry's own time. A
// write that fails is made the next time.
func (r *Registry) tidy(ctx context.Context, absent map[instanceName]int64) int {
	now := r.mono()
	held := make(map[instanceName]bool)
	var ones []*namingpb.Sweep_One
	for _, c := range r.state.Rows() {
		c, ok := c.(OverrideChange)
		if !ok {
			continue
		}
		o := c.After
		name := instanceName{o.Key, o.Of}
		if r.Instance(o.Key, o.Of) != nil {
			continue
		}
		held[name] = true
		since, known := absent[name]
		if !known {
			absent[name] = now
		} else if now-since >= int64(r.cfg.OverrideKept) && len(ones) < sweepAtOnce {
			ones = append(ones, &namingpb.Sweep_One{Key: keyPB(o.Key), Of: idPB(o.Of), AtMs: o.AtMs})
		}
	}
	for name := range absent {
		if !held[name] {
			delete(absent, name)
		}
	}
	if len(ones) == 0 {
		return 0
	}
	if _, err := r.submit(ctx, KindSweep, &namingpb.Sweep{Ones: ones}); err != nil {
		return 0
	}
	return len(ones)
}
