package v3

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/web/api/wire"
)

// capacityInfo is a quota row; one of the names is there. The times are null in Nacos 3.1, too.
type capacityInfo struct {
	ID           string `json:"id"`
	Quota        int64  `json:"quota"`
	Usage        int64  `json:"usage"`
	MaxSize      int64  `json:"maxSize"`
	MaxAggrCount int64  `json:"maxAggrCount"`
	MaxAggrSize  int64  `json:"maxAggrSize"`
	GmtCreate    *int64 `json:"gmtCreate"`
	GmtModified  *int64 `json:"gmtModified"`
	GroupName    string `json:"groupName,omitempty"`
	NamespaceID  string `json:"namespaceId,omitempty"`
}

// capacityOf checks which row is meant: a namespace's or, without one, a group's.
func capacityOf(p *wire.Params) (namespace, group string, err error) {
	if err := check(p); err != nil {
		return "", "", err
	}
	namespace, group = strings.TrimSpace(p.Text("namespaceId")), strings.TrimSpace(p.Text("groupName"))
	switch {
	case namespace != "":
		return namespace, "", nil
	case group != "":
		return "", group, nil
	}
	return "", "", wire.Missing("At least one of the parameters (groupName or namespaceId) must be provided")
}

func (a *api) getCapacity(c *fiber.Ctx, p *wire.Params) error {
	ns, group, err := capacityOf(p)
	if err != nil {
		return err
	}
	row, err := a.Configs.Capacity(c.UserContext(), a.Actor(c, p), ns, group)
	if err != nil {
		return err
	}
	quota := int64(a.Info.QuotaNamespace)
	if ns == "" {
		quota = int64(a.Info.QuotaGroup)
	}
	return wire.OK(c, capacityInfo{
		ID: wire.ID(row.ID), Quota: cmp.Or(row.Quota, quota), Usage: row.Usage, MaxSize: cmp.Or(row.MaxSize, a.Info.QuotaMaxSize),
		MaxAggrCount: cmp.Or(row.MaxAggrCount, wire.MaxAggrCount), MaxAggrSize: cmp.Or(row.MaxAggrSize, wire.MaxAggrSize), GroupName: group, NamespaceID: ns,
	})
}

func (a *api) setCapacity(c *fiber.Ctx, p *wire.Params) error {
	ns, group, err := capacityOf(p)
	if err != nil {
		return err
	}
	var l config.CapacityLimits
	given := false
	for name, to := range map[string]**int64{"quota": &l.Quota, "maxSize": &l.MaxSize, "maxAggrCount": &l.MaxAggrCount, "maxAggrSize": &l.MaxAggrSize} {
		text := p.Text(name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
		if err != nil {
			return notNumber(name, text)
		}
		given, *to = true, &n
	}
	if !given {
		return wire.Missing("The parameters quota, maxSize, maxAggrCount, maxAggrSize cannot be empty at the same time")
	}
	if err := a.Configs.SetCapacity(c.UserContext(), a.Actor(c, p), ns, group, l); err != nil {
		return err
	}
	return wire.OK(c, true)
}
