package rpc

import (
	"strings"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"

	"nacre/server/clock"
	"nacre/server/config/delivery"
	"nacre/server/fault"
	"nacre/server/naming"
	"nacre/server/rpc/payload"
)

// setup is a ConnectionSetupRequest (grpc.md §3).
type setup struct {
	clientVersion, tenant string
	labels                map[string]string
	abilities             bool // abilityTable was there, be it empty
}

func readSetup(body []byte) (set setup, err error) {
	err = payload.Fields(body, func(field string, v payload.Value) error {
		switch field {
		case "clientVersion":
			return v.Text(&set.clientVersion, nil)
		case "tenant":
			return v.Text(&set.tenant, nil)
		case "labels":
			return v.Map(func(name, value string) {
				if set.labels == nil {
					set.labels = make(map[string]string)
				}
				if len(set.labels) < maxLabels && len(name) <= maxLabel {
					set.labels[name] = clip(value)
				}
			})
		case "abilityTable":
			set.abilities = !v.IsNull()
		}
		return nil
	})
	return set, err
}

// How many labels a client may introduce itself with, and how long one may be, in bytes.
const (
	maxLabels = 64
	maxLabel  = 1024
)

// refuseLinger is the time for the end of a refused client's stream to get out before its connection ends.
const refuseLinger = 200 * time.Millisecond

// stream serves a client's stream: its introduction, then its answers to our requests. It returns nil, which is
// status 0, whoever ends it.
func (s *Server) stream(_ any, stream grpc.ServerStream) error {
	l, err := linkOf(stream.Context())
	if err != nil {
		return err
	}
	var c *Conn
	defer func() {
		if c != nil {
			c.end()
		}
	}()
	for {
		var in incoming
		if stream.RecvMsg(&in) != nil {
			return nil
		}
		m, err := payload.Decode(in.bytes())
		if err == nil {
			if c != nil {
				l.seen()
			}
			switch {
			case string(m.Type) == "ConnectionSetupRequest":
				if c, err = s.introduce(l, c, stream, &m); err != nil {
					s.cfg.Log.Warn("a gRPC client was refused", "client", l.remote, "why", err)
					in.free()
					time.AfterFunc(refuseLinger, l.hangUp)
					return nil
				}
			case c != nil:
				c.hear(&m)
			}
		}
		in.free() // what can't be read or is not known is ignored, as Nacos does
	}
}

// introduce registers the client of a connection, or acknowledges it again. The error says why it is refused;
// an introduction that can't be read is ignored.
func (s *Server) introduce(l *link, c *Conn, stream grpc.ServerStream, m *payload.Message) (*Conn, error) {
	set, err := readSetup(m.Body)
	if err != nil {
		s.cfg.Log.Debug("a ConnectionSetupRequest could not be read", "client", l.remote, "error", err)
		return c, nil
	}
	if c == nil {
		if before := l.registered.Load(); before != nil {
			before.end() // its stream is being given up for this one
		}
		made := s.newConn(l, stream, m, &set)
		if made.sdk {
			if err := s.serving(); err != nil {
				return nil, err
			}
		}
		if why := s.admit(made); why != "" {
			s.refused.Add(1)
			return nil, fault.New(fault.Limited, "%s", why)
		}
		made.Session = s.cfg.Ledger.Open(made.Client, made)
		if made.Client.Labels["module"] == moduleNaming {
			made.naming = s.cfg.Naming.Open(made.namingClient(), made)
		}
		if !s.register(l, made) {
			made.end()
			return nil, fault.New(fault.Unavailable, "its connection is over")
		}
		c = made
	}
	if !set.abilities {
		return c, nil // C#'s SDK stops reading when it gets what it did not ask for
	}
	ack := []byte(`{"headers":{},"abilityTable":{"fuzzyWatch":true,"lock":false,"supportPersistentInstanceByGrpc":true},"module":"internal"}`)
	c.tell(payload.Encode("SetupAckRequest", "", ack))
	return c, nil
}

// register makes c the connection's client, unless the connection is over.
func (s *Server) register(l *link, c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, open := s.links[l]; !open {
		return false
	}
	l.registered.Store(c)
	return true
}

func (s *Server) newConn(l *link, stream grpc.ServerStream, m *payload.Message, set *setup) *Conn {
	c := &Conn{link: l, srv: s, stream: stream, Client: delivery.Client{
		ID: l.id, Transport: delivery.GRPC, IP: string(m.ClientIP), Remote: l.remote,
		SDK: clip(set.clientVersion), Tenant: clip(set.tenant), Labels: set.labels, ConnectedMs: clock.Millis(s.cfg.Clock),
	}}
	if c.Client.IP == "" || len(c.Client.IP) > 64 {
		c.Client.IP = l.ip
	}
	labels := c.Client.Labels
	c.sdk = labels["source"] == "sdk"
	c.noTag = strings.HasPrefix(c.Client.SDK, "Nacos-Go-Client:") || strings.HasPrefix(c.Client.SDK, "Nacos-Python-Client:")
	c.Client.App, c.Client.Tag = labels["AppName"], labels["app_Vipserver-Tag"] // labels of applications have the prefix
	if c.Client.Tag == "" {
		c.Client.Tag = labels["Vipserver-Tag"]
	}
	if n := s.cfg.Limits.Rate; n > 0 {
		c.limit = rate.NewLimiter(rate.Limit(n), n)
	}
	return c
}

// namingClient is the client as the registry knows it.
func (c *Conn) namingClient() naming.Client {
	c.labels = naming.MetadataOf(c.Client.Labels)
	return naming.Client{
		ID: c.Client.ID, Kind: naming.Connection, IP: c.Client.IP, Remote: c.Client.Remote, App: c.Client.App, SDK: c.Client.SDK,
		Tenant: c.Client.Tenant, Labels: c.labels, ConnectedMs: c.Client.ConnectedMs,
	}
}

func clip(text string) string { return strings.ToValidUTF8(text[:min(len(text), maxLabel)], "") }

// hear takes a client's answer. Only its number and result count (grpc.md §2): SDKs give it types of other answers.
func (c *Conn) hear(m *payload.Message) {
	var id uint64
	known, ok := false, false
	if payload.Fields(m.Body, func(field string, v payload.Value) (err error) {
		switch field {
		case "requestId":
			id, known = number(v.Bytes())
		case "resultCode":
			var code int64
			err = v.Int(&code)
			ok = code == 200
		}
		return err
	}) == nil && known {
		c.answered(id, ok, m.Body)
	}
}

func number(text []byte) (uint64, bool) {
	if len(text) == 0 || len(text) > 19 {
		return 0, false
	}
	var n uint64
	for i := range len(text) {
		d := text[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d)
	}
	return n, true
}
