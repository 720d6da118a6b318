package config

import (
	"context"
	"strings"
	"testing"

	"nacre/server/config/configpb"
	"nacre/server/fault"
	"nacre/server/journal"
)

func historyOf(changes []journal.Change) []*History {
	var rows []*History
	for _, c := range changes {
		if h, ok := c.(HistoryAdded); ok {
			rows = append(rows, h.Row)
		}
	}
	return rows
}

func TestANoteStandsInTheRowOfItsChange(t *testing.T) {
	var told []Happening
	s := NewState(nil)
	s.happened = func(h Happening) { told = append(told, h) }
	note := Note{Comment: "<why> \"not\" 🦪\nsecond line", Kind: NoteRestore, From: 7}
	with := func(p *configpb.Publish) { p.Note = note.pb() }
	_, inserted := mustDecide(t, s, KindPublish, publishPB("one", with))
	_, updated := mustDecide(t, s, KindPublish, publishPB("two"))
	_, gray := mustDecide(t, s, KindPublish, publishPB("gray", with, func(p *configpb.Publish) {
		p.Gray = &configpb.Gray{Name: GrayBeta, Type: RuleBeta, Version: RuleVersion, Expr: "10.0.0.9", Priority: PriorityBeta}
	}))
	_, removed := mustDecide(t, s, KindRemove, &configpb.Remove{Key: keyPB(testKey), Note: note.pb()})
	for i, tt := range []struct {
		name    string
		changes []journal.Change
		want    []Note
	}{
		{"an insert", inserted, []Note{note}},
		{"an update without a note does not show that of the content it replaced", updated, []Note{{}}},
		{"a variant", gray, []Note{note}},
		{"a removal, with its variant", removed, []Note{note, note}},
	} {
		rows := historyOf(tt.changes)
		if len(rows) != len(tt.want) {
			t.Fatalf("%s: %d rows", tt.name, len(rows))
		}
		for j, h := range rows {
			if h.Note() != tt.want[j] || told[i+j].Note != tt.want[j] {
				t.Errorf("%s: row %+v, told %+v, want %+v", tt.name, h.Note(), told[i+j].Note, tt.want[j])
			}
			if h.PublishType == PublishFormal && h.body().Type != "text" {
				t.Errorf("%s: the attributes are lost: %s", tt.name, h.ExtInfo)
			}
		}
	}
	for _, odd := range []string{"", "null", "[]", "{", `{"comment":1}`, `"x"`} {
		if got := (&History{ExtInfo: odd, Content: []byte("x")}); got.Note() != (Note{}) || string(got.body().Content) != "x" {
			t.Errorf("ext_info %s has the note %+v", odd, got.Note())
		}
	}
}

func TestNotesAreChecked(t *testing.T) {
	s := newService(t)
	for _, tt := range []struct {
		name string
		note Note
		ok   bool
	}{
		{"nothing", Note{}, true},
		{"lines and tabs", Note{Comment: "a\n\tb\r\n"}, true},
		{"as long as may be, in characters", Note{Comment: strings.Repeat("é", MaxComment)}, true},
		{"too long", Note{Comment: strings.Repeat("é", MaxComment+1)}, false},
		{"not UTF-8", Note{Comment: "\xff"}, false},
		{"a control character", Note{Comment: "a\x1b[31m"}, false},
		{"a kind that is known", Note{Kind: NoteImport}, true},
		{"a kind that is not known", Note{Kind: "magic"}, false},
	} {
		for what, do := range map[string]func() error{
			"publish": func() error {
				_, err := s.Publish(context.Background(), Actor{}, Draft{Key: testKey, Content: []byte("x"), Note: tt.note})
				return err
			},
			"remove": func() error {
				_, err := s.Remove(context.Background(), Actor{}, key("public", "g", "absent"), "", tt.note)
				return err
			},
			"remove by ids": func() error { _, err := s.RemoveIDs(context.Background(), Actor{}, nil, tt.note); return err },
		} {
			err := do()
			if (err == nil) != tt.ok || err != nil && (fault.KindOf(err) != fault.Invalid || fault.CodeOf(err) != CodeNote) {
				t.Errorf("%s, %s: %v", what, tt.name, err)
			}
		}
	}
}

func TestPromotingMakesAVariantTheFormalContentInOneChange(t *testing.T) {
	var changed int
	s := NewState(func(Key, *Item, *Item) { changed++ })
	mustDecide(t, s, KindPublish, publishPB("formal", func(p *configpb.Publish) {
		p.Attributes = &configpb.Attributes{Type: "yaml", AppName: ptr("app"), TagsGiven: true, Tags: []string{"t"}, Desc: ptr("d"), EncryptedDataKey: "old"}
	}))
	variant := func(content string) {
		mustDecide(t, s, KindPublish, publishPB(content, func(p *configpb.Publish) {
			p.Attributes.EncryptedDataKey = "new"
			p.Gray = &configpb.Gray{Name: GrayBeta, Type: RuleBeta, Version: RuleVersion, Expr: "10.0.0.9", Priority: PriorityBeta}
		}))
	}
	variant("gray")
	promote := func(change ...func(*configpb.Promote)) (Outcome, []journal.Change) {
		p := &configpb.Promote{Key: keyPB(testKey), GrayName: GrayBeta, Actor: &configpb.Actor{User: "bob", Ip: "::1"}, AtMs: 5000, Note: Note{Kind: NotePromote}.pb()}
		for _, f := range change {
			f(p)
		}
		return mustDecide(t, s, KindPromote, p)
	}
	for name, tt := range map[string]struct {
		change func(*configpb.Promote)
		kind   fault.Kind
	}{
		"a variant that is not there":          {func(p *configpb.Promote) { p.GrayName = "tag_x" }, fault.NotFound},
		"a key that is not there":              {func(p *configpb.Promote) { p.Key.DataId = "other" }, fault.NotFound},
		"a variant that changed meanwhile":     {func(p *configpb.Promote) { p.IfRevision = 1 }, fault.Conflict},
		"a content that is larger than may be": {func(p *configpb.Promote) { p.Quota = &configpb.Quota{Check: true, MaxSize: 3} }, fault.Limited},
	} {
		if out, changes := promote(tt.change); fault.KindOf(out.Err()) != tt.kind || len(changes) != 0 {
			t.Errorf("%s: %+v, %d changes", name, out, len(changes))
		}
	}
	changed = 0
	out, changes := promote(func(p *configpb.Promote) { p.IfRevision = 2 })
	if out.Fault != nil || out.Revision != 3 || out.MD5 != MD5([]byte("gray")) || !out.Existed || changed != 1 {
		t.Fatalf("%+v, told %d times", out, changed)
	}
	it := s.Get(testKey)
	e := it.Formal
	if len(it.Grays) != 0 || string(e.Content) != "gray" || e.EncryptedDataKey != "new" || e.Type != "yaml" || e.AppName != "app" || *e.Desc != "d" ||
		JoinTags(e.Tags) != "t" || e.SrcUser != "bob" || e.CreatedMs != 1000 || e.ModifiedMs != 5000 || e.ID != 1 {
		t.Errorf("held is %+v", e)
	}
	rows := historyOf(changes)
	if len(rows) != 2 || rows[0].Op != OpUpdate || string(rows[0].Content) != "formal" || rows[1].Op != OpDelete || rows[1].GrayName != GrayBeta || rows[1].Revision != 3 ||
		rows[0].Note() != (Note{Kind: NotePromote, From: 2}) || rows[1].Note() != rows[0].Note() {
		t.Errorf("history %+v", rows)
	}
	variant("again")
	mustDecide(t, s, KindPublish, publishPB("meanwhile"))
	if out, _ := promote(func(p *configpb.Promote) { p.IfRevision = 4 }); fault.CodeOf(out.Err()) != CodeCAS {
		t.Errorf("a formal content that changed meanwhile: %+v", out)
	}
	s = NewState(nil)
	variant("alone")
	if out, _ := promote(); out.Existed || s.Get(testKey).Formal.Type != TypeText || s.Stats().Configs != 1 {
		t.Errorf("a variant without a formal content becomes one: %+v, %+v", out, s.Get(testKey))
	}
}
