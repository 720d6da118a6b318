// Package edit holds the editor of a configuration.
package edit

import (
	"nacre/views/layout"
	"nacre/views/parts"
)

// Model is the editor with what it holds.
type Model struct {
	layout.Page
	Heading string
	Crumbs  []parts.Crumb
	Chips   []string
	Live    Live
	// Problem says why the text was not taken; Notes are what is to be known of it.
	Problem string
	Notes   []string
	// Draft says that this is a draft, "" for none. Drop is where it is discarded, with Key.
	Draft, Drop string
	Key         [][2]string
	// Drafts lead to texts that are not published yet.
	Drafts []Link
	// Merge is nil unless two changes were brought together.
	Merge *Merge

	Review, Back string
	// Hidden are fields that the form carries.
	Hidden [][2]string
	// Names are the fields that only what is new has.
	Names []parts.Field
	Types []parts.Option
	// Type is what the content is coloured as.
	Type string
	// Attributes are shown when AttributesOpen.
	Attributes     []parts.Field
	AttributesOpen bool
	Content        string
	ContentError   string
	Problems       []Problem
	// Check and LayOut are where scripts let the content be checked and laid out; DraftAt is where this draft is saved, "" for
	// nowhere, Drafting where drafts are, and Again where this one is edited.
	Check, LayOut, DraftAt, Drafting, Again string
	DraftVersion                            string
	// Phrases and Says are what scripts say, as JSON.
	Phrases, Says string
}

// Link leads somewhere.
type Link struct {
	Href, Text, Note string
	When             parts.Moment
}

// Problem is one thing that is wrong in the content.
type Problem struct{ Kind, Word, Place, Text string }

// Live is what others do meanwhile; At is where it is read again.
type Live struct{ At, Editing, Newer string }

// Merge tells how two changes were brought together.
type Merge struct {
	Text, Result string
	Clash        bool
	Blind        string
	Theirs, Mine *parts.Diff
}

// Refusal stands in the place of an editor for what can't be edited.
type Refusal struct {
	layout.Page
	Heading string
	Crumbs  []parts.Crumb
	Empty   parts.Empty
}

// result names the look of the result.
func (m *Merge) result() string {
	if m.Clash {
		return "wait"
	}
	return "good"
}
