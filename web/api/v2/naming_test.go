package v2_test

import (
	"net/url"
	"testing"

	"nacre/server/settings"
)

const (
	instanceAt = "/nacos/v2/ns/instance"
	serviceAt  = "/nacos/v2/ns/service"
	done       = `{"code":0,"message":"success","data":"ok"}`
	portLine   = "Param 'port' is illegal, the value should be between 0 and 65535.\r\n"
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

func failure(code, message, text string) string {
	return `{"code":` + code + `,"message":"` + message + `","data":"` + text + `"}`
}

func TestInstances(t *testing.T) {
	s := start(t, nil)
	at := instanceAt + "?serviceName=s&ip=10.0.0.1&port=80"
	detail := func(name, weight, metadata string) scenario {
		return send(name, "GET", at, nil, `{"code":0,"message":"success","data":{"serviceName":"DEFAULT_GROUP@@s","ip":"10.0.0.1","port":80,"clusterName":"DEFAULT","weight":`+weight+`,"healthy":true,"instanceId":null,"metadata":`+metadata+`}}`)
	}
	grouped := func(more ...string) url.Values {
		return form(append([]string{"serviceName", "DEFAULT_GROUP@@s", "ip", "10.0.0.1", "port", "80"}, more...)...)
	}
	run(t, s, []scenario{
		wrong("without a service", "POST", instanceAt, form("ip", "10.0.0.1", "port", "80"), 400, missing("Required parameter 'serviceName' type String is not present")),
		wrong("without an address", "POST", instanceAt, form("serviceName", "s", "port", "80"), 400, missing("Required parameter 'ip' type String is not present")),
		wrong("without a port", "POST", instanceAt, form("serviceName", "s", "ip", "10.0.0.1"), 400, missing("Required parameter 'port' type Integer is not present")),
		wrong("a port that is no number", "POST", instanceAt, form("serviceName", "s", "ip", "10.0.0.1", "port", "x"), 400, portLine),
		wrong("a weight out of range", "POST", instanceAt, instance("weight", "10001"), 400, failure("21001", "weight error", "instance format invalid: The weights range from 0.0 to 10000.0")),
		wrong("a weight that is a word", "POST", instanceAt, instance("weight", "x"), 400, invalid(`Parameter 'weight' is not a number: \"x\"`)),
		wrong("a word that is neither true nor false", "POST", instanceAt, instance("enabled", "maybe"), 400, invalid(`Parameter 'enabled' is neither true nor false: \"maybe\"`)),
		wrong("metadata that are none", "POST", instanceAt, instance("metadata", "x"), 400, failure("21002", "instance metadata error", "metadata format incorrect:x")),
		wrong("a cluster with an underscore", "POST", instanceAt, instance("clusterName", "a_b"), 400, failure("21004", "instance error", "Instance 'clusterName' should be characters with only 0-9a-zA-Z-. (current: a_b)")),
		wrong("heartbeats that contradict", "POST", instanceAt, instance("metadata", "preserved.heart.beat.interval=90000"), 400, failure("21004", "instance error", "Instance 'heart beat interval' must less than 'heart beat timeout' and 'ip delete timeout'.")),
		wrong("nothing was registered", "GET", at, nil, 404, failure("20004", "resource not found", "no ips found for cluster DEFAULT in service DEFAULT_GROUP@@s")),
		wrong("an unknown service is not changed", "PUT", instanceAt, instance(), 400, failure("21004", "instance error", "service not found, namespace: public, service: Service{namespace='public', group='DEFAULT_GROUP', name='s', ephemeral=true, revision=0}")),

		send("it is registered", "POST", instanceAt, instance("metadata", "a=1"), done),
		send("without an id", "GET", instanceAt+"/list?serviceName=s", nil, `{"code":0,"message":"success","data":{"name":"DEFAULT_GROUP@@s","groupName":"DEFAULT_GROUP","clusters":"","cacheMillis":10000,"hosts":[{"ip":"10.0.0.1","port":80,"weight":1.0,"healthy":true,"enabled":true,"ephemeral":true,"clusterName":"DEFAULT","serviceName":"DEFAULT_GROUP@@s","metadata":{"a":"1"},"instanceHeartBeatInterval":5000,"instanceHeartBeatTimeOut":15000,"ipDeleteTimeout":30000}],"lastRefTime":<*>,"checksum":"","allIPs":false,"allIps":false,"reachProtectionThreshold":false,"valid":true}}`),
		detail("it is shown", "1.0", `{"a":"1"}`),
		wrong("another is not there", "GET", at+"&clusterName=c", nil, 404, failure("20004", "resource not found", "no matched ip found!")),
		wrong("the other kind", "POST", instanceAt, instance("ephemeral", "false"), 400, failure("30000", "server error", "errCode: 400, errMsg: Current service DEFAULT_GROUP@@s is ephemeral service, can't register persistent instance. ")),
		send("it is changed", "PUT", instanceAt, instance("weight", "3"), done),
		{Name: "a patch has no envelope", Method: "PATCH", Path: instanceAt, Form: grouped("weight", "4", "enabled", "", "metadata", `{"b":"2"}`), Want: "ok", WantHeader: map[string]string{"Content-Type": "text/plain;charset=UTF-8"}},
		detail("both show", "4.0", `{"a":"1","b":"2"}`),
		wrong("a patch needs all parameters", "PATCH", instanceAt, grouped("weight", "4", "enabled", "true"), 400, missing("Required request parameter 'metadata' for method parameter type String is not present")),
		wrong("a patch needs the grouped name", "PATCH", instanceAt, instance("weight", "4", "enabled", "true", "metadata", ""), 400, invalid("Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName'")),
		send("metadata of many", "PUT", instanceAt+"/metadata/batch", form("serviceName", "s", "metadata", `{"x":"y"}`), `{"code":0,"message":"success","data":{"updated":["10.0.0.1:80:unknown:DEFAULT:ephemeral"]}}`),
		send("and back", "DELETE", instanceAt+"/metadata/batch?serviceName=s&metadata=x%3Dy", nil, `{"code":0,"message":"success","data":{"updated":["10.0.0.1:80:unknown:DEFAULT:ephemeral"]}}`),
		wrong("metadata of many need metadata", "PUT", instanceAt+"/metadata/batch", form("serviceName", "s"), 400, missing("Required parameter 'metadata' type String is not present")),
		send("a heartbeat has no envelope", "PUT", instanceAt+"/beat", grouped(), `{"clientBeatInterval":5000,"code":10200,"lightBeatEnabled":true}`),
		wrong("a heartbeat needs the grouped name", "PUT", instanceAt+"/beat", instance(), 400, invalid("Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName'")),
		wrong("a heartbeat that is no JSON", "PUT", instanceAt+"/beat", grouped("beat", "x"), 400, invalid("Param 'beat' is illegal, it should be the JSON of a heartbeat")),
		send("statuses have none, either", "GET", instanceAt+"/statuses/public%23%23DEFAULT_GROUP@@s", nil, `{"ips":["10.0.0.1:80_true"]}`),
		wrong("statuses need the grouped name", "GET", instanceAt+"/statuses/s", nil, 400, invalid("Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName'")),
		send("one more, that is not healthy and disabled", "POST", instanceAt, form("serviceName", "s", "ip", "10.0.0.2", "port", "80", "healthy", "false", "enabled", "false"), done),
		{Name: "the catalog has all", Method: "GET", Path: "/nacos/v2/ns/catalog/instances?serviceName=s&pageNo=1&pageSize=9", Has: []string{`"10.0.0.1"`, `"10.0.0.2"`, `"count":2`}},
		{Name: "or those that are healthy", Method: "GET", Path: "/nacos/v2/ns/catalog/instances?serviceName=s&pageNo=1&pageSize=9&healthyOnly=true", Has: []string{`"10.0.0.1"`, `"count":1`}, HasNot: []string{`"10.0.0.2"`}},
		{Name: "or those that are not enabled", Method: "GET", Path: "/nacos/v2/ns/catalog/instances?serviceName=s&pageNo=1&pageSize=9&enabledOnly=false", Has: []string{`"10.0.0.2"`, `"count":1`}, HasNot: []string{`"10.0.0.1"`}},
		send("a page beyond the last", "GET", "/nacos/v2/ns/catalog/instances?serviceName=s&pageNo=3&pageSize=9", nil, `{"code":0,"message":"success","data":{"count":2}}`),
		wrong("a page is needed", "GET", "/nacos/v2/ns/catalog/instances?serviceName=s&pageNo=3", nil, 400, missing("Required request parameter 'pageSize' for method parameter type int is not present")),
		{Name: "lists leave disabled ones out", Method: "GET", Path: instanceAt + "/list?serviceName=s", HasNot: []string{"10.0.0.2"}},
		wrong("a list needs a service", "GET", instanceAt+"/list", nil, 400, missing("Required request parameter 'serviceName' for method parameter type String is not present")),
		wrong("a list of a cluster that can't be", "GET", instanceAt+"/list?serviceName=s&clusterName=a,b.c", nil, 400, "Param 'cluster' is illegal, illegal characters should not appear in the param.\r\n"),
		wrong("a health that nobody may say", "PUT", "/nacos/v2/ns/health/instance", instance("healthy", "true"), 400, failure("30000", "server error", "health check is still working, service: DEFAULT_GROUP@@s, cluster: DEFAULT")),
		wrong("a health that is not said", "PUT", "/nacos/v2/ns/health", instance(), 400, missing("Required parameter 'healthy' type Boolean is not present")),
		send("it is deregistered", "DELETE", at, nil, done),
		send("which nobody minds twice", "DELETE", at, nil, done),
	})
}

func TestServices(t *testing.T) {
	s := start(t, nil)
	run(t, s, []scenario{
		wrong("without a name", "POST", serviceAt, form("x", "y"), 400, missing("Required parameter 'serviceName' type String is not present")),
		wrong("an unknown selector", "POST", serviceAt, form("serviceName", "a", "selector", `{"type":"x"}`), 400, failure("21006", "selector error", "not match any type of selector!")),
		wrong("a threshold that is a word", "POST", serviceAt, form("serviceName", "a", "protectThreshold", "x"), 400, invalid(`Parameter 'protectThreshold' is not a number: \"x\"`)),
		wrong("not there", "GET", serviceAt+"?serviceName=a", nil, 400, failure("21008", "service not exist", "service not found, namespace: public, serviceName: DEFAULT_GROUP@@a")),
		send("created", "POST", serviceAt, form("serviceName", "a", "ephemeral", "true", "protectThreshold", "0.1", "groupName", "g", "namespaceId", "dev"), done),
		wrong("twice", "POST", serviceAt, form("serviceName", "a", "groupName", "g", "namespaceId", "dev"), 400, failure("21007", "service already exist", "specified service g@@a already exists!")),
		send("shown", "GET", serviceAt+"?serviceName=a&groupName=g&namespaceId=dev", nil, `{"code":0,"message":"success","data":{"namespace":"dev","serviceName":"a","groupName":"g","clusterMap":{},"metadata":{},"protectThreshold":0.1,"selector":{"type":"none","contextType":"NONE"},"ephemeral":true}}`),
		send("changed", "PUT", serviceAt, form("serviceName", "a", "groupName", "g", "namespaceId", "dev", "metadata", "k=v"), done),
		{Name: "as a whole", Method: "GET", Path: serviceAt + "?serviceName=g@@a&namespaceId=dev", Has: []string{`"metadata":{"k":"v"},"protectThreshold":0.0`}},
		send("listed", "GET", serviceAt+"/list?groupName=g&namespaceId=dev", nil, `{"code":0,"message":"success","data":{"count":1,"services":["a"]}}`),
		send("in its group", "GET", serviceAt+"/list?namespaceId=dev", nil, `{"code":0,"message":"success","data":{"count":0,"services":[]}}`),
		wrong("a page that is a word", "GET", serviceAt+"/list?pageNo=x", nil, 400, invalid(`Parameter 'pageNo' is not a number: \"x\"`)),
		send("taken away", "DELETE", serviceAt+"?serviceName=a&groupName=g&namespaceId=dev", nil, done),
		wrong("not twice", "DELETE", serviceAt+"?serviceName=a&groupName=g&namespaceId=dev", nil, 400, failure("21008", "service not exist", "service g@@a not found!")),
		send("a switch", "PUT", "/nacos/v2/ns/ops/switches", form("entry", "healthCheckTimes", "value", "5", "debug", "true"), done),
		{Name: "is set", Method: "GET", Path: "/nacos/v2/ns/operator/switches", Has: []string{`"checkTimes":5`}},
		wrong("a switch that can't be", "PUT", "/nacos/v2/ns/operator/switches", form("entry", "healthCheckTimes", "value", "x"), 400, invalid(`For input string: \"x\"`)),
		wrong("a switch without a name", "PUT", "/nacos/v2/ns/operator/switches", form("value", "x"), 400, missing("Required parameter 'entry' type String is not present")),
		send("metrics", "GET", "/nacos/v2/ns/operator/metrics", nil, `{"code":0,"message":"success","data":{"status":"UP"}}`),
		wrong("an unknown client", "GET", "/nacos/v2/ns/client?clientId=x", nil, 404, failure("20004", "resource not found", "clientId [ x ] not exist")),
		wrong("no client", "GET", "/nacos/v2/ns/client/publish/list", nil, 400, missing("Required request parameter 'clientId' for method parameter type String is not present")),
		{Name: "an unknown path", Method: "GET", Path: "/nacos/v2/ns/nope", Status: 404},
		{Name: "an unknown method", Method: "POST", Path: instanceAt + "/list", Status: 405, WantHeader: map[string]string{"Allow": "GET"}},
	})
}

func TestOldPathsOfNamingCanBeSwitchedOff(t *testing.T) {
	s := start(t, func(s *settings.Settings) { s.APICompatAdmin, s.APICompatConsole = false, false })
	run(t, s, []scenario{
		{Name: "for administrators", Method: "GET", Path: instanceAt + "/list?serviceName=s", Status: 410, Has: []string{"GET ${contextPath:nacos}/v3/admin/ns/instance/list"}},
		{Name: "for the console", Method: "GET", Path: "/nacos/v2/ns/catalog/instances", Status: 410, Has: []string{"nacos.core.api.compatibility.console.enabled"}},
	})
}
