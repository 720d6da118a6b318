package replica

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// BenchmarkPublish measures commands of 1 KiB through the group, raft and the log, each durable.
func BenchmarkPublish(b *testing.B) {
	for _, workers := range []int{1, 32, 256} {
		b.Run(fmt.Sprintf("%dWorkers", workers), func(b *testing.B) {
			n := start(b, b.TempDir(), nil)
			var next atomic.Int64
			var wg sync.WaitGroup
			before := n.Stats()
			b.ResetTimer()
			for range workers {
				wg.Go(func() {
					for {
						id := next.Add(1)
						if id > int64(b.N) {
							return
						}
						if _, err := n.group.Submit(context.Background(), command(uint64(id), 1024)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			after := n.Stats()
			writes := float64(after.Writes - before.Writes)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "publishes/s")
			b.ReportMetric(float64(after.Fsyncs-before.Fsyncs)/float64(b.N), "fsyncs/op")
			b.ReportMetric(float64((after.WriteTime-before.WriteTime).Microseconds())/writes, "µs/write")
			b.ReportMetric(float64(after.LogBytes)/(1<<20), "logMiB")
		})
	}
}

// BenchmarkPublishInCluster is the same with three nodes in one process, written to on the leader, on a
// follower, or on all.
func BenchmarkPublishInCluster(b *testing.B) {
	for _, on := range []string{"Leader", "Follower", "All"} {
		for _, workers := range []int{1, 32, 256} {
			b.Run(fmt.Sprintf("On%s/%dWorkers", on, workers), func(b *testing.B) {
				c := newCluster(b, 3, nil)
				leader := c.leader(c.members...)
				targets := map[string][]*member{"Leader": {leader}, "Follower": c.followers(leader)[:1], "All": c.members}[on]
				var next atomic.Int64
				var wg sync.WaitGroup
				before := leader.Stats()
				b.ResetTimer()
				for w := range workers {
					m := targets[w%len(targets)]
					wg.Go(func() {
						for {
							id := next.Add(1)
							if id > int64(b.N) {
								return
							}
							if _, err := m.group.Submit(context.Background(), command(uint64(id), 1024)); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.StopTimer()
				after := leader.Stats()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "publishes/s")
				b.ReportMetric(float64((after.WriteTime-before.WriteTime).Microseconds())/float64(after.Writes-before.Writes), "µs/write")
				b.ReportMetric(float64(b.N)/float64(after.LastIndex-before.LastIndex), "publishes/entry")
			})
		}
	}
}

// BenchmarkFailover cuts the leader off, once an op, and measures the time to the next write that a follower acknowledges.
func BenchmarkFailover(b *testing.B) {
	c := newCluster(b, 3, nil)
	var took []time.Duration
	for range b.N {
		old := c.leader(c.members...)
		from := c.followers(old)[len(took)%2]
		c.network.isolate(old.id, true)
		begin := time.Now()
		for {
			if _, err := from.group.Submit(context.Background(), command(uint64(len(took)), 100)); err == nil {
				break
			}
		}
		took = append(took, time.Since(begin))
		c.network.isolate(old.id, false)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Milliseconds()), "ms-p99")
}

// BenchmarkStoreLogs measures one entry of the given size, durable.
func BenchmarkStoreLogs(b *testing.B) {
	for _, size := range []int{1 << 10, 32 << 10, 256 << 10, 4 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			s := newLog(b, b.TempDir())
			b.SetBytes(int64(size))
			b.ReportAllocs()
			data := make([]byte, size)
			for i := range b.N {
				if err := s.StoreLog(&raft.Log{Index: uint64(i) + 1, Term: 1, Data: data}); err != nil {
					b.Fatal(err)
				}
				if first := s.tail.Load().first; s.bytes() > 64<<20 {
					s.setDurable(uint64(i))
					if err := s.DeleteRange(first, uint64(i)); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
