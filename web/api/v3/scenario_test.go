package v3_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"nacre/server/config"
	"nacre/server/servertest"
	"nacre/server/settings"
	"nacre/web/api/apitest"
)

type scenario = apitest.Scenario

const (
	client       = "/nacos/v3/client/cs/config"
	adminConfig  = "/nacos/v3/admin/cs/config"
	consoleCs    = "/nacos/v3/console/cs"
	ok           = `{"code":0,"message":"success","data":true}`
	name         = "?dataId=a.yaml&groupName=g"
	illegal      = "Param 'dataId' is illegal, illegal characters should not appear in the param.\r\n"
	clientAbsent = `{"code":20004,"message":"resource not found","data":null}`
)

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func refused(code int, message, data string) string {
	b, _ := json.Marshal(data)
	return fmt.Sprintf(`{"code":%d,"message":%q,"data":%s}`, code, message, b)
}

func missing(name string) string {
	return refused(10000, "parameter missing", "Required parameter '"+name+"' type String is not present")
}

func invalid(data string) string { return refused(20002, "parameter validate error", data) }

func trusting(s *settings.Settings) { s.TrustedProxies = []string{"127.0.0.1"} }

func TestClientsRead(t *testing.T) {
	s := servertest.Start(t, servertest.With(trusting))
	odd := "quote \" backslash \\ tab \t line\r\n control \x01 é 中 \U0001F600 \u2028"
	quoted, _ := json.Marshal(odd)
	var text string
	_ = json.Unmarshal(quoted, &text)
	answer := func(content, kind, md5, end string) string {
		return `{"code":0,"message":"success","data":{"resultCode":200,"errorCode":0,"message":null,"requestId":null,"content":"` + content +
			`","encryptedDataKey":<*>,"contentType":"` + kind + `","md5":"` + md5 + `","lastModified":<*>,"tag":null,` + end + `,"success":true}}`
	}
	from := func(ip string) map[string]string { return map[string]string{"X-Forwarded-For": ip} }
	read := func(want string) scenario {
		return scenario{Name: "read", Method: "GET", Path: client + name, Want: want, WantHeader: map[string]string{"Content-Type": "application/json"}}
	}
	hello := answer("hello world", "yaml", "5eb63bbbe01eeed093cb22bb8f5acdc3", `"beta":false`)
	apitest.Run(t, s.URL, s.Configs(), []scenario{
		{Name: "what is not there", Method: "GET", Path: client + name, Want: clientAbsent},
		{Name: "no group", Method: "GET", Path: client + "?dataId=a", Status: 400, Want: "caused: Required parameter 'groupName' type String is not present;", WantHeader: map[string]string{"Content-Type": "text/plain;charset=UTF-8"}},
		{Name: "no dataId", Method: "GET", Path: client + "?groupName=a&dataId=%20", Status: 400, Want: "caused: Required parameter 'dataId' type String is not present;"},
		{Name: "an illegal dataId", Method: "GET", Path: client + "?groupName=g&dataId=a%20b", Status: 400, Want: illegal},
		{Name: "publish", Method: "POST", Path: adminConfig, Form: form("dataId", "a.yaml", "groupName", "g", "content", "hello world", "type", "yaml", "encryptedDataKey", "k"), Want: ok, Published: []string{"+public/g/a.yaml"}},
		read(hello), read(hello), read(hello), // as it is; then kept; then from what was kept
		{Name: "the default namespace by its id", Method: "GET", Path: client + name + "&namespaceId=public", Want: hello},
		{Name: "another namespace", Method: "GET", Path: client + name + "&namespaceId=dev", Want: clientAbsent},
		{Name: "publish again", Method: "POST", Path: adminConfig, Form: form("dataId", "a.yaml", "groupName", "g", "content", odd), Want: ok, Published: []string{"~public/g/a.yaml"}},
		{Name: "odd characters come back", Method: "GET", Path: client + name, Check: func(t *testing.T, body []byte) {
			var a struct {
				Data struct{ Content, ContentType string }
			}
			if err := json.Unmarshal(body, &a); err != nil || a.Data.Content != text || a.Data.ContentType != "text" {
				t.Errorf("got %q (%v)", a.Data.Content, err)
			}
		}},
		{Name: "a variant by address", Method: "POST", Path: adminConfig, Header: map[string]string{"betaIps": "10.0.0.1,10.0.0.2"}, Form: form("dataId", "a.yaml", "groupName", "g", "content", "beta"), Want: ok, Published: []string{"+public/g/a.yaml#beta"}},
		{Name: "is read from that address", Method: "GET", Path: client + name, Header: from("10.0.0.2"), Want: answer("beta", "text", "<*>", `"beta":true`), Has: []string{`"encryptedDataKey":null`}},
		{Name: "is not read from another", Method: "GET", Path: client + name, Header: from("10.0.0.3"), Has: []string{`"beta":false`}},
		{Name: "the variant ends", Method: "DELETE", Path: adminConfig + "/beta" + name, Want: ok, Published: []string{"-public/g/a.yaml#beta"}},
		{Name: "and is not read any more", Method: "GET", Path: client + name, Header: from("10.0.0.2"), Has: []string{`"beta":false`}},
		{Name: "HEAD answers, too", Method: "HEAD", Path: client + name},
		{Name: "a method that does not exist", Method: "POST", Path: client + name, Status: 405, WantHeader: map[string]string{"Allow": "GET"}},
	})
}

func TestAdministratorsPublish(t *testing.T) {
	s := servertest.Start(t)
	with := func(pairs ...string) url.Values {
		return form(append([]string{"dataId", "a.yaml", "groupName", "g", "content", "x"}, pairs...)...)
	}
	post := func(name string, f url.Values, status int, want string) scenario {
		return scenario{Name: name, Method: "POST", Path: adminConfig, Form: f, Status: status, Want: want}
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	apitest.Run(t, s.URL, s.Configs(), []scenario{
		post("no dataId", form("groupName", "g", "content", "x"), 400, missing("dataId")),
		post("no group", form("dataId", "a", "content", "x"), 400, missing("groupName")),
		post("the group of v1 is none", form("dataId", "a", "group", "g", "content", "x"), 400, missing("groupName")),
		post("no content", form("dataId", "a", "groupName", "g"), 400, missing("content")),
		post("blank content", with("content", " \n\t"), 400, missing("content")),
		post("an illegal dataId", with("dataId", "a b"), 400, illegal),
		post("an illegal namespace", with("namespaceId", "a.b"), 400, "Param 'namespaceId/tenant' is illegal, illegal characters should not appear in the param.\r\n"),
		post("too long a dataId", with("dataId", long(257)), 400, "Param 'dataId' is illegal, the param length should not exceed 256.\r\n"),
		post("an illegal tag", with("tag", "a b"), 400, invalid("invalid tag : a b")),
		post("too long a tag", with("tag", long(17)), 400, invalid("too long tag, over 16")),
		{Name: "too many tags", Method: "POST", Path: adminConfig, Form: with("configTags", "1,2,3,4,5,6"), Status: 400, Has: []string{`"code":20002`}},
		{Name: "too long a description", Method: "POST", Path: adminConfig, Form: with("desc", long(129)), Status: 400, Has: []string{`"code":20002`}},
		{Name: "no UTF-8", Method: "POST", Path: adminConfig, Body: "dataId=a&groupName=g&content=%ff", ContentType: "application/x-www-form-urlencoded", Status: 400, Has: []string{`"code":20002`}},
		{Name: "with all attributes, in another namespace", Method: "POST", Path: adminConfig, Published: []string{"+dev/g/a.yaml"}, Want: ok,
			Form: with("namespaceId", "dev", "type", "yaml", "appName", "app", "configTags", "x,y", "desc", "d", "use", "u", "effect", "e", "schema", "s", "srcUser", "alice", "encryptedDataKey", "k")},
		{Name: "it is there", Method: "GET", Path: adminConfig + name + "&namespaceId=dev",
			Want: `{"code":0,"message":"success","data":{"id":"<*>","namespaceId":"dev","groupName":"g","dataId":"a.yaml","md5":"9dd4e461268c8034f5c8564e155c67a6","type":"yaml","appName":"app","createTime":<*>,"modifyTime":<*>,"content":"x","desc":"d","encryptedDataKey":"k","createUser":"alice","createIp":"127.0.0.1","configTags":"x<*>,y<*>"}}`},
		{Name: "without a tag parameter tags stay, other attributes go", Method: "POST", Path: adminConfig, Form: with("namespaceId", "dev"), Want: ok, Published: []string{"~dev/g/a.yaml"}},
		{Name: "so it is", Method: "GET", Path: adminConfig + name + "&namespaceId=dev", Has: []string{`"type":"text","appName":"app"`, `"desc":null`, `"createUser":null`, `"configTags":"x,y"`}},
		{Name: "compare and set with the wrong md5", Method: "POST", Path: adminConfig, Form: with("namespaceId", "dev"), Header: map[string]string{"casMd5": "0"}, Status: 500, Want: refused(20005, "resource conflict", "Cas publish fail, server md5 may have changed.")},
		{Name: "compare and set with the right one", Method: "POST", Path: adminConfig, Form: with("namespaceId", "dev", "content", "y"), Header: map[string]string{"casMd5": "9dd4e461268c8034f5c8564e155c67a6"}, Want: ok, Published: []string{"~dev/g/a.yaml"}},
		{Name: "parameters in the query count", Method: "POST", Path: adminConfig + "?dataId=q&groupName=g&content=x", Want: ok, Published: []string{"+public/g/q"}},
		{Name: "a variant by tag", Method: "POST", Path: adminConfig, Form: with("dataId", "q", "tag", "blue"), Want: ok, Published: []string{"+public/g/q#tag_blue"}},
		{Name: "its removal by gray name", Method: "DELETE", Path: adminConfig + "?dataId=q&groupName=g&tag=tag_blue", Want: ok, Published: []string{"-public/g/q#tag_blue"}},
		{Name: "removal of what is not there", Method: "DELETE", Path: adminConfig + "?dataId=none&groupName=g", Want: ok},
		{Name: "removal by an illegal tag", Method: "DELETE", Path: adminConfig + "?dataId=q&groupName=g&tag=a%20b", Status: 400, Want: invalid("invalid tag : a b")},
		{Name: "removal in a form body", Method: "DELETE", Path: adminConfig, Form: form("dataId", "q", "groupName", "g"), Want: ok, Published: []string{"-public/g/q"}},
		{Name: "batch without ids", Method: "DELETE", Path: adminConfig + "/batch", Status: 400, Want: refused(10000, "parameter missing", "Required request parameter 'ids' for method parameter type List is not present")},
		{Name: "batch of no numbers", Method: "DELETE", Path: adminConfig + "/batch?ids=1,x", Status: 400, Has: []string{`"code":20002`}},
		{Name: "batch of unknown ids", Method: "DELETE", Path: adminConfig + "/batch?ids=77,78", Want: ok},
		{Name: "console's batch, with ids", Method: "DELETE", Path: consoleCs + "/config/batchDelete?ids=1,77", Want: ok, Published: []string{"-dev/g/a.yaml"}},
		{Name: "beta of what has none, for administrators", Method: "GET", Path: adminConfig + "/beta" + name, Status: 404, Want: refused(20004, "resource not found", "Config is not in beta.")},
		{Name: "beta of what has none, for the console", Method: "GET", Path: consoleCs + "/config/beta" + name, Want: `{"code":0,"message":"success","data":null}`},
		{Name: "a path with a slash at its end", Method: "GET", Path: adminConfig + "/" + name, Status: 404},
	})
}

func TestListsAndSearches(t *testing.T) {
	s := servertest.Start(t)
	apitest.Publish(t, s.Configs(), map[string]string{"public/g/a.yaml": "jdbc:mysql", "public/g/b.json": "{}", "public/h/a.yaml": "x", "dev/g/a.yaml": "jdbc"})
	total := func(n int) []string { return []string{fmt.Sprintf(`"totalCount":%d,`, n)} }
	list := func(name, path, query string, want []string) scenario {
		return scenario{Name: name, Method: "GET", Path: path + "?" + query, Has: want, HasNot: []string{"content"}}
	}
	admin, console := adminConfig+"/list", consoleCs+"/config/list"
	apitest.Run(t, s.URL, s.Configs(), []scenario{
		list("all of the default namespace", admin, "", total(3)),
		list("with a star, as the default is", admin, "dataId=a*", total(2)),
		list("without a star it is the exact name", admin, "dataId=a", total(0)),
		list("exactly", admin, "search=accurate&dataId=a.yaml&groupName=g", total(1)),
		list("by content", admin, "configDetail=*jdbc*", total(1)),
		list("the console's list does not search contents", console, "configDetail=*jdbc*", total(3)),
		list("its other one does", consoleCs+"/config/searchDetail", "configDetail=*jdbc*", total(1)),
		list("of another namespace", console, "namespaceId=dev", total(1)),
		list("by type", admin, "type=yaml,json", total(0)),
		list("a page", admin, "pageNo=2&pageSize=2", []string{`"totalCount":3,"pageNumber":2,"pagesAvailable":2`}),
		{Name: "a star where names are exact", Method: "GET", Path: admin + "?search=accurate&dataId=a*", Status: 400, Want: illegal},
		{Name: "page 0", Method: "GET", Path: admin + "?pageNo=0", Status: 400, Want: invalid("Required parameter 'pageNo' should be positive integer, current is 0")},
		{Name: "size -1", Method: "GET", Path: console + "?pageSize=-1", Status: 400, Want: invalid("Required parameter 'pageSize' should be positive integer, current is -1")},
		{Name: "no number", Method: "GET", Path: console + "?pageNo=x", Status: 400, Want: invalid("Parameter 'pageNo' is no number: x")},
		{Name: "a number that is too large", Method: "GET", Path: console + "?pageNo=99999999999", Status: 400},
		{Name: "names for a picker", Method: "GET", Path: "/nacos/v3/admin/cs/history/configs?namespaceId=dev",
			Want: `{"code":0,"message":"success","data":[{"id":"0","namespaceId":"dev","groupName":"g","dataId":"a.yaml","md5":null,"type":"text","appName":"","createTime":0,"modifyTime":<*>}]}`},
		{Name: "without a namespace", Method: "GET", Path: consoleCs + "/history/configs", Status: 400},
	})
}

func TestHistoryRowsAreForWhoNamesTheConfiguration(t *testing.T) {
	s := servertest.Start(t)
	for _, c := range []string{"one", "two"} {
		if _, err := s.Configs().Publish(t.Context(), config.Actor{User: "alice"}, config.Draft{Key: config.Key{Namespace: "dev", Group: "g", DataID: "a.yaml"}, Content: []byte(c)}); err != nil {
			t.Fatal(err)
		}
	}
	id := fmt.Sprint(s.Configs().Item(config.Key{Namespace: "dev", Group: "g", DataID: "a.yaml"}).Formal.ID)
	for _, at := range []string{"/nacos/v3/admin/cs/history", consoleCs + "/history"} {
		of := name + "&namespaceId=dev"
		apitest.Run(t, s.URL, s.Configs(), []scenario{
			{Name: "list", Method: "GET", Path: at + "/list" + of + "&pageSize=1", Has: []string{`"totalCount":2,"pageNumber":1,"pagesAvailable":2`, `"opType":"U`, `"md5":null`}, HasNot: []string{"content"}},
			{Name: "list with too large a page", Method: "GET", Path: at + "/list" + of + "&pageSize=501", Has: []string{`"totalCount":2`}},
			{Name: "row", Method: "GET", Path: at + of + "&nid=1", Has: []string{`"content":"one"`, `"opType":"I`, `"srcUser":"alice"`, `"grayName":""`}},
			{Name: "row of another", Method: "GET", Path: at + name + "&nid=1", Status: 403, Want: refused(10001, "access denied", "Please check dataId, group or namespaceId.")},
			{Name: "unknown row", Method: "GET", Path: at + of + "&nid=99", Status: 404, Has: []string{`"code":20004`}},
			{Name: "no row", Method: "GET", Path: at + of, Status: 400, Has: []string{`"code":10000`, "'nid'"}},
			{Name: "no number", Method: "GET", Path: at + of + "&nid=x", Status: 400, Has: []string{`"code":20002`}},
			{Name: "previous", Method: "GET", Path: at + "/previous" + of + "&id=" + id, Has: []string{`"content":"one"`, `"opType":"U`}},
			{Name: "previous of another", Method: "GET", Path: at + "/previous" + name + "&id=" + id, Status: 403},
			{Name: "previous of what is not there", Method: "GET", Path: at + "/previous" + of + "&id=99", Status: 404},
		})
	}
}

// archive returns a multipart body with a ZIP of the entries, name by name.
func archive(t *testing.T, entries ...string) (body, contentType string) {
	t.Helper()
	var z, b bytes.Buffer
	w := zip.NewWriter(&z)
	for i := 0; i < len(entries); i += 2 {
		f, err := w.Create(entries[i])
		if err != nil {
			t.Fatal(err)
		}
		_, _ = f.Write([]byte(entries[i+1]))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return upload(t, &b, z.Bytes())
}

func upload(t *testing.T, b *bytes.Buffer, file []byte) (body, contentType string) {
	t.Helper()
	m := multipart.NewWriter(b)
	f, err := m.CreateFormFile("file", "x.zip")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.Write(file)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), m.FormDataContentType()
}

func TestImportExportAndClone(t *testing.T) {
	s := servertest.Start(t)
	const meta = "metadata:\n- appName: app\n  dataId: a.yaml\n  group: g\n  type: yaml\n- dataId: gone\n  group: g\n  type: text\n"
	good, goodType := archive(t, "g/a.yaml", "a: 1", "g/extra", "x", ".metadata.yml", meta)
	old, oldType := archive(t, "g/a.yaml", "a: 1", ".meta.yml", "g.a~yaml.app=app\r\n")
	nested, nestedType := archive(t, "x/y/z", "a", ".metadata.yml", meta)
	junk, junkType := upload(t, new(bytes.Buffer), []byte("PK\x03\x04 this is no ZIP"))
	imports := func(name, path, body, contentType, want string, published ...string) scenario {
		return scenario{Name: name, Method: "POST", Path: path, Body: body, ContentType: contentType, Want: want, Published: published}
	}
	none := func(code int, message string) string {
		return fmt.Sprintf(`{"code":%d,"message":%q,"data":{"succCount":0}}`, code, message)
	}
	admin, console := adminConfig+"/import", consoleCs+"/config/import"
	clone := func(name, path, body string, status int, want string, published ...string) scenario {
		return scenario{Name: name, Method: "POST", Path: path, Body: body, ContentType: "application/json", Status: status, Want: want, Published: published}
	}
	adminClone, consoleClone := adminConfig+"/clone?namespaceId=dev", consoleCs+"/config/clone?targetNamespaceId=dev"
	apitest.Run(t, s.URL, s.Configs(), []scenario{
		{Name: "a namespace", Method: "POST", Path: "/nacos/v3/admin/core/namespace", Form: form("namespaceId", "dev", "namespaceName", "n"), Want: ok},
		imports("into a namespace that is not there", admin+"?namespaceId=nope", good, goodType, none(22001, "namespace not exist")),
		imports("no file", admin, "", "", none(100005, "Imported file data is empty")),
		imports("the first metadata form", admin, old, oldType, none(100002, "Imported metadata is invalid")),
		imports("no entry of two parts", admin, nested, nestedType, none(100005, "Imported file data is empty")),
		{Name: "no ZIP", Method: "POST", Path: admin, Body: junk, ContentType: junkType, Has: []string{`"succCount":0`}},
		{Name: "an unknown policy", Method: "POST", Path: admin + "?policy=FORCE", Body: good, ContentType: goodType, Status: 400, Has: []string{`"code":20002`}},
		imports("for administrators", admin+"?namespaceId=dev&src_user=alice", good, goodType,
			`{"code":0,"message":"success","data":{"succCount":1,"skipCount":0,"unrecognizedCount":2,"unrecognizedData":[{"itemName":"Item not found in metadata: g/extra"},{"itemName":"Item not found in file: g/gone"}]}}`, "+dev/g/a.yaml"),
		imports("again with abort, which is the default", admin+"?namespaceId=dev", good, goodType,
			`{"code":0,"message":"success","data":{"succCount":0,"skipCount":0,"failData":[{"dataId":"a.yaml","group":"g"}],"unrecognizedCount":2,"unrecognizedData":[{<*>},{<*>}]}}`),
		imports("for the console with skip", console+"?namespaceId=dev&policy=SKIP", good, goodType,
			`{"code":0,"message":"success","data":{"succCount":0,"skipCount":1,"skipData":[{"dataId":"a.yaml","group":"g"}],"unrecognizedCount":2,"unrecognizedData":[{"itemName":"未在元数据中找到: g/extra"},{"itemName":"未在文件中找到: g/gone"}]}}`),
		{Name: "with overwrite", Method: "POST", Path: console + "?namespaceId=dev&policy=OVERWRITE", Body: good, ContentType: goodType, Has: []string{`"succCount":1`}, Published: []string{"~dev/g/a.yaml"}},

		clone("nothing selected", adminClone, "[]", 200, none(100006, "No configuration selected")),
		clone("null selected", adminClone, "[null]", 200, none(100006, "No configuration selected")),
		clone("no body", adminClone, "", 400, ""),
		clone("no list", adminClone, `{"configId":1}`, 400, ""),
		clone("no target", consoleCs+"/config/clone", `[{"cfgId":1}]`, 400, refused(10000, "parameter missing", "Required request parameter 'targetNamespaceId' for method parameter type String is not present")),
		clone("a target that is not there", adminConfig+"/clone?namespaceId=nope", `[{"configId":1}]`, 200, none(22001, "namespace not exist")),
		clone("an illegal target", consoleCs+"/config/clone?targetNamespaceId=a.b", `[{"cfgId":1}]`, 400, "Param 'namespaceId/tenant' is illegal, illegal characters should not appear in the param.\r\n"),
		clone("ids that are not there", adminClone, `[{"configId":77}]`, 200, none(100005, "Imported file data is empty")),
		clone("an id that is no number", adminClone, `[{"configId":"x"}]`, 400, ""),
		clone("onto itself", adminClone, `[{"configId":1}]`, 200, `{"code":0,"message":"success","data":{"succCount":0,"skipCount":0,"failData":[{"dataId":"a.yaml","group":"g"}]}}`),
		clone("administrators' spelling", adminClone, `[{"configId":"1","targetGroupName":"g2","targetDataId":"b.yaml"}]`, 200, `{"code":0,"message":"success","data":{"succCount":1,"skipCount":0}}`, "+dev/g2/b.yaml"),
		clone("the console's spelling, of administrators", adminClone, `[{"cfgId":1,"group":"g3"}]`, 200, "", "+dev/g3/a.yaml"),
		clone("the console's spelling", consoleClone, `[{"cfgId":1,"group":"g4","dataId":"c"}]`, 200, "", "+dev/g4/c"),
		clone("administrators' spelling, of the console", consoleClone, `[{"configId":1,"targetDataId":"d"}]`, 200, "", "+dev/g/d"),
		clone("with an illegal new name", adminClone, `[{"configId":1,"targetDataId":"a b"}]`, 400, ""),
		{Name: "no JSON type", Method: "POST", Path: adminClone, Form: form("a", "b"), Status: 400, Has: []string{`"code":20003,"message":"MediaType Error"`}},

		{Name: "export", Method: "GET", Path: adminConfig + "/export?namespaceId=dev&dataId=a.yaml&groupName=g&ids=", Check: zipHas(".metadata.yml", "g/a.yaml"),
			WantHeader: map[string]string{"Content-Type": "application/octet-stream", "Content-Disposition": "attachment;filename=nacos_config_export_<*>.zip"}},
		{Name: "export without ids", Method: "GET", Path: consoleCs + "/config/export2?namespaceId=dev&groupName=g2", Check: zipHas(".metadata.yml", "g2/b.yaml")},
		{Name: "export by id", Method: "GET", Path: consoleCs + "/config/export2?ids=1", Check: zipHas(".metadata.yml", "g/a.yaml")},
		{Name: "export of nothing", Method: "GET", Path: adminConfig + "/export?dataId=none", Check: zipHas(".metadata.yml")},
		{Name: "export of no numbers", Method: "GET", Path: adminConfig + "/export?ids=x", Status: 400},
	})
}

func zipHas(want ...string) func(*testing.T, []byte) {
	return func(t *testing.T, body []byte) {
		z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]bool)
		for _, f := range z.File {
			got[f.Name] = true
		}
		for _, name := range want {
			if !got[name] {
				t.Errorf("the ZIP has no %s", name)
			}
		}
		if len(got) != len(want) {
			t.Errorf("the ZIP has %v, want %v", got, want)
		}
	}
}

func TestNamespaces(t *testing.T) {
	s := servertest.Start(t)
	const admin, console = "/nacos/v3/admin/core/namespace", "/nacos/v3/console/core/namespace"
	const all = `{"code":0,"message":"success","data":[{"namespace":"public","namespaceShowName":"public","namespaceDesc":"Default Namespace","quota":200,"configCount":0,"type":0}<*>]}`
	value := func(v string) string { return `{"code":0,"message":"success","data":` + v + `}` }
	apitest.Run(t, s.URL, s.Configs(), []scenario{
		{Name: "the default one is listed", Method: "GET", Path: admin + "/list", Want: all},
		{Name: "create", Method: "POST", Path: admin, Form: form("namespaceId", "dev", "namespaceName", "n", "namespaceDesc", "d"), Want: ok},
		{Name: "create again", Method: "POST", Path: admin, Form: form("namespaceId", "dev", "namespaceName", "n"), Status: 400, Want: refused(22002, "namespace already exist", "namespaceId [dev] already exist.")},
		{Name: "create the default one", Method: "POST", Path: console, Form: form("customNamespaceId", "public", "namespaceName", "n"), Status: 400, Want: refused(22002, "namespace already exist", "namespaceId [public] is default namespace id and already exist.")},
		{Name: "create without an id parameter", Method: "POST", Path: admin, Form: form("namespaceName", "n"), Status: 400, Want: refused(10000, "parameter missing", "required parameter 'namespaceId' is missing")},
		{Name: "create with a blank id", Method: "POST", Path: admin, Form: form("namespaceId", "", "namespaceName", "n"), Want: ok},
		{Name: "create for the console without an id", Method: "POST", Path: console, Form: form("namespaceName", "n"), Want: ok},
		{Name: "create with too long an id", Method: "POST", Path: admin, Form: form("namespaceId", strings.Repeat("x", 65), "namespaceName", "n"), Status: 400, Want: refused(22000, "illegal namespace", "too long namespaceId, over 64")},
		{Name: "create with a blank name", Method: "POST", Path: admin, Form: form("namespaceId", "b", "namespaceName", ""), Status: 400, Want: refused(22000, "illegal namespace", "namespaceName [] contains illegal char")},
		{Name: "the console's illegal id", Method: "POST", Path: console, Form: form("customNamespaceId", "a.b", "namespaceName", "n"), Status: 400, Want: "Param 'namespaceId/tenant' is illegal, illegal characters should not appear in the param.\r\n"},
		{Name: "read", Method: "GET", Path: console + "?namespaceId=dev", Want: value(`{"namespace":"dev","namespaceShowName":"n","namespaceDesc":"d","quota":200,"configCount":0,"type":1}`)},
		{Name: "read the default one", Method: "GET", Path: admin + "?namespaceId=public", Has: []string{`"namespace":"public"`, `"type":0`}},
		{Name: "read what is not there", Method: "GET", Path: admin + "?namespaceId=nope", Status: 404, Want: refused(22001, "namespace not exist", "namespaceId [ nope ] not exist")},
		{Name: "read without an id", Method: "GET", Path: admin, Status: 400},
		{Name: "change", Method: "PUT", Path: admin, Form: form("namespaceId", "dev", "namespaceName", "m"), Want: ok},
		{Name: "change what is not there", Method: "PUT", Path: console, Form: form("namespaceId", "nope", "namespaceName", "m"), Want: ok},
		{Name: "change without a name", Method: "PUT", Path: console, Form: form("namespaceId", "dev"), Status: 400, Want: refused(10000, "parameter missing", "required parameter 'namespaceName' is missing")},
		{Name: "count", Method: "GET", Path: admin + "/check?namespaceId=dev", Want: value("1")},
		{Name: "count of the default one", Method: "GET", Path: admin + "/check?namespaceId=public", Want: value("0")},
		{Name: "exists", Method: "GET", Path: console + "/exist?customNamespaceId=dev", Want: value("true")},
		{Name: "the default one exists", Method: "GET", Path: console + "/exist?customNamespaceId=public", Want: value("true")},
		{Name: "a blank one does not", Method: "GET", Path: console + "/exist?customNamespaceId=", Want: value("false")},
		{Name: "remove", Method: "DELETE", Path: admin + "?namespaceId=dev", Want: ok},
		{Name: "remove again", Method: "DELETE", Path: console + "?namespaceId=dev", Want: ok},
		{Name: "it is gone", Method: "GET", Path: admin + "/check?namespaceId=dev", Want: value("0")},
		{Name: "remove the default one, which stays", Method: "DELETE", Path: admin + "?namespaceId=public", Want: ok},
	})
}

func TestCapacity(t *testing.T) {
	s := servertest.Start(t)
	apitest.Publish(t, s.Configs(), map[string]string{"dev/g/a": "x", "public/g/b": "x"})
	const at = "/nacos/v3/admin/cs/capacity"
	row := func(quota, usage int, field string) string {
		return fmt.Sprintf(`{"code":0,"message":"success","data":{"id":"<*>","quota":%d,"usage":%d,"maxSize":102400,"maxAggrCount":10000,"maxAggrSize":1024,"gmtCreate":null,"gmtModified":null,%s}}`, quota, usage, field)
	}
	apitest.Run(t, s.URL, s.Configs(), []scenario{
		{Name: "of nothing", Method: "GET", Path: at, Status: 400, Want: refused(10000, "parameter missing", "At least one of the parameters (groupName or namespaceId) must be provided")},
		{Name: "of a group", Method: "GET", Path: at + "?groupName=g", Want: row(200, 1, `"groupName":"g"`)},
		{Name: "of a namespace", Method: "GET", Path: at + "?namespaceId=dev", Want: row(200, 1, `"namespaceId":"dev"`)},
		{Name: "set nothing", Method: "POST", Path: at, Form: form("namespaceId", "dev"), Status: 400, Want: refused(10000, "parameter missing", "The parameters quota, maxSize, maxAggrCount, maxAggrSize cannot be empty at the same time")},
		{Name: "set of nothing", Method: "POST", Path: at, Form: form("quota", "1"), Status: 400},
		{Name: "set to no number", Method: "POST", Path: at, Form: form("namespaceId", "dev", "quota", "x"), Status: 400, Has: []string{`"code":20002`}},
		{Name: "set to nothing positive", Method: "POST", Path: at, Form: form("namespaceId", "dev", "quota", "0"), Status: 400, Has: []string{`"code":20002`}},
		{Name: "set", Method: "POST", Path: at, Form: form("namespaceId", "dev", "quota", "10"), Want: ok},
		{Name: "as it was set", Method: "GET", Path: at + "?namespaceId=dev", Want: row(10, 1, `"namespaceId":"dev"`)},
	})
}

func TestStateHealthAndOperations(t *testing.T) {
	s := servertest.Start(t)
	result := func(v string) string { return `{"code":0,"message":"success","data":` + v + `}` }
	get := func(path string, status int, want string) scenario {
		return scenario{Name: "GET " + path, Method: "GET", Path: "/nacos" + path, Status: status, Want: want}
	}
	const cs = "/v3/admin/cs"
	apitest.Run(t, s.URL, s.Configs(), []scenario{
		get("/v3/admin/core/state/liveness", 200, result(`"ok"`)), get("/v3/admin/core/state/readiness", 200, result(`"ok"`)),
		get("/v3/console/health/liveness", 200, result(`"ok"`)), get("/v3/console/health/readiness", 200, result(`"ok"`)),
		get("/actuator/health", 200, `{"status":"UP"}`),
		{Name: "state for administrators", Method: "GET", Path: "/nacos/v3/admin/core/state", Has: []string{`{"code":0,"message":"success","data":{`, `"startup_mode":"standalone"`, `"function_mode":null`}},
		{Name: "state for the console is bare", Method: "GET", Path: "/nacos/v3/console/server/state", Has: []string{`"startup_mode":"standalone"`}, HasNot: []string{`"code"`}},
		get("/v3/console/server/announcement?language=../x", 200, `{"code":30000,"message":"Unsupported language: ../x","data":null}`),
		{Name: "POST localCache", Method: "POST", Path: "/nacos" + cs + "/ops/localCache", Want: result(`"Local cache updated from store successfully!"`)},
		{Name: "PUT log without a level", Method: "PUT", Path: "/nacos" + cs + "/ops/log?logName=x", Status: 400},
		{Name: "PUT log", Method: "PUT", Path: "/nacos" + cs + "/ops/log", Form: form("logName", "config-server", "logLevel", "nonsense"), Status: 400, Has: []string{`"code":20002`}},
		get(cs+"/ops/derby", 400, ""), get(cs+"/ops/derby?sql=select", 200, `{"code":30000,"message":"The current storage mode is not Derby","data":null}`),
		{Name: "POST derby import", Method: "POST", Path: "/nacos" + cs + "/ops/derby/import", Has: []string{"Limited to embedded storage mode"}},
		get(cs+"/metrics/ip?ip=1.1.1.1&dataId=a&groupName=g", 200, result("{}")), get(cs+"/metrics/cluster?dataId=a&groupName=g", 400, ""),
		get(cs+"/metrics/cluster?ip=1.1.1.1", 400, ""),
	})
}

// TestListenersAreSeen holds a long poll and asks who listens.
func TestListenersAreSeen(t *testing.T) {
	s := servertest.Start(t, servertest.With(trusting))
	apitest.Publish(t, s.Configs(), map[string]string{"public/g/a": "hello world"})
	const md5 = "5eb63bbbe01eeed093cb22bb8f5acdc3"
	done := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	defer func() { stop(); <-done }()
	go func() {
		body := form("Listening-Configs", "a\x02g\x02"+md5+"\x01b:1\x02g\x02\x02dev\x01").Encode()
		req, err := http.NewRequestWithContext(ctx, "POST", s.URL+"/nacos/v1/cs/configs/listener", strings.NewReader(body))
		if err == nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Long-Pulling-Timeout", "30000")
			req.Header.Set("X-Forwarded-For", "10.9.8.7")
			_, err = http.DefaultClient.Do(req)
		}
		done <- err
	}()
	for len(s.Delivery().OfIP("10.9.8.7")) < 2 {
		select {
		case err := <-done:
			t.Fatalf("the poll ended: %v", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
	info := func(kind, status string) string {
		return `{"code":0,"message":"success","data":{"queryType":"` + kind + `","listenersStatus":{` + status + `}}}`
	}
	for config, byIP := range map[string]string{adminConfig + "/listener": "/nacos/v3/admin/cs/listener", consoleCs + "/config/listener": consoleCs + "/config/listener/ip"} {
		apitest.Run(t, s.URL, s.Configs(), []scenario{
			{Name: "of a configuration", Method: "GET", Path: config + "?dataId=a&groupName=g", Want: info("config", `"10.9.8.7":"`+md5+`"`)},
			{Name: "of one that nobody listens to", Method: "GET", Path: config + "?dataId=c&groupName=g", Want: info("config", "")},
			{Name: "without a name", Method: "GET", Path: config + "?dataId=a", Status: 400, Want: missing("groupName")},
			{Name: "of an address, all", Method: "GET", Path: byIP + "?ip=10.9.8.7&all=true", Has: []string{`"a+g+public":"` + md5 + `"`, `"b:1+g+dev":""`}},
			{Name: "of an address, in a namespace", Method: "GET", Path: byIP + "?ip=10.9.8.7&namespaceId=dev", Want: info("ip", `"b:1+g+dev":""`)},
			{Name: "of an address, in the default one", Method: "GET", Path: byIP + "?ip=10.9.8.7", Want: info("ip", `"a+g+public":"`+md5+`"`)},
			{Name: "of another address", Method: "GET", Path: byIP + "?ip=10.9.8.8&all=true", Want: info("ip", "")},
			{Name: "of no address", Method: "GET", Path: byIP, Status: 400, Want: refused(10000, "parameter missing", "Required request parameter 'ip' for method parameter type String is not present")},
		})
	}
}
