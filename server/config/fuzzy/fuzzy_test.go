package fuzzy

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"nacre/server/config"
	"nacre/server/fault"
)

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
		if got := p.Matches(config.Key{Namespace: tc.ns, Group: tc.group, DataID: tc.id}); got != tc.want {
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
		g, d := group.Draw(t, "group pattern"), id.Draw(t, "dataId pattern")
		p, err := Parse("public>>" + g + ">>" + d)
		if err != nil {
			t.Fatal(err)
		}
		k := config.Key{Namespace: "public", Group: group.Draw(t, "group"), DataID: id.Draw(t, "dataId")}
		if want := plainly(g).MatchString(k.Group) && plainly(d).MatchString(k.DataID); p.Matches(k) != want {
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
		p.Matches(config.Key{Namespace: p.namespace, Group: id, DataID: id})
		if parts := strings.Split(text, ">>"); !strings.Contains(parts[1]+parts[2], "*") &&
			!p.Matches(config.Key{Namespace: p.namespace, Group: parts[1], DataID: parts[2]}) {
			t.Fatalf("%q does not match the name that it is", text)
		}
	})
}

var (
	there = &config.Item{Formal: &config.Entry{}}
	gray  = &config.Item{Grays: []*config.Gray{{}}}
)

// world is a plain map of what exists, which an index is told of.
type world struct {
	mu    sync.Mutex
	held  map[config.Key]bool
	index *Index
}

func (w *world) set(k config.Key, exists bool) {
	w.mu.Lock()
	before := w.held[k]
	w.held[k] = exists
	w.mu.Unlock()
	item := func(exists bool) *config.Item {
		if exists {
			return there
		}
		return nil
	}
	w.index.Changed(k, item(before), item(exists))
}

func (w *world) each(f func(config.Key, *config.Item) bool) {
	w.mu.Lock()
	var keys []config.Key
	for k, exists := range w.held {
		if exists {
			keys = append(keys, k)
		}
	}
	w.mu.Unlock()
	for _, k := range keys {
		if !f(k, there) {
			return
		}
	}
}

func key(i int) config.Key {
	return config.Key{Namespace: "public", Group: "g", DataID: fmt.Sprintf("k%d", i)}
}

// TestAClientEndsUpKnowingWhatMatches lets messages be lost at random and compares with the plain map.
func TestAClientEndsUpKnowingWhatMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{held: map[config.Key]bool{}, index: NewIndex()}
		for i := range 60 {
			w.held[key(i)] = rapid.Bool().Draw(t, "held")
		}
		known := map[config.Key]bool{}
		var received []config.Key
		for i := range 60 {
			if rapid.Bool().Draw(t, "known") {
				known[key(i)] = true
				received = append(received, key(i), key(i)) // twice is once
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
				w.set(key(rapid.IntRange(0, 59).Draw(t, "key")), rapid.Bool().Draw(t, "exists"))
			} else {
				step(rapid.Bool().Draw(t, "lose"))
			}
		}
		for step(false) {
		}
		for i := range 60 {
			if known[key(i)] != w.held[key(i)] {
				t.Fatalf("the client thinks %t of %s, it is %t", known[key(i)], key(i), w.held[key(i)])
			}
		}
		if finished != initial {
			t.Fatalf("the end of the first difference was told: %t", finished)
		}
		watch.Cancel()
		watch.Cancel()
		w.set(key(0), !w.held[key(0)])
		if _, ok := watch.Next(); ok || w.index.watches.Load() != 0 || w.index.patterns != 0 || len(w.index.byNS) != 0 {
			t.Fatal("a cancelled watch goes on")
		}
	})
}

func TestChangesOfContentAndVariantsAreNone(t *testing.T) {
	x := NewIndex()
	told := 0
	w, _, err := x.Watch(mustParse(t, "public>>*>>*"), nil, false, func(func(config.Key, *config.Item) bool) {}, func() { told++ })
	if err != nil {
		t.Fatal(err)
	}
	defer w.Cancel()
	x.Changed(key(1), there, there)
	x.Changed(key(1), nil, gray)
	if _, ok := w.Next(); ok || told != 0 {
		t.Error("told of nothing")
	}
	x.Changed(key(1), gray, there)
	if m, ok := w.Next(); !ok || told != 1 || !m.Changes[0].Exists {
		t.Errorf("%+v %t", m, ok)
	}
}

func TestAPatternThatMatchesTooManyIsToldOfNoRemoval(t *testing.T) {
	w := &world{held: map[config.Key]bool{}, index: NewIndex()}
	for i := range MaxMatches + 10 {
		w.held[key(i)] = true
	}
	watch, over, err := w.index.Watch(mustParse(t, "public>>g>>k*"), []config.Key{key(9999)}, true, w.each, func() {})
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
	w := &world{held: map[config.Key]bool{}, index: NewIndex()}
	var all sync.WaitGroup
	stop := make(chan struct{})
	all.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				w.set(key(i%50), i%3 != 0)
			}
		}
	})
	var watches []*Watch
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
		known := map[config.Key]bool{}
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

// TestWhatIsOwedIsBounded lets more and more configurations come and go while a client acknowledges nothing.
func TestWhatIsOwedIsBounded(t *testing.T) {
	w := &world{held: map[config.Key]bool{}, index: NewIndex()}
	for i := range 20 {
		w.held[key(i)] = true
	}
	watch, _, err := w.index.Watch(mustParse(t, "public>>g>>k*"), nil, false, w.each, func() {})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20_000 {
		w.set(key(i), true)
		if i >= 10 {
			w.set(key(i-10), false)
		}
		if _, ok := watch.Next(); ok {
			watch.Done(false)
		}
	}
	if len(watch.pending) > 31 || len(watch.order) != len(watch.pending) {
		t.Errorf("%d pending, %d in order", len(watch.pending), len(watch.order))
	}
	for i := range 2 * MaxMatches {
		w.set(key(100_000+i), true)
	}
	if n := len(watch.pending); n > MaxMatches+21 || len(watch.group.matched) != MaxMatches {
		t.Errorf("%d pending of %d that match", n, len(watch.group.matched))
	}
	watch.Cancel()
}

func TestWhenThereIsRoomAgainTheOthersAreTold(t *testing.T) {
	w := &world{held: map[config.Key]bool{}, index: NewIndex()}
	for i := range MaxMatches + 10 {
		w.held[key(i)] = true
	}
	p := mustParse(t, "public>>g>>k*")
	watch, over, err := w.index.Watch(p, nil, false, w.each, func() {})
	if err != nil || !over {
		t.Fatal(err, over)
	}
	defer watch.Cancel()
	known := map[config.Key]bool{}
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
		w.set(key(i), false)
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
	x := NewIndex()
	none := func(func(config.Key, *config.Item) bool) {}
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
	w := &world{held: map[config.Key]bool{key(1): true}, index: NewIndex()}
	walks := 0
	each := func(f func(config.Key, *config.Item) bool) { walks++; w.each(f) }
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
	w.set(key(2), true)
	if walks != 1 || told != 100 {
		t.Errorf("%d walks, %d told", walks, told)
	}
}

// BenchmarkChangedWith5000Watches is a change that 5,000 clients with one pattern are told of.
func BenchmarkChangedWith5000Watches(b *testing.B) {
	x := NewIndex()
	for range 5000 {
		w, _, err := x.Watch(mustParse(b, "public>>g>>k*"), nil, false, func(func(config.Key, *config.Item) bool) {}, func() {})
		if err != nil {
			b.Fatal(err)
		}
		defer w.Cancel()
	}
	b.ReportAllocs()
	exists := true
	for b.Loop() {
		if exists {
			x.Changed(key(1), nil, there)
		} else {
			x.Changed(key(1), there, nil)
		}
		exists = !exists
	}
}

// TestWatchesComeAndGoWhileThingsChange is for the race detector, and leaves nothing behind.
func TestWatchesComeAndGoWhileThingsChange(t *testing.T) {
	w := &world{held: map[config.Key]bool{}, index: NewIndex()}
	stop := make(chan struct{})
	var changes, clients sync.WaitGroup
	changes.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				w.set(key(i%40), i%3 != 0)
			}
		}
	})
	for c := range 8 {
		clients.Go(func() {
			for i := range 100 {
				woken := make(chan struct{}, 1)
				x, _, err := w.index.Watch(mustParse(t, fmt.Sprintf("public>>g>>k%d*", (c+i)%4)), []config.Key{key(i % 40)}, i%2 == 0, w.each, func() {
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

// BenchmarkWatchOf100000 is the first watch of a pattern, on a node with 100,000 configurations.
func BenchmarkWatchOf100000(b *testing.B) {
	keys := make([]config.Key, 100_000)
	for i := range keys {
		keys[i] = key(i)
	}
	each := func(f func(config.Key, *config.Item) bool) {
		for _, k := range keys {
			if !f(k, there) {
				return
			}
		}
	}
	x := NewIndex()
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
	x := NewIndex()
	for i := range 20 {
		w, _, err := x.Watch(mustParse(b, fmt.Sprintf("public>>g>>other%d*", i)), nil, false, func(func(config.Key, *config.Item) bool) {}, func() {})
		if err != nil {
			b.Fatal(err)
		}
		defer w.Cancel()
	}
	b.ReportAllocs()
	for b.Loop() {
		x.Changed(key(1), nil, there)
	}
}
