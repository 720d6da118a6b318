package nacre_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/servertest"
	"nacre/web/api/apitest"
)

// deaf is a client that does nothing when it is told of a change.
type deaf struct{}

func (deaf) Owed() {}

// eager is one that takes every change at once and listens again with what it is to see.
type eager struct {
	owed    chan struct{}
	session *delivery.Session
}

func (e *eager) Owed() {
	select {
	case e.owed <- struct{}{}:
	default:
	}
}

func (e *eager) follow(t *testing.T, s *servertest.Server, end chan struct{}) {
	for {
		select {
		case <-end:
			return
		case <-e.owed:
		}
		for _, p := range e.session.Take(nil, 10) {
			e.session.Acked(p.Key, p.Revision)
			md5 := s.Configs().Item(p.Key).MD5For(config.Client{IP: "10.0.0.1"})
			if _, err := e.session.Listen([]delivery.Watch{{Key: p.Key, MD5: md5}}); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestDelivery(t *testing.T) {
	s := servertest.Start(t)
	apitest.Publish(t, s.Configs(), map[string]string{"dev/g/a": "hello world"})
	k := config.Key{Namespace: "dev", Group: "g", DataID: "a"}
	none := config.Key{Namespace: "public", Group: "DEFAULT_GROUP", DataID: "none"}
	shop := s.Delivery().Open(delivery.Client{
		ID: "1_10.0.0.1_5", Transport: delivery.GRPC, IP: "10.0.0.1", Remote: "10.0.0.1:5", App: "shop", SDK: "Nacos-Java-Client:v3.1.0", Tenant: "dev",
		Labels: map[string]string{"module": "config"}, ConnectedMs: 7,
	}, deaf{})
	defer shop.Close()
	till := s.Delivery().Open(delivery.Client{ID: "2_10.0.0.2_6", Transport: delivery.GRPC, IP: "10.0.0.2", Remote: "10.0.0.2:6", App: "till"}, deaf{})
	defer till.Close()
	for session, ws := range map[*delivery.Session][]delivery.Watch{
		shop: {{Key: k, MD5: helloMD5}, {Key: none}},
		till: {{Key: k, MD5: "old"}},
	} {
		if _, err := session.Listen(ws); err != nil {
			t.Fatal(err)
		}
	}
	const at = "/nacre/v1/delivery"
	apitest.Run(t, s.URL, s.Configs(), []apitest.Scenario{
		{Name: "who is behind stands first", Method: "GET", Path: at + "?namespace=dev&group=g&dataId=a",
			Want: `{"namespace":"dev","group":"g","dataId":"a","md5":"` + helloMD5 + `","revision":1,"listeners":2,"inSync":1,"behind":1,"looping":0,"neverAcked":0,"total":2,"page":1,"pages":1,"rows":[` +
				`{"client":{"id":"2_10.0.0.2_6","transport":"grpc","ip":"10.0.0.2","remote":"10.0.0.2:6","appName":"till","sdk":"","tag":"","tenant":"","labels":{},"connectedMs":0,"node":"<*>"},` +
				`"namespace":"dev","group":"g","dataId":"a","state":"behind","connected":true,"md5":"old","wantMd5":"` + helloMD5 + `","gray":"","revision":1,"behindMs":<*>,"pushedMs":0,"ackedMs":0,"listenedMs":<*>,"attempts":0},` +
				`{"client":{"id":"1_10.0.0.1_5","transport":"grpc","ip":"10.0.0.1","remote":"10.0.0.1:5","appName":"shop","sdk":"Nacos-Java-Client:v3.1.0","tag":"","tenant":"dev","labels":{"module":"config"},"connectedMs":7,"node":"<*>"},` +
				`"namespace":"dev","group":"g","dataId":"a","state":"inSync","connected":true,"md5":"` + helloMD5 + `","wantMd5":"` + helloMD5 + `","gray":"","revision":0,"behindMs":0,"pushedMs":0,"ackedMs":0,"listenedMs":<*>,"attempts":0}],"unreached":[]}`},
		{Name: "those in one state", Method: "GET", Path: at + "?namespace=dev&group=g&dataId=a&state=inSync", Has: []string{`"listeners":2`, `"total":1`, `"appName":"shop"`}, HasNot: []string{"till"}},
		{Name: "the second page", Method: "GET", Path: at + "?namespace=dev&group=g&dataId=a&page=2&size=1", Has: []string{`"total":2,"page":2,"pages":2`, `"appName":"shop"`}, HasNot: []string{"till"}},
		{Name: "a page behind the last", Method: "GET", Path: at + "?namespace=dev&group=g&dataId=a&page=9", Has: []string{`"total":2`, `"rows":[]`}},
		{Name: "a configuration that does not exist can be listened for", Method: "GET", Path: at + "?dataId=none", Has: []string{`"md5":"","revision":0,"listeners":1,"inSync":1`, `"wantMd5":""`}},
		{Name: "for which nobody listens", Method: "GET", Path: at + "?dataId=nobody", Has: []string{`"listeners":0`, `"rows":[]`}},
		{Name: "a name is needed", Method: "GET", Path: at, Status: 400},
		{Name: "an unknown state is refused", Method: "GET", Path: at + "?dataId=a&state=asleep", Status: 400, Has: []string{"it must be one of inSync, behind, looping, neverAcked"}},
		{Name: "all clients", Method: "GET", Path: at + "/clients", Has: []string{`"total":2`, `"id":"1_10.0.0.1_5"`, `"connected":true,"listenings":2,"behind":0`, `"listenings":1,"behind":1`}},
		{Name: "clients by text", Method: "GET", Path: at + "/clients?text=SHOP", Has: []string{`"total":1`, `"appName":"shop"`}},
		{Name: "clients that are behind", Method: "GET", Path: at + "/clients?behind=true", Has: []string{`"total":1`, `"appName":"till"`}},
		{Name: "clients that poll", Method: "GET", Path: at + "/clients?transport=http", Want: `{"total":0,"page":1,"pages":0,"clients":[],"unreached":[]}`},
		{Name: "one client", Method: "GET", Path: at + "/clients/1_10.0.0.1_5", Has: []string{`"id":"1_10.0.0.1_5"`, `"listenings":2`, `"dataId":"a","state":"inSync"`, `"dataId":"none","state":"inSync"`}},
		{Name: "a page of what it listens for", Method: "GET", Path: at + "/clients/1_10.0.0.1_5?page=2&size=1", Has: []string{`"page":2,"pages":2`, `"dataId":"none"`}, HasNot: []string{`"dataId":"a"`}},
		{Name: "a client that is not there", Method: "GET", Path: at + "/clients/x", Status: 404, Want: `{"error":{"kind":"notFound","message":"no client x is connected"}}`},
		{Name: "the summary", Method: "GET", Path: at + "/summary", Want: `{"node":"<*>","grpcClients":2,"httpClients":0,"listenings":3,"inSync":2,"behind":1,"looping":0,"neverAcked":0,"pushes":0,"acks":0,"resent":0,"unreached":[]}`},
	})
}

func TestAPublishWaitsForThoseWhoListen(t *testing.T) {
	s := servertest.Start(t)
	k := config.Key{Namespace: "public", Group: "DEFAULT_GROUP", DataID: "a"}
	follower := &eager{owed: make(chan struct{}, 1)}
	follower.session = s.Delivery().Open(delivery.Client{ID: "1", Transport: delivery.GRPC, IP: "10.0.0.1"}, follower)
	end, ended := make(chan struct{}), make(chan struct{})
	go func() { defer close(ended); follower.follow(t, s, end) }()
	defer func() { close(end); <-ended; follower.session.Close() }()
	if _, err := follower.session.Listen([]delivery.Watch{{Key: k}}); err != nil {
		t.Fatal(err)
	}
	sleeper := s.Delivery().Open(delivery.Client{ID: "2", Transport: delivery.GRPC, IP: "10.0.0.2"}, deaf{})
	defer sleeper.Close()
	const at = "/nacre/v1/config?dataId=a"
	changed := []string{"~public/DEFAULT_GROUP/a"}
	apitest.Run(t, s.URL, s.Configs(), []apitest.Scenario{
		{Name: "it answers when all have it", Method: "PUT", Path: at + "&wait=sync&timeout=30s", Body: `{"content":"one"}`, Published: []string{"+public/DEFAULT_GROUP/a"}, Has: []string{`"created":true,"inSync":1,"listeners":1}`}},
		{Name: "one only where there is none waits, too", Method: "PUT", Path: "/nacre/v1/config?dataId=b&wait=sync", Header: map[string]string{"If-None-Match": "*"}, Body: `{"content":"one"}`, Published: []string{"+public/DEFAULT_GROUP/b"}, Has: []string{`"inSync":0,"listeners":0}`}},
		{Name: "without it there is no count", Method: "PUT", Path: at, Body: `{"content":"two"}`, Published: changed, HasNot: []string{"inSync", "listeners"}},
		{Name: "or when the time is over", Method: "PUT", Path: at + "&wait=sync&timeout=300ms", Body: `{"content":"three"}`, Published: changed, Has: []string{`"inSync":1,"listeners":2}`},
			Before: func(*config.Service) {
				if _, err := sleeper.Listen([]delivery.Watch{{Key: k, MD5: config.MD5([]byte("two"))}}); err != nil {
					t.Error(err)
				}
			}},
		{Name: "a refused one does not wait", Method: "PUT", Path: at + "&wait=sync&timeout=60s&ifRevision=1", Body: `{"content":"four"}`, Status: 409},
		{Name: "a removal waits, too", Method: "DELETE", Path: at + "&wait=sync&timeout=100ms", Published: []string{"-public/DEFAULT_GROUP/a"}, Has: []string{`"existed":true`, `"inSync":1,"listeners":2}`}},
		{Name: "another wait is refused", Method: "PUT", Path: at + "&wait=all", Body: `{"content":"x"}`, Status: 400},
		{Name: "a timeout that is none is refused before anything is done", Method: "PUT", Path: at + "&wait=sync&timeout=soon", Body: `{"content":"x"}`, Status: 400, Has: []string{"it must be a duration above 0 and up to 60s"}},
		{Name: "a timeout that is too long is refused", Method: "PUT", Path: at + "&wait=sync&timeout=61s", Body: `{"content":"x"}`, Status: 400},
	})
}

// TestAPollIsInTheLedger lets a real long poll wait, be answered, and come back.
func TestAPollIsInTheLedger(t *testing.T) {
	s := servertest.Start(t)
	apitest.Publish(t, s.Configs(), map[string]string{"public/DEFAULT_GROUP/a": "one"})
	client := &http.Client{}
	defer client.CloseIdleConnections()
	poll := func(md5 string, answer chan<- string) {
		form := url.Values{"Listening-Configs": {"a\x02DEFAULT_GROUP\x02" + md5 + "\x01"}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/nacos/v1/cs/configs/listener", strings.NewReader(form.Encode()))
		if err != nil {
			answer <- err.Error()
			return
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Long-Pulling-Timeout", "30000")
		req.Header.Set("Client-AppName", "shop")
		req.Header.Set("User-Agent", "Nacos-Java-Client:v1.4.6")
		res, err := client.Do(req)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		answer <- string(b)
	}
	answer := make(chan string, 2)
	go poll(config.MD5([]byte("one")), answer)
	first := eventually(t, s, "inSync", true)
	if c := first.Client; c.AppName != "shop" || c.SDK != "Nacos-Java-Client:v1.4.6" || c.Transport != "http" || c.IP != "127.0.0.1" || !strings.HasPrefix(c.Remote, "127.0.0.1:") {
		t.Errorf("the client is %+v", c)
	}
	apitest.Publish(t, s.Configs(), map[string]string{"public/DEFAULT_GROUP/a": "two"})
	if got := <-answer; got != "a%02DEFAULT_GROUP%01\n" {
		t.Fatalf("answered %q", got)
	}
	eventually(t, s, "behind", false)
	go poll(config.MD5([]byte("two")), answer)
	if again := eventually(t, s, "inSync", true); again.Client.ID != first.Client.ID || again.MD5 != config.MD5([]byte("two")) {
		t.Errorf("back it is %+v, before it was %+v", again, first)
	}
	apitest.Publish(t, s.Configs(), map[string]string{"public/DEFAULT_GROUP/a": "three"})
	<-answer
}

type deliveryRow struct {
	Client    struct{ ID, Transport, IP, Remote, AppName, SDK string }
	State     string
	MD5       string
	Connected bool
}

// eventually waits until the one listener of a is in that state, and returns it.
func eventually(t *testing.T, s *servertest.Server, state string, connected bool) deliveryRow {
	t.Helper()
	var last string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		status, body := call(t, "GET", s.URL+"/nacre/v1/delivery?dataId=a", "")
		last = fmt.Sprint(status, " ", string(body))
		var page struct{ Rows []deliveryRow }
		if err := json.Unmarshal(body, &page); err != nil {
			t.Fatal(err)
		}
		if len(page.Rows) == 1 && page.Rows[0].State == state && page.Rows[0].Connected == connected {
			return page.Rows[0]
		}
	}
	t.Fatalf("the client did not become %s (connected: %v): %s", state, connected, last)
	return deliveryRow{}
}
