package console_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/feed"
	"nacre/web/live"
)

var regexpPhrases = regexp.MustCompile(`data-phrases="([^"]+)"`)

func number(n uint64) string { return strconv.FormatUint(n, 10) }

func TestTheFeedIsAPageWithoutScript(t *testing.T) {
	s := signedIn(t)
	s.namespace("dev", "Development")
	s.publish("dev", "g", "first", "1", "")
	revision := s.publish("public", "g", "app.yaml", "a: 1", "alice")
	c := s.connects(delivery.Client{ID: "c1", IP: "10.0.0.1", Remote: "10.0.0.1:5001", App: "orders", SDK: "Nacos-Go-Client:v2.2.7"})
	c.listens(appKey, "a: 1")
	a := s.get("/console/feed").is(200, "alice published app.yaml", "revision "+number(revision), "somebody at 10.0.0.9 published first", "dev / g", "orders 10.0.0.1 connected", "created the namespace Development", "The server is ready")
	if strings.Index(a.body, ">app.yaml<") > strings.Index(a.body, ">first<") {
		t.Error("the newest is not the first")
	}
	for _, want := range []string{`href="/console/config?dataId=app.yaml&amp;group=g&amp;ns=public"`, `href="/console/client?id=c1"`, `href="/console/configs?ns=dev"`, `data-feed="/ws/feed"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	for name, tc := range map[string]struct{ query, shown, gone string }{
		"by namespace":           {"?ns=dev", "published first", "app.yaml"},
		"by a group of kinds":    {"?kinds=client", "connected", "published"},
		"by kinds in one value":  {"?kinds=server,namespace", "created the namespace", "published"},
		"by kinds, each its own": {"?kinds=server&kinds=client", "connected", "published"},
		"by one kind":            {"?kinds=client.gone", "Nothing like that has happened", "published"},
		"by text":                {"?text=ALICE", "app.yaml", "published first"},
	} {
		t.Run(name, func(t *testing.T) { s.get("/console/feed"+tc.query).is(200, tc.shown).hides(tc.gone) })
	}
	s.get("/console/feed?kinds=confg").is(400, "confg", "is not known", "Show everything")
	s.get("/console/feed", "Accept-Language", "zh-CN").is(200, "alice 发布了 app.yaml", "来自 10.0.0.9 的用户 发布了 first")
}

func TestEveryKindOfEventIsWorded(t *testing.T) {
	s := signedIn(t)
	for _, lang := range []string{"en", "zh-CN"} {
		a := s.get("/console/feed?lang=" + lang)
		var phrases struct {
			Kinds map[feed.Kind]struct{ Says, Name string }
		}
		attribute := first(regexpPhrases, a.body)
		if err := json.Unmarshal([]byte(attribute), &phrases); err != nil {
			t.Fatalf("%v: %.200s", err, attribute)
		}
		for _, k := range feed.Kinds {
			if w := phrases.Kinds[k]; w.Says == "" || w.Name == "" {
				t.Errorf("%s has no words in %s", k, lang)
			}
		}
	}
}

func TestWhatEventsTellIsShownAsItIs(t *testing.T) {
	s := signedIn(t)
	const evil = `<img src=x onerror=alert(1)>`
	s.publishAs(evil, config.Draft{Key: appKey, Content: []byte("x"), Note: config.Note{Comment: evil}})
	if a := s.get("/console/feed").is(200, evil+" published app.yaml"); strings.Contains(a.body, "<img src=x") {
		t.Error("it is markup")
	}
}

// dial opens the feed's socket as a page of b does.
func (b *browser) dial() (*websocket.Conn, *http.Response, error) {
	return websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(b.url, "http")+live.Path, http.Header{"Origin": {b.url}, "Cookie": {b.cookies()}})
}

func TestTheSocketOfAPageEndsWithItsSession(t *testing.T) {
	s := signedIn(t)
	c, _, err := s.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	read := func() error { _, _, err := c.ReadMessage(); return err }
	if err := read(); err != nil { // hello
		t.Fatal(err)
	}
	s.publish("public", "g", "a", "1", "alice")
	if err := read(); err != nil {
		t.Fatal(err)
	}
	kept := s.cookies()
	s.post("/console/logout", nil)
	s.publish("public", "g", "a", "2", "alice")
	var bye *websocket.CloseError
	if err := read(); !errors.As(err, &bye) || bye.Code != live.CloseEnded {
		t.Errorf("after the session: %v", err)
	}
	s.another(t).get("/nacre/v1/feed", "Cookie", kept).is(http.StatusForbidden)
	header := http.Header{"Origin": {s.url}, "Cookie": {kept}}
	if _, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.url, "http")+live.Path, header); err == nil || res == nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("a session that has ended opens the feed: %v", err)
	}
	if c, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.url, "http")+live.Path, nil); err != nil {
		t.Errorf("a program, which needs no login: %v", err)
	} else {
		c.Close()
	}
}

func TestTheStreamOfAPageEndsWithItsSession(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "g", "a", "1", "alice")
	res, err := s.client.Get(s.url + "/nacre/v1/feed?since=0&kind=config")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	in := bufio.NewReader(res.Body)
	for line := ""; !strings.Contains(line, `"dataId":"a"`); {
		if line, err = in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	s.post("/console/logout", nil)
	s.publish("public", "g", "b", "2", "alice")
	if rest, err := io.ReadAll(in); err != nil || strings.Contains(string(rest), `"dataId":"b"`) {
		t.Errorf("it was sent %s, %v", rest, err)
	}
}
