package wire

import (
	"cmp"
	"context"
	"encoding/json"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
	"nacre/server/view"
)

// Cluster is what is known of the members, and what can be done with them.
type Cluster interface {
	// Members returns all, this node first. It must not block.
	Members() []Member
	// Raft does what an operator asks of the raft group. The texts of Commands are known; address is ip:port, of HTTP or of raft.
	// It blocks for some seconds at the most.
	Raft(ctx context.Context, command, address string) error
	// SwitchLookup has members be looked for in another way: file or address-server.
	SwitchLookup(kind string) error
}

// The commands that an operator can give to the raft group, as Nacos spells them.
const (
	RaftTransfer = "transferLeader"
	RaftSnapshot = "doSnapshot"
	RaftRemove   = "removePeer"
	RaftRemoves  = "removePeers"
	RaftChange   = "changePeers"
	RaftReset    = "resetPeers"
	RaftRestart  = "restRaftCluster"
)

// Member is a node.
type Member struct {
	IP             string
	Port, RaftPort int
	State, Version string
	SeenMs         int64 // when it was heard of last, in ms since 1970
	Leader         string
	RaftMembers    []string
	Term           uint64
	Meta           map[string]any
}

// Address is ip:port.
func (m *Member) Address() string { return net.JoinHostPort(m.IP, strconv.Itoa(m.Port)) }

// States of members, as Nacos has them.
var memberStates = []string{"STARTING", "UP", "SUSPICIOUS", "DOWN", "ISOLATION"}

// memberBody is a member as Nacos' JSON has it.
type memberBody struct {
	IP                string          `json:"ip"`
	Port              int             `json:"port"`
	State             string          `json:"state"`
	ExtendInfo        map[string]any  `json:"extendInfo"`
	Address           string          `json:"address"`
	FailAccessCnt     int             `json:"failAccessCnt"`
	Abilities         memberAbilities `json:"abilities"`
	GRPCReportEnabled bool            `json:"grpcReportEnabled"`
}

type memberAbilities struct {
	Remote struct {
		Connection bool `json:"supportRemoteConnection"`
		GRPCReport bool `json:"grpcReportEnabled"`
	} `json:"remoteAbility"`
	Config struct {
		Metrics bool `json:"supportRemoteMetrics"`
	} `json:"configAbility"`
	Naming struct {
		JRaft bool `json:"supportJraft"`
	} `json:"namingAbility"`
}

type raftGroup struct {
	Leader  string   `json:"leader"`
	Members []string `json:"raftGroupMember"`
	Term    uint64   `json:"term"`
}

// raftGroups are those that Nacos has; here they are one.
var raftGroups = []string{"lock_acquire_service_v2", "naming_instance_metadata", "naming_persistent_service", "naming_persistent_service_v2", "naming_service_metadata"}

func (m *Member) body() memberBody {
	groups := make(map[string]raftGroup, len(raftGroups))
	for _, name := range raftGroups {
		groups[name] = raftGroup{m.Leader, append([]string{}, m.RaftMembers...), m.Term}
	}
	info := map[string]any{}
	for name, value := range m.Meta {
		info[name] = value
	}
	info["supportGrayModel"], info["readyToUpgrade"], info["version"] = true, true, m.Version
	info["lastRefreshTime"], info["raftPort"] = m.SeenMs, strconv.Itoa(m.RaftPort)
	info["raftMetaData"] = map[string]any{"metaDataMap": groups}
	b := memberBody{IP: m.IP, Port: m.Port, State: m.State, ExtendInfo: info, Address: m.Address(), GRPCReportEnabled: true}
	b.Abilities.Remote.Connection, b.Abilities.Remote.GRPCReport, b.Abilities.Naming.JRaft = true, true, true
	return b
}

// SelfBody returns this node as Nacos' JSON has it.
func (d *Deps) SelfBody() any { return d.Cluster.Members()[0].body() }

// SelfState returns the state of this node.
func (d *Deps) SelfState() string { return d.Cluster.Members()[0].State }

// MemberBodies returns the members whose address begins with a text and that are in a state, "" for any, by address.
// Faults: IllegalState for a state that Nacos does not have.
func (d *Deps) MemberBodies(address, state string) (any, error) {
	state = strings.ToUpper(strings.TrimSpace(state))
	if state != "" && !slices.Contains(memberStates, state) {
		return nil, Refuse(fiber.StatusBadRequest, IllegalState, "Illegal state: "+state)
	}
	list := []memberBody{}
	for _, m := range d.Cluster.Members() {
		if b := m.body(); strings.HasPrefix(b.Address, strings.TrimSpace(address)) && (state == "" || state == m.State) {
			list = append(list, b)
		}
	}
	slices.SortFunc(list, func(a, b memberBody) int { return cmp.Compare(a.Address, b.Address) })
	return list, nil
}

// Addresses returns ip:port of all members, in order.
func (d *Deps) Addresses() []string {
	var list []string
	for _, m := range d.Cluster.Members() {
		list = append(list, m.Address())
	}
	slices.Sort(list)
	return list
}

// CheckMembers reads the members that an operator wants to describe, a JSON array. Each node says itself what it is, and in Nacos,
// too, its next word replaces this; so nothing is kept of it.
func (d *Deps) CheckMembers(body []byte) error {
	var list []struct {
		IP      string `json:"ip"`
		Port    int    `json:"port"`
		Address string `json:"address"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return Refuse(fiber.StatusBadRequest, ParsingFailed, "the body is not a JSON array of members")
	}
	known := d.Addresses()
	for _, m := range list {
		address := cmp.Or(m.Address, net.JoinHostPort(m.IP, strconv.Itoa(m.Port)))
		if !slices.Contains(known, address) {
			return Refuse(fiber.StatusBadRequest, ParameterInvalid, "there is no member "+address)
		}
	}
	return nil
}

// SwitchLookup has members be looked for in another way. Faults: ParameterInvalid for one that Nacos does not have.
func (d *Deps) SwitchLookup(kind string) error {
	if kind != "file" && kind != "address-server" {
		return Refuse(fiber.StatusBadRequest, ParameterInvalid, "The addressing mode exists : "+kind+", just support : [[file, address-server]]")
	}
	return d.Cluster.SwitchLookup(kind)
}

// raftWish is what an operator asks of the raft group.
type raftWish struct {
	Command string `json:"command"`
	Value   string `json:"value"`
}

// OperateRaft does what a request asks of the raft group, and answers in the envelope of v1, which v2 has here, too.
func (d *Deps) OperateRaft(ctx context.Context, body []byte) RestResult {
	var w raftWish
	if err := json.Unmarshal(body, &w); err != nil {
		return RestOf(500, "the body is not a JSON object with command and value", nil)
	}
	switch w.Command {
	case RaftTransfer, RaftRemove, RaftRemoves:
	case RaftSnapshot:
		return RestOf(500, "snapshots are made by themselves, once the log has grown enough", nil)
	case RaftChange, RaftReset, RaftRestart:
		return RestOf(500, w.Command+" would let a part of the members decide alone; nacre cluster recover does that, on a node that is stopped", nil)
	default:
		return RestOf(500, "Not support command : "+w.Command, nil)
	}
	addresses := strings.Split(w.Value, ",")
	if w.Command != RaftRemoves && len(addresses) > 1 {
		return RestOf(500, w.Command+" takes one address", nil)
	}
	for _, address := range addresses {
		if err := d.Cluster.Raft(ctx, w.Command, strings.TrimSpace(address)); err != nil {
			return RestOf(500, fault.TextOf(err), nil)
		}
	}
	return Rest("", nil)
}

// idOf is how far a generator of ids is.
type idOf struct {
	CurrentID uint64 `json:"currentId"`
	WorkerID  int    `json:"workerId"`
}

// generators are those of Nacos.
var generators = []string{
	"role-id", "permissions_id", "config-history-gray-id", "config-history-id", "config-info-id", "namespace-id", "user-id",
	"app-configdata-relation-subs", "config-beta-id", "config-tag-relation-id",
}

// IDsByName returns how far generators of ids are. Here the journal numbers everything, so each is as far as that.
func (d *Deps) IDsByName() map[string]any {
	all := make(map[string]any, len(generators))
	for _, name := range generators {
		all[name] = idOf{CurrentID: d.Configs.Revision()}
	}
	return all
}

// IDList returns the same as a list.
func (d *Deps) IDList() []any {
	list := make([]any, len(generators))
	for i, name := range generators {
		list[i] = map[string]any{"resource": name, "info": idOf{CurrentID: d.Configs.Revision()}}
	}
	return list
}

// LoadFactor reads how far above the mean a node may be, of the parameter loaderFactor: 0.1 where it is not given.
func (p *Params) LoadFactor() (float64, error) {
	text := strings.TrimSpace(p.Text("loaderFactor"))
	if text == "" {
		return 0.1, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(f >= 0 && f <= 100) {
		return 0, Refuse(fiber.StatusBadRequest, ParameterInvalid, "Parameter 'loaderFactor' is \""+text+"\", it must be a number from 0 to 100")
	}
	return f, nil
}

// NodeLoads are the loads of all nodes that answered, this one's first, and how many members there are.
func (d *Deps) NodeLoads(ctx context.Context) (list []NodeLoad, members int) {
	answers := d.Nodes.Loads(ctx)
	for _, a := range answers {
		if a.Err == nil {
			list = append(list, a.Value)
		}
	}
	return list, len(answers)
}

// LoadSpan returns the greatest, the smallest, the mean and the sum of how many SDK clients nodes have.
func LoadSpan(list []NodeLoad) (most, least, mean, total int) {
	for i, n := range list {
		most, total = max(most, n.SDKs), total+n.SDKs
		if i == 0 || n.SDKs < least {
			least = n.SDKs
		}
	}
	if len(list) > 0 {
		mean = total / len(list)
	}
	return most, least, mean, total
}

// LoadLimit is above how many clients Nacos calls a node overloaded, as a Java double is written.
func LoadLimit(mean int) string { return strconv.FormatFloat(float64(mean)*1.1, 'f', 1, 64) }

// Balance sends clients from nodes that have more than their share to others, and answers as Nacos does whether all could be asked.
func (d *Deps) Balance(ctx context.Context, p *Params) (string, error) {
	share, err := p.LoadFactor()
	if err != nil {
		return "", err
	}
	if _, err := d.Nodes.Balance(ctx, share); err != nil {
		d.Log.Warn("a node could not be asked to send clients elsewhere", "error", err)
		return "Fail", nil
	}
	return "Ok", nil
}

// NodeLoad is how busy a node is.
type NodeLoad = view.Load
