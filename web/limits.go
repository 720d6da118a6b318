package web

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
	"golang.org/x/sync/semaphore"
)

// Bodies of at least largeBody count against what may be in memory at once: uploadBudget, or eight of
// the largest. One that finds no room waits for uploadWait before it is refused.
const (
	largeBody    = 1 << 20
	uploadBudget = 256 << 20
	uploadWait   = 10 * time.Second
)

// uploads bounds the memory that request bodies take while they are read and handled.
//
// fasthttp asks once the head is read, and tells the request by its header's address, which is the same
// until the request has been handled. A header that comes again has ended its last request.
type uploads struct {
	limit int64
	room  *semaphore.Weighted
	n     atomic.Int64 // len(held), read without the lock

	mu   sync.Mutex
	held map[*fasthttp.RequestHeader]upload
}

// upload is a large body under way.
type upload struct {
	size int64  // bytes; 0 for one that was refused for want of room
	path string // fasthttp forgets it when reading fails
}

func newUploads(limit int64) *uploads {
	return &uploads{limit: limit, room: semaphore.NewWeighted(max(uploadBudget, 8*limit)), held: make(map[*fasthttp.RequestHeader]upload)}
}

// received is called when a head was read.
func (u *uploads) received(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	size := int64(h.ContentLength())
	if size == -1 {
		size = u.limit // in chunks, of which nobody knows the sum
	}
	if size < 64<<10 || size > u.limit {
		return fasthttp.RequestConfig{}
	}
	cfg := fasthttp.RequestConfig{ReadTimeout: readTimeout(size)}
	if size < largeBody {
		return cfg
	}
	u.forget(h)
	ctx, cancel := context.WithTimeout(context.Background(), uploadWait)
	defer cancel()
	if u.room.Acquire(ctx, size) != nil {
		cfg.MaxRequestBodySize, size = 1, 0
	}
	u.mu.Lock()
	path, _, _ := strings.Cut(string(h.RequestURI()), "?")
	u.held[h] = upload{size, path}
	u.n.Store(int64(len(u.held)))
	u.mu.Unlock()
	return cfg
}

// release is called when a request has been handled or could not be read. It frees a large body at once, as
// the connection would keep its memory, and returns what is known of it; false when it was not large.
func (u *uploads) release(ctx *fasthttp.RequestCtx) (upload, bool) {
	if u.n.Load() == 0 {
		return upload{}, false
	}
	up, ok := u.forget(&ctx.Request.Header)
	if ok && !ctx.Hijacked() {
		ctx.Request.SwapBody(nil)
	}
	return up, ok
}

func (u *uploads) forget(h *fasthttp.RequestHeader) (upload, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	up, ok := u.held[h]
	if !ok {
		return upload{}, false
	}
	delete(u.held, h)
	u.n.Store(int64(len(u.held)))
	u.room.Release(up.size)
	return up, true
}

// tooLarge words that a body is too large; size counts when it is known.
func (s *Server) tooLarge(size int64) string {
	limit := s.cfg.Settings.BodyLimit()
	if size <= int64(limit) {
		return fmt.Sprintf("the body has more than %d bytes, which is the limit (max-config-size is %d)", limit, s.cfg.Settings.MaxConfigSize)
	}
	return fmt.Sprintf("the body has %d bytes, the limit is %d (max-config-size is %d)", size, limit, s.cfg.Settings.MaxConfigSize)
}

// maxPairs is how many pairs a query, a form or the cookies may have for a page: Fiber keeps more than 70 bytes for each, however
// short it is. The API has a parser of its own, which stops there.
const maxPairs = 10_000

// overfull reports whether a request for a page has more pairs than anybody needs.
func overfull(ctx *fasthttp.RequestCtx) bool {
	h := &ctx.Request.Header
	return over(ctx.URI().QueryString(), "&") || over(h.Peek(fiber.HeaderCookie), ";") ||
		bytes.HasPrefix(h.ContentType(), []byte(fiber.MIMEApplicationForm)) && over(ctx.Request.Body(), "&")
}

func over(pairs []byte, sep string) bool {
	return len(pairs) > maxPairs && bytes.Count(pairs, []byte(sep)) > maxPairs
}

func tooLong() string {
	return fmt.Sprintf("the request's head (line and headers) has more than %d bytes, which is the limit", maxHead)
}
