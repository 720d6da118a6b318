package config

import (
	"reflect"
	"testing"

	"nacre/server/clock"
	"nacre/server/config/configpb"
)

func TestEachDecidedChangeIsToldOnce(t *testing.T) {
	var told []Happening
	var changed []string
	_, s := New(clock.System{}, Options{
		Happened: func(h Happening) { told = append(told, h) },
		Changed: []func(Key, *Item, *Item){
			func(_ Key, _, after *Item) { changed = append(changed, "a:"+after.MD5For(Client{})) },
			func(_ Key, _, after *Item) { changed = append(changed, "b:"+after.MD5For(Client{})) },
		},
	})
	actor := &configpb.Actor{User: "alice", Ip: "10.0.0.1"}
	mustDecide(t, s, KindPublish, publishPB("one"))
	mustDecide(t, s, KindPublish, publishPB("one")) // no client sees a difference, yet it happened
	mustDecide(t, s, KindPublish, publishPB("two", func(p *configpb.Publish) { p.CasMd5 = "wrong" }))
	mustDecide(t, s, KindPublish, publishPB("gray", func(p *configpb.Publish) {
		p.Gray = &configpb.Gray{Name: GrayBeta, Type: RuleBeta, Version: RuleVersion, Expr: "10.0.0.9"}
	}))
	mustDecide(t, s, KindRemove, &configpb.Remove{Key: keyPB(testKey), Actor: actor, AtMs: 5})
	mustDecide(t, s, KindRemove, &configpb.Remove{Key: keyPB(testKey), Actor: actor, AtMs: 6})
	what := func(op, gray string, revision uint64, content string) Happening {
		h := Happening{Key: testKey, Op: op, Gray: gray, Revision: revision, User: "alice", IP: "10.0.0.1"}
		if content != "" {
			h.MD5 = MD5([]byte(content))
		}
		return h
	}
	want := []Happening{
		what(OpInsert, "", 1, "one"), what(OpUpdate, "", 2, "one"), what(OpInsert, GrayBeta, 3, "gray"),
		what(OpDelete, "", 4, ""), what(OpDelete, GrayBeta, 4, ""),
	}
	if !reflect.DeepEqual(told, want) {
		t.Errorf("told\n%+v, want\n%+v", told, want)
	}
	one := MD5([]byte("one"))
	if want := []string{"a:" + one, "b:" + one, "a:" + one, "b:" + one, "a:", "b:"}; !reflect.DeepEqual(changed, want) {
		t.Errorf("changed %q, want %q", changed, want)
	}
}
