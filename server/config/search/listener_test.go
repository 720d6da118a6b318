package search

import (
	"testing"

	"nacre/server/config"
)

func TestWhoListensCanBeAskedFor(t *testing.T) {
	h := newHeld()
	standing := map[string][2]int{"idle": {0, 0}, "fresh": {2, 0}, "stale": {2, 1}}
	h.index = New(Source{Get: h.Get, Each: h.Each, Listeners: func(k config.Key) (all, behind int) {
		return standing[k.DataID][0], standing[k.DataID][1]
	}})
	for name := range standing {
		h.put(config.Entry{Key: config.Key{Namespace: "public", Group: "g", DataID: name}, Content: []byte("x")})
	}
	for text, want := range map[string][]string{
		"listener:none": {"idle"}, "listener:any": {"fresh", "stale"}, "listener:BEHIND": {"stale"}, "listener:any fresh": {"fresh"}, "listener:none fresh": nil,
	} {
		q, err := Parse(text, nowMs)
		if err != nil {
			t.Fatal(err)
		}
		found, err := h.index.Find(t.Context(), q, 1, 10)
		if err != nil || len(found.Items) != len(want) {
			t.Errorf("%s: %+v, %v", text, found.Items, err)
			continue
		}
		for i, r := range found.Items {
			if r.Key.DataID != want[i] {
				t.Errorf("%s: %s, want %s", text, r.Key.DataID, want[i])
			}
		}
	}
	for _, wrong := range []string{"listener:", "listener:all", "-listener:none", "listener:14"} {
		if _, err := Parse(wrong, nowMs); err == nil {
			t.Errorf("%q is understood", wrong)
		}
	}
}
