package console_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"nacre/server/config"
	"nacre/server/config/delivery"
)

var rowField = regexp.MustCompile(`name="row" value="([^"]+)"`)

func (s *site) describe(ns, group, dataID, content, kind, desc string, tags ...string) {
	s.t.Helper()
	s.publishAs("", config.Draft{
		Key: config.Key{Namespace: ns, Group: group, DataID: dataID}, Content: []byte(content), Type: kind, Desc: &desc, TagsGiven: true, Tags: tags,
	})
}

func rowOf(ns, group, dataID string) string {
	return url.Values{"ns": {ns}, "group": {group}, "dataId": {dataID}}.Encode()
}

func TestTheListFindsByNameContentKeyAndAttribute(t *testing.T) {
	s := signedIn(t)
	s.namespace("dev", "Development")
	s.describe("public", "orders", "order.yaml", "spring:\n  redis:\n    host: cache-1\n", "yaml", "Where orders are", "core")
	s.describe("public", "orders", "pay.properties", "pay.timeout=30\n", "properties", "", "core", "money")
	s.describe("dev", "orders", "order.yaml", "spring:\n  redis:\n    host: 缓存\n", "yaml", "")
	for name, tc := range map[string]struct {
		query  string
		status int
		shows  []string
		hides  []string
	}{
		"all of a namespace":               {"", 200, []string{"order.yaml", "pay.properties", "Configurations: 2", "Where orders are"}, []string{"Development"}},
		"a part of a name, in any case":    {"q=ORDER.Y", 200, []string{"order.yaml", "1 found among 2"}, []string{"pay.properties"}},
		"a part of a content":              {"q=cache-1", 200, []string{"line 3", "spring.redis.host", "cache-1"}, []string{"pay.properties"}},
		"a key's path":                     {"q=spring.redis.host", 200, []string{"line 3", "spring.redis.host"}, []string{"pay.properties"}},
		"a description":                    {"q=Where", 200, []string{"description", "order.yaml"}, []string{"pay.properties"}},
		"Chinese letters":                  {"q=缓存&all=1", 200, []string{"order.yaml", "Development", "line 3"}, nil},
		"operators":                        {"q=tag:money+type:properties", 200, []string{"pay.properties"}, []string{"order.yaml"}},
		"a key with its value":             {"q=key:pay.timeout+value:30", 200, []string{"pay.properties", "line 1"}, []string{"order.yaml"}},
		"all namespaces":                   {"q=order.yaml&all=1", 200, []string{"2 found among 3", "Development"}, nil},
		"a namespace by its name":          {"q=ns:development&all=1", 200, []string{"1 found among 3"}, nil},
		"nothing, and says where it looks": {"q=zzz", 200, []string{"Nothing found", "namespace public", "Search all namespaces", "Show all of public"}, nil},
		"no more than there are pages":     {"page=99", 200, []string{"1–2 of 2"}, nil},
		"what is wrong with a search":      {"q=grup:x", 400, []string{"perhaps group: is meant"}, []string{"order.yaml"}},
	} {
		t.Run(name, func(t *testing.T) { s.get("/console/configs?"+tc.query).is(tc.status, tc.shows...).hides(tc.hides...) })
	}
	if a := s.get("/console/configs?q=cache-1"); !strings.Contains(a.body, "<mark>cache-1</mark>") || !strings.Contains(a.body, `#l3"`) {
		t.Error("what was found is not marked, or does not lead to its line")
	}
}

func TestTheListIsPagedAtAHundred(t *testing.T) {
	s := signedIn(t)
	for i := range 205 {
		s.publish("public", "g", fmt.Sprintf("c%03d", i), "x", "")
	}
	a := s.get("/console/configs").is(200, "c000", "c099", "1–100 of 205").hides("c100")
	if n := len(rowField.FindAllString(a.body, -1)); n != 100 {
		t.Errorf("%d rows", n)
	}
	next := first(regexp.MustCompile(`rel="next" href="([^"]+)"`), a.body)
	s.get(next).is(200, "c100", "c199", "101–200 of 205").hides("c099", "c200")
	s.get("/console/configs?page=3&q=c2").is(200, "1–5 of 5", "c204")
}

func TestASearchAsOneTypesHasTheAddressOfTheSamePage(t *testing.T) {
	s := signedIn(t)
	a := s.get("/console/configs?ns=public&q=a+b&all=1", "HX-Request", "true").is(200, "Nothing found").hides("Overview")
	if got := a.Header.Get("HX-Replace-Url"); got != "/console/configs?all=1&ns=public&q=a+b" {
		t.Error(got)
	}
	s.get("/console/configs?ns=public&q=group:", "HX-Request", "true").is(200, "group:")
}

func TestColumnsAreAPersonsOwnChoice(t *testing.T) {
	s := signedIn(t)
	s.describe("public", "g", "a", "x", "yaml", "a description")
	s.get("/console/configs").is(200, "a description", "nobody listens")
	s.get("/console/configs/columns").to("/console/configs")
	s.follow(s.get("/console/configs/columns?col=size&col=bogus", "Referer", s.URL+"/console/configs?ns=public&q=a").to("/console/configs?ns=public&q=a")).is(200, "1 B").hides("a description", "nobody listens")
}

func TestAnEmptyNamespaceTeachesHowToBegin(t *testing.T) {
	s := signedIn(t)
	s.namespace("dev", "Development")
	s.get("/console/configs?ns=dev").is(200, "Nothing in Development yet", "curl -X POST '"+s.URL+"/nacos/v1/cs/configs'", "tenant=dev&", "Connect an application", "Import a ZIP")
}

func TestNothingThatAPersonWroteIsMarkup(t *testing.T) {
	const evil = `"'><img src=x onerror=alert(1)><script>alert(1)</script>`
	s := signedIn(t)
	s.namespace("dev", evil)
	s.describe("dev", "g", "a", evil+"\n", "text", evil, "<b>t</b>")
	row := "ns=dev&group=g&dataId=a"
	for _, path := range []string{
		"/console/configs?ns=dev", "/console/configs?all=1&q=" + url.QueryEscape("onerror"), "/console/configs?ns=dev&q=" + url.QueryEscape(`"`+strings.ReplaceAll(evil, `"`, `\"`)+`"`),
		"/console/configs?q=" + url.QueryEscape("group:"+evil), "/console/config?" + row, "/console/config/snippets?" + row, "/console/config?ns=dev&group=g&dataId=absent",
	} {
		a := s.get(path)
		if strings.Contains(a.body, "<img src=x") || strings.Contains(a.body, "<script>alert") || strings.Contains(a.body, "<b>t</b>") {
			t.Errorf("%s has it as markup", path)
		}
	}
}

func TestSeveralAreDeletedWhenTheirNumberWasTyped(t *testing.T) {
	s := signedIn(t)
	for _, name := range []string{"a", "b", "c"} {
		s.publish("public", "g", name, "x", "")
	}
	rows := url.Values{"row": {rowOf("public", "g", "a"), rowOf("public", "g", "b")}, "ns": {"public"}, "back": {"/console/configs?ns=public&q=group%3Ag"}}
	a := s.post("/console/configs/delete", rows).is(200, "Delete 2 configurations?", "Type 2 to confirm")
	if n := len(rowField.FindAllString(a.body, -1)); n != 2 {
		t.Errorf("%d rows are asked about", n)
	}
	rows.Set("typed", "3")
	s.post("/console/configs/delete", rows).is(400, "Type 2 to confirm. Nothing was changed.")
	rows.Set("typed", "2")
	a = s.follow(s.post("/console/configs/delete", rows).to("/console/configs?ns=public&q=group%3Ag")).is(200, "1 found among 1")
	if got := rowField.FindAllStringSubmatch(a.body, -1); len(got) != 1 || !strings.Contains(got[0][1], "dataId=c") {
		t.Errorf("left are %v", got)
	}
	s.follow(s.post("/console/configs/delete", rows)).is(200)
	s.follow(s.post("/console/configs/delete", url.Values{"ns": {"public"}})).is(200)
	s.post("/console/configs/delete", url.Values{"row": {"nonsense"}}).is(400)
	s.get("/console/configs/delete").to("/console/configs?ns=public")
}

func TestOneIsDeletedAndUndone(t *testing.T) {
	s := signedIn(t)
	s.describe("public", "g", "a", "held\n", "yaml", "kept")
	key := url.Values{"ns": {"public"}, "group": {"g"}, "dataId": {"a"}}
	page := s.follow(s.post("/console/config/delete", key)).is(200, "Nothing in public yet")
	undo := url.Values{}
	for _, name := range []string{"ns", "group", "dataId", "revision"} {
		undo.Set(name, first(regexp.MustCompile(`name="`+name+`" value="([^"]*)"`), page.body[strings.Index(page.body, `id="toasts"`):]))
	}
	if undo.Get("revision") == "" {
		t.Fatal("the page offers no undo")
	}
	s.get("/console/config?"+key.Encode()).is(404, "There is no such configuration", "Create it", "See its history")
	s.follow(s.post("/console/undo", undo)).is(200, "held", "kept")
	if h := s.follow(s.post("/console/configs/delete", url.Values{"row": {rowOf("public", "g", "a")}, "ns": {"public"}})); !strings.Contains(h.body, "data-undo") {
		t.Error("one row is not undone as one page is")
	}
	s.follow(s.post("/console/config/delete", key)).is(200)
}

func TestInProductionTheNamespaceIsTyped(t *testing.T) {
	s := signedIn(t)
	s.namespace("p1", "Production")
	s.publish("p1", "g", "a", "x", "")
	key := url.Values{"ns": {"p1"}, "group": {"g"}, "dataId": {"a"}}
	s.get("/console/config?"+key.Encode()).is(200, "Type Production to confirm")
	s.post("/console/config/delete", key).is(400, "type Production", "Nothing was changed")
	row := url.Values{"row": {rowOf("p1", "g", "a")}, "ns": {"p1"}}
	s.post("/console/configs/delete", row).is(200, "Delete this configuration?", "Type Production")
	key.Set("typed", "Production")
	s.post("/console/config/delete", key).is(303)
}

func TestTheSelectedAreExported(t *testing.T) {
	s := signedIn(t)
	s.describe("public", "g", "a", "one", "yaml", "kept", "core")
	s.publish("public", "g", "b", "two", "")
	s.publish("public", "g", "c", "three", "")
	a := s.post("/console/configs/export", url.Values{"row": {rowOf("public", "g", "a"), rowOf("public", "g", "c"), rowOf("public", "g", "gone")}, "ns": {"public"}}).is(200)
	z, err := zip.NewReader(bytes.NewReader([]byte(a.body)), int64(len(a.body)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); got != "g/a g/c .metadata.yml" {
		t.Error(got)
	}
}

func TestClonesShowFirstWhatTheyChange(t *testing.T) {
	s := signedIn(t)
	s.namespace("dev", "Development")
	s.namespace("prod", "Production")
	s.describe("public", "g", "new", "n", "yaml", "described", "core")
	s.describe("public", "g", "same", "s", "text", "")
	s.describe("public", "g", "differs", "d2", "text", "")
	s.publish("dev", "g", "same", "s", "")
	s.publish("dev", "g", "differs", "d1", "")
	form := url.Values{"ns": {"public"}, "row": {rowOf("public", "g", "new"), rowOf("public", "g", "same"), rowOf("public", "g", "differs")}}
	a := s.post("/console/configs/clone", form).is(200, "Clone 3 configurations", "Development", "Production")
	if strings.Contains(a.body, `<option value="public"`) {
		t.Error("the namespace that they are in is offered")
	}
	form.Set("target", "dev")
	a = s.post("/console/configs/clone", form).is(200, "In Development", "new", "the same", "differs, is replaced")
	takes := regexp.MustCompile(`name="take" value="([^"]+)"[^>]*checked`).FindAllStringSubmatch(a.body, -1)
	if len(takes) != 2 {
		t.Fatalf("%d are ticked: %v", len(takes), takes)
	}
	form.Set("step", "clone")
	for _, m := range takes {
		form.Add("take", strings.ReplaceAll(m[1], "&amp;", "&"))
	}
	s.publish("dev", "g", "differs", "d1a", "")
	s.post("/console/configs/clone", form).is(409, "Something changed in the meantime")
	if got := s.entry("dev", "g", "new"); got != nil {
		t.Error("something was cloned all the same")
	}
	a = s.post("/console/configs/clone", url.Values{"ns": form["ns"], "row": form["row"], "target": {"dev"}})
	form.Del("take")
	for _, m := range regexp.MustCompile(`name="take" value="([^"]+)"[^>]*checked`).FindAllStringSubmatch(a.body, -1) {
		form.Add("take", strings.ReplaceAll(m[1], "&amp;", "&"))
	}
	s.follow(s.post("/console/configs/clone", form).to("/console/configs?ns=dev")).is(200, "Configurations: 3", "described", "core")
	if got := s.entry("dev", "g", "differs"); got == nil || string(got.Content) != "d2" {
		t.Errorf("%+v", got)
	}
	form.Set("target", "prod")
	s.post("/console/configs/clone", form).is(400, "Type Production to confirm")
}

func TestTagsAreChangedOfSeveralAtOnce(t *testing.T) {
	s := signedIn(t)
	s.namespace("prod", "Production")
	s.describe("public", "g", "a", "one\n", "yaml", "kept", "core", "old")
	s.describe("public", "g", "b", "two\n", "yaml", "")
	s.describe("prod", "g", "c", "three\n", "yaml", "")
	rows := url.Values{"ns": {"public"}, "row": {rowOf("public", "g", "a"), rowOf("public", "g", "b")}}
	s.post("/console/configs/tag", rows).is(200, "Tags of 2 configurations", "core, old")
	rows.Set("step", "tag")
	s.post("/console/configs/tag", rows).is(400, "Say which tags")
	rows.Set("add", "1,2,3,4,5,6")
	s.post("/console/configs/tag", rows).is(400, "at most 5 are allowed")
	rows.Set("add", "new，core")
	rows.Set("remove", "old, absent")
	s.follow(s.post("/console/configs/tag", rows)).is(200, "Configurations: 2")
	a := s.entry("public", "g", "a")
	if strings.Join(a.Tags, " ") != "core new" || string(a.Content) != "one\n" || a.Type != "yaml" || *a.Desc != "kept" {
		t.Errorf("%+v", a)
	}
	if b := s.entry("public", "g", "b"); strings.Join(b.Tags, " ") != "new core" && strings.Join(b.Tags, " ") != "core new" {
		t.Errorf("%+v", b.Tags)
	}
	before := s.Configs().Revision()
	s.follow(s.post("/console/configs/tag", rows)).is(200)
	if s.Configs().Revision() != before {
		t.Error("tags that were there were published again")
	}
	rows.Set("row", rowOf("prod", "g", "c"))
	s.post("/console/configs/tag", rows).is(400, "Type Production")
}

func (s *site) entry(ns, group, dataID string) *config.Entry {
	if it := s.Configs().Item(config.Key{Namespace: ns, Group: group, DataID: dataID}); it != nil {
		return it.Formal
	}
	return nil
}

func TestThePaletteFindsConfigurationsAndNamespaces(t *testing.T) {
	s := signedIn(t)
	s.namespace("dev", "Development")
	s.publish("dev", "orders", "order-service.yaml", "x", "")
	a := s.get("/console/find?q=ordsrv", "Accept", "application/json").is(200)
	var got struct {
		Groups []struct {
			Kind    string
			Entries []struct{ Text, Where, Href string }
		}
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Groups) == 0 || got.Groups[0].Kind != "configs" || got.Groups[0].Entries[0].Text != "order-service.yaml" || got.Groups[0].Entries[0].Where != "orders · Development" {
		t.Errorf("%+v", got)
	}
	s.get(got.Groups[0].Entries[0].Href).is(200, "order-service.yaml")
	if a := s.get("/console/find?q=develop", "Accept", "application/json"); !strings.Contains(a.body, `"namespaces"`) {
		t.Error(a.body)
	}
	s.get("/console/find?q=", "Accept", "application/json").is(200, `{"groups":[]}`)
}

// quiet is a client that fetches nothing that it is told of.
type quiet struct{}

func (quiet) Owed() {}

// listens has a client listen for a configuration of which it has what md5 says.
func (s *site) listens(id, ns, group, dataID, md5 string) {
	s.t.Helper()
	session := s.Delivery().Open(delivery.Client{ID: id, Transport: delivery.GRPC, IP: "10.0.0.1", App: "shop", SDK: "test"}, quiet{})
	s.t.Cleanup(session.Close)
	if _, err := session.Listen([]delivery.Watch{{Key: config.Key{Namespace: ns, Group: group, DataID: dataID}, MD5: md5}}); err != nil {
		s.t.Fatal(err)
	}
}

func TestTheListSaysWhoHasTheNewest(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "g", "idle", "x", "")
	s.publish("public", "g", "fresh", "x", "")
	s.publish("public", "g", "stale", "x", "")
	s.listens("one", "public", "g", "fresh", config.MD5([]byte("x")))
	s.listens("two", "public", "g", "stale", config.MD5([]byte("x")))
	s.listens("three", "public", "g", "stale", config.MD5([]byte("old")))
	s.get("/console/configs").is(200, "idle", "nobody listens", "1 of 1 in sync", "1 of 2 in sync")
	s.get("/console/configs?q=listener:behind").is(200, "1 found among 3", "stale")
	s.get("/console/configs?q=listener:none").is(200, "1 found among 3", "idle")
	s.get("/console/config?group=g&dataId=stale").is(200, "1 of 2 in sync")
	s.post("/console/configs/delete", url.Values{"row": {rowOf("public", "g", "stale"), rowOf("public", "g", "fresh")}, "ns": {"public"}}).is(200, "fresh", "Clients that listen")
	if a := s.get("/console/find?q=three", "Accept", "application/json"); !strings.Contains(a.body, `"kind":"clients","entries":[{"text":"three"`) {
		t.Error(a.body)
	}
}
