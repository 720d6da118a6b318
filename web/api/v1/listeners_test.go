package v1_test

import (
	"testing"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/web/api/apitest"
)

// deaf is a client that does nothing when it is told of a change.
type deaf struct{}

func (deaf) Owed() {}

func TestListenerQueriesKnowClientsOfGRPCAsWell(t *testing.T) {
	s := start(t, nil)
	apitest.Publish(t, s.Configs(), map[string]string{"public/g/a": "one"})
	for id, md5s := range map[string]string{"1": md5("one"), "2": md5("old")} {
		c := s.Delivery().Open(delivery.Client{ID: id, Transport: delivery.GRPC, IP: "10.9.8." + id}, deaf{})
		defer c.Close()
		if _, err := c.Listen([]delivery.Watch{
			{Key: config.Key{Namespace: "public", Group: "g", DataID: "a"}, MD5: md5s}, {Key: config.Key{Namespace: "dev", Group: "g", DataID: "b"}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	run(t, s, []scenario{
		{Name: "of a configuration", Method: "GET", Path: configs + "/listener?dataId=a&group=g", Want: `{"collectStatus":200,"lisentersGroupkeyStatus":{"10.9.8.1":"` + md5("one") + `","10.9.8.2":"` + md5("old") + `"}}`},
		{Name: "of an address", Method: "GET", Path: "/nacos/v1/cs/listener?ip=10.9.8.2", Want: `{"collectStatus":200,"lisentersGroupkeyStatus":{"a+g":"` + md5("old") + `"}}`},
		{Name: "of an address, all", Method: "GET", Path: "/nacos/v1/cs/listener?ip=10.9.8.1&all=true", Want: `{"collectStatus":200,"lisentersGroupkeyStatus":{"a+g":"` + md5("one") + `","b+g+dev":""}}`},
	})
}
