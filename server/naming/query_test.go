package naming

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"nacre/server/fuzzy"
)

func TestServicesAreListedByGroup(t *testing.T) {
	w := newWorld(t, Config{})
	c, _ := w.connect("1")
	for n := range 25 {
		w.must(c.Register(key(fmt.Sprintf("s%02d", n)), at(n)))
	}
	other := key("s00")
	other.Group = "OTHER"
	w.must(c.Register(other, at(1)))
	other.Namespace = "dev"
	w.must(c.Register(other, at(1)))
	if _, err := c.Subscribe(key("only subscribed"[:4]), ""); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		namespace, group string
		page, size       int
		first            string
		n, total         int
	}{
		{"public", "DEFAULT_GROUP", 1, 10, "s00", 10, 25},
		{"public", "DEFAULT_GROUP", 3, 10, "s20", 5, 25},
		{"public", "DEFAULT_GROUP", 4, 10, "", 0, 25},
		{"public", "DEFAULT_GROUP", 0, 10, "s00", 10, 25},
		{"public", "DEFAULT_GROUP", 1, 0, "", 0, 25},
		{"public", "DEFAULT_GROUP", 1 << 60, 1 << 40, "", 0, 25},
		{"public", "OTHER", 1, 10, "s00", 1, 1},
		{"dev", "OTHER", 1, 10, "s00", 1, 1},
		{"dev", "", 1, 10, "s00", 1, 1},
		{"public", "", 1, 100, "s00", 26, 26},
		{"none", "DEFAULT_GROUP", 1, 10, "", 0, 0},
	} {
		names, total := w.Services(tt.namespace, tt.group, tt.page, tt.size)
		if total != tt.total || len(names) != tt.n || tt.n > 0 && names[0] != tt.first {
			t.Errorf("%+v: %v of %d", tt, names, total)
		}
	}
	var each []string
	w.Each(func(k Key) bool {
		each = append(each, k.String())
		return len(each) < 3
	})
	if want := []string{"dev/OTHER/s00", "public/DEFAULT_GROUP/s00", "public/DEFAULT_GROUP/s01"}; !slices.Equal(each, want) {
		t.Errorf("%v", each)
	}
}

func TestTheCatalogIsFiltered(t *testing.T) {
	w := newWorld(t, Config{})
	ctx := t.Context()
	c, _ := w.connect("1")
	sub, _ := w.connect("2")
	list := hosts("hhu")
	list[2].Cluster = "b"
	w.must(c.RegisterBatch(key("Orders"), list))
	w.must(c.Register(key("orders-api"), at(9)))
	w.must(w.CreateService(ctx, alice, Service{Key: key("empty"), Ephemeral: true, ProtectThreshold: 0.9}))
	w.must(w.UpdateService(ctx, alice, Service{Key: key("Orders"), ProtectThreshold: 0.9}))
	weight := 5.0
	w.must(w.SetOverride(ctx, alice, key("Orders"), InstanceID{IP: "10.0.0.1", Port: 2}, Patch{Weight: &weight}))
	if _, err := sub.Subscribe(key("Orders"), ""); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		filter Filter
		want   string
	}{
		"all":                     {Filter{}, "Orders empty orders-api"},
		"a part of the name":      {Filter{Name: "ORDERS"}, "Orders orders-api"},
		"a part of the group":     {Filter{Group: "default", Name: "api"}, "orders-api"},
		"another group":           {Filter{Group: "x"}, ""},
		"with instances":          {Filter{HasInstances: true}, "Orders orders-api"},
		"with unhealthy ones":     {Filter{Unhealthy: true}, "Orders"},
		"an address":              {Filter{Address: "10.0.0.1"}, "Orders orders-api"},
		"an address with a port":  {Filter{Address: "10.0.0.1:9"}, "orders-api"},
		"an address that is none": {Filter{Address: "10.0.0.10"}, ""},
	} {
		tt.filter.Namespace = "public"
		found, total := w.Catalog(tt.filter, 1, 10)
		var names []string
		for _, s := range found {
			names = append(names, s.Key.Name)
		}
		if strings.Join(names, " ") != tt.want || total != len(found) {
			t.Errorf("%s: %v of %d, want %s", name, names, total, tt.want)
		}
	}
	s, ok := w.Summary(key("Orders"))
	if !ok || s.Clusters != 2 || s.Instances != 3 || s.Healthy != 2 || s.Subscribers != 1 || s.Overridden != 1 || !s.Protected || !s.Ephemeral {
		t.Errorf("%+v", s)
	}
	if _, ok := w.Summary(key("none")); ok {
		t.Error("there is none")
	}
	w.must(w.SetCluster(ctx, alice, Cluster{Key: key("Orders"), Name: "c", CheckPort: 90, Checker: Checker{Type: "http", Path: "/health"}}))
	clusters := ""
	for _, c := range w.Clusters(key("Orders")) {
		clusters += c.Name + " " + c.Checker.Type + ";"
	}
	if clusters != "DEFAULT TCP;b TCP;c HTTP;" {
		t.Errorf("%s", clusters)
	}
}

func TestAClientIsShownWithAllThatItDoes(t *testing.T) {
	w := newWorld(t, Config{Node: "n1"})
	c, _ := w.connect("1720000000000_10.0.0.1_5000")
	w.must(c.Register(key("b"), at(1)))
	w.must(c.RegisterBatch(key("a"), hosts("hh")))
	if _, err := c.Subscribe(key("c"), "x,y"); err != nil {
		t.Fatal(err)
	}
	w.must(w.RegisterHTTP(alice, key("a"), at(80)))
	state, ok := w.ClientOf("1720000000000_10.0.0.1_5000")
	if !ok || state.Node != "n1" || state.Revision != 2 || len(state.Published) != 2 || state.Published[0].Key != key("a") || len(state.Published[0].Instances) != 2 ||
		len(state.Subscribed) != 1 || state.Subscribed[0].Clusters != "x,y" || !state.Subscribed[0].InSync {
		t.Errorf("%+v", state)
	}
	if state, ok := w.ClientOf("10.0.0.1:80#true"); !ok || state.Kind != Beating || len(state.Published) != 1 {
		t.Errorf("%+v", state)
	}
	for _, id := range []string{"none", "10.0.0.1:81#true", "10.0.0.1:80#false", "x#true", ":#true", "10.0.0.1:x#true", "10.0.0.1:999999#true"} {
		if _, ok := w.ClientOf(id); ok {
			t.Errorf("there is %q", id)
		}
	}
	for text, want := range map[string]int{"": 2, "java": 1, "10.0.0.1:80": 1, "#TRUE": 1, "10.0.0.1": 2, "x": 0} {
		if found, total := w.Clients(text, 1, 10); total != want || len(found) != want {
			t.Errorf("%q: %d of %d, want %d", text, len(found), total, want)
		}
	}
	if found, total := w.Select(ClientFilter{Text: "10.0.0.1"}, 1, 10); total != 2 || len(found) != 1 {
		t.Errorf("%d of %d from the second one on", len(found), total)
	}
	if found, total := w.Select(ClientFilter{Keep: func(c *Client) bool { return c.Kind == Beating }}, -5, 1); total != 1 || len(found) != 1 || found[0].Published != 1 {
		t.Errorf("%+v of %d", found, total)
	}
	if found, total := w.Select(ClientFilter{}, 7, 1); total != 2 || len(found) != 0 {
		t.Errorf("%+v of %d", found, total)
	}
	if found, total := w.Select(ClientFilter{Behind: true}, 0, 9); total != 0 || len(found) != 0 {
		t.Errorf("%+v of %d are behind", found, total)
	}
	if c, ok := w.SummaryOf("10.0.0.1:80#true"); !ok || c.Published != 1 || c.Subscribed != 0 {
		t.Errorf("%v %+v", ok, c)
	}
	if _, ok := w.SummaryOf("none"); ok {
		t.Error("there is none")
	}
	publishers := ""
	for _, p := range w.Publishers(key("a")) {
		publishers += fmt.Sprint(p.Client.ID, " ", len(p.Instances), ";")
	}
	if publishers != "10.0.0.1:80#true 1;1720000000000_10.0.0.1_5000 2;" {
		t.Errorf("%s", publishers)
	}
	again, _ := w.connect("1720000000000_10.0.0.1_5000") // the same id: whoever had it is gone
	if w.see(key("b"), Query{}, ""); again.Client().Incarnation == 0 {
		t.Error("no incarnation")
	}
}

func TestPatternsOfServicesAreWatched(t *testing.T) {
	w := newWorld(t, Config{})
	c, _ := w.connect("1")
	w.must(c.Register(key("orders-a"), at(1)))
	w.must(w.CreateService(t.Context(), alice, Service{Key: key("orders-empty"), Ephemeral: true}))
	p, err := fuzzy.Parse("public>>DEFAULT_GROUP>>orders*")
	w.must(err)
	told := 0
	watch, over, err := w.Watch(p, nil, false, func() { told++ })
	if err != nil || over {
		t.Fatal(over, err)
	}
	defer watch.Cancel()
	next := func() (text string) {
		for m, more := watch.Next(); more; m, more = watch.Next() {
			for _, ch := range m.Changes {
				text += fmt.Sprint(ch.Key.Name, " ", ch.Exists, ";")
			}
			watch.Done(true)
		}
		return text
	}
	if got := next(); got != "orders-a true;" {
		t.Errorf("at first: %s", got)
	}
	w.must(c.Register(key("orders-b"), at(1)))
	w.must(c.Register(key("other"), at(1)))
	c.Deregister(key("orders-a"))
	if got := next(); got != "orders-b true;orders-a false;" || told != 2 {
		t.Errorf("told %d times: %s", told, got)
	}
}
