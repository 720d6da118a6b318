package store

import (
	"cmp"
	"context"

	"gorm.io/gorm"

	"nacre/server/config"
	"nacre/server/resource"
)

// The default namespace has two forms in Nacos' tables: ” is written by versions 1 and 2, 'public'
// by version 3, which copies the old rows once. Both are read: of two rows of one configuration the
// newer counts, of equal ones that in the form that is in use. An update writes every row that is
// there, a removal removes them all, a new row gets the form in use. The SQLite image has 'public' alone.
const (
	tenantOld = ""
	tenantNew = resource.DefaultNamespace
)

// chooseTenant decides in which form new rows are written, by which Nacos has written here; an empty
// database gets the new one. All nodes read the decision with each transaction.
func (m *MySQL) chooseTenant(ctx context.Context) error {
	found := map[string]bool{}
	for _, tenant := range []string{tenantOld, tenantNew} {
		for _, table := range []string{"config_info", "config_info_gray"} {
			has, err := hasRows(ctx, m.pool, "SELECT 1 FROM "+table+" WHERE tenant_id = ? LIMIT 1", tenant)
			if err != nil {
				return err
			}
			found[tenant] = found[tenant] || has
		}
	}
	query := "UPDATE nacre_revision SET default_tenant = ? WHERE id = 1 AND default_tenant IS NULL"
	tenant := tenantNew
	switch {
	case found[tenantNew]: // a 3.x has run, perhaps since the decision was made
		query = "UPDATE nacre_revision SET default_tenant = ? WHERE id = 1"
	case found[tenantOld]:
		tenant = tenantOld
	}
	_, err := m.pool.ExecContext(ctx, query, tenant)
	return err
}

// tenantsOf returns the tenant_ids under which rows of a namespace may stand.
func tenantsOf(id string) []string {
	if id == resource.DefaultNamespace {
		return []string{tenantOld, tenantNew}
	}
	return []string{id}
}

// namespaceOf is the reverse of tenantsOf.
func namespaceOf(tenant string) string {
	if tenant == tenantOld {
		return resource.DefaultNamespace
	}
	return tenant
}

// preferred orders rows of one key, that which counts first; tenant is the form in use.
func preferred(tenant string, aModified, bModified millis, aTenant, bTenant string) int {
	if c := cmp.Compare(bModified, aModified); c != 0 {
		return c
	}
	switch tenant {
	case aTenant:
		return -1
	case bTenant:
		return 1
	}
	return 0
}

// inUse is what a session of queries knows of the forms: that in use, and whether there may be rows
// in both. It is kept with GORM's settings, where filter finds it.
const inUseSetting = "nacre:tenants"

type inUse struct {
	tenant string
	copies bool
}

// withTenants returns db with what filter must know of the default namespace.
func withTenants(db *gorm.DB) (*gorm.DB, error) {
	var found struct {
		DefaultTenant *string
		Old, New      bool
	}
	err := db.Raw("SELECT default_tenant, EXISTS (SELECT 1 FROM config_info WHERE tenant_id = ?) AS old, EXISTS (SELECT 1 FROM config_info WHERE tenant_id = ?) AS new "+
		"FROM nacre_revision WHERE id = 1", tenantOld, tenantNew).Scan(&found).Error
	use := inUse{tenantNew, found.Old && found.New}
	if found.DefaultTenant != nil {
		use.tenant = *found.DefaultTenant
	}
	return db.Set(inUseSetting, use).Session(&gorm.Session{}), err
}

// mysqlTenants returns the conditions that f sets on the namespace, and that which hides the row of a
// configuration that doesn't count.
func mysqlTenants(db *gorm.DB, f config.Filter) []condition {
	var all []condition
	switch {
	case f.Namespace == "":
	case f.NamespacePattern:
		all = append(all, matches(db, "CASE tenant_id WHEN '' THEN '"+tenantNew+"' ELSE tenant_id END", f.Namespace, false))
	default:
		all = append(all, condition{"tenant_id IN ?", []any{tenantsOf(f.Namespace)}})
		if f.Namespace != resource.DefaultNamespace {
			return all
		}
	}
	value, _ := db.Get(inUseSetting)
	use, _ := value.(inUse)
	if !use.copies {
		return all
	}
	return append(all, condition{"NOT EXISTS (SELECT 1 FROM config_info o WHERE o.data_id = config_info.data_id AND o.group_id = config_info.group_id " +
		"AND config_info.tenant_id IN (?, ?) AND o.tenant_id = IF(config_info.tenant_id = ?, ?, ?) " +
		"AND (o.gmt_modified > config_info.gmt_modified OR o.gmt_modified = config_info.gmt_modified AND o.tenant_id = ?))",
		[]any{tenantOld, tenantNew, tenantOld, tenantNew, tenantOld, use.tenant}})
}
