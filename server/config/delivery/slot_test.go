package delivery

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nacre/server/config"
)

func watches(md5 string, keys ...config.Key) []Watch {
	out := make([]Watch, len(keys))
	for i, k := range keys {
		out[i] = Watch{Key: k, MD5: md5}
	}
	return out
}

func poll(t *testing.T, w *world, p Poller, ws []Watch) *Slot {
	t.Helper()
	s, _, err := w.Poll(p, ws)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAClientThatPollsIsOneClient(t *testing.T) {
	a, b, c := key("a"), key("b"), key("c")
	p := Poller{IP: "10.0.0.1", Port: 1000, App: "shop", SDK: "java 1.4"}
	other := func(f func(*Poller)) Poller { q := p; f(&q); return q }
	for _, x := range []struct {
		name    string
		next    Poller
		keys    []config.Key
		clients int
	}{
		{"the same socket and keys", p, []config.Key{a, b}, 1},
		{"the same socket with a key more", p, []config.Key{a, b, c}, 1},
		{"the same socket with other keys", p, []config.Key{c}, 1},
		{"another socket with the same keys", other(func(q *Poller) { q.Port = 2000 }), []config.Key{b, a}, 1},
		{"another socket with a key more", other(func(q *Poller) { q.Port = 2000 }), []config.Key{a, b, c}, 1},
		{"another socket with other keys", other(func(q *Poller) { q.Port = 2000 }), []config.Key{c}, 2},
		{"another address", other(func(q *Poller) { q.IP = "10.0.0.2" }), []config.Key{a, b}, 2},
		{"another application", other(func(q *Poller) { q.App = "till" }), []config.Key{a, b}, 2},
		{"another library", other(func(q *Poller) { q.SDK = "go" }), []config.Key{a, b}, 2},
		{"another tag", other(func(q *Poller) { q.Tag = "gray" }), []config.Key{a, b}, 2},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(0)
			poll(t, w, p, watches("", a, b)).Done(false)
			s := poll(t, w, x.next, watches("", x.keys...))
			_, n := w.Clients(Filter{}, 1, 10)
			if n != x.clients {
				t.Errorf("%d clients, want %d", n, x.clients)
			}
			_, of, ok := w.OfClient(s.describe().ID)
			if !ok || len(of) != len(x.keys) {
				t.Errorf("it listens for %v, want %v", of, x.keys)
			}
			if got, want := s.describe().Remote, fmt.Sprintf("%s:%d", x.next.IP, x.next.Port); got != want {
				t.Errorf("remote %s, want %s", got, want)
			}
		})
	}
}

func TestPollsThatWaitAtOnceAreDifferentClients(t *testing.T) {
	w := newWorld(0)
	k := key("a")
	p := Poller{IP: "10.0.0.1", Port: 1}
	var slots []*Slot
	for range 3 {
		slots = append(slots, poll(t, w, p, watches("", k)))
	}
	if n := len(w.OfConfig(k)); n != 3 {
		t.Fatalf("%d listen, want 3", n)
	}
	for _, s := range slots {
		s.Done(false)
	}
	for range 3 {
		poll(t, w, p, watches("", k))
	}
	if n := len(w.OfConfig(k)); n != 3 {
		t.Errorf("%d listen after each polled again, want 3", n)
	}
}

func TestAPollThatIsAnsweredIsBehindUntilItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0)
		defer run(w)()
		k := key("a")
		w.set(k, "A")
		p := Poller{IP: "10.0.0.1", Port: 1}
		s := poll(t, w, p, watches("A", k))
		if x := only(t, w, k); x.State != InSync || !x.Connected {
			t.Errorf("%+v", x)
		}
		w.set(k, "B")
		s.Done(false)
		time.Sleep(3 * time.Second)
		if x := only(t, w, k); x.State != Behind || x.Connected {
			t.Errorf("%+v", x)
		}
		w.set(k, "A") // what it fetched meanwhile is not known
		if x := only(t, w, k); x.State != Behind {
			t.Errorf("%+v", x)
		}
		s, changed, err := w.Poll(p, watches("B", k))
		if err != nil || len(changed) != 1 {
			t.Fatalf("changed %v, %v", changed, err)
		}
		s.Done(false)
		s = poll(t, w, p, watches("A", k))
		if x := only(t, w, k); x.State != InSync {
			t.Errorf("%+v", x)
		}
		s.Done(false)
		if got, want := fmt.Sprint(w.kinds()), fmt.Sprint([]Kind{ClientConnected, ClientBehind, ClientInSync, ConfigInSync}); got != want {
			t.Errorf("events %v, want %v", got, want)
		}
	})
}

func TestAClientThatPollsNoMoreIsGone(t *testing.T) {
	for _, x := range []struct {
		name  string
		left  bool
		after time.Duration
	}{
		{"a minute after its last answer", false, goneAfter},
		{"ten seconds after it closed its connection", true, leftAfter},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(0)
				defer run(w)()
				s := poll(t, w, Poller{IP: "10.0.0.1", Port: 1}, watches("", key("a")))
				time.Sleep(time.Hour) // a poll that waits does not end
				s.Done(x.left)
				time.Sleep(x.after - time.Second)
				if len(w.OfConfig(key("a"))) != 1 {
					t.Fatal("gone too early")
				}
				time.Sleep(2 * time.Second)
				if len(w.OfConfig(key("a"))) != 0 || w.lastEvent().Kind != ClientGone {
					t.Error("it is still there")
				}
				empty(t, w)
			})
		})
	}
}

func TestFiveThousandPollsBehindOneAddressFindTheirSlots(t *testing.T) {
	w := newWorld(0)
	k := key("a")
	const n = 5000
	slots := make([]*Slot, n)
	for round := range 3 {
		for i := range slots {
			slots[i] = poll(t, w, Poller{IP: "10.0.0.1", Port: uint16(i + round*n)}, watches("", k, key(fmt.Sprint(i))))
		}
		for _, s := range slots {
			s.Done(false)
		}
	}
	if got := len(w.OfConfig(k)); got != n {
		t.Errorf("%d clients, want %d", got, n)
	}
}

// fired takes what a poll is told.
type fired chan config.Key

func (f fired) Fire(k config.Key) { f <- k }

func TestAPollThatWaitsIsToldOnce(t *testing.T) {
	w := newWorld(0)
	a, b := key("a"), key("b")
	p := Poller{IP: "10.0.0.1", Port: 1}
	waiting := func(polls, keys int64) {
		t.Helper()
		if n, m := w.Waiting(); n != polls || m != keys {
			t.Errorf("%d polls wait for %d keys, want %d for %d", n, m, polls, keys)
		}
	}
	told := make(fired, 9)
	s := poll(t, w, p, watches("", a, b))
	w.set(b, "between")
	if got := s.Wait(told); len(got) != 1 || got[0] != b {
		t.Fatalf("what changed since Poll is %v", got)
	}
	waiting(0, 0)
	s.Done(false)
	s = poll(t, w, p, []Watch{{Key: a}, {Key: b, MD5: "between"}})
	if got := s.Wait(told); len(got) > 0 {
		t.Fatalf("changed %v", got)
	}
	waiting(1, 2)
	w.set(key("other"), "x")
	w.set(a, "A")
	w.set(b, "B")
	waiting(0, 0)
	if len(told) != 1 || <-told != a {
		t.Error("it was not told of the first change alone")
	}
	s.Done(false)
	s = poll(t, w, p, []Watch{{Key: a, MD5: "A"}, {Key: b, MD5: "B"}})
	s.Wait(told)
	s.Done(true)
	waiting(0, 0)
	w.set(a, "C")
	if len(told) != 0 {
		t.Error("a poll that is over was told")
	}
}

func TestAPollIsNotToldOfAnothersVariant(t *testing.T) {
	w := newWorld(0)
	k := key("a")
	w.set(k, "A")
	told := make(fired, 9)
	s := poll(t, w, Poller{IP: "10.0.0.1", Tag: "blue"}, watches("A", k))
	s.Wait(told)
	w.set(k, "A", &config.Gray{Key: k, Name: "beta", Rule: config.BetaRule("10.0.0.2"), MD5: "G", Revision: 2})
	if len(told) != 0 {
		t.Error("told of a variant for somebody else")
	}
	w.set(k, "A", &config.Gray{Key: k, Name: "tag_blue", Rule: config.TagRule("blue"), MD5: "T", Revision: 3})
	if len(told) != 1 {
		t.Error("not told of the variant for its tag")
	}
	if x := only(t, w, k); x.Gray != "tag_blue" || x.WantMD5 != "T" {
		t.Errorf("%+v", x)
	}
}

// TestNoPollMissesAChange has clients poll again and again while a publisher publishes: none may wait though it has not the
// newest.
func TestNoPollMissesAChange(t *testing.T) {
	w := newWorld(0)
	defer run(w)()
	keys := []config.Key{key("a"), key("b")}
	const last = "the last"
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			has := map[config.Key]string{}
			for has[keys[0]] != last || has[keys[1]] != last {
				ws := []Watch{{Key: keys[0], MD5: has[keys[0]]}, {Key: keys[1], MD5: has[keys[1]]}}
				s, changed, err := w.Poll(Poller{IP: "10.0.0.1", Port: uint16(i)}, ws)
				if err != nil {
					t.Error(err)
					return
				}
				told := make(fired, 1)
				if len(changed) == 0 && len(s.Wait(told)) == 0 {
					select {
					case <-told:
					case <-time.After(10 * time.Second):
						t.Errorf("client %d waits with %v", i, has)
						return
					}
				}
				s.Done(false)
				for _, k := range keys {
					has[k] = w.item(k).MD5For(config.Client{})
				}
			}
		})
	}
	for i := range 5000 {
		w.set(keys[i%2], fmt.Sprint(i))
	}
	w.set(keys[0], last)
	w.set(keys[1], last)
	clients.Wait()
}
