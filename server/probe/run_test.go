package probe

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"nacre/server/clock"
	"nacre/server/naming"
)

// registry is what a runner reports to.
type registry struct {
	mu       sync.Mutex
	found    []naming.Found
	notes    []naming.Found
	switches naming.Switches
	told     func(naming.Found)
}

func (r *registry) Probed(_ context.Context, _ naming.Actor, found []naming.Found) error {
	r.mu.Lock()
	r.found = append(r.found, found...)
	r.mu.Unlock()
	for _, f := range found {
		r.told(f)
	}
	return nil
}

func (r *registry) NoteProbe(f naming.Found) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, f)
}

func (r *registry) Switches() *naming.Switches { return &r.switches }

func (r *registry) healths() (list []bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.found {
		list = append(list, f.Healthy)
	}
	return list
}

func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := clock.Mono().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if clock.Mono().After(end) {
			t.Fatal("not in time: " + what)
		}
	}
}

func persistent(ln net.Addr, healthy bool) *naming.Persistent {
	a := ln.(*net.TCPAddr)
	return &naming.Persistent{Key: naming.Key{Namespace: "public", Group: "g", Name: "s"},
		Instance: naming.Instance{IP: a.IP.String(), Port: a.Port, Cluster: "DEFAULT", Healthy: healthy}}
}

func TestHealthFollowsTheProbes(t *testing.T) {
	reg := &registry{switches: naming.Switches{HealthCheckEnabled: true, CheckTimes: 3}}
	r := NewRunner(reg, func(k naming.Key, cluster string) *naming.Cluster { return naming.DefaultClusterOf(k, cluster) })
	var mu sync.Mutex
	var now *naming.Persistent
	reg.told = func(f naming.Found) { // as the registry does when the command is decided
		mu.Lock()
		defer mu.Unlock()
		next := *now
		next.Instance.Healthy = f.Healthy
		r.Changed(now, &next)
		now = &next
	}
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { _ = r.Run(ctx) })
	defer run.Wait()
	defer cancel()

	ln := listen(t)
	now = persistent(ln.Addr(), true)
	ln.Close()
	r.Changed(nil, now)
	soon(t, "a refused port is unhealthy at once", func() bool { return slices.Equal(reg.healths(), []bool{false}) })
	again, err := net.Listen("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	r.ClusterChanged(naming.Key{Namespace: "public", Group: "g", Name: "s"}, "DEFAULT") // asks at once
	soon(t, "it is healthy after three probes", func() bool { return slices.Equal(reg.healths(), []bool{false, true}) })
	mu.Lock()
	defer mu.Unlock()
	r.Changed(now, nil)
	if r.Len() != 0 || len(r.queue) != 0 {
		t.Errorf("%d targets, %d in the queue", r.Len(), len(r.queue))
	}
}

func TestResultsAreCounted(t *testing.T) {
	reg := &registry{switches: naming.Switches{CheckTimes: 3}}
	r := NewRunner(reg, nil)
	x := &target{healthy: true}
	yes, no, sure := Result{OK: true, Text: "y"}, Result{Text: "n"}, Result{Certain: true, Text: "s"}
	for i, step := range []struct {
		result      Result
		flips, news bool
	}{
		{yes, false, true}, {no, false, true}, {no, false, false}, {yes, false, true}, {no, false, true}, {no, false, false}, {no, true, false}, {sure, true, true},
	} {
		if flips, news := r.count(x, paces[TCP], true, step.result); flips != step.flips || news != step.news {
			t.Errorf("step %d: flips %v, news %v", i, flips, news)
		}
	}
	if x.every < paces[TCP].min || x.every > paces[TCP].max {
		t.Errorf("asked each %v", x.every)
	}
	if flips, _ := r.count(x, pace{}, false, Result{}); flips || x.every != idle {
		t.Error("one that is not probed changed")
	}
}

func TestProbingCanBeSwitchedOff(t *testing.T) {
	reg := &registry{}
	r := NewRunner(reg, func(k naming.Key, cluster string) *naming.Cluster { return naming.DefaultClusterOf(k, cluster) })
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { _ = r.Run(ctx) })
	ln := listen(t)
	p := persistent(ln.Addr(), true)
	ln.Close()
	r.Changed(nil, p)
	for range 20 {
		r.nudge()
	}
	cancel()
	run.Wait()
	if len(reg.healths()) != 0 || len(r.queue) != 1 {
		t.Errorf("found %v, %d in the queue", reg.healths(), len(r.queue))
	}
}
