package external

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"nacre/server/auth"
	"nacre/server/config"
	"nacre/server/config/configpb"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/store"
	"nacre/server/store/mariadbtest"
)

func TestMain(m *testing.M) { os.Exit(mariadbtest.Main(m)) }

// configs is a Memory of configurations alone.
type configs struct {
	*config.State
	loads int
}

func (c *configs) Load(ctx context.Context, db *store.MySQL) (func(), uint64, error) {
	fresh := config.NewState(nil)
	loaded, err := db.Load(ctx, store.Visitor{Entry: fresh.LoadEntry, Gray: fresh.LoadGray})
	fresh.SetCounters(loaded.Counters)
	return func() { c.Replace(fresh); c.loads++ }, loaded.Index, err
}

func node(t *testing.T, dsn string) (*Node, *configs) {
	t.Helper()
	m := &configs{State: config.NewState(nil)}
	n, err := New(t.Context(), Config{
		Dir: t.TempDir(), Node: fmt.Sprintf("%032d", len(dsn)), DSN: dsn, Memory: m, ReconcileEvery: 50 * time.Millisecond,
		Held: store.Held{Config: m.Get, EachConfig: m.Each, Namespaces: func() []*namespace.Namespace { return nil }, Users: func() []*auth.User { return nil }},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n, m
}

func run(t *testing.T, n *Node) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

var key = config.Key{Namespace: "public", Group: "g", DataID: "a"}

func publish(t *testing.T, n *Node, content string) error {
	t.Helper()
	body, err := proto.Marshal(&configpb.Publish{
		Key: &configpb.Key{Namespace: key.Namespace, Group: key.Group, DataId: key.DataID}, Content: []byte(content), Md5: config.MD5([]byte(content)),
		Actor: &configpb.Actor{User: "alice", Ip: "10.0.0.1"}, AtMs: 1_800_000_000_000,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = n.Commit(t.Context(), []journal.Command{{Kind: config.KindPublish, Body: body}})
	return err
}

func mustPublish(t *testing.T, n *Node, content string) {
	t.Helper()
	if err := publish(t, n, content); err != nil {
		t.Fatal(err)
	}
}

func (c *configs) content() string {
	if it := c.Get(key); it != nil {
		return string(it.Formal.Content)
	}
	return ""
}

func execute(t *testing.T, dsn string, statements ...string) {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func eventually(t *testing.T, what func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if err = what(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

func TestANodeThatIsFurtherBehindThanTheChangeLogGoesLoadsAnew(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	a, _ := node(t, dsn)
	b, behind := node(t, dsn)
	for i := range 3 {
		mustPublish(t, a, fmt.Sprint(i))
	}
	execute(t, dsn, "DELETE FROM nacre_change")
	if err := b.Strong(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := behind.content(); got != "2" || behind.loads != 2 || behind.Revision() != a.State().Revision {
		t.Errorf("%q at %d after %d loads, the other is at %d", got, behind.Revision(), behind.loads, a.State().Revision)
	}
}

func TestAWriteAfterOthersWroteIsAnsweredWhenAllIsHeld(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	a, one := node(t, dsn)
	b, two := node(t, dsn)
	for i := range 5 {
		mustPublish(t, a, fmt.Sprint("a", i))
		if got := one.content(); got != fmt.Sprint("a", i) {
			t.Fatalf("a holds %q", got)
		}
		mustPublish(t, b, fmt.Sprint("b", i))
		if got := two.content(); got != fmt.Sprint("b", i) {
			t.Fatalf("b holds %q", got)
		}
	}
	if err := a.Strong(t.Context()); err != nil {
		t.Fatal(err)
	}
	if one.Sums().Now != two.Sums().Now {
		t.Errorf("%+v and %+v", one.Sums(), two.Sums())
	}
}

func TestWhatAHandChangesInTheDatabaseIsFound(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	a, one := node(t, dsn)
	b, two := node(t, dsn)
	mustPublish(t, a, "by us")
	run(t, a)
	run(t, b)
	execute(t, dsn, "UPDATE config_info SET content = 'by hand' WHERE data_id = 'a'")
	for _, m := range []*configs{one, two} {
		eventually(t, func() error {
			it := m.Get(key)
			if it == nil || string(it.Formal.Content) != "by hand" || it.Formal.MD5 != config.MD5([]byte("by hand")) {
				return fmt.Errorf("held is %+v", it)
			}
			return nil
		})
	}
	execute(t, dsn, "DELETE FROM config_info WHERE data_id = 'a'")
	for _, m := range []*configs{one, two} {
		eventually(t, func() error {
			if it := m.Get(key); it != nil {
				return fmt.Errorf("held is %+v", it)
			}
			return nil
		})
	}
}

func TestADatabaseThatWasEmptiedTakesNoWrites(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	n, m := node(t, dsn)
	mustPublish(t, n, "kept")
	run(t, n)
	execute(t, dsn, "DROP TABLE nacre_revision")
	eventually(t, func() error {
		err := n.Ready()
		if err == nil {
			return fmt.Errorf("it is ready")
		}
		return nil
	})
	if err := publish(t, n, "lost"); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a write: %v", err)
	}
	if got := m.content(); got != "kept" {
		t.Errorf("served is %q", got)
	}
}
