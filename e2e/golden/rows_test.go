package golden

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// row is one recorded exchange. Rows of SDKs have Line and a list of headers, the others Method, Path
// and values that were percent-encoded when they were sent.
type row struct {
	Name    string            `json:"name"`
	Request recordedRequest   `json:"request"`
	Answer  recordedAnswer    `json:"response"`
	Capture map[string]string `json:"capture"`
	Note    string            `json:"note"`
	Fault   string            `json:"fault"`

	file string
}

type recordedRequest struct {
	Server    string          `json:"server"`
	Method    string          `json:"method"`
	Path      string          `json:"path"`
	Query     json.RawMessage `json:"query"`
	RawQuery  string          `json:"rawQuery"`
	Form      json.RawMessage `json:"form"`
	Body      any             `json:"body"`
	Multipart map[string]struct {
		Filename string `json:"filename"`
		Zip      any    `json:"zip"`
	} `json:"multipart"`
	Headers json.RawMessage `json:"headers"`
	Line    string          `json:"line"`
}

type recordedAnswer struct {
	Status      int             `json:"status"`
	Headers     json.RawMessage `json:"headers"`
	Body        any             `json:"body"`
	Zip         []zipEntry      `json:"zip"`
	HeldSeconds float64         `json:"heldSeconds"`
}

type zipEntry struct {
	Entry   string `json:"entry"`
	Content string `json:"content"`
}

// answer is what a server said.
type answer struct {
	status  int
	headers http.Header
	body    []byte
	held    time.Duration
}

func load(t *testing.T, name string) []row {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&rows); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for i := range rows {
		rows[i].file = name
	}
	return rows
}

// path returns the path of the request on one port: the console's paths had a port of their own.
func (r *row) path() string {
	p := r.Request.Path
	if r.Request.Line != "" {
		p, _, _ = strings.Cut(strings.Fields(r.Request.Line)[1], "?")
	}
	if r.Request.Server == "console" && !strings.HasPrefix(p, "/nacos/") {
		p = "/nacos" + p
	}
	return p
}

func (r *row) method() string {
	if r.Request.Line != "" {
		return strings.Fields(r.Request.Line)[0]
	}
	return r.Request.Method
}

var repeated = regexp.MustCompile(`<(\d+) x (.+)>`)

// fill puts captured values and repeated characters in place of their placeholders.
func fill(text string, captured map[string]string) string {
	text = repeated.ReplaceAllStringFunc(text, func(s string) string {
		m := repeated.FindStringSubmatch(s)
		n, _ := strconv.Atoi(m[1])
		return strings.Repeat(m[2], n)
	})
	for name, value := range captured {
		text = strings.ReplaceAll(text, "<"+name+">", value)
	}
	return strings.NewReplacer("<id>", "999999999", "<port>", "53997", "<client-ip>", "127.0.0.1").Replace(text)
}

// pairs reads values that are an object, or a list of pairs where a name is there twice.
func pairs(t *testing.T, raw json.RawMessage) [][2]string {
	t.Helper()
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var list [][2]string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		k, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		v, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, [2]string{k.(string), fmt.Sprint(v)})
	}
	return list
}

func encode(list [][2]string, captured map[string]string) string {
	var b strings.Builder
	for i, p := range list {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(p[0]) + "=" + url.QueryEscape(fill(p[1], captured)))
	}
	return b.String()
}

// wire returns the request as it goes over the connection.
func (r *row) wire(t *testing.T, host string, captured map[string]string) []byte {
	t.Helper()
	q := r.Request
	line, body, kind := "", "", ""
	headers := pairs(t, q.Headers)
	if q.Line != "" {
		line, body = fill(q.Line, nil), fill(fmt.Sprint(q.Body), captured)
		if q.Body == nil {
			body = ""
		}
	} else {
		query := q.RawQuery
		if query == "" {
			query = encode(pairs(t, q.Query), captured)
		}
		target := r.path()
		if query != "" {
			target += "?" + query
		}
		line = q.Method + " " + target + " HTTP/1.1"
		switch {
		case q.Multipart != nil:
			body, kind = multipartBody(t, r)
		case q.Form != nil:
			body, kind = encode(pairs(t, q.Form), captured), "application/x-www-form-urlencoded"
		case q.Body != nil:
			body = fill(textOf(t, q.Body), captured)
		}
	}
	var b bytes.Buffer
	b.WriteString(line + "\r\nHost: " + host + "\r\n")
	for _, h := range headers {
		switch strings.ToLower(h[0]) {
		case "host", "content-length", "connection":
			continue
		case "content-type":
			kind = ""
		}
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	if kind != "" {
		b.WriteString("Content-Type: " + kind + "\r\n")
	}
	if body != "" || r.method() == http.MethodPost || r.method() == http.MethodPut {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("Connection: close\r\n\r\n" + body)
	return b.Bytes()
}

// textOf returns a recorded body as it was sent: a string as it is, anything else as JSON.
func textOf(t *testing.T, v any) string {
	t.Helper()
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(b))
}

func multipartBody(t *testing.T, r *row) (body, kind string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for field, file := range r.Request.Multipart {
		part, err := w.CreateFormFile(field, file.Filename)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(zipOf(t, file.Zip)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

// zipOf makes the ZIP that a row describes, or the bytes that it sends in place of one.
func zipOf(t *testing.T, described any) []byte {
	t.Helper()
	if s, ok := described.(string); ok {
		return []byte(s)
	}
	raw, err := json.Marshal(described)
	if err != nil {
		t.Fatal(err)
	}
	var entries []zipEntry
	if err := json.Unmarshal(raw, &entries); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.Create(e.Entry)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, e.Content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// send sends the request of a row over a connection of its own and returns the answer.
func (r *row) send(t *testing.T, host string, captured map[string]string) (answer, error) {
	t.Helper()
	request := r.wire(t, host, captured)
	c, err := net.DialTimeout("tcp", host, 5*time.Second)
	if err != nil {
		return answer{}, err
	}
	defer c.Close()
	if err := c.SetDeadline(deadline(90 * time.Second)); err != nil {
		return answer{}, err
	}
	start := now()
	sent := make(chan error, 1)
	go func() {
		_, err := c.Write(request)
		sent <- err
	}()
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: r.method()})
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	held := since(start)
	c.Close()
	<-sent
	return answer{status: res.StatusCode, headers: res.Header, body: body, held: held}, nil
}
