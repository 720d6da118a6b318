// Package console serves the pages that people look at. A handler asks the domain, builds a view
// model with everything worded, and renders it; pages can be read without script.
package console

import (
	"bytes"
	"net/url"
	"regexp"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"nacre/static"
	"nacre/views/layout"
	"nacre/views/words"
)

// policy allows what this server serves itself and nothing else: no inline script or style, no
// other origin, no frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func secure(c *fiber.Ctx) {
	c.Set(fiber.HeaderContentSecurityPolicy, policy)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderReferrerPolicy, "same-origin")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
}

func render(c *fiber.Ctx, page templ.Component) error {
	var b bytes.Buffer
	if err := page.Render(c.UserContext(), &b); err != nil {
		return err
	}
	secure(c)
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderVary, "Accept-Language")
	c.Set(fiber.HeaderContentType, "text/html; charset=utf-8")
	return c.Send(b.Bytes())
}

func serveStatic(c *fiber.Ctx) error {
	content, contentType, ok := static.File(c.Params("name"))
	if !ok {
		return fiber.ErrNotFound
	}
	secure(c)
	c.Set(fiber.HeaderContentType, contentType)
	c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	return c.Send(content)
}

// wordsOf returns the words in the language that the URL names, else in one that the browser asks for.
func wordsOf(c *fiber.Ctx) *words.Words {
	return words.For(c.Query("lang"), c.Get(fiber.HeaderAcceptLanguage))
}

func frame(w *words.Words, title, version string) layout.Page {
	p := layout.Page{
		Words: w, Title: title, Version: version,
		CSS: static.URL("console.css"), JS: static.URL("console.js"), Icon: static.URL("icon.svg"),
	}
	for _, other := range words.All {
		p.Languages = append(p.Languages, layout.Language{
			Tag: other.Tag, Name: other.Name, Href: "?lang=" + url.QueryEscape(other.Tag), Current: other == w,
		})
	}
	return p
}

var plainHost = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]{1,5})?$|^\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?$`)

// origin returns scheme and host as the reader reached this server. The host is what the client
// claims, so one that could not stand in a shell command as it is gives way to fallback.
func origin(c *fiber.Ctx, fallback string) string {
	host := c.Hostname()
	if !plainHost.MatchString(host) {
		host = fallback
	}
	return c.Protocol() + "://" + host
}
