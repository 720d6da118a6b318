// Package clientip says which address a request comes from.
//
// Nacos believes X-Forwarded-For from anybody. Here the header counts only when the connection
// comes from a proxy that the operator named, as variants by address and the history's operator rest on it.
package clientip

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/web/conn"
)

// Proxies are the addresses and networks whose headers are believed. The zero value believes none.
type Proxies struct{ nets []netip.Prefix }

// Parse makes Proxies of addresses ("10.0.0.1") and networks ("10.0.0.0/8").
func Parse(list []string) (Proxies, error) {
	var p Proxies
	for _, text := range list {
		text = strings.TrimSpace(text)
		if net, err := netip.ParsePrefix(text); err == nil {
			p.nets = append(p.nets, net.Masked())
			continue
		}
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return Proxies{}, fmt.Errorf("%q is neither an address nor a network", text)
		}
		addr = addr.Unmap()
		p.nets = append(p.nets, netip.PrefixFrom(addr, addr.BitLen()))
	}
	return p, nil
}

// Of returns the address of the client: the last one in X-Forwarded-For that is no trusted proxy (the first of
// all when every one is), else X-Real-IP, else the other end of the connection. Without
// trusted proxies it costs nothing. The string may be kept.
func (p Proxies) Of(c *fiber.Ctx) string {
	peer := ""
	if pc, ok := conn.Of(c.Context()); ok {
		peer = pc.PeerIP()
	} else {
		peer = c.Context().RemoteIP().String()
	}
	if len(p.nets) == 0 || !p.trusted(peer) {
		return peer
	}
	ip := ""
	for rest := c.Get(fiber.HeaderXForwardedFor); rest != ""; {
		i := strings.LastIndexByte(rest, ',')
		if item := strings.TrimSpace(rest[i+1:]); item != "" {
			if ip = item; !p.trusted(item) {
				break
			}
		}
		rest = rest[:max(i, 0)]
	}
	if ip == "" {
		ip = strings.TrimSpace(c.Get("X-Real-IP"))
	}
	if ip == "" {
		return peer
	}
	return strings.Clone(ip)
}

func (p Proxies) trusted(ip string) bool {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return false
	}
	addr = addr.Unmap().WithZone("")
	for _, n := range p.nets {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}
