package console

import (
	"net/url"
	"strings"
	"testing"
)

func FuzzNobodyIsSentToAnotherHost(f *testing.F) {
	for _, s := range []string{"/", "/console/configs?q=a#b", "//evil", "/\\evil", "\\\\evil", "/\t/evil", "http:evil", "javascript:alert(1)", "/..//evil", "/%2f/evil", "@evil", "?x", "/a?b=//evil", ""} {
		f.Add(s)
	}
	here := &url.URL{Scheme: "http", Host: "here"}
	f.Fuzz(func(t *testing.T, path string) {
		to := local(path)
		// Browsers leave out control characters, and take a backslash for a slash.
		read := strings.ReplaceAll(strings.Map(func(r rune) rune {
			if r < ' ' {
				return -1
			}
			return r
		}, strings.TrimSpace(to)), "\\", "/")
		u, err := here.Parse(read)
		if err != nil || u.Host != "here" || u.Scheme != "http" || !strings.HasPrefix(read, "/") || strings.HasPrefix(read, "//") || strings.ContainsAny(to, "\r\n") {
			t.Errorf("%q leads to %q", path, to)
		}
	})
}
