package wire

import (
	"cmp"
	"slices"

	"nacre/server/config"
	"nacre/server/namespace"
	"nacre/server/resource"
)

// Page is a page of a list as all versions show it.
type Page[T any] struct {
	TotalCount     int `json:"totalCount"`
	PageNumber     int `json:"pageNumber"`
	PagesAvailable int `json:"pagesAvailable"`
	PageItems      []T `json:"pageItems"`
}

// PageOf returns p with its items as a version shows them.
func PageOf[T, U any](p config.Page[T], show func(T) U) Page[U] {
	out := Page[U]{TotalCount: p.Total, PageNumber: p.Number, PagesAvailable: p.Pages(), PageItems: make([]U, 0, len(p.Items))}
	for _, one := range p.Items {
		out.PageItems = append(out.PageItems, show(one))
	}
	return out
}

// ConfigInfo is a configuration in the answers of v1 and v2.
type ConfigInfo struct {
	ID               string  `json:"id"`
	DataID           string  `json:"dataId"`
	Group            string  `json:"group"`
	Content          *string `json:"content"`
	MD5              *string `json:"md5"`
	EncryptedDataKey *string `json:"encryptedDataKey"`
	Tenant           string  `json:"tenant"`
	AppName          string  `json:"appName"`
	Type             *string `json:"type"`
}

// ConfigInfoOf returns e with all it has; the content is not copied.
func ConfigInfoOf(e *config.Entry) ConfigInfo {
	content := textOf(e.Content)
	return ConfigInfo{
		ID: ID(e.ID), DataID: e.Key.DataID, Group: e.Key.Group, Content: &content, MD5: &e.MD5,
		EncryptedDataKey: &e.EncryptedDataKey, Tenant: LegacyTenant(e.Key.Namespace), AppName: e.AppName, Type: NullText(e.Type),
	}
}

// NamedConfig is an entry of the list of all configurations of a namespace in v1 and v2.
type NamedConfig struct {
	ConfigInfo
	LastModified int64 `json:"lastModified"`
}

// NamedConfigOf returns e without id and content, as Nacos lists it.
func NamedConfigOf(e *config.Entry) NamedConfig {
	return NamedConfig{
		ConfigInfo: ConfigInfo{
			ID: "0", DataID: e.Key.DataID, Group: e.Key.Group, Tenant: LegacyTenant(e.Key.Namespace), AppName: e.AppName, Type: NullText(e.Type),
		},
		LastModified: e.ModifiedMs,
	}
}

// HistoryRow is a row of the history in the answers of v1 and v2.
type HistoryRow struct {
	ID               string  `json:"id"`
	LastID           int     `json:"lastId"`
	DataID           string  `json:"dataId"`
	Group            string  `json:"group"`
	Tenant           string  `json:"tenant"`
	AppName          string  `json:"appName"`
	MD5              *string `json:"md5"`
	Content          *string `json:"content"`
	SrcIP            string  `json:"srcIp"`
	SrcUser          *string `json:"srcUser"`
	OpType           string  `json:"opType"`
	PublishType      string  `json:"publishType"`
	GrayName         string  `json:"grayName"`
	ExtInfo          string  `json:"extInfo"`
	CreatedTime      string  `json:"createdTime"`
	LastModifiedTime string  `json:"lastModifiedTime"`
	EncryptedDataKey *string `json:"encryptedDataKey"`
}

// HistoryRowOf returns h without its content, as lists show it.
func HistoryRowOf(h *config.History) HistoryRow {
	return HistoryRow{
		ID: ID(h.NID), LastID: -1, DataID: h.Key.DataID, Group: h.Key.Group, Tenant: LegacyTenant(h.Key.Namespace), AppName: h.AppName,
		SrcIP: h.SrcIP, SrcUser: NullText(h.SrcUser), OpType: h.Op, PublishType: h.PublishType, GrayName: h.GrayName, ExtInfo: h.ExtInfo,
		CreatedTime: ISOMillis(h.CreatedMs), LastModifiedTime: ISOMillis(h.ModifiedMs),
	}
}

// HistoryDetailOf returns h with its content.
func HistoryDetailOf(h *config.History) HistoryRow {
	row, content := HistoryRowOf(h), textOf(h.Content)
	row.MD5, row.Content, row.EncryptedDataKey = &h.MD5, &content, &h.EncryptedDataKey
	return row
}

// NamespaceInfo is a namespace in the answers of all versions.
type NamespaceInfo struct {
	Namespace         string `json:"namespace"`
	NamespaceShowName string `json:"namespaceShowName"`
	NamespaceDesc     string `json:"namespaceDesc"`
	Quota             int    `json:"quota"`
	ConfigCount       int64  `json:"configCount"`
	Type              int    `json:"type"`
}

// Types of namespaces. Custom ones have another number in v3 than in v1 and v2.
const (
	NamespaceTypeDefault      = 0
	NamespaceTypeCustom       = 1
	NamespaceTypeLegacyCustom = 2
	namespaceQuota            = 200
)

// DefaultNamespaceInfo returns the default namespace; id is how the version spells it.
func (d *Deps) DefaultNamespaceInfo(id string) NamespaceInfo {
	return NamespaceInfo{
		Namespace: id, NamespaceShowName: "public", NamespaceDesc: "Default Namespace", Quota: namespaceQuota,
		ConfigCount: d.Configs.CountIn(resource.DefaultNamespace), Type: NamespaceTypeDefault,
	}
}

// NamespaceInfoOf returns a created namespace; kind is the version's number for it.
func (d *Deps) NamespaceInfoOf(n *namespace.Namespace, kind int) NamespaceInfo {
	return NamespaceInfo{
		Namespace: n.ID, NamespaceShowName: n.Name, NamespaceDesc: n.Desc, Quota: namespaceQuota,
		ConfigCount: d.Configs.CountIn(n.ID), Type: kind,
	}
}

// LegacyNamespaces returns all namespaces as v1 and v2 list them, the default one first.
func (d *Deps) LegacyNamespaces() []NamespaceInfo {
	all := d.Namespaces.All()
	out := make([]NamespaceInfo, 0, len(all)+1)
	out = append(out, d.DefaultNamespaceInfo(LegacyTenant(resource.DefaultNamespace)))
	for _, n := range all {
		out = append(out, d.NamespaceInfoOf(n, NamespaceTypeLegacyCustom))
	}
	return out
}

// EntriesOf returns the formal configurations of a namespace in the order of their row ids, from
// memory.
func (d *Deps) EntriesOf(namespace string) []*config.Entry {
	var all []*config.Entry
	d.Configs.Each(func(k config.Key, it *config.Item) bool {
		if k.Namespace == namespace && it.Formal != nil {
			all = append(all, it.Formal)
		}
		return true
	})
	slices.SortFunc(all, func(x, y *config.Entry) int { return cmp.Compare(x.ID, y.ID) })
	return all
}
