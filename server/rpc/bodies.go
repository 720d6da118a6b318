package rpc

import (
	"hash/maphash"
	"net/url"
	"sync"

	"nacre/server/config"
	"nacre/server/rpc/payload"
)

// bodyCache keeps the encoded answers to queries, one for each version of a content that was asked for, so
// that many who read the same get the same bytes. It is bounded by bytes: what is not asked for goes.
type bodyCache struct {
	seed   maphash.Seed
	shards [bodyShards]bodyShard
	large  bodyShard // of contents from largeFrom on, so that a few of them do not drive out all others of a shard
	// encoding is held while a large answer is made: those who ask for the same at the same time would each make one.
	encoding sync.Mutex
}

const (
	bodyShards = 64
	// bodyBudget is how many bytes of answers are kept in all of the shards, largeBudget how many of large ones. One
	// answer alone may exceed it: to encode it again for each of many readers would cost more than to hold it.
	bodyBudget  = 32 << 20
	largeBudget = 16 << 20
	largeFrom   = 64 << 10
)

// bodyShard holds two generations. When the newer one has half of the budget, the older one goes; what is asked
// for moves to the newer one.
type bodyShard struct {
	mu     sync.RWMutex
	held   map[bodyKey]*body
	old    map[bodyKey]*body
	bytes  int // of held
	budget int
}

type bodyKey struct {
	key   config.Key
	gray  string
	noTag bool // an answer with a tag's variant that does not say the tag
}

// body is an encoded answer. The entry it was made of stands for its version: entries are immutable.
type body struct {
	of   any           // *config.Entry or *config.Gray
	with *config.Entry // whose type a variant shows
	b    []byte
}

func newBodyCache() *bodyCache {
	c := &bodyCache{seed: maphash.MakeSeed(), large: bodyShard{held: make(map[bodyKey]*body), budget: largeBudget}}
	for i := range c.shards {
		c.shards[i] = bodyShard{held: make(map[bodyKey]*body), budget: bodyBudget / bodyShards}
	}
	return c
}

// formal answers with a formal content.
func (c *bodyCache) formal(e *config.Entry) reply {
	k := bodyKey{key: e.Key}
	sh := c.shard(k, e.Content)
	if r, ok := sh.get(k, e, nil); ok {
		return r
	}
	if sh == &c.large {
		c.encoding.Lock()
		defer c.encoding.Unlock()
		if r, ok := sh.get(k, e, nil); ok {
			return r
		}
	}
	b := make([]byte, 0, 256+len(e.Content)+len(e.Content)/8+len(e.EncryptedDataKey))
	b = appendQuery(b, e.Content, e.MD5, e.ModifiedMs)
	b = append(b, `,"encryptedDataKey":`...)
	b = payload.AppendString(b, e.EncryptedDataKey)
	b = append(b, `,"contentType":`...)
	b = payload.AppendString(b, e.Type)
	return sh.put(k, e, nil, append(b, `,"beta":false,"success":true}`...))
}

// gray answers with a variant. It shows the type of the formal content, and no key when it has none (grpc.md §5.1).
func (c *bodyCache) gray(i *config.Item, g *config.Gray, noTag bool) reply {
	k := bodyKey{key: g.Key, gray: g.Name, noTag: noTag && g.Rule.Type == config.RuleTag}
	sh := c.shard(k, g.Content)
	if r, ok := sh.get(k, g, i.Formal); ok {
		return r
	}
	if sh == &c.large {
		c.encoding.Lock()
		defer c.encoding.Unlock()
		if r, ok := sh.get(k, g, i.Formal); ok {
			return r
		}
	}
	b := make([]byte, 0, 256+len(g.Content)+len(g.Content)/8)
	b = appendQuery(b, g.Content, g.MD5, g.ModifiedMs)
	if g.EncryptedDataKey != "" {
		b = append(b, `,"encryptedDataKey":`...)
		b = payload.AppendString(b, g.EncryptedDataKey)
	}
	if i.Formal != nil {
		b = append(b, `,"contentType":`...)
		b = payload.AppendString(b, i.Formal.Type)
	}
	switch g.Rule.Type {
	case config.RuleTag:
		if !k.noTag {
			b = append(b, `,"tag":`...)
			b = payload.AppendString(b, url.QueryEscape(g.Rule.Expr))
		}
		b = append(b, `,"beta":false`...)
	case config.RuleBeta:
		b = append(b, `,"beta":true`...)
	default:
		b = append(b, `,"beta":false`...)
	}
	return sh.put(k, g, i.Formal, append(b, `,"success":true}`...))
}

func (c *bodyCache) shard(k bodyKey, content []byte) *bodyShard {
	if len(content) >= largeFrom {
		return &c.large
	}
	return &c.shards[maphash.String(c.seed, k.key.DataID)%bodyShards]
}

// get returns the answer made of these two, if it is held.
func (sh *bodyShard) get(k bodyKey, of any, with *config.Entry) (reply, bool) {
	sh.mu.RLock()
	x, recent := sh.held[k]
	if !recent {
		x = sh.old[k]
	}
	sh.mu.RUnlock()
	if x == nil || x.of != of || x.with != with {
		return reply{}, false
	}
	if !recent {
		sh.hold(k, x)
	}
	return reply{x.b}, true
}

// put holds the answer with this body, unless somebody was faster.
func (sh *bodyShard) put(k bodyKey, of any, with *config.Entry, b []byte) reply {
	return reply{sh.hold(k, &body{of: of, with: with, b: payload.Encode("ConfigQueryResponse", "", b)}).b}
}

func (sh *bodyShard) hold(k bodyKey, x *body) *body {
	size := x.size(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if before := sh.held[k]; before != nil {
		if before.of == x.of && before.with == x.with {
			return before
		}
		sh.bytes -= before.size(k)
		delete(sh.held, k)
	}
	if before := sh.old[k]; before != nil {
		delete(sh.old, k) // x, or of a version before it
	}
	if sh.bytes+size > sh.budget/2 && len(sh.held) > 0 {
		sh.old, sh.held, sh.bytes = sh.held, make(map[bodyKey]*body), 0
	}
	if sh.bytes += size; sh.bytes > sh.budget/2 { // alone
		sh.old = nil
	}
	sh.held[k] = x
	return x
}

// size is what a body costs, roughly.
func (x *body) size(k bodyKey) int {
	return len(x.b) + len(k.key.Namespace) + len(k.key.Group) + len(k.key.DataID) + 200
}
