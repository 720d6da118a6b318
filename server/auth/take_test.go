package auth

import (
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"nacre/server/auth/authpb"
	"nacre/server/journal"
)

func anyCommand(t *rapid.T) journal.Command {
	user := rapid.SampledFrom([]string{"u", "v"}).Draw(t, "user")
	id := rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "id")
	hash := rapid.SampledFrom([]string{"h", "i"}).Draw(t, "hash")
	at := rapid.Int64Range(1, 50).Draw(t, "at")
	session := &authpb.Session{Id: id, User: user, CreatedMs: at, ExpiresMs: at + 10}
	all := map[journal.Kind]proto.Message{
		KindAddFirst: &authpb.AddFirst{Name: user, Hash: "h", AtMs: at, Session: session}, KindSetPassword: &authpb.SetPassword{Name: user, IfHash: hash, Hash: "i", AtMs: at, Keep: id},
		KindOpen: &authpb.Open{Session: session, IfHash: hash, MaxUser: 2, MaxAll: 2}, KindEnd: &authpb.End{Id: id}, KindEndAll: &authpb.EndAll{User: user, Except: id},
		KindSweep: &authpb.Sweep{AtMs: at, Limit: 2}, KindExtend: &authpb.Extend{Sessions: []*authpb.Session{{Id: id, ExpiresMs: at + 20}}},
	}
	kind := KindAddFirst + journal.Kind(rapid.IntRange(0, int(KindSweep-KindAddFirst)).Draw(t, "kind"))
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
				b.Take(c)
			}
		}
		if !reflect.DeepEqual(a.Users(), b.Users()) || !reflect.DeepEqual(a.Sessions(""), b.Sessions("")) {
			t.Fatalf("held %v %v, not %v %v", b.Users(), b.Sessions(""), a.Users(), a.Sessions(""))
		}
	})
}

func TestASessionThatIsTakenKeepsWhenItWasUsed(t *testing.T) {
	s := NewState()
	s.LoadUser(&User{Name: "u"})
	s.LoadSession(&Session{ID: "1", User: "u", ExpiresMs: 100})
	s.enter([]byte("1"), 50)
	s.Take(SessionChange{After: &Session{ID: "1", User: "u", ExpiresMs: 200}})
	if got := s.lastSeen("1"); got != 50 {
		t.Errorf("used last at %d", got)
	}
	s.Take(SessionChange{Before: &Session{ID: "1"}})
	if _, _, ok := s.enter([]byte("1"), 60); ok {
		t.Error("a session that ended elsewhere is still open here")
	}
}
