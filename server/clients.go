package server

import (
	"context"
	"encoding/json"

	"nacre/server/config"
	"nacre/server/rpc"
	"nacre/web/api/wire"
)

// clients shows the gRPC side to the API, which does not know it.
type clients struct{ *Server }

var _ wire.Clients = clients{}

// Connected implements wire.Clients.
func (c clients) Connected() []wire.Connected {
	conns := c.rpc.Conns()
	out := make([]wire.Connected, len(conns))
	for i, x := range conns {
		out[i] = wire.Connected{Client: x.Client, SDK: x.SDK(), LastActiveMs: x.LastActiveMs()}
	}
	return out
}

// Keep implements wire.Clients.
func (c clients) Keep(keep int, ip, port string) { c.rpc.Reload(keep, ip, port) }

// Send implements wire.Clients.
func (c clients) Send(id, ip, port string) bool {
	x := c.rpc.Conn(id)
	if x == nil {
		return false
	}
	x.Reset(ip, port, nil)
	return true
}

// Holds implements wire.Clients.
func (c clients) Holds(ctx context.Context, id string, k config.Key) (json.RawMessage, error) {
	return c.rpc.ClientMetrics(ctx, id, []rpc.MetricKey{{Kind: rpc.MetricCache, Key: k}, {Kind: rpc.MetricSnapshot, Key: k}})
}
