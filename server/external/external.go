// Package external is a node whose durable state is in a MySQL database that others may share.
//
// All that the node serves it holds in memory, loaded at the start. A group of commands is one transaction; after it memory
// follows, and whoever waits is answered. What others write is found in the database's change log, which is looked at when the
// counter moved: it is asked for twice a second. DESIGN.md in this folder says what each decision costs.
package external

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/store"
)

// Memory is what a node serves from.
type Memory interface {
	// Load reads all that a database holds. take, which does not block, puts it in the place of what is held and tells of what differs.
	Load(ctx context.Context, db *store.MySQL) (take func(), revision uint64, err error)
	// Take follows changes that were made in the database. It does not block.
	Take(changes []journal.Change)
	// Reach says that everything up to a revision was taken, and nothing beyond.
	Reach(revision uint64)
}

// Config is what a Node needs. Dir, Node, DSN and Memory are required.
type Config struct {
	// Dir is the data folder, which keeps the id of the database. The caller holds its lock.
	Dir string
	// Node is the id of this node.
	Node   string
	DSN    string
	Memory Memory
	Clock  clock.Clock  // default: the machine's
	Log    *slog.Logger // default: slog.Default
	// Held is what memory holds, without Revision, which the node knows. It is compared with the database to find what others wrote there.
	Held store.Held
	// Duties says whether this node does what one does for all: it is the one that compares. Default: it is.
	Duties func() bool
	// ReconcileEvery is how often it is looked for what others wrote without raising the counter. Default 15 s.
	ReconcileEvery time.Duration
	// OnCommit, when set, is told how long each transaction took.
	OnCommit func(time.Duration)
}

// Node is a journal.Committer over a database, and follows what others change there. It is safe for concurrent use.
type Node struct {
	cfg   Config
	known string // the id of the database that the data folder belongs to, "" before the first start

	db      atomic.Pointer[store.MySQL]    // nil until it was reached
	queries atomic.Pointer[config.Queries] // as db
	ready   chan struct{}                  // closed when memory was loaded
	done    chan struct{}                  // closed when Run ends
	loaded  atomic.Bool

	peers   Peers // nil where the node is alone
	others  func() []string
	changed chan struct{} // rung by each commit, for notify
	wake    chan struct{} // rung when another node committed, for tail

	// following is held by who reads changes and gives them to memory.
	following chan struct{}

	mu         sync.Mutex // guards what follows, and calls of Memory
	position   uint64     // the revision up to which memory follows the database
	generation uint64     // counts what this node committed: what was read before is not the newest then
	state      State
}

// State is how the database is.
type State struct {
	// Name says which database it is, without user and password; "" before it was reached.
	Name string
	// ID is the database's own.
	ID string
	// Revision is that of the last change that memory holds.
	Revision uint64
	// Why is why it can't be used, "" when it can; Since is since when either is so.
	Why   string
	Since time.Time
	// Commits are how many transactions were made, Time how long all of them took together.
	Commits uint64
	Time    time.Duration
	// Seen is when the counter was read last.
	Seen time.Time
}

var _ journal.Committer = (*Node)(nil)

const (
	// tailEvery is how often the counter is asked for: a change whose maker died before it told anybody is seen that late.
	tailEvery = 500 * time.Millisecond
	// askTimeout is how long the answer may take before the database counts as gone.
	askTimeout = 2 * time.Second
	// commitTimeout is how long a transaction may take with all its attempts.
	commitTimeout = 2800 * time.Millisecond
	// loadTimeout is how long loading everything may take.
	loadTimeout = 5 * time.Minute
	// tailRows is how many changed rows are asked for at a time.
	tailRows = 1 << 16
)

// databaseFile keeps the id of the database in the data folder.
const databaseFile = "database"

// New reads the data folder, connects to the database, brings its tables up to date and loads memory. A database that can't be
// reached is no error: Run goes on trying. Faults: Invalid for a DSN that can't be used, and for another database than the
// one that the data folder belongs to; a *store.NewerError when a later version wrote the database's tables.
func New(ctx context.Context, cfg Config) (*Node, error) {
	if cfg.Clock == nil {
		cfg.Clock = clock.System{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.ReconcileEvery <= 0 {
		cfg.ReconcileEvery = 15 * time.Second
	}
	if cfg.Duties == nil {
		cfg.Duties = func() bool { return true }
	}
	n := &Node{cfg: cfg, ready: make(chan struct{}), done: make(chan struct{}), following: make(chan struct{}, 1),
		changed: make(chan struct{}, 1), wake: make(chan struct{}, 1)}
	n.state.Since, n.state.Why = cfg.Clock.Now(), "the server is starting: nothing is loaded from the database yet"
	b, err := os.ReadFile(filepath.Join(cfg.Dir, databaseFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	n.known = strings.TrimSpace(string(b))
	n.state.ID = n.known
	if err := n.begin(ctx); refused(err) {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// refused reports whether trying again would not help.
func refused(err error) bool {
	var newer *store.NewerError
	return err != nil && (errors.As(err, &newer) || fault.KindOf(err) != fault.Unavailable)
}

// begin opens the database and loads memory.
func (n *Node) begin(ctx context.Context) error {
	err := n.open(ctx)
	if err == nil {
		err = n.reload(ctx)
	}
	if err == nil {
		n.loaded.Store(true)
		n.judge(nil)
		close(n.ready)
		return nil
	}
	n.judge(err)
	return err
}

func (n *Node) open(ctx context.Context) error {
	if n.db.Load() != nil {
		return nil
	}
	db, err := store.OpenMySQL(ctx, n.cfg.DSN, store.MySQLOptions{
		Node: n.cfg.Node, Database: n.known, WriteTimeout: commitTimeout, Committed: n.committed, Log: n.cfg.Log,
	})
	if err != nil {
		return err
	}
	if n.known == "" {
		if err := writeFile(filepath.Join(n.cfg.Dir, databaseFile), db.ID()+"\n"); err != nil {
			return errors.Join(err, db.Close())
		}
		n.known = db.ID()
	}
	n.mu.Lock()
	n.state.Name, n.state.ID = db.Name(), db.ID()
	n.mu.Unlock()
	all := db.Queries()
	n.queries.Store(&all)
	n.db.Store(db)
	return nil
}

// writeFile writes a file that is there whole, or not at all.
func writeFile(path, text string) error {
	fresh := path + ".new"
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

// Close closes the connections. Run must have returned, or never been called.
func (n *Node) Close() error {
	if db := n.db.Load(); db != nil {
		return db.Close()
	}
	return nil
}

// ID returns the node's id.
func (n *Node) ID() string { return n.cfg.Node }

// State returns how the database is. It does not block.
func (n *Node) State() State {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.state
	s.Revision = n.position
	return s
}

// Ready returns nil when memory is loaded and the database can be reached, else fault.Unavailable with the reason in words.
func (n *Node) Ready() error {
	if why := n.State().Why; why != "" {
		return fault.New(fault.Unavailable, "%s", why)
	}
	return nil
}

// WaitReady waits until memory was loaded, or ctx ends, or Run.
func (n *Node) WaitReady(ctx context.Context) error {
	select {
	case <-n.ready:
		return nil
	case <-n.done:
		return fault.New(fault.Unavailable, "the server is stopping")
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, ctx.Err(), "%s", n.State().Why)
	}
}

// judge notes what the database last answered.
func (n *Node) judge(err error) {
	why := ""
	if err != nil {
		why = fault.TextOf(err)
		if fault.KindOf(err) == fault.Internal {
			why = "the database answers what it should not: " + err.Error()
		}
		if !n.loaded.Load() {
			why = "the server waits for its database: " + why
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.cfg.Clock.Now()
	if err == nil {
		n.state.Seen = now
	}
	if why == n.state.Why {
		return
	}
	if (why == "") != (n.state.Why == "") {
		n.state.Since = now
	}
	n.state.Why = why
	if why != "" {
		n.cfg.Log.Warn("the database can't be used; reads are answered from memory, writes are refused", "why", why)
		return
	}
	n.cfg.Log.Info("the database can be used", "database", n.state.Name, "revision", n.position)
}

// Commit implements journal.Committer: one transaction, which memory holds when Commit returns. Fault: Unavailable, whose text says
// whether the group may have taken effect; at once while the database is known to be gone.
func (n *Node) Commit(ctx context.Context, group []journal.Command) ([]journal.Result, error) {
	db := n.db.Load()
	if err := n.Ready(); err != nil || db == nil {
		return nil, fault.Wrap(fault.Unavailable, err, "%s; nothing was written, try again later", strings.TrimSuffix(n.State().Why, "."))
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	begun := clock.Mono()
	results, err := db.Commit(ctx, group)
	if err != nil {
		return nil, err
	}
	took := clock.Mono().Sub(begun)
	if n.cfg.OnCommit != nil {
		n.cfg.OnCommit(took)
	}
	reached := uint64(0)
	for _, r := range results {
		reached = max(reached, r.Index)
	}
	n.mu.Lock()
	n.state.Commits++
	n.state.Time += took
	behind := n.position < reached
	n.mu.Unlock()
	if behind {
		if err := n.follow(ctx, reached); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "the write is in the database, but this node could not read what others wrote before it: %s; "+
				"read before trying again", fault.TextOf(err))
		}
	}
	return results, nil
}

// committed takes what this node committed, where nobody else wrote in between. Else follow reads it.
func (n *Node) committed(before, after uint64, changes []journal.Change) {
	n.mu.Lock()
	defer n.mu.Unlock()
	defer ring(n.changed)
	n.generation++
	if n.position != before {
		return
	}
	n.cfg.Memory.Take(changes)
	n.cfg.Memory.Reach(after)
	n.position = after
}

// follow takes changes from the change log until memory is at a revision; 0: until there are no more.
func (n *Node) follow(ctx context.Context, until uint64) error {
	select {
	case n.following <- struct{}{}:
		defer func() { <-n.following }()
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, ctx.Err(), "the database is slow to answer")
	}
	for {
		n.mu.Lock()
		at, generation := n.position, n.generation
		n.mu.Unlock()
		if until > 0 && at >= until {
			return nil
		}
		changes, revision, err := n.db.Load().Tail(ctx, at, tailRows)
		if errors.Is(err, store.ErrTrimmed) {
			err = n.reload(ctx)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		n.mu.Lock()
		if n.generation == generation { // else it may be older than what was committed meanwhile: it is read anew
			n.cfg.Memory.Take(changes)
			n.position = revision
			if revision == at || len(changes) < tailRows/16 { // rows of the last part are no newer than its revision
				n.cfg.Memory.Reach(revision)
			}
		}
		n.mu.Unlock()
		if revision == at {
			return nil
		}
	}
}

// reload loads everything anew. Only who holds following, or begins, calls it.
func (n *Node) reload(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	for {
		take, revision, err := n.cfg.Memory.Load(ctx, n.db.Load())
		if err != nil {
			return err
		}
		n.mu.Lock()
		if n.position <= revision {
			take()
			n.position = revision
			n.mu.Unlock()
			return nil
		}
		n.mu.Unlock() // this node wrote meanwhile what was not read
	}
}

// Strong returns when memory holds all that was committed before the call.
func (n *Node) Strong(ctx context.Context) error {
	if !n.loaded.Load() {
		return n.Ready()
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	return n.look(ctx)
}

// look asks for the counter, and follows where it moved.
func (n *Node) look(ctx context.Context) error {
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	revision, err := n.db.Load().Revision(ask)
	switch {
	case err != nil && ask.Err() != nil && ctx.Err() == nil:
		return fault.Wrap(fault.Unavailable, err, "the database %s does not answer within %s", n.db.Load().Name(), askTimeout)
	case err != nil:
		return err
	}
	if n.State().Revision >= revision {
		return nil
	}
	return n.follow(ctx, revision)
}

// Run loads memory where that was not possible yet, then follows the database until ctx ends.
func (n *Node) Run(ctx context.Context) error {
	defer close(n.done)
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return n.tail(ctx) })
	all.Go(func() error { return n.reconcile(ctx) })
	all.Go(func() error { return n.notify(ctx) })
	return all.Wait()
}

// reconcile looks now and then for what others wrote, until ctx ends. The tail brings what it found to memory.
func (n *Node) reconcile(ctx context.Context) error {
	if n.WaitReady(ctx) != nil {
		return nil
	}
	have := n.cfg.Held
	have.Revision = func() uint64 { return n.State().Revision }
	tick := time.NewTicker(n.cfg.ReconcileEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if !n.cfg.Duties() || n.Ready() != nil {
			continue
		}
		found, err := n.db.Load().Reconcile(ctx, have)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			n.cfg.Log.Warn("what others changed in the database could not be looked for; it is tried again", "error", err)
		case found > 0:
			n.cfg.Log.Info("others changed the database", "rows", found)
		}
	}
}

// tail follows the database until ctx ends.
func (n *Node) tail(ctx context.Context) error {
	tick := time.NewTicker(tailEvery)
	defer tick.Stop()
	for {
		if !n.loaded.Load() {
			if err := n.begin(ctx); refused(err) && ctx.Err() == nil {
				return fmt.Errorf("the database can't be used: %w", err)
			}
		} else {
			if err := n.look(ctx); ctx.Err() == nil {
				n.judge(err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-n.wake:
		}
	}
}
