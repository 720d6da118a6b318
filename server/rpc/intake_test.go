package rpc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"pgregory.net/rapid"

	"nacre/server/rpc/rpctest"
)

// unfinished opens calls of which each announces size bytes and sends sent of them, as fast as the server takes them.
func (r *raw) unfinished(calls, size, sent int) error {
	r.t.Helper()
	room := make(map[uint32]int)
	all := 65535
	updates := make(chan http2.WindowUpdateFrame, 10000)
	failed := make(chan error, 1)
	go func() {
		for {
			f, err := r.ReadFrame()
			if err != nil {
				failed <- err
				return
			}
			if u, ok := f.(*http2.WindowUpdateFrame); ok {
				updates <- *u
			}
		}
	}()
	chunk := bytes.Repeat([]byte("x"), 16<<10)
	for range calls {
		id := r.open("/Request/request")
		room[id] = window
		prefix := make([]byte, 5)
		binary.BigEndian.PutUint32(prefix[1:], uint32(size))
		if err := r.WriteData(id, false, prefix); err != nil {
			return err
		}
		for left := sent; left > 0; {
			n := min(left, len(chunk), room[id]-5, all-5*calls)
			if n > 0 {
				if err := r.WriteData(id, false, chunk[:n]); err != nil {
					return err
				}
				left, room[id], all = left-n, room[id]-n, all-n
				continue
			}
			select {
			case u := <-updates:
				if u.StreamID == 0 {
					all += int(u.Increment)
				} else {
					room[u.StreamID] += int(u.Increment)
				}
			case err := <-failed:
				return err
			case <-time.After(5 * time.Second):
				return fmt.Errorf("no window update came")
			}
		}
	}
	return nil
}

func TestWhatIsNeverFinishedIsBoundedOverAllConnections(t *testing.T) {
	s, addr := serving(t)
	good := meet(t, addr, false, rpctest.Options{})
	closed := 0
	const conns, calls = 10, 12
	before := held()
	for range conns { // 1.2 GB in all
		if err := dialRaw(t, addr, 65535).unfinished(calls, 10<<20, 10<<20-1); err != nil {
			closed++
		}
		if n := s.unfinished.Load(); n > unfinishedMost+1<<20 {
			t.Fatalf("%d bytes are unfinished", n)
		}
		if m := good.call("ConfigPublishRequest", `{"dataId":"a","group":"g","content":"x"}`); m.Int("resultCode") != 200 {
			t.Error(m)
		}
	}
	if n := s.unfinished.Load(); n < unfinishedMost/2 || closed < 6 {
		t.Errorf("%d bytes are unfinished, %d connections were closed", n, closed)
	}
	t.Logf("%d connections were closed; %d MB more are held", closed, (held()-before)>>20)
	lookAhead(s, standsFor-time.Second)
	if n := s.unfinished.Load(); n < unfinishedMost/2 {
		t.Errorf("given up before its time: %d bytes", n)
	}
	good.call("HealthCheckRequest", `{}`)
	lookAhead(s, standsFor+time.Second)
	until(t, func() error {
		if n := s.unfinished.Load(); n != 0 {
			return fmt.Errorf("%d bytes are unfinished", n)
		}
		return nil
	})
	if m := good.call("HealthCheckRequest", `{}`); m.Int("resultCode") != 200 {
		t.Error(m)
	}
}

func TestWhatIsCancelledOrCompleteDoesNotCount(t *testing.T) {
	s, addr := serving(t)
	r := dialRaw(t, addr, 65535)
	if err := r.unfinished(3, 1<<20, 100<<10); err != nil {
		t.Fatal(err)
	}
	expect := func(n int64) {
		t.Helper()
		until(t, func() error {
			if got := s.unfinished.Load(); got != n {
				return fmt.Errorf("%d bytes are unfinished, not %d", got, n)
			}
			return nil
		})
	}
	expect(300 << 10)
	r.must(r.WriteRSTStream(1, http2.ErrCodeCancel))
	expect(200 << 10)
	r.must(r.WriteData(3, true, nil))
	expect(100 << 10)
	r.Close()
	expect(0)
}

func TestAnswersThatAreNotReadAreBounded(t *testing.T) {
	s, addr := serving(t)
	good := meet(t, addr, false, rpctest.Options{})
	good.call("ConfigPublishRequest", `{"dataId":"a","group":"g","content":"`+strings.Repeat("x", 5<<20)+`"}`)
	r := dialRaw(t, addr, 0)
	r.send(r.open("/BiRequestStream/requestBiStream"), "ConnectionSetupRequest", strings.ReplaceAll(introduction, `,"abilityTable":{}`, ""), false)
	registered(t, s, 2)
	var l *link
	for _, c := range s.Conns() {
		if c.Client.IP == "10.9.9.9" {
			l = c.link
		}
	}
	for range 200 { // a GB
		r.send(r.open("/Request/request"), "ConfigQueryRequest", `{"dataId":"a","group":"g"}`, true)
	}
	until(t, func() error {
		if n, asked := l.answers.Load(), s.requests.Load(); n < answersMost || asked < 202 {
			return fmt.Errorf("%d bytes wait, after %d requests", n, asked)
		}
		return nil
	})
	if n := l.answers.Load(); n > answersMost+6<<20 {
		t.Errorf("%d bytes wait", n)
	}
	for range 3 {
		if m := good.call("ConfigQueryRequest", `{"dataId":"a","group":"g"}`); m.Int("resultCode") != 200 {
			t.Fatal(m)
		}
	}
	// Once it reads, or cancels, nothing is left.
	r.must(r.WriteRSTStream(3, http2.ErrCodeCancel))
	r.must(r.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1}))
	r.must(r.WriteWindowUpdate(0, 1<<31-1-65535))
	go func() { _, _ = io.Copy(io.Discard, r.Conn) }()
	until(t, func() error {
		if n := l.answers.Load(); n != 0 {
			return fmt.Errorf("%d bytes wait", n)
		}
		return nil
	})
	for _, c := range s.Conns() {
		if n := c.link.answers.Load(); n != 0 {
			t.Errorf("%d bytes wait for %s", n, c.Client.IP)
		}
	}
}

func TestAConnectionEndsAlsoWhenItsClientDoesNothing(t *testing.T) {
	s, addr := serving(t)
	good := meet(t, addr, false, rpctest.Options{})
	good.call("ConfigPublishRequest", `{"dataId":"a","group":"g","content":"`+strings.Repeat("x", 9<<20)+`"}`)
	for range 3 { // its windows are wide open and its socket is full
		r := dialRaw(t, addr, 1<<31-1)
		r.must(r.WriteWindowUpdate(0, 1<<31-1-65535))
		r.send(r.open("/BiRequestStream/requestBiStream"), "ConnectionSetupRequest", introduction, false)
		until(t, func() error {
			for _, c := range s.Conns() {
				if c.Client.Remote == r.LocalAddr().String() {
					return nil
				}
			}
			return fmt.Errorf("it is not registered")
		})
		for range 5 {
			r.send(r.open("/Request/request"), "ConfigQueryRequest", `{"dataId":"a","group":"g"}`, true)
		}
	}
	registered(t, s, 4)
	until(t, func() error { // so that nothing is a sign of life afterwards
		if n := s.requests.Load(); n < 2+3*5 {
			return fmt.Errorf("%d requests came", n)
		}
		return nil
	})
	lookAhead(s, silentFor+time.Second) // asks
	until(t, func() error {
		if c := s.Conn(good.ConnectionID); c.detecting.Load() {
			return fmt.Errorf("no sign of life came")
		}
		return nil
	})
	lookAhead(s, detectTimeout+time.Second)
	until(t, func() error {
		if st := s.Stats(); st.Open != 1 || st.Registered != 1 {
			return fmt.Errorf("%+v", st)
		}
		return nil
	})
}

// Whatever pieces the bytes come in, what counts is what is there of messages that are not complete.
func TestFramesAreFollowedInWhateverPiecesTheyCome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Server{cfg: Config{Limits: Limits{Message: 1000}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}}
		l := &link{srv: s}
		l.intake.preface = len(http2.ClientPreface)
		var wire bytes.Buffer
		wire.WriteString(http2.ClientPreface)
		frames := http2.NewFramer(&wire, nil)
		rest := make(map[uint32][]byte) // of each stream, what of its message is not sent
		sent := make(map[uint32]int)    // how much of it was sent, without its prefix
		for range rapid.IntRange(0, 40).Draw(t, "frames") {
			id := uint32(rapid.IntRange(0, 4).Draw(t, "stream")*2 + 1)
			switch rapid.IntRange(0, 9).Draw(t, "kind") {
			case 0:
				_ = frames.WritePing(false, [8]byte{})
			case 1:
				_ = frames.WriteRSTStream(id, http2.ErrCodeCancel)
				delete(rest, id)
			case 2:
				_ = frames.WriteData(id, true, rest[id])
				delete(rest, id)
			default:
				if rest[id] == nil {
					rest[id], sent[id] = framed(make([]byte, rapid.IntRange(0, 1200).Draw(t, "size"))), -prefixSize
				}
				n := rapid.IntRange(0, len(rest[id])).Draw(t, "part")
				_ = frames.WriteData(id, false, rest[id][:n])
				sent[id] += n
				if rest[id] = rest[id][n:]; len(rest[id]) == 0 {
					delete(rest, id)
				}
			}
		}
		for b := wire.Bytes(); len(b) > 0; {
			n := rapid.IntRange(1, len(b)).Draw(t, "piece")
			if err := l.received(b[:n]); err != nil {
				t.Fatal(err)
			}
			b = b[n:]
		}
		want := 0
		for id, left := range rest {
			if sent[id] > 0 && sent[id]+len(left) <= 1000 {
				want += sent[id]
			}
		}
		if got := s.unfinished.Load(); got != int64(want) || l.intake.held != got {
			t.Fatalf("%d bytes count, not %d", got, want)
		}
	})
}

func BenchmarkReceived(b *testing.B) {
	var wire bytes.Buffer
	frames := http2.NewFramer(&wire, nil)
	_ = frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: make([]byte, 60), EndHeaders: true})
	_ = frames.WriteData(1, true, make([]byte, 200))
	l := &link{srv: &Server{}}
	b.ReportAllocs()
	for b.Loop() {
		if err := l.received(wire.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
}

var _ net.Conn = (*link)(nil)
