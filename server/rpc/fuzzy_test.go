package rpc_test

import (
	"fmt"
	"testing"
	"time"

	"nacre/server/clock"
	"nacre/server/rpc/rpctest"
	"nacre/server/servertest"
)

// next returns the next message of a type.
func next(t *testing.T, pushes <-chan rpctest.Message, typ string) rpctest.Message {
	t.Helper()
	for {
		select {
		case m := <-pushes:
			if m.Type == typ {
				return m
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no %s came", typ)
		}
	}
}

func TestAFuzzyWatchTellsWhatIsThereAndWhatComesAndGoes(t *testing.T) {
	s := servertest.Start(t)
	pushes := make(chan rpctest.Message, 100)
	lose := make(chan struct{}, 1)
	c := dial(t, s.GRPC, rpctest.Options{Push: func(m rpctest.Message) bool {
		select {
		case <-lose:
			return false // neither heard nor acknowledged
		default:
			pushes <- m
			return true
		}
	}})
	publish := func(id string) {
		t.Helper()
		if m := call(t, c, "ConfigPublishRequest", fields{"dataId": id, "group": "g", "content": "x"}); m.Int("resultCode") != 200 {
			t.Fatal(m)
		}
	}
	for i := range 25 {
		publish(fmt.Sprintf("f.%02d", i))
	}
	publish("other")
	watch := fields{"groupKeyPattern": "public>>g>>f.*", "watchType": "WATCH", "initializing": true, "receivedGroupKeys": []string{"f.00+g+public", "f.gone+g+public"}}
	if m := call(t, c, "ConfigFuzzyWatchRequest", watch); m.Type != "ConfigFuzzyWatchResponse" || m.Int("resultCode") != 200 {
		t.Fatal(m)
	}
	told := map[string]string{}
	for batch := 1; batch <= 2; batch++ {
		m := next(t, pushes, "ConfigFuzzyWatchSyncRequest")
		if m.Text("syncType") != "FUZZY_WATCH_INIT_NOTIFY" || m.Int("totalBatch") != 2 || m.Int("currentBatch") != batch {
			t.Fatal(m)
		}
		for _, x := range m.Field("contexts").([]any) {
			told[x.(fields)["groupKey"].(string)] = x.(fields)["changedType"].(string)
		}
	}
	if len(told) != 25 || told["f.24+g+public"] != "ADD_CONFIG" || told["f.gone+g+public"] != "DELETE_CONFIG" || told["f.00+g+public"] != "" {
		t.Errorf("told of %v", told)
	}
	if m := next(t, pushes, "ConfigFuzzyWatchSyncRequest"); m.Text("syncType") != "FINISH_FUZZY_WATCH_INIT_NOTIFY" || m.Int("totalBatch") != 0 || m.Field("contexts") != nil {
		t.Error(m)
	}
	publish("f.new")
	if m := next(t, pushes, "ConfigFuzzyWatchChangeNotifyRequest"); m.Text("groupKey") != "f.new+g+public" || m.Text("changeType") != "CONFIG_CHANGED" {
		t.Error(m)
	}
	publish("f.new") // its content alone is no news
	lose <- struct{}{}
	if m := call(t, c, "ConfigRemoveRequest", fields{"dataId": "f.new", "group": "g"}); m.Int("resultCode") != 200 {
		t.Fatal(m)
	}
	if m := next(t, pushes, "ConfigFuzzyWatchChangeNotifyRequest"); m.Text("groupKey") != "f.new+g+public" || m.Text("changeType") != "DELETE_CONFIG" {
		t.Errorf("told again: %v", m)
	}
	call(t, c, "ConfigFuzzyWatchRequest", fields{"groupKeyPattern": "public>>g>>f.*", "watchType": "CANCEL_WATCH"})
	publish("f.later")
	watch = fields{"groupKeyPattern": "public>>g>>other", "watchType": "WATCH", "receivedGroupKeys": []string{}}
	call(t, c, "ConfigFuzzyWatchRequest", watch)
	if m := next(t, pushes, "ConfigFuzzyWatchSyncRequest"); m.Text("syncType") != "FUZZY_WATCH_DIFF_SYNC_NOTIFY" || m.Text("groupKeyPattern") != "public>>g>>other" {
		t.Errorf("after the first watch was cancelled: %v", m)
	}
}

func TestFuzzyWatchesAreLimitedAsInNacos(t *testing.T) {
	c := dial(t, servertest.Start(t).GRPC, rpctest.Options{})
	watch := func(pattern, kind string) rpctest.Message {
		return call(t, c, "ConfigFuzzyWatchRequest", fields{"groupKeyPattern": pattern, "watchType": kind})
	}
	for i := range 20 {
		if m := watch(fmt.Sprintf("public>>g>>p%d*", i), "WATCH"); m.Int("resultCode") != 200 {
			t.Fatal(m)
		}
	}
	if m := watch("public>>g>>one more", "WATCH"); m.Type != "ConfigFuzzyWatchResponse" || m.Int("errorCode") != 50310 || m.Int("resultCode") != 500 {
		t.Error(m)
	}
	if m := watch("public>>g>>p3*", "WATCH"); m.Int("resultCode") != 200 {
		t.Errorf("the same pattern again: %v", m)
	}
	if m := watch("no pattern", "WATCH"); m.Int("errorCode") != 400 {
		t.Error(m)
	}
	if m := watch("public>>g>>raw*", "FOO"); m.Int("resultCode") != 200 {
		t.Error(m)
	}
}

func TestPatternsOfClientsThatAreGoneDoNotCount(t *testing.T) {
	s := servertest.Start(t)
	for i := range 55 { // 1,100 patterns are more than a node takes at once
		c := dial(t, s.GRPC, rpctest.Options{})
		for j := range 20 {
			m := call(t, c, "ConfigFuzzyWatchRequest", fields{"groupKeyPattern": fmt.Sprintf("public>>g%d>>p%d*", i, j), "watchType": "WATCH"})
			if m.Int("resultCode") != 200 {
				t.Fatalf("client %d: %v", i, m)
			}
		}
		c.Close()
	}
}

func TestAClientThatRefusesAChangeIsNotToldAgainAtOnce(t *testing.T) {
	s := servertest.Start(t)
	pushes := make(chan rpctest.Message, 100)
	c := dial(t, s.GRPC, rpctest.Options{Push: func(m rpctest.Message) bool {
		pushes <- m
		return false
	}})
	answer := func(m rpctest.Message, code int) {
		t.Helper()
		if err := c.Send("ConfigFuzzyWatchChangeNotifyResponse", fields{"requestId": m.Text("requestId"), "resultCode": code}); err != nil {
			t.Fatal(err)
		}
	}
	call(t, c, "ConfigFuzzyWatchRequest", fields{"groupKeyPattern": "public>>g>>*", "watchType": "WATCH"})
	publish := func(id string) {
		t.Helper()
		if m := call(t, c, "ConfigPublishRequest", fields{"dataId": id, "group": "g", "content": "x"}); m.Int("resultCode") != 200 {
			t.Fatal(m)
		}
	}
	publish("first")
	m := next(t, pushes, "ConfigFuzzyWatchChangeNotifyRequest")
	began := clock.System{}.Now()
	answer(m, 500)
	for i := range 20 {
		publish(fmt.Sprintf("later.%d", i))
	}
	m = next(t, pushes, "ConfigFuzzyWatchChangeNotifyRequest")
	if d := clock.Since(clock.System{}, began); d < 900*time.Millisecond || m.Text("groupKey") != "first+g+public" {
		t.Errorf("told again after %s: %v", d, m)
	}
	told := map[string]bool{}
	for {
		told[m.Text("groupKey")] = true
		answer(m, 200)
		if len(told) == 21 {
			break
		}
		m = next(t, pushes, "ConfigFuzzyWatchChangeNotifyRequest")
	}
}
