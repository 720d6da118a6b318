package search

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"nacre/server/fault"
)

// Query says what a configuration must be to be found. The zero value finds all.
type Query struct {
	// Terms must all hold. Of Not none may hold.
	Terms, Not Terms
	// Within, when not empty, is the id of the only namespace to look in.
	Within string
	// Key and Value stand in the same line of a content that has keys: in a key's full path (spring.redis.host, list[0].name)
	// and in its value. Contents of types other than yaml, json, toml and properties have none.
	Key, Value string
	// ChangedAfterMs and ChangedBeforeMs, when not 0, bound the time of the last change, variants included.
	ChangedAfterMs, ChangedBeforeMs int64
	// Listener says who must listen: one of the constants below, "" for whoever.
	Listener string
}

// Values of Query.Listener: nobody listens, somebody does, or one that does has not what it is to see.
const (
	ListenerNone   = "none"
	ListenerAny    = "any"
	ListenerBehind = "behind"
)

// Terms are conditions. Comparison is in any case everywhere. As a part of Query, of each list but Words one must hold.
type Terms struct {
	// Words stand somewhere in the dataId, the group, the description, the content of the configuration or of a variant, or a key's path.
	Words []string
	// Namespaces, Types and Tags are whole; Groups, Apps and By, who changed it last, are parts.
	Namespaces, Groups, Types, Tags, Apps, By []string
}

// NameNamespaces adds to the namespaces that are asked for by what may be a name the ids that id returns for it.
func (q *Query) NameNamespaces(ids func(name string) []string) {
	for _, list := range []*[]string{&q.Terms.Namespaces, &q.Not.Namespaces} {
		for _, name := range slices.Clone(*list) {
			*list = append(*list, ids(name)...)
		}
	}
}

// Limits on what is searched for.
const (
	maxQuery = 1024 // bytes
	maxTerms = 32
)

// Parse reads what a person types: words, and operators as group:order, each of which may be denied by a minus before it.
// "Quotation marks" hold spaces together and take operators' meaning away. nowMs is the present, for changed:<7d. Faults:
// Invalid, which say what would be right.
func Parse(text string, nowMs int64) (Query, error) {
	var q Query
	if len(text) > maxQuery {
		return q, fault.New(fault.Invalid, "the search has %d bytes, at most %d are allowed", len(text), maxQuery)
	}
	if !utf8.ValidString(text) {
		return q, fault.New(fault.Invalid, "the search is not UTF-8")
	}
	for count := 0; ; count++ {
		t, rest, err := nextTerm(text)
		if err != nil || t == (term{}) {
			return q, err
		}
		if count == maxTerms {
			return q, fault.New(fault.Invalid, "the search has more than %d terms", maxTerms)
		}
		if err := q.add(t, nowMs); err != nil {
			return q, err
		}
		text = rest
	}
}

// term is a part of a search.
type term struct {
	not         bool
	name, value string // the name is empty for a word
}

// operators are the names that may stand before a colon.
var operators = []string{"group", "ns", "type", "tag", "app", "by", "key", "value", "changed", "listener"}

// nextTerm cuts the first term off; it is zero when there is none.
func nextTerm(text string) (t term, rest string, err error) {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	if len(text) > 1 && text[0] == '-' && !unicode.IsSpace(rune(text[1])) {
		t.not, text = true, text[1:]
	}
	if name, after, ok := strings.Cut(text, ":"); ok && slices.Contains(operators, strings.ToLower(name)) {
		t.name, text = strings.ToLower(name), after
	} else if ok && after != "" && !unicode.IsSpace(rune(after[0])) {
		if o := meant(name); o != "" {
			return t, "", fault.New(fault.Invalid, "there is no operator %s:, perhaps %s: is meant; in quotation marks, \"%s:…\" is looked for as it stands", name, o, name)
		}
	}
	if t.value, rest, err = cutValue(text); err != nil {
		return t, "", err
	}
	if t.value == "" && (t.name != "" || rest != "" || t.not) {
		if t.name == "" {
			return t, "", fault.New(fault.Invalid, "there is nothing between the quotation marks; a word must be there")
		}
		return t, "", fault.New(fault.Invalid, "nothing stands behind %s:, it must be as in %s", t.name, example(t.name))
	}
	return t, rest, nil
}

// cutValue cuts off what ends at a space, or what stands between quotation marks, in which \" is one of them.
func cutValue(text string) (value, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		if i := strings.IndexFunc(text, unicode.IsSpace); i >= 0 {
			return text[:i], text[i:], nil
		}
		return text, "", nil
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			if rest = text[i+1:]; rest != "" && !unicode.IsSpace([]rune(rest)[0]) {
				return "", "", fault.New(fault.Invalid, "behind the quotation mark that ends %.60q a space must come", b.String())
			}
			return b.String(), rest + " ", nil
		case c == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", fault.New(fault.Invalid, "a quotation mark is missing behind %.60q", b.String())
}

// meant returns the operator that differs from name by one letter, "" when none does.
func meant(name string) string {
	name = strings.ToLower(name)
	for _, o := range append([]string{"namespace"}, operators...) {
		if o != name && len(o) > 2 && near(o, name) {
			return o
		}
		if o == name {
			return "ns" // the only one that has a long form
		}
	}
	return ""
}

// near reports whether one letter put in, left out or replaced makes a of b.
func near(a, b string) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(b) && a[i] == b[i] {
		i++
	}
	switch len(a) - len(b) {
	case 0:
		return i < len(a) && a[i+1:] == b[i+1:]
	case 1:
		return a[i+1:] == b[i:]
	}
	return false
}

func example(name string) string {
	switch name {
	case "changed":
		return "changed:<7d"
	case "type":
		return "type:yaml"
	case "key":
		return "key:spring.redis.host"
	case "listener":
		return "listener:none"
	}
	return name + ":word"
}

func (q *Query) add(t term, nowMs int64) error {
	if strings.ContainsRune(t.value, 0) {
		return fault.New(fault.Invalid, "the search has a NUL character")
	}
	to := &q.Terms
	if t.not {
		to = &q.Not
	}
	lists := map[string]*[]string{"": &to.Words, "ns": &to.Namespaces, "group": &to.Groups, "type": &to.Types, "tag": &to.Tags, "app": &to.Apps, "by": &to.By}
	if list := lists[t.name]; list != nil {
		*list = append(*list, t.value)
		return nil
	}
	if t.not {
		return fault.New(fault.Invalid, "%s: can't be denied by a minus", t.name)
	}
	switch t.name {
	case "key", "value":
		held := &q.Key
		if t.name == "value" {
			held = &q.Value
		}
		if *held != "" {
			return fault.New(fault.Invalid, "%s: is given twice, once is allowed", t.name)
		}
		*held = t.value
		return nil
	case "listener":
		q.Listener = strings.ToLower(t.value)
		if q.Listener != ListenerNone && q.Listener != ListenerAny && q.Listener != ListenerBehind {
			return fault.New(fault.Invalid, "listener:%s is not understood; listener:none, listener:any and listener:behind are", t.value)
		}
		return nil
	}
	return q.addChanged(t.value, nowMs)
}

// addChanged reads <7d, which is within the last seven days, or >7d, longer ago.
func (q *Query) addChanged(value string, nowMs int64) error {
	longer := strings.HasPrefix(value, ">")
	d, ok := parseAge(strings.TrimLeft(value, "<>"))
	if !ok || len(value)-len(strings.TrimLeft(value, "<>")) > 1 {
		return fault.New(fault.Invalid, "changed:%s is not understood; changed:<7d is within seven days, changed:>12h more than twelve hours ago, with m, h, d or w", value)
	}
	if longer {
		q.ChangedBeforeMs = nowMs - d.Milliseconds()
	} else {
		q.ChangedAfterMs = nowMs - d.Milliseconds()
	}
	return nil
}

func parseAge(text string) (time.Duration, bool) {
	if len(text) < 2 {
		return 0, false
	}
	unit := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[text[len(text)-1]]
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 16)
	return time.Duration(n) * unit, err == nil && unit > 0 && n > 0
}
