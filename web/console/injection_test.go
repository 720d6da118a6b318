package console_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"nacre/server/config"
	"nacre/server/config/delivery"
)

// markupTricks are texts that would be more than text in a page that does not escape them.
var markupTricks = []string{
	`<img src=x onerror=alert(1)>`, `"><svg/onload=alert(1)>`, `'><script>alert(1)</script>`, `</textarea><script>alert(1)</script>`, `</title><script>alert(1)</script>`,
	`javascript:alert(1)`, `" autofocus onfocus=alert(1) x="`, `{{constructor.constructor('alert(1)')()}}`, `<!--`, `]]><script>alert(1)</script>`, "\u202e<b>right to left", "\x00\xff<i>",
}

// alive are the beginnings of those tricks where they would work, and of attributes that run scripts.
var alive = []string{
	"<img src=x", "<svg/onload", "<script>", "<b>right", "<i>", "<!--", `" autofocus onfocus`, ` href="javascript:`, ` src="javascript:`, `action="javascript:`, `hx-get="javascript:`, ` href="data:`, `" onerror=`, `" onload=`, `" onclick=`, `" hx-on`,
}

// harmless fails the test when a page has markup of a text in it.
func (a answer) harmless() {
	a.t.Helper()
	if a.StatusCode >= 500 {
		a.t.Errorf("%s %s: %d %s", a.Request.Method, a.Request.URL, a.StatusCode, text(a.body))
	}
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		return
	}
	page := strings.ToLower(a.body)
	for _, s := range alive {
		if at := strings.Index(page, s); at >= 0 {
			a.t.Errorf("%s %s has %q", a.Request.Method, a.Request.URL, page[max(at-60, 0):min(at+60, len(page))])
		}
	}
}

// keyNames are parameters that decide which page it is: a wrong one hides what others do.
var keyNames = []string{"ns", "group", "dataId", "id", "v", "from", "gray", "row", "base"}

// tricky calls use with parameters that are wrong: each alone with the worst values, and all others together with each value.
func tricky(names []string, with func() url.Values, use func(name, value string, q url.Values)) {
	worst := []string{markupTricks[0], "\x00\xff<i>"}
	values := append([]string{"-1", "18446744073709551615", "9223372036854775807", "184467440737095518", "1e9", "%", strings.Repeat("x", 5000), "\r\nSet-Cookie: a=b"}, markupTricks...)
	for _, value := range worst {
		for _, name := range append(keyNames, names...) {
			q := with()
			q.Set(name, value)
			use(name, value, q)
		}
	}
	for _, value := range values {
		q := with()
		for _, name := range names {
			q.Set(name, value)
		}
		use("all", value, q)
		q = with()
		for _, name := range keyNames {
			q.Set(name, value)
		}
		use("the key", value, q)
	}
}

func TestNoParameterBecomesMarkupOrAnError(t *testing.T) {
	s := signedIn(t)
	k := config.Key{Namespace: "public", Group: "g", DataID: "a.yaml"}
	first := s.publish(k.Namespace, k.Group, k.DataID, "a: 1", admin)
	s.publish(k.Namespace, k.Group, k.DataID, "a: 2", admin)
	names := []string{"q", "page", "all", "to", "before", "published", "state", "text", "transport", "range", "kinds", "back", "view", "space", "lang", "theme", "col", "left", "get", "typed", "comment", "type", "auto"}
	with := func() url.Values {
		q := ofConfig(k)
		q.Del("row")
		q.Set("v", fmt.Sprint(first))
		q.Set("from", fmt.Sprint(first))
		return q
	}
	inside := regexp.MustCompile(`^/($|[a-z])`)
	for _, path := range routes(t, "GET") {
		t.Run(path, func(t *testing.T) {
			tricky(names, with, func(name, value string, q url.Values) {
				a := s.get(path + "?" + q.Encode())
				a.harmless()
				if to := a.Header.Get("Location"); to != "" && !inside.MatchString(to) {
					t.Errorf("%s=%q leads to %s", name, value, to)
				}
				for _, k := range a.Cookies() {
					if k.Name == "a" {
						t.Errorf("%s=%q is a header: %v", name, value, a.Header)
					}
				}
			})
		})
	}
}

func TestNoFieldOfAFormBecomesMarkupOrAnError(t *testing.T) {
	s := signedIn(t)
	k := config.Key{Namespace: "public", Group: "g", DataID: "a.yaml"}
	revision := s.publish(k.Namespace, k.Group, k.DataID, "a: 1", admin)
	names := []string{"content", "type", "desc", "tags", "app", "comment", "typed", "others", "ip", "draft", "version", "eol", "do", "for", "canary", "now", "revision", "target", "step", "back", "name", "policy", "client", "old", "new", "again"}
	with := func() url.Values {
		f := ofConfig(k)
		f.Set("content", "a: 1")
		f.Set("typed", "no") // where it is asked for, nothing is removed that other forms need
		f.Set("base", fmt.Sprint(revision))
		return f
	}
	for _, path := range routes(t, "POST") {
		if path == "/console/logout" || path == "/console/account/end" || path == "/console/login" {
			continue
		}
		t.Run(path, func(t *testing.T) {
			tricky(names, with, func(_, _ string, f url.Values) { s.post(path, f).harmless() })
		})
		if it := s.Configs().Item(k); it == nil || it.Formal == nil {
			revision = s.publish(k.Namespace, k.Group, k.DataID, "a: 1", admin)
		}
	}
}

func TestHTMLInStoredFieldsStaysText(t *testing.T) {
	s := signedIn(t)
	for i, trick := range markupTricks {
		trick = strings.ToValidUTF8(strings.ReplaceAll(trick, "\x00", ""), "")
		id := fmt.Sprintf("trick-%d", i)
		s.namespace(id, fmt.Sprintf("n%d", i))
		s.post("/console/namespaces/edit", url.Values{"id": {id}, "name": {trick}, "desc": {trick}})
		k := config.Key{Namespace: id, Group: "g", DataID: "a.txt"}
		desc := trick
		d := config.Draft{Key: k, Content: []byte(trick + "\n" + trick), Type: "text", Desc: &desc, AppName: &desc, Tags: []string{strings.ReplaceAll(trick, ",", "")}, TagsGiven: true, Note: config.Note{Comment: trick}}
		revision := s.publishAs(trick, d)
		d.Content, d.Gray = []byte("gray "+trick), &config.GrayDraft{Name: config.GrayBeta, Rule: config.BetaRule("10.0.0.9")}
		s.publishAs(trick, d)
		l := s.connects(delivery.Client{ID: "id " + trick, IP: "10.0.0.9", Remote: trick, App: trick, SDK: trick, Tag: trick, Labels: map[string]string{"l": trick, trick: "x"}})
		l.listens(k, "old")
		s.publishAs(trick, config.Draft{Key: config.Key{Namespace: id, Group: "g", DataID: "gone"}, Content: []byte(trick), Desc: &desc, AppName: &desc})
		if _, err := s.Configs().Remove(t.Context(), config.Actor{User: trick, IP: trick}, config.Key{Namespace: id, Group: "g", DataID: "gone"}, "", config.Note{Comment: trick}); err != nil {
			t.Fatal(err)
		}
		s.post("/console/draft", url.Values{"ns": {id}, "group": {"g"}, "dataId": {"a.txt"}, "content": {trick + "draft"}, "desc": {trick}, "tags": {trick}, "app": {trick}, "base": {fmt.Sprint(revision)}, "version": {"0"}}, "Accept", "application/json").is(200)
		q := ofConfig(k)
		q.Del("row")
		q.Set("v", fmt.Sprint(revision))
		q.Set("from", fmt.Sprint(revision))
		q.Set("id", "id "+trick)
		q.Set("q", "draft")
		for _, path := range append(routes(t, "GET"), "/") {
			s.get(path + "?" + q.Encode()).harmless()
			q.Del("q")
		}
		s.get("/console/namespaces/edit?id=" + id).harmless()
		s.get("/console/configs?all=1&q=" + url.QueryEscape(trick)).harmless()
		raw := s.get("/console/config/raw?" + q.Encode()).is(200)
		if kind := raw.Header.Get("Content-Type"); kind != "text/plain; charset=utf-8" || !strings.Contains(raw.Header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("a raw content is %s, %v", kind, raw.Header)
		}
	}
	// What the browser calls itself stands on the page of sessions.
	b := s.another(t)
	entry := first(entryField, b.get("/console/login").body)
	b.post("/console/login", url.Values{"username": {admin}, "password": {password}, "entry": {entry}}, "User-Agent", markupTricks[0]).is(303)
	s.get("/console/account").is(200, markupTricks[0]).harmless()
}

func TestNoAddressPutsMoreIntoACommandThanANamespace(t *testing.T) {
	s := signedIn(t)
	for _, ns := range []string{"'; rm -rf ~; '", "$(id)", "`id`", "a b", "a\nb", "a%0ab", "a&b", "\xff", strings.Repeat("n", 300)} {
		for _, path := range []string{"/console/configs", "/console/connect", "/console/transfer", "/console/deleted", "/console/feed", "/console/config/new"} {
			s.get(path + "?ns=" + url.QueryEscape(ns)).is(400).hides("curl")
		}
	}
	s.get("/console/configs?ns=not-created").is(200, "curl", "tenant=not-created")
}
