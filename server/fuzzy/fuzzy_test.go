package fuzzy

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"nacre/server/fault"
	"nacre/server/resource"
)

type key = resource.ServiceKey

func mustParse(t testing.TB, text string) Pattern {
	t.Helper()
	p, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPatternsMatch(t *testing.T) {
	for _, tc := range []struct {
		pattern, ns, group, id string
		want                   bool
	}{
		{"public>>g>>a", "public", "g", "a", true},
		{">>g>>a", "public", "g", "a", true},
		{"public>>g>>a", "dev", "g", "a", false},
		{"public>>*>>*", "public", "any", "thing", true},
		{"public>>g>>a*", "public", "g", "abc", true},
		{"public>>g>>a*", "public", "g", "ba", false},
		{"public>>g>>*.yml", "public", "g", "x.yml", true},
		{"public>>g>>*.yml", "public", "g", "x.yml.bak", false},
		{"public>>g>>*b*", "public", "g", "abc", true},
		{"public>>g>>a*c", "public", "g", "abc", false},
		{"public>>g*>>*", "public", "gg", "x", true},
	} {
		p := mustParse(t, tc.pattern)
		if got := Matches(&p, key{Namespace: tc.ns, Group: tc.group, Name: tc.id}); got != tc.want {
			t.Errorf("%s and %s/%s/%s: %t", tc.pattern, tc.ns, tc.group, tc.id, got)
		}
	}
	for _, bad := range []string{"", "a", "a>>b", "a>>b>>c>>d", "a>>>>c", "a>>b>>", strings.Repeat("x", 2000) + ">>a>>b"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%.30q is taken", bad)
		}
	}
}

// plainly is what a pattern of a name means, as a regular expression.
func plainly(pattern string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i, c := range []byte(pattern) {
		if c == '*' && (i == 0 || i == len(pattern)-1) {
			b.WriteString(`.*`)
		} else {
			b.WriteString(regexp.QuoteMeta(string(rune(c))))
		}
	}
	return regexp.MustCompile(b.String() + `\z`)
}

func TestPatternsMeanWhatARegularExpressionWould(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		group, id := rapid.StringMatching(`[ab*]{1,4}`), rapid.StringMatching(`[ab*]{1,5}`)
		g, d := group.Draw(t, "group pattern"), id.Draw(t, "name pattern")
		p, err := Parse("public>>" + g + ">>" + d)
		if err != nil {
			t.Fatal(err)
		}
		k := key{Namespace: "public", Group: group.Draw(t, "group"), Name: id.Draw(t, "name")}
		if want := plainly(g).MatchString(k.Group) && plainly(d).MatchString(k.Name); Matches(&p, k) != want {
			t.Fatalf("%s and %s: %t", p.String(), k, !want)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"public>>g>>a*", ">>*>>*a*", "a>>>>b", "a>>**>>***", ">>>>>>", "public>>g>>\xff*"} {
		f.Add(text, "a")
	}
	f.Fuzz(func(t *testing.T, text, id string) {
		p, err := Parse(text)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid || len(err.Error()) > 1000 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if p.String() != text || p.namespace == "" {
			t.Fatalf("%q became %+v", text, p)
		}
		Matches(&p, key{Namespace: p.namespace, Group: id, Name: id})
		if parts := strings.Split(text, ">>"); !strings.Contains(parts[1]+parts[2], "*") &&
			!Matches(&p, key{Namespace: p.namespace, Group: parts[1], Name: parts[2]}) {
			t.Fatalf("%q does not match the name that it is", text)
		}
	})
}

// world is a plain map of what exists, which an index is told of.
type world struct {
	mu    sync.Mutex
	held  map[key]bool
	index *Index[key]
}

func (w *world) set(k key, exists bool) {
	w.mu.Lock()
	w.held[k] = exists
	w.mu.Unlock()
	w.index.Changed(k, exists)
}

func (w *world) each(f func(key) bool) {
	w.mu.Lock()
	var keys []key
	for k, exists := range w.held {
		if exists {
			keys = append(keys, k)
		}
	}
	w.mu.Unlock()
	for _, k := range keys {
		if !f(k) {
			return
		}
	}
}

func numbered(i int) key {
	return key{Namespace: "public", Group: "g", Name: fmt.Sprintf("k%d", i)}
}

// TestAClientEndsUpKnowingWhatMatches lets messages be lost at random and compares with the plain map.
func TestAClientEndsUpKnowingWhatMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{held: map[key]bool{}, index: NewIndex[key]()}
		for i := range 60 {
			w.held[numbered(i)] = rapid.Bool().Draw(t, "held")
		}
		known := map[key]bool{}
		var received []key
		for i := range 60 {
			if rapid.Bool().Draw(t, "known") {
				known[numbered(i)] = true
				received = append(received, numbered(i), numbered(i)) // twice is once
			}
		}
		p, err := Parse("public>>g>>k*")
		if err != nil {
			t.Fatal(err)
		}
		initial := rapid.Bool().Draw(t, "initial")
		watch, over, err := w.index.Watch(p, received, initial, w.each, func() {})
		if err != nil || over {
			t.Fatal(err, over)
		}
		finished := false
		step := func(lose bool) bool {
			m, ok := watch.Next()
			if !ok {
				return false
			}
			if _, twice := watch.Next(); twice {
				t.Fatal("two messages at once")
			}
			if !lose {
				for _, c := range m.Changes {
					known[c.Key] = c.Exists
				}
				if m.Sync == SyncFinish {
					finished = true
				}
				if len(m.Changes) > BatchSize || m.Sync == "" && len(m.Changes) != 1 || m.Sync == SyncFinish && (m.Batch != 0 || m.Batches != 0) {
					t.Fatalf("%+v", m)
				}
			}
			watch.Done(!lose)
			return true
		}
		for range rapid.IntRange(0, 80).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "change") {
				w.set(numbered(rapid.IntRange(0, 59).Draw(t, "key")), rapid.Bool().Draw(t, "exists"))
			} else {
				step(rapid.Bool().Draw(t, "lose"))
			}
		}
		for step(false) {
		}
		for i := range 60 {
			if known[numbered(i)] != w.held[numbered(i)] {
				t.Fatalf("the client thinks %t of %s, it is %t", known[numbered(i)], numbered(i), w.held[numbered(i)])
			}
		}
		if finished != initial {
			t.Fatalf("the end of the first difference was told: %t", finished)
		}
		watch.Cancel()
		watch.Cancel()
		w.set(numbered(0), !w.held[numbered(0)])
		if _, ok := watch.Next(); ok || w.index.watches.Load() != 0 || w.index.patterns != 0 || len(w.index.byNS) != 0 {
			t.Fatal("a cancelled watch goes on")
		}
	})
}

func TestAPatternThatMatchesTooManyIsToldOfNoRemoval(t *testing.T) {
	w := &world{held: map[key]bool{}, index: NewIndex[key]()}
	for i := range MaxMatches + 10 {
		w.held[numbered(i)] = true
	}
	watch, over, err := w.index.Watch(mustParse(t, "public>>g>>k*"), []key{numbered(9999)}, true, w.each, func() {})
	if err != nil || !over {
		t.Fatal(err, over)
	}
	defer watch.Cancel()
	n := 0
	for {
		m, ok := watch.Next()
		if !ok {
			break
		}
		for _, c := range m.Changes {
			if n++; !c.Exists {
				t.Errorf("removal of %s", c.Key)
			}
		}
		watch.Done(true)
	}
	if n != MaxMatches {
		t.Errorf("told of %d", n)
	}
}

func TestNoChangeIsMissedWhileWatchesBegin(t *testing.T) {
	w := &world{held: map[key]bool{}, index: NewIndex[key]()}
	var all sync.WaitGroup
	stop := make(chan struct{})
	all.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				w.set(numbered(i%50), i%3 != 0)
			}
		}
	})
	var watches []*Watch[key]
	for range 200 {
		x, _, err := w.index.Watch(mustParse(t, "public>>g>>k*"), nil, true, w.each, func() {})
		if err != nil {
			t.Fatal(err)
		}
		watches = append(watches, x)
	}
	close(stop)
	all.Wait()
	for _, x := range watches {
		known := map[key]bool{}
		for {
			m, ok := x.Next()
			if !ok {
				break
			}
			for _, c := range m.Changes {
				known[c.Key] = c.Exists
			}
			x.Done(true)
		}
		for k, exists := range w.held {
			if known[k] != exists {
				t.Fatalf("%s: %t, it is %t", k, known[k], exists)
			}
		}
		x.Cancel()
	}
}

// TestWhatIsOwedIsBounded lets more and more names come and go while a client acknowledges nothing.
func TestWhatIsOwedIsBounded(t *testing.T) {
	w := &world{held: map[key]bool{}, index: NewIndex[key]()}
	for i := range 20 {
		w.held[numbered(i)] = true
	}
	watch, _, err := w.index.Watch(mustParse(t, "public>>g>>k*"), nil, false, w.each, func() {})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20_000 {
		w.set(numbered(i), true)
		if i >= 10 {
			w.set(numbered(i-10), false)
		}
		if _, ok := watch.Next(); ok {
			watch.Done(false)
		}
	}
	if len(watch.pending) > 31 || len(watch.order) != len(watch.pending) {
		t.Errorf("%d pending, %d in order", len(watch.pending), len(watch.order))
	}
	for i := range 2 * MaxMatches {
		w.set(numbered(100_000+i), true)
	}
	if n := len(watch.pending); n > MaxMatches+21 || len(watch.group.matched) != MaxMatches {
		t.Errorf("%d pending of %d that match", n, len(watch.group.matched))
	}
	watch.Cancel()
}

func TestRemovalsAreToldOnceMoreWhereThatIsWanted(t *testing.T) {
	x := NewIndex[key]()
	x.Repeats = true
	w, _, err := x.Watch(mustParse(t, "public>>g>>k*"), []key{numbered(1), numbered(2)}, false, func(f func(key) bool) { f(numbered(2)) }, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Cancel()
	for _, kind := range []Sync{SyncDiff, ""} {
		m, ok := w.Next()
		if !ok || m.Sync != kind || len(m.Changes) != 1 || m.Changes[0] != (Change[key]{numbered(1), false}) {
			t.Errorf("%+v, %t", m, ok)
		}
		w.Done(true)
	}
	if m, ok := w.Next(); ok {
		t.Errorf("more: %+v", m)
	}
}

func TestWhenThereIsRoomAgainTheOthersAreTold(t *testing.T) {
	w := &world{held: map[key]bool{}, index: NewIndex[key]()}
	for i := range MaxMatches + 10 {
		w.held[numbered(i)] = true
	}
	p := mustParse(t, "public>>g>>k*")
	watch, over, err := w.index.Watch(p, nil, false, w.each, func() {})
	if err != nil || !over {
		t.Fatal(err, over)
	}
	defer watch.Cancel()
	known := map[key]bool{}
	read := func() {
		for {
			m, ok := watch.Next()
			if !ok {
				return
			}
			for _, c := range m.Changes {
				known[c.Key] = c.Exists
			}
			watch.Done(true)
		}
	}
	read()
	for i := range 20 {
		w.set(numbered(i), false)
	}
	read()
	other, over, err := w.index.Watch(p, nil, false, w.each, func() {})
	if err != nil || over {
		t.Fatal(err, over)
	}
	defer other.Cancel()
	read()
	for k, exists := range w.held {
		if known[k] != exists {
			t.Errorf("%s: %t, it is %t", k, known[k], exists)
		}
	}
}

func TestPatternsAndWatchesOfANodeAreBounded(t *testing.T) {
	x := NewIndex[key]()
	none := func(func(key) bool) {}
	for i := range maxPatterns {
		if _, _, err := x.Watch(mustParse(t, fmt.Sprintf("public>>g>>p%d", i)), nil, true, none, func() {}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := x.Watch(mustParse(t, "public>>g>>more"), nil, true, none, func() {}); fault.KindOf(err) != fault.Limited {
		t.Errorf("one pattern more: %v", err)
	}
	if _, _, err := x.Watch(mustParse(t, "public>>g>>p1"), nil, true, none, func() {}); err != nil {
		t.Errorf("one watch more of a pattern that is watched: %v", err)
	}
}

func TestClientsWithOnePatternShareOneWalk(t *testing.T) {
	w := &world{held: map[key]bool{numbered(1): true}, index: NewIndex[key]()}
	walks := 0
	each := func(f func(key) bool) { walks++; w.each(f) }
	told := 0
	for range 100 {
		watch, _, err := w.index.Watch(mustParse(t, "public>>g>>k*"), nil, false, each, func() { told++ })
		if err != nil {
			t.Fatal(err)
		}
		defer watch.Cancel()
		if m, ok := watch.Next(); !ok || len(m.Changes) != 1 {
			t.Fatal(m, ok)
		}
	}
	w.set(numbered(2), true)
	if walks != 1 || told != 100 {
		t.Errorf("%d walks, %d told", walks, told)
	}
}

// BenchmarkChangedWith5000Watches is a change that 5,000 clients with one pattern are told of.
func BenchmarkChangedWith5000Watches(b *testing.B) {
	x := NewIndex[key]()
	for range 5000 {
		w, _, err := x.Watch(mustParse(b, "public>>g>>k*"), nil, false, func(func(key) bool) {}, func() {})
		if err != nil {
			b.Fatal(err)
		}
		defer w.Cancel()
	}
	b.ReportAllocs()
	exists := true
	for b.Loop() {
		x.Changed(numbered(1), exists)
		exists = !exists
	}
}

// TestWatchesComeAndGoWhileThingsChange is for the race detector, and leaves nothing behind.
func TestWatchesComeAndGoWhileThingsChange(t *testing.T) {
	w := &world{held: map[key]bool{}, index: NewIndex[key]()}
	stop := make(chan struct{})
	var changes, clients sync.WaitGroup
	changes.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				w.set(numbered(i%40), i%3 != 0)
			}
		}
	})
	for c := range 8 {
		clients.Go(func() {
			for i := range 100 {
				woken := make(chan struct{}, 1)
				x, _, err := w.index.Watch(mustParse(t, fmt.Sprintf("public>>g>>k%d*", (c+i)%4)), []key{numbered(i % 40)}, i%2 == 0, w.each, func() {
					select {
					case woken <- struct{}{}:
					default:
					}
				})
				if err != nil {
					t.Error(err)
					return
				}
				for j := range 10 {
					if _, ok := x.Next(); ok {
						x.Done(j%3 != 0)
					}
				}
				x.Cancel()
			}
		})
	}
	clients.Wait()
	close(stop)
	changes.Wait()
	if x := w.index; x.watches.Load() != 0 || x.patterns != 0 || len(x.byNS) != 0 {
		t.Errorf("left: %d watches, %d patterns", x.watches.Load(), x.patterns)
	}
}

// BenchmarkWatchOf100000 is the first watch of a pattern, on a node with 100,000 names.
func BenchmarkWatchOf100000(b *testing.B) {
	keys := make([]key, 100_000)
	for i := range keys {
		keys[i] = numbered(i)
	}
	each := func(f func(key) bool) {
		for _, k := range keys {
			if !f(k) {
				return
			}
		}
	}
	x := NewIndex[key]()
	p := mustParse(b, "public>>g>>*99")
	b.ReportAllocs()
	for b.Loop() {
		w, _, err := x.Watch(p, nil, true, each, func() {})
		if err != nil {
			b.Fatal(err)
		}
		w.Cancel()
	}
}

func BenchmarkChangedWith20Patterns(b *testing.B) {
	x := NewIndex[key]()
	for i := range 20 {
		w, _, err := x.Watch(mustParse(b, fmt.Sprintf("public>>g>>other%d*", i)), nil, false, func(func(key) bool) {}, func() {})
		if err != nil {
			b.Fatal(err)
		}
		defer w.Cancel()
	}
	b.ReportAllocs()
	for b.Loop() {
		x.Changed(numbered(1), true)
	}
}
