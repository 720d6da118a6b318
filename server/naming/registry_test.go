package naming

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"nacre/server/fault"
)

func TestWhatAConnectionRegisteredLivesAsLongAsIt(t *testing.T) {
	w := newWorld(t, Config{})
	k := key("orders")
	one, _ := w.connect("1")
	two, _ := w.connect("2")
	w.must(one.Register(k, at(8080)))
	w.must(two.RegisterBatch(k, []Instance{at(9001), at(9002)}))
	w.see(k, Query{}, "8080 9001 9002 ")
	w.must(one.Register(k, at(8081))) // one publication for each client and service
	w.see(k, Query{}, "8081 9001 9002 ")
	two.Close("test")
	w.see(k, Query{}, "8081 ")
	if !one.Deregister(k) || one.Deregister(k) {
		t.Error("deregistered once, it was there once")
	}
	w.see(k, Query{}, "")
	if v := w.Lookup(k, Query{}); !v.Exists {
		t.Error("the empty service is gone at once")
	}
	if err := two.Register(k, at(1)); fault.CodeOf(err) != CodeGone {
		t.Errorf("after Close: %v", err)
	}
	want := []EventKind{ServiceAppeared, InstanceUp, InstanceUp, InstanceUp, InstanceRemoved, InstanceUp, InstanceRemoved, InstanceRemoved, InstanceRemoved, ServiceGone}
	if got := w.told(); !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}

func TestSubscribersAreToldOfEachChangeMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		defer w.run()()
		k := key("orders")
		pub, _ := w.connect("pub")
		sub, n := w.connect("sub")
		v, err := sub.Subscribe(k, "")
		w.must(err)
		if ports(v) != "" {
			t.Errorf("sees %q", ports(v))
		}
		start := time.Now()
		for port := range 5 {
			w.must(pub.Register(key("other"), at(port)))
			w.must(pub.Register(k, at(port)))
			time.Sleep(10 * time.Millisecond)
		}
		for n.n.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		if d := time.Since(start); d < 100*time.Millisecond || d > 105*time.Millisecond {
			t.Errorf("told after %v", d)
		}
		got := sub.Take(nil, 10)
		if len(got) != 1 || ports(got[0].View) != "4 " || got[0].Attempt != 1 {
			t.Fatalf("took %+v", got)
		}
		// Not acknowledged for 5 s, it is told again; refused, after a second.
		n.n.Store(0)
		time.Sleep(6 * time.Second)
		if got = sub.Take(nil, 10); n.n.Load() == 0 || len(got) != 1 || got[0].Attempt != 2 {
			t.Fatalf("took %+v", got)
		}
		sub.Refused(got[0].View)
		time.Sleep(1500 * time.Millisecond)
		if got = sub.Take(nil, 10); len(got) != 1 || got[0].Attempt != 3 {
			t.Fatalf("took %+v", got)
		}
		sub.Acked(got[0].View)
		n.n.Store(0)
		time.Sleep(time.Minute)
		if n.n.Load() != 0 || len(sub.Take(nil, 10)) != 0 {
			t.Error("told again though it was acknowledged")
		}
	})
}

func TestHeartbeatsKeepInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		defer w.run()()
		k := key("orders")
		if b, err := w.Beat(alice, k, at(1), false); err != nil || b.Known {
			t.Errorf("a light heartbeat of an unknown instance: %+v, %v", b, err)
		}
		if b, err := w.Beat(alice, k, at(1), true); err != nil || !b.Known || b.IntervalMs != 5000 {
			t.Errorf("a full heartbeat: %+v, %v", b, err)
		}
		w.must(w.RegisterHTTP(alice, k, at(2)))
		for range 10 {
			time.Sleep(12 * time.Second)
			w.Beat(alice, k, at(1), false)
			w.Beat(alice, k, at(2), false)
		}
		w.see(k, Query{}, "1 2 ")
		time.Sleep(14 * time.Second)
		w.Beat(alice, k, at(1), false)
		time.Sleep(2 * time.Second)
		w.see(k, Query{}, "1 2- ")
		w.Beat(alice, k, at(2), false)
		w.see(k, Query{}, "1 2 ")
		time.Sleep(27 * time.Second)
		w.see(k, Query{}, "1- 2- ")
		time.Sleep(2 * time.Second)
		w.see(k, Query{}, "2- ")
		time.Sleep(2 * time.Second)
		w.see(k, Query{}, "")
		if s := w.Stats(); s.BeatClients != 0 || s.Instances != 0 || s.Services != 1 {
			t.Errorf("%+v", s)
		}
		time.Sleep(61 * time.Second)
		if s := w.Stats(); s.Services != 0 || w.counts.services.Load() != 0 {
			t.Errorf("the empty service stays: %+v", s)
		}
	})
}

func TestOverridesSurviveRegistrations(t *testing.T) {
	w := newWorld(t, Config{})
	k := key("orders")
	c, _ := w.connect("1")
	w.must(c.Register(k, at(1)))
	no, weight := false, 0.5
	id := InstanceID{IP: "10.0.0.1", Port: 1}
	w.must(w.SetOverride(t.Context(), alice, k, id, Patch{Enabled: &no, Weight: &weight, Metadata: Metadata{{"zone", "b"}}}))
	for range 100 {
		i := at(1)
		i.Metadata = Metadata{{"zone", "a"}, {"version", "1"}}
		w.must(c.Register(k, i))
		c.Close("test")
		c, _ = w.connect("1")
	}
	i := at(1)
	i.Metadata = Metadata{{"zone", "a"}, {"version", "1"}}
	w.must(c.Register(k, i))
	got := w.Instance(k, id)
	if got.Enabled || got.Weight != 0.5 || !got.Metadata.equal(Metadata{{"version", "1"}, {"zone", "b"}}) {
		t.Errorf("shown as %+v", got)
	}
	w.see(k, Query{}, "")
	w.see(k, Query{Disabled: true}, "1x ")
	w.must(w.ClearOverride(t.Context(), alice, k, id))
	w.see(k, Query{}, "1 ")
}
