package console

import (
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
	"pgregory.net/rapid"

	"nacre/server/config/diff"
	"nacre/views/parts"
	"nacre/views/words"
)

// looking is a visit of somebody who compares, with a query.
func looking(query string) *visit {
	ctx := fiber.New().AcquireCtx(&fasthttp.RequestCtx{})
	ctx.Request().SetRequestURI("/?" + query)
	return &visit{c: ctx, w: words.All[0]}
}

// shown puts together what a side of the rows shows, with its line numbers checked.
func shown(t *rapid.T, d parts.Diff, left bool) []string {
	var lines []string
	for _, p := range d.Pieces {
		for _, r := range p.Rows {
			no, text := r.LeftNo, r.Left
			if !left {
				no, text = r.RightNo, r.Right
			}
			if !d.Split && r.Op == "same" {
				text = r.Left
			}
			if no == "" {
				continue
			}
			var b strings.Builder
			for _, s := range text {
				if !s.Note {
					b.WriteString(s.Text)
				}
			}
			lines = append(lines, b.String())
			if want := lineNo(len(lines)); no != want {
				t.Fatalf("line %s stands where %s should", no, want)
			}
		}
	}
	return lines
}

// linesOf are the lines of a text as a page shows them.
func linesOf(s string) []string {
	if s == "" {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	return lines
}

func TestTheRowsOfADifferenceAreBothTexts(t *testing.T) {
	line := rapid.SampledFrom([]string{"", "a", "b", "key: value", "key: other", "\tx", "键: 值", "é🚀", "a\r", "  spaced  ", "}", "x=1", "x=2"})
	text := rapid.Custom(func(t *rapid.T) string {
		s := strings.Join(rapid.SliceOfN(line, 0, 40).Draw(t, "lines"), "\n")
		if rapid.Bool().Draw(t, "break") {
			s += "\n"
		}
		return s
	})
	for _, query := range []string{"", "view=split"} {
		v := looking(query)
		rapid.Check(t, func(t *rapid.T) {
			a, b := text.Draw(t, "a"), text.Draw(t, "b")
			if rapid.Bool().Draw(t, "alike") { // b is a with a few lines changed
				lines := strings.Split(a, "\n")
				for range rapid.IntRange(0, 3).Draw(t, "changes") {
					lines[rapid.IntRange(0, len(lines)-1).Draw(t, "at")] = line.Draw(t, "new")
				}
				b = strings.Join(lines, "\n")
			}
			d := v.difference(side{"left", []byte(a)}, side{"right", []byte(b)})
			if d.Same != "" {
				if a != b {
					t.Fatalf("%q and %q are said to be the same", a, b)
				}
				return
			}
			for _, s := range []struct {
				text string
				left bool
			}{{a, true}, {b, false}} {
				if got, want := shown(t, d, s.left), linesOf(s.text); strings.Join(got, "\n") != strings.Join(want, "\n") || len(got) != len(want) {
					t.Fatalf("of %q the page shows %q", s.text, got)
				}
			}
		})
	}
}

func TestWhatCannotBeSeenOfAChangedLineIsSaid(t *testing.T) {
	v := looking("")
	for _, tc := range []struct{ name, a, b, left, right string }{
		{"a line break at the end", "x", "x\n", v.w.Parts.NoLineBreak, ""},
		{"carriage returns", "x\r\ny\n", "x\ny\n", "CR", ""},
		{"both", "x\n", "x\r", "", "CR" + v.w.Parts.NoLineBreak},
	} {
		d := v.difference(side{Content: []byte(tc.a)}, side{Content: []byte(tc.b)})
		said := map[string]string{}
		for _, p := range d.Pieces {
			for _, r := range p.Rows {
				for _, s := range append(r.Left, r.Right...) {
					if s.Note {
						said[r.Op] += s.Text
					}
				}
			}
		}
		if said["del"] != tc.left || said["add"] != tc.right || said["same"] != "" {
			t.Errorf("%s: %q", tc.name, said)
		}
	}
}

func TestADifferenceThatIsTooLargeIsCutAndSaysSo(t *testing.T) {
	v := looking("")
	d := v.difference(side{Content: []byte(strings.Repeat("a\n", 3*maxDiffRows))}, side{Content: []byte(strings.Repeat("b\n", 3*maxDiffRows))})
	rows := 0
	for _, p := range d.Pieces {
		rows += len(p.Rows)
	}
	if d.Cut == "" || rows > maxDiffRows {
		t.Errorf("%d rows, %q", rows, d.Cut)
	}
	long := v.spans(&diff.Line{Op: '+', Text: strings.Repeat("键", maxDiffLine)})
	if text := long[0].Text; len(text) > maxDiffLine+3 || !strings.HasSuffix(text, "键…") {
		t.Errorf("a long line has %d bytes and ends in %q", len(text), text[len(text)-9:])
	}
}
