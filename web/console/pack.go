package console

import (
	"bytes"
	"compress/gzip"
	"io"
	"sync"

	"github.com/gofiber/fiber/v2"
)

// minPacked is the size in bytes below which packing saves nothing.
const minPacked = 1400

var packers = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is one that there is
	}
	return w
}}

// send answers with text, packed where the reader takes that: a page of a list is a tenth of its size then. That a page has both
// what a link says and the token of its forms gives nothing away by its length: the token looks different each time.
func send(c *fiber.Ctx, text []byte) error {
	c.Append(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	if len(text) < minPacked || !c.Context().Request.Header.HasAcceptEncoding("gzip") {
		return c.Send(text)
	}
	var b bytes.Buffer
	w := packers.Get().(*gzip.Writer)
	defer packers.Put(w)
	w.Reset(&b)
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentEncoding, "gzip")
	return c.Send(b.Bytes())
}
