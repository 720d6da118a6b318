// Package crash kills, stalls and starves the built binary under load, and checks that nothing it
// acknowledged is lost.
package crash

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "nacre-crash")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "nacre")
	build := exec.Command("go", "build", "-tags", "failpoint", "-o", binary, "nacre")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// process is a server that runs as a process of its own.
type process struct {
	cmd  *exec.Cmd
	url  string
	log  *bytes.Buffer
	done chan error
}

// start starts a server on dir and returns when it is ready, or with its output when it ended.
func start(t *testing.T, dir string, env ...string) *process {
	t.Helper()
	p, err := tryStart(dir, env...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.kill() })
	return p
}

func tryStart(dir string, env ...string) (*process, error) {
	p := &process{log: &bytes.Buffer{}, done: make(chan error, 1)}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	p.url = "http://" + addr
	p.cmd = exec.Command(binary, "serve", "--data-dir", dir, "--http-addr", addr, "--access-log", "off", "--log-level", "warn")
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.done <- p.cmd.Wait() }()
	client := &http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	for range 3000 {
		select {
		case err := <-p.done:
			p.done <- err
			return nil, fmt.Errorf("the server ended at its start: %v\n%s", err, p.log)
		default:
		}
		if res, err := client.Get(p.url + "/readyz"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return p, nil
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.kill()
	return nil, fmt.Errorf("the server was not ready in time\n%s", p.log)
}

func freeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

// kill ends the process as a power cut would, but for what the kernel holds.
func (p *process) kill() {
	p.cmd.Process.Signal(syscall.SIGKILL)
	err := <-p.done
	p.done <- err
}

// ended waits until the process ends by itself.
func (p *process) ended(t *testing.T, limit time.Duration) error {
	t.Helper()
	select {
	case err := <-p.done:
		p.done <- err
		return err
	case <-time.After(limit):
		t.Fatalf("the process still runs after %v\n%s", limit, p.log)
		return nil
	}
}

// terminate stops the process in order.
func (p *process) terminate(t *testing.T) {
	t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.ended(t, 20*time.Second); err != nil {
		t.Fatalf("after SIGTERM the server ended with %v\n%s", err, p.log)
	}
}

func newClient() *http.Client {
	return &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
}

// publish returns nil when the server acknowledged.
func publish(ctx context.Context, c *http.Client, base, dataID, content string) error {
	form := url.Values{"dataId": {dataID}, "group": {"crash"}, "content": {content}}
	return acknowledged(ctx, c, http.MethodPost, base+"/nacos/v1/cs/configs", form.Encode())
}

func remove(ctx context.Context, c *http.Client, base, dataID string) error {
	q := url.Values{"dataId": {dataID}, "group": {"crash"}}
	return acknowledged(ctx, c, http.MethodDelete, base+"/nacos/v1/cs/configs?"+q.Encode(), "")
}

func acknowledged(ctx context.Context, c *http.Client, method, target, form string) error {
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(form))
	if err != nil {
		return err
	}
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := c.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || string(body) != "true" {
		return fmt.Errorf("%d %s", res.StatusCode, body)
	}
	return nil
}

// read returns a configuration's content, "" when there is none.
func read(c *http.Client, base, dataID string) (string, error) {
	res, err := c.Get(base + "/nacos/v1/cs/configs?" + url.Values{"dataId": {dataID}, "group": {"crash"}}.Encode())
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(bufio.NewReader(res.Body))
	switch {
	case err != nil:
		return "", err
	case res.StatusCode == http.StatusNotFound:
		return "", nil
	case res.StatusCode != http.StatusOK:
		return "", fmt.Errorf("%d %s", res.StatusCode, body)
	}
	return string(body), nil
}
