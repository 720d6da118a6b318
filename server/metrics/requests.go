package metrics

import (
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Requests counts HTTP requests by route and status. Routes are patterns of the router, of which
// there are a fixed few; never count by path, which clients choose.
type Requests struct {
	desc   *prometheus.Desc
	routes sync.Map // route string → *statuses
}

// statuses are the counts of one route. A route has two or three different ones in practice, so a
// short list that is only ever replaced by a longer one is faster than a map.
type statuses struct {
	mu   sync.Mutex // for making the list longer
	list atomic.Pointer[[]*status]
}

type status struct {
	code int
	n    atomic.Uint64
}

func newRequests() *Requests {
	return &Requests{desc: prometheus.NewDesc("nacre_http_requests_total",
		"HTTP requests that were answered, by route and status.", []string{"route", "code"}, nil)}
}

// Count counts one answer. It takes two lookups and an atomic addition.
func (r *Requests) Count(route string, code int) {
	held, ok := r.routes.Load(route)
	if !ok {
		// The string may be a view of a buffer that is used again: the key is a copy.
		held, _ = r.routes.LoadOrStore(string([]byte(route)), &statuses{})
	}
	held.(*statuses).of(code).n.Add(1)
}

func (s *statuses) of(code int) *status {
	if c := s.find(code); c != nil {
		return c
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.find(code); c != nil {
		return c
	}
	var longer []*status
	if old := s.list.Load(); old != nil {
		longer = append(longer, *old...)
	}
	c := &status{code: code}
	longer = append(longer, c)
	s.list.Store(&longer)
	return c
}

func (s *statuses) find(code int) *status {
	list := s.list.Load()
	if list == nil {
		return nil
	}
	for _, c := range *list {
		if c.code == code {
			return c
		}
	}
	return nil
}

// Describe implements prometheus.Collector.
func (r *Requests) Describe(ch chan<- *prometheus.Desc) { ch <- r.desc }

// Collect implements prometheus.Collector.
func (r *Requests) Collect(ch chan<- prometheus.Metric) {
	r.routes.Range(func(route, held any) bool {
		if list := held.(*statuses).list.Load(); list != nil {
			for _, c := range *list {
				ch <- prometheus.MustNewConstMetric(r.desc, prometheus.CounterValue, float64(c.n.Load()), route.(string), strconv.Itoa(c.code))
			}
		}
		return true
	})
}
