package format

import (
	"fmt"
	"strings"
	"testing"
)

// told writes problems as line:column-end code, warnings in brackets.
func told(problems []Problem) string {
	var out []string
	for _, p := range problems {
		s := fmt.Sprintf("%d:%d-%d %s", p.Line, p.Column, p.EndColumn, p.Code)
		if p.Severity == Warning {
			s = "[" + s + "]"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestProblemsStandWhereTheyAre(t *testing.T) {
	for _, c := range []struct {
		name, text string
		typ        Type
		want       string
	}{
		{"a text has no errors", "any: [thing\n", Text, ""},
		{"an unknown type is a text", "any: [thing\n", "unset", ""},
		{"a byte order mark", "\ufeffa: 1\n", YAML, "[1:1-2 bom]"},
		{"a line break unlike the others", "a: 1\r\nb: 2\nc: 3\r\n", YAML, "[2:5-5 mixedBreaks]"},
		{"a carriage return alone", "a: 1\rb: 2\n", YAML, "[1:5-5 cr]"},
		{"a NUL in a text", "a\x00b", Text, "[1:2-3 nul]"},
		{"bytes that are not UTF-8", "a: 1\nb: \xff\n", YAML, "2:4-5 utf8"},
		{"bytes that are not UTF-8 in a text", "\xff", Text, "[1:1-2 utf8]"},

		{"YAML that is right", "# c\na: 1\nb:\n- x\n- 'y'\n---\nb: &x {c: 1}\nd: *x\n", YAML, ""},
		{"nothing is YAML", "", YAML, ""},
		{"a comment is YAML", "# a\n", YAML, ""},
		{"indentation between two levels", "a: 1\nb:\n  c: 1\n d: 2\n", YAML, "4:2-6 yamlIndent"},
		{"a second colon", "a: b: c", YAML, "1:5-6 yamlColon"},
		{"a list that is not closed", "x: 1\ny: [1,2\nz: 3\n", YAML, "2:4-5 yamlFlow"},
		{"a tab as indentation", "a:\n\tb: 1\n", YAML, "2:1-2 yamlTab"},
		{"a text that is not closed", "a: 1\nb: \"x\nc: 2\n", YAML, "2:4-6 yamlQuote"},
		{"a value that begins with @", "a: 中😀\nb: @x", YAML, "2:4-5 yamlStart"},
		{"columns count UTF-16 units", "a: {中😀: @x}", YAML, "1:10-11 yamlStart"},
		{"a line without a colon", "a: 1\nfoo\nb: 2\n", YAML, "2:1-4 yamlKey"},
		{"an anchor that is not there", "a: *x\n", YAML, "1:4-6 yamlAnchor"},
		{"a star alone", "a: *\n", YAML, "1:4-5 yamlStart"},
		{"an escape that is none", `a: "\q"`, YAML, "1:5-7 yamlEscape"},
		{"a control character", "a: 1\nb: \x01", YAML, "2:4-5 yamlControl"},
		{"a list among keys", "a: 1\n- b\n", YAML, "2:1-4 yamlIndent"},
		{"a key that is given twice", "a: 1\nb:\n  c: 1\n  c: 2\na: 3\n", YAML, "4:3-4 yamlDuplicate 5:1-2 yamlDuplicate"},
		{"a key that is given twice in the second document", "a: 1\n---\na: 1\na: 2\n", YAML, "4:1-2 yamlDuplicate"},
		{"merging twice", "a: &a {b: 1}\nc:\n  <<: *a\n  <<: *a\n", YAML, ""},
		{"an alias in itself", "a: &a [*a]\n", YAML, "1:8-10 yamlLoop"},
		{"a forgotten space", "server:8080\n", YAML, "[1:1-12 yamlPlain]"},
		{"a tab within a list", "a: [\n\tb\n ]\n", YAML, "[2:1-2 yamlTabIndent]"},
		{"a line of a tab alone", "a: 1\n\t\n", YAML, "[2:1-2 yamlTabIndent]"},
		{"a tab in a text", "a: |\n  x:\n  \ty\nb: 1\n", YAML, ""},
		{"lines end at NEL for YAML, not for an editor", "a: 1\u0085b: @x\n", YAML, "1:9-10 yamlStart"},

		{"JSON that is right", ` {"a": [1, -2.5e+3, true, null, "\u00e9\n"], "b": {}} `, JSON, ""},
		{"nothing is no JSON", " \n", JSON, "2:1-1 jsonEmpty"},
		{"a comma at the end", "{\n  \"a\": 1,\n}", JSON, "2:9-10 jsonTrailing"},
		{"a comma that is missing", "{\"a\": 1\n\"b\": 2}", JSON, "2:1-2 jsonComma"},
		{"a colon that is missing", `{"a" 1}`, JSON, "1:6-7 jsonColon"},
		{"single quotes", `{'a': 1}`, JSON, "1:2-3 jsonSingleQuote"},
		{"a key without quotes", `{a: 1}`, JSON, "1:2-3 jsonKey"},
		{"a comment", "{\n// why\n}", JSON, "2:1-7 jsonComment"},
		{"a word", `{"a": True}`, JSON, "1:7-11 jsonWord"},
		{"a number with a zero before it", `[01]`, JSON, "1:2-4 jsonNumber"},
		{"a text over two lines", "[\"a\nb\"]", JSON, "1:2-4 jsonString"},
		{"an escape that is none", `["\x"]`, JSON, "1:3-5 jsonEscape"},
		{"a tab in a text", "[\"a\tb\"]", JSON, "1:4-5 jsonControl"},
		{"the wrong bracket", "{\"a\": [1}", JSON, "1:9-10 jsonMismatch"},
		{"an end that comes too early", "{\"a\": [1,\n", JSON, "2:1-1 jsonEnd"},
		{"something after the end", "{} {}", JSON, "1:4-5 jsonAfter"},
		{"a key that is given twice", "{\"a\": 1,\n \"\\u0061\": 2}", JSON, "[1:2-3 jsonDuplicate] [2:2-10 jsonDuplicate]"},
		{"the same key in two objects", `[{"a": 1}, {"a": 1}]`, JSON, ""},

		{"TOML that is right", "a = 1\n[b.c]\nd = 'x'\n[b]\ne.f = 2024-02-29\ne.g = +1_000.5e3\n[[h]]\ni = [1, 'x', {j = 0xf_f}]\n", TOML, ""},
		{"a key without a value", "a = 1\nb =\n", TOML, "2:4-4 tomlSyntax"},
		{"a key that is given twice", "a = 1\na = 2\n", TOML, "2:1-2 tomlDuplicate"},
		{"a table that is given twice", "[a]\nb = 1\n[a]\n", TOML, "3:2-3 tomlTable"},
		{"a table below a value", "a = 1\n[a.b]\n", TOML, "2:2-3 tomlNotTable"},
		{"a list of tables that is a table", "[a]\n[[a]]\n", TOML, "2:3-4 tomlNotArray"},
		{"keys for an inline table", "a = {}\na.b = 1\n", TOML, "2:1-2 tomlNotTable"},
		{"keys for a table from elsewhere", "[a.b]\n[a]\nb.c = 1\n", TOML, "3:1-2 tomlClosed"},
		{"a date that does not exist", "a = 2023-02-30\n", TOML, "1:5-15 tomlDate"},

		{"properties that are right", "# c\n! d\na=1\nb : \\\n   2\nc\\ d = \\u4e2d\\\n\n", Properties, ""},
		{"a line that goes on without a beginning", "\\\n# c\na=1\n", Properties, ""},
		{"a broken escape", "a=\\u12\n", Properties, "1:3-7 propEscape"},
		{"white space at the end", "a=1  \nb=2\n", Properties, "[1:4-6 propTrailing]"},
		{"characters beyond ASCII", "# 中\na=1\nb=中\n", Properties, "[3:3-4 propUnicode]"},
		{"a key that is given twice", "a=1\nb=2\na=3\n", Properties, "[3:1-2 propDuplicate]"},
		{"a key alone", "a=1\nfoo\n", Properties, "[2:1-4 propNoValue]"},
		{"an end that goes on", "a=1\\", Properties, "[1:4-5 propContinuation]"},

		{"XML that is right", "<?xml version=\"1.0\" encoding=\"GBK\"?>\n<!DOCTYPE a [<!ENTITY b \"c\">]>\n<a x:y='1'><!-- d --><b/>&b;&#65;</a>\n", XML, ""},
		{"nothing is no XML", "", XML, "1:1-1 xmlEmpty"},
		{"an element that is not closed", "<a>\n <b>\n</a>", XML, "3:1-4 xmlMismatch"},
		{"an end that comes too early", "<a>\n <b>", XML, "2:2-4 xmlOpen"},
		{"a second root", "<a/>\n<b/>", XML, "2:1-3 xmlRoots"},
		{"text outside", "<a/>\n x", XML, "2:2-3 xmlText"},
		{"an attribute twice", "<a b='1' b='2'/>", XML, "1:1-17 xmlAttribute"},
		{"an ampersand", "<a>\n x &b; y</a>", XML, "2:4-7 xmlEntity"},
		{"an end tag alone", "</a>", XML, "1:1-4 xmlEnd"},

		{"HTML that is right", "<!doctype html><p>a<br><div><ul><li>x</ul></div>", HTML, ""},
		{"a tag that is not closed", "<div>\n<b>x</div>", HTML, "[2:1-3 htmlOpen]"},
		{"an end tag alone", "x</div>", HTML, "[1:2-8 htmlEnd]"},
	} {
		t.Run(string(c.typ)+": "+c.name, func(t *testing.T) {
			if got := told(Check(c.typ, []byte(c.text))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
