package naming

import (
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"

	"nacre/server/failpoint"
	"nacre/server/fault"
	"nacre/server/resource"
)

// ClientKind says what a client is.
type ClientKind uint8

// The kinds of clients.
const (
	// Connection is a gRPC connection: what it registered lives as long as it does.
	Connection ClientKind = iota
	// Beating is an ip:port that sends heartbeats over HTTP, with the id ip:port#true.
	Beating
	// Lasting is the ip:port of persistent instances, with the id ip:port#false.
	Lasting
	// Datagram subscribes over HTTP and is told over UDP. It registers nothing.
	Datagram
)

// String returns the kind's name.
func (k ClientKind) String() string {
	return [...]string{"connection", "beat", "persistent", "udp"}[k&3]
}

// Client is who registers and subscribes. It is not changed after it was given to the registry.
type Client struct {
	// ID names the client among those of this node.
	ID   string
	Kind ClientKind
	// Node is the id of the node that owns it. The registry sets it, and Incarnation, which differs between two clients of the same id.
	Node        string
	Incarnation uint64
	// IP is the address that the client claims, Remote its socket's with the port; Port is of clients without a connection.
	IP, Remote string
	Port       int
	// App and SDK are the application's name and the client library with its version.
	App, SDK string
	// Tenant is the namespace that the client says it works in.
	Tenant string
	// Labels are sorted.
	Labels Metadata
	// ConnectedMs is when it came, in ms since 1970.
	ConnectedMs int64
}

// keyed is a list of what a client has of services, each once: few are gone through, many found by a map.
type keyed[V interface{ serviceKey() *Key }] struct {
	list  []V
	index map[Key]int32
}

// indexFrom is the number from which there is a map.
const indexFrom = 16

func (k *keyed[V]) find(key *Key) (v V, ok bool) {
	if k.index != nil {
		i, ok := k.index[*key]
		if !ok {
			return v, false
		}
		return k.list[i], true
	}
	for _, v := range k.list {
		if *v.serviceKey() == *key {
			return v, true
		}
	}
	return v, false
}

func (k *keyed[V]) add(v V) {
	k.list = append(k.list, v)
	switch n := len(k.list); {
	case k.index != nil:
		k.index[*v.serviceKey()] = int32(n - 1)
	case n > indexFrom:
		k.index = make(map[Key]int32, 2*n)
		for i, x := range k.list {
			k.index[*x.serviceKey()] = int32(i)
		}
	}
}

func (k *keyed[V]) remove(key *Key) {
	at := -1
	if k.index != nil {
		i, ok := k.index[*key]
		if !ok {
			return
		}
		at = int(i)
		delete(k.index, *key)
	} else {
		for i, v := range k.list {
			if *v.serviceKey() == *key {
				at = i
			}
		}
		if at < 0 {
			return
		}
	}
	last := len(k.list) - 1
	if at != last {
		k.list[at] = k.list[last]
		if k.index != nil {
			k.index[*k.list[at].serviceKey()] = int32(at)
		}
	}
	var none V
	k.list[last] = none
	k.list = k.list[:last]
}

// Session is one client and all that it published and subscribed to. Its methods are safe for concurrent use.
type Session struct {
	registry *Registry
	client   *Client
	table    *table   // of a copy of another node's client; nil for those of this node
	notifier Notifier // nil when the client is told nothing
	seen     atomic.Int64

	mu       sync.Mutex
	revision uint64 // grows with each change of what it published; see touch
	pubs     keyed[*publication]
	subs     keyed[*subscription]
	ready    list // to be told
	sent     list // told, not confirmed
	closed   bool
	partial  bool // of a copy something was taken away that its node has

	owingAt int32 // in the list of those that are owed something, plus 1; guarded there
}

// Heard notes that the client was heard of.
func (c *Session) Heard() { c.seen.Store(c.registry.wall()) }

// Client returns who it is.
func (c *Session) Client() *Client { return c.client }

// publication is what one client published of one service. The service guards it.
type publication struct {
	session *Session
	service *service
	entries []*entry
	sinceMs int64
	gone    bool
	beat    *beat // of a client that sends heartbeats
}

func (p *publication) serviceKey() *Key { return &p.service.key }

// Open returns the session of a client that was connected. n is told when there is something to Take; it may be nil
// for a client that never subscribes. A session of the same id that is there is closed: the client came again.
func (r *Registry) Open(c Client, n Notifier) *Session {
	c.Node, c.Incarnation = r.node(), r.incarnation
	if c.ConnectedMs == 0 {
		c.ConnectedMs = r.wall()
	}
	s := &Session{registry: r, client: &c, notifier: n}
	s.seen.Store(c.ConnectedMs)
	sh := &r.sessions[maphash.String(r.seed, c.ID)%shardCount]
	for {
		sh.mu.Lock()
		old := sh.m[c.ID]
		if old == nil {
			sh.m[c.ID] = s
			sh.mu.Unlock()
			r.counts.clients[s.client.Kind].Add(1)
			return s
		}
		sh.mu.Unlock()
		old.Close("the client came again")
	}
}

// CloseClient ends the session of a client; it reports whether there was one. One of persistent instances has none that could end.
func (r *Registry) CloseClient(id, reason string) bool {
	s := r.session(id)
	if s == nil || s.client.Kind == Lasting {
		return false
	}
	s.Close(reason)
	return true
}

// session returns the session of a client, nil when there is none.
func (r *Registry) session(id string) *Session {
	sh := &r.sessions[maphash.String(r.seed, id)%shardCount]
	sh.mu.RLock()
	s := sh.m[id]
	sh.mu.RUnlock()
	if s == nil {
		if a, ok := addrOf(id); ok {
			return r.at(a)
		}
	}
	return s
}

// at returns the session of a client without a connection, nil when there is none.
func (r *Registry) at(a clientAddr) *Session {
	sh := &r.addrs[maphash.Comparable(r.seed, a)%shardCount]
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.m[a]
}

// come returns the session of a client without a connection, made when there is none.
func (r *Registry) come(a clientAddr) *Session {
	if s := r.at(a); s != nil {
		return s
	}
	sh := &r.addrs[maphash.Comparable(r.seed, a)%shardCount]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if s := sh.m[a]; s != nil {
		return s
	}
	kind := Lasting
	if a.ephemeral {
		kind = Beating
	}
	id := a.id(a.ephemeral)
	a.ip = id[:len(a.ip)]
	s := &Session{registry: r, client: &Client{ID: id, Kind: kind, Node: r.node(), Incarnation: r.incarnation, IP: a.ip, Port: a.port, ConnectedMs: r.wall()}}
	s.seen.Store(s.client.ConnectedMs)
	sh.m[a] = s
	r.counts.clients[s.client.Kind].Add(1)
	return s
}

// part takes a session out of the list of all.
func (r *Registry) part(s *Session) {
	c := s.client
	if c.Kind == Beating || c.Kind == Lasting {
		a := clientAddr{addr{c.IP, c.Port}, c.Kind == Beating}
		sh := &r.addrs[maphash.Comparable(r.seed, a)%shardCount]
		sh.mu.Lock()
		if sh.m[a] == s {
			delete(sh.m, a)
		}
		sh.mu.Unlock()
	} else {
		sh := &r.sessions[maphash.String(r.seed, c.ID)%shardCount]
		sh.mu.Lock()
		if sh.m[c.ID] == s {
			delete(sh.m, c.ID)
		}
		sh.mu.Unlock()
	}
	r.counts.clients[c.Kind].Add(-1)
}

// Register publishes one instance of a service, in the place of whatever this client published of it. Faults: Invalid, Limited,
// Unavailable (CodeGone) after Close.
func (c *Session) Register(k Key, i Instance) error {
	own, err := c.registry.adopt(i, true)
	if err != nil {
		return err
	}
	return c.publish(k, []*Instance{own}, c.client.ID)
}

// RegisterBatch publishes instances of a service, in the place of whatever this client published of it. Of the same name
// the last counts; none is as Deregister. Faults as Register.
func (c *Session) RegisterBatch(k Key, instances []Instance) error {
	if n := int64(len(instances)); n > c.registry.cfg.MaxPerService {
		return c.registry.tooMany(k, n)
	}
	if len(instances) == 0 {
		c.Deregister(k)
		return checkKey(&k)
	}
	list := make([]*Instance, 0, len(instances))
	at := make(map[InstanceID]int, len(instances))
	for _, i := range instances {
		own, err := c.registry.adopt(i, true)
		if err != nil {
			return err
		}
		if n, again := at[own.Of()]; again {
			list[n] = own
			continue
		}
		at[own.Of()] = len(list)
		list = append(list, own)
	}
	return c.publish(k, list, c.client.ID)
}

func (r *Registry) tooMany(k Key, n int64) error {
	return fault.New(fault.Limited, "service %s would have %d instances, at most %d are allowed (setting max-instances-per-service)", k, n, r.cfg.MaxPerService).WithCode(CodeLimit)
}

// publish makes list what the client publishes of a service.
func (c *Session) publish(k Key, list []*Instance, by string) error {
	return c.place(k, list, by, c.client.Kind == Lasting) // the journal has decided on those
}

// place makes list what the client publishes of a service; decided says that nobody is to ask whether it may.
func (c *Session) place(k Key, list []*Instance, by string, decided bool) error {
	r := c.registry
	if !decided {
		if err := checkKey(&k); err != nil {
			return err
		}
	}
	s, err := r.open(&k, decided)
	if err != nil {
		return err
	}
	defer r.settle(s)
	if !decided && s.mode() == persistentKind {
		return wrongKind(k, false)
	}
	p, err := c.enter(s, len(list), decided)
	if err != nil {
		return err
	}
	if s.put(p, list, nil, by) {
		s.changed()
		c.mu.Lock()
		c.touch("")
		c.mu.Unlock()
	}
	if c.client.Kind == Beating {
		p.beaten()
		p.follow()
	}
	return nil
}

func checkKey(k *Key) error {
	return badName(resource.CheckServiceKey(*k))
}

// enter returns what the client publishes of s, for n instances. The caller holds s.mu.
func (c *Session) enter(s *service, n int, decided bool) (*publication, error) {
	r := c.registry
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, fault.New(fault.Unavailable, "the client is gone").WithCode(CodeGone)
	}
	p, held := c.pubs.find(&s.key)
	more := n
	if held {
		more -= len(p.entries)
	}
	if !decided && more > 0 {
		if all := int64(len(s.sorted) + more); all > r.cfg.MaxPerService {
			return nil, r.tooMany(s.key, all)
		}
		if all := r.counts.instances.Load() + int64(more); all > r.cfg.MaxInstances {
			return nil, fault.New(fault.Limited, "there would be %d instances, at most %d are allowed (setting max-instances)", all, r.cfg.MaxInstances).WithCode(CodeLimit)
		}
		if all := len(c.pubs.list); !held && all >= r.cfg.MaxPublished {
			return nil, fault.New(fault.Limited, "client %s has instances in %d services, the most that are allowed (setting max-services-per-client)", c.client.ID, all).WithCode(CodeLimit)
		}
	}
	if !held {
		p = &publication{session: c, service: s, sinceMs: r.wall()}
		if c.client.Kind == Beating {
			p.beat = newBeat(p)
		}
		c.pubs.add(p)
	}
	c.Heard()
	return p, nil
}

// Deregister takes away whatever the client published of a service; it reports whether there was anything.
func (c *Session) Deregister(k Key) bool { return c.withdraw(k, "deregistered", c.client.ID) }

// withdraw takes away what the client published of a service.
func (c *Session) withdraw(k Key, why, by string) bool {
	s := c.registry.lock(&k)
	if s == nil {
		return false
	}
	defer c.registry.settle(s)
	return s.forsake(c, why, by)
}

// forsake takes away what a client published of s, and with the last that it did a client without a connection; it reports whether
// there was anything. The caller holds s.mu.
func (s *service) forsake(c *Session, why, by string) bool {
	c.mu.Lock()
	p, held := c.pubs.find(&s.key)
	if held {
		c.pubs.remove(&s.key)
		c.touch(why)
	}
	last := held && len(c.pubs.list) == 0 && (c.client.Kind == Beating || c.client.Kind == Lasting)
	if last {
		c.closed = true
	}
	c.mu.Unlock()
	if held {
		s.retract(p, why, by)
	}
	if last {
		c.registry.part(c)
	}
	return held
}

// retract takes away all of a publication that is no longer its client's. The caller holds s.mu.
func (s *service) retract(p *publication, why, by string) {
	if p.gone {
		return
	}
	p.gone = true
	if p.beat != nil {
		s.registry.wheel.remove(&p.beat.timer)
	}
	if len(p.entries) > 0 {
		s.remove(p.entries, why, by)
		p.entries = nil
		s.changed()
	}
}

// Close ends the session: the client is gone, and with it what it published and subscribed to. reason says why in words,
// after "connection closed: ". It may be called again.
func (c *Session) Close(reason string) {
	r := c.registry
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.closed = true
	pubs, subs := c.pubs.list, c.subs.list
	c.pubs, c.subs, c.ready, c.sent = keyed[*publication]{}, keyed[*subscription]{}, list{}, list{}
	r.owing.remove(c)
	why := "connection closed: " + reason
	if c.client.Kind == Beating {
		why = reason
	}
	if len(pubs) > 0 {
		c.touch(why)
	}
	c.mu.Unlock()
	r.part(c)
	if failpoint.Inject("bug/lingering-instance") != nil {
		pubs = nil
	}
	for _, p := range pubs {
		p.service.mu.Lock()
		p.service.retract(p, why, c.client.ID)
		r.settle(p.service)
	}
	for _, x := range subs {
		x.service.mu.Lock()
		x.service.unsubscribe(x)
		r.settle(x.service)
	}
}

// addrOf returns the address in the id of a client without a connection.
func addrOf(id string) (clientAddr, bool) {
	rest, ephemeral := strings.CutSuffix(id, "#true")
	if !ephemeral {
		var ok bool
		if rest, ok = strings.CutSuffix(id, "#false"); !ok {
			return clientAddr{}, false
		}
	}
	i := strings.LastIndexByte(rest, ':')
	if i < 0 {
		return clientAddr{}, false
	}
	port, ok := atoi(rest[i+1:])
	return clientAddr{addr{rest[:i], port}, ephemeral}, ok
}

func atoi(s string) (n int, ok bool) {
	if s == "" || len(s) > 5 {
		return 0, false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
