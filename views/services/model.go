// Package services holds the pages of services, of their instances and of who subscribes to them.
package services

import (
	"nacre/views/clients"
	"nacre/views/layout"
	"nacre/views/parts"
	"nacre/views/words"
)

// Choice is a select of a filter.
type Choice struct {
	Name, Label string
	Options     []parts.Option
}

// Filter is the form above a list. Second is one more field of text; without a Name there is none.
type Filter struct {
	Action  string
	Hidden  [][2]string
	Text    parts.Field
	Second  parts.Field
	Choices []Choice
	Apply   string
}

// Row is a service of the list.
type Row struct {
	Href, Name, Group                string
	State                            parts.State
	Offline                          string
	Instances, Clusters, Subscribers string
	SubscribersHref                  string
	Kind, KindHint                   string
	Protection                       string
	Protected                        bool
}

// List is the page of all services of a namespace.
type List struct {
	layout.Page
	W       *words.Services
	NewHref string
	Filter  Filter
	Live    clients.Live
	Rows    []Row
	Empty   parts.Empty
	Pager   *parts.Pager
}

// Head is what stands above each part of a service's page.
type Head struct {
	layout.Page
	W      *words.Services
	Name   string
	Crumbs []parts.Crumb
	State  parts.State
	Chips  []string
	Tabs   []parts.Tab
	// Protected explains that all instances are shown as healthy; "" when they are not.
	Protected string
	AddHref   string
	// Delete is nil while the service can't be deleted; NotEmpty says why.
	Delete   *parts.Confirm
	NotEmpty string
}

// Absent is the page of a service that is not there.
type Absent struct {
	layout.Page
	Crumbs []parts.Crumb
	Name   string
	Empty  parts.Empty
}

// Instance is a row of the list of instances.
type Instance struct {
	// Row names it in forms.
	Row, Href, Name, SelectLabel string
	Health                       parts.State
	// Offline, when it has a Text, says that clients do not see it. Notes say who changed it by hand, and that it is drained.
	Offline           parts.State
	Notes             []string
	Weight, WeightOwn string
	Metadata          []string
	More              string
	Client            string
	ClientHref        string
	ClientNote        string
	Since, Beat       parts.Moment
	// Do is "offline" or "online", with the button's text and its name for those who hear it.
	Do, Button, Label string
}

// Cluster is a part of the list of instances.
type Cluster struct {
	ID, Title, Href, Note string
	Instances             []Instance
}

// Instances is the part of a service's page with its instances.
type Instances struct {
	Head
	Filter   Filter
	Live     clients.Live
	Clusters []Cluster
	Empty    parts.Empty
	Pager    *parts.Pager
	Action   string
	Hidden   [][2]string
	Over     string
}

// Subscriber is a row of who wants to know of a service.
type Subscriber struct {
	clients.Who
	State     parts.State
	Note      string
	Clusters  string
	Push, Ack parts.Moment
}

// Subscribers is the part of a service's page with who wants to know of it.
type Subscribers struct {
	Head
	C      *words.Clients
	Filter Filter
	Live   clients.Live
	Rows   []Subscriber
	Empty  parts.Empty
	Pager  *parts.Pager
}

// Form is a form of these pages.
type Form struct {
	Action, Button, CSRF string
	Hidden               [][2]string
	Problem              string
	Fields               []Part
}

// Part is a part of a form: a field of one line, of several, a choice, a box to tick, or the title of those that follow.
type Part struct {
	Field parts.Field
	// Rows makes it a field of several lines, Options a choice, Check a box.
	Rows    string
	Options []parts.Option
	Check   bool
	Checked bool
	Title   string
	// Only is the kind of check that it is of, "" for all: the others are hidden.
	Only string
}

// FormPage is a page with one form.
type FormPage struct {
	layout.Page
	Crumbs []parts.Crumb
	Title  string
	Lead   string
	Form   Form
}

// Settings is the part of a service's page with what is described of it.
type Settings struct {
	Head
	Form      Form
	Described string
	Clusters  []ClusterRow
	New       string
	Note      string
}

// ClusterRow is a cluster of the settings.
type ClusterRow struct {
	Href, Name, Checker, Edit string
}

// Note is something that happened to an instance.
type Note struct {
	At         parts.Moment
	Clock      string
	State      parts.State
	Detail, By string
}

// One is the page of an instance.
type One struct {
	layout.Page
	W         *words.Services
	Crumbs    []parts.Crumb
	Name      string
	States    []parts.State
	Live      clients.Live
	Shown     []parts.Fact
	Metadata  [][2]string
	Notes     []Note
	Others    []clients.Where
	Client    *clients.Where
	Override  Form
	Last      string
	Drain     Form
	StopDrain *Form
	Back      *Form
	Toggle    *Form
	// Mark sets the health of one that is not probed; nil for others.
	Mark   *Form
	Remove *parts.Confirm
}
