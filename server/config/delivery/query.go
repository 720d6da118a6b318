package delivery

import (
	"cmp"
	"slices"
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
	// SinceMs is when it began to be behind, 0 when it is in sync. PushedMs, AckedMs and ListenedMs are when it was
	// told last, acknowledged last, and listened last; all in ms since 1970, 0 for never.
	SinceMs, PushedMs, AckedMs, ListenedMs int64
	// Attempts is how often it was told of Revision, Loops how often in a row it listened with the same wrong md5.
	Attempts, Loops int
}

// listening describes e. The shard of its topic and the session are locked.
func (s *Session) listening(e *entry) Listening {
	t := e.topic
	x := Listening{
		Client: s.describe(), Key: t.key, MD5: e.md5, WantMD5: t.item.MD5For(s.sees()), State: InSync, Revision: e.revision,
		PushedMs: e.pushedMs, AckedMs: e.ackedMs, ListenedMs: e.listenedMs, Attempts: int(e.attempt), Loops: int(e.loops),
	}
	if t.item != nil {
		if g := t.item.Match(s.sees()); g != nil {
			x.Gray = g.Name
		}
	}
	x.Connected = s.slot == nil || s.polling
	if e.flags&behind != 0 {
		x.State, x.SinceMs = e.state(), e.sinceMs
	}
	return x
}

// state is that of an entry that is behind.
func (e *entry) state() State {
	switch {
	case e.loops >= loopCount:
		return Looping
	case e.attempt > 1 && e.ackedMs == 0:
		return NeverAcked
	}
	return Behind
}

// OfConfig returns who listens for k, those that are behind first, then by client.
func (l *Ledger) OfConfig(k config.Key) []Listening {
	sh, hash := l.shard(k)
	sh.mu.Lock()
	t := sh.find(hash, k)
	if t == nil {
		sh.mu.Unlock()
		return nil
	}
	out := make([]Listening, 0, len(t.list))
	for _, e := range t.list {
		e.session.mu.Lock()
		out = append(out, e.session.listening(e))
		e.session.mu.Unlock()
	}
	sh.mu.Unlock()
	slices.SortFunc(out, func(a, b Listening) int {
		if x := cmp.Compare(order(a.State), order(b.State)); x != 0 {
			return x
		}
		return strings.Compare(a.Client.ID, b.Client.ID)
	})
	return out
}

func order(s State) int {
	if s == InSync {
		return 1
	}
	return 0
}

// of returns all that a session listens for, by key.
func (l *Ledger) of(s *Session) []Listening {
	s.mu.Lock()
	entries := slices.Clone(s.entries)
	s.mu.Unlock()
	out := make([]Listening, 0, len(entries))
	for _, e := range entries {
		sh, _ := l.shard(e.topic.key)
		sh.mu.Lock()
		s.mu.Lock()
		if _, held := s.find(e.topic); held == e {
			out = append(out, s.listening(e))
		}
		s.mu.Unlock()
		sh.mu.Unlock()
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

// OfClient returns a client and what it listens for, false when there is none of that id.
func (l *Ledger) OfClient(id string) (Client, []Listening, bool) {
	for _, s := range l.all.snapshot() {
		s.mu.Lock()
		c := s.describe()
		s.mu.Unlock()
		if c.ID == id {
			return c, l.of(s), true
		}
	}
	return Client{}, nil, false
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
	// Text stands in the id, address, application, library or tenant, in whatever case.
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
}

// Clients returns a page of the clients that f selects, by id, and how many there are; page counts from 1.
func (l *Ledger) Clients(f Filter, page, size int) ([]ClientState, int) {
	want := strings.ToLower(strings.TrimSpace(f.Text))
	var all []ClientState
	for _, s := range l.all.snapshot() {
		s.mu.Lock()
		x := ClientState{Client: s.describe(), Listenings: len(s.entries)}
		for e := s.ready.head; e != nil; e = e.next {
			x.Behind++
		}
		for e := s.sent.head; e != nil; e = e.next {
			x.Behind++
		}
		s.mu.Unlock()
		if f.Transport != "" && x.Transport != f.Transport || f.Behind && x.Behind == 0 || want != "" && !x.contains(want) {
			continue
		}
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b ClientState) int { return strings.Compare(a.ID, b.ID) })
	from := min(max(page-1, 0)*size, len(all))
	return all[from:min(from+size, len(all))], len(all)
}

func (c *Client) contains(lower string) bool {
	for _, s := range [...]string{c.ID, c.IP, c.Remote, c.App, c.SDK, c.Tenant} {
		if strings.Contains(strings.ToLower(s), lower) {
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
	count := func(e *entry) {
		switch e.state() {
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
