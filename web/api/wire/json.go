package wire

import (
	"encoding/binary"
	"math/bits"
)

// The bytes of a word, each 0x01 and each 0x80.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// AppendJSON appends UTF-8 text as a JSON string. It looks at eight bytes at a time for one that
// needs an escape, so that most of a content is just copied.
func AppendJSON(b, text []byte) []byte {
	b = append(b, '"')
	for len(text) > 0 {
		n := plainPrefix(text)
		b = append(b, text[:n]...)
		text = text[n:]
		// Escapes stand close together where there are any: line ends after quotes, quotes around keys.
		for len(text) > 0 && escapes[text[0]] != 0 {
			b = appendEscape(b, text[0])
			text = text[1:]
		}
	}
	return append(b, '"')
}

// plainPrefix returns how many bytes at the start of text need no escape.
func plainPrefix(text []byte) int {
	i := 0
	for ; i+8 <= len(text); i += 8 {
		w := binary.LittleEndian.Uint64(text[i:])
		if m := mustEscape(w); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(text); i++ {
		if escapes[text[i]] != 0 {
			break
		}
	}
	return i
}

// mustEscape returns a word whose lowest bit set is in the first byte of w that is a control
// character, a quote or a backslash; higher bits may be wrong.
func mustEscape(w uint64) uint64 {
	quote := w ^ ones*'"'
	slash := w ^ ones*'\\'
	return (((w - ones*0x20) & ^w) | ((quote - ones) & ^quote) | ((slash - ones) & ^slash)) & highs
}

// escapes has for each byte that needs an escape the letter after the backslash, 'u' for the long form.
var escapes = func() (t [256]byte) {
	for c := range 0x20 {
		t[c] = 'u'
	}
	t['\b'], t['\t'], t['\n'], t['\f'], t['\r'], t['"'], t['\\'] = 'b', 't', 'n', 'f', 'r', '"', '\\'
	return t
}()

func appendEscape(b []byte, c byte) []byte {
	e := escapes[c]
	if e != 'u' {
		return append(b, '\\', e)
	}
	const hex = "0123456789ABCDEF"
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
