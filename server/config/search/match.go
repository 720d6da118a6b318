package search

import (
	"slices"
	"strings"

	"nacre/server/config"
)

// matcher is a query, prepared.
type matcher struct {
	q          Query
	all        bool // nothing but namespaces is asked
	attributes bool // types, tags, apps, by or times are asked
	words, not []word
	groups     parts
	apps, by   parts
	pair       *pair
}

// parts are texts of which one must be part of a name, and others that must not.
type parts struct{ any, none []*needle }

func newParts(any, none []string) parts { return parts{needles(any), needles(none)} }

func needles(texts []string) []*needle {
	var out []*needle
	for _, t := range texts {
		out = append(out, newNeedle(t))
	}
	return out
}

func (p parts) fit(s string) bool {
	within := func(n *needle) bool { return n.in(s) }
	return (len(p.any) == 0 || slices.ContainsFunc(p.any, within)) && !slices.ContainsFunc(p.none, within)
}

// word is one that may stand in a content or be the path of a key.
type word struct {
	*needle
	path []*needle // the parts of a path, nil for a word that can't be one
}

// pair is a key and a value, of which one may be nil.
type pair struct {
	key, value *needle
	has        []*needle // what a content must have to have them
}

func newMatcher(q Query) *matcher {
	m := &matcher{q: q, words: newWords(q.Terms.Words), not: newWords(q.Not.Words)}
	m.groups = newParts(q.Terms.Groups, q.Not.Groups)
	m.apps = newParts(q.Terms.Apps, q.Not.Apps)
	m.by = newParts(q.Terms.By, q.Not.By)
	if q.Key != "" || q.Value != "" {
		m.pair = newPair(q.Key, q.Value)
	}
	for _, t := range []Terms{q.Terms, q.Not} {
		if len(t.Types)+len(t.Tags)+len(t.Apps)+len(t.By) > 0 {
			m.attributes = true
		}
	}
	m.attributes = m.attributes || q.ChangedAfterMs != 0 || q.ChangedBeforeMs != 0
	m.all = !m.attributes && len(m.words)+len(m.not)+len(q.Terms.Groups)+len(q.Not.Groups) == 0 && m.pair == nil && q.Listener == ""
	return m
}

func newWords(texts []string) []word {
	var out []word
	for _, t := range texts {
		w := word{needle: newNeedle(t)}
		if strings.ContainsAny(t, ".[") {
			w.path = segments(t)
		}
		out = append(out, w)
	}
	return out
}

// segments are the parts of a path that stand in a content that has it.
func segments(path string) []*needle {
	var out []*needle
	for s := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		if strings.Trim(s, "0123456789") != "" {
			out = append(out, newNeedle(s))
		}
	}
	return out
}

func newPair(key, value string) *pair {
	p := &pair{}
	if key != "" {
		p.key, p.has = newNeedle(key), segments(key)
	}
	if value != "" {
		p.value = newNeedle(value)
		p.has = append(p.has, p.value)
	}
	return p
}

// scratch is what one goroutine writes names into, one behind the other, to search them at once.
type scratch []byte

// fits reports whether what source has of k is what is looked for.
func (m *matcher) fits(k config.Key, source *Source, s *scratch) bool {
	if !m.groups.fit(k.Group) || !m.fitListeners(k, source) {
		return false
	}
	it := source.Get(k)
	if it == nil || m.attributes && !m.fitAttributes(it) {
		return false
	}
	if len(m.words)+len(m.not) > 0 {
		names := append(append(append((*s)[:0], k.DataID...), 0), k.Group...)
		if it.Formal != nil && it.Formal.Desc != nil {
			names = append(append(names, 0), *it.Formal.Desc...)
		}
		*s = names
		for i := range m.words {
			if w := &m.words[i]; w.index(names) < 0 && !w.inContents(k, it) {
				return false
			}
		}
		for i := range m.not {
			if w := &m.not[i]; w.index(names) >= 0 || w.inContents(k, it) {
				return false
			}
		}
	}
	return m.pair == nil || m.pair.inContents(k, it)
}

func (m *matcher) fitListeners(k config.Key, source *Source) bool {
	if m.q.Listener == "" {
		return true
	}
	switch all, behind := source.Listeners(k); m.q.Listener {
	case ListenerNone:
		return all == 0
	case ListenerBehind:
		return behind > 0
	default:
		return all > 0
	}
}

func (m *matcher) fitAttributes(it *config.Item) bool {
	none := config.Entry{}
	e := it.Formal
	if e == nil {
		e = &none
	}
	anyTag := func(list []string) bool {
		return slices.ContainsFunc(e.Tags, func(t string) bool { return same(list, t) })
	}
	t, not := &m.q.Terms, &m.q.Not
	at := changedMs(it)
	return oneOf(t.Types, e.Type) && !same(not.Types, e.Type) &&
		(len(t.Tags) == 0 || anyTag(t.Tags)) && !anyTag(not.Tags) &&
		m.apps.fit(e.AppName) && m.by.fit(changedBy(it)) &&
		(m.q.ChangedAfterMs == 0 || at >= m.q.ChangedAfterMs) &&
		(m.q.ChangedBeforeMs == 0 || at < m.q.ChangedBeforeMs)
}

// changedMs returns when the item changed last.
func changedMs(it *config.Item) (ms int64) {
	if it.Formal != nil {
		ms = it.Formal.ModifiedMs
	}
	for _, g := range it.Grays {
		ms = max(ms, g.ModifiedMs)
	}
	return ms
}

// changedBy returns who changed the item last.
func changedBy(it *config.Item) string {
	var user string
	var ms int64 = -1
	if it.Formal != nil {
		user, ms = it.Formal.SrcUser, it.Formal.ModifiedMs
	}
	for _, g := range it.Grays {
		if g.ModifiedMs > ms {
			user, ms = g.SrcUser, g.ModifiedMs
		}
	}
	return user
}

// contents calls f for the formal content and those of variants, until it returns true.
func contents(k config.Key, it *config.Item, f func(gray string, t syntax, content []byte) bool) bool {
	t := plain
	if it.Formal != nil {
		t = syntaxOf(it.Formal.Type, k.DataID)
		if f("", t, it.Formal.Content) {
			return true
		}
	} else {
		t = syntaxOf("", k.DataID)
	}
	for _, g := range it.Grays {
		if f(g.Name, t, g.Content) {
			return true
		}
	}
	return false
}

func (w *word) inContents(k config.Key, it *config.Item) bool {
	if it.Formal != nil && w.index(it.Formal.Content) >= 0 {
		return true
	}
	for _, g := range it.Grays {
		if w.index(g.Content) >= 0 {
			return true
		}
	}
	return len(w.path) > 0 && contents(k, it, func(_ string, t syntax, content []byte) bool {
		_, ok := w.findPath(t, content)
		return ok
	})
}

// place is where something stands in a content.
type place struct {
	offset int
	exact  bool // the text begins there, else what is in the line, or the key, that does
}

// find returns where the word stands in a content, as it is or as the path of a key.
func (w *word) find(t syntax, content []byte) (place, bool) {
	if i := w.index(content); i >= 0 {
		return place{i, true}, true
	}
	return w.findPath(t, content)
}

// findPath returns where the key is whose path has the word.
func (w *word) findPath(t syntax, content []byte) (place, bool) {
	if len(w.path) == 0 || t == plain || t == properties || !allIn(w.path, content) {
		return place{}, false
	}
	return findPair(t, content, w.needle, nil)
}

func allIn(list []*needle, content []byte) bool {
	return !slices.ContainsFunc(list, func(n *needle) bool { return n.index(content) < 0 })
}

func (p *pair) inContents(k config.Key, it *config.Item) bool {
	return contents(k, it, func(_ string, t syntax, content []byte) bool {
		_, ok := p.find(t, content)
		return ok
	})
}

func (p *pair) find(t syntax, content []byte) (place, bool) {
	if t == plain || !allIn(p.has, content) {
		return place{}, false
	}
	return findPair(t, content, p.key, p.value)
}

// findPair returns the first key whose path has key and whose value has value; nil stands for any.
func findPair(t syntax, content []byte, key, value *needle) (at place, ok bool) {
	walk(t, content, func(path, v []byte, start int) bool {
		if key != nil && key.index(path) < 0 || value != nil && value.index(v) < 0 {
			return true
		}
		at, ok = place{start, false}, true
		return false
	})
	return at, ok
}
