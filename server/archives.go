package server

import (
	"context"

	"nacre/server/archive"
	"nacre/server/auth"
	"nacre/server/config"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/release"
	"nacre/server/store"
)

// archives is what moves everything to and from this server.
func (s *Server) archives() *archive.Service {
	unit := int64(archive.Milliseconds)
	if s.mysql != nil {
		unit = archive.Seconds
	}
	return archive.New(archive.Config{
		Configs: s.configs, Namespaces: s.namespaces, Users: s.users, Naming: s.naming, Clock: s.opts.Clock, Read: s.readAll, Unit: unit,
		Version: release.Version, Dir: s.settings.DataDir,
	})
}

// readAll gives visit everything that this node has applied by now, as it is at one revision.
func (s *Server) readAll(ctx context.Context, visit func(journal.Change)) (uint64, error) {
	var from interface {
		Load(context.Context, store.Visitor) (store.Loaded, error)
	} = s.mysql
	if s.mysql == nil {
		if err := s.image.WaitFor(ctx, s.node.AppliedIndex()); err != nil {
			return 0, err
		}
		from = s.image
	}
	loaded, err := from.Load(ctx, store.Visitor{
		Entry:     func(e *config.Entry) { visit(config.EntryChange{After: e}) },
		Gray:      func(g *config.Gray) { visit(config.GrayChange{After: g}) },
		Capacity:  func(c *config.Capacity) { visit(config.CapacityChange{After: c}) },
		Namespace: func(n *namespace.Namespace) { visit(namespace.Change{After: n}) },
		User:      func(u *auth.User) { visit(auth.UserChange{After: u}) },
		Registry:  visit,
		History:   func(h *config.History) { visit(config.HistoryAdded{Row: h}) },
	})
	return loaded.Counters.Revision, err
}
