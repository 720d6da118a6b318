package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

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

// BenchmarkQueries asks 100,000 configurations of 1 KiB.
func BenchmarkQueries(b *testing.B) {
	i, m := openImage(b, Config{}), newMachine()
	fill(b, i, m, 100_000)
	for name, f := range map[string]config.Filter{
		"first page":             {Namespace: "public", PageNo: 1, PageSize: 10},
		"first page of 500":      {Namespace: "public", PageNo: 1, PageSize: 500},
		"middle page":            {Namespace: "public", PageNo: 5000, PageSize: 10},
		"last page":              {Namespace: "public", PageNo: 10_000, PageSize: 10},
		"names, few":             {Namespace: "public", DataID: "*-00123*", PageNo: 1, PageSize: 10},
		"names, many":            {Namespace: "public", DataID: "*service*", PageNo: 1, PageSize: 10},
		"names, one":             {Namespace: "public", DataID: "com.example.service-077777.yaml", PageNo: 1, PageSize: 10},
		"names, all namespaces":  {DataID: "*-00123*", PageNo: 1, PageSize: 10},
		"tag":                    {Namespace: "public", Tags: []string{"tag3"}, PageNo: 1, PageSize: 10},
		"tag, half of a name":    {Namespace: "public", Tags: []string{"*a*"}, PageNo: 1, PageSize: 10},
		"content, one":           {Namespace: "public", Content: "*key77777:*", PageNo: 1, PageSize: 10},
		"content, all":           {Namespace: "public", Content: "*server:*", PageNo: 1, PageSize: 10},
		"content, none":          {Namespace: "public", Content: "*nowhere*", PageNo: 1, PageSize: 10},
		"content, two pieces":    {Namespace: "public", Content: "*key777*848*", PageNo: 1, PageSize: 10},
		"content, any namespace": {Content: "*key77777:*", PageNo: 1, PageSize: 10},
	} {
		b.Run(name, func(b *testing.B) {
			before := cpu(b)
			for b.Loop() {
				if _, err := i.List(context.Background(), f); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
	b.Run("history", func(b *testing.B) {
		for b.Loop() {
			if p, err := i.History(context.Background(), filler(555), "", 1, 100); err != nil || p.Total != 1 {
				b.Fatal(p, err)
			}
		}
	})
}

// cpu returns the processor time that this process used so far.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
