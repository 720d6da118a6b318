package naming

import (
	"slices"
	"strings"
	"sync"

	"nacre/server/resource"
)

// Query says what to look up of a service. The zero value asks for all enabled instances.
type Query struct {
	// Clusters is a list with commas; blank for all.
	Clusters string
	// HealthyOnly leaves the unhealthy out. Disabled adds the disabled, as operators see them.
	HealthyOnly, Disabled bool
	// Labels are those of who asks, for services with a label selector; sorted.
	Labels Metadata
}

// Forms is how many encodings a View keeps.
const Forms = 6

// View is what a query sees of a service. It is immutable and shared by all who ask the same, until something changes.
type View struct {
	Key Key
	// Clusters is as it was asked for.
	Clusters    string
	HealthyOnly bool
	// Exists says that the service is there, if only without instances.
	Exists bool
	// Hosts are in the order of their names, each name once. With Protected all of them are shown as healthy.
	Hosts []*Instance
	// Protected says that so few are healthy that all are shown so.
	Protected bool
	// LastRefMs is the time in ms since 1970 of the change that made it look like this; it grows from each view of the service
	// to the next that looks different, by 1 at the least. Revision does, too.
	LastRefMs int64
	Revision  uint64

	mu      sync.Mutex
	encoded [Forms][]byte
}

// Encoded returns the view in a form, made by encode the first time. Forms belong to the edges, which agree on their
// numbers; the bytes may not be changed.
func (v *View) Encoded(form int, encode func(*View) []byte) []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.encoded[form] == nil {
		v.encoded[form] = encode(v)
	}
	return v.encoded[form]
}

// Healthy returns how many hosts are healthy.
func (v *View) Healthy() (n int) {
	for _, h := range v.Hosts {
		if h.Healthy {
			n++
		}
	}
	return n
}

// cache holds the views of one state of a service. It is immutable.
type cache struct{ views []cached }

type cached struct {
	query asked
	view  *View
}

// asked is a query as it tells views of a service apart.
type asked struct {
	clusters              string
	labels                string // the values of the selector's labels, each before a NUL
	healthyOnly, disabled bool
}

const (
	// maxCached bounds the views that are kept of a service at a time.
	maxCached = 64
	// maxClusterList bounds the list of clusters of a subscription. What longer ones see is not kept.
	maxClusterList = 2048
)

func (c *cache) get(q asked) *View {
	if c != nil {
		for i := range c.views {
			if c.views[i].query == q {
				return c.views[i].view
			}
		}
	}
	return nil
}

// with returns a cache that has a view more.
func (c *cache) with(q asked, v *View) *cache {
	var views []cached
	if c != nil && len(c.views) < maxCached {
		views = c.views
	}
	return &cache{views: append(slices.Clip(views), cached{q, v})}
}

// Lookup returns what q sees of the service of k, never nil: without hosts when there is no such service. It shows
// each change that was made before. It mostly takes what is cached, and never waits for long.
func (r *Registry) Lookup(k Key, q Query) *View {
	a := asked{clusters: q.Clusters, healthyOnly: q.HealthyOnly, disabled: q.Disabled}
	s := r.find(&k)
	if s != nil && len(q.Labels) == 0 {
		if v := s.cache.Load().get(a); v != nil {
			return v
		}
	}
	if s == nil {
		return r.nothing(k, a)
	}
	if s = r.lock(&k); s == nil {
		return r.nothing(k, a)
	}
	defer s.mu.Unlock()
	a.labels = s.labels(q.Labels)
	return s.view(a)
}

// nothing is the view of a service that is not there.
func (r *Registry) nothing(k Key, a asked) *View {
	return &View{Key: k, Clusters: a.clusters, HealthyOnly: a.healthyOnly, LastRefMs: max(r.wall(), r.floor.Load())}
}

// describe takes a description, nil for none.
func (s *service) describe(d *Service) {
	s.described, s.selector = d, nil
	if d != nil {
		s.selector, _ = d.Selector.Labels() // it was checked when it was set
	}
}

// labels returns the values of the labels that the service's selector names; "" when there is no selector, or when
// one of them is missing.
func (s *service) labels(of Metadata) string {
	if len(s.selector) == 0 || len(of) == 0 {
		return ""
	}
	var b strings.Builder
	for _, name := range s.selector {
		value, ok := of.Get(name)
		if !ok {
			return ""
		}
		b.WriteString(value)
		b.WriteByte(0)
	}
	return b.String()
}

// view returns what a query sees. The caller holds mu.
func (s *service) view(a asked) *View {
	held := s.cache.Load()
	if v := held.get(a); v != nil {
		return v
	}
	v := s.compute(a)
	if was := s.before.get(a); was != nil && was.looks(v) {
		v = was
	}
	if len(a.clusters) > maxClusterList {
		return v
	}
	a.clusters = v.Clusters // a text of its own
	s.cache.Store(held.with(a, v))
	return v
}

// looks reports whether nobody can tell v from o but by their numbers.
func (v *View) looks(o *View) bool {
	return v.Protected == o.Protected && v.Exists == o.Exists && slices.EqualFunc(v.Hosts, o.Hosts, (*Instance).same)
}

// compute makes a view: instances of the clusters, enabled, healthy, chosen by the selector, protected.
func (s *service) compute(a asked) *View {
	v := &View{
		Key: s.key, Clusters: strings.Clone(a.clusters), HealthyOnly: a.healthyOnly, Exists: s.exists, LastRefMs: s.lastRefMs, Revision: s.revision,
	}
	if s.revision == 0 { // nothing changed yet
		s.lastRefMs = max(s.lastRefMs, s.registry.wall())
		v.LastRefMs = s.lastRefMs
	}
	clusters := clustersOf(a.clusters)
	v.Hosts = make([]*Instance, 0, len(s.sorted))
	var last *Instance
	for _, e := range s.sorted {
		i := e.shown
		if last != nil && compareIDs(last, i) == 0 {
			continue // another client registered it, too, before
		}
		last = i
		if (i.Enabled || a.disabled) && (i.Healthy || !a.healthyOnly) && (len(clusters) == 0 || slices.Contains(clusters, i.Cluster)) {
			v.Hosts = append(v.Hosts, i)
		}
	}
	if s.described != nil {
		s.choose(v, a.labels)
		if !a.disabled {
			protect(v, s.described.ProtectThreshold)
		}
	}
	return v
}

// clustersOf returns the clusters that a list names, none for all.
func clustersOf(list string) (clusters []string) {
	if list == "" {
		return nil
	}
	for c := range strings.SplitSeq(list, ",") {
		if c = strings.TrimSpace(c); c != "" {
			clusters = append(clusters, c)
		}
	}
	return clusters
}

// choose keeps the hosts with the values that the labels of who asks have; all when there is none.
func (s *service) choose(v *View, labels string) {
	if labels == "" {
		return
	}
	values := strings.Split(labels, "\x00")
	var chosen []*Instance
	for _, i := range v.Hosts {
		if matches(i.Metadata, s.selector, values) {
			chosen = append(chosen, i)
		}
	}
	if len(chosen) > 0 {
		v.Hosts = chosen
	}
}

func matches(m Metadata, names, values []string) bool {
	for i, name := range names {
		if value, ok := m.Get(name); !ok || value != values[i] {
			return false
		}
	}
	return true
}

// protect shows all hosts as healthy when the share of those that are is threshold or less: rather some that fail than too
// few that break under the load. With the threshold 0 that is so when none is healthy.
func protect(v *View, threshold float64) {
	if len(v.Hosts) == 0 || float32(v.Healthy())/float32(len(v.Hosts)) > float32(max(threshold, 0)) {
		return
	}
	v.Protected = true
	for n, i := range v.Hosts {
		if !i.Healthy {
			c := *i
			c.Healthy = true
			v.Hosts[n] = &c
		}
	}
}

// Instances returns all instances of a service, the disabled ones included; none when there is no such service.
func (r *Registry) Instances(k Key, cluster string) []*Instance {
	return r.Lookup(k, Query{Clusters: cluster, Disabled: true}).Hosts
}

// Instance returns one instance as it is shown, nil when there is none. A blank cluster means the default one.
func (r *Registry) Instance(k Key, id InstanceID) *Instance {
	if id.Cluster == "" {
		id.Cluster = resource.DefaultCluster
	}
	s := r.lock(&k)
	if s == nil {
		return nil
	}
	defer s.mu.Unlock()
	if e := s.get(id); e != nil {
		return e.shown
	}
	return nil
}
