package console

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/view"
	views "nacre/views/clients"
	"nacre/views/parts"
	"nacre/views/words"
)

const (
	pathListenersCSV = pathConfig + "/" + tabClients + ".csv"
	pathAgain        = pathConfig + "/" + tabClients + "/again"
	// clientsPerPage is how many rows a page of clients has, or of what one listens for.
	clientsPerPage = 100
)

// The values of the filter by state, besides those of delivery.State.
const (
	stateBehind = "behind" // all that are not in sync
	stateCanary = "canary"
)

// Paces of what is read anew, in ms: after a publish, while somebody is behind, and else.
const (
	paceHot  = "300"
	paceWarm = "1000"
	paceCalm = "3000"
)

func where(state, text string) delivery.Where {
	w := delivery.Where{Text: text}
	switch state {
	case stateBehind:
		w.NotInSync = true
	case stateCanary:
		w.Gray = true
	default:
		w.State = delivery.State(state)
	}
	return w
}

// listeners shows who listens for a configuration. ?published=REVISION says that one comes from publishing it.
func (v *visit) listeners() error {
	k, err := v.key()
	if err != nil {
		return err
	}
	item := v.Configs.Item(k)
	state, text, page := v.c.Query("state"), v.c.Query("text"), v.number("page", 1)
	x := v.Nodes.Listeners(v.c.UserContext(), k, where(state, text), page, clientsPerPage)
	w := &v.w.Clients
	m := views.Tab{
		Head: v.head(k, item, tabClients), W: w, Again: pathAgain, Hidden: append(keyFields(k), [2]string{"back", v.here()}),
		CSV:   pathListenersCSV + keyQuery(k, "state", state, "text", text),
		Pager: v.onePage(pathConfig+"/"+tabClients, url.Values{"ns": {k.Namespace}, "group": {k.Group}, "dataId": {k.DataID}, "state": {state}, "text": {text}}, page, x.Total),
		Filter: views.Filter{
			Words: w, Action: pathConfig + "/" + tabClients, Hidden: keyFields(k), Text: text, Select: "state", SelectLabel: w.StateLegend, Options: v.stateOptions(state),
		},
	}
	m.Head.Sync = parts.State{} // the bar says it
	m.Bar, m.Live = v.syncBar(x.Listeners, newestRevision(item)), views.Live{URL: v.here(), Pace: v.pace(x.Listeners), Absent: v.silent(x.Absent)}
	connected := 0
	for i := range x.Rows {
		r := &x.Rows[i]
		row := views.Row{Who: v.whoListens(&r.Client, r.Connected, r.Node), Stand: v.stand(&r.Listening)}
		if r.State != delivery.InSync && r.Client.Transport == delivery.GRPC {
			row.Tell = words.Fill(w.TellOf, row.Name)
			connected++
		}
		m.Rows = append(m.Rows, row)
	}
	if connected > 0 {
		m.TellAll = words.Fill(w.TellAll, v.w.Number(int64(x.All.Behind)))
	}
	if x.All.Listeners == 0 {
		m.Empty = parts.Empty{Icon: "clients", Title: w.Nobody, Text: w.NobodyText, Href: configURL(k, tabSnippets), Action: w.NobodyAction}
	} else {
		m.Empty = parts.Empty{Icon: "search", Title: w.NoneFound, Text: w.NoneFoundText, Href: configURL(k, tabClients), Action: w.ShowAll}
	}
	return v.render(views.ListenersPage(m))
}

// newestRevision returns the highest revision in an item, 0 for none.
func newestRevision(i *config.Item) (rev uint64) {
	if i == nil {
		return 0
	}
	if i.Formal != nil {
		rev = i.Formal.Revision
	}
	for _, g := range i.Grays {
		rev = max(rev, g.Revision)
	}
	return rev
}

func (v *visit) stateOptions(chosen string) []parts.Option {
	w, p := &v.w.Clients, &v.w.Parts
	options := []parts.Option{
		{Value: "", Text: w.AllStates}, {Value: stateBehind, Text: w.NotInSync}, {Value: string(delivery.InSync), Text: p.InSync},
		{Value: string(delivery.Looping), Text: p.Looping}, {Value: string(delivery.NeverAcked), Text: p.NeverAcked}, {Value: stateCanary, Text: w.OnlyCanary},
	}
	for i := range options {
		options[i].Selected = options[i].Value == chosen
	}
	return options
}

// pace returns how often the page is read anew.
func (v *visit) pace(x delivery.Listeners) string {
	switch {
	case x.All.Behind == 0:
		return paceCalm
	case v.revision("published") > 0 && v.now.UnixMilli()-x.ChangedMs < 30_000:
		return paceHot
	}
	return paceWarm
}

// syncBar words how many have the newest; newest is the revision that is held.
func (v *visit) syncBar(x delivery.Listeners, newest uint64) views.Bar {
	w, all, inSync := &v.w.Clients, v.w.Number(int64(x.All.Listeners)), v.w.Number(int64(x.All.InSync))
	published := v.revision("published")
	b := views.Bar{InSync: strconv.Itoa(x.All.InSync), All: strconv.Itoa(x.All.Listeners)}
	switch {
	case x.All.Listeners == 0:
		b.State, b.All = parts.State{Kind: "off", Text: v.w.Parts.Nobody}, ""
		if published > 0 {
			b.Note = w.PublishedNobody
		}
	case x.All.Behind > 0:
		b.State = parts.State{Kind: "wait", Text: words.Fill(w.SomeInSync, inSync, all)}
		b.Note = words.Fill(w.BehindNow, v.w.Number(int64(x.All.Behind)), v.since(x.BehindMs))
	case published > 0 && x.ChangedMs > 0 && x.SyncedMs >= x.ChangedMs:
		b.State = parts.State{Kind: "good", Text: words.Fill(w.AllAfter, all, seconds(w, x.SyncedMs-x.ChangedMs))}
	default:
		b.State = parts.State{Kind: "good", Text: words.Fill(w.AllInSync, all)}
	}
	if published == 0 {
		return b
	}
	number := strconv.FormatUint(published, 10)
	switch {
	case newest > published:
		b.Publish = w.Superseded
	case x.ChangedMs > 0:
		b.Publish = words.Fill(w.PublishedSince, number, v.since(x.ChangedMs))
	default:
		b.Publish = words.Fill(w.Published, number)
	}
	return b
}

// seconds words a time in ms as seconds, as exactly as one wants to read it.
func seconds(w *words.Clients, ms int64) string {
	digits := 1
	if ms < 100 {
		digits = 2
	}
	return words.Fill(w.Seconds, strconv.FormatFloat(float64(ms)/1000, 'f', digits, 64))
}

// since says how long ago a moment in ms was.
func (v *visit) since(ms int64) string { return v.w.Time.For(v.now.Sub(time.UnixMilli(ms))) }

// lately is as moment, to the second within the last minute.
func (v *visit) lately(ms int64) parts.Moment {
	m := v.moment(ms)
	if m.At != "" && v.now.UnixMilli()-ms < 60_000 {
		m.When = words.Fill(v.w.Clients.AgoOf, v.since(ms))
	}
	return m
}

func (v *visit) whoListens(c *delivery.Client, connected bool, at view.Member) views.Who {
	w := &v.w.Clients
	out := views.Who{ID: c.ID, Href: v.clientURLAt(c.ID, at), Node: v.nodeOf(at), Name: c.Remote, App: cmp.Or(appName(c.App), w.NoApp), SDK: c.SDK, Since: v.lately(c.ConnectedMs), Transport: w.GRPC}
	if host := hostOf(c.Remote); host != c.IP {
		out.Claims = c.IP
	}
	if c.Transport == delivery.HTTP {
		if out.Transport, out.Away = w.HTTP, w.Waits; !connected {
			out.Away = w.Away
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		if own, ok := strings.CutPrefix(name, ownLabel); ok { // the others say what the library is, which is the same for all
			out.Labels = append(out.Labels, own+"="+c.Labels[name])
		}
	}
	return out
}

// ownLabel begins the names of labels that an application gives its connections, as SDKs send them.
const ownLabel = "app_"

// appName returns what an application calls itself, "" where it does not.
func appName(app string) string {
	if app == "unknown" {
		return ""
	}
	return app
}

// hostOf returns an address without its port.
func hostOf(remote string) string {
	host, _, found := strings.Cut(remote, "]")
	if found {
		return strings.TrimPrefix(host, "[")
	}
	if i := strings.LastIndexByte(remote, ':'); i >= 0 {
		return remote[:i]
	}
	return remote
}

func (v *visit) stand(r *delivery.Listening) views.Stand {
	w := &v.w.Clients
	s := views.Stand{State: v.standing(r), MD5: r.MD5[:min(len(r.MD5), 8)], FullMD5: r.MD5, Push: v.lately(r.PushedMs), Ack: v.lately(r.AckedMs)}
	if r.Gray != "" {
		s.Gray = words.Fill(w.Canary, r.Gray)
	}
	switch r.State {
	case delivery.Looping:
		s.Hint = w.LoopingHint
	case delivery.NeverAcked:
		s.Hint = w.NeverAckedHint
	case delivery.Behind:
		if r.Client.Transport == delivery.HTTP {
			s.Hint = w.PollAsks
		}
	}
	if r.State == delivery.Looping || r.State == delivery.NeverAcked {
		s.Notes = append(s.Notes, words.Fill(v.w.Parts.BehindFor, v.since(r.SinceMs)))
	}
	if r.State != delivery.InSync && r.Attempts > 1 {
		s.Notes = append(s.Notes, words.Fill(w.Attempts, v.w.Number(int64(r.Attempts))))
	}
	return s
}

// standing words the state of a listening.
func (v *visit) standing(r *delivery.Listening) parts.State {
	p := &v.w.Parts
	switch r.State {
	case delivery.InSync:
		return parts.State{Kind: "good", Text: p.InSync}
	case delivery.Looping:
		return parts.State{Kind: "bad", Text: p.Looping}
	case delivery.NeverAcked:
		return parts.State{Kind: "bad", Text: p.NeverAcked}
	}
	return parts.State{Kind: "wait", Text: words.Fill(p.BehindFor, v.since(r.SinceMs))}
}

// onePage is nil where all rows fit on one page of a list, else what leads through them.
func (v *visit) onePage(path string, q url.Values, page, total int) *parts.Pager {
	return v.onePageBy("page", path, q, page, total)
}

func (v *visit) onePageBy(name, path string, q url.Values, page, total int) *parts.Pager {
	if total <= clientsPerPage {
		return nil
	}
	p := v.pagerBy(name, path, q, page, clientsPerPage, total)
	return &p
}

// listenersCSV answers with all that the filter selects, as a table for other programs.
func (v *visit) listenersCSV() error {
	k, err := v.key()
	if err != nil {
		return err
	}
	w, p := &v.w.Clients, &v.w.Parts
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	_ = out.Write([]string{w.ID, w.CSVClient, w.CSVAddress, w.App, w.SDK, w.Labels, w.Transport, w.CSVConnected, w.State, w.CSVBehindFor, w.MD5, w.CSVWants, p.Revision, w.OnlyCanary, w.Push, w.Ack, w.Node})
	at := func(ms int64) string { return v.moment(ms).At }
	for _, r := range v.Nodes.All(v.c.UserContext(), k, where(v.c.Query("state"), v.c.Query("text"))).Rows {
		who, behind := v.whoListens(&r.Client, r.Connected, r.Node), ""
		if r.SinceMs > 0 {
			behind = strconv.FormatInt(max(v.now.UnixMilli()-r.SinceMs, 0)/1000, 10)
		}
		row := []string{
			r.Client.ID, r.Client.Remote, r.Client.IP, r.Client.App, r.Client.SDK, strings.Join(who.Labels, " "), r.Client.Transport, at(r.Client.ConnectedMs),
			string(r.State), behind, r.MD5, r.WantMD5, strconv.FormatUint(r.Revision, 10), r.Gray, at(r.PushedMs), at(r.AckedMs), r.Node.Name,
		}
		for i := range row {
			row[i] = harmless(row[i])
		}
		_ = out.Write(row)
	}
	out.Flush() // to memory: it can't fail
	secure(v.c, "")
	v.c.Set(fiber.HeaderCacheControl, "no-store")
	v.c.Set(fiber.HeaderContentType, "text/csv; charset=utf-8")
	v.c.Set(fiber.HeaderContentDisposition, "attachment; filename*=UTF-8''"+url.PathEscape(k.DataID+"-clients.csv"))
	return v.c.Send(b.Bytes())
}

// harmless makes a value that clients choose one that no spreadsheet takes for a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// again tells clients that are behind once more.
func (v *visit) again() error {
	k, err := v.key()
	if err != nil {
		return err
	}
	text := v.w.Clients.ToldNone
	if n := v.Nodes.Again(v.c.UserContext(), k, v.value("client")); n > 0 {
		text = words.Fill(v.w.Clients.Told, v.w.Number(int64(n)))
	}
	back := local(v.value("back"))
	if back == pathHome {
		back = configURL(k, tabClients)
	}
	return v.done(back, text, "")
}
