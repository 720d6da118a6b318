package v1_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"nacre/server/config"
	"nacre/server/servertest"
	"nacre/server/settings"
	"nacre/web/api/apitest"
)

type scenario = apitest.Scenario

const (
	configs  = "/nacos/v1/cs/configs"
	name     = "?dataId=a.yaml&group=g"
	absent   = "config data not exist\n"
	formType = "application/x-www-form-urlencoded"
	jsonUTF8 = "application/json;charset=UTF-8"
	illegal  = "Param 'dataId' is illegal, illegal characters should not appear in the param.\r\n"
)

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// content is a publish of g/a.yaml.
func content(text string, more ...string) url.Values {
	return form(append([]string{"dataId", "a.yaml", "group", "g", "content", text}, more...)...)
}

func missing(name string) string {
	return `{"timestamp":"<*>","status":400,"error":"Bad Request","message":"Required parameter '` + name + `' is not present.","path":"<*>"}`
}

func start(t *testing.T, change func(*settings.Settings)) *servertest.Server {
	return servertest.Start(t, servertest.With(func(s *settings.Settings) {
		s.TrustedProxies = []string{"127.0.0.1"}
		if change != nil {
			change(s)
		}
	}))
}

func run(t *testing.T, s *servertest.Server, list []scenario) {
	t.Helper()
	apitest.Run(t, s.URL, s.Configs(), list)
}

func post(name string, f url.Values, want string, published ...string) scenario {
	return scenario{Name: name, Method: "POST", Path: configs, Form: f, Want: want, Published: published}
}

func refused(name string, f url.Values, status int, want string) scenario {
	return scenario{Name: name, Method: "POST", Path: configs, Form: f, Status: status, Want: want}
}

func get(name, path, want string) scenario {
	return scenario{Name: name, Method: "GET", Path: configs + path, Want: want}
}

func TestReading(t *testing.T) {
	s := start(t, nil)
	run(t, s, []scenario{
		{Name: "what is not there is a line of text labelled as JSON", Method: "GET", Path: configs + name, Status: 404, Want: absent, WantHeader: map[string]string{"Content-Type": jsonUTF8}},
		{Name: "without a dataId", Method: "GET", Path: configs + "?group=g", Status: 400, Want: missing("dataId"), WantHeader: map[string]string{"Content-Type": jsonUTF8}},
		{Name: "without a group", Method: "GET", Path: configs + "?dataId=a", Status: 400, Want: missing("group")},
		{Name: "a blank dataId", Method: "GET", Path: configs + "?dataId=&group=g", Status: 400, Want: "caused: invalid dataId : ;"},
		{Name: "a blank group", Method: "GET", Path: configs + "?dataId=a&group=", Status: 400, Want: "caused: invalid group : ;"},
		{Name: "an illegal dataId ends the line as on Windows", Method: "GET", Path: configs + "?dataId=a%20b&group=g", Status: 400, Want: illegal, WantHeader: map[string]string{"Cache-Control": "no-cache,no-store"}},
		{Name: "a broken percent encoding is a missing parameter", Method: "GET", Path: configs + "?dataId=%zz&group=g", Status: 400, Want: missing("dataId")},
		{Name: "a name twice is joined by a comma", Method: "GET", Path: configs + "?dataId=a&dataId=b&group=g", Status: 400, Want: "caused: invalid dataId : a,b;"},
		{Name: "an illegal tag", Method: "GET", Path: configs + name + "&tag=a%20b", Status: 400, Want: "caused: invalid tag : a b;"},
		{Name: "a namespace too long", Method: "GET", Path: configs + name + "&tenant=" + strings.Repeat("t", 65), Status: 400, Want: "Param 'namespaceId/tenant' is illegal, the param length should not exceed 64.\r\n"},
		post("publish", content("k: 值\r\n\x00 end", "type", "yaml"), "true", "+public/g/a.yaml"),
		{Name: "the content comes back byte by byte", Method: "GET", Path: configs + name, Want: "k: 值\r\n\x00 end", WantHeader: map[string]string{
			"Content-Type": "text/plain;charset=UTF-8", "Config-Type": "yaml", "Content-MD5": config.MD5([]byte("k: 值\r\n\x00 end")), "Encrypted-Data-Key": "",
			"Pragma": "no-cache", "Expires": "Thu, 01 Jan 1970 00:00:00 GMT", "Cache-Control": "no-cache,no-store", "Last-Modified": "<*>, <*> GMT",
		}},
		get("the default namespace as ''", name+"&tenant=", "k: 值\r\n\x00 end"),
		get("the default namespace as public", name+"&tenant=public", "k: 值\r\n\x00 end"),
		get("the default namespace as PUBLIC", name+"&tenant=PUBLIC", "k: 值\r\n\x00 end"),
		get("the default namespace as null", name+"&tenant=null", "k: 值\r\n\x00 end"),
		get("the default namespace as blanks", name+"&tenant=%20", "k: 值\r\n\x00 end"),
		{Name: "another namespace has its own", Method: "GET", Path: configs + name + "&tenant=dev", Status: 404, Want: absent},
		{Name: "an unknown search is a plain read", Method: "GET", Path: configs + name + "&search=other", Want: "k: 值\r\n\x00 end"},
		{Name: "HEAD", Method: "HEAD", Path: configs + name, WantHeader: map[string]string{"Config-Type": "yaml"}},
		{Name: "OPTIONS", Method: "OPTIONS", Path: configs, WantHeader: map[string]string{"Allow": "GET,HEAD,POST,DELETE,OPTIONS"}},
		{Name: "a method that the path does not have", Method: "PUT", Path: configs, Form: content("x"), Status: 405, WantHeader: map[string]string{"Allow": "GET, POST, DELETE"}, Has: []string{"Method 'PUT' is not supported."}},
		{Name: "a slash at the end is another path", Method: "GET", Path: configs + "/" + name, Status: 404, Has: []string{`No endpoint GET /nacos/v1/cs/configs/.`}},
	})
}

func TestPublishing(t *testing.T) {
	s := start(t, func(s *settings.Settings) { s.MaxConfigSize = 1000 })
	long := func(n int) string { return strings.Repeat("x", n) }
	all := func(want ...string) scenario {
		return scenario{Name: "all of it", Method: "GET", Path: configs + name + "&show=all", Has: want}
	}
	run(t, s, []scenario{
		refused("without content", form("dataId", "a.yaml", "group", "g"), 400, missing("content")),
		refused("empty content", content(""), 400, "caused: content is blank : ;"),
		refused("blank content", content(" \t"), 400, "caused: content is blank :  \t;"),
		refused("an illegal dataId", form("dataId", "a%b", "group", "g", "content", "x"), 400, illegal),
		refused("an illegal tag", content("x", "tag", "a b"), 400, "caused: invalid tag : a b;"),
		refused("a tag too long", content("x", "tag", long(17)), 400, "caused: too long tag, over 16;"),
		refused("six tags", content("x", "config_tags", "1,2,3,4,5,6"), 400, "false"),
		refused("a long tag", content("x", "config_tags", long(65)), 400, "false"),
		refused("a long description", content("x", "desc", long(129)), 400, "false"),
		refused("a long use", content("x", "use", long(33)), 400, "false"),
		refused("a long effect", content("x", "effect", long(33)), 400, "false"),
		refused("content over the limit", content(long(1001)), 413, "caused: the content of a.yaml has 1001 bytes, at most 1000 are allowed (setting max-config-size);"),
		{Name: "content that is not UTF-8", Method: "POST", Path: configs, ContentType: formType, Body: "dataId=a.yaml&group=g&content=%C4%E3%BA%C3", Status: 400, Has: []string{"not UTF-8"}},
		{Name: "a JSON body has no parameters", Method: "POST", Path: configs, ContentType: "application/json", Body: `{"dataId":"a.yaml","group":"g","content":"x"}`, Status: 400, Want: missing("dataId")},
		{Name: "an ampersand at the end, as the Java client sends it", Method: "POST", Path: configs, ContentType: formType + ";charset=UTF-8", Body: "dataId=a.yaml&type=text&content=k%3A+%E5%80%BC+%26+more&group=g&", Want: "true", WantHeader: map[string]string{"Content-Type": jsonUTF8}, Published: []string{"+public/g/a.yaml"}},
		get("read", name, "k: 值 & more"),
		{Name: "UTF-8 that is labelled GBK, as the Node client does", Method: "POST", Path: configs, ContentType: formType + ";charset=GBK", Body: "dataId=a.yaml&group=g&content=%E4%B8%AD%E6%96%87", Want: "true", Published: []string{"~public/g/a.yaml"}},
		get("read again", name, "中文"),
		{Name: "all in the query, as the Python client does", Method: "POST", Path: configs + "?dataId=a.yaml&group=g&content=in+query&tenant=", Want: "true", Published: []string{"~public/g/a.yaml"}},
		get("and again", name, "in query"),
		post("with everything", content("one", "type", "json", "appName", "app", "config_tags", "x,y", "desc", "d", "use", "u", "effect", "e", "schema", "s", "src_user", "alice"), "true", "~public/g/a.yaml"),
		all(`"type":"json"`, `"appName":"app"`, `"configTags":"x,y"`, `"desc":"d"`, `"use":"u"`, `"effect":"e"`, `"schema":"s"`, `"createUser":"alice"`, `"tenant":""`),
		post("without anything", content("one"), "true", "~public/g/a.yaml"),
		all(`"type":"text"`, `"appName":"app"`, `"configTags":"x,y"`, `"desc":null`, `"use":null`, `"effect":null`, `"schema":null`, `"createUser":null`),
		post("an unknown type is text", content("one", "type", "YAML", "config_tags", "", "appName", "", "username", "bob"), "true", "~public/g/a.yaml"),
		all(`"type":"text"`, `"appName":""`, `"configTags":null`, `"createUser":"bob"`),
		post("an encrypted one", content("CIPHER", "encryptedDataKey", "KEY"), "true", "~public/g/a.yaml"),
		{Name: "its key", Method: "GET", Path: configs + name, Want: "CIPHER", WantHeader: map[string]string{"Encrypted-Data-Key": "KEY"}},
		post("public is the default namespace in a publish, too", content("two", "tenant", "public"), "true", "~public/g/a.yaml"),
		get("read without tenant", name, "two"),
		{Name: "nothing to show", Method: "GET", Path: configs + "?dataId=none&group=g&show=all", Want: "", WantHeader: map[string]string{"Content-Length": "0"}},
		{Name: "catalog", Method: "GET", Path: configs + "/catalog" + name, Has: []string{`"code":200`, `"message":null`, `"noRight":false`, `"createIp":"127.0.0.1"`}},
		{Name: "catalog of nothing", Method: "GET", Path: configs + "/catalog?dataId=none&group=g", Want: `{"code":200,"message":null,"data":null,"noRight":false}`},
	})
}

func TestMultipartPublish(t *testing.T) {
	s := start(t, nil)
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for k, v := range map[string]string{"dataId": "a.yaml", "group": "g", "content": "a & b = ü"} {
		if err := w.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	run(t, s, []scenario{
		{Name: "publish", Method: "POST", Path: configs, ContentType: w.FormDataContentType(), Body: b.String(), Want: "true", Published: []string{"+public/g/a.yaml"}},
		get("read", name, "a & b = ü"),
		{Name: "a body that is cut off", Method: "POST", Path: configs, ContentType: w.FormDataContentType(), Body: b.String()[:40], Status: 400},
	})
}

func TestCompareAndSet(t *testing.T) {
	s := start(t, nil)
	cas := func(name, md5, text string, status int, want string, published ...string) scenario {
		return scenario{Name: name, Method: "POST", Path: configs, Form: content(text), Header: map[string]string{"casMd5": md5}, Status: status, Want: want, Published: published}
	}
	wrong := strings.Repeat("0", 32)
	const lost = "caused: Cas publish fail, server md5 may have changed.;"
	run(t, s, []scenario{
		cas("what is absent is inserted, whatever was compared with", wrong, "one", 200, "true", "+public/g/a.yaml"),
		cas("another md5", wrong, "two", 500, lost),
		get("is as it was", name, "one"),
		cas("the md5 in capitals is another", strings.ToUpper(config.MD5([]byte("one"))), "two", 500, lost),
		cas("the right md5", config.MD5([]byte("one")), "two", 200, "true", "~public/g/a.yaml"),
		cas("an empty header compares nothing", "", "three", 200, "true", "~public/g/a.yaml"),
	})
}

func TestGray(t *testing.T) {
	s := start(t, nil)
	from := func(ip string) map[string]string { return map[string]string{"X-Forwarded-For": ip} }
	read := func(name, query, ip, want string, header map[string]string) scenario {
		return scenario{Name: name, Method: "GET", Path: configs + "?dataId=a.yaml&group=g" + query, Header: from(ip), Want: want, WantHeader: header}
	}
	beta := map[string]string{"isBeta": "true", "Encrypted-Data-Key": "", "Config-Type": "text"}
	run(t, s, []scenario{
		post("formal", content("formal"), "true", "+public/g/a.yaml"),
		{Name: "no beta", Method: "GET", Path: configs + name + "&beta=true", Want: `{"code":200,"message":"query beta ok","data":null,"noRight":false}`},
		{Name: "beta", Method: "POST", Path: configs, Form: content("beta"), Header: map[string]string{"betaIps": "10.0.0.1,10.0.0.2"}, Want: "true", Published: []string{"+public/g/a.yaml#beta"}},
		read("an address of the list", "", "10.0.0.2", "beta", beta),
		read("another address", "", "10.0.0.9", "formal", map[string]string{"isBeta": ""}),
		{Name: "the beta", Method: "GET", Path: configs + name + "&beta=true", Has: []string{`"betaIps":"10.0.0.1,10.0.0.2"`, `"type":null`, `"encryptedDataKey":null`}},
		{Name: "beta wins over tag in a publish", Method: "POST", Path: configs, Form: content("both", "tag", "blue"), Header: map[string]string{"betaIps": "10.0.0.1"}, Want: "true", Published: []string{"~public/g/a.yaml#beta"}},
		post("tag", content("tagged", "tag", "blue"), "true", "+public/g/a.yaml#tag_blue"),
		read("by the parameter", "&tag=blue", "10.0.0.9", "tagged", map[string]string{"tag": "blue"}),
		{Name: "by the header", Method: "GET", Path: configs + name, Header: map[string]string{"Vipserver-Tag": "blue", "X-Forwarded-For": "10.0.0.9"}, Want: "tagged"},
		{Name: "an unknown tag in the parameter is absent", Method: "GET", Path: configs + name + "&tag=red", Header: from("10.0.0.9"), Status: 404, Want: absent},
		{Name: "an unknown tag in the header is formal", Method: "GET", Path: configs + name, Header: map[string]string{"Vipserver-Tag": "red", "X-Forwarded-For": "10.0.0.9"}, Want: "formal"},
		read("beta wins over tag in a read", "&tag=blue", "10.0.0.1", "both", beta),
		{Name: "delete by tag means the gray name", Method: "DELETE", Path: configs + name + "&tag=blue", Want: "true"},
		{Name: "delete by gray name", Method: "DELETE", Path: configs + name + "&tag=tag_blue", Want: "true", Published: []string{"-public/g/a.yaml#tag_blue"}},
		{Name: "stop beta", Method: "DELETE", Path: configs + name + "&beta=true", Want: `{"code":200,"message":"stop beta ok","data":true,"noRight":false}`, Published: []string{"-public/g/a.yaml#beta"}},
		{Name: "stop beta again", Method: "DELETE", Path: configs + name + "&beta=true", Want: `{"code":500,"message":"remove beta data error","data":false,"noRight":false}`},
	})
}

func TestDeleting(t *testing.T) {
	s := start(t, nil)
	run(t, s, []scenario{
		{Name: "what is absent", Method: "DELETE", Path: configs + name, Want: "true"},
		{Name: "without a group", Method: "DELETE", Path: configs + "?dataId=a", Status: 400, Want: missing("group")},
		post("publish", content("x"), "true", "+public/g/a.yaml"),
		{Name: "parameters in the body", Method: "DELETE", Path: configs, ContentType: formType, Body: "dataId=a.yaml&group=g", Want: "true", Published: []string{"-public/g/a.yaml"}},
		post("publish again", content("x"), "true", "+public/g/a.yaml"),
		{Name: "ids that are none", Method: "DELETE", Path: configs + "?delType=ids&ids=abc", Status: 400, Has: []string{`caused: Method parameter 'ids': Failed to convert value`, `caused: For input string: "abc";`}},
		{Name: "unknown ids", Method: "DELETE", Path: configs + "?delType=ids&ids=99999999999", Want: `{"code":200,"message":null,"data":true,"noRight":false}`},
	})
	id := fmt.Sprint(s.Configs().Item(config.Key{Namespace: "public", Group: "g", DataID: "a.yaml"}).Formal.ID)
	run(t, s, []scenario{
		{Name: "by id", Method: "DELETE", Path: configs + "?delType=ids&ids=77777," + id, Want: `{"code":200,"message":null,"data":true,"noRight":false}`, Published: []string{"-public/g/a.yaml"}},
	})
}

func TestSearching(t *testing.T) {
	s := start(t, nil)
	apitest.Publish(t, s.Configs(), map[string]string{"dev/g/app.yaml": "one", "dev/g/app_2.yaml": "two", "public/g/app.yaml": "three"})
	search := func(name, query string, want ...string) scenario {
		return scenario{Name: name, Method: "GET", Path: configs + "?pageNo=1&pageSize=10&" + query, Has: want}
	}
	bad := func(name, query string, want string) scenario {
		return scenario{Name: name, Method: "GET", Path: configs + "?" + query, Status: 400, Want: want}
	}
	run(t, s, []scenario{
		search("ids are texts and the default namespace is ''", "search=accurate&dataId=app.yaml&group=g", `"id":"`, `"tenant":""`, `"content":"three"`, `"totalCount":1,`),
		search("another namespace", "search=accurate&dataId=&group=&tenant=dev", `"totalCount":2,`, `"pagesAvailable":1`),
		search("blur with a star", "search=blur&dataId=app*&group=&tenant=dev", `"totalCount":2,`),
		search("blur without one is equality", "search=blur&dataId=app&group=&tenant=dev", `"totalCount":0,"pageNumber":1,"pagesAvailable":0,"pageItems":[]`),
		search("a pattern is not checked for characters", "search=blur&dataId=*a%20b*&group=&tenant=d*", `"totalCount":0`),
		{Name: "accurate is", Method: "GET", Path: configs + "?search=accurate&dataId=a*&group=&pageNo=1&pageSize=1", Status: 400, Want: illegal},
		bad("without a group", "search=accurate&dataId=&pageNo=1&pageSize=1", missing("group")),
		bad("without a page", "search=accurate&dataId=&group=", missing("pageNo")),
		bad("a page that is no number", "search=blur&dataId=&group=&pageNo=abc&pageSize=1", `caused: Method parameter 'pageNo': Failed to convert value to a number; For input string: "abc";caused: For input string: "abc";`),
		bad("page 0", "search=blur&dataId=d&group=g&pageNo=0&pageSize=1", "caused: serialize page error, dataId=d, group=g;caused: pageNo and pageSize must be greater than zero;"),
	})
}

func TestHistory(t *testing.T) {
	s := start(t, nil)
	const history = "/nacos/v1/cs/history"
	run(t, s, []scenario{
		post("publish", content("one", "src_user", "alice"), "true", "+public/g/a.yaml"),
		post("update", content("two"), "true", "~public/g/a.yaml"),
		{Name: "list", Method: "GET", Path: history + name + "&search=accurate", Has: []string{`"totalCount":2`, `"lastId":-1`, `"tenant":""`, `"content":null`, `"opType":"U"`, `"opType":"I"`, `"srcUser":"alice"`}},
		{Name: "one row", Method: "GET", Path: history + name + "&nid=1", Has: []string{`"content":"one"`, `"publishType":"formal"`}},
		{Name: "the row of another configuration", Method: "GET", Path: history + "?dataId=b&group=g&nid=1", Status: 403, Want: "caused: Please check dataId, group or namespaceId.;"},
		{Name: "a row that is not there", Method: "GET", Path: history + name + "&nid=999", Want: ""},
		{Name: "without nid", Method: "GET", Path: history + name, Status: 400, Want: missing("nid")},
		{Name: "nid that is none", Method: "GET", Path: history + name + "&nid=x", Status: 400, Has: []string{`caused: For input string: "x";`}},
		{Name: "the previous of a configuration", Method: "GET", Path: history + "/previous" + name + "&id=1", Has: []string{`"content":"one"`, `"opType":"U"`}},
		{Name: "all of a namespace", Method: "GET", Path: history + "/configs?tenant=", Has: []string{`[{"id":"0","dataId":"a.yaml"`, `"content":null`, `"lastModified":`}},
	})
}

func TestCapacity(t *testing.T) {
	s := start(t, nil)
	const capacity = "/nacos/v1/cs/capacity"
	run(t, s, []scenario{
		{Name: "of nothing", Method: "GET", Path: capacity, Status: 400, Want: `{"code":400,"message":"The parameter group and tenant cannot be empty at the same time","data":null,"noRight":false}`},
		{Name: "defaults", Method: "GET", Path: capacity + "?tenant=dev", Has: []string{`"quota":200`, `"usage":0`, `"maxSize":102400`, `"maxAggrCount":10000`, `"tenant":"dev"`}},
		{Name: "set", Method: "POST", Path: capacity, Form: form("tenant", "dev", "quota", "50"), Want: `{"code":200,"message":"successfully updated the capacity information configuration of tenant to dev","data":true,"noRight":false}`},
		{Name: "as it was set", Method: "GET", Path: capacity + "?tenant=dev", Has: []string{`"quota":50`, `"maxSize":102400`}},
		{Name: "set nothing", Method: "POST", Path: capacity, Form: form("tenant", "dev"), Status: 400, Has: []string{"cannot be empty at the same time"}},
		{Name: "set below 1", Method: "POST", Path: capacity, Form: form("group", "g", "quota", "0"), Status: 400, Has: []string{`"data":false`}},
	})
}

func TestTransfers(t *testing.T) {
	s := start(t, nil)
	var archive, body bytes.Buffer
	z := zip.NewWriter(&archive)
	for _, f := range []string{"g/new.json", "g/a.yaml"} {
		e, err := z.Create(f)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(e, "of the zip")
	}
	z.Close()
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile("file", "x.zip")
	if err != nil {
		t.Fatal(err)
	}
	part.Write(archive.Bytes())
	w.Close()
	send := func(name, query string, status int, has []string, published ...string) scenario {
		return scenario{Name: name, Method: "POST", Path: configs + "?import=true" + query, ContentType: w.FormDataContentType(), Body: body.String(), Status: status, Has: has, Published: published}
	}
	run(t, s, []scenario{
		post("something is there", content("was there"), "true", "+public/g/a.yaml"),
		send("an unknown policy", "&policy=NOPE", 400, []string{"caused: Method parameter 'policy': Failed to convert value"}),
		send("an unknown namespace", "&namespace=nope", 200, []string{`"code":100001`, "目标 namespace 不存在", `"data":{"succCount":0}`}),
		send("skip", "&policy=SKIP&namespace=public", 200, []string{`"message":"import success"`, `"succCount":1`, `"skipCount":1`, `"skipData":[{"dataId":"a.yaml","group":"g"}]`}, "+public/g/new.json"),
		send("abort", "", 200, []string{`"succCount":0`, `"failData":[`}),
		send("overwrite", "&policy=OVERWRITE", 200, []string{`"succCount":2`, `"skipCount":0`}, "~public/g/a.yaml", "~public/g/new.json"),
		{Name: "no file", Method: "POST", Path: configs + "?import=true", Form: form(), Want: `{"code":100005,"message":"导入的文件数据为空","data":{},"noRight":false}`},
		{Name: "export", Method: "GET", Path: configs + "?export=true&dataId=a*", WantHeader: map[string]string{"Content-Disposition": "attachment;filename=nacos_config_export_<*>.zip", "Content-Type": jsonUTF8}},
		{Name: "export by bad ids", Method: "GET", Path: configs + "?exportV2=true&ids=x", Status: 400},
		{Name: "clone nothing", Method: "POST", Path: configs + "?clone=true&tenant=", ContentType: "application/json", Body: "[]", Has: []string{`"code":100006`, "没有选择任何配置"}},
		{Name: "clone what is no list", Method: "POST", Path: configs + "?clone=true&tenant=", ContentType: "application/json", Body: "{", Status: 400, Has: []string{"caused: the body is not a JSON list"}},
		{Name: "clone under another name", Method: "POST", Path: configs + "?clone=true&tenant=", ContentType: "application/json", Body: `[{"cfgId":"1","dataId":"copy","group":"g"}]`, Has: []string{"Clone Completed Successfully", `"succCount":1`}, Published: []string{"+public/g/copy"}},
	})
}

func TestConsole(t *testing.T) {
	s := start(t, nil)
	const namespaces = "/nacos/v1/console/namespaces"
	at := func(name, method, path string, f url.Values, status int, want string) scenario {
		return scenario{Name: name, Method: method, Path: path, Form: f, Status: status, Want: want}
	}
	run(t, s, []scenario{
		at("create", "POST", namespaces, form("customNamespaceId", "dev", "namespaceName", "Dev", "namespaceDesc", "d"), 200, "true"),
		at("create again", "POST", namespaces, form("customNamespaceId", "dev", "namespaceName", "Dev"), 200, "false"),
		at("create public", "POST", namespaces, form("customNamespaceId", "public", "namespaceName", "p"), 200, "false"),
		at("create with a random id", "POST", namespaces, form("customNamespaceId", "", "namespaceName", "r"), 200, "true"),
		at("an illegal id", "POST", namespaces, form("customNamespaceId", "a b", "namespaceName", "r"), 400, "Param 'namespaceId/tenant' is illegal, illegal characters should not appear in the param.\r\n"),
		at("an illegal name", "POST", namespaces, form("customNamespaceId", "ok", "namespaceName", "a@b"), 400, "Param 'namespaceShowName' is illegal, illegal characters should not appear in the param.\r\n"),
		at("without a name", "POST", namespaces, form("customNamespaceId", "ok"), 500, "caused: Required request parameter &#39;namespaceName&#39; for method parameter type String is not present;"),
		at("show", "GET", namespaces+"?show=all&namespaceId=dev", nil, 200, `{"namespace":"dev","namespaceShowName":"Dev","namespaceDesc":"d","quota":200,"configCount":0,"type":2}`),
		at("show the default one", "GET", namespaces+"?show=all&namespaceId=public", nil, 200, `{"namespace":"","namespaceShowName":"public","namespaceDesc":"Default Namespace","quota":200,"configCount":0,"type":0}`),
		at("show what is not there", "GET", namespaces+"?show=all&namespaceId=nope", nil, 500, "caused: namespaceId [ nope ] not exist;"),
		at("exists", "GET", namespaces+"?checkNamespaceIdExist=true&customNamespaceId=dev", nil, 200, "true"),
		at("does not", "GET", namespaces+"?checkNamespaceIdExist=true&customNamespaceId=", nil, 200, "false"),
		at("update what is not there", "PUT", namespaces, form("namespace", "nope", "namespaceShowName", "x"), 200, "true"),
		at("remove", "DELETE", namespaces+"?namespaceId=dev", nil, 200, "true"),
		at("remove again", "DELETE", namespaces+"?namespaceId=dev", nil, 200, "true"),
		at("live", "GET", "/nacos/v1/console/health/liveness", nil, 200, "OK"),
		at("ready", "GET", "/nacos/v1/console/health/readiness", nil, 200, "OK"),
		at("health of configurations", "GET", "/nacos/v1/cs/health", nil, 200, "UP"),
		{Name: "state", Method: "GET", Path: "/nacos/v1/console/server/state", Has: []string{`"startup_mode":"standalone"`, `"function_mode":null`, `"auth_enabled":"false"`, `"config_retention_days":"30"`}},
		at("the cache", "POST", "/nacos/v1/cs/ops/localCache", nil, 200, "200"),
		at("no SQL", "GET", "/nacos/v1/cs/ops/derby?sql=select+1", nil, 200, `{"code":500,"message":"The current storage mode is not Derby","data":null,"noRight":false}`),
		{Name: "paths of old servers among themselves", Method: "GET", Path: "/nacos/v1/cs/communication/dataChange?dataId=a", Status: 410, Has: []string{`{\"code\":40000,\"message\":\"Old Inner API /nacos/v1/cs/communication/dataChange is deprecated\"}`}},
	})
}

func TestSwitchedOff(t *testing.T) {
	s := start(t, func(s *settings.Settings) {
		s.APICompatClient, s.APICompatAdmin, s.APICompatConsole = false, false, false
	})
	gone := func(method, path, use, kind string) scenario {
		text := "Current API will be deprecated, "
		if use == "" {
			text += "If wanted continue to use, please set"
		} else {
			m, p, _ := strings.Cut(use, " ")
			text += "please use API(s) `" + m + " ${contextPath:nacos}" + p + "` instead, or set"
		}
		return scenario{Name: method + " " + path, Method: method, Path: path, Form: form(), Status: http.StatusGone,
			Has: []string{`"status":410,"error":"Gone"`, `{\"code\":40000,\"message\":\"` + text + " `nacos.core.api.compatibility." + kind + ".enabled=true`"}}
	}
	run(t, s, []scenario{
		gone("GET", configs+name, "GET /v3/client/cs/config", "client"),
		gone("POST", configs, "POST /v3/admin/cs/config", "client"),
		gone("POST", configs+"/listener", "", "client"),
		gone("GET", configs+"?search=blur", "GET /v3/console/cs/config/list", "console"),
		gone("GET", "/nacos/v1/cs/history?search=accurate", "GET /v3/console/cs/history/list", "console"),
		gone("GET", "/nacos/v1/cs/capacity", "GET /v3/admin/cs/capacity", "admin"),
		gone("GET", "/nacos/v1/console/namespaces", "GET /v3/console/core/namespace/list", "console"),
	})
}
