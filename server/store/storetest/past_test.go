package storetest

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/store"
	"nacre/server/store/mariadbtest"
)

// node is a service on a database of its own, empty at first.
type node struct {
	*config.Service
	now *clock.Fixed
}

// direct hands each command over by itself.
type direct func(context.Context, journal.Command) (journal.Result, error)

func (d direct) Submit(ctx context.Context, cmd journal.Command) (journal.Result, error) {
	return d(ctx, cmd)
}

func newNode() (*node, *config.State) {
	now := clock.NewFixed(time.UnixMilli(1_700_000_000_000))
	s, state := config.New(now, config.Options{Retention: time.Hour})
	return &node{s, now}, state
}

// imageNode is one on the SQLite image.
func imageNode(t testing.TB, path string) (*node, func()) {
	image, err := store.Open(context.Background(), store.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	n, state := newNode()
	m := &memory{configs: state, namespaces: namespace.NewState()}
	n.Use(direct(func(ctx context.Context, cmd journal.Command) (journal.Result, error) {
		results, err := (&embedded{memory: m, image: image}).Commit(ctx, []journal.Command{cmd})
		if err != nil {
			return journal.Result{}, err
		}
		return results[0], nil
	}), image)
	return n, func() {
		if err := image.Close(); err != nil {
			t.Error(err)
		}
	}
}

// mysqlNode is one on a database of MySQL, whose memory is loaded anew after each command.
func mysqlNode(t testing.TB, m *store.MySQL) *node {
	n, state := newNode()
	n.Use(direct(func(ctx context.Context, cmd journal.Command) (journal.Result, error) {
		results, err := m.Commit(ctx, []journal.Command{cmd})
		if err != nil {
			return journal.Result{}, err
		}
		fresh := newMemory()
		_, err = m.Load(ctx, store.Visitor{Entry: fresh.configs.LoadEntry, Gray: fresh.configs.LoadGray, Capacity: fresh.configs.LoadCapacity, Namespace: fresh.namespaces.Load})
		if err != nil {
			return journal.Result{}, err
		}
		state.Replace(fresh.configs)
		return results[0], nil
	}), m.Queries())
	return n
}

const emptyHistory = "DELETE FROM config_info; DELETE FROM config_info_gray; DELETE FROM config_tags_relation; DELETE FROM his_config_info"

// onBoth runs a test on both databases.
func onBoth(t *testing.T, test func(t *testing.T, n *node)) {
	t.Run("SQLite", func(t *testing.T) {
		n, done := imageNode(t, filepath.Join(t.TempDir(), "image.db"))
		defer done()
		test(t, n)
	})
	t.Run("MariaDB", func(t *testing.T) {
		test(t, mysqlNode(t, open(t, mariadbtest.Shared(t).Database(t), store.MySQLOptions{})))
	})
}

var alice = config.Actor{User: "alice", IP: "10.0.0.7"}

func (n *node) publish(t *testing.T, d config.Draft) uint64 {
	t.Helper()
	n.now.Add(time.Second)
	out, err := n.Publish(t.Context(), alice, d)
	if err != nil {
		t.Fatal(err)
	}
	return out.Revision
}

func (n *node) remove(t *testing.T, k config.Key) uint64 {
	t.Helper()
	n.now.Add(time.Second)
	out, err := n.Remove(t.Context(), alice, k, "", config.Note{Comment: "not needed"})
	if err != nil {
		t.Fatal(err)
	}
	return out.Revision
}

func beta(ips string) *config.GrayDraft {
	return &config.GrayDraft{Name: config.GrayBeta, Rule: config.BetaRule(ips)}
}

func text(s string) *string { return &s }

func TestAVersionIsWhatItsChangeMade(t *testing.T) {
	onBoth(t, func(t *testing.T, n *node) {
		k := public("a.yaml")
		first := n.publish(t, config.Draft{Key: k, Content: []byte("one"), Type: "yaml", AppName: text("shop"), TagsGiven: true, Tags: []string{"b", "a"}, Desc: text("d"),
			Note: config.Note{Comment: "because 🦪 <b>"}})
		second := n.publish(t, config.Draft{Key: k, Content: []byte("second"), Type: "json", TagsGiven: true, Note: config.Note{Kind: config.NoteImport}})
		gray := n.publish(t, config.Draft{Key: k, Content: []byte("gray"), Gray: beta("10.0.0.1"), EncryptedDataKey: "key"})
		gone := n.remove(t, k)
		again := n.publish(t, config.Draft{Key: k, Content: []byte("again")})

		list, err := n.Versions(t.Context(), k, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range list {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%d %s%s %q %d %s %s %s", v.Revision, v.Op, v.GrayName, v.Comment, v.Size, v.MD5, v.Kind, v.User)))
		}
		want := []string{
			fmt.Sprintf(`%d I "" 5 %s  alice`, again, digest("again")),
			fmt.Sprintf(`%d Dbeta "not needed" 0   alice`, gone),
			fmt.Sprintf(`%d D "not needed" 0   alice`, gone),
			fmt.Sprintf(`%d Ibeta "" 4 %s  alice`, gray, digest("gray")),
			fmt.Sprintf(`%d U "" 6 %s import alice`, second, digest("second")),
			fmt.Sprintf(`%d I "because 🦪 <b>" 3 %s  alice`, first, digest("one")),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		for _, tt := range []struct {
			name     string
			revision uint64
			gray     string
			want     *config.Body
		}{
			{"an insert", first, "", &config.Body{Content: []byte("one"), MD5: digest("one"), Type: "yaml", AppName: "shop", Tags: []string{"b", "a"}, Desc: text("d")}},
			{"an update keeps the application and drops the rest", second, "", &config.Body{Content: []byte("second"), MD5: digest("second"), Type: "json", AppName: "shop"}},
			{"a variant", gray, config.GrayBeta, &config.Body{Content: []byte("gray"), MD5: digest("gray"), Type: "text", EncryptedDataKey: "key", Rule: config.BetaRule("10.0.0.1")}},
			{"a removal", gone, "", nil},
			{"what is held", again, "", &config.Body{Content: []byte("again"), MD5: digest("again"), Type: "text"}},
		} {
			v, err := n.VersionAt(t.Context(), k, tt.gray, tt.revision)
			if err != nil || v == nil || !v.Known {
				t.Fatalf("%s: %+v, %v", tt.name, v, err)
			}
			if diff := cmp.Diff(tt.want, v.After, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: %s", tt.name, diff)
			}
		}
		for _, revision := range []uint64{0, gray, 1 << 40, 1<<64 - 1} {
			if v, err := n.VersionAt(t.Context(), k, "", revision); v != nil || err != nil {
				t.Errorf("the formal content has a version at %d: %+v, %v", revision, v, err)
			}
		}
	})
}

// made is what each change made, by revision and variant: nil after a removal.
type made map[string]*config.Body

func madeKey(revision uint64, gray string) string { return fmt.Sprintf("%d %s", revision, gray) }

// note remembers what a change made of k.
func (m made) note(n *node, k config.Key, before *config.Item, revision uint64) {
	now := n.Item(k)
	body := func(gray string, rev uint64, b *config.Body) {
		if rev == revision {
			m[madeKey(revision, gray)] = b
		}
	}
	if now != nil && now.Formal != nil {
		e := now.Formal
		body("", e.Revision, &config.Body{Content: e.Content, MD5: e.MD5, Type: e.Type, AppName: e.AppName, Tags: e.Tags, Desc: e.Desc, Use: e.Use, Effect: e.Effect, Schema: e.Schema, EncryptedDataKey: e.EncryptedDataKey})
	} else if before != nil && before.Formal != nil {
		body("", revision, nil)
	}
	for _, g := range []string{config.GrayBeta, "tag_x"} {
		if v := now.Gray(g); v != nil {
			body(g, v.Revision, &config.Body{Content: v.Content, MD5: v.MD5, Type: "text", AppName: v.AppName, EncryptedDataKey: v.EncryptedDataKey, Rule: v.Rule})
		} else if before.Gray(g) != nil {
			body(g, revision, nil)
		}
	}
}

// someDraft draws a draft of k or of one of its variants.
func someDraft(rt *rapid.T, k config.Key) config.Draft {
	some := func(name string) *string {
		if rapid.Bool().Draw(rt, "has "+name) {
			return text(rapid.SampledFrom([]string{"x", "中文"}).Draw(rt, name))
		}
		return nil
	}
	d := config.Draft{Key: k, Content: []byte(rapid.SampledFrom(contents).Draw(rt, "content")), Type: rapid.SampledFrom([]string{"text", "yaml"}).Draw(rt, "type"),
		AppName: some("app"), Desc: some("desc"), Use: some("use"), Effect: some("effect"), Schema: some("schema"), EncryptedDataKey: rapid.SampledFrom(users).Draw(rt, "key"),
		Note: config.Note{Comment: rapid.SampledFrom(users).Draw(rt, "comment")}}
	if d.TagsGiven = rapid.Bool().Draw(rt, "tags given"); d.TagsGiven {
		d.Tags = rapid.SliceOfNDistinct(rapid.SampledFrom(tags), 0, 3, rapid.ID[string]).Draw(rt, "tags")
	}
	switch rapid.IntRange(0, 5).Draw(rt, "gray") {
	case 0:
		d.Gray = beta("1.1.1.1")
	case 1:
		d.Gray = &config.GrayDraft{Name: "tag_x", Rule: config.TagRule("x")}
	}
	return d
}

// checkPast makes random changes, and compares every version with what its change made.
func checkPast(rt *rapid.T, n *node) {
	ctx := context.Background()
	must := func(err error) {
		if err != nil && fault.KindOf(err) != fault.NotFound && fault.KindOf(err) != fault.Conflict {
			rt.Fatal(err)
		}
	}
	keys := []config.Key{public("a"), {Namespace: "dev", Group: "g", DataID: "a"}}
	all := map[config.Key]made{keys[0]: {}, keys[1]: {}}
	var revisions []uint64
	for range rapid.IntRange(1, 25).Draw(rt, "changes") {
		k := rapid.SampledFrom(keys).Draw(rt, "key")
		before := n.Item(k)
		past := uint64(1)
		if len(revisions) > 0 {
			past = rapid.SampledFrom(revisions).Draw(rt, "past")
		}
		gray := rapid.SampledFrom([]string{"", "", config.GrayBeta, "tag_x"}).Draw(rt, "variant")
		n.now.Add(time.Second)
		var out config.Outcome
		var err error
		switch rapid.IntRange(0, 9).Draw(rt, "what") {
		case 0, 1:
			out, err = n.Remove(ctx, alice, k, gray, config.Note{})
		case 2:
			out, err = n.PromoteGray(ctx, alice, k, gray, 0, config.Note{})
		case 3:
			if out, err = n.Restore(ctx, alice, k, gray, past, 0, config.Note{}); err == nil {
				if want := all[k][madeKey(past, gray)]; want != nil {
					v, err := n.VersionAt(ctx, k, gray, out.Revision)
					must(err)
					if diff := cmp.Diff(want, v.After, cmpopts.EquateEmpty()); diff != "" {
						rt.Fatalf("restored of %d was %s", past, diff)
					}
				}
			}
		case 4:
			out, err = n.RestoreDeleted(ctx, alice, k, past, rapid.Bool().Draw(rt, "variants"), config.Note{Kind: config.NoteUndo})
		default:
			out, err = n.Publish(ctx, alice, someDraft(rt, k))
		}
		must(err)
		if err == nil && out.Revision > 0 {
			// Variants that come back have revisions of their own, in the same command.
			for rev := uint64(len(revisions)) + 1; rev <= out.Revision; rev++ {
				revisions = append(revisions, rev)
				all[k].note(n, k, before, rev)
			}
		}
	}
	for _, k := range keys {
		checkVersions(rt, n, k, all[k])
	}
	checkDeleted(rt, n, keys)
}

func checkVersions(rt *rapid.T, n *node, k config.Key, want made) {
	ctx := context.Background()
	got := made{}
	size := rapid.IntRange(1, 4).Draw(rt, "page")
	for before := uint64(0); ; {
		list, err := n.Versions(ctx, k, before, size)
		if err != nil {
			rt.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		for _, v := range list {
			if before > 0 && v.Revision >= before {
				rt.Fatalf("the page below %d has %d", before, v.Revision)
			}
			at, err := n.VersionAt(ctx, k, v.GrayName, v.Revision)
			if err != nil || at == nil || !at.Known || !v.Known {
				rt.Fatalf("version %+v is %+v, %v", v, at, err)
			}
			if _, twice := got[madeKey(v.Revision, v.GrayName)]; twice || at.MD5 != v.MD5 || at.Size != v.Size || v.After != nil {
				rt.Fatalf("listed is %+v, alone %+v, twice %t", v, at, twice)
			}
			got[madeKey(v.Revision, v.GrayName)] = at.After
		}
		before = list[len(list)-1].Revision
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		rt.Fatalf("versions of %s (- made, + told):\n%s", k, diff)
	}
}

func checkDeleted(rt *rapid.T, n *node, keys []config.Key) {
	ctx := context.Background()
	page, err := n.Deleted(ctx, config.DeletedFilter{}, 1, 10)
	if err != nil {
		rt.Fatal(err)
	}
	told := map[config.Key]bool{}
	for _, h := range page.Items {
		told[h.Key] = true
		if it := n.Item(h.Key); it != nil && it.Formal != nil || h.Op != config.OpDelete || h.GrayName != "" {
			rt.Fatalf("deleted is %+v, held %+v", h, it)
		}
		if _, err := n.RestoreDeleted(ctx, alice, h.Key, h.Revision, false, config.Note{}); err != nil {
			rt.Fatal(err)
		}
	}
	if page.Total != len(page.Items) || len(told) != page.Total {
		rt.Fatalf("%d deleted, %d told of %d keys", page.Total, len(page.Items), len(told))
	}
	for _, k := range keys {
		rows, err := n.Versions(ctx, k, 0, 1000)
		if err != nil {
			rt.Fatal(err)
		}
		had := slices.ContainsFunc(rows, func(v config.Version) bool { return v.GrayName == "" && v.Op == config.OpDelete })
		if it := n.Item(k); had && (it == nil || it.Formal == nil) {
			rt.Fatalf("%s was removed and is not among the deleted", k)
		}
	}
}

func TestEveryVersionIsWhatItsChangeMade(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		dir, count := t.TempDir(), 0
		rapid.Check(t, func(rt *rapid.T) {
			count++
			n, done := imageNode(t, filepath.Join(dir, fmt.Sprint(count)))
			defer done()
			checkPast(rt, n)
		})
	})
	t.Run("MariaDB", func(t *testing.T) {
		dsn := mariadbtest.Shared(t).Database(t)
		m, db := open(t, dsn, store.MySQLOptions{}), openSQL(t, dsn)
		rapid.Check(t, func(rt *rapid.T) {
			for q := range strings.SplitSeq(emptyHistory, ";") {
				if _, err := db.Exec(q); err != nil {
					rt.Fatal(err)
				}
			}
			checkPast(rt, mysqlNode(t, m))
		})
	})
}

func TestWhatWasRemovedIsListedAndComesBack(t *testing.T) {
	onBoth(t, func(t *testing.T, n *node) {
		dev := config.Key{Namespace: "dev", Group: "Shop", DataID: "B.yaml"}
		n.publish(t, config.Draft{Key: public("a"), Content: []byte("a"), Type: "json", Desc: text("what a is for")})
		n.publish(t, config.Draft{Key: public("a"), Content: []byte("a of some"), Gray: beta("10.0.0.1")})
		n.publish(t, config.Draft{Key: dev, Content: []byte("b")})
		n.publish(t, config.Draft{Key: public("kept"), Content: []byte("k")})
		n.publish(t, config.Draft{Key: public("only"), Content: []byte("o"), Gray: beta("10.0.0.1")})
		n.remove(t, public("a"))
		n.publish(t, config.Draft{Key: public("a"), Content: []byte("a2"), Desc: text("what a is for")})
		n.publish(t, config.Draft{Key: public("a"), Content: []byte("a of some"), Gray: beta("10.0.0.1")})
		n.remove(t, dev)
		n.remove(t, public("only"))
		removed := n.remove(t, public("a"))

		for _, tt := range []struct {
			name string
			f    config.DeletedFilter
			page int
			want string
		}{
			{"all, newest first", config.DeletedFilter{}, 1, "a B.yaml of 2"},
			{"the page after the last", config.DeletedFilter{}, 2, " of 2"},
			{"one namespace", config.DeletedFilter{Namespace: "public"}, 1, "a of 1"},
			{"a namespace without any", config.DeletedFilter{Namespace: "n"}, 1, " of 0"},
			{"text of a dataId in whatever case", config.DeletedFilter{Text: "b.Y"}, 1, "B.yaml of 1"},
			{"text of a group", config.DeletedFilter{Text: "shop"}, 1, "B.yaml of 1"},
			{"text is no pattern", config.DeletedFilter{Text: "%"}, 1, " of 0"},
		} {
			page, err := n.Deleted(t.Context(), tt.f, tt.page, 2)
			if err != nil {
				t.Fatal(tt.name, err)
			}
			var ids []string
			for _, h := range page.Items {
				ids = append(ids, h.Key.DataID)
				if h.Note().Comment != "not needed" || h.SrcUser != "alice" || h.Content != nil {
					t.Errorf("%s: row %+v", tt.name, h)
				}
			}
			if got := fmt.Sprintf("%s of %d", strings.Join(ids, " "), page.Total); got != tt.want {
				t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
			}
		}

		refused := func(name string, want fault.Kind, f func() (config.Outcome, error)) {
			t.Helper()
			before := n.Revision()
			if _, err := f(); fault.KindOf(err) != want || n.Revision() != before {
				t.Errorf("%s: %v, revision %d after %d", name, err, n.Revision(), before)
			}
		}
		undo := config.Note{Kind: config.NoteUndo, Comment: "was needed"}
		refused("what was not removed", fault.NotFound, func() (config.Outcome, error) {
			return n.RestoreDeleted(t.Context(), alice, public("a"), removed-1, true, undo)
		})
		refused("another's removal", fault.NotFound, func() (config.Outcome, error) {
			return n.RestoreDeleted(t.Context(), alice, dev, removed, true, undo)
		})
		refused("a comment that is too long", fault.Invalid, func() (config.Outcome, error) {
			return n.RestoreDeleted(t.Context(), alice, public("a"), removed, true, config.Note{Comment: strings.Repeat("é", config.MaxComment+1)})
		})
		out, err := n.RestoreDeleted(t.Context(), alice, public("a"), removed, true, undo)
		if err != nil {
			t.Fatal(err)
		}
		it := n.Item(public("a"))
		if string(it.Formal.Content) != "a2" || *it.Formal.Desc != "what a is for" || it.Formal.Revision != out.Revision || string(it.Gray(config.GrayBeta).Content) != "a of some" ||
			it.Gray(config.GrayBeta).Rule != config.BetaRule("10.0.0.1") {
			t.Errorf("came back as %+v", it)
		}
		v, err := n.VersionAt(t.Context(), public("a"), "", out.Revision)
		if err != nil || v.Note != (config.Note{Comment: "was needed", Kind: config.NoteUndo, From: removed}) {
			t.Errorf("history says %+v, %v", v, err)
		}
		refused("what is there", fault.Conflict, func() (config.Outcome, error) {
			return n.RestoreDeleted(t.Context(), alice, public("a"), removed, true, undo)
		})
		refused("a revision that is not held", fault.Conflict, func() (config.Outcome, error) {
			return n.Restore(t.Context(), alice, public("a"), "", 1, out.Revision-1, config.Note{})
		})
		if _, err := n.Restore(t.Context(), alice, public("a"), "", 1, out.Revision, config.Note{}); err != nil || string(n.Item(public("a")).Formal.Content) != "a" || n.Item(public("a")).Formal.Type != "json" {
			t.Errorf("restored is %+v, %v", n.Item(public("a")).Formal, err)
		}
	})
}

func TestWhatIsHeldIsAVersionWhenItsHistoryIsTrimmed(t *testing.T) {
	onBoth(t, func(t *testing.T, n *node) {
		k := public("a")
		first := n.publish(t, config.Draft{Key: k, Content: []byte("one")})
		second := n.publish(t, config.Draft{Key: k, Content: []byte("two"), Type: "yaml"})
		gray := n.publish(t, config.Draft{Key: k, Content: []byte("gray"), Gray: beta("10.0.0.1")})
		n.now.Add(2 * time.Hour)
		newest := n.publish(t, config.Draft{Key: k, Content: []byte("gray 2"), Gray: beta("10.0.0.1")})
		if err := n.TrimHistory(t.Context()); err != nil {
			t.Fatal(err)
		}
		list, err := n.Versions(t.Context(), k, 0, 10)
		if err != nil || len(list) != 2 || list[0].Revision != newest || list[1].Revision != second || list[1].MD5 != digest("two") || list[1].User != "alice" {
			t.Errorf("versions %+v, %v", list, err)
		}
		v, err := n.VersionAt(t.Context(), k, "", second)
		if err != nil || v == nil || string(v.After.Content) != "two" || v.After.Type != "yaml" {
			t.Errorf("version %+v, %v", v, err)
		}
		for _, at := range []uint64{first, gray} {
			if _, err := n.Restore(t.Context(), alice, k, "", at, 0, config.Note{}); fault.KindOf(err) != fault.NotFound {
				t.Errorf("what is gone was restored: %v", err)
			}
		}
	})
}
