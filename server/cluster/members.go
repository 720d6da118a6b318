package cluster

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"nacre/server/clock"
	"nacre/server/cluster/link"
	"nacre/server/event"
)

// Peers calls functions of other nodes.
type Peers interface {
	// Call calls the node to.
	Call(ctx context.Context, to, method string, body []byte) ([]byte, error)
	// Ask calls whoever is at addr, and says who that is.
	Ask(ctx context.Context, addr, method string, body []byte) (from string, out []byte, err error)
}

// Handler answers a call of the node from.
type Handler = func(ctx context.Context, from string, body []byte) ([]byte, error)

// Config is what Members need. Self, Cluster, Peers and Gossip are required.
type Config struct {
	// Self is this node: ID, Host, Version and every port but that of gossip.
	Self Member
	// HostGuessed says that Self.Host was not set by anybody: where the list of members calls this node otherwise, that counts.
	HostGuessed bool
	// Cluster tells the id of this node's cluster, "" while it has none.
	Cluster func() string
	// Lookup says who is listed; nil for nobody.
	Lookup *Lookup
	Peers  Peers
	// Gossip is the host:port to gossip on; port 0 takes a free one.
	Gossip string
	// Key is the cluster key; nil for gossip that is not encrypted.
	Key []byte
	// Dir is where members that were seen are remembered; "" for nowhere.
	Dir   string
	Clock clock.Clock  // default: the machine's
	Log   *slog.Logger // default: slog.Default
}

// Members knows who the members are and how they do. It is safe for concurrent use.
type Members struct {
	cfg    Config
	gossip *gossip
	// Changes tells of every member that is not as it was.
	Changes event.Topic[Changed]

	wake chan struct{} // something is to be looked after now

	mu    sync.Mutex
	self  Member
	alive map[string]wireMember // by the name in gossip: id and run
	acked map[string]time.Time  // the last answer to a probe, by the same name
	known map[string]Member     // who was seen once, by id, as it was when it was last alive
	shown map[string]Member     // what subscribers know, by id
	list  []candidate
	order []string // ids in known, so that Owner needs no sorting
}

// New makes Members and begins to listen for gossip. Run does the rest; Close is for Members that are not run.
func New(cfg Config) (*Members, error) {
	if cfg.Clock == nil {
		cfg.Clock = clock.System{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Lookup == nil {
		cfg.Lookup = NewLookup(LookupConfig{})
	}
	if len(cfg.Self.Host) > maxHost {
		return nil, fmt.Errorf("the host %q is too long for other nodes", cfg.Self.Host)
	}
	var raw [4]byte
	_, _ = rand.Read(raw[:]) // never fails
	m := &Members{
		cfg: cfg, self: cfg.Self, wake: make(chan struct{}, 1), alive: make(map[string]wireMember),
		acked: make(map[string]time.Time), known: make(map[string]Member), shown: make(map[string]Member),
	}
	m.self.Run, m.self.began = hex.EncodeToString(raw[:]), clock.Millis(cfg.Clock)
	m.self.Self, m.self.State, m.self.Why = true, Starting, "it is starting"
	m.self.Cluster = cfg.Cluster()
	m.remembered()
	var err error
	if m.gossip, err = newGossip(m); err != nil {
		return nil, err
	}
	return m, nil
}

// Self returns this node.
func (m *Members) Self() Member {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.me()
}

func (m *Members) me() Member {
	s := m.self
	s.Seen = m.cfg.Clock.Now()
	s.Listed = slices.ContainsFunc(m.list, func(c candidate) bool { return c.self })
	return s
}

// SetUp says whether this node takes requests.
func (m *Members) SetUp(up bool, why string) {
	m.mu.Lock()
	m.self.State, m.self.Why = Starting, why
	if up {
		m.self.State, m.self.Why = Up, ""
	}
	m.tell(m.me())
	m.mu.Unlock()
	m.poke()
}

// poke has Run look after things now.
func (m *Members) poke() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// All returns the members, this node among them, sorted by address. Who is listed and was never reached has no id.
func (m *Members) All() []Member {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all()
}

func (m *Members) all() []Member {
	out := []Member{m.me()}
	for _, id := range m.order {
		out = append(out, m.member(id))
	}
	for _, c := range m.list {
		if !c.self && !slices.ContainsFunc(out, func(o Member) bool { return o.ID != "" && c.is(o) }) {
			out = append(out, c.member())
		}
	}
	slices.SortFunc(out, func(a, b Member) int { return cmp.Or(cmp.Compare(a.Addr(), b.Addr()), cmp.Compare(a.ID, b.ID)) })
	return out
}

// Get returns a member by its id.
func (m *Members) Get(id string) (Member, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if id == m.self.ID {
		return m.me(), true
	}
	if _, ok := m.known[id]; !ok {
		return Member{}, false
	}
	return m.member(id), true
}

// member returns the member of an id that is known.
func (m *Members) member(id string) Member {
	w, alive := m.present(id)
	if !alive {
		k := m.known[id]
		k.State, k.Why = Down, "it does not answer"
		k.Listed = m.listed(k)
		return k
	}
	out := w.member()
	out.Listed, out.Seen = m.listed(out), m.known[id].Seen
	if last, ok := m.acked[gossipName(id, w.Run)]; ok {
		silent := clock.Mono().Sub(last)
		out.Seen = m.cfg.Clock.Now().Add(-silent)
		if out.State == Up && silent > m.patience() {
			out.State, out.Why = Suspicious, "it did not answer lately"
		}
	}
	return out
}

// present returns the newest process of a node that gossip says is alive.
func (m *Members) present(id string) (best wireMember, ok bool) {
	for _, w := range m.alive {
		if w.ID == id && m.ours(w) && (!ok || w.Began > best.Began || w.Began == best.Began && w.Run > best.Run) {
			best, ok = w, true
		}
	}
	return best, ok
}

// ours says whether a node is, or can become, one of this node's cluster.
func (m *Members) ours(w wireMember) bool {
	return w.Cluster == "" || m.self.Cluster == "" || w.Cluster == m.self.Cluster
}

func (m *Members) listed(o Member) bool {
	return slices.ContainsFunc(m.list, func(c candidate) bool { return c.is(o) })
}

// Up says whether a member takes requests.
func (m *Members) Up(id string) bool {
	o, ok := m.Get(id)
	return ok && o.State == Up
}

// PeerAddr returns where a member's peer RPC is.
func (m *Members) PeerAddr(id string) (string, bool) {
	o, ok := m.Get(id)
	return o.PeerAddr(), ok
}

// RaftAddr returns where a member's raft is.
func (m *Members) RaftAddr(id string) (string, bool) {
	o, ok := m.Get(id)
	return o.RaftAddr(), ok
}

// Owner returns the id of the node that owns key: by rendezvous hash over the members that are up, so that
// a member that comes or goes moves only what it owns.
func (m *Members) Owner(key string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	best, most := m.self.ID, weight(m.self.ID, key)
	if m.self.State != Up {
		best, most = "", 0
	}
	for _, id := range m.order {
		if s := m.shown[id].State; s != Up && s != Suspicious {
			continue
		}
		if w := weight(id, key); best == "" || w > most || w == most && id > best {
			best, most = id, w
		}
	}
	return cmp.Or(best, m.self.ID)
}

func weight(id, key string) uint64 {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.WriteString(id)
	_, _ = d.WriteString("\x00")
	_, _ = d.WriteString(key)
	return d.Sum64()
}

// Forget drops a member that is not alive and does not belong to the cluster any more.
func (m *Members) Forget(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, alive := m.present(id); alive {
		return
	}
	if _, ok := m.known[id]; !ok {
		return
	}
	delete(m.known, id)
	m.reorder()
	if before, ok := m.shown[id]; ok {
		delete(m.shown, id)
		m.Changes.Publish(Changed{Before: before})
	}
}

func (m *Members) reorder() {
	m.order = m.order[:0]
	for id := range m.known {
		m.order = append(m.order, id)
	}
	slices.Sort(m.order)
}

// came takes in what gossip says of a node that is alive.
func (m *Members) came(name string, w wireMember) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.ID == m.self.ID {
		return
	}
	if _, again := m.alive[name]; !again {
		m.acked[name] = clock.Mono()
	}
	m.alive[name] = w
	m.review(w.ID)
}

// went takes in that a process of a node is gone.
func (m *Members) went(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w, ok := m.alive[name]
	delete(m.alive, name)
	delete(m.acked, name)
	if ok {
		m.review(w.ID)
	}
}

// answered notes the answer to a probe.
func (m *Members) answered(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w, ok := m.alive[name]; ok {
		m.acked[name] = clock.Mono()
		m.review(w.ID)
	}
}

// review brings known and shown in line with what is said of a node, and tells of a change.
func (m *Members) review(id string) {
	if w, ok := m.present(id); ok {
		k := w.member()
		k.Seen = m.cfg.Clock.Now()
		_, old := m.known[id]
		m.known[id] = k
		if !old {
			m.reorder()
		}
	}
	if _, ok := m.known[id]; ok {
		m.tell(m.member(id))
	}
}

// tell publishes what is new of a member.
func (m *Members) tell(now Member) {
	before := m.shown[now.ID]
	m.shown[now.ID] = now
	a, b := before, now
	a.Seen, b.Seen = time.Time{}, time.Time{}
	if a != b {
		m.Changes.Publish(Changed{Before: before, After: now})
	}
}

// Close ends gossip, for Members that are not run; Run does so itself.
func (m *Members) Close() error { return m.gossip.close() }

// Run looks for members that are listed and not there, and tells the others of this one, until ctx ends; then it
// takes leave of them.
func (m *Members) Run(ctx context.Context) error {
	var all sync.WaitGroup
	relisted := make(chan struct{}, 1)
	all.Go(func() {
		m.cfg.Lookup.Run(ctx, m.cfg.Log, func() {
			select {
			case relisted <- struct{}{}:
			default:
			}
		})
	})
	all.Go(func() {
		for {
			m.seek(ctx)
			select {
			case <-ctx.Done():
				return
			case <-relisted:
			case <-time.After(seekEvery):
			}
		}
	})
	var saved []byte
	for {
		m.refresh()
		saved = m.save(saved)
		select {
		case <-ctx.Done():
			all.Wait()
			return m.gossip.leave()
		case <-m.wake:
		case <-time.After(refreshEvery):
		}
	}
}

// refresh takes over a change of this node's cluster, and looks who fell silent.
func (m *Members) refresh() {
	id := m.cfg.Cluster()
	m.mu.Lock()
	m.self.Cluster = id
	m.tell(m.me())
	for _, id := range m.order {
		m.review(id)
	}
	mine := m.self.wire()
	m.mu.Unlock()
	m.gossip.announce(mine)
}

// isSelf says whether an error of asking means that this node was asked.
func isSelf(err error) bool { return errors.Is(err, link.ErrSelf) }

// LocalHost returns an address of this machine that others may reach, 127.0.0.1 where it has none: the first
// of its interfaces that are up, private ones before public ones.
func LocalHost() string {
	best := ""
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "127.0.0.1"
	}
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok || n.IP.To4() == nil || !n.IP.IsGlobalUnicast() {
			continue
		}
		if n.IP.IsPrivate() {
			return n.IP.String()
		}
		best = cmp.Or(best, n.IP.String())
	}
	return cmp.Or(best, "127.0.0.1")
}
