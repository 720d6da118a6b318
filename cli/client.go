package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// serverFlags say which server a command talks to.
type serverFlags struct {
	Server string `placeholder:"URL" help:"The server to talk to; NACRE_SERVER names it, too (default: http://127.0.0.1:8848)."`
}

// client calls the API under /nacre/v1 of one server.
type client struct {
	base string
	http *http.Client
	// operator is who makes changes, for the history.
	operator string
	// ticket, when not empty, is what lets this client move everything.
	ticket string
}

// apiError is a refusal that the server put in words.
type apiError struct {
	Status  int
	Kind    string
	Message string
}

// Error returns the server's sentence.
func (e *apiError) Error() string { return e.Message }

const defaultServer = "http://127.0.0.1:8848"

func (f *serverFlags) client(env *Env) (*client, error) {
	from, server := "--server", f.Server
	if server == "" {
		from, server = "NACRE_SERVER", env.variable("NACRE_SERVER")
	}
	if server == "" {
		server = defaultServer
	}
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, Usage("%s is %q, it must be the address of a server, like %s", from, server, defaultServer)
	}
	u.Path, u.RawQuery, u.Fragment = strings.TrimRight(u.Path, "/"), "", ""
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 2 * time.Minute,
		MaxIdleConnsPerHost:   4,
	}
	return &client{base: u.String(), http: &http.Client{Transport: t}}, nil
}

// variable returns an environment variable, "" when it is not set.
func (e *Env) variable(name string) string {
	for _, pair := range e.Environ {
		if n, value, _ := strings.Cut(pair, "="); n == name {
			return value
		}
	}
	return ""
}

// close ends the connections that are kept for the next call.
func (c *client) close() { c.http.CloseIdleConnections() }

// call sends a request and reads the JSON answer into out. What the server says will pass is tried
// again three times; all calls of this client may be made twice.
func (c *client) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	var body []byte
	if in != nil {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(in); err != nil {
			return err
		}
		body = b.Bytes()
	}
	for try := 1; ; try++ {
		answer, err := c.send(ctx, method, path, query, body)
		if err == nil {
			defer answer.Body.Close()
			if err := json.NewDecoder(answer.Body).Decode(out); err != nil {
				return fmt.Errorf("the answer of %s to %s %s is not what Nacre answers: %w", c.base, method, path, err)
			}
			return nil
		}
		var refused *apiError
		if try > 3 || !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(try) * 500 * time.Millisecond):
		}
	}
}

// send returns an answer of status 200; every other is an error.
func (c *client) send(ctx context.Context, method, path string, query url.Values, body []byte) (*http.Response, error) {
	address := c.base + "/nacre/v1" + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.ticket != "" {
		req.Header.Set("Nacre-Ticket", c.ticket)
	}
	answer, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	var refusal struct {
		Error struct{ Kind, Message string }
	}
	if json.Unmarshal(text, &refusal) != nil || refusal.Error.Message == "" {
		return nil, fmt.Errorf("what answers at %s is not Nacre: %s %s got the status %d", c.base, method, path, answer.StatusCode)
	}
	return nil, &apiError{answer.StatusCode, refusal.Error.Kind, refusal.Error.Message}
}

// unreachable words a failed connection with what the user can do about it.
func (c *client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("the server at %s can't be reached: %w\nStart one with `nacre serve`, or name another with --server or NACRE_SERVER.", c.base, err)
}

// namespaceExists asks whether a namespace was created; the default one always is there.
func (c *client) namespaceExists(ctx context.Context, id string) (bool, error) {
	var ns struct{ ID string }
	err := c.call(ctx, http.MethodGet, "/namespaces/"+url.PathEscape(id), nil, nil, &ns)
	var refused *apiError
	if errors.As(err, &refused) && refused.Kind == "notFound" {
		return false, nil
	}
	return err == nil, err
}

func (c *client) createNamespace(ctx context.Context, id string) error {
	var ns struct{ ID string }
	err := c.call(ctx, http.MethodPost, "/namespaces", nil, map[string]string{"id": id, "name": id}, &ns)
	var refused *apiError
	if errors.As(err, &refused) && refused.Kind == "conflict" {
		return nil // somebody was quicker
	}
	return err
}

// count returns how many configurations a namespace has.
func (c *client) count(ctx context.Context, namespace string) (int, error) {
	var page struct{ Total int }
	err := c.call(ctx, http.MethodGet, "/configs", url.Values{"namespace": {namespace}, "size": {"1"}}, nil, &page)
	return page.Total, err
}

// export copies the ZIP of what query selects to w.
func (c *client) export(ctx context.Context, query url.Values, w io.Writer) error {
	answer, err := c.send(ctx, http.MethodGet, "/export", query, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(w, answer.Body); err != nil {
		return fmt.Errorf("the export from %s broke off: %w", c.base, err)
	}
	return nil
}

// The states of a planned configuration, in the words of the API.
const (
	stateNew      = "new"
	stateSame     = "same"
	stateConflict = "conflict"
	stateInvalid  = "invalid"
)

type planItem struct {
	Group  string `json:"group"`
	DataID string `json:"dataId"`
	MD5    string `json:"md5"`
	Size   int64  `json:"size"`
}

type planRow struct {
	State  string `json:"state"`
	MD5    string `json:"md5"`
	Reason string `json:"reason"`
}

// plan asks what an import would do; the rows are in the order of the items.
func (c *client) plan(ctx context.Context, namespace string, items []planItem) ([]planRow, error) {
	var answer struct{ Configs []planRow }
	in := map[string][]planItem{"configs": items}
	if err := c.call(ctx, http.MethodPost, "/imports/plan", url.Values{"namespace": {namespace}}, in, &answer); err != nil {
		return nil, err
	}
	if len(answer.Configs) != len(items) {
		return nil, fmt.Errorf("%s planned %d configurations of %d", c.base, len(answer.Configs), len(items))
	}
	return answer.Configs, nil
}

type importItem struct {
	Group   string   `json:"group"`
	DataID  string   `json:"dataId"`
	Content string   `json:"content"`
	IfMD5   string   `json:"ifMd5,omitempty"`
	Type    string   `json:"type,omitempty"`
	AppName string   `json:"appName,omitempty"`
	Desc    string   `json:"desc,omitempty"`
	Tags    []string `json:"tags,omitempty"`
}

type importRow struct {
	Result string `json:"result"`
	Reason string `json:"reason"`
}

// publish writes configurations; the rows are in the order of the items.
func (c *client) publish(ctx context.Context, namespace, policy string, items []importItem) ([]importRow, error) {
	var answer struct{ Configs []importRow }
	query := url.Values{"namespace": {namespace}, "policy": {policy}, "operator": {c.operator}}
	in := map[string][]importItem{"configs": items}
	if err := c.call(ctx, http.MethodPost, "/imports", query, in, &answer); err != nil {
		return nil, err
	}
	if len(answer.Configs) != len(items) {
		return nil, fmt.Errorf("%s told of %d configurations of %d", c.base, len(answer.Configs), len(items))
	}
	return answer.Configs, nil
}
