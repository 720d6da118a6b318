package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"

	driversql "github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"nacre/server/fault"
	"nacre/server/naming"
)

// CodeOtherDatabase is of the fault that what the DSN names now is not the database that was opened, or
// an older state of it. Nothing is written there, and nothing that was read there may be served.
const CodeOtherDatabase fault.Code = "otherDatabase"

// counter is the row that every writing transaction locks first.
type counter struct {
	Revision                       uint64
	DefaultTenant                  *string
	DatabaseID                     string
	Instances, Services, Overrides int64
}

// readCounter reads the row, and locks it when asked to, after which nobody else writes. A row that is not
// the one this node has seen is a fault; seen is m.seen from before the transaction began.
func (m *MySQL) readCounter(tx *gorm.DB, seen uint64, lock bool) (c counter, err error) {
	query := "SELECT revision, default_tenant, database_id, instances, services, overrides FROM nacre_revision WHERE id = 1"
	if lock {
		query += " FOR UPDATE"
	}
	res := tx.Raw(query).Scan(&c)
	var e *driversql.MySQLError
	switch {
	case errors.As(res.Error, &e) && (e.Number == 1146 || e.Number == 1049): // no such table, no such database
		return c, m.otherDatabase("has none of the tables that this node made there: it was made anew or replaced")
	case res.Error != nil:
		return c, res.Error
	case res.RowsAffected != 1:
		return c, fault.New(fault.Unavailable, "the table nacre_revision has lost its row; put it back (INSERT INTO nacre_revision (id, revision, database_id) "+
			"SELECT 1, COALESCE(MAX(revision), 0), '%s' FROM his_config_info) and start again", m.id)
	case c.DatabaseID != m.id:
		return c, m.otherDatabase("is another one than this node was started on (its id is " + c.DatabaseID + ", that was " + m.id + ")")
	case c.Revision < seen:
		return c, m.otherDatabase("has lost changes that this node has seen: it was restored from a copy, or failed over to a replica that lags")
	}
	return c, nil
}

func (m *MySQL) otherDatabase(what string) error {
	return fault.New(fault.Unavailable, "the database %s %s. Nothing is written there, and what is in memory is still served. "+
		"Bring the right database back, or restart this node, with an empty data folder where the id is another, to serve what is there now", m.name, what).WithCode(CodeOtherDatabase)
}

// saw notes a revision that was committed: a database that has less is another one or an older state.
func (m *MySQL) saw(revision uint64) {
	for has := m.seen.Load(); has < revision && !m.seen.CompareAndSwap(has, revision); has = m.seen.Load() {
	}
}

// transaction returns what decides or, when reads says so, only reads on what the counter says.
func (c *counter) transaction(tx *gorm.DB, batchBytes int, reads bool) *transaction {
	t := &transaction{
		tx: tx, batchBytes: batchBytes, reads: reads, attempt: newAttempt(), counted: c.Revision, tenant: tenantNew,
		totals: naming.Totals{Instances: c.Instances, Services: c.Services, Overrides: c.Overrides},
	}
	if c.DefaultTenant != nil {
		t.tenant = *c.DefaultTenant
	}
	return t
}

// identify gives the database an id, unless it has one, and reads it.
func (m *MySQL) identify(ctx context.Context) error {
	_, err := m.pool.ExecContext(ctx, "UPDATE nacre_revision SET database_id = ? WHERE id = 1 AND database_id IS NULL", hex.EncodeToString(newAttempt()))
	if err != nil {
		return err
	}
	return m.pool.QueryRowContext(ctx, "SELECT database_id FROM nacre_revision WHERE id = 1").Scan(&m.id)
}

// checkIdentity refuses a database that is not the one that the caller knows, before anything is changed there.
func (m *MySQL) checkIdentity(ctx context.Context, c *catalog) error {
	if m.opts.Database == "" {
		return nil
	}
	id := ""
	if c.columns[[2]string{"nacre_revision", "database_id"}] {
		if err := m.pool.QueryRowContext(ctx, "SELECT COALESCE(MAX(database_id), '') FROM nacre_revision").Scan(&id); err != nil {
			return err
		}
	}
	if id == m.opts.Database {
		return nil
	}
	is := "has the id " + id
	if id == "" {
		is = "is a new one"
	}
	return fault.New(fault.Invalid, "the database %s %s, but this node's data folder belongs to the database with the id %s; nothing was changed there. "+
		"Name the right database in the DSN, or give the node an empty data folder", m.name, is, m.opts.Database).WithCode(CodeOtherDatabase)
}

// ID returns the id that the database got when Nacre first used it.
func (m *MySQL) ID() string { return m.id }

// Name says which database it is, without user and password.
func (m *MySQL) Name() string { return m.name }

// newAttempt returns 16 random bytes, by which a group's rows in the change log are found again.
func newAttempt() []byte {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return b
}

// happened finds out whether the transaction whose COMMIT was not confirmed took effect: it waits for
// the counter's lock, which that transaction holds until it is committed or undone, and looks for what it logged.
func (m *MySQL) happened(ctx context.Context, t *transaction) (bool, error) {
	seen := m.seen.Load()
	tx, done, err := m.session(ctx)
	if err != nil {
		return false, err
	}
	broken := true
	defer func() { done(broken) }()
	if err := tx.Exec("START TRANSACTION").Error; err != nil {
		return false, err
	}
	if _, err := m.readCounter(tx, seen, true); err != nil {
		return false, err
	}
	var n int64
	err = tx.Raw("SELECT COUNT(*) FROM nacre_change WHERE revision = ? AND attempt = ?", t.revision, t.attempt).Scan(&n).Error
	broken = m.rollback(ctx, tx) != nil
	return n > 0, err
}
