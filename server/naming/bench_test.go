package naming

import (
	"fmt"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
)

// heap returns the bytes of the heap that are in use.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// usual is an instance as Spring Cloud's SDK registers it, with texts of its own as after decoding.
func usual(client, service int) Instance {
	return Instance{
		IP: fmt.Sprint("10.", client>>16, ".", client>>8&255, ".", client&255), Port: 8000 + service%50, Weight: 1, Healthy: true, Enabled: true, IDForm: IDSimple,
		Metadata: MetadataOf(map[string]string{"preserved.register.source": "SPRING_CLOUD", "version": "1.4." + strconv.Itoa(client%7), "zone": "cn-hangzhou-" + strconv.Itoa(client%3)}),
	}
}

// many is a registry with clients that have 10 instances each and subscribe to 5 services, with 20 instances in each service.
func many(t testing.TB, clients int, over string, c Config) (*Registry, []Key) {
	r, _ := New(c)
	keys := make([]Key, clients/2)
	for i := range keys {
		keys[i] = key("com.example.retail.orders.Service" + strconv.Itoa(i))
	}
	for c := range clients {
		var s *Session
		if over == "grpc" {
			s = r.Open(Client{ID: fmt.Sprint("1720000000000_10.0.0.1_", c), IP: "10.0.0.1", Remote: fmt.Sprint("10.0.0.1:", c), App: "orders", SDK: "Nacos-Java-Client:v2.3.2"}, nobody{})
		}
		for n := range 10 {
			k := keys[(c*10+n*499)%len(keys)]
			err := error(nil)
			if over == "grpc" {
				err = s.Register(k, usual(c, n))
			} else {
				i := usual(c, n)
				i.Port = 8080
				err = r.RegisterHTTP(Actor{IP: "10.0.0.1"}, k, i)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for n := range 5 {
			if s == nil {
				break
			}
			if _, err := s.Subscribe(keys[(c*7+n)%len(keys)], ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	return r, keys
}

type nobody struct{}

func (nobody) Owed() {}

// TestWhatAnInstanceCosts holds the registry to what it may take of memory for each instance, views, subscriptions and histories
// included; the bytes that the edges encode are beside it.
func TestWhatAnInstanceCosts(t *testing.T) {
	clients := 10_000
	if testing.Short() {
		clients = 1_000
	}
	for _, over := range []string{"grpc", "http"} {
		t.Run(over, func(t *testing.T) {
			before := heap()
			r, keys := many(t, clients, over, Config{})
			registered := heap()
			for _, k := range keys {
				r.Lookup(k, Query{})
			}
			all := heap()
			s := r.Stats()
			if int(s.Instances) != clients*10 || int(s.Services) != clients/2 {
				t.Fatalf("%+v", s)
			}
			each := int(all-before) / clients / 10
			t.Logf("%d bytes for each instance, %d of them for views; %d subscriptions", each, int(all-registered)/clients/10, s.Subscriptions)
			if each > 800 {
				t.Errorf("%d bytes for each instance, at most 800 are wanted", each)
			}
			runtime.KeepAlive(r)
		})
	}
}

func BenchmarkRegister(b *testing.B) {
	for _, over := range []string{"grpc", "http"} {
		b.Run(over, func(b *testing.B) {
			r, _ := New(Config{MaxInstances: 1 << 40})
			keys := make([]Key, 1000)
			for i := range keys {
				keys[i] = key("service" + strconv.Itoa(i))
			}
			i := usual(1, 1)
			sessions := make([]*Session, 1000)
			for n := range sessions {
				sessions[n] = r.Open(Client{ID: strconv.Itoa(n), IP: "10.0.0.1"}, nobody{})
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				k := keys[n%1000]
				i.Port = n / 1000 % 20
				var err error
				if over == "grpc" {
					err = sessions[(n/1000*7+n)%1000].Register(k, i)
				} else {
					i.IP = ips[n%len(ips)]
					err = r.RegisterHTTP(alice, k, i)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

var ips = func() (list []string) {
	for i := range 250 {
		list = append(list, fmt.Sprint("10.0.0.", i))
	}
	return list
}()

func BenchmarkBeat(b *testing.B) {
	for _, full := range []bool{false, true} {
		b.Run(fmt.Sprint("full ", full), func(b *testing.B) {
			r, _ := New(Config{})
			k := key("orders")
			list := make([]Instance, 100)
			for n := range list {
				list[n] = usual(n, 1)
				if err := r.RegisterHTTP(alice, k, list[n]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if out, err := r.Beat(alice, k, list[n%100], full); err != nil || !out.Known {
					b.Fatal(out, err)
				}
			}
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{10, 100} {
		r, _ := New(Config{})
		k := key("orders")
		var last *Session
		for i := range n {
			last = r.Open(Client{ID: strconv.Itoa(i)}, nobody{})
			if err := last.Register(k, usual(i, 1)); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(fmt.Sprint("cached of ", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if v := r.Lookup(k, Query{}); len(v.Hosts) != n {
					b.Fatal(len(v.Hosts))
				}
			}
		})
		b.Run(fmt.Sprint("after a change of one of ", n), func(b *testing.B) {
			i := usual(n-1, 1)
			b.ReportAllocs()
			for m := 0; b.Loop(); m++ {
				i.Weight = float64(m%2) + 1
				if err := last.Register(k, i); err != nil {
					b.Fatal(err)
				}
				if v := r.Lookup(k, Query{}); len(v.Hosts) != n {
					b.Fatal(len(v.Hosts))
				}
			}
		})
	}
}

// BenchmarkChange is all that the registry does for a change that 5,000 clients are told of: the change, telling, taking, confirming.
func BenchmarkChange(b *testing.B) {
	for _, n := range []int{1, 5000} {
		b.Run(fmt.Sprint(n, " subscribers"), func(b *testing.B) {
			r, _ := New(Config{})
			k := key("orders")
			pub := r.Open(Client{ID: "pub"}, nobody{})
			subs := make([]*Session, n)
			for i := range subs {
				subs[i] = r.Open(Client{ID: strconv.Itoa(i)}, nobody{})
				if _, err := subs[i].Subscribe(k, ""); err != nil {
					b.Fatal(err)
				}
			}
			w := work{registry: r}
			var pushes []Push
			i := usual(1, 1)
			b.ReportAllocs()
			for m := 0; b.Loop(); m++ {
				i.Weight = float64(m%2) + 1
				if err := pub.Register(k, i); err != nil {
					b.Fatal(err)
				}
				w.tell(r.mono() + int64(r.cfg.Delay))
				for _, s := range subs {
					pushes = s.Take(pushes[:0], 16)
					if len(pushes) != 1 {
						b.Fatal(len(pushes))
					}
					s.Acked(pushes[0].View)
				}
			}
		})
	}
}

// BenchmarkParallel is what 32 workers do at once over HTTP: registering in 100 services, and heartbeats.
func BenchmarkParallel(b *testing.B) {
	for _, what := range []string{"register", "beat", "lookup"} {
		b.Run(what, func(b *testing.B) {
			r, _ := New(Config{})
			var n atomic.Int64
			b.SetParallelism(32)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				mine := int(n.Add(1))
				i := usual(mine, 1)
				k := key("service" + strconv.Itoa(mine%100))
				if err := r.RegisterHTTP(alice, k, i); err != nil {
					b.Error(err)
				}
				for step := 0; pb.Next(); step++ {
					switch what {
					case "register":
						i.Weight = float64(step%2) + 1
						if err := r.RegisterHTTP(alice, k, i); err != nil {
							b.Error(err)
						}
					case "beat":
						if out, err := r.Beat(alice, k, i, true); err != nil || !out.Known {
							b.Error(err)
						}
					default:
						r.Lookup(k, Query{})
					}
				}
			})
		})
	}
}
