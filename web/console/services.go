package console

import (
	"cmp"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
	"nacre/server/naming"
	"nacre/server/resource"
	"nacre/views/clients"
	"nacre/views/parts"
	views "nacre/views/services"
	"nacre/views/words"
)

const (
	pathServices   = "/console/services"
	pathServiceNew = pathServices + "/new"
	pathService    = "/console/service"

	pathServiceSettings = pathService + "/settings"
	pathServiceCluster  = pathService + "/cluster"
	pathServiceDelete   = pathService + "/delete"
	pathSubscribers     = pathService + "/subscribers"
	pathInstances       = pathService + "/instances"
	pathInstanceAdd     = pathService + "/add"
	pathInstance        = "/console/instance"
	pathInstanceUndo    = pathInstance + "/undo"
	pathInstanceRemove  = pathInstance + "/remove"

	servicesPerPage = 100
)

// The choices of which services are shown.
const (
	showFilled    = "filled"
	showUnhealthy = "unhealthy"
)

func (p *pages) servicesRoutes(r fiber.Router) {
	r.Get(pathServices, p.signedIn((*visit).services))
	r.Get(pathServiceNew, p.signedIn((*visit).newService))
	r.Post(pathServiceNew, p.signedIn((*visit).addService))
	r.Get(pathService, p.signedIn((*visit).instances))
	r.Get(pathSubscribers, p.signedIn((*visit).subscribers))
	r.Get(pathServiceSettings, p.signedIn((*visit).serviceSettings))
	r.Post(pathServiceSettings, p.signedIn((*visit).saveService))
	r.Get(pathServiceCluster, p.signedIn((*visit).clusterSettings))
	r.Post(pathServiceCluster, p.signedIn((*visit).saveCluster))
	r.Post(pathServiceDelete, p.signedIn((*visit).deleteService))
	r.Post(pathInstances, p.signedIn((*visit).changeInstances))
	r.Get(pathInstanceAdd, p.signedIn((*visit).newInstance))
	r.Post(pathInstanceAdd, p.signedIn((*visit).addInstance))
	r.Get(pathInstance, p.signedIn((*visit).instance))
	r.Post(pathInstance, p.signedIn((*visit).overrideInstance))
	r.Post(pathInstanceUndo, p.signedIn((*visit).undoInstance))
	r.Post(pathInstanceRemove, p.signedIn((*visit).removeInstance))
}

// namingActor is who changes something of the registry by this request.
func (v *visit) namingActor() naming.Actor {
	a := v.actor()
	return naming.Actor{User: a.User, IP: a.IP}
}

// serviceKey reads which service a page or form is about. Fault: Invalid.
func (v *visit) serviceKey() (naming.Key, error) {
	k := naming.Key{Namespace: cmp.Or(v.value("ns"), resource.DefaultNamespace), Group: cmp.Or(v.value("group"), resource.DefaultGroup), Name: v.value("name")}
	v.ns = k.Namespace
	if err := resource.CheckServiceKey(k); err != nil {
		return k, fault.Wrap(fault.Invalid, err, "%s", err.Error()).WithCode(naming.CodeName)
	}
	return k, nil
}

// serviceURL returns the address of a part of a service's page, with more names and values.
func serviceURL(path string, k naming.Key, more ...string) string {
	q := url.Values{"ns": {k.Namespace}, "group": {k.Group}, "name": {k.Name}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return path + "?" + q.Encode()
}

func serviceFields(k naming.Key, more ...[2]string) [][2]string {
	return append([][2]string{{"ns", k.Namespace}, {"group", k.Group}, {"name", k.Name}}, more...)
}

func servicesURL(ns string) string { return pathServices + "?" + url.Values{"ns": {ns}}.Encode() }

// services lists the services of a namespace.
func (v *visit) services() error {
	w := &v.w.Services
	text, group, show, page := strings.TrimSpace(v.c.Query("text")), strings.TrimSpace(v.c.Query("group")), v.c.Query("show"), v.number("page", 1)
	f := naming.Filter{Namespace: v.ns, Group: group, HasInstances: show == showFilled, Unhealthy: show == showUnhealthy}
	if isAddress(text) {
		f.Address = text
	} else {
		f.Name = text
	}
	found, total := v.Naming.Catalog(f, page, servicesPerPage)
	q := url.Values{"ns": {v.ns}, "text": {text}, "group": {group}, "show": {show}}
	m := views.List{
		Page: v.frame(w.Title, pathServices), W: w, NewHref: pathServiceNew + "?" + url.Values{"ns": {v.ns}}.Encode(),
		Live: clients.Live{URL: v.here(), Pace: paceCalm}, Pager: v.onePage(pathServices, q, page, total),
		Filter: views.Filter{
			Action: pathServices, Hidden: [][2]string{{"ns", v.ns}}, Apply: v.w.Clients.Apply,
			Text: parts.Field{Name: "text", Label: w.Filter, Value: text}, Second: parts.Field{Name: "group", Label: w.FilterGroup, Value: group},
			Choices: []views.Choice{{Name: "show", Label: w.Show, Options: chosenOf(show, "", w.ShowAll, showFilled, w.OnlyFilled, showUnhealthy, w.OnlyUnhealthy)}},
		},
		Empty: parts.Empty{Icon: "services", Title: w.Empty, Text: w.EmptyText, Href: pathConnect + "?" + url.Values{"ns": {v.ns}}.Encode(), Action: w.EmptyAction},
	}
	if text+group+show != "" {
		m.Empty = parts.Empty{Icon: "search", Title: w.NoneFound, Text: w.NoneFoundText, Href: servicesURL(v.ns), Action: w.ShowEvery}
	}
	for i := range found {
		m.Rows = append(m.Rows, v.serviceRow(&found[i]))
	}
	return v.render(views.ListPage(m))
}

// isAddress reports whether a text is an IP, or one with a port.
func isAddress(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	_, err := netip.ParseAddrPort(text)
	return err == nil
}

// chosenOf returns options of values and texts.
func chosenOf(chosen string, valuesAndTexts ...string) (out []parts.Option) {
	for i := 0; i+1 < len(valuesAndTexts); i += 2 {
		out = append(out, parts.Option{Value: valuesAndTexts[i], Text: valuesAndTexts[i+1], Selected: valuesAndTexts[i] == chosen})
	}
	return out
}

func (v *visit) amount(n int) string { return v.w.Number(int64(n)) }

func (v *visit) serviceRow(s *naming.Summary) views.Row {
	w := &v.w.Services
	r := views.Row{
		Href: serviceURL(pathService, s.Key), Name: s.Key.Name, Group: s.Key.Group, State: v.serviceState(s), Protection: v.protection(s), Protected: s.Protected,
		Clusters: v.amount(s.Clusters), Subscribers: v.amount(s.Subscribers), SubscribersHref: serviceURL(pathSubscribers, s.Key),
	}
	r.Kind, r.KindHint = v.kindOf(s)
	if s.Disabled > 0 {
		r.Offline = words.Fill(w.Offlines, v.amount(s.Disabled))
	}
	return r
}

func (v *visit) kindOf(s *naming.Summary) (kind, hint string) {
	w := &v.w.Services
	if s.Ephemeral {
		return w.Ephemeral, w.EphemeralHint
	}
	return w.Persistent, w.PersistentHint
}

// serviceState words how many instances are healthy.
func (v *visit) serviceState(s *naming.Summary) parts.State {
	w := &v.w.Services
	if s.Instances == 0 {
		return parts.State{Kind: "off", Text: w.NoInstances}
	}
	state := parts.State{Kind: "good", Text: words.Fill(w.HealthyOf, v.amount(s.Healthy), v.amount(s.Instances))}
	switch {
	case s.Healthy == 0:
		state.Kind = "bad"
	case s.Healthy < s.Instances:
		state.Kind = "wait"
	case s.Disabled == s.Instances:
		state = parts.State{Kind: "off", Text: w.AllOffline}
	}
	return state
}

func (v *visit) protection(s *naming.Summary) string {
	if s.Described == nil || s.Described.ProtectThreshold <= 0 {
		return v.w.Services.NoThreshold
	}
	return words.Fill(v.w.Services.Threshold, shortNumber(s.Described.ProtectThreshold*100))
}

// shortNumber writes a number without digits that say nothing.
func shortNumber(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

func (v *visit) newService() error {
	return v.showNewService(fiber.StatusOK, naming.Key{Namespace: v.ns, Group: cmp.Or(v.c.Query("group"), resource.DefaultGroup), Name: v.c.Query("name")}, serviceTyped{ephemeral: true}, nil)
}

// serviceTyped are the fields of the forms of a service as they were filled in.
type serviceTyped struct {
	ephemeral                                 bool
	threshold, metadata, selector, expression string
}

func (v *visit) typedService() serviceTyped {
	return serviceTyped{
		ephemeral: v.c.FormValue("kind") != "persistent", threshold: strings.TrimSpace(v.c.FormValue("threshold")), metadata: v.c.FormValue("metadata"),
		selector: v.c.FormValue("selector"), expression: strings.TrimSpace(v.c.FormValue("expression")),
	}
}

// errors of a form, by the name of the field; that of "" stands above the form.
type fieldErrors map[string]string

func (v *visit) showNewService(status int, k naming.Key, t serviceTyped, wrong fieldErrors) error {
	w := &v.w.Services
	kind := "ephemeral"
	if !t.ephemeral {
		kind = "persistent"
	}
	m := views.FormPage{
		Page: v.frame(w.NewTitle, pathServices), Crumbs: v.serviceCrumbs(k.Namespace, "", w.NewTitle), Title: w.NewTitle,
		Form: views.Form{
			Action: pathServiceNew, Button: w.Create, CSRF: v.csrf(), Hidden: [][2]string{{"ns", k.Namespace}}, Problem: wrong[""],
			Fields: append([]views.Part{
				{Field: parts.Field{Name: "name", Label: w.Name, Value: k.Name, Hint: w.NameHint, Error: wrong["name"], Required: true, MaxLength: "512", Autofocus: true}},
				{Field: parts.Field{Name: "group", Label: w.Group, Value: k.Group, Hint: w.GroupHint, Error: wrong["group"], Required: true, MaxLength: "128"}},
				{Field: parts.Field{Name: "kind", Label: w.KindLabel}, Options: chosenOf(kind, "ephemeral", w.Ephemeral+": "+w.EphemeralHint, "persistent", w.Persistent+": "+w.PersistentHint)},
			}, v.serviceParts(t, wrong)...),
		},
	}
	v.c.Status(status)
	return v.render(views.FormOnly(m))
}

// serviceParts are the fields of what is described of a service.
func (v *visit) serviceParts(t serviceTyped, wrong fieldErrors) []views.Part {
	w := &v.w.Services
	return []views.Part{
		{Field: parts.Field{Name: "threshold", Label: w.ThresholdLabel, Value: cmp.Or(t.threshold, "0"), Hint: w.ThresholdHint, Error: wrong["threshold"], Type: "text"}},
		{Field: parts.Field{Name: "metadata", Label: w.Metadata, Value: t.metadata, Hint: w.ServiceMetadataHint, Error: wrong["metadata"], Placeholder: "{}"}, Rows: "4"},
		{Field: parts.Field{Name: "selector", Label: w.Selector}, Options: chosenOf(t.selector, naming.SelectorNone, w.SelectorNone, naming.SelectorLabel, w.SelectorLabel)},
		{Field: parts.Field{Name: "expression", Label: w.Expression, Value: t.expression, Hint: w.SelectorHint, Error: wrong["expression"]}},
	}
}

// described reads what was typed of a service.
func (v *visit) described(k naming.Key, t serviceTyped) (naming.Service, fieldErrors) {
	w, wrong := &v.w.Services, fieldErrors{}
	d := naming.Service{Key: k, Ephemeral: t.ephemeral, Selector: naming.Selector{Type: naming.SelectorNone}}
	var err error
	if d.ProtectThreshold, err = strconv.ParseFloat(cmp.Or(t.threshold, "0"), 64); err != nil || !(d.ProtectThreshold >= 0 && d.ProtectThreshold <= 1) {
		wrong["threshold"] = w.ThresholdBad
	}
	d.Metadata, wrong = v.metadataOf(t.metadata, wrong)
	if t.selector == naming.SelectorLabel {
		d.Selector = naming.Selector{Type: naming.SelectorLabel, Expression: t.expression}
		if _, err := d.Selector.Labels(); err != nil {
			wrong["expression"] = w.SelectorBad
		}
	}
	return d, wrong
}

// serviceRefused puts a fault where it belongs in a form; status is 0 when it belongs nowhere there.
func (v *visit) serviceRefused(err error, wrong fieldErrors) (status int) {
	w := &v.w.Services
	switch fault.CodeOf(err) {
	case naming.CodeServiceExists:
		wrong["name"] = w.Exists
		return fiber.StatusConflict
	case naming.CodeWeight:
		wrong["weight"] = w.WeightBad
	case naming.CodePort:
		wrong["port"] = w.PortBad
	case naming.CodeKind:
		wrong[""] = w.WrongKind
	case naming.CodeMetadata:
		wrong["metadata"] = words.Fill(w.MetadataLong, v.amount(v.Naming.MaxMetadata()))
	case naming.CodeName, naming.CodeCluster, naming.CodeBeats, naming.CodeSelector, naming.CodeLimit:
		wrong[""] = v.say(err)
	default:
		return 0
	}
	return fiber.StatusBadRequest
}

func (v *visit) addService() error {
	k, err := v.serviceKey()
	t := v.typedService()
	d, wrong := v.described(k, t)
	if err != nil {
		wrong["name"] = v.w.Services.BadName
	}
	if len(wrong) > 0 {
		return v.showNewService(fiber.StatusBadRequest, k, t, wrong)
	}
	if err := v.Naming.CreateService(v.c.UserContext(), v.namingActor(), d); err != nil {
		if status := v.serviceRefused(err, wrong); status != 0 {
			return v.showNewService(status, k, t, wrong)
		}
		return err
	}
	return v.done(serviceURL(pathService, k), words.Fill(v.w.Services.Created, k.Name), "")
}

// servicesLike returns the services of all namespaces whose name has text in it.
func (v *visit) servicesLike(text string) (list []foundEntry) {
	ids := []string{v.ns, resource.DefaultNamespace}
	for _, n := range v.Namespaces.All() {
		ids = append(ids, n.ID)
	}
	var found []naming.Summary
	for i, id := range ids {
		if len(found) < maxFound && !slices.Contains(ids[:min(i, 2)], id) { // the first two are perhaps the same, or among the others
			more, _ := v.Naming.Catalog(naming.Filter{Namespace: id, Name: text}, 1, maxFound-len(found))
			found = append(found, more...)
		}
	}
	for i := range found {
		k := found[i].Key
		list = append(list, foundEntry{Text: k.Name, Where: k.Group + " · " + v.namespaceName(k.Namespace), Href: serviceURL(pathService, k)})
	}
	return list
}
