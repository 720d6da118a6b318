package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nacre/server/archive"
	"nacre/server/auth"
	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/naming"
	"nacre/server/store"
	"nacre/server/store/mariadbtest"
)

// moved is some of everything, as another server has it.
func moved() []journal.Change {
	desc, blank := "of the shop", ""
	key := func(i int) config.Key {
		return config.Key{Namespace: []string{"public", "dev"}[i%2], Group: "g", DataID: fmt.Sprintf("app%d", i)}
	}
	var rows, past []journal.Change
	for i := range 700 {
		content := fmt.Appendf(nil, "a: %d # ä 🦪\r\n", i)
		e := &config.Entry{
			Key: key(i), Content: content, MD5: config.MD5(content), Type: "yaml", AppName: "shop", SrcUser: "alice", SrcIP: "10.0.0.7",
			CreatedMs: 1_700_000_000_123, ModifiedMs: 1_700_000_000_987 + int64(i), Revision: uint64(1000 + i),
		}
		if i%3 == 0 {
			e.Tags, e.Desc, e.Use = []string{"z", "a"}, &desc, &blank
		}
		rows = append(rows, config.EntryChange{After: e})
		past = append(past, config.HistoryAdded{Row: &config.History{
			Key: e.Key, Content: content, MD5: e.MD5, Op: config.OpInsert, PublishType: config.PublishFormal, ExtInfo: `{"type":"yaml"}`, SrcUser: "alice",
			CreatedMs: e.ModifiedMs, ModifiedMs: e.ModifiedMs, Revision: e.Revision,
		}})
	}
	// Two that another program made within a second, and one of a variant that is no more.
	again := &config.History{Key: key(1), Content: []byte("x"), MD5: config.MD5([]byte("x")), Op: config.OpUpdate, PublishType: config.PublishFormal, ConfigID: 1, CreatedMs: 1_700_000_001_000, ModifiedMs: 1_700_000_001_000}
	gone := &config.History{Key: key(1), Content: []byte("y"), MD5: config.MD5([]byte("y")), Op: config.OpUpdate, PublishType: config.PublishGray, GrayName: "tag_gone", ModifiedMs: 1_700_000_001_000, CreatedMs: 1_700_000_001_000, Revision: 1900}
	past = append(past, config.HistoryAdded{Row: again}, config.HistoryAdded{Row: again}, config.HistoryAdded{Row: gone})
	k := naming.Key{Namespace: "dev", Group: "g", Name: "orders"}
	weight := 0.5
	rows = append(rows,
		config.GrayChange{After: &config.Gray{Key: key(0), Name: config.GrayBeta, Rule: config.BetaRule("10.0.0.9"), Content: []byte("g"), MD5: config.MD5([]byte("g")), SrcUser: "bob", CreatedMs: 1_700_000_000_123, ModifiedMs: 1_700_000_000_456, Revision: 2000}},
		config.CapacityChange{After: &config.Capacity{Namespace: "dev", Quota: 77, CreatedMs: 1_700_000_000_123, ModifiedMs: 1_700_000_000_456}},
		config.CapacityChange{After: &config.Capacity{Group: "g", MaxSize: 99, CreatedMs: 1_700_000_000_123, ModifiedMs: 1_700_000_000_456}},
		namespace.Change{After: &namespace.Namespace{ID: "dev", Name: "development", Desc: "<d>", CreatedMs: 1_700_000_000_123, ModifiedMs: 1_700_000_000_456}},
		naming.ServiceChange{After: &naming.Service{Key: k, ProtectThreshold: 0.3, Metadata: naming.Metadata{{Key: "a", Value: "b"}}, User: "bob", CreatedMs: 1, ModifiedMs: 2}},
		naming.ClusterChange{After: &naming.Cluster{Key: k, Name: "DEFAULT", CheckPort: 80, Checker: naming.Checker{Type: naming.CheckNone}, ModifiedMs: 3}},
		naming.InstanceChange{After: &naming.Persistent{Key: k, User: "bob", CreatedMs: 4, ModifiedMs: 5, Instance: naming.Instance{IP: "10.1.1.1", Port: 80, Cluster: "DEFAULT", Weight: 2.5, Enabled: true, Metadata: naming.Metadata{{Key: "zone", Value: "a"}}}}},
		naming.OverrideChange{After: &naming.Override{Key: k, Of: naming.InstanceID{IP: "10.1.1.1", Port: 80, Cluster: "DEFAULT"}, Weight: &weight, User: "bob", AtMs: 6}},
		naming.SwitchChange{After: &naming.Switch{Entry: "lightBeatEnabled", Value: "false", User: "bob", AtMs: 7}},
	)
	rows = append(rows, past...)
	return append(rows, archive.UserRow{After: &auth.User{Name: "nacos", Hash: "$2a$10$hash", Roles: []string{auth.RoleAdmin, "dev"}, CreatedMs: 8, ModifiedMs: 9}})
}

// linesOf returns rows as an archive has them, and their counts.
func linesOf(t *testing.T, rows []journal.Change) (lines []archive.Line, counts archive.Counts) {
	t.Helper()
	var file bytes.Buffer
	w, err := archive.NewWriter(&file, archive.Header{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range rows {
		if err := w.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return linesIn(t, &file)
}

func linesIn(t *testing.T, file io.Reader) (lines []archive.Line, counts archive.Counts) {
	t.Helper()
	r, err := archive.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	counts = archive.Counts{}
	for {
		line, c, err := r.Next()
		if errors.Is(err, io.EOF) {
			return lines, counts
		}
		if err != nil {
			t.Fatal(err)
		}
		line.Row = bytes.Clone(line.Row)
		lines = append(lines, line)
		counts.Add(line.Kind, archive.DigestOf(c, archive.Seconds))
	}
}

// TestEverythingMovesIntoMySQLAndOutOfIt takes an archive over as a server on MySQL does, twice, and makes one of what is there then.
func TestEverythingMovesIntoMySQLAndOutOfIt(t *testing.T) {
	configs, cs := config.New(clock.System{}, config.Options{})
	spaces, ns := namespace.New(clock.System{}, namespace.Options{})
	users, us := auth.New(clock.System{}, auth.Options{})
	registry, rs := naming.New(naming.Config{Clock: clock.System{}})
	m := open(t, mariadbtest.Shared(t).Database(t), store.MySQLOptions{Committed: func(_, after uint64, changes []journal.Change) {
		for _, c := range changes {
			switch c := c.(type) {
			case namespace.Change:
				ns.Take(c)
			case auth.UserChange:
				us.Take(c)
			case naming.InstanceChange, naming.ServiceChange, naming.ClusterChange, naming.OverrideChange, naming.SwitchChange:
				rs.Take(c)
			}
		}
		cs.Take(changes)
		cs.Reach(after)
	}})
	group := journal.NewGroup(m, journal.GroupConfig{})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- group.Run(ctx) }()
	defer func() { stop(); <-done }()
	configs.Use(group, m.Queries())
	spaces.Use(group)
	users.Use(group)
	registry.Use(group)
	s := archive.New(archive.Config{
		Configs: configs, Namespaces: spaces, Users: users, Naming: registry, Clock: clock.System{}, Unit: archive.Seconds, Dir: t.TempDir(),
		Read: func(ctx context.Context, visit func(journal.Change)) (uint64, error) {
			loaded, err := m.Load(ctx, store.Visitor{
				Entry:     func(e *config.Entry) { visit(config.EntryChange{After: e}) },
				Gray:      func(g *config.Gray) { visit(config.GrayChange{After: g}) },
				Capacity:  func(c *config.Capacity) { visit(config.CapacityChange{After: c}) },
				Namespace: func(n *namespace.Namespace) { visit(namespace.Change{After: n}) },
				User:      func(u *auth.User) { visit(auth.UserChange{After: u}) },
				Registry:  visit,
				History:   func(h *config.History) { visit(config.HistoryAdded{Row: h}) },
			})
			return loaded.Counters.Revision, err
		},
	})
	lines, want := linesOf(t, moved())
	for round, state := range []string{archive.StateNew, archive.StateSame} {
		taken, err := s.Take(t.Context(), archive.Orders{Write: true, User: "op"}, lines)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range taken.Rows {
			if r.State != state {
				t.Fatalf("round %d: %s is %+v, not %s", round, lines[i], r, state)
			}
		}
		if diff := cmp.Diff(want, taken.Held); diff != "" {
			t.Fatalf("round %d: %s", round, diff)
		}
	}
	file, _, err := s.Make(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, got := linesIn(t, file); !cmp.Equal(want, got) {
		t.Error(cmp.Diff(want, got))
	}
	if at, err := m.Revision(t.Context()); err != nil || at < 2000 {
		t.Errorf("the counter is at %d, %v, below revisions that were taken over", at, err)
	}
}
