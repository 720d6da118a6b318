package config

import (
	"context"

	"nacre/server/clock"
	"nacre/server/config/configpb"
	"nacre/server/fault"
)

// PromoteGray makes the content of the variant grayName the formal one and ends the variant, as one
// change with one revision. The formal content keeps its other attributes. ifRevision, when not 0, is
// the newest revision of the two that the caller has seen: when either changed after it, nothing is
// done. Without a kind the note gets NotePromote, without From the variant's revision. Faults:
// NotFound when there is no such variant, Conflict (CodeCAS), Limited (quotas), Unavailable. It blocks
// until the change is durable and can be read here.
func (s *Service) PromoteGray(ctx context.Context, by Actor, k Key, grayName string, ifRevision uint64, note Note) (Outcome, error) {
	if note.Kind == "" {
		note.Kind = NotePromote
	}
	err := checkKey(k)
	if err == nil {
		err = note.check()
	}
	if err == nil {
		err = checkGrayName(grayName)
	}
	if err != nil {
		s.refused.Add(1)
		return Outcome{}, err
	}
	out, err := s.submit(ctx, KindPromote, &configpb.Promote{
		Key: keyPB(k), GrayName: grayName, IfRevision: ifRevision, Actor: by.pb(), AtMs: clock.Millis(s.clock), Quota: s.quota, Note: note.pb(),
	})
	if err == nil {
		s.published.Add(1)
	}
	return out, err
}

func (d *decision) promote(p *configpb.Promote) Outcome {
	k := keyOf(p.Key)
	it := d.Get(k)
	g := it.Gray(p.GrayName)
	if g == nil {
		return Outcome{Fault: fault.New(fault.NotFound, "%s has no gray version %s", k, p.GrayName)}
	}
	before := it.Formal
	if p.IfRevision != 0 && max(g.Revision, before.revision()) > p.IfRevision {
		return Outcome{Fault: fault.New(fault.Conflict, "%s was changed after the revision %d", k, p.IfRevision).WithCode(CodeCAS), Existed: before != nil}
	}
	if f := d.checkQuota(k, p.Quota, len(g.Content), before == nil); f != nil {
		return Outcome{Fault: f, Existed: before != nil}
	}
	e := &Entry{Key: k, Type: TypeText, AppName: g.AppName, CreatedMs: p.AtMs}
	if before != nil {
		*e = *before
	} else {
		e.ID = d.newID()
	}
	e.Content, e.MD5, e.EncryptedDataKey = g.Content, g.MD5, g.EncryptedDataKey
	e.SrcUser, e.SrcIP, e.ModifiedMs = p.Actor.GetUser(), p.Actor.GetIp(), p.AtMs
	e.Revision = d.newRevision()
	after := withoutGray(it, g.Name)
	after.Formal = e
	d.set(k, after)
	by := deed{p.Actor, p.AtMs, noteOf(p.Note)}
	if by.note.From == 0 {
		by.note.From = g.Revision
	}
	d.changeEntry(before, e, by)
	d.removeGray(g, by, e.Revision)
	return Outcome{Revision: e.Revision, ID: e.ID, MD5: e.MD5, Existed: before != nil}
}

// changeEntry notes that after took the place of before, which is nil when there was none.
func (d *decision) changeEntry(before, after *Entry, by deed) {
	d.changes = append(d.changes, EntryChange{Before: before, After: after})
	h := after.history(OpInsert, 0, by.note)
	if before != nil {
		h = before.history(OpUpdate, before.ID, by.note)
	}
	d.addHistory(h, by, after.Revision, after.MD5)
}
