package format

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// large returns 10 MiB of lines, or 3 MiB when they are as short as those of somebody with a purpose.
func large(head string, line func(i int) string, tail string) []byte {
	var b strings.Builder
	b.WriteString(head)
	size := 10 << 20
	if len(line(0)) < 20 {
		size = 3 << 20
	}
	for i := 0; b.Len() < size; i++ {
		b.WriteString(line(i))
	}
	b.WriteString(tail)
	return []byte(b.String())
}

// TestLargeContentsTakeBoundedMemory checks and flattens MiB of each format, as it is and
// as somebody would make it who wants to keep the server busy.
func TestLargeContentsTakeBoundedMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while with the race detector, which has nothing to find in one goroutine")
	}
	for _, c := range []struct {
		name string
		typ  Type
		text []byte
	}{
		{"sections", YAML, large("", func(i int) string {
			return fmt.Sprintf("section%d:\n  host: server-%d.example.com\n  port: %d\n  tags: [a, b]\n", i, i, i)
		}, "")},
		{"one key a line", YAML, large("", func(i int) string { return fmt.Sprintf("k%d: v\n", i) }, "")},
		{"the same key", YAML, large("", func(int) string { return "key: value\n" }, "")},
		{"a flow of little", YAML, large("[", func(int) string { return "a," }, "]")},
		{"as long a flow as is checked", YAML, []byte("[" + strings.Repeat("a,", 499_000) + "]")},
		{"as many documents as are checked", YAML, []byte(strings.Repeat("---\na: 1\n", 160_000))},
		{"a flow in a flow", YAML, []byte("[" + strings.Repeat("[a,b],", 190_000) + "]")},
		{"open brackets", YAML, large("", func(int) string { return "[" }, "")},
		{"question marks", YAML, large("", func(int) string { return "? " }, "")},
		{"dashes", YAML, large("", func(int) string { return "- " }, "")},
		{"documents", YAML, large("", func(int) string { return "---\na: 1\n" }, "")},
		{"aliases", YAML, large("a: &a 1\nb:\n", func(int) string { return "- *a\n" }, "")},
		{"comments", YAML, large("", func(int) string { return "# c\n" }, "a: 1")},
		{"tabs", YAML, large("a: [\n", func(int) string { return "\tb,\n" }, "]")},
		{"a quoted text", YAML, large("a: \"", func(int) string { return "b \n" }, "\"")},
		{"sections", JSON, large("{", func(i int) string {
			return fmt.Sprintf("\"section%d\": {\"host\": \"server-%d.example.com\", \"ports\": [%d, 2]},\n", i, i, i)
		}, "\"end\": 1}")},
		{"the same key", JSON, large("{", func(int) string { return "\"a\": 1," }, "\"a\": 1}")},
		{"open brackets", JSON, large("", func(int) string { return "[" }, "")},
		{"many small objects", JSON, large("[", func(int) string { return "{\"a\":{}}," }, "1]")},
		{"sections", TOML, large("", func(i int) string {
			return fmt.Sprintf("[section%d]\nhost = \"server-%d.example.com\"\nports = [%d, 2]\n", i, i, i)
		}, "")},
		{"one key a line", TOML, large("", func(i int) string { return fmt.Sprintf("k%d = 1\n", i) }, "")},
		{"lists of tables", TOML, large("", func(int) string { return "[[a]]\nb = 1\n" }, "")},
		{"a long array", TOML, large("a = [", func(int) string { return "1," }, "]")},
		{"open brackets", TOML, large("a = ", func(int) string { return "[" }, "")},
		{"dots", TOML, large("a", func(int) string { return ".a" }, " = 1")},
		{"dates", TOML, large("a = [", func(int) string { return "2024-01-02T03:04:05Z," }, "]")},
		{"lines", Properties, large("", func(i int) string { return fmt.Sprintf("some.key.%d = value %d\n", i, i) }, "")},
		{"one long line", Properties, large("a=", func(int) string { return "b\\\n  " }, "")},
		{"the same key", Properties, large("", func(int) string { return "a=1 \n" }, "")},
		{"sections", XML, large("<r>", func(i int) string {
			return fmt.Sprintf("<section id=\"%d\"><host>server-%d.example.com</host><port>%d</port></section>\n", i, i, i)
		}, "</r>")},
		{"open elements", XML, large("", func(int) string { return "<a>" }, "")},
		{"attributes", XML, large("<a", func(i int) string { return fmt.Sprintf(" a%d='1'", i) }, "/>")},
		{"a text", XML, large("<a>", func(int) string { return "x &amp;\n" }, "</a>")},
		{"tags", HTML, large("", func(int) string { return "<b><i>x</i>" }, "")},
		{"nothing but breaks", Text, large("", func(int) string { return "\r\n\n" }, "")},
	} {
		t.Run(string(c.typ)+": "+c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			problems := Check(c.typ, c.text)
			checked := time.Since(start)
			runtime.ReadMemStats(&after)
			if c.typ == YAML && c.name != "sections" {
				t.Logf("check %v (%d MiB allocated, %d problems)", checked.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20, len(problems))
				return // what takes time is the reading
			}
			start = time.Now()
			pairs, err := Flatten(c.typ, c.text)
			flattened := time.Since(start)
			t.Logf("check %v (%d MiB allocated, %d problems), flatten %v (%d pairs, %.60v)", checked.Round(time.Millisecond),
				(after.TotalAlloc-before.TotalAlloc)>>20, len(problems), flattened.Round(time.Millisecond), len(pairs), err)
			if most := uint64(256 * len(c.text)); after.TotalAlloc-before.TotalAlloc > most {
				t.Errorf("%d bytes were allocated, at most %d may be", after.TotalAlloc-before.TotalAlloc, most)
			}
		})
	}
}
