package format

import (
	"bytes"
	"errors"
	"io"
	"sort"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

const (
	// mostValues is how many values a YAML content may have more when its aliases are written out.
	mostValues = 1_000_000
	// mostWork is how much a YAML content may ask of the library, by workOf: each unit costs about a
	// microsecond and 300 bytes.
	mostWork = 1_000_000
	// javaLimit is how many characters SnakeYAML reads unless it is told otherwise.
	javaLimit = 3 << 20
)

// yamlParser reads all documents of a YAML content into nodes, and looks at those.
type yamlParser struct {
	*report
	s     *pairs
	base  int   // offset at which the library's input begins
	lines []int // offsets at which lines begin as YAML counts them
	sizes map[*yaml.Node]size
	texts []span // lines, as YAML counts them, that are within texts of several lines
	last  *yaml.Node
}

type span struct{ from, to int }

func parseYAML(r *report, s *pairs) {
	text, base := r.body()
	p := &yamlParser{report: r, s: s, base: base, sizes: make(map[*yaml.Node]size)}
	if i := bytes.IndexFunc(text, isControl); i >= 0 {
		_, n := utf8.DecodeRune(text[i:])
		r.fail("yamlControl", base+i, base+i+n)
		return
	}
	if workOf(text) > mostWork {
		r.warn("yamlLarge", base, base, mostWork)
		s.tooLarge()
		return
	}
	if n := utf8.RuneCount(text); n > javaLimit {
		r.warn("yamlJava", base, base, n, javaLimit)
	}
	docs, err := loadYAML(text)
	for i, doc := range docs {
		if !p.walk(doc, 0) || !p.expands(doc) {
			return
		}
		if err == nil && len(r.list) == 0 && s.wanted() {
			prefix := ""
			if i > 0 {
				prefix = element("---", i)
			}
			p.flatten(prefix, doc, doc.Line, 0)
		}
	}
	if err != nil {
		p.syntax(err)
		return
	}
	if len(docs) == 1 && docs[0].Kind == yaml.DocumentNode && len(docs[0].Content) == 1 {
		if n := docs[0].Content[0]; n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && n.Style == 0 {
			p.warn("yamlPlain", p.offset(n.Line, n.Column), p.lineEnd(p.line(p.offset(n.Line, n.Column))))
		}
	}
	p.tabs()
}

// workOf counts what can begin a value, the dearer ones more than once.
func workOf(text []byte) int {
	n := 0
	for i, c := range text {
		switch c {
		case ',':
			n += 2 // the library moves what waits on the line for a colon
		case ':', '[', '{':
			n++
		case '-', '?', '.':
			if i+1 == len(text) || text[i+1] <= ' ' {
				n++
			}
			if i > 1 && text[i-1] == c && text[i-2] == c && (i == 2 || text[i-3] == '\n' || text[i-3] == '\r') {
				n += 4 // a document
			}
		}
	}
	return n
}

// loadYAML returns the documents before the first error, and that.
func loadYAML(text []byte) ([]*yaml.Node, error) {
	l, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var docs []*yaml.Node
	for {
		n := new(yaml.Node)
		if err := l.Load(n); err != nil {
			if err == io.EOF {
				return docs, nil
			}
			return docs, err
		}
		docs = append(docs, n)
	}
}

func isControl(c rune) bool {
	return c < ' ' && c != '\t' && c != '\n' && c != '\r' || c >= 0x7f && c < 0xa0 && c != 0x85 || c == 0xfffe || c == 0xffff
}

// offset returns that of a place as the library counts: lines from 1 that end at what YAML takes for
// a line break, columns in characters from 1.
func (p *yamlParser) offset(line, column int) int {
	if p.lines == nil {
		p.lines = yamlLines(p.text[p.base:])
	}
	if line < 1 {
		return p.base
	}
	at := len(p.text)
	if line <= len(p.lines) {
		at = p.base + p.lines[line-1]
	}
	for ; column > 1 && at < len(p.text); column-- {
		_, n := utf8.DecodeRune(p.text[at:])
		at += n
	}
	return at
}

// yamlLines returns the offsets at which lines begin, NEL, LS and PS counted as breaks.
func yamlLines(text []byte) []int {
	starts := make([]int, 1, 2+bytes.Count(text, []byte{'\n'}))
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\r' && i+1 < len(text) && text[i+1] == '\n':
		case c == '\n', c == '\r':
			starts = append(starts, i+1)
		case c == 0xc2 && bytes.HasPrefix(text[i:], []byte("\u0085")):
			starts = append(starts, i+2)
		case c == 0xe2 && (bytes.HasPrefix(text[i:], []byte("\u2028")) || bytes.HasPrefix(text[i:], []byte("\u2029"))):
			starts = append(starts, i+3)
		}
	}
	return starts
}

// syntax reports the library's error at the place where a person would look for it.
func (p *yamlParser) syntax(err error) {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		p.fail("yamlSyntax", len(p.text), len(p.text), shown(err.Error()))
		return
	}
	at, began := p.offset(e.Mark.Line, e.Mark.Column), p.offset(e.ContextMark.Line, e.ContextMark.Column)
	end := p.lineEnd(p.line(at))
	_, size := utf8.DecodeRune(p.text[at:])
	m := e.Message
	switch {
	case m == "found character that cannot start any token" && at < len(p.text) && p.text[at] == '\t', strings.Contains(m, "tab"):
		p.fail("yamlTab", at, at+1)
	case m == "found character that cannot start any token" && at < len(p.text),
		m == "did not find expected node content" && at < end:
		p.fail("yamlStart", at, at+size, string(p.text[at:at+size]))
	case m == "mapping values are not allowed in this context":
		p.fail("yamlColon", at, at+1)
	case m == "did not find expected alphabetic or numeric character":
		p.fail("yamlStart", began, began+1, string(p.text[began:min(began+1, len(p.text))]))
	case m == "did not find expected key", m == "did not find expected '-' indicator":
		p.fail("yamlIndent", at, end)
	case m == "could not find expected ':'":
		p.fail("yamlKey", began, p.lineEnd(p.line(began)))
	case strings.HasPrefix(m, "did not find expected ',' or") && began < len(p.text):
		where := at
		if p.line(at) != p.line(began) {
			where = began
		}
		closing := map[byte]string{'[': "]", '{': "}"}[p.text[began]]
		p.fail("yamlFlow", where, where+1, string(p.text[began]), p.line(began), closing)
	case strings.HasPrefix(m, "found unexpected end of stream"), strings.HasPrefix(m, "found unexpected document indicator"):
		p.fail("yamlQuote", began, p.lineEnd(p.line(began)))
	case m == "found unknown escape character":
		p.fail("yamlEscape", at, at+2)
	case strings.HasPrefix(m, "unknown anchor"):
		name := strings.TrimSuffix(strings.TrimPrefix(m, "unknown anchor '"), "' referenced")
		p.fail("yamlAnchor", at, at+1+len(name), shown(name))
	case m == "did not find expected node content":
		p.fail("yamlEnd", at, at)
	case m == "found unknown directive name":
		p.fail("yamlDirective", began, end)
	case strings.HasPrefix(m, "exceeded max depth"):
		p.fail("tooDeep", at, at+1, MostDepth)
	default:
		p.fail("yamlSyntax", at, max(at+size, at), m)
	}
}

// walk reports keys that are given twice and what is too deep; it tells no pairs.
func (p *yamlParser) walk(n *yaml.Node, depth int) bool {
	if depth > MostDepth {
		at := p.offset(n.Line, n.Column)
		p.fail("tooDeep", at, at+1, MostDepth)
		return false
	}
	if p.last != nil && p.last.Line+1 < n.Line {
		p.texts = append(p.texts, span{p.last.Line + 1, n.Line - 1})
	}
	p.last = nil
	if n.Kind == yaml.ScalarNode && strings.ContainsAny(n.Value, "\n ") {
		p.last = n
	}
	if n.Kind == yaml.MappingNode {
		p.duplicates(n)
	}
	for _, c := range n.Content {
		if !p.walk(c, depth+1) {
			return false
		}
	}
	return true
}

func (p *yamlParser) duplicates(n *yaml.Node) {
	type name struct{ tag, value string }
	var seen map[name]int
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode || isMerge(k) || len(n.Content) == 2 {
			continue
		}
		if seen == nil {
			seen = make(map[name]int, len(n.Content)/2)
		}
		id := name{k.ShortTag(), k.Value}
		if line, twice := seen[id]; twice {
			at := p.offset(k.Line, k.Column)
			p.fail("yamlDuplicate", at, at+len(k.Value), shown(k.Value), line)
			continue
		}
		seen[id] = p.line(p.offset(k.Line, k.Column))
	}
}

func isMerge(k *yaml.Node) bool {
	return k.Kind == yaml.ScalarNode && k.Value == "<<" && (k.Tag == "" || k.Tag == "!" || k.ShortTag() == "!!merge")
}

// expands reports aliases that stand within themselves, and those that make too much of the content.
func (p *yamlParser) expands(doc *yaml.Node) bool {
	s, ok := p.size(doc)
	if ok && s.extra > mostValues {
		p.fail("yamlExpansion", p.offset(doc.Line, doc.Column), p.offset(doc.Line, doc.Column), mostValues)
		return false
	}
	return ok
}

// size is how many values a node has: as it is written, and those that its aliases stand for.
type size struct {
	own, extra int
	underWay   bool
}

// size returns that of n; false when there is no end to it.
func (p *yamlParser) size(n *yaml.Node) (size, bool) {
	const most = 1 << 40 // keeps sums within an int
	if n.Anchor != "" {
		if s, known := p.sizes[n]; known {
			return s, !s.underWay
		}
		p.sizes[n] = size{underWay: true}
	}
	total := size{own: 1}
	for _, c := range n.Content {
		alias := c.Kind == yaml.AliasNode
		if alias {
			c = c.Alias
		}
		s, ok := p.size(c)
		switch {
		case !ok && alias && p.sizes[c].underWay:
			p.loop(n, c)
			return size{}, false
		case !ok:
			return size{}, false
		case alias:
			total.extra += s.own + s.extra
		default:
			total.own += s.own
			total.extra += s.extra
		}
		total.extra = min(total.extra, most)
	}
	if n.Anchor != "" {
		p.sizes[n] = total
	}
	return total, true
}

// loop reports the first alias in n that stands for target.
func (p *yamlParser) loop(n, target *yaml.Node) {
	for _, c := range n.Content {
		if c.Kind == yaml.AliasNode && c.Alias == target {
			at := p.offset(c.Line, c.Column)
			p.fail("yamlLoop", at, at+1+len(c.Value), shown(c.Value))
			return
		}
	}
}

// tabs reports lines that are indented with a tab and not part of a text.
func (p *yamlParser) tabs() {
	if p.last != nil {
		p.texts = append(p.texts, span{p.last.Line + 1, 1 << 62})
	}
	if bytes.IndexByte(p.text, '\t') < 0 {
		return
	}
	p.offset(1, 1)
	for i, start := range p.lines {
		start += p.base
		at := start
		for at < len(p.text) && p.text[at] == ' ' {
			at++
		}
		if at == len(p.text) || p.text[at] != '\t' || p.inText(i+1) {
			continue
		}
		p.warn("yamlTabIndent", at, len(p.text)-len(bytes.TrimLeft(p.text[at:], " \t")))
	}
}

func (p *yamlParser) inText(line int) bool {
	i := sort.Search(len(p.texts), func(i int) bool { return p.texts[i].to >= line })
	return i < len(p.texts) && p.texts[i].from <= line
}

// flatten tells the pairs of n, whose key is in a line as YAML counts them.
func (p *yamlParser) flatten(path string, n *yaml.Node, line, depth int) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if !p.s.wanted() {
		return
	}
	if depth > MostDepth {
		p.s.tooDeep()
		return
	}
	at := func(text string, quoted bool) {
		p.s.add(Pair{path, text, quoted, p.line(p.offset(line, 1))})
	}
	switch n.Kind {
	case yaml.DocumentNode:
		for _, c := range n.Content {
			p.flatten(path, c, c.Line, depth)
		}
	case yaml.ScalarNode:
		at(n.Value, n.ShortTag() == "!!str")
	case yaml.SequenceNode:
		if len(n.Content) == 0 {
			at("[]", false)
		}
		for i, c := range n.Content {
			p.flatten(element(path, i), c, c.Line, depth+1)
		}
	case yaml.MappingNode:
		if len(n.Content) == 0 {
			at("{}", false)
		}
		p.members(path, n, nil, depth)
	}
}

// members tells the pairs of a mapping but for the keys in hidden; those that it merges come after its own.
func (p *yamlParser) members(path string, n *yaml.Node, hidden map[string]bool, depth int) {
	var merged []*yaml.Node
	own := hidden
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; isMerge(k) {
			merged = append(merged, n.Content[i+1])
		}
	}
	if merged != nil {
		own = make(map[string]bool, len(hidden)+len(n.Content)/2)
		for k := range hidden {
			own[k] = true
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		name := keyText(k)
		if isMerge(k) || hidden[name] {
			continue
		}
		if merged != nil {
			own[name] = true
		}
		p.flatten(child(path, name), n.Content[i+1], k.Line, depth+1)
	}
	for _, m := range merged {
		p.merge(path, m, own, depth+1)
	}
}

// merge tells what a mapping gets by "<<": the first of several that has a key counts.
func (p *yamlParser) merge(path string, m *yaml.Node, hidden map[string]bool, depth int) {
	if m.Kind == yaml.AliasNode {
		m = m.Alias
	}
	if !p.s.wanted() {
		return
	}
	if depth > MostDepth {
		p.s.tooDeep()
		return
	}
	switch m.Kind {
	case yaml.MappingNode:
		p.members(path, m, hidden, depth)
		for i := 0; i+1 < len(m.Content); i += 2 {
			hidden[keyText(m.Content[i])] = true
		}
	case yaml.SequenceNode:
		for _, c := range m.Content {
			p.merge(path, c, hidden, depth+1)
		}
	}
}

// keyText returns a key as a path has it.
func keyText(k *yaml.Node) string {
	if k.Kind == yaml.AliasNode {
		k = k.Alias
	}
	if k.Kind == yaml.ScalarNode {
		return k.Value
	}
	return "?"
}
