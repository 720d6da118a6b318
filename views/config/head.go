// Package config holds the pages of one configuration.
package config

import (
	"nacre/views/layout"
	"nacre/views/parts"
)

// Head is what stands above every part of the page of a configuration.
type Head struct {
	layout.Page
	DataID string
	Crumbs []parts.Crumb
	Tabs   []parts.Tab
	// Chips are short facts beside the name, as type and group.
	Chips []string
	// Sync says how many clients have it; its Kind is "" when nobody listens.
	Sync     parts.State
	SyncHref string
	// EditHref leads to the editor, "" when it can't be edited here.
	EditHref string
	// Draft says that one has a draft; Editing, who else has one.
	Draft, Editing string
	// Delete asks before it is removed; nil where there is nothing to remove.
	Delete *parts.Confirm
}
