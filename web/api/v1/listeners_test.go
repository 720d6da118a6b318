package v1_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/rpc/rpctest"
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

func TestClientsAreAskedWhatTheyHold(t *testing.T) {
	s := start(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	asked := make(chan rpctest.Message, 10)
	c, err := rpctest.Dial(ctx, s.GRPC, rpctest.Options{IP: "10.1.2.3", Push: func(m rpctest.Message) bool {
		if m.Type == "ClientConfigMetricRequest" {
			asked <- m
		}
		return false
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var answers sync.WaitGroup
	answers.Go(func() {
		for range 2 {
			m := <-asked
			if !strings.Contains(string(m.Body), `"key":"a+g+dev"`) {
				t.Errorf("asked %s", m.Body)
			}
			if err := c.Send("ClientConfigMetricResponse", map[string]any{
				"requestId": m.Text("requestId"), "resultCode": 200, "metrics": map[string]any{"held": "x:md5"},
			}); err != nil {
				t.Error(err)
			}
		}
	})
	const metrics = "/nacos/v1/cs/metrics"
	run(t, s, []scenario{
		{Name: "in the cluster", Method: "GET", Path: metrics + "/cluster?ip=10.1.2.3&dataId=a&group=g&tenant=dev", Want: `{"held":"x:md5"}`},
		{Name: "on this node", Method: "GET", Path: metrics + "/current?ip=10.1.2.3&dataId=a&group=g&tenant=dev", Want: `{"held":"x:md5"}`},
		{Name: "nobody there", Method: "GET", Path: metrics + "/cluster?ip=10.9.9.9&dataId=a&group=g", Want: `{}`},
		{Name: "no address", Method: "GET", Path: metrics + "/cluster?dataId=a&group=g", Status: 400, Want: missing("ip")},
		{Name: "no configuration", Method: "GET", Path: metrics + "/cluster?ip=10.9.9.9", Status: 400, Want: "caused: invalid dataId : null;"},
	})
	answers.Wait()
}
