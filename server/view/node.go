package view

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/config/delivery"
)

// Node is how a node is, as it says itself.
type Node struct {
	ID       string `json:"id"`
	HTTPAddr string `json:"httpAddr"`
	GRPCAddr string `json:"grpcAddr"`
	Version  string `json:"version"`
	// StartedMs and NowMs are by its own clock, in ms since 1970.
	StartedMs int64 `json:"startedMs"`
	NowMs     int64 `json:"nowMs"`
	// NotReady is why it is not ready, "" when it is.
	NotReady string `json:"notReady,omitempty"`
	// Leader says whether it decides on writes, LeaderID who does as far as it knows, "" for nobody; State is raft's word for its role.
	Leader   bool   `json:"leader"`
	LeaderID string `json:"leaderId,omitempty"`
	State    string `json:"state"`
	// Database names the MySQL database that holds everything, "" where that is in the data folder. DatabaseDown is why it can't be
	// used, "" when it can, and DatabaseSinceMs since when either is so.
	Database        string `json:"database,omitempty"`
	DatabaseDown    string `json:"databaseDown,omitempty"`
	DatabaseSinceMs int64  `json:"databaseSinceMs,omitempty"`
	// Term and the indexes are raft's; WrittenIndex is that of the database.
	Term          uint64 `json:"term"`
	CommitIndex   uint64 `json:"commitIndex"`
	AppliedIndex  uint64 `json:"appliedIndex"`
	WrittenIndex  uint64 `json:"writtenIndex"`
	LastLog       uint64 `json:"lastLog"`
	SnapshotIndex uint64 `json:"snapshotIndex"`
	// SnapshotMs is when the last snapshot was made, in ms since 1970; 0 for unknown.
	SnapshotMs int64 `json:"snapshotMs,omitempty"`
	// Fsyncs is how often the journal was synced to disk since the start, FsyncP99 within how many ms 99 % of the latest were; 0 for none.
	Fsyncs   uint64  `json:"fsyncs"`
	FsyncP99 float64 `json:"fsyncP99"`
	// RSS, DiskFree, DiskTotal, LogBytes and ImageBytes are in bytes; 0 for unknown.
	RSS        uint64 `json:"rss"`
	DiskFree   uint64 `json:"diskFree"`
	DiskTotal  uint64 `json:"diskTotal"`
	LogBytes   uint64 `json:"logBytes"`
	ImageBytes uint64 `json:"imageBytes"`
	// Commands are the writes since the start.
	Commands uint64 `json:"commands"`
	// Voters are the members of the raft group, by id, as the node knows them; Servers how the leader sees them, of the leader alone.
	Voters  []string      `json:"voters,omitempty"`
	Servers []ServerState `json:"servers,omitempty"`

	Configs  int64            `json:"configs"`
	Revision uint64           `json:"revision"`
	Clients  delivery.Summary `json:"clients"`
	Sums     config.Sums      `json:"sums"`
	// Reaches are the other nodes that it tried to reach of late.
	Reaches []Reach `json:"reaches,omitempty"`
}

// ServerState is a member of the raft group as the leader sees it.
type ServerState struct {
	ID    string `json:"id"`
	Voter bool   `json:"voter"`
	// Match is the index up to which it has the journal for sure. ContactMs is how long ago it was heard of, -1 for never.
	Match     uint64 `json:"match"`
	ContactMs int64  `json:"contactMs"`
}

// Reach says whether a node got an answer of another one.
type Reach struct {
	ID string `json:"id"`
	OK bool   `json:"ok"`
	// Micros is how long the answer took, in µs.
	Micros int64 `json:"micros,omitempty"`
	// SinceMs is since when it is as it is, in ms since 1970.
	SinceMs int64 `json:"sinceMs"`
}

// States asks all nodes how they are.
func (n *Nodes) States(ctx context.Context) []Answer[Node] {
	return Ask(ctx, &n.Fan, &n.node, nothing{})
}

// Here returns how this node is.
func (n *Nodes) Here() Node {
	x := n.cfg.Node()
	x.NowMs = clock.Millis(n.cfg.Clock)
	if n.cfg.Ledger != nil {
		x.Clients = n.cfg.Ledger.Summary()
	}
	if n.cfg.Sums != nil {
		x.Sums = n.cfg.Sums()
	}
	x.Reaches = n.reach.list()
	return x
}

// reachEvery is how often a node looks whether it reaches the others, which is also how long an answer may take.
const reachEvery = time.Second

// reach is whom this node reaches.
type reach struct {
	mu  sync.Mutex
	now map[string]Reach
}

func (r *reach) list() []Reach {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Reach
	for _, id := range slices.Sorted(maps.Keys(r.now)) {
		out = append(out, r.now[id])
	}
	return out
}

// look asks every other node for a sign of life.
func (r *reach) look(ctx context.Context, n *Nodes) {
	others := n.others()
	found := make([]Reach, len(others))
	var all sync.WaitGroup
	room := make(chan struct{}, askedAtOnce)
	for i, m := range others {
		all.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			start := clock.Mono()
			_, err := callWithin[nothing](ctx, &n.Fan, m.ID, n.ping.Method, []byte("{}"), reachEvery)
			found[i] = Reach{ID: m.ID, OK: err == nil, Micros: clock.Mono().Sub(start).Microseconds(), SinceMs: clock.Millis(n.cfg.Clock)}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.now
	r.now = make(map[string]Reach, len(found))
	for _, x := range found {
		if b, ok := before[x.ID]; ok && b.OK == x.OK {
			x.SinceMs = b.SinceMs
		}
		if !x.OK {
			x.Micros = 0
		}
		r.now[x.ID] = x
	}
}

// Run keeps what a node has to know of the others before it is asked, until ctx ends: whom it reaches, whether what they have is
// what it has, and what happens there. A node that runs alone has nothing to keep.
func (n *Nodes) Run(ctx context.Context) error {
	if n.Others == nil {
		<-ctx.Done()
		return nil
	}
	var all sync.WaitGroup
	every := func(d time.Duration, do func(context.Context)) {
		all.Go(func() {
			t := time.NewTicker(d)
			defer t.Stop()
			for {
				do(ctx)
				select {
				case <-ctx.Done():
					return
				case <-t.C:
				}
			}
		})
	}
	every(reachEvery, func(ctx context.Context) { n.reach.look(ctx, n) })
	every(compareEvery, n.compare)
	if n.cfg.Feed != nil {
		all.Go(func() { n.follow(ctx) })
	}
	if n.cfg.Skew > 0 {
		every(balanceEvery, n.balanceBySkew)
	}
	all.Wait()
	return nil
}
