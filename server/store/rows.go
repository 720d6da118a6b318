package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"nacre/server/config"
	"nacre/server/namespace"
	"nacre/server/resource"
)

// The structs below are rows of the tables that Nacos has, under its names and with its meaning, as
// they stand in both databases. Columns that Nacos leaves NULL are pointers. What is ours stands
// last: revision orders changes, row_sum is the checksum of the row (SQLite alone).

// millis is a time in ms since 1970: an INTEGER in SQLite, a datetime in MySQL.
type millis int64

// Scan implements sql.Scanner for both forms; NULL is 0.
func (m *millis) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*m = 0
	case int64:
		*m = millis(v)
	case time.Time:
		*m = millis(v.UnixMilli())
	default:
		return fmt.Errorf("a time came from the database as %T", v)
	}
	return nil
}

// GormValue implements gorm.Valuer: the form depends on the database.
func (m millis) GormValue(_ context.Context, db *gorm.DB) clause.Expr {
	if isMySQL(db) {
		return clause.Expr{SQL: "?", Vars: []any{time.UnixMilli(int64(m))}}
	}
	return clause.Expr{SQL: "?", Vars: []any{int64(m)}}
}

func isMySQL(db *gorm.DB) bool { return db.Name() == "mysql" }

// configRow is a formal content.
type configRow struct {
	ID               int64  `gorm:"column:id;primaryKey;autoIncrement"`
	DataID           string `gorm:"column:data_id"`
	GroupID          string `gorm:"column:group_id"`
	TenantID         string `gorm:"column:tenant_id"`
	Content          []byte `gorm:"column:content"`
	MD5              string `gorm:"column:md5"`
	GmtCreate        millis `gorm:"column:gmt_create"`
	GmtModified      millis `gorm:"column:gmt_modified"`
	SrcUser          *string
	SrcIP            *string `gorm:"column:src_ip"`
	AppName          *string
	Desc             *string `gorm:"column:c_desc"`
	Use              *string `gorm:"column:c_use"`
	Effect           *string
	Type             *string
	Schema           *string `gorm:"column:c_schema"`
	EncryptedDataKey *string
	Revision         uint64
}

// TableName implements GORM's Tabler.
func (configRow) TableName() string { return "config_info" }

// grayRow is a variant.
type grayRow struct {
	ID               int64  `gorm:"column:id;primaryKey;autoIncrement"`
	DataID           string `gorm:"column:data_id"`
	GroupID          string `gorm:"column:group_id"`
	TenantID         string `gorm:"column:tenant_id"`
	GrayName         string
	GrayRule         string
	Content          []byte
	MD5              string  `gorm:"column:md5"`
	GmtCreate        millis  `gorm:"column:gmt_create"`
	GmtModified      millis  `gorm:"column:gmt_modified"`
	SrcUser          *string `gorm:"column:src_user"`
	SrcIP            *string `gorm:"column:src_ip"`
	AppName          *string
	EncryptedDataKey *string
	Revision         uint64
}

// TableName implements GORM's Tabler.
func (grayRow) TableName() string { return "config_info_gray" }

// historyRow is a row of history.
type historyRow struct {
	NID              int64  `gorm:"column:nid;primaryKey;autoIncrement"`
	ID               int64  `gorm:"column:id;autoIncrement:false"`
	DataID           string `gorm:"column:data_id"`
	GroupID          string `gorm:"column:group_id"`
	TenantID         string `gorm:"column:tenant_id"`
	Content          []byte
	MD5              string  `gorm:"column:md5"`
	GmtCreate        millis  `gorm:"column:gmt_create"`
	GmtModified      millis  `gorm:"column:gmt_modified"`
	SrcUser          *string `gorm:"column:src_user"`
	SrcIP            *string `gorm:"column:src_ip"`
	OpType           string
	AppName          *string
	EncryptedDataKey *string
	PublishType      *string
	GrayName         *string
	ExtInfo          *string
	Revision         uint64
}

// TableName implements GORM's Tabler.
func (historyRow) TableName() string { return "his_config_info" }

// tagRow ties a tag to a configuration; NID orders the tags of one.
type tagRow struct {
	ID       int64  `gorm:"column:id;autoIncrement:false"`
	TagName  string `gorm:"column:tag_name"`
	TagType  string `gorm:"column:tag_type"`
	DataID   string `gorm:"column:data_id"`
	GroupID  string `gorm:"column:group_id"`
	TenantID string `gorm:"column:tenant_id"`
	NID      int64  `gorm:"column:nid;primaryKey;autoIncrement"`
}

// TableName implements GORM's Tabler.
func (tagRow) TableName() string { return "config_tags_relation" }

// namespaceRow is a created namespace.
type namespaceRow struct {
	ID           int64  `gorm:"column:id;primaryKey;autoIncrement"`
	KP           string `gorm:"column:kp"`
	TenantID     string `gorm:"column:tenant_id"`
	TenantName   *string
	TenantDesc   *string
	CreateSource *string
	GmtCreate    int64 `gorm:"column:gmt_create"`
	GmtModified  int64 `gorm:"column:gmt_modified"`
}

// TableName implements GORM's Tabler.
func (namespaceRow) TableName() string { return "tenant_info" }

// Values of columns in tenant_info: the kind of tenant, and who made it.
const (
	tenantKind   = "1"
	tenantSource = "nacos"
)

// capacityRow is what the two capacity tables share; Name is tenant_id or group_id.
type capacityRow struct {
	ID           int64
	Name         string
	Quota        int64
	MaxSize      int64
	MaxAggrCount int64
	MaxAggrSize  int64
	GmtCreate    millis
	GmtModified  millis
}

const (
	tenantCapacity = "tenant_capacity"
	groupCapacity  = "group_capacity"
)

// capacityTable returns the table that c's row stands in, the name of its key column, and the key.
func capacityTable(c *config.Capacity) (table, column, name string) {
	if c.Namespace != "" {
		return tenantCapacity, "tenant_id", c.Namespace
	}
	return groupCapacity, "group_id", c.Group
}

func (r *configRow) entry(tags []string) *config.Entry {
	return &config.Entry{
		Key: resource.ConfigKey{Namespace: namespaceOf(r.TenantID), Group: r.GroupID, DataID: r.DataID}, ID: r.ID, Revision: r.Revision,
		Content: r.Content, MD5: r.MD5, Type: text(r.Type), AppName: text(r.AppName), Tags: tags,
		Desc: r.Desc, Use: r.Use, Effect: r.Effect, Schema: r.Schema, EncryptedDataKey: text(r.EncryptedDataKey),
		SrcUser: text(r.SrcUser), SrcIP: text(r.SrcIP), CreatedMs: int64(r.GmtCreate), ModifiedMs: int64(r.GmtModified),
	}
}

func configRowOf(e *config.Entry) configRow {
	return configRow{
		ID: e.ID, DataID: e.Key.DataID, GroupID: e.Key.Group, TenantID: e.Key.Namespace, Content: e.Content, MD5: e.MD5,
		GmtCreate: millis(e.CreatedMs), GmtModified: millis(e.ModifiedMs), SrcUser: &e.SrcUser, SrcIP: &e.SrcIP,
		AppName: &e.AppName, Desc: e.Desc, Use: e.Use, Effect: e.Effect, Type: &e.Type, Schema: e.Schema,
		EncryptedDataKey: &e.EncryptedDataKey, Revision: e.Revision,
	}
}

// gray returns the variant; a rule that is no JSON object is an error.
func (r *grayRow) gray() (*config.Gray, error) {
	rule, err := config.ParseRule(r.GrayRule)
	if err != nil {
		return nil, fmt.Errorf("row %d of config_info_gray: %w", r.ID, err)
	}
	return &config.Gray{
		Key: resource.ConfigKey{Namespace: namespaceOf(r.TenantID), Group: r.GroupID, DataID: r.DataID}, ID: r.ID, Revision: r.Revision,
		Name: r.GrayName, Rule: rule, Content: r.Content, MD5: r.MD5, AppName: text(r.AppName),
		EncryptedDataKey: text(r.EncryptedDataKey), SrcUser: text(r.SrcUser), SrcIP: text(r.SrcIP),
		CreatedMs: int64(r.GmtCreate), ModifiedMs: int64(r.GmtModified),
	}, nil
}

func grayRowOf(g *config.Gray) grayRow {
	return grayRow{
		ID: g.ID, DataID: g.Key.DataID, GroupID: g.Key.Group, TenantID: g.Key.Namespace, GrayName: g.Name, GrayRule: g.Rule.JSON(),
		Content: g.Content, MD5: g.MD5, GmtCreate: millis(g.CreatedMs), GmtModified: millis(g.ModifiedMs),
		SrcUser: &g.SrcUser, SrcIP: &g.SrcIP, AppName: &g.AppName, EncryptedDataKey: &g.EncryptedDataKey, Revision: g.Revision,
	}
}

func (r *historyRow) history() *config.History {
	return &config.History{
		NID: r.NID, ConfigID: r.ID, Key: resource.ConfigKey{Namespace: namespaceOf(r.TenantID), Group: r.GroupID, DataID: r.DataID},
		Revision: r.Revision, Content: r.Content, MD5: r.MD5, AppName: text(r.AppName), EncryptedDataKey: text(r.EncryptedDataKey),
		SrcUser: text(r.SrcUser), SrcIP: text(r.SrcIP), Op: r.OpType, PublishType: text(r.PublishType), GrayName: text(r.GrayName),
		ExtInfo: text(r.ExtInfo), CreatedMs: int64(r.GmtCreate), ModifiedMs: int64(r.GmtModified),
	}
}

func historyRowOf(h *config.History) historyRow {
	return historyRow{
		NID: h.NID, ID: h.ConfigID, DataID: h.Key.DataID, GroupID: h.Key.Group, TenantID: h.Key.Namespace, Content: h.Content, MD5: h.MD5,
		GmtCreate: millis(h.CreatedMs), GmtModified: millis(h.ModifiedMs), SrcUser: &h.SrcUser, SrcIP: &h.SrcIP, OpType: h.Op,
		AppName: &h.AppName, EncryptedDataKey: &h.EncryptedDataKey, PublishType: &h.PublishType, GrayName: &h.GrayName,
		ExtInfo: &h.ExtInfo, Revision: h.Revision,
	}
}

func (r *namespaceRow) namespace() *namespace.Namespace {
	return &namespace.Namespace{ID: r.TenantID, Name: text(r.TenantName), Desc: text(r.TenantDesc), CreatedMs: r.GmtCreate, ModifiedMs: r.GmtModified}
}

func namespaceRowOf(n *namespace.Namespace) namespaceRow {
	source := tenantSource
	return namespaceRow{
		KP: tenantKind, TenantID: n.ID, TenantName: &n.Name, TenantDesc: &n.Desc, CreateSource: &source,
		GmtCreate: n.CreatedMs, GmtModified: n.ModifiedMs,
	}
}

func (r *capacityRow) capacity(table string) *config.Capacity {
	c := &config.Capacity{
		ID: r.ID, Quota: r.Quota, MaxSize: r.MaxSize, MaxAggrCount: r.MaxAggrCount, MaxAggrSize: r.MaxAggrSize,
		CreatedMs: int64(r.GmtCreate), ModifiedMs: int64(r.GmtModified),
	}
	if table == tenantCapacity {
		c.Namespace = r.Name
	} else {
		c.Group = r.Name
	}
	return c
}

func capacityRowOf(c *config.Capacity) capacityRow {
	_, _, name := capacityTable(c)
	return capacityRow{
		ID: c.ID, Name: name, Quota: c.Quota, MaxSize: c.MaxSize, MaxAggrCount: c.MaxAggrCount, MaxAggrSize: c.MaxAggrSize,
		GmtCreate: millis(c.CreatedMs), GmtModified: millis(c.ModifiedMs),
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
