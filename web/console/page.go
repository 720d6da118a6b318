package console

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"nacre/server/clock"
	"nacre/server/fault"
	"nacre/server/resource"
	"nacre/static"
	"nacre/views/layout"
	"nacre/views/words"
)

// secure sets the policy of a page: what this server serves itself and nothing else. Scripts and styles may be inline only
// with the nonce of the page, which the editor's styles have; no other origin, no frame.
func secure(c *fiber.Ctx, nonce string) {
	own := "'self'"
	if nonce != "" {
		own += " 'nonce-" + nonce + "'"
	}
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'self'; script-src "+own+"; style-src "+own+
		"; connect-src 'self'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderReferrerPolicy, "same-origin")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// render answers with a page.
func (v *visit) render(page templ.Component) error {
	var b bytes.Buffer
	if err := page.Render(v.c.UserContext(), &b); err != nil {
		return err
	}
	v.c.Set(fiber.HeaderVary, "Accept-Language, Cookie")
	v.c.Set(fiber.HeaderContentType, "text/html; charset=utf-8")
	return send(v.c, b.Bytes())
}

func serveStatic(c *fiber.Ctx) error {
	content, contentType, ok := static.File(c.Params("name"))
	if !ok {
		return fiber.ErrNotFound
	}
	secure(c, "")
	c.Set(fiber.HeaderContentType, contentType)
	c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	return send(c, content)
}

// The sections of the navigation, by the path of each one's first page.
const (
	pathHome       = "/"
	pathConfigs    = "/console/configs"
	pathDeleted    = "/console/deleted"
	pathFeed       = "/console/feed"
	pathClients    = "/console/clients"
	pathCluster    = "/console/cluster"
	pathNamespaces = "/console/namespaces"
	pathTransfer   = "/console/transfer"
	pathConnect    = "/console/connect"
)

// ofNamespace are the sections that show one namespace at a time.
var ofNamespace = map[string]bool{pathConfigs: true, pathServices: true, pathDeleted: true, pathTransfer: true, pathConnect: true}

// frame returns what is around a page. Section is the path of the entry of the navigation that it belongs to.
func (v *visit) frame(title, section string) layout.Page {
	w := v.w
	p := layout.Page{
		Words: w, Title: title, Version: v.Version, Theme: v.theme(), Nonce: v.nonce, ServerMs: strconv.FormatInt(clock.Millis(v.Clock), 10),
		CSS: static.URL("console.css"), JS: static.URL("console.js"), Icon: static.URL("icon.svg"), Here: v.here(),
	}
	f := &w.Frame
	for _, other := range words.All {
		p.Languages = append(p.Languages, layout.Choice{Tag: other.Tag, Name: other.Name, Href: v.prefer("lang", other.Tag), Current: other == w})
	}
	for _, t := range []layout.Choice{{Tag: "auto", Name: f.ThemeAuto}, {Tag: "light", Name: f.ThemeLight}, {Tag: "dark", Name: f.ThemeDark}} {
		t.Href, t.Current = v.prefer("theme", t.Tag), t.Tag == p.Theme
		p.Themes = append(p.Themes, t)
	}
	if v.Settings.Insecure {
		p.Insecure = fmt.Sprintf(f.InsecureText, v.Settings.HTTPAddr)
	}
	if v.user == nil {
		return p
	}
	if err := v.Ready(); err != nil {
		p.NotReady = fmt.Sprintf(f.NotReady, fault.TextOf(err))
	}
	if text := v.readOnly(); text != "" {
		p.NotReady = text
	}
	p.User, p.CSRF, p.Toast = v.user.Name, v.csrf(), v.toast()
	p.Namespaces = v.namespaces(section)
	for _, n := range p.Namespaces {
		if n.Current {
			p.Namespace = n
		}
	}
	if p.Namespace.ID == "" { // one that was not created, as Nacos allows
		p.Namespace = v.namespaceChoice(v.ns, v.namespaceName(v.ns), "")
		p.Namespace.Current = true
		p.Namespaces = append(p.Namespaces, p.Namespace)
	}
	in := "?" + url.Values{"ns": {v.ns}}.Encode()
	p.Nav = []layout.Group{
		{Items: []layout.Item{{Href: pathHome, Text: f.Overview, Icon: "home", Key: "o"}}},
		{Title: f.GroupConfigs, Items: []layout.Item{
			{Href: pathConfigs, Text: f.Configs, Icon: "config", Key: "c"},
			{Href: pathDeleted, Text: f.Deleted, Icon: "deleted"},
			{Href: pathTransfer, Text: f.Transfer, Icon: "transfer"},
			{Href: pathNamespaces, Text: f.Namespaces, Icon: "namespaces"},
		}},
		{Title: f.GroupServices, Items: []layout.Item{{Href: pathServices, Text: f.Services, Icon: "services", Key: "s"}}},
		{Title: f.GroupServer, Items: []layout.Item{
			{Href: pathFeed, Text: f.Feed, Icon: "feed", Key: "f"},
			{Href: pathClients, Text: f.Clients, Icon: "clients", Key: "l"},
			{Href: pathCluster, Text: f.Cluster, Icon: "cluster", Key: "n"},
			{Href: pathConnect, Text: f.Connect, Icon: "connect"},
		}},
	}
	for g := range p.Nav {
		for i := range p.Nav[g].Items {
			it := &p.Nav[g].Items[i]
			it.Current = it.Href == section
			if ofNamespace[it.Href] {
				it.Href += in
			}
		}
	}
	return p
}

// maxSwitcher is how many namespaces the switcher lists; the palette finds all.
const maxSwitcher = 1000

// namespaces lists what the switcher offers. Its entries lead to the same page where that is about one namespace.
func (v *visit) namespaces(section string) []layout.Namespace {
	at := pathConfigs
	if ofNamespace[section] {
		at = section
	}
	list := []layout.Namespace{v.namespaceChoice(resource.DefaultNamespace, resource.DefaultNamespace, at)}
	for _, n := range v.Namespaces.All() {
		if n.ID == resource.DefaultNamespace {
			continue
		}
		if len(list) == maxSwitcher {
			break
		}
		list = append(list, v.namespaceChoice(n.ID, n.Name, at))
	}
	return list
}

func (v *visit) namespaceChoice(id, name, at string) layout.Namespace {
	if name == "" {
		name = id
	}
	n := layout.Namespace{
		ID: id, Name: name, Current: id == v.ns, Protected: v.protected(id), Count: v.w.Number(v.Configs.CountIn(id)),
		Href: at + "?" + url.Values{"ns": {id}}.Encode(),
	}
	n.Hue = "prod"
	if !n.Protected {
		h := fnv.New32a()
		_, _ = h.Write([]byte(id))
		n.Hue = strconv.Itoa(int(h.Sum32() % 12))
	}
	return n
}

var production = regexp.MustCompile(`(?i)(^|[^a-z])(prod|production|prd)([^a-z]|$)|生产`)

// protected reports whether a namespace is called as production is: there one is asked once more.
func (v *visit) protected(ns string) bool {
	return production.MatchString(ns) || production.MatchString(v.namespaceName(ns))
}

func (p *pages) namespaceName(id string) string {
	if n := p.Namespaces.Get(id); n != nil && n.Name != "" {
		return n.Name
	}
	return id
}

// here returns path and query of the page, without what is of one time only.
func (v *visit) here() string {
	if v.changes() {
		return pathHome
	}
	q, err := url.ParseQuery(string(v.c.Request().URI().QueryString()))
	if err != nil || len(q) == 0 {
		return v.c.Path()
	}
	return v.c.Path() + "?" + q.Encode()
}

// prefer returns the address that sets a preference and comes back.
func (v *visit) prefer(name, value string) string {
	return "/console/prefs?" + url.Values{name: {value}, "back": {v.here()}}.Encode()
}

// maxPath is the length in bytes of the longest address that one is sent back to.
const maxPath = 8 << 10

// local returns path when it is one of this server, else the home page's: where a person may be sent.
func local(path string) string {
	u, err := url.Parse(path)
	if err != nil || len(path) > maxPath || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n") {
		return pathHome
	}
	return path
}

var plainHost = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]{1,5})?$|^\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?$`)

// origin returns scheme and host as the reader reached this server. The host is what the client
// claims, so one that could not stand in a shell command as it is gives way to fallback.
func origin(c *fiber.Ctx, fallback string) string {
	host, scheme := c.Hostname(), "http"
	if !plainHost.MatchString(host) {
		host = fallback
	}
	if c.Secure() {
		scheme = "https"
	}
	return scheme + "://" + host
}
