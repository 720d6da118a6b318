package servertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"nacre/server"
	"nacre/server/settings"
	"nacre/server/store/mariadbtest"
)

func TestMain(m *testing.M) { os.Exit(mariadbtest.Main(m)) }

func (s *Server) publish(t *testing.T, dataID, content string) (int, string) {
	t.Helper()
	return ask(t, "PUT", s.URL+"/nacre/v1/config?dataId="+dataID+"&group=g", `{"content":"`+content+`"}`, "Content-Type", "application/json")
}

func (s *Server) mustPublish(t *testing.T, dataID, content string) {
	t.Helper()
	if status, body := s.publish(t, dataID, content); status != http.StatusOK {
		t.Fatalf("publish of %s: %d %s", dataID, status, body)
	}
}

func (s *Server) holds(t *testing.T, dataID, content string) error {
	t.Helper()
	if status, body := ask(t, "GET", s.URL+"/nacos/v1/cs/configs?dataId="+dataID+"&group=g", ""); status != http.StatusOK || body != content {
		return fmt.Errorf("%s is %d %q, not %q", dataID, status, body, content)
	}
	return nil
}

func TestOnMySQLEverythingIsThereAfterARestart(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	dir := t.TempDir()
	s := Start(t, OnMySQL(dsn), InDir(dir))
	for _, r := range []struct{ method, path, body string }{
		{"PUT", "/nacre/v1/config?dataId=a&group=g", `{"content":"one"}`},
		{"POST", "/nacos/v2/console/namespace", "namespaceId=dev&namespaceName=Dev&namespaceDesc=d"},
		{"POST", "/nacos/v1/ns/instance", "serviceName=s&ip=10.0.0.1&port=80&ephemeral=false"},
	} {
		kind := "application/x-www-form-urlencoded"
		if r.method == "PUT" {
			kind = "application/json"
		}
		if status, body := ask(t, r.method, s.URL+r.path, r.body, "Content-Type", kind); status != http.StatusOK {
			t.Fatalf("%s: %d %s", r.path, status, body)
		}
	}
	revision := s.Configs().Revision()
	look := func(s *Server) {
		t.Helper()
		if err := s.holds(t, "a", "one"); err != nil {
			t.Error(err)
		}
		if got := s.Configs().Revision(); got != revision {
			t.Errorf("revision %d, not %d", got, revision)
		}
		for path, want := range map[string]string{
			"/nacos/v2/console/namespace/list": "Dev", "/nacos/v1/ns/instance/list?serviceName=s": "10.0.0.1", "/nacre/v1/status": `"storage":"mysql"`,
			"/nacos/v1/cs/history?search=accurate&dataId=a&group=g&pageNo=1&pageSize=5": `"totalCount":1`, "/metrics": "nacre_database_up 1",
		} {
			if status, body := ask(t, "GET", s.URL+path, ""); status != http.StatusOK || !strings.Contains(body, want) {
				t.Errorf("%s: %d %.300s, want %s", path, status, body, want)
			}
		}
	}
	look(s)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	look(Start(t, OnMySQL(dsn), InDir(dir)))
	look(Start(t, OnMySQL(dsn))) // another folder on the same database
}

// TestNodesOnOneDatabaseFollowEachOther lets two nodes write what the other one writes too.
func TestNodesOnOneDatabaseFollowEachOther(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	nodes := []*Server{Start(t, OnMySQL(dsn)), Start(t, OnMySQL(dsn))}
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			s := nodes[w%2]
			for i := range 25 {
				id, content := fmt.Sprint("c", (w+i)%7), fmt.Sprint(w, ".", i)
				if i%10 == 9 {
					if status, body := ask(t, "DELETE", s.URL+"/nacos/v1/cs/configs?dataId="+id+"&group=g", ""); status != http.StatusOK {
						t.Errorf("%d %s", status, body)
					}
					continue
				}
				if status, body := s.publish(t, id, content); status != http.StatusOK {
					t.Errorf("%d %s", status, body)
				}
				own := fmt.Sprint("own", w)
				if status, body := s.publish(t, own, content); status != http.StatusOK {
					t.Errorf("%d %s", status, body)
				}
				if err := s.holds(t, own, content); err != nil {
					t.Errorf("what was acknowledged is not read: %v", err)
				}
			}
		})
	}
	writers.Wait()
	fresh := Start(t, OnMySQL(dsn))
	want := fresh.Configs().Sums().Now
	for i, s := range nodes {
		eventually(t, func() error {
			if got := s.Configs().Sums().Now; got != want {
				return fmt.Errorf("node %d holds %+v, the database %+v", i, got, want)
			}
			return nil
		})
	}
	nodes[0].mustPublish(t, "last", "word")
	eventually(t, func() error { return nodes[1].holds(t, "last", "word") })
	if status, body := ask(t, "GET", nodes[0].URL+"/nacre/v1/config?dataId=last&group=g&consistency=strong", ""); status != http.StatusOK || !strings.Contains(body, "word") {
		t.Errorf("%d %s", status, body)
	}
	nodes[1].mustPublish(t, "last", "said")
	if status, body := ask(t, "GET", nodes[0].URL+"/nacre/v1/config?dataId=last&group=g&consistency=strong", ""); status != http.StatusOK || !strings.Contains(body, "said") {
		t.Errorf("a strong read does not see what another node was answered for: %d %s", status, body)
	}
}

func (s *Server) readyz(t *testing.T) (int, string) {
	t.Helper()
	return ask(t, "GET", s.URL+"/readyz", "")
}

func TestADatabaseThatGoesAwayTakesWritesAlone(t *testing.T) {
	db := mariadbtest.New(t)
	s := Start(t, OnMySQL(db.Database(t)))
	s.mustPublish(t, "a", "before")
	for name, fault := range map[string]struct {
		gone func()
		back func()
	}{
		"killed": {func() { db.Kill(t) }, func() {
			if err := db.Start(); err != nil {
				t.Fatal(err)
			}
		}},
		"paused": {func() { db.Pause(t) }, func() { db.Resume(t) }},
	} {
		fault.gone()
		eventually(t, func() error {
			if status, body := s.readyz(t); status != http.StatusServiceUnavailable || !strings.Contains(body, "the database ") {
				return fmt.Errorf("%s: readiness is %d %s", name, status, body)
			}
			return nil
		})
		if status, body := s.publish(t, "a", "lost"); status != http.StatusServiceUnavailable || !strings.Contains(body, "nothing was written") {
			t.Errorf("%s: a write is answered %d %s", name, status, body)
		}
		if status, body := ask(t, "GET", s.URL+"/nacos/v1/cs/configs?dataId=a&group=g", ""); status != http.StatusOK || !strings.Contains(body, "before") {
			t.Errorf("%s: a read is answered %d %s", name, status, body)
		}
		fault.back()
		eventually(t, func() error {
			if status, body := s.readyz(t); status != http.StatusOK {
				return fmt.Errorf("%s: readiness is %d %s", name, status, body)
			}
			return nil
		})
		s.mustPublish(t, "b", name)
	}
}

func TestAServerWhoseDatabaseIsAwayStartsAndWaits(t *testing.T) {
	db := mariadbtest.New(t)
	dsn := db.Database(t)
	s := Start(t, OnMySQL(dsn))
	s.mustPublish(t, "a", "one")
	db.Kill(t)
	late := start(t, OnMySQL(dsn))
	defer func() {
		if err := late.Stop(); err != nil {
			t.Error(err)
		}
	}()
	if err := late.srv.Ready(); err == nil || !strings.Contains(err.Error(), "waits for its database") {
		t.Errorf("it says %v", err)
	}
	if err := db.Start(); err != nil {
		t.Fatal(err)
	}
	if err := late.waitReady(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	if err := late.holds(t, "a", "one"); err != nil {
		t.Error(err)
	}
}

func TestADSNOrADatabaseThatIsNotRightIsRefused(t *testing.T) {
	db := mariadbtest.Shared(t)
	dir := t.TempDir()
	first := Start(t, OnMySQL(db.Database(t)), InDir(dir))
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	for name, dsn := range map[string]string{"no DSN": "nacre:hunter2", "another database": db.Database(t)} {
		set := settings.Default()
		set.HTTPAddr, set.DataDir, set.Storage, set.MySQLDSN = "127.0.0.1:0", dir, settings.StorageMySQL, dsn
		srv, err := server.New(context.Background(), set, server.Options{})
		if err == nil {
			t.Errorf("%s: it starts", name)
			_ = srv.Close()
			continue
		}
		var wrong *settings.Error
		if !errors.As(err, &wrong) || wrong.Setting != "mysql-dsn" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestThreeNodesOnMySQLAreOneServer(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	c := Cluster(t, 3, OnMySQL(dsn))
	for i, s := range c.Nodes {
		s.mustPublish(t, fmt.Sprint("c", i), fmt.Sprint("by ", i))
		if status, body := ask(t, "POST", s.URL+"/nacos/v1/ns/instance?serviceName=svc&ip=10.0.0.1&port="+fmt.Sprint(80+i), ""); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
	}
	for n, s := range c.Nodes {
		for i := range c.Nodes {
			eventually(t, func() error { return s.holds(t, fmt.Sprint("c", i), fmt.Sprint("by ", i)) })
			eventually(t, func() error {
				if _, body := ask(t, "GET", s.URL+"/nacos/v1/ns/instance/list?serviceName=svc", ""); !strings.Contains(body, fmt.Sprint(`"port":`, 80+i)) {
					return fmt.Errorf("node %d does not know instance %d: %s", n, i, body)
				}
				return nil
			})
		}
		if _, body := ask(t, "GET", s.URL+"/nacre/v1/cluster", ""); strings.Count(body, `"role":"member"`) != 3 || strings.Contains(body, `"DOWN"`) {
			t.Errorf("node %d shows %s", n, body)
		}
	}
	// What one node does for all another does when that is gone.
	first := c.Leader()
	if err := c.Nodes[first].Stop(); err != nil {
		t.Fatal(err)
	}
	c.List()
	if next := c.Leader(); next == first {
		t.Errorf("node %d, which is stopped, still leads", first)
	}
	writer, reader := c.Nodes[(first+1)%3], c.Nodes[(first+2)%3]
	for i := range 20 {
		writer.mustPublish(t, "a", fmt.Sprint(i))
		if status, body := ask(t, "GET", reader.URL+"/nacos/v1/cs/configs?dataId=a&group=g", "", "Nacre-Consistency", "strong"); status != http.StatusOK || body != fmt.Sprint(i) {
			t.Fatalf("a strong read of %d is %d %s", i, status, body)
		}
	}
	c.Restart(first)
	c.List()
	c.WaitReady()
	if err := c.Nodes[first].holds(t, "a", "19"); err != nil {
		t.Error(err)
	}
}
