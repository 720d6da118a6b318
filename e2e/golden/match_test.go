package golden

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// matcher compares an answer with what was recorded.
type matcher struct {
	captured map[string]string
	// anyOrder compares lists as sets: the order of some was that of a database's index.
	anyOrder bool
	found    []string
}

func (m *matcher) say(where, format string, args ...any) {
	m.found = append(m.found, where+": "+fmt.Sprintf(format, args...))
}

// varying are fields that count over the whole server.
var varying = []string{"usage", "configCount"}

// value compares a decoded JSON value with a recorded one.
func (m *matcher) value(where string, want, got any) {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			m.say(where, "is %s, want an object", short(got))
			return
		}
		for k, v := range w {
			gv, has := g[k]
			if k == "totalCount" && hasMoreRows(w) {
				continue
			}
			switch {
			case !has:
				m.say(where+"."+k, "is missing, want %s", short(v))
			case slices.Contains(varying, k):
				if _, number := gv.(json.Number); !number {
					m.say(where+"."+k, "is %s, want a number", short(gv))
				}
			default:
				m.value(where+"."+k, v, gv)
			}
		}
		for k, v := range g {
			if _, has := w[k]; !has {
				m.say(where+"."+k, "is %s, but is not in the recorded answer", short(v))
			}
		}
	case []any:
		g, ok := got.([]any)
		if !ok {
			m.say(where, "is %s, want a list", short(got))
			return
		}
		m.list(where, w, g)
	case string:
		m.text(where, w, got)
	case json.Number:
		if g, ok := got.(json.Number); !ok || g.String() != w.String() {
			m.say(where, "is %s, want %s", short(got), w)
		}
	default:
		if want != got {
			m.say(where, "is %s, want %s", short(got), short(want))
		}
	}
}

// hasMoreRows reports whether a recorded page was cut short.
func hasMoreRows(page map[string]any) bool {
	items, _ := page["pageItems"].([]any)
	return len(items) > 0 && items[len(items)-1] == "<more rows>"
}

func (m *matcher) list(where string, want, got []any) {
	if n := len(want); n > 0 && want[n-1] == "<more rows>" {
		if len(got) < n-1 {
			m.say(where, "has %d items, want more", len(got))
		}
		return // which rows there are depends on what else the server holds
	}
	if len(want) != len(got) {
		m.say(where, "has %d items, want %d: %s", len(got), len(want), short(got))
		return
	}
	if !m.anyOrder {
		for i := range want {
			m.value(fmt.Sprintf("%s[%d]", where, i), want[i], got[i])
		}
		return
	}
	left := slices.Clone(got)
	for i := range want {
		if at := slices.IndexFunc(left, func(g any) bool { return m.fits(want[i], g) }); at >= 0 {
			left = slices.Delete(left, at, at+1)
			continue
		}
		m.say(fmt.Sprintf("%s[%d]", where, i), "no item like %s in %s", short(want[i]), short(got))
	}
}

// fits reports whether got is like want, without saying anything.
func (m *matcher) fits(want, got any) bool {
	try := matcher{captured: m.captured, anyOrder: m.anyOrder}
	try.value("", want, got)
	return len(try.found) == 0
}

var placeholders = map[string]*regexp.Regexp{
	"<time-iso>":       regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d$`),
	"<http-date>":      regexp.MustCompile(`^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$`),
	"<id>":             regexp.MustCompile(`^\d+$`),
	"<md5>":            regexp.MustCompile(`^[0-9a-f]{32}$`),
	"<uuid>":           regexp.MustCompile(`^[0-9a-f-]{36}$`),
	"<yyyyMMddHHmmss>": regexp.MustCompile(`^\d{14}$`),
}

var (
	placeholder = regexp.MustCompile(`<[a-zA-Z0-9:.\-]+>`)
	framework   = regexp.MustCompile(`^(caused: .*?Failed to convert).*`)
)

// text compares a recorded text, which may be or have placeholders, with a value.
func (m *matcher) text(where, want string, got any) {
	switch want {
	case "<time-ms>", "<number>":
		if _, ok := got.(json.Number); !ok {
			m.say(where, "is %s, want a number", short(got))
		}
		return
	}
	g, ok := got.(string)
	if !ok {
		m.say(where, "is %s, want %q", short(got), want)
		return
	}
	if m.sameText(strings.TrimRight(want, " "), strings.TrimRight(g, " ")) {
		return // Derby pads columns with blanks
	}
	m.say(where, "is %q, want %q", g, want)
}

func (m *matcher) sameText(want, got string) bool {
	if want == got {
		return true
	}
	if framework.MatchString(want) { // the rest is the framework's wording
		return strings.HasPrefix(got, framework.ReplaceAllString(want, "$1"))
	}
	if w, g, both := nested(want, got); both {
		return m.fits(w, g)
	}
	at := placeholder.FindAllStringIndex(want, -1)
	if at == nil {
		return false
	}
	var re strings.Builder
	re.WriteString("^")
	last := 0
	for _, span := range at {
		re.WriteString(regexp.QuoteMeta(want[last:span[0]]))
		name := want[span[0]:span[1]]
		if value, known := m.captured[strings.Trim(name, "<>")]; known {
			re.WriteString(regexp.QuoteMeta(value))
		} else {
			re.WriteString("(.+)")
		}
		last = span[1]
	}
	re.WriteString(regexp.QuoteMeta(want[last:]) + "$")
	parts := regexp.MustCompile("(?s)" + re.String()).FindStringSubmatch(got)
	if parts == nil {
		return false
	}
	if form := placeholders[want]; form != nil {
		return form.MatchString(got)
	}
	return true
}

// nested returns two texts as JSON when both are objects: some columns hold JSON.
func nested(want, got string) (w, g any, both bool) {
	if !strings.HasPrefix(want, "{") || !strings.HasPrefix(got, "{") {
		return nil, nil, false
	}
	w, errW := decode([]byte(want))
	g, errG := decode([]byte(got))
	return w, g, errW == nil && errG == nil
}

func decode(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one value")
	}
	return v, nil
}

// body compares a body with a recorded one: JSON as JSON, a text byte by byte.
func (m *matcher) body(want any, got []byte) {
	switch w := want.(type) {
	case string:
		if w == "<any>" {
			return
		}
		if w == "<html error page>" {
			if !bytes.Contains(got, []byte("<html")) {
				m.say("body", "is %q, want an HTML page", got)
			}
			return
		}
		if !m.sameText(w, string(got)) && !sameChanged(w, string(got)) {
			m.say("body", "is %q, want %q", got, w)
		}
	default:
		v, err := decode(got)
		if err != nil {
			m.say("body", "is %q, want JSON: %v", got, err)
			return
		}
		m.value("body", want, v)
	}
}

// sameChanged reports whether two answers of a poll name the same keys; their order is open.
func sameChanged(want, got string) bool {
	if !strings.HasSuffix(want, "%01\n") || !strings.HasSuffix(got, "%01\n") {
		return false
	}
	w, g := strings.Split(want[:len(want)-1], "%01"), strings.Split(got[:len(got)-1], "%01")
	slices.Sort(w)
	slices.Sort(g)
	return slices.Equal(w, g)
}

// zip compares the entries of an archive, whatever their order.
func (m *matcher) zip(want []zipEntry, got []byte) {
	r, err := zip.NewReader(bytes.NewReader(got), int64(len(got)))
	if err != nil {
		m.say("zip", "%v in %q", err, short(string(got)))
		return
	}
	have := map[string]string{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			m.say("zip", "%s: %v", f.Name, err)
			continue
		}
		b, err := io.ReadAll(in)
		if err != nil {
			m.say("zip", "%s: %v", f.Name, err)
		}
		have[f.Name] = string(b)
	}
	if len(have) != len(want) {
		m.say("zip", "has %d entries, want %d: %v", len(have), len(want), have)
	}
	for _, e := range want {
		if c, ok := have[e.Entry]; !ok || c != e.Content {
			m.say("zip "+e.Entry, "is %q, want %q", c, e.Content)
		}
	}
}

func short(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(b) > 300 {
		return string(b[:300]) + "…"
	}
	return string(b)
}
