package store

import (
	"context"
	"math"
	"strings"

	"gorm.io/gorm"

	"nacre/server/config"
)

// sizedRow is a row of history without content, and the content's length in bytes.
type sizedRow struct {
	Row  historyRow `gorm:"embedded"`
	Size int64
}

// sized has every column of a sizedRow. SQLite finds a content's length without reading it.
const sized = "nid, id, data_id, group_id, tenant_id, md5, gmt_create, gmt_modified, src_user, src_ip, op_type, app_name, " +
	"encrypted_data_key, publish_type, gray_name, ext_info, revision, length(content) AS size"

// oneChange is more rows than one command makes of one configuration.
const oneChange = 64

// ofVariant restricts db to the formal content's rows, or to those of a variant.
func ofVariant(db *gorm.DB, grayName string) *gorm.DB {
	return db.Where("coalesce(gray_name, '') = ?", grayName)
}

// Revisions implements config.Queries.
func (q queries) Revisions(ctx context.Context, key config.Key, before uint64, most int) ([]config.Revision, error) {
	db, done, err := q.session(ctx, false)
	if err != nil {
		return nil, err
	}
	var list []config.Revision
	err = db.Transaction(func(tx *gorm.DB) error {
		find := ofKey(tx.Model(&historyRow{}), key).Select(sized)
		if before > 0 {
			find = find.Where("coalesce(revision, 0) < ?", min(before, math.MaxInt64))
		}
		var rows []sizedRow
		if err := find.Order("nid DESC").Limit(max(most, 0) + oneChange).Find(&rows).Error; err != nil {
			return err
		}
		rows = rows[:wholeChanges(rows, max(most, 0))]
		list, err = withNext(tx, key, rows, before > 0)
		return err
	})
	return list, done(err)
}

// wholeChanges returns how many of rows are the first most and those of the same change as the last of them.
func wholeChanges(rows []sizedRow, most int) int {
	n := min(most, len(rows))
	for n > 0 && n < len(rows) && rows[n].Row.Revision > 0 && rows[n].Row.Revision == rows[n-1].Row.Revision {
		n++
	}
	return n
}

// withNext finds the next newer row of each, among rows, or, where there may be newer ones, in the table.
func withNext(tx *gorm.DB, key config.Key, rows []sizedRow, newer bool) ([]config.Revision, error) {
	list := make([]config.Revision, len(rows))
	next := make(map[string]*config.NextRow)
	for i := range rows {
		r := &list[i]
		r.History, r.Size = *rows[i].Row.history(), rows[i].Size
		known, seen := next[r.GrayName]
		if !seen && newer {
			var found []sizedRow
			if err := ofVariant(ofKey(tx.Model(&historyRow{}), key), r.GrayName).Where("nid > ?", r.NID).
				Select("op_type, md5, length(content) AS size").Order("nid").Limit(1).Find(&found).Error; err != nil {
				return nil, err
			}
			if len(found) > 0 {
				known = &config.NextRow{Op: found[0].Row.OpType, MD5: found[0].Row.MD5, Size: found[0].Size}
			}
		}
		r.Next = known
		next[r.GrayName] = &config.NextRow{Op: r.Op, MD5: r.MD5, Size: r.Size}
	}
	return list, nil
}

// HistoryAt implements config.Queries.
func (q queries) HistoryAt(ctx context.Context, key config.Key, grayName string, revision uint64) (row, next *config.History, err error) {
	if revision == 0 || revision > math.MaxInt64 {
		return nil, nil, nil // of no change, or of many that another program made
	}
	db, done, err := q.session(ctx, false)
	if err != nil {
		return nil, nil, err
	}
	err = db.Transaction(func(tx *gorm.DB) error {
		variant := func() *gorm.DB { return ofVariant(ofKey(tx.Model(&historyRow{}), key), grayName) }
		if row, err = first(variant().Where("revision = ?", revision)); err != nil || row == nil {
			return err
		}
		next, err = first(variant().Where("nid > ?", row.NID))
		return err
	})
	if err = done(err); err != nil {
		return nil, nil, err
	}
	return row, next, nil
}

// first returns the oldest row that find finds, nil when there is none.
func first(find *gorm.DB) (*config.History, error) {
	var rows []historyRow
	if err := find.Order("nid").Limit(1).Find(&rows).Error; err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0].history(), nil
}

// HistoryOf implements config.Queries.
func (q queries) HistoryOf(ctx context.Context, key config.Key, revision uint64) ([]*config.History, error) {
	if revision == 0 || revision > math.MaxInt64 {
		return nil, nil
	}
	db, done, err := q.session(ctx, false)
	if err != nil {
		return nil, err
	}
	var rows []historyRow
	err = db.Transaction(func(tx *gorm.DB) error {
		return ofKey(tx.Model(&historyRow{}), key).Where("revision = ?", revision).Order("nid").Limit(oneChange).Find(&rows).Error
	})
	list := make([]*config.History, len(rows))
	for i := range rows {
		list[i] = rows[i].history()
	}
	return list, done(err)
}

// HistoryBetween implements config.Queries.
func (q queries) HistoryBetween(ctx context.Context, fromMs, untilMs int64, f func(*config.History)) error {
	db, done, err := q.session(ctx, false)
	if err != nil {
		return err
	}
	return done(db.Transaction(func(tx *gorm.DB) error {
		return batches(func(after int64) (int64, int, error) {
			var rows []historyRow
			err := tx.Where("gmt_modified >= ? AND gmt_modified <= ? AND nid > ?", millis(fromMs), millis(untilMs), after).
				Omit("content").Order("nid").Limit(rowsAtATime).Find(&rows).Error
			if err != nil || len(rows) == 0 {
				return 0, 0, err
			}
			for i := range rows {
				f(rows[i].history())
			}
			return rows[len(rows)-1].NID, len(rows), nil
		})
	}))
}

// Deleted implements config.Queries.
func (q queries) Deleted(ctx context.Context, f config.DeletedFilter, pageNo, pageSize int) (config.Page[*config.History], error) {
	page := config.Page[*config.History]{Number: max(pageNo, 1), Size: max(pageSize, 0)}
	if err := checkPattern(f.Text); err != nil {
		return page, err
	}
	db, done, err := q.session(ctx, false)
	if err != nil {
		return page, err
	}
	err = db.Transaction(func(tx *gorm.DB) error {
		newest := func() *gorm.DB { return tx.Table("(?) AS d", deletedIDs(tx, f)) }
		var nids []int64
		if nids, page.Total, err = pageOf(newest, "nid", "nid DESC", page.Number, page.Size); err != nil || len(nids) == 0 {
			return err
		}
		var rows []historyRow
		if err := tx.Where("nid IN " + listOf(nids)).Omit("content").Order("nid DESC").Find(&rows).Error; err != nil {
			return err
		}
		for i := range rows {
			page.Items = append(page.Items, rows[i].history())
		}
		return nil
	})
	return page, done(err)
}

// deletedIDs selects the nid of the newest removal of each configuration that f speaks of and that has no formal content.
func deletedIDs(tx *gorm.DB, f config.DeletedFilter) *gorm.DB {
	tenant, same := "h.tenant_id", "c.tenant_id = h.tenant_id"
	if isMySQL(tx) {
		tenant = "CASE h.tenant_id WHEN '' THEN '" + tenantNew + "' ELSE h.tenant_id END"
		same = "(" + same + " OR c.tenant_id IN ('', '" + tenantNew + "') AND h.tenant_id IN ('', '" + tenantNew + "'))"
	}
	db := tx.Table("his_config_info h").Select("max(h.nid) AS nid").
		Where("h.op_type = 'D' AND coalesce(h.gray_name, '') = ''").
		Where("NOT EXISTS (SELECT 1 FROM config_info c WHERE c.data_id = h.data_id AND c.group_id = h.group_id AND " + same + ")").
		Group(tenant + ", h.group_id, h.data_id")
	if f.Namespace != "" {
		db = db.Where("h.tenant_id IN ?", tenantsOf(f.Namespace))
	}
	if f.Text != "" {
		piece := strings.ToLower(f.Text)
		db = db.Where("instr(lower(h.data_id), ?) > 0 OR instr(lower(h.group_id), ?) > 0", piece, piece)
	}
	return db
}
