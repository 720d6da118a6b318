// Package parts are the pieces that pages of the console are made of.
package parts

import (
	"strings"

	"nacre/views/words"
)

// Crumb is a step on the way to a page; the last one has no Href.
type Crumb struct{ Href, Text string }

// Tab leads to a part of a page. Count is shown beside the text unless empty.
type Tab struct {
	Href, Text, Count, Key string
	Current                bool
}

// Pager leads to the neighbouring pages of a list; an empty address means that there is none.
type Pager struct {
	// Text says which page it is, Rows which rows these are.
	Text, Rows     string
	Previous, Next string
	Words          *words.Parts
}

// Fact is a property with its value; Mono shows the value as code, CopyAs makes it one that can be copied.
type Fact struct {
	Name, Value string
	Mono        bool
	CopyAs      string
	Title       string
}

// Moment is a point in time.
type Moment struct {
	// When is how long ago it was, At the moment in RFC 3339; "" for none.
	When, At string
}

// State is how something stands: Kind is "good", "bad", "wait" or "off", and Text says it in words.
type State struct{ Kind, Text string }

// Figure is a number with what it counts. Live names it for scripts that keep it up to date.
type Figure struct {
	Label, Value, Note, Href, Live string
	Bad                            bool
}

// Option is one of a select or of radio buttons.
type Option struct {
	Value, Text, Note string
	Selected          bool
}

// Field is an input with its label. Error is shown beside it and read with it.
type Field struct {
	Name, Label, Value, Hint, Error, Type, Autocomplete, Pattern, Placeholder string
	Required, Autofocus, ReadOnly                                             bool
	MaxLength                                                                 string
}

func (f Field) kind() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

func (f Field) describedBy() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.Name+"-hint")
	}
	if f.Error != "" {
		ids = append(ids, f.Name+"-error")
	}
	return strings.Join(ids, " ")
}

// Empty is what stands where a list would be: what this is, and what to do.
type Empty struct {
	Title, Text  string
	Href, Action string
	Icon         string
}

// Confirm is a form that changes something that is not easily taken back; Typed is what must be typed, "" for nothing, and
// Calm says that nothing is lost by it.
type Confirm struct {
	Calm                            bool
	ID, Title, Text, Action, Button string
	Typed                           string
	Hidden                          [][2]string
	CSRF                            string
	Words                           *words.Parts
}

func (c Confirm) class() string {
	if c.Calm {
		return "primary"
	}
	return "danger"
}
