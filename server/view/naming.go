package view

import (
	"cmp"
	"context"

	"nacre/server/naming"
)

// Subscriber is who subscribes to a service, on the node that it is connected to.
type Subscriber struct {
	naming.Subscriber
	Node Member
}

// Subscribers returns who subscribes to a service, on all nodes that answer, by client: what nodes copy of each other are
// instances, not who asks for them.
func (n *Nodes) Subscribers(ctx context.Context, k naming.Key) (list []Subscriber, gone []Absent) {
	answers := Ask(ctx, &n.Fan, &n.subscribers, paged[naming.Key]{k, 1, mostRows})
	var sources []*source[Subscriber]
	for i := range answers {
		if a := &answers[i]; a.Err == nil {
			sources = append(sources, further(ctx, &n.Fan, &n.subscribers, a.ID, k, subscriberRows(a.Member, &a.Value), subscriberRows, a.Member))
		}
	}
	list = pageOf(sources, func(a, b *Subscriber) bool {
		return cmp.Or(cmp.Compare(a.Client.ID, b.Client.ID), cmp.Compare(a.Node.ID, b.Node.ID)) < 0
	}, 1, maxAll)
	return list, absent(answers)
}

func subscriberRows(m Member, list *[]naming.Subscriber) []Subscriber {
	rows := make([]Subscriber, len(*list))
	for i, s := range *list {
		rows[i] = Subscriber{s, m}
	}
	return rows
}

func (n *Nodes) subscribersHere(_ context.Context, q paged[naming.Key]) ([]naming.Subscriber, error) {
	all := n.cfg.Naming.Subscribers(q.Of)
	from := min(max(q.Page-1, 0)*mostRows, len(all))
	return all[from:min(from+mostRows, len(all))], nil
}
