package nacre_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"nacre/server/config"
	"nacre/server/servertest"
	"nacre/web/api/apitest"
)

func TestSearches(t *testing.T) {
	s := servertest.Start(t)
	apitest.Publish(t, s.Configs(), map[string]string{
		"dev/g/app.yaml": "spring:\n  redis:\n    host: Cache-1\n", "dev/g/b.json": `{"a": "redis"}`, "prod/g/app.yaml": "x: 1", "public/g/c": "数据库 redis",
	})
	const at = "/nacre/v1/search"
	apitest.Run(t, s.URL, s.Configs(), []apitest.Scenario{
		{Name: "nothing asked finds all, of all namespaces", Method: "GET", Path: at, Has: []string{`"total":4,`, `"revision":4`, `"hits":[]`}},
		{Name: "a word", Method: "GET", Path: at + "?q=REDIS", Has: []string{`"total":3,`, `{"field":"content","variant":"","line":2,"path":"spring.redis","before":"","match":"redis","after":":"}`}},
		{Name: "a path", Method: "GET", Path: at + "?q=spring.redis.host", Has: []string{`"total":1,`, `"line":3,"path":"spring.redis.host","before":"","match":"host","after":": Cache-1"`}},
		{Name: "Chinese", Method: "GET", Path: at + "?q=%E6%95%B0%E6%8D%AE", Has: []string{`"total":1,`, `"match":"数据","after":"库 redis"`}},
		{Name: "operators", Method: "GET", Path: at + "?q=ns:dev+-type:json+key:host+value:cache+changed:%3C1h", Has: []string{`"total":1,`, `"match":"Cache"`}},
		{Name: "of a namespace", Method: "GET", Path: at + "?namespace=prod", Has: []string{`"total":1,`, `"namespace":"prod"`}},
		{Name: "of the default namespace", Method: "GET", Path: at + "?namespace=public&q=redis", Has: []string{`"total":1,`, `"dataId":"c"`}},
		{Name: "of a namespace that is not there", Method: "GET", Path: at + "?namespace=none", Has: []string{`"total":0,`, `"configs":[]`}},
		{Name: "a namespace has a name, too", Method: "POST", Path: "/nacre/v1/namespaces", Body: `{"id":"prod","name":"Production","desc":""}`, Has: []string{`"id":"prod"`}},
		{Name: "which is found in any case", Method: "GET", Path: at + "?q=ns:production", Has: []string{`"total":1,`, `"namespace":"prod"`}},
		{Name: "a page", Method: "GET", Path: at + "?size=3&page=2", Has: []string{`"total":4,"page":2,"pages":2`, `"dataId":"c"`}, HasNot: []string{"app.yaml"}},
		{Name: "what is wrong is said", Method: "GET", Path: at + "?q=grup:x", Status: 400, Has: []string{"perhaps group: is meant"}},
		{Name: "a variant", Method: "PUT", Path: "/nacre/v1/config?namespace=dev&group=g&dataId=only", Body: `{"content":"fresh","gray":{"ips":"10.0.0.1"}}`, Published: []string{"+dev/g/only#beta"}},
		{Name: "is found at once, though nothing else is published", Method: "GET", Path: at + "?q=fresh", Has: []string{`"total":1,`, `"published":false,"variants":1,"size":0`, `"variant":"beta"`, `"namespace":"dev","group":"g","dataId":"only"`}},
		{Name: "what is removed", Method: "DELETE", Path: "/nacre/v1/config?namespace=dev&group=g&dataId=b.json", Published: []string{"-dev/g/b.json"}},
		{Name: "is not found any more", Method: "GET", Path: at + "?q=redis", Has: []string{`"total":2,`}, HasNot: []string{"b.json"}},
	})
}

func TestSeries(t *testing.T) {
	s := servertest.Start(t)
	const at = "/nacre/v1/series"
	apitest.Run(t, s.URL, s.Configs(), []apitest.Scenario{
		{Name: "all figures of the last quarter", Method: "GET", Path: at, Has: []string{`"range":"15m"`, `"stepMs":5000`, `"name":"publish_p99","unit":"ms"`, `"name":"rss","unit":"bytes"`, `"name":"disk_free"`, `"max":[]`}},
		{Name: "some figures of a day", Method: "GET", Path: at + "?range=24h&names=goroutines,heap", Has: []string{`"stepMs":60000`, `"series":[{"name":"goroutines","unit":"","values":[],"max":[]},{"name":"heap"`}},
		{Name: "a range that is not known", Method: "GET", Path: at + "?range=2h", Status: 400, Has: []string{"it must be one of 15m, 1h, 24h"}},
		{Name: "a figure that is not known", Method: "GET", Path: at + "?names=rss,none", Status: 400, Has: []string{`there is no figure \"none\", there are publishes`}},
	})
	var last string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		_, body := call(t, "GET", s.URL+at+"?names=rss,goroutines,disk_free,publish_p99", "")
		last = string(body)
		var got struct{ Series []struct{ Values []*float64 } }
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Series) == 4 && len(got.Series[0].Values) > 0 {
			for i, least := range []float64{1 << 20, 3, 1 << 10} {
				if v := got.Series[i].Values[0]; v == nil || *v < least {
					t.Errorf("figure %d is not above %v: %s", i, least, last)
				}
			}
			if got.Series[3].Values[0] != nil {
				t.Errorf("nothing was published, and it took some time: %s", last)
			}
			return
		}
	}
	t.Fatal("no figures: " + last)
}

func TestHowLongChangesTakeIsMeasured(t *testing.T) {
	s := servertest.Start(t)
	apitest.Publish(t, s.Configs(), map[string]string{"public/g/a": "1", "public/g/b": "2"})
	if _, err := s.Configs().Remove(t.Context(), config.Actor{}, config.Key{Namespace: "public", Group: "g", DataID: "a"}, "", config.Note{}); err != nil {
		t.Fatal(err)
	}
	_, body := call(t, "GET", s.URL+"/metrics", "")
	if !strings.Contains(string(body), "\nnacre_config_change_seconds_count 3\n") || !strings.Contains(string(body), "\nnacre_push_ack_seconds_count 0\n") {
		t.Errorf("%s", body)
	}
}
