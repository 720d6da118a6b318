package console_test

import (
	"bytes"
	"context"
	"html"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/servertest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// admin and password are those of the administrator of each site.
const admin, password = "nacos", "correct horse battery"

// shifted is the machine's clock, which tests can put forward.
type shifted struct {
	clock.System
	by atomic.Int64
}

func (c *shifted) Now() time.Time { return c.System.Now().Add(time.Duration(c.by.Load())) }

// site is a running server and a browser that looks at it.
type site struct {
	*servertest.Server
	*browser
	clock *shifted
	log   *lines
}

// newSite starts a server with an administrator. Its browser is not signed in yet.
func newSite(t *testing.T, opts ...servertest.Option) *site {
	t.Helper()
	return newSiteWith(t, append([]servertest.Option{servertest.AdminPassword(password)}, opts...)...)
}

func newSiteWith(t *testing.T, opts ...servertest.Option) *site {
	t.Helper()
	s := &site{clock: &shifted{}, log: newLines()}
	s.Server = servertest.Start(t, append([]servertest.Option{servertest.OnClock(s.clock), servertest.LogTo(s.log)}, opts...)...)
	s.log.wait(t, regexp.MustCompile(`^(serving) `)) // the administrator is there from then on
	s.browser = s.another(t)
	return s
}

// signedIn starts a server, and its browser is the administrator's.
func signedIn(t *testing.T, opts ...servertest.Option) *site {
	t.Helper()
	s := newSite(t, opts...)
	s.login()
	return s
}

// another returns one more browser, with its own cookies.
func (s *site) another(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{t: t, url: s.URL, client: &http.Client{
		Jar: jar, Transport: transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// later puts the server's clock forward.
func (s *site) later(d time.Duration) { s.clock.by.Add(int64(d)) }

// publish publishes without the console, and returns the revision.
func (s *site) publish(ns, group, dataID, content, user string) uint64 {
	s.t.Helper()
	return s.publishAs(user, config.Draft{Key: config.Key{Namespace: ns, Group: group, DataID: dataID}, Content: []byte(content)})
}

func (s *site) publishAs(user string, d config.Draft) uint64 {
	s.t.Helper()
	done, err := s.Configs().Publish(s.t.Context(), config.Actor{User: user, IP: "10.0.0.9"}, d)
	if err != nil {
		s.t.Fatal(err)
	}
	return done.Revision
}

// namespace creates a namespace.
func (s *site) namespace(id, name string) {
	s.t.Helper()
	res, err := s.client.PostForm(s.url+"/nacos/v1/console/namespaces", url.Values{"customNamespaceId": {id}, "namespaceName": {name}})
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if b, _ := io.ReadAll(res.Body); string(b) != "true" {
		s.t.Fatalf("creating namespace %s: %s", id, b)
	}
}

// browser keeps cookies and follows no redirects.
type browser struct {
	t      *testing.T
	url    string
	client *http.Client
	csrf   string
	// host is what the browser calls the server, "" for its address.
	host string
}

// answer is what a browser got.
type answer struct {
	*http.Response
	body string
	t    *testing.T
}

var (
	entryField = regexp.MustCompile(`name="entry" value="([^"]+)"`)
	csrfField  = regexp.MustCompile(`name="csrf" (?:value|content)="([^"]+)"`)
)

func first(re *regexp.Regexp, s string) string {
	if m := re.FindStringSubmatch(s); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

// tryLogin sends the login form as the page has it.
func (b *browser) tryLogin(user, pw string) answer {
	b.t.Helper()
	entry := first(entryField, b.get("/console/login").body)
	return b.send("POST", "/console/login", "application/x-www-form-urlencoded", strings.NewReader(url.Values{"username": {user}, "password": {pw}, "entry": {entry}, "back": {"/"}}.Encode()))
}

// login signs the administrator in.
func (b *browser) login() {
	b.t.Helper()
	if a := b.tryLogin(admin, password); a.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("login: %d %s", a.StatusCode, a.body)
	}
	if b.csrf = first(csrfField, b.get("/console/account").body); b.csrf == "" {
		b.t.Fatal("the page has no CSRF token")
	}
}

// cookies returns what the browser sends of cookies.
func (b *browser) cookies() string {
	u, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	var all []string
	for _, k := range b.client.Jar.Cookies(u) {
		all = append(all, k.Name+"="+k.Value)
	}
	return strings.Join(all, "; ")
}

// get reads a page. Header are names and values.
func (b *browser) get(path string, header ...string) answer {
	b.t.Helper()
	return b.send("GET", path, "", nil, header...)
}

// post sends a form with the session's CSRF token.
func (b *browser) post(path string, form url.Values, header ...string) answer {
	b.t.Helper()
	sent := url.Values{"csrf": {b.csrf}}
	for k, v := range form {
		sent[k] = v
	}
	return b.send("POST", path, "application/x-www-form-urlencoded", strings.NewReader(sent.Encode()), header...)
}

// postParts sends a form as multipart/form-data; files are name of the field to content.
func (b *browser) postParts(path string, form url.Values, files map[string][]byte, header ...string) answer {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	write := func(part io.Writer, err error, content []byte) {
		if err == nil {
			_, err = part.Write(content)
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
	fields := url.Values{"csrf": {b.csrf}}
	for k, v := range form {
		fields[k] = v
	}
	for k, vs := range fields {
		for _, v := range vs {
			part, err := w.CreateFormField(k)
			write(part, err, []byte(v))
		}
	}
	for name, content := range files {
		part, err := w.CreateFormFile(name, name)
		write(part, err, content)
	}
	if err := w.Close(); err != nil {
		b.t.Fatal(err)
	}
	return b.send("POST", path, w.FormDataContentType(), &body, header...)
}

func (b *browser) send(method, path, contentType string, body io.Reader, header ...string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.Host = b.host
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{Response: res, body: string(content), t: b.t}
}

// follow reads the page that an answer sends to.
func (b *browser) follow(a answer) answer {
	b.t.Helper()
	if a.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("%s %s: %d instead of a redirect: %s", a.Request.Method, a.Request.URL, a.StatusCode, text(a.body))
	}
	return b.get(a.Header.Get("Location"))
}

// to fails the test unless the answer sends on to path.
func (a answer) to(path string) answer {
	a.t.Helper()
	if got := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || got != path {
		a.t.Errorf("%s %s: %d to %q, want %q", a.Request.Method, a.Request.URL, a.StatusCode, got, path)
	}
	return a
}

// is fails the test unless the answer has this status and shows, whatever its markup, all texts.
func (a answer) is(status int, texts ...string) answer {
	a.t.Helper()
	if a.StatusCode != status {
		a.t.Errorf("%s %s: %d, want %d: %s", a.Request.Method, a.Request.URL, a.StatusCode, status, text(a.body))
	}
	shown := text(a.body)
	for _, want := range texts {
		if !strings.Contains(shown, want) {
			a.t.Errorf("%s %s does not show %q: %s", a.Request.Method, a.Request.URL, want, shown)
		}
	}
	return a
}

// hides fails the test when the answer shows one of the texts.
func (a answer) hides(texts ...string) answer {
	a.t.Helper()
	shown := text(a.body)
	for _, unwanted := range texts {
		if strings.Contains(shown, unwanted) {
			a.t.Errorf("%s %s shows %q", a.Request.Method, a.Request.URL, unwanted)
		}
	}
	return a
}

var (
	main   = regexp.MustCompile(`(?s)<main.*</main>`)
	markup = regexp.MustCompile(`(?s)<(script|style).*?</(script|style)>|<[^>]*>`)
	blanks = regexp.MustCompile(`\s+`)
)

// text is what a page shows in its main part, without markup and with single spaces.
func text(page string) string {
	if m := main.FindString(page); m != "" {
		page = m
	}
	page = strings.NewReplacer("<mark>", "", "</mark>", "").Replace(page)
	return strings.TrimSpace(blanks.ReplaceAllString(html.UnescapeString(markup.ReplaceAllString(page, " ")), " "))
}

// lines keeps what a server logs.
type lines struct {
	mu    sync.Mutex
	held  []string
	added chan struct{}
}

func newLines() *lines { return &lines{added: make(chan struct{}, 1)} }

func (l *lines) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (l *lines) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l *lines) WithGroup(string) slog.Handler                    { return l }

func (l *lines) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	l.mu.Lock()
	l.held = append(l.held, line)
	l.mu.Unlock()
	select {
	case l.added <- struct{}{}:
	default:
	}
	return nil
}

// wait returns what the first group of re has in the first line that matches, once there is one.
func (l *lines) wait(t *testing.T, re *regexp.Regexp) string {
	t.Helper()
	for end := time.After(30 * time.Second); ; {
		l.mu.Lock()
		for _, line := range l.held {
			if m := first(re, line); m != "" {
				l.mu.Unlock()
				return m
			}
		}
		l.mu.Unlock()
		select {
		case <-l.added:
		case <-end:
			t.Fatalf("no line of the log is like %s", re)
		}
	}
}
