package v1_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"nacre/server/config"
	"nacre/server/servertest"
	"nacre/web/api/apitest"
)

// entry is one entry of a listening string.
func entry(words ...string) string { return strings.Join(words, "\x02") + "\x01" }

func md5(text string) string { return config.MD5([]byte(text)) }

func TestPollsThatAreAnsweredAtOnce(t *testing.T) {
	s := start(t, nil)
	apitest.Publish(t, s.Configs(), map[string]string{"public/g/a": "one", "dev/g/b": "one"})
	same := entry("a", "g", md5("one"))
	poll := func(name, listening string, header map[string]string, status int, want string) scenario {
		if header == nil {
			header = map[string]string{"Long-Pulling-Timeout": "30000"}
		}
		return scenario{Name: name, Method: "POST", Path: configs + "/listener", Form: form("Listening-Configs", listening), Header: header, Status: status, Want: want}
	}
	noHangup := map[string]string{"Long-Pulling-Timeout": "30000", "Long-Pulling-Timeout-No-Hangup": "true"}
	const bad = "caused: invalid probeModify;"
	changed := poll("another md5", entry("a", "g", "x"), nil, 200, "a%02g%01\n")
	changed.WantHeader = map[string]string{"Content-Type": jsonUTF8, "Cache-Control": "no-cache,no-store"}
	query := changed
	query.Name, query.Form, query.Path = "the string in the query", form(), configs+"/listener?Listening-Configs="+url.QueryEscape(entry("a", "g", "x"))
	short := poll("a short poll of an old client", entry("a", "g", ""), map[string]string{"Client-Version": "1.4.8"}, 200, "")
	short.WantHeader = map[string]string{"Probe-Modify-Response": "a:g;", "Probe-Modify-Response-New": "a%02g%01"}
	unsaid := short
	unsaid.Name, unsaid.Header = "a short poll of one that does not say its version", map[string]string{"X": "x"}
	run(t, s, []scenario{
		changed, query,
		poll("no md5 of what is there", entry("a", "g", ""), nil, 200, "a%02g%01\n"),
		poll("an md5 of what is not there", entry("none", "g", "x"), nil, 200, "none%02g%01\n"),
		poll("a namespace", entry("b", "g", "", "dev"), nil, 200, "b%02g%02dev%01\n"),
		poll("a blank tenant word, as the Python client sends it", entry("a", "g", "", ""), nil, 200, "a%02g%01\n"),
		poll("the tenant word public comes back", entry("a", "g", "", "public"), nil, 200, "a%02g%02public%01\n"),
		poll("only those that differ", same+entry("b", "g", "", "dev")+entry("none", "g", ""), nil, 200, "b%02g%02dev%01\n"),
		poll("of the same key the last entry counts", entry("a", "g", "x")+same, noHangup, 200, ""),
		poll("nothing differs and no hangup", same, noHangup, 200, ""),
		poll("something differs and no hangup", entry("a", "g", "x"), noHangup, 200, "a%02g%01\n"),
		poll("text after the last entry is ignored", entry("a", "g", "x")+"tail", nil, 200, "a%02g%01\n"),
		short, unsaid,
		poll("a short poll of a new client", entry("a", "g", ""), map[string]string{"Client-Version": "3.1.0"}, 200, "a%02g%01\n"),
		poll("a time that is no number, when something differs", entry("a", "g", ""), map[string]string{"Long-Pulling-Timeout": "abc"}, 200, "a%02g%01\n"),
		poll("a time that is no number, when nothing does", same, map[string]string{"Long-Pulling-Timeout": "abc"}, 400, `caused: For input string: "abc";`),
		poll("an empty string", "", nil, 400, bad),
		{Name: "no string", Method: "POST", Path: configs + "/listener", Form: form(), Status: 400, Want: bad},
		poll("no entry", "abc", nil, 400, bad),
		poll("one word", entry("a"), nil, 400, bad),
		poll("two words", entry("a", "g"), nil, 400, bad),
		poll("five words", entry("a", "g", "", "dev", "more"), nil, 400, bad),
		poll("a broken second encoding", entry("a", "g", "%zz"), nil, 400, bad),
		poll("10,001 entries", strings.Repeat(entry("a", "g", "x"), 10_001), nil, 400, bad),
		poll("an illegal dataId", entry("a b", "g", ""), nil, 400, illegal),
	})
}

func TestTenThousandKeysInOnePoll(t *testing.T) {
	s := start(t, nil)
	var b strings.Builder
	for i := range 10_000 {
		b.WriteString(entry(fmt.Sprintf("key-%d", i), "DEFAULT_GROUP", strings.Repeat("0", 32), "dev"))
	}
	run(t, s, []scenario{{Name: "poll", Method: "POST", Path: configs + "/listener", Form: form("Listening-Configs", b.String()),
		Header: map[string]string{"Long-Pulling-Timeout": "30000"},
		Check: func(t *testing.T, body []byte) {
			if n := strings.Count(string(body), "%01"); n != 10_000 || !strings.HasSuffix(string(body), "%01\n") {
				t.Fatalf("%d keys", n)
			}
		}}})
}

// polls starts polls and knows how many must be waiting.
type polls struct {
	*servertest.Server
	n int64
}

// settle waits until as many polls wait as must: one that was answered is forgotten a moment later.
func (s *polls) settle(t *testing.T) {
	t.Helper()
	eventually(t, func() error {
		if now, _ := s.Delivery().Waiting(); now != s.n {
			return fmt.Errorf("%d polls wait, want %d", now, s.n)
		}
		return nil
	})
}

// wait polls in the background and returns where the answer comes.
func (s *polls) wait(t *testing.T, listening string, header map[string]string) <-chan string {
	t.Helper()
	s.settle(t)
	out := make(chan string, 1)
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), "POST", s.URL+configs+"/listener",
		strings.NewReader(url.Values{"Listening-Configs": {listening}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", formType)
	req.Header.Set("Long-Pulling-Timeout", "30000")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			out <- err.Error()
			return
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			out <- err.Error()
			return
		}
		out <- fmt.Sprintf("%d %s", res.StatusCode, body)
	}()
	s.n++
	s.settle(t)
	return out
}

func eventually(t *testing.T, check func() error) {
	t.Helper()
	var err error
	for range 2000 {
		if err = check(); err == nil {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Fatal(err)
}

// answered checks the answer of a poll that waited.
func (s *polls) answered(t *testing.T, out <-chan string, want string) {
	t.Helper()
	select {
	case got := <-out:
		s.n--
		if got != want {
			t.Fatalf("answer %q, want %q", got, want)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the poll is not answered")
	}
}

func TestPollsThatWait(t *testing.T) {
	s := &polls{Server: start(t, nil)}
	apitest.Publish(t, s.Configs(), map[string]string{"public/g/a": "one", "dev/g/b": "one"})
	publish := func(ns, id, text string, gray *config.GrayDraft) {
		t.Helper()
		d := config.Draft{Key: config.Key{Namespace: ns, Group: "g", DataID: id}, Content: []byte(text), Gray: gray}
		if _, err := s.Configs().Publish(t.Context(), config.Actor{}, d); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("are told of the one key that changed, each as it spelled the namespace", func(t *testing.T) {
		plain := s.wait(t, entry("a", "g", md5("one"))+entry("b", "g", md5("one"), "dev"), nil)
		blank := s.wait(t, entry("a", "g", md5("one"), ""), nil)
		public := s.wait(t, entry("a", "g", md5("one"), "public")+entry("none", "g", ""), nil)
		publish("public", "a", "one", nil) // the same content tells nobody
		publish("public", "a", "two", nil)
		s.answered(t, plain, "200 a%02g%01\n")
		s.answered(t, blank, "200 a%02g%01\n")
		s.answered(t, public, "200 a%02g%02public%01\n")
	})
	t.Run("are told of a namespace", func(t *testing.T) {
		out := s.wait(t, entry("b", "g", md5("one"), "dev"), nil)
		publish("dev", "b", "two", nil)
		s.answered(t, out, "200 b%02g%02dev%01\n")
	})
	t.Run("are told of what is created and deleted", func(t *testing.T) {
		out := s.wait(t, entry("new", "g", ""), nil)
		publish("public", "new", "x", nil)
		s.answered(t, out, "200 new%02g%01\n")
		out = s.wait(t, entry("new", "g", md5("x")), nil)
		if _, err := s.Configs().Remove(t.Context(), config.Actor{}, config.Key{Namespace: "public", Group: "g", DataID: "new"}, "", config.Note{}); err != nil {
			t.Fatal(err)
		}
		s.answered(t, out, "200 new%02g%01\n")
	})
	t.Run("are told of a variant when it is for them", func(t *testing.T) {
		tagged := s.wait(t, entry("a", "g", md5("two")), map[string]string{"Vipserver-Tag": "blue"})
		inBeta := s.wait(t, entry("a", "g", md5("two")), map[string]string{"X-Forwarded-For": "10.0.0.1"})
		other := s.wait(t, entry("a", "g", md5("two")), nil)
		publish("public", "a", "tagged", &config.GrayDraft{Name: "tag_blue", Rule: config.TagRule("blue")})
		s.answered(t, tagged, "200 a%02g%01\n")
		publish("public", "a", "beta", &config.GrayDraft{Name: "beta", Rule: config.BetaRule("10.0.0.1")})
		s.answered(t, inBeta, "200 a%02g%01\n")
		select {
		case got := <-other:
			t.Fatalf("a client that sees no change was answered %q", got)
		default:
		}
		publish("public", "a", "three", nil)
		s.answered(t, other, "200 a%02g%01\n")
	})
	t.Run("show up in the queries of listeners", func(t *testing.T) {
		s.wait(t, entry("a", "g", md5("three"))+entry("b", "g", md5("two"), "dev"), nil)
		run(t, s.Server, []scenario{
			{Name: "of a configuration", Method: "GET", Path: configs + "/listener?dataId=b&group=g&tenant=dev", Want: `{"collectStatus":200,"lisentersGroupkeyStatus":{"127.0.0.1":"` + md5("two") + `"}}`},
			{Name: "of an address", Method: "GET", Path: "/nacos/v1/cs/listener?ip=127.0.0.1", Want: `{"collectStatus":200,"lisentersGroupkeyStatus":{"a+g":"` + md5("three") + `"}}`},
			{Name: "of an address, a namespace", Method: "GET", Path: "/nacos/v1/cs/listener?ip=127.0.0.1&tenant=de", Has: []string{`"b+g+dev":"` + md5("two") + `"`, `"a+g"`}},
			{Name: "of an address, all", Method: "GET", Path: "/nacos/v1/cs/listener?ip=127.0.0.1&all=true", Has: []string{`"b+g+dev"`, `"a+g"`}},
			{Name: "of another address", Method: "GET", Path: "/nacos/v1/cs/listener?ip=10.1.1.1&all=true", Want: `{"collectStatus":200,"lisentersGroupkeyStatus":{}}`},
		})
	})
	t.Run("are answered with nothing when the server stops", func(t *testing.T) {
		out := s.wait(t, entry("a", "g", md5("three")), nil)
		done := make(chan error, 1)
		go func() { done <- s.Stop() }()
		select {
		case got := <-out:
			if got != "200 " {
				t.Fatalf("answer %q", got)
			}
		case <-time.After(time.Second):
			t.Fatal("not answered within a second")
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}
