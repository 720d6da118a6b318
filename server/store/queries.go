package store

import (
	"context"
	"math"
	"strconv"

	"gorm.io/gorm"

	"nacre/server/config"
	"nacre/server/fault"
)

// queries implements config.Queries over either database. session gives a connection on which
// queries see all that they must see; heavy says that it may read every content. done gives it back
// and makes of the query's error what the caller gets.
type queries struct {
	session func(ctx context.Context, heavy bool) (db *gorm.DB, done func(error) error, err error)
}

var _ config.Queries = (*Image)(nil)

// lookAhead is how many rows beyond a page are looked for: when there are fewer, their number is
// known, and the table need not be read a second time to count them.
const lookAhead = 1000

// maxIDs is how many ids one filter may name.
const maxIDs = 50_000

// List implements config.Queries. A PageSize of 0 asks for everything.
func (q queries) List(ctx context.Context, f config.Filter) (page config.Page[*config.Entry], err error) {
	page.Number, page.Size = max(f.PageNo, 1), f.PageSize
	if err := checkPattern(append([]string{f.Namespace, f.DataID, f.Group, f.Content}, f.Tags...)...); err != nil {
		return page, err
	}
	if len(f.IDs) > maxIDs {
		return page, fault.New(fault.Invalid, "%d ids were given, at most %d are taken", len(f.IDs), maxIDs)
	}
	db, done, err := q.session(ctx, f.Content != "")
	if err != nil {
		return page, err
	}
	// One transaction: the page and the total are of one moment.
	err = db.Transaction(func(tx *gorm.DB) error {
		var ids []int64
		if ids, page.Total, err = pageOfIDs(tx, f, page.Number); err != nil {
			return err
		}
		page.Items, err = entriesOf(tx, ids, f.WithContent)
		return err
	})
	return page, done(err)
}

// pageOfIDs returns the ids on one page and how many there are on all.
func pageOfIDs(tx *gorm.DB, f config.Filter, number int) (ids []int64, total int, err error) {
	tenant, order, err := plan(tx, f)
	if err != nil {
		return nil, 0, err
	}
	filtered := func() *gorm.DB { return filter(tx.Table("config_info"), f, tenant) }
	if f.PageSize <= 0 {
		err = filtered().Order(order).Pluck("id", &ids).Error
		return ids, len(ids), err
	}
	return pageOf(filtered, "id", order, number, f.PageSize)
}

// pageOf returns a column of the rows on one page of those that find finds, and how many there are on all.
func pageOf(find func() *gorm.DB, column, order string, number, size int) (ids []int64, total int, err error) {
	size = min(size, math.MaxInt32)
	first := min(number-1, math.MaxInt32) * size
	if err := find().Order(order).Limit(size+lookAhead).Offset(first).Pluck(column, &ids).Error; err != nil {
		return nil, 0, err
	}
	if len(ids) < size+lookAhead && (len(ids) > 0 || first == 0) {
		total = first + len(ids)
	} else {
		var n int64
		if err := find().Count(&n).Error; err != nil {
			return nil, 0, err
		}
		total = int(n)
	}
	return ids[:min(len(ids), size)], total, nil
}

// plan returns how a list is to name its namespace column and its order. In SQLite a plus sign keeps
// a column's index from being used, where SQLite by itself would choose badly.
func plan(tx *gorm.DB, f config.Filter) (tenant, order string, err error) {
	tenant, order = "tenant_id", "id"
	one := f.Namespace != "" && !f.NamespacePattern
	switch {
	case isMySQL(tx):
	case f.DataID != "" && isExact(f.DataID, f.Exact):
		// Few have one dataId, and the index of keys begins with it.
		tenant, order = "+tenant_id", "+id"
	case f.Content == "" && !one:
		// The index has all that is filtered by, and the table the contents, too: sorting is cheaper.
		order = "+id"
	case f.Content != "" && one && len(f.IDs) == 0:
		// Row by row through the index takes twice the time of reading the whole table.
		var all, own int64
		if err = tx.Table("nacre_meta").Select("value").Where("name = ?", tableNames[tableConfig]+".rows").Row().Scan(&all); err != nil {
			return tenant, order, err
		}
		if err = tx.Table("config_info").Where("tenant_id = ?", f.Namespace).Count(&own).Error; err == nil && 2*own > all {
			tenant = "+tenant_id"
		}
	}
	return tenant, order, err
}

// filter restricts db to the configurations that f speaks of; tenant is the namespace column.
func filter(db *gorm.DB, f config.Filter, tenant string) *gorm.DB {
	add := func(c condition) { db = db.Where(c.sql, c.args...) }
	switch {
	case isMySQL(db):
		for _, c := range mysqlTenants(db, f) {
			add(c)
		}
	case f.Namespace != "":
		add(matches(db, tenant, f.Namespace, !f.NamespacePattern))
	}
	if f.DataID != "" {
		add(matches(db, "data_id", f.DataID, f.Exact))
	}
	if f.Group != "" {
		add(matches(db, "group_id", f.Group, f.Exact))
	}
	if f.AppName != "" {
		add(condition{"app_name = ?", []any{f.AppName}})
	}
	if len(f.Types) > 0 {
		add(condition{"type IN ?", []any{f.Types}})
	}
	if len(f.IDs) > 0 {
		add(condition{"id IN " + listOf(f.IDs), nil})
	}
	if len(f.Tags) > 0 {
		var any condition
		for n, tag := range f.Tags {
			c := matches(db, "tag_name", tag, f.Exact)
			if n > 0 {
				any.sql += " OR "
			}
			any.sql, any.args = any.sql+c.sql, append(any.args, c.args...)
		}
		add(condition{"id IN (SELECT id FROM config_tags_relation WHERE " + any.sql + ")", any.args})
	}
	if f.Content != "" {
		add(contains(db, f.Content))
	}
	return db
}

// listOf writes ids as SQL: there may be more than a statement takes arguments.
func listOf(ids []int64) string {
	b := make([]byte, 0, 2+8*len(ids))
	b = append(b, '(')
	for n, id := range ids {
		if n > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, id, 10)
	}
	return string(append(b, ')'))
}

// entriesOf returns the configurations with ids, in the order of their ids, with their tags.
func entriesOf(tx *gorm.DB, ids []int64, content bool) ([]*config.Entry, error) {
	const atOnce = 1000
	entries := make([]*config.Entry, 0, len(ids))
	for len(ids) > 0 {
		some := listOf(ids[:min(len(ids), atOnce)])
		ids = ids[min(len(ids), atOnce):]
		var tags []tagRow
		if err := tx.Select("id", "tag_name").Where("id IN " + some).Order("nid").Find(&tags).Error; err != nil {
			return nil, err
		}
		tagged := make(map[int64][]string)
		for _, t := range tags {
			tagged[t.ID] = append(tagged[t.ID], t.TagName)
		}
		var rows []configRow
		find := tx.Where("id IN " + some).Order("id")
		if !content {
			find = find.Omit("content")
		}
		if err := find.Find(&rows).Error; err != nil {
			return nil, err
		}
		for n := range rows {
			entries = append(entries, rows[n].entry(tagged[rows[n].ID]))
		}
	}
	return entries, nil
}

// ofKey restricts db to the history of key.
func ofKey(db *gorm.DB, key config.Key) *gorm.DB {
	if !isMySQL(db) {
		var s summer
		db = db.Where("key_hash = ?", s.keyHash(key))
	}
	return db.Where("data_id = ? AND group_id = ? AND tenant_id IN ?", key.DataID, key.Group, tenantsOf(key.Namespace))
}

// History implements config.Queries.
func (q queries) History(ctx context.Context, key config.Key, appName string, pageNo, pageSize int) (config.Page[*config.History], error) {
	page := config.Page[*config.History]{Number: max(pageNo, 1), Size: pageSize}
	db, done, err := q.session(ctx, false)
	if err != nil {
		return page, err
	}
	err = db.Transaction(func(tx *gorm.DB) error {
		rows := func() *gorm.DB {
			db := ofKey(tx.Model(&historyRow{}), key)
			if appName != "" {
				db = db.Where("app_name = ?", appName)
			}
			return db
		}
		var total int64
		if err := rows().Count(&total).Error; err != nil {
			return err
		}
		page.Total = int(total)
		var found []historyRow
		err := rows().Omit("content").Order("nid DESC").Limit(max(pageSize, 0)).Offset(min(page.Number-1, math.MaxInt32) * min(max(pageSize, 0), math.MaxInt32)).Find(&found).Error
		for n := range found {
			page.Items = append(page.Items, found[n].history())
		}
		return err
	})
	return page, done(err)
}

// HistoryRow implements config.Queries.
func (q queries) HistoryRow(ctx context.Context, nid int64) (*config.History, error) {
	return q.one(ctx, func(db *gorm.DB) *gorm.DB { return db.Where("nid = ?", nid) })
}

// HistoryNext implements config.Queries.
func (q queries) HistoryNext(ctx context.Context, row *config.History) (*config.History, error) {
	return q.one(ctx, func(db *gorm.DB) *gorm.DB {
		return ofKey(db, row.Key).
			Where("nid > ? AND publish_type = ? AND coalesce(gray_name, '') = ?", row.NID, row.PublishType, row.GrayName).Order("nid")
	})
}

// HistoryPrevious implements config.Queries.
func (q queries) HistoryPrevious(ctx context.Context, configID int64) (*config.History, error) {
	if configID <= 0 {
		return nil, nil // inserts have the id 0, and are not the rows of one configuration
	}
	return q.one(ctx, func(db *gorm.DB) *gorm.DB {
		newest := db.Where("id = ?", configID).Order("nid DESC")
		key, ok := keyOf(db, configID)
		if !ok {
			// What is gone ended with a row that has an index of its own.
			return newest.Where("op_type = 'D'")
		}
		return ofKey(newest, key)
	})
}

// keyOf returns the key of the configuration or variant with this id.
func keyOf(db *gorm.DB, id int64) (config.Key, bool) {
	fresh := db.Session(&gorm.Session{NewDB: true})
	for _, table := range []string{"config_info", "config_info_gray"} {
		var rows []struct{ DataID, GroupID, TenantID string }
		err := fresh.Table(table).Select("data_id", "group_id", "tenant_id").Where("id = ?", id).Limit(1).Find(&rows).Error
		if err != nil {
			_ = db.AddError(err)
			return config.Key{}, false
		}
		if len(rows) > 0 {
			return config.Key{DataID: rows[0].DataID, Group: rows[0].GroupID, Namespace: rows[0].TenantID}, true
		}
	}
	return config.Key{}, false
}

// one returns the first row of history that find finds, with content.
func (q queries) one(ctx context.Context, find func(*gorm.DB) *gorm.DB) (*config.History, error) {
	db, done, err := q.session(ctx, false)
	if err != nil {
		return nil, err
	}
	var rows []historyRow
	err = db.Transaction(func(tx *gorm.DB) error {
		return find(tx.Model(&historyRow{})).Limit(1).Find(&rows).Error
	})
	if err := done(err); err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0].history(), nil
}

// ChangesSince implements config.Queries.
func (q queries) ChangesSince(ctx context.Context, ms int64) (n int64, err error) {
	db, done, err := q.session(ctx, false)
	if err != nil {
		return 0, err
	}
	return n, done(db.Model(&historyRow{}).Where("gmt_modified >= ?", millis(ms)).Count(&n).Error)
}

// HistoryOldest implements config.Queries.
func (q queries) HistoryOldest(ctx context.Context) (int64, error) {
	db, done, err := q.session(ctx, false)
	if err != nil {
		return 0, err
	}
	var at millis
	err = db.Model(&historyRow{}).Select("min(gmt_modified)").Row().Scan(&at)
	return int64(at), done(err)
}

// session waits until all that was handed over can be seen, and takes one of the bounded number of
// queries that may be under way.
func (i *Image) session(ctx context.Context, heavy bool) (*gorm.DB, func(error) error, error) {
	select {
	case i.slots <- struct{}{}:
	default:
		return nil, nil, fault.New(fault.Unavailable, "server limit match.")
	}
	ctx, cancel := context.WithTimeout(ctx, i.cfg.QueryTime)
	release := func() { cancel(); <-i.slots }
	if err := i.waitForHanded(ctx); err != nil {
		release()
		return nil, nil, err
	}
	if heavy {
		select {
		case i.heavy <- struct{}{}:
		case <-ctx.Done():
			release()
			return nil, nil, readFault(ctx, ctx.Err())
		}
	}
	i.gate.RLock()
	done := func(err error) error {
		i.gate.RUnlock()
		if heavy {
			<-i.heavy
		}
		if isCorrupt(err) {
			i.fail(err) // what other queries would not find is not known
		}
		err = readFault(ctx, err)
		release()
		return err
	}
	if i.files.read == nil {
		return nil, nil, done(errClosed)
	}
	return i.files.read.WithContext(ctx), done, nil
}
