package diff

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nacre/server/config/format"
)

func TestMergeKeepsWhatOneSideChanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base, x := texts(t)
		b, m := []byte(base), []byte(x)
		for name, got := range map[string]Merged{"mine": Merge(b, m, b), "theirs": Merge(b, b, m), "both": Merge(b, m, m)} {
			if string(got.Text) != x || len(got.Conflicts) > 0 {
				t.Fatalf("%s alone changed: got %q with %d conflicts, not %q", name, got.Text, len(got.Conflicts), x)
			}
		}
	})
}

func TestMergeIsTheSameFromEitherSideAndLosesNoLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base, mine := texts(t)
		_, theirs := texts(t)
		ab, ba := Merge([]byte(base), []byte(mine), []byte(theirs)), Merge([]byte(base), []byte(theirs), []byte(mine))
		if len(ab.Conflicts) != len(ba.Conflicts) {
			t.Fatalf("%d conflicts, from the other side %d", len(ab.Conflicts), len(ba.Conflicts))
		}
		for i, c := range ab.Conflicts {
			if d := ba.Conflicts[i]; c.Mine != d.Theirs || c.Theirs != d.Mine || c.Base != d.Base || c.From != d.From || c.To != d.To {
				t.Fatalf("conflict %d is %+v, from the other side %+v", i, c, d)
			}
			lines := strings.Split(string(ab.Text), "\n")
			if lines[c.From-1] != MarkMine || lines[c.To-1] != MarkTheirs {
				t.Fatalf("conflict %+v is not where it says in %q", c, ab.Text)
			}
		}
		if len(ab.Conflicts) == 0 && string(ab.Text) != string(ba.Text) {
			t.Fatalf("got %q, from the other side %q", ab.Text, ba.Text)
		}
		have := lineSet(string(ab.Text))
		for side, text := range map[string]string{"mine": mine, "theirs": theirs} {
			for l := range lineSet(text) {
				if !have[l] && !lineSet(base)[l] {
					t.Fatalf("the line %q of %s is lost in %q", l, side, ab.Text)
				}
			}
		}
	})
}

func lineSet(text string) map[string]bool {
	set := make(map[string]bool)
	for l := range strings.SplitSeq(text, "\n") {
		set[l] = true
	}
	return set
}

func TestConflictsStandBetweenMarks(t *testing.T) {
	got := Merge([]byte("a\nb\nc\nd\ne\n"), []byte("a\nB\nc\nd\ne\nf"), []byte("a\nβ\nc\nD\ne\n"))
	want := "a\n<<<<<<< mine\nB\n|||||||\nb\n=======\nβ\n>>>>>>> theirs\nc\nD\ne\nf"
	if string(got.Text) != want || len(got.Conflicts) != 1 || got.Conflicts[0] != (Conflict{"b\n", "B\n", "β\n", 2, 8}) {
		t.Fatalf("got %q, %+v", got.Text, got.Conflicts)
	}
}

// TestMergeAgreesWithDiff3 compares merges without conflicts with those of diff3.
func TestMergeAgreesWithDiff3(t *testing.T) {
	dir := t.TempDir()
	agreed := 0
	pairs := pairsOfTexts()
	for i := 15; i < len(pairs); i++ {
		base, mine := pairs[i][0], pairs[i][1]
		lines := strings.SplitAfter(base, "\n")
		at := len(lines) / 2
		theirs := strings.Join(lines[:at], "") + "theirs\n" + strings.Join(lines[at:], "")
		for name, text := range map[string]string{"base": base, "mine": mine, "theirs": theirs} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got := Merge([]byte(base), []byte(mine), []byte(theirs))
		want := program(t, 1, "diff3", "-m", filepath.Join(dir, "mine"), filepath.Join(dir, "base"), filepath.Join(dir, "theirs"))
		if len(got.Conflicts) == 0 && string(got.Text) == want {
			agreed++
		} else if len(got.Conflicts) == 0 && !strings.Contains(want, "<<<<<<<") {
			t.Errorf("pair %d: got %q, diff3 has %q", i, got.Text, want)
		}
	}
	t.Logf("%d of %d merges are those of diff3, to the byte", agreed, len(pairs)-15)
}

func TestKeysTellWhatAPersonChanged(t *testing.T) {
	c, err := Keys(format.YAML, []byte("db:\n  pool:\n    max: 5\n  url: a\nold: 1\nlist: [a, b]\nn: 1\n"), []byte("# moved\nlist: [a, c]\ndb.url: b\ndb:\n  pool: {max: 5}\nnew: x\nn: '1'\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Added) != 1 || c.Added[0] != (KeyChange{"new", "", "x"}) || len(c.Removed) != 1 || c.Removed[0] != (KeyChange{"old", "1", ""}) {
		t.Fatalf("got %+v", c)
	}
	want := []KeyChange{{"list[1]", "b", "c"}, {"db.url", "a", "b"}, {"n", "1", `"1"`}}
	if len(c.Changed) != 3 || c.Changed[0] != want[0] || c.Changed[1] != want[1] || c.Changed[2] != want[2] {
		t.Fatalf("got %+v, not %+v", c.Changed, want)
	}
	if c, err := Keys(format.JSON, nil, []byte(`{"a": 1}`)); err != nil || len(c.Added) != 1 {
		t.Fatalf("of nothing: %+v, %v", c, err)
	}
	if _, err := Keys(format.JSON, []byte(`{`), []byte(`{}`)); err == nil {
		t.Fatal("a broken content was compared")
	}
}
