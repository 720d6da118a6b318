package storetest

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"nacre/server/config"
	"nacre/server/namespace"
)

// rows are all rows of a database, sorted by their keys, history by age.
type rows struct {
	Entries    []config.Entry
	Grays      []config.Gray
	History    []config.History
	Capacities []config.Capacity
	Namespaces []namespace.Namespace
	People     people
}

// sort brings what has no order of its own into one.
func (r *rows) sort() {
	key := func(a, b config.Key) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Group, b.Group), strings.Compare(a.DataID, b.DataID))
	}
	slices.SortFunc(r.Entries, func(a, b config.Entry) int { return key(a.Key, b.Key) })
	slices.SortFunc(r.Grays, func(a, b config.Gray) int { return cmp.Or(key(a.Key, b.Key), strings.Compare(a.Name, b.Name)) })
	slices.SortFunc(r.Capacities, func(a, b config.Capacity) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Group, b.Group))
	})
	slices.SortFunc(r.Namespaces, func(a, b namespace.Namespace) int { return strings.Compare(a.ID, b.ID) })
	r.People.sort()
	for i := range r.Entries {
		if e := &r.Entries[i]; len(e.Tags) == 0 {
			e.Tags = nil
		}
	}
	for i := range r.History {
		r.History[i].NID = 0 // their order is what counts
	}
}

// ms reads a time of either database.
type ms int64

func (m *ms) Scan(v any) error {
	switch v := v.(type) {
	case int64:
		*m = ms(v)
	case time.Time:
		*m = ms(v.UnixMilli())
	default:
		return fmt.Errorf("a time is a %T", v)
	}
	return nil
}

// readRows reads a database with SQL of its own, not with the code under test.
func readRows(ctx context.Context, db *sql.DB) (rows, error) {
	var r rows
	tags := map[int64][]string{}
	for _, q := range []struct {
		query string
		scan  func(scan func(...any) error) error
	}{
		{"SELECT id, tag_name FROM config_tags_relation ORDER BY nid", func(scan func(...any) error) error {
			var id int64
			var tag string
			err := scan(&id, &tag)
			tags[id] = append(tags[id], tag)
			return err
		}},
		{"SELECT id, data_id, group_id, tenant_id, content, md5, gmt_create, gmt_modified, src_user, src_ip, app_name, c_desc, c_use, effect, type, c_schema, " +
			"encrypted_data_key, revision FROM config_info", func(scan func(...any) error) error {
			var e config.Entry
			err := scan(&e.ID, &e.Key.DataID, &e.Key.Group, &e.Key.Namespace, &e.Content, &e.MD5, (*ms)(&e.CreatedMs), (*ms)(&e.ModifiedMs), &e.SrcUser,
				&e.SrcIP, &e.AppName, &e.Desc, &e.Use, &e.Effect, &e.Type, &e.Schema, &e.EncryptedDataKey, &e.Revision)
			e.Tags = tags[e.ID]
			delete(tags, e.ID)
			r.Entries = append(r.Entries, e)
			return err
		}},
		{"SELECT id, data_id, group_id, tenant_id, content, md5, gmt_create, gmt_modified, src_user, src_ip, app_name, encrypted_data_key, revision, gray_name, " +
			"gray_rule FROM config_info_gray", func(scan func(...any) error) error {
			var g config.Gray
			var rule string
			err := scan(&g.ID, &g.Key.DataID, &g.Key.Group, &g.Key.Namespace, &g.Content, &g.MD5, (*ms)(&g.CreatedMs), (*ms)(&g.ModifiedMs), &g.SrcUser,
				&g.SrcIP, &g.AppName, &g.EncryptedDataKey, &g.Revision, &g.Name, &rule)
			if err == nil {
				g.Rule, err = config.ParseRule(rule)
			}
			r.Grays = append(r.Grays, g)
			return err
		}},
		{"SELECT id, data_id, group_id, tenant_id, content, md5, gmt_create, gmt_modified, src_user, src_ip, op_type, app_name, encrypted_data_key, publish_type, " +
			"COALESCE(gray_name, ''), ext_info, revision FROM his_config_info ORDER BY nid", func(scan func(...any) error) error {
			var h config.History
			err := scan(&h.ConfigID, &h.Key.DataID, &h.Key.Group, &h.Key.Namespace, &h.Content, &h.MD5, (*ms)(&h.CreatedMs), (*ms)(&h.ModifiedMs), &h.SrcUser,
				&h.SrcIP, &h.Op, &h.AppName, &h.EncryptedDataKey, &h.PublishType, &h.GrayName, &h.ExtInfo, &h.Revision)
			r.History = append(r.History, h)
			return err
		}},
		{"SELECT id, tenant_id, '', quota, max_size, max_aggr_count, max_aggr_size, gmt_create, gmt_modified FROM tenant_capacity UNION ALL " +
			"SELECT id, '', group_id, quota, max_size, max_aggr_count, max_aggr_size, gmt_create, gmt_modified FROM group_capacity", func(scan func(...any) error) error {
			var c config.Capacity
			err := scan(&c.ID, &c.Namespace, &c.Group, &c.Quota, &c.MaxSize, &c.MaxAggrCount, &c.MaxAggrSize, (*ms)(&c.CreatedMs), (*ms)(&c.ModifiedMs))
			r.Capacities = append(r.Capacities, c)
			return err
		}},
		{"SELECT tenant_id, tenant_name, tenant_desc, gmt_create, gmt_modified FROM tenant_info WHERE kp = '1'", func(scan func(...any) error) error {
			var n namespace.Namespace
			err := scan(&n.ID, &n.Name, &n.Desc, &n.CreatedMs, &n.ModifiedMs)
			r.Namespaces = append(r.Namespaces, n)
			return err
		}},
	} {
		if err := query(ctx, db, q.query, q.scan); err != nil {
			return r, fmt.Errorf("%s: %w", q.query, err)
		}
	}
	if len(tags) > 0 {
		return r, fmt.Errorf("tags are left of rows that are gone: %v", tags)
	}
	return r, nil
}

func query(ctx context.Context, db *sql.DB, text string, scan func(func(...any) error) error) error {
	found, err := db.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		if err := scan(found.Scan); err != nil {
			return err
		}
	}
	return found.Err()
}
