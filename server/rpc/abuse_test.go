package rpc

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/rpc/rpctest"
)

// raw is a client that writes frames of HTTP/2 itself, and reads none unless it is told to.
type raw struct {
	net.Conn
	*http2.Framer
	t    testing.TB
	next uint32
}

// dialRaw connects with a receive window of so many bytes for each stream.
func dialRaw(t testing.TB, addr string, window uint32) *raw {
	t.Helper()
	nc, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	r := &raw{Conn: nc, Framer: http2.NewFramer(nc, nc), t: t, next: 1}
	_, err = io.WriteString(nc, http2.ClientPreface)
	r.must(err)
	r.must(r.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window}))
	return r
}

func (r *raw) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// open begins a call and returns its stream.
func (r *raw) open(path string) uint32 {
	r.t.Helper()
	var head bytes.Buffer
	enc := hpack.NewEncoder(&head)
	for _, h := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", path}, {":authority", "nacre"}, {"te", "trailers"}, {"content-type", "application/grpc"}} {
		r.must(enc.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}))
	}
	id := r.next
	r.next += 2
	r.must(r.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: head.Bytes(), EndHeaders: true}))
	return id
}

// framed returns a message with gRPC's prefix.
func framed(message []byte) []byte {
	b := make([]byte, 5, 5+len(message))
	binary.BigEndian.PutUint32(b[1:], uint32(len(message)))
	return append(b, message...)
}

func (r *raw) send(stream uint32, typ, body string, end bool) {
	r.t.Helper()
	r.must(r.WriteData(stream, end, framed(rpctest.Message{Type: typ, ClientIP: "10.9.9.9", Body: []byte(body)}.Marshal())))
}

// until reads frames up to one that f wants.
func (r *raw) until(f func(http2.Frame) bool) {
	r.t.Helper()
	r.must(r.SetReadDeadline(clock.Mono().Add(5 * time.Second)))
	for {
		frame, err := r.ReadFrame()
		if err != nil {
			r.t.Fatal(err)
		}
		if f(frame) {
			return
		}
	}
}

const introduction = `{"clientVersion":"Nacos-Java-Client:v3.1.1","labels":{"source":"sdk","module":"config"},"abilityTable":{}}`

func TestRubbishEndsItsOwnConnectionAlone(t *testing.T) {
	s, addr := serving(t)
	good := meet(t, addr, false, rpctest.Options{})
	settings := "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	for name, text := range map[string]string{
		"HTTP/1.1":                    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"TLS":                         "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("r", 200),
		"zeros":                       strings.Repeat("\x00", 4096),
		"half a preface and rubbish":  http2.ClientPreface[:12] + strings.Repeat("x", 100),
		"a preface and rubbish":       http2.ClientPreface + strings.Repeat("\xff", 100),
		"no settings":                 http2.ClientPreface + "\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678",
		"a frame of 16 MiB":           http2.ClientPreface + settings + "\xff\xff\xff\x00\x00\x00\x00\x00\x01",
		"data of no stream":           http2.ClientPreface + settings + "\x00\x00\x04\x00\x01\x00\x00\x00\x00abcd",
		"headers that are no headers": http2.ClientPreface + settings + "\x00\x00\x04\x01\x04\x00\x00\x00\x01\xff\xff\xff\xff",
	} {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(nc, text)
		_ = nc.SetReadDeadline(clock.Mono().Add(5 * time.Second))
		if _, err := io.Copy(io.Discard, nc); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Errorf("%s: the connection stays open", name)
		}
		nc.Close()
	}
	if m := good.call("HealthCheckRequest", `{}`); m.Int("resultCode") != 200 {
		t.Error(m)
	}
	until(t, func() error {
		if n := s.Stats().Open; n != 1 {
			return fmt.Errorf("%d connections are open", n)
		}
		return nil
	})
}

func TestWhatIsNoMessageIsIgnoredOnAStreamAndRefusedInACall(t *testing.T) {
	s, addr := serving(t)
	p := meet(t, addr, false, rpctest.Options{})
	p.next("SetupAckRequest")
	for _, b := range [][]byte{nil, {0xff}, []byte("rubbish"), rpctest.Message{Type: "NoSuchResponse", Body: []byte("{")}.Marshal(), rpctest.Message{}.Marshal(),
		rpctest.Message{Type: "ConnectionSetupRequest", Body: []byte(`{"labels":7}`)}.Marshal(),
		rpctest.Message{Type: "ConfigChangeNotifyResponse", Body: []byte(`{"requestId":"999999","resultCode":200}`)}.Marshal(),
		rpctest.Message{Type: "ClientDetectionResponse", Body: []byte(`{"requestId":{},"resultCode":"x"}`)}.Marshal(),
	} {
		if err := p.SendRaw(b); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := p.CallRaw(ctx, []byte{0xff, 0xff}); err == nil {
		t.Error("a call that is no message was answered")
	}
	// What follows is heard: the stream is still read.
	agreed := make(chan bool, 1)
	s.Conn(p.ConnectionID).Reset("", "", func(ok bool) { agreed <- ok })
	if !<-agreed {
		t.Error("the stream is not read any more")
	}
	if m := p.call("HealthCheckRequest", `{}`); m.Int("resultCode") != 200 {
		t.Error(m)
	}
}

func TestAMessageAboveTheLimitIsRefusedAndItsConnectionLivesOn(t *testing.T) {
	s, addr := serving(t)
	p := meet(t, addr, false, rpctest.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	largest := `{"dataId":"a","group":"g","content":"` + strings.Repeat("x", 10<<20-300) + `"}`
	if m, err := p.Call(ctx, "ConfigPublishRequest", []byte(largest)); err != nil || m.Int("errorCode") == 502 {
		t.Errorf("the largest: %v %s", err, m)
	}
	if _, err := p.Call(ctx, "ConfigPublishRequest", []byte(largest+strings.Repeat(" ", 1000))); !rpctest.TooLarge(err) {
		t.Errorf("one that is larger: %v", err)
	}
	if m := p.call("HealthCheckRequest", `{}`); m.Int("resultCode") != 200 || s.Conn(p.ConnectionID) == nil {
		t.Error(m)
	}
}

func TestAStreamThatIsNotReadHoldsUpNobody(t *testing.T) {
	s, addr := serving(t)
	good := meet(t, addr, false, rpctest.Options{})
	const n = 4
	for range n { // more than there are workers
		r := dialRaw(t, addr, 0)
		stream := r.open("/BiRequestStream/requestBiStream")
		for range 900 { // each asks for an acknowledgement: 150 KiB that nobody takes
			r.send(stream, "ConnectionSetupRequest", introduction, false)
		}
		until(t, func() error {
			for _, c := range s.Conns() {
				if c.Client.IP == "10.9.9.9" && c.Client.Remote == r.LocalAddr().String() {
					return nil
				}
			}
			return fmt.Errorf("it is not registered")
		})
		r.send(r.open("/Request/request"), "ConfigBatchListenRequest", `{"configListenContexts":[{"dataId":"a","group":"g","md5":""}]}`, true)
	}
	key := config.Key{Namespace: "public", Group: "g", DataID: "a"}
	until(t, func() error {
		if got := len(s.cfg.Ledger.OfConfig(key)); got != n {
			return fmt.Errorf("%d of %d listen", got, n)
		}
		return nil
	})
	good.call("ConfigBatchListenRequest", `{"configListenContexts":[{"dataId":"a","group":"g","md5":""}]}`)
	for i := range 300 {
		content := fmt.Sprint("value ", i)
		began := clock.Mono()
		good.call("ConfigPublishRequest", `{"dataId":"a","group":"g","content":"`+content+`"}`)
		good.next("ConfigChangeNotifyRequest")
		if d := clock.Mono().Sub(began); d > 2*time.Second {
			t.Fatalf("it was told after %v", d)
		}
		good.call("ConfigBatchListenRequest", `{"configListenContexts":[{"dataId":"a","group":"g","md5":"`+config.MD5([]byte(content))+`"}]}`)
	}
	for _, c := range s.Conns() {
		c.mu.Lock()
		if under := c.sent - c.read; under > unreadMost {
			t.Errorf("%d bytes are under way to one client", under)
		}
		c.mu.Unlock()
	}
	lookAhead(s, silentFor-time.Second)
	registered(t, s, n+1)
	good.call("HealthCheckRequest", `{}`)
	for _, c := range s.Conns() { // they may stay as long as they give signs of life, but for 5 minutes
		c.link.active.Add(int64(unreadFor))
	}
	lookAhead(s, unreadFor+time.Second)
	registered(t, s, 1)
}

func TestASlowReaderIsToldOfAllOnceItReads(t *testing.T) {
	s, addr := serving(t)
	reads := make(chan struct{})
	told := make(map[string]bool)
	all := make(chan struct{})
	const n = 1000
	p := meet(t, addr, false, rpctest.Options{Push: func(m rpctest.Message) bool {
		if m.Type != "ConfigChangeNotifyRequest" {
			return true
		}
		<-reads
		if told[m.Text("dataId")] = true; len(told) == n {
			select {
			case <-all:
			default:
				close(all)
			}
		}
		return true
	}})
	var contexts []string
	for i := range n {
		contexts = append(contexts, fmt.Sprintf(`{"dataId":"%s-%d","group":"g","md5":""}`, strings.Repeat("n", 80), i))
	}
	p.call("ConfigBatchListenRequest", `{"configListenContexts":[`+strings.Join(contexts, ",")+`]}`)
	other := meet(t, addr, false, rpctest.Options{})
	for i := range n {
		other.call("ConfigPublishRequest", fmt.Sprintf(`{"dataId":"%s-%d","group":"g","content":"x"}`, strings.Repeat("n", 80), i))
	}
	if c := s.Conn(p.ConnectionID); c.unreadSince() == 0 {
		t.Error("all of it was sent, so the test shows nothing")
	}
	began := clock.Mono()
	close(reads)
	select {
	case <-all:
	case <-time.After(30 * time.Second):
		t.Fatal("it was not told of all within 30 s")
	}
	if d := clock.Mono().Sub(began); d > 10*time.Second {
		t.Errorf("it was told of all %v after it began to read", d)
	}
}

func TestOneClientIsToldOfThousandsOfChangesAtOnce(t *testing.T) {
	_, addr := serving(t)
	const n = 3000 // what Java listens for on one connection
	told := make(map[string]bool)
	all := make(chan struct{})
	p := meet(t, addr, false, rpctest.Options{Push: func(m rpctest.Message) bool {
		if m.Type == "ConfigChangeNotifyRequest" && !told[m.Text("dataId")] {
			if told[m.Text("dataId")] = true; len(told) == n {
				close(all)
			}
		}
		return true
	}})
	var contexts []string
	for i := range n {
		contexts = append(contexts, fmt.Sprintf(`{"dataId":"%d","group":"g","md5":""}`, i))
	}
	p.call("ConfigBatchListenRequest", `{"configListenContexts":[`+strings.Join(contexts, ",")+`]}`)
	var publishers sync.WaitGroup
	for w := range 8 {
		publishers.Go(func() {
			other := meet(t, addr, false, rpctest.Options{})
			for i := w; i < n; i += 8 {
				other.call("ConfigPublishRequest", fmt.Sprintf(`{"dataId":"%d","group":"g","content":"x"}`, i))
			}
		})
	}
	publishers.Wait()
	select {
	case <-all:
	case <-time.After(10 * time.Second):
		t.Fatal("it was not told of all within 10 s of the last")
	}
}

func TestThousandsOfConnectionsAtOnceHinderNobody(t *testing.T) {
	s, addr := serving(t)
	good := meet(t, addr, false, rpctest.Options{})
	const n = 5000
	conns := make([]net.Conn, n)
	hello := []byte(http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	before := held()
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := w; i < n; i += 4 {
				nc, err := net.DialTimeout("tcp", addr, 10*time.Second)
				if err != nil {
					t.Error(err)
					return
				}
				conns[i] = nc
				if _, err := nc.Write(hello); err != nil {
					t.Error(err)
				}
			}
		})
	}
	slowest := time.Duration(0)
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	for waiting := true; waiting; {
		select {
		case <-done:
			waiting = false
		default:
			began := clock.Mono()
			good.call("HealthCheckRequest", `{}`)
			slowest = max(slowest, clock.Mono().Sub(began))
		}
	}
	until(t, func() error {
		if got := s.Stats().Open; got != n+1 {
			return fmt.Errorf("%d of %d are open", got, n+1)
		}
		return nil
	})
	each := (held() - before) / n
	t.Logf("%d connections hold %d bytes each, the slowest call meanwhile took %v", n, each, slowest)
	if slowest > 2*time.Second {
		t.Errorf("a call took %v meanwhile", slowest)
	}
	if each > 40<<10 {
		t.Errorf("each holds %d bytes", each)
	}
	for _, nc := range conns {
		if nc != nil {
			nc.Close()
		}
	}
	until(t, func() error {
		if got := s.Stats().Open; got != 1 {
			return fmt.Errorf("%d are open", got)
		}
		return nil
	})
}

func TestWhatAnIdleClientCosts(t *testing.T) {
	s, addr := serving(t)
	meet(t, addr, false, rpctest.Options{})
	const n = 1000
	var contexts []string
	for i := range 10 {
		contexts = append(contexts, fmt.Sprintf(`{"dataId":"application-%d.yaml","group":"DEFAULT_GROUP","tenant":"public","md5":""}`, i))
	}
	listen := `{"listen":true,"configListenContexts":[` + strings.Join(contexts, ",") + `]}`
	before := held()
	for i := range n {
		r := dialRaw(t, addr, 65535)
		r.send(r.open("/BiRequestStream/requestBiStream"), "ConnectionSetupRequest", introduction, false)
		data := func(f http2.Frame) bool { return f.Header().Type == http2.FrameData }
		r.until(data)
		r.send(r.open("/Request/request"), "ConfigBatchListenRequest", listen, true)
		r.until(data)
		if i%3 == 0 { // more than the smallest buffers were needed once
			r.send(r.open("/Request/request"), "ConfigQueryRequest", `{"dataId":"a","group":"`+strings.Repeat("g", 9000)+`"}`, true)
			r.until(data)
		}
		r.Framer = nil // the client's own memory is not to count
	}
	registered(t, s, n+1)
	each := (held() - before) / n
	t.Logf("a client that listens for 10 configurations costs %d bytes of heap and stacks", each)
	most := int64(36 << 10)
	if racing {
		most = 48 << 10
	}
	if each > most {
		t.Errorf("a client that listens for 10 configurations costs %d bytes, at most %d are right", each, most)
	}
}

// held returns the bytes of heap and stacks in use.
func held() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

func TestPingsAreAnsweredAndTooManyEndTheConnection(t *testing.T) {
	t.Parallel()
	_, addr := serving(t)
	r := dialRaw(t, addr, 65535)
	acked := func(f http2.Frame) bool { p, ok := f.(*http2.PingFrame); return ok && p.IsAck() }
	for range 4 { // as Go's SDK, which also pings while it has no call
		r.must(r.WritePing(false, [8]byte{1}))
		r.until(acked)
		time.Sleep(5100 * time.Millisecond) // what is forbidden is less than 5 s between two
	}
	for range 10 {
		_ = r.WritePing(false, [8]byte{2})
	}
	r.until(func(f http2.Frame) bool {
		g, ok := f.(*http2.GoAwayFrame)
		return ok && g.ErrCode == http2.ErrCodeEnhanceYourCalm
	})
}

func TestCompressedMessagesAreRead(t *testing.T) {
	_, addr := serving(t)
	p := meet(t, addr, false, rpctest.Options{Gzip: true})
	content := strings.Repeat("the same again ", 1000)
	if m := p.call("ConfigPublishRequest", `{"dataId":"a","group":"g","content":"`+content+`"}`); m.Int("resultCode") != 200 {
		t.Fatal(m)
	}
	if m := p.call("ConfigQueryRequest", `{"dataId":"a","group":"g"}`); m.Text("content") != content {
		t.Error(m)
	}
}
