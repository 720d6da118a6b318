package dns

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"

	lib "github.com/miekg/dns"

	"nacre/server/naming"
)

func header(name string, rrtype uint16) lib.RR_Header {
	return lib.RR_Header{Name: name, Rrtype: rrtype, Class: lib.ClassINET, Ttl: ttl}
}

// authority is the record that goes with answers that there is nothing: it says for how long that holds.
func authority() lib.RR {
	return &lib.SOA{
		Hdr: header(Zone, lib.TypeSOA), Ns: Zone, Mbox: "hostmaster." + Zone,
		Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: ttl,
	}
}

// address is the record of an address, A or AAAA.
func address(name string, addr netip.Addr) lib.RR {
	if addr.Is4() {
		return &lib.A{Hdr: header(name, lib.TypeA), A: addr.AsSlice()}
	}
	return &lib.AAAA{Hdr: header(name, lib.TypeAAAA), AAAA: addr.AsSlice()}
}

// choice is an instance with the place that chance gave it: one with more weight mostly comes earlier.
type choice struct {
	*naming.Instance
	addr  netip.Addr // the zero value where it is a host's name
	place float64
}

// chosen returns at most maxAnswers of the hosts that want wants, in an order by chance in which each is first as often as its
// weight says. Those of the weight 0 are not among them.
func chosen(hosts []*naming.Instance, want func(choice) bool) []choice {
	var best []choice
	for _, h := range hosts {
		c := choice{Instance: h}
		if addr, ok := ipOf(h); ok {
			c.addr = addr
		}
		if !h.Healthy || !(h.Weight > 0) || !want(c) {
			continue
		}
		c.place = rand.ExpFloat64() / h.Weight
		at, _ := slices.BinarySearchFunc(best, c.place, func(b choice, place float64) int {
			if b.place < place {
				return -1
			}
			return 1
		})
		if at < maxAnswers {
			best = slices.Insert(best[:min(len(best), maxAnswers-1)], at, c)
		}
	}
	return best
}

// addresses returns the records of the kind that is asked for, each address once.
func addresses(q lib.Question, hosts []*naming.Instance) (rrs []lib.RR) {
	seen := make(map[netip.Addr]bool)
	for _, c := range chosen(hosts, func(c choice) bool { return c.addr.IsValid() && c.addr.Is4() == (q.Qtype == lib.TypeA) }) {
		if !seen[c.addr] {
			seen[c.addr] = true
			rrs = append(rrs, address(q.Name, c.addr))
		}
	}
	return rrs
}

// places puts to m where the hosts listen, and their addresses beside.
func places(m *lib.Msg, name string, hosts []*naming.Instance) {
	list := chosen(hosts, func(c choice) bool {
		_, named := hostName(c.Instance)
		return c.addr.IsValid() || named
	})
	most := 0.0
	for _, c := range list {
		most = max(most, c.Weight)
	}
	factor := min(100, math.MaxUint16/max(most, 1)) // two decimals of a weight count where there is room
	seen := make(map[netip.Addr]bool)
	for _, c := range list {
		rr := &lib.SRV{Hdr: header(name, lib.TypeSRV), Port: uint16(c.Port), Weight: uint16(max(math.Round(c.Weight*factor), 1))}
		if c.addr.IsValid() {
			rr.Target = addressName(c.addr)
			if !seen[c.addr] {
				seen[c.addr] = true
				m.Extra = append(m.Extra, address(rr.Target, c.addr))
			}
		} else {
			rr.Target, _ = hostName(c.Instance)
		}
		m.Answer = append(m.Answer, rr)
	}
}
