package config

import (
	"reflect"

	"nacre/server/journal"
)

// Take makes s follow changes that were decided elsewhere, in their order, and tells of them as Decide does. After is the row
// as it was read, which may be newer than the change that led to it; what is older than the one held changes nothing. Whose
// change it was is told by the row of history, where one is among the changes, else by the new row itself. For the applying
// goroutine, which ends a series of calls with Reach.
func (s *State) Take(changes []journal.Change) {
	for len(changes) > 0 {
		k, n := runOf(changes)
		if n > 0 {
			s.take(k, changes[:n])
		} else {
			n = 1
			if c, ok := changes[0].(CapacityChange); ok {
				s.takeCapacity(c)
			}
		}
		changes = changes[n:]
	}
}

// Reach makes revision that of the last change, once everything up to it was taken and nothing beyond.
func (s *State) Reach(revision uint64) {
	s.revision.Store(revision)
	s.sums.settle(revision)
}

// runOf returns the key of the first change, and how many of those that follow each other are of it; 0 when it has no key.
func runOf(changes []journal.Change) (k Key, n int) {
	for _, c := range changes {
		var of Key
		switch c := c.(type) {
		case EntryChange:
			of = either(c.Before, c.After).Key
		case GrayChange:
			of = either(c.Before, c.After).Key
		case HistoryAdded:
			of = c.Row.Key
		default:
			return k, n
		}
		if n > 0 && of != k {
			return k, n
		}
		k = of
		n++
	}
	return k, n
}

func either[T any](before, after *T) *T {
	if after != nil {
		return after
	}
	return before
}

// take follows the changes of one key.
func (s *State) take(k Key, changes []journal.Change) {
	before := s.Get(k)
	after := before
	var told []Happening
	recorded := false
	for _, c := range changes {
		switch c := c.(type) {
		case EntryChange:
			var h Happening
			if after, h = takeEntry(after, c); h.Op != "" {
				told = append(told, h)
			}
		case GrayChange:
			var h Happening
			if after, h = takeGray(after, c); h.Op != "" {
				told = append(told, h)
			}
		case HistoryAdded:
			recorded = recorded || !c.Whole // what came from another server is no news
		}
	}
	if after != before {
		s.set(k, after)
	}
	if recorded {
		told = recordsOf(s.Revision(), changes)
	}
	for _, h := range told {
		if s.happened != nil {
			s.happened(h)
		}
	}
}

func takeEntry(it *Item, c EntryChange) (*Item, Happening) {
	var held *Entry
	n := &Item{}
	if it != nil {
		held, n.Grays = it.Formal, it.Grays
	}
	switch {
	case c.After == nil && held == nil:
		return it, Happening{}
	case c.After == nil:
		return n, Happening{Key: held.Key, Op: OpDelete, Revision: held.Revision}
	case held != nil && (c.After.Revision < held.Revision || c.After.Revision == held.Revision && reflect.DeepEqual(c.After, held)):
		return it, Happening{}
	}
	e := *c.After
	h := Happening{Key: e.Key, Op: OpInsert, Revision: e.Revision, MD5: e.MD5, User: e.SrcUser, IP: e.SrcIP}
	if held != nil {
		e.Key, h.Op = held.Key, OpUpdate // one copy of the strings for all revisions
	}
	n.Formal = &e
	return n, h
}

func takeGray(it *Item, c GrayChange) (*Item, Happening) {
	held := it.Gray(either(c.Before, c.After).Name)
	switch {
	case c.After == nil && held == nil:
		return it, Happening{}
	case c.After == nil:
		return withoutGray(it, held.Name), Happening{Key: held.Key, Op: OpDelete, Gray: held.Name, Revision: held.Revision}
	case held != nil && (c.After.Revision < held.Revision || c.After.Revision == held.Revision && reflect.DeepEqual(c.After, held)):
		return it, Happening{}
	}
	g := c.After
	h := Happening{Key: g.Key, Op: OpInsert, Gray: g.Name, Revision: g.Revision, MD5: g.MD5, User: g.SrcUser, IP: g.SrcIP}
	if held != nil {
		h.Op = OpUpdate
	}
	return withGray(it, g), h
}

// recordsOf returns what rows of history say happened after a revision. What was published last before a row is what it tells of.
func recordsOf(after uint64, changes []journal.Change) (told []Happening) {
	md5 := ""
	for _, c := range changes {
		switch c := c.(type) {
		case EntryChange:
			md5 = c.After.md5()
		case GrayChange:
			if md5 = ""; c.After != nil {
				md5 = c.After.MD5
			}
		case HistoryAdded:
			if h := c.Row; h.Revision > after && !c.Whole {
				told = append(told, Happening{Key: h.Key, Op: h.Op, Gray: h.GrayName, Revision: h.Revision, MD5: md5, User: h.SrcUser, IP: h.SrcIP, Note: h.Note()})
			}
		}
	}
	return told
}

func (s *State) takeCapacity(c CapacityChange) {
	if c.After != nil {
		s.LoadCapacity(c.After)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.capacity, capacityKey{c.Before.Namespace, c.Before.Group})
}
