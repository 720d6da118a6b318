package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"nacre/server/fault"
)

const (
	// seekEvery is how often who is listed and not there is asked again.
	seekEvery = time.Second
	// refreshEvery is how often a node looks who fell silent.
	refreshEvery = 250 * time.Millisecond
	// askTime is how long asking one may take.
	askTime = 2 * time.Second
	// asksAtOnce is how many are asked at the same time.
	asksAtOnce = 16

	// rememberedFile holds the members that were seen, so that they are found again though nobody lists them.
	rememberedFile = "members.json"
)

// candidate is one that is listed, or was once seen, at one address.
type candidate struct {
	entry Entry
	// id is who answered there last.
	id   string
	self bool
	// why is why it did not answer, refused that it does not want this node, or this node it.
	why     string
	refused bool
	// remembered is one that nobody lists.
	remembered bool
}

// is says whether o is the member that is meant.
func (c candidate) is(o Member) bool {
	return !c.remembered && (o.Host == c.entry.Host && o.Port == c.entry.Port && !c.refused || c.id != "" && c.id == o.ID)
}

// member is what is shown of one that was never reached.
func (c candidate) member() Member {
	m := Member{
		Host: c.entry.Host, Port: c.entry.Port, PeerPort: c.entry.PeerPort, GRPCPort: c.entry.Port + 1000,
		RaftPort: c.entry.Port + RaftOffset, GossipPort: c.entry.Port + GossipOffset, State: Down, Why: c.why, Listed: !c.remembered,
	}
	if c.refused {
		m.State = Isolation
	}
	if m.Why == "" {
		m.Why = "it was not reached yet"
	}
	return m
}

// seek asks who is listed, or was seen once, and is not there.
func (m *Members) seek(ctx context.Context) {
	m.relist(ctx)
	m.mu.Lock()
	list := slices.Clone(m.list)
	list = append(list, m.lost()...)
	m.mu.Unlock()
	var all sync.WaitGroup
	slots := make(chan struct{}, asksAtOnce)
	for _, c := range list {
		if c.self || m.there(c) {
			continue
		}
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			m.ask(ctx, c)
		})
	}
	all.Wait()
}

// relist makes the candidates of who is listed; a name that stands for several addresses is as many.
func (m *Members) relist(ctx context.Context) {
	var entries []Entry
	for _, e := range m.cfg.Lookup.Entries() {
		if net.ParseIP(e.Host) == nil {
			limit, cancel := context.WithTimeout(ctx, askTime)
			addrs, err := net.DefaultResolver.LookupHost(limit, e.Host)
			cancel()
			if err == nil && len(addrs) > 1 && !loopbacks(addrs) {
				for _, a := range addrs {
					entries = append(entries, Entry{a, e.Port, e.PeerPort})
				}
				continue
			}
		}
		entries = append(entries, e)
	}
	if ctx.Err() != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	fresh := make([]candidate, 0, len(entries))
	for _, e := range entries {
		c := candidate{entry: e, self: e.Host == m.self.Host && e.Port == m.self.Port}
		if i := slices.IndexFunc(m.list, func(o candidate) bool { return o.entry == e }); i >= 0 {
			c = m.list[i]
		}
		fresh = append(fresh, c)
	}
	m.list = fresh
}

// loopbacks says whether all addresses are of this machine, as 127.0.0.1 and ::1 are for localhost.
func loopbacks(addrs []string) bool {
	return !slices.ContainsFunc(addrs, func(a string) bool { return !net.ParseIP(a).IsLoopback() })
}

// lost returns who was seen once and is not there, though nobody lists it at that address. m.mu is held.
func (m *Members) lost() []candidate {
	var out []candidate
	for _, id := range m.order {
		k := m.known[id]
		if _, alive := m.present(id); !alive && !m.listed(k) {
			out = append(out, candidate{entry: Entry{k.Host, k.Port, k.PeerPort}, id: id, remembered: true})
		}
	}
	return out
}

// there says whether the candidate needs no asking.
func (m *Members) there(c candidate) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range m.order {
		if w, alive := m.present(id); alive && c.is(w.member()) {
			return true
		}
	}
	return false
}

// ask asks a candidate who it is, and meets it in gossip.
func (m *Members) ask(ctx context.Context, c candidate) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	from, out, err := m.cfg.Peers.Ask(ctx, c.entry.PeerAddr(), "cluster/hello", nil)
	var w wireMember
	if err == nil {
		w, err = parseMember(out)
	}
	if err == nil && w.ID != from {
		err = errors.New("it does not know its own id")
	}
	if err == nil {
		c.id, c.why, c.refused = from, "", false
		// Gossip listens where the host that answered is, whatever it calls itself.
		err = m.gossip.join(gossipName(w.ID, w.Run) + "/" + joinResolved(ctx, c.entry.Host, w.Gossip))
	}
	switch {
	case err == nil:
	case isSelf(err):
		c.self = true
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled):
		return
	default:
		c.why, c.refused = "it does not answer", fault.KindOf(err) == fault.Denied
		if fault.KindOf(err) != fault.Internal {
			c.why = fault.TextOf(err)
		}
	}
	m.asked(c)
}

// joinResolved is the host:port of a host by its address, as memberlist should resolve nothing.
func joinResolved(ctx context.Context, host string, port int) string {
	if net.ParseIP(host) == nil {
		if addrs, err := net.DefaultResolver.LookupHost(ctx, host); err == nil {
			host = addrs[0]
		}
	}
	return join(host, port)
}

// asked keeps what came of asking, if the candidate is still listed.
func (m *Members) asked(c candidate) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.IndexFunc(m.list, func(o candidate) bool { return o.entry == c.entry }); i >= 0 && !c.remembered {
		m.list[i] = c
	}
	if c.self && m.cfg.HostGuessed && c.entry.Port == m.self.Port {
		m.self.Host = c.entry.Host // the others know it by that
		m.tell(m.me())
	}
}

// Handlers are what other nodes may call.
func (m *Members) Handlers() map[string]Handler {
	return map[string]Handler{
		"cluster/hello": func(context.Context, string, []byte) ([]byte, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return json.Marshal(m.self.wire())
		},
	}
}

// remembered reads who was seen before the process started. It is a help only: nothing depends on it.
func (m *Members) remembered() {
	if m.cfg.Dir == "" {
		return
	}
	b, err := os.ReadFile(filepath.Join(m.cfg.Dir, rememberedFile))
	if err != nil {
		return
	}
	var list []wireMember
	if err := json.Unmarshal(b, &list); err != nil {
		m.cfg.Log.Warn("who the members were is not known any more", "file", rememberedFile, "error", err)
		return
	}
	for _, w := range list {
		if w.check() == nil && w.ID != m.self.ID {
			m.known[w.ID] = w.member()
		}
	}
	m.reorder()
	for _, id := range m.order {
		m.shown[id] = m.member(id)
	}
}

// ForgetAll drops what the node of a data folder remembers of other members; no process may use the folder.
func ForgetAll(dir string) error {
	if err := os.Remove(filepath.Join(dir, rememberedFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// save writes who was seen, where that is new.
func (m *Members) save(before []byte) []byte {
	if m.cfg.Dir == "" {
		return nil
	}
	m.mu.Lock()
	list := make([]wireMember, 0, len(m.order))
	for _, id := range m.order {
		w := m.known[id].wire()
		w.Up = false
		list = append(list, w)
	}
	m.mu.Unlock()
	b, err := json.Marshal(list)
	if err != nil || string(b) == string(before) {
		return before
	}
	path := filepath.Join(m.cfg.Dir, rememberedFile)
	if err = os.WriteFile(path+".new", b, 0o600); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		m.cfg.Log.Warn("who the members are can't be kept for the next start", "error", err)
	}
	return b
}
