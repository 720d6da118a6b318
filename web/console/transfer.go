package console

import (
	"bytes"
	"errors"
	"io"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/config/transfer"
	"nacre/server/fault"
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
	r.Get(pathImport, p.signedIn((*visit).dryRun))
	r.Post(pathConfirm, p.signedIn((*visit).importNow))
}

func (v *visit) transfer() error { return v.showTransfer(fiber.StatusOK, "") }

// maxZIP is the largest file in bytes that one form can send.
func (v *visit) maxZIP() int64 { return int64(v.Settings.BodyLimit()) - 64<<10 }

func (v *visit) showTransfer(status int, problem string) error {
	w := &v.w.Transfer
	v.c.Status(status)
	return v.render(views.StartPage(views.Start{
		Page: v.frame(w.Title, pathTransfer), Words: w, Problem: problem, FileHint: words.Fill(w.FileHint, v.w.Size(v.maxZIP())),
		Group:  parts.Field{Name: "group", Label: w.Group, Hint: w.GroupHint, Value: v.c.Query("group")},
		DataID: parts.Field{Name: "dataId", Label: w.DataID, Hint: w.DataIDHint, Value: v.c.Query("dataId")},
	}))
}

// export sends a ZIP of what the query selects.
func (v *visit) export() error {
	entries, err := v.Transfer.Select(v.c.UserContext(), transfer.Selection{Namespace: v.ns, Group: v.c.Query("group"), DataID: v.c.Query("dataId")})
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return v.showTransfer(fiber.StatusNotFound, v.w.Transfer.Empty)
	}
	return wire.SendZIP(v.c, v.Clock, v.Log, "application/zip", entries, transfer.FormV2)
}

// upload takes a file and shows what it would change.
func (v *visit) upload() error {
	w := &v.w.Transfer
	v.ns = v.c.FormValue("ns", v.ns)
	header, err := v.c.FormFile("file")
	if err != nil || header.Size == 0 {
		return v.showTransfer(fiber.StatusBadRequest, w.NoFile)
	}
	if header.Size > v.maxZIP() {
		return v.showTransfer(fiber.StatusRequestEntityTooLarge, words.Fill(w.TooLarge, v.w.Size(v.maxZIP())))
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
			return v.showTransfer(fiber.StatusBadRequest, text)
		}
		return err
	}
	u := &upload{id: secret(), name: header.Filename, user: v.user.Name, ns: v.ns, content: content}
	if !v.uploads.add(v.Clock, u) {
		return v.showTransfer(fiber.StatusTooManyRequests, w.Full)
	}
	return v.go303(pathImport + "?" + url.Values{"ns": {v.ns}, "id": {u.id}}.Encode())
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

func (v *visit) dryRun() error {
	u := v.uploads.get(v.Clock, v.c.Query("id"), v.user.Name, false)
	if u == nil {
		return v.showTransfer(fiber.StatusGone, v.w.Transfer.Gone)
	}
	return v.showDry(fiber.StatusOK, u, "")
}

func (v *visit) showDry(status int, u *upload, problem string) error {
	w := &v.w.Transfer
	v.ns = u.ns
	archive, err := v.archive(u.content)
	if err != nil {
		return err
	}
	name := v.namespaceName(u.ns)
	m := views.Dry{
		Page: v.frame(w.Title, pathTransfer), Words: w, ID: u.id, Problem: problem, Title: words.Fill(w.DryTitle, name), Text: words.Fill(w.DryText, u.name),
		Crumbs: []parts.Crumb{{Href: pathTransfer, Text: w.Title}, {Text: w.ImportTitle}},
	}
	var added, same, conflict, invalid int64
	add := func(r views.Row) {
		if len(m.Rows) < maxTransferRows {
			m.Rows = append(m.Rows, r)
		}
	}
	for _, it := range archive.Items {
		k := config.Key{Namespace: u.ns, Group: it.Group, DataID: it.DataID}
		r := views.Row{DataID: it.DataID, Group: it.Group}
		held := v.Configs.Item(k)
		switch {
		case held == nil || held.Formal == nil:
			added++
			r.State = parts.State{Kind: "good", Text: w.New}
		case held.Formal.MD5 == it.MD5:
			same++
			r.State, r.Href = parts.State{Kind: "off", Text: w.Same}, configURL(k, tabContent)
		default:
			conflict++
			r.State, r.Href, r.Reason = parts.State{Kind: "wait", Text: w.Conflict}, configURL(k, tabContent), v.lastChange(held.Formal)
		}
		add(r)
	}
	for _, x := range archive.Unrecognized {
		invalid++
		add(views.Row{DataID: x.Item, State: parts.State{Kind: "bad", Text: w.Invalid}, Reason: v.unrecognized(x)})
	}
	if all := len(archive.Items) + len(archive.Unrecognized); all > len(m.Rows) {
		m.More = words.Fill(w.MoreRows, v.w.Number(int64(all-len(m.Rows))))
	}
	m.Figures = []parts.Figure{
		{Label: w.New, Value: v.w.Number(added), Note: w.NewNote}, {Label: w.Conflict, Value: v.w.Number(conflict), Note: w.ConflictNote},
		{Label: w.Same, Value: v.w.Number(same), Note: w.SameNote}, {Label: w.Invalid, Value: v.w.Number(invalid), Note: w.InvalidNote, Bad: invalid > 0},
	}
	m.Nothing = added+conflict == 0
	if conflict > 0 {
		m.Policies = []parts.Option{
			{Value: "SKIP", Text: w.PolicySkip, Note: w.PolicySkipNote, Selected: true},
			{Value: "OVERWRITE", Text: w.PolicyOverwrite, Note: w.PolicyOverwriteNote},
			{Value: "ABORT", Text: w.PolicyAbort, Note: w.PolicyAbortNote},
		}
	}
	if v.protected(u.ns) {
		m.Typed = v.typedField(u.ns)
	}
	v.c.Status(status)
	return v.render(views.DryPage(m))
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
	u := v.uploads.get(v.Clock, id, v.user.Name, false)
	if u == nil {
		return v.showTransfer(fiber.StatusGone, w.Gone)
	}
	v.ns = u.ns
	if !v.confirmed(u.ns) {
		return v.showDry(fiber.StatusBadRequest, u, words.Fill(v.w.Parts.TypeToConfirm, v.namespaceName(u.ns)))
	}
	policy, err := transfer.ParsePolicy(v.c.FormValue("policy", "SKIP"))
	if err != nil {
		return err
	}
	if v.uploads.get(v.Clock, id, v.user.Name, true) == nil { // a second press was faster
		return v.showTransfer(fiber.StatusGone, w.Gone)
	}
	report, err := v.Transfer.Import(v.c.UserContext(), v.actor(), transfer.ImportRequest{
		Namespace: u.ns, File: bytes.NewReader(u.content), Size: int64(len(u.content)), Policy: policy,
	})
	m := views.Done{
		Page: v.frame(w.DoneTitle, pathTransfer), Words: w, Text: words.Fill(w.DoneText, v.w.Number(int64(report.Succeeded))),
		Crumbs:      []parts.Crumb{{Href: pathTransfer, Text: w.Title}, {Text: w.ImportTitle}},
		ConfigsHref: pathConfigs + "?" + url.Values{"ns": {u.ns}}.Encode(),
	}
	if err != nil {
		m.Problem = v.say(err)
	}
	for _, f := range report.Failed {
		reason := w.Existing
		if f.Fault != nil {
			reason = v.say(f.Fault)
		}
		m.Failed = append(m.Failed, v.nameRow(u.ns, f.Name, reason))
	}
	for _, x := range report.Unrecognized {
		m.Failed = append(m.Failed, views.Row{DataID: x.Item, Reason: v.unrecognized(x)})
	}
	for _, n := range report.Skipped {
		m.Skipped = append(m.Skipped, v.nameRow(u.ns, n, ""))
	}
	m.Failed, m.Skipped = m.Failed[:min(len(m.Failed), maxTransferRows)], m.Skipped[:min(len(m.Skipped), maxTransferRows)]
	return v.render(views.DonePage(m))
}

func (v *visit) nameRow(ns string, n transfer.Name, reason string) views.Row {
	return views.Row{DataID: n.DataID, Group: n.Group, Reason: reason, Href: configURL(config.Key{Namespace: ns, Group: n.Group, DataID: n.DataID}, tabContent)}
}
