package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"nacre/server/auth"
	"nacre/server/config"
	"nacre/server/draft"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/naming"
	"nacre/server/naming/namingpb"
	"nacre/server/store"
	"nacre/server/store/mariadbtest"
)

// follower keeps what another node would know by the change log: rows by their keys, as texts.
type follower struct {
	at   uint64
	rows map[string]string
}

// follow reads the change log in small pieces until nothing is new.
func (f *follower) follow(ctx context.Context, m *store.MySQL) error {
	for {
		changes, revision, err := m.Tail(ctx, f.at, 3)
		if err != nil {
			return err
		}
		if revision < f.at || revision == f.at && len(changes) > 0 {
			return fmt.Errorf("after %d there are %d changes up to %d", f.at, len(changes), revision)
		}
		for _, c := range changes {
			if key, row := rowOf(c); row == "" {
				delete(f.rows, key)
			} else {
				f.rows[key] = row
			}
		}
		if revision == f.at {
			return nil
		}
		f.at = revision
	}
}

// compare compares what was followed with what the database holds.
func (f *follower) compare(ctx context.Context, m *store.MySQL) error {
	held := map[string]string{}
	visit := func(c journal.Change) { key, row := rowOf(c); held[key] = row }
	l, err := m.Load(ctx, store.Visitor{
		Entry: func(e *config.Entry) { visit(config.EntryChange{After: e}) }, Gray: func(g *config.Gray) { visit(config.GrayChange{After: g}) },
		Capacity: func(c *config.Capacity) { visit(config.CapacityChange{After: c}) }, Namespace: func(n *namespace.Namespace) { visit(namespace.Change{After: n}) },
		User: func(u *auth.User) { visit(auth.UserChange{After: u}) }, Session: func(n *auth.Session) { visit(auth.SessionChange{After: n}) },
		Draft: func(i *draft.Info) { visit(draft.Change{AfterInfo: i}) }, Registry: visit,
	})
	if err != nil {
		return err
	}
	if diff := cmp.Diff(held, f.rows); diff != "" || l.Index != f.at {
		return fmt.Errorf("at revision %d, followed up to %d (- loaded, + followed):\n%s", l.Index, f.at, diff)
	}
	return nil
}

// rowOf returns the key of a change's row and the row, "" when it is gone.
func rowOf(c journal.Change) (key, row string) {
	pick := func(name string, gone bool, v any, parts ...any) (string, string) {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		if gone {
			b = nil
		}
		return name + fmt.Sprintf("%q", parts), string(b)
	}
	switch c := c.(type) {
	case config.EntryChange:
		of := or(c.After, c.Before)
		if len(of.Tags) == 0 {
			e := *of
			e.Tags, of = nil, &e
		}
		return pick("entry", c.After == nil, of, of.Key)
	case config.GrayChange:
		return pick("gray", c.After == nil, c.After, or(c.After, c.Before).Key, or(c.After, c.Before).Name)
	case config.CapacityChange:
		return pick("capacity", c.After == nil, c.After, or(c.After, c.Before).Namespace, or(c.After, c.Before).Group)
	case namespace.Change:
		return pick("namespace", c.After == nil, c.After, or(c.After, c.Before).ID)
	case auth.UserChange:
		return pick("user", c.After == nil, c.After, or(c.After, c.Before).Name)
	case auth.SessionChange:
		return pick("session", c.After == nil, c.After, or(c.After, c.Before).ID)
	case draft.Change:
		return pick("draft", c.AfterInfo == nil, c.AfterInfo, or(c.AfterInfo, c.Before).User, or(c.AfterInfo, c.Before).Key)
	case naming.InstanceChange:
		of := or(c.After, c.Before)
		return pick("instance", c.After == nil, c.After, of.Key, of.Instance.IP, of.Instance.Port)
	case naming.ServiceChange:
		return pick("service", c.After == nil, c.After, or(c.After, c.Before).Key)
	case naming.ClusterChange:
		return pick("cluster", c.After == nil, c.After, or(c.After, c.Before).Key, or(c.After, c.Before).Name)
	case naming.OverrideChange:
		return pick("override", c.After == nil, c.After, or(c.After, c.Before).Key, or(c.After, c.Before).Of)
	case naming.SwitchChange:
		return pick("switch", c.After == nil, c.After, or(c.After, c.Before).Entry)
	}
	panic(fmt.Sprintf("a change of kind %T", c))
}

func or[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}

// drawNaming draws a command of services; few names, so that commands meet each other.
func drawNaming(rt *rapid.T) journal.Command {
	key := &namingpb.Key{Namespace: rapid.SampledFrom([]string{"public", "n"}).Draw(rt, "namespace"), Group: "g", Name: rapid.SampledFrom([]string{"s", "S", "dienst ä"}).Draw(rt, "service")}
	of := func() *namingpb.Of {
		return &namingpb.Of{Ip: rapid.SampledFrom([]string{"10.0.0.1", "::1"}).Draw(rt, "ip"), Port: rapid.SampledFrom([]int32{0, 80}).Draw(rt, "port"),
			Cluster: rapid.SampledFrom([]string{"DEFAULT", "c"}).Draw(rt, "cluster")}
	}
	at := func() int64 { return rapid.Int64Range(1, 5).Draw(rt, "at") }
	some := func(label string, n int64) int64 { return rapid.SampledFrom([]int64{0, n, n + 1, 100}).Draw(rt, label) }
	by := &namingpb.Actor{User: "alice", Ip: "10.0.0.9"}
	var kind journal.Kind
	var m proto.Message
	switch rapid.IntRange(0, 13).Draw(rt, "kind") {
	case 0, 1, 2, 3:
		kind, m = naming.KindRegister, &namingpb.Register{Key: key, Actor: by, AtMs: at(), MaxService: some("most of a service", 2), MaxAll: some("most", 5),
			Instance: &namingpb.Instance{Of: of(), Weight: 1, Enabled: true, Healthy: rapid.Bool().Draw(rt, "healthy"), Metadata: []*namingpb.Pair{{Key: "k", Value: "<ä>"}}}}
	case 4, 5:
		kind, m = naming.KindDeregister, &namingpb.Deregister{Key: key, Of: of(), Actor: by}
	case 6:
		kind, m = naming.KindHealth, &namingpb.Health{Ones: []*namingpb.Health_One{{Key: key, Of: of(), Healthy: rapid.Bool().Draw(rt, "well")}, {Key: key, Of: of(), Healthy: true}}}
	case 7, 8:
		kind, m = naming.KindDescribe, &namingpb.Describe{Key: key, Mode: namingpb.Describe_Mode(rapid.IntRange(0, 2).Draw(rt, "mode")), Ephemeral: rapid.Bool().Draw(rt, "ephemeral"),
			ProtectThreshold: .5, Actor: by, AtMs: at(), MaxAll: some("most", 2)}
	case 9:
		kind, m = naming.KindRemove, &namingpb.Remove{Key: key, Actor: by}
	case 10:
		kind, m = naming.KindSetCluster, &namingpb.SetCluster{Key: key, Cluster: rapid.SampledFrom([]string{"DEFAULT", "c"}).Draw(rt, "name"), CheckPort: 81, AtMs: at(),
			Checker: &namingpb.Checker{Type: rapid.SampledFrom([]string{naming.CheckTCP, naming.CheckNone}).Draw(rt, "checker")}, Actor: by, MaxClusters: some("most", 1)}
	case 11:
		kind, m = naming.KindOverride, &namingpb.Override{Key: key, Of: of(), Weight: proto.Float64(2), Clear: rapid.Bool().Draw(rt, "clear"), Actor: by, AtMs: at(), MaxAll: some("most", 2)}
	case 12:
		kind, m = naming.KindSweep, &namingpb.Sweep{Ones: []*namingpb.Sweep_One{{Key: key, Of: of(), AtMs: at()}, {Key: key, Of: of(), AtMs: at()}}}
	default:
		kind, m = naming.KindSwitch, &namingpb.Switch{Entry: rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "entry"), Value: rapid.SampledFrom([]string{"", "x"}).Draw(rt, "value"), Actor: by, AtMs: at()}
	}
	body, err := proto.Marshal(m)
	if err != nil {
		rt.Fatal(err)
	}
	return journal.Command{Kind: kind, Body: body}
}

func TestTheRegistryIsDecidedOnMariaDBAsInMemory(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	db := openSQL(t, dsn)
	open(t, dsn, store.MySQLOptions{})
	rapid.Check(t, func(rt *rapid.T) {
		if _, err := db.Exec("DELETE FROM nacre_registry; DELETE FROM nacre_change; UPDATE nacre_revision SET revision = 0, instances = 0, services = 0, overrides = 0"); err != nil {
			rt.Fatal(err)
		}
		var told []journal.Change
		m, err := store.OpenMySQL(t.Context(), dsn, store.MySQLOptions{Committed: func(_, _ uint64, changes []journal.Change) { told = append(told, changes...) }})
		if err != nil {
			rt.Fatal(err)
		}
		defer m.Close()
		memory, tail := naming.NewState(), follower{rows: map[string]string{}}
		for range rapid.IntRange(1, 8).Draw(rt, "groups") {
			var group []journal.Command
			for range rapid.IntRange(1, 12).Draw(rt, "size") {
				group = append(group, drawNaming(rt))
			}
			var want []journal.Change
			told = nil
			results, err := m.Commit(t.Context(), group)
			if err != nil {
				rt.Fatal(err)
			}
			for i, cmd := range group {
				out, changes, err := memory.Decide(cmd)
				if err != nil {
					rt.Fatal(err)
				}
				want = append(want, changes...)
				if diff := cmp.Diff(namingText(out), namingText(results[i].Outcome)); diff != "" {
					rt.Fatalf("command %d of %d (- in memory, + in the database):\n%s", i+1, len(group), diff)
				}
			}
			if diff := cmp.Diff(want, told); diff != "" {
				rt.Fatalf("changes (- in memory, + in the database):\n%s", diff)
			}
			if rapid.Bool().Draw(rt, "follow") {
				if err := tail.follow(t.Context(), m); err != nil {
					rt.Fatal(err)
				}
			}
		}
		loaded := naming.NewState()
		if _, err := m.Load(t.Context(), store.Visitor{Registry: loaded.Load}); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(memory.Rows(), loaded.Rows()) + cmp.Diff(memory.Totals(), loaded.Totals()); diff != "" {
			rt.Fatalf("loaded was (- in memory, + loaded):\n%s", diff)
		}
		var counted naming.Totals
		if err := db.QueryRow("SELECT instances, services, overrides FROM nacre_revision").Scan(&counted.Instances, &counted.Services, &counted.Overrides); err != nil || counted != memory.Totals() {
			rt.Fatalf("counted are %+v, there are %+v (%v)", counted, memory.Totals(), err)
		}
		if err := errors.Join(tail.follow(t.Context(), m), tail.compareRegistry(loaded)); err != nil {
			rt.Fatal(err)
		}
	})
}

func namingText(o journal.Outcome) string {
	out := o.(naming.Outcome)
	return fmt.Sprintf("changed %t, existed %t, %v", out.Changed, out.Existed, out.Err())
}

func (f *follower) compareRegistry(s *naming.State) error {
	held := map[string]string{}
	for _, c := range s.Rows() {
		key, row := rowOf(c)
		held[key] = row
	}
	if !maps.Equal(held, f.rows) {
		return errors.New("followed was something else: " + cmp.Diff(held, f.rows))
	}
	return nil
}

func TestALargeGroupIsFollowedWholeOrNotAtAll(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	m := open(t, dsn, store.MySQLOptions{WriteTimeout: 30 * time.Second})
	var group []journal.Command
	for i := range 5000 {
		group = append(group, publish(t, public(fmt.Sprint("id", i)), "x", ""))
	}
	mustCommit(t, m, group...)
	mustCommit(t, m, group[0])
	for _, max := range []int{1, 4097, 1 << 20} {
		changes, at, err := m.Tail(t.Context(), 0, max)
		if whole := max > 5000; err != nil || len(changes) != 5000 || at != 5000 && !whole || at != 5001 && whole {
			t.Errorf("of at most %d there are %d up to %d, %v", max, len(changes), at, err)
		}
	}
	mustExec(t, openSQL(t, dsn), "DELETE FROM nacre_change WHERE revision = 5000 AND part = 0")
	if _, _, err := m.Tail(t.Context(), 0, 10); !errors.Is(err, store.ErrTrimmed) {
		t.Errorf("without its first part: %v", err)
	}
}

func TestWhoIsTooFarBehindIsTold(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	db := openSQL(t, dsn)
	m := open(t, dsn, store.MySQLOptions{})
	for range 5 {
		mustCommit(t, m, publish(t, public("a"), "1", ""), publish(t, public("b"), "1", ""))
	}
	mustExec(t, db, "UPDATE nacre_change SET changed_at = changed_at - 3700 WHERE revision <= 6")
	m = open(t, dsn, store.MySQLOptions{}) // a process trims with its first group
	mustCommit(t, m, publish(t, public("a"), "2", ""))
	for after, trimmed := range map[uint64]bool{0: true, 4: true, 5: true, 6: false, 10: false, 11: false} {
		changes, at, err := m.Tail(t.Context(), after, 100)
		if errors.Is(err, store.ErrTrimmed) != trimmed || !trimmed && (err != nil || at != 11 || (len(changes) > 0) != (after < 11)) {
			t.Errorf("after %d: %d changes up to %d, %v", after, len(changes), at, err)
		}
	}
}
