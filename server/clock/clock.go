// Package clock is the only source of time.
//
// All of Nacre asks a Clock, so that tests and fault runs can shift or replace it; a test forbids
// time.Now anywhere else. Timers and sleeps use package time, whose monotonic clock no shift touches.
package clock

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Clock tells the wall-clock time.
type Clock interface {
	Now() time.Time
}

// System is the machine's clock.
type System struct{}

// Now returns the machine's time.
func (System) Now() time.Time { return time.Now() }

// Mono returns the machine's time for deadlines of sockets and timers, which no Clock may shift.
func Mono() time.Time { return time.Now() }

// Millis returns c's time in milliseconds since 1970, the unit of Nacos' rows and answers.
func Millis(c Clock) int64 { return c.Now().UnixMilli() }

// Since returns the time that has passed on c since start.
func Since(c Clock, start time.Time) time.Duration { return c.Now().Sub(start) }

// Fixed is a clock that tests set by hand. It is safe for concurrent use.
type Fixed struct{ nanos atomic.Int64 }

// NewFixed returns a clock that stands at t.
func NewFixed(t time.Time) *Fixed {
	f := &Fixed{}
	f.Set(t)
	return f
}

// Now returns the time that was set.
func (f *Fixed) Now() time.Time { return time.Unix(0, f.nanos.Load()) }

// Set moves the clock to t.
func (f *Fixed) Set(t time.Time) { f.nanos.Store(t.UnixNano()) }

// Add moves the clock by d.
func (f *Fixed) Add(d time.Duration) { f.nanos.Add(int64(d)) }

// Shifted is the machine's clock plus an offset that is read from a file once a second: fault runs
// use it to skew one node of many, as a static binary can't be skewed from outside.
type Shifted struct {
	path   string
	offset atomic.Int64
	readAt atomic.Int64
}

// NewShifted returns a clock shifted by the duration that the file at path holds ("-1h", "90s").
func NewShifted(path string) *Shifted { return &Shifted{path: path} }

// Now returns the shifted time.
func (s *Shifted) Now() time.Time {
	now := time.Now()
	if last := s.readAt.Load(); now.Unix() != last && s.readAt.CompareAndSwap(last, now.Unix()) {
		s.offset.Store(int64(readOffset(s.path)))
	}
	return now.Add(time.Duration(s.offset.Load()))
}

func readOffset(path string) time.Duration {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	text := strings.TrimSpace(string(b))
	if d, err := time.ParseDuration(text); err == nil {
		return d
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Duration(n) * time.Second
	}
	return 0
}

// FromEnv returns the clock a server runs on: the machine's, or a shifted one where the environment
// variable NACRE_TEST_CLOCK_OFFSET names a file.
func FromEnv() Clock {
	if path := os.Getenv("NACRE_TEST_CLOCK_OFFSET"); path != "" {
		return NewShifted(path)
	}
	return System{}
}
