package replica

import "github.com/hashicorp/raft"

// Voters returns the ids of the members that vote, as this node knows them. It does not block.
func (n *Node) Voters() (ids []string) {
	for _, s := range n.configuration() {
		if s.Suffrage == raft.Voter {
			ids = append(ids, string(s.ID))
		}
	}
	return ids
}
