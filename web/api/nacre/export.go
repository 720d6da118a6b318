package nacre

import (
	"bytes"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/config/transfer"
	"nacre/server/fault"
	"nacre/web/api/wire"
)

// exportIn says what to export.
type exportIn struct {
	Namespace string  `query:"namespace" doc:"id of the namespace; without it, the default one" example:"dev"`
	Group     string  `query:"group" doc:"the group" example:"DEFAULT_GROUP"`
	DataID    string  `query:"dataId" doc:"the name, in which * stands for any characters" example:"*.yaml"`
	AppName   string  `query:"appName" doc:"the application's name"`
	IDs       []int64 `query:"ids" max:"10000" doc:"only those with these ids; all else is ignored" example:"1,2"`
}

// maxExport is how many bytes of content one export may have; the ZIP is made in memory.
const maxExport = 1 << 30

// export answers a ZIP as Nacos' newest form has it, tags included.
func (a *api) export(c *fiber.Ctx, in *exportIn) error {
	entries, err := a.Transfer.Select(c.UserContext(), transfer.Selection{
		Namespace: wire.Namespace(in.Namespace), DataID: in.DataID, Group: in.Group, AppName: in.AppName, IDs: in.IDs,
	})
	if err != nil {
		return err
	}
	total := 0
	for _, e := range entries {
		total += len(e.Content)
	}
	if total > maxExport {
		return fault.New(fault.Limited, "the export has %d bytes of content, at most %d are allowed; export group by group", total, maxExport).WithCode(config.CodeTooLarge)
	}
	var b bytes.Buffer
	if _, err := transfer.Write(&b, entries, transfer.FormV2); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, mediaZIP)
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+transfer.FileName(a.Clock.Now())+`"`)
	return c.Send(b.Bytes())
}

const mediaZIP = "application/zip"
