// Package transfer holds the pages of import and export.
package transfer

import (
	"nacre/views/layout"
	"nacre/views/parts"
	"nacre/views/words"
)

// Start is the page on which an import or export begins.
type Start struct {
	layout.Page
	Words         *words.Transfer
	Problem       string
	FileHint      string
	Group, DataID parts.Field
}

// Dry is the page that says what an import would do.
type Dry struct {
	layout.Page
	Words       *words.Transfer
	Title, Text string
	ID          string
	Crumbs      []parts.Crumb
	Figures     []parts.Figure
	Rows        []Row
	More        string
	// Conflicts says that a policy is to be chosen; Nothing that there is nothing to import.
	Policies []parts.Option
	Nothing  bool
	Typed    *parts.Field
	Problem  string
}

// Row is a configuration of the file.
type Row struct {
	DataID, Group, Href string
	State               parts.State
	Reason              string
}

// Done is the page that says what an import did.
type Done struct {
	layout.Page
	Words           *words.Transfer
	Crumbs          []parts.Crumb
	Text            string
	Failed, Skipped []Row
	More            string
	Problem         string
	ConfigsHref     string
}
