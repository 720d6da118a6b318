package auth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"nacre/server/clock"
	"nacre/server/fault"
	"nacre/server/journal"
)

// direct is a journal that decides at once.
type direct struct {
	mu       sync.Mutex
	state    *State
	commands []journal.Command
	err      error
}

func (d *direct) Submit(_ context.Context, cmd journal.Command) (journal.Result, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return journal.Result{}, d.err
	}
	d.commands = append(d.commands, cmd)
	out, _, err := d.state.Decide(cmd)
	return journal.Result{Outcome: out}, err
}

const (
	right = "correct horse battery staple"
	other = "seventeen quiet lighthouses"
)

func start(t *testing.T) (*Service, *direct, *clock.Fixed) {
	t.Helper()
	now := clock.NewFixed(time.UnixMilli(1_800_000_000_000))
	s, state := New(now, Options{})
	s.hashing.cost = bcrypt.MinCost // the race detector makes bcrypt slow
	j := &direct{state: state}
	s.Use(j)
	return s, j, now
}

func withAdmin(t *testing.T) (*Service, *direct, *clock.Fixed) {
	t.Helper()
	s, j, now := start(t)
	if created, err := s.AddFirst(t.Context(), "admin", right); !created || err != nil {
		t.Fatal(created, err)
	}
	return s, j, now
}

func login(t *testing.T, s *Service) string {
	t.Helper()
	token, err := s.Login(t.Context(), "admin", right, "10.0.0.1", "browser")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTheLinkOfTheSetUpWorksOnce(t *testing.T) {
	s, _, _ := start(t)
	link := s.SetUpToken()
	if len(link) < 26 || !s.NeedsSetUp() {
		t.Fatalf("link %q", link)
	}
	for _, tt := range []struct {
		name, token, user, password string
		code                        fault.Code
	}{
		{"a wrong link", "x" + link[1:], "admin", right, CodeToken},
		{"no link", "", "admin", right, CodeToken},
		{"a name that is none", link, "a b", right, CodeName},
		{"a bad password", link, "admin", "short", CodePassword},
		{"all is right", link, "admin", right, ""},
		{"the link again", link, "eve", other, CodeSetUp},
		{"a wrong link afterwards", "x", "eve", other, CodeSetUp},
	} {
		token, err := s.SetUp(t.Context(), tt.token, tt.user, tt.password, "10.0.0.1", "browser")
		if fault.CodeOf(err) != tt.code || (err == nil) != (token != "") {
			t.Errorf("%s: %q %v", tt.name, token, err)
		}
		if err != nil {
			continue
		}
		u, n, ok := s.Enter(token)
		if !ok || u.Name != "admin" || !u.Is(RoleAdmin) || n.User != "admin" || n.IP != "10.0.0.1" || n.Agent != "browser" {
			t.Errorf("%s: entered as %+v %+v", tt.name, u, n)
		}
	}
	if s.NeedsSetUp() || s.SetUpToken() != "" {
		t.Error("the server still asks for its set-up")
	}
	if created, err := s.AddFirst(t.Context(), "eve", other); created || err != nil {
		t.Error(created, err)
	}
}

func TestOnlyOneOfManyAtOnceBecomesTheAdministrator(t *testing.T) {
	s, _, _ := start(t)
	link := s.SetUpToken()
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for range 4 {
		wg.Go(func() {
			_, err := s.SetUp(t.Context(), link, "admin", right, "", "")
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
			} else if fault.CodeOf(err) != CodeSetUp {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made != 1 || len(s.Sessions("admin")) != 1 {
		t.Errorf("%d were made, with %d sessions", made, len(s.Sessions("admin")))
	}
}

func TestNoCommandHoldsASecret(t *testing.T) {
	s, j, _ := withAdmin(t)
	token := login(t, s)
	if err := s.ChangePassword(t.Context(), Actor{User: "admin"}, "admin", right, other); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range j.commands {
		for _, secret := range []string{token, right, other} {
			if strings.Contains(string(cmd.Body), secret) {
				t.Errorf("a command of kind %d holds %q", cmd.Kind, secret)
			}
		}
	}
}

func TestPasswordsAreHashedAsNacosDoes(t *testing.T) {
	g := newGate()
	hash, err := g.hash(t.Context(), right)
	if err != nil || !strings.HasPrefix(hash, "$2a$10$") {
		t.Fatal(hash, err)
	}
	if cost, err := bcrypt.Cost([]byte(dummyHash)); cost != hashCost || err != nil {
		t.Error("what stands for unknown users takes another time:", cost, err)
	}
}

func TestHashesOfNacosStayValid(t *testing.T) {
	s, j, _ := start(t)
	hash, err := bcrypt.GenerateFromPassword([]byte("nacos"), 10)
	if err != nil {
		t.Fatal(err)
	}
	j.state.LoadUser(&User{Name: "nacos", Hash: string(hash), Roles: []string{RoleAdmin}})
	if _, err := s.Login(t.Context(), "nacos", "nacos", "", ""); err != nil {
		t.Error(err)
	}
}

func TestWrongLoginsAreToldApartByNothing(t *testing.T) {
	s, _, now := withAdmin(t)
	text := map[string][]string{}
	for _, name := range []string{"admin", "nobody", "a\xff"} {
		for _, password := range []string{"wrong", "", strings.Repeat("w", 5000), "\xff", "wrong", "wrong"} {
			token, err := s.Login(t.Context(), name, password, "", "")
			if token != "" || err == nil {
				t.Fatalf("%q entered", name)
			}
			text[name] = append(text[name], err.Error())
		}
		if got, want := strings.Join(text[name], "\n"), strings.Join(text["admin"], "\n"); got != want {
			t.Errorf("%q was told\n%s\nnot\n%s", name, got, want)
		}
		now.Add(2 * time.Hour)
	}
	if !strings.Contains(text["admin"][5], "try again in 1m0s") {
		t.Errorf("the sixth time: %s", text["admin"][5])
	}
}

func TestAPasswordThatBcryptWouldCutOffIsWrong(t *testing.T) {
	s, j, _ := start(t)
	hash, err := bcrypt.GenerateFromPassword([]byte(strings.Repeat("p", 72)), 10)
	if err != nil {
		t.Fatal(err)
	}
	j.state.LoadUser(&User{Name: "u", Hash: string(hash)})
	if _, err := s.Login(t.Context(), "u", strings.Repeat("p", 73), "", ""); fault.CodeOf(err) != CodeLogin {
		t.Error(err)
	}
	if _, err := s.Login(t.Context(), "u", strings.Repeat("p", 72), "", ""); err != nil {
		t.Error(err)
	}
}

func TestALockedNameIsLockedWithTheRightPasswordToo(t *testing.T) {
	s, _, now := withAdmin(t)
	for range 5 {
		if _, err := s.Login(t.Context(), "admin", "wrong", "10.0.0.1", ""); fault.CodeOf(err) != CodeLogin {
			t.Fatal(err)
		}
	}
	_, err := s.Login(t.Context(), "admin", right, "10.0.0.2", "")
	if fault.KindOf(err) != fault.Limited || fault.CodeOf(err) != CodeLocked || RetryAfter(err) != time.Minute {
		t.Fatal(err, RetryAfter(err))
	}
	if err := s.ChangePassword(t.Context(), Actor{User: "admin"}, "admin", right, other); fault.CodeOf(err) != CodeLocked {
		t.Error(err)
	}
	now.Add(time.Minute)
	login(t, s)
}

func TestSessionsEnd(t *testing.T) {
	s, j, now := withAdmin(t)
	me := Actor{User: "admin"}
	a, b, c := login(t, s), login(t, s), login(t, s)
	entered := func() (got string) {
		for i, token := range []string{a, b, c} {
			if _, _, ok := s.Enter(token); ok {
				got += string(rune('a' + i))
			}
		}
		return got
	}
	check := func(what, want string) {
		t.Helper()
		if got := entered(); got != want {
			t.Errorf("%s: %q enter, not %q", what, got, want)
		}
	}
	if _, _, ok := s.Enter(IDOf(a)); ok {
		t.Error("the id of a session opens it")
	}
	if err := s.Logout(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	check("logged out", "bc")
	if err := s.Logout(t.Context(), a); err != nil {
		t.Error("a second logout:", err)
	}
	if ended, err := s.EndSession(t.Context(), Actor{User: "eve"}, IDOf(b)); ended || err != nil {
		t.Error(ended, err)
	}
	check("a stranger ends one", "bc")
	if _, err := s.EndSessions(t.Context(), Actor{User: "eve"}, "admin", ""); fault.KindOf(err) != fault.Denied {
		t.Error(err)
	}
	if ended, err := s.EndSession(t.Context(), me, IDOf(b)); !ended || err != nil {
		t.Error(ended, err)
	}
	check("one is ended", "c")
	a, b = login(t, s), login(t, s)
	if n, err := s.EndSessions(t.Context(), me, "admin", IDOf(c)); n != 2 || err != nil {
		t.Error(n, err)
	}
	check("the others are ended", "c")
	a = login(t, s)
	if err := s.ChangePassword(t.Context(), Actor{User: "admin", Session: IDOf(a)}, "admin", right, other); err != nil {
		t.Fatal(err)
	}
	check("the password was changed", "a")
	if _, err := s.Login(t.Context(), "admin", right, "", ""); fault.CodeOf(err) != CodeLogin {
		t.Error("the old password:", err)
	}
	if _, err := s.Login(t.Context(), "admin", other, "", ""); err != nil {
		t.Error("the new password:", err)
	}
	now.Add(12 * time.Hour)
	check("nobody was there for 12 h", "")
	if len(s.Sessions("admin")) != 0 || len(j.state.Sessions("")) != 2 {
		t.Error(s.Sessions("admin"), len(j.state.Sessions("")))
	}
	if err := s.keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := j.state.Sessions(""); len(left) != 0 {
		t.Errorf("%d sessions were not swept", len(left))
	}
}

func TestPasswordsAreChangedByTheirUserAlone(t *testing.T) {
	s, _, _ := withAdmin(t)
	for _, tt := range []struct {
		name, by, old, new string
		code               fault.Code
		kind               fault.Kind
	}{
		{"by another", "eve", right, other, "", fault.Denied},
		{"with a wrong old one", "admin", other, right, CodeLogin, fault.Denied},
		{"to the same", "admin", right, right, CodePassword, fault.Invalid},
		{"to a bad one", "admin", right, "password1234", CodePassword, fault.Invalid},
	} {
		err := s.ChangePassword(t.Context(), Actor{User: tt.by}, "admin", tt.old, tt.new)
		if fault.CodeOf(err) != tt.code || fault.KindOf(err) != tt.kind {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	login(t, s)
}

func TestUseMakesASessionLiveLongerAtMostEachTenMinutesAndSevenDays(t *testing.T) {
	s, j, now := withAdmin(t)
	token := login(t, s)
	begun, wrote := now.Now(), len(j.commands)
	for _, _, ok := s.Enter(token); ok; _, _, ok = s.Enter(token) {
		if err := s.keep(t.Context()); err != nil {
			t.Fatal(err)
		}
		now.Add(time.Minute)
	}
	if life := now.Now().Sub(begun); life != 7*24*time.Hour {
		t.Errorf("it lived %s", life)
	}
	if n := len(j.commands) - wrote; n < 900 || n > 1009 {
		t.Errorf("%d commands extended it", n)
	}
}

func TestTheOldestSessionsEndWhenThereAreTooMany(t *testing.T) {
	s, j, now := withAdmin(t)
	for i := range maxOfAll {
		id := IDOf(string(rune(i + 1000)))
		j.state.LoadSession(&Session{ID: id, User: "u" + id, CreatedMs: int64(i), ExpiresMs: 1 << 60})
	}
	first := login(t, s)
	if n := len(j.state.Sessions("")); n != maxOfAll || len(j.state.Sessions("u"+IDOf(string(rune(1000))))) != 0 {
		t.Errorf("there are %d sessions in all", n)
	}
	u := s.User("admin")
	for range maxOfUser {
		now.Add(time.Millisecond)
		_, n := s.newSession("admin", "", strings.Repeat("é", 1000))
		if _, err := s.submit(t.Context(), KindOpen, openOf(n, u)); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, ok := s.Enter(first); ok || len(s.Sessions("admin")) != maxOfUser {
		t.Errorf("the first enters: %v, of %d", ok, len(s.Sessions("admin")))
	}
	if agent := s.Sessions("admin")[0].Agent; len(agent) != maxAgent {
		t.Errorf("%d bytes of a browser's name are kept", len(agent))
	}
}

func TestRunWritesAndTellsWhatItCouldNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, state := New(clock.System{}, Options{})
		j := &direct{state: state}
		s.Use(j)
		ctx, cancel := context.WithCancel(t.Context())
		state.LoadUser(&User{Name: "u"})
		state.LoadSession(&Session{ID: IDOf("t"), User: "u", ExpiresMs: time.Now().Add(time.Hour).UnixMilli()})
		failures, done := 0, make(chan error)
		go func() { done <- s.Run(ctx, func(error) { failures++ }) }()
		time.Sleep(59*time.Minute + time.Second)
		synctest.Wait()
		j.mu.Lock()
		j.err = errors.New("no leader")
		j.mu.Unlock()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		j.mu.Lock()
		j.err = nil
		j.mu.Unlock()
		time.Sleep(time.Minute)
		cancel()
		if err := <-done; err != nil || failures != 2 || len(state.Sessions("")) != 0 {
			t.Errorf("%v, %d failures, %d sessions", err, failures, len(state.Sessions("")))
		}
	})
}

func TestEnteringAllocatesNothing(t *testing.T) {
	s, j, _ := start(t)
	j.state.LoadUser(&User{Name: "u"})
	j.state.LoadSession(&Session{ID: IDOf("token"), User: "u", ExpiresMs: 1 << 60})
	if n := testing.AllocsPerRun(100, func() {
		if _, _, ok := s.Enter("token"); !ok {
			t.Fatal("not found")
		}
	}); n > 1 {
		t.Errorf("%f allocations", n)
	}
	if s.LastSeen(IDOf("token")) != 1_800_000_000_000 || s.LastSeen("x") != 0 {
		t.Error(s.LastSeen(IDOf("token")))
	}
}

func TestManyLoginsAtOnceAreFewGuesses(t *testing.T) {
	s, _, _ := withAdmin(t)
	codes := make(chan fault.Code, 40)
	var wg sync.WaitGroup
	for range cap(codes) {
		wg.Go(func() {
			_, err := s.Login(t.Context(), "admin", "wrong", "10.0.0.1", "")
			codes <- fault.CodeOf(err)
		})
	}
	wg.Wait()
	close(codes)
	count := map[fault.Code]int{}
	for c := range codes {
		count[c]++
	}
	if count[CodeLogin] > 5 || count[CodeLogin]+count[CodeLocked] != cap(codes) {
		t.Errorf("they were answered %v", count)
	}
	if _, err := s.Login(t.Context(), "admin", right, "10.0.0.2", ""); fault.CodeOf(err) != CodeLocked {
		t.Error(err)
	}
}
