package auth

import (
	"strings"
	"testing"

	"nacre/server/fault"
)

func TestNewPasswordsAreLongAndNotTriedFirst(t *testing.T) {
	for _, tt := range []struct {
		name, user, password string
		ok                   bool
	}{
		{"none", "admin", "", false},
		{"eleven characters", "admin", "ktl9w!Zqe4x", false},
		{"twelve characters of no pattern", "admin", "ktl9w!Zqe4xp", true},
		{"four words", "admin", "correct horse battery staple", true},
		{"eleven Chinese characters", "admin", "珍珠母贝壳海洋深处的光", false},
		{"twelve Chinese characters", "admin", "珍珠母贝壳海洋深处的光芒", true},
		{"eight characters of no pattern, over and over", "admin", strings.Repeat("kQ7w!Zx9", 9), true},
		{"72 bytes", "admin", strings.Repeat("kQ7w!Zx9", 8) + "hT4%nB2m", true},
		{"73 bytes", "admin", strings.Repeat("kQ7w!Zx9", 8) + "hT4%nB2mX", false},
		{"one character", "admin", "aaaaaaaaaaaaaaa", false},
		{"two characters in turn", "admin", "abababababababab", false},
		{"digits in order", "admin", "123456789012", false},
		{"the alphabet", "admin", "abcdefghijkl", false},
		{"a row of keys and back", "admin", "qwertyuiopoiuytrewq", false},
		{"rows of keys", "admin", "Qwertyuiop[]asdfghjkl", false},
		{"columns of keys", "admin", "1qaz2wsx3edc", false},
		{"a common one", "admin", "passwordpassword", false},
		{"a common one in disguise", "admin", "P@ssw0rd1234", false},
		{"a common one twice", "admin", "dragonmonkey", false},
		{"the product and digits", "admin", "nacos1234567", false},
		{"our name and a year", "admin", "Nacre2026!!!", false},
		{"the name and digits", "wilhelmina", "Wilhelmina123", false},
		{"the name backwards", "wilhelmina", "animlehliw12", false},
		{"the name twice", "wilhelm", "wilhelmwilhelm", false},
		{"that name for somebody else", "admin", "Wilhelmina!x7k", true},
		{"no UTF-8", "admin", "ktl9w!Zqe4xp\xff", false},
		{"a zero byte", "admin", "ktl9w!Z\x00qe4xp", false},
	} {
		err := CheckPassword(tt.user, tt.password)
		if (err == nil) != tt.ok || err != nil && (fault.KindOf(err) != fault.Invalid || fault.CodeOf(err) != CodePassword) {
			t.Errorf("%s: %q: %v", tt.name, tt.password, err)
		}
	}
}

func TestEveryCommonPasswordIsRefused(t *testing.T) {
	for p := range common() {
		if CheckPassword("admin", p) == nil {
			t.Errorf("%q is taken", p)
		}
	}
	if n := len(common()); n < 9_000 {
		t.Errorf("the list has %d passwords", n)
	}
}

func FuzzPasswordsAreCheckedInTime(f *testing.F) {
	f.Add("admin", "correct horse battery staple")
	f.Fuzz(func(t *testing.T, name, password string) {
		if err := CheckPassword(name, password); err != nil && fault.KindOf(err) != fault.Invalid {
			t.Fatal(err)
		}
	})
}
