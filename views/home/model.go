// Package home is the first page of the console.
package home

import (
	"nacre/views/layout"
	"nacre/views/parts"
	"nacre/views/words"
)

// Model is what the page shows, worded.
type Model struct {
	layout.Page
	Words *words.Home
	Ready bool
	// Status is a word, StatusText a sentence: where the node answers, or why it is not ready.
	Status, StatusText string
	Figures            []parts.Figure
	// Empty says that there is no configuration yet.
	Empty  bool
	Latest []Change
	Steps  []Step
	Facts  []parts.Fact
	Links  []Link
}

// Change is a configuration that was changed lately.
type Change struct {
	DataID, Group, Namespace string
	// Href leads to the content.
	Href string
	// When is how long ago it was, At the moment in RFC 3339.
	When, At string
	By       string
}

// Step is a command to try and what it answers.
type Step struct{ Title, Text, Command, Answer string }

// Link leads to another page of this server.
type Link struct{ Href, Text string }
