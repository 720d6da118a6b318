package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nacre/server/config"
	"nacre/server/namespace"
)

// writer writes batches on the one connection that may write.
type writer struct {
	*conn
	meta  meta // as committed
	next  meta // with the batch under way
	sum   summer
	batch batch
	rows  int64 // rows that the batch under way should have touched
}

// write writes the groups in one transaction. After an error nothing of them is written.
func (w *writer) write(groups []group) error {
	w.next, w.rows = w.meta, 0
	w.batch.reset()
	for i := range groups {
		if err := w.batch.add(&groups[i], &w.next); err != nil {
			return err
		}
	}
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := w.writeBatch()
	if err == nil {
		err = w.exec("COMMIT")
	}
	if err != nil {
		if rollback := w.exec("ROLLBACK"); rollback != nil && !w.db.AutoCommit() {
			return errors.Join(err, rollback)
		}
		return err
	}
	w.meta = w.next
	w.batch.reset()
	return nil
}

func (w *writer) writeBatch() error {
	before, err := w.int("SELECT total_changes()")
	if err != nil {
		return err
	}
	for _, step := range []func() error{w.entries, w.grays, w.history, w.namespaces, w.capacities, w.users, w.sessions, w.drafts, w.registry, w.writeMeta} {
		if err := step(); err != nil {
			return err
		}
	}
	after, err := w.int("SELECT total_changes()")
	if err != nil {
		return err
	}
	if after-before != w.rows {
		return fmt.Errorf("the image is not what memory takes it for: %d rows changed where %d should", after-before, w.rows)
	}
	return nil
}

// insertSQL and updateSQL make statements of a list of columns, the first of which is the key.
func insertSQL(table string, columns []string, rows int) string {
	row := "(" + strings.Repeat("?,", len(columns)-1) + "?)"
	return "INSERT INTO " + table + " (" + strings.Join(columns, ",") + ") VALUES " + strings.Repeat(row+",", rows-1) + row
}

func updateSQL(table string, columns []string) string {
	return "UPDATE " + table + " SET " + strings.Join(columns[1:], "=?,") + "=? WHERE " + columns[0] + "=?"
}

// The columns in the order in which the functions below give their values. Those of the key of a
// configuration never change, those that a list filters by seldom do: an update that leaves them out
// leaves their index alone.
var (
	configChanging = []string{"id", "md5", "gmt_modified", "src_user", "src_ip", "c_desc", "c_use", "effect", "c_schema",
		"encrypted_data_key", "revision", "row_sum", "content"}
	configListed  = append(slices.Clone(configChanging), "app_name", "type")
	configColumns = append(slices.Clone(configListed), "data_id", "group_id", "tenant_id", "gmt_create")

	grayChanging = []string{"id", "gray_rule", "md5", "gmt_modified", "src_user", "src_ip", "app_name", "encrypted_data_key", "revision",
		"row_sum", "content"}
	grayColumns = append(slices.Clone(grayChanging), "data_id", "group_id", "tenant_id", "gray_name", "gmt_create")

	historyColumns = []string{"nid", "id", "data_id", "group_id", "tenant_id", "md5", "gmt_create", "gmt_modified", "src_user", "src_ip",
		"op_type", "app_name", "encrypted_data_key", "publish_type", "gray_name", "ext_info", "revision", "key_hash", "row_sum", "content"}

	tagColumns = []string{"nid", "id", "tag_name", "tag_type", "data_id", "group_id", "tenant_id", "row_sum"}

	namespaceChanging = []string{"tenant_id", "tenant_name", "tenant_desc", "gmt_create", "gmt_modified", "row_sum"}
	namespaceColumns  = append(slices.Clone(namespaceChanging), "kp", "create_source")

	capacityColumns = []string{"id", "quota", "max_size", "max_aggr_count", "max_aggr_size", "gmt_create", "gmt_modified", "row_sum"}
)

// historyAtOnce is how many rows of history one statement inserts.
const historyAtOnce = 32

// historyAloneBytes is the size of a content above which its history row is bound by itself.
const historyAloneBytes = 256 << 10

var (
	insertConfig    = insertSQL("config_info", configColumns, 1)
	updateConfig    = updateSQL("config_info", configChanging)
	updateListed    = updateSQL("config_info", configListed)
	insertGray      = insertSQL("config_info_gray", grayColumns, 1)
	updateGray      = updateSQL("config_info_gray", grayChanging)
	insertHistory   = insertSQL("his_config_info", historyColumns, 1)
	insertHistories = insertSQL("his_config_info", historyColumns, historyAtOnce)
	insertTag       = insertSQL("config_tags_relation", tagColumns, 1)
	insertNamespace = insertSQL("tenant_info", namespaceColumns, 1)
	updateNamespace = updateSQL("tenant_info", namespaceChanging) + " AND kp='" + tenantKind + "'"
)

func (w *writer) entries() error {
	t := &w.next.totals[tableConfig]
	// What is gone goes first: its key may have come again under another id.
	err := sorted(&w.batch.entries, func(id int64, p *pair[config.Entry]) error {
		if p.after != nil {
			return nil
		}
		t.remove(w.sum.entry(p.before))
		w.rows++
		if err := w.exec("DELETE FROM config_info WHERE id=?", id); err != nil {
			return err
		}
		return w.tags(p.before, nil)
	})
	if err != nil {
		return err
	}
	return sorted(&w.batch.entries, func(id int64, p *pair[config.Entry]) error {
		e, query := p.after, insertConfig
		if e == nil {
			return nil
		}
		listed := true
		if b := p.before; b != nil {
			t.remove(w.sum.entry(b))
			if listed = b.AppName != e.AppName || b.Type != e.Type; listed {
				query = updateListed
			} else {
				query = updateConfig
			}
		}
		sum := w.sum.entry(e)
		t.add(sum)
		w.rows++
		s, err := w.prepared(query)
		if err != nil {
			return err
		}
		if p.before == nil {
			s.int(id)
		}
		s.text(e.MD5)
		s.int(e.ModifiedMs)
		s.text(e.SrcUser)
		s.text(e.SrcIP)
		s.opt(e.Desc)
		s.opt(e.Use)
		s.opt(e.Effect)
		s.opt(e.Schema)
		s.text(e.EncryptedDataKey)
		s.int(int64(e.Revision))
		s.sum(sum)
		s.blob(e.Content)
		if listed {
			s.text(e.AppName)
			s.text(e.Type)
		}
		if p.before == nil {
			s.text(e.Key.DataID)
			s.text(e.Key.Group)
			s.text(e.Key.Namespace)
			s.int(e.CreatedMs)
		} else {
			s.int(id)
		}
		if err := s.run(context.Background(), nil); err != nil {
			return fmt.Errorf("config_info row %d: %w", id, err)
		}
		return w.tags(p.before, e)
	})
}

// tags writes the difference between the tags of before and after; either may be nil.
func (w *writer) tags(before, after *config.Entry) error {
	var had, has []string
	if before != nil {
		had = before.Tags
	}
	if after != nil {
		has = after.Tags
	}
	if slices.Equal(had, has) {
		return nil
	}
	if len(has) > maxTags {
		return fmt.Errorf("%s has %d tags, more than a row of tags can be numbered for", after.Key, len(has))
	}
	t := &w.next.totals[tableTags]
	for i, tag := range had {
		t.remove(w.sum.tag(before.ID, tag, before.Key, tagNID(before.ID, i)))
		w.rows++
	}
	if len(had) > 0 {
		if err := w.exec("DELETE FROM config_tags_relation WHERE nid BETWEEN ? AND ?", tagNID(before.ID, 0), tagNID(before.ID, maxTags-1)); err != nil {
			return err
		}
	}
	for i, tag := range has {
		nid := tagNID(after.ID, i)
		sum := w.sum.tag(after.ID, tag, after.Key, nid)
		t.add(sum)
		w.rows++
		err := w.exec(insertTag, nid, after.ID, tag, "", after.Key.DataID, after.Key.Group, after.Key.Namespace, int64(sum))
		if err != nil {
			return fmt.Errorf("config_tags_relation row %d: %w", nid, err)
		}
	}
	return nil
}

func (w *writer) grays() error {
	t := &w.next.totals[tableGray]
	err := sorted(&w.batch.grays, func(id int64, p *pair[config.Gray]) error {
		if p.after != nil {
			return nil
		}
		t.remove(w.sum.gray(p.before, p.before.Rule.JSON()))
		w.rows++
		return w.exec("DELETE FROM config_info_gray WHERE id=?", id)
	})
	if err != nil {
		return err
	}
	return sorted(&w.batch.grays, func(id int64, p *pair[config.Gray]) error {
		g, query := p.after, insertGray
		if g == nil {
			return nil
		}
		if p.before != nil {
			t.remove(w.sum.gray(p.before, p.before.Rule.JSON()))
			query = updateGray
		}
		rule := g.Rule.JSON()
		sum := w.sum.gray(g, rule)
		t.add(sum)
		w.rows++
		s, err := w.prepared(query)
		if err != nil {
			return err
		}
		if p.before == nil {
			s.int(id)
		}
		s.text(rule)
		s.text(g.MD5)
		s.int(g.ModifiedMs)
		s.text(g.SrcUser)
		s.text(g.SrcIP)
		s.text(g.AppName)
		s.text(g.EncryptedDataKey)
		s.int(int64(g.Revision))
		s.sum(sum)
		s.blob(g.Content)
		if p.before == nil {
			s.text(g.Key.DataID)
			s.text(g.Key.Group)
			s.text(g.Key.Namespace)
			s.text(g.Name)
			s.int(g.CreatedMs)
		} else {
			s.int(id)
		}
		if err := s.run(context.Background(), nil); err != nil {
			return fmt.Errorf("config_info_gray row %d: %w", id, err)
		}
		return nil
	})
}

func (w *writer) history() error {
	var rows []*config.History
	for _, step := range w.batch.history {
		if step.row != nil && len(step.row.Content) > historyAloneBytes {
			// SQLite copies what is bound, so large contents go one by one; a row has its own number, and
			// needs no place among the others.
			if err := w.insertEach([]*config.History{step.row}); err != nil {
				return err
			}
			continue
		}
		if step.row != nil {
			if rows = append(rows, step.row); len(rows) == historyAtOnce {
				if err := w.insertHistory(insertHistories, rows); err != nil {
					return err
				}
				rows = rows[:0]
			}
			continue
		}
		if err := w.insertEach(rows); err != nil {
			return err
		}
		rows = rows[:0]
		if err := w.trim(step.trim); err != nil {
			return err
		}
	}
	return w.insertEach(rows)
}

func (w *writer) insertEach(rows []*config.History) error {
	for i := range rows {
		if err := w.insertHistory(insertHistory, rows[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) insertHistory(query string, rows []*config.History) error {
	s, err := w.prepared(query)
	if err != nil {
		return err
	}
	t := &w.next.totals[tableHistory]
	for _, h := range rows {
		sum := w.sum.history(h)
		t.add(sum)
		s.int(h.NID)
		s.int(h.ConfigID)
		s.text(h.Key.DataID)
		s.text(h.Key.Group)
		s.text(h.Key.Namespace)
		s.text(h.MD5)
		s.int(h.CreatedMs)
		s.int(h.ModifiedMs)
		s.text(h.SrcUser)
		s.text(h.SrcIP)
		s.text(h.Op)
		s.text(h.AppName)
		s.text(h.EncryptedDataKey)
		s.text(h.PublishType)
		s.text(h.GrayName)
		s.text(h.ExtInfo)
		s.int(int64(h.Revision))
		s.int(w.sum.keyHash(h.Key))
		s.sum(sum)
		s.blob(h.Content)
	}
	w.rows += int64(len(rows))
	if err := s.run(context.Background(), nil); err != nil {
		return fmt.Errorf("his_config_info row %d: %w", rows[0].NID, err)
	}
	return nil
}

// oldestHistory selects what a trim takes: the rows modified before a time, oldest first.
const oldestHistory = "FROM his_config_info WHERE gmt_modified < ? ORDER BY gmt_modified, nid LIMIT ?"

func (w *writer) trim(c *config.HistoryTrimmed) error {
	s, err := w.prepared("SELECT row_sum " + oldestHistory)
	if err != nil {
		return err
	}
	t := &w.next.totals[tableHistory]
	s.int(c.BeforeMs)
	s.int(c.Limit)
	err = s.run(context.Background(), func(row []driver.Value) error {
		sum, _ := row[0].(int64)
		t.remove(uint64(sum))
		w.rows++
		return nil
	})
	if err != nil {
		return err
	}
	return w.exec("DELETE FROM his_config_info WHERE nid IN (SELECT nid "+oldestHistory+")", c.BeforeMs, c.Limit)
}

func (w *writer) namespaces() error {
	t := &w.next.totals[tableNamespace]
	return sorted(&w.batch.namespaces, func(id string, p *pair[namespace.Namespace]) error {
		w.rows++
		if p.before != nil {
			t.remove(w.sum.namespace(p.before))
		}
		n := p.after
		if n == nil {
			return w.exec("DELETE FROM tenant_info WHERE tenant_id=? AND kp='"+tenantKind+"'", id)
		}
		sum := w.sum.namespace(n)
		t.add(sum)
		if p.before != nil {
			return w.exec(updateNamespace, n.Name, n.Desc, n.CreatedMs, n.ModifiedMs, int64(sum), id)
		}
		return w.exec(insertNamespace, id, n.Name, n.Desc, n.CreatedMs, n.ModifiedMs, int64(sum), tenantKind, tenantSource)
	})
}

func (w *writer) capacities() error {
	return sorted(&w.batch.capacities, func(id int64, p *pair[config.Capacity]) error {
		c := p.after // quota rows are never removed
		name, column, key := capacityTable(c)
		t := &w.next.totals[tableTenantCapacity]
		if name == groupCapacity {
			t = &w.next.totals[tableGroupCapacity]
		}
		if p.before != nil {
			t.remove(w.sum.capacity(p.before))
		}
		sum := w.sum.capacity(c)
		t.add(sum)
		w.rows++
		values := []driver.Value{c.Quota, c.MaxSize, c.MaxAggrCount, c.MaxAggrSize, c.CreatedMs, c.ModifiedMs, int64(sum)}
		if p.before != nil {
			return w.exec(updateSQL(name, capacityColumns), append(values, id)...)
		}
		return w.exec(insertSQL(name, append(slices.Clone(capacityColumns), column), 1), append(append([]driver.Value{id}, values...), key)...)
	})
}

// writeMeta writes the values that changed.
func (w *writer) writeMeta() error {
	var held []int64
	w.meta.each(func(_ string, value int64) { held = append(held, value) })
	var err error
	i := -1
	w.next.each(func(name string, value int64) {
		if i++; err != nil || value == held[i] {
			return
		}
		w.rows++
		err = w.exec("UPDATE nacre_meta SET value=?, row_sum=? WHERE name=?", value, int64(w.sum.meta(name, value)), name)
	})
	return err
}
