package v3_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"nacre/server/rpc/rpctest"
	"nacre/server/servertest"
)

// answer returns the status and body of a request without a body.
func answer(t *testing.T, method, address string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestConnectedClientsAreShownAskedAndSentAway(t *testing.T) {
	s := servertest.Start(t)
	resets := make(chan rpctest.Message, 10)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := rpctest.Dial(ctx, s.GRPC, rpctest.Options{IP: "10.1.2.3", Setup: rpctest.JavaSetup("shop"), Push: func(m rpctest.Message) bool {
		if m.Type == "ConnectResetRequest" {
			resets <- m
		}
		return true
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, tc := range []struct{ version, path string }{{"v2", "/nacos/v2/core/loader"}, {"v3", "/nacos/v3/admin/core/loader"}} {
		t.Run(tc.version, func(t *testing.T) {
			base, change := s.URL+tc.path, http.MethodPost
			if tc.version == "v2" {
				change = http.MethodGet
			}
			status, body := answer(t, "GET", base+"/current")
			var v3 struct {
				Data map[string]json.RawMessage `json:"data"`
			}
			var v2 map[string]json.RawMessage
			if err := json.Unmarshal([]byte(body), &v3); err != nil || json.Unmarshal([]byte(body), &v2) != nil {
				t.Fatal(err, body)
			}
			one := v2[c.ConnectionID]
			if tc.version == "v3" {
				one = v3.Data[c.ConnectionID]
			}
			var conn struct {
				MetaInfo struct {
					ClientIP, Version, AppName, ConnectionID string
					SDKSource                                bool
					RemotePort, LocalPort                    int
				}
			}
			if err := json.Unmarshal(one, &conn); err != nil || status != 200 {
				t.Fatalf("%v: %d %s", err, status, body)
			}
			if m := conn.MetaInfo; m.ClientIP != "10.1.2.3" || m.AppName != "shop" || m.Version != "Nacos-Java-Client:v3.1.1" || !m.SDKSource || m.RemotePort == 0 || m.LocalPort == 0 || m.ConnectionID != c.ConnectionID {
				t.Errorf("%+v", m)
			}
			if status, body := answer(t, "GET", base+"/cluster"); status != 200 || !strings.Contains(body, `"total":1`) || !strings.Contains(body, `"memberCount":1`) {
				t.Errorf("%d %s", status, body)
			}
			if status, body := answer(t, change, base+"/reloadClient?connectionId="+c.ConnectionID+"&redirectAddress=10.0.0.9:8848"); status != 200 || !strings.Contains(body, "success") {
				t.Errorf("%d %s", status, body)
			}
			if m := <-resets; m.Text("serverIp") != "10.0.0.9" || m.Text("serverPort") != "8848" {
				t.Error(m)
			}
			if status, _ := answer(t, change, base+"/reloadCurrent?count=1"); status != 200 {
				t.Error(status)
			}
			if status, _ := answer(t, change, base+"/reloadCurrent?count=0"); status != 200 {
				t.Error(status)
			}
			if m := <-resets; m.Field("serverIp") != nil || m.Field("serverPort") != nil {
				t.Error(m)
			}
			if status, body := answer(t, change, base+"/smartReloadCluster?loaderFactor=0.1"); status != 200 || !strings.Contains(body, "Ok") {
				t.Errorf("%d %s", status, body)
			}
			for _, bad := range []string{"/reloadCurrent", "/reloadCurrent?count=x", "/reloadCurrent?count=1&redirectAddress=nowhere", "/reloadClient"} {
				if status, body := answer(t, change, base+bad); status != 400 {
					t.Errorf("%s: %d %s", bad, status, body)
				}
			}
			if len(resets) > 0 {
				t.Errorf("a client was sent away that was to stay: %v", <-resets)
			}
		})
	}
}

func TestClientsAreAskedWhatTheyHold(t *testing.T) {
	s := servertest.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var c *rpctest.Client
	ready := make(chan struct{})
	c, err := rpctest.Dial(ctx, s.GRPC, rpctest.Options{IP: "10.1.2.3", Push: func(m rpctest.Message) bool {
		if m.Type != "ClientConfigMetricRequest" {
			return true
		}
		<-ready
		if err := c.Send("ClientConfigMetricResponse", map[string]any{
			"requestId": m.Text("requestId"), "resultCode": 200, "errorCode": 0, "success": true, "metrics": map[string]any{"cacheData": "held"},
		}); err != nil {
			t.Error(err)
		}
		return false
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	close(ready)
	for _, path := range []string{"cluster", "ip"} {
		address := s.URL + "/nacos/v3/admin/cs/metrics/" + path + "?dataId=a&groupName=g&ip="
		if status, body := answer(t, "GET", address+"10.1.2.3"); status != 200 || !strings.Contains(body, `"data":{"cacheData":"held"}`) {
			t.Errorf("%d %s", status, body)
		}
		if status, body := answer(t, "GET", address+"10.9.9.9"); status != 200 || !strings.Contains(body, `"data":{}`) {
			t.Errorf("%d %s", status, body)
		}
	}
}
