package console_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/servertest"
	"nacre/server/settings"
	"nacre/web/console"
)

// routes returns the paths of the console that take a method.
func routes(t *testing.T, method string) (paths []string) {
	t.Helper()
	app := fiber.New()
	console.Register(app, console.Deps{Settings: settings.Default()})
	for _, r := range app.GetRoutes(true) {
		if r.Method == method && strings.HasPrefix(r.Path, "/console") && !strings.ContainsAny(r.Path, ":*") {
			paths = append(paths, r.Path)
		}
	}
	if len(paths) < 15 {
		t.Fatalf("only %q take %s", paths, method)
	}
	return paths
}

// ofConfig are the parameters that name a configuration.
func ofConfig(k config.Key) url.Values {
	return url.Values{"ns": {k.Namespace}, "group": {k.Group}, "dataId": {k.DataID}, "row": {url.Values{"ns": {k.Namespace}, "group": {k.Group}, "dataId": {k.DataID}}.Encode()}}
}

func TestNoFormIsTakenWithoutTheTokenOfItsSession(t *testing.T) {
	s := signedIn(t)
	k := config.Key{Namespace: "public", Group: "g", DataID: "kept"}
	revision := s.publish(k.Namespace, k.Group, k.DataID, "a: 1", admin)
	other, gone, stranger := s.another(t), s.another(t), s.another(t)
	other.login()
	gone.login()
	replayed := gone.csrf
	gone.post("/console/logout", nil).is(303)
	form := ofConfig(k)
	for name, value := range map[string]string{
		"content": "a: 2", "type": "yaml", "base": fmt.Sprint(revision), "v": fmt.Sprint(revision), "now": fmt.Sprint(revision), "session": "others", "do": "", "id": "new-namespace", "name": "new",
	} {
		form.Set(name, value)
	}
	with := func(csrf string) url.Values {
		f := url.Values{"csrf": {csrf}}
		for name, values := range form {
			f[name] = values
		}
		return f
	}
	for _, path := range routes(t, "POST") {
		if path == "/console/login" {
			continue
		}
		for name, tc := range map[string]struct {
			by     *browser
			csrf   string
			header []string
			status int
		}{
			"without a token":                   {s.browser, "", nil, 403},
			"with the token of another session": {s.browser, other.csrf, nil, 403},
			"with that of a session that ended": {s.browser, replayed, nil, 403},
			"from a foreign origin":             {s.browser, s.csrf, []string{"Origin", "https://evil.example"}, 403},
			"from an origin without a name":     {s.browser, s.csrf, []string{"Origin", "null"}, 403},
			"from another site":                 {s.browser, s.csrf, []string{"Sec-Fetch-Site", "cross-site"}, 403},
			"from another port":                 {s.browser, s.csrf, []string{"Sec-Fetch-Site", "same-site", "Origin", s.url}, 403},
			"for JSON from another site":        {s.browser, s.csrf, []string{"Sec-Fetch-Site", "cross-site", "Accept", "application/json"}, 403},
			"by nobody":                         {stranger, s.csrf, nil, 401},
			"by nobody, for JSON":               {stranger, s.csrf, []string{"Accept", "application/json"}, 401},
			"after the logout":                  {gone, replayed, nil, 401},
			"by nobody from another site":       {stranger, "", []string{"Origin", "https://evil.example"}, 403},
		} {
			t.Run(path+" "+name, func(t *testing.T) {
				a := tc.by.post(path, with(tc.csrf), tc.header...).is(tc.status)
				if sessionOf(a) != nil {
					t.Error("the answer touches the session")
				}
				if strings.Contains(strings.Join(tc.header, " "), "json") && a.Header.Get("Content-Type") != "application/json" {
					t.Errorf("the answer is %s", a.Header.Get("Content-Type"))
				}
			})
		}
	}
	it := s.Configs().Item(k)
	if it == nil || it.Formal == nil || it.Formal.Revision != revision || s.Configs().Stats().Configs != 1 {
		t.Error("a refused form has changed something")
	}
	s.get("/console/namespaces").is(200).hides("new-namespace")
	other.get("/console/account").is(200)
}

func TestPagesArePrivate(t *testing.T) {
	s := signedIn(t)
	k := config.Key{Namespace: "public", Group: "g", DataID: "a.yaml"}
	revision := s.publish(k.Namespace, k.Group, k.DataID, "a: 1", admin)
	stranger := s.another(t)
	for _, path := range routes(t, "GET") {
		q := ofConfig(k)
		q.Set("v", fmt.Sprint(revision))
		q.Set("from", fmt.Sprint(revision))
		at := path + "?" + q.Encode()
		t.Run(path, func(t *testing.T) {
			if path != "/console/login" && path != "/console/prefs" && path != "/console" {
				a := stranger.get(at).is(303)
				if to := a.Header.Get("Location"); !strings.HasPrefix(to, "/console/login?back=") {
					t.Errorf("a stranger is sent to %s", to)
				}
				stranger.get(at, "Accept", "application/json").is(401)
				stranger.send("HEAD", at, "", nil).is(303)
			}
			a := s.get(at)
			if a.StatusCode >= 500 {
				t.Errorf("%d %s", a.StatusCode, text(a.body))
			}
			for name, want := range map[string]string{
				"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Content-Security-Policy": "frame-ancestors 'none'", "Cross-Origin-Resource-Policy": "same-origin",
			} {
				if got := a.Header.Get(name); !strings.Contains(got, want) {
					t.Errorf("%s: %q", name, got)
				}
			}
			if strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") && !strings.HasPrefix(a.Header.Get("Vary"), "Accept-Language, Cookie") {
				t.Errorf("varies by %q", a.Header.Get("Vary"))
			}
			head := s.send("HEAD", at, "", nil)
			if head.StatusCode != a.StatusCode || head.body != "" || head.Header.Get("Content-Type") != a.Header.Get("Content-Type") {
				t.Errorf("HEAD: %d %q %q", head.StatusCode, head.Header.Get("Content-Type"), head.body)
			}
		})
	}
}

func TestCookiesAreOfOneServer(t *testing.T) {
	s := newSite(t)
	for _, tc := range []struct {
		name, host, proto, cookie string
		secure                    bool
	}{
		{"plain", "", "", "nacre_session_" + port(s.url), false},
		{"by name and port", "nacre.example:9000", "", "nacre_session_9000", false},
		{"by name alone", "nacre.example", "", "nacre_session", false},
		{"by IPv6", "[::1]:8849", "", "nacre_session_8849", false},
		{"by IPv6 alone", "[::1]", "", "nacre_session", false},
		{"behind TLS", "nacre.example", "https", "__Host-nacre_session", true},
		{"behind TLS with a port", "nacre.example:8443", "https", "__Host-nacre_session_8443", true},
		{"by a scheme that is none", "nacre.example", "x\"'", "nacre_session", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := s.another(t)
			b.host = tc.host
			header := []string{"X-Forwarded-Proto", tc.proto}
			page := b.get("/console/login", header...)
			var sent []string
			for _, k := range page.Cookies() {
				sent = append(sent, k.Name+"="+k.Value)
			}
			header = append(header, "Cookie", strings.Join(sent, "; "))
			a := b.post("/console/login", url.Values{"username": {admin}, "password": {password}, "entry": {first(entryField, page.body)}}, header...).is(303)
			k := sessionOf(a)
			if k == nil || k.Name != tc.cookie || k.Secure != tc.secure || !k.HttpOnly || k.SameSite != http.SameSiteStrictMode || k.Path != "/" || k.Domain != "" {
				t.Fatalf("%+v", k)
			}
			if strings.Contains(a.Header.Get("Location"), k.Value) {
				t.Error("the token is in an address")
			}
			b.get("/console/account", "X-Forwarded-Proto", tc.proto, "Cookie", k.Name+"="+k.Value).is(200)
			if tc.secure { // over plain HTTP it is no session
				b.get("/console/account", "Cookie", k.Name+"="+k.Value).is(303)
			}
		})
	}
}

func TestTwoServersOfOneHostDoNotSignEachOtherOut(t *testing.T) {
	a, b := newSite(t), newSite(t)
	b.client.Jar = a.client.Jar // cookies go to all ports of a host
	form := func(s *site) url.Values {
		return url.Values{"username": {admin}, "password": {password}, "entry": {first(entryField, s.get("/console/login").body)}}
	}
	one, two := form(a), form(b)
	a.post("/console/login", one).is(303)
	b.post("/console/login", two).is(303)
	a.get("/console/account").is(200)
	b.get("/console/account").is(200)
}

func TestALoginBeginsANewSessionAndEndsTheOneBefore(t *testing.T) {
	s := newSite(t)
	fixed := strings.Repeat("A", 26)
	name := "nacre_session_" + port(s.url)
	entry := s.get("/console/login", "Cookie", name+"="+fixed)
	a := s.post("/console/login", url.Values{"username": {admin}, "password": {password}, "entry": {first(entryField, entry.body)}}).is(303)
	before := sessionOf(a)
	if before.Value == fixed || len(before.Value) < 26 {
		t.Fatalf("the session is %q", before.Value)
	}
	// A second tab still shows the login.
	stranger := s.another(t)
	page := stranger.get("/console/login")
	a = stranger.post("/console/login", url.Values{"username": {admin}, "password": {password}, "entry": {first(entryField, page.body)}},
		"Cookie", stranger.cookies()+"; "+before.Name+"="+before.Value).is(303)
	after := sessionOf(a)
	if after == nil || after.Value == before.Value {
		t.Fatal("the token did not change")
	}
	s.get("/console/account", "Cookie", before.Name+"="+before.Value).is(303)
	s.get("/console/account", "Cookie", after.Name+"="+after.Value).is(200)
}

func TestOfTwoBrowsersWithTheLinkOneMakesTheAdministrator(t *testing.T) {
	s := newSiteWith(t)
	link := s.log.wait(t, setUpLink)
	const n = 6
	answers := make([]answer, n)
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		b := s.another(t)
		entry := first(entryField, b.get(link).is(200).body)
		all.Go(func() {
			<-begin
			answers[i] = b.post(link, url.Values{"entry": {entry}, "username": {fmt.Sprintf("root%d", i)}, "password": {password}, "again": {password}})
		})
	}
	close(begin)
	all.Wait()
	won := 0
	for _, a := range answers {
		if a.StatusCode == 303 {
			won++
			continue
		}
		if a.is(410); sessionOf(a) != nil {
			t.Error("who came too late has a session")
		}
	}
	if won != 1 {
		t.Errorf("%d made the administrator", won)
	}
}

func TestNobodyIsSentElsewhere(t *testing.T) {
	s := signedIn(t)
	for _, back := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, `\\evil.example`, "javascript:alert(1)", "/\t/evil.example", "///evil.example", "/console/configs\r\nX: y", "http:evil.example", "%2f%2fevil.example", "@evil.example"} {
		for _, path := range []string{"/console/prefs?theme=dark&back=", "/console/login?back=", "/console/configs/columns?col=size&back="} {
			if to := s.get(path + url.QueryEscape(back)).is(303).Header.Get("Location"); to != "/" && to != "/console/configs" {
				t.Errorf("%s%s leads to %q", path, back, to)
			}
		}
		for _, path := range []string{"/console/config/clients/again", "/console/configs/delete"} {
			to := s.post(path, url.Values{"ns": {"public"}, "group": {"g"}, "dataId": {"a"}, "back": {back}}).is(303).Header.Get("Location")
			if !strings.HasPrefix(to, "/console/config") {
				t.Errorf("%s with %q leads to %q", path, back, to)
			}
		}
	}
}

func TestWhatAPageSaysOfTheActionBeforeIsOfItsSession(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "g", "a", "x", "")
	done := s.post("/console/config/delete", url.Values{"ns": {"public"}, "group": {"g"}, "dataId": {"a"}}).is(303)
	var said *http.Cookie
	for _, k := range done.Cookies() {
		if strings.Contains(k.Name, "flash") {
			said = k
		}
	}
	if said == nil || !said.HttpOnly || said.MaxAge > 60 {
		t.Fatalf("%+v", said)
	}
	other := s.another(t)
	other.login()
	if a := other.get("/console/configs", "Cookie", other.cookies()+"; "+said.Name+"="+said.Value); strings.Contains(a.body, `class="toast`) {
		t.Error("another session shows it")
	}
	forged := base64.RawURLEncoding.EncodeToString([]byte(`{"t":"Congratulations","a":"/console/config/delete","u":[{"Name":"dataId","Value":"b"}]}`))
	m := hmac.New(sha256.New, nil)
	m.Write([]byte("flash " + forged))
	for _, value := range []string{forged, forged + ".", forged + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil)), "." + said.Value, "%", strings.Repeat("a", 4000)} {
		if a := other.get("/console/configs", "Cookie", other.cookies()+"; "+said.Name+"="+value).is(200); strings.Contains(a.body, "Congratulations") {
			t.Errorf("%s is believed", value)
		}
	}
	if a := s.get("/console/configs"); !strings.Contains(a.body, `action="/console/undo"`) {
		t.Error("the own session does not offer to undo")
	}
}

func TestWhatWasTypedIsNotLostWhenTheSessionEnds(t *testing.T) {
	s := signedIn(t)
	k := config.Key{Namespace: "public", Group: "g", DataID: "a.txt"}
	revision := s.publish(k.Namespace, k.Group, k.DataID, "old", admin)
	typed := "line\r\n\r\n<b>" + strings.Repeat("much ", 1000)
	form := ofConfig(k)
	form.Del("row")
	for name, value := range map[string]string{"content": typed, "type": "text", "base": fmt.Sprint(revision), "draft": "0", "comment": "why"} {
		form.Set(name, value)
	}
	stale := s.csrf
	s.post("/console/logout", nil).is(303)
	form.Set("csrf", stale)
	a := s.postParts("/console/config/publish?view=split", form, nil, "Origin", s.url).is(401, "Sign in", "signed out")
	a.harmless()
	fields := func(a answer) url.Values {
		out := url.Values{}
		for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(a.body[strings.Index(a.body, "<main"):], -1) {
			out.Add(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
		}
		return out
	}
	wrong := fields(a)
	if wrong.Get("carried.csrf") != "" {
		t.Error("the login carries the token")
	}
	wrong.Set("username", admin)
	wrong.Set("password", "not the password")
	a = s.postParts("/console/login", wrong, nil).is(401)
	right := fields(a)
	right.Set("username", admin)
	right.Set("password", password)
	a = s.postParts("/console/login", right, nil).is(200, "Send it again?", "why", "<b>much")
	a.harmless()
	if it := s.Configs().Item(k); string(it.Formal.Content) != "old" {
		t.Fatal("it was sent without the person's will")
	}
	again := fields(a)
	if action := first(regexp.MustCompile(`<main[\s\S]*<form[^>]* action="([^"]+)"`), a.body); action != "/console/config/publish?view=split" {
		t.Errorf("it goes to %s", action)
	}
	s.follow(s.postParts("/console/config/publish?view=split", again, nil)).is(200)
	if it := s.Configs().Item(k); string(it.Formal.Content) != strings.ReplaceAll(typed, "\r\n", "\n") {
		t.Errorf("published is %.80q", it.Formal.Content)
	}
}

func TestAFormOfTheSessionBeforeIsOfferedAgainToItsOwnBrowserAlone(t *testing.T) {
	s := signedIn(t)
	stale := s.csrf
	s.post("/console/logout", nil).is(303)
	s.login()
	form := url.Values{"csrf": {stale}, "id": {"kept-id"}, "name": {"kept name"}}
	a := s.post("/console/namespaces", form, "Origin", s.url).is(403, "Send it now", "kept name")
	if first(csrfField, a.body) == stale {
		t.Error("the form has no token of its own")
	}
	s.post("/console/namespaces", form).is(403).hides("Send it now")
	s.post("/console/namespaces", form, "Origin", "https://evil.example").is(403).hides("Send it now")
	s.post("/console/namespaces", form, "Sec-Fetch-Site", "cross-site").is(403).hides("Send it now")
	s.get("/console/namespaces").is(200).hides("kept name")
	// A login carries nothing to where the console is not, nothing of strangers, who could have it make large answers, and no passwords.
	for to, token := range map[string]string{
		"https://evil.example/console/": stale, "//evil/console/": stale, "/nacos/v1/cs/configs": stale, "/console": stale, "/console/namespaces": "", "/console/configs": stale[:len(stale)-1], "/console/config": "." + stale,
	} {
		b := s.another(t)
		entry := first(entryField, b.get("/console/login").body)
		b.post("/console/login", url.Values{"username": {admin}, "password": {password}, "entry": {entry}, "carried": {to}, "carriedToken": {token}, "carried.a": {"b"}}).is(303)
	}
	b := s.another(t)
	if a := b.post("/console/account/password", url.Values{"csrf": {stale}, "old": {"my old secret"}, "new": {"my new secret"}}, "Origin", s.url).is(401); strings.Contains(a.body, "secret") {
		t.Error("the page has a password")
	}
	large := strings.Repeat(`"`, 4<<20)
	for name, form := range map[string]url.Values{
		"a form":  {"csrf": {"x.y"}, "content": {large}},
		"a name":  {"username": {large}, "password": {"x"}},
		"a way":   {"username": {"x"}, "password": {"x"}, "back": {"/console/" + large}},
		"a login": {"carried": {"/console/configs"}, "carriedToken": {"x.y"}, "carried.a": {large}, "username": {"x"}, "password": {"x"}},
	} {
		path := "/console/login"
		if name == "a form" {
			path = "/console/namespaces"
		} else {
			form.Set("entry", first(entryField, b.get(path).body))
		}
		if a := b.post(path, form).is(401); len(a.body) > 64<<10 {
			t.Errorf("%s of a stranger makes %d bytes", name, len(a.body))
		}
	}
}

func TestATokenLooksDifferentOnEachPageAndWorksOnAll(t *testing.T) {
	s := signedIn(t)
	seen := map[string]bool{}
	for i := range 5 {
		token := first(csrfField, s.get("/console/account").body)
		if seen[token] {
			t.Errorf("%s again", token)
		}
		seen[token] = true
		s.post("/console/namespaces", url.Values{"csrf": {token}, "id": {fmt.Sprint("n", i)}, "name": {"n"}}).is(303)
	}
	for name, token := range map[string]string{"nothing": ".", "an odd length": "YWJj." + s.csrf, "what is no base64": "%." + s.csrf, "the mark alone": s.csrf[strings.Index(s.csrf, "."):], "half": s.csrf[:40]} {
		t.Run(name+" is none", func(t *testing.T) { s.post("/console/logout", url.Values{"csrf": {token}}).is(403) })
	}
}

func TestPagesThatWereOpenOverARestartWorkOn(t *testing.T) {
	dir := t.TempDir()
	s := signedIn(t, servertest.InDir(dir))
	token, k := s.csrf, s.cookies()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	again := newSite(t, servertest.InDir(dir))
	form := url.Values{"csrf": {token}, "id": {"made"}, "name": {"made"}}
	again.post("/console/namespaces", form, "Cookie", strings.ReplaceAll(k, port(s.url), port(again.url))).is(303)
	again.post("/console/namespaces", form).is(401, "Sign in")
}

func TestOfTwoSubmitsOneCounts(t *testing.T) {
	s := signedIn(t)
	k := config.Key{Namespace: "public", Group: "g", DataID: "a.txt"}
	revision := s.publish(k.Namespace, k.Group, k.DataID, "old", admin)
	form := ofConfig(k)
	form.Set("content", "new")
	form.Set("type", "text")
	form.Set("base", fmt.Sprint(revision))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { s.postParts("/console/config/publish", form, nil) })
		all.Go(func() { s.post("/console/namespaces", url.Values{"id": {"twice"}, "name": {"twice"}}) })
	}
	all.Wait()
	versions, err := s.Configs().Versions(t.Context(), k, 0, 10)
	if err != nil || len(versions) != 2 {
		t.Errorf("%d changes, %v", len(versions), err)
	}
	if a := s.get("/console/namespaces"); strings.Count(a.body, ">twice<") > 3 {
		t.Error("the namespace is there more than once")
	}
}

func TestTheLargestContentCanBePublishedByAForm(t *testing.T) {
	s := signedIn(t)
	k := config.Key{Namespace: "public", Group: "g", DataID: "large.txt"}
	line := strings.Repeat("x", 15)
	content := strings.Repeat(line+"\n", (10<<20)/16)
	form := ofConfig(k)
	form.Set("content", strings.ReplaceAll(content, "\n", "\r\n")) // as browsers send it
	form.Set("type", "text")
	s.postParts("/console/config/publish", form, nil).is(303)
	if it := s.Configs().Item(k); it == nil || string(it.Formal.Content) != content {
		t.Error("another content is published")
	}
	form.Set("content", strings.Repeat("\r\n", 6<<20)+"x") // a comparison would take a gigabyte
	form.Set("base", fmt.Sprint(s.Configs().Item(k).Formal.Revision))
	s.postParts("/console/config/review", form, nil).is(200, "more than 1,000,000 lines")
	form.Set("content", strings.ReplaceAll(content, "\n", "\r\n")+"x")
	form.Set("base", fmt.Sprint(s.Configs().Item(k).Formal.Revision))
	s.postParts("/console/config/review", form, nil).is(400)
}

func TestFormsMadeToBreakAreRefused(t *testing.T) {
	s := signedIn(t)
	part := func(name string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\nx\r\n"
	}
	deep := "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n" + strings.Repeat("--c\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n", 1000)
	for name, tc := range map[string]struct{ kind, body string }{
		"many parts":          {"multipart/form-data; boundary=b", part("csrf") + strings.Repeat(part("row"), 20_000) + "--b--\r\n"},
		"parts in parts":      {"multipart/form-data; boundary=b", deep},
		"a part without end":  {"multipart/form-data; boundary=b", part("csrf") + "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n" + strings.Repeat("y", 1<<20)},
		"a part of headers":   {"multipart/form-data; boundary=b", "--b\r\n" + strings.Repeat("X: y\r\n", 100_000) + "\r\n"},
		"a name without end":  {"multipart/form-data; boundary=b", part(strings.Repeat("[a]", 300_000)) + "--b--\r\n"},
		"no boundary":         {"multipart/form-data", part("csrf")},
		"many fields":         {"application/x-www-form-urlencoded", strings.Repeat("a&", 1<<20)},
		"broken escapes":      {"application/x-www-form-urlencoded", "csrf=%zz&%=%&=&&"},
		"something of a kind": {"application/xml", "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/console/config/review", "/console/login", "/console/transfer/import", "/console/configs/delete"} {
				began := time.Now()
				if a := s.send("POST", path, tc.kind, strings.NewReader(tc.body)); a.StatusCode < 400 || a.StatusCode >= 500 {
					t.Errorf("%s: %d %s", path, a.StatusCode, text(a.body))
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("%s took %v", path, took)
				}
			}
		})
	}
	s.get("/console/account").is(200)
}

func TestErrorsTellNothingOfTheInside(t *testing.T) {
	s := signedIn(t)
	inside := regexp.MustCompile(`(?i)goroutine|\.go:\d|sqlite|gorm|` + regexp.QuoteMeta(s.Dir) + `|panic|fiber|fasthttp|/root/|/home/`)
	for _, a := range []answer{
		s.get("/console/nothing"), s.get("/console/config?group=g&dataId=%00"), s.get("/console/config/version?group=g&dataId=a&v=18446744073709551615"),
		s.get("/console/transfer/import?id=x"), s.post("/console/undo", url.Values{"group": {"g"}, "dataId": {"a"}, "revision": {"18446744073709551615"}}),
		s.postParts("/console/transfer/import", nil, map[string][]byte{"file": bytes.Repeat([]byte("PK\x03\x04"), 100)}),
		s.post("/console/nothing", nil), s.send("DELETE", "/console/configs", "", nil), s.send("PUT", "/console/account", "text/plain", strings.NewReader("x")), s.get("/static/../../etc/passwd"),
	} {
		if a.StatusCode < 400 || a.StatusCode >= 500 {
			t.Errorf("%s %s: %d", a.Request.Method, a.Request.URL, a.StatusCode)
		}
		if m := inside.FindString(a.body + fmt.Sprint(a.Header)); m != "" {
			t.Errorf("%s %s tells %q", a.Request.Method, a.Request.URL, m)
		}
	}
}

func TestTheAPIIsNoWayInForOtherSites(t *testing.T) {
	s := newSite(t, servertest.With(func(set *settings.Settings) { set.APICompatClient = true }))
	form := url.Values{"dataId": {"a"}, "group": {"g"}, "content": {"evil"}}
	for _, path := range []string{"/nacos/v1/cs/configs", "/nacos/v2/cs/config", "/nacos/v3/admin/cs/config", "/nacre/v1/configs"} {
		for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
			s.post(path, form, header...).is(403)
		}
	}
	if s.Configs().Stats().Configs != 0 {
		t.Error("another site has published")
	}
	s.post("/nacos/v1/cs/configs", form).is(200)
	s.post("/nacos/v1/cs/configs", form, "Sec-Fetch-Site", "same-origin", "Origin", s.url).is(200)
}

func TestALinkOfAnotherSiteLeadsWhoIsSignedInToThePage(t *testing.T) {
	s := signedIn(t)
	k, stranger := s.cookies(), s.another(t)
	for name, header := range map[string][]string{
		"as browsers say":   {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"},
		"from another port": {"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate"},
	} {
		for _, path := range []string{"/console/configs?ns=public&q=a+b%26c", "/", "/nacos"} {
			t.Run(name+" to "+path, func(t *testing.T) {
				if a := stranger.get(path, header...).is(200, "Sign in"); a.Header.Get("Refresh") != "0; url="+path {
					t.Errorf("refreshed by %q", a.Header.Get("Refresh"))
				}
				s.get(path, "Cookie", k, "Sec-Fetch-Site", "same-origin").is(200).hides("Sign in")
			})
		}
	}
	for name, header := range map[string][]string{
		"from a page of this server": {"Sec-Fetch-Site", "same-origin", "Referer", s.url + "/console/configs"}, "typed": {"Sec-Fetch-Site", "none"}, "with nothing said": {"Referer", "https://chat.example"},
	} {
		t.Run(name, func(t *testing.T) {
			if a := stranger.get("/console/configs", header...).is(303); a.Header.Get("Refresh") != "" {
				t.Error("it would go on for ever")
			}
		})
	}
	if a := stranger.get("/console/login?back=%2F", "Sec-Fetch-Site", "cross-site").is(200); a.Header.Get("Refresh") != "" {
		t.Error("the login refreshes itself")
	}
}
