package store

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nacre/server/config"
	"nacre/server/config/configpb"
	"nacre/server/fault"
	"nacre/server/journal"
)

// put publishes to both the machine and the image.
func put(t testing.TB, i *Image, m *machine, publishes ...*configpb.Publish) {
	t.Helper()
	var group []journal.Command
	for _, p := range publishes {
		group = append(group, command(config.KindPublish, p))
	}
	if err := i.Write(m.apply(t, group)); err != nil {
		t.Fatal(err)
	}
}

func key(namespace, group, dataID string) config.Key {
	return config.Key{Namespace: namespace, Group: group, DataID: dataID}
}

func TestListSelectsAsNacosDoes(t *testing.T) {
	i, m := openImage(t, Config{}), newMachine()
	app := "shop"
	all := []*configpb.Publish{
		publish(key("public", "G", "app.yaml"), "port: 8848", 1),             // 1
		publish(key("public", "G", "APP.yaml"), "PORT: 8848", 1),             // 2
		publish(key("public", "G2", "app_yaml"), "100% sure", 1),             // 3
		publish(key("ns-1", "G", "app.yaml"), "zero\x00byte port", 1),        // 4
		publish(key("ns-2", "G", "äpp"), "\xff\xfe no utf8 ünïcode port", 1), // 5
		publish(key("public", "G", `back\slash`), `c:\temp`, 1),              // 6
	}
	all[0].Attributes.AppName, all[0].Attributes.TagsGiven, all[0].Attributes.Tags = &app, true, []string{"x", "xy"}
	all[2].Attributes.TagsGiven, all[2].Attributes.Tags = true, []string{"Xy"}
	all[1].Attributes.Type = "yaml"
	put(t, i, m, all...)
	for name, c := range map[string]struct {
		filter config.Filter
		ids    string
	}{
		"everything":                                     {config.Filter{}, "1 2 3 4 5 6"},
		"one namespace":                                  {config.Filter{Namespace: "public"}, "1 2 3 6"},
		"a namespace is no pattern by itself":            {config.Filter{Namespace: "ns*"}, ""},
		"a pattern of namespaces":                        {config.Filter{Namespace: "ns*", NamespacePattern: true}, "4 5"},
		"a namespace without wildcards as a pattern":     {config.Filter{Namespace: "ns-1", NamespacePattern: true}, "4"},
		"without wildcards a pattern is equality":        {config.Filter{DataID: "app"}, ""},
		"equality goes by case":                          {config.Filter{DataID: "app.yaml"}, "1 4"},
		"a star at both ends goes by case":               {config.Filter{DataID: "*app*"}, "1 3 4"},
		"a star at the end":                              {config.Filter{DataID: "app*"}, "1 3 4"},
		"a star in the middle":                           {config.Filter{DataID: "a*l"}, "1 3 4"},
		"a percent sign is a star":                       {config.Filter{DataID: "%yaml"}, "1 2 3 4"},
		"an underscore is one character":                 {config.Filter{DataID: "app_yaml"}, "1 3 4"},
		"an underscore is one character, not byte":       {config.Filter{DataID: "_pp"}, "5"},
		"exact: wildcards are plain":                     {config.Filter{DataID: "app_yaml", Exact: true}, "3"},
		"exact: a star is plain":                         {config.Filter{DataID: "*", Exact: true}, ""},
		"a backslash is plain":                           {config.Filter{DataID: `*k\s*`}, "6"},
		"a backslash escapes nothing":                    {config.Filter{DataID: `app\_yaml`}, ""},
		"group":                                          {config.Filter{Group: "G2"}, "3"},
		"group by pattern":                               {config.Filter{Group: "G*", DataID: "app*"}, "1 3 4"},
		"application is equality":                        {config.Filter{AppName: "shop"}, "1"},
		"application is no pattern":                      {config.Filter{AppName: "sh*"}, ""},
		"types":                                          {config.Filter{Types: []string{"yaml", "json"}}, "2"},
		"any of the tags, once":                          {config.Filter{Tags: []string{"x", "xy"}}, "1"},
		"tags by pattern go by case":                     {config.Filter{Tags: []string{"x*"}}, "1"},
		"tags by several patterns":                       {config.Filter{Tags: []string{"q", "*y"}}, "1 3"},
		"exact: tags":                                    {config.Filter{Tags: []string{"x*", "Xy"}, Exact: true}, "3"},
		"content without wildcards is equality":          {config.Filter{Content: "port: 8848"}, "1"},
		"a piece of content goes by case":                {config.Filter{Content: "*port*"}, "1 4 5"},
		"content that begins":                            {config.Filter{Content: "port*"}, "1"},
		"content that ends":                              {config.Filter{Content: "*port"}, "4 5"},
		"content with two pieces, over a zero byte":      {config.Filter{Content: "*zero*port*"}, "4"},
		"two pieces in the other order":                  {config.Filter{Content: "*port*zero*"}, ""},
		"an underscore in content is one character":      {config.Filter{Content: "*_n_code*"}, "5"},
		"a percent sign in content stands for anything":  {config.Filter{Content: "100%e"}, "3"},
		"content is a pattern though the rest is exact":  {config.Filter{Content: "*8848*", DataID: "app.yaml", Exact: true}, "1"},
		"only a star is any content":                     {config.Filter{Content: "*"}, "1 2 3 4 5 6"},
		"only an underscore is content of one character": {config.Filter{Content: "_"}, ""},
		"backslash in content":                           {config.Filter{Content: `*:\t*`}, "6"},
		"ids":                                            {config.Filter{IDs: []int64{5, 3, 99}}, "3 5"},
		"ids and more":                                   {config.Filter{IDs: []int64{5, 3, 99}, Group: "G"}, "5"},
		"all at once": {config.Filter{Namespace: "public", DataID: "app*", Group: "G", AppName: "shop", Tags: []string{"x"}, Types: []string{"text"},
			Content: "*port*"}, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{0, 2, 100} {
				var got []string
				total := -1
				for number := 1; ; number++ {
					c.filter.PageNo, c.filter.PageSize = number, size
					page, err := i.List(soon(t), c.filter)
					if err != nil {
						t.Fatal(err)
					}
					for _, e := range page.Items {
						got = append(got, fmt.Sprint(e.ID))
					}
					if total >= 0 && page.Total != total {
						t.Fatalf("page %d of size %d has the total %d, the one before %d", number, size, page.Total, total)
					}
					if total = page.Total; number >= page.Pages() {
						break
					}
				}
				if want := strings.Fields(c.ids); strings.Join(got, " ") != c.ids || total != len(want) {
					t.Errorf("pages of %d: got %v and the total %d, want %s", size, got, total, c.ids)
				}
			}
		})
	}
}

func TestAListedConfigurationIsWholeAndHasContentOnlyWhenAsked(t *testing.T) {
	i, m := openImage(t, Config{}), newMachine()
	p := publish(key("public", "G", "a"), "content", 12345)
	desc := "what it is for"
	p.Attributes.Desc, p.Attributes.TagsGiven, p.Attributes.Tags = &desc, true, []string{"b", "a"}
	put(t, i, m, p)
	want := *m.configs.Get(key("public", "G", "a")).Formal
	for _, with := range []bool{true, false} {
		page, err := i.List(soon(t), config.Filter{WithContent: with})
		if err != nil {
			t.Fatal(err)
		}
		if !with {
			want.Content = nil
		}
		if d := cmp.Diff([]*config.Entry{&want}, page.Items); d != "" {
			t.Errorf("with content %v: %s", with, d)
		}
	}
}

func TestAPageBeyondTheEndIsEmptyAndHasTheTotal(t *testing.T) {
	i, m := openImage(t, Config{}), newMachine()
	fill(t, i, m, 30)
	for _, number := range []int{4, 9, math.MaxInt} {
		page, err := i.List(soon(t), config.Filter{PageNo: number, PageSize: 10})
		if err != nil || len(page.Items) != 0 || page.Total != 30 || page.Pages() != 3 {
			t.Fatalf("got %+v, %v", page, err)
		}
		if h, err := i.History(soon(t), filler(1), "", number, 10); err != nil || len(h.Items) != 0 || h.Total != 1 {
			t.Fatalf("got %+v, %v", h, err)
		}
	}
}

func TestTheTotalOfManyIsCounted(t *testing.T) {
	i, m := openImage(t, Config{}), newMachine()
	fill(t, i, m, 3*lookAhead)
	for _, number := range []int{1, 2, 100, 290, 300} {
		page, err := i.List(soon(t), config.Filter{Namespace: "public", PageNo: number, PageSize: 10})
		if err != nil || len(page.Items) != 10 || page.Total != 3*lookAhead || page.Items[0].ID != int64(number*10-9) {
			t.Fatalf("page %d: %d items of %d, %v", number, len(page.Items), page.Total, err)
		}
	}
}

func TestTooMuchToSearchForIsRefused(t *testing.T) {
	i := openImage(t, Config{})
	for _, f := range []config.Filter{{Content: strings.Repeat("x", maxPattern+1)}, {IDs: make([]int64, maxIDs+1)}} {
		if _, err := i.List(soon(t), f); fault.KindOf(err) != fault.Invalid {
			t.Errorf("got %v", err)
		}
	}
}

func TestQueriesBeyondTheirNumberAreRefused(t *testing.T) {
	i := openImage(t, Config{MaxQueries: 1})
	_, done, err := i.session(soon(t), false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.List(soon(t), config.Filter{}); fault.KindOf(err) != fault.Unavailable || fault.TextOf(err) != "server limit match." {
		t.Errorf("got %v", err)
	}
	if err := done(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := i.List(soon(t), config.Filter{}); err != nil {
		t.Error(err)
	}
}

func TestAQueryEndsWithItsContext(t *testing.T) {
	i := openImage(t, Config{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := i.List(ctx, config.Filter{}); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("got %v", err)
	}
}

func TestHistoryIsReadByKeyRowAndConfiguration(t *testing.T) {
	ctx, i, m := soon(t), openImage(t, Config{}), newMachine()
	a, b := key("public", "G", "a"), key("public", "G", "b")
	gray := publish(a, "gray", 3)
	rule := config.BetaRule("1.1.1.1")
	gray.Gray = &configpb.Gray{Name: config.GrayBeta, Type: rule.Type, Version: rule.Version, Expr: rule.Expr, Priority: rule.Priority}
	app := "shop"
	last := publish(a, "two", 4)
	last.Attributes.AppName = &app
	put(t, i, m, publish(a, "one", 1), publish(b, "other", 2), gray, last) // rows 1 to 4; a is 1, b 2, the variant 3
	id := func(k config.Key) *configpb.Key {
		return &configpb.Key{Namespace: k.Namespace, Group: k.Group, DataId: k.DataID}
	}
	if err := i.Write(m.apply(t, []journal.Command{command(config.KindRemove, &configpb.Remove{Key: id(b), AtMs: 5})})); err != nil { // row 5
		t.Fatal(err)
	}
	put(t, i, m, publish(b, "again", 6), publish(a, "three", 7)) // rows 6 and 7; b is 4

	nids := func(h config.Page[*config.History], err error) string {
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, r := range h.Items {
			if r.Content != nil {
				t.Error("a list has contents")
			}
			all = append(all, fmt.Sprint(r.NID))
		}
		return fmt.Sprintf("%s of %d", strings.Join(all, " "), h.Total)
	}
	for name, c := range map[string]struct{ got, want string }{
		"newest first":      {nids(i.History(ctx, a, "", 1, 100)), "7 4 3 1 of 4"},
		"second page":       {nids(i.History(ctx, a, "", 2, 3)), "1 of 4"},
		"by application":    {nids(i.History(ctx, a, "shop", 1, 100)), "7 of 1"},
		"after a removal":   {nids(i.History(ctx, b, "", 1, 100)), "6 5 2 of 3"},
		"of nothing":        {nids(i.History(ctx, key("public", "G", "c"), "", 1, 100)), " of 0"},
		"not by namespaces": {nids(i.History(ctx, key("dev", "G", "a"), "", 1, 100)), " of 0"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %s, want %s", name, c.got, c.want)
		}
	}
	nid := func(h *config.History, err error) int64 {
		switch {
		case err != nil:
			t.Fatal(err)
		case h == nil:
			return 0
		case h.Content == nil:
			t.Error("a row has no content")
		}
		return h.NID
	}
	for name, c := range map[string]struct{ got, want int64 }{
		"a row":                     {nid(i.HistoryRow(ctx, 3)), 3},
		"no row":                    {nid(i.HistoryRow(ctx, 99)), 0},
		"newest of a configuration": {nid(i.HistoryPrevious(ctx, 1)), 7},
		"newest of a removed one":   {nid(i.HistoryPrevious(ctx, 2)), 5},
		"none of a variant that was only inserted": {nid(i.HistoryPrevious(ctx, 3)), 0},
		"none of the one inserted again":           {nid(i.HistoryPrevious(ctx, 4)), 0},
		"none of the id of inserts":                {nid(i.HistoryPrevious(ctx, 0)), 0},
		"next of the formal":                       {nid(i.HistoryNext(ctx, m.history[0])), 4},
		"next of the variant":                      {nid(i.HistoryNext(ctx, m.history[2])), 0},
		"next of the last":                         {nid(i.HistoryNext(ctx, m.history[6])), 0},
	} {
		if c.got != c.want {
			t.Errorf("%s: got row %d, want %d", name, c.got, c.want)
		}
	}
	if at, err := i.HistoryOldest(ctx); at != 1 || err != nil {
		t.Errorf("oldest at %d, %v", at, err)
	}
	for since, want := range map[int64]int64{0: 7, 1: 7, 7: 1, 8: 0} {
		if n, err := i.ChangesSince(ctx, since); n != want || err != nil {
			t.Errorf("%d changes since %d, want %d; %v", n, since, want, err)
		}
	}
	if err := i.Write(m.apply(t, []journal.Command{command(config.KindTrimHistory, &configpb.TrimHistory{BeforeMs: 4, Limit: 2})})); err != nil {
		t.Fatal(err)
	}
	if at, err := i.HistoryOldest(ctx); at != 3 || err != nil {
		t.Errorf("oldest after a trim at %d, %v", at, err)
	}
	row, err := i.HistoryRow(ctx, 7)
	if d := cmp.Diff(m.history[len(m.history)-1], row); d != "" || err != nil {
		t.Error(d, err)
	}
}

func TestTheOldestOfNoHistoryIsZero(t *testing.T) {
	if at, err := openImage(t, Config{}).HistoryOldest(soon(t)); at != 0 || err != nil {
		t.Errorf("got %d, %v", at, err)
	}
}

func TestLikeBytesIsLike(t *testing.T) {
	word := rapid.StringOf(rapid.SampledFrom([]rune("ab中%_")))
	rapid.Check(t, func(t *rapid.T) {
		pattern, s := word.Draw(t, "pattern"), word.Draw(t, "text")
		quoted := strings.NewReplacer("%", "(?s:.*)", "_", "(?s:.)").Replace(pattern)
		if want, got := regexp.MustCompile("^"+quoted+"$").MatchString(s), likeBytes(pattern, []byte(s)); got != want {
			t.Fatalf("%q LIKE %q is %v", s, pattern, got)
		}
	})
}

// FuzzSearch asks for anything that a client may send: never an error but a refusal, and what is
// found is what the pattern says.
func FuzzSearch(f *testing.F) {
	for _, p := range []string{"", "*", "a*", "%_%", "*\x00*", "\xff", "\\", "'", "*--*"} {
		f.Add(p, p)
	}
	i, m := openImage(f, Config{}), newMachine()
	contents := []string{"a", "ab", "a\x00b", "\xff", "it's", "--", "中文"}
	for n, c := range contents {
		put(f, i, m, publish(filler(n), c, 1))
	}
	f.Fuzz(func(t *testing.T, dataID, content string) {
		if _, err := i.List(context.Background(), config.Filter{DataID: dataID, Tags: []string{dataID}}); err != nil && fault.KindOf(err) != fault.Invalid {
			t.Fatal(err)
		}
		if content == "" {
			return
		}
		page, err := i.List(context.Background(), config.Filter{Content: content})
		if err != nil {
			t.Fatal(err)
		}
		like, _ := sqlPattern(content)
		want := 0
		for _, c := range contents {
			if likeBytes(like, []byte(c)) {
				want++
			}
		}
		if page.Total != want {
			t.Fatalf("%q was found %d times, not %d", content, page.Total, want)
		}
	})
}
