package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/mattn/go-sqlite3"

	"nacre/server/fault"
)

// CorruptError says that the database is not what was written to it. The node must not serve from
// it: what is missing could be anything.
type CorruptError struct {
	// Path is the database file.
	Path string
	// Table is where the difference was found, "" when it is the file as a whole.
	Table string
	// Row is the row's id, 0 when it is no single row.
	Row int64
	// What is the difference.
	What string
	err  error
}

// Error names the file, the place, the difference, and what to do.
func (e *CorruptError) Error() string {
	where := ""
	if e.Table != "" {
		where = ", table " + e.Table
	}
	if e.Row != 0 {
		where += fmt.Sprintf(", row %d", e.Row)
	}
	return fmt.Sprintf("%s is damaged%s: %s. Nothing is served from it. Stop the node and put back a backup of its data folder, "+
		"or remove the folder and let the node fetch its data from the other members of its cluster", e.Path, where, e.What)
}

// Unwrap returns the database's own error, if it was one.
func (e *CorruptError) Unwrap() error { return e.err }

// NewerError says that the database was written by a later version of Nacre.
type NewerError struct {
	Path     string
	Has      int64
	Supports int64
}

// Error says which versions do not fit and what to do.
func (e *NewerError) Error() string {
	return fmt.Sprintf("%s was written by a newer Nacre: its schema has version %d, this program knows up to %d. Start the newer version", e.Path, e.Has, e.Supports)
}

// damage makes a CorruptError of an error with which SQLite says that the file is not as it should
// be; other errors stay as they are.
func damage(path string, err error) error {
	var known *CorruptError
	var newer *NewerError
	if err == nil || errors.As(err, &known) || errors.As(err, &newer) {
		return err
	}
	var e sqlite3.Error
	if errors.As(err, &e) {
		switch e.Code {
		case sqlite3.ErrCorrupt, sqlite3.ErrNotADB, sqlite3.ErrFormat, sqlite3.ErrSchema, sqlite3.ErrError, sqlite3.ErrMismatch, sqlite3.ErrConstraint, sqlite3.ErrRange, sqlite3.ErrTooBig:
			return &CorruptError{Path: path, What: e.Error(), err: err}
		case sqlite3.ErrIoErr:
			if e.ExtendedCode == sqlite3.ErrIoErrShortRead {
				return &CorruptError{Path: path, What: "it ends before the page that is read", err: err}
			}
		}
	}
	return err
}

// readFault makes of an error of a query what the caller may see of it.
func readFault(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case fault.KindOf(err) != fault.Internal:
		return err
	case ctx.Err() != nil:
		return fault.Wrap(fault.Unavailable, err, "the query was given up before it was done")
	}
	return fault.Wrap(fault.Unavailable, err, "the database can't be read")
}

// isCorrupt reports whether SQLite found the file damaged.
func isCorrupt(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB)
}

// isFull reports whether the disk had no room for a write; SQLite then has undone all of its transaction.
func isFull(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && e.Code == sqlite3.ErrFull
}

// isDamage reports whether err is a *CorruptError already.
func isDamage(err error) bool {
	var e *CorruptError
	return errors.As(err, &e)
}
