package view

import (
	"cmp"
	"context"
	"net"
	"slices"
	"time"
)

// Load is how busy a node is.
type Load struct {
	// Address is host:port of HTTP, by which clients know the node.
	Address string `json:"address"`
	// Connections are all of gRPC, SDKs those of clients that call themselves one and can be sent elsewhere.
	Connections int `json:"connections"`
	SDKs        int `json:"sdks"`
	// Load is the load average of its machine, CPU the share of the processors' time that was used; "-1" for unknown.
	Load string `json:"load"`
	CPU  string `json:"cpu"`
}

// Loads asks all nodes how busy they are.
func (n *Nodes) Loads(ctx context.Context) []Answer[Load] {
	return Ask(ctx, &n.Fan, &n.load, nothing{})
}

type keepOf struct {
	Keep int    `json:"keep"`
	IP   string `json:"ip"`
	Port string `json:"port"`
}

// move is clients that are to go from one node to another.
type move struct {
	from  Member
	keep  int
	count int
	to    string
}

// moves returns who is to go where, so that no node has more than share (0.1 for a tenth) above the mean, and none of those
// that get some comes above it. Each node sends to one other at a time; the next round goes on.
func moves(loads []Answer[Load], share float64) []move {
	var nodes []Answer[Load]
	total := 0
	for _, a := range loads {
		if a.Err == nil {
			nodes, total = append(nodes, a), total+a.Value.SDKs
		}
	}
	if len(nodes) < 2 {
		return nil
	}
	mean := total / len(nodes)
	most := int(float64(mean) * (1 + share))
	slices.SortFunc(nodes, func(a, b Answer[Load]) int {
		return cmp.Or(cmp.Compare(b.Value.SDKs, a.Value.SDKs), cmp.Compare(a.ID, b.ID))
	})
	var out []move
	low := len(nodes) - 1
	for high := 0; high < low && nodes[high].Value.SDKs > most; high++ {
		room := mean - nodes[low].Value.SDKs
		if room <= 0 {
			break
		}
		count := min(nodes[high].Value.SDKs-mean, room)
		out = append(out, move{from: nodes[high].Member, keep: nodes[high].Value.SDKs - count, count: count, to: nodes[low].Value.Address})
		low--
	}
	return out
}

// Balance sends clients from the nodes that have more than share above the mean to those that have the fewest, and returns how
// many are asked to go. Nodes that do not answer are left as they are.
func (n *Nodes) Balance(ctx context.Context, share float64) (asked int, err error) {
	for _, m := range moves(n.Loads(ctx), share) {
		host, port, e := net.SplitHostPort(m.to)
		if e != nil {
			continue
		}
		if _, e = AskOne(ctx, &n.Fan, &n.keep, m.from.ID, keepOf{m.keep, host, port}); e != nil {
			err = e
			continue
		}
		asked += m.count
		n.cfg.Log.Info("clients are asked to go to another node", "from", m.from.Name, "to", m.to, "clients", m.count)
	}
	return asked, err
}

const (
	// balanceEvery is how often it is looked whether clients are spread unevenly.
	balanceEvery = time.Minute
	// balanceFrom is from how many clients above the mean on a node are moved by themselves: a few are not worth a reconnect.
	balanceFrom = 20
)

// balanceBySkew moves clients where the leader finds that they are spread more unevenly than is set.
func (n *Nodes) balanceBySkew(ctx context.Context) {
	if !n.cfg.Node().Leader {
		return
	}
	share := float64(n.cfg.Skew) / 100
	plan := moves(n.Loads(ctx), share)
	if len(plan) == 0 || plan[0].count < balanceFrom {
		return
	}
	if _, err := n.Balance(ctx, share); err != nil {
		n.cfg.Log.Warn("a node could not be asked to send clients elsewhere", "error", err)
	}
}
