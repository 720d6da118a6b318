package udp

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nacre/server/clock"
	"nacre/server/naming"
	"nacre/web/api/wire"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

const (
	java    = "Nacos-Java-Client:v1.4.8"
	patient = 20 * time.Second
)

var by = naming.Actor{IP: "10.0.0.1"}

func key(name string) naming.Key {
	return naming.Key{Namespace: "public", Group: "DEFAULT_GROUP", Name: name}
}

func host(port int) naming.Instance {
	return naming.Instance{IP: "10.0.0.1", Port: port, Cluster: "DEFAULT", Weight: 1, Healthy: true, Enabled: true}
}

// world is a registry with a pusher, both running.
type world struct {
	*naming.Registry
	t    testing.TB
	push *Pusher
}

func newWorld(t testing.TB, c naming.Config, claimed bool) *world {
	c.Clock = clock.System{}
	registry, _ := naming.New(c)
	w := &world{Registry: registry, t: t, push: New(Config{Registry: registry, Log: slog.New(slog.DiscardHandler), Claimed: claimed})}
	conn, err := Listen(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() { registry.Run(t.Context()) })
	all.Go(func() {
		if err := w.push.Serve(t.Context(), conn); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(all.Wait)
	return w
}

func (w *world) register(name string, i naming.Instance) {
	w.t.Helper()
	if err := w.RegisterHTTP(by, key(name), i); err != nil {
		w.t.Fatal(err)
	}
}

// until waits until what is expected is so.
func (w *world) until(what string, so func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patient); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("not so: %s; %+v", what, w.Stats())
		}
	}
}

// told is a datagram as a client reads it.
type told struct {
	raw    []byte
	from   net.Addr
	Type   string
	Data   string
	Number uint64 `json:"lastRefTime"`
	info   struct {
		Name, Clusters, GroupName string
		CacheMillis, LastRefTime  int64
		Hosts                     []struct {
			IP   string
			Port int
		}
	}
}

// listener is a client's socket.
type listener struct {
	t    testing.TB
	conn net.PacketConn
	port int
}

func (w *world) listener() *listener {
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	return &listener{w.t, conn, conn.LocalAddr().(*net.UDPAddr).Port}
}

func (w *world) ask(l *listener, name, clusters string) {
	w.push.Subscribed(wire.Asker{Source: "127.0.0.1", Claimed: "192.0.2.1", Port: l.port, Agent: java}, key(name), clusters)
}

func (l *listener) read() told {
	l.t.Helper()
	l.conn.SetReadDeadline(time.Now().Add(patient))
	buf := make([]byte, 64<<10)
	n, from, err := l.conn.ReadFrom(buf)
	if err != nil {
		l.t.Fatal(err)
	}
	x := told{raw: buf[:n], from: from}
	plain := buf[:n]
	if bytes.HasPrefix(plain, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(plain))
		if err == nil {
			plain, err = io.ReadAll(z)
		}
		if err != nil {
			l.t.Fatal(err)
		}
	}
	if err := json.Unmarshal(plain, &x); err != nil {
		l.t.Fatalf("%s: %v", plain, err)
	}
	if err := json.Unmarshal([]byte(x.Data), &x.info); err != nil {
		l.t.Fatalf("%s: %v", x.Data, err)
	}
	return x
}

func (l *listener) say(to net.Addr, text string) {
	l.t.Helper()
	if _, err := l.conn.WriteTo([]byte(text), to); err != nil {
		l.t.Fatal(err)
	}
}

func ack(number uint64) string {
	return fmt.Sprintf(`{"type":"push-ack","lastRefTime":"%d","data":""}`, number)
}

func TestAChangeIsToldAndAcknowledged(t *testing.T) {
	w := newWorld(t, naming.Config{}, false)
	l := w.listener()
	w.ask(l, "s", "")
	if s := w.Subscribers(key("s")); len(s) != 1 || s[0].Client.ID != fmt.Sprintf("127.0.0.1:%d#udp", l.port) || s[0].Client.IP != "192.0.2.1" || s[0].Client.Port != l.port || s[0].Client.SDK != java {
		t.Fatalf("%+v", s)
	}
	w.register("s", host(80))
	x := l.read()
	if x.Type != "dom" || x.Number == 0 || x.Number >= numbers || x.info.Name != "DEFAULT_GROUP@@s" || x.info.GroupName != "" || x.info.CacheMillis != 10_000 ||
		x.info.LastRefTime == 0 || len(x.info.Hosts) != 1 || x.info.Hosts[0].Port != 80 {
		t.Fatalf("%s", x.raw)
	}
	if len(x.raw) >= zipFrom || x.raw[0] != '{' {
		t.Errorf("a small datagram is compressed: %d bytes", len(x.raw))
	}
	l.say(x.from, ack(x.Number))
	w.until("acknowledged", func() bool { return w.Stats().Acks == 1 })
	if s := w.Subscribers(key("s")); !s[0].InSync || s[0].AckedMs == 0 {
		t.Errorf("%+v", s)
	}
	// Libraries may write the number as one.
	w.register("s", host(81))
	again := l.read()
	if again.Number == x.Number || len(again.info.Hosts) != 2 || again.info.LastRefTime <= x.info.LastRefTime {
		t.Fatalf("%s after %s", again.raw, x.raw)
	}
	l.say(x.from, `{"lastRefTime":`+strconv.FormatUint(again.Number, 10)+`,"type":"push-ack"}`)
	w.until("acknowledged", func() bool { return w.Stats().Acks == 2 })
}

func TestALargeViewIsCompressed(t *testing.T) {
	w := newWorld(t, naming.Config{}, false)
	l := w.listener()
	w.ask(l, "s", "")
	session := w.Open(naming.Client{ID: "pub"}, nil)
	var hosts []naming.Instance
	for port := range 1000 {
		hosts = append(hosts, host(port+1))
	}
	if err := session.RegisterBatch(key("s"), hosts); err != nil {
		t.Fatal(err)
	}
	x := l.read()
	if x.raw[0] != 0x1f || len(x.info.Hosts) != 1000 || len(x.raw) > len(x.Data)/10 {
		t.Errorf("%d bytes for %d, %d hosts", len(x.raw), len(x.Data), len(x.info.Hosts))
	}
	// A smaller one after it, as what compresses is used again.
	if err := session.RegisterBatch(key("s"), hosts[:5]); err != nil {
		t.Fatal(err)
	}
	if x := l.read(); x.raw[0] != 0x1f || len(x.info.Hosts) != 5 {
		t.Errorf("%d hosts", len(x.info.Hosts))
	}
}

func TestALostDatagramIsSentAgain(t *testing.T) {
	w := newWorld(t, naming.Config{}, false)
	l := w.listener()
	w.ask(l, "s", "")
	w.register("s", host(80))
	first := l.read() // and lost on its way
	w.ask(l, "s", "") // asking again acknowledges nothing: libraries may throw away that answer
	second := l.read()
	if !bytes.Equal(first.raw, second.raw) {
		t.Errorf("%s after %s", second.raw, first.raw)
	}
	l.say(second.from, ack(second.Number))
	w.until("acknowledged", func() bool { return w.Stats().Acks == 1 && w.Stats().Owing == 0 })
	if s := w.Stats(); s.Pushes != 2 || s.Resent != 1 {
		t.Errorf("%+v", s)
	}
}

func TestOnlyTheRightAcknowledgementCounts(t *testing.T) {
	w := newWorld(t, naming.Config{}, false)
	l, stranger, other := w.listener(), w.listener(), w.listener()
	w.ask(l, "s", "")
	w.ask(other, "t", "")
	w.register("s", host(80))
	w.register("t", host(80))
	x, y := l.read(), other.read()
	stranger.say(x.from, ack(x.Number))
	other.say(x.from, ack(x.Number)) // told, but not of this
	for _, text := range []string{
		"", "{}", "null", "[]", "\x00\xff", strings.Repeat("[", 60_000), ack(x.Number + 1), ack(0), `{"type":"push-ack"}`, `{"type":"push-ack","lastRefTime":null}`,
		`{"type":"push-ack","lastRefTime":"-1"}`, `{"type":"push-ack","lastRefTime":"99999999999999999999"}`, `{"type":"push-ack","lastRefTime":["` + strconv.FormatUint(x.Number, 10) + `"]}`,
		strings.Replace(ack(x.Number), "push-ack", "unknown-ack", 1), strings.Replace(ack(x.Number), "push-ack", "dump-ack", 1), ack(x.Number) + "}",
	} {
		l.say(x.from, text)
	}
	other.say(y.from, ack(y.Number))
	other.say(y.from, ack(y.Number)) // once more
	w.until("the one is acknowledged", func() bool { return w.Subscribers(key("t"))[0].InSync })
	if s := w.Subscribers(key("s")); s[0].InSync || w.Stats().Acks != 1 {
		t.Fatalf("%+v, %+v", s, w.Stats())
	}
	l.say(x.from, ack(x.Number))
	w.until("acknowledged", func() bool { return w.Subscribers(key("s"))[0].InSync })
	if n := w.Stats().Acks; n != 2 {
		t.Errorf("%d acknowledgements", n)
	}
}

func TestALateAcknowledgementOfSomethingOlderDoesNotCount(t *testing.T) {
	w := newWorld(t, naming.Config{}, false)
	l := w.listener()
	w.ask(l, "s", "")
	w.register("s", host(80))
	first := l.read()
	w.register("s", host(81))
	second := l.read()
	l.say(first.from, ack(first.Number))
	w.register("other", host(80))
	w.ask(l, "other", "")
	w.register("other", host(81))
	third := l.read()
	l.say(third.from, ack(third.Number))
	w.until("the later one is acknowledged", func() bool { return w.Subscribers(key("other"))[0].InSync })
	if w.Subscribers(key("s"))[0].InSync {
		t.Error("an old datagram was acknowledged for a new one")
	}
	l.say(second.from, ack(second.Number))
	w.until("acknowledged", func() bool { return w.Subscribers(key("s"))[0].InSync })
}

func TestWhoDoesNotAskAnyMoreIsForgotten(t *testing.T) {
	w := newWorld(t, naming.Config{}, false)
	l, other := w.listener(), w.listener()
	w.ask(l, "s", "")
	w.ask(l, "t", "")
	w.ask(other, "s", "")
	later := func(d time.Duration) {
		w.push.mu.Lock()
		w.push.epoch = w.push.epoch.Add(-d)
		w.push.mu.Unlock()
	}
	later(15 * time.Second)
	w.ask(l, "t", "")
	later(15 * time.Second)
	w.until("two of three are gone", func() bool { return w.Stats().Subscriptions == 1 && w.Stats().Datagrams == 1 })
	w.register("t", host(80))
	if x := l.read(); x.info.Name != "DEFAULT_GROUP@@t" {
		t.Errorf("%s", x.raw)
	}
	later(30 * time.Second)
	w.until("all are gone", func() bool { return w.Stats().Subscriptions == 0 && w.Stats().Datagrams == 0 })
	w.push.mu.Lock()
	if n := len(w.push.clients) + w.push.asked.Len(); n != 0 {
		t.Errorf("%d are left", n)
	}
	w.push.mu.Unlock()
	// It comes again.
	w.ask(l, "t", "")
	w.register("t", host(81))
	if x := l.read(); len(x.info.Hosts) != 2 {
		t.Errorf("%s", x.raw)
	}
}

func TestWhereDatagramsGo(t *testing.T) {
	for _, tc := range []struct {
		name            string
		source, claimed string
		port            int
		source2, trust  string // where they go, and where claims are believed
	}{
		{"to who asks, whatever it says", "10.0.0.1", "10.0.0.2", 5000, "10.0.0.1:5000", "10.0.0.2:5000"},
		{"without a claim", "10.0.0.1", "", 5000, "10.0.0.1:5000", "10.0.0.1:5000"},
		{"IPv4 in IPv6", "::ffff:10.0.0.1", "", 5000, "10.0.0.1:5000", "10.0.0.1:5000"},
		{"IPv6", "2001:db8::1", "", 5000, "[2001:db8::1]:5000", "[2001:db8::1]:5000"},
		{"a claim that is a name", "10.0.0.1", "db.example", 5000, "10.0.0.1:5000", ""},
		{"a broadcast", "10.0.0.1", "255.255.255.255", 5000, "10.0.0.1:5000", ""},
		{"many at once", "10.0.0.1", "224.0.0.1", 5000, "10.0.0.1:5000", ""},
		{"nobody", "10.0.0.1", "0.0.0.0", 5000, "10.0.0.1:5000", ""},
		{"to a port of services", "10.0.0.1", "10.0.0.2", 53, "", ""},
		{"to no port", "10.0.0.1", "10.0.0.2", 65536, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for claimed, want := range map[bool]string{false: tc.source2, true: tc.trust} {
				p := &Pusher{claimed: claimed}
				at, ok := p.target(&wire.Asker{Source: tc.source, Claimed: tc.claimed, Port: tc.port})
				if ok != (want != "") || ok && at.String() != want {
					t.Errorf("claims believed: %v: %v %v, want %q", claimed, at, ok, want)
				}
			}
		})
	}
}

func TestWhatFitsInNoDatagramIsNotSent(t *testing.T) {
	w := newWorld(t, naming.Config{MaxMetadata: 1 << 20}, false)
	l, short := w.listener(), w.listener()
	w.ask(l, "s", "")
	w.push.Subscribed(wire.Asker{Source: "127.0.0.1", Port: short.port, Agent: "Nacos-Go-Client:v1.1.4"}, key("s"), "")
	noise := func(n int) naming.Instance { // what can't be compressed
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('!' + rand.IntN(90))
		}
		i := host(80)
		i.Metadata = naming.MetadataOf(map[string]string{"x": string(b)})
		return i
	}
	w.register("s", noise(8_000))
	x := l.read() // 64 KiB are read by the one, 4 KiB by the other
	if len(x.raw) < maxDatagramOfGo {
		t.Fatalf("%d bytes prove nothing", len(x.raw))
	}
	l.say(x.from, ack(x.Number))
	w.until("nothing is owed", func() bool { return w.Stats().Owing == 0 })
	w.register("s", noise(100_000))
	w.until("it was looked at", func() bool { return w.Stats().Pushes == 4 && w.Stats().Owing == 0 })
	w.register("s", host(80))
	for _, l := range []*listener{l, short} {
		x := l.read()
		if len(x.info.Hosts) != 1 || len(x.raw) > 1000 {
			t.Errorf("%d bytes, %d hosts", len(x.raw), len(x.info.Hosts))
		}
		l.say(x.from, ack(x.Number))
	}
	w.until("nothing is owed", func() bool { return w.Stats().Owing == 0 })
}

func TestALimitTellsNobodyMore(t *testing.T) {
	w := newWorld(t, naming.Config{MaxSubscribed: 1, MaxSubscriptions: 2}, false)
	l, other, third := w.listener(), w.listener(), w.listener()
	w.ask(l, "s", "")
	w.ask(l, "t", "") // one too many of the client
	w.ask(other, "s", "")
	w.ask(third, "s", "") // one too many in all
	if s := w.Stats(); s.Subscriptions != 2 || s.Datagrams != 2 {
		t.Errorf("%+v", s)
	}
	w.push.mu.Lock()
	defer w.push.mu.Unlock()
	if len(w.push.clients) != 2 || w.push.asked.Len() != 2 {
		t.Errorf("%d clients, %d subscriptions", len(w.push.clients), w.push.asked.Len())
	}
}

func TestOtherClustersTakeThePlaceOfTheOnesBefore(t *testing.T) {
	w := newWorld(t, naming.Config{}, false)
	l := w.listener()
	w.ask(l, "s", "a")
	w.ask(l, "s", "b")
	i := host(80)
	i.Cluster = "a"
	w.register("s", i)
	i.Port, i.Cluster = 81, "b"
	w.register("s", i)
	x := l.read()
	if x.info.Clusters != "b" || len(x.info.Hosts) != 1 || x.info.Hosts[0].Port != 81 || w.Stats().Subscriptions != 1 {
		t.Errorf("%s", x.raw)
	}
}

func TestAClientWhoseSessionWasClosedSubscribesAnew(t *testing.T) {
	w := newWorld(t, naming.Config{}, false)
	l := w.listener()
	w.ask(l, "s", "")
	if !w.CloseClient(fmt.Sprintf("127.0.0.1:%d#udp", l.port), "an operator") {
		t.Fatal("no such client")
	}
	w.ask(l, "s", "") // finds out
	w.ask(l, "s", "")
	w.register("s", host(80))
	l.read()
	if s := w.Stats(); s.Datagrams != 1 || s.Subscriptions != 1 {
		t.Errorf("%+v", s)
	}
}

// TestManyAtOnce has clients that ask, listen, acknowledge some and go away, while services change. In the end each has seen the
// last state of what it asks for.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t, naming.Config{Delay: 5 * time.Millisecond}, false)
	const clients, services, changes = 20, 10, 50
	var all sync.WaitGroup
	asking := make(chan struct{})
	var ready sync.WaitGroup
	for n := range clients {
		l := w.listener()
		ready.Add(1)
		all.Go(func() {
			for s := range services {
				w.ask(l, strconv.Itoa(s), "")
			}
			ready.Done()
			<-asking
			last := make(map[string]int)
			for seen := 0; seen < services; {
				x := l.read()
				if rand.IntN(4) > 0 || n%2 == 0 {
					l.say(x.from, ack(x.Number))
				}
				if len(x.info.Hosts) >= last[x.info.Name] && len(x.info.Hosts) == changes && last[x.info.Name] < changes {
					seen++
				}
				last[x.info.Name] = max(last[x.info.Name], len(x.info.Hosts))
				w.ask(l, strings.TrimPrefix(x.info.Name, "DEFAULT_GROUP@@"), "")
			}
		})
	}
	ready.Wait()
	close(asking)
	for s := range services {
		all.Go(func() {
			session := w.Open(naming.Client{ID: "pub" + strconv.Itoa(s)}, nil)
			var hosts []naming.Instance
			for n := range changes {
				hosts = append(hosts, host(n+1))
				if err := session.RegisterBatch(key(strconv.Itoa(s)), hosts); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	all.Wait()
	if s := w.Stats(); s.Datagrams != clients || s.Subscriptions != clients*services {
		t.Errorf("%+v", s)
	}
}

// FuzzAck sends anything as an acknowledgement: only what has the type and the number confirms.
func FuzzAck(f *testing.F) {
	registry, _ := naming.New(naming.Config{Clock: clock.System{}})
	p := New(Config{Registry: registry, Log: slog.New(slog.DiscardHandler)})
	const number = 1234567
	for _, s := range []string{ack(number), `{"type":"push-ack","lastRefTime":1234567}`, `{"type":"push-ack","lastRefTime":"01234567"}`, `{"type":"dump-ack","lastRefTime":"1234567","data":"{}"}`, `{"type":"push-ack","lastRefTime":""}`, "", "{", `{"lastRefTime":1e3,"type":"push-ack"}`} {
		f.Add([]byte(s))
	}
	at := netip.MustParseAddrPort("127.0.0.1:5000")
	p.Subscribed(wire.Asker{Source: "127.0.0.1", Port: 5000, Agent: java}, key("s"), "")
	f.Fuzz(func(t *testing.T, b []byte) {
		c := p.clients[at]
		v := registry.Lookup(key("s"), naming.Query{})
		if !p.expect(c, v, number) {
			t.Fatal("it does not want to know")
		}
		before := registry.Stats().Acks
		p.acked(netip.MustParseAddrPort("127.0.0.2:5000"), b)
		if registry.Stats().Acks != before {
			t.Fatalf("%q of a stranger confirmed", b)
		}
		p.acked(at, b)
		got := registry.Stats().Acks - before
		n, ok := readAck(b)
		if want := ok && n == number; (got == 1) != want || got > 1 {
			t.Fatalf("%q confirmed %d times", b, got)
		}
		if ok && (!bytes.Contains(b, []byte("push-ack")) && !bytes.Contains(b, []byte(`\`)) || n == 0 || n >= numbers) {
			t.Fatalf("%q is %d", b, n)
		}
		if ok {
			if again, ok := readAck([]byte(ack(n))); !ok || again != n {
				t.Fatalf("%d is read as %d", n, again)
			}
		}
	})
}
