package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"nacre/e2e/torture/history"
	"nacre/server/rpc/rpctest"
)

// dial connects to the node that is the client's i-th choice, as SDKs go from one address to the next.
func (c *client) dial(ctx context.Context, i int, o rpctest.Options) (*rpctest.Client, int, error) {
	node := c.nth(i)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := rpctest.Dial(ctx, c.w.lab.GRPC(node), o)
	return conn, node, err
}

func call(ctx context.Context, conn *rpctest.Client, typ string, body any) (rpctest.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	m, err := conn.Call(ctx, typ, body)
	if err == nil && (m.Type == "ErrorResponse" || m.Int("resultCode") != 200 && m.Int("errorCode") != 300) {
		err = errors.New(m.String())
	}
	return m, err
}

// sessionsOf runs one session after the other, at another node when one has failed.
func (c *client) sessionsOf(ctx context.Context, session func(ctx context.Context, i int) error) {
	for i := 0; ctx.Err() == nil; i++ {
		if err := session(ctx, i); err != nil {
			pause(ctx, 100*time.Millisecond)
		}
	}
}

// listens does what SDKs do: it listens with the digests it has, is told of changes, reads them, and listens again. It does
// not ask again unless it is told, so that a push that is lost shows.
func (c *client) listens(ctx context.Context) {
	have := map[string]string{}
	c.sessionsOf(ctx, func(ctx context.Context, i int) error {
		told := make(chan struct{}, 1)
		conn, node, err := c.dial(ctx, i, rpctest.Options{Push: func(m rpctest.Message) bool {
			if m.Type == "ConfigChangeNotifyRequest" {
				select {
				case told <- struct{}{}:
				default:
				}
			}
			return true
		}})
		if err != nil {
			return err
		}
		defer conn.Close()
		c.sessions[0]++
		if err := c.listen(ctx, conn, node, have); err != nil {
			return err
		}
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-conn.Ended():
				return errors.New("the stream ended")
			case <-told:
				err = c.listen(ctx, conn, node, have)
			case <-time.After(2 * time.Second):
				_, err = call(ctx, conn, "HealthCheckRequest", struct{}{})
			}
			if err != nil {
				return err
			}
		}
	})
}

// listen asks which keys differ and reads those, until none does.
func (c *client) listen(ctx context.Context, conn *rpctest.Client, node int, have map[string]string) error {
	for {
		contexts := make([]map[string]any, 0, len(c.w.cfg.Keys))
		for _, k := range c.w.cfg.Keys {
			contexts = append(contexts, map[string]any{"dataId": k, "group": Group, "tenant": "", "md5": history.MD5(have[k])})
		}
		m, err := call(ctx, conn, "ConfigBatchListenRequest", map[string]any{"listen": true, "configListenContexts": contexts})
		if err != nil {
			return err
		}
		changed, _ := m.Field("changedConfigs").([]any)
		if len(changed) == 0 {
			return nil
		}
		for _, x := range changed {
			key, _ := x.(map[string]any)["dataId"].(string)
			m, err := call(ctx, conn, "ConfigQueryRequest", map[string]any{"dataId": key, "group": Group, "tenant": ""})
			if err != nil {
				return err
			}
			c.learn(node, key, m.Text("content"), have)
		}
	}
}

func (c *client) learn(node int, key, value string, have map[string]string) {
	have[key] = value
	c.w.told.Store(tellee{c.id, false, key}, history.MD5(value))
	c.w.rec.Record(history.Entry{Told: &history.Told{Listener: c.id, Session: c.sessions[0], Node: node, Key: key, Value: value, At: c.w.rec.Now()}})
}

// polls does what SDKs of version 1 do: it polls, and reads what the answer names.
func (c *client) polls(ctx context.Context) {
	have := map[string]string{}
	c.sessionsOf(ctx, func(ctx context.Context, i int) error {
		c.sessions[0]++
		for node := c.nth(i); ctx.Err() == nil; {
			if err := c.poll(ctx, node, have); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *client) poll(ctx context.Context, node int, have map[string]string) error {
	const wait = 4 * time.Second // below patience
	var list strings.Builder
	for _, k := range c.w.cfg.Keys {
		list.WriteString(k + "\x02" + Group + "\x02" + history.MD5(have[k]) + "\x01")
	}
	h := formHeader()
	h.Set("Long-Pulling-Timeout", fmt.Sprint(wait.Milliseconds()))
	r := c.api(node).do(ctx, http.MethodPost, "/nacos/v1/cs/configs/listener", nil, h, url.Values{"Listening-Configs": {list.String()}}.Encode())
	if r.err != nil || r.status != http.StatusOK {
		return errors.Join(r.err, fmt.Errorf("%d %s", r.status, r.body))
	}
	text, err := url.QueryUnescape(strings.TrimSpace(string(r.body)))
	if err != nil {
		return err
	}
	for line := range strings.SplitSeq(text, "\x01") {
		key, _, _ := strings.Cut(line, "\x02")
		if key == "" {
			continue
		}
		o := &history.Op{Kind: history.Local, Key: key}
		if r := c.api(node).read(ctx, o); o.Outcome != history.OK {
			return errors.Join(r.err, fmt.Errorf("%d %s", r.status, r.body))
		}
		c.learn(node, key, o.Value, have)
	}
	return nil
}
