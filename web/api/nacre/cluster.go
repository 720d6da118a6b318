package nacre

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
)

// Cluster is what can be known of the nodes, and done with them.
type Cluster interface {
	// State returns the members as this node and the leader see them. It blocks for a second at the most.
	State() ClusterState
	// Remove takes a member out, Transfer has another one lead: the one that is named by id or address, or "" for any that can.
	// Faults: NotFound, Conflict where the others could not decide without it, Unavailable without a leader.
	Remove(ctx context.Context, member string, force bool) error
	Transfer(ctx context.Context, member string) error
}

// ClusterState is how a cluster is.
type ClusterState struct {
	ID      string          `json:"id" doc:"of the cluster; empty while this node belongs to none"`
	Self    string          `json:"self" doc:"the id of the node that answers"`
	Leader  string          `json:"leader" doc:"the id of the node that decides on writes, empty when none is known"`
	Voters  int             `json:"voters" doc:"members that decide"`
	Reached int             `json:"reached" doc:"how many of them the leader reaches, itself included"`
	Needed  int             `json:"needed" doc:"how many must be reached so that writes are taken"`
	Waiting string          `json:"waiting" doc:"what this node waits for, else empty"`
	Members []ClusterMember `json:"members" doc:"by address"`
}

// ClusterMember is one node.
type ClusterMember struct {
	ID         string `json:"id" doc:"empty for one that is listed and was never reached"`
	Address    string `json:"address" doc:"host:port of HTTP"`
	GRPCPort   int    `json:"grpcPort"`
	PeerPort   int    `json:"peerPort"`
	RaftPort   int    `json:"raftPort"`
	GossipPort int    `json:"gossipPort"`
	Version    string `json:"version"`
	State      string `json:"state" doc:"STARTING, UP, SUSPICIOUS, DOWN or ISOLATION"`
	Why        string `json:"why" doc:"why it is not up, else empty"`
	Listed     bool   `json:"listed" doc:"whether the list of members names it"`
	Role       string `json:"role" doc:"leader, voter, learner, or none for one that is no member of the raft group"`
	Lag        uint64 `json:"lag" doc:"entries of the journal that it is behind the leader"`
	ContactMs  int64  `json:"contactMs" doc:"how long ago the leader had an answer of it, -1 for not since it leads"`
}

type clusterIn struct{}

func (a *api) cluster(_ *fiber.Ctx, _ *clusterIn) (*ClusterState, error) {
	if a.Members == nil {
		return nil, errAlone
	}
	s := a.Members.State()
	return &s, nil
}

var errAlone = fault.New(fault.Conflict, "this node runs alone, with mode standalone; it has no other members")

type removeMemberIn struct {
	Body removeMemberBody `body:"true"`
}

type removeMemberBody struct {
	Member string `json:"member" doc:"its id, the begin of it, or its host:port"`
	Force  bool   `json:"force" optional:"true" doc:"remove it though the others can't decide without it then"`
}

type memberAnswer struct {
	Done bool `json:"done"`
}

func (a *api) removeMember(c *fiber.Ctx, in *removeMemberIn) (*memberAnswer, error) {
	if a.Members == nil {
		return nil, errAlone
	}
	if in.Body.Member == "" {
		return nil, fault.New(fault.Invalid, "member is empty: it is the id or the host:port of a node")
	}
	if err := a.Members.Remove(c.UserContext(), in.Body.Member, in.Body.Force); err != nil {
		return nil, err
	}
	a.Log.Info("a member was removed", "member", in.Body.Member, "force", in.Body.Force, "from", a.ClientIP(c))
	return &memberAnswer{true}, nil
}

type transferIn struct {
	Body transferBody `body:"true"`
}

type transferBody struct {
	To string `json:"to" optional:"true" doc:"the id, the begin of it, or the host:port of the node that is to lead; without it, one that has caught up"`
}

func (a *api) transferLeader(c *fiber.Ctx, in *transferIn) (*memberAnswer, error) {
	if a.Members == nil {
		return nil, errAlone
	}
	if err := a.Members.Transfer(c.UserContext(), in.Body.To); err != nil {
		return nil, err
	}
	a.Log.Info("leadership was handed over", "to", in.Body.To, "from", a.ClientIP(c))
	return &memberAnswer{true}, nil
}
