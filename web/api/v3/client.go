package v3

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/web/api/wire"
)

// The parts of a client's answer around what varies.
const (
	answerHead   = `{"code":0,"message":"success","data":{"resultCode":200,"errorCode":0,"message":null,"requestId":null,"content":`
	answerKey    = `,"encryptedDataKey":`
	answerType   = `,"contentType":"`
	answerMD5    = `","md5":"`
	answerTime   = `","lastModified":`
	answerFormal = `,"tag":null,"beta":false,"success":true}}`
	answerBeta   = `,"tag":null,"beta":true,"success":true}}`
	answerAbsent = `{"code":20004,"message":"resource not found","data":null}`
)

// clientGet answers a client's read. It is the hot path of v3: the answer is written by hand, kept
// when it is wanted often, and nothing of the request is copied.
func (a *api) clientGet(c *fiber.Ctx) error {
	var p wire.Params
	p.Parse(c)
	if text := p.CheckConfig(); text != "" {
		return wire.SendCheckFailure(c, text)
	}
	group, _ := p.View("groupName")
	dataID, _ := p.View("dataId")
	switch {
	case wire.Blank(group):
		return wire.SendText(c, fiber.StatusBadRequest, wire.Text, "caused: Required parameter 'groupName' type String is not present;")
	case wire.Blank(dataID):
		return wire.SendText(c, fiber.StatusBadRequest, wire.Text, "caused: Required parameter 'dataId' type String is not present;")
	}
	ns, _ := p.View("namespaceId")
	a.CountRead()
	it := a.Configs.Item(config.Key{Namespace: wire.Namespace(ns), Group: group, DataID: dataID})
	if it == nil {
		return wire.SendText(c, fiber.StatusOK, wire.JSON, answerAbsent)
	}
	if len(it.Grays) > 0 {
		if g := it.Match(config.Client{IP: a.ClientIP(c)}); g != nil {
			return sendGray(c, g, it.Formal)
		}
	}
	if it.Formal == nil {
		return wire.SendText(c, fiber.StatusOK, wire.JSON, answerAbsent)
	}
	return a.sendFormal(c, it.Formal)
}

// sendFormal answers with a configuration itself.
func (a *api) sendFormal(c *fiber.Ctx, e *config.Entry) error {
	body, keep := a.answers.get(e)
	if body != nil {
		return wire.SendRaw(c, fiber.StatusOK, wire.JSON, body)
	}
	v := content{e.Content, e.Type, e.MD5, e.ModifiedMs, &e.EncryptedDataKey, answerFormal}
	if keep {
		body = v.append(make([]byte, 0, v.size()))
		a.answers.put(e, body)
		return wire.SendRaw(c, fiber.StatusOK, wire.JSON, body)
	}
	return v.send(c)
}

// sendGray answers with a variant, whose type is that of the configuration itself.
func sendGray(c *fiber.Ctx, g *config.Gray, formal *config.Entry) error {
	v := content{g.Content, config.TypeText, g.MD5, g.ModifiedMs, wire.NullText(g.EncryptedDataKey), answerFormal}
	if formal != nil {
		v.kind = formal.Type
	}
	if g.Rule.Type == config.RuleBeta {
		v.end = answerBeta
	}
	return v.send(c)
}

// content is what varies in an answer.
type content struct {
	text       []byte
	kind       string
	md5        string
	modifiedMs int64
	key        *string
	end        string
}

// size returns about how long the answer is when an eighth of the content needs escapes.
func (v *content) size() int { return len(answerHead) + len(v.text)*9/8 + 256 }

// send writes the answer into the response's own buffer, which is used again.
func (v *content) send(c *fiber.Ctx) error {
	if err := wire.SendRaw(c, fiber.StatusOK, wire.JSON, nil); err != nil {
		return err
	}
	r := &c.Context().Response
	r.SwapBody(v.append(r.SwapBody(nil)[:0]))
	return nil
}

func (v *content) append(b []byte) []byte {
	b = append(b, answerHead...)
	b = wire.AppendJSON(b, v.text)
	b = append(b, answerKey...)
	if v.key == nil {
		b = append(b, "null"...)
	} else {
		b = wire.AppendJSON(b, []byte(*v.key))
	}
	b = append(b, answerType...)
	b = append(b, v.kind...)
	b = append(b, answerMD5...)
	b = append(b, v.md5...)
	b = append(b, answerTime...)
	b = strconv.AppendInt(b, v.modifiedMs, 10)
	return append(b, v.end...)
}
