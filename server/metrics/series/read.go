package series

import (
	"math"
	"strconv"
	"time"

	"nacre/server/clock"
)

// Rate returns a Source.Read of how fast a counter grows, per second, since it was read last.
func Rate(count func() uint64) func() float64 {
	var last uint64
	var at time.Time
	return func() float64 {
		n, now := count(), clock.Mono()
		before, since := last, now.Sub(at).Seconds()
		first := at.IsZero()
		last, at = n, now
		if first || since <= 0 || n < before {
			return math.NaN()
		}
		return float64(n-before) / since
	}
}

// Buckets is a histogram: how many values were at most as great as each bound, the last being infinite.
type Buckets struct {
	Bounds []float64
	Counts []uint64
}

// Quantile returns a Source.Read of the value that the part q of those observed since it was read last were at most as
// great as, times scale; NaN when there were none. Within a bucket values are taken as evenly spread.
func Quantile(q, scale float64, read func() Buckets) func() float64 {
	var last []uint64
	return func() float64 {
		b := read()
		since := make([]uint64, len(b.Counts))
		for i, n := range b.Counts {
			if since[i] = n; i < len(last) {
				since[i] -= min(last[i], n)
			}
		}
		last = append(last[:0], b.Counts...)
		return quantile(q, b.Bounds, since) * scale
	}
}

func quantile(q float64, bounds []float64, counts []uint64) float64 {
	if len(counts) == 0 || counts[len(counts)-1] == 0 {
		return math.NaN()
	}
	rank := q * float64(counts[len(counts)-1])
	lower, below := 0.0, 0.0
	for i, n := range counts {
		if float64(n) < rank {
			lower, below = bounds[i], float64(n)
			continue
		}
		if math.IsInf(bounds[i], 1) {
			return lower // it is greater, nobody knows by how much
		}
		return lower + (bounds[i]-lower)*(rank-below)/(float64(n)-below)
	}
	return lower
}

// appendShort writes a number with as many digits as a chart needs.
func appendShort(b []byte, v float64) []byte {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.AppendInt(b, int64(v), 10)
	}
	return strconv.AppendFloat(b, v, 'g', 4, 64)
}
