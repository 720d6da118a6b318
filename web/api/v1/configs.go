package v1

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/fault"
	"nacre/web/api/wire"
)

var names = wire.PublishNames{Tags: "config_tags", User: "src_user"}

var (
	textPlain  = []byte(wire.Text)
	jsonLabel  = []byte(wire.JSONUTF8)
	answerTrue = []byte("true")
)

// key returns the configuration that a request names. Its strings are good until the handler returns.
func key(p *wire.Params) (config.Key, error) {
	dataID, ok := p.View("dataId")
	if !ok {
		return config.Key{}, missing("dataId")
	}
	group, ok := p.View("group")
	if !ok {
		return config.Key{}, missing("group")
	}
	tenant, _ := p.View("tenant")
	return config.Key{Namespace: wire.LegacyNamespace(tenant), Group: strings.TrimSpace(group), DataID: strings.TrimSpace(dataID)}, nil
}

// checkedKey is key with the words checked as Nacos' handlers do.
func checkedKey(p *wire.Params) (config.Key, error) {
	k, err := key(p)
	if err != nil {
		return k, err
	}
	if text := wire.CheckKeyWords(k.DataID, k.Group); text != "" {
		return k, caused(fiber.StatusBadRequest, text)
	}
	return k, nil
}

// checkedTag returns the parameter tag, "" when there is none.
func checkedTag(p *wire.Params) (string, error) {
	tag, _ := p.View("tag")
	if text := wire.CheckTag(tag); text != "" {
		return "", caused(fiber.StatusBadRequest, text)
	}
	return strings.TrimSpace(tag), nil
}

// get answers with a content, byte by byte as it was published.
func (a *api) get(c *fiber.Ctx, p *wire.Params) error {
	k, err := checkedKey(p)
	if err != nil {
		return err
	}
	tag, err := checkedTag(p)
	if err != nil {
		return err
	}
	v, ok := a.Find(c, k, tag)
	if !ok {
		return wire.SendText(c, fiber.StatusNotFound, wire.JSONUTF8, "config data not exist\n")
	}
	wire.SetConfigHeaders(c, &v)
	res := &c.Context().Response
	res.Header.SetContentTypeBytes(textPlain)
	res.SetBodyRaw(v.Content)
	return nil
}

// publish inserts or updates a configuration or one of its variants.
func (a *api) publish(c *fiber.Ctx, p *wire.Params) error {
	k, err := key(p)
	if err != nil {
		return err
	}
	content, ok := p.View("content")
	if !ok {
		return missing("content")
	}
	if text := wire.CheckKeyWords(k.DataID, k.Group); text != "" {
		return caused(fiber.StatusBadRequest, text)
	}
	if _, err := checkedTag(p); err != nil {
		return err
	}
	_, err = a.Configs.Publish(wire.Context(c), a.Actor(c, p, names.User), p.Draft(c, k, names))
	if fault.CodeOf(err) == config.CodeBlank {
		return caused(fiber.StatusBadRequest, "content is blank : "+content)
	}
	if err != nil {
		return err
	}
	return sendTrue(c)
}

// sendTrue answers as clients compare it: four bytes.
func sendTrue(c *fiber.Ctx) error {
	res := &c.Context().Response
	res.Header.SetContentTypeBytes(jsonLabel)
	res.SetBodyRaw(answerTrue)
	return nil
}

// remove takes away a configuration or, with the parameter tag, the variant of that gray name.
func (a *api) remove(c *fiber.Ctx, p *wire.Params) error {
	k, err := checkedKey(p)
	if err != nil {
		return err
	}
	tag, err := checkedTag(p)
	if err != nil {
		return err
	}
	if _, err := a.Configs.Remove(wire.Context(c), a.Actor(c, p, names.User), k, tag, config.Note{}); err != nil {
		return err
	}
	return sendTrue(c)
}

// removeIDs takes away the configurations with the given row ids; unknown ones are passed over.
func (a *api) removeIDs(c *fiber.Ctx, p *wire.Params) error {
	list, ok := p.View("ids")
	if !ok {
		return missing("ids")
	}
	ids, bad := wire.IDs(list)
	if bad != "" {
		return notNumber("ids", bad)
	}
	if _, err := a.Configs.RemoveIDs(wire.Context(c), a.Actor(c, p, names.User), ids, config.Note{}); err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, wire.Rest("", true))
}

// advanceInfo is what the catalog says of a configuration beside its content.
type advanceInfo struct {
	CreateTime int64   `json:"createTime"`
	ModifyTime int64   `json:"modifyTime"`
	CreateUser *string `json:"createUser"`
	CreateIP   *string `json:"createIp"`
	Desc       *string `json:"desc"`
	Use        *string `json:"use"`
	Effect     *string `json:"effect"`
	Type       *string `json:"type"`
	Schema     *string `json:"schema"`
	ConfigTags *string `json:"configTags"`
}

func advanceOf(e *config.Entry) advanceInfo {
	return advanceInfo{
		CreateTime: e.CreatedMs, ModifyTime: e.ModifiedMs, CreateUser: wire.NullText(e.SrcUser), CreateIP: wire.NullText(e.SrcIP),
		Desc: e.Desc, Use: e.Use, Effect: e.Effect, Type: wire.NullText(e.Type), Schema: e.Schema, ConfigTags: wire.NullText(config.JoinTags(e.Tags)),
	}
}

// allInfo is a configuration with all that is known of it.
type allInfo struct {
	wire.ConfigInfo
	CreateTime int64   `json:"createTime"`
	ModifyTime int64   `json:"modifyTime"`
	CreateUser *string `json:"createUser"`
	CreateIP   *string `json:"createIp"`
	Desc       *string `json:"desc"`
	Use        *string `json:"use"`
	Effect     *string `json:"effect"`
	Schema     *string `json:"schema"`
	ConfigTags *string `json:"configTags"`
}

// formal returns the formal content of a key, nil when there is none.
func (a *api) formal(k config.Key) *config.Entry {
	if it := a.Configs.Item(k); it != nil {
		return it.Formal
	}
	return nil
}

// show answers with all that is known of a configuration, or with nothing at all when there is none.
func (a *api) show(c *fiber.Ctx, p *wire.Params) error {
	k, err := checkedKey(p)
	if err != nil {
		return err
	}
	e := a.formal(k)
	if e == nil {
		return wire.SendText(c, fiber.StatusOK, wire.JSONUTF8, "")
	}
	x := advanceOf(e)
	return sendJSON(c, fiber.StatusOK, allInfo{
		ConfigInfo: wire.ConfigInfoOf(e), CreateTime: x.CreateTime, ModifyTime: x.ModifyTime, CreateUser: x.CreateUser, CreateIP: x.CreateIP,
		Desc: x.Desc, Use: x.Use, Effect: x.Effect, Schema: x.Schema, ConfigTags: x.ConfigTags,
	})
}

// catalog answers with what is known of a configuration beside its content.
func (a *api) catalog(c *fiber.Ctx, p *wire.Params) error {
	k, err := checkedKey(p)
	if err != nil {
		return err
	}
	if e := a.formal(k); e != nil {
		return sendJSON(c, fiber.StatusOK, wire.Rest("", advanceOf(e)))
	}
	return sendJSON(c, fiber.StatusOK, wire.Rest("", nil))
}

// betaInfo is a beta variant.
type betaInfo struct {
	wire.ConfigInfo
	BetaIPs string `json:"betaIps"`
}

// queryBeta answers with the beta variant of a configuration.
func (a *api) queryBeta(c *fiber.Ctx, p *wire.Params) error {
	k, err := checkedKey(p)
	if err != nil {
		return err
	}
	g := a.Configs.Item(k).Gray(config.GrayBeta)
	if g == nil {
		return sendJSON(c, fiber.StatusOK, wire.Rest("query beta ok", nil))
	}
	content := string(g.Content)
	return sendJSON(c, fiber.StatusOK, wire.Rest("query beta ok", betaInfo{
		ConfigInfo: wire.ConfigInfo{
			ID: wire.ID(g.ID), DataID: g.Key.DataID, Group: g.Key.Group, Content: &content, MD5: &g.MD5,
			Tenant: wire.LegacyTenant(g.Key.Namespace), AppName: g.AppName,
		},
		BetaIPs: g.Rule.Expr,
	}))
}

// stopBeta takes away the beta variant.
func (a *api) stopBeta(c *fiber.Ctx, p *wire.Params) error {
	k, err := checkedKey(p)
	if err != nil {
		return err
	}
	out, err := a.Configs.Remove(wire.Context(c), a.Actor(c, p, "srcUser"), k, config.GrayBeta, config.Note{})
	if err != nil {
		return err
	}
	if !out.Existed {
		return sendJSON(c, fiber.StatusOK, wire.RestOf(500, "remove beta data error", false))
	}
	return sendJSON(c, fiber.StatusOK, wire.Rest("stop beta ok", true))
}
