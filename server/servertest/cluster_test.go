package servertest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"
)

var client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func publish(s *Server, dataID, content string) error {
	res, err := client.PostForm(s.URL+"/nacos/v1/cs/configs", url.Values{"dataId": {dataID}, "group": {"g"}, "content": {content}})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if b, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		return fmt.Errorf("publishing %s at %s: %d %s", dataID, s.URL, res.StatusCode, b)
	}
	return nil
}

func read(s *Server, dataID string) (string, error) {
	res, err := client.Get(s.URL + "/nacos/v1/cs/configs?group=g&dataId=" + dataID)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("reading %s: %d %s", dataID, res.StatusCode, b)
	}
	return string(b), err
}

// everywhere waits until every node that runs answers content for dataID.
func everywhere(t *testing.T, c *Nodes, dataID, content string) {
	t.Helper()
	eventually(t, func() error {
		for i, s := range c.Nodes {
			if s.stop == nil {
				continue
			}
			if got, err := read(s, dataID); err != nil || got != content {
				return fmt.Errorf("node %d answers %q for %s (%v), want %q", i, got, dataID, err, content)
			}
		}
		return nil
	})
}

func eventually(t *testing.T, check func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

func TestThreeNodesAreOneServer(t *testing.T) {
	c := Cluster(t, 3)
	for i, s := range c.Nodes {
		id := fmt.Sprintf("by-%d", i)
		if err := publish(s, id, "v1"); err != nil {
			t.Fatal(err)
		}
		if got, err := read(s, id); err != nil || got != "v1" {
			t.Fatalf("the node that took it answers %q, %v", got, err)
		}
		everywhere(t, c, id, "v1")
	}

	// The leader goes, and comes back at other addresses.
	led := c.Leader()
	if err := c.Nodes[led].Stop(); err != nil {
		t.Fatal(err)
	}
	for i, s := range c.Nodes {
		if i == led {
			continue
		}
		if err := publish(s, "without-leader", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		everywhere(t, c, "without-leader", fmt.Sprint(i))
	}
	c.Restart(led)
	c.List()
	c.WaitReady()
	if err := publish(c.Nodes[led], "back", "yes"); err != nil {
		t.Fatal(err)
	}
	everywhere(t, c, "back", "yes")

	// All go, and come back at other addresses.
	c.stopAll()
	for i := range c.Nodes {
		c.Restart(i)
	}
	c.List()
	c.WaitReady()
	everywhere(t, c, "by-0", "v1")
	everywhere(t, c, "back", "yes")
	if err := publish(c.Nodes[0], "after", "all"); err != nil {
		t.Fatal(err)
	}
	everywhere(t, c, "after", "all")
}
