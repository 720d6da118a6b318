package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
)

// table writes rows with aligned columns, indented by two.
type table struct{ w *tabwriter.Writer }

func newTable(out io.Writer) *table { return &table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)} }

// row adds a row; empty cells at its end are left away.
func (t *table) row(cells ...any) {
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	fmt.Fprintf(t.w, strings.Repeat("\t%v", len(cells))+"\n", cells...)
}

func (t *table) flush() { t.w.Flush() }

// terminal reports whether f is one, so that a person looks at it now.
func terminal(f any) bool {
	file, ok := f.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && file.Name() != os.DevNull
}

// ask asks a question that is answered with y or yes. Where nobody can be asked, the answer is yes:
// the flags of the command have said what is wanted.
func (e *Env) ask(question string) bool {
	if !terminal(e.Stdin) || !terminal(e.Stderr) {
		return true
	}
	fmt.Fprintf(e.Stderr, "\n%s [y/N] ", question)
	line, _ := bufio.NewReader(e.Stdin).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true
	}
	return false
}

// bar shows progress in one line of a terminal, and nothing elsewhere.
type bar struct {
	out   io.Writer // nil: nobody looks
	label string
	total int
	done  int
	shown int // per mille
}

func newBar(e *Env, label string, total int) *bar {
	b := &bar{label: label, total: total, shown: -1}
	if terminal(e.Stderr) && total > 0 {
		b.out = e.Stderr
		b.draw()
	}
	return b
}

func (b *bar) add(n int) {
	b.done += n
	b.draw()
}

func (b *bar) draw() {
	if b.out == nil {
		return
	}
	const width = 30
	permille := b.done * 1000 / b.total
	if permille == b.shown {
		return
	}
	b.shown = permille
	full := width * permille / 1000
	fmt.Fprintf(b.out, "\r%s [%s%s] %d/%d", b.label, strings.Repeat("#", full), strings.Repeat("-", width-full), b.done, b.total)
}

// end clears the line.
func (b *bar) end() {
	if b.out != nil {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}
