package view

import (
	"context"
)

// mostRows is how many rows one answer has: a few hundred bytes each, below what a message may have.
const mostRows = 500

// source is where rows of one node come from, in order, in pages.
type source[T any] struct {
	rows []T
	// more reads the page after those that were read; nil when there is none.
	more func() []T
}

func (s *source[T]) first() *T {
	if len(s.rows) == 0 && s.more != nil {
		if s.rows = s.more(); len(s.rows) < mostRows {
			s.more = nil
		}
	}
	if len(s.rows) == 0 {
		return nil
	}
	return &s.rows[0]
}

// pageOf brings the rows of sources, each in order, together in that order, and returns a page of them.
func pageOf[T any](sources []*source[T], less func(a, b *T) bool, page, size int) []T {
	from := max(page-1, 0) * size
	var out []T
	for n := 0; len(out) < size; n++ {
		var best *source[T]
		for _, s := range sources {
			if s.first() != nil && (best == nil || less(s.first(), best.first())) {
				best = s
			}
		}
		if best == nil {
			break
		}
		if n >= from {
			out = append(out, *best.first())
		}
		best.rows = best.rows[1:]
	}
	return out
}

// chunk is how many rows each node is asked for at first, when a page of all is wanted.
func chunk(page, size int) int { return min(max(page, 1)*min(size, mostRows), mostRows) }

// paged are questions whose answers have pages of rows.
type paged[Q any] struct {
	Of   Q   `json:"of"`
	Page int `json:"page"`
	Size int `json:"size"`
}

// further returns how to read on from a node that answered with a full first page: with the pages after it, each of mostRows.
// A node that stops to answer has no more rows.
func further[Q, A, T any](ctx context.Context, f *Fan, q *Question[paged[Q], A], node string, of Q, first []T, rows func(Member, *A) []T, m Member) *source[T] {
	s := &source[T]{rows: first}
	if len(first) < mostRows {
		return s
	}
	at := 1
	s.more = func() []T {
		at++
		a, err := AskOne(ctx, f, q, node, paged[Q]{of, at, mostRows})
		if err != nil {
			return nil
		}
		return rows(m, &a)
	}
	return s
}
