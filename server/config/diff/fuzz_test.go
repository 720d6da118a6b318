package diff

import (
	"strings"
	"testing"
	"time"

	"nacre/server/config/format"
)

// FuzzDiffAndMerge looks for texts that are not given back whole.
func FuzzDiffAndMerge(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nB\nc", "a\nb\nc\nd")
	f.Add("", "a\r\nb", "\n\n")
	f.Add("}\n}\n{\n", "}\n{\n}\n{\n", "{\n{\n}\n")
	f.Fuzz(func(t *testing.T, base, mine, theirs string) {
		var a, b strings.Builder
		for _, l := range Lines([]byte(base), []byte(mine), Options{}).Lines {
			text := l.Text
			if !l.NoBreak {
				text += "\n"
			}
			if l.Op != '+' {
				a.WriteString(text)
			}
			if l.Op != '-' {
				b.WriteString(text)
			}
		}
		if a.String() != base || b.String() != mine {
			t.Fatalf("%q and %q became %q and %q", base, mine, a.String(), b.String())
		}
		Lines([]byte(base), []byte(mine), Options{IgnoreSpace: true})
		if got := Merge([]byte(base), []byte(mine), []byte(base)); string(got.Text) != mine {
			t.Fatalf("merged to %q, not %q", got.Text, mine)
		}
		ab, ba := Merge([]byte(base), []byte(mine), []byte(theirs)), Merge([]byte(base), []byte(theirs), []byte(mine))
		if len(ab.Conflicts) != len(ba.Conflicts) || len(ab.Conflicts) == 0 && string(ab.Text) != string(ba.Text) {
			t.Fatalf("merged to %q, from the other side to %q", ab.Text, ba.Text)
		}
		for _, typ := range format.Types() {
			if c, err := Keys(typ, []byte(mine), []byte(mine)); err == nil && !c.Empty() {
				t.Fatalf("%s: %q differs from itself: %+v", typ, mine, c)
			}
		}
	})
}

// TestLargeTextsAreMerged merges changes of a text of 10 MiB: in each tenth line, of all lines.
func TestLargeTextsAreMerged(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while with the race detector, which has nothing to find in one goroutine")
	}
	lines := strings.SplitAfter(strings.Repeat("some.key: a value of some length\n", 10<<20/33), "\n")
	for i := range lines {
		lines[i] = strings.Replace(lines[i], "key", "key"+string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676%26)), 1)
	}
	edit := func(from int) []byte {
		out := append([]string(nil), lines...)
		for i := from; i < len(out); i += 10 {
			out[i] = "changed " + out[i]
		}
		return []byte(strings.Join(out, ""))
	}
	base := []byte(strings.Join(lines, ""))
	for name, theirs := range map[string][]byte{"each tenth line": edit(5), "all lines": []byte(strings.Repeat("other\n", 10<<20/6))} {
		start := time.Now()
		m := Merge(base, edit(0), theirs)
		took := time.Since(start)
		t.Logf("%s: %v, %d conflicts", name, took, len(m.Conflicts))
		if name != "all lines" && len(m.Conflicts) > 0 {
			t.Errorf("%s: %d conflicts", name, len(m.Conflicts))
		}
	}
}
