package nacre

import (
	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/fault"
	"nacre/web/api/wire"
)

type versionsIn struct {
	keyIn
	Before uint64 `query:"before" doc:"only changes below this revision; without it, from the newest" example:"42"`
	Size   int    `query:"size" default:"50" min:"1" max:"500" doc:"how many at the most; those of one change are not parted"`
}

// versionBody is what one change made of a configuration or a variant.
type versionBody struct {
	Revision uint64 `json:"revision" doc:"of the change; 0 for one that another program made"`
	GrayName string `json:"grayName" doc:"the variant, empty for the configuration itself"`
	Op       string `json:"op" enum:"I,U,D" doc:"I insert, U update, D delete"`
	Kind     string `json:"kind" enum:",restore,import,clone,promote,undo" doc:"how the content came here, empty for a plain change"`
	FromRev  uint64 `json:"fromRevision" doc:"the revision that the content was taken from, 0 for none"`
	Comment  string `json:"comment" doc:"why"`
	Operator string `json:"operator"`
	From     string `json:"from" doc:"the address that the change came from"`
	AtMs     int64  `json:"atMs"`
	Known    bool   `json:"known" doc:"false when the content after the change is not held any more"`
	MD5      string `json:"md5" doc:"of the content after the change, empty after a delete"`
	Size     int64  `json:"size" doc:"of that content, in bytes"`
}

type versionPage struct {
	Versions []versionBody `json:"versions" doc:"newest first; the next page is before the revision of the last"`
}

func (a *api) versions(c *fiber.Ctx, in *versionsIn) (*versionPage, error) {
	list, err := a.Configs.Versions(c.UserContext(), in.key(), in.Before, in.Size)
	if err != nil {
		return nil, err
	}
	out := &versionPage{Versions: make([]versionBody, len(list))}
	for i := range list {
		out.Versions[i] = versionOf(&list[i])
	}
	return out, nil
}

func versionOf(v *config.Version) versionBody {
	return versionBody{
		Revision: v.Revision, GrayName: v.GrayName, Op: v.Op, Kind: v.Kind, FromRev: v.From, Comment: v.Comment, Operator: v.User, From: v.IP,
		AtMs: v.AtMs, Known: v.Known, MD5: v.MD5, Size: v.Size,
	}
}

type versionIn struct {
	keyIn
	Revision uint64 `query:"revision" required:"true" doc:"the revision of the change" example:"42"`
	Gray     string `query:"gray" doc:"name of a variant; without it, the configuration itself" example:"beta"`
}

// versionDetail is a version with its content.
type versionDetail struct {
	versionBody
	Content string `json:"content" doc:"after the change, empty after a delete"`
	attributes
}

func (a *api) version(c *fiber.Ctx, in *versionIn) (*versionDetail, error) {
	v, err := a.Configs.VersionAt(c.UserContext(), in.key(), in.Gray, in.Revision)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, fault.New(fault.NotFound, "history has no revision %d of %s", in.Revision, in.key())
	}
	out := &versionDetail{versionBody: versionOf(v), attributes: attributes{Tags: []string{}}}
	if b := v.After; b != nil {
		out.Content = string(b.Content)
		out.attributes = attributes{
			Type: b.Type, AppName: b.AppName, Tags: notNil(b.Tags), Desc: text(b.Desc), Use: text(b.Use), Effect: text(b.Effect),
			Schema: text(b.Schema), EncryptedDataKey: b.EncryptedDataKey,
		}
	}
	return out, nil
}

type deletedIn struct {
	Namespace string `query:"namespace" doc:"id of the namespace; without it, the default one; * for all" example:"dev"`
	Text      string `query:"text" doc:"text that the group or the name has somewhere, in whatever case" example:"shop"`
	pageIn
}

func (a *api) deleted(c *fiber.Ctx, in *deletedIn) (*historyPage, error) {
	f := config.DeletedFilter{Text: in.Text}
	if in.Namespace != "*" {
		f.Namespace = wire.Namespace(in.Namespace)
	}
	p, err := a.Configs.Deleted(c.UserContext(), f, in.Page, in.Size)
	if err != nil {
		return nil, err
	}
	return historyPageOf(p, in.Page), nil
}

type restoreIn struct {
	versionIn
	IfRevision uint64 `query:"ifRevision" doc:"restore only where this is the configuration's revision" example:"42"`
	Deleted    bool   `query:"deleted" doc:"undo the delete of that revision, variants included, only where there is no such configuration now"`
	noteIn
	waitIn
}

func (a *api) restore(c *fiber.Ctx, in *restoreIn) (*publishAnswer, error) {
	wait, err := in.timeout()
	if err != nil {
		return nil, err
	}
	by, note := a.actor(c, in.Operator), config.Note{Comment: in.Comment}
	var out config.Outcome
	switch {
	case !in.Deleted:
		out, err = a.Configs.Restore(c.UserContext(), by, in.key(), in.Gray, in.Revision, in.IfRevision, note)
	case in.Gray != "" || in.IfRevision != 0:
		err = fault.New(fault.Invalid, "deleted goes neither with a gray nor with ifRevision")
	default:
		out, err = a.Configs.RestoreDeleted(c.UserContext(), by, in.key(), in.Revision, true, note)
	}
	return a.published(c, in.key(), wait, out, err)
}

type promoteIn struct {
	keyIn
	Gray       string `query:"gray" required:"true" doc:"name of the variant" example:"beta"`
	IfRevision uint64 `query:"ifRevision" doc:"promote only where neither the variant nor the configuration changed after this revision" example:"42"`
	noteIn
	waitIn
}

func (a *api) promote(c *fiber.Ctx, in *promoteIn) (*publishAnswer, error) {
	wait, err := in.timeout()
	if err != nil {
		return nil, err
	}
	out, err := a.Configs.PromoteGray(c.UserContext(), a.actor(c, in.Operator), in.key(), in.Gray, in.IfRevision, config.Note{Comment: in.Comment})
	return a.published(c, in.key(), wait, out, err)
}
