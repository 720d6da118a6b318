package wire

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestJSONStringsReadBackAsTheyWere(t *testing.T) {
	for _, text := range []string{
		"", "a", "1234567", "12345678", "123456789", `"`, `\`, "\n", "1234567\n", "12345678\n", "a\x00b\x1fc\x7f", "key: \"wert\"\r\n\tx: \\y\n",
		"文字 und é", "\u2028\u2029", strings.Repeat("x", 1000) + "\n" + strings.Repeat("é\"", 500), "\xef\xbb\xbfbom", " !#[]~",
	} {
		checkJSON(t, text)
	}
	rapid.Check(t, func(t *rapid.T) {
		checkJSON(t, rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.RuneFrom([]rune("\"\\\n\r\t\x00\x1f !#[]ab")))).Draw(t, "text"))
	})
}

func checkJSON(t interface {
	Helper()
	Fatalf(string, ...any)
}, text string) {
	t.Helper()
	got := AppendJSON([]byte("before"), []byte(text))
	quoted, ok := bytes.CutPrefix(got, []byte("before"))
	if !ok || !json.Valid(quoted) {
		t.Fatalf("%q is written %s", text, got)
	}
	var back string
	if err := json.Unmarshal(quoted, &back); err != nil || back != text {
		t.Fatalf("%q is written %s and read %q (%v)", text, quoted, back, err)
	}
}

func FuzzJSONString(f *testing.F) {
	f.Add("plain")
	f.Add("with \"quotes\" and \\ and\nline ends")
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.ValidString(text) {
			checkJSON(t, text)
		}
	})
}

func BenchmarkJSONString(b *testing.B) {
	for name, text := range map[string]string{
		"random letters": strings.Repeat("abcdefgh01234567", 64),
		"yaml":           strings.Repeat("server:\n  port: 8080\n  name: \"shop\"\n", 28),
	} {
		b.Run(name, func(b *testing.B) {
			buf, in := make([]byte, 0, 4096), []byte(text)
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				buf = AppendJSON(buf[:0], in)
			}
		})
	}
}
