package storetest

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"nacre/server/auth"
	"nacre/server/auth/authpb"
	"nacre/server/config"
	"nacre/server/draft"
	"nacre/server/draft/draftpb"
	"nacre/server/fault"
	"nacre/server/journal"
)

// people are users, their sessions and drafts: rows, and the model of them.
type people struct {
	Users    []auth.User
	Sessions []auth.Session
	Drafts   []draft.Draft
}

func (p *people) sort() {
	slices.SortFunc(p.Users, func(a, b auth.User) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(p.Sessions, func(a, b auth.Session) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(p.Drafts, func(a, b draft.Draft) int {
		return cmp.Or(strings.Compare(a.User, b.User), strings.Compare(a.Key.String(), b.Key.String()))
	})
}

// do executes one command on the model; nil when it is none of users, sessions and drafts.
func (p *people) do(msg proto.Message) journal.Outcome {
	switch m := msg.(type) {
	case *authpb.AddFirst:
		if len(p.Users) > 0 {
			return auth.Outcome{Fault: fault.New(fault.Conflict, "").WithCode(auth.CodeSetUp)}
		}
		p.Users = append(p.Users, auth.User{Name: m.Name, Hash: m.Hash, Roles: m.Roles, CreatedMs: m.AtMs, ModifiedMs: m.AtMs})
		if m.Session != nil {
			p.open(m.Session)
		}
		return auth.Outcome{}
	case *authpb.SetPassword:
		i := p.user(m.Name)
		if i < 0 {
			return auth.Outcome{Fault: fault.New(fault.NotFound, "")}
		}
		if p.Users[i].Hash != m.IfHash {
			return auth.Outcome{Fault: fault.New(fault.Conflict, "").WithCode(auth.CodeChanged)}
		}
		p.Users[i].Hash, p.Users[i].ModifiedMs = m.Hash, m.AtMs
		return auth.Outcome{Ended: p.end(100, func(n auth.Session) bool { return n.User == m.Name && n.ID != m.Keep })}
	case *authpb.Open:
		i := p.user(m.Session.User)
		if i < 0 || p.Users[i].Hash != m.IfHash {
			return auth.Outcome{Fault: fault.New(fault.Denied, "").WithCode(auth.CodeLogin)}
		}
		ended := p.makeRoom(m.MaxUser, func(n auth.Session) bool { return n.User == m.Session.User })
		ended += p.makeRoom(m.MaxAll, func(auth.Session) bool { return true })
		p.open(m.Session)
		return auth.Outcome{Ended: ended}
	case *authpb.Extend:
		for _, e := range m.Sessions {
			for i := range p.Sessions {
				if n := &p.Sessions[i]; n.ID == e.Id {
					n.ExpiresMs = max(n.ExpiresMs, e.ExpiresMs)
				}
			}
		}
		return auth.Outcome{}
	case *authpb.End:
		return auth.Outcome{Ended: p.end(1, func(n auth.Session) bool { return n.ID == m.Id })}
	case *authpb.EndAll:
		return auth.Outcome{Ended: p.end(100, func(n auth.Session) bool { return n.User == m.User && n.ID != m.Except })}
	case *authpb.Sweep:
		return auth.Outcome{Ended: p.end(int(m.Limit), func(n auth.Session) bool { return n.ExpiresMs <= m.AtMs })}
	case *draftpb.Save:
		return p.save(m)
	case *draftpb.Drop:
		p.Drafts = slices.DeleteFunc(p.Drafts, func(d draft.Draft) bool { return isOf(d, m.Of) })
		return draft.Outcome{}
	case *draftpb.Sweep:
		p.sort()
		left := m.Limit
		p.Drafts = slices.DeleteFunc(p.Drafts, func(d draft.Draft) bool {
			old := d.SavedMs < m.BeforeMs && left > 0
			if old {
				left--
			}
			return old
		})
		return draft.Outcome{}
	}
	return nil
}

func (p *people) user(name string) int {
	return slices.IndexFunc(p.Users, func(u auth.User) bool { return u.Name == name })
}

func (p *people) open(m *authpb.Session) {
	p.end(1, func(n auth.Session) bool { return n.ID == m.Id })
	p.Sessions = append(p.Sessions, auth.Session{ID: m.Id, User: m.User, IP: m.Ip, Agent: m.Agent, CreatedMs: m.CreatedMs, ExpiresMs: m.ExpiresMs})
}

// makeRoom ends the oldest sessions that count until one more may be opened.
func (p *people) makeRoom(most int64, counts func(auth.Session) bool) (ended int) {
	for {
		n := 0
		for _, s := range p.Sessions {
			if counts(s) {
				n++
			}
		}
		if int64(n) < most {
			return ended
		}
		ended += p.end(1, counts)
	}
}

// end ends the oldest sessions that match, at most so many.
func (p *people) end(most int, match func(auth.Session) bool) (ended int) {
	slices.SortFunc(p.Sessions, func(a, b auth.Session) int {
		return cmp.Or(cmp.Compare(a.CreatedMs, b.CreatedMs), strings.Compare(a.ID, b.ID))
	})
	p.Sessions = slices.DeleteFunc(p.Sessions, func(n auth.Session) bool {
		if ended == most || !match(n) {
			return false
		}
		ended++
		return true
	})
	return ended
}

func isOf(d draft.Draft, of *draftpb.Of) bool {
	return d.User == of.User && d.Key == config.Key{Namespace: of.Namespace, Group: of.Group, DataID: of.DataId}
}

func (p *people) save(m *draftpb.Save) draft.Outcome {
	at, own, size := -1, int64(0), int64(len(m.Content))
	for i, d := range p.Drafts {
		if isOf(d, m.Of) {
			at = i
		} else {
			size += int64(len(d.Content))
		}
		if d.User == m.Of.User {
			own++
		}
	}
	version, had := uint64(0), 0
	if at >= 0 {
		version, had = p.Drafts[at].Version, len(p.Drafts[at].Content)
	}
	switch {
	case version != m.IfVersion:
		return draft.Outcome{Fault: fault.New(fault.Conflict, "").WithCode(draft.CodeStale), Version: version}
	case at < 0 && own >= m.MaxUser, size > m.MaxBytes && len(m.Content) > had:
		return draft.Outcome{Fault: fault.New(fault.Limited, ""), Version: version}
	}
	d := draft.Draft{
		User: m.Of.User, Key: config.Key{Namespace: m.Of.Namespace, Group: m.Of.Group, DataID: m.Of.DataId}, Content: m.Content,
		Type: m.Type, Desc: m.Desc, AppName: m.AppName, Tags: m.Tags, BaseRevision: m.BaseRevision, BaseMD5: m.BaseMd5,
		Version: max(uint64(m.AtMs), version+1), SavedMs: m.AtMs,
	}
	if at < 0 {
		p.Drafts = append(p.Drafts, d)
	} else {
		p.Drafts[at] = d
	}
	return draft.Outcome{Version: d.Version}
}

// drawAny draws a command of any domain.
func drawAny(rt *rapid.T) command {
	if rapid.IntRange(0, 2).Draw(rt, "of people") > 0 {
		return draw(rt)
	}
	pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(rt, label) }
	user := func() string { return pick("user", "alice", "alice", "bob") }
	hash := func() string { return pick("hash", "h1", "h1", "h1", "h2") }
	id := func() string { return pick("session", "s1", "s2", "s3", "s4", "s5") }
	session := func() *authpb.Session {
		at := drawTime(rt)
		return &authpb.Session{Id: id(), User: user(), Ip: "10.0.0.1", Agent: pick("agent", "", "ä\x00"), CreatedMs: at, ExpiresMs: at + 5000}
	}
	switch rapid.IntRange(0, 11).Draw(rt, "what") {
	case 0:
		m := &authpb.AddFirst{Name: user(), Hash: hash(), Roles: rapid.SampledFrom([][]string{nil, {auth.RoleAdmin}, {"a", "b"}}).Draw(rt, "roles"), AtMs: drawTime(rt)}
		if rapid.Bool().Draw(rt, "logs in") {
			m.Session = session()
		}
		return command{auth.KindAddFirst, m}
	case 1:
		return command{auth.KindSetPassword, &authpb.SetPassword{Name: user(), Hash: hash(), IfHash: hash(), Keep: id(), AtMs: drawTime(rt)}}
	case 2, 3, 4:
		return command{auth.KindOpen, &authpb.Open{Session: session(), IfHash: hash(), MaxUser: rapid.Int64Range(1, 3).Draw(rt, "most of a user"), MaxAll: 4}}
	case 5:
		return command{auth.KindExtend, &authpb.Extend{Sessions: []*authpb.Session{{Id: id(), ExpiresMs: drawTime(rt)}, {Id: id(), ExpiresMs: drawTime(rt)}}}}
	case 6:
		return command{auth.KindEnd, &authpb.End{Id: id()}}
	case 7:
		if rapid.Bool().Draw(rt, "by age") {
			return command{auth.KindSweep, &authpb.Sweep{AtMs: drawTime(rt), Limit: rapid.Int64Range(1, 3).Draw(rt, "limit")}}
		}
		return command{auth.KindEndAll, &authpb.EndAll{User: user(), Except: id()}}
	case 8:
		if rapid.Bool().Draw(rt, "by age") {
			return command{draft.KindSweep, &draftpb.Sweep{BeforeMs: drawTime(rt), Limit: rapid.Int64Range(1, 3).Draw(rt, "limit")}}
		}
		return command{draft.KindDrop, &draftpb.Drop{Of: drawOf(rt)}}
	}
	d := draft.Draft{
		Content: []byte(rapid.SampledFrom(contents).Draw(rt, "content")), Type: pick("type", "", "yaml"), Desc: pick("desc", users...),
		AppName: pick("app", users...), Tags: pick("tags", "", "x,y"),
	}
	return command{draft.KindSave, &draftpb.Save{
		Of: drawOf(rt), Content: d.Content, Type: d.Type, Desc: d.Desc, AppName: d.AppName, Tags: d.Tags, Digest: d.Digest(),
		BaseRevision: rapid.Uint64Range(0, 9).Draw(rt, "base"), BaseMd5: pick("md5", users...), AtMs: drawTime(rt),
		IfVersion: rapid.SampledFrom([]uint64{0, 0, uint64(drawTime(rt))}).Draw(rt, "version"),
		MaxUser:   rapid.Int64Range(2, 5).Draw(rt, "most of a user"), MaxBytes: rapid.Int64Range(10, 60).Draw(rt, "most bytes"),
	}}
}

func drawOf(rt *rapid.T) *draftpb.Of {
	return &draftpb.Of{User: rapid.SampledFrom([]string{"alice", "bob"}).Draw(rt, "user"), Namespace: "public", Group: rapid.SampledFrom(groups[:2]).Draw(rt, "group"),
		DataId: rapid.SampledFrom(dataIDs[:2]).Draw(rt, "dataId")}
}

// How the two databases are asked for users.
const (
	imageUsers  = "SELECT username, password, roles, gmt_create, gmt_modified FROM users"
	sharedUsers = "SELECT u.username, u.password, COALESCE((SELECT GROUP_CONCAT(r.role ORDER BY r.role) FROM roles r WHERE r.username = u.username), ''), n.gmt_create, n.gmt_modified " +
		"FROM users u JOIN nacre_user n ON n.username = u.username"
)

// readPeople reads users, sessions and drafts with SQL.
func readPeople(ctx context.Context, db *sql.DB, users string) (p people, err error) {
	for _, q := range []struct {
		query string
		scan  func(scan func(...any) error) error
	}{
		{users, func(scan func(...any) error) error {
			var u auth.User
			var roles string
			err := scan(&u.Name, &u.Hash, &roles, &u.CreatedMs, &u.ModifiedMs)
			if roles != "" {
				u.Roles = strings.Split(roles, ",")
			}
			p.Users = append(p.Users, u)
			return err
		}},
		{"SELECT id, username, src_ip, agent, gmt_create, gmt_expires FROM nacre_session", func(scan func(...any) error) error {
			var n auth.Session
			err := scan(&n.ID, &n.User, &n.IP, &n.Agent, &n.CreatedMs, &n.ExpiresMs)
			p.Sessions = append(p.Sessions, n)
			return err
		}},
		{"SELECT username, data_id, group_id, tenant_id, content, type, c_desc, app_name, config_tags, base_revision, base_md5, version, gmt_modified FROM nacre_draft", func(scan func(...any) error) error {
			var d draft.Draft
			err := scan(&d.User, &d.Key.DataID, &d.Key.Group, &d.Key.Namespace, &d.Content, &d.Type, &d.Desc, &d.AppName, &d.Tags, &d.BaseRevision, &d.BaseMD5, &d.Version, &d.SavedMs)
			p.Drafts = append(p.Drafts, d)
			return err
		}},
	} {
		if err := query(ctx, db, q.query, q.scan); err != nil {
			return p, err
		}
	}
	return p, nil
}
