package console_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"nacre/server/cluster"
	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/servertest"
)

// nodes are three nodes of a cluster, each with a browser of the administrator.
func nodes(t *testing.T) (*servertest.Nodes, []*site) {
	t.Helper()
	c := servertest.Cluster(t, 3, servertest.AdminPassword(password))
	var sites []*site
	for _, s := range c.Nodes {
		one := &site{Server: s, clock: &shifted{}}
		one.browser = one.another(t)
		until(t, func() string { // a node is up once the administrator was made
			for _, m := range s.Members().All() {
				if m.State != cluster.Up {
					return m.Addr() + " is " + string(m.State)
				}
			}
			return ""
		})
		one.login()
		sites = append(sites, one)
	}
	return c, sites
}

// until waits until what returns "" for done.
func until(t *testing.T, what func() string) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		why := what()
		if why == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(why)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// shows waits until a page has all of texts.
func (b *browser) shows(path string, texts ...string) {
	b.t.Helper()
	until(b.t, func() string {
		text := text(b.get(path).body)
		for _, want := range texts {
			if !strings.Contains(text, want) {
				return path + " does not say " + want + ": " + text
			}
		}
		return ""
	})
}

func TestEveryNodeShowsTheWholeCluster(t *testing.T) {
	c, sites := nodes(t)
	sites[0].shows("/console/cluster", "3 members, 2 needed, 1 may fail", "this node", "follower", "leader", "as on this node, at revision", "Who reaches whom")
	for _, s := range sites {
		s.shows("/", "3/3 nodes, leader")
		for _, other := range sites {
			s.shows("/console/cluster", strings.TrimPrefix(other.URL, "http://"))
		}
	}

	k := config.Key{Namespace: "public", Group: "g", DataID: "a"}
	sites[0].publish("public", "g", "a", "content", "alice")
	for i, s := range sites {
		until(t, func() string {
			if s.Configs().Item(k) == nil {
				return "a node does not have what was published"
			}
			return ""
		})
		s.connects(delivery.Client{ID: "c" + string(rune('1'+i)), IP: "10.1.2.3", Remote: "10.1.2.3:1"}).listens(k, "content")
	}
	for _, s := range sites {
		s.shows("/console/config/clients?ns=public&group=g&dataId=a", "All 3 in sync", strings.TrimPrefix(sites[0].URL, "http://"), strings.TrimPrefix(sites[2].URL, "http://"))
		s.shows("/console/clients", "10.1.2.3:1")
		until(t, func() string { // what other nodes tell is read some times a second
			a := s.get("/console/feed?kinds=client.connected&text=10.1.2.3")
			for i, from := range sites {
				if href := "/console/client?id=c" + string(rune('1'+i)); strings.Count(a.body, href+`"`) != 1 || !strings.Contains(text(a.body), strings.TrimPrefix(from.URL, "http://")) {
					return "the feed does not say once that a client came to node " + string(rune('1'+i)) + ": " + text(a.body)
				}
			}
			return ""
		})
		s.shows("/console/client?id=c3", "Listens for 1", strings.TrimPrefix(sites[2].URL, "http://"))
	}

	lead := c.Leader()
	to := sites[(lead+1)%3]
	id := to.Members().Self().ID
	sites[(lead+2)%3].post("/console/cluster/transfer", url.Values{"id": {id}}).is(303)
	until(t, func() string {
		if c.Leader() != (lead+1)%3 {
			return "another node than the one that was named leads"
		}
		return ""
	})
	sites[0].post("/console/cluster/remove", url.Values{"id": {"nobody"}}).is(404)
}

func TestRemovingAMemberThatLeavesTooFewWantsItsName(t *testing.T) {
	c, sites := nodes(t)
	lead := c.Leader()
	gone, left := sites[(lead+1)%3], sites[(lead+2)%3]
	name, leaving := left.Members().Self().Addr(), left.Members().Self().ID
	if err := gone.Stop(); err != nil {
		t.Fatal(err)
	}
	s := sites[lead]
	s.shows("/console/cluster", "2 of 3 members are there, 2 needed: no other may fail", "not reached", "Only 1 of them are there, and 2 are needed")
	s.shows("/", "2/3 nodes", "2 members are there and 2 are needed")
	s.post("/console/cluster/remove", url.Values{"id": {leaving}}).is(400, name)
	s.shows("/console/cluster", "2 of 3 members are there")
	s.post("/console/cluster/remove", url.Values{"id": {gone.Members().Self().ID}}).is(303)
	s.shows("/console/cluster", "2 members, 2 needed, 0 may fail")
}
