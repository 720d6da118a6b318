// Package feed holds the page of the live feed.
package feed

import (
	"nacre/views/layout"
	"nacre/views/parts"
	"nacre/views/words"
)

// Piece is a part of what an event says; one with Href leads to what it names, Plain is text between.
type Piece struct {
	Text, Href string
	Plain      bool
}

// Row is an event.
type Row struct {
	Seq string
	// At is the moment in RFC 3339, Clock how the row shows it.
	At, Clock string
	// Group is the kind of thing that it is about, Tone "good", "bad", "wait" or "".
	Group, Tone string
	Pieces      []Piece
	Details     []string
}

// Model is the page.
type Model struct {
	layout.Page
	W *words.Feed
	// Socket is where scripts go on from number Next; Filter is what they ask there, Phrases how they word it, as JSON.
	Socket, Next, Filter, Phrases string
	Text                          string
	Namespaces, Kinds             []parts.Option
	Rows                          []Row
	Empty                         parts.Empty
	Reload                        string
}
