package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"nacre/e2e/torture/history"
	"nacre/server/rpc/rpctest"
)

var namingSetup = map[string]any{
	"clientVersion": "Nacos-Java-Client:v3.1.1", "tenant": "", "abilityTable": map[string]any{},
	"labels": map[string]any{"source": "sdk", "module": "naming", "AppName": "torture"},
}

// newAddress returns an address that no instance had before.
func (w *World) newAddress() (ip string, port int) {
	n := w.address.Add(1)
	return fmt.Sprintf("10.1.%d.%d", n/250, 1+n%250), int(1000 + n)
}

func (c *client) lives(what, service, ip string, port, node int, beats bool) {
	c.w.rec.Record(history.Entry{Life: &history.Life{Instance: fmt.Sprintf("%s:%d", ip, port), Service: service, Client: c.id, Node: node, Beats: beats, What: what, At: c.w.rec.Now()}})
}

// publishes registers an instance and keeps it alive, on another node when a connection fails. While churn lasts it
// now and then deregisters, closes its connection without a word, or falls silent, and comes back as another instance.
func (c *client) publishes(ctx, churn context.Context, service string) {
	ip, port := c.w.newAddress()
	c.sessionsOf(ctx, func(ctx context.Context, i int) error {
		line := &line{}
		defer line.release()
		conn, node, err := c.dial(ctx, i, rpctest.Options{Setup: namingSetup, Dial: line.dial})
		if err != nil {
			return err
		}
		defer conn.Close()
		body := map[string]any{
			"namespace": "public", "serviceName": service, "groupName": Group, "type": "registerInstance",
			"instance": map[string]any{"ip": ip, "port": port, "weight": 1, "healthy": true, "enabled": true, "ephemeral": true, "clusterName": "DEFAULT", "metadata": map[string]string{}},
		}
		if _, err := call(ctx, conn, "InstanceRequest", body); err != nil {
			return err
		}
		c.lives(history.Up, service, ip, port, node, false)
		gone := func(what string) {
			c.lives(what, service, ip, port, node, false)
			ip, port = c.w.newAddress()
		}
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-conn.Ended():
				return errors.New("the stream ended")
			case <-time.After(time.Second):
			}
			if _, err := call(ctx, conn, "HealthCheckRequest", struct{}{}); err != nil {
				return err
			}
			if churn.Err() != nil || c.rnd.IntN(20) > 0 {
				continue
			}
			switch c.rnd.IntN(4) {
			case 0:
				body["type"] = "deregisterInstance"
				if _, err := call(ctx, conn, "InstanceRequest", body); err != nil {
					return err // it is not known whether it was heard: it registers again
				}
				gone(history.Left)
			case 1:
				line.silence()
				gone(history.Silent)
				line.keep() // the node does not learn of the end
			default:
				gone(history.Crash)
			}
			return nil
		}
	})
}

// line is a connection that can fall silent without the other side's knowing.
type line struct {
	mu     sync.Mutex
	conn   net.Conn
	silent atomic.Bool
	kept   atomic.Bool
	done   chan struct{}
}

type lineConn struct {
	net.Conn
	l *line
}

func (l *line) dial(ctx context.Context, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = c
	return &lineConn{c, l}, nil
}

// silence makes all that is written vanish.
func (l *line) silence() { l.silent.Store(true) }

// keep leaves the connection open when the client is closed, for longer than any run.
func (l *line) keep() { l.kept.Store(true) }

// release closes the connection, but for one that is kept: the process' end does it.
func (l *line) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil && !l.kept.Load() {
		_ = l.conn.Close()
	}
}

func (c *lineConn) Write(p []byte) (int, error) {
	if c.l.silent.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *lineConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == nil && c.l.silent.Load() {
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *lineConn) Close() error {
	if c.l.silent.Load() {
		return c.Conn.SetReadDeadline(time.Unix(1, 0)) // wakes the reader
	}
	return c.Conn.Close()
}

// beats keeps an instance alive by HTTP heartbeats, on another node when one fails.
func (c *client) beats(ctx context.Context, service string, dies bool) {
	ip, port := c.w.newAddress()
	registered, node := false, 0
	born := c.w.rec.Now()
	heard := born
	for i := 0; ctx.Err() == nil; {
		node = c.nth(i)
		form := url.Values{"serviceName": {service}, "groupName": {Group}, "ip": {ip}, "port": {strconv.Itoa(port)}, "ephemeral": {"true"}}
		method, path := http.MethodPost, "/nacos/v1/ns/instance"
		if registered {
			beat, _ := json.Marshal(map[string]any{"serviceName": Group + "@@" + service, "ip": ip, "port": port, "cluster": "DEFAULT", "weight": 1, "scheduled": true})
			method, path = http.MethodPut, "/nacos/v1/ns/instance/beat"
			form.Set("beat", string(beat))
			form.Set("serviceName", Group+"@@"+service)
			form.Del("groupName")
		}
		r := c.api(node).do(ctx, method, path, nil, formHeader(), form.Encode())
		switch {
		case r.err != nil || r.status != http.StatusOK:
			i++ // another node
			pause(ctx, 200*time.Millisecond)
			continue
		case registered && strings.Contains(string(r.body), "20404"):
			registered = false // it is not known: it registers again
			continue
		case !registered:
			registered = true
			c.lives(history.Up, service, ip, port, node, true)
		}
		heard = c.w.rec.Now()
		if dies && heard-born > int64(3*time.Second) {
			c.lives(history.Silent, service, ip, port, node, true)
			return
		}
		pause(ctx, 2*time.Second)
	}
}

// subscribes watches all services and notes what it is told.
func (c *client) subscribes(ctx context.Context, number int) {
	c.sessionsOf(ctx, func(ctx context.Context, i int) error {
		node := c.nth(i)
		start := 0
		if n := c.w.lab.Node(node); n != nil {
			start = n.Starts()
		}
		note := func(service string, info []byte) {
			present, err := hosts(info)
			if err != nil {
				return
			}
			now := c.w.rec.Now()
			c.w.told.Store(tellee{c.id, true, service}, present)
			c.w.rec.Record(history.Entry{Sample: &history.Sample{Node: node, Start: start, Service: service, Call: now, Return: now, Present: present, Subscriber: number}})
		}
		conn, _, err := c.dial(ctx, i, rpctest.Options{Setup: namingSetup, Push: func(m rpctest.Message) bool {
			if m.Type == "NotifySubscriberRequest" {
				var body struct {
					ServiceInfo json.RawMessage
				}
				var name struct{ Name string }
				if json.Unmarshal(m.Body, &body) == nil && json.Unmarshal(body.ServiceInfo, &name) == nil {
					note(name.Name, body.ServiceInfo)
				}
			}
			return true
		}})
		if err != nil {
			return err
		}
		defer conn.Close()
		for _, s := range c.w.cfg.Services {
			m, err := call(ctx, conn, "SubscribeServiceRequest", map[string]any{"namespace": "public", "serviceName": s, "groupName": Group, "subscribe": true, "clusters": ""})
			if err != nil {
				return err
			}
			var body struct{ ServiceInfo json.RawMessage }
			if err := json.Unmarshal(m.Body, &body); err != nil {
				return err
			}
			note(s, body.ServiceInfo)
		}
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-conn.Ended():
				return errors.New("the stream ended")
			case <-time.After(2 * time.Second):
			}
			if _, err := call(ctx, conn, "HealthCheckRequest", struct{}{}); err != nil {
				return err
			}
		}
	})
}

// samples asks one node over and over what it has of each service, as long as it says that it is ready.
func (c *client) samples(ctx context.Context) {
	ids := c.nodes()
	id := ids[c.home%len(ids)]
	for ctx.Err() == nil {
		pause(ctx, 250*time.Millisecond)
		n := c.w.lab.Node(id)
		if n == nil {
			return // it was taken out
		}
		start := n.Starts()
		if n.Ready(ctx) != nil {
			continue
		}
		for _, s := range c.w.cfg.Services {
			begin := c.w.rec.Now()
			present, err := c.api(id).instances(ctx, s)
			if err != nil || n.Starts() != start {
				break
			}
			c.w.rec.Record(history.Entry{Sample: &history.Sample{Node: id, Start: start, Service: s, Call: begin, Return: c.w.rec.Now(), Present: present}})
		}
	}
}
