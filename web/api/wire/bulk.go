package wire

import (
	"bufio"
	"bytes"
	"encoding/json"
	"log/slog"
	"mime/multipart"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/config/transfer"
	"nacre/server/fault"
)

// ImportFile returns the file of an import, nil when none was sent. Close it.
func ImportFile(c *fiber.Ctx) (multipart.File, int64, error) {
	form, err := c.MultipartForm()
	if err != nil || len(form.File["file"]) == 0 {
		return nil, 0, nil
	}
	head := form.File["file"][0]
	f, err := head.Open()
	if err != nil {
		return nil, 0, err
	}
	return f, head.Size, nil
}

// Picks reads the body of a clone: a JSON list of objects that name a configuration by its id and,
// if they like, its copy. Both spellings that Nacos has for their fields are taken.
func Picks(body []byte) ([]transfer.Pick, error) {
	var list []*struct {
		CfgID           json.RawMessage `json:"cfgId"`
		ConfigID        json.RawMessage `json:"configId"`
		DataID          string          `json:"dataId"`
		Group           string          `json:"group"`
		TargetDataID    string          `json:"targetDataId"`
		TargetGroupName string          `json:"targetGroupName"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the body is not a JSON list of objects with cfgId, group and dataId")
	}
	picks := make([]transfer.Pick, 0, len(list))
	for _, one := range list {
		if one == nil {
			continue // null is passed over, as in Nacos
		}
		raw := one.CfgID
		if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
			raw = one.ConfigID
		}
		id, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "the id %s of a configuration to clone is not a number", raw)
		}
		p := transfer.Pick{ID: id, Name: transfer.Name{Group: one.Group, DataID: one.DataID}}
		if p.Group == "" {
			p.Group = one.TargetGroupName
		}
		if p.DataID == "" {
			p.DataID = one.TargetDataID
		}
		picks = append(picks, p)
	}
	return picks, nil
}

// IDs reads a comma list of row ids; bad is the first item that is not one.
func IDs(list string) (ids []int64, bad string) {
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		id, err := strconv.ParseInt(one, 10, 64)
		if err != nil {
			return nil, one
		}
		ids = append(ids, id)
	}
	return ids, ""
}

// TransferResult is what became of an import or clone, as all versions show it.
type TransferResult struct {
	SuccCount         int            `json:"succCount"`
	SkipCount         int            `json:"skipCount"`
	FailData          []TransferItem `json:"failData,omitempty"`
	SkipData          []TransferItem `json:"skipData,omitempty"`
	UnrecognizedCount int            `json:"unrecognizedCount,omitempty"`
	UnrecognizedData  []UnknownItem  `json:"unrecognizedData,omitempty"`
}

// TransferItem names a configuration in a TransferResult. Reason is ours: Nacos has none.
type TransferItem struct {
	DataID string `json:"dataId"`
	Group  string `json:"group"`
	Reason string `json:"reason,omitempty"`
}

// UnknownItem is a part of an archive that could not be imported.
type UnknownItem struct {
	ItemName string `json:"itemName"`
}

// UnknownTexts are a version's words for parts of an archive, each followed by group/dataId.
type UnknownTexts struct{ NotInMetadata, NotInFile string }

// LegacyUnknownTexts are those of v1 and of the console.
var LegacyUnknownTexts = UnknownTexts{NotInMetadata: "未在元数据中找到: ", NotInFile: "未在文件中找到: "}

// TransferResultOf returns r for an answer.
func TransferResultOf(r transfer.Report, texts UnknownTexts) TransferResult {
	out := TransferResult{SuccCount: r.Succeeded, SkipCount: len(r.Skipped), UnrecognizedCount: len(r.Unrecognized)}
	for _, n := range r.Skipped {
		out.SkipData = append(out.SkipData, TransferItem{DataID: n.DataID, Group: n.Group})
	}
	for _, f := range r.Failed {
		item := TransferItem{DataID: f.DataID, Group: f.Group}
		if f.Fault != nil {
			item.Reason = f.Fault.Text
		}
		out.FailData = append(out.FailData, item)
	}
	for _, u := range r.Unrecognized {
		name := u.Item
		switch u.Reason {
		case transfer.NotInMetadata:
			name = texts.NotInMetadata + name
		case transfer.NotInFile:
			name = texts.NotInFile + name
		case transfer.Illegal:
			name += ": " + u.Text
		}
		out.UnrecognizedData = append(out.UnrecognizedData, UnknownItem{name})
	}
	return out
}

// SendExport streams entries as a ZIP under the label of the version. It answers before the ZIP is
// made, so what fails then can only be logged.
func (d *Deps) SendExport(c *fiber.Ctx, contentType string, entries []*config.Entry, form transfer.Form) error {
	return SendZIP(c, d.Clock, d.Log, contentType, entries, form)
}

// SendZIP is SendExport for edges that are no API.
func SendZIP(c *fiber.Ctx, now clock.Clock, log *slog.Logger, contentType string, entries []*config.Entry, form transfer.Form) error {
	setType(c, contentType)
	c.Set(fiber.HeaderContentDisposition, "attachment;filename="+transfer.FileName(now.Now()))
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) { writeExport(log, w, entries, form) })
	return nil
}

func writeExport(log *slog.Logger, w *bufio.Writer, entries []*config.Entry, form transfer.Form) {
	left, err := transfer.Write(w, entries, form)
	if err != nil {
		log.Warn("an export ended early", "error", err)
		return
	}
	for _, k := range left {
		log.Warn("an export left out a configuration that the archive can't hold beside another", "config", k.String())
	}
}
