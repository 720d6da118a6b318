package cli

import (
	"bytes"
	"strings"
	"testing"
)

func TestTheBarMovesOnATerminalOnly(t *testing.T) {
	var out bytes.Buffer
	b := newBar(&Env{Stderr: &out}, "importing", 3)
	b.add(3)
	b.end()
	if out.Len() > 0 {
		t.Errorf("where nobody looks, it wrote %q", out.String())
	}
	b = &bar{out: &out, label: "importing", total: 4, shown: -1}
	b.draw()
	b.add(2)
	b.add(0) // nothing new: nothing is drawn
	b.add(2)
	b.end()
	frames := strings.Split(out.String(), "\r")
	want := []string{"", "importing [" + strings.Repeat("-", 30) + "] 0/4", "importing [" + strings.Repeat("#", 15) + strings.Repeat("-", 15) + "] 2/4", "importing [" + strings.Repeat("#", 30) + "] 4/4", "\x1b[K"}
	if strings.Join(frames, "|") != strings.Join(want, "|") {
		t.Errorf("frames %q", frames)
	}
}

func TestWhereNobodyCanBeAskedTheFlagsDecide(t *testing.T) {
	e := &Env{Stdin: strings.NewReader("n\n"), Stderr: &bytes.Buffer{}}
	if !e.ask("Replace?") {
		t.Error("a pipe was asked")
	}
}

func TestNamesAreShownWithoutControlCharacters(t *testing.T) {
	if got := display("a\x1b[31m\xff\nb"); got != "a\uFFFD[31m\uFFFD\uFFFDb" {
		t.Errorf("%q", got)
	}
}
