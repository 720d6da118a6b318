package console_test

import (
	"net/http"
	"strings"
	"testing"

	"nacre/server/config"
)

func TestTwoChangesOfOneConfigurationAreBroughtTogether(t *testing.T) {
	const before, theirs, mine = "a: 1\nb: 2\nc: 3\nd: 4\n", "a: 10\nb: 2\nc: 3\nd: 4\n", "a: 1\r\nb: 2\r\nc: 3\r\nd: 40\r\n"
	s := signedIn(t)
	s.publish("public", "DEFAULT_GROUP", "a.yaml", before, "alice")
	opened := s.get(editPath + keyIn("a.yaml")).form(reviewPath)
	s.publish("public", "DEFAULT_GROUP", "a.yaml", theirs, "bob")
	opened.Set("content", mine)
	opened.Set("desc", "mine")
	merged := s.postParts(reviewPath, opened, nil).is(http.StatusConflict, "Changed meanwhile", "bob published another version", "You changed different lines", "What was changed since you opened it", "What you changed")
	form := merged.form(reviewPath)
	if form.Get("content") != "a: 10\r\nb: 2\r\nc: 3\r\nd: 40\r\n" || form.Get("desc") != "mine" {
		t.Fatalf("brought together: %v", form)
	}
	review := s.postParts(reviewPath, form, nil).is(http.StatusOK, "Keys: 1 changed, 0 added, 0 removed")
	s.postParts(publishPath, review.form(publishPath), nil).is(http.StatusSeeOther)
	if got := string(s.held("a.yaml").Content); got != "a: 10\nb: 2\nc: 3\nd: 40\n" {
		t.Errorf("published %q", got)
	}
}

func TestWhatBothChangedIsDecidedByThePerson(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "DEFAULT_GROUP", "a.yaml", "a: 1\n", "alice")
	opened := s.get(editPath + keyIn("a.yaml")).form(reviewPath)
	s.publish("public", "DEFAULT_GROUP", "a.yaml", "a: 2\n", "bob")
	opened.Set("content", "a: 3\r\n")
	merged := s.postParts(reviewPath, opened, nil).is(http.StatusConflict, "Places that both have changed: 1.")
	form := merged.form(reviewPath)
	if want := "<<<<<<< mine\r\na: 3\r\n|||||||\r\na: 1\r\n=======\r\na: 2\r\n>>>>>>> theirs\r\n"; form.Get("content") != want {
		t.Fatalf("%q", form.Get("content"))
	}
	s.postParts(reviewPath, form, nil).is(http.StatusBadRequest, "There are places left", "Line 1, column 1")
	form.Set("content", "a: 3\r\n")
	s.postParts(reviewPath, form, nil).is(http.StatusOK, "Review a.yaml")
}

func TestAChangeBetweenReviewAndPublishIsNotOverwritten(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "DEFAULT_GROUP", "a.txt", "one\n", "alice")
	review := s.reviewed("a.txt", "content", "mine\r\n").form(publishPath)
	s.publish("public", "DEFAULT_GROUP", "a.txt", "one\ntwo\n", "bob")
	s.postParts(publishPath, review, nil).is(http.StatusConflict, "bob published another version", "mine")
	if got := string(s.held("a.txt").Content); got != "one\ntwo\n" {
		t.Errorf("%q", got)
	}
}

func TestWhatIsNewDoesNotTakeThePlaceOfWhatAppearedMeanwhile(t *testing.T) {
	s := signedIn(t)
	form := s.get(newPath+"?ns=public").form(reviewPath, "dataId", "a.txt", "content", "same\r\nmine\r\n")
	review := s.postParts(reviewPath, form, nil).form(publishPath)
	s.publish("public", "DEFAULT_GROUP", "a.txt", "same\ntheirs\n", "bob")
	merged := s.postParts(publishPath, review, nil).is(http.StatusConflict, "bob published a configuration of this name", "Places that both have changed: 1.")
	if got := merged.form(reviewPath).Get("content"); !strings.HasPrefix(got, "same\r\n<<<<<<< mine\r\nmine\r\n") {
		t.Errorf("%q", got)
	}
}

func TestWhatWasDeletedMeanwhileCanBePublishedAnew(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "DEFAULT_GROUP", "a.txt", "one\n", "alice")
	form := s.get(editPath+keyIn("a.txt")).form(reviewPath, "content", "mine\r\n")
	if _, err := s.Configs().Remove(t.Context(), config.Actor{User: "carol"}, config.Key{Namespace: "public", Group: "DEFAULT_GROUP", DataID: "a.txt"}, "", config.Note{}); err != nil {
		t.Fatal(err)
	}
	gone := s.postParts(reviewPath, form, nil).is(http.StatusConflict, "carol deleted it", "publishing makes it anew")
	review := s.postParts(reviewPath, gone.form(reviewPath), nil).is(http.StatusOK, "Lines added: 1")
	s.postParts(publishPath, review.form(publishPath), nil).is(http.StatusSeeOther)
	if got := string(s.held("a.txt").Content); got != "mine\n" {
		t.Errorf("%q", got)
	}
}

func TestAttributesAreBroughtTogetherToo(t *testing.T) {
	s := signedIn(t)
	desc := "first"
	d := config.Draft{Key: config.Key{Namespace: "public", Group: "DEFAULT_GROUP", DataID: "a.txt"}, Content: []byte("one\n"), Desc: &desc, TagsGiven: true, Tags: []string{"x"}}
	s.publishAs("alice", d)
	form := s.get(editPath+keyIn("a.txt")).form(reviewPath, "tags", "x, mine")
	theirs := "theirs"
	d.Desc = &theirs
	s.publishAs("bob", d)
	merged := s.postParts(reviewPath, form, nil).is(http.StatusConflict).form(reviewPath)
	if merged.Get("desc") != theirs || merged.Get("tags") != "x,mine" {
		t.Errorf("%v", merged)
	}
}
