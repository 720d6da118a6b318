package delivery

import (
	"hash/maphash"
	"strings"
	"sync"

	"nacre/server/config"
)

const shardCount = 256

// shard guards the topics whose hash falls on it.
type shard struct {
	mu sync.Mutex
	// topics are found by the hash of their key; those with the same hash are chained.
	topics map[uint64]*topic
}

// topic is a key that somebody listens for. The shard guards it, but for key, which stays.
type topic struct {
	key      config.Key
	next     *topic
	item     *config.Item
	revision uint64
	list     []*entry
	waiters  chan struct{} // closed when nobody is behind; nil when nobody waits
	behind   int
	announce bool // a change is not in sync everywhere yet, or was not said to be
	// changedMs is when it changed last while somebody listened, syncedMs when all who did had that; 0 for not.
	changedMs, syncedMs int64
}

func (l *Ledger) shard(k config.Key) (*shard, uint64) {
	hash := maphash.Comparable(l.seed, k)
	return &l.shards[hash%shardCount], hash
}

func (sh *shard) find(hash uint64, k config.Key) *topic {
	t := sh.topics[hash]
	for t != nil && t.key != k {
		t = t.next
	}
	return t
}

// open returns the topic of k, made when there is none, with what is held of k now.
func (sh *shard) open(l *Ledger, hash uint64, k config.Key) *topic {
	t := sh.find(hash, k)
	if t == nil {
		t = &topic{next: sh.topics[hash]}
		sh.topics[hash] = t
	}
	t.item = l.cfg.Item(k)
	t.revision = max(t.revision, newest(t.item))
	if t.key.DataID == "" { // new; the strings of a request are let go
		if t.item != nil && t.item.Formal != nil {
			t.key = t.item.Formal.Key
		} else {
			t.key = config.Key{Namespace: strings.Clone(k.Namespace), Group: strings.Clone(k.Group), DataID: strings.Clone(k.DataID)}
		}
	}
	return t
}

// remove takes e out of its topic, and the topic away with the last one. wasBehind says what e counted as.
func (sh *shard) remove(l *Ledger, hash uint64, e *entry, wasBehind bool) {
	t := e.topic
	last := len(t.list) - 1
	t.list[e.at] = t.list[last]
	t.list[e.at].at = e.at
	t.list[last] = nil
	t.list = t.list[:last]
	if cap(t.list) > 64 && last < cap(t.list)/4 {
		t.list = append(make([]*entry, 0, last*2), t.list...)
	}
	l.listenings.Add(-1)
	if wasBehind {
		t.behind--
		l.behind.Add(-1)
		if t.behind == 0 {
			l.synced(t)
		}
	}
	if last == 0 {
		sh.drop(hash, t)
	}
}

func (sh *shard) drop(hash uint64, t *topic) {
	if sh.topics[hash] == t {
		if t.next == nil {
			delete(sh.topics, hash)
		} else {
			sh.topics[hash] = t.next
		}
		return
	}
	for p := sh.topics[hash]; p != nil; p = p.next {
		if p.next == t {
			p.next = t.next
			return
		}
	}
}

// synced is called with the shard locked when nobody is behind on t any more.
func (l *Ledger) synced(t *topic) {
	if t.waiters != nil {
		close(t.waiters)
		t.waiters = nil
	}
	if t.announce {
		t.announce, t.syncedMs = false, l.wall()
		if len(t.list) > 0 {
			l.events.add(l, Event{Kind: ConfigInSync, Key: t.key, Revision: t.revision, MD5: t.item.MD5For(config.Client{}),
				InSync: len(t.list), Listeners: len(t.list)})
		}
	}
}
