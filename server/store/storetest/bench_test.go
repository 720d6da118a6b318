package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nacre/server/config"
	"nacre/server/journal"
	"nacre/server/store"
	"nacre/server/store/mariadbtest"
)

// BenchmarkCommit measures publishes of 1 KiB over 10,000 configurations that are there, by how many go
// in one transaction. MariaDB flushes its log with each.
func BenchmarkCommit(b *testing.B) {
	content := strings.Repeat("0123456789abcdef", 64)
	for _, size := range []int{1, 8, 32, 256} {
		b.Run(fmt.Sprintf("group of %d", size), func(b *testing.B) {
			m, err := store.OpenMySQL(b.Context(), mariadbtest.Shared(b).Database(b), store.MySQLOptions{WriteTimeout: time.Minute})
			if err != nil {
				b.Fatal(err)
			}
			defer m.Close()
			const configs = 10_000
			at := 0
			next := func(n int) []journal.Command {
				group := make([]journal.Command, n)
				for i := range group {
					at++
					// Neighbours in a group are not neighbours in the index.
					k := config.Key{Namespace: "public", Group: "g", DataID: fmt.Sprintf("id%d", at*7919%configs)}
					group[i] = publish(b, k, fmt.Sprintf("%d %s", at, content), "")
				}
				return group
			}
			commit := func(group []journal.Command) {
				if _, err := m.Commit(b.Context(), group); err != nil {
					b.Fatal(err)
				}
			}
			for range 10 {
				commit(next(configs / 10))
			}
			for b.Loop() {
				commit(next(size))
			}
			b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "publishes/s")
		})
	}
}

// BenchmarkReconcile is a scan of 100,000 configurations of 1 KiB that finds nothing.
func BenchmarkReconcile(b *testing.B) {
	m, err := store.OpenMySQL(b.Context(), mariadbtest.Shared(b).Database(b), store.MySQLOptions{WriteTimeout: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	content := strings.Repeat("0123456789abcdef", 64)
	for i := range 100 {
		var group []journal.Command
		for j := range 1000 {
			group = append(group, publish(b, config.Key{Namespace: "public", Group: "g", DataID: fmt.Sprintf("id%d", 1000*i+j)}, content, ""))
		}
		if _, err := m.Commit(b.Context(), group); err != nil {
			b.Fatal(err)
		}
	}
	have := heldOf(b, m)
	b.Run("100000", func(b *testing.B) {
		for b.Loop() {
			if found, err := m.Reconcile(b.Context(), have); found > 0 || err != nil {
				b.Fatal(found, err)
			}
		}
	})
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			heldOf(b, m)
		}
	})
}
