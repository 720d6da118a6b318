package console

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/config/format"
	"nacre/server/draft"
	"nacre/server/resource"
	"nacre/views/edit"
	"nacre/views/parts"
	"nacre/views/words"
)

const (
	pathNew     = pathConfig + "/new"
	pathOthers  = pathEdit + "/others"
	pathReview  = pathConfig + "/review"
	pathPublish = pathConfig + "/publish"
	pathCheck   = "/console/check"
	pathLayOut  = "/console/layout"
	pathDraft   = "/console/draft"
	pathDrop    = pathDraft + "/drop"
	pathPromote = pathConfig + "/canary/promote"
	pathStop    = pathConfig + "/canary/stop"
)

// maxEdit is the size in bytes above which a content is not offered for editing in a browser.
const maxEdit = 12 << 20

func (p *pages) editRoutes(r fiber.Router) {
	r.Get(pathNew, p.signedIn((*visit).newPage))
	r.Get(pathEdit, p.signedIn((*visit).editPage))
	r.Get(pathOthers, p.signedIn((*visit).others))
	r.Post(pathReview, p.signedIn((*visit).review))
	r.Post(pathPublish, p.signedIn((*visit).publish))
	r.Post(pathCheck, p.signedIn((*visit).check))
	r.Post(pathLayOut, p.signedIn((*visit).layOut))
	r.Post(pathDraft, p.signedIn((*visit).saveDraft))
	r.Post(pathDrop, p.signedIn((*visit).dropDraft))
	r.Get(pathConfig+"/"+tabCanary, p.signedIn((*visit).canary))
	r.Post(pathPromote, p.signedIn((*visit).promote))
	r.Post(pathStop, p.signedIn((*visit).stopCanary))
}

// work is what the form of the editor holds: a configuration, or a variant of one, that a person works on.
type work struct {
	key config.Key
	// gray is the variant, "" for the formal content.
	gray string
	attributes
	// detect says that the type is the one that is found.
	detect bool
	// content has LF at the end of lines, as a browser's forms can't keep others; crlf says that it is published with CRLF.
	content []byte
	crlf    bool
	// base is the revision that the person began with, 0 when there was none.
	base uint64
	// draft is the version of the draft that holds it, 0 for none.
	draft uint64
}

// attributes are what a person can change of a configuration beside its content.
type attributes struct{ typ, desc, tags, app string }

// fresh reports whether there was nothing when the person began, so that the names can still be chosen.
func (w *work) fresh() bool { return w.base == 0 && w.gray == "" }

// published returns the content with the line ends that it is published with.
func (w *work) published() []byte {
	if w.crlf {
		return bytes.ReplaceAll(w.content, []byte("\n"), []byte("\r\n"))
	}
	return w.content
}

// held is what is published of that which somebody works on.
type held struct {
	attributes
	content  []byte
	revision uint64
	by       string
	ms       int64
	entry    *config.Entry // of the formal content, nil when there is none
	gray     *config.Gray  // of the variant
}

// heldOf returns what is published of k, or of its variant gray unless that is ""; nil for nothing.
func (v *visit) heldOf(k config.Key, gray string) *held {
	it := v.Configs.Item(k)
	if it == nil {
		return nil
	}
	h := &held{entry: it.Formal}
	if e := it.Formal; e != nil {
		h.attributes = attributes{e.Type, deref(e.Desc), config.JoinTags(e.Tags), e.AppName}
	}
	if gray != "" {
		g := it.Gray(gray)
		if g == nil {
			return nil
		}
		h.content, h.revision, h.by, h.ms, h.gray = g.Content, g.Revision, v.someone(g.SrcUser, g.SrcIP), g.ModifiedMs, g
		return h
	}
	if h.entry == nil {
		return nil
	}
	e := h.entry
	h.content, h.revision, h.by, h.ms = e.Content, e.Revision, v.someone(e.SrcUser, e.SrcIP), e.ModifiedMs
	return h
}

// someone names who did something as the subject of a sentence: the user, else the address.
func (v *visit) someone(user, ip string) string { return cmp.Or(user, ip, v.w.History.Unknown) }

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// workOn returns what is held as what a person begins with.
func workOn(k config.Key, gray string, h *held) work {
	w := work{key: k, gray: gray, detect: true}
	if h != nil {
		w.attributes, w.base, w.detect = h.attributes, h.revision, false
		w.content, w.crlf = lines(h.content)
	}
	return w
}

// lines returns content with LF at the end of all lines, and whether all of them ended with CRLF.
func lines(content []byte) (lf []byte, crlf bool) {
	if bytes.IndexByte(content, '\r') < 0 {
		return content, false
	}
	lf = bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
	crlf = len(content)-len(lf) == bytes.Count(lf, []byte("\n"))
	return bytes.ReplaceAll(lf, []byte("\r"), []byte("\n")), crlf && bytes.IndexByte(lf, '\r') < 0
}

// readWork reads the form of the editor, or what a script sends of it.
func (v *visit) readWork() work {
	w := work{
		key:  config.Key{Namespace: v.value("ns"), Group: strings.TrimSpace(v.value("group")), DataID: strings.TrimSpace(v.value("dataId"))},
		gray: v.value("gray"), crlf: v.value("eol") == "crlf", base: v.revision("base"), draft: v.revision("draft"),
		attributes: attributes{v.value("type"), strings.TrimSpace(v.value("desc")), strings.TrimSpace(v.value("tags")), strings.TrimSpace(v.value("app"))},
	}
	if w.key.Namespace == "" {
		w.key.Namespace = resource.DefaultNamespace
	}
	v.ns = w.key.Namespace
	w.content, _ = lines([]byte(v.c.FormValue("content")))
	if w.typ == "" {
		w.detect, w.typ = true, string(format.Detect(w.key.DataID, w.content))
	}
	return w
}

func (v *visit) newPage() error {
	group := v.c.Query("group", resource.DefaultGroup)
	w := work{key: config.Key{Namespace: v.ns, Group: group, DataID: v.c.Query("dataId")}, detect: true}
	m := v.editor(w, mistakes{})
	for _, d := range v.Drafts.Of(v.user.Name) {
		if d.Key.Namespace == v.ns && v.heldOf(d.Key, "") == nil {
			m.Drafts = append(m.Drafts, edit.Link{Href: pathEdit + keyQuery(d.Key), Text: d.Key.DataID, Note: d.Key.Group, When: v.moment(d.SavedMs)})
		}
	}
	return v.render(edit.EditorPage(m))
}

func (v *visit) editPage() error {
	k, err := v.key()
	if err != nil {
		return err
	}
	gray := v.c.Query("gray")
	h := v.heldOf(k, gray)
	if h == nil && gray != "" {
		return v.done(configURL(k, tabCanary), v.w.Publish.CanaryGone, "")
	}
	if h != nil {
		if e := v.unfit(h.content); e != nil {
			m := edit.Refusal{Page: v.frame(k.DataID, pathConfigs), Heading: k.DataID, Crumbs: v.crumbs(k), Empty: *e}
			m.Empty.Href, m.Empty.Action, m.Empty.Icon = configURL(k, tabContent), v.w.Edit.Back, "config"
			return v.render(edit.RefusalPage(m))
		}
	}
	w := workOn(k, gray, h)
	saved, err := v.draftFor(k, gray)
	if err != nil {
		return err
	}
	m := v.editor(w, mistakes{})
	if saved != nil {
		w.attributes = attributes{saved.Type, saved.Desc, saved.Tags, saved.AppName}
		w.content, w.base, w.draft, w.detect = saved.Content, saved.BaseRevision, saved.Version, saved.Type == ""
		m = v.editor(w, mistakes{})
		m.Draft, m.Drop, m.Key = words.Fill(v.w.Edit.DraftLoaded, v.moment(saved.SavedMs).When), pathDrop, keyFields(k)
	}
	return v.render(edit.EditorPage(m))
}

// draftFor returns the person's draft of k, nil for none. Variants have no drafts.
func (v *visit) draftFor(k config.Key, gray string) (*draft.Draft, error) {
	if _, any := v.draftOf(k); !any || gray != "" {
		return nil, nil
	}
	return v.Drafts.Get(v.c.UserContext(), v.user.Name, k)
}

func keyFields(k config.Key) [][2]string {
	return [][2]string{{"ns", k.Namespace}, {"group", k.Group}, {"dataId", k.DataID}}
}

// unfit says why a content can't be edited in a browser; nil when it can.
func (v *visit) unfit(content []byte) *parts.Empty {
	w := &v.w.Edit
	switch {
	case len(content) > maxEdit:
		return &parts.Empty{Title: w.TooLarge, Text: words.Fill(w.TooLargeText, v.w.Size(int64(len(content))), v.w.Size(maxEdit))}
	case !utf8.Valid(content) || bytes.IndexByte(content, 0) >= 0:
		return &parts.Empty{Title: w.NotText, Text: w.NotTextText}
	}
	return nil
}

func (v *visit) crumbs(k config.Key) []parts.Crumb {
	list := []parts.Crumb{{Href: pathConfigs + "?" + url.Values{"ns": {k.Namespace}}.Encode(), Text: v.namespaceName(k.Namespace)}}
	if k.DataID == "" {
		return append(list, parts.Crumb{Text: v.w.Edit.NewTitle})
	}
	return append(list,
		parts.Crumb{Href: pathConfigs + "?" + url.Values{"ns": {k.Namespace}, "q": {"group:" + quoted(k.Group)}}.Encode(), Text: k.Group},
		parts.Crumb{Href: configURL(k, tabContent), Text: k.DataID})
}

// editor returns the model of the editor that holds wk, with what is wrong in it.
func (v *visit) editor(wk work, wrong mistakes) edit.Model {
	w := &v.w.Edit
	h := v.heldOf(wk.key, wk.gray)
	title := w.NewTitle
	if !wk.fresh() {
		title = words.Fill(w.Title, wk.key.DataID)
	}
	m := edit.Model{
		Page: v.frame(title, pathConfigs), Heading: title, Problem: wrong.problem, Problems: v.problems(wrong.problems),
		Review: pathReview, Type: wk.typ, Content: string(wk.content), ContentError: wrong.content,
		DraftVersion: strconv.FormatUint(wk.draft, 10), LayOut: pathLayOut, Phrases: asJSON(v.w.EditorPhrases()), Says: v.says(),
		Back: pathConfigs + "?" + url.Values{"ns": {wk.key.Namespace}}.Encode(),
	}
	m.Crumbs = v.crumbs(wk.key)
	m.Hidden = [][2]string{{"ns", wk.key.Namespace}, {"base", strconv.FormatUint(wk.base, 10)}}
	if wk.crlf {
		m.Hidden = append(m.Hidden, [2]string{"eol", "crlf"})
		m.Notes = append(m.Notes, w.CRLF)
	} else if h != nil && wk.base == h.revision && bytes.IndexByte(h.content, '\r') >= 0 {
		m.Notes = append(m.Notes, w.Mixed)
	}
	if looks := typeBy(wk.typ, wk.key, wk.content); !wk.detect && wk.gray == "" && looks != wk.typ && looks != string(format.Text) {
		m.Notes = append(m.Notes, words.Fill(w.LooksLike, v.typeName(looks), v.typeName(wk.typ)))
	}
	if h != nil && h.encrypted() {
		m.Notes = append(m.Notes, w.Encrypted)
	}
	if wk.fresh() {
		m.Crumbs = v.crumbs(config.Key{Namespace: wk.key.Namespace})
		m.Names = []parts.Field{
			{Name: "dataId", Label: v.w.Parts.DataID, Value: wk.key.DataID, Hint: w.DataIDHint, Error: wrong.dataID, Required: true, MaxLength: strconv.Itoa(resource.MaxDataID), Autofocus: wk.key.DataID == "", Autocomplete: "off"},
			{Name: "group", Label: v.w.Parts.Group, Value: wk.key.Group, Hint: w.GroupHint, Error: wrong.group, Required: true, MaxLength: strconv.Itoa(resource.MaxGroup), Autocomplete: "off"},
		}
	} else {
		m.Back = configURL(wk.key, tabContent)
		m.Hidden = append(m.Hidden, [2]string{"group", wk.key.Group}, [2]string{"dataId", wk.key.DataID})
		m.Chips = []string{wk.key.Group}
		m.Live = v.live(wk)
	}
	if wk.gray != "" {
		m.Back = configURL(wk.key, tabCanary)
		m.Hidden = append(m.Hidden, [2]string{"gray", wk.gray})
		m.Chips = append(m.Chips, words.Fill(w.Variant, wk.gray))
	}
	if wk.detect {
		m.Type = string(format.Detect(wk.key.DataID, wk.content))
	}
	m.Check = pathCheck + "?" + url.Values{"dataId": {wk.key.DataID}}.Encode()
	m.Drafting, m.Again = pathDraft, pathEdit+keyQuery(wk.key)
	if wk.gray != "" {
		m.Hidden = append(m.Hidden, [2]string{"type", wk.typ})
		return m
	}
	m.Types = v.types(wk)
	m.Attributes, m.AttributesOpen = v.attributeFields(wk.attributes, wrong)
	if resource.CheckKey(wk.key) == nil {
		m.DraftAt = pathDraft + keyQuery(wk.key, "base", strconv.FormatUint(wk.base, 10))
	}
	return m
}

func (v *visit) attributeFields(a attributes, wrong mistakes) (fields []parts.Field, open bool) {
	w, p := &v.w.Edit, &v.w.Parts
	return []parts.Field{
		{Name: "desc", Label: p.Desc, Value: a.desc, Hint: w.DescHint, Error: wrong.desc, Autocomplete: "off"},
		{Name: "tags", Label: p.Tags, Value: a.tags, Hint: words.Fill(w.TagsHint, v.w.Number(config.MaxTags)), Error: wrong.tags, Autocomplete: "off"},
		{Name: "app", Label: p.App, Value: a.app, Hint: w.AppHint, Error: wrong.app, Autocomplete: "off"},
	}, wrong.desc+wrong.tags+wrong.app+a.desc+a.tags+a.app != ""
}

// types are those that a person can choose from. A variant has that of the formal content.
func (v *visit) types(wk work) []parts.Option {
	var list []parts.Option
	if wk.fresh() {
		list = append(list, parts.Option{Value: "", Text: v.w.Edit.TypeAuto, Selected: wk.detect})
	}
	known := false
	for _, t := range format.Types() {
		is := !wk.detect && string(t) == wk.typ
		known = known || is
		list = append(list, parts.Option{Value: string(t), Text: v.typeName(string(t)), Selected: is})
	}
	if !known && !wk.detect {
		list = append(list, parts.Option{Value: wk.typ, Text: wk.typ, Selected: true})
	}
	return list
}

func (v *visit) typeName(t string) string {
	switch format.Type(t) {
	case format.Text:
		return v.w.Edit.TypeText
	case format.Properties:
		return "Properties"
	}
	return strings.ToUpper(t)
}

func (h *held) encrypted() bool {
	if h.gray != nil {
		return h.gray.EncryptedDataKey != ""
	}
	return h.entry != nil && h.entry.EncryptedDataKey != ""
}

// live says what others do meanwhile.
func (v *visit) live(wk work) edit.Live {
	w := &v.w.Edit
	l := edit.Live{At: pathOthers + keyQuery(wk.key, "base", strconv.FormatUint(wk.base, 10), "gray", wk.gray), Editing: v.alsoEditing(wk.key)}
	switch h := v.heldOf(wk.key, wk.gray); {
	case h == nil && wk.base != 0:
		l.Newer = w.Gone
	case h != nil && h.revision != wk.base:
		l.Newer = words.Fill(w.Newer, h.by, v.moment(h.ms).When)
	}
	return l
}

func (v *visit) others() error {
	k, err := v.key()
	if err != nil {
		return err
	}
	return v.render(edit.Others(v.live(work{key: k, gray: v.c.Query("gray"), base: v.revision("base")})))
}

// says are the words that scripts need on the page.
func (v *visit) says() string {
	w := &v.w.Edit
	return asJSON(map[string]string{
		"place": w.Place, "none": w.NoProblems, "notChecked": w.NotChecked, "big": w.TooBig, "auto": w.TypeAutoIs, "error": w.Error, "warning": w.Warning,
		"saved": w.Kept, "saving": w.Keeping, "failed": w.NotKept,
	})
}

// asJSON returns what a script reads from an attribute. It is of texts alone, which can't fail.
func asJSON(texts map[string]string) string {
	b, _ := json.Marshal(texts)
	return string(b)
}
