package static

import (
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
		if strings.Contains(string(b), "://") && !strings.HasSuffix(name, ".svg") {
			t.Errorf("%s names another origin", name)
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
