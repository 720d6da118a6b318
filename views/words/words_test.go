package words

import (
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"
	"unicode"
)

var verbs = regexp.MustCompile(`%.`)

func TestEveryTextIsThereInEveryLanguage(t *testing.T) {
	for _, w := range All[1:] {
		compare(t, w.Tag, reflect.ValueOf(*All[0]), reflect.ValueOf(*w), "")
	}
}

func compare(t *testing.T, lang string, first, other reflect.Value, path string) {
	t.Helper()
	for i := range first.NumField() {
		name := path + first.Type().Field(i).Name
		a, b := first.Field(i), other.Field(i)
		if a.Kind() == reflect.Struct {
			compare(t, lang, a, b, name+".")
			continue
		}
		switch {
		case a.String() == "" || b.String() == "":
			t.Errorf("%s is missing in English or in %s", name, lang)
		case !slices.Equal(verbs.FindAllString(a.String(), -1), verbs.FindAllString(b.String(), -1)):
			t.Errorf("%s: %q and %q do not take the same values", name, a, b)
		case lang == "zh-CN" && name != "Tag" && !slices.ContainsFunc([]rune(b.String()), func(r rune) bool { return unicode.Is(unicode.Han, r) }):
			t.Errorf("%s is not in Chinese: %q", name, b)
		}
	}
}

func TestLanguageIsChosen(t *testing.T) {
	for _, tc := range []struct{ name, choice, accept, want string }{
		{"nothing said", "", "", "en"},
		{"English", "", "en-GB,en;q=0.9", "en"},
		{"Chinese", "", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"},
		{"Chinese without a country", "", "zh", "zh-CN"},
		{"a language that is not there", "", "de-DE,de;q=0.9", "en"},
		{"a language that is not there before one that is", "", "de,zh-CN;q=0.5", "zh-CN"},
		{"rubbish", "", ";;q=\x00", "en"},
		{"the choice wins", "zh-CN", "en", "zh-CN"},
		{"an unknown choice does not", "xx", "zh-CN", "zh-CN"},
	} {
		if got := For(tc.choice, tc.accept).Tag; got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestTimesAreWorded(t *testing.T) {
	en, zh := &english.Time, &chinese.Time
	for _, tc := range []struct {
		d            time.Duration
		ago, forLong string
	}{
		{0, "just now", "0 s"},
		{-time.Hour, "just now", "0 s"},
		{70 * time.Second, "a minute ago", "70 s"},
		{5 * time.Minute, "5 minutes ago", "5 min"},
		{61 * time.Minute, "an hour ago", "61 min"},
		{25 * time.Hour, "a day ago", "25 h"},
		{72 * time.Hour, "3 days ago", "3 d"},
	} {
		if got := en.Ago(tc.d); got != tc.ago {
			t.Errorf("%v: %q, want %q", tc.d, got, tc.ago)
		}
		if got := en.For(tc.d); got != tc.forLong {
			t.Errorf("%v: %q, want %q", tc.d, got, tc.forLong)
		}
	}
	if got := zh.Ago(5 * time.Minute); got != "5 分钟前" {
		t.Error(got)
	}
}
