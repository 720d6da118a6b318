package replica

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"nacre/server/fault"
)

const (
	lockFile = "nacre.lock"
	nodeFile = "node"
)

// Lock keeps other processes out of a data folder.
type Lock struct{ f *os.File }

// LockDir takes the lock of the data folder dir, which it makes if need be. When another process
// holds it, the fault is Unavailable and its text names the folder and the process. The lock ends
// with Unlock or the process.
func LockDir(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("locking %s: %w", f.Name(), err)
		}
		return nil, fault.Wrap(fault.Unavailable, err,
			"the data folder %s is in use by another process%s; stop that one, or give this one a folder of its own", dir, holder(f))
	}
	if err := errors.Join(f.Truncate(0), writeAt(f, fmt.Sprintln(os.Getpid()))); err != nil {
		f.Close()
		return nil, err
	}
	return &Lock{f}, nil
}

// Unlock gives the folder free.
func (l *Lock) Unlock() error { return l.f.Close() }

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

func holder(f *os.File) string {
	b := make([]byte, 32)
	n, _ := f.ReadAt(b, 0)
	if pid := strings.TrimSpace(string(b[:n])); pid != "" {
		return " (number " + pid + ")"
	}
	return ""
}

// nodeID returns the id of the node that the data folder belongs to, from the file "node" and from
// the log, which both keep it. Where neither has one it is made; where one of them has lost it (a
// first start that was cut short, a file deleted) it is taken from the other.
func nodeID(dir string, log *logStore) (id string, err error) {
	path := filepath.Join(dir, nodeFile)
	kept, err := log.Get(keyNodeID)
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	switch have := err == nil; {
	case have:
		if id, err = parseNode(path, b); err != nil {
			return "", err
		}
		if len(kept) > 0 && string(kept) != id {
			return "", &StateError{Dir: dir, What: fmt.Sprintf("the file %s says this is node %s, and %s is of node %s", nodeFile, id, logFile, kept)}
		}
	case len(kept) > 0:
		id = string(kept)
	default:
		id = newNodeID()
	}
	if b == nil {
		if err := writeNode(path, id); err != nil {
			return "", err
		}
	}
	if len(kept) == 0 {
		return id, log.Set(keyNodeID, []byte(id))
	}
	return id, nil
}

// NodeID returns the id of the node that the data folder belongs to, which has no log; it is made where there is none. The
// caller holds the folder's lock.
func NodeID(dir string) (string, error) {
	path := filepath.Join(dir, nodeFile)
	b, err := os.ReadFile(path)
	switch {
	case err == nil:
		return parseNode(path, b)
	case !errors.Is(err, os.ErrNotExist):
		return "", err
	}
	id := newNodeID()
	return id, writeNode(path, id)
}

func newNodeID() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	return hex.EncodeToString(raw[:])
}

func nodeSum(id string) string {
	return fmt.Sprintf("%08x", crc32.Checksum([]byte(id), castagnoli))
}

// parseNode reads a node file: "nacre-node 1", the id and its CRC32C, between spaces.
func parseNode(path string, b []byte) (string, error) {
	f := strings.Fields(string(b))
	if len(f) != 4 || f[0] != "nacre-node" || f[1] != "1" || f[3] != nodeSum(f[2]) {
		return "", &CorruptError{File: path, Offset: 0, What: "it does not hold a node's id with its checksum"}
	}
	return f[2], nil
}

func writeNode(path, id string) error {
	return writeFile(path, fmt.Appendf(nil, "nacre-node 1 %s %s\n", id, nodeSum(id)))
}

// writeFile writes a file that is there whole and durable, or not at all.
func writeFile(path string, b []byte) error {
	fresh := path + ".new"
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
