package console

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/config/format"
	"nacre/server/fault"
	"nacre/views/edit"
	"nacre/views/layout"
	"nacre/views/parts"
	"nacre/views/publish"
	"nacre/views/words"
)

func (v *visit) showEditor(status int, wk work, wrong mistakes) error {
	v.c.Status(status)
	return v.render(edit.EditorPage(v.editor(wk, wrong)))
}

// review shows what publishing the form would do. What is asked for by do is answered in the editor instead.
func (v *visit) review() error {
	wk := v.readWork()
	switch v.c.FormValue("do") {
	case "layout":
		laid, problem := v.laidOut(wk)
		if problem != "" {
			return v.showEditor(fiber.StatusBadRequest, wk, mistakes{problem: problem, problems: v.checked(wk.typ, wk.content)})
		}
		wk.content = laid
		return v.showEditor(fiber.StatusOK, wk, mistakes{})
	case "back":
		return v.showEditor(fiber.StatusOK, wk, mistakes{})
	}
	return v.reviewed(&wk, func(h *held, warnings []format.Problem) error {
		v.keep(v.c.UserContext(), &wk)
		return v.showReview(fiber.StatusOK, &wk, h, warnings, v.begun(&wk, h))
	})
}

// reviewed calls next with what is held when wk can be published; else it answers with what stands in the way.
func (v *visit) reviewed(wk *work, next func(*held, []format.Problem) error) error {
	wrong, ok := v.mistakesOf(wk)
	if !ok {
		return v.showEditor(fiber.StatusBadRequest, *wk, wrong)
	}
	h := v.heldOf(wk.key, wk.gray)
	switch {
	case wk.gray == "" && wk.same(h):
		v.dropKept(wk)
		return v.showNothing(wk)
	case wk.stale(h):
		v.keep(v.c.UserContext(), wk)
		return v.merge(wk, h)
	}
	return next(h, wrong.problems)
}

// publication is what a person decides in a review.
type publication struct {
	comment string
	// some says that it is for addresses first: those of ips, which were offered, and others, which were typed.
	some   bool
	ips    []string
	others string
	// canary is the revision of the variant that it replaces, 0 for none.
	canary uint64
	// What is wrong, worded.
	problem, wrongComment, wrongTyped, wrongAddresses string
}

// begun returns what a review begins with.
func (v *visit) begun(wk *work, h *held) publication {
	p := publication{}
	if g := v.betaOf(wk, h); g != nil {
		p.others, p.canary = strings.ReplaceAll(g.Rule.Expr, ",", ", "), g.Revision
	}
	p.some = wk.gray != ""
	return p
}

// betaOf returns the variant by address that a publication for some would replace, nil for none.
func (v *visit) betaOf(wk *work, h *held) *config.Gray {
	if wk.gray != "" {
		if h != nil && h.gray.Rule.Type == config.RuleBeta {
			return h.gray
		}
		return nil
	}
	return v.Configs.Item(wk.key).Gray(config.GrayBeta)
}

// readPublication reads the decision and finds what is wrong with it.
func (v *visit) readPublication(wk *work, h *held) (p publication, ok bool) {
	w := &v.w.Publish
	p = publication{
		comment: strings.TrimSpace(strings.ReplaceAll(v.c.FormValue("comment"), "\r\n", "\n")),
		some:    wk.gray != "" || v.c.FormValue("for") == "some", others: v.c.FormValue("others"), canary: v.revision("canary"),
	}
	if form, err := v.c.MultipartForm(); err == nil {
		p.ips = form.Value["ip"]
	} else {
		for _, ip := range v.c.Context().PostArgs().PeekMulti("ip") {
			p.ips = append(p.ips, string(ip))
		}
	}
	if v.Configs.Check(config.Draft{Key: wk.key, Content: []byte("x"), Note: config.Note{Comment: p.comment}}) != nil {
		p.wrongComment = words.Fill(w.CommentLong, v.w.Number(config.MaxComment))
	}
	if !v.confirmed(wk.key.Namespace) {
		p.wrongTyped = w.TypedWrong
	}
	if _, fixed := fixedRule(wk, h); p.some && !fixed {
		all, wrong := p.addresses()
		switch {
		case wrong != "":
			p.wrongAddresses = words.Fill(w.AddressWrong, wrong)
		case len(all) == 0:
			p.wrongAddresses = w.AddressMissing
		}
	}
	return p, p.wrongComment+p.wrongTyped+p.wrongAddresses == ""
}

func (v *visit) publish() error {
	wk := v.readWork()
	return v.reviewed(&wk, func(h *held, warnings []format.Problem) error {
		p, ok := v.readPublication(&wk, h)
		if !ok {
			return v.showReview(fiber.StatusBadRequest, &wk, h, warnings, p)
		}
		revision, err := v.put(v.c.UserContext(), &wk, h, &p)
		switch {
		case fault.CodeOf(err) == config.CodeCAS:
			now := v.heldOf(wk.key, wk.gray)
			if wk.stale(now) {
				return v.merge(&wk, now)
			}
			p.problem, p.canary = v.w.Publish.CanarySince, v.begun(&wk, now).canary
			return v.showReview(fiber.StatusConflict, &wk, now, warnings, p)
		case err != nil && statusOf(err) == fiber.StatusInternalServerError:
			return err
		case err != nil:
			p.problem = v.say(err)
			return v.showReview(statusOf(err), &wk, h, warnings, p)
		}
		if !p.some || h == nil || wk.attributes.equal(h.attributes) { // those of a canary are published with it for all
			v.dropKept(&wk)
		}
		to := configURL(wk.key, tabClients, "published", strconv.FormatUint(revision, 10))
		switch {
		case p.some:
			return v.done(to, words.Fill(v.w.Publish.DoneSome, wk.key.DataID), "")
		case wk.base == 0:
			return v.done(to, words.Fill(v.w.Publish.Done, wk.key.DataID), "")
		}
		return v.done(to, words.Fill(v.w.Publish.Done, wk.key.DataID), pathRestore, replaced(&wk, revision)...)
	})
}

// replaced are the fields of the form that restores what a publish took the place of, unless that was changed again.
func replaced(wk *work, by uint64) []layout.Field {
	var list []layout.Field
	for _, f := range append(keyFields(wk.key), [2]string{"v", versionID(wk.base, "")}, [2]string{"now", strconv.FormatUint(by, 10)}) {
		list = append(list, layout.Field{Name: f[0], Value: f[1]})
	}
	return list
}

// put publishes wk. Fault: Conflict (CodeCAS) when what is held is not what the person began with.
func (v *visit) put(ctx context.Context, wk *work, h *held, p *publication) (uint64, error) {
	d := config.Draft{
		Key: wk.key, Content: wk.published(), Type: wk.typ, AppName: &wk.app, TagsGiven: true, Tags: tagList(wk.tags),
		IfRevision: wk.base, Note: config.Note{Comment: p.comment},
	}
	if wk.desc != "" {
		d.Desc = &wk.desc
	}
	if h != nil && h.entry != nil {
		d.Use, d.Effect, d.Schema, d.EncryptedDataKey = h.entry.Use, h.entry.Effect, h.entry.Schema, h.entry.EncryptedDataKey
	}
	if p.some {
		d.Gray, d.IfRevision = grayDraft(wk, h, p), p.canary
		if wk.gray != "" {
			d.IfRevision = wk.base
			d.AppName = nil
			if h != nil {
				d.EncryptedDataKey = h.gray.EncryptedDataKey
			}
		} else if now := v.betaOf(wk, h); now != nil && p.canary == 0 {
			return 0, fault.New(fault.Conflict, "%s has a canary since", wk.key).WithCode(config.CodeCAS)
		}
	}
	if p.some || wk.base != 0 {
		out, err := v.Configs.Publish(ctx, v.actor(), d)
		return out.Revision, err
	}
	// What was not there when the person began must still not be there.
	outs, err := v.Configs.PublishMany(ctx, v.actor(), []config.Draft{d}, config.Abort)
	switch {
	case err != nil:
		return 0, err
	case outs[0].Skipped:
		return 0, fault.New(fault.Conflict, "%s is there already", wk.key).WithCode(config.CodeCAS)
	}
	return outs[0].Revision, outs[0].Err()
}

// grayDraft returns the variant that is published.
func grayDraft(wk *work, h *held, p *publication) *config.GrayDraft {
	if rule, fixed := fixedRule(wk, h); fixed {
		return &config.GrayDraft{Name: wk.gray, Rule: rule}
	}
	all, _ := p.addresses()
	return &config.GrayDraft{Name: cmp.Or(wk.gray, config.GrayBeta), Rule: config.BetaRule(strings.Join(all, ","))}
}

// fixedRule returns the rule of the variant that is worked on, when that is not one of addresses, which a review can change.
func fixedRule(wk *work, h *held) (config.Rule, bool) {
	if h != nil && h.gray != nil {
		return h.gray.Rule, h.gray.Rule.Type != config.RuleBeta
	}
	tag, fixed := strings.CutPrefix(wk.gray, config.GrayTagPrefix) // it was stopped meanwhile
	return config.TagRule(tag), fixed
}

// showNothing says that there is nothing to publish.
func (v *visit) showNothing(wk *work) error {
	m := v.reviewFrame(wk)
	m.Same = &parts.Empty{Title: v.w.Publish.NothingNew, Text: v.w.Publish.NothingNewText, Href: configURL(wk.key, tabContent), Action: v.w.Edit.Back, Icon: "good"}
	return v.render(publish.ReviewPage(m))
}

func (v *visit) reviewFrame(wk *work) publish.Model {
	title := words.Fill(v.w.Publish.Title, wk.key.DataID)
	m := publish.Model{Page: v.frame(title, pathConfigs), Heading: title, Crumbs: v.crumbs(wk.key), Chips: []string{wk.key.Group, v.typeName(wk.typ), v.w.Size(int64(len(wk.published())))}}
	if wk.gray != "" {
		m.Chips = append(m.Chips, words.Fill(v.w.Edit.Variant, wk.gray))
	}
	return m
}

func (v *visit) showReview(status int, wk *work, h *held, warnings []format.Problem, p publication) error {
	w := &v.w.Publish
	m := v.reviewFrame(wk)
	m.Problem, m.Publish, m.Review, m.Content = p.problem, pathPublish, pathReview, string(wk.content)
	m.Hidden = wk.fields()
	m.Hidden = append(m.Hidden, [2]string{"canary", strconv.FormatUint(p.canary, 10)})
	for _, one := range v.problems(warnings) {
		m.Warnings = append(m.Warnings, publish.Warning{Place: one.Place, Text: one.Text})
	}
	before, after := side{Name: w.Nothing}, side{Name: w.Yours, Content: wk.published()}
	if h != nil {
		before = side{words.Fill(w.Before, strconv.FormatUint(h.revision, 10)), h.content}
		m.Attributes = v.changedAttributes(h.attributes, wk)
	}
	m.Diff, m.Views = v.difference(before, after), v.views()
	if k := v.keyDifference(typeBy(wk.typ, wk.key, wk.content), before.Content, after.Content); k != nil && len(k.Rows) > 0 {
		m.Keys = (*publish.Keys)(k)
	}
	rows := v.Nodes.OfConfig(v.c.UserContext(), wk.key)
	m.Impact = v.impact(rows, wk)
	m.Comment = parts.Field{Name: "comment", Label: w.Comment, Hint: w.CommentHint, Value: p.comment, Error: p.wrongComment, MaxLength: strconv.Itoa(config.MaxComment)}
	m.Target = v.target(wk, h, p, rows)
	if m.Attributes != nil && wk.gray == "" {
		m.Target.Attributes = w.ForSomeAttributes
	}
	if v.protected(wk.key.Namespace) {
		m.Typed, m.TypedError, m.Protected = v.namespaceName(wk.key.Namespace), p.wrongTyped, words.Fill(w.Protected, v.namespaceName(wk.key.Namespace))
	}
	v.c.Status(status)
	return v.render(publish.ReviewPage(m))
}

// typeBy returns the type of a content, and where that is plain text, as for what a client published without naming one, what it looks like.
func typeBy(typ string, k config.Key, content []byte) string {
	if t := format.Type(typ); t.Valid() && t != format.Text {
		return typ
	}
	return string(format.Detect(k.DataID, content))
}

// fields are those that a form carries of the work, besides its content.
func (w *work) fields() [][2]string {
	fields := append(keyFields(w.key), [][2]string{
		{"base", strconv.FormatUint(w.base, 10)}, {"draft", strconv.FormatUint(w.draft, 10)},
		{"type", w.typ}, {"desc", w.desc}, {"tags", w.tags}, {"app", w.app},
	}...)
	if w.gray != "" {
		fields = append(fields, [2]string{"gray", w.gray})
	}
	if w.crlf {
		fields = append(fields, [2]string{"eol", "crlf"})
	}
	return fields
}

// views are the ways to show the difference: by address, so that what was chosen last is in the query.
func (v *visit) views() []publish.View {
	split, ignore := v.value("view") == "split", v.value("space") == "ignore"
	at := func(split, ignore bool) string {
		q := url.Values{}
		if split {
			q.Set("view", "split")
		}
		if ignore {
			q.Set("space", "ignore")
		}
		return pathReview + "?" + q.Encode()
	}
	return []publish.View{
		{ID: "view-unified", Text: v.w.Parts.Unified, At: at(false, ignore), Current: !split},
		{ID: "view-split", Text: v.w.Parts.SideBySide, At: at(true, ignore), Current: split},
		{ID: "view-space", Text: v.w.Parts.IgnoreSpace, At: at(split, !ignore), Current: ignore},
	}
}

// changedAttributes lists what changes beside the content.
func (v *visit) changedAttributes(before attributes, wk *work) []parts.KeyChange {
	if wk.gray != "" {
		return nil
	}
	w := &v.w.Parts
	return v.pairs([][3]string{
		{w.Type, v.typeName(config.KnownType(before.typ)), v.typeName(config.KnownType(wk.typ))},
		{w.Desc, before.desc, wk.desc},
		{w.Tags, strings.Join(tagList(before.tags), ", "), strings.Join(tagList(wk.tags), ", ")},
		{w.App, before.app, wk.app},
	})
}
