package console_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"nacre/server/config"
	"nacre/server/config/delivery"
)

func TestTheClusterPageShowsThisNode(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "g", "a", "x", "")
	s.get("/console/cluster").is(200, "One node", "leader", "ready", "Applied index", strings.TrimPrefix(s.URL, "http://"), s.GRPC, "Sync to disk, 99 % within", "Snapshot none yet", "Revision 1", "Configurations 1", "Running for")
	s.get("/console/cluster", "Accept-Language", "zh-CN").is(200, "单节点", "主节点", "快照")
}

var chartURLs = regexp.MustCompile(`data-chart="([^"]+)"`)

func TestEachChartReadsFiguresThatThereAre(t *testing.T) {
	s := signedIn(t)
	for _, page := range []string{"/?range=24h", "/console/cluster?range=1h", "/?range=never"} {
		urls := chartURLs.FindAllStringSubmatch(s.get(page).is(200).body, -1)
		if len(urls) < 4 {
			t.Errorf("%s has %d charts", page, len(urls))
		}
		for _, u := range urls {
			path := strings.ReplaceAll(u[1], "&amp;", "&")
			var got struct {
				Range  string
				Series []struct{ Name string }
			}
			if err := json.Unmarshal([]byte(s.get(path).is(200).body), &got); err != nil {
				t.Fatal(err)
			}
			q, _ := url.Parse(path)
			var names []string
			for _, line := range got.Series {
				names = append(names, line.Name)
			}
			if strings.Join(names, ",") != q.Query().Get("names") || got.Range != q.Query().Get("range") {
				t.Errorf("%s: %v", path, got)
			}
		}
	}
}

func TestTheFiguresOfTheOverviewAreThoseOfTheServer(t *testing.T) {
	s := signedIn(t)
	s.namespace("dev", "dev")
	for i := range 3 {
		s.publish("public", "g", fmt.Sprint("c", i), "content", "")
	}
	s.remove(config.Key{Namespace: "public", Group: "g", DataID: "c2"})
	k := config.Key{Namespace: "public", Group: "g", DataID: "c0"}
	s.connects(delivery.Client{ID: "c1", IP: "10.1.2.3"}).listens(k, "content")
	s.get("/").is(200, "Configurations 2", "Namespaces 2", "Connected clients 1 they listen for 1", "Clients behind 0", "Changes in 24 hours 4", "Ready leader · 1 clients, 0 behind")
	s.publish("public", "g", "c0", "new", "")
	s.get("/").is(200, "Clients behind 1 not confirmed yet", "Changes in 24 hours 5").hides("more than a minute") // the disk of this machine may well be something to look at
	s.later(2 * time.Minute)
	s.get("/").is(200, "Look at this", "more than a minute: 1")
	s.later(24 * time.Hour) // sessions have ended by then
	s.login()
	s.get("/").is(200, "Changes in 24 hours 0", "a day ago")
}

func TestAPartThatIsReadAnewLeavesWhatAnotherPageIsToSay(t *testing.T) {
	s := signedIn(t)
	done := s.post("/console/namespaces", url.Values{"id": {"dev"}, "name": {"Development"}})
	if a := s.get("/", "HX-Request", "true"); strings.Contains(a.body, "Development is there") {
		t.Error("the overview says what the list is to say")
	}
	if a := s.follow(done); !strings.Contains(a.body, "Development is there") {
		t.Error("the list does not say it")
	}
}
