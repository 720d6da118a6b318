package config

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"nacre/server/config/configpb"
)

// scanned returns the checksum of what a state holds, made anew.
func scanned(s *State) (sum uint64) {
	s.Each(func(k Key, it *Item) bool {
		sum += fingerprint(k, it)
		return true
	})
	return sum
}

func TestTheChecksumIsThatOfWhatIsHeld(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, other := NewState(nil), NewState(nil)
		for range rapid.IntRange(1, 40).Draw(rt, "commands") {
			k := keyPB(key("public", "g", rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "key")))
			content := rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "content")
			gray := rapid.Bool().Draw(rt, "gray")
			remove := rapid.Bool().Draw(rt, "remove")
			for _, one := range []*State{s, other} {
				if remove {
					mustDecide(t, one, KindRemove, &configpb.Remove{Key: k, Actor: &configpb.Actor{}})
					continue
				}
				p := publishPB(content)
				if gray {
					p = grayPB(GrayBeta, BetaRule("10.0.0.1"), content)
				}
				p.Key = k
				mustDecide(t, one, KindPublish, p)
			}
			if got := s.Sums().Now; got.Sum != scanned(s) || got.Revision != s.Revision() {
				rt.Fatalf("the sum is %+v at revision %d, a scan has %d", got, s.Revision(), scanned(s))
			}
		}
		if at, same, found := s.Sums().Compare(other.Sums()); !found || !same || at != s.Revision() {
			rt.Fatalf("two states after the same commands: %d %v %v", at, same, found)
		}
		loaded := NewState(nil)
		s.Each(func(_ Key, it *Item) bool {
			if it.Formal != nil {
				loaded.LoadEntry(it.Formal)
			}
			for _, g := range it.Grays {
				loaded.LoadGray(g)
			}
			return true
		})
		loaded.SetCounters(s.Counters())
		if loaded.Sums().Now != s.Sums().Now {
			rt.Fatalf("loaded: %+v, decided: %+v", loaded.Sums().Now, s.Sums().Now)
		}
	})
}

func TestNodesThatAreNotAtTheSameRevisionCompareAnOlderOne(t *testing.T) {
	ahead, behind := NewState(nil), NewState(nil)
	publish := func(s *State, i int) {
		mustDecide(t, s, KindPublish, publishPB(fmt.Sprint(i)))
	}
	for i := range 3 * markEvery {
		publish(ahead, i)
		if i < 2*markEvery+10 {
			publish(behind, i)
		}
	}
	if at, same, found := ahead.Sums().Compare(behind.Sums()); !found || !same || at != 2*markEvery {
		t.Errorf("compared at %d: same %v, found %v", at, same, found)
	}
	wrong := NewState(nil)
	publish(wrong, 99)
	for i := 1; i < 3*markEvery; i++ {
		publish(wrong, i)
	}
	wrong.LoadEntry(&Entry{Key: key("public", "g", "only here"), MD5: "x"})
	publish(wrong, 3*markEvery)
	publish(ahead, 3*markEvery)
	if _, same, found := ahead.Sums().Compare(wrong.Sums()); !found || same {
		t.Errorf("a node that has one more is told from the others: same %v, found %v", same, found)
	}
	if _, _, found := ahead.Sums().Compare(Sums{Now: Sum{Revision: 7}}); found {
		t.Error("nothing was at the same revision, and was compared")
	}
	for i := range (markCount + 9) * markEvery {
		publish(behind, i)
	}
	if n := len(behind.Sums().Marks); n != markCount {
		t.Errorf("%d marks are kept", n)
	}
}
