package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"nacre/server/config"
	"nacre/server/journal"
)

func kib(n int) string {
	s := fmt.Sprintf("key%d: value\nserver:\n  port: 8848\n", n)
	return (s + strings.Repeat("some.setting.of.a.service=true\n", 40))[:1024]
}

// BenchmarkWrite publishes 1 KiB over some keys, in groups of 64 commands, as fast as the image takes it.
func BenchmarkWrite(b *testing.B) {
	for _, keys := range []int{300, 100_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			i := openImage(b, Config{})
			m := newMachine()
			if keys > 1000 {
				fill(b, i, m, keys)
			}
			rnd := rand.New(rand.NewPCG(1, 2))
			groups := make([][]journal.Change, 0, b.N/64+1)
			first := m.index + 1
			for n := 0; n < b.N; {
				var group []journal.Command
				for ; n < b.N && len(group) < 64; n++ {
					group = append(group, command(config.KindPublish, publish(filler(rnd.IntN(keys)), kib(n), int64(1_700_000_000_000+n))))
				}
				_, changes := m.apply(b, group)
				groups = append(groups, changes)
			}
			b.ResetTimer()
			for n, g := range groups {
				if err := i.Write(first+uint64(n), g); err != nil {
					b.Fatal(err)
				}
			}
			if err := i.WaitFor(context.Background(), m.index); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "publishes/s")
			s := i.Stats()
			b.ReportMetric(float64(s.Groups)/float64(s.Transactions), "groups/tx")
		})
	}
}

func fill(b testing.TB, i *Image, m *machine, n int) {
	for k := 0; k < n; {
		var group []journal.Command
		for ; k < n && len(group) < 256; k++ {
			p := publish(filler(k), kib(k), int64(1_700_000_000_000+k))
			if k%10 == 0 {
				p.Attributes.TagsGiven, p.Attributes.Tags = true, []string{"team-a", fmt.Sprint("tag", k%7)}
			}
			group = append(group, command(config.KindPublish, p))
		}
		index, changes := m.apply(b, group)
		if err := i.Write(index, changes); err != nil {
			b.Fatal(err)
		}
	}
	if err := i.WaitFor(context.Background(), m.index); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkLoad(b *testing.B) {
	i := openImage(b, Config{})
	fill(b, i, newMachine(), 100_000)
	for b.Loop() {
		s := config.NewState(nil)
		if _, err := i.Load(context.Background(), Visitor{Entry: s.LoadEntry, Gray: s.LoadGray, Capacity: s.LoadCapacity}); err != nil {
			b.Fatal(err)
		}
		if s.Stats().Configs != 100_000 {
			b.Fatal(s.Stats())
		}
	}
}

func BenchmarkVerifyHistory(b *testing.B) {
	i := openImage(b, Config{})
	fill(b, i, newMachine(), 100_000)
	for b.Loop() {
		if err := i.VerifyHistory(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
