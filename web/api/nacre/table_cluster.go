package nacre

import "net/http"

var exampleCluster = ClusterState{
	ID: "6f0c6c3d9c7d4f5fb1d2f7a0c9b8e7d6", Self: "297263e601a42f46d986831b47a58a18", Leader: "297263e601a42f46d986831b47a58a18", Voters: 3, Reached: 3, Needed: 2,
	Members: []ClusterMember{{
		ID: "297263e601a42f46d986831b47a58a18", Address: "10.0.0.1:8848", GRPCPort: 9848, PeerPort: 9849, RaftPort: 7848, GossipPort: 7849, Version: "1.0.0",
		State: "UP", Listed: true, Role: "leader",
	}},
}

// clusterOperations are the rows of the cluster.
func clusterOperations() []operation {
	faults := []int{http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable}
	return []operation{
		jsonOperation(operation{
			id: "getCluster", method: http.MethodGet, path: "/cluster", summary: "The members of the cluster, how they do, and who leads.",
			faults: []int{http.StatusConflict}, example: exampleCluster,
		}, (*api).cluster),
		jsonOperation(operation{
			id: "removeMember", method: http.MethodPost, path: "/cluster/remove", summary: "Takes a member out of the cluster.",
			text:   "It is refused where, without it, too few of those that are left can be reached to decide on writes, unless force is true. The node that was removed must come back with an empty data folder.",
			faults: faults, example: memberAnswer{true},
		}, (*api).removeMember),
		jsonOperation(operation{
			id: "transferLeader", method: http.MethodPost, path: "/cluster/transfer", summary: "Has another member lead.",
			faults: faults, example: memberAnswer{true},
		}, (*api).transferLeader),
	}
}
