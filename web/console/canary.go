package console

import (
	"strconv"
	"strings"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/fault"
	views "nacre/views/config"
	"nacre/views/parts"
	"nacre/views/words"
)

// maxVariantClients is how many clients of a variant the page names.
const maxVariantClients = 12

// canary shows the variants of a configuration: who sees each, and what is other in it. With live in the query it is asked only for the former.
func (v *visit) canary() error {
	k, err := v.key()
	if err != nil {
		return err
	}
	it := v.Configs.Item(k)
	m := views.Canary{Head: v.head(k, it, tabCanary)}
	if it == nil || len(it.Grays) == 0 {
		w := &v.w.Publish
		m.None = &parts.Empty{Title: w.CanaryNone, Text: w.CanaryNoneText, Href: pathEdit + keyQuery(k), Action: w.CanaryStart, Icon: "canary"}
		return v.render(views.CanaryPart(m))
	}
	rows := v.Nodes.OfConfig(v.c.UserContext(), k)
	for _, g := range it.Grays {
		m.Variants = append(m.Variants, v.variant(it, g, rows))
	}
	return v.render(views.CanaryPart(m))
}

func (v *visit) variant(it *config.Item, g *config.Gray, rows []delivery.Listening) views.Variant {
	w := &v.w.Publish
	id := strconv.FormatInt(g.ID, 10)
	m := views.Variant{
		ID: "canary-" + id, Heading: words.Fill(w.CanaryHeading, g.Name), Rule: v.ruleText(g.Rule), When: v.moment(g.ModifiedMs),
		By:     words.Fill(w.CanaryChanged, strconv.FormatUint(g.Revision, 10), v.who(g.SrcUser, g.SrcIP)),
		Change: pathEdit + keyQuery(g.Key, "gray", g.Name), Live: configURL(g.Key, tabCanary, "live", "1"),
	}
	sees := v.seenBy(&m, g.Name, rows)
	if v.c.Query("live") != "" {
		return m
	}
	newest, typ := g.Revision, config.TypeText
	all := side{Name: w.Nothing}
	if e := it.Formal; e != nil {
		newest, typ = max(newest, e.Revision), e.Type
		all = side{words.Fill(w.CanaryFormal, strconv.FormatUint(e.Revision, 10)), e.Content}
	} else {
		m.Only = w.CanaryOnly
	}
	m.Diff = v.difference(all, side{words.Fill(w.CanaryIs, g.Name), g.Content})
	if keys := v.keyDifference(typeBy(typ, g.Key, g.Content), all.Content, g.Content); keys != nil {
		m.KeySummary, m.Keys, m.MoreKeys = keys.Summary, keys.Rows, keys.More
	}
	hidden := append(keyFields(g.Key), [2]string{"gray", g.Name})
	m.Stop = parts.Confirm{
		ID: "stop-" + id, Title: w.StopTitle, Text: words.Fill(w.StopText, v.w.Number(int64(sees))), Action: pathStop, Button: w.Stop, Hidden: hidden, CSRF: v.csrf(), Words: &v.w.Parts,
	}
	m.Promote = parts.Confirm{
		ID: "promote-" + id, Title: w.PromoteTitle, Text: words.Fill(w.PromoteText, v.w.Number(int64(len(rows)))), Action: pathPromote, Button: w.Promote,
		Calm: true, Hidden: append(hidden, [2]string{"revision", strconv.FormatUint(newest, 10)}), CSRF: v.csrf(), Words: &v.w.Parts,
	}
	if v.protected(g.Key.Namespace) {
		m.Promote.Typed = v.namespaceName(g.Key.Namespace)
		m.Stop.Typed = m.Promote.Typed
	}
	return m
}

// seenBy tells which of those who listen see the variant name, and returns how many they are.
func (v *visit) seenBy(m *views.Variant, name string, rows []delivery.Listening) int {
	w := &v.w.Publish
	sees, inSync := 0, 0
	for _, r := range rows {
		if r.Gray != name {
			continue
		}
		sees++
		if r.State == delivery.InSync {
			inSync++
		}
		if len(m.Clients) < maxVariantClients {
			m.Clients = append(m.Clients, views.VariantClient{Text: r.Client.IP, Note: strings.TrimSpace(r.Client.App + " " + r.Client.SDK), State: v.variantState(r.State)})
		}
	}
	m.Sees = w.CanaryNobody
	if sees > 0 {
		m.Sees, m.Sync = words.Fill(w.CanarySees, v.w.Number(int64(sees))), v.syncState(inSync, sees)
	}
	if sees > len(m.Clients) {
		m.More = words.Fill(w.CanaryMore, v.w.Number(int64(sees-len(m.Clients))))
	}
	return sees
}

func (v *visit) variantState(s delivery.State) parts.State {
	w := &v.w.Parts
	switch s {
	case delivery.InSync:
		return parts.State{Kind: "good", Text: w.InSync}
	case delivery.Looping:
		return parts.State{Kind: "bad", Text: w.Looping}
	case delivery.NeverAcked:
		return parts.State{Kind: "bad", Text: w.NeverAcked}
	}
	return parts.State{Kind: "wait", Text: w.Behind}
}

// ruleText says for whom a variant is.
func (v *visit) ruleText(r config.Rule) string {
	w := &v.w.Publish
	switch r.Type {
	case config.RuleBeta:
		return words.Fill(w.CanaryFor, strings.ReplaceAll(r.Expr, ",", ", "))
	case config.RuleTag:
		return words.Fill(w.CanaryTag, r.Expr)
	}
	return words.Fill(w.CanaryOther, r.JSON())
}

// promote gives the content of a variant to all clients.
func (v *visit) promote() error {
	k, gray, back := v.variantForm()
	if back != nil {
		return back()
	}
	w := &v.w.Publish
	out, err := v.Configs.PromoteGray(v.c.UserContext(), v.actor(), k, gray, v.revision("revision"), config.Note{})
	switch {
	case fault.CodeOf(err) == config.CodeCAS:
		return v.doneWith(configURL(k, tabCanary), flash{Text: w.CanaryMoved, Bad: true})
	case fault.KindOf(err) == fault.NotFound:
		return v.doneWith(configURL(k, tabCanary), flash{Text: w.CanaryGone, Bad: true})
	case err != nil:
		return err
	}
	return v.done(configURL(k, tabClients, "published", strconv.FormatUint(out.Revision, 10)), words.Fill(w.Promoted, gray), "")
}

// stopCanary takes a variant away.
func (v *visit) stopCanary() error {
	k, gray, back := v.variantForm()
	if back != nil {
		return back()
	}
	w := &v.w.Publish
	out, err := v.Configs.Remove(v.c.UserContext(), v.actor(), k, gray, config.Note{})
	if err != nil {
		return err
	}
	if !out.Existed {
		return v.doneWith(configURL(k, tabCanary), flash{Text: w.CanaryGone, Bad: true})
	}
	return v.done(configURL(k, tabCanary), words.Fill(w.Stopped, gray), "")
}

// variantForm reads which variant a form is about; back, when not nil, answers a form that is not right.
func (v *visit) variantForm() (k config.Key, gray string, back func() error) {
	k, err := v.key()
	if err != nil {
		return k, "", func() error { return err }
	}
	gray = v.value("gray")
	switch w := &v.w.Publish; {
	case gray == "": // an empty name would be all of the configuration
		return k, "", func() error { return v.doneWith(configURL(k, tabCanary), flash{Text: w.CanaryGone, Bad: true}) }
	case !v.confirmed(k.Namespace):
		return k, "", func() error { return v.doneWith(configURL(k, tabCanary), flash{Text: w.TypedWrong, Bad: true}) }
	}
	return k, gray, nil
}
