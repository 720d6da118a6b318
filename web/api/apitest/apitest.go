// Package apitest runs tables of requests against a server and says what each of them published.
package apitest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nacre/server/config"
)

// Scenario is a request and all that must come of it. Scenarios of one table run in order, so that
// a later one sees what an earlier one did.
type Scenario struct {
	Name   string
	Method string
	// Path has the query, too.
	Path string
	// Form, when not nil, is the body; else Body is, with ContentType.
	Form        url.Values
	Body        string
	ContentType string
	Header      map[string]string

	// Status is the status of the answer, 200 when it is 0.
	Status int
	// Want is the body, in which <*> stands for anything, save that a field of JSON ends it.
	Want string
	// Has and HasNot are parts of the body; WantHeader are headers of the answer.
	Has, HasNot []string
	WantHeader  map[string]string
	// Published is what changed, as Changes says it: nothing, where it is empty.
	Published []string
	// Before is called first, with the server that is asked.
	Before func(*config.Service)
	// Check is called with the answer in the end.
	Check func(t *testing.T, body []byte)
}

// Run runs the scenarios in order against the server at base, whose service is configs.
func Run(t *testing.T, base string, configs *config.Service, scenarios []Scenario) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(client.CloseIdleConnections)
	for _, s := range scenarios {
		t.Run(s.Name, func(t *testing.T) { s.run(t, client, base, configs) })
	}
}

func (s *Scenario) run(t *testing.T, client *http.Client, base string, configs *config.Service) {
	if s.Before != nil {
		s.Before(configs)
	}
	before := Snapshot(configs)
	req, err := http.NewRequestWithContext(t.Context(), s.Method, base+s.Path, strings.NewReader(s.body()))
	if err != nil {
		t.Fatal(err)
	}
	if s.Form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
	} else if s.ContentType != "" {
		req.Header.Set("Content-Type", s.ContentType)
	}
	for k, v := range s.Header {
		req.Header.Set(k, v)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	s.compare(t, res, body)
	if got := before.Changes(configs); !slices.Equal(got, s.Published) {
		t.Errorf("published %q, want %q", got, s.Published)
	}
	if s.Check != nil {
		s.Check(t, body)
	}
}

func (s *Scenario) body() string {
	if s.Form != nil {
		return s.Form.Encode()
	}
	return s.Body
}

func (s *Scenario) compare(t *testing.T, res *http.Response, body []byte) {
	t.Helper()
	if want := max(s.Status, 0); want == 0 && res.StatusCode != http.StatusOK || want != 0 && res.StatusCode != want {
		t.Errorf("status %d, want %d; %s", res.StatusCode, want, shown(body))
	}
	if s.Want != "" && !matches(s.Want, string(body)) {
		t.Errorf("body\n%s\nwant\n%s", shown(body), s.Want)
	}
	for _, part := range s.Has {
		if !strings.Contains(string(body), part) {
			t.Errorf("body has no %s\n%s", part, shown(body))
		}
	}
	for _, part := range s.HasNot {
		if strings.Contains(string(body), part) {
			t.Errorf("body has %s\n%s", part, shown(body))
		}
	}
	for k, v := range s.WantHeader {
		if got := strings.Join(res.Header.Values(k), "|"); !matches(v, got) {
			t.Errorf("header %s is %q, want %q", k, got, v)
		}
	}
}

func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "<*>")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`(?s)\A` + strings.Join(parts, `[^,}\]]*`) + `\z`).MatchString(text)
}

func shown(body []byte) string {
	if len(body) > 2000 {
		return string(body[:2000]) + "…"
	}
	return string(body)
}

// Held is what a server held at a moment: revisions by name.
type Held map[string]uint64

// Snapshot returns what configs holds now.
func Snapshot(configs *config.Service) Held {
	h := make(Held)
	configs.Each(func(k config.Key, it *config.Item) bool {
		if it.Formal != nil {
			h[k.String()] = it.Formal.Revision
		}
		for _, g := range it.Grays {
			h[k.String()+"#"+g.Name] = g.Revision
		}
		return true
	})
	return h
}

// Changes returns what differs now, sorted: "+ns/group/dataId" is new, "~" changed, "-" gone; a
// variant's name follows after a #.
func (h Held) Changes(configs *config.Service) []string {
	var out []string
	now := Snapshot(configs)
	for name, rev := range now {
		switch was, there := h[name]; {
		case !there:
			out = append(out, "+"+name)
		case was != rev:
			out = append(out, "~"+name)
		}
	}
	for name := range h {
		if _, there := now[name]; !there {
			out = append(out, "-"+name)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(a[1:], b[1:]) })
	return out
}

// Publish publishes contents by name, ns/group/dataId, for tests that need something to be there.
func Publish(t testing.TB, configs *config.Service, contents map[string]string) {
	t.Helper()
	for name, content := range contents {
		parts := strings.SplitN(name, "/", 3)
		d := config.Draft{Key: config.Key{Namespace: parts[0], Group: parts[1], DataID: parts[2]}, Content: []byte(content)}
		if _, err := configs.Publish(t.Context(), config.Actor{}, d); err != nil {
			t.Fatal(fmt.Errorf("%s: %w", name, err))
		}
	}
}
