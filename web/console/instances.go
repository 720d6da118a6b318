package console

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"nacre/server/fault"
	"nacre/server/naming"
	"nacre/views/clients"
	"nacre/views/layout"
	"nacre/views/parts"
	views "nacre/views/services"
	"nacre/views/words"
)

// The choices of which instances are shown.
const (
	onlyHealthy    = "healthy"
	onlyUnhealthy  = "unhealthy"
	onlyOffline    = "offline"
	onlyOverridden = "overridden"
)

// What can be done with instances.
const (
	doOffline   = "offline"
	doOnline    = "online"
	doClear     = "clear"
	doDrain     = "drain"
	doUndrain   = "undrain"
	doHealthy   = "healthy"
	doUnhealthy = "unhealthy"
)

const (
	// metadataShown is how many keys of an instance's metadata a row has.
	metadataShown = 4
	// drainDefault is within how many seconds an instance is drained unless one says otherwise.
	drainDefault = 60
	// clientsNamed is the number of instances of a service up to which rows say more of who registered them than an id.
	clientsNamed = 5_000
	// undoneMost bounds the bytes of what a toast carries to take something back.
	undoneMost = 2_000
)

func instanceURL(k naming.Key, id naming.InstanceID) string {
	return serviceURL(pathInstance, k, "ip", id.IP, "port", strconv.Itoa(id.Port), "cluster", id.Cluster)
}

// rowOfInstance names an instance in a form.
func rowOfInstance(id naming.InstanceID) string {
	return url.Values{"ip": {id.IP}, "port": {strconv.Itoa(id.Port)}, "cluster": {id.Cluster}}.Encode()
}

// instanceID reads which instance is meant. Fault: Invalid.
func instanceID(value func(string) string) (naming.InstanceID, error) {
	port, err := strconv.Atoi(value("port"))
	id := naming.InstanceID{IP: value("ip"), Port: port, Cluster: cmp.Or(value("cluster"), "DEFAULT")}
	if err != nil || id.IP == "" {
		return id, fault.New(fault.Invalid, "an instance is named by its address and its port")
	}
	return id, naming.CheckInstance(&naming.Instance{IP: id.IP, Port: id.Port, Cluster: id.Cluster}, 0)
}

// instances shows the instances of a service.
func (v *visit) instances() error {
	s, ok, err := v.serviceOf()
	if !ok {
		return err
	}
	w, k := &v.w.Services, s.Key
	text, cluster, state, page := strings.TrimSpace(v.c.Query("text")), v.c.Query("cluster"), v.c.Query("state"), v.number("page", 1)
	all := v.Naming.Instances(k, "")
	laid := map[naming.InstanceID]*naming.Override{}
	for _, o := range v.Naming.State().Overrides(k) {
		laid[o.Of] = o
	}
	clusters := []string{"", w.AllClusters}
	for _, c := range v.Naming.Clusters(k) {
		clusters = append(clusters, c.Name, c.Name)
	}
	shown := slices.DeleteFunc(slices.Clone(all), func(i *naming.Instance) bool {
		return cluster != "" && i.Cluster != cluster || !inState(i, state, laid[i.Of()]) || !instanceMentions(i, text)
	})
	slices.SortStableFunc(shown, func(a, b *naming.Instance) int { return strings.Compare(a.Cluster, b.Cluster) })
	q := url.Values{"ns": {k.Namespace}, "group": {k.Group}, "name": {k.Name}, "text": {text}, "cluster": {cluster}, "state": {state}}
	m := views.Instances{
		Head: v.serviceHead(&s, pathService), Live: clients.Live{URL: v.here(), Pace: paceWarm, Also: "#service-state"}, Pager: v.onePage(pathService, q, page, len(shown)),
		Action: pathInstances, Hidden: serviceFields(k, [2]string{"back", v.here()}), Over: strconv.Itoa(drainDefault),
		Filter: views.Filter{
			Action: pathService, Hidden: serviceFields(k), Apply: v.w.Clients.Apply, Text: parts.Field{Name: "text", Label: w.FilterInstances, Value: text},
			Choices: []views.Choice{
				{Name: "cluster", Label: w.Cluster, Options: chosenOf(cluster, clusters...)},
				{Name: "state", Label: w.State, Options: chosenOf(state, "", w.AnyState, onlyHealthy, w.Healthy, onlyUnhealthy, w.Unhealthy, onlyOffline, w.Offline, onlyOverridden, w.Overridden)},
			},
		},
		Empty: parts.Empty{Icon: "services", Title: w.NoInstanceYet, Text: w.NoInstanceYetText, Href: pathConnect, Action: w.EmptyAction},
	}
	if len(all) > 0 {
		m.Empty = parts.Empty{Icon: "search", Title: w.NoInstanceFound, Text: w.NoInstanceFoundText, Href: serviceURL(pathService, k), Action: w.ShowEvery}
	}
	m.Clusters = v.byCluster(k, pageOf(shown, page), all)
	return v.render(views.InstancesPage(m))
}

func inState(i *naming.Instance, state string, o *naming.Override) bool {
	switch state {
	case onlyHealthy:
		return i.Healthy
	case onlyUnhealthy:
		return !i.Healthy
	case onlyOffline:
		return !i.Enabled
	case onlyOverridden:
		return o != nil
	}
	return true
}

func instanceMentions(i *naming.Instance, text string) bool {
	return text == "" || mentions(text, i.Of().String()) || slices.ContainsFunc(i.Metadata, func(p naming.Pair) bool { return mentions(text, p.Key+"="+p.Value) })
}

// byCluster words the instances of a page, which are in the order of their clusters; all are those of the service.
func (v *visit) byCluster(k naming.Key, rows, all []*naming.Instance) (out []views.Cluster) {
	w := &v.w.Services
	healthy, total := map[string]int{}, map[string]int{}
	for _, i := range all {
		total[i.Cluster]++
		if i.Healthy {
			healthy[i.Cluster]++
		}
	}
	named := map[string]*naming.Client{}
	if len(all) <= clientsNamed {
		for _, p := range v.Naming.Publishers(k) {
			named[p.Client.ID] = &p.Client
		}
	}
	for n, i := range rows {
		if n == 0 || rows[n-1].Cluster != i.Cluster {
			out = append(out, views.Cluster{
				ID: "cluster-" + strconv.Itoa(len(out)), Title: words.Fill(w.ClusterOf, i.Cluster), Href: serviceURL(pathServiceCluster, k, "cluster", i.Cluster),
				Note: words.Fill(w.HealthyOf, v.amount(healthy[i.Cluster]), v.amount(total[i.Cluster])),
			})
		}
		at := &out[len(out)-1]
		at.Instances = append(at.Instances, v.instanceRow(k, i, named))
	}
	return out
}

func (v *visit) instanceRow(k naming.Key, i *naming.Instance, named map[string]*naming.Client) views.Instance {
	w, id := &v.w.Services, i.Of()
	why := v.Naming.Why(k, id)
	name := addressOf(id)
	r := views.Instance{
		Row: rowOfInstance(id), Href: instanceURL(k, id), Name: name, SelectLabel: words.Fill(v.w.Parts.SelectRow, name), Health: v.healthOf(i), Weight: shortNumber(i.Weight),
		Since: v.lately(why.SinceMs), Beat: v.lately(why.LastBeatMs), Do: doOffline, Button: w.TakeOffline, Label: words.Fill(w.TakeOfflineOf, name),
	}
	if !i.Enabled {
		r.Offline = parts.State{Kind: "off", Text: w.Offline}
		r.Do, r.Button, r.Label = doOnline, w.TakeOnline, words.Fill(w.TakeOnlineOf, name)
	}
	if why.Own != nil && why.Own.Weight != i.Weight {
		r.WeightOwn = words.Fill(w.WeightOwn, shortNumber(why.Own.Weight))
	}
	if o := why.Override; o != nil {
		text := w.ChangedBy
		if !i.Enabled {
			text = w.OfflineBy
		}
		r.Notes = append(r.Notes, v.whoWhen(text, o.User, o.IP, o.AtMs))
		if note := v.draining(o); note != "" {
			r.Notes = append(r.Notes, note)
		}
	}
	own := slices.Clone(i.Metadata)
	slices.SortStableFunc(own, func(a, b naming.Pair) int { return cmp.Compare(preserved(a), preserved(b)) })
	for _, p := range own[:min(len(own), metadataShown)] {
		r.Metadata = append(r.Metadata, p.Key+"="+p.Value)
	}
	if n := len(i.Metadata) - metadataShown; n > 0 {
		r.More = words.Fill(w.MetadataMore, v.amount(n))
	}
	r.Client, r.ClientHref = why.ClientID, clientURL(why.ClientID)
	if c := named[why.ClientID]; c != nil {
		r.Client, r.ClientNote = cmp.Or(c.Remote, c.ID), strings.TrimSpace(appName(c.App)+" "+c.SDK)
		if c.Kind != naming.Connection {
			r.ClientNote = v.transportOf(c.Kind)
		}
	}
	if p := v.persistent(k, i); p != nil {
		r.Client, r.ClientHref, r.ClientNote = v.who(p.User, p.IP), "", ""
		r.Since = v.lately(p.ModifiedMs)
	}
	return r
}

// preserved is 1 of what client libraries say, which comes after what people do.
func preserved(p naming.Pair) int {
	if strings.HasPrefix(p.Key, "preserved.") {
		return 1
	}
	return 0
}

// persistent returns what is held of a persistent instance, nil for an ephemeral one.
func (v *visit) persistent(k naming.Key, i *naming.Instance) *naming.Persistent {
	if i == nil || i.Ephemeral {
		return nil
	}
	return v.Naming.State().Persistent(k, i.IP, i.Port)
}

// addressOf returns ip:port, with an IPv6 address in brackets.
func addressOf(id naming.InstanceID) string {
	if strings.Contains(id.IP, ":") {
		return "[" + id.IP + "]:" + strconv.Itoa(id.Port)
	}
	return id.IP + ":" + strconv.Itoa(id.Port)
}

func (v *visit) healthOf(i *naming.Instance) parts.State {
	if i.Healthy {
		return parts.State{Kind: "good", Text: v.w.Services.Healthy}
	}
	return parts.State{Kind: "bad", Text: v.w.Services.Unhealthy}
}

// draining says that an instance is drained, "" when it is not.
func (v *visit) draining(o *naming.Override) string {
	switch left := o.Drain.OfflineMs - v.now.UnixMilli(); {
	case o.Drain == naming.Drain{}:
		return ""
	case left <= 0:
		return v.w.Services.Drained
	default:
		return words.Fill(v.w.Services.DrainingUntil, v.w.Time.For(time.Duration(left)*time.Millisecond))
	}
}

// laid is what a person lays over an instance; nil and nothing leave it as it is registered.
type laid struct {
	enabled  *bool
	weight   *float64
	metadata naming.Metadata
}

func laidOf(o *naming.Override) laid {
	if o == nil {
		return laid{}
	}
	return laid{o.Enabled, o.Weight, o.Metadata}
}

// lay makes want all that lies over an instance, but for a drain.
func (v *visit) lay(k naming.Key, id naming.InstanceID, want laid) error {
	ctx, by, held := v.c.UserContext(), v.namingActor(), laidOf(v.Naming.State().Override(k, id))
	if held.enabled != nil && want.enabled == nil || held.weight != nil && want.weight == nil { // a patch can't take these away
		if err := v.Naming.ClearOverride(ctx, by, k, id); err != nil {
			return err
		}
	}
	if want.enabled == nil && want.weight == nil && len(want.metadata) == 0 && len(held.metadata) == 0 {
		return nil
	}
	return v.Naming.SetOverride(ctx, by, k, id, naming.Patch{Enabled: want.enabled, Weight: want.weight, Metadata: want.metadata, ReplaceMetadata: true})
}

// instanceUndo names an instance with what lies over it, for the form that takes back what is done now.
func (v *visit) instanceUndo(k naming.Key, id naming.InstanceID) string {
	was := laidOf(v.Naming.State().Override(k, id))
	q := url.Values{"ip": {id.IP}, "port": {strconv.Itoa(id.Port)}, "cluster": {id.Cluster}}
	if was.enabled != nil {
		q.Set("enabled", strconv.FormatBool(*was.enabled))
	}
	if was.weight != nil {
		q.Set("weight", shortNumber(*was.weight))
	}
	if len(was.metadata) > 0 {
		q.Set("metadata", jsonOf(was.metadata))
	}
	return q.Encode()
}

// undoInstance takes back what was done to instances, or the removal of one.
func (v *visit) undoInstance() error {
	k, err := v.serviceKey()
	if err != nil {
		return err
	}
	w, to := &v.w.Services, serviceURL(pathService, k)
	if again := v.c.FormValue("again"); again != "" {
		i, err := v.instanceWas(again)
		if err == nil {
			err = v.Naming.RegisterPersistent(v.c.UserContext(), v.namingActor(), k, i)
		}
		if err != nil {
			return err
		}
		return v.done(to, words.Fill(w.Restored, addressOf(i.Of())), "")
	}
	for _, b := range v.c.Context().PostArgs().PeekMulti("was") {
		q, err := url.ParseQuery(string(b))
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "the form is broken")
		}
		id, err := instanceID(q.Get)
		if err != nil {
			return err
		}
		want, wrong := v.laidIn(q.Get)
		if len(wrong) > 0 {
			return fault.New(fault.Invalid, "the form is broken")
		}
		if o := v.Naming.State().Override(k, id); o != nil && o.Drain != (naming.Drain{}) {
			err = v.Naming.StopDrain(v.c.UserContext(), v.namingActor(), k, id)
		}
		if err == nil {
			err = v.lay(k, id, want)
		}
		if err != nil {
			return err
		}
	}
	return v.done(v.backTo(to), w.Undone, "")
}

// backTo returns the page that a form came from, else path.
func (v *visit) backTo(path string) string {
	if back := local(v.value("back")); back != pathHome {
		return back
	}
	return path
}

// laidIn reads what is to lie over an instance.
func (v *visit) laidIn(value func(string) string) (want laid, wrong fieldErrors) {
	wrong = fieldErrors{}
	switch value("enabled") {
	case "true", "false":
		is := value("enabled") == "true"
		want.enabled = &is
	}
	if text := strings.TrimSpace(value("weight")); text != "" {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || naming.CheckWeight(n) != nil {
			wrong["weight"] = v.w.Services.WeightBad
		}
		want.weight = &n
	}
	want.metadata, wrong = v.metadataOf(value("metadata"), wrong)
	return want, wrong
}

// changeInstances does one thing to the instances of some rows.
func (v *visit) changeInstances() error {
	k, err := v.serviceKey()
	if err != nil {
		return err
	}
	do := v.c.FormValue("do")
	over, wait, err := v.drainTimes(do)
	if err != nil {
		return err
	}
	var ids []naming.InstanceID
	undo, size := []layout.Field{{Name: "ns", Value: k.Namespace}, {Name: "group", Value: k.Group}, {Name: "name", Value: k.Name}}, 0
	for _, b := range v.c.Context().PostArgs().PeekMulti("row") {
		q, err := url.ParseQuery(string(b))
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "the form is broken")
		}
		id, err := instanceID(q.Get)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	back := v.backTo(serviceURL(pathService, k))
	if len(ids) == 0 {
		return v.go303(back)
	}
	for _, id := range ids {
		was := v.instanceUndo(k, id)
		size += len(was)
		undo = append(undo, layout.Field{Name: "was", Value: was})
		if err := v.doTo(k, id, do, over, wait); err != nil {
			return err
		}
	}
	if size > undoneMost || do == doUndrain || do == doHealthy || do == doUnhealthy {
		undo = nil
	}
	return v.done(back, v.didTo(do, ids), pathInstanceUndo, undo...)
}

// drainTimes reads within what time instances are drained, and how long they stay online after it.
func (v *visit) drainTimes(do string) (over, wait time.Duration, err error) {
	if do != doDrain {
		return 0, 0, nil
	}
	read := func(name, fallback string) time.Duration {
		n, bad := strconv.ParseInt(cmp.Or(strings.TrimSpace(v.c.FormValue(name)), fallback), 10, 32)
		if bad != nil || n < 0 || n > 604_800 {
			err = fault.New(fault.Invalid, "%s", v.w.Services.DrainBad)
		}
		return time.Duration(n) * time.Second
	}
	return read("over", strconv.Itoa(drainDefault)), read("wait", "0"), err
}

func (v *visit) doTo(k naming.Key, id naming.InstanceID, do string, over, wait time.Duration) error {
	ctx, by := v.c.UserContext(), v.namingActor()
	switch do {
	case doOffline:
		off := false
		return v.Naming.SetOverride(ctx, by, k, id, naming.Patch{Enabled: &off})
	case doOnline:
		return v.takeOnline(k, id)
	case doClear:
		if v.Naming.State().Override(k, id) == nil {
			return nil
		}
		return v.Naming.ClearOverride(ctx, by, k, id)
	case doDrain:
		return v.Naming.Drain(ctx, by, k, id, over, wait)
	case doUndrain:
		return v.Naming.StopDrain(ctx, by, k, id)
	case doHealthy, doUnhealthy:
		return v.Naming.SetHealth(ctx, by, k, id, do == doHealthy)
	}
	return fault.New(fault.Invalid, "the form is broken")
}

// takeOnline lets an instance be seen again: what took it offline is taken away, and one that registers itself as offline is overruled.
func (v *visit) takeOnline(k naming.Key, id naming.InstanceID) error {
	o := v.Naming.State().Override(k, id)
	if o != nil && o.Drain != (naming.Drain{}) {
		if err := v.Naming.StopDrain(v.c.UserContext(), v.namingActor(), k, id); err != nil {
			return err
		}
	}
	want := laidOf(o)
	want.enabled = nil
	if own := v.Naming.Why(k, id).Own; own != nil && !own.Enabled {
		on := true
		want.enabled = &on
	}
	return v.lay(k, id, want)
}

// didTo says what was done.
func (v *visit) didTo(do string, ids []naming.InstanceID) string {
	w := &v.w.Services
	one, many := "", ""
	switch do {
	case doOffline:
		one, many = w.IsOffline, w.ManyOffline
	case doOnline:
		one, many = w.IsOnline, w.ManyOnline
	case doClear:
		one, many = w.OverrideTaken, w.ManyBack
	case doDrain:
		one, many = w.Draining, w.ManyDrain
	case doUndrain:
		return w.DrainStopped
	default:
		one, many = w.Marked, w.Marked
	}
	if len(ids) == 1 {
		return words.Fill(one, addressOf(ids[0]))
	}
	return words.Fill(many, v.amount(len(ids)))
}
