package view

import (
	"context"
	"log/slog"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/feed"
	"nacre/server/metrics/series"
	"nacre/server/naming"
)

// Config is what a node has to tell.
type Config struct {
	Ledger *delivery.Ledger
	Naming *naming.Registry
	Feed   *feed.Feed
	Clock  clock.Clock
	Log    *slog.Logger
	// Sums returns the checksums of what this node has of configurations.
	Sums func() config.Sums
	// Node returns how this node is. It must not block.
	Node func() Node
	// Load says how busy this node is, Keep asks all but so many of its clients to go to the server at ip:port.
	Load func() Load
	Keep func(keep int, ip, port string)
	// Series returns figures of this node over time.
	Series func(span string, names []string) (series.Table, error)
	// Skew is from how many percent above the mean on one node clients are sent to others by themselves; 0 for never.
	Skew int
}

// Nodes is what all nodes know, each asked when somebody wants to know.
type Nodes struct {
	Fan
	cfg Config

	listeners  Question[paged[listenersOf], delivery.Listeners]
	standings  Question[[]config.Key, []delivery.Standing]
	clients    Question[paged[delivery.Filter], clients]
	client     Question[paged[string], clientAnswer]
	ofIP       Question[paged[string], []delivery.Listening]
	summary    Question[nothing, delivery.Summary]
	longBehind Question[int64, int]
	again      Question[againOf, int]

	subscribers Question[paged[naming.Key], []naming.Subscriber]
	node        Question[nothing, Node]
	ping        Question[nothing, nothing]
	sums        Question[nothing, config.Sums]
	load        Question[nothing, Load]
	keep        Question[keepOf, nothing]
	feed        Question[feedOf, feedAnswer]

	series Question[seriesOf, series.Table]

	reach  reach
	differ differ
}

// New returns the views of a node. Fan's fields may be set until the first question is asked.
func New(c Config) *Nodes {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	n := &Nodes{cfg: c}
	l := c.Ledger
	n.listeners = Question[paged[listenersOf], delivery.Listeners]{"view/listeners", func(_ context.Context, q paged[listenersOf]) (delivery.Listeners, error) {
		return l.Listeners(q.Of.Key, q.Of.Where, q.Page, min(q.Size, mostRows)), nil
	}}
	n.standings = Question[[]config.Key, []delivery.Standing]{"view/standings", n.standingsHere}
	n.clients = Question[paged[delivery.Filter], clients]{"view/clients", func(_ context.Context, q paged[delivery.Filter]) (clients, error) {
		rows, total := l.Clients(q.Of, q.Page, min(q.Size, mostRows))
		return clients{rows, total}, nil
	}}
	n.client = Question[paged[string], clientAnswer]{"view/client", n.clientHere}
	n.ofIP = Question[paged[string], []delivery.Listening]{"view/ip", n.ofIPHere}
	n.summary = Question[nothing, delivery.Summary]{"view/summary", func(context.Context, nothing) (delivery.Summary, error) { return l.Summary(), nil }}
	n.longBehind = Question[int64, int]{"view/behind", func(_ context.Context, ms int64) (int, error) {
		return l.BehindSince(clock.Millis(c.Clock) - ms), nil
	}}
	n.again = Question[againOf, int]{"view/again", func(_ context.Context, q againOf) (int, error) { return l.Again(q.Key, q.ID), nil }}
	n.subscribers = Question[paged[naming.Key], []naming.Subscriber]{"view/subscribers", n.subscribersHere}
	n.node = Question[nothing, Node]{"view/node", func(context.Context, nothing) (Node, error) { return n.Here(), nil }}
	n.ping = Question[nothing, nothing]{"view/ping", func(context.Context, nothing) (nothing, error) { return nothing{}, nil }}
	n.sums = Question[nothing, config.Sums]{"view/sums", func(context.Context, nothing) (config.Sums, error) { return c.Sums(), nil }}
	n.load = Question[nothing, Load]{"view/load", func(context.Context, nothing) (Load, error) { return c.Load(), nil }}
	n.keep = Question[keepOf, nothing]{"view/keep", func(_ context.Context, q keepOf) (nothing, error) {
		c.Keep(q.Keep, q.IP, q.Port)
		return nothing{}, nil
	}}
	n.series = Question[seriesOf, series.Table]{"view/series", func(_ context.Context, q seriesOf) (series.Table, error) { return c.Series(q.Span, q.Names) }}
	n.feed = Question[feedOf, feedAnswer]{"view/feed", n.feedHere}
	return n
}

// Handlers are how this node answers the others, by method.
func (n *Nodes) Handlers() map[string]Handler {
	return map[string]Handler{
		n.listeners.Method: n.listeners.Serve, n.standings.Method: n.standings.Serve, n.clients.Method: n.clients.Serve, n.client.Method: n.client.Serve,
		n.ofIP.Method: n.ofIP.Serve, n.summary.Method: n.summary.Serve, n.longBehind.Method: n.longBehind.Serve, n.again.Method: n.again.Serve,
		n.subscribers.Method: n.subscribers.Serve, n.node.Method: n.node.Serve, n.sums.Method: n.sums.Serve, n.load.Method: n.load.Serve,
		n.keep.Method: n.keep.Serve, n.ping.Method: n.ping.Serve, n.feed.Method: n.feed.Serve, n.series.Method: n.series.Serve,
	}
}

// This is this node.
func (n *Nodes) This() Member { return n.self() }

type seriesOf struct {
	Span  string   `json:"span"`
	Names []string `json:"names"`
}

// Series returns figures of the node of that id over time. Faults: NotFound, Unavailable, and Invalid for names that there are not.
func (n *Nodes) Series(ctx context.Context, node, span string, names []string) (series.Table, error) {
	return AskOne(ctx, &n.Fan, &n.series, node, seriesOf{span, names})
}
