package console_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"nacre/server/servertest"
	"nacre/server/settings"
)

func TestNamespacesAreMadeChangedAndRemoved(t *testing.T) {
	s := signedIn(t)
	form := func(id, name, desc string) url.Values { return url.Values{"id": {id}, "name": {name}, "desc": {desc}} }
	s.follow(s.post("/console/namespaces", form("dev", " Development ", "for <b>us</b>"))).is(200, "Development", "dev", "for <b>us</b>")
	for name, tc := range map[string]struct {
		form   url.Values
		status int
		says   string
	}{
		"an id with a space":        {form("a b", "x", ""), 400, "An ID has letters, digits"},
		"an id that is taken":       {form("dev", "kept name", ""), 409, "There is a namespace with this ID"},
		"the id of the default one": {form("public", "x", ""), 409, "There is a namespace with this ID"},
		"a name with a sign":        {form("x", "50%", ""), 400, "A name has 1 to 256 characters"},
		"no name":                   {form("x", " ", ""), 400, "A name has 1 to 256 characters"},
		"a long description":        {form("x", "x", strings.Repeat("é", 257)), 400, "at most 256 characters"},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			a := s.post("/console/namespaces", tc.form).is(tc.status, tc.says)
			if !strings.Contains(a.body, `value="`+tc.form.Get("name")+`"`) {
				t.Error("what was typed is gone")
			}
		})
	}
	s.follow(s.post("/console/namespaces", form("", "Without an id", ""))).is(200, "Without an id")
	s.get("/console/namespaces/edit?id=dev").is(200)
	s.get("/console/namespaces/edit?id=nobody").is(404)
	s.post("/console/namespaces/edit", form("nobody", "x", "")).is(404)
	s.post("/console/namespaces/edit", form("dev", "a#b", "")).is(400, "A name has")
	s.follow(s.post("/console/namespaces/edit", form("dev", "Dev 2", ""))).is(200, "Dev 2").hides("Development")
	s.publish("dev", "g", "a", "x", "")
	s.get("/console/namespaces").is(200, "Configurations in it: 1")
	s.post("/console/namespaces/remove", url.Values{"id": {"dev"}}).is(409, "Dev 2: Configurations in it: 1")
	s.post("/console/namespaces/remove", url.Values{"id": {"public"}}).is(404)
	s.post("/console/namespaces/remove", url.Values{"id": {"nobody"}}).is(404)
}

func TestANamespaceOfProductionIsRemovedByWhoTypesItsName(t *testing.T) {
	s := signedIn(t)
	s.namespace("p1", "prod, Frankfurt")
	s.post("/console/namespaces/remove", url.Values{"id": {"p1"}, "typed": {"prod"}}).is(400, "Type prod, Frankfurt to confirm")
	s.get("/console/namespaces").is(200, "prod, Frankfurt", "PROD")
	s.follow(s.post("/console/namespaces/remove", url.Values{"id": {"p1"}, "typed": {"prod, Frankfurt"}})).is(200).hides("PROD")
}

func TestManyNamespacesAreListedByPagesAndFiltered(t *testing.T) {
	s := signedIn(t)
	for i := range 205 {
		s.namespace(fmt.Sprintf("team-%03d", i), fmt.Sprintf("Team %03d 团队", i))
	}
	for query, want := range map[string]struct {
		rows int
		says string
	}{
		"":               {100, "1–100 of 206"},
		"?page=3":        {6, "201–206 of 206"},
		"?page=9":        {6, "201–206 of 206"},
		"?q=TEAM+20":     {5, "1–5 of 5"},
		"?q=team-10":     {10, "1–10 of 10"},
		"?q=nothing":     {0, "No namespace has this in its name or ID"},
		"?q=团队&page=2":   {100, "101–200 of 205"},
		"?q=public&page": {1, "1–1 of 1"},
	} {
		a := s.get("/console/namespaces"+query).is(200, want.says)
		if n := strings.Count(a.body, `<th scope="row">`); n != want.rows {
			t.Errorf("%q: %d rows, want %d", query, n, want.rows)
		}
	}
}

func TestTheNumberOfNamespacesHasALimitThatIsSaid(t *testing.T) {
	s := signedIn(t, servertest.With(func(set *settings.Settings) { set.MaxNamespaces = 1 }))
	s.namespace("one", "one")
	s.post("/console/namespaces", url.Values{"id": {"two"}, "name": {"two"}}).is(429, "the most that the setting max-namespaces allows")
}
