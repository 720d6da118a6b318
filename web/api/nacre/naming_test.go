package nacre_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"nacre/server/servertest"
	"nacre/web/api/apitest"
)

// register registers an instance as a client of v1 does.
func register(t *testing.T, base, query string) {
	t.Helper()
	if status, body := call(t, "POST", base+"/nacos/v1/ns/instance?"+query, ""); status != http.StatusOK {
		t.Fatalf("registering %s: %d %s", query, status, body)
	}
}

func TestServicesAndInstances(t *testing.T) {
	s := servertest.Start(t)
	register(t, s.URL, "namespaceId=dev&serviceName=orders&ip=10.0.0.7&port=8080&weight=2&metadata=%7B%22zone%22%3A%22a%22%7D")
	register(t, s.URL, "namespaceId=dev&serviceName=orders&ip=10.0.0.8&port=8080&clusterName=EU&healthy=false")
	register(t, s.URL, "namespaceId=dev&serviceName=orders&ip=10.0.0.9&port=8080&enabled=false")
	register(t, s.URL, "namespaceId=dev&serviceName=stock&groupName=G&ip=10.0.1.1&port=80")
	const of = "namespace=dev&service=orders"
	const services, instances = "/nacre/v1/naming/services?namespace=dev", "/nacre/v1/naming/instances?" + of
	apitest.Run(t, s.URL, s.Configs(), []apitest.Scenario{
		{Name: "services of a namespace, by group and name", Method: "GET", Path: services,
			Want: `{"total":2,"page":1,"pages":1,"services":[{"namespace":"dev","group":"DEFAULT_GROUP","service":"orders","ephemeral":true,"clusters":2,"instances":3,"healthy":2,"disabled":1,"overridden":0,"subscribers":0,"protected":false,"revision":<*>,"changedMs":<*>},` +
				`{"namespace":"dev","group":"G","service":"stock","ephemeral":true,"clusters":1,"instances":1,"healthy":1,"disabled":0,"overridden":0,"subscribers":0,"protected":false,"revision":<*>,"changedMs":<*>}]}`},
		{Name: "by a part of the name", Method: "GET", Path: services + "&name=ORD", Has: []string{`"total":1`, `"service":"orders"`}},
		{Name: "by a part of the group", Method: "GET", Path: services + "&group=default", Has: []string{`"total":1`, `"service":"orders"`}},
		{Name: "with an unhealthy instance", Method: "GET", Path: services + "&unhealthy=true&hasInstances=true", Has: []string{`"total":1`, `"service":"orders"`}},
		{Name: "by an address", Method: "GET", Path: services + "&address=10.0.1.1:80", Has: []string{`"total":1`, `"service":"stock"`}},
		{Name: "a page", Method: "GET", Path: services + "&size=1&page=2", Has: []string{`"total":2,"page":2,"pages":2`, `"service":"stock"`}, HasNot: []string{"orders"}},
		{Name: "the default namespace is another", Method: "GET", Path: "/nacre/v1/naming/services", Want: `{"total":0,"page":1,"pages":0,"services":[]}`},
		{Name: "one service", Method: "GET", Path: "/nacre/v1/naming/service?" + of, Has: []string{`"instances":3`, `"described":false`, `"clusterList":[{"name":"DEFAULT","check":"TCP","checkPort":0,"metadata":{}},{"name":"EU"`}},
		{Name: "no service", Method: "GET", Path: "/nacre/v1/naming/service?service=none", Status: 404, Want: `{"error":{"kind":"notFound","message":"there is no service public/DEFAULT_GROUP/none"}}`},
		{Name: "a service is to be named", Method: "GET", Path: "/nacre/v1/naming/service", Status: 400, Want: invalid(`parameter "service" is required: the name within the group`)},
		{Name: "all instances", Method: "GET", Path: instances, Has: []string{`"protected":false,"total":3,"page":1,"pages":1`,
			`{"ip":"10.0.0.7","port":8080,"cluster":"DEFAULT","weight":2,"healthy":true,"enabled":true,"ephemeral":true,"metadata":{"zone":"a"}}`, `"enabled":false`, `"healthy":false`}},
		{Name: "those that are to be called", Method: "GET", Path: instances + "&healthy=true&enabled=true", Has: []string{`"total":1,`, "10.0.0.7"}},
		{Name: "of a cluster", Method: "GET", Path: instances + "&clusters=EU,US", Has: []string{`"total":1,`, "10.0.0.8"}},
		{Name: "a page of instances", Method: "GET", Path: instances + "&size=2&page=2", Has: []string{`"total":3,"page":2,"pages":2,"instances":[{"ip":"10.0.0.9"`}},
		{Name: "a page behind the last", Method: "GET", Path: instances + "&size=2&page=9", Has: []string{`"instances":[]`}},
		{Name: "an illegal cluster", Method: "GET", Path: instances + "&clusters=a%20b", Status: 400},
		{Name: "of no service", Method: "GET", Path: "/nacre/v1/naming/instances?service=none", Status: 404},
		{Name: "clients", Method: "GET", Path: "/nacre/v1/naming/clients?text=10.0.1", Has: []string{`"total":1`, `{"id":"10.0.1.1:80#true","kind":"beat","ip":"10.0.1.1"`, `"published":1,"subscribed":0,"behind":0`}},
		{Name: "one client", Method: "GET", Path: "/nacre/v1/naming/clients/10.0.1.1:80%23true", Has: []string{`"publishes":[{"namespace":"dev","group":"G","service":"stock"`, `"subscribes":[]`}},
		{Name: "no client", Method: "GET", Path: "/nacre/v1/naming/clients/x%2Fy", Status: 404, Has: []string{"no client x/y"}},
	})
}

func TestWhyAnInstanceIsAsItIs(t *testing.T) {
	s := servertest.Start(t)
	register(t, s.URL, "serviceName=orders&ip=10.0.0.7&port=8080")
	const one = "service=orders&ip=10.0.0.7&port=8080"
	const override, drain, events = "/nacre/v1/naming/override?" + one, "/nacre/v1/naming/drain?" + one, "/nacre/v1/naming/instances/events?" + one
	again := func(t *testing.T, _ []byte) { register(t, s.URL, "serviceName=orders&ip=10.0.0.7&port=8080&weight=3") }
	apitest.Run(t, s.URL, s.Configs(), []apitest.Scenario{
		{Name: "registered by whom", Method: "GET", Path: events, Has: []string{`"shown":{"ip":"10.0.0.7"`, `"clientId":"10.0.0.7:8080#true"`, `"override":null`, `"events":[{"atMs":`, `"what":"registered"`}},
		{Name: "nothing is known of what never was", Method: "GET", Path: "/nacre/v1/naming/instances/events?service=orders&ip=10.0.0.7&port=1", Status: 404, Has: []string{"has no instance 10.0.0.7:1"}},
		{Name: "an operator takes it offline", Method: "PATCH", Path: override + "&operator=alice", Body: `{"enabled":false,"metadata":{"why":"test","n":"1"}}`,
			Has: []string{`{"ip":"10.0.0.7","port":8080,"cluster":"DEFAULT","enabled":false,"weight":null,"metadata":{"n":"1","why":"test"},"drain":null,"user":"alice","from":"127.0.0.1"`, `"shown":{"ip":"10.0.0.7"`}, Check: again},
		{Name: "whoever registers it", Method: "GET", Path: "/nacre/v1/naming/instances?service=orders", Has: []string{`"weight":3,"healthy":true,"enabled":false,"ephemeral":true,"metadata":{"n":"1","why":"test"},"override":{"enabled":false`}},
		{Name: "what is left out stays", Method: "PATCH", Path: override, Body: `{"weight":0.5,"dropKeys":["n"]}`, Has: []string{`"enabled":false,"weight":0.5,"metadata":{"why":"test"}`}},
		{Name: "metadata is replaced", Method: "PATCH", Path: override, Body: `{"metadata":{"x":"y"},"replaceMetadata":true}`, Has: []string{`"metadata":{"x":"y"},"drain"`}},
		{Name: "a weight that can't be", Method: "PATCH", Path: override, Body: `{"weight":1000000000}`, Status: 400, Has: []string{"is not between 0 and 10000"}},
		{Name: "metadata that is too long", Method: "PATCH", Path: override, Body: `{"metadata":{"x":"` + strings.Repeat("y", 1100) + `"}}`, Status: 400, Has: []string{"at most 1024 are allowed"}},
		{Name: "of no service", Method: "PATCH", Path: "/nacre/v1/naming/override?service=none&ip=1.1.1.1&port=1", Body: `{"weight":1}`, Status: 404},
		{Name: "a port that can't be", Method: "PATCH", Path: "/nacre/v1/naming/override?service=orders&ip=1.1.1.1&port=70000", Body: `{"weight":1}`, Status: 400},
		{Name: "all that lies over a service", Method: "GET", Path: "/nacre/v1/naming/overrides?service=orders", Has: []string{`{"overrides":[{"ip":"10.0.0.7"`}},
		{Name: "it is told", Method: "GET", Path: events, Has: []string{`"what":"overridden"`, "alice (127.0.0.1)", `"what":"reregistered"`, `"registered":{"ip":"10.0.0.7","port":8080,"cluster":"DEFAULT","weight":3`}},
		{Name: "taken away", Method: "DELETE", Path: override, Want: `{"existed":true}`},
		{Name: "taken away again", Method: "DELETE", Path: override, Want: `{"existed":false}`},
		{Name: "it is not drained", Method: "GET", Path: drain, Status: 404, Has: []string{"is not drained"}},
		{Name: "drained within an hour", Method: "POST", Path: drain + "&over=1h&wait=1m&operator=bob", Has: []string{`"drain":{"state":"sinking","fromMs":`, `"user":"bob"`, `"shown":{"ip":"10.0.0.7","port":8080,"cluster":"DEFAULT","weight":2.85,`}},
		{Name: "how far it is", Method: "GET", Path: drain, Has: []string{`"state":"sinking"`}},
		{Name: "stopped", Method: "DELETE", Path: drain, Want: `{"existed":true}`},
		{Name: "stopped again", Method: "DELETE", Path: drain, Want: `{"existed":false}`},
		{Name: "its weight is back", Method: "GET", Path: "/nacre/v1/naming/instances?service=orders", Has: []string{`"weight":3,`}},
		{Name: "drained at once", Method: "POST", Path: drain + "&over=0s&wait=1h", Has: []string{`"state":"waiting"`, `"weight":0,"healthy":true,"enabled":true`}},
		{Name: "and offline at once", Method: "POST", Path: drain + "&over=0s&wait=0s", Has: []string{`"state":"offline"`, `"weight":0,"healthy":true,"enabled":false`}},
		{Name: "no duration", Method: "POST", Path: drain + "&over=10", Status: 400, Has: []string{"must be a duration such as 90s or 5m"}},
		{Name: "a time that can't be", Method: "POST", Path: drain + "&wait=-1s", Status: 400, Has: []string{"draining takes between 0 and"}},
		{Name: "an instance that is not there", Method: "POST", Path: "/nacre/v1/naming/drain?service=orders&ip=10.0.0.7&port=81", Status: 404},
	})
}

func TestPrometheusFindsTargets(t *testing.T) {
	s := servertest.Start(t)
	register(t, s.URL, "namespaceId=dev&serviceName=orders&ip=10.0.0.7&port=8080&weight=2.5&metadata=%7B%22zone%22%3A%22a%22%2C%22metrics.path%22%3A%22%2Fm%22%2C%22metrics-path%22%3A%22%2Fn%22%7D")
	register(t, s.URL, "namespaceId=dev&serviceName=orders&ip=10.0.0.8&port=8080&healthy=false")
	register(t, s.URL, "namespaceId=dev&serviceName=orders&ip=10.0.0.9&port=8080&enabled=false")
	register(t, s.URL, "serviceName=stock&groupName=G&ip=fd00::1&port=80&clusterName=EU")
	const at = "/nacre/v1/sd/prometheus"
	orders := `{"targets":["10.0.0.7:8080"],"labels":{"__meta_nacre_cluster":"DEFAULT","__meta_nacre_ephemeral":"true","__meta_nacre_group":"DEFAULT_GROUP",` +
		`"__meta_nacre_metadata_metrics_path":"/n","__meta_nacre_metadata_zone":"a","__meta_nacre_namespace":"dev","__meta_nacre_service":"orders","__meta_nacre_weight":"2.5"}}`
	stock := `{"targets":["[fd00::1]:80"],"labels":{"__meta_nacre_cluster":"EU","__meta_nacre_ephemeral":"true","__meta_nacre_group":"G","__meta_nacre_namespace":"public","__meta_nacre_service":"stock","__meta_nacre_weight":"1"}}`
	apitest.Run(t, s.URL, s.Configs(), []apitest.Scenario{
		{Name: "all that are healthy and enabled", Method: "GET", Path: at, Want: "[" + orders + "," + stock + "]", WantHeader: map[string]string{"Content-Type": "application/json"}},
		{Name: "of namespaces", Method: "GET", Path: at + "?namespace=dev,test", Want: "[" + orders + "]"},
		{Name: "of a group", Method: "GET", Path: at + "?group=G", Want: "[" + stock + "]"},
		{Name: "of services", Method: "GET", Path: at + "?service=stock&service=none", Want: "[" + stock + "]"},
		{Name: "of a cluster", Method: "GET", Path: at + "?cluster=EU", Want: "[" + stock + "]"},
		{Name: "by metadata", Method: "GET", Path: at + "?metadata=zone=a", Want: "[" + orders + "]"},
		{Name: "by a key", Method: "GET", Path: at + "?metadata=zone", Want: "[" + orders + "]"},
		{Name: "all conditions hold", Method: "GET", Path: at + "?metadata=zone,x", Want: "[]"},
		{Name: "nothing is an empty list", Method: "GET", Path: at + "?service=none", Want: "[]"},
		{Name: "no key", Method: "GET", Path: at + "?metadata==a", Status: 400},
		{Name: "a misspelt filter does not show all", Method: "GET", Path: at + "?services=x", Status: 400},
	})
	get := func(tag string) (int, string, []targetGroup) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+at, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("If-None-Match", tag)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var groups []targetGroup
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode == http.StatusOK {
			if err := json.Unmarshal(body, &groups); err != nil {
				t.Fatal(err)
			}
		} else if len(body) > 0 {
			t.Errorf("%d has the body %s", res.StatusCode, body)
		}
		return res.StatusCode, res.Header.Get("Etag"), groups
	}
	status, tag, groups := get("")
	if status != http.StatusOK || tag == "" || len(groups) != 2 {
		t.Fatalf("the first answer: %d, ETag %q, %v", status, tag, groups)
	}
	if status, again, _ := get(`"x", W/` + tag); status != http.StatusNotModified || again != tag {
		t.Errorf("nothing changed: %d, ETag %q, it was %q", status, again, tag)
	}
	register(t, s.URL, "serviceName=stock&groupName=G&ip=10.0.0.1&port=81")
	if status, other, groups := get(tag); status != http.StatusOK || other == tag || len(groups) != 3 {
		t.Errorf("after a registration: %d, ETag %q, %v", status, other, groups)
	}
}

type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}
