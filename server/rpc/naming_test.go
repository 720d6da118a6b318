package rpc_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"nacre/server/clock"
	"nacre/server/rpc/rpctest"
	"nacre/server/servertest"
)

// info is what a client reads of a service.
type info struct {
	Name, GroupName, Clusters string
	CacheMillis, LastRefTime  int64
	Hosts                     []struct {
		InstanceID  string `json:"instanceId"`
		IP          string
		Port        int
		Weight      float64
		Healthy     bool
		Enabled     bool
		Ephemeral   bool
		ClusterName string
		ServiceName string
		Metadata    map[string]string
	}
	AllIPs                   *bool `json:"allIPs"`
	AllIps                   *bool `json:"allIps"`
	ReachProtectionThreshold bool
}

func infoOf(t *testing.T, m rpctest.Message) (i info) {
	t.Helper()
	var body struct{ ServiceInfo json.RawMessage }
	if err := json.Unmarshal(m.Body, &body); err != nil || len(body.ServiceInfo) == 0 {
		t.Fatalf("%s: %v", m, err)
	}
	if err := json.Unmarshal(body.ServiceInfo, &i); err != nil {
		t.Fatalf("%s: %v", m, err)
	}
	if i.AllIPs == nil || i.AllIps == nil || i.Hosts == nil {
		t.Errorf("a field is missing: %s", m)
	}
	return i
}

// ports are those of the hosts.
func (i info) ports() string {
	text := ""
	for _, h := range i.Hosts {
		text += fmt.Sprint(h.Port, " ")
	}
	return text
}

var namingSetup = map[string]any{"clientVersion": "Nacos-Java-Client:v3.1.1", "tenant": "", "labels": map[string]any{"source": "sdk", "module": "naming", "AppName": "shop"}, "abilityTable": map[string]any{}}

// namingClient returns a client, and what it is told of services.
func namingClient(t *testing.T, addr string, acks bool) (*rpctest.Client, chan info) {
	t.Helper()
	told := make(chan info, 1000)
	c := dial(t, addr, rpctest.Options{Setup: namingSetup, Push: func(m rpctest.Message) bool {
		if m.Type == "NotifySubscriberRequest" {
			told <- infoOf(t, m)
			return acks
		}
		return true
	}})
	return c, told
}

func instanceAt(port int, more fields) fields {
	i := fields{"ip": "10.0.0.1", "port": port}
	for k, v := range more {
		i[k] = v
	}
	return i
}

func service(name string, more fields) fields {
	f := fields{"namespace": "public", "groupName": "g", "serviceName": name}
	for k, v := range more {
		f[k] = v
	}
	return f
}

// until reads what a client is told until it is as wanted.
func until(t *testing.T, told chan info, want string) info {
	t.Helper()
	last := ""
	for end := time.After(10 * time.Second); ; {
		select {
		case i := <-told:
			if last = i.ports(); last == want {
				return i
			}
		case <-end:
			t.Fatalf("told of %q last, want %q", last, want)
		}
	}
}

func TestAnInstanceIsRegisteredFoundToldAndGone(t *testing.T) {
	s := servertest.Start(t)
	sub, told := namingClient(t, s.GRPC, true)
	if i := infoOf(t, call(t, sub, "SubscribeServiceRequest", service("s", fields{"subscribe": true, "clusters": ""}))); len(i.Hosts) != 0 || i.Name != "s" || i.GroupName != "g" || i.CacheMillis != 10000 {
		t.Errorf("an unknown service: %+v", i)
	}
	pub, _ := namingClient(t, s.GRPC, true)
	m := call(t, pub, "InstanceRequest", service("s", fields{"type": "registerInstance", "instance": instanceAt(80, fields{"weight": 2.5, "metadata": fields{"a": "世界"}})}))
	if m.Type != "InstanceResponse" || m.Int("resultCode") != 200 || m.Text("type") != "registerInstance" {
		t.Fatal(m)
	}
	i := until(t, told, "80 ")
	h := i.Hosts[0]
	if h.IP != "10.0.0.1" || h.Weight != 2.5 || !h.Healthy || !h.Enabled || !h.Ephemeral || h.ClusterName != "DEFAULT" || h.ServiceName != "g@@s" || h.Metadata["a"] != "世界" ||
		h.InstanceID != "10.0.0.1#80#null#g@@s" {
		t.Errorf("%+v", h)
	}
	// Who asks right after registering sees it, at once.
	if i := infoOf(t, call(t, pub, "ServiceQueryRequest", service("s", fields{"healthyOnly": true}))); i.ports() != "80 " {
		t.Errorf("queried %+v", i)
	}
	// A second registration of the connection takes the place of the first.
	call(t, pub, "InstanceRequest", service("s", fields{"type": "registerInstance", "instance": instanceAt(81, nil)}))
	until(t, told, "81 ")
	call(t, pub, "BatchInstanceRequest", service("s", fields{"type": "batchRegisterInstance", "instances": []fields{instanceAt(82, nil), instanceAt(83, fields{"clusterName": "c2"})}}))
	if i := until(t, told, "82 83 "); i.LastRefTime == 0 {
		t.Errorf("%+v", i)
	}
	if i := infoOf(t, call(t, pub, "ServiceQueryRequest", service("s", fields{"cluster": "c2"}))); i.ports() != "83 " || i.Clusters != "c2" {
		t.Errorf("of a cluster: %+v", i)
	}
	if m := call(t, pub, "ServiceListRequest", fields{"namespace": "public", "groupName": "g", "pageNo": 1, "pageSize": 10}); m.Int("count") != 1 || fmt.Sprint(m.Field("serviceNames")) != "[s]" {
		t.Errorf("listed %s", m)
	}
	pub.Close()
	until(t, told, "")
	if m := call(t, sub, "SubscribeServiceRequest", service("s", fields{"subscribe": false, "clusters": "x"})); infoOf(t, m).Clusters != "x" || m.Int("resultCode") != 200 {
		t.Errorf("unsubscribed: %s", m)
	}
}

func TestAKilledClientIsGone(t *testing.T) {
	s := servertest.Start(t)
	sub, told := namingClient(t, s.GRPC, true)
	call(t, sub, "SubscribeServiceRequest", service("s", fields{"subscribe": true}))
	pub, _ := namingClient(t, s.GRPC, true)
	call(t, pub, "InstanceRequest", service("s", fields{"type": "registerInstance", "instance": instanceAt(80, nil)}))
	until(t, told, "80 ")
	start := clock.Mono()
	pub.Close()
	until(t, told, "")
	t.Logf("it took %v", clock.Mono().Sub(start))
}

func TestWhatIsNotAcknowledgedIsToldAgainWithTheNewestState(t *testing.T) {
	s := servertest.Start(t)
	sub, told := namingClient(t, s.GRPC, false)
	call(t, sub, "SubscribeServiceRequest", service("s", fields{"subscribe": true}))
	pub, _ := namingClient(t, s.GRPC, true)
	call(t, pub, "InstanceRequest", service("s", fields{"type": "registerInstance", "instance": instanceAt(80, nil)}))
	first := until(t, told, "80 ")
	again := until(t, told, "80 ") // after five seconds without an answer, and one more
	if again.LastRefTime != first.LastRefTime {
		t.Errorf("told of another state: %d, then %d", first.LastRefTime, again.LastRefTime)
	}
}

func TestPersistentInstancesOutliveTheirConnectionAndARestart(t *testing.T) {
	dir := t.TempDir()
	s := servertest.Start(t, servertest.InDir(dir))
	c, _ := namingClient(t, s.GRPC, true)
	if m := call(t, c, "PersistentInstanceRequest", service("p", fields{"type": "registerInstance", "instance": instanceAt(80, fields{"ephemeral": false})})); m.Int("resultCode") != 200 {
		t.Fatal(m)
	}
	if m := call(t, c, "InstanceRequest", service("p", fields{"type": "registerInstance", "instance": instanceAt(81, nil)})); m.Int("resultCode") != 400 ||
		m.Text("message") != "errCode: 400, errMsg: Current service g@@p is persistent service, can't register ephemeral instance. " {
		t.Errorf("the other kind: %s", m)
	}
	c.Close()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	s = servertest.Start(t, servertest.InDir(dir))
	c, _ = namingClient(t, s.GRPC, true)
	if i := infoOf(t, call(t, c, "ServiceQueryRequest", service("p", nil))); i.ports() != "80 " || i.Hosts[0].Ephemeral {
		t.Errorf("after the restart: %+v", i)
	}
	for range 2 { // taking away what is not there succeeds
		if m := call(t, c, "PersistentInstanceRequest", service("p", fields{"type": "deregisterInstance", "instance": instanceAt(80, nil)})); m.Int("resultCode") != 200 {
			t.Error(m)
		}
	}
	if i := infoOf(t, call(t, c, "ServiceQueryRequest", service("p", nil))); len(i.Hosts) != 0 {
		t.Errorf("after it was taken away: %+v", i)
	}
}

func TestWrongRequestsOfNamingAreRefused(t *testing.T) {
	s := servertest.Start(t)
	c, _ := namingClient(t, s.GRPC, true)
	plain := dial(t, s.GRPC, rpctest.Options{})
	for name, tt := range map[string]struct {
		client *rpctest.Client
		typ    string
		body   fields
		code   int
	}{
		"no service":                    {c, "InstanceRequest", fields{"type": "registerInstance", "instance": instanceAt(80, nil)}, 500},
		"a name with @@":                {c, "ServiceQueryRequest", service("a@@b", nil), 400},
		"an unknown type":               {c, "InstanceRequest", service("s", fields{"type": "x", "instance": instanceAt(80, nil)}), 400},
		"no instance":                   {c, "InstanceRequest", service("s", fields{"type": "registerInstance"}), 400},
		"no instances":                  {c, "BatchInstanceRequest", service("s", fields{"type": "batchRegisterInstance"}), 500},
		"a batch of another type":       {c, "BatchInstanceRequest", service("s", fields{"type": "registerInstance", "instances": []fields{}}), 400},
		"a port that is none":           {c, "InstanceRequest", service("s", fields{"type": "registerInstance", "instance": instanceAt(70000, nil)}), 400},
		"a weight that is no number":    {c, "InstanceRequest", service("s", fields{"type": "registerInstance", "instance": instanceAt(80, fields{"weight": "x"})}), 502},
		"beats that contradict":         {c, "InstanceRequest", service("s", fields{"type": "registerInstance", "instance": instanceAt(80, fields{"metadata": fields{"preserved.heart.beat.interval": "9000", "preserved.heart.beat.timeout": "1000"}})}), 400},
		"metadata beyond the limit":     {c, "InstanceRequest", service("s", fields{"type": "registerInstance", "instance": instanceAt(80, fields{"metadata": fields{"a": string(make([]byte, 2000))}})}), 400},
		"a connection of another kind":  {plain, "InstanceRequest", service("s", fields{"type": "registerInstance", "instance": instanceAt(80, nil)}), -401},
		"subscribing on such a one":     {plain, "SubscribeServiceRequest", service("s", fields{"subscribe": true}), -401},
		"a subscription of nothing":     {c, "SubscribeServiceRequest", service("", fields{"subscribe": true}), 500},
		"a persistent one without port": {c, "PersistentInstanceRequest", service("s", fields{"type": "x", "instance": instanceAt(1, nil)}), 400},
	} {
		m := call(t, tt.client, tt.typ, tt.body)
		if code := m.Int("errorCode"); code != tt.code && m.Int("resultCode") != tt.code {
			t.Errorf("%s: %s", name, m)
		}
	}
	if m := call(t, plain, "ServiceQueryRequest", service("s", nil)); m.Int("resultCode") != 200 {
		t.Errorf("asking works on any connection: %s", m)
	}
}

// TestASubscriberIsToldOnceMoreWhatItWasAnswered is for clients that subscribe again after a reconnect and do not read the answer.
func TestASubscriberIsToldOnceMoreWhatItWasAnswered(t *testing.T) {
	s := servertest.Start(t)
	pub, _ := namingClient(t, s.GRPC, true)
	mustCall(t, pub, "InstanceRequest", service("s", fields{"type": "registerInstance", "instance": instanceAt(80, nil)}))
	sub, told := namingClient(t, s.GRPC, true)
	for range 2 { // also when it was subscribed before
		answer := infoOf(t, mustCall(t, sub, "SubscribeServiceRequest", service("s", fields{"subscribe": true})))
		if i := until(t, told, "80 "); i.LastRefTime != answer.LastRefTime {
			t.Errorf("told of %d, answered %d", i.LastRefTime, answer.LastRefTime)
		}
	}
	mustCall(t, sub, "SubscribeServiceRequest", service("none", fields{"subscribe": true}))
	if i := until(t, told, ""); i.Name != "none" { // also of a service that there is not
		t.Errorf("told of %+v", i)
	}
}
