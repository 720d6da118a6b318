package store

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"nacre/server/journal"
	"nacre/server/naming"
)

// rowID returns the key of a row whose own is longer than an index may be.
func rowID(parts ...string) []byte {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return sum[:16]
}

func serviceID(k naming.Key) []byte { return rowID(k.Namespace, k.Group, k.Name) }

// mysqlRegistryRow is a row as MySQL has it.
type mysqlRegistryRow struct {
	RowID     []byte `gorm:"column:row_id;primaryKey"`
	ServiceID []byte
	Kind      string
	TenantID  string
	GroupID   string
	Service   string
	Name      string
	Body      []byte
}

// TableName implements GORM's Tabler.
func (mysqlRegistryRow) TableName() string { return "nacre_registry" }

func (r *mysqlRegistryRow) row() *registryRow {
	return &registryRow{kind: r.Kind, key: naming.Key{Namespace: r.TenantID, Group: r.GroupID, Name: r.Service}, name: r.Name, body: r.Body}
}

func (r *registryRow) rowID() []byte {
	return rowID(r.kind, r.key.Namespace, r.key.Group, r.key.Name, r.name)
}

// touchedRegistry is what of the registry must be held.
type touchedRegistry struct {
	rows     map[string]struct{} // row ids
	services map[naming.Key]struct{}
	counted  map[naming.Key]struct{}
}

func (t *touchedRegistry) add(cmd journal.Command) error {
	touched, err := naming.Touches(cmd)
	if err != nil {
		return err
	}
	for _, c := range touched.Rows {
		_, after, _, err := rowsOfChange(c)
		if err != nil {
			return err
		}
		include(&t.rows, string(after.rowID()))
	}
	for _, k := range touched.Services {
		include(&t.services, k)
	}
	for _, k := range touched.Counted {
		include(&t.counted, k)
	}
	return nil
}

// include adds a member to a set that may be nil yet.
func include[K comparable](set *map[K]struct{}, k K) {
	if *set == nil {
		*set = make(map[K]struct{})
	}
	(*set)[k] = struct{}{}
}

// members returns a set's members in their order, so that one group leads to one statement.
func members[K comparable](set map[K]struct{}, compare func(a, b K) int) []K {
	all := make([]K, 0, len(set))
	for k := range set {
		all = append(all, k)
	}
	slices.SortFunc(all, compare)
	return all
}

func (t *transaction) loadRegistry(h *held, need *touchedRegistry) error {
	rows := make(map[string]*mysqlRegistryRow)
	find := func(query *gorm.DB) error {
		var found []mysqlRegistryRow
		if err := query.Order("row_id").Find(&found).Error; err != nil {
			return err
		}
		for i := range found {
			rows[string(found[i].RowID)] = &found[i]
		}
		return nil
	}
	for part := range slices.Chunk(members(need.rows, cmp.Compare[string]), keysAtOnce) {
		ids := make([][]byte, len(part))
		for i, id := range part {
			ids[i] = []byte(id)
		}
		if err := find(t.rows().Where("row_id IN ?", ids)); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(members(need.services, naming.Key.Compare), keysAtOnce) {
		if err := find(t.rows().Where("service_id IN ? AND kind IN ?", serviceIDs(part), []string{registryService, registryCluster, registryOverride})); err != nil {
			return err
		}
	}
	for _, r := range rows {
		c, err := r.row().change()
		if err != nil {
			return err
		}
		h.naming.Load(c)
	}
	instances := make(map[naming.Key]int64)
	for part := range slices.Chunk(members(need.counted, naming.Key.Compare), keysAtOnce) {
		var counts []struct {
			ServiceID []byte
			N         int64
		}
		err := t.tx.Raw("SELECT service_id, COUNT(*) AS n FROM nacre_registry WHERE service_id IN ? AND kind = ? GROUP BY service_id", serviceIDs(part), registryInstance).Scan(&counts).Error
		if err != nil {
			return err
		}
		byID := make(map[string]int64, len(counts))
		for _, c := range counts {
			byID[string(c.ServiceID)] = c.N
		}
		for _, k := range part {
			instances[k] = byID[string(serviceID(k))]
		}
	}
	h.naming.SetTotals(t.totals, instances)
	return nil
}

func serviceIDs(keys []naming.Key) [][]byte {
	ids := make([][]byte, len(keys))
	for i, k := range keys {
		ids[i] = serviceID(k)
	}
	return ids
}

func (w *sqlWriter) flushRegistry() error {
	var gone [][]byte
	var rows []mysqlRegistryRow
	err := sorted(&w.registry, func(_ string, p *pair[registryRow]) error {
		if r := p.after; r != nil {
			rows = append(rows, mysqlRegistryRow{r.rowID(), serviceID(r.key), r.kind, r.key.Namespace, r.key.Group, r.key.Name, r.name, r.body})
		} else {
			gone = append(gone, p.before.rowID())
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.registry.reset()
	for part := range slices.Chunk(gone, rowsAtOnce) {
		if err := w.tx.Exec("DELETE FROM nacre_registry WHERE row_id IN ?", part).Error; err != nil {
			return err
		}
	}
	return writeRows(w.tx.Clauses(updateRegistryRow), rows, func(r *mysqlRegistryRow) int { return len(r.Body) }, w.batchBytes)
}

func (l mysqlLoader) registry(v Visitor) error {
	if v.Registry == nil {
		return nil
	}
	// Services come before what belongs to them.
	for _, kind := range []string{registrySwitch, registryService, registryCluster, registryInstance, registryOverride} {
		last := make([]byte, 16)
		for first := true; ; first = false {
			var rows []mysqlRegistryRow
			from := "row_id > ?"
			if first {
				from = "row_id >= ?"
			}
			if err := l.tx.Where("kind = ? AND "+from, kind, last).Order("row_id").Limit(rowsAtATime).Find(&rows).Error; err != nil {
				return err
			}
			for i := range rows {
				c, err := rows[i].row().change()
				if err != nil {
					return err
				}
				v.Registry(c)
			}
			if len(rows) < rowsAtATime {
				break
			}
			last = rows[len(rows)-1].RowID
		}
	}
	return nil
}

// goneFromRegistry returns the change of a row that is gone, of which the key alone is known.
func goneFromRegistry(r *registryRow) (journal.Change, error) {
	switch r.kind {
	case registryInstance:
		ip, port, err := addressOf(r.name)
		return naming.InstanceChange{Before: &naming.Persistent{Key: r.key, Instance: naming.Instance{IP: ip, Port: port}}}, err
	case registryService:
		return naming.ServiceChange{Before: &naming.Service{Key: r.key}}, nil
	case registryCluster:
		return naming.ClusterChange{Before: &naming.Cluster{Key: r.key, Name: r.name}}, nil
	case registryOverride:
		// ip:port:cluster, where an address of IPv6 has colons and a cluster none.
		at := strings.LastIndex(r.name, ":")
		if at < 0 {
			return nil, fmt.Errorf("a row of the registry has the name %q", r.name)
		}
		ip, port, err := addressOf(r.name[:at])
		return naming.OverrideChange{Before: &naming.Override{Key: r.key, Of: naming.InstanceID{IP: ip, Port: port, Cluster: r.name[at+1:]}}}, err
	case registrySwitch:
		return naming.SwitchChange{Before: &naming.Switch{Entry: r.name}}, nil
	}
	return nil, fmt.Errorf("a row of the registry is of the unknown kind %q", r.kind)
}

// addressOf is the reverse of instanceName.
func addressOf(name string) (ip string, port int, err error) {
	at := strings.LastIndex(name, ":")
	if at < 0 {
		return "", 0, fmt.Errorf("a row of the registry has the name %q", name)
	}
	port, err = strconv.Atoi(name[at+1:])
	return name[:at], port, err
}
