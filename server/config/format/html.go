package format

import (
	"bytes"

	"golang.org/x/net/html"
)

// lenient are the HTML elements whose end tag may be left out, and void those that have none.
var (
	lenient = names("html head body p li dt dd option optgroup tr td th thead tbody tfoot colgroup caption rt rp")
	void    = names("area base br col embed hr img input link meta param source track wbr")
)

func names(list string) map[string]bool {
	m := make(map[string]bool)
	for name := range bytes.FieldsSeq([]byte(list)) {
		m[string(name)] = true
	}
	return m
}

// parseHTML reports tags that have no counterpart. Browsers show any content, so that these are warnings.
func parseHTML(r *report, _ *pairs) {
	type tag struct {
		name string
		from int
	}
	text, at := r.body()
	z := html.NewTokenizer(bytes.NewReader(text))
	var open []tag
	for {
		kind := z.Next()
		from := at
		at += len(z.Raw())
		if kind == html.ErrorToken || r.full() {
			break
		}
		if kind != html.StartTagToken && kind != html.EndTagToken {
			continue
		}
		b, _ := z.TagName()
		name := string(b)
		if void[name] {
			continue
		}
		if kind == html.StartTagToken {
			if len(open) < MostDepth {
				open = append(open, tag{name, from})
			}
			continue
		}
		i := len(open) - 1
		for i >= 0 && open[i].name != name {
			i--
		}
		if i < 0 {
			if !lenient[name] {
				r.warn("htmlEnd", from, at, shown(name))
			}
			continue
		}
		for _, t := range open[i+1:] {
			if !lenient[t.name] {
				r.warn("htmlOpen", t.from, t.from+1+len(t.name), shown(t.name), shown(t.name))
			}
		}
		open = open[:i]
	}
	for _, t := range open {
		if !lenient[t.name] {
			r.warn("htmlOpen", t.from, t.from+1+len(t.name), shown(t.name), shown(t.name))
		}
	}
}
