// Package home is the first page of the console.
package home

import (
	"nacre/views/layout"
	"nacre/views/words"
)

// Model is what the page shows, worded.
type Model struct {
	layout.Page
	Words *words.Home
	Ready bool
	// Status is a word, StatusText a sentence: where the node answers, or why it is not ready.
	Status, StatusText string
	// Insecure warns that anybody can change everything; "" for no warning.
	Insecure string
	Figures  []Figure
	// Empty says that there is no configuration yet.
	Empty  bool
	Latest []Change
	Steps  []Step
	Facts  []Fact
	Links  []Link
}

// Figure is a number with what it counts.
type Figure struct{ Label, Value, Note string }

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

// Fact is a property of the node.
type Fact struct{ Name, Value string }

// Link leads to another page of this server.
type Link struct{ Href, Text string }
