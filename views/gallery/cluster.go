package gallery

import (
	"nacre/views/cluster"
	"nacre/views/parts"
	"nacre/views/words"
)

// notices are what a cluster tolerates, in each state.
var notices = []cluster.Notice{
	{Title: "One node", Text: "This server runs alone."},
	{Kind: "good", Title: "3 members, 2 needed, 1 may fail", Text: "All are there."},
	{Kind: "wait", Title: "2 of 3 members are there, 2 needed: no other may fail", Text: "Reads and writes go on."},
	{Kind: "bad", Title: "No majority: 1 of 3 members there, 2 needed", Text: "This node is read-only."},
}

var clusterAlerts = []string{"10.0.0.3:8848 can't be reached from this node.", long + " has other configurations than this node at revision 1,204."}

// members are nodes in each state; their ids begin with that of the pane.
func members(pane string, w *words.Parts) []cluster.Node {
	ask := func(id, button string, calm bool, typed string) parts.Confirm {
		return parts.Confirm{ID: pane + "-" + id, Calm: calm, Title: button + "?", Text: "It leaves 2 members: 2 needed, 0 may fail.", Action: "#", Button: button, Typed: typed, Words: w}
	}
	return []cluster.Node{
		{Name: "10.0.0.1:8848", This: true, Leader: true, Role: "leader", State: parts.State{Kind: "good", Text: "ready"}, Figures: []parts.Figure{
			{Label: "Applied index", Value: "1,204", Note: "Term 7"}, {Label: "Disk", Value: "3 GiB", Note: "3 GiB of 100 GiB free", Bad: true},
		}, Facts: facts},
		{Name: "10.0.0.2:8848", Role: "follower", State: parts.State{Kind: "bad", Text: "not ready: the journal is being read"}, Facts: facts[:2],
			Actions: []parts.Confirm{ask("hand", "Hand over leadership", true, ""), ask("take", "Remove from the cluster", false, "")}},
		{Name: long + ":8848", Role: "joining", State: parts.State{Kind: "good", Text: "ready"}, Facts: facts[:1]},
		{Name: "[2001:db8::3]:8848", State: parts.State{Kind: "bad", Text: "not reached for 12 s"}, Facts: facts[:1], Actions: []parts.Confirm{ask("force", "Remove from the cluster", false, "[2001:db8::3]:8848")}},
	}
}

// reaches is a matrix with each kind of cell.
var reaches = &cluster.Matrix{
	Columns: []string{"10.0.0.1:8848", "10.0.0.2:8848", "[2001:db8::3]:8848"},
	Rows: []cluster.Row{
		{Name: "10.0.0.1:8848", Cells: []cluster.Cell{{Self: true}, {State: parts.State{Kind: "good", Text: "0.4 ms"}}, {State: parts.State{Kind: "bad", Text: "no answer"}, Note: "for 12 s"}}},
		{Name: "10.0.0.2:8848", Cells: []cluster.Cell{{State: parts.State{Kind: "good", Text: "12 ms"}}, {Self: true}, {State: parts.State{Kind: "good", Text: "0.9 ms"}}}},
		{Name: "[2001:db8::3]:8848", Cells: []cluster.Cell{{State: parts.State{Kind: "off", Text: "not known"}}, {State: parts.State{Kind: "off", Text: "not known"}}, {Self: true}}},
	},
}
