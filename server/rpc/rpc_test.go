package rpc_test

import (
	"context"
	"testing"
	"time"

	"nacre/server/rpc/rpctest"
	"nacre/server/servertest"
)

func dial(t *testing.T, addr string, o rpctest.Options) *rpctest.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	c, err := rpctest.Dial(ctx, addr, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func call(t *testing.T, c *rpctest.Client, typ string, body any) rpctest.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	m, err := c.Call(ctx, typ, body)
	if err != nil {
		t.Fatalf("%s: %v", typ, err)
	}
	return m
}

type fields = map[string]any

func TestAPublishIsReadAndPushed(t *testing.T) {
	s := servertest.Start(t)
	pushes := make(chan rpctest.Message, 10)
	for name, addr := range map[string]string{"gRPC's own port": s.GRPC, "the HTTP port": s.URL[len("http://"):]} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, addr, rpctest.Options{Push: func(m rpctest.Message) bool { pushes <- m; return true }})
			if m := <-pushes; m.Type != "SetupAckRequest" {
				t.Fatal(m)
			}
			if m := call(t, c, "ConfigBatchListenRequest", fields{"listen": true, "configListenContexts": []fields{{"dataId": "a", "group": "g", "tenant": "", "md5": ""}}}); m.Int("resultCode") != 200 {
				t.Fatal(m)
			}
			if m := call(t, c, "ConfigPublishRequest", fields{"dataId": "a", "group": "g", "content": "hello " + name}); m.Int("resultCode") != 200 {
				t.Fatal(m)
			}
			select {
			case m := <-pushes:
				if m.Type != "ConfigChangeNotifyRequest" || m.Text("dataId") != "a" {
					t.Fatal(m)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("no push")
			}
			if m := call(t, c, "ConfigQueryRequest", fields{"dataId": "a", "group": "g"}); m.Text("content") != "hello "+name {
				t.Fatal(m)
			}
			if m := call(t, c, "ConfigRemoveRequest", fields{"dataId": "a", "group": "g"}); m.Int("resultCode") != 200 {
				t.Fatal(m)
			}
			<-pushes
		})
	}
}
