package dns

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"testing"
	"time"

	lib "github.com/miekg/dns"
)

// start serves w until the test ends, and returns where.
func start(t *testing.T, w *world) string {
	t.Helper()
	udp, tcp, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Serve(ctx, udp, tcp) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("it ended with: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("it does not end")
		}
	})
	return tcp.Addr().String()
}

func ask(t *testing.T, network, addr string, q *lib.Msg) *lib.Msg {
	t.Helper()
	m, _, err := (&lib.Client{Net: network, Timeout: 5 * time.Second}).Exchange(q, addr)
	if err != nil {
		t.Fatalf("over %s: %v", network, err)
	}
	return m
}

func TestQueriesOverBothProtocols(t *testing.T) {
	w := newWorld()
	w.register(t, "public/DEFAULT_GROUP/orders", at("10.0.0.1", 80, 1))
	addr := start(t, w)
	for _, network := range []string{"udp", "tcp"} {
		m := ask(t, network, addr, query("orders.DEFAULT_GROUP.public.nacre.", "A"))
		if shown(m.Answer) != "10.0.0.1" || !m.Authoritative || m.RecursionAvailable {
			t.Errorf("over %s: %v", network, m)
		}
	}
}

func TestWhatIsNoQueryHarmsNobody(t *testing.T) {
	w := newWorld()
	w.register(t, "public/DEFAULT_GROUP/orders", at("10.0.0.1", 80, 1))
	addr := start(t, w)
	good := query("orders.DEFAULT_GROUP.public.nacre.", "A")
	whole, err := good.Pack()
	if err != nil {
		t.Fatal(err)
	}
	loop := bytes.Clone(whole[:12])
	loop = append(loop, 0xc0, 12, 0, 1, 0, 1) // a name that points at itself
	bad := [][]byte{{}, {0}, whole[:11], whole[:12], whole[:20], loop, bytes.Repeat([]byte{0xff}, 600), make([]byte, 1500)}
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 0xff
		bad = append(bad, b)
	}
	udp, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	for _, b := range bad {
		if _, err := udp.Write(b); err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		tcp.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)) // it may be closed already
		tcp.Close()
	}
	for _, network := range []string{"udp", "tcp"} {
		if m := ask(t, network, addr, good); shown(m.Answer) != "10.0.0.1" {
			t.Errorf("over %s, afterwards: %v", network, m)
		}
	}
}

func TestItEndsWhileConnectionsAreOpen(t *testing.T) {
	addr := start(t, newWorld())
	idle, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { idle.Close() })
	ask(t, "tcp", addr, query("nacre.", "SOA"))
}

func TestAnAddressThatIsTakenIsSaid(t *testing.T) {
	addr := start(t, newWorld())
	if _, _, err := Listen(addr); err == nil {
		t.Error("two listen on one address")
	}
}
