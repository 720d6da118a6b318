package console

import (
	"cmp"
	"encoding/json"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
	"nacre/server/naming"
	"nacre/server/view"
	"nacre/views/clients"
	"nacre/views/parts"
	views "nacre/views/services"
	"nacre/views/words"
)

// serviceCrumbs is the way to a page of a service; last is what it ends with.
func (v *visit) serviceCrumbs(ns, group, last string) []parts.Crumb {
	crumbs := []parts.Crumb{{Href: servicesURL(ns), Text: v.namespaceName(ns)}}
	if group != "" {
		crumbs = append(crumbs, parts.Crumb{Href: pathServices + "?" + url.Values{"ns": {ns}, "group": {group}}.Encode(), Text: group})
	}
	return append(crumbs, parts.Crumb{Text: last})
}

// serviceOf reads which service a page is about and what there is to say of it; ok is false when the page that it is not there was answered.
func (v *visit) serviceOf() (s naming.Summary, ok bool, err error) {
	k, err := v.serviceKey()
	if err != nil {
		return s, false, err
	}
	if s, ok = v.Naming.Summary(k); ok {
		return s, true, nil
	}
	w := &v.w.Services
	v.c.Status(fiber.StatusNotFound)
	return s, false, v.render(views.AbsentPage(views.Absent{
		Page: v.frame(w.Absent, pathServices), Crumbs: v.serviceCrumbs(k.Namespace, k.Group, k.Name), Name: k.Name,
		Empty: parts.Empty{Icon: "services", Title: w.Absent, Text: w.AbsentText, Href: serviceURL(pathServiceNew, k), Action: w.AbsentAction},
	}))
}

// serviceHead is what stands above the part at path of a service's page.
func (v *visit) serviceHead(s *naming.Summary, path string) views.Head {
	w, k := &v.w.Services, s.Key
	kind, _ := v.kindOf(s)
	h := views.Head{
		Page: v.frame(k.Name, pathServices), W: w, Name: k.Name, Crumbs: v.serviceCrumbs(k.Namespace, k.Group, k.Name), State: v.serviceState(s), Chips: []string{kind},
		Tabs: []parts.Tab{
			{Text: w.TabInstances, Href: serviceURL(pathService, k), Count: v.amount(s.Instances), Current: path == pathService},
			{Text: w.TabSubscribers, Href: serviceURL(pathSubscribers, k), Count: v.amount(s.Subscribers), Key: "l", Current: path == pathSubscribers},
			{Text: w.TabSettings, Href: serviceURL(pathServiceSettings, k), Key: "e", Current: path == pathServiceSettings},
		},
	}
	if s.Disabled > 0 {
		h.Chips = append(h.Chips, words.Fill(w.Offlines, v.amount(s.Disabled)))
	}
	if s.Protected {
		h.Protected = w.ProtectedText
	}
	if !s.Ephemeral || s.Instances == 0 {
		h.AddHref = serviceURL(pathInstanceAdd, k)
	}
	if s.Instances == 0 {
		h.Delete = &parts.Confirm{
			ID: "delete", Title: w.DeleteTitle, Text: w.DeleteText, Action: pathServiceDelete, Button: v.w.Parts.Delete, Hidden: serviceFields(k), CSRF: v.csrf(), Words: &v.w.Parts,
		}
		if v.protected(k.Namespace) {
			h.Delete.Typed = v.namespaceName(k.Namespace)
		}
	}
	return h
}

// surely returns a fault unless a person typed the name of a namespace where that is asked for. Fault: Invalid.
func (v *visit) surely(ns string) error {
	if !v.confirmed(ns) {
		return fault.New(fault.Invalid, "%s", words.Fill(v.w.Parts.TypeToConfirm, v.namespaceName(ns)))
	}
	return nil
}

func (v *visit) deleteService() error {
	k, err := v.serviceKey()
	if err == nil {
		err = v.surely(k.Namespace)
	}
	if err == nil {
		err = v.Naming.RemoveService(v.c.UserContext(), v.namingActor(), k)
	}
	if err != nil {
		return err
	}
	return v.done(servicesURL(k.Namespace), words.Fill(v.w.Services.Deleted, k.Name), "")
}

// subscribers shows who wants to know of a service.
func (v *visit) subscribers() error {
	s, ok, err := v.serviceOf()
	if !ok {
		return err
	}
	w := &v.w.Services
	text, page := strings.TrimSpace(v.c.Query("text")), v.number("page", 1)
	all, gone := v.Nodes.Subscribers(v.c.UserContext(), s.Key)
	shown := slices.DeleteFunc(slices.Clone(all), func(x view.Subscriber) bool {
		return !mentions(text, x.Client.ID, x.Client.Remote, x.Client.IP, x.Client.App, x.Client.SDK)
	})
	q := url.Values{"ns": {s.Key.Namespace}, "group": {s.Key.Group}, "name": {s.Key.Name}, "text": {text}}
	m := views.Subscribers{
		Head: v.serviceHead(&s, pathSubscribers), C: &v.w.Clients, Live: clients.Live{URL: v.here(), Pace: paceWarm, Also: "#service-state", Absent: v.silent(gone)}, Pager: v.onePage(pathSubscribers, q, page, len(shown)),
		Filter: views.Filter{Action: pathSubscribers, Hidden: serviceFields(s.Key), Apply: v.w.Clients.Apply, Text: parts.Field{Name: "text", Label: v.w.Clients.Filter, Value: text}},
		Empty:  parts.Empty{Icon: "clients", Title: w.None, Text: w.NoneText, Href: pathConnect, Action: w.EmptyAction},
	}
	if len(all) > 0 {
		m.Empty = parts.Empty{Icon: "search", Title: v.w.Clients.NoneFound, Text: v.w.Clients.NoneFoundText, Href: serviceURL(pathSubscribers, s.Key), Action: v.w.Clients.ShowAll}
	}
	for _, x := range pageOf(shown, page) {
		row := views.Subscriber{Who: v.whoSubscribes(&x), State: v.subscriberState(&x.Subscriber), Clusters: cmp.Or(x.Clusters, w.AllClusters), Push: v.lately(x.PushedMs), Ack: v.lately(x.AckedMs)}
		if !x.InSync && x.Attempts > 1 {
			row.Note = words.Fill(v.w.Clients.Attempts, v.amount(x.Attempts))
		}
		m.Rows = append(m.Rows, row)
	}
	return v.render(views.SubscribersPage(m))
}

// mentions reports whether one of the texts has what is looked for in it, in whatever case.
func mentions(text string, in ...string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(in, func(s string) bool { return strings.Contains(strings.ToLower(s), text) })
}

// pageOf returns the rows of a page, which counts from 1.
func pageOf[T any](all []T, page int) []T {
	from := min((page-1)*clientsPerPage, len(all))
	return all[from:min(from+clientsPerPage, len(all))]
}

func (v *visit) whoSubscribes(x *view.Subscriber) clients.Who {
	who := v.whoRegisters(&x.Client)
	who.Node, who.Href = v.nodeOf(x.Node), v.clientURLAt(x.Client.ID, x.Node)
	who.Since = v.lately(x.SinceMs)
	return who
}

// whoRegisters is a client of the registry as a row shows it.
func (v *visit) whoRegisters(c *naming.Client) clients.Who {
	w := &v.w.Clients
	who := clients.Who{
		ID: c.ID, Href: clientURL(c.ID), Name: cmp.Or(c.Remote, net.JoinHostPort(c.IP, strconv.Itoa(c.Port))), App: cmp.Or(appName(c.App), w.NoApp), SDK: c.SDK, Since: v.lately(c.ConnectedMs), Transport: v.transportOf(c.Kind),
	}
	if host := hostOf(c.Remote); c.Remote != "" && host != c.IP {
		who.Claims = c.IP
	}
	return who
}

func (v *visit) transportOf(kind naming.ClientKind) string {
	switch kind {
	case naming.Beating:
		return v.w.Services.ClientBeats
	case naming.Lasting:
		return v.w.Services.ClientLasting
	case naming.Datagram:
		return v.w.Services.ClientUDP
	}
	return v.w.Clients.GRPC
}

func (v *visit) subscriberState(x *naming.Subscriber) parts.State {
	if x.InSync {
		return parts.State{Kind: "good", Text: v.w.Parts.InSync}
	}
	return parts.State{Kind: "wait", Text: v.w.Parts.Behind}
}

// whoWhen words who changed something and when.
func (v *visit) whoWhen(text, user, ip string, ms int64) string {
	return words.Fill(text, v.who(user, ip), v.moment(ms).When)
}

func (v *visit) serviceSettings() error {
	s, ok, err := v.serviceOf()
	if !ok {
		return err
	}
	t := serviceTyped{selector: naming.SelectorNone}
	if d := s.Described; d != nil {
		t = serviceTyped{threshold: shortNumber(d.ProtectThreshold), metadata: jsonOf(d.Metadata), selector: cmp.Or(d.Selector.Type, naming.SelectorNone), expression: d.Selector.Expression}
	}
	return v.showSettings(fiber.StatusOK, &s, t, nil)
}

func (v *visit) showSettings(status int, s *naming.Summary, t serviceTyped, wrong fieldErrors) error {
	w := &v.w.Services
	m := views.Settings{
		Head: v.serviceHead(s, pathServiceSettings), New: serviceURL(pathServiceCluster, s.Key), Note: w.ClustersText,
		Form: views.Form{Action: pathServiceSettings, Button: v.w.Parts.Save, CSRF: v.csrf(), Hidden: serviceFields(s.Key), Problem: wrong[""], Fields: v.serviceParts(t, wrong)},
	}
	if s.Ephemeral {
		m.Note = w.EphemeralChecks
	}
	if d := s.Described; d != nil {
		m.Described = v.whoWhen(w.Described, d.User, d.IP, d.ModifiedMs)
	}
	for _, c := range v.Naming.Clusters(s.Key) {
		m.Clusters = append(m.Clusters, views.ClusterRow{Href: serviceURL(pathServiceCluster, s.Key, "cluster", c.Name), Name: c.Name, Checker: v.checkerName(c.Checker.Type), Edit: v.w.Parts.Edit + ": " + c.Name})
	}
	v.c.Status(status)
	return v.render(views.SettingsPage(m))
}

func (v *visit) saveService() error {
	s, ok, err := v.serviceOf()
	if !ok {
		return err
	}
	t := v.typedService()
	d, wrong := v.described(s.Key, t)
	if len(wrong) == 0 {
		err := v.Naming.UpdateService(v.c.UserContext(), v.namingActor(), d)
		if err == nil {
			return v.done(serviceURL(pathServiceSettings, s.Key), v.w.Services.Saved, "")
		}
		if status := v.serviceRefused(err, wrong); status == 0 {
			return err
		}
	}
	return v.showSettings(fiber.StatusBadRequest, &s, t, wrong)
}

// metadataOf reads a JSON object of texts, "" as none. What is wrong is put among the errors.
func (v *visit) metadataOf(text string, wrong fieldErrors) (naming.Metadata, fieldErrors) {
	if strings.TrimSpace(text) == "" {
		return nil, wrong
	}
	held := map[string]string{}
	var read map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	bad := d.Decode(&read) != nil || d.More() || read == nil
	for k, x := range read {
		switch x := x.(type) {
		case string:
			held[k] = x
		case json.Number:
			held[k] = x.String()
		case bool:
			held[k] = strconv.FormatBool(x)
		default:
			bad = true
		}
	}
	if bad {
		wrong["metadata"] = v.w.Services.MetadataBad
		return nil, wrong
	}
	m := naming.MetadataOf(held)
	if naming.CheckMetadata(m, v.Naming.MaxMetadata()) != nil {
		wrong["metadata"] = words.Fill(v.w.Services.MetadataLong, v.amount(v.Naming.MaxMetadata()))
	}
	return m, wrong
}

// jsonOf writes metadata as a person reads it, "" for none.
func jsonOf(m naming.Metadata) string {
	if len(m) == 0 {
		return ""
	}
	b := &strings.Builder{}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(m.Map()) // a map of texts always has a JSON
	return strings.TrimSpace(b.String())
}

func (v *visit) checkers() [][2]string {
	w := &v.w.Services
	return [][2]string{{naming.CheckTCP, w.CheckTCP}, {naming.CheckHTTP, w.CheckHTTP}, {naming.CheckMySQL, w.CheckMySQL}, {naming.CheckGRPC, w.CheckGRPC}, {naming.CheckNone, w.CheckNone}}
}

func (v *visit) checkerName(kind string) string {
	for _, c := range v.checkers() {
		if c[0] == kind {
			return c[1]
		}
	}
	return kind
}

func (v *visit) clusterSettings() error {
	s, ok, err := v.serviceOf()
	if !ok {
		return err
	}
	c := naming.DefaultClusterOf(s.Key, v.c.Query("cluster"))
	if c.Name != "" {
		c = v.Naming.State().Cluster(s.Key, c.Name)
	}
	return v.showCluster(fiber.StatusOK, *c, c.Name != "", jsonOf(c.Metadata), nil)
}

// showCluster shows the form of a cluster; its name can be changed where it is not fixed.
func (v *visit) showCluster(status int, c naming.Cluster, fixed bool, metadata string, wrong fieldErrors) error {
	w := &v.w.Services
	kinds := make([]string, 0, 10)
	for _, k := range v.checkers() {
		kinds = append(kinds, k[0], k[1])
	}
	title := w.NewCluster
	name := parts.Field{Name: "cluster", Label: w.Cluster, Value: c.Name, Hint: w.ClusterHint, Error: wrong["cluster"], MaxLength: "64", ReadOnly: fixed}
	if fixed {
		title, name.Hint = words.Fill(w.ClusterOf, c.Name), ""
	}
	expected, port := "", ""
	if c.Checker.Expected != 0 {
		expected = strconv.Itoa(c.Checker.Expected)
	}
	if c.CheckPort != 0 {
		port = strconv.Itoa(c.CheckPort)
	}
	crumbs := v.serviceCrumbs(c.Key.Namespace, c.Key.Group, title)
	crumbs = slices.Insert(crumbs, len(crumbs)-1, parts.Crumb{Href: serviceURL(pathServiceSettings, c.Key), Text: c.Key.Name})
	m := views.FormPage{
		Page: v.frame(title, pathServices), Crumbs: crumbs, Title: title, Lead: w.ClustersText,
		Form: views.Form{
			Action: pathServiceCluster, Button: v.w.Parts.Save, CSRF: v.csrf(), Hidden: serviceFields(c.Key), Problem: wrong[""],
			Fields: []views.Part{
				{Field: name},
				{Field: parts.Field{Name: "checker", Label: w.Checker}, Options: chosenOf(c.Checker.Type, kinds...)},
				{Field: parts.Field{Name: "ownPort", Label: w.UseInstancePort}, Check: true, Checked: c.UseInstancePort},
				{Field: parts.Field{Name: "port", Label: w.CheckPort, Value: port, Hint: w.CheckPortHint, Error: wrong["port"]}},
				{Title: w.HTTPFields, Only: "http"},
				{Field: parts.Field{Name: "path", Label: w.CheckPath, Value: c.Checker.Path, Placeholder: "/health"}, Only: "http"},
				{Field: parts.Field{Name: "headers", Label: w.CheckHeaders, Value: c.Checker.Headers, Hint: w.CheckHeadersHint}, Only: "http"},
				{Field: parts.Field{Name: "expected", Label: w.CheckExpected, Value: expected, Placeholder: "200"}, Only: "http"},
				{Title: w.MySQLFields, Only: "mysql"},
				{Field: parts.Field{Name: "user", Label: w.CheckUser, Value: c.Checker.User, Autocomplete: "off"}, Only: "mysql"},
				{Field: parts.Field{Name: "password", Label: w.CheckPassword, Type: "password", Hint: w.CheckPasswordHint, Autocomplete: "new-password"}, Only: "mysql"},
				{Field: parts.Field{Name: "command", Label: w.CheckCommand, Value: c.Checker.Command, Placeholder: "SELECT 1"}, Only: "mysql"},
				{Field: parts.Field{Name: "metadata", Label: w.Metadata, Value: metadata, Hint: w.ServiceMetadataHint, Error: wrong["metadata"], Placeholder: "{}"}, Rows: "3"},
			},
		},
	}
	v.c.Status(status)
	return v.render(views.FormOnly(m))
}

func (v *visit) saveCluster() error {
	s, ok, err := v.serviceOf()
	if !ok {
		return err
	}
	typed := func(name string) string { return strings.TrimSpace(v.c.FormValue(name)) }
	c := naming.Cluster{Key: s.Key, Name: cmp.Or(typed("cluster"), "DEFAULT"), UseInstancePort: v.c.FormValue("ownPort") == "true"}
	wrong := fieldErrors{}
	if c.CheckPort, err = strconv.Atoi(cmp.Or(typed("port"), "0")); err != nil || c.CheckPort < 0 || c.CheckPort > 65535 {
		wrong["port"] = v.w.Services.PortBad
	}
	c.Metadata, wrong = v.metadataOf(v.c.FormValue("metadata"), wrong)
	held := v.Naming.State().Cluster(s.Key, c.Name)
	c.Checker = naming.Checker{Type: typed("checker")}
	switch c.Checker.Type {
	case naming.CheckHTTP:
		c.Checker.Path, c.Checker.Headers = typed("path"), typed("headers")
		c.Checker.Expected, _ = strconv.Atoi(typed("expected")) // 0 is the default
	case naming.CheckMySQL:
		c.Checker.User, c.Checker.Password, c.Checker.Command = typed("user"), cmp.Or(v.c.FormValue("password"), held.Checker.Password), typed("command")
	}
	if len(wrong) == 0 {
		if err = v.Naming.SetCluster(v.c.UserContext(), v.namingActor(), c); err == nil {
			return v.done(serviceURL(pathServiceSettings, s.Key), words.Fill(v.w.Services.ClusterSaved, c.Name), "")
		}
		if status := v.serviceRefused(err, wrong); status == 0 {
			return err
		}
	}
	return v.showCluster(fiber.StatusBadRequest, c, false, v.c.FormValue("metadata"), wrong)
}
