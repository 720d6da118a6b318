package v3

import (
	"slices"

	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
	"nacre/web/api/wire"
)

func (a *api) adminState(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, a.Info.State()) }

// consoleState answers the bare map, as Nacos does.
func (a *api) consoleState(c *fiber.Ctx, _ *wire.Params) error {
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, a.Info.State())
}

func (a *api) liveness(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, "ok") }

// readiness answers why the server is not ready, with status 503 on every path, so that no load
// balancer takes it for ready; Nacos sends 200 to administrators and 500 to the console's probes.
func (a *api) readiness(c *fiber.Ctx, _ *wire.Params) error {
	err := a.Ready()
	if err == nil {
		return wire.OK(c, "ok")
	}
	return wire.SendJSON(c, fiber.StatusServiceUnavailable, wire.JSON, wire.Result{Code: wire.ServerError, Message: fault.TextOf(err)})
}

// announcement has nothing to announce; it refuses a language that Nacos does not have.
func (a *api) announcement(c *fiber.Ctx, p *wire.Params) error {
	if language := p.Text("language"); language != "" && !slices.Contains([]string{"zh-CN", "en-US"}, language) {
		return wire.SendJSON(c, fiber.StatusOK, wire.JSON, wire.Result{Code: wire.ServerError, Message: "Unsupported language: " + language})
	}
	return wire.OK(c, nil)
}

func (a *api) guide(c *fiber.Ctx, _ *wire.Params) error { return wire.OK(c, nil) }

// actuator answers the probe of Spring's deployments.
func (a *api) actuator(c *fiber.Ctx, _ *wire.Params) error {
	status, word := fiber.StatusOK, "UP"
	if a.Ready() != nil {
		status, word = fiber.StatusServiceUnavailable, "DOWN"
	}
	return wire.SendJSON(c, status, "application/vnd.spring-boot.actuator.v3+json", map[string]string{"status": word})
}
