package console

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
	"nacre/views/enter"
	"nacre/views/layout"
	"nacre/views/parts"
)

// carried is a form that came when its session had ended. It goes through the login, and is sent again when the person has
// looked at it: what was typed is not lost.
type carried struct {
	action string
	// token is that of the session that has ended: a stranger's form is not carried, as the answer is as large.
	token  string
	fields []layout.Field
}

// The names of the fields in which the login carries a form: its address, and the form's own fields behind the prefix.
const (
	carriedTo     = "carried"
	carriedToken  = "carriedToken"
	carriedPrefix = "carried."
	// maxCarriedShown is how many bytes of a field the page shows.
	maxCarriedShown = 400
)

// secrets are fields that go into no page.
var secrets = []string{"csrf", "password", "old", "new", "again"}

// carry keeps the form of this request. Files are not kept.
func (v *visit) carry() *carried {
	f := &carried{action: local(string(v.c.Request().RequestURI())), token: v.c.FormValue("csrf")}
	for _, x := range v.fields() {
		if !slices.Contains(secrets, x.Name) {
			f.fields = append(f.fields, x)
		}
	}
	return f
}

// fields returns all fields of the form.
func (v *visit) fields() (list []layout.Field) {
	for name, value := range v.c.Context().PostArgs().All() {
		list = append(list, layout.Field{Name: string(name), Value: string(value)})
	}
	if form, err := v.c.MultipartForm(); err == nil {
		for name, values := range form.Value {
			for _, value := range values {
				list = append(list, layout.Field{Name: name, Value: value})
			}
		}
		slices.SortStableFunc(list, func(a, b layout.Field) int { return strings.Compare(a.Name, b.Name) })
	}
	return list
}

// packed returns the fields with which a login carries f.
func (f *carried) packed() []layout.Field {
	if f == nil {
		return nil
	}
	list := []layout.Field{{Name: carriedTo, Value: f.action}, {Name: carriedToken, Value: f.token}}
	for _, x := range f.fields {
		list = append(list, layout.Field{Name: carriedPrefix + x.Name, Value: x.Value})
	}
	return list
}

// unpacked returns the form that a login carries, nil for none.
func (v *visit) unpacked() *carried {
	f := &carried{action: local(v.c.FormValue(carriedTo)), token: v.c.FormValue(carriedToken)}
	if _, given := splitToken(f.token); !given || !strings.HasPrefix(f.action, "/console/") {
		return nil
	}
	for _, x := range v.fields() {
		if name, ok := strings.CutPrefix(x.Name, carriedPrefix); ok {
			f.fields = append(f.fields, layout.Field{Name: name, Value: x.Value})
		}
	}
	return f
}

// askAgain answers a form that came when its session had ended: with a login that carries it.
func (v *visit) askAgain() error {
	if _, given := v.sentToken(); !given {
		return v.askLogin(fiber.StatusUnauthorized, v.w.Enter.EndedLost, "")
	}
	v.carried = v.carry()
	return v.askLogin(fiber.StatusUnauthorized, v.w.Enter.Ended, "")
}

// goOn gives the browser its session, and offers what the login carried.
func (v *visit) goOn(token string) error {
	v.begin(token)
	user, session, ok := v.Auth.Enter(token)
	if !ok {
		return fault.New(fault.Unavailable, "the session has ended already")
	}
	v.user, v.session, v.token, v.formToken = user, session, token, ""
	return v.offer(fiber.StatusOK, v.carried, v.w.Enter.AgainText)
}

// refuseSession answers a form with the token of another session: one that a page of this server sent in a browser can be sent
// again, by the person's own hand.
func (v *visit) refuseSession() error {
	h := &v.c.Request().Header
	told := len(h.Peek(fiber.HeaderOrigin)) > 0 || len(h.Peek("Sec-Fetch-Site")) > 0
	if _, given := v.sentToken(); !given || !told || v.wantsJSON() {
		return v.refuse()
	}
	return v.offer(fiber.StatusForbidden, v.carry(), v.w.Enter.AgainOther)
}

// offer shows a form that was not carried out, to be sent from here.
func (v *visit) offer(status int, f *carried, text string) error {
	w := &v.w.Enter
	m := enter.Again{Title: w.AgainTitle, Text: text, Words: w, Action: f.action, Fields: f.fields}
	for _, x := range f.fields {
		if x.Name == "ns" {
			v.ns = x.Value
		}
		if shown := strings.ToValidUTF8(x.Value[:min(len(x.Value), maxCarriedShown)], ""); shown != "" {
			if len(x.Value) > maxCarriedShown {
				shown += "…"
			}
			m.Facts = append(m.Facts, parts.Fact{Name: x.Name, Value: shown, Mono: true})
		}
	}
	m.Page = v.frame(w.AgainTitle, "")
	v.c.Status(status)
	return v.render(enter.AgainPage(m))
}
