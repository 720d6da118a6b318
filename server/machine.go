// Package server puts the parts of one Nacre node together, starts them in order and stops them in
// reverse. Only main and tests import it.
package server

import (
	"context"
	"fmt"

	"nacre/server/auth"
	"nacre/server/config"
	"nacre/server/draft"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/naming"
	"nacre/server/store"
)

// machine passes the commands of the journal on to the domains. It implements journal.Applier.
type machine struct {
	configs    *config.State
	namespaces *namespace.State
	users      *auth.State
	drafts     *draft.State
	naming     *naming.State
}

var _ journal.Applier = (*machine)(nil)

// Apply implements journal.Applier.
func (m *machine) Apply(index uint64, group []journal.Command) ([]journal.Result, []journal.Change, error) {
	results := make([]journal.Result, 0, len(group))
	changes := make([]journal.Change, 0, 2*len(group))
	for _, cmd := range group {
		outcome, more, err := m.decide(cmd)
		if err != nil {
			return nil, nil, fmt.Errorf("journal entry %d: %w", index, err)
		}
		results = append(results, journal.Result{Index: index, Outcome: outcome})
		changes = append(changes, more...)
	}
	return results, changes, nil
}

func (m *machine) decide(cmd journal.Command) (journal.Outcome, []journal.Change, error) {
	switch {
	case config.Owns(cmd.Kind):
		return m.configs.Decide(cmd)
	case namespace.Owns(cmd.Kind):
		return m.namespaces.Decide(cmd)
	case auth.Owns(cmd.Kind):
		return m.users.Decide(cmd)
	case draft.Owns(cmd.Kind):
		return m.drafts.Decide(cmd)
	case naming.Owns(cmd.Kind):
		return m.naming.Decide(cmd)
	}
	return nil, nil, fmt.Errorf("command kind %d is not known; a newer version wrote it", cmd.Kind)
}

// loader is where state is loaded from: a *store.Image or a *store.MySQL.
type loader interface {
	Load(ctx context.Context, v store.Visitor) (store.Loaded, error)
}

// load fills the state from the image, or from MySQL. It returns an error, a *store.CorruptError among them, when
// what is there is not whole; the state must not be used then.
func (m *machine) load(ctx context.Context, from loader) error {
	loaded, err := from.Load(ctx, store.Visitor{
		Entry: m.configs.LoadEntry, Gray: m.configs.LoadGray, Capacity: m.configs.LoadCapacity, Namespace: m.namespaces.Load,
		User: m.users.LoadUser, Session: m.users.LoadSession, Draft: m.drafts.Load, Registry: m.naming.Load,
	})
	if err != nil {
		return err
	}
	m.configs.SetCounters(loaded.Counters)
	return nil
}

// reload replaces the state by what the image holds now, and tells of each key that differs.
func (m *machine) reload(ctx context.Context, image *store.Image) error {
	fresh, err := loadedFrom(ctx, image)
	if err == nil {
		m.replace(fresh)
	}
	return err
}

// loadedFrom returns what is held there, for replace.
func loadedFrom(ctx context.Context, from loader) (*machine, error) {
	fresh := &machine{configs: config.NewState(nil), namespaces: namespace.NewState(), users: auth.NewState(), drafts: draft.NewState(), naming: naming.NewState()}
	return fresh, fresh.load(ctx, from)
}

// replace takes what fresh holds, and tells of each key that differs.
func (m *machine) replace(fresh *machine) {
	m.configs.Replace(fresh.configs)
	m.namespaces.Replace(fresh.namespaces)
	m.users.Replace(fresh.users)
	m.drafts.Replace(fresh.drafts)
	m.naming.Replace(fresh.naming)
}
