package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"html"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"nacre/server/fault"
	"nacre/web/conn"
)

// page is the answer of Nacos' servlet container to what no handler answers.
type page struct {
	Timestamp string `json:"timestamp"`
	Status    int    `json:"status"`
	Error     string `json:"error"`
	Message   string `json:"message"`
	Path      string `json:"path"`
}

// container answers as Nacos' servlet container does: with JSON, or a page for a client that asks for HTML.
func (s *Server) container(ctx *fasthttp.RequestCtx, status int, message string) {
	path := string(ctx.URI().PathOriginal())
	if bytes.Contains(ctx.Request.Header.Peek(fiber.HeaderAccept), []byte("text/html")) {
		title := html.EscapeString(strconv.Itoa(status) + " " + reason(status))
		ctx.SetContentType("text/html;charset=UTF-8")
		ctx.SetStatusCode(status)
		ctx.SetBodyString("<!doctype html><html><head><title>" + title + "</title></head><body><h1>" + title + "</h1><p>" +
			html.EscapeString(message) + "</p></body></html>")
		return
	}
	body, err := json.Marshal(page{
		Timestamp: s.cfg.Clock.Now().UTC().Format("2006-01-02T15:04:05.000+00:00"),
		Status:    status, Error: reason(status), Message: message, Path: path,
	})
	if err != nil {
		body = []byte("{}") // strings always marshal
	}
	kind := "application/json"
	if strings.HasPrefix(path, "/nacos/v1/cs/") {
		kind = "application/json;charset=UTF-8"
	}
	ctx.SetContentType(kind)
	ctx.SetStatusCode(status)
	ctx.SetBody(body)
}

func reason(status int) string {
	switch status {
	case fiber.StatusRequestEntityTooLarge:
		return "Payload Too Large"
	default:
		return fasthttp.StatusMessage(status)
	}
}

// statusOf maps faults that no API worded itself.
var statusOf = map[fault.Kind]int{
	fault.Internal:    fiber.StatusInternalServerError,
	fault.Invalid:     fiber.StatusBadRequest,
	fault.NotFound:    fiber.StatusNotFound,
	fault.Conflict:    fiber.StatusConflict,
	fault.Denied:      fiber.StatusForbidden,
	fault.Limited:     fiber.StatusTooManyRequests,
	fault.Unavailable: fiber.StatusServiceUnavailable,
}

// onError answers what a handler returned, and what no route took.
func (s *Server) onError(c *fiber.Ctx, err error) error {
	ctx := c.Context()
	var fe *fiber.Error
	if !errors.As(err, &fe) {
		status := statusOf[fault.KindOf(err)]
		if status >= 500 {
			s.cfg.Log.Error("a request failed", "method", c.Method(), "path", c.Path(), "error", err)
		}
		s.container(ctx, status, fault.TextOf(err))
		return nil
	}
	path := string(ctx.URI().PathOriginal())
	unrouted := err == error(fiber.ErrMethodNotAllowed) || fe.Code == fiber.StatusNotFound && strings.HasPrefix(fe.Message, "Cannot "+c.Method()+" ")
	switch {
	case !unrouted:
		s.container(ctx, fe.Code, fe.Message)
	case c.Method() == fiber.MethodOptions && fe.Code == fiber.StatusMethodNotAllowed:
		c.Set(fiber.HeaderAllow, strings.Join(allowed(c, true), ","))
		c.Status(fiber.StatusOK)
	case strings.HasPrefix(path, "/nacos/v1/ns/"):
		c.Response().Header.Del(fiber.HeaderAllow)
		s.container(ctx, fiber.StatusNotImplemented, "no such api:"+c.Method()+":"+path)
	case fe.Code == fiber.StatusMethodNotAllowed:
		c.Set(fiber.HeaderAllow, strings.Join(allowed(c, false), ", "))
		s.container(ctx, fe.Code, "Method '"+c.Method()+"' is not supported.")
	default:
		s.container(ctx, fe.Code, "No endpoint "+c.Method()+" "+path+".")
	}
	return nil
}

// allowed returns the methods that Fiber found for the path; with all also those that every path takes.
func allowed(c *fiber.Ctx, all bool) []string {
	var out []string
	for _, m := range strings.Split(c.GetRespHeader(fiber.HeaderAllow), ",") {
		m = strings.TrimSpace(m)
		if m != "" && m != fiber.MethodOptions && (all || m != fiber.MethodHead) {
			out = append(out, m)
		}
	}
	if all {
		out = append(out, fiber.MethodOptions)
	}
	return slices.Compact(out)
}

// maxHead is the size in bytes of the largest request head: an old SDK puts whole configurations into the URL.
const maxHead = 512 << 10

// onUnreadable answers a request that could not be read. The connection is closed afterwards.
func (s *Server) onUnreadable(ctx *fasthttp.RequestCtx, err error) {
	var small *fasthttp.ErrSmallBuffer
	var ne net.Error
	c, _ := conn.Of(ctx)
	if errors.As(err, &small) && c.HandOver(ctx) {
		return
	}
	size := int64(ctx.Request.Header.ContentLength())
	up, large := s.uploads.release(ctx)
	if large {
		ctx.Request.SetRequestURI(up.path)
	}
	status := fiber.StatusBadRequest
	switch {
	case errors.As(err, &small):
		status = fiber.StatusRequestHeaderFieldsTooLarge
		s.container(ctx, status, tooLong())
	case errors.Is(err, fasthttp.ErrBodyTooLarge) && large && up.size == 0:
		status = fiber.StatusServiceUnavailable
		s.container(ctx, status, "too many large requests are being read, try again")
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		status = fiber.StatusRequestEntityTooLarge
		s.container(ctx, status, s.tooLarge(size))
	case errors.As(err, &ne) && ne.Timeout():
		status = fiber.StatusRequestTimeout
		s.container(ctx, status, "the request did not arrive in time")
	default:
		s.container(ctx, status, "the request is not valid HTTP or ended too early")
	}
	c.Linger()
	s.account(ctx, familyOf(ctx.Path()))
}

// onExpect decides whether a client that asks before sending a body may do so.
func (s *Server) onExpect(ctx *fasthttp.RequestCtx) int {
	size := int64(ctx.Request.Header.ContentLength())
	if size <= int64(s.cfg.Settings.BodyLimit()) {
		return fasthttp.StatusContinue
	}
	s.container(ctx, fiber.StatusRequestEntityTooLarge, s.tooLarge(size))
	s.account(ctx, familyOf(ctx.Path()))
	return fiber.StatusRequestEntityTooLarge
}
