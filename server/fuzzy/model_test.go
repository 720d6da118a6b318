package fuzzy

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestAtRestEachWatchKnowsWhatExists lets names come and go and clients begin, fail and end, and then rest.
func TestAtRestEachWatchKnowsWhatExists(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type client struct {
			watch *Watch[key]
			knows map[key]bool
			told  int
		}
		x := NewIndex[key]()
		exist := make(map[key]bool)
		each := func(f func(key) bool) {
			for _, k := range slices.SortedFunc(maps.Keys(exist), key.Compare) {
				if !f(k) {
					return
				}
			}
		}
		var clients []*client
		step := func(c *client, ok bool) bool {
			m, more := c.watch.Next()
			if !more {
				return false
			}
			if len(m.Changes) > BatchSize || m.Sync == "" && len(m.Changes) != 1 {
				t.Fatalf("%+v", m)
			}
			if ok || rapid.Bool().Draw(t, "the answer alone was lost") {
				for _, ch := range m.Changes {
					if delete(c.knows, ch.Key); ch.Exists {
						c.knows[ch.Key] = true
					}
				}
			}
			c.watch.Done(ok)
			return true
		}
		t.Repeat(map[string]func(*rapid.T){
			"come or go": func(*rapid.T) {
				k := key{Namespace: "public", Group: rapid.SampledFrom([]string{"g", "h"}).Draw(t, "group"), Name: fmt.Sprint("s", rapid.IntRange(9, 14).Draw(t, "n"))}
				if exist[k] {
					delete(exist, k)
				} else {
					exist[k] = true
				}
				x.Changed(k, exist[k])
			},
			"watch": func(*rapid.T) {
				p, err := Parse(rapid.SampledFrom([]string{"public>>*>>*", "public>>g>>s1*"}).Draw(t, "pattern"))
				if err != nil {
					t.Fatal(err)
				}
				c := &client{knows: make(map[key]bool)}
				var known []key
				if rapid.Bool().Draw(t, "known") {
					known = []key{{Namespace: "public", Group: "g", Name: "s1"}, {Namespace: "public", Group: "g", Name: "s11"}}
				}
				for _, k := range known {
					c.knows[k] = Matches(&p, k)
				}
				maps.DeleteFunc(c.knows, func(_ key, is bool) bool { return !is })
				w, over, err := x.Watch(p, known, rapid.Bool().Draw(t, "initial"), each, func() { c.told++ })
				if err != nil || over {
					t.Fatal(over, err)
				}
				c.watch = w
				clients = append(clients, c)
			},
			"tell": func(*rapid.T) {
				for range min(len(clients), 3) {
					step(rapid.SampledFrom(clients).Draw(t, "client"), rapid.Bool().Draw(t, "ok"))
				}
			},
			"cancel": func(*rapid.T) {
				if len(clients) > 3 {
					clients[0].watch.Cancel()
					clients[0].watch.Cancel()
					clients = clients[1:]
				}
			},
		})
		for _, c := range clients {
			for step(c, true) {
			}
			for _, k := range slices.Collect(maps.Keys(c.knows)) {
				if !exist[k] {
					t.Errorf("%s: knows %s, which is gone", c.watch.Pattern.String(), k)
				}
			}
			for k := range exist {
				if Matches(&c.watch.Pattern, k) != c.knows[k] {
					t.Errorf("%s: knows %s: %t", c.watch.Pattern.String(), k, c.knows[k])
				}
			}
			c.watch.Cancel()
		}
		if x.watches.Load() != 0 || x.patterns != 0 || len(x.byNS) != 0 {
			t.Errorf("left: %d watches, %d patterns", x.watches.Load(), x.patterns)
		}
	})
}
