package delivery

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestHowLongAnAcknowledgementTookIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0)
		var took []time.Duration
		w.cfg.Acked = func(d time.Duration) { took = append(took, d) }
		defer run(w)()
		k := key("a")
		s, _ := open(w, "1", "10.0.0.1")
		defer s.Close()
		listen(t, s, "", k)
		w.set(k, "A")
		first := s.Take(nil, 1)[0]
		time.Sleep(30 * time.Millisecond)
		s.Acked(k, first.Revision)
		w.set(k, "B")
		second := s.Take(nil, 1)[0]
		time.Sleep(time.Second)
		s.Acked(k, first.Revision) // late: it is the second that is waited for
		s.Refused(k, second.Revision)
		if want := []time.Duration{30 * time.Millisecond}; !slices.Equal(took, want) {
			t.Errorf("took %v, not %v", took, want)
		}
	})
}
