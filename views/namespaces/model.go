// Package namespaces holds the pages of the namespaces.
package namespaces

import (
	"nacre/views/layout"
	"nacre/views/parts"
	"nacre/views/words"
)

// List is the page with all of them and the form for a new one.
type List struct {
	layout.Page
	Words *words.Namespaces
	Rows  []Row
	Form  Form
	// Filter is what the list is filtered by; Empty stands where nothing was found.
	Filter string
	Empty  *parts.Empty
	Pager  parts.Pager
	// Problem says why something was not done.
	Problem string
}

// Row is one namespace.
type Row struct {
	layout.Namespace
	Desc              string
	Default           bool
	Created           parts.Moment
	ConfigsHref, Edit string
	EditLabel         string
	Remove            *parts.Confirm
	// NotEmpty says why it can't be removed.
	NotEmpty string
}

// Form is that of a new or changed namespace.
type Form struct {
	Action         string
	Problem        string
	ID, Name, Desc parts.Field
	Button         string
}

// Edit is the page on which one is changed.
type Edit struct {
	layout.Page
	Words  *words.Namespaces
	Title  string
	Crumbs []parts.Crumb
	Form   Form
}
