package fleet

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	"nacre/server/rpc/rpctest"
)

const group = "DEFAULT_GROUP"

var setup = map[string]any{
	"clientVersion": "Nacos-Java-Client:v3.1.1", "tenant": "", "abilityTable": map[string]any{},
	"labels": map[string]any{"source": "sdk", "module": "naming", "AppName": "orders"},
}

// client is an application: it registers instances and is told of services.
type client struct {
	*rpctest.Client
	number int
	ages   sample // how old pushes were

	mu   sync.Mutex
	told map[string]int64 // the latest version of each service that it subscribes to
}

func dial(ctx context.Context, addr string, number int) (*client, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	c := &client{number: number, told: make(map[string]int64)}
	ready := make(chan struct{}) // pushes read c.Client
	defer close(ready)
	var err error
	c.Client, err = rpctest.Dial(ctx, addr, rpctest.Options{Setup: setup, Push: func(m rpctest.Message) bool {
		if m.Type != "NotifySubscriberRequest" {
			return true
		}
		<-ready
		c.pushed(m)
		return false
	}})
	return c, err
}

// pushed learns and confirms. It reads the few fields that it needs, as there are thousands of pushes a second.
func (c *client) pushed(m rpctest.Message) {
	version := versionOf(m.Body)
	c.ages.add(time.Since(time.UnixMilli(version)))
	c.learn(text(m.Body, `"name":"`), version)
	_ = c.Send("NotifySubscriberResponse", []byte(`{"requestId":"`+text(m.Body, `"requestId":"`)+`","resultCode":200,"errorCode":0,"success":true}`))
}

func (c *client) learn(service string, version int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told[service] = max(c.told[service], version)
}

func (c *client) known() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.told)
}

// text returns what follows the mark, up to a quote.
func text(body []byte, mark string) string {
	_, after, _ := bytes.Cut(body, []byte(mark))
	value, _, _ := bytes.Cut(after, []byte{'"'})
	return string(value)
}

// versionOf returns the last change's time of the service in body, in ms since 1970, which grows with each; 0 when there is none.
func versionOf(body []byte) int64 {
	mark := []byte(`"lastRefTime":`)
	at := bytes.LastIndex(body, mark)
	if at < 0 {
		return 0
	}
	number := body[at+len(mark):]
	if end := bytes.IndexAny(number, ",}"); end >= 0 {
		number = number[:end]
	}
	version, _ := strconv.ParseInt(string(number), 10, 64)
	return version
}

// call sends a request and returns the answer when it is a success.
func (c *client) call(ctx context.Context, typ string, body map[string]any) (rpctest.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	m, err := c.Call(ctx, typ, body)
	if err == nil && !bytes.Contains(m.Body, []byte(`"resultCode":200`)) {
		err = fmt.Errorf("%s was answered with %s", typ, m)
	}
	return m, err
}

func about(service string) map[string]any {
	return map[string]any{"namespace": "public", "groupName": group, "serviceName": service}
}

func (c *client) heartbeat(ctx context.Context) error {
	_, err := c.call(ctx, "HealthCheckRequest", map[string]any{})
	return err
}

// register registers the nth instance, or changes its weight.
func (c *client) register(ctx context.Context, service string, n int, weight float64) error {
	body := about(service)
	body["type"] = "registerInstance"
	body["instance"] = map[string]any{
		"ip": fmt.Sprintf("10.%d.%d.%d", c.number>>16, c.number>>8&255, c.number&255), "port": 8000 + n, "weight": weight,
		"healthy": true, "enabled": true, "ephemeral": true, "clusterName": "DEFAULT",
		"metadata": map[string]string{
			"preserved.register.source": "SPRING_CLOUD", "version": "1.4." + strconv.Itoa(c.number%7), "zone": "cn-hangzhou-" + strconv.Itoa(c.number%3),
		},
	}
	_, err := c.call(ctx, "InstanceRequest", body)
	return err
}

func (c *client) subscribe(ctx context.Context, service string) error {
	body := about(service)
	body["subscribe"] = true
	m, err := c.call(ctx, "SubscribeServiceRequest", body)
	c.learn(service, versionOf(m.Body))
	return err
}

// query returns the version of a service that the server has.
func (c *client) query(ctx context.Context, service string) (int64, error) {
	m, err := c.call(ctx, "ServiceQueryRequest", about(service))
	return versionOf(m.Body), err
}
