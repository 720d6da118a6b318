package console

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/feed"
	"nacre/server/naming"
	views "nacre/views/feed"
	"nacre/views/parts"
	"nacre/views/words"
)

const (
	// feedShown is how many events the page has before scripts go on.
	feedShown = 200
	// feedSocket is where they do.
	feedSocket = "/ws/feed"
)

func (p *pages) feedRoutes(r fiber.Router) { r.Get(pathFeed, p.signedIn((*visit).feed)) }

// told is how the page tells a kind of event: in what words, in what tone, and to which part of a configuration's page it leads.
type told struct {
	Says string `json:"says"`
	Name string `json:"name"`
	Tone string `json:"tone,omitempty"`
	Part string `json:"part,omitempty"`
}

// toldKinds returns how each kind is told in a language.
func toldKinds(w *words.Feed) map[feed.Kind]told {
	s, n := &w.Says, &w.Names
	return map[feed.Kind]told{
		feed.ConfigPublished:    {s.ConfigPublished, n.ConfigPublished, "", tabContent},
		feed.ConfigRemoved:      {s.ConfigRemoved, n.ConfigRemoved, "bad", tabHistory},
		feed.ConfigInSync:       {s.ConfigInSync, n.ConfigInSync, "good", tabClients},
		feed.GrayStarted:        {s.GrayStarted, n.GrayStarted, "", tabCanary},
		feed.GrayChanged:        {s.GrayChanged, n.GrayChanged, "", tabCanary},
		feed.GrayEnded:          {s.GrayEnded, n.GrayEnded, "", tabCanary},
		feed.ClientConnected:    {s.ClientConnected, n.ClientConnected, "", tabClients},
		feed.ClientGone:         {s.ClientGone, n.ClientGone, "", tabClients},
		feed.ClientBehind:       {s.ClientBehind, n.ClientBehind, "wait", tabClients},
		feed.ClientLooping:      {s.ClientLooping, n.ClientLooping, "bad", tabClients},
		feed.ClientInSync:       {s.ClientInSync, n.ClientInSync, "good", tabClients},
		feed.ServerState:        {Says: s.ServerState, Name: n.ServerState},
		feed.NamespaceCreated:   {Says: s.NamespaceCreated, Name: n.NamespaceCreated},
		feed.NamespaceChanged:   {Says: s.NamespaceChanged, Name: n.NamespaceChanged},
		feed.NamespaceRemoved:   {Says: s.NamespaceRemoved, Name: n.NamespaceRemoved, Tone: "bad"},
		feed.ServiceAppeared:    {Says: s.ServiceAppeared, Name: n.ServiceAppeared, Tone: "good"},
		feed.ServiceGone:        {Says: s.ServiceGone, Name: n.ServiceGone, Tone: "wait"},
		feed.ServiceDescribed:   {Says: s.ServiceDescribed, Name: n.ServiceDescribed},
		feed.ServiceRemoved:     {Says: s.ServiceRemoved, Name: n.ServiceRemoved, Tone: "bad"},
		feed.InstanceUp:         {Says: s.InstanceUp, Name: n.InstanceUp, Tone: "good"},
		feed.InstanceDown:       {Says: s.InstanceDown, Name: n.InstanceDown, Tone: "bad"},
		feed.InstanceChanged:    {Says: s.InstanceChanged, Name: n.InstanceChanged},
		feed.InstanceRemoved:    {Says: s.InstanceRemoved, Name: n.InstanceRemoved, Tone: "wait"},
		feed.InstanceOverridden: {Says: s.InstanceOverridden, Name: n.InstanceOverridden, Tone: "wait"},
	}
}

func (v *visit) eventName(k feed.Kind) string { return toldKinds(&v.w.Feed)[k].Name }

// eventTone returns the kind of badge for what happened to a client.
func eventTone(k feed.Kind) string {
	switch k {
	case feed.ClientBehind:
		return "wait"
	case feed.ClientLooping:
		return "bad"
	case feed.ClientGone:
		return "off"
	}
	return "good"
}

func serviceKeyOf(e *feed.Event) naming.Key {
	return naming.Key{Namespace: e.Namespace, Group: e.Group, Name: e.Service}
}

func keyOf(e *feed.Event) config.Key {
	return config.Key{Namespace: e.Namespace, Group: e.Group, DataID: e.DataID}
}

// feed shows the latest events that the filter selects; from there scripts read on.
func (v *visit) feed() error {
	w := &v.w.Feed
	ns, text := v.c.Query("ns"), v.c.Query("text")
	var kinds []string
	for _, k := range v.c.Context().QueryArgs().PeekMulti("kinds") {
		kinds = append(kinds, strings.FieldsFunc(string(k), func(r rune) bool { return r == ',' })...)
	}
	m := views.Model{
		Page: v.frame(w.Title, pathFeed), W: w, Socket: feedSocket, Text: text, Reload: v.here(),
		Namespaces: v.feedNamespaces(ns), Kinds: feedKinds(w, kinds),
	}
	f, err := feed.ParseFilter(ns, strings.Join(kinds, ","), text)
	if err != nil {
		v.c.Status(fiber.StatusBadRequest)
		m.Socket = ""
		m.Empty = parts.Empty{Icon: "warning", Title: w.NoneFound, Text: fault.TextOf(err), Href: pathFeed, Action: w.ShowAll}
		return v.render(views.Page(m))
	}
	latest := v.Feed.Latest(&f, feedShown)
	told := toldKinds(w)
	for i := len(latest.Events) - 1; i >= 0; i-- {
		e := &latest.Events[i]
		m.Rows = append(m.Rows, v.feedRow(told[e.Kind], e))
	}
	m.Next = strconv.FormatUint(latest.Next, 10)
	m.Filter = url.Values{"namespace": {ns}, "kind": {strings.Join(kinds, ",")}, "text": {text}}.Encode()
	m.Phrases = v.feedPhrases(told)
	m.Empty = parts.Empty{Icon: "feed", Title: w.None, Text: w.NoneText, Href: pathConnect, Action: v.w.Clients.NoneAction}
	if ns+text+strings.Join(kinds, "") != "" {
		m.Empty = parts.Empty{Icon: "search", Title: w.NoneFound, Text: w.WidenIt, Href: pathFeed, Action: w.ShowAll}
	}
	return v.render(views.Page(m))
}

// feedNamespaces are the choices of the filter by namespace.
func (v *visit) feedNamespaces(chosen string) []parts.Option {
	out, found := []parts.Option{{Text: v.w.Feed.AllNamespaces}}, chosen == ""
	for _, n := range v.namespaces(pathFeed) {
		out = append(out, parts.Option{Value: n.ID, Text: n.Name, Selected: n.ID == chosen})
		found = found || n.ID == chosen
	}
	if !found {
		out = append(out, parts.Option{Value: chosen, Text: chosen, Selected: true})
	}
	return out
}

// feedKinds are the choices of the filter by kind: the groups, and what else the address names.
func feedKinds(w *words.Feed, chosen []string) []parts.Option {
	out := []parts.Option{
		{Value: "config", Text: w.Config}, {Value: "gray", Text: w.Gray}, {Value: "client", Text: w.Client}, {Value: "server", Text: w.Server}, {Value: "namespace", Text: w.Space},
		{Value: "service,instance", Text: w.Service},
	}
	told := toldKinds(w)
	for _, k := range chosen {
		if t, ok := told[feed.Kind(k)]; ok {
			out = append(out, parts.Option{Value: k, Text: t.Name})
		}
	}
	for i := range out {
		out[i].Selected = !slices.ContainsFunc(strings.Split(out[i].Value, ","), func(k string) bool { return !slices.Contains(chosen, k) })
	}
	return out
}

// feedRow words an event. static/src/feed.ts does the same for those that come later.
func (v *visit) feedRow(t told, e *feed.Event) views.Row {
	at := time.UnixMilli(e.AtMs).UTC()
	group, _, _ := strings.Cut(string(e.Kind), ".")
	r := views.Row{
		Seq: strconv.FormatUint(e.Seq, 10), At: at.Format("2006-01-02T15:04:05.000Z07:00"), Clock: at.Format("15:04:05"), Group: group, Tone: t.Tone,
		Details: v.feedDetails(e),
	}
	for rest := t.Says; rest != ""; {
		plain, slot, found := strings.Cut(rest, "{")
		if plain != "" {
			r.Pieces = append(r.Pieces, views.Piece{Text: plain, Plain: true})
		}
		if !found {
			break
		}
		slot, rest, _ = strings.Cut(slot, "}")
		r.Pieces = append(r.Pieces, v.feedPiece(slot, t, e))
	}
	return r
}

// feedPiece is what stands in a slot of what an event says.
func (v *visit) feedPiece(slot string, t told, e *feed.Event) views.Piece {
	switch slot {
	case "who":
		switch {
		case e.User != "":
			return views.Piece{Text: e.User}
		case e.IP != "":
			return views.Piece{Text: words.Fill(v.w.Feed.From, e.IP)}
		}
		return views.Piece{Text: v.w.Feed.Unknown}
	case "object":
		return views.Piece{Text: e.DataID, Href: configURL(keyOf(e), t.Part)}
	case "gray":
		return views.Piece{Text: e.Gray}
	case "client":
		return views.Piece{Text: strings.TrimSpace(appName(e.App) + " " + e.ClientIP), Href: clientURL(e.ClientID)}
	case "service":
		return views.Piece{Text: e.Service, Href: serviceURL(pathService, serviceKeyOf(e))}
	case "instance":
		return views.Piece{Text: e.Instance}
	case "n":
		return views.Piece{Text: strconv.Itoa(e.Listeners)}
	}
	if e.Kind == feed.ServerState || e.Text == "" {
		return views.Piece{Text: cmp.Or(serverStates(&v.w.Feed)[e.Text], e.Text, e.Namespace)}
	}
	return views.Piece{Text: e.Text, Href: pathConfigs + "?" + url.Values{"ns": {e.Namespace}}.Encode()}
}

// serverStates words the states of a server, but for the reasons why it is not ready.
func serverStates(w *words.Feed) map[string]string {
	return map[string]string{"ready": w.Ready, "stopping": w.Stopping}
}

// feedDetails says more on an event: where it is, the revision, the client's application, the comment.
func (v *visit) feedDetails(e *feed.Event) []string {
	var out []string
	add := func(s string) {
		if s != "" {
			out = append(out, s)
		}
	}
	if e.DataID != "" || e.Service != "" {
		add(e.Namespace + " / " + e.Group)
	}
	add(e.Cluster)
	add(e.Node)
	if e.ClientID != "" {
		add(e.SDK)
	} else if e.Revision > 0 {
		add(words.Fill(v.w.Feed.Revision, strconv.FormatUint(e.Revision, 10)))
	}
	if e.DataID != "" || e.Service != "" {
		add(e.Text) // the comment, or why
	}
	return out
}

// feedPhrases are the words that feed.ts needs, as JSON.
func (v *visit) feedPhrases(kinds map[feed.Kind]told) string {
	w := &v.w.Feed
	b, _ := json.Marshal(map[string]any{ // maps of strings always have a JSON
		"kinds": kinds, "states": serverStates(w), "from": w.From, "unknown": w.Unknown, "revision": w.Revision, "group": w.Group, "gap": w.Gap, "restarted": w.Restarted, "older": w.Older,
		"new": w.New, "newMany": w.NewMany, "live": w.Live, "paused": w.Paused, "connecting": w.Connecting, "lost": w.Lost, "ended": v.w.Frame.SessionEnded,
		"pause": w.Pause, "resume": w.Resume,
	})
	return string(b)
}

// FeedReaders returns who may read the live feed. Pages of the console may for as long as their session lasts, others while
// clients need no login.
func FeedReaders(d Deps) func(*fiber.Ctx) (still func() bool, err error) {
	p := &pages{Deps: d}
	return func(c *fiber.Ctx) (func() bool, error) {
		token := c.Cookies((&visit{pages: p, c: c}).sessionCookie())
		if token == "" {
			if d.Settings.Auth {
				return nil, fault.New(fault.Denied, "the feed is for those who are signed in")
			}
			return nil, nil
		}
		still := func() bool { _, _, ok := d.Auth.Enter(token); return ok }
		if !still() {
			return nil, fault.New(fault.Denied, "the session has ended; sign in again")
		}
		return still, nil
	}
}
