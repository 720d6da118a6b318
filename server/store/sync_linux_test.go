package store

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/journal"
)

// lockCheckpoints holds the lock that SQLite takes for a checkpoint, as another process would, and
// returns what gives it back.
func lockCheckpoints(t *testing.T, path string) (unlock func()) {
	t.Helper()
	f, err := os.OpenFile(path+"-shm", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	set := func(kind int16) {
		// Byte 121 of the file is the lock, by SQLite's documentation of the WAL index. A lock of an open
		// file stands against those of the process that opened it.
		if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: kind, Start: 121, Len: 1}); err != nil {
			t.Fatal(err)
		}
	}
	set(unix.F_WRLCK)
	return func() { set(unix.F_UNLCK) }
}

func TestACheckpointThatAnotherProcessHoldsUpDoesNotCountAsDurable(t *testing.T) {
	cfg := Config{Path: filepath.Join(t.TempDir(), "nacre.db")}
	i := openImage(t, cfg)
	index, changes := newMachine().apply(t, []journal.Command{command(config.KindPublish, publish(filler(1), "x", 1))})
	if err := i.Write(index, changes); err != nil {
		t.Fatal(err)
	}
	if err := i.WaitFor(soon(t), index); err != nil {
		t.Fatal(err)
	}
	unlock := lockCheckpoints(t, cfg.Path)
	short, cancel := context.WithTimeout(soon(t), 100*time.Millisecond)
	defer cancel()
	if durable, err := i.Sync(short, index); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Sync says %d, %v while nothing can be moved into the file", durable, err)
	}
	unlock()
	if durable, err := i.Sync(soon(t), index); err != nil || durable != index {
		t.Errorf("Sync says %d, %v", durable, err)
	}
}

func TestSyncOfAClosedImageSaysSo(t *testing.T) {
	i := openImage(t, Config{})
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Sync(soon(t), 0); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Sync says %v", err)
	}
}
