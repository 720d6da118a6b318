package v1_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"nacre/server/settings"
)

const (
	instanceAt = "/nacos/v1/ns/instance"
	serviceAt  = "/nacos/v1/ns/service"
	plainText  = "text/plain;charset=UTF-8"
)

// instance is a form about an instance of the service s at 10.0.0.1:80.
func instance(more ...string) url.Values {
	return form(append([]string{"serviceName", "s", "ip", "10.0.0.1", "port", "80"}, more...)...)
}

// atPort is instance with another port.
func atPort(port string, more ...string) url.Values {
	return form(append([]string{"serviceName", "s", "ip", "10.0.0.1", "port", port}, more...)...)
}

const portLine = "Param 'port' is illegal, the value should be between 0 and 65535.\r\n"

func illegalParam(name string) string {
	return "Param '" + name + "' is illegal, illegal characters should not appear in the param.\r\n"
}

func done(name, method, path string, f url.Values) scenario {
	return scenario{Name: name, Method: method, Path: path, Form: f, Want: "ok", WantHeader: map[string]string{"Content-Type": plainText}}
}

func refusedNaming(name, method, path string, f url.Values, status int, want string) scenario {
	return scenario{Name: name, Method: method, Path: path, Form: f, Status: status, Want: want}
}

func read(name, path string, has ...string) scenario {
	return scenario{Name: name, Method: "GET", Path: path, Has: has}
}

func TestRegisteringAnInstance(t *testing.T) {
	s := start(t, nil)
	list := instanceAt + "/list?serviceName=s"
	wrong := func(name string, f url.Values, want string) scenario {
		return refusedNaming(name, "POST", instanceAt, f, 400, want)
	}
	run(t, s, []scenario{
		wrong("without a service", form("ip", "10.0.0.1", "port", "80"), "Param 'serviceName' is required."),
		wrong("with a blank service", form("serviceName", " ", "ip", "10.0.0.1", "port", "80"), "Param 'serviceName' is required."),
		wrong("without an address", form("serviceName", "s", "port", "80"), "Param 'ip' is required."),
		wrong("without a port", form("serviceName", "s", "ip", "10.0.0.1"), "Param 'port' is required."),
		wrong("a port that is no number ends the line as on Windows", atPort("x"), portLine),
		wrong("a port beyond the last", atPort("65536"), portLine),
		wrong("a negative weight", instance("weight", "-0.1"), "instance format invalid: The weights range from 0.0 to 10000.0"),
		wrong("a weight of 10⁹", instance("weight", "1e9"), "instance format invalid: The weights range from 0.0 to 10000.0"),
		wrong("a weight that is NaN", instance("weight", "NaN"), "instance format invalid: The weights range from 0.0 to 10000.0"),
		wrong("a weight beyond any", instance("weight", "1e999"), "instance format invalid: The weights range from 0.0 to 10000.0"),
		wrong("a weight that is a word", instance("weight", "heavy"), `For input string: "heavy"`),
		wrong("metadata that are neither JSON nor pairs", instance("metadata", "a=b=c"), "metadata format incorrect:a=b=c"),
		wrong("metadata of JSON with an object in it", instance("metadata", `{"a":{}}`), `metadata format incorrect:{"a":{}}`),
		wrong("metadata that are too long", instance("metadata", `{"k":"`+strings.Repeat("v", 1024)+`"}`), "Param 'Metadata' is illegal, the param length should not exceed 1024.\r\n"),
		wrong("a cluster with an underscore", instance("clusterName", "a_b"), "Instance 'clusterName' should be characters with only 0-9a-zA-Z-. (current: a_b)"),
		wrong("a cluster with a dot", instance("cluster", "a.b"), illegalParam("cluster")),
		wrong("a namespace with a dot", instance("namespaceId", "a.b"), illegalParam("namespaceId/tenant")),
		wrong("a group with a slash", instance("groupName", "a/b"), illegalParam("group")),
		wrong("a name in Chinese", form("serviceName", "服务", "ip", "10.0.0.1", "port", "80"), illegalParam("serviceName")),
		wrong("a name in three parts", form("serviceName", "a@@b@@c", "ip", "10.0.0.1", "port", "80"), illegalParam("serviceName")),
		{Name: "a name with an empty group", Method: "POST", Path: instanceAt, Form: form("serviceName", "@@b", "ip", "10.0.0.1", "port", "80"), Status: 400, Has: []string{"Service name filter error,caused: Param 'serviceName' is illegal, groupName can't be empty;"}},
		{Name: "a group with an empty name", Method: "POST", Path: instanceAt, Form: form("serviceName", "g@@", "ip", "10.0.0.1", "port", "80"), Status: 400, Has: []string{"it should be format as 'groupName@@serviceName'"}},
		wrong("heartbeats less often than the timeout", instance("metadata", "preserved.heart.beat.interval=9000,preserved.heart.beat.timeout=3000"), "Instance 'heart beat interval' must less than 'heart beat timeout' and 'ip delete timeout'."),
		{Name: "a refused instance registers nothing", Method: "GET", Path: serviceAt + "/list?pageNo=1&pageSize=10", Want: `{"count":0,"doms":[]}`},

		done("with what it needs alone", "POST", instanceAt, instance()),
		{Name: "it is seen at once", Method: "GET", Path: list, Want: `{"name":"DEFAULT_GROUP@@s","groupName":"DEFAULT_GROUP","clusters":"","cacheMillis":10000,"hosts":[{"instanceId":"10.0.0.1#80#DEFAULT#DEFAULT_GROUP@@s","ip":"10.0.0.1","port":80,"weight":1.0,"healthy":true,"enabled":true,"ephemeral":true,"clusterName":"DEFAULT","serviceName":"DEFAULT_GROUP@@s","metadata":{},"instanceHeartBeatInterval":5000,"instanceHeartBeatTimeOut":15000,"ipDeleteTimeout":30000,"instanceIdGenerator":"simple"}],"lastRefTime":<*>,"checksum":"","allIPs":false,"allIps":false,"reachProtectionThreshold":false,"valid":true}`, WantHeader: map[string]string{"Content-Type": "application/json"}},
		done("again with everything, in the words of Python", "POST", instanceAt, instance("weight", "2.5", "enable", "True", "healthy", "true", "ephemeral", "True", "groupName", "DEFAULT_GROUP", "namespaceId", "", "metadata", `{"b": 1, "a": "é\"", "c": null, "d": true}`)),
		read("its attributes took the place of the ones before", list, `"weight":2.5,`, `"metadata":{"a":"é\"","b":"1","d":"true"}`, `"ipDeleteTimeout":30000}]`),
		done("all in the query, with the grouped name and nothing in the body", "POST", instanceAt+"?serviceName=DEFAULT_GROUP%40%40s&groupName=DEFAULT_GROUP&ip=10.0.0.2&port=80&metadata=x%3D1%2Cy%3D2", nil),
		read("pairs are metadata, too", list, `"metadata":{"x":"1","y":"2"}`),
		done("the first of a name counts, the query's before the body's", "POST", instanceAt+"?ip=10.0.0.3", form("serviceName", "s", "ip", "10.0.0.4", "port", "80")),
		read("and so it was", list, `"ip":"10.0.0.3"`),
		done("an unknown word means that it is disabled", "POST", instanceAt, form("serviceName", "s", "ip", "10.0.0.5", "port", "80", "enabled", "maybe")),
		{Name: "disabled ones are left out", Method: "GET", Path: list, HasNot: []string{"10.0.0.5"}},
		done("a snowflake for an id", "POST", instanceAt, form("serviceName", "s", "ip", "10.0.0.6", "port", "80", "metadata", "preserved.instance.id.generator=snowflake")),
		{Name: "it is there", Method: "GET", Path: instanceAt + "?serviceName=s&ip=10.0.0.6&port=80", Has: []string{`#DEFAULT#DEFAULT_GROUP@@s"`}, HasNot: []string{`"instanceId":"10.0.0.6`}},
		{Name: "Java 1.x asks for a page", Method: "POST", Path: instanceAt, Form: instance(), Header: map[string]string{"Accept": "text/html, image/gif, image/jpeg, */*; q=0.2"}, Want: "ok", WantHeader: map[string]string{"Content-Type": "text/html;charset=UTF-8"}},
		{Name: "but not of what it sent", Method: "POST", Path: instanceAt, Form: instance("weight", "<script>"), Header: map[string]string{"Accept": "text/html"}, Status: 400, WantHeader: map[string]string{"Content-Type": plainText}},

		done("a persistent one", "POST", instanceAt, form("serviceName", "p", "ip", "10.0.1.1", "port", "80", "ephemeral", "false")),
		wrong("an ephemeral one beside it", form("serviceName", "p", "ip", "10.0.1.2", "port", "80"), "errCode: 400, errMsg: Current service DEFAULT_GROUP@@p is persistent service, can't register ephemeral instance. "),
		wrong("a persistent one beside ephemeral ones", instance("ephemeral", "false"), "errCode: 400, errMsg: Current service DEFAULT_GROUP@@s is ephemeral service, can't register persistent instance. "),
		read("persistent ones are told apart", instanceAt+"/list?serviceName=p", `"ephemeral":false`),
		done("a namespace and a group of its own", "POST", instanceAt, instance("namespaceId", "dev", "groupName", "g")),
		read("which the grouped name finds, too", instanceAt+"/list?serviceName=g%40%40s&namespaceId=dev", `"instanceId":"10.0.0.1#80#DEFAULT#g@@s"`),
	})
}

func TestDeregisteringAnInstance(t *testing.T) {
	s := start(t, nil)
	list := instanceAt + "/list?serviceName=s"
	run(t, s, []scenario{
		done("an unknown one of an unknown service", "DELETE", instanceAt+"?serviceName=s&ip=10.0.0.1&port=80", nil),
		done("one is registered", "POST", instanceAt, instance()),
		done("and another", "POST", instanceAt, atPort("81")),
		done("an unknown one", "DELETE", instanceAt+"?serviceName=s&ip=10.0.0.9&port=80", nil),
		done("one of the wrong kind", "DELETE", instanceAt+"?serviceName=s&ip=10.0.0.1&port=80&ephemeral=false", nil),
		read("both are there", list, `"port":80,`, `"port":81,`),
		done("one in the body", "DELETE", instanceAt, instance()),
		{Name: "the other is there", Method: "GET", Path: list, Has: []string{`"port":81,`}, HasNot: []string{`"port":80,`}},
		done("a persistent one", "POST", instanceAt, form("serviceName", "p", "ip", "10.0.1.1", "port", "80", "ephemeral", "false")),
		done("is taken away as one alone", "DELETE", instanceAt+"?serviceName=p&ip=10.0.1.1&port=80", nil),
		read("and is there", instanceAt+"/list?serviceName=p", `"port":80,`),
		done("as what it is", "DELETE", instanceAt+"?serviceName=p&ip=10.0.1.1&port=80&ephemeral=false", nil),
		read("it is gone", instanceAt+"/list?serviceName=p", `"hosts":[]`),
	})
}

func TestHeartbeats(t *testing.T) {
	s := start(t, nil)
	beat := func(name string, query url.Values, want string) scenario {
		return scenario{Name: name, Method: "PUT", Path: instanceAt + "/beat?" + query.Encode(), Want: want, WantHeader: map[string]string{"Content-Type": "application/json"}}
	}
	const (
		known   = `{"clientBeatInterval":5000,"code":10200,"lightBeatEnabled":true}`
		unknown = `{"clientBeatInterval":5000,"code":20404,"lightBeatEnabled":true}`
	)
	run(t, s, []scenario{
		beat("nothing but the service", form("serviceName", "s"), unknown),
		beat("a light one of what nobody knows", instance(), unknown),
		{Name: "and nobody knows it after it", Method: "GET", Path: serviceAt + "/list?pageNo=1&pageSize=10", Want: `{"count":0,"doms":[]}`},
		beat("a full one registers, whatever else is in it", form("serviceName", "DEFAULT_GROUP@@s", "beat", `{"ip":"10.0.0.1","port":80,"weight":2.0,"serviceName":"DEFAULT_GROUP@@s","cluster":"c1","metadata":{"k":"v"},"scheduled":true,"period":5000,"stopped":false,"ephemeral":true,"ak":null,"load":0.1,"x":[1]}`), known),
		read("it is there", instanceAt+"/list?serviceName=s", `"instanceId":"10.0.0.1#80#c1#DEFAULT_GROUP@@s"`, `"weight":2.0`, `"metadata":{"k":"v"}`),
		beat("then a light one is enough", instance("clusterName", "c1"), known),
		beat("numbers as texts", form("serviceName", "s", "beat", `{"ip":"10.0.0.1","port":"80"}`), known),
		beat("without a weight it has none", form("serviceName", "s", "beat", `{"ip":"10.0.0.2","port":80}`), known),
		read("none is 0", instanceAt+"/list?serviceName=s&clusters=DEFAULT", `"weight":0.0`),
		beat("the cluster of the request, where the heartbeat has none", form("serviceName", "s", "clusterName", "c2", "beat", `{"ip":"10.0.0.3","port":80,"cluster":""}`), known),
		read("and there it is", instanceAt+"/list?serviceName=s&clusters=c2", `"10.0.0.3"`),
		{Name: "in the body", Method: "PUT", Path: instanceAt + "/beat", Form: form("serviceName", "s", "beat", `{"ip":"10.0.0.1","port":80}`), Want: known},
		{Name: "no JSON", Method: "PUT", Path: instanceAt + "/beat", Form: form("serviceName", "s", "beat", "{nope"), Status: 400, Has: []string{"Param 'beat' is illegal"}},
		{Name: "JSON of something else", Method: "PUT", Path: instanceAt + "/beat", Form: form("serviceName", "s", "beat", "[]"), Status: 400, Has: []string{"Param 'beat' is illegal"}},
		{Name: "of an illegal instance", Method: "PUT", Path: instanceAt + "/beat", Form: form("serviceName", "s", "beat", `{"ip":"10.0.0.9","port":99999}`), Status: 400, Want: portLine},
		{Name: "of an instance without an address", Method: "PUT", Path: instanceAt + "/beat", Form: form("serviceName", "s", "beat", `{"port":80}`), Status: 400, Want: "Required parameter 'ip' type String is not present"},
		done("an instance with an interval of its own", "POST", instanceAt, form("serviceName", "s", "ip", "10.0.0.8", "port", "80", "metadata", "preserved.heart.beat.interval=1000")),
		beat("hears it", form("serviceName", "s", "ip", "10.0.0.8", "port", "80"), `{"clientBeatInterval":1000,"code":10200,"lightBeatEnabled":true}`),
		done("light heartbeats are switched off", "PUT", "/nacos/v1/ns/operator/switches", form("entry", "lightBeatEnabled", "value", "false")),
		beat("and every answer says so", instance(), `{"clientBeatInterval":5000,"code":10200,"lightBeatEnabled":false}`),
		done("the interval is another", "PUT", "/nacos/v1/ns/ops/switches", form("entry", "clientBeatInterval", "value", "7000")),
		beat("for whoever has none", form("serviceName", "none", "ip", "1.1.1.1", "port", "1"), `{"clientBeatInterval":7000,"code":20404,"lightBeatEnabled":false}`),
		done("a persistent service", "POST", instanceAt, form("serviceName", "p", "ip", "10.0.1.1", "port", "80", "ephemeral", "false")),
		{Name: "takes no heartbeats", Method: "PUT", Path: instanceAt + "/beat", Form: form("serviceName", "p", "beat", `{"ip":"10.0.1.2","port":80}`), Status: 400, Has: []string{"is persistent service"}},
	})
}

func TestWhatIsLaidOverInstances(t *testing.T) {
	s := start(t, nil)
	at := instanceAt + "?serviceName=s&ip=10.0.0.1&port=80"
	detail := func(name, weight, metadata string) scenario {
		return scenario{Name: name, Method: "GET", Path: at, Want: `{"service":"DEFAULT_GROUP@@s","ip":"10.0.0.1","port":80,"clusterName":"DEFAULT","weight":` + weight + `,"healthy":true,"instanceId":"10.0.0.1#80#DEFAULT#DEFAULT_GROUP@@s","metadata":` + metadata + `}`}
	}
	batch := func(name, method, metadata, instances, want string) scenario {
		return scenario{Name: name, Method: method, Path: instanceAt + "/metadata/batch?" + form("serviceName", "s", "metadata", metadata, "instances", instances).Encode(), Want: want}
	}
	run(t, s, []scenario{
		refusedNaming("an unknown service can't be changed", "PUT", instanceAt, instance(), 400, "service not found, namespace: public, service: Service{namespace='public', group='DEFAULT_GROUP', name='s', ephemeral=true, revision=0}"),
		refusedNaming("nor patched", "PATCH", instanceAt, instance(), 404, "no ips found for cluster DEFAULT in service DEFAULT_GROUP@@s"),
		refusedNaming("nor shown", "GET", at, nil, 404, "no ips found for cluster DEFAULT in service DEFAULT_GROUP@@s"),
		done("an instance", "POST", instanceAt, instance("metadata", "a=1")),
		refusedNaming("another is not there", "GET", instanceAt+"?serviceName=s&ip=10.0.0.1&port=81", nil, 404, "no matched ip found!"),
		refusedNaming("nor in another cluster", "GET", at+"&clusterName=c", nil, 404, "no matched ip found!"),
		done("weight and metadata are changed", "PUT", instanceAt, instance("weight", "5", "metadata", `{"b":"2"}`)),
		detail("metadata are laid over", "5.0", `{"a":"1","b":"2"}`),
		done("it registers again", "POST", instanceAt, instance("metadata", "a=3", "weight", "1")),
		detail("what was changed stays", "5.0", `{"a":"3","b":"2"}`),
		done("a change takes the place of the one before", "PUT", instanceAt, instance("metadata", `{"c":"4"}`)),
		detail("with the weight that it does not say", "1.0", `{"a":"3","c":"4"}`),
		done("a patch changes what it says alone", "PATCH", instanceAt, instance("weight", "7")),
		detail("the rest stays", "7.0", `{"a":"3","c":"4"}`),
		done("its metadata take the place of those before", "PATCH", instanceAt+"?serviceName=s&ip=10.0.0.1&port=80&metadata=d%3D5", nil),
		detail("and the weight stays", "7.0", `{"a":"3","d":"5"}`),
		batch("metadata of some", "PUT", `{"e":"6"}`, `[{"ip":"10.0.0.1","port":80},{"ip":"10.0.0.9","port":80}]`, `{"updated":["10.0.0.1:80:unknown:DEFAULT:ephemeral"]}`),
		detail("are laid over those before", "7.0", `{"a":"3","d":"5","e":"6"}`),
		batch("a list that is none means all", "DELETE", `{"d":"x","a":"x"}`, `nope`, `{"updated":["10.0.0.1:80:unknown:DEFAULT:ephemeral"]}`),
		detail("what is registered can't be taken away", "7.0", `{"a":"3","e":"6"}`),
		done("it is disabled", "PUT", instanceAt, instance("enabled", "false")),
		{Name: "lists leave it out", Method: "GET", Path: instanceAt + "/list?serviceName=s", Has: []string{`"hosts":[]`}},
		{Name: "the catalog has it", Method: "GET", Path: "/nacos/v1/ns/catalog/instances?serviceName=s&clusterName=DEFAULT&pageNo=1&pageSize=10", Has: []string{`"enabled":false`, `"count":1`}},
		detail("and so has its own page", "1.0", `{"a":"3"}`),
		done("what nobody registered yet can be disabled", "PUT", instanceAt, atPort("81", "enabled", "false")),
		done("and is when it comes", "POST", instanceAt, atPort("81")),
		{Name: "as if nobody had come", Method: "GET", Path: instanceAt + "/list?serviceName=s", Has: []string{`"hosts":[]`}},
		refusedNaming("a weight out of range", "PATCH", instanceAt, instance("weight", "10001"), 400, "instance format invalid: The weights range from 0.0 to 10000.0"),
		refusedNaming("without metadata", "PUT", instanceAt+"/metadata/batch", form("serviceName", "s"), 400, "Param 'metadata' is required."),
	})
}

func TestServices(t *testing.T) {
	s := start(t, nil)
	get := func(name, service, want string) scenario {
		return scenario{Name: name, Method: "GET", Path: serviceAt + "?serviceName=" + service, Want: want}
	}
	run(t, s, []scenario{
		refusedNaming("without a name", "POST", serviceAt, form("x", "y"), 400, "Parameter 'serviceName' is missing"),
		refusedNaming("an unknown selector", "POST", serviceAt, form("serviceName", "a", "selector", `{"type":"nope"}`), 400, "not match any type of selector!"),
		refusedNaming("a selector that is no JSON", "POST", serviceAt, form("serviceName", "a", "selector", "x"), 400, "not match any type of selector!"),
		refusedNaming("an expression that is none", "POST", serviceAt, form("serviceName", "a", "selector", `{"type":"label","expression":"x"}`), 400, "not match any type of selector!"),
		refusedNaming("an unknown one is not shown", "GET", serviceAt+"?serviceName=a", nil, 400, "service not found, namespace: public, serviceName: DEFAULT_GROUP@@a"),
		refusedNaming("nor changed", "PUT", serviceAt, form("serviceName", "a", "protectThreshold", "0"), 400, "service DEFAULT_GROUP@@a not found!"),
		refusedNaming("nor taken away", "DELETE", serviceAt+"?serviceName=a", nil, 400, "service DEFAULT_GROUP@@a not found!"),
		done("it is created", "POST", serviceAt, form("serviceName", "a", "protectThreshold", "0.7", "metadata", "m=1")),
		refusedNaming("once", "POST", serviceAt, form("serviceName", "a"), 400, "specified service DEFAULT_GROUP@@a already exists!"),
		get("it is shown", "a", `{"namespaceId":"public","groupName":"DEFAULT_GROUP","name":"a","protectThreshold":0.7,"metadata":{"m":"1"},"selector":{"type":"none","contextType":"NONE"},"clusters":[]}`),
		refusedNaming("a change needs a threshold", "PUT", serviceAt, form("serviceName", "a"), 400, "Param 'protectThreshold' is required."),
		done("a change replaces all", "PUT", serviceAt, form("serviceName", "a", "protectThreshold", "0", "selector", url.QueryEscape(`{"type":"label","expression":"CONSUMER.label.B = PROVIDER.label.B & CONSUMER.label.A = PROVIDER.label.A"}`))),
		get("it did", "a", `{"namespaceId":"public","groupName":"DEFAULT_GROUP","name":"a","protectThreshold":0.0,"metadata":{},"selector":{"type":"label","expression":"CONSUMER.label.B = PROVIDER.label.B & CONSUMER.label.A = PROVIDER.label.A","labels":["A","B"],"contextType":"CMDB"},"clusters":[]}`),
		done("it holds persistent instances", "POST", instanceAt, form("serviceName", "a", "ip", "10.0.0.1", "port", "80", "ephemeral", "false", "clusterName", "c1")),
		refusedNaming("no others", "POST", instanceAt, form("serviceName", "a", "ip", "10.0.0.2", "port", "80"), 400, "errCode: 400, errMsg: Current service DEFAULT_GROUP@@a is persistent service, can't register ephemeral instance. "),
		refusedNaming("so it can't be taken away", "DELETE", serviceAt+"?serviceName=a", nil, 400, "Service DEFAULT_GROUP@@a is not empty, can't be delete. Please unregister instance first"),
		read("its cluster has the usual checker", serviceAt+"?serviceName=a", `"clusters":[{"name":"c1","healthChecker":{"type":"TCP"},"metadata":{}}]`),
		{Name: "a probed instance has the health that probes find", Method: "PUT", Path: "/nacos/v1/ns/health", Form: form("serviceName", "a", "ip", "10.0.0.1", "port", "80", "clusterName", "c1", "healthy", "false"), Status: 400, Want: "health check is still working, service: DEFAULT_GROUP@@a, cluster: c1"},
		refusedNaming("a cluster of an unknown service", "PUT", "/nacos/v1/ns/cluster", form("serviceName", "none", "clusterName", "c", "checkPort", "1", "useInstancePort4Check", "true", "healthChecker", "{}"), 400, "service not found groupName: DEFAULT_GROUP,serviceName: none"),
		refusedNaming("a checker that is no JSON", "PUT", "/nacos/v1/ns/cluster", form("serviceName", "a", "clusterName", "c1", "checkPort", "1", "useInstancePort4Check", "true", "healthChecker", "x"), 400, "Param 'healthChecker' is illegal, it should be JSON with a type"),
		done("a checker with a password", "PUT", "/nacos/v1/ns/cluster", form("serviceName", "a", "clusterName", "c1", "checkPort", "3306", "useInstancePort4Check", "false", "healthChecker", `{"type":"MYSQL","user":"u","pwd":"secret","cmd":"select 1"}`, "metadata", "x=y")),
		{Name: "which is not shown", Method: "GET", Path: "/nacos/v1/ns/catalog/service?serviceName=a", Has: []string{`"healthChecker":{"cmd":"select 1","pwd":"******","type":"MYSQL","user":"u"}`, `"defaultCheckPort":3306`, `"useIpPort4Check":false`}, HasNot: []string{"secret"}},
		done("nobody is to probe", "PUT", "/nacos/v1/ns/cluster", form("serviceName", "a", "clusterName", "c1", "checkPort", "80", "useInstancePort4Check", "true", "healthChecker", `{"type":"UNKNOWN"}`)),
		done("people say how it is", "PUT", "/nacos/v1/ns/health", form("serviceName", "a", "ip", "10.0.0.1", "port", "80", "clusterName", "c1", "valid", "off")),
		{Name: "with nothing healthy all are shown so", Method: "GET", Path: instanceAt + "/list?serviceName=a", Has: []string{`"healthy":true`, `"reachProtectionThreshold":true`}},
		{Name: "the catalog says how it is", Method: "GET", Path: "/nacos/v1/ns/catalog/services?pageNo=1&pageSize=10", Want: `{"count":1,"serviceList":[{"name":"a","groupName":"DEFAULT_GROUP","clusterCount":1,"ipCount":1,"healthyInstanceCount":0,"triggerFlag":"true"}]}`},
		done("an unknown instance has no health", "PUT", "/nacos/v1/ns/health/instance", form("serviceName", "a", "ip", "10.0.0.9", "port", "80", "clusterName", "c1", "healthy", "true")),
		refusedNaming("a health must be said", "PUT", "/nacos/v1/ns/health", form("serviceName", "a", "ip", "10.0.0.9", "port", "80"), 400, "Param 'healthy' is required."),
		done("the instance goes", "DELETE", instanceAt+"?serviceName=a&ip=10.0.0.1&port=80&ephemeral=false", nil),
		done("and the service", "DELETE", serviceAt+"?serviceName=a", nil),
		refusedNaming("it is gone", "GET", serviceAt+"?serviceName=a", nil, 400, "service not found, namespace: public, serviceName: DEFAULT_GROUP@@a"),
	})
}

func TestListsOfServices(t *testing.T) {
	s := start(t, nil)
	var list []scenario
	for _, name := range []string{"b", "a", "c"} {
		list = append(list, done("register "+name, "POST", instanceAt, form("serviceName", name, "ip", "10.0.0.1", "port", "80")))
	}
	catalog := func(name, query string, names ...string) scenario {
		return scenario{Name: name, Method: "GET", Path: "/nacos/v1/ns/catalog/services?pageNo=1&pageSize=10&" + query, Check: func(t *testing.T, body []byte) {
			var found struct {
				Count       int
				ServiceList []struct{ Name string }
			}
			if err := json.Unmarshal(body, &found); err != nil {
				t.Fatal(err)
			}
			got := make([]string, 0, 3)
			for _, one := range found.ServiceList {
				got = append(got, one.Name)
			}
			if strings.Join(got, " ") != strings.Join(names, " ") || found.Count != len(names) {
				t.Errorf("got %v, want %v", got, names)
			}
		}}
	}
	run(t, s, append(list, []scenario{
		done("an empty one", "POST", serviceAt, form("serviceName", "empty.one")),
		{Name: "a page", Method: "GET", Path: serviceAt + "/list?pageNo=1&pageSize=2", Want: `{"count":4,"doms":["a","b"]}`},
		{Name: "the next", Method: "GET", Path: serviceAt + "/list?pageNo=2&pageSize=2", Want: `{"count":4,"doms":["c","empty.one"]}`},
		{Name: "beyond the last", Method: "GET", Path: serviceAt + "/list?pageNo=3&pageSize=2", Want: `{"count":4,"doms":[]}`},
		{Name: "what is no number is the first", Method: "GET", Path: serviceAt + "/list?pageNo=x&pageSize=2", Want: `{"count":4,"doms":["a","b"]}`},
		{Name: "a page of nothing", Method: "GET", Path: serviceAt + "/list?pageNo=1&pageSize=-1", Want: `{"count":4,"doms":[]}`},
		{Name: "a page of all that there can be", Method: "GET", Path: serviceAt + "/list?pageNo=2147483647&pageSize=2147483647", Want: `{"count":4,"doms":[]}`},
		{Name: "another group", Method: "GET", Path: serviceAt + "/list?pageNo=1&pageSize=2&groupName=g", Want: `{"count":0,"doms":[]}`},
		refusedNaming("without a page", "GET", serviceAt+"/list?pageSize=2", nil, 400, "Param 'pageNo' is required."),
		refusedNaming("without a size", "GET", serviceAt+"/list?pageNo=2", nil, 400, "Param 'pageSize' is required."),
		catalog("all", "", "a", "b", "c", "empty.one"),
		catalog("those with instances", "hasIpCount=true", "a", "b", "c"),
		catalog("a part of the name", "serviceNameParam=ty.o", "empty.one"),
		catalog("an expression", "serviceNameParam="+url.QueryEscape("^$|[ab]$"), "a", "b"),
		catalog("a part of the group", "groupNameParam=FAULT&serviceNameParam=b", "b"),
		refusedNaming("an expression that is none", "GET", "/nacos/v1/ns/catalog/services?pageNo=1&pageSize=10&serviceNameParam=%5B", nil, 400, "error parsing regexp: missing closing ]: `[`"),
		refusedNaming("a catalog without a page", "GET", "/nacos/v1/ns/catalog/services", nil, 400, "Parameter 'pageNo' is missing"),
		read("names that match", serviceAt+"/names?expr=%5Eempty", `"services":{"public":[]}`),
		read("anywhere", serviceAt+"/names?expr=empty", `"services":{"public":["DEFAULT_GROUP@@empty.one"]}`, `"META-INF/services":`, `"count":1`),
		{Name: "nobody subscribes", Method: "GET", Path: serviceAt + "/subscribers?serviceName=a", Want: `{"subscribers":[],"count":0}`},
		{Name: "kinds of selectors", Method: "GET", Path: serviceAt + "/selector/types", Want: `{"code":200,"message":null,"data":["label","none"],"noRight":false}`},
		refusedNaming("the catalog of an unknown service", "GET", "/nacos/v1/ns/catalog/service?serviceName=none", nil, 404, "service DEFAULT_GROUP@@none is not found!"),
		refusedNaming("instances of an unknown service", "GET", "/nacos/v1/ns/catalog/instances?serviceName=none&clusterName=DEFAULT&pageNo=1&pageSize=1", nil, 404, "service DEFAULT_GROUP@@none is not found!"),
		refusedNaming("instances of an unknown cluster", "GET", "/nacos/v1/ns/catalog/instances?serviceName=a&clusterName=x&pageNo=1&pageSize=1", nil, 404, "cluster x is not found!"),
		{Name: "addresses with their health", Method: "POST", Path: instanceAt + "/statuses?key=public%23%23DEFAULT_GROUP@@a", Want: `{"ips":["10.0.0.1:80_true"]}`},
		refusedNaming("a key without a group", "GET", instanceAt+"/statuses?key=a", nil, 400, "Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName'"),
	}...))
}

func isEmpty(t *testing.T, body []byte) {
	if len(body) > 0 {
		t.Errorf("the body is %q", body)
	}
}

func TestOperatingTheRegistry(t *testing.T) {
	s := start(t, nil)
	switches := func(name string, has ...string) scenario {
		return read(name, "/nacos/v1/ns/operator/switches", has...)
	}
	set := func(name, entry, value string) scenario {
		return done(name, "PUT", "/nacos/v1/ns/operator/switches", form("entry", entry, "value", value))
	}
	run(t, s, []scenario{
		{Name: "the state alone", Method: "GET", Path: "/nacos/v1/ns/operator/metrics", Want: `{"status":"UP"}`},
		{Name: "as other paths have it", Method: "GET", Path: "/nacos/v1/ns/ops/metrics?onlyStatus=true", Want: `{"status":"UP"}`},
		read("all figures", "/nacos/v1/ns/operator/metrics?onlyStatus=false", `"serviceCount":0,"instanceCount":0,"subscribeCount":0,"responsibleInstanceCount":0,"clientCount":0,"connectionBasedClientCount":0,"ephemeralIpPortClientCount":0,"persistentIpPortClientCount":0,"responsibleClientCount":0,"cpu":`, `"load":`, `"mem":`),
		switches("the default of switches", `"clientBeatInterval":5000`, `"distroThreshold":0.7`, `"httpHealthParams":{"max":5000,"min":500,"factor":0.85}`, `"overriddenServerStatus":null`, `"masters":null`, `"limitedUrlMap":{}`),
		set("an unknown switch", "nope", "1"),
		set("a number as Go reads it, too", "healthCheckTimes", "+4"),
		set("a version", "pushVersion", "java:9.9.9"),
		set("a list", "masters", "a,b"),
		set("a map", "limitedUrlMap", "/nacos/v1/x:503"),
		switches("they are set", `"checkTimes":4`, `"pushVersionOfJava":"9.9.9"`, `"masters":["a","b"]`, `"limitedUrlMap":{"/nacos/v1/x":503}`),
		set("a path is closed", "limitedUrlMap", "/nacos/v1/ns/instance/list:503,/nacos/v1/ns/instance/list?serviceName=open:404,/nacos/v1/ns/operator:500"),
		{Name: "it answers the status and nothing else", Method: "GET", Path: instanceAt + "/list?serviceName=none", Status: 503, Check: isEmpty},
		{Name: "the longest beginning counts", Method: "GET", Path: instanceAt + "/list?serviceName=open", Status: 404, Check: isEmpty},
		read("other paths are open", serviceAt+"/list?pageNo=1&pageSize=1", `"count":0`),
		switches("operators are not locked out", `"/nacos/v1/ns/instance/list":503`),
		refusedNaming("a URL without a status", "PUT", "/nacos/v1/ns/operator/switches", form("entry", "limitedUrlMap", "value", "/nacos"), 400, "invalid input for limited urls: /nacos"),
		refusedNaming("a status without a URL", "PUT", "/nacos/v1/ns/operator/switches", form("entry", "limitedUrlMap", "value", ":503"), 400, "url can not be empty, url: :503"),
		refusedNaming("a status that is none", "PUT", "/nacos/v1/ns/operator/switches", form("entry", "limitedUrlMap", "value", "/nacos:x"), 400, `For input string: "x"`),
		refusedNaming("a status that answers nothing", "PUT", "/nacos/v1/ns/operator/switches", form("entry", "limitedUrlMap", "value", "/nacos:100"), 400, "illegal normal status code: 100"),
		set("it is opened", "limitedUrlMap", ""),
		read("as it was", instanceAt+"/list?serviceName=none", `"hosts":[]`),
		done("the log says more", "PUT", "/nacos/v1/ns/operator/log", form("logName", "naming-main", "logLevel", "debug")),
		done("and less", "PUT", "/nacos/v1/ns/ops/log", form("logName", "naming-main", "logLevel", "INFO")),
		refusedNaming("a level that is none", "PUT", "/nacos/v1/ns/operator/log", form("logName", "naming-main", "logLevel", "loud"), 400, `log level "loud" is not known; debug, info, warn and error are`),
		refusedNaming("no level", "PUT", "/nacos/v1/ns/operator/log", form("logName", "naming-main"), 400, "Parameter 'logLevel' is missing"),
		refusedNaming("no number", "PUT", "/nacos/v1/ns/operator/switches", form("entry", "clientBeatInterval", "value", "abc"), 400, `For input string: "abc"`),
		refusedNaming("too little", "PUT", "/nacos/v1/ns/operator/switches", form("entry", "pushCacheMillis", "value", "5"), 400, "min cache time for http or tcp is too small(<10000)"),
		refusedNaming("no entry", "PUT", "/nacos/v1/ns/operator/switches", form("value", "5"), 400, "Parameter 'entry' is missing"),
		refusedNaming("no value", "PUT", "/nacos/v1/ns/operator/switches", form("entry", "check"), 400, "Parameter 'value' is missing"),
		set("clients are to ask less often", "pushCacheMillis", "20000"),
		read("they are told so", instanceAt+"/list?serviceName=none", `"cacheMillis":20000`),
		set("the server is to look as if it only read", "overriddenServerStatus", "READ_ONLY"),
		{Name: "so it says", Method: "GET", Path: "/nacos/v1/ns/operator/metrics", Want: `{"status":"READ_ONLY"}`},
		read("it reads", instanceAt+"/list?serviceName=none", `"hosts":[]`),
		refusedNaming("and does not write", "POST", instanceAt, instance(), 503, "server is READ_ONLYnow, please try again later!"),
		set("the way back", "overriddenServerStatus", "null"),
		done("it writes", "POST", instanceAt, instance()),
		read("pushes", "/nacos/v1/ns/operator/push/state?detail=true", `"succeed":0,"total":0,"ratio":0,`, `"detail":{"avgPushCost":-1,"maxPushCost":-1}`, `"reset":false`),
		read("who looks after an instance", "/nacos/v1/ns/operator/distro/client?ip=1.1.1.1&port=1", `{"responsibleServer":"`),
		read("hello", "/nacos/v1/ns/health/server", "total services: 1, local port:"),
		{Name: "kinds of checkers", Method: "GET", Path: "/nacos/v1/ns/health/checkers", Has: []string{`"TCP":{}`, `"NONE":{}`}},
		{Name: "an unknown path", Method: "GET", Path: "/nacos/v1/ns/nope", Status: 501, Has: []string{"no such api:GET:/nacos/v1/ns/nope"}},
		{Name: "an unknown method", Method: "POST", Path: instanceAt + "/list", Status: 501, Has: []string{"no such api:POST:/nacos/v1/ns/instance/list"}},
		{Name: "what only servers of 1.x had", Method: "GET", Path: "/nacos/v1/ns/raft/leader", Status: 501},
		{Name: "HEAD", Method: "HEAD", Path: instanceAt + "/list?serviceName=none", WantHeader: map[string]string{"Content-Type": "application/json"}},
		{Name: "OPTIONS", Method: "OPTIONS", Path: instanceAt + "/list", WantHeader: map[string]string{"Allow": "GET,HEAD,OPTIONS"}},
	})
}

func TestOldPathsOfNamingCanBeSwitchedOff(t *testing.T) {
	s := start(t, func(s *settings.Settings) {
		s.APICompatClient, s.APICompatAdmin, s.APICompatConsole = false, false, false
	})
	gone := func(method, path, use string) scenario {
		return scenario{Name: method + " " + path, Method: method, Path: "/nacos/v1/ns" + path, Status: 410, Has: []string{"Current API will be deprecated", use}}
	}
	run(t, s, []scenario{
		gone("POST", "/instance", "POST ${contextPath:nacos}/v3/client/ns/instance"), gone("PUT", "/instance", "PUT ${contextPath:nacos}/v3/admin/ns/instance"),
		gone("PUT", "/instance/beat", "/v3/client/ns/instance"), gone("GET", "/instance/list", "/v3/client/ns/instance/list"), gone("GET", "/service", "/v3/admin/ns/service"),
		gone("GET", "/catalog/services", "/v3/console/ns/service/list"), gone("GET", "/operator/metrics", "/v3/admin/ns/ops/metrics"),
	})
}

func TestWhatIsTooLargeIsRefusedBeforeItIsRead(t *testing.T) {
	s := start(t, nil)
	long := func(n int) string { return strings.Repeat("x", n) }
	nulls := strings.Repeat(`"a":1,"b":null,`, 50_000)
	run(t, s, []scenario{
		done("a service", "POST", instanceAt, instance()),
		refusedNaming("a megabyte of metadata", "POST", instanceAt, instance("metadata", `{`+nulls+`"c":1}`), 400, "Param 'Metadata' is illegal, the param length should not exceed 1024.\r\n"),
		refusedNaming("a heartbeat of a cluster that can't be", "PUT", instanceAt+"/beat", form("serviceName", "other", "beat", `{"ip":"10.0.0.1","port":80,"weight":1,"cluster":"a_b"}`), 400,
			"Instance 'clusterName' should be characters with only 0-9a-zA-Z-. (current: a_b)"),
		refusedNaming("a megabyte of a heartbeat", "PUT", instanceAt+"/beat", form("serviceName", "s", "beat", `{"metadata":{`+nulls+`"c":1}}`), 400, "Param 'beat' is illegal, it should be the JSON of a heartbeat"),
		refusedNaming("a long expression", "GET", "/nacos/v1/ns/catalog/services?pageNo=1&pageSize=1&serviceNameParam=%5E"+long(512), nil, 400, "Param 'serviceName' is illegal, the param length should not exceed 512.\r\n"),
		refusedNaming("a long expression for names", "GET", serviceAt+"/names?expr="+long(1025), nil, 400, "the expression has 1025 bytes, at most 1024 are allowed"),
		refusedNaming("a long selector", "POST", serviceAt, form("serviceName", "t", "selector", `{"type":"label","expression":"CONSUMER.label.`+long(8192)+` = PROVIDER.label.`+long(8192)+`"}`), 400, "not match any type of selector!"),
		refusedNaming("a long switch", "PUT", "/nacos/v1/ns/operator/switches", form("entry", "pushEnabled", "value", long(8193)), 400, "the value of the switch has 8193 bytes, at most 8192 are allowed"),
		refusedNaming("metadata of 1,001 instances", "PUT", instanceAt+"/metadata/batch", form("serviceName", "s", "metadata", "a=b", "instances", "["+strings.Repeat(`{"ip":"10.0.0.1","port":80},`, 1000)+`{"ip":"10.0.0.1","port":80}]`), 400, "the metadata of 1001 instances can't be changed at once, at most 1000 can"),
		refusedNaming("a long name of a service", "POST", instanceAt, form("serviceName", long(513), "ip", "10.0.0.1", "port", "80"), 400, "Param 'serviceName' is illegal, the param length should not exceed 512.\r\n"),
		refusedNaming("a long address", "POST", instanceAt, form("serviceName", "s", "ip", long(129), "port", "80"), 400, "Param 'ip' is illegal, the param length should not exceed 128.\r\n"),
		done("a long name of a user is cut", "PUT", instanceAt, instance("weight", "2", "username", long(10_000))),
	})
}
