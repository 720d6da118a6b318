package naming

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatASubscriberWasAnsweredIsToldOnceMoreWhenItIsWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		defer w.run()()
		pub, _ := w.connect("pub")
		sub, n := w.connect("sub")
		other, others := w.connect("other")
		for _, k := range []Key{key("s"), key("none")} {
			if k == key("s") {
				w.must(pub.Register(k, at(1)))
			}
			_, err := other.Subscribe(k, "")
			w.must(err)
			v, err := sub.Subscribe(k, "")
			w.must(err)
			sub.Repeat(k)
			time.Sleep(200 * time.Millisecond)
			got := sub.Take(nil, 9)
			if len(got) != 1 || got[0].View.Revision != v.Revision || got[0].View.Key != k {
				t.Fatalf("%s: %+v", k, got)
			}
			sub.Acked(got[0].View)
			time.Sleep(10 * time.Second)
			if got := sub.Take(nil, 9); len(got) != 0 {
				t.Errorf("%s: told again: %+v", k, got)
			}
		}
		if n.n.Load() < 2 || others.n.Load() != 0 {
			t.Errorf("notified %d times, the other subscriber %d", n.n.Load(), others.n.Load())
		}
		sub.Repeat(key("unknown"))
		sub.Unsubscribe(key("s"))
		sub.Repeat(key("s"))
		time.Sleep(time.Second)
		if got := sub.Take(nil, 9); len(got) != 0 {
			t.Errorf("told of what it does not subscribe to: %+v", got)
		}
	})
}
