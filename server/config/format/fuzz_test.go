package format

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v4"
)

// sane fails when what is told of a content can't be: places outside of it, words without a text.
func sane(t *testing.T, typ Type, content []byte) (valid bool) {
	t.Helper()
	valid = true
	problems := Check(typ, content)
	if len(problems) > MostProblems {
		t.Fatalf("%d problems", len(problems))
	}
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(content)), "\n")
	last := Problem{Line: 1, Column: 1}
	for _, p := range problems {
		if p.Line < 1 || p.Line > len(lines) || p.Column < 1 || p.EndColumn < p.Column || p.EndColumn > len(utf16.Encode([]rune(lines[p.Line-1])))+1 {
			t.Fatalf("%s: %+v is outside of %q", typ, p, content)
		}
		if p.Line < last.Line || p.Line == last.Line && p.Column < last.Column {
			t.Fatalf("%s: %+v stands after %+v", typ, p, last)
		}
		if p.Text == "" || strings.Contains(p.Text, "%!") || !utf8.ValidString(p.Text) {
			t.Fatalf("%s: %+v has a bad text", typ, p)
		}
		last = p
		valid = valid && p.Severity != Error
	}
	if typ == Text || typ == HTML {
		return valid
	}
	pairs, err := Flatten(typ, content)
	if valid != (err == nil) && !slices.ContainsFunc(problems, func(p Problem) bool { return p.Code == "yamlLarge" }) {
		t.Fatalf("%s: %q is valid: %v, but its pairs: %v", typ, content, valid, err)
	}
	for _, p := range pairs {
		if p.Line < 1 || p.Line > len(lines) {
			t.Fatalf("%s: %+v is outside of %q", typ, p, content)
		}
	}
	return valid
}

// sameAfterPretty fails when a new layout changes what a content says or is not one.
func sameAfterPretty(t *testing.T, typ Type, content []byte) {
	t.Helper()
	out, err := Pretty(typ, content)
	if err != nil {
		return
	}
	before, err1 := Flatten(typ, content)
	after, err2 := Flatten(typ, out)
	if err1 != nil || err2 != nil {
		t.Fatalf("%s: laid out anew, %q has the error %v, before %v: %q", typ, content, err2, err1, out)
	}
	if !slices.EqualFunc(before, after, samePair) {
		t.Fatalf("%s: %q became %q: %v, not %v", typ, content, out, after, before)
	}
}

func FuzzAnyFormat(f *testing.F) {
	for _, s := range []string{"a: 1\n", "{\"a\": [1]}", "[a]\nb = 'c'\n", "a=\\u12\\\n b", "<a b='c'>d</a>", "\xef\xbb\xbfa\r\rb\x00\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, typ := range Types() {
			sane(t, typ, content)
		}
		if typ := Detect("", content); !typ.Valid() {
			t.Fatalf("detected %q", typ)
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a": [1, -2.5e+3, true, null, "\u00e9\n"]}`, `[01]`, "{'a'}", `{"a":1,}`, `"\ud800"`, "[1 2]", `{"a":{"a":1},"a":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		valid := sane(t, JSON, content)
		if want := json.Valid(bytes.TrimPrefix(content, bom)) && utf8.Valid(content); valid != want && bytes.Count(content, []byte{'['})+bytes.Count(content, []byte{'{'}) < MostDepth {
			t.Fatalf("%q: %v, but %v", content, Check(JSON, content), want)
		}
		sameAfterPretty(t, JSON, content)
	})
}

func FuzzYAML(f *testing.F) {
	for _, s := range []string{"a: 1\nb:\n- x\n- y: {z: [1]}\n", "a: &a [1]\nb: *a\n", "a: |\n  x\n\ty\n", "---\na: 1\n...\n---\nb\n", "? a\n: b\n", "a: \"\\x41\"\n# c\n", "<<: {a: 1}\na: 2", "a: &a [*a]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		valid := sane(t, YAML, content)
		d := yaml.NewDecoder(bytes.NewReader(content))
		for {
			var n yaml.Node
			if err := d.Decode(&n); err == io.EOF {
				return
			} else if err != nil {
				if valid {
					t.Fatalf("%q is said to be valid, but: %v", content, err)
				}
				return
			}
		}
	})
}

func FuzzTOML(f *testing.F) {
	for _, s := range []string{"a = 1\n[b.c]\nd = 'x'\n", "[[a]]\nb.c = 1\n[a.b]\n", "a = {b = 1, c.d = 2}\na.e = 1", "[a.b]\n[a]\nb.c = 1", "a = 2024-02-30", "a = 07:32:00.5", "a = 1_000\nb = 0x_f", "a = [1, [2,],]", "[a]\n[a.b.c]\n[a.b]\n[a]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		valid := sane(t, TOML, content)
		var v map[string]any
		if err := toml.Unmarshal(bytes.TrimPrefix(content, bom), &v); valid != (err == nil) {
			t.Fatalf("%q: %v, but the library says %v", content, Check(TOML, content), err)
		}
	})
}

func FuzzXML(f *testing.F) {
	for _, s := range []string{"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a x:y='1'><!-- d --><b/>&b;</a>", "<a><b></a>", "<a> <b>x</b> <c/> </a>", "<a>x<b> </b></a>", "<a><![CDATA[<]]></a>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		valid := sane(t, XML, content)
		d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(content, bom)))
		d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
		for valid {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				if !strings.Contains(err.Error(), "entity") {
					t.Fatalf("%q is said to be valid, but: %v", content, err)
				}
				return
			}
		}
		sameAfterPretty(t, XML, content)
	})
}

func FuzzProperties(f *testing.F) {
	for _, s := range []string{"a=1\nb : \\\n   2\nc\\ d = \\u4e2d\\\n\n", "a\\:b=c", "\\u12", "a b = c", "=x", "a = \\ud83d\\ude00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) { sane(t, Properties, content) })
}

// FuzzPrettyYAML looks for contents that a new layout would change.
func FuzzPrettyYAML(f *testing.F) {
	for _, s := range []string{"# head\na:   1 # why\nb: [x,  y]\n\n# foot\n", "a: |\n  x\n  y\n---\nb: 'c'\n", "a: &x {b: 1}\nc: *x\n", "- \"multi\n  line\"\n", "a: >-\n  folded\n  text\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) { sameAfterPretty(t, YAML, content) })
}
