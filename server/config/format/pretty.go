package format

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"nacre/server/fault"
)

// Pretty returns content laid out anew, with two spaces an indent: json, yaml with its comments, and
// xml. Its keys have the values that they had. Faults: Invalid for a content with an error, for one
// that another layout would change, and for the other formats, whose layout is their author's.
func Pretty(t Type, content []byte) ([]byte, error) {
	lay := map[Type]func([]byte) ([]byte, error){JSON: prettyJSON, YAML: prettyYAML, XML: prettyXML}[t]
	if lay == nil {
		return nil, fault.New(fault.Invalid, "a content of type %q can't be laid out anew; json, yaml and xml can", string(t))
	}
	before, err := Flatten(t, content)
	if err != nil {
		return nil, err
	}
	out, err := lay(bytes.TrimPrefix(content, bom))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the content can't be laid out anew: %s", shown(err.Error()))
	}
	if after, err := Flatten(t, out); err != nil || !slices.EqualFunc(before, after, samePair) {
		return nil, fault.New(fault.Invalid, "the content can't be laid out anew without changing it")
	}
	return out, nil
}

// samePair compares but for the line.
func samePair(a, b Pair) bool { return a.Key == b.Key && a.Value == b.Value && a.Quoted == b.Quoted }

func prettyJSON(content []byte) ([]byte, error) {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(content), "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

func prettyYAML(content []byte) ([]byte, error) {
	docs, err := loadYAML(content)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	d, err := yaml.NewDumper(&b, yaml.WithIndent(2), yaml.WithLineWidth(-1))
	if err != nil {
		return nil, err
	}
	for _, n := range docs {
		if err := d.Dump(n); err != nil {
			return nil, err
		}
	}
	if err := d.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// prettyXML puts each element on a line of its own where only white space stands between elements;
// an element that has text stays as it is, and so does everything in it.
func prettyXML(content []byte) ([]byte, error) {
	d := xml.NewDecoder(bytes.NewReader(content))
	d.Strict = false // Check has read it
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	root, err := readXML(d, content)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, n := range root.children {
		n.write(&b, 0)
	}
	return b.Bytes(), nil
}

// xmlNode is an element or, without an end, anything else that stands in one.
type xmlNode struct {
	head, tail []byte // its tags as they are written
	children   []*xmlNode
	element    bool
	space      bool // white space alone
	text       bool // text
	from       int
}

func readXML(d *xml.Decoder, content []byte) (*xmlNode, error) {
	open := []*xmlNode{{element: true}}
	for {
		from := int(d.InputOffset())
		t, err := d.RawToken()
		if err == io.EOF {
			return open[0], nil
		}
		if err != nil {
			return nil, err
		}
		raw := content[from:d.InputOffset()]
		top := open[len(open)-1]
		n := &xmlNode{head: raw, from: from}
		switch t.(type) {
		case xml.StartElement:
			n.element = true
			open = append(open, n)
		case xml.EndElement:
			top.tail = content[from:d.InputOffset()]
			open = open[:len(open)-1]
			continue
		case xml.CharData:
			n.text = true
			n.space = len(bytes.TrimSpace(raw)) == 0
		}
		top.children = append(top.children, n)
	}
}

// mixed reports whether n has text beside which nothing may be moved.
func (n *xmlNode) mixed() bool {
	for _, c := range n.children {
		if c.text && !c.space {
			return true
		}
	}
	return bytes.Contains(n.head, []byte("xml:space"))
}

func (n *xmlNode) write(b *bytes.Buffer, depth int) {
	if n.space {
		return
	}
	indent := strings.Repeat("  ", depth)
	b.WriteString(indent)
	switch {
	case !n.element:
		b.Write(bytes.TrimSpace(n.head))
	case n.mixed() || len(n.children) == 0:
		n.raw(b)
	default:
		b.Write(n.head)
		b.WriteByte('\n')
		for _, c := range n.children {
			c.write(b, depth+1)
		}
		b.WriteString(indent)
		b.Write(n.tail)
	}
	b.WriteByte('\n')
}

// raw writes n as it is.
func (n *xmlNode) raw(b *bytes.Buffer) {
	b.Write(n.head)
	for _, c := range n.children {
		c.raw(b)
	}
	b.Write(n.tail)
}
