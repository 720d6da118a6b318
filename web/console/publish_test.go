package console_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"nacre/server/config"
	"nacre/server/config/delivery"
)

const (
	publishPath = "/console/config/publish"
	canaryPath  = "/console/config/canary"
)

func uintText(n uint64) string { return strconv.FormatUint(n, 10) }

// nobody is told of nothing.
type nobody struct{}

func (nobody) Owed() {}

// listen lets a client listen for a configuration of the default group.
func (s *site) listen(id, ip, app, dataID string) {
	s.t.Helper()
	session := s.Delivery().Open(delivery.Client{ID: id, Transport: delivery.GRPC, IP: ip, Remote: ip + ":1", App: app, SDK: "test:v1"}, nobody{})
	s.t.Cleanup(session.Close)
	if _, err := session.Listen([]delivery.Watch{{Key: config.Key{Namespace: "public", Group: "DEFAULT_GROUP", DataID: dataID}, MD5: "-"}}); err != nil {
		s.t.Fatal(err)
	}
}

func TestAReviewTellsWhatChangesAndWhomItReaches(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "DEFAULT_GROUP", "a.properties", "a=1\nb=2\nc=3\n", "alice")
	s.listen("1", "10.0.0.2", "shop", "a.properties")
	s.listen("2", "10.0.0.3", "shop", "a.properties")
	s.listen("3", "10.0.0.10", "<b>pay", "a.properties")
	change := []string{"content", "a=1\r\nb=20\r\nd=4 \r\n", "type", "properties"}
	review := s.reviewed("a.properties", change...).is(http.StatusOK,
		"Keys: 1 changed, 1 added, 1 removed", "removed c", "changed b", "Clients that listen: 3", "shop 2", "<b>pay 1", "test:v1 3", "the value ends with white space", "changed Type Text → Properties")
	if a, b := strings.Index(review.body, "10.0.0.3"), strings.Index(review.body, "10.0.0.10"); a < 0 || b < a {
		t.Error("addresses are not in their order")
	}
	form := review.form(publishPath)
	split := s.postParts(reviewPath+"?view=split&space=ignore", form, nil).is(http.StatusOK)
	if !strings.Contains(split.body, `class="diff split"`) {
		t.Error("it is not shown side by side")
	}
	back := s.postParts(reviewPath, split.form(publishPath, "do", "back"), nil).is(http.StatusOK, "Edit a.properties").form(reviewPath)
	if back.Get("content") != change[1] || back.Get("type") != "properties" {
		t.Errorf("back in the editor: %v", back)
	}
}

func TestNothingIsPublishedWhenNothingWouldChange(t *testing.T) {
	s := signedIn(t)
	was := s.publish("public", "DEFAULT_GROUP", "a.txt", "one\n", "alice")
	s.reviewed("a.txt").is(http.StatusOK, "Nothing would change")
	form := s.reviewed("a.txt", "content", "two\r\n").form(publishPath, "content", "one\r\n")
	s.postParts(publishPath, form, nil).is(http.StatusOK, "So nothing was published")
	if got := s.held("a.txt").Revision; got != was {
		t.Errorf("revision %d, was %d", got, was)
	}
}

func TestAPublishIsUndoneFromWhereItLeads(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "DEFAULT_GROUP", "a.txt", "one\n", "alice")
	page := s.follow(s.published("a.txt", "content", "two\r\n")).is(http.StatusOK)
	undo := page.form("/console/config/restore")
	s.post("/console/config/restore", undo).is(http.StatusSeeOther)
	if got := string(s.held("a.txt").Content); got != "one\n" {
		t.Fatalf("%q", got)
	}
	s.publish("public", "DEFAULT_GROUP", "a.txt", "three\n", "bob")
	s.post("/console/config/restore", undo).is(http.StatusConflict)
	if got := string(s.held("a.txt").Content); got != "three\n" {
		t.Errorf("what was changed again is now %q", got)
	}
}

func TestInAProductionNamespaceTheNameIsTyped(t *testing.T) {
	s := signedIn(t)
	s.namespace("prod", "live")
	form := s.get(newPath+"?ns=prod").form(reviewPath, "dataId", "a.txt", "content", "x")
	review := s.postParts(reviewPath, form, nil).is(http.StatusOK, "is a production namespace", "Type live to confirm")
	s.postParts(publishPath, review.form(publishPath, "typed", "a.txt"), nil).is(http.StatusBadRequest, "That is not the name.")
	if s.Configs().CountIn("prod") != 0 {
		t.Fatal("it was published")
	}
	s.postParts(publishPath, review.form(publishPath, "typed", "live"), nil).is(http.StatusSeeOther)
	if s.Configs().CountIn("prod") != 1 {
		t.Fatal("it was not published")
	}
}

func TestADecisionThatIsNotRightIsShownAgain(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "DEFAULT_GROUP", "a.txt", "one", "alice")
	review := s.reviewed("a.txt", "content", "two")
	for name, tc := range map[string]struct {
		fields []string
		says   string
	}{
		"a comment that is too long":     {[]string{"comment", strings.Repeat("é", 513)}, "At most 512 characters"},
		"a comment with a control":       {[]string{"comment", "a\x07"}, "without control characters"},
		"some, but no address":           {[]string{"for", "some"}, "Choose or name one address"},
		"some, but what is no address":   {[]string{"for", "some", "others", "10.0.0.1, host"}, "host is not an IP address."},
		"some, but an address too large": {[]string{"for", "some", "ip", "10.0.0.256"}, "10.0.0.256 is not an IP address."},
	} {
		again := s.postParts(publishPath, review.form(publishPath, append(tc.fields, "others", valueOf(tc.fields, "others"))...), nil).is(http.StatusBadRequest, tc.says)
		if got := again.form(publishPath); got.Get("content") != "two" || strings.TrimSpace(got.Get("comment")) != strings.TrimSpace(valueOf(tc.fields, "comment")) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := string(s.held("a.txt").Content); got != "one" {
		t.Errorf("%q was published", got)
	}
}

func valueOf(fields []string, name string) string {
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == name {
			return fields[i+1]
		}
	}
	return ""
}

func (s *site) gray(dataID, name string) *config.Gray {
	return s.Configs().Item(config.Key{Namespace: "public", Group: "DEFAULT_GROUP", DataID: dataID}).Gray(name)
}

func TestACanaryBeginsIsChangedPromotedAndStopped(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "DEFAULT_GROUP", "a.txt", "one\n", "alice")
	s.listen("1", "10.0.0.2", "shop", "a.txt")
	s.listen("2", "10.0.0.3", "shop", "a.txt")
	s.get(canaryPath+keyIn("a.txt")).is(http.StatusOK, "No canary", "Edit and start a canary")

	form := s.reviewed("a.txt", "content", "two\r\n").form(publishPath, "for", "some", "others", "10.0.0.9 10.0.0.2")
	form["ip"] = []string{"10.0.0.2"}
	s.follow(s.postParts(publishPath, form, nil)).is(http.StatusOK)
	if g := s.gray("a.txt", "beta"); g == nil || g.Rule.Expr != "10.0.0.2,10.0.0.9" || string(g.Content) != "two\n" || string(s.held("a.txt").Content) != "one\n" {
		t.Fatalf("the canary is %+v", g)
	}
	page := s.get(canaryPath+keyIn("a.txt")).is(http.StatusOK, "Canary beta", "For clients at 10.0.0.2, 10.0.0.9", "Clients that see it: 1", "10.0.0.2 shop test:v1", "Lines added: 1", "Clients that listen: 2")
	s.get(editPath + keyIn("a.txt")).hides("This is your draft")

	edited := s.get(editPath+keyIn("a.txt", "gray", "beta")).is(http.StatusOK, "canary beta").form(reviewPath, "content", "three\r\n")
	review := s.postParts(reviewPath, edited, nil).is(http.StatusOK, "Clients that see it: 1")
	if f := review.form(publishPath); f.Get("ip") != "10.0.0.2" || f.Get("others") != "10.0.0.9" || f.Get("for") != "some" {
		t.Errorf("the addresses are offered as %v", f)
	}
	s.postParts(publishPath, review.form(publishPath, "others", ""), nil).is(http.StatusSeeOther)
	if g := s.gray("a.txt", "beta"); g.Rule.Expr != "10.0.0.2" || string(g.Content) != "three\n" {
		t.Fatalf("the canary is %+v", g)
	}

	s.follow(s.post(canaryPath+"/promote", page.form(canaryPath+"/promote"))).is(http.StatusOK, "Canary beta")
	if s.gray("a.txt", "beta") == nil {
		t.Fatal("one that was changed after it was looked at was promoted")
	}
	page = s.get(canaryPath + keyIn("a.txt"))
	s.post(canaryPath+"/promote", page.form(canaryPath+"/promote")).is(http.StatusSeeOther)
	if s.gray("a.txt", "beta") != nil || string(s.held("a.txt").Content) != "three\n" {
		t.Fatal("it was not promoted")
	}
	s.follow(s.post(canaryPath+"/stop", page.form(canaryPath+"/stop"))).is(http.StatusOK, "No canary")
	if s.held("a.txt") == nil {
		t.Fatal("stopping what is not there took the configuration away")
	}
	s.post(canaryPath+"/stop", url.Values{"ns": {"public"}, "group": {"DEFAULT_GROUP"}, "dataId": {"a.txt"}, "gray": {""}}).is(http.StatusSeeOther)
	if s.held("a.txt") == nil {
		t.Fatal("a canary without a name took the configuration away")
	}
}

func TestAVariantByTagKeepsItsRule(t *testing.T) {
	s := signedIn(t)
	k := config.Key{Namespace: "public", Group: "DEFAULT_GROUP", DataID: "a.txt"}
	s.publishAs("alice", config.Draft{Key: k, Content: []byte("tagged"), Gray: &config.GrayDraft{Name: "tag_blue", Rule: config.TagRule("blue")}})
	s.get(canaryPath+keyIn("a.txt")).is(http.StatusOK, "For clients that send the tag blue", "All other clients see nothing")
	form := s.get(editPath+keyIn("a.txt", "gray", "tag_blue")).form(reviewPath, "content", "more")
	s.postParts(publishPath, s.postParts(reviewPath, form, nil).is(http.StatusOK).hides("Other addresses").form(publishPath), nil).is(http.StatusSeeOther)
	if g := s.gray("a.txt", "tag_blue"); g.Rule != config.TagRule("blue") || string(g.Content) != "more" || s.held("a.txt") != nil {
		t.Errorf("%+v", g)
	}
	s.post(canaryPath+"/stop", s.get(canaryPath+keyIn("a.txt")).form(canaryPath+"/stop")).to(canaryPath + keyIn("a.txt"))
	s.get(editPath + keyIn("a.txt", "gray", "tag_blue")).to(canaryPath + keyIn("a.txt"))
}

func TestACanaryDoesNotTakeThePlaceOfOneThatNobodySaw(t *testing.T) {
	s := signedIn(t)
	k := config.Key{Namespace: "public", Group: "DEFAULT_GROUP", DataID: "a.txt"}
	s.publish("public", "DEFAULT_GROUP", "a.txt", "one", "alice")
	review := s.reviewed("a.txt", "content", "two").form(publishPath, "for", "some", "others", "10.0.0.1")
	s.publishAs("bob", config.Draft{Key: k, Content: []byte("bob's"), Gray: &config.GrayDraft{Name: "beta", Rule: config.BetaRule("10.0.0.7")}})
	s.postParts(publishPath, review, nil).is(http.StatusConflict, "It takes the place of the canary that is out for 10.0.0.7.")
	if g := s.gray("a.txt", "beta"); string(g.Content) != "bob's" {
		t.Errorf("%q", g.Content)
	}
}
