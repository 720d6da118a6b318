package nacre

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/fault"
	"nacre/server/view"
	"nacre/web/api/wire"
)

// clientBody is who listens.
type clientBody struct {
	ID          string            `json:"id" doc:"of the connection; of a client that polls, of its row in the ledger"`
	Transport   string            `json:"transport" enum:"grpc,http" doc:"http for clients that poll"`
	IP          string            `json:"ip" doc:"as the client claims, and as variants match it"`
	Remote      string            `json:"remote" doc:"address and port of its socket, of the last one where it polls"`
	AppName     string            `json:"appName"`
	SDK         string            `json:"sdk" doc:"library and version"`
	Tag         string            `json:"tag" doc:"that variants match"`
	Tenant      string            `json:"tenant" doc:"the namespace that the client says it works in, as it spells it"`
	Labels      map[string]string `json:"labels"`
	ConnectedMs int64             `json:"connectedMs"`
	Node        string            `json:"node" doc:"the node that it is connected to"`
}

// listeningBody is one client and one configuration that it listens for.
type listeningBody struct {
	Namespace  string `json:"namespace"`
	Group      string `json:"group"`
	DataID     string `json:"dataId"`
	State      string `json:"state" enum:"inSync,behind,looping,neverAcked" doc:"behind: did not confirm the newest yet; looping: asks again and again with the same wrong md5; neverAcked: was told more than once and never acknowledged"`
	Connected  bool   `json:"connected" doc:"false for a client that polls while it is between two polls"`
	MD5        string `json:"md5" doc:"what the client has, as it said last; empty for nothing"`
	WantMD5    string `json:"wantMd5" doc:"what it is to see; empty for nothing"`
	Gray       string `json:"gray" doc:"name of the variant that it is to see, empty for the configuration itself"`
	Revision   uint64 `json:"revision" doc:"of the change that it is or was owed last, 0 when nothing changed since it came"`
	BehindMs   int64  `json:"behindMs" doc:"for how long it is behind, 0 when in sync"`
	PushedMs   int64  `json:"pushedMs" doc:"when it was told last, 0 for never; a client that polls is told by the answer to its poll"`
	AckedMs    int64  `json:"ackedMs" doc:"when it acknowledged last, 0 for never"`
	ListenedMs int64  `json:"listenedMs" doc:"when it said last what it has"`
	Attempts   int    `json:"attempts" doc:"how often it was told of this revision"`
}

type deliveryRow struct {
	Client clientBody `json:"client"`
	listeningBody
}

// standing counts the listeners of a configuration.
type standing struct {
	Listeners  int `json:"listeners"`
	InSync     int `json:"inSync"`
	Behind     int `json:"behind" doc:"all that are not in sync"`
	Looping    int `json:"looping" doc:"a part of those behind"`
	NeverAcked int `json:"neverAcked" doc:"a part of those behind"`
}

type deliveryIn struct {
	keyIn
	State string `query:"state" enum:"inSync,behind,looping,neverAcked" doc:"only those in this state"`
	pageIn
}

type deliveryPage struct {
	Namespace string `json:"namespace"`
	Group     string `json:"group"`
	DataID    string `json:"dataId"`
	MD5       string `json:"md5" doc:"of the configuration, empty when there is none"`
	Revision  uint64 `json:"revision" doc:"of the configuration's content, 0 when there is none"`
	standing
	Total     int             `json:"total" doc:"rows in the given state"`
	Page      int             `json:"page"`
	Pages     int             `json:"pages"`
	Rows      []deliveryRow   `json:"rows"`
	Unreached []unreachedNode `json:"unreached" doc:"nodes that did not answer, whose clients are not counted"`
}

// unreachedNode is a node that did not answer.
type unreachedNode struct {
	Node    string `json:"node" doc:"its id"`
	Address string `json:"address"`
	Reason  string `json:"reason"`
}

func unreached(list []view.Absent) []unreachedNode {
	out := make([]unreachedNode, len(list))
	for i, x := range list {
		out[i] = unreachedNode{x.ID, x.Name, x.Why}
	}
	return out
}

func (a *api) delivery(c *fiber.Ctx, in *deliveryIn) (*deliveryPage, error) {
	k := in.key()
	x := a.Nodes.Listeners(wire.Context(c), k, delivery.Where{State: delivery.State(in.State)}, in.Page, in.Size)
	rows, total := x.Rows, x.Total
	out := &deliveryPage{
		Namespace: k.Namespace, Group: k.Group, DataID: k.DataID, standing: standing(x.All), Unreached: unreached(x.Absent),
		Total: total, Page: in.Page, Pages: pagesOf(total, in.Size), Rows: make([]deliveryRow, len(rows)),
	}
	if it := a.Configs.Item(k); it != nil && it.Formal != nil {
		out.MD5, out.Revision = it.Formal.MD5, it.Formal.Revision
	}
	now := a.Clock.Now().UnixMilli()
	for i := range rows {
		out.Rows[i] = deliveryRow{clientOf(&rows[i].Client, rows[i].Node.ID), listeningOf(&rows[i].Listening, now)}
	}
	return out, nil
}

func pagesOf(total, size int) int { return (total + size - 1) / size }

func clientOf(c *delivery.Client, node string) clientBody {
	b := clientBody{
		ID: c.ID, Transport: c.Transport, IP: c.IP, Remote: c.Remote, AppName: c.App, SDK: c.SDK, Tag: c.Tag, Tenant: c.Tenant,
		Labels: c.Labels, ConnectedMs: c.ConnectedMs, Node: node,
	}
	if b.Labels == nil {
		b.Labels = map[string]string{}
	}
	return b
}

func listeningOf(x *delivery.Listening, nowMs int64) listeningBody {
	b := listeningBody{
		Namespace: x.Key.Namespace, Group: x.Key.Group, DataID: x.Key.DataID, State: string(x.State), Connected: x.Connected,
		MD5: x.MD5, WantMD5: x.WantMD5, Gray: x.Gray, Revision: x.Revision, PushedMs: x.PushedMs, AckedMs: x.AckedMs,
		ListenedMs: x.ListenedMs, Attempts: x.Attempts,
	}
	if x.SinceMs > 0 {
		b.BehindMs = max(nowMs-x.SinceMs, 0)
	}
	return b
}

type clientsIn struct {
	Text      string `query:"text" doc:"text in the id, address, application, library or tenant, in whatever case" example:"shop"`
	Transport string `query:"transport" enum:"grpc,http" doc:"only those of this transport"`
	Behind    bool   `query:"behind" doc:"only those that are not in sync"`
	pageIn
}

// clientRow is a client with what it listens for, counted.
type clientRow struct {
	clientBody
	Connected  bool `json:"connected" doc:"false for a client that polls while it is between two polls"`
	Listenings int  `json:"listenings" doc:"configurations that it listens for"`
	Behind     int  `json:"behind" doc:"of those, the ones that are not in sync"`
}

type clientPage struct {
	Total     int             `json:"total"`
	Page      int             `json:"page"`
	Pages     int             `json:"pages"`
	Clients   []clientRow     `json:"clients"`
	Unreached []unreachedNode `json:"unreached" doc:"nodes that did not answer, whose clients are missing"`
}

func (a *api) clients(c *fiber.Ctx, in *clientsIn) (*clientPage, error) {
	list, total, gone := a.Nodes.Clients(wire.Context(c), delivery.Filter{Text: in.Text, Transport: in.Transport, Behind: in.Behind}, in.Page, in.Size)
	out := &clientPage{Total: total, Page: in.Page, Pages: pagesOf(total, in.Size), Clients: make([]clientRow, len(list)), Unreached: unreached(gone)}
	for i := range list {
		out.Clients[i] = clientRowOf(&list[i].ClientState, list[i].Node.ID)
	}
	return out, nil
}

func clientRowOf(c *delivery.ClientState, node string) clientRow {
	return clientRow{clientOf(&c.Client, node), c.Connected, c.Listenings, c.Behind}
}

type clientIn struct {
	ID   string `path:"id" doc:"the client's id" example:"1720000000000_10.0.0.7_51234"`
	Node string `query:"node" doc:"id of the node that it is connected to; ids of clients that poll are a node's own"`
	pageIn
}

type clientDetail struct {
	clientRow
	Page  int             `json:"page"`
	Pages int             `json:"pages"`
	Rows  []listeningBody `json:"rows" doc:"a page of what it listens for, by name"`
}

func (a *api) client(ctx *fiber.Ctx, in *clientIn) (*clientDetail, error) {
	c, ok := a.Nodes.Client(wire.Context(ctx), in.Node, in.ID)
	list := c.Keys
	if !ok {
		return nil, fault.New(fault.NotFound, "no client %s is connected", in.ID)
	}
	from := min((in.Page-1)*in.Size, len(list))
	rows := list[from:min(from+in.Size, len(list))]
	out := &clientDetail{clientRow: clientRowOf(&c.ClientState, c.Node.ID), Page: in.Page, Pages: pagesOf(len(list), in.Size), Rows: make([]listeningBody, len(rows))}
	now := a.Clock.Now().UnixMilli()
	for i := range rows {
		out.Rows[i] = listeningOf(&rows[i], now)
	}
	return out, nil
}

type deliverySummaryIn struct{}

type deliverySummary struct {
	Node        string          `json:"node" doc:"the one that was asked; what follows is of all nodes"`
	GRPCClients int             `json:"grpcClients"`
	HTTPClients int             `json:"httpClients" doc:"that poll"`
	Listenings  int             `json:"listenings" doc:"pairs of a client and a configuration"`
	InSync      int             `json:"inSync"`
	Behind      int             `json:"behind" doc:"all that are not in sync"`
	Looping     int             `json:"looping" doc:"a part of those behind"`
	NeverAcked  int             `json:"neverAcked" doc:"a part of those behind"`
	Pushes      uint64          `json:"pushes" doc:"since the start, repetitions included"`
	Acks        uint64          `json:"acks"`
	Resent      uint64          `json:"resent" doc:"pushes that were repetitions"`
	Unreached   []unreachedNode `json:"unreached" doc:"nodes that did not answer, whose clients are not counted"`
}

func (a *api) deliverySummary(c *fiber.Ctx, _ *deliverySummaryIn) (*deliverySummary, error) {
	x, gone := a.Nodes.Summary(wire.Context(c))
	return &deliverySummary{
		Node: a.Node().Name, GRPCClients: x.GRPCClients, HTTPClients: x.HTTPClients, Listenings: x.Listenings,
		InSync: max(x.Listenings-x.Behind, 0), Behind: x.Behind, Looping: x.Looping, NeverAcked: x.NeverAcked,
		Pushes: x.Pushes, Acks: x.Acks, Resent: x.Resent, Unreached: unreached(gone),
	}, nil
}

// maxSyncWait is how long a request may wait for the clients.
const maxSyncWait = time.Minute

// waitIn asks a change to wait for those who listen.
type waitIn struct {
	Wait    string `query:"wait" enum:"sync" doc:"sync: answer when all who listen for the configuration have what they are to see, or after the timeout; the change itself is durable in either case"`
	Timeout string `query:"timeout" default:"5s" doc:"for how long to wait at the most, up to 60s" example:"5s"`
}

// timeout returns how long to wait, 0 when the request does not.
func (in *waitIn) timeout() (time.Duration, error) {
	if in.Wait == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(in.Timeout)
	if err != nil || d <= 0 || d > maxSyncWait {
		return 0, fault.New(fault.Invalid, `parameter "timeout" is %q, it must be a duration above 0 and up to 60s, as 5s or 1500ms`, in.Timeout)
	}
	return d, nil
}

// syncAnswer tells how many had a change when its answer was sent. Both are left out when the request did not wait.
type syncAnswer struct {
	InSync    *int `json:"inSync,omitempty" doc:"how many of the listeners have what they are to see; with wait=sync alone"`
	Listeners *int `json:"listeners,omitempty" doc:"how many listen on this server; with wait=sync alone"`
}

// sync waits for those who listen for k, where wait is above 0.
func (a *api) sync(ctx context.Context, k config.Key, wait time.Duration) syncAnswer {
	if wait <= 0 {
		return syncAnswer{}
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	inSync, listeners := a.Delivery.WaitSync(ctx, k)
	return syncAnswer{&inSync, &listeners}
}
