package abuse

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nacre/server/servertest"
	"nacre/server/settings"
)

func TestIllegalNamesAreRefusedAndWriteNothing(t *testing.T) {
	a := attacked(t, 400<<20)
	a.calm() // so that the revision tells whether anything was written
	before := a.figures()
	bad := []string{"a b", "a/b", `a\b`, "a*", "a\x00b", "a\nb", "a;b", "<a>", "a\"b", "a%b", "ä", "界", "😀", "a\xffb", "a&b=c", "a+b", "${x}"}
	for _, tt := range []struct {
		field  string
		length int
		post   string // the other parameters
		path   string
	}{
		{"dataId", 256, "group=g&content=x", "/nacos/v1/cs/configs"},
		{"group", 128, "dataId=d&content=x", "/nacos/v1/cs/configs"},
		{"tenant", 64, "dataId=d&group=g&content=x", "/nacos/v1/cs/configs"},
		{"dataId", 256, "group=g&content=x", "/nacos/v2/cs/config"},
		{"group", 128, "dataId=d&content=x", "/nacos/v2/cs/config"},
		{"namespaceId", 64, "dataId=d&group=g&content=x", "/nacos/v2/cs/config"},
		{"dataId", 256, "groupName=g&content=x", "/nacos/v3/admin/cs/config"},
		{"groupName", 128, "dataId=d&content=x", "/nacos/v3/admin/cs/config"},
		{"namespaceId", 64, "dataId=d&groupName=g&content=x", "/nacos/v3/admin/cs/config"},
		{"dataId", 256, "groupName=g&content=x", "/nacos/v3/console/cs/config"},
		{"tag", 16, "dataId=d&group=g&content=x", "/nacos/v1/cs/configs"},
		{"tag", 16, "dataId=d&group=g&content=x", "/nacos/v2/cs/config"},
		{"tag", 16, "dataId=d&groupName=g&content=x", "/nacos/v3/admin/cs/config"},
		{"customNamespaceId", 64, "namespaceName=n", "/nacos/v1/console/namespaces"},
		{"namespaceId", 64, "namespaceName=n", "/nacos/v2/console/namespace"},
		{"namespaceId", 64, "namespaceName=n", "/nacos/v3/admin/core/namespace"},
		{"customNamespaceId", 64, "namespaceName=n", "/nacos/v3/console/core/namespace"},
	} {
		for _, value := range append(bad, strings.Repeat("x", tt.length+1)) {
			methods := []string{"POST"}
			if strings.Contains(tt.path, "/cs/") {
				methods = append(methods, "DELETE", "GET")
			}
			for _, method := range methods {
				if tt.field == "tag" && method != "POST" {
					continue
				}
				pairs := tt.post + "&" + tt.field + "=" + url.QueryEscape(value)
				req := a.request(method, tt.path+"?"+pairs, "", nil)
				if method == "POST" {
					req = a.request(method, tt.path, "application/x-www-form-urlencoded", strings.NewReader(pairs))
				}
				status, body := a.do(req)
				if strings.HasPrefix(tt.path, "/nacos/v1/console") && status == 200 && body == "false" {
					continue // Nacos' answer of this path
				}
				checked := tt.field != "tag" && strings.Contains(tt.path, "/cs/")
				if status != 400 || body == "" || checked && !strings.HasPrefix(body, "Param '") {
					t.Errorf("%s %s with %s=%.30q: %d %.200q", method, tt.path, tt.field, value, status, body)
				}
			}
		}
	}
	for _, p := range []string{"/nacos/v1/cs/configs", "/nacos/v2/cs/config", "/nacos/v3/admin/cs/config"} {
		for _, form := range []string{"", "dataId=d", "dataId=d&group=g&groupName=g", "group=g&groupName=g&content=x", "dataId=d&content=x", "dataId=&group=&groupName=&content="} {
			if status, body := a.do(a.request("POST", p, "application/x-www-form-urlencoded", strings.NewReader(form))); status != 400 || body == "" {
				t.Errorf("%s without all parameters (%s): %d %.200q", p, form, status, body)
			}
		}
	}
	after := a.figures()
	if after.Revision != before.Revision || after.Counts != before.Counts {
		t.Errorf("refused requests changed something: %+v, before %+v", after, before)
	}
	// An unknown type is none of these: it counts as text, as in Nacos.
	if status, body := a.do(a.form("POST", "/nacos/v1/cs/configs", url.Values{"dataId": {"d"}, "group": {"DEFAULT_GROUP"}, "content": {"x"}, "type": {"klingon"}})); status != 200 {
		t.Errorf("an unknown type: %d %q", status, body)
	}
	req := a.form("GET", "/nacos/v1/cs/configs?dataId=d&group=DEFAULT_GROUP", nil)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if kind := res.Header.Get("Config-Type"); kind != "text" {
		t.Errorf("an unknown type became %q", kind)
	}
}

// createNamespaces creates so many with a few clients, and returns the answers that were not 200.
func (a *target) createNamespaces(count int) (refusals []string) {
	var group sync.WaitGroup
	var mu sync.Mutex
	var next atomic.Int64
	client := &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	for range 64 {
		group.Go(func() {
			for i := next.Add(1); i <= int64(count); i = next.Add(1) {
				id := fmt.Sprintf("ns-%d", i)
				status, body, err := exchange(client, a.form("POST", "/nacos/v3/admin/core/namespace", url.Values{"namespaceId": {id}, "namespaceName": {id}}))
				if err != nil || status != 200 {
					mu.Lock()
					refusals = append(refusals, fmt.Sprintf("%d %s %v", status, body, err))
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	return refusals
}

func TestNamespacesAreLimited(t *testing.T) {
	a := attacked(t, 300<<20, servertest.With(func(s *settings.Settings) { s.MaxNamespaces = 1000 }))
	refusals := a.createNamespaces(1010)
	if len(refusals) != 10 {
		t.Errorf("%d of 1,010 were refused, not 10", len(refusals))
	}
	for _, r := range refusals {
		if !strings.HasPrefix(r, "403 ") || !strings.Contains(r, "1000") || !strings.Contains(r, "max-namespaces") {
			t.Errorf("the refusal does not name the limit: %s", r)
		}
	}
	if n := a.figures().Counts.Namespaces; n != 1001 {
		t.Errorf("there are %d namespaces, not 1,000 and the default one", n)
	}
}

func TestTwentyThousandNamespacesAreListedAndPaged(t *testing.T) {
	t.Parallel()
	const count = 20_000
	a := attacked(t, 600<<20)
	start := time.Now()
	if refusals := a.createNamespaces(count); len(refusals) > 0 {
		t.Fatalf("%d were refused, first %s", len(refusals), refusals[0])
	}
	t.Logf("creating %d namespaces took %v", count, time.Since(start))
	for path, want := range map[string]int{
		"/nacos/v1/console/namespaces": count + 1, "/nacos/v2/console/namespace/list": count + 1, "/nacos/v3/admin/core/namespace/list": count + 1,
		"/nacre/v1/namespaces?page=1&size=500": 500, "/nacre/v1/namespaces?page=41&size=500": 1, "/nacre/v1/namespaces?page=10000000&size=500": 0,
	} {
		start := time.Now()
		status, body := a.do(a.form("GET", path, nil))
		if got := strings.Count(body, `"configCount"`) + strings.Count(body, `"configs"`); status != 200 || got != want {
			t.Errorf("%s: %d with %d namespaces, want %d: %.200q", path, status, got, want, body)
		}
		t.Logf("%s took %v", path, time.Since(start))
	}
	if status, body := a.do(a.form("GET", "/", nil)); status != 200 {
		t.Errorf("the first page: %d %.200q", status, body)
	}
	if status, body := a.do(a.form("POST", "/nacos/v3/admin/cs/config", url.Values{"namespaceId": {"ns-20000"}, "dataId": {"d"}, "groupName": {"g"}, "content": {"x"}})); status != 200 {
		t.Errorf("a publish in the last one: %d %.200q", status, body)
	}
}
