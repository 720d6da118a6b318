package naming

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"nacre/server/fault"
)

func TestTimesOfHeartbeatsFollowTheMetadata(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		defer w.run()()
		k := key("s")
		i := at(1)
		i.Metadata = MetadataOf(map[string]string{BeatIntervalKey: "1000", BeatTimeoutKey: "3000", DeleteAfterKey: "6000"})
		b, err := w.Beat(alice, k, i, true)
		if err != nil || b.IntervalMs != 1000 {
			t.Fatalf("%+v, %v", b, err)
		}
		if b, _ = w.Beat(alice, k, at(1), false); b.IntervalMs != 1000 {
			t.Errorf("%+v", b)
		}
		time.Sleep(2900 * time.Millisecond)
		w.see(k, Query{}, "1 ")
		time.Sleep(600 * time.Millisecond)
		w.see(k, Query{}, "1- ")
		// What lies over the instance counts more.
		w.must(w.SetOverride(context.Background(), alice, k, InstanceID{IP: "10.0.0.1", Port: 1}, Patch{Metadata: Metadata{{DeleteAfterKey, "60000"}}}))
		time.Sleep(50 * time.Second)
		w.see(k, Query{}, "1- ")
		time.Sleep(7 * time.Second)
		w.see(k, Query{}, "")
		// Far longer than the wheel is wide.
		i.Metadata = MetadataOf(map[string]string{BeatTimeoutKey: "600000", DeleteAfterKey: "1200000"})
		w.must(w.ClearOverride(context.Background(), alice, k, InstanceID{IP: "10.0.0.1", Port: 1}))
		w.must(w.RegisterHTTP(alice, k, i))
		time.Sleep(599 * time.Second)
		w.see(k, Query{}, "1 ")
		time.Sleep(2 * time.Second)
		w.see(k, Query{}, "1- ")
		time.Sleep(598 * time.Second)
		w.see(k, Query{}, "1- ")
		time.Sleep(2 * time.Second)
		w.see(k, Query{}, "")
	})
}

func TestInstancesThatMayNotExpireStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{NoExpiry: true})
		defer w.run()()
		w.must(w.RegisterHTTP(alice, key("s"), at(1)))
		time.Sleep(time.Hour)
		w.see(key("s"), Query{}, "1- ")
		if b, err := w.Beat(alice, key("s"), at(1), false); err != nil || !b.Known {
			t.Errorf("%+v, %v", b, err)
		}
		w.see(key("s"), Query{}, "1 ")
		time.Sleep(16 * time.Second)
		w.see(key("s"), Query{}, "1- ")
	})
}

// What was not heard because this node stood still, or did not own the client, is no missed heartbeat.
func TestAStallMissesNoHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		k := key("s")
		w.must(w.RegisterHTTP(alice, k, at(1)))
		stop := w.run()
		time.Sleep(time.Second)
		stop()
		work := work{registry: w.Registry}
		work.turn(w.mono())
		time.Sleep(time.Hour) // nobody looks
		work.turn(w.mono())
		w.see(k, Query{}, "1 ")
		defer w.run()()
		time.Sleep(14 * time.Second)
		w.see(k, Query{}, "1 ")
		w.BeginAnew()
		time.Sleep(14 * time.Second)
		w.see(k, Query{}, "1 ")
		time.Sleep(2 * time.Second)
		w.see(k, Query{}, "1- ")
		time.Sleep(15 * time.Second)
		w.see(k, Query{}, "")
	})
}

func TestTheSwitchSaysWhenTheNextHeartbeatIsDue(t *testing.T) {
	w := newWorld(t, Config{})
	ctx := t.Context()
	w.must(w.SetSwitch(ctx, alice, "clientBeatInterval", "8000", false))
	if b, err := w.Beat(alice, key("s"), at(1), true); err != nil || b.IntervalMs != 8000 {
		t.Errorf("%+v, %v", b, err)
	}
	if b, err := w.Beat(alice, key("s"), at(1), false); err != nil || b.IntervalMs != 8000 {
		t.Errorf("%+v, %v", b, err)
	}
	w.must(w.SetSwitch(ctx, alice, "clientBeatInterval", "9000", true))
	if n := w.Switches().ClientBeatInterval; n != 9000 || w.state.Switches()["clientBeatInterval"] != "8000" {
		t.Errorf("%d, held %v", n, w.state.Switches())
	}
	w.must(w.SetSwitch(ctx, alice, "pushVersion", "go:1.2.3", false))
	w.must(w.SetSwitch(ctx, alice, "no such entry", "1", false))
	if got := w.Switches().Texts; got["pushVersion.go"] != "1.2.3" || got["no such entry"] != "" {
		t.Errorf("%v", got)
	}
	for entry, value := range map[string]string{
		"clientBeatInterval": "abc", "pushCacheMillis": "9999", "distroThreshold": "0", "pushVersion": "perl:1", "httpHealthParams": "{", "healthCheckTimes": "",
	} {
		if err := w.SetSwitch(ctx, alice, entry, value, false); fault.CodeOf(err) != CodeSwitch {
			t.Errorf("%s=%s: %v", entry, value, err)
		}
	}
}

func TestNothingIsPushedWhileTheSwitchIsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		defer w.run()()
		ctx, k := context.Background(), key("s")
		pub, _ := w.connect("1")
		sub, n := w.connect("2")
		_, err := sub.Subscribe(k, "")
		w.must(err)
		w.must(w.SetSwitch(ctx, alice, "pushEnabled", "false", false))
		w.must(pub.Register(k, at(1)))
		time.Sleep(time.Minute)
		if n.n.Load() != 0 {
			t.Error("told")
		}
		w.must(w.SetSwitch(ctx, alice, "pushEnabled", "true", false))
		time.Sleep(time.Second)
		if got := sub.Take(nil, 9); n.n.Load() == 0 || len(got) != 1 || ports(got[0].View) != "1 " {
			t.Errorf("told %d times, took %+v", n.n.Load(), got)
		}
	})
}

// A subscriber that never reads is owed one view for each service, the latest.
func TestWhoNeverReadsIsOwedTheLatestAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		defer w.run()()
		pub, _ := w.connect("pub")
		sub, n := w.connect("sub")
		for s := range 3 {
			_, err := sub.Subscribe(key(fmt.Sprint(s)), "")
			w.must(err)
		}
		for step := range 500 {
			w.must(pub.Register(key(fmt.Sprint(step%3)), at(step)))
			time.Sleep(200 * time.Millisecond)
		}
		if n.n.Load() == 0 {
			t.Fatal("not told")
		}
		got := sub.Take(nil, 100)
		if len(got) != 3 {
			t.Fatalf("%d pushes", len(got))
		}
		for _, p := range got {
			if want := ports(w.Lookup(p.View.Key, Query{})); ports(p.View) != want || p.Attempt != 1 {
				t.Errorf("%s: %q for the %d. time, want %q", p.View.Key, ports(p.View), p.Attempt, want)
			}
		}
		// An acknowledgement of what is not the latest any more counts for nothing.
		w.must(pub.Register(got[0].View.Key, at(1000)))
		time.Sleep(time.Second)
		sub.Acked(got[0].View)
		if again := sub.Take(nil, 100); len(again) != 1 || ports(again[0].View) != "1000 " {
			t.Errorf("took %+v", again)
		}
		if x := w.Subscribers(got[1].View.Key); len(x) != 1 || x[0].InSync || x[0].Attempts != 1 || x[0].Client.ID != "sub" {
			t.Errorf("%+v", x)
		}
		sub.Close("test")
		if s := w.Stats(); s.Subscriptions != 0 || s.Owing != 0 || s.Connections != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAChangeThatIsTakenBackInTimeIsToldToNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		defer w.run()()
		k := key("s")
		pub, _ := w.connect("pub")
		sub, n := w.connect("sub")
		w.must(pub.Register(k, at(1)))
		_, err := sub.Subscribe(k, "")
		w.must(err)
		pub.Deregister(k)
		time.Sleep(50 * time.Millisecond)
		w.must(pub.Register(k, at(1))) // a connection that comes again
		time.Sleep(time.Second)
		if n.n.Load() != 0 {
			t.Error("told though it looks as before")
		}
		// A cluster that nobody changed.
		_, err = sub.Subscribe(k, "other")
		w.must(err)
		w.must(pub.Register(k, at(2)))
		time.Sleep(time.Second)
		if n.n.Load() != 0 {
			t.Error("told of another cluster")
		}
	})
}

func TestAClientOverUDPIsToldThreeTimesAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		defer w.run()()
		k := key("s")
		sub := w.Open(Client{ID: "10.0.0.1:5000#udp", Kind: Datagram, IP: "10.0.0.1", Port: 5000}, &owed{})
		_, err := sub.Subscribe(k, "")
		w.must(err)
		w.must(w.RegisterHTTP(alice, k, at(1)))
		time.Sleep(200 * time.Millisecond)
		for attempt := 1; attempt <= 3; attempt++ {
			if got := sub.Take(nil, 9); len(got) != 1 || got[0].Attempt != attempt {
				t.Fatalf("attempt %d: %+v", attempt, got)
			}
			if got := sub.Take(nil, 9); len(got) != 0 {
				t.Fatalf("%+v", got)
			}
			time.Sleep(2300 * time.Millisecond)
		}
		if got := sub.Take(nil, 9); len(got) != 0 {
			t.Fatalf("told once more: %+v", got)
		}
		if s := w.Stats(); s.Datagrams != 1 || s.Resent != 2 || s.Pushes != 3 || s.Owing != 0 || s.MeanAckMs != -1 || s.SlowestAckMs != -1 {
			t.Errorf("%+v", s)
		}
		// The next change is told anew, and what can't be told is owed no longer.
		w.must(w.RegisterHTTP(alice, k, at(2)))
		time.Sleep(200 * time.Millisecond)
		got := sub.Take(nil, 9)
		if len(got) != 1 || got[0].Attempt != 1 || len(got[0].View.Hosts) != 2 {
			t.Fatalf("%+v", got)
		}
		sub.Forgo(got[0].View)
		if s := w.Stats(); s.Owing != 0 || s.Acks != 0 {
			t.Errorf("%+v", s)
		}
		if !sub.Subscribes(k, "") || sub.Subscribes(k, "c") || sub.Subscribes(key("t"), "") {
			t.Error("subscribed to something else")
		}
		if !w.CloseClient("10.0.0.1:5000#udp", "gone") || w.CloseClient("10.0.0.1:5000#udp", "gone") || sub.Subscribes(k, "") {
			t.Error("closed once")
		}
	})
}

func TestHowLongAcknowledgementsTakeIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		defer w.run()()
		sub, _ := w.connect("sub")
		for n, name := range []string{"a", "b"} {
			_, err := sub.Subscribe(key(name), "")
			w.must(err)
			w.must(w.RegisterHTTP(alice, key(name), at(1)))
			time.Sleep(200 * time.Millisecond)
			got := sub.Take(nil, 9)
			time.Sleep(time.Duration(10+20*n) * time.Millisecond)
			sub.Acked(got[0].View)
			sub.Acked(got[0].View) // once more, which counts no time
		}
		if s := w.Stats(); s.MeanAckMs != 20 || s.SlowestAckMs != 30 {
			t.Errorf("%+v", s)
		}
	})
}

func TestLimitsAreNamed(t *testing.T) {
	w := newWorld(t, Config{MaxInstances: 6, MaxPerService: 3, MaxServices: 4, MaxPublished: 2, MaxSubscribed: 2, MaxSubscriptions: 3, MaxOverrides: 1})
	ctx := t.Context()
	one, _ := w.connect("1")
	two, _ := w.connect("2")
	limited := func(err error, number string) {
		t.Helper()
		if fault.KindOf(err) != fault.Limited || fault.CodeOf(err) != CodeLimit {
			t.Errorf("%v, want a limit", err)
		} else if text := fault.TextOf(err); !contains(number, text) {
			t.Errorf("%q does not name %s", text, number)
		}
	}
	w.must(one.RegisterBatch(key("a"), hosts("hhh")))
	limited(two.Register(key("a"), at(9)), "at most 3")
	limited(two.RegisterBatch(key("b"), hosts("hhhh")), "at most 3")
	limited(w.RegisterHTTP(alice, key("a"), at(9)), "at most 3")
	w.must(one.Register(key("b"), at(1)))
	limited(one.Register(key("c"), at(1)), "2 services")
	w.must(two.RegisterBatch(key("b"), hosts("hh")))
	limited(w.RegisterHTTP(alice, key("c"), at(1)), "at most 6")
	w.must(w.RegisterPersistent(ctx, alice, key("p"), at(1)))
	subscribe := func(c *Session, name string) error {
		_, err := c.Subscribe(key(name), "")
		return err
	}
	w.must(subscribe(one, "a"))
	w.must(subscribe(one, "x"))
	limited(subscribe(one, "b"), "2 services")
	limited(subscribe(two, "y"), "4 services") // a, b, p, x
	w.must(subscribe(two, "a"))
	limited(subscribe(two, "b"), "3 subscriptions")
	weight := 2.0
	w.must(w.SetOverride(ctx, alice, key("a"), InstanceID{IP: "10.0.0.1", Port: 1}, Patch{Weight: &weight}))
	limited(w.SetOverride(ctx, alice, key("a"), InstanceID{IP: "10.0.0.1", Port: 2}, Patch{Weight: &weight}), "1 instances")
	if s := w.Stats(); s.Instances != 7 || s.BeatClients != 0 || s.Subscriptions != 3 {
		t.Errorf("%+v", s)
	}
	one.Close("test")
	two.Close("test")
	w.checkWhole(t)
}

func TestWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		defer w.run()()
		ctx, k, id := context.Background(), key("s"), InstanceID{"10.0.0.1", 1, "DEFAULT"}
		notes := func() (text string) {
			for _, n := range w.Why(k, id).Notes {
				text += fmt.Sprintf("%s [%s] %s; ", n.What, n.Detail, n.By)
			}
			return text
		}
		expect := func(want string) {
			t.Helper()
			if got := notes(); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		}
		i := at(1)
		i.Metadata = Metadata{{"version", "1"}, {"zone", "a"}}
		w.must(w.RegisterHTTP(Actor{IP: "10.0.0.7"}, k, i))
		i.Metadata, i.Weight = Metadata{{"new", "x"}, {"version", "2"}}, 2
		w.must(w.RegisterHTTP(alice, k, i))
		off := false
		w.must(w.SetOverride(ctx, alice, k, id, Patch{Enabled: &off}))
		time.Sleep(16 * time.Second)
		w.Beat(alice, k, i, false)
		time.Sleep(31 * time.Second)
		all := "registered [] 10.0.0.7; reregistered [weight 1 → 2, +new=x, version 1 → 2, −zone] alice (10.9.9.9); overridden [offline] alice (10.9.9.9); " +
			"unhealthy [no heartbeat for 15 s] 10.0.0.1:1#true; healthy [a heartbeat was heard again] 10.0.0.1:1#true; " +
			"unhealthy [no heartbeat for 15 s] 10.0.0.1:1#true; removed [no heartbeat for 30 s] 10.0.0.1:1#true; "
		expect(all)
		if y := w.Why(k, id); y.GoneMs == 0 || y.Shown != nil || y.Override == nil {
			t.Errorf("%+v", y)
		}
		time.Sleep(9 * time.Minute)
		expect(all)
		time.Sleep(3 * time.Minute)
		expect("")
		if n := len(w.history.shards[0].m); n > 1 {
			t.Errorf("%d histories in a shard", n)
		}
		one, _ := w.connect("one")
		two, _ := w.connect("two")
		w.must(one.Register(k, at(1)))
		w.must(two.Register(k, at(1)))
		if y := w.Why(k, id); y.ClientID != "two" || len(y.Others) != 1 || y.Others[0] != "one" || y.Shown.Enabled || !y.Own.Enabled {
			t.Errorf("%+v", y)
		}
		one.Close("transport closed")
		two.Close("transport closed")
		expect("registered [] one; registered [] two; reregistered [one of two registrations ended (connection closed: transport closed); that of two is shown] one; " +
			"removed [connection closed: transport closed] two; ")
		for n := range 40 {
			i := at(1)
			i.Weight = float64(n)
			c, _ := w.connect("c")
			w.must(c.Register(k, i))
		}
		if n := len(w.Why(k, id).Notes); n != maxNotes {
			t.Errorf("%d notes", n)
		}
	})
}

func TestHistoriesAreBounded(t *testing.T) {
	w := newWorld(t, Config{MaxHistories: 160})
	c, _ := w.connect("1")
	for n := range 2000 {
		w.must(c.Register(key("s"), at(n)))
	}
	held := 0
	for i := range w.history.shards {
		held += len(w.history.shards[i].m)
	}
	if held > 160 {
		t.Errorf("%d histories", held)
	}
	if y := w.Why(key("s"), InstanceID{"10.0.0.1", 1999, "DEFAULT"}); len(y.Notes) != 1 {
		t.Errorf("the last one: %+v", y)
	}
}

func TestOverridesOfWhatIsGoneForLongAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = w.Tidy(ctx)
		}()
		c, _ := w.connect("1")
		w.must(c.Register(key("s"), at(1)))
		weight := 2.0
		for port := range 1500 {
			w.must(w.SetOverride(ctx, alice, key("s"), InstanceID{IP: "10.0.0.1", Port: port}, Patch{Weight: &weight}))
		}
		time.Sleep(3 * 24 * time.Hour)
		w.must(c.Register(key("s"), at(2))) // 1 is absent from now on, 2 no more
		time.Sleep(5 * 24 * time.Hour)
		if n := len(w.state.Overrides(key("s"))); n != 2 {
			t.Errorf("%d overrides are left", n)
		}
		time.Sleep(3 * 24 * time.Hour)
		if left := w.state.Overrides(key("s")); len(left) != 1 || left[0].Of.Port != 2 {
			t.Errorf("%d overrides are left", len(left))
		}
		cancel()
		<-done
	})
}

func TestResultsOfProbesLeaveTheRestOfAHistory(t *testing.T) {
	w := newWorld(t, Config{})
	k, id := key("db"), InstanceID{"10.0.0.1", 1, "DEFAULT"}
	w.must(w.RegisterPersistent(t.Context(), alice, k, at(1)))
	for n := range 100 {
		w.NoteProbe(Found{Key: k, Of: id, Detail: fmt.Sprint("refused ", n/2)})
	}
	notes := w.Why(k, id).Notes
	if len(notes) != 1+maxProbed || notes[0].What != Registered || notes[1].Detail != "refused 44" || notes[maxProbed].Detail != "refused 49" {
		t.Errorf("%+v", notes)
	}
}
