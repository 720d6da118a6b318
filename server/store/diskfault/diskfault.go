// Package diskfault puts faults into the files of SQLite databases, for tests: a file layer that
// fails when told to, and that remembers what was not synced, so that a loss of power can be played.
package diskfault

/*
#cgo linux LDFLAGS: -Wl,--unresolved-symbols=ignore-in-object-files
#cgo darwin LDFLAGS: -Wl,-undefined,dynamic_lookup
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"

	// The library that the file layer is registered with.
	_ "github.com/mattn/go-sqlite3"
)

// VFS is the name to open databases through.
const VFS = "nacre-diskfault"

// Op is an operation on a file.
type Op int

// The operations, as the C side numbers them.
const (
	Read Op = iota
	Write
	Truncate
	Sync
)

// Errors of SQLite, as a disk makes it give them.
const (
	errRead     = 10 | 1<<8
	errWrite    = 10 | 3<<8
	errSync     = 10 | 4<<8
	errTruncate = 10 | 6<<8
	errFull     = 13
)

// Disk is the folder below which files are watched. It is safe for concurrent use.
type Disk struct {
	dir string

	mu     sync.Mutex
	counts [Sync + 1]int
	fails  [Sync + 1]int // at which count of an operation it begins to fail; 0 is never
	full   bool          // writes fail because the disk is full
	undo   []undo        // what was not synced, oldest first
}

// undo is what stood where something was written.
type undo struct {
	path string
	at   int64
	old  []byte
	size int64 // of the file
}

var (
	register sync.Once
	failed   error

	mu    sync.Mutex
	disks = make(map[string]*Disk) // by folder
)

// New watches dir until close is called.
func New(dir string) (d *Disk, closeDisk func(), err error) {
	register.Do(func() {
		// The name belongs to SQLite from now on.
		if rc := C.nacre_diskfault_register(C.CString(VFS)); rc != 0 {
			failed = fmt.Errorf("register the file layer: SQLite's code %d", int(rc))
		}
	})
	if failed != nil {
		return nil, nil, failed
	}
	d = &Disk{dir: dir}
	mu.Lock()
	defer mu.Unlock()
	disks[dir] = d
	return d, func() {
		mu.Lock()
		defer mu.Unlock()
		delete(disks, dir)
	}, nil
}

// Fail makes op fail after n more of it went well, from then on for ever.
func (d *Disk) Fail(op Op, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fails[op] = d.counts[op] + n + 1
}

// Fill makes writes fail as those to a full disk, after n more went well.
func (d *Disk) Fill(n int) {
	d.Fail(Write, n)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = true
}

// Free ends what Fill did.
func (d *Disk) Free() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fails[Write], d.full = 0, false
}

//export nacreDiskfaultBefore
func nacreDiskfaultBefore(path *C.char, op, n C.int, at C.longlong) C.int {
	name := C.GoString(path)
	mu.Lock()
	d := disks[filepath.Dir(name)]
	mu.Unlock()
	if d == nil {
		return 0
	}
	return C.int(d.before(name, Op(op), int(n), int64(at)))
}

func (d *Disk) before(path string, op Op, n int, at int64) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts[op]++
	if op == Write || op == Truncate {
		d.remember(path, op, n, at)
	}
	if limit := d.fails[op]; limit > 0 && d.counts[op] >= limit {
		if op == Write && d.full {
			return errFull
		}
		return [...]int{Read: errRead, Write: errWrite, Truncate: errTruncate, Sync: errSync}[op]
	}
	if op == Sync {
		kept := d.undo[:0]
		for _, u := range d.undo {
			if u.path != path {
				kept = append(kept, u)
			}
		}
		d.undo = kept
	}
	return 0
}

// remember keeps what op will replace. The caller holds mu.
func (d *Disk) remember(path string, op Op, n int, at int64) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	u := undo{path: path, at: at}
	if s, err := f.Stat(); err == nil {
		u.size = s.Size()
	}
	if op == Truncate {
		n = int(max(u.size-at, 0))
	}
	u.old = make([]byte, n)
	got, err := f.ReadAt(u.old, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return
	}
	u.old = u.old[:got]
	d.undo = append(d.undo, u)
}

// LosePower copies the files to dir as a loss of power may leave them: of what was not synced each
// write is there or not, as r says, and the last that is there may be torn.
func (d *Disk) LosePower(r *rand.Rand, dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	names, err := os.ReadDir(d.dir)
	if err != nil {
		return err
	}
	files := make(map[string][]byte)
	for _, n := range names {
		path := filepath.Join(d.dir, n.Name())
		if filepath.Ext(path) == ".db-shm" {
			continue // memory
		}
		if files[path], err = os.ReadFile(path); err != nil {
			return err
		}
	}
	all := r.IntN(3) == 0
	for n := len(d.undo) - 1; n >= 0; n-- {
		u := d.undo[n]
		b, ok := files[u.path]
		if !ok || !all && r.IntN(2) == 0 {
			continue
		}
		old := u.old
		if len(old) > 0 && r.IntN(8) == 0 {
			old = old[:r.IntN(len(old))]
		}
		if end := int(u.at) + len(old); end > len(b) {
			b = append(b, make([]byte, end-len(b))...)
		}
		copy(b[u.at:], old)
		if all && int64(len(b)) > u.size {
			b = b[:u.size]
		}
		files[u.path] = b
	}
	for path, b := range files {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
