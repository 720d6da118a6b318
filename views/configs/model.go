// Package configs holds the list of configurations, and the pages that ask before something is done with several of them.
package configs

import (
	"nacre/views/layout"
	"nacre/views/parts"
	"nacre/views/words"
)

// List is the list.
type List struct {
	layout.Page
	Words *words.Configs
	// NamespaceID, Text and All are what the search form holds.
	NamespaceID, Text string
	All               bool
	NewHref           string
	// Problem says what is wrong with the search, "" for nothing.
	Problem string
	// Count says how many were found.
	Count   string
	Rows    []Row
	Columns []parts.Option
	// Shows has the values of those columns that are shown.
	Shows map[string]bool
	Pager parts.Pager
	// Help are searches with what they find.
	Help []Example
	// None stands where nothing was found, First where there is nothing yet.
	None  *None
	First *First
	// These take the rows that are selected.
	DeleteAction, CloneAction, ExportAction, TagAction string
}

// Piece is a part of a text; marked ones are what was looked for.
type Piece struct {
	Text   string
	Marked bool
}

// Row is a configuration of the list.
type Row struct {
	// ID names it in forms, Label is what its box is called.
	ID, Label, Href string
	// Title is the whole name where it is too long for the list, else "".
	Title     string
	Name      []Piece
	Group     Link
	Namespace string
	Type      Link
	Desc      string
	Tags      []Link
	Size      string
	// Variants says how many there are, "" for none.
	Variants  string
	Sync      parts.State
	SyncHref  string
	Changed   parts.Moment
	ChangedBy string
	Hits      []Hit
}

// Link makes the list shorter by what it says; Label is its name for who can't see where it stands.
type Link struct{ Text, Href, Label string }

// Hit is a place that was found.
type Hit struct {
	Where, Href string
	// Path is the key that the line belongs to, "" for none.
	Path string
	Text []Piece
}

// Example is a search, as one types it.
type Example struct{ Search, Href, Text string }

// None says that nothing was found, and how to look further.
type None struct {
	parts.Empty
	Links []Link
}

// First teaches how to begin.
type First struct {
	parts.Empty
	Command string
	Links   []Link
}

// Chosen is a page about rows that were selected.
type Chosen struct {
	layout.Page
	Words  *words.Configs
	Crumbs []parts.Crumb
	Title  string
	// Action is where the form goes, Back where one goes without doing it.
	Action, Back, NamespaceID string
	Problem                   string
	// Typed asks for what must be typed, nil for nothing.
	Typed *parts.Field
	Rows  []ChosenRow
	// Targets are the namespaces that can be cloned into; Target heads the column with what the chosen one has, "" before that.
	Targets []parts.Option
	Target  string
	// Add and Remove are the fields for tags.
	Add, Remove parts.Field
}

// ChosenRow is a configuration that something is to be done with.
type ChosenRow struct {
	ID, Name, Group, Namespace, Href, Label string
	// Note is what the last column says: who listens, or which tags there are.
	Note string
	// Take is what its box sends where rows can be left out.
	Take   string
	State  parts.State
	Ticked bool
}
