// Package words holds every text of the console in each language.
//
// A text is a field, so that one which is missing does not compile, or is found empty by a test.
package words

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"golang.org/x/text/language"
)

// Words are the texts of the console in one language, a struct for each group of pages. Those with %s or %d are formats.
type Words struct {
	// Tag is the language for the page's lang attribute, Name the language's name in itself.
	Tag, Name string

	Frame      Frame
	Parts      Parts
	Time       Time
	Faults     Faults
	Enter      Enter
	Home       Home
	Configs    Configs
	Config     Config
	Edit       Edit
	Publish    Publish
	History    History
	Clients    Clients
	Services   Services
	Feed       Feed
	Cluster    Cluster
	Namespaces Namespaces
	Transfer   Transfer
	Connect    Connect
}

// Time are the words for how long ago something was. The formats take a number.
type Time struct {
	JustNow, Minute, Minutes, Hour, Hours, Day, Days string
	ForSeconds, ForMinutes, ForHours, ForDays        string
}

// All are the languages there are; the first serves whoever asks for none of them.
var All = []*Words{&english, &chinese}

var matcher = language.NewMatcher([]language.Tag{language.English, language.SimplifiedChinese})

// For returns the words for a choice made in the URL or, where that names no language of ours, for
// what the browser's Accept-Language prefers.
func For(choice, acceptLanguage string) *Words {
	for _, w := range All {
		if w.Tag == choice {
			return w
		}
	}
	tags, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil {
		return All[0]
	}
	_, i, _ := matcher.Match(tags...)
	return All[i]
}

// Ago says how long ago something was.
func (t *Time) Ago(d time.Duration) string {
	one := func(n int, single, many string) string {
		if n == 1 {
			return single
		}
		return fmt.Sprintf(many, n)
	}
	switch {
	case d < time.Minute:
		return t.JustNow
	case d < time.Hour:
		return one(int(d/time.Minute), t.Minute, t.Minutes)
	case d < 24*time.Hour:
		return one(int(d/time.Hour), t.Hour, t.Hours)
	}
	return one(int(d/(24*time.Hour)), t.Day, t.Days)
}

// For says how long something has lasted.
func (t *Time) For(d time.Duration) string {
	d = max(d, 0) // a clock that was set back must not show
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf(t.ForSeconds, int(d/time.Second))
	case d < 2*time.Hour:
		return fmt.Sprintf(t.ForMinutes, int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf(t.ForHours, int(d/time.Hour))
	}
	return fmt.Sprintf(t.ForDays, int(d/(24*time.Hour)))
}

// Has reports whether there is a language with this tag.
func Has(tag string) bool {
	return slices.ContainsFunc(All, func(w *Words) bool { return w.Tag == tag })
}

// Fill puts values in the places of a text, as fmt.Sprintf does.
func Fill(text string, values ...any) string { return fmt.Sprintf(text, values...) }

// Number writes n with a comma between thousands, as English and Chinese have it.
func (w *Words) Number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Size writes a number of bytes in the unit that fits.
func (w *Words) Size(n int64) string {
	const kib = 1 << 10
	switch {
	case n < kib:
		return strconv.FormatInt(n, 10) + " B"
	case n < kib*kib:
		return strconv.FormatFloat(float64(n)/kib, 'f', 1, 64) + " KiB"
	case n < kib*kib*kib:
		return strconv.FormatFloat(float64(n)/(kib*kib), 'f', 1, 64) + " MiB"
	}
	return strconv.FormatFloat(float64(n)/(kib*kib*kib), 'f', 1, 64) + " GiB"
}
