package store

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"nacre/server/config"
)

// The database adds up a digest of each row for ranges of ids, and memory does the same: ranges that
// differ are looked at row by row. So a scan reads every row on the server, and returns some bytes for a thousand.
const (
	idsInBucket = 1024
	// rowsInQuery bounds what one query adds up, bucketsAtOnce how many ranges are looked at row by row.
	rowsInQuery   = 1 << 16
	bucketsAtOnce = 64
	// maxSuspects is how many keys one scan finds at most; the next one goes on.
	maxSuspects = 20_000
)

const namespaceColumn = "CASE tenant_id WHEN '' THEN '" + tenantNew + "' ELSE tenant_id END"

// digestSQL returns SQL that makes 64 bits of columns, which may be NULL; digestText does the same with their texts.
func digestSQL(columns ...string) string {
	for i, c := range columns {
		columns[i] = "COALESCE(" + c + ", '')"
	}
	return "CAST(CONV(LEFT(MD5(CONCAT_WS('|', " + strings.Join(columns, ", ") + ")), 16), 16, 10) AS UNSIGNED)"
}

func digestText(values ...string) uint64 {
	sum := md5.Sum([]byte(strings.Join(values, "|")))
	return binary.BigEndian.Uint64(sum[:8])
}

// scannedTable is a table of which memory holds every row that counts.
type scannedTable struct {
	name, digest string
	// hidden is the column that tells rows of one key apart, for loader.hidden; "" where no row is hidden.
	hidden string
	// each gives visit every row that memory holds: the id, the digest, and the key of the configuration.
	each func(have Held, zone *time.Location, visit func(id int64, digest uint64, k config.Key))
}

var scannedTables = []scannedTable{
	{
		"config_info", digestSQL("id", "data_id", "group_id", namespaceColumn, "MD5(content)", "md5", "DATE_FORMAT(gmt_modified, '%Y%m%d%H%i%s')", "src_user", "src_ip", "app_name",
			"c_desc", "c_use", "effect", "type", "c_schema", "encrypted_data_key"), "''",
		func(have Held, zone *time.Location, visit func(int64, uint64, config.Key)) {
			have.EachConfig(func(k config.Key, it *config.Item) bool {
				if e := it.Formal; e != nil {
					visit(e.ID, digestText(strconv.FormatInt(e.ID, 10), k.DataID, k.Group, k.Namespace, e.MD5, e.MD5, time.UnixMilli(e.ModifiedMs).In(zone).Format("20060102150405"),
						e.SrcUser, e.SrcIP, e.AppName, text(e.Desc), text(e.Use), text(e.Effect), e.Type, text(e.Schema), e.EncryptedDataKey), k)
				}
				return true
			})
		},
	},
	{
		"config_info_gray", digestSQL("id", "data_id", "group_id", namespaceColumn, "gray_name", "gray_rule", "MD5(content)", "md5", "DATE_FORMAT(gmt_modified, '%Y%m%d%H%i%s.%f')",
			"src_user", "src_ip", "app_name", "encrypted_data_key"), "gray_name",
		func(have Held, zone *time.Location, visit func(int64, uint64, config.Key)) {
			have.EachConfig(func(k config.Key, it *config.Item) bool {
				for _, g := range it.Grays {
					visit(g.ID, digestText(strconv.FormatInt(g.ID, 10), k.DataID, k.Group, k.Namespace, g.Name, g.Rule.JSON(), g.MD5, g.MD5,
						time.UnixMilli(g.ModifiedMs).In(zone).Format("20060102150405.000000"), g.SrcUser, g.SrcIP, g.AppName, g.EncryptedDataKey), k)
				}
				return true
			})
		},
	},
	{
		"config_tags_relation", digestSQL("id", "tag_name"), "",
		func(have Held, _ *time.Location, visit func(int64, uint64, config.Key)) {
			have.EachConfig(func(k config.Key, it *config.Item) bool {
				if e := it.Formal; e != nil {
					for i, tag := range e.Tags {
						if !slices.Contains(e.Tags[:i], tag) {
							visit(e.ID, digestText(strconv.FormatInt(e.ID, 10), tag), k)
						}
					}
				}
				return true
			})
		},
	},
}

// digestSum is what rows of a range of ids, or of one id, add up to.
type digestSum struct {
	At     int64
	Rows   int64
	Digest uint64
}

func (s digestSum) plus(digest uint64) digestSum {
	return digestSum{s.At, s.Rows + 1, s.Digest ^ digest}
}

// scan returns the keys of configurations of which memory and database may hold something else.
func (m *MySQL) scan(ctx context.Context, have Held) (map[config.Key]struct{}, error) {
	suspects := make(map[config.Key]struct{})
	for _, t := range scannedTables {
		db := m.db.WithContext(ctx)
		differ, err := t.buckets(db, have, m.zone)
		if err != nil {
			return nil, err
		}
		var hidden map[int64]bool
		if t.hidden != "" && len(differ) > 0 {
			use, err := tenantInUse(db)
			if err != nil {
				return nil, err
			}
			if hidden, err = (mysqlLoader{tx: db, tenant: use}).hidden(t.name, t.hidden); err != nil {
				return nil, err
			}
		}
		for part := range slices.Chunk(differ, bucketsAtOnce) {
			if len(suspects) > maxSuspects {
				return suspects, nil
			}
			if err := t.rows(db, have, m.zone, part, hidden, suspects); err != nil {
				return nil, err
			}
		}
	}
	return suspects, nil
}

func tenantInUse(db *gorm.DB) (string, error) {
	var tenant *string
	if err := db.Raw("SELECT default_tenant FROM nacre_revision WHERE id = 1").Scan(&tenant).Error; err != nil || tenant == nil {
		return tenantNew, err
	}
	return *tenant, nil
}

// buckets returns the ranges of ids of which the sums differ.
func (t *scannedTable) buckets(db *gorm.DB, have Held, zone *time.Location) ([]int64, error) {
	memory := make(map[int64]digestSum)
	t.each(have, zone, func(id int64, digest uint64, _ config.Key) {
		at := id / idsInBucket
		memory[at] = digestSum{at, memory[at].Rows, memory[at].Digest}.plus(digest)
	})
	differ := make(map[int64]struct{})
	for from := int64(0); from >= 0; {
		to, err := t.next(db, from)
		if err != nil {
			return nil, err
		}
		query := db.Table(t.name).Select("id DIV ? AS at, COUNT(*) AS `rows`, BIT_XOR("+t.digest+") AS digest", idsInBucket).Where("id >= ?", from)
		if to >= 0 {
			query = query.Where("id < ?", to)
		}
		var sums []digestSum
		if err := query.Group("at").Find(&sums).Error; err != nil {
			return nil, err
		}
		for _, s := range sums {
			if memory[s.At] != s {
				differ[s.At] = struct{}{}
			}
			delete(memory, s.At)
		}
		from = to
	}
	for at := range memory {
		differ[at] = struct{}{}
	}
	return slices.Sorted(maps.Keys(differ)), nil
}

// next returns where a query that begins at an id ends, at the beginning of a range; -1 when it reads the rest.
func (t *scannedTable) next(db *gorm.DB, from int64) (int64, error) {
	var ids []int64
	err := db.Table(t.name).Where("id >= ?", from).Order("id").Offset(rowsInQuery).Limit(1).Pluck("id", &ids).Error
	if err != nil || len(ids) == 0 {
		return -1, err
	}
	return max(ids[0]/idsInBucket, from/idsInBucket+1) * idsInBucket, nil
}

// rows adds the keys of rows that differ in these ranges to suspects.
func (t *scannedTable) rows(db *gorm.DB, have Held, zone *time.Location, buckets []int64, hidden map[int64]bool, suspects map[config.Key]struct{}) error {
	type known struct {
		digestSum
		key config.Key
	}
	memory := make(map[int64]known)
	t.each(have, zone, func(id int64, digest uint64, k config.Key) {
		if _, in := slices.BinarySearch(buckets, id/idsInBucket); in {
			memory[id] = known{digestSum{id, memory[id].Rows, memory[id].Digest}.plus(digest), k}
		}
	})
	var strange []int64
	for _, at := range buckets {
		var sums []digestSum
		err := db.Table(t.name).Select("id AS at, COUNT(*) AS `rows`, BIT_XOR("+t.digest+") AS digest").
			Where("id >= ? AND id < ?", at*idsInBucket, (at+1)*idsInBucket).Group("id").Find(&sums).Error
		if err != nil {
			return err
		}
		for _, s := range sums {
			if m, ok := memory[s.At]; (!ok || m.digestSum != s) && !hidden[s.At] {
				strange = append(strange, s.At)
			} else {
				delete(memory, s.At)
			}
		}
	}
	for _, m := range memory {
		suspects[m.key] = struct{}{}
	}
	for part := range slices.Chunk(strange, keysAtOnce) {
		var keys []idRow
		if err := db.Table(t.name).Distinct("id, data_id, group_id, tenant_id").Where("id IN ?", part).Find(&keys).Error; err != nil {
			return err
		}
		for _, r := range keys {
			suspects[config.Key{Namespace: namespaceOf(r.TenantID), Group: r.GroupID, DataID: r.DataID}] = struct{}{}
		}
	}
	return nil
}

// md5Of returns the digest that a content must have.
func md5Of(content []byte) string {
	sum := md5.Sum(content)
	return hex.EncodeToString(sum[:])
}

// sortedKeys returns the members of a set in the order in which tables have them.
func sortedKeys(set map[config.Key]struct{}) []config.Key { return members(set, byIndex) }

// sameTexts reports whether two lists have the same members.
func sameTexts(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.SortedFunc(slices.Values(a), cmp.Compare[string])), slices.Compact(slices.SortedFunc(slices.Values(b), cmp.Compare[string])))
}
