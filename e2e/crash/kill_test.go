package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// rounds is how often the server is killed; NACRE_CRASH_ROUNDS changes it.
func rounds(t *testing.T, byDefault int) int {
	if v := os.Getenv("NACRE_CRASH_ROUNDS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatalf("NACRE_CRASH_ROUNDS: %v", err)
		}
		return n
	}
	if testing.Short() {
		return 10
	}
	return byDefault
}

// writer changes keys of its own, one change after the other, so that after a crash at most its last
// one is in doubt.
type writer struct {
	id     int
	client *http.Client
	keys   []string
	seq    int
	held   map[string]string   // what each key holds, as far as is known
	past   map[string][]string // the history each key must have: op and content, oldest first
	doubt  *change
}

type change struct{ key, content string }

func (w *writer) dataID(i int) string { return fmt.Sprintf("w%d.k%d", w.id, i) }

// work makes changes until one is not acknowledged.
func (w *writer) work(ctx context.Context, base string, acks *atomic.Int64) {
	for ctx.Err() == nil {
		w.seq++
		c := change{key: w.keys[rand.IntN(len(w.keys))], content: fmt.Sprintf("%d/%d %s", w.id, w.seq, strings.Repeat("x", rand.IntN(2000)))}
		if w.held[c.key] != "" && rand.IntN(8) == 0 {
			c.content = ""
		}
		w.doubt = &c
		var err error
		if c.content == "" {
			err = remove(ctx, w.client, base, c.key)
		} else {
			err = publish(ctx, w.client, base, c.key, c.content)
		}
		if err != nil {
			return
		}
		acks.Add(1)
		w.took(c)
		w.doubt = nil
	}
}

// took keeps account of a change that took effect.
func (w *writer) took(c change) {
	old := w.held[c.key]
	switch {
	case c.content == "":
		w.past[c.key] = append(w.past[c.key], "D "+old)
	case old == "":
		w.past[c.key] = append(w.past[c.key], "I "+c.content)
	default:
		w.past[c.key] = append(w.past[c.key], "U "+old)
	}
	w.held[c.key] = c.content
}

// check compares what the server holds with what it acknowledged; the one change in doubt may have
// taken effect or not, and from now on is known.
func (w *writer) check(t *testing.T, base string) {
	for _, k := range w.keys {
		got, err := read(w.client, base, k)
		if err != nil {
			t.Fatalf("reading %s: %v", k, err)
		}
		if got == w.held[k] {
			continue
		}
		if w.doubt != nil && w.doubt.key == k && got == w.doubt.content {
			w.took(*w.doubt)
			w.doubt = nil
			continue
		}
		t.Fatalf("%s holds %.30q, acknowledged was %.30q (in doubt: %+.30v)", k, got, w.held[k], w.doubt)
	}
	w.doubt = nil
}

// checkHistory compares each key's history with every change that took effect.
func (w *writer) checkHistory(t *testing.T, base string) (rows int) {
	for _, k := range w.keys {
		var got []string
		for page := 1; ; page++ {
			var p struct {
				PagesAvailable int
				PageItems      []struct{ ID, OpType string }
			}
			getJSON(t, w.client, base+"/nacos/v1/cs/history?"+url.Values{
				"search": {"accurate"}, "dataId": {k}, "group": {"crash"}, "pageNo": {strconv.Itoa(page)}, "pageSize": {"500"},
			}.Encode(), &p)
			for _, row := range p.PageItems {
				var full struct{ Content string }
				getJSON(t, w.client, base+"/nacos/v1/cs/history?"+url.Values{"dataId": {k}, "group": {"crash"}, "nid": {row.ID}}.Encode(), &full)
				got = append(got, strings.TrimSpace(row.OpType)+" "+full.Content)
			}
			if page >= p.PagesAvailable {
				break
			}
		}
		if len(got) != len(w.past[k]) {
			t.Fatalf("%s has %d rows of history, %d changes took effect", k, len(got), len(w.past[k]))
		}
		for i, row := range got {
			if want := w.past[k][len(got)-1-i]; row != want {
				t.Fatalf("%s: row %d of history is %.40q, want %.40q", k, i, row, want)
			}
		}
		rows += len(got)
	}
	return rows
}

func getJSON(t *testing.T, c *http.Client, target string, to any) {
	t.Helper()
	res, err := c.Get(target)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d", target, res.StatusCode)
	}
	if err := json.NewDecoder(res.Body).Decode(to); err != nil {
		t.Fatalf("GET %s: %v", target, err)
	}
}

func TestKilledUnderLoadNothingAcknowledgedIsLost(t *testing.T) {
	dir := t.TempDir()
	var writers []*writer
	for id := range 8 {
		w := &writer{id: id, client: newClient(), held: map[string]string{}, past: map[string][]string{}}
		for i := range 4 {
			w.keys = append(w.keys, w.dataID(i))
		}
		writers = append(writers, w)
	}
	var acks atomic.Int64
	n := rounds(t, 200)
	for range n {
		p := start(t, dir)
		for _, w := range writers {
			w.check(t, p.URL)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for _, w := range writers {
			wg.Go(func() { w.work(ctx, p.URL, &acks) })
		}
		time.Sleep(time.Duration(20+rand.IntN(180)) * time.Millisecond)
		p.Kill()
		cancel()
		wg.Wait()
		for _, w := range writers {
			w.client.CloseIdleConnections()
		}
	}
	p := start(t, dir)
	rows := 0
	for _, w := range writers {
		w.check(t, p.URL)
		rows += w.checkHistory(t, p.URL)
	}
	if int64(n) > 20 && acks.Load() < int64(n)*10 {
		t.Fatalf("only %d changes were acknowledged in %d rounds: the run proves little", acks.Load(), n)
	}
	t.Logf("%d kills, %d changes acknowledged, %d rows of history, nothing lost", n, acks.Load(), rows)
	p.Terminate(t)
	p = start(t, dir)
	for _, w := range writers {
		w.check(t, p.URL)
	}
	p.Terminate(t)
}
