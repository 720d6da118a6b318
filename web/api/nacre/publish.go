package nacre

import (
	"context"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/fault"
)

// attributes are what a publish may say of a configuration besides its content. What is left out
// becomes empty: a publish replaces the whole configuration.
type attributes struct {
	Type             string   `json:"type" optional:"true" doc:"properties, xml, json, text, html, yaml, toml or unset; text without it"`
	AppName          string   `json:"appName" optional:"true"`
	Tags             []string `json:"tags" optional:"true" doc:"at most 5, each of at most 64 characters"`
	Desc             string   `json:"desc" optional:"true" doc:"at most 128 characters"`
	Use              string   `json:"use" optional:"true" doc:"at most 32 characters"`
	Effect           string   `json:"effect" optional:"true" doc:"at most 32 characters"`
	Schema           string   `json:"schema" optional:"true" doc:"at most 32768 characters"`
	EncryptedDataKey string   `json:"encryptedDataKey" optional:"true" doc:"the key of content that the client encrypted, passed through"`
}

// publishBody is the body of a publish.
type publishBody struct {
	Content string `json:"content" doc:"not blank"`
	attributes
	Gray *grayDraft `json:"gray,omitempty" doc:"publish a variant for some clients instead of the configuration"`
}

// grayDraft says which clients a variant is for: one of the two.
type grayDraft struct {
	IPs string `json:"ips" optional:"true" doc:"addresses with commas between them; makes the variant beta"`
	Tag string `json:"tag" optional:"true" doc:"a tag that clients send; makes the variant tag_ and the tag"`
}

// operatorIn says who makes a change.
type operatorIn struct {
	Operator string `query:"operator" doc:"who makes the change, kept in the history" example:"alice"`
}

// noteIn says who makes a change, and why.
type noteIn struct {
	operatorIn
	Comment string `query:"comment" doc:"why, kept in the history; plain text of at most 512 characters" example:"more workers"`
}

type publishIn struct {
	keyIn
	IfMatch     string `header:"If-Match" doc:"an md5 in quotes: publish only where the configuration has it"`
	IfNoneMatch string `header:"If-None-Match" enum:"*" doc:"*: publish only where there is no such configuration"`
	IfRevision  uint64 `query:"ifRevision" doc:"publish only where this is the configuration's revision" example:"42"`
	noteIn
	waitIn
	Body publishBody `body:"true"`
}

// publishAnswer tells what became of a publish.
type publishAnswer struct {
	ID       int64  `json:"id"`
	MD5      string `json:"md5"`
	Revision uint64 `json:"revision"`
	Created  bool   `json:"created" doc:"true when there was none before"`
	syncAnswer
}

func (a *api) publish(c *fiber.Ctx, in *publishIn) (*publishAnswer, error) {
	wait, err := in.timeout()
	if err != nil {
		return nil, err
	}
	d := draftOf(in.key(), in.Body.Content, &in.Body.attributes)
	if err := in.Body.Gray.apply(&d); err != nil {
		return nil, err
	}
	d.Note.Comment = in.Comment
	by := a.actor(c, in.Operator)
	var out *publishAnswer
	if in.IfNoneMatch != "" {
		if d.Gray != nil || in.IfMatch != "" || in.IfRevision != 0 {
			return nil, fault.New(fault.Invalid, "If-None-Match goes neither with a gray nor with another condition")
		}
		out, err = a.create(c, by, d)
	} else if err = a.condition(c.UserContext(), &d, in.IfMatch, in.IfRevision); err == nil {
		out, err = a.replace(c, by, d)
	}
	if err != nil {
		return nil, err
	}
	out.syncAnswer = a.sync(c.UserContext(), d.Key, wait)
	return out, nil
}

// published answers what became of a change of k.
func (a *api) published(c *fiber.Ctx, k config.Key, wait time.Duration, out config.Outcome, err error) (*publishAnswer, error) {
	if err != nil {
		return nil, err
	}
	answer := answerOf(out)
	answer.syncAnswer = a.sync(c.UserContext(), k, wait)
	return answer, nil
}

// replace publishes d, whatever was there but for its conditions.
func (a *api) replace(c *fiber.Ctx, by config.Actor, d config.Draft) (*publishAnswer, error) {
	out, err := a.Configs.Publish(c.UserContext(), by, d)
	if err != nil {
		if fault.CodeOf(err) == config.CodeCAS {
			err = fault.New(fault.Conflict, "%s was changed meanwhile: it no longer has the revision %d", d.Key, d.IfRevision)
		}
		return nil, err
	}
	return answerOf(out), nil
}

func answerOf(out config.Outcome) *publishAnswer {
	return &publishAnswer{ID: out.ID, MD5: out.MD5, Revision: out.Revision, Created: !out.Existed}
}

func draftOf(k config.Key, content string, at *attributes) config.Draft {
	return config.Draft{
		Key: k, Content: []byte(content), Type: at.Type, AppName: &at.AppName, TagsGiven: true, Tags: at.Tags,
		Desc: optional(at.Desc), Use: optional(at.Use), Effect: optional(at.Effect), Schema: optional(at.Schema), EncryptedDataKey: at.EncryptedDataKey,
	}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (g *grayDraft) apply(d *config.Draft) error {
	switch {
	case g == nil:
	case (g.IPs == "") == (g.Tag == ""):
		return fault.New(fault.Invalid, "a gray needs either ips or a tag")
	case g.IPs != "":
		d.Gray = &config.GrayDraft{Name: config.GrayBeta, Rule: config.BetaRule(g.IPs)}
	default:
		d.Gray = &config.GrayDraft{Name: config.GrayTagPrefix + g.Tag, Rule: config.TagRule(g.Tag)}
	}
	return nil
}

// condition compares what the caller says with what is held, and makes the decision compare the revision again. What this node
// holds may be older than what the caller saw on another: it catches up before it refuses.
func (a *api) condition(ctx context.Context, d *config.Draft, ifMatch string, ifRevision uint64) error {
	if ifMatch == "" && ifRevision == 0 {
		return nil
	}
	err := a.compare(d, ifMatch, ifRevision)
	if err == nil || a.Strong == nil {
		return err
	}
	if err := a.Strong(ctx); err != nil {
		return err
	}
	return a.compare(d, ifMatch, ifRevision)
}

func (a *api) compare(d *config.Draft, ifMatch string, ifRevision uint64) error {
	md5, revision := "", uint64(0)
	if it := a.Configs.Item(d.Key); it != nil {
		switch {
		case d.Gray != nil:
			if g := it.Gray(d.Gray.Name); g != nil {
				md5, revision = g.MD5, g.Revision
			}
		case it.Formal != nil:
			md5, revision = it.Formal.MD5, it.Formal.Revision
		}
	}
	if md5 == "" {
		return fault.New(fault.Conflict, "there is no configuration %s that could match", d.Key)
	}
	if want := strings.ToLower(strings.Trim(ifMatch, `"`)); want != "" && want != "*" && want != md5 {
		return fault.New(fault.Conflict, "%s has the md5 %s, not the one given", d.Key, md5)
	}
	if ifRevision != 0 && ifRevision != revision {
		return fault.New(fault.Conflict, "%s has the revision %d, not %d", d.Key, revision, ifRevision)
	}
	d.IfRevision = revision
	return nil
}

// create publishes only where there is none: one decision, so that of two at once one is refused.
func (a *api) create(c *fiber.Ctx, by config.Actor, d config.Draft) (*publishAnswer, error) {
	outs, err := a.Configs.PublishMany(c.UserContext(), by, []config.Draft{d}, config.Skip)
	if err != nil {
		return nil, err
	}
	if outs[0].Skipped {
		return nil, fault.New(fault.Conflict, "there is a configuration %s already", d.Key)
	}
	if err := outs[0].Err(); err != nil {
		return nil, err
	}
	return answerOf(outs[0]), nil
}

func (a *api) actor(c *fiber.Ctx, operator string) config.Actor {
	return config.Actor{User: operator, IP: a.ClientIP(c)}
}

type removeIn struct {
	keyIn
	Gray string `query:"gray" doc:"name of a variant: take away that one alone" example:"beta"`
	noteIn
	waitIn
}

// removeAnswer tells what became of a removal.
type removeAnswer struct {
	Existed  bool   `json:"existed" doc:"false when there was nothing to remove, which is no refusal"`
	Revision uint64 `json:"revision" doc:"of the change, 0 when nothing changed"`
	syncAnswer
}

func (a *api) remove(c *fiber.Ctx, in *removeIn) (*removeAnswer, error) {
	wait, err := in.timeout()
	if err != nil {
		return nil, err
	}
	out, err := a.Configs.Remove(c.UserContext(), a.actor(c, in.Operator), in.key(), in.Gray, config.Note{Comment: in.Comment})
	if err != nil {
		return nil, err
	}
	return &removeAnswer{Existed: out.Revision > 0, Revision: out.Revision, syncAnswer: a.sync(c.UserContext(), in.key(), wait)}, nil
}
