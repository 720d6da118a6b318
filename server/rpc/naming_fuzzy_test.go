package rpc_test

import (
	"fmt"
	"testing"

	"nacre/server/rpc/rpctest"
	"nacre/server/servertest"
)

// serviceWatcher returns a client of naming and what it is told, but for what it loses: neither heard nor acknowledged.
func serviceWatcher(t *testing.T, addr string) (c *rpctest.Client, pushes chan rpctest.Message, lose chan struct{}) {
	t.Helper()
	pushes, lose = make(chan rpctest.Message, 100), make(chan struct{}, 1)
	return dial(t, addr, rpctest.Options{Setup: namingSetup, Push: func(m rpctest.Message) bool {
		select {
		case <-lose:
			return false
		default:
			pushes <- m
			return true
		}
	}}), pushes, lose
}

func mustCall(t *testing.T, c *rpctest.Client, typ string, body fields) rpctest.Message {
	t.Helper()
	m := call(t, c, typ, body)
	if m.Int("resultCode") != 200 {
		t.Fatalf("%s: %s", typ, m)
	}
	return m
}

func appear(t *testing.T, c *rpctest.Client, name string) {
	t.Helper()
	mustCall(t, c, "InstanceRequest", service(name, fields{"type": "registerInstance", "instance": instanceAt(80, nil)}))
}

func vanish(t *testing.T, c *rpctest.Client, name string) {
	t.Helper()
	mustCall(t, c, "InstanceRequest", service(name, fields{"type": "deregisterInstance", "instance": instanceAt(80, nil)}))
}

// contexts returns what a message of a first difference says, by service.
func contexts(m rpctest.Message, told map[string]string) map[string]string {
	for _, x := range m.Field("contexts").([]any) {
		told[x.(fields)["serviceKey"].(string)] = x.(fields)["changedType"].(string)
	}
	return told
}

const (
	serviceSync   = "NamingFuzzyWatchSyncRequest"
	serviceChange = "NamingFuzzyWatchChangeNotifyRequest"
)

func TestAFuzzyWatchOfServicesTellsWhatIsThereAndWhatComesAndGoes(t *testing.T) {
	s := servertest.Start(t)
	c, pushes, lose := serviceWatcher(t, s.GRPC)
	pub, _ := namingClient(t, s.GRPC, true)
	for i := range 25 {
		appear(t, pub, fmt.Sprintf("f.%02d", i))
	}
	appear(t, pub, "other")
	watch := fields{"namespace": "public", "groupKeyPattern": "public>>g>>f.*", "watchType": "WATCH", "initializing": true,
		"receivedGroupKeys": []string{"public@@g@@f.00", "public@@g@@f.gone", "no key"}}
	if m := mustCall(t, c, "NamingFuzzyWatchRequest", watch); m.Type != "NamingFuzzyWatchResponse" {
		t.Fatal(m)
	}
	told := map[string]string{}
	for batch := 1; batch <= 2; batch++ {
		m := next(t, pushes, serviceSync)
		if m.Text("syncType") != "FUZZY_WATCH_INIT_NOTIFY" || m.Int("totalBatch") != 2 || m.Int("currentBatch") != batch || m.Text("module") != "naming" {
			t.Fatal(m)
		}
		contexts(m, told)
	}
	if len(told) != 25 || told["public@@g@@f.24"] != "ADD_SERVICE" || told["public@@g@@f.gone"] != "DELETE_SERVICE" || told["public@@g@@f.00"] != "" {
		t.Errorf("told of %v", told)
	}
	// Unlike of configurations, the end is a message of its own, with an empty list.
	if m := next(t, pushes, serviceSync); m.Text("syncType") != "FINISH_FUZZY_WATCH_INIT_NOTIFY" || m.Int("totalBatch") != 1 || m.Int("currentBatch") != 1 || len(contexts(m, told)) != 25 {
		t.Error(m)
	}
	changed := func(key, how string) {
		t.Helper()
		if m := next(t, pushes, serviceChange); m.Text("serviceKey") != key || m.Text("changedType") != how || m.Text("syncType") != "FUZZY_WATCH_RESOURCE_CHANGED" {
			t.Errorf("want %s of %s: %s", how, key, m)
		}
	}
	changed("public@@g@@f.gone", "DELETE_SERVICE") // once more, as Java's client takes it for known in the difference
	appear(t, pub, "f.new")
	changed("public@@g@@f.new", "ADD_SERVICE")
	appear(t, pub, "f.new")                                                                  // with other instances alone it is no news
	mustCall(t, c, "SubscribeServiceRequest", service("f.asked", fields{"subscribe": true})) // nor is one without instances
	lose <- struct{}{}
	vanish(t, pub, "f.new") // gone with its last instance, not when it is cleaned, and told again as the first time is lost
	changed("public@@g@@f.new", "DELETE_SERVICE")
	// Persistent instances count too, and all of a connection go with it.
	mustCall(t, pub, "PersistentInstanceRequest", service("f.p", fields{"type": "registerInstance", "instance": instanceAt(80, nil)}))
	changed("public@@g@@f.p", "ADD_SERVICE")
	other, _ := namingClient(t, s.GRPC, true)
	appear(t, other, "f.short")
	changed("public@@g@@f.short", "ADD_SERVICE")
	other.Close()
	changed("public@@g@@f.short", "DELETE_SERVICE")

	mustCall(t, c, "NamingFuzzyWatchRequest", fields{"groupKeyPattern": "public>>g>>f.*", "watchType": "CANCEL_WATCH"})
	appear(t, pub, "f.later")
	mustCall(t, c, "NamingFuzzyWatchRequest", fields{"groupKeyPattern": "public>>g>>other", "watchType": "WATCH", "receivedGroupKeys": []string{}})
	if m := next(t, pushes, serviceSync); m.Text("syncType") != "FUZZY_WATCH_DIFF_SYNC_NOTIFY" || m.Text("groupKeyPattern") != "public>>g>>other" {
		t.Errorf("after the first watch was cancelled: %s", m)
	}
}

// TestAFuzzyWatchWithoutReceivedKeysBeginsToo is what Nacos breaks on.
func TestAFuzzyWatchWithoutReceivedKeysBeginsToo(t *testing.T) {
	s := servertest.Start(t)
	c, pushes, _ := serviceWatcher(t, s.GRPC)
	appear(t, c, "a")
	mustCall(t, c, "NamingFuzzyWatchRequest", fields{"namespace": "public", "groupKeyPattern": "public>>*>>*", "watchType": "WATCH", "initializing": true})
	if m := next(t, pushes, serviceSync); contexts(m, map[string]string{})["public@@g@@a"] != "ADD_SERVICE" {
		t.Error(m)
	}
	if m := next(t, pushes, serviceSync); m.Text("syncType") != "FINISH_FUZZY_WATCH_INIT_NOTIFY" {
		t.Error(m)
	}
}

func TestFuzzyWatchesOfServicesAreLimitedAsInNacos(t *testing.T) {
	s := servertest.Start(t)
	c, _, _ := serviceWatcher(t, s.GRPC)
	watch := func(pattern, kind string) rpctest.Message {
		return call(t, c, "NamingFuzzyWatchRequest", fields{"groupKeyPattern": pattern, "watchType": kind})
	}
	for i := range 20 {
		if m := watch(fmt.Sprintf("public>>g>>p%d*", i), "WATCH"); m.Int("resultCode") != 200 {
			t.Fatal(m)
		}
	}
	if m := watch("public>>g>>one more", "WATCH"); m.Type != "NamingFuzzyWatchResponse" || m.Int("errorCode") != 50310 || m.Int("resultCode") != 500 {
		t.Error(m)
	}
	if m := call(t, c, "ConfigFuzzyWatchRequest", fields{"groupKeyPattern": "public>>g>>p*", "watchType": "WATCH"}); m.Int("resultCode") != 200 {
		t.Errorf("configurations are counted apart: %s", m)
	}
	if m := watch("public>>g>>p3*", "WATCH"); m.Int("resultCode") != 200 {
		t.Errorf("the same pattern again: %s", m)
	}
	if m := watch("no pattern", "WATCH"); m.Int("errorCode") != 400 {
		t.Error(m)
	}
	if m := watch("public>>g>>raw*", "FOO"); m.Type != "ErrorResponse" || m.Int("errorCode") != 400 || m.Int("resultCode") != 400 {
		t.Errorf("a kind that is none: %s", m)
	}
	pub, _ := namingClient(t, s.GRPC, true)
	for i := range 501 {
		appear(t, pub, fmt.Sprintf("many.%d", i))
	}
	if m := call(t, pub, "NamingFuzzyWatchRequest", fields{"groupKeyPattern": "public>>g>>many*", "watchType": "WATCH", "initializing": true}); m.Int("errorCode") != 50311 || m.Int("resultCode") != 500 {
		t.Errorf("more than 500 match: %s", m)
	}
}
