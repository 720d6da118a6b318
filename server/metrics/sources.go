package metrics

import "github.com/prometheus/client_golang/prometheus"

// Writes counts what became of wishes to change configurations since the start.
type Writes struct{ Published, Removed, Refused, Failed uint64 }

// Held is what the node holds.
type Held struct {
	Configs, Grays, Namespaces int64
	// ContentBytes is the size of the contents held in memory.
	ContentBytes int64
}

// Database are figures of a MySQL database as the node uses it.
type Database struct {
	// Up says whether it can be used.
	Up bool
	// Transactions are those committed since the start, Seconds how long they took together.
	Transactions uint64
	Seconds      float64
	// Revision is that of the last change in memory, SeenSeconds how long ago the counter was read last.
	Revision    uint64
	SeenSeconds float64
}

// Image is how far the database is behind the answers.
type Image struct {
	// Applied is the index of the journal that is applied in memory, Written the one that queries see.
	Applied, Written uint64
	// BehindBytes is the size of what is applied and not written.
	BehindBytes uint64
}

// Polls counts long polls that had to wait, by how they ended.
type Polls struct{ Answered, TimedOut, Gone, Refused int64 }

// Conns counts connections.
type Conns struct{ Open, Accepted int64 }

// Sources are the functions that figures are read through when Prometheus asks. Each must be safe to
// call at any time and take no lock for long. Where one is nil its metrics are left out.
type Sources struct {
	Writes func() Writes
	Held   func() Held
	// Waiting returns the long polls that wait and the keys they wait for.
	Waiting func() (polls, keys int64)
	Polls   func() Polls
	Conns   func() Conns
	// GRPC, Delivery, Feed and Naming are the side of clients.
	GRPC     func() GRPC
	Delivery func() Delivery
	Feed     func() Feed
	Naming   func() Naming
	// Groups returns how many groups of commands were committed, and how many commands in them.
	Groups func() (groups, commands uint64)
	// Queued returns how many commands wait for their group.
	Queued func() int
	// Fsyncs returns how often the journal was synced to disk.
	Fsyncs func() uint64
	Image  func() Image
	// Ready reports whether the node may be sent requests.
	Ready func() bool
	// Database is the MySQL database, nil where there is none.
	Database func() Database
	// Leader reports whether the node leads.
	Leader func() bool
	// DataBytes returns the size of the data folder's database and log.
	DataBytes func() (database, log int64)
}

// sourceCollector reads each source once for each scrape, so that figures of one source agree.
type sourceCollector struct {
	descs   []*prometheus.Desc
	collect []func(chan<- prometheus.Metric)
}

func newSourceCollector(s Sources) *sourceCollector {
	c := &sourceCollector{}
	if s.Writes != nil {
		publishes := c.desc("nacre_config_publishes_total", "Publishes since the start, by what became of them.", "result")
		removes := c.desc("nacre_config_removes_total", "Configurations and variants removed since the start.")
		c.add(func(ch chan<- prometheus.Metric) {
			w := s.Writes()
			counter(ch, publishes, w.Published, "ok")
			counter(ch, publishes, w.Refused, "refused")
			counter(ch, publishes, w.Failed, "failed")
			counter(ch, removes, w.Removed)
		})
	}
	if s.Held != nil {
		configs := c.desc("nacre_configs", "Configurations held, formal ones.")
		grays := c.desc("nacre_config_grays", "Gray variants held.")
		namespaces := c.desc("nacre_namespaces", "Namespaces, the default one included.")
		bytes := c.desc("nacre_config_cache_bytes", "Size of the contents held in memory.")
		c.add(func(ch chan<- prometheus.Metric) {
			h := s.Held()
			gauge(ch, configs, float64(h.Configs))
			gauge(ch, grays, float64(h.Grays))
			gauge(ch, namespaces, float64(h.Namespaces))
			gauge(ch, bytes, float64(h.ContentBytes))
		})
	}
	if s.Waiting != nil {
		polls := c.desc("nacre_longpoll_waiting", "Long polls that wait for a change.")
		keys := c.desc("nacre_longpoll_waiting_keys", "Configurations that long polls wait for, each counted once for each poll.")
		c.add(func(ch chan<- prometheus.Metric) {
			p, k := s.Waiting()
			gauge(ch, polls, float64(p))
			gauge(ch, keys, float64(k))
		})
	}
	c.web(s)
	c.clients(s)
	c.naming(s)
	c.journal(s)
	c.node(s)
	return c
}

func (c *sourceCollector) web(s Sources) {
	if s.Polls != nil {
		polls := c.desc("nacre_longpolls_total", "Long polls that had to wait and have ended, by why.", "end")
		c.add(func(ch chan<- prometheus.Metric) {
			p := s.Polls()
			counter(ch, polls, uint64(p.Answered), "changed")
			counter(ch, polls, uint64(p.TimedOut), "timeout")
			counter(ch, polls, uint64(p.Gone), "gone")
			counter(ch, polls, uint64(p.Refused), "refused")
		})
	}
	if s.Conns != nil {
		open := c.desc("nacre_http_connections", "Connections that are open.")
		accepted := c.desc("nacre_http_connections_accepted_total", "Connections accepted since the start.")
		c.add(func(ch chan<- prometheus.Metric) {
			n := s.Conns()
			gauge(ch, open, float64(n.Open))
			counter(ch, accepted, uint64(n.Accepted))
		})
	}
}

func (c *sourceCollector) journal(s Sources) {
	if s.Groups != nil {
		groups := c.desc("nacre_journal_groups_total", "Groups of commands committed since the start.")
		commands := c.desc("nacre_journal_commands_total", "Commands committed since the start.")
		c.add(func(ch chan<- prometheus.Metric) {
			g, n := s.Groups()
			counter(ch, groups, g)
			counter(ch, commands, n)
		})
	}
	if s.Queued != nil {
		queued := c.desc("nacre_journal_queued_commands", "Commands that wait for their group.")
		c.add(func(ch chan<- prometheus.Metric) { gauge(ch, queued, float64(s.Queued())) })
	}
	if s.Fsyncs != nil {
		fsyncs := c.desc("nacre_journal_fsyncs_total", "Times that the journal was synced to disk since the start.")
		c.add(func(ch chan<- prometheus.Metric) { counter(ch, fsyncs, s.Fsyncs()) })
	}
	if s.Image != nil {
		applied := c.desc("nacre_journal_applied_index", "Index of the journal that is applied in memory.")
		entries := c.desc("nacre_image_lag_entries", "Journal entries that are applied and not yet written to the database.")
		bytes := c.desc("nacre_image_lag_bytes", "Size of the changes that are applied and not yet written to the database.")
		c.add(func(ch chan<- prometheus.Metric) {
			i := s.Image()
			gauge(ch, applied, float64(i.Applied))
			gauge(ch, entries, float64(i.Applied-min(i.Written, i.Applied)))
			gauge(ch, bytes, float64(i.BehindBytes))
		})
	}
}

func (c *sourceCollector) node(s Sources) {
	if s.Database != nil {
		up := c.desc("nacre_database_up", "1 when the MySQL database can be used, else 0.")
		n := c.desc("nacre_database_transactions_total", "Transactions committed in the MySQL database since the start.")
		took := c.desc("nacre_database_seconds_total", "Time that committed transactions took since the start.")
		revision := c.desc("nacre_database_revision", "Revision of the last change in the MySQL database that memory holds.")
		seen := c.desc("nacre_database_tail_lag_seconds", "Time since the MySQL database was last asked for changes and answered.")
		c.add(func(ch chan<- prometheus.Metric) {
			d := s.Database()
			gauge(ch, up, truth(d.Up))
			counter(ch, n, d.Transactions)
			ch <- prometheus.MustNewConstMetric(took, prometheus.CounterValue, d.Seconds)
			gauge(ch, revision, float64(d.Revision))
			gauge(ch, seen, d.SeenSeconds)
		})
	}
	if s.Ready != nil {
		ready := c.desc("nacre_ready", "1 when the node may be sent requests, else 0.")
		c.add(func(ch chan<- prometheus.Metric) { gauge(ch, ready, truth(s.Ready())) })
	}
	if s.Leader != nil {
		leader := c.desc("nacre_journal_leader", "1 when this node leads, else 0.")
		c.add(func(ch chan<- prometheus.Metric) { gauge(ch, leader, truth(s.Leader())) })
	}
	if s.DataBytes != nil {
		size := c.desc("nacre_data_bytes", "Size of what the data folder holds.", "part")
		c.add(func(ch chan<- prometheus.Metric) {
			database, log := s.DataBytes()
			gauge(ch, size, float64(database), "database")
			gauge(ch, size, float64(log), "log")
		})
	}
}

func (c *sourceCollector) desc(name, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc(name, help, labels, nil)
	c.descs = append(c.descs, d)
	return d
}

func (c *sourceCollector) add(f func(chan<- prometheus.Metric)) { c.collect = append(c.collect, f) }

// Describe implements prometheus.Collector. It is empty, so unchecked, only when there are no sources.
func (c *sourceCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *sourceCollector) Collect(ch chan<- prometheus.Metric) {
	for _, f := range c.collect {
		f(ch)
	}
}

func counter(ch chan<- prometheus.Metric, d *prometheus.Desc, v uint64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
}

func gauge(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
