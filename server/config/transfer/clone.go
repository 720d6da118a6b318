package transfer

import (
	"cmp"
	"context"
	"slices"

	"nacre/server/config"
	"nacre/server/fault"
)

// Pick is a configuration to clone, by its row id, and the name of its copy; empty parts stay as they are.
type Pick struct {
	ID int64
	Name
}

// Clone publishes copies of the configurations that are picked in another namespace, or under other
// names in their own: content, type, application and description, as Nacos does. Ids that are not
// there are passed over. Faults: CodeNothingSelected, CodeNamespaceAbsent, CodeEmpty when no id is
// there, Invalid for an illegal new name, and what PublishMany returns. Nothing is written unless
// all names are legal.
func (s *Service) Clone(ctx context.Context, by config.Actor, namespace string, picks []Pick, policy config.IfPresent) (Report, error) {
	if len(picks) == 0 {
		return Report{}, fault.New(fault.Invalid, "no configuration is selected").WithCode(CodeNothingSelected)
	}
	if err := s.checkNamespace(namespace); err != nil {
		return Report{}, err
	}
	names := make(map[int64]Name, len(picks))
	ids := make([]int64, 0, len(picks))
	for _, p := range picks {
		if _, twice := names[p.ID]; !twice {
			names[p.ID] = p.Name
			ids = append(ids, p.ID)
		}
	}
	entries, err := s.byIDs(ctx, ids)
	if err != nil {
		return Report{}, err
	}
	if len(entries) == 0 {
		return Report{}, emptyFault("none of the configurations that are selected exists")
	}
	drafts := make([]config.Draft, len(entries))
	for i, e := range entries {
		drafts[i] = copyOf(e, namespace, names[e.ID])
		if err := s.configs.Check(drafts[i]); err != nil {
			return Report{}, err
		}
	}
	w := &writer{service: s, ctx: ctx, by: by, policy: policy}
	for _, d := range drafts {
		if w.aborted {
			w.skipRest(nameOf(d))
			continue
		}
		if err := w.add(d); err != nil {
			return w.report, err
		}
	}
	err = w.flush()
	return w.report, err
}

func copyOf(e *config.Entry, namespace string, as Name) config.Draft {
	d := config.Draft{
		Key:     config.Key{Namespace: namespace, Group: cmp.Or(as.Group, e.Key.Group), DataID: cmp.Or(as.DataID, e.Key.DataID)},
		Content: e.Content, Type: e.Type, Desc: e.Desc, EncryptedDataKey: e.EncryptedDataKey,
		Note: config.Note{Kind: config.NoteClone, From: e.Revision},
	}
	if e.AppName != "" {
		d.AppName = &e.AppName
	}
	return d
}

// byIDs returns the configurations with these row ids, ordered by them. Contents are shared with memory.
func (s *Service) byIDs(ctx context.Context, ids []int64) ([]*config.Entry, error) {
	const chunk = 500
	var out []*config.Entry
	for part := range slices.Chunk(ids, chunk) {
		page, err := s.configs.List(ctx, config.Filter{IDs: part, PageNo: 1, PageSize: len(part)})
		if err != nil {
			return nil, err
		}
		out = append(out, page.Items...)
	}
	out = s.held(out)
	slices.SortFunc(out, func(a, b *config.Entry) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// held replaces listed entries by those that memory holds, which have their content; what was removed
// since is left out.
func (s *Service) held(listed []*config.Entry) []*config.Entry {
	kept := listed[:0]
	for _, e := range listed {
		if it := s.configs.Item(e.Key); it != nil && it.Formal != nil && it.Formal.ID == e.ID {
			kept = append(kept, it.Formal)
		}
	}
	return kept
}
