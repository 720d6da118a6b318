package store

import (
	"cmp"
	"context"
	"slices"

	"gorm.io/gorm"

	"nacre/server/auth"
	"nacre/server/config"
	"nacre/server/draft"
	"nacre/server/journal"
	"nacre/server/resource"
)

// touchedPeople is what of users, sessions and drafts must be held.
type touchedPeople struct {
	users, sessions, sessionsOf map[string]struct{}
	anyUser, allSessions        bool
	// opened is how many sessions the group may open, most the least number at which all count; 0 for never.
	opened, most int64
	drafts       map[draftRef]struct{}
	drafters     map[string]struct{}
	allDrafts    bool
}

type draftRef struct {
	user string
	key  config.Key
}

func (d draftRef) rowID() []byte { return rowID(d.user, d.key.DataID, d.key.Group, d.key.Namespace) }

func compareDrafts(a, b draftRef) int {
	return cmp.Or(cmp.Compare(a.user, b.user), byIndex(a.key, b.key))
}

func (t *touchedPeople) addAuth(cmd journal.Command) error {
	touched, err := auth.Touches(cmd)
	if err != nil {
		return err
	}
	for _, set := range []struct {
		to    *map[string]struct{}
		names []string
	}{{&t.users, touched.Users}, {&t.sessions, touched.Sessions}, {&t.sessionsOf, touched.SessionsOf}} {
		for _, name := range set.names {
			include(set.to, name)
		}
	}
	t.anyUser = t.anyUser || touched.AnyUser
	t.allSessions = t.allSessions || touched.AllSessions
	if touched.MaxSessions > 0 {
		t.opened++
		if t.most == 0 || touched.MaxSessions < t.most {
			t.most = touched.MaxSessions
		}
	}
	return nil
}

func (t *touchedPeople) addDraft(cmd journal.Command) error {
	touched, err := draft.Touches(cmd)
	if err != nil {
		return err
	}
	if touched.All {
		t.allDrafts = true
		return nil
	}
	include(&t.drafts, draftRef{touched.User, touched.Key})
	if touched.Counted {
		include(&t.drafters, touched.User)
	}
	return nil
}

// userRow is a user with what Nacos' table can't hold, NULL of who was made by another.
type userRow struct {
	Username, Password     string
	GmtCreate, GmtModified *int64
}

// usersOf returns the users that query, of the table users, finds; one that is not enabled is none.
func usersOf(tx, query *gorm.DB) ([]*auth.User, error) {
	var rows []userRow
	err := query.Table("users").Select("users.username, users.password, nacre_user.gmt_create, nacre_user.gmt_modified").
		Joins("LEFT JOIN nacre_user ON nacre_user.username = users.username").Where("users.enabled").Order("users.username").Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	roles := make(map[string][]string)
	for part := range slices.Chunk(rows, keysAtOnce) {
		names := make([]string, len(part))
		for i, r := range part {
			names[i] = r.Username
		}
		var held []struct{ Username, Role string }
		if err := tx.Table("roles").Where("username IN ?", names).Order("username, role").Find(&held).Error; err != nil {
			return nil, err
		}
		for _, r := range held {
			roles[r.Username] = append(roles[r.Username], r.Role)
		}
	}
	users := make([]*auth.User, len(rows))
	for i, r := range rows {
		users[i] = &auth.User{Name: r.Username, Hash: r.Password, Roles: roles[r.Username]}
		if r.GmtCreate != nil {
			users[i].CreatedMs, users[i].ModifiedMs = *r.GmtCreate, *r.GmtModified
		}
	}
	return users, nil
}

// sessionRow is a row of nacre_session.
type sessionRow struct {
	ID                    string `gorm:"column:id;primaryKey"`
	Username              string
	SrcIP                 string `gorm:"column:src_ip"`
	Agent                 string
	GmtCreate, GmtExpires int64
}

// TableName implements GORM's Tabler.
func (sessionRow) TableName() string { return "nacre_session" }

func (r *sessionRow) session() *auth.Session {
	return &auth.Session{ID: r.ID, User: r.Username, IP: r.SrcIP, Agent: r.Agent, CreatedMs: r.GmtCreate, ExpiresMs: r.GmtExpires}
}

// draftInfoRow is a draft without what memory does not hold.
type draftInfoRow struct {
	RowID        []byte `gorm:"column:row_id;primaryKey"`
	Username     string
	DataID       string `gorm:"column:data_id"`
	GroupID      string
	TenantID     string
	Version      uint64
	GmtModified  int64
	BaseRevision uint64
	BaseMD5      string `gorm:"column:base_md5"`
	Size         int64
	Digest       string
}

// TableName implements GORM's Tabler.
func (draftInfoRow) TableName() string { return "nacre_draft" }

const draftInfoColumns = "row_id, username, data_id, group_id, tenant_id, version, gmt_modified, base_revision, base_md5, size, digest"

func (r *draftInfoRow) info() *draft.Info {
	return &draft.Info{
		User: r.Username, Key: resource.ConfigKey{Namespace: r.TenantID, Group: r.GroupID, DataID: r.DataID}, Version: r.Version, SavedMs: r.GmtModified,
		BaseRevision: r.BaseRevision, BaseMD5: r.BaseMD5, Size: r.Size, Digest: r.Digest,
	}
}

// mysqlDraftRow is a whole draft.
type mysqlDraftRow struct {
	Info       draftInfoRow `gorm:"embedded"`
	Type       string
	Desc       string `gorm:"column:c_desc"`
	AppName    string
	ConfigTags string
	Content    []byte
}

// TableName implements GORM's Tabler.
func (mysqlDraftRow) TableName() string { return "nacre_draft" }

func (t *transaction) loadPeople(h *held, need *touchedPeople) error {
	for _, step := range []func(*held, *touchedPeople) error{t.loadUsers, t.loadSessions, t.loadDrafts} {
		if err := step(h, need); err != nil {
			return err
		}
	}
	return nil
}

func (t *transaction) loadUsers(h *held, need *touchedPeople) error {
	if names := members(need.users, cmp.Compare[string]); len(names) > 0 {
		users, err := usersOf(t.tx, t.rows().Where("users.username IN ?", names))
		if err != nil {
			return err
		}
		for _, u := range users {
			h.users.LoadUser(u)
		}
	}
	if !need.anyUser || len(h.users.Users()) > 0 {
		return nil
	}
	// One that is not enabled counts, too: somebody has set this server up.
	var names []string
	err := t.tx.Table("users").Limit(1).Pluck("username", &names).Error
	for _, name := range names {
		h.users.LoadUser(&auth.User{Name: name})
	}
	return err
}

func (t *transaction) loadSessions(h *held, need *touchedPeople) error {
	load := func(query *gorm.DB) error {
		var rows []sessionRow
		if err := query.Order("id").Find(&rows).Error; err != nil {
			return err
		}
		for i := range rows {
			h.users.LoadSession(rows[i].session())
		}
		return nil
	}
	count := int64(0)
	if need.most > 0 {
		if err := t.tx.Model(&sessionRow{}).Count(&count).Error; err != nil {
			return err
		}
	}
	if need.allSessions || need.most > 0 && count+need.opened >= need.most {
		return load(t.rows())
	}
	for _, names := range []struct {
		where string
		set   map[string]struct{}
	}{{"id IN ?", need.sessions}, {"username IN ?", need.sessionsOf}} {
		for part := range slices.Chunk(members(names.set, cmp.Compare[string]), keysAtOnce) {
			if err := load(t.rows().Where(names.where, part)); err != nil {
				return err
			}
		}
	}
	h.users.SetOtherSessions(max(0, count-int64(len(h.users.Sessions("")))))
	return nil
}

func (t *transaction) loadDrafts(h *held, need *touchedPeople) error {
	load := func(query *gorm.DB) error {
		var rows []draftInfoRow
		if err := query.Select(draftInfoColumns).Order("row_id").Find(&rows).Error; err != nil {
			return err
		}
		for i := range rows {
			h.drafts.Load(rows[i].info())
		}
		return nil
	}
	if need.allDrafts {
		return load(t.rows())
	}
	for part := range slices.Chunk(members(need.drafts, compareDrafts), keysAtOnce) {
		ids := make([][]byte, len(part))
		for i, d := range part {
			ids[i] = d.rowID()
		}
		if err := load(t.rows().Where("row_id IN ?", ids)); err != nil {
			return err
		}
	}
	if len(need.drafters) == 0 {
		return nil
	}
	var bytes int64
	if err := t.tx.Raw("SELECT COALESCE(SUM(size), 0) FROM nacre_draft").Scan(&bytes).Error; err != nil {
		return err
	}
	ofUser := make(map[string]int64)
	for _, user := range members(need.drafters, cmp.Compare[string]) {
		var n int64
		if err := t.tx.Table("nacre_draft").Where("username = ?", user).Count(&n).Error; err != nil {
			return err
		}
		ofUser[user] = n
	}
	h.drafts.SetTotals(bytes, ofUser)
	return nil
}

func (w *sqlWriter) flushUsers() error {
	err := sorted(&w.users, func(name string, p *pair[auth.User]) error {
		statements := []statement{{"DELETE FROM roles WHERE username = ?", []any{name}}}
		if u := p.after; u != nil {
			statements = append(statements,
				statement{"INSERT INTO users (username, password, enabled) VALUES (?, ?, TRUE) ON DUPLICATE KEY UPDATE password = VALUES(password)", []any{name, u.Hash}},
				statement{"INSERT INTO nacre_user (username, gmt_create, gmt_modified) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE gmt_modified = VALUES(gmt_modified)",
					[]any{name, u.CreatedMs, u.ModifiedMs}})
			for i, role := range u.Roles {
				if !slices.Contains(u.Roles[:i], role) {
					statements = append(statements, statement{"INSERT INTO roles (username, role) VALUES (?, ?)", []any{name, role}})
				}
			}
		} else {
			statements = append(statements, statement{"DELETE FROM nacre_user WHERE username = ?", []any{name}}, statement{"DELETE FROM users WHERE username = ?", []any{name}})
		}
		for _, s := range statements {
			if err := w.tx.Exec(s.text, s.args...).Error; err != nil {
				return err
			}
		}
		return nil
	})
	w.users.reset()
	return err
}

type statement struct {
	text string
	args []any
}

func (w *sqlWriter) flushSessions() error {
	var gone []string
	var rows []sessionRow
	_ = sorted(&w.sessions, func(id string, p *pair[auth.Session]) error {
		if n := p.after; n != nil {
			rows = append(rows, sessionRow{n.ID, n.User, n.IP, n.Agent, n.CreatedMs, n.ExpiresMs})
		} else {
			gone = append(gone, id)
		}
		return nil // nothing is written here
	})
	w.sessions.reset()
	for part := range slices.Chunk(gone, rowsAtOnce) {
		if err := w.tx.Exec("DELETE FROM nacre_session WHERE id IN ?", part).Error; err != nil {
			return err
		}
	}
	return writeRows(w.tx.Clauses(updateSessionRow), rows, func(*sessionRow) int { return 0 }, w.batchBytes)
}

func (w *sqlWriter) flushDrafts() error {
	var gone [][]byte
	var rows []mysqlDraftRow
	_ = sorted(&w.drafts, func(_ string, p *pair[draftRow]) error {
		r := cmp.Or(p.after, p.before)
		id := draftRef{r.User, r.Key}.rowID()
		if p.after == nil {
			gone = append(gone, id)
			return nil
		}
		d := r.full
		rows = append(rows, mysqlDraftRow{
			draftInfoRow{id, r.User, r.Key.DataID, r.Key.Group, r.Key.Namespace, r.Version, r.SavedMs, r.BaseRevision, r.BaseMD5, r.Size, r.Digest},
			d.Type, d.Desc, d.AppName, d.Tags, notNull(d.Content),
		})
		return nil // nothing is written here
	})
	w.drafts.reset()
	for part := range slices.Chunk(gone, rowsAtOnce) {
		if err := w.tx.Exec("DELETE FROM nacre_draft WHERE row_id IN ?", part).Error; err != nil {
			return err
		}
	}
	return writeRows(w.tx.Clauses(updateDraftRow), rows, func(r *mysqlDraftRow) int { return len(r.Content) }, w.batchBytes)
}

func (l mysqlLoader) users(v Visitor) error {
	if v.User == nil {
		return nil
	}
	users, err := usersOf(l.tx, l.tx)
	for _, u := range users {
		v.User(u)
	}
	return err
}

func (l mysqlLoader) sessions(v Visitor) error {
	if v.Session == nil {
		return nil
	}
	var rows []sessionRow
	err := l.tx.Order("id").Find(&rows).Error
	for i := range rows {
		v.Session(rows[i].session())
	}
	return err
}

func (l mysqlLoader) drafts(v Visitor) error {
	if v.Draft == nil {
		return nil
	}
	var rows []draftInfoRow
	err := l.tx.Select(draftInfoColumns).Order("username, row_id").Find(&rows).Error
	for i := range rows {
		v.Draft(rows[i].info())
	}
	return err
}

var _ draft.Contents = (*MySQL)(nil)

// Draft implements draft.Contents.
func (m *MySQL) Draft(ctx context.Context, user string, key resource.ConfigKey) (*draft.Draft, error) {
	ctx, cancel := context.WithTimeout(ctx, m.opts.ReadTimeout)
	defer cancel()
	var rows []mysqlDraftRow
	err := m.db.WithContext(ctx).Where("row_id = ?", draftRef{user, key}.rowID()).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, m.readFault(ctx, err)
	}
	r := rows[0]
	return &draft.Draft{
		User: user, Key: key, Content: r.Content, Type: r.Type, Desc: r.Desc, AppName: r.AppName, Tags: r.ConfigTags,
		BaseRevision: r.Info.BaseRevision, BaseMD5: r.Info.BaseMD5, Version: r.Info.Version, SavedMs: r.Info.GmtModified,
	}, nil
}
