package distro

import (
	"nacre/server/cluster"
	"nacre/server/event"
)

// members are those of a cluster.
type members struct {
	*cluster.Members
	changed <-chan struct{}
}

// MembersOf makes the members of a cluster those that a Sync follows.
func MembersOf(m *cluster.Members) Members {
	return members{m, event.Subscribe(&m.Changes, cluster.Changed.ID).Wake()}
}

// Self implements Members.
func (m members) Self() string { return m.Members.Self().ID }

// Alive implements Members: one that starts, or stops, takes part, and one that did not answer lately until it is seen down.
func (m members) Alive() (list []string) {
	for _, x := range m.All() {
		if !x.Self && x.ID != "" && x.State != cluster.Down && x.State != cluster.Isolation {
			list = append(list, x.ID)
		}
	}
	return list
}

// Changed implements Members.
func (m members) Changed() <-chan struct{} { return m.changed }
