package metrics

import "github.com/prometheus/client_golang/prometheus"

// GRPC counts the gRPC side. All but Open and Registered count since the start.
type GRPC struct {
	// Open are connections, Registered those of them whose client introduced itself.
	Open, Registered int64
	// Accepted counts connections, Refused those above a limit.
	Accepted, Refused uint64
	// Requests counts unary requests, Failed those that were answered with an error.
	Requests, Failed uint64
	// Silent counts connections that were closed because their client gave no sign of life.
	Silent uint64
}

// Delivery is who listens, and who knows the newest. Pushes, Acks and Resent count since the start.
type Delivery struct {
	// GRPCClients and HTTPClients listen.
	GRPCClients, HTTPClients int64
	// Listeners are pairs of client and configuration; Behind and Looping those that are not in sync.
	Listeners, Behind, Looping int64
	Pushes, Acks, Resent       uint64
}

// Feed is the change feed.
type Feed struct {
	// Events counts what was told since the start, Cut readers that were too slow.
	Events, Cut uint64
	Readers     int64
}

func (c *sourceCollector) clients(s Sources) {
	if s.GRPC != nil {
		c.grpc(s.GRPC)
	}
	if s.Delivery != nil {
		c.delivery(s.Delivery)
	}
	if s.Feed != nil {
		events := c.desc("nacre_feed_events_total", "Events of the change feed since the start.")
		readers := c.desc("nacre_feed_readers", "Readers of the change feed that are connected.")
		cut := c.desc("nacre_feed_readers_cut_total", "Readers of the change feed that were cut off because they were too slow.")
		c.add(func(ch chan<- prometheus.Metric) {
			f := s.Feed()
			counter(ch, events, f.Events)
			gauge(ch, readers, float64(f.Readers))
			counter(ch, cut, f.Cut)
		})
	}
}

func (c *sourceCollector) grpc(read func() GRPC) {
	open := c.desc("nacre_grpc_connections", "gRPC connections, by whether their client introduced itself.", "registered")
	accepted := c.desc("nacre_grpc_connections_accepted_total", "gRPC connections since the start, by what became of them.", "result")
	requests := c.desc("nacre_grpc_requests_total", "Unary gRPC requests since the start, by how they were answered.", "result")
	silent := c.desc("nacre_grpc_connections_silent_total", "gRPC connections closed because their client gave no sign of life.")
	c.add(func(ch chan<- prometheus.Metric) {
		g := read()
		gauge(ch, open, float64(g.Registered), "yes")
		gauge(ch, open, float64(max(g.Open-g.Registered, 0)), "no")
		counter(ch, accepted, g.Accepted, "ok")
		counter(ch, accepted, g.Refused, "refused")
		counter(ch, requests, g.Requests-min(g.Failed, g.Requests), "ok")
		counter(ch, requests, g.Failed, "error")
		counter(ch, silent, g.Silent)
	})
}

func (c *sourceCollector) delivery(read func() Delivery) {
	clients := c.desc("nacre_clients", "Clients that listen for configurations.", "transport")
	listeners := c.desc("nacre_listeners", "Pairs of a client and a configuration that it listens for, by whether it has what it is to see.", "state")
	pushes := c.desc("nacre_pushes_total", "Changes pushed to gRPC clients since the start, repetitions included.")
	acks := c.desc("nacre_push_acks_total", "Pushes that clients acknowledged since the start.")
	resent := c.desc("nacre_push_resends_total", "Pushes that were repeated because the client did not confirm the change.")
	c.add(func(ch chan<- prometheus.Metric) {
		d := read()
		gauge(ch, clients, float64(d.GRPCClients), "grpc")
		gauge(ch, clients, float64(d.HTTPClients), "http")
		gauge(ch, listeners, float64(max(d.Listeners-d.Behind-d.Looping, 0)), "in_sync")
		gauge(ch, listeners, float64(d.Behind), "behind")
		gauge(ch, listeners, float64(d.Looping), "looping")
		counter(ch, pushes, d.Pushes)
		counter(ch, acks, d.Acks)
		counter(ch, resent, d.Resent)
	})
}
