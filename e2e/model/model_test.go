// Package model lets publishers change configurations while clients of both protocols listen, leave,
// stall and come back, and the server is restarted under them; and checks what each client saw.
package model

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nacre/e2e/process"
)

var binary string

func TestMain(m *testing.M) { os.Exit(process.Main(m, &binary)) }

const (
	group     = "model"
	longWait  = 20 * time.Second
	quietWait = 15 * time.Second // the latest that everybody must know everything after the last fault
)

func digest(content string) string {
	if content == "" {
		return ""
	}
	sum := md5.Sum([]byte(content))
	return hex.EncodeToString(sum[:])
}

// key is one configuration: the values that were ever sent, in their order. One publisher changes it,
// so the order is known.
type key struct {
	id string

	mu     sync.Mutex
	at     map[string]int // content → its places in the order, the last one; "" is absence
	values []string
	acked  int // index of the last acknowledged value
}

func newKey(i int) *key {
	return &key{id: fmt.Sprintf("k%d", i), at: map[string]int{"": 0}, values: []string{""}}
}

// next notes a value that is about to be sent.
func (k *key) next(content string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.values = append(k.values, content)
	k.at[content] = len(k.values) - 1
	return len(k.values) - 1
}

func (k *key) ack(i int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.acked = i
}

// place returns where in the order a client is that sees content after it was at place since. Absence
// may be any removal that came later, so the nearest one counts.
func (k *key) place(content string, since int) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, sent := k.at[content]; !sent {
		return 0, fmt.Errorf("%s: a value that was never published: %.60q", k.id, content)
	}
	for i := since; i < len(k.values); i++ {
		if k.values[i] == content {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%s: %.40q (value %d) was seen after value %d", k.id, content, k.at[content], since)
}

// world is one run.
type world struct {
	t          *testing.T
	http, grpc string
	keys       []*key
	seen       atomic.Int64 // values that clients learned of
	acked      atomic.Int64
	quiet      atomic.Bool // no faults any more

	mu  sync.Mutex
	err []error
}

func (w *world) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.err) < 10 {
		w.err = append(w.err, err)
	}
}

func (w *world) failed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.err) > 0
}

// view is what one client knows of the keys it listens for.
type view struct {
	name string
	w    *world

	mu    sync.Mutex
	keys  []*key
	value []string // what it has of each
	place []int
}

func newView(w *world, name string, keys []*key) *view {
	return &view{name: name, w: w, keys: keys, value: make([]string, len(keys)), place: make([]int, len(keys))}
}

// learn notes that the client read content of key i.
func (v *view) learn(i int, content string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.value[i] == content {
		return
	}
	place, err := v.keys[i].place(content, v.place[i])
	if err != nil {
		v.w.fail(fmt.Errorf("%s: %w", v.name, err))
		return
	}
	v.value[i], v.place[i] = content, place
	v.w.seen.Add(1)
}

func (v *view) md5(i int) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return digest(v.value[i])
}

// behind returns what the client does not know of the final values, nil when it knows all.
func (v *view) behind(final map[*key]string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, k := range v.keys {
		if v.value[i] != final[k] {
			return fmt.Errorf("%s has %.40q of %s, the server has %.40q", v.name, v.value[i], k.id, final[k])
		}
	}
	return nil
}

func (v *view) index(id string) int {
	for i, k := range v.keys {
		if k.id == id {
			return i
		}
	}
	return -1
}

// setting is how large a run is; NACRE_MODEL_DELIVERIES makes it go on until that many values were learned.
type setting struct {
	grpc, http, keys, perClient int
	time                        time.Duration
	deliveries                  int64
	restarts                    bool
	pause                       time.Duration // between two changes of one publisher
}

func settings(t *testing.T) setting {
	s := setting{grpc: 40, http: 20, keys: 12, perClient: 5, time: 25 * time.Second, restarts: true, pause: 10 * time.Millisecond}
	if testing.Short() {
		s.time = 8 * time.Second
	}
	if v := os.Getenv("NACRE_MODEL_DELIVERIES"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			t.Fatalf("NACRE_MODEL_DELIVERIES: %v", err)
		}
		s.deliveries, s.time = n, time.Hour
		s.grpc, s.http, s.keys, s.perClient, s.pause = 400, 100, 40, 10, 20*time.Millisecond
	}
	return s
}

func TestEveryClientEndsUpWithWhatTheServerHas(t *testing.T) {
	s := settings(t)
	dir := t.TempDir()
	p := process.Start(t, process.Config{Binary: binary, Dir: dir})
	w := &world{t: t, http: p.URL, grpc: p.GRPC}
	for i := range s.keys {
		w.keys = append(w.keys, newKey(i))
	}

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	publishing, stopPublishing := context.WithCancel(ctx)
	defer stopPublishing()
	var clients, publishers sync.WaitGroup
	var views []*view
	for i := range s.grpc + s.http {
		keys := make([]*key, s.perClient)
		for j := range keys {
			keys[j] = w.keys[(i+j*(1+i%3))%len(w.keys)]
		}
		keys = distinct(keys)
		if i < s.grpc {
			c := &grpcClient{view: newView(w, fmt.Sprintf("grpc %d", i), keys)}
			views = append(views, c.view)
			clients.Go(func() { c.run(ctx) })
			continue
		}
		c := &pollClient{view: newView(w, fmt.Sprintf("poll %d", i), keys)}
		views = append(views, c.view)
		clients.Go(func() { c.run(ctx) })
	}
	const publisherCount = 4
	for i := range publisherCount {
		var own []*key
		for j := i; j < len(w.keys); j += publisherCount {
			own = append(own, w.keys[j])
		}
		publishers.Go(func() { (&publisher{w: w, keys: own, grpc: i%2 == 0, pause: s.pause}).run(publishing) })
	}

	p = w.disturb(ctx, s, p, process.Config{Binary: binary, Dir: dir, HTTP: strings.TrimPrefix(p.URL, "http://"), GRPC: p.GRPC})
	stopPublishing()
	publishers.Wait()
	w.quiet.Store(true)
	final := w.final()
	var last error
	for deadline := time.Now().Add(quietWait); ; {
		last = nil
		for _, v := range views {
			if last = v.behind(final); last != nil {
				break
			}
		}
		if last == nil || time.Now().After(deadline) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if last != nil {
		t.Errorf("%v after the last fault: %v", quietWait, last)
	}
	stop()
	clients.Wait()
	for _, err := range w.err {
		t.Error(err)
	}
	t.Logf("%d changes acknowledged, %d values learned by %d gRPC clients and %d that poll", w.acked.Load(), w.seen.Load(), s.grpc, s.http)
	if w.acked.Load() < 50 || w.seen.Load() < 500 {
		t.Errorf("too little happened for a verdict")
	}
	p.Terminate(t)
}

func distinct(keys []*key) []*key {
	had := make(map[*key]bool)
	out := keys[:0]
	for _, k := range keys {
		if !had[k] {
			had[k] = true
			out = append(out, k)
		}
	}
	return out
}

// disturb restarts the server now and then, in order or by force, until the run is over, and returns the process that runs then.
func (w *world) disturb(ctx context.Context, s setting, p *process.Process, again process.Config) *process.Process {
	end := time.Now().Add(s.time)
	const every = 4 * time.Second
	for n := 0; time.Now().Before(end) && !w.failed(); n++ {
		for wait := time.Now().Add(every); time.Now().Before(wait) && time.Now().Before(end); {
			if s.deliveries > 0 && w.seen.Load() >= s.deliveries {
				return p
			}
			time.Sleep(50 * time.Millisecond)
		}
		if !s.restarts || ctx.Err() != nil || !time.Now().Before(end) || s.deliveries > 0 && n%5 != 0 {
			continue
		}
		if n%2 == 0 {
			p.Kill()
		} else {
			p.Terminate(w.t)
		}
		p = process.Start(w.t, again)
	}
	return p
}

// final reads what the server has in the end, and checks that nothing acknowledged was lost.
func (w *world) final() map[*key]string {
	out := make(map[*key]string, len(w.keys))
	c := newHTTP()
	for _, k := range w.keys {
		content, err := get(context.Background(), c, w.http, k.id)
		if err != nil {
			w.fail(err)
			continue
		}
		if _, err := k.place(content, k.acked); err != nil {
			w.fail(fmt.Errorf("the server lost what it acknowledged: %w", err))
		}
		out[k] = content
	}
	return out
}
