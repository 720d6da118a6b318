package console

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/config/diff"
	"nacre/server/fault"
	"nacre/views/history"
	"nacre/views/parts"
	"nacre/views/words"
)

const (
	pathVersion = pathConfig + "/version"
	pathCompare = pathConfig + "/compare"
	pathRestore = pathConfig + "/restore"
	// historySize is how many changes a page of the time line has.
	historySize = 30
	// maxDelta is the largest content in bytes of which the time line counts the lines that changed.
	maxDelta = 64 << 10
)

func (p *pages) historyRoutes(r fiber.Router) {
	r.Get(pathConfig+"/"+tabHistory, p.signedIn((*visit).history))
	r.Get(pathVersion, p.signedIn((*visit).version))
	r.Get(pathCompare, p.signedIn((*visit).compare))
	r.Get(pathRestore, p.signedIn((*visit).restorePage))
	r.Post(pathRestore, p.signedIn((*visit).restore))
	p.deletedRoutes(r)
}

// versionID names a version in addresses and forms: its revision, and the variant's name after a tilde.
func versionID(revision uint64, gray string) string {
	id := strconv.FormatUint(revision, 10)
	if gray != "" {
		id += "~" + gray
	}
	return id
}

// versionName is what people call a version.
func (v *visit) versionName(revision uint64, gray string) string {
	w := &v.w.History
	name := words.Fill(w.Revision, strconv.FormatUint(revision, 10))
	if gray != "" {
		name = words.Fill(w.OfCanary, name, gray)
	}
	return name
}

func parseVersionID(id string) (revision uint64, gray string) {
	number, gray, _ := strings.Cut(id, "~")
	revision, _ = strconv.ParseUint(number, 10, 64)
	return revision, gray
}

func (v *visit) history() error {
	k, err := v.key()
	if err != nil {
		return err
	}
	before := v.revision("before")
	// One more than is shown: what the last one changed is known from the one before it.
	list, err := v.Configs.Versions(v.c.UserContext(), k, before, historySize+1)
	if err != nil {
		return err
	}
	item := v.Configs.Item(k)
	w := &v.w.History
	m := history.Line{
		Head: v.head(k, item, tabHistory), Words: w, Compare: pathCompare,
		Hidden: [][2]string{{"ns", k.Namespace}, {"group", k.Group}, {"dataId", k.DataID}},
	}
	deltas, err := v.deltas(k, list)
	if err != nil {
		return err
	}
	for i := range list[:min(len(list), historySize)] {
		m.Rows = append(m.Rows, v.historyRow(k, item, &list[i], deltas[i]))
	}
	// What a person compares most often: the two newest that are kept.
	picked := 0
	for i := range m.Rows {
		if m.Rows[i].ViewHref == "" || list[i].GrayName != "" {
			continue
		}
		if picked == 0 {
			m.Rows[i].To = true
		} else {
			m.Rows[i].From = true
		}
		if picked++; picked == 2 {
			break
		}
	}
	if before != 0 {
		m.Newest = configURL(k, tabHistory)
	}
	m.Pick = picked == 2
	if len(list) > historySize {
		m.Older = configURL(k, tabHistory, "before", strconv.FormatUint(list[historySize-1].Revision, 10))
	}
	return v.render(history.LinePage(m))
}

// deltas counts the lines that each change of the list added and removed, "" where that is not known or takes too long to find.
func (v *visit) deltas(k config.Key, list []config.Version) ([]string, error) {
	texts := make([][]byte, len(list))
	known := make([]bool, len(list))
	for i := range list {
		if !list[i].Known || list[i].Size > maxDelta {
			continue
		}
		at, err := v.Configs.VersionAt(v.c.UserContext(), k, list[i].GrayName, list[i].Revision)
		if err != nil {
			return nil, err
		}
		if at != nil && at.After != nil {
			texts[i], known[i] = at.After.Content, true
		}
	}
	out := make([]string, len(list))
	for i := range list {
		if !known[i] {
			continue
		}
		var old []byte
		if list[i].Op != config.OpInsert {
			j := i + 1
			for j < len(list) && list[j].GrayName != list[i].GrayName {
				j++
			}
			if j == len(list) || !known[j] {
				continue
			}
			old = texts[j]
		}
		c := diff.Lines(old, texts[i], diff.Options{})
		out[i] = words.Fill(v.w.History.LinesPlusMinus, v.w.Number(int64(c.Added)), v.w.Number(int64(c.Removed)))
	}
	return out, nil
}

func (v *visit) historyRow(k config.Key, item *config.Item, x *config.Version, delta string) history.Row {
	w := &v.w.History
	id := versionID(x.Revision, x.GrayName)
	revision := v.versionName(x.Revision, "")
	r := history.Row{
		ID: id, Who: v.who(x.User, x.IP), When: v.moment(x.AtMs), Revision: revision, Delta: delta, Comment: x.Comment,
		FromLabel: words.Fill(w.CompareFrom, strconv.FormatUint(x.Revision, 10)), ToLabel: words.Fill(w.CompareTo, strconv.FormatUint(x.Revision, 10)),
	}
	r.Initial = initial(x.User)
	if x.User != "" {
		r.Where = x.IP
	}
	r.Icon, r.What = v.what(x)
	r.Live = live(item, x)
	if x.Known && x.Op != config.OpDelete {
		r.ViewHref = pathVersion + keyQuery(k, "v", id)
		if !r.Live {
			r.RestoreHref = pathRestore + keyQuery(k, "v", id)
		}
	} else if x.Op != config.OpDelete {
		r.NotKept = w.NotKept
	}
	return r
}

// who names who made a change: the user, else the address.
func (v *visit) who(user, ip string) string {
	switch {
	case user != "":
		return user
	case ip != "":
		return words.Fill(v.w.Parts.ByAddress, ip)
	}
	return v.w.History.Unknown
}

func initial(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "·"
}

// what words what a change was.
func (v *visit) what(x *config.Version) (icon, text string) {
	w := &v.w.History
	if x.GrayName != "" && x.Kind == "" {
		switch x.Op {
		case config.OpInsert:
			return "canary", words.Fill(w.CanaryStarted, x.GrayName)
		case config.OpDelete:
			return "canary", words.Fill(w.CanaryEnded, x.GrayName)
		}
		return "canary", words.Fill(w.CanaryChanged, x.GrayName)
	}
	kinds := map[string]string{
		config.NoteRestore: w.Restored, config.NoteImport: w.Imported, config.NoteClone: w.Cloned, config.NotePromote: w.Promoted, config.NoteUndo: w.Undone,
	}
	switch text = kinds[x.Kind]; {
	case text != "":
		if x.From != 0 {
			text += ", " + words.Fill(w.FromRevision, strconv.FormatUint(x.From, 10))
		}
		return "restore", text
	case x.Op == config.OpDelete:
		return "delete", w.Removed
	case x.Op == config.OpInsert:
		return "publish", w.Published
	}
	return "publish", w.Changed
}

// live reports whether a version is what clients see now.
func live(item *config.Item, x *config.Version) bool {
	if item == nil {
		return false
	}
	if x.GrayName != "" {
		g := item.Gray(x.GrayName)
		return g != nil && g.Revision == x.Revision
	}
	return item.Formal != nil && item.Formal.Revision == x.Revision
}

// versionOf reads one version. Fault: NotFound when its content is not kept.
func (v *visit) versionOf(k config.Key, id string) (*config.Version, error) {
	revision, gray := parseVersionID(id)
	x, err := v.Configs.VersionAt(v.c.UserContext(), k, gray, revision)
	if err != nil {
		return nil, err
	}
	if x == nil || x.After == nil {
		return nil, fault.New(fault.NotFound, "%s", words.Fill(v.w.History.Missing, strconv.FormatUint(revision, 10)))
	}
	return x, nil
}

// current returns what is held of the variant gray, "" for the formal content; an empty body for nothing.
func current(item *config.Item, gray string) (body config.Body, revision uint64) {
	switch {
	case item == nil:
	case gray != "":
		if g := item.Gray(gray); g != nil {
			return config.Body{Content: g.Content, MD5: g.MD5, AppName: g.AppName, Rule: g.Rule}, g.Revision
		}
	case item.Formal != nil:
		e := item.Formal
		return config.Body{Content: e.Content, MD5: e.MD5, Type: e.Type, AppName: e.AppName, Tags: e.Tags, Desc: e.Desc}, e.Revision
	}
	return config.Body{}, 0
}

// compare shows two versions beside each other; without to it is what is live.
func (v *visit) compare() error {
	k, err := v.key()
	if err != nil {
		return err
	}
	from, err := v.versionOf(k, v.c.Query("from"))
	if err != nil {
		return err
	}
	w := &v.w.History
	item := v.Configs.Item(k)
	m := history.Compared{Head: v.head(k, item, tabHistory), Words: w, Title: w.CompareTitle}
	left := side{v.versionName(from.Revision, from.GrayName), from.After.Content}
	right, body := side{Name: w.CompareNow}, config.Body{}
	if id := v.c.Query("to"); id != "" {
		to, err := v.versionOf(k, id)
		if err != nil {
			return err
		}
		right.Name, body = v.versionName(to.Revision, to.GrayName), *to.After
	} else {
		body, _ = current(item, from.GrayName)
	}
	m.Attributes = v.otherAttributes(from.After, &body)
	right.Content = body.Content
	m.Text = left.Name + " → " + right.Name
	v.compared(&m.Difference, left, right, pathCompare+keyQuery(k, "from", v.c.Query("from"), "to", v.c.Query("to")), body.Type)
	return v.render(history.ComparedPage(m))
}

// compared fills in the difference, and the ways to look at it.
func (v *visit) compared(m *history.Difference, left, right side, address, typ string) {
	m.Diff = v.difference(left, right)
	if keys := v.keyDifference(typ, left.Content, right.Content); keys != nil && m.Diff.Same == "" {
		m.Keys = &history.Keys{Summary: keys.Summary, More: keys.More, Rows: keys.Rows}
	}
	m.Toggles = v.diffToggles(address)
}

// diffToggles are the ways to look at the difference that the page at address shows.
func (v *visit) diffToggles(address string) []parts.Tab {
	w := &v.w.Parts
	split, ignore := v.value("view") == "split", v.value("space") == "ignore"
	with := func(split, ignore bool) string {
		to := address
		if split {
			to += "&view=split"
		}
		if ignore {
			to += "&space=ignore"
		}
		return to
	}
	return []parts.Tab{
		{Text: w.Unified, Href: with(false, ignore), Current: !split},
		{Text: w.SideBySide, Href: with(true, ignore), Current: split},
		{Text: w.IgnoreSpace, Href: with(split, !ignore), Current: ignore},
	}
}

// version shows one version: what it changed, and its attributes.
func (v *visit) version() error {
	k, err := v.key()
	if err != nil {
		return err
	}
	x, err := v.versionOf(k, v.c.Query("v"))
	if err != nil {
		return err
	}
	w := &v.w.History
	m := history.Compared{Head: v.head(k, v.Configs.Item(k), tabHistory), Words: w, Title: v.versionName(x.Revision, x.GrayName), AttributesTitle: w.Attributes}
	_, what := v.what(x)
	m.Text = fmt.Sprintf("%s · %s · %s", what, v.who(x.User, x.IP), v.moment(x.AtMs).When)
	if x.Comment != "" {
		m.Text += " · " + x.Comment
	}
	left := side{Name: w.Nothing}
	if x.Op != config.OpInsert {
		older, err := v.olderOf(k, x)
		if err != nil {
			return err
		}
		if older != nil {
			left = side{v.versionName(older.Revision, older.GrayName), older.After.Content}
		}
	}
	v.compared(&m.Difference, left, side{m.Title, x.After.Content}, pathVersion+keyQuery(k, "v", v.c.Query("v")), x.After.Type)
	m.Facts = v.attributesOf(x.After)
	return v.render(history.ComparedPage(m))
}

// olderOf returns the version of the same variant before x, nil where none is kept.
func (v *visit) olderOf(k config.Key, x *config.Version) (*config.Version, error) {
	for before := x.Revision; ; {
		list, err := v.Configs.Versions(v.c.UserContext(), k, before, historySize)
		if err != nil {
			return nil, err
		}
		for i := range list {
			if list[i].GrayName != x.GrayName || list[i].Revision >= x.Revision {
				continue
			}
			if !list[i].Known || list[i].Op == config.OpDelete {
				return nil, nil
			}
			at, err := v.Configs.VersionAt(v.c.UserContext(), k, x.GrayName, list[i].Revision)
			if err != nil || at == nil || at.After == nil {
				return nil, err
			}
			return at, nil
		}
		if len(list) < historySize {
			return nil, nil
		}
		before = list[len(list)-1].Revision
	}
}

func (v *visit) attributesOf(b *config.Body) []parts.Fact {
	w := &v.w.Parts
	facts := []parts.Fact{{Name: w.MD5, Value: b.MD5, Mono: true, CopyAs: b.MD5}, {Name: w.Size, Value: v.w.Size(int64(len(b.Content)))}}
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, parts.Fact{Name: name, Value: value})
		}
	}
	add(w.Type, b.Type)
	if b.Desc != nil {
		add(w.Desc, *b.Desc)
	}
	add(w.Tags, strings.Join(b.Tags, ", "))
	add(w.App, b.AppName)
	return facts
}

func (v *visit) restorePage() error { return v.askRestore(fiber.StatusOK, "") }

// askRestore shows what restoring a version would change.
func (v *visit) askRestore(status int, problem string) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	id := v.value("v")
	x, err := v.versionOf(k, id)
	if err != nil {
		return err
	}
	w := &v.w.History
	item := v.Configs.Item(k)
	now, revision := current(item, x.GrayName)
	number := strconv.FormatUint(x.Revision, 10)
	m := history.Compared{
		Head: v.head(k, item, tabHistory), Words: w, Title: words.Fill(w.RestoreTitle, number), Text: words.Fill(w.RestoreText, number),
		Restore: &history.Restore{
			Action: pathRestore, Problem: problem,
			Hidden:  [][2]string{{"ns", k.Namespace}, {"group", k.Group}, {"dataId", k.DataID}, {"v", id}, {"now", strconv.FormatUint(revision, 10)}},
			Comment: parts.Field{Name: "comment", Label: w.RestoreComment, Value: v.value("comment"), MaxLength: strconv.Itoa(config.MaxComment)},
		},
	}
	if v.protected(k.Namespace) {
		m.Restore.Typed = v.typedField(k.Namespace)
	}
	if revision != 0 {
		m.Attributes = v.otherAttributes(&now, x.After)
		if m.Attributes == nil && now.MD5 == x.After.MD5 {
			m.Restore.Same = w.RestoreSame
		}
	}
	v.compared(&m.Difference, side{w.CompareNow, now.Content}, side{v.versionName(x.Revision, x.GrayName), x.After.Content}, pathRestore+keyQuery(k, "v", id), x.After.Type)
	v.c.Status(status)
	return v.render(history.ComparedPage(m))
}

// otherAttributes lists the attributes that two versions do not have alike; nil when there are none.
func (v *visit) otherAttributes(a, b *config.Body) *history.Keys {
	w := &v.w.Parts
	text := func(p *string) string {
		if p == nil {
			return ""
		}
		return *p
	}
	rule := func(r config.Rule) string {
		if r == (config.Rule{}) {
			return ""
		}
		return v.ruleText(r)
	}
	rows := v.pairs([][3]string{
		{w.Type, a.Type, b.Type}, {w.Desc, text(a.Desc), text(b.Desc)}, {w.Tags, strings.Join(a.Tags, ", "), strings.Join(b.Tags, ", ")},
		{w.App, a.AppName, b.AppName}, {v.w.History.Rule, rule(a.Rule), rule(b.Rule)},
	})
	if rows == nil {
		return nil
	}
	return &history.Keys{Summary: v.w.History.Attributes, Rows: rows}
}

// typedField asks for the name of a protected namespace.
func (v *visit) typedField(ns string) *parts.Field {
	return &parts.Field{Name: "typed", Label: words.Fill(v.w.Parts.TypeToConfirm, v.namespaceName(ns)), Required: true, Autocomplete: "off"}
}

// confirmed reports whether the name of a protected namespace was typed, where that is asked for.
func (v *visit) confirmed(ns string) bool {
	return !v.protected(ns) || v.c.FormValue("typed") == v.namespaceName(ns)
}

func (v *visit) restore() error {
	k, err := v.key()
	if err != nil {
		return err
	}
	if !v.confirmed(k.Namespace) {
		return v.askRestore(fiber.StatusBadRequest, words.Fill(v.w.Parts.TypeToConfirm, v.namespaceName(k.Namespace)))
	}
	revision, gray := parseVersionID(v.c.FormValue("v"))
	seen := v.revision("now")
	if _, now := current(v.Configs.Item(k), gray); seen == 0 && now != 0 { // 0 would be no condition
		return v.askRestore(fiber.StatusConflict, v.w.History.RestoreChanged)
	}
	out, err := v.Configs.Restore(v.c.UserContext(), v.actor(), k, gray, revision, seen, config.Note{Comment: v.c.FormValue("comment")})
	if err != nil {
		switch fault.KindOf(err) {
		case fault.Conflict:
			return v.askRestore(fiber.StatusConflict, v.w.History.RestoreChanged)
		case fault.Invalid, fault.Limited:
			return v.askRestore(statusOf(err), v.say(err))
		}
		return err
	}
	return v.done(configURL(k, tabClients, "published", strconv.FormatUint(out.Revision, 10)), words.Fill(v.w.History.RestoreDone, strconv.FormatUint(revision, 10)), "")
}
