package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"regexp"
	"time"

	driversql "github.com/go-sql-driver/mysql"

	"nacre/server/fault"
)

// cause is what an error of the database means for a transaction that met it.
type cause uint8

const (
	// causeOther is an error that neither waiting nor another value helps.
	causeOther cause = iota
	// causeLost is a connection that is gone or can't be had. Uncommitted work is undone by the server.
	causeLost
	// causeBusy is a transaction that the server undid in favour of another one.
	causeBusy
	// causeDuplicate is a row that somebody else wrote meanwhile, or one that the table's collation
	// takes for another.
	causeDuplicate
	// causeReadOnly is a server that takes no writes, as after a failover: another connection may lead to the new one.
	causeReadOnly
	// causeData is a value that the table can't hold.
	causeData
)

var causesByNumber = map[uint16]cause{
	1205: causeBusy, 1213: causeBusy, 1614: causeBusy, 3572: causeBusy,
	1020: causeBusy, // MariaDB: the row changed since the snapshot
	1062: causeDuplicate, 1586: causeDuplicate,
	1264: causeData, 1265: causeData, 1366: causeData, 1406: causeData, 1300: causeData, 3854: causeData, 1048: causeData, 1292: causeData,
	1040: causeLost, 1041: causeLost, 1053: causeLost, 1077: causeLost, 1080: causeLost, 1203: causeLost,
	1158: causeLost, 1159: causeLost, 1160: causeLost, 1161: causeLost, 1927: causeLost, 3169: causeLost, 4031: causeLost,
	1290: causeReadOnly, 1792: causeReadOnly, 1836: causeReadOnly,
	1047: causeLost, // Galera: the node is not part of a primary component
}

func causeOf(err error) cause {
	var e *driversql.MySQLError
	var n net.Error
	switch {
	case errors.As(err, &e):
		return causesByNumber[e.Number]
	case errors.Is(err, driversql.ErrPktTooLarge):
		return causeData
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, driversql.ErrInvalidConn), errors.Is(err, sql.ErrConnDone), errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.As(err, &n):
		return causeLost
	}
	return causeOther
}

// writeFault makes of an error that undid a transaction what the caller may see of it. Nothing of
// the group was written.
func (m *MySQL) writeFault(err error) error {
	if err == nil || fault.KindOf(err) != fault.Internal {
		return err
	}
	var e *driversql.MySQLError
	switch causeOf(err) {
	case causeLost:
		return fault.Wrap(fault.Unavailable, err, "the database %s can't be reached; nothing was written, try again later", m.name)
	case causeReadOnly:
		return fault.Wrap(fault.Unavailable, err, "the database %s is read-only, as a replica is, or a server after a failover; nothing was written, try again later", m.name)
	case causeBusy:
		return fault.Wrap(fault.Unavailable, err, "the database %s is busy with other transactions; nothing was written, try again later", m.name)
	case causeDuplicate:
		return fault.Wrap(fault.Conflict, err, "the database %s has a row already that its collation takes for the same; nothing was written", m.name)
	case causeData:
		return fault.Wrap(fault.Invalid, err, "a value does not fit into the database %s: %v. Texts need a table in utf8mb4, long ones a larger column or max_allowed_packet", m.name, err)
	}
	if denied := m.denied(err); denied != nil {
		return fault.Wrap(fault.Unavailable, err, "%s; nothing was written", denied.Text)
	}
	if errors.As(err, &e) {
		return fault.Wrap(fault.Unavailable, err, "the database %s refuses to write (error %d); nothing was written", m.name, e.Number)
	}
	return err
}

// unknown is the fault of a COMMIT that was not confirmed.
func (m *MySQL) unknown(err error) error {
	return fault.Wrap(fault.Unavailable, err,
		"the database %s did not confirm the write; whether it took effect is not known, read before trying again", m.name)
}

// readFault makes of an error of a query or of opening what the caller may see of it.
func (m *MySQL) readFault(ctx context.Context, err error) error {
	var newer *NewerError
	switch {
	case err == nil, errors.As(err, &newer), fault.KindOf(err) != fault.Internal:
		return err
	case ctx.Err() != nil:
		return fault.Wrap(fault.Unavailable, err, "the query was given up before it was done")
	}
	if denied := m.denied(err); denied != nil {
		return denied
	}
	var e *driversql.MySQLError
	if errors.As(err, &e) {
		return fault.Wrap(fault.Unavailable, err, "the database %s refuses: %s (error %d)", m.name, e.Message, e.Number)
	}
	if causeOf(err) == causeLost {
		return fault.Wrap(fault.Unavailable, err, "the database %s can't be reached", m.name)
	}
	return err
}

var deniedCommand = regexp.MustCompile(`^([A-Z ]+?) commands? denied to user ('.*'@'.*') for`)

// denied is the fault of a user who may not enter or may not do something, which says what to grant; nil for other errors.
func (m *MySQL) denied(err error) *fault.Error {
	var e *driversql.MySQLError
	if !errors.As(err, &e) {
		return nil
	}
	const needs = "Nacre needs SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER and INDEX"
	switch e.Number {
	case 1045, 1698:
		return fault.Wrap(fault.Invalid, err, "the database %s does not let the DSN's user in: %s", m.name, e.Message)
	case 1044:
		return fault.Wrap(fault.Invalid, err, "the database %s can't be used by this user: %s. %s there (GRANT … ON `%s`.* TO …)", m.name, e.Message, needs, m.database)
	case 1049:
		return fault.Wrap(fault.Invalid, err, "there is no database %s; make it (CREATE DATABASE `%s` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin) or name another one in the DSN", m.name, m.database)
	case 1142, 1143, 1227:
		if d := deniedCommand.FindStringSubmatch(e.Message); d != nil {
			return fault.Wrap(fault.Invalid, err, "the user %s may not %s in the database %s; %s (GRANT %s ON `%s`.* TO %s)", d[2], d[1], m.name, needs, d[1], m.database, d[2])
		}
		return fault.Wrap(fault.Invalid, err, "the database %s refuses: %s. %s", m.name, e.Message, needs)
	}
	return nil
}

// maxClockSkew is how far the database's clock may be from this machine's: times of rows are this machine's, and programs that share
// the database find by them what changed.
const maxClockSkew = 30 * time.Second

// checkClock refuses a database whose clock is off.
func (m *MySQL) checkClock(unix int64) error {
	ahead := time.Duration(unix-m.opts.Clock.Now().Unix()) * time.Second
	if ahead.Abs() <= maxClockSkew {
		return nil
	}
	which := "ahead of"
	if ahead < 0 {
		which = "behind"
	}
	return fault.New(fault.Invalid, "the clock of the database %s is %v %s this machine's, at most %v are allowed: programs that share the database find what changed "+
		"by its time. Set both clocks by the same time server", m.name, ahead.Abs(), which, maxClockSkew)
}
