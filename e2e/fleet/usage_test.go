package fleet

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is what the server's process has used.
type usage struct {
	at  time.Time
	cpu time.Duration
	rss int64 // bytes
}

// percentSince returns the share of a core that was used since before.
func (u usage) percentSince(before usage) float64 {
	return 100 * float64(u.cpu-before.cpu) / float64(u.at.Sub(before.at))
}

// jiffy is the unit of times in /proc.
const jiffy = 10 * time.Millisecond

func (f *fleet) usage() usage {
	f.t.Helper()
	dir := "/proc/" + strconv.Itoa(f.server.PID())
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		f.t.Fatal(err)
	}
	memory, err := os.ReadFile(dir + "/statm")
	if err != nil {
		f.t.Fatal(err)
	}
	number := func(fields []string, i int) int64 {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			f.t.Fatal(err)
		}
		return n
	}
	_, afterName, _ := strings.Cut(string(stat), ") ")
	times := strings.Fields(afterName)
	return usage{
		at: time.Now(), cpu: time.Duration(number(times, 11)+number(times, 12)) * jiffy,
		rss: number(strings.Fields(string(memory)), 1) * int64(os.Getpagesize()),
	}
}

// metric returns a figure of /metrics that has no labels.
func (f *fleet) metric(name string) float64 {
	f.t.Helper()
	h := http.Client{Timeout: 10 * time.Second}
	res, err := h.Get(f.server.URL + "/metrics")
	if err != nil {
		f.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	_, after, found := bytes.Cut(body, []byte("\n"+name+" "))
	line, _, _ := bytes.Cut(after, []byte("\n"))
	v, err := strconv.ParseFloat(string(line), 64)
	if !found || err != nil {
		f.t.Fatalf("/metrics has no %s", name)
	}
	return v
}
