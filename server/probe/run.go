package probe

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"

	"nacre/server/clock"
	"nacre/server/naming"
)

// Registry is what a Runner probes for.
type Registry interface {
	// Probed makes what was found the health of instances; NoteProbe keeps a result among what happened to one.
	Probed(ctx context.Context, by naming.Actor, found []naming.Found) error
	NoteProbe(naming.Found)
	Switches() *naming.Switches
}

// Clusters says how the instances of a cluster are probed.
type Clusters func(k naming.Key, cluster string) *naming.Cluster

const (
	// atOnce is how many probes are under way at the most.
	atOnce = 64
	// idle is how long a Runner sleeps that has nothing to do.
	idle = time.Minute
	// off is how often it looks whether probing was switched on again.
	off = 5 * time.Second
)

// pace is how often instances are asked: the longer answers take, the more rarely (Nacos' health params).
type pace struct {
	min, max time.Duration
	factor   float64
}

var paces = map[string]pace{
	TCP:   {time.Second, 5 * time.Second, .75},
	HTTP:  {500 * time.Millisecond, 5 * time.Second, .85},
	MySQL: {2 * time.Second, 3 * time.Second, .65},
	GRPC:  {time.Second, 5 * time.Second, .75},
}

// first is when an instance is asked for the second time: at once, then after two seconds and up to five more, so that not all are asked together.
func first() time.Duration { return 2*time.Second + rand.N(5*time.Second) }

type id struct {
	key naming.Key
	of  naming.InstanceID
}

// target is an instance that is probed.
type target struct {
	id
	healthy bool // as the registry has it
	due     time.Time
	every   time.Duration
	asked   int    // how often
	same    int    // results in a row that say otherwise than healthy
	text    string // of the last result
	at      int    // its place in the queue, -1 while it is asked
	gone    bool
}

// Runner probes persistent instances and reports changes of their health. Changed is to be told of each of them.
type Runner struct {
	registry Registry
	clusters Clusters
	prober   *Prober
	by       naming.Actor

	mu      sync.Mutex
	targets map[id]*target
	queue   queue
	wake    chan struct{}
}

// NewRunner returns a runner; Run must run.
func NewRunner(r Registry, clusters Clusters) *Runner {
	return &Runner{registry: r, clusters: clusters, prober: New(), by: naming.Actor{User: "probe"}, targets: make(map[id]*target), wake: make(chan struct{}, 1)}
}

// Changed takes note of a persistent instance that came, changed or went: naming.Config.PersistentChanged. It does not block.
func (r *Runner) Changed(before, after *naming.Persistent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if before != nil {
		old := id{before.Key, before.Instance.Of()}
		if after == nil || old != (id{after.Key, after.Instance.Of()}) {
			r.drop(old)
		}
	}
	if after == nil {
		return
	}
	now := id{after.Key, after.Instance.Of()}
	t := r.targets[now]
	if t == nil {
		t = &target{id: now, at: -1, due: clock.Mono()}
		r.targets[now] = t
		heap.Push(&r.queue, t)
		r.nudge()
	}
	if t.healthy != after.Instance.Healthy {
		t.healthy, t.same = after.Instance.Healthy, 0
	}
}

// ClusterChanged has the instances of a cluster asked at once: naming.Config.ClusterChanged. It does not block.
func (r *Runner) ClusterChanged(k naming.Key, cluster string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, t := range r.targets {
		if i.key == k && i.of.Cluster == cluster && t.at >= 0 {
			t.due, t.same = clock.Mono(), 0
			heap.Fix(&r.queue, t.at)
		}
	}
	r.nudge()
}

func (r *Runner) drop(i id) {
	if t := r.targets[i]; t != nil {
		t.gone = true
		if t.at >= 0 {
			heap.Remove(&r.queue, t.at)
		}
		delete(r.targets, i)
	}
}

func (r *Runner) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Len returns how many instances are probed.
func (r *Runner) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.targets)
}

// Run probes until ctx ends.
func (r *Runner) Run(ctx context.Context) error {
	defer r.prober.Close()
	places := make(chan struct{}, atOnce)
	var asking sync.WaitGroup
	defer asking.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait := off
		if r.registry.Switches().HealthCheckEnabled {
			wait = idle
			for {
				t, next := r.next()
				if t == nil {
					wait = min(wait, next)
					break
				}
				select {
				case places <- struct{}{}:
				case <-ctx.Done():
					return nil
				}
				asking.Go(func() {
					defer func() { <-places }()
					r.probe(ctx, t)
				})
			}
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-r.wake:
		}
	}
}

// next takes the target that is due, or says how long until one is.
func (r *Runner) next() (*target, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		return nil, idle
	}
	if wait := r.queue[0].due.Sub(clock.Mono()); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&r.queue).(*target), 0
}

// probe asks one instance, reports what changed, and says when it is asked again.
func (r *Runner) probe(ctx context.Context, t *target) {
	c := r.clusters(t.key, t.of.Cluster)
	port := t.of.Port
	if !c.UseInstancePort {
		port = c.CheckPort
	}
	checker := Checker{
		Type: c.Checker.Type, Path: c.Checker.Path, Headers: c.Checker.Headers, Code: c.Checker.Expected,
		User: c.Checker.User, Password: c.Checker.Password, Command: c.Checker.Command,
	}
	p, probed := paces[checker.Type]
	var result Result
	if probed {
		result = r.prober.Ask(ctx, checker, net.JoinHostPort(t.of.IP, strconv.Itoa(port)))
		if ctx.Err() != nil {
			return
		}
	}
	found := naming.Found{Key: t.key, Of: t.of, Healthy: result.OK, Detail: checker.Type + ": " + result.Text}
	flips, news := r.count(t, p, probed, result)
	switch {
	case flips:
		// What could not be written is found again by the next probe.
		_ = r.registry.Probed(ctx, r.by, []naming.Found{found})
	case news:
		r.registry.NoteProbe(found)
	}
	r.again(t)
}

// count takes up a result. It reports whether the health changes by it, and whether it says something new.
func (r *Runner) count(t *target, p pace, probed bool, result Result) (flips, news bool) {
	times := int(max(r.registry.Switches().CheckTimes, 1))
	r.mu.Lock()
	defer r.mu.Unlock()
	t.asked++
	switch {
	case !probed: // people say how it is
		t.every = idle
		return false, false
	case t.asked == 1:
		t.every = first()
	case t.asked == 2:
		t.every = p.min
		fallthrough
	default:
		t.every = min(max(time.Duration(p.factor*float64(t.every)+(1-p.factor)*float64(result.Took)), p.min), p.max)
	}
	news = t.text != result.Text
	t.text = result.Text
	if result.OK == t.healthy {
		t.same = 0
		return false, news
	}
	t.same++
	// An open port does not make well what somebody registered as unhealthy, until it was seen often enough; nobody there is certain.
	return result.Certain || t.same >= times, news
}

// again puts a target back into the queue.
func (r *Runner) again(t *target) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.gone {
		return
	}
	t.due = clock.Mono().Add(t.every)
	heap.Push(&r.queue, t)
	if t.at == 0 {
		r.nudge()
	}
}

// queue is a heap of targets by when they are due.
type queue []*target

// Len implements heap.Interface.
func (q queue) Len() int { return len(q) }

// Less implements heap.Interface.
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }

// Swap implements heap.Interface.
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].at, q[j].at = i, j
}

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	t := x.(*target)
	t.at = len(*q)
	*q = append(*q, t)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	old := *q
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	t.at = -1
	return t
}
