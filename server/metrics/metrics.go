// Package metrics is what Prometheus reads of a node. It is the only package that knows Prometheus.
//
// Domains count with atomics of their own and know nothing of this package: it reads them through
// the functions in Sources, when it is asked and not before. What edges count goes through Counter,
// Histogram and Requests, which cost a request one or two atomic additions.
package metrics

import (
	"io"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"nacre/server/release"
)

// Registry holds all metrics of one node. It is safe for concurrent use.
type Registry struct {
	reg      *prometheus.Registry
	reads    *prometheus.CounterVec
	requests *Requests
	groups   Histogram
	fsync    Histogram
	changes  Histogram
	pushes   Histogram
}

// Counter counts up.
type Counter interface{ Inc() }

// Histogram counts values by size.
type Histogram interface{ Observe(float64) }

// latencies are the buckets of what is fast, fine enough to draw their quantiles.
var latencies = []float64{
	.0005, .00075, .001, .0015, .002, .003, .004, .006, .008, .012, .016, .024, .032, .048, .064, .096, .128, .192, .256, .384, .512, .768, 1, 2, 4, 8,
}

// New returns a registry that reads from s.
func New(s Sources) *Registry {
	r := &Registry{reg: prometheus.NewRegistry()}
	r.reg.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	info := release.Get()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "nacre_build_info", Help: "Always 1; the labels say which Nacre this is.",
		ConstLabels: prometheus.Labels{"version": info.Version, "commit": info.Commit, "go": info.Go},
	})
	build.Set(1)
	r.reads = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "nacre_config_reads_total", Help: "Reads of one configuration, by the API that was used.",
	}, []string{"api"})
	groups := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "nacre_journal_group_size", Help: "Commands that were made durable together, with one fsync.",
		Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024},
	})
	fsync := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "nacre_journal_fsync_seconds", Help: "Time that syncing the journal to disk took.",
		Buckets: []float64{.00025, .0005, .001, .002, .004, .008, .016, .032, .064, .128, .256, 1, 4},
	})
	changes := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "nacre_config_change_seconds", Help: "Time from a change of configurations being submitted to its being durable and applied.",
		Buckets: latencies,
	})
	pushes := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "nacre_push_ack_seconds", Help: "Time from a push to a gRPC client to its acknowledgement.",
		Buckets: latencies,
	})
	r.groups, r.fsync, r.changes, r.pushes = groups, fsync, changes, pushes
	r.requests = newRequests()
	r.reg.MustRegister(build, r.reads, groups, fsync, changes, pushes, r.requests, newSourceCollector(s))
	return r
}

// Reads returns the counter of reads through an API: v1, v2, v3, nacre, grpc. Keep it, don't look it up for each read.
func (r *Registry) Reads(api string) Counter { return r.reads.WithLabelValues(api) }

// GroupSize takes the number of commands of each group.
func (r *Registry) GroupSize() Histogram { return r.groups }

// FsyncSeconds takes the time that each sync of the journal to disk took, in seconds.
func (r *Registry) FsyncSeconds() Histogram { return r.fsync }

// ChangeSeconds takes the time that each change of configurations took to become durable, in seconds.
func (r *Registry) ChangeSeconds() Histogram { return r.changes }

// PushSeconds takes the time that each acknowledged push took, in seconds.
func (r *Registry) PushSeconds() Histogram { return r.pushes }

// Requests counts HTTP requests.
func (r *Registry) Requests() *Requests { return r.requests }

// ContentType is what WriteText writes.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// WriteText writes all metrics in Prometheus' text format. It takes some milliseconds.
func (r *Registry) WriteText(w io.Writer) error {
	families, err := r.reg.Gather()
	if err != nil {
		return err
	}
	enc := expfmt.NewEncoder(w, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, f := range families {
		if err := enc.Encode(f); err != nil {
			return err
		}
	}
	return nil
}
