package console

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
	"nacre/server/naming"
	"nacre/views/clients"
	"nacre/views/layout"
	"nacre/views/parts"
	views "nacre/views/services"
	"nacre/views/words"
)

// instance shows one instance.
func (v *visit) instance() error {
	k, id, err := v.instanceKey()
	if err != nil {
		return err
	}
	o := laidOf(v.Naming.State().Override(k, id))
	t := map[string]string{"metadata": jsonOf(o.metadata)}
	if o.enabled != nil {
		t["enabled"] = strconv.FormatBool(*o.enabled)
	}
	if o.weight != nil {
		t["weight"] = shortNumber(*o.weight)
	}
	return v.showInstance(fiber.StatusOK, k, id, t, nil)
}

func (v *visit) instanceKey() (k naming.Key, id naming.InstanceID, err error) {
	if k, err = v.serviceKey(); err == nil {
		id, err = instanceID(v.value)
	}
	return k, id, err
}

// showInstance shows an instance, with the form of what lies over it as typed.
func (v *visit) showInstance(status int, k naming.Key, id naming.InstanceID, typed map[string]string, wrong fieldErrors) error {
	w, why, name := &v.w.Services, v.Naming.Why(k, id), addressOf(id)
	crumbs := v.serviceCrumbs(k.Namespace, k.Group, name)
	m := views.One{
		Page: v.frame(name, pathServices), W: w, Name: name, Live: clients.Live{URL: v.here(), Pace: paceWarm},
		Crumbs:   slices.Insert(crumbs, len(crumbs)-1, parts.Crumb{Href: serviceURL(pathService, k), Text: k.Name}),
		Override: v.overrideForm(k, id, &why, typed, wrong), Last: w.NothingOver, Notes: v.notes(why.Notes),
	}
	button := func(do, text string) *views.Form {
		fields := serviceFields(k, [2]string{"row", rowOfInstance(id)}, [2]string{"do", do}, [2]string{"back", instanceURL(k, id)})
		return &views.Form{Action: pathInstances, CSRF: v.csrf(), Button: text, Hidden: fields}
	}
	m.Drain = *button(doDrain, w.DrainButton)
	m.Drain.Fields = []views.Part{
		{Field: parts.Field{Name: "over", Label: w.DrainOver, Value: strconv.Itoa(drainDefault), Type: "number"}},
		{Field: parts.Field{Name: "wait", Label: w.DrainWait, Value: "0", Type: "number"}},
	}
	if o := why.Override; o != nil {
		m.Last = v.whoWhen(w.ChangedBy, o.User, o.IP, o.AtMs)
		m.Back = button(doClear, w.OverrideBack)
		if note := v.draining(o); note != "" {
			m.StopDrain = button(doUndrain, w.DrainStop)
			m.States = append(m.States, parts.State{Kind: "wait", Text: note})
		}
	}
	if i := why.Shown; i == nil {
		m.States = append([]parts.State{{Kind: "off", Text: w.NotThere}}, m.States...)
		if why.GoneMs > 0 {
			m.States[0].Text = words.Fill(w.Gone, v.moment(why.GoneMs).When)
		} else if len(why.Notes) == 0 && why.Override == nil {
			m.States[0].Text = w.GoneUnknown
		}
		if status == fiber.StatusOK {
			status = fiber.StatusNotFound
		}
	} else {
		v.describeInstance(&m, k, &why)
		m.Toggle = button(doOffline, w.TakeOffline)
		if !i.Enabled {
			m.Toggle = button(doOnline, w.TakeOnline)
		}
		if p := v.persistent(k, i); p != nil {
			m.Remove = &parts.Confirm{
				ID: "remove", Title: w.RemoveTitle, Text: w.RemoveText, Action: pathInstanceRemove, Button: w.Remove, CSRF: v.csrf(), Words: &v.w.Parts,
				Hidden: serviceFields(k, [2]string{"ip", id.IP}, [2]string{"port", strconv.Itoa(id.Port)}, [2]string{"cluster", id.Cluster}),
			}
			if v.protected(k.Namespace) {
				m.Remove.Typed = v.namespaceName(k.Namespace)
			}
			if v.Naming.State().Cluster(k, id.Cluster).Checker.Type == naming.CheckNone {
				m.Mark = button(doUnhealthy, w.MarkUnhealthy)
				if !i.Healthy {
					m.Mark = button(doHealthy, w.MarkHealthy)
				}
			}
		}
	}
	v.c.Status(status)
	return v.render(views.OnePage(m))
}

// describeInstance says how an instance is that is there.
func (v *visit) describeInstance(m *views.One, k naming.Key, why *naming.Why) {
	w, i := &v.w.Services, why.Shown
	online := parts.State{Kind: "good", Text: w.Online}
	if !i.Enabled {
		online = parts.State{Kind: "off", Text: w.Offline}
	}
	m.States = append([]parts.State{v.healthOf(i), online}, m.States...)
	fact := func(name, value, title string) {
		if value != "" {
			m.Shown = append(m.Shown, parts.Fact{Name: name, Value: value, Title: title})
		}
	}
	weight := shortNumber(i.Weight)
	if why.Own != nil && why.Own.Weight != i.Weight {
		weight += " · " + words.Fill(w.WeightOwn, shortNumber(why.Own.Weight))
	}
	kind, hint := w.Persistent, w.PersistentHint
	if i.Ephemeral {
		kind, hint = w.Ephemeral, w.EphemeralHint
	}
	fact(w.Cluster, i.Cluster, "")
	fact(w.Weight, weight, "")
	fact(w.Kind, kind, hint)
	if i.Ephemeral {
		since, beat := v.lately(why.SinceMs), v.lately(why.LastBeatMs)
		fact(w.Since, since.When, since.At)
		fact(w.LastBeat, beat.When, beat.At)
		if b := naming.BeatsOf(i.Metadata); why.LastBeatMs > 0 {
			fact(w.Beats, words.Fill(w.BeatTimes, v.w.Number(b.IntervalMs), v.w.Number(b.TimeoutMs), v.w.Number(b.DeleteMs)), "")
		}
		m.Client = &clients.Where{Href: clientURL(why.ClientID), Name: why.ClientID}
		if c, ok := v.Naming.ClientOf(why.ClientID); ok {
			m.Client.Name = strings.TrimSpace(cmp.Or(c.Remote, c.ID) + " " + appName(c.App))
			fact(w.NodeOf, c.Node, "")
		}
	} else if p := v.persistent(k, i); p != nil {
		fact(w.RegisteredBy, v.who(p.User, p.IP), p.IP)
		at := v.lately(p.ModifiedMs)
		fact(w.Since, at.When, at.At)
		fact(w.Checker, v.checkerName(v.Naming.State().Cluster(k, i.Cluster).Checker.Type), "")
	}
	for _, id := range why.Others {
		m.Others = append(m.Others, clients.Where{Href: clientURL(id), Name: id})
	}
	for _, p := range i.Metadata {
		m.Metadata = append(m.Metadata, [2]string{p.Key, p.Value})
	}
}

// overrideForm is the form of what lies over an instance.
func (v *visit) overrideForm(k naming.Key, id naming.InstanceID, why *naming.Why, typed map[string]string, wrong fieldErrors) views.Form {
	w := &v.w.Services
	enabled, weight, metadata := w.AsRegistered, "", "{}"
	if own := why.Own; own != nil {
		weight, metadata = shortNumber(own.Weight), cmp.Or(jsonOf(own.Metadata), "{}")
		if enabled = words.Fill(w.AsRegisteredIs, w.Online); !own.Enabled {
			enabled = words.Fill(w.AsRegisteredIs, w.Offline)
		}
	}
	return views.Form{
		Action: pathInstance, Button: w.OverrideSave, CSRF: v.csrf(), Problem: wrong[""],
		Hidden: serviceFields(k, [2]string{"ip", id.IP}, [2]string{"port", strconv.Itoa(id.Port)}, [2]string{"cluster", id.Cluster}),
		Fields: []views.Part{
			{Field: parts.Field{Name: "enabled", Label: w.State}, Options: chosenOf(typed["enabled"], "", enabled, "true", w.Online, "false", w.Offline)},
			{Field: parts.Field{Name: "weight", Label: w.Weight, Value: typed["weight"], Hint: w.WeightHint, Error: wrong["weight"], Placeholder: weight}},
			{Field: parts.Field{Name: "metadata", Label: w.Metadata, Value: typed["metadata"], Hint: w.MetadataHint, Error: wrong["metadata"], Placeholder: metadata}, Rows: "5"},
		},
	}
}

// overrideInstance lays what was typed over an instance.
func (v *visit) overrideInstance() error {
	k, id, err := v.instanceKey()
	if err != nil {
		return err
	}
	value := func(name string) string { return v.c.FormValue(name) }
	want, wrong := v.laidIn(value)
	if len(wrong) == 0 {
		was := v.instanceUndo(k, id)
		if err = v.lay(k, id, want); err == nil {
			undo := []layout.Field{{Name: "ns", Value: k.Namespace}, {Name: "group", Value: k.Group}, {Name: "name", Value: k.Name}, {Name: "was", Value: was}, {Name: "back", Value: instanceURL(k, id)}}
			if len(was) > undoneMost {
				undo = nil
			}
			return v.done(instanceURL(k, id), words.Fill(v.w.Services.OverrideSaved, addressOf(id)), pathInstanceUndo, undo...)
		}
		if v.serviceRefused(err, wrong) == 0 {
			return err
		}
	}
	return v.showInstance(fiber.StatusBadRequest, k, id, map[string]string{"enabled": value("enabled"), "weight": value("weight"), "metadata": value("metadata")}, wrong)
}

// notes words what happened to an instance, the newest first.
func (v *visit) notes(all []naming.Note) (out []views.Note) {
	w := &v.w.Services
	for _, n := range slices.Backward(all) {
		note := views.Note{At: v.lately(n.AtMs), Clock: time.UnixMilli(n.AtMs).UTC().Format("15:04:05 UTC"), State: v.whatState(n.What), Detail: detailed(v.w, n.Detail)}
		if n.By != "" {
			note.By = words.Fill(w.By, n.By)
		}
		out = append(out, note)
	}
	return out
}

// detail is something that the registry says, with how it is worded.
type detail struct {
	said *regexp.Regexp
	text func(*words.InstanceDetails) string
}

// details are what the registry says of events, in the order in which they are tried; what stands in the brackets stays.
var details = []detail{
	{regexp.MustCompile(`^no heartbeat for (.+)$`), func(d *words.InstanceDetails) string { return d.NoBeat }},
	{regexp.MustCompile(`^connection closed: (.+)$`), func(d *words.InstanceDetails) string { return d.Closed }},
	{regexp.MustCompile(`^the connection ended$`), func(d *words.InstanceDetails) string { return d.ClosedEnded }},
	{regexp.MustCompile(`^deregistered$`), func(d *words.InstanceDetails) string { return d.Deregistered }},
	{regexp.MustCompile(`^as unhealthy$`), func(d *words.InstanceDetails) string { return d.AsUnhealthy }},
	{regexp.MustCompile(`^the client registered others in its place$`), func(d *words.InstanceDetails) string { return d.Replaced }},
	{regexp.MustCompile(`^drained: offline$`), func(d *words.InstanceDetails) string { return d.DrainedOffline }},
	{regexp.MustCompile(`^weight (.+)$`), func(d *words.InstanceDetails) string { return d.Weight }},
	{regexp.MustCompile(`^(\d+) keys of metadata$`), func(d *words.InstanceDetails) string { return d.Keys }},
	{regexp.MustCompile(`^drained within (.+)$`), func(d *words.InstanceDetails) string { return d.DrainedWithin }},
	{regexp.MustCompile(`^offline (.+) later$`), func(d *words.InstanceDetails) string { return d.OfflineLater }},
	{regexp.MustCompile(`^enabled true → false$`), func(d *words.InstanceDetails) string { return d.Disabled }},
	{regexp.MustCompile(`^enabled false → true$`), func(d *words.InstanceDetails) string { return d.Enabled }},
}

// detailed words what the registry says of an event: parts with commas between them, up to the first that is not known, as what
// follows is metadata.
func detailed(w *words.Words, text string) string {
	s := &w.Services
	said := strings.Split(text, ", ")
	for i, one := range said {
		switch one {
		case "online":
			said[i] = s.Online
			continue
		case "offline":
			said[i] = s.Offline
			continue
		}
		at := slices.IndexFunc(details, func(d detail) bool { return d.said.MatchString(one) })
		if at < 0 {
			break
		}
		said[i] = details[at].text(&s.Details)
		if m := details[at].said.FindStringSubmatch(one); len(m) > 1 {
			said[i] = words.Fill(said[i], detailed(w, m[1]))
		}
	}
	return strings.Join(said, ", ")
}

func (v *visit) whatState(what naming.What) parts.State {
	w := &v.w.Services.What
	switch what {
	case naming.Registered:
		return parts.State{Kind: "good", Text: w.Registered}
	case naming.Reregistered:
		return parts.State{Kind: "wait", Text: w.Reregistered}
	case naming.Unhealthy:
		return parts.State{Kind: "bad", Text: w.Unhealthy}
	case naming.Healthy:
		return parts.State{Kind: "good", Text: w.Healthy}
	case naming.Removed:
		return parts.State{Kind: "off", Text: w.Removed}
	case naming.Probed:
		return parts.State{Kind: "wait", Text: w.Probed}
	case naming.Overridden:
		return parts.State{Kind: "wait", Text: w.Overridden}
	}
	return parts.State{Kind: "good", Text: w.Uncovered}
}

func (v *visit) newInstance() error {
	s, ok, err := v.serviceOf()
	if !ok {
		return err
	}
	return v.showNewInstance(fiber.StatusOK, s.Key, func(string) string { return "" }, fieldErrors{})
}

func (v *visit) showNewInstance(status int, k naming.Key, typed func(string) string, wrong fieldErrors) error {
	w := &v.w.Services
	crumbs := v.serviceCrumbs(k.Namespace, k.Group, w.AddTitle)
	m := views.FormPage{
		Page: v.frame(w.AddTitle, pathServices), Title: w.AddTitle, Lead: w.AddText,
		Crumbs: slices.Insert(crumbs, len(crumbs)-1, parts.Crumb{Href: serviceURL(pathService, k), Text: k.Name}),
		Form: views.Form{
			Action: pathInstanceAdd, Button: w.AddButton, CSRF: v.csrf(), Hidden: serviceFields(k), Problem: wrong[""],
			Fields: []views.Part{
				{Field: parts.Field{Name: "ip", Label: w.Address, Value: typed("ip"), Error: wrong["ip"], Required: true, Autofocus: true, Placeholder: "10.0.0.1"}},
				{Field: parts.Field{Name: "port", Label: w.Port, Value: typed("port"), Error: wrong["port"], Required: true, Placeholder: "8080"}},
				{Field: parts.Field{Name: "cluster", Label: w.Cluster, Value: typed("cluster"), Hint: w.ClusterHint, Placeholder: "DEFAULT"}},
				{Field: parts.Field{Name: "weight", Label: w.Weight, Value: cmp.Or(typed("weight"), "1"), Error: wrong["weight"]}},
				{Field: parts.Field{Name: "metadata", Label: w.Metadata, Value: typed("metadata"), Hint: w.ServiceMetadataHint, Error: wrong["metadata"], Placeholder: "{}"}, Rows: "4"},
			},
		},
	}
	v.c.Status(status)
	return v.render(views.FormOnly(m))
}

// instanceIn reads a persistent instance.
func (v *visit) instanceIn(value func(string) string) (i naming.Instance, wrong fieldErrors) {
	over, wrong := v.laidIn(value)
	i = naming.Instance{IP: strings.TrimSpace(value("ip")), Cluster: strings.TrimSpace(value("cluster")), Weight: 1, Metadata: over.metadata, Healthy: true, Enabled: value("enabled") != "false"}
	if over.weight != nil {
		i.Weight = *over.weight
	}
	var err error
	if i.Port, err = strconv.Atoi(strings.TrimSpace(value("port"))); err != nil || i.Port < 0 || i.Port > 65535 {
		wrong["port"] = v.w.Services.PortBad
	}
	if i.IP == "" {
		wrong["ip"] = v.w.Services.IsNeeded
	}
	return i, wrong
}

func (v *visit) addInstance() error {
	k, err := v.serviceKey()
	if err != nil {
		return err
	}
	value := func(name string) string { return v.c.FormValue(name) }
	i, wrong := v.instanceIn(value)
	if len(wrong) == 0 {
		if err = v.Naming.RegisterPersistent(v.c.UserContext(), v.namingActor(), k, i); err == nil {
			return v.done(serviceURL(pathService, k), words.Fill(v.w.Services.Added, addressOf(i.Of())), "")
		}
		if v.serviceRefused(err, wrong) == 0 {
			return err
		}
	}
	return v.showNewInstance(fiber.StatusBadRequest, k, value, wrong)
}

// instanceWas reads the instance that a removal kept.
func (v *visit) instanceWas(text string) (naming.Instance, error) {
	q, err := url.ParseQuery(text)
	if err == nil {
		if i, wrong := v.instanceIn(q.Get); len(wrong) == 0 {
			return i, nil
		}
	}
	return naming.Instance{}, fault.New(fault.Invalid, "the form is broken")
}

func (v *visit) removeInstance() error {
	k, id, err := v.instanceKey()
	if err == nil {
		err = v.surely(k.Namespace)
	}
	if err != nil {
		return err
	}
	held := v.Naming.State().Persistent(k, id.IP, id.Port)
	existed := held != nil
	if existed {
		existed, err = v.Naming.DeregisterPersistent(v.c.UserContext(), v.namingActor(), k, id.IP, id.Port)
	}
	switch {
	case err != nil:
		return err
	case !existed:
		return fault.New(fault.NotFound, "there is no persistent instance %s", addressOf(id))
	}
	i := &held.Instance
	again := url.Values{"ip": {i.IP}, "port": {strconv.Itoa(i.Port)}, "cluster": {i.Cluster}, "weight": {shortNumber(i.Weight)}, "enabled": {strconv.FormatBool(i.Enabled)}, "metadata": {jsonOf(i.Metadata)}}.Encode()
	undo := []layout.Field{{Name: "ns", Value: k.Namespace}, {Name: "group", Value: k.Group}, {Name: "name", Value: k.Name}, {Name: "again", Value: again}}
	if len(again) > undoneMost {
		undo = nil
	}
	return v.done(serviceURL(pathService, k), words.Fill(v.w.Services.Removed, addressOf(id)), pathInstanceUndo, undo...)
}
