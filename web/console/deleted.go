package console

import (
	"net/url"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/views/history"
	"nacre/views/layout"
	"nacre/views/parts"
	"nacre/views/words"
)

const (
	pathUndo       = "/console/undo"
	pathUndelete   = pathDeleted + "/restore"
	deletedPerPage = 100
)

func (p *pages) deletedRoutes(r fiber.Router) {
	r.Get(pathDeleted, p.signedIn((*visit).deleted))
	r.Post(pathUndelete, p.signedIn((*visit).undelete))
	r.Post(pathUndo, p.signedIn((*visit).undo))
}

// deleted lists what was removed from the namespace and can be restored.
func (v *visit) deleted() error {
	w := &v.w.History
	text := v.c.Query("q")
	number := v.number("page", 1)
	list, err := v.Configs.Deleted(v.c.UserContext(), config.DeletedFilter{Namespace: v.ns, Text: text}, number, deletedPerPage)
	if err != nil {
		return err
	}
	if last := (list.Total + deletedPerPage - 1) / deletedPerPage; number > max(last, 1) { // what was there was restored meanwhile
		return v.go303(pathDeleted + "?" + url.Values{"ns": {v.ns}, "q": {text}, "page": {strconv.Itoa(max(last, 1))}}.Encode())
	}
	m := history.Deleted{Page: v.frame(w.DeletedTitle, pathDeleted), Words: w, Filter: text, NamespaceID: v.ns}
	for _, h := range list.Items {
		m.Rows = append(m.Rows, history.DeletedRow{
			DataID: h.Key.DataID, Group: h.Key.Group, Who: v.who(h.SrcUser, h.SrcIP), When: v.moment(h.ModifiedMs), HistoryHref: configURL(h.Key, tabHistory),
			Hidden: undoFields(h.Key, h.Revision), Label: w.DeletedRestore + ": " + h.Key.DataID,
		})
	}
	switch {
	case len(m.Rows) == 0 && text != "":
		m.Empty = &parts.Empty{Icon: "search", Title: w.DeletedNone, Text: text}
	case len(m.Rows) == 0:
		m.Empty = &parts.Empty{Icon: "deleted", Title: w.DeletedEmpty, Text: w.DeletedEmptyText}
	}
	m.Pager = v.pager(pathDeleted, url.Values{"ns": {v.ns}, "q": {text}}, number, deletedPerPage, list.Total)
	return v.render(history.DeletedPage(m))
}

// pager leads through a list of total rows, of which number is the page that is shown.
func (v *visit) pager(path string, q url.Values, number, size, total int) parts.Pager {
	return v.pagerBy("page", path, q, number, size, total)
}

// pagerBy is pager where the number of the page stands in the parameter name.
func (v *visit) pagerBy(name, path string, q url.Values, number, size, total int) parts.Pager {
	w := &v.w.Parts
	last := max((total+size-1)/size, 1)
	p := parts.Pager{Words: w, Text: words.Fill(w.PageOf, v.w.Number(int64(number)), v.w.Number(int64(last)))}
	if total > 0 {
		p.Rows = words.Fill(w.RowsOf, v.w.Number(int64((number-1)*size+1)), v.w.Number(int64(min(number*size, total))), v.w.Number(int64(total)))
	}
	at := func(n int) string {
		q.Set(name, strconv.Itoa(n))
		return path + "?" + q.Encode()
	}
	if number > 1 {
		p.Previous = at(min(number-1, last))
	}
	if number < last {
		p.Next = at(number + 1)
	}
	return p
}

// undoFields are the fields of a form that undoes the removal of k at revision.
func undoFields(k config.Key, revision uint64) [][2]string {
	return [][2]string{{"ns", k.Namespace}, {"group", k.Group}, {"dataId", k.DataID}, {"revision", strconv.FormatUint(revision, 10)}}
}

// undoable are undoFields as a toast has them.
func undoable(k config.Key, revision uint64) []layout.Field {
	var list []layout.Field
	for _, f := range undoFields(k, revision) {
		list = append(list, layout.Field{Name: f[0], Value: f[1]})
	}
	return list
}

func (v *visit) undelete() error { return v.bringBack(config.NoteRestore, v.w.History.DeletedDone) }

func (v *visit) undo() error { return v.bringBack(config.NoteUndo, v.w.History.UndoDone) }

// bringBack publishes again what a removal took away.
func (v *visit) bringBack(kind, said string) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	if _, err := v.Configs.RestoreDeleted(v.c.UserContext(), v.actor(), k, v.revision("revision"), true, config.Note{Kind: kind}); err != nil {
		return err
	}
	return v.done(configURL(k, tabContent), words.Fill(said, k.DataID), "")
}
