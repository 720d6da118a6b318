package v3_test

import (
	"testing"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/servertest"
	"nacre/web/api/apitest"
)

// deaf is a client that does nothing when it is told of a change.
type deaf struct{}

func (deaf) Owed() {}

func TestListenerQueriesKnowClientsOfGRPCAsWell(t *testing.T) {
	s := servertest.Start(t)
	c := s.Delivery().Open(delivery.Client{ID: "1", Transport: delivery.GRPC, IP: "10.9.8.1"}, deaf{})
	defer c.Close()
	if _, err := c.Listen([]delivery.Watch{
		{Key: config.Key{Namespace: "public", Group: "g", DataID: "a"}, MD5: "x"}, {Key: config.Key{Namespace: "dev", Group: "g", DataID: "b"}},
	}); err != nil {
		t.Fatal(err)
	}
	info := func(kind, status string) string {
		return `{"code":0,"message":"success","data":{"queryType":"` + kind + `","listenersStatus":{` + status + `}}}`
	}
	apitest.Run(t, s.URL, s.Configs(), []scenario{
		{Name: "of a configuration", Method: "GET", Path: adminConfig + "/listener?dataId=a&groupName=g", Want: info("config", `"10.9.8.1":"x"`)},
		{Name: "of an address", Method: "GET", Path: "/nacos/v3/admin/cs/listener?ip=10.9.8.1&namespaceId=dev", Want: info("ip", `"b+g+dev":""`)},
		{Name: "of an address, all", Method: "GET", Path: "/nacos/v3/admin/cs/listener?ip=10.9.8.1&all=true", Want: info("ip", `"a+g+public":"x","b+g+dev":""`)},
	})
}
