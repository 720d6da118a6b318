package nacre_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/servertest"
	"nacre/server/settings"
	"nacre/web/api/apitest"
	"nacre/web/api/nacre"
)

const helloMD5 = "5eb63bbbe01eeed093cb22bb8f5acdc3" // of "hello world"

func invalid(message string) string {
	b, _ := json.Marshal(message)
	return `{"error":{"kind":"invalid","message":` + string(b) + `}}`
}

func TestConfigurations(t *testing.T) {
	s := servertest.Start(t)
	const at = "/nacre/v1/config?namespace=dev&dataId=app.yaml"
	apitest.Run(t, s.URL, s.Configs(), []apitest.Scenario{
		{Name: "what is not there is not found", Method: "GET", Path: at, Status: 404, Want: `{"error":{"kind":"notFound","message":"there is no configuration dev/DEFAULT_GROUP/app.yaml"}}`},
		{Name: "a publish answers id, md5 and revision", Method: "PUT", Path: at + "&operator=alice",
			Body: `{"content":"hello world","type":"yaml","appName":"shop","tags":["web","eu"],"desc":"d","use":"u","effect":"e","schema":"s","encryptedDataKey":"k"}`,
			Want: `{"id":<*>,"md5":"` + helloMD5 + `","revision":1,"created":true}`, Published: []string{"+dev/DEFAULT_GROUP/app.yaml"}},
		{Name: "it is there with all its attributes", Method: "GET", Path: at, WantHeader: map[string]string{"Etag": `"` + helloMD5 + `"`},
			Want: `{"namespace":"dev","group":"DEFAULT_GROUP","dataId":"app.yaml","published":true,"id":<*>,"content":"hello world","md5":"` + helloMD5 +
				`","type":"yaml","appName":"shop","tags":["web","eu"],"desc":"d","use":"u","effect":"e","schema":"s","encryptedDataKey":"k","revision":1,"createdMs":<*>,"modifiedMs":<*>,"modifiedBy":"alice","modifiedFrom":"127.0.0.1","grays":[]}`},
		{Name: "what a publish leaves out becomes empty", Method: "PUT", Path: at, Body: `{"content":"two"}`, Published: []string{"~dev/DEFAULT_GROUP/app.yaml"},
			Want: `{"id":<*>,"md5":"<*>","revision":2,"created":false}`},
		{Name: "and is read back empty", Method: "GET", Path: at, Has: []string{`"type":"text","appName":"","tags":[],"desc":""`}},
		{Name: "no content is refused", Method: "PUT", Path: at, Body: `{"content":" "}`, Status: 400, Has: []string{`"kind":"invalid"`, "content is blank"}},
		{Name: "no body is refused", Method: "PUT", Path: at, Status: 400, Want: invalid("the request has no body, a JSON object is needed")},
		{Name: "an unknown field is refused", Method: "PUT", Path: at, Body: `{"content":"x","tag":"y"}`, Status: 400, Want: invalid(`the body does not fit: unknown field "tag"`)},
		{Name: "an unknown parameter is refused", Method: "PUT", Path: at + "&tenant=dev", Body: `{"content":"x"}`, Status: 400, Has: []string{`there is no parameter \"tenant\"`}},
		{Name: "an illegal name is refused", Method: "PUT", Path: "/nacre/v1/config?dataId=a%20b", Body: `{"content":"x"}`, Status: 400, Has: []string{"has a character that is not allowed"}},
		{Name: "too many tags are refused", Method: "PUT", Path: at, Body: `{"content":"x","tags":["1","2","3","4","5","6"]}`, Status: 400, Has: []string{"at most 5 are allowed"}},
		{Name: "a name is needed", Method: "GET", Path: "/nacre/v1/config", Status: 400, Want: invalid(`parameter "dataId" is required: the name within the group`)},
		{Name: "another revision is a conflict", Method: "PUT", Path: at + "&ifRevision=1", Body: `{"content":"x"}`, Status: 409, Has: []string{"has the revision 2, not 1"}},
		{Name: "another md5 is a conflict", Method: "PUT", Path: at, Header: map[string]string{"If-Match": `"` + helloMD5 + `"`}, Body: `{"content":"x"}`, Status: 409, Has: []string{`"kind":"conflict"`}},
		{Name: "the same revision is none", Method: "PUT", Path: at + "&ifRevision=2", Body: `{"content":"hello world"}`, Published: []string{"~dev/DEFAULT_GROUP/app.yaml"}},
		{Name: "the same md5 is none", Method: "PUT", Path: at, Header: map[string]string{"If-Match": `"` + strings.ToUpper(helloMD5) + `"`}, Body: `{"content":"three"}`, Published: []string{"~dev/DEFAULT_GROUP/app.yaml"}},
		{Name: "a condition on nothing is a conflict", Method: "PUT", Path: "/nacre/v1/config?dataId=none", Header: map[string]string{"If-Match": "*"}, Body: `{"content":"x"}`, Status: 409},
		{Name: "only where there is none", Method: "PUT", Path: at, Header: map[string]string{"If-None-Match": "*"}, Body: `{"content":"x"}`, Status: 409, Has: []string{"there is a configuration dev/DEFAULT_GROUP/app.yaml already"}},
		{Name: "where there is none", Method: "PUT", Path: "/nacre/v1/config?dataId=once", Header: map[string]string{"If-None-Match": "*"}, Body: `{"content":"x"}`, Published: []string{"+public/DEFAULT_GROUP/once"}},
		{Name: "an odd If-None-Match is refused", Method: "PUT", Path: at, Header: map[string]string{"If-None-Match": "x"}, Body: `{"content":"x"}`, Status: 400},
		{Name: "a variant by address", Method: "PUT", Path: at, Body: `{"content":"beta","gray":{"ips":"10.0.0.1,10.0.0.2"}}`, Published: []string{"+dev/DEFAULT_GROUP/app.yaml#beta"}},
		{Name: "a variant by tag", Method: "PUT", Path: at, Body: `{"content":"tagged","gray":{"tag":"blue"}}`, Published: []string{"+dev/DEFAULT_GROUP/app.yaml#tag_blue"}},
		{Name: "a variant by both is refused", Method: "PUT", Path: at, Body: `{"content":"x","gray":{"ips":"1","tag":"2"}}`, Status: 400},
		{Name: "variants stand in the answer, highest first", Method: "GET", Path: at, Has: []string{`"grays":[{"name":"beta","rule":{"type":"beta","expr":"10.0.0.1,10.0.0.2","priority":2147483647},"content":"beta"`, `{"name":"tag_blue","rule":{"type":"tag","expr":"blue"`}},
		{Name: "removing a variant leaves the rest", Method: "DELETE", Path: at + "&gray=beta", Published: []string{"-dev/DEFAULT_GROUP/app.yaml#beta"}, Want: `{"existed":true,"revision":<*>}`},
		{Name: "removing a variant that is not there is no refusal", Method: "DELETE", Path: at + "&gray=beta", Want: `{"existed":false,"revision":0}`},
		{Name: "removing takes all", Method: "DELETE", Path: at + "&operator=bob", Published: []string{"-dev/DEFAULT_GROUP/app.yaml", "-dev/DEFAULT_GROUP/app.yaml#tag_blue"}},
		{Name: "removing again is no refusal", Method: "DELETE", Path: at, Want: `{"existed":false,"revision":0}`},
		{Name: "a method that does not exist", Method: "POST", Path: at, Status: 405, WantHeader: map[string]string{"Allow": "GET, PUT, DELETE"}},
		{Name: "a path that does not exist", Method: "GET", Path: "/nacre/v1/nope", Status: 404, Want: `{"error":{"kind":"notFound","message":"there is no operation at /nacre/v1/nope; /nacre/openapi.json lists them"}}`},
		{Name: "the history tells it all, newest first", Method: "GET", Path: "/nacre/v1/history?namespace=dev&dataId=app.yaml&size=2",
			Has: []string{`"op":"D"`, `"operator":"bob"`, `"page":1`}, HasNot: []string{`"operator":"alice"`}},
	})
}

func TestTooLargeContentIsRefusedWithTheLimit(t *testing.T) {
	s := servertest.Start(t)
	body, _ := json.Marshal(map[string]string{"content": strings.Repeat("x", 10<<20+1)})
	apitest.Run(t, s.URL, s.Configs(), []apitest.Scenario{
		{Name: "one byte too many", Method: "PUT", Path: "/nacre/v1/config?dataId=big", Body: string(body), Status: 413, Has: []string{`"kind":"limited"`, "10485761 bytes, at most 10485760"}},
		{Name: "as many as allowed", Method: "PUT", Path: "/nacre/v1/config?dataId=big", Body: strings.Replace(string(body), "xx", "x", 1), Published: []string{"+public/DEFAULT_GROUP/big"}},
	})
}

func TestLists(t *testing.T) {
	s := servertest.Start(t)
	apitest.Publish(t, s.Configs(), map[string]string{
		"dev/g/a.yaml": "url: jdbc:mysql://x", "dev/g/b.json": "{}", "dev/h/c.yaml": "100%", "public/g/a.yaml": "jdbc", "prod/g/a.yaml": "x",
	})
	total := func(n int) string { return fmt.Sprintf(`"total":%d,`, n) }
	apitest.Run(t, s.URL, s.Configs(), []apitest.Scenario{
		{Name: "without a namespace, the default one", Method: "GET", Path: "/nacre/v1/configs", Has: []string{total(1), `"namespace":"public"`}},
		{Name: "of a namespace", Method: "GET", Path: "/nacre/v1/configs?namespace=dev", Has: []string{total(3), `"revision":5`}},
		{Name: "of all namespaces", Method: "GET", Path: "/nacre/v1/configs?namespace=*", Has: []string{total(5)}},
		{Name: "by name with a star", Method: "GET", Path: "/nacre/v1/configs?namespace=*&dataId=a*&group=g", Has: []string{total(3)}},
		{Name: "by content", Method: "GET", Path: "/nacre/v1/configs?namespace=*&content=jdbc", Has: []string{total(2)}},
		{Name: "by type", Method: "GET", Path: "/nacre/v1/configs?namespace=*&type=yaml", Has: []string{total(0), `"configs":[]`}},
		{Name: "a page", Method: "GET", Path: "/nacre/v1/configs?namespace=*&size=2&page=3", Has: []string{total(5), `"page":3`, `"pages":3`}},
		{Name: "a page beyond the last", Method: "GET", Path: "/nacre/v1/configs?namespace=*&size=2&page=9", Has: []string{`"configs":[]`}},
		{Name: "too large a page is refused", Method: "GET", Path: "/nacre/v1/configs?size=501", Status: 400, Want: invalid(`parameter "size" is 501, it must be from 1 to 500`)},
		{Name: "no number is refused", Method: "GET", Path: "/nacre/v1/configs?page=x", Status: 400, Want: invalid(`parameter "page" is "x", it must be a whole number`)},
	})
}

func TestImports(t *testing.T) {
	s := servertest.Start(t)
	apitest.Publish(t, s.Configs(), map[string]string{"dev/g/same": "hello world", "dev/g/other": "old"})
	item := func(id, md5 string) string {
		return `{"group":"g","dataId":"` + id + `","md5":"` + md5 + `","size":11}`
	}
	many := func(n int) string {
		return `{"configs":[` + strings.TrimSuffix(strings.Repeat(item("a", "")+",", n), ",") + `]}`
	}
	content := func(id, content string) string {
		return `{"group":"g","dataId":"` + id + `","content":"` + content + `"}`
	}
	apitest.Run(t, s.URL, s.Configs(), []apitest.Scenario{
		{Name: "a plan says new, same, conflict and invalid", Method: "POST", Path: "/nacre/v1/imports/plan?namespace=dev",
			Body: `{"configs":[` + strings.Join([]string{item("new", helloMD5), item("same", helloMD5), item("other", helloMD5), item("a b", helloMD5), item("new", helloMD5)}, ",") + `]}`,
			Has: []string{`"new":1,"same":1,"conflict":1,"invalid":2`, `{"group":"g","dataId":"new","state":"new","md5":"","revision":0,"reason":""}`,
				`"dataId":"same","state":"same","md5":"` + helloMD5 + `"`, `"dataId":"other","state":"conflict"`, `"dataId":"a b","state":"invalid"`, `"reason":"it is in the list twice"`}},
		{Name: "a plan says what is too large", Method: "POST", Path: "/nacre/v1/imports/plan", Body: `{"configs":[{"group":"g","dataId":"x","md5":"","size":99999999}]}`, Has: []string{`"state":"invalid"`, "99999999 bytes"}},
		{Name: "a plan of nothing is refused", Method: "POST", Path: "/nacre/v1/imports/plan", Body: `{"configs":[]}`, Status: 400, Want: invalid("the list has 0 configurations, 1 to 10000 are allowed")},
		{Name: "a plan of too much is refused", Method: "POST", Path: "/nacre/v1/imports/plan", Body: many(10_001), Status: 400},
		{Name: "abort stops at what is there", Method: "POST", Path: "/nacre/v1/imports?namespace=dev&policy=abort",
			Body:      `{"configs":[` + content("same", "hello world") + "," + content("n1", "x") + "," + content("other", "new") + "," + content("n2", "x") + `]}`,
			Published: []string{"+dev/g/n1"}, Has: []string{`"created":1,"updated":0,"same":1,"skipped":0,"aborted":2`}},
		{Name: "skip leaves what is there", Method: "POST", Path: "/nacre/v1/imports?namespace=dev&policy=skip",
			Body: `{"configs":[` + content("other", "new") + "," + content("n2", "x") + `]}`, Published: []string{"+dev/g/n2"}, Has: []string{`"result":"skipped"`, `"result":"created"`}},
		{Name: "overwrite replaces it", Method: "POST", Path: "/nacre/v1/imports?namespace=dev&policy=overwrite&operator=alice",
			Body: `{"configs":[` + content("other", "new") + `]}`, Published: []string{"~dev/g/other"}, Has: []string{`"updated":1`}},
		{Name: "again, nothing changes", Method: "POST", Path: "/nacre/v1/imports?namespace=dev&policy=overwrite",
			Body: `{"configs":[` + content("other", "new") + `]}`, Has: []string{`"same":1`}},
		{Name: "one that is refused does not stop the others", Method: "POST", Path: "/nacre/v1/imports?namespace=dev",
			Body: `{"configs":[` + content("a b", "x") + "," + content("ok", "x") + "," + content("blank", " ") + "," + content("ok", "y") + `]}`, Published: []string{"+dev/g/ok"},
			Has: []string{`"refused":3`, `"created":1`}},
		{Name: "one that was changed meanwhile is refused", Method: "POST", Path: "/nacre/v1/imports?namespace=dev&policy=overwrite",
			Body: `{"configs":[{"group":"g","dataId":"other","content":"newer","ifMd5":"` + helloMD5 + `"}]}`, Has: []string{`"result":"refused"`, "it was changed meanwhile"}},
		{Name: "an unknown policy is refused", Method: "POST", Path: "/nacre/v1/imports?policy=force", Body: `{"configs":[` + content("x", "x") + `]}`, Status: 400},
		{Name: "no JSON is refused", Method: "POST", Path: "/nacre/v1/imports", Body: `configs`, Status: 400, Has: []string{"the body is not JSON"}},
	})
}

func TestAnImportOfManyIsPublishedInBatches(t *testing.T) {
	s := servertest.Start(t)
	var items, want []string
	for i := range 700 {
		items = append(items, fmt.Sprintf(`{"group":"g","dataId":"d%03d","content":"%s"}`, i, strings.Repeat("x", 5000)))
		want = append(want, fmt.Sprintf("+public/g/d%03d", i))
	}
	apitest.Run(t, s.URL, s.Configs(), []apitest.Scenario{
		{Name: "all of them", Method: "POST", Path: "/nacre/v1/imports", Body: `{"configs":[` + strings.Join(items, ",") + `]}`, Published: want, Has: []string{`"created":700`}},
		{Name: "too many are refused", Method: "POST", Path: "/nacre/v1/imports", Body: `{"configs":[` + strings.Join(append(items, items...), ",") + `]}`, Status: 400},
	})
}

func TestHistory(t *testing.T) {
	s := servertest.Start(t)
	for _, content := range []string{"one", "two"} {
		if _, err := s.Configs().Publish(t.Context(), config.Actor{User: "alice", IP: "10.0.0.1"}, config.Draft{Key: config.Key{Namespace: "dev", Group: "g", DataID: "a"}, Content: []byte(content), Type: "yaml"}); err != nil {
			t.Fatal(err)
		}
	}
	apitest.Run(t, s.URL, s.Configs(), []apitest.Scenario{
		{Name: "newest first", Method: "GET", Path: "/nacre/v1/history?namespace=dev&group=g&dataId=a",
			Want: `{"total":2,"page":1,"pages":1,"rows":[{"nid":2,"namespace":"dev","group":"g","dataId":"a","revision":2,"op":"U","publishType":"formal","grayName":"","md5":"<*>","appName":"","operator":"alice","from":"10.0.0.1","atMs":<*>,"comment":"","kind":"","fromRevision":0},{"nid":1,"namespace":"dev","group":"g","dataId":"a","revision":1,"op":"I",<*>,<*>,<*>,<*>,<*>,<*>,<*>,<*>,<*>,<*>}]}`},
		{Name: "a row with its content", Method: "GET", Path: "/nacre/v1/history/2", Has: []string{`"content":"one"`, `"op":"U"`, `"extInfo":"{\"type\":\"yaml\"`}},
		{Name: "a row that is not there", Method: "GET", Path: "/nacre/v1/history/99", Status: 404, Has: []string{"there is no row 99 in the history"}},
		{Name: "no number", Method: "GET", Path: "/nacre/v1/history/x", Status: 400},
		{Name: "no row 0", Method: "GET", Path: "/nacre/v1/history/0", Status: 400},
	})
}

func TestPast(t *testing.T) {
	s := servertest.Start(t)
	const of = "?namespace=dev&group=g&dataId=a"
	const put, restore, promote = "/nacre/v1/config" + of + "&operator=alice", "/nacre/v1/restore" + of, "/nacre/v1/promote" + of
	apitest.Run(t, s.URL, s.Configs(), []apitest.Scenario{
		{Name: "a publish with a comment", Method: "PUT", Path: put + "&comment=why%20not", Body: `{"content":"hello world","type":"yaml","tags":["web"],"desc":"d"}`, Published: []string{"+dev/g/a"}},
		{Name: "another", Method: "PUT", Path: put, Body: `{"content":"two"}`, Published: []string{"~dev/g/a"}},
		{Name: "a comment that is too long", Method: "PUT", Path: put + "&comment=" + strings.Repeat("x", 513), Body: `{"content":"x"}`, Status: 400, Has: []string{"the comment has 513 characters, at most 512 are allowed"}},
		{Name: "a comment that is not plain", Method: "PUT", Path: put + "&comment=%1b", Body: `{"content":"x"}`, Status: 400},
		{Name: "versions, newest first", Method: "GET", Path: "/nacre/v1/versions" + of,
			Want: `{"versions":[{"revision":2,"grayName":"","op":"U","kind":"","fromRevision":0,"comment":"","operator":"alice","from":"127.0.0.1","atMs":<*>,"known":true,"md5":"<*>","size":3},` +
				`{"revision":1,"grayName":"","op":"I","kind":"","fromRevision":0,"comment":"why not","operator":"alice","from":"127.0.0.1","atMs":<*>,"known":true,"md5":"` + helloMD5 + `","size":11}]}`},
		{Name: "versions before one", Method: "GET", Path: "/nacre/v1/versions" + of + "&before=2&size=1", Has: []string{`{"versions":[{"revision":1,`}},
		{Name: "versions of nothing", Method: "GET", Path: "/nacre/v1/versions?dataId=none", Want: `{"versions":[]}`},
		{Name: "one version with content and attributes", Method: "GET", Path: "/nacre/v1/version" + of + "&revision=1",
			Has: []string{`"comment":"why not"`, `"content":"hello world","type":"yaml","appName":"","tags":["web"],"desc":"d"`}},
		{Name: "the present one", Method: "GET", Path: "/nacre/v1/version" + of + "&revision=2", Has: []string{`"content":"two","type":"text","appName":"","tags":[],"desc":""`}},
		{Name: "one that is not there", Method: "GET", Path: "/nacre/v1/version" + of + "&revision=77", Status: 404, Has: []string{"history has no revision 77 of dev/g/a"}},
		{Name: "restoring what is not there", Method: "POST", Path: restore + "&revision=77", Status: 404},
		{Name: "restoring over another revision", Method: "POST", Path: restore + "&revision=1&ifRevision=1", Status: 409},
		{Name: "restoring", Method: "POST", Path: restore + "&revision=1&ifRevision=2&comment=back", Published: []string{"~dev/g/a"}, Want: `{"id":<*>,"md5":"` + helloMD5 + `","revision":3,"created":false}`},
		{Name: "is whole", Method: "GET", Path: "/nacre/v1/config" + of, Has: []string{`"type":"yaml","appName":"","tags":["web"],"desc":"d"`}},
		{Name: "says where from", Method: "GET", Path: "/nacre/v1/history" + of + "&size=1", Has: []string{`"comment":"back","kind":"restore","fromRevision":1`}},
		{Name: "promoting what is not there", Method: "POST", Path: promote + "&gray=beta", Status: 404, Has: []string{"dev/g/a has no gray version beta"}},
		{Name: "a variant", Method: "PUT", Path: put, Body: `{"content":"beta","gray":{"ips":"10.0.0.1"}}`, Published: []string{"+dev/g/a#beta"}},
		{Name: "promoting after it changed", Method: "POST", Path: promote + "&gray=beta&ifRevision=3", Status: 409},
		{Name: "promoting", Method: "POST", Path: promote + "&gray=beta&ifRevision=4&operator=bob", Published: []string{"~dev/g/a", "-dev/g/a#beta"}, Want: `{"id":<*>,"md5":"<*>","revision":5,"created":false}`},
		{Name: "all see it", Method: "GET", Path: "/nacre/v1/config" + of, Has: []string{`"content":"beta"`, `"type":"yaml"`, `"modifiedBy":"bob"`, `"grays":[]`}},
		{Name: "nothing is deleted yet", Method: "GET", Path: "/nacre/v1/deleted?namespace=*", Want: `{"total":0,"page":1,"pages":0,"rows":[]}`},
		{Name: "a delete with a comment", Method: "DELETE", Path: put + "&comment=gone", Published: []string{"-dev/g/a"}, Want: `{"existed":true,"revision":6}`},
		{Name: "is listed", Method: "GET", Path: "/nacre/v1/deleted?namespace=dev&text=A", Has: []string{`"total":1`, `"revision":6,"op":"D"`, `"comment":"gone"`}},
		{Name: "not in another namespace", Method: "GET", Path: "/nacre/v1/deleted", Has: []string{`"total":0`}},
		{Name: "a version of a delete has no content", Method: "GET", Path: "/nacre/v1/version" + of + "&revision=6", Has: []string{`"op":"D"`, `"known":true,"md5":"","size":0,"content":""`}},
		{Name: "deleted with a condition is refused", Method: "POST", Path: restore + "&revision=6&deleted=true&ifRevision=6", Status: 400},
		{Name: "undoing the delete", Method: "POST", Path: restore + "&revision=6&deleted=true", Published: []string{"+dev/g/a"}, Has: []string{`"revision":7,"created":true`}},
		{Name: "a second time is a conflict", Method: "POST", Path: restore + "&revision=6&deleted=true", Status: 409, Has: []string{"there is a configuration dev/g/a already"}},
		{Name: "nothing is deleted any more", Method: "GET", Path: "/nacre/v1/deleted?namespace=*", Has: []string{`"total":0`}},
		{Name: "an import is told from a publish", Method: "POST", Path: "/nacre/v1/imports?namespace=dev&policy=overwrite&comment=moved", Body: `{"configs":[{"group":"g","dataId":"a","content":"imported"}]}`, Published: []string{"~dev/g/a"}},
		{Name: "in its history", Method: "GET", Path: "/nacre/v1/versions" + of + "&size=1", Has: []string{`"kind":"import","fromRevision":0,"comment":"moved"`}},
	})
}

func TestNamespaces(t *testing.T) {
	s := servertest.Start(t)
	apitest.Publish(t, s.Configs(), map[string]string{"dev/g/a": "x"})
	const at = "/nacre/v1/namespaces"
	apitest.Run(t, s.URL, s.Configs(), []apitest.Scenario{
		{Name: "the default one is always there", Method: "GET", Path: at, Want: `{"total":1,"page":1,"pages":1,"namespaces":[{"id":"public","name":"public","desc":"Default Namespace","default":true,"configs":0,"createdMs":0,"modifiedMs":0}]}`},
		{Name: "create", Method: "POST", Path: at, Body: `{"id":"dev","name":"development","desc":"d"}`, Want: `{"id":"dev","name":"development","desc":"d","default":false,"configs":1,"createdMs":<*>,"modifiedMs":<*>}`},
		{Name: "create again", Method: "POST", Path: at, Body: `{"id":"dev","name":"x"}`, Status: 409},
		{Name: "create the default one", Method: "POST", Path: at, Body: `{"id":"public","name":"x"}`, Status: 409},
		{Name: "create with an illegal id", Method: "POST", Path: at, Body: `{"id":"a.b","name":"x"}`, Status: 400},
		{Name: "create with an illegal name", Method: "POST", Path: at, Body: `{"id":"ab","name":"a@b"}`, Status: 400},
		{Name: "create without an id", Method: "POST", Path: at, Body: `{"name":"random"}`, Has: []string{`"name":"random"`}},
		{Name: "read", Method: "GET", Path: at + "/dev", Has: []string{`"name":"development"`}},
		{Name: "read what is not there", Method: "GET", Path: at + "/nope", Status: 404},
		{Name: "read the default one", Method: "GET", Path: at + "/public", Has: []string{`"default":true`}},
		{Name: "change", Method: "PUT", Path: at + "/dev", Body: `{"name":"n2"}`, Has: []string{`"name":"n2","desc":""`}},
		{Name: "change what is not there", Method: "PUT", Path: at + "/nope", Body: `{"name":"n2"}`, Status: 404},
		{Name: "change the default one", Method: "PUT", Path: at + "/public", Body: `{"name":"n2"}`, Status: 400},
		{Name: "a page", Method: "GET", Path: at + "?size=1&page=2", Has: []string{`"total":3,"page":2,"pages":3`, `"id":"dev"`}},
		{Name: "remove", Method: "DELETE", Path: at + "/dev", Want: `{"existed":true}`},
		{Name: "remove again", Method: "DELETE", Path: at + "/dev", Want: `{"existed":false}`},
		{Name: "remove the default one", Method: "DELETE", Path: at + "/public", Status: 400},
		{Name: "what was in it stays", Method: "GET", Path: "/nacre/v1/config?namespace=dev&group=g&dataId=a", Has: []string{`"content":"x"`}},
	})
}

func TestAnExportIsAZIPWithMetadata(t *testing.T) {
	s := servertest.Start(t)
	apitest.Publish(t, s.Configs(), map[string]string{"dev/g/a.yaml": "a: 1", "dev/h/b": "b", "public/g/c": "c"})
	names := func(want ...string) func(*testing.T, []byte) {
		return func(t *testing.T, body []byte) {
			z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range z.File {
				got = append(got, f.Name)
			}
			if strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("the ZIP has %v, want %v", got, want)
			}
		}
	}
	apitest.Run(t, s.URL, s.Configs(), []apitest.Scenario{
		{Name: "of a namespace", Method: "GET", Path: "/nacre/v1/export?namespace=dev", WantHeader: map[string]string{"Content-Type": "application/zip", "Content-Disposition": "attachment;filename=nacos_config_export_<*>.zip"},
			Check: func(t *testing.T, body []byte) {
				if bytes.Index(body, []byte(".metadata.yml")) < 0 {
					t.Error("there is no .metadata.yml")
				}
			}},
		{Name: "by name", Method: "GET", Path: "/nacre/v1/export?namespace=dev&dataId=*.yaml&group=g", Check: names("g/a.yaml", ".metadata.yml")},
		{Name: "what has ids that are no numbers is refused", Method: "GET", Path: "/nacre/v1/export?ids=1,x", Status: 400},
	})
}

func TestStatusCountsWhatIsHeld(t *testing.T) {
	s := servertest.Start(t)
	apitest.Publish(t, s.Configs(), map[string]string{"dev/g/a": "12345", "dev/g/b": "123"})
	apitest.Run(t, s.URL, s.Configs(), []apitest.Scenario{
		{Name: "status", Method: "GET", Path: "/nacre/v1/status", Has: []string{`"ready":true,"reason":""`, `"revision":2`, `"configs":2,"grays":0,"contentBytes":8,"namespaces":1`, `"published":2`, `"storage":"` + storage() + `"`}},
		{Name: "it has no parameters", Method: "GET", Path: "/nacre/v1/status?x=1", Status: 400, Want: invalid(`there is no parameter "x"; this operation has none`)},
	})
}

// TestEveryMethodIsDocumented asks the running server for every method of every documented path.
func TestEveryMethodIsDocumented(t *testing.T) {
	s := servertest.Start(t)
	doc := servedDocument(t, s.URL)
	for path, methods := range doc["paths"].(map[string]any) {
		url := s.URL + strings.NewReplacer("{id}", "x", "{nid}", "1").Replace(path)
		if strings.HasSuffix(path, "/feed") {
			url += "?since=none" // refused, as its answer would never end
		}
		for _, method := range []string{"GET", "PUT", "POST", "DELETE", "PATCH"} {
			_, documented := methods.(map[string]any)[strings.ToLower(method)]
			status, body := call(t, method, url, "")
			if exists := status != http.StatusMethodNotAllowed && !bytes.Contains(body, []byte("there is no operation at")); exists != documented {
				t.Errorf("%s %s: documented %v, but the answer is %d %s", method, path, documented, status, body)
			}
		}
	}
}

// TestAnswersFitTheDocument compares real answers with the schemas of the document that is served.
func TestAnswersFitTheDocument(t *testing.T) {
	s, c := servertest.Start(t), servertest.Cluster(t, 2)
	const inCluster = "in a cluster: "
	doc := servedDocument(t, s.URL)
	client := s.Delivery().Open(delivery.Client{ID: "test", Transport: delivery.GRPC}, deaf{})
	defer client.Close()
	if _, err := client.Listen([]delivery.Watch{{Key: config.Key{Namespace: "public", Group: "DEFAULT_GROUP", DataID: "a"}, MD5: "9dd4e461268c8034f5c8564e155c67a6"}}); err != nil {
		t.Fatal(err)
	}
	register(t, s.URL, "serviceName=orders&ip=10.0.0.7&port=8080&metadata=%7B%22zone%22%3A%22a%22%7D")
	const instance = "service=orders&ip=10.0.0.7&port=8080"
	paths := doc["paths"].(map[string]any)
	seen := make(map[string]bool)
	for _, one := range []struct{ method, template, path, body string }{
		{"POST", "/namespaces", "/namespaces", `{"id":"dev","name":"n"}`},
		{"GET", "/namespaces", "/namespaces", ""},
		{"GET", "/namespaces/{id}", "/namespaces/dev", ""},
		{"PUT", "/namespaces/{id}", "/namespaces/dev", `{"name":"m","desc":"d"}`},
		{"PUT", "/config", "/config?dataId=a", `{"content":"x","tags":["t"],"desc":"d"}`},
		{"PUT", "/config", "/config?dataId=a", `{"content":"y","gray":{"ips":"1.1.1.1"}}`},
		{"PUT", "/config", "/config?dataId=gray", `{"content":"y","gray":{"tag":"t"}}`},
		{"GET", "/config", "/config?dataId=a", ""},
		{"GET", "/config", "/config?dataId=gray", ""},
		{"GET", "/config", "/config?dataId=none", ""},
		{"GET", "/config", "/config", ""},
		{"GET", "/configs", "/configs", ""},
		{"POST", "/imports/plan", "/imports/plan", `{"configs":[{"group":"g","dataId":"a","md5":"x"},{"group":"","dataId":"a","md5":"x"}]}`},
		{"POST", "/imports", "/imports", `{"configs":[{"group":"g","dataId":"a","content":"x"},{"group":"","dataId":"a","content":"x"}]}`},
		{"GET", "/history", "/history?dataId=a", ""},
		{"GET", "/history/{nid}", "/history/1", ""},
		{"GET", "/history/{nid}", "/history/77", ""},
		{"GET", "/search", "/search?q=x", ""},
		{"GET", "/series", "/series", ""},
		{"GET", "/series", "/series?range=24h", ""},
		{"DELETE", "/config", "/config?dataId=a", ""},
		{"GET", "/deleted", "/deleted", ""},
		{"POST", "/restore", "/restore?dataId=a&revision=5&deleted=true", ""},
		{"POST", "/restore", "/restore?dataId=a&revision=1", ""},
		{"POST", "/promote", "/promote?dataId=gray&gray=tag_t", ""},
		{"GET", "/versions", "/versions?dataId=a", ""},
		{"GET", "/version", "/version?dataId=a&revision=1", ""},
		{"GET", "/version", "/version?dataId=a&revision=5", ""},
		{"DELETE", "/namespaces/{id}", "/namespaces/dev", ""},
		{"GET", "/status", "/status", ""},
		{"POST", "/validate", "/validate", `{"content":"a: 1\na: 2","type":"yaml"}`},
		{"PUT", "/config", "/config?dataId=a&wait=sync&timeout=10ms", `{"content":"x"}`},
		{"GET", "/delivery", "/delivery?dataId=a", ""},
		{"GET", "/delivery/clients", "/delivery/clients", ""},
		{"GET", "/delivery/clients/{id}", "/delivery/clients/test", ""},
		{"GET", "/delivery/summary", "/delivery/summary", ""},
		{"GET", "/naming/services", "/naming/services", ""},
		{"GET", "/naming/service", "/naming/service?service=orders", ""},
		{"GET", "/naming/service", "/naming/service?service=none", ""},
		{"PATCH", "/naming/override", "/naming/override?" + instance, `{"weight":5,"enabled":true,"metadata":{"a":"b"}}`},
		{"GET", "/naming/instances", "/naming/instances?service=orders", ""},
		{"GET", "/naming/instances/events", "/naming/instances/events?" + instance, ""},
		{"GET", "/naming/overrides", "/naming/overrides?service=orders", ""},
		{"POST", "/naming/drain", "/naming/drain?" + instance, ""},
		{"GET", "/naming/drain", "/naming/drain?" + instance, ""},
		{"DELETE", "/naming/drain", "/naming/drain?" + instance, ""},
		{"DELETE", "/naming/override", "/naming/override?" + instance, ""},
		{"GET", "/naming/clients", "/naming/clients", ""},
		{"GET", "/naming/clients/{id}", "/naming/clients/10.0.0.7:8080%23true", ""},
		{"GET", "/sd/prometheus", "/sd/prometheus", ""},
		{"POST", "/archive/tickets", "/archive/tickets", `{"user":"nacos","password":"wrong"}`},
		{"DELETE", "/archive/tickets", "/archive/tickets", ""},
		{"GET", "/archive", "/archive", ""},
		{"POST", "/archive/rows", "/archive/rows", `{"rows":[]}`},
		{"GET", "/cluster", "/cluster", ""},
		{"GET", "/cluster", inCluster + "/cluster", ""},
		{"POST", "/cluster/transfer", inCluster + "/cluster/transfer", `{}`},
		{"POST", "/cluster/transfer", inCluster + "/cluster/transfer", `{"to":"none"}`},
		{"POST", "/cluster/remove", inCluster + "/cluster/remove", `{"member":"none"}`},
		{"POST", "/cluster/remove", inCluster + "/cluster/remove", `{"member":"` + c.Nodes[1].Members().Self().Addr() + `"}`},
	} {
		base := s.URL
		if rest, ok := strings.CutPrefix(one.path, inCluster); ok {
			base, one.path = c.Nodes[0].URL, rest
		}
		op := paths[nacre.Prefix+one.template].(map[string]any)[strings.ToLower(one.method)].(map[string]any)
		status, body := call(t, one.method, base+nacre.Prefix+one.path, one.body)
		schema, err := answerSchema(doc, op, status)
		if err != nil {
			t.Errorf("%s %s: %v: %s", one.method, one.path, err, body)
			continue
		}
		var value any
		if err := json.Unmarshal(body, &value); err != nil {
			t.Errorf("%s %s: %v", one.method, one.path, err)
		} else if err := nacre.Validate(doc, schema, value); err != nil {
			t.Errorf("%s %s: %v\n%s", one.method, one.path, err, body)
		}
		seen[one.method+" "+one.template] = true
	}
	for path, methods := range paths {
		for method := range methods.(map[string]any) {
			if name := strings.ToUpper(method) + " " + strings.TrimPrefix(path, nacre.Prefix); !seen[name] && name != "GET /export" && name != "GET /feed" {
				t.Errorf("no answer of %s was compared", name)
			}
		}
	}
}

func answerSchema(doc, op map[string]any, status int) (map[string]any, error) {
	r, ok := op["responses"].(map[string]any)[fmt.Sprint(status)].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the status %d is not documented", status)
	}
	if _, ok := r["$ref"]; ok {
		r = doc["components"].(map[string]any)["responses"].(map[string]any)[fmt.Sprint(status)].(map[string]any)
	}
	return r["content"].(map[string]any)["application/json"].(map[string]any)["schema"].(map[string]any), nil
}

func servedDocument(t *testing.T, base string) map[string]any {
	t.Helper()
	status, body := call(t, "GET", base+nacre.DocumentPath, "")
	doc, err := nacre.Decoded(body)
	if status != http.StatusOK || err != nil {
		t.Fatalf("the document: %d %v", status, err)
	}
	return doc
}

func call(t *testing.T, method, url, body string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, b
}

// storage is what the status says of where the servers of this run keep everything.
func storage() string {
	if os.Getenv(servertest.StorageEnv) == settings.StorageMySQL {
		return settings.StorageMySQL
	}
	return "embedded"
}
