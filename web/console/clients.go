package console

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config/delivery"
	"nacre/server/feed"
	"nacre/server/naming"
	"nacre/server/view"
	views "nacre/views/clients"
	"nacre/views/parts"
	"nacre/views/words"
)

const pathClient = "/console/client"

func (p *pages) clientsRoutes(r fiber.Router) {
	r.Get(pathConfig+"/"+tabClients, p.signedIn((*visit).listeners))
	r.Get(pathListenersCSV, p.signedIn((*visit).listenersCSV))
	r.Post(pathAgain, p.signedIn((*visit).again))
	r.Get(pathClients, p.signedIn((*visit).clients))
	r.Get(pathClient, p.signedIn((*visit).client))
}

func clientURL(id string) string { return pathClient + "?" + url.Values{"id": {id}}.Encode() }

// clientURLAt leads to a client of a node: ids of those that poll are a node's own.
func (v *visit) clientURLAt(id string, at view.Member) string {
	if v.Nodes.Others == nil {
		return clientURL(id)
	}
	return pathClient + "?" + url.Values{"id": {id}, "node": {at.ID}}.Encode()
}

// nodeOf is how rows name a node, "" where there is one.
func (v *visit) nodeOf(m view.Member) string {
	if v.Nodes.Others == nil {
		return ""
	}
	return m.Name
}

// silent words which nodes did not answer, "" where all did.
func (v *visit) silent(list []view.Absent) string {
	if len(list) == 0 {
		return ""
	}
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = a.Name
	}
	return words.Fill(v.w.Clients.Absent, strings.Join(names, ", "))
}

// clients lists all who listen, register or subscribe: those of the ledger first, then those that it does not know.
func (v *visit) clients() error {
	w := &v.w.Clients
	transport := v.c.Query("transport")
	f := delivery.Filter{Text: v.c.Query("text"), Transport: transport, Behind: v.c.Query("state") == stateBehind}
	page := v.number("page", 1)
	rows, listening, gone := v.Nodes.Clients(v.c.UserContext(), f, page, clientsPerPage)
	others, total := v.Naming.Select(naming.ClientFilter{Text: f.Text, Behind: f.Behind, Keep: v.besides(f)}, (page-1)*clientsPerPage-listening, clientsPerPage-len(rows))
	total += listening
	q := url.Values{"text": {f.Text}, "transport": {transport}, "state": {v.c.Query("state")}}
	m := views.List{
		Page: v.frame(w.Title, pathClients), W: w, Figures: v.clientFigures(), Pager: v.onePage(pathClients, q, page, total),
		Live: views.Live{URL: v.here(), Pace: paceCalm, Absent: v.silent(gone)},
		Filter: views.Filter{
			Words: w, Action: pathClients, Text: f.Text,
			Select: "transport", SelectLabel: w.Transport, Options: v.transports(transport),
			MoreName: "state", MoreLabel: w.StateLegend, More: []parts.Option{{Text: w.AllStates}, {Value: stateBehind, Text: w.NotInSync, Selected: f.Behind}},
		},
		Empty: parts.Empty{Icon: "clients", Title: w.None, Text: w.NoneText, Href: pathConnect, Action: w.NoneAction},
	}
	if f != (delivery.Filter{}) {
		m.Empty = parts.Empty{Icon: "search", Title: w.NoneFound, Text: w.NoneFoundText, Href: pathClients, Action: w.ShowAll}
	}
	for i := range rows {
		known, _ := v.Naming.SummaryOf(rows[i].ID) // none is as one that has nothing
		m.Rows = append(m.Rows, v.listed(&rows[i], &known))
	}
	for i := range others {
		if c, _, ok := v.Delivery.OfClient(others[i].ID); ok {
			m.Rows = append(m.Rows, v.listed(&view.Client{ClientState: c, Node: v.Nodes.This()}, &others[i]))
			continue
		}
		m.Rows = append(m.Rows, v.listedOfRegistry(&others[i]))
	}
	return v.render(views.ListPage(m))
}

// besides selects the clients of the registry that the ledger does not list: all that have no connection; and, where
// only those are asked for that are behind, connections that are so with services alone.
func (v *visit) besides(f delivery.Filter) func(*naming.Client) bool {
	return func(c *naming.Client) bool {
		if unconnected(c) {
			return f.Transport == "" || f.Transport == c.Kind.String()
		}
		if !f.Behind || f.Transport != "" && f.Transport != delivery.GRPC {
			return false
		}
		known, _, ok := v.Delivery.OfClient(c.ID)
		return !ok || known.Behind == 0
	}
}

// unconnected reports whether a client of the registry has no connection that the ledger knows.
func unconnected(c *naming.Client) bool { return c.Kind != naming.Connection }

// transports are the ways in which clients are there.
func (v *visit) transports(chosen string) []parts.Option {
	w := &v.w.Clients
	options := []parts.Option{{Text: w.AllTransports}, {Value: delivery.GRPC, Text: w.GRPC}, {Value: delivery.HTTP, Text: w.HTTP}}
	for _, kind := range []naming.ClientKind{naming.Beating, naming.Datagram, naming.Lasting} {
		options = append(options, parts.Option{Value: kind.String(), Text: v.transportOf(kind)})
	}
	for i := range options {
		options[i].Selected = options[i].Value == chosen && chosen != ""
	}
	return options
}

// listed is a client of the ledger, with what the registry knows of it.
func (v *visit) listed(c *view.Client, known *naming.ClientSummary) views.Listed {
	both := c.ClientState
	both.Behind += known.Behind
	return views.Listed{
		Who: v.whoListens(&c.Client, c.Connected, c.Node), Namespace: v.tenantName(c.Tenant), Listens: v.amount(c.Listenings), Registers: v.amount(known.Published),
		Subscribes: v.amount(known.Subscribed), State: v.clientState(&both, known),
	}
}

// listedOfRegistry is a client that the registry alone knows.
func (v *visit) listedOfRegistry(c *naming.ClientSummary) views.Listed {
	return views.Listed{
		Who: v.whoRegisters(&c.Client), Namespace: v.tenantName(c.Tenant), Listens: v.amount(0), Registers: v.amount(c.Published), Subscribes: v.amount(c.Subscribed),
		State: v.clientState(&delivery.ClientState{Behind: c.Behind}, c),
	}
}

// clientFigures counts all clients. Ways that hardly anybody takes are counted where somebody does.
func (v *visit) clientFigures() []parts.Figure {
	s, _ := v.Nodes.Summary(v.c.UserContext())
	w, n, of := &v.w.Clients, v.amount, v.Naming.Stats()
	figures := []parts.Figure{{Label: w.FigureGRPC, Value: n(s.GRPCClients)}, {Label: w.FigureHTTP, Value: n(s.HTTPClients)}, {Label: w.FigureBeats, Value: n(int(of.BeatClients))}}
	if of.Datagrams > 0 {
		figures = append(figures, parts.Figure{Label: w.FigureUDP, Value: n(int(of.Datagrams))})
	}
	return append(figures,
		parts.Figure{Label: w.FigureKeys, Value: n(s.Listenings)}, parts.Figure{Label: w.FigureBehind, Value: n(s.Behind + of.Owing)},
		parts.Figure{Label: w.FigureLooping, Value: n(s.Looping), Bad: s.Looping > 0})
}

// tenantName names the namespace that a client says it works in.
func (v *visit) tenantName(tenant string) string {
	if tenant == "" {
		return v.namespaceName("public")
	}
	return v.namespaceName(tenant)
}

// clientState is how a client stands, with configurations and with services.
func (v *visit) clientState(c *delivery.ClientState, known *naming.ClientSummary) parts.State {
	switch {
	case c.Behind > 0:
		return parts.State{Kind: "wait", Text: words.Fill(v.w.Clients.BehindOn, v.w.Number(int64(c.Behind)))}
	case c.Listenings+known.Subscribed == 0 && known.Published > 0:
		return parts.State{Kind: "good", Text: v.w.Clients.Registered}
	case c.Listenings+known.Subscribed == 0:
		return parts.State{Kind: "off", Text: v.w.Clients.ConnectedNow}
	}
	return parts.State{Kind: "good", Text: v.w.Parts.InSync}
}

// client shows one, all that it listens for, and what happened to it.
func (v *visit) client() error {
	w := &v.w.Clients
	id := v.c.Query("id")
	c, ok := v.Nodes.Client(v.c.UserContext(), v.c.Query("node"), id)
	keys := c.Keys
	known, registers := v.Naming.ClientOf(id)
	if registers && (!ok || known.Kind != naming.Connection) { // it has to do with services alone
		return v.registryClient(&known)
	}
	if !ok {
		v.c.Status(fiber.StatusNotFound)
		return v.render(views.GonePage(views.Gone{
			Page: v.frame(w.Gone, pathClients), W: w, Crumbs: []parts.Crumb{{Href: pathClients, Text: w.Title}, {Text: id}}, Past: v.clientPast(id),
		}))
	}
	who := v.whoListens(&c.Client.Client, c.Connected, c.Node)
	page := v.number("page", 1)
	m := views.Client{
		Page: v.frame(who.Name, pathClients), W: w, S: &v.w.Services, Name: who.Name, State: v.clientState(&c.ClientState, &naming.ClientSummary{}), Live: views.Live{URL: v.here(), Pace: paceWarm},
		Crumbs: []parts.Crumb{{Href: pathClients, Text: w.Title}, {Text: who.Name}},
		Title:  words.Fill(w.ListensFor, v.w.Number(int64(len(keys)))), Pager: v.onePage(pathClient, url.Values{"id": {id}, "node": {v.c.Query("node")}}, page, len(keys)), Past: v.clientPast(id),
		Facts: []parts.Fact{{Name: w.App, Value: who.App}, {Name: w.SDK, Value: who.SDK}, {Name: w.Transport, Value: who.Transport}},
	}
	fact := func(name, value string) {
		if value != "" {
			m.Facts = append(m.Facts, parts.Fact{Name: name, Value: value})
		}
	}
	fact(w.State, who.Away)
	fact(w.Connected, who.Since.When)
	fact(w.Node, who.Node)
	fact(w.Address, c.IP)
	fact(w.Socket, c.Remote)
	fact(w.NamespaceOf, v.tenantName(c.Tenant))
	fact(w.Tag, c.Tag)
	var labels []string
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		labels = append(labels, name+"="+c.Labels[name])
	}
	fact(w.Labels, strings.Join(labels, ", "))
	m.Facts = append(m.Facts, parts.Fact{Name: w.ID, Value: id, Mono: true, CopyAs: id})
	from := min((page-1)*clientsPerPage, len(keys))
	for i := range keys[from:min(from+clientsPerPage, len(keys))] {
		r := &keys[from+i]
		m.Keys = append(m.Keys, views.Key{
			Href: configURL(r.Key, tabClients), DataID: r.Key.DataID, Group: r.Key.Group, Namespace: v.namespaceName(r.Key.Namespace), Stand: v.stand(r),
		})
	}
	if registers && len(known.Published)+len(known.Subscribed) > 0 {
		m.Registry = v.registryOf(&known)
	}
	m.Others, m.MoreOthers = v.sameAddress(c.IP, id)
	return v.render(views.ClientPage(m))
}

// registryClient shows a client that registers services or subscribes to them, and does not listen for configurations.
func (v *visit) registryClient(c *naming.ClientState) error {
	w, s := &v.w.Clients, &v.w.Services
	who := v.whoRegisters(&c.Client)
	m := views.Client{
		Page: v.frame(who.Name, pathClients), W: w, S: s, Name: who.Name, Live: views.Live{URL: v.here(), Pace: paceWarm}, Registry: v.registryOf(c), Past: v.clientPast(c.ID),
		Crumbs: []parts.Crumb{{Href: pathClients, Text: w.Title}, {Text: who.Name}},
		Facts:  []parts.Fact{{Name: w.App, Value: who.App}, {Name: w.SDK, Value: who.SDK}, {Name: w.Transport, Value: who.Transport}, {Name: w.Connected, Value: who.Since.When}, {Name: w.Address, Value: c.IP}},
	}
	if c.Kind == naming.Beating || c.Kind == naming.Datagram {
		m.Facts = append(m.Facts, parts.Fact{Name: w.Heard, Value: v.lately(c.SeenMs).When})
	}
	if c.Tenant != "" {
		m.Facts = append(m.Facts, parts.Fact{Name: w.NamespaceOf, Value: v.tenantName(c.Tenant)})
	}
	m.Facts = append(m.Facts, parts.Fact{Name: s.NodeOf, Value: c.Node}, parts.Fact{Name: w.ID, Value: c.ID, Mono: true, CopyAs: c.ID})
	m.Others, m.MoreOthers = v.sameAddress(c.IP, c.ID)
	m.Facts = slices.DeleteFunc(m.Facts, func(f parts.Fact) bool { return f.Value == "" })
	return v.render(views.ClientPage(m))
}

// othersNamed is how many other clients of the same address a page names.
const othersNamed = 10

// sameAddress returns the other clients that have an address: over HTTP one application is several, one that polls, one that sends
// heartbeats, one that is told over UDP. more leads to all of them where there are many.
func (v *visit) sameAddress(ip, but string) (others []views.Where, more *views.Where) {
	if ip == "" {
		return nil, nil
	}
	add := func(who views.Who) {
		if len(others) < othersNamed {
			others = append(others, views.Where{Href: who.Href, Name: who.Name, Of: who.Transport})
			return
		}
		more = &views.Where{Href: pathClients + "?" + url.Values{"text": {ip}}.Encode(), Name: v.w.Clients.ShowAll}
	}
	listening, _, _ := v.Nodes.Clients(v.c.UserContext(), delivery.Filter{Text: ip}, 1, clientsPerPage)
	for i := range listening {
		if c := &listening[i]; c.IP == ip && c.ID != but {
			add(v.whoListens(&c.Client, c.Connected, c.Node))
		}
	}
	registering, _ := v.Naming.Select(naming.ClientFilter{Text: ip, Keep: func(c *naming.Client) bool { return unconnected(c) && c.IP == ip && c.ID != but }}, 0, othersNamed+1)
	for i := range registering {
		add(v.whoRegisters(&registering[i].Client))
	}
	return others, more
}

// instancesNamed is how many of the instances that a client registers of one service its page names.
const instancesNamed = 10

// registryOf words what a client registers and subscribes to. Both lists are paged by the same number.
func (v *visit) registryOf(c *naming.ClientState) *views.Registry {
	s, q := &v.w.Services, url.Values{"id": {c.ID}}
	page := v.number("services", 1)
	r := &views.Registry{
		RegistersTitle: words.Fill(s.Registers, v.amount(len(c.Published))), SubscribesTitle: words.Fill(s.Subscribes, v.amount(len(c.Subscribed))),
		RegistersPager: v.onePageBy("services", pathClient, q, page, len(c.Published)), SubscribesPager: v.onePageBy("services", pathClient, q, page, len(c.Subscribed)),
	}
	service := func(k naming.Key, path string) views.Service {
		return views.Service{Href: serviceURL(path, k), Name: k.Name, Group: k.Group, Namespace: v.namespaceName(k.Namespace)}
	}
	for _, p := range pageOf(c.Published, page) {
		x := views.Registers{Service: service(p.Key, pathService)}
		for _, i := range p.Instances[:min(len(p.Instances), instancesNamed)] {
			x.Instances = append(x.Instances, views.Where{Href: instanceURL(p.Key, i.Of()), Name: addressOf(i.Of())})
		}
		if n := len(p.Instances) - instancesNamed; n > 0 {
			x.More = words.Fill(s.MetadataMore, v.amount(n))
		}
		r.Registers = append(r.Registers, x)
	}
	for _, x := range pageOf(c.Subscribed, page) {
		r.Subscribes = append(r.Subscribes, views.Subscribes{
			Service: service(x.Key, pathSubscribers), State: v.subscriberState(&x.Subscriber), Push: v.lately(x.PushedMs), Ack: v.lately(x.AckedMs),
		})
	}
	return r
}

// pastShown is how many of the events of a client its page shows.
const pastShown = 30

// clientPast returns what the feed still holds of a client, the newest first.
func (v *visit) clientPast(id string) []views.Happened {
	f, err := feed.ParseFilter("", "client", id)
	if err != nil || id == "" {
		return nil
	}
	var out []views.Happened
	events := v.Feed.Latest(&f, pastShown).Events
	for i := len(events) - 1; i >= 0; i-- {
		e := &events[i]
		if e.ClientID != id {
			continue
		}
		h := views.Happened{At: v.lately(e.AtMs), State: parts.State{Kind: eventTone(e.Kind), Text: v.eventName(e.Kind)}}
		if k := keyOf(e); k.DataID != "" {
			h.Href, h.Of = configURL(k, tabClients), k.DataID
		}
		out = append(out, h)
	}
	return out
}
