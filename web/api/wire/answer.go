package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"html"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/server/clock"
	"nacre/server/fault"
)

// Content types as Nacos labels its answers.
const (
	JSON     = "application/json"
	JSONUTF8 = "application/json;charset=UTF-8"
	Text     = "text/plain;charset=UTF-8"
	Zip      = "application/octet-stream"
)

var (
	headerCacheControl = []byte("Cache-Control")
	headerPragma       = []byte("Pragma")
	headerExpires      = []byte("Expires")
	noCacheNoStore     = []byte("no-cache,no-store")
	noCache            = []byte("no-cache")
	epoch              = []byte("Thu, 01 Jan 1970 00:00:00 GMT")
)

// NoCache sets the three headers that Nacos' handlers of configurations send against caching.
func NoCache(c *fiber.Ctx) {
	h := &c.Context().Response.Header
	h.SetCanonical(headerPragma, noCache)
	h.SetCanonical(headerExpires, epoch)
	h.SetCanonical(headerCacheControl, noCacheNoStore)
}

// Result is the envelope of v2 and v3.
type Result struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data"`
}

// RestResult is the envelope of v1.
type RestResult struct {
	Code    int     `json:"code"`
	Message *string `json:"message"`
	Data    any     `json:"data"`
	NoRight bool    `json:"noRight"`
}

// Rest returns v1's envelope of a success; message "" stands for none.
func Rest(message string, data any) RestResult { return RestOf(200, message, data) }

// RestOf returns v1's envelope with a code of its own; message "" stands for none.
func RestOf(code int, message string, data any) RestResult {
	r := RestResult{Code: code, Data: data}
	if message != "" {
		r.Message = &message
	}
	return r
}

// SendJSON answers with v as JSON under a content type.
func SendJSON(c *fiber.Ctx, status int, contentType string, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	return SendRaw(c, status, contentType, bytes.TrimSuffix(b.Bytes(), []byte{'\n'}))
}

// SendText answers with a text under a content type.
func SendText(c *fiber.Ctx, status int, contentType, text string) error {
	r := &c.Context().Response
	r.SetStatusCode(status)
	setType(c, contentType)
	r.SetBodyString(text)
	return nil
}

// SendRaw answers with body, which must not change any more, under a content type.
func SendRaw(c *fiber.Ctx, status int, contentType string, body []byte) error {
	r := &c.Context().Response
	r.SetStatusCode(status)
	setType(c, contentType)
	r.SetBodyRaw(body)
	return nil
}

// setType sets the content type; "" sends none, and has browsers not guess HTML.
func setType(c *fiber.Ctx, contentType string) {
	h := &c.Context().Response.Header
	if contentType == "" {
		h.SetNoDefaultContentType(true)
		h.Set(fiber.HeaderXContentTypeOptions, "nosniff")
		return
	}
	h.SetContentType(contentType)
}

// OK answers with the envelope of v2 and v3 around data.
func OK(c *fiber.Ctx, data any) error {
	return SendJSON(c, fiber.StatusOK, JSON, Result{Code: Success, Message: "success", Data: data})
}

// Fail answers with the envelope of v2 and v3 for err, or as Nacos' parameter check does for a CheckFailure. An error that is no fault is logged, with the
// request's method and path, and shown as an internal one.
func Fail(c *fiber.Ctx, log *slog.Logger, err error) error {
	var check CheckFailure
	if errors.As(err, &check) {
		return SendCheckFailure(c, string(check))
	}
	LogInternal(c, log, err)
	r := RefusalOf(err)
	return SendJSON(c, r.Status, JSON, Result{Code: r.Code, Message: r.Code.Text(), Data: r.Text})
}

// LogInternal logs err when a person outside is not told what it says.
func LogInternal(c *fiber.Ctx, log *slog.Logger, err error) {
	if r := RefusalOf(err); r.Status >= 500 && fault.KindOf(err) == fault.Internal {
		if _, said := err.(*Refusal); !said {
			log.Error("a request failed", "method", c.Method(), "path", c.Path(), "error", err)
		}
	}
}

// SendCheckFailure answers as Nacos' parameter check does.
func SendCheckFailure(c *fiber.Ctx, text string) error {
	NoCache(c)
	contentType := ""
	if underConfigV1(c) {
		contentType = JSONUTF8
	}
	return SendText(c, fiber.StatusBadRequest, contentType, text+"\r\n")
}

// underConfigV1 reports whether Nacos labels every answer of c's path as JSON.
func underConfigV1(c *fiber.Ctx) bool {
	return strings.HasPrefix(strings.TrimPrefix(c.Path(), "/nacos"), "/v1/cs")
}

// containerError is the error page of Nacos' servlet container.
type containerError struct {
	Timestamp string `json:"timestamp"`
	Status    int    `json:"status"`
	Error     string `json:"error"`
	Message   string `json:"message"`
	Path      string `json:"path"`
}

// SendContainerError answers with the error page of Nacos' servlet container: JSON, or HTML for a
// browser.
func SendContainerError(c *fiber.Ctx, now clock.Clock, status int, message string) error {
	path := string(c.Request().URI().PathOriginal())
	if strings.Contains(c.Get(fiber.HeaderAccept), "text/html") {
		return SendText(c, status, "text/html;charset=UTF-8", "<!doctype html><html><head><title>"+http.StatusText(status)+
			"</title></head><body><h1>"+strconv.Itoa(status)+" "+http.StatusText(status)+"</h1><p>"+html.EscapeString(message)+"</p></body></html>")
	}
	contentType := JSON
	if underConfigV1(c) {
		contentType = JSONUTF8
	}
	return SendJSON(c, status, contentType, containerError{
		Timestamp: ISOTime(now.Now()), Status: status, Error: http.StatusText(status), Message: message, Path: path,
	})
}

// SendNotFound answers a path that does not exist, as Nacos does.
func SendNotFound(c *fiber.Ctx, now clock.Clock) error {
	path := string(c.Request().URI().PathOriginal())
	if strings.HasPrefix(path, "/nacos/v1/ns/") || path == "/nacos/v1/ns" {
		return SendContainerError(c, now, fiber.StatusNotImplemented, "no such api:"+c.Method()+":"+path)
	}
	return SendContainerError(c, now, fiber.StatusNotFound, "No endpoint "+c.Method()+" "+path+".")
}

// ISOTime returns t as Nacos writes times in JSON: ISO 8601 with milliseconds and zone, in local time.
func ISOTime(t time.Time) string { return t.Local().Format("2006-01-02T15:04:05.000-07:00") }

// ISOMillis is ISOTime of a number of milliseconds since 1970.
func ISOMillis(ms int64) string { return ISOTime(time.UnixMilli(ms)) }

// NullText returns s for JSON, null when it is empty.
func NullText(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// ID returns a row id as Nacos' JSON has it: a string.
func ID(id int64) string { return strconv.FormatInt(id, 10) }
