package feed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nacre/server/clock"
	"nacre/server/fault"
)

func opened(size int) *Feed {
	f := New(clock.NewFixed(time.UnixMilli(5000)), size)
	f.Open()
	return f
}

func TestNothingIsToldBeforeTheFeedIsOpen(t *testing.T) {
	f := New(clock.System{}, 10)
	f.Append(Event{Kind: ServerState})
	if b := f.Since(f.First()-1, &Filter{}, 10); len(b.Events) != 0 || f.Count() != 0 {
		t.Errorf("%+v", b)
	}
}

func TestNumbersHaveNoHolesAndGoOnAboveTheLastProcess(t *testing.T) {
	f := opened(10)
	for range 3 {
		f.Append(Event{Kind: ConfigPublished})
	}
	b := f.Since(0, &Filter{}, 10)
	if len(b.Events) != 3 || b.Events[0].Seq != 5_000_000 || b.Events[2].Seq != 5_000_002 || b.Next != 5_000_002 || b.Missed != 1 {
		t.Errorf("%+v", b)
	}
	later := New(clock.NewFixed(time.UnixMilli(5001)), 10)
	if later.First() <= f.Last() {
		t.Errorf("%d after %d", later.First(), f.Last())
	}
	if b := later.Since(f.Last(), &Filter{}, 10); b.Missed == 0 {
		t.Error("a reader from before the restart is not told that it may have missed something")
	}
	if b := f.Since(f.Last(), &Filter{}, 10); b.Missed != 0 || len(b.Events) != 0 || b.Next != f.Last() {
		t.Errorf("%+v", b)
	}
	if b := f.Since(f.Last()+1, &Filter{}, 10); b.Missed == 0 || len(b.Events) != 3 {
		t.Errorf("a number that is not given yet: %+v", b)
	}
}

func TestTheRingIsBoundedByBytesToo(t *testing.T) {
	f := opened(1 << 16)
	large := strings.Repeat("x", 1<<20)
	for range 200 {
		f.Append(Event{Kind: ServerState, Text: large})
	}
	if held := f.Last() - f.First() + 1; held > 48 || held < 40 {
		t.Errorf("%d MiB are held", held)
	}
}

// TestAReaderGetsEachEventOnceOrIsToldHowManyItMissed compares with a plain list.
func TestAReaderGetsEachEventOnceOrIsToldHowManyItMissed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 20).Draw(t, "size")
		f := opened(size)
		kinds := []Kind{ConfigPublished, ClientGone}
		fl := Filter{}
		if rapid.Bool().Draw(t, "filtered") {
			fl.Kinds = []string{"client"}
		}
		at, got, missed := f.Last(), 0, uint64(0)
		sent := []Kind{}
		selected := 0
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "append") {
				k := rapid.SampledFrom(kinds).Draw(t, "kind")
				f.Append(Event{Kind: k})
				sent = append(sent, k)
				continue
			}
			b := f.Since(at, &fl, rapid.IntRange(1, 5).Draw(t, "most"))
			missed += b.Missed
			for _, e := range b.Events {
				if e.Seq <= at || e.Seq > b.Next {
					t.Fatalf("event %d after %d, next %d", e.Seq, at, b.Next)
				}
				if sent[e.Seq-f.start] != e.Kind || !fl.Selects(&e) {
					t.Fatalf("event %d is %s", e.Seq, e.Kind)
				}
			}
			got += len(b.Events)
			at = b.Next
		}
		for at != f.Last() {
			b := f.Since(at, &fl, 5)
			missed += b.Missed
			got += len(b.Events)
			at = b.Next
		}
		for _, k := range sent {
			if e := (Event{Kind: k}); fl.Selects(&e) {
				selected++
			}
		}
		if fl.Kinds == nil && got+int(missed) != len(sent) {
			t.Fatalf("%d read, %d missed of %d", got, missed, len(sent))
		}
		if missed == 0 && got != selected {
			t.Fatalf("%d read of %d", got, selected)
		}
	})
}

func TestFiltersSelect(t *testing.T) {
	e := Event{Kind: ConfigPublished, Namespace: "dev", Group: "G", DataID: "Shop.yml", User: "alice"}
	for _, tc := range []struct {
		namespace, kinds, text string
		want                   bool
	}{
		{"", "", "", true},
		{"dev", "", "", true},
		{"public", "", "", false},
		{"", "config", "", true},
		{"", "client, config.published", "", true},
		{"", "client", "", false},
		{"", "", "shop", true},
		{"", "", "ALICE", true},
		{"", "", "bob", false},
		{"dev", "config.published", "yml", true},
	} {
		f, err := ParseFilter(tc.namespace, tc.kinds, tc.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Selects(&e); got != tc.want {
			t.Errorf("%+v: %t", tc, got)
		}
	}
	f, err := ParseFilter("dev", "", "")
	if err != nil || !f.Selects(&Event{Kind: ServerState}) {
		t.Error("the state of the server matters in every namespace")
	}
	for _, kinds := range []string{"confg", "config.", strings.Repeat("config,", 40)} {
		var fe *fault.Error
		if _, err := ParseFilter("", kinds, ""); !errors.As(err, &fe) || fe.Kind != fault.Invalid {
			t.Errorf("%.20q: %v", kinds, err)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	f.Add("dev", "config,client.gone", "x")
	f.Fuzz(func(t *testing.T, namespace, kinds, text string) {
		fl, err := ParseFilter(namespace, kinds, text)
		if err != nil {
			return
		}
		fl.Selects(&Event{Kind: ConfigPublished, DataID: text})
	})
}

func TestManyReadersSeeTheSameOrder(t *testing.T) {
	f := opened(1 << 16)
	const events, readers, writers = 10_000, 8, 4
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var all sync.WaitGroup
	errs := make(chan error, readers)
	start := f.Last()
	for range readers {
		all.Go(func() {
			at := start
			for n := 0; n < events; {
				if err := f.Wait(ctx, at); err != nil {
					errs <- err
					return
				}
				b := f.Since(at, &Filter{}, 100)
				for _, e := range b.Events {
					if at++; e.Seq != at {
						errs <- fmt.Errorf("event %d where %d was expected", e.Seq, at)
						return
					}
				}
				n += len(b.Events)
			}
		})
	}
	for range writers {
		all.Go(func() {
			for range events / writers {
				f.Append(Event{Kind: ConfigPublished})
			}
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	f := opened(10)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Wait(ctx, f.Last()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAReaderOfAnotherProcessIsToldThatItMissedSome(t *testing.T) {
	f := opened(10)
	for range 25 {
		f.Append(Event{Kind: ServerState})
	}
	for name, tc := range map[string]struct{ after, missed uint64 }{
		"an earlier process":               {f.Epoch() - 5_000_000, 15},
		"the first number of all":          {1, 15},
		"a process with a later clock":     {f.Last() + 1, 15},
		"the largest number":               {^uint64(0), 15},
		"this one, before its first event": {f.Epoch() - 1, 15},
		"this one":                         {f.Epoch() + 4, 10},
	} {
		t.Run(name, func(t *testing.T) {
			if err := f.Wait(t.Context(), tc.after); err != nil {
				t.Fatal(err)
			}
			b := f.Since(tc.after, &Filter{}, 100)
			if b.Missed != tc.missed || len(b.Events) != 10 || b.Next != f.Last() {
				t.Errorf("missed %d, %d events, next is the last but %d", b.Missed, len(b.Events), f.Last()-b.Next)
			}
		})
	}
	if b := opened(10).Since(1, &Filter{}, 100); b.Missed != 1 {
		t.Errorf("of an empty feed %d are missed, 1 stands for those that nobody knows of", b.Missed)
	}
}

func TestTheRingGrowsAndThenDropsTheOldest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 700).Draw(t, "size")
		f := opened(size)
		after, appended, seen := f.Last(), uint64(0), uint64(0)
		for range rapid.IntRange(1, 40).Draw(t, "rounds") {
			for range rapid.IntRange(0, 300).Draw(t, "events") {
				appended++
				f.Append(Event{Kind: ServerState, Revision: appended})
			}
			b := f.Since(after, &Filter{}, rapid.IntRange(1, 2000).Draw(t, "most"))
			if seen += b.Missed; b.Missed > 0 && appended-seen != uint64(size) {
				t.Fatalf("%d of %d events are left, the ring has room for %d", appended-seen, appended, size)
			}
			for _, e := range b.Events {
				if seen++; e.Revision != seen || e.Seq != f.Epoch()+seen-1 {
					t.Fatalf("event %d came where %d was to", e.Revision, seen)
				}
			}
			after = b.Next
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	f := opened(0)
	b.ReportAllocs()
	for b.Loop() {
		f.Append(Event{Kind: ConfigPublished, Namespace: "public", Group: "g", DataID: "app.yaml"})
	}
}
