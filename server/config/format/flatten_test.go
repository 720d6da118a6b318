package format

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"nacre/server/fault"
)

func TestKeysAreFoundWithTheirPathsAndLines(t *testing.T) {
	for _, c := range []struct {
		name, text string
		typ        Type
		want       string
	}{
		{"YAML", "spring:\n  redis:\n    host: r1\n    port: 6379\nlist:\n- name: a\n- 'b'\nempty: {}\nnone:\na.b: x\n", YAML,
			`3 spring.redis.host="r1" 4 spring.redis.port=6379 6 list[0].name="a" 7 list[1]="b" 8 empty={} 9 none= 10 a.b="x"`},
		{"documents of YAML", "a: 1\n---\na: 2\n", YAML, `1 a=1 3 ---[1].a=2`},
		{"aliases and merged keys", "base: &b {x: 1, y: 2}\nc:\n  <<: *b\n  y: 3\nd: *b\n", YAML, `1 base.x=1 1 base.y=2 4 c.y=3 1 c.x=1 1 d.x=1 1 d.y=2`},
		{"a text of several lines", "a: |\n  x\n  y\nb: 1\n", YAML, `1 a="x\ny\n" 4 b=1`},
		{"JSON", "{\n\"a\": {\"b\": [1, {\"c\": \"\\u0064\"}], \"e\": []},\n\"f\": null, \"\": true}", JSON, `2 a.b[0]=1 2 a.b[1].c="d" 2 a.e=[] 3 f=null 3 =true`},
		{"one value of JSON", "7", JSON, `1 =7`},
		{"TOML", "a = 1\n[b.c]\nd = 'x'\ne.f = [1, 2]\n[[g]]\nh = true\n[[g]]\nh = {i = 1979-05-27}\n[g.j]\nk = {}\n", TOML,
			`1 a=1 3 b.c.d="x" 4 b.c.e.f[0]=1 4 b.c.e.f[1]=2 6 g[0].h=true 8 g[1].h.i=1979-05-27 10 g[1].j.k={}`},
		{"properties", "# c\na.b=1\n c d\ne\\ f : \\u4e2d\\\n   x\ng=\n", Properties, `2 a.b=1 3 c=d 4 e f=中x 6 g=`},
		{"XML", "<a b='1'>\n <c>x</c>\n <c d='2'/>\n <e> </e>\n</a>", XML, `1 a.@b="1" 2 a.c="x" 3 a.c[1].@d="2" 4 a.e=""`},
		{"a byte order mark is no part of a key", "\ufeffa=1\n", Properties, `1 a=1`},
		{"nothing", "", YAML, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			pairs, err := Flatten(c.typ, []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range pairs {
				if p.Quoted {
					got = append(got, fmt.Sprintf("%d %s=%q", p.Line, p.Key, p.Value))
				} else {
					got = append(got, fmt.Sprintf("%d %s=%s", p.Line, p.Key, p.Value))
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
}

func TestWhatHasNoKeysIsRefused(t *testing.T) {
	laughs := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'k'; c++ {
		laughs += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.Repeat(fmt.Sprintf("*%c, ", c-1), 9))
	}
	nested := "a0: &a0 1\n"
	for i := 1; i < 5; i++ {
		nested += fmt.Sprintf("a%d: &a%d %s*a%d%s\n", i, i, strings.Repeat("[", 900), i-1, strings.Repeat("]", 900))
	}
	for _, c := range []struct {
		name, text string
		typ        Type
		kind       fault.Kind
		says       string
	}{
		{"a text", "a", Text, fault.Invalid, `a content of type "text" has no keys`},
		{"an unknown type", "a", "ini", fault.Invalid, "has no keys"},
		{"an error, with its place", "{\n \"a\": x}", JSON, fault.Invalid, "line 2, column 7: x is no JSON value"},
		{"a billion laughs", laughs, YAML, fault.Invalid, "stand for more than 1000000 values"},
		{"aliases that nest deeper than what is written", nested, YAML, fault.Limited, "deeper than 1000"},
		{"too many keys", strings.Repeat("a=1\n", MostPairs+1), Properties, fault.Limited, "more than 100000 keys"},
		{"keys that are too long together", strings.Repeat("{\""+strings.Repeat("k", 1000)+"\":", 300) + "[" + strings.Repeat("1,", 90_000) + "1]" + strings.Repeat("}", 300), JSON, fault.Limited, "bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Flatten(c.typ, []byte(c.text))
			if fault.KindOf(err) != c.kind || !strings.Contains(fault.TextOf(err), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTypesAreDetected(t *testing.T) {
	for _, c := range []struct {
		id, text string
		want     Type
	}{
		{"app.yml", "{}", YAML}, {"APP.JSON", "", JSON}, {"a.b.properties", "", Properties}, {"x.toml", "", TOML}, {"x.htm", "", HTML}, {"x.txt", "a: 1", Text},
		{"app", "", Text}, {"app", "hello world\n", Text}, {"app", "a: 1\nb:\n  - c\n", YAML}, {"app.service", "{\"a\": 1}", JSON}, {"", "[1, 2]", JSON}, {"", "[{}]", JSON},
		{"", "[server]\nport = 1\n", TOML}, {"", "title = \"x\"\nn = 1\n", TOML}, {"", "# c\na.b=c\nd=e f\n", Properties}, {"", "spring.url=jdbc:mysql://x\n", Properties},
		{"", "<?xml version='1.0'?><a/>", XML}, {"", "<!DOCTYPE html><p>", HTML}, {"", "\ufeff---\na: 1\n", YAML}, {"", "- a\n- b\n", YAML},
		{"", "CREATE TABLE a (\n  b int\n);\n", Text}, {"", "key: |\n  free text here\n  more of it\n", YAML}, {"", strings.Repeat("a=b\n", 100_000), Properties},
	} {
		if got := Detect(c.id, []byte(c.text)); got != c.want {
			t.Errorf("%q %.40q is %s, not %s", c.id, c.text, got, c.want)
		}
	}
}

func TestALayoutKeepsWhatIsSaid(t *testing.T) {
	for _, c := range []struct {
		name, text string
		typ        Type
		want       string
	}{
		{"JSON", `{"a":[1,2],"b":{}}`, JSON, "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}\n"},
		{"YAML keeps its comments", "# head\na:    # why\n     b:   1\n\n# before c\nc: [x,   'y']\n", YAML, "# head\na: # why\n  b: 1\n# before c\nc: [x, 'y']\n"},
		{"YAML keeps its documents", "a:   1\n---\nb:   2\n", YAML, "a: 1\n---\nb: 2\n"},
		{"XML", "<?xml version=\"1.0\"?><a><!-- c --><b>x  <i>y</i></b><d  e='1'/></a>", XML, "<?xml version=\"1.0\"?>\n<a>\n  <!-- c -->\n  <b>x  <i>y</i></b>\n  <d  e='1'/>\n</a>\n"},
		{"XML in which nothing may be moved", "<a>x <b/> <b/></a>", XML, "<a>x <b/> <b/></a>\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Pretty(c.typ, []byte(c.text))
			if err != nil || string(got) != c.want {
				t.Errorf("got %q, %v\nwant %q", got, err, c.want)
			}
			if again, err := Pretty(c.typ, got); err != nil || string(again) != string(got) {
				t.Errorf("laid out twice: %q, %v", again, err)
			}
		})
	}
	for _, typ := range []Type{TOML, Properties, Text, HTML} {
		if _, err := Pretty(typ, []byte("a = 1\n")); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", typ, err)
		}
	}
	if _, err := Pretty(JSON, []byte("{")); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a broken content: %v", err)
	}
}

// TestEveryCodeHasAText reads the source for the codes that are reported.
func TestEveryCodeHasAText(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	reported := make(map[string]bool)
	call := regexp.MustCompile(`(?:fail|warn|unexpected|scalar|add)\((?:severity, )?"([a-zA-Z0-9]+)"`)
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllSubmatch(source, -1) {
			reported[string(m[1])] = true
		}
	}
	for code, text := range Texts() {
		if text == "" || strings.HasSuffix(text, ".") || !reported[code] {
			t.Errorf("the text of %s, which is reported: %v, is %q", code, reported[code], text)
		}
		delete(reported, code)
	}
	for code := range reported {
		t.Errorf("%s has no text", code)
	}
}
