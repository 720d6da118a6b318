package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"nacre/server/auth"
	"nacre/server/auth/authpb"
	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/config/configpb"
	"nacre/server/draft"
	"nacre/server/draft/draftpb"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/store"
	"nacre/server/store/mariadbtest"
)

func TestMariaDBRefusesPeopleInWordsAndTakesTheRest(t *testing.T) {
	m, err := store.OpenMySQL(t.Context(), mariadbtest.Shared(t).Database(t), store.MySQLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var group []journal.Command
	for _, c := range []command{
		{auth.KindAddFirst, &authpb.AddFirst{Name: strings.Repeat("n", 51), Hash: "h"}}, // Nacos' column has 50
		{config.KindPublish, &configpb.Publish{Key: &configpb.Key{Namespace: "public", Group: "g", DataId: "a"}, Content: []byte("x"), Md5: digest("x"),
			Actor: &configpb.Actor{}, Attributes: &configpb.Attributes{}, AtMs: 1_700_000_000_000}},
		{draft.KindSave, &draftpb.Save{Of: &draftpb.Of{User: strings.Repeat("n", 129)}}},
		{auth.KindAddFirst, &authpb.AddFirst{Name: "admin", Hash: "h"}},
	} {
		cmd, err := c.encode(func(id int64) int64 { return id })
		if err != nil {
			t.Fatal(err)
		}
		group = append(group, cmd)
	}
	results, err := m.Commit(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	for i, refused := range []bool{true, false, true, false} {
		err := results[i].Outcome.Err()
		if (err != nil) != refused || err != nil && (fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.TextOf(err), "does not fit")) {
			t.Errorf("command %d: %v", i, err)
		}
	}
}

// TestARestartAnywhereLosesNothingOfPeople stops the image at a random place, as a crash does, loads
// memory from it, and repeats from the journal what it lacks.
func TestARestartAnywhereLosesNothingOfPeople(t *testing.T) {
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		path := filepath.Join(dir, fmt.Sprintf("image%d.db", n))
		var log [][]journal.Command
		for range rapid.IntRange(1, 30).Draw(rt, "groups") {
			var group []journal.Command
			for range rapid.IntRange(1, 4).Draw(rt, "size") {
				cmd, err := drawAny(rt).encode(func(id int64) int64 { return id })
				if err != nil {
					rt.Fatal(err)
				}
				group = append(group, cmd)
			}
			log = append(log, group)
		}
		whole := newMemory()
		stop := rapid.IntRange(0, len(log)).Draw(rt, "stopped at")
		image := openImage(rt, path)
		for i, group := range log {
			if _, err := whole.Commit(t.Context(), group); err != nil {
				rt.Fatal(err)
			}
			if i < stop {
				if err := image.Write(whole.index, whole.changes); err != nil {
					rt.Fatal(err)
				}
			}
		}
		if err := image.Close(); err != nil {
			rt.Fatal(err)
		}
		image = openImage(rt, path)
		defer image.Close()
		again := newMemory()
		l, err := image.Load(t.Context(), store.Visitor{
			Entry: again.configs.LoadEntry, Gray: again.configs.LoadGray, Capacity: again.configs.LoadCapacity, Namespace: again.namespaces.Load,
			User: again.users.LoadUser, Session: again.users.LoadSession, Draft: again.drafts.Load,
		})
		if err != nil || l.Index != uint64(stop) {
			rt.Fatal(l.Index, err)
		}
		again.configs.SetCounters(l.Counters)
		again.index = l.Index
		for _, group := range log[stop:] {
			if _, err := (&embedded{again, image, nil}).Commit(t.Context(), group); err != nil {
				rt.Fatal(err)
			}
		}
		if err := image.WaitFor(t.Context(), again.index); err != nil {
			rt.Fatal(err)
		}
		db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
		if err != nil {
			rt.Fatal(err)
		}
		defer db.Close()
		got, err := readPeople(t.Context(), db, imageUsers)
		if err != nil {
			rt.Fatal(err)
		}
		want, err := whole.rows(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		got.sort()
		if diff := cmp.Diff(want.People, got, cmpopts.EquateEmpty()) + cmp.Diff(whole.users.Sessions(""), again.users.Sessions("")) + cmp.Diff(whole.drafts.All(), again.drafts.All()); diff != "" {
			rt.Fatalf("after a stop at %d of %d (- without it, + with it):\n%s", stop, len(log), diff)
		}
	})
}

func openImage(rt *rapid.T, path string) *store.Image {
	image, err := store.Open(context.Background(), store.Config{Path: path})
	if err != nil {
		rt.Fatal(err)
	}
	return image
}

// TestSessionsAndDraftsOutliveAProcess runs the services on an image, closes it and goes on from it.
func TestSessionsAndDraftsOutliveAProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nacre.db")
	now := clock.NewFixed(time.UnixMilli(1_800_000_000_000))
	begin := func() (*auth.Service, *draft.Service, func()) {
		image, err := store.Open(t.Context(), store.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		m := newMemory()
		users, state := auth.New(now, auth.Options{})
		drafts, held := draft.New(now, draft.Options{})
		m.users, m.drafts, m.namespaces = state, held, namespace.NewState()
		l, err := image.Load(t.Context(), store.Visitor{User: state.LoadUser, Session: state.LoadSession, Draft: held.Load})
		if err != nil {
			t.Fatal(err)
		}
		m.index = l.Index
		j := direct(func(ctx context.Context, cmd journal.Command) (journal.Result, error) {
			results, err := (&embedded{m, image, nil}).Commit(ctx, []journal.Command{cmd})
			if err != nil {
				return journal.Result{}, err
			}
			return results[0], nil
		})
		users.Use(j)
		drafts.Use(j, image)
		return users, drafts, func() {
			if err := image.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	const password = "correct horse battery staple"
	key := config.Key{Namespace: "public", Group: "g", DataID: "a"}
	users, drafts, end := begin()
	link := users.SetUpToken()
	token, err := users.SetUp(t.Context(), link, "admin", password, "10.0.0.1", "browser")
	if err != nil {
		t.Fatal(err)
	}
	gone, err := users.Login(t.Context(), "admin", password, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := users.Logout(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	version, err := drafts.Save(t.Context(), draft.Draft{User: "admin", Key: key, Content: []byte("not yet")}, 0)
	if err != nil {
		t.Fatal(err)
	}
	end()
	users, drafts, end = begin()
	defer end()
	if u, n, ok := users.Enter(token); !ok || u.Name != "admin" || n.IP != "10.0.0.1" {
		t.Error("the restart logged out")
	}
	if _, _, ok := users.Enter(gone); ok {
		t.Error("a session that ended is back")
	}
	if _, err := users.SetUp(t.Context(), link, "eve", password, "", ""); fault.CodeOf(err) != auth.CodeSetUp {
		t.Error("the used link:", err)
	}
	if _, err := users.Login(t.Context(), "admin", password, "", ""); err != nil {
		t.Error(err)
	}
	if d, err := drafts.Get(t.Context(), "admin", key); err != nil || d == nil || string(d.Content) != "not yet" || d.Version != version {
		t.Errorf("%+v %v", d, err)
	}
	if _, err := drafts.Save(t.Context(), draft.Draft{User: "admin", Key: key, Content: []byte("more")}, version); err != nil {
		t.Error(err)
	}
}
