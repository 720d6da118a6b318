package view

import (
	"context"
	"strconv"
	"sync"
	"time"

	"nacre/server/feed"
)

// Of what happens, nodes tell each other only what the others don't see by themselves: of their clients and of their own state.
// Publishing reaches every node through the journal, instances as copies.
var ownKinds = string(feed.ConfigInSync) + ",client,server"

const (
	// followEvery is how often the feeds of the others are read while somebody reads this one, followIdle while nobody does.
	followEvery = 250 * time.Millisecond
	followIdle  = 2 * time.Second
	// followMost is how many events are taken over at once.
	followMost = 200
)

type feedOf struct {
	// Since is the number of the last event that the reader has; 0 for none: then it is told what happened in the last AgeMs, for which
	// it has had a feed itself.
	Since uint64 `json:"since"`
	AgeMs int64  `json:"ageMs,omitempty"`
}

type feedAnswer struct {
	Epoch  uint64       `json:"epoch"`
	Events []feed.Event `json:"events"`
	Next   uint64       `json:"next"`
	Missed uint64       `json:"missed"`
}

// feedHere returns what happened on this node alone.
func (n *Nodes) feedHere(_ context.Context, q feedOf) (feedAnswer, error) {
	f := n.cfg.Feed
	a := feedAnswer{Epoch: f.Epoch(), Next: q.Since}
	if q.Since == 0 {
		a.Next = f.Before(q.AgeMs)
	}
	filter, err := feed.ParseFilter("", ownKinds, "")
	if err != nil {
		return a, err
	}
	for len(a.Events) < followMost {
		b := f.Since(a.Next, &filter, followMost-len(a.Events))
		a.Missed += b.Missed
		for i := range b.Events {
			if !b.Events[i].Taken() {
				a.Events = append(a.Events, b.Events[i])
			}
		}
		if b.Next == a.Next {
			break
		}
		a.Next = b.Next
	}
	return a, nil
}

// mostCursors is of how many nodes that are members no more it is remembered where their feeds were read: one that can't be seen for a
// moment goes on where it was.
const mostCursors = 64

// cursor is where this node is in the feed of another one, whose numbers are its own.
type cursor struct{ epoch, next uint64 }

// follow takes over what happens on the other nodes, each event with its node. In this node's feed they have numbers of this
// node, in the order in which they came, so a reader needs one number to go on from as long as it reads from this node; it is
// this node that keeps a cursor for each of the others, and misses nothing when one can't be reached for a while.
func (n *Nodes) follow(ctx context.Context) {
	var mu sync.Mutex
	at := make(map[string]cursor)
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		others := n.others()
		age, open := n.cfg.Feed.Age()
		if !open { // it would not take anything
			others = nil
		}
		var all sync.WaitGroup
		for _, m := range others {
			all.Go(func() {
				mu.Lock()
				c := at[m.ID]
				mu.Unlock()
				a, err := AskOne(ctx, &n.Fan, &n.feed, m.ID, feedOf{c.next, age})
				if err != nil {
					return
				}
				n.take(m, c, &a)
				mu.Lock()
				at[m.ID] = cursor{a.Epoch, a.Next}
				mu.Unlock()
			})
		}
		all.Wait()
		for id := range at {
			if len(at) > mostCursors && !contains(others, id) {
				delete(at, id)
			}
		}
		next := followIdle
		if readers, _ := n.cfg.Feed.Readers(); readers > 0 || !open {
			next = followEvery
		}
		wait.Reset(next)
	}
}

// take adds what another node told to this node's feed.
func (n *Nodes) take(m Member, before cursor, a *feedAnswer) {
	if a.Missed > 0 && before.epoch == a.Epoch { // else it was started anew, as its first event says
		n.cfg.Feed.Append(feed.Event{Kind: feed.ServerState, Node: m.Name, Text: "more happened than could be taken over: " + strconv.FormatUint(a.Missed, 10)})
	}
	for _, e := range a.Events {
		e.Node = m.Name
		n.cfg.Feed.Take(e)
	}
}

func contains(list []Member, id string) bool {
	for _, m := range list {
		if m.ID == id {
			return true
		}
	}
	return false
}
