// Package cluster knows the nodes of the cluster: where they are, which of them are well, who owns
// what, and how a node that has nothing yet comes into a cluster or begins one.
//
// Who to look for is listed (cluster.conf, the setting members, DNS, an address server); who is there
// and well is found out by gossip. DESIGN.md in this folder says how the two meet.
package cluster

import (
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"time"
)

// State is how a member does, in the words of Nacos.
type State string

// The states of members.
const (
	// Starting is a member that runs and does not take requests yet.
	Starting State = "STARTING"
	// Up is a member that takes requests.
	Up State = "UP"
	// Suspicious is a member that was up and did not answer lately.
	Suspicious State = "SUSPICIOUS"
	// Down is a member that is known, or listed, and not there.
	Down State = "DOWN"
	// Isolation is a member that is there and refused: it has another key, or belongs to another cluster.
	Isolation State = "ISOLATION"
)

// Member is one node of the cluster as this node sees it.
type Member struct {
	// ID stays with a node's data folder. It is "" for one that is listed and never answered.
	ID string
	// Run is another one after each start of the process.
	Run string
	// Host and the ports are where it is reached.
	Host                                           string
	Port, GRPCPort, PeerPort, RaftPort, GossipPort int
	Version                                        string
	// Cluster is the id of its cluster, "" while it has none.
	Cluster string
	State   State
	// Why is why it is not up, "" when it is.
	Why          string
	Self, Listed bool
	// Seen is when it last gave a sign of life, by this node's clock.
	Seen time.Time

	began int64 // when its process started, in ms since 1970 by its clock
}

// Addr returns the host:port of its HTTP, which is what Nacos calls a member's address.
func (m Member) Addr() string { return join(m.Host, m.Port) }

// PeerAddr returns where its peer RPC is, RaftAddr where raft, GossipAddr where gossip.
func (m Member) PeerAddr() string { return join(m.Host, m.PeerPort) }

// RaftAddr returns where its raft is.
func (m Member) RaftAddr() string { return join(m.Host, m.RaftPort) }

func join(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// Changed tells that a member is not as it was. Before.ID is "" for a new one, After.ID for one that was forgotten.
type Changed struct{ Before, After Member }

// ID returns the id of the member that changed.
func (c Changed) ID() string {
	if c.After.ID != "" {
		return c.After.ID
	}
	return c.Before.ID
}

// wireMember is a member as it tells of itself, in gossip and in answers. In gossip it may take 512 bytes.
type wireMember struct {
	ID      string `json:"i"`
	Run     string `json:"r"`
	Began   int64  `json:"b"`
	Host    string `json:"h"`
	Port    int    `json:"p"`
	GRPC    int    `json:"g"`
	Peer    int    `json:"e"`
	Raft    int    `json:"f"`
	Gossip  int    `json:"o"`
	Version string `json:"v,omitempty"`
	Cluster string `json:"c,omitempty"`
	Up      bool   `json:"u,omitempty"`
}

// maxHost is how long a host may be, so that a member fits into gossip.
const maxHost = 200

func (m Member) wire() wireMember {
	return wireMember{
		ID: m.ID, Run: m.Run, Began: m.began, Host: m.Host, Port: m.Port, GRPC: m.GRPCPort, Peer: m.PeerPort, Raft: m.RaftPort,
		Gossip: m.GossipPort, Version: m.Version, Cluster: m.Cluster, Up: m.State == Up,
	}
}

func (w wireMember) member() Member {
	m := Member{
		ID: w.ID, Run: w.Run, began: w.Began, Host: w.Host, Port: w.Port, GRPCPort: w.GRPC, PeerPort: w.Peer, RaftPort: w.Raft,
		GossipPort: w.Gossip, Version: w.Version, Cluster: w.Cluster, State: Starting, Why: "it is starting",
	}
	if w.Up {
		m.State, m.Why = Up, ""
	}
	return m
}

func (w wireMember) check() error {
	for i, port := range []int{w.Raft, w.Port, w.GRPC, w.Peer, w.Gossip} {
		if i == 0 && port == 0 {
			continue // there is no raft where storage is in MySQL
		}
		if port < 1 || port > 65535 {
			return fmt.Errorf("a member names the port %d", port)
		}
	}
	if w.ID == "" || w.Run == "" || w.Host == "" || len(w.Host) > maxHost {
		return fmt.Errorf("a member without id or host")
	}
	return nil
}

func parseMember(b []byte) (w wireMember, err error) {
	if err := json.Unmarshal(b, &w); err != nil {
		return w, err
	}
	return w, w.check()
}
