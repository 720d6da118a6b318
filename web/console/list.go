package console

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/config/search"
	"nacre/server/fault"
	"nacre/server/resource"
	"nacre/views/configs"
	"nacre/views/parts"
	"nacre/views/words"
)

const (
	cookieColumns = "nacre_columns"
	pathColumns   = pathConfigs + "/columns"
	listSize      = 100
	// searchTime is how long a search may take before it is given up.
	searchTime = 5 * time.Second
	// maxHits is how many places a row shows of those that were found.
	maxHits = 3
	// longName is how many letters of a name the list may cut.
	longName = 60
)

func (p *pages) listRoutes(r fiber.Router) {
	r.Get(pathConfigs, p.signedIn((*visit).list))
	r.Get(pathColumns, p.signedIn((*visit).setColumns))
	p.findRoutes(r)
	p.bulkRoutes(r)
}

// listURL returns the address of the list of a namespace, ns, with what is looked for.
func listURL(ns, q string, all bool) string {
	values := url.Values{"ns": {ns}}
	if q != "" {
		values.Set("q", q)
	}
	if all {
		values.Set("all", "1")
	}
	return pathConfigs + "?" + values.Encode()
}

// list shows the configurations of a namespace, or of all, that a search finds.
func (v *visit) list() error {
	w := &v.w.Configs
	text, all := strings.TrimSpace(v.c.Query("q")), v.c.Query("all") != ""
	m := configs.List{
		Page: v.frame(w.Title, pathConfigs), Words: w, NamespaceID: v.ns, Text: text, All: all, NewHref: pathNew + "?" + url.Values{"ns": {v.ns}}.Encode(),
		Help: v.searchHelp(all), DeleteAction: pathDeleteMany, CloneAction: pathClone, ExportAction: pathExportSome, TagAction: pathTag,
	}
	m.Columns, m.Shows = v.columns()
	number := v.number("page", 1)
	found, err := v.find(text, all, number, listSize)
	if last := max(found.Pages(), 1); err == nil && number > last {
		number = last
		found, err = v.find(text, all, number, listSize)
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Limited, fault.Unavailable:
		m.Problem = v.say(err)
		v.c.Status(statusOf(err))
		return v.showList(m)
	}
	if err != nil {
		return err
	}
	v.count(&m, found.Total)
	keys := make([]config.Key, len(found.Items))
	for i := range found.Items {
		keys[i] = found.Items[i].Key
	}
	standings, _ := v.Nodes.Standings(v.c.UserContext(), keys)
	for i := range found.Items {
		m.Rows = append(m.Rows, v.row(&found.Items[i], all, standings[i]))
	}
	q := url.Values{"ns": {v.ns}}
	if text != "" {
		q.Set("q", text)
	}
	if all {
		q.Set("all", "1")
	}
	m.Pager = v.pager(pathConfigs, q, number, listSize, found.Total)
	return v.showList(m)
}

// showList answers with the page or, while a person types, with what was found and the address of the page that shows it. What is
// half typed is no error then.
func (v *visit) showList(m configs.List) error {
	if v.c.Get("HX-Request") == "" {
		return v.render(configs.Page(m))
	}
	v.c.Status(fiber.StatusOK)
	v.c.Set("HX-Replace-Url", listURL(v.ns, m.Text, m.All))
	return v.render(configs.Found(m))
}

// find looks for text in the visit's namespace, or in all.
func (v *visit) find(text string, all bool, page, size int) (search.Result, error) {
	q, err := search.Parse(text, v.now.UnixMilli())
	if err != nil {
		return search.Result{}, err
	}
	q.NameNamespaces(v.namespacesCalled)
	if !all {
		q.Within = v.ns
	}
	ctx, cancel := context.WithTimeout(v.c.UserContext(), searchTime)
	defer cancel()
	return v.Search.Find(ctx, q, page, size)
}

// namespacesCalled returns the ids of the namespaces of that name, in any case.
func (p *pages) namespacesCalled(name string) (ids []string) {
	for _, n := range p.Namespaces.All() {
		if strings.EqualFold(n.Name, name) {
			ids = append(ids, n.ID)
		}
	}
	return ids
}

// count says how many were found, and what to do when that is none.
func (v *visit) count(m *configs.List, found int) {
	w := m.Words
	among := v.Configs.Stats().Configs
	if !m.All {
		among = v.Configs.CountIn(v.ns)
	}
	switch {
	case m.Text == "" && found == 0:
		m.First = v.first(m.NewHref)
	case m.Text == "":
		m.Count = words.Fill(w.Total, v.w.Number(int64(found)))
	case found == 1:
		m.Count = words.Fill(w.FoundOne, v.w.Number(among))
	default:
		m.Count = words.Fill(w.Found, v.w.Number(int64(found)), v.w.Number(among))
	}
	if m.Text == "" || found > 0 {
		return
	}
	name := v.namespaceName(v.ns)
	none := configs.None{Empty: parts.Empty{Icon: "search", Title: w.NoneTitle, Text: words.Fill(w.NoneInAll, m.Text)}}
	if !m.All {
		none.Text = words.Fill(w.NoneIn, m.Text, name)
		none.Links = append(none.Links, configs.Link{Text: w.WidenAll, Href: listURL(v.ns, m.Text, true)})
	}
	none.Links = append(none.Links, configs.Link{Text: words.Fill(w.WidenClear, name), Href: listURL(v.ns, "", false)})
	m.None = &none
}

// first teaches how a namespace gets its first configuration.
func (v *visit) first(newHref string) *configs.First {
	w := &v.w.Configs
	in := "?" + url.Values{"ns": {v.ns}}.Encode()
	return &configs.First{
		Empty:   parts.Empty{Icon: "config", Title: words.Fill(w.EmptyTitle, v.namespaceName(v.ns)), Text: w.EmptyText, Href: newHref, Action: w.New},
		Command: v.publishCommand(config.Key{Namespace: v.ns, Group: resource.DefaultGroup, DataID: "hello.properties"}, "greeting=hello"),
		Links:   []configs.Link{{Text: w.EmptyConnect, Href: pathConnect + in}, {Text: w.EmptyImport, Href: pathTransfer + in}},
	}
}

func (v *visit) row(r *search.Row, all bool, standing delivery.Standing) configs.Row {
	w := &v.w.Configs
	k := r.Key
	row := configs.Row{
		ID: rowID(k), Label: words.Fill(v.w.Parts.SelectRow, k.DataID), Href: configURL(k, tabContent), Name: []configs.Piece{{Text: k.DataID}},
		Group: v.narrower("group", k.Group, all),
	}
	if len(k.DataID) > longName {
		row.Title = k.DataID
	}
	if all {
		row.Namespace = v.namespaceName(k.Namespace)
	}
	changed := config.Entry{}
	if e := r.Item.Formal; e != nil {
		changed = *e
		row.Type = v.narrower("type", e.Type, all)
		row.Size = v.w.Size(int64(len(e.Content)))
		if e.Desc != nil {
			row.Desc = *e.Desc
		}
		for _, t := range e.Tags {
			row.Tags = append(row.Tags, v.narrower("tag", t, all))
		}
	} else {
		row.Variants = w.VariantsOnly
	}
	for _, g := range r.Item.Grays {
		if g.ModifiedMs > changed.ModifiedMs {
			changed.ModifiedMs, changed.SrcUser, changed.SrcIP = g.ModifiedMs, g.SrcUser, g.SrcIP
		}
	}
	if n := len(r.Item.Grays); n > 0 && r.Item.Formal != nil {
		row.Variants = words.Fill(w.Variants, v.w.Number(int64(n)))
	}
	row.Changed, row.ChangedBy = v.moment(changed.ModifiedMs), v.who(changed.SrcUser, changed.SrcIP)
	row.Sync = v.syncState(standing.InSync, standing.Listeners)
	if standing.Listeners > 0 {
		row.SyncHref = configURL(k, tabClients)
	}
	for i := range r.Hits {
		v.hit(&row, &r.Hits[i], k)
	}
	return row
}

// narrower leads to what else has this value.
func (v *visit) narrower(operator, value string, all bool) configs.Link {
	if value == "" {
		return configs.Link{}
	}
	q := operator + ":" + quoted(value)
	return configs.Link{Text: value, Href: listURL(v.ns, q, all), Label: words.Fill(v.w.Configs.FilterBy, q)}
}

// hit shows where something was found.
func (v *visit) hit(row *configs.Row, h *search.Hit, k config.Key) {
	w := &v.w.Configs
	text := marked(h)
	if h.Field == search.FieldDataID {
		if h.Text == k.DataID {
			row.Name = text
		}
		return
	}
	if len(row.Hits) == maxHits {
		return
	}
	out := configs.Hit{Path: h.Path, Text: text}
	switch h.Field {
	case search.FieldGroup:
		out.Where = w.HitGroup
	case search.FieldDesc:
		out.Where = w.HitDesc
	default:
		line := strconv.Itoa(h.Line)
		out.Where, out.Href = words.Fill(w.HitLine, line), configURL(k, tabContent)+"#l"+line
		if h.Gray != "" {
			out.Where, out.Href = words.Fill(w.HitVariant, h.Gray)+", "+out.Where, configURL(k, tabCanary)
		}
	}
	if slices.ContainsFunc(row.Hits, func(o configs.Hit) bool { return o.Where == out.Where && slices.Equal(o.Text, out.Text) }) {
		return
	}
	row.Hits = append(row.Hits, out)
}

func marked(h *search.Hit) (list []configs.Piece) {
	for _, p := range []configs.Piece{{Text: h.Text[:h.From]}, {Text: h.Text[h.From:h.To], Marked: true}, {Text: h.Text[h.To:]}} {
		if p.Text != "" {
			list = append(list, p)
		}
	}
	return list
}

// searchHelp are searches that one can make, each with what it finds.
func (v *visit) searchHelp(all bool) (list []configs.Example) {
	w := &v.w.Configs
	for _, e := range [][2]string{
		{"group:order", w.HelpGroup}, {"ns:dev", w.HelpNamespace}, {"type:yaml", w.HelpType}, {"tag:core", w.HelpTag}, {"app:shop", w.HelpApp},
		{"by:" + quoted(v.user.Name), w.HelpBy}, {"key:redis.host", w.HelpKey}, {"key:timeout value:30", w.HelpValue}, {"changed:<7d", w.HelpAge}, {"listener:none", w.HelpListener},
	} {
		list = append(list, configs.Example{Search: e[0], Text: e[1], Href: listURL(v.ns, e[0], all || strings.HasPrefix(e[0], "ns:"))})
	}
	return list
}

// columns are those that the list can show besides the name, and which of them it shows.
func (v *visit) columns() (list []parts.Option, shows map[string]bool) {
	chosen, set := strings.Split(v.c.Cookies(cookieColumns), "."), v.c.Cookies(cookieColumns) != ""
	w := v.w
	shows = map[string]bool{}
	for _, c := range [][2]string{
		{"type", w.Parts.Type}, {"desc", w.Configs.ColumnDesc}, {"size", w.Parts.Size}, {"clients", w.Configs.ColumnListeners}, {"changed", w.Parts.Changed},
	} {
		shows[c[0]] = !set || slices.Contains(chosen, c[0])
		list = append(list, parts.Option{Value: c[0], Text: c[1], Selected: shows[c[0]]})
	}
	return list, shows
}

// setColumns keeps which columns the person wants to see.
func (v *visit) setColumns() error {
	wanted := []string{"name"}
	for _, b := range v.c.Context().QueryArgs().PeekMulti("col") {
		if name := string(b); slices.Contains([]string{"type", "desc", "size", "clients", "changed"}, name) {
			wanted = append(wanted, name)
		}
	}
	v.cookie(cookieColumns, strings.Join(wanted, "."), preferenceLife)
	back := pathConfigs
	if u, err := url.Parse(v.c.Get(fiber.HeaderReferer)); err == nil && u.Path == pathConfigs { // which has what is searched for by now
		back = u.RequestURI()
	}
	return v.go303(local(back))
}

// rowID names a configuration in forms.
func rowID(k config.Key) string { return strings.TrimPrefix(keyQuery(k), "?") }

// rowKey reads what rowID wrote. Fault: Invalid.
func rowKey(id string) (config.Key, error) {
	q, err := url.ParseQuery(id)
	k := config.Key{Namespace: q.Get("ns"), Group: q.Get("group"), DataID: q.Get("dataId")}
	if err == nil {
		err = resource.CheckKey(k)
	}
	if err != nil {
		return k, fault.Wrap(fault.Invalid, fmt.Errorf("row %.100q: %w", id, err), "the form names something that is no configuration")
	}
	return k, nil
}
