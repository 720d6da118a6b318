package event

import (
	"sync"
	"testing"
)

type fact struct {
	key   string
	value int
}

func byKey(f fact) string { return f.key }

func TestASubscriptionKeepsTheLastStateOfEachKey(t *testing.T) {
	var topic Topic[fact]
	s := Subscribe(&topic, byKey)
	defer s.Close()
	for i := range 1000 {
		topic.Publish(fact{"a", i})
	}
	topic.Publish(fact{"b", 7})
	<-s.Wake()
	got := s.Drain()
	if len(got) != 2 || got[0] != (fact{"a", 999}) || got[1] != (fact{"b", 7}) {
		t.Errorf("got %v", got)
	}
	if got := s.Drain(); got != nil {
		t.Errorf("drained twice: %v", got)
	}
}

func TestAClosedSubscriptionGetsNothing(t *testing.T) {
	var topic Topic[fact]
	s := Subscribe(&topic, byKey)
	s.Close()
	topic.Publish(fact{"a", 1})
	if got := s.Drain(); got != nil {
		t.Errorf("got %v", got)
	}
}

func TestTheLastStateIsNeverLost(t *testing.T) {
	var topic Topic[fact]
	s := Subscribe(&topic, byKey)
	defer s.Close()
	const publishers, each = 4, 2000
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			for i := range each {
				topic.Publish(fact{string(rune('a' + p)), i})
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	last := map[string]int{}
	take := func() {
		for _, f := range s.Drain() {
			if f.value < last[f.key] {
				t.Errorf("%s went back from %d to %d", f.key, last[f.key], f.value)
			}
			last[f.key] = f.value
		}
	}
	for running := true; running; {
		select {
		case <-s.Wake():
			take()
		case <-done:
			running = false
		}
	}
	take()
	for k, v := range last {
		if v != each-1 {
			t.Errorf("%s ended at %d", k, v)
		}
	}
	if len(last) != publishers {
		t.Errorf("heard of %d keys", len(last))
	}
}
