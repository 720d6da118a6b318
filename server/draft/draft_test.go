package draft

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nacre/server/clock"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/resource"
)

// direct is a journal that decides at once, and a database of drafts.
type direct struct {
	mu       sync.Mutex
	state    *State
	rows     map[string]*Draft
	commands int
	err      error
}

func rowKey(user string, k resource.ConfigKey) string { return user + "/" + k.String() }

func (d *direct) Submit(_ context.Context, cmd journal.Command) (journal.Result, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return journal.Result{}, d.err
	}
	d.commands++
	out, changes, err := d.state.Decide(cmd)
	for _, c := range changes {
		switch c := c.(Change); {
		case c.After != nil:
			d.rows[rowKey(c.After.User, c.After.Key)] = c.After
		default:
			delete(d.rows, rowKey(c.Before.User, c.Before.Key))
		}
	}
	return journal.Result{Outcome: out}, err
}

func (d *direct) Draft(_ context.Context, user string, key resource.ConfigKey) (*Draft, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rows[rowKey(user, key)], d.err
}

func start(t *testing.T) (*Service, *direct, *clock.Fixed) {
	t.Helper()
	now := clock.NewFixed(time.UnixMilli(1_800_000_000_000))
	s, state := New(now, Options{MaxContent: 1 << 20})
	j := &direct{state: state, rows: map[string]*Draft{}}
	s.Use(j, j)
	return s, j, now
}

func key(dataID string) resource.ConfigKey {
	return resource.ConfigKey{Namespace: "public", Group: "g", DataID: dataID}
}

func TestTwoTabsDoNotOverwriteEachOther(t *testing.T) {
	s, j, now := start(t)
	ctx := t.Context()
	save := func(content string, ifVersion uint64) (uint64, error) {
		now.Add(time.Second)
		return s.Save(ctx, Draft{User: "alice", Key: key("a"), Content: []byte(content), Type: "yaml", BaseRevision: 7, BaseMD5: "m"}, ifVersion)
	}
	first, err := save("one", 0)
	if err != nil || first == 0 {
		t.Fatal(first, err)
	}
	if _, err := save("another tab", 0); fault.KindOf(err) != fault.Conflict || fault.CodeOf(err) != CodeStale {
		t.Error("a tab that knew of none:", err)
	}
	second, err := save("two", first)
	if err != nil || second <= first {
		t.Fatal(second, err)
	}
	if held, err := save("another tab", first); fault.CodeOf(err) != CodeStale || held != second {
		t.Error("a tab that knew the first:", held, err)
	}
	wrote := j.commands
	if same, err := save("two", second); same != second || err != nil || j.commands != wrote {
		t.Errorf("the same text again: version %d, %v, %d commands", same, err, j.commands-wrote)
	}
	d, err := s.Get(ctx, "alice", key("a"))
	if err != nil || string(d.Content) != "two" || d.Version != second || d.Type != "yaml" || d.BaseRevision != 7 || d.BaseMD5 != "m" {
		t.Fatalf("%+v %v", d, err)
	}
	if err := s.Drop(ctx, "alice", key("a")); err != nil {
		t.Fatal(err)
	}
	if d, err := s.Get(ctx, "alice", key("a")); d != nil || err != nil {
		t.Error("dropped, but", d, err)
	}
	if err := s.Drop(ctx, "alice", key("a")); err != nil {
		t.Error("dropped again:", err)
	}
	if _, err := save("a tab that slept", second); fault.CodeOf(err) != CodeStale {
		t.Error("a tab that knew a dropped one:", err)
	}
	now.Add(-time.Hour) // a clock that was set back gives no version a second time
	if third, err := save("three", 0); err != nil || third == first || third == second {
		t.Error(third, err)
	}
}

func TestDraftsAreListedByUserAndByKey(t *testing.T) {
	s, _, now := start(t)
	for _, of := range []string{"alice a", "alice b", "bob a"} {
		user, dataID, _ := strings.Cut(of, " ")
		now.Add(time.Second)
		if _, err := s.Save(t.Context(), Draft{User: user, Key: key(dataID), Content: []byte(of)}, 0); err != nil {
			t.Fatal(err)
		}
	}
	show := func(list []Info) (text string) {
		for _, i := range list {
			text += i.User + " " + i.Key.DataID + ", "
		}
		return text
	}
	if got := show(s.Of("alice")); got != "alice b, alice a, " {
		t.Error(got)
	}
	if got := show(s.Editing(key("a"))); got != "bob a, alice a, " {
		t.Error(got)
	}
	if len(s.Of("eve")) != 0 || len(s.Editing(key("z"))) != 0 || s.Of("alice")[0].Size != 7 {
		t.Error(s.Of("eve"), s.Editing(key("z")), s.Of("alice")[0])
	}
}

func TestDraftsThatMayNotBeAreRefusedAndNotWritten(t *testing.T) {
	s, j, _ := start(t)
	for _, tt := range []struct {
		name  string
		draft Draft
		kind  fault.Kind
	}{
		{"nobody's", Draft{Key: key("a")}, fault.Invalid},
		{"a user that is not UTF-8", Draft{User: "\xff", Key: key("a")}, fault.Invalid},
		{"an illegal name", Draft{User: "alice", Key: key("a b")}, fault.Invalid},
		{"no name", Draft{User: "alice"}, fault.Invalid},
		{"too large", Draft{User: "alice", Key: key("a"), Content: make([]byte, 1<<20+1)}, fault.Limited},
		{"a description that is not UTF-8", Draft{User: "alice", Key: key("a"), Desc: "\xff"}, fault.Invalid},
		{"a long list of tags", Draft{User: "alice", Key: key("a"), Tags: strings.Repeat("x", maxAttribute+1)}, fault.Limited},
	} {
		if _, err := s.Save(t.Context(), tt.draft, 0); fault.KindOf(err) != tt.kind || j.commands != 0 {
			t.Errorf("%s: %v, %d commands", tt.name, err, j.commands)
		}
	}
	if _, err := s.Save(t.Context(), Draft{User: "alice", Key: key("a"), Content: []byte("\xff\x00")}, 0); err != nil {
		t.Error("a text that is not UTF-8:", err)
	}
}

func TestThereAreOnlySoManyDrafts(t *testing.T) {
	s, j, _ := start(t)
	save := func(user, dataID string, size int, ifVersion uint64) (uint64, error) {
		return s.Save(t.Context(), Draft{User: user, Key: key(dataID), Content: make([]byte, size)}, ifVersion)
	}
	var version uint64
	for n := range maxOfUser {
		var err error
		if version, err = save("alice", "a"+strings.Repeat("x", n), 1, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := save("alice", "b", 1, 0); fault.KindOf(err) != fault.Limited {
		t.Error("one too many:", err)
	}
	last := "a" + strings.Repeat("x", maxOfUser-1)
	if version, err := save("alice", last, 2, version); err != nil {
		t.Error("one that is held, again:", version, err)
	}
	users := 0
	for ; ; users++ {
		if _, err := save("u"+strings.Repeat("x", users), "a", 1<<20, 0); err != nil {
			if fault.KindOf(err) != fault.Limited || users != 63 {
				t.Errorf("after %d MiB: %v", users, err)
			}
			break
		}
	}
	held := s.Of("u")[0]
	if _, err := save("u", "a", 100, held.Version); err != nil {
		t.Error("a draft that shrinks:", err)
	}
	total := int64(0)
	for _, i := range j.state.All() {
		total += i.Size
	}
	if total != j.state.bytes || total > maxBytes {
		t.Errorf("%d bytes are counted of %d", j.state.bytes, total)
	}
}

func TestOldDraftsAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, state := New(clock.System{}, Options{})
		j := &direct{state: state, rows: map[string]*Draft{}}
		s.Use(j, j)
		ctx, cancel := context.WithCancel(t.Context())
		failures, done := 0, make(chan error)
		go func() { done <- s.Run(ctx, func(error) { failures++ }) }()
		for _, dataID := range []string{"old", "new"} {
			if _, err := s.Save(ctx, Draft{User: "alice", Key: key(dataID)}, 0); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2*time.Hour + time.Minute)
		}
		time.Sleep(maxAge - 4*time.Hour)
		set := func(err error) {
			j.mu.Lock()
			defer j.mu.Unlock()
			j.err = err
		}
		set(errors.New("no leader"))
		time.Sleep(time.Hour)
		set(nil)
		synctest.Wait()
		if left := s.Of("alice"); failures != 1 || len(left) != 2 {
			t.Errorf("%d failures, left are %v", failures, left)
		}
		time.Sleep(time.Hour)
		cancel()
		if err := <-done; err != nil || len(s.Of("alice")) != 1 || s.Of("alice")[0].Key.DataID != "new" {
			t.Errorf("%v, left are %v", err, s.Of("alice"))
		}
	})
}

func TestReplacedStateHoldsWhatItGot(t *testing.T) {
	s, j, _ := start(t)
	if _, err := s.Save(t.Context(), Draft{User: "alice", Key: key("a"), Content: []byte("x")}, 0); err != nil {
		t.Fatal(err)
	}
	fresh := NewState()
	fresh.Load(&Info{User: "bob", Key: key("b"), Size: 5, Version: 2})
	fresh.Load(&Info{User: "bob", Key: key("b"), Size: 6, Version: 3})
	j.state.Replace(fresh)
	if len(s.Of("alice")) != 0 || s.Of("bob")[0].Version != 3 || j.state.bytes != 6 {
		t.Error(j.state.All(), j.state.bytes)
	}
}

func TestCommandsThatCannotBeReadAreErrors(t *testing.T) {
	s := NewState()
	for _, cmd := range []journal.Command{{Kind: 1}, {Kind: KindSave, Body: []byte{0xff}}, {Kind: KindSweep + 1}} {
		if _, _, err := s.Decide(cmd); err == nil {
			t.Errorf("%v is decided", cmd)
		}
	}
	if _, changes, err := s.Decide(journal.Command{Kind: KindDrop, Body: nil}); err != nil || len(changes) != 0 {
		t.Error(changes, err)
	}
	if _, _, err := s.Decide(journal.Command{Kind: KindSave}); err != nil {
		t.Error(err)
	}
}

func TestDigestsTellFieldsApart(t *testing.T) {
	seen := map[string]string{}
	for name, d := range map[string]Draft{
		"nothing": {}, "content": {Content: []byte("a")}, "type": {Type: "a"}, "desc": {Desc: "a"}, "app": {AppName: "a"}, "tags": {Tags: "a"}, "both": {Type: "a", Desc: "a"}, "one": {Type: "aa"},
	} {
		if other, ok := seen[d.Digest()]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[d.Digest()] = name
	}
}
