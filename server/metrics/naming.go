package metrics

import "github.com/prometheus/client_golang/prometheus"

// Naming is the registry. What is Total counts since the start.
type Naming struct {
	Services, Instances, Subscriptions int64
	// Connections, Beating, Persistent and Datagram are clients, by how they live.
	Connections, Beating, Persistent, Datagram int64
	// Waiting services changed and their subscribers have not been told, Behind clients did not confirm what they were told.
	Waiting, Behind int64

	RegisteredTotal, DeregisteredTotal, HeartbeatsTotal, UnhealthyTotal, ExpiredTotal uint64
	PushesTotal, AcksTotal, ResentTotal                                               uint64
}

func (c *sourceCollector) naming(s Sources) {
	if s.Naming == nil {
		return
	}
	services := c.desc("nacre_naming_services", "Services that exist.")
	instances := c.desc("nacre_naming_instances", "Instances registered.")
	subscriptions := c.desc("nacre_naming_subscriptions", "Pairs of a client and a service that it subscribes to.")
	clients := c.desc("nacre_naming_clients", "Clients that registered or subscribe, by how they live.", "kind")
	waiting := c.desc("nacre_naming_services_waiting", "Services that changed and whose subscribers are about to be told.")
	behind := c.desc("nacre_naming_clients_behind", "Clients that did not confirm yet what they are to know of a service.")
	changes := c.desc("nacre_naming_changes_total", "What happened to instances since the start.", "kind")
	heartbeats := c.desc("nacre_naming_heartbeats_total", "Heartbeats over HTTP since the start.")
	pushes := c.desc("nacre_naming_pushes_total", "Services told to subscribers since the start, repetitions included.")
	acks := c.desc("nacre_naming_push_acks_total", "Pushes of services that subscribers acknowledged since the start.")
	resent := c.desc("nacre_naming_push_resends_total", "Pushes of services that were repeated because the subscriber did not confirm them.")
	c.add(func(ch chan<- prometheus.Metric) {
		n := s.Naming()
		gauge(ch, services, float64(n.Services))
		gauge(ch, instances, float64(n.Instances))
		gauge(ch, subscriptions, float64(n.Subscriptions))
		gauge(ch, clients, float64(n.Connections), "grpc")
		gauge(ch, clients, float64(n.Beating), "http")
		gauge(ch, clients, float64(n.Persistent), "persistent")
		gauge(ch, clients, float64(n.Datagram), "udp")
		gauge(ch, waiting, float64(n.Waiting))
		gauge(ch, behind, float64(n.Behind))
		counter(ch, changes, n.RegisteredTotal, "registered")
		counter(ch, changes, n.DeregisteredTotal, "deregistered")
		counter(ch, changes, n.UnhealthyTotal, "unhealthy")
		counter(ch, changes, n.ExpiredTotal, "expired")
		counter(ch, heartbeats, n.HeartbeatsTotal)
		counter(ch, pushes, n.PushesTotal)
		counter(ch, acks, n.AcksTotal)
		counter(ch, resent, n.ResentTotal)
	})
}
