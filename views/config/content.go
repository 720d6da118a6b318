package config

import (
	"context"
	"io"
	"strconv"

	"github.com/a-h/templ"

	"nacre/views/parts"
)

// Content is the first part of the page: what clients read.
type Content struct {
	Head
	// Problem says why something that was asked for was not done.
	Problem string
	// Lines are those of the content, with their line ends; none when it can't be shown.
	Lines []string
	// Language is the type by which the content is coloured.
	Language string
	// Note says why not all is shown, Variants that some clients see something else.
	Note, Variants, VariantsHref string
	// Mistakes are what is wrong with the content, MistakesTitle says as what it was read.
	Mistakes      []Link
	MistakesTitle string
	// Copy is false where Lines are not the whole content.
	Copy             bool
	RawHref, GetHref string
	Facts            []parts.Fact
	Tags             []Link
	Changed, Created parts.Moment
	ChangedBy        string
	Desc             string
}

// Link leads to what has the same.
type Link struct{ Href, Text string }

// Absent is the page of a configuration that is not there.
type Absent struct {
	Head
	parts.Empty
	HistoryHref string
}

// Snippets is the part with code that reads the configuration.
type Snippets struct {
	Head
	// Ports says which must be open.
	Ports, PortOdd string
	Snippets       []Snippet
}

// Snippet is code in one language.
type Snippet struct {
	ID, Title string
	// Install is what the code needs, as one adds it to a project; "" for nothing.
	Install, Code, Note string
}

// numbered shows each line in an element of its own, l1 and so on, and nothing between them: what is copied is the content.
func numbered(lines []string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		for i, l := range lines {
			if _, err := io.WriteString(w, `<span id="l`+strconv.Itoa(i+1)+`">`+templ.EscapeString(l)+`</span>`); err != nil {
				return err
			}
		}
		return nil
	})
}
