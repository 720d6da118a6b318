package v3

import (
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/config/transfer"
	"nacre/server/fault"
	"nacre/server/resource"
	"nacre/web/api/wire"
)

// maxPicks bounds the configurations of one clone.
const maxPicks = 10_000

// exportConfigs answers a ZIP with the second metadata form, without tags.
func (a *api) exportConfigs(c *fiber.Ctx, p *wire.Params) error {
	ids, _, err := numbers(p, "ids")
	if err != nil {
		return err
	}
	entries, err := a.Transfer.Select(c.UserContext(), transfer.Selection{
		Namespace: wire.Namespace(p.Text("namespaceId")), DataID: p.Text("dataId"), Group: p.Text("groupName"), AppName: p.Text("appName"), IDs: ids,
	})
	if err != nil {
		return err
	}
	return a.SendExport(c, wire.Zip, entries, transfer.FormV3)
}

// adminTexts are the words for parts of an archive that were not imported; the console's are v1's.
var adminTexts = wire.UnknownTexts{NotInMetadata: "Item not found in metadata: ", NotInFile: "Item not found in file: "}

// noSuccess is the data of a transfer that was refused.
type noSuccess struct {
	SuccCount int `json:"succCount"`
}

// transferCodes are the refusals that Nacos answers with status 200.
var transferCodes = map[fault.Code]wire.Code{
	transfer.CodeNamespaceAbsent: wire.NamespaceNotExist,
	transfer.CodeMetadata:        wire.MetadataIllegal,
	transfer.CodeNoValidData:     wire.DataInvalid,
	transfer.CodeBroken:          wire.ParsingFailed,
	transfer.CodeEmpty:           wire.DataEmpty,
	transfer.CodeNothingSelected: wire.NoSelectedConfig,
}

// answerTransfer answers what became of an import or clone.
func answerTransfer(c *fiber.Ctx, r transfer.Report, s side, err error) error {
	if err == nil {
		texts := adminTexts
		if s == console {
			texts = wire.LegacyUnknownTexts
		}
		return wire.OK(c, wire.TransferResultOf(r, texts))
	}
	if code, ok := transferCodes[fault.CodeOf(err)]; ok {
		return wire.SendJSON(c, fiber.StatusOK, wire.JSON, wire.Result{Code: code, Message: code.Text(), Data: noSuccess{}})
	}
	return err
}

func policyOf(p *wire.Params) (config.IfPresent, error) {
	policy, err := transfer.ParsePolicy(p.Text("policy"))
	if err != nil {
		return policy, wire.Refuse(400, wire.ParameterInvalid, fault.TextOf(err))
	}
	return policy, nil
}

func (a *api) importConfigs(c *fiber.Ctx, p *wire.Params, s side) error {
	if err := check(p); err != nil {
		return err
	}
	policy, err := policyOf(p)
	if err != nil {
		return err
	}
	req := transfer.ImportRequest{Namespace: wire.Namespace(p.Text("namespaceId")), Policy: policy, MetadataV2: true}
	f, size, err := wire.ImportFile(c)
	if err != nil {
		return err
	}
	if f != nil {
		defer f.Close()
		req.File, req.Size = f, size
	}
	operator := "src_user"
	if s == console {
		operator = "srcUser"
	}
	report, err := a.Transfer.Import(c.UserContext(), a.Actor(c, p, operator), req)
	return answerTransfer(c, report, s, err)
}

func (a *api) cloneConfigs(c *fiber.Ctx, p *wire.Params, s side) error {
	if err := check(p); err != nil {
		return err
	}
	target, operator := "namespaceId", "src_user"
	if s == console {
		target, operator = "targetNamespaceId", "srcUser"
	}
	ns, err := argument(p, target)
	if err != nil {
		return err
	}
	ns = wire.Namespace(ns)
	if text := resource.CheckNames(ns, "", ""); text != "" {
		return wire.CheckFailure(text)
	}
	policy, err := policyOf(p)
	if err != nil {
		return err
	}
	if kind := strings.ToLower(c.Get(fiber.HeaderContentType)); kind != "" && !strings.Contains(kind, "json") {
		return wire.Refuse(400, wire.MediaTypeError, "Content-Type '"+kind+"' is not supported")
	}
	picks, err := wire.Picks(c.Body())
	if err != nil {
		return wire.Missing(fault.TextOf(err))
	}
	if len(picks) > maxPicks {
		return wire.Refuse(400, wire.ParameterInvalid, "the list has "+strconv.Itoa(len(picks))+" configurations, at most "+strconv.Itoa(maxPicks)+" are allowed")
	}
	report, err := a.Transfer.Clone(c.UserContext(), a.Actor(c, p, operator), ns, picks, policy)
	return answerTransfer(c, report, s, err)
}
