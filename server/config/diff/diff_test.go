package diff

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// texts draws two texts that have lines in common.
func texts(t *rapid.T) (a, b string) {
	line := rapid.SampledFrom([]string{"a", "b", "c", "", "}", "  x: 1", "y"})
	list := rapid.SliceOfN(line, 0, 30)
	la := list.Draw(t, "a")
	var lb []string
	for _, l := range la {
		switch rapid.IntRange(0, 7).Draw(t, "edit") {
		case 0:
		case 1:
			lb = append(lb, line.Draw(t, "added"), l)
		case 2:
			lb = append(lb, line.Draw(t, "changed"))
		default:
			lb = append(lb, l)
		}
	}
	end := rapid.SampledFrom([]string{"", "\n"})
	join := func(lines []string, end string) string {
		if len(lines) == 0 {
			return ""
		}
		return strings.Join(lines, "\n") + end
	}
	return join(la, end.Draw(t, "endA")), join(lb, end.Draw(t, "endB"))
}

// shortest returns how many lines the shortest script has, by the table of common subsequences.
func shortest(a, b []string) int {
	row := make([]int, len(b)+1)
	for _, x := range a {
		left := 0
		for j, y := range b {
			up := row[j+1]
			if x == y {
				row[j+1] = left + 1
			} else {
				row[j+1] = max(up, row[j])
			}
			left = up
		}
	}
	return len(a) + len(b) - 2*row[len(b)]
}

func TestLinesGiveBothTextsBackWithTheFewestChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := texts(t)
		c := Lines([]byte(a), []byte(b), Options{})
		var ga, gb strings.Builder
		at, bt := 0, 0
		for _, l := range c.Lines {
			text := l.Text
			if !l.NoBreak {
				text += "\n"
			}
			if l.Op != '+' {
				if at++; l.A != at {
					t.Fatalf("line %d of a has the number %d", at, l.A)
				}
				ga.WriteString(text)
			}
			if l.Op != '-' {
				if bt++; l.B != bt {
					t.Fatalf("line %d of b has the number %d", bt, l.B)
				}
				gb.WriteString(text)
			}
			for _, s := range l.Spans {
				if s.From >= s.To || s.To > len(l.Text) || !utf8.ValidString(l.Text[s.From:s.To]) {
					t.Fatalf("span %v of %q", s, l.Text)
				}
			}
		}
		if ga.String() != a || gb.String() != b {
			t.Fatalf("got %q and %q of %q and %q", ga.String(), gb.String(), a, b)
		}
		if want := shortest(split([]byte(a)), split([]byte(b))); c.Added+c.Removed != want {
			t.Fatalf("+%d -%d, but %d are enough", c.Added, c.Removed, want)
		}
		if c.Equal() != (a == b) {
			t.Fatalf("equal is %v for %q and %q", c.Equal(), a, b)
		}
		rows := 0
		for _, r := range c.Rows(0, len(c.Lines)) {
			if r.Left != nil {
				rows++
			}
			if r.Right != nil {
				rows++
			}
		}
		if want := len(split([]byte(a))) + len(split([]byte(b))); rows != want {
			t.Fatalf("the rows have %d lines, not %d", rows, want)
		}
	})
}

// TestAScriptIsRightWhenTheSearchIsCutShort lets the search end at once, and after the first changes.
func TestAScriptIsRightWhenTheSearchIsCutShort(t *testing.T) {
	ids := rapid.SliceOfN(rapid.IntRange(0, 30), 200, 400)
	rapid.Check(t, func(t *rapid.T) {
		a, b := ids.Draw(t, "a"), ids.Draw(t, "b")
		a, b = append(a, make([]int, 60)...), append(b, make([]int, 60)...) // numbers stay below the number of lines
		for _, budget := range []int{0, 50, 3000} {
			s := diffIDs(a, b, budget)
			var keptA, keptB []int
			for i, id := range a {
				if !s.a[i] {
					keptA = append(keptA, id)
				}
			}
			for i, id := range b {
				if !s.b[i] {
					keptB = append(keptB, id)
				}
			}
			if !slices.Equal(keptA, keptB) {
				t.Fatalf("with %d steps %v and %v are said to be equal", budget, keptA, keptB)
			}
		}
	})
}

// program runs diff or patch, which every Debian has.
func program(t *testing.T, want int, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if exit, ok := err.(*exec.ExitError); ok && exit.ExitCode() <= want {
		err = nil
	}
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
	return string(out)
}

// pairsOfTexts returns 120 pairs: the ones that people make, and random edits of a configuration.
func pairsOfTexts() [][2]string {
	base := "server:\n  port: 8080\n  host: a\n\nspring:\n  redis:\n    host: r1\n    port: 6379\n\nlogging:\n  level: info\n"
	out := [][2]string{
		{"", ""}, {"", "a\n"}, {"a\n", ""}, {"a", "a\n"}, {"a\n", "a"}, {"a", "b"}, {base, base},
		{base, strings.Replace(base, "8080", "9090", 1)}, {base, base + "new: 1\n"}, {base, "# head\n" + base},
		{base, strings.Replace(base, "\nspring", "\nextra:\n  x: 1\n\nspring", 1)}, {base, strings.ReplaceAll(base, "\n", "\r\n")},
		{"{\n}\n{\n}\n", "{\n}\n{\n}\n{\n}\n"}, {"a\nb\nc\n", "c\nb\na\n"}, {"中\n文\n", "中\n字\n"},
	}
	r := rand.New(rand.NewPCG(1, 2))
	for len(out) < 120 {
		var a, b []string
		for i := range 20 + r.IntN(200) {
			l := []string{"", "}", fmt.Sprintf("key%d: %d", i, r.IntN(5)), fmt.Sprintf("  v: %d", r.IntN(4))}[r.IntN(4)]
			a = append(a, l)
			switch r.IntN(25) {
			case 0:
			case 1:
				b = append(b, l, fmt.Sprintf("added: %d", r.IntN(9)))
			case 2:
				b = append(b, l+"x")
			case 3:
				b = append(b, l, l)
			default:
				b = append(b, l)
			}
		}
		out = append(out, [2]string{strings.Join(a, "\n") + "\n", strings.Join(b, "\n") + []string{"", "\n"}[r.IntN(2)]})
	}
	return out
}

func TestUnifiedIsWhatDiffPrintsAndPatchApplies(t *testing.T) {
	dir := t.TempDir()
	same, pairs := 0, pairsOfTexts()
	for i, p := range pairs {
		fa, fb := filepath.Join(dir, fmt.Sprintf("a%d", i)), filepath.Join(dir, fmt.Sprintf("b%d", i))
		for name, text := range map[string]string{fa: p[0], fb: p[1]} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want := program(t, 1, "diff", "-u", "--minimal", "--label", "a", "--label", "b", fa, fb)
		got := Unified([]byte(p[0]), []byte(p[1]), "a", "b")
		if got == want {
			same++
		} else if changes(got) != changes(want) {
			t.Errorf("pair %d: %v changes, diff has %v:\n%s\nnot\n%s", i, changes(got), changes(want), got, want)
		}
		if got == "" {
			continue
		}
		file := filepath.Join(dir, "patch")
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		program(t, 0, "patch", "--binary", "-s", fa, file)
		if after, err := os.ReadFile(fa); err == nil && string(after) != p[1] && p[1] != "" {
			t.Errorf("pair %d: patched to %q, not %q", i, after, p[1])
		}
	}
	t.Logf("%d of %d are the very text of diff -u --minimal", same, len(pairs))
	if same*10 < len(pairs)*8 {
		t.Errorf("only %d of %d are the very text of diff -u --minimal", same, len(pairs))
	}
}

// changes counts the lines that a unified diff takes away and adds.
func changes(unified string) [2]int {
	var n [2]int
	for i, l := range strings.Split(unified, "\n") {
		if i > 1 && strings.HasPrefix(l, "-") {
			n[0]++
		}
		if i > 1 && strings.HasPrefix(l, "+") {
			n[1]++
		}
	}
	return n
}

func TestSpaceIsIgnoredWhenAsked(t *testing.T) {
	c := Lines([]byte("a:  1\n\tb\nc\n"), []byte("a: 1\nb  \nd\n"), Options{IgnoreSpace: true})
	if c.Added != 1 || c.Removed != 1 || c.Lines[0].Text != "a: 1" {
		t.Fatalf("got %+v", c)
	}
}

func TestSpansAreTheWordsThatChanged(t *testing.T) {
	c := Lines([]byte("port: 8080 # 端口\n"), []byte("port: 9090 # 端\n"), Options{})
	mark := func(l Line) string {
		out := ""
		for _, s := range l.Spans {
			out += "[" + l.Text[s.From:s.To] + "]"
		}
		return out
	}
	if a, b := mark(c.Lines[0]), mark(c.Lines[1]); a != "[8080][口]" || b != "[9090]" {
		t.Fatalf("got %s and %s", a, b)
	}
}

// TestLargeTextsAreCompared compares what is hard for a search: 10 MiB that differ wholly, in
// each second line, by order alone, in lines that are all alike.
func TestLargeTextsAreCompared(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while with the race detector, which has nothing to find in one goroutine")
	}
	const size = 10 << 20
	text := func(line func(i int) string) []byte {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			b.WriteString(line(i) + "\n")
		}
		return []byte(b.String())
	}
	r := rand.New(rand.NewPCG(3, 4))
	n := 0
	a := text(func(i int) string { n++; return fmt.Sprintf("key%d: value", i) })
	order := r.Perm(n)
	for name, b := range map[string][]byte{
		"wholly":           text(func(i int) string { return fmt.Sprintf("name%d: value", i) }),
		"each second line": text(func(i int) string { return fmt.Sprintf("key%d: value", i+i%2*10_000_000) }),
		"order":            text(func(i int) string { return fmt.Sprintf("key%d: value", order[i%n]) }),
		"few kinds":        text(func(int) string { return fmt.Sprintf("key%d: value", r.IntN(100)) }),
		"nothing":          a,
		"short lines":      text(func(int) string { return string(rune('a' + r.IntN(4))) })[:2<<20],
	} {
		start := time.Now()
		c := Lines(a, b, Options{})
		took := time.Since(start)
		t.Logf("%s: %v, +%d -%d, coarse %v", name, took, c.Added, c.Removed, c.Coarse)
		if lines := bytes.Count(a, []byte{'\n'}); len(c.Lines)-c.Added != lines {
			t.Errorf("%s: %d lines of the first text, want %d", name, len(c.Lines)-c.Added, lines)
		}
	}
}
