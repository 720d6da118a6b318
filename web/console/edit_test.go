package console_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"nacre/server/config"
	"nacre/server/config/format"
	"nacre/views/words"
)

const (
	newPath    = "/console/config/new"
	editPath   = "/console/config/edit"
	reviewPath = "/console/config/review"
)

// keyIn names a configuration of the default namespace and group in a query.
func keyIn(dataID string, more ...string) string {
	q := url.Values{"ns": {"public"}, "group": {"DEFAULT_GROUP"}, "dataId": {dataID}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return "?" + q.Encode()
}

// form returns what a browser would send of the form of the page that goes to action, with changes: names and values.
func (a answer) form(action string, changes ...string) url.Values {
	a.t.Helper()
	page, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		a.t.Fatal(err)
	}
	at := find(page, func(n *html.Node) bool { return n.Data == "form" && attr(n, "action") == action })
	if at == nil {
		a.t.Fatalf("%s %s has no form to %s: %d %s", a.Request.Method, a.Request.URL, action, a.StatusCode, text(a.body))
	}
	sent := url.Values{}
	find(at, func(n *html.Node) bool {
		name := attr(n, "name")
		switch {
		case n.Data == "input" && (attr(n, "type") == "radio" || attr(n, "type") == "checkbox") && !has(n, "checked"):
		case n.Data == "input" && name != "csrf":
			sent.Add(name, attr(n, "value"))
		case n.Data == "textarea":
			value := ""
			if n.FirstChild != nil {
				value = n.FirstChild.Data
			}
			sent.Add(name, strings.ReplaceAll(value, "\n", "\r\n"))
		case n.Data == "select":
			chosen := find(n, func(o *html.Node) bool { return o.Data == "option" && has(o, "selected") })
			if chosen == nil {
				chosen = find(n, func(o *html.Node) bool { return o.Data == "option" })
			}
			sent.Add(name, attr(chosen, "value"))
		}
		return false
	})
	delete(sent, "")
	for i := 0; i+1 < len(changes); i += 2 {
		sent.Set(changes[i], changes[i+1])
	}
	return sent
}

func find(n *html.Node, is func(*html.Node) bool) *html.Node {
	if n.Type == html.ElementNode && is(n) {
		return n
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if got := find(c, is); got != nil {
			return got
		}
	}
	return nil
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// reviewed opens the editor of a configuration, makes the changes and returns the review.
func (s *site) reviewed(dataID string, changes ...string) answer {
	s.t.Helper()
	return s.postParts(reviewPath, s.get(editPath+keyIn(dataID)).form(reviewPath, changes...), nil)
}

// published makes the changes in the editor and publishes them.
func (s *site) published(dataID string, changes ...string) answer {
	s.t.Helper()
	return s.postParts(publishPath, s.reviewed(dataID, changes...).is(http.StatusOK).form(publishPath), nil)
}

func (s *site) held(dataID string) *config.Entry {
	s.t.Helper()
	it := s.Configs().Item(config.Key{Namespace: "public", Group: "DEFAULT_GROUP", DataID: dataID})
	if it == nil {
		return nil
	}
	return it.Formal
}

func TestAConfigurationIsWrittenReviewedAndPublishedWithoutScript(t *testing.T) {
	s := signedIn(t)
	form := s.get(newPath+"?ns=public").is(http.StatusOK, "New configuration").form(reviewPath, "dataId", "a.yaml", "content", "x: 1\r\ny: é\r\n", "desc", "what for", "tags", "one, two，three", "app", "shop")
	review := s.postParts(reviewPath, form, nil).is(http.StatusOK, "Review a.yaml", "Keys: 0 changed, 2 added, 0 removed", "Nobody listens", "Lines added: 2", "YAML")
	done := s.postParts(publishPath, review.form(publishPath, "comment", "the first"), nil)
	revision := s.held("a.yaml").Revision
	done.to("/console/config/clients" + keyIn("a.yaml", "published", uintText(revision)))
	e := s.held("a.yaml")
	if string(e.Content) != "x: 1\ny: é\n" || e.Type != "yaml" || *e.Desc != "what for" || e.AppName != "shop" || !slices.Equal(e.Tags, []string{"one", "two", "three"}) || e.SrcUser != admin {
		t.Errorf("published %+v %q", e, e.Content)
	}
	list, err := s.Configs().Versions(t.Context(), e.Key, 0, 10)
	if err != nil || len(list) != 1 || list[0].Comment != "the first" {
		t.Errorf("history is %+v, %v", list, err)
	}
	s.get(editPath+keyIn("a.yaml")).is(http.StatusOK, "Edit a.yaml").hides("This is your draft")
}

func TestWhatIsWrongStandsBesideItsFieldAndNothingTypedIsLost(t *testing.T) {
	s := signedIn(t)
	begin := s.get(newPath + "?ns=public")
	for _, tc := range []struct {
		name   string
		fields []string
		says   string
	}{
		{"no name", []string{"dataId", ""}, "A name is needed."},
		{"a name with a character that is not allowed", []string{"dataId", "a b"}, "Only letters, digits"},
		{"a name that is too long", []string{"dataId", strings.Repeat("a", 257)}, "At most 256 characters"},
		{"a group with a character that is not allowed", []string{"group", "组"}, "Only letters, digits"},
		{"a namespace that can't be", []string{"ns", "a b"}, "Namespace: Only letters"},
		{"a long description", []string{"desc", strings.Repeat("é", 129)}, "At most 128 characters"},
		{"a long application", []string{"app", strings.Repeat("a", 129)}, "At most 128 characters"},
		{"six tags", []string{"tags", "a,b,c,d,e,f"}, "At most 5 tags"},
		{"a long tag", []string{"tags", strings.Repeat("t", 65)}, "A tag has at most 64"},
		{"no content", []string{"content", " \r\n"}, "The content is empty."},
		{"broken YAML", []string{"dataId", "b.yaml", "content", "a: 1\r\nb: c: d\r\n"}, "Readers of YAML would refuse this"},
		{"a merge that is not decided", []string{"content", "a\r\n<<<<<<< mine\r\nb\r\n|||||||\r\n=======\r\nc\r\n>>>>>>> theirs\r\n"}, "Line 2, column 1 Both have changed this part"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			form := begin.form(reviewPath, append([]string{"dataId", "a.txt", "content", "kept as it was typed"}, tc.fields...)...)
			refused := s.postParts(reviewPath, form, nil).is(http.StatusBadRequest, tc.says)
			again := refused.form(reviewPath)
			for _, name := range []string{"dataId", "group", "desc", "tags", "app", "content"} {
				if got, want := again.Get(name), strings.TrimSpace(form.Get(name)); strings.TrimSpace(got) != want {
					t.Errorf("%s is %q, was %q", name, got, want)
				}
			}
		})
	}
	s.postParts(reviewPath, begin.form(reviewPath, "dataId", "b.yaml", "content", "a: 1\r\nb: c: d\r\n"), nil).is(http.StatusBadRequest, "Line 2, column 5")
	if n := s.Configs().Stats().Configs; n != 0 {
		t.Errorf("%d were published", n)
	}
}

func TestAContentThatIsTooLargeIsRefusedInWords(t *testing.T) {
	s := signedIn(t)
	form := s.get(newPath+"?ns=public").form(reviewPath, "dataId", "a.txt", "content", strings.Repeat("x", 10<<20+1))
	s.postParts(reviewPath, form, nil).is(http.StatusBadRequest, "at most 10.0 MiB are allowed")
}

func TestLineEndsAndEveryCharacterComeThrough(t *testing.T) {
	s := signedIn(t)
	for name, tc := range map[string]struct{ before, says, after string }{
		"lf.txt":    {"a\nb\n", "", "a\nb\nmore"},
		"crlf.txt":  {"a\r\nb\r\n", "Lines end with CRLF", "a\r\nb\r\nmore"},
		"mixed.txt": {"a\r\nb\nc\r", "end in different ways", "a\nb\nc\nmore"},
		"odd.txt":   {"\n\n </textarea><b>&amp;\t \u202eשלום 😀\ufeff\x01 ", "", "\n\n </textarea><b>&amp;\t \u202eשלום 😀\ufeff\x01 more"},
	} {
		s.publish("public", "DEFAULT_GROUP", name, tc.before, "alice")
		page := s.get(editPath+keyIn(name)).is(http.StatusOK, tc.says)
		form := page.form(reviewPath)
		s.postParts(reviewPath, form, nil).is(http.StatusOK, map[bool]string{false: "Nothing would change", true: "What changes"}[name == "mixed.txt"])
		s.published(name, "content", form.Get("content")+"more")
		if got := string(s.held(name).Content); got != tc.after {
			t.Errorf("%s: %q, want %q", name, got, tc.after)
		}
	}
}

func TestWhatABrowserWouldChangeIsNotOfferedForEditing(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "DEFAULT_GROUP", "nul", "a\x00b", "alice")
	s.get(editPath+keyIn("nul")).is(http.StatusOK, "This content can't be edited here", "Back to the configuration")
}

func TestWhatLooksLikeAnotherTypeIsSaid(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "DEFAULT_GROUP", "a.yaml", "a: 1\n", "alice")
	s.get(editPath+keyIn("a.yaml")).is(http.StatusOK, "It looks like YAML, but its type is Text")
	s.publish("public", "DEFAULT_GROUP", "a.txt", "a\n", "alice")
	s.get(editPath + keyIn("a.txt")).hides("It looks like")
}

func TestAttributesThatTheFormDoesNotHaveStay(t *testing.T) {
	s := signedIn(t)
	use, effect, schema := "use", "effect", "schema"
	s.publishAs("alice", config.Draft{Key: config.Key{Namespace: "public", Group: "DEFAULT_GROUP", DataID: "a"}, Content: []byte("cipher"), Type: "unset", Use: &use, Effect: &effect, Schema: &schema, EncryptedDataKey: "secret"})
	s.get(editPath+keyIn("a")).is(http.StatusOK, "Clients have encrypted this content")
	s.reviewed("a", "desc", "new").is(http.StatusOK, "Attributes", "added Description new", "No difference")
	s.published("a", "desc", "new")
	e := s.held("a")
	if *e.Use != use || *e.Effect != effect || *e.Schema != schema || e.EncryptedDataKey != "secret" || e.Type != "unset" || *e.Desc != "new" {
		t.Errorf("%+v", e)
	}
}

func TestTheEditorIsAnsweredWhileOneTypes(t *testing.T) {
	s := signedIn(t)
	ask := func(query string, form url.Values, header ...string) (out struct {
		Type, Name string
		Problems   []struct {
			Line, Column, EndColumn int
			Severity, Text          string
		}
	}) {
		t.Helper()
		a := s.post("/console/check"+query, form, header...).is(http.StatusOK)
		if err := json.Unmarshal([]byte(a.body), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	broken := url.Values{"type": {"yaml"}, "content": {"a: 1\n\tb: 2\n"}}
	if got := ask("?dataId=a.yaml", broken); got.Type != "yaml" || len(got.Problems) == 0 || got.Problems[0].Line != 2 || got.Problems[0].Severity != "error" {
		t.Errorf("broken YAML: %+v", got)
	}
	if got := ask("?dataId=a.yaml", broken, "Accept-Language", "zh-CN"); !strings.Contains(got.Problems[0].Text, "制表符") {
		t.Errorf("in Chinese: %+v", got)
	}
	if got := ask("?auto=1&dataId=a.json", broken); got.Type != "json" || got.Name != "JSON" {
		t.Errorf("detected: %+v", got)
	}
	if got := ask("", url.Values{"type": {"unset"}, "content": {"{"}}); len(got.Problems) != 0 {
		t.Errorf("no syntax of its own: %+v", got)
	}
	s.post("/console/layout", url.Values{"type": {"json"}, "content": {`{"a":1}`}}).is(http.StatusOK, `{\n \"a\": 1\n}\n`)
	s.post("/console/layout", url.Values{"type": {"json"}, "content": {`{"a":`}}).is(http.StatusBadRequest, "not laid out")
	s.post("/console/layout", url.Values{"type": {"text"}, "content": {`x`}}).is(http.StatusBadRequest, "no layout for this type")
}

func TestWithoutScriptTheServerLaysOut(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "DEFAULT_GROUP", "a.json", `{"a":1}`, "alice")
	form := s.get(editPath+keyIn("a.json")).form(reviewPath, "type", "json", "do", "layout")
	if got := s.postParts(reviewPath, form, nil).is(http.StatusOK).form(reviewPath).Get("content"); got != "{\r\n  \"a\": 1\r\n}\r\n" {
		t.Errorf("%q", got)
	}
	form.Set("content", "{")
	s.postParts(reviewPath, form, nil).is(http.StatusBadRequest, "not laid out")
}

func TestDraftsAreKeptOfferedAndLetGo(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "DEFAULT_GROUP", "a.yaml", "x: 1\n", "alice")
	at := "/console/draft" + keyIn("a.yaml", "base", uintText(s.held("a.yaml").Revision))
	save := func(content, version string, status int) string {
		t.Helper()
		a := s.post(at, url.Values{"content": {content}, "type": {"yaml"}, "desc": {"d"}, "version": {version}}).is(status)
		var out struct{ Version json.Number }
		if err := json.Unmarshal([]byte(a.body), &out); err != nil {
			t.Fatal(err)
		}
		return out.Version.String()
	}
	v1 := save("x: 2\n", "0", http.StatusOK)
	if held := save("x: 3\n", "0", http.StatusConflict); held != v1 {
		t.Errorf("a second tab is told of version %s, want %s", held, v1)
	}
	page := s.get(editPath+keyIn("a.yaml")).is(http.StatusOK, "This is your draft", "Discard the draft")
	if f := page.form(reviewPath); f.Get("content") != "x: 2\r\n" || f.Get("desc") != "d" || f.Get("draft") != v1 {
		t.Errorf("the draft is offered as %v", f)
	}
	s.post(at, url.Values{"content": {"x: 1\n"}, "type": {""}, "version": {v1}}).is(http.StatusOK)
	s.follow(s.post("/console/draft/drop", page.form("/console/draft/drop"))).is(http.StatusOK)
	s.get(editPath + keyIn("a.yaml")).hides("This is your draft")
	if v := save("x: 1\n", "0", http.StatusOK); v == "0" {
		t.Error("a description alone is a draft, too")
	}

	s.post("/console/draft"+keyIn("new.yaml"), url.Values{"content": {""}, "version": {"0"}}).is(http.StatusOK, `"version":0`)
	s.post("/console/draft"+keyIn("new.yaml"), url.Values{"content": {"y: 1\n"}, "version": {"0"}}).is(http.StatusOK)
	s.get(newPath+"?ns=public").is(http.StatusOK, "Drafts not published yet", "new.yaml").hides("a.yaml")
	s.published("new.yaml")
	s.get(newPath+"?ns=public").hides("Drafts not published yet", "new.yaml")
}

func TestADraftThatIsWhatIsPublishedIsNone(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "DEFAULT_GROUP", "a.txt", "one", "alice")
	at := "/console/draft" + keyIn("a.txt", "base", uintText(s.held("a.txt").Revision))
	first := regexp.MustCompile(`"version":(\d+)`).FindStringSubmatch(s.post(at, url.Values{"content": {"two"}, "type": {"text"}, "version": {"0"}}).is(http.StatusOK).body)[1]
	s.post(at, url.Values{"content": {"one"}, "type": {"text"}, "version": {first}}).is(http.StatusOK, `{"version":0}`)
	s.get(editPath + keyIn("a.txt")).hides("This is your draft")
}

func TestThePageTellsWhatOthersDoMeanwhile(t *testing.T) {
	s := signedIn(t)
	was := s.publish("public", "DEFAULT_GROUP", "a", "1", "alice")
	at := editPath + "/others" + keyIn("a", "base", uintText(was))
	s.get(at).is(http.StatusOK).hides("published")
	s.publish("public", "DEFAULT_GROUP", "a", "2", "bob")
	s.get(at).is(http.StatusOK, "bob published a newer version just now")
	if _, err := s.Configs().Remove(t.Context(), config.Actor{}, config.Key{Namespace: "public", Group: "DEFAULT_GROUP", DataID: "a"}, "", config.Note{}); err != nil {
		t.Fatal(err)
	}
	s.get(at).is(http.StatusOK, "deleted meanwhile")
}

func TestEveryProblemIsWordedInChinese(t *testing.T) {
	verbs := regexp.MustCompile(`%[sd]`)
	chinese := words.For("zh-CN", "")
	for code, english := range format.Texts() {
		if got := chinese.Problem(code); !slices.Equal(verbs.FindAllString(got, -1), verbs.FindAllString(english, -1)) || got == "" {
			t.Errorf("%s: %q stands for %q", code, got, english)
		}
	}
}
