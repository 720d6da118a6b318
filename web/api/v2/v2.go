// Package v2 is the second version of Nacos' HTTP API, which scripts speak: /nacos/v2/cs and the
// console's namespaces and health, answers in an envelope of code, message and data.
//
// Where versions of Nacos differ it answers as 2.5 does.
package v2

import (
	"errors"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/resource"
	"nacre/web/api/wire"
)

// Deps is what the handlers work on.
type Deps struct{ wire.Deps }

// api is the set of handlers.
type api struct {
	Deps
	searches *slots
}

// handler answers a request whose parameters are parsed, or returns an error that becomes an envelope.
type handler func(*fiber.Ctx, *wire.Params) error

// Register adds the routes to r, whose paths begin with /nacos.
func Register(r fiber.Router, d Deps) {
	a := &api{d, newSlots()}
	rt := wire.Router{Fiber: r, Clock: d.Clock, Switches: d.Switches, Strong: d.Strong}
	admin := func(use string, h handler) fiber.Handler { return rt.Gate(wire.ForAdmins, use, a.serve(checked(h))) }
	rt.Add("/nacos/v2/cs/config",
		wire.Method{Name: fiber.MethodPost, Handler: admin("POST /v3/admin/cs/config", a.publish)},
		wire.Method{Name: fiber.MethodDelete, Handler: admin("DELETE /v3/admin/cs/config", a.remove)},
		wire.Method{Name: fiber.MethodGet, Handler: admin("GET /v3/admin/cs/config", a.get)})
	rt.Add("/nacos/v2/cs/config/searchDetail",
		wire.Method{Name: fiber.MethodGet, Handler: rt.Gate(wire.ForAdmins, "GET /v3/admin/cs/config/list", a.serve(a.search))})
	for path, h := range map[string]handler{
		"/list": a.historyList, "": a.historyRow, "/detail": a.historyDetail, "/previous": a.historyPrevious, "/configs": a.configsOf,
	} {
		rt.Add("/nacos/v2/cs/history"+path, wire.Method{Name: fiber.MethodGet, Handler: admin("GET /v3/admin/cs/history"+path, h)})
	}
	a.registerLoader(rt)
	a.registerCluster(rt)
	a.registerConsole(rt)
	if d.Naming != nil {
		a.registerNaming(rt)
	}
}

// serve makes a Fiber handler.
func (a *api) serve(h handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		p := wire.ParamsOf(c)
		defer p.Release()
		err := h(c, p)
		if err == nil {
			return nil
		}
		var v *resource.Violation
		if errors.As(err, &v) {
			if text, ok := resource.Refusal(err); ok {
				return wire.SendCheckFailure(c, text)
			}
		}
		return wire.Fail(c, a.Log, err)
	}
}

// checked is h after the parameter check of configurations.
func checked(h handler) handler {
	return func(c *fiber.Ctx, p *wire.Params) error {
		if text := p.CheckConfig(); text != "" {
			return wire.SendCheckFailure(c, text)
		}
		return h(c, p)
	}
}

// missing is the refusal of a request without a parameter that the handler takes by its name.
func missing(name, kind string) error {
	return wire.Missing("Required request parameter '" + name + "' for method parameter type " + kind + " is not present")
}

// missingField is the refusal of a form without a required field.
func missingField(name string) error {
	return wire.Missing("Required parameter '" + name + "' type String is not present")
}

func invalid(text string) error {
	return wire.Refuse(fiber.StatusBadRequest, wire.ParameterInvalid, text)
}

// number returns a parameter that is a number; blank takes the default, and so does its absence.
func number(p *wire.Params, name string, byDefault int) (int, error) {
	text, _ := p.View(name)
	if wire.Blank(text) {
		return byDefault, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil {
		return 0, invalid("Parameter '" + name + "' is not a number: \"" + text + "\"")
	}
	return int(n), nil
}

// page returns pageNo and pageSize.
func page(p *wire.Params) (no, size int, err error) {
	if no, err = number(p, "pageNo", 1); err != nil {
		return 0, 0, err
	}
	if size, err = number(p, "pageSize", 100); err != nil {
		return 0, 0, err
	}
	if no < 1 || size < 1 {
		return 0, 0, invalid("pageNo and pageSize must be greater than zero")
	}
	return no, size, nil
}

// rowID returns a required parameter that is a row id.
func rowID(p *wire.Params, name string) (int64, error) {
	text, ok := p.View(name)
	if !ok {
		return 0, missing(name, "Long")
	}
	id, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0, invalid("Parameter '" + name + "' is not a number: \"" + text + "\"")
	}
	return id, nil
}

// key returns the configuration that parameters taken by name say. Its strings are good until the
// handler returns.
func key(p *wire.Params) (config.Key, error) {
	for _, name := range []string{"dataId", "group"} {
		if !p.Has(name) {
			return config.Key{}, missing(name, "String")
		}
	}
	return words(p)
}

// words returns the key of parameters whose presence is checked, its words checked as Nacos' handlers do.
func words(p *wire.Params) (config.Key, error) {
	dataID, _ := p.View("dataId")
	group, _ := p.View("group")
	namespace, _ := p.View("namespaceId")
	if text := wire.CheckKeyWords(dataID, group); text != "" {
		return config.Key{}, invalid(text)
	}
	return config.Key{Namespace: wire.LegacyNamespace(namespace), Group: strings.TrimSpace(group), DataID: strings.TrimSpace(dataID)}, nil
}

func checkedTag(p *wire.Params) (string, error) {
	tag, _ := p.View("tag")
	if text := wire.CheckTag(tag); text != "" {
		return "", invalid(text)
	}
	return strings.TrimSpace(tag), nil
}

// denied is the refusal to show a history row of another configuration than was named.
func denied() error {
	return wire.Refuse(fiber.StatusForbidden, wire.AccessDenied, "Please check dataId, group or namespaceId.")
}
