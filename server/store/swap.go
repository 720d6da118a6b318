package store

import (
	"context"
	"fmt"

	"nacre/server/fault"
)

// Copy implements replica.Image: it writes a consistent copy of the database to path, a file that
// must not exist yet, durably, and returns the index that the copy holds. Writing goes on meanwhile.
func (i *Image) Copy(ctx context.Context, path string) (uint64, error) {
	i.gate.RLock()
	defer i.gate.RUnlock()
	// SQLite takes this for a write, though it only reads the database itself.
	c, err := openConn(connector{i.cfg.Path, i.cfg.VFS, modeWrite})
	if err != nil {
		return 0, err
	}
	err = c.query(ctx, "VACUUM INTO ?", nil, path)
	_ = c.Close()
	if err != nil {
		_ = removeDatabase(path)
		if ctx.Err() != nil {
			return 0, fault.Wrap(fault.Unavailable, ctx.Err(), "the copy of the database was given up before it was done")
		}
		return 0, fmt.Errorf("copy the database to %s: %w", path, damage(i.cfg.Path, err))
	}
	if err := syncFile(path); err != nil {
		return 0, err
	}
	c, err = openConn(connector{path, "", modeRead})
	if err != nil {
		return 0, err
	}
	m, err := readMeta(path, c)
	_ = c.Close()
	return m.index, err
}

// Replace implements replica.Image: it puts the copy at path, which is moved, in the place of the
// database, after every row of it was verified. Nothing may be written meanwhile; queries wait. When
// it returns an error before the copy was moved, the image is as it was.
func (i *Image) Replace(ctx context.Context, path string) error {
	if err := Verify(ctx, path); err != nil {
		return err
	}
	i.mu.Lock()
	handed := i.handed
	i.mu.Unlock()
	if err := i.WaitFor(ctx, handed); err != nil {
		return err
	}
	i.gate.Lock()
	defer i.gate.Unlock()
	i.checkpoints.Lock()
	defer i.checkpoints.Unlock()
	return i.onWriter(ctx, func(*writer) error {
		err := i.swap(ctx, path)
		if err != nil {
			i.fail(err)
			return i.Err()
		}
		return nil
	})
}

// swap runs on the writing goroutine, with gate and checkpoints held.
func (i *Image) swap(ctx context.Context, path string) error {
	// Closing the last connection moves the log into the old file and removes it.
	if err := i.files.close(); err != nil {
		return err
	}
	i.files = &files{}
	if err := moveDatabase(path, i.cfg.Path); err != nil {
		return err
	}
	f, err := openFiles(ctx, i.cfg)
	if err != nil {
		return err
	}
	i.files = f
	i.mu.Lock()
	defer i.mu.Unlock()
	i.handed, i.written = f.writer.meta.index, f.writer.meta.index
	close(i.advanced)
	i.advanced = make(chan struct{})
	return nil
}

// Verify reads a database that nobody has open and compares everything in it, history too, with its
// checksums. Errors: *CorruptError, *NewerError.
func Verify(ctx context.Context, path string) error {
	cfg := Config{Path: path}
	if err := migrate(ctx, path, "", modeWrite); err != nil {
		return err
	}
	if _, err := load(ctx, cfg, Visitor{}, false); err != nil {
		return err
	}
	_, err := load(ctx, cfg, Visitor{}, true)
	return err
}
