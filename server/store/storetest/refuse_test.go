package storetest

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/store"
	"nacre/server/store/mariadbtest"
)

var databaseOf = regexp.MustCompile(`/(nacre_\d+)`)

// mustRefuse opens a database that is not to be opened.
func mustRefuse(t *testing.T, dsn string, opts store.MySQLOptions, kind fault.Kind, words ...string) {
	t.Helper()
	m, err := store.OpenMySQL(t.Context(), dsn, opts)
	if err == nil {
		m.Close()
	}
	mustSay(t, err, kind, words...)
}

func mustSay(t *testing.T, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Errorf("the error is %v, want one of kind %v", err, kind)
		return
	}
	for _, w := range words {
		if !strings.Contains(fault.TextOf(err), w) {
			t.Errorf("%q does not say %q", fault.TextOf(err), w)
		}
	}
}

func TestAUserWithoutRightsIsToldWhatToGrant(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	name := databaseOf.FindStringSubmatch(dsn)[1]
	db := openSQL(t, dsn)
	mustExec(t, db, dump("2.5")...)
	user := "few_" + name
	mustExec(t, db, fmt.Sprintf("CREATE USER '%s'@'127.0.0.1' IDENTIFIED BY 'few'", user))
	t.Cleanup(func() { mustExec(t, db, fmt.Sprintf("DROP USER '%s'@'127.0.0.1'", user)) })
	few := strings.Replace(dsn, "nacre:nacre@", user+":few@", 1)
	grant := func(rights string) {
		mustExec(t, db, fmt.Sprintf("GRANT %s ON %s.* TO '%s'@'127.0.0.1'", rights, name, user))
	}
	before := describe(t, db)
	mustRefuse(t, few, store.MySQLOptions{}, fault.Invalid, "GRANT", name)
	grant("SELECT, INSERT, UPDATE, DELETE")
	mustRefuse(t, few, store.MySQLOptions{}, fault.Invalid, "may not CREATE", "GRANT CREATE ON `"+name+"`.* TO")
	grant("CREATE")
	mustRefuse(t, few, store.MySQLOptions{}, fault.Invalid, "may not ALTER", "GRANT ALTER ON `"+name+"`.* TO")
	grant("ALTER, INDEX")
	after := describe(t, db)
	for _, column := range before {
		if !strings.Contains(strings.Join(after, "\n"), column) {
			t.Errorf("a refused start changed the column %s", column)
		}
	}
	m := open(t, few, store.MySQLOptions{})
	mustCommit(t, m, publish(t, public("a"), "1", ""))

	mustRefuse(t, strings.Replace(dsn, "nacre:nacre@", "nacre:wrong@", 1), store.MySQLOptions{}, fault.Invalid, "does not let the DSN's user in")
	mustRefuse(t, strings.Replace(dsn, name, "nacre_missing", 1), store.MySQLOptions{}, fault.Invalid, "no database nacre_missing", "CREATE DATABASE")
	mustRefuse(t, "nonsense", store.MySQLOptions{}, fault.Invalid, "user:password@tcp(host:3306)/database")
	mustRefuse(t, "u:p@tcp(127.0.0.1:1)/x", store.MySQLOptions{}, fault.Unavailable, "can't be reached")
}

func TestADatabaseWhoseClockIsOffIsRefused(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	now := clock.System{}.Now()
	for ahead, words := range map[time.Duration]string{-time.Hour: "ahead of this machine's", 2 * time.Minute: "behind this machine's"} {
		mustRefuse(t, dsn, store.MySQLOptions{Clock: clock.NewFixed(now.Add(ahead))}, fault.Invalid, "clock", words)
	}
	open(t, dsn, store.MySQLOptions{Clock: clock.NewFixed(now.Add(10 * time.Second))})
}

func TestAnotherOrAnOlderDatabaseIsRefused(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	name := databaseOf.FindStringSubmatch(dsn)[1]
	db := openSQL(t, dsn)
	m := open(t, dsn, store.MySQLOptions{Node: "a", WriteTimeout: 3 * time.Second})
	mustCommit(t, m, publish(t, public("a"), "1", ""), publish(t, public("b"), "1", ""))
	refused := func(words ...string) {
		t.Helper()
		_, err := m.Commit(t.Context(), []journal.Command{publish(t, public("lost"), "1", "")})
		_, asked := m.Revision(t.Context())
		_, _, tail := m.Tail(t.Context(), 0, 100)
		_, load := m.Load(t.Context(), store.Visitor{})
		_, scan := m.Reconcile(t.Context(), store.Held{
			Revision: func() uint64 { return 2 }, Config: func(config.Key) *config.Item { return nil }, EachConfig: func(func(config.Key, *config.Item) bool) {},
		})
		for _, err := range []error{err, asked, tail, load, scan} {
			mustSay(t, err, fault.Unavailable, append(words, "Nothing is written there", "restart this node")...)
			if fault.CodeOf(err) != store.CodeOtherDatabase {
				t.Errorf("the code of %v is %q", err, fault.CodeOf(err))
			}
		}
	}
	// An older state of it.
	mustExec(t, db, "UPDATE nacre_revision SET revision = 1")
	refused("has lost changes")
	mustExec(t, db, "UPDATE nacre_revision SET revision = 2")
	mustCommit(t, m, publish(t, public("a"), "2", ""))

	// Made anew, and empty.
	mustExec(t, db, "DROP DATABASE "+name, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "USE "+name)
	refused("made anew or replaced")
	// Another node has made its tables there meanwhile.
	other := open(t, dsn, store.MySQLOptions{Node: "b"})
	refused("another one")
	if other.ID() == m.ID() || len(m.ID()) != 32 {
		t.Errorf("ids are %q and %q", m.ID(), other.ID())
	}
	if configs, _ := load(t, other); configs.Stats().Configs != 0 {
		t.Errorf("in the other database there are %+v", configs.Stats())
	}
	mustRefuse(t, dsn, store.MySQLOptions{Database: m.ID()}, fault.Invalid, "has the id "+other.ID(), m.ID(), "nothing was changed there")
	open(t, dsn, store.MySQLOptions{Database: other.ID()})
	empty := mariadbtest.Shared(t).Database(t)
	mustRefuse(t, empty, store.MySQLOptions{Database: m.ID()}, fault.Invalid, "is a new one")
	if columns := describe(t, openSQL(t, empty)); len(columns) != 0 {
		t.Errorf("a refused database has %q", columns)
	}
}

func TestAReadOnlyServerIsUnavailableAndThenTakesWritesAgain(t *testing.T) {
	server := mariadbtest.New(t)
	dsn := server.Database(t)
	db := openSQL(t, dsn)
	name := databaseOf.FindStringSubmatch(dsn)[1]
	// The test's own user may write in spite of read_only.
	mustExec(t, db, "CREATE USER 'plain'@'127.0.0.1' IDENTIFIED BY 'plain'", "GRANT ALL ON "+name+".* TO 'plain'@'127.0.0.1'")
	m := open(t, strings.Replace(dsn, "nacre:nacre@", "plain:plain@", 1), store.MySQLOptions{WriteTimeout: 2 * time.Second})
	mustCommit(t, m, publish(t, public("a"), "1", ""))
	mustExec(t, db, "SET GLOBAL read_only = 1")
	_, err := m.Commit(t.Context(), []journal.Command{publish(t, public("a"), "2", "")})
	mustSay(t, err, fault.Unavailable, "read-only", "nothing was written")
	if configs, _ := load(t, m); string(configs.Get(public("a")).Formal.Content) != "1" {
		t.Error("what was refused is there")
	}
	mustExec(t, db, "SET GLOBAL read_only = 0")
	mustCommit(t, m, publish(t, public("a"), "2", digest("1")))
}
