package naming

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// prompt is a client that takes and confirms at once, and notes how old what it is told is.
type prompt struct {
	session *Session
	ages    *ages
}

type ages struct {
	mu   sync.Mutex
	list []int64
}

func (p *prompt) Owed() {
	var pushes [8]Push
	now := p.session.registry.wall()
	for _, x := range p.session.Take(pushes[:0], len(pushes)) {
		p.ages.mu.Lock()
		p.ages.list = append(p.ages.list, now-x.View.LastRefMs)
		p.ages.mu.Unlock()
		p.session.Acked(x.View)
	}
}

// TestAFleetThatChangesIsToldInTime changes 1 % of all instances each second, while their heartbeats come, and looks how late subscribers
// are told and how much work it is.
func TestAFleetThatChangesIsToldInTime(t *testing.T) {
	clients, lasts := 10_000, 4*time.Second
	if testing.Short() {
		clients, lasts = 1_000, time.Second
	}
	r, keys := many(t, clients, "http", Config{})
	w := &world{Registry: r, t: t}
	defer w.run()()
	all := &ages{}
	for c := range clients / 2 {
		p := &prompt{ages: all}
		p.session = r.Open(Client{ID: fmt.Sprint(c)}, p)
		for n := range 10 {
			if _, err := p.session.Subscribe(keys[(c*7+n*31)%len(keys)], ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	instances := clients * 10
	tick := time.NewTicker(10 * time.Millisecond) // 100 a second
	defer tick.Stop()
	var busy time.Duration
	begun := time.Now()
	for step := 0; time.Since(begun) < lasts; step++ {
		<-tick.C
		from := time.Now()
		for range instances / 100 / 100 {
			c, n := rand.IntN(clients), rand.IntN(10)
			i := usual(c, n)
			i.Port, i.Weight = 8080, float64(rand.IntN(100))
			if err := r.RegisterHTTP(alice, keys[(c*10+n*499)%len(keys)], i); err != nil {
				t.Fatal(err)
			}
		}
		for n := range instances / 5 / 100 { // each 5 s
			c := (step*instances/5/100 + n) / 10 % clients
			if b, err := r.Beat(alice, keys[(c*10+n%10*499)%len(keys)], Instance{IP: usual(c, 0).IP, Port: 8080}, false); err != nil || !b.Known {
				t.Fatalf("%+v, %v", b, err)
			}
		}
		busy += time.Since(from)
	}
	time.Sleep(300 * time.Millisecond)
	all.mu.Lock()
	defer all.mu.Unlock()
	slices.Sort(all.list)
	if len(all.list) == 0 {
		t.Fatal("nobody was told")
	}
	p99 := all.list[len(all.list)*99/100]
	s := r.Stats()
	t.Logf("%d pushes in %v; told after %d ms (half), %d ms (99 %%), %d ms (last); %.1f %% of a core for changes and heartbeats", len(all.list),
		lasts, all.list[len(all.list)/2], p99, all.list[len(all.list)-1], 100*busy.Seconds()/lasts.Seconds())
	if s.Owing != 0 || s.Dirty != 0 || int(s.Instances) != instances || s.Unhealthy != 0 {
		t.Errorf("%+v", s)
	}
	runtime.KeepAlive(r)
}
