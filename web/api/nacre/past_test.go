package nacre_test

import (
	"net/http"
	"testing"

	"nacre/server/feed"
	"nacre/server/servertest"
	"nacre/server/settings"
)

func TestTheFeedTellsOfNamespacesAndWhy(t *testing.T) {
	s := servertest.Start(t)
	f := follow(t, s.URL, "?kind=namespace,config")
	for _, one := range []struct {
		method, path, body string
		want               feed.Event
	}{
		{"POST", "/namespaces?operator=alice", `{"id":"dev","name":"Dev"}`, feed.Event{Kind: feed.NamespaceCreated, Namespace: "dev", Text: "Dev", User: "alice"}},
		{"PUT", "/namespaces/dev?operator=bob", `{"name":"Development"}`, feed.Event{Kind: feed.NamespaceChanged, Namespace: "dev", Text: "Development", User: "bob"}},
		{"PUT", "/config?namespace=dev&dataId=a&comment=why%20not", `{"content":"hello world"}`, feed.Event{
			Kind: feed.ConfigPublished, Namespace: "dev", Group: "DEFAULT_GROUP", DataID: "a", Revision: 1, MD5: helloMD5, Text: "why not",
		}},
		{"DELETE", "/namespaces/dev", "", feed.Event{Kind: feed.NamespaceRemoved, Namespace: "dev", Text: "Development"}},
	} {
		if status, body := call(t, one.method, s.URL+"/nacre/v1"+one.path, one.body); status != http.StatusOK {
			t.Fatalf("%s %s: %d %s", one.method, one.path, status, body)
		}
		got := f.next().event(t)
		one.want.Seq, one.want.AtMs, one.want.IP = got.Seq, got.AtMs, "127.0.0.1"
		if storage() == settings.StorageMySQL && got.Revision > 0 {
			one.want.Revision = 3 // there the namespaces count, too
		}
		if got != one.want {
			t.Errorf("%s %s: told %+v, want %+v", one.method, one.path, got, one.want)
		}
	}
}
