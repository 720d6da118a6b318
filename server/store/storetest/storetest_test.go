package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	_ "github.com/mattn/go-sqlite3"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"nacre/server/auth"
	"nacre/server/config"
	"nacre/server/draft"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/store"
	"nacre/server/store/mariadbtest"
)

func TestMain(m *testing.M) {
	code := mariadbtest.Main(m)
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// memory is a node's memory, and the rows of history that its changes make.
type memory struct {
	configs    *config.State
	namespaces *namespace.State
	users      *auth.State
	drafts     *draft.State
	written    []draft.Draft // the drafts as they were handed to the image
	history    []config.History
	index      uint64
	changes    []journal.Change // of the last commit
}

func newMemory() *memory {
	return &memory{configs: config.NewState(nil), namespaces: namespace.NewState(), users: auth.NewState(), drafts: draft.NewState()}
}

func (m *memory) Commit(_ context.Context, group []journal.Command) (results []journal.Result, err error) {
	m.index++
	m.changes = nil
	for _, cmd := range group {
		var outcome journal.Outcome
		var changes []journal.Change
		switch {
		case config.Owns(cmd.Kind):
			outcome, changes, err = m.configs.Decide(cmd)
		case auth.Owns(cmd.Kind):
			outcome, changes, err = m.users.Decide(cmd)
		case draft.Owns(cmd.Kind):
			outcome, changes, err = m.drafts.Decide(cmd)
		default:
			outcome, changes, err = m.namespaces.Decide(cmd)
		}
		if err != nil {
			return nil, err
		}
		for _, c := range changes {
			switch c := c.(type) {
			case config.HistoryAdded:
				m.history = append(m.history, *c.Row)
			case config.HistoryTrimmed:
				m.trim(c)
			case draft.Change:
				m.write(c)
			}
		}
		results, m.changes = append(results, journal.Result{Index: m.index, Outcome: outcome}), append(m.changes, changes...)
	}
	return results, nil
}

func (m *memory) trim(c config.HistoryTrimmed) {
	byAge := slices.Clone(m.history)
	slices.SortStableFunc(byAge, func(a, b config.History) int { return int(a.ModifiedMs - b.ModifiedMs) })
	gone := map[int64]bool{}
	for _, h := range byAge {
		if h.ModifiedMs < c.BeforeMs && int64(len(gone)) < c.Limit {
			gone[h.NID] = true
		}
	}
	m.history = slices.DeleteFunc(m.history, func(h config.History) bool { return gone[h.NID] })
}

// write does what the image does with a draft: memory does not hold it.
func (m *memory) write(c draft.Change) {
	if c.Before != nil {
		m.written = slices.DeleteFunc(m.written, func(d draft.Draft) bool { return d.User == c.Before.User && d.Key == c.Before.Key })
	}
	if c.After != nil {
		m.written = append(m.written, *c.After)
	}
}

func (m *memory) rows(context.Context) (rows, error) {
	var r rows
	m.configs.Each(func(_ config.Key, it *config.Item) bool {
		if it.Formal != nil {
			r.Entries = append(r.Entries, *it.Formal)
		}
		for _, g := range it.Grays {
			r.Grays = append(r.Grays, *g)
		}
		return true
	})
	for _, ns := range append([]string{""}, namespaces...) {
		for _, group := range append([]string{""}, groups...) {
			if c := m.configs.Capacity(ns, group); c != nil {
				r.Capacities = append(r.Capacities, *c)
			}
		}
	}
	for _, n := range m.namespaces.All() {
		r.Namespaces = append(r.Namespaces, *n)
	}
	r.History = slices.Clone(m.history)
	for _, u := range m.users.Users() {
		r.People.Users = append(r.People.Users, *u)
	}
	for _, n := range m.users.Sessions("") {
		r.People.Sessions = append(r.People.Sessions, *n)
	}
	r.People.Drafts = slices.Clone(m.written)
	r.People.sort()
	var infos []*draft.Info
	for i := range r.People.Drafts {
		infos = append(infos, draft.InfoOf(&r.People.Drafts[i]))
	}
	if diff := cmp.Diff(infos, m.drafts.All(), cmpopts.EquateEmpty()); diff != "" {
		return r, fmt.Errorf("memory knows other drafts (- written, + memory):\n%s", diff)
	}
	return r, nil
}

// embedded is memory with the SQLite image behind it.
type embedded struct {
	*memory
	image *store.Image
	db    *sql.DB
}

func (e *embedded) Commit(ctx context.Context, group []journal.Command) ([]journal.Result, error) {
	results, err := e.memory.Commit(ctx, group)
	if err != nil {
		return nil, err
	}
	return results, e.image.Write(e.index, e.changes)
}

func (e *embedded) rows(ctx context.Context) (rows, error) {
	if err := e.image.WaitFor(ctx, e.index); err != nil {
		return rows{}, err
	}
	r, err := readRows(ctx, e.db)
	if err != nil {
		return r, err
	}
	if r.People, err = readPeople(ctx, e.db, imageUsers); err != nil {
		return r, err
	}
	return r, e.loaded(ctx)
}

// loaded compares what a start would load with what memory holds.
func (e *embedded) loaded(ctx context.Context) error {
	users, drafts := auth.NewState(), draft.NewState()
	if _, err := e.image.Load(ctx, store.Visitor{User: users.LoadUser, Session: users.LoadSession, Draft: drafts.Load}); err != nil {
		return err
	}
	diff := cmp.Diff(e.users.Users(), users.Users(), cmpopts.EquateEmpty()) + cmp.Diff(e.users.Sessions(""), users.Sessions("")) + cmp.Diff(e.drafts.All(), drafts.All())
	for _, i := range drafts.All() {
		d, err := e.image.Draft(ctx, i.User, i.Key)
		if err != nil {
			return err
		}
		diff += cmp.Diff(i, draft.InfoOf(d))
	}
	if diff != "" {
		return fmt.Errorf("loaded was (- in memory, + loaded):\n%s", diff)
	}
	return e.image.VerifyHistory(ctx)
}

// shared is a MariaDB database.
type shared struct {
	*store.MySQL
	db   *sql.DB
	tail follower
}

// rows are read by SQL; what Load gives a node's memory must be the same.
func (s *shared) rows(ctx context.Context) (rows, error) {
	r, err := readRows(ctx, s.db)
	if err != nil {
		return r, err
	}
	m := newMemory()
	loaded, err := s.Load(ctx, store.Visitor{
		Entry: m.configs.LoadEntry, Gray: m.configs.LoadGray, Capacity: m.configs.LoadCapacity, Namespace: m.namespaces.Load,
		User: m.users.LoadUser, Session: m.users.LoadSession, Draft: m.drafts.Load,
	})
	if err != nil {
		return r, err
	}
	for _, i := range m.drafts.All() {
		d, err := s.Draft(ctx, i.User, i.Key)
		if err != nil || d == nil {
			return r, fmt.Errorf("the draft %+v: %v", i, err)
		}
		m.written = append(m.written, *d)
	}
	if err := s.tail.follow(ctx, s.MySQL); err != nil {
		return r, err
	}
	if err := s.tail.compare(ctx, s.MySQL); err != nil {
		return r, err
	}
	if r.People, err = readPeople(ctx, s.db, sharedUsers); err != nil {
		return r, err
	}
	l, err := m.rows(ctx)
	if err != nil {
		return r, err
	}
	l.History = r.History
	for i := range r.History {
		if h := r.History[i].Revision; h > loaded.Counters.Revision {
			return r, fmt.Errorf("history has the revision %d, the counter is at %d", h, loaded.Counters.Revision)
		}
	}
	l.sort()
	r.sort()
	if diff := cmp.Diff(r, l, cmpopts.EquateEmpty()); diff != "" {
		return r, fmt.Errorf("loaded was (- in the database, + loaded):\n%s", diff)
	}
	return r, nil
}

func TestMemoryHoldsWhatTheModelHolds(t *testing.T) {
	run(t, drawAny, func(*rapid.T) backend { return newMemory() })
}

func TestTheImageHoldsWhatTheModelHolds(t *testing.T) {
	dir, n := t.TempDir(), 0
	run(t, drawAny, func(rt *rapid.T) backend {
		n++
		path := filepath.Join(dir, fmt.Sprintf("image%d.db", n))
		image, err := store.Open(t.Context(), store.Config{Path: path})
		if err != nil {
			rt.Fatal(err)
		}
		db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
		if err != nil {
			rt.Fatal(err)
		}
		rt.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
			if err := image.Close(); err != nil {
				t.Error(err)
			}
		})
		return &embedded{newMemory(), image, db}
	})
}

func TestMariaDBHoldsWhatTheModelHolds(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	open(t, dsn, store.MySQLOptions{})
	db, err := sql.Open("mysql", dsn+"?parseTime=true&multiStatements=true&loc=Local")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	run(t, drawAny, func(rt *rapid.T) backend {
		_, err := db.Exec("DELETE FROM config_info; DELETE FROM config_info_gray; DELETE FROM config_tags_relation; DELETE FROM his_config_info; DELETE FROM tenant_info; " +
			"DELETE FROM tenant_capacity; DELETE FROM group_capacity; DELETE FROM users; DELETE FROM roles; DELETE FROM nacre_user; DELETE FROM nacre_session; " +
			"DELETE FROM nacre_draft; DELETE FROM nacre_change; UPDATE nacre_revision SET revision = 0")
		if err != nil {
			rt.Fatal(err)
		}
		// One that has seen a higher revision would take the database for an older state.
		m, err := store.OpenMySQL(t.Context(), dsn, store.MySQLOptions{Node: "a"})
		if err != nil {
			rt.Fatal(err)
		}
		rt.Cleanup(func() { m.Close() })
		return &shared{MySQL: m, db: db, tail: follower{rows: map[string]string{}}}
	})
}

func TestTheSameCommandsLeadToTheSameMemoryAndChanges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := newMemory(), newMemory()
		for range rapid.IntRange(1, 60).Draw(rt, "commands") {
			cmd, err := drawAny(rt).encode(func(id int64) int64 { return id })
			if err != nil {
				rt.Fatal(err)
			}
			outA, errA := a.Commit(t.Context(), []journal.Command{cmd})
			outB, errB := b.Commit(t.Context(), []journal.Command{cmd})
			if errA != nil || errB != nil {
				rt.Fatal(errA, errB)
			}
			if diff := cmp.Diff(outcomeText(outA[0].Outcome), outcomeText(outB[0].Outcome)); diff != "" {
				rt.Fatal(diff)
			}
			if diff := cmp.Diff(a.changes, b.changes); diff != "" {
				rt.Fatal(diff)
			}
		}
		rowsA, _ := a.rows(t.Context())
		rowsB, _ := b.rows(t.Context())
		rowsA.sort()
		rowsB.sort()
		if diff := cmp.Diff(rowsA, rowsB); diff != "" || a.configs.Counters() != b.configs.Counters() {
			rt.Fatal("the two differ: ", diff)
		}
	})
}
