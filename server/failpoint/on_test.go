//go:build failpoint

package failpoint

import (
	"testing"
	"time"
)

func TestParseReadsActionsAndPassages(t *testing.T) {
	m, err := parse("a=exit@17, b=sleep:100ms;c=error d=error%5")
	if err != nil {
		t.Fatal(err)
	}
	if p := m["a"]; p.action != "exit" || p.at != 17 {
		t.Errorf("a is %+v", p)
	}
	if p := m["b"]; p.action != "sleep" || p.sleep != 100*time.Millisecond {
		t.Errorf("b is %+v", p)
	}
	if p := m["c"]; p.action != "error" || p.at != 0 {
		t.Errorf("c is %+v", p)
	}
	if p := m["d"]; p.action != "error" || p.every != 5 {
		t.Errorf("d is %+v", p)
	}
	for _, bad := range []string{"a", "a=error%0", "a=stop", "a=exit@x", "a=sleep:soon"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
