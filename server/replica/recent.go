package replica

import (
	"sync"

	"github.com/hashicorp/raft"
)

// recentBytes bounds the newest entries that a node of a cluster keeps in memory: those that it sends
// to others, and that wait to be applied, it needs not read from the disk.
const recentBytes = 8 << 20

// recent holds the newest entries of the log, one after the other. The zero value keeps none.
type recent struct {
	mu    sync.RWMutex
	limit int
	logs  []*raft.Log
	bytes int
}

func sizeOf(l *raft.Log) int { return len(l.Data) + len(l.Extensions) }

// add takes entries that were stored, as they are.
func (r *recent) add(logs []*raft.Log) {
	if r.limit == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.logs); n > 0 && r.logs[n-1].Index+1 != logs[0].Index {
		r.logs, r.bytes = nil, 0
	}
	for _, l := range logs {
		kept := *l
		r.logs = append(r.logs, &kept)
		r.bytes += sizeOf(l)
	}
	for len(r.logs) > 0 && r.bytes > r.limit {
		r.bytes -= sizeOf(r.logs[0])
		r.logs[0] = nil
		r.logs = r.logs[1:]
	}
}

// get copies an entry into l, if it is held.
func (r *recent) get(index uint64, l *raft.Log) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.logs) == 0 || index < r.logs[0].Index || index-r.logs[0].Index >= uint64(len(r.logs)) {
		return false
	}
	*l = *r.logs[index-r.logs[0].Index]
	return true
}

// forget drops all.
func (r *recent) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logs, r.bytes = nil, 0
}
