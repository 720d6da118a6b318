// Package series remembers the node's own figures for a day, so that its charts need no Prometheus.
//
// Every figure is read each 5 seconds and held for an hour; each minute's mean and greatest are held for a day. The memory
// is taken at once: about 14 KiB for each figure.
package series

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"nacre/server/clock"
	"nacre/server/fault"
)

// Source is where a figure comes from.
type Source struct {
	// Name is what the figure is asked for by, in lower case with underscores.
	Name string
	// Unit is what it counts: ms, bytes, per second, or "" for a number of things.
	Unit string
	// Read returns the figure now, NaN when there is none. It is called by one goroutine, once each 5 s, and must not block.
	Read func() float64
}

// Ranges that can be read.
const (
	Quarter = "15m"
	Hour    = "1h"
	Day     = "24h"
)

// Ranges lists them, the shortest first.
func Ranges() []string { return []string{Quarter, Hour, Day} }

const (
	step      = 5 * time.Second
	fineCount = int(time.Hour / step)
	perMinute = int(time.Minute / step)
	dayCount  = 24 * 60
)

// Series holds figures. It is safe for concurrent use.
type Series struct {
	clock   clock.Clock
	sources []Source

	mu     sync.Mutex
	fine   ring // of each source one row
	mean   ring
	most   ring
	minute []sum // what the present minute has so far
	filled int   // samples in it
	lastMs int64 // when the last sample was taken
	dayMs  int64 // when the last minute was over
}

// sum gathers the samples of a minute.
type sum struct {
	sum, most float64
	count     int
}

// ring holds the last columns, a value of each source in each.
type ring struct {
	size, next, held int
	rows             [][]float32
}

func newRing(sources, size int) ring {
	r := ring{size: size, rows: make([][]float32, sources)}
	for i := range r.rows {
		r.rows[i] = make([]float32, size)
	}
	return r
}

// add adds a column; value returns what is in its i-th row.
func (r *ring) add(value func(i int) float64) {
	for i, row := range r.rows {
		row[r.next] = float32(value(i))
	}
	r.next = (r.next + 1) % r.size
	r.held = min(r.held+1, r.size)
}

// last returns the newest values of a row, at most so many, the oldest first.
func (r *ring) last(row, most int) []Value {
	n := min(r.held, most)
	out := make([]Value, n)
	for i := range out {
		out[i] = Value(r.rows[row][(r.next-n+i+r.size)%r.size])
	}
	return out
}

// New returns a Series that has nothing yet; Run fills it.
func New(c clock.Clock, sources []Source) *Series {
	n := len(sources)
	return &Series{
		clock: c, sources: sources, fine: newRing(n, fineCount), mean: newRing(n, dayCount), most: newRing(n, dayCount), minute: make([]sum, n),
	}
}

// Run reads all figures each 5 seconds, until ctx ends.
func (s *Series) Run(ctx context.Context) error {
	tick := time.NewTicker(step)
	defer tick.Stop()
	for {
		s.sample()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *Series) sample() {
	now := make([]float64, len(s.sources))
	for i, src := range s.sources {
		now[i] = src.Read()
	}
	ms := clock.Millis(s.clock)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lastMs != 0 { // what was slept through is empty, as when the machine was suspended
		missed := min((ms-s.lastMs)/step.Milliseconds()-1, int64((dayCount+1)*perMinute))
		for range missed {
			s.add(s.lastMs+step.Milliseconds(), nil)
		}
	}
	s.add(ms, now)
}

// add takes one sample of each figure; nil stands for none.
func (s *Series) add(ms int64, now []float64) {
	at := func(i int) float64 {
		if now == nil {
			return math.NaN()
		}
		return now[i]
	}
	s.lastMs = ms
	s.fine.add(at)
	for i := range s.minute {
		if v := at(i); !math.IsNaN(v) {
			m := &s.minute[i]
			if m.count == 0 || v > m.most {
				m.most = v
			}
			m.sum += v
			m.count++
		}
	}
	if s.filled++; s.filled < perMinute {
		return
	}
	s.mean.add(func(i int) float64 {
		if s.minute[i].count == 0 {
			return math.NaN()
		}
		return s.minute[i].sum / float64(s.minute[i].count)
	})
	s.most.add(func(i int) float64 {
		if s.minute[i].count == 0 {
			return math.NaN()
		}
		return s.minute[i].most
	})
	clear(s.minute)
	s.filled, s.dayMs = 0, ms
}

// Value is a figure at one time. In JSON it is null when there was none.
type Value float32

// MarshalJSON implements json.Marshaler.
func (v Value) MarshalJSON() ([]byte, error) {
	if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	return appendShort(nil, float64(v)), nil
}

// UnmarshalJSON implements json.Unmarshaler, for what another node tells.
func (v *Value) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*v = Value(math.NaN())
		return nil
	}
	f, err := strconv.ParseFloat(string(b), 32)
	*v = Value(f)
	return err
}

// Line is one figure over time.
type Line struct {
	Name, Unit string
	// Values are one for each step; of the range of a day, means over the step.
	Values []Value
	// Max, of the range of a day, has the greatest of each step.
	Max []Value
}

// Table is what a range has of some figures.
type Table struct {
	// StartMs is when the first values were taken, in ms since 1970, and StepMs what lies between two of them.
	StartMs, StepMs int64
	Lines           []Line
}

// Read returns what is held of a range, of all figures, or of those named, in that order. Faults: Invalid for a range or name that is not known.
func (s *Series) Read(rang string, names ...string) (Table, error) {
	rows, err := s.rows(names)
	if err != nil {
		return Table{}, err
	}
	most := map[string]int{Quarter: fineCount / 4, Hour: fineCount, Day: dayCount}[rang]
	if most == 0 {
		return Table{}, fault.New(fault.Invalid, "range %q is not known, %s are", rang, strings.Join(Ranges(), ", "))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	from, last, by := &s.fine, s.lastMs, step
	if rang == Day {
		from, last, by = &s.mean, s.dayMs, time.Minute
	}
	t := Table{StepMs: by.Milliseconds(), Lines: make([]Line, 0, len(rows))}
	t.StartMs = last - int64(max(min(from.held, most)-1, 0))*t.StepMs
	for _, i := range rows {
		l := Line{Name: s.sources[i].Name, Unit: s.sources[i].Unit, Values: from.last(i, most)}
		if rang == Day {
			l.Max = s.most.last(i, most)
		}
		t.Lines = append(t.Lines, l)
	}
	return t, nil
}

// rows returns the places of figures, of all when no names are given.
func (s *Series) rows(names []string) ([]int, error) {
	var out []int
	if len(names) == 0 {
		for i := range s.sources {
			out = append(out, i)
		}
		return out, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(s.sources, func(src Source) bool { return src.Name == name })
		if i < 0 {
			var known []string
			for _, src := range s.sources {
				known = append(known, src.Name)
			}
			return nil, fault.New(fault.Invalid, "there is no figure %.60q, there are %s", name, strings.Join(known, ", "))
		}
		out = append(out, i)
	}
	return out, nil
}
