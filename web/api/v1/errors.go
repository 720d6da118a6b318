package v1

import (
	"errors"
	"html"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/resource"
	"nacre/web/api/wire"
)

// failure is an answer that is none of the domain's: its text is sent as it is.
type failure struct {
	status int
	text   string
	// container says that Nacos' servlet container makes the page, text being its message.
	container bool
}

func (f *failure) Error() string { return f.text }

// caused is a failure as Nacos' exception handler writes it, each cause in the same form.
func caused(status int, texts ...string) error {
	var b strings.Builder
	for _, t := range texts {
		b.WriteString("caused: " + t + ";")
	}
	return &failure{status: status, text: b.String()}
}

// missing is the failure of a request without a required parameter.
func missing(name string) error {
	return &failure{status: fiber.StatusBadRequest, text: "Required parameter '" + name + "' is not present.", container: true}
}

// notNumber is the failure of a parameter that does not parse.
func notNumber(name, value string) error {
	cause := "For input string: \"" + value + "\""
	return caused(fiber.StatusBadRequest, "Method parameter '"+name+"': Failed to convert value to a number; "+cause, cause)
}

// fail answers with err as this version words it.
func (a *api) fail(c *fiber.Ctx, err error) error {
	var f *failure
	if errors.As(err, &f) {
		if f.container {
			return wire.SendContainerError(c, a.Clock, f.status, f.text)
		}
		return sendText(c, f.status, f.text)
	}
	var v *resource.Violation
	if errors.As(err, &v) {
		if text, ok := resource.Refusal(err); ok {
			return wire.SendCheckFailure(c, text)
		}
		return sendText(c, fiber.StatusBadRequest, "caused: invalid "+string(v.Field)+" : "+v.Value+";")
	}
	if fault.CodeOf(err) == config.CodeAttribute {
		return wire.SendText(c, fiber.StatusBadRequest, wire.JSONUTF8, "false")
	}
	wire.LogInternal(c, a.Log, err)
	r := wire.RefusalOf(err)
	return sendText(c, r.Status, "caused: "+r.Text+";")
}

// sendText answers with a text as Nacos labels it: as JSON under /v1/cs, which it is not, and with
// HTML escaped elsewhere.
func sendText(c *fiber.Ctx, status int, text string) error {
	if strings.HasPrefix(c.Path(), "/nacos/v1/cs") {
		return wire.SendText(c, status, wire.JSONUTF8, text)
	}
	return wire.SendText(c, status, wire.Text, html.EscapeString(text))
}

// sendJSON answers with v under the label that Nacos uses on the path.
func sendJSON(c *fiber.Ctx, status int, v any) error {
	if strings.HasPrefix(c.Path(), "/nacos/v1/cs") {
		return wire.SendJSON(c, status, wire.JSONUTF8, v)
	}
	return wire.SendJSON(c, status, wire.JSON, v)
}
