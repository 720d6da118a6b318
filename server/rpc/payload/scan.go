package payload

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A body is read by one pass that validates it wholly and hands out its fields; no tree is built. Its
// rules are those of Nacos' reader (grpc.md §2): unknown fields are skipped, null reads as absent, a number or
// truth value is taken for a text, a text for a number or truth value where it reads as one.

// kind is what a JSON value begins with.
type kind uint8

const (
	null kind = iota
	text
	number
	truth
	object
	array
)

// Value is one JSON value of a body; it aliases the body.
type Value struct {
	raw     []byte
	kind    kind
	escaped bool // a text with an escape in it
}

// ErrBody is what is wrong with a body that is not JSON, or of which a field has a type that can't be taken.
var ErrBody = errors.New("Nacos deserialize failed.")

// maxDepth is how deeply values may be nested.
const maxDepth = 64

// Fields calls f for each field of the object that body is. A key that comes twice is handed out
// twice, so the last one counts. It returns ErrBody when body is not one JSON object, or what f returns.
func Fields(body []byte, f func(name string, v Value) error) error {
	s := scanner{b: body}
	s.space()
	v, ok := s.value(0)
	if !ok || v.kind != object {
		return ErrBody
	}
	if s.space(); s.i != len(s.b) {
		return ErrBody
	}
	return v.Fields(f)
}

// Fields calls f for each field of an object, which Fields of the body has found to be right.
func (v Value) Fields(f func(name string, v Value) error) error {
	if v.kind != object {
		return ErrBody
	}
	s := scanner{b: v.raw, i: 1, checked: true}
	for {
		s.space()
		if s.b[s.i] == '}' {
			return nil
		}
		key, _ := s.value(0)
		s.space()
		s.i++ // the colon
		s.space()
		x, _ := s.value(0)
		if err := f(key.name(), x); err != nil {
			return err
		}
		s.space()
		if s.b[s.i] == ',' {
			s.i++
		}
	}
}

// Items calls f for each item of an array; null has none.
func (v Value) Items(f func(v Value) error) error {
	if v.kind == null {
		return nil
	}
	if v.kind != array {
		return ErrBody
	}
	s := scanner{b: v.raw, i: 1, checked: true}
	for {
		s.space()
		if s.b[s.i] == ']' {
			return nil
		}
		x, _ := s.value(0)
		if err := f(x); err != nil {
			return err
		}
		s.space()
		if s.b[s.i] == ',' {
			s.i++
		}
	}
}

// Float sets *to to the value; null leaves it.
func (v Value) Float(to *float64) error {
	raw := string(v.raw)
	switch v.kind {
	case null:
		return nil
	case text:
		if raw = strings.TrimSpace(raw[1 : len(raw)-1]); raw == "" {
			*to = 0
			return nil
		}
	case number:
	default:
		return ErrBody
	}
	f, err := strconv.ParseFloat(raw, 64)
	if err != nil || math.IsInf(f, 0) || f != f {
		return ErrBody
	}
	*to = f
	return nil
}

// Map calls f for each field of an object whose values are texts. Those that are null are left out; null has none.
func (v Value) Map(f func(name, value string)) error {
	if v.kind == null {
		return nil
	}
	return v.Fields(func(name string, v Value) error {
		var value string
		given := false
		if err := v.Text(&value, &given); err != nil {
			return err
		}
		if given {
			f(name, value)
		}
		return nil
	})
}

// Text sets *to to a copy of the value's text, and *given to whether there is one; null leaves both.
func (v Value) Text(to *string, given *bool) error {
	switch v.kind {
	case null:
		return nil
	case object, array:
		return ErrBody
	}
	if v.escaped {
		*to = string(unescape(nil, v.Bytes()))
	} else {
		*to = string(v.Bytes())
	}
	if given != nil {
		*given = true
	}
	return nil
}

// Content is Text for a value that may be large: it is copied once. null leaves *to.
func (v Value) Content(to *[]byte) error {
	switch v.kind {
	case null:
		return nil
	case object, array:
		return ErrBody
	}
	*to = unescape(make([]byte, 0, len(v.Bytes())), v.Bytes())
	return nil
}

// TextLike is Text that takes like, without a copy, when that is what the text says: clients name the same group and
// namespace again and again.
func (v Value) TextLike(to *string, given *bool, like string) error {
	if v.kind == text && !v.escaped && string(v.raw[1:len(v.raw)-1]) == like {
		*to = like
		if given != nil {
			*given = true
		}
		return nil
	}
	return v.Text(to, given)
}

// Bytes returns a text without its quotes, escapes as they are, and any other value as it is written.
func (v Value) Bytes() []byte {
	if v.kind == text {
		return v.raw[1 : len(v.raw)-1]
	}
	return v.raw
}

// IsNull reports whether the value is null.
func (v Value) IsNull() bool { return v.kind == null }

// Bool sets *to to the value; null leaves it.
func (v Value) Bool(to *bool) error {
	raw := string(v.raw)
	switch v.kind {
	case null:
		return nil
	case text:
		raw = strings.TrimSpace(raw[1 : len(raw)-1])
	case number:
		n, err := strconv.ParseFloat(raw, 64)
		if err != nil {
			return ErrBody
		}
		*to = n != 0
		return nil
	}
	switch raw {
	case "true", "True", "TRUE":
		*to = true
	case "false", "False", "FALSE", "":
		*to = false
	default:
		return ErrBody
	}
	return nil
}

// Int sets *to to the value without its fraction; null leaves it.
func (v Value) Int(to *int64) error {
	raw := string(v.raw)
	switch v.kind {
	case null:
		return nil
	case text:
		if raw = strings.TrimSpace(raw[1 : len(raw)-1]); raw == "" {
			*to = 0
			return nil
		}
	case number:
	default:
		return ErrBody
	}
	if n, err := strconv.ParseInt(raw, 10, 64); err == nil {
		*to = n
		return nil
	}
	f, err := strconv.ParseFloat(raw, 64)
	if err != nil || f >= 1<<63 || f < -1<<63 || f != f {
		return ErrBody
	}
	*to = int64(f)
	return nil
}

// name returns the text of a key, mostly without a copy.
func (v Value) name() string {
	inner := v.raw[1 : len(v.raw)-1]
	if v.escaped {
		return string(unescape(nil, inner))
	}
	if known, ok := knownNames[string(inner)]; ok {
		return known
	}
	return string(inner)
}

// knownNames are the fields that requests have, so that reading them allocates nothing.
var knownNames = func() map[string]string {
	names := map[string]string{}
	for _, n := range []string{
		"headers", "requestId", "module", "dataId", "group", "tenant", "tag", "content", "casMd5", "additionMap", "listen",
		"configListenContexts", "md5", "notify", "type", "resultCode", "errorCode", "success", "message", "groupKeyPattern",
		"receivedGroupKeys", "watchType", "initializing", "appName", "desc", "use", "effect", "schema", "config_tags", "src_user",
		"betaIps", "encryptedDataKey", "metrics", "clientVersion", "labels", "abilityTable", "abilities", "clientAbilities",
		"source", "AppName", "taskId", "Vipserver-Tag", "Amory-Tag", "Location-Tag", "connectionId",
	} {
		names[n] = n
	}
	return names
}()

// scanner goes through JSON text once. With checked set the text is known to be right.
type scanner struct {
	b       []byte
	i       int
	checked bool
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// value reads the value at the scanner's place and moves behind it.
func (s *scanner) value(depth int) (v Value, ok bool) {
	if s.i >= len(s.b) || depth > maxDepth {
		return v, false
	}
	from := s.i
	switch c := s.b[s.i]; {
	case c == '"':
		v.kind = text
		v.escaped, ok = s.text()
	case c == '{':
		v.kind = object
		ok = s.object(depth)
	case c == '[':
		v.kind = array
		ok = s.array(depth)
	case c == 't':
		v.kind, ok = truth, s.word("true")
	case c == 'f':
		v.kind, ok = truth, s.word("false")
	case c == 'n':
		v.kind, ok = null, s.word("null")
	default:
		v.kind, ok = number, s.number()
	}
	v.raw = s.b[from:s.i]
	return v, ok
}

func (s *scanner) word(w string) bool {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return false
	}
	s.i += len(w)
	return true
}

// text moves behind a text.
func (s *scanner) text() (escaped, ok bool) {
	s.i++
	wide := false
	from := s.i
	for s.i < len(s.b) {
		c := s.b[s.i]
		switch {
		case plain[c]:
			s.i++
		case c == '"':
			if wide && !s.checked && !utf8.Valid(s.b[from:s.i]) {
				return escaped, false
			}
			s.i++
			return escaped, true
		case c == '\\':
			escaped = true
			if !s.escape() {
				return escaped, false
			}
		case c >= utf8.RuneSelf:
			wide = true
			s.i++
		default:
			return escaped, false // a control character
		}
	}
	return escaped, false
}

// escape moves behind an escape.
func (s *scanner) escape() bool {
	if s.i++; s.i >= len(s.b) {
		return false
	}
	switch s.b[s.i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.i++
		return true
	case 'u':
		if len(s.b)-s.i < 5 {
			return false
		}
		for _, c := range s.b[s.i+1 : s.i+5] {
			if c < '0' || c > '9' && c < 'A' || c > 'F' && c < 'a' || c > 'f' {
				return false
			}
		}
		s.i += 5
		return true
	}
	return false
}

func (s *scanner) number() bool {
	digits := func() bool {
		from := s.i
		for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
			s.i++
		}
		return s.i > from
	}
	at := func(c byte) bool { return s.i < len(s.b) && s.b[s.i] == c }
	if at('-') {
		s.i++
	}
	if at('0') {
		s.i++
	} else if !digits() {
		return false
	}
	if at('.') {
		if s.i++; !digits() {
			return false
		}
	}
	if at('e') || at('E') {
		if s.i++; at('+') || at('-') {
			s.i++
		}
		if !digits() {
			return false
		}
	}
	return true
}

// object moves behind an object, array behind an array.
func (s *scanner) object(depth int) bool { return s.list('}', depth, s.key) }

func (s *scanner) array(depth int) bool { return s.list(']', depth, nil) }

// key moves behind a key and its colon.
func (s *scanner) key() bool {
	if s.b[s.i] != '"' {
		return false
	}
	if _, ok := s.text(); !ok {
		return false
	}
	if s.space(); s.i >= len(s.b) || s.b[s.i] != ':' {
		return false
	}
	s.i++
	s.space()
	return true
}

// list moves behind values with commas between them, each after what before reads, up to the closing one.
func (s *scanner) list(closing byte, depth int, before func() bool) bool {
	s.i++
	for first := true; ; first = false {
		if s.space(); s.i >= len(s.b) {
			return false
		}
		if first && s.b[s.i] == closing {
			s.i++
			return true
		}
		if before != nil && !before() {
			return false
		}
		if _, ok := s.value(depth + 1); !ok {
			return false
		}
		if s.space(); s.i >= len(s.b) {
			return false
		}
		switch s.b[s.i] {
		case ',':
			s.i++
		case closing:
			s.i++
			return true
		default:
			return false
		}
	}
}

// unescape appends a text that was found to be right with its escapes resolved. Half a surrogate pair becomes U+FFFD.
func unescape(out, b []byte) []byte {
	for {
		i := bytes.IndexByte(b, '\\')
		if i < 0 {
			return append(out, b...)
		}
		out = append(out, b[:i]...)
		c := b[i+1]
		b = b[i+2:]
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r := hex4(b)
			b = b[4:]
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if len(b) >= 6 && b[0] == '\\' && b[1] == 'u' {
					low = hex4(b[2:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					b = b[6:]
				}
			}
			out = utf8.AppendRune(out, r)
			continue
		}
		out = append(out, c)
	}
}

func hex4(b []byte) rune {
	var r rune
	for _, c := range b[:4] {
		switch {
		case c <= '9':
			r = r<<4 | rune(c-'0')
		case c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			r = r<<4 | rune(c-'a'+10)
		}
	}
	return r
}
