package search

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	yamlv3 "gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"nacre/server/config"
	"nacre/server/config/format"
)

// folded writes each letter as the least of those that are the same in another case and take as many bytes.
func folded(s string) string {
	var b strings.Builder
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			b.WriteByte(s[i])
			continue
		}
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			if utf8.RuneLen(f) == utf8.RuneLen(r) {
				least = min(least, f)
			}
		}
		b.WriteRune(least)
	}
	return b.String()
}

func TestATextIsFoundWhereFoldingBothFindsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.SampledFrom([]string{"a", "A", "b", "B", "ß", "ẞ", "k", "K", "Ж", "ж", "σ", "ς", "Σ", "配", "置", " ", ".", "ǅ", "ǆ", "\xff", "é", "É"})
		text := strings.Join(rapid.SliceOfN(letters, 0, 30).Draw(t, "text"), "")
		word := strings.Join(rapid.SliceOfN(letters, 1, 4).Draw(t, "word"), "")
		if got, want := newNeedle(word).index([]byte(text)), strings.Index(folded(text), folded(word)); got != want {
			t.Fatalf("%q in %q is at %d, not %d", word, text, got, want)
		}
	})
}

// naive is Find without anything clever.
func naive(h *held, q Query) []string {
	var out []string
	in := func(s, part string) bool { return strings.Contains(strings.ToLower(s), strings.ToLower(part)) }
	h.Each(func(k config.Key, it *config.Item) bool {
		e := it.Formal
		if e == nil {
			e = &config.Entry{}
		}
		all := k.DataID + "\x00" + k.Group + "\x00" + string(e.Content)
		ms, by := e.ModifiedMs, e.SrcUser
		for _, g := range it.Grays {
			all += "\x00" + string(g.Content)
			if g.ModifiedMs > ms || it.Formal == nil {
				ms, by = g.ModifiedMs, g.SrcUser
			}
		}
		some := func(list []string, f func(string) bool) bool { return len(list) == 0 || slices.ContainsFunc(list, f) }
		checks := []struct {
			yes, no []string
			f       func(string) bool
		}{
			{q.Terms.Namespaces, q.Not.Namespaces, func(s string) bool { return strings.EqualFold(s, k.Namespace) }},
			{q.Terms.Groups, q.Not.Groups, func(s string) bool { return in(k.Group, s) }},
			{q.Terms.Types, q.Not.Types, func(s string) bool { return strings.EqualFold(s, e.Type) }},
			{q.Terms.Tags, q.Not.Tags, func(s string) bool {
				return slices.ContainsFunc(e.Tags, func(t string) bool { return strings.EqualFold(s, t) })
			}},
			{q.Terms.Apps, q.Not.Apps, func(s string) bool { return in(e.AppName, s) }},
			{q.Terms.By, q.Not.By, func(s string) bool { return in(by, s) }},
			{nil, q.Not.Words, func(s string) bool { return in(all, s) }},
		}
		ok := q.ChangedAfterMs == 0 || ms >= q.ChangedAfterMs
		ok = ok && (q.ChangedBeforeMs == 0 || ms < q.ChangedBeforeMs)
		for _, c := range checks {
			ok = ok && some(c.yes, c.f) && !slices.ContainsFunc(c.no, c.f)
		}
		for _, w := range q.Terms.Words {
			ok = ok && in(all, w)
		}
		if ok {
			out = append(out, k.String())
		}
		return true
	})
	slices.Sort(out)
	return out
}

func TestASearchFindsWhatANaiveOneFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHeld()
		name := rapid.SampledFrom([]string{"a", "B", "ab", "ba", "AB", "c"})
		query := rapid.Custom(func(t *rapid.T) Query {
			list := func(label string) []string { return rapid.SliceOfN(name, 0, 2).Draw(t, label) }
			var q Query
			switch rapid.IntRange(0, 8).Draw(t, "which") {
			case 0:
				q.Terms.Words = list("words")
			case 1:
				q.Not.Words = list("words")
			case 2:
				q.Terms.Namespaces, q.Not.Groups = list("ns"), list("groups")
			case 3:
				q.Terms.Groups, q.Not.Namespaces = list("groups"), list("ns")
			case 4:
				q.Terms.Types, q.Not.Tags = list("types"), list("tags")
			case 5:
				q.Terms.Tags, q.Terms.Words = list("tags"), list("words")
			case 6:
				q.Terms.By, q.Not.Apps = list("by"), list("apps")
			case 7:
				q.ChangedAfterMs, q.Not.Types = rapid.Int64Range(0, 9).Draw(t, "after"), list("types")
			default:
				q.ChangedBeforeMs, q.Terms.Apps, q.Not.By = rapid.Int64Range(0, 9).Draw(t, "before"), list("apps"), list("by")
			}
			return q
		})
		t.Repeat(map[string]func(*rapid.T){
			"publish": func(t *rapid.T) {
				n := func(label string) string { return name.Draw(t, label) }
				e := entry(n("ns")+"/"+n("group")+"/"+n("dataId"), n("one")+" "+n("two"))
				e.Type, e.AppName, e.SrcUser, e.ModifiedMs = n("type"), n("app"), n("by"), rapid.Int64Range(1, 9).Draw(t, "ms")
				e.Tags = rapid.SliceOfN(name, 0, 2).Draw(t, "tags")
				h.put(e)
			},
			"publish a variant": func(t *rapid.T) {
				n := func(label string) string { return name.Draw(t, label) }
				h.gray(config.Gray{Key: key(n("ns") + "/" + n("group") + "/" + n("dataId")), Name: "beta", Content: []byte(n("content")), SrcUser: n("by"), ModifiedMs: rapid.Int64Range(10, 19).Draw(t, "ms")})
			},
			"remove": func(t *rapid.T) {
				var keys []config.Key
				h.Each(func(k config.Key, it *config.Item) bool {
					keys = append(keys, k)
					return true
				})
				if len(keys) == 0 {
					t.Skip("nothing is there")
				}
				slices.SortFunc(keys, compare)
				h.remove(rapid.SampledFrom(keys).Draw(t, "key"))
			},
			"find": func(t *rapid.T) {
				q := query.Draw(t, "query")
				r, err := h.index.Find(t.Context(), q, 1, MaxSize)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, row := range r.Items {
					got = append(got, row.Key.String())
					if len(row.Hits) != len(q.Terms.Words) {
						t.Errorf("%s has %d hits for %d words", row.Key, len(row.Hits), len(q.Terms.Words))
					}
				}
				slices.Sort(got)
				if want := naive(h, q); !slices.Equal(got, want) || r.Total != len(want) {
					t.Fatalf("%+v finds %v, not %v", q, got, want)
				}
			},
		})
	})
}

// leaves writes the keys and values of a tree as walk is to find them.
func leaves(path string, v any, out map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			leaves(strings.TrimPrefix(path+"."+k, "."), e, out)
		}
	case []any:
		for i, e := range v {
			leaves(fmt.Sprintf("%s[%d]", path, i), e, out)
		}
	default:
		out[path] = fmt.Sprint(v)
	}
}

func tree(depth int) *rapid.Generator[any] {
	name := rapid.StringMatching(`[a-z]{1,3}(-[a-z])?`)
	scalar := rapid.OneOf(rapid.Map(rapid.StringMatching(`[a-z]{1,5}( [a-z0-9/:.]{1,5})?`), func(s string) any { return "v" + s }), rapid.Map(rapid.IntRange(0, 99), func(i int) any { return i }))
	if depth == 0 {
		return scalar
	}
	return rapid.OneOf(scalar,
		rapid.Map(rapid.MapOfN(name, tree(depth-1), 1, 3), func(m map[string]any) any { return m }),
		rapid.Map(rapid.SliceOfN(tree(depth-1), 1, 3), func(l []any) any { return l }))
}

func TestKeysAreThoseThatAParserFinds(t *testing.T) {
	for name, c := range map[string]struct {
		syntax syntax
		write  func(any) ([]byte, error)
	}{
		"yaml":             {yaml, yamlv3.Marshal},
		"json":             {jsonText, func(v any) ([]byte, error) { return json.MarshalIndent(v, "", " ") }},
		"json in one line": {jsonText, json.Marshal},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				v := map[string]any{"root": tree(4).Draw(t, "tree")}
				text, err := c.write(v)
				if err != nil {
					t.Fatal(err)
				}
				want := make(map[string]string)
				leaves("", v, want)
				got := make(map[string]string)
				walk(c.syntax, text, func(path, value []byte, start int) bool {
					if len(value) > 0 {
						got[string(path)] = string(value)
					}
					if start < 0 || start >= len(text) {
						t.Fatalf("%s begins at %d of %d", path, start, len(text))
					}
					return true
				})
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("%s\nhas %v,\nnot %v", text, got, want)
				}
			})
		})
	}
}

func TestKeysOfEachSyntax(t *testing.T) {
	for _, c := range []struct {
		name string
		syntax
		text, want string
	}{
		{"yaml: lists at the indent of their key", yaml, "a:\n- x\n- y: 1\n  z: 2\nb: 3\n", "a= a[0]=x a[1].y=1 a[1].z=2 b=3"},
		{"yaml: lists of lists", yaml, "a:\n  - - 1\n    - 2\n  - - 3\n", "a= a[0][0]=1 a[0][1]=2 a[1][0]=3"},
		{"yaml: text blocks and what comes after", yaml, "a: |\n  b: no\n\n  c\nd: >-\n  e\nf: 1\n", "a=| a=b: no a=c d=>- d=e f=1"},
		{"yaml: quoted keys, comments, documents", yaml, "%YAML 1.2\n---\n\"a: b\": 1 \n# c: 2\n'd': 'x: y' # z\n---\ne: f # g: h\n", "a: b=1 d=x: y ---[1].e=f # g: h"},
		{"yaml: a colon without a space is no key", yaml, "a:\n  http://x\nb:\n  c:\tx\r\n", "a= a=http://x b= b.c=x"},
		{"properties", properties, "# a=b\n! c\n a.b = c=d\\\n  e : f\n\nx:y\nz 1\nonly\n k\\=k=v", `a.b=c=d\ a.b=e : f x=y z=1 only= k\=k=v`},
		{"toml", toml, "t = 1\n[a.b] # x\nc = \"d\"\ne = '''\n[no]\n'''\n[[l]]\nn = 1\n[l.m]\no = 2\n[[l]]\nn = 3\n", "t=1 a.b= a.b.c=d a.b.e=' a.b.e=[no] a.b.e=''' l[0]= l[0].n=1 l[0].m= l[0].m.o=2 l[1]= l[1].n=3"},
		{"json", jsonText, `{"a": {"b": [1, {"c": "d\"e"}, [true]]}, "f": null}`, `= a= a.b= a.b[0]=1 a.b[1]= a.b[1].c=d\"e a.b[2]= a.b[2][0]=true f=null`},
		{"yaml: flow collections", yaml, "a: {b: 1, \"c\": [x y, {d: http://h:1/p, 'e': }], f: {}}\ng: [1,\n  2]\n- {h: i}\nj: k\n",
			"a= a.b=1 a.c= a.c[0]=x y a.c[1]= a.c[1].d=http://h:1/p a.f= g= g[0]=1 g[1]=2 g[0]= g[0].h=i j=k"},
		{"yaml that is json", yaml, "{\n  \"a\": {\"b\": \"c: d\"}\n}\n", "= a= a.b=c: d"},
		{"xml", xmlText, "<a>\n  <b c='d'>e</b>\n  <b>f</b>\n</a>", ""},
		{"json that is none", jsonText, `{"a" "b": [}] "c`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			walk(c.syntax, []byte(c.text), func(path, value []byte, _ int) bool {
				got = append(got, string(path)+"="+string(value))
				return true
			})
			if c.want != "" && strings.Join(got, " ") != c.want {
				t.Errorf("has %s,\nnot %s", strings.Join(got, " "), c.want)
			}
		})
	}
}

func FuzzWalk(f *testing.F) {
	for _, s := range []string{"a:\n- - b: |\n   x\n", `{"a":[{"b":"\`, "a\\=b=c\\\n", "[[a]]\nb='''\n", "- - - - - -", "\"", "'a':", "::"} {
		f.Add(s, "a")
	}
	f.Fuzz(func(t *testing.T, content, word string) {
		for s := plain; s <= xmlText; s++ {
			n := 0
			walk(s, []byte(content), func(path, _ []byte, start int) bool {
				if n++; n > 2*len(content)+1 || start < 0 || start > len(content) || len(path) > maxPath+30*maxLevels {
					t.Fatalf("visit %d: path of %d bytes at %d", n, len(path), start)
				}
				return true
			})
		}
		if word == "" || strings.ContainsRune(word, 0) {
			return
		}
		h := newHeld()
		for _, typ := range []string{"yaml", "json", "toml", "properties", "xml", "text"} {
			e := entry("ns/g/"+typ, content)
			e.Type = typ
			h.put(e)
		}
		for _, q := range []Query{{Terms: Terms{Words: []string{word}}}, {Key: word}, {Value: word}, {Key: word, Value: word}} {
			r, err := h.index.Find(t.Context(), q, 1, 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range r.Items {
				for _, hit := range row.Hits {
					if hit.From < 0 || hit.To < hit.From || hit.To > len(hit.Text) || len(hit.Text) > maxText {
						t.Fatalf("%+v", hit)
					}
				}
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`group:a -"b c" changed:<7d`, `"a\"b"`, "key:a value:b", "-ns:x", "grup:x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := Parse(text, nowMs)
		if err != nil {
			return
		}
		h := shop()
		if _, err := h.index.Find(t.Context(), q, 1, 10); err != nil {
			t.Fatal(err)
		}
	})
}

// TestKeysAreThoseThatTheConsoleShows asks for each key that the format's parser finds.
func TestKeysAreThoseThatTheConsoleShows(t *testing.T) {
	for _, c := range []struct {
		as   format.Type
		in   syntax
		text string
	}{
		{format.YAML, yaml, "# of the shop\nspring:\n  redis: {host: cache, port: 6379, nodes: [a, b]}\n  profiles:\n    - name: x\n      on: true\n    -\n      name: 'y'\n  \"quoted key\": >\n    text: no key\n    more\n  empty: {}\nlist:\n- - 1\n  - 2\n- a: b\n---\nsecond: document\n"},
		{format.JSON, jsonText, `{"a": {"b": [1, {"c d": "e"}, []], "f": {}}, "g": "h"}`},
		{format.TOML, toml, "title = \"x\"\n[owner]\nname = \"y\"\n[[fruit]]\nname = \"apple\"\n[fruit.size]\nwidth = 1\n[[fruit]]\nname = \"pear\"\n"},
		{format.Properties, properties, "a.b=c\n# no: key\nd: e\\\n  f=g\nh i\n"},
		{format.XML, xmlText, "<beans>\n <bean id='one'><property name='x'>1</property></bean>\n <bean id='two'/>\n</beans>"},
	} {
		pairs, err := format.Flatten(c.as, []byte(c.text))
		if err != nil || len(pairs) < 3 {
			t.Fatalf("%s: %d keys: %v", c.as, len(pairs), err)
		}
		for _, p := range pairs {
			var lines []int
			walk(c.in, []byte(c.text), func(path, _ []byte, start int) bool {
				if string(path) == p.Key {
					lines = append(lines, strings.Count(c.text[:start], "\n")+1)
				}
				return true
			})
			if !slices.Contains(lines, p.Line) {
				t.Errorf("%s: %s is in the line %d, not in %v", c.as, p.Key, p.Line, lines)
			}
		}
	}
}
