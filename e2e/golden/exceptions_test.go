package golden

import (
	"encoding/json"
	"strconv"
)

// Texts that several exceptions have in common.
const (
	badListening = "caused: invalid probeModify;"
	grayHistory  = "taking away a configuration takes its variants with it, and the history says so: one row more"
	noCounting   = "v1 of 3.1 counts what exists as written on its embedded database (a fault); answered as v3 does"
	oneBodyForm  = "the fields of the console's form are taken in both spellings"
	otherMachine = "it runs on another machine, under another load"
	wholeServer  = "it counts what the whole server holds"
	noTime       = "it was sent when heartbeats were missed for long"
	ownConsole   = "the console is served on the same port, at / and /nacos/"
	noPage       = `{"timestamp":"<time-iso>","status":404,"error":"Not Found","message":"No endpoint GET <text>.","path":"<text>"}`
	notANumber   = `{"code":20002,"message":"parameter validate error","data":"<text>"}`
)

// exceptions are the rows that are answered otherwise than they were recorded, and why.
var exceptions = []exception{
	{file: "config-v1", row: "ops derby", reason: "there is no SQL endpoint to switch on", status: 200,
		body: `{"code":500,"message":"The current storage mode is not Derby","data":null,"noRight":false}`},

	{file: "config-history", row: "list", reason: grayHistory, edit: oneRowMore,
		capture: map[string]string{"nid:newest": "pageItems.0.id", "nid:second": "pageItems.2.id", "nid:oldest": "pageItems.5.id"}},
	{file: "config-history", row: "list page 2", reason: grayHistory, edit: shiftedPage},
	{file: "config-history", row: "v2 list", reason: grayHistory, edit: totals(7, 4)},
	{file: "config-history", row: "v3 list", reason: grayHistory, edit: totals(7, 4)},
	{file: "config-history", row: "v3 console list", reason: grayHistory, edit: totals(7, 7)},
	{file: "config-history", row: "detail with other dataId", reason: "the recorded 500 is a fault; 403 as 2.5 says", status: 403,
		body: "caused: Please check dataId, group or namespaceId.;"},
	{file: "config-history", row: "v3 detail unknown", reason: "not found, rather than a wrong parameter", status: 404,
		body: `{"code":20004,"message":"resource not found","data":"<text>"}`},
	{file: "config-history", row: "v3 previous unknown", reason: "not found, rather than a wrong parameter", status: 404,
		body: `{"code":20004,"message":"resource not found","data":"<text>"}`},

	{file: "config-gray", row: "delete tag by id", reason: "the recorded 500 is a fault; an unknown gray name is like any that is absent", status: 200, body: "true"},
	{file: "config-gray", row: "beta survives formal delete", reason: "the variant is gone with the formal content, not just unserved", status: 404,
		body: "config data not exist\n"},
	{file: "config-gray", row: "beta stop after formal delete", reason: "the variant is gone with the formal content, there is nothing to stop", status: 200,
		body: `{"code":500,"message":"remove beta data error","data":false,"noRight":false}`},

	{file: "config-search", row: "accurate two tags", reason: "a configuration is found once, not once for each of its tags", edit: foundOnce},
	{file: "config-search", row: "blur two tags", reason: "a configuration is found once, not once for each of its tags", edit: foundOnce},

	{file: "config-export-import-clone", row: "export by dataId without ids", reason: "no ids and blank ids are the same", status: 200,
		zip: []zipEntry{{"gzb/gz.b", "plain 文"}}},
	{file: "config-export-import-clone", row: "v3 admin export without ids", reason: "no ids and blank ids are the same", status: 200,
		zip: []zipEntry{{"gza/gz.a.yaml", "a: 1\n"}, {"gzb/gz.b", "plain 文"}, {".metadata.yml", "metadata:\n- appName: app1\n  dataId: gz.a.yaml\n  desc: dd\n  group: gza\n  type: yaml\n- appName: ''\n  dataId: gz.b\n  group: gzb\n  type: text\n"}}},
	{file: "config-export-import-clone", row: "imported row", reason: "the type comes from the extension, as before 3.1", edit: func(v any) any {
		v.(map[string]any)["type"], v.(map[string]any)["tenant"] = "yaml", "nszt"
		return v
	}},
	{file: "config-export-import-clone", row: "import again, ABORT", reason: noCounting, status: 200,
		body: `{"code":200,"message":"import success","noRight":false,"data":{"succCount":0,"skipCount":2,"failData":[{"dataId":"gz.a.yaml","group":"gza"}],
			"skipData":[{"dataId":"gz.b","group":"gzb"},{"dataId":"gz.new","group":"gzb"}]}}`},
	{file: "config-export-import-clone", row: "import again, SKIP", reason: noCounting, status: 200,
		body: `{"code":200,"message":"import success","noRight":false,"data":{"succCount":1,"skipCount":2,
			"skipData":[{"dataId":"gz.a.yaml","group":"gza"},{"dataId":"gz.b","group":"gzb"}]}}`},
	{file: "config-export-import-clone", row: "import bad characters in dataId", reason: "what no client could ask for by name is not stored", status: 200,
		body: `{"code":100003,"message":"未读取到合法数据","data":{"succCount":0},"noRight":false}`},
	{file: "config-export-import-clone", row: "v3 admin import v1 metadata", reason: "the recorded 500 is a fault; the metadata are illegal there", status: 200,
		body: `{"code":100002,"message":"<text>","data":{"succCount":0}}`},
	{file: "config-export-import-clone", row: "clone again ABORT", reason: noCounting, status: 200,
		body: `{"code":200,"message":"Clone Completed Successfully","noRight":false,"data":{"succCount":0,"skipCount":0,"failData":[{"dataId":"gz.clone","group":"gzclone"}]}}`},
	{file: "config-export-import-clone", row: "clone again SKIP", reason: noCounting, status: 200,
		body: `{"code":200,"message":"Clone Completed Successfully","noRight":false,"data":{"succCount":0,"skipCount":1,"skipData":[{"dataId":"gz.clone","group":"gzclone"}]}}`},
	{file: "config-export-import-clone", row: "clone keeping the name", reason: noCounting, status: 200,
		body: `{"code":200,"message":"Clone Completed Successfully","noRight":false,"data":{"succCount":0,"skipCount":0,"failData":[{"dataId":"gz.a.yaml","group":"gza"}]}}`},
	{file: "config-export-import-clone", row: "v3 console clone", reason: oneBodyForm, status: 200,
		body: `{"code":0,"message":"success","data":{"succCount":1,"skipCount":0}}`},
	{file: "config-export-import-clone", row: "v3 console clone again SKIP", reason: oneBodyForm, status: 200,
		body: `{"code":0,"message":"success","data":{"succCount":0,"skipCount":1,"skipData":[{"dataId":"gz.clone4","group":"gzclone"}]}}`},

	{file: "errors", row: "publish content over 10 MiB", reason: "the limit is that of the content, not 2 MiB of form, and the answer names it", status: 413,
		body: "caused: the content of ge.big has 10485761 bytes, at most 10485760 are allowed <text>;"},
	{file: "errors", row: "v2 history page not a number", reason: "the recorded 500 is a fault", status: 400, body: notANumber},

	{file: "v3-client-admin-console", row: "admin config list bad page", reason: "the recorded 500 is a fault", status: 400, body: notANumber},
	{file: "v3-client-admin-console", row: "console config list bad page", reason: "the recorded 500 is a fault", status: 400, body: notANumber},
	{file: "v3-client-admin-console", row: "console config wrong method", reason: "405 as on every other path", status: 405,
		body: `{"timestamp":"<time-iso>","status":405,"error":"Method Not Allowed","message":"Method 'PUT' is not supported.","path":"/nacos/v3/console/cs/config"}`},

	{file: "operator-core-console", row: "GET /", reason: ownConsole, status: 200, body: "<any>"},
	{file: "operator-core-console", row: "console GET /v1/console/server/announcement", reason: "nothing to announce", status: 200,
		body: `{"code":200,"message":null,"data":null,"noRight":false}`},
	{file: "operator-core-console", row: "console GET /v1/console/server/guide", reason: "the console is always on", status: 200,
		body: `{"code":200,"message":null,"data":null,"noRight":false}`},
	{file: "operator-core-console", row: "console GET /v3/console/server/announcement", reason: "nothing to announce", status: 200,
		body: `{"code":0,"message":"success","data":null}`},
	{file: "operator-core-console", row: "console GET /v3/console/server/guide", reason: "the console is always on", status: 200,
		body: `{"code":0,"message":"success","data":null}`},
	{file: "operator-core-console", row: "core simple nodes", reason: otherMachine, status: 200, body: `{"code":200,"message":null,"data":["<any>"],"noRight":false}`},
	{file: "operator-core-console", row: "GET /v2/core/loader/cluster", reason: otherMachine, edit: loadOfMachine},
	{file: "operator-core-console", row: "GET /v3/admin/core/loader/cluster", reason: otherMachine, edit: loadOfMachine},
	{file: "operator-core-console", row: "console GET /v3/console/nope", reason: "404 as on every other path", status: 404, body: noPage},
	{file: "operator-core-console", row: "v1 console path on the main port", reason: ownConsole, status: 200, body: "<any>"},
	{file: "operator-core-console", row: "v1 console health on the main port", reason: ownConsole, status: 200, body: "OK"},

	{file: "v2", row: "client list", reason: wholeServer, edit: ofWholeServer},
	{file: "v2", row: "publishers", reason: "they are shown also where no address is asked for", status: 200,
		body: `{"code":0,"message":"success","data":[{"clientId":"10.7.0.1:80#true","ip":"10.7.0.1","port":80,"cluster":"DEFAULT"},
			{"clientId":"10.7.0.2:80#true","ip":"10.7.0.2","port":80,"cluster":"c1"}]}`},
	{file: "v2", row: "catalog instances", reason: "what was changed before shows", edit: func(v any) any {
		host := page(v)["instances"].([]any)[1].(map[string]any)
		host["weight"], host["metadata"] = json.Number("4.0"), map[string]any{"p": "1"}
		delete(host, "instanceIdGenerator")
		return v
	}},
	{file: "v2", row: "register bad metadata", reason: "the recorded 500 is a fault", status: 400,
		body: `{"code":21002,"message":"instance metadata error","data":"metadata format incorrect:zz"}`},
	{file: "v2", row: "service list", reason: wholeServer, edit: ofWholeServer},
	{file: "v2", row: "service list bad page", reason: "the recorded 500 is a fault", status: 400, body: notANumber},
	{file: "v2", row: "service list page 0", reason: wholeServer, edit: ofWholeServer},
	{file: "v2", row: "metrics all", reason: wholeServer, edit: ofWholeServer},
	{file: "v3-client-admin-console", row: "admin metrics all", reason: wholeServer, edit: ofWholeServer},
	{file: "v3-client-admin-console", row: "admin client list", reason: wholeServer, edit: ofWholeServer},
	{file: "operator-core-console", row: "metrics onlyStatus=false", reason: wholeServer, edit: ofWholeServer},
	{file: "operator-core-console", row: "health server", reason: wholeServer, status: 200,
		body: `{"msg":"Hello! I am Nacos-Naming and healthy! total services: <count>, local port:<port>"}`},
	{file: "sdk-java1", row: "GET /v1/ns/service/list", reason: wholeServer, edit: ofWholeServer},
	{file: "sdk-java1", row: "with user and password: GET /v1/ns/service/list", reason: wholeServer, edit: ofWholeServer},

	{file: "naming-instance-v1", row: "beat malformed json", reason: "the recorded 500 is a fault", status: 400,
		body: "Param 'beat' is illegal, it should be the JSON of a heartbeat"},
	{file: "naming-instance-v1", row: "statuses", reason: noTime, status: 200,
		body: `{"ips":["10.1.0.1:8080_true","10.1.0.2:8081_true","10.1.0.3:8082_true","10.1.0.4:8083_true","10.1.0.5:8084_true","10.1.0.6:8085_false","10.1.0.7:8086_true","10.1.0.8:8087_true"]}`},
	{file: "naming-instance-v1", row: "list after deregister", reason: noTime + "; and a change of metadata leaves weights and what is disabled as it was", edit: func(v any) any {
		body := v.(map[string]any)
		hosts := body["hosts"].([]any)
		late := copyOf(hosts[3]).(map[string]any) // registered with a weight of 0
		late["weight"], late["healthy"] = json.Number("0.0"), true
		own := copyOf(hosts[2]).(map[string]any) // with times of its own
		own["instanceId"], own["ip"], own["port"], own["healthy"] = "10.1.0.7#8086#DEFAULT#DEFAULT_GROUP@@gi.a", "10.1.0.7", json.Number("8086"), true
		own["metadata"] = map[string]any{"preserved.heart.beat.interval": "1000", "preserved.heart.beat.timeout": "3000", "preserved.ip.delete.timeout": "6000"}
		own["instanceHeartBeatInterval"], own["instanceHeartBeatTimeOut"], own["ipDeleteTimeout"] = json.Number("1000"), json.Number("3000"), json.Number("6000")
		delete(own, "instanceIdGenerator")
		body["hosts"], body["allIPs"] = []any{hosts[0], hosts[2], own, late}, false
		return body
	}},
	{file: "naming-instance-v1", row: "health set", reason: "the recorded refusal is a fault", status: 200, body: "ok"},
	{file: "naming-instance-v1", row: "list after health set", reason: "it was set", edit: func(v any) any {
		v.(map[string]any)["hosts"].([]any)[0].(map[string]any)["healthy"] = false
		v.(map[string]any)["allIPs"] = false
		return v
	}},
	{file: "naming-instance-v1", row: "health set old path", reason: "the recorded refusal is a fault", status: 200, body: "ok"},
	{file: "naming-instance-v1", row: "register error: bad metadata", reason: "the recorded 500 is a fault", status: 400, body: "metadata format incorrect:nonsense"},

	{file: "naming-service-catalog-v1", row: "create bad threshold", reason: "taken as Nacos takes it: all are shown as healthy, always", status: 200, body: "ok"},
	{file: "naming-service-catalog-v1", row: "create threshold not a number", reason: "the recorded 500 is a fault", status: 400,
		body: "caused: Method parameter 'protectThreshold': Failed to convert <text>"},
	{file: "naming-service-catalog-v1", row: "list page not a number", reason: wholeServer, edit: ofWholeServer},
	{file: "naming-service-catalog-v1", row: "catalog services with instances", reason: "the recorded 500 is a fault; as 2.5 says", status: 200,
		body: "[" + catalogOf("gk.0", "10.6.0.0") + "," + catalogOf("gk.1", "10.6.0.1") + `,{"namespace":"nsk","groupName":"gkk","serviceName":"gk.empty","clusterMap":{},
			"metadata":{},"protectThreshold":0.0,"selector":{"type":"none","contextType":"NONE"},"ephemeral":false}]`},
	{file: "naming-service-catalog-v1", row: "catalog services no page", reason: "the recorded 500 is a fault", status: 400, body: "Parameter 'pageNo' is missing"},
	{file: "naming-service-catalog-v1", row: "catalog services bad regex", reason: "regular expressions are those of another library", status: 400,
		body: "error parsing regexp: missing closing ]: `[`"},

	{file: "config-listener", row: "listeners of a config", reason: "the recorded answer is a fault; it says who waits", status: 200,
		body: `{"collectStatus":200,"lisentersGroupkeyStatus":{"127.0.0.1":"f97c5d29941bfb1b2fdab0874906ab82"}}`},
	{file: "config-listener", row: "listeners of a config, none", reason: "nobody waits", status: 200, body: `{"collectStatus":200,"lisentersGroupkeyStatus":{}}`},
	{file: "config-listener", row: "configs listened by an ip", reason: "the recorded answer is a fault; it says what is waited for", status: 200, body: listened},
	{file: "config-listener", row: "configs listened by an ip, all", reason: "the recorded answer is a fault; it says what is waited for", status: 200, body: listened},
	{file: "config-listener", row: "configs listened by another ip", reason: "nothing is waited for there", status: 200, body: `{"collectStatus":200,"lisentersGroupkeyStatus":{}}`},
	{file: "config-listener", row: "poller of another ip, beta for 127.0.0.1 only", reason: "a client is not woken by a change that it does not see",
		status: 200, body: "", held: 10},
	{file: "config-listener", row: "short poll with Client-Version 3.1.0", reason: "the recorded empty body is a slip; the changed keys are sent",
		status: 200, body: "gl.a%02DEFAULT_GROUP%01\n"},
	{file: "config-listener", row: "bad: no separator", reason: "the recorded 500 is a fault", status: 400, body: badListening},
	{file: "config-listener", row: "bad: one word", reason: "the recorded 500 is a fault", status: 400, body: badListening},
	{file: "config-listener", row: "bad: five words", reason: "the recorded 500 is a fault", status: 400, body: badListening},
	{file: "config-listener", row: "trailing text without line end", reason: "ignored, as before 3.1", status: 200, body: "gl.a%02DEFAULT_GROUP%01\n"},
}

const listened = `{"collectStatus":200,"lisentersGroupkeyStatus":{"gl.e+DEFAULT_GROUP":"f97c5d29941bfb1b2fdab0874906ab82",
	"gl.f+DEFAULT_GROUP":"f97c5d29941bfb1b2fdab0874906ab82","gl.c+DEFAULT_GROUP":"f97c5d29941bfb1b2fdab0874906ab82","gl.g+DEFAULT_GROUP":"",
	"gl.absent+DEFAULT_GROUP":"","gl.d+DEFAULT_GROUP":"f97c5d29941bfb1b2fdab0874906ab82"}}`

// catalogOf is a service with an instance in the catalog of v1.
func catalogOf(service, ip string) string {
	return `{"namespace":"nsk","groupName":"gkk","serviceName":"` + service + `","clusterMap":{"DEFAULT":{"clusterName":"DEFAULT","healthChecker":{"type":"TCP"},"metadata":{},
		"hosts":[{"valid":true,"metadata":{},"port":80,"ip":"` + ip + `","weight":1.0,"enabled":true}]}},"metadata":{},"protectThreshold":0.0,
		"selector":{"type":"none","contextType":"NONE"},"ephemeral":true}`
}

// ofWholeServer leaves open how many there are of anything, and which are in a list.
func ofWholeServer(v any) any {
	open := func(o map[string]any) {
		for k, one := range o {
			switch one.(type) {
			case json.Number:
				if k != "code" {
					o[k] = "<number>"
				}
			case []any:
				o[k] = []any{"<more rows>"}
			}
		}
	}
	visit(v, open)
	return v
}

func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }

// page returns the page in a body, enveloped or not.
func page(v any) map[string]any {
	o := v.(map[string]any)
	if inner, ok := o["data"].(map[string]any); ok {
		return inner
	}
	return o
}

// totals changes how many rows and pages there are.
func totals(rows, pages int) func(any) any {
	return func(v any) any {
		page(v)["totalCount"], page(v)["pagesAvailable"] = number(rows), number(pages)
		return v
	}
}

// grayRow is the history row of a beta variant: op is I when it was made and D when it was taken away.
func grayRow(like any, op string) any {
	row := copyOf(like).(map[string]any)
	row["id"], row["opType"], row["publishType"], row["grayName"], row["srcUser"] = "<id>", op, "gray", "beta", nil
	row["extInfo"] = `{"gray_name":"beta","gray_rule":"{\"type\":\"beta\",\"expr\":\"10.0.0.1\",\"version\":\"1.0.0\",\"priority\":2147483647}"}`
	return row
}

// oneRowMore is the recorded list with the row of the variant that went with the formal content.
func oneRowMore(v any) any {
	p := page(totals(6, 1)(v))
	items := p["pageItems"].([]any)
	list := []any{items[0], grayRow(items[0], "D"), items[1], grayRow(items[0], "I")}
	p["pageItems"] = append(list, items[3:]...)
	return v
}

// shiftedPage is the second page of two rows of that list.
func shiftedPage(v any) any {
	p := page(totals(6, 3)(v))
	items := p["pageItems"].([]any)
	removed := copyOf(items[1]).(map[string]any)
	removed["opType"], removed["srcUser"], removed["extInfo"] = "D", nil, `{"type":"text","config_tags":"x"}`
	p["pageItems"] = []any{removed, grayRow(items[0], "I")}
	return v
}

// foundOnce is a recorded page whose first item is there twice, without the second.
func foundOnce(v any) any {
	p := page(totals(2, 1)(v))
	p["pageItems"] = p["pageItems"].([]any)[1:]
	return v
}

// loadOfMachine leaves open what differs from machine to machine in the answer about the load of a cluster.
func loadOfMachine(v any) any {
	body := v.(map[string]any)
	if data, ok := body["data"].(map[string]any); ok { // v3
		body = data
	}
	node := body["detail"].([]any)[0].(map[string]any)
	node["address"] = "<any>"
	if metric, ok := node["metric"].(map[string]any); ok { // v2
		node = metric
	}
	node["load"], node["cpu"] = "<any>", "<any>"
	return v
}
