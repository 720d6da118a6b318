package config

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"nacre/server/fault"
)

// Version is what one change made of a configuration or of one of its variants.
type Version struct {
	// NID is the number of the history row; 0 when what is held was published before history begins. Whether
	// that was an insert is not known, and it counts as an update.
	NID      int64
	Key      Key
	Revision uint64
	// Op is OpInsert, OpUpdate or OpDelete.
	Op          string
	PublishType string
	// GrayName is the variant's, "" for the formal content.
	GrayName string
	// User and IP are those of who made the change, AtMs is when.
	User, IP string
	AtMs     int64
	Note
	// Known is false when history no longer has what the change made; all below is zero then, as it is
	// after a removal.
	Known bool
	// MD5 and Size are those of the content after the change.
	MD5  string
	Size int64
	// After is the content with its attributes after the change; nil in lists and after a removal.
	After *Body
}

// Body is a content with the attributes that history keeps of it.
type Body struct {
	Content          []byte
	MD5              string
	Type             string
	AppName          string
	Tags             []string
	Desc             *string
	Use              *string
	Effect           *string
	Schema           *string
	EncryptedDataKey string
	// Rule is a variant's, zero for a formal content.
	Rule Rule
}

// Versions returns the changes of a configuration and its variants, newest first and without contents:
// the newest most of those with a revision below before, 0 for all, and those that the same command
// made as the last of these. The next page begins below the last revision. Rows that Nacos wrote have
// the revision 0. Faults: Unavailable when the database can't be read.
func (s *Service) Versions(ctx context.Context, key Key, before uint64, most int) ([]Version, error) {
	earlier := s.state.Get(key)
	rows, err := s.Revisions(ctx, key, before, most)
	if err != nil {
		return nil, err
	}
	held := s.state.Get(key)
	out := make([]Version, len(rows), len(rows)+1)
	for i := range rows {
		r := &rows[i]
		v := r.History.version()
		switch {
		case r.Op == OpDelete:
			v.Known = true
		case r.Op == OpInsert:
			v.Known, v.MD5, v.Size = true, r.MD5, r.Size
		case r.Next != nil:
			if v.Known = r.Next.Op != OpInsert; v.Known {
				v.MD5, v.Size = r.Next.MD5, r.Next.Size
			}
		default:
			if b := held.at(r.GrayName, r.Revision); b != nil {
				v.Known, v.MD5, v.Size = true, b.MD5, int64(len(b.Content))
			}
		}
		out[i] = v
	}
	if len(rows) < most {
		out = withTrimmed(out, earlier, before)
	}
	return out, nil
}

// withTrimmed adds to the last of the versions those of what is held, but was published before history begins.
func withTrimmed(list []Version, held *Item, before uint64) []Version {
	for _, v := range held.versions() {
		v.After = nil
		told := slices.ContainsFunc(list, func(o Version) bool { return o.Revision == v.Revision && o.GrayName == v.GrayName })
		if !told && (before == 0 || v.Revision < before) {
			list = append(list, v)
		}
	}
	slices.SortStableFunc(list, func(a, b Version) int { return cmp.Compare(b.Revision, a.Revision) })
	return list
}

// version returns what is held of a variant when the change of revision made it, else nil.
func (i *Item) version(grayName string, revision uint64) *Version {
	for _, v := range i.versions() {
		if v.GrayName == grayName && v.Revision == revision {
			return &v
		}
	}
	return nil
}

// versions returns what is held as the versions that its last changes made.
func (i *Item) versions() []Version {
	if i == nil {
		return nil
	}
	var list []Version
	if e := i.Formal; e != nil {
		v := Version{Key: e.Key, Revision: e.Revision, Op: OpUpdate, PublishType: PublishFormal, User: e.SrcUser, IP: e.SrcIP, AtMs: e.ModifiedMs}
		v.have(i.at("", e.Revision))
		list = append(list, v)
	}
	for _, g := range i.Grays {
		v := Version{Key: g.Key, Revision: g.Revision, Op: OpUpdate, PublishType: PublishGray, GrayName: g.Name, User: g.SrcUser, IP: g.SrcIP, AtMs: g.ModifiedMs}
		v.have(i.at(g.Name, g.Revision))
		list = append(list, v)
	}
	return list
}

// VersionAt returns what the change of revision made of key's variant grayName, "" for the formal
// content, with content and attributes; nil when history has no such change, and with Known false when
// it no longer has what the change made. Faults: Unavailable when the database can't be read.
func (s *Service) VersionAt(ctx context.Context, key Key, grayName string, revision uint64) (*Version, error) {
	// What is held may be newer than what was read: then the next row is there when it is asked for again.
	for range 3 {
		row, next, err := s.HistoryAt(ctx, key, grayName, revision)
		if err != nil {
			return nil, err
		}
		if row == nil {
			return s.state.Get(key).version(grayName, revision), nil
		}
		v := row.version()
		switch {
		case row.Op == OpDelete:
			v.Known = true
			return &v, nil
		case row.Op == OpInsert:
			v.have(row.body())
			return &v, nil
		case next != nil && next.Op == OpInsert:
			return &v, nil
		case next != nil:
			v.have(next.body())
			return &v, nil
		}
		if b := s.state.Get(key).at(grayName, revision); b != nil {
			v.have(b)
			return &v, nil
		}
	}
	return nil, fault.New(fault.Unavailable, "%s changes too often to be read at a revision; try again", key)
}

func (v *Version) have(b *Body) {
	v.Known, v.After, v.MD5, v.Size = true, b, b.MD5, int64(len(b.Content))
}

func (h *History) version() Version {
	return Version{
		NID: h.NID, Key: h.Key, Revision: h.Revision, Op: h.Op, PublishType: h.PublishType, GrayName: h.GrayName,
		User: h.SrcUser, IP: h.SrcIP, AtMs: h.ModifiedMs, Note: h.Note(),
	}
}

// at returns what is held of a variant when the change of revision made it, else nil.
func (i *Item) at(grayName string, revision uint64) *Body {
	if g := i.Gray(grayName); g != nil && g.Revision == revision {
		return &Body{Content: g.Content, MD5: g.MD5, Type: TypeText, AppName: g.AppName, EncryptedDataKey: g.EncryptedDataKey, Rule: g.Rule}
	}
	if grayName != "" || !i.hasFormal() || i.Formal.Revision != revision {
		return nil
	}
	e := i.Formal
	return &Body{
		Content: e.Content, MD5: e.MD5, Type: e.Type, AppName: e.AppName, Tags: e.Tags, Desc: e.Desc, Use: e.Use,
		Effect: e.Effect, Schema: e.Schema, EncryptedDataKey: e.EncryptedDataKey,
	}
}

// body returns the content of the row with the attributes that it had.
func (h *History) body() *Body {
	b := &Body{Content: h.Content, MD5: h.MD5, Type: TypeText, AppName: h.AppName, EncryptedDataKey: h.EncryptedDataKey}
	var info struct {
		entryInfo
		Rule string `json:"gray_rule"`
	}
	if json.Unmarshal([]byte(h.ExtInfo), &info) != nil {
		return b
	}
	if h.PublishType == PublishGray {
		b.Rule, _ = ParseRule(info.Rule)
		return b
	}
	if info.Type != "" {
		b.Type = info.Type
	}
	if info.Tags != "" {
		b.Tags = strings.Split(info.Tags, ",")
	}
	b.Desc, b.Use, b.Effect, b.Schema = filled(info.Desc), filled(info.Use), filled(info.Effect), filled(info.Schema)
	return b
}

// filled returns nil for a blank text: ext_info does not tell it from a missing one.
func filled(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// draft returns the draft that makes key's variant grayName what b says, in every attribute.
func (b *Body) draft(key Key, grayName string, note Note) Draft {
	d := Draft{
		Key: key, Content: b.Content, Type: b.Type, AppName: &b.AppName, TagsGiven: true, Tags: b.Tags, Desc: b.Desc, Use: b.Use,
		Effect: b.Effect, Schema: b.Schema, EncryptedDataKey: b.EncryptedDataKey, Note: note,
	}
	if grayName != "" {
		d.Gray = &GrayDraft{Name: grayName, Rule: b.Rule}
	}
	return d
}

// Restore publishes, as a new revision, the content and attributes that the change of revision made of
// key's variant grayName, "" for the formal content; of a removal, those that it took away. ifRevision,
// when not 0, is the revision that what is held must have. Without a kind the note gets NoteRestore,
// and always revision as From. Faults: NotFound when history no longer has it, and those of Publish.
func (s *Service) Restore(ctx context.Context, by Actor, key Key, grayName string, revision, ifRevision uint64, note Note) (Outcome, error) {
	v, err := s.VersionAt(ctx, key, grayName, revision)
	if err != nil {
		return Outcome{}, err
	}
	body := (*Body)(nil)
	switch {
	case v == nil || !v.Known:
	case v.Op == OpDelete:
		row, _, err := s.HistoryAt(ctx, key, grayName, revision)
		if err != nil {
			return Outcome{}, err
		}
		if row != nil {
			body = row.body()
		}
	default:
		body = v.After
	}
	if body == nil {
		return Outcome{}, gone(key, revision)
	}
	d := body.draft(key, grayName, restoreNote(note, revision))
	d.IfRevision = ifRevision
	return s.Publish(ctx, by, d)
}

// RestoreDeleted publishes again what the removal of revision took away, where there is no formal
// content now; with variants also those variants that went with it, all as one command. The note is
// as Restore makes it, so that it undoes a removal with the kind NoteUndo. The outcome is that of the
// formal content. Faults: NotFound when history has no such removal of a formal content, Conflict
// (CodeCAS) when there is one now, and those of Publish.
func (s *Service) RestoreDeleted(ctx context.Context, by Actor, key Key, revision uint64, variants bool, note Note) (Outcome, error) {
	rows, err := s.HistoryOf(ctx, key, revision)
	if err != nil {
		return Outcome{}, err
	}
	note = restoreNote(note, revision)
	var drafts, formal []Draft
	for _, h := range rows {
		switch {
		case h.Op != OpDelete:
			return Outcome{}, gone(key, revision)
		case h.GrayName == "":
			formal = append(formal, h.body().draft(key, "", note))
		case variants:
			drafts = append(drafts, h.body().draft(key, h.GrayName, note))
		}
	}
	if len(formal) == 0 {
		return Outcome{}, gone(key, revision)
	}
	// The formal content comes last: while there is none, none of these is skipped.
	outs, err := s.PublishMany(ctx, by, append(drafts, formal[0]), Skip)
	if err != nil {
		return Outcome{}, err
	}
	out := outs[len(outs)-1]
	if out.Skipped {
		return out, fault.New(fault.Conflict, "there is a configuration %s already", key).WithCode(CodeCAS)
	}
	return out, out.Err()
}

func restoreNote(n Note, from uint64) Note {
	if n.Kind == "" {
		n.Kind = NoteRestore
	}
	n.From = from
	return n
}

func gone(k Key, revision uint64) error {
	return fault.New(fault.NotFound, "history has no revision %d of %s any more that could be restored", revision, k)
}
