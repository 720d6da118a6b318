package config

import (
	"context"
	"sync"
	"testing"
	"time"

	"nacre/server/clock"
	"nacre/server/fault"
	"nacre/server/journal"
)

// direct is a journal that decides at once, on the caller's goroutine, one command at a time.
type direct struct {
	mu    sync.Mutex
	state *State
}

func (d *direct) Submit(_ context.Context, cmd journal.Command) (journal.Result, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out, _, err := d.state.Decide(cmd)
	return journal.Result{Outcome: out}, err
}

func newService(t testing.TB) *Service {
	s, state := New(clock.NewFixed(time.UnixMilli(1_700_000_000_000)), Options{MaxContent: 1 << 20})
	s.Use(&direct{state: state}, nil)
	return s
}

func TestCheckOfDrafts(t *testing.T) {
	s := newService(t)
	long := func(n int) *string {
		b := make([]byte, n)
		for i := range b {
			b[i] = 'x'
		}
		return ptr(string(b))
	}
	for _, tt := range []struct {
		name string
		d    Draft
		kind fault.Kind
		code fault.Code
	}{
		{"a blank content", Draft{Key: testKey, Content: []byte(" \n\t")}, fault.Invalid, CodeBlank},
		{"a content that is not UTF-8", Draft{Key: testKey, Content: []byte("a\xffb")}, fault.Invalid, CodeEncoding},
		{"a content above the limit", Draft{Key: testKey, Content: make([]byte, 1<<20+1)}, fault.Limited, CodeTooLarge},
		{"no dataId", Draft{Key: key("public", "g", " "), Content: []byte("x")}, fault.Invalid, CodeName},
		{"an illegal group", Draft{Key: key("public", "a/b", "d"), Content: []byte("x")}, fault.Invalid, CodeName},
		{"a dataId that is too long", Draft{Key: key("public", "g", *long(257)), Content: []byte("x")}, fault.Invalid, CodeName},
		{"six tags", Draft{Key: testKey, Content: []byte("x"), Tags: make([]string, 6)}, fault.Invalid, CodeAttribute},
		{"a long tag", Draft{Key: testKey, Content: []byte("x"), Tags: []string{*long(65)}}, fault.Invalid, CodeAttribute},
		{"a long desc", Draft{Key: testKey, Content: []byte("x"), Desc: long(129)}, fault.Invalid, CodeAttribute},
		{"a long type", Draft{Key: testKey, Content: []byte("x"), Type: *long(33)}, fault.Invalid, CodeAttribute},
		{"a long gray tag", Draft{Key: testKey, Content: []byte("x"), Gray: &GrayDraft{"tag_x", TagRule(*long(17))}}, fault.Invalid, CodeTag},
		{"an unknown rule", Draft{Key: testKey, Content: []byte("x"), Gray: &GrayDraft{"q", Rule{Type: "percent", Version: "1.0.0", Expr: "5"}}}, fault.Invalid, CodeGrayRule},
	} {
		_, err := s.Publish(context.Background(), Actor{}, tt.d)
		if fault.KindOf(err) != tt.kind || fault.CodeOf(err) != tt.code {
			t.Errorf("%s: got %v (%s, %q), want %s, %q", tt.name, err, fault.KindOf(err), fault.CodeOf(err), tt.kind, tt.code)
		}
	}
	if n := s.Stats().Configs; n != 0 {
		t.Errorf("refused drafts left %d configurations", n)
	}
	if _, err := s.Publish(context.Background(), Actor{}, Draft{Key: testKey, Content: []byte("a\x00b\r\n\uFEFF😀"), Type: "nonsense"}); err != nil {
		t.Error(err)
	}
	if _, err := s.Publish(context.Background(), Actor{}, Draft{Key: testKey, Content: []byte("x"), TagsGiven: true, Tags: []string{"b", "a", "b", "a", "c"}}); err != nil {
		t.Error(err)
	}
	if got := JoinTags(s.Item(testKey).Formal.Tags); got != "b,a,c" {
		t.Errorf("each tag counts once: %s", got)
	}
	if v, _ := s.Read(testKey, Client{}); v.Type != TypeText {
		t.Errorf("an unknown type becomes text, got %q", v.Type)
	}
}
