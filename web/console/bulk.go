package console

import (
	"context"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/config/transfer"
	"nacre/server/fault"
	"nacre/views/configs"
	"nacre/views/parts"
	"nacre/views/words"
	"nacre/web/api/wire"
)

const (
	pathDeleteMany = pathConfigs + "/delete"
	pathClone      = pathConfigs + "/clone"
	pathExportSome = pathConfigs + "/export"
	pathTag        = pathConfigs + "/tag"
	// maxChosen is how many rows one form may name.
	maxChosen = 500
)

func (p *pages) bulkRoutes(r fiber.Router) {
	for path, serve := range map[string]func(*visit, []config.Key) error{
		pathDeleteMany: (*visit).deleteMany, pathClone: (*visit).clone, pathExportSome: (*visit).exportSome, pathTag: (*visit).tag,
	} {
		r.Post(path, p.signedIn(func(v *visit) error { return v.withChosen(serve) }))
		r.Get(path, p.signedIn(func(v *visit) error { return v.go303(listURL(v.ns, "", false)) }))
	}
}

// withChosen serves a form with the rows that were selected, or says that there are none.
func (v *visit) withChosen(serve func(*visit, []config.Key) error) error {
	v.ns = v.value("ns")
	var keys []config.Key
	for _, id := range v.c.Context().PostArgs().PeekMulti("row") {
		k, err := rowKey(string(id))
		if err != nil {
			return err
		}
		if keys = append(keys, k); len(keys) > maxChosen {
			return fault.New(fault.Invalid, "more than %d configurations are selected", maxChosen)
		}
	}
	if len(keys) == 0 {
		return v.doneWith(v.listBack(), flash{Text: v.w.Configs.NoneSelected, Bad: true})
	}
	return serve(v, keys)
}

// listBack is the list that a form came from.
func (v *visit) listBack() string {
	if back := local(v.value("back")); strings.HasPrefix(back, pathConfigs+"?") || back == pathConfigs {
		return back
	}
	return listURL(v.ns, "", false)
}

// exportSome sends a ZIP of the rows.
func (v *visit) exportSome(keys []config.Key) error {
	var entries []*config.Entry
	for _, k := range keys {
		if it := v.Configs.Item(k); it != nil && it.Formal != nil {
			entries = append(entries, it.Formal)
		}
	}
	if len(entries) == 0 {
		return v.doneWith(v.listBack(), flash{Text: v.w.Configs.DeletedNone, Bad: true})
	}
	return wire.SendZIP(v.c, v.Clock, v.Log, "application/zip", entries, transfer.FormV2)
}

// chosen is what pages about rows have in common.
func (v *visit) chosen(action, one, many string, n int) configs.Chosen {
	w := &v.w.Configs
	title := one
	if n > 1 {
		title = words.Fill(many, v.w.Number(int64(n)))
	}
	back := v.listBack()
	return configs.Chosen{
		Page: v.frame(title, pathConfigs), Words: w, Title: title, Action: action, Back: back, NamespaceID: v.ns,
		Crumbs: []parts.Crumb{{Href: back, Text: w.Title}, {Text: title}},
	}
}

func (v *visit) chosenRow(k config.Key) configs.ChosenRow {
	return configs.ChosenRow{
		ID: rowID(k), Name: k.DataID, Group: k.Group, Namespace: v.namespaceName(k.Namespace), Href: configURL(k, tabContent),
		Label: words.Fill(v.w.Parts.SelectRow, k.DataID), Ticked: true,
	}
}

// deleteMany removes the rows: one at once, several, or such of a protected namespace, when the person has typed what is asked for.
func (v *visit) deleteMany(keys []config.Key) error {
	w := &v.w.Configs
	typed := ""
	if len(keys) > 1 {
		typed = strconv.Itoa(len(keys))
	}
	for _, k := range keys {
		if v.protected(k.Namespace) {
			typed = v.namespaceName(k.Namespace)
		}
	}
	if given := v.c.FormValue("typed"); given != typed {
		m := v.chosen(pathDeleteMany, w.DeleteTitleOne, w.DeleteTitle, len(keys))
		if given != "" {
			m.Problem = words.Fill(w.TypedWrong, typed)
			v.c.Status(fiber.StatusBadRequest)
		}
		m.Typed = v.toType(typed)
		for _, k := range keys {
			row := v.chosenRow(k)
			row.Note = v.w.Number(int64(v.Delivery.Standing(k).Listeners))
			m.Rows = append(m.Rows, row)
		}
		return v.render(configs.DeletePage(m))
	}
	if len(keys) == 1 {
		return v.removeOne(keys[0], v.listBack())
	}
	n, err := v.remove(v.c.UserContext(), keys)
	if err != nil {
		return err
	}
	if n == 0 {
		return v.done(v.listBack(), w.DeletedNone, "")
	}
	return v.done(v.listBack(), words.Fill(w.DeletedMany, v.w.Number(int64(n))), "")
}

func (v *visit) toType(text string) *parts.Field {
	return &parts.Field{Name: "typed", Label: words.Fill(v.w.Parts.TypeToConfirm, text), Required: true, Autocomplete: "off"}
}

// remove takes configurations away, those with a formal content as one change, and returns how many there were.
func (v *visit) remove(ctx context.Context, keys []config.Key) (int, error) {
	var ids []int64
	var variants []config.Key
	for _, k := range keys {
		switch it := v.Configs.Item(k); {
		case it == nil:
		case it.Formal != nil:
			ids = append(ids, it.Formal.ID)
		default:
			variants = append(variants, k)
		}
	}
	n := 0
	if len(ids) > 0 {
		var err error
		if n, err = v.Configs.RemoveIDs(ctx, v.actor(), ids, config.Note{}); err != nil {
			return n, err
		}
	}
	for _, k := range variants {
		out, err := v.Configs.Remove(ctx, v.actor(), k, "", config.Note{})
		if err != nil {
			return n, err
		}
		if out.Existed {
			n++
		}
	}
	return n, nil
}
