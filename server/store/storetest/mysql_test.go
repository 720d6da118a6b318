package storetest

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"nacre/server/config"
	"nacre/server/config/configpb"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/namespace/namespacepb"
	"nacre/server/store"
	"nacre/server/store/mariadbtest"
)

// told remembers what a node was told of commits.
type told struct {
	mu        sync.Mutex
	revisions []uint64
}

func (o *told) committed(before, after uint64, _ []journal.Change) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.revisions = append(o.revisions, before+1, after)
}

func TestOfTwoNodesThatCompareAndSetOneWins(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	const keys, rounds, contenders = 3, 25, 2
	var nodes [2]*store.MySQL
	var heard [2]told
	for i := range nodes {
		nodes[i] = open(t, dsn, store.MySQLOptions{WriteTimeout: 20 * time.Second, Committed: heard[i].committed})
	}
	key := func(n int) config.Key { return public(fmt.Sprintf("counter%d", n)) }
	for n := range keys {
		mustCommit(t, nodes[0], publish(t, key(n), "0", ""))
	}
	type win struct {
		node, worker, key, value int
		revision                 uint64
	}
	var mu sync.Mutex
	var wins []win
	var wg sync.WaitGroup
	db := openSQL(t, dsn)
	for i, m := range nodes {
		for worker := range contenders {
			wg.Go(func() {
				// Each keeps counting from what it last knew; a refusal makes it read.
				for n := range keys * rounds {
					k := n % keys
					var value int
					if err := db.QueryRow("SELECT content FROM config_info WHERE data_id = ?", key(k).DataID).Scan(&value); err != nil {
						t.Error(err)
						return
					}
					results, err := m.Commit(t.Context(), []journal.Command{publish(t, key(k), fmt.Sprint(value+1), digest(fmt.Sprint(value)))})
					if err != nil {
						t.Error(err)
						return
					}
					if o := results[0].Outcome.(config.Outcome); o.Fault == nil {
						mu.Lock()
						wins = append(wins, win{i, worker, k, value + 1, o.Revision})
						mu.Unlock()
					} else if o.Fault.Code != config.CodeCAS {
						t.Error(o.Fault)
					}
				}
			})
		}
	}
	wg.Wait()
	slices.SortFunc(wins, func(a, b win) int { return int(a.revision) - int(b.revision) })
	at := map[int]int{}
	for i, w := range wins {
		if want := uint64(keys + 1 + i); w.revision != want {
			t.Fatalf("the %dth change has the revision %d, want %d", i, w.revision, want)
		}
		if at[w.key]++; at[w.key] != w.value {
			t.Fatalf("revision %d made %s %d, want %d: an update was lost", w.revision, key(w.key), w.value, at[w.key])
		}
	}
	configs, _ := load(t, nodes[1])
	for n := range keys {
		if got := string(configs.Get(key(n)).Formal.Content); got != fmt.Sprint(at[n]) {
			t.Errorf("%s ended at %s, want %d", key(n), got, at[n])
		}
	}
	for i := range heard {
		if !slices.IsSorted(heard[i].revisions) {
			t.Errorf("node %d was told of revisions out of order", i)
		}
	}
	t.Logf("%d of %d attempts won", len(wins), keys*rounds*contenders*len(nodes))
}

func TestAValueThatDoesNotFitIsRefusedAlone(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	mustExec(t, openSQL(t, dsn), dump("2.5")...) // utf8: no character beyond the BMP
	m := open(t, dsn, store.MySQLOptions{})
	var group []journal.Command
	for i := range 40 {
		content := "fits"
		switch i {
		case 7:
			content = "does not 🦪"
		case 31:
			content = "no UTF-8 \xff"
		}
		group = append(group, publish(t, public(fmt.Sprintf("c%d", i)), content, ""))
	}
	long, err := proto.Marshal(&namespacepb.Create{Id: "n", Name: strings.Repeat("x", 129)})
	if err != nil {
		t.Fatal(err)
	}
	group = append(group, journal.Command{Kind: namespace.KindCreate, Body: long})
	results, err := m.Commit(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	var refused []int
	for i, r := range results {
		if err := r.Outcome.Err(); err != nil {
			refused = append(refused, i)
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "does not fit") {
				t.Errorf("%d was refused with %v", i, err)
			}
		}
	}
	if !slices.Equal(refused, []int{7, 31, 40}) {
		t.Errorf("refused were %v", refused)
	}
	if configs, _ := load(t, m); configs.Stats().Configs != 38 {
		t.Errorf("stored were %+v", configs.Stats())
	}
}

// Nacos' script makes the table of variants with a collation that takes upper for lower case.
func TestAVariantThatTheTableTakesForAnotherIsRefusedAlone(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	mustExec(t, openSQL(t, dsn), dump("2.5")...)
	m := open(t, dsn, store.MySQLOptions{})
	var group []journal.Command
	for _, name := range []string{"tag_x", "tag_y", "tag_X"} {
		body, err := proto.Marshal(&configpb.Publish{
			Key: &configpb.Key{Namespace: "public", Group: "g", DataId: "a"}, Content: []byte(name), Md5: digest(name), AtMs: 1000, Attributes: &configpb.Attributes{},
			Actor: &configpb.Actor{}, Gray: &configpb.Gray{Name: name, Type: config.RuleTag, Version: config.RuleVersion, Expr: name, Priority: config.PriorityTag},
		})
		if err != nil {
			t.Fatal(err)
		}
		group = append(group, journal.Command{Kind: config.KindPublish, Body: body})
	}
	results, err := m.Commit(t.Context(), append(group, publish(t, public("A"), "another key", "")))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if err := r.Outcome.Err(); i != 2 && err != nil || i == 2 && fault.KindOf(err) != fault.Conflict {
			t.Errorf("%d: %v", i, err)
		}
	}
	configs, _ := load(t, m)
	if it := configs.Get(public("a")); it == nil || len(it.Grays) != 2 || configs.Get(public("A")) == nil {
		t.Errorf("stored is %+v", it)
	}
}

func TestLargeContentsGoInSeveralStatements(t *testing.T) {
	m := open(t, mariadbtest.Shared(t).Database(t), store.MySQLOptions{WriteTimeout: time.Minute})
	large := strings.Repeat("0123456789abcde\n", 10<<20/16)
	var group []journal.Command
	for i := range 4 {
		group = append(group, publish(t, public(fmt.Sprint(i)), large, ""))
	}
	mustCommit(t, m, group...)
	mustCommit(t, m, group...)
	configs, _ := load(t, m)
	if s := configs.Stats(); s.Configs != 4 || s.Bytes != int64(4*len(large)) {
		t.Errorf("stored are %+v", s)
	}
}

func TestALockThatAnotherProgramHoldsIsWaitedForAndThenGivenUp(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	m := open(t, dsn, store.MySQLOptions{WriteTimeout: 3 * time.Second})
	mustCommit(t, m, publish(t, public("a"), "1", ""))
	other, err := openSQL(t, dsn).Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec("UPDATE config_info SET content = 'theirs' WHERE data_id = 'a'"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	_, err = m.Commit(t.Context(), []journal.Command{publish(t, public("a"), "2", "")})
	if took := time.Since(start); fault.KindOf(err) != fault.Unavailable || !strings.Contains(fault.TextOf(err), "nothing was written") || took > 4*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	if out := mustCommit(t, m, publish(t, public("a"), "2", digest("1"))); out[0].Revision != 2 {
		t.Errorf("after the lock was gone: %+v", out)
	}
}

func TestAnotherProgramsInsertIsDecidedOn(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	m := open(t, dsn, store.MySQLOptions{WriteTimeout: 10 * time.Second})
	db := openSQL(t, dsn)
	other, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback()
	// Not committed yet: our lookup does not see the row, our insert waits for it.
	if _, err := other.Exec(insertConfig("a", "public", "theirs", "2021-01-01 00:00:00", "")); err != nil {
		t.Fatal(err)
	}
	got := make(chan config.Outcome, 1)
	go func() {
		results, err := m.Commit(t.Context(), []journal.Command{publish(t, public("a"), "ours", digest("not theirs"))})
		if err != nil {
			t.Error(err)
			close(got)
			return
		}
		got <- results[0].Outcome.(config.Outcome)
	}()
	eventually(t, func() error {
		var waiting int
		if err := db.QueryRow("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'").Scan(&waiting); err != nil {
			return err
		}
		if waiting == 0 {
			return fmt.Errorf("nobody waits for a lock")
		}
		return nil
	})
	if err := other.Commit(); err != nil {
		t.Fatal(err)
	}
	if out := <-got; !out.Existed || out.Fault == nil || out.Fault.Code != config.CodeCAS {
		t.Errorf("the compare-and-set saw %+v", out)
	}
}

// eventually polls f until it returns nil.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(120 * time.Millisecond) // InnoDB keeps what it tells of its transactions for 100 ms
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-tick.C:
		}
	}
}

func TestTimesAreThoseOfTheSessionsZone(t *testing.T) {
	for _, zone := range []string{"+00:00", "+08:00", "-03:30"} {
		dsn := mariadbtest.Shared(t).Database(t) + "?time_zone=" + url.QueryEscape("'"+zone+"'")
		m := open(t, dsn, store.MySQLOptions{})
		mustCommit(t, m, publish(t, public("a"), "1", ""))
		db := openSQL(t, dsn[:strings.Index(dsn, "?")])
		var unix float64
		if err := db.QueryRow("SELECT UNIX_TIMESTAMP(CONVERT_TZ(gmt_modified, ?, @@session.time_zone)) FROM config_info", zone).Scan(&unix); err != nil || unix != 1_700_000_000 {
			t.Errorf("in %s the time is %f, %v", zone, unix, err)
		}
		if configs, _ := load(t, m); configs.Get(public("a")).Formal.ModifiedMs != 1_700_000_000_000 {
			t.Errorf("in %s %d is read", zone, configs.Get(public("a")).Formal.ModifiedMs)
		}
	}
}

// What a group touches is looked up by index, in the tables of old scripts as in ours: a scan would
// lock every row.
func TestRowsAreLockedByIndex(t *testing.T) {
	for _, version := range []string{"", "2.5"} {
		dsn := mariadbtest.Shared(t).Database(t)
		db := openSQL(t, dsn)
		if version != "" {
			mustExec(t, db, dump(version)...)
		}
		m := open(t, dsn, store.MySQLOptions{WriteTimeout: 30 * time.Second})
		var all []journal.Command
		for i := range 9000 {
			all = append(all, publish(t, config.Key{Namespace: []string{"public", "dev"}[i%2], Group: fmt.Sprint("g", i%7), DataID: fmt.Sprint("id", i)}, "x", ""))
		}
		mustCommit(t, m, all...)
		mustExec(t, db, "ANALYZE TABLE config_info")
		read := func() int {
			var n int
			if err := db.QueryRow("SELECT SUM(variable_value) FROM information_schema.global_status WHERE variable_name IN ('HANDLER_READ_RND_NEXT', 'HANDLER_READ_NEXT', 'HANDLER_READ_FIRST')").Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		before := read()
		mustCommit(t, m, all[:500]...)
		// The status query itself reads a table of some hundreds of rows.
		if n := read() - before; n > 5000 {
			t.Errorf("%q: a group of 500 of 3000 read %d rows in a row", version, n)
		} else {
			t.Logf("%q: %d rows read in a row", version, n)
		}
	}
}

func TestQueriesSeeWhatWasCommitted(t *testing.T) {
	m := open(t, mariadbtest.Shared(t).Database(t), store.MySQLOptions{})
	tagged, err := proto.Marshal(&configpb.Publish{
		Key: &configpb.Key{Namespace: "public", Group: "g", DataId: "tagged"}, Content: []byte("with tags"), Md5: digest("with tags"),
		Attributes: &configpb.Attributes{Type: "yaml", TagsGiven: true, Tags: []string{"t2", "t1"}}, Actor: &configpb.Actor{User: "u"}, AtMs: 1_700_000_000_000,
	})
	if err != nil {
		t.Fatal(err)
	}
	out := mustCommit(t, m, publish(t, public("a"), "one", ""), publish(t, public("b"), "two_x", ""), publish(t, config.Key{Namespace: "dev", Group: "g", DataID: "a"}, "three", ""),
		journal.Command{Kind: config.KindPublish, Body: tagged}, publish(t, public("a"), "one more", ""))
	q := m.Queries()
	for _, tt := range []struct {
		name string
		f    config.Filter
		want string
	}{
		{"everything", config.Filter{}, "a b a tagged"},
		{"the default namespace", config.Filter{Namespace: "public"}, "a b tagged"},
		{"a pattern of namespaces", config.Filter{Namespace: "p*c", NamespacePattern: true}, "a b tagged"},
		{"another namespace", config.Filter{Namespace: "dev"}, "a"},
		{"a pattern of dataIds", config.Filter{DataID: "t*"}, "tagged"},
		{"an exact dataId with a star", config.Filter{DataID: "t*", Exact: true}, ""},
		{"a tag", config.Filter{Tags: []string{"t1"}}, "tagged"},
		{"a type", config.Filter{Types: []string{"yaml"}}, "tagged"},
		{"a piece of the content", config.Filter{Content: "*w*"}, "b tagged"},
		{"case counts", config.Filter{DataID: "A"}, ""},
	} {
		tt.f.PageNo, tt.f.PageSize = 1, 10
		page, err := q.List(t.Context(), tt.f)
		if err != nil {
			t.Fatal(tt.name, err)
		}
		var ids []string
		for _, e := range page.Items {
			ids = append(ids, e.Key.DataID)
		}
		if got := strings.Join(ids, " "); got != tt.want || page.Total != len(ids) {
			t.Errorf("%s: %d: %s, want %s", tt.name, page.Total, got, tt.want)
		}
	}
	history, err := q.History(t.Context(), public("a"), "", 1, 10)
	if err != nil || history.Total != 2 || len(history.Items) != 2 || history.Items[0].Op != config.OpUpdate {
		t.Fatalf("history %+v, %v", history, err)
	}
	row, err := q.HistoryRow(t.Context(), history.Items[1].NID)
	if err != nil || string(row.Content) != "one" || row.Key != public("a") {
		t.Errorf("the oldest row is %+v, %v", row, err)
	}
	next, err := q.HistoryNext(t.Context(), row)
	if err != nil || next == nil || next.NID != history.Items[0].NID {
		t.Errorf("the next row is %+v, %v", next, err)
	}
	previous, err := q.HistoryPrevious(t.Context(), out[0].ID)
	if err != nil || previous == nil || previous.NID != history.Items[0].NID {
		t.Errorf("the previous row is %+v, %v", previous, err)
	}
	if oldest, err := q.HistoryOldest(t.Context()); err != nil || oldest != 1_700_000_000_000 {
		t.Errorf("the oldest is of %d, %v", oldest, err)
	}
	all, err := q.ChangesSince(t.Context(), 1_700_000_000_000)
	if later, e := q.ChangesSince(t.Context(), 1<<45); err != nil || e != nil || all == 0 || later != 0 {
		t.Errorf("%d changes in all, %d later than all, %v %v", all, later, err, e)
	}
}
