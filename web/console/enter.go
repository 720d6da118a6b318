package console

import (
	"cmp"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"nacre/server/auth"
	"nacre/server/fault"
	"nacre/views/enter"
	"nacre/views/parts"
	"nacre/views/words"
)

const (
	pathLogin   = "/console/login"
	pathSetUp   = "/console/setup/"
	pathAccount = "/console/account"
	// entryLife is how long a form of login or set-up may lie open.
	entryLife = time.Hour
)

// SetUpPath returns the path of the one-time link with this token.
func SetUpPath(token string) string { return pathSetUp + token }

// entry returns the token of a form that is sent before there is a session; it stands in the form and in a cookie, so that
// no other site can log a person in.
func (v *visit) entry() string {
	token := v.c.Cookies(v.own(cookieEntry))
	if len(token) != len(secret()) {
		token = secret()
	}
	v.cookie(v.own(cookieEntry), token, entryLife)
	return derive(token, "entry")
}

func (v *visit) rightEntry() bool {
	token := v.c.Cookies(v.own(cookieEntry))
	return token != "" && same(derive(token, "entry"), v.c.FormValue("entry"))
}

// front is the first page: the overview for who is signed in, else the login.
func (p *pages) front(v *visit) error {
	switch {
	case v.user != nil:
		return v.home()
	case v.arrives():
		return v.onceMore()
	}
	return v.loginPage()
}

// arrives reports whether a person comes by a link of another site: then browsers keep the session's cookie back.
func (v *visit) arrives() bool {
	from := v.c.Get("Sec-Fetch-Site")
	return !v.changes() && !v.wantsJSON() && (from == "cross-site" || from == "same-site")
}

// onceMore answers with the login, and has the browser ask for the page again: now it comes from here, with the cookie if there is one.
func (v *visit) onceMore() error {
	to := local(string(v.c.Request().RequestURI()))
	v.c.Set("Refresh", "0; url="+to)
	v.back = to
	return v.askLogin(fiber.StatusOK, "", "")
}

func (v *visit) loginPage() error {
	if v.user != nil {
		return v.go303(local(v.c.Query("back", pathHome)))
	}
	said := ""
	if v.c.Query("left") != "" {
		said = v.w.Enter.SignedOut
	}
	return v.askLogin(fiber.StatusOK, "", said)
}

func (v *visit) askLogin(status int, problem, said string) error {
	v.c.Status(status)
	w := &v.w.Enter
	return v.render(enter.LoginPage(enter.Login{
		Page: v.frame(w.Title, ""), Words: w, Fresh: v.Auth.NeedsSetUp(), Example: origin(v.c, v.Settings.HTTPAddr) + SetUpPath("…"),
		Problem: problem, Said: said, Back: cmp.Or(v.back, local(v.value("back"))), Entry: v.entry(), User: short(v.c.FormValue("username")), Carried: v.carried.packed(),
	}))
}

func (v *visit) login() error {
	w := &v.w.Enter
	v.carried = v.unpacked()
	if !v.rightEntry() {
		return v.askLogin(fiber.StatusForbidden, v.w.Faults.Forged, "")
	}
	token, err := v.Auth.Login(v.c.UserContext(), v.c.FormValue("username"), v.c.FormValue("password"), v.ClientIP(v.c), v.c.Get(fiber.HeaderUserAgent))
	switch fault.CodeOf(err) {
	case auth.CodeLogin:
		return v.askLogin(fiber.StatusUnauthorized, w.Wrong, "")
	case auth.CodeLocked, auth.CodeBusy:
		return v.askLogin(fiber.StatusTooManyRequests, v.limited(err), "")
	}
	if err != nil {
		return err
	}
	if v.carried != nil {
		return v.goOn(token)
	}
	return v.enterWith(token, local(v.c.FormValue("back")))
}

// limited says that too many try, or that one tried too often.
func (v *visit) limited(err error) string {
	if fault.CodeOf(err) == auth.CodeBusy {
		return v.w.Enter.Busy
	}
	wait := auth.RetryAfter(err)
	v.c.Set(fiber.HeaderRetryAfter, strconv.Itoa(int(wait/time.Second)))
	return words.Fill(v.w.Enter.Locked, v.w.Time.For(wait))
}

// enterWith gives the browser its session, and sends it on.
func (v *visit) enterWith(token, to string) error {
	v.begin(token)
	return v.go303(to)
}

// begin gives the browser a session. One that it had before ends: nobody could end it any more.
func (v *visit) begin(token string) {
	if v.user != nil {
		if err := v.Auth.Logout(v.c.UserContext(), v.token); err != nil {
			v.Log.Warn("the session before a login was not ended", "user", v.user.Name, "error", err)
		}
	}
	v.cookie(v.sessionCookie(), token, 0)
	v.cookie(v.own(cookieEntry), "", -1)
}

func (v *visit) logout() error {
	if err := v.Auth.Logout(v.c.UserContext(), v.token); err != nil {
		return err
	}
	v.cookie(v.sessionCookie(), "", -1)
	return v.go303(pathLogin + "?left=1")
}

func (v *visit) setUpPage() error {
	if err := v.Auth.CheckSetUp(v.c.Params("token")); err != nil {
		return v.setUpClosed(err)
	}
	return v.askSetUp(fiber.StatusOK, enter.SetUp{})
}

// setUpClosed says why the link does not work.
func (v *visit) setUpClosed(err error) error {
	w := &v.w.Enter
	m := enter.SetUp{Page: v.frame(w.SetUpTitle, ""), Words: w}
	switch fault.CodeOf(err) {
	case auth.CodeSetUp:
		v.c.Status(fiber.StatusGone)
		m.Closed, m.ClosedText = w.SetUpUsed, w.SetUpUsedText
	case auth.CodeToken:
		v.c.Status(fiber.StatusForbidden)
		m.Closed, m.ClosedText = v.w.Faults.Title, w.SetUpWrong
	default:
		return err
	}
	return v.render(enter.SetUpPage(m))
}

func (v *visit) askSetUp(status int, m enter.SetUp) error {
	v.c.Status(status)
	w := &v.w.Enter
	m.Page, m.Words, m.Action, m.Entry = v.frame(w.SetUpTitle, ""), w, SetUpPath(v.c.Params("token")), v.entry()
	user := v.c.FormValue("username")
	if user == "" {
		user = "nacos"
	}
	m.User = parts.Field{Name: "username", Label: w.SetUpUser, Value: user, Required: true, Autocomplete: "username", Error: m.User.Error, Hint: w.UserRule}
	m.Password = v.newPassword("password", w.SetUpPassword, m.Password.Error)
	m.Password.Autofocus = true
	m.Again = parts.Field{Name: "again", Label: w.SetUpAgain, Type: "password", Required: true, Autocomplete: "new-password", Error: m.Again.Error}
	return v.render(enter.SetUpPage(m))
}

func (v *visit) newPassword(name, label, problem string) parts.Field {
	return parts.Field{Name: name, Label: label, Type: "password", Required: true, Autocomplete: "new-password", Hint: v.w.Enter.PasswordRule, Error: problem}
}

func (v *visit) setUp() error {
	w := &v.w.Enter
	if !v.rightEntry() {
		return v.refuse()
	}
	if err := v.Auth.CheckSetUp(v.c.Params("token")); err != nil {
		return v.setUpClosed(err)
	}
	password := v.c.FormValue("password")
	if password != v.c.FormValue("again") {
		return v.askSetUp(fiber.StatusBadRequest, enter.SetUp{Again: parts.Field{Error: w.PasswordDiffer}})
	}
	token, err := v.Auth.SetUp(v.c.UserContext(), v.c.Params("token"), v.c.FormValue("username"), password, v.ClientIP(v.c), v.c.Get(fiber.HeaderUserAgent))
	switch fault.CodeOf(err) {
	case auth.CodePassword:
		return v.askSetUp(fiber.StatusBadRequest, enter.SetUp{Password: parts.Field{Error: v.passwordProblem(password)}})
	case auth.CodeName:
		return v.askSetUp(fiber.StatusBadRequest, enter.SetUp{User: parts.Field{Error: w.UserRule}})
	case auth.CodeSetUp, auth.CodeToken:
		return v.setUpClosed(err)
	}
	if err != nil {
		return err
	}
	return v.enterWith(token, pathHome)
}

// passwordProblem says why a password was not taken.
func (v *visit) passwordProblem(password string) string {
	switch w := &v.w.Enter; {
	case utf8.RuneCountInString(password) < 12:
		return w.PasswordShort
	case len(password) > 72:
		return w.PasswordLong
	default:
		return w.PasswordCommon
	}
}

func (v *visit) account() error { return v.showAccount(fiber.StatusOK, "", "", "") }

func (v *visit) showAccount(status int, oldProblem, newProblem, againProblem string) error {
	v.c.Status(status)
	w := &v.w.Enter
	m := enter.Account{
		Page: v.frame(w.AccountTitle, ""), Words: w, UserHidden: v.user.Name,
		Old:   parts.Field{Name: "old", Label: w.OldPassword, Type: "password", Required: true, Autocomplete: "current-password", Error: oldProblem},
		New:   v.newPassword("new", w.NewPassword, newProblem),
		Again: parts.Field{Name: "again", Label: w.SetUpAgain, Type: "password", Required: true, Autocomplete: "new-password", Error: againProblem},
	}
	for _, s := range v.Auth.Sessions(v.user.Name) {
		m.Sessions = append(m.Sessions, enter.Session{
			ID: s.ID, IP: s.IP, Agent: s.Agent, Since: v.moment(s.CreatedMs), Seen: v.moment(v.Auth.LastSeen(s.ID)), This: s.ID == v.session.ID,
		})
	}
	return v.render(enter.AccountPage(m))
}

func (v *visit) authActor() auth.Actor {
	return auth.Actor{User: v.user.Name, IP: v.ClientIP(v.c), Session: v.session.ID}
}

func (v *visit) changePassword() error {
	w := &v.w.Enter
	password := v.c.FormValue("new")
	if password != v.c.FormValue("again") {
		return v.showAccount(fiber.StatusBadRequest, "", "", w.PasswordDiffer)
	}
	err := v.Auth.ChangePassword(v.c.UserContext(), v.authActor(), v.user.Name, v.c.FormValue("old"), password)
	switch fault.CodeOf(err) {
	case auth.CodeLogin:
		return v.showAccount(fiber.StatusBadRequest, w.OldPasswordWrong, "", "")
	case auth.CodeLocked, auth.CodeBusy:
		return v.showAccount(fiber.StatusTooManyRequests, v.limited(err), "", "")
	case auth.CodePassword:
		return v.showAccount(fiber.StatusBadRequest, "", v.passwordProblem(password), "")
	}
	if err != nil {
		return err
	}
	return v.done(pathAccount, w.PasswordChanged, "")
}

func (v *visit) endSessions() error {
	w := &v.w.Enter
	if id := v.c.FormValue("session"); id != "others" {
		if _, err := v.Auth.EndSession(v.c.UserContext(), v.authActor(), id); err != nil {
			return err
		}
		return v.done(pathAccount, w.SessionEnded, "")
	}
	n, err := v.Auth.EndSessions(v.c.UserContext(), v.authActor(), v.user.Name, v.session.ID)
	if err != nil {
		return err
	}
	return v.done(pathAccount, words.Fill(w.SessionsEnded, v.w.Number(int64(n))), "")
}

// moment words a time in ms since 1970; 0 is none.
func (v *visit) moment(ms int64) parts.Moment {
	if ms == 0 {
		return parts.Moment{}
	}
	at := time.UnixMilli(ms)
	return parts.Moment{When: v.w.Time.Ago(v.now.Sub(at)), At: at.UTC().Format(time.RFC3339)}
}
