package console_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"regexp"
	"strings"
	"testing"
)

func TestTextIsPackedForWhoTakesIt(t *testing.T) {
	s := signedIn(t)
	for range 2 {
		s.publish("public", "g", "a", strings.Repeat("key: value\n", 2000), "")
	}
	js := first(regexp.MustCompile(`src="(/static/console-[^"]+\.js)"`), s.get("/").body)
	for _, path := range []string{"/console/configs", "/console/config?group=g&dataId=a", js} {
		plain := s.get(path, "Accept-Encoding", "identity").is(200)
		packed := s.get(path, "Accept-Encoding", "gzip, br").is(200)
		if plain.Header.Get("Content-Encoding") != "" || packed.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(packed.Header.Get("Vary"), "Accept-Encoding") {
			t.Errorf("%s: %v, %v", path, plain.Header, packed.Header)
			continue
		}
		r, err := gzip.NewReader(strings.NewReader(packed.body))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := io.Copy(&b, r); err != nil {
			t.Fatal(err)
		}
		if text(b.String()) != text(plain.body) || len(packed.body)*2 > len(plain.body) {
			t.Errorf("%s: %d bytes of %d", path, len(packed.body), len(plain.body))
		}
	}
}
