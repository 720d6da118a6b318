// Package gallery shows every part of the console in every state, from literals: what designers and tests look at.
package gallery

import (
	"nacre/views/layout"
	"nacre/views/parts"
	"nacre/views/words"
)

// Model is what the page shows.
type Model struct {
	layout.Page
	// Frames are the states of the frame around the page, each under its own address.
	Frames []parts.Tab
}

// panes are the themes that the parts are shown in, beside each other.
var panes = []string{"light", "dark"}

const (
	long   = "com.example.orders.a-very-long-name-without-a-place-to-break-it-that-goes-on-and-on-and-on-and-on-and-on-until-it-ends.properties"
	arabic = "إعدادات قاعدة البيانات"
	markup = `<img src=x onerror=alert(1)>`
	moment = "2026-01-02T03:04:05Z"
)

// Frame sets the state of the frame that is called state. Its texts are literals, as those of the parts are.
func Frame(p *layout.Page, state string) {
	switch state {
	case "warnings":
		p.Insecure = "Anybody who reaches 0.0.0.0:8848 can read and change every configuration."
		p.NotReady = "This node is not ready: the journal is being read"
	case "production":
		p.Namespace = layout.Namespace{ID: "prod", Name: "Production, Frankfurt", Hue: "prod", Count: "1,204", Current: true, Protected: true, Href: "#"}
	case "namespaces":
		p.Namespace.Name = long
		p.Namespaces = nil
		for i, name := range []string{"public", "Staging", long, arabic, "开发环境", markup, "🦪 pearls", "a", "b", "c", "d", "e"} {
			p.Namespaces = append(p.Namespaces, layout.Namespace{ID: name, Name: name, Hue: hues[i], Count: "12", Current: i == 2, Href: "#"})
		}
	case "toast":
		p.Toast = &layout.Toast{Text: "application.yml is deleted.", UndoAction: "#", Undo: []layout.Field{{Name: "revision", Value: "7"}}}
	case "failed":
		p.Toast = &layout.Toast{Text: "The index could not be read. " + long, Bad: true}
	}
}

// Frames are the states that Frame knows.
var Frames = []string{"plain", "warnings", "production", "namespaces", "toast", "failed"}

var hues = []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}

var crumbs = []parts.Crumb{{Href: "#", Text: "public"}, {Href: "#", Text: arabic}, {Text: long}}

var tabs = []parts.Tab{
	{Href: "#", Text: "Content", Current: true}, {Href: "#", Text: "Clients", Count: "1,204"}, {Href: "#", Text: "History"}, {Href: "#", Text: "Canary", Count: "0"},
}

var badges = []parts.State{{Kind: "good", Text: "in sync"}, {Kind: "bad", Text: "behind for 3 s"}, {Kind: "wait", Text: "never acknowledged"}, {Kind: "off", Text: "nobody listens"}}

var facts = []parts.Fact{
	{Name: "Type", Value: "yaml"},
	{Name: "MD5", Value: "9e107d9d372bb6826bd81d3542a419d6", Mono: true, CopyAs: "9e107d9d372bb6826bd81d3542a419d6"},
	{Name: "Description", Value: markup + " " + arabic, Title: "as it was typed"},
	{Name: "Data ID", Value: long, Mono: true},
}

var figures = []parts.Figure{
	{Label: "Configurations", Value: "100,000", Note: "in 12 namespaces", Href: "#"},
	{Label: "Clients behind", Value: "5", Note: "not confirmed yet", Bad: true, Href: "#"},
	{Label: "Publishes", Value: "0"},
}

var options = []parts.Option{{Value: "yaml", Text: "YAML", Selected: true}, {Value: "json", Text: "JSON"}}

// fields are inputs in each state; their names begin with that of the pane.
func fields(pane string) []parts.Field {
	list := []parts.Field{
		{Name: "empty", Label: "Empty", Placeholder: "application.yml"},
		{Name: "filled", Label: "Filled, with a hint", Value: "application.yml", Hint: "The name that applications ask for."},
		{Name: "wrong", Label: "Refused", Value: markup, Error: "A name has letters, digits, and . : _ - only.", Hint: "Up to 256 characters.", Required: true},
		{Name: "fixed", Label: "Not to be changed", Value: long, ReadOnly: true},
		{Name: "secret", Label: "Password", Type: "password", Value: "not shown", Autocomplete: "off"},
		{Name: "rtl", Label: "From right to left", Value: arabic, MaxLength: "64"},
	}
	for i := range list {
		list[i].Name = pane + "-" + list[i].Name
	}
	return list
}

var areas = []parts.Field{
	{Name: "content", Label: "Content", Value: "server:\n  port: 8080\n"},
	{Name: "broken", Label: "Refused content", Value: "server: [", Error: "Line 1: the list is not closed."},
}

func area(pane string, f parts.Field) parts.Field {
	f.Name = pane + "-" + f.Name
	return f
}

func pagers(w *words.Parts) []parts.Pager {
	return []parts.Pager{
		{Words: w, Text: "Page 1 of 1", Rows: "1–3 of 3"},
		{Words: w, Text: "Page 1 of 1,000", Rows: "1–100 of 100,000", Next: "#"},
		{Words: w, Text: "Page 7 of 1,000", Rows: "601–700 of 100,000", Previous: "#", Next: "#"},
	}
}

func confirms(pane string, w *words.Parts) []parts.Confirm {
	return []parts.Confirm{
		{ID: pane + "-sure", Title: "Delete application.yml?", Text: "It can be restored from the history.", Action: "#", Button: "Delete", Words: w},
		{ID: pane + "-typed", Title: "Delete 17 configurations?", Text: "Applications that ask for them find nothing.", Action: "#", Button: "Delete 17", Typed: "Production, Frankfurt", Words: w},
	}
}

var empties = []parts.Empty{
	{Icon: "config", Title: "No configuration yet", Text: "The first one is published with a form, or with curl.", Href: "#", Action: "Publish the first"},
	{Icon: "search", Title: "Nothing found", Text: "No configuration has “" + markup + "” in its name or content."},
}

var changed = []parts.Piece{
	{Skipped: "120 unchanged lines", Rows: []parts.DiffRow{same("1", "1", "# the orders service"), same("2", "2", "spring:")}},
	{Rows: []parts.DiffRow{
		same("121", "121", "  redis:"),
		{Op: "del", LeftNo: "122", Left: []parts.Span{{Text: "    host: "}, {Text: "old", Mark: true}, {Text: ".example.com"}}},
		{Op: "add", RightNo: "122", Right: []parts.Span{{Text: "    host: "}, {Text: "new", Mark: true}, {Text: ".example.com"}}},
		{Op: "add", RightNo: "123", Right: []parts.Span{{Text: "    name: " + arabic + " " + long}}},
	}},
	{Skipped: "20,000 unchanged lines"},
}

var paired = []parts.Piece{{Rows: []parts.DiffRow{
	same("1", "1", "spring:"),
	{Op: "pair", LeftNo: "2", RightNo: "2", Left: []parts.Span{{Text: "  host: "}, {Text: "old", Mark: true}}, Right: []parts.Span{{Text: "  host: "}, {Text: "new", Mark: true}}},
	{Op: "del", LeftNo: "3", Left: []parts.Span{{Text: markup}}},
	{Op: "add", RightNo: "3", Right: []parts.Span{{Text: arabic}}},
}}}

func same(left, right, text string) parts.DiffRow {
	spans := []parts.Span{{Text: text}}
	return parts.DiffRow{Op: "same", LeftNo: left, RightNo: right, Left: spans, Right: spans}
}

var diffs = []parts.Diff{
	{Left: "Revision 3", Right: "Revision 7", Added: "2 lines added", Removed: "1 line removed", Pieces: changed, Cut: "More lines differ than are shown here."},
	{Left: "Revision 7", Right: "live now", Split: true, Added: "2 lines added", Removed: "2 lines removed", Pieces: paired},
	{Left: "Revision 7", Right: "Revision 8", Same: "No difference"},
}

var keyChanges = []parts.KeyChange{
	{Kind: "changed", Word: "changed", Key: "spring.redis.host", Before: "old.example.com", After: "new.example.com"},
	{Kind: "added", Word: "added", Key: "spring.redis.name", After: markup},
	{Kind: "removed", Word: "removed", Key: "db.pool.max", Before: "20"},
}

var chart = parts.Chart{
	Title: "Memory", URL: "/nacre/v1/series?range=15m&names=rss,heap", Labels: `{"rss":"Process","heap":"Heap"}`,
	Table: "As a table", Max: "highest", Time: "Time", Empty: "Nothing was measured yet.", Failed: "The figures can't be read.",
}

// row is one of a table.
type row struct {
	name, group, about string
	state              parts.State
}

var rows = []row{
	{"application.yml", "DEFAULT_GROUP", "Port and pool", badges[0]},
	{long, arabic, markup, badges[1]},
	{"🦪.json", "订单", "开发环境", badges[3]},
}
