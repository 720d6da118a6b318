package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/journal"
)

// loaded is what memory gets from an image.
func loaded(t interface {
	Helper()
	Fatal(...any)
}, i *Image) *machine {
	t.Helper()
	m := newMachine()
	l, err := i.Load(context.Background(), Visitor{
		Entry: m.configs.LoadEntry, Gray: m.configs.LoadGray, Capacity: m.configs.LoadCapacity, Namespace: m.namespaces.Load,
		User: m.users.LoadUser, Session: m.users.LoadSession, Draft: m.drafts.Load,
	})
	if err != nil {
		t.Fatal(err)
	}
	m.configs.SetCounters(l.Counters)
	m.index = l.Index
	return m
}

var alike = []cmp.Option{
	cmp.Comparer(bytes.Equal), // contents byte by byte would take seconds
	cmp.FilterValues(func(a, b []string) bool { return len(a) == 0 && len(b) == 0 }, cmp.Comparer(func(_, _ []string) bool { return true })),
	cmp.FilterValues(func(a, b []*config.History) bool { return len(a) == 0 && len(b) == 0 }, cmp.Comparer(func(_, _ []*config.History) bool { return true })),
	cmp.FilterValues(func(a, b []*config.Gray) bool { return len(a) == 0 && len(b) == 0 }, cmp.Comparer(func(_, _ []*config.Gray) bool { return true })),
}

func items(s *config.State) map[config.Key]*config.Item {
	all := make(map[config.Key]*config.Item)
	s.Each(func(k config.Key, i *config.Item) bool {
		all[k] = i
		return true
	})
	return all
}

// differences compares two nodes' memory.
func differences(a, b *machine) string {
	return cmp.Diff(items(a.configs), items(b.configs), alike...) +
		cmp.Diff(a.namespaces.All(), b.namespaces.All(), alike...) +
		cmp.Diff(a.users.Users(), b.users.Users(), alike...) + cmp.Diff(a.users.Sessions(""), b.users.Sessions("")) + cmp.Diff(a.drafts.All(), b.drafts.All()) +
		cmp.Diff(a.configs.Counters(), b.configs.Counters()) +
		cmp.Diff(quotas(a), quotas(b)) + cmp.Diff(a.index, b.index)
}

func quotas(m *machine) []*config.Capacity {
	return []*config.Capacity{m.configs.Capacity("dev", ""), m.configs.Capacity("", "g"), m.configs.Capacity("", "")}
}

// history reads all rows from the image, oldest first.
func history(t interface {
	Helper()
	Fatal(...any)
}, i *Image) []*config.History {
	t.Helper()
	var rows []historyRow
	if err := i.files.read.Order("nid").Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	all := make([]*config.History, len(rows))
	for n := range rows {
		all[n] = rows[n].history()
	}
	return all
}

func TestImageHoldsWhatMemoryDecided(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		path := filepath.Join(dir, "image.db")
		if err := removeDatabase(path); err != nil {
			t.Fatal(err)
		}
		i, err := Open(context.Background(), Config{Path: path, Gather: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = i.Close() }()
		m := newMachine()
		for range rapid.IntRange(1, 12).Draw(t, "groups") {
			group := make([]journal.Command, rapid.IntRange(0, 6).Draw(t, "commands"))
			for c := range group {
				group[c] = anyCommand(t)
			}
			if err := i.Write(m.apply(t, group)); err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 3).Draw(t, "wait") == 0 {
				if err := i.WaitFor(context.Background(), m.index); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := i.WaitFor(context.Background(), m.index); err != nil {
			t.Fatal(err)
		}
		if d := differences(m, loaded(t, i)); d != "" {
			t.Fatal("memory and image differ (-memory +image):\n" + d)
		}
		if d := cmp.Diff(m.history, history(t, i), alike...); d != "" {
			t.Fatal("history differs (-model +image):\n" + d)
		}
		if err := i.VerifyHistory(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

// copyFiles copies a database that is open, as a crash would leave it.
func copyFiles(t interface {
	Helper()
	Fatal(...any)
}, from, to string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(from + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReplayAfterCrashGivesTheSameImage(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		paths := []string{filepath.Join(dir, "a.db"), filepath.Join(dir, "b.db")}
		for _, p := range paths {
			if err := removeDatabase(p); err != nil {
				t.Fatal(err)
			}
		}
		a, err := Open(context.Background(), Config{Path: paths[0], Gather: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = a.Close() }()
		m := newMachine()
		type entry struct {
			index   uint64
			changes []journal.Change
		}
		var log []entry
		groups := rapid.IntRange(1, 12).Draw(t, "groups")
		crash := rapid.IntRange(0, groups-1).Draw(t, "crash after")
		for n := range groups {
			group := make([]journal.Command, rapid.IntRange(0, 6).Draw(t, "commands"))
			for c := range group {
				group[c] = anyCommand(t)
			}
			index, changes := m.apply(t, group)
			log = append(log, entry{index, changes})
			if err := a.Write(index, changes); err != nil {
				t.Fatal(err)
			}
			if n == crash {
				// Some groups are in the file, some in its log, some only queued.
				if rapid.Bool().Draw(t, "synced") {
					if _, err := a.Sync(context.Background(), index); err != nil {
						t.Fatal(err)
					}
				} else if rapid.Bool().Draw(t, "written") {
					if err := a.WaitFor(context.Background(), index); err != nil {
						t.Fatal(err)
					}
				} else {
					if err := a.onWriter(context.Background(), func(*writer) error { return nil }); err != nil {
						t.Fatal(err)
					}
				}
				err := a.onWriter(context.Background(), func(*writer) error {
					copyFiles(t, paths[0], paths[1])
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		b, err := Open(context.Background(), Config{Path: paths[1], Gather: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = b.Close() }()
		written := b.Written()
		for _, e := range log {
			if e.index <= written {
				continue
			}
			if err := b.Write(e.index, e.changes); err != nil {
				t.Fatal(err)
			}
		}
		if d := cmp.Diff(dump(t, a), dump(t, b)); d != "" {
			t.Fatal("the images differ (-uninterrupted +replayed):\n" + d)
		}
	})
}

func TestACopyHoldsOneMomentAndCanReplaceAnImage(t *testing.T) {
	ctx := soon(t)
	a, m := openImage(t, Config{}), newMachine()
	fill(t, a, m, 300)
	copied := filepath.Join(t.TempDir(), "copy.db")
	index, err := a.Copy(ctx, copied)
	if err != nil {
		t.Fatal(err)
	}
	if index != m.index {
		t.Fatalf("the copy holds index %d, the image %d", index, m.index)
	}
	b := openImage(t, Config{})
	if err := b.Write(1, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Replace(ctx, copied); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(dump(t, a), dump(t, b)); d != "" {
		t.Fatal(d)
	}
	// Both go on from there.
	next, changes := m.apply(t, []journal.Command{command(config.KindPublish, publish(filler(7), "changed", 5))})
	for _, i := range []*Image{a, b} {
		if err := i.Write(next, changes); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(dump(t, a), dump(t, b)); d != "" {
		t.Fatal(d)
	}
	if d := differences(m, loaded(t, b)); d != "" {
		t.Fatal(d)
	}
}

func TestReplaceRefusesADamagedCopyAndKeepsTheImage(t *testing.T) {
	ctx := soon(t)
	a, m := openImage(t, Config{}), newMachine()
	fill(t, a, m, 100)
	before := dump(t, a)
	copied := filepath.Join(t.TempDir(), "copy.db")
	if _, err := a.Copy(ctx, copied); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	b[bytes.LastIndex(b, []byte("some.setting"))] ^= 1
	if err := os.WriteFile(copied, b, 0o600); err != nil {
		t.Fatal(err)
	}
	var corrupt *CorruptError
	if err := a.Replace(ctx, copied); !errors.As(err, &corrupt) {
		t.Fatalf("a flipped bit gave %v", err)
	}
	if dump(t, a) != before {
		t.Fatal("the image changed")
	}
}

func TestASchemaFromALaterVersionIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nacre.db")
	i, err := Open(soon(t), Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(i.onWriter(soon(t), func(w *writer) error {
		return w.exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
	}), i.Close())
	if err != nil {
		t.Fatal(err)
	}
	var newer *NewerError
	if _, err := Open(soon(t), Config{Path: path}); !errors.As(err, &newer) || newer.Has != 99 {
		t.Fatalf("opened with %v", err)
	}
}

func TestAnEmptyOrLostFileIsNotTakenForANewNodes(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"an empty file": func(path string) error { return os.Truncate(path, 0) },
		"only the log": func(path string) error {
			return errors.Join(os.WriteFile(path+"-wal", []byte("x"), 0o600), os.Remove(path))
		},
		"half a page": func(path string) error { return os.Truncate(path, 2000) },
		"another database": func(path string) error {
			return os.WriteFile(path, []byte("not a database, but long enough to look at"), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "nacre.db")
			i, err := Open(soon(t), Config{Path: path})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(i.Close(), damage(path)); err != nil {
				t.Fatal(err)
			}
			var corrupt *CorruptError
			if _, err := Open(soon(t), Config{Path: path}); !errors.As(err, &corrupt) {
				t.Fatalf("opened with %v", err)
			}
		})
	}
}

func TestWaitForHurriesTheWriter(t *testing.T) {
	i := openImage(t, Config{Gather: time.Hour, MaxBehind: time.Hour})
	if err := i.Write(1, nil); err != nil {
		t.Fatal(err)
	}
	if err := i.WaitFor(soon(t), 1); err != nil {
		t.Fatal(err)
	}
}

func TestWaitForEndsWithItsContext(t *testing.T) {
	i := openImage(t, Config{})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := i.WaitFor(ctx, 5); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("got %v", err)
	}
}

func TestCloseWritesWhatIsQueued(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nacre.db")
	i, err := Open(soon(t), Config{Path: path, Gather: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine()
	err = i.Write(m.apply(t, []journal.Command{command(config.KindPublish, publish(filler(1), "x", 1))}))
	if err := errors.Join(err, i.Close()); err != nil {
		t.Fatal(err)
	}
	if err := i.Write(2, nil); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("a write after Close gave %v", err)
	}
	again := openImage(t, Config{Path: path})
	if d := differences(m, loaded(t, again)); d != "" {
		t.Fatal(d)
	}
}

func TestAFullQueueMakesWriteWait(t *testing.T) {
	i := openImage(t, Config{MaxBehindBytes: 1000, Gather: time.Hour, MaxBehind: time.Hour})
	m := newMachine()
	for n := range 50 {
		// Each of them fills the queue, so each but the first waits for the one before.
		index, changes := m.apply(t, []journal.Command{command(config.KindPublish, publish(filler(n), kib(n), 1))})
		if err := i.Write(index, changes); err != nil {
			t.Fatal(err)
		}
		if w := i.Written(); w+1 < index {
			t.Fatalf("group %d was taken while only %d were written", index, w)
		}
	}
}

func TestAFailedWriteIsFatal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nacre.db")
	i, err := Open(soon(t), Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = i.Close() }()
	e := &config.Entry{ID: 5, Key: filler(1), Content: []byte("x")}
	// The image has no row 5, so it is not what memory takes it for.
	if err := i.Write(1, []journal.Change{config.EntryChange{Before: e, After: e}}); err != nil {
		t.Fatal(err)
	}
	if err := i.WaitFor(soon(t), 1); err == nil {
		t.Fatal("a row that is not there was updated")
	}
	<-i.Failed()
	if err := i.Write(2, nil); err == nil || i.Err() == nil {
		t.Fatal("the image takes writes after one failed")
	}
	if _, err := i.Sync(soon(t), 1); err == nil {
		t.Fatal("the image says that it is durable after a write failed")
	}
	if err := i.Dump(soon(t), io.Discard); err == nil {
		t.Fatal("a query does not tell that the image stands still")
	}
}

func TestTheLogIsMovedIntoTheFileWhenLong(t *testing.T) {
	i := openImage(t, Config{CheckpointPages: 50})
	fill(t, i, newMachine(), 3000)
	for i.Stats().Checkpoints == 0 {
		select {
		case <-i.Failed():
			t.Fatal(i.Err())
		case <-soon(t).Done():
			t.Fatal("no checkpoint")
		case <-time.After(time.Millisecond):
		}
	}
}
