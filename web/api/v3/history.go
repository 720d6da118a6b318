package v3

import (
	"cmp"
	"slices"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/web/api/wire"
)

// maxHistoryPage is Nacos' limit, to which larger pages are cut.
const maxHistoryPage = 500

// historyInfo is a row of a list.
type historyInfo struct {
	basicInfo
	SrcIP       *string `json:"srcIp"`
	SrcUser     *string `json:"srcUser"`
	OpType      string  `json:"opType"`
	PublishType string  `json:"publishType"`
}

// historyDetail is a row with its content.
type historyDetail struct {
	historyInfo
	Content          string `json:"content"`
	EncryptedDataKey string `json:"encryptedDataKey"`
	GrayName         string `json:"grayName"`
	ExtInfo          string `json:"extInfo"`
}

func historyOf(h *config.History) historyInfo {
	b := basicOf(h.Key, h.NID, h.MD5)
	b.AppName, b.CreateTime, b.ModifyTime = h.AppName, h.CreatedMs, h.ModifiedMs
	return historyInfo{basicInfo: b, SrcIP: wire.NullText(h.SrcIP), SrcUser: wire.NullText(h.SrcUser), OpType: h.Op, PublishType: h.PublishType}
}

func historyDetailOf(h *config.History) historyDetail {
	return historyDetail{historyInfo: historyOf(h), Content: string(h.Content), EncryptedDataKey: h.EncryptedDataKey, GrayName: h.GrayName, ExtInfo: h.ExtInfo}
}

func (a *api) listHistory(c *fiber.Ctx, p *wire.Params) error {
	k, err := keyOf(p)
	if err != nil {
		return err
	}
	no, size, err := page(p)
	if err != nil {
		return err
	}
	found, err := a.Configs.History(c.UserContext(), k, "", no, min(size, maxHistoryPage))
	if err != nil {
		return err
	}
	return wire.OK(c, wire.PageOf(found, func(h *config.History) historyInfo {
		row := historyOf(h)
		row.MD5 = nil
		return row
	}))
}

func (a *api) historyRow(c *fiber.Ctx, p *wire.Params) error {
	k, err := keyOf(p)
	if err != nil {
		return err
	}
	nid, err := number(p, "nid")
	if err != nil {
		return err
	}
	h, err := a.Configs.HistoryRow(c.UserContext(), nid)
	if err != nil {
		return err
	}
	if h == nil {
		return notFound("certain config history for nid = %d not exist", nid)
	}
	return answerRow(c, h, k)
}

func (a *api) previousHistory(c *fiber.Ctx, p *wire.Params) error {
	k, err := keyOf(p)
	if err != nil {
		return err
	}
	id, err := number(p, "id")
	if err != nil {
		return err
	}
	h, err := a.Configs.HistoryPrevious(c.UserContext(), id)
	if err != nil {
		return err
	}
	if h == nil {
		return notFound("previous config history for id = %d not exist", id)
	}
	return answerRow(c, h, k)
}

// answerRow answers a row only to who named the configuration that it is of.
func answerRow(c *fiber.Ctx, h *config.History, k config.Key) error {
	if h.Key != k {
		return wire.Refuse(403, wire.AccessDenied, "Please check dataId, group or namespaceId.")
	}
	return wire.OK(c, historyDetailOf(h))
}

// historyConfigs answers all configurations of a namespace, which pickers of the console ask for.
// Nacos leaves ids and digests out of it.
func (a *api) historyConfigs(c *fiber.Ctx, p *wire.Params) error {
	if err := check(p); err != nil {
		return err
	}
	ns, err := argument(p, "namespaceId")
	if err != nil {
		return err
	}
	ns = wire.Namespace(ns)
	var entries []*config.Entry
	a.Configs.Each(func(k config.Key, it *config.Item) bool {
		if k.Namespace == ns && it.Formal != nil {
			entries = append(entries, it.Formal)
		}
		return true
	})
	slices.SortFunc(entries, func(x, y *config.Entry) int { return cmp.Compare(x.ID, y.ID) })
	out := make([]basicInfo, 0, len(entries))
	for _, e := range entries {
		b := basicOf(e.Key, 0, "")
		b.Type, b.AppName, b.ModifyTime = wire.NullText(e.Type), e.AppName, e.ModifiedMs
		out = append(out, b)
	}
	return wire.OK(c, out)
}
