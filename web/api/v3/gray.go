package v3

import (
	"github.com/gofiber/fiber/v2"
	"slices"

	"nacre/server/config"
	"nacre/web/api/wire"
)

// grayInfo is a variant.
type grayInfo struct {
	detailInfo
	GrayName string `json:"grayName"`
	GrayRule string `json:"grayRule"`
}

// grayOf shows a variant; only the console adds the type, which is that of the configuration itself.
func grayOf(g *config.Gray, formal *config.Entry, s side) grayInfo {
	b := basicOf(g.Key, g.ID, g.MD5)
	b.AppName, b.ModifyTime = g.AppName, g.ModifiedMs
	if s == console && formal != nil {
		b.Type = &formal.Type
	}
	return grayInfo{
		detailInfo: detailInfo{basicInfo: b, Content: string(g.Content), EncryptedDataKey: wire.NullText(g.EncryptedDataKey), CreateUser: wire.NullText(g.SrcUser)},
		GrayName:   g.Name, GrayRule: g.Rule.JSON(),
	}
}

func (a *api) getBeta(c *fiber.Ctx, p *wire.Params, s side) error {
	k, err := keyOf(p)
	if err != nil {
		return err
	}
	it := a.Configs.Item(k)
	g := it.Gray(config.GrayBeta)
	switch {
	case g != nil:
		return wire.OK(c, grayOf(g, it.Formal, s))
	case s == console:
		return wire.OK(c, nil)
	}
	return notFound("Config is not in beta.")
}

func (a *api) removeBeta(c *fiber.Ctx, p *wire.Params) error {
	k, err := keyOf(p)
	if err != nil {
		return err
	}
	if _, err := a.Configs.Remove(c.UserContext(), a.Actor(c, p, "srcUser"), k, config.GrayBeta, config.Note{}); err != nil {
		return err
	}
	return wire.OK(c, true)
}

// listenerInfo says who listens: md5 by address, or md5 by group key.
type listenerInfo struct {
	QueryType       string            `json:"queryType"`
	ListenersStatus map[string]string `json:"listenersStatus"`
}

func (a *api) listenersOfConfig(c *fiber.Ctx, p *wire.Params) error {
	k, err := keyOf(p)
	if err != nil {
		return err
	}
	info := listenerInfo{QueryType: "config", ListenersStatus: make(map[string]string)}
	for _, l := range slices.Backward(a.Nodes.OfConfig(wire.Context(c), k)) { // of one address, who is behind is shown
		if !l.Connected {
			continue
		}
		info.ListenersStatus[l.Client.IP] = l.MD5
	}
	return wire.OK(c, info)
}

// listenersOfAddress answers what an address listens to: all of it, or what is in one namespace.
func (a *api) listenersOfAddress(c *fiber.Ctx, p *wire.Params) error {
	if err := check(p); err != nil {
		return err
	}
	ip, err := argument(p, "ip")
	if err != nil {
		return err
	}
	ns, all := wire.Namespace(p.Text("namespaceId")), truth(p, "all")
	info := listenerInfo{QueryType: "ip", ListenersStatus: make(map[string]string)}
	for _, l := range a.Nodes.OfIP(wire.Context(c), ip) {
		if !l.Connected {
			continue
		}
		if all || l.Key.Namespace == ns {
			info.ListenersStatus[wire.GroupKey(l.Key.DataID, l.Key.Group, l.Key.Namespace)] = l.MD5
		}
	}
	return wire.OK(c, info)
}
