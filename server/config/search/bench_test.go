package search

import (
	"fmt"
	"strings"
	"testing"

	"nacre/server/config"
)

// many holds n configurations of about a KiB each: half of YAML, the others JSON, properties and text.
func many(n int) *held {
	h := newHeld()
	for i := range n {
		k := config.Key{Namespace: fmt.Sprintf("ns-%02d", i%20), Group: fmt.Sprintf("GROUP_%d", i%7), DataID: fmt.Sprintf("service-%06d", i)}
		e := config.Entry{Key: k, AppName: fmt.Sprintf("app-%d", i%50), Tags: []string{fmt.Sprint("t", i%10)}, SrcUser: "alice", ModifiedMs: nowMs - int64(i)*60_000}
		var b strings.Builder
		switch i % 4 {
		case 0, 1:
			e.Type = "yaml"
			fmt.Fprintf(&b, "server:\n  port: %d\nspring:\n  application:\n    name: service-%d\n  redis:\n    host: redis-%d.internal\n    port: 6379\n  datasource:\n    url: jdbc:mysql://db-%d:3306/orders\n", 8000+i, i, i%100, i%30)
			for j := 0; b.Len() < 1000; j++ {
				fmt.Fprintf(&b, "feature%d:\n  enabled: true\n  weight: %d\n", j, i*j)
			}
		case 2:
			e.Type = "json"
			fmt.Fprintf(&b, `{"server":{"port":%d},"spring":{"redis":{"host":"redis-%d","port":6379}},"list":[`, i, i%100)
			for j := 0; b.Len() < 1000; j++ {
				fmt.Fprintf(&b, `{"name":"feature-%d","weight":%d},`+"\n", j, i*j)
			}
			b.WriteString(`0]}`)
		default:
			e.Type = "properties"
			fmt.Fprintf(&b, "server.port=%d\nspring.redis.host=redis-%d\n", i, i%100)
			for j := 0; b.Len() < 1000; j++ {
				fmt.Fprintf(&b, "feature.%d.weight = %d\n", j, i*j)
			}
		}
		e.Content = []byte(b.String())
		h.put(e)
	}
	return h
}

// BenchmarkFind measures searches among 100,000 configurations.
func BenchmarkFind(b *testing.B) {
	h := many(100_000)
	for _, text := range []string{
		"", "ns:ns-07", "service-0777", "redis-42.internal", "no such text", "enabled", "e", "spring.redis.host", "key:redis.host value:redis-42",
		"key:e", "type:json tag:t2", "group:GROUP_3 by:ali -weight", "配置中心", "ЗАПРОС",
	} {
		q, err := Parse(text, nowMs)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(strings.ReplaceAll(text, " ", "+")+"/", func(b *testing.B) {
			total := 0
			for b.Loop() {
				r, err := h.index.Find(b.Context(), q, 1, 50)
				if err != nil {
					b.Fatal(err)
				}
				total = r.Total
			}
			b.ReportMetric(float64(total), "found")
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/op")
		})
	}
}

// BenchmarkNames measures the palette among 100,000 configurations.
func BenchmarkNames(b *testing.B) {
	h := many(100_000)
	for _, text := range []string{"ser", "s77", "service 42 ns-0", "xyz"} {
		b.Run(strings.ReplaceAll(text, " ", "+"), func(b *testing.B) {
			for b.Loop() {
				if _, err := h.index.Names(b.Context(), text, 20); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAfterAPublish measures a search that has a new name to put in.
func BenchmarkAfterAPublish(b *testing.B) {
	h := many(100_000)
	i := 0
	for b.Loop() {
		h.put(entry(fmt.Sprintf("ns-03/g/new-%d", i), "x"))
		if _, err := h.index.Find(b.Context(), Query{}, 1, 50); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
