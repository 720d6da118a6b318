package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/config/diff"
	"nacre/server/config/format"
	"nacre/server/draft"
	"nacre/server/fault"
	"nacre/server/resource"
	"nacre/views/edit"
	"nacre/views/words"
)

// finding is a problem of a content as scripts get it: worded in the person's language.
type finding struct {
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndColumn int    `json:"endColumn"`
	Severity  string `json:"severity"`
	Text      string `json:"text"`
}

// wordProblem says what is wrong in the person's language.
func (v *visit) wordProblem(p format.Problem) string {
	text := v.w.Problem(p.Code)
	switch {
	case text == "":
		return p.Text
	case len(p.Args) == 0:
		return text
	}
	return fmt.Sprintf(text, p.Args...)
}

func (v *visit) problems(list []format.Problem) []edit.Problem {
	var out []edit.Problem
	for _, p := range list {
		one := edit.Problem{
			Kind: p.Severity, Word: v.w.Edit.Warning, Text: v.wordProblem(p),
			Place: words.Fill(v.w.Edit.Place, v.w.Number(int64(p.Line)), v.w.Number(int64(p.Column))),
		}
		if p.Severity == format.Error {
			one.Word = v.w.Edit.Error
		}
		out = append(out, one)
	}
	return out
}

// checked returns what is wrong in a content: conflicts of a merge that nobody decided, else what its type says. A type that
// has no syntax of its own is plain text.
func (v *visit) checked(typ string, content []byte) []format.Problem {
	if left := marks(content); len(left) > 0 {
		list := make([]format.Problem, 0, len(left))
		for _, line := range left {
			list = append(list, format.Problem{Line: line, Column: 1, EndColumn: 1 + len(diff.MarkMine), Severity: format.Error, Text: v.w.Edit.MarkHere})
		}
		return list
	}
	t := format.Type(typ)
	if !t.Valid() {
		t = format.Text
	}
	return format.Check(t, content)
}

func hasErrors(list []format.Problem) bool {
	return slices.ContainsFunc(list, func(p format.Problem) bool { return p.Severity == format.Error })
}

// check answers the editor while somebody types. With auto in the query the type is the one that is found.
func (v *visit) check() error {
	content := []byte(v.c.FormValue("content"))
	typ := v.c.FormValue("type")
	if typ == "" || v.c.Query("auto") != "" {
		typ = string(format.Detect(v.c.Query("dataId"), content))
	}
	list := make([]finding, 0)
	for _, p := range v.checked(typ, content) {
		list = append(list, finding{p.Line, p.Column, p.EndColumn, p.Severity, v.wordProblem(p)})
	}
	return v.json(fiber.StatusOK, fiber.Map{"type": typ, "name": v.typeName(typ), "problems": list})
}

// layOut answers a script that wants a content laid out anew.
func (v *visit) layOut() error {
	wk := v.readWork()
	laid, problem := v.laidOut(wk)
	if problem != "" {
		return v.json(fiber.StatusBadRequest, fiber.Map{"error": problem})
	}
	return v.json(fiber.StatusOK, fiber.Map{"content": string(laid)})
}

// laidOut returns the content laid out anew, or why it can't be.
func (v *visit) laidOut(wk work) (laid []byte, problem string) {
	laid, err := format.Pretty(format.Type(wk.typ), wk.content)
	if err == nil {
		return laid, ""
	}
	if hasErrors(v.checked(wk.typ, wk.content)) {
		return nil, v.w.Edit.Unlaid
	}
	return nil, v.w.Edit.NoLayout
}

// ownDraft returns what is known of the person's own draft of k; nil for none.
func (v *visit) ownDraft(k config.Key) *draft.Info {
	all := v.Drafts.Editing(k)
	if i := slices.IndexFunc(all, func(d draft.Info) bool { return d.User == v.user.Name }); i >= 0 {
		return &all[i]
	}
	return nil
}

// asDraft returns the work as a draft of the person's.
func (v *visit) asDraft(wk *work) draft.Draft {
	d := draft.Draft{
		User: v.user.Name, Key: wk.key, Content: wk.content, Type: wk.typ, Desc: wk.desc, AppName: wk.app, Tags: wk.tags, BaseRevision: wk.base,
	}
	if h := v.heldOf(wk.key, ""); h != nil && h.revision == wk.base {
		d.BaseMD5 = h.entry.MD5
	}
	return d
}

// saveDraft keeps what the editor sends. What is published already is no draft.
func (v *visit) saveDraft() error {
	wk := v.readWork()
	wk.draft = v.revision("version")
	own := v.ownDraft(wk.key)
	if own == nil && wk.base == 0 && len(wk.content) == 0 {
		return v.json(fiber.StatusOK, fiber.Map{"version": 0})
	}
	if h := v.heldOf(wk.key, ""); h != nil && h.revision == wk.base && wk.same(h) {
		if own == nil {
			return v.json(fiber.StatusOK, fiber.Map{"version": 0})
		}
		if own.Version == wk.draft {
			if err := v.Drafts.Drop(v.c.UserContext(), v.user.Name, wk.key); err != nil {
				return err
			}
			return v.json(fiber.StatusOK, fiber.Map{"version": 0})
		}
	}
	version, err := v.Drafts.Save(v.c.UserContext(), v.asDraft(&wk), wk.draft)
	if fault.CodeOf(err) == draft.CodeStale {
		var now uint64
		if own != nil {
			now = own.Version
		}
		return v.json(fiber.StatusConflict, fiber.Map{"version": now, "error": v.w.Edit.KeptElsewhere})
	}
	if err != nil {
		return err
	}
	return v.json(fiber.StatusOK, fiber.Map{"version": version})
}

// dropDraft lets go of a draft.
func (v *visit) dropDraft() error {
	k, err := v.key()
	if err != nil {
		return err
	}
	if err := v.Drafts.Drop(v.c.UserContext(), v.user.Name, k); err != nil {
		return err
	}
	to := configURL(k, tabContent)
	if v.heldOf(k, "") == nil {
		to = pathNew + "?" + url.Values{"ns": {k.Namespace}}.Encode()
	}
	return v.done(to, v.w.Edit.Discarded, "")
}

// keep saves the work as a draft before it is reviewed, so that a page that is closed loses nothing. Where it can't be kept the
// review goes on all the same: the page has it.
func (v *visit) keep(ctx context.Context, wk *work) {
	if wk.gray != "" {
		return
	}
	d := v.asDraft(wk)
	if own := v.ownDraft(wk.key); own != nil && own.Digest == d.Digest() && own.BaseRevision == d.BaseRevision {
		wk.draft = own.Version
		return
	}
	if version, err := v.Drafts.Save(ctx, d, wk.draft); err == nil {
		wk.draft = version
	}
}

// dropKept lets go of the draft that holds just what was published, or the version that was; one that another tab saved
// meanwhile stays.
func (v *visit) dropKept(wk *work) {
	own := v.ownDraft(wk.key)
	if own == nil || wk.gray != "" {
		return
	}
	d := v.asDraft(wk)
	if own.Version != wk.draft && own.Digest != d.Digest() {
		return
	}
	if err := v.Drafts.Drop(v.c.UserContext(), v.user.Name, wk.key); err != nil {
		v.Log.Warn("a published draft was not dropped", "key", wk.key.String(), "error", err)
	}
}

// mistakes are what is wrong in the form of the editor, worded.
type mistakes struct {
	problem, dataID, group, desc, tags, app, content string
	problems                                         []format.Problem
}

// mistakesOf returns what is wrong in wk; ok is true when it can be reviewed.
func (v *visit) mistakesOf(wk *work) (m mistakes, ok bool) {
	w := &v.w.Edit
	number := func(n int) string { return v.w.Number(int64(n)) }
	var bad *resource.Violation
	if err := resource.CheckKey(wk.key); errors.As(err, &bad) {
		text := w.NameChars
		switch {
		case bad.Missing:
			text = w.NameMissing
		case bad.Max > 0:
			text = words.Fill(w.NameLong, number(bad.Max))
		}
		switch bad.Field {
		case resource.FieldDataID:
			m.dataID = text
		case resource.FieldGroup:
			m.group = text
		default:
			m.problem = v.w.Parts.Namespace + ": " + text
		}
	}
	if utf8.RuneCountInString(wk.desc) > config.MaxDesc {
		m.desc = words.Fill(w.DescLong, number(config.MaxDesc))
	}
	if utf8.RuneCountInString(wk.app) > config.MaxAppName {
		m.app = words.Fill(w.AppLong, number(config.MaxAppName))
	}
	tags := tagList(wk.tags)
	if len(tags) > config.MaxTags {
		m.tags = words.Fill(w.TagsMany, number(config.MaxTags))
	}
	for _, t := range tags {
		if utf8.RuneCountInString(t) > config.MaxTagLength {
			m.tags = words.Fill(w.TagLong, number(config.MaxTagLength))
		}
	}
	size := len(wk.published())
	switch {
	case len(bytes.TrimSpace(wk.content)) == 0:
		m.content = w.Blank
	case size > v.Configs.MaxContent():
		m.content = words.Fill(w.Large, v.w.Size(int64(size)), v.w.Size(int64(v.Configs.MaxContent())))
	case !utf8.Valid(wk.content):
		m.content = w.NotTextText
	default:
		m.problems = v.checked(wk.typ, wk.content)
		if left := marks(wk.content); len(left) > 0 {
			m.problem = w.MarksLeft
		} else if hasErrors(m.problems) {
			m.problem = words.Fill(w.Refused, v.typeName(wk.typ))
		}
	}
	return m, m.problem+m.dataID+m.group+m.desc+m.tags+m.app+m.content == ""
}

// marks returns the numbers of the lines at which a conflict of a merge begins that nobody decided.
func marks(content []byte) []int {
	if !bytes.Contains(content, []byte(diff.MarkMine)) {
		return nil
	}
	var left []int
	open, n := 0, 0
	middle := false
	for line := range bytes.Lines(content) {
		n++
		switch string(bytes.TrimRight(line, "\n")) {
		case diff.MarkMine:
			open, middle = n, false
		case diff.MarkMiddle:
			middle = open > 0
		case diff.MarkTheirs:
			if middle {
				left = append(left, open)
			}
			open, middle = 0, false
		}
	}
	return left
}

// tagList splits what a person wrote into tags.
func tagList(text string) []string {
	var list []string
	for t := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '，' }) {
		if t = strings.TrimSpace(t); t != "" && !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	return list
}

// same reports whether wk is what is published already.
func (w *work) same(h *held) bool {
	if h == nil || !bytes.Equal(w.published(), h.content) {
		return false
	}
	return w.gray != "" || w.attributes.equal(h.attributes)
}

func (a attributes) equal(b attributes) bool {
	return config.KnownType(a.typ) == config.KnownType(b.typ) && a.desc == b.desc && a.app == b.app && slices.Equal(tagList(a.tags), tagList(b.tags))
}

// stale reports whether what is held is not what the person began with.
func (w *work) stale(h *held) bool {
	if h == nil {
		return w.base != 0
	}
	return h.revision != w.base
}
