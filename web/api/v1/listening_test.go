package v1

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"nacre/server/config"
	"nacre/server/resource"
	"nacre/web/api/wire"
)

func TestHoldTime(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"30000": 29500 * time.Millisecond, "2000": 10 * time.Second, "10000": 10 * time.Second, "10500": 10 * time.Second, "10600": 10100 * time.Millisecond,
		"0": 10 * time.Second, "-5": 10 * time.Second, "+30000": 29500 * time.Millisecond, "99999999999": 5 * time.Minute, "9223372036854775807": 5 * time.Minute,
	} {
		if got, err := holdTime(header); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", header, got, err, want)
		}
	}
	for _, header := range []string{"", "abc", "1.5", " 1", "9223372036854775808"} {
		if _, err := holdTime(header); err == nil {
			t.Errorf("%q is taken", header)
		}
	}
}

func TestClientsThatReadHeaders(t *testing.T) {
	for version, want := range map[string]bool{
		"": true, "1.4.8": true, "2.0.3": true, "2.0.4": false, "2.1": false, "3": false, "3.1.0-SNAPSHOT": false, "Nacos-Go-Client:v2": true, "2.0": true,
	} {
		if got := readsHeaders(version); got != want {
			t.Errorf("%q: %v", version, got)
		}
	}
}

// FuzzListening checks what is read of a listening string: nothing that could not be asked for, no
// key twice, and an answer that a client reads back as the same keys.
func FuzzListening(f *testing.F) {
	for _, s := range []string{
		"a\x02g\x02m\x01", "a\x02g\x02m\x02t\x01", "a\x02g\x02\x02\x01b\x02g\x02m\x02public\x01", "a\x02g\x01", "\x01", "a%02g%02m%01", "a\x02g\x02m\x01tail",
		"a\x02g\x02m\x02NULL\x01a\x02g\x02n\x01", strings.Repeat("a\x02g\x02\x01", 20),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		set, refused, err := parseListening(text)
		if err != nil || refused != "" {
			if len(set.watches) > 0 {
				t.Fatalf("refused, but %d entries were read", len(set.watches))
			}
			return
		}
		if n := len(set.watches); n == 0 || n > maxEntries {
			t.Fatalf("%d entries", n)
		}
		seen := map[config.Key]bool{}
		var keys []config.Key
		for _, w := range set.watches {
			if seen[w.Key] {
				t.Fatalf("%v is there twice", w.Key)
			}
			seen[w.Key] = true
			keys = append(keys, w.Key)
			if text := resource.CheckNames(w.Key.Namespace, w.Key.DataID, w.Key.Group); text != "" {
				t.Fatalf("%v: %s", w.Key, text)
			}
		}
		plain, err := url.QueryUnescape(set.encodeChanged(keys))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(plain, "\x01"), "\x01")
		if len(lines) != len(keys) {
			t.Fatalf("%d keys became %d lines", len(keys), len(lines))
		}
		for i, line := range lines {
			words := strings.Split(line, "\x02")
			tenant := ""
			if len(words) == 3 {
				tenant = words[2]
			}
			if got := (config.Key{Namespace: wire.LegacyNamespace(tenant), Group: words[1], DataID: words[0]}); got != keys[i] {
				t.Fatalf("%v came back as %v", keys[i], got)
			}
		}
	})
}
