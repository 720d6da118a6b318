package servertest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"nacre/server/clock"
	"nacre/server/cluster"
	"nacre/server/settings"
)

// Nodes are the running nodes of one cluster of a test.
type Nodes struct {
	// Nodes are in the order in which they were started. One that was stopped stays in its place.
	Nodes []*Server

	t    testing.TB
	conf string
	opts []Option
	size int
}

// Cluster runs n nodes of one cluster, each on free ports, until the test ends, and returns when all are ready.
func Cluster(t testing.TB, n int, opts ...Option) *Nodes {
	t.Helper()
	c := &Nodes{t: t, conf: filepath.Join(t.TempDir(), "cluster.conf"), opts: opts, size: n}
	for range n {
		c.Nodes = append(c.Nodes, c.start())
	}
	c.List()
	c.WaitReady()
	t.Cleanup(c.stopAll) // at once, before each on its own: the last ones have nobody left to hand over to
	return c
}

func (c *Nodes) start(opts ...Option) *Server {
	c.t.Helper()
	base := []Option{With(func(s *settings.Settings) {
		s.Mode, s.ClusterConf, s.ClusterKey, s.ClusterSize = settings.ModeCluster, c.conf, "the key of a cluster in a test", c.size
	})}
	return start(c.t, append(append(base, c.opts...), opts...)...)
}

// List writes the list of members that all nodes watch: those that run.
func (c *Nodes) List() {
	c.t.Helper()
	var text strings.Builder
	for _, s := range c.Nodes {
		if s.stop != nil {
			fmt.Fprintln(&text, s.srv.Entry())
		}
	}
	fresh := c.conf + ".new"
	if err := os.WriteFile(fresh, []byte(text.String()), 0o600); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Rename(fresh, c.conf); err != nil {
		c.t.Fatal(err)
	}
}

// WaitReady waits until every node that runs is ready.
func (c *Nodes) WaitReady() {
	c.t.Helper()
	for i, s := range c.Nodes {
		if s.stop == nil {
			continue
		}
		if err := s.waitReady(60 * time.Second); err != nil {
			c.t.Fatalf("node %d: %v", i, err)
		}
	}
}

// Add starts another, empty node and lists it; it does not wait until it is ready.
func (c *Nodes) Add() *Server {
	c.t.Helper()
	s := c.start()
	c.Nodes = append(c.Nodes, s)
	c.List()
	return s
}

// Restart starts node i, which was stopped, again with its data, at new addresses; List tells the others.
func (c *Nodes) Restart(i int) *Server {
	c.t.Helper()
	c.Nodes[i] = c.start(InDir(c.Nodes[i].Dir))
	return c.Nodes[i]
}

// Leader returns the place of the node that leads, and waits until there is one that others follow.
func (c *Nodes) Leader() int {
	c.t.Helper()
	for end := (clock.System{}).Now().Add(30 * time.Second); (clock.System{}).Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for i, s := range c.Nodes {
			if s.stop != nil && s.srv.Leads() {
				return i
			}
		}
	}
	c.t.Fatal("no node leads")
	return -1
}

func (c *Nodes) stopAll() {
	var all sync.WaitGroup
	for _, s := range c.Nodes {
		all.Go(func() {
			if err := s.Stop(); err != nil {
				c.t.Errorf("a node ended with: %v", err)
			}
		})
	}
	all.Wait()
}

// Members returns what the server knows of the nodes of its cluster.
func (s *Server) Members() *cluster.Members { return s.srv.Members() }
