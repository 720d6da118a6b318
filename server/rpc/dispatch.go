package rpc

import (
	"context"
	"fmt"
	"runtime/debug"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"nacre/server/fault"
	"nacre/server/rpc/payload"
)

// clusterTypes are requests between nodes, which are not taken from clients (grpc.md §2).
var clusterTypes = map[string]bool{
	"ConfigChangeClusterSyncRequest": true, "DistroDataRequest": true, "MemberReportRequest": true,
	"ServerLoaderInfoRequest": true, "ServerReloadRequest": true,
}

// overDelay is how long the answer to a request above the rate is held back, as in Nacos: a client that tries again at
// once is slowed down.
const overDelay = time.Second

// linkOf returns the connection that a call came on.
func linkOf(ctx context.Context) (*link, error) {
	if p, ok := peer.FromContext(ctx); ok {
		if l, ok := p.AuthInfo.(*link); ok {
			return l, nil
		}
	}
	return nil, status.Error(codes.Internal, "a call without a connection")
}

// unary handles one request. Business errors are answers with status 0 (grpc.md §1).
func (s *Server) unary(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	l, err := linkOf(ctx)
	if err != nil {
		return nil, err
	}
	var in incoming
	if err := decode(&in); err != nil {
		return nil, err // too large, or compressed in a way that is not known
	}
	defer in.free()
	s.requests.Add(1)
	m, err := payload.Decode(in.bytes())
	if err != nil {
		s.wrong.Add(1)
		return nil, status.Error(codes.Internal, "invalid protobuf: "+err.Error())
	}
	if n := int64(len(m.Body)); n >= largeMessage {
		defer s.unfinished.Add(-n)
		if s.unfinished.Add(n) > unfinishedMost {
			s.wrong.Add(1)
			return &outgoing{b: ownFailure(string(m.Type), codeOver, "too many large requests at once, try again").b}, nil
		}
	}
	out := &outgoing{b: s.answer(ctx, l, &m).b}
	if len(out.b) >= largeMessage {
		out.to, out.of = l, string(m.Type)
	}
	return out, nil
}

// recovered makes a panic a logged failure of one request.
func (s *Server) recovered(l *link, m *payload.Message, r *reply) {
	p := recover()
	if p == nil {
		return
	}
	s.wrong.Add(1)
	s.cfg.Log.Error("a gRPC request panicked", "type", string(m.Type), "client", l.remote, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	*r = broken(codeFail, "internal error")
}

// answer checks a request in the order of Nacos (grpc.md §2) and has it handled.
func (s *Server) answer(ctx context.Context, l *link, m *payload.Message) (r reply) {
	defer s.recovered(l, m, &r)
	if clusterTypes[string(m.Type)] {
		return s.refuse(codeBadGateway, "the type "+string(m.Type)+" is taken from other servers only, not on this port")
	}
	if s.stopping.Load() && string(m.Type) == "HealthCheckRequest" {
		// Not 300: SDKs take that for a server that is about to be well. Go's, which checks before it follows a reset, would then
		// stay, redo all it registered on a connection that is about to end, and block itself for good.
		return s.refuse(codeFail, "the server is stopping")
	}
	if err := s.serving(); err != nil {
		return s.refuse(codeStarting, "Server is starting,please try later.")
	}
	if string(m.Type) == "ServerCheckRequest" {
		return serverCheck(l)
	}
	h := s.handlers[string(m.Type)]
	if h == nil {
		return s.refuse(codeNoHandler, "RequestHandler Not Found")
	}
	c := l.registered.Load()
	if c == nil {
		return s.refuse(codeUnknown, "Connection is unregistered.")
	}
	l.seen()
	if c.limit != nil && !c.limit.Allow() {
		s.wrong.Add(1)
		hold(ctx, overDelay)
		return ownFailure(string(m.Type), codeOver, "more than "+strconv.Itoa(s.cfg.Limits.Rate)+" requests a second on one connection (setting grpc-max-rate)")
	}
	if l.answers.Load() > answersMost {
		s.wrong.Add(1)
		return tooManyAnswers(string(m.Type))
	}
	return h(ctx, c, m)
}

func hold(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (s *Server) refuse(code int, message string) reply {
	s.wrong.Add(1)
	return refuse(code, message)
}

// serving returns nil when requests may be answered.
func (s *Server) serving() error {
	if s.stopping.Load() {
		return fault.New(fault.Unavailable, "the server is stopping")
	}
	return s.cfg.Ready()
}

func serverCheck(l *link) reply {
	b := append(make([]byte, 0, 160), `{"resultCode":200,"errorCode":0,"connectionId":`...)
	b = payload.AppendString(b, l.id)
	return reply{payload.Encode("ServerCheckResponse", "", append(b, `,"supportAbilityNegotiation":true,"success":true}`...))}
}

// okBody is an answer that says success and no more.
const okBody = `{"resultCode":200,"errorCode":0,"success":true}`

var healthy = reply{payload.Encode("HealthCheckResponse", "", []byte(okBody))}

func healthCheck(context.Context, *Conn, *payload.Message) reply { return healthy }

// requestBody begins the body of a request to a client; the caller ends it.
func requestBody(id uint64) []byte {
	b := append(make([]byte, 0, 256), `{"headers":{},"requestId":"`...)
	b = strconv.AppendUint(b, id, 10)
	return append(b, '"')
}
