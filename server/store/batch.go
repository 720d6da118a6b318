package store

import (
	"cmp"
	"fmt"
	"slices"

	"nacre/server/auth"
	"nacre/server/config"
	"nacre/server/draft"
	"nacre/server/journal"
	"nacre/server/namespace"
)

// group is what one journal group changed.
type group struct {
	index   uint64
	changes []journal.Change
	bytes   int
}

// sizeOf estimates the bytes that writing c takes: what bounds the queue.
func sizeOf(c journal.Change) int {
	const row = 256
	switch c := c.(type) {
	case config.EntryChange:
		if c.After != nil {
			return row + len(c.After.Content)
		}
	case config.GrayChange:
		if c.After != nil {
			return row + len(c.After.Content)
		}
	case config.HistoryAdded:
		return row + len(c.Row.Content)
	case draft.Change:
		if c.After != nil {
			return row + len(c.After.Content)
		}
	}
	return row
}

// pair is a row before and after a batch; nil is no row.
type pair[T any] struct{ before, after *T }

// pairs coalesces the changes of rows: of each only the first before and the last after matter.
type pairs[K comparable, T any] struct {
	byKey map[K]*pair[T]
	keys  []K
}

func (p *pairs[K, T]) add(key K, before, after *T) {
	if held := p.byKey[key]; held != nil {
		held.after = after
		return
	}
	if p.byKey == nil {
		p.byKey = make(map[K]*pair[T])
	}
	p.byKey[key] = &pair[T]{before, after}
	p.keys = append(p.keys, key)
}

func (p *pairs[K, T]) reset() {
	clear(p.byKey)
	p.keys = p.keys[:0]
}

// sorted calls f for each row that is not as it was, in the order of keys: neighbours share pages.
func sorted[K cmp.Ordered, T any](p *pairs[K, T], f func(key K, p *pair[T]) error) error {
	slices.Sort(p.keys)
	for _, key := range p.keys {
		if pair := p.byKey[key]; pair.before != nil || pair.after != nil {
			if err := f(key, pair); err != nil {
				return err
			}
		}
	}
	return nil
}

// batch is what a transaction writes: the changes of some groups, coalesced.
type batch struct {
	entries    pairs[int64, config.Entry]
	grays      pairs[int64, config.Gray]
	namespaces pairs[string, namespace.Namespace]
	capacities pairs[int64, config.Capacity]
	users      pairs[string, auth.User]
	sessions   pairs[string, auth.Session]
	drafts     pairs[string, draftRow]
	registry   pairs[string, registryRow]
	// history has the added rows and the trims in their order, as a trim takes only what is there by then.
	history []historyStep
}

type historyStep struct {
	row  *config.History
	trim *config.HistoryTrimmed
}

func (b *batch) reset() {
	b.entries.reset()
	b.grays.reset()
	b.namespaces.reset()
	b.capacities.reset()
	b.users.reset()
	b.sessions.reset()
	b.drafts.reset()
	b.registry.reset()
	clear(b.history)
	b.history = b.history[:0]
}

// add takes up the changes of g and raises m's counters by them.
func (b *batch) add(g *group, m *meta) error {
	for _, c := range g.changes {
		switch c := c.(type) {
		case config.EntryChange:
			var id int64
			if c.After != nil {
				id = c.After.ID
				m.sawRevision(c.After.Revision)
			} else {
				id = c.Before.ID
			}
			m.sawID(id)
			b.entries.add(id, c.Before, c.After)
		case config.GrayChange:
			var id int64
			if c.After != nil {
				id = c.After.ID
				m.sawRevision(c.After.Revision)
			} else {
				id = c.Before.ID
			}
			m.sawID(id)
			b.grays.add(id, c.Before, c.After)
		case config.HistoryAdded:
			m.sawRevision(c.Row.Revision)
			m.sawHistory(c.Row.NID)
			b.history = append(b.history, historyStep{row: c.Row})
		case config.HistoryTrimmed:
			b.history = append(b.history, historyStep{trim: &c})
		case config.CapacityChange:
			// Its rows have no revision, yet the change took the next one.
			m.sawRevision(m.counters.Revision + 1)
			m.sawID(c.After.ID)
			b.capacities.add(c.After.ID, c.Before, c.After)
		case namespace.Change:
			id := ""
			if c.After != nil {
				id = c.After.ID
			} else {
				id = c.Before.ID
			}
			b.namespaces.add(id, c.Before, c.After)
		case auth.UserChange:
			b.users.add(cmp.Or(c.After, c.Before).Name, c.Before, c.After)
		case auth.SessionChange:
			b.sessions.add(cmp.Or(c.After, c.Before).ID, c.Before, c.After)
		case draft.Change:
			addDraft(&b.drafts, c)
		default:
			if known, err := b.addRegistry(c); known || err != nil {
				if err != nil {
					return err
				}
				continue
			}
			return fmt.Errorf("the image does not know how to write a change of kind %T (%s)", c, c.Table())
		}
	}
	m.index = g.index
	return nil
}
