package fuzzy

import (
	"strings"

	"nacre/server/config"
	"nacre/server/fault"
)

// maxPattern is the length in bytes of the longest pattern that can match anything.
const maxPattern = 1024

// Pattern selects configurations of one namespace. In group and dataId a * stands for any characters: alone, at
// the beginning, at the end, or at both.
type Pattern struct {
	text      string
	namespace string
	group     glob
	dataID    glob
}

// glob is a name with a * at its ends, or none.
type glob struct {
	text         string
	front, back  bool // a * stands there
	isEverything bool
}

// Parse reads namespace>>group>>dataId. Faults: Invalid.
func Parse(text string) (Pattern, error) {
	parts := strings.Split(text, ">>")
	if len(parts) != 3 || len(text) > maxPattern || parts[1] == "" || parts[2] == "" {
		return Pattern{}, fault.New(fault.Invalid, "the pattern %.100q must be namespace>>group>>dataId, in which * stands for any characters of a group or dataId", text)
	}
	p := Pattern{text: text, namespace: strings.TrimSpace(parts[0]), group: parseGlob(parts[1]), dataID: parseGlob(parts[2])}
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

// Matches reports whether the pattern selects k.
func (p *Pattern) Matches(k config.Key) bool {
	return k.Namespace == p.namespace && p.group.matches(k.Group) && p.dataID.matches(k.DataID)
}
