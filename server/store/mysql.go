package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	driversql "github.com/go-sql-driver/mysql"
	gormsql "gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"nacre/server/clock"
	"nacre/server/fault"
	"nacre/server/journal"
)

// MySQLOptions are the settings of a MySQL; zero values mean the defaults.
type MySQLOptions struct {
	// WriteTimeout bounds one group's transaction with all its retries. Default 5 s.
	WriteTimeout time.Duration
	// ReadTimeout bounds one query. Default 15 s.
	ReadTimeout time.Duration
	// ConnectTimeout bounds the making of one connection. Default 2 s.
	ConnectTimeout time.Duration
	// MaxConns is how many connections are open at most. Default 16.
	MaxConns int
	// Node is the id of this node, for the change log.
	Node string
	// Database is the id that the database must have; "" takes any.
	Database string
	// Committed, when set, is told what each committed group changed, of the database as it was at the revision before, in the
	// order of revisions and before Commit returns. It must not block.
	Committed func(before, after uint64, changes []journal.Change)
	// Clock is the machine's, with which the database's is compared. Default clock.System.
	Clock clock.Clock
	// Log takes what goes wrong and is tried again. Default slog.Default().
	Log *slog.Logger
}

func (o MySQLOptions) withDefaults() MySQLOptions {
	if o.WriteTimeout <= 0 {
		o.WriteTimeout = 5 * time.Second
	}
	if o.ReadTimeout <= 0 {
		o.ReadTimeout = 15 * time.Second
	}
	if o.ConnectTimeout <= 0 {
		o.ConnectTimeout = 2 * time.Second
	}
	if o.MaxConns <= 0 {
		o.MaxConns = 16
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// MySQL is a MySQL or MariaDB database that several nodes, and other programs that know Nacos'
// tables, may share. It is safe for concurrent use.
type MySQL struct {
	// name says which database it is, without the password; database is its name on the server, id its own.
	name, database, id string
	opts               MySQLOptions
	pool               *sql.DB
	db                 *gorm.DB
	// batchBytes bounds one INSERT, by what the server accepts.
	batchBytes int
	// seen is the highest revision that was seen.
	seen atomic.Uint64
	// zone is that of the database's datetimes.
	zone *time.Location
	// writing is held by the one Commit that is under way.
	writing chan struct{}
	// sinceTrim is how many groups were committed since the change log was trimmed last. writing guards it.
	sinceTrim int
	trimmed   time.Time
}

var _ journal.Committer = (*MySQL)(nil)

// OpenMySQL connects to the database that dsn names (the form of go-sql-driver/mysql), brings its
// tables up to date and decides how the default namespace is written. It blocks until that is done
// or ctx ends. Datetimes are read and written in the database session's time zone, unless the DSN
// says loc=…. Faults: Invalid for a DSN that can't be used, Unavailable when the database can't be
// reached; a *NewerError when a later version of Nacre wrote its schema.
func OpenMySQL(ctx context.Context, dsn string, opts MySQLOptions) (*MySQL, error) {
	m, err := connectMySQL(ctx, dsn, opts)
	if err != nil {
		return nil, err
	}
	if err := m.prepare(ctx); err != nil {
		return nil, errors.Join(m.readFault(ctx, err), m.Close())
	}
	return m, nil
}

// PlanMySQL returns the SQL that OpenMySQL would execute to bring the tables of the database up to
// date, and changes nothing. Faults as OpenMySQL.
func PlanMySQL(ctx context.Context, dsn string, opts MySQLOptions) ([]string, error) {
	m, err := connectMySQL(ctx, dsn, opts)
	if err != nil {
		return nil, err
	}
	plan, err := m.plan(ctx)
	return plan, errors.Join(m.readFault(ctx, err), m.Close())
}

func (m *MySQL) prepare(ctx context.Context) error {
	if err := m.migrate(ctx); err != nil {
		return err
	}
	if err := m.identify(ctx); err != nil {
		return err
	}
	return m.chooseTenant(ctx)
}

// Close closes all connections.
func (m *MySQL) Close() error { return m.pool.Close() }

func connectMySQL(ctx context.Context, dsn string, opts MySQLOptions) (*MySQL, error) {
	opts = opts.withDefaults()
	cfg, err := driversql.ParseDSN(dsn)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the MySQL DSN can't be read (%v); right would be user:password@tcp(host:3306)/database", err)
	}
	if cfg.DBName == "" {
		return nil, fault.New(fault.Invalid, "the MySQL DSN names no database; right would be user:password@tcp(host:3306)/database")
	}
	m := &MySQL{name: cfg.DBName + " at " + cfg.Addr, database: cfg.DBName, opts: opts, writing: make(chan struct{}, 1)}
	configureSession(cfg, opts)
	var packet int64
	if packet, err = m.probe(ctx, cfg, strings.Contains(dsn, "loc=")); err != nil {
		return nil, m.readFault(ctx, err)
	}
	m.zone = cfg.Loc
	m.batchBytes = int(min(packet/3, 4<<20))
	if m.pool, err = openPool(cfg, opts); err != nil {
		return nil, err
	}
	m.db, err = gorm.Open(gormsql.New(gormsql.Config{
		Conn: m.pool, SkipInitializeWithVersion: true, DisableWithReturning: true,
	}), &gorm.Config{
		SkipDefaultTransaction: true, DisableAutomaticPing: true,
		Logger: logger.Discard, // errors are reported once, where they end
	})
	if err != nil {
		return nil, errors.Join(err, m.pool.Close())
	}
	return m, nil
}

// configureSession sets what Nacre relies on, whatever the server's or the DSN's own settings are.
func configureSession(cfg *driversql.Config, opts MySQLOptions) {
	cfg.ParseTime = true
	// One round trip a statement. Statements differ by how many rows they have: prepared, they would
	// pile up on the server.
	cfg.InterpolateParams = true
	cfg.MaxAllowedPacket = 0 // ask the server
	cfg.ClientFoundRows = false
	cfg.Logger = &driversql.NopLogger{}
	if cfg.Timeout == 0 {
		cfg.Timeout = opts.ConnectTimeout
	}
	// Every call has a context; these are for those that the context can't interrupt.
	if cfg.ReadTimeout == 0 {
		cfg.ReadTimeout = opts.ReadTimeout + 5*time.Second
	}
	if cfg.WriteTimeout == 0 {
		cfg.WriteTimeout = opts.ReadTimeout + 5*time.Second
	}
}

func openPool(cfg *driversql.Config, opts MySQLOptions) (*sql.DB, error) {
	connector, err := driversql.NewConnector(cfg)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the MySQL DSN can't be used: %v", err)
	}
	pool := sql.OpenDB(session{connector, []string{
		// Strict: data that doesn't fit is an error, never cut.
		"SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
		// The counter row serialises our writers; anything stricter would only lock gaps.
		"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
		// A waiter gives up on the server, too, before its caller is gone.
		fmt.Sprintf("SET SESSION innodb_lock_wait_timeout = %d", max(1, int(opts.WriteTimeout/(2*time.Second)))),
	}})
	pool.SetMaxOpenConns(opts.MaxConns)
	pool.SetMaxIdleConns(opts.MaxConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	pool.SetConnMaxLifetime(time.Hour)
	return pool, nil
}

// session is a connector whose connections have executed the statements first.
type session struct {
	driver.Connector
	statements []string
}

// Connect implements driver.Connector.
func (s session) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for _, statement := range s.statements {
		if _, err := conn.(driver.ExecerContext).ExecContext(ctx, statement, nil); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// probe asks the server what cfg must know before the pool is opened: the time zone, unless keepLoc.
// It returns the size of the largest packet the server takes.
func (m *MySQL) probe(ctx context.Context, cfg *driversql.Config, keepLoc bool) (packet int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, m.opts.ReadTimeout)
	defer cancel()
	pool, err := openPool(cfg, m.opts)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	var zone string
	var offset int
	var unix int64
	err = pool.QueryRowContext(ctx, "SELECT @@max_allowed_packet, @@session.time_zone, TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()), UNIX_TIMESTAMP()").
		Scan(&packet, &zone, &offset, &unix)
	if err == nil {
		err = m.checkClock(unix)
	}
	if err == nil && !keepLoc {
		cfg.Loc = zoneOf(zone, offset, time.Unix(unix, 0))
	}
	return packet, err
}

// zoneOf returns the location of a database session whose time_zone is name, and which is offset
// seconds ahead of UTC at now. A name that says nothing ("SYSTEM", on a machine that is not this one)
// leaves the offset, which is wrong across a change to summer time; the DSN can say loc=… then.
func zoneOf(name string, offset int, now time.Time) *time.Location {
	for _, try := range []string{name, "Local"} {
		if loc, err := time.LoadLocation(try); err == nil && name != "" {
			if _, at := now.In(loc).Zone(); at == offset {
				return loc
			}
		}
	}
	return time.FixedZone(name, offset)
}

// session returns GORM on one connection, which the caller releases with done; broken keeps the
// connection from being used again.
func (m *MySQL) session(ctx context.Context) (tx *gorm.DB, done func(broken bool), err error) {
	conn, err := m.pool.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	tx = m.db.WithContext(ctx)
	tx.Statement.ConnPool = conn
	return tx.Session(&gorm.Session{NewDB: true}), func(broken bool) {
		if broken {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // how database/sql is told; nothing else can fail
		}
		_ = conn.Close() // gives it back; an error says that it was given back already
	}, nil
}
