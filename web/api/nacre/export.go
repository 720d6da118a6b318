package nacre

import (
	"github.com/gofiber/fiber/v2"

	"nacre/server/config/transfer"
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

// export streams a ZIP as Nacos' newest form has it, tags included.
func (a *api) export(c *fiber.Ctx, in *exportIn) error {
	entries, err := a.Transfer.Select(c.UserContext(), transfer.Selection{
		Namespace: wire.Namespace(in.Namespace), DataID: in.DataID, Group: in.Group, AppName: in.AppName, IDs: in.IDs,
	})
	if err != nil {
		return err
	}
	return a.SendExport(c, mediaZIP, entries, transfer.FormV2)
}

const mediaZIP = "application/zip"
