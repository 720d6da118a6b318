package console

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/settings"
)

// direct is a journal that decides at once; durability is not what the console is about.
type direct[O journal.Outcome] struct {
	decide func(journal.Command) (O, []journal.Change, error)
}

func (d direct[O]) Submit(_ context.Context, cmd journal.Command) (journal.Result, error) {
	outcome, _, err := d.decide(cmd)
	return journal.Result{Outcome: outcome}, err
}

type site struct {
	t    *testing.T
	app  *fiber.App
	deps *Deps
	now  *clock.Fixed
}

func newSite(t *testing.T, change func(*Deps)) *site {
	t.Helper()
	now := clock.NewFixed(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	configs, state := config.New(now, config.Options{})
	configs.Use(direct[config.Outcome]{state.Decide}, nil)
	namespaces, spaces := namespace.New(now, namespace.Options{})
	namespaces.Use(direct[namespace.Outcome]{spaces.Decide})
	d := Deps{
		Configs: configs, Namespaces: namespaces, Settings: settings.Default(), Clock: now, Started: now.Now().Add(-3 * time.Minute),
		Version: "9.8.7", Ready: func() error { return nil }, Node: func() Node { return Node{Leader: true, Fsyncs: 1234} },
	}
	if change != nil {
		change(&d)
	}
	app := fiber.New(fiber.Config{Immutable: true, StrictRouting: true, CaseSensitive: true})
	Register(app, d)
	return &site{t: t, app: app, deps: &d, now: now}
}

func (s *site) publish(namespaceID, group, dataID, content, user string) {
	s.t.Helper()
	d := config.Draft{Key: config.Key{Namespace: namespaceID, Group: group, DataID: dataID}, Content: []byte(content)}
	if _, err := s.deps.Configs.Publish(s.t.Context(), config.Actor{User: user, IP: "10.0.0.9"}, d); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) get(path string, header ...string) (*http.Response, string) {
	s.t.Helper()
	req := httptest.NewRequest("GET", path, nil)
	req.Host = "127.0.0.1:8848"
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
			continue
		}
		req.Header.Set(header[i], header[i+1])
	}
	res, err := s.app.Test(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res, string(b)
}

func TestAnEmptyServerTeachesTheFirstSteps(t *testing.T) {
	res, body := newSite(t, nil).get("/")
	for _, want := range []string{
		"Publish your first configuration", "This node answers requests on http://127.0.0.1:8848.", "9.8.7", "3 min", "standalone", "leader",
		"curl -X POST &#39;http://127.0.0.1:8848/nacos/v1/cs/configs&#39;",
		"curl -G &#39;http://127.0.0.1:8848/nacos/v1/cs/configs&#39; \\\n  -d &#39;dataId=hello.properties&amp;group=DEFAULT_GROUP&#39;",
		"/nacos/v1/cs/configs/listener", "dbf12b66557ab8279207d20196a53405", `href="/metrics"`, `<html lang="en">`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("missing %q", want)
		}
	}
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%d %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
}

func TestThePageIsAlsoWhereNacosHasIt(t *testing.T) {
	s := newSite(t, nil)
	_, want := s.get("/")
	for _, path := range []string{"/nacos", "/nacos/", "/nacos/index.html"} {
		if res, body := s.get(path); res.StatusCode != 200 || body != want {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

func TestLatestChangesAreShownNewestFirst(t *testing.T) {
	s := newSite(t, nil)
	if err := s.deps.Namespaces.Create(t.Context(), namespace.Actor{}, "dev-id", "<b>dev", ""); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a1", "a2", "a3", "a4", "a5", "a6", "a7"} {
		s.publish("public", "g", name, "x", "")
	}
	s.now.Add(5 * time.Minute)
	s.publish("dev-id", "g", "bold", "x", "alice")
	s.now.Add(time.Minute)
	s.publish("public", "g", "a2", "y", "")
	s.now.Add(2 * time.Hour)
	_, body := s.get("/")
	rows := regexp.MustCompile(`(?s)<tr><td>.*?</tr>`).FindAllString(body, -1)
	if len(rows) != latestShown {
		t.Fatalf("%d rows", len(rows))
	}
	for i, want := range []string{">a2<", ">bold<", ">a7<", ">a6<", ">a5<", ">a4<"} {
		if !strings.Contains(rows[i], want) {
			t.Errorf("row %d does not show %s: %s", i, want, rows[i])
		}
	}
	for _, want := range []string{"from 10.0.0.9", `href="/nacos/v1/cs/configs?dataId=a2&amp;group=g"`, "2 hours ago", "2026-03-01T12:06:00Z"} {
		if !strings.Contains(rows[0], want) {
			t.Errorf("row 0 does not show %s: %s", want, rows[0])
		}
	}
	for _, want := range []string{"alice", "&lt;b&gt;dev", "tenant=dev-id"} {
		if !strings.Contains(rows[1], want) {
			t.Errorf("row 1 does not show %s: %s", want, rows[1])
		}
	}
	if strings.Contains(body, "Publish your first configuration") || !strings.Contains(body, "Try it with curl") {
		t.Error("the page still teaches the first step")
	}
	if !strings.Contains(body, "1,234 fsyncs in all") {
		t.Error("the fsyncs are not shown")
	}
}

func TestANodeThatIsNotReadySaysWhy(t *testing.T) {
	_, body := newSite(t, func(d *Deps) {
		d.Ready = func() error { return fault.New(fault.Unavailable, "no leader is known yet") }
	}).get("/")
	if !strings.Contains(body, "Not ready") || !strings.Contains(body, "no leader is known yet") || strings.Contains(body, "answers requests") {
		t.Error(body)
	}
}

func TestAnInsecureServerShowsABanner(t *testing.T) {
	_, body := newSite(t, func(d *Deps) { d.Settings.Insecure, d.Settings.HTTPAddr = true, "0.0.0.0:8848" }).get("/")
	if !strings.Contains(body, "Anybody who reaches 0.0.0.0:8848 can read and change every configuration") {
		t.Error(body)
	}
}

func TestWithOldAPIsOffTheStepsUseTheNewOne(t *testing.T) {
	_, body := newSite(t, func(d *Deps) { d.Settings.APICompatClient = false }).get("/")
	if !strings.Contains(body, "/nacos/v3/admin/cs/config") || strings.Contains(body, "/nacos/v1/") {
		t.Error(body)
	}
}

func TestLanguageFollowsTheBrowserAndTheURL(t *testing.T) {
	s := newSite(t, nil)
	for _, tc := range []struct{ path, accept, want string }{
		{"/", "zh-CN,zh;q=0.9", "发布第一个配置"},
		{"/?lang=en", "zh-CN", "Publish your first configuration"},
		{"/?lang=zh-CN", "en", "发布第一个配置"},
	} {
		res, body := s.get(tc.path, "Accept-Language", tc.accept)
		if !strings.Contains(body, tc.want) || res.Header.Get("Vary") != "Accept-Language" {
			t.Errorf("%s with %s does not show %s", tc.path, tc.accept, tc.want)
		}
	}
}

func TestCommandsNameTheAddressThatTheReaderUses(t *testing.T) {
	s := newSite(t, nil)
	for host, want := range map[string]string{
		"nacre.example:9000": "http://nacre.example:9000/nacos",
		"[::1]:8848":         "http://[::1]:8848/nacos",
		"x;rm":               "http://127.0.0.1:8848/nacos",
		"a'b":                "http://127.0.0.1:8848/nacos",
	} {
		if _, body := s.get("/", "Host", host); !strings.Contains(body, want) {
			t.Errorf("%s: no %s", host, want)
		}
	}
}

func TestNothingButThisServerMayBeLoaded(t *testing.T) {
	s := newSite(t, nil)
	s.publish("public", "g", "a", "x", "")
	res, body := s.get("/")
	csp := res.Header.Get("Content-Security-Policy")
	if strings.Contains(csp, "unsafe") || !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("policy %q", csp)
	}
	if res.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error("nosniff is missing")
	}
	if m := regexp.MustCompile(`(?i) style=| on[a-z]+=|<style|<script>`).FindString(body); m != "" {
		t.Errorf("the page has %q, which the policy forbids", m)
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		if !strings.HasPrefix(m[1], "/") && !strings.HasPrefix(m[1], "?") && !strings.HasPrefix(m[1], "#") {
			t.Errorf("the page leads to %s", m[1])
		}
		if strings.HasPrefix(m[1], "/static/") {
			res, content := s.get(m[1])
			if res.StatusCode != 200 || content == "" || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") || res.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %d %v", m[1], res.StatusCode, res.Header)
			}
		}
	}
	if res, _ := s.get("/static/nothing.css"); res.StatusCode != 404 {
		t.Errorf("a file that is not there: %d", res.StatusCode)
	}
}

func TestNumbersHaveCommas(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 100000: "100,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := number(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
