package v3

import (
	"fmt"

	"github.com/gofiber/fiber/v2"

	"nacre/web/api/wire"
)

// localCache has nothing to do: memory is what the store holds, always. Scripts call it and want a yes.
func (a *api) localCache(c *fiber.Ctx, _ *wire.Params) error {
	return wire.OK(c, "Local cache updated from store successfully!")
}

// setLogLevel changes the level of the whole log: there are no modules with levels of their own.
func (a *api) setLogLevel(c *fiber.Ctx, p *wire.Params) error {
	name, err := argument(p, "logName")
	if err != nil {
		return err
	}
	level, err := argument(p, "logLevel")
	if err != nil {
		return err
	}
	if err := a.SetLogLevel(level); err != nil {
		return err
	}
	return wire.OK(c, fmt.Sprintf("Log level updated successfully! Module: %s, Log Level: %s", name, level))
}

// derby would run SQL; there is neither Derby nor a place for SQL here.
func (a *api) derby(c *fiber.Ctx, p *wire.Params) error {
	if !p.Has("sql") {
		return absentArgument("sql", "String")
	}
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, wire.Result{Code: wire.ServerError, Message: "The current storage mode is not Derby"})
}

func (a *api) derbyImport(c *fiber.Ctx, _ *wire.Params) error {
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, wire.Result{Code: 500, Message: "Limited to embedded storage mode"})
}

// clientMetrics answers what clients at an address say of their caches of a configuration: those that are
// connected by gRPC can be asked, of those that poll nothing is known.
func (a *api) clientMetrics(c *fiber.Ctx, p *wire.Params) error {
	if err := check(p); err != nil {
		return err
	}
	ip, err := argument(p, "ip")
	if err != nil {
		return err
	}
	for _, name := range []string{"dataId", "groupName"} {
		if wire.Blank(p.Text(name)) {
			return absentArgument(name, "String")
		}
	}
	k, err := keyOf(p)
	if err != nil {
		return err
	}
	return wire.OK(c, a.ClientMetrics(wire.Context(c), ip, k))
}
