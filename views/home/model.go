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
	// Status is a word, StatusText a sentence: role and clients, or why the node is not ready.
	Status, StatusText string
	Alerts             []string
	Figures            []parts.Figure
	// Empty says that there is no configuration yet; then NewHref leads to the first one.
	Empty   bool
	NewHref string
	Latest  []Change
	Ranges  []parts.Tab
	Charts  []parts.Chart
	Steps   []Step
	Facts   []parts.Fact
	Links   []Link
}

// Change is a configuration that was changed lately.
type Change struct {
	DataID, Group, Namespace string
	// Href leads to the configuration.
	Href string
	When parts.Moment
	By   string
}

// Step is a command to try and what it answers.
type Step struct{ Title, Text, Command, Answer string }

// Link leads to another page of this server.
type Link struct{ Href, Text string }
