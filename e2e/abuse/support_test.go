// Package abuse attacks real servers: with requests that end half way, that are too large or lie about
// themselves, and with clients that go away or never read. A server must answer clearly, lose and write nothing,
// keep its memory bounded, and serve a well-behaved client all the while.
package abuse

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nacre/server/servertest"
)

// patience is how long anything may take before a test gives up on it.
const patience = 40 * time.Second

// target is a server under attack, a well-behaved client beside the attacker, and a watch on memory.
type target struct {
	*servertest.Server
	t    *testing.T
	addr string
	calm func() // ends the well-behaved client and the watch
}

// attacked starts a server. Until the test ends a client publishes and reads, which must always work, and at
// no time may the process, the attacker's half included, take more than maxMemory bytes.
func attacked(t *testing.T, maxMemory uint64, opts ...servertest.Option) *target {
	t.Helper()
	s := servertest.Start(t, opts...)
	a := &target{Server: s, t: t, addr: strings.TrimPrefix(s.URL, "http://")}
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	var served atomic.Int64
	group.Go(func() { a.neighbour(ctx, &served) })
	runtime.GC()
	group.Go(func() { a.watchMemory(ctx, maxMemory) })
	a.calm = sync.OnceFunc(func() {
		before := served.Load()
		err := until(func() error { // also after the attack it is served
			if served.Load() < before+2 && ctx.Err() == nil && !t.Failed() {
				return errors.New("the well-behaved client is not served any more")
			}
			return nil
		})
		stop()
		group.Wait()
		if err != nil {
			t.Error(err)
		}
		t.Logf("the well-behaved client was served %d times", served.Load())
	})
	t.Cleanup(a.calm)
	if err := until(func() error {
		if served.Load() == 0 && !t.Failed() {
			return errors.New("the well-behaved client was never served")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return a
}

// restarted stops the server and starts another one on its folder.
func (a *target) restarted(maxMemory uint64) *target {
	a.t.Helper()
	a.calm()
	if err := a.Stop(); err != nil {
		a.t.Fatal(err)
	}
	return attacked(a.t, maxMemory, servertest.InDir(a.Dir))
}

// neighbour publishes and reads until ctx ends.
func (a *target) neighbour(ctx context.Context, served *atomic.Int64) {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		want := fmt.Sprintf("value: %d", n)
		status, body, err := exchange(client, a.form("POST", "/nacos/v1/cs/configs", url.Values{"dataId": {"good"}, "group": {"neighbour"}, "content": {want}}))
		if err != nil || status != 200 || body != "true" {
			a.t.Errorf("the well-behaved client's publish: %d %.200q %v", status, body, err)
			return
		}
		status, body, err = exchange(client, a.form("GET", "/nacos/v1/cs/configs?dataId=good&group=neighbour", nil))
		if err != nil || status != 200 || body != want {
			a.t.Errorf("the well-behaved client's read: %d %.200q %v, want %q", status, body, err, want)
			return
		}
		served.Add(1)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (a *target) watchMemory(ctx context.Context, most uint64) {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	var m runtime.MemStats
	var peak uint64
	for {
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapInuse+m.StackInuse)
		select {
		case <-ctx.Done():
			a.t.Logf("peak of heap and stacks: %d MiB", peak>>20)
			if peak > most {
				a.t.Errorf("memory grew to %d MiB, at most %d are allowed", peak>>20, most>>20)
			}
			return
		case <-tick.C:
		}
	}
}

// form is a request with a form as its body.
func (a *target) form(method, path string, form url.Values) *http.Request {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	return a.request(method, path, "application/x-www-form-urlencoded", body)
}

func (a *target) request(method, path, kind string, body io.Reader) *http.Request {
	req, err := http.NewRequest(method, a.URL+path, body)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", kind)
	return req
}

// do sends a request and returns the answer.
func (a *target) do(req *http.Request) (int, string) {
	a.t.Helper()
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	status, body, err := exchange(client, req)
	if err != nil {
		a.t.Fatalf("%s %.100s: %v", req.Method, req.URL.Path, err)
	}
	return status, body
}

func exchange(client *http.Client, req *http.Request) (int, string, error) {
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

// get reads a configuration of the default group as a client does; ok is false when it is not there.
func (a *target) get(dataID string) (content string, ok bool) {
	a.t.Helper()
	status, body := a.do(a.form("GET", "/nacos/v1/cs/configs?group=DEFAULT_GROUP&dataId="+url.QueryEscape(dataID), nil))
	if status != 200 && status != 404 {
		a.t.Fatalf("reading %s: %d %.200q", dataID, status, body)
	}
	return body, status == 200
}

// figures are those of /nacre/v1/status.
type figures struct {
	Revision uint64
	Counts   struct{ Configs, Namespaces, WaitingClients, WaitingKeys int64 }
}

func (a *target) figures() (f figures) {
	a.t.Helper()
	status, body := a.do(a.form("GET", "/nacre/v1/status", nil))
	if err := json.Unmarshal([]byte(body), &f); status != 200 || err != nil {
		a.t.Fatalf("status: %d %.200q %v", status, body, err)
	}
	return f
}

// configs returns how many configurations there are; the well-behaved client has one.
func (a *target) configs() int64 {
	a.t.Helper()
	return a.figures().Counts.Configs
}

// until waits for a condition, which returns what is still wrong.
func until(condition func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := condition()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// dial opens a connection that the test's end closes.
func (a *target) dial() *net.TCPConn {
	a.t.Helper()
	c, err := net.Dial("tcp", a.addr)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn)
}

// answer reads one answer of a raw connection.
func answer(r *bufio.Reader) (int, string, error) {
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

// raw sends bytes on a new connection and returns the first answer.
func (a *target) raw(text []byte) (int, string, error) {
	a.t.Helper()
	c := a.dial()
	defer c.Close()
	go func() { _, _ = io.Copy(c, bytes.NewReader(text)) }() // the server may stop to read, which is no fault
	return answer(bufio.NewReader(c))
}
