package probe

import (
	"context"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// askGRPC asks the standard health service (grpc.health.v1).
func (p *Prober) askGRPC(ctx context.Context, c Checker, address string) Result {
	// The connection is made first, as gRPC would go on trying where it is refused.
	conn, err := p.dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return failed(err)
	}
	defer conn.Close()
	given := make(chan net.Conn, 1)
	given <- conn
	client, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			select {
			case c := <-given:
				return c, nil
			default:
				return p.dialer.DialContext(ctx, "tcp", address)
			}
		}))
	if err != nil {
		return Result{Certain: true, Text: clip(err.Error())}
	}
	defer client.Close()
	answer, err := grpc_health_v1.NewHealthClient(client).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: c.Service})
	switch code := status.Code(err); {
	case err == nil:
	case code == codes.DeadlineExceeded || code == codes.Unavailable:
		return Result{Text: "no answer in time"}
	default:
		return Result{Certain: true, Text: clip(code.String() + ": " + status.Convert(err).Message())}
	}
	if s := answer.GetStatus(); s != grpc_health_v1.HealthCheckResponse_SERVING {
		return Result{Certain: true, Text: s.String()}
	}
	return Result{OK: true, Text: "SERVING"}
}
