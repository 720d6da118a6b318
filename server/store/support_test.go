package store

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"nacre/server/auth"
	"nacre/server/auth/authpb"
	"nacre/server/config"
	"nacre/server/config/configpb"
	"nacre/server/draft"
	"nacre/server/draft/draftpb"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/namespace/namespacepb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// machine decides commands as a node does and remembers every row of history as the model of the image.
type machine struct {
	configs    *config.State
	namespaces *namespace.State
	users      *auth.State
	drafts     *draft.State
	history    []*config.History
	index      uint64
}

func newMachine() *machine {
	return &machine{configs: config.NewState(nil), namespaces: namespace.NewState(), users: auth.NewState(), drafts: draft.NewState()}
}

// apply decides one group of commands and returns its changes.
func (m *machine) apply(t interface{ Fatal(...any) }, group []journal.Command) (uint64, []journal.Change) {
	m.index++
	var all []journal.Change
	for _, cmd := range group {
		var changes []journal.Change
		var err error
		switch {
		case config.Owns(cmd.Kind):
			_, changes, err = m.configs.Decide(cmd)
		case auth.Owns(cmd.Kind):
			_, changes, err = m.users.Decide(cmd)
		case draft.Owns(cmd.Kind):
			_, changes, err = m.drafts.Decide(cmd)
		default:
			_, changes, err = m.namespaces.Decide(cmd)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			switch c := c.(type) {
			case config.HistoryAdded:
				m.history = append(m.history, c.Row)
			case config.HistoryTrimmed:
				m.trim(c)
			}
		}
		all = append(all, changes...)
	}
	return m.index, all
}

func (m *machine) trim(c config.HistoryTrimmed) {
	for range c.Limit {
		oldest := -1
		for i, h := range m.history {
			if h.ModifiedMs < c.BeforeMs && (oldest < 0 || h.ModifiedMs < m.history[oldest].ModifiedMs) {
				oldest = i
			}
		}
		if oldest < 0 {
			return
		}
		m.history = append(m.history[:oldest:oldest], m.history[oldest+1:]...)
	}
}

func command(kind journal.Kind, m proto.Message) journal.Command {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(err)
	}
	return journal.Command{Kind: kind, Body: b}
}

func digestOf(content []byte) string {
	sum := md5.Sum(content)
	return hex.EncodeToString(sum[:])
}

func publish(key config.Key, content string, atMs int64) *configpb.Publish {
	return &configpb.Publish{
		Key:     &configpb.Key{Namespace: key.Namespace, Group: key.Group, DataId: key.DataID},
		Content: []byte(content), Md5: digestOf([]byte(content)), AtMs: atMs,
		Actor: &configpb.Actor{User: "nacos", Ip: "10.0.0.1"}, Attributes: &configpb.Attributes{Type: "text"},
	}
}

var (
	anyContent = rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 200), func(b []byte) string { return string(b) }),
		rapid.Just(string(bytes.Repeat([]byte("large "), 3000))))
	anyText = rapid.OneOf(rapid.Just(""), rapid.StringN(0, 20, 60), rapid.SampledFrom([]string{"a", "ä", "a\x00b", "\xff"}))
)

func anyKey(t *rapid.T) *configpb.Key {
	return &configpb.Key{
		Namespace: rapid.SampledFrom([]string{"public", "dev"}).Draw(t, "namespace"),
		Group:     rapid.SampledFrom([]string{"DEFAULT_GROUP", "g"}).Draw(t, "group"),
		DataId:    rapid.SampledFrom([]string{"a", "b", "c.yaml"}).Draw(t, "dataId"),
	}
}

func anyOptional(t *rapid.T, label string) *string {
	if rapid.Bool().Draw(t, label+" given") {
		s := valid(anyText.Draw(t, label))
		return &s
	}
	return nil
}

// valid makes s fit a protobuf string; contents need not be valid.
func valid(s string) string { return string(bytes.ToValidUTF8([]byte(s), []byte("?"))) }

func anyPublish(t *rapid.T) *configpb.Publish {
	content := []byte(anyContent.Draw(t, "content"))
	p := &configpb.Publish{
		Key: anyKey(t), Content: content, Md5: digestOf(content), AtMs: rapid.Int64Range(1, 1000).Draw(t, "at"),
		Actor: &configpb.Actor{User: valid(anyText.Draw(t, "user")), Ip: "10.0.0.1"},
		Attributes: &configpb.Attributes{
			Type: rapid.SampledFrom([]string{"text", "yaml"}).Draw(t, "type"), AppName: anyOptional(t, "app"), Desc: anyOptional(t, "desc"),
			Use: anyOptional(t, "use"), Effect: anyOptional(t, "effect"), Schema: anyOptional(t, "schema"),
			EncryptedDataKey: valid(anyText.Draw(t, "data key")),
		},
	}
	if p.Attributes.TagsGiven = rapid.Bool().Draw(t, "tags given"); p.Attributes.TagsGiven {
		p.Attributes.Tags = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"x", "y", "zz", "Ä"}), 0, 3, rapid.ID).Draw(t, "tags")
	}
	if rapid.IntRange(0, 3).Draw(t, "gray") == 0 {
		r := config.BetaRule("10.0.0.9")
		name := config.GrayBeta
		if rapid.Bool().Draw(t, "tag gray") {
			r, name = config.TagRule("t"), "tag_t"
		}
		p.Gray = &configpb.Gray{Name: name, Type: r.Type, Version: r.Version, Expr: r.Expr, Priority: r.Priority}
	}
	return p
}

func anyCommand(t *rapid.T) journal.Command {
	at := rapid.Int64Range(1, 1000).Draw(t, "now")
	switch rapid.IntRange(0, 15).Draw(t, "kind") {
	case 13, 14, 15:
		return anyOfPeople(t, at)
	case 4:
		return command(config.KindPromote, &configpb.Promote{Key: anyKey(t), AtMs: at, Actor: &configpb.Actor{User: "u", Ip: "1.1.1.1"},
			GrayName: rapid.SampledFrom([]string{"beta", "tag_t"}).Draw(t, "promoted"), Note: &configpb.Note{Comment: valid(anyText.Draw(t, "comment"))}})
	case 0:
		return command(config.KindRemove, &configpb.Remove{Key: anyKey(t), AtMs: at, Actor: &configpb.Actor{User: "u", Ip: "1.1.1.1"},
			GrayName: rapid.SampledFrom([]string{"", "", "beta", "tag_t"}).Draw(t, "gray name")})
	case 1:
		limit := rapid.Int64Range(0, 5).Draw(t, "limit")
		return command(config.KindTrimHistory, &configpb.TrimHistory{BeforeMs: at, Limit: limit})
	case 2:
		n := rapid.Int64Range(1, 100).Draw(t, "quota")
		c := &configpb.SetCapacity{AtMs: at, Quota: &n}
		if rapid.Bool().Draw(t, "of a group") {
			c.Of = &configpb.SetCapacity_Group{Group: rapid.SampledFrom([]string{"", "g"}).Draw(t, "group")}
		} else {
			c.Of = &configpb.SetCapacity_Namespace{Namespace: "dev"}
		}
		return command(config.KindSetCapacity, c)
	case 3:
		id := rapid.SampledFrom([]string{"dev", "test"}).Draw(t, "id")
		switch rapid.IntRange(0, 2).Draw(t, "what") {
		case 0:
			return command(namespace.KindRemove, &namespacepb.Remove{Id: id})
		case 1:
			return command(namespace.KindUpdate, &namespacepb.Update{Id: id, Name: valid(anyText.Draw(t, "name")), AtMs: at})
		}
		return command(namespace.KindCreate, &namespacepb.Create{Id: id, Name: valid(anyText.Draw(t, "name")), Desc: "d", AtMs: at})
	}
	return command(config.KindPublish, anyPublish(t))
}

// anyOfPeople draws a command of users, sessions or drafts.
func anyOfPeople(t *rapid.T, at int64) journal.Command {
	user := rapid.SampledFrom([]string{"u", "v"}).Draw(t, "user")
	id := rapid.SampledFrom([]string{"s", "t"}).Draw(t, "session")
	of := &draftpb.Of{User: user, Namespace: "public", Group: "g", DataId: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "dataId")}
	session := &authpb.Session{Id: id, User: "u", Agent: valid(anyText.Draw(t, "agent")), CreatedMs: at, ExpiresMs: at + 1}
	switch rapid.IntRange(0, 6).Draw(t, "of people") {
	case 0, 1:
		return command(auth.KindAddFirst, &authpb.AddFirst{Name: "u", Hash: "h", Roles: []string{"a", "b"}, AtMs: at, Session: session})
	case 2:
		return command(auth.KindOpen, &authpb.Open{Session: session, IfHash: "h"})
	case 3:
		return command(auth.KindEnd, &authpb.End{Id: id})
	case 4:
		return command(draft.KindDrop, &draftpb.Drop{Of: of})
	}
	d := draft.Draft{Content: []byte(anyContent.Draw(t, "content")), Desc: valid(anyText.Draw(t, "desc"))}
	return command(draft.KindSave, &draftpb.Save{Of: of, Content: d.Content, Desc: d.Desc, Digest: d.Digest(), AtMs: at,
		IfVersion: rapid.SampledFrom([]uint64{0, 1, 2}).Draw(t, "version")})
}

func openImage(t testing.TB, cfg Config) *Image {
	t.Helper()
	if cfg.Path == "" {
		cfg.Path = filepath.Join(t.TempDir(), "nacre.db")
	}
	i, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.Close(); err != nil {
			t.Errorf("close the image: %v", err)
		}
	})
	return i
}

func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func dump(t interface {
	Helper()
	Fatal(...any)
}, i *Image) string {
	t.Helper()
	var b bytes.Buffer
	if err := i.Dump(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// filler makes n distinct keys for tests of size.
func filler(i int) config.Key {
	return config.Key{Namespace: "public", Group: "DEFAULT_GROUP", DataID: fmt.Sprintf("com.example.service-%06d.yaml", i)}
}
