package gallery

import "github.com/a-h/templ"

// here marks the row that keys work on.
func here(is bool) templ.Attributes {
	if !is {
		return nil
	}
	return templ.Attributes{"data-here": ""}
}
