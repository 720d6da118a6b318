// Package publish holds the page on which a change is reviewed and published.
package publish

import (
	"nacre/views/layout"
	"nacre/views/parts"
)

// Model is a change with what it does.
type Model struct {
	layout.Page
	Heading string
	Crumbs  []parts.Crumb
	Chips   []string
	Problem string
	// Same says that there is nothing to publish; nil when there is.
	Same *parts.Empty

	Publish, Review string
	// Hidden are the fields that the form carries besides the content.
	Hidden   [][2]string
	Content  string
	Warnings []Warning
	Diff     parts.Diff
	// Views are the ways in which the difference can be shown.
	Views []View
	// Keys and Attributes are what changes by keys and beside the content; nil for nothing to tell.
	Keys       *Keys
	Attributes []parts.KeyChange
	Impact     Impact
	Comment    parts.Field
	Target     Target
	// Typed is the name that must be typed, "" for none; Protected says why.
	Typed, TypedError, Protected string
}

// Warning is something that readers may take otherwise than it is meant.
type Warning struct{ Place, Text string }

// View is a way to show the difference; At is where the form asks for it.
type View struct {
	ID, Text, At string
	Current      bool
}

// Keys are the changed keys.
type Keys struct {
	Summary, More string
	Rows          []parts.KeyChange
}

// Impact says whom the change reaches.
type Impact struct {
	Text, Canaries string
	Apps, SDKs     []Count
}

// Count is a name and how many there are of it.
type Count struct{ Name, Number string }

// Target chooses who sees it. Fixed says that it is for addresses alone, None that there is nothing to choose.
type Target struct {
	Fixed, None bool
	Some        bool
	Held        string
	// Attributes says that those change only for all; "" when they do not change.
	Attributes string
	Addresses  []Address
	More       string
	Others     parts.Field
	Error      string
}

// Address is one at which clients listen.
type Address struct {
	IP, Text string
	Chosen   bool
}
