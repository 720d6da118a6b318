package nacre

import (
	"encoding/json"

	"github.com/gofiber/fiber/v2"

	"nacre/server/archive"
	"nacre/server/fault"
)

// ticketIn says who wants to move everything.
type ticketIn struct {
	Body ticketBody `body:"true"`
}

type ticketBody struct {
	User     string `json:"user" optional:"true" doc:"of an administrator"`
	Password string `json:"password" optional:"true"`
	SetUp    string `json:"setUp" optional:"true" doc:"instead, while there is no administrator: the secret of the link that stands in the server's log"`
}

type ticketAnswer struct {
	Ticket string `json:"ticket" doc:"for the header Nacre-Ticket of what follows, at the same node; it lasts ten minutes unused"`
	UnitMs int64  `json:"unitMs" doc:"what this server's storage tells apart of times of configurations, in ms"`
}

func (a *api) openArchive(c *fiber.Ctx, in *ticketIn) (*ticketAnswer, error) {
	text, err := a.Archives.Open(c.UserContext(), in.Body.User, in.Body.Password, in.Body.SetUp, a.ClientIP(c))
	if err != nil {
		return nil, err
	}
	return &ticketAnswer{text, a.Archives.Unit()}, nil
}

// archiveIn asks for everything.
type archiveIn struct {
	Ticket string `header:"Nacre-Ticket" required:"true" doc:"as openArchive gave it"`
}

// archive sends everything as it is at one revision.
func (a *api) archive(c *fiber.Ctx, in *archiveIn) error {
	if _, err := a.Archives.Holder(in.Ticket); err != nil {
		return err
	}
	f, size, err := a.Archives.Make(c.UserContext())
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, mediaGzip)
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.SendStream(f, int(size)) // closed when it is sent
}

const mediaGzip = "application/gzip"

// maxRows is how many rows one request may have.
const maxRows = 5000

// takeIn takes rows over.
type takeIn struct {
	Ticket string   `header:"Nacre-Ticket" required:"true" doc:"as openArchive gave it"`
	Policy string   `query:"policy" default:"skip" enum:"skip,overwrite" doc:"what to do with what is there and differs"`
	DryRun bool     `query:"dryRun" doc:"say what would become of the rows, and write nothing"`
	Body   takeBody `body:"true"`
}

type takeBody struct {
	Rows []archiveRow `json:"rows" max:"5000" doc:"at most 5000, as they stand in an archive"`
}

type archiveRow struct {
	Kind string          `json:"kind" enum:"config,gray,history,quota,namespace,user,instance,service,cluster,override,switch"`
	Row  json.RawMessage `json:"row"`
}

type takeAnswer struct {
	Rows []takenRow  `json:"rows" doc:"in the order given"`
	Held []heldCount `json:"held" doc:"what the server has under the names of these rows"`
}

type takenRow struct {
	State  string `json:"state" enum:"new,same,replaced,conflict,refused" doc:"conflict: another one is there, and stays"`
	Name   string `json:"name" optional:"true" doc:"of what was replaced, is in conflict or was refused"`
	Reason string `json:"reason" optional:"true" doc:"why it was refused"`
}

type heldCount struct {
	Kind   string `json:"kind"`
	Rows   int64  `json:"rows"`
	Digest string `json:"digest" doc:"the sum, without carry, of a number of each row"`
}

func (a *api) takeRows(c *fiber.Ctx, in *takeIn) (*takeAnswer, error) {
	user, err := a.Archives.Holder(in.Ticket)
	if err != nil {
		return nil, err
	}
	if n := len(in.Body.Rows); n == 0 || n > maxRows {
		return nil, fault.New(fault.Invalid, "the list has %d rows, 1 to %d are allowed", n, maxRows)
	}
	lines := make([]archive.Line, len(in.Body.Rows))
	for i, r := range in.Body.Rows {
		lines[i] = archive.Line{Kind: archive.Kind(r.Kind), Row: r.Row}
	}
	taken, err := a.Archives.Take(c.UserContext(), archive.Orders{Write: !in.DryRun, Replace: in.Policy == "overwrite", User: user, IP: a.ClientIP(c)}, lines)
	if err != nil {
		return nil, err
	}
	out := &takeAnswer{Rows: make([]takenRow, len(taken.Rows)), Held: []heldCount{}}
	for i, r := range taken.Rows {
		out.Rows[i] = takenRow(r)
	}
	for _, k := range archive.Kinds {
		if n, ok := taken.Held[k]; ok {
			out.Held = append(out.Held, heldCount{string(k), n.Rows, n.Digest.String()})
		}
	}
	return out, nil
}

// closeArchiveIn ends a ticket.
type closeArchiveIn struct {
	Ticket string `header:"Nacre-Ticket" required:"true" doc:"as openArchive gave it"`
}

func (a *api) closeArchive(_ *fiber.Ctx, in *closeArchiveIn) (*existedAnswer, error) {
	_, err := a.Archives.Holder(in.Ticket)
	a.Archives.Done(in.Ticket)
	return &existedAnswer{Existed: err == nil}, nil
}
