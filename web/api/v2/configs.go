package v2

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/fault"
	"nacre/web/api/wire"
)

var names = wire.PublishNames{Tags: "configTags", User: "srcUser"}

// maxPageSize bounds a page of configurations with their contents, maxHistoryPage one of history rows.
const (
	maxPageSize    = 10_000
	maxHistoryPage = 500
)

// get answers with a content in an envelope.
func (a *api) get(c *fiber.Ctx, p *wire.Params) error {
	k, err := key(p)
	if err != nil {
		return err
	}
	tag, err := checkedTag(p)
	if err != nil {
		return err
	}
	v, ok := a.Find(c, k, tag)
	if !ok {
		return wire.SendJSON(c, fiber.StatusNotFound, "", wire.Result{
			Code: wire.ResourceNotFound, Message: wire.ResourceNotFound.Text(), Data: "config data not exist",
		})
	}
	wire.SetConfigHeaders(c, &v)
	return wire.SendJSON(c, fiber.StatusOK, wire.JSONUTF8, wire.Result{Code: wire.Success, Message: "success", Data: string(v.Content)})
}

// publish inserts or updates a configuration or one of its variants.
func (a *api) publish(c *fiber.Ctx, p *wire.Params) error {
	for _, name := range []string{"dataId", "group", "content"} {
		if v, _ := p.View(name); wire.Blank(v) {
			return missingField(name)
		}
	}
	k, err := words(p)
	if err != nil {
		return err
	}
	if _, err := checkedTag(p); err != nil {
		return err
	}
	if _, err := a.Configs.Publish(wire.Context(c), a.Actor(c, p, names.User), p.Draft(c, k, names)); err != nil {
		return err
	}
	return wire.OK(c, true)
}

// remove takes away a configuration or, with the parameter tag, the variant of that gray name.
func (a *api) remove(c *fiber.Ctx, p *wire.Params) error {
	k, err := key(p)
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
	return wire.OK(c, true)
}

// search answers with a page of configurations found by a pattern of their content, without an
// envelope.
func (a *api) search(c *fiber.Ctx, p *wire.Params) error {
	accurate := p.Is("search", "accurate")
	if accurate {
		if text := p.CheckConfig(); text != "" {
			return wire.SendCheckFailure(c, text)
		}
	}
	for _, name := range []string{"dataId", "group", "config_detail"} {
		if !p.Has(name) {
			return missing(name, "String")
		}
	}
	for _, name := range []string{"pageNo", "pageSize"} {
		if !p.Has(name) {
			return missing(name, "int")
		}
	}
	no, size, err := page(p)
	if err != nil {
		return err
	}
	tenant := p.Text("tenant")
	f := config.Filter{
		Namespace: wire.LegacyNamespace(tenant), NamespacePattern: !accurate && strings.Contains(tenant, "*"),
		DataID: p.Text("dataId"), Group: p.Text("group"), AppName: p.Text("appName"), Content: p.Text("config_detail"),
		Tags: wire.SplitList(p.Text("config_tags")), Types: wire.SplitList(p.Text("types")),
		Exact: accurate, WithContent: true, PageNo: no, PageSize: min(size, maxPageSize),
	}
	done, err := a.searches.take(wire.Context(c), searchQueueLimit)
	if err != nil {
		return err
	}
	defer done()
	found, err := a.Configs.List(wire.Context(c), f)
	if err != nil {
		return err
	}
	return wire.SendJSON(c, fiber.StatusOK, wire.JSON, wire.PageOf(found, func(e *config.Entry) wire.ConfigInfo {
		i := wire.ConfigInfoOf(e)
		if accurate {
			i.EncryptedDataKey = nil
		}
		return i
	}))
}

// historyList answers with the rows of one configuration, newest first.
func (a *api) historyList(c *fiber.Ctx, p *wire.Params) error {
	k, err := key(p)
	if err != nil {
		return err
	}
	no, size, err := page(p)
	if err != nil {
		return err
	}
	rows, err := a.Configs.History(wire.Context(c), k, p.Text("appName"), no, min(size, maxHistoryPage))
	if err != nil {
		return err
	}
	return wire.OK(c, wire.PageOf(rows, wire.HistoryRowOf))
}

// row returns the row that find finds for the id in the parameter called name, nil when there is none.
func (a *api) row(p *wire.Params, name string, find func(int64) (*config.History, error)) (*config.History, error) {
	k, err := key(p)
	if err != nil {
		return nil, err
	}
	id, err := rowID(p, name)
	if err != nil {
		return nil, err
	}
	row, err := find(id)
	if err == nil && row != nil && row.Key != k {
		return nil, denied()
	}
	return row, err
}

// historyRow answers with one row and its content, with null when there is none.
func (a *api) historyRow(c *fiber.Ctx, p *wire.Params) error {
	row, err := a.row(p, "nid", func(nid int64) (*config.History, error) { return a.Configs.HistoryRow(wire.Context(c), nid) })
	return sendRow(c, row, err)
}

// historyPrevious answers with the newest row of the configuration that has the given row id.
func (a *api) historyPrevious(c *fiber.Ctx, p *wire.Params) error {
	row, err := a.row(p, "id", func(id int64) (*config.History, error) { return a.Configs.HistoryPrevious(wire.Context(c), id) })
	return sendRow(c, row, err)
}

func sendRow(c *fiber.Ctx, row *config.History, err error) error {
	switch {
	case err != nil:
		return err
	case row == nil:
		return wire.OK(c, nil)
	}
	return wire.OK(c, wire.HistoryDetailOf(row))
}

// pair is what a row says a configuration was before a change and after it.
type pair struct {
	ID               string  `json:"id"`
	LastID           int     `json:"lastId"`
	DataID           string  `json:"dataId"`
	Group            string  `json:"group"`
	Tenant           string  `json:"tenant"`
	OpType           string  `json:"opType"`
	PublishType      string  `json:"publishType"`
	GrayName         string  `json:"grayName"`
	AppName          string  `json:"appName"`
	SrcIP            string  `json:"srcIp"`
	SrcUser          *string `json:"srcUser"`
	OriginalMD5      *string `json:"originalMd5"`
	OriginalContent  *string `json:"originalContent"`
	OriginalDataKey  *string `json:"originalEncryptedDataKey"`
	OriginalExtInfo  *string `json:"originalExtInfo"`
	UpdatedMD5       *string `json:"updatedMd5"`
	UpdatedContent   *string `json:"updatedContent"`
	UpdatedDataKey   *string `json:"updatedEncryptedDataKey"`
	UpdatedExtInfo   *string `json:"updateExtInfo"`
	CreatedTime      string  `json:"createdTime"`
	LastModifiedTime string  `json:"lastModifiedTime"`
}

// version is one side of a pair.
type version struct{ md5, content, dataKey, extInfo *string }

func versionOf(md5 string, content []byte, dataKey, extInfo string) version {
	text := string(content)
	return version{&md5, &text, &dataKey, &extInfo}
}

// historyDetail answers with what a configuration was before and after the change of a row.
func (a *api) historyDetail(c *fiber.Ctx, p *wire.Params) error {
	row, err := a.row(p, "nid", func(nid int64) (*config.History, error) { return a.Configs.HistoryRow(wire.Context(c), nid) })
	switch {
	case err != nil:
		return err
	case row == nil:
		return wire.OK(c, nil)
	}
	own := versionOf(row.MD5, row.Content, row.EncryptedDataKey, row.ExtInfo)
	var before, after version
	switch row.Op {
	case config.OpInsert:
		before, after = versionOf("", nil, "", ""), own
	case config.OpUpdate:
		before = own
		if after, err = a.after(c, row); err != nil {
			return err
		}
	default:
		before = own
	}
	shown := wire.HistoryRowOf(row)
	return wire.OK(c, pair{
		ID: shown.ID, LastID: shown.LastID, DataID: shown.DataID, Group: shown.Group, Tenant: shown.Tenant, OpType: shown.OpType,
		PublishType: shown.PublishType, GrayName: shown.GrayName, AppName: shown.AppName, SrcIP: shown.SrcIP, SrcUser: shown.SrcUser,
		OriginalMD5: before.md5, OriginalContent: before.content, OriginalDataKey: before.dataKey, OriginalExtInfo: before.extInfo,
		UpdatedMD5: after.md5, UpdatedContent: after.content, UpdatedDataKey: after.dataKey, UpdatedExtInfo: after.extInfo,
		CreatedTime: shown.CreatedTime, LastModifiedTime: shown.LastModifiedTime,
	})
}

// after returns what an update made of a configuration: what the next row replaced or, when there is
// none, what is held now.
func (a *api) after(c *fiber.Ctx, row *config.History) (version, error) {
	next, err := a.Configs.HistoryNext(wire.Context(c), row)
	if err != nil {
		return version{}, err
	}
	if next != nil {
		return versionOf(next.MD5, next.Content, next.EncryptedDataKey, next.ExtInfo), nil
	}
	item := a.Configs.Item(row.Key)
	if row.GrayName != "" {
		if g := item.Gray(row.GrayName); g != nil {
			return versionOf(g.MD5, g.Content, g.EncryptedDataKey, ""), nil
		}
	} else if item != nil && item.Formal != nil {
		e := item.Formal
		return versionOf(e.MD5, e.Content, e.EncryptedDataKey, ""), nil
	}
	return version{}, fault.New(fault.Unavailable, "%s was changed just now, ask again", row.Key)
}

// configsOf answers with all configurations of a namespace, without contents.
func (a *api) configsOf(c *fiber.Ctx, p *wire.Params) error {
	namespace, ok := p.View("namespaceId")
	if !ok {
		return missing("namespaceId", "String")
	}
	entries := a.EntriesOf(wire.LegacyNamespace(namespace))
	out := make([]wire.NamedConfig, 0, len(entries))
	for _, e := range entries {
		out = append(out, wire.NamedConfigOf(e))
	}
	return wire.OK(c, out)
}
