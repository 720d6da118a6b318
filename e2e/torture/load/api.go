// Package load is the clients of a torture run: those that change and read registers, that add, that listen,
// that register instances and those that watch them. Each writes down what it asked and what came back.
package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"nacre/e2e/torture/history"
)

// Group is the group of all configurations of a run.
const Group = "torture"

// patience is how long a client waits for an answer.
const patience = 5 * time.Second

// api speaks HTTP with one node.
type api struct {
	base   string
	client *http.Client
	strong string // the parameter of a strong read
}

func newAPI(base string, cluster bool) *api {
	a := &api{base: base, client: &http.Client{Timeout: patience, Transport: &http.Transport{
		MaxIdleConnsPerHost: 4, DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
	}}}
	if cluster {
		a.strong = "strong"
	}
	return a
}

// answer is what a request came to: a status, or an error.
type answer struct {
	status int
	body   []byte
	err    error
}

func (a *api) do(ctx context.Context, method, path string, query url.Values, header http.Header, body string) answer {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, strings.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	for k, v := range header {
		req.Header[k] = v
	}
	res, err := a.client.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, b, err}
}

// unsent reports whether the request certainly did not reach the server.
func (r answer) unsent() bool {
	var op *net.OpError
	return errors.As(r.err, &op) && op.Op == "dial" || errors.Is(r.err, syscall.ECONNREFUSED)
}

// broken reports whether the connection may not be the same any more.
func (r answer) broken() bool { return r.err != nil }

// settle writes into o what became of it, where that is not OK.
func (r answer) settle(o *history.Op) {
	o.Text = strings.TrimSpace(string(r.body[:min(len(r.body), 300)]))
	switch {
	case r.unsent():
		o.Outcome, o.Text = history.Refused, r.err.Error()
	case r.err != nil:
		o.Outcome, o.Text = history.Unknown, r.err.Error()
	case r.status == http.StatusServiceUnavailable && nothingWritten(o.Text):
		o.Outcome = history.Refused
	case r.status >= 400 && r.status < 500:
		o.Outcome = history.Refused
	default:
		o.Outcome = history.Unknown
	}
	if !o.Writes() {
		o.Outcome = history.Refused
	}
}

// nothingWritten reports whether a refusal says that it had no effect.
func nothingWritten(text string) bool {
	return strings.Contains(text, "nothing was written") || strings.Contains(text, "nothing was changed")
}

func jsonHeader() http.Header { return http.Header{"Content-Type": {"application/json"}} }

func formHeader() http.Header {
	return http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
}

func keyQuery(key string, more ...string) url.Values {
	q := url.Values{"group": {Group}, "dataId": {key}}
	for i := 0; i < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return q
}

// write does a put, a CAS by revision or a create by Nacre's own interface.
func (a *api) write(ctx context.Context, o *history.Op) answer {
	q, h := keyQuery(o.Key, "operator", strconv.Itoa(o.Client)), jsonHeader()
	switch o.Kind {
	case history.CAS:
		q.Set("ifRevision", strconv.FormatUint(o.Expect, 10))
	case history.Create:
		h.Set("If-None-Match", "*")
	}
	body, _ := json.Marshal(map[string]string{"content": o.Value})
	r := a.do(ctx, http.MethodPut, "/nacre/v1/config", q, h, string(body))
	var out struct{ Revision uint64 }
	switch {
	case r.err == nil && r.status == http.StatusOK && json.Unmarshal(r.body, &out) == nil && out.Revision > 0:
		o.Outcome, o.Revision = history.OK, out.Revision
	case r.err == nil && r.status == http.StatusConflict:
		o.Outcome, o.Text = history.No, string(r.body)
	default:
		r.settle(o)
	}
	return r
}

func (a *api) remove(ctx context.Context, o *history.Op) answer {
	r := a.do(ctx, http.MethodDelete, "/nacre/v1/config", keyQuery(o.Key, "operator", strconv.Itoa(o.Client)), nil, "")
	var out struct {
		Existed  bool
		Revision uint64
	}
	switch {
	case r.err != nil || r.status != http.StatusOK || json.Unmarshal(r.body, &out) != nil:
		r.settle(o)
	case out.Existed:
		o.Outcome, o.Revision = history.OK, out.Revision
	default:
		o.Outcome = history.No
	}
	return r
}

func (a *api) read(ctx context.Context, o *history.Op) answer {
	q := keyQuery(o.Key)
	if o.Kind == history.Strong && a.strong != "" {
		q.Set("consistency", a.strong)
	}
	r := a.do(ctx, http.MethodGet, "/nacre/v1/config", q, nil, "")
	var out struct {
		Content  string
		Revision uint64
	}
	switch {
	case r.err == nil && r.status == http.StatusOK && json.Unmarshal(r.body, &out) == nil:
		o.Outcome, o.Value, o.Revision = history.OK, out.Content, out.Revision
	case r.err == nil && r.status == http.StatusNotFound && strings.Contains(string(r.body), "there is no configuration"):
		o.Outcome = history.OK
	default:
		r.settle(o)
	}
	return r
}

// nacos publishes by one of Nacos' interfaces, which tell no revision.
func (a *api) nacos(ctx context.Context, o *history.Op, version int) answer {
	form := url.Values{"dataId": {o.Key}, "content": {o.Value}, "src_user": {strconv.Itoa(o.Client)}, "srcUser": {strconv.Itoa(o.Client)}}
	h, path, want := formHeader(), "/nacos/v1/cs/configs", "true"
	form.Set("group", Group)
	switch version {
	case 2:
		path, want = "/nacos/v2/cs/config", `"data":true`
	case 3:
		path, want = "/nacos/v3/admin/cs/config", `"data":true`
		form.Set("groupName", Group)
	}
	if o.ExpectMD5 != "" {
		h.Set("casMd5", o.ExpectMD5)
	}
	r := a.do(ctx, http.MethodPost, path, nil, h, form.Encode())
	switch {
	case r.err == nil && r.status == http.StatusOK && strings.Contains(string(r.body), want):
		o.Outcome = history.OK
	case r.err == nil && o.ExpectMD5 != "" && strings.Contains(strings.ToLower(string(r.body)), "cas publish fail"):
		o.Outcome, o.Text = history.No, string(r.body)
	default:
		r.settle(o)
	}
	return r
}

// configs returns all configurations of the run that the node has.
func (a *api) configs(ctx context.Context) (map[string]history.Held, error) {
	out := map[string]history.Held{}
	for page := 1; ; page++ {
		r := a.do(ctx, http.MethodGet, "/nacre/v1/configs", url.Values{"group": {Group}, "size": {"500"}, "page": {strconv.Itoa(page)}}, nil, "")
		if r.err != nil || r.status != http.StatusOK {
			return nil, fmt.Errorf("listing configurations: %d %s %w", r.status, r.body, r.err)
		}
		var p struct {
			Pages   int
			Configs []struct {
				DataID, MD5 string
				Revision    uint64
			}
		}
		if err := json.Unmarshal(r.body, &p); err != nil {
			return nil, err
		}
		for _, c := range p.Configs {
			out[c.DataID] = history.Held{MD5: c.MD5, Revision: c.Revision}
		}
		if page >= p.Pages {
			return out, nil
		}
	}
}

// versions returns the whole history of a key.
func (a *api) versions(ctx context.Context, key string) ([]history.Version, error) {
	var out []history.Version
	before := uint64(0)
	for {
		q := keyQuery(key, "size", "500")
		if before > 0 {
			q.Set("before", strconv.FormatUint(before, 10))
		}
		r := a.do(ctx, http.MethodGet, "/nacre/v1/versions", q, nil, "")
		if r.err != nil || r.status != http.StatusOK {
			return nil, fmt.Errorf("the versions of %s: %d %s %w", key, r.status, r.body, r.err)
		}
		var p struct {
			Versions []struct {
				Revision          uint64
				Op, MD5, Operator string
			}
		}
		if err := json.Unmarshal(r.body, &p); err != nil {
			return nil, err
		}
		if len(p.Versions) == 0 {
			return out, nil
		}
		for _, v := range p.Versions {
			out = append(out, history.Version{Revision: v.Revision, Op: v.Op, MD5: v.MD5, Operator: v.Operator})
		}
		before = p.Versions[len(p.Versions)-1].Revision
	}
}

// instances returns the healthy instances of a service as ip:port, in their order.
func (a *api) instances(ctx context.Context, service string) ([]string, error) {
	r := a.do(ctx, http.MethodGet, "/nacos/v1/ns/instance/list", url.Values{"serviceName": {service}, "groupName": {Group}, "healthyOnly": {"true"}}, nil, "")
	if r.err != nil || r.status != http.StatusOK {
		return nil, fmt.Errorf("the instances of %s: %d %s %w", service, r.status, r.body, r.err)
	}
	return hosts(r.body)
}
