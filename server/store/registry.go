package store

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"nacre/server/journal"
	"nacre/server/naming"
)

// The kinds of rows of the registry.
const (
	registryInstance = "instance"
	registryService  = "service"
	registryCluster  = "cluster"
	registryOverride = "override"
	registrySwitch   = "switch"
)

// registryRow is a row of what the registry keeps. All kinds are in one table: what they hold is the registry's own, which
// nothing else reads, and only memory is queried.
type registryRow struct {
	kind string
	key  naming.Key
	// name tells the rows of a kind apart within a service.
	name string
	// body is JSON. The sum of a row that goes is computed from memory: a field that a later version adds must be left out where it
	// is zero (omitzero), so that rows of before keep their sums.
	body []byte
}

func (r *registryRow) id() string {
	return strings.Join([]string{r.kind, r.key.Namespace, r.key.Group, r.key.Name, r.name}, "\x00")
}

func instanceName(ip string, port int) string { return ip + ":" + strconv.Itoa(port) }

// registryRowOf returns the row that holds v, nil for nothing.
func registryRowOf[T any](kind string, v *T, where func(*T) (naming.Key, string)) (*registryRow, error) {
	if v == nil {
		return nil, nil
	}
	r := &registryRow{kind: kind}
	r.key, r.name = where(v)
	var err error
	r.body, err = json.Marshal(v)
	return r, err
}

func whereInstance(v *naming.Persistent) (naming.Key, string) {
	return v.Key, instanceName(v.Instance.IP, v.Instance.Port)
}
func whereService(v *naming.Service) (naming.Key, string) { return v.Key, "" }
func whereCluster(v *naming.Cluster) (naming.Key, string) { return v.Key, v.Name }
func whereOverride(v *naming.Override) (naming.Key, string) {
	return v.Key, instanceName(v.Of.IP, v.Of.Port) + ":" + v.Of.Cluster
}
func whereSwitch(v *naming.Switch) (naming.Key, string) { return naming.Key{}, v.Entry }

// addRegistry takes up a change of the registry; ok is false when c is none.
func (b *batch) addRegistry(c journal.Change) (ok bool, err error) {
	before, after, ok, err := rowsOfChange(c)
	if ok && err == nil {
		b.registry.add(cmp.Or(after, before).id(), before, after)
	}
	return ok, err
}

// rowsOfChange returns the rows before and after a change of the registry; ok is false when c is none.
func rowsOfChange(c journal.Change) (before, after *registryRow, ok bool, err error) {
	switch c := c.(type) {
	case naming.InstanceChange:
		before, after, err = registryRows(registryInstance, c.Before, c.After, whereInstance)
	case naming.ServiceChange:
		before, after, err = registryRows(registryService, c.Before, c.After, whereService)
	case naming.ClusterChange:
		before, after, err = registryRows(registryCluster, c.Before, c.After, whereCluster)
	case naming.OverrideChange:
		before, after, err = registryRows(registryOverride, c.Before, c.After, whereOverride)
	case naming.SwitchChange:
		before, after, err = registryRows(registrySwitch, c.Before, c.After, whereSwitch)
	default:
		return nil, nil, false, nil
	}
	return before, after, true, err
}

func registryRows[T any](kind string, before, after *T, where func(*T) (naming.Key, string)) (was, is *registryRow, err error) {
	if was, err = registryRowOf(kind, before, where); err != nil {
		return nil, nil, err
	}
	is, err = registryRowOf(kind, after, where)
	return was, is, err
}

func (s *summer) registry(r *registryRow) uint64 {
	s.begin()
	for _, v := range []string{r.kind, r.key.Namespace, r.key.Group, r.key.Name, r.name} {
		s.str(v)
	}
	return s.end(r.body)
}

func (w *writer) registry() error {
	return changeRows(w, tableRegistry, &w.batch.registry, w.sum.registry, func(_ string, r *registryRow, sum int64) error {
		return w.exec(`INSERT INTO nacre_registry (kind, tenant_id, group_id, service, name, row_sum, body) VALUES (?,?,?,?,?,?,?)
			ON CONFLICT DO UPDATE SET row_sum=excluded.row_sum, body=excluded.body`,
			r.kind, r.key.Namespace, r.key.Group, r.key.Name, r.name, sum, r.body)
	}, func(_ string, r *registryRow) error {
		return w.exec("DELETE FROM nacre_registry WHERE kind=? AND tenant_id=? AND group_id=? AND service=? AND name=?",
			r.kind, r.key.Namespace, r.key.Group, r.key.Name, r.name)
	})
}

// registry reads what the registry keeps, services before what belongs to them.
func (l *loader) registry(visit func(journal.Change)) error {
	return l.each(tableRegistry, "SELECT kind, tenant_id, group_id, service, name, row_sum, body FROM nacre_registry ORDER BY kind DESC, tenant_id, group_id, service, name",
		func(r *row) (int64, int64, uint64) {
			held := &registryRow{kind: r.text(), key: naming.Key{Namespace: l.word(r.text()), Group: l.word(r.text()), Name: l.word(r.text())}, name: r.text()}
			want := r.int()
			held.body = r.blob()
			if visit != nil && !r.bad {
				c, err := held.change()
				r.bad = err != nil
				if err == nil {
					visit(c)
				}
			}
			return 0, want, l.sum.registry(held)
		})
}

// change returns the change that makes what the row holds.
func (r *registryRow) change() (journal.Change, error) {
	switch r.kind {
	case registryInstance:
		return registryChange(r.body, func(v *naming.Persistent) journal.Change { return naming.InstanceChange{After: v} })
	case registryService:
		return registryChange(r.body, func(v *naming.Service) journal.Change { return naming.ServiceChange{After: v} })
	case registryCluster:
		return registryChange(r.body, func(v *naming.Cluster) journal.Change { return naming.ClusterChange{After: v} })
	case registryOverride:
		return registryChange(r.body, func(v *naming.Override) journal.Change { return naming.OverrideChange{After: v} })
	case registrySwitch:
		return registryChange(r.body, func(v *naming.Switch) journal.Change { return naming.SwitchChange{After: v} })
	}
	return nil, fmt.Errorf("a row of the registry is of the unknown kind %q", r.kind)
}

func registryChange[T any](body []byte, change func(*T) journal.Change) (journal.Change, error) {
	v := new(T)
	if err := json.Unmarshal(body, v); err != nil {
		return nil, err
	}
	return change(v), nil
}
