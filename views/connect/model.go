// Package connect holds the page that tells how applications reach this server.
package connect

import (
	"nacre/views/config"
	"nacre/views/home"
	"nacre/views/layout"
	"nacre/views/parts"
	"nacre/views/words"
)

// Model is the page.
type Model struct {
	layout.Page
	Words *words.Connect
	// Facts are what applications are told: addresses, ports, the namespace.
	Facts []parts.Fact
	// Odd warns where gRPC is not where SDKs look for it, "" elsewhere.
	Odd string
	// Connected says who is connected at this moment; ClientsHref leads to them.
	Connected, ClientsHref string
	State                  parts.State
	Checks                 []home.Step
	// Of chooses the configuration that the code reads.
	Of            string
	Group, DataID parts.Field
	// Port is the form's hidden choice of Ports, "" for that of the server.
	Port, PortText string
	Ports          []parts.Tab
	Snippets       []config.Snippet
	Proxy          string
}
