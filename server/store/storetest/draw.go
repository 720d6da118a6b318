package storetest

import (
	"crypto/md5"
	"encoding/hex"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"nacre/server/config"
	"nacre/server/config/configpb"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/namespace/namespacepb"
)

// command is one that was drawn. Ids in it are the model's: each backend has its own.
type command struct {
	kind journal.Kind
	msg  proto.Message
}

// encode returns the command for a backend whose ids id translates to.
func (c command) encode(id func(int64) int64) (journal.Command, error) {
	msg := c.msg
	if m, ok := msg.(*configpb.RemoveMany); ok {
		m = proto.Clone(m).(*configpb.RemoveMany)
		for _, r := range m.Items {
			r.Id = id(r.Id)
		}
		msg = m
	}
	body, err := proto.Marshal(msg)
	return journal.Command{Kind: c.kind, Body: body}, err
}

// usesIDs reports whether the command names rows by ids, which a group before it must have brought.
func (c command) usesIDs() bool {
	_, ok := c.msg.(*configpb.RemoveMany)
	return ok
}

// Few names, so that commands meet each other; some differ by case or only in one part.
var (
	namespaces = []string{"public", "n", "N"}
	groups     = []string{"g", "G", "h"}
	dataIDs    = []string{"a", "A", "b.yml"}
	contents   = []string{"1", "2", "drei ÄÖ", "four 🦪 'quoted' \\ \x00", "line\r\nline\n"}
	users      = []string{"", "alice", "bob"}
	tags       = []string{"x", "X", "y"}
)

func draw(rt *rapid.T) command {
	switch rapid.IntRange(0, 25).Draw(rt, "kind") {
	case 0, 1, 2:
		return command{config.KindRemove, drawRemove(rt)}
	case 3, 4:
		m := &configpb.RemoveMany{}
		for range rapid.IntRange(1, 3).Draw(rt, "removes") {
			r := drawRemove(rt)
			r.GrayName, r.Id = "", rapid.Int64Range(0, 6).Draw(rt, "id")
			m.Items = append(m.Items, r)
		}
		return command{config.KindRemoveMany, m}
	case 5, 6:
		m := &configpb.PublishMany{IfPresent: configpb.IfPresent(rapid.IntRange(0, 2).Draw(rt, "policy"))}
		for range rapid.IntRange(1, 4).Draw(rt, "items") {
			m.Items = append(m.Items, drawPublish(rt))
		}
		return command{config.KindPublishMany, m}
	case 7:
		return command{config.KindSetCapacity, drawCapacity(rt)}
	case 8:
		return command{config.KindTrimHistory, &configpb.TrimHistory{BeforeMs: drawTime(rt), Limit: rapid.Int64Range(1, 4).Draw(rt, "limit")}}
	case 9, 10:
		return command{namespace.KindCreate, &namespacepb.Create{Id: drawNamespace(rt), Name: "name", Desc: rapid.SampledFrom(users).Draw(rt, "desc"),
			AtMs: drawTime(rt), MaxCount: rapid.SampledFrom([]int64{0, 1, 2, 100}).Draw(rt, "most")}}
	case 11:
		return command{namespace.KindUpdate, &namespacepb.Update{Id: drawNamespace(rt), Name: "other", AtMs: drawTime(rt)}}
	case 12, 13:
		return command{namespace.KindRemove, &namespacepb.Remove{Id: drawNamespace(rt)}}
	case 14, 15:
		return command{config.KindPromote, &configpb.Promote{
			Key: drawKey(rt), GrayName: drawGrayName(rt), Actor: drawActor(rt), AtMs: drawTime(rt), Quota: drawQuota(rt), Note: drawNote(rt),
			IfRevision: rapid.SampledFrom([]uint64{0, 0, 3, 10, 40, 1000}).Draw(rt, "if revision"),
		}}
	}
	return command{config.KindPublish, drawPublish(rt)}
}

// drawTime draws whole seconds: a datetime of Nacos' tables holds no more.
func drawTime(rt *rapid.T) int64 {
	return (1_700_000_000 + rapid.Int64Range(1, 50).Draw(rt, "at")) * 1000
}

func drawNamespace(rt *rapid.T) string {
	return rapid.SampledFrom(namespaces[1:]).Draw(rt, "namespace")
}

func drawKey(rt *rapid.T) *configpb.Key {
	return &configpb.Key{
		Namespace: rapid.SampledFrom(namespaces).Draw(rt, "tenant"), Group: rapid.SampledFrom(groups).Draw(rt, "group"),
		DataId: rapid.SampledFrom(dataIDs).Draw(rt, "dataId"),
	}
}

func drawActor(rt *rapid.T) *configpb.Actor {
	return &configpb.Actor{User: rapid.SampledFrom(users).Draw(rt, "user"), Ip: "10.0.0.1"}
}

func drawPublish(rt *rapid.T) *configpb.Publish {
	optional := func(name string) *string {
		if rapid.Bool().Draw(rt, "has "+name) {
			return proto.String(rapid.SampledFrom(users).Draw(rt, name))
		}
		return nil
	}
	content := rapid.SampledFrom(contents).Draw(rt, "content")
	p := &configpb.Publish{
		Key: drawKey(rt), Content: []byte(content), Md5: digest(content), Actor: drawActor(rt), AtMs: drawTime(rt), Quota: drawQuota(rt), Note: drawNote(rt),
		Attributes: &configpb.Attributes{
			Type: rapid.SampledFrom([]string{"text", "yaml"}).Draw(rt, "type"), AppName: optional("app"), Desc: optional("desc"),
			Use: optional("use"), Effect: optional("effect"), Schema: optional("schema"), EncryptedDataKey: rapid.SampledFrom(users).Draw(rt, "key"),
		},
	}
	if rapid.Bool().Draw(rt, "tags given") {
		p.Attributes.TagsGiven = true
		p.Attributes.Tags = rapid.SliceOfNDistinct(rapid.SampledFrom(tags), 0, 3, rapid.ID[string]).Draw(rt, "tags")
	}
	if rapid.Bool().Draw(rt, "cas") {
		p.CasMd5 = digest(rapid.SampledFrom(contents).Draw(rt, "held"))
	}
	rule := func(name string, r config.Rule) *configpb.Gray {
		return &configpb.Gray{Name: name, Type: r.Type, Version: r.Version, Expr: r.Expr, Priority: r.Priority, MaxPerConfig: 2}
	}
	switch rapid.IntRange(0, 7).Draw(rt, "gray") {
	case 0:
		p.Gray = rule(config.GrayBeta, config.BetaRule("1.1.1.1,2.2.2.2"))
	case 1:
		p.Gray = rule("tag_x", config.TagRule("x"))
	case 2:
		p.Gray = rule("tag_X", config.TagRule("X"))
	}
	return p
}

func drawRemove(rt *rapid.T) *configpb.Remove {
	return &configpb.Remove{
		Key: drawKey(rt), GrayName: rapid.SampledFrom([]string{"", "", config.GrayBeta, "tag_x"}).Draw(rt, "grayName"), Actor: drawActor(rt), AtMs: drawTime(rt), Note: drawNote(rt),
	}
}

func drawGrayName(rt *rapid.T) string {
	return rapid.SampledFrom([]string{config.GrayBeta, "tag_x", "tag_X"}).Draw(rt, "variant")
}

func drawQuota(rt *rapid.T) *configpb.Quota {
	if !rapid.Bool().Draw(rt, "quota") {
		return nil
	}
	return &configpb.Quota{Check: true, Group: rapid.Int64Range(0, 2).Draw(rt, "group quota"), Namespace: rapid.Int64Range(0, 3).Draw(rt, "namespace quota"),
		Cluster: rapid.SampledFrom([]int64{0, 5, 9}).Draw(rt, "cluster quota"), MaxSize: rapid.SampledFrom([]int64{0, 0, 0, 5}).Draw(rt, "size")}
}

func drawNote(rt *rapid.T) *configpb.Note {
	if !rapid.Bool().Draw(rt, "note") {
		return nil
	}
	return &configpb.Note{Comment: rapid.SampledFrom([]string{"", "why not", "因为 🦪"}).Draw(rt, "comment"),
		Kind: rapid.SampledFrom([]string{"", config.NoteRestore}).Draw(rt, "note kind"), From: rapid.SampledFrom([]uint64{0, 7}).Draw(rt, "from")}
}

func drawCapacity(rt *rapid.T) *configpb.SetCapacity {
	number := func(name string) *int64 {
		if rapid.Bool().Draw(rt, "has "+name) {
			return proto.Int64(rapid.Int64Range(0, 6).Draw(rt, name))
		}
		return nil
	}
	c := &configpb.SetCapacity{Quota: number("quota"), MaxSize: number("maxSize"), MaxAggrCount: number("aggr"), MaxAggrSize: number("aggrSize"), AtMs: drawTime(rt)}
	if rapid.Bool().Draw(rt, "of a namespace") {
		c.Of = &configpb.SetCapacity_Namespace{Namespace: drawNamespace(rt)}
	} else {
		c.Of = &configpb.SetCapacity_Group{Group: rapid.SampledFrom([]string{"", "g", "h"}).Draw(rt, "of group")}
	}
	return c
}

func digest(content string) string {
	sum := md5.Sum([]byte(content))
	return hex.EncodeToString(sum[:])
}
