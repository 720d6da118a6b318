package naming

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"nacre/server/fault"
)

// eager is a client that takes what it is owed on a goroutine of its own, as a connection does.
type eager struct {
	session *Session
	wake    chan struct{}
	mu      sync.Mutex
	holds   map[Key]*View
}

func (e *eager) Owed() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *eager) serve(ctx context.Context, random *rand.Rand) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.wake:
		}
		for pushes := e.session.Take(nil, 4); len(pushes) > 0; pushes = e.session.Take(nil, 4) {
			for _, p := range pushes {
				if random.IntN(10) == 0 {
					e.session.Refused(p.View)
					continue
				}
				e.mu.Lock()
				if old := e.holds[p.View.Key]; old == nil || p.View.LastRefMs >= old.LastRefMs {
					e.holds[p.View.Key] = p.View
				}
				e.mu.Unlock()
				e.session.Acked(p.View)
			}
		}
	}
}

// TestManyAtOnce lets clients, people and queries do as they like on many goroutines, and then rest: all subscribers hold
// the live set, and the figures are right.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t, Config{Delay: 5 * time.Millisecond, EmptyAfter: 20 * time.Millisecond, MaxHistories: 200})
	stop := w.run()
	keys := make([]Key, 12)
	for i := range keys {
		keys[i] = key(fmt.Sprint("s", i))
	}
	steps := 1500
	if testing.Short() {
		steps = 500
	}
	ctx, cancel := context.WithCancel(t.Context())
	var serving, working sync.WaitGroup
	var mu sync.Mutex
	live := make(map[*eager]bool)
	for n := range 8 {
		working.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 7))
			var own []*eager
			for step := range steps {
				k := keys[random.IntN(len(keys))]
				i := at(random.IntN(40))
				i.IP = fmt.Sprint("10.0.", n%2, ".1") // two goroutines meet at each
				i.Enabled = random.IntN(4) > 0
				i.Weight = float64(random.IntN(3))
				switch c := random.IntN(24); {
				case c == 0 || len(own) == 0:
					e := &eager{wake: make(chan struct{}, 1), holds: make(map[Key]*View)}
					e.session = w.Open(Client{ID: fmt.Sprint(n, "-", step)}, e)
					own = append(own, e)
					mu.Lock()
					live[e] = true
					mu.Unlock()
					random := rand.New(rand.NewPCG(uint64(step), 3))
					serving.Go(func() { e.serve(ctx, random) })
				case c == 1 && len(own) > 4:
					e := own[0]
					own = own[1:]
					mu.Lock()
					delete(live, e)
					mu.Unlock()
					if random.IntN(2) == 0 {
						go e.session.Close("test") // while others go on
					}
					e.session.Close("test")
					if err := e.session.Register(k, i); fault.CodeOf(err) != CodeGone {
						t.Errorf("registered after Close: %v", err)
					}
				case c < 8:
					check(t, own[random.IntN(len(own))].session.Register(k, i))
				case c < 10:
					list := make([]Instance, random.IntN(50))
					for x := range list {
						list[x] = i
						list[x].Port = random.IntN(60)
					}
					check(t, own[random.IntN(len(own))].session.RegisterBatch(k, list))
				case c < 12:
					own[random.IntN(len(own))].session.Deregister(k)
				case c < 15:
					e := own[random.IntN(len(own))]
					v, err := e.session.Subscribe(k, "")
					check(t, err)
					e.mu.Lock()
					if old := e.holds[k]; old == nil || v.LastRefMs >= old.LastRefMs {
						e.holds[k] = v
					}
					e.mu.Unlock()
				case c == 15:
					e := own[random.IntN(len(own))]
					e.session.Unsubscribe(k)
					e.mu.Lock()
					delete(e.holds, k)
					e.mu.Unlock()
				case c == 16:
					check(t, w.RegisterHTTP(alice, k, i))
				case c == 17:
					_, err := w.Beat(alice, k, i, random.IntN(2) == 0)
					check(t, err)
				case c == 18:
					w.DeregisterHTTP(alice, k, i.IP, i.Port)
				case c == 19:
					if err := w.SetOverride(t.Context(), alice, k, i.Of(), Patch{Weight: &i.Weight}); err != nil && fault.CodeOf(err) != CodeServiceAbsent {
						t.Error(err)
					}
				case c == 20:
					if err := w.ClearOverride(t.Context(), alice, k, i.Of()); err != nil && fault.CodeOf(err) != CodeServiceAbsent {
						t.Error(err)
					}
				case c == 21:
					if err := w.RegisterPersistent(t.Context(), alice, key(fmt.Sprint("lasting", random.IntN(3))), i); err != nil {
						t.Error(err)
					}
					_, err := w.DeregisterPersistent(t.Context(), alice, key(fmt.Sprint("lasting", random.IntN(3))), i.IP, i.Port)
					check(t, err)
				case c == 22:
					w.CloseClient(fmt.Sprint(i.IP, ":", i.Port, "#true"), "sent away by alice")
				default:
					w.Lookup(k, Query{HealthyOnly: random.IntN(2) == 0})
					w.Services("public", "DEFAULT_GROUP", 1, 10)
					w.Catalog(Filter{Namespace: "public", HasInstances: true}, 1, 5)
					w.Subscribers(k)
					w.Publishers(k)
					w.Why(k, InstanceID{i.IP, i.Port, "DEFAULT"})
					w.Clients("", 1, 5)
					w.ClientOf(own[0].session.Client().ID)
					w.Stats()
				}
			}
		})
	}
	working.Wait()
	eventually(t, func() error {
		if s := w.Stats(); s.Owing != 0 || s.Dirty != 0 {
			return fmt.Errorf("somebody is owed something: %+v", s)
		}
		for e := range live {
			state, _ := w.ClientOf(e.session.Client().ID)
			for _, x := range state.Subscribed {
				if now, v := w.Lookup(x.Key, Query{}), e.holding(x.Key); v == nil || looks(now) != looks(v) {
					return fmt.Errorf("%s holds of %s\n%+v, not\n%s", state.ID, x.Key, v, looks(now))
				}
			}
		}
		return nil
	})
	stop()
	w.checkWhole(t)
	for e := range live {
		e.session.Close("the end")
	}
	cancel()
	serving.Wait()
}

func (e *eager) holding(k Key) *View {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.holds[k]
}

// eventually fails unless a condition comes true: until it does, it returns what is still wrong.
func eventually(t *testing.T, condition func() error) {
	t.Helper()
	err := condition()
	for until := time.Now().Add(30 * time.Second); err != nil && time.Now().Before(until); err = condition() {
		time.Sleep(5 * time.Millisecond)
	}
	if err != nil {
		t.Error(err)
	}
}

func check(t *testing.T, err error) {
	if err != nil {
		t.Error(err)
	}
}
