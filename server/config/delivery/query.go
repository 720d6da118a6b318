package delivery

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"nacre/server/config"
)

// State is how a listening stands.
type State string

// The states of a listening.
const (
	// InSync: the client has what it is to see, as it said itself.
	InSync State = "inSync"
	// Behind: it did not confirm the newest yet.
	Behind State = "behind"
	// Looping: it asks again and again with the same wrong md5, though nothing changed.
	Looping State = "looping"
	// NeverAcked: it was told more than once and did not acknowledge once.
	NeverAcked State = "neverAcked"
)

// Listening is one client and one configuration that it listens for.
type Listening struct {
	Client Client
	Key    config.Key
	// MD5 is what the client says that it has, WantMD5 what it is to see; "" for nothing.
	MD5, WantMD5 string
	// Gray is the name of the variant that it is to see, "" for the formal content.
	Gray  string
	State State
	// Connected says that the client is there this moment: a client that polls may be between two polls.
	Connected bool
	// Revision is the one it is owed or was owed last; 0 when nothing changed since it came.
	Revision uint64
	// SinceMs is when it began to be behind, 0 when it is in sync. PushedMs (of a poll: its answer), AckedMs and ListenedMs are when it was
	// told last, acknowledged last, and listened last; all in ms since 1970, 0 for never.
	SinceMs, PushedMs, AckedMs, ListenedMs int64
	// Attempts is how often it was told of Revision, Loops how often in a row it listened with the same wrong md5.
	Attempts, Loops int
}

// listening describes e. The shard of its topic and the session are locked.
func (s *Session) listening(e *entry) Listening {
	t := e.topic
	x := Listening{
		Client: s.describe(), Key: t.key, MD5: e.md5, WantMD5: t.item.MD5For(s.sees()), Revision: e.revision,
		PushedMs: e.pushedMs, AckedMs: e.ackedMs, ListenedMs: e.listenedMs, Attempts: int(e.attempt), Loops: int(e.loops),
	}
	if t.item != nil {
		if g := t.item.Match(s.sees()); g != nil {
			x.Gray = g.Name
		}
	}
	x.Connected = s.slot == nil || s.polling
	if x.State = e.state(s.ledger.wall()); x.State != InSync {
		x.SinceMs = e.sinceMs
	}
	return x
}

// state returns how e stands. Its session is locked.
func (e *entry) state(wallMs int64) State {
	switch {
	case e.flags&behind == 0:
		return InSync
	case e.loops >= loopCount && wallMs-e.listenedMs < loopEndMs:
		return Looping
	case e.attempt > 1 && e.ackedMs == 0:
		return NeverAcked
	}
	return Behind
}

// Standing counts the listeners of one configuration. Looping and NeverAcked are parts of Behind.
type Standing struct {
	Listeners, InSync, Behind, Looping, NeverAcked int
}

// Standing returns how those who listen for k stand.
func (l *Ledger) Standing(k config.Key) (all Standing) {
	wall := l.wall()
	sh, hash := l.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	t := sh.find(hash, k)
	if t == nil {
		return all
	}
	for _, e := range t.list {
		e.session.mu.Lock()
		all.count(e.state(wall))
		e.session.mu.Unlock()
	}
	return all
}

// OfConfig returns who listens for k, those that are behind first, then by client.
func (l *Ledger) OfConfig(k config.Key) []Listening {
	out, _, _ := l.PageOfConfig(k, "", 1, maxPage)
	return out
}

// maxPage is more than there can be.
const maxPage = 1 << 31

// PageOfConfig returns a page of those who listen for k in the given state, "" for any, in the order of OfConfig; how
// many are in that state; and how all stand. page counts from 1.
func (l *Ledger) PageOfConfig(k config.Key, state State, page, size int) (rows []Listening, total int, all Standing) {
	x := l.Listeners(k, Where{State: state}, page, size)
	return x.Rows, x.Total, x.All
}

// listening describes e, false when it is over.
func (l *Ledger) listening(e *entry) (x Listening, ok bool) {
	s := e.session
	sh, _ := l.shard(e.topic.key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, held := s.find(e.topic); held != e || s.closed {
		return Listening{}, false
	}
	return s.listening(e), true
}

func (s *Standing) count(st State) {
	s.Listeners++
	switch st {
	case InSync:
		s.InSync++
		return
	case Looping:
		s.Looping++
	case NeverAcked:
		s.NeverAcked++
	}
	s.Behind++
}

// compareSessions orders sessions by id, those that poll last, by their numbers.
func compareSessions(a, b *Session) int {
	switch {
	case a.slot == nil && b.slot == nil:
		return strings.Compare(a.client.ID, b.client.ID)
	case a.slot == nil:
		return -1
	case b.slot == nil:
		return 1
	}
	return cmp.Compare(a.slot.number, b.slot.number)
}

// of returns all that a session listens for, by key.
func (l *Ledger) of(s *Session) []Listening {
	s.mu.Lock()
	entries := slices.Clone(s.entries)
	s.mu.Unlock()
	out := make([]Listening, 0, len(entries))
	for _, e := range entries {
		if x, ok := l.listening(e); ok {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b Listening) int {
		switch {
		case a.Key.Less(b.Key):
			return -1
		case b.Key.Less(a.Key):
			return 1
		}
		return 0
	})
	return out
}

// OfClient returns a client and what it listens for, by key; false when there is none of that id.
func (l *Ledger) OfClient(id string) (ClientState, []Listening, bool) {
	number, err := strconv.ParseUint(strings.TrimPrefix(id, pollPrefix), 10, 64)
	polls := err == nil && strings.HasPrefix(id, pollPrefix)
	l.all.mu.RLock()
	i := slices.IndexFunc(l.all.list, func(s *Session) bool {
		if s.slot != nil {
			return polls && s.slot.number == number
		}
		return s.client.ID == id
	})
	var s *Session
	if i >= 0 {
		s = l.all.list[i]
	}
	l.all.mu.RUnlock()
	if s == nil {
		return ClientState{}, nil, false
	}
	return s.state(), l.of(s), true
}

// OfIP returns what the clients at an address listen for.
func (l *Ledger) OfIP(ip string) []Listening {
	var out []Listening
	for _, s := range l.all.snapshot() {
		if s.ip == ip {
			out = append(out, l.of(s)...)
		}
	}
	return out
}

// Filter selects clients. Zero values select all.
type Filter struct {
	// Text stands in the id, address, application, library, tenant or a label (name=value), in whatever case.
	Text string
	// Transport is GRPC or HTTP.
	Transport string
	// Behind selects those that are not in sync.
	Behind bool
}

// ClientState is a client with what it listens for, counted.
type ClientState struct {
	Client
	Listenings, Behind int
	// Connected says that the client is there this moment: one that polls may be between two polls.
	Connected bool
}

// Clients returns a page of the clients that f selects, by id, and how many there are; page counts from 1.
func (l *Ledger) Clients(f Filter, page, size int) ([]ClientState, int) {
	want := strings.ToLower(strings.TrimSpace(f.Text))
	var chosen []*Session
	for _, s := range l.all.snapshot() {
		if f.Transport != "" && f.Transport != s.client.Transport {
			continue
		}
		s.mu.Lock()
		ok := !s.closed && (!f.Behind || s.ready.head != nil || s.sent.head != nil)
		if ok && want != "" {
			c := s.describe()
			ok = c.contains(want)
		}
		s.mu.Unlock()
		if ok {
			chosen = append(chosen, s)
		}
	}
	slices.SortFunc(chosen, compareSessions)
	from := min(max(page-1, 0)*size, len(chosen))
	var out []ClientState
	for _, s := range chosen[from:min(from+size, len(chosen))] {
		out = append(out, s.state())
	}
	return out, len(chosen)
}

// Latest returns the client that connected last.
func (l *Ledger) Latest() (last Client, found bool) {
	for _, s := range l.all.snapshot() {
		s.mu.Lock()
		if c := s.describe(); !s.closed && (!found || c.ConnectedMs > last.ConnectedMs) {
			last, found = c, true
		}
		s.mu.Unlock()
	}
	return last, found
}

// state describes the client, with what it listens for counted.
func (s *Session) state() ClientState {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := ClientState{Client: s.describe(), Listenings: len(s.entries), Connected: s.slot == nil || s.polling}
	for _, owed := range [...]list{s.ready, s.sent} {
		for e := owed.head; e != nil; e = e.next {
			x.Behind++
		}
	}
	return x
}

func (c *Client) contains(lower string) bool {
	for _, s := range [...]string{c.ID, c.IP, c.Remote, c.App, c.SDK, c.Tenant} {
		if strings.Contains(strings.ToLower(s), lower) {
			return true
		}
	}
	for name, value := range c.Labels {
		if strings.Contains(strings.ToLower(name+"="+value), lower) {
			return true
		}
	}
	return false
}

// Summary counts all that the ledger knows. Pushes, Acks and Resent count since the start.
type Summary struct {
	GRPCClients, HTTPClients int
	// Listenings are pairs of client and configuration; Behind are those not in sync, Looping and NeverAcked parts of those.
	Listenings, Behind, Looping, NeverAcked int
	Pushes, Acks, Resent                    uint64
}

// Summary returns the figures of this moment.
func (l *Ledger) Summary() Summary {
	x := Summary{
		Listenings: int(l.listenings.Load()), Behind: int(l.behind.Load()),
		Pushes: l.pushes.Load(), Acks: l.acks.Load(), Resent: l.repeated.Load(),
	}
	l.all.mu.RLock()
	for _, s := range l.all.list {
		if s.slot == nil {
			x.GRPCClients++
		} else {
			x.HTTPClients++
		}
	}
	l.all.mu.RUnlock()
	wall := l.wall()
	count := func(e *entry) {
		switch e.state(wall) {
		case Looping:
			x.Looping++
		case NeverAcked:
			x.NeverAcked++
		}
	}
	for _, s := range l.owing.snapshot(nil) {
		s.mu.Lock()
		for e := s.ready.head; e != nil; e = e.next {
			count(e)
		}
		for e := s.sent.head; e != nil; e = e.next {
			count(e)
		}
		s.mu.Unlock()
	}
	return x
}
