package dns

import (
	"fmt"
	"testing"

	"nacre/server/naming"
)

// BenchmarkReply measures answers without the network, of a service with few instances and of one with very many.
func BenchmarkReply(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		w := newWorld()
		var instances []naming.Instance
		for i := range n {
			instances = append(instances, at(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), 80, 1))
		}
		w.register(b, "public/DEFAULT_GROUP/orders", instances...)
		for _, name := range []string{"orders.DEFAULT_GROUP.public.nacre.", "ORDERS.default_group.public.nacre.", "none.DEFAULT_GROUP.public.nacre."} {
			b.Run(fmt.Sprintf("%s of %d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				q := query(name, "A")
				q.SetEdns0(maxUDP, false)
				for b.Loop() {
					if _, err := w.reply(q, false).Pack(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
