package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nacre/server/fault"
)

func TestEntriesComeBackAsTheyWere(t *testing.T) {
	for _, o := range []Origin{{}, {Node: "a", Term: 1}, {Node: strings.Repeat("n", maxNode), Run: 1 << 63, Seq: 300, Term: 1 << 40}} {
		for _, group := range [][]Command{
			nil,
			{{Kind: 100, Body: []byte("a")}},
			{{Kind: 1, Body: []byte{}}, {Kind: 0xffff, Body: bytes.Repeat([]byte("x"), 300)}},
		} {
			origin, got, err := DecodeEntry(EncodeEntry(o, group))
			if err != nil || origin != o || !reflect.DeepEqual(got, group) {
				t.Errorf("got %v %v, %v; want %v %v", origin, got, err, o, group)
			}
		}
	}
}

func TestAnEntryOfBeforeThereWereOriginsIsStillRead(t *testing.T) {
	origin, group, err := DecodeEntry([]byte{1, 100, 2, 'h', 'i', 7, 0})
	if want := []Command{{Kind: 100, Body: []byte("hi")}, {Kind: 7, Body: []byte{}}}; err != nil || origin != (Origin{}) || !reflect.DeepEqual(group, want) {
		t.Errorf("got %v %v, %v", origin, group, err)
	}
}

func FuzzDecodeEntry(f *testing.F) {
	f.Add(EncodeEntry(Origin{}, []Command{{Kind: 100, Body: []byte("abc")}, {Kind: 7}}))
	f.Add(EncodeEntry(Origin{Node: "abc", Run: 1, Seq: 2, Term: 3}, []Command{{Kind: 100, Body: []byte("abc")}}))
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		o, group, err := DecodeEntry(b)
		if err != nil {
			return
		}
		p, again, err := DecodeEntry(EncodeEntry(o, group))
		if err != nil || p != o || len(again) != len(group) {
			t.Fatalf("%d commands of %v became %d of %v, %v", len(group), o, len(again), p, err)
		}
	})
}

type number uint64

func (number) Err() error { return nil }

// counter is a Committer that answers each command with its own body's number.
type counter struct {
	mu     sync.Mutex
	groups [][]Command
	busy   atomic.Bool
	hold   chan struct{}
	err    error
}

func (c *counter) Commit(_ context.Context, group []Command) ([]Result, error) {
	if c.busy.Swap(true) {
		return nil, errors.New("two commits at once")
	}
	defer c.busy.Store(false)
	if c.hold != nil {
		<-c.hold
	}
	if c.err != nil {
		return nil, c.err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.groups = append(c.groups, group)
	out := make([]Result, len(group))
	for i, cmd := range group {
		out[i] = Result{Index: uint64(len(c.groups)), Outcome: number(binary.BigEndian.Uint64(cmd.Body))}
	}
	return out, nil
}

func body(n int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

func run(t *testing.T, g *Group) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); g.Run(ctx) }()
	return func() { cancel(); <-done }
}

func TestEachSubmitterGetsItsOwnResult(t *testing.T) {
	c := &counter{}
	g := NewGroup(c, GroupConfig{MaxCommands: 7})
	stop := run(t, g)
	var wg sync.WaitGroup
	for w := range 32 {
		wg.Go(func() {
			for i := range 200 {
				n := w*1000 + i
				res, err := g.Submit(context.Background(), Command{Kind: 1, Body: body(n)})
				if err != nil || res.Outcome != number(n) {
					t.Errorf("submitted %d, got %v, %v", n, res.Outcome, err)
					return
				}
			}
		})
	}
	wg.Wait()
	stop()
	groups, commands := g.Stats()
	if commands != 32*200 || int(groups) != len(c.groups) {
		t.Errorf("%d commands in %d groups, committed were %d groups", commands, groups, len(c.groups))
	}
	for _, group := range c.groups {
		if len(group) > 7 {
			t.Errorf("a group of %d", len(group))
		}
	}
}

func TestCommandsGatherWhileOneGroupIsOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{hold: make(chan struct{})}
		g := NewGroup(c, GroupConfig{MaxBytes: 8 * 10, MaxWaiting: 30})
		stop := run(t, g)
		var refused atomic.Int32
		for i := range 32 {
			go func() {
				if _, err := g.Submit(context.Background(), Command{Body: body(i)}); fault.KindOf(err) == fault.Limited {
					refused.Add(1)
				}
			}()
			synctest.Wait()
		}
		if n := refused.Load(); n != 1 {
			t.Errorf("%d were refused: one is on its way, 30 may wait", n)
		}
		close(c.hold)
		synctest.Wait()
		stop()
		var sizes []int
		for _, group := range c.groups {
			sizes = append(sizes, len(group))
		}
		if !reflect.DeepEqual(sizes, []int{1, 10, 10, 10}) {
			t.Errorf("groups of %v", sizes)
		}
	})
}

func TestADeadlineSaysThatTheEndIsNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{hold: make(chan struct{})}
		g := NewGroup(c, GroupConfig{})
		stop := run(t, g)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := g.Submit(ctx, Command{Body: body(1)})
		if fault.KindOf(err) != fault.Unavailable || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		close(c.hold)
		stop()
		if _, err := g.Submit(context.Background(), Command{Body: body(2)}); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("after the stop: %v", err)
		}
	})
}

func TestAFailedGroupFailsEachOfItsCommands(t *testing.T) {
	c := &counter{err: fault.New(fault.Unavailable, "no leader")}
	g := NewGroup(c, GroupConfig{})
	stop := run(t, g)
	defer stop()
	if _, err := g.Submit(context.Background(), Command{Body: body(1)}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
	if groups, commands := g.Stats(); groups != 0 || commands != 0 {
		t.Errorf("failed commands are counted as committed: %d, %d", groups, commands)
	}
}

func BenchmarkSubmit(b *testing.B) {
	g := NewGroup(&counter{}, GroupConfig{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); g.Run(ctx) }()
	cmd := Command{Kind: 1, Body: body(1)}
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := g.Submit(context.Background(), cmd); err != nil {
				b.Error(err)
			}
		}
	})
	cancel()
	<-done
}
