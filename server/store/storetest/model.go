package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"nacre/server/config"
	"nacre/server/config/configpb"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/namespace/namespacepb"
)

// model is what a database of Nacos is after a list of commands, written down a second time in the
// plainest way: rows in slices, searched from the front.
type model struct {
	entries    []config.Entry
	grays      []config.Gray
	history    []config.History
	capacities []config.Capacity
	namespaces []namespace.Namespace
	people     people
	revision   uint64
	lastID     map[idKind]int64
	// grayRevisions are those at which a variant changed by itself.
	grayRevisions map[uint64]bool
}

// idKind tells apart what is numbered: in MySQL each table counts for itself.
type idKind string

const (
	entryID  idKind = "entry"
	grayID   idKind = "gray"
	tenantID idKind = "namespace's capacity"
	groupID  idKind = "group's capacity"
)

func capacityID(c *config.Capacity) idKind {
	if c.Namespace != "" {
		return tenantID
	}
	return groupID
}

func newModel() *model { return &model{lastID: map[idKind]int64{}, grayRevisions: map[uint64]bool{}} }

func (m *model) newID(k idKind) int64 {
	m.lastID[k]++
	return m.lastID[k]
}

// do executes one command and returns what its submitter is to be told.
func (m *model) do(msg proto.Message) journal.Outcome {
	switch p := msg.(type) {
	case *configpb.Publish:
		return m.publish(p)
	case *configpb.PublishMany:
		return m.publishMany(p)
	case *configpb.Remove:
		return m.remove(p)
	case *configpb.RemoveMany:
		var out config.Outcome
		for _, r := range p.Items {
			out.Items = append(out.Items, m.remove(r))
		}
		return out
	case *configpb.Promote:
		return m.promote(p)
	case *configpb.SetCapacity:
		return m.setCapacity(p)
	case *configpb.TrimHistory:
		m.trim(p)
		return config.Outcome{}
	case *namespacepb.Create:
		if m.namespace(p.Id) >= 0 {
			return namespace.Outcome{Existed: true, Fault: fault.New(fault.Conflict, "").WithCode(namespace.CodeExists)}
		}
		if p.MaxCount > 0 && int64(len(m.namespaces)) >= p.MaxCount {
			return namespace.Outcome{Fault: fault.New(fault.Limited, "").WithCode(namespace.CodeTooMany)}
		}
		m.namespaces = append(m.namespaces, namespace.Namespace{ID: p.Id, Name: p.Name, Desc: p.Desc, CreatedMs: p.AtMs, ModifiedMs: p.AtMs})
		return namespace.Outcome{}
	case *namespacepb.Update:
		i := m.namespace(p.Id)
		if i >= 0 {
			n := &m.namespaces[i]
			n.Name, n.Desc, n.ModifiedMs = p.Name, p.Desc, p.AtMs
		}
		return namespace.Outcome{Existed: i >= 0}
	case *namespacepb.Remove:
		i := m.namespace(p.Id)
		if i >= 0 {
			m.namespaces = slices.Delete(m.namespaces, i, i+1)
		}
		return namespace.Outcome{Existed: i >= 0}
	}
	if out := m.people.do(msg); out != nil {
		return out
	}
	panic(fmt.Sprintf("the model has no command %T", msg))
}

func (m *model) namespace(id string) int {
	return slices.IndexFunc(m.namespaces, func(n namespace.Namespace) bool { return n.ID == id })
}

func (m *model) entry(k config.Key) int {
	return slices.IndexFunc(m.entries, func(e config.Entry) bool { return e.Key == k })
}

func (m *model) gray(k config.Key, name string) int {
	return slices.IndexFunc(m.grays, func(g config.Gray) bool { return g.Key == k && g.Name == name })
}

func (m *model) capacity(ns, group string) int {
	return slices.IndexFunc(m.capacities, func(c config.Capacity) bool { return c.Namespace == ns && c.Group == group })
}

func keyOf(k *configpb.Key) config.Key {
	return config.Key{Namespace: k.Namespace, Group: k.Group, DataID: k.DataId}
}

func refused(kind fault.Kind, code fault.Code, existed bool) config.Outcome {
	return config.Outcome{Fault: fault.New(kind, "").WithCode(code), Existed: existed}
}

func (m *model) publish(p *configpb.Publish) config.Outcome {
	if p.Gray != nil {
		return m.publishGray(p)
	}
	k := keyOf(p.Key)
	at := m.entry(k)
	if code := m.overQuota(k, p.Quota, len(p.Content), at < 0); code != "" {
		return refused(fault.Limited, code, at >= 0)
	}
	if at >= 0 && p.CasMd5 != "" && p.CasMd5 != m.entries[at].MD5 {
		return refused(fault.Conflict, config.CodeCAS, true)
	}
	m.revision++
	a := p.Attributes
	n := config.Entry{
		Key: k, Revision: m.revision, Content: p.Content, MD5: p.Md5, Type: a.Type, EncryptedDataKey: a.EncryptedDataKey,
		AppName: a.GetAppName(), Desc: a.Desc, Use: a.Use, Effect: a.Effect, Schema: a.Schema, SrcUser: p.Actor.User, SrcIP: p.Actor.Ip, CreatedMs: p.AtMs, ModifiedMs: p.AtMs,
	}
	if a.TagsGiven {
		n.Tags = a.Tags
	}
	if at < 0 {
		n.ID = m.newID(entryID)
		m.entries = append(m.entries, n)
		m.note(formalRow(n, config.OpInsert, 0), p.Actor, p.AtMs, p.Note)
		return config.Outcome{Revision: n.Revision, ID: n.ID, MD5: n.MD5}
	}
	old := m.entries[at]
	n.ID, n.CreatedMs = old.ID, old.CreatedMs
	if a.AppName == nil {
		n.AppName = old.AppName
	}
	if !a.TagsGiven {
		n.Tags = old.Tags
	}
	m.entries[at] = n
	m.note(formalRow(old, config.OpUpdate, old.ID), p.Actor, p.AtMs, p.Note)
	return config.Outcome{Revision: n.Revision, ID: n.ID, MD5: n.MD5, Existed: true}
}

func (m *model) overQuota(k config.Key, q *configpb.Quota, length int, inserting bool) fault.Code {
	if !q.GetCheck() {
		return ""
	}
	ns, group, most, code := k.Namespace, "", q.Namespace, config.CodeQuotaNamespace
	if ns == "public" {
		ns, group, most, code = "", k.Group, q.Group, config.CodeQuotaGroup
	}
	size, whole := q.MaxSize, q.Cluster
	if i := m.capacity(ns, group); i >= 0 {
		most, size = cmp.Or(m.capacities[i].Quota, most), cmp.Or(m.capacities[i].MaxSize, size)
	}
	if i := m.capacity("", ""); i >= 0 {
		whole = cmp.Or(m.capacities[i].Quota, whole)
	}
	if size > 0 && int64(length) > size {
		return config.CodeMaxSize
	}
	if !inserting {
		return ""
	}
	used := int64(0)
	for _, e := range m.entries {
		if e.Key.Namespace == k.Namespace && (k.Namespace != "public" || e.Key.Group == k.Group) {
			used++
		}
	}
	if most > 0 && used >= most {
		return code
	}
	if whole > 0 && int64(len(m.entries)) >= whole {
		return config.CodeQuotaCluster
	}
	return ""
}

func (m *model) publishGray(p *configpb.Publish) config.Outcome {
	k := keyOf(p.Key)
	at, count := m.gray(k, p.Gray.Name), 0
	for _, g := range m.grays {
		if g.Key == k {
			count++
		}
	}
	if at < 0 && p.Gray.MaxPerConfig > 0 && count >= int(p.Gray.MaxPerConfig) {
		return refused(fault.Limited, config.CodeGrayTooMany, false)
	}
	if at >= 0 && p.CasMd5 != "" && p.CasMd5 != m.grays[at].MD5 {
		return refused(fault.Conflict, config.CodeCAS, true)
	}
	m.revision++
	m.grayRevisions[m.revision] = true
	n := config.Gray{
		Key: k, Revision: m.revision, Name: p.Gray.Name,
		Rule:    config.Rule{Type: p.Gray.Type, Version: p.Gray.Version, Expr: p.Gray.Expr, Priority: p.Gray.Priority},
		Content: p.Content, MD5: p.Md5, AppName: p.Attributes.GetAppName(), EncryptedDataKey: p.Attributes.EncryptedDataKey,
		SrcUser: p.Actor.User, SrcIP: p.Actor.Ip, CreatedMs: p.AtMs, ModifiedMs: p.AtMs,
	}
	if at < 0 {
		n.ID = m.newID(grayID)
		m.grays = append(m.grays, n)
		m.note(grayRow(n, config.OpInsert, 0), p.Actor, p.AtMs, p.Note)
		return config.Outcome{Revision: n.Revision, ID: n.ID, MD5: n.MD5}
	}
	old := m.grays[at]
	n.ID, n.CreatedMs = old.ID, old.CreatedMs
	if p.Attributes.AppName == nil {
		n.AppName = old.AppName
	}
	m.grays[at] = n
	m.note(grayRow(old, config.OpUpdate, old.ID), p.Actor, p.AtMs, p.Note)
	return config.Outcome{Revision: n.Revision, ID: n.ID, MD5: n.MD5, Existed: true}
}

func (m *model) publishMany(p *configpb.PublishMany) config.Outcome {
	var out config.Outcome
	stopped := false
	for _, item := range p.Items {
		there := m.entry(keyOf(item.Key)) >= 0
		if stopped {
			out.Items = append(out.Items, config.Outcome{Skipped: true})
		} else if there && p.IfPresent == configpb.IfPresent_SKIP {
			out.Items = append(out.Items, config.Outcome{Skipped: true, Existed: true})
		} else if there && p.IfPresent == configpb.IfPresent_ABORT {
			stopped = true
			out.Items = append(out.Items, config.Outcome{Skipped: true, Existed: true})
		} else {
			out.Items = append(out.Items, m.publish(item))
		}
	}
	return out
}

func (m *model) remove(r *configpb.Remove) config.Outcome {
	k := keyOf(r.Key)
	if r.GrayName != "" {
		at := m.gray(k, r.GrayName)
		if at < 0 {
			return config.Outcome{}
		}
		m.revision++
		m.grayRevisions[m.revision] = true
		old := m.grays[at]
		m.grays = slices.Delete(m.grays, at, at+1)
		m.note(grayRow(old, config.OpDelete, old.ID), r.Actor, r.AtMs, r.Note)
		return config.Outcome{Revision: m.revision, ID: old.ID, Existed: true}
	}
	at := m.entry(k)
	if r.Id != 0 && (at < 0 || m.entries[at].ID != r.Id) {
		return config.Outcome{}
	}
	var gone []config.Gray
	for _, g := range m.grays {
		if g.Key == k {
			gone = append(gone, g)
		}
	}
	if at < 0 && len(gone) == 0 {
		return config.Outcome{}
	}
	m.revision++
	out := config.Outcome{Revision: m.revision}
	if at >= 0 {
		old := m.entries[at]
		m.entries = slices.Delete(m.entries, at, at+1)
		m.note(formalRow(old, config.OpDelete, old.ID), r.Actor, r.AtMs, r.Note)
		out.ID, out.Existed = old.ID, true
	}
	slices.SortFunc(gone, func(a, b config.Gray) int {
		return cmp.Or(cmp.Compare(b.Rule.Priority, a.Rule.Priority), strings.Compare(a.Name, b.Name))
	})
	for _, g := range gone {
		m.grays = slices.DeleteFunc(m.grays, func(o config.Gray) bool { return o.Key == k && o.Name == g.Name })
		m.note(grayRow(g, config.OpDelete, g.ID), r.Actor, r.AtMs, r.Note)
	}
	return out
}

func (m *model) promote(p *configpb.Promote) config.Outcome {
	k := keyOf(p.Key)
	at, formal := m.gray(k, p.GrayName), m.entry(k)
	if at < 0 {
		return refused(fault.NotFound, "", false)
	}
	g := m.grays[at]
	if p.IfRevision != 0 && (g.Revision > p.IfRevision || formal >= 0 && m.entries[formal].Revision > p.IfRevision) {
		return refused(fault.Conflict, config.CodeCAS, formal >= 0)
	}
	if code := m.overQuota(k, p.Quota, len(g.Content), formal < 0); code != "" {
		return refused(fault.Limited, code, formal >= 0)
	}
	m.revision++
	why := &configpb.Note{Comment: p.Note.GetComment(), Kind: p.Note.GetKind(), From: cmp.Or(p.Note.GetFrom(), g.Revision)}
	n := config.Entry{Key: k, Type: "text", AppName: g.AppName, CreatedMs: p.AtMs}
	if formal >= 0 {
		n = m.entries[formal]
	} else {
		n.ID = m.newID(entryID)
	}
	n.Revision, n.Content, n.MD5, n.EncryptedDataKey = m.revision, g.Content, g.MD5, g.EncryptedDataKey
	n.SrcUser, n.SrcIP, n.ModifiedMs = p.Actor.User, p.Actor.Ip, p.AtMs
	if formal >= 0 {
		old := m.entries[formal]
		m.entries[formal] = n
		m.note(formalRow(old, config.OpUpdate, old.ID), p.Actor, p.AtMs, why)
	} else {
		m.entries = append(m.entries, n)
		m.note(formalRow(n, config.OpInsert, 0), p.Actor, p.AtMs, why)
	}
	m.grays = slices.Delete(m.grays, at, at+1)
	m.note(grayRow(g, config.OpDelete, g.ID), p.Actor, p.AtMs, why)
	return config.Outcome{Revision: n.Revision, ID: n.ID, MD5: n.MD5, Existed: formal >= 0}
}

func (m *model) setCapacity(p *configpb.SetCapacity) config.Outcome {
	m.revision++
	at := m.capacity(p.GetNamespace(), p.GetGroup())
	existed := at >= 0
	if !existed {
		at = len(m.capacities)
		c := config.Capacity{Namespace: p.GetNamespace(), Group: p.GetGroup(), CreatedMs: p.AtMs}
		c.ID = m.newID(capacityID(&c))
		m.capacities = append(m.capacities, c)
	}
	c := &m.capacities[at]
	c.ModifiedMs = p.AtMs
	if p.Quota != nil {
		c.Quota = *p.Quota
	}
	if p.MaxSize != nil {
		c.MaxSize = *p.MaxSize
	}
	if p.MaxAggrCount != nil {
		c.MaxAggrCount = *p.MaxAggrCount
	}
	if p.MaxAggrSize != nil {
		c.MaxAggrSize = *p.MaxAggrSize
	}
	now := *c
	return config.Outcome{Revision: m.revision, ID: c.ID, Existed: existed, Capacity: &now}
}

func (m *model) trim(p *configpb.TrimHistory) {
	for range p.Limit {
		oldest := -1
		for i, h := range m.history {
			if h.ModifiedMs < p.BeforeMs && (oldest < 0 || h.ModifiedMs < m.history[oldest].ModifiedMs) {
				oldest = i
			}
		}
		if oldest < 0 {
			return
		}
		m.history = slices.Delete(m.history, oldest, oldest+1)
	}
}

func (m *model) note(h config.History, by *configpb.Actor, atMs int64, why *configpb.Note) {
	extra := object("comment", why.GetComment(), "kind", why.GetKind())
	if from := why.GetFrom(); from > 0 {
		extra = strings.TrimSuffix(extra, "}") + fmt.Sprintf(`,"from":%d}`, from)
	}
	if extra = strings.Trim(extra, "{,}"); extra != "" {
		h.ExtInfo = strings.TrimSuffix(h.ExtInfo, "}") + "," + extra + "}"
	}
	h.Revision, h.SrcUser, h.SrcIP, h.CreatedMs, h.ModifiedMs = m.revision, by.User, by.Ip, atMs, atMs
	m.history = append(m.history, h)
}

func formalRow(e config.Entry, op string, id int64) config.History {
	return config.History{
		ConfigID: id, Key: e.Key, Content: e.Content, MD5: e.MD5, AppName: e.AppName, EncryptedDataKey: e.EncryptedDataKey, Op: op, PublishType: "formal",
		ExtInfo: object("type", e.Type, "config_tags", strings.Join(e.Tags, ","), "effect", str(e.Effect), "src_user", e.SrcUser,
			"c_desc", str(e.Desc), "c_use", str(e.Use), "c_schema", str(e.Schema)),
	}
}

func grayRow(g config.Gray, op string, id int64) config.History {
	return config.History{
		ConfigID: id, Key: g.Key, Content: g.Content, MD5: g.MD5, AppName: g.AppName, EncryptedDataKey: g.EncryptedDataKey, Op: op, PublishType: "gray",
		GrayName: g.Name, ExtInfo: object("gray_name", g.Name, "src_user", g.SrcUser,
			"gray_rule", fmt.Sprintf(`{"type":%q,"version":%q,"expr":%q,"priority":%d}`, g.Rule.Type, g.Rule.Version, g.Rule.Expr, g.Rule.Priority)),
	}
}

// object returns pairs as a JSON object without the blank ones. The generator draws no text that needs more than %q.
func object(pairs ...string) string {
	var parts []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			parts = append(parts, fmt.Sprintf("%q:%q", pairs[i], pairs[i+1]))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func str(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
