package naming

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"nacre/server/fault"
)

func TestADrainTakesAnInstanceOutOfService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		defer w.run()()
		ctx, k, id := context.Background(), key("s"), InstanceID{"10.0.0.1", 1, "DEFAULT"}
		c, _ := w.connect("1")
		sub, _ := w.connect("2")
		i := at(1)
		i.Weight = 10
		w.must(c.Register(k, i))
		_, err := sub.Subscribe(k, "")
		w.must(err)
		shown := func(weight float64, enabled bool) {
			t.Helper()
			if got := w.Instance(k, id); got.Weight != weight || got.Enabled != enabled {
				t.Errorf("shown with weight %v, enabled %t; want %v, %t", got.Weight, got.Enabled, weight, enabled)
			}
		}
		w.must(w.Drain(ctx, alice, k, id, 20*time.Second, 5*time.Second))
		shown(9.5, true)
		w.must(c.Register(k, i)) // whoever registers it again
		shown(9.5, true)
		time.Sleep(10500 * time.Millisecond)
		shown(4.5, true)
		// A restart in the middle goes on.
		again := newWorld(t, Config{})
		for _, row := range w.state.Rows() {
			again.state.Load(row)
		}
		defer again.run()()
		one, _ := again.connect("1")
		w.must(one.Register(k, i))
		for _, w := range []*world{w, again} {
			if got := w.Instance(k, id).Weight; got != 4.5 {
				t.Errorf("weight %v in the middle", got)
			}
		}
		time.Sleep(10 * time.Second)
		shown(0, true)
		time.Sleep(5 * time.Second)
		shown(0, false)
		if got := again.Instance(k, id); got.Enabled {
			t.Error("online after the restart")
		}
		if got := sub.Take(nil, 9); len(got) != 1 || len(got[0].View.Hosts) != 0 {
			t.Errorf("the subscriber is told %+v", got)
		}
		notes := w.Why(k, id).Notes
		if n := len(notes); n != 3 || notes[1].Detail != "drained within 20 s, offline 5 s later" || notes[2].Detail != "drained: offline" || notes[2].By != "alice (10.9.9.9)" {
			t.Errorf("%+v", notes)
		}
		w.must(w.StopDrain(ctx, alice, k, id))
		shown(10, true)
		if len(w.state.Overrides(k)) != 0 {
			t.Error("something still lies over it")
		}
		// Stopped half way; an instance that is away meanwhile.
		w.must(w.Drain(ctx, alice, k, id, time.Minute, 0))
		c.Close("test")
		time.Sleep(30 * time.Second)
		c, _ = w.connect("1")
		w.must(c.Register(k, i))
		if got := w.Instance(k, id).Weight; got > 5 || got < 4 {
			t.Errorf("weight %v", got)
		}
		w.must(w.StopDrain(ctx, alice, k, id))
		time.Sleep(time.Minute)
		shown(10, true)
		if err := w.Drain(ctx, alice, k, id, -1, 0); fault.CodeOf(err) != CodeDrain {
			t.Errorf("%v", err)
		}
		w.must(w.Drain(ctx, alice, k, id, 0, 0)) // at once
		shown(0, false)
	})
}

func TestADrainOnlySinks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.Int64Range(1, 1000).Draw(t, "from")
		until := from + rapid.Int64Range(0, 5000).Draw(t, "over")
		d := Drain{from, until, until + rapid.Int64Range(0, 1000).Draw(t, "wait")}
		now, last, steps := from, 1.0, 0
		for {
			left, offline, next := d.share(now)
			if left > last || left < 0 || offline != (now >= d.OfflineMs) || now >= d.UntilMs && left != 0 {
				t.Fatalf("%+v: at %d %v is left, offline %t, after %v", d, now, left, offline, last)
			}
			if last = left; next == 0 {
				break
			}
			if next <= now {
				t.Fatalf("%+v: after %d comes %d", d, now, next)
			}
			if steps++; steps > 3*drainSteps && d.UntilMs-d.FromMs > 10*drainSteps {
				t.Fatalf("%+v takes %d steps", d, steps)
			}
			now = next
		}
		if now != d.OfflineMs {
			t.Fatalf("%+v ends at %d", d, now)
		}
	})
}
