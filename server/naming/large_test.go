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
	took := func(what string, f func()) {
		t.Helper()
		from := time.Now()
		f()
		t.Logf("%s: %v", what, time.Since(from))
	}
	all := make([]Instance, size)
	for n := range all {
		all[n] = usual(n, n)
	}
	k := key("large")
	c, _ := w.connect("1")
	took("registering all at once", func() { w.must(c.RegisterBatch(k, all)) })
	took("again, the same", func() { w.must(c.RegisterBatch(k, all)) })
	took("1,000 one by one", func() {
		for n := range 1000 {
			i := usual(n*97%size, n)
			i.IP = fmt.Sprint("11.0.", n>>8, ".", n&255)
			if err := w.RegisterHTTP(alice, k, i); fault.CodeOf(err) != CodeLimit && size == 100_000 {
				t.Fatalf("one too many: %v", err)
			}
		}
	})
	took("1,000 changes, each looked at", func() {
		small, _ := w.connect("2")
		w.must(c.RegisterBatch(k, all[:size-1]))
		for n := range 1000 {
			i := all[size-1]
			i.Weight = float64(n)
			w.must(small.Register(k, i))
			w.Lookup(k, Query{})
		}
	})
	took("a million at once", func() {
		if err := c.RegisterBatch(k, make([]Instance, 1_000_000)); fault.CodeOf(err) != CodeLimit {
			t.Errorf("a million at once: %v", err)
		}
	})
	took("the end of the client", func() { c.Close("test") })
	many, _ := w.connect("3")
	took("one client in 10,000 services", func() {
		for n := range 10_000 {
			w.must(many.Register(key(fmt.Sprint("s", n)), all[0]))
		}
		if err := many.Register(key("one-more"), all[0]); fault.CodeOf(err) != CodeLimit {
			t.Errorf("one more service: %v", err)
		}
	})
	took("its end", func() { many.Close("test") })
	// Subscribers with lists of their own cost a view each.
	w.must(w.Open(Client{ID: "4"}, nobody{}).RegisterBatch(k, all[:1000]))
	for n := range 2000 {
		if _, err := w.Open(Client{ID: fmt.Sprint("sub", n)}, nobody{}).Subscribe(k, fmt.Sprint("DEFAULT,c", n)); err != nil {
			t.Fatal(err)
		}
	}
	took("telling 2,000 with lists of their own", func() {
		work := work{registry: w.Registry}
		i := all[2]
		i.IP = "12.0.0.1"
		w.must(w.RegisterHTTP(alice, k, i))
		work.tell(w.mono() + int64(w.cfg.Delay))
	})
}
