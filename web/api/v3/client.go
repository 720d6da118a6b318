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
	answerNoTag  = `,"tag":null,"beta":false,"success":true}}`
	answerBeta   = `,"tag":null,"beta":true,"success":true}}`
	answerAbsent = `{"code":20004,"message":"resource not found","data":null}`
)

// clientGet answers a client's read. It is the hot path of v3: the answer is written by hand into
// the response's own buffer, and nothing of the request is copied.
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
	it := a.Configs.Item(config.Key{Namespace: wire.Namespace(ns), Group: group, DataID: dataID})
	if it == nil {
		return wire.SendText(c, fiber.StatusOK, wire.JSON, answerAbsent)
	}
	if len(it.Grays) > 0 {
		if g := it.Match(config.Client{IP: a.ClientIP(c)}); g != nil {
			kind := config.TypeText
			if it.Formal != nil {
				kind = it.Formal.Type
			}
			end := answerNoTag
			if g.Rule.Type == config.RuleBeta {
				end = answerBeta
			}
			return sendContent(c, g.Content, g.EncryptedDataKey, g.EncryptedDataKey != "", kind, g.MD5, g.ModifiedMs, end)
		}
	}
	if e := it.Formal; e != nil {
		return sendContent(c, e.Content, e.EncryptedDataKey, true, e.Type, e.MD5, e.ModifiedMs, answerNoTag)
	}
	return wire.SendText(c, fiber.StatusOK, wire.JSON, answerAbsent)
}

func sendContent(c *fiber.Ctx, content []byte, key string, hasKey bool, kind, md5 string, modifiedMs int64, end string) error {
	if err := wire.SendRaw(c, fiber.StatusOK, wire.JSON, nil); err != nil {
		return err
	}
	r := &c.Context().Response
	b := r.SwapBody(nil)[:0]
	b = append(b, answerHead...)
	b = appendJSON(b, content)
	b = append(b, answerKey...)
	if hasKey {
		b = appendJSON(b, []byte(key))
	} else {
		b = append(b, "null"...)
	}
	b = append(b, answerType...)
	b = append(b, kind...)
	b = append(b, answerMD5...)
	b = append(b, md5...)
	b = append(b, answerTime...)
	b = strconv.AppendInt(b, modifiedMs, 10)
	b = append(b, end...)
	r.SwapBody(b)
	return nil
}
