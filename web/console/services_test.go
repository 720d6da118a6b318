package console_test

import (
	"fmt"
	"html"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"nacre/server/naming"
)

var ordersKey = naming.Key{Namespace: "public", Group: "DEFAULT_GROUP", Name: "orders"}

// registers registers an instance as a client of v1 does. More are names and values.
func (s *site) registers(service, ip string, port int, more ...string) {
	s.t.Helper()
	form := url.Values{"serviceName": {service}, "ip": {ip}, "port": {fmt.Sprint(port)}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	res, err := s.client.PostForm(s.url+"/nacos/v1/ns/instance", form)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if b, _ := io.ReadAll(res.Body); string(b) != "ok" {
		s.t.Fatalf("registering %s:%d: %s", ip, port, b)
	}
}

// ofService are the parameters that name a service, with more names and values.
func ofService(k naming.Key, more ...string) url.Values {
	q := url.Values{"ns": {k.Namespace}, "group": {k.Group}, "name": {k.Name}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return q
}

func pageOf(path string, q url.Values) string { return path + "?" + q.Encode() }

func rowOfInstance(ip string, port int, cluster string) string {
	return url.Values{"ip": {ip}, "port": {fmt.Sprint(port)}, "cluster": {cluster}}.Encode()
}

// seen returns the instance as clients find it, nil when they don't.
func (s *site) seen(k naming.Key, ip string) *naming.Instance {
	for _, i := range s.Naming().Lookup(k, naming.Query{}).Hosts {
		if i.IP == ip {
			return i
		}
	}
	return nil
}

// undoes sends the form of the toast that a page shows.
func (s *site) undoes(page answer) answer {
	s.t.Helper()
	at := strings.Index(page.body, `id="toasts"`)
	if at < 0 || !strings.Contains(page.body[at:], "data-undo") {
		s.t.Fatal("the page offers no undo")
	}
	toast := page.body[at:]
	toast = toast[:strings.Index(toast, "data-undo")]
	form := url.Values{}
	for _, m := range regexp.MustCompile(`name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(toast, -1) {
		if m[1] != "csrf" {
			form.Add(m[1], html.UnescapeString(m[2]))
		}
	}
	return s.follow(s.post(first(regexp.MustCompile(`action="([^"]+)"`), toast), form))
}

func TestServicesAreListedAndFiltered(t *testing.T) {
	s := signedIn(t)
	s.get("/console/services").is(200, "No service is registered in this namespace", "Connect an application")
	s.registers("orders", "10.0.0.1", 80)
	s.registers("orders", "10.0.0.2", 80, "clusterName", "HZ", "enabled", "false")
	s.registers("other@@payments", "10.0.0.3", 80)
	s.registers("mysql", "10.0.0.4", 3306, "ephemeral", "false")
	if err := s.Naming().CreateService(t.Context(), naming.Actor{User: admin}, naming.Service{Key: naming.Key{Namespace: "public", Group: "g", Name: "empty"}, ProtectThreshold: 0.25}); err != nil {
		t.Fatal(err)
	}
	s.get("/console/services").is(200, "orders DEFAULT_GROUP", "payments other", "1 offline", "ephemeral", "persistent", "empty g no instances", "below 25% healthy").hides("No service is")
	for name, tc := range map[string]struct{ query, shown, gone string }{
		"by name":         {"text=ORD", "orders", "payments"},
		"by group":        {"group=OTH", "payments", "orders"},
		"by address":      {"text=10.0.0.3", "payments", "orders"},
		"by address:port": {"text=10.0.0.4:3306", "mysql", "orders"},
		"without empties": {"show=filled", "orders", "empty g"},
		"nothing":         {"text=nothing", "No service is like that", "orders"},
		"elsewhere":       {"ns=dev", "No service is registered in this namespace", "orders"},
	} {
		t.Run(name, func(t *testing.T) { s.get("/console/services?"+tc.query).is(200, tc.shown).hides(tc.gone) })
	}
	s.get("/console/services", "Accept-Language", "zh-CN").is(200, "服务列表", "临时", "持久")
	if a := s.get("/console/find?q=paym", "Accept", "application/json"); !strings.Contains(a.body, `"services"`) || !strings.Contains(a.body, "/console/service?group=other") {
		t.Errorf("the palette does not find services: %s", a.body)
	}
	if a := s.get("/"); !strings.Contains(a.body, `data-go="s"`) {
		t.Error("the navigation does not lead to services")
	}
}

func TestInstancesAreTakenOfflineAndStaySo(t *testing.T) {
	s := signedIn(t)
	s.registers("orders", "10.0.0.1", 80, "weight", "2", "metadata", `{"zone":"east"}`)
	s.registers("orders", "10.0.0.2", 80, "clusterName", "HZ")
	of := pageOf("/console/service", ofService(ordersKey))
	s.get(of).is(200, "2 of 2 healthy", "Cluster DEFAULT", "Cluster HZ", "10.0.0.1:80", "zone=east", "10.0.0.2:80", "heartbeats over HTTP", "Take offline")
	s.get(of+"&cluster=HZ").is(200, "10.0.0.2:80").hides("10.0.0.1:80")
	s.get(of+"&text=ZONE%3Deast").is(200, "10.0.0.1:80").hides("10.0.0.2:80")
	s.get(of+"&state=offline").is(200, "No instance is like that")

	form := ofService(ordersKey, "row", rowOfInstance("10.0.0.1", 80, "DEFAULT"), "do", "offline")
	page := s.follow(s.post("/console/service/instances", form)).is(200, "offline", "offline: nacos", "Take online")
	if !strings.Contains(page.body, "10.0.0.1:80 is offline") {
		t.Error("nothing says that it is done")
	}
	for range 10 {
		s.registers("orders", "10.0.0.1", 80, "weight", "2")
		if s.seen(ordersKey, "10.0.0.1") != nil {
			t.Fatal("a registration brings it back")
		}
	}
	s.get(of+"&state=offline").is(200, "10.0.0.1:80").hides("10.0.0.2:80")
	s.undoes(page)
	if s.seen(ordersKey, "10.0.0.1") == nil || s.Naming().State().Override(ordersKey, naming.InstanceID{IP: "10.0.0.1", Port: 80, Cluster: "DEFAULT"}) != nil {
		t.Error("it is not taken back")
	}

	form["row"] = []string{rowOfInstance("10.0.0.1", 80, "DEFAULT"), rowOfInstance("10.0.0.2", 80, "HZ")}
	page = s.follow(s.post("/console/service/instances", form))
	if !strings.Contains(page.body, "2 instances are offline") || s.seen(ordersKey, "10.0.0.1") != nil || s.seen(ordersKey, "10.0.0.2") != nil {
		t.Error("several are not taken offline")
	}
	page.is(200, "all offline")
	form.Set("do", "online")
	s.follow(s.post("/console/service/instances", form))
	if s.seen(ordersKey, "10.0.0.1") == nil || s.seen(ordersKey, "10.0.0.2") == nil {
		t.Error("several are not taken online")
	}
	form.Set("do", "nothing")
	s.post("/console/service/instances", form).is(400)
	s.post("/console/service/instances", ofService(ordersKey, "row", "ip=&port=x", "do", "offline")).is(400)
	s.post("/console/service/instances", ofService(ordersKey, "do", "offline")).is(303)
	s.post("/console/service/instances", url.Values{"csrf": {"x"}}).is(403)
}

func TestAnInstanceThatRegistersAsOfflineIsOverruled(t *testing.T) {
	s := signedIn(t)
	s.registers("orders", "10.0.0.1", 80, "enabled", "false")
	s.follow(s.post("/console/service/instances", ofService(ordersKey, "row", rowOfInstance("10.0.0.1", 80, "DEFAULT"), "do", "online"))).is(200, "Take offline")
	if s.seen(ordersKey, "10.0.0.1") == nil {
		t.Error("it is not online")
	}
}

func TestWhatLiesOverAnInstanceIsTypedAppliedAndTakenBack(t *testing.T) {
	s := signedIn(t)
	s.registers("orders", "10.0.0.1", 80, "metadata", `{"zone":"east"}`)
	of := ofService(ordersKey, "ip", "10.0.0.1", "port", "80", "cluster", "DEFAULT")
	one := pageOf("/console/instance", of)
	s.get(one).is(200, "10.0.0.1:80", "healthy", "online", "Why it is as it is", "registered", "by 127.0.0.1", "Nothing was changed by hand", "zone east", "as registered: online")
	typed := func(weight, metadata, enabled string) url.Values {
		q := ofService(ordersKey, "ip", "10.0.0.1", "port", "80", "cluster", "DEFAULT", "weight", weight, "metadata", metadata, "enabled", enabled)
		return q
	}
	page := s.follow(s.post("/console/instance", typed("0.5", `{"zone":"west","canary":true,"n":1}`, ""))).is(200, "changed by nacos", "0.5 · registered as 1", "zone west", "canary true", "changed by hand", "Back to as registered")
	if i := s.seen(ordersKey, "10.0.0.1"); i.Weight != 0.5 || len(i.Metadata) != 3 {
		t.Errorf("clients see %+v", i)
	}
	s.get(one, "Accept-Language", "zh-CN").is(200, "权重 0.5, 元数据 3 项", "手动修改")
	s.follow(s.post("/console/instance", typed("", `{"zone":"west"}`, "true"))).is(200, "zone west").hides("registered as 1")
	s.undoes(page) // of the first change: nothing lay over it before
	s.get(one).is(200, "Nothing was changed by hand", "change taken back")
	for name, tc := range map[string]struct{ weight, metadata, says string }{
		"a weight below nothing":   {"-1", "", "The weight is a number from 0 to 10,000."},
		"a weight that is no one":  {"NaN", "", "The weight is a number"},
		"a weight of a billion":    {"1e9", "", "The weight is a number"},
		"metadata that is no JSON": {"1", "{x}", "This is no JSON object"},
		"metadata that is a list":  {"1", "[]", "This is no JSON object"},
		"metadata within metadata": {"1", `{"a":{}}`, "This is no JSON object"},
		"metadata that is long":    {"1", `{"a":"` + strings.Repeat("x", 1100) + `"}`, "Keys and values may have 1,024 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.post("/console/instance", typed(tc.weight, tc.metadata, "false")).is(400, tc.says)
			if !strings.Contains(a.body, html.EscapeString(tc.weight)) {
				t.Error("what was typed is lost")
			}
		})
	}
	s.get(pageOf("/console/instance", ofService(ordersKey, "ip", "10.9.9.9", "port", "80"))).is(404, "nothing is known of one")
	s.get(pageOf("/console/instance", ofService(ordersKey, "ip", "10.9.9.9", "port", "x"))).is(400)
	s.Naming().DeregisterHTTP(naming.Actor{IP: "10.0.0.1"}, ordersKey, "10.0.0.1", 80)
	s.get(one).is(404, "gone just now", "removed")
}

func TestAnInstanceIsDrainedByAButton(t *testing.T) {
	s := signedIn(t)
	s.registers("orders", "10.0.0.1", 80)
	of := ofService(ordersKey, "row", rowOfInstance("10.0.0.1", 80, "DEFAULT"), "do", "drain", "over", "600", "wait", "30")
	page := s.follow(s.post("/console/service/instances", of)).is(200, "being drained, offline in 10 min")
	if i := s.seen(ordersKey, "10.0.0.1"); i == nil || i.Weight >= 1 || i.Weight <= 0 {
		t.Errorf("clients see %+v", i)
	}
	s.get(pageOf("/console/instance", ofService(ordersKey, "ip", "10.0.0.1", "port", "80"))).is(200, "Stop draining")
	s.undoes(page)
	if i := s.seen(ordersKey, "10.0.0.1"); i == nil || i.Weight != 1 {
		t.Errorf("after it was taken back clients see %+v", i)
	}
	of.Set("over", "0")
	of.Set("wait", "0")
	s.follow(s.post("/console/service/instances", of)).is(200, "drained", "Take online")
	of.Set("do", "online")
	s.follow(s.post("/console/service/instances", of)).is(200, "Take offline").hides("drained")
	of.Set("do", "drain")
	of.Set("over", "-1")
	s.post("/console/service/instances", of).is(400, "whole numbers")
}

func TestAPersistentInstanceIsAddedAndRemovedByHand(t *testing.T) {
	s := signedIn(t)
	k := naming.Key{Namespace: "public", Group: "g", Name: "mysql"}
	s.get(pageOf("/console/service", ofService(k))).is(404, "There is no such service", "Create it")
	create := ofService(k, "kind", "persistent", "threshold", "0.5", "metadata", `{"team":"data"}`, "selector", "label", "expression", "CONSUMER.label.zone = PROVIDER.label.zone")
	s.follow(s.post("/console/services/new", create)).is(200, "mysql", "no instances", "persistent", "Add an instance")
	s.post("/console/services/new", create).is(409, "There is such a service already.")
	s.post("/console/services/new", ofService(naming.Key{Namespace: "public", Group: "g", Name: "a b"})).is(400, "Blanks")
	s.post("/console/services/new", ofService(naming.Key{Namespace: "public", Group: "g", Name: "x"}, "threshold", "2", "selector", "label", "expression", "?", "metadata", "x")).is(400, "from 0 to 1", "can't be read", "no JSON object")

	add := ofService(k, "ip", "10.0.0.1", "port", "3306", "weight", "3", "metadata", `{"role":"primary"}`)
	s.follow(s.post("/console/service/add", add)).is(200, "10.0.0.1:3306", "role=primary", "nacos", "1 of 1 healthy")
	s.post("/console/service/add", ofService(k, "ip", "", "port", "99999", "weight", "x")).is(400, "This is needed", "from 0 to 65,535", "from 0 to 10,000")
	of := ofService(k, "ip", "10.0.0.1", "port", "3306", "cluster", "DEFAULT")
	s.get(pageOf("/console/instance", of)).is(200, "persistent", "TCP", "Remove this instance?")
	s.post("/console/service/delete", ofService(k)).is(400)
	page := s.follow(s.post("/console/instance/remove", of)).is(200, "No instance is registered")
	s.undoes(page).is(200, "10.0.0.1:3306", "role=primary")
	if i := s.seen(k, "10.0.0.1"); i == nil || i.Weight != 3 || i.Ephemeral {
		t.Errorf("it came back as %+v", i)
	}
	s.post("/console/instance/remove", ofService(k, "ip", "10.9.9.9", "port", "1")).is(404)
	s.post("/console/instance/remove", of).is(303)
	s.follow(s.post("/console/service/delete", ofService(k))).hides("mysql")
	s.registers("orders", "10.0.0.1", 80)
	s.post("/console/service/add", ofService(ordersKey, "ip", "10.0.0.1", "port", "3306")).is(400, "This service holds ephemeral instances")
}

func TestAServiceOfProductionIsDeletedWhenItsNameIsTyped(t *testing.T) {
	s := signedIn(t)
	s.namespace("prod", "production")
	k := naming.Key{Namespace: "prod", Group: "g", Name: "orders"}
	s.post("/console/services/new", ofService(k)).is(303)
	s.get(pageOf("/console/service", ofService(k))).is(200, "Type production to confirm")
	s.post("/console/service/delete", ofService(k)).is(400, "Type production to confirm")
	s.post("/console/service/delete", ofService(k, "typed", "production")).is(303)
}

func TestSettingsOfAServiceAndItsClusters(t *testing.T) {
	s := signedIn(t)
	s.registers("orders", "10.0.0.1", 3306, "ephemeral", "false")
	settings := pageOf("/console/service/settings", ofService(ordersKey))
	s.get(settings).is(200, "Protection threshold", "DEFAULT TCP")
	page := s.follow(s.post("/console/service/settings", ofService(ordersKey, "threshold", "1", "metadata", `{"a":"b"}`, "selector", "none"))).is(200, "described by nacos")
	if d := s.Naming().State().Service(ordersKey); d.ProtectThreshold != 1 || d.Ephemeral || len(d.Metadata) != 1 || !strings.Contains(page.body, `value="1"`) {
		t.Errorf("it is described as %+v", d)
	}
	s.post("/console/service/settings", ofService(ordersKey, "threshold", "-0.1")).is(400, "from 0 to 1")
	s.get(pageOf("/console/service/cluster", ofService(ordersKey, "cluster", "DEFAULT"))).is(200, "Cluster DEFAULT", "Health check")
	cluster := ofService(ordersKey, "cluster", "DEFAULT", "checker", "MYSQL", "ownPort", "true", "user", "probe", "password", "secret", "command", "SELECT 2")
	s.follow(s.post("/console/service/cluster", cluster)).is(200, "MySQL")
	cluster.Del("password")
	cluster.Set("command", "SELECT 3")
	s.follow(s.post("/console/service/cluster", cluster))
	if c := s.Naming().State().Cluster(ordersKey, "DEFAULT"); c.Checker.Password != "secret" || c.Checker.Command != "SELECT 3" || !c.UseInstancePort {
		t.Errorf("it is described as %+v", c)
	}
	if a := s.get(pageOf("/console/service/cluster", ofService(ordersKey, "cluster", "DEFAULT"))); strings.Contains(a.body, "secret") {
		t.Error("the page shows the password")
	}
	s.post("/console/service/cluster", ofService(ordersKey, "cluster", "a_b", "checker", "TCP", "port", "99999")).is(400, "from 0 to 65,535")
	s.follow(s.post("/console/service/cluster", ofService(ordersKey, "cluster", "DEFAULT", "checker", "NONE"))).is(200, "none: people decide")
	one := pageOf("/console/instance", ofService(ordersKey, "ip", "10.0.0.1", "port", "3306"))
	s.get(one).is(200, "Mark as unhealthy")
	s.post("/console/service/instances", ofService(ordersKey, "row", rowOfInstance("10.0.0.1", 3306, "DEFAULT"), "do", "unhealthy")).is(303)
	s.get(one).is(200, "unhealthy", "Mark as healthy")
	s.get(pageOf("/console/service", ofService(ordersKey))).is(200, "protecting")
}

// watcher is a client of the registry that does what the test says.
type watcher struct{ owed chan struct{} }

func (w *watcher) Owed() {
	select {
	case w.owed <- struct{}{}:
	default:
	}
}

func TestSubscribersAndTheOnePageOfAClient(t *testing.T) {
	s := signedIn(t)
	s.get("/console/services").is(200)
	s.registers("orders", "10.0.0.1", 80)
	n := &watcher{owed: make(chan struct{}, 1)}
	c := s.Naming().Open(naming.Client{ID: "c-1", IP: "10.0.0.7", Remote: "10.0.0.7:5000", App: "shop", SDK: "Nacos-Go-Client:v2.2.7", ConnectedMs: s.clock.Now().UnixMilli()}, n)
	t.Cleanup(func() { c.Close("the test ended") })
	if _, err := c.Subscribe(ordersKey, "DEFAULT"); err != nil {
		t.Fatal(err)
	}
	if err := c.Register(naming.Key{Namespace: "public", Group: "g", Name: "shop"}, naming.Instance{IP: "10.0.0.7", Port: 8080, Weight: 1, Enabled: true, Healthy: true}); err != nil {
		t.Fatal(err)
	}
	subscribers := pageOf("/console/service/subscribers", ofService(ordersKey))
	s.get(subscribers).is(200, "10.0.0.7:5000", "shop", "Nacos-Go-Client:v2.2.7", "DEFAULT", "in sync")
	s.get(subscribers+"&text=SHOP").is(200, "10.0.0.7:5000")
	s.get(subscribers+"&text=nobody").is(200, "No client is like that").hides("10.0.0.7:5000")
	s.registers("orders", "10.0.0.2", 80)
	for deadline := time.After(10 * time.Second); ; {
		select {
		case <-n.owed:
		case <-deadline:
			t.Fatal("nothing was pushed")
		}
		if pushes := c.Take(nil, 10); len(pushes) > 0 {
			s.get(subscribers).is(200, "behind")
			c.Acked(pushes[0].View)
			break
		}
	}
	s.get(subscribers).is(200, "in sync").hides("behind")
	s.get("/console/client?id=c-1").is(200, "Registers 1", "shop public / g", "10.0.0.7:8080", "Subscribes to 1", "orders public / DEFAULT_GROUP", "in sync")
	s.get("/console/client?id="+url.QueryEscape("10.0.0.1:80#true")).is(200, "Registers 1", "heartbeats over HTTP", "10.0.0.1:80")
	s.get(pageOf("/console/service", ofService(naming.Key{Namespace: "public", Group: "g", Name: "shop"}))).is(200, "10.0.0.7:5000", "shop Nacos-Go-Client:v2.2.7")
	s.get(pageOf("/console/service/subscribers", ofService(naming.Key{Namespace: "public", Group: "g", Name: "shop"}))).is(200, "Nobody subscribes to this service")
}

func TestPagesOfServicesShowWhatClientsSayAsItIs(t *testing.T) {
	s := signedIn(t)
	const evil = `<img/src=x/onerror=alert(1)>`
	k := naming.Key{Namespace: "public", Group: "DEFAULT_GROUP", Name: evil + `"><script>`}
	s.registers(k.Name, evil, 80, "metadata", `{"<img src=x onerror=alert(1)>":"\"><svg/onload=alert(1)>"}`)
	c := s.Naming().Open(naming.Client{ID: `"><script>`, IP: evil, Remote: evil, App: `<img src=x>`, SDK: `"><svg/onload=alert(1)>`}, &watcher{owed: make(chan struct{}, 1)})
	t.Cleanup(func() { c.Close("the test ended") })
	if _, err := c.Subscribe(k, ""); err != nil {
		t.Fatal(err)
	}
	paths := []string{"/console/services", "/console/client?id=" + url.QueryEscape(`"><script>`), pageOf("/console/instance", ofService(k, "ip", evil, "port", "80"))}
	for _, path := range []string{"/console/service", "/console/service/subscribers", "/console/service/settings", "/console/service/add", "/console/service/cluster", "/console/services/new"} {
		paths = append(paths, pageOf(path, ofService(k)))
	}
	for _, path := range paths {
		for _, lang := range []string{"en", "zh-CN"} {
			a := s.get(path, "Accept-Language", lang)
			a.is(200).harmless()
			if strings.Contains(a.body, evil) {
				t.Errorf("%s has it as markup", path)
			}
		}
	}
	for _, trick := range markupTricks {
		for _, name := range []string{"text", "group", "name", "ip", "port", "cluster", "state", "show", "page", "services", "ns"} {
			q := ofService(ordersKey, "ip", "10.0.0.1", "port", "80")
			q.Set(name, trick)
			for _, path := range []string{"/console/services", "/console/service", "/console/service/subscribers", "/console/instance", "/console/client"} {
				if slices.Contains([]string{"name", "group", "ns", "ip", "port", "cluster"}, name) || path != "/console/client" {
					s.get(pageOf(path, q)).harmless()
				}
			}
		}
	}
}
