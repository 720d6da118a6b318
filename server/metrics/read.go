package metrics

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"nacre/server/metrics/series"
)

// BucketsOf returns what a histogram of a Registry holds. It takes some microseconds.
func BucketsOf(h Histogram) series.Buckets {
	var m dto.Metric
	read, ok := h.(prometheus.Metric)
	if !ok || read.Write(&m) != nil {
		return series.Buckets{}
	}
	var b series.Buckets
	for _, bucket := range m.GetHistogram().GetBucket() {
		b.Bounds, b.Counts = append(b.Bounds, bucket.GetUpperBound()), append(b.Counts, bucket.GetCumulativeCount())
	}
	if n := len(b.Bounds); n == 0 || !math.IsInf(b.Bounds[n-1], 1) {
		b.Bounds, b.Counts = append(b.Bounds, math.Inf(1)), append(b.Counts, m.GetHistogram().GetSampleCount())
	}
	return b
}

// ReadCount returns how many configurations were read since the start, by all APIs.
func (r *Registry) ReadCount() uint64 {
	found := make(chan prometheus.Metric)
	go func() {
		defer close(found)
		r.reads.Collect(found)
	}()
	var sum float64
	for read := range found {
		var m dto.Metric
		if read.Write(&m) == nil {
			sum += m.GetCounter().GetValue()
		}
	}
	return uint64(sum)
}

// Total returns how many requests were answered since the start.
func (r *Requests) Total() (sum uint64) {
	r.routes.Range(func(_, held any) bool {
		if list := held.(*statuses).list.Load(); list != nil {
			for _, c := range *list {
				sum += c.n.Load()
			}
		}
		return true
	})
	return sum
}
