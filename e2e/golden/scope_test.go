package golden

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nacre/server/servertest"
	"nacre/server/settings"
)

// laterParts are the paths of parts that are not served yet, or never will be, with the reason.
var laterParts = []struct{ prefix, part string }{
	{"/nacos/v1/auth", "access control"}, {"/nacos/v3/auth", "access control"},
	{"/nacos/v3/admin/ai", "not planned"}, {"/nacos/v3/console/ai", "not planned"},
	{"/nacos/actuator", "operations"}, {"/nacos/serverlist", "not in 3.1"}, {"/nacos/prometheus", "registry"},
}

// outOfScope returns why a row is not replayed, "" when it is.
func outOfScope(w *row) string {
	for _, p := range laterParts {
		if strings.HasPrefix(w.path(), p.prefix) {
			return p.part
		}
	}
	if strings.Contains(w.Name, "with user and password") && w.Answer.Status == http.StatusForbidden {
		return "access control"
	}
	return ""
}

// anyOrder reports whether the lists of a row's answer have no order that Nacos states.
func anyOrder(w *row) bool {
	return strings.Contains(string(w.Request.Query), `"search"`) && !strings.Contains(w.path(), "history") ||
		strings.Contains(w.path(), "/config/list") || strings.Contains(w.path(), "/ns/") || strings.Contains(w.path(), "searchDetail") || w.Request.Multipart != nil
}

func isNamespaceList(w *row) bool {
	return w.method() == http.MethodGet && w.Answer.Status == http.StatusOK &&
		(strings.HasSuffix(w.path(), "/namespace/list") || strings.HasSuffix(w.path(), "/v1/console/namespaces") && w.Request.Query == nil)
}

// difference is a way in which 2.5, which v1 and v2 answer like, differs from the 3.1 that was recorded.
type difference struct {
	name, reason string
	apply        func(*row, *recordedAnswer) bool
}

func old(w *row) bool {
	return strings.HasPrefix(w.path(), "/nacos/v1/") || strings.HasPrefix(w.path(), "/nacos/v2/")
}

// storageDifferences are those of servers that keep everything in MySQL; what was recorded kept it in a database of its own.
func storageDifferences() []difference {
	if os.Getenv(servertest.StorageEnv) != settings.StorageMySQL {
		return nil
	}
	return []difference{
		{"storage", "it was recorded on the embedded one, which is called ''", func(_ *row, a *recordedAnswer) bool {
			return replaceField(a, "datasource_platform", "", settings.StorageMySQL)
		}},
		{"length of a dataId", "the column of MySQL has room for 255 characters", func(w *row, a *recordedAnswer) bool {
			if w.Name != "publish dataId 256" || a.Status != http.StatusOK {
				return false
			}
			a.Status, a.Body = http.StatusBadRequest, "caused: a value does not fit into the database <text>;"
			return true
		}},
	}
}

var differences = append(storageDifferences(), []difference{
	{"tenant of the default namespace", "2.5 stores and shows it as '', 3.1 as 'public'", func(w *row, a *recordedAnswer) bool {
		return old(w) && replaceField(a, "tenant", "public", "")
	}},
	{"id of the default namespace", "2.5 lists it as '', 3.1 as 'public'", func(w *row, a *recordedAnswer) bool {
		return old(w) && !strings.Contains(w.path(), "/ns/") && replaceField(a, "namespace", "public", "")
	}},
	{"type of custom namespaces", "2 up to 2.5, 1 in 3.x", func(w *row, a *recordedAnswer) bool {
		return old(w) && strings.Contains(w.path(), "namespace") && replaceField(a, "type", json.Number("1"), json.Number("2"))
	}},
	{"name of a quota row", "2.5 calls it tenant or group, 3.1 namespaceId or groupName", func(w *row, a *recordedAnswer) bool {
		if !old(w) || !strings.HasSuffix(w.path(), "/capacity") {
			return false
		}
		one := renameField(a, "namespaceId", "tenant")
		return renameField(a, "groupName", "group") || one
	}},
	{"compare-and-set that fails", "2.5 answers v1 with a text, 3.1 with false", func(w *row, a *recordedAnswer) bool {
		if w.path() != "/nacos/v1/cs/configs" || a.Status != 500 || a.Body != "false" {
			return false
		}
		a.Body = "caused: Cas publish fail, server md5 may have changed.;"
		return true
	}},
	{"path of the console", "the console of 3.1 has a port of its own and no context path", func(w *row, a *recordedAnswer) bool {
		o, ok := a.Body.(map[string]any)
		if p, _ := o["path"].(string); !ok || w.Request.Server != "console" || p == "" {
			return false
		}
		a.Body = copyOf(a.Body)
		a.Body.(map[string]any)["path"] = w.path()
		return true
	}},
	{"spelling of allIPs", "2.x has allIPs, 3.1 allIps; both are sent", func(_ *row, a *recordedAnswer) bool {
		changed := false
		c := copyOf(a.Body)
		visit(c, func(o map[string]any) {
			if v, ok := o["allIps"]; ok {
				o["allIPs"], changed = v, true
			}
		})
		if changed {
			a.Body = c
		}
		return changed
	}},
	{"name of services in a list", "1.x has services, later ones META-INF/services; both are sent", func(w *row, a *recordedAnswer) bool {
		o, ok := a.Body.(map[string]any)
		if !ok || !strings.HasSuffix(w.path(), "/service/names") {
			return false
		}
		o = copyOf(o).(map[string]any)
		o["services"] = o["META-INF/services"]
		a.Body = o
		return true
	}},
	{"name of a download", "the framework takes the end of the path for that of a file", func(w *row, a *recordedAnswer) bool {
		if !strings.Contains(w.path(), "/statuses/") {
			return false
		}
		a.Headers = json.RawMessage(`{"Content-Type":"application/json"}`)
		return true
	}},
	{"address of the server", "the recorded one listened on 8848", func(_ *row, a *recordedAnswer) bool {
		return replaceField(a, "server_port", "8848", "<port>") || replaceField(a, "responsibleServer", "127.0.0.1:8848", "127.0.0.1:<port>")
	}},
	{"addresses and term of the member", "the recorded one listened on 8848 and was elected once", func(w *row, a *recordedAnswer) bool {
		if !strings.Contains(w.path(), "/core/cluster/") {
			return false
		}
		changed := replaceField(a, "address", "127.0.0.1:8848", "<any>")
		for name, value := range map[string]any{"raftPort": "7848", "leader": "127.0.0.1:7848"} {
			changed = replaceField(a, name, value, "<any>") || changed
		}
		for name, value := range map[string]any{"port": json.Number("8848"), "term": json.Number("1")} {
			changed = replaceField(a, name, value, "<number>") || changed
		}
		c := copyOf(a.Body)
		visit(c, func(o map[string]any) {
			if _, ok := o["raftGroupMember"]; ok {
				o["raftGroupMember"], changed = []any{"<any>"}, true
			}
		})
		a.Body = c
		return changed
	}},
	{"version of the server", "it is another server", func(_ *row, a *recordedAnswer) bool {
		return replaceField(a, "version", "3.1.0-SNAPSHOT", "<version>")
	}},
}...)

// applyDifferences changes a recorded answer into the one of 2.5 and returns the differences that did.
func applyDifferences(w *row, a *recordedAnswer) (used []string) {
	for _, d := range differences {
		if d.apply(w, a) {
			used = append(used, d.name)
		}
	}
	return used
}

func copyOf(v any) any {
	switch v := v.(type) {
	case map[string]any:
		c := maps.Clone(v)
		for k := range c {
			c[k] = copyOf(c[k])
		}
		return c
	case []any:
		c := slices.Clone(v)
		for i := range c {
			c[i] = copyOf(c[i])
		}
		return c
	}
	return v
}

// visit calls f for each object in v.
func visit(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(v)
		for _, one := range v {
			visit(one, f)
		}
	case []any:
		for _, one := range v {
			visit(one, f)
		}
	}
}

func replaceField(a *recordedAnswer, name string, from, to any) bool {
	changed := false
	c := copyOf(a.Body)
	visit(c, func(o map[string]any) {
		if v, ok := o[name]; ok && v == from {
			o[name], changed = to, true
		}
	})
	if changed {
		a.Body = c
	}
	return changed
}

func renameField(a *recordedAnswer, from, to string) bool {
	changed := false
	c := copyOf(a.Body)
	visit(c, func(o map[string]any) {
		if v, ok := o[from]; ok {
			delete(o, from)
			o[to], changed = v, true
		}
	})
	if changed {
		a.Body = c
	}
	return changed
}

// exception is a row whose recorded answer is not to be given.
type exception struct {
	file, row, reason string
	// status, and body, which is JSON when it begins like it, are what is right; the recorded headers
	// but for the kind of content count where status and kind are the recorded ones.
	status int
	body   string
	zip    []zipEntry
	held   float64
	// edit makes what is right of the recorded body, in place of status and body.
	edit func(body any) any
	// capture, when set, stands for the row's own.
	capture map[string]string
}

func exceptionFor(w *row) *exception {
	for i := range exceptions {
		if x := &exceptions[i]; x.file == w.file && x.row == w.Name {
			return x
		}
	}
	return nil
}

// answer returns what x expects in place of the recorded answer.
func (x *exception) answer(t *testing.T, recorded recordedAnswer) recordedAnswer {
	t.Helper()
	if x.edit != nil {
		recorded.Body = x.edit(copyOf(recorded.Body))
		return recorded
	}
	a := recordedAnswer{Status: x.status, Zip: x.zip, HeldSeconds: x.held}
	if x.status == recorded.Status {
		a.Headers = recorded.Headers
	}
	a.Body = x.body
	if strings.HasPrefix(x.body, "{") || strings.HasPrefix(x.body, "[") {
		v, err := decode([]byte(x.body))
		if err != nil {
			t.Fatalf("exception %s: %v", x.row, err)
		}
		a.Body = v
	}
	return a
}

func (tl *tally) count() {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	tl.same++
}

func (tl *tally) differ(used []string) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	tl.different++
	for _, name := range used {
		tl.usedDifference[name]++
	}
}

func (tl *tally) except(x *exception) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	tl.excepted++
	tl.usedException[x.file+"/"+x.row] = true
}

func (tl *tally) exclude(by string) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	tl.excluded++
	tl.excludedBy[by]++
}

// report prints what was compared with what, and fails for entries of the tables that nothing needs.
func (tl *tally) report(t *testing.T) {
	t.Logf("%d rows as recorded, %d as 2.5 answers them, %d by exceptions, %d out of scope", tl.same, tl.different, tl.excepted, tl.excluded)
	for _, by := range slices.Sorted(maps.Keys(tl.excludedBy)) {
		t.Logf("  out of scope: %s, %d rows", by, tl.excludedBy[by])
	}
	for _, d := range differences {
		if n := tl.usedDifference[d.name]; n > 0 {
			t.Logf("  difference: %s (%s), %d rows", d.name, d.reason, n)
		} else {
			t.Errorf("nothing needs the difference %q", d.name)
		}
	}
	for _, x := range exceptions {
		if tl.usedException[x.file+"/"+x.row] {
			t.Logf("  exception: %s/%s: %s", x.file, x.row, x.reason)
		} else {
			t.Errorf("nothing needs the exception %s/%s", x.file, x.row)
		}
	}
}

var waitingGauge = regexp.MustCompile(`(?m)^nacre_longpoll_waiting (\d+)`)

// waitingPolls returns how many long polls a server holds, from its metrics.
func waitingPolls(host string) (n int, seen string) {
	res, err := http.Get("http://" + host + "/metrics")
	if err != nil {
		return -1, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return -1, err.Error()
	}
	m := waitingGauge.FindSubmatch(b)
	if m == nil {
		return -1, "no gauge of waiting polls in " + fmt.Sprint(len(b)) + " bytes of metrics"
	}
	n, _ = strconv.Atoi(string(m[1]))
	return n, string(m[0])
}
