package store

import (
	"context"
	"strings"

	"nacre/server/auth"
	"nacre/server/draft"
	"nacre/server/resource"
)

// roleSeparator stands between the roles of a user.
const roleSeparator = ","

func (s *summer) user(u *auth.User) uint64 {
	s.begin()
	s.str(u.Name)
	s.str(u.Hash)
	s.str(strings.Join(u.Roles, roleSeparator))
	s.int(u.CreatedMs)
	s.int(u.ModifiedMs)
	return s.end(nil)
}

func (s *summer) session(n *auth.Session) uint64 {
	s.begin()
	s.str(n.ID)
	s.str(n.User)
	s.str(n.IP)
	s.str(n.Agent)
	s.int(n.CreatedMs)
	s.int(n.ExpiresMs)
	return s.end(nil)
}

// draft leaves out what the digest stands for: memory does not hold it.
func (s *summer) draft(i *draft.Info) uint64 {
	s.begin()
	s.str(i.User)
	s.key(i.Key)
	s.int(int64(i.Version))
	s.int(i.SavedMs)
	s.int(int64(i.BaseRevision))
	s.str(i.BaseMD5)
	s.int(i.Size)
	s.str(i.Digest)
	return s.end(nil)
}

// draftRow is a draft as it is written: memory holds only the first half of it.
type draftRow struct {
	*draft.Info
	full *draft.Draft
}

// draftKey orders drafts by their keys; no part of one has a zero byte.
func draftKey(i *draft.Info) string {
	return strings.Join([]string{i.User, i.Key.DataID, i.Key.Group, i.Key.Namespace}, "\x00")
}

// addDraft takes up a change of a draft.
func addDraft(rows *pairs[string, draftRow], c draft.Change) {
	var before, after *draftRow
	key := ""
	if c.Before != nil {
		before, key = &draftRow{Info: c.Before}, draftKey(c.Before)
	}
	if c.After != nil {
		after, key = &draftRow{c.AfterInfo, c.After}, draftKey(c.AfterInfo)
	}
	rows.add(key, before, after)
}

// changeRows writes the rows of one table that changed: put those that are there, with their
// checksums, and drop those that are gone.
func changeRows[T any](w *writer, of table, rows *pairs[string, T], sum func(*T) uint64, put func(key string, after *T, sum int64) error, drop func(key string, before *T) error) error {
	t := &w.next.totals[of]
	return sorted(rows, func(key string, p *pair[T]) error {
		w.rows++
		if p.before != nil {
			t.remove(sum(p.before))
		}
		if p.after == nil {
			return drop(key, p.before)
		}
		has := sum(p.after)
		t.add(has)
		return put(key, p.after, int64(has))
	})
}

func (w *writer) users() error {
	return changeRows(w, tableUsers, &w.batch.users, w.sum.user, func(name string, u *auth.User, sum int64) error {
		return w.exec(`INSERT INTO users (username, password, roles, gmt_create, gmt_modified, row_sum) VALUES (?,?,?,?,?,?)
			ON CONFLICT DO UPDATE SET password=excluded.password, roles=excluded.roles, gmt_create=excluded.gmt_create,
			gmt_modified=excluded.gmt_modified, row_sum=excluded.row_sum`,
			name, u.Hash, strings.Join(u.Roles, roleSeparator), u.CreatedMs, u.ModifiedMs, sum)
	}, func(name string, _ *auth.User) error {
		return w.exec("DELETE FROM users WHERE username=?", name)
	})
}

func (w *writer) sessions() error {
	return changeRows(w, tableSessions, &w.batch.sessions, w.sum.session, func(id string, n *auth.Session, sum int64) error {
		return w.exec(`INSERT INTO nacre_session (id, username, src_ip, agent, gmt_create, gmt_expires, row_sum) VALUES (?,?,?,?,?,?,?)
			ON CONFLICT DO UPDATE SET username=excluded.username, src_ip=excluded.src_ip, agent=excluded.agent,
			gmt_create=excluded.gmt_create, gmt_expires=excluded.gmt_expires, row_sum=excluded.row_sum`,
			id, n.User, n.IP, n.Agent, n.CreatedMs, n.ExpiresMs, sum)
	}, func(id string, _ *auth.Session) error {
		return w.exec("DELETE FROM nacre_session WHERE id=?", id)
	})
}

func (w *writer) drafts() error {
	return changeRows(w, tableDrafts, &w.batch.drafts, func(r *draftRow) uint64 { return w.sum.draft(r.Info) }, func(_ string, r *draftRow, sum int64) error {
		s, err := w.prepared(`INSERT INTO nacre_draft (username, data_id, group_id, tenant_id, version, gmt_modified, base_revision, base_md5, size,
			digest, row_sum, type, c_desc, app_name, config_tags, content) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
			ON CONFLICT DO UPDATE SET version=excluded.version, gmt_modified=excluded.gmt_modified, base_revision=excluded.base_revision,
			base_md5=excluded.base_md5, size=excluded.size, digest=excluded.digest, row_sum=excluded.row_sum, type=excluded.type,
			c_desc=excluded.c_desc, app_name=excluded.app_name, config_tags=excluded.config_tags, content=excluded.content`)
		if err != nil {
			return err
		}
		d := r.full
		s.text(r.User)
		s.text(r.Key.DataID)
		s.text(r.Key.Group)
		s.text(r.Key.Namespace)
		s.int(int64(r.Version))
		s.int(r.SavedMs)
		s.int(int64(r.BaseRevision))
		s.text(r.BaseMD5)
		s.int(r.Size)
		s.text(r.Digest)
		s.sum(uint64(sum))
		s.text(d.Type)
		s.text(d.Desc)
		s.text(d.AppName)
		s.text(d.Tags)
		s.blob(d.Content)
		return s.run(context.Background(), nil)
	}, func(_ string, r *draftRow) error {
		return w.exec("DELETE FROM nacre_draft WHERE username=? AND data_id=? AND group_id=? AND tenant_id=?", r.User, r.Key.DataID, r.Key.Group, r.Key.Namespace)
	})
}

func (l *loader) users(visit func(*auth.User)) error {
	return l.each(tableUsers, "SELECT username, password, roles, gmt_create, gmt_modified, row_sum FROM users ORDER BY username",
		func(r *row) (int64, int64, uint64) {
			u := &auth.User{Name: r.text(), Hash: r.text()}
			if roles := r.text(); roles != "" {
				u.Roles = strings.Split(roles, roleSeparator)
			}
			u.CreatedMs, u.ModifiedMs = r.int(), r.int()
			want := r.int()
			if visit != nil && !r.bad {
				visit(u)
			}
			return 0, want, l.sum.user(u)
		})
}

func (l *loader) sessions(visit func(*auth.Session)) error {
	return l.each(tableSessions, "SELECT id, username, src_ip, agent, gmt_create, gmt_expires, row_sum FROM nacre_session ORDER BY id",
		func(r *row) (int64, int64, uint64) {
			n := &auth.Session{ID: r.text(), User: l.word(r.text()), IP: l.word(r.text()), Agent: l.word(r.text()), CreatedMs: r.int(), ExpiresMs: r.int()}
			want := r.int()
			if visit != nil && !r.bad {
				visit(n)
			}
			return 0, want, l.sum.session(n)
		})
}

const draftInfo = "id, username, data_id, group_id, tenant_id, version, gmt_modified, base_revision, base_md5, size, digest, row_sum"

func (l *loader) draft(r *row) (info *draft.Info, id, want int64) {
	id = r.int()
	info = &draft.Info{User: l.word(r.text()), Key: l.key(r), Version: uint64(r.int()), SavedMs: r.int(), BaseRevision: uint64(r.int()),
		BaseMD5: r.text(), Size: r.int(), Digest: r.text()}
	return info, id, r.int()
}

// drafts reads what memory holds of them. Their contents are compared with their digests where history is read.
func (l *loader) drafts(visit func(*draft.Info)) error {
	return l.each(tableDrafts, "SELECT "+draftInfo+" FROM nacre_draft ORDER BY id", func(r *row) (int64, int64, uint64) {
		info, id, want := l.draft(r)
		if visit != nil && !r.bad {
			visit(info)
		}
		return id, want, l.sum.draft(info)
	})
}

// draftContents compares each draft with its digest.
func (l *loader) draftContents() error {
	return l.each(tableDrafts, "SELECT "+draftInfo+", type, c_desc, app_name, config_tags, content FROM nacre_draft ORDER BY id",
		func(r *row) (int64, int64, uint64) {
			info, id, want := l.draft(r)
			d := draft.Draft{Type: r.text(), Desc: r.text(), AppName: r.text(), Tags: r.text(), Content: r.blob()}
			r.bad = r.bad || d.Digest() != info.Digest || int64(len(d.Content)) != info.Size
			return id, want, l.sum.draft(info)
		})
}

var _ draft.Contents = (*Image)(nil)

// Draft implements draft.Contents.
func (i *Image) Draft(ctx context.Context, user string, key resource.ConfigKey) (*draft.Draft, error) {
	db, done, err := i.session(ctx, false)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Type, CDesc, AppName, ConfigTags, BaseMD5, Digest string
		Version, BaseRevision                             uint64
		GmtModified                                       int64
		Content                                           []byte
	}
	err = db.Table("nacre_draft").Where("username = ? AND data_id = ? AND group_id = ? AND tenant_id = ?", user, key.DataID, key.Group, key.Namespace).
		Limit(1).Find(&rows).Error
	if len(rows) == 0 {
		return nil, done(err)
	}
	r := rows[0]
	d := &draft.Draft{
		User: user, Key: key, Content: r.Content, Type: r.Type, Desc: r.CDesc, AppName: r.AppName, Tags: r.ConfigTags,
		BaseRevision: r.BaseRevision, BaseMD5: r.BaseMD5, Version: r.Version, SavedMs: r.GmtModified,
	}
	if err == nil && d.Digest() != r.Digest {
		err = &CorruptError{Path: i.cfg.Path, Table: tableNames[tableDrafts], What: "a draft does not have its digest"}
	}
	if err := done(err); err != nil {
		return nil, err
	}
	return d, nil
}
