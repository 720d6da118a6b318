package history

import "github.com/a-h/templ"

func pressed(is bool) templ.Attributes {
	if !is {
		return nil
	}
	return templ.Attributes{"aria-current": "true"}
}
