package draft

import (
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"nacre/server/draft/draftpb"
	"nacre/server/journal"
)

func anyCommand(t *rapid.T) journal.Command {
	of := &draftpb.Of{User: rapid.SampledFrom([]string{"u", "v"}).Draw(t, "user"), Namespace: "public", Group: "g", DataId: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "id")}
	at := rapid.Int64Range(1, 50).Draw(t, "at")
	all := map[journal.Kind]proto.Message{
		KindSave: &draftpb.Save{Of: of, AtMs: at, Content: make([]byte, at), IfVersion: rapid.SampledFrom([]uint64{0, 1, uint64(at)}).Draw(t, "if")}, KindDrop: &draftpb.Drop{Of: of},
		KindSweep: &draftpb.Sweep{BeforeMs: at, Limit: 2},
	}
	kind := KindSave + journal.Kind(rapid.IntRange(0, int(KindSweep-KindSave)).Draw(t, "kind"))
	b, err := proto.Marshal(all[kind])
	if err != nil {
		t.Fatal(err)
	}
	return journal.Command{Kind: kind, Body: b}
}

func TestAStateThatTakesAnothersChangesIsLikeIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := NewState(), NewState()
		for _, cmd := range rapid.SliceOfN(rapid.Custom(anyCommand), 1, 40).Draw(t, "commands") {
			_, changes, err := a.Decide(cmd)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range append(changes, changes...) {
				b.Take(c.(Change))
			}
		}
		if !reflect.DeepEqual(a.All(), b.All()) || a.bytes != b.bytes || !reflect.DeepEqual(a.byKey, b.byKey) {
			t.Fatalf("held %v, not %v", b.All(), a.All())
		}
	})
}
