package naming

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// modelClient is a client as a program would be one: it holds what it was told last.
type modelClient struct {
	id       string
	session  *Session
	notified *owed
	holds    map[Key]*View
	clusters map[Key]string
	taken    []Push // neither acknowledged nor refused
}

// fact is one registered instance in the model.
type fact struct {
	seq      int
	client   string
	key      Key
	instance Instance
	beat     time.Time // of the last heartbeat; zero where it lives without
}

// model is what must be true, by the rules alone.
type model struct {
	seq       int
	facts     []*fact
	overrides map[instanceName]Patch
	described map[Key]*Service
}

func (m *model) drop(lost func(*fact) bool) { m.facts = slices.DeleteFunc(m.facts, lost) }

// replace makes list what a client published of a service, as those registered last unless they are the same names.
func (m *model) replace(client string, k Key, list []Instance, beat time.Time) {
	byID := make(map[InstanceID]Instance)
	for _, i := range list {
		byID[i.Of()] = i
	}
	m.drop(func(f *fact) bool {
		_, stays := byID[f.instance.Of()]
		return f.client == client && f.key == k && !stays
	})
	m.seq++
	for id, i := range byID {
		at := slices.IndexFunc(m.facts, func(f *fact) bool { return f.client == client && f.key == k && f.instance.Of() == id })
		if at >= 0 {
			m.facts[at].instance, m.facts[at].beat = i, beat
			continue
		}
		m.facts = append(m.facts, &fact{m.seq, client, k, i, beat})
	}
}

// expire lets pass what time does. It reports whether no instance is at the edge of a change, where the wheel may or may not have turned.
func (m *model) expire(now time.Time) (sharp bool) {
	sharp = true
	m.drop(func(f *fact) bool {
		if f.beat.IsZero() {
			return false
		}
		silent := now.Sub(f.beat)
		for _, edge := range []time.Duration{15 * time.Second, 30 * time.Second} {
			if d := silent - edge; d >= 0 && d <= tick+100*time.Millisecond {
				sharp = false
			}
		}
		if silent >= 15*time.Second {
			f.instance.Healthy = false
		}
		return silent >= 30*time.Second+tick
	})
	return sharp
}

// over reports whether f is shown in the place of another of its name: the later one is, but for one whose heartbeats are missed.
func (f *fact) over(old *fact) bool {
	silent := func(f *fact) bool { return !f.beat.IsZero() && !f.instance.Healthy }
	if silent(f) != silent(old) {
		return silent(old)
	}
	return f.seq > old.seq
}

// sees returns what a query is to show, as text.
func (m *model) sees(k Key, q Query) string {
	shown := make(map[InstanceID]*fact)
	for _, f := range m.facts {
		if old := shown[f.instance.Of()]; f.key == k && (old == nil || f.over(old)) {
			shown[f.instance.Of()] = f
		}
	}
	var hosts []Instance
	for _, id := range slices.SortedFunc(maps.Keys(shown), InstanceID.Compare) {
		i := shown[id].instance
		p := m.overrides[instanceName{k, id}]
		if p.Enabled != nil {
			i.Enabled = *p.Enabled
		}
		if p.Weight != nil {
			i.Weight = *p.Weight
		}
		i.Metadata = p.Metadata.Over(i.Metadata)
		if (q.Clusters == "" || slices.Contains(strings.Split(q.Clusters, ","), i.Cluster)) && (q.Disabled || i.Enabled) && (!q.HealthyOnly || i.Healthy) {
			hosts = append(hosts, i)
		}
	}
	protected := false
	if d := m.described[k]; d != nil && len(hosts) > 0 && !q.Disabled {
		healthy := 0
		for _, h := range hosts {
			if h.Healthy {
				healthy++
			}
		}
		if protected = float32(healthy)/float32(len(hosts)) <= float32(d.ProtectThreshold); protected {
			for i := range hosts {
				hosts[i].Healthy = true
			}
		}
	}
	text := ""
	for i := range hosts {
		text += describe(&hosts[i])
	}
	return fmt.Sprint(text, protected)
}

func describe(i *Instance) string {
	return fmt.Sprint(i.IP, ":", i.Port, " ", i.Cluster, " ", i.Weight, i.Healthy, i.Enabled, i.Metadata, "\n")
}

func looks(v *View) string {
	text := ""
	for _, h := range v.Hosts {
		text += describe(h)
	}
	return fmt.Sprint(text, v.Protected)
}

// TestAtRestEverySubscriberHoldsTheLiveSet lets clients, operators and time do as they like, in any order, compares what queries show
// with the rules, and then lets clients only react to what they are told: in the end each holds what it is to see.
func TestAtRestEverySubscriberHoldsTheLiveSet(t *testing.T) {
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
	ctx := context.Background()
	w := newWorld(t, Config{})
	defer w.run()()
	m := &model{overrides: make(map[instanceName]Patch), described: make(map[Key]*Service)}
	keys := []Key{key("a"), key("b"), key("c")}
	lasting := key("lasting")
	var clients []*modelClient
	born := 0
	anyKey := func() Key { return rapid.SampledFrom(keys).Draw(t, "key") }
	anyClient := func() *modelClient {
		if len(clients) == 0 {
			t.Skip("no client")
		}
		return rapid.SampledFrom(clients).Draw(t, "client")
	}
	anyInstance := func() Instance {
		i := at(rapid.IntRange(1, 4).Draw(t, "port"))
		i.Cluster = rapid.SampledFrom([]string{"DEFAULT", "b"}).Draw(t, "cluster")
		i.Weight = rapid.SampledFrom([]float64{0, 1, 2.5}).Draw(t, "weight")
		i.Healthy, i.Enabled = rapid.Bool().Draw(t, "healthy"), rapid.Bool().Draw(t, "enabled")
		if rapid.Bool().Draw(t, "tagged") {
			i.Metadata = Metadata{{"version", rapid.SampledFrom([]string{"1", "2"}).Draw(t, "version")}, {"zone", "a"}}
		}
		return i
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	take := func(c *modelClient) {
		for _, p := range c.session.Take(nil, 100) {
			if old := c.holds[p.View.Key]; old != nil && (p.View.LastRefMs < old.LastRefMs || p.View.Revision < old.Revision) {
				t.Fatalf("%s was told %d (%d) after %d (%d)", c.id, p.View.Revision, p.View.LastRefMs, old.Revision, old.LastRefMs)
			}
			if _, subscribed := c.clusters[p.View.Key]; subscribed {
				c.holds[p.View.Key] = p.View
			}
			c.taken = append(c.taken, p)
		}
	}
	connect := func() *modelClient {
		born++
		c := &modelClient{id: fmt.Sprint("c", born), holds: make(map[Key]*View), clusters: make(map[Key]string)}
		c.session, c.notified = w.connect(c.id)
		clients = append(clients, c)
		return c
	}
	subscribe := func(c *modelClient, k Key, clusters string) {
		v, err := c.session.Subscribe(k, clusters)
		must(err)
		c.holds[k], c.clusters[k] = v, clusters
	}
	for range 2 { // so that there is something to tell
		c := connect()
		for _, k := range keys {
			subscribe(c, k, "")
		}
	}
	actions := map[string]func(*rapid.T){
		"connect": func(*rapid.T) { connect() },
		"close": func(*rapid.T) {
			c := anyClient()
			c.session.Close("model")
			m.drop(func(f *fact) bool { return f.client == c.id })
			clients = slices.DeleteFunc(clients, func(x *modelClient) bool { return x == c })
		},
		"register": func(*rapid.T) {
			c, k, i := anyClient(), anyKey(), anyInstance()
			must(c.session.Register(k, i))
			m.replace(c.id, k, []Instance{i}, time.Time{})
		},
		"batch": func(*rapid.T) {
			c, k := anyClient(), anyKey()
			var list []Instance
			for range rapid.SampledFrom([]int{0, 1, 3, 40}).Draw(t, "size") {
				list = append(list, anyInstance())
			}
			must(c.session.RegisterBatch(k, list))
			m.replace(c.id, k, list, time.Time{})
		},
		"deregister": func(*rapid.T) {
			c, k := anyClient(), anyKey()
			had := slices.ContainsFunc(m.facts, func(f *fact) bool { return f.client == c.id && f.key == k })
			if c.session.Deregister(k) != had {
				t.Fatalf("deregistered, there was something: %t", had)
			}
			m.replace(c.id, k, nil, time.Time{})
		},
		"subscribe": func(*rapid.T) {
			c, k, clusters := anyClient(), anyKey(), rapid.SampledFrom([]string{"", "b", "b,DEFAULT", "none"}).Draw(t, "clusters")
			subscribe(c, k, clusters)
		},
		"unsubscribe": func(*rapid.T) {
			c, k := anyClient(), anyKey()
			if _, had := c.clusters[k]; c.session.Unsubscribe(k) != had {
				t.Fatalf("unsubscribed, it was subscribed: %t", had)
			}
			delete(c.holds, k)
			delete(c.clusters, k)
		},
		"take": func(*rapid.T) { take(anyClient()) },
		"confirm": func(*rapid.T) {
			c := anyClient()
			for _, p := range c.taken {
				if rapid.Bool().Draw(t, "ok") {
					c.session.Acked(p.View)
				} else {
					c.session.Refused(p.View)
				}
			}
			c.taken = nil
		},
		"heartbeat": func(*rapid.T) {
			k, i := anyKey(), anyInstance()
			id := fmt.Sprint(i.IP, ":", i.Port, "#true")
			at := slices.IndexFunc(m.facts, func(f *fact) bool { return f.client == id && f.key == k })
			full := rapid.Bool().Draw(t, "full")
			if !m.expire(time.Now()) {
				return // it may come before or after the end
			}
			b, err := w.Beat(alice, k, i, full)
			must(err)
			if b.Known != (full || at >= 0) {
				t.Fatalf("a heartbeat of %s, full %t: %+v", id, full, b)
			}
			switch {
			case at >= 0:
				m.facts[at].beat, m.facts[at].instance.Healthy = time.Now(), true
			case full:
				m.replace(id, k, []Instance{i}, time.Now())
			}
		},
		"register over HTTP": func(*rapid.T) {
			k, i := anyKey(), anyInstance()
			if m.expire(time.Now()) {
				must(w.RegisterHTTP(alice, k, i))
				m.replace(fmt.Sprint(i.IP, ":", i.Port, "#true"), k, []Instance{i}, time.Now())
			}
		},
		"deregister over HTTP": func(*rapid.T) {
			k, i := anyKey(), anyInstance()
			w.DeregisterHTTP(alice, k, i.IP, i.Port)
			m.replace(fmt.Sprint(i.IP, ":", i.Port, "#true"), k, nil, time.Time{})
		},
		"override": func(*rapid.T) {
			k, i := anyKey(), anyInstance()
			if !w.Exists(k) {
				return
			}
			p := Patch{Enabled: &i.Enabled, Weight: &i.Weight, Metadata: i.Metadata, ReplaceMetadata: true}
			must(w.SetOverride(ctx, alice, k, i.Of(), p))
			m.overrides[instanceName{k, i.Of()}] = p
		},
		"clear": func(*rapid.T) {
			k, i := anyKey(), anyInstance()
			if _, held := m.overrides[instanceName{k, i.Of()}]; held {
				must(w.ClearOverride(ctx, alice, k, i.Of()))
				delete(m.overrides, instanceName{k, i.Of()})
			}
		},
		"describe": func(*rapid.T) {
			k := anyKey()
			if !w.Exists(k) {
				return
			}
			d := Service{Key: k, ProtectThreshold: rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(t, "threshold")}
			must(w.UpdateService(ctx, alice, d))
			m.described[k] = &d
		},
		"register for good": func(*rapid.T) {
			i := anyInstance()
			before := w.state.Persistent(lasting, i.IP, i.Port)
			must(w.RegisterPersistent(ctx, alice, lasting, i))
			if before != nil && before.Instance.Cluster == i.Cluster {
				i.Healthy = before.Instance.Healthy // probes know better
			}
			m.replace(fmt.Sprint(i.IP, ":", i.Port, "#false"), lasting, []Instance{i}, time.Time{})
		},
		"deregister for good": func(*rapid.T) {
			i := anyInstance()
			_, err := w.DeregisterPersistent(ctx, alice, lasting, i.IP, i.Port)
			must(err)
			m.replace(fmt.Sprint(i.IP, ":", i.Port, "#false"), lasting, nil, time.Time{})
		},
		"wait": func(*rapid.T) {
			time.Sleep(time.Duration(rapid.SampledFrom([]int{1, 90, 4_000, 11_000, 25_000, 61_000}).Draw(t, "ms")) * time.Millisecond)
		},
		"": func(*rapid.T) {
			if !m.expire(time.Now()) {
				return
			}
			for _, k := range append(keys, lasting) {
				for _, q := range []Query{{}, {Clusters: "b"}, {HealthyOnly: true}, {Disabled: true}} {
					if got, want := looks(w.Lookup(k, q)), m.sees(k, q); got != want {
						t.Fatalf("%s, %+v shows\n%s, not\n%s", k, q, got, want)
					}
				}
			}
		},
	}
	for range 3 { // one run has about 30 steps
		t.Repeat(actions)
	}
	for range 200 { // 40 s: all that lives by heartbeats is gone
		time.Sleep(200 * time.Millisecond)
		for _, c := range clients {
			if c.notified.n.Swap(0) > 0 {
				take(c)
				for _, p := range c.taken {
					c.session.Acked(p.View)
				}
				c.taken = nil
			}
		}
	}
	m.expire(time.Now())
	if s := w.Stats(); s.Owing != 0 || s.Dirty != 0 {
		t.Errorf("at rest somebody is owed something: %+v", s)
	}
	for _, c := range clients {
		for k, v := range c.holds {
			if got, want := looks(v), m.sees(k, Query{Clusters: c.clusters[k]}); got != want {
				t.Errorf("%s holds of %s, clusters %q,\n%s, not\n%s", c.id, k, c.clusters[k], got, want)
			}
		}
	}
	w.checkWhole(t)
}

// checkWhole compares the figures with what is held.
func (w *world) checkWhole(t interface{ Errorf(string, ...any) }) {
	instances, subscriptions, services, exist := 0, 0, 0, 0
	for i := range w.services {
		for k, s := range w.services[i].m {
			services++
			instances += len(s.sorted)
			subscriptions += len(s.subs)
			if s.exists {
				exist++
			}
			if s.key != k || s.gone || !slices.IsSortedFunc(s.sorted, compareEntries) {
				t.Errorf("service %s is not in order", k)
			}
			for _, e := range s.sorted {
				if e.pub.gone || e.pub.service != s || !slices.Contains(e.pub.entries, e) {
					t.Errorf("an instance of %s belongs to nobody", k)
				}
			}
			if w.mapped(k) != (len(s.sorted) > 0) {
				t.Errorf("service %s with %d instances was told of wrongly", k, len(s.sorted))
			}
		}
	}
	s := w.Stats()
	if int(s.Instances) != instances || int(s.Subscriptions) != subscriptions || int(s.Services) != exist || int(w.counts.services.Load()) != services {
		t.Errorf("counted %+v (%d services), held %d instances, %d subscriptions, %d services of which %d exist",
			s, w.counts.services.Load(), instances, subscriptions, services, exist)
	}
	_, clients := w.Clients("", 1, 1)
	if n := s.Connections + s.BeatClients + s.LastingClients + s.Datagrams + s.Copies; int(n) != clients {
		t.Errorf("counted %d clients, held %d", n, clients)
	}
}

func (w *world) mapped(k Key) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.appeared[k]
}
