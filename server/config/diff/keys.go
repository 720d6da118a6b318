package diff

import (
	"slices"

	"nacre/server/config/format"
)

// KeyChange is what became of one key; Before is empty for one that was added, After for one that was removed.
type KeyChange struct {
	Key, Before, After string
}

// KeyChanges are the keys that two contents do not have alike, each list in the order of the content
// that has the keys.
type KeyChanges struct {
	Added, Removed, Changed []KeyChange
}

// Empty reports whether the contents have the same keys with the same values.
func (c *KeyChanges) Empty() bool { return len(c.Added)+len(c.Removed)+len(c.Changed) == 0 }

// Keys compares two contents by their keys. A blank content has none. A text and another value that
// is written alike differ: both are then shown with quotes where they have them. Faults are those of
// format.Flatten, for the first content that has one.
func Keys(t format.Type, a, b []byte) (KeyChanges, error) {
	var c KeyChanges
	before, err := flatten(t, a)
	if err != nil {
		return c, err
	}
	after, err := flatten(t, b)
	if err != nil {
		return c, err
	}
	old, now := byKey(before), byKey(after)
	for _, p := range before {
		if _, stays := now[p.Key]; !stays && len(old[p.Key]) > 0 {
			c.Removed = append(c.Removed, KeyChange{Key: p.Key, Before: shown(old[p.Key], false)})
			old[p.Key] = nil
		}
	}
	for _, p := range after {
		was, is := old[p.Key], now[p.Key]
		switch {
		case len(is) == 0: // told already
		case len(was) == 0:
			c.Added = append(c.Added, KeyChange{Key: p.Key, After: shown(is, false)})
		case !slices.Equal(was, is):
			kinds := shown(was, false) == shown(is, false)
			c.Changed = append(c.Changed, KeyChange{p.Key, shown(was, kinds), shown(is, kinds)})
		}
		now[p.Key] = nil
	}
	return c, nil
}

func flatten(t format.Type, content []byte) ([]format.Pair, error) {
	if isBlank(content) {
		return nil, nil
	}
	return format.Flatten(t, content)
}

func isBlank(content []byte) bool {
	return !slices.ContainsFunc(content, func(c byte) bool { return c != ' ' && c != '\t' && c != '\r' && c != '\n' })
}

// value is one of a key; a key has several where a format lets it stand more than once.
type value struct {
	text   string
	quoted bool
}

func byKey(pairs []format.Pair) map[string][]value {
	m := make(map[string][]value, len(pairs))
	for _, p := range pairs {
		m[p.Key] = append(m[p.Key], value{p.Value, p.Quoted})
	}
	return m
}

// shown returns values for a person, with quotes where asked for.
func shown(values []value, quotes bool) string {
	out := ""
	for i, v := range values {
		if i > 0 {
			out += ", "
		}
		if quotes && v.quoted {
			out += `"` + v.text + `"`
		} else {
			out += v.text
		}
	}
	return out
}
