package delivery

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"nacre/server/clock"
	"nacre/server/config"
)

// heap returns the bytes of the heap that are in use.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// held is a ledger over n configurations that all exist.
func held(n int) (*Ledger, []config.Key, map[config.Key]*config.Item) {
	items := make(map[config.Key]*config.Item)
	keys := make([]config.Key, n)
	for i := range keys {
		keys[i] = key(fmt.Sprint("application-", i, ".yaml"))
		items[keys[i]] = &config.Item{Formal: &config.Entry{Key: keys[i], MD5: fmt.Sprintf("%032d", i), Revision: 1}}
	}
	l := New(Config{Clock: clock.System{}, Item: func(k config.Key) *config.Item { return items[k] }, Revision: func() uint64 { return 1 }})
	return l, keys, items
}

// TestWhatAListeningCosts holds the ledger to what it may take of memory for each pair of client and key.
func TestWhatAListeningCosts(t *testing.T) {
	for _, x := range []struct {
		name                string
		clients, keys, most int
		shared              bool
		polls               bool
	}{
		{"5,000 gRPC clients that listen for the same 10", 5000, 10, 200, true, false},
		{"5,000 gRPC clients that listen for 10 of their own", 5000, 10, 330, false, false},
		{"5,000 polls for the same key", 5000, 1, 370, true, true},
		{"5,000 polls for a key of their own", 5000, 1, 500, false, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			n := x.keys
			if !x.shared {
				n *= x.clients
			}
			l, keys, items := held(n)
			sessions := make([]any, 0, x.clients)
			clients := make([]Client, x.clients)
			for i := range clients {
				clients[i] = Client{ID: fmt.Sprint("1720000000000_10.0.0.1_", i), Transport: GRPC, IP: "10.0.0.1", Remote: fmt.Sprint("10.0.0.1:", i)}
			}
			n0 := heap()
			for i := range x.clients {
				mine := keys
				if !x.shared {
					mine = keys[i*x.keys : (i+1)*x.keys]
				}
				if x.polls {
					ws := make([]Watch, len(mine))
					for j, k := range mine {
						ws[j] = Watch{Key: k, MD5: items[k].Formal.MD5}
					}
					s, _, err := l.Poll(Poller{IP: "10.0.0.1", Port: uint16(i)}, ws)
					if err != nil {
						t.Fatal(err)
					}
					sessions = append(sessions, s)
					continue
				}
				ws := make([]Watch, len(mine))
				for j, k := range mine {
					ws[j] = Watch{Key: k, MD5: items[k].Formal.MD5}
				}
				s := l.Open(clients[i], nobody{})
				if _, err := s.Listen(ws); err != nil {
					t.Fatal(err)
				}
				sessions = append(sessions, s)
			}
			each := int(heap()-n0) / (x.clients * x.keys)
			t.Logf("%d bytes for each client and key", each)
			if each > x.most {
				t.Errorf("%d bytes for each client and key, at most %d are wanted", each, x.most)
			}
			runtime.KeepAlive(sessions)
			runtime.KeepAlive(clients)
			runtime.KeepAlive(l)
			runtime.KeepAlive(items)
		})
	}
}

type nobody struct{}

func (nobody) Owed() {}

// BenchmarkChanged is what the applying goroutine does for a configuration that 5,000 clients listen for.
func BenchmarkChanged(b *testing.B) {
	for _, n := range []int{1, 5000} {
		b.Run(fmt.Sprint(n, " listeners"), func(b *testing.B) {
			l, keys, _ := held(1)
			sessions := make([]*Session, n)
			for i := range sessions {
				sessions[i] = l.Open(Client{ID: fmt.Sprint(i)}, nobody{})
				if _, err := sessions[i].Listen([]Watch{{Key: keys[0], MD5: fmt.Sprintf("%032d", 0)}}); err != nil {
					b.Fatal(err)
				}
			}
			rev := uint64(1)
			l.cfg.Revision = func() uint64 { return rev }
			b.ReportAllocs()
			for b.Loop() {
				rev++
				l.Changed(keys[0], nil, &config.Item{Formal: &config.Entry{Key: keys[0], MD5: fmt.Sprint(rev), Revision: rev}})
			}
		})
	}
}

// BenchmarkDelivery is all that the ledger does for one change and one client: mark, take, acknowledge, listen.
func BenchmarkDelivery(b *testing.B) {
	l, keys, items := held(1)
	k := keys[0]
	s := l.Open(Client{ID: "1"}, nobody{})
	rev := uint64(1)
	l.cfg.Revision = func() uint64 { return rev }
	var pushes []Push
	ws := []Watch{{Key: k}}
	texts := [2]string{"a", "b"}
	b.ReportAllocs()
	for b.Loop() {
		rev++
		it := &config.Item{Formal: &config.Entry{Key: k, MD5: texts[rev%2], Revision: rev}}
		items[k] = it
		l.Changed(k, nil, it)
		pushes = s.Take(pushes[:0], 16)
		for _, p := range pushes {
			s.Acked(p.Key, p.Revision)
		}
		ws[0].MD5 = it.Formal.MD5
		if _, err := s.Listen(ws); err != nil {
			b.Fatal(err)
		}
	}
	if in, all := l.WaitSync(context.Background(), k); in != all {
		b.Fatalf("%d of %d", in, all)
	}
}
