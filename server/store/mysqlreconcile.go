package store

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"

	"nacre/server/auth"
	"nacre/server/config"
	"nacre/server/namespace"
)

// adoptAtOnce is how many keys one transaction takes over from another writer.
const adoptAtOnce = 256

// Held is what a node's memory holds, for Reconcile, which calls the functions on its own goroutine.
type Held struct {
	// Revision is up to where memory follows the database.
	Revision   func() uint64
	Config     func(config.Key) *config.Item
	EachConfig func(func(config.Key, *config.Item) bool)
	Namespaces func() []*namespace.Namespace
	Users      func() []*auth.User
}

// Reconcile finds rows of configurations with their variants and tags, namespaces and users that somebody else changed, who
// raises no counter: another Nacos, or a hand. Each that differs from what have holds takes a revision and goes
// into the change log, so that every node follows it in the same order; where the column md5 is not that of the content,
// it is put right. It returns how many it found. One node does it at a time, as often as such a change may stay
// unseen. Faults: Unavailable.
func (m *MySQL) Reconcile(ctx context.Context, have Held) (found int, err error) {
	found, err = m.reconcile(ctx, have)
	return found, m.readFault(ctx, err)
}

func (m *MySQL) reconcile(ctx context.Context, have Held) (found int, err error) {
	if _, err := m.Revision(ctx); err != nil {
		return 0, err // it is another database
	}
	since := have.Revision()
	suspects, err := m.scan(ctx, have)
	if err != nil {
		return 0, err
	}
	for part := range slices.Chunk(sortedKeys(suspects), adoptAtOnce) {
		n, err := m.adopt(ctx, func(t *transaction) error { return t.compareConfigs(have, since, part) })
		if found += n; err != nil {
			return found, err
		}
	}
	for _, compare := range []func(t *transaction) error{
		func(t *transaction) error { return t.compareNamespaces(have, since) },
		func(t *transaction) error { return t.compareUsers(have, since) },
	} {
		n, err := m.adopt(ctx, compare)
		if found += n; err != nil {
			return found, err
		}
	}
	return found, nil
}

// adopt takes over what compare finds: it looks without a lock first, as there is almost never anything.
func (m *MySQL) adopt(ctx context.Context, compare func(*transaction) error) (int, error) {
	n := 0
	err := m.snapshot(ctx, func(t *transaction) error {
		err := compare(t)
		n = len(t.changes)
		return err
	})
	if errors.Is(err, ErrTrimmed) {
		return 0, nil // this node must catch up first
	}
	if err != nil || n == 0 {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, m.opts.WriteTimeout)
	defer cancel()
	select {
	case m.writing <- struct{}{}:
		defer func() { <-m.writing }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	_, err = m.try(ctx, func(t *transaction) error {
		err := compare(t)
		if n = len(t.changes); err != nil || n == 0 {
			return err
		}
		if err := t.adopted(); err != nil {
			return err
		}
		return t.logChanges(m.opts.Node)
	})
	if err != nil {
		return 0, m.writeFault(err)
	}
	return n, nil
}

// changedSince returns the rows that the change log has after a revision: memory may not have followed them yet.
func (t *transaction) changedSince(since uint64) (map[rowKey]struct{}, error) {
	keys, _, err := t.keysAfter(since, math.MaxInt)
	changed := make(map[rowKey]struct{}, len(keys))
	for _, k := range keys {
		changed[k] = struct{}{}
	}
	return changed, err
}

func (t *transaction) compareConfigs(have Held, since uint64, keys []config.Key) error {
	changed, err := t.changedSince(since)
	if err != nil {
		return err
	}
	need := newTouches()
	for _, k := range keys {
		need.keys[k] = struct{}{}
	}
	h, err := t.load(need)
	if err != nil {
		return err
	}
	t.revision = t.counted
	for _, k := range keys {
		is, was := h.configs.Get(k), have.Config(k)
		if is == nil {
			is = &config.Item{}
		}
		if was == nil {
			was = &config.Item{}
		}
		if _, late := changed[rowKey{kindEntry, k.Namespace, k.Group, k.DataID}]; !late {
			t.compareEntry(was.Formal, is.Formal)
		}
		t.compareGrays(k, was.Grays, is.Grays, changed)
	}
	return nil
}

func (t *transaction) compareEntry(was, is *config.Entry) {
	if is == nil && was == nil {
		return
	}
	if is != nil {
		right := md5Of(is.Content)
		if was != nil && is.MD5 == right && sameEntry(was, is) {
			return
		}
		t.revision++
		is.MD5, is.Revision = right, t.revision
	} else {
		t.revision++
	}
	t.changes = append(t.changes, config.EntryChange{Before: was, After: is})
}

func sameEntry(a, b *config.Entry) bool {
	return a.ID == b.ID && a.MD5 == b.MD5 && bytes.Equal(a.Content, b.Content) && a.ModifiedMs == b.ModifiedMs && a.SrcUser == b.SrcUser && a.SrcIP == b.SrcIP &&
		a.AppName == b.AppName && a.Type == b.Type && a.EncryptedDataKey == b.EncryptedDataKey && text(a.Desc) == text(b.Desc) && text(a.Use) == text(b.Use) &&
		text(a.Effect) == text(b.Effect) && text(a.Schema) == text(b.Schema) && sameTexts(a.Tags, b.Tags)
}

func (t *transaction) compareGrays(k config.Key, was, is []*config.Gray, changed map[rowKey]struct{}) {
	late := func(g *config.Gray) bool {
		_, late := changed[rowKey{kindGray, k.Namespace, k.Group, k.DataID, g.Name}]
		return late
	}
	named := func(all []*config.Gray, name string) *config.Gray {
		if i := slices.IndexFunc(all, func(g *config.Gray) bool { return g.Name == name }); i >= 0 {
			return all[i]
		}
		return nil
	}
	for _, g := range is {
		before, right := named(was, g.Name), md5Of(g.Content)
		if late(g) || before != nil && g.MD5 == right && sameGray(before, g) {
			continue
		}
		t.revision++
		g.MD5, g.Revision = right, t.revision
		t.changes = append(t.changes, config.GrayChange{Before: before, After: g})
	}
	for _, g := range was {
		if !late(g) && named(is, g.Name) == nil {
			t.revision++
			t.changes = append(t.changes, config.GrayChange{Before: g})
		}
	}
}

func sameGray(a, b *config.Gray) bool {
	return a.ID == b.ID && a.MD5 == b.MD5 && bytes.Equal(a.Content, b.Content) && a.Rule == b.Rule && a.ModifiedMs == b.ModifiedMs &&
		a.SrcUser == b.SrcUser && a.SrcIP == b.SrcIP && a.AppName == b.AppName && a.EncryptedDataKey == b.EncryptedDataKey
}

func (t *transaction) compareNamespaces(have Held, since uint64) error {
	changed, err := t.changedSince(since)
	if err != nil {
		return err
	}
	var rows []namespaceRow
	if err := t.tx.Where("kp = ?", tenantKind).Order("tenant_id").Find(&rows).Error; err != nil {
		return err
	}
	was := make(map[string]*namespace.Namespace)
	for _, n := range have.Namespaces() {
		was[n.ID] = n
	}
	var is []*namespace.Namespace
	for i := range rows {
		is = append(is, rows[i].namespace())
	}
	t.revision = t.counted
	for _, n := range is {
		before := was[n.ID]
		delete(was, n.ID)
		if _, late := changed[rowKey{kindNamespace, n.ID}]; !late && (before == nil || *before != *n) {
			t.changes = append(t.changes, namespace.Change{Before: before, After: n})
		}
	}
	for id, n := range was {
		if _, late := changed[rowKey{kindNamespace, id}]; !late {
			t.changes = append(t.changes, namespace.Change{Before: n})
		}
	}
	return nil
}

func (t *transaction) compareUsers(have Held, since uint64) error {
	changed, err := t.changedSince(since)
	if err != nil {
		return err
	}
	is, err := usersOf(t.tx, t.tx)
	if err != nil {
		return err
	}
	was := make(map[string]*auth.User)
	for _, u := range have.Users() {
		was[u.Name] = u
	}
	t.revision = t.counted
	for _, u := range is {
		before := was[u.Name]
		delete(was, u.Name)
		_, late := changed[rowKey{kindUser, u.Name}]
		if same := before != nil && before.Hash == u.Hash && sameTexts(before.Roles, u.Roles); !late && !same {
			t.changes = append(t.changes, auth.UserChange{Before: before, After: u})
		}
	}
	for name, u := range was {
		if _, late := changed[rowKey{kindUser, name}]; !late {
			t.changes = append(t.changes, auth.UserChange{Before: u})
		}
	}
	return nil
}

// adopted notes the revision and, where it is wrong, the md5 in the rows that another writer changed.
func (t *transaction) adopted() error {
	if t.revision == t.counted {
		t.revision++
	}
	for _, c := range t.changes {
		table, id, sum, revision := "", int64(0), "", uint64(0)
		switch c := c.(type) {
		case config.EntryChange:
			if e := c.After; e != nil {
				table, id, sum, revision = "config_info", e.ID, e.MD5, e.Revision
			}
		case config.GrayChange:
			if g := c.After; g != nil {
				table, id, sum, revision = "config_info_gray", g.ID, g.MD5, g.Revision
			}
		}
		if table == "" {
			continue
		}
		if err := t.tx.Exec("UPDATE "+table+" SET revision = ?, md5 = ? WHERE id = ?", revision, sum, id).Error; err != nil {
			return err
		}
	}
	return nil
}
