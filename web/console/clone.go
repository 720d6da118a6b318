package console

import (
	"net/url"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/views/configs"
	"nacre/views/parts"
	"nacre/views/words"
)

// batchBytes is how much of contents one command carries, unless a single one is larger.
const batchBytes = 1 << 20

// clone copies the rows to another namespace: it asks for one, shows what would change there, and does it for those that stay ticked.
func (v *visit) clone(keys []config.Key) error {
	w := &v.w.Configs
	target := v.c.FormValue("target")
	if !v.Namespaces.Exists(target) {
		target = ""
	}
	switch {
	case target == "" || v.c.FormValue("step") != "clone":
		return v.showClone(fiber.StatusOK, keys, target, "")
	case !v.confirmed(target):
		return v.showClone(fiber.StatusBadRequest, keys, target, words.Fill(w.TypedWrong, v.namespaceName(target)))
	}
	added, replaced, stale := v.copies(target)
	if stale {
		return v.showClone(fiber.StatusConflict, keys, target, w.CloneStale)
	}
	if len(added)+len(replaced) == 0 {
		return v.doneWith(v.listBack(), flash{Text: w.CloneNone, Bad: true})
	}
	var r batch
	err := v.publishBatch(&r, added, config.Skip) // one that appeared meanwhile stays as it is
	if err == nil {
		err = v.publishBatch(&r, replaced, config.Overwrite)
	}
	if err != nil {
		return err
	}
	said := words.Fill(w.Cloned, v.w.Number(int64(r.done)), v.namespaceName(target))
	if r.done == 1 {
		said = words.Fill(w.ClonedOne, v.namespaceName(target))
	}
	if r.failed > 0 {
		said += " " + words.Fill(w.CloneFailed, v.w.Number(int64(r.failed)), r.first, r.reason)
	}
	return v.doneWith(listURL(target, "", false), flash{Text: said, Bad: r.failed > 0})
}

// held returns the formal content that is published as k, nil for none.
func (p *pages) held(k config.Key) *config.Entry {
	if it := p.Configs.Item(k); it != nil {
		return it.Formal
	}
	return nil
}

// revisionOf is the revision of e, 0 for none.
func revisionOf(e *config.Entry) uint64 {
	if e == nil {
		return 0
	}
	return e.Revision
}

// in returns k's name in another namespace.
func in(k config.Key, ns string) config.Key {
	k.Namespace = ns
	return k
}

// copies reads which of the rows are ticked, and returns the drafts of those that the target does not have and of those that it
// has; stale says that one is no longer there as the person saw it.
func (v *visit) copies(target string) (added, replaced []config.Draft, stale bool) {
	for _, b := range v.c.Context().PostArgs().PeekMulti("take") {
		q, _ := url.ParseQuery(string(b))
		k, err := rowKey(string(b))
		from := v.held(k)
		to := revisionOf(v.held(in(k, target)))
		if err != nil || from == nil || strconv.FormatUint(from.Revision, 10) != q.Get("from") || strconv.FormatUint(to, 10) != q.Get("to") {
			return nil, nil, true
		}
		d := draftOf(from)
		d.Key, d.IfRevision, d.Note = in(k, target), to, config.Note{Kind: config.NoteClone, From: from.Revision}
		if to == 0 {
			added = append(added, d)
		} else {
			replaced = append(replaced, d)
		}
	}
	return added, replaced, false
}

// draftOf returns what publishes e as it is.
func draftOf(e *config.Entry) config.Draft {
	return config.Draft{
		Key: e.Key, Content: e.Content, Type: e.Type, AppName: &e.AppName, TagsGiven: true, Tags: e.Tags, Desc: e.Desc,
		Use: e.Use, Effect: e.Effect, Schema: e.Schema, EncryptedDataKey: e.EncryptedDataKey, IfRevision: e.Revision,
	}
}

// batch counts what became of drafts that were published together. First is the first that was refused.
type batch struct {
	done, failed  int
	first, reason string
}

func (v *visit) publishBatch(r *batch, drafts []config.Draft, policy config.IfPresent) error {
	for len(drafts) > 0 {
		n, size := 0, 0
		for n < len(drafts) && (n == 0 || size+len(drafts[n].Content) <= batchBytes) {
			size += len(drafts[n].Content)
			n++
		}
		outcomes, err := v.Configs.PublishMany(v.c.UserContext(), v.actor(), drafts[:n], policy)
		if err != nil {
			return err
		}
		for i, o := range outcomes {
			if o.Fault == nil && !o.Skipped {
				r.done++
				continue
			}
			if r.failed++; r.failed == 1 {
				r.first, r.reason = drafts[i].Key.DataID, v.w.Configs.CloneStale
				if o.Fault != nil {
					r.reason = v.say(o.Fault)
				}
			}
		}
		drafts = drafts[n:]
	}
	return nil
}

// showClone shows the rows, and, once there is a target, what would change in it.
func (v *visit) showClone(status int, keys []config.Key, target, problem string) error {
	w := &v.w.Configs
	m := v.chosen(pathClone, w.CloneTitleOne, w.CloneTitle, len(keys))
	m.Problem = problem
	elsewhere := func(ns string) bool {
		for _, k := range keys {
			if k.Namespace != ns {
				return true
			}
		}
		return false
	}
	for _, n := range m.Page.Namespaces {
		if elsewhere(n.ID) {
			m.Targets = append(m.Targets, parts.Option{Value: n.ID, Text: n.Name, Selected: n.ID == target})
		}
	}
	if len(m.Targets) == 0 {
		m.Problem = w.CloneNowhere
	}
	if target != "" {
		m.Target = words.Fill(w.CloneState, v.namespaceName(target))
		if v.protected(target) {
			m.Typed = v.typedField(target)
		}
	}
	for _, k := range keys {
		from := v.held(k)
		if from == nil {
			continue
		}
		row := v.chosenRow(k)
		row.Note = v.w.Number(int64(v.Delivery.Standing(k).Listeners))
		if target != "" {
			to := v.held(in(k, target))
			row.Take = rowID(k) + "&" + url.Values{"from": {strconv.FormatUint(from.Revision, 10)}, "to": {strconv.FormatUint(revisionOf(to), 10)}}.Encode()
			switch {
			case to == nil:
				row.State = parts.State{Kind: "good", Text: w.CloneNew}
			case to.MD5 == from.MD5:
				row.State, row.Ticked = parts.State{Kind: "off", Text: w.CloneSame}, false
			default:
				row.State = parts.State{Kind: "wait", Text: w.CloneDiffers}
			}
		}
		m.Rows = append(m.Rows, row)
	}
	v.c.Status(status)
	return v.render(configs.ClonePage(m))
}
