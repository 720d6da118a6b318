package v3_test

import (
	"net/url"
	"testing"

	"nacre/server/servertest"
	"nacre/web/api/apitest"
)

const (
	clientNs  = "/nacos/v3/client/ns/instance"
	adminNs   = "/nacos/v3/admin/ns"
	consoleNs = "/nacos/v3/console/ns"
	done      = `{"code":0,"message":"success","data":"ok"}`
)

func instance(more ...string) url.Values {
	return form(append([]string{"serviceName", "s", "ip", "10.0.0.1", "port", "80"}, more...)...)
}

func send(name, method, path string, f url.Values, want string) scenario {
	return scenario{Name: name, Method: method, Path: path, Form: f, Want: want, WantHeader: map[string]string{"Content-Type": "application/json"}}
}

func wrong(name, method, path string, f url.Values, status int, want string) scenario {
	return scenario{Name: name, Method: method, Path: path, Form: f, Status: status, Want: want}
}

// host is an instance as it is shown.
func host(ip, cluster, weight, metadata, end string) string {
	return `{"ip":"` + ip + `","port":80,"weight":` + weight + `,"healthy":true,"enabled":true,"ephemeral":true,"clusterName":"` + cluster + `","serviceName":"DEFAULT_GROUP@@s","metadata":` + metadata +
		`,"instanceHeartBeatInterval":5000,"instanceHeartBeatTimeOut":15000,"ipDeleteTimeout":30000` + end + `}`
}

func data(v string) string { return `{"code":0,"message":"success","data":` + v + `}` }

const simple = `,"instanceIdGenerator":"simple"`

func TestClientsOfTheRegistry(t *testing.T) {
	s := servertest.Start(t, servertest.With(trusting))
	list := clientNs + "/list?serviceName=s"
	apitest.Run(t, s.URL, s.Configs(), []scenario{
		wrong("without a service", "POST", clientNs, form("ip", "10.0.0.1", "port", "80"), 400, missing("serviceName")),
		wrong("without an address", "POST", clientNs, form("serviceName", "s", "port", "80"), 400, missing("ip")),
		wrong("a weight out of range", "POST", clientNs, instance("weight", "-1"), 400, refused(21001, "weight error", "instance format invalid: The weights range from 0.0 to 10000.0")),
		wrong("a name in Chinese", "POST", clientNs, instance("groupName", "组"), 400, "Param 'group' is illegal, illegal characters should not appear in the param.\r\n"),
		send("a heartbeat of what nobody knows has its code, and is no failure", "POST", clientNs, instance("heartBeat", "true"), `{"code":21003,"message":"instance not found","data":null}`),
		send("no service has no instances", "GET", list, nil, data("[]")),
		wrong("a list needs a service", "GET", clientNs+"/list", nil, 400, missing("serviceName")),
		send("registered", "POST", clientNs, instance("metadata", `{"a":"b"}`), done),
		send("in another cluster", "POST", clientNs, form("serviceName", "s", "ip", "10.0.0.2", "port", "80", "clusterName", "c1"), done),
		send("a disabled one", "POST", clientNs, form("serviceName", "s", "ip", "10.0.0.3", "port", "80", "enabled", "false"), done),
		send("a heartbeat", "POST", clientNs, instance("heartBeat", "true"), done),
		send("lists are of the usual cluster", "GET", list, nil, data("["+host("10.0.0.1", "DEFAULT", "1.0", `{"a":"b"}`, "")+"]")),
		send("unless they say", "GET", list+"&clusterName=c1", nil, data("["+host("10.0.0.2", "c1", "1.0", "{}", simple)+"]")),
		{Name: "of several", Method: "GET", Path: list + "&clusterName=DEFAULT,c1&healthyOnly=true", Has: []string{"10.0.0.1", "10.0.0.2"}, HasNot: []string{"10.0.0.3"}},
		send("deregistered", "DELETE", clientNs+"?serviceName=s&ip=10.0.0.1&port=80", nil, done),
		send("twice", "DELETE", clientNs, instance(), done),
		send("it is gone", "GET", list, nil, data("[]")),
		{Name: "an unknown method", Method: "PUT", Path: clientNs, Status: 405},
	})
}

func TestAdministratorsOfTheRegistry(t *testing.T) {
	s := servertest.Start(t, servertest.With(trusting))
	at := adminNs + "/instance"
	absent := refused(30000, "server error", "service DEFAULT_GROUP@@none is not found!")
	cluster := form("serviceName", "s", "clusterName", "DEFAULT", "checkPort", "80", "useInstancePort4Check", "true", "healthChecker", `{"type":"NONE"}`)
	apitest.Run(t, s.URL, s.Configs(), []scenario{
		send("registered", "POST", at, instance("metadata", "a=b"), done),
		send("shown", "GET", at+"?serviceName=s&ip=10.0.0.1&port=80", nil, data(host("10.0.0.1", "DEFAULT", "1.0", `{"a":"b"}`, ""))),
		wrong("not there", "GET", at+"?serviceName=s&ip=10.0.0.9&port=80", nil, 404, refused(20004, "resource not found", "no matched ip found!")),
		send("patched", "PUT", at+"/partial", instance("weight", "2"), done),
		send("patched once more", "PUT", at+"/partial", instance("metadata", `{"p":"1"}`), done),
		send("what a patch does not say stays", "GET", at+"?serviceName=s&ip=10.0.0.1&port=80", nil, data(host("10.0.0.1", "DEFAULT", "2.0", `{"a":"b","p":"1"}`, ""))),
		send("metadata of many", "PUT", at+"/metadata/batch", form("serviceName", "s", "metadata", `{"x":"1"}`, "instances", `[{"ip":"10.0.0.1","port":80}]`), data(`{"updated":["10.0.0.1:80:unknown:DEFAULT:ephemeral"]}`)),
		send("and back", "DELETE", at+"/metadata/batch?serviceName=s&metadata=x%3D1", nil, data(`{"updated":["10.0.0.1:80:unknown:DEFAULT:ephemeral"]}`)),
		send("changed by the console", "PUT", consoleNs+"/instance", instance("weight", "3", "metadata", "q=2"), done),
		send("listed", "GET", at+"/list?serviceName=s", nil, data("["+host("10.0.0.1", "DEFAULT", "3.0", `{"a":"b","q":"2"}`, "")+"]")),
		send("a page of them", "POST", consoleNs+"/instance/list", form("serviceName", "s", "pageNo", "1", "pageSize", "1"), data(`{"totalCount":1,"pageNumber":1,"pagesAvailable":1,"pageItems":[`+host("10.0.0.1", "DEFAULT", "3.0", `{"a":"b","q":"2"}`, "")+"]}")),
		send("an empty page", "GET", consoleNs+"/instance/list?serviceName=s&pageNo=2&pageSize=1", nil, data(`{"totalCount":1,"pageNumber":2,"pagesAvailable":1,"pageItems":[]}`)),
		wrong("instances of no service", "GET", at+"/list?serviceName=none", nil, 404, absent),
		wrong("on the console, too", "GET", consoleNs+"/instance/list?serviceName=none", nil, 404, absent),
		wrong("instances of no cluster", "GET", at+"/list?serviceName=s&clusterName=x", nil, 404, refused(30000, "server error", "cluster x is not found!")),
		wrong("health that nobody may say", "PUT", adminNs+"/health/instance", instance("healthy", "true"), 400, refused(30000, "server error", "health check is still working, service: DEFAULT_GROUP@@s, cluster: DEFAULT")),
		send("a cluster", "PUT", adminNs+"/cluster", cluster, done),
		send("on the console, too", "PUT", consoleNs+"/service/cluster", cluster, done),
		wrong("a cluster without a checker", "PUT", adminNs+"/cluster", form("serviceName", "s", "clusterName", "c", "checkPort", "1", "useInstancePort4Check", "true"), 400, missing("healthChecker")),
		wrong("a cluster of no service", "PUT", adminNs+"/cluster", form("serviceName", "none", "clusterName", "c", "checkPort", "1", "useInstancePort4Check", "true", "healthChecker", "{}"), 400, refused(30000, "server error", "service not found groupName: DEFAULT_GROUP,serviceName: none")),
		send("a service", "GET", adminNs+"/service?serviceName=s", nil, data(`{"namespaceId":"public","serviceName":"s","groupName":"DEFAULT_GROUP","clusterMap":{"DEFAULT":{"clusterName":"DEFAULT","healthChecker":{"type":"NONE"},"healthyCheckPort":80,"useInstancePortForCheck":true,"metadata":{},"hosts":null}},"metadata":{},"protectThreshold":0.0,"selector":{"type":"none","contextType":"NONE"},"ephemeral":true}`)),
		wrong("no service", "GET", adminNs+"/service?serviceName=none", nil, 400, refused(21008, "service not exist", "service not found, namespace: public, serviceName: DEFAULT_GROUP@@none")),
		wrong("no service on the console", "GET", consoleNs+"/service?serviceName=none", nil, 404, absent),
		send("created", "POST", consoleNs+"/service", form("serviceName", "e", "groupName", "g", "protectThreshold", "0.2", "selector", `{"type":"label","expression":"CONSUMER.label.A = PROVIDER.label.A"}`), done),
		wrong("twice", "POST", adminNs+"/service", form("serviceName", "e", "groupName", "g"), 400, refused(21007, "service already exist", "specified service g@@e already exists!")),
		send("changed", "PUT", adminNs+"/service", form("serviceName", "e", "groupName", "g", "protectThreshold", "0.4"), done),
		wrong("an unknown one changed", "PUT", consoleNs+"/service", form("serviceName", "none"), 400, refused(21008, "service not exist", "service DEFAULT_GROUP@@none not found!")),
		send("listed", "GET", adminNs+"/service/list?pageNo=1&pageSize=1", nil, data(`{"totalCount":2,"pageNumber":1,"pagesAvailable":2,"pageItems":[{"name":"s","groupName":"DEFAULT_GROUP","clusterCount":1,"ipCount":1,"healthyInstanceCount":1,"triggerFlag":"false"}]}`)),
		send("those with instances", "GET", consoleNs+"/service/list?groupNameParam=g&ignoreEmptyService=true", nil, data(`{"totalCount":1,"pageNumber":1,"pagesAvailable":1,"pageItems":[{"name":"s","groupName":"DEFAULT_GROUP","clusterCount":1,"ipCount":1,"healthyInstanceCount":1,"triggerFlag":"false"}]}`)),
		send("with their instances", "GET", consoleNs+"/service/list?serviceNameParam=s&withInstances=true", nil, data(`{"totalCount":1,"pageNumber":1,"pagesAvailable":1,"pageItems":[{"namespaceId":null,"serviceName":"s","groupName":"DEFAULT_GROUP","clusterMap":{"DEFAULT":{"clusterName":null,"healthChecker":null,"healthyCheckPort":80,"useInstancePortForCheck":true,"metadata":null,"hosts":[`+host("10.0.0.1", "DEFAULT", "3.0", `{"a":"b","q":"2"}`, "")+`]}},"metadata":{},"protectThreshold":0.0,"selector":null,"ephemeral":null}]}`)),
		wrong("a page that is none", "GET", adminNs+"/service/list?pageNo=0", nil, 400, invalid("Required parameter 'pageNo' should be positive integer, current is 0")),
		wrong("an expression that is none", "GET", adminNs+"/service/list?serviceNameParam=%5B", nil, 400, invalid("error parsing regexp: missing closing ]: `[`")),
		wrong("taken away with instances", "DELETE", adminNs+"/service?serviceName=s", nil, 400, refused(21009, "service delete failure", "Service DEFAULT_GROUP@@s is not empty, can't be delete. Please unregister instance first")),
		send("taken away", "DELETE", consoleNs+"/service?serviceName=e&groupName=g", nil, done),
		send("nobody subscribes", "GET", adminNs+"/service/subscribers?serviceName=s", nil, data(`{"totalCount":0,"pageNumber":1,"pagesAvailable":0,"pageItems":[]}`)),
		send("kinds of selectors", "GET", consoleNs+"/service/selector/types", nil, data(`["label","none"]`)),
		{Name: "kinds of checkers", Method: "GET", Path: adminNs + "/health/checkers", Has: []string{`"MYSQL":{"cmd":null,"pwd":null,"user":null}`}},
		send("clients", "GET", adminNs+"/client/list", nil, data(`["10.0.0.1:80#true"]`)),
		send("one of them", "GET", adminNs+"/client?clientId=10.0.0.1:80%23true", nil, data(`{"clientId":"10.0.0.1:80#true","ephemeral":true,"lastUpdatedTime":<*>,"clientType":"ipPort","connectType":null,"appName":null,"version":null,"clientIp":null,"clientPort":0}`)),
		wrong("another", "GET", adminNs+"/client?clientId=x", nil, 404, refused(20004, "resource not found", "clientId [ x ] not exist")),
		send("what it registered", "GET", adminNs+"/client/publish/list?clientId=10.0.0.1:80%23true", nil, data(`[{"namespaceId":"public","groupName":"DEFAULT_GROUP","serviceName":"s","publisherInfo":{"clientId":null,"ip":"10.0.0.1","port":80,"clusterName":"DEFAULT"},"subscriberInfo":null}]`)),
		send("who registered", "GET", adminNs+"/client/service/publisher/list?serviceName=s&ip=10.0.0.1", nil, data(`[{"clientId":"10.0.0.1:80#true","ip":"10.0.0.1","port":80,"clusterName":"DEFAULT"}]`)),
		send("at another port", "GET", adminNs+"/client/service/publisher/list?serviceName=s&port=81", nil, data(`[]`)),
		{Name: "who looks after it", Method: "GET", Path: adminNs + "/client/distro?ip=10.0.0.1&port=80", Has: []string{`{"responsibleServer":"`}},
		send("a switch", "PUT", adminNs+"/ops/switches", form("entry", "healthCheckTimes", "value", "5"), done),
		{Name: "is set", Method: "GET", Path: adminNs + "/ops/switches", Has: []string{`"checkTimes":5`}},
		{Name: "metrics", Method: "GET", Path: adminNs + "/ops/metrics?onlyStatus=false", Has: []string{`"status":"UP","serviceCount":1,"instanceCount":1`}, HasNot: []string{`"cpu"`}},
		wrong("a level of the log that is none", "PUT", adminNs+"/ops/log?logName=x&logLevel=loud", nil, 400, ""),
	})
}
