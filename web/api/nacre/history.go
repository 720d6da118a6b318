package nacre

import (
	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/fault"
)

type historyIn struct {
	keyIn
	pageIn
}

// historyRow is something that happened to a configuration.
type historyRow struct {
	NID         int64  `json:"nid" doc:"number of the row"`
	Namespace   string `json:"namespace"`
	Group       string `json:"group"`
	DataID      string `json:"dataId"`
	Revision    uint64 `json:"revision" doc:"of the change"`
	Op          string `json:"op" enum:"I,U,D" doc:"I insert, U update, D delete"`
	PublishType string `json:"publishType" enum:"formal,gray"`
	GrayName    string `json:"grayName"`
	MD5         string `json:"md5" doc:"of the row's content: the new one of an insert, else the one that was replaced; empty in lists"`
	AppName     string `json:"appName"`
	Operator    string `json:"operator"`
	From        string `json:"from" doc:"the address that the change came from"`
	AtMs        int64  `json:"atMs"`
	Comment     string `json:"comment" doc:"why"`
	Kind        string `json:"kind" enum:",restore,import,clone,promote,undo" doc:"how the content came here, empty for a plain change"`
	FromRev     uint64 `json:"fromRevision" doc:"the revision that the content was taken from, 0 for none"`
}

type historyPage struct {
	Total int          `json:"total"`
	Page  int          `json:"page"`
	Pages int          `json:"pages"`
	Rows  []historyRow `json:"rows" doc:"newest first"`
}

func (a *api) history(c *fiber.Ctx, in *historyIn) (*historyPage, error) {
	p, err := a.Configs.History(c.UserContext(), in.key(), "", in.Page, in.Size)
	if err != nil {
		return nil, err
	}
	return historyPageOf(p, in.Page), nil
}

func historyPageOf(p config.Page[*config.History], number int) *historyPage {
	out := &historyPage{Total: p.Total, Page: number, Pages: p.Pages(), Rows: make([]historyRow, 0, len(p.Items))}
	for _, h := range p.Items {
		out.Rows = append(out.Rows, rowOf(h))
	}
	return out
}

func rowOf(h *config.History) historyRow {
	n := h.Note()
	return historyRow{
		NID: h.NID, Namespace: h.Key.Namespace, Group: h.Key.Group, DataID: h.Key.DataID, Revision: h.Revision, Op: h.Op, PublishType: h.PublishType,
		GrayName: h.GrayName, MD5: h.MD5, AppName: h.AppName, Operator: h.SrcUser, From: h.SrcIP, AtMs: h.ModifiedMs,
		Comment: n.Comment, Kind: n.Kind, FromRev: n.From,
	}
}

type historyRowIn struct {
	NID int64 `path:"nid" doc:"number of the row" min:"1" max:"9007199254740991"`
}

// historyDetail is a row with its content.
type historyDetail struct {
	historyRow
	Content          string `json:"content"`
	EncryptedDataKey string `json:"encryptedDataKey"`
	ExtInfo          string `json:"extInfo" doc:"the attributes as JSON, as Nacos keeps them"`
}

func (a *api) historyRow(c *fiber.Ctx, in *historyRowIn) (*historyDetail, error) {
	h, err := a.Configs.HistoryRow(c.UserContext(), in.NID)
	if err != nil {
		return nil, err
	}
	if h == nil {
		return nil, fault.New(fault.NotFound, "there is no row %d in the history", in.NID)
	}
	return &historyDetail{historyRow: rowOf(h), Content: string(h.Content), EncryptedDataKey: h.EncryptedDataKey, ExtInfo: h.ExtInfo}, nil
}
