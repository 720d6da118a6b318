package console

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/config/transfer"
	"nacre/server/fault"
	"nacre/server/resource"
	"nacre/views/parts"
	views "nacre/views/transfer"
	"nacre/views/words"
	"nacre/web/api/wire"
)

const (
	pathImport  = pathTransfer + "/import"
	pathConfirm = pathTransfer + "/confirm"
	pathExport  = pathTransfer + "/export"
	// maxTransferRows is how many configurations of a file a page lists.
	maxTransferRows = 1000
)

func (p *pages) transferRoutes(r fiber.Router) {
	r.Get(pathTransfer, p.signedIn((*visit).transfer))
	r.Get(pathExport, p.signedIn((*visit).export))
	r.Post(pathImport, p.signedIn((*visit).upload))
	r.Get(pathImport, p.signedIn((*visit).imported))
	r.Post(pathConfirm, p.signedIn((*visit).importNow))
}

func (v *visit) transfer() error { return v.showTransfer(fiber.StatusOK, "", "") }

// showTransfer shows both forms. Problem is what was wrong with the import, exportProblem with the export.
func (v *visit) showTransfer(status int, problem, exportProblem string) error {
	w := &v.w.Transfer
	v.c.Status(status)
	return v.render(views.StartPage(views.Start{
		Page: v.frame(w.Title, pathTransfer), Words: w, Problem: problem, ExportProblem: exportProblem,
		Max: strconv.FormatInt(v.Settings.ImportMaxZip, 10), FileHint: words.Fill(w.FileHint, v.w.Size(v.Settings.ImportMaxZip)), TooLarge: v.zipTooLarge(),
		Group:  parts.Field{Name: "group", Label: w.Group, Hint: w.GroupHint, Value: v.c.Query("group")},
		DataID: parts.Field{Name: "dataId", Label: w.DataID, Hint: w.DataIDHint, Value: v.c.Query("dataId")},
	}))
}

func (v *visit) zipTooLarge() string {
	return words.Fill(v.w.Transfer.TooLarge, v.w.Size(v.Settings.ImportMaxZip))
}

// export sends a ZIP of what the query selects.
func (v *visit) export() error {
	entries, err := v.Transfer.Select(v.c.UserContext(), transfer.Selection{Namespace: v.ns, Group: v.c.Query("group"), DataID: v.c.Query("dataId")})
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return v.showTransfer(fiber.StatusNotFound, "", words.Fill(v.w.Transfer.ExportNothing, v.namespaceName(v.ns)))
	}
	return wire.SendZIP(v.c, v.Clock, v.Log, "application/zip", entries, transfer.FormV2)
}

func importURL(u *upload, more ...string) string {
	q := url.Values{"ns": {u.ns}, "id": {u.id}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return pathImport + "?" + q.Encode()
}

// upload takes a file and shows what it would change.
func (v *visit) upload() error {
	w := &v.w.Transfer
	v.ns = v.c.FormValue("ns", v.ns)
	if !v.Namespaces.Exists(v.ns) {
		name := v.ns
		v.ns = resource.DefaultNamespace
		return v.showTransfer(fiber.StatusNotFound, words.Fill(w.NoNamespace, name), "")
	}
	header, err := v.c.FormFile("file")
	if err != nil || header.Size == 0 {
		return v.showTransfer(fiber.StatusBadRequest, w.NoFile, "")
	}
	if header.Size > v.Settings.ImportMaxZip {
		return v.showTransfer(fiber.StatusRequestEntityTooLarge, v.zipTooLarge(), "")
	}
	file, err := header.Open()
	if err != nil {
		return err
	}
	content, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if _, err := v.archive(content); err != nil {
		if text := v.archiveProblem(err); text != "" {
			return v.showTransfer(fiber.StatusBadRequest, text, "")
		}
		return err
	}
	u := &upload{id: secret(), name: header.Filename, session: v.session.ID, ns: v.ns, content: content}
	if !v.uploads.add(v.Clock, u) {
		return v.showTransfer(fiber.StatusTooManyRequests, w.Full, "")
	}
	return v.go303(importURL(u))
}

func (v *visit) archive(content []byte) (*transfer.Archive, error) {
	return transfer.Open(bytes.NewReader(content), int64(len(content)), v.Transfer.Limits())
}

// archiveProblem words why a file can't be imported, "" for what is no fault of the file.
func (v *visit) archiveProblem(err error) string {
	w := &v.w.Transfer
	switch fault.CodeOf(err) {
	case transfer.CodeEmpty:
		return w.NotZIP
	case transfer.CodeNoValidData:
		return w.Empty
	case transfer.CodeBroken:
		return w.Broken
	case transfer.CodeMetadata:
		return w.Metadata + " " + v.say(err)
	case transfer.CodeTooMuch:
		return w.TooMuch + " " + v.say(err)
	}
	return ""
}

// imported shows a file that was sent: what it would change, or what it did.
func (v *visit) imported() error {
	u := v.uploads.get(v.Clock, v.c.Query("id"), v.session.ID)
	switch {
	case u == nil:
		return v.showTransfer(fiber.StatusGone, v.w.Transfer.Gone, "")
	case u.done:
		return v.showDone(u)
	case v.c.Query("row") != "" && !u.taken:
		return v.importRow(u, v.c.Query("row"))
	case u.taken:
		return v.render(views.RunningPage(v.importPage(u, v.w.Transfer.Running, "")))
	}
	return v.showDry(fiber.StatusOK, u, "")
}

// importPage is what pages of an import have alike.
func (v *visit) importPage(u *upload, title, text string) views.Import {
	w := &v.w.Transfer
	v.ns = u.ns
	return views.Import{
		Page: v.frame(title, pathTransfer), Words: w, Title: title, Text: text, Again: pathTransfer + "?" + url.Values{"ns": {u.ns}}.Encode(),
		Crumbs: []parts.Crumb{{Href: pathTransfer + "?" + url.Values{"ns": {u.ns}}.Encode(), Text: w.Title}, {Text: w.ImportTitle}},
	}
}

// standing is how a configuration of a file relates to what is held.
type standing uint8

const (
	isNew standing = iota
	isSame
	isOther
	isIllegal
)

// standingOf returns how an item relates to what is held: the same by its content, whatever its attributes are. A fault says why it can't be.
func (v *visit) standingOf(ns string, it *transfer.Item) (standing, *config.Entry, error) {
	if err := v.Configs.Check(it.Draft(ns, []byte("-"))); err != nil {
		return isIllegal, nil, err
	}
	switch held := v.Configs.Item(config.Key{Namespace: ns, Group: it.Group, DataID: it.DataID}); {
	case held == nil || held.Formal == nil:
		return isNew, nil, nil
	case held.Formal.MD5 == it.MD5:
		return isSame, held.Formal, nil
	default:
		return isOther, held.Formal, nil
	}
}

func (v *visit) showDry(status int, u *upload, problem string) error {
	w := &v.w.Transfer
	archive, err := v.archive(u.content)
	if err != nil {
		return err
	}
	m := views.Dry{
		Import: v.importPage(u, words.Fill(w.DryTitle, v.namespaceName(u.ns)), words.Fill(w.DryText, u.name)),
		ID:     u.id, Problem: problem, Seen: strconv.FormatUint(v.Configs.Revision(), 10),
	}
	chosen := v.chosenRows()
	var counts [isIllegal + 1]int64
	add := func(st standing, r views.Row) {
		if counts[st]++; len(m.Rows) < maxTransferRows {
			m.Rows = append(m.Rows, r)
		}
	}
	for i := range archive.Items {
		it := &archive.Items[i]
		id := strconv.Itoa(i)
		r := views.Row{DataID: it.DataID, Group: it.Group}
		st, held, err := v.standingOf(u.ns, it)
		switch st {
		case isIllegal:
			r.State, r.Reason = parts.State{Kind: "bad", Text: w.Invalid}, v.say(err)
		case isSame:
			r.State, r.Href = parts.State{Kind: "off", Text: w.Same}, configURL(config.Key{Namespace: u.ns, Group: it.Group, DataID: it.DataID}, tabContent)
		case isNew:
			r.State, r.Href, r.ID = parts.State{Kind: "good", Text: w.New}, importURL(u, "row", id), id
		default:
			r.State, r.Href, r.ID, r.Reason = parts.State{Kind: "wait", Text: w.Conflict}, importURL(u, "row", id), id, v.lastChange(held)
		}
		if r.ID != "" {
			r.Label, r.Chosen = words.Fill(w.Include, it.DataID), chosen == nil || chosen[i]
		}
		add(st, r)
	}
	m.Last = strconv.Itoa(len(m.Rows)) // those of the archive that are listed come first
	for _, x := range archive.Unrecognized {
		add(isIllegal, views.Row{DataID: x.Item, State: parts.State{Kind: "bad", Text: w.Invalid}, Reason: v.unrecognized(x)})
	}
	if all := len(archive.Items) + len(archive.Unrecognized); all > len(m.Rows) {
		m.More = words.Fill(w.MoreRows, v.w.Number(int64(all-len(m.Rows))))
	}
	figure := func(st standing, label, note string) parts.Figure {
		return parts.Figure{Label: label, Value: v.w.Number(counts[st]), Note: note, Bad: st == isIllegal && counts[st] > 0}
	}
	m.Figures = []parts.Figure{figure(isNew, w.New, w.NewNote), figure(isOther, w.Conflict, w.ConflictNote), figure(isSame, w.Same, w.SameNote), figure(isIllegal, w.Invalid, w.InvalidNote)}
	if m.Nothing = counts[isNew]+counts[isOther] == 0; m.Nothing {
		m.Text = w.Nothing
	}
	if counts[isOther] > 0 {
		m.Policies = []parts.Option{
			{Value: "SKIP", Text: w.PolicySkip, Note: w.PolicySkipNote},
			{Value: "OVERWRITE", Text: w.PolicyOverwrite, Note: w.PolicyOverwriteNote},
			{Value: "ABORT", Text: w.PolicyAbort, Note: w.PolicyAbortNote},
		}
		for i := range m.Policies {
			m.Policies[i].Selected = m.Policies[i].Value == v.c.FormValue("policy", "SKIP")
		}
	}
	if v.protected(u.ns) && !m.Nothing {
		m.Typed = v.typedField(u.ns)
	}
	v.c.Status(status)
	return v.render(views.DryPage(m))
}

// chosenRows are the rows of the form that are ticked, by their place in the archive; nil where there is no form.
func (v *visit) chosenRows() map[int]bool {
	if v.c.Method() != fiber.MethodPost {
		return nil
	}
	rows := make(map[int]bool)
	for _, id := range v.c.Request().PostArgs().PeekMulti("row") {
		if i, err := strconv.Atoi(string(id)); err == nil {
			rows[i] = true
		}
	}
	return rows
}

// importRow shows what a configuration of the file would change.
func (v *visit) importRow(u *upload, id string) error {
	w := &v.w.Transfer
	archive, err := v.archive(u.content)
	if err != nil {
		return err
	}
	i, err := strconv.Atoi(id)
	if err != nil || i < 0 || i >= len(archive.Items) {
		return v.missing()
	}
	it := &archive.Items[i]
	content, err := archive.Content(i)
	if err != nil {
		return err
	}
	now, _ := current(v.Configs.Item(config.Key{Namespace: u.ns, Group: it.Group, DataID: it.DataID}), "")
	m := views.One{Import: v.importPage(u, it.DataID, it.Group+" · "+words.Fill(w.DryText, u.name))}
	m.Crumbs = append(m.Crumbs[:1], parts.Crumb{Href: importURL(u), Text: w.ImportTitle}, parts.Crumb{Text: it.DataID})
	v.compared(&m.Difference, side{v.w.History.CompareNow, now.Content}, side{u.name, content}, importURL(u, "row", id), it.Type)
	return v.render(views.OnePage(m))
}

// lastChange says when and by whom what is there was changed.
func (v *visit) lastChange(e *config.Entry) string {
	return v.moment(e.ModifiedMs).When + " · " + v.who(e.SrcUser, e.SrcIP)
}

func (v *visit) unrecognized(x transfer.Unrecognized) string {
	w := &v.w.Transfer
	switch x.Reason {
	case transfer.NotTwoParts:
		return w.NotTwoParts
	case transfer.NotInMetadata:
		return w.NotInMetadata
	case transfer.NotInFile:
		return w.NotInFile
	case transfer.Duplicate:
		return w.Duplicate
	}
	return x.Text
}

// importNow imports the file that waits.
func (v *visit) importNow() error {
	w := &v.w.Transfer
	id := v.c.FormValue("id")
	u := v.uploads.get(v.Clock, id, v.session.ID)
	switch {
	case u == nil:
		return v.showTransfer(fiber.StatusGone, w.Gone, "")
	case u.taken: // a second press
		return v.go303(importURL(u))
	case !v.confirmed(u.ns):
		return v.showDry(fiber.StatusBadRequest, u, words.Fill(v.w.Parts.TypeToConfirm, v.namespaceName(u.ns)))
	}
	policy, err := transfer.ParsePolicy(v.c.FormValue("policy", "SKIP"))
	if err != nil {
		return err
	}
	if u = v.uploads.take(v.Clock, id, v.session.ID); u == nil {
		return v.go303(pathTransfer)
	}
	report, err := v.Transfer.Import(v.c.UserContext(), v.actor(), transfer.ImportRequest{
		Namespace: u.ns, File: bytes.NewReader(u.content), Size: int64(len(u.content)), Policy: policy, Choose: v.choice(u.ns),
	})
	v.uploads.finish(u, report, err)
	return v.go303(importURL(u))
}

// choice decides what the form says of each configuration: those that are listed and not ticked are left out, as is what is the same
// already. What was changed after the person looked is not replaced.
func (v *visit) choice(ns string) func(*transfer.Item) transfer.Choice {
	rows, seen := v.chosenRows(), v.revision("seen")
	listed, _ := strconv.Atoi(v.c.FormValue("last"))
	i := -1
	return func(it *transfer.Item) transfer.Choice {
		i++
		st, held, _ := v.standingOf(ns, it)
		switch {
		case st == isSame, i < listed && !rows[i]:
			return transfer.Choice{Leave: true}
		case st == isOther && held.Revision > seen:
			return transfer.Choice{Leave: true, Fault: changedSince}
		case st == isOther:
			return transfer.Choice{IfRevision: held.Revision}
		}
		return transfer.Choice{}
	}
}

// changedSince is why a configuration is not replaced that was published after the person looked.
var changedSince = fault.New(fault.Conflict, "it was changed after you looked")

// showDone shows what an import did.
func (v *visit) showDone(u *upload) error {
	w := &v.w.Transfer
	m := views.Done{
		Import:      v.importPage(u, w.DoneTitle, words.Fill(w.DoneText, v.w.Number(int64(u.report.Succeeded)), u.name, v.namespaceName(u.ns))),
		ConfigsHref: pathConfigs + "?" + url.Values{"ns": {u.ns}}.Encode(),
	}
	if u.err != nil {
		m.Problem = v.say(u.err)
	}
	for _, f := range u.report.Failed {
		reason := w.Existing
		if f.Fault != nil {
			reason = v.say(f.Fault)
		}
		m.Failed = append(m.Failed, v.nameRow(u.ns, f.Name, reason))
	}
	for _, x := range u.report.Unrecognized {
		m.Failed = append(m.Failed, views.Row{DataID: x.Item, Reason: v.unrecognized(x)})
	}
	for _, n := range u.report.Skipped {
		m.Skipped = append(m.Skipped, v.nameRow(u.ns, n, ""))
	}
	m.Failed, m.MoreFailed = v.cut(m.Failed)
	m.Skipped, m.MoreSkipped = v.cut(m.Skipped)
	return v.render(views.DonePage(m))
}

// cut leaves of a list what a page shows, and says how many more there are.
func (v *visit) cut(list []views.Row) (shown []views.Row, more string) {
	if len(list) <= maxTransferRows {
		return list, ""
	}
	return list[:maxTransferRows], words.Fill(v.w.Transfer.MoreRows, v.w.Number(int64(len(list)-maxTransferRows)))
}

func (v *visit) nameRow(ns string, n transfer.Name, reason string) views.Row {
	return views.Row{DataID: n.DataID, Group: n.Group, Reason: reason, Href: configURL(config.Key{Namespace: ns, Group: n.Group, DataID: n.DataID}, tabContent)}
}
