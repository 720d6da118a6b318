package console

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/config/format"
	views "nacre/views/config"
	"nacre/views/parts"
	"nacre/views/words"
)

const (
	pathRaw = pathConfig + "/raw"
	// maxShown and maxLines bound how much of a content a page shows.
	maxShown = 1 << 20
	maxLines = 20_000
	// maxChecked is the largest content in bytes that is read for mistakes whenever it is shown, of which the first few are named.
	maxChecked  = 256 << 10
	maxMistakes = 5
)

func (p *pages) configRoutes(r fiber.Router) {
	r.Get(pathConfig, p.signedIn((*visit).content))
	r.Get(pathRaw, p.signedIn((*visit).raw))
	r.Get(pathConfig+"/"+tabSnippets, p.signedIn((*visit).snippetsPage))
	r.Post(pathDelete, p.signedIn((*visit).delete))
}

func (v *visit) content() error {
	k, err := v.key()
	if err != nil {
		return err
	}
	return v.showContent(fiber.StatusOK, k, "")
}

func (v *visit) showContent(status int, k config.Key, problem string) error {
	item := v.Configs.Item(k)
	if item == nil {
		return v.absent(k, tabContent)
	}
	w := &v.w.Config
	m := views.Content{
		Head: v.head(k, item, tabContent), Problem: problem,
		RawHref: pathRaw + keyQuery(k), GetHref: pathRaw + keyQuery(k, "get", "1"),
	}
	if len(item.Grays) > 0 {
		m.Variants, m.VariantsHref = w.VariantsHere, configURL(k, tabCanary)
	}
	if e := item.Formal; e != nil {
		v.showEntry(&m, e)
	} else {
		m.Variants, m.RawHref, m.GetHref = w.OnlyCanary, "", ""
	}
	v.c.Status(status)
	return v.render(views.ContentPage(m))
}

func (v *visit) showEntry(m *views.Content, e *config.Entry) {
	w := v.w
	m.Lines, m.Copy = numberedLines(e.Content)
	m.Language = e.Type
	switch {
	case !utf8.Valid(e.Content):
		m.Lines, m.Copy, m.Note = nil, false, w.Config.NotText
	case !m.Copy:
		m.Note = words.Fill(w.Config.Shown, w.Number(int64(len(m.Lines))), w.Size(int64(len(e.Content))))
	}
	v.showMistakes(m, e)
	m.Changed, m.ChangedBy, m.Created = v.moment(e.ModifiedMs), v.who(e.SrcUser, e.SrcIP), v.moment(e.CreatedMs)
	if e.SrcUser != "" && e.SrcIP != "" {
		m.ChangedBy += " · " + e.SrcIP
	}
	if e.Desc != nil {
		m.Desc = *e.Desc
	}
	for _, t := range e.Tags {
		m.Tags = append(m.Tags, views.Link{Text: t, Href: listURL(e.Key.Namespace, "tag:"+quoted(t), false)})
	}
	k := e.Key
	m.Facts = []parts.Fact{
		{Name: w.Parts.Group, Value: k.Group, CopyAs: k.Group},
		{Name: w.Parts.Namespace, Value: k.Namespace}, {Name: w.Parts.Type, Value: e.Type},
		{Name: w.Parts.Size, Value: w.Size(int64(len(e.Content))), Title: words.Fill(w.Parts.BytesUnit, w.Number(int64(len(e.Content))))},
		{Name: w.Parts.MD5, Value: e.MD5, Mono: true, CopyAs: e.MD5}, {Name: w.Parts.Revision, Value: strconv.FormatUint(e.Revision, 10)},
	}
	for _, f := range []parts.Fact{{Name: w.Parts.App, Value: e.AppName}, {Name: "use", Value: text(e.Use)}, {Name: "effect", Value: text(e.Effect)}, {Name: "schema", Value: text(e.Schema)}} {
		if f.Value != "" {
			m.Facts = append(m.Facts, f)
		}
	}
	if e.EncryptedDataKey != "" {
		m.Facts = append(m.Facts, parts.Fact{Name: w.Config.Encrypted, Value: w.Config.EncryptedText})
	}
}

// showMistakes names the lines of a content that its type does not allow; warnings are the editor's business.
func (v *visit) showMistakes(m *views.Content, e *config.Entry) {
	if !m.Copy || len(e.Content) > maxChecked {
		return
	}
	m.MistakesTitle = words.Fill(v.w.Config.Mistakes, e.Type)
	for _, p := range v.checked(e.Type, e.Content) {
		if p.Severity == format.Error && len(m.Mistakes) < maxMistakes {
			line := strconv.Itoa(p.Line)
			m.Mistakes = append(m.Mistakes, views.Link{Text: words.Fill(v.w.Configs.HitLine, line) + ": " + v.wordProblem(p), Href: "#l" + line})
		}
	}
}

// text is what s points to, "" for nil.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// numberedLines returns the lines of a content with their ends, and whether these are all.
func numberedLines(content []byte) (lines []string, all bool) {
	all = true
	if len(content) > maxShown {
		content, all = content[:maxShown], false
		for len(content) > 0 && !utf8.RuneStart(content[len(content)-1]) {
			content = content[:len(content)-1]
		}
		if n := len(content); content[n-1] >= utf8.RuneSelf {
			content = content[:n-1] // the first byte of a character that was cut
		}
	}
	for line := range bytes.Lines(content) {
		if len(lines) == maxLines {
			return lines, false
		}
		lines = append(lines, string(line))
	}
	return lines, all
}

// absent offers to make a configuration that is not there, or to see what it was.
func (v *visit) absent(k config.Key, tab string) error {
	w := &v.w.Config
	m := views.Absent{Head: v.head(k, nil, tab), HistoryHref: configURL(k, tabHistory)}
	m.Head.EditHref = ""
	m.Empty = parts.Empty{
		Icon: "config", Title: w.AbsentTitle, Text: words.Fill(w.AbsentText, k.DataID, k.Group, v.namespaceName(k.Namespace)), Href: pathNew + keyQuery(k), Action: w.Create,
	}
	v.c.Status(fiber.StatusNotFound)
	return v.render(views.AbsentPage(m))
}

// raw sends the content as it was published, the variant's that the query's gray names, or as a file where get is set.
func (v *visit) raw() error {
	k, err := v.key()
	if err != nil {
		return err
	}
	item := v.Configs.Item(k)
	if item == nil {
		return v.absent(k, tabContent)
	}
	var content []byte
	switch name := v.c.Query("gray"); {
	case name != "":
		g := item.Gray(name)
		if g == nil {
			return v.absent(k, tabContent)
		}
		content = g.Content
	case item.Formal == nil:
		return v.absent(k, tabContent)
	default:
		content = item.Formal.Content
	}
	secure(v.c, "")
	v.c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; sandbox; frame-ancestors 'none'")
	v.c.Set(fiber.HeaderCacheControl, "no-store")
	v.c.Set(fiber.HeaderContentType, "text/plain; charset=utf-8")
	if v.c.Query("get") != "" || !utf8.Valid(content) {
		v.c.Set(fiber.HeaderContentType, fiber.MIMEOctetStream)
		v.c.Set(fiber.HeaderContentDisposition, "attachment; filename*=UTF-8''"+url.PathEscape(strings.ReplaceAll(k.DataID, "/", "_")))
	}
	return send(v.c, content)
}

// delete removes one configuration with its variants.
func (v *visit) delete() error {
	k, err := v.key()
	if err != nil {
		return err
	}
	if !v.confirmed(k.Namespace) {
		return v.showContent(fiber.StatusBadRequest, k, words.Fill(v.w.Config.DeleteTyped, v.namespaceName(k.Namespace)))
	}
	return v.removeOne(k, listURL(k.Namespace, "", false))
}

// removeOne removes a configuration, and offers to take that back.
func (v *visit) removeOne(k config.Key, back string) error {
	w := &v.w.Config
	before := v.held(k)
	out, err := v.Configs.Remove(v.c.UserContext(), v.actor(), k, "", config.Note{})
	switch {
	case err != nil:
		return err
	case !out.Existed:
		return v.done(back, words.Fill(w.AlreadyDeleted, k.DataID), "")
	case before == nil: // history does not restore what was for some clients only
		return v.done(back, words.Fill(w.Deleted, k.DataID), "")
	}
	return v.done(back, words.Fill(w.Deleted, k.DataID), pathUndo, undoable(k, out.Revision)...)
}
