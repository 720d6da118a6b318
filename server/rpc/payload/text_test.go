package payload

import (
	"encoding/json"
	"strings"
	"testing"
)

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "a\"b\\c", "\x00\x1f\n\r\t", "ümläut 中文 🐚", "\xff\xc3", "</script>\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := AppendString(nil, s)
		if string(b) != string(AppendString(nil, []byte(s))) {
			t.Fatalf("%q: text and bytes differ", s)
		}
		var got string
		if err := json.Unmarshal(b, &got); err != nil || got != strings.ToValidUTF8(s, "\ufffd") && got != validEach(s) {
			t.Fatalf("%q became %s (%v)", s, b, err)
		}
	})
}

// validEach replaces each bad byte, where strings.ToValidUTF8 replaces each run of them.
func validEach(s string) string {
	var out strings.Builder
	for _, r := range s {
		out.WriteRune(r)
	}
	return out.String()
}
