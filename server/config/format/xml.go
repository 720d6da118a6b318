package format

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
)

// xmlParser reads XML with the standard library, which expands no entity.
type xmlParser struct {
	*report
	s    *pairs
	base int // offset at which the decoder's input begins
	d    *xml.Decoder
	open []xmlElement
	root int // offset of the root element, -1 before it
}

type xmlElement struct {
	name   string
	from   int
	path   string
	text   []byte
	filled bool           // has elements or attributes: its text is no value unless there is some
	count  map[string]int // how many elements of a name it has had, when pairs are wanted
}

func parseXML(r *report, s *pairs) {
	text, base := r.body()
	p := &xmlParser{report: r, s: s, base: base, d: xml.NewDecoder(bytes.NewReader(text)), root: -1}
	p.d.Entity = make(map[string]string)
	p.d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // contents are UTF-8, whatever they say
	for {
		from := p.offset()
		t, err := p.d.RawToken()
		if err == io.EOF {
			p.end()
			return
		}
		if err != nil {
			p.syntax(err, from)
			return
		}
		if !p.token(t, from) {
			return
		}
	}
}

func (p *xmlParser) offset() int { return p.base + int(p.d.InputOffset()) }

func (p *xmlParser) end() {
	switch n := len(p.open); {
	case n > 0:
		e := p.open[n-1]
		p.fail("xmlOpen", e.from, e.from+1+len(e.name), shown(e.name), p.line(e.from), shown(e.name))
	case p.root < 0:
		p.fail("xmlEmpty", len(p.text), len(p.text))
	}
}

func (p *xmlParser) syntax(err error, from int) {
	at := min(p.offset(), len(p.text))
	var syntax *xml.SyntaxError
	if !errors.As(err, &syntax) {
		p.fail("xmlSyntax", from, at, shown(err.Error()))
		return
	}
	if strings.HasPrefix(syntax.Msg, "invalid character entity") {
		amp := bytes.LastIndexByte(p.text[:at], '&')
		p.fail("xmlEntity", amp, at)
		return
	}
	if syntax.Msg == "unexpected EOF" {
		if p.end(); len(p.open) > 0 {
			return
		}
	}
	if at > 0 && at == len(p.text) && from < at { // it ran to the end: it began where the token began
		p.fail("xmlSyntax", from, from+1, syntax.Msg)
		return
	}
	p.fail("xmlSyntax", at-1, at, syntax.Msg)
}

var entityName = regexp.MustCompile(`<!ENTITY\s+([^\s%]+)\s`)

func xmlName(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

// token takes one token that began at from; false after an error.
func (p *xmlParser) token(t xml.Token, from int) bool {
	switch t := t.(type) {
	case xml.StartElement:
		return p.start(&t, from)
	case xml.EndElement:
		return p.close(xmlName(t.Name), from)
	case xml.CharData:
		if n := len(p.open); n > 0 {
			if p.s.wanted() && len(p.open[n-1].text)+len(t) <= MostFlattened {
				p.open[n-1].text = append(p.open[n-1].text, t...)
			}
		} else if text := bytes.TrimSpace(t); len(text) > 0 {
			at := from + bytes.Index(p.text[from:], text[:1])
			p.fail("xmlText", at, at+1)
			return false
		}
	case xml.Directive:
		for _, m := range entityName.FindAllSubmatch(append([]byte("<!"), t...), 1000) {
			p.d.Entity[string(m[1])] = ""
		}
	}
	return true
}

func (p *xmlParser) start(t *xml.StartElement, from int) bool {
	name := xmlName(t.Name)
	switch {
	case len(p.open) == 0 && p.root >= 0:
		p.fail("xmlRoots", from, from+1+len(name), p.line(p.root))
		return false
	case len(p.open) == MostDepth:
		p.fail("tooDeep", from, from+1, MostDepth)
		return false
	}
	if len(p.open) == 0 {
		p.root = from
	}
	e := xmlElement{name: name, from: from}
	if p.s.wanted() {
		e.path = p.path(name)
	}
	seen := make(map[string]bool, len(t.Attr))
	for _, a := range t.Attr {
		attr := xmlName(a.Name)
		if seen[attr] {
			p.fail("xmlAttribute", from, p.offset(), shown(attr))
			return false
		}
		seen[attr] = true
		if p.s.wanted() {
			p.s.add(Pair{child(e.path, "@"+attr), a.Value, true, p.line(from)})
		}
		e.filled = true
	}
	p.open = append(p.open, e)
	return true
}

// path returns that of a new element of this name; from the second of a name on with its number.
func (p *xmlParser) path(name string) string {
	if len(p.open) == 0 {
		return name
	}
	parent := &p.open[len(p.open)-1]
	parent.filled = true
	if parent.count == nil {
		parent.count = make(map[string]int)
	}
	n := parent.count[name]
	parent.count[name]++
	if n == 0 {
		return child(parent.path, name)
	}
	return element(child(parent.path, name), n)
}

func (p *xmlParser) close(name string, from int) bool {
	n := len(p.open)
	if n == 0 {
		p.fail("xmlEnd", from, from+2+len(name), shown(name))
		return false
	}
	e := &p.open[n-1]
	if e.name != name {
		p.fail("xmlMismatch", from, from+2+len(name), shown(name), shown(e.name), p.line(e.from))
		return false
	}
	if text := strings.TrimSpace(string(e.text)); p.s.wanted() && (text != "" || !e.filled) {
		p.s.add(Pair{e.path, text, true, p.line(e.from)})
	}
	p.open = p.open[:n-1]
	return true
}
