package clients

import "github.com/a-h/templ"

func (l Live) also() templ.Attributes {
	if l.Also == "" {
		return nil
	}
	return templ.Attributes{"hx-select-oob": l.Also}
}
