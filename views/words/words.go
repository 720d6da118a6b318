// Package words holds every text of the console in each language.
//
// A text is a field, so that one which is missing does not compile, or is found empty by a test.
package words

import (
	"fmt"
	"time"

	"golang.org/x/text/language"
)

// Words are the texts of the console in one language. Those with %s or %d are formats.
type Words struct {
	// Tag is the language for the page's lang attribute, Name the language's name in itself.
	Tag, Name string

	Languages, SkipToContent, Copy, Copied string
	Home                                   Home
	Time                                   Time
}

// Home are the texts of the first page.
type Home struct {
	Title                          string
	Ready, ReadyText               string // ReadyText: address
	NotReady                       string
	Insecure, InsecureText         string // InsecureText: address
	Figures                        string
	Configs, Namespaces            string
	Listening, ListeningNote       string // ListeningNote: number of pairs of client and configuration
	Writes, WritesNote             string // WritesNote: number of fsyncs
	Latest, LatestNone             string
	ColumnConfig, ColumnChanged    string
	ByAddress                      string // address
	EmptyTitle, EmptyText          string
	TryTitle, TryText              string
	StepPublish, StepPublishText   string
	StepRead, StepReadText         string
	StepWait, StepWaitText         string
	Answer                         string
	Node                           string
	Version, Running, Mode, Role   string
	Storage, Durability            string
	Standalone, Leader, Follower   string
	StorageSQLite, DurabilityFsync string
	Login, LoginOff                string
	Look                           string
	LookAPI, LookMetrics           string
	LookReady, LookState           string
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
