package store

import (
	"context"
	"database/sql/driver"
	"fmt"

	"nacre/server/config"
)

// meta is what the image knows of itself; it stands in nacre_meta, written with each transaction.
type meta struct {
	index    uint64
	counters config.Counters
	totals   [tableCount]total
}

func newMeta() meta { return meta{counters: config.Counters{NextID: 1, NextHistory: 1}} }

// each calls f with every name and value, in a fixed order.
func (m *meta) each(f func(name string, value int64)) {
	f("applied_index", int64(m.index))
	f("revision", int64(m.counters.Revision))
	f("next_id", m.counters.NextID)
	f("next_history", m.counters.NextHistory)
	for t, total := range m.totals {
		f(tableNames[t]+".rows", total.rows)
		f(tableNames[t]+".sum", int64(total.sum))
	}
}

func (m *meta) set(values map[string]int64) {
	m.index = uint64(values["applied_index"])
	m.counters = config.Counters{Revision: uint64(values["revision"]), NextID: values["next_id"], NextHistory: values["next_history"]}
	for t := range m.totals {
		m.totals[t] = total{rows: values[tableNames[t]+".rows"], sum: uint64(values[tableNames[t]+".sum"])}
	}
}

// saw… raise the counters above what a row has. Ids are never used again, so they never go down.
func (m *meta) sawRevision(r uint64) { m.counters.Revision = max(m.counters.Revision, r) }
func (m *meta) sawID(id int64)       { m.counters.NextID = max(m.counters.NextID, id+1) }
func (m *meta) sawHistory(nid int64) { m.counters.NextHistory = max(m.counters.NextHistory, nid+1) }

// readMeta returns what stands in nacre_meta; each row must have its checksum, and all must be there.
func readMeta(path string, db *conn) (meta, error) {
	m := newMeta()
	values := make(map[string]int64)
	var s summer
	err := db.query(context.Background(), "SELECT name, value, row_sum FROM nacre_meta", func(row []driver.Value) error {
		name, _ := row[0].(string)
		value, _ := row[1].(int64)
		if sum, ok := row[2].(int64); !ok || int64(s.meta(name, value)) != sum {
			return &CorruptError{Path: path, Table: "nacre_meta", What: fmt.Sprintf("the value %q does not have its checksum", name)}
		}
		values[name] = value
		return nil
	})
	if err != nil {
		return m, damage(path, err)
	}
	m.each(func(name string, _ int64) {
		if _, ok := values[name]; !ok && err == nil {
			err = &CorruptError{Path: path, Table: "nacre_meta", What: fmt.Sprintf("the value %q is missing", name)}
		}
	})
	if err != nil {
		return m, err
	}
	m.set(values)
	return m, nil
}

// create writes the values of an empty image.
func (m *meta) create(db *conn) error {
	var s summer
	var err error
	m.each(func(name string, value int64) {
		if err == nil {
			err = db.exec("INSERT OR REPLACE INTO nacre_meta (name, value, row_sum) VALUES (?,?,?)", name, value, int64(s.meta(name, value)))
		}
	})
	return err
}
