package console

import (
	"net/url"
	"strings"

	"nacre/server/config"
	"nacre/server/resource"
	views "nacre/views/config"
	"nacre/views/parts"
	"nacre/views/words"
)

const (
	pathConfig = "/console/config"
	pathEdit   = pathConfig + "/edit"
	pathDelete = pathConfig + "/delete"
)

// The parts of the page of a configuration.
const (
	tabContent  = ""
	tabHistory  = "history"
	tabClients  = "clients"
	tabCanary   = "canary"
	tabSnippets = "snippets"
)

// keyQuery returns a query that names k, with more names and values.
func keyQuery(k config.Key, more ...string) string {
	q := url.Values{"ns": {k.Namespace}, "group": {k.Group}, "dataId": {k.DataID}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return "?" + q.Encode()
}

// configURL returns the address of a part of the page of k.
func configURL(k config.Key, tab string, more ...string) string {
	if tab != tabContent {
		tab = "/" + tab
	}
	return pathConfig + tab + keyQuery(k, more...)
}

// key reads which configuration a page or form is about. Fault: Invalid.
func (v *visit) key() (config.Key, error) {
	ns := v.value("ns")
	if ns == "" {
		ns = resource.DefaultNamespace
	}
	k := config.Key{Namespace: ns, Group: v.value("group"), DataID: v.value("dataId")}
	v.ns = ns
	if err := v.Configs.Check(config.Draft{Key: k, Content: []byte("x")}); err != nil {
		return k, err
	}
	return k, nil
}

// head returns what stands above the part tab of the page of k. Item is what is held, nil for nothing.
func (v *visit) head(k config.Key, item *config.Item, tab string) views.Head {
	w := &v.w.Config
	h := views.Head{
		Page: v.frame(k.DataID, pathConfigs), DataID: k.DataID,
		Crumbs: []parts.Crumb{
			{Href: pathConfigs + "?" + url.Values{"ns": {k.Namespace}}.Encode(), Text: v.namespaceName(k.Namespace)},
			{Href: pathConfigs + "?" + url.Values{"ns": {k.Namespace}, "q": {"group:" + quoted(k.Group)}}.Encode(), Text: k.Group},
			{Text: k.DataID},
		},
		SyncHref: configURL(k, tabClients),
	}
	standings, _ := v.Nodes.Standings(v.c.UserContext(), []config.Key{k})
	standing := standings[0]
	h.Tabs = []parts.Tab{
		{Text: w.TabContent, Href: configURL(k, tabContent)},
		{Text: w.TabClients, Href: configURL(k, tabClients), Key: "l", Count: v.w.Number(int64(standing.Listeners))},
		{Text: w.TabHistory, Href: configURL(k, tabHistory), Key: "h"},
		{Text: w.TabCanary, Href: configURL(k, tabCanary)},
		{Text: w.TabSnippets, Href: configURL(k, tabSnippets)},
	}
	for i, name := range []string{tabContent, tabClients, tabHistory, tabCanary, tabSnippets} {
		h.Tabs[i].Current = name == tab
	}
	if standing.Listeners > 0 {
		h.Sync = v.syncState(standing.InSync, standing.Listeners)
	}
	h.EditHref = pathEdit + keyQuery(k)
	if d, ok := v.draftOf(k); ok {
		h.Draft = words.Fill(w.Draft, v.moment(d.SavedMs).When)
	}
	h.Editing = v.alsoEditing(k)
	if item == nil {
		return h
	}
	if len(item.Grays) > 0 {
		h.Tabs[3].Count = v.w.Number(int64(len(item.Grays)))
	}
	if e := item.Formal; e != nil {
		if e.Type != "" {
			h.Chips = append(h.Chips, e.Type)
		}
		h.Chips = append(h.Chips, v.w.Size(int64(len(e.Content))))
	}
	h.Delete = &parts.Confirm{
		ID: "delete", Title: w.DeleteTitle, Text: words.Fill(w.DeleteText, v.w.Number(int64(standing.Listeners))), Action: pathDelete, Button: v.w.Parts.Delete,
		Hidden: [][2]string{{"ns", k.Namespace}, {"group", k.Group}, {"dataId", k.DataID}}, CSRF: v.csrf(), Words: &v.w.Parts,
	}
	if v.protected(k.Namespace) {
		h.Delete.Typed = v.namespaceName(k.Namespace)
	}
	return h
}

// syncState words how many of those who listen have what they are to see.
func (v *visit) syncState(inSync, all int) parts.State {
	s := parts.State{Kind: "good", Text: words.Fill(v.w.Parts.InSyncOf, v.w.Number(int64(inSync)), v.w.Number(int64(all)))}
	switch {
	case all == 0:
		return parts.State{Kind: "off", Text: v.w.Parts.Nobody}
	case inSync < all:
		s.Kind = "wait"
	}
	return s
}

// quoted puts a value of a search into quotes where it needs them.
func quoted(s string) string {
	if strings.ContainsAny(s, " \t\"") || s == "" {
		return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"`
	}
	return s
}

// draftInfo is what is known of a draft.
type draftInfo struct{ SavedMs int64 }

// draftOf returns the person's own draft of k.
func (v *visit) draftOf(k config.Key) (draftInfo, bool) {
	for _, d := range v.Drafts.Editing(k) {
		if d.User == v.user.Name {
			return draftInfo{d.SavedMs}, true
		}
	}
	return draftInfo{}, false
}

// editingFor is how long after the last save somebody counts as editing.
const editingFor = 2 * 60 * 1000

// alsoEditing says who else works on k, "" for nobody.
func (v *visit) alsoEditing(k config.Key) string {
	var who []string
	for _, d := range v.Drafts.Editing(k) {
		if d.User != v.user.Name && v.now.UnixMilli()-d.SavedMs < editingFor {
			who = append(who, d.User)
		}
	}
	if len(who) == 0 {
		return ""
	}
	return words.Fill(v.w.Config.Editing, strings.Join(who, ", "))
}
