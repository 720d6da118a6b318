package store

import (
	"cmp"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"nacre/server/auth"
	"nacre/server/config"
	"nacre/server/draft"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/resource"
)

var forUpdate = clause.Locking{Strength: "UPDATE"}

// rowsAtOnce is how many rows one statement writes; batchBytes bounds it, too.
const rowsAtOnce = 500

// sqlWriter gathers the changes of a group and writes them in bulk. Of a row that changes more than
// once only the last form is written; a row that is new and goes again in the same group is written
// in between, as history, outcome and the next row of that name need the id that the database gives.
type sqlWriter struct {
	*transaction
	entries    map[config.Key]*entrySlot
	grays      map[grayKey]*graySlot
	entryOrder []config.Key
	grayOrder  []grayKey
	steps      []historyStep
	capacities pairs[capacityRef, config.Capacity]
	namespaces pairs[string, namespace.Namespace]
	users      pairs[string, auth.User]
	sessions   pairs[string, auth.Session]
	drafts     pairs[string, draftRow]
	registry   pairs[string, registryRow]
	// outcome has where the id of a change's outcome will stand, by revision; later the first of each.
	outcome map[uint64]*int64
}

// slot is one row on its way through the group.
type slot struct {
	rows []rowRef // in the database now; none: it is yet to be inserted
	gone []rowRef // to be deleted
	ids  []*int64 // to be filled with the id that the row will get
	last int64    // the id of the row that was removed last
}

type entrySlot struct {
	slot
	after *config.Entry
	tags  []string // in the database now
	dirty bool
}

type graySlot struct {
	slot
	after *config.Gray
	dirty bool
}

func newSQLWriter(t *transaction) *sqlWriter {
	return &sqlWriter{transaction: t, entries: map[config.Key]*entrySlot{}, grays: map[grayKey]*graySlot{}, outcome: map[uint64]*int64{}}
}

// add takes up a change. It writes only where a row that is yet to be inserted goes again.
func (w *sqlWriter) add(c journal.Change) error {
	switch c := c.(type) {
	case config.EntryChange:
		return w.addEntry(c)
	case config.GrayChange:
		return w.addGray(c)
	case config.HistoryAdded:
		w.addHistory(c.Row, c.Whole)
	case config.HistoryTrimmed:
		w.steps = append(w.steps, historyStep{trim: &c})
	case config.CapacityChange:
		c.After.CreatedMs, c.After.ModifiedMs = seconds(c.After.CreatedMs), seconds(c.After.ModifiedMs)
		w.capacities.add(capacityRef{c.After.Namespace, c.After.Group}, c.Before, c.After)
	case namespace.Change:
		of := c.After
		if of == nil {
			of = c.Before
		}
		w.namespaces.add(of.ID, c.Before, c.After)
	case auth.UserChange:
		w.users.add(cmp.Or(c.After, c.Before).Name, c.Before, c.After)
	case auth.SessionChange:
		w.sessions.add(cmp.Or(c.After, c.Before).ID, c.Before, c.After)
	case draft.Change:
		addDraft(&w.drafts, c)
	default:
		before, after, ok, err := rowsOfChange(c)
		if ok && err == nil {
			w.registry.add(cmp.Or(after, before).id(), before, after)
		}
		if ok || err != nil {
			return err
		}
		return fmt.Errorf("the database does not know how to write a change of kind %T (%s)", c, c.Table())
	}
	return nil
}

// seconds cuts a time in ms to what Nacos' datetime columns hold, so that this node has the same as those that read it.
func seconds(ms int64) int64 { return ms - ms%1000 }

func (w *sqlWriter) entrySlot(k config.Key) *entrySlot {
	s := w.entries[k]
	if s == nil {
		s = &entrySlot{slot: slot{rows: w.held.rows[k]}}
		w.entries[k] = s
		w.entryOrder = append(w.entryOrder, k)
	}
	return s
}

func (w *sqlWriter) addEntry(c config.EntryChange) error {
	if c.After == nil {
		s := w.entrySlot(c.Before.Key)
		if len(s.rows) == 0 {
			if err := w.flush(); err != nil {
				return err
			}
		}
		s.remove(c.Before.ID)
		s.after, s.tags, s.dirty = nil, nil, true
		return nil
	}
	s := w.entrySlot(c.After.Key)
	if s.after == nil && c.Before != nil {
		s.tags = c.Before.Tags
	}
	e := c.After
	e.CreatedMs, e.ModifiedMs = seconds(e.CreatedMs), seconds(e.ModifiedMs)
	s.after, s.dirty = e, true
	s.expect(&e.ID)
	w.outcome[e.Revision] = &e.ID
	return nil
}

func (w *sqlWriter) addGray(c config.GrayChange) error {
	of := c.After
	if of == nil {
		of = c.Before
	}
	k := grayKey{of.Key, of.Name}
	s := w.grays[k]
	if s == nil {
		s = &graySlot{slot: slot{rows: w.held.grays[k]}}
		w.grays[k] = s
		w.grayOrder = append(w.grayOrder, k)
	}
	if c.After == nil {
		if len(s.rows) == 0 {
			if err := w.flush(); err != nil {
				return err
			}
		}
		s.remove(c.Before.ID)
		s.after, s.dirty = nil, true
		return nil
	}
	s.after, s.dirty = c.After, true
	s.expect(&c.After.ID)
	w.outcome[c.After.Revision] = &c.After.ID
	return nil
}

// expect notes that id, when it is not known yet, becomes that of the row.
func (s *slot) expect(id *int64) {
	if len(s.rows) == 0 {
		*id = 0
		s.ids = append(s.ids, id)
	} else {
		*id = s.rows[0].id
	}
}

func (s *slot) remove(id int64) {
	s.gone = append(s.gone, s.rows...)
	s.last, s.rows = id, nil
}

// addHistory takes up a row that follows the change it tells of, or is whole already.
func (w *sqlWriter) addHistory(h *config.History, whole bool) {
	h.CreatedMs, h.ModifiedMs = seconds(h.CreatedMs), seconds(h.ModifiedMs)
	if whole {
		w.steps = append(w.steps, historyStep{row: h})
		return
	}
	var s *slot
	if h.PublishType == config.PublishGray {
		s = &w.grays[grayKey{h.Key, h.GrayName}].slot
	} else {
		s = &w.entrySlot(h.Key).slot
	}
	switch h.Op {
	case config.OpUpdate:
		s.expect(&h.ConfigID)
	case config.OpDelete:
		h.ConfigID = s.last
		if w.outcome[h.Revision] == nil { // of a key with its variants the formal content comes first
			id := s.last
			w.outcome[h.Revision] = &id
		}
	}
	w.steps = append(w.steps, historyStep{row: h})
}

// fill puts the ids that the database gave into an outcome and its parts.
func (w *sqlWriter) fill(o *config.Outcome) {
	if o.ID == 0 && o.Revision != 0 {
		switch id := w.outcome[o.Revision]; {
		case o.Capacity != nil:
			o.ID = o.Capacity.ID
		case id != nil && (o.Existed || o.MD5 != ""):
			o.ID = *id
		}
	}
	for i := range o.Items {
		w.fill(&o.Items[i])
	}
}

// flush writes what was gathered.
func (w *sqlWriter) flush() error {
	for _, step := range []func() error{w.flushDeleted, w.flushEntries, w.flushGrays, w.flushHistory, w.flushCapacities, w.flushNamespaces,
		w.flushUsers, w.flushSessions, w.flushDrafts, w.flushRegistry} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (w *sqlWriter) flushDeleted() error {
	var entries, grays []int64
	for _, k := range w.entryOrder {
		s := w.entries[k]
		entries, s.gone = appendIDs(entries, s.gone), nil
	}
	for _, k := range w.grayOrder {
		s := w.grays[k]
		grays, s.gone = appendIDs(grays, s.gone), nil
	}
	slices.Sort(entries)
	slices.Sort(grays)
	if err := w.deleteIDs("DELETE FROM config_tags_relation WHERE id IN ?", entries); err != nil {
		return err
	}
	if err := w.deleteIDs("DELETE FROM config_info WHERE id IN ?", entries); err != nil {
		return err
	}
	return w.deleteIDs("DELETE FROM config_info_gray WHERE id IN ?", grays)
}

func appendIDs(ids []int64, rows []rowRef) []int64 {
	for _, r := range rows {
		ids = append(ids, r.id)
	}
	return ids
}

func (w *sqlWriter) deleteIDs(query string, ids []int64) error {
	for part := range slices.Chunk(ids, rowsAtOnce) {
		if err := w.tx.Exec(query, part).Error; err != nil {
			return err
		}
	}
	return nil
}

// tenantOf returns the tenant_id that a new row of a namespace gets.
func (t *transaction) tenantOf(namespace string) string {
	if namespace == resource.DefaultNamespace {
		return t.tenant
	}
	return namespace
}

var (
	updateConfigRow = clause.OnConflict{DoUpdates: clause.AssignmentColumns([]string{"content", "md5", "gmt_modified", "src_user", "src_ip", "app_name",
		"c_desc", "c_use", "effect", "type", "c_schema", "encrypted_data_key", "revision"})}
	updateGrayRow = clause.OnConflict{DoUpdates: clause.AssignmentColumns([]string{"content", "md5", "gmt_modified", "src_user", "src_ip", "app_name",
		"gray_rule", "encrypted_data_key", "revision"})}
	updateSessionRow = clause.OnConflict{DoUpdates: clause.AssignmentColumns([]string{"username", "src_ip", "agent", "gmt_create", "gmt_expires"})}
	updateDraftRow   = clause.OnConflict{DoUpdates: clause.AssignmentColumns([]string{"version", "gmt_modified", "base_revision", "base_md5", "size", "digest",
		"type", "c_desc", "app_name", "config_tags", "content"})}
	updateRegistryRow = clause.OnConflict{DoUpdates: clause.AssignmentColumns([]string{"body"})}
)

func (w *sqlWriter) flushEntries() error {
	var update, insert []configRow
	var fresh []config.Key
	for _, k := range w.entryOrder {
		s := w.entries[k]
		if !s.dirty || s.after == nil {
			continue
		}
		row := configRowOf(s.after)
		row.Content = notNull(row.Content)
		for _, ref := range s.rows {
			row.ID, row.TenantID = ref.id, ref.tenant
			update = append(update, row)
		}
		if len(s.rows) == 0 {
			row.ID, row.TenantID = 0, w.tenantOf(k.Namespace)
			insert, fresh = append(insert, row), append(fresh, k)
		}
	}
	size := func(r *configRow) int { return len(r.Content) }
	if err := writeRows(w.tx.Clauses(updateConfigRow), update, size, w.batchBytes); err != nil {
		return err
	}
	// Plainly inserted: a row that somebody else wrote meanwhile was not decided on.
	if err := writeRows(w.tx, insert, size, w.batchBytes); err != nil {
		return err
	}
	if err := w.readEntryIDs(fresh); err != nil {
		return err
	}
	if err := w.flushTags(); err != nil {
		return err
	}
	for _, k := range w.entryOrder {
		w.entries[k].dirty = false
	}
	return nil
}

// writeRows inserts rows in statements of bounded size.
func writeRows[T any](tx *gorm.DB, rows []T, size func(*T) int, limit int) error {
	tx = tx.Session(&gorm.Session{})
	for len(rows) > 0 {
		n, bytes := 0, 0
		for n < len(rows) && n < rowsAtOnce && (n == 0 || bytes+size(&rows[n]) <= limit) {
			bytes += size(&rows[n])
			n++
		}
		part := rows[:n]
		if err := tx.Create(&part).Error; err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// idRow is what is read back of rows that the database numbered.
type idRow struct {
	ID       int64
	DataID   string
	GroupID  string
	TenantID string
	GrayName string
}

// readEntryIDs takes over the ids of rows just inserted. They are read: where the ids of one
// statement lie is a setting of the server.
func (w *sqlWriter) readEntryIDs(keys []config.Key) error {
	slices.SortFunc(keys, byIndex)
	for part := range slices.Chunk(keys, keysAtOnce) {
		var rows []idRow
		if err := whereKeys(w.tx.Model(&configRow{}), part).Select("id, data_id, group_id, tenant_id").Find(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			k := config.Key{Namespace: namespaceOf(r.TenantID), Group: r.GroupID, DataID: r.DataID}
			if s := w.entries[k]; s != nil {
				s.inserted(rowRef{r.ID, r.TenantID})
			}
		}
	}
	for _, k := range keys {
		if len(w.entries[k].rows) == 0 {
			return fmt.Errorf("the row of %s that was just inserted is not there", k)
		}
	}
	return nil
}

func (s *slot) inserted(r rowRef) {
	s.rows = append(s.rows, r)
	for _, id := range s.ids {
		*id = r.id
	}
	s.ids = nil
}

// flushTags replaces the tags of rows where they differ.
func (w *sqlWriter) flushTags() error {
	var stale []int64
	var rows []tagRow
	for _, k := range w.entryOrder {
		s := w.entries[k]
		copies := len(s.rows) > 1 // whose tags may be others than those held
		if !s.dirty || s.after == nil || !copies && slices.Equal(s.tags, s.after.Tags) {
			continue
		}
		for _, ref := range s.rows {
			if len(s.tags) > 0 || copies {
				stale = append(stale, ref.id)
			}
			for i, tag := range s.after.Tags {
				if !slices.Contains(s.after.Tags[:i], tag) {
					rows = append(rows, tagRow{ID: ref.id, TagName: tag, DataID: k.DataID, GroupID: k.Group, TenantID: ref.tenant})
				}
			}
		}
		s.tags = s.after.Tags
	}
	slices.Sort(stale)
	if err := w.deleteIDs("DELETE FROM config_tags_relation WHERE id IN ?", stale); err != nil {
		return err
	}
	return writeRows(w.tx, rows, func(*tagRow) int { return 0 }, w.batchBytes)
}

func (w *sqlWriter) flushGrays() error {
	var update, insert []grayRow
	var fresh []config.Key
	for _, k := range w.grayOrder {
		s := w.grays[k]
		if !s.dirty {
			continue
		}
		if s.dirty = false; s.after == nil {
			continue
		}
		row := grayRowOf(s.after)
		row.Content = notNull(row.Content)
		for _, ref := range s.rows {
			row.ID, row.TenantID = ref.id, ref.tenant
			update = append(update, row)
		}
		if len(s.rows) == 0 {
			row.ID, row.TenantID = 0, w.tenantOf(k.Namespace)
			insert = append(insert, row)
			if !slices.Contains(fresh, k.Key) {
				fresh = append(fresh, k.Key)
			}
		}
	}
	size := func(r *grayRow) int { return len(r.Content) }
	if err := writeRows(w.tx.Clauses(updateGrayRow), update, size, w.batchBytes); err != nil {
		return err
	}
	if err := writeRows(w.tx, insert, size, w.batchBytes); err != nil {
		return err
	}
	slices.SortFunc(fresh, byIndex)
	for part := range slices.Chunk(fresh, keysAtOnce) {
		var rows []idRow
		if err := whereKeys(w.tx.Model(&grayRow{}), part).Select("id, data_id, group_id, tenant_id, gray_name").Find(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			k := grayKey{config.Key{Namespace: namespaceOf(r.TenantID), Group: r.GroupID, DataID: r.DataID}, r.GrayName}
			if s := w.grays[k]; s != nil && len(s.rows) == 0 {
				s.inserted(rowRef{r.ID, r.TenantID})
			}
		}
	}
	return nil
}

// flushHistory inserts rows and trims, in their order.
func (w *sqlWriter) flushHistory() error {
	var rows []historyRow
	insert := func() error {
		err := writeRows(w.tx, rows, func(r *historyRow) int { return len(r.Content) }, w.batchBytes)
		rows = nil
		return err
	}
	for _, step := range w.steps {
		if step.row != nil {
			rows = append(rows, w.historyRow(step.row))
			continue
		}
		if err := insert(); err != nil {
			return err
		}
		err := w.tx.Exec("DELETE FROM his_config_info WHERE gmt_modified < ? ORDER BY gmt_modified, nid LIMIT ?", millis(step.trim.BeforeMs), step.trim.Limit).Error
		if err != nil {
			return err
		}
	}
	w.steps = nil
	return insert()
}

// historyRow returns the row; it has the tenant_id of the row it tells of, by which a Nacos that shares
// the database finds what was deleted.
func (w *sqlWriter) historyRow(h *config.History) historyRow {
	row := historyRowOf(h)
	row.NID, row.Content, row.TenantID = 0, notNull(row.Content), w.tenantOf(h.Key.Namespace)
	refs := w.held.rows[h.Key]
	if h.PublishType == config.PublishGray {
		refs = w.held.grays[grayKey{h.Key, h.GrayName}]
	}
	if len(refs) > 0 {
		row.TenantID = refs[0].tenant
	}
	return row
}

func (w *sqlWriter) flushCapacities() error {
	for _, k := range w.capacities.keys {
		c := w.capacities.byKey[k].after
		table, column, name := capacityTable(c)
		row := capacityRowOf(c)
		err := w.tx.Exec("INSERT INTO "+table+" ("+column+", quota, max_size, max_aggr_count, max_aggr_size, gmt_create, gmt_modified) VALUES (?, ?, ?, ?, ?, ?, ?) "+
			"ON DUPLICATE KEY UPDATE quota = VALUES(quota), max_size = VALUES(max_size), max_aggr_count = VALUES(max_aggr_count), "+
			"max_aggr_size = VALUES(max_aggr_size), gmt_modified = VALUES(gmt_modified)",
			name, row.Quota, row.MaxSize, row.MaxAggrCount, row.MaxAggrSize, row.GmtCreate, row.GmtModified).Error
		if err != nil {
			return err
		}
		if c.ID == 0 {
			if err := w.tx.Raw("SELECT id FROM "+table+" WHERE "+column+" = ?", name).Scan(&c.ID).Error; err != nil {
				return err
			}
		}
	}
	// The outcomes of earlier commands on the same row hold earlier copies of it.
	for _, c := range w.changes {
		if c, ok := c.(config.CapacityChange); ok && c.After.ID == 0 {
			if p := w.capacities.byKey[capacityRef{c.After.Namespace, c.After.Group}]; p != nil {
				c.After.ID = p.after.ID
			}
		}
	}
	w.capacities.reset()
	return nil
}

func (w *sqlWriter) flushNamespaces() error {
	var gone []string
	var rows []namespaceRow
	for _, id := range w.namespaces.keys {
		p := w.namespaces.byKey[id]
		if p.after != nil {
			rows = append(rows, namespaceRowOf(p.after))
		} else if p.before != nil {
			gone = append(gone, id)
		}
	}
	w.namespaces.reset()
	slices.Sort(gone)
	for part := range slices.Chunk(gone, rowsAtOnce) {
		if err := w.tx.Exec("DELETE FROM tenant_info WHERE kp = ? AND tenant_id IN ?", tenantKind, part).Error; err != nil {
			return err
		}
	}
	// A namespace that went and came again within the group keeps its row and gets its new values.
	upsert := clause.OnConflict{DoUpdates: clause.AssignmentColumns([]string{"tenant_name", "tenant_desc", "gmt_create", "gmt_modified"})}
	return writeRows(w.tx.Clauses(upsert), rows, func(*namespaceRow) int { return 0 }, w.batchBytes)
}
