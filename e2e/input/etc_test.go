package input

import (
	"crypto/md5"
	"encoding/hex"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nacre/cli"
	"nacre/server/config/transfer"
	"nacre/server/resource"
	"nacre/server/servertest"
)

// wanted is how many files the tests want; where /etc has fewer, files of the packages that are
// installed make up for them.
const wanted = 1000

// snapshot copies the machine's configuration files, links included, so that nothing changes under a test.
func snapshot(t *testing.T) (dir string, links int) {
	t.Helper()
	dir = t.TempDir()
	n := 0
	if err := filepath.WalkDir("/etc", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // what can't be listed is not there for us
		}
		to := filepath.Join(dir, strings.TrimPrefix(p, "/etc"))
		if d.Type()&fs.ModeSymlink != 0 {
			if target, err := os.Readlink(p); err == nil && os.MkdirAll(filepath.Dir(to), 0o755) == nil && os.Symlink(target, to) == nil {
				links++
			}
			return nil
		}
		if d.Type().IsRegular() && copyFile(p, to) {
			n++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	etc := n
	for _, top := range []string{"/usr/lib", "/usr/share"} {
		if err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
			if n >= wanted {
				return fs.SkipAll
			}
			if err == nil && d.IsDir() && strings.Contains(d.Name(), "sdk") {
				return fs.SkipDir // thousands of files of one kind
			}
			if err != nil || !d.Type().IsRegular() {
				return nil
			}
			if info, err := d.Info(); err == nil && info.Size() < 1<<20 && looksLikeConfiguration(p) && copyFile(p, filepath.Join(dir, p)) {
				n++
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d files and %d links of /etc, %d files of installed packages", etc, links, n-etc)
	return dir, links
}

// oddities are kinds of files that not every machine has.
var oddities = tree{
	"odd/bom":                "\ufeffkey=value\n",
	"odd/crlf":               "a=1\r\nb=2\r\n",
	"odd/cr":                 "a=1\rb=2\r",
	"odd/no end of line":     "a=1",
	"odd/nul":                "a\x00b\x00",
	"odd/control":            "\x01\x02\x1b[31m\x7f\u0085\u2028\u2029",
	"odd/long line":          strings.Repeat("0123456789", 100_000),
	"odd/html":               "<a href=\"x\">&amp;</a>",
	"odd/percent":            "100%+%2B%zz&=;",
	"odd/emoji \U0001F600":   "\U0001F600\U00010FFFF",
	"odd/trailing blanks":    "a  \n\n\n",
	"odd/only a replacement": "\ufffd",
	"odd/a:b":                "a colon in the name",
	"odd/=a:b":               "a name with the mark",
	"odd/\xff\xfe":           "a name that is no text",
	"odd/utf-16":             "\xff\xfea\x00",
	"odd/latin-1":            "caf\xe9",
	"odd/cut":                "a\xe4\xb8",
	"odd/surrogate":          "\xed\xa0\x80",
	"odd/blank":              " \t\r\n",
	"odd/empty":              "",
}

func looksLikeConfiguration(path string) bool {
	return slices.Contains([]string{".conf", ".service", ".socket", ".timer", ".target", ".rules", ".ini", ".cnf", ".cfg", ".properties", ".xml", ".yml", ".yaml", ".json", ".toml", ".desktop", ".pc"}, filepath.Ext(path))
}

func copyFile(from, to string) bool {
	b, err := os.ReadFile(from)
	return err == nil && os.MkdirAll(filepath.Dir(to), 0o755) == nil && os.WriteFile(to, b, 0o644) == nil
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestTheFilesOfEtcComeBackByteForByte(t *testing.T) {
	s := servertest.Start(t)
	dir, links := snapshot(t)
	oddities.write(t, dir)
	layout := transfer.Layout{RootGroup: resource.DefaultGroup}
	all := readTree(t, dir)
	files := importable(all, layout)
	if len(files) < 100 {
		t.Fatalf("this machine has only %d text files", len(files))
	}
	t.Logf("%d files, %d of them can be configurations", len(all), len(files))

	must(t, s, "import", dir, "--namespace", "etc", "--create-namespace", "--dry-run")
	if n := stateOf(t, s).Writes.Published; n != 0 {
		t.Fatalf("the dry run published %d configurations", n)
	}
	out := must(t, s, "import", dir, "--namespace", "etc", "--create-namespace")
	if n := number(t, out, "result", "created"); n != len(files) {
		t.Errorf("%d configurations were created, of %d files", n, len(files))
	}
	if n := number(t, out, "result", "left out"); n != len(all)-len(files)+links {
		t.Errorf("%d were left out, of %d files and %d links", n, len(all)-len(files), links)
	}
	checkServed(t, s, "etc", files, layout)

	before := stateOf(t, s)
	out = must(t, s, "import", dir, "--namespace", "etc", "--policy", "overwrite")
	if n := number(t, out, "result", "same"); n != len(files) || stateOf(t, s).Revision != before.Revision {
		t.Errorf("the second import: %d the same, revision %d became %d", n, before.Revision, stateOf(t, s).Revision)
	}

	told := poll(t, s, "etc", files, layout)
	changed := change(t, dir, files)
	code, out, stderr := nacre(t, s, "import", dir, "--namespace", "etc")
	if n := number(t, out, "", "conflict"); code != cli.ExitFail || n != len(changed) || !strings.Contains(stderr, "--policy") || stateOf(t, s).Revision != before.Revision {
		t.Errorf("without a policy: exit code %d, %d conflicts, %s", code, n, stderr)
	}
	out = must(t, s, "import", dir, "--namespace", "etc", "--policy", "overwrite")
	if n := number(t, out, "result", "updated"); n != len(changed) {
		t.Errorf("%d were updated, %d were changed", n, len(changed))
	}
	checkTold(t, told, changed, layout)
	checkServed(t, s, "etc", files, layout)

	to := t.TempDir()
	out = must(t, s, "export", "--namespace", "etc", "--out", to)
	if n := number(t, out, "", "written"); n != len(files) {
		t.Errorf("%d files were written of %d", n, len(files))
	}
	compare(t, files, readTree(t, to))

	// The same through a ZIP, into another namespace.
	zip := filepath.Join(t.TempDir(), "etc.zip")
	must(t, s, "export", "--namespace", "etc", "--out", zip)
	must(t, s, "import", zip, "--namespace", "etc2", "--create-namespace")
	to = t.TempDir()
	must(t, s, "export", "--namespace", "etc2", "--out", to)
	compare(t, files, readTree(t, to))
}

// change changes some of the files in the folder and in files, and returns their paths.
func change(t *testing.T, dir string, files tree) []string {
	t.Helper()
	var paths []string
	for p := range files {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	var changed []string
	for i, p := range paths {
		if i%20 != 7 {
			continue
		}
		files[p] += "\n# changed: äöü 文 \U0001F600\r\n"
		changed = append(changed, p)
		if err := os.WriteFile(filepath.Join(dir, p), []byte(files[p]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return changed
}

// checkTold waits for the answer of a poll, which names one of the files that changed.
func checkTold(t *testing.T, told <-chan string, changed []string, layout transfer.Layout) {
	t.Helper()
	select {
	case answer := <-told:
		line, err := url.QueryUnescape(strings.TrimSuffix(answer, "\n"))
		words := strings.Split(strings.TrimSuffix(line, "\x01"), "\x02")
		if err != nil || len(words) != 3 {
			t.Fatalf("the poll was answered %q", answer)
		}
		if p := layout.Path(transfer.Name{Group: words[1], DataID: words[0]}); !slices.Contains(changed, p) {
			t.Errorf("the poll was told of %q, which did not change", p)
		}
	case <-time.After(20 * time.Second):
		t.Error("the poll was not told of the change")
	}
}
