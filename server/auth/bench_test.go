package auth

import (
	"testing"
	"time"

	"nacre/server/clock"
)

// BenchmarkEnter is what each request of the console pays, with as many sessions as there may be.
func BenchmarkEnter(b *testing.B) {
	s, state := New(clock.NewFixed(time.UnixMilli(1)), Options{})
	state.LoadUser(&User{Name: "u"})
	for i := range maxOfAll {
		state.LoadSession(&Session{ID: IDOf(string(rune(i))), User: "u", ExpiresMs: 1 << 60})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := s.Enter("\x01"); !ok {
			b.Fatal("not found")
		}
	}
}

// BenchmarkCheckPassword is what a new password costs beside its hash.
func BenchmarkCheckPassword(b *testing.B) {
	for b.Loop() {
		if err := CheckPassword("admin", right); err != nil {
			b.Fatal(err)
		}
	}
}
