package nacre

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/fault"
	"nacre/web/api/wire"
)

// keyIn are the parameters that name one configuration.
type keyIn struct {
	Namespace string `query:"namespace" doc:"id of the namespace; without it, the default one" example:"dev"`
	Group     string `query:"group" default:"DEFAULT_GROUP" doc:"the group" example:"DEFAULT_GROUP"`
	DataID    string `query:"dataId" required:"true" doc:"the name within the group" example:"app.yaml"`
}

func (in *keyIn) key() config.Key {
	return config.Key{Namespace: wire.Namespace(in.Namespace), Group: in.Group, DataID: in.DataID}
}

type pageIn struct {
	Page int `query:"page" default:"1" min:"1" max:"10000000" doc:"which page, from 1"`
	Size int `query:"size" default:"50" min:"1" max:"500" doc:"how many on a page"`
}

type listIn struct {
	Namespace string   `query:"namespace" doc:"id of the namespace; without it, the default one; * for all" example:"dev"`
	Group     string   `query:"group" doc:"the group, in which * stands for any characters" example:"DEFAULT_GROUP"`
	DataID    string   `query:"dataId" doc:"the name, in which * stands for any characters" example:"*.yaml"`
	Content   string   `query:"content" doc:"text that the content has somewhere; * stands for any characters" example:"jdbc:mysql"`
	AppName   string   `query:"appName" doc:"the application's name"`
	Tags      []string `query:"tag" max:"5" doc:"only those with one of these tags"`
	Types     []string `query:"type" max:"8" doc:"only those of one of these types" example:"yaml,json"`
	pageIn
}

// configRow is a configuration in a list.
type configRow struct {
	Namespace  string   `json:"namespace"`
	Group      string   `json:"group"`
	DataID     string   `json:"dataId"`
	ID         int64    `json:"id" doc:"the number that Nacos' interface shows"`
	MD5        string   `json:"md5" doc:"lower-case hex digest of the content"`
	Type       string   `json:"type"`
	AppName    string   `json:"appName"`
	Tags       []string `json:"tags"`
	Desc       string   `json:"desc"`
	Revision   uint64   `json:"revision" doc:"of its last change"`
	ModifiedMs int64    `json:"modifiedMs"`
	ModifiedBy string   `json:"modifiedBy" doc:"who changed it last, empty when not known"`
}

type configPage struct {
	Revision uint64      `json:"revision" doc:"of the last change on this server"`
	Total    int         `json:"total"`
	Page     int         `json:"page"`
	Pages    int         `json:"pages"`
	Configs  []configRow `json:"configs"`
}

func (a *api) list(c *fiber.Ctx, in *listIn) (*configPage, error) {
	f := config.Filter{
		DataID: in.DataID, Group: in.Group, AppName: in.AppName, Tags: in.Tags, Types: in.Types, PageNo: in.Page, PageSize: in.Size,
	}
	if in.Namespace != "*" {
		f.Namespace = wire.Namespace(in.Namespace)
	}
	if in.Content != "" {
		f.Content = "*" + strings.Trim(in.Content, "*") + "*"
	}
	p, err := a.Configs.List(c.UserContext(), f)
	if err != nil {
		return nil, err
	}
	out := &configPage{Revision: a.Configs.Revision(), Total: p.Total, Page: in.Page, Pages: p.Pages(), Configs: make([]configRow, 0, len(p.Items))}
	for _, e := range p.Items {
		out.Configs = append(out.Configs, configRowOf(e))
	}
	return out, nil
}

func configRowOf(e *config.Entry) configRow {
	return configRow{
		Namespace: e.Key.Namespace, Group: e.Key.Group, DataID: e.Key.DataID, ID: e.ID, MD5: e.MD5, Type: e.Type, AppName: e.AppName,
		Tags: notNil(e.Tags), Desc: text(e.Desc), Revision: e.Revision, ModifiedMs: e.ModifiedMs, ModifiedBy: e.SrcUser,
	}
}

// grayBody is a variant of a configuration.
type grayBody struct {
	Name       string   `json:"name" doc:"beta, tag_ and the tag, or a name of one's own"`
	Rule       ruleBody `json:"rule"`
	Content    string   `json:"content"`
	MD5        string   `json:"md5"`
	Revision   uint64   `json:"revision"`
	ModifiedMs int64    `json:"modifiedMs"`
}

// ruleBody says which clients a variant is for.
type ruleBody struct {
	Type     string `json:"type" enum:"beta,tag"`
	Expr     string `json:"expr" doc:"addresses with commas between them (beta), or a tag"`
	Priority int64  `json:"priority" doc:"of the variants that match, the one with the highest is served"`
}

// configBody is one configuration.
type configBody struct {
	Namespace        string     `json:"namespace"`
	Group            string     `json:"group"`
	DataID           string     `json:"dataId"`
	Published        bool       `json:"published" doc:"false when there are variants only; the fields of the content are empty then"`
	ID               int64      `json:"id"`
	Content          string     `json:"content"`
	MD5              string     `json:"md5"`
	Type             string     `json:"type"`
	AppName          string     `json:"appName"`
	Tags             []string   `json:"tags"`
	Desc             string     `json:"desc"`
	Use              string     `json:"use"`
	Effect           string     `json:"effect"`
	Schema           string     `json:"schema"`
	EncryptedDataKey string     `json:"encryptedDataKey"`
	Revision         uint64     `json:"revision"`
	CreatedMs        int64      `json:"createdMs"`
	ModifiedMs       int64      `json:"modifiedMs"`
	ModifiedBy       string     `json:"modifiedBy"`
	ModifiedFrom     string     `json:"modifiedFrom" doc:"the address that the last change came from"`
	Grays            []grayBody `json:"grays" doc:"variants for some of the clients"`
}

type getIn struct {
	keyIn
	Consistency string `query:"consistency" enum:"local,strong" doc:"strong: what was acknowledged on any node before is seen; without it, what this node has, which may be a little older"`
}

func (a *api) get(c *fiber.Ctx, in *getIn) (*configBody, error) {
	k := in.key()
	a.CountRead()
	if in.Consistency == wire.Strong && a.Strong != nil {
		if err := a.Strong(c.UserContext()); err != nil {
			return nil, err
		}
	}
	it := a.Configs.Item(k)
	if it == nil {
		return nil, fault.New(fault.NotFound, "there is no configuration %s", k)
	}
	out := &configBody{Namespace: k.Namespace, Group: k.Group, DataID: k.DataID, Tags: []string{}, Grays: []grayBody{}}
	if e := it.Formal; e != nil {
		out.Published, out.ID, out.Content, out.MD5, out.Type = true, e.ID, string(e.Content), e.MD5, e.Type
		out.AppName, out.Tags, out.EncryptedDataKey, out.Revision = e.AppName, notNil(e.Tags), e.EncryptedDataKey, e.Revision
		out.Desc, out.Use, out.Effect, out.Schema = text(e.Desc), text(e.Use), text(e.Effect), text(e.Schema)
		out.CreatedMs, out.ModifiedMs, out.ModifiedBy, out.ModifiedFrom = e.CreatedMs, e.ModifiedMs, e.SrcUser, e.SrcIP
		c.Set(fiber.HeaderETag, `"`+e.MD5+`"`)
	}
	for _, g := range it.Grays {
		out.Grays = append(out.Grays, grayBody{
			Name: g.Name, Rule: ruleBody{g.Rule.Type, g.Rule.Expr, int64(g.Rule.Priority)}, Content: string(g.Content),
			MD5: g.MD5, Revision: g.Revision, ModifiedMs: g.ModifiedMs,
		})
	}
	return out, nil
}

func notNil(tags []string) []string {
	if tags == nil {
		return []string{}
	}
	return tags
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
