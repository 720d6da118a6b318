package console_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/naming"
)

// listener is a client of the ledger that does what the test says.
type listener struct {
	*delivery.Session
	t    *testing.T
	owed chan struct{}
}

func (l *listener) Owed() {
	select {
	case l.owed <- struct{}{}:
	default:
	}
}

func (s *site) connects(c delivery.Client) *listener {
	c.Transport, c.ConnectedMs = delivery.GRPC, s.clock.Now().UnixMilli()
	l := &listener{t: s.t, owed: make(chan struct{}, 1)}
	l.Session = s.Delivery().Open(c, l)
	s.t.Cleanup(l.Close)
	return l
}

// listens says what the client has.
func (l *listener) listens(k config.Key, content string) {
	l.t.Helper()
	if _, err := l.Listen([]delivery.Watch{{Key: k, MD5: config.MD5([]byte(content))}}); err != nil {
		l.t.Fatal(err)
	}
}

// told waits for a push and acknowledges it.
func (l *listener) told(ack bool) {
	l.t.Helper()
	for {
		select {
		case <-l.owed:
		case <-time.After(5 * time.Second):
			l.t.Fatal("nothing was pushed")
		}
		if p := l.Take(nil, 10); len(p) > 0 {
			if ack {
				l.Acked(p[0].Key, p[0].Revision)
			}
			return
		}
	}
}

var appKey = config.Key{Namespace: "public", Group: "g", DataID: "app.yaml"}

const listenersOf = "/console/config/clients?ns=public&group=g&dataId=app.yaml"

// two returns a site on which "quick" has what was published last, and "slow" has not, for 42 s.
func two(t *testing.T) (s *site, slow *listener, revision uint64) {
	s = signedIn(t)
	s.publish("public", "g", "app.yaml", "a: 1", "alice")
	quick := s.connects(delivery.Client{ID: "quick-id", IP: "10.0.0.1", Remote: "10.0.0.1:5001", App: "orders", SDK: "Nacos-Java-Client:v3.1.0", Labels: map[string]string{"app_zone": "east", "module": "config"}})
	slow = s.connects(delivery.Client{ID: "slow-id", IP: "172.16.0.2", Remote: "10.0.0.2:5002", App: "=2+3", SDK: "Nacos-Go-Client:v2.2.7"})
	quick.listens(appKey, "a: 1")
	slow.listens(appKey, "a: 1")
	revision = s.publish("public", "g", "app.yaml", "a: 2", "alice")
	quick.told(true)
	quick.listens(appKey, "a: 2")
	slow.told(false)
	s.later(42 * time.Second)
	return s, slow, revision
}

func TestThePageOfListenersShowsHowEachStands(t *testing.T) {
	s, slow, _ := two(t)
	a := s.get(listenersOf).is(200, "1 of 2 in sync", "1 behind, the longest for 42 s", "10.0.0.1:5001", "orders", "Nacos-Java-Client:v3.1.0", "zone=east",
		"10.0.0.2:5002", "172.16.0.2", "behind for 42 s", config.MD5([]byte("a: 1"))[:8], config.MD5([]byte("a: 2"))[:8], "never", "Push again to 1 behind")
	a.hides("module=config", "All 2")
	if strings.Index(a.body, "10.0.0.2:5002") > strings.Index(a.body, "10.0.0.1:5001") {
		t.Error("who is behind does not stand first")
	}
	for _, want := range []string{`data-pace="1000"`, `<progress value="1" max="2"`, `role="status"`, `aria-label="Push again to 10.0.0.2:5002"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	for name, tc := range map[string]struct {
		query       string
		shown, gone string
	}{
		"those that are not in sync": {"&state=behind", "10.0.0.2:5002", "10.0.0.1:5001"},
		"those in sync":              {"&state=inSync", "10.0.0.1:5001", "10.0.0.2:5002"},
		"by application":             {"&text=ORD", "10.0.0.1:5001", "10.0.0.2:5002"},
		"by label":                   {"&text=app_zone%3Deast", "10.0.0.1:5001", "10.0.0.2:5002"},
		"nobody":                     {"&state=canary", "No client is like that", "10.0.0.1:5001"},
	} {
		t.Run(name, func(t *testing.T) { s.get(listenersOf+tc.query).is(200, tc.shown, "1 of 2 in sync").hides(tc.gone) })
	}
	slow.listens(appKey, "a: 2")
	if a := s.get(listenersOf).is(200, "All 2 in sync"); !strings.Contains(a.body, `data-pace="3000"`) {
		t.Error("the page is read anew as often as while somebody is behind")
	}
}

func TestAfterAPublishTheBarSaysHowLongItTook(t *testing.T) {
	s, slow, revision := two(t)
	after := listenersOf + "&published=" + number(revision)
	s.get(after).is(200, "1 of 2 in sync", "Revision "+number(revision)+" was published 42 s ago.")
	s.later(-41600 * time.Millisecond)
	if a := s.get(after); !strings.Contains(a.body, `data-pace="300"`) {
		t.Error("the page is not read anew at once")
	}
	s.later(41600 * time.Millisecond)
	slow.listens(appKey, "a: 2")
	s.get(after).is(200, "All 2 in sync after 42.") // and tenths, on a busy machine
	s.publish("public", "g", "app.yaml", "a: 3", "bob")
	s.get(after).is(200, "0 of 2 in sync", "A newer revision was published since")
	s.get("/console/config/clients?ns=public&group=g&dataId=nobody&published=1").is(200, "Nobody listens for it now. Clients get it when they read.", "Nobody listens for this configuration")
}

func TestWhoIsBehindIsToldAgainByAButton(t *testing.T) {
	s, slow, _ := two(t)
	form := url.Values{"ns": {"public"}, "group": {"g"}, "dataId": {"app.yaml"}, "back": {listenersOf + "&state=behind"}}
	select {
	case <-slow.owed: // the ledger's own repetition
	default:
	}
	slow.Take(nil, 10)
	a := s.post("/console/config/clients/again", form)
	slow.told(false)
	if at := a.Header.Get("Location"); !strings.HasPrefix(at, "/console/config/clients?") || !strings.Contains(at, "state=behind") {
		t.Errorf("it goes on to %q", at)
	}
	if page := s.follow(a); !strings.Contains(page.body, "1 told again") {
		t.Error("nothing says that it was told")
	}
	form.Set("client", "quick-id")
	if page := s.follow(s.post("/console/config/clients/again", form)); !strings.Contains(page.body, "Nobody was told") {
		t.Error("nothing says that nobody was told")
	}
	s.post("/console/config/clients/again", url.Values{"csrf": {"x"}}).is(http.StatusForbidden)
	s.post("/console/config/clients/again", url.Values{"ns": {"public"}, "group": {"g"}, "dataId": {"a b"}}).is(http.StatusBadRequest)
	s.another(t).post("/console/config/clients/again", form).is(http.StatusUnauthorized, "Sign in")
}

func TestListenersAreWrittenAsATable(t *testing.T) {
	s, _, revision := two(t)
	a := s.get("/console/config/clients.csv?ns=public&group=g&dataId=app.yaml")
	if a.StatusCode != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/csv") || !strings.Contains(a.Header.Get("Content-Disposition"), "app.yaml-clients.csv") {
		t.Fatalf("%d %v", a.StatusCode, a.Header)
	}
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%v %v", rows, err)
	}
	if r := rows[1]; r[0] != "slow-id" || r[1] != "10.0.0.2:5002" || r[2] != "172.16.0.2" || r[3] != "'=2+3" || r[8] != "behind" || r[9] != "42" || r[12] != number(revision) {
		t.Errorf("%q", r)
	}
	if r := rows[2]; r[0] != "quick-id" || r[5] != "zone=east" || r[8] != "inSync" || r[10] != r[11] {
		t.Errorf("%q", r)
	}
	if a := s.get("/console/config/clients.csv?ns=public&group=g&dataId=app.yaml&state=inSync"); strings.Contains(a.body, "slow-id") {
		t.Error("the filter does not count")
	}
}

func TestAllClientsAndEachOfThem(t *testing.T) {
	s, slow, _ := two(t)
	s.get("/console/clients").is(200, "By gRPC 2", "Behind 1", "10.0.0.1:5001", "10.0.0.2:5002", "behind on 1", "in sync")
	s.get("/console/clients?state=behind").is(200, "10.0.0.2:5002").hides("10.0.0.1:5001")
	s.get("/console/clients?text=orders").is(200, "10.0.0.1:5001").hides("10.0.0.2:5002")
	s.get("/console/clients?transport=http").is(200, "No client is like that", "Show all")
	s.get("/console/client?id=quick-id").is(200, "orders", "Nacos-Java-Client:v3.1.0", "Labels app_zone=east, module=config", "Listens for 1", "app.yaml", "public / g", "in sync", "connected 42 s ago")
	s.get("/console/client?id=slow-id").is(200, "behind on 1", "behind for 42 s")
	slow.Close()
	s.get("/console/client?id=slow-id").is(404, "This client is not connected", "disconnected")
	s.get("/console/client?id=").is(404, "This client is not connected")
	empty := signedIn(t)
	empty.get("/console/clients").is(200, "No client is connected", "Connect an application")
	empty.get("/console/clients", "Accept-Language", "zh-CN").is(200, "没有客户端连接")
}

func TestWhatClientsSayOfThemselvesIsShownAsItIs(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "g", "app.yaml", "a: 1", "alice")
	const evil = `<img src=x onerror=alert(1)>`
	c := s.connects(delivery.Client{ID: `"><script>`, IP: evil, Remote: "[::1]:7", App: evil, SDK: evil, Tag: evil, Labels: map[string]string{"app_" + evil: evil}})
	c.listens(appKey, "a: 1")
	for _, path := range []string{listenersOf, "/console/clients", "/console/client?id=" + url.QueryEscape(`"><script>`)} {
		if a := s.get(path).is(200, evil, "[::1]:7"); strings.Contains(a.body, "<img src=x") || strings.Contains(a.body, `"><script>`) {
			t.Errorf("%s has it as markup", path)
		}
	}
}

func TestWhoSendsHeartbeatsOrIsToldOverUDPIsListedAndHasAPage(t *testing.T) {
	s, _, _ := two(t)
	s.registers("orders", "10.0.0.1", 80)
	s.registers("orders", "10.0.0.9", 81)
	udp := s.Naming().Open(naming.Client{ID: "10.0.0.1:54000#udp", Kind: naming.Datagram, IP: "10.0.0.1", Port: 54000, Remote: "10.0.0.1:54000", SDK: "Nacos-Java-Client:v1.4.8"}, &watcher{owed: make(chan struct{}, 1)})
	if _, err := udp.Subscribe(ordersKey, ""); err != nil {
		t.Fatal(err)
	}
	quick := s.Naming().Open(naming.Client{ID: "quick-id", IP: "10.0.0.1", Remote: "10.0.0.1:5001"}, nil)
	for _, name := range []string{"a", "b", "c"} {
		if err := quick.Register(naming.Key{Namespace: "public", Group: "g", Name: name}, naming.Instance{IP: "10.0.0.1", Port: 1, Weight: 1}); err != nil {
			t.Fatal(err)
		}
	}
	s.get("/console/clients").is(200, "By gRPC 2", "By polling 0", "By heartbeats 2", "Told over UDP 1", "10.0.0.9:81 no name", "heartbeats over HTTP", "10.0.0.1:54000", "Nacos-Java-Client:v1.4.8", "told over UDP",
		"gRPC public 1 3 0 in sync", "heartbeats over HTTP public 0 1 0 registered", "told over UDP public 0 0 1 in sync")
	s.get("/console/clients?transport=beat").is(200, "10.0.0.9:81", "10.0.0.1:80").hides("10.0.0.1:54000").hides("10.0.0.1:5001")
	s.get("/console/clients?transport=udp").is(200, "10.0.0.1:54000").hides("10.0.0.9:81").hides("10.0.0.2:5002")
	s.get("/console/clients?transport=grpc").is(200, "10.0.0.1:5001", "10.0.0.2:5002").hides("10.0.0.9:81")
	s.get("/console/clients?transport=persistent").is(200, "No client is like that")
	s.get("/console/clients?text=0.9:8").is(200, "10.0.0.9:81").hides("10.0.0.1")
	s.get("/console/clients?state=behind").is(200, "10.0.0.2:5002").hides("10.0.0.9:81").hides("10.0.0.1:5001")
	beats := "/console/client?id=" + url.QueryEscape("10.0.0.1:80#true")
	s.get(beats).is(200, "10.0.0.1:80", "Registers 1", "Last heard", "Other clients of this address", "10.0.0.1:5001 gRPC", "10.0.0.1:54000 told over UDP").hides("10.0.0.9")
	s.get("/console/client?id="+url.QueryEscape("10.0.0.1:54000#udp")).is(200, "Subscribes to 1", "Last heard", "10.0.0.1:80 heartbeats over HTTP")
	s.get("/console/client?id=quick-id").is(200, "Listens for 1", "Registers 3", "Other clients of this address", "10.0.0.1:80 heartbeats over HTTP")
	s.get(beats, "Accept-Language", "zh-CN").is(200, "同一地址的其他客户端", "上次心跳或查询", "UDP 推送")
	s.get("/console/clients", "Accept-Language", "zh-CN").is(200, "注册数", "订阅数", "HTTP 心跳 2", "UDP 推送 1")
	s.get("/console/find?q=54000").is(200, "10.0.0.1:54000#udp", "told over UDP")

	// One that is behind with services alone is found among those that are behind.
	udp.Close("test")
	n := &watcher{owed: make(chan struct{}, 1)}
	quick = s.Naming().Open(naming.Client{ID: "quick-id", IP: "10.0.0.1", Remote: "10.0.0.1:5001"}, n)
	if _, err := quick.Subscribe(ordersKey, ""); err != nil {
		t.Fatal(err)
	}
	s.registers("orders", "10.0.0.3", 80)
	select {
	case <-n.owed:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was pushed")
	}
	s.get("/console/clients?state=behind").is(200, "10.0.0.1:5001", "10.0.0.2:5002").hides("10.0.0.9:81")
	s.get("/console/clients?state=behind&transport=http").is(200, "No client is like that")
}

func TestPagesOfClientsGoOnFromTheLedgerIntoTheRegistry(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "g", "app.yaml", "a: 1", "alice")
	for i := range 60 {
		s.connects(delivery.Client{ID: fmt.Sprintf("c%02d", i), IP: "10.0.1.1", Remote: fmt.Sprintf("10.0.1.1:%d", 6000+i)})
		s.registers("orders", fmt.Sprintf("10.0.2.%d", i), 80)
	}
	first, second := s.get("/console/clients"), s.get("/console/clients?page=2")
	first.is(200, "10.0.1.1:6000", "10.0.1.1:6059", "10.0.2.0:80")
	second.is(200).hides("10.0.1.1:6059")
	for i := range 60 {
		row := fmt.Sprintf(`id="c-10.0.2.%d:80#true"`, i)
		if n := strings.Count(first.body, row) + strings.Count(second.body, row); n != 1 {
			t.Errorf("%s stands there %d times", row, n)
		}
	}
	if n := strings.Count(second.body, `id="c-`); n != 20 {
		t.Errorf("%d rows are on the second page", n)
	}
	s.get("/console/client?id="+url.QueryEscape("10.0.2.7:80#true")).is(200, "10.0.2.7:80").hides("Other clients of this address")
	s.get("/console/client?id=c00").is(200, "Other clients of this address", "Show all")
}
