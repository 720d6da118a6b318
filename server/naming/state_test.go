package naming

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/naming/namingpb"
)

// anyCommand draws a command over few names, so that they meet.
func anyCommand(t *rapid.T) journal.Command {
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	k := &namingpb.Key{Namespace: "public", Group: pick("group", "g", "h"), Name: pick("name", "a", "b")}
	of := &namingpb.Of{Ip: pick("ip", "10.0.0.1", "10.0.0.2"), Port: int32(rapid.IntRange(1, 2).Draw(t, "port")), Cluster: pick("cluster", "DEFAULT", "c")}
	by := &namingpb.Actor{User: pick("user", "alice", "bob"), Ip: "10.9.9.9"}
	ms := rapid.Int64Range(1, 5).Draw(t, "ms")
	yes := rapid.Bool().Draw(t, "yes")
	weight := rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(t, "weight")
	pairs := []*namingpb.Pair{{Key: pick("key", "x", "y"), Value: pick("value", "1", "2")}}
	kind := journal.Kind(rapid.IntRange(int(KindRegister), int(KindSwitch)).Draw(t, "kind"))
	var m proto.Message
	switch kind {
	case KindRegister:
		m = &namingpb.Register{Key: k, Instance: &namingpb.Instance{Of: of, Weight: weight, Healthy: yes, Enabled: true, Metadata: pairs}, Actor: by, AtMs: ms, MaxService: 3, MaxAll: 6}
	case KindDeregister:
		m = &namingpb.Deregister{Key: k, Of: of, Actor: by, AtMs: ms}
	case KindHealth:
		other := proto.CloneOf(of)
		other.Port = 1
		m = &namingpb.Health{Ones: []*namingpb.Health_One{{Key: k, Of: of, Healthy: yes}, {Key: k, Of: other, Healthy: !yes}}, Actor: by, AtMs: ms}
	case KindDescribe:
		m = &namingpb.Describe{
			Key: k, Mode: namingpb.Describe_Mode(rapid.IntRange(0, 1).Draw(t, "mode")), Ephemeral: yes, ProtectThreshold: weight,
			Metadata: pairs, Selector: &namingpb.Selector{Type: SelectorNone}, Actor: by, AtMs: ms, MaxAll: 3,
		}
	case KindRemove:
		m = &namingpb.Remove{Key: k, Actor: by, AtMs: ms}
	case KindSetCluster:
		m = &namingpb.SetCluster{Key: k, Cluster: of.Cluster, CheckPort: 80, Checker: &namingpb.Checker{Type: pick("checker", CheckTCP, CheckNone)}, Actor: by, AtMs: ms, MaxClusters: 2}
	case KindOverride:
		o := &namingpb.Override{Key: k, Of: of, Actor: by, AtMs: ms, MaxAll: 5, MaxMetadata: 3, Clear: rapid.Bool().Draw(t, "clear"), ReplaceMetadata: rapid.Bool().Draw(t, "replace")}
		if yes {
			o.Enabled, o.Metadata = &yes, pairs
		} else {
			o.Weight, o.DropKeys = &weight, []string{"x"}
			if o.StopDrain = rapid.Bool().Draw(t, "stop"); !o.StopDrain {
				o.Drain = &namingpb.Drain{FromMs: ms, UntilMs: 3, OfflineMs: 4}
			}
		}
		m = o
	case KindSweep:
		m = &namingpb.Sweep{Ones: []*namingpb.Sweep_One{{Key: k, Of: of, AtMs: ms}, {Key: k, Of: of, AtMs: ms}}}
	case KindSwitch:
		m = &namingpb.Switch{Entry: pick("entry", "pushEnabled", "check"), Value: pick("to", "true", "false", ""), Actor: by, AtMs: ms}
	}
	body, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return journal.Command{Kind: kind, Body: body}
}

// TestDecisionsAreTheSameOnEachNode gives two states the same commands, and a third, that is loaded half way from what the
// changes made of rows: all three decide alike and hold the same.
func TestDecisionsAreTheSameOnEachNode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, Config{})
		a, b, late := w.state, NewState(), NewState()
		rows := make(map[any]journal.Change) // as a database would hold them
		commands := rapid.SliceOfN(rapid.Custom(anyCommand), 1, 60).Draw(t, "commands")
		half := rapid.IntRange(0, len(commands)-1).Draw(t, "half")
		for i, cmd := range commands {
			if i == half {
				for _, c := range rows {
					late.Load(c)
				}
			}
			out, changes, err := a.Decide(cmd)
			if err != nil {
				t.Fatal(err)
			}
			for n, s := range []*State{b, late} {
				if n == 1 && i < half {
					continue
				}
				again, same, err := s.Decide(cmd)
				if err != nil || !reflect.DeepEqual(out, again) || !reflect.DeepEqual(changes, same) {
					t.Fatalf("state %d decided\n%+v %+v (%v), not\n%+v %+v", n, again, same, err, out, changes)
				}
			}
			if out.Fault != nil && len(changes) > 0 || out.Changed != (len(changes) > 0) {
				t.Fatalf("%+v with %d changes", out, len(changes))
			}
			for _, c := range changes {
				k := rowKey(c)
				before, after := joined(nil, rows[k]), joined(nil, c)
				if was := joined(before, c); was != nil && before != nil && !reflect.DeepEqual(before, joined(nil, beforeOf(c))) {
					t.Fatalf("the row was %+v, the change begins with %+v", before, c)
				}
				if after == nil {
					delete(rows, k)
				} else {
					rows[k] = after
				}
			}
		}
		if !reflect.DeepEqual(a.Rows(), b.Rows()) || !reflect.DeepEqual(a.Rows(), late.Rows()) {
			t.Fatal("the states differ")
		}
		if len(rows) != len(a.Rows()) {
			t.Fatalf("%d rows, %d are held", len(rows), len(a.Rows()))
		}
		for _, c := range a.Rows() {
			if !reflect.DeepEqual(c, rows[rowKey(c)]) {
				t.Fatalf("held %+v, the row is %+v", c, rows[rowKey(c)])
			}
		}
		w.follows(t, "after commands")
		// A restored snapshot takes the place of all.
		next := NewState()
		for _, cmd := range rapid.SliceOfN(rapid.Custom(anyCommand), 0, 20).Draw(t, "other commands") {
			if _, _, err := next.Decide(cmd); err != nil {
				t.Fatal(err)
			}
		}
		want := next.Rows()
		a.Replace(next)
		w.told()
		a.Replace(reread(a)) // the same once more is no news
		if got := w.told(); len(got) != 0 {
			t.Fatalf("told %v", got)
		}
		if !reflect.DeepEqual(a.Rows(), want) {
			t.Fatal("the state was not replaced")
		}
		w.follows(t, "after a snapshot")
	})
}

// reread returns a state with copies of what is held.
func reread(s *State) *State {
	again := NewState()
	for _, c := range s.Rows() {
		switch c := c.(type) {
		case InstanceChange:
			x := *c.After
			again.Load(InstanceChange{After: &x})
		case ServiceChange:
			x := *c.After
			again.Load(ServiceChange{After: &x})
		case ClusterChange:
			x := *c.After
			again.Load(ClusterChange{After: &x})
		case OverrideChange:
			x := *c.After
			again.Load(OverrideChange{After: &x})
		case SwitchChange:
			x := *c.After
			again.Load(SwitchChange{After: &x})
		}
	}
	return again
}

// beforeOf returns the change that makes what c changes.
func beforeOf(c journal.Change) journal.Change {
	switch c := c.(type) {
	case InstanceChange:
		return InstanceChange{After: c.Before}
	case ServiceChange:
		return ServiceChange{After: c.Before}
	case ClusterChange:
		return ClusterChange{After: c.Before}
	case OverrideChange:
		return OverrideChange{After: c.Before}
	case SwitchChange:
		return SwitchChange{After: c.Before}
	}
	return nil
}

// follows compares what the registry shows with the state that it serves.
func (w *world) follows(t *rapid.T, when string) {
	n := 0
	for _, c := range w.state.Rows() {
		switch c := c.(type) {
		case InstanceChange:
			n++
			i := c.After.Instance
			if e := w.Why(c.After.Key, i.Of()); e.Own == nil || !e.Own.same(&i) || !e.Shown.same(w.state.Override(c.After.Key, i.Of()).over(&i, w.wall())) {
				t.Errorf("%s: %+v is shown as %+v", when, c.After, e)
			}
		case ServiceChange:
			if s, ok := w.Summary(c.After.Key); !ok || !reflect.DeepEqual(s.Described, c.After) {
				t.Errorf("%s: %+v is shown as %+v", when, c.After, s)
			}
		case SwitchChange:
			if got := w.Switches().Texts[c.After.Entry]; got != c.After.Value {
				t.Errorf("%s: %+v is %s", when, c.After, got)
			}
		}
	}
	if s := w.Stats(); int(s.Instances) != n || int(s.LastingClients) > n {
		t.Errorf("%s: %d persistent instances, counted %+v", when, n, s)
	}
	w.checkWhole(t)
}

func TestACommandThatCannotBeReadIsAnError(t *testing.T) {
	s := NewState()
	for _, cmd := range []journal.Command{{Kind: KindRegister, Body: []byte{0xff}}, {Kind: KindAdopt + 1}, {Kind: 100}} {
		if _, _, err := s.Decide(cmd); err == nil {
			t.Errorf("kind %d was decided", cmd.Kind)
		}
	}
}

func FuzzDecide(f *testing.F) {
	for _, m := range []proto.Message{
		&namingpb.Register{Key: keyPB(key("a")), Instance: &namingpb.Instance{Of: &namingpb.Of{Ip: "1", Port: 1}}},
		&namingpb.Override{Key: keyPB(key("a")), Of: &namingpb.Of{Ip: "1"}, Metadata: []*namingpb.Pair{{Key: "a"}, {Key: "a"}}},
		&namingpb.Health{Ones: []*namingpb.Health_One{{}, {}}},
	} {
		body, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(0), body)
		f.Add(uint8(6), body)
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		r, s := New(Config{})
		cmd := journal.Command{Kind: KindRegister + journal.Kind(kind%9), Body: body}
		for range 2 {
			out, changes, err := s.Decide(cmd)
			if err != nil {
				return
			}
			if out.Err() != nil && len(changes) > 0 {
				t.Fatalf("refused with changes: %+v", out)
			}
		}
		r.keys()
		s.Rows()
	})
}

func TestServicesAreDescribedAndRemoved(t *testing.T) {
	w := newWorld(t, Config{})
	ctx, k := t.Context(), key("orders")
	w.must(w.CreateService(ctx, alice, Service{Key: k, ProtectThreshold: 0.5, Metadata: Metadata{{"b", "2"}, {"a", "1"}}}))
	if err := w.CreateService(ctx, alice, Service{Key: k}); fault.CodeOf(err) != CodeServiceExists {
		t.Errorf("created twice: %v", err)
	}
	if err := w.UpdateService(ctx, alice, Service{Key: key("none")}); fault.CodeOf(err) != CodeServiceAbsent {
		t.Errorf("updated: %v", err)
	}
	c, _ := w.connect("1")
	sub, _ := w.connect("2") // with whom the service is not forgotten
	if _, err := sub.Subscribe(k, ""); err != nil {
		t.Fatal(err)
	}
	if err := c.Register(k, at(1)); fault.CodeOf(err) != CodeKind || !strings.Contains(err.Error(), "DEFAULT_GROUP@@orders is persistent service, can't register ephemeral instance.") {
		t.Errorf("registered an ephemeral instance of a persistent service: %v", err)
	}
	w.must(w.RegisterPersistent(ctx, alice, k, at(1)))
	if err := w.RemoveService(ctx, alice, k); fault.CodeOf(err) != CodeServiceNotEmpty {
		t.Errorf("removed with an instance: %v", err)
	}
	if s, ok := w.Summary(k); !ok || s.Ephemeral || s.Described.ProtectThreshold != 0.5 || s.Described.Metadata[0].Key != "a" || s.Instances != 1 {
		t.Errorf("%+v", s)
	}
	if state, ok := w.ClientOf("10.0.0.1:1#false"); !ok || len(state.Published) != 1 || state.Kind != Lasting {
		t.Errorf("%+v", state)
	}
	gone, err := w.DeregisterPersistent(ctx, alice, k, "10.0.0.1", 1)
	if err != nil || !gone {
		t.Errorf("%t, %v", gone, err)
	}
	w.must(w.RemoveService(ctx, alice, k))
	if err := w.RemoveService(ctx, alice, k); fault.CodeOf(err) != CodeServiceAbsent {
		t.Errorf("removed twice: %v", err)
	}
	w.must(c.Register(k, at(1)))
	if err := w.RegisterPersistent(ctx, alice, k, at(2)); fault.CodeOf(err) != CodeKind {
		t.Errorf("registered a persistent instance of an ephemeral service: %v", err)
	}
	if w.counts.services.Load() != 1 || len(w.state.Rows()) != 0 {
		t.Errorf("%d services, %d rows", w.counts.services.Load(), len(w.state.Rows()))
	}
}

func TestHealthIsSetByHandOnlyWhereNothingProbes(t *testing.T) {
	w := newWorld(t, Config{})
	ctx, k, id := t.Context(), key("db"), InstanceID{IP: "10.0.0.1", Port: 1}
	w.must(w.RegisterPersistent(ctx, alice, k, at(1)))
	if err := w.SetHealth(ctx, alice, k, id, false); fault.CodeOf(err) != CodeProbed {
		t.Errorf("set though it is probed: %v", err)
	}
	w.must(w.SetCluster(ctx, alice, Cluster{Key: k, Checker: Checker{Type: "none"}}))
	w.must(w.SetHealth(ctx, alice, k, id, false))
	w.see(k, Query{}, "1- ")
	w.must(w.SetHealth(ctx, alice, k, InstanceID{IP: "10.0.0.1", Port: 2}, false))
	w.must(w.Probed(ctx, Actor{}, []Found{{Key: k, Of: InstanceID{"10.0.0.1", 1, "DEFAULT"}, Healthy: true, Detail: "connected in 2 ms"}}))
	w.see(k, Query{}, "1 ")
	var what []What
	for _, n := range w.Why(k, InstanceID{"10.0.0.1", 1, "DEFAULT"}).Notes {
		what = append(what, n.What)
	}
	if want := []What{Registered, Unhealthy, Probed, Healthy}; !slices.Equal(what, want) {
		t.Errorf("notes %v, want %v", what, want)
	}
}

func TestWhatIsLoadedIsNoNews(t *testing.T) {
	w := newWorld(t, Config{Node: "n"})
	k := key("db")
	w.must(w.RegisterPersistent(t.Context(), alice, k, at(1)))
	w.told()
	rows := w.state.Rows()
	rows[0].(InstanceChange).After.ModifiedMs = 1234
	again := newWorld(t, Config{})
	for _, c := range rows {
		again.state.Load(c)
	}
	again.see(k, Query{}, "1 ")
	if got := again.told(); len(got) != 0 {
		t.Errorf("told %v", got)
	}
	y := again.Why(k, InstanceID{"10.0.0.1", 1, "DEFAULT"})
	if len(y.Notes) != 1 || y.Notes[0].AtMs != 1234 || y.Notes[0].By != "alice (10.9.9.9)" {
		t.Errorf("%+v", y)
	}
	if again.CloseClient("10.0.0.1:1#false", "x") {
		t.Error("closed what is persistent")
	}
	var found []string
	again.Each(func(k Key) bool { found = append(found, k.Name); return true })
	if !slices.Equal(found, []string{"db"}) {
		t.Errorf("%v", found)
	}
}
