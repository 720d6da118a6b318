package naming

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"nacre/server/resource"
)

// names are the keys of all services that exist, in order, made anew when they are asked for after a change.
type names struct {
	stale atomic.Bool
	mu    sync.Mutex
	list  []Key // immutable
}

func (n *names) changed() { n.stale.Store(true) }

// keys returns the keys of all services that exist, in order. The list is shared.
func (r *Registry) keys() []Key {
	r.names.mu.Lock()
	defer r.names.mu.Unlock()
	if !r.names.stale.Swap(false) {
		return r.names.list
	}
	keys := make([]Key, 0, len(r.names.list)+64)
	var batch []*service
	for i := range r.services {
		sh := &r.services[i]
		sh.mu.RLock()
		for _, s := range sh.m {
			batch = append(batch, s)
		}
		sh.mu.RUnlock()
		for n, s := range batch {
			s.mu.Lock()
			if s.exists && !s.gone {
				keys = append(keys, s.key)
			}
			s.mu.Unlock()
			batch[n] = nil
		}
		batch = batch[:0]
	}
	slices.SortFunc(keys, Key.Compare)
	r.names.list = keys
	return keys
}

// within returns the keys of a namespace, or of one of its groups.
func (r *Registry) within(namespace, group string) []Key {
	keys := r.keys()
	from, _ := slices.BinarySearchFunc(keys, Key{Namespace: namespace, Group: group}, Key.Compare)
	keys = keys[from:]
	to, _ := slices.BinarySearchFunc(keys, struct{}{}, func(k Key, _ struct{}) int {
		if k.Namespace != namespace || group != "" && k.Group != group {
			return 1
		}
		return -1
	})
	return keys[:to]
}

// Exists reports whether a service is there: it has instances, or had some not long ago, or is described.
func (r *Registry) Exists(k Key) bool {
	s := r.lock(&k)
	if s == nil {
		return false
	}
	defer s.mu.Unlock()
	return s.exists
}

// Services returns a page of the names of a namespace's services with exactly that group, in order, and how many there are. page
// counts from 1.
func (r *Registry) Services(namespace, group string, page, size int) (found []string, total int) {
	keys := r.within(namespace, group)
	for _, k := range pageOf(keys, page, size) {
		found = append(found, k.Name)
	}
	return found, len(keys)
}

func pageOf[T any](all []T, page, size int) []T {
	if size <= 0 {
		return nil
	}
	page = max(page, 1) - 1
	if page > len(all)/size {
		return nil
	}
	from := page * size
	return all[min(from, len(all)):min(from+size, len(all))]
}

// Each calls f for the key of each service that has instances, in order, until it returns false.
func (r *Registry) Each(f func(Key) bool) {
	for _, k := range r.keys() {
		s := r.lock(&k)
		if s == nil {
			continue
		}
		has := len(s.sorted) > 0
		s.mu.Unlock()
		if has && !f(k) {
			return
		}
	}
}

// Summary is what a list says of a service.
type Summary struct {
	Key       Key
	Ephemeral bool
	// Described is what somebody said of it, nil when nobody did.
	Described *Service
	// Clusters, Instances, the Healthy ones of them and the Disabled ones, and Subscribers count.
	Clusters, Instances, Healthy, Disabled, Subscribers int
	// Overridden counts the instances that an operator laid something over.
	Overridden int
	// Protected says that so few are healthy that all are shown so.
	Protected bool
	// Revision grows with each change, ChangedMs is about the last one, in ms since 1970.
	Revision  uint64
	ChangedMs int64
}

// Summary returns what there is to say of a service; false when there is none.
func (r *Registry) Summary(k Key) (Summary, bool) {
	s := r.lock(&k)
	if s == nil {
		return Summary{}, false
	}
	defer s.mu.Unlock()
	return s.summary(), s.exists
}

func (s *service) summary() Summary {
	out := Summary{
		Key: s.key, Ephemeral: s.mode() != persistentKind, Described: s.described, Subscribers: len(s.subs), Revision: s.revision, ChangedMs: s.lastRefMs,
	}
	var clusters []string
	for _, i := range s.view(asked{disabled: true}).Hosts {
		out.Instances++
		if i.Healthy {
			out.Healthy++
		}
		if !i.Enabled {
			out.Disabled++
		}
		if len(s.overrides) > 0 && s.overrides[i.Of()] != nil {
			out.Overridden++
		}
		if !slices.Contains(clusters, i.Cluster) {
			clusters = append(clusters, i.Cluster)
		}
	}
	out.Clusters = len(clusters)
	if s.described != nil && out.Instances > 0 {
		out.Protected = float32(out.Healthy)/float32(out.Instances) <= float32(max(s.described.ProtectThreshold, 0))
	}
	return out
}

// Filter selects services of a namespace. Zero values select all.
type Filter struct {
	Namespace string
	// Group and Name are parts of the names, in whatever case.
	Group, Name string
	// HasInstances leaves out services without instances, Unhealthy those whose instances are all healthy.
	HasInstances, Unhealthy bool
	// Address selects services with an instance of that address, or address and port.
	Address string
}

// Catalog returns a page of the services that f selects, by group and name, and how many it selects. page counts from 1.
func (r *Registry) Catalog(f Filter, page, size int) (found []Summary, total int) {
	f.Group, f.Name = strings.ToLower(f.Group), strings.ToLower(f.Name)
	deep := f.HasInstances || f.Unhealthy || f.Address != ""
	var keys []Key
	for _, k := range r.within(f.Namespace, "") {
		if strings.Contains(strings.ToLower(k.Group), f.Group) && strings.Contains(strings.ToLower(k.Name), f.Name) && (!deep || r.selects(&f, k)) {
			keys = append(keys, k)
		}
	}
	for _, k := range pageOf(keys, page, size) {
		if s, ok := r.Summary(k); ok {
			found = append(found, s)
		}
	}
	return found, len(keys)
}

// selects reports whether a service has the instances that f wants.
func (r *Registry) selects(f *Filter, k Key) bool {
	s := r.lock(&k)
	if s == nil {
		return false
	}
	defer s.mu.Unlock()
	if f.HasInstances && len(s.sorted) == 0 {
		return false
	}
	sick, here := !f.Unhealthy, f.Address == ""
	for _, e := range s.sorted {
		if sick && here {
			break
		}
		sick = sick || !e.shown.Healthy
		here = here || e.own.IP == f.Address || addr{e.own.IP, e.own.Port}.String() == f.Address
	}
	return sick && here
}

// Clusters returns the clusters of a service by name: the described ones, and the default for others that have instances.
func (r *Registry) Clusters(k Key) []*Cluster {
	found := r.state.Clusters(k)
	for _, i := range r.Lookup(k, Query{Disabled: true}).Hosts {
		if !slices.ContainsFunc(found, func(c *Cluster) bool { return c.Name == i.Cluster }) {
			found = append(found, DefaultClusterOf(k, i.Cluster))
		}
	}
	slices.SortFunc(found, func(a, b *Cluster) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// Subscriber is who wants to know of a service.
type Subscriber struct {
	Client   Client
	Clusters string
	// SinceMs is when it began, PushedMs and AckedMs when it was told and confirmed last, in ms since 1970.
	SinceMs, PushedMs, AckedMs int64
	// InSync says that it has what it is to see, or is about to be told for the first time. Attempts is how often it was told of it.
	InSync   bool
	Attempts int
}

// Subscribers returns who wants to know of a service, by the clients' ids.
func (r *Registry) Subscribers(k Key) []Subscriber {
	s := r.lock(&k)
	if s == nil {
		return nil
	}
	found := make([]Subscriber, 0, len(s.subs))
	for _, x := range s.subs {
		x.session.mu.Lock()
		found = append(found, x.describe())
		x.session.mu.Unlock()
	}
	s.mu.Unlock()
	slices.SortFunc(found, func(a, b Subscriber) int { return strings.Compare(a.Client.ID, b.Client.ID) })
	return found
}

func (x *subscription) describe() Subscriber {
	return Subscriber{
		Client: *x.session.client, Clusters: x.clusters, SinceMs: x.sinceMs, PushedMs: x.pushedMs, AckedMs: x.ackedMs,
		InSync: x.view == nil, Attempts: int(x.attempt),
	}
}

// Publisher is who registered instances of a service.
type Publisher struct {
	Client    Client
	SinceMs   int64
	Instances []*Instance // as registered
}

// Publishers returns who registered instances of a service, by the clients' ids.
func (r *Registry) Publishers(k Key) []Publisher {
	s := r.lock(&k)
	if s == nil {
		return nil
	}
	at := make(map[*publication]int)
	var found []Publisher
	for _, e := range s.sorted {
		i, ok := at[e.pub]
		if !ok {
			i, at[e.pub] = len(found), len(found)
			found = append(found, Publisher{Client: *e.pub.session.client, SinceMs: e.pub.sinceMs})
		}
		found[i].Instances = append(found[i].Instances, e.own)
	}
	s.mu.Unlock()
	slices.SortFunc(found, func(a, b Publisher) int { return strings.Compare(a.Client.ID, b.Client.ID) })
	return found
}

// ClientState is a client with all that it registered and subscribes to.
type ClientState struct {
	Client
	// Revision grows with each change of what it registered, SeenMs is when it was heard last, in ms since 1970.
	Revision   uint64
	SeenMs     int64
	Published  []Published
	Subscribed []Subscribed
}

// Published is what a client registered of one service.
type Published struct {
	Key       Key
	SinceMs   int64
	Instances []*Instance
}

// Subscribed is one service that a client subscribes to.
type Subscribed struct {
	Key Key
	Subscriber
}

// ClientOf returns a client of this node, else of another, with all that it registered and subscribes to, by key; false when there is none.
func (r *Registry) ClientOf(id string) (ClientState, bool) {
	c := r.session(id)
	if c == nil {
		c = r.copies.anyOf(id)
	}
	if c == nil {
		return ClientState{}, false
	}
	c.mu.Lock()
	out := ClientState{Client: *c.client, Revision: c.revision, SeenMs: c.seen.Load()}
	pubs := slices.Clone(c.pubs.list)
	for _, x := range c.subs.list {
		out.Subscribed = append(out.Subscribed, Subscribed{x.service.key, x.describe()})
	}
	c.mu.Unlock()
	for _, p := range pubs {
		x := Published{Key: p.service.key, SinceMs: p.sinceMs}
		p.service.mu.Lock()
		for _, e := range p.entries {
			x.Instances = append(x.Instances, e.own)
		}
		p.service.mu.Unlock()
		if len(x.Instances) > 0 {
			out.Published = append(out.Published, x)
		}
	}
	slices.SortFunc(out.Published, func(a, b Published) int { return a.Key.Compare(b.Key) })
	slices.SortFunc(out.Subscribed, func(a, b Subscribed) int { return a.Key.Compare(b.Key) })
	return out, true
}

// ClientSummary is what a list says of a client.
type ClientSummary struct {
	Client
	// Copy says that another node owns it.
	Copy                  bool
	Revision              uint64
	SeenMs                int64
	Published, Subscribed int
	// Behind counts the services that it is yet to be told of.
	Behind int
}

// ClientFilter selects clients. The zero value selects all.
type ClientFilter struct {
	// Text stands in the id, address, application or library, in whatever case.
	Text string
	// Behind selects those that are yet to be told of something.
	Behind bool
	// Keep, when not nil, selects those that it reports true for. It may not call the registry.
	Keep func(*Client) bool
}

// Clients returns a page of the clients, of this node and others, whose id, address, application or library has text in it, in whatever case, by
// their ids, and how many those are. page counts from 1.
func (r *Registry) Clients(text string, page, size int) (found []ClientSummary, total int) {
	all := r.selected(ClientFilter{Text: text})
	for _, c := range pageOf(all, page, size) {
		found = append(found, c.summary())
	}
	return found, len(all)
}

// Select returns at most most of the clients that f selects, by their ids, from the one with that index on, and how many f selects.
func (r *Registry) Select(f ClientFilter, from, most int) (found []ClientSummary, total int) {
	all := r.selected(f)
	from = min(max(from, 0), len(all))
	for _, c := range all[from:min(from+max(most, 0), len(all))] {
		found = append(found, c.summary())
	}
	return found, len(all)
}

// SummaryOf returns what a list says of one client, false when there is none.
func (r *Registry) SummaryOf(id string) (ClientSummary, bool) {
	c := r.session(id)
	if c == nil {
		c = r.copies.anyOf(id)
	}
	if c == nil {
		return ClientSummary{}, false
	}
	return c.summary(), true
}

// selected returns the sessions of the clients that f selects, by their ids.
func (r *Registry) selected(f ClientFilter) []*Session {
	text := strings.ToLower(strings.TrimSpace(f.Text))
	var all []*Session
	keep := func(c *Session) {
		x := c.client
		if (text == "" || contains(text, x.ID, x.IP, x.Remote, x.App, x.SDK)) && (f.Keep == nil || f.Keep(x)) && (!f.Behind || c.behind()) {
			all = append(all, c)
		}
	}
	for i := range shardCount {
		a, b := &r.sessions[i], &r.addrs[i]
		a.mu.RLock()
		for _, c := range a.m {
			keep(c)
		}
		a.mu.RUnlock()
		b.mu.RLock()
		for _, c := range b.m {
			keep(c)
		}
		b.mu.RUnlock()
	}
	if !f.Behind { // nobody here tells a copy of anything
		r.copies.eachCopy(keep)
	}
	slices.SortFunc(all, func(a, b *Session) int {
		return cmp.Or(strings.Compare(a.client.ID, b.client.ID), strings.Compare(a.client.Node, b.client.Node), cmp.Compare(a.client.Incarnation, b.client.Incarnation))
	})
	return all
}

func (c *Session) behind() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ready.head != nil || c.sent.head != nil
}

func contains(text string, in ...string) bool {
	return slices.ContainsFunc(in, func(s string) bool { return strings.Contains(strings.ToLower(s), text) })
}

func (c *Session) summary() ClientSummary {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := ClientSummary{Client: *c.client, Copy: c.table != nil, Revision: c.revision, SeenMs: c.seen.Load(), Published: len(c.pubs.list), Subscribed: len(c.subs.list)}
	for _, l := range []*list{&c.ready, &c.sent} {
		for x := l.head; x != nil; x = x.next {
			out.Behind++
		}
	}
	return out
}

// Stats are figures of a registry: of this moment, and counted since the start.
type Stats struct {
	Services, Instances, Subscriptions                  int64
	Connections, BeatClients, LastingClients, Datagrams int64 // of this node
	Copies                                              int64 // of other nodes' clients
	Pushes, Acks, Resent                                uint64
	Registered, Deregistered, Beats, Unhealthy, Expired uint64
	// MeanAckMs and SlowestAckMs are how many ms after a push its acknowledgement came, -1 before there was any.
	MeanAckMs, SlowestAckMs int64
	// Dirty services wait for their subscribers to be told, Owing clients are behind.
	Dirty, Owing int
}

// Stats returns the figures.
func (r *Registry) Stats() Stats {
	c := &r.counts
	out := Stats{
		Services: int64(len(r.keys())), Instances: c.instances.Load(), Subscriptions: c.subscriptions.Load(),
		Connections: c.clients[Connection].Load(), BeatClients: c.clients[Beating].Load(), LastingClients: c.clients[Lasting].Load(), Datagrams: c.clients[Datagram].Load(), Copies: c.copies.Load(),
		Pushes: c.pushes.Load(), Acks: c.acks.Load(), Resent: c.repeated.Load(),
		Registered: c.registered.Load(), Deregistered: c.deregistered.Load(), Beats: c.beaten.Load(), Unhealthy: c.unhealthies.Load(), Expired: c.expired.Load(),
	}
	out.MeanAckMs, out.SlowestAckMs = -1, -1
	if n := c.settled.Load(); n > 0 {
		out.MeanAckMs, out.SlowestAckMs = int64(c.ackMs.Load()/n), c.slowestMs.Load()
	}
	r.dirty.mu.Lock()
	out.Dirty = len(r.dirty.list)
	r.dirty.mu.Unlock()
	r.owing.mu.Lock()
	out.Owing = len(r.owing.list)
	r.owing.mu.Unlock()
	return out
}

// String returns the address with the port.
func (a addr) String() string { return InstanceID{a.ip, a.port, resource.DefaultCluster}.String() }
