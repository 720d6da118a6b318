package v3_test

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/gofiber/fiber/v2"

	"nacre/server/clock"
	"nacre/server/naming"
	"nacre/server/view"
	v1 "nacre/web/api/v1"
	v2 "nacre/web/api/v2"
	v3 "nacre/web/api/v3"
	"nacre/web/api/wire"
)

// TestAConnectionIsShownByEveryVersion asks all versions for a client with a connection, and for one that is told over UDP.
func TestAConnectionIsShownByEveryVersion(t *testing.T) {
	registry, _ := naming.New(naming.Config{Clock: clock.System{}})
	key := naming.Key{Namespace: "dev", Group: "g", Name: "s"}
	java := registry.Open(naming.Client{ID: "1_10.0.0.9_50000", IP: "10.0.0.9", Remote: "10.0.0.9:50000", App: "shop", SDK: "Nacos-Java-Client:v2.3.2"}, nil)
	if err := java.RegisterBatch(key, []naming.Instance{
		{IP: "10.0.0.1", Port: 80, Weight: 1, Healthy: true, Enabled: true}, {IP: "10.0.0.1", Port: 81, Weight: 1, Healthy: true, Enabled: true},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := java.Subscribe(key, ""); err != nil {
		t.Fatal(err)
	}
	udp := registry.Open(naming.Client{ID: "10.0.0.8:5353#udp", Kind: naming.Datagram, IP: "10.0.0.8", Port: 5353, SDK: "Nacos-Java-Client:v1.4.8"}, nil)
	if _, err := udp.Subscribe(key, "c1"); err != nil {
		t.Fatal(err)
	}
	other := registry.Open(naming.Client{ID: "2_10.0.0.7_50000", IP: "10.0.0.7"}, nil)
	for _, name := range []string{"orders", "Orders", "reorder"} {
		k := naming.Key{Namespace: "parts", Group: "g", Name: name}
		if err := other.Register(k, naming.Instance{IP: "10.0.0.1", Port: 82, Weight: 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := other.Subscribe(k, ""); err != nil {
			t.Fatal(err)
		}
	}
	deps := wire.Deps{
		Naming: registry, Nodes: view.New(view.Config{Naming: registry}), Clock: clock.System{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), ClientIP: func(c *fiber.Ctx) string { return c.IP() },
		Switches: wire.Switches{Clients: true, Admins: true, Console: true},
	}
	app := fiber.New(fiber.Config{CaseSensitive: true, StrictRouting: true, Immutable: true})
	v1.Register(app, v1.Deps{Deps: deps})
	v2.Register(app, v2.Deps{Deps: deps})
	v3.Register(app, v3.Deps{Deps: deps})
	const (
		of = "serviceName=s&groupName=g&namespaceId=dev"
		id = "clientId=1_10.0.0.9_50000"
	)
	info := `{"code":0,"message":"success","data":{"clientId":"1_10.0.0.9_50000","ephemeral":true,"lastUpdatedTime":`
	for path, want := range map[string]string{
		"/nacos/v1/ns/service/subscribers?" + of: `{"subscribers":[{"addrStr":"10.0.0.8:5353","agent":"Nacos-Java-Client:v1.4.8","app":"","ip":"10.0.0.8","port":5353,"namespaceId":"dev","serviceName":"g@@s","cluster":"c1"},` +
			`{"addrStr":"10.0.0.9","agent":"Nacos-Java-Client:v2.3.2","app":"shop","ip":"10.0.0.9","port":0,"namespaceId":"dev","serviceName":"g@@s","cluster":""}],"count":2}`,
		"/nacos/v1/ns/service/subscribers?serviceName=order&groupName=g&namespaceId=parts&pageSize=0": `{"subscribers":[],"count":2}`,
		"/nacos/v1/ns/service/subscribers?pageNo=2&pageSize=2&" + of:                                  `{"subscribers":[],"count":2}`,
		"/nacos/v2/ns/client/list": `{"code":0,"message":"success","data":["10.0.0.8:5353#udp","1_10.0.0.9_50000","2_10.0.0.7_50000"]}`,
		"/nacos/v2/ns/client/publish/list?" + id: `{"code":0,"message":"success","data":[{"namespace":"dev","group":"g","serviceName":"s","registeredInstance":{"ip":"10.0.0.1","port":80,"cluster":"DEFAULT"}},` +
			`{"namespace":"dev","group":"g","serviceName":"s","registeredInstance":{"ip":"10.0.0.1","port":81,"cluster":"DEFAULT"}}]}`,
		"/nacos/v2/ns/client/subscribe/list?" + id:                       `{"code":0,"message":"success","data":[{"namespace":"dev","group":"g","serviceName":"s","subscriberInfo":{"app":"shop","agent":"Nacos-Java-Client:v2.3.2","addr":"10.0.0.9"}}]}`,
		"/nacos/v2/ns/client/service/publisher/list?port=81&" + of:       `{"code":0,"message":"success","data":[{"clientId":"1_10.0.0.9_50000","ip":"10.0.0.1","port":81,"cluster":"DEFAULT"}]}`,
		"/nacos/v2/ns/client/service/subscriber/list?" + of:              `{"code":0,"message":"success","data":[{"clientId":"10.0.0.8:5353#udp","ip":"10.0.0.8","port":5353},{"clientId":"1_10.0.0.9_50000","ip":"10.0.0.9","port":0}]}`,
		"/nacos/v3/admin/ns/service/subscribers?pageSize=1&" + of:        `{"code":0,"message":"success","data":{"totalCount":2,"pageNumber":1,"pagesAvailable":2,"pageItems":[{"namespaceId":"dev","groupName":"g","serviceName":"s","ip":"10.0.0.8","port":5353,"agent":"Nacos-Java-Client:v1.4.8","appName":""}]}}`,
		"/nacos/v3/admin/ns/client/subscribe/list?" + id:                 `{"code":0,"message":"success","data":[{"namespaceId":"dev","groupName":"g","serviceName":"s","publisherInfo":null,"subscriberInfo":{"clientId":null,"appName":"shop","agent":"Nacos-Java-Client:v2.3.2","address":"10.0.0.9"}}]}`,
		"/nacos/v3/admin/ns/client/service/subscriber/list?port=0&" + of: `{"code":0,"message":"success","data":[{"clientId":"1_10.0.0.9_50000","appName":"shop","agent":"Nacos-Java-Client:v2.3.2","address":"10.0.0.9"}]}`,
		"/nacos/v2/ns/client?" + id:                                      info,
		"/nacos/v3/admin/ns/client?" + id:                                info,
	} {
		res, err := app.Test(httptest.NewRequest("GET", path, nil))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		got := string(body)
		if want == info {
			got = got[:min(len(got), len(info))]
		}
		if got != want {
			t.Errorf("%s\n%s\nwant\n%s", path, got, want)
		}
	}
}
