package naming

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Metadata is a map of texts as pairs in the order of their keys, each key once. What the registry returns is shared
// and never changed.
type Metadata []Pair

// Pair is a key with its value.
type Pair struct{ Key, Value string }

// MetadataOf returns what m holds.
func MetadataOf(m map[string]string) Metadata {
	if len(m) == 0 {
		return nil
	}
	md := make(Metadata, 0, len(m))
	for k, v := range m {
		md = append(md, Pair{k, v})
	}
	slices.SortFunc(md, func(a, b Pair) int { return strings.Compare(a.Key, b.Key) })
	return md
}

// Map returns a map of what m holds, never nil.
func (m Metadata) Map() map[string]string {
	out := make(map[string]string, len(m))
	for _, p := range m {
		out[p.Key] = p.Value
	}
	return out
}

// Get returns the value of a key.
func (m Metadata) Get(key string) (value string, ok bool) {
	i, ok := slices.BinarySearchFunc(m, key, func(p Pair, k string) int { return strings.Compare(p.Key, k) })
	if !ok {
		return "", false
	}
	return m[i].Value, true
}

// Size is the length of all keys and values in characters.
func (m Metadata) Size() (n int) {
	for _, p := range m {
		n += utf8.RuneCountInString(p.Key) + utf8.RuneCountInString(p.Value)
	}
	return n
}

// Over returns m laid over base: its pairs, and those of base whose keys it does not have.
func (m Metadata) Over(base Metadata) Metadata {
	switch {
	case len(m) == 0:
		return base
	case len(base) == 0:
		return m
	}
	out := make(Metadata, 0, len(m)+len(base))
	for len(m) > 0 && len(base) > 0 {
		switch c := cmp.Compare(m[0].Key, base[0].Key); {
		case c < 0:
			out, m = append(out, m[0]), m[1:]
		case c > 0:
			out, base = append(out, base[0]), base[1:]
		default:
			out, m, base = append(out, m[0]), m[1:], base[1:]
		}
	}
	return append(append(out, m...), base...)
}

// Without returns m without the pairs of those keys.
func (m Metadata) Without(keys ...string) Metadata {
	return slices.DeleteFunc(slices.Clone(m), func(p Pair) bool { return slices.Contains(keys, p.Key) })
}

func (m Metadata) equal(o Metadata) bool {
	return len(m) == len(o) && (len(m) == 0 || &m[0] == &o[0] || slices.Equal(m, o))
}

// normal returns m in order with each key once, the last counting; m itself when it is so already.
func (m Metadata) normal() Metadata {
	if slices.IsSortedFunc(m, func(a, b Pair) int { return cmp.Or(strings.Compare(a.Key, b.Key), -1) }) {
		return m
	}
	c := slices.Clone(m)
	slices.SortStableFunc(c, func(a, b Pair) int { return strings.Compare(a.Key, b.Key) })
	out := c[:0]
	for i, p := range c {
		if i+1 == len(c) || c[i+1].Key != p.Key {
			out = append(out, p)
		}
	}
	return out
}

// Bounds of an interner: what is larger is not looked for, and with that many it begins anew.
const (
	internText  = 64
	internCount = 16_384
)

// interner makes equal texts and metadata share their bytes, as thousands of instances have the same. It forgets all
// when it is full: what it gave out stays as it is.
type interner struct {
	seed maphash.Seed

	mu    sync.Mutex
	texts map[string]string
	lists map[uint64]Metadata
}

func newInterner() *interner {
	return &interner{seed: maphash.MakeSeed(), texts: make(map[string]string), lists: make(map[uint64]Metadata)}
}

// text returns a text that equals s and shares no bytes with what s was cut from.
func (n *interner) text(s string) string {
	if s == "" {
		return ""
	}
	if len(s) > internText {
		return strings.Clone(s)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.held(s)
}

func (n *interner) held(s string) string {
	if len(s) > internText {
		return strings.Clone(s)
	}
	if t, ok := n.texts[s]; ok {
		return t
	}
	if len(n.texts) >= internCount {
		clear(n.texts)
	}
	t := strings.Clone(s)
	n.texts[t] = t
	return t
}

// key returns k with texts of its own.
func (n *interner) key(k Key) Key {
	return Key{Namespace: n.text(k.Namespace), Group: n.text(k.Group), Name: strings.Clone(k.Name)}
}

// metadata returns what m holds, in order, sharing no bytes with it.
func (n *interner) metadata(m Metadata) Metadata {
	if len(m) == 0 {
		return nil
	}
	m = m.normal()
	var h maphash.Hash
	h.SetSeed(n.seed)
	for _, p := range m {
		h.WriteString(p.Key)
		h.WriteByte(0)
		h.WriteString(p.Value)
		h.WriteByte(0)
	}
	sum := h.Sum64()
	n.mu.Lock()
	defer n.mu.Unlock()
	if held, ok := n.lists[sum]; ok && slices.Equal(held, m) {
		return held
	}
	own := make(Metadata, len(m))
	for i, p := range m {
		own[i] = Pair{n.held(p.Key), n.held(p.Value)}
	}
	if len(n.lists) >= internCount {
		clear(n.lists)
	}
	n.lists[sum] = own
	return own
}
