package abuse

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

const publishHead = "POST /nacos/v1/cs/configs HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n"

func TestABodyThatStopsHalfWayWritesNothing(t *testing.T) {
	a := attacked(t, 900<<20)
	before := a.configs()
	form := "dataId=half&group=DEFAULT_GROUP&content=abc"
	kinds := map[string]string{
		"with a length":           publishHead + "Content-Length: 1000\r\n\r\n" + form,
		"with a large length":     publishHead + "Content-Length: 3000000\r\n\r\n" + form + strings.Repeat("x", 100_000),
		"in chunks, between":      publishHead + "Transfer-Encoding: chunked\r\n\r\n2b\r\n" + form + "\r\n",
		"in chunks, within one":   publishHead + "Transfer-Encoding: chunked\r\n\r\n800\r\n" + form,
		"in chunks, without end":  publishHead + "Transfer-Encoding: chunked\r\n\r\n2b\r\n" + form + "\r\n0\r\n",
		"with attributes in head": "POST /nacos/v1/cs/configs?dataId=half&group=DEFAULT_GROUP&content=abc HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc",
		"v3":                      strings.Replace(publishHead, "v1/cs/configs", "v3/admin/cs/config", 1) + "Content-Length: 900\r\n\r\ndataId=half&groupName=DEFAULT_GROUP&content=abc",
	}
	for name, text := range kinds {
		t.Run("half closed "+name, func(t *testing.T) {
			c := a.dial()
			_, _ = io.WriteString(c, text)
			_ = c.CloseWrite()
			// A client that ends its half may still read why; the server may also just close.
			if status, body, err := answer(bufio.NewReader(c)); err == nil && status != 400 {
				t.Errorf("answer %d %q", status, body)
			}
		})
	}
	var group sync.WaitGroup
	var names []string
	for name := range kinds {
		names = append(names, name)
	}
	conns := make([]net.Conn, 200)
	for i := range conns {
		c := a.dial()
		conns[i] = c
		group.Go(func() { _, _ = io.WriteString(c, kinds[names[i%len(names)]]) })
	}
	group.Wait()
	for i, c := range conns { // some end in order, some with a reset
		if i%2 == 0 {
			_ = c.(*net.TCPConn).SetLinger(0)
		}
		c.Close()
	}
	if content, ok := a.get("half"); ok {
		t.Errorf("half a request published %q", content)
	}
	if now := a.configs(); now != before {
		t.Errorf("there are %d configurations, there were %d", now, before)
	}
	// The room for large bodies is free again.
	err := until(func() error {
		status, body := a.do(a.form("POST", "/nacos/v1/cs/configs", url.Values{"dataId": {"large"}, "group": {"DEFAULT_GROUP"}, "content": {strings.Repeat("l", 3<<20)}}))
		if status != 200 {
			return fmt.Errorf("a large publish afterwards: %d %.200q", status, body)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestContentsAreTakenUpToTheLimitAndRefusedAboveIt(t *testing.T) {
	a := attacked(t, 1500<<20)
	const most = 10 << 20
	type path struct{ url, group string }
	paths := map[string]path{
		"v1": {"/nacos/v1/cs/configs", "group"}, "v2": {"/nacos/v2/cs/config", "group"}, "v3": {"/nacos/v3/admin/cs/config", "groupName"},
	}
	publish := func(p path, dataID, encoded string) (int, string) {
		return a.do(a.request("POST", p.url, "application/x-www-form-urlencoded",
			strings.NewReader("dataId="+dataID+"&"+p.group+"=DEFAULT_GROUP&content="+encoded)))
	}
	exact := strings.Repeat("0123456789abcdef", most/16)
	for name, p := range paths {
		if status, body := publish(p, "exact-"+name, exact); status != 200 {
			t.Errorf("%s: exactly the limit: %d %.200q", name, status, body)
		}
		if got, _ := a.get("exact-" + name); got != exact {
			t.Errorf("%s: %d bytes came back of %d", name, len(got), len(exact))
		}
		status, body := publish(p, "over-"+name, exact+"x")
		if status != 413 || !strings.Contains(body, fmt.Sprint(most)) || !strings.Contains(body, fmt.Sprint(most+1)) {
			t.Errorf("%s: one byte too many: %d %.300q; want 413 with %d and %d", name, status, body, most, most+1)
		}
		if _, ok := a.get("over-" + name); ok {
			t.Errorf("%s: it was written though refused", name)
		}
	}
	if status, body := publish(paths["v1"], "encoded", strings.Repeat("%41", most)); status != 200 {
		t.Errorf("30 MiB of percent-encoding: %d %.200q", status, body)
	}
	if got, _ := a.get("encoded"); got != strings.Repeat("A", most) {
		t.Errorf("the percent-encoded content came back with %d bytes", len(got))
	}
	status, body, err := a.raw([]byte(publishHead + "Content-Length: 99000000\r\n\r\ndataId=far&group=DEFAULT_GROUP&content=" + strings.Repeat("x", 1<<20)))
	if err != nil || status != 413 || !strings.Contains(body, "99000000") || !strings.Contains(body, fmt.Sprint(most)) {
		t.Errorf("a body far above the limit: %d %.300q %v", status, body, err)
	}
}

func TestHeadsAreTakenUpToTheLimit(t *testing.T) {
	a := attacked(t, 600<<20)
	content := strings.Repeat("old python sdk. ", 500<<10/16)
	publish := func(dataID, content string) (int, string) {
		return a.do(a.request("POST", "/nacos/v1/cs/configs?dataId="+dataID+"&group=DEFAULT_GROUP&content="+strings.ReplaceAll(content, " ", "+"), "text/plain", nil))
	}
	if status, body := publish("url", content); status != 200 {
		t.Errorf("500 KiB in the URL: %d %.200q", status, body)
	}
	if got, _ := a.get("url"); got != content {
		t.Errorf("%d bytes came back of %d", len(got), len(content))
	}
	if status, body := publish("url-over", strings.Repeat("x", 600<<10)); status != 431 || !strings.Contains(body, fmt.Sprint(512<<10)) {
		t.Errorf("600 KiB in the URL: %d %.200q", status, body)
	}
	if _, ok := a.get("url-over"); ok {
		t.Error("it was written though refused")
	}
}

func TestOddContentsAreStoredByteForByteOrRefused(t *testing.T) {
	a := attacked(t, 600<<20)
	kept := map[string]string{
		"bom": "\xef\xbb\xbfa: b\n", "crlf": "a=b\r\n\r\n\tc=d\r", "emoji": "👩‍👩‍👧‍👦 \U0001F1E9\U0001F1EA e\u0301", "nul": "a\x00b\x00", "nul-first": "\x00x",
		"controls": "\x01\x02x\x7f\x1b[0m", "nonchars": "\ufffe\uffff\U0010ffff\u2028x", "replacement": "\ufffd", "percent": "100%25 %zz + & = ;", "spaces": "  x  \n",
		"quotes": `'"; DROP TABLE config_info; --`,
	}
	for name, content := range kept {
		for _, how := range []string{"form", "query", "multipart"} {
			id, req := name+"-"+how, a.publish(how, name+"-"+how, []byte(content))
			if status, body := a.do(req); status != 200 {
				t.Errorf("%s: %d %.200q", id, status, body)
			} else if got, _ := a.get(id); got != content {
				t.Errorf("%s: %q came back, %q was sent", id, got, content)
			}
		}
	}
	refused := map[string]string{
		"latin1": "caf\xe9", "lone-surrogate": "\xed\xa0\x80", "overlong": "a\xc0\x80", "cut": "\xf0\x9f\x98", "utf16": "\xff\xfea\x00", "too-high": "\xf4\x90\x80\x80",
		"blank": " \r\n\t", "empty": "",
	}
	before := a.configs()
	for name, content := range refused {
		for _, how := range []string{"form", "query", "multipart"} {
			if status, body := a.do(a.publish(how, "no-"+name, []byte(content))); status != 400 || body == "" {
				t.Errorf("%s by %s: %d %.200q", name, how, status, body)
			}
		}
	}
	for _, broken := range []string{"%", "%4", "%zz", "a%u0041", "%e4%b"} {
		status, body := a.do(a.request("POST", "/nacos/v1/cs/configs", "application/x-www-form-urlencoded", strings.NewReader("dataId=no-broken&group=DEFAULT_GROUP&content="+broken)))
		if status != 400 || !strings.Contains(body, "content") {
			t.Errorf("encoding %s: %d %.200q", broken, status, body)
		}
	}
	if now := a.configs(); now != before {
		t.Errorf("refused contents made %d configurations", now-before)
	}

	again := a.restarted(600 << 20)
	for name, content := range kept {
		for _, how := range []string{"form", "query", "multipart"} {
			if got, _ := again.get(name + "-" + how); got != content {
				t.Errorf("%s by %s: %q came back after a restart, %q was sent", name, how, got, content)
			}
		}
	}
}

// publish is a request that sends content in one of the ways there are.
func (a *target) publish(how, dataID string, content []byte) *http.Request {
	form := url.Values{"dataId": {dataID}, "group": {"DEFAULT_GROUP"}, "content": {string(content)}}
	switch how {
	case "query":
		return a.request("POST", "/nacos/v1/cs/configs?"+form.Encode(), "text/plain", nil)
	case "multipart":
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for name, v := range form {
			_ = w.WriteField(name, v[0])
		}
		w.Close()
		return a.request("POST", "/nacos/v1/cs/configs", w.FormDataContentType(), &b)
	}
	return a.form("POST", "/nacos/v1/cs/configs", form)
}

// A server that unpacked bodies would be filled by a few hundred kilobytes.
func TestBodiesAreNeverUnpackedWhateverTheirEncodingSays(t *testing.T) {
	a := attacked(t, 400<<20)
	before := a.configs()
	const boundary = "bound"
	part := "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.zip\"\r\n\r\n"
	bombs := map[string][]byte{
		"multipart": gzipped(part, 600<<20, "\r\n--"+boundary+"--\r\n"),
		"json":      gzipped(`[{"cfgId":"`, 600<<20, `"}]`),
	}
	for _, tt := range []struct{ path, kind, bomb string }{
		{"/nacos/v1/cs/configs?import=true", "multipart/form-data; boundary=" + boundary, "multipart"},
		{"/nacos/v1/cs/configs", "multipart/form-data; boundary=" + boundary, "multipart"},
		{"/nacos/v3/admin/cs/config/import", "multipart/form-data; boundary=" + boundary, "multipart"},
		{"/nacos/v1/cs/configs?clone=true&tenant=", "application/json", "json"},
		{"/nacos/v3/admin/cs/config/clone?namespaceId=public", "application/json", "json"},
		{"/nacre/v1/namespaces", "application/json", "json"},
	} {
		req := a.request("POST", tt.path, tt.kind, bytes.NewReader(bombs[tt.bomb]))
		req.Header.Set("Content-Encoding", "gzip")
		if status, body := a.do(req); status != 400 && status != 415 && !strings.Contains(body, "10000") {
			t.Errorf("%s: %d %.200q", tt.path, status, body)
		}
	}
	if now := a.configs(); now != before {
		t.Errorf("there are %d configurations, there were %d", now, before)
	}
}

// gzipped packs size zeros between two texts.
func gzipped(before string, size int64, after string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, before)
	_, _ = io.CopyN(w, zeros{}, size)
	_, _ = io.WriteString(w, after)
	w.Close()
	return b.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
