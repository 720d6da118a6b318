package v2_test

import (
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
	path     = "/nacos/v2/cs/config"
	history  = "/nacos/v2/cs/history"
	name     = "?dataId=a.yaml&group=g"
	ok       = `{"code":0,"message":"success","data":true}`
	absent   = `{"code":20004,"message":"resource not found","data":"config data not exist"}`
	jsonUTF8 = "application/json;charset=UTF-8"
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

func missing(text string) string {
	return `{"code":10000,"message":"parameter missing","data":"` + text + `"}`
}

func invalid(text string) string {
	return `{"code":20002,"message":"parameter validate error","data":"` + text + `"}`
}

func value(text string) string { return `{"code":0,"message":"success","data":"` + text + `"}` }

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

func TestConfigurations(t *testing.T) {
	s := start(t, func(s *settings.Settings) { s.MaxConfigSize = 1000 })
	post := func(name string, f url.Values, status int, want string, published ...string) scenario {
		return scenario{Name: name, Method: "POST", Path: path, Form: f, Status: status, Want: want, Published: published}
	}
	get := func(name, query string, want string) scenario {
		return scenario{Name: name, Method: "GET", Path: path + query, Want: want}
	}
	cas := func(name, md5, text string, status int, want string, published ...string) scenario {
		return scenario{Name: name, Method: "POST", Path: path, Form: content(text), Header: map[string]string{"casMd5": md5}, Status: status, Want: want, Published: published}
	}
	run(t, s, []scenario{
		{Name: "what is not there", Method: "GET", Path: path + name, Status: 404, Want: absent},
		{Name: "without a dataId", Method: "GET", Path: path + "?group=g", Status: 400, Want: missing("Required request parameter 'dataId' for method parameter type String is not present")},
		{Name: "an illegal dataId has no envelope", Method: "GET", Path: path + "?dataId=a%20b&group=g", Status: 400, Want: "Param 'dataId' is illegal, illegal characters should not appear in the param.\r\n"},
		{Name: "a blank dataId", Method: "GET", Path: path + "?dataId=&group=g", Status: 400, Want: invalid("invalid dataId : ")},
		{Name: "a dataId twice", Method: "GET", Path: path + "?dataId=a&dataId=b&group=g", Status: 400, Want: invalid("invalid dataId : a,b")},
		post("a form without a group", form("dataId", "x", "content", "y"), 400, missing("Required parameter 'group' type String is not present")),
		post("a form without content", form("dataId", "x", "group", "g"), 400, missing("Required parameter 'content' type String is not present")),
		post("an illegal tag", content("x", "tag", "a b"), 400, invalid("invalid tag : a b")),
		post("six tags", content("x", "configTags", "1,2,3,4,5,6"), 400, invalid("there are 6 config_tags, at most 5 are allowed")),
		post("content over the limit", content(strings.Repeat("x", 1001)), 413, `{"code":20002,"message":"parameter validate error","data":"the content of a.yaml has 1001 bytes, at most 1000 are allowed (setting max-config-size)"}`),
		post("publish", content("one", "type", "json", "encryptedDataKey", "KEY"), 200, ok, "+public/g/a.yaml"),
		{Name: "read", Method: "GET", Path: path + name, Want: value("one"), WantHeader: map[string]string{
			"Content-Type": jsonUTF8, "Config-Type": "json", "Content-MD5": config.MD5([]byte("one")), "Encrypted-Data-Key": "KEY", "Cache-Control": "no-cache,no-store",
		}},
		get("the default namespace as public", name+"&namespaceId=public", value("one")),
		get("the default namespace as ''", name+"&namespaceId=", value("one")),
		{Name: "another namespace", Method: "GET", Path: path + name + "&namespaceId=dev", Status: 404, Want: absent},
		cas("compare with another md5", strings.Repeat("0", 32), "two", 500, `{"code":20005,"message":"resource conflict","data":"Cas publish fail, server md5 may have changed."}`),
		cas("compare with the right md5", config.MD5([]byte("one")), "two", 200, ok, "~public/g/a.yaml"),
		{Name: "beta", Method: "POST", Path: path, Form: content("beta"), Header: map[string]string{"betaIps": "10.0.0.1"}, Want: ok, Published: []string{"+public/g/a.yaml#beta"}},
		{Name: "read beta", Method: "GET", Path: path + name, Header: map[string]string{"X-Forwarded-For": "10.0.0.1"}, Want: value("beta"), WantHeader: map[string]string{"isBeta": "true", "Encrypted-Data-Key": ""}},
		post("tag", content("tagged", "tag", "t"), 200, ok, "+public/g/a.yaml#tag_t"),
		{Name: "read by tag", Method: "GET", Path: path + name + "&tag=t", Want: value("tagged"), WantHeader: map[string]string{"tag": "t"}},
		{Name: "read by an unknown tag", Method: "GET", Path: path + name + "&tag=u", Status: 404, Want: absent},
		{Name: "delete", Method: "DELETE", Path: path + name, Want: ok, Published: []string{"-public/g/a.yaml", "-public/g/a.yaml#beta", "-public/g/a.yaml#tag_t"}},
		{Name: "delete again", Method: "DELETE", Path: path + name, Want: ok},
		{Name: "a method that the path does not have", Method: "PUT", Path: path, Status: 405, WantHeader: map[string]string{"Allow": "POST, DELETE, GET"}},
	})
}

func TestSearchDetail(t *testing.T) {
	s := start(t, nil)
	apitest.Publish(t, s.Configs(), map[string]string{"dev/g/one": "alpha=1", "dev/g/two": "beta=1", "public/g/one": "alpha=2"})
	search := func(name, query string, status int, has ...string) scenario {
		return scenario{Name: name, Method: "GET", Path: path + "/searchDetail?pageNo=1&pageSize=10&dataId=&group=&" + query, Status: status, Has: has}
	}
	run(t, s, []scenario{
		search("by content, without an envelope", "tenant=dev&search=blur&config_detail=*alpha*", 200, `{"totalCount":1,`, `"content":"alpha=1"`, `"encryptedDataKey":""`),
		search("in the default namespace", "config_detail=*alpha*", 200, `"content":"alpha=2"`, `"tenant":""`),
		search("across namespaces", "tenant=*&config_detail=*alpha*", 200, `{"totalCount":2,`),
		search("without a content", "tenant=dev", 400, `"code":10000`, "config_detail"),
		search("accurate", "tenant=dev&search=accurate&config_detail=", 200, `{"totalCount":2,`, `"encryptedDataKey":null`),
		{Name: "page 0", Method: "GET", Path: path + "/searchDetail?pageNo=0&pageSize=1&dataId=&group=&config_detail=", Status: 400, Has: []string{`"code":20002`}},
	})
}

func TestHistory(t *testing.T) {
	s := start(t, nil)
	publish := func(name string, f url.Values, published string) scenario {
		return scenario{Name: name, Method: "POST", Path: path, Form: f, Want: ok, Published: []string{published}}
	}
	detail := func(name, nid, original, updated string) scenario {
		return scenario{Name: name, Method: "GET", Path: history + "/detail" + name2 + nid, Has: []string{`"originalContent":` + original, `"updatedContent":` + updated}}
	}
	run(t, s, []scenario{
		publish("insert", content("one", "srcUser", "alice"), "+public/g/a.yaml"),
		publish("update", content("two"), "~public/g/a.yaml"),
		publish("update again", content("three"), "~public/g/a.yaml"),
		{Name: "list", Method: "GET", Path: history + "/list" + name, Has: []string{`"code":0`, `"totalCount":3`, `"pagesAvailable":1`, `"content":null`, `"srcUser":"alice"`, `"tenant":""`}},
		{Name: "a page that is no number", Method: "GET", Path: history + "/list" + name + "&pageNo=x", Status: 400, Has: []string{`"code":20002`}},
		{Name: "a row", Method: "GET", Path: history + name + "&nid=2", Has: []string{`"content":"one"`, `"opType":"U"`}},
		{Name: "a row that is not there", Method: "GET", Path: history + name + "&nid=99", Want: `{"code":0,"message":"success","data":null}`},
		{Name: "a row of another configuration", Method: "GET", Path: history + "?dataId=b&group=g&nid=2", Status: 403, Want: `{"code":10001,"message":"access denied","data":"Please check dataId, group or namespaceId."}`},
		{Name: "without nid", Method: "GET", Path: history + name, Status: 400, Want: missing("Required request parameter 'nid' for method parameter type Long is not present")},
		detail("an insert had nothing before", "1", `""`, `"one"`),
		detail("an update became what the next row replaced", "2", `"one"`, `"two"`),
		detail("the last update became what is there", "3", `"two"`, `"three"`),
		{Name: "delete", Method: "DELETE", Path: path + name, Want: ok, Published: []string{"-public/g/a.yaml"}},
		detail("a delete has nothing after", "4", `"three"`, `null`),
		detail("the last update, after the delete", "3", `"two"`, `"three"`),
		{Name: "previous", Method: "GET", Path: history + "/previous" + name + "&id=1", Has: []string{`"content":"three"`, `"opType":"D"`}},
		{Name: "previous of nothing", Method: "GET", Path: history + "/previous" + name + "&id=99", Want: `{"code":0,"message":"success","data":null}`},
		{Name: "all of a namespace", Method: "GET", Path: history + "/configs?namespaceId=", Want: `{"code":0,"message":"success","data":[]}`},
		{Name: "all of no namespace", Method: "GET", Path: history + "/configs", Status: 400, Has: []string{`"code":10000`}},
	})
}

const name2 = name + "&nid="

func TestConsole(t *testing.T) {
	s := start(t, nil)
	const ns = "/nacos/v2/console/namespace"
	at := func(name, method, path string, f url.Values, status int, want string) scenario {
		return scenario{Name: name, Method: method, Path: path, Form: f, Status: status, Want: want}
	}
	run(t, s, []scenario{
		at("create", "POST", ns, form("namespaceId", "dev", "namespaceName", "Dev", "namespaceDesc", "d"), 200, ok),
		at("create again", "POST", ns, form("namespaceId", "dev", "namespaceName", "Dev"), 400, `{"code":22000,"message":"illegal namespace","data":"the namespaceId is existed, namespaceId: dev"}`),
		at("create with a random id", "POST", ns, form("namespaceId", "", "namespaceName", "r"), 200, ok),
		at("without a name", "POST", ns, form("namespaceId", "x"), 400, missing("required parameter 'namespaceName' is missing")),
		at("an illegal id", "POST", ns, form("namespaceId", "a.b", "namespaceName", "x"), 400, "Param 'namespaceId/tenant' is illegal, illegal characters should not appear in the param.\r\n"),
		at("get", "GET", ns+"?namespaceId=dev", nil, 200, `{"code":0,"message":"success","data":{"namespace":"dev","namespaceShowName":"Dev","namespaceDesc":"d","quota":200,"configCount":0,"type":2}}`),
		at("get the default one", "GET", ns+"?namespaceId=", nil, 200, `{"code":0,"message":"success","data":{"namespace":"","namespaceShowName":"public","namespaceDesc":"Default Namespace","quota":200,"configCount":0,"type":0}}`),
		at("get what is not there", "GET", ns+"?namespaceId=nope", nil, 404, `{"code":22001,"message":"namespace not exist","data":"namespaceId [ nope ] not exist"}`),
		at("get without id", "GET", ns, nil, 400, missing("Required request parameter 'namespaceId' for method parameter type String is not present")),
		at("update", "PUT", ns, form("namespaceId", "dev", "namespaceName", "D2"), 200, ok),
		at("update what is not there", "PUT", ns, form("namespaceId", "nope", "namespaceName", "x"), 200, ok),
		at("remove", "DELETE", ns+"?namespaceId=dev", nil, 200, ok),
		at("remove again", "DELETE", ns+"?namespaceId=dev", nil, 200, ok),
		at("live", "GET", "/nacos/v2/console/health/liveness", nil, 200, value("ok")),
		at("ready", "GET", "/nacos/v2/console/health/readiness", nil, 200, value("ok")),
	})
}

func TestSwitchedOff(t *testing.T) {
	s := start(t, func(s *settings.Settings) { s.APICompatAdmin, s.APICompatConsole = false, false })
	run(t, s, []scenario{
		{Name: "configurations", Method: "GET", Path: path + name, Status: http.StatusGone, Has: []string{"`GET ${contextPath:nacos}/v3/admin/cs/config`", "nacos.core.api.compatibility.admin.enabled=true"}},
		{Name: "history", Method: "GET", Path: history + "/list" + name, Status: http.StatusGone, Has: []string{"/v3/admin/cs/history/list"}},
		{Name: "namespaces", Method: "GET", Path: "/nacos/v2/console/namespace/list", Status: http.StatusGone, Has: []string{"nacos.core.api.compatibility.console.enabled=true"}},
	})
}
