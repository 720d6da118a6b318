// Package layout is the frame around every page of the console.
package layout

import "nacre/views/words"

// Page is what the frame shows.
type Page struct {
	Words *words.Words
	Title string
	// CSS, JS and Icon are the paths of the assets.
	CSS, JS, Icon string
	Version       string
	// Theme is "light", "dark", or "auto" for what the system has.
	Theme string
	// Nonce is that of the page's policy; the editor's styles need it. CSRF is the token that forms and scripts send.
	Nonce, CSRF string
	// ServerMs is the server's time in ms since 1970, for reckoning ages by its clock.
	ServerMs string
	// User is who is signed in; "" shows the page without navigation.
	User string
	// Here is path and query of the page, to come back to.
	Here       string
	Nav        []Group
	Namespace  Namespace
	Namespaces []Namespace
	Themes     []Choice
	Languages  []Choice
	// Insecure and NotReady are warnings; "" for none.
	Insecure, NotReady string
	Toast              *Toast
}

// Group is a part of the navigation.
type Group struct {
	Title string
	Items []Item
}

// Item is an entry of the navigation; Key is the letter after G that leads there.
type Item struct {
	Href, Text, Icon, Key string
	Current               bool
}

// Namespace is one that the switcher offers.
type Namespace struct {
	ID, Name, Href string
	Current        bool
	// Hue is its colour, 0 to 11.
	Hue string
	// Count is the number of its configurations.
	Count string
	// Protected says that its name is that of production.
	Protected bool
}

// Choice is a setting of the person's own.
type Choice struct {
	Tag, Name, Href string
	Current         bool
}

// Toast is what the last action did.
type Toast struct {
	Text string
	// Bad says that it did not work.
	Bad bool
	// Undo are the fields of the form that takes it back, nil for none; UndoAction is where it goes.
	UndoAction string
	Undo       []Field
}

// Field is a hidden field of a form.
type Field struct{ Name, Value string }
