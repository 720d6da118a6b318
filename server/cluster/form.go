package cluster

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"nacre/server/clock"
	"nacre/server/fault"
)

// Group is the raft group that a node belongs to, or is to belong to.
type Group interface {
	// Fresh says that the node has no configuration of the group yet: it must begin one or be joined to one.
	Fresh() bool
	// ClusterID is the id of the cluster, "" while the node has none.
	ClusterID() string
	// Bootstrap begins a cluster with these nodes as voters.
	Bootstrap(clusterID string, voters []string) error
	// Adopt has a fresh node belong to a cluster that it is about to join.
	Adopt(clusterID string) error
	// Join adds a node to the group; it does nothing for one that belongs to it already.
	Join(ctx context.Context, id string) error
}

const (
	formEvery = 100 * time.Millisecond
	joinEvery = time.Second
	// grantTime is how long a grant to begin a cluster holds, grantedWithin how soon after asking it must be used.
	grantTime     = 10 * time.Second
	grantedWithin = 5 * time.Second
	grantAskTime  = 2 * time.Second
	joinTime      = 5 * time.Second
)

// Former brings a node into a cluster, or begins one.
type Former struct {
	m     *Members
	group Group
	size  int

	mu      sync.Mutex
	granted string    // who may begin a cluster, as far as this node is concerned
	until   time.Time // until when
	waiting string
}

// NewFormer makes a Former. A new cluster begins when all who are listed are there, and at least size members, this one
// included; a cluster of one begins only where size is 1.
func NewFormer(m *Members, group Group, size int) *Former {
	return &Former{m: m, group: group, size: size}
}

// Waiting returns in words what the node waits for, "" when it belongs to a cluster.
func (f *Former) Waiting() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waiting
}

func (f *Former) wait(format string, args ...any) {
	why := ""
	if format != "" {
		why = fmt.Sprintf(format, args...)
	}
	f.mu.Lock()
	said := f.waiting
	f.waiting = why
	f.mu.Unlock()
	if why != "" && why != said {
		f.m.cfg.Log.Info("no cluster yet", "why", why)
	}
}

// Run returns when the node belongs to a cluster, or ctx ends.
func (f *Former) Run(ctx context.Context) error {
	for f.group.Fresh() {
		next := formEvery
		if f.group.ClusterID() == "" && !f.adopt() {
			if err := f.begin(ctx); err != nil {
				return err
			}
		}
		if id := f.group.ClusterID(); id != "" && f.group.Fresh() {
			f.join(ctx, id)
			next = joinEvery
		}
		f.m.poke()
		for end := clock.Mono().Add(next); f.group.Fresh() && clock.Mono().Before(end); {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(formEvery / 2):
			}
		}
	}
	f.wait("")
	f.m.poke()
	return nil
}

// adopt takes the cluster of a member that has one for this node's own, and says whether there is one.
func (f *Former) adopt() bool {
	for _, o := range f.m.All() {
		if o.Self || o.Cluster == "" || o.State == Down || o.State == Isolation {
			continue
		}
		if !f.grant(o.ID) {
			continue // another node may just begin another cluster with this one
		}
		if err := f.group.Adopt(o.Cluster); err != nil {
			f.wait("joining cluster %s: %v", o.Cluster, err)
			return true
		}
		f.m.cfg.Log.Info("joining a cluster", "cluster", o.Cluster, "through", o.Addr())
		return true
	}
	return false
}

// join asks the members of this node's cluster to be let in, one after the other.
func (f *Former) join(ctx context.Context, cluster string) {
	why := "none of its members is there"
	for _, o := range f.m.All() {
		if o.Self || o.Cluster != cluster || o.State == Down || !f.group.Fresh() {
			continue
		}
		limit, cancel := context.WithTimeout(ctx, joinTime)
		_, err := f.m.cfg.Peers.Call(limit, o.ID, "cluster/join", nil)
		cancel()
		if err == nil {
			f.wait("joined cluster %s, and waits for its leader to send what it holds", cluster)
			return
		}
		why = fault.TextOf(err)
	}
	f.wait("joining cluster %s: %s", cluster, why)
}

// begin begins a cluster if this node is the one to do so.
func (f *Former) begin(ctx context.Context) error {
	voters, why := f.founders()
	if why != "" {
		f.wait("%s", why)
		return nil
	}
	me := f.m.Self().ID
	if !f.grant(me) {
		f.wait("granted node %s to begin a cluster, and waits for it", f.holder())
		return nil
	}
	asked := clock.Mono()
	for _, id := range voters {
		if id == me {
			continue
		}
		limit, cancel := context.WithTimeout(ctx, grantAskTime)
		_, err := f.m.cfg.Peers.Call(limit, id, "cluster/grant", nil)
		cancel()
		if err != nil {
			f.wait("node %s does not let this one begin a cluster: %s", id, fault.TextOf(err))
			return nil
		}
	}
	if clock.Mono().Sub(asked) > grantedWithin || ctx.Err() != nil {
		return nil // too late, a grant may be over before the cluster is there
	}
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	cluster := hex.EncodeToString(raw[:])
	if err := f.group.Bootstrap(cluster, voters); err != nil {
		return fmt.Errorf("beginning a cluster: %w", err)
	}
	f.m.cfg.Log.Info("began a cluster", "cluster", cluster, "voters", len(voters))
	return nil
}

// founders returns the ids of those that would begin a cluster together, or why this node can't begin it now.
func (f *Former) founders() (ids []string, why string) {
	if f.m.cfg.Lookup.Empty() {
		return nil, "nobody says who the members are: set members, cluster-conf or address-server"
	}
	var missing []string
	me, listed := f.m.Self(), 0
	ids = []string{me.ID}
	for _, o := range f.m.All() {
		if !o.Listed {
			continue
		}
		listed++
		switch {
		case o.Self:
		case o.ID == "" || o.State == Down || o.State == Isolation:
			missing = append(missing, o.Addr()+" ("+o.Why+")")
		default:
			ids = append(ids, o.ID)
		}
	}
	slices.Sort(ids)
	switch {
	case len(missing) > 0:
		return nil, "waiting for members that are listed and not there: " + strings.Join(missing, "; ")
	case listed == 0:
		return nil, "the list of members is empty"
	case len(ids) < max(f.size, 1):
		return nil, fmt.Sprintf("%d members are there, a new cluster begins with %d (cluster-size)", len(ids), f.size)
	case len(ids) == 1 && f.size != 1:
		return nil, "the list of members names this node alone; a cluster of one begins only with cluster-size 1"
	case ids[0] != me.ID:
		return nil, fmt.Sprintf("waiting for node %s to begin the cluster", ids[0])
	}
	return ids, ""
}

// grant gives id the right to begin a cluster, false while somebody else has it.
func (f *Former) grant(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := clock.Mono()
	if f.granted != "" && f.granted != id && now.Before(f.until) {
		return false
	}
	f.granted, f.until = id, now.Add(grantTime)
	return true
}

// holder returns which other node holds a grant, "" when none does.
func (f *Former) holder() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.granted == f.m.cfg.Self.ID || !clock.Mono().Before(f.until) {
		return ""
	}
	return f.granted
}

// Handlers are what other nodes may call.
func (f *Former) Handlers() map[string]Handler {
	return map[string]Handler{
		"cluster/grant": func(_ context.Context, from string, _ []byte) ([]byte, error) {
			if id := f.group.ClusterID(); id != "" || !f.group.Fresh() {
				return nil, fault.New(fault.Conflict, "it belongs to cluster %s already", cmp.Or(id, "of its own"))
			}
			if !f.grant(from) {
				return nil, fault.New(fault.Conflict, "it let another node begin one")
			}
			return nil, nil
		},
		"cluster/join": func(ctx context.Context, from string, _ []byte) ([]byte, error) {
			if f.group.Fresh() {
				return nil, fault.New(fault.Unavailable, "node %s has not joined the cluster itself yet", f.m.cfg.Self.ID)
			}
			return nil, f.group.Join(ctx, from)
		},
	}
}
