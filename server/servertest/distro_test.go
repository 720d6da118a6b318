package servertest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"nacre/server/naming"
)

var orders = naming.Key{Namespace: "public", Group: "DEFAULT_GROUP", Name: "orders"}

func at(port int) naming.Instance {
	return naming.Instance{IP: "10.0.0.1", Port: port, Weight: 1, Healthy: true, Enabled: true}
}

// connect registers an instance as a connection of a node does.
func connect(t *testing.T, s *Server, id string, port int) *naming.Session {
	t.Helper()
	c := s.Naming().Open(naming.Client{ID: id, IP: "10.0.0.1"}, nil)
	if err := c.Register(orders, at(port)); err != nil {
		t.Fatal(err)
	}
	return c
}

// shows returns an error where a node that runs does not show those ports.
func shows(c *Nodes, ports ...int) error {
	for i, s := range c.Nodes {
		if s.stop == nil {
			continue
		}
		var got []int
		for _, h := range s.Naming().Lookup(orders, naming.Query{HealthyOnly: true}).Hosts {
			got = append(got, h.Port)
		}
		if !slices.Equal(got, ports) {
			return fmt.Errorf("node %d shows %v, want %v", i, got, ports)
		}
	}
	return nil
}

func over(s *Server, method, path string, port int) (string, error) {
	form := url.Values{
		"serviceName": {"orders"}, "ip": {"10.0.0.1"}, "port": {fmt.Sprint(port)},
		"metadata": {`{"preserved.heart.beat.timeout":"600000","preserved.ip.delete.timeout":"600000"}`}, // a slow machine sends too few
	}
	req, err := http.NewRequest(method, s.URL+path+"?"+form.Encode(), nil)
	if err != nil {
		return "", err
	}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s %s: %d %s", method, path, res.StatusCode, b)
	}
	return string(b), err
}

func TestInstancesAreOnAllNodes(t *testing.T) {
	c := Cluster(t, 3)
	first := connect(t, c.Nodes[0], "first", 1)
	connect(t, c.Nodes[1], "second", 2)
	for port := 3; port < 9; port++ { // each has its owner, whichever node it comes to
		if _, err := over(c.Nodes[port%3], http.MethodPost, "/nacos/v1/ns/instance", port); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() error { return shows(c, 1, 2, 3, 4, 5, 6, 7, 8) })
	for _, s := range c.Nodes {
		if answer, err := over(s, http.MethodPut, "/nacos/v1/ns/instance/beat", 5); err != nil || !strings.Contains(answer, `"code":10200`) {
			t.Errorf("a heartbeat is answered %s, %v", answer, err)
		}
	}
	if _, err := over(c.Nodes[0], http.MethodDelete, "/nacos/v1/ns/instance", 4); err != nil {
		t.Fatal(err)
	}
	first.Close("test")
	eventually(t, func() error { return shows(c, 2, 3, 5, 6, 7, 8) })

	// A node stops. Its clients are shown until they come to another, and once.
	if err := c.Nodes[1].Stop(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := shows(c, 2, 3, 5, 6, 7, 8); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	connect(t, c.Nodes[2], "second-again", 2)
	eventually(t, func() error {
		if p := c.Nodes[0].Naming().Publishers(orders); !slices.ContainsFunc(p, func(p naming.Publisher) bool { return p.Client.ID == "second-again" }) {
			return fmt.Errorf("registered by %v", p)
		}
		return shows(c, 2, 3, 5, 6, 7, 8)
	})

	// It comes back, and knows all when it is ready.
	c.Restart(1)
	c.List()
	c.WaitReady()
	if err := shows(c, 2, 3, 5, 6, 7, 8); err != nil {
		t.Error(err)
	}
}
