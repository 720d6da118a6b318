// Package site tells requests that a browser sends for pages of this server from those that it sends for pages of
// other sites. What is no browser names no site and is nobody's concern here.
package site

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// Own reports whether no page of another site had a part in the request. A browser says so in Sec-Fetch-Site, which no page
// can set; over plain HTTP to another machine it does not, but names the page's origin with all that could change something.
//
// The origin's host must be the one that was asked, or the one that a proxy says was asked: another site can't
// make a browser send X-Forwarded-Host.
func Own(h *fasthttp.RequestHeader) bool {
	if from := h.Peek(headerFrom); len(from) > 0 {
		return own(from)
	}
	return OwnOrigin(h)
}

const headerFrom = "Sec-Fetch-Site"

func own(from []byte) bool { return string(from) == "same-origin" || string(from) == "none" }

// OwnOrigin is Own without Sec-Fetch-Site: for WebSockets, which always name their origin, and on whose site browsers don't agree.
func OwnOrigin(h *fasthttp.RequestHeader) bool {
	origin := h.Peek(fiber.HeaderOrigin)
	if len(origin) == 0 {
		return true
	}
	u, err := url.Parse(string(origin))
	if err != nil || u.Host == "" {
		return false
	}
	asked, _, _ := bytes.Cut(h.Peek(fiber.HeaderXForwardedHost), []byte(","))
	return strings.EqualFold(u.Host, string(h.Host())) || strings.EqualFold(u.Host, string(bytes.TrimSpace(asked)))
}

// Harmless reports whether an API may answer. What changes something must be Own. What reads may also be a link that a person
// follows, as the page with the link learns nothing of the answer; but no script, picture or style of another site.
func Harmless(h *fasthttp.RequestHeader) bool {
	if !h.IsGet() && !h.IsHead() {
		return Own(h)
	}
	from := h.Peek(headerFrom)
	return len(from) == 0 || own(from) || string(h.Peek("Sec-Fetch-Mode")) == "navigate"
}
