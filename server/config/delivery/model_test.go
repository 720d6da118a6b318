package delivery

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"nacre/server/config"
)

// modelClient is a client as a program would be one: it has contents, hears of changes, fetches, and listens again.
type modelClient struct {
	session *Session
	ip      string
	has     map[config.Key]string // md5 of what it has of each key that it listens for
	heard   map[config.Key]bool   // was told, has not fetched
	taken   []Push                // not acknowledged yet
}

// modelPoller is a client that polls: it waits, is told, fetches, and polls again.
type modelPoller struct {
	Poller
	slot *Slot
	told fired // of the poll that waits, nil when none does
	has  map[config.Key]string
}

// poll polls for all keys of has; a poll that waits already goes on.
func (p *modelPoller) poll(t *rapid.T, w *world) {
	if p.told != nil {
		return
	}
	ws := make([]Watch, 0, len(p.has))
	differ := 0
	for k, md5 := range p.has {
		ws = append(ws, Watch{Key: k, MD5: md5})
		if md5 != seen(w, k, p.IP) {
			differ++
		}
	}
	slot, changed, err := w.Poll(p.Poller, ws)
	if err != nil || len(changed) != differ {
		t.Fatalf("the poll was answered with %d changes, %v; there are %d", len(changed), err, differ)
	}
	told := make(fired, 1)
	if len(changed) > 0 {
		slot.Done(false)
		return
	}
	if changed := slot.Wait(told); len(changed) > 0 {
		t.Fatalf("nothing changed, but %v did", changed)
	}
	p.slot, p.told = slot, told
}

// end ends the poll that waits, when one does.
func (p *modelPoller) end(left bool) {
	if p.told != nil {
		p.slot.Done(left)
		p.told = nil
	}
}

// fetch gets what the client is to see now of all keys.
func (p *modelPoller) fetch(w *world) {
	for k := range p.has {
		p.has[k] = seen(w, k, p.IP)
	}
}

// sees returns the md5 that the client is to see.
func (c *modelClient) sees(w *world, k config.Key) string { return seen(w, k, c.ip) }

// seen returns the md5 that a client at an address is to see, by the rules alone.
func seen(w *world, k config.Key, ip string) string {
	it := w.item(k)
	switch {
	case it == nil:
		return ""
	case len(it.Grays) > 0 && it.Grays[0].Rule.Expr == ip:
		return it.Grays[0].MD5
	case it.Formal == nil:
		return ""
	}
	return it.Formal.MD5
}

// TestNobodyMissesTheLastState lets clients and publishers do as they like, in any order, and then lets the clients
// only react to what they are told: in the end each has what it is to see, and the ledger knows.
func TestNobodyMissesTheLastState(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var failed any // a failure is a panic, which must leave the bubble's goroutine by itself
		synctest.Test(t, func(*testing.T) {
			defer func() { failed = recover() }()
			modelRun(rt)
		})
		if failed != nil {
			panic(failed)
		}
	})
}

func modelRun(t *rapid.T) {
	w := newWorld(0)
	stop := run(w)
	defer stop()
	keys := []config.Key{key("a"), key("b"), key("c")}
	ips := []string{"10.0.0.1", "10.0.0.2"}
	var clients []*modelClient
	anyKey := func() config.Key { return rapid.SampledFrom(keys).Draw(t, "key") }
	client := func() *modelClient {
		if len(clients) == 0 {
			return nil
		}
		return rapid.SampledFrom(clients).Draw(t, "client")
	}
	pollers := []*modelPoller{
		{Poller: Poller{IP: ips[0], Port: 1}, has: map[config.Key]string{keys[0]: ""}},
		{Poller: Poller{IP: ips[0], Port: 2}, has: map[config.Key]string{keys[0]: "", keys[1]: "A"}},
		{Poller: Poller{IP: ips[1], Port: 1, App: "shop"}, has: map[config.Key]string{keys[2]: "x"}},
	}
	listen := func(c *modelClient, k config.Key) {
		changed, err := c.session.Listen([]Watch{{Key: k, MD5: c.has[k]}})
		if err != nil {
			t.Fatal(err)
		}
		if differs := c.has[k] != c.sees(w, k); differs != (len(changed) > 0) {
			t.Fatalf("client with %q of %s was answered changed=%v", c.has[k], k, len(changed) > 0)
		}
		if len(changed) > 0 {
			c.heard[k] = true
		}
	}
	take := func(c *modelClient) {
		for _, p := range c.session.Take(nil, 2) {
			if _, ok := c.has[p.Key]; !ok {
				t.Fatalf("pushed %s, for which the client does not listen", p.Key)
			}
			c.taken = append(c.taken, p)
			c.heard[p.Key] = true
		}
	}
	check := func(*rapid.T) {
		n, behindNow := 0, 0
		for _, k := range keys {
			for _, x := range w.OfConfig(k) {
				if want := seen(w, k, x.Client.IP); x.WantMD5 != want {
					t.Fatalf("%s is to see %q of %s, the ledger says %q", x.Client.ID, want, k, x.WantMD5)
				}
				if x.State == InSync && x.MD5 != x.WantMD5 {
					t.Fatalf("in sync with the wrong md5: %+v", x)
				}
				if n++; x.State != InSync {
					behindNow++
				}
			}
		}
		total, waiting := 0, int64(0)
		for _, c := range clients {
			total += len(c.has)
		}
		polled, _ := w.Clients(Filter{Transport: HTTP}, 1, 100)
		for _, c := range polled {
			total += c.Listenings
		}
		for _, p := range pollers {
			if p.told == nil {
				continue
			}
			differ := 0
			for k, md5 := range p.has {
				if md5 != seen(w, k, p.IP) {
					differ++
				}
			}
			if len(p.told) == 0 {
				if waiting++; differ > 0 {
					t.Fatalf("a poll waits though %d of its keys changed", differ)
				}
			}
		}
		if polls, _ := w.Waiting(); polls != waiting {
			t.Fatalf("%d polls wait, the ledger says %d", waiting, polls)
		}
		if sum := w.Summary(); n != total || sum.HTTPClients > len(pollers) || sum.Listenings != n || sum.Behind != behindNow || sum.GRPCClients != len(clients) {
			t.Fatalf("the ledger counts %+v; %d listen, %d are behind, %d clients", sum, total, behindNow, len(clients))
		}
	}
	next := 0
	t.Repeat(map[string]func(*rapid.T){
		"": check,
		"publish": func(t *rapid.T) {
			w.set(anyKey(), rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "md5"))
		},
		"gray": func(t *rapid.T) {
			k := anyKey()
			w.set(k, "F", &config.Gray{Key: k, Name: "beta", Rule: config.BetaRule(rapid.SampledFrom(ips).Draw(t, "ip")), MD5: "G", Revision: w.revision.Load() + 1})
		},
		"remove": func(t *rapid.T) { w.set(anyKey(), "") },
		"connect": func(t *rapid.T) {
			if len(clients) >= 4 {
				return
			}
			next++
			ip := rapid.SampledFrom(ips).Draw(t, "ip")
			s, _ := open(w, fmt.Sprint(next), ip)
			clients = append(clients, &modelClient{session: s, ip: ip, has: map[config.Key]string{}, heard: map[config.Key]bool{}})
		},
		"disconnect": func(*rapid.T) {
			if c := client(); c != nil {
				c.session.Close()
				clients = slices.DeleteFunc(clients, func(x *modelClient) bool { return x == c })
			}
		},
		"listen": func(*rapid.T) {
			if c := client(); c != nil {
				k := anyKey()
				if _, ok := c.has[k]; !ok {
					c.has[k] = rapid.SampledFrom([]string{"", "A", "x"}).Draw(t, "held")
				}
				listen(c, k)
			}
		},
		"unlisten": func(*rapid.T) {
			if c := client(); c != nil {
				k := anyKey()
				c.session.Unlisten([]config.Key{k})
				delete(c.has, k)
				delete(c.heard, k)
			}
		},
		"take": func(*rapid.T) {
			if c := client(); c != nil {
				take(c)
			}
		},
		"answer": func(t *rapid.T) {
			if c := client(); c != nil && len(c.taken) > 0 {
				p := c.taken[0]
				c.taken = c.taken[1:]
				if rapid.Bool().Draw(t, "ok") {
					c.session.Acked(p.Key, p.Revision)
				} else {
					c.session.Refused(p.Key, p.Revision)
				}
			}
		},
		"fetch": func(*rapid.T) { // without saying so
			if c := client(); c != nil {
				if k := anyKey(); c.heard[k] {
					c.has[k] = c.sees(w, k)
					delete(c.heard, k)
				}
			}
		},
		"poll": func(t *rapid.T) { rapid.SampledFrom(pollers).Draw(t, "poller").poll(t, w) },
		"a poll ends": func(t *rapid.T) {
			p := rapid.SampledFrom(pollers).Draw(t, "poller")
			p.end(rapid.Bool().Draw(t, "left"))
			if rapid.Bool().Draw(t, "fetches") {
				p.fetch(w)
			}
		},
		"poll for another key": func(t *rapid.T) {
			p := rapid.SampledFrom(pollers).Draw(t, "poller")
			p.end(false)
			k := anyKey()
			if _, ok := p.has[k]; ok && len(p.has) > 1 {
				delete(p.has, k)
			} else {
				p.has[k] = ""
			}
		},
		"time": func(t *rapid.T) { time.Sleep(time.Duration(rapid.IntRange(1, 5000).Draw(t, "ms")) * time.Millisecond) },
	})
	// From now on clients only react to what they are told.
	for range 100 {
		for _, c := range clients {
			take(c)
			for _, p := range c.taken {
				c.session.Acked(p.Key, p.Revision)
			}
			c.taken = nil
			for _, k := range keys {
				if c.heard[k] {
					c.has[k] = c.sees(w, k)
					delete(c.heard, k)
					listen(c, k)
				}
			}
		}
		for _, p := range pollers {
			if p.told == nil || len(p.told) > 0 {
				p.end(false)
				p.fetch(w)
				p.poll(t, w)
			}
		}
		time.Sleep(time.Second)
	}
	for _, p := range pollers {
		if p.told == nil || len(p.told) > 0 {
			t.Fatal("a poll does not come to rest")
		}
		for k, md5 := range p.has {
			if md5 != seen(w, k, p.IP) {
				t.Fatalf("a client that polls has %q of %s in the end", md5, k)
			}
		}
	}
	for _, c := range clients {
		for k, md5 := range c.has {
			if md5 != c.sees(w, k) {
				t.Fatalf("a client has %q of %s in the end, it is to see %q", md5, k, c.sees(w, k))
			}
		}
	}
	if sum := w.Summary(); sum.Behind != 0 {
		for _, k := range keys {
			t.Logf("%s: %+v", k, w.OfConfig(k))
		}
		t.Fatalf("%d are behind in the end", sum.Behind)
	}
	for _, c := range clients {
		c.session.Close()
	}
	for _, p := range pollers {
		p.end(false)
	}
	time.Sleep(goneAfter + time.Second)
	if len(w.all.snapshot()) != 0 || w.listenings.Load() != 0 || !w.owing.empty() {
		t.Fatalf("something is held after all left")
	}
}
