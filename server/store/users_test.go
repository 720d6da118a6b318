package store

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/pressly/goose/v3"

	"nacre/migrations"
	"nacre/server/auth"
	"nacre/server/auth/authpb"
	"nacre/server/config"
	"nacre/server/draft"
	"nacre/server/draft/draftpb"
	"nacre/server/journal"
)

func draftOf(dataID, content string) journal.Command {
	d := draft.Draft{Content: []byte(content), Type: "text"}
	return command(draft.KindSave, &draftpb.Save{
		Of:      &draftpb.Of{User: "admin", Namespace: "public", Group: "g", DataId: dataID},
		Content: d.Content, Type: d.Type, Digest: d.Digest(), AtMs: 7, BaseRevision: 3, BaseMd5: "m",
	})
}

func TestADraftIsReadAsItWasSaved(t *testing.T) {
	i, m := openImage(t, Config{}), newMachine()
	key := config.Key{Namespace: "public", Group: "g", DataID: "a"}
	if d, err := i.Draft(soon(t), "admin", key); d != nil || err != nil {
		t.Fatal(d, err)
	}
	if err := i.Write(m.apply(t, []journal.Command{draftOf("a", "a\x00b\xff")})); err != nil {
		t.Fatal(err)
	}
	d, err := i.Draft(soon(t), "admin", key)
	if err != nil || string(d.Content) != "a\x00b\xff" || d.Type != "text" || d.Version != 7 || d.SavedMs != 7 || d.BaseRevision != 3 || d.BaseMD5 != "m" || d.Key != key || d.User != "admin" {
		t.Fatalf("%+v %v", d, err)
	}
	if d, err := i.Draft(soon(t), "eve", key); d != nil || err != nil {
		t.Fatal("another user reads it:", d, err)
	}
}

func TestAChangedDraftIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nacre.db")
	i, m := openImage(t, Config{Path: path}), newMachine()
	if err := i.Write(m.apply(t, []journal.Command{draftOf("a", "text")})); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Sync(soon(t), 1); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, damage := range []string{
		"UPDATE nacre_draft SET content = x'00'", "UPDATE nacre_draft SET content = x'74657874', c_desc = 'x'",
	} {
		if _, err := db.Exec(damage); err != nil {
			t.Fatal(err)
		}
		var corrupt *CorruptError
		if err := i.VerifyHistory(soon(t)); !errors.As(err, &corrupt) || corrupt.Table != "nacre_draft" {
			t.Errorf("%s: the check says %v", damage, err)
		}
		if d, err := i.Draft(soon(t), "admin", config.Key{Namespace: "public", Group: "g", DataID: "a"}); err == nil {
			t.Errorf("%s: read as %+v", damage, d)
		}
	}
}

func TestADatabaseOfBeforeUsersIsBroughtUpToDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nacre.db")
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, migrations.SQLite(), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	var s summer
	m := newMeta()
	m.index = 5
	m.each(func(name string, value int64) {
		for _, later := range []table{tableUsers, tableSessions, tableDrafts, tableRegistry} {
			if name == tableNames[later]+".rows" || name == tableNames[later]+".sum" {
				return
			}
		}
		if _, err := db.Exec("INSERT INTO nacre_meta VALUES (?,?,?)", name, value, int64(s.meta(name, value))); err != nil {
			t.Fatal(err)
		}
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	i := openImage(t, Config{Path: path})
	node := loaded(t, i)
	if node.index != 5 || i.Written() != 5 {
		t.Fatalf("it is at %d, loaded at %d", i.Written(), node.index)
	}
	index, changes := node.apply(t, []journal.Command{draftOf("a", "x"),
		command(auth.KindAddFirst, &authpb.AddFirst{Name: "admin", Hash: "h", Session: &authpb.Session{Id: "s", User: "admin"}})})
	if err := i.Write(index, changes); err != nil {
		t.Fatal(err)
	}
	if err := i.WaitFor(soon(t), index); err != nil {
		t.Fatal(err)
	}
	if diff := differences(node, loaded(t, i)); diff != "" {
		t.Error(diff)
	}
	if err := i.VerifyHistory(soon(t)); err != nil {
		t.Error(err)
	}
}
