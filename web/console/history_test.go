package console_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"nacre/server/config"
)

// keyOf is the query and form of a configuration.
func keyOf(k config.Key, more ...string) url.Values {
	q := url.Values{"ns": {k.Namespace}, "group": {k.Group}, "dataId": {k.DataID}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return q
}

func (s *site) content(k config.Key) string {
	if it := s.Configs().Item(k); it != nil && it.Formal != nil {
		return string(it.Formal.Content)
	}
	return ""
}

func (s *site) remove(k config.Key) uint64 {
	s.t.Helper()
	out, err := s.Configs().Remove(s.t.Context(), config.Actor{IP: "10.0.0.9"}, k, "", config.Note{})
	if err != nil {
		s.t.Fatal(err)
	}
	return out.Revision
}

func revision(n uint64) string { return strconv.FormatUint(n, 10) }

func TestTheTimeLineSaysWhatWhoWhenAndWhy(t *testing.T) {
	s := signedIn(t)
	k := config.Key{Namespace: "public", Group: "g", DataID: "a.yaml"}
	s.publish("public", "g", "a.yaml", "a: 1\nb: 2\n", "")
	s.publishAs("alice", config.Draft{Key: k, Content: []byte("a: 1\nb: 3\nc: 4\n"), Note: config.Note{Comment: "<b>why</b>"}})
	s.publishAs("", config.Draft{Key: k, Content: []byte("a: 9\n"), Gray: &config.GrayDraft{Name: "beta", Rule: config.Rule{Type: config.RuleBeta, Version: "1.0.0", Expr: "10.0.0.1", Priority: 1}}})
	a := s.get("/console/config/history?"+keyOf(k).Encode()).is(200, "Canary started: beta", "Changed", "live now", "+2 −1", "alice", "10.0.0.9", "<b>why</b>", "Published", "from 10.0.0.9", "+2 −0", "Revision 1")
	if strings.Count(a.body, `checked`) != 2 {
		t.Error("two revisions are not chosen to be compared")
	}
	s.get("/console/config/history?"+keyOf(config.Key{Namespace: "public", Group: "g", DataID: "never"}).Encode()).is(200, "No history yet")
	s.get("/console/config/history?group=g").is(400)
}

func TestALongHistoryIsReadPageByPage(t *testing.T) {
	s := signedIn(t)
	k := config.Key{Namespace: "public", Group: "g", DataID: "a"}
	for i := range 61 {
		s.publish("public", "g", "a", fmt.Sprint(i), "")
	}
	rows := regexp.MustCompile(`class="timeline-row`)
	older := regexp.MustCompile(`rel="next" href="([^"]+)"`)
	next := "/console/config/history?" + keyOf(k).Encode()
	for _, want := range []int{30, 30, 1} {
		a := s.get(next).is(200)
		if n := len(rows.FindAllString(a.body, -1)); n != want {
			t.Errorf("%d rows, want %d", n, want)
		}
		if strings.Count(a.body, `class="timeline-delta"`) != want {
			t.Error("not each row says how many lines it changed")
		}
		next = first(older, a.body)
	}
	if next != "" {
		t.Errorf("the last page leads to %s", next)
	}
}

func TestAnyTwoRevisionsAreCompared(t *testing.T) {
	s := signedIn(t)
	k := config.Key{Namespace: "public", Group: "g", DataID: "a.properties"}
	one := s.publish("public", "g", "a.properties", "port=1\nold=x\n", "")
	desc := "new words"
	two := s.publishAs("", config.Draft{Key: k, Content: []byte("port=2\nnew=<y>\n"), Type: "properties", Desc: &desc})
	path := func(from, to uint64, more string) string {
		return "/console/config/compare?" + keyOf(k, "from", revision(from), "to", revision(to)).Encode() + more
	}
	s.get(path(one, two, "")).is(200, "Keys: 1 changed, 1 added, 1 removed", "Lines added: 2", "new = <y>", "Attributes", "new words", fmt.Sprintf("Revision %d → Revision %d", one, two))
	s.get(path(two, one, "&view=split")).is(200, "Lines removed: 2")
	s.get(path(two, two, "")).is(200, "No difference").hides("Keys:")
	s.get("/console/config/compare?"+keyOf(k, "from", revision(one)).Encode()).is(200, "→ live now")
	s.get(path(one, 99, "")).is(404, "History does not have revision 99")
	s.get("/console/config/version?"+keyOf(k, "v", revision(two)).Encode()).is(200, "Changed", "from 10.0.0.9", "port= 2", "new words")
	s.get("/console/config/version?" + keyOf(k, "v", "x").Encode()).is(404)
}

func TestRestoringShowsFirstWhatItChangesAndMakesANewRevision(t *testing.T) {
	s := signedIn(t)
	k := config.Key{Namespace: "public", Group: "g", DataID: "a"}
	one := s.publish("public", "g", "a", "one", "")
	two := s.publish("public", "g", "a", "two", "")
	page := "/console/config/restore"
	s.get(page+"?"+keyOf(k, "v", revision(one)).Encode()).is(200, "Publish this content again", "one", "two")
	s.get(page+"?"+keyOf(k, "v", revision(two)).Encode()).is(200, "has this content and these attributes already").hides("Publish this content again")
	form := keyOf(k, "v", revision(one), "now", revision(one), "comment", "back")
	s.post(page, form).is(409, "Somebody changed this configuration meanwhile")
	form.Set("now", "0")
	s.post(page, form).is(409)
	if got := s.content(k); got != "two" {
		t.Fatalf("what nobody saw was replaced by %q", got)
	}
	form.Set("now", revision(two))
	form.Set("comment", strings.Repeat("x", config.MaxComment+1))
	s.post(page, form).is(400)
	form.Set("comment", "back")
	done := s.post(page, form).is(303)
	if to := done.Header.Get("Location"); !strings.HasPrefix(to, "/console/config/clients?") || !strings.Contains(to, "published=3") {
		t.Errorf("sent to %s", to)
	}
	if got := s.content(k); got != "one" {
		t.Errorf("held is %q", got)
	}
	s.get("/console/config/history?"+keyOf(k).Encode()).is(200, "Restored, from revision 1", "back", "nacos")
	s.post(page, keyOf(k, "v", "77")).is(404)
}

func TestInProductionRestoringAsksForTheName(t *testing.T) {
	s := signedIn(t)
	s.namespace("p1", "Production")
	k := config.Key{Namespace: "p1", Group: "g", DataID: "a"}
	one := s.publish("p1", "g", "a", "one", "")
	two := s.publish("p1", "g", "a", "two", "")
	form := keyOf(k, "v", revision(one), "now", revision(two))
	s.get("/console/config/restore?"+keyOf(k, "v", revision(one)).Encode()).is(200, "Type Production to confirm")
	s.post("/console/config/restore", form).is(400, "Type Production to confirm")
	form.Set("typed", "Production")
	s.post("/console/config/restore", form).is(303)
	if s.content(k) != "one" {
		t.Error("nothing was restored")
	}
}

func TestWhatWasDeletedIsListedFoundAndRestored(t *testing.T) {
	s := signedIn(t)
	k := config.Key{Namespace: "public", Group: "g", DataID: "gone"}
	s.get("/console/deleted").is(200, "Nothing is deleted here")
	s.publish("public", "g", "gone", "x=1", "")
	s.publish("public", "g", "stays", "x", "")
	at := s.remove(k)
	s.get("/console/deleted").is(200, "gone", "from 10.0.0.9", "1–1 of 1").hides("stays")
	s.get("/console/deleted?q=GON").is(200, "gone")
	s.get("/console/deleted?q=other").is(200, "No deleted configuration has this in its name")
	if to := s.get("/console/deleted?page=7").is(303).Header.Get("Location"); !strings.Contains(to, "page=1") {
		t.Errorf("a page that is not there leads to %s", to)
	}
	s.get("/console/config/history?"+keyOf(k).Encode()).is(200, "Deleted", "Restore")
	form := keyOf(k, "revision", revision(at))
	s.follow(s.post("/console/deleted/restore", form)).is(200, "x=1")
	if s.content(k) != "x=1" {
		t.Error("nothing is back")
	}
	s.post("/console/deleted/restore", form).is(409)
	at = s.remove(k)
	s.post("/console/undo", keyOf(k, "revision", "1")).is(404)
	s.follow(s.post("/console/undo", keyOf(k, "revision", revision(at)))).is(200)
	s.get("/console/config/history?"+keyOf(k).Encode()).is(200, "Deletion undone")
}
