package config

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
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

type told chan Key

func (w told) Fire(k Key) { w <- k }

func TestListenTellsOnceOfTheKeyThatChanged(t *testing.T) {
	s, ctx, by := newService(t), context.Background(), Actor{}
	publish := func(k Key, content string) {
		t.Helper()
		if _, err := s.Publish(ctx, by, Draft{Key: k, Content: []byte(content)}); err != nil {
			t.Fatal(err)
		}
	}
	other := key("n", "g", "b")
	publish(testKey, "v1")
	w := make(told, 9)
	if changed, reg, err := s.Listen(Client{}, []Watch{{testKey, "stale"}, {other, ""}}, w); err != nil || reg != nil || len(changed) != 1 || changed[0] != testKey {
		t.Fatalf("a stale md5 is answered at once: %v %v %v", changed, reg, err)
	}
	changed, reg, err := s.Listen(Client{}, []Watch{{testKey, MD5([]byte("v1"))}, {other, ""}}, w)
	if len(changed) != 0 || err != nil {
		t.Fatal(changed, err)
	}
	publish(testKey, "v1") // the same content is no change
	if n := len(w); n != 0 {
		t.Fatalf("told %d times of nothing new", n)
	}
	publish(other, "x")
	publish(testKey, "v2")
	if k := <-w; k != other || len(w) != 0 {
		t.Fatalf("told of %v and %d more", k, len(w))
	}
	reg.Cancel()
	reg.Cancel()
	if c, k := s.Waiting(); c != 0 || k != 0 {
		t.Errorf("%d clients and %d keys wait after the end", c, k)
	}
}

func TestAClientOutsideABetaIsNotWoken(t *testing.T) {
	s, ctx := newService(t), context.Background()
	if _, err := s.Publish(ctx, Actor{}, Draft{Key: testKey, Content: []byte("formal")}); err != nil {
		t.Fatal(err)
	}
	in, out := make(told, 1), make(told, 1)
	for _, x := range []struct {
		c Client
		w told
	}{{Client{IP: "1.1.1.1"}, in}, {Client{IP: "2.2.2.2"}, out}} {
		_, reg, err := s.Listen(x.c, []Watch{{testKey, MD5([]byte("formal"))}}, x.w)
		if err != nil {
			t.Fatal(err)
		}
		defer reg.Cancel()
	}
	if _, err := s.Publish(ctx, Actor{}, Draft{Key: testKey, Content: []byte("beta"), Gray: &GrayDraft{GrayBeta, BetaRule("1.1.1.1")}}); err != nil {
		t.Fatal(err)
	}
	if len(in) != 1 || len(out) != 0 {
		t.Errorf("told inside %d, outside %d", len(in), len(out))
	}
}

// TestNoChangeIsMissed lets clients listen, read and listen again while others publish: in the end
// each must have the last content.
func TestNoChangeIsMissed(t *testing.T) {
	s, ctx := newService(t), context.Background()
	const publishers, clients, each = 4, 8, 300
	keys := []Key{testKey, key("n", "g", "b"), key("n", "g", "c")}
	var done atomic.Bool
	var wg, pubs sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			have := map[Key]string{}
			for {
				last := done.Load()
				watches := make([]Watch, 0, len(keys))
				for _, k := range keys {
					watches = append(watches, Watch{k, have[k]})
				}
				w := make(told, 1)
				changed, reg, err := s.Listen(Client{}, watches, w)
				if err != nil {
					t.Error(err)
					return
				}
				if len(changed) == 0 {
					if last {
						reg.Cancel()
						return
					}
					select {
					case k := <-w:
						changed = []Key{k}
					case <-time.After(10 * time.Second):
						if !done.Load() {
							t.Errorf("client %d was told of nothing for 10 s", c)
						}
					}
					reg.Cancel()
				}
				for _, k := range changed {
					v, _ := s.Read(k, Client{})
					have[k] = v.MD5
				}
			}
		})
	}
	for p := range publishers {
		pubs.Go(func() {
			for i := range each {
				k := keys[(p+i)%len(keys)]
				if _, err := s.Publish(ctx, Actor{}, Draft{Key: k, Content: fmt.Appendf(nil, "%d/%d", p, i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	pubs.Wait()
	done.Store(true)
	for _, k := range keys { // wakes those that wait for nothing any more
		if _, err := s.Publish(ctx, Actor{}, Draft{Key: k, Content: []byte("end")}); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	if c, k := s.Waiting(); c != 0 || k != 0 {
		t.Errorf("%d clients and %d keys are left in the table", c, k)
	}
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
