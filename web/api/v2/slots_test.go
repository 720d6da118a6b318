package v2

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestFewSearchesRunAndFewWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots()
		var running []func()
		for range searchesAtOnce {
			done, err := s.take(t.Context(), time.Second)
			if err != nil {
				t.Fatal(err)
			}
			running = append(running, done)
		}
		took := make(chan error, searchesInQueue)
		for range searchesInQueue {
			go func() {
				_, err := s.take(t.Context(), searchQueueLimit)
				took <- err
			}()
		}
		synctest.Wait()
		start := time.Now()
		if _, err := s.take(t.Context(), searchQueueLimit); err == nil || time.Since(start) > 0 {
			t.Fatalf("one more was taken: %v after %v", err, time.Since(start))
		}
		running[0]()
		if err := <-took; err != nil {
			t.Fatalf("a slot was free: %v", err)
		}
		for range searchesInQueue - 1 {
			if err := <-took; err == nil {
				t.Fatal("more run at once than may")
			}
		}
		if waited := time.Since(start); waited != searchQueueLimit {
			t.Fatalf("they waited %v", waited)
		}
	})
}
