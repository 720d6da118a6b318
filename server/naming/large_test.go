package naming

import (
	"fmt"
	"testing"
	"time"

	"nacre/server/fault"
)

// TestOneOfEachThatIsTooLarge has one service with 100,000 instances, one client in 10,000 services, and a million instances that are refused:
// each takes its share of time and no more.
func TestOneOfEachThatIsTooLarge(t *testing.T) {
	size := 100_000
	if testing.Short() {
		size = 10_000
	}
	w := newWorld(t, Config{})
	took := func(what string, most time.Duration, f func()) {
		t.Helper()
		from := time.Now()
		f()
		d := time.Since(from)
		t.Logf("%s: %v", what, d)
		if d > most {
			t.Errorf("%s took %v, at most %v is wanted", what, d, most)
		}
	}
	all := make([]Instance, size)
	for n := range all {
		all[n] = usual(n, n)
	}
	k := key("large")
	c, _ := w.connect("1")
	took("registering all at once", 10*time.Second, func() { w.must(c.RegisterBatch(k, all)) })
	took("again, the same", 10*time.Second, func() { w.must(c.RegisterBatch(k, all)) })
	took("1,000 one by one", 10*time.Second, func() {
		for n := range 1000 {
			i := usual(n*97%size, n)
			i.IP = fmt.Sprint("11.0.", n>>8, ".", n&255)
			if err := w.RegisterHTTP(alice, k, i); fault.CodeOf(err) != CodeLimit && size == 100_000 {
				t.Fatalf("one too many: %v", err)
			}
		}
	})
	took("1,000 changes, each looked at", 30*time.Second, func() {
		small, _ := w.connect("2")
		w.must(c.RegisterBatch(k, all[:size-1]))
		for n := range 1000 {
			i := all[size-1]
			i.Weight = float64(n)
			w.must(small.Register(k, i))
			w.Lookup(k, Query{})
		}
	})
	took("a million at once", 10*time.Second, func() {
		if err := c.RegisterBatch(k, make([]Instance, 1_000_000)); fault.CodeOf(err) != CodeLimit {
			t.Errorf("a million at once: %v", err)
		}
	})
	took("the end of the client", 10*time.Second, func() { c.Close("test") })
	many, _ := w.connect("3")
	took("one client in 10,000 services", 10*time.Second, func() {
		for n := range 10_000 {
			w.must(many.Register(key(fmt.Sprint("s", n)), all[0]))
		}
		if err := many.Register(key("one-more"), all[0]); fault.CodeOf(err) != CodeLimit {
			t.Errorf("one more service: %v", err)
		}
	})
	took("its end", 10*time.Second, func() { many.Close("test") })
	// Subscribers with lists of their own cost a view each.
	w.must(w.Open(Client{ID: "4"}, nobody{}).RegisterBatch(k, all[:1000]))
	for n := range 2000 {
		if _, err := w.Open(Client{ID: fmt.Sprint("sub", n)}, nobody{}).Subscribe(k, fmt.Sprint("DEFAULT,c", n)); err != nil {
			t.Fatal(err)
		}
	}
	took("telling 2,000 with lists of their own", 5*time.Second, func() {
		work := work{registry: w.Registry}
		i := all[2]
		i.IP = "12.0.0.1"
		w.must(w.RegisterHTTP(alice, k, i))
		work.tell(w.mono() + int64(w.cfg.Delay))
	})
}
