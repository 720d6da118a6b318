package search

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"nacre/server/config"
	"nacre/server/fault"
)

// Row is a configuration that was found.
type Row struct {
	Key config.Key
	// Item is what is held of it; its Formal is nil when only variants were published.
	Item *config.Item
	// Hits are where the words, the key and the value were found, one for each and in this order.
	Hits []Hit
}

// Result is one page of what was found, in the order of namespace, group and dataId.
type Result = config.Page[Row]

// MaxSize is how many rows a page can have.
const MaxSize = 500

const (
	// maxAtOnce bounds the searches that run, maxWaiting those that wait for one of them to end.
	maxAtOnce  = 2
	maxWaiting = 64
	// chunkSize is how many names one goroutine takes at once.
	chunkSize = 512
)

// Find returns the page, from 1, of what q finds. It reads contents on all processors, and waits when other searches do.
// Faults: Unavailable when ctx ended before, Limited when too many searches wait.
func (x *Index) Find(ctx context.Context, q Query, page, size int) (Result, error) {
	page, size = max(page, 1), min(max(size, 1), MaxSize)
	out := Result{Number: page, Size: size}
	m := newMatcher(q)
	parts := m.inNamespaces(x.sorted())
	if m.all {
		for _, p := range parts {
			out.Total += len(p)
		}
		out.Items = x.rows(m, nth(parts, (page-1)*size, size))
		return out, nil
	}
	chunks := cut(parts)
	if err := x.scan(ctx, m, chunks); err != nil {
		return Result{}, err
	}
	found := make([][]config.Key, len(chunks))
	for i := range chunks {
		found[i] = chunks[i].found
		out.Total += len(found[i])
	}
	out.Items = x.rows(m, nth(found, (page-1)*size, size))
	return out, nil
}

// nth returns the names of all parts from the one at from on.
func nth(parts [][]config.Key, from, most int) []config.Key {
	var out []config.Key
	for _, p := range parts {
		skip := min(from, len(p))
		from -= skip
		p = p[skip:]
		p = p[:min(most-len(out), len(p))]
		if out = append(out, p...); len(out) == most {
			break
		}
	}
	return out
}

// rows looks names up again: what is gone since they were found is left out.
func (x *Index) rows(m *matcher, keys []config.Key) []Row {
	rows := make([]Row, 0, len(keys))
	for _, k := range keys {
		if it := x.source.Get(k); it != nil {
			rows = append(rows, Row{Key: k, Item: it, Hits: m.hits(k, it)})
		}
	}
	return rows
}

// chunk is a part of the names that one goroutine looks at.
type chunk struct{ keys, found []config.Key }

func cut(parts [][]config.Key) []chunk {
	var out []chunk
	for _, p := range parts {
		for c := range slices.Chunk(p, chunkSize) {
			out = append(out, chunk{keys: c})
		}
	}
	return out
}

// scan fills in what m finds in the chunks.
func (x *Index) scan(ctx context.Context, m *matcher, chunks []chunk) error {
	return x.each(ctx, len(chunks), func() func(int) {
		var s scratch
		return func(i int) {
			c := &chunks[i]
			for _, k := range c.keys {
				if ctx.Err() != nil { // asked each time: one content may take a second
					return
				}
				if m.fits(k, &x.source, &s) {
					c.found = append(c.found, k)
				}
			}
		}
	})
}

// each calls a function that worker makes, one for each processor, for the numbers below count.
func (x *Index) each(ctx context.Context, count int, worker func() func(int)) error {
	if err := x.enter(ctx); err != nil {
		return err
	}
	defer func() { <-x.turns }()
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), count) {
		workers.Go(func() {
			do := worker()
			for i := int(next.Add(1)) - 1; i < count && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	workers.Wait()
	return ended(ctx)
}

// enter waits until this search may run.
func (x *Index) enter(ctx context.Context) error {
	defer x.waiting.Add(-1)
	if x.waiting.Add(1) > maxWaiting {
		return fault.New(fault.Limited, "%d searches wait already; try again in a moment", maxWaiting)
	}
	select {
	case x.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ended(ctx)
	}
}

func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the search took too long and was given up; with ns:, group: or type: less has to be read")
	}
	return nil
}

// inNamespaces returns the names of those namespaces that fit.
func (m *matcher) inNamespaces(keys []config.Key) [][]config.Key {
	if w := m.q.Within; w != "" {
		keys = keys[seek(keys, config.Key{Namespace: w}):]
		if len(keys) == 0 || keys[0].Namespace != w {
			return nil
		}
		keys, _ = span(keys)
	}
	if len(m.q.Terms.Namespaces) == 0 && len(m.q.Not.Namespaces) == 0 {
		return [][]config.Key{keys}
	}
	var out [][]config.Key
	for len(keys) > 0 {
		var of []config.Key
		of, keys = span(keys)
		if oneOf(m.q.Terms.Namespaces, of[0].Namespace) && !same(m.q.Not.Namespaces, of[0].Namespace) {
			out = append(out, of)
		}
	}
	return out
}

// oneOf reports whether list, unless it is empty, has s.
func oneOf(list []string, s string) bool { return len(list) == 0 || same(list, s) }

// same reports whether list has s, in any case.
func same(list []string, s string) bool {
	return slices.ContainsFunc(list, func(l string) bool { return strings.EqualFold(l, s) })
}
