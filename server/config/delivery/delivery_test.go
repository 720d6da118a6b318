package delivery

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a ledger with the configurations that it tells of.
type world struct {
	*Ledger
	mu       sync.RWMutex
	items    map[config.Key]*config.Item
	revision atomic.Uint64

	eventMu sync.Mutex
	events  []Event
}

func newWorld(limit int64) *world {
	w := &world{items: make(map[config.Key]*config.Item)}
	w.Ledger = New(Config{Clock: clock.System{}, MaxListenings: limit, Revision: w.revision.Load, Item: w.item, Events: func(e Event) {
		w.eventMu.Lock()
		w.events = append(w.events, e)
		w.eventMu.Unlock()
	}})
	return w
}

func (w *world) item(k config.Key) *config.Item {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.items[k]
}

// set makes k hold the contents of those md5s, "" for none, and tells the ledger.
func (w *world) set(k config.Key, formal string, grays ...*config.Gray) {
	rev := w.revision.Add(1)
	var it *config.Item
	if formal != "" || len(grays) > 0 {
		it = &config.Item{Grays: grays}
		if formal != "" {
			it.Formal = &config.Entry{Key: k, MD5: formal, Revision: rev}
		}
	}
	w.mu.Lock()
	before := w.items[k]
	if w.items[k] = it; it == nil {
		delete(w.items, k)
	}
	w.mu.Unlock()
	w.Changed(k, before, it)
}

func (w *world) kinds() (out []Kind) {
	w.eventMu.Lock()
	defer w.eventMu.Unlock()
	for _, e := range w.events {
		out = append(out, e.Kind)
	}
	return out
}

func (w *world) lastEvent() Event {
	w.eventMu.Lock()
	defer w.eventMu.Unlock()
	if len(w.events) == 0 {
		return Event{}
	}
	return w.events[len(w.events)-1]
}

type owedCount struct{ n atomic.Int64 }

func (o *owedCount) Owed() { o.n.Add(1) }

func key(id string) config.Key {
	return config.Key{Namespace: "public", Group: "DEFAULT_GROUP", DataID: id}
}

func open(w *world, id, ip string) (*Session, *owedCount) {
	n := &owedCount{}
	return w.Open(Client{ID: id, Transport: GRPC, IP: ip, Remote: ip + ":1", App: "shop", SDK: "go"}, n), n
}

func listen(t *testing.T, s *Session, md5 string, keys ...config.Key) []int {
	t.Helper()
	ws := make([]Watch, len(keys))
	for i, k := range keys {
		ws[i] = Watch{Key: k, MD5: md5}
	}
	changed, err := s.Listen(ws)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func only(t *testing.T, w *world, k config.Key) Listening {
	t.Helper()
	all := w.OfConfig(k)
	if len(all) != 1 {
		t.Fatalf("%d listen for %s, want one", len(all), k)
	}
	return all[0]
}

func TestAListenSaysWhatDiffers(t *testing.T) {
	w := newWorld(0)
	w.set(key("a"), "A")
	s, _ := open(w, "1", "10.0.0.1")
	defer s.Close()
	if got := listen(t, s, "A", key("a"), key("missing")); len(got) != 1 || got[0] != 1 {
		t.Errorf("changed %v, want the second", got)
	}
	for _, x := range []struct {
		name    string
		watch   Watch
		changed bool
	}{
		{"what it has is right", Watch{Key: key("a"), MD5: "A"}, false},
		{"what it has is old", Watch{Key: key("a"), MD5: "old"}, true},
		{"it has nothing of what is there", Watch{Key: key("a")}, true},
		{"it has nothing of what is missing", Watch{Key: key("none")}, false},
		{"it sends no md5 of what is missing", Watch{Key: key("none"), NoMD5: true}, true},
		{"it has something of what is missing", Watch{Key: key("none"), MD5: "x"}, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			got, err := s.Listen([]Watch{x.watch})
			if err != nil || (len(got) == 1) != x.changed {
				t.Errorf("changed %v, %v; want %v", got, err, x.changed)
			}
		})
	}
}

func TestAChangeIsOwedUntilTheNextListenShowsIt(t *testing.T) {
	w := newWorld(0)
	k := key("a")
	w.set(k, "A")
	s, n := open(w, "1", "10.0.0.1")
	defer s.Close()
	listen(t, s, "A", k)
	if got := s.Take(nil, 10); len(got) != 0 {
		t.Fatalf("took %v before any change", got)
	}
	w.set(k, "B")
	if n.n.Load() != 1 {
		t.Fatalf("told %d times that something is owed, want once", n.n.Load())
	}
	got := s.Take(nil, 10)
	if len(got) != 1 || got[0].Key != k || got[0].Revision != 2 || got[0].Attempt != 1 {
		t.Fatalf("took %+v", got)
	}
	x := only(t, w, k)
	if x.State != Behind || x.MD5 != "A" || x.WantMD5 != "B" || x.PushedMs == 0 || x.SinceMs == 0 {
		t.Errorf("after the push: %+v", x)
	}
	if now, before := w.BehindSince(x.SinceMs), w.BehindSince(x.SinceMs-1); now != 1 || before != 0 {
		t.Errorf("%d are behind since then, %d for longer", now, before)
	}
	s.Acked(k, 2)
	if x := only(t, w, k); x.State != Behind || x.AckedMs == 0 {
		t.Errorf("an acknowledgement alone is no proof: %+v", x)
	}
	if got := listen(t, s, "A", k); len(got) != 1 {
		t.Error("a listen with the old md5 was answered with nothing changed")
	}
	listen(t, s, "B", k)
	if x := only(t, w, k); x.State != InSync || x.MD5 != "B" || x.SinceMs != 0 || w.BehindSince(w.wall()) != 0 {
		t.Errorf("after the listen: %+v", x)
	}
	if e := w.lastEvent(); e.Kind != ConfigInSync || e.InSync != 1 || e.Listeners != 1 || e.Revision != 2 || e.Key != k {
		t.Errorf("the last event is %+v", e)
	}
}

func TestChangesBetweenTwoPushesAreOne(t *testing.T) {
	w := newWorld(0)
	k := key("a")
	s, _ := open(w, "1", "10.0.0.1")
	defer s.Close()
	listen(t, s, "", k)
	w.set(k, "A")
	w.set(k, "B")
	w.set(k, "C")
	if got := s.Take(nil, 10); len(got) != 1 || got[0].Revision != 3 {
		t.Errorf("took %+v, want the last alone", got)
	}
	w.set(k, "D") // while the push of C is under way
	if got := s.Take(nil, 10); len(got) != 1 || got[0].Revision != 4 || got[0].Attempt != 1 {
		t.Errorf("took %+v, want the new one", got)
	}
	s.Acked(k, 3) // late
	if x := only(t, w, k); x.Revision != 4 || x.State != Behind {
		t.Errorf("%+v", x)
	}
}

func TestAChangeThatIsTakenBackBeforeAnybodyWasToldIsOwedToNobody(t *testing.T) {
	w := newWorld(0)
	k := key("a")
	w.set(k, "A")
	s, _ := open(w, "1", "10.0.0.1")
	defer s.Close()
	listen(t, s, "A", k)
	w.set(k, "B")
	w.set(k, "A")
	if got := s.Take(nil, 10); len(got) != 0 {
		t.Errorf("took %+v", got)
	}
	w.set(k, "B")
	s.Take(nil, 10)
	w.set(k, "A") // now the client may have B
	if got := s.Take(nil, 10); len(got) != 1 {
		t.Error("the client was told of B and not of A again")
	}
}

func TestAVariantIsOwedToWhomItIsFor(t *testing.T) {
	w := newWorld(0)
	k := key("a")
	w.set(k, "A")
	one, n1 := open(w, "1", "10.0.0.1")
	two, n2 := open(w, "2", "10.0.0.2")
	defer one.Close()
	defer two.Close()
	listen(t, one, "A", k)
	listen(t, two, "A", k)
	w.set(k, "A", &config.Gray{Key: k, Name: "beta", Rule: config.BetaRule("10.0.0.2"), MD5: "G", Revision: 2})
	if n1.n.Load() != 0 || n2.n.Load() != 1 {
		t.Fatalf("told %d and %d, want 0 and 1", n1.n.Load(), n2.n.Load())
	}
	two.Take(nil, 1)
	listen(t, two, "G", k)
	for _, x := range w.OfConfig(k) {
		if want := map[string]string{"1": "", "2": "beta"}[x.Client.ID]; x.Gray != want || x.State != InSync {
			t.Errorf("%s sees the variant %q in state %s", x.Client.ID, x.Gray, x.State)
		}
	}
	w.set(k, "A")
	if n1.n.Load() != 0 || n2.n.Load() != 2 {
		t.Errorf("told %d and %d after the variant's end, want 0 and 2", n1.n.Load(), n2.n.Load())
	}
}

func TestWhatIsNotConfirmedIsToldAgainEverMoreRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0)
		stop := run(w)
		defer stop()
		k := key("a")
		w.set(k, "A")
		s, n := open(w, "1", "10.0.0.1")
		listen(t, s, "A", k)
		time.Sleep(time.Hour) // nothing is owed
		w.set(k, "B")
		start := time.Now()
		var at []time.Duration
		for time.Since(start) < 2*time.Minute {
			if n.n.Swap(0) > 0 {
				for _, p := range s.Take(nil, 10) {
					at = append(at, time.Since(start).Truncate(time.Second))
					if p.Attempt != len(at) {
						t.Fatalf("attempt %d is the %d.", p.Attempt, len(at))
					}
					if len(at) == 3 {
						s.Refused(k, p.Revision)
					} else {
						s.Acked(k, p.Revision)
					}
				}
			}
			time.Sleep(10 * time.Millisecond)
		}
		want := []time.Duration{0, 1, 3, 7, 12, 17, 22, 27, 32, 37, 42, 47, 52, 57, 62, 92}
		if len(at) < len(want) {
			t.Fatalf("told after %v", at)
		}
		for i := range want {
			if d := at[i] - want[i]*time.Second; d < 0 || d > 3*time.Second {
				t.Fatalf("told after %v, want about those seconds: %d", at, want)
			}
		}
		if x := only(t, w, k); x.State != Behind || x.Attempts != len(at) {
			t.Errorf("%+v", x)
		}
		if sum := w.Summary(); sum.Behind != 1 || int(sum.Pushes) != len(at) || int(sum.Resent) != len(at)-1 || sum.GRPCClients != 1 {
			t.Errorf("%+v", sum)
		}
		listen(t, s, "B", k)
		n.n.Store(0)
		time.Sleep(time.Hour)
		if n.n.Load() != 0 {
			t.Error("told again though the client has it")
		}
		s.Close()
		if got, want := fmt.Sprint(w.kinds()), fmt.Sprint([]Kind{ClientConnected, ClientBehind, ClientInSync, ConfigInSync, ClientGone}); got != want {
			t.Errorf("events %v, want %v", got, want)
		}
	})
}

func TestAPushOfWhichNothingIsHeardIsRepeatedInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0)
		defer run(w)()
		k := key("a")
		s, n := open(w, "1", "10.0.0.1")
		defer s.Close()
		listen(t, s, "", k)
		w.set(k, "A")
		for i := range 3 {
			n.n.Store(0)
			if got := s.Take(nil, 1); len(got) != 1 || got[0].Attempt != i+1 {
				t.Fatalf("took %+v", got)
			}
			time.Sleep(ackWait + time.Second)
			if n.n.Load() == 0 {
				t.Fatal("not told again")
			}
		}
		if x := only(t, w, k); x.State != NeverAcked {
			t.Errorf("state %s", x.State)
		}
	})
}

// A steady stream of changes elsewhere must not keep back what is due.
func TestRepetitionsComeInTimeWhileMuchChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0)
		defer run(w)()
		s, n := open(w, "1", "10.0.0.1")
		defer s.Close()
		busy, _ := open(w, "2", "10.0.0.2")
		defer busy.Close()
		listen(t, s, "", key("a"))
		listen(t, busy, "", key("b"))
		w.set(key("a"), "A")
		s.Acked(key("a"), s.Take(nil, 1)[0].Revision)
		n.n.Store(0)
		for i := range 40 {
			w.set(key("b"), fmt.Sprint(i))
			busy.Take(nil, 1)
			time.Sleep(50 * time.Millisecond)
		}
		if n.n.Load() == 0 {
			t.Error("the change of a was not told again within two seconds")
		}
	})
}

func TestAClientThatAsksAgainAndAgainLoops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0)
		defer run(w)()
		k := key("a")
		w.set(k, "A")
		s, _ := open(w, "1", "10.0.0.1")
		defer s.Close()
		for i := range 5 {
			listen(t, s, "wrong", k)
			want := Behind
			if i >= 2 {
				want = Looping
			}
			if x := only(t, w, k); x.State != want {
				t.Errorf("after %d listens: %s", i+1, x.State)
			}
			time.Sleep(time.Second)
		}
		if w.Summary().Looping != 1 {
			t.Errorf("%+v", w.Summary())
		}
		time.Sleep(10 * time.Second)
		if e := w.lastEvent(); e.Kind != ClientLooping || e.MD5 != "wrong" {
			t.Errorf("the last event is %+v", e)
		}
		listen(t, s, "A", k)
		if x := only(t, w, k); x.State != InSync || x.Loops != 0 {
			t.Errorf("%+v", x)
		}
		for range 4 { // the full comparison of SDKs, each three minutes
			listen(t, s, "other", k)
			time.Sleep(3 * time.Minute)
		}
		if x := only(t, w, k); x.State == Looping {
			t.Error("three minutes apart is no loop")
		}
	})
}

func TestWaitingForSyncEndsWithTheLastClient(t *testing.T) {
	w := newWorld(0)
	k := key("a")
	if in, all := w.WaitSync(t.Context(), k); in != 0 || all != 0 {
		t.Fatalf("%d of %d, want none", in, all)
	}
	var sessions []*Session
	for i := range 3 {
		s, _ := open(w, fmt.Sprint(i), "10.0.0.1")
		listen(t, s, "", k)
		sessions = append(sessions, s)
	}
	w.set(k, "A")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	listen(t, sessions[0], "A", k)
	if in, all := w.WaitSync(ctx, k); in != 1 || all != 3 {
		t.Errorf("%d of %d, want 1 of 3", in, all)
	}
	done := make(chan string)
	go func() {
		in, all := w.WaitSync(t.Context(), k)
		done <- fmt.Sprintf("%d of %d", in, all)
	}()
	listen(t, sessions[1], "A", k)
	sessions[2].Close() // who is gone needs nothing
	if got := <-done; got != "2 of 2" {
		t.Error(got)
	}
}

func TestTooManyListeningsAreRefusedAndHoldNothing(t *testing.T) {
	w := newWorld(2)
	s, _ := open(w, "1", "10.0.0.1")
	listen(t, s, "", key("a"), key("b"))
	if _, err := s.Listen([]Watch{{Key: key("c")}}); fault.KindOf(err) != fault.Limited {
		t.Fatalf("%v, want a limit", err)
	}
	if w.OfConfig(key("c")) != nil {
		t.Error("the refused key is held")
	}
	if _, _, err := w.Poll(Poller{IP: "10.0.0.2"}, []Watch{{Key: key("d")}}); fault.KindOf(err) != fault.Limited {
		t.Fatalf("%v, want a limit", err)
	}
	s.Unlisten([]config.Key{key("a"), key("never")})
	listen(t, s, "", key("c"))
	s.Close()
	s.Close()
	if _, err := s.Listen([]Watch{{Key: key("a")}}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v after Close", err)
	}
	empty(t, w)
}

// empty fails unless the ledger holds nothing.
func empty(t *testing.T, w *world) {
	t.Helper()
	topics := 0
	for i := range w.shards {
		w.shards[i].mu.Lock()
		topics += len(w.shards[i].topics)
		w.shards[i].mu.Unlock()
	}
	sessions, owing := len(w.all.snapshot()), len(w.owing.snapshot(nil))
	if topics > 0 || w.listenings.Load() != 0 || w.behind.Load() != 0 || sessions > 0 || owing > 0 || !w.slots.empty() {
		t.Errorf("held: %d topics, %d listenings, %d behind, %d sessions, %d owing", topics, w.listenings.Load(), w.behind.Load(), sessions, owing)
	}
	w.slots.mu.Lock()
	defer w.slots.mu.Unlock()
	if n := len(w.slots.byPort) + len(w.slots.bySet); n > 0 {
		t.Errorf("held: %d entries of free slots", n)
	}
}

// run runs the ledger; the function returned ends it.
func run(w *world) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.Run(ctx)
	}()
	return func() { cancel(); <-done }
}
