// Package transfer holds the pages of import and export.
package transfer

import (
	"nacre/views/history"
	"nacre/views/layout"
	"nacre/views/parts"
	"nacre/views/words"
)

// Start is the page with both forms.
type Start struct {
	layout.Page
	Words *words.Transfer
	// Problem is what was wrong with the import, ExportProblem with the export.
	Problem, ExportProblem string
	// Max is the largest file in bytes, TooLarge what is said of a larger one.
	FileHint, Max, TooLarge string
	Group, DataID           parts.Field
}

// Import is what pages of an import have alike.
type Import struct {
	layout.Page
	Words       *words.Transfer
	Title, Text string
	Crumbs      []parts.Crumb
	// Again leads to another import.
	Again string
}

// Dry is the page that shows what an import would change.
type Dry struct {
	Import
	ID string
	// Seen is the newest revision when the page was made, Last how many of the archive's configurations are listed.
	Seen, Last string
	Figures    []parts.Figure
	Rows       []Row
	More       string
	// Policies are there when one is to be chosen; Nothing says that there is nothing to import.
	Policies []parts.Option
	Nothing  bool
	Typed    *parts.Field
	Problem  string
}

// Row is a configuration of the file. ID is there where it can be chosen.
type Row struct {
	DataID, Group, Href string
	State               parts.State
	Reason              string
	ID, Label           string
	Chosen              bool
}

// One is the page with what one configuration of the file would change.
type One struct {
	Import
	history.Difference
}

// Done is the page that says what an import did.
type Done struct {
	Import
	Failed, Skipped         []Row
	MoreFailed, MoreSkipped string
	Problem                 string
	ConfigsHref             string
}
