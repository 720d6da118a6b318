package wire

import (
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/clock"
	"nacre/server/fault"
)

// Class says which switch of Nacos 3 turns an old path off.
type Class uint8

// The classes of old paths. The zero value is Current: not an old path.
const (
	Current Class = iota
	ForClients
	ForAdmins
	ForConsole
)

// Switches say which old paths are answered; the others answer 410.
type Switches struct{ Clients, Admins, Console bool }

func (s Switches) off(class Class) (property string, off bool) {
	switch class {
	case ForClients:
		return "client", !s.Clients
	case ForAdmins:
		return "admin", !s.Admins
	case ForConsole:
		return "console", !s.Console
	}
	return "", false
}

// Method is one method of a path.
type Method struct {
	// Name is GET, POST, PUT, DELETE or PATCH. A GET serves HEAD, too.
	Name    string
	Handler fiber.Handler
}

// Router registers paths so that what Nacos' framework says about methods and paths is said: 405 with
// Allow for a method that a path doesn't have, OPTIONS, and 404 for a path with a slash at its end.
type Router struct {
	Fiber fiber.Router
	Clock clock.Clock
	// Off are the switches of old paths.
	Switches Switches
	// Strong is that of Deps: a read with the header Nacre-Consistency: strong waits for it.
	Strong func(context.Context) error
	// NoMethod answers a method that a path does not have; nil for 405.
	NoMethod fiber.Handler
}

// Add registers a path's methods, in the order in which Nacos lists them in Allow.
func (r Router) Add(path string, methods ...Method) {
	d := &dispatcher{clock: r.Clock, methods: methods, noMethod: r.NoMethod, strong: r.Strong}
	names := make([]string, 0, len(methods))
	all := make([]string, 0, len(methods)+2)
	for _, m := range methods {
		names, all = append(names, m.Name), append(all, m.Name)
		if m.Name == fiber.MethodGet {
			all = append(all, fiber.MethodHead)
			d.get = m.Handler
		}
	}
	d.allow = strings.Join(names, ", ")
	d.options = strings.Join(append(all, fiber.MethodOptions), ",")
	r.Fiber.All(path, d.serve)
}

type dispatcher struct {
	clock          clock.Clock
	methods        []Method
	get, noMethod  fiber.Handler
	allow, options string
	strong         func(context.Context) error
}

// Headers with which a client asks for a read that sees all that was acknowledged on any node.
const (
	HeaderConsistency = "Nacre-Consistency"
	Strong            = "strong"
)

func (d *dispatcher) serve(c *fiber.Ctx) error {
	if p := c.Path(); len(p) > 1 && p[len(p)-1] == '/' {
		return SendNotFound(c, d.clock)
	}
	method := c.Method()
	if d.get != nil && (method == fiber.MethodGet || method == fiber.MethodHead) {
		if d.strong != nil && string(c.Request().Header.Peek(HeaderConsistency)) == Strong {
			if err := d.strong(c.UserContext()); err != nil {
				return SendContainerError(c, d.clock, fiber.StatusServiceUnavailable, fault.TextOf(err))
			}
		}
		return d.get(c)
	}
	for i := range d.methods {
		if d.methods[i].Name == method {
			return d.methods[i].Handler(c)
		}
	}
	if method == fiber.MethodOptions {
		c.Set(fiber.HeaderAllow, d.options)
		contentType := ""
		if underConfigV1(c) {
			contentType = JSONUTF8
		}
		return SendText(c, fiber.StatusOK, contentType, "")
	}
	if d.noMethod != nil {
		return d.noMethod(c)
	}
	c.Set(fiber.HeaderAllow, d.allow)
	return SendContainerError(c, d.clock, fiber.StatusMethodNotAllowed, "Method '"+method+"' is not supported.")
}

// Gate returns h, or, where class is switched off, a handler that answers 410 and names what is to
// be used instead: use is a method and path as in "GET /v3/admin/cs/config", or empty.
func (r Router) Gate(class Class, use string, h fiber.Handler) fiber.Handler {
	if gone := r.Gone(class, use); gone != nil {
		return gone
	}
	return h
}

// Gone returns the handler that answers 410 where class is switched off, nil where it is on. See Gate.
func (r Router) Gone(class Class, use string) fiber.Handler {
	property, off := r.Switches.off(class)
	if !off {
		return nil
	}
	message := "Current API will be deprecated, "
	if use == "" {
		message += "If wanted continue to use, please set `nacos.core.api.compatibility." + property + ".enabled=true` in application.properties."
	} else {
		method, path, _ := strings.Cut(use, " ")
		if !strings.HasPrefix(path, "{") { // Nacos forgets the first character in one place
			path = "${contextPath:nacos}" + path
		}
		message += "please use API(s) `" + method + " " + path + "` instead, or set `nacos.core.api.compatibility." + property + ".enabled=true` in application.properties."
	}
	return r.gone(message)
}

// Inner returns a handler for a path of old servers among themselves.
func (r Router) Inner() fiber.Handler {
	return func(c *fiber.Ctx) error {
		return r.gone("Old Inner API " + c.Path() + " is deprecated")(c)
	}
}

func (r Router) gone(message string) fiber.Handler {
	text := `{"code":40000,"message":"` + message + `"}`
	return func(c *fiber.Ctx) error {
		return SendContainerError(c, r.Clock, fiber.StatusGone, text)
	}
}
