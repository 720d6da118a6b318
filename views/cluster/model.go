// Package cluster holds the page of the nodes.
package cluster

import (
	"nacre/views/layout"
	"nacre/views/parts"
	"nacre/views/words"
)

// Model is what the page shows.
type Model struct {
	layout.Page
	Words  *words.Cluster
	Notice Notice
	Nodes  []Node
	Ranges []parts.Tab
	Charts []parts.Chart
}

// Notice says in words what the cluster tolerates.
type Notice struct{ Title, Text string }

// Node is a member with all that is known of it.
type Node struct {
	Name, Role string
	This       bool
	State      parts.State
	Figures    []parts.Figure
	Facts      []parts.Fact
}
