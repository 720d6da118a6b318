package view

import (
	"context"
	"slices"
	"sync"
	"time"

	"nacre/server/clock"
)

// compareEvery is how often checksums of all configurations are compared.
const compareEvery = 10 * time.Second

// Difference is a node that has not what this node has, at the same revision.
type Difference struct {
	Member
	// Revision is the newest at which both were compared, SinceMs when it was found, in ms since 1970.
	Revision uint64 `json:"revision"`
	SinceMs  int64  `json:"sinceMs"`
}

// differ is what the comparisons found.
type differ struct {
	mu   sync.Mutex
	list []Difference
}

// Differences returns the nodes that have something else than this one.
func (n *Nodes) Differences() []Difference {
	n.differ.mu.Lock()
	defer n.differ.mu.Unlock()
	return slices.Clone(n.differ.list)
}

// compare compares what this node has with all that answer. Of one that does not, or that is at no revision that can be compared,
// what was found before stays.
func (n *Nodes) compare(ctx context.Context) {
	answers := Ask(ctx, &n.Fan, &n.sums, nothing{})
	own := answers[0].Value
	before := n.Differences()
	var list []Difference
	for _, a := range answers[1:] {
		known := slices.IndexFunc(before, func(d Difference) bool { return d.ID == a.ID })
		revision, same, found := own.Compare(a.Value)
		switch {
		case a.Err != nil || !found:
			if known >= 0 {
				list = append(list, before[known])
			}
		case !same && known >= 0:
			list = append(list, Difference{a.Member, revision, before[known].SinceMs})
		case !same:
			list = append(list, Difference{a.Member, revision, clock.Millis(n.cfg.Clock)})
			n.cfg.Log.Error("another node has not the same configurations as this one: one of the two is damaged", "node", a.Name, "id", a.ID, "revision", revision)
		case known >= 0:
			n.cfg.Log.Info("another node has the same configurations as this one again", "node", a.Name, "id", a.ID, "revision", revision)
		}
	}
	n.differ.mu.Lock()
	n.differ.list = list
	n.differ.mu.Unlock()
}
