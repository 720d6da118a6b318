package store

import (
	"bytes"
	"context"
	"crypto/md5"
	"database/sql/driver"
	"encoding/hex"
	"fmt"

	"nacre/server/auth"
	"nacre/server/config"
	"nacre/server/draft"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/resource"
)

// Visitor takes what Load reads; a nil function takes nothing.
type Visitor struct {
	Entry     func(*config.Entry)
	Gray      func(*config.Gray)
	Capacity  func(*config.Capacity)
	Namespace func(*namespace.Namespace)
	User      func(*auth.User)
	Session   func(*auth.Session)
	Draft     func(*draft.Info)
	// Registry takes what the registry keeps, as the changes that make it, with After alone.
	Registry func(journal.Change)
	// History, when set, takes all of it after all else, in the order of its numbers.
	History func(*config.History)
}

// Loaded says up to where Load read.
type Loaded struct {
	// Index is the journal index that what was read reflects.
	Index    uint64
	Counters config.Counters
}

// Load reads all that memory holds and gives it to v, in the order of ids. Every row is compared
// with its checksum, every content with its digest, and every table with its count and sum; on a
// difference the error is a *CorruptError, and what v got must not be used. History is read only for
// who takes it: see VerifyHistory.
func (i *Image) Load(ctx context.Context, v Visitor) (Loaded, error) {
	return load(ctx, i.cfg, v, false)
}

// VerifyHistory reads the history, compares it with its checksums, and has SQLite check the
// structure of the whole file with its indexes. It reads everything once; run it when the node
// serves already. The error is a *CorruptError when something differs: the node must stop then.
func (i *Image) VerifyHistory(ctx context.Context) error {
	_, err := load(ctx, i.cfg, Visitor{}, true)
	return err
}

// loader reads a database in one transaction.
type loader struct {
	*conn
	ctx    context.Context
	path   string
	sum    summer
	totals [tableCount]total
	words  map[string]string
	tagged map[int64][]string
}

func load(ctx context.Context, cfg Config, v Visitor, history bool) (_ Loaded, err error) {
	c, err := openConn(connector{cfg.Path, cfg.VFS, modeRead})
	if err != nil {
		return Loaded{}, err
	}
	defer func() { _ = c.Close() }()
	l := &loader{conn: c, ctx: ctx, path: cfg.Path, words: make(map[string]string), tagged: make(map[int64][]string)}
	// One transaction sees one state, though the writer goes on.
	if err := c.exec("BEGIN"); err != nil {
		return Loaded{}, damage(cfg.Path, err)
	}
	m, err := readMeta(cfg.Path, c)
	if err != nil {
		return Loaded{}, err
	}
	first, last := tableConfig, tableCount
	if history {
		first, last = tableHistory, tableHistory+1
		for _, check := range []func() error{func() error { return l.history(nil) }, l.draftContents, l.structure} {
			if err == nil {
				err = check()
			}
		}
	} else {
		err = l.rows(v)
		if err == nil && v.History != nil {
			err = l.history(v.History)
		}
	}
	if err != nil {
		if ctx.Err() != nil {
			return Loaded{}, fmt.Errorf("read %s: %w", cfg.Path, ctx.Err())
		}
		return Loaded{}, damage(cfg.Path, err)
	}
	for t := first; t < last; t++ {
		if t == tableHistory && !history && v.History == nil {
			continue
		}
		if has, want := l.totals[t], m.totals[t]; has != want {
			return Loaded{}, &CorruptError{Path: cfg.Path, Table: tableNames[t],
				What: fmt.Sprintf("it has %d rows with the checksum %016x, but %d with %016x were written", has.rows, has.sum, want.rows, want.sum)}
		}
	}
	return Loaded{Index: m.index, Counters: m.counters}, nil
}

func (l *loader) rows(v Visitor) error {
	if err := l.tags(); err != nil {
		return err
	}
	if err := l.entries(v.Entry); err != nil {
		return err
	}
	if err := l.grays(v.Gray); err != nil {
		return err
	}
	if err := l.namespaces(v.Namespace); err != nil {
		return err
	}
	for t, table := range map[table]string{tableTenantCapacity: tenantCapacity, tableGroupCapacity: groupCapacity} {
		if err := l.capacities(t, table, v.Capacity); err != nil {
			return err
		}
	}
	if err := l.users(v.User); err != nil {
		return err
	}
	if err := l.sessions(v.Session); err != nil {
		return err
	}
	if err := l.drafts(v.Draft); err != nil {
		return err
	}
	return l.registry(v.Registry)
}

// row gives the columns of a row one after the other.
type row struct {
	values []driver.Value
	next   int
	bad    bool // some value was of another type than its column
}

func (r *row) value() driver.Value {
	r.next++
	return r.values[r.next-1]
}

func (r *row) int() int64 {
	n, ok := r.value().(int64)
	r.bad = r.bad || !ok
	return n
}

func (r *row) text() string {
	s, ok := r.value().(string)
	r.bad = r.bad || !ok
	return s
}

func (r *row) opt() *string {
	v := r.value()
	if v == nil {
		return nil
	}
	s, ok := v.(string)
	r.bad = r.bad || !ok
	return &s
}

func (r *row) blob() []byte {
	b, ok := r.value().([]byte)
	r.bad = r.bad || !ok
	return b
}

// each gives every row of a query to f, which returns the row's id, the checksum it should have and
// the one it has.
func (l *loader) each(t table, query string, f func(r *row) (id int64, want int64, has uint64)) error {
	return l.query(l.ctx, query, func(values []driver.Value) error {
		r := row{values: values}
		id, want, has := f(&r)
		if r.bad || uint64(want) != has {
			return &CorruptError{Path: l.path, Table: tableNames[t], Row: id, What: "the row does not have its checksum"}
		}
		l.totals[t].add(has)
		return nil
	})
}

// word returns one copy of s for all rows: names of groups, users and the like repeat.
func (l *loader) word(s string) string {
	if s == "" {
		return ""
	}
	if w, ok := l.words[s]; ok {
		return w
	}
	if len(l.words) < 1<<16 {
		l.words[s] = s
	}
	return s
}

func (l *loader) key(r *row) resource.ConfigKey {
	return resource.ConfigKey{DataID: r.text(), Group: l.word(r.text()), Namespace: l.word(r.text())}
}

// digest returns an error when content does not have its MD5, as a row written with a wrong one would have.
func (l *loader) digest(t table, id int64, content []byte, want string) error {
	sum := md5.Sum(content)
	var text [2 * md5.Size]byte
	hex.Encode(text[:], sum[:])
	if want != "" && string(text[:]) != want {
		return &CorruptError{Path: l.path, Table: tableNames[t], Row: id, What: fmt.Sprintf("the content's md5 is %s, not %s", text[:], want)}
	}
	return nil
}

func (l *loader) tags() error {
	return l.each(tableTags, "SELECT nid, id, tag_name, data_id, group_id, tenant_id, row_sum FROM config_tags_relation ORDER BY nid",
		func(r *row) (int64, int64, uint64) {
			nid, id, tag := r.int(), r.int(), l.word(r.text())
			k := l.key(r)
			l.tagged[id] = append(l.tagged[id], tag)
			return nid, r.int(), l.sum.tag(id, tag, k, nid)
		})
}

func (l *loader) entries(visit func(*config.Entry)) error {
	var digest error
	err := l.each(tableConfig, `SELECT id, data_id, group_id, tenant_id, md5, gmt_create, gmt_modified, src_user, src_ip, app_name,
		c_desc, c_use, effect, type, c_schema, encrypted_data_key, revision, row_sum, content FROM config_info ORDER BY id`,
		func(r *row) (int64, int64, uint64) {
			e := &config.Entry{
				ID: r.int(), Key: l.key(r), MD5: r.text(), CreatedMs: r.int(), ModifiedMs: r.int(),
				SrcUser: l.word(r.text()), SrcIP: l.word(r.text()), AppName: l.word(r.text()),
				Desc: r.opt(), Use: r.opt(), Effect: r.opt(), Type: l.word(r.text()), Schema: r.opt(),
				EncryptedDataKey: l.word(r.text()), Revision: uint64(r.int()),
			}
			want := r.int()
			e.Content, e.Tags = r.blob(), l.tagged[e.ID]
			if r.bad {
				return e.ID, 0, 0
			}
			if digest == nil {
				digest = l.digest(tableConfig, e.ID, e.Content, e.MD5)
			}
			if visit != nil {
				visit(e)
			}
			return e.ID, want, l.sum.entry(e)
		})
	if err != nil {
		return err
	}
	return digest
}

func (l *loader) grays(visit func(*config.Gray)) error {
	var wrong error
	err := l.each(tableGray, `SELECT id, data_id, group_id, tenant_id, gray_name, gray_rule, md5, gmt_create, gmt_modified, src_user,
		src_ip, app_name, encrypted_data_key, revision, row_sum, content FROM config_info_gray ORDER BY id`,
		func(r *row) (int64, int64, uint64) {
			g := &config.Gray{ID: r.int(), Key: l.key(r), Name: l.word(r.text())}
			rule := r.text()
			g.MD5, g.CreatedMs, g.ModifiedMs = r.text(), r.int(), r.int()
			g.SrcUser, g.SrcIP, g.AppName = l.word(r.text()), l.word(r.text()), l.word(r.text())
			g.EncryptedDataKey, g.Revision = l.word(r.text()), uint64(r.int())
			want := r.int()
			g.Content = r.blob()
			if r.bad {
				return g.ID, 0, 0
			}
			var err error
			if g.Rule, err = config.ParseRule(rule); err == nil {
				err = l.digest(tableGray, g.ID, g.Content, g.MD5)
			} else {
				err = &CorruptError{Path: l.path, Table: tableNames[tableGray], Row: g.ID, What: "its rule can't be read", err: err}
			}
			if wrong == nil {
				wrong = err
			}
			if visit != nil {
				visit(g)
			}
			return g.ID, want, l.sum.gray(g, rule)
		})
	if err != nil {
		return err
	}
	return wrong
}

func (l *loader) namespaces(visit func(*namespace.Namespace)) error {
	return l.each(tableNamespace, "SELECT id, tenant_id, tenant_name, tenant_desc, gmt_create, gmt_modified, row_sum FROM tenant_info ORDER BY tenant_id",
		func(r *row) (int64, int64, uint64) {
			id := r.int()
			n := &namespace.Namespace{ID: r.text(), Name: r.text(), Desc: r.text(), CreatedMs: r.int(), ModifiedMs: r.int()}
			want := r.int()
			if visit != nil && !r.bad {
				visit(n)
			}
			return id, want, l.sum.namespace(n)
		})
}

func (l *loader) capacities(t table, name string, visit func(*config.Capacity)) error {
	column := "tenant_id"
	if t == tableGroupCapacity {
		column = "group_id"
	}
	return l.each(t, "SELECT id, "+column+", quota, max_size, max_aggr_count, max_aggr_size, gmt_create, gmt_modified, row_sum FROM "+name+" ORDER BY id",
		func(r *row) (int64, int64, uint64) {
			raw := capacityRow{
				ID: r.int(), Name: r.text(), Quota: r.int(), MaxSize: r.int(), MaxAggrCount: r.int(), MaxAggrSize: r.int(),
				GmtCreate: millis(r.int()), GmtModified: millis(r.int()),
			}
			want := r.int()
			c := raw.capacity(name)
			if visit != nil && !r.bad {
				visit(c)
			}
			return c.ID, want, l.sum.capacity(c)
		})
}

func (l *loader) history(visit func(*config.History)) error {
	var digest error
	err := l.each(tableHistory, `SELECT nid, id, data_id, group_id, tenant_id, md5, gmt_create, gmt_modified, src_user, src_ip, op_type,
		app_name, encrypted_data_key, publish_type, gray_name, ext_info, revision, key_hash, row_sum, content FROM his_config_info ORDER BY nid`,
		func(r *row) (int64, int64, uint64) {
			h := config.History{
				NID: r.int(), ConfigID: r.int(), Key: l.key(r), MD5: r.text(), CreatedMs: r.int(), ModifiedMs: r.int(),
				SrcUser: r.text(), SrcIP: r.text(), Op: r.text(), AppName: r.text(), EncryptedDataKey: r.text(),
				PublishType: r.text(), GrayName: r.text(), ExtInfo: r.text(), Revision: uint64(r.int()),
			}
			hash, want := r.int(), r.int()
			h.Content = r.blob()
			if digest == nil && !r.bad {
				digest = l.digest(tableHistory, h.NID, h.Content, h.MD5)
			}
			has := l.sum.history(&h)
			if visit != nil && !r.bad {
				visit(&h)
			}
			r.bad = r.bad || hash != l.sum.keyHash(h.Key)
			return h.NID, want, has
		})
	if err != nil {
		return err
	}
	return digest
}

// structure has SQLite check every page and compare every index with its table.
func (l *loader) structure() error {
	var problems [][]byte
	err := l.query(l.ctx, "PRAGMA integrity_check(5)", func(values []driver.Value) error {
		s, _ := values[0].(string)
		problems = append(problems, []byte(s))
		return nil
	})
	if err != nil {
		return err
	}
	if len(problems) == 1 && string(problems[0]) == "ok" {
		return nil
	}
	return &CorruptError{Path: l.path, What: string(bytes.Join(problems, []byte("; ")))}
}
