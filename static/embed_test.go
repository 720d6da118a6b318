package static

import (
	"bytes"
	"compress/gzip"
	"maps"
	"regexp"
	"strings"
	"testing"
)

func TestEveryFileOfTheManifestIsServed(t *testing.T) {
	if len(manifest) == 0 {
		t.Fatal("the manifest is empty")
	}
	for name := range manifest {
		url := URL(name)
		b, kind, ok := File(strings.TrimPrefix(url, Prefix))
		if !ok || len(b) == 0 || kind == "" {
			t.Errorf("%s at %s: %v, %d bytes, %q", name, url, ok, len(b), kind)
		}
	}
}

func TestOtherFilesAreNotServed(t *testing.T) {
	for _, name := range []string{"", "manifest.json", "../embed.go", "nothing.css", "/etc/passwd"} {
		if _, _, ok := File(name); ok {
			t.Errorf("%q is served", name)
		}
	}
}

// Stylesheets and scripts may name the namespaces of SVG and the like, which nothing is read from.
func TestNothingIsLoadedFromElsewhere(t *testing.T) {
	loads := regexp.MustCompile(`(?:import|from|fetch|url)\s*\(?\s*["'` + "`" + `]?(?:https?:)?//`)
	for name := range manifest {
		b, _, _ := File(strings.TrimPrefix(URL(name), Prefix))
		if found := loads.Find(b); found != nil {
			t.Errorf("%s: %s", name, found)
		}
	}
}

// TestWhatABrowserLoadsIsSmall adds what a page of the console needs, and what the editor and the
// charts need beside it, compressed as they are sent.
func TestWhatABrowserLoadsIsSmall(t *testing.T) {
	page := map[string]int{}
	load(t, page, manifest["console.js"])
	load(t, page, manifest["console.css"])
	for _, c := range []struct {
		name string
		most int // KiB
	}{{"editor.js", 250}, {"chart.js", 40}} {
		all := maps.Clone(page)
		load(t, all, manifest[c.name])
		if got := sum(all) - sum(page); got > c.most<<10 {
			t.Errorf("%s adds %d KiB, more than %d", c.name, got>>10, c.most)
		} else {
			t.Logf("%s adds %.1f KiB", c.name, float64(got)/1024)
		}
	}
	if got := sum(page); got > 150<<10 {
		t.Errorf("console.js and console.css are %d KiB, more than 150", got>>10)
	} else {
		t.Logf("console.js and console.css are %.1f KiB", float64(got)/1024)
	}
}

var (
	imported = regexp.MustCompile(`(?:from|import)\s*"\./([^"]+)"`)
	lazy     = regexp.MustCompile(`import\("\./([^"]+)"\)`)
)

// load adds the file and those that it imports to sizes. What it imports later counts as well,
// except the other entries, as these are counted for themselves.
func load(t *testing.T, sizes map[string]int, file string) {
	t.Helper()
	if _, done := sizes[file]; done {
		return
	}
	b, _, ok := File(file)
	if !ok {
		t.Fatalf("there is no file %q", file)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	sizes[file] = packed.Len()
	entries := map[string]bool{}
	for _, hashed := range manifest {
		entries[hashed] = true
	}
	for _, m := range imported.FindAllSubmatch(b, -1) {
		load(t, sizes, string(m[1]))
	}
	for _, m := range lazy.FindAllSubmatch(b, -1) {
		if !entries[string(m[1])] {
			load(t, sizes, string(m[1]))
		}
	}
}

func sum(sizes map[string]int) (n int) {
	for _, size := range sizes {
		n += size
	}
	return n
}
