package wire

import (
	"net/url"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"nacre/server/config"
)

var (
	headerConfigType   = []byte("Config-Type")
	headerContentMD5   = []byte("Content-MD5")
	headerLastModified = []byte("Last-Modified")
	headerDataKey      = []byte("Encrypted-Data-Key")
	headerIsBeta       = []byte("isBeta")
	headerTag          = []byte("tag")
	valueTrue          = []byte("true")
)

// Find returns what the client of c sees of key. tag is the parameter of that name, "" for none: then
// the header Vipserver-Tag chooses. With a tag that no variant is for, nothing is found. It does not
// keep key's strings.
func (d *Deps) Find(c *fiber.Ctx, key config.Key, tag string) (config.Variant, bool) {
	d.CountRead()
	item := d.Configs.Item(key)
	if item == nil {
		return config.Variant{}, false
	}
	if len(item.Grays) == 0 {
		e := item.Formal
		if tag != "" || e == nil {
			return config.Variant{}, false
		}
		return config.Variant{
			Content: e.Content, MD5: e.MD5, Type: e.Type, EncryptedDataKey: e.EncryptedDataKey,
			ModifiedMs: e.ModifiedMs, Revision: e.Revision,
		}, true
	}
	client := config.Client{IP: d.ClientIP(c), Tag: tag}
	if tag == "" {
		client.Tag = c.Get("Vipserver-Tag")
	}
	v, ok := d.Configs.Read(key, client)
	if !ok || tag != "" && v.Gray == nil {
		return config.Variant{}, false
	}
	return v, true
}

// SetConfigHeaders sets the headers that v1 and v2 send with a content.
func SetConfigHeaders(c *fiber.Ctx, v *config.Variant) {
	h := &c.Context().Response.Header
	kind := v.Type
	if kind == "" {
		kind = config.TypeText
	}
	h.SetCanonical(headerConfigType, unsafeBytes(kind))
	h.SetCanonical(headerContentMD5, unsafeBytes(v.MD5))
	NoCache(c)
	var date [32]byte
	h.SetCanonical(headerLastModified, fasthttp.AppendHTTPDate(date[:0], modified(v.ModifiedMs)))
	switch g := v.Gray; {
	case g == nil:
		h.SetCanonical(headerDataKey, unsafeBytes(v.EncryptedDataKey))
	case g.Rule.Type == config.RuleBeta:
		h.SetCanonical(headerIsBeta, valueTrue)
	case g.Rule.Type == config.RuleTag:
		h.SetCanonical(headerTag, []byte(url.QueryEscape(g.Rule.Expr)))
	}
}
