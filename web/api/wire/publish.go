package wire

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
)

// PublishNames are the names of the parameters of a publish that differ between versions.
type PublishNames struct{ Tags, User string }

// Draft returns what the parameters and headers of a publish ask for. Its content is good until the
// handler returns.
func (p *Params) Draft(c *fiber.Ctx, key config.Key, names PublishNames) config.Draft {
	content, _ := p.Bytes("content")
	d := config.Draft{
		Key: key, Content: content, Type: config.KnownType(p.Text("type")), AppName: p.Optional("appName"),
		Desc: p.Optional("desc"), Use: p.Optional("use"), Effect: p.Optional("effect"), Schema: p.Optional("schema"),
	}
	if k := p.Text("encryptedDataKey"); !Blank(k) {
		d.EncryptedDataKey = k
	}
	if tags, given := p.Get(names.Tags); given {
		d.TagsGiven, d.Tags = true, SplitList(tags)
	}
	if md5 := headerText(c, "casMd5"); !Blank(md5) {
		d.CASMD5 = md5
	}
	d.Gray = p.gray(c)
	return d
}

// gray returns the variant that a publish is for, nil for the formal content. The header betaIps wins
// over the parameter tag.
func (p *Params) gray(c *fiber.Ctx) *config.GrayDraft {
	if ips := headerText(c, "betaIps"); !Blank(ips) {
		return &config.GrayDraft{Name: config.GrayBeta, Rule: config.BetaRule(ips)}
	}
	if tag := p.Text("tag"); !Blank(tag) {
		return &config.GrayDraft{Name: config.GrayTagPrefix + tag, Rule: config.TagRule(tag)}
	}
	return nil
}

// headerText returns a copy of a request header's value.
func headerText(c *fiber.Ctx, name string) string {
	b := c.Context().Request.Header.Peek(name)
	if len(b) == 0 {
		return ""
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// Actor returns who asks for a change: the first of the parameters userNames that is not blank, or
// username, and the client's address.
func (d *Deps) Actor(c *fiber.Ctx, p *Params, userNames ...string) config.Actor {
	return config.Actor{User: p.Operator(userNames...), IP: d.ClientIP(c)}
}

// SplitList returns the items of a comma list, each once and none of them blank.
func SplitList(list string) []string {
	var out []string
next:
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		for _, had := range out {
			if had == one {
				continue next
			}
		}
		out = append(out, one)
	}
	return out
}

// ValidWord reports whether Nacos' handlers accept s as a dataId, group, tenant or tag: letters and
// digits of any script and the characters _ - . :
func ValidWord(s string) bool {
	if Blank(s) {
		return false
	}
	for _, r := range strings.TrimSpace(s) {
		switch {
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9':
		case r == '_' || r == '-' || r == '.' || r == ':':
		case r >= utf8.RuneSelf && r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)):
		default:
			return false
		}
	}
	return true
}

// CheckKeyWords is the check that Nacos' handlers make of a dataId and a group after the parameter
// check. It returns the text of the refusal, "" when there is none.
func CheckKeyWords(dataID, group string) string {
	if !ValidWord(dataID) {
		return "invalid dataId : " + dataID
	}
	if !ValidWord(group) {
		return "invalid group : " + group
	}
	return ""
}

// CheckTag is the check that Nacos' handlers make of the parameter tag, "" passing. It returns the
// text of the refusal, "" when there is none.
func CheckTag(tag string) string {
	switch {
	case Blank(tag):
		return ""
	case !ValidWord(tag):
		return "invalid tag : " + tag
	case utf8.RuneCountInString(tag) > 16:
		return "too long tag, over 16"
	}
	return ""
}
