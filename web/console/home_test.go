package console_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"nacre/server/servertest"
	"nacre/server/settings"
)

func TestAnEmptyServerTeachesTheFirstSteps(t *testing.T) {
	s := signedIn(t)
	s.get("/").is(200, "Publish your first configuration", "curl -X POST '"+s.URL+"/nacos/v1/cs/configs'", "dbf12b66557ab8279207d20196a53405")
}

func TestThePageIsAlsoWhereNacosHasIt(t *testing.T) {
	s := signedIn(t)
	want := text(s.get("/").body)
	for _, path := range []string{"/nacos", "/nacos/", "/nacos/index.html"} {
		if a := s.get(path).is(200); text(a.body) != want {
			t.Errorf("%s is another page: %s", path, text(a.body))
		}
	}
}

func TestLatestChangesAreShownNewestFirst(t *testing.T) {
	s := signedIn(t)
	s.namespace("dev-id", "<b>dev")
	for _, name := range []string{"a1", "a2", "a3", "a4", "a5", "a6", "a7"} {
		s.publish("public", "g", name, "x", "")
	}
	s.publish("dev-id", "g", "bold", "x", "alice")
	s.publish("public", "g", "a2", "y", "")
	s.later(2*time.Hour + time.Minute)
	a := s.get("/").is(200, "2 hours ago", "alice", "<b>dev", "from 10.0.0.9").hides("Publish your first configuration")
	at := 0
	for _, name := range []string{">a2<", ">bold<", ">a7<", ">a6<"} {
		next := strings.Index(a.body[at:], name)
		if next < 0 {
			t.Fatalf("%s does not follow", name)
		}
		at += next
	}
}

func TestAnInsecureServerShowsABanner(t *testing.T) {
	s := signedIn(t, servertest.With(func(set *settings.Settings) { set.Insecure = true }))
	if a := s.get("/"); !strings.Contains(a.body, "Anybody who reaches 127.0.0.1:0 can read and change every configuration") {
		t.Error(a.body)
	}
}

func TestWithOldAPIsOffTheStepsUseTheNewOne(t *testing.T) {
	s := signedIn(t, servertest.With(func(set *settings.Settings) { set.APICompatClient = false }))
	s.get("/").is(200, "/nacos/v3/admin/cs/config").hides("/nacos/v1/")
}

func TestLanguageFollowsTheBrowserAndTheURL(t *testing.T) {
	s := signedIn(t)
	for _, tc := range []struct{ path, accept, want string }{
		{"/", "zh-CN,zh;q=0.9", "发布第一个配置"},
		{"/?lang=en", "zh-CN", "Publish your first configuration"},
		{"/?lang=zh-CN", "en", "发布第一个配置"},
	} {
		a := s.get(tc.path, "Accept-Language", tc.accept).is(200, tc.want)
		if !strings.Contains(a.Header.Get("Vary"), "Accept-Language") {
			t.Errorf("%s varies by %q", tc.path, a.Header.Get("Vary"))
		}
	}
}

func TestACommandNeverHoldsAHostThatAShellWouldTakeForMore(t *testing.T) {
	s := newSite(t)
	for host, want := range map[string]string{
		"nacre.example:9000": "http://nacre.example:9000/nacos",
		"[::1]:8848":         "http://[::1]:8848/nacos",
		"x;rm":               "http://127.0.0.1:0/nacos",
		"a'b":                "http://127.0.0.1:0/nacos",
	} {
		t.Run(host, func(t *testing.T) {
			b := s.another(t)
			b.host = host
			b.login()
			b.get("/").is(200, want)
		})
	}
}

func TestNothingButThisServerMayBeLoaded(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "g", "a", "x", "")
	a := s.get("/")
	csp := a.Header.Get("Content-Security-Policy")
	if strings.Contains(csp, "unsafe") || !strings.Contains(csp, "default-src 'self'") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("policy %q", csp)
	}
	if a.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error("nosniff is missing")
	}
	if m := regexp.MustCompile(`(?i) style=| on[a-z]+=|<style|<script>`).FindString(a.body); m != "" {
		t.Errorf("the page has %q, which the policy forbids", m)
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(a.body, -1) {
		if !strings.HasPrefix(m[1], "/") && !strings.HasPrefix(m[1], "?") && !strings.HasPrefix(m[1], "#") {
			t.Errorf("the page leads to %s", m[1])
		}
		if strings.HasPrefix(m[1], "/static/") {
			f := s.get(m[1])
			if f.StatusCode != 200 || f.body == "" || !strings.Contains(f.Header.Get("Cache-Control"), "immutable") || f.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %d %v", m[1], f.StatusCode, f.Header)
			}
		}
	}
	if a := s.get("/static/nothing.css"); a.StatusCode != 404 {
		t.Errorf("a file that is not there: %d", a.StatusCode)
	}
}
