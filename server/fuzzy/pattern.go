package fuzzy

import (
	"strings"

	"nacre/server/fault"
)

// maxPattern is the length in bytes of the longest pattern that can match anything.
const maxPattern = 1024

// Pattern selects names of one namespace. In group and name a * stands for any characters: alone, at
// the beginning, at the end, or at both.
type Pattern struct {
	text      string
	namespace string
	group     glob
	name      glob
}

// glob is a name with a * at its ends, or none.
type glob struct {
	text         string
	front, back  bool // a * stands there
	isEverything bool
}

// Parse reads namespace>>group>>name. Faults: Invalid.
func Parse(text string) (Pattern, error) {
	parts := strings.Split(text, ">>")
	if len(parts) != 3 || len(text) > maxPattern || parts[1] == "" || parts[2] == "" {
		return Pattern{}, fault.New(fault.Invalid, "the pattern %.100q must be namespace>>group>>name, in which * stands for any characters of a group or name", text)
	}
	p := Pattern{text: text, namespace: strings.TrimSpace(parts[0]), group: parseGlob(parts[1]), name: parseGlob(parts[2])}
	if p.namespace == "" {
		p.namespace = "public"
	}
	return p, nil
}

func parseGlob(s string) glob {
	if s == "*" || s == "**" {
		return glob{isEverything: true}
	}
	g := glob{}
	s, g.front = strings.CutPrefix(s, "*")
	s, g.back = strings.CutSuffix(s, "*")
	g.text = s
	return g
}

func (g *glob) matches(s string) bool {
	switch {
	case g.isEverything:
		return true
	case g.front && g.back:
		return strings.Contains(s, g.text)
	case g.front:
		return strings.HasSuffix(s, g.text)
	case g.back:
		return strings.HasPrefix(s, g.text)
	}
	return s == g.text
}

// String returns the pattern as it was written.
func (p *Pattern) String() string { return p.text }

// Matches reports whether p selects k.
func Matches[K Name](p *Pattern, k K) bool {
	namespace, group, name := k.Parts()
	return namespace == p.namespace && p.group.matches(group) && p.name.matches(name)
}
