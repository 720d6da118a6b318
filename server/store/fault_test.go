package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/store/diskfault"
)

// faulty opens an image on a disk that can be made to fail.
func faulty(t testing.TB, cfg Config) (*Image, *diskfault.Disk) {
	t.Helper()
	dir := scratch(t)
	d, closeDisk, err := diskfault.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Path, cfg.VFS = filepath.Join(dir, "nacre.db"), diskfault.VFS
	i, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = i.Close() // it may have failed on purpose
		closeDisk()
	})
	return i, d
}

func TestAFailedSyncIsFatal(t *testing.T) {
	i, d := faulty(t, Config{})
	fill(t, i, newMachine(), 100)
	d.Fail(diskfault.Sync, 0)
	if index, err := i.Sync(soon(t), 1); err == nil {
		t.Fatalf("index %d was said to be durable after a failed fsync", index)
	}
	<-i.Failed()
	// What the system forgot of a failed fsync is not made durable by another one.
	if _, err := i.Sync(soon(t), 1); err == nil {
		t.Fatal("a second Sync went well")
	}
	if err := i.Write(1000, nil); err == nil {
		t.Fatal("the image goes on")
	}
}

func TestAFailedSyncBehindTheAnswersIsFatal(t *testing.T) {
	i, d := faulty(t, Config{CheckpointPages: 20})
	d.Fail(diskfault.Sync, 0)
	m := newMachine()
	for n := 0; i.Err() == nil; n++ {
		index, changes := m.apply(t, []journal.Command{command(config.KindPublish, publish(filler(n), kib(n), 1))})
		if err := i.Write(index, changes); err != nil {
			break
		}
	}
	<-i.Failed()
}

func TestAfterAFailedWriteTheFileHoldsWholeTransactions(t *testing.T) {
	for n := range 40 {
		i, d := faulty(t, Config{CheckpointPages: 30})
		d.Fail(diskfault.Write, n*5)
		// A write may fail after its transaction stood in the file: what each index looks like is told by one without faults.
		whole := openImage(t, Config{})
		m, states := newMachine(), map[uint64][32]byte{0: state(t, whole)}
		var durable uint64
		for i.Err() == nil {
			index, changes := m.apply(t, []journal.Command{command(config.KindPublish, publish(filler(int(m.index%9)), kib(int(m.index)), 1))})
			if err := whole.Write(index, changes); err != nil {
				t.Fatal(err)
			}
			states[index] = state(t, whole) // waits for what was written
			if i.Write(index, changes) != nil || i.WaitFor(context.Background(), index) != nil {
				break
			}
			if index%7 == 0 {
				if got, err := i.Sync(context.Background(), index); err == nil {
					durable = got
				}
			}
		}
		<-i.Failed()
		// The node ends; what the next one finds:
		next := filepath.Join(scratch(t), "nacre.db")
		copyFiles(t, i.cfg.Path, next)
		again := openImage(t, Config{Path: next})
		if w := again.Written(); w < durable || state(t, again) != states[w] {
			t.Fatalf("failing write %d: found at index %d, durable were %d", n*5, w, durable)
		}
		if err := again.VerifyHistory(soon(t)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAFullDiskIsWaitedFor fills the disk at any write: nothing is refused or lost when there is room again.
func TestAFullDiskIsWaitedFor(t *testing.T) {
	for n := range 12 {
		i, d := faulty(t, Config{CheckpointPages: 30})
		whole := openImage(t, Config{})
		d.Fill(n * 7)
		m := newMachine()
		handed := make(chan error, 1)
		go func() { // Write waits while the disk is full
			for range 60 {
				index, changes := m.apply(t, []journal.Command{command(config.KindPublish, publish(filler(int(m.index%9)), kib(int(m.index)), 1))})
				if err := errors.Join(whole.Write(index, changes), i.Write(index, changes)); err != nil {
					handed <- err
					return
				}
			}
			handed <- nil
		}()
		deadline := soon(t)
		for i.Stats().BehindBytes == 0 && deadline.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		d.Free()
		if err := <-handed; err != nil {
			t.Fatalf("full from write %d on: %v", n*7, err)
		}
		if durable, err := i.Sync(soon(t), 60); err != nil || durable != 60 {
			t.Fatalf("full from write %d on: durable up to %d, %v", n*7, durable, err)
		}
		if state(t, i) != state(t, whole) {
			t.Fatalf("full from write %d on: the image is another one", n*7)
		}
	}
}

// TestAnImageOnAFullDiskCanBeClosed says that closing does not wait for room.
func TestAnImageOnAFullDiskCanBeClosed(t *testing.T) {
	i, d := faulty(t, Config{})
	d.Fill(0)
	m := newMachine()
	index, changes := m.apply(t, []journal.Command{command(config.KindPublish, publish(filler(1), kib(1), 1))})
	if err := i.Write(index, changes); err != nil {
		t.Fatal(err)
	}
	if err := i.Close(); err == nil {
		t.Error("the image was closed as if all had been written")
	}
}

func TestAQueryOnADiskThatCannotBeReadIsUnavailable(t *testing.T) {
	i, d := faulty(t, Config{})
	fill(t, i, newMachine(), 3000)
	if _, err := i.Sync(soon(t), 1); err != nil {
		t.Fatal(err)
	}
	d.Fail(diskfault.Read, 0)
	if _, err := i.List(soon(t), config.Filter{Content: "*nowhere*", PageSize: 10}); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("got %v", err)
	}
}

// TestALossOfPowerLosesNothingDurable cuts the power at any moment: whatever part of what was not
// synced is on the disk, the image opens, with all that Sync had answered for.
func TestALossOfPowerLosesNothingDurable(t *testing.T) {
	lost := filepath.Join(scratch(t), "lost")
	older := 0
	for run := range 12 {
		r := rand.New(rand.NewPCG(uint64(run), 3))
		i, d := faulty(t, Config{CheckpointPages: int64(5 + r.IntN(60))})
		m, states := newMachine(), map[uint64][32]byte{0: state(t, i)}
		var durable uint64
		for range 40 {
			index, changes := m.apply(t, []journal.Command{command(config.KindPublish, publish(filler(r.IntN(20)), kib(r.IntN(1000)), int64(m.index)))})
			if err := i.Write(index, changes); err != nil {
				t.Fatal(err)
			}
			states[index] = state(t, i)
			if r.IntN(6) == 0 {
				var err error
				if durable, err = i.Sync(soon(t), index); err != nil {
					t.Fatal(err)
				}
			}
			if r.IntN(2) == 0 {
				continue
			}
			if err := os.RemoveAll(lost); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(lost, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := d.LosePower(r, lost); err != nil {
				t.Fatal(err)
			}
			again, err := Open(soon(t), Config{Path: filepath.Join(lost, "nacre.db")})
			if err != nil {
				t.Fatalf("run %d at index %d, %d durable: %v", run, index, durable, err)
			}
			if w := again.Written(); w < durable || state(t, again) != states[w] {
				t.Fatalf("run %d: power lost at index %d, %d durable, found at %d", run, index, durable, w)
			}
			if again.Written() < index {
				older++
			}
			if err := again.VerifyHistory(soon(t)); err != nil {
				t.Fatal(err)
			}
			if err := again.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if older == 0 {
		t.Fatal("no loss of power took anything: nothing was tried")
	}
}
