package wire

import (
	"bytes"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
)

// inlinePairs is how many parameters need no allocation; a publish with all its attributes has 14.
const inlinePairs = 16

// maxPairs bounds the parameters of one request; those beyond it are not seen, as in Tomcat.
const maxPairs = 10_000

// Params are a request's parameters as a servlet sees them: the query string and the form body are
// one namespace, the query first. Names and values are UTF-8 whatever the request says its charset
// is, a pair whose percent encoding is broken is not there, and empty pairs are skipped.
//
// The zero value is empty; Parse fills it. It must not be used after its handler returned.
type Params struct {
	n      int
	inline [inlinePairs]pair
	more   []pair
}

// pair is a parameter as it was sent; value stays encoded until somebody asks for it.
type pair struct {
	name, value []byte
	encoded     bool
}

// paramsPool holds Params, which are large for an allocation at each request.
var paramsPool = sync.Pool{New: func() any { return new(Params) }}

// ParamsOf returns the parameters of c's request. Whoever takes them gives them back with Release
// when the handler is done.
func ParamsOf(c *fiber.Ctx) *Params {
	p := paramsPool.Get().(*Params)
	p.Parse(c)
	return p
}

// Release gives p back.
func (p *Params) Release() {
	clear(p.inline[:min(p.n, inlinePairs)])
	p.n, p.more = 0, nil
	paramsPool.Put(p)
}

// Parse reads the parameters of c's request: those of the query and, for every method but GET and
// HEAD, those of a form body, multipart included.
func (p *Params) Parse(c *fiber.Ctx) {
	ctx := c.Context()
	p.n, p.more = 0, nil
	p.add(ctx.URI().QueryString())
	if ctx.IsGet() || ctx.IsHead() {
		return
	}
	kind := ctx.Request.Header.ContentType()
	switch {
	case hasPrefixFold(kind, "application/x-www-form-urlencoded"):
		p.add(ctx.Request.Body())
	case hasPrefixFold(kind, "multipart/form-data"):
		form, err := c.MultipartForm()
		if err != nil {
			return // a broken body has no parameters, as in Tomcat
		}
		for name, values := range form.Value {
			for _, v := range values {
				p.append(pair{name: []byte(name), value: []byte(v)})
			}
		}
	}
}

// ParseText reads the parameters of an encoded form or query string.
func (p *Params) ParseText(encoded []byte) {
	p.n, p.more = 0, nil
	p.add(encoded)
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && strings.EqualFold(textOf(b[:len(prefix)]), prefix)
}

func (p *Params) add(encoded []byte) {
	for len(encoded) > 0 && p.n < maxPairs {
		one := encoded
		if i := bytes.IndexByte(encoded, '&'); i >= 0 {
			one, encoded = encoded[:i], encoded[i+1:]
		} else {
			encoded = nil
		}
		if len(one) == 0 {
			continue
		}
		name, value, _ := bytes.Cut(one, []byte{'='})
		if len(name) == 0 {
			continue
		}
		n := pair{name: name, value: value, encoded: isEncoded(value)}
		if isEncoded(name) {
			if !wellEncoded(name) {
				continue
			}
			n.name = decode(name)
		}
		if n.encoded && !wellEncoded(value) {
			continue
		}
		p.append(n)
	}
}

func (p *Params) append(one pair) {
	if p.n < inlinePairs {
		p.inline[p.n] = one
	} else {
		p.more = append(p.more, one)
	}
	p.n++
}

func (p *Params) at(i int) *pair {
	if i < inlinePairs {
		return &p.inline[i]
	}
	return &p.more[i-inlinePairs]
}

func isEncoded(b []byte) bool {
	return bytes.IndexByte(b, '%') >= 0 || bytes.IndexByte(b, '+') >= 0
}

// wellEncoded reports whether each '%' is followed by two hexadecimal digits.
func wellEncoded(b []byte) bool {
	for i := bytes.IndexByte(b, '%'); i >= 0 && i < len(b); {
		if i+2 >= len(b) || unhex(b[i+1]) < 0 || unhex(b[i+2]) < 0 {
			return false
		}
		next := bytes.IndexByte(b[i+3:], '%')
		if next < 0 {
			break
		}
		i += 3 + next
	}
	return true
}

// decode returns a decoded copy of b, which must be well encoded.
func decode(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch c := b[i]; c {
		case '%':
			out = append(out, byte(unhex(b[i+1])<<4|unhex(b[i+2])))
			i += 2
		case '+':
			out = append(out, ' ')
		default:
			out = append(out, c)
		}
	}
	return out
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// bytesOf returns the value of pair i, decoded.
func (p *Params) bytesOf(i int) []byte {
	one := p.at(i)
	if one.encoded {
		one.value, one.encoded = decode(one.value), false
	}
	return one.value
}

// find returns the index of the first pair called name at or after from, -1 when there is none.
func (p *Params) find(name string, from int) int {
	for i := from; i < p.n; i++ {
		if string(p.at(i).name) == name {
			return i
		}
	}
	return -1
}

// Has reports whether there is a parameter called name, be it empty.
func (p *Params) Has(name string) bool { return p.find(name, 0) >= 0 }

// Is reports whether a parameter called name has exactly this value, as Nacos chooses among the
// handlers of one path.
func (p *Params) Is(name, value string) bool {
	for i := p.find(name, 0); i >= 0; i = p.find(name, i+1) {
		if string(p.bytesOf(i)) == value {
			return true
		}
	}
	return false
}

// First returns the first value called name, as a servlet's getParameter does. The string is good
// until the handler returns.
func (p *Params) First(name string) (string, bool) {
	i := p.find(name, 0)
	if i < 0 {
		return "", false
	}
	return textOf(p.bytesOf(i)), true
}

// View returns the value called name, the values of a name that is there twice joined with commas,
// as Spring binds them. The string is good until the handler returns; what lives longer uses Get.
func (p *Params) View(name string) (string, bool) {
	i := p.find(name, 0)
	if i < 0 {
		return "", false
	}
	next := p.find(name, i+1)
	if next < 0 {
		return textOf(p.bytesOf(i)), true
	}
	joined := bytes.Clone(p.bytesOf(i))
	for ; next >= 0; next = p.find(name, next+1) {
		joined = append(append(joined, ','), p.bytesOf(next)...)
	}
	return textOf(joined), true
}

// Bytes is View for a value that may be large: the bytes are good until the handler returns, must
// not be changed, and need not be UTF-8.
func (p *Params) Bytes(name string) ([]byte, bool) {
	v, ok := p.View(name)
	return unsafeBytes(v), ok
}

// Get returns a copy of the value called name, joined as View does. Bytes that are not UTF-8 become
// U+FFFD.
func (p *Params) Get(name string) (string, bool) {
	v, ok := p.View(name)
	if !ok {
		return "", false
	}
	if !utf8.ValidString(v) {
		return strings.ToValidUTF8(v, "\uFFFD"), true
	}
	return strings.Clone(v), true
}

// Text returns Get's value, "" when there is none.
func (p *Params) Text(name string) string {
	v, _ := p.Get(name)
	return v
}

// Optional returns Get's value, nil when there is none.
func (p *Params) Optional(name string) *string {
	if v, ok := p.Get(name); ok {
		return &v
	}
	return nil
}

// Names calls f for each parameter in the order sent; the strings are good until the handler returns.
func (p *Params) Names(f func(name, value string)) {
	for i := range p.n {
		f(textOf(p.at(i).name), textOf(p.bytesOf(i)))
	}
}
