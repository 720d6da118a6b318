//go:build failpoint

package replica

import (
	"fmt"
	"testing"
)

// TestNothingAcknowledgedIsLostWhereverTheProcessEnds ends the process at each named place.
func TestNothingAcknowledgedIsLostWhereverTheProcessEnds(t *testing.T) {
	for _, name := range []string{"before-log-write", "after-log-write", "before-image-write", "mid-snapshot", "before-log-trim"} {
		t.Run(name, func(t *testing.T) {
			dir, acknowledged, last := t.TempDir(), map[uint64]bool{}, uint64(0)
			for _, at := range []int{1, 2, 3, 5} {
				if name == "before-log-write" || name == "after-log-write" || name == "before-image-write" {
					at *= at * 4
				}
				ids, said := crash(t, dir, last+1, -1, fmt.Sprintf("NACRE_FAILPOINTS=replica/%s=exit@%d", name, at))
				if said != "" {
					t.Fatalf("the child says: %s", said)
				}
				for _, id := range ids {
					acknowledged[id] = true
				}
				last = survivors(t, dir, acknowledged)
			}
			if len(acknowledged) == 0 {
				t.Error("nothing was acknowledged, so nothing was tested")
			}
			t.Logf("%d commands acknowledged", len(acknowledged))
		})
	}
}
