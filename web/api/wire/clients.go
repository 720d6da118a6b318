package wire

import (
	"context"
	"encoding/json"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/fault"
)

// Clients are those that are connected over gRPC.
type Clients interface {
	// Connected returns them, in no order.
	Connected() []Connected
	// Keep asks all but keep SDK clients to go to another server, to the one whose main port is at ip:port, or, where ip is "",
	// to any.
	Keep(keep int, ip, port string)
	// Send asks one to go, false when there is none of that id.
	Send(id, ip, port string) bool
	// Holds asks one what it holds of a configuration, and returns its metrics, a JSON object. It blocks for 3 s at the most.
	Holds(ctx context.Context, id string, k config.Key) (json.RawMessage, error)
}

// Connected is a client with a connection.
type Connected struct {
	delivery.Client
	// SDK says that it calls itself one: the others are servers and tools.
	SDK bool
	// LastActiveMs is when it last gave a sign of life, in ms since 1970.
	LastActiveMs int64
}

// Connection is a client as Nacos' loader shows it.
type Connection struct {
	Traced    bool              `json:"traced"`
	Connected bool              `json:"connected"`
	Meta      connectionMeta    `json:"metaInfo"`
	Labels    map[string]string `json:"labels"`
}

type connectionMeta struct {
	ConnectType    string            `json:"connectType"`
	ClientIP       string            `json:"clientIp"`
	RemoteIP       string            `json:"remoteIp"`
	RemotePort     int               `json:"remotePort"`
	LocalPort      int               `json:"localPort"`
	Version        string            `json:"version"`
	ConnectionID   string            `json:"connectionId"`
	CreateTime     int64             `json:"createTime"`
	LastActiveTime int64             `json:"lastActiveTime"`
	AppName        string            `json:"appName"`
	NamespaceID    string            `json:"namespaceId"`
	Labels         map[string]string `json:"labels"`
	SDKSource      bool              `json:"sdkSource"`
}

// Connections returns all connected clients by their connection's id.
func (d *Deps) Connections() map[string]Connection {
	out := make(map[string]Connection)
	for _, c := range d.Clients.Connected() {
		ip, port, err := net.SplitHostPort(c.Remote)
		if err != nil {
			ip = c.Remote
		}
		n, _ := strconv.Atoi(port) // 0 when it has none
		out[c.ID] = Connection{Connected: true, Labels: c.Labels, Meta: connectionMeta{
			ConnectType: "GRPC", ClientIP: c.IP, RemoteIP: ip, RemotePort: n, LocalPort: d.Info.GRPCPort,
			Version: c.Client.SDK, ConnectionID: c.ID, CreateTime: c.ConnectedMs, LastActiveTime: c.LastActiveMs, AppName: c.App,
			NamespaceID: c.Tenant, Labels: c.Labels, SDKSource: c.SDK,
		}}
	}
	return out
}

// Reload asks surplus clients to go to another server, as the parameters count and redirectAddress say.
func (d *Deps) Reload(p *Params) error {
	keep, err := strconv.Atoi(strings.TrimSpace(p.Text("count")))
	if err != nil || keep < 0 {
		return Refuse(fiber.StatusBadRequest, ParameterInvalid, "Parameter 'count' is \""+p.Text("count")+"\", it must be how many clients are to stay")
	}
	ip, port, err := p.redirect()
	if err == nil {
		d.Clients.Keep(keep, ip, port)
	}
	return err
}

// ReloadClient asks the client with that connection to go to another server, as the parameter redirectAddress says. That
// there is none is no error, as in Nacos: it is not here then.
func (d *Deps) ReloadClient(p *Params, id string) error {
	ip, port, err := p.redirect()
	if err == nil {
		d.Clients.Send(id, ip, port)
	}
	return err
}

// redirect reads the parameter redirectAddress, ip:port or nothing.
func (p *Params) redirect() (ip, port string, err error) {
	text := p.Text("redirectAddress")
	if Blank(text) {
		return "", "", nil
	}
	i := strings.LastIndexByte(text, ':')
	if i <= 0 || i == len(text)-1 {
		return "", "", Refuse(fiber.StatusBadRequest, ParameterInvalid, "Parameter 'redirectAddress' is \""+text+"\", it must be ip:port")
	}
	return text[:i], text[i+1:], nil
}

const (
	// askedAtOnce is how many clients are asked at the same time what they hold, askedFor how long all may take together.
	askedAtOnce = 64
	askedFor    = 4 * time.Second
	// mostHeld is the size in bytes of all answers together.
	mostHeld = 16 << 20
)

// ClientMetrics asks the clients at an address what they hold of a configuration, and puts their answers together. Those
// that do not answer, as only SDKs of Java know the question, are left out. It blocks for 4 s at the most.
func (d *Deps) ClientMetrics(ctx context.Context, ip string, k config.Key) map[string]any {
	ctx, cancel := context.WithTimeout(ctx, askedFor)
	defer cancel()
	out := make(map[string]any)
	size := 0
	var mu sync.Mutex
	var all sync.WaitGroup
	room := make(chan struct{}, askedAtOnce)
	ask := func(c *Connected) {
		text, err := d.Clients.Holds(ctx, c.ID, k)
		if err != nil {
			d.Log.Debug("a client did not say what it holds", "client", c.ID, "why", fault.TextOf(err))
			return
		}
		var metrics map[string]json.RawMessage
		if json.Unmarshal(text, &metrics) != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if size += len(text); size > mostHeld {
			d.Log.Warn("clients hold more than is shown", "ip", ip, "bytes", mostHeld)
			cancel()
			return
		}
		for name, value := range metrics {
			out[name] = value
		}
	}
	for _, c := range d.Clients.Connected() {
		if c.IP != ip {
			continue
		}
		if ctx.Err() != nil {
			break
		}
		select {
		case room <- struct{}{}:
			all.Go(func() {
				defer func() { <-room }()
				ask(&c)
			})
		case <-ctx.Done():
		}
	}
	all.Wait()
	return out
}
