package parts

import (
	"html"
	"strings"
	"testing"
)

// A browser drops one line break after <textarea>, and takes the rest as it is.
func TestATextareaHoldsItsValueExactly(t *testing.T) {
	for _, value := range []string{"", "a", "\na", "\n\na\n", " a ", "a\r\nb", "</textarea><script>", "\tx &amp; 世界\n"} {
		var b strings.Builder
		if err := Area(Field{Name: "content", Value: value}, "3").Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(b.String(), "<textarea")
		_, rest, _ = strings.Cut(rest, ">")
		inner, _, found := strings.Cut(rest, "</textarea>")
		if got := html.UnescapeString(strings.TrimPrefix(inner, "\n")); !found || !strings.HasPrefix(inner, "\n") || got != value {
			t.Errorf("%q became %q", value, inner)
		}
	}
}
