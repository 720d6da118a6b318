package storetest

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nacre/server/auth"
	"nacre/server/config"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/store"
	"nacre/server/store/mariadbtest"
)

// heldOf loads the database as a node does that has followed it so far.
func heldOf(t testing.TB, m *store.MySQL) store.Held {
	t.Helper()
	configs, spaces, users := config.NewState(nil), namespace.NewState(), auth.NewState()
	l, err := m.Load(t.Context(), store.Visitor{Entry: configs.LoadEntry, Gray: configs.LoadGray, Namespace: spaces.Load, User: users.LoadUser})
	if err != nil {
		t.Fatal(err)
	}
	return store.Held{
		Revision: func() uint64 { return l.Index }, Config: configs.Get, EachConfig: configs.Each, Namespaces: spaces.All, Users: users.Users,
	}
}

func reconcile(t *testing.T, m *store.MySQL, have store.Held, want int) {
	t.Helper()
	if found, err := m.Reconcile(t.Context(), have); err != nil || found != want {
		t.Fatalf("found were %d changes, want %d; %v", found, want, err)
	}
}

// grayInsert is a variant as Nacos writes it.
func grayInsert(dataID, tenant, name, content string) string {
	return fmt.Sprintf("INSERT INTO config_info_gray (data_id, group_id, tenant_id, content, md5, src_user, src_ip, gray_name, gray_rule) VALUES "+
		`('%s', 'g', '%s', '%s', '%s', 'old', '::1', '%s', '{"type":"beta","version":"1.0.0","expr":"1.1.1.1","priority":2147483647}')`, dataID, tenant, content, digest(content), name)
}

func TestWhatAnotherProgramChangesIsFollowed(t *testing.T) {
	for _, version := range []string{"2.5", "3.1"} {
		t.Run(version, func(t *testing.T) {
			dsn := mariadbtest.Shared(t).Database(t)
			db := openSQL(t, dsn)
			mustExec(t, db, dump(version)...)
			mustExec(t, db, "CREATE TABLE roles (username varchar(50) NOT NULL, role varchar(50) NOT NULL, UNIQUE KEY (username, role))")
			tenant := map[string]string{"2.5": "", "3.1": "public"}[version]
			const at = "2021-01-01 00:00:00"
			for _, id := range []string{"content", "silent", "gone", "renamed", "tagged", "gray", "rule", "graygone", "same"} {
				mustExec(t, db, insertConfig(id, tenant, "old "+id, at, version))
			}
			mustExec(t, db, grayInsert("rule", tenant, "beta", "g"), grayInsert("graygone", tenant, "beta", "g"),
				"INSERT INTO tenant_info (kp, tenant_id, tenant_name, gmt_create, gmt_modified) VALUES ('1', 'dev', 'Dev', 5, 6), ('1', 'bye', 'Bye', 5, 6)")
			m := open(t, dsn, store.MySQLOptions{Node: "a"})
			mustCommit(t, m, publish(t, public("ours"), "x", ""), publish(t, public("same"), "new", ""))
			have := heldOf(t, m)
			reconcile(t, m, have, 0)
			before := have.Revision()
			if now, err := m.Revision(t.Context()); err != nil || now != before {
				t.Fatalf("a scan that found nothing went from %d to %d, %v", before, now, err)
			}

			mustExec(t, db,
				"UPDATE config_info SET content = 'neu ä 1', md5 = '"+digest("neu ä 1")+"', gmt_modified = '2022-02-02 00:00:00' WHERE data_id = 'content'",
				"UPDATE config_info SET content = 'OLD silent' WHERE data_id = 'silent'", // as a hand does: md5 and time stay
				"DELETE FROM config_info WHERE data_id = 'gone'",
				"UPDATE config_info SET data_id = 'moved' WHERE data_id = 'renamed'",
				"INSERT INTO config_tags_relation (id, tag_name, tag_type, data_id, group_id, tenant_id) SELECT id, 't1', '', data_id, group_id, tenant_id FROM config_info WHERE data_id = 'tagged'",
				grayInsert("gray", tenant, "beta", "new gray"),
				`UPDATE config_info_gray SET gray_rule = REPLACE(gray_rule, '1.1.1.1', '2.2.2.2') WHERE data_id = 'rule'`,
				"DELETE FROM config_info_gray WHERE data_id = 'graygone'",
				insertConfig("added", tenant, "from Nacos", at, version), insertConfig("there", "dev", "in dev", at, version),
				"UPDATE tenant_info SET tenant_name = 'Development' WHERE tenant_id = 'dev'", "DELETE FROM tenant_info WHERE tenant_id = 'bye'",
				"INSERT INTO tenant_info (kp, tenant_id, tenant_name, gmt_create, gmt_modified) VALUES ('1', 'more', 'More', 5, 6), ('2', 'mcp', 'not ours', 5, 6)",
				"UPDATE users SET password = '$2a$10$y' WHERE username = 'nacos'", "INSERT INTO users VALUES ('carol', '$2a$10$z', TRUE), ('mallory', 'x', FALSE)",
				"INSERT INTO roles VALUES ('carol', 'ROLE_ADMIN')")
			const configs, grays, spaces, users = 8, 3, 3, 2 // a key that was renamed counts twice
			reconcile(t, m, have, configs+grays+spaces+users)
			// What memory has not followed yet is not found again.
			reconcile(t, m, have, 0)
			reconcile(t, m, heldOf(t, m), 0)

			got := changesAfter(t, m, before)
			for _, want := range []string{"content = neu ä 1", "silent = OLD silent", "gone gone", "moved = old renamed", "renamed gone", "tagged = old tagged [t1]", "added = from Nacos", "there = in dev",
				"gray/beta = new gray 1.1.1.1", "rule/beta = g 2.2.2.2", "graygone/beta gone", "namespace dev = Development", "namespace bye gone", "namespace more = More",
				"user nacos = $2a$10$y []", "user carol = $2a$10$z [ROLE_ADMIN]"} {
				i := slices.Index(got, want)
				if i < 0 {
					t.Errorf("%q is not told; told is %q", want, got)
					continue
				}
				got = slices.Delete(got, i, i+1)
			}
			if len(got) > 0 {
				t.Errorf("told are also %q", got)
			}
			var sum string
			var revision sql.NullInt64
			if err := db.QueryRow("SELECT md5, revision FROM config_info WHERE data_id = 'silent'").Scan(&sum, &revision); err != nil || sum != digest("OLD silent") || uint64(revision.Int64) <= before {
				t.Errorf("the md5 of a content that a hand changed is %s, its revision %d; %v", sum, revision.Int64, err)
			}
		})
	}
}

// changesAfter returns what the change log tells after a revision, in words.
func changesAfter(t *testing.T, m *store.MySQL, after uint64) (all []string) {
	t.Helper()
	changes, _, err := m.Tail(t.Context(), after, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		switch c := c.(type) {
		case config.EntryChange:
			if e := c.After; e == nil {
				all = append(all, c.Before.Key.DataID+" gone")
			} else if e.MD5 != digest(string(e.Content)) || e.Revision <= after {
				t.Errorf("told is %+v", e)
			} else {
				all = append(all, strings.TrimSuffix(fmt.Sprintf("%s = %s %v", e.Key.DataID, e.Content, e.Tags), " []"))
			}
		case config.GrayChange:
			if g := c.After; g == nil {
				all = append(all, c.Before.Key.DataID+"/"+c.Before.Name+" gone")
			} else {
				all = append(all, fmt.Sprintf("%s/%s = %s %s", g.Key.DataID, g.Name, g.Content, g.Rule.Expr))
			}
		case namespace.Change:
			if c.After == nil {
				all = append(all, "namespace "+c.Before.ID+" gone")
			} else {
				all = append(all, "namespace "+c.After.ID+" = "+c.After.Name)
			}
		case auth.UserChange:
			all = append(all, fmt.Sprintf("user %s = %s %v", c.After.Name, c.After.Hash, c.After.Roles))
		default:
			t.Errorf("told is a %T", c)
		}
	}
	return all
}

// Writes of our own nodes that memory has not followed are theirs to tell, and rows beside which another counts are nobody's.
func TestAScanFindsNothingOfItsOwn(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	db := openSQL(t, dsn)
	mustExec(t, db, dump("3.1")...)
	mustExec(t, db, insertConfig("twice", "", "old", "2021-01-01 00:00:00", ""), insertConfig("twice", "public", "newer", "2022-01-01 00:00:00", ""),
		insertConfig("later", "", "newer", "2022-01-01 00:00:00", ""), insertConfig("later", "public", "old", "2021-01-01 00:00:00", ""))
	a, b := open(t, dsn, store.MySQLOptions{Node: "a"}), open(t, dsn, store.MySQLOptions{Node: "b"})
	have := heldOf(t, a)
	reconcile(t, a, have, 0)
	mustCommit(t, b, publish(t, public("new"), "1", ""), publish(t, public("twice"), "2", ""), remove(t, public("later")))
	reconcile(t, a, have, 0)
	have = heldOf(t, a)
	mustExec(t, db, "UPDATE config_info SET content = 'theirs' WHERE data_id = 'new'")
	mustCommit(t, b, publish(t, public("new"), "ours", ""))
	reconcile(t, a, have, 0)
	if got := changesAfter(t, a, have.Revision()); !slices.Equal(got, []string{"new = ours"}) {
		t.Errorf("told is %q", got)
	}
}

// What a scan asks of the database is some bytes for a thousand rows, when nothing differs and when little does.
func TestAScanReturnsLittle(t *testing.T) {
	dsn := mariadbtest.New(t).Database(t) // its counters are of the whole server
	db := openSQL(t, dsn)
	m := open(t, dsn, store.MySQLOptions{WriteTimeout: 30 * time.Second})
	var all []journal.Command
	for i := range 5000 {
		all = append(all, publish(t, public(fmt.Sprint("id", i)), strings.Repeat("0123456789abcdef", 64), ""))
	}
	for group := range slices.Chunk(all, 500) {
		mustCommit(t, m, group...)
	}
	have := heldOf(t, m)
	sent := func() (n int) {
		if err := db.QueryRow("SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'BYTES_SENT'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := sent()
	reconcile(t, m, have, 0)
	if n := sent() - before; n > 10_000 {
		t.Errorf("a scan of 5,000 equal rows brought %d bytes", n)
	}
	mustExec(t, db, "UPDATE config_info SET content = 'x' WHERE data_id = 'id77'")
	before = sent()
	reconcile(t, m, have, 1)
	if n := sent() - before; n > 100_000 {
		t.Errorf("a scan that found one row brought %d bytes", n)
	}
}
