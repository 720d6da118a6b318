package naming

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nacre/server/fault"
)

// hosts makes instances of ports 1, 2, …: each letter h is healthy, u unhealthy, d healthy and disabled.
func hosts(text string) (list []Instance) {
	for n, c := range text {
		i := at(n + 1)
		i.Healthy, i.Enabled = c != 'u', c != 'd'
		list = append(list, i)
	}
	return list
}

func TestWhatIsSelected(t *testing.T) {
	for _, tt := range []struct {
		name      string
		hosts     string
		described bool
		threshold float64
		query     Query
		want      string
	}{
		{"all that are enabled", "hud", false, 0, Query{}, "1 2- "},
		{"for operators the disabled, too", "hud", false, 0, Query{Disabled: true}, "1 2- 3x "},
		{"the healthy alone", "hud", false, 0, Query{HealthyOnly: true}, "1 "},
		{"a service that nobody described is not protected", "uu", false, 0, Query{}, "1- 2- "},
		{"threshold 0 and one healthy", "uuh", true, 0, Query{}, "1- 2- 3 "},
		{"threshold 0 and none healthy: all are shown as healthy", "uu", true, 0, Query{}, "1 2 !"},
		{"a negative threshold is 0", "uu", true, -1, Query{}, "1 2 !"},
		{"half are healthy at a threshold of a half", "hu", true, 0.5, Query{}, "1 2 !"},
		{"two of three are healthy at a threshold of a half", "hhu", true, 0.5, Query{}, "1 2 3- "},
		{"disabled ones do not count", "hhudd", true, 0.6, Query{}, "1 2 3- "},
		{"protection works on what healthyOnly left", "hu", true, 0.9, Query{HealthyOnly: true}, "1 "},
		{"threshold 1 and all healthy", "hh", true, 1, Query{}, "1 2 !"},
		{"no healthy host and healthyOnly: nothing, unprotected", "uu", true, 1, Query{HealthyOnly: true}, ""},
		{"operators see what is, not what is protected", "uu", true, 1, Query{Disabled: true}, "1- 2- "},
		{"a third, as Nacos' floats have it", "huu", true, 1.0 / 3, Query{}, "1 2 3 !"},
	} {
		w := newWorld(t, Config{})
		c, _ := w.connect("1")
		w.must(c.RegisterBatch(key("s"), hosts(tt.hosts)))
		if tt.described {
			w.must(w.UpdateService(t.Context(), alice, Service{Key: key("s"), ProtectThreshold: tt.threshold}))
		}
		if got := ports(w.Lookup(key("s"), tt.query)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestClustersAreSelectedByAList(t *testing.T) {
	w := newWorld(t, Config{})
	c, _ := w.connect("1")
	list := hosts("hhh")
	list[0].Cluster, list[1].Cluster = "a", "b"
	w.must(c.RegisterBatch(key("s"), list))
	for clusters, want := range map[string]string{"": "1 2 3 ", "a": "1 ", " a , b ,": "1 2 ", "DEFAULT": "3 ", "c": "", ",": "1 2 3 "} {
		v := w.Lookup(key("s"), Query{Clusters: clusters})
		if ports(v) != want || v.Clusters != clusters {
			t.Errorf("clusters %q (%q): %q, want %q", clusters, v.Clusters, ports(v), want)
		}
	}
}

func TestALabelSelectorShowsEachClientItsOwn(t *testing.T) {
	w := newWorld(t, Config{})
	c, _ := w.connect("1")
	list := hosts("hhh")
	list[0].Metadata, list[1].Metadata = Metadata{{"site", "a"}, {"tier", "x"}}, Metadata{{"site", "b"}, {"tier", "x"}}
	k := key("s")
	w.must(c.RegisterBatch(k, list))
	d := Service{Key: k, Selector: Selector{Type: SelectorLabel, Expression: "CONSUMER.label.site = PROVIDER.label.site & CONSUMER.label.tier=PROVIDER.label.tier"}}
	w.must(w.UpdateService(t.Context(), alice, d))
	for _, tt := range []struct {
		labels Metadata
		want   string
	}{
		{nil, "1 2 3 "},
		{Metadata{{"site", "a"}}, "1 2 3 "}, // lacks one of the labels
		{Metadata{{"site", "a"}, {"tier", "x"}}, "1 "},
		{Metadata{{"site", "b"}, {"tier", "x"}, {"z", "z"}}, "2 "},
		{Metadata{{"site", "b"}, {"tier", "y"}}, "1 2 3 "}, // none has them
	} {
		if got := ports(w.Lookup(k, Query{Labels: tt.labels})); got != tt.want {
			t.Errorf("labels %v: %q, want %q", tt.labels, got, tt.want)
		}
	}
	two := w.Open(Client{ID: "2", Labels: Metadata{{"site", "b"}, {"tier", "x"}}}, &owed{})
	if v, err := two.Subscribe(k, ""); err != nil || ports(v) != "2 " {
		t.Errorf("subscribed to %v, %v", v, err)
	}
	for _, bad := range []Selector{
		{Type: "other"}, {Type: SelectorLabel}, {Type: SelectorLabel, Expression: "CONSUMER.label.a = PROVIDER.label.b"},
		{Type: SelectorLabel, Expression: "CONSUMER.label.a = PROVIDER.label.a &"},
	} {
		if err := w.UpdateService(t.Context(), alice, Service{Key: k, Selector: bad}); fault.CodeOf(err) != CodeSelector {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func FuzzSelector(f *testing.F) {
	f.Add("CONSUMER.label.a = PROVIDER.label.a & CONSUMER.label.b=PROVIDER.label.b")
	f.Add("&&==")
	f.Fuzz(func(t *testing.T, expression string) {
		labels, err := Selector{Type: SelectorLabel, Expression: expression}.Labels()
		if err == nil && (len(labels) == 0 || !slices.IsSorted(labels)) {
			t.Fatalf("%q names %q", expression, labels)
		}
	})
}

func TestAViewIsSharedUntilItLooksDifferent(t *testing.T) {
	w := newWorld(t, Config{})
	k := key("s")
	c, _ := w.connect("1")
	sub, _ := w.connect("2")
	list := hosts("hh")
	list[1].Cluster = "b"
	w.must(c.RegisterBatch(k, list))
	if _, err := sub.Subscribe(k, ""); err != nil {
		t.Fatal(err)
	}
	all, b := w.Lookup(k, Query{}), w.Lookup(k, Query{Clusters: "b"})
	n := 0
	encode := func(v *View) []byte { n++; return fmt.Append(nil, ports(v)) }
	if one, two := all.Encoded(0, encode), w.Lookup(k, Query{}).Encoded(0, encode); n != 1 || !bytes.Equal(one, two) || string(one) != "1 2 " {
		t.Errorf("encoded %d times: %q, %q", n, one, two)
	}
	w.must(c.RegisterBatch(k, list)) // the same again
	if w.Lookup(k, Query{}) != all {
		t.Error("another view though nothing changed")
	}
	list[0].Weight = 2
	w.must(c.RegisterBatch(k, list))
	now := w.Lookup(k, Query{})
	if now == all || now.LastRefMs <= all.LastRefMs || now.Revision <= all.Revision {
		t.Errorf("the view stays: %d (%d), %d (%d)", all.LastRefMs, all.Revision, now.LastRefMs, now.Revision)
	}
	if w.Lookup(k, Query{Clusters: "b"}) != b {
		t.Error("another view of a cluster in which nothing changed")
	}
	for n := range 3 * maxCached {
		w.Lookup(k, Query{Clusters: fmt.Sprint("c", n)})
	}
	s := w.lock(&k)
	defer s.mu.Unlock()
	if n := len(s.cache.Load().views); n > maxCached {
		t.Errorf("%d views are kept", n)
	}
}

func TestTimesOfAServiceGrow(t *testing.T) {
	w := newWorld(t, Config{})
	k := key("s")
	c, _ := w.connect("1")
	last := int64(0)
	for n := range 5000 { // faster than a ms each
		w.must(c.Register(k, at(n)))
		v := w.Lookup(k, Query{})
		if v.LastRefMs <= last || v.LastRefMs >= 1<<53 {
			t.Fatalf("%d after %d", v.LastRefMs, last)
		}
		last = v.LastRefMs
	}
	c.Deregister(k)
	w.must(w.RemoveService(t.Context(), alice, k))
	if v := w.Lookup(k, Query{}); v.Exists || v.LastRefMs < last {
		t.Errorf("of nothing: %+v", v)
	}
	w.must(c.Register(k, at(1)))
	if v := w.Lookup(k, Query{}); v.LastRefMs <= last {
		t.Errorf("anew: %d after %d", v.LastRefMs, last)
	}
}

func TestInstanceIDs(t *testing.T) {
	i := Instance{IP: "10.0.0.1", Port: 80, Cluster: "c", ID: "own"}
	for form, want := range map[IDForm]string{IDNone: "", IDGiven: "own", IDSimple: "10.0.0.1#80#c#DEFAULT_GROUP@@s", IDNull: "10.0.0.1#80#null#DEFAULT_GROUP@@s", IDBlank: "10.0.0.1#80##DEFAULT_GROUP@@s"} {
		i.IDForm = form
		if got := string(i.AppendID(nil, key("s"))); got != want {
			t.Errorf("form %d: %q, want %q", form, got, want)
		}
	}
}

func TestMetadataLaysOver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		maps := rapid.MapOf(rapid.SampledFrom([]string{"", "a", "b", "c", "d"}), rapid.String())
		a, b := maps.Draw(t, "a"), maps.Draw(t, "b")
		want := make(map[string]string)
		for k, v := range b {
			want[k] = v
		}
		for k, v := range a {
			want[k] = v
		}
		over := MetadataOf(a).Over(MetadataOf(b))
		if !over.equal(MetadataOf(want)) || !over.normal().equal(over) {
			t.Fatalf("%v over %v is %v", a, b, over)
		}
		keys := rapid.SliceOf(rapid.SampledFrom([]string{"a", "d"})).Draw(t, "keys")
		for _, k := range keys {
			delete(want, k)
		}
		if !over.Without(keys...).equal(MetadataOf(want)) {
			t.Fatalf("%v without %v is %v", over, keys, over.Without(keys...))
		}
		for k, v := range want {
			if got, ok := over.Get(k); !ok || got != v {
				t.Fatalf("%q is %q", k, got)
			}
		}
		twice := append(slices.Clone(MetadataOf(b)), MetadataOf(a)...) // in no order, keys twice: the last counts
		if in := newInterner(); !in.metadata(twice).equal(over) || !in.metadata(over).equal(over) {
			t.Fatalf("%v became %v", twice, in.metadata(twice))
		}
	})
}

func TestBadInstancesAreRefused(t *testing.T) {
	w := newWorld(t, Config{})
	c, _ := w.connect("1")
	big := Metadata{{"k", string(bytes.Repeat([]byte("x"), 1024))}}
	for _, tt := range []struct {
		name   string
		change func(*Instance)
		code   fault.Code
	}{
		{"a negative port", func(i *Instance) { i.Port = -1 }, CodePort},
		{"a port over 65535", func(i *Instance) { i.Port = 65536 }, CodePort},
		{"a negative weight", func(i *Instance) { i.Weight = -1 }, CodeWeight},
		{"a weight that is no number", func(i *Instance) { i.Weight = math.NaN() }, CodeWeight},
		{"a weight of a billion", func(i *Instance) { i.Weight = 1e9 }, CodeWeight},
		{"an infinite weight", func(i *Instance) { i.Weight = math.Inf(1) }, CodeWeight},
		{"metadata over 1024 characters", func(i *Instance) { i.Metadata = big }, CodeMetadata},
		{"an address with a blank", func(i *Instance) { i.IP = "10.0 .0.1" }, CodeName},
		{"a cluster with a dot", func(i *Instance) { i.Cluster = "a.b" }, CodeName},
		{"a cluster with an underscore", func(i *Instance) { i.Cluster = "a_b" }, CodeCluster},
		{"an interval over the timeout", func(i *Instance) { i.Metadata = Metadata{{BeatIntervalKey, "20000"}} }, CodeBeats},
		{"a time until deletion under the interval", func(i *Instance) { i.Metadata = Metadata{{DeleteAfterKey, "1"}} }, CodeBeats},
	} {
		i := at(1)
		tt.change(&i)
		for how, err := range map[string]error{
			"a connection": c.Register(key("s"), i), "a batch": c.RegisterBatch(key("s"), []Instance{at(2), i}),
			"HTTP": w.RegisterHTTP(alice, key("s"), i), "for good": w.RegisterPersistent(t.Context(), alice, key("s"), i),
		} {
			if fault.CodeOf(err) != tt.code || fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s by %s: %v", tt.name, how, err)
			}
		}
	}
	if err := c.Register(Key{Namespace: "public", Group: "g", Name: "a b"}, at(1)); fault.CodeOf(err) != CodeName {
		t.Errorf("a bad name: %v", err)
	}
	if _, err := c.Subscribe(key("s"), strings.Repeat("a,", 2000)); fault.CodeOf(err) != CodeCluster {
		t.Errorf("a long list of clusters: %v", err)
	}
	if _, err := c.Subscribe(Key{Namespace: "public", Name: "s"}, ""); fault.CodeOf(err) != CodeName {
		t.Errorf("no group: %v", err)
	}
	if w.counts.services.Load() != 0 || w.Stats().BeatClients != 0 || len(w.journal.log) != 0 || len(w.told()) != 0 {
		t.Errorf("what was refused left something: %+v", w.Stats())
	}
}
