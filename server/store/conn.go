package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"

	"github.com/mattn/go-sqlite3"
)

// conn is one connection to an SQLite file, below GORM and database/sql: a prepared statement that
// is bound and stepped in one crossing into SQLite costs a third of what it costs through them, and
// the writer pays it for every publish. Not safe for concurrent use.
type conn struct {
	db    *sqlite3.SQLiteConn
	stmts map[string]*stmt
}

// stmt is a prepared statement with its arguments being gathered.
type stmt struct {
	query driver.StmtQueryContext
	close func() error
	args  []driver.NamedValue
}

// mode says what a connection is for.
type mode int

const (
	modeCreate mode = iota
	modeWrite
	modeRead
)

// The pragmas of each kind of connection. Pages are not mapped into memory: they would count as the
// server's memory a second time, beside the contents it holds.
var pragmas = [...][]string{
	modeCreate: {"page_size=4096", "journal_mode=WAL", "synchronous=FULL"},
	modeWrite:  {"journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=0", "journal_size_limit=67108864", "cache_size=-8192", "temp_store=MEMORY"},
	modeRead:   {"query_only=1", "case_sensitive_like=1", "cache_size=-2048", "temp_store=MEMORY", "cell_size_check=1"},
}

func dsn(path, vfs string, m mode) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	q := url.Values{"_busy_timeout": {"10000"}, "_stmt_cache_size": {"64"}, "mode": {[...]string{modeCreate: "rwc", modeWrite: "rw", modeRead: "ro"}[m]}}
	if vfs != "" {
		q.Set("vfs", vfs)
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
}

// connector opens connections for database/sql with their pragmas set. It implements driver.Connector.
type connector struct {
	path, vfs string
	mode      mode
}

// Connect implements driver.Connector.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	d, err := c.Driver().Open(dsn(c.path, c.vfs, c.mode))
	if err != nil {
		return nil, damage(c.path, err)
	}
	db := d.(*sqlite3.SQLiteConn)
	for _, p := range pragmas[c.mode] {
		if _, err := db.Exec("PRAGMA "+p, nil); err != nil {
			_ = db.Close()
			return nil, damage(c.path, fmt.Errorf("pragma %s: %w", p, err))
		}
	}
	if c.mode == modeRead {
		if err := db.RegisterFunc("nacre_like", likeBytes, true); err != nil {
			_ = db.Close()
			return nil, fmt.Errorf("register nacre_like: %w", err)
		}
	}
	return db, nil
}

// Driver implements driver.Connector.
func (c connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

func openConn(c connector) (*conn, error) {
	d, err := c.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	return &conn{db: d.(*sqlite3.SQLiteConn), stmts: make(map[string]*stmt)}, nil
}

func (c *conn) Close() error {
	for _, s := range c.stmts {
		_ = s.close()
	}
	clear(c.stmts)
	return c.db.Close()
}

// prepared returns the statement for query, with no arguments yet.
func (c *conn) prepared(query string) (*stmt, error) {
	if s := c.stmts[query]; s != nil {
		s.args = s.args[:0]
		return s, nil
	}
	p, err := c.db.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	s := &stmt{query: p.(driver.StmtQueryContext), close: p.Close}
	c.stmts[query] = s
	return s, nil
}

func (s *stmt) arg(v driver.Value) {
	s.args = append(s.args, driver.NamedValue{Ordinal: len(s.args) + 1, Value: v})
}

func (s *stmt) int(n int64)    { s.arg(n) }
func (s *stmt) text(v string)  { s.arg(v) }
func (s *stmt) sum(sum uint64) { s.arg(int64(sum)) }

func (s *stmt) opt(v *string) {
	if v == nil {
		s.arg(nil)
		return
	}
	s.arg(*v)
}

func (s *stmt) blob(v []byte) {
	if v == nil {
		v = []byte{}
	}
	s.arg(v)
}

// run executes the statement with its arguments; f, which may be nil, sees each row of the answer
// and ends the run by an error. Texts and contents in a row are f's to keep.
func (s *stmt) run(ctx context.Context, f func(row []driver.Value) error) (err error) {
	rows, err := s.query.QueryContext(ctx, s.args)
	if err != nil {
		return err
	}
	defer func() {
		if closed := rows.Close(); err == nil {
			err = closed
		}
	}()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		if err := rows.Next(row); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if f == nil {
			continue
		}
		if err := f(row); err != nil {
			return err
		}
	}
}

func (c *conn) exec(query string, args ...driver.Value) error {
	return c.query(context.Background(), query, nil, args...)
}

func (c *conn) query(ctx context.Context, query string, f func(row []driver.Value) error, args ...driver.Value) error {
	s, err := c.prepared(query)
	if err != nil {
		return err
	}
	for _, a := range args {
		s.arg(a)
	}
	return s.run(ctx, f)
}

func (c *conn) int(query string) (n int64, err error) {
	err = c.query(context.Background(), query, func(row []driver.Value) error {
		n, _ = row[0].(int64)
		return nil
	})
	return n, err
}

// checkpoint moves what stands in the write-ahead log into the database file and makes it durable
// there, as far as no reader still needs the log; done says that all of it was moved. While another
// process, a backup tool for one, moves it, SQLite does nothing and gives no figures.
func (c *conn) checkpoint() (done bool, err error) {
	log, moved, err := c.wal("PASSIVE")
	return log >= 0 && log == moved, err
}

// behind returns how many pages of the write-ahead log are not in the database file.
func (c *conn) behind() (int64, error) {
	log, moved, err := c.wal("NOOP")
	return log - moved, err
}

func (c *conn) wal(how string) (log, moved int64, err error) {
	err = c.query(context.Background(), "PRAGMA wal_checkpoint("+how+")", func(row []driver.Value) error {
		log, _ = row[1].(int64)
		moved, _ = row[2].(int64)
		return nil
	})
	return log, moved, err
}
