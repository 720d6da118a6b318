package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"nacre/server/servertest"
)

var setUpLink = regexp.MustCompile(`url=http://[^/]+(/console/setup/\S+)`)

func sessionOf(a answer) *http.Cookie {
	for _, k := range a.Cookies() {
		if strings.Contains(k.Name, "nacre_session") {
			return k
		}
	}
	return nil
}

func TestTheSetUpLinkMakesTheFirstAdministratorOnce(t *testing.T) {
	s := newSiteWith(t)
	link := s.log.wait(t, setUpLink)
	s.get("/").is(200, "no administrator yet").hides(link)
	page := s.get(link).is(200)
	form := url.Values{"entry": {first(entryField, page.body)}, "username": {"root"}, "password": {password}, "again": {password}}
	for name, tc := range map[string]struct {
		field, value, says string
		status             int
	}{
		"a form of another site":         {"entry", "x", "does not come from", 403},
		"two different passwords":        {"again", "correct horse", "not the same", 400},
		"a password that is short":       {"password", "horse", "12 characters", 400},
		"a name that can't be":           {"username", "a b", "", 400},
		"a password that everybody uses": {"password", "passwordpassword", "", 400},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			f := url.Values{}
			for k, v := range form {
				f[k] = v
			}
			if f.Set(tc.field, tc.value); tc.field == "password" {
				f.Set("again", tc.value)
			}
			a := s.post(link, f).is(tc.status, tc.says)
			if strings.Contains(a.body, tc.value+`"`) && tc.field != "username" && tc.field != "entry" {
				t.Error("the page repeats the password")
			}
		})
	}
	s.get(link[:len(link)-1] + "x").is(403)
	done := s.post(link, form)
	if done.StatusCode != 303 || sessionOf(done) == nil {
		t.Fatalf("%d %v", done.StatusCode, done.Header)
	}
	s.follow(done).is(200, "first configuration")
	s.get(link).is(410)
	s.another(t).get(link).is(410)
	other := s.another(t)
	entry := first(entryField, other.get("/console/login").body)
	other.post(link, url.Values{"entry": {entry}, "username": {"eve"}, "password": {password}, "again": {password}}).is(410)
}

func TestAServerThatHasAnAdministratorOffersNoSetUp(t *testing.T) {
	s := newSite(t)
	s.get("/console/setup/x").is(410)
	s.get("/").is(200, "Sign in").hides("no administrator yet")
}

func TestTheSessionsCookieIsForThisServerAlone(t *testing.T) {
	s := newSite(t)
	k := sessionOf(s.tryLogin(admin, password))
	if k == nil || !k.HttpOnly || k.SameSite != http.SameSiteStrictMode || k.Path != "/" || k.Domain != "" || k.Secure || len(k.Value) < 26 {
		t.Errorf("%+v", k)
	}
}

func TestLoginLeadsBackAndNowhereElse(t *testing.T) {
	s := newSite(t)
	to := s.get("/console/configs?q=a&ns=dev").Header.Get("Location")
	if want := "/console/login?back=" + url.QueryEscape("/console/configs?ns=dev&q=a"); to != want {
		t.Fatalf("sent to %s", to)
	}
	for back, want := range map[string]string{
		"/console/configs?ns=dev": "/console/configs?ns=dev", "https://evil.example/": "/", "//evil.example": "/", `/\evil.example`: "/", "javascript:alert(1)": "/", "": "/",
	} {
		b := s.another(t)
		entry := first(entryField, b.get("/console/login").body)
		a := b.post("/console/login", url.Values{"username": {admin}, "password": {password}, "entry": {entry}, "back": {back}}).is(303)
		if got := a.Header.Get("Location"); got != want {
			t.Errorf("%q leads to %s, want %s", back, got, want)
		}
	}
}

func TestWrongPasswordsLockANameWhetherItExistsOrNot(t *testing.T) {
	s := newSite(t)
	said := map[string][]string{}
	for _, user := range []string{admin, "nobody"} {
		for range 6 {
			a := s.another(t).tryLogin(user, "not the password")
			said[user] = append(said[user], a.Status+regexp.MustCompile(`[0-9]+ s\b`).ReplaceAllString(text(a.body), "N s"))
		}
	}
	if strings.Join(said[admin], "\n") != strings.Join(said["nobody"], "\n") {
		t.Errorf("an unknown name is answered differently:\n%q\n%q", said[admin], said["nobody"])
	}
	if a := said[admin]; !strings.HasPrefix(a[3], "401") || !strings.HasPrefix(a[5], "429") || !strings.Contains(a[5], "Try again in N s") {
		t.Errorf("%q", a)
	}
	a := s.tryLogin(admin, password).is(429)
	if left, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || left > 60 || left < 20 { // hashing takes its time on a busy machine
		t.Errorf("Retry-After: %q", a.Header.Get("Retry-After"))
	}
	s.later(61 * time.Second)
	s.tryLogin(admin, password).is(303)
}

func TestALogoutEndsTheSessionAtOnce(t *testing.T) {
	s := signedIn(t)
	k := s.cookies()
	s.follow(s.post("/console/logout", nil)).is(200, "Sign in", "signed out")
	s.get("/console/account", "Cookie", k).is(303)
}

func TestSessionsEndFromAnotherBrowserAndByTime(t *testing.T) {
	s := signedIn(t)
	other := s.another(t)
	other.login()
	other.get("/console/account").is(200)
	s.follow(s.post("/console/account/end", url.Values{"session": {"others"}})).is(200)
	other.get("/console/account").is(303)
	s.get("/console/account").is(200)
	s.later(13 * time.Hour)
	s.get("/console/account").is(303)
	s.get("/console/find", "Accept", "application/json").is(401)
}

func TestASessionOutlivesARestart(t *testing.T) {
	dir := t.TempDir()
	s := signedIn(t, servertest.InDir(dir))
	k := s.cookies()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	again := newSite(t, servertest.InDir(dir))
	again.get("/console/account", "Cookie", strings.ReplaceAll(k, port(s.url), port(again.url))).is(200, "Where you are signed in")
}

func port(u string) string { return u[strings.LastIndexByte(u, ':')+1:] }

func TestAFormOfAnotherPageIsRefused(t *testing.T) {
	s := signedIn(t)
	other := s.another(t)
	other.login()
	form := func(csrf string) url.Values { return url.Values{"csrf": {csrf}, "session": {"others"}} }
	for name, tc := range map[string]struct {
		csrf   string
		header []string
	}{
		"without a token":                       {"", nil},
		"with the token of another session":     {other.csrf, nil},
		"with a cut token":                      {s.csrf[:10], nil},
		"from a foreign origin":                 {s.csrf, []string{"Origin", "https://evil.example"}},
		"from an origin of no name":             {s.csrf, []string{"Origin", "null"}},
		"from this host on another port":        {s.csrf, []string{"Origin", "http://127.0.0.1:1"}},
		"that the browser says is of elsewhere": {s.csrf, []string{"Sec-Fetch-Site", "cross-site"}},
		"from a sibling site":                   {s.csrf, []string{"Sec-Fetch-Site", "same-site"}},
	} {
		t.Run(name, func(t *testing.T) {
			s.post("/console/account/end", form(tc.csrf), tc.header...).is(403, "")
			s.post("/console/logout", form(tc.csrf), tc.header...).is(403)
		})
	}
	other.get("/console/account").is(200) // nothing was ended
	s.post("/console/account/end", form(s.csrf), "Origin", s.url, "Sec-Fetch-Site", "same-origin").is(303)
	other.get("/console/account").is(303)
}

func TestALoginOfAnotherSiteIsRefused(t *testing.T) {
	s := newSite(t)
	s.post("/console/login", url.Values{"username": {admin}, "password": {password}}).is(403)
	entry := first(entryField, s.get("/console/login").body)
	form := url.Values{"username": {admin}, "password": {password}, "entry": {entry}}
	s.another(t).post("/console/login", form).is(403)
	s.post("/console/login", form, "Origin", "https://evil.example").is(403)
	s.post("/console/login", form, "Origin", s.url).is(303)
}

func TestAPasswordIsChangedByWhoKnowsTheOldOne(t *testing.T) {
	const next = "battery staple horse 9"
	s := signedIn(t)
	other := s.another(t)
	other.login()
	form := func(old, pw, again string) url.Values { return url.Values{"old": {old}, "new": {pw}, "again": {again}} }
	s.post("/console/account/password", form("wrong password", next, next)).is(400)
	s.post("/console/account/password", form(password, "short", "short")).is(400, "12 characters")
	s.post("/console/account/password", form(password, next, next+"x")).is(400)
	other.get("/console/account").is(200)
	s.follow(s.post("/console/account/password", form(password, next, next))).is(200)
	other.get("/console/account").is(303)
	s.another(t).tryLogin(admin, password).is(401)
	s.another(t).tryLogin(admin, next).is(303)
}
