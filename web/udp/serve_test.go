package udp_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"nacre/server/naming"
	"nacre/server/servertest"

	"nacre/server/settings"
)

// TestAClientOfTheServerIsTold goes all the way: a list over HTTP, an instance that comes, a datagram.
func TestAClientOfTheServerIsTold(t *testing.T) {
	for mode, wants := range map[string]bool{settings.UDPSource: true, settings.UDPClaimed: false, settings.UDPOff: false} {
		t.Run(mode, func(t *testing.T) {
			defer http.DefaultClient.CloseIdleConnections()
			s := servertest.Start(t, servertest.With(func(s *settings.Settings) { s.UDPPush = mode }))
			conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			ask := func(path, claimed string) {
				t.Helper()
				req, err := http.NewRequestWithContext(t.Context(), "GET", fmt.Sprintf("%s%s%d", s.URL, strings.ReplaceAll(path, "CLAIMED", claimed), conn.LocalAddr().(*net.UDPAddr).Port), nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("User-Agent", "Nacos-Java-Client:v1.4.8")
				res, err := http.DefaultClient.Do(req)
				if err != nil || res.StatusCode != 200 {
					t.Fatal(res, err)
				}
				res.Body.Close()
			}
			// A claim of another loopback address, where nobody listens.
			ask("/nacos/v1/ns/instance/list?serviceName=one&clientIP=CLAIMED&udpPort=", "127.0.0.2")
			ask("/nacos/v2/ns/instance/list?serviceName=two&ip=CLAIMED&port=", "127.0.0.2")
			found := len(s.Naming().Subscribers(serviceKey("one"))) + len(s.Naming().Subscribers(serviceKey("two")))
			if want := map[bool]int{true: 0, false: 2}[mode == settings.UDPOff]; found != want {
				t.Fatalf("%d subscribers, want %d", found, want)
			}
			for _, name := range []string{"one", "two"} {
				res, err := http.PostForm(s.URL+"/nacos/v1/ns/instance", url.Values{"serviceName": {name}, "ip": {"10.0.0.1"}, "port": {"80"}})
				if err != nil || res.StatusCode != 200 {
					t.Fatal(res, err)
				}
				res.Body.Close()
			}
			if !wants {
				if mode == settings.UDPClaimed {
					until(t, func() bool { return s.Naming().Stats().Pushes >= 2 }) // they went elsewhere
				}
				return
			}
			told := map[string]bool{}
			for len(told) < 2 {
				conn.SetReadDeadline(time.Now().Add(20 * time.Second))
				b := make([]byte, 64<<10)
				n, from, err := conn.ReadFrom(b)
				if err != nil {
					t.Fatal(err)
				}
				var push struct {
					Data        string
					LastRefTime json.Number
				}
				var info struct{ Name string }
				if json.Unmarshal(b[:n], &push) != nil || json.Unmarshal([]byte(push.Data), &info) != nil {
					t.Fatalf("%s", b[:n])
				}
				told[info.Name] = true
				if _, err := conn.WriteTo([]byte(`{"type":"push-ack","lastRefTime":"`+push.LastRefTime.String()+`","data":""}`), from); err != nil {
					t.Fatal(err)
				}
			}
			until(t, func() bool { return s.Naming().Stats().Acks >= 2 && s.Naming().Stats().Owing == 0 })
		})
	}
}

func serviceKey(name string) naming.Key {
	return naming.Key{Namespace: "public", Group: "DEFAULT_GROUP", Name: name}
}

func until(t *testing.T, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to be")
		}
	}
}
