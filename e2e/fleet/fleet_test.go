// Package fleet lets many clients register instances over gRPC, subscribe to services, keep alive and change what they registered, looks
// whether everybody knows everything in the end, and says what it costs the server.
//
// It is small by default. NACRE_FLEET_CLIENTS=10000 NACRE_FLEET_SECONDS=60 are 100,000 instances in 5,000 services; then the figures
// (go test -v) are worth reading.
package fleet

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nacre/e2e/process"
)

var binary string

func TestMain(m *testing.M) { os.Exit(process.Main(m, &binary)) }

const (
	instancesEach     = 10
	subscriptionsEach = 5
	perService        = 20
	heartbeatEvery    = 5 * time.Second
	workers           = 16 // that connect, register and subscribe at once
	doers             = 64 // that do what is done steadily
	listsPerSecond    = 500
	restWithin        = 20 * time.Second
)

// setting returns a number from the environment.
func setting(t *testing.T, name string, byDefault int) int {
	text := os.Getenv(name)
	if text == "" {
		return byDefault
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 2 {
		t.Fatalf("%s is %q, not a number of at least 2", name, text)
	}
	return n
}

// fleet is all clients of one server.
type fleet struct {
	t       *testing.T
	server  *process.Process
	clients []*client
	lasts   time.Duration // how long each phase is measured
}

func (f *fleet) services() int { return len(f.clients) * instancesEach / perService }

// service is the name of the service that the nth instance of a client belongs to.
func (f *fleet) service(client, n int) string {
	return "com.example.retail.orders.Service" + strconv.Itoa((client*instancesEach+n*499)%f.services())
}

func TestAFleetIsServedAndEverybodyKnowsWhatChanged(t *testing.T) {
	f := &fleet{t: t, lasts: time.Duration(setting(t, "NACRE_FLEET_SECONDS", 2)) * time.Second}
	f.clients = make([]*client, setting(t, "NACRE_FLEET_CLIENTS", 100))
	f.server = process.Start(t, process.Config{Binary: binary, Dir: t.TempDir()})
	ctx, cancel := context.WithCancel(t.Context())
	var alive sync.WaitGroup
	defer alive.Wait()
	defer cancel()

	empty := f.usage()
	f.connect(ctx)
	alive.Go(func() { f.heartbeats(ctx) })
	f.pause(ctx)
	connected := f.usage()
	t.Logf("%d connections: %.1f KiB of memory each", len(f.clients), float64(connected.rss-empty.rss)/1024/float64(len(f.clients)))
	f.register(ctx)
	f.pause(ctx)
	instances := len(f.clients) * instancesEach
	t.Logf("%d instances in %d services: %.0f bytes of memory each", instances, f.services(), float64(f.usage().rss-connected.rss)/float64(instances))
	f.subscribe(ctx)
	f.pause(ctx)
	full := f.usage()
	t.Logf("with %d subscriptions the server has %.0f MiB, %.0f MiB more than without clients", len(f.clients)*subscriptionsEach, float64(full.rss)/(1<<20), float64(full.rss-empty.rss)/(1<<20))
	f.idle(ctx)
	f.list(ctx, f.lasts/3, "nothing changes")

	alive.Go(func() { f.list(ctx, f.lasts, "1 % changes each second") })
	f.change(ctx)
	if got := f.metric("nacre_naming_instances"); got != float64(instances) {
		t.Errorf("the server has %.0f instances, not %d", got, instances)
	}
}

// each calls do for every client, several at a time.
func (f *fleet) each(do func(i int) error) {
	f.t.Helper()
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(f.clients) && failed.Load() == nil; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					err = fmt.Errorf("client %d: %w", i, err)
					failed.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		f.t.Fatalf("%v\n%s", *err, f.server.Log())
	}
}

func (f *fleet) connect(ctx context.Context) {
	from := time.Now()
	f.each(func(i int) (err error) {
		f.clients[i], err = dial(ctx, f.server.GRPC, i)
		return err
	})
	f.t.Cleanup(func() { f.each(func(i int) error { f.clients[i].Close(); return nil }) })
	f.t.Logf("connected in %v", time.Since(from))
}

func (f *fleet) register(ctx context.Context) {
	from := time.Now()
	f.each(func(i int) error {
		for n := range instancesEach {
			if err := f.clients[i].register(ctx, f.service(i, n), n, 1); err != nil {
				return err
			}
		}
		return nil
	})
	f.t.Logf("registered in %v", time.Since(from))
}

func (f *fleet) subscribe(ctx context.Context) {
	f.each(func(i int) error {
		for n := range subscriptionsEach {
			if err := f.clients[i].subscribe(ctx, f.service(i*7+1, n)); err != nil {
				return err
			}
		}
		return nil
	})
}

// steadily does something many times a second, evenly, until ctx ends or it fails; waits for what it began.
func (f *fleet) steadily(ctx context.Context, perSecond float64, do func(n int) error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	begun := time.Now()
	for range doers {
		wg.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Until(begun.Add(time.Duration(float64(n) / perSecond * float64(time.Second))))):
				}
				if err := do(n); err != nil && ctx.Err() == nil {
					f.t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// heartbeats lets each client say every 5 s that it is there, as SDKs do.
func (f *fleet) heartbeats(ctx context.Context) {
	f.steadily(ctx, float64(len(f.clients))/heartbeatEvery.Seconds(), func(n int) error { return f.clients[n%len(f.clients)].heartbeat(ctx) })
}

// pause waits a sixth of a phase, so that the server's memory is what it needs.
func (f *fleet) pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(f.lasts / 6):
	}
}

func (f *fleet) idle(ctx context.Context) {
	before := f.usage()
	select {
	case <-ctx.Done():
	case <-time.After(f.lasts):
	}
	after := f.usage()
	f.t.Logf("%d clients with a heartbeat each %v and nothing else: %.1f %% of a core", len(f.clients), heartbeatEvery, after.percentSince(before))
}

// list reads services over HTTP at a steady rate for a time, or until ctx ends.
func (f *fleet) list(ctx context.Context, lasts time.Duration, meanwhile string) {
	h := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: doers}}
	defer h.CloseIdleConnections()
	var took sample
	ctx, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	f.steadily(ctx, listsPerSecond, func(int) error {
		from := time.Now()
		res, err := h.Get(f.server.URL + "/nacos/v1/ns/instance/list?serviceName=" + f.service(rand.IntN(len(f.clients)), 0))
		if err != nil {
			return err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		took.add(time.Since(from))
		if got := bytes.Count(body, []byte(`"ip":`)); err == nil && got != perService {
			err = fmt.Errorf("a list has %d instances, not %d", got, perService)
		}
		return err
	})
	f.t.Logf("lists of %d instances over HTTP, %d a second, while %s: %s", perService, listsPerSecond, meanwhile, &took)
}

// change registers 1 % of the instances each second with another weight for a phase, and then waits until all subscribers were told.
func (f *fleet) change(ctx context.Context) {
	for _, c := range f.clients {
		c.ages.clear()
	}
	before := f.usage()
	pushes := f.metric("nacre_naming_pushes_total")
	var waiting, behind []float64
	changing, cancel := context.WithTimeout(ctx, f.lasts)
	defer cancel()
	var changes atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		f.steadily(changing, float64(len(f.clients)*instancesEach)/100, func(n int) error {
			i, of := rand.IntN(len(f.clients)), rand.IntN(instancesEach)
			changes.Add(1)
			return f.clients[i].register(ctx, f.service(i, of), of, 1+float64(n%1000)/1000)
		})
	})
	second := time.NewTicker(f.lasts / 20)
	defer second.Stop()
	for changing.Err() == nil {
		select {
		case <-changing.Done():
		case <-second.C:
			waiting = append(waiting, f.metric("nacre_naming_services_waiting"))
			behind = append(behind, f.metric("nacre_naming_clients_behind"))
		}
	}
	wg.Wait()
	after := f.usage()
	pushes = f.metric("nacre_naming_pushes_total") - pushes
	f.atRest()
	var ages sample
	for _, c := range f.clients {
		ages.list = append(ages.list, c.ages.list...)
	}
	f.t.Logf("%d changes and %.0f pushes in %v: told %s after the change; %.0f %% of a core, %.0f MiB", changes.Load(), pushes, f.lasts,
		&ages, after.percentSince(before), float64(after.rss)/(1<<20))
	f.t.Logf("services whose change waits: %.0f; clients that have not confirmed: %.0f", waiting, behind)
}

// atRest waits until nobody waits for anything, and each subscriber was told last what the server has.
func (f *fleet) atRest() {
	f.t.Helper()
	check := func() error {
		if w, b := f.metric("nacre_naming_services_waiting"), f.metric("nacre_naming_clients_behind"); w != 0 || b != 0 {
			return fmt.Errorf("%.0f services wait, %.0f clients are behind", w, b)
		}
		newest := make(map[string]int64)
		for i, c := range f.clients {
			for service, told := range c.known() {
				want, ok := newest[service]
				if !ok {
					var err error
					if want, err = c.query(f.t.Context(), service); err != nil {
						return err
					}
					newest[service] = want
				}
				if told != want {
					return fmt.Errorf("client %d was told version %d of %s, the server has %d", i, told, service, want)
				}
			}
		}
		return nil
	}
	var err error
	for end := time.Now().Add(restWithin); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	f.t.Fatalf("after %v: %v\n%s", restWithin, err, f.server.Log())
}

// sample is how long something took, many times.
type sample struct {
	mu   sync.Mutex
	list []time.Duration
}

func (s *sample) add(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, d)
}

func (s *sample) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = nil
}

func (s *sample) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.list) == 0 {
		return "never"
	}
	slices.Sort(s.list)
	at := func(percent int) time.Duration {
		return s.list[(len(s.list)-1)*percent/100].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("%v (half), %v (99 %%), %v (last)", at(50), at(99), at(100))
}
