// Package history holds the pages of what happened to configurations.
package history

import (
	"nacre/views/config"
	"nacre/views/layout"
	"nacre/views/parts"
	"nacre/views/words"
)

// Line is the time line of one configuration.
type Line struct {
	config.Head
	Words         *words.History
	Rows          []Row
	Older, Newest string
	// Pick says that there are two to compare; Compare is the address that the form leads to, with its hidden fields.
	Pick    bool
	Compare string
	Hidden  [][2]string
}

// Row is one change.
type Row struct {
	// ID names the version in the form.
	ID string
	// Kind is the icon: "publish", "restore", "canary", "delete" and the like.
	Icon, What, Initial, Who, Where string
	When                            parts.Moment
	Revision, Delta                 string
	Comment                         string
	Live                            bool
	// ViewHref leads to the version, RestoreHref to its restoring; "" where its content is not kept.
	ViewHref, RestoreHref string
	From, To              bool
	FromLabel, ToLabel    string
	NotKept               string
}

// Compared is the page of two versions, or of one and what is live, with a form that restores where Restore is set.
type Compared struct {
	config.Head
	Words *words.History
	Title string
	Text  string
	Difference
	Restore         *Restore
	Facts           []parts.Fact
	AttributesTitle string
}

// Difference is what lies between two contents, and the ways to look at it.
type Difference struct {
	Toggles []parts.Tab
	// Keys and Attributes are nil where there are none or all are alike.
	Keys, Attributes *Keys
	Diff             parts.Diff
}

// Keys are the keys that differ.
type Keys struct {
	Summary, More string
	Rows          []parts.KeyChange
}

// Restore is the form that publishes an earlier content again.
type Restore struct {
	Action  string
	Hidden  [][2]string
	Comment parts.Field
	Typed   *parts.Field
	Problem string
	Same    string
}

// Deleted is the list of removed configurations.
type Deleted struct {
	layout.Page
	Words       *words.History
	Filter      string
	NamespaceID string
	Rows        []DeletedRow
	Pager       parts.Pager
	Empty       *parts.Empty
}

// DeletedRow is a removed configuration.
type DeletedRow struct {
	DataID, Group, Who string
	When               parts.Moment
	HistoryHref        string
	Hidden             [][2]string
	Label              string
}
