package store

import (
	"bufio"
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"strconv"
)

// dumped are the tables that Dump writes and the order of their rows. What is left out is numbered
// by the database, which may differ between nodes.
var dumped = []struct{ table, columns, order string }{
	{"config_info", "*", "id"},
	{"config_info_gray", "*", "id"},
	{"config_tags_relation", "*", "nid"},
	{"his_config_info", "*", "nid"},
	{"tenant_info", "kp, tenant_id, tenant_name, tenant_desc, create_source, gmt_create, gmt_modified, row_sum", "kp, tenant_id"},
	{tenantCapacity, "*", "id"},
	{groupCapacity, "*", "id"},
	{"users", "*", "username"},
	{"nacre_session", "*", "id"},
	{"nacre_draft", "username, data_id, group_id, tenant_id, version, gmt_modified, base_revision, base_md5, size, digest, row_sum, type, c_desc, app_name, config_tags, content",
		"username, data_id, group_id, tenant_id"},
	{"nacre_registry", "*", "kind, tenant_id, group_id, service, name"},
	{"nacre_meta", "*", "name"},
}

// Dump writes all rows of all tables to w as text, sorted, one line a row: two images that hold the
// same give the same bytes. It sees all that was handed over before the call.
func (i *Image) Dump(ctx context.Context, w io.Writer) error {
	if err := i.waitForHanded(ctx); err != nil {
		return err
	}
	i.gate.RLock()
	defer i.gate.RUnlock()
	c, err := openConn(connector{i.cfg.Path, i.cfg.VFS, modeRead})
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if err := c.exec("BEGIN"); err != nil {
		return damage(i.cfg.Path, err)
	}
	b := bufio.NewWriter(w)
	var line []byte
	for _, d := range dumped {
		s, err := c.prepared("SELECT " + d.columns + " FROM " + d.table + " ORDER BY " + d.order)
		if err != nil {
			return damage(i.cfg.Path, err)
		}
		err = s.run(ctx, func(row []driver.Value) error {
			line = append(line[:0], d.table...)
			for _, v := range row {
				line = appendValue(append(line, ' '), v)
			}
			_, err := b.Write(append(line, '\n'))
			return err
		})
		if err != nil {
			return damage(i.cfg.Path, err)
		}
	}
	return b.Flush()
}

func appendValue(b []byte, v driver.Value) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "NULL"...)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case string:
		return strconv.AppendQuote(b, v)
	case []byte:
		return strconv.AppendQuote(b, string(v))
	}
	return fmt.Append(b, v)
}
