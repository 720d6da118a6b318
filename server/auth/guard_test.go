package auth

import (
	"context"
	"fmt"
	"testing"
	"time"

	"nacre/server/auth/authpb"
	"nacre/server/fault"
)

func openOf(n *authpb.Session, u *User) *authpb.Open {
	return &authpb.Open{Session: n, IfHash: u.Hash, MaxUser: maxOfUser, MaxAll: maxOfAll}
}

func TestLocksDoubleUpToAnHour(t *testing.T) {
	g, now := newGuard(5), time.UnixMilli(1_800_000_000_000)
	fail := func() error {
		end, err := g.begin("admin", now)
		if err == nil {
			end(failed)
		}
		return err
	}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		want *= time.Minute
		for i := range 5 {
			if err := fail(); err != nil {
				t.Fatalf("failure %d before a lock of %s: %v", i, want, err)
			}
		}
		if err := fail(); RetryAfter(err) != want {
			t.Fatalf("locked for %s, not %s", RetryAfter(err), want)
		}
		now = now.Add(want)
	}
	now = now.Add(2 * time.Hour)
	for range 5 {
		_ = fail()
	}
	if err := fail(); RetryAfter(err) != time.Minute {
		t.Errorf("after a quiet time: %v", err)
	}
}

func TestManyAttemptsAtOnceAreNoMoreGuesses(t *testing.T) {
	g, now := newGuard(5), time.UnixMilli(1_800_000_000_000)
	var ends []func(result)
	for {
		end, err := g.begin("admin", now)
		if err != nil {
			if len(ends) != 5 || fault.CodeOf(err) != CodeLocked {
				t.Fatal(len(ends), err)
			}
			break
		}
		ends = append(ends, end)
	}
	ends[0](unknown)
	if _, err := g.begin("admin", now); err != nil {
		t.Error("one that said nothing counts:", err)
	}
	if _, err := g.begin("eve", now); err != nil {
		t.Error("another name:", err)
	}
}

func TestWhoPassesIsForgiven(t *testing.T) {
	g, now := newGuard(5), time.UnixMilli(1_800_000_000_000)
	for i := range 50 {
		end, err := g.begin("admin", now)
		if err != nil {
			t.Fatal(i, err)
		}
		if i%5 == 4 {
			end(passed)
		} else {
			end(failed)
		}
	}
}

func TestAGuardRemembersABoundedNumber(t *testing.T) {
	g, now := newGuard(1), time.UnixMilli(1_800_000_000_000)
	for i := range maxGuarded + 10 {
		end, err := g.begin(fmt.Sprint(i), now)
		if err != nil {
			t.Fatal(err)
		}
		end(failed)
		if _, err := g.begin("0", now); i > 0 && err == nil {
			t.Fatal("one that is asked for is forgotten, at", i)
		}
	}
	if len(g.byKey) != maxGuarded || g.order.Len() != maxGuarded {
		t.Error(len(g.byKey), g.order.Len())
	}
}

func TestAddressesOfOneCustomerCountAsOne(t *testing.T) {
	for _, tt := range []struct{ ip, want string }{
		{"10.1.2.3", "10.1.2.3"},
		{"::ffff:10.1.2.3", "10.1.2.3"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"fe80::1%eth0", "fe80::/64"},
		{"", ""},
		{"@", "@"},
	} {
		if got := network(tt.ip); got != tt.want {
			t.Errorf("%q counts as %q, not %q", tt.ip, got, tt.want)
		}
	}
}

func TestPasswordsAreHashedTwoAtOnceAndOthersWaitInABoundedLine(t *testing.T) {
	g := newGate()
	for range atOnce {
		if _, err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error, inLine)
	for range inLine {
		go func() {
			_, err := g.enter(ctx)
			waiting <- err
		}()
	}
	for len(g.line) < cap(g.line) {
		time.Sleep(time.Millisecond)
	}
	if _, err := g.enter(t.Context()); fault.CodeOf(err) != CodeBusy || fault.KindOf(err) != fault.Limited {
		t.Error(err)
	}
	cancel()
	for range inLine {
		if err := <-waiting; fault.CodeOf(err) != CodeBusy {
			t.Error(err)
		}
	}
}

func TestALockedAddressPushesNoNameOutOfMemory(t *testing.T) {
	s, _, _ := withAdmin(t)
	for n := range 5 {
		if _, err := s.Login(t.Context(), "admin", "wrong", fmt.Sprintf("10.0.0.%d", n), ""); fault.CodeOf(err) != CodeLogin {
			t.Fatal(err)
		}
	}
	for range 20 {
		end, err := s.byIP.begin("10.9.9.9", s.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		end(failed)
	}
	for n := range maxGuarded {
		if _, err := s.Login(t.Context(), fmt.Sprint(n), "wrong", "10.9.9.9", ""); fault.CodeOf(err) != CodeLocked {
			t.Fatalf("attempt %d: %v", n, err)
		}
	}
	if _, err := s.Login(t.Context(), "admin", right, "10.0.0.9", ""); fault.CodeOf(err) != CodeLocked {
		t.Errorf("the name is not locked any more: %v", err)
	}
}
