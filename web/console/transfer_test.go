package console_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"nacre/server/config"
	"nacre/server/servertest"
	"nacre/server/settings"
)

// zipOf returns a ZIP of these names and contents.
func zipOf(t *testing.T, entries ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		w, err := z.Create(e[0])
		if err == nil {
			_, err = w.Write([]byte(e[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (b *browser) upload(ns string, file []byte) answer {
	b.t.Helper()
	return b.postParts("/console/transfer/import", url.Values{"ns": {ns}}, map[string][]byte{"file": file})
}

// hidden returns the fields of the form of a dry run, with all rows ticked that it offers.
func hidden(a answer) url.Values {
	f := url.Values{}
	for _, m := range regexp.MustCompile(`name="(id|seen|last)" value="([^"]*)"`).FindAllStringSubmatch(a.body, -1) {
		f.Set(m[1], m[2])
	}
	for _, m := range regexp.MustCompile(`name="row" value="([^"]*)" checked`).FindAllStringSubmatch(a.body, -1) {
		f.Add("row", m[1])
	}
	return f
}

func TestAnImportShowsFirstWhatItWouldChange(t *testing.T) {
	s := signedIn(t)
	same := s.publish("public", "g", "same", "x", "")
	other := s.publish("public", "g", "other", "old=1\n", "alice")
	file := zipOf(t, [2]string{"g/same", "x"}, [2]string{"g/other", "new=1\n"}, [2]string{"g/new<1>", "x"}, [2]string{"g/new", "y"}, [2]string{"g/left", "z"}, [2]string{"top", "x"}, [2]string{"g/blank", " "})
	sent := s.upload("public", file).is(303)
	dry := s.follow(sent).is(200, "New 2 will be published", "Different 1", "Same 1", "Not possible 3", "alice", "Not in a folder that names a group")
	if s.Configs().Revision() != other {
		t.Fatal("looking changed something")
	}
	where := sent.Header.Get("Location")
	s.get(where+"&row=1").is(200, "− old =1", "+ new =1", "other")
	s.get(where + "&row=99").is(404)
	s.another(t).get(where).is(303) // nobody
	form := hidden(dry)
	if len(form["row"]) != 3 || form.Get("seen") != revision(other) {
		t.Fatalf("the form has %v", form)
	}
	form["row"] = form["row"][:2] // not g/left
	form.Set("policy", "OVERWRITE")
	done := s.post("/console/transfer/confirm", form).is(303)
	page := s.follow(done).is(200, "Import is done", "Published: 2", "Kept as they were", "same", "left")
	for k, want := range map[string]string{"same": "x", "other": "new=1\n", "new": "y", "left": ""} {
		if got := s.content(config.Key{Namespace: "public", Group: "g", DataID: k}); got != want {
			t.Errorf("%s is %q", k, got)
		}
	}
	if e := s.Configs().Item(config.Key{Namespace: "public", Group: "g", DataID: "same"}).Formal; e.Revision != same {
		t.Error("what was the same was published again")
	}
	if again := s.follow(s.post("/console/transfer/confirm", form)); text(again.body) != text(page.body) {
		t.Errorf("a second press: %s", text(again.body))
	}
	s.get("/console/config/history?"+keyOf(config.Key{Namespace: "public", Group: "g", DataID: "other"}).Encode()).is(200, "Imported", "nacos")
	s.follow(s.upload("public", file[:len(file):len(file)])).is(200, "New 1", "Same 3")
}

func TestAnImportKeepsWhatIsThereUnlessToldAndWhatChangedMeanwhile(t *testing.T) {
	s := signedIn(t)
	k := config.Key{Namespace: "public", Group: "g", DataID: "a"}
	s.publish("public", "g", "a", "old", "")
	file := zipOf(t, [2]string{"g/a", "new"}, [2]string{"g/b", "new"})
	form := hidden(s.follow(s.upload("public", file)))
	s.follow(s.post("/console/transfer/confirm", form)).is(200, "Published: 1", "Kept as they were")
	if s.content(k) != "old" {
		t.Error("it was replaced")
	}
	form = hidden(s.follow(s.upload("public", file)))
	s.publish("public", "g", "a", "newer", "bob")
	form.Set("policy", "OVERWRITE")
	s.follow(s.post("/console/transfer/confirm", form)).is(200, "Published: 0", "Not imported", "changed after you looked")
	if s.content(k) != "newer" {
		t.Error("what nobody saw was replaced")
	}
	form = hidden(s.follow(s.upload("public", file)))
	form.Set("policy", "BOLDLY")
	s.post("/console/transfer/confirm", form).is(400)
	s.upload("public", zipOf(t, [2]string{"g/a", "newer"}))
	s.follow(s.upload("public", zipOf(t, [2]string{"g/a", "newer"}))).is(200, "There is nothing to import")
}

func TestAnImportIntoProductionAsksForTheName(t *testing.T) {
	s := signedIn(t)
	s.namespace("p1", "Production")
	dry := s.follow(s.upload("p1", zipOf(t, [2]string{"g/a", "1"}, [2]string{"g/b", "2"}))).is(200, "Type Production to confirm")
	form := hidden(dry)
	form["row"] = form["row"][:1]
	form.Set("typed", "production")
	again := s.post("/console/transfer/confirm", form).is(400, "Type Production to confirm")
	if got := hidden(again); len(got["row"]) != 1 {
		t.Errorf("what was chosen is forgotten: %v", got)
	}
	form.Set("typed", "Production")
	s.follow(s.post("/console/transfer/confirm", form)).is(200, "Published: 1")
}

func TestFilesThatCannotBeImportedAreRefusedInWords(t *testing.T) {
	s := signedIn(t, servertest.With(func(set *settings.Settings) { set.ImportMaxZip, set.ImportMaxUnpacked = 64<<10, 1<<20 }))
	bomb := zipOf(t, [2]string{"g/a", strings.Repeat("a", 1<<20)}, [2]string{"g/b", strings.Repeat("b", 1<<20)})
	ok := zipOf(t, [2]string{"g/a", strings.Repeat("abc", 1000)})
	for name, tc := range map[string]struct {
		ns     string
		file   []byte
		status int
		says   string
	}{
		"no file":              {"public", nil, 400, "Choose a ZIP file first"},
		"what is no ZIP":       {"public", []byte("hello"), 400, "not a ZIP file"},
		"one that is cut":      {"public", ok[:len(ok)-30], 400, "damaged"},
		"one that has nothing": {"public", zipOf(t), 400, "not a ZIP file with configurations"},
		"one that is large":    {"public", append(bytes.Clone(ok), make([]byte, 70<<10)...), 413, "larger than 64.0 KiB"},
		"a bomb":               {"public", bomb, 400, "more than may be imported at once"},
		"an unknown namespace": {"nowhere", ok, 404, "no namespace nowhere"},
	} {
		t.Run(name, func(t *testing.T) { s.upload(tc.ns, tc.file).is(tc.status, tc.says) })
	}
	s.get("/console/transfer/import?id=x").is(410, "not waiting any more")
	s.post("/console/transfer/confirm", url.Values{"id": {"x"}}).is(410)
	where := s.upload("public", ok).is(303).Header.Get("Location")
	s.get(where).is(200)
	other := s.another(t)
	other.login()
	other.get(where).is(410) // of another session
	s.later(16 * time.Minute)
	s.get(where).is(410)
}

func TestManyConfigurationsAreImportedAtOnce(t *testing.T) {
	s := signedIn(t)
	var entries [][2]string
	for i := range 2500 {
		entries = append(entries, [2]string{fmt.Sprintf("g/c%04d", i), fmt.Sprintf("v: %d", i)})
	}
	dry := s.follow(s.upload("public", zipOf(t, entries...))).is(200, "New 2,500", "and 1,500 more")
	s.follow(s.post("/console/transfer/confirm", hidden(dry))).is(200, "Published: 2,500")
	if n := s.Configs().CountIn("public"); n != 2500 {
		t.Errorf("%d are there", n)
	}
}

func TestAnExportHasWhatIsSelectedAndIsImportedAgain(t *testing.T) {
	s := signedIn(t)
	s.namespace("dev", "Development")
	desc := "words"
	s.publishAs("", config.Draft{Key: config.Key{Namespace: "public", Group: "g", DataID: "a.yaml"}, Content: []byte("a: 1"), Type: "yaml", Desc: &desc})
	s.publish("public", "h", "b", "2", "")
	s.publish("dev", "g", "c", "3", "")
	file := []byte(s.get("/console/transfer/export?ns=public&group=g").is(200).body)
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil || len(z.File) != 2 || z.File[0].Name != "g/a.yaml" {
		t.Fatalf("%v %+v", err, z)
	}
	s.get("/console/transfer/export?ns=public&dataId=x*").is(404, "Nothing to export")
	form := hidden(s.follow(s.upload("dev", file)).is(200, "in Development", "New 1"))
	s.follow(s.post("/console/transfer/confirm", form)).is(200, "Published: 1")
	if e := s.Configs().Item(config.Key{Namespace: "dev", Group: "g", DataID: "a.yaml"}).Formal; e.Type != "yaml" || *e.Desc != "words" {
		t.Errorf("%+v", e)
	}
}
