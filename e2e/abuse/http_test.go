package abuse

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestWhatIsNoHTTPIsRefused(t *testing.T) {
	a := attacked(t, 400<<20)
	before := a.configs()
	random := rand.New(rand.NewPCG(1, 2))
	garbage := make([]byte, 64<<10)
	for i := range garbage {
		garbage[i] = byte(random.Uint32())
	}
	publish := "dataId=rubbish&group=DEFAULT_GROUP&content=x"
	with := func(header string) []byte {
		return []byte(strings.TrimSuffix(publishHead, "\r\n") + "\r\n" + header + "\r\n" + publish)
	}
	for name, text := range map[string][]byte{
		"garbage":             garbage,
		"garbage with lines":  append(bytes.ReplaceAll(garbage, []byte{0x55}, []byte("\r\n")), "\r\n\r\n"...),
		"zeros":               make([]byte, 700<<10),
		"TLS":                 []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x11", 500) + "\r\n\r\n"),
		"endless header line": []byte("GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 2<<20)),
		"endless headers":     []byte("GET / HTTP/1.1\r\n" + strings.Repeat("X-Header: value\r\n", 100_000)),
		"endless line":        []byte("GET /" + strings.Repeat("a", 2<<20)),
		"negative length":     with("Content-Length: -5\r\n"),
		"length no number":    with("Content-Length: abc\r\n"),
		"length too large":    with("Content-Length: 99999999999999999999999\r\n"),
		"two lengths":         with("Content-Length: 44\r\nContent-Length: 3\r\n"),
		"bad chunk size":      with("Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
		"huge chunk":          with("Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n"),
		"header without name": []byte("GET / HTTP/1.1\r\n: x\r\n\r\n"),
		"no version":          []byte("GET /\r\n\r\n"),
	} {
		status, body, err := a.raw(text)
		// To close without a word is right only for what does not even begin as HTTP/1.
		if err == nil && (status < 400 || status == 500) {
			t.Errorf("%s: %d %.200q", name, status, body)
		}
		if err != nil && !bytes.Equal(text, garbage) && name != "garbage with lines" {
			t.Errorf("%s: no answer: %v", name, err)
		}
	}
	if now := a.configs(); now != before {
		t.Errorf("rubbish made %d configurations", now-before)
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	a := attacked(t, 400<<20)
	const count = 2000
	var b strings.Builder
	for i := range count {
		form := fmt.Sprintf("dataId=pipe&group=DEFAULT_GROUP&content=%d", i)
		fmt.Fprintf(&b, "%sContent-Length: %d\r\n\r\n%sGET /nacos/v1/cs/configs?dataId=pipe&group=DEFAULT_GROUP HTTP/1.1\r\nHost: h\r\n\r\n", publishHead, len(form), form)
	}
	c := a.dial()
	go func() { _, _ = io.WriteString(c, b.String()) }()
	r := bufio.NewReader(c)
	for i := range count {
		for _, want := range []string{"true", fmt.Sprint(i)} {
			if status, body, err := answer(r); err != nil || status != 200 || body != want {
				t.Fatalf("answer %d: %d %.200q %v, want %q", i, status, body, err, want)
			}
		}
	}
}

// The server gives a head and a small body ten seconds, however steadily they drip.
func TestThreeHundredSlowClientsAreEnded(t *testing.T) {
	t.Parallel()
	a := attacked(t, 400<<20)
	type ended struct {
		kind string
		text string
		err  error
	}
	results := make(chan ended, 300)
	kinds := map[string]string{
		"a head": "GET /nacos/v1/cs/configs?dataId=d HTTP/1.1\r\nX: ",
		"a body": publishHead + "Content-Length: 4000\r\n\r\ndataId=slow&group=DEFAULT_GROUP&content=",
		"chunks": publishHead + "Transfer-Encoding: chunked\r\n\r\nfff\r\ndataId=small&group=DEFAULT_GROUP&content=",
	}
	for i := range 300 {
		kind := []string{"a head", "a body", "a head"}[i%3]
		c := a.dial()
		done := make(chan struct{})
		go func() {
			tick := time.NewTicker(500 * time.Millisecond)
			defer tick.Stop()
			_, _ = io.WriteString(c, kinds[kind])
			for {
				select {
				case <-done:
					return
				case <-tick.C:
					if _, err := io.WriteString(c, "x"); err != nil {
						return
					}
				}
			}
		}()
		go func() {
			b, err := io.ReadAll(c)
			close(done)
			results <- ended{kind, string(b), err}
		}()
	}
	for range 300 {
		if got := <-results; !strings.Contains(got.text, " 408 ") {
			t.Errorf("%s that drips was answered %.100q, %v", got.kind, got.text, got.err)
		}
	}
	if _, ok := a.get("slow"); ok {
		t.Error("a body that did not arrive was published")
	}
}
