package conn

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// sized answers a request for /N with N bytes.
func sized(ctx *fasthttp.RequestCtx) {
	n, err := strconv.Atoi(string(ctx.Path()[1:]))
	if err != nil {
		ctx.Error("not a number", fasthttp.StatusBadRequest)
		return
	}
	ctx.SetBodyString(bodyOf(n))
}

// bodyOf returns n bytes, no two parts of them alike.
func bodyOf(n int) string { return numbers()[:n] }

var numbers = sync.OnceValue(func() string {
	b := make([]byte, 0, 4<<20)
	for i := 0; len(b) < 3<<20; i++ {
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, ',')
	}
	return string(b)
})

func TestAnswersOfAllSizesArriveWhole(t *testing.T) {
	s := start(t, func(c *Config) { c.Handler = sized })
	sizes := []int{0, 1, 9000, 2 * writeBuffer, 100_000, 3 << 20}
	for n := writeBuffer - 300; n <= writeBuffer+10; n++ { // among them those that fill the buffer with their head exactly
		sizes = append(sizes, n)
	}
	request := func(n int, more string) string {
		return fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: h\r\n%s\r\n", n, more)
	}
	check := func(r *bufio.Reader, n int) {
		t.Helper()
		if code, body := answerOf(t, r); code != 200 || body != bodyOf(n) {
			t.Fatalf("%d: got %d and %d bytes", n, code, len(body))
		}
	}
	c, r := dial(t, s.addr)
	for _, n := range sizes {
		_, _ = io.WriteString(c, request(n, ""))
		check(r, n)
	}
	go func() {
		var all strings.Builder
		for _, n := range sizes {
			all.WriteString(request(n, ""))
		}
		_, _ = io.WriteString(c, all.String())
	}()
	for _, n := range sizes {
		check(r, n)
	}
	for _, n := range sizes {
		c, r := dial(t, s.addr)
		_, _ = io.WriteString(c, request(n, "Connection: close\r\n"))
		check(r, n)
		if _, err := r.ReadByte(); err != io.EOF {
			t.Fatalf("%d: after the answer came %v", n, err)
		}
	}
}

func TestAnAnswerAboveTheBufferLeavesInOnePiece(t *testing.T) {
	s := start(t, func(c *Config) { c.Handler = sized })
	c, _ := dial(t, s.addr)
	b := make([]byte, 64<<10)
	for range 100 {
		_, _ = io.WriteString(c, "GET /6000 HTTP/1.1\r\nHost: h\r\n\r\n")
		n, err := c.Read(b)
		if err != nil || !bytes.HasSuffix(b[:n], []byte(bodyOf(6000))) {
			t.Fatalf("the first read got %d bytes, %v", n, err)
		}
	}
}

func TestTheHeadAloneIsNotHeld(t *testing.T) {
	s := start(t, func(c *Config) {
		c.Handler = func(ctx *fasthttp.RequestCtx) {
			ctx.Response.Header.Set("X", strings.Repeat("x", 2*writeBuffer))
			sized(ctx)
		}
	})
	c, r := dial(t, s.addr)
	for range 3 {
		_, _ = io.WriteString(c, "HEAD /6000 HTTP/1.1\r\nHost: h\r\n\r\n")
		resp, err := http.ReadResponse(r, &http.Request{Method: http.MethodHead})
		if err != nil || resp.ContentLength != 6000 {
			t.Fatalf("got %+v, %v", resp, err)
		}
	}
}

// A stream's reader gets each part when it is written, not when the next one comes.
func TestPartsOfAStreamAreNotHeld(t *testing.T) {
	read := make(chan struct{})
	s := start(t, func(c *Config) {
		c.Handler = func(ctx *fasthttp.RequestCtx) {
			if string(ctx.Path()) != "/stream" {
				sized(ctx)
				return
			}
			ctx.SetBodyStreamWriter(func(w *bufio.Writer) {
				for range 4 {
					_, _ = w.WriteString(bodyOf(writeBuffer))
					_ = w.Flush()
					select {
					case <-read:
					case <-time.After(10 * time.Second):
						return
					}
				}
			})
		}
	})
	c, r := dial(t, s.addr)
	_, _ = io.WriteString(c, "GET /6000 HTTP/1.1\r\nHost: h\r\n\r\nGET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
	if code, body := answerOf(t, r); code != 200 || body != bodyOf(6000) {
		t.Fatalf("got %d and %d bytes", code, len(body))
	}
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b := make([]byte, writeBuffer)
	for n := range 4 {
		if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != bodyOf(writeBuffer) {
			t.Fatalf("part %d: %v", n, err)
		}
		read <- struct{}{}
	}
}

func TestAClientThatReadsNothingHoldsNobodyUp(t *testing.T) {
	endless := make([]byte, 50<<20)
	s := start(t, func(c *Config) { c.Handler = func(ctx *fasthttp.RequestCtx) { ctx.Response.SetBodyRaw(endless) } })
	c, _ := dial(t, s.addr)
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	eventually(t, func() error {
		if a := s.Stats().Active; a != 1 {
			return fmt.Errorf("%d connections have a goroutine", a)
		}
		return nil
	})
	c.Close()
	eventually(t, func() error {
		if st := s.Stats(); st.Open != 0 {
			return fmt.Errorf("%d connections are open", st.Open)
		}
		return nil
	})
}
