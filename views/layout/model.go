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
	Languages     []Language
}

// Language is one that the page can be read in.
type Language struct {
	Tag, Name, Href string
	Current         bool
}
