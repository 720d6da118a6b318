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
	Alerts []string
	Nodes  []Node
	// Matrix is nil where there is one node.
	Matrix *Matrix
	Ranges []parts.Tab
	// Of leads to the charts of each node; nil where there is one.
	Of     []parts.Tab
	Charts []parts.Chart
}

// Notice says in words what the cluster tolerates. Kind is that of a State; "" says it without a sign.
type Notice struct{ Kind, Title, Text string }

func (n Notice) icon() string {
	switch n.Kind {
	case "":
		return "cluster"
	case "good":
		return "good"
	}
	return "warning"
}

// Node is a member with all that is known of it.
type Node struct {
	Name, Role string
	// This says that it is the one that shows the page, Leader that it leads.
	This, Leader bool
	State        parts.State
	Figures      []parts.Figure
	Facts        []parts.Fact
	// Actions are what can be done with it.
	Actions []parts.Confirm
}

// Matrix shows who reaches whom.
type Matrix struct {
	Columns []string
	Rows    []Row
}

// Row is what one node says of the others.
type Row struct {
	Name  string
	Cells []Cell
}

// Cell says whether one node reaches another; Self is a node and itself. Note says since when it is not.
type Cell struct {
	Self  bool
	State parts.State
	Note  string
}
