package nacre

import (
	"errors"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config"
	"nacre/server/config/transfer"
	"nacre/server/fault"
)

// errorAnswer is the body of every refusal.
type errorAnswer struct {
	Error errorBody `json:"error"`
}

type errorBody struct {
	Kind    string `json:"kind" enum:"internal,invalid,notFound,conflict,denied,limited,unavailable" doc:"what a program can do about it"`
	Message string `json:"message" doc:"one sentence for people"`
}

var faultTexts = map[int]string{
	http.StatusBadRequest:            "Something in the request can never succeed as it is.",
	http.StatusForbidden:             "A quota or a right is missing.",
	http.StatusNotFound:              "There is nothing of that name.",
	http.StatusConflict:              "A condition on the present state did not hold; nothing was changed.",
	http.StatusRequestEntityTooLarge: "The content, or the request, is larger than allowed.",
	http.StatusTooManyRequests:       "A limit on how many there may be is reached.",
	http.StatusInternalServerError:   "A failure of the server; its log has the details.",
	http.StatusServiceUnavailable:    "A state that passes; the request may be tried again.",
}

var faultExamples = map[int]errorAnswer{
	http.StatusBadRequest:            {errorBody{"invalid", `parameter "page" is "x", it must be a whole number`}},
	http.StatusForbidden:             {errorBody{"limited", "namespace dev has 200 configurations, its quota is 200"}},
	http.StatusNotFound:              {errorBody{"notFound", "there is no configuration dev/DEFAULT_GROUP/app.yaml"}},
	http.StatusConflict:              {errorBody{"conflict", "dev/DEFAULT_GROUP/app.yaml has the md5 5eb63bbbe01eeed093cb22bb8f5acdc3, not the one given"}},
	http.StatusRequestEntityTooLarge: {errorBody{"limited", "the content of app.yaml has 10485761 bytes, at most 10485760 are allowed (setting max-config-size)"}},
	http.StatusTooManyRequests:       {errorBody{"limited", "there are 100000 namespaces, the most that may be"}},
	http.StatusInternalServerError:   {errorBody{"internal", "internal error"}},
	http.StatusServiceUnavailable:    {errorBody{"unavailable", "the server is stopping"}},
}

// statusOf returns the HTTP status of a fault.
func statusOf(err error) int {
	switch fault.KindOf(err) {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Denied:
		return http.StatusForbidden
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Limited:
		switch fault.CodeOf(err) {
		case config.CodeTooLarge, config.CodeMaxSize, transfer.CodeTooMuch:
			return http.StatusRequestEntityTooLarge
		case config.CodeQuotaCluster, config.CodeQuotaGroup, config.CodeQuotaNamespace, config.CodeGrayTooMany:
			return http.StatusForbidden
		}
		return http.StatusTooManyRequests
	}
	return http.StatusInternalServerError
}

// fail answers a refusal. It is where an internal error ends: in the log.
func (a *api) fail(c *fiber.Ctx, err error) error {
	var routing *fiber.Error
	if errors.As(err, &routing) {
		return answerError(c, routing.Code, fault.Invalid, routing.Message)
	}
	status := statusOf(err)
	switch status {
	case http.StatusInternalServerError:
		a.Log.Error("request of the API failed", "method", c.Method(), "path", c.Path(), "err", err)
	case http.StatusServiceUnavailable:
		c.Set(fiber.HeaderRetryAfter, "1")
	}
	return answerError(c, status, fault.KindOf(err), fault.TextOf(err))
}

func answerError(c *fiber.Ctx, status int, kind fault.Kind, message string) error {
	return c.Status(status).JSON(errorAnswer{errorBody{kind.String(), message}})
}
