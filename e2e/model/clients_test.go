package model

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"nacre/server/rpc/rpctest"
)

// grpcClient does what an SDK does: it listens with the digests it has, is told of changes, asks which,
// reads them, and listens again. Now and then it drops its connection, leaves pushes without an answer, stalls, or
// loses its line without the server's knowing.
type grpcClient struct {
	view *view
}

func (c *grpcClient) run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := c.session(ctx); err != nil && ctx.Err() == nil {
			pause(ctx, time.Duration(20+rand.IntN(80))*time.Millisecond) // the server may be restarting
		}
	}
}

// session is one connection.
func (c *grpcClient) session(ctx context.Context) error {
	told := make(chan struct{}, 1)
	tell := func() {
		select {
		case told <- struct{}{}:
		default:
		}
	}
	var line *faultyConn
	deaf := 0 // pushes in a row that were not acknowledged
	dialCtx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := rpctest.Dial(dialCtx, c.view.w.grpc, rpctest.Options{
		Dial: func(ctx context.Context, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
			if err != nil {
				return nil, err
			}
			line = &faultyConn{Conn: nc, closed: make(chan struct{})}
			return line, nil
		},
		Push: func(m rpctest.Message) bool {
			if m.Type != "ConfigChangeNotifyRequest" {
				return true
			}
			if c.faulty(10) && deaf < 3 {
				deaf++
				return false // neither heard nor acknowledged
			}
			deaf = 0
			tell()
			return true
		},
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := c.listen(ctx, conn, true); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-conn.Ended():
			return errors.New("the stream ended")
		case <-told:
		case <-time.After(time.Second):
			if _, err := c.call(ctx, conn, "HealthCheckRequest", struct{}{}); err != nil {
				return err
			}
		}
		switch {
		case c.faulty(60):
			return nil // drops the connection
		case c.faulty(60):
			line.stall(ctx, time.Duration(rand.IntN(1500))*time.Millisecond)
		case c.faulty(80):
			line.half.Store(true) // the server does not learn that nobody is there any more
			return nil
		}
		if err := c.listen(ctx, conn, false); err != nil {
			return err
		}
	}
}

// faulty reports in one of n cases that something is to go wrong, as long as things go wrong.
func (c *grpcClient) faulty(n int) bool { return !c.view.w.quiet.Load() && rand.IntN(n) == 0 }

func (c *grpcClient) call(ctx context.Context, conn *rpctest.Client, typ string, body any) (rpctest.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	m, err := conn.Call(ctx, typ, body)
	if err == nil && m.Int("resultCode") != 200 && (m.Int("errorCode") != 300 || m.Type == "ErrorResponse") { // 300: no such configuration, or not ready
		err = errors.New(m.String())
	}
	return m, err
}

// listen asks which keys differ and reads those, until none does.
func (c *grpcClient) listen(ctx context.Context, conn *rpctest.Client, all bool) error {
	for round := 0; ; round++ {
		contexts := make([]map[string]any, len(c.view.keys))
		for i, k := range c.view.keys {
			contexts[i] = map[string]any{"dataId": k.id, "group": group, "tenant": "", "md5": c.view.md5(i)}
		}
		m, err := c.call(ctx, conn, "ConfigBatchListenRequest", map[string]any{"listen": true, "configListenContexts": contexts})
		if err != nil {
			return err
		}
		changed, ok := m.Field("changedConfigs").([]any)
		if !ok {
			return fmt.Errorf("no changedConfigs: %s", m)
		}
		if len(changed) == 0 {
			return nil
		}
		for _, x := range changed {
			id, _ := x.(map[string]any)["dataId"].(string)
			i := c.view.index(id)
			if i < 0 {
				err := fmt.Errorf("%s was told of %q, which it does not listen for", c.view.name, id)
				c.view.w.fail(err)
				return err
			}
			m, err := c.call(ctx, conn, "ConfigQueryRequest", map[string]any{"dataId": id, "group": group, "tenant": ""})
			if err != nil {
				return err
			}
			content := m.Text("content")
			if m.Int("resultCode") == 200 && m.Text("md5") != digest(content) {
				c.view.w.fail(fmt.Errorf("%s: %s came with the md5 %s, its own is %s", c.view.name, id, m.Text("md5"), digest(content)))
			}
			c.view.learn(i, content)
		}
	}
}

// pollClient does what SDKs of version 1 do: it polls, and reads what the answer names.
type pollClient struct {
	view *view
}

func (c *pollClient) run(ctx context.Context) {
	h := newHTTP()
	for ctx.Err() == nil {
		if err := c.poll(ctx, h); err != nil && ctx.Err() == nil {
			pause(ctx, time.Duration(20+rand.IntN(80))*time.Millisecond)
		}
	}
	h.CloseIdleConnections()
}

func (c *pollClient) poll(ctx context.Context, h *http.Client) error {
	var list strings.Builder
	for i, k := range c.view.keys {
		list.WriteString(k.id + "\x02" + group + "\x02" + c.view.md5(i) + "\x01")
	}
	limit := longWait + 5*time.Second
	if !c.view.w.quiet.Load() && rand.IntN(15) == 0 {
		limit = time.Duration(rand.IntN(1000)) * time.Millisecond // it leaves before it is answered
	}
	pollCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	header := http.Header{"Long-Pulling-Timeout": {fmt.Sprint(longWait.Milliseconds())}, "Client-Version": {"3.0.0"}}
	body, status, err := do(pollCtx, h, http.MethodPost, c.view.w.http+"/nacos/v1/cs/configs/listener", url.Values{"Listening-Configs": {list.String()}}.Encode(), header)
	if err != nil || status != http.StatusOK {
		return errors.Join(err, fmt.Errorf("%d %s", status, body))
	}
	text, err := url.QueryUnescape(strings.TrimSpace(body))
	if err != nil {
		return err
	}
	for line := range strings.SplitSeq(text, "\x01") {
		id, _, _ := strings.Cut(line, "\x02")
		if id == "" {
			continue
		}
		content, err := get(ctx, h, c.view.w.http, id)
		if err != nil {
			return err
		}
		c.view.learn(c.view.index(id), content)
	}
	return nil
}

// faultyConn is a line that stands still or goes dead when told to.
type faultyConn struct {
	net.Conn
	closed chan struct{}
	half   atomic.Bool
	still  atomic.Int64 // until when, in Unix nanoseconds
}

func (f *faultyConn) stall(ctx context.Context, d time.Duration) {
	f.still.Store(time.Now().Add(d).UnixNano())
	pause(ctx, d)
}

func (f *faultyConn) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	if d := time.Until(time.Unix(0, f.still.Load())); d > 0 {
		select {
		case <-time.After(d):
		case <-f.closed:
		}
	}
	return n, err
}

// Close leaves the socket open for a while when the line is to look alive to the other side.
func (f *faultyConn) Close() error {
	select {
	case <-f.closed:
		return nil
	default:
		close(f.closed)
	}
	if f.half.Load() {
		time.AfterFunc(time.Second, func() { _ = f.Conn.Close() })
		return nil
	}
	return f.Conn.Close()
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
