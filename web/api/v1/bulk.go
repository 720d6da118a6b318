package v1

import (
	"io"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config/transfer"
	"nacre/server/fault"
	"nacre/server/resource"
	"nacre/web/api/wire"
)

// The codes and words of transfers that did not come to writing.
var transferFailures = map[fault.Code]struct {
	code wire.Code
	text string
}{
	transfer.CodeNamespaceAbsent: {wire.LegacyNamespaceNotExist, "目标 namespace 不存在"},
	transfer.CodeMetadata:        {wire.MetadataIllegal, "导入的元数据非法"},
	transfer.CodeNoValidData:     {wire.DataInvalid, "未读取到合法数据"},
	transfer.CodeBroken:          {wire.ParsingFailed, "解析数据失败"},
	transfer.CodeEmpty:           {wire.DataEmpty, "导入的文件数据为空"},
	transfer.CodeNothingSelected: {wire.NoSelectedConfig, "没有选择任何配置"},
}

// export answers with a ZIP of the configurations with the given ids or, without ids, of those that
// dataId, group, appName and tenant select.
//
// dataId is a pattern, so its characters are not checked.
func (a *api) export(c *fiber.Ctx, p *wire.Params) error {
	if text := resource.CheckNames(p.Text("tenant"), "", p.Text("group")); text != "" {
		return wire.SendCheckFailure(c, text)
	}
	ids, bad := wire.IDs(p.Text("ids"))
	if bad != "" {
		return notNumber("ids", bad)
	}
	entries, err := a.Transfer.Select(wire.Context(c), transfer.Selection{
		Namespace: wire.LegacyNamespace(p.Text("tenant")), DataID: p.Text("dataId"), Group: p.Text("group"), AppName: p.Text("appName"), IDs: ids,
	})
	if err != nil {
		return err
	}
	form := transfer.FormV1
	if p.Is("exportV2", "true") {
		form = transfer.FormV2
	}
	return a.SendExport(c, wire.JSONUTF8, entries, form)
}

// importZip publishes what a ZIP holds.
func (a *api) importZip(c *fiber.Ctx, p *wire.Params) error {
	policy, err := transfer.ParsePolicy(p.Text("policy"))
	if err != nil {
		return caused(fiber.StatusBadRequest, "Method parameter 'policy': Failed to convert value; "+fault.TextOf(err))
	}
	file, size, err := wire.ImportFile(c)
	if err != nil {
		return err
	}
	req := transfer.ImportRequest{Namespace: wire.LegacyNamespace(p.Text("namespace")), Policy: policy}
	if file != nil {
		defer file.Close()
		req.File, req.Size = io.ReaderAt(file), size
	}
	report, err := a.Transfer.Import(wire.Context(c), a.Actor(c, p, names.User), req)
	return a.sendReport(c, "import success", report, err, file != nil)
}

// clone publishes copies of configurations in another namespace or under other names.
func (a *api) clone(c *fiber.Ctx, p *wire.Params) error {
	tenant, ok := p.Get("tenant")
	if !ok {
		return missing("tenant")
	}
	policy, err := transfer.ParsePolicy(p.Text("policy"))
	if err != nil {
		return caused(fiber.StatusBadRequest, "Method parameter 'policy': Failed to convert value; "+fault.TextOf(err))
	}
	picks, err := wire.Picks(c.Body())
	if err != nil {
		return err
	}
	report, err := a.Transfer.Clone(wire.Context(c), a.Actor(c, p, names.User), wire.LegacyNamespace(tenant), picks, policy)
	return a.sendReport(c, "Clone Completed Successfully", report, err, true)
}

// sendReport answers with what became of a transfer. What did not come to writing has codes of its
// own, under the HTTP status 200.
func (a *api) sendReport(c *fiber.Ctx, done string, report transfer.Report, err error, anything bool) error {
	if err == nil {
		return sendJSON(c, fiber.StatusOK, wire.Rest(done, wire.TransferResultOf(report, wire.LegacyUnknownTexts)))
	}
	f, known := transferFailures[fault.CodeOf(err)]
	if !known {
		return err
	}
	data := map[string]int{}
	if anything {
		data["succCount"] = report.Succeeded
	}
	return sendJSON(c, fiber.StatusOK, wire.RestOf(int(f.code), f.text, data))
}
