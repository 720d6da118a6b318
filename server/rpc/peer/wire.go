package peer

import (
	"context"
	"errors"
	"net"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/mem"

	"nacre/server/cluster/link"
)

// codec passes bytes through; values are *[]byte.
type codec struct{}

func (codec) Name() string { return "nacre-bytes" }

func (codec) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.(*[]byte)
	if !ok {
		return nil, errors.New("not bytes")
	}
	return mem.BufferSlice{mem.SliceBuffer(*b)}, nil
}

func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return errors.New("not bytes")
	}
	*b = data.Materialize()
	return nil
}

// caller is the node at the other end of a connection that came in.
type caller struct{ id string }

// AuthType implements credentials.AuthInfo.
func (caller) AuthType() string { return "link" }

// GetCommonAuthInfo lets gRPC know that package link has seen to the security of the connection.
func (caller) GetCommonAuthInfo() credentials.CommonAuthInfo {
	return credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}
}

// serverCredentials take over who package link said is there.
type serverCredentials struct {
	credentials.TransportCredentials
}

func (serverCredentials) ServerHandshake(nc net.Conn) (net.Conn, credentials.AuthInfo, error) {
	c, ok := nc.(*link.Conn)
	if !ok {
		return nil, nil, errors.New("not a connection of package link")
	}
	return nc, caller{c.Peer()}, nil
}

func (serverCredentials) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "link"}
}

func (c serverCredentials) Clone() credentials.TransportCredentials { return c }

// clientCredentials have nothing left to do: the dialer made a connection of package link.
type clientCredentials struct{ serverCredentials }

func (clientCredentials) ClientHandshake(_ context.Context, _ string, nc net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nc, caller{}, nil
}

func (c clientCredentials) Clone() credentials.TransportCredentials { return c }
