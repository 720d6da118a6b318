package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/store"
	"nacre/server/store/mariadbtest"
)

// The database is killed under load and comes back, again and again; what was acknowledged is there,
// and what was said not to be written is not.
func TestWhatWasAcknowledgedSurvivesAKilledDatabase(t *testing.T) {
	server := mariadbtest.New(t)
	m := open(t, server.Database(t), store.MySQLOptions{WriteTimeout: 2 * time.Second})
	group := journal.NewGroup(m, journal.GroupConfig{})
	run, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = group.Run(run) })
	defer running.Wait()
	defer stop()

	const writers, kills = 16, 4
	type written struct {
		acknowledged, possible map[string]bool
	}
	var all [writers]written
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := 0
	for w := range writers {
		all[w] = written{map[string]bool{}, map[string]bool{}}
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("w%d-%d", w, n)
				_, err := group.Submit(context.WithoutCancel(ctx), publish(t, public(id), id, ""))
				switch {
				case err == nil:
					all[w].acknowledged[id] = true
					mu.Lock()
					count++
					mu.Unlock()
				case fault.KindOf(err) != fault.Unavailable:
					t.Error(err)
				case !strings.Contains(fault.TextOf(err), "nothing was written"):
					all[w].possible[id] = true
				}
			}
		})
	}
	acknowledged := func() int { mu.Lock(); defer mu.Unlock(); return count }
	for range kills {
		before := acknowledged()
		eventually(t, func() error {
			if acknowledged() < before+200 {
				return errors.New("the writers make no progress")
			}
			return nil
		})
		server.Kill(t)
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	wg.Wait()

	configs, _ := load(t, m)
	unknown := 0
	for w := range all {
		unknown += len(all[w].possible)
		for id := range all[w].acknowledged {
			if it := configs.Get(public(id)); it == nil || string(it.Formal.Content) != id {
				t.Errorf("%s was acknowledged and is gone", id)
			}
		}
	}
	configs.Each(func(k config.Key, _ *config.Item) bool {
		ours := false
		for w := range all {
			ours = ours || all[w].acknowledged[k.DataID] || all[w].possible[k.DataID]
		}
		if !ours {
			t.Errorf("%s was said not to be written, and is there", k)
		}
		return true
	})
	t.Logf("%d acknowledged over %d kills, %d of unknown outcome", acknowledged(), kills, unknown)
}

func TestAPausedDatabaseIsUnavailableWithinTheDeadline(t *testing.T) {
	server := mariadbtest.New(t)
	m := open(t, server.Database(t), store.MySQLOptions{WriteTimeout: 700 * time.Millisecond, ReadTimeout: 700 * time.Millisecond})
	mustCommit(t, m, publish(t, public("a"), "1", ""))
	server.Pause(t)
	for range 2 { // on a connection that was open, then on a new one
		start := time.Now()
		_, err := m.Commit(t.Context(), []journal.Command{publish(t, public("a"), "2", "")})
		if took := time.Since(start); fault.KindOf(err) != fault.Unavailable || took > 2*time.Second {
			t.Errorf("a write ended after %v with %v", took, err)
		}
		start = time.Now()
		_, err = m.Queries().List(t.Context(), config.Filter{PageNo: 1, PageSize: 1})
		if took := time.Since(start); fault.KindOf(err) != fault.Unavailable || took > 2*time.Second {
			t.Errorf("a query ended after %v with %v", took, err)
		}
	}
	server.Resume(t)
	eventually(t, func() error {
		_, err := m.Commit(t.Context(), []journal.Command{publish(t, public("a"), "3", "")})
		return err
	})
	if configs, _ := load(t, m); string(configs.Get(public("a")).Formal.Content) != "3" {
		t.Error("after the pause the write is not there")
	}
}

// Connections are killed at any moment of a transaction. Each write is there once when it was acknowledged, and not when it was said so.
func TestKilledConnectionsWriteOnceOrNotAtAll(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	name := databaseOf.FindStringSubmatch(dsn)[1]
	var told []uint64
	m := open(t, dsn, store.MySQLOptions{WriteTimeout: 10 * time.Second, Committed: func(before, after uint64, _ []journal.Change) { told = append(told, before+1, after) }})
	db := openSQL(t, strings.Replace(dsn, name, "information_schema", 1))
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	const kills = 60
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		for n := 0; n < kills && ctx.Err() == nil; {
			var id int64
			// Of a connection that does something, in whichever phase that is.
			if err := db.QueryRow("SELECT id FROM processlist WHERE db = ? AND command = 'Query' LIMIT 1", name).Scan(&id); err != nil {
				continue
			}
			if _, err := db.Exec(fmt.Sprintf("KILL CONNECTION %d", id)); err == nil {
				n++
			}
		}
	}()
	acknowledged, unknown, refused := 0, 0, 0
	want := map[string][2]int{} // how often it was written, at least and at most
	for n := 0; ; n++ {
		id := fmt.Sprint("k", n)
		_, err := m.Commit(t.Context(), []journal.Command{publish(t, public(id), id, "")})
		switch {
		case err == nil:
			acknowledged++
			want[id] = [2]int{1, 1}
		case fault.KindOf(err) != fault.Unavailable:
			t.Error(err)
		case strings.Contains(fault.TextOf(err), "nothing was written"):
			refused++
			want[id] = [2]int{0, 0}
		default:
			unknown++
			want[id] = [2]int{0, 1}
		}
		select {
		case <-killed:
		default:
			continue
		}
		break
	}
	if ctx.Err() != nil {
		t.Fatal("there was too little to kill within the time")
	}
	written := map[string]int{}
	if err := query(t.Context(), openSQL(t, dsn), "SELECT data_id, COUNT(*) FROM his_config_info GROUP BY data_id", func(scan func(...any) error) error {
		var id string
		var n int
		err := scan(&id, &n)
		written[id] = n
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for id, n := range want {
		if written[id] < n[0] || written[id] > n[1] {
			t.Errorf("%s is there %d times, want %d to %d", id, written[id], n[0], n[1])
		}
	}
	for i := 1; i < len(told); i++ {
		if told[i] < told[i-1] {
			t.Fatalf("told of revisions out of order: %v", told)
		}
	}
	if acknowledged == 0 {
		t.Error("nothing was written at all")
	}
	t.Logf("%d acknowledged, %d said not to be written, %d of unknown outcome over %d kills", acknowledged, refused, unknown, kills)
}
