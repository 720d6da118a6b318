package rpc

import (
	"context"
	"testing"
	"time"

	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/rpc/rpctest"
)

func TestAClientIsAskedWhatItHolds(t *testing.T) {
	s := inMemory(t)
	addr := serve(t, s)
	asked := make(chan rpctest.Message, 10)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := rpctest.Dial(ctx, addr, rpctest.Options{Push: func(m rpctest.Message) bool {
		if m.Type == "ClientConfigMetricRequest" {
			asked <- m
		}
		return false
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// the client does not name the default namespace: its own keys are without it
	const question = `[{"type":"cacheData","key":"50%25+G%2B1"},{"type":"snapshotData","key":"a+G"},{"type":"cacheData","key":"a+G+dev"}]`
	for _, r := range []struct{ name, answer, want string }{
		{"metrics", `"resultCode":200,"metrics":{"a+G+public":{"md5":"x","n":[1]}}`, `{"a+G+public":{"md5":"x","n":[1]}}`},
		{"no metrics", `"resultCode":200,"success":true`, `{}`},
		{"null", `"resultCode":200,"metrics":null`, `{}`},
		{"something else", `"resultCode":200,"metrics":[1]`, ``},
		{"a failure", `"resultCode":500,"errorCode":500`, ``},
	} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			m := <-asked
			if got := string(m.Body); m.Text("module") != "config" || got[len(got)-len(question)-len(`,"module":"config"}`):] != question+`,"module":"config"}` {
				t.Errorf("asked %s", m)
			}
			if err := c.Send("ClientConfigMetricResponse", []byte(`{"requestId":"`+m.Text("requestId")+`",`+r.answer+`}`)); err != nil {
				t.Error(err)
			}
		}()
		got, err := s.ClientMetrics(ctx, c.ConnectionID, []MetricKey{
			{MetricCache, config.Key{Namespace: "public", Group: "G+1", DataID: "50%"}}, {MetricSnapshot, config.Key{Namespace: "public", Group: "G", DataID: "a"}},
			{MetricCache, config.Key{Namespace: "dev", Group: "G", DataID: "a"}},
		})
		if <-done; string(got) != r.want || (err == nil) != (r.want != "") || err != nil && fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: %s %v, want %s", r.name, got, err, r.want)
		}
	}
	short, stop := context.WithTimeout(ctx, 20*time.Millisecond)
	defer stop()
	if _, err := s.ClientMetrics(short, c.ConnectionID, nil); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a client that does not answer: %v", err)
	}
	if _, err := s.ClientMetrics(ctx, "none", nil); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a connection that is not there: %v", err)
	}
}
