package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"nacre/migrations"
)

// Config says where the image is and how far it may be behind. Zero values mean the defaults.
type Config struct {
	// Path is the database file; its write-ahead log stands beside it.
	Path string
	// VFS names the SQLite file layer that the file is opened through; "" is the system's. Tests put
	// faults in with it.
	VFS string
	// Gather is how long changes are gathered before they are written, unless somebody waits for them. Default 25 ms.
	Gather time.Duration
	// MaxBehind is the age of the oldest change not yet written at which Write begins to wait. Default 50 ms.
	MaxBehind time.Duration
	// MaxBehindBytes is the size of the changes not yet written at which Write begins to wait. Default 4 MiB.
	MaxBehindBytes int
	// CheckpointPages is how many pages the write-ahead log gathers before they are moved into the file. Default 8192 (32 MiB).
	CheckpointPages int64
	// Readers is how many queries read at the same time; more wait. Half of them may be searches in contents. Default 4.
	Readers int
	// MaxQueries is how many queries may run or wait at the same time; more are refused. Default 64.
	MaxQueries int
	// QueryTime is how long a query may take, waiting included. Default 30 s.
	QueryTime time.Duration
	// Log gets what happens behind the answers. Default slog.Default().
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Gather <= 0 {
		c.Gather = 25 * time.Millisecond
	}
	if c.MaxBehind <= 0 {
		c.MaxBehind = 50 * time.Millisecond
	}
	if c.MaxBehindBytes <= 0 {
		c.MaxBehindBytes = 4 << 20
	}
	if c.CheckpointPages <= 0 {
		c.CheckpointPages = 8192
	}
	if c.Readers <= 0 {
		c.Readers = 4
	}
	if c.MaxQueries <= 0 {
		c.MaxQueries = 64
	}
	if c.QueryTime <= 0 {
		c.QueryTime = 30 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// files are the connections to one database file.
type files struct {
	writer     *writer
	checkpoint *conn
	pool       *sql.DB
	read       *gorm.DB
}

// openFiles opens the database at cfg.Path, makes it when there is none, and brings its schema up to date.
func openFiles(ctx context.Context, cfg Config) (*files, error) {
	if err := ensure(ctx, cfg); err != nil {
		return nil, err
	}
	f := &files{}
	if err := f.open(cfg); err != nil {
		_ = f.close()
		return nil, err
	}
	return f, nil
}

func (f *files) open(cfg Config) error {
	w, err := openConn(connector{cfg.Path, cfg.VFS, modeWrite})
	if err != nil {
		return err
	}
	f.writer = &writer{conn: w}
	if f.writer.meta, err = readMeta(cfg.Path, w); err != nil {
		return err
	}
	if f.checkpoint, err = openConn(connector{cfg.Path, cfg.VFS, modeWrite}); err != nil {
		return err
	}
	f.pool = sql.OpenDB(connector{cfg.Path, cfg.VFS, modeRead})
	f.pool.SetMaxOpenConns(cfg.Readers)
	f.pool.SetMaxIdleConns(cfg.Readers)
	f.pool.SetConnMaxIdleTime(time.Minute)
	f.read, err = gorm.Open(sqlite.New(sqlite.Config{Conn: f.pool}), gormConfig())
	return damage(cfg.Path, err)
}

// gormConfig is how GORM is used on both databases: it only makes SQL and scans rows. Statements are
// kept prepared by the drivers' connections: GORM's own cache starts a goroutine that nothing ends.
func gormConfig() *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true, DisableAutomaticPing: true,
		Logger: logger.Discard, // errors are logged once, where they end
	}
}

func (f *files) close() error {
	var errs []error
	if f.pool != nil {
		errs = append(errs, f.pool.Close())
	}
	if f.checkpoint != nil {
		errs = append(errs, f.checkpoint.Close())
	}
	if f.writer != nil {
		errs = append(errs, f.writer.Close())
	}
	return errors.Join(errs...)
}

// ensure sees to it that a database with the present schema is at cfg.Path. A new one is built under
// another name and renamed, so that a file under this name is always a whole one: an empty or
// shortened file is never taken for a new node's.
func ensure(ctx context.Context, cfg Config) error {
	_, err := os.Stat(cfg.Path)
	if err == nil {
		return migrate(ctx, cfg.Path, cfg.VFS, modeWrite)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("database: %w", err)
	}
	if _, err := os.Stat(cfg.Path + "-wal"); err == nil {
		return &CorruptError{Path: cfg.Path, What: "the file is gone, but its write-ahead log is there"}
	}
	fresh := cfg.Path + ".new"
	if err := removeDatabase(fresh); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if err := migrate(ctx, fresh, cfg.VFS, modeCreate); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	c, err := openConn(connector{fresh, cfg.VFS, modeCreate})
	if err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	m := newMeta()
	err = m.create(c)
	if err := errors.Join(err, c.Close()); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	return moveDatabase(fresh, cfg.Path)
}

// migrate brings the schema of the database at path to the version that this program knows.
func migrate(ctx context.Context, path, vfs string, m mode) (err error) {
	db := sql.OpenDB(connector{path, vfs, m})
	db.SetMaxOpenConns(1)
	defer func() {
		if closed := db.Close(); err == nil {
			err = closed
		}
	}()
	p, err := goose.NewProvider(goose.DialectSQLite3, db, migrations.SQLite(), goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if m == modeWrite {
		// Not goose's question: it would make its table in a file that lost it.
		var has int64
		if err := db.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&has); err != nil {
			if err := damage(path, err); isDamage(err) || ctx.Err() != nil {
				return err
			}
			return &CorruptError{Path: path, What: "its schema version can't be read", err: err}
		}
		sources := p.ListSources()
		last := sources[len(sources)-1].Version
		switch {
		case has > last:
			return &NewerError{Path: path, Has: has, Supports: last}
		case has == last:
			return nil
		case has < 1:
			return &CorruptError{Path: path, What: "it has no schema version"}
		}
	}
	if _, err := p.Up(ctx); err != nil {
		return damage(path, fmt.Errorf("migrations: %w", err))
	}
	return nil
}

// removeDatabase removes a database that nobody has open, with what stands beside it.
func removeDatabase(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// moveDatabase renames a closed database, durably. Whatever stands beside the old one must be gone.
func moveDatabase(from, to string) error {
	if err := syncFile(from); err != nil {
		return err
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(to + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("database: %w", err)
		}
	}
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return syncFile(filepath.Dir(to))
}

// syncFile makes a file, or the names in a folder, durable.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("database: sync %s: %w", path, err)
	}
	return nil
}
