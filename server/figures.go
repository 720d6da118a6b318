package server

import (
	"bytes"
	"context"
	"math"
	"os"
	"runtime"
	rt "runtime/metrics"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"nacre/server/clock"
	"nacre/server/journal"
	"nacre/server/metrics"
	"nacre/server/metrics/series"
)

// figures are what the node remembers of itself for charts.
func (s *Server) figures() *series.Series {
	ms := func(q float64, h metrics.Histogram) func() float64 {
		return series.Quantile(q, 1000, func() series.Buckets { return metrics.BucketsOf(h) })
	}
	changes, pushes, fsync := s.metrics.ChangeSeconds(), s.metrics.PushSeconds(), s.metrics.FsyncSeconds()
	const perSecond = "per second"
	return series.New(s.opts.Clock, []series.Source{
		{Name: "publishes", Unit: perSecond, Read: series.Rate(func() uint64 { return s.configs.WriteStats().Published })},
		{Name: "publish_p50", Unit: "ms", Read: ms(.5, changes)},
		{Name: "publish_p99", Unit: "ms", Read: ms(.99, changes)},
		{Name: "reads", Unit: perSecond, Read: series.Rate(s.metrics.ReadCount)},
		{Name: "requests", Unit: perSecond, Read: series.Rate(func() uint64 { return s.metrics.Requests().Total() + s.rpc.Stats().Requests })},
		{Name: "pushes", Unit: perSecond, Read: series.Rate(func() uint64 { return s.ledger.Summary().Pushes })},
		{Name: "push_p99", Unit: "ms", Read: ms(.99, pushes)},
		{Name: "connections", Read: func() float64 { return float64(s.web.Stats().Conns.Open + s.rpc.Stats().Open) }},
		{Name: "clients", Read: func() float64 { d := s.ledger.Summary(); return float64(d.GRPCClients + d.HTTPClients) }},
		{Name: "polls", Read: func() float64 { polls, _ := s.ledger.Waiting(); return float64(polls) }},
		{Name: "behind", Read: func() float64 { return float64(s.ledger.Summary().Behind) }},
		{Name: "fsync_p99", Unit: "ms", Read: ms(.99, fsync)},
		{Name: "rss", Unit: "bytes", Read: residentBytes},
		{Name: "heap", Unit: "bytes", Read: heapBytes},
		{Name: "goroutines", Read: func() float64 { return float64(runtime.NumGoroutine()) }},
		{Name: "disk_free", Unit: "bytes", Read: func() float64 { return freeBytes(s.settings.DataDir) }},
	})
}

// heapBytes returns the memory that objects of the heap take.
func heapBytes() float64 {
	heap := []rt.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	rt.Read(heap)
	return float64(heap[0].Value.Uint64())
}

// residentBytes returns the memory that the process has, NaN where the system does not say.
func residentBytes() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return math.NaN()
	}
	if fields := bytes.Fields(text); len(fields) > 1 {
		if pages, err := strconv.ParseUint(string(fields[1]), 10, 64); err == nil {
			return float64(pages) * float64(os.Getpagesize())
		}
	}
	return math.NaN()
}

// freeBytes returns what the file system of a folder has left for this process, NaN where it does not say.
func freeBytes(dir string) float64 {
	free, _, err := space(dir)
	if err != nil {
		return math.NaN()
	}
	return float64(free)
}

// space returns what the file system of a folder has left for this process and in all, in bytes.
func space(dir string) (free, all uint64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0, err
	}
	return st.Bavail * uint64(st.Bsize), st.Blocks * uint64(st.Bsize), nil
}

// timed is a journal that takes the time of what it made durable.
type timed struct {
	journal.Journal
	observe func(time.Duration)
}

// Submit implements journal.Journal.
func (t timed) Submit(ctx context.Context, cmd journal.Command) (journal.Result, error) {
	start := clock.Mono()
	r, err := t.Journal.Submit(ctx, cmd)
	if err == nil {
		t.observe(clock.Mono().Sub(start))
	}
	return r, err
}

// observeChange and observePush run after the metrics were made, as nothing is served before.
func (s *Server) observeChange(d time.Duration) { s.metrics.ChangeSeconds().Observe(d.Seconds()) }

func (s *Server) observePush(d time.Duration) { s.metrics.PushSeconds().Observe(d.Seconds()) }
