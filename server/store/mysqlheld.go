package store

import (
	"cmp"
	"maps"
	"slices"

	"gorm.io/gorm"

	"nacre/server/auth"
	"nacre/server/config"
	"nacre/server/draft"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/naming"
)

// keysAtOnce is how many keys one locking query asks for.
const keysAtOnce = 1024

// touches is what must be held for deciding a group.
type touches struct {
	keys       map[config.Key]struct{}
	capacities map[capacityRef]struct{}
	namespaces map[string]struct{}
	// quota and count say that rows must be counted.
	quota, count bool
	people       touchedPeople
	registry     touchedRegistry
}

func newTouches() *touches {
	return &touches{keys: map[config.Key]struct{}{}, capacities: map[capacityRef]struct{}{}, namespaces: map[string]struct{}{}}
}

type capacityRef struct{ namespace, group string }

func touchesOf(group []journal.Command) (*touches, error) {
	need := newTouches()
	for _, cmd := range group {
		switch {
		case config.Owns(cmd.Kind):
			t, err := config.Touches(cmd)
			if err != nil {
				return nil, err
			}
			for _, k := range t.Keys {
				need.keys[k] = struct{}{}
			}
			for _, c := range t.Capacities {
				need.capacities[capacityRef{c.Namespace, c.Group}] = struct{}{}
			}
			need.quota = need.quota || t.Quota
		case namespace.Owns(cmd.Kind):
			ids, all, err := namespace.Touches(cmd)
			if err != nil {
				return nil, err
			}
			for _, id := range ids {
				need.namespaces[id] = struct{}{}
			}
			need.count = need.count || all
		case auth.Owns(cmd.Kind):
			if err := need.people.addAuth(cmd); err != nil {
				return nil, err
			}
		case draft.Owns(cmd.Kind):
			if err := need.people.addDraft(cmd); err != nil {
				return nil, err
			}
		case naming.Owns(cmd.Kind):
			if err := need.registry.add(cmd); err != nil {
				return nil, err
			}
		}
	}
	return need, nil
}

// rows is where queries of rows begin: they lock what they find when the transaction decides on it.
func (t *transaction) rows() *gorm.DB {
	if t.reads {
		return t.tx
	}
	return t.tx.Clauses(forUpdate)
}

// load loads what need names, and locks it when the transaction decides on it, each table by one query and in the order of its keys.
func (t *transaction) load(need *touches) (*held, error) {
	h := &held{
		configs: config.NewHeld(), namespaces: namespace.NewState(), users: auth.NewState(), drafts: draft.NewState(), naming: naming.NewState(),
		rows: map[config.Key][]rowRef{}, grays: map[grayKey][]rowRef{},
	}
	keys := slices.SortedFunc(maps.Keys(need.keys), byIndex)
	for part := range slices.Chunk(keys, keysAtOnce) {
		if err := t.loadEntries(h, part); err != nil {
			return nil, err
		}
		if err := t.loadGrays(h, part); err != nil {
			return nil, err
		}
	}
	if err := t.loadCapacities(h, need); err != nil {
		return nil, err
	}
	if err := t.loadNamespaces(h, need); err != nil {
		return nil, err
	}
	if err := t.loadPeople(h, &need.people); err != nil {
		return nil, err
	}
	return h, t.loadRegistry(h, &need.registry)
}

// byIndex orders keys as the unique indexes of their tables do.
func byIndex(a, b config.Key) int {
	return cmp.Or(cmp.Compare(a.DataID, b.DataID), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Namespace, b.Namespace))
}

// whereKeys restricts tx to rows of the keys, in a form that both MySQL and MariaDB look up in the index.
func whereKeys(tx *gorm.DB, keys []config.Key) *gorm.DB {
	type place struct{ namespace, group string }
	ids := map[place][]string{}
	var places []place // in the order of keys, so that one group leads to one statement
	for _, k := range keys {
		p := place{k.Namespace, k.Group}
		if ids[p] == nil {
			places = append(places, p)
		}
		ids[p] = append(ids[p], k.DataID)
	}
	where := tx.Session(&gorm.Session{NewDB: true})
	for _, p := range places {
		where = where.Or("data_id IN ? AND group_id = ? AND tenant_id IN ?", ids[p], p.group, tenantsOf(p.namespace))
	}
	return tx.Where(where)
}

func (t *transaction) loadEntries(h *held, keys []config.Key) error {
	var rows []configRow
	if err := whereKeys(t.rows(), keys).Order("data_id, group_id, tenant_id").Find(&rows).Error; err != nil {
		return err
	}
	slices.SortStableFunc(rows, func(a, b configRow) int {
		return preferred(t.tenant, a.GmtModified, b.GmtModified, a.TenantID, b.TenantID)
	})
	var ids []int64
	var first []*configRow
	for i := range rows {
		r := &rows[i]
		k := config.Key{Namespace: namespaceOf(r.TenantID), Group: r.GroupID, DataID: r.DataID}
		if h.rows[k] == nil {
			ids, first = append(ids, r.ID), append(first, r)
		}
		h.rows[k] = append(h.rows[k], rowRef{r.ID, r.TenantID})
	}
	tags, err := tagsOf(t.tx, ids)
	if err != nil {
		return err
	}
	for _, r := range first {
		h.configs.LoadEntry(r.entry(tags[r.ID]))
	}
	return nil
}

// tagsOf returns the tags of the rows with these ids, in their order.
func tagsOf(tx *gorm.DB, ids []int64) (map[int64][]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []tagRow
	if err := tx.Where("id IN ?", ids).Order("id, nid").Find(&rows).Error; err != nil {
		return nil, err
	}
	tags := make(map[int64][]string)
	for _, r := range rows {
		tags[r.ID] = append(tags[r.ID], r.TagName)
	}
	return tags, nil
}

func (t *transaction) loadGrays(h *held, keys []config.Key) error {
	var rows []grayRow
	if err := whereKeys(t.rows(), keys).Order("data_id, group_id, tenant_id, gray_name").Find(&rows).Error; err != nil {
		return err
	}
	slices.SortStableFunc(rows, func(a, b grayRow) int {
		return preferred(t.tenant, a.GmtModified, b.GmtModified, a.TenantID, b.TenantID)
	})
	for i := range rows {
		r := &rows[i]
		k := grayKey{config.Key{Namespace: namespaceOf(r.TenantID), Group: r.GroupID, DataID: r.DataID}, r.GrayName}
		if h.grays[k] == nil {
			g, err := readableGray(r)
			if err != nil {
				return err
			}
			h.configs.LoadGray(g)
		}
		h.grays[k] = append(h.grays[k], rowRef{r.ID, r.TenantID})
	}
	return nil
}

// readableGray returns the variant of a row. One whose rule can't be read, which only another program
// can have written, is for nobody; it must not keep its configuration from being changed.
func readableGray(r *grayRow) (*config.Gray, error) {
	g, err := r.gray()
	if err == nil {
		return g, nil
	}
	unreadable := *r
	unreadable.GrayRule = "{}"
	return unreadable.gray()
}

func (t *transaction) loadCapacities(h *held, need *touches) error {
	var tenants, groups []string
	for c := range need.capacities {
		if c.namespace != "" {
			tenants = append(tenants, c.namespace)
		} else {
			groups = append(groups, c.group)
		}
	}
	for _, l := range []struct {
		table, column string
		names         []string
	}{{tenantCapacity, "tenant_id", tenants}, {groupCapacity, "group_id", groups}} {
		if len(l.names) == 0 {
			continue
		}
		slices.Sort(l.names)
		var rows []capacityRow
		err := t.rows().Table(l.table).Select(capacitySelect(l.column)).Where(l.column+" IN ?", l.names).Order(l.column).Find(&rows).Error
		if err != nil {
			return err
		}
		for i := range rows {
			h.configs.LoadCapacity(rows[i].capacity(l.table))
		}
	}
	if !need.quota {
		return nil
	}
	return t.loadUsage(h, tenants, groups)
}

func capacitySelect(column string) string {
	return "id, " + column + " AS name, quota, max_size, max_aggr_count, max_aggr_size, gmt_create, gmt_modified"
}

// loadUsage counts the rows against which quotas are checked. Nacos' own usage columns are not taken:
// whether they are kept is a setting of each server that shares the database.
func (t *transaction) loadUsage(h *held, tenants, groups []string) error {
	type count struct {
		Name string
		N    int64
	}
	var all []count
	add := func(namespace, group string, query string, args ...any) error {
		all = all[:0]
		if err := t.tx.Raw(query, args...).Scan(&all).Error; err != nil {
			return err
		}
		for _, c := range all {
			switch {
			case namespace != "":
				h.configs.SetUsage(c.Name, "", c.N)
			case group != "":
				h.configs.SetUsage("", c.Name, c.N)
			default:
				h.configs.SetUsage("", "", c.N)
			}
		}
		return nil
	}
	// What the held rows made the counts is a part of them only.
	for _, ns := range tenants {
		h.configs.SetUsage(ns, "", 0)
	}
	for _, g := range groups {
		h.configs.SetUsage("", g, 0)
	}
	const byDefault = "tenant_id IN ('', '" + tenantNew + "')"
	if len(tenants) > 0 {
		if err := add("x", "", "SELECT tenant_id AS name, COUNT(*) AS n FROM config_info WHERE tenant_id IN ? GROUP BY tenant_id", tenants); err != nil {
			return err
		}
	}
	if len(groups) > 0 {
		if err := add("", "x", "SELECT group_id AS name, COUNT(DISTINCT data_id) AS n FROM config_info WHERE "+byDefault+" AND group_id IN ? GROUP BY group_id", groups); err != nil {
			return err
		}
	}
	return add("", "", "SELECT (SELECT COUNT(*) FROM config_info WHERE NOT "+byDefault+") + (SELECT COUNT(DISTINCT data_id, group_id) FROM config_info WHERE "+byDefault+") AS n")
}

func (t *transaction) loadNamespaces(h *held, need *touches) error {
	if len(need.namespaces) == 0 {
		return nil
	}
	ids := slices.Sorted(maps.Keys(need.namespaces))
	var rows []namespaceRow
	if err := t.rows().Where("kp = ? AND tenant_id IN ?", tenantKind, ids).Order("tenant_id").Find(&rows).Error; err != nil {
		return err
	}
	for i := range rows {
		h.namespaces.Load(rows[i].namespace())
	}
	if !need.count {
		return nil
	}
	var n int64
	if err := t.tx.Model(&namespaceRow{}).Where("kp = ?", tenantKind).Count(&n).Error; err != nil {
		return err
	}
	h.namespaces.SetOthers(int(n) - len(rows))
	return nil
}
