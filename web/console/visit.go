package console

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/server/auth"
	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/resource"
	"nacre/views/layout"
	"nacre/views/trouble"
	"nacre/views/words"
	"nacre/web/site"
)

// visit is one request of a person.
type visit struct {
	*pages
	c *fiber.Ctx
	w *words.Words
	// now is when it came.
	now time.Time
	// nonce is that of the page's policy.
	nonce string
	// user and session are who is signed in, nil for nobody; token is the session's secret.
	user    *auth.User
	session *auth.Session
	token   string
	// formToken is what csrf returned.
	formToken string
	// ns is the namespace that the page is about.
	ns string
	// back is where a login leads, "" for where its form says; carried is the form that it carries, nil for none.
	back    string
	carried *carried
}

const (
	cookieLanguage = "nacre_lang"
	cookieTheme    = "nacre_theme"
	cookieFlash    = "nacre_flash"
	cookieEntry    = "nacre_entry"
	preferenceLife = 365 * 24 * time.Hour
)

func (p *pages) visit(c *fiber.Ctx) *visit {
	v := &visit{pages: p, c: c, now: p.Clock.Now(), nonce: secret(), ns: c.Query("ns", resource.DefaultNamespace)}
	secure(c, v.nonce)
	c.Set(fiber.HeaderCacheControl, "no-store")
	choice := c.Query("lang")
	if choice == "" {
		choice = c.Cookies(cookieLanguage)
	}
	v.w = words.For(choice, c.Get(fiber.HeaderAcceptLanguage))
	if token := c.Cookies(v.sessionCookie()); token != "" {
		if user, session, ok := p.Auth.Enter(token); ok {
			v.user, v.session, v.token = user, session, token
		}
	}
	return v
}

// anyone serves a page that needs no login. Forms must come from pages of this server all the same.
func (p *pages) anyone(serve func(*visit) error) fiber.Handler {
	return func(c *fiber.Ctx) error {
		v := p.visit(c)
		if v.changes() && !v.sameOrigin() {
			return v.refuse()
		}
		return v.answered(serve(v))
	}
}

// signedIn serves a page to who is signed in. What changes something must carry the session's token.
func (p *pages) signedIn(serve func(*visit) error) fiber.Handler {
	return func(c *fiber.Ctx) error {
		v := p.visit(c)
		changes := v.changes()
		switch {
		case changes && !v.sameOrigin():
			return v.refuse()
		case v.user == nil && v.wantsJSON():
			return v.json(fiber.StatusUnauthorized, fiber.Map{"error": v.w.Faults.Expired})
		case v.user == nil && changes:
			return v.askAgain()
		case v.user == nil && v.arrives():
			return v.onceMore()
		case v.user == nil:
			return v.go303(pathLogin + "?" + url.Values{"back": {v.here()}}.Encode())
		case changes && !v.rightToken():
			return v.refuseSession()
		}
		if err := resource.CheckNamespace(v.ns); err != nil { // pages show commands with it
			v.ns = resource.DefaultNamespace
			return v.answered(fault.Wrap(fault.Invalid, err, "%s", err.Error()))
		}
		return v.answered(serve(v))
	}
}

// changes reports whether the request may change something.
func (v *visit) changes() bool {
	return v.c.Method() != fiber.MethodGet && v.c.Method() != fiber.MethodHead
}

// answered makes a page of an error.
func (v *visit) answered(err error) error {
	if err == nil {
		return nil
	}
	status := statusOf(err)
	if status == fiber.StatusInternalServerError {
		v.Log.Error("a page failed", "path", v.c.Path(), "error", err)
	}
	if v.wantsJSON() {
		return v.json(status, fiber.Map{"error": v.say(err)})
	}
	return v.trouble(status, v.say(err))
}

func statusOf(err error) int {
	switch fault.KindOf(err) {
	case fault.Invalid:
		return fiber.StatusBadRequest
	case fault.NotFound:
		return fiber.StatusNotFound
	case fault.Conflict:
		return fiber.StatusConflict
	case fault.Denied:
		return fiber.StatusForbidden
	case fault.Limited:
		return fiber.StatusTooManyRequests
	case fault.Unavailable:
		return fiber.StatusServiceUnavailable
	}
	return fiber.StatusInternalServerError
}

// say words an error for the person: the kind in their language, and the server's own sentence, which is English.
func (v *visit) say(err error) string {
	w := &v.w.Faults
	if v.w.Tag == words.All[0].Tag && fault.KindOf(err) != fault.Internal {
		return fault.TextOf(err)
	}
	var kind string
	switch fault.KindOf(err) {
	case fault.Invalid:
		kind = w.Invalid
	case fault.NotFound:
		kind = w.NotFound
	case fault.Conflict:
		kind = w.Conflict
	case fault.Denied:
		kind = w.Denied
	case fault.Limited:
		kind = w.Limited
	case fault.Unavailable:
		kind = w.Unavailable
	default:
		return w.Internal
	}
	return kind + " " + words.Fill(w.Detail, fault.TextOf(err))
}

func (v *visit) trouble(status int, text string) error {
	v.c.Status(status)
	return v.render(trouble.Page(trouble.Model{Page: v.frame(v.w.Faults.Title, ""), Text: text}))
}

func (v *visit) missing() error { return v.trouble(fiber.StatusNotFound, v.w.Faults.PageMissing) }

// refuse answers a form that does not come from a page of the person's own.
func (v *visit) refuse() error {
	if v.wantsJSON() {
		return v.json(fiber.StatusForbidden, fiber.Map{"error": v.w.Faults.Forged})
	}
	return v.trouble(fiber.StatusForbidden, v.w.Faults.Forged)
}

func (v *visit) wantsJSON() bool {
	return strings.HasPrefix(v.c.Get(fiber.HeaderAccept), fiber.MIMEApplicationJSON)
}

func (v *visit) json(status int, body any) error {
	return v.c.Status(status).JSON(body)
}

// go303 sends the person on to a page, to be read with GET.
func (v *visit) go303(path string) error {
	return v.c.Redirect(path, fiber.StatusSeeOther)
}

// sameOrigin reports whether a form was sent by a page of this server, or by what is no browser of today, and has the token to show.
func (v *visit) sameOrigin() bool { return site.Own(&v.c.Request().Header) }

// csrf returns the token that forms of this session carry, with a mark by which it is known when the session has ended. It looks
// different on each page, so that the length of a packed page, which also has what its address says, gives nothing of it away.
func (v *visit) csrf() string {
	if v.formToken == "" {
		token := derive(v.token, "csrf")
		v.formToken = masked(token) + "." + derive(formKey, token)
	}
	return v.formToken
}

// masked returns random bytes and, beside them, what turns them into the text.
func masked(text string) string {
	b := make([]byte, 2*len(text))
	_, _ = rand.Read(b[:len(text)]) // it never fails
	subtle.XORBytes(b[len(text):], b[:len(text)], []byte(text))
	return base64.RawURLEncoding.EncodeToString(b)
}

// unmasked returns what masked was given, "" when it was nothing.
func unmasked(text string) string {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b)%2 != 0 {
		return ""
	}
	n := len(b) / 2
	subtle.XORBytes(b[:n], b[:n], b[n:])
	return string(b[:n])
}

// formKey marks the tokens that this process gave to forms.
var formKey = secret()

// sentToken returns the token of a form, and whether this process gave it out, to whatever session.
func (v *visit) sentToken() (token string, given bool) {
	sent := v.c.Get("X-CSRF-Token")
	if sent == "" {
		sent = v.c.FormValue("csrf")
	}
	return splitToken(sent)
}

func splitToken(sent string) (token string, given bool) {
	sent, mark, _ := strings.Cut(sent, ".")
	token = unmasked(sent)
	return token, same(mark, derive(formKey, token))
}

func (v *visit) rightToken() bool {
	token, _ := v.sentToken()
	return same(token, derive(v.token, "csrf"))
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func derive(key, purpose string) string {
	m := hmac.New(sha256.New, []byte(key))
	_, _ = m.Write([]byte(purpose))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func secret() string { return rand.Text() }

// actor is who changes something by this request.
func (v *visit) actor() config.Actor { return config.Actor{User: v.user.Name, IP: v.ClientIP(v.c)} }

// own returns the name of a cookie of this server alone. It has the port in it, as cookies don't tell servers on different
// ports of a host apart; under TLS it has the prefix that browsers protect.
func (v *visit) own(name string) string {
	if port := onlyPort.FindStringSubmatch(v.c.Hostname()); port != nil {
		name += "_" + port[1]
	}
	if v.c.Secure() {
		name = "__Host-" + name
	}
	return name
}

var onlyPort = regexp.MustCompile(`^(?:[^:]*|\[[^\]]*\]):([0-9]{1,5})$`)

func (v *visit) sessionCookie() string { return v.own("nacre_session") }

// cookie sets a cookie that only this server gets; a life of 0 lets it end with the browser, one below 0 removes it.
func (v *visit) cookie(name, value string, life time.Duration) {
	k := &fiber.Cookie{Name: name, Value: value, Path: "/", HTTPOnly: true, SameSite: fiber.CookieSameSiteStrictMode, Secure: v.c.Secure()}
	switch {
	case life < 0:
		k.MaxAge, k.Expires = -1, time.Unix(1, 0)
	case life > 0:
		k.MaxAge = int(life / time.Second)
	}
	v.c.Cookie(k)
}

// prefs sets language or theme and goes back.
func (v *visit) prefs() error {
	if tag := v.c.Query("lang"); words.Has(tag) {
		v.cookie(cookieLanguage, tag, preferenceLife)
	}
	switch theme := v.c.Query("theme"); theme {
	case "auto", "light", "dark":
		v.cookie(cookieTheme, theme, preferenceLife)
	}
	return v.go303(local(v.c.Query("back", pathHome)))
}

func (v *visit) theme() string {
	switch t := v.c.Cookies(cookieTheme); t {
	case "light", "dark":
		return t
	}
	return "auto"
}

// flash is what a page says of the action before it.
type flash struct {
	Text string         `json:"t"`
	Bad  bool           `json:"b,omitempty"`
	To   string         `json:"a,omitempty"`
	Undo []layout.Field `json:"u,omitempty"`
}

// done sends the person on to a page that says what was done. Undo are the fields of the form at address to that takes it back.
func (v *visit) done(path, text, to string, undo ...layout.Field) error {
	return v.doneWith(path, flash{Text: text, To: to, Undo: undo})
}

func (v *visit) doneWith(path string, f flash) error {
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if text := base64.RawURLEncoding.EncodeToString(b); len(text) < 3500 { // a browser drops cookies above 4 KiB
		v.cookie(v.own(cookieFlash), v.sealed(text), time.Minute)
	}
	return v.go303(path)
}

// sealed adds a proof that the text is of this session: other servers of the host can set cookies, too, and what
// is in this one becomes a form.
func (v *visit) sealed(text string) string { return text + "." + derive(v.token, "flash "+text) }

// toast returns what the action before this page did, once.
func (v *visit) toast() *layout.Toast {
	held := v.c.Cookies(v.own(cookieFlash))
	if held == "" || v.c.Get("HX-Request") != "" { // a part of another page that is read anew at this moment is not to have it
		return nil
	}
	v.cookie(v.own(cookieFlash), "", -1)
	text, _, _ := strings.Cut(held, ".")
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || !same(held, v.sealed(text)) {
		return nil
	}
	var f flash
	if json.Unmarshal(b, &f) != nil || f.Text == "" {
		return nil
	}
	return &layout.Toast{Text: f.Text, Bad: f.Bad, UndoAction: local(f.To), Undo: f.Undo}
}

// number reads a number from 1 to maxNumber of the query, else returns fallback.
func (v *visit) number(name string, fallback int) int {
	n, err := strconv.Atoi(v.c.Query(name))
	if err != nil || n < 1 || n > maxNumber {
		return fallback
	}
	return n
}

// maxNumber is the highest page that an address may name.
const maxNumber = 1_000_000

// revision reads a revision of query or form, 0 for none.
func (v *visit) revision(name string) uint64 {
	n, _ := strconv.ParseUint(v.value(name), 10, 64)
	return n
}

// value reads a value of the form or of the query.
func (v *visit) value(name string) string {
	if v.c.Method() == fiber.MethodPost {
		if s := v.c.FormValue(name); s != "" {
			return s
		}
	}
	return v.c.Query(name)
}
