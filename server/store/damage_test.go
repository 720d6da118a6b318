package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"nacre/server/auth"
	"nacre/server/auth/authpb"
	"nacre/server/config"
	"nacre/server/config/configpb"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/namespace/namespacepb"
)

const pageSize = 4096

// wreck is a database to be damaged: its files as a crash would leave them, and what it held.
type wreck struct {
	file, wal []byte
	older     []byte // the file as it was some transactions before
	// durable is the index that Sync answered; states are the dumps by index.
	durable uint64
	states  map[uint64][32]byte
}

// makeWreck writes a small database with rows in each table, most of it synced, the rest in the log.
func makeWreck(t *testing.T) *wreck {
	w := &wreck{states: make(map[uint64][32]byte)}
	path := filepath.Join(scratch(t), "nacre.db")
	i, m := openImage(t, Config{Path: path}), newMachine()
	rnd := rand.New(rand.NewPCG(7, 7))
	step := func(group ...journal.Command) {
		t.Helper()
		if err := i.Write(m.apply(t, group)); err != nil {
			t.Fatal(err)
		}
		w.states[m.index] = state(t, i)
	}
	publishSome := func(n int) {
		for range n {
			p := publish(filler(rnd.IntN(40)), kib(rnd.IntN(1000))[:100+rnd.IntN(900)], int64(m.index))
			p.Attributes.TagsGiven, p.Attributes.Tags = true, []string{"a", fmt.Sprint("tag", rnd.IntN(5))}
			if rnd.IntN(5) == 0 {
				r := config.TagRule("t")
				p.Gray = &configpb.Gray{Name: "tag_t", Type: r.Type, Version: r.Version, Expr: r.Expr, Priority: r.Priority}
			}
			step(command(config.KindPublish, p))
		}
	}
	quota := int64(200)
	step(command(namespace.KindCreate, &namespacepb.Create{Id: "dev", Name: "development", AtMs: 1}),
		command(config.KindSetCapacity, &configpb.SetCapacity{Of: &configpb.SetCapacity_Group{Group: "g"}, Quota: &quota}),
		command(config.KindSetCapacity, &configpb.SetCapacity{Of: &configpb.SetCapacity_Namespace{Namespace: "dev"}, Quota: &quota}),
		command(auth.KindAddFirst, &authpb.AddFirst{Name: "admin", Hash: "h", Roles: []string{auth.RoleAdmin}, Session: &authpb.Session{Id: "s", User: "admin"}}),
		draftOf("small", "text"), draftOf("large", string(bytes.Repeat([]byte("overflow "), 3000))),
		command(config.KindPublish, publish(filler(99), string(bytes.Repeat([]byte("overflow "), 3000)), 1)))
	publishSome(60)
	if _, err := i.Sync(soon(t), m.index); err != nil {
		t.Fatal(err)
	}
	w.older = read(t, path)
	publishSome(60)
	step(command(config.KindTrimHistory, &configpb.TrimHistory{BeforeMs: 20, Limit: 15}))
	var err error
	if w.durable, err = i.Sync(soon(t), m.index); err != nil {
		t.Fatal(err)
	}
	publishSome(30)
	if err := i.onWriter(soon(t), func(*writer) error {
		w.file, w.wal = read(t, path), read(t, path+"-wal")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return w
}

func state(t interface{ Fatal(...any) }, i *Image) [32]byte {
	h := sha256.New()
	if err := i.Dump(context.Background(), h); err != nil {
		t.Fatal(err)
	}
	return [32]byte(h.Sum(nil))
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// scratch returns a folder in memory, where the machine has one: thousands of databases are made in it.
func scratch(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "nacre-test-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// mutations damage a copy of the files; a nil file is a lost one. Each names what it did.
var mutations = []func(r *rand.Rand, w *wreck, file, wal []byte) (what string, f, l []byte){
	func(r *rand.Rand, _ *wreck, file, wal []byte) (string, []byte, []byte) {
		at, bit := r.IntN(len(file)), r.IntN(8)
		file[at] ^= 1 << bit
		return fmt.Sprintf("bit %d of byte %d flipped", bit, at), file, wal
	},
	func(r *rand.Rand, _ *wreck, file, wal []byte) (string, []byte, []byte) {
		at, bit := r.IntN(100), r.IntN(8)
		file[at] ^= 1 << bit
		return fmt.Sprintf("bit %d of byte %d in the header flipped, and no log", bit, at), file, nil
	},
	func(r *rand.Rand, _ *wreck, file, wal []byte) (string, []byte, []byte) {
		at, bit := r.IntN(len(file)), r.IntN(8)
		file[at] ^= 1 << bit
		return fmt.Sprintf("bit %d of byte %d flipped, and no log", bit, at), file, nil
	},
	func(r *rand.Rand, _ *wreck, file, wal []byte) (string, []byte, []byte) {
		at, bit := r.IntN(len(wal)), r.IntN(8)
		wal[at] ^= 1 << bit
		return fmt.Sprintf("bit %d of byte %d in the log flipped", bit, at), file, wal
	},
	func(r *rand.Rand, _ *wreck, file, wal []byte) (string, []byte, []byte) {
		page := r.IntN(len(file) / pageSize)
		clear(file[page*pageSize:][:pageSize])
		return fmt.Sprintf("page %d zeroed", page+1), file, keep(r, wal)
	},
	func(r *rand.Rand, _ *wreck, file, wal []byte) (string, []byte, []byte) {
		size := r.IntN(len(file))
		return fmt.Sprintf("the file cut to %d bytes", size), file[:size], keep(r, wal)
	},
	func(r *rand.Rand, _ *wreck, file, wal []byte) (string, []byte, []byte) {
		size := r.IntN(len(wal))
		return fmt.Sprintf("the log cut to %d bytes", size), file, wal[:size]
	},
	func(r *rand.Rand, _ *wreck, file, wal []byte) (string, []byte, []byte) {
		size := r.IntN(len(wal))
		for n := size; n < len(wal); n++ {
			wal[n] = byte(r.Uint32())
		}
		return fmt.Sprintf("the log torn at byte %d", size), file, wal
	},
	func(r *rand.Rand, _ *wreck, file, wal []byte) (string, []byte, []byte) {
		a, b := r.IntN(len(file)/pageSize), r.IntN(len(file)/pageSize)
		one := bytes.Clone(file[a*pageSize:][:pageSize])
		copy(file[a*pageSize:][:pageSize], file[b*pageSize:][:pageSize])
		copy(file[b*pageSize:][:pageSize], one)
		return fmt.Sprintf("pages %d and %d swapped", a+1, b+1), file, keep(r, wal)
	},
	func(r *rand.Rand, w *wreck, file, wal []byte) (string, []byte, []byte) {
		page := r.IntN(len(w.older) / pageSize)
		copy(file[page*pageSize:][:pageSize], w.older[page*pageSize:][:pageSize])
		return fmt.Sprintf("page %d as it was before", page+1), file, keep(r, wal)
	},
	func(r *rand.Rand, _ *wreck, file, wal []byte) (string, []byte, []byte) {
		at := r.IntN(len(file)) / 512 * 512
		n := min(512*(1+r.IntN(8)), len(file)-at)
		for k := range n {
			file[at+k] = byte(r.Uint32())
		}
		return fmt.Sprintf("%d bytes from %d on are noise", n, at), file, keep(r, wal)
	},
	func(_ *rand.Rand, _ *wreck, file, _ []byte) (string, []byte, []byte) {
		return "the log lost", file, nil
	},
	func(_ *rand.Rand, _ *wreck, _, wal []byte) (string, []byte, []byte) { return "the file lost", nil, wal },
	func(r *rand.Rand, _ *wreck, file, wal []byte) (string, []byte, []byte) {
		return "bytes behind the end", append(file, make([]byte, 1+r.IntN(3*pageSize))...), keep(r, wal)
	},
}

func keep(r *rand.Rand, wal []byte) []byte {
	if r.IntN(2) == 0 {
		return nil
	}
	return wal
}

// try opens the damaged files and verifies all of them. It returns the error that refused them, or a
// failure when they were taken and are not one of the states that may be.
func (w *wreck) try(path string, file, wal []byte) (refused, failure error) {
	if err := removeDatabase(path); err != nil {
		return nil, err
	}
	for suffix, b := range map[string][]byte{"": file, "-wal": wal} {
		if b != nil {
			if err := os.WriteFile(path+suffix, b, 0o600); err != nil {
				return nil, err
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	i, err := Open(ctx, Config{Path: path, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err, nil
	}
	defer func() { _ = i.Close() }()
	l, err := i.Load(ctx, Visitor{})
	if err != nil {
		return err, nil
	}
	if err := i.VerifyHistory(ctx); err != nil {
		return err, nil
	}
	if l.Index != i.Written() {
		return nil, fmt.Errorf("written up to %d, loaded up to %d", i.Written(), l.Index)
	}
	if l.Index < w.durable {
		return nil, fmt.Errorf("taken at index %d, but %d was durable", l.Index, w.durable)
	}
	h := sha256.New()
	if err := i.Dump(ctx, h); err != nil {
		return nil, fmt.Errorf("taken, but it can't be read: %w", err)
	}
	if [32]byte(h.Sum(nil)) != w.states[l.Index] {
		return nil, fmt.Errorf("taken at index %d, but it is not what was written up to there", l.Index)
	}
	return nil, nil
}

// TestADamagedDatabaseIsRefusedOrWhole damages the files in 10,000 ways.
func TestADamagedDatabaseIsRefusedOrWhole(t *testing.T) {
	w := makeWreck(t)
	if refused, failure := w.try(filepath.Join(scratch(t), "whole.db"), w.file, w.wal); refused != nil || failure != nil {
		t.Fatalf("undamaged: refused %v, failure %v", refused, failure)
	}
	times := 10_000
	if testing.Short() {
		times = 1_000
	}
	workers := runtime.GOMAXPROCS(0)
	var mu sync.Mutex
	refusals, taken := 0, 0
	var wg sync.WaitGroup
	for k := range workers {
		path := filepath.Join(scratch(t), "nacre.db")
		wg.Go(func() {
			for n := k; n < times && !t.Failed(); n += workers {
				r := rand.New(rand.NewPCG(uint64(n), 1))
				what, file, wal := mutations[n%len(mutations)](r, w, bytes.Clone(w.file), bytes.Clone(w.wal))
				refused, failure := w.try(path, file, wal)
				var corrupt *CorruptError
				var newer *NewerError
				switch {
				case failure != nil:
					t.Errorf("mutation %d, %s: %v", n, what, failure)
				case refused != nil && !errors.As(refused, &corrupt) && !errors.As(refused, &newer):
					t.Errorf("mutation %d, %s: the error does not say that the file is damaged: %v", n, what, refused)
				}
				mu.Lock()
				if refused != nil {
					refusals++
				} else {
					taken++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	t.Logf("of %d damaged databases %d were refused, %d whole in what was durable", refusals+taken, refusals, taken)
}
