package namespace

import (
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"nacre/server/journal"
	"nacre/server/namespace/namespacepb"
)

func anyCommand(t *rapid.T, atMs int64) journal.Command {
	id := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "id")
	name := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "name")
	by := &namespacepb.Actor{User: "alice", Ip: "10.0.0.1"}
	kind := rapid.SampledFrom([]journal.Kind{KindCreate, KindUpdate, KindRemove}).Draw(t, "kind")
	m := map[journal.Kind]proto.Message{
		KindCreate: &namespacepb.Create{Id: id, Name: name, AtMs: atMs, Actor: by}, KindUpdate: &namespacepb.Update{Id: id, Name: name, AtMs: atMs, Actor: by},
		KindRemove: &namespacepb.Remove{Id: id, Actor: by},
	}[kind]
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return journal.Command{Kind: kind, Body: b}
}

func TestAStateThatTakesAnothersChangesIsLikeIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var decided, taken []Happening
		a, b := NewState(), NewState()
		a.happened = func(h Happening) { decided = append(decided, h) }
		b.happened = func(h Happening) { taken = append(taken, h) }
		for i := range rapid.Int64Range(1, 30).Draw(t, "n") {
			_, changes, err := a.Decide(anyCommand(t, i))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range changes {
				b.Take(c.(Change))
				b.Take(Change{Before: c.(Change).Before, After: c.(Change).After}) // once more is no news
			}
		}
		if !reflect.DeepEqual(a.All(), b.All()) || !reflect.DeepEqual(decided, taken) {
			t.Fatalf("held %v, not %v; told %v, not %v", b.All(), a.All(), taken, decided)
		}
	})
}
