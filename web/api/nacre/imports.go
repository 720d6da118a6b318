package nacre

import (
	"fmt"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/fault"
	"nacre/web/api/wire"
)

// maxPlan and maxImport bound the lists of one request.
const (
	maxPlan   = 10_000
	maxImport = 1_000
)

// planIn asks what an import would do.
type planIn struct {
	Namespace string   `query:"namespace" doc:"id of the namespace; without it, the default one" example:"dev"`
	Body      planBody `body:"true"`
}

type planBody struct {
	Configs []planItem `json:"configs" max:"10000" doc:"at most 10000"`
}

// planItem is a configuration that an import has.
type planItem struct {
	Group  string `json:"group"`
	DataID string `json:"dataId"`
	MD5    string `json:"md5" doc:"of the content that the import has"`
	Size   int64  `json:"size" optional:"true" doc:"of that content, in bytes"`
}

// The states of a plan.
const (
	planNew      = "new"
	planSame     = "same"
	planConflict = "conflict"
	planInvalid  = "invalid"
)

// planRow says what an import would do with one configuration.
type planRow struct {
	Group    string `json:"group"`
	DataID   string `json:"dataId"`
	State    string `json:"state" enum:"new,same,conflict,invalid" doc:"conflict: there is another content; invalid: it would be refused"`
	MD5      string `json:"md5" doc:"of the content that is here, empty for none"`
	Revision uint64 `json:"revision" doc:"of the configuration that is here, 0 for none"`
	Reason   string `json:"reason" doc:"why it is invalid, else empty"`
}

type planAnswer struct {
	Revision uint64    `json:"revision" doc:"of the last change on this server when the plan was made"`
	New      int       `json:"new"`
	Same     int       `json:"same"`
	Conflict int       `json:"conflict"`
	Invalid  int       `json:"invalid"`
	Configs  []planRow `json:"configs" doc:"in the order asked"`
}

func (a *api) plan(_ *fiber.Ctx, in *planIn) (*planAnswer, error) {
	if n := len(in.Body.Configs); n == 0 || n > maxPlan {
		return nil, fault.New(fault.Invalid, "the list has %d configurations, 1 to %d are allowed", n, maxPlan)
	}
	ns := wire.Namespace(in.Namespace)
	out := &planAnswer{Revision: a.Configs.Revision(), Configs: make([]planRow, 0, len(in.Body.Configs))}
	seen := make(map[config.Key]bool, len(in.Body.Configs))
	for _, it := range in.Body.Configs {
		row := a.planOne(config.Key{Namespace: ns, Group: it.Group, DataID: it.DataID}, it, seen)
		switch row.State {
		case planNew:
			out.New++
		case planSame:
			out.Same++
		case planConflict:
			out.Conflict++
		case planInvalid:
			out.Invalid++
		}
		out.Configs = append(out.Configs, row)
	}
	return out, nil
}

func (a *api) planOne(k config.Key, it planItem, seen map[config.Key]bool) planRow {
	row := planRow{Group: it.Group, DataID: it.DataID, State: planNew}
	invalid := func(format string, args ...any) planRow {
		row.State, row.Reason = planInvalid, fmt.Sprintf(format, args...)
		return row
	}
	if seen[k] {
		return invalid("it is in the list twice")
	}
	seen[k] = true
	if err := a.Configs.Check(config.Draft{Key: k, Content: []byte("x")}); err != nil {
		return invalid("%s", fault.TextOf(err))
	}
	if most := int64(a.Configs.MaxContent()); it.Size > most {
		return invalid("the content has %d bytes, at most %d are allowed", it.Size, most)
	}
	held := a.Configs.Item(k)
	if held == nil || held.Formal == nil {
		return row
	}
	row.MD5, row.Revision, row.State = held.Formal.MD5, held.Formal.Revision, planConflict
	if held.Formal.MD5 == it.MD5 {
		row.State = planSame
	}
	return row
}

// importIn publishes many configurations.
type importIn struct {
	Namespace string `query:"namespace" doc:"id of the namespace; without it, the default one" example:"dev"`
	Policy    string `query:"policy" default:"abort" enum:"abort,skip,overwrite" doc:"what to do with a configuration that is there with another content"`
	noteIn
	Body importBody `body:"true"`
}

type importBody struct {
	Configs []importItem `json:"configs" max:"1000" doc:"at most 1000; published in their order, several in one decision"`
}

type importItem struct {
	Group   string `json:"group"`
	DataID  string `json:"dataId"`
	Content string `json:"content"`
	IfMD5   string `json:"ifMd5" optional:"true" doc:"replace only what has this md5, as a plan showed it; it is refused where that was changed meanwhile"`
	attributes
}

// The results of an import.
const (
	importCreated = "created"
	importUpdated = "updated"
	importSame    = "same"
	importSkipped = "skipped"
	importAborted = "aborted"
	importRefused = "refused"
)

// importRow tells what became of one configuration.
type importRow struct {
	Group    string `json:"group"`
	DataID   string `json:"dataId"`
	Result   string `json:"result" enum:"created,updated,same,skipped,aborted,refused" doc:"same: it was there with this content, nothing was written; aborted: it is there, or came after one that is, and the policy was abort"`
	MD5      string `json:"md5" doc:"of the content sent, empty when it was refused"`
	Revision uint64 `json:"revision" doc:"of the change, 0 when nothing changed"`
	Reason   string `json:"reason" doc:"why it was refused, else empty"`
}

type importAnswer struct {
	Revision uint64      `json:"revision" doc:"of the last change on this server afterwards"`
	Created  int         `json:"created"`
	Updated  int         `json:"updated"`
	Same     int         `json:"same"`
	Skipped  int         `json:"skipped"`
	Aborted  int         `json:"aborted"`
	Refused  int         `json:"refused"`
	Configs  []importRow `json:"configs" doc:"in the order sent"`
}

var policies = map[string]config.IfPresent{"abort": config.Abort, "skip": config.Skip, "overwrite": config.Overwrite}

// batch bounds one decision: how many configurations, and bytes of content.
const (
	batchCount = 200
	batchBytes = 1 << 20
)

// importMany publishes in batches. Whatever the policy, what is there with the same content and
// attributes is left alone, so that a second run changes nothing.
func (a *api) importMany(c *fiber.Ctx, in *importIn) (*importAnswer, error) {
	items := in.Body.Configs
	if n := len(items); n == 0 || n > maxImport {
		return nil, fault.New(fault.Invalid, "the list has %d configurations, 1 to %d are allowed", n, maxImport)
	}
	ns, by := wire.Namespace(in.Namespace), a.actor(c, in.Operator)
	rows := make([]importRow, len(items))
	seen := make(map[config.Key]bool, len(items))
	var b batch
	aborted := false
	flush := func() error {
		stop, err := a.publishBatch(c, by, &b, policies[in.Policy], rows)
		aborted = aborted || stop
		b = batch{}
		return err
	}
	for i := range items {
		it := &items[i]
		rows[i] = importRow{Group: it.Group, DataID: it.DataID}
		d := draftOf(config.Key{Namespace: ns, Group: it.Group, DataID: it.DataID}, it.Content, &it.attributes)
		d.CASMD5, d.Note = it.IfMD5, config.Note{Comment: in.Comment, Kind: config.NoteImport}
		switch err := a.Configs.Check(d); {
		case aborted:
			rows[i].Result = importAborted
			continue
		case err != nil:
			rows[i].Result, rows[i].Reason = importRefused, fault.TextOf(err)
			continue
		case seen[d.Key]:
			rows[i].Result, rows[i].Reason = importRefused, "it is in the list twice"
			continue
		case a.same(d):
			rows[i].Result, rows[i].MD5 = importSame, config.MD5(d.Content)
			continue
		}
		seen[d.Key] = true
		b.drafts, b.at, b.bytes = append(b.drafts, d), append(b.at, i), b.bytes+len(d.Content)
		if len(b.drafts) >= batchCount || b.bytes >= batchBytes {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	if err := flush(); err != nil {
		return nil, err
	}
	return a.importAnswer(rows), nil
}

// batch is what goes into one decision: drafts, and where the row of each is.
type batch struct {
	drafts []config.Draft
	at     []int
	bytes  int
}

func (a *api) publishBatch(c *fiber.Ctx, by config.Actor, b *batch, policy config.IfPresent, rows []importRow) (aborted bool, err error) {
	if len(b.drafts) == 0 {
		return false, nil
	}
	outs, err := a.Configs.PublishMany(c.UserContext(), by, b.drafts, policy)
	if err != nil {
		return false, err
	}
	for j, out := range outs {
		row := &rows[b.at[j]]
		row.MD5, row.Revision = config.MD5(b.drafts[j].Content), out.Revision
		switch {
		case out.Fault != nil && out.Fault.Code == config.CodeCAS:
			row.Result, row.Reason, row.MD5 = importRefused, "it was changed meanwhile", ""
		case out.Fault != nil:
			row.Result, row.Reason, row.MD5 = importRefused, out.Fault.Text, ""
		case out.Skipped && policy == config.Abort:
			row.Result, aborted = importAborted, true
		case out.Skipped:
			row.Result = importSkipped
		case out.Existed:
			row.Result = importUpdated
		default:
			row.Result = importCreated
		}
	}
	return aborted, nil
}

// same reports whether what is held is what d would make of it.
func (a *api) same(d config.Draft) bool {
	it := a.Configs.Item(d.Key)
	if it == nil || it.Formal == nil {
		return false
	}
	e := it.Formal
	return e.MD5 == config.MD5(d.Content) && e.Type == config.KnownType(d.Type) && e.AppName == text(d.AppName) &&
		config.JoinTags(e.Tags) == config.JoinTags(d.Tags) && text(e.Desc) == text(d.Desc) && text(e.Use) == text(d.Use) &&
		text(e.Effect) == text(d.Effect) && text(e.Schema) == text(d.Schema) && e.EncryptedDataKey == d.EncryptedDataKey
}

func (a *api) importAnswer(rows []importRow) *importAnswer {
	out := &importAnswer{Revision: a.Configs.Revision(), Configs: rows}
	counts := map[string]*int{
		importCreated: &out.Created, importUpdated: &out.Updated, importSame: &out.Same,
		importSkipped: &out.Skipped, importAborted: &out.Aborted, importRefused: &out.Refused,
	}
	for _, r := range rows {
		*counts[r.Result]++
	}
	return out
}
