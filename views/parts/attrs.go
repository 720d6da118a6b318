package parts

import (
	"context"
	"io"
	"strings"

	"github.com/a-h/templ"
)

// CurrentPage marks the link, of some that lead to pages, which leads to where one is.
func CurrentPage(is bool) templ.Attributes { return current(is, "page") }

// CurrentItem marks what is chosen of some that exclude each other.
func CurrentItem(is bool) templ.Attributes { return current(is, "true") }

func current(is bool, kind string) templ.Attributes {
	if !is {
		return nil
	}
	return templ.Attributes{"aria-current": kind}
}

func (f Field) attributes() templ.Attributes {
	a := templ.Attributes{}
	for name, value := range map[string]string{
		"autocomplete": f.Autocomplete, "pattern": f.Pattern, "placeholder": f.Placeholder, "maxlength": f.MaxLength, "aria-describedby": f.describedBy(),
	} {
		if value != "" {
			a[name] = value
		}
	}
	if f.Error != "" {
		a["aria-invalid"] = "true"
	}
	return a
}

func badgeIcon(kind string) string {
	if kind == "bad" {
		return "warning"
	}
	return kind
}

// before and after are what stands around the %s of a text.
func before(text string) string { head, _, _ := strings.Cut(text, "%s"); return head }
func after(text string) string  { _, tail, _ := strings.Cut(text, "%s"); return tail }

func unifiedSide(r DiffRow) []Span {
	if r.Op == "add" {
		return r.Right
	}
	return r.Left
}

// Text is the content of a textarea, exactly: a browser drops the first line break of one, so one more goes before it.
func Text(value string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "\n"+templ.EscapeString(value))
		return err
	})
}
