package model

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"nacre/server/rpc/rpctest"
)

// publisher changes keys of its own, one change after the other.
type publisher struct {
	w     *world
	keys  []*key
	grpc  bool
	pause time.Duration
	seq   int

	http *http.Client
	conn *rpctest.Client
}

// run makes changes until ctx ends. A change whose end is unknown is read back before the next of that key.
func (p *publisher) run(ctx context.Context) {
	p.http = newHTTP()
	defer func() {
		if p.conn != nil {
			p.conn.Close()
		}
	}()
	for ctx.Err() == nil {
		k := p.keys[rand.IntN(len(p.keys))]
		p.seq++
		content := ""
		if rand.IntN(10) > 0 {
			content = fmt.Sprintf("%s/%d %s", k.id, p.seq, strings.Repeat("x", rand.IntN(500)))
		}
		place := k.next(content)
		err := p.change(k, content)
		for ctx.Err() == nil && err != nil { // perhaps it took effect
			var held string
			if held, err = get(ctx, p.http, p.w.http, k.id); err == nil && held != content {
				err = p.change(k, content)
			}
			time.Sleep(20 * time.Millisecond)
		}
		if err == nil {
			k.ack(place)
			p.w.acked.Add(1)
		}
		time.Sleep(p.pause)
	}
}

// change is not cut off by the end of the run, so that it is known what came of it.
func (p *publisher) change(k *key, content string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if p.grpc {
		return p.changeByGRPC(ctx, k, content)
	}
	form := url.Values{"dataId": {k.id}, "group": {group}}
	if content == "" {
		return expectTrue(ctx, p.http, http.MethodDelete, p.w.http+"/nacos/v1/cs/configs?"+form.Encode(), "")
	}
	form.Set("content", content)
	return expectTrue(ctx, p.http, http.MethodPost, p.w.http+"/nacos/v1/cs/configs", form.Encode())
}

func (p *publisher) changeByGRPC(ctx context.Context, k *key, content string) (err error) {
	defer func() {
		if err != nil && p.conn != nil {
			p.conn.Close()
			p.conn = nil
		}
	}()
	if p.conn == nil {
		if p.conn, err = rpctest.Dial(ctx, p.w.grpc, rpctest.Options{}); err != nil {
			return err
		}
	}
	typ, body := "ConfigPublishRequest", map[string]any{"dataId": k.id, "group": group, "tenant": "", "content": content}
	if content == "" {
		typ = "ConfigRemoveRequest"
		delete(body, "content")
	}
	m, err := p.conn.Call(ctx, typ, body)
	if err == nil && m.Int("resultCode") != 200 {
		err = errors.New(m.String())
	}
	return err
}

func newHTTP() *http.Client {
	return &http.Client{Timeout: 40 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 2}}
}

func expectTrue(ctx context.Context, c *http.Client, method, target, form string) error {
	body, status, err := do(ctx, c, method, target, form, nil)
	if err == nil && (status != http.StatusOK || body != "true") {
		err = fmt.Errorf("%d %s", status, body)
	}
	return err
}

func do(ctx context.Context, c *http.Client, method, target, form string, header http.Header) (string, int, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(form))
	if err != nil {
		return "", 0, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := c.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return string(body), res.StatusCode, err
}

// get returns a configuration's content, "" when there is none.
func get(ctx context.Context, c *http.Client, base, id string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	body, status, err := do(ctx, c, http.MethodGet, base+"/nacos/v1/cs/configs?"+url.Values{"dataId": {id}, "group": {group}}.Encode(), "", nil)
	switch {
	case err != nil:
		return "", err
	case status == http.StatusNotFound:
		return "", nil
	case status != http.StatusOK:
		return "", fmt.Errorf("reading %s: %d %s", id, status, body)
	}
	return body, nil
}
