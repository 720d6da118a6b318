// Package clients holds the pages of who listens: for one configuration, all, and one of them.
package clients

import (
	"nacre/views/config"
	"nacre/views/layout"
	"nacre/views/parts"
	"nacre/views/words"
)

// Live is a region that the page reads anew: from URL, each Pace ms. Also selects what else is; "" for nothing.
type Live struct {
	URL, Pace, Also string
	// Absent says which nodes did not answer, whose rows are missing; "" for none.
	Absent string
}

// Bar says how many have the newest.
type Bar struct {
	parts.State
	// Note says more; "" for nothing. Publish says what the page was opened after.
	Note, Publish string
	// InSync of All have it; All is "" when nobody listens.
	InSync, All string
}

// Who is a client as a row shows it.
type Who struct {
	ID, Href string
	// Name is the address of its socket; Claims the one that it says it has, "" for the same.
	Name, Claims string
	App, SDK     string
	Labels       []string
	// Transport says how it is connected, Away that it is not this moment.
	Transport, Away string
	Since           parts.Moment
	// Node is the node that it is connected to, "" where there is one.
	Node string
}

func (w Who) row() string { return "c-" + w.ID + w.Node }

// Stand is how a client and a configuration stand.
type Stand struct {
	parts.State
	// Hint explains the state, "" for nothing. Notes say for how long, and how often it was told.
	Hint  string
	Notes []string
	// MD5 is what the client has, short; FullMD5 the whole.
	MD5, FullMD5 string
	Gray         string
	Push, Ack    parts.Moment
	// Tell is the name of the button that tells it again; "" for none.
	Tell string
}

// Row is a client that listens for the configuration that the page is about.
type Row struct {
	Who
	Stand
}

// Filter is the form above a list.
type Filter struct {
	Action, Text, Select, SelectLabel string
	Hidden                            [][2]string
	Options                           []parts.Option
	More                              []parts.Option
	MoreName, MoreLabel               string
	Words                             *words.Clients
}

// Tab is the part of a configuration's page with who listens for it.
type Tab struct {
	config.Head
	W      *words.Clients
	Live   Live
	Bar    Bar
	Filter Filter
	Rows   []Row
	// Empty stands where there are no rows.
	Empty parts.Empty
	Pager *parts.Pager
	// Again is where a client is told again, with the fields Hidden; TellAll names the button for all, "" for none.
	Again, TellAll string
	Hidden         [][2]string
	CSV            string
}

// Listed is a client of the list of all.
type Listed struct {
	Who
	Namespace string
	// Listens, Registers and Subscribes count configurations and services.
	Listens, Registers, Subscribes string
	State                          parts.State
}

// List is the page of all clients.
type List struct {
	layout.Page
	W       *words.Clients
	Live    Live
	Figures []parts.Figure
	Filter  Filter
	Rows    []Listed
	Empty   parts.Empty
	Pager   *parts.Pager
}

// Key is a configuration that a client listens for.
type Key struct {
	Href, DataID, Group, Namespace string
	Stand
}

// Happened is something that happened to the client.
type Happened struct {
	At    parts.Moment
	State parts.State
	// Href leads to the configuration that Of names; "" for none.
	Href, Of string
}

// Where names something that has a page; Href is "" where it has none. Of says what it is, "" for nothing.
type Where struct{ Href, Name, Of string }

// Service is a service that a client has to do with.
type Service struct{ Href, Name, Group, Namespace string }

// Registers is what a client registers of one service. More says that there is more.
type Registers struct {
	Service
	Instances []Where
	More      string
}

// Subscribes is a service that a client subscribes to.
type Subscribes struct {
	Service
	State     parts.State
	Push, Ack parts.Moment
}

// Registry is what the registry knows of a client.
type Registry struct {
	RegistersTitle, SubscribesTitle string
	Registers                       []Registers
	Subscribes                      []Subscribes
	RegistersPager, SubscribesPager *parts.Pager
}

// Client is the page of one client. Registry is nil for one that has to do with configurations alone.
type Client struct {
	layout.Page
	W        *words.Clients
	S        *words.Services
	Registry *Registry
	Crumbs   []parts.Crumb
	Name     string
	State    parts.State
	Facts    []parts.Fact
	Live     Live
	Title    string
	Keys     []Key
	Pager    *parts.Pager
	Past     []Happened
	// Others are other clients of the same address, MoreOthers leads to all of them; nil where they stand here.
	Others     []Where
	MoreOthers *Where
}

// Gone is the page of a client that is not there any more.
type Gone struct {
	layout.Page
	W      *words.Clients
	Crumbs []parts.Crumb
	Past   []Happened
}
