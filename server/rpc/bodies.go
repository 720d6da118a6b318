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
}

const (
	bodyShards = 64
	// bodyBudget is how many bytes of answers are kept in all.
	bodyBudget = 32 << 20
	// shardBudget is a shard's part. One answer may exceed it: to encode it again for each of many readers would
	// cost more than to hold it.
	shardBudget = bodyBudget / bodyShards
)

type bodyShard struct {
	mu    sync.RWMutex
	held  map[bodyKey]*body
	old   map[bodyKey]*body // of the generation before; what is asked for moves to held
	bytes int
}

type bodyKey struct {
	key  config.Key
	gray string
}

// body is an encoded answer. The entry it was made of stands for its version: entries are immutable.
type body struct {
	of   any           // *config.Entry or *config.Gray
	with *config.Entry // whose type a variant shows
	b    []byte
}

func newBodyCache() *bodyCache {
	c := &bodyCache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].held = make(map[bodyKey]*body)
	}
	return c
}

// formal answers with a formal content.
func (c *bodyCache) formal(e *config.Entry) reply {
	k := bodyKey{key: e.Key}
	if r, ok := c.get(k, e, nil); ok {
		return r
	}
	b := make([]byte, 0, 256+len(e.Content)+len(e.Content)/8+len(e.EncryptedDataKey))
	b = appendQuery(b, e.Content, e.MD5, e.ModifiedMs)
	b = append(b, `,"encryptedDataKey":`...)
	b = payload.AppendString(b, e.EncryptedDataKey)
	b = append(b, `,"contentType":`...)
	b = payload.AppendString(b, e.Type)
	return c.put(k, e, nil, append(b, `,"beta":false,"success":true}`...))
}

// gray answers with a variant. It shows the type of the formal content, and no key when it has none (grpc.md §5.1).
func (c *bodyCache) gray(i *config.Item, g *config.Gray) reply {
	k := bodyKey{key: g.Key, gray: g.Name}
	if r, ok := c.get(k, g, i.Formal); ok {
		return r
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
		b = append(b, `,"tag":`...) // for tags alone: Go and Python take it for a truth value
		b = payload.AppendString(b, url.QueryEscape(g.Rule.Expr))
		b = append(b, `,"beta":false`...)
	case config.RuleBeta:
		b = append(b, `,"beta":true`...)
	default:
		b = append(b, `,"beta":false`...)
	}
	return c.put(k, g, i.Formal, append(b, `,"success":true}`...))
}

// get returns the answer made of these two, if it is held.
func (c *bodyCache) get(k bodyKey, of any, with *config.Entry) (reply, bool) {
	sh := c.shard(k)
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
		sh.put(k, x)
	}
	return reply{x.b}, true
}

// put holds the answer with this body.
func (c *bodyCache) put(k bodyKey, of any, with *config.Entry, b []byte) reply {
	x := &body{of: of, with: with, b: payload.Encode("ConfigQueryResponse", "", b)}
	c.shard(k).put(k, x)
	return reply{x.b}
}

func (c *bodyCache) shard(k bodyKey) *bodyShard {
	return &c.shards[maphash.String(c.seed, k.key.DataID)%bodyShards]
}

// put holds x. When the budget is used, what was not asked for since the last time it was goes.
func (sh *bodyShard) put(k bodyKey, x *body) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if before := sh.held[k]; before != nil {
		sh.bytes -= before.size(k)
	}
	if sh.bytes += x.size(k); sh.bytes > shardBudget/2 && len(sh.held) > 0 {
		sh.old, sh.held, sh.bytes = sh.held, map[bodyKey]*body{}, x.size(k)
	}
	sh.held[k] = x
}

// size is what a body costs, roughly.
func (x *body) size(k bodyKey) int {
	return len(x.b) + len(k.key.Namespace) + len(k.key.Group) + len(k.key.DataID) + 200
}
