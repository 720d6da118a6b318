package delivery

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"nacre/server/config"
)

// pushed is a client that reacts to what it is told on a goroutine of its own, as one over gRPC does.
type pushed struct {
	s          *Session
	wake, quit chan struct{}
	done       chan struct{}
}

func (p *pushed) Owed() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// react fetches what it is told of and listens again, until its session is closed.
func (p *pushed) react(w *world, seed uint64) {
	defer close(p.done)
	r := rand.New(rand.NewPCG(seed, 1))
	for {
		select {
		case <-p.wake:
		case <-p.quit:
			return
		}
		for _, push := range p.s.Take(nil, 100) {
			if push.Attempt == 1 && r.IntN(4) == 0 {
				p.s.Refused(push.Key, push.Revision)
				continue
			}
			p.s.Acked(push.Key, push.Revision)
			md5 := w.item(push.Key).MD5For(p.s.sees())
			if _, err := p.s.Listen([]Watch{{Key: push.Key, MD5: md5}}); err != nil {
				return // closed
			}
		}
	}
}

// TestClientsPublishersAndReadersAtOnce lets all of them work together and then looks whether everybody who stayed is in
// sync: for the race detector, and for what only concurrency breaks.
func TestClientsPublishersAndReadersAtOnce(t *testing.T) {
	w := newWorld(0)
	defer run(w)()
	keys := make([]config.Key, 8)
	for i := range keys {
		keys[i] = key(fmt.Sprint(i))
	}
	connect := func(id int) *pushed {
		p := &pushed{wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
		p.s = w.Open(Client{ID: fmt.Sprint(id), Transport: GRPC, IP: "10.0.0.1"}, p)
		go p.react(w, uint64(id))
		ws := make([]Watch, len(keys))
		for i, k := range keys {
			ws[i] = Watch{Key: k}
		}
		if _, err := p.s.Listen(ws); err != nil {
			t.Error(err)
		}
		return p
	}
	var stay []*pushed
	for i := range 20 {
		stay = append(stay, connect(i))
	}
	end := make(chan struct{})
	var others sync.WaitGroup
	loop := func(f func(n int)) {
		others.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-end:
					return
				default:
					f(n)
				}
			}
		})
	}
	loop(func(n int) { w.set(keys[n%len(keys)], fmt.Sprint("md5 ", n)) }) // one, as the applying goroutine is
	for g := range 3 {
		loop(func(n int) { // come and go
			p := connect(1000 + g*1_000_000 + n)
			p.s.Unlisten(keys[:3])
			p.s.Close()
			close(p.quit)
			<-p.done
		})
		loop(func(n int) { // poll
			s, _, err := w.Poll(Poller{IP: "10.0.0.2", Port: uint16(g)}, []Watch{{Key: keys[n%8]}, {Key: keys[(n+g)%8]}})
			if err != nil {
				t.Error(err)
				return
			}
			s.Done(n%2 == 0)
		})
	}
	loop(func(n int) { w.OfConfig(keys[n%8]); w.Summary() })
	loop(func(int) { w.OfIP("10.0.0.2"); w.Clients(Filter{Text: "poll", Behind: true}, 1, 10); w.OfClient("7") })
	time.Sleep(300 * time.Millisecond)
	close(end)
	others.Wait()
	for _, k := range keys { // everybody who stayed gets the last of each, those whose client refused after a while
		deadline := time.Now().Add(20 * time.Second)
		for {
			behindOf := 0
			for _, x := range w.OfConfig(k) {
				if x.Client.Transport == GRPC && x.State != InSync {
					behindOf++
				}
			}
			if behindOf == 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d are still behind on %s", behindOf, k)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	for _, p := range stay {
		p.s.Close()
		close(p.quit)
		<-p.done
	}
	if n := w.Summary().GRPCClients; n != 0 {
		t.Errorf("%d clients are held after all left", n)
	}
}
