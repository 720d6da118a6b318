package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/fault"
)

// askable are clients of which none answers within its 3 s unless it has something to say.
type askable struct {
	n     int
	says  func(id string) string
	asked atomic.Int64
}

func (a *askable) Connected() []Connected {
	out := make([]Connected, a.n)
	for i := range out {
		out[i] = Connected{Client: delivery.Client{ID: fmt.Sprint(i), IP: "10.1.2.3"}, SDK: true}
	}
	return append(out, Connected{Client: delivery.Client{ID: "elsewhere", IP: "10.1.2.4"}})
}
func (a *askable) Keep(int, string, string)         {}
func (a *askable) Send(string, string, string) bool { return false }
func (a *askable) Holds(ctx context.Context, id string, _ config.Key) (json.RawMessage, error) {
	a.asked.Add(1)
	if text := a.says(id); text != "" {
		return json.RawMessage(text), nil
	}
	select {
	case <-ctx.Done():
	case <-time.After(3 * time.Second):
	}
	return nil, fault.New(fault.Unavailable, "silence")
}

func TestAskingManyClientsTakesSecondsAndBoundedMemory(t *testing.T) {
	for _, tc := range []struct {
		name  string
		says  func(id string) string
		most  time.Duration
		check func(got map[string]any) bool
	}{
		{"all answer", func(id string) string { return `{"` + id + `":"x"}` }, 0, func(got map[string]any) bool {
			_, other := got["elsewhere"]
			return len(got) == 5000 && !other
		}},
		{"one answers", func(id string) string {
			if id == "7" {
				return `{"7":{"a":1}}`
			}
			return ""
		}, askedFor, func(got map[string]any) bool { return len(got) == 1 }},
		{"answers that are no objects", func(string) string { return `[1]` }, 0, func(got map[string]any) bool { return len(got) == 0 }},
		{"answers of 1 MiB", func(id string) string { return `{"` + id + `":"` + strings.Repeat("x", 1<<20) + `"}` }, 0, func(got map[string]any) bool { return len(got) == 15 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := clock.System{}.Now()
				d := Deps{Clients: &askable{n: 5000, says: tc.says}, Log: slog.New(slog.DiscardHandler)}
				got := d.ClientMetrics(t.Context(), "10.1.2.3", config.Key{Namespace: "public", Group: "g", DataID: "a"})
				if took := clock.Since(clock.System{}, began); took > tc.most || !tc.check(got) {
					t.Errorf("%d answers after %s", len(got), took)
				}
			})
		})
	}
}
