package config

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"nacre/server/fault"
)

// maxWatches bounds how many (client, key) pairs may wait on one node: about 500 MB at the most.
const maxWatches = 5_000_000

// Watch is a key together with the md5 that the client has of it, "" for nothing.
type Watch struct {
	Key Key
	MD5 string
}

// Waiter is told that a key it waits for changed. Fire is called on the applying goroutine: it must
// not block. It is called at most once.
type Waiter interface {
	Fire(key Key)
}

// Changed returns the keys of which c sees another md5 than it has.
func (s *Service) Changed(c Client, watches []Watch) []Key {
	var out []Key
	for i := range watches {
		if s.state.Get(watches[i].Key).MD5For(c) != watches[i].MD5 {
			out = append(out, watches[i].Key)
		}
	}
	return out
}

// Listen compares first: keys that differ already are returned and nothing is registered. Else w is
// told once as soon as c sees another md5 of any key; the caller must Cancel the registration in
// the end, also after w was told. No change between the two can be missed. Faults: Limited when too
// many wait.
//
// The slice watches belongs to the registration afterwards.
func (s *Service) Listen(c Client, watches []Watch, w Waiter) ([]Key, *Registration, error) {
	if changed := s.Changed(c, watches); len(changed) > 0 {
		return changed, nil, nil
	}
	r := &Registration{table: s.watches, client: c, waiter: w, watches: watches, at: make([]int32, len(watches))}
	if err := s.watches.add(r); err != nil {
		return nil, nil, err
	}
	// Strings of the request are let go: the equal ones that the state holds serve as well.
	for i := range watches {
		if it := s.state.Get(watches[i].Key); it != nil && it.Formal != nil {
			if it.Formal.MD5 == watches[i].MD5 {
				s.watches.share(r, i, it.Formal.Key, it.Formal.MD5)
			}
		}
	}
	for {
		if changed := s.Changed(c, r.watches); len(changed) > 0 {
			r.Cancel()
			return changed, nil, nil
		}
		if r.phase.CompareAndSwap(arming, armed) {
			return nil, r, nil
		}
		r.phase.Store(arming) // something changed while we compared: compare again
	}
}

// Waiting returns how many clients wait and for how many keys in all.
func (s *Service) Waiting() (clients, keys int64) {
	return s.watches.clients.Load(), s.watches.keys.Load()
}

// The phases of a registration.
const (
	arming int32 = iota // being compared; a change in between only marks it
	marked              // changed while arming
	armed               // waits to be told
	fired               // was told
	ended               // cancelled
)

// Registration is one client that waits for a set of keys.
type Registration struct {
	table   *watchTable
	client  Client
	waiter  Waiter
	watches []Watch // its strings are guarded by the shard of each key
	at      []int32 // where watch i stands in its key's list; guarded by the shard
	phase   atomic.Int32
}

func (r *Registration) ended() bool { return r.phase.Load() >= fired }

// Cancel ends the registration and frees what it holds. It may be called more than once.
func (r *Registration) Cancel() {
	if r.phase.Swap(ended) != ended {
		r.table.remove(r, len(r.watches))
	}
}

// fire tells the waiter, unless somebody was first.
func (r *Registration) fire(k Key) {
	if r.phase.CompareAndSwap(arming, marked) {
		return
	}
	if r.phase.CompareAndSwap(armed, fired) {
		r.waiter.Fire(k)
	}
}

// watchTable knows for each key who waits for it.
type watchTable struct {
	seed    maphash.Seed
	shards  [shardCount]watchShard
	clients atomic.Int64
	keys    atomic.Int64
}

type watchShard struct {
	mu    sync.Mutex
	byKey map[Key][]watcher
}

// watcher is one place in a key's list: watch i of a registration.
type watcher struct {
	reg *Registration
	i   int32
}

func newWatchTable() *watchTable {
	t := &watchTable{seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].byKey = make(map[Key][]watcher)
	}
	return t
}

func (t *watchTable) shard(k Key) *watchShard {
	return &t.shards[maphash.String(t.seed, k.DataID)%shardCount]
}

func (t *watchTable) add(r *Registration) error {
	n := int64(len(r.watches))
	if held := t.keys.Add(n); held > maxWatches {
		t.keys.Add(-n)
		return fault.New(fault.Limited, "%d keys are waited for already, at most %d may be", held-n, maxWatches)
	}
	t.clients.Add(1)
	for i := range r.watches {
		k := r.watches[i].Key
		sh := t.shard(k)
		sh.mu.Lock()
		list := sh.byKey[k]
		r.at[i] = int32(len(list))
		sh.byKey[k] = append(list, watcher{r, int32(i)})
		sh.mu.Unlock()
	}
	return nil
}

func (t *watchTable) share(r *Registration, i int, k Key, md5 string) {
	sh := t.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r.watches[i] = Watch{Key: k, MD5: md5}
}

func (t *watchTable) remove(r *Registration, n int) {
	for i := range n {
		k := r.watches[i].Key
		sh := t.shard(k)
		sh.mu.Lock()
		list := sh.byKey[k]
		last := len(list) - 1
		moved := list[last]
		list[r.at[i]] = moved
		moved.reg.at[moved.i] = r.at[i]
		list[last] = watcher{}
		switch {
		case last == 0:
			delete(sh.byKey, k)
		case cap(list) > 64 && last < cap(list)/4:
			sh.byKey[k] = append(make([]watcher, 0, last*2), list[:last]...)
		default:
			sh.byKey[k] = list[:last]
		}
		sh.mu.Unlock()
	}
	t.keys.Add(-int64(n))
	t.clients.Add(-1)
}

// changed tells everybody who waits for k and sees another md5 of it now. It is State's change
// function: it runs on the applying goroutine.
func (t *watchTable) changed(k Key, _, after *Item) {
	sh := t.shard(k)
	sh.mu.Lock()
	var tell []*Registration
	for _, x := range sh.byKey[k] {
		if !x.reg.ended() && after.MD5For(x.reg.client) != x.reg.watches[x.i].MD5 {
			tell = append(tell, x.reg)
		}
	}
	sh.mu.Unlock()
	for _, r := range tell {
		r.fire(k)
	}
}
