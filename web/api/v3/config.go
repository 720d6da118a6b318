package v3

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/resource"
	"nacre/web/api/wire"
)

// maxPageSize bounds a page of configurations, about 3 MB.
const maxPageSize = 10_000

// basicInfo is a configuration without its content.
type basicInfo struct {
	ID          string  `json:"id"`
	NamespaceID string  `json:"namespaceId"`
	GroupName   string  `json:"groupName"`
	DataID      string  `json:"dataId"`
	MD5         *string `json:"md5"`
	Type        *string `json:"type"`
	AppName     string  `json:"appName"`
	CreateTime  int64   `json:"createTime"`
	ModifyTime  int64   `json:"modifyTime"`
}

// detailInfo is a configuration with all that is known of it.
type detailInfo struct {
	basicInfo
	Content          string  `json:"content"`
	Desc             *string `json:"desc"`
	EncryptedDataKey *string `json:"encryptedDataKey"`
	CreateUser       *string `json:"createUser"`
	CreateIP         *string `json:"createIp"`
	ConfigTags       *string `json:"configTags"`
}

func basicOf(k config.Key, id int64, md5 string) basicInfo {
	return basicInfo{ID: wire.ID(id), NamespaceID: k.Namespace, GroupName: k.Group, DataID: k.DataID, MD5: wire.NullText(md5)}
}

// listed is a configuration in a list, where Nacos leaves the times out.
func listed(e *config.Entry) basicInfo {
	b := basicOf(e.Key, e.ID, e.MD5)
	b.Type, b.AppName = wire.NullText(e.Type), e.AppName
	return b
}

func detailOf(e *config.Entry) detailInfo {
	b := listed(e)
	b.CreateTime, b.ModifyTime = e.CreatedMs, e.ModifiedMs
	return detailInfo{
		basicInfo: b, Content: string(e.Content), Desc: e.Desc, EncryptedDataKey: &e.EncryptedDataKey,
		CreateUser: wire.NullText(e.SrcUser), CreateIP: wire.NullText(e.SrcIP), ConfigTags: wire.NullText(config.JoinTags(e.Tags)),
	}
}

func (a *api) getConfig(c *fiber.Ctx, p *wire.Params, s side) error {
	k, err := keyOf(p)
	if err != nil {
		return err
	}
	it := a.Configs.Item(k)
	switch {
	case it != nil && it.Formal != nil:
		return wire.OK(c, detailOf(it.Formal))
	case s == console:
		return wire.OK(c, nil)
	}
	return notFound("Config not exist, please publish Config first.")
}

func (a *api) publishConfig(c *fiber.Ctx, p *wire.Params) error {
	k, err := keyOf(p)
	if err != nil {
		return err
	}
	content, _ := p.Bytes("content")
	if blank(content) {
		return absent("content")
	}
	if text := wire.CheckTag(p.Text("tag")); text != "" {
		return wire.Refuse(400, wire.ParameterInvalid, text)
	}
	d := p.Draft(c, k, wire.PublishNames{Tags: "configTags", User: "srcUser"})
	if _, err := a.Configs.Publish(c.UserContext(), a.Actor(c, p, "srcUser"), d); err != nil {
		return err
	}
	return wire.OK(c, true)
}

func blank(b []byte) bool {
	for _, c := range b {
		if c > ' ' {
			return false
		}
	}
	return true
}

// removeConfig takes tag for the name of a variant, as Nacos does: beta, or tag_ and the tag.
func (a *api) removeConfig(c *fiber.Ctx, p *wire.Params) error {
	k, err := keyOf(p)
	if err != nil {
		return err
	}
	gray := strings.TrimSpace(p.Text("tag"))
	if most := len(config.GrayTagPrefix) + resource.MaxTag; len(gray) > most {
		return wire.Refuse(400, wire.ParameterInvalid, "too long tag, over 16")
	}
	if resource.CheckName(resource.FieldDataID, gray) != nil {
		return wire.Refuse(400, wire.ParameterInvalid, "invalid tag : "+gray)
	}
	if _, err := a.Configs.Remove(c.UserContext(), a.Actor(c, p, "srcUser"), k, gray, config.Note{}); err != nil {
		return err
	}
	return wire.OK(c, true)
}

func (a *api) removeConfigs(c *fiber.Ctx, p *wire.Params) error {
	ids, given, err := numbers(p, "ids")
	switch {
	case err != nil:
		return err
	case !given:
		return absentArgument("ids", "List")
	}
	if _, err := a.Configs.RemoveIDs(c.UserContext(), a.Actor(c, p, "srcUser"), ids, config.Note{}); err != nil {
		return err
	}
	return wire.OK(c, true)
}

// listConfigs answers a page of a search. The console's list knows neither search=accurate nor
// configDetail; its searchDetail does.
func (a *api) listConfigs(c *fiber.Ctx, p *wire.Params, s side) error {
	search := p.Text("search")
	exact := s == admin && search != "" && search != "blur"
	if exact {
		if err := check(p); err != nil {
			return err
		}
	}
	no, size, err := page(p)
	if err != nil {
		return err
	}
	f := config.Filter{
		Namespace: wire.Namespace(p.Text("namespaceId")), NamespacePattern: !exact, DataID: p.Text("dataId"), Group: p.Text("groupName"),
		Exact: exact, Types: wire.SplitList(p.Text("type")), Tags: wire.SplitList(p.Text("configTags")), PageNo: no, PageSize: min(size, maxPageSize),
	}
	if app := p.Text("appName"); !wire.Blank(app) {
		f.AppName = app
	}
	if detail := p.Text("configDetail"); s == admin && !wire.Blank(detail) {
		f.Content = detail
	}
	found, err := a.Configs.List(c.UserContext(), f)
	if err != nil {
		return err
	}
	return wire.OK(c, wire.PageOf(found, listed))
}
