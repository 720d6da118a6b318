package delivery

import (
	"testing"
	"testing/synctest"
	"time"

	"nacre/server/config"
)

func TestListenersAreSelected(t *testing.T) {
	w, k := newWorld(0), key("a")
	w.set(k, "m1", &config.Gray{Name: "beta", MD5: "b1", Rule: config.Rule{Type: config.RuleBeta, Expr: "10.0.0.2"}})
	one := w.Open(Client{ID: "one", Transport: GRPC, IP: "10.0.0.1", Remote: "10.0.0.1:5000", App: "Orders", SDK: "Go", Labels: map[string]string{"zone": "east"}}, &owedCount{})
	two, _ := open(w, "two", "10.0.0.2")
	three, _ := open(w, "three", "10.0.0.3")
	listen(t, one, "m1", k)
	listen(t, two, "b1", k)
	listen(t, three, "old", k)
	poll(t, w, Poller{IP: "10.0.0.4", Port: 9, App: "legacy"}, watches("m1", k)).Done(false)
	for name, tc := range map[string]struct {
		where Where
		want  []string
	}{
		"all, those that are behind first":   {Where{}, []string{"10.0.0.3", "10.0.0.1", "10.0.0.2", "10.0.0.4"}},
		"those that are not in sync":         {Where{NotInSync: true}, []string{"10.0.0.3"}},
		"those in sync":                      {Where{State: InSync}, []string{"10.0.0.1", "10.0.0.2", "10.0.0.4"}},
		"those that see a variant":           {Where{Gray: true}, []string{"10.0.0.2"}},
		"by application, in another case":    {Where{Text: " orders "}, []string{"10.0.0.1"}},
		"by a label":                         {Where{Text: "zone=east"}, []string{"10.0.0.1"}},
		"by the address of one that polls":   {Where{Text: "10.0.0.4:9"}, []string{"10.0.0.4"}},
		"a text that stands nowhere":         {Where{Text: "nowhere"}, nil},
		"a text and a state that none is in": {Where{Text: "orders", State: Looping}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			x := w.Listeners(k, tc.where, 1, 100)
			if x.Total != len(tc.want) || len(x.Rows) != len(tc.want) || x.All != (Standing{Listeners: 4, InSync: 3, Behind: 1}) {
				t.Fatalf("%d of %+v, want %v", x.Total, x.All, tc.want)
			}
			for i, ip := range tc.want {
				if x.Rows[i].Client.IP != ip {
					t.Errorf("%d is %s, want %s", i, x.Rows[i].Client.IP, ip)
				}
			}
		})
	}
	if x := w.Listeners(key("other"), Where{}, 1, 10); x.Total != 0 || x.All.Listeners != 0 || x.Revision != 0 {
		t.Errorf("nobody listens, but %+v", x)
	}
}

func TestHowLongAChangeTookToReachAllIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, k := newWorld(0), key("a")
		w.set(k, "m1")
		s, _ := open(w, "one", "10.0.0.1")
		listen(t, s, "m1", k)
		if x := w.Listeners(k, Where{}, 1, 10); x.ChangedMs != 0 || x.SyncedMs != 0 {
			t.Errorf("nothing changed while somebody listened, but %+v", x)
		}
		changed := w.wall()
		w.set(k, "m2")
		if x := w.Listeners(k, Where{}, 1, 10); x.ChangedMs != changed || x.SyncedMs != 0 || x.BehindMs != changed || x.Revision != 2 {
			t.Errorf("it is on its way, but %+v", x)
		}
		time.Sleep(400 * time.Millisecond)
		s.Take(nil, 10)
		listen(t, s, "m2", k)
		time.Sleep(time.Minute)
		listen(t, s, "m2", k) // says so once more
		if x := w.Listeners(k, Where{}, 1, 10); x.SyncedMs-x.ChangedMs != 400 || x.BehindMs != 0 || x.Revision != 2 {
			t.Errorf("all had it after 400 ms, but %+v", x)
		}
	})
}

func TestWhoIsBehindIsToldAgainAtOnceWhenAsked(t *testing.T) {
	w, k := newWorld(0), key("a")
	w.set(k, "m1")
	slow, slowOwed := open(w, "slow", "10.0.0.1")
	quick, quickOwed := open(w, "quick", "10.0.0.2")
	for _, s := range []*Session{slow, quick} {
		listen(t, s, "m1", k)
	}
	poll(t, w, Poller{IP: "10.0.0.3", Port: 1}, watches("m1", k)).Done(false)
	w.set(k, "m2")
	take := func(s *Session, attempt int) {
		t.Helper()
		if p := s.Take(nil, 10); len(p) != 1 || p[0].Revision != 2 || p[0].Attempt != attempt {
			t.Fatalf("took %+v, want attempt %d", p, attempt)
		}
	}
	take(slow, 1)
	take(quick, 1)
	if n := w.Again(k, ""); n != 2 {
		t.Errorf("%d told, want both that have a connection", n)
	}
	take(slow, 2)
	take(quick, 2)
	listen(t, quick, "m2", k)
	before := quickOwed.n.Load()
	for _, tc := range []struct {
		name, id string
		key      config.Key
		want     int
	}{
		{"all that are behind", "", k, 1},
		{"one that is behind, which is due already", "slow", k, 1},
		{"one that is in sync", "quick", k, 0},
		{"one that is not there", "gone", k, 0},
		{"what nobody listens for", "", key("other"), 0},
	} {
		if n := w.Again(tc.key, tc.id); n != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, n, tc.want)
		}
	}
	take(slow, 3)
	if p := slow.Take(nil, 10); len(p) != 0 {
		t.Errorf("%+v is due, too", p)
	}
	if quickOwed.n.Load() != before || slowOwed.n.Load() < 3 {
		t.Errorf("told %d and %d", slowOwed.n.Load(), quickOwed.n.Load())
	}
	slow.Close()
	if n := w.Again(k, ""); n != 0 {
		t.Errorf("%d told after all left", n)
	}
}
