package series

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"nacre/server/clock"
	"nacre/server/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run runs a series of these figures for a while, on the clock of a synctest bubble.
func run(t *testing.T, d time.Duration, sources ...Source) *Series {
	t.Helper()
	s := New(clock.System{}, sources)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	time.Sleep(d)
	synctest.Wait()
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return s
}

func read(t *testing.T, s *Series, rang string, names ...string) Table {
	t.Helper()
	table, err := s.Read(rang, names...)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestFiguresAreHeldForTheirRange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		n := 0.0
		s := run(t, 25*time.Hour+time.Second, Source{Name: "n", Unit: "things", Read: func() float64 { n++; return n }})
		for _, c := range []struct {
			rang        string
			count       int
			step        time.Duration
			first, last float64
			start       time.Duration
		}{
			{Quarter, 180, 5 * time.Second, 18001 - 179, 18001, 25*time.Hour - 179*5*time.Second},
			{Hour, 720, 5 * time.Second, 18001 - 719, 18001, 25*time.Hour - 719*5*time.Second},
			{Day, 1440, time.Minute, 18000 - 1439*12 - 5.5, 18000 - 5.5, 25*time.Hour - 5*time.Second - 1439*time.Minute},
		} {
			table := read(t, s, c.rang)
			l := table.Lines[0]
			if len(l.Values) != c.count || table.StepMs != c.step.Milliseconds() || l.Name != "n" || l.Unit != "things" {
				t.Errorf("%s: %d values of %s each %d ms", c.rang, len(l.Values), l.Name, table.StepMs)
			}
			if float64(l.Values[0]) != c.first || float64(l.Values[c.count-1]) != c.last {
				t.Errorf("%s: from %v to %v, not %v to %v", c.rang, l.Values[0], l.Values[c.count-1], c.first, c.last)
			}
			if want := start.Add(c.start).UnixMilli(); table.StartMs != want {
				t.Errorf("%s begins %d ms from where it should", c.rang, table.StartMs-want)
			}
			if c.rang == Day && (len(l.Max) != c.count || l.Max[c.count-1] != 18000) || c.rang != Day && l.Max != nil {
				t.Errorf("%s: the greatest are %v", c.rang, l.Max)
			}
		}
	})
}

func TestAYoungServerHasWhatItHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := run(t, 12*time.Second, Source{Name: "one", Read: func() float64 { return 1 }}, Source{Name: "nan", Read: math.NaN})
		table := read(t, s, Hour, "nan", "one")
		if b, _ := json.Marshal(table.Lines[0].Values); string(b) != "[null,null,null]" {
			t.Errorf("%s", b)
		}
		if b, _ := json.Marshal(table.Lines[1].Values); string(b) != "[1,1,1]" {
			t.Errorf("%s", b)
		}
		if day := read(t, s, Day); len(day.Lines[0].Values) != 0 || len(day.Lines) != 2 {
			t.Errorf("a day has %+v", day)
		}
	})
}

func TestWhatIsNotKnownIsRefusedInWords(t *testing.T) {
	s := New(clock.System{}, []Source{{Name: "a"}, {Name: "b"}})
	for _, c := range []struct{ rang, name, want string }{{"2h", "a", "15m, 1h, 24h are"}, {"1h", "c", "there are a, b"}} {
		if _, err := s.Read(c.rang, c.name); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.TextOf(err), c.want) {
			t.Error(err)
		}
	}
}

func TestWhatWasSleptThroughIsEmpty(t *testing.T) {
	at := clock.NewFixed(time.UnixMilli(1_800_000_000_000))
	s := New(at, []Source{{Name: "one", Read: func() float64 { return 1 }}})
	s.sample()
	at.Add(20 * time.Second)
	s.sample()
	at.Add(-time.Hour) // somebody set the clock
	s.sample()
	table := read(t, s, Hour)
	if b, _ := json.Marshal(table.Lines[0].Values); string(b) != "[1,null,null,null,1,1]" {
		t.Errorf("%s", b)
	}
	if want := at.Now().UnixMilli() - 5*5000; table.StartMs != want {
		t.Errorf("it begins %d ms from where it should", table.StartMs-want)
	}
	at.Add(1000 * 24 * time.Hour)
	s.sample()
	if l := read(t, s, Day).Lines[0]; len(l.Values) != dayCount || !math.IsNaN(float64(l.Values[0])) {
		t.Errorf("a thousand days later the day has %d values, the first is %v", len(l.Values), l.Values[0])
	}
}

func TestARateIsPerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n uint64 = 1000
		r := Rate(func() uint64 { return n })
		if v := r(); !math.IsNaN(v) {
			t.Errorf("at first it is %v", v)
		}
		n += 50
		time.Sleep(5 * time.Second)
		if v := r(); v != 10 {
			t.Errorf("50 in 5 s are %v", v)
		}
		n = 3
		time.Sleep(5 * time.Second)
		if v := r(); !math.IsNaN(v) {
			t.Errorf("a counter that began again is %v", v)
		}
	})
}

func TestAQuantileIsThatOfWhatCameSince(t *testing.T) {
	b := Buckets{Bounds: []float64{.001, .002, .004, math.Inf(1)}, Counts: make([]uint64, 4)}
	observe := func(values ...float64) {
		for _, v := range values {
			for i, bound := range b.Bounds {
				if v <= bound {
					b.Counts[i]++
				}
			}
		}
	}
	q := Quantile(.5, 1000, func() Buckets { return b })
	if v := q(); !math.IsNaN(v) {
		t.Errorf("of nothing it is %v", v)
	}
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{.001}, .5}, {[]float64{.003, .003}, 3}, {[]float64{.0005, .003, .003, .003}, 2 + 2./3}, {[]float64{9, 9}, 4}, {nil, math.NaN()},
	} {
		observe(c.values...)
		if v := q(); math.Abs(v-c.want) > 1e-9 || math.IsNaN(v) != math.IsNaN(c.want) {
			t.Errorf("the middle of %v is %v, not %v", c.values, v, c.want)
		}
	}
}

func TestAQuantileIsWithinItsBucket(t *testing.T) {
	bounds := []float64{1, 2, 4, 8, 16, math.Inf(1)}
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(0.01, 15.9), 1, 50).Draw(t, "values")
		part := rapid.Float64Range(0.01, 1).Draw(t, "part")
		counts := make([]uint64, len(bounds))
		for _, v := range values {
			for i, b := range bounds {
				if v <= b {
					counts[i]++
				}
			}
		}
		slices.Sort(values)
		exact := values[max(int(math.Ceil(part*float64(len(values))))-1, 0)]
		i, _ := slices.BinarySearch(bounds, exact)
		lower := 0.0
		if i > 0 {
			lower = bounds[i-1]
		}
		if got := quantile(part, bounds, counts); got < lower-1e-9 || got > bounds[i]+1e-9 {
			t.Fatalf("the part %v of %v is %v, it must be from %v to %v", part, values, got, lower, bounds[i])
		}
	})
}

func TestTheMemoryIsFixed(t *testing.T) {
	var sources []Source
	for i := range 30 {
		sources = append(sources, Source{Name: fmt.Sprint(i), Read: rand.Float64})
	}
	s := New(clock.System{}, sources)
	size := 0
	for _, r := range []ring{s.fine, s.mean, s.most} {
		for _, row := range r.rows {
			size += 4 * cap(row)
		}
	}
	if size > 1<<20 {
		t.Errorf("30 figures take %d bytes", size)
	}
	if n := testing.AllocsPerRun(100, s.sample); n > 4 {
		t.Errorf("a sample allocates %v times", n)
	}
}
