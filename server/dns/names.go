package dns

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	lib "github.com/miekg/dns"

	"nacre/server/clock"
	"nacre/server/naming"
)

// labelsOf returns the labels of a name as they are, without the escapes of its text.
func labelsOf(name string) []string {
	labels := lib.SplitDomainName(name)
	for i, l := range labels {
		if strings.IndexByte(l, '\\') >= 0 {
			labels[i] = unescaped(l)
		}
	}
	return labels
}

// unescaped resolves \DDD, a byte by its decimal number, and \X, the character X.
func unescaped(label string) string {
	out := make([]byte, 0, len(label))
	for i := 0; i < len(label); i++ {
		c := label[i]
		if c != '\\' || i+1 == len(label) {
			out = append(out, c)
			continue
		}
		if d := label[i+1 : min(i+4, len(label))]; len(d) == 3 && isDigit(d[0]) && isDigit(d[1]) && isDigit(d[2]) {
			out = append(out, (d[0]-'0')*100+(d[1]-'0')*10+(d[2]-'0'))
			i += 3
			continue
		}
		i++
		out = append(out, label[i])
	}
	return string(out)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// addressLabel is above the names that say an address.
const addressLabel = "ip"

// addressOf returns the address that a name says: 10-0-0-7.ip, or the eight groups of IPv6.
func addressOf(labels []string) (netip.Addr, bool) {
	if len(labels) != 2 || !strings.EqualFold(labels[1], addressLabel) {
		return netip.Addr{}, false
	}
	separator := "."
	if strings.Count(labels[0], "-") == 7 {
		separator = ":"
	}
	addr, err := netip.ParseAddr(strings.ReplaceAll(labels[0], "-", separator))
	return addr.Unmap(), err == nil && addr.Zone() == ""
}

// addressName returns the name that says addr.
func addressName(addr netip.Addr) string {
	text := addr.String()
	if addr.Is6() {
		text = addr.StringExpanded()
	}
	return strings.NewReplacer(".", "-", ":", "-").Replace(text) + "." + addressLabel + "." + Zone
}

// ipOf reads the address of an instance, which may be a host's name.
func ipOf(i *naming.Instance) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(strings.Trim(i.IP, "[]"))
	return addr.Unmap(), err == nil && addr.Zone() == ""
}

// hostName returns an instance's address as the name of a host elsewhere; false when it can't be one.
func hostName(i *naming.Instance) (string, bool) {
	for n := range len(i.IP) {
		if c := i.IP[n]; !isDigit(c) && !(c|0x20 >= 'a' && c|0x20 <= 'z') && c != '-' && c != '_' && c != '.' {
			return "", false
		}
	}
	_, ok := lib.IsDomainName(i.IP)
	return lib.Fqdn(i.IP), ok && i.IP != ""
}

// find returns the service that a name means, found when it has instances. exists tells of any name whether it, or one below it,
// does.
func (s *Server) find(labels []string) (k naming.Key, found, exists bool) {
	name := strings.Join(labels, ".")
	if service, namespace, ok := cutLast(name); ok {
		if k.Name, k.Group, ok = cutLast(service); ok {
			if k.Namespace = namespace; s.has(k) {
				return k, true, true
			}
		}
	}
	keys, exists := s.names.get(s.registry, folded(name))
	keys = slices.DeleteFunc(slices.Clone(keys), func(k naming.Key) bool { return !s.has(k) })
	if len(keys) == 0 {
		return naming.Key{}, false, exists || len(labels) == 1 && strings.EqualFold(name, addressLabel)
	}
	if i := slices.IndexFunc(keys, func(k naming.Key) bool { return strings.EqualFold(nameOf(k), name) }); i > 0 {
		return keys[i], true, true
	}
	return keys[0], true, true
}

func cutLast(name string) (before, after string, ok bool) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return name, "", false
	}
	return name[:i], name[i+1:], true
}

// has reports whether a service has instances, whatever their state.
func (s *Server) has(k naming.Key) bool {
	return len(s.registry.Lookup(k, naming.Query{Disabled: true}).Hosts) > 0
}

func nameOf(k naming.Key) string { return k.Name + "." + k.Group + "." + k.Namespace }

// folded returns what names that mean the same have in common: lower case, and - for each odd character.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r | 0x20
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '-'
	}, name)
}

// index finds services by folded names. It is made of the registry when somebody asks, once a second at the most: only names that
// are not spelt exactly need it.
type index struct {
	mu    sync.Mutex
	made  time.Time
	names map[string][]naming.Key // those above a service's name have none of their own
}

// indexEvery is how old the index may be.
const indexEvery = time.Second

func (x *index) get(r *naming.Registry, name string) ([]naming.Key, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if now := clock.Mono(); x.names == nil || now.Sub(x.made) >= indexEvery {
		x.names, x.made = make(map[string][]naming.Key), now
		r.Each(func(k naming.Key) bool {
			name := folded(nameOf(k))
			x.names[name] = append(x.names[name], k)
			for _, above, ok := strings.Cut(name, "."); ok; _, above, ok = strings.Cut(above, ".") {
				if _, there := x.names[above]; !there {
					x.names[above] = nil
				}
			}
			return true
		})
	}
	keys, ok := x.names[name]
	return keys, ok
}
