package auth

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"nacre/server/auth/authpb"
	"nacre/server/fault"
	"nacre/server/journal"
)

func TestCommandsThatCannotBeReadAreErrors(t *testing.T) {
	s := NewState()
	for _, cmd := range []journal.Command{{Kind: 1}, {Kind: KindOpen, Body: []byte{0xff}}, {Kind: KindAdopt + 1}} {
		if _, _, err := s.Decide(cmd); err == nil {
			t.Errorf("%v is decided", cmd)
		}
	}
}

func TestALoginThatAChangedPasswordOvertakesIsRefused(t *testing.T) {
	s := NewState()
	s.LoadUser(&User{Name: "u", Hash: "new"})
	for _, m := range []*authpb.Open{
		{Session: &authpb.Session{Id: "s", User: "u"}, IfHash: "old"},
		{Session: &authpb.Session{Id: "s", User: "gone"}, IfHash: "new"},
	} {
		body, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		out, changes, err := s.Decide(journal.Command{Kind: KindOpen, Body: body})
		if err != nil || fault.CodeOf(out.Err()) != CodeLogin || len(changes) != 0 || len(s.Sessions("")) != 0 {
			t.Errorf("%v: %v %v %v", m, out, changes, err)
		}
	}
}

func TestReplacedStateKeepsWhenSessionsWereUsed(t *testing.T) {
	s, fresh := NewState(), NewState()
	for _, state := range []*State{s, fresh} {
		state.LoadUser(&User{Name: "u"})
		state.LoadSession(&Session{ID: "a", User: "u", ExpiresMs: 100})
	}
	s.LoadSession(&Session{ID: "b", User: "u", ExpiresMs: 100})
	if _, _, ok := s.enter([]byte("a"), 50); !ok {
		t.Fatal("not entered")
	}
	s.Replace(fresh)
	if _, _, ok := s.enter([]byte("b"), 50); ok || s.lastSeen("a") != 50 {
		t.Errorf("b enters: %v, a was seen at %d", ok, s.lastSeen("a"))
	}
	s.LoadSession(&Session{ID: "c", User: "gone", ExpiresMs: 100})
	if _, _, ok := s.enter([]byte("c"), 50); ok {
		t.Error("a session without a user enters")
	}
}

func FuzzCommandsAreDecidedOrRefused(f *testing.F) {
	f.Add(uint16(KindOpen), []byte("\n\x00"))
	f.Add(uint16(KindAddFirst), []byte("\n\x01u"))
	f.Fuzz(func(t *testing.T, kind uint16, body []byte) {
		s := NewState()
		s.LoadUser(&User{Name: "u", Hash: ""})
		_, _, _ = s.Decide(journal.Command{Kind: KindAddFirst + journal.Kind(kind%7), Body: body})
	})
}
