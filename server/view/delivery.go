package view

import (
	"cmp"
	"context"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/fault"
)

// Listening is one client and one configuration that it listens for, on the node that it is connected to.
type Listening struct {
	delivery.Listening
	Node Member
}

// Listeners are those who listen for one configuration, on all nodes.
type Listeners struct {
	delivery.Listeners // but for its rows
	Rows               []Listening
	// Absent are the nodes that did not answer: whoever listens there is not counted.
	Absent []Absent
}

type listenersOf struct {
	Key   config.Key     `json:"key"`
	Where delivery.Where `json:"where"`
}

// Listeners returns who listens for k, a page of those that w selects: that are behind first, then by client.
func (n *Nodes) Listeners(ctx context.Context, k config.Key, w delivery.Where, page, size int) Listeners {
	of := listenersOf{k, w}
	if n.Alone() { // all pages are here
		x := n.cfg.Ledger.Listeners(k, w, page, size)
		return Listeners{Listeners: x, Rows: listeningRows(n.This(), &x)}
	}
	answers := Ask(ctx, &n.Fan, &n.listeners, paged[listenersOf]{of, 1, chunk(page, size)})
	out := Listeners{Absent: absent(answers)}
	var sources []*source[Listening]
	var took int64
	for i := range answers {
		a := &answers[i]
		if a.Err != nil {
			continue
		}
		x := &a.Value
		sources = append(sources, further(ctx, &n.Fan, &n.listeners, a.ID, of, listeningRows(a.Member, x), listeningRows, a.Member))
		out.Total += x.Total
		out.All = added(out.All, x.All)
		out.Revision, out.ChangedMs = max(out.Revision, x.Revision), max(out.ChangedMs, x.ChangedMs)
		if x.SyncedMs >= x.ChangedMs { // each node by its own clock
			took = max(took, x.SyncedMs-x.ChangedMs)
		}
		if x.BehindMs > 0 && (out.BehindMs == 0 || x.BehindMs < out.BehindMs) {
			out.BehindMs = x.BehindMs
		}
	}
	if out.ChangedMs > 0 && out.All.Behind == 0 && out.All.Listeners > 0 {
		out.SyncedMs = out.ChangedMs + took
	}
	out.Rows = pageOf(sources, func(a, b *Listening) bool {
		if ia, ib := a.State == delivery.InSync, b.State == delivery.InSync; ia != ib {
			return ib
		}
		return cmp.Or(cmp.Compare(a.Client.ID, b.Client.ID), cmp.Compare(a.Node.ID, b.Node.ID)) < 0
	}, page, size)
	return out
}

func listeningRows(m Member, x *delivery.Listeners) []Listening {
	rows := make([]Listening, len(x.Rows))
	for i := range x.Rows {
		rows[i] = Listening{x.Rows[i], m}
	}
	return rows
}

func added(a, b delivery.Standing) delivery.Standing {
	return delivery.Standing{
		Listeners: a.Listeners + b.Listeners, InSync: a.InSync + b.InSync, Behind: a.Behind + b.Behind,
		Looping: a.Looping + b.Looping, NeverAcked: a.NeverAcked + b.NeverAcked,
	}
}

// All returns every one who listens for k and that w selects.
func (n *Nodes) All(ctx context.Context, k config.Key, w delivery.Where) Listeners {
	return n.Listeners(ctx, k, w, 1, maxAll)
}

// maxAll is more than there can be.
const maxAll = 1 << 31

// Standings returns how those stand who listen for each of keys, on all nodes that answer.
func (n *Nodes) Standings(ctx context.Context, keys []config.Key) ([]delivery.Standing, []Absent) {
	out := make([]delivery.Standing, len(keys))
	var gone []Absent
	for from := 0; from < len(keys); from += mostRows {
		part := keys[from:min(from+mostRows, len(keys))]
		answers := Ask(ctx, &n.Fan, &n.standings, part)
		gone = absent(answers)
		for _, a := range answers {
			for i := range min(len(a.Value), len(part)) {
				out[from+i] = added(out[from+i], a.Value[i])
			}
		}
	}
	return out, gone
}

func (n *Nodes) standingsHere(_ context.Context, keys []config.Key) ([]delivery.Standing, error) {
	if len(keys) > mostRows {
		return nil, fault.New(fault.Invalid, "%d configurations are asked for at once, %d may be", len(keys), mostRows)
	}
	out := make([]delivery.Standing, len(keys))
	for i, k := range keys {
		out[i] = n.cfg.Ledger.Standing(k)
	}
	return out, nil
}

// Client is who is connected to a node, with what it listens for counted.
type Client struct {
	delivery.ClientState
	Node Member
}

type clients struct {
	Rows  []delivery.ClientState `json:"rows"`
	Total int                    `json:"total"`
}

// Clients returns a page of the clients that f selects, by id, and how many there are.
func (n *Nodes) Clients(ctx context.Context, f delivery.Filter, page, size int) ([]Client, int, []Absent) {
	if n.Alone() {
		rows, total := n.cfg.Ledger.Clients(f, page, size)
		return clientRows(n.This(), &clients{rows, total}), total, nil
	}
	answers := Ask(ctx, &n.Fan, &n.clients, paged[delivery.Filter]{f, 1, chunk(page, size)})
	var sources []*source[Client]
	total := 0
	for i := range answers {
		if a := &answers[i]; a.Err == nil {
			total += a.Value.Total
			sources = append(sources, further(ctx, &n.Fan, &n.clients, a.ID, f, clientRows(a.Member, &a.Value), clientRows, a.Member))
		}
	}
	return pageOf(sources, func(a, b *Client) bool {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Node.ID, b.Node.ID)) < 0
	}, page, size), total, absent(answers)
}

func clientRows(m Member, x *clients) []Client {
	rows := make([]Client, len(x.Rows))
	for i := range x.Rows {
		rows[i] = Client{x.Rows[i], m}
	}
	return rows
}

// ClientOf is a client and what it listens for.
type ClientOf struct {
	Client
	Keys []delivery.Listening
}

type clientAnswer struct {
	Found bool                 `json:"found"`
	State delivery.ClientState `json:"state"`
	Keys  []delivery.Listening `json:"keys"`
	Total int                  `json:"total"`
}

// Client returns the client of that id on the node of that id, on any for "". Ids of clients that poll are a node's own.
func (n *Nodes) Client(ctx context.Context, node, id string) (ClientOf, bool) {
	if s, keys, ok := n.cfg.Ledger.OfClient(id); ok && (node == "" || node == n.This().ID) {
		return ClientOf{Client{s, n.This()}, keys}, true
	}
	for _, m := range n.others() {
		if node != "" && node != m.ID {
			continue
		}
		a, err := AskOne(ctx, &n.Fan, &n.client, m.ID, paged[string]{id, 1, mostRows})
		if err != nil || !a.Found {
			continue
		}
		out := ClientOf{Client{a.State, m}, a.Keys}
		for at := 2; len(out.Keys) < a.Total; at++ {
			more, err := AskOne(ctx, &n.Fan, &n.client, m.ID, paged[string]{id, at, mostRows})
			if err != nil || len(more.Keys) == 0 {
				break
			}
			out.Keys = append(out.Keys, more.Keys...)
		}
		return out, true
	}
	return ClientOf{}, false
}

func (n *Nodes) clientHere(_ context.Context, q paged[string]) (clientAnswer, error) {
	s, keys, ok := n.cfg.Ledger.OfClient(q.Of)
	from := min(max(q.Page-1, 0)*mostRows, len(keys))
	return clientAnswer{ok, s, keys[from:min(from+mostRows, len(keys))], len(keys)}, nil
}

// OfIP returns what the clients at an address listen for, wherever they are connected.
func (n *Nodes) OfIP(ctx context.Context, ip string) (out []delivery.Listening) {
	if n.Alone() {
		return n.cfg.Ledger.OfIP(ip)
	}
	answers := Ask(ctx, &n.Fan, &n.ofIP, paged[string]{ip, 1, mostRows})
	for _, a := range answers {
		s := further(ctx, &n.Fan, &n.ofIP, a.ID, ip, a.Value, func(_ Member, rows *[]delivery.Listening) []delivery.Listening { return *rows }, a.Member)
		for x := s.first(); x != nil; x = s.first() {
			out = append(out, *x)
			s.rows = s.rows[1:]
		}
	}
	return out
}

func (n *Nodes) ofIPHere(_ context.Context, q paged[string]) ([]delivery.Listening, error) {
	all := n.cfg.Ledger.OfIP(q.Of)
	from := min(max(q.Page-1, 0)*mostRows, len(all))
	return all[from:min(from+mostRows, len(all))], nil
}

// Summary counts the clients of all nodes that answer.
func (n *Nodes) Summary(ctx context.Context) (all delivery.Summary, gone []Absent) {
	answers := Ask(ctx, &n.Fan, &n.summary, nothing{})
	for i := range answers {
		x := &answers[i].Value
		all.GRPCClients += x.GRPCClients
		all.HTTPClients += x.HTTPClients
		all.Listenings += x.Listenings
		all.Behind += x.Behind
		all.Looping += x.Looping
		all.NeverAcked += x.NeverAcked
		all.Pushes += x.Pushes
		all.Acks += x.Acks
		all.Resent += x.Resent
	}
	return all, absent(answers)
}

// LongBehind counts, on all nodes that answer, the clients that have not confirmed a change for that many ms.
func (n *Nodes) LongBehind(ctx context.Context, ms int64) (count int) {
	for _, a := range Ask(ctx, &n.Fan, &n.longBehind, ms) {
		count += a.Value
	}
	return count
}

type againOf struct {
	Key config.Key `json:"key"`
	ID  string     `json:"id"`
}

// Again tells those who listen for k and are behind once more, of them the client of that id alone where it is not "".
func (n *Nodes) Again(ctx context.Context, k config.Key, id string) (told int) {
	for _, a := range Ask(ctx, &n.Fan, &n.again, againOf{k, id}) {
		told += a.Value
	}
	return told
}

// OfConfig returns all who listen for k, on every node that answers: that are behind first, then by client.
func (n *Nodes) OfConfig(ctx context.Context, k config.Key) []delivery.Listening {
	if n.Alone() {
		return n.cfg.Ledger.OfConfig(k)
	}
	x := n.All(ctx, k, delivery.Where{})
	rows := make([]delivery.Listening, len(x.Rows))
	for i := range x.Rows {
		rows[i] = x.Rows[i].Listening
	}
	return rows
}
