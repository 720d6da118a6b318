package storetest

import (
	"fmt"
	"testing"

	"nacre/server/journal"
	"nacre/server/store"
	"nacre/server/store/mariadbtest"
)

// What a group costs is how often it asks the database, and that does not grow with what is in it.
func TestAGroupAsksSeldom(t *testing.T) {
	dsn := mariadbtest.New(t).Database(t) // its counters are of the whole server
	db := openSQL(t, dsn)
	m := open(t, dsn, store.MySQLOptions{})
	asked := func() (n int) {
		if err := db.QueryRow("SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'QUESTIONS'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	mustCommit(t, m, publish(t, public("warm"), "x", ""))
	for _, size := range []int{1, 32, 256} {
		for _, tt := range []struct {
			what, content string
			most          int
		}{{"inserts", "1", 10}, {"updates", "2", 10}} {
			var group []journal.Command
			for i := range size {
				group = append(group, publish(t, public(fmt.Sprint("of", size, "-", i)), tt.content, ""))
			}
			before := asked()
			mustCommit(t, m, group...)
			n := asked() - before - 1
			if n > tt.most {
				t.Errorf("%d %s asked the database %d times, at most %d are needed", size, tt.what, n, tt.most)
			}
			t.Logf("%d %s: %d statements", size, tt.what, n)
		}
	}
}
