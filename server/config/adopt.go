package config

import (
	"context"
	"slices"
	"unicode/utf8"

	"nacre/server/clock"
	"nacre/server/config/configpb"
	"nacre/server/fault"
	"nacre/server/journal"
)

// Adopt takes rows of another server over as they are, with their times, authors and revisions, as one command. The rows
// are changes with After alone, and rows of history; those of history are added in their order, whatever is there. What
// is held and differs stays unless replace is true. What it answers is in the order of the rows. Call CheckRow for each
// before. Keep the contents of one call within about a MiB.
func (s *Service) Adopt(ctx context.Context, by Actor, rows []journal.Change, replace bool) ([]journal.Adopted, error) {
	m := &configpb.Adopt{Replace: replace, Actor: by.pb(), AtMs: clock.Millis(s.clock)}
	for _, c := range rows {
		row := &configpb.Adopt_Row{}
		switch c := c.(type) {
		case EntryChange:
			row.Row = &configpb.Adopt_Row_Content{Content: formalPB(c.After)}
		case GrayChange:
			row.Row = &configpb.Adopt_Row_Content{Content: variantPB(c.After)}
		case CapacityChange:
			row.Row = &configpb.Adopt_Row_Limits{Limits: limitsPB(c.After)}
		case HistoryAdded:
			row.Row = &configpb.Adopt_Row_Past{Past: pastPB(c.Row)}
		}
		m.Rows = append(m.Rows, row)
	}
	out, err := s.submit(ctx, KindAdopt, m)
	return out.Adopted, err
}

// CheckRow returns a fault when a row of another server can't be taken over: for its names, its size, or because the content
// has not the md5 that the row says.
func (s *Service) CheckRow(c journal.Change) error {
	content, md5, key := []byte(nil), "", Key{}
	switch c := c.(type) {
	case EntryChange:
		content, md5, key = c.After.Content, c.After.MD5, c.After.Key
	case GrayChange:
		content, md5, key = c.After.Content, c.After.MD5, c.After.Key
		if c.After.Name == "" || len(c.After.Name) > 128 {
			return fault.New(fault.Invalid, "the gray name has %d characters, 1 to 128 are allowed", len(c.After.Name))
		}
	case HistoryAdded:
		content, md5, key = c.Row.Content, c.Row.MD5, c.Row.Key
	default:
		return nil
	}
	if err := checkKey(key); err != nil {
		return err
	}
	switch {
	case len(content) > s.opts.MaxContent:
		return fault.New(fault.Limited, "the content has %d bytes, at most %d are allowed here (setting max-config-size)", len(content), s.opts.MaxContent).WithCode(CodeTooLarge)
	case !utf8.Valid(content):
		return fault.New(fault.Invalid, "the content is not UTF-8: byte %d is not part of a character", badByte(content)).WithCode(CodeEncoding)
	case MD5(content) != md5:
		return fault.New(fault.Invalid, "the content has the md5 %s, not %s as the row says", MD5(content), md5)
	}
	return nil
}

// Limits returns the quota row of a namespace, or of a group where namespace is empty; nil when there is none.
func (s *Service) Limits(namespace, group string) *Capacity {
	return s.state.Capacity(namespace, group)
}

func formalPB(e *Entry) *configpb.Adopt_Content {
	return &configpb.Adopt_Content{
		CreatedMs: e.CreatedMs, Revision: e.Revision,
		Publish: &configpb.Publish{
			Key: keyPB(e.Key), Content: e.Content, Md5: e.MD5, Actor: Actor{e.SrcUser, e.SrcIP}.pb(), AtMs: e.ModifiedMs,
			Attributes: &configpb.Attributes{
				Type: e.Type, AppName: &e.AppName, TagsGiven: true, Tags: e.Tags, Desc: e.Desc, Use: e.Use, Effect: e.Effect, Schema: e.Schema,
				EncryptedDataKey: e.EncryptedDataKey,
			},
		},
	}
}

func variantPB(g *Gray) *configpb.Adopt_Content {
	return &configpb.Adopt_Content{
		CreatedMs: g.CreatedMs, Revision: g.Revision,
		Publish: &configpb.Publish{
			Key: keyPB(g.Key), Content: g.Content, Md5: g.MD5, Actor: Actor{g.SrcUser, g.SrcIP}.pb(), AtMs: g.ModifiedMs,
			Attributes: &configpb.Attributes{AppName: &g.AppName, EncryptedDataKey: g.EncryptedDataKey},
			Gray:       &configpb.Gray{Name: g.Name, Type: g.Rule.Type, Version: g.Rule.Version, Expr: g.Rule.Expr, Priority: g.Rule.Priority},
		},
	}
}

func limitsPB(c *Capacity) *configpb.Adopt_Limits {
	m := &configpb.SetCapacity{Quota: &c.Quota, MaxSize: &c.MaxSize, MaxAggrCount: &c.MaxAggrCount, MaxAggrSize: &c.MaxAggrSize, AtMs: c.ModifiedMs}
	if m.Of = (&configpb.SetCapacity_Group{Group: c.Group}); c.Namespace != "" {
		m.Of = &configpb.SetCapacity_Namespace{Namespace: c.Namespace}
	}
	return &configpb.Adopt_Limits{Set: m, CreatedMs: c.CreatedMs}
}

func pastPB(h *History) *configpb.Adopt_Past {
	return &configpb.Adopt_Past{
		Key: keyPB(h.Key), Revision: h.Revision, Content: h.Content, Md5: h.MD5, AppName: h.AppName, EncryptedDataKey: h.EncryptedDataKey,
		Actor: Actor{h.SrcUser, h.SrcIP}.pb(), Op: h.Op, PublishType: h.PublishType, GrayName: h.GrayName, ExtInfo: h.ExtInfo,
		CreatedMs: h.CreatedMs, ModifiedMs: h.ModifiedMs, Held: h.ConfigID != 0,
	}
}

func (t *Touched) adopt(m *configpb.Adopt) {
	for _, r := range m.Rows {
		switch {
		case r.GetContent() != nil:
			t.Keys = append(t.Keys, keyOf(r.GetContent().GetPublish().GetKey()))
		case r.GetPast() != nil:
			t.Keys = append(t.Keys, keyOf(r.GetPast().GetKey()))
		case r.GetLimits() != nil:
			t.Capacities = append(t.Capacities, Capacity{Namespace: r.GetLimits().GetSet().GetNamespace(), Group: r.GetLimits().GetSet().GetGroup()})
		}
	}
}

func (d *decision) adopt(m *configpb.Adopt) (out Outcome) {
	by := deed{m.Actor, m.AtMs, Note{Kind: NoteImport}}
	for _, r := range m.Rows {
		became := journal.AdoptedNew
		switch {
		case r.GetContent().GetPublish().GetGray() != nil:
			became = d.adoptGray(r.GetContent(), m.Replace, by)
		case r.GetContent() != nil:
			became = d.adoptEntry(r.GetContent(), m.Replace, by)
		case r.GetLimits() != nil:
			became = d.adoptLimits(r.GetLimits(), m.Replace)
		case r.GetPast() != nil:
			d.adoptPast(r.GetPast())
		}
		out.Adopted = append(out.Adopted, became)
	}
	return out
}

// givenRevision takes over a revision of another server: those of later changes are higher.
func (d *decision) givenRevision(r uint64) uint64 {
	if r == 0 {
		return d.newRevision()
	}
	if r > d.Revision() {
		d.revision.Store(r)
	}
	return r
}

// arrived tells of a content that was taken over where there was none. Its history comes with it.
func (d *decision) arrived(k Key, gray string, revision uint64, md5 string, by deed) {
	if d.happened != nil {
		d.happened(Happening{Key: k, Op: OpInsert, Gray: gray, Revision: revision, MD5: md5, User: by.actor.GetUser(), IP: by.actor.GetIp(), Note: by.note})
	}
}

func (d *decision) adoptEntry(c *configpb.Adopt_Content, replace bool, by deed) journal.Adopted {
	e := entryOf(c.Publish, nil)
	e.CreatedMs = c.CreatedMs
	it := d.Get(e.Key)
	before := (*Entry)(nil)
	if it != nil {
		before = it.Formal
	}
	became := journal.Adopts(before != nil, before != nil && before.like(e), replace)
	switch became {
	case journal.AdoptedNew:
		e.ID, e.Revision = d.newID(), d.givenRevision(c.Revision)
	case journal.AdoptedReplaced:
		e.ID, e.Revision, e.Key = before.ID, d.newRevision(), before.Key
	default:
		return became
	}
	after := &Item{Formal: e}
	if it != nil {
		after.Grays = it.Grays
	}
	d.set(e.Key, after)
	if before != nil {
		d.changeEntry(before, e, by)
		return became
	}
	d.changes = append(d.changes, EntryChange{After: e})
	d.arrived(e.Key, "", e.Revision, e.MD5, by)
	return became
}

func (d *decision) adoptGray(c *configpb.Adopt_Content, replace bool, by deed) journal.Adopted {
	p := c.Publish
	k := keyOf(p.Key)
	it := d.Get(k)
	before := it.Gray(p.Gray.Name)
	g := &Gray{
		Key: k, Name: p.Gray.Name, Rule: Rule{Type: p.Gray.Type, Version: p.Gray.Version, Expr: p.Gray.Expr, Priority: p.Gray.Priority},
		Content: p.Content, MD5: p.Md5, AppName: p.Attributes.GetAppName(), EncryptedDataKey: p.Attributes.GetEncryptedDataKey(),
		SrcUser: p.Actor.GetUser(), SrcIP: p.Actor.GetIp(), CreatedMs: c.CreatedMs, ModifiedMs: p.AtMs,
	}
	became := journal.Adopts(before != nil, before != nil && before.like(g), replace)
	switch became {
	case journal.AdoptedNew:
		g.ID, g.Revision = d.newID(), d.givenRevision(c.Revision)
	case journal.AdoptedReplaced:
		g.ID, g.Revision = before.ID, d.newRevision()
	default:
		return became
	}
	d.set(k, withGray(it, g))
	d.changes = append(d.changes, GrayChange{Before: before, After: g})
	if before != nil {
		d.addHistory(before.history(OpUpdate, before.ID, by.note), by, g.Revision, g.MD5)
		return became
	}
	d.arrived(k, g.Name, g.Revision, g.MD5, by)
	return became
}

func (d *decision) adoptLimits(l *configpb.Adopt_Limits, replace bool) journal.Adopted {
	m := l.Set
	c := Capacity{
		Namespace: m.GetNamespace(), Group: m.GetGroup(), Quota: m.GetQuota(), MaxSize: m.GetMaxSize(), MaxAggrCount: m.GetMaxAggrCount(),
		MaxAggrSize: m.GetMaxAggrSize(), CreatedMs: l.CreatedMs, ModifiedMs: m.GetAtMs(),
	}
	before := d.Capacity(c.Namespace, c.Group)
	became := journal.Adopts(before != nil, before != nil && before.like(&c), replace)
	switch became {
	case journal.AdoptedNew:
		c.ID = d.newID()
	case journal.AdoptedReplaced:
		c.ID = before.ID
	default:
		return became
	}
	d.LoadCapacity(&c)
	d.changes = append(d.changes, CapacityChange{Before: before, After: &c})
	d.newRevision()
	return became
}

// adoptPast adds a row of history. It belongs to the configuration or variant that is held now only where it did so before:
// of those that are gone nobody knows the number any more.
func (d *decision) adoptPast(p *configpb.Adopt_Past) {
	h := &History{
		Key: keyOf(p.Key), Revision: p.Revision, Content: p.Content, MD5: p.Md5, AppName: p.AppName, EncryptedDataKey: p.EncryptedDataKey,
		SrcUser: p.Actor.GetUser(), SrcIP: p.Actor.GetIp(), Op: p.Op, PublishType: p.PublishType, GrayName: p.GrayName, ExtInfo: p.ExtInfo,
		CreatedMs: p.CreatedMs, ModifiedMs: p.ModifiedMs,
	}
	if it := d.Get(h.Key); p.Held && it != nil {
		if g := it.Gray(h.GrayName); g != nil {
			h.ConfigID = g.ID
		} else if h.GrayName == "" && it.Formal != nil {
			h.ConfigID = it.Formal.ID
		}
	}
	if h.Revision > d.Revision() {
		d.revision.Store(h.Revision)
	}
	if !d.databaseIDs {
		h.NID = d.nextHistory
		d.nextHistory++
	}
	d.changes = append(d.changes, HistoryAdded{Row: h, Whole: true})
}

// sameSecond compares two times as far as every storage keeps them.
func sameSecond(a, b int64) bool { return a/1000 == b/1000 }

func equal(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }

// like reports whether o is the same content with the same attributes, author and times, whatever its id and revision.
func (e *Entry) like(o *Entry) bool {
	return e.MD5 == o.MD5 && e.Type == o.Type && e.AppName == o.AppName && slices.Equal(e.Tags, o.Tags) && equal(e.Desc, o.Desc) &&
		equal(e.Use, o.Use) && equal(e.Effect, o.Effect) && equal(e.Schema, o.Schema) && e.EncryptedDataKey == o.EncryptedDataKey &&
		e.SrcUser == o.SrcUser && e.SrcIP == o.SrcIP && sameSecond(e.CreatedMs, o.CreatedMs) && sameSecond(e.ModifiedMs, o.ModifiedMs)
}

func (g *Gray) like(o *Gray) bool {
	return g.MD5 == o.MD5 && g.Rule == o.Rule && g.AppName == o.AppName && g.EncryptedDataKey == o.EncryptedDataKey &&
		g.SrcUser == o.SrcUser && g.SrcIP == o.SrcIP && sameSecond(g.CreatedMs, o.CreatedMs) && sameSecond(g.ModifiedMs, o.ModifiedMs)
}

func (c *Capacity) like(o *Capacity) bool {
	return c.Quota == o.Quota && c.MaxSize == o.MaxSize && c.MaxAggrCount == o.MaxAggrCount && c.MaxAggrSize == o.MaxAggrSize &&
		sameSecond(c.CreatedMs, o.CreatedMs) && sameSecond(c.ModifiedMs, o.ModifiedMs)
}
