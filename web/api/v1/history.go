package v1

import (
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/web/api/wire"
)

const maxHistoryPage = 500

func (a *api) registerHistory(rt wire.Router) {
	get := func(use string, h handler) handler {
		return gate(rt, wire.ForConsole, "GET /v3/console/cs/history"+use, checked(h))
	}
	rt.Add("/nacos/v1/cs/history", wire.Method{Name: fiber.MethodGet,
		Handler: a.serve(choose(get("", a.historyRow), form{"search", "accurate", get("/list", a.historyList)}))})
	rt.Add("/nacos/v1/cs/history/previous", wire.Method{Name: fiber.MethodGet, Handler: a.serve(get("/previous", a.historyPrevious))})
	rt.Add("/nacos/v1/cs/history/configs", wire.Method{Name: fiber.MethodGet, Handler: a.serve(get("/configs", a.configsOf))})
}

// historyList answers with the rows of one configuration, newest first.
func (a *api) historyList(c *fiber.Ctx, p *wire.Params) error {
	k, err := key(p)
	if err != nil {
		return err
	}
	pageNo, err := optionalNumber(p, "pageNo", 1)
	if err != nil {
		return err
	}
	pageSize, err := optionalNumber(p, "pageSize", 100)
	if err != nil {
		return err
	}
	if pageNo < 1 || pageSize < 1 {
		return caused(fiber.StatusBadRequest, "pageNo and pageSize must be greater than zero")
	}
	page, err := a.Configs.History(wire.Context(c), k, p.Text("appName"), pageNo, min(pageSize, maxHistoryPage))
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, wire.PageOf(page, wire.HistoryRowOf))
}

// historyRow answers with one row and its content.
func (a *api) historyRow(c *fiber.Ctx, p *wire.Params) error {
	return a.oneRow(c, p, "nid", func(nid int64) (*config.History, error) { return a.Configs.HistoryRow(wire.Context(c), nid) })
}

// historyPrevious answers with the newest row of the configuration that has the given row id.
func (a *api) historyPrevious(c *fiber.Ctx, p *wire.Params) error {
	return a.oneRow(c, p, "id", func(id int64) (*config.History, error) { return a.Configs.HistoryPrevious(wire.Context(c), id) })
}

func (a *api) oneRow(c *fiber.Ctx, p *wire.Params, name string, find func(int64) (*config.History, error)) error {
	k, err := key(p)
	if err != nil {
		return err
	}
	text, ok := p.View(name)
	if !ok {
		return missing(name)
	}
	id, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return notNumber(name, text)
	}
	row, err := find(id)
	switch {
	case err != nil:
		return err
	case row == nil:
		return wire.SendText(c, fiber.StatusOK, wire.JSONUTF8, "")
	case row.Key != k:
		return caused(fiber.StatusForbidden, "Please check dataId, group or namespaceId.")
	}
	return sendJSON(c, fiber.StatusOK, wire.HistoryDetailOf(row))
}

// configsOf answers with all configurations of a namespace, without contents.
func (a *api) configsOf(c *fiber.Ctx, p *wire.Params) error {
	tenant, ok := p.View("tenant")
	if !ok {
		return missing("tenant")
	}
	entries := a.EntriesOf(wire.LegacyNamespace(tenant))
	out := make([]wire.NamedConfig, 0, len(entries))
	for _, e := range entries {
		out = append(out, wire.NamedConfigOf(e))
	}
	return sendJSON(c, fiber.StatusOK, out)
}
