package config

import (
	"fmt"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"nacre/server/config/configpb"
	"nacre/server/fault"
	"nacre/server/journal"
)

func ptr(s string) *string { return &s }

func key(namespace, group, dataID string) Key {
	return Key{Namespace: namespace, Group: group, DataID: dataID}
}

var testKey = Key{Namespace: "public", Group: "g", DataID: "a"}

func publishPB(content string, change ...func(*configpb.Publish)) *configpb.Publish {
	p := &configpb.Publish{
		Key: keyPB(testKey), Content: []byte(content), Md5: MD5([]byte(content)),
		Attributes: &configpb.Attributes{Type: "text"}, Actor: &configpb.Actor{User: "alice", Ip: "10.0.0.1"}, AtMs: 1000,
	}
	for _, f := range change {
		f(p)
	}
	return p
}

func command(t testing.TB, kind journal.Kind, m proto.Message) journal.Command {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return journal.Command{Kind: kind, Body: b}
}

func mustDecide(t testing.TB, s *State, kind journal.Kind, m proto.Message) (Outcome, []journal.Change) {
	t.Helper()
	out, changes, err := s.Decide(command(t, kind, m))
	if err != nil {
		t.Fatal(err)
	}
	return out, changes
}

func TestPublishInsertsThenUpdates(t *testing.T) {
	s := NewState(nil)
	out, changes := mustDecide(t, s, KindPublish, publishPB("one", func(p *configpb.Publish) {
		p.Attributes.AppName, p.Attributes.Desc = ptr("app"), ptr("d")
		p.Attributes.TagsGiven, p.Attributes.Tags = true, []string{"t1", "t2"}
	}))
	if out.Existed || out.ID != 1 || out.Revision != 1 || len(changes) != 2 {
		t.Fatalf("insert: %+v, %d changes", out, len(changes))
	}
	if h := changes[1].(HistoryAdded).Row; h.Op != OpInsert || h.ConfigID != 0 || string(h.Content) != "one" || h.NID != 1 {
		t.Errorf("history of an insert has the new content and id 0: %+v", h)
	}
	out, changes = mustDecide(t, s, KindPublish, publishPB("two", func(p *configpb.Publish) { p.AtMs = 2000; p.Actor.User = "bob" }))
	if !out.Existed || out.ID != 1 || out.Revision != 2 {
		t.Fatalf("update: %+v", out)
	}
	h := changes[1].(HistoryAdded).Row
	if h.Op != OpUpdate || h.ConfigID != 1 || string(h.Content) != "one" || h.SrcUser != "bob" {
		t.Errorf("history of an update has the old content and who updated: %+v", h)
	}
	if want := `{"type":"text","config_tags":"t1,t2","src_user":"alice","c_desc":"d"}`; h.ExtInfo != want {
		t.Errorf("ext_info %s, want %s", h.ExtInfo, want)
	}
	e := s.Get(testKey).Formal
	if e.AppName != "app" || !reflect.DeepEqual(e.Tags, []string{"t1", "t2"}) {
		t.Errorf("an update without app and tags keeps them: %+v", e)
	}
	if e.Desc != nil || e.CreatedMs != 1000 || e.ModifiedMs != 2000 {
		t.Errorf("an update without desc clears it and keeps the creation time: %+v", e)
	}
	mustDecide(t, s, KindPublish, publishPB("three", func(p *configpb.Publish) { p.Attributes.TagsGiven = true }))
	if e := s.Get(testKey).Formal; e.Tags != nil {
		t.Errorf("empty tags remove them: %v", e.Tags)
	}
}

func TestCompareAndSet(t *testing.T) {
	cas := func(md5 string) func(*configpb.Publish) { return func(p *configpb.Publish) { p.CasMd5 = md5 } }
	s := NewState(nil)
	if out, _ := mustDecide(t, s, KindPublish, publishPB("one", cas("whatever"))); out.Fault != nil {
		t.Fatalf("an absent configuration is inserted whatever is compared: %v", out.Fault)
	}
	out, changes := mustDecide(t, s, KindPublish, publishPB("two", cas(MD5([]byte("other")))))
	if fault.CodeOf(out.Err()) != CodeCAS || fault.KindOf(out.Err()) != fault.Conflict || len(changes) != 0 || string(s.Get(testKey).Formal.Content) != "one" {
		t.Fatalf("a wrong md5 is refused and changes nothing: %+v", out)
	}
	if out, _ := mustDecide(t, s, KindPublish, publishPB("two", cas(MD5([]byte("one"))))); out.Fault != nil {
		t.Fatalf("the right md5 passes: %v", out.Fault)
	}
	at := func(revision uint64) func(*configpb.Publish) {
		return func(p *configpb.Publish) { p.IfRevision = revision }
	}
	if out, _ := mustDecide(t, s, KindPublish, publishPB("three", at(1))); fault.CodeOf(out.Err()) != CodeCAS {
		t.Fatalf("an old revision is refused: %+v", out)
	}
	if out, _ := mustDecide(t, s, KindPublish, publishPB("three", at(2))); out.Fault != nil {
		t.Fatalf("the right revision passes: %v", out.Fault)
	}
	mustDecide(t, s, KindRemove, &configpb.Remove{Key: keyPB(testKey)})
	if out, _ := mustDecide(t, s, KindPublish, publishPB("four", at(3))); fault.CodeOf(out.Err()) != CodeCAS || s.Get(testKey) != nil {
		t.Fatalf("what is gone has no revision: %+v", out)
	}
}

func grayPB(name string, r Rule, content string) *configpb.Publish {
	return publishPB(content, func(p *configpb.Publish) {
		p.Gray = &configpb.Gray{Name: name, Type: r.Type, Version: r.Version, Expr: r.Expr, Priority: r.Priority, MaxPerConfig: 3}
	})
}

func TestVariantsAreChosenByPriority(t *testing.T) {
	s := NewState(nil)
	mustDecide(t, s, KindPublish, publishPB("formal"))
	mustDecide(t, s, KindPublish, grayPB("tag_x", TagRule("x"), "tagged"))
	mustDecide(t, s, KindPublish, grayPB(GrayBeta, BetaRule("1.1.1.1,2.2.2.2"), "beta"))
	for _, tt := range []struct {
		name string
		c    Client
		want string
	}{
		{"anybody sees the formal content", Client{IP: "3.3.3.3"}, "formal"},
		{"a listed ip sees the beta", Client{IP: "2.2.2.2"}, "beta"},
		{"beta goes before tag", Client{IP: "1.1.1.1", Tag: "x"}, "beta"},
		{"a tag sees its variant", Client{IP: "9.9.9.9", Tag: "x"}, "tagged"},
		{"another tag sees the formal content", Client{Tag: "y"}, "formal"},
		{"part of an ip does not match", Client{IP: "1.1.1"}, "formal"},
	} {
		if got := s.Get(testKey).MD5For(tt.c); got != MD5([]byte(tt.want)) {
			t.Errorf("%s: got another md5 than that of %q", tt.name, tt.want)
		}
	}
	mustDecide(t, s, KindPublish, grayPB("tag_y", TagRule("y"), "y"))
	out, _ := mustDecide(t, s, KindPublish, grayPB("tag_z", TagRule("z"), "z"))
	if fault.CodeOf(out.Err()) != CodeGrayTooMany {
		t.Errorf("a variant above the limit is refused: %+v", out)
	}
	out, changes := mustDecide(t, s, KindRemove, &configpb.Remove{Key: keyPB(testKey), Actor: &configpb.Actor{}})
	if !out.Existed || s.Get(testKey) != nil || len(changes) != 8 {
		t.Errorf("removing the formal content removes the variants: %d changes, left %+v", len(changes), s.Get(testKey))
	}
}

func TestPublishMany(t *testing.T) {
	item := func(id, content string) *configpb.Publish {
		return publishPB(content, func(p *configpb.Publish) { p.Key.DataId = id })
	}
	for _, tt := range []struct {
		policy configpb.IfPresent
		want   string
	}{
		{configpb.IfPresent_UPDATE, "a=new b=new c=new"},
		{configpb.IfPresent_SKIP, "a=new b=old c=new"},
		{configpb.IfPresent_ABORT, "a=new b=old c="},
	} {
		s := NewState(nil)
		mustDecide(t, s, KindPublish, item("b", "old"))
		mustDecide(t, s, KindPublishMany, &configpb.PublishMany{IfPresent: tt.policy, Items: []*configpb.Publish{item("a", "new"), item("b", "new"), item("c", "new")}})
		got := ""
		for _, id := range []string{"a", "b", "c"} {
			v := ""
			if it := s.Get(key("public", "g", id)); it != nil {
				v = string(it.Formal.Content)
			}
			got += fmt.Sprintf("%s=%s ", id, v)
		}
		if got != tt.want+" " {
			t.Errorf("%v: got %s, want %s", tt.policy, got, tt.want)
		}
	}
}

func TestQuota(t *testing.T) {
	q := &configpb.Quota{Check: true, Group: 2, Namespace: 1, Cluster: 4, MaxSize: 5}
	in := func(ns, group, id, content string) *configpb.Publish {
		return publishPB(content, func(p *configpb.Publish) { p.Key = &configpb.Key{Namespace: ns, Group: group, DataId: id}; p.Quota = q })
	}
	s := NewState(nil)
	for _, tt := range []struct {
		name string
		p    *configpb.Publish
		want fault.Code
	}{
		{"the first of a group", in("public", "g", "1", "x"), ""},
		{"the second of a group", in("public", "g", "2", "x"), ""},
		{"the third of a group of two", in("public", "g", "3", "x"), CodeQuotaGroup},
		{"an update of a full group", in("public", "g", "2", "y"), ""},
		{"a content above the size", in("public", "g", "2", "123456"), CodeMaxSize},
		{"the first of a namespace", in("n", "g", "1", "x"), ""},
		{"the second of a namespace of one", in("n", "g", "2", "x"), CodeQuotaNamespace},
		{"the fourth of the cluster", in("m", "g", "1", "x"), ""},
		{"the fifth of a cluster of four", in("o", "g", "1", "x"), CodeQuotaCluster},
	} {
		if out, _ := mustDecide(t, s, KindPublish, tt.p); fault.CodeOf(out.Err()) != tt.want {
			t.Errorf("%s: got %q (%v), want %q", tt.name, fault.CodeOf(out.Err()), out.Err(), tt.want)
		}
	}
	n := int64(10)
	mustDecide(t, s, KindSetCapacity, &configpb.SetCapacity{Of: &configpb.SetCapacity_Group{Group: ""}, Quota: &n})
	mustDecide(t, s, KindSetCapacity, &configpb.SetCapacity{Of: &configpb.SetCapacity_Namespace{Namespace: "n"}, Quota: &n})
	if out, _ := mustDecide(t, s, KindPublish, in("n", "g", "2", "x")); out.Fault != nil {
		t.Errorf("a raised quota lets in: %v", out.Fault)
	}
}

// drawCommand draws any command over few keys, so that commands meet each other.
func drawCommand(rt *rapid.T) (journal.Kind, proto.Message) {
	drawKey := func() *configpb.Key {
		return &configpb.Key{
			Namespace: rapid.SampledFrom([]string{"public", "n"}).Draw(rt, "ns"),
			Group:     rapid.SampledFrom([]string{"g", "h"}).Draw(rt, "group"), DataId: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "id"),
		}
	}
	publish := func() *configpb.Publish {
		p := publishPB(rapid.SampledFrom([]string{"1", "2", "three"}).Draw(rt, "content"), func(p *configpb.Publish) {
			if rapid.Bool().Draw(rt, "note") {
				p.Note = Note{Comment: "c", From: 3}.pb()
			}
			p.Key, p.AtMs = drawKey(), rapid.Int64Range(1, 100).Draw(rt, "at")
			if rapid.Bool().Draw(rt, "cas") {
				p.CasMd5 = MD5([]byte(rapid.SampledFrom([]string{"1", "2"}).Draw(rt, "held")))
			}
			if rapid.Bool().Draw(rt, "tags") {
				p.Attributes.TagsGiven, p.Attributes.Tags = true, rapid.SliceOfN(rapid.SampledFrom([]string{"x", "y"}), 0, 2).Draw(rt, "tag")
			}
			if rapid.Bool().Draw(rt, "quota") {
				p.Quota = &configpb.Quota{Check: true, Group: 2, Namespace: 2, Cluster: 5, MaxSize: 4}
			}
			switch rapid.IntRange(0, 5).Draw(rt, "gray") {
			case 0:
				p.Gray = &configpb.Gray{Name: GrayBeta, Type: RuleBeta, Version: RuleVersion, Expr: "1.1.1.1", Priority: PriorityBeta, MaxPerConfig: 2}
			case 1:
				p.Gray = &configpb.Gray{Name: "tag_x", Type: RuleTag, Version: RuleVersion, Expr: "x", Priority: PriorityTag, MaxPerConfig: 2}
			}
		})
		return p
	}
	switch rapid.IntRange(0, 10).Draw(rt, "kind") {
	case 0:
		return KindRemove, &configpb.Remove{Key: drawKey(), GrayName: rapid.SampledFrom([]string{"", "", GrayBeta, "tag_x"}).Draw(rt, "grayName")}
	case 1:
		return KindRemoveMany, &configpb.RemoveMany{Items: []*configpb.Remove{{Key: drawKey(), Id: rapid.Int64Range(0, 5).Draw(rt, "rid")}, {Key: drawKey()}}}
	case 2:
		return KindPublishMany, &configpb.PublishMany{IfPresent: configpb.IfPresent(rapid.IntRange(0, 2).Draw(rt, "policy")), Items: []*configpb.Publish{publish(), publish()}}
	case 3:
		n := rapid.Int64Range(1, 4).Draw(rt, "limit")
		return KindSetCapacity, &configpb.SetCapacity{Of: &configpb.SetCapacity_Namespace{Namespace: "n"}, Quota: &n}
	case 4:
		return KindTrimHistory, &configpb.TrimHistory{BeforeMs: rapid.Int64Range(1, 100).Draw(rt, "before"), Limit: 10}
	case 5:
		return KindPromote, &configpb.Promote{
			Key: drawKey(), GrayName: rapid.SampledFrom([]string{GrayBeta, "tag_x"}).Draw(rt, "promoted"), AtMs: 7,
			IfRevision: rapid.Uint64Range(0, 20).Draw(rt, "if"), Quota: &configpb.Quota{Check: true, Cluster: 5, MaxSize: 4},
		}
	}
	return KindPublish, publish()
}

func TestTheSameCommandsLeadToTheSameStateAndChanges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := NewState(nil), NewState(nil)
		for range rapid.IntRange(1, 60).Draw(rt, "n") {
			kind, m := drawCommand(rt)
			cmd := command(t, kind, m)
			outA, changesA, errA := a.Decide(cmd)
			outB, changesB, errB := b.Decide(cmd)
			if errA != nil || errB != nil {
				rt.Fatal(errA, errB)
			}
			if !reflect.DeepEqual(outA, outB) || !reflect.DeepEqual(changesA, changesB) {
				rt.Fatalf("decisions differ: %+v and %+v", outA, outB)
			}
			checkCounts(rt, a)
		}
		if !reflect.DeepEqual(dump(a), dump(b)) || a.Counters() != b.Counters() {
			rt.Fatal("states differ")
		}
	})
}

func dump(s *State) map[Key]Item {
	all := make(map[Key]Item)
	s.Each(func(k Key, it *Item) bool {
		one := *it
		if len(one.Grays) == 0 {
			one.Grays = nil // an empty list is none
		}
		all[k] = one
		return true
	})
	return all
}

// checkCounts compares the running counts with what is held.
func checkCounts(rt *rapid.T, s *State) {
	var configs, grays, bytes int64
	perNS := map[string]int64{}
	for k, it := range dump(s) {
		if it.Formal != nil {
			configs++
			perNS[k.Namespace]++
			bytes += int64(len(it.Formal.Content))
		}
		for _, g := range it.Grays {
			grays++
			bytes += int64(len(g.Content))
		}
	}
	if got := s.Stats(); got != (Stats{Configs: configs, Grays: grays, Bytes: bytes}) {
		rt.Fatalf("counted %+v, held are %d configs, %d grays, %d bytes", got, configs, grays, bytes)
	}
	for ns, n := range perNS {
		if s.CountIn(ns) != n {
			rt.Fatalf("counted %d in %s, held are %d", s.CountIn(ns), ns, n)
		}
	}
}

func TestReplaceTellsOfEachKeyThatDiffers(t *testing.T) {
	told := map[Key]int{}
	s := NewState(func(k Key, _, _ *Item) { told[k]++ })
	put := func(s *State, id, content string) {
		mustDecide(t, s, KindPublish, publishPB(content, func(p *configpb.Publish) { p.Key.DataId = id }))
	}
	for _, id := range []string{"same", "other", "gone"} {
		put(s, id, "v1")
	}
	clear(told)
	from := NewState(nil)
	put(from, "same", "v1")
	put(from, "other", "v2")
	put(from, "new", "v1")
	s.Replace(from)
	want := map[Key]int{key("public", "g", "other"): 1, key("public", "g", "gone"): 1, key("public", "g", "new"): 1}
	if !reflect.DeepEqual(told, want) {
		t.Errorf("told of %v, want %v", told, want)
	}
	if s.Stats().Configs != 3 || s.Get(key("public", "g", "gone")) != nil {
		t.Errorf("after the replacement: %+v", s.Stats())
	}
}

func TestACommandThatCannotBeDecodedIsAnError(t *testing.T) {
	for _, cmd := range []journal.Command{{Kind: KindPublish, Body: []byte{0xff}}, {Kind: 1}} {
		if _, _, err := NewState(nil).Decide(cmd); err == nil {
			t.Errorf("command %v was decided", cmd)
		}
		if _, err := Touches(cmd); err == nil {
			t.Errorf("command %v touches something", cmd)
		}
	}
}
