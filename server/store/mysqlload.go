package store

import (
	"context"

	"gorm.io/gorm"

	"nacre/server/config"
	"nacre/server/fault"
)

// Load reads all that memory holds, as it is at one moment, and gives it to v, in the order of ids.
// Index and revision of what it returns are those of the last change that v has seen. It blocks until
// all is read or ctx ends. The fault is Unavailable when the database can't be read; what v got must
// not be used then.
func (m *MySQL) Load(ctx context.Context, v Visitor) (Loaded, error) {
	loaded, err := m.load(ctx, v)
	return loaded, m.readFault(ctx, err)
}

func (m *MySQL) load(ctx context.Context, v Visitor) (loaded Loaded, err error) {
	err = m.snapshot(ctx, func(t *transaction) error {
		loaded = Loaded{Index: t.counted, Counters: config.Counters{Revision: t.counted}}
		l := mysqlLoader{tx: t.tx, tenant: t.tenant}
		for _, step := range []func(Visitor) error{l.entries, l.grays, l.capacities, l.namespaces, l.users, l.sessions, l.drafts, l.registry, l.history} {
			if err := step(v); err != nil {
				return err
			}
		}
		return nil
	})
	return loaded, err
}

// snapshot calls f with a transaction that reads the database as it is at one moment.
func (m *MySQL) snapshot(ctx context.Context, f func(t *transaction) error) error {
	seen := m.seen.Load()
	tx, done, err := m.session(ctx)
	if err != nil {
		return err
	}
	broken := true
	defer func() { done(broken) }()
	for _, s := range []string{"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"} {
		if err := tx.Exec(s).Error; err != nil {
			return err
		}
	}
	c, err := m.readCounter(tx, seen, false)
	if err == nil {
		err = f(c.transaction(tx, m.batchBytes, true))
	}
	broken = m.rollback(ctx, tx) != nil
	if err == nil {
		m.saw(c.Revision)
	}
	return err
}

type mysqlLoader struct {
	tx     *gorm.DB
	tenant string
}

// rowsAtATime is how many rows with their contents are in memory beside what v keeps.
const rowsAtATime = 500

func (l mysqlLoader) entries(v Visitor) error {
	if v.Entry == nil {
		return nil
	}
	// Rows that don't count are found first, so that the others need not be kept.
	hidden, err := l.hidden("config_info", "''")
	if err != nil {
		return err
	}
	return batches(func(after int64) (int64, int, error) {
		var rows []configRow
		if err := l.tx.Where("id > ?", after).Order("id").Limit(rowsAtATime).Find(&rows).Error; err != nil || len(rows) == 0 {
			return 0, 0, err
		}
		ids := make([]int64, len(rows))
		for i := range rows {
			ids[i] = rows[i].ID
		}
		tags, err := tagsOf(l.tx, ids)
		if err != nil {
			return 0, 0, err
		}
		for i := range rows {
			if !hidden[rows[i].ID] {
				v.Entry(rows[i].entry(tags[rows[i].ID]))
			}
		}
		return ids[len(ids)-1], len(rows), nil
	})
}

func (l mysqlLoader) grays(v Visitor) error {
	if v.Gray == nil {
		return nil
	}
	hidden, err := l.hidden("config_info_gray", "gray_name")
	if err != nil {
		return err
	}
	return batches(func(after int64) (int64, int, error) {
		var rows []grayRow
		if err := l.tx.Where("id > ?", after).Order("id").Limit(rowsAtATime).Find(&rows).Error; err != nil || len(rows) == 0 {
			return 0, 0, err
		}
		for i := range rows {
			if hidden[rows[i].ID] {
				continue
			}
			g, err := readableGray(&rows[i])
			if err != nil {
				return 0, 0, err
			}
			v.Gray(g)
		}
		return rows[len(rows)-1].ID, len(rows), nil
	})
}

// batches calls next with the last id it returned until it finds less than a whole batch.
func batches(next func(after int64) (last int64, n int, err error)) error {
	for after := int64(0); ; {
		last, n, err := next(after)
		if err != nil || n < rowsAtATime {
			return err
		}
		after = last
	}
}

// hidden returns the ids of the rows of the default namespace beside which another row counts.
func (l mysqlLoader) hidden(table, name string) (map[int64]bool, error) {
	var rows []struct {
		ID                        int64
		DataID, GroupID, TenantID string
		GrayName                  string
		GmtModified               millis
	}
	// Only keys that have both forms: few, unless a 3.x has copied all.
	err := l.tx.Raw("SELECT a.id, a.data_id, a.group_id, a.tenant_id, a.gmt_modified, "+aliased(name)+" AS gray_name FROM "+table+" a JOIN "+table+" b "+
		"ON b.data_id = a.data_id AND b.group_id = a.group_id AND b.tenant_id = IF(a.tenant_id = ?, ?, ?)"+sameName(name)+" WHERE a.tenant_id IN (?, ?)",
		tenantOld, tenantNew, tenantOld, tenantOld, tenantNew).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	type key struct{ data, group, name string }
	hidden := make(map[int64]bool)
	first := make(map[key]int)
	for i, r := range rows {
		k := key{r.DataID, r.GroupID, r.GrayName}
		j, ok := first[k]
		if !ok {
			first[k] = i
			continue
		}
		if preferred(l.tenant, r.GmtModified, rows[j].GmtModified, r.TenantID, rows[j].TenantID) < 0 {
			i, j = j, i
			first[k] = j
		}
		hidden[rows[i].ID] = true
	}
	return hidden, nil
}

func aliased(name string) string {
	if name == "''" {
		return name
	}
	return "a." + name
}

func sameName(name string) string {
	if name == "''" {
		return ""
	}
	return " AND b." + name + " = a." + name
}

func (l mysqlLoader) capacities(v Visitor) error {
	if v.Capacity == nil {
		return nil
	}
	for _, t := range []struct{ table, column string }{{tenantCapacity, "tenant_id"}, {groupCapacity, "group_id"}} {
		var rows []capacityRow
		if err := l.tx.Table(t.table).Select(capacitySelect(t.column)).Order("id").Find(&rows).Error; err != nil {
			return err
		}
		for i := range rows {
			v.Capacity(rows[i].capacity(t.table))
		}
	}
	return nil
}

func (l mysqlLoader) namespaces(v Visitor) error {
	if v.Namespace == nil {
		return nil
	}
	var rows []namespaceRow
	if err := l.tx.Where("kp = ?", tenantKind).Order("id").Find(&rows).Error; err != nil {
		return err
	}
	for i := range rows {
		v.Namespace(rows[i].namespace())
	}
	return nil
}

func (l mysqlLoader) history(v Visitor) error {
	if v.History == nil {
		return nil
	}
	return batches(func(after int64) (int64, int, error) {
		var rows []historyRow
		if err := l.tx.Where("nid > ?", after).Order("nid").Limit(rowsAtATime).Find(&rows).Error; err != nil || len(rows) == 0 {
			return 0, 0, err
		}
		for i := range rows {
			v.History(rows[i].history())
		}
		return rows[len(rows)-1].NID, len(rows), nil
	})
}

// maxQueries is how many queries may be under way on this node.
const maxQueries = 64

// Queries returns what reads lists and history. What this node has committed can be seen by then.
func (m *MySQL) Queries() config.Queries {
	slots := make(chan struct{}, maxQueries)
	return queries{session: func(ctx context.Context, _ bool) (*gorm.DB, func(error) error, error) {
		select {
		case slots <- struct{}{}:
		default:
			return nil, nil, fault.New(fault.Unavailable, "server limit match.")
		}
		ctx, cancel := context.WithTimeout(ctx, m.opts.ReadTimeout)
		done := func(err error) error {
			err = m.readFault(ctx, err)
			cancel()
			<-slots
			return err
		}
		db, err := withTenants(m.db.WithContext(ctx))
		if err != nil {
			return nil, nil, done(err)
		}
		return db, done, nil
	}}
}
