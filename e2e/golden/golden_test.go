// Package golden replays exchanges that were recorded with a real Nacos, and with real SDKs that
// spoke to it, against a real Nacre, and compares the answers.
package golden

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"nacre/server/clock"
	"nacre/server/servertest"
	"nacre/server/settings"
)

func now() time.Time                      { return clock.System{}.Now() }
func since(t time.Time) time.Duration     { return clock.Since(clock.System{}, t) }
func deadline(in time.Duration) time.Time { return now().Add(in) }

// replay is one server and what was captured of its answers.
type replay struct {
	t        *testing.T
	host     string
	captured map[string]string
	polls    sync.WaitGroup
	tally    *tally
}

// tally counts what became of rows.
type tally struct {
	mu                                  sync.Mutex
	same, different, excepted, excluded int
	excludedBy                          map[string]int
	usedDifference                      map[string]int
	usedException                       map[string]bool
}

func newTally() *tally {
	return &tally{excludedBy: map[string]int{}, usedDifference: map[string]int{}, usedException: map[string]bool{}}
}

func start(t *testing.T, tl *tally, change func(*settings.Settings)) *replay {
	srv := servertest.Start(t, servertest.With(func(s *settings.Settings) {
		s.TrustedProxies = []string{"127.0.0.1"}
		if change != nil {
			change(s)
		}
	}))
	return &replay{t: t, host: strings.TrimPrefix(srv.URL, "http://"), captured: map[string]string{}, tally: tl}
}

// TestRecordedExchanges replays everything that was recorded of the parts that are served.
func TestRecordedExchanges(t *testing.T) {
	tl := newTally()
	t.Run("one server", func(t *testing.T) {
		r := start(t, tl, nil)
		for _, f := range []string{
			"config-v1", "config-search", "config-history", "config-gray", "config-export-import-clone", "namespaces",
			"errors", "v2", "v3-client-admin-console", "operator-core-console",
		} {
			r.file(f)
		}
	})
	t.Run("sdks", func(t *testing.T) {
		for _, f := range []string{"sdk-java1", "sdk-node", "sdk-python01"} {
			start(t, tl, nil).file(f)
		}
	})
	t.Run("old paths switched off", func(t *testing.T) {
		start(t, tl, func(s *settings.Settings) { s.APICompatAdmin, s.APICompatConsole = false, false }).file("old-apis-off")
	})
	t.Run("registry", func(t *testing.T) {
		for _, f := range []string{"naming-instance-v1", "naming-service-catalog-v1"} {
			start(t, tl, nil).file(f)
		}
	})
	t.Run("long polls", func(t *testing.T) { start(t, tl, nil).listener() })
	tl.report(t)
}

// missedBeats is a row that was sent when heartbeats were missed.
const missedBeats = "unhealthy after missing beats"

func (r *replay) file(name string) {
	for _, row := range load(r.t, name) {
		r.row(&row)
	}
}

// row replays one row and compares, unless it is out of scope.
func (r *replay) row(w *row) {
	if by := outOfScope(w); by != "" {
		r.tally.exclude(by)
		return
	}
	r.t.Run(w.file+"/"+w.Name, func(t *testing.T) {
		got, err := w.send(t, r.host, r.captured)
		for end := deadline(10 * time.Second); err == nil && w.Name == missedBeats && bytes.Contains(got.body, []byte(`"healthy":true`)) && now().Before(end); {
			time.Sleep(50 * time.Millisecond)
			got, err = w.send(t, r.host, r.captured)
		}
		if err != nil {
			t.Fatalf("%s %s: %v", w.method(), w.path(), err)
		}
		r.compare(t, w, got)
	})
}

// compare compares an answer with the recorded one, as changed by the documented differences, or with
// the exception that stands for it.
func (r *replay) compare(t *testing.T, w *row, got answer) {
	t.Helper()
	m := &matcher{captured: r.captured, anyOrder: anyOrder(w)}
	x := exceptionFor(w)
	if x == nil && w.Fault != "" {
		t.Fatalf("this row records a fault of Nacos (%s) and has no exception that says what is right", w.Fault)
	}
	want := w.Answer
	if x != nil {
		r.tally.except(x)
		want = x.answer(t, want)
	} else if used := applyDifferences(w, &want); len(used) > 0 {
		r.tally.differ(used)
	} else {
		r.tally.count()
	}
	if got.status != want.Status {
		m.say("status", "is %d, want %d (body %q)", got.status, want.Status, short(string(got.body)))
	}
	for _, h := range pairs(t, want.Headers) {
		if x == nil || h[0] != "Content-Type" || x.edit != nil {
			m.header(h[0], h[1], got.headers)
		}
	}
	switch {
	case want.Zip != nil:
		m.zip(want.Zip, got.body)
	case isNamespaceList(w):
		m.namespaces(want.Body, got.body)
	default:
		m.body(want.Body, got.body)
	}
	if want.HeldSeconds > 5 && (got.held.Seconds() < want.HeldSeconds-0.6 || got.held.Seconds() > want.HeldSeconds+2) {
		m.say("held", "%v, want %v s", got.held, want.HeldSeconds)
	}
	for _, f := range m.found {
		t.Errorf("%s %s: %s", w.method(), w.path(), f)
	}
	r.capture(t, w, got)
}

// header compares one header, whose value may have placeholders.
func (m *matcher) header(name, want string, got http.Header) {
	have, ok := got[http.CanonicalHeaderKey(name)]
	if !ok {
		m.say("header "+name, "is missing, want %q", want)
		return
	}
	value := strings.Join(have, ", ")
	if name == "Allow" {
		if !sameSet(value, want) {
			m.say("header "+name, "is %q, want %q", value, want)
		}
		return
	}
	if !m.sameText(want, value) {
		m.say("header "+name, "is %q, want %q", value, want)
	}
}

func sameSet(a, b string) bool {
	set := func(s string) map[string]bool {
		out := map[string]bool{}
		for one := range strings.SplitSeq(s, ",") {
			out[strings.TrimSpace(one)] = true
		}
		return out
	}
	return fmt.Sprint(set(a)) == fmt.Sprint(set(b))
}

// namespaces compares lists of namespaces: the recorded ones must be there, save one with a random id.
func (m *matcher) namespaces(want any, got []byte) {
	v, err := decode(got)
	if err != nil {
		m.say("body", "%v", err)
		return
	}
	items := func(v any) []any {
		o, _ := v.(map[string]any)
		list, _ := o["data"].([]any)
		return list
	}
	for _, w := range items(want) {
		if w.(map[string]any)["namespaceShowName"] == "rnd" {
			continue
		}
		ok := false
		for _, g := range items(v) {
			ok = ok || m.fits(w, g)
		}
		if !ok {
			m.say("body.data", "no item like %s in %s", short(w), short(items(v)))
		}
	}
}

func (r *replay) capture(t *testing.T, w *row, got answer) {
	t.Helper()
	names := w.Capture
	if x := exceptionFor(w); x != nil && x.capture != nil {
		names = x.capture
	}
	for name, path := range names {
		v, err := decode(got.body)
		if err != nil {
			t.Errorf("capture %s: %v", name, err)
			return
		}
		for step := range strings.SplitSeq(path, ".") {
			switch in := v.(type) {
			case map[string]any:
				v = in[step]
			case []any:
				var i int
				if _, err := fmt.Sscan(step, &i); err != nil || i >= len(in) {
					t.Errorf("capture %s: no item %s", name, step)
					return
				}
				v = in[i]
			}
		}
		r.captured[name] = fmt.Sprint(v)
	}
}

// listener replays the recorded polls: those that were held come first, all at once, as they waited
// while the rows before them in the file were sent.
func (r *replay) listener() {
	rows := load(r.t, "config-listener")
	prepared := 0
	for ; rows[prepared].Request.Method == "POST" && rows[prepared].Answer.HeldSeconds == 0; prepared++ {
		r.row(&rows[prepared])
	}
	waiting := 0
	type result struct {
		row *row
		got answer
		err error
	}
	results := make(chan result)
	for i := range rows[prepared:] {
		w := &rows[prepared+i]
		if w.Answer.HeldSeconds < 1 {
			continue
		}
		waiting++
		go func() {
			got, err := w.send(r.t, r.host, nil)
			results <- result{w, got, err}
		}()
	}
	r.await(waiting)
	for i := range rows[prepared:] {
		if w := &rows[prepared+i]; w.Answer.HeldSeconds < 1 {
			r.row(w)
		}
	}
	for range waiting {
		res := <-results
		r.t.Run("config-listener/"+res.row.Name, func(t *testing.T) {
			if res.err != nil {
				t.Fatal(res.err)
			}
			r.compare(t, res.row, res.got)
		})
	}
}

// await waits until that many polls are held.
func (r *replay) await(polls int) {
	r.t.Helper()
	last := ""
	for end := deadline(10 * time.Second); now().Before(end); time.Sleep(5 * time.Millisecond) {
		n := 0
		if n, last = waitingPolls(r.host); n == polls {
			return
		}
	}
	r.t.Fatalf("%d polls do not wait: %s", polls, last)
}
