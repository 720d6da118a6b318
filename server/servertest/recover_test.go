package servertest

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"nacre/server"
	"nacre/server/settings"
)

func TestAWipedNodeComesBackAsANewOneAndTheOldOneIsRemoved(t *testing.T) {
	c := Cluster(t, 3)
	if err := publish(c.Nodes[0], "kept", "v"); err != nil {
		t.Fatal(err)
	}
	wiped := c.Leader()
	was := c.Nodes[wiped].Members().Self()
	if err := c.Nodes[wiped].Stop(); err != nil {
		t.Fatal(err)
	}
	c.Nodes[wiped] = c.start(With(func(s *settings.Settings) {
		s.HTTPAddr = was.Addr() // at the same place
		s.RaftAddr, s.PeerAddr = was.RaftAddr(), was.PeerAddr()
		s.GRPCAddr, s.GossipAddr = "127.0.0.1:0", "127.0.0.1:0"
	}))
	c.WaitReady()
	everywhere(t, c, "kept", "v")
	eventually(t, func() error {
		for _, s := range c.Nodes {
			st := s.srv.ClusterState()
			if st.Voters != 3 || st.Reached != 3 {
				return fmt.Errorf("of %d voters %d are reached", st.Voters, st.Reached)
			}
			for _, m := range st.Members {
				if m.ID == was.ID && m.Role != "none" {
					return fmt.Errorf("the old node is still %s", m.Role)
				}
			}
		}
		return nil
	})
}

func TestOneNodeGoesOnAloneWhenTheOthersAreLost(t *testing.T) {
	c := Cluster(t, 3)
	if err := publish(c.Nodes[0], "kept", "v"); err != nil {
		t.Fatal(err)
	}
	everywhere(t, c, "kept", "v")
	c.stopAll()
	set := settings.Default()
	set.DataDir = c.Nodes[1].Dir
	if id, err := server.RecoverSingle(t.Context(), set, slog.New(slog.DiscardHandler)); err != nil || id == "" {
		t.Fatalf("recovering gave %q, %v", id, err)
	}
	s := c.Restart(1)
	c.List()
	c.WaitReady()
	if err := publish(s, "alone", "v"); err != nil {
		t.Fatal(err)
	}
	everywhere(t, c, "kept", "v")

	// One of the others is refused with its old data.
	old := c.Restart(2)
	eventually(t, func() error {
		for _, m := range old.Members().All() {
			if strings.Contains(m.Why, "belongs to cluster") {
				return nil
			}
		}
		return fmt.Errorf("it sees %+v", old.Members().All())
	})
	if _, err := read(old, "alone"); err == nil {
		t.Error("a node of the old cluster has what was written to the new one")
	}
	if err := old.Stop(); err != nil {
		t.Fatal(err)
	}

	// With an empty folder it joins.
	c.Nodes[2] = c.start()
	c.List()
	c.WaitReady()
	everywhere(t, c, "alone", "v")
}
