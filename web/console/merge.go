package console

import (
	"bytes"
	"context"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/config/diff"
	"nacre/views/edit"
	"nacre/views/words"
)

// merge answers a change of what is not held any more: the editor with both changes brought together. H is what is
// held, nil for nothing.
func (v *visit) merge(wk *work, h *held) error {
	w := &v.w.Edit
	told := &edit.Merge{}
	mine := wk.content
	began := v.versionAt(v.c.UserContext(), wk)
	switch {
	case h == nil:
		by, ms := v.whoEnded(v.c.UserContext(), wk)
		told.Text = words.Fill(w.MergeGone, by, v.moment(ms).When)
		wk.base = 0
	default:
		text := w.MergeBy
		if wk.base == 0 {
			text = w.MergeThere
		}
		told.Text = words.Fill(text, h.by, v.moment(h.ms).When)
		theirs, _ := lines(h.content)
		var base []byte
		if began != nil {
			base, _ = lines(began.Content)
			v.showChanges(told, wk.base, h.revision, base, mine, theirs)
			wk.attributes = merged(attributesOf(began), wk.attributes, h.attributes)
		} else {
			base = common(mine, theirs)
			if wk.base != 0 {
				told.Blind = w.MergeBlind
			}
			d := v.difference(side{w.MergeYours, mine}, side{words.Fill(w.MergeNow, strconv.FormatUint(h.revision, 10)), theirs})
			told.Theirs = &d
		}
		result := diff.Merge(base, mine, theirs)
		wk.content, wk.base = result.Text, h.revision
		told.Result = w.MergeClean
		if n := len(result.Conflicts); n > 0 {
			told.Clash, told.Result = true, words.Fill(w.MergeClash, v.w.Number(int64(n)))
		}
	}
	m := v.editor(*wk, mistakes{problems: v.checked(wk.typ, wk.content)})
	m.Merge = told
	v.c.Status(fiber.StatusConflict)
	return v.render(edit.EditorPage(m))
}

// showChanges tells what each of the two did to the version that both began with.
func (v *visit) showChanges(told *edit.Merge, from, to uint64, base, mine, theirs []byte) {
	w := &v.w.Edit
	opened := side{words.Fill(w.MergeBase, strconv.FormatUint(from, 10)), base}
	their := v.difference(opened, side{words.Fill(w.MergeNow, strconv.FormatUint(to, 10)), theirs})
	my := v.difference(opened, side{w.MergeYours, mine})
	told.Theirs, told.Mine = &their, &my
}

// versionAt returns the content that the person began with, nil when nobody knows it any more.
func (v *visit) versionAt(ctx context.Context, wk *work) *config.Body {
	if wk.base == 0 {
		return nil
	}
	// A database that can't be read is as good as a history that has lost it: the merge then keeps more.
	at, err := v.Configs.VersionAt(ctx, wk.key, wk.gray, wk.base)
	if err != nil || at == nil {
		return nil
	}
	return at.After
}

// whoEnded returns who removed what was worked on, and when in ms, as far as history knows.
func (v *visit) whoEnded(ctx context.Context, wk *work) (by string, ms int64) {
	list, err := v.Configs.Versions(ctx, wk.key, 0, 20)
	if err != nil {
		return v.someone("", ""), 0
	}
	for _, one := range list {
		if one.GrayName == wk.gray {
			return v.someone(one.User, one.IP), one.AtMs
		}
	}
	return v.someone("", ""), 0
}

func attributesOf(b *config.Body) attributes {
	return attributes{b.Type, deref(b.Desc), config.JoinTags(b.Tags), b.AppName}
}

// merged brings attributes together: the person's own where they changed them.
func merged(base, mine, theirs attributes) attributes {
	pick := func(base, mine, theirs string) string {
		if mine == base {
			return theirs
		}
		return mine
	}
	return attributes{
		pick(base.typ, mine.typ, theirs.typ), pick(base.desc, mine.desc, theirs.desc),
		pick(strings.Join(tagList(base.tags), ","), strings.Join(tagList(mine.tags), ","), strings.Join(tagList(theirs.tags), ",")), pick(base.app, mine.app, theirs.app),
	}
}

// common returns the lines that two texts share, in their order: what stands in for a version that both came from.
func common(a, b []byte) []byte {
	var out bytes.Buffer
	for _, l := range diff.Lines(a, b, diff.Options{}).Lines {
		if l.Op == ' ' {
			out.WriteString(l.Text)
			if !l.NoBreak {
				out.WriteByte('\n')
			}
		}
	}
	return out.Bytes()
}
