package delivery

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"nacre/server/config"
)

func TestAClientMayListenForMany(t *testing.T) {
	w := newWorld(0)
	s, n := open(w, "1", "10.0.0.1")
	defer s.Close()
	const most = 500
	keys := make([]config.Key, most)
	for i := range keys {
		keys[i] = key(fmt.Sprint(i))
	}
	listen(t, s, "", keys...)
	r := rand.New(rand.NewPCG(1, 2))
	gone := make(map[int]bool)
	for _, i := range r.Perm(most)[:200] {
		s.Unlisten([]config.Key{keys[i]})
		gone[i] = true
	}
	for i := range keys {
		w.set(keys[i], "x")
	}
	if int(n.n.Load()) != most-200 {
		t.Errorf("told %d times, want %d", n.n.Load(), most-200)
	}
	var got []config.Key
	for {
		pushes := s.Take(nil, 7)
		if len(pushes) == 0 {
			break
		}
		for _, p := range pushes {
			got = append(got, p.Key)
		}
	}
	for i := range keys {
		if slices.Contains(got, keys[i]) == gone[i] {
			t.Errorf("key %d: listened for is %v, which a push does not fit", i, !gone[i])
		}
	}
	c, of, ok := w.OfClient("1")
	if !ok || c.Listenings != most-200 || len(of) != most-200 || c.Behind != most-200 {
		t.Errorf("%+v, %d rows", c, len(of))
	}
}

func TestKeysWithOneHashAreKeptApart(t *testing.T) {
	w := newWorld(0)
	sh := &w.shards[0]
	var topics []*topic
	for _, id := range []string{"a", "b", "c", "d"} {
		topics = append(topics, sh.open(w.Ledger, 256, key(id)))
	}
	for _, i := range []int{1, 3, 0, 2} { // from the middle, the newest, the oldest, the last
		sh.drop(256, topics[i])
		topics[i] = nil
		for j, id := range []string{"a", "b", "c", "d"} {
			if got := sh.find(256, key(id)); got != topics[j] {
				t.Fatalf("after %d was dropped, %s is %v", i, id, got)
			}
		}
	}
	if len(sh.topics) != 0 {
		t.Error("the shard is not empty")
	}
}

func TestWaitingForSyncEndsWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0)
		stop := run(w)
		k := key("a")
		s, _ := open(w, "1", "10.0.0.1")
		defer s.Close()
		listen(t, s, "", k)
		w.set(k, "A")
		done := make(chan string)
		go func() {
			in, all := w.WaitSync(t.Context(), k)
			done <- fmt.Sprintf("%d of %d", in, all)
		}()
		time.Sleep(time.Minute)
		select {
		case got := <-done:
			t.Fatalf("it did not wait: %s", got)
		default:
		}
		stop()
		if got := <-done; got != "0 of 1" {
			t.Error(got)
		}
	})
}
