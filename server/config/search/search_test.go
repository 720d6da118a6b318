package search

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nacre/server/config"
	"nacre/server/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const nowMs = 1_800_000_000_000

// held is a config.State that an index follows.
type held struct {
	*config.State
	index *Index
}

func newHeld() *held {
	h := &held{State: config.NewState(nil)}
	h.index = New(Source{Get: h.Get, Each: h.Each})
	return h
}

// put loads an entry as a publish would leave it.
func (h *held) put(e config.Entry) {
	before := h.Get(e.Key)
	h.LoadEntry(&e)
	h.index.Changed(e.Key, before, h.Get(e.Key))
}

func (h *held) gray(g config.Gray) {
	before := h.Get(g.Key)
	h.LoadGray(&g)
	h.index.Changed(g.Key, before, h.Get(g.Key))
}

// remove does without Decide: it replaces the state by one that lacks the key.
func (h *held) remove(k config.Key) {
	without := config.NewState(nil)
	h.Each(func(o config.Key, it *config.Item) bool {
		if o != k {
			if it.Formal != nil {
				without.LoadEntry(it.Formal)
			}
			for _, g := range it.Grays {
				without.LoadGray(g)
			}
		}
		return true
	})
	before := h.Get(k)
	h.Replace(without)
	h.index.Changed(k, before, h.Get(k))
}

func key(text string) config.Key {
	p := strings.Split(text, "/")
	return config.Key{Namespace: p[0], Group: p[1], DataID: p[2]}
}

func entry(k, content string) config.Entry {
	return config.Entry{Key: key(k), Content: []byte(content), MD5: config.MD5([]byte(content)), Type: "text", ModifiedMs: nowMs}
}

func shop() *held {
	h := newHeld()
	desc := "Of the till, with ÄPFEL"
	for _, e := range []config.Entry{
		{Key: key("dev/order/app.yaml"), Type: "yaml", AppName: "shop", Tags: []string{"web", "EU"}, SrcUser: "alice", ModifiedMs: nowMs - 3600_000,
			Content: []byte("spring:\n  redis:\n    host: Cache.Example\n    ports:\n      - 6379\n      - 6380\n")},
		{Key: key("dev/order/db.properties"), Type: "properties", AppName: "shop", SrcUser: "bob", ModifiedMs: nowMs - 8*24*3600_000,
			Content: []byte("# pools\ndb.pool.max=20\ndb.url = jdbc:mysql://h/x\n")},
		{Key: key("dev/pay/till.json"), Type: "json", Desc: &desc, Tags: []string{"web"}, SrcUser: "alice", ModifiedMs: nowMs - 10,
			Content: []byte(`{"pay": {"limits": [1, {"max": 20}]}, "名": "配置中心"}`)},
		{Key: key("prod/order/app.yaml"), Type: "yaml", AppName: "shop", ModifiedMs: nowMs - 3600_000, Content: []byte("a: 1\n")},
		{Key: key("public/DEFAULT_GROUP/readme"), Type: "text", ModifiedMs: nowMs, Content: []byte("say \"redis\" twice\nREDIS\n")},
	} {
		e.MD5 = config.MD5(e.Content)
		h.put(e)
	}
	h.gray(config.Gray{Key: key("dev/pay/till.json"), Name: "beta", Content: []byte("{\"only\": \"variant\"}"), MD5: "x", SrcUser: "carol", ModifiedMs: nowMs})
	h.gray(config.Gray{Key: key("prod/pay/none.yaml"), Name: "beta", Content: []byte("x: lonely"), MD5: "y", SrcUser: "carol", ModifiedMs: nowMs})
	return h
}

func find(t *testing.T, h *held, text string) Result {
	t.Helper()
	q, err := Parse(text, nowMs)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	r, err := h.index.Find(t.Context(), q, 1, 100)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if r.Total != len(r.Items) {
		t.Errorf("%s: %d in all, %d on the page", text, r.Total, len(r.Items))
	}
	return r
}

func names(r Result) string {
	var out []string
	for _, row := range r.Items {
		out = append(out, row.Key.String())
	}
	return strings.Join(out, " ")
}

func TestWhatIsAskedIsFound(t *testing.T) {
	h := shop()
	const (
		app, db, till, prod, none, readme = "dev/order/app.yaml", "dev/order/db.properties", "dev/pay/till.json", "prod/order/app.yaml", "prod/pay/none.yaml", "public/DEFAULT_GROUP/readme"
	)
	all := strings.Join([]string{app, db, till, prod, none, readme}, " ")
	for _, c := range []struct{ name, text, want string }{
		{"nothing asked finds all, in order", "", all},
		{"a word in a content, in any case", "redis", app + " " + readme},
		{"in a dataId", "APP.", app + " " + prod},
		{"in a group", "default_", readme},
		{"in a description, beyond ASCII", "äpfel", till},
		{"of Chinese", "配置", till},
		{"in a variant", "variant", till},
		{"in a variant of what is not published", "lonely", none},
		{"all words must be there", "redis twice", readme},
		{"words in quotation marks hold together", `"say \"redis\""`, readme},
		{"a path in YAML", "spring.redis.host", app},
		{"a part of a path in YAML", "ring.REDIS.ho", app},
		{"a path with an index in YAML", "redis.ports[1]", app},
		{"a path in JSON", "pay.limits[1].max", till},
		{"a path that is none", "spring.host", ""},
		{"a path in properties", "db.pool.max", db},
		{"a word with a colon", "jdbc:mysql", db},
		{"a namespace", "ns:DEV", app + " " + db + " " + till},
		{"two namespaces", "ns:prod ns:public", prod + " " + none + " " + readme},
		{"not a namespace", "-ns:dev -ns:public", prod + " " + none},
		{"a group by a part", "group:ord", app + " " + db + " " + prod},
		{"not a group", "-group:ORD", till + " " + none + " " + readme},
		{"a type", "type:YAML", app + " " + prod},
		{"two types", "type:json type:properties", db + " " + till},
		{"a tag, whole", "tag:eu", app},
		{"not a part of a tag", "tag:we", ""},
		{"not a tag", "tag:web -tag:eu", till},
		{"an application", "app:SHO", app + " " + db + " " + prod},
		{"who changed it last", "by:alice", app},
		{"who changed a variant last", "by:carol", till + " " + none},
		{"a key", "key:redis.host", app},
		{"a key above", "key:spring.redis", app},
		{"a key in properties", "key:POOL", db},
		{"a key is not a value", "key:20", ""},
		{"a value", "value:20", db + " " + till},
		{"a value with a key", "key:limits value:20", till},
		{"a value of another key", "key:host value:6379", ""},
		{"a value with spaces", `value:"say "`, ""},
		{"changed lately", "changed:<2h", app + " " + till + " " + prod + " " + none + " " + readme},
		{"changed long ago", "changed:>1w", db},
		{"changed without a sign", "changed:1m", till + " " + none + " " + readme},
		{"without a word", "ns:dev -redis", db + " " + till},
		{"all at once", "ns:dev type:yaml by:ali key:host cache", app},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := names(find(t, h, c.text)); got != c.want {
				t.Errorf("%s finds\n%s, not\n%s", c.text, got, c.want)
			}
		})
	}
}

func TestHitsSayWhereItStands(t *testing.T) {
	h := shop()
	h.put(entry("dev/x/long", strings.Repeat("a", 500)+" needle "+strings.Repeat("b", 500)))
	for _, c := range []struct {
		text string
		want Hit
	}{
		{"till", Hit{Field: FieldDataID, Text: "till.json", From: 0, To: 4}},
		{"default_", Hit{Field: FieldGroup, Text: "DEFAULT_GROUP", From: 0, To: 8}},
		{"äpfel", Hit{Field: FieldDesc, Text: "Of the till, with ÄPFEL", From: 18, To: 24}},
		{"cache.", Hit{Field: FieldContent, Line: 3, Path: "spring.redis.host", Text: "host: Cache.Example", From: 6, To: 12}},
		{"spring.redis.host", Hit{Field: FieldContent, Line: 3, Path: "spring.redis.host", Text: "host: Cache.Example", To: 4}},
		{"6380", Hit{Field: FieldContent, Line: 6, Path: "spring.redis.ports[1]", Text: "- 6380", From: 2, To: 6}},
		{"key:redis.host", Hit{Field: FieldContent, Line: 3, Path: "spring.redis.host", Text: "host: Cache.Example", To: 4}},
		{"key:host value:EXAMPLE", Hit{Field: FieldContent, Line: 3, Path: "spring.redis.host", Text: "host: Cache.Example", From: 12, To: 19}},
		{"variant", Hit{Field: FieldContent, Gray: "beta", Line: 1, Path: "only", Text: `{"only": "variant"}`, From: 10, To: 17}},
		{"needle", Hit{Field: FieldContent, Line: 1, Text: strings.Repeat("a", 49) + " needle " + strings.Repeat("b", 143), From: 50, To: 56}},
	} {
		r := find(t, h, c.text)
		if len(r.Items) != 1 || len(r.Items[0].Hits) != 1 {
			t.Errorf("%s: %+v", c.text, r.Items)
		} else if got := r.Items[0].Hits[0]; got != c.want {
			t.Errorf("%s is at\n%+v, not\n%+v", c.text, got, c.want)
		}
	}
	if r := find(t, h, "redis twice"); len(r.Items[0].Hits) != 2 {
		t.Errorf("two words have the hits %+v", r.Items[0].Hits)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	for text, want := range map[string]string{
		`"open`:                   "a quotation mark is missing",
		`"a"b`:                    "a space must come",
		`a ""`:                    "nothing between the quotation marks",
		"group:":                  "nothing stands behind group:, it must be as in group:word",
		"ns: dev":                 "nothing stands behind ns:",
		"grup:x":                  "perhaps group: is meant",
		"tags:x":                  "perhaps tag: is meant",
		"namespace:x":             "perhaps ns: is meant",
		"changed:soon":            "changed:<7d is within seven days",
		"changed:<<7d":            "is not understood",
		"changed:0d":              "is not understood",
		"changed:99999999h":       "is not understood",
		"key:a key:b":             "key: is given twice",
		"-key:a":                  "can't be denied",
		"\xff":                    "not UTF-8",
		"a\x00b":                  "NUL",
		strings.Repeat("a ", 33):  "more than 32 terms",
		strings.Repeat("a", 1025): "at most 1024",
	} {
		if _, err := Parse(text, nowMs); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.TextOf(err), want) {
			t.Errorf("%.20q: %v, not %q", text, err, want)
		}
	}
	for _, text := range []string{"http://x", "a:b", `"tags:x"`, "types: x", "-", "- a", "--x", "changed:<7d", "::", "a:"} {
		if _, err := Parse(text, nowMs); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestPagesGoOn(t *testing.T) {
	h := newHeld()
	for i := range 1500 {
		h.put(entry(fmt.Sprintf("ns%d/g/c%04d", i%3, i), fmt.Sprint("even ", i%2 == 0)))
	}
	for _, text := range []string{"", "true", "ns:ns0 ns:ns2"} {
		q, _ := Parse(text, nowMs)
		var got []string
		total := 0
		for page := 1; ; page++ {
			r, err := h.index.Find(t.Context(), q, page, 70)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Items) == 0 {
				break
			}
			total = r.Total
			for _, row := range r.Items {
				got = append(got, row.Key.String())
			}
		}
		if len(got) != total || !slices.IsSorted(got) || total < 700 || len(slices.Compact(got)) != total {
			t.Errorf("%q: %d rows of %d", text, len(got), total)
		}
	}
}

func TestTheIndexFollowsTheState(t *testing.T) {
	h := newHeld()
	h.put(entry("a/g/1", "x"))
	if got := names(find(t, h, "")); got != "a/g/1" {
		t.Fatal(got)
	}
	h.put(entry("a/g/0", "x"))
	h.put(entry("b/g/2", "x"))
	h.put(entry("a/g/1", "y"))
	if got := names(find(t, h, "")); got != "a/g/0 a/g/1 b/g/2" {
		t.Fatal(got)
	}
	h.remove(key("a/g/1"))
	h.put(entry("a/g/3", "x"))
	if got := names(find(t, h, "")); got != "a/g/0 a/g/3 b/g/2" {
		t.Fatal(got)
	}
	for i := range maxPending + 10 { // more than is taken note of
		h.put(entry(fmt.Sprintf("c/g/%05d", i), "z"))
	}
	q, _ := Parse("z", nowMs)
	if r, err := h.index.Find(t.Context(), q, 1, 10); err != nil || r.Total != maxPending+10 {
		t.Fatal(r.Total, err)
	}
}

func TestTheIndexFollowsAStateThatIsReplaced(t *testing.T) {
	h := &held{}
	h.index = New(Source{Get: func(k config.Key) *config.Item { return h.Get(k) }, Each: func(f func(config.Key, *config.Item) bool) { h.Each(f) }})
	h.State = config.NewState(h.index.Changed)
	fresh := func(keys ...string) *config.State {
		s := config.NewState(nil)
		for _, k := range keys {
			e := entry(k, "x")
			s.LoadEntry(&e)
		}
		return s
	}
	for _, keys := range [][]string{{"a/g/1", "a/g/2"}, {"a/g/0", "a/g/2"}, {}, {"b/g/1"}} {
		h.Replace(fresh(keys...))
		if got := names(find(t, h, "")); got != strings.Join(keys, " ") {
			t.Errorf("%v was put in place, there is %s", keys, got)
		}
	}
}

func TestSearchesGoOnWhileThingsChange(t *testing.T) {
	h := shop()
	ctx, cancel := context.WithCancel(t.Context())
	var searching sync.WaitGroup
	for i := range 2 {
		searching.Go(func() {
			q, _ := Parse([]string{"needle", ""}[i], nowMs)
			for last := 0; ctx.Err() == nil; {
				r, err := h.index.Find(t.Context(), q, 1, MaxSize)
				if err != nil || r.Total < last {
					t.Errorf("%d found after %d: %v", r.Total, last, err)
					return
				}
				last = r.Total
				if _, err := h.index.Names(t.Context(), "new", 5); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 2000 {
		h.put(entry(fmt.Sprintf("ns%d/g/new%d", i%5, (i*7919)%2000), "a needle"))
	}
	cancel()
	searching.Wait()
	if r := find(t, h, "needle new1999"); r.Total != 1 {
		t.Errorf("%d found, not 1", r.Total)
	}
}

func TestASearchEndsWithItsContext(t *testing.T) {
	h := shop()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q, _ := Parse("redis", nowMs)
	if _, err := h.index.Find(ctx, q, 1, 10); fault.KindOf(err) != fault.Unavailable || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestLargeContentsAreSearchedInTime(t *testing.T) {
	h := newHeld()
	for name, line := range map[string]string{
		"lines.yaml": "a:\n b: c\n", "deep.yaml": "- - - - - - - -\n", "flow.yaml": "{a: [", "one.json": `{"a": [{"b": 1}, `, "table.toml": "[[a.b]]\nc = 1\n",
		"escape.properties": `a\\=b\`, "quotes.yaml": `"`, "elements.xml": "<a b='c'>",
	} {
		e := entry("ns/g/"+name, strings.Repeat(line, 4<<20/len(line))+"\n# zzz")
		e.Type = "" // the name says it
		h.put(e)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, text := range []string{"key:zzz", "a.zzz", "key:a value:zzz", "value:1", `"a: zzz"`, "zzz"} {
		q, _ := Parse(text, nowMs)
		start := time.Now()
		if _, err := h.index.Find(ctx, q, 1, 10); err != nil {
			t.Error(err)
		}
		t.Logf("%s took %s", text, time.Since(start))
	}
}

func TestSearchesWaitForEachOtherUpToALimit(t *testing.T) {
	h := shop()
	for range maxAtOnce {
		h.index.turns <- struct{}{}
	}
	q, _ := Parse("redis", nowMs)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var waiting sync.WaitGroup
	for range maxWaiting {
		waiting.Go(func() {
			if _, err := h.index.Find(ctx, q, 1, 10); err != nil {
				t.Error(err)
			}
		})
	}
	for h.index.waiting.Load() < maxWaiting {
		time.Sleep(time.Millisecond)
	}
	if _, err := h.index.Find(ctx, q, 1, 10); fault.KindOf(err) != fault.Limited {
		t.Error(err)
	}
	for range maxAtOnce {
		<-h.index.turns
	}
	waiting.Wait()
}
