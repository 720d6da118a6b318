package dns

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	lib "github.com/miekg/dns"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"nacre/server/naming"
	"nacre/server/resource"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// world is a DNS server with one client that registers.
type world struct {
	*Server
	client *naming.Session
}

func newWorld() *world {
	r, _ := naming.New(naming.Config{})
	return &world{New(r, slog.New(slog.DiscardHandler)), r.Open(naming.Client{ID: "c", IP: "10.0.0.1"}, nil)}
}

// register makes instances all that a service has, by namespace/group/name.
func (w *world) register(t interface{ Fatal(...any) }, service string, instances ...naming.Instance) {
	p := strings.SplitN(service, "/", 3)
	if err := w.client.RegisterBatch(naming.Key{Namespace: p[0], Group: p[1], Name: p[2]}, instances); err != nil {
		t.Fatal(err)
	}
}

func at(ip string, port int, weight float64) naming.Instance {
	return naming.Instance{IP: ip, Port: port, Weight: weight, Healthy: true, Enabled: true}
}

func query(name, kind string) *lib.Msg {
	return new(lib.Msg).SetQuestion(name, lib.StringToType[kind])
}

// shown returns the data of records in order, without names and lifetimes.
func shown(rrs []lib.RR) string {
	var out []string
	for _, rr := range rrs {
		if rr.Header().Rrtype != lib.TypeOPT {
			out = append(out, strings.TrimPrefix(rr.String(), rr.Header().String()))
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func TestNames(t *testing.T) {
	w := newWorld()
	sick, off := at("10.0.0.3", 80, 1), at("10.0.0.4", 80, 1)
	sick.Healthy, off.Enabled = false, false
	w.register(t, "public/DEFAULT_GROUP/orders", at("10.0.0.1", 80, 1), at("10.0.0.2", 81, 2.5), at("fd00::1", 80, 1), sick, off, at("10.0.0.5", 80, 0))
	w.register(t, "dev/my.group/com.shop.Orders", at("10.0.1.1", 80, 1), at("10.0.1.1", 81, 1))
	w.register(t, "dev/G/UPPER", at("10.0.2.1", 80, 1))
	w.register(t, "dev/G/upper", at("10.0.2.2", 80, 1))
	w.register(t, "dev/G/providers:Shop:1.0", at("10.0.3.1", 80, 1))
	w.register(t, "dev/G/sick", sick)
	w.register(t, "dev/G/hosts", at("db.example.org", 3306, 1), at("not/a/host", 1, 1))
	const ok, none = "NOERROR", "NXDOMAIN"
	for _, tc := range []struct{ test, name, kind, rcode, want string }{
		{"addresses of the healthy enabled instances", "orders.DEFAULT_GROUP.public.nacre.", "A", ok, "10.0.0.1, 10.0.0.2"},
		{"addresses of IPv6", "orders.DEFAULT_GROUP.public.nacre.", "AAAA", ok, "fd00::1"},
		{"places with ports and weights", "orders.DEFAULT_GROUP.public.nacre.", "SRV", ok,
			"0 100 80 10-0-0-1.ip.nacre., 0 100 80 fd00-0000-0000-0000-0000-0000-0000-0001.ip.nacre., 0 250 81 10-0-0-2.ip.nacre."},
		{"another kind of record has no data", "orders.DEFAULT_GROUP.public.nacre.", "TXT", ok, ""},
		{"any kind is answered shortly", "orders.DEFAULT_GROUP.public.nacre.", "ANY", ok, `"RFC8482" ""`},
		{"any kind of nothing", "x.DEFAULT_GROUP.public.nacre.", "ANY", none, ""},
		{"case does not matter", "ORDERS.default_group.Public.NACRE.", "A", ok, "10.0.0.1, 10.0.0.2"},
		{"the exact spelling comes first", "UPPER.G.dev.nacre.", "A", ok, "10.0.2.1"},
		{"of both", "upper.G.dev.nacre.", "A", ok, "10.0.2.2"},
		{"dots in names stand as they are, and an address stands once", "com.shop.orders.my.group.dev.nacre.", "A", ok, "10.0.1.1"},
		{"or escaped", `com\.shop.Orders.my\.group.dev.nacre.`, "A", ok, "10.0.1.1"},
		{"odd characters by their numbers", `providers\058Shop\0581.0.G.dev.nacre.`, "A", ok, "10.0.3.1"},
		{"or as a dash", `providers-shop-1.0.G.dev.nacre.`, "A", ok, "10.0.3.1"},
		{"a service without healthy instances has no data", "sick.G.dev.nacre.", "A", ok, ""},
		{"hosts have no address here", "hosts.G.dev.nacre.", "A", ok, ""},
		{"but a place", "hosts.G.dev.nacre.", "SRV", ok, "0 100 3306 db.example.org."},
		{"no service", "none.G.dev.nacre.", "A", none, ""},
		{"below a service", "x.orders.DEFAULT_GROUP.public.nacre.", "A", none, ""},
		{"a group exists without data", "DEFAULT_GROUP.public.nacre.", "A", ok, ""},
		{"a namespace, too", "dev.nacre.", "A", ok, ""},
		{"and what is between dots of a service", "Orders.my.group.dev.nacre.", "SRV", ok, ""},
		{"no namespace", "prod.nacre.", "A", none, ""},
		{"the zone", "nacre.", "SOA", ok, "nacre. hostmaster.nacre. 1 3600 600 86400 5"},
		{"the zone has no address", "nacre.", "A", ok, ""},
		{"an address by its name", "10-0-0-7.ip.nacre.", "A", ok, "10.0.0.7"},
		{"which has none of IPv6", "10-0-0-7.ip.nacre.", "AAAA", ok, ""},
		{"an address of IPv6", "fd00-0-0-0-0-0-0-1.IP.nacre.", "AAAA", ok, "fd00::1"},
		{"no address", "10-0-0-777.ip.nacre.", "A", none, ""},
		{"what is above addresses", "ip.nacre.", "A", ok, ""},
		{"another zone", "example.org.", "A", "REFUSED", ""},
		{"the root", ".", "NS", "REFUSED", ""},
		{"a name that ends alike", "xnacre.", "A", "REFUSED", ""},
		{"a whole zone", "nacre.", "AXFR", "REFUSED", ""},
	} {
		t.Run(tc.test, func(t *testing.T) {
			m := w.reply(query(tc.name, tc.kind), true)
			if got := lib.RcodeToString[m.Rcode]; got != tc.rcode || shown(m.Answer) != tc.want {
				t.Errorf("%s %s: %s %q, want %s %q", tc.name, tc.kind, got, shown(m.Answer), tc.rcode, tc.want)
			}
			if refused := tc.rcode == "REFUSED"; m.Authoritative == refused || (len(m.Ns) == 1) != (tc.want == "" && !refused) {
				t.Errorf("authoritative %t, authority %v", m.Authoritative, m.Ns)
			}
			for _, rr := range slices.Concat(m.Answer, m.Ns, m.Extra) {
				if rr.Header().Ttl != 5 {
					t.Errorf("the lifetime of %s is not 5 s", rr)
				}
			}
			if _, err := m.Pack(); err != nil {
				t.Error(err)
			}
		})
	}
	if m := w.reply(query("orders.DEFAULT_GROUP.public.nacre.", "SRV"), true); shown(m.Extra) != "10.0.0.1, 10.0.0.2, fd00::1" {
		t.Errorf("addresses beside places: %s", shown(m.Extra))
	}
}

func TestAServiceIsFoundAsSoonAsItIsThereAndInAnyCaseASecondLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		count := func(name string) int { return len(w.reply(query(name, "A"), true).Answer) }
		if count("a.g.dev.nacre.") != 0 {
			t.Error("there is something of nothing")
		}
		w.register(t, "dev/g/a", at("10.0.0.1", 80, 1))
		if count("a.g.dev.nacre.") != 1 {
			t.Error("a new service is not found")
		}
		time.Sleep(indexEvery)
		if count("A.G.DEV.nacre.") != 1 {
			t.Error("in another case it is not found a second later")
		}
		w.client.Close("test")
		if m := w.reply(query("A.G.DEV.nacre.", "A"), true); len(m.Answer) != 0 {
			t.Errorf("a service that went is there: %v", m)
		}
	})
}

func TestProtectedServicesShowAll(t *testing.T) {
	w := newWorld()
	sick := at("10.0.0.2", 80, 1)
	sick.Healthy = false
	w.register(t, "dev/g/a", at("10.0.0.1", 80, 1), sick)
	w.registry.State().Load(naming.ServiceChange{After: &naming.Service{Key: naming.Key{Namespace: "dev", Group: "g", Name: "a"}, Ephemeral: true, ProtectThreshold: 0.6}})
	if got := shown(w.reply(query("a.g.dev.nacre.", "A"), true).Answer); got != "10.0.0.1, 10.0.0.2" {
		t.Errorf("half of them are healthy, six tenths are to be: %s", got)
	}
}

func TestMoreWeightIsMoreOftenFirst(t *testing.T) {
	w := newWorld()
	w.register(t, "dev/g/a", at("10.0.0.1", 80, 1), at("10.0.0.2", 80, 9))
	const tries = 4000
	first := 0
	for range tries {
		if w.reply(query("a.g.dev.nacre.", "A"), true).Answer[0].(*lib.A).A.String() == "10.0.0.2" {
			first++
		}
	}
	if first < tries*87/100 || first > tries*93/100 {
		t.Errorf("9 of 10 by weight was first %d times of %d", first, tries)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	w := newWorld()
	var many []naming.Instance
	for i := range 300 {
		many = append(many, at(fmt.Sprintf("10.0.%d.%d", i/100, i%100), 80, float64(i%7+1)))
	}
	w.register(t, "dev/g/a", many...)
	for _, tc := range []struct {
		name      string
		kind      string
		tcp       bool
		edns      uint16
		most      int
		truncated bool
	}{
		{"over UDP, as of old", "A", false, 0, 512, true},
		{"over UDP, with a size too small", "A", false, 100, 512, true},
		{"over UDP, with a large size", "SRV", false, 65535, 1232, true},
		{"all that may be fit in a large packet", "A", false, 4096, 1232, false},
		{"over TCP", "SRV", true, 0, 65535, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q := query("a.g.dev.nacre.", tc.kind)
			if tc.edns > 0 {
				q.SetEdns0(tc.edns, false)
			}
			m := w.reply(q, tc.tcp)
			b, err := m.Pack()
			if err != nil || len(b) > tc.most || m.Truncated != tc.truncated || len(m.Answer) > maxAnswers || !tc.truncated && len(m.Answer) != maxAnswers || len(m.Answer) < 10 {
				t.Errorf("%d bytes, %d answers, truncated %t, %v", len(b), len(m.Answer), m.Truncated, err)
			}
			if (m.IsEdns0() != nil) != (tc.edns > 0) {
				t.Error("EDNS is answered with EDNS")
			}
		})
	}
}

func TestAddressesBesidePlacesAreLeftOutBeforePlacesAre(t *testing.T) {
	w := newWorld()
	var some []naming.Instance
	for i := range 10 {
		some = append(some, at(fmt.Sprintf("10.0.0.%d", i), 80, 1))
	}
	w.register(t, "dev/g/a", some...)
	if m := w.reply(query("a.g.dev.nacre.", "SRV"), false); m.Truncated || len(m.Answer) != 10 || len(m.Extra) != 0 {
		t.Errorf("truncated %t, %d places, %d addresses", m.Truncated, len(m.Answer), len(m.Extra))
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld()
	update := query("nacre.", "SOA")
	update.Opcode = lib.OpcodeNotify
	version := query("nacre.", "SOA")
	version.SetEdns0(4096, false).IsEdns0().SetVersion(1)
	class := query("nacre.", "SOA")
	class.Question[0].Qclass = lib.ClassCHAOS
	for name, tc := range map[string]struct {
		query *lib.Msg
		want  int
	}{
		"a notice":              {update, lib.RcodeNotImplemented},
		"another version":       {version, lib.RcodeBadVers},
		"another class":         {class, lib.RcodeRefused},
		"a query of no name":    {&lib.Msg{}, lib.RcodeFormatError},
		"a query of two names":  {&lib.Msg{Question: make([]lib.Question, 2)}, lib.RcodeFormatError},
		"a query of empty name": {&lib.Msg{Question: make([]lib.Question, 1)}, lib.RcodeRefused},
	} {
		m := w.reply(tc.query, false)
		if _, err := m.Pack(); err != nil || m.Rcode != tc.want || m.Id != tc.query.Id || !m.Response {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
}

// TestEveryServiceHasAName registers services of legal names, and asks for them with every byte escaped.
func TestEveryServiceHasAName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		k := naming.Key{
			Namespace: rapid.StringMatching(`[a-zA-Z0-9_-]{1,20}`).Draw(t, "namespace"),
			Group:     rapid.StringMatching(`[a-zA-Z0-9_.:-]{1,20}`).Draw(t, "group"),
			Name:      rapid.StringMatching(`[a-zA-Z0-9_.:/$äöÿ%-]{1,30}`).Draw(t, "name"),
		}
		labels := strings.Split(nameOf(k), ".")
		if resource.CheckServiceKey(k) != nil || slices.ContainsFunc(labels, func(l string) bool { return l == "" || len(l) > 63 }) {
			t.Skip("DNS has no such name")
		}
		w.register(t, k.Namespace+"/"+k.Group+"/"+k.Name, at("10.0.0.1", 80, 1))
		var name strings.Builder
		for _, l := range labels {
			for _, c := range []byte(l) {
				fmt.Fprintf(&name, `\%03d`, c)
			}
			name.WriteByte('.')
		}
		for _, asked := range []string{name.String() + Zone, folded(nameOf(k)) + "." + Zone} {
			b, err := query(asked, "A").Pack()
			if err != nil {
				t.Fatal(err)
			}
			q := new(lib.Msg)
			if err := q.Unpack(b); err != nil {
				t.Fatal(err)
			}
			if m := w.reply(q, false); shown(m.Answer) != "10.0.0.1" {
				t.Fatalf("%s as %s: %v", k, asked, m)
			}
		}
	})
}

func TestNamesOfAddressesSayThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address")
		addr, _ := netip.AddrFromSlice(b)
		if rapid.Bool().Draw(t, "v4") {
			addr, _ = netip.AddrFromSlice(b[:4])
		}
		addr = addr.Unmap()
		labels := labelsOf(addressName(addr))
		if got, ok := addressOf(labels[:2]); !ok || got != addr {
			t.Fatalf("%s is named %s, which is %s", addr, addressName(addr), got)
		}
	})
}

func FuzzReply(f *testing.F) {
	w := newWorld()
	w.register(f, "public/DEFAULT_GROUP/orders", at("10.0.0.1", 80, 1), at("fd00::1", 81, 2), at("db.example.org", 3306, 1))
	for _, kind := range []string{"A", "AAAA", "SRV", "ANY", "SOA"} {
		for _, name := range []string{"orders.DEFAULT_GROUP.public.nacre.", "nacre.", `a\.b\000.x.nacre.`, "1-2-3-4.ip.nacre."} {
			q := query(name, kind)
			plain, _ := q.Pack()
			f.Add(plain)
			q.SetEdns0(1000, true)
			more, _ := q.Pack()
			f.Add(more)
		}
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		q := new(lib.Msg)
		if q.Unpack(packet) != nil {
			return // the library answers these itself
		}
		for _, tcp := range []bool{false, true} {
			m := w.reply(q, tcp)
			b, err := m.Pack()
			if err != nil {
				t.Fatalf("the answer to %v can't be sent: %v", q, err)
			}
			if !tcp && len(b) > maxUDP {
				t.Errorf("an answer of %d bytes", len(b))
			}
			if m.Id != q.Id || !m.Response {
				t.Errorf("the answer to %v is %v", q, m)
			}
		}
	})
}
