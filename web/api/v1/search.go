package v1

import (
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/web/api/wire"
)

// maxPageSize bounds a page of configurations with their contents.
const maxPageSize = 10_000

// number returns a required parameter that is a number.
func number(p *wire.Params, name string) (int, error) {
	text, ok := p.View(name)
	if !ok {
		return 0, missing(name)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil {
		return 0, notNumber(name, text)
	}
	return int(n), nil
}

// optionalNumber is number for a parameter that has a default; blank counts as not given.
func optionalNumber(p *wire.Params, name string, byDefault int) (int, error) {
	if text, _ := p.View(name); wire.Blank(text) {
		return byDefault, nil
	}
	return number(p, name)
}

// search answers with a page of configurations, whose contents it includes: search=accurate compares,
// search=blur knows '*'.
func (a *api) search(c *fiber.Ctx, p *wire.Params) error {
	blur := p.Is("search", "blur")
	if !blur {
		if text := p.CheckConfig(); text != "" {
			return wire.SendCheckFailure(c, text)
		}
	}
	for _, name := range []string{"dataId", "group"} {
		if !p.Has(name) {
			return missing(name)
		}
	}
	pageNo, err := number(p, "pageNo")
	if err != nil {
		return err
	}
	pageSize, err := number(p, "pageSize")
	if err != nil {
		return err
	}
	f := config.Filter{
		DataID: p.Text("dataId"), Group: p.Text("group"), AppName: p.Text("appName"), Tags: wire.SplitList(p.Text("config_tags")),
		Exact: !blur, WithContent: true, PageNo: pageNo, PageSize: min(pageSize, maxPageSize),
	}
	if pageNo < 1 || pageSize < 1 {
		return caused(fiber.StatusBadRequest, "serialize page error, dataId="+f.DataID+", group="+f.Group, "pageNo and pageSize must be greater than zero")
	}
	tenant := p.Text("tenant")
	f.Namespace = wire.LegacyNamespace(tenant)
	if blur {
		f.NamespacePattern = strings.Contains(tenant, "*")
		f.Types = wire.SplitList(p.Text("types"))
	}
	page, err := a.Configs.List(wire.Context(c), f)
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, wire.PageOf(page, func(e *config.Entry) wire.ConfigInfo { return found(e, blur, len(f.Tags) > 0) }))
}

// found returns e as a search shows it: which columns are null depends on how it was found.
func found(e *config.Entry, blur, byTags bool) wire.ConfigInfo {
	i := wire.ConfigInfoOf(e)
	if !blur || byTags {
		i.EncryptedDataKey = nil
	}
	if byTags {
		i.MD5 = nil
	}
	if byTags && !blur {
		i.Type = nil
	}
	return i
}
