package server

import (
	"context"
	"errors"

	"nacre/server/auth"
	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/draft"
	"nacre/server/external"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/metrics"
	"nacre/server/namespace"
	"nacre/server/replica"
	"nacre/server/settings"
	"nacre/server/store"
)

// keeper makes groups of commands durable and keeps memory: a *replica.Node, or an *external.Node on MySQL.
type keeper interface {
	journal.Committer
	ID() string
	// ClusterID is the id of the cluster that the node belongs to, "" while it has none.
	ClusterID() string
	// Ready returns nil when commands are taken, else a fault that says why not; WaitReady waits for it the first time.
	Ready() error
	WaitReady(ctx context.Context) error
	Run(ctx context.Context) error
	Close() error
}

// openMySQL connects to the database and loads memory, where that is possible by now.
func (s *Server) openMySQL(ctx context.Context, m *machine) error {
	id, err := replica.NodeID(s.settings.DataDir)
	if err != nil {
		return err
	}
	node, err := external.New(ctx, external.Config{
		Dir: s.settings.DataDir, Node: id, DSN: s.settings.MySQLDSN, Memory: follower{m}, Clock: s.opts.Clock, Log: s.opts.Log, Duties: s.Leads,
		Held: store.Held{Config: m.configs.Get, EachConfig: m.configs.Each, Namespaces: m.namespaces.All, Users: m.users.Users},
	})
	if err != nil {
		return dsnError(err)
	}
	s.mysql, s.keeper = node, node
	if s.cluster != nil {
		return s.meetCluster()
	}
	return nil
}

// dsnError names the setting where it is the DSN or its database that is not right.
func dsnError(err error) error {
	var newer *store.NewerError
	switch {
	case errors.As(err, &newer):
		return &settings.Error{Setting: "mysql-dsn", Value: "********", Want: newer.Error()}
	case fault.KindOf(err) == fault.Invalid:
		return &settings.Error{Setting: "mysql-dsn", Value: "********", Want: fault.TextOf(err)}
	}
	return err
}

// PlanMySQL returns the SQL that a start with these settings would execute to bring the tables of the database up to date.
func PlanMySQL(ctx context.Context, set settings.Settings) ([]string, error) {
	plan, err := store.PlanMySQL(ctx, set.MySQLDSN, store.MySQLOptions{})
	return plan, dsnError(err)
}

// welcomeLater is welcome, once it is known whether the database has an administrator.
func (s *Server) welcomeLater(ctx context.Context, serving <-chan struct{}) error {
	if s.mysql == nil || s.cluster != nil || s.mysql.WaitReady(ctx) != nil {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-serving:
	}
	if err := s.checkAdminPassword(); err != nil {
		s.opts.Log.Error("the administrator could not be made", "error", err)
		return nil
	}
	s.welcome(ctx)
	return nil
}

// databaseFigures are the figures of the MySQL database.
func (s *Server) databaseFigures() metrics.Database {
	st := s.mysql.State()
	d := metrics.Database{Up: st.Why == "", Transactions: st.Commits, Seconds: st.Time.Seconds(), Revision: st.Revision}
	if !st.Seen.IsZero() {
		d.SeenSeconds = clock.Since(s.opts.Clock, st.Seen).Seconds()
	}
	return d
}

// follower is memory that follows a database. It implements external.Memory.
type follower struct{ *machine }

var _ external.Memory = follower{}

// Load implements external.Memory.
func (f follower) Load(ctx context.Context, db *store.MySQL) (take func(), revision uint64, err error) {
	fresh, err := loadedFrom(ctx, db)
	if err != nil {
		return nil, 0, err
	}
	return func() { f.replace(fresh) }, fresh.configs.Revision(), nil
}

// Take implements external.Memory.
func (f follower) Take(changes []journal.Change) {
	var configs []journal.Change
	for _, c := range changes {
		switch c := c.(type) {
		case config.EntryChange, config.GrayChange, config.HistoryAdded, config.CapacityChange:
			configs = append(configs, c)
		case config.HistoryTrimmed: // memory holds no history
		case namespace.Change:
			f.namespaces.Take(c)
		case auth.UserChange, auth.SessionChange:
			f.users.Take(c)
		case draft.Change:
			f.drafts.Take(c)
		default:
			f.naming.Take(c)
		}
	}
	f.configs.Take(configs)
}

// Reach implements external.Memory.
func (f follower) Reach(revision uint64) { f.configs.Reach(revision) }
