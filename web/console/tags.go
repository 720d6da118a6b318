package console

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/views/configs"
	"nacre/views/parts"
	"nacre/views/words"
)

// tag puts tags on the rows and takes others off. Contents stay, so that clients notice nothing.
func (v *visit) tag(keys []config.Key) error {
	w := &v.w.Configs
	if v.c.FormValue("step") != "tag" {
		return v.showTag(fiber.StatusOK, keys, "")
	}
	add, remove := tagList(v.c.FormValue("add")), tagList(v.c.FormValue("remove"))
	if len(add)+len(remove) == 0 {
		return v.showTag(fiber.StatusBadRequest, keys, w.TagNone)
	}
	var drafts []config.Draft
	for _, k := range keys {
		if !v.confirmed(k.Namespace) {
			return v.showTag(fiber.StatusBadRequest, keys, words.Fill(w.TypedWrong, v.namespaceName(k.Namespace)))
		}
		e := v.held(k)
		if e == nil {
			continue
		}
		d := draftOf(e)
		d.Tags = retagged(e.Tags, add, remove)
		if slices.Equal(d.Tags, e.Tags) {
			continue
		}
		if err := v.Configs.Check(d); err != nil {
			return v.showTag(fiber.StatusBadRequest, keys, k.DataID+": "+v.say(err))
		}
		drafts = append(drafts, d)
	}
	if len(drafts) == 0 {
		return v.doneWith(v.listBack(), flash{Text: w.TagSame})
	}
	var r batch
	if err := v.publishBatch(&r, drafts, config.Overwrite); err != nil {
		return err
	}
	said := words.Fill(w.Tagged, v.w.Number(int64(r.done)))
	if r.done == 1 {
		said = w.TaggedOne
	}
	if r.failed > 0 {
		said += " " + words.Fill(w.TagFailed, v.w.Number(int64(r.failed)), r.first, r.reason)
	}
	return v.doneWith(v.listBack(), flash{Text: said, Bad: r.failed > 0})
}

func retagged(held, add, remove []string) []string {
	out := slices.DeleteFunc(slices.Clone(held), func(t string) bool { return slices.Contains(remove, t) })
	for _, t := range add {
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

func (v *visit) showTag(status int, keys []config.Key, problem string) error {
	w := &v.w.Configs
	m := v.chosen(pathTag, w.TagTitleOne, w.TagTitle, len(keys))
	m.Problem = problem
	m.Add = parts.Field{Name: "add", Label: w.TagAdd, Hint: w.TagHint, Value: v.c.FormValue("add"), Autofocus: true}
	m.Remove = parts.Field{Name: "remove", Label: w.TagRemove, Hint: w.TagHint, Value: v.c.FormValue("remove")}
	for _, k := range keys {
		row := v.chosenRow(k)
		if e := v.held(k); e != nil {
			row.Note = strings.Join(e.Tags, ", ")
		}
		if v.protected(k.Namespace) {
			m.Typed = v.typedField(k.Namespace)
		}
		m.Rows = append(m.Rows, row)
	}
	v.c.Status(status)
	return v.render(configs.TagPage(m))
}
