// Package probe asks persistent instances whether they are well: by a TCP connection, an HTTP request, a
// query of MySQL, or the health service of gRPC.
package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"nacre/server/clock"
)

// The types of checkers, as Nacos spells them; GRPC is ours.
const (
	None  = "NONE"
	TCP   = "TCP"
	HTTP  = "HTTP"
	MySQL = "MYSQL"
	GRPC  = "GRPC"
)

// Checker says how an instance is asked. What does not belong to its Type is ignored.
type Checker struct {
	Type string
	// Path, Headers ("a:b|c:d") and Code (0 for 200) are of HTTP.
	Path, Headers string
	Code          int
	// User, Password and Command are of MYSQL.
	User, Password, Command string
	// Service is the name that the health service of gRPC is asked for, "" for the server as a whole.
	Service string
}

// Result is what one question found.
type Result struct {
	// OK says that the instance is well.
	OK bool
	// Certain says that one such result is enough: somebody answered and said no, or nobody can be there.
	Certain bool
	// Text says in a few words what happened.
	Text string
	// Took is how long it took.
	Took time.Duration
}

// timeouts bound one question, by type (Nacos gives TCP 500 ms).
var timeouts = map[string]time.Duration{TCP: 500 * time.Millisecond, HTTP: 2 * time.Second, MySQL: 2 * time.Second, GRPC: 2 * time.Second}

// Prober asks. It is safe for concurrent use; Close gives back what it holds.
type Prober struct {
	dialer *net.Dialer
	http   *http.Client
}

// New returns a prober.
func New() *Prober {
	dialer := &net.Dialer{}
	return &Prober{dialer: dialer, http: &http.Client{
		Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // 302 is an answer of its own
		},
	}}
}

// Close ends idle connections.
func (p *Prober) Close() { p.http.CloseIdleConnections() }

// Ask asks the instance at address, host:port, once. It blocks for at most two seconds.
func (p *Prober) Ask(ctx context.Context, c Checker, address string) Result {
	limit, ok := timeouts[c.Type]
	if !ok { // NONE, and what nobody knows, as in Nacos
		return Result{OK: true, Text: "not checked"}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	start := clock.Mono()
	r := p.ask(ctx, c, address)
	r.Took = clock.Mono().Sub(start)
	return r
}

func (p *Prober) ask(ctx context.Context, c Checker, address string) Result {
	switch c.Type {
	case HTTP:
		return p.askHTTP(ctx, c, address)
	case MySQL:
		return askMySQL(ctx, c, address)
	case GRPC:
		return p.askGRPC(ctx, c, address)
	}
	conn, err := p.dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return failed(err)
	}
	_ = conn.Close()
	return Result{OK: true, Text: "connected"}
}

// failed says what an error means: a refused connection is certain, a timeout may pass.
func failed(err error) Result {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Result{Certain: true, Text: "connection refused"}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return Result{Text: "no answer in time"}
	}
	return Result{Text: clip(err.Error())}
}

func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), 200)], "") }

// askHTTP takes the expected status for well, 503 and 302 for trouble that may pass, as Nacos does, and anything else for certain.
func (p *Prober) askHTTP(ctx context.Context, c Checker, address string) Result {
	path := c.Path
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return Result{Certain: true, Text: clip("the path can't be asked for: " + err.Error())}
	}
	for pair := range strings.SplitSeq(c.Headers, "|") {
		name, value, _ := strings.Cut(pair, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case name == "":
		case strings.EqualFold(name, "Host"):
			req.Host = value
		default:
			req.Header.Set(name, value)
		}
	}
	answer, err := p.http.Do(req)
	if err != nil {
		return failed(err)
	}
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10)
	_ = answer.Body.Close()
	want := c.Code
	if want == 0 {
		want = http.StatusOK
	}
	r := Result{Text: "status " + strconv.Itoa(answer.StatusCode)}
	switch answer.StatusCode {
	case want:
		r.OK = true
	case http.StatusServiceUnavailable, http.StatusFound:
	default:
		r.Certain = true
		r.Text += fmt.Sprintf(", expected %d", want)
	}
	return r
}
