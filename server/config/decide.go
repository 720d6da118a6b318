package config

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"nacre/server/config/configpb"
	"nacre/server/failpoint"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/resource"
)

// The kinds of commands of this package. Numbers are never used again.
const (
	KindPublish     = journal.KindConfig + 0
	KindPublishMany = journal.KindConfig + 1
	KindRemove      = journal.KindConfig + 2
	KindRemoveMany  = journal.KindConfig + 3
	KindSetCapacity = journal.KindConfig + 4
	KindTrimHistory = journal.KindConfig + 5
	KindPromote     = journal.KindConfig + 6
	KindAdopt       = journal.KindConfig + 7
)

// Owns reports whether kind is a command of this package.
func Owns(kind journal.Kind) bool { return kind >= KindPublish && kind <= KindAdopt }

// decode returns the message that a command's body holds.
func decode(cmd journal.Command) (proto.Message, error) {
	var m proto.Message
	switch cmd.Kind {
	case KindPublish:
		m = &configpb.Publish{}
	case KindPublishMany:
		m = &configpb.PublishMany{}
	case KindRemove:
		m = &configpb.Remove{}
	case KindRemoveMany:
		m = &configpb.RemoveMany{}
	case KindSetCapacity:
		m = &configpb.SetCapacity{}
	case KindTrimHistory:
		m = &configpb.TrimHistory{}
	case KindPromote:
		m = &configpb.Promote{}
	case KindAdopt:
		m = &configpb.Adopt{}
	default:
		return nil, fmt.Errorf("command kind %d is not one of configurations", cmd.Kind)
	}
	if err := proto.Unmarshal(cmd.Body, m); err != nil {
		return nil, fmt.Errorf("command of kind %d: %w", cmd.Kind, err)
	}
	return m, nil
}

// Touched is what a command needs to be held for its decision.
type Touched struct {
	// Keys need their item.
	Keys []Key
	// Capacities need their row and, when Quota is set, their usage and the cluster's too.
	Capacities []Capacity
	Quota      bool
}

// Touches returns what must be held for deciding cmd, for a store that loads it on demand.
func Touches(cmd journal.Command) (Touched, error) {
	m, err := decode(cmd)
	if err != nil {
		return Touched{}, err
	}
	var t Touched
	switch m := m.(type) {
	case *configpb.Publish:
		t.publish(m.Key, m.Quota)
	case *configpb.PublishMany:
		for _, p := range m.Items {
			t.publish(p.Key, p.Quota)
		}
	case *configpb.Remove:
		t.Keys = append(t.Keys, keyOf(m.Key))
	case *configpb.RemoveMany:
		for _, r := range m.Items {
			t.Keys = append(t.Keys, keyOf(r.Key))
		}
	case *configpb.Promote:
		t.publish(m.Key, m.Quota)
	case *configpb.Adopt:
		t.adopt(m)
	case *configpb.SetCapacity:
		t.Capacities = append(t.Capacities, Capacity{Namespace: m.GetNamespace(), Group: m.GetGroup()})
	}
	return t, nil
}

func (t *Touched) publish(key *configpb.Key, q *configpb.Quota) {
	k := keyOf(key)
	t.Keys = append(t.Keys, k)
	if q.GetCheck() {
		t.Quota = true
		c := capacityOf(k)
		t.Capacities = append(t.Capacities, Capacity{Namespace: c.namespace, Group: c.group}, Capacity{})
	}
}

// Decide decides cmd on what is held, applies the decision and returns it with the rows that change.
// An error means that the command can't be decoded; a refusal is part of the Outcome.
func (s *State) Decide(cmd journal.Command) (Outcome, []journal.Change, error) {
	m, err := decode(cmd)
	if err != nil {
		return Outcome{}, nil, err
	}
	var d decision
	d.State = s
	switch m := m.(type) {
	case *configpb.Publish:
		d.out = d.publish(m)
	case *configpb.PublishMany:
		d.out = d.publishMany(m)
	case *configpb.Remove:
		d.out = d.remove(m)
	case *configpb.RemoveMany:
		for _, r := range m.Items {
			d.out.Items = append(d.out.Items, d.remove(r))
		}
	case *configpb.Promote:
		d.out = d.promote(m)
	case *configpb.Adopt:
		d.out = d.adopt(m)
	case *configpb.SetCapacity:
		d.out = d.setCapacity(m)
	case *configpb.TrimHistory:
		d.changes = append(d.changes, HistoryTrimmed{BeforeMs: m.BeforeMs, Limit: m.Limit})
	}
	s.sums.settle(s.Revision())
	return d.out, d.changes, nil
}

// decision is one Decide under way.
type decision struct {
	*State
	out     Outcome
	changes []journal.Change
}

func keyOf(k *configpb.Key) Key {
	return Key{Namespace: k.GetNamespace(), Group: k.GetGroup(), DataID: k.GetDataId()}
}

// capacityOf returns the quota row that a configuration counts against: its namespace's, or in the
// default namespace its group's, as Nacos has it.
func capacityOf(k Key) capacityKey {
	if k.Namespace == resource.DefaultNamespace {
		return capacityKey{group: k.Group}
	}
	return capacityKey{namespace: k.Namespace}
}

func (d *decision) newID() int64 {
	if d.databaseIDs {
		return 0
	}
	d.nextID++
	return d.nextID - 1
}

func (d *decision) newRevision() uint64 { return d.revision.Add(1) }

func (d *decision) publishMany(m *configpb.PublishMany) Outcome {
	var out Outcome
	aborted := false
	for _, p := range m.Items {
		held := d.Get(keyOf(p.Key)).hasFormal()
		switch {
		case aborted:
			out.Items = append(out.Items, Outcome{Skipped: true})
		case held && m.IfPresent != configpb.IfPresent_UPDATE:
			aborted = m.IfPresent == configpb.IfPresent_ABORT
			out.Items = append(out.Items, Outcome{Skipped: true, Existed: true})
		default:
			out.Items = append(out.Items, d.publish(p))
		}
	}
	return out
}

func (d *decision) publish(p *configpb.Publish) Outcome {
	if p.Gray != nil {
		return d.publishGray(p)
	}
	k := keyOf(p.Key)
	it := d.Get(k)
	var before *Entry
	if it != nil {
		before = it.Formal
	}
	if f := d.checkQuota(k, p.Quota, len(p.Content), before == nil); f != nil {
		return Outcome{Fault: f, Existed: before != nil}
	}
	if f := checkCAS(p, before != nil, before.md5(), before.revision()); f != nil {
		return Outcome{Fault: f, Existed: before != nil}
	}
	if before != nil && before.ModifiedMs > p.AtMs && failpoint.Inject("bug/apply-by-time") != nil {
		return Outcome{Revision: before.Revision, ID: before.ID, MD5: before.MD5, Existed: true}
	}
	e := entryOf(p, before)
	if before == nil {
		e.ID = d.newID()
	}
	e.Revision = d.newRevision()
	after := &Item{Formal: e}
	if it != nil {
		after.Grays = it.Grays
	}
	d.set(k, after)
	d.changeEntry(before, e, deed{p.Actor, p.AtMs, noteOf(p.Note)})
	return Outcome{Revision: e.Revision, ID: e.ID, MD5: e.MD5, Existed: before != nil}
}

// checkCAS applies a compare-and-set as Nacos does: an absent configuration is inserted whatever was
// compared with, and one without a digest is taken as equal. A revision is compared strictly.
func checkCAS(p *configpb.Publish, exists bool, held string, revision uint64) *fault.Error {
	if failpoint.Inject("bug/blind-cas") != nil {
		return nil
	}
	if p.IfRevision != 0 && p.IfRevision != revision {
		return fault.New(fault.Conflict, "%s has no longer the revision %d", keyOf(p.Key), p.IfRevision).WithCode(CodeCAS)
	}
	if p.CasMd5 == "" || !exists || held == "" || held == p.CasMd5 {
		return nil
	}
	return fault.New(fault.Conflict, "Cas publish fail, server md5 may have changed.").WithCode(CodeCAS)
}

func (e *Entry) md5() string {
	if e == nil {
		return ""
	}
	return e.MD5
}

func (e *Entry) revision() uint64 {
	if e == nil {
		return 0
	}
	return e.Revision
}

func entryOf(p *configpb.Publish, before *Entry) *Entry {
	a := p.Attributes
	e := &Entry{
		Key: keyOf(p.Key), Content: p.Content, MD5: p.Md5, Type: a.GetType(), EncryptedDataKey: a.GetEncryptedDataKey(),
		SrcUser: p.Actor.GetUser(), SrcIP: p.Actor.GetIp(), CreatedMs: p.AtMs, ModifiedMs: p.AtMs,
	}
	if a != nil {
		e.Desc, e.Use, e.Effect, e.Schema = a.Desc, a.Use, a.Effect, a.Schema
		e.AppName = a.GetAppName()
	}
	if a.GetTagsGiven() {
		e.Tags = a.Tags
	}
	if before == nil {
		return e
	}
	e.Key = before.Key // one copy of the strings for all revisions
	e.ID, e.CreatedMs = before.ID, before.CreatedMs
	if a == nil || a.AppName == nil {
		e.AppName = before.AppName
	}
	if !a.GetTagsGiven() {
		e.Tags = before.Tags
	}
	return e
}

func (d *decision) publishGray(p *configpb.Publish) Outcome {
	k := keyOf(p.Key)
	it := d.Get(k)
	before := it.Gray(p.Gray.Name)
	if most := int(p.Gray.MaxPerConfig); before == nil && most > 0 && it.grayCount() >= most {
		return Outcome{Fault: fault.New(fault.Limited, "%s has %d gray versions already, at most %d are allowed; stop one first",
			k, it.grayCount(), most).WithCode(CodeGrayTooMany)}
	}
	heldMD5, revision := "", uint64(0)
	if before != nil {
		heldMD5, revision = before.MD5, before.Revision
	}
	if f := checkCAS(p, before != nil, heldMD5, revision); f != nil {
		return Outcome{Fault: f, Existed: before != nil}
	}
	g := &Gray{
		Key: k, Name: p.Gray.Name,
		Rule:    Rule{Type: p.Gray.Type, Version: p.Gray.Version, Expr: p.Gray.Expr, Priority: p.Gray.Priority},
		Content: p.Content, MD5: p.Md5, AppName: p.Attributes.GetAppName(), EncryptedDataKey: p.Attributes.GetEncryptedDataKey(),
		SrcUser: p.Actor.GetUser(), SrcIP: p.Actor.GetIp(), CreatedMs: p.AtMs, ModifiedMs: p.AtMs,
	}
	if before != nil {
		g.ID, g.CreatedMs = before.ID, before.CreatedMs
		if p.Attributes == nil || p.Attributes.AppName == nil {
			g.AppName = before.AppName
		}
	} else {
		g.ID = d.newID()
	}
	g.Revision = d.newRevision()
	d.set(k, withGray(it, g))
	d.changes = append(d.changes, GrayChange{Before: before, After: g})
	by := deed{p.Actor, p.AtMs, noteOf(p.Note)}
	h := g.history(OpInsert, 0, by.note)
	if before != nil {
		h = before.history(OpUpdate, before.ID, by.note)
	}
	d.addHistory(h, by, g.Revision, g.MD5)
	return Outcome{Revision: g.Revision, ID: g.ID, MD5: g.MD5, Existed: before != nil}
}

// remove takes away one variant, or the formal content together with every variant: what no client
// is served any more must not come back with the next publish.
func (d *decision) remove(r *configpb.Remove) Outcome {
	k := keyOf(r.Key)
	it := d.Get(k)
	by := deed{r.Actor, r.AtMs, noteOf(r.Note)}
	if r.GrayName != "" {
		g := it.Gray(r.GrayName)
		if g == nil {
			return Outcome{}
		}
		rev := d.newRevision()
		d.set(k, withoutGray(it, r.GrayName))
		d.removeGray(g, by, rev)
		return Outcome{Revision: rev, ID: g.ID, Existed: true}
	}
	if it == nil || r.Id != 0 && (it.Formal == nil || it.Formal.ID != r.Id) {
		return Outcome{}
	}
	rev := d.newRevision()
	d.set(k, nil)
	out := Outcome{Revision: rev}
	if e := it.Formal; e != nil {
		d.changes = append(d.changes, EntryChange{Before: e})
		d.addHistory(e.history(OpDelete, e.ID, by.note), by, rev, "")
		out.ID, out.Existed = e.ID, true
	}
	for _, g := range it.Grays {
		d.removeGray(g, by, rev)
	}
	return out
}

func (d *decision) removeGray(g *Gray, by deed, rev uint64) {
	d.changes = append(d.changes, GrayChange{Before: g})
	d.addHistory(g.history(OpDelete, g.ID, by.note), by, rev, "")
}

// deed is who did something, when and why.
type deed struct {
	actor *configpb.Actor
	atMs  int64
	note  Note
}

// addHistory adds h, what was done at revision rev; md5 is that of the content which is held since, "" for none.
func (d *decision) addHistory(h *History, by deed, rev uint64, md5 string) {
	h.SrcUser, h.SrcIP, h.Revision = by.actor.GetUser(), by.actor.GetIp(), rev
	if failpoint.Inject("bug/nameless-history") != nil {
		h.SrcUser = ""
	}
	h.CreatedMs, h.ModifiedMs = by.atMs, by.atMs
	if !d.databaseIDs {
		h.NID = d.nextHistory
		d.nextHistory++
	}
	d.changes = append(d.changes, HistoryAdded{Row: h})
	if d.happened != nil {
		d.happened(Happening{Key: h.Key, Op: h.Op, Gray: h.GrayName, Revision: rev, MD5: md5, User: h.SrcUser, IP: h.SrcIP, Note: by.note})
	}
}

func (e *Entry) history(op string, id int64, n Note) *History {
	return &History{
		ConfigID: id, Key: e.Key, Content: e.Content, MD5: e.MD5, AppName: e.AppName, EncryptedDataKey: e.EncryptedDataKey,
		Op: op, PublishType: PublishFormal, ExtInfo: e.extInfo(n),
	}
}

func (g *Gray) history(op string, id int64, n Note) *History {
	return &History{
		ConfigID: id, Key: g.Key, Content: g.Content, MD5: g.MD5, AppName: g.AppName, EncryptedDataKey: g.EncryptedDataKey,
		Op: op, PublishType: PublishGray, GrayName: g.Name, ExtInfo: g.extInfo(n),
	}
}

// checkQuota applies the capacity rules, when the submitter's settings switch them on.
func (d *decision) checkQuota(k Key, q *configpb.Quota, length int, inserting bool) *fault.Error {
	if !q.GetCheck() {
		return nil
	}
	ck := capacityOf(k)
	row := d.Capacity(ck.namespace, ck.group)
	most, size := q.Namespace, q.MaxSize
	code, what := CodeQuotaNamespace, "namespace "+k.Namespace
	if ck.namespace == "" {
		most, code, what = q.Group, CodeQuotaGroup, "group "+k.Group
	}
	if row != nil && row.Quota > 0 {
		most = row.Quota
	}
	if row != nil && row.MaxSize > 0 {
		size = row.MaxSize
	}
	if n := int64(length); size > 0 && n > size {
		return fault.New(fault.Limited, "the content has %d bytes, %s allows %d for one configuration", n, what, size).WithCode(CodeMaxSize)
	}
	if !inserting {
		return nil
	}
	if used := d.Usage(ck.namespace, ck.group); most > 0 && used >= most {
		return fault.New(fault.Limited, "%s has %d configurations, its quota is %d", what, used, most).WithCode(code)
	}
	most = q.Cluster
	if c := d.Capacity("", ""); c != nil && c.Quota > 0 {
		most = c.Quota
	}
	if used := d.Usage("", ""); most > 0 && used >= most {
		return fault.New(fault.Limited, "the cluster has %d configurations, its quota is %d", used, most).WithCode(CodeQuotaCluster)
	}
	return nil
}

func (d *decision) setCapacity(m *configpb.SetCapacity) Outcome {
	ck := capacityKey{m.GetNamespace(), m.GetGroup()}
	before := d.Capacity(ck.namespace, ck.group)
	c := Capacity{Namespace: ck.namespace, Group: ck.group, CreatedMs: m.AtMs}
	if before != nil {
		c = *before
	} else {
		c.ID = d.newID()
	}
	c.ModifiedMs = m.AtMs
	for to, from := range map[*int64]*int64{&c.Quota: m.Quota, &c.MaxSize: m.MaxSize, &c.MaxAggrCount: m.MaxAggrCount, &c.MaxAggrSize: m.MaxAggrSize} {
		if from != nil {
			*to = *from
		}
	}
	d.LoadCapacity(&c)
	d.changes = append(d.changes, CapacityChange{Before: before, After: &c})
	return Outcome{Revision: d.newRevision(), ID: c.ID, Existed: before != nil, Capacity: &c}
}

// JoinTags returns tags as one comma list, the form in which Nacos shows them.
func JoinTags(tags []string) string { return strings.Join(tags, ",") }
