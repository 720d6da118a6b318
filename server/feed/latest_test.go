package feed

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestTheLatestAreTheLastThatAreSelected(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := opened(rapid.SampledFrom([]int{1, 7, 3000, 6000}).Draw(t, "size"))
		n := rapid.IntRange(0, 9000).Draw(t, "events")
		every := rapid.IntRange(1, 4000).Draw(t, "every")
		for i := range n {
			e := Event{Kind: ClientGone, Text: fmt.Sprint(i)}
			if i%every == 0 {
				e.Kind = ConfigPublished
			}
			f.Append(e)
		}
		fl, err := ParseFilter("", "config", "")
		if err != nil {
			t.Fatal(err)
		}
		var want []Event
		for at := f.First() - 1; at != f.Last(); {
			b := f.Since(at, &fl, 100)
			want, at = append(want, b.Events...), b.Next
		}
		most := rapid.IntRange(1, 300).Draw(t, "most")
		want = want[max(len(want)-most, 0):]
		got := f.Latest(&fl, most)
		if len(got.Events) != len(want) || got.Next != f.Last() {
			t.Fatalf("%d up to %d, want %d up to %d", len(got.Events), got.Next, len(want), f.Last())
		}
		for i := range want {
			if got.Events[i] != want[i] {
				t.Fatalf("%d: %+v, want %+v", i, got.Events[i], want[i])
			}
		}
	})
}
